-- The state of the log at a glance, and where it stood at a time.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

-- An empty log
SELECT head_sequence_number, last_appended_at, facts_last_minute, facts_last_hour, redactions,
	streams, failing_streams, largest_lag_facts,
	table_bytes, toast_bytes > 0 AS has_toast, pending_pages, append_lock_holders,
	append_lock_waiters
FROM factstr_status;
SELECT factstr_position_at('-infinity'), factstr_position_at(now()),
	factstr_position_at('infinity');

-- Its content
SELECT factstr_append(pg_temp.events('a', 3)), factstr_append(pg_temp.events('b', 2));
SELECT factstr_redact(1, '{}', 'why'), factstr_redact(1, '{}', 'why');
SELECT factstr_stream_open('first'), factstr_stream_open('last', start => 'now');
SELECT factstr_stream_ack('first', 3);
SELECT head_sequence_number,
	last_appended_at = (SELECT max(occurred_at) FROM factstr_events) AS of_the_newest,
	facts_last_minute, facts_last_hour, redactions, streams, failing_streams, largest_lag_facts
FROM factstr_status;
SELECT table_bytes = pg_relation_size('factstr_events') AS table_size, table_bytes > 0 AS some,
	pending_pages
FROM factstr_status;
SELECT index, bytes::bigint = pg_relation_size(index::regclass) AS size
FROM factstr_status, jsonb_each(index_bytes) i(index, bytes) ORDER BY 1;
VACUUM factstr_events;
SELECT pending_pages FROM factstr_status;
SELECT factstr_stream_drop('first'), factstr_stream_drop('last');
SELECT streams, failing_streams, largest_lag_facts FROM factstr_status;
-- The session that is appending is this one.
BEGIN;
SELECT (factstr_append(pg_temp.events('c', 1))).first_sequence_number;
SELECT append_lock_holders = ARRAY[pg_backend_pid()] AS me, append_lock_waiters FROM factstr_status;
SELECT head_sequence_number FROM factstr_status;
ROLLBACK;
SELECT append_lock_holders, head_sequence_number FROM factstr_status;

-- An index that is dropped and created again, and another
DROP INDEX factstr_events_event_type_idx;
CREATE INDEX factstr_events_event_type_idx ON factstr_events (event_type, sequence_number);
CREATE INDEX another ON factstr_events (occurred_at);
SELECT index FROM factstr_status, jsonb_object_keys(index_bytes) index ORDER BY 1;
DROP INDEX another;

-- Times: facts at seconds 10, 20, ... of batches of three, and rates that end now
BEGIN;
ALTER TABLE factstr_events DISABLE TRIGGER factstr_events_stay;
TRUNCATE factstr_events;
INSERT INTO factstr_events
SELECT n, n - (n - 1) % 3, '2026-01-01 00:00:00+00'::timestamptz + (n + 2) / 3 * interval '10 s',
	'a', '1'
FROM generate_series(1, 1000) n;
SELECT time, factstr_position_at(time::timestamptz),
	(SELECT count(*) FROM factstr_events WHERE occurred_at < time::timestamptz) AS counted
FROM (VALUES
	('2025-12-31 00:00:00+00'), ('2026-01-01 00:00:10+00'), ('2026-01-01 00:00:10.000001+00'),
	('2026-01-01 00:00:20+00'), ('2026-01-01 00:17:00+00'), ('2026-01-01 00:55:40+00'),
	('2026-01-01 00:55:41+00'), ('infinity')) t(time);
SELECT count(*) AS tried,
	count(*) FILTER (
		WHERE factstr_position_at(t)
			<> (SELECT count(*) FROM factstr_events WHERE occurred_at < t)) AS different
FROM generate_series('2026-01-01 00:00:00+00'::timestamptz, '2026-01-01 01:00:00+00', '7 s') t;
UPDATE factstr_events SET occurred_at = now() - (1000 - sequence_number) * interval '1 s';
SELECT facts_last_minute BETWEEN 50 AND 60 AS minute, facts_last_hour FROM factstr_status;
UPDATE factstr_events SET occurred_at = occurred_at - interval '30 minutes';
SELECT facts_last_minute, facts_last_hour FROM factstr_status;
-- Also in a log with gaps, where the fact that was asked for is not there
DELETE FROM factstr_events WHERE sequence_number % 7 <> 3 AND sequence_number < 990;
SELECT count(*) AS tried,
	count(*) FILTER (
		WHERE factstr_position_at(t)
			<> coalesce(
				(SELECT max(sequence_number) FROM factstr_events WHERE occurred_at < t),
				0)) AS different
FROM generate_series(now() - interval '50 minutes', now() - interval '29 minutes', '11 s') t;
ROLLBACK;

-- A stream can begin at such a position.
SELECT factstr_stream_open('since');
SELECT factstr_stream_seek(
	'since',
	factstr_position_at((SELECT occurred_at FROM factstr_events WHERE sequence_number = 4)));
SELECT first_sequence_number FROM factstr_stream_next('since', 10);
SELECT f.state, f.message FROM pg_temp.failure('SELECT factstr_position_at(NULL)') f;
DROP EXTENSION factstr CASCADE;
