-- Batches that a handler cannot take, parked so that the stream continues, and delivered again or discarded later
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;
SET factstr.background_delivery = off;
\set VERBOSITY terse

CREATE TABLE seen (id int GENERATED ALWAYS AS IDENTITY, number bigint, what text, role name DEFAULT current_user);
CREATE TABLE bad (number bigint);
CREATE FUNCTION handle(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO seen (number, what)
	SELECT (r->>'sequence_number')::bigint, r->>'payload' FROM jsonb_array_elements(event_records) r;
	IF event_records->0->'sequence_number' IN (SELECT to_jsonb(number) FROM bad) THEN
		RAISE EXCEPTION 'cannot take %', event_records->0->>'payload' USING ERRCODE = 'P0008';
	END IF;
END $$;
CREATE VIEW state AS
SELECT name, cursor_sequence_number AS cursor, failure_count AS failures, park_after, parked_batches AS parked
FROM factstr_stream_status ORDER BY name;
CREATE VIEW parked AS
SELECT stream, first_sequence_number AS first, last_sequence_number AS last, failure_count AS failures, error,
	parked_at <= now() AS has_time
FROM factstr_parked_batches ORDER BY 1, 2;

SELECT max(last_sequence_number)
FROM generate_series(1, 10) n, factstr_append(jsonb_build_array(
	jsonb_build_object('event_type', 'do', 'payload', 'secret ' || n),
	'{"event_type": "other", "payload": null}'::jsonb));
SELECT factstr_subscribe('s', '{"filters": [{"event_types": ["do"]}]}', 'handle(jsonb)');
INSERT INTO bad VALUES (7), (15);

-- By default no batch is set aside.
SELECT park_after, parked FROM state;
CALL factstr_deliver('s');
CALL factstr_deliver('s');
CALL factstr_deliver('s');
SELECT * FROM state;

-- After two failures; this one has three already.
SELECT factstr_park_after('s', 2);
CALL factstr_deliver('s');
SELECT * FROM state;
SELECT * FROM parked;
CALL factstr_deliver('s');
CALL factstr_deliver('s');
SELECT * FROM state;
SELECT * FROM parked;
SELECT array_agg(number ORDER BY id) FROM seen;

-- It is delivered again with its current content, in a transaction with the handler's writes, in any order.
SELECT factstr_redeliver_parked('s', 7);
SELECT * FROM parked;
DELETE FROM bad;
SELECT factstr_redeliver_parked('s', 8), factstr_redeliver_parked('s', 15), factstr_redeliver_parked('s', 15);
BEGIN;
SELECT factstr_redeliver_parked('s', 7);
SELECT array_agg(number ORDER BY id) FROM seen;
SELECT count(*) FROM parked;
ROLLBACK;
SELECT factstr_redeliver_parked('s', first) FROM parked;
SELECT array_agg(number ORDER BY id) FROM seen;
SELECT * FROM state;

-- Discarded
SELECT factstr_stream_seek('s', 12);
INSERT INTO bad VALUES (15), (17);
CALL factstr_deliver('s');
CALL factstr_deliver('s');
CALL factstr_deliver('s');
CALL factstr_deliver('s');
CALL factstr_deliver('s');
SELECT * FROM parked;
SELECT factstr_discard_parked('s', 15), factstr_discard_parked('s', 15), factstr_discard_parked('s', 16);
SELECT * FROM parked;

-- A batch that is ahead of the cursor again is no longer parked.
SELECT factstr_stream_seek('s', 17);
SELECT * FROM parked;
DELETE FROM bad;
TRUNCATE seen;
CALL factstr_deliver('s');
SELECT array_agg(number ORDER BY id) FROM seen;

-- A redaction erases the errors of parked batches, and a batch is delivered as it is then.
INSERT INTO bad VALUES (19);
SELECT factstr_stream_seek('s', 18);
CALL factstr_deliver('s');
CALL factstr_deliver('s');
CALL factstr_deliver('s');
SELECT first, error FROM parked;
SELECT factstr_redact(19, '"erased"', 'asked for');
SELECT first, error FROM parked;
SELECT factstr_redeliver_parked('s', 19);
DELETE FROM bad;
SELECT factstr_redeliver_parked('s', 19);
SELECT number, what FROM seen WHERE number = 19;
-- A failure of a batch that no longer matches does not count.
INSERT INTO bad VALUES (1);
SELECT factstr_stream_seek('s', 0);
CALL factstr_deliver('s');
CALL factstr_deliver('s');
CALL factstr_deliver('s');
SELECT factstr_stream_set_query('s', '{"filters": [{"event_types": ["nothing"]}]}');
TRUNCATE seen;
SELECT factstr_redeliver_parked('s', 1);
SELECT (SELECT count(*) FROM seen) AS seen, (SELECT count(*) FROM parked) AS parked;
SELECT factstr_stream_set_query('s', '{"filters": [{"event_types": ["do"]}]}');

-- The handler may discard, and ask for the same batch.
CREATE OR REPLACE FUNCTION handle(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO seen (number, what)
	VALUES ((event_records->0->>'sequence_number')::bigint, factstr_redeliver_parked('s', 1)::text);
	IF EXISTS (SELECT FROM bad) THEN
		RAISE EXCEPTION 'cannot take it';
	END IF;
END $$;
SELECT factstr_stream_seek('s', 0);
CALL factstr_deliver('s');
CALL factstr_deliver('s');
CALL factstr_deliver('s');
DELETE FROM bad;
TRUNCATE seen;
SELECT factstr_redeliver_parked('s', 1);
SELECT number, what FROM seen;

-- Failures are of one batch.  If a redaction takes it from the stream, the next one has all its attempts.
CREATE FUNCTION always_fails(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'cannot take %', event_records->0->>'payload';
END $$;
CREATE FUNCTION append_in_turn(first int, last int) RETURNS SETOF bigint LANGUAGE sql
	AS $$ SELECT a.last_sequence_number FROM generate_series(first, last) n, factstr_append(
	jsonb_build_array(jsonb_build_object('event_type', CASE n % 2 WHEN 1 THEN 'turn' ELSE 'none' END, 'payload',
	jsonb_build_object('kind', 'due')))) a $$;
SELECT array_agg(n) FROM append_in_turn(1, 8) n;
SELECT factstr_subscribe('r', '{"filters": [{"payload_predicates": [{"kind": "due"}], "event_types": ["turn"]}]}',
	'always_fails(jsonb)');
SELECT factstr_park_after('r', 2);
CALL factstr_deliver('r');
SELECT * FROM state WHERE name = 'r';
SELECT factstr_redact(21, '"erased"', 'asked for');
CALL factstr_deliver('r');
SELECT * FROM state WHERE name = 'r';
CALL factstr_deliver('r');
SELECT * FROM state WHERE name = 'r';
-- The same for one that would be parked next.
SELECT factstr_redact(23, '"erased"', 'asked for');
CALL factstr_deliver('r');
SELECT * FROM state WHERE name = 'r';
SELECT first FROM parked WHERE stream = 'r';
-- And if nothing else matches for now.
CALL factstr_deliver('r');
SELECT factstr_redact(n, '"erased"', 'asked for') FROM unnest('{25,27}'::int[]) n;
CALL factstr_deliver('r');
SELECT * FROM state WHERE name = 'r';
SELECT array_agg(n) FROM append_in_turn(9, 10) n;
CALL factstr_deliver('r');
SELECT * FROM state WHERE name = 'r';
CALL factstr_deliver('r');
CALL factstr_deliver('r');
SELECT * FROM state WHERE name = 'r';
SELECT first, last, failures FROM parked WHERE stream = 'r';
SELECT factstr_stream_drop('r');

-- Rights: those of the subscriber are needed, and used.
CREATE ROLE regress_factstr_subscriber;
CREATE ROLE regress_factstr_other;
GRANT EXECUTE ON FUNCTION factstr_subscribe(text, jsonb, regprocedure, text, integer, text, text),
	factstr_park_after(text, integer, text), factstr_redeliver_parked(text, bigint, text),
	factstr_discard_parked(text, bigint, text)
TO regress_factstr_subscriber, regress_factstr_other;
GRANT UPDATE ON factstr_main_log TO regress_factstr_subscriber, regress_factstr_other;
GRANT CREATE ON SCHEMA public TO regress_factstr_subscriber;
GRANT INSERT ON seen TO regress_factstr_subscriber;
GRANT SELECT ON bad TO regress_factstr_subscriber;
SET ROLE regress_factstr_subscriber;
CREATE FUNCTION of_subscriber(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO seen (number, what) VALUES ((event_records->0->>'sequence_number')::bigint, 'by role');
	IF EXISTS (SELECT FROM bad) THEN
		RAISE EXCEPTION 'cannot take it';
	END IF;
END $$;
SELECT factstr_subscribe('of role', '{"filters": [{"event_types": ["do"]}]}', 'of_subscriber(jsonb)');
SELECT factstr_park_after('of role', 1);
RESET ROLE;
INSERT INTO bad VALUES (1);
CALL factstr_deliver('of role');
CALL factstr_deliver('of role');
DELETE FROM bad;
SELECT count(*) > 0 AS parked, min(first) FROM parked WHERE stream = 'of role';
SET ROLE regress_factstr_other;
SELECT call, f.state, f.message
FROM (VALUES (1, $$factstr_park_after('of role', NULL)$$), (2, $$factstr_redeliver_parked('of role', 1)$$),
	(3, $$factstr_discard_parked('of role', 1)$$)) c(n, call), pg_temp.failure('SELECT ' || call) f
ORDER BY n;
SELECT f.state FROM pg_temp.failure('SELECT * FROM factstr_parked_batches') f;
RESET ROLE;
TRUNCATE seen;
SELECT factstr_redeliver_parked('of role', 1);
SELECT number, what, role FROM seen;
SET ROLE regress_factstr_subscriber;
SELECT factstr_discard_parked('of role', 3);
RESET ROLE;

-- Errors
SELECT factstr_unsubscribe('s');
SELECT call, f.*
FROM (VALUES
	(1, $$factstr_park_after('s', 0)$$), (2, $$factstr_park_after('none', 1)$$), (3, $$factstr_park_after(NULL, 1)$$),
	(4, $$factstr_redeliver_parked('s', 1)$$), (5, $$factstr_redeliver_parked('none', 1)$$),
	(6, $$factstr_redeliver_parked('s', NULL)$$), (7, $$factstr_redeliver_parked('s', -1)$$),
	(8, $$factstr_discard_parked('none', 1)$$), (9, $$factstr_discard_parked('s', NULL)$$)) c(n, call),
	pg_temp.failure('SELECT ' || call) f
ORDER BY n;
BEGIN READ ONLY;
SELECT call, f.state, f.message
FROM (VALUES ($$factstr_park_after('s', 1)$$), ($$factstr_redeliver_parked('s', 1)$$),
	($$factstr_discard_parked('s', 1)$$)) c(call), pg_temp.failure('SELECT ' || call) f;
ROLLBACK;

-- A stream that is dropped takes its parked batches along.
INSERT INTO bad VALUES (1);
SELECT factstr_stream_seek('of role', 0);
CALL factstr_deliver('of role');
CALL factstr_deliver('of role');
SELECT count(*) > 0 AS parked FROM parked WHERE stream = 'of role';
SELECT factstr_stream_drop('of role'), factstr_stream_drop('s');
SELECT count(*) FROM parked;

-- Partitions park by themselves, and keep the setting when there are more of them, but not batches.
CREATE FUNCTION refuse(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM bad) THEN
		RAISE EXCEPTION 'cannot take it';
	END IF;
END $$;
SELECT factstr_subscribe('in parts', '{}', 'refuse(jsonb)', 'first', 2, '$.none');
SELECT factstr_park_after('in parts', 1);
SELECT f.state, f.message FROM pg_temp.failure($$SELECT factstr_park_after('in parts#0', 2)$$) f;
CALL factstr_deliver('in parts');
CALL factstr_deliver('in parts');
DELETE FROM bad;
CALL factstr_deliver('in parts');
SELECT name, cursor, park_after, parked FROM state;
SELECT f.state, f.message, f.hint FROM pg_temp.failure($$SELECT factstr_stream_repartition('in parts', 3)$$) f;
SELECT factstr_redeliver_parked(stream, first) FROM parked;
SELECT factstr_stream_repartition('in parts', 3);
SELECT factstr_stream_set_query('in parts', '{"filters": [{"event_types": ["other"]}]}');
SELECT name, event_query FROM factstr_stream_status ORDER BY 1;
SELECT f.state, f.message FROM pg_temp.failure(
	$$SELECT factstr_stream_set_query('in parts', '{"partition": {"key": "$.a", "count": 2, "number": 1}}')$$) f;
SELECT f.state, f.message FROM pg_temp.failure($$SELECT factstr_stream_set_query('in parts#1', '{}')$$) f;
SELECT name, cursor, park_after, parked FROM state;
SELECT factstr_stream_drop('in parts');

DROP OWNED BY regress_factstr_subscriber, regress_factstr_other;
DROP ROLE regress_factstr_subscriber, regress_factstr_other;
DROP VIEW state, parked;
DROP TABLE seen, bad;
DROP EXTENSION factstr CASCADE;
DROP FUNCTION handle, refuse, always_fails, append_in_turn;
