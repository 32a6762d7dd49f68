-- Consuming facts in psql with a durable stream: exactly once, into a table.
--
--     psql -f examples/consumers/durable.sql        (a database with the extension)
--
-- It takes the next batches, at most 1000 (-v batches=N), and ends: psql cannot wait for a notification, as
-- the programs in this directory do. Started again, manually or by cron, it continues where it stopped. Append
-- something in between, and see it arrive:
--
--     psql -c "SELECT factstr_append('[{\"event_type\": \"student-subscribed\",
--                                       \"payload\": {\"course\": \"c1\", \"student\": \"ada\"}}]')"

\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\if :{?batches} \else \set batches 1000 \endif
-- Not worth a notice: that the table exists already.
SET client_min_messages = warning;

-- The first time, the stream and the table. Later this finds both.
BEGIN;
SELECT factstr_stream_open('enrolments', '{"filters": [{"event_types": ["student-subscribed"]}]}') \gset
CREATE TABLE IF NOT EXISTS enrolments (course text, student text);
COMMIT;

-- The cursor moves in the transaction that writes. If psql, its connection or the server fails,
-- either both the rows and the new position are committed, or neither, and the same batches come
-- again. A second consumer of the stream, in any language, waits here for its turn.
BEGIN;
CREATE TEMP TABLE batch AS
  SELECT * FROM factstr_stream_next('enrolments', :batches);
INSERT INTO enrolments (course, student)
  SELECT record->'payload'->>'course', record->'payload'->>'student'
  FROM batch, jsonb_array_elements(event_records) AS record;
SELECT count(*) > 0 AS some, max(last_sequence_number) AS newest FROM batch \gset
\if :some
	SELECT factstr_stream_ack('enrolments', :newest) \gset
\endif
COMMIT;

-- The batches.
\pset tuples_only on
\pset format unaligned
SELECT format('facts %s-%s: %s', first_sequence_number, last_sequence_number,
	string_agg(format('%s %s', record->>'event_type', record->'payload'), ', ' ORDER BY position))
FROM batch, jsonb_array_elements(event_records) WITH ORDINALITY AS records (record, position)
GROUP BY first_sequence_number, last_sequence_number
ORDER BY first_sequence_number;
\pset format aligned
\pset tuples_only off
DROP TABLE batch;

-- Where the stream is now.
SELECT name, cursor_sequence_number, head_sequence_number, lag_facts, last_success_at
FROM factstr_stream_status;
