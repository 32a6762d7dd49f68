-- A redaction erases the messages of streams' errors, which may quote the content of a fact.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
SET factstr.background_delivery = off;
CREATE EXTENSION factstr;
SELECT factstr_append('[{"event_type": "a", "payload": {"age": "secret"}}]');
CREATE TABLE ages (age int);
CREATE FUNCTION handle(event_records jsonb) RETURNS void LANGUAGE sql AS
	$$INSERT INTO ages SELECT (event_records->0->'payload'->>'age')::int$$;
CREATE FUNCTION raise(event_records jsonb) RETURNS void LANGUAGE plpgsql AS
	$$BEGIN RAISE 'cannot handle %', event_records->0->'payload' USING ERRCODE = 'ABCDE'; END$$;
SELECT factstr_subscribe('casting', '{}', 'handle(jsonb)'), factstr_subscribe('raising', '{}',
	'raise(jsonb)'),
	factstr_subscribe('later', '{}', 'raise(jsonb)'), factstr_stream_open('by hand'),
	factstr_stream_open('pretending'), factstr_stream_open('untouched');
CALL factstr_deliver('casting');
CALL factstr_deliver('raising');
SELECT factstr_stream_hold('by hand') > 0, factstr_stream_hold('pretending') > 0;
SELECT factstr_stream_fail('by hand', 'no number: secret'),
	factstr_stream_fail('pretending', 'ADA01: secret');
CREATE TEMP TABLE before AS SELECT xmin::text AS version, * FROM factstr_streams;
SELECT name, last_error FROM factstr_stream_status ORDER BY name;

-- Rolled back with the redaction; permanent with it. Nothing else of the streams changes.
BEGIN;
SELECT factstr_redact(1, '{}', 'taken back');
SELECT name, last_error FROM factstr_stream_status ORDER BY name;
ROLLBACK;
SELECT count(*) FROM before JOIN factstr_streams s USING (name) WHERE before.version = s.xmin::text;
SELECT factstr_redact(1, '{"age": "3"}', 'asked for');
SELECT name, s.last_error FROM before b JOIN factstr_streams s USING (name)
	WHERE b.version = s.xmin::text;
SELECT name, s.last_error, s.failure_count
FROM before b JOIN factstr_streams s USING (name, event_query, cursor_sequence_number,
	failure_count, token)
WHERE (b.last_success_at, b.handler, b.subscriber, b.last_failed_at, b.retry_at)
	IS NOT DISTINCT FROM (s.last_success_at, s.handler, s.subscriber, s.last_failed_at, s.retry_at)
ORDER BY name;
-- A second one finds nothing to do.
CREATE TEMP TABLE erased AS SELECT xmin::text AS version, name FROM factstr_streams;
SELECT factstr_redact(1, '{"age": "3"}', 'again');
SELECT count(*) FROM erased e JOIN factstr_streams s USING (name) WHERE e.version = s.xmin::text;
-- The message stays erased when the stream continues, and later messages are kept as they are.
CALL factstr_deliver('casting');
SELECT age FROM ages;
CALL factstr_deliver('later');
SELECT name, cursor_sequence_number, last_error FROM factstr_stream_status
WHERE name IN ('casting', 'later') ORDER BY name;

-- Each redaction of a statement, even if parts of it were rolled back
SELECT factstr_append(pg_temp.events('b', 3));
SELECT factstr_stream_fail('by hand', 'first');
SELECT count(factstr_redact(sequence_number, '{}', 'many')) FROM factstr_read();
SELECT last_error FROM factstr_streams WHERE name = 'by hand';
SELECT factstr_stream_fail('by hand', 'second');
DO $$
BEGIN
	BEGIN
		PERFORM factstr_redact(1, '{}', 'taken back');
		RAISE EXCEPTION 'undo';
	EXCEPTION WHEN raise_exception THEN
		PERFORM factstr_redact(2, '{}', 'kept');
	END;
END
$$;
SELECT last_error FROM factstr_streams WHERE name = 'by hand';
BEGIN;
SELECT factstr_redact(1, '{}', 'in a transaction');
SELECT factstr_stream_fail('by hand', 'the transaction''s own');
SELECT last_error FROM factstr_streams WHERE name = 'by hand';
COMMIT;

-- By a handler, also for its own stream
CREATE FUNCTION redact(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF (SELECT count(*) FROM factstr_redactions WHERE reason = 'by a handler') = 0 THEN
		PERFORM factstr_redact(1, '{}', 'by a handler');
	END IF;
	IF current_setting('test.fails') = 'on' THEN
		RAISE 'cannot handle this';
	END IF;
END $$;
SELECT factstr_subscribe('casting', '{}', 'redact(jsonb)');
SET test.fails = on;
CALL factstr_deliver('casting');
SELECT cursor_sequence_number, last_error FROM factstr_streams WHERE name = 'casting';
SET test.fails = off;
CALL factstr_deliver('casting');
SELECT cursor_sequence_number, last_error FROM factstr_streams WHERE name = 'casting';
SELECT check_name FROM factstr_check(NULL) WHERE NOT ok;

DROP EXTENSION factstr CASCADE;
DROP TABLE ages;
DROP FUNCTION handle, raise, redact;
