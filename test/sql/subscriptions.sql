-- Handlers: functions subscribed to durable streams, delivered to by hand. The workers that do so
-- by themselves are tested elsewhere.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;
SET factstr.background_delivery = off;

CREATE TABLE seen (id int GENERATED ALWAYS AS IDENTITY, stream text, facts text);
CREATE FUNCTION keep(stream text, event_records jsonb) RETURNS void LANGUAGE sql AS $$
	INSERT INTO seen (stream, facts)
	SELECT stream, string_agg(r->>'sequence_number', ' ' ORDER BY n)
	FROM jsonb_array_elements(event_records) WITH ORDINALITY e(r, n)
$$;
CREATE FUNCTION keep_all(event_records jsonb) RETURNS void LANGUAGE sql
	AS $$ SELECT keep('all', event_records) $$;
CREATE FUNCTION keep_a(event_records jsonb) RETURNS int LANGUAGE plpgsql
	AS $$ BEGIN PERFORM keep('a', event_records); RETURN 1; END $$;
CREATE VIEW status AS
SELECT name, cursor_sequence_number AS cursor, lag_facts AS lag, handler, failure_count AS failures,
	last_error, retry_at > now() AS pauses
FROM factstr_stream_status ORDER BY name;

-- A subscription is a durable stream with a handler; delivery is filtered, whole, in order (rule
-- 18), from the first fact (rule 24) or from now (rule 19)
SELECT factstr_append(
	'[{"event_type": "a", "payload": 1}, {"event_type": "b", "payload": 2},
		{"event_type": "a", "payload": 3}]');
SELECT factstr_append('[{"event_type": "b", "payload": 4}]');
SELECT factstr_subscribe('all', '{}', 'keep_all(jsonb)');
SELECT factstr_subscribe('a', '{"filters": [{"event_types": ["a"]}]}', 'keep_a(jsonb)');
SELECT factstr_subscribe(
	'a from now', '{"filters": [{"event_types": ["a"]}]}', 'keep_a(jsonb)', 'now');
CALL factstr_deliver('all');
CALL factstr_deliver('a');
CALL factstr_deliver('a from now');
SELECT stream, facts FROM seen ORDER BY id;
SELECT * FROM status;
SELECT factstr_append('[{"event_type": "b", "payload": 5}, {"event_type": "a", "payload": 6}]');
CALL factstr_deliver('all');
CALL factstr_deliver('a');
CALL factstr_deliver('a from now');
CALL factstr_deliver('a');
SELECT stream, facts FROM seen ORDER BY id OFFSET 3;
SELECT * FROM status;
SELECT handler, subscriber = current_user AS mine FROM factstr_stream_status WHERE name = 'a';

-- rule 28: a failure rolls back the handler's writes, the view shows it, and the batch is delivered
-- again before any later one
CREATE OR REPLACE FUNCTION keep_all(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM keep('failing', event_records);
	IF event_records @> '[{"payload": 8}]' THEN
		RAISE EXCEPTION 'no eights' USING ERRCODE = 'P0008';
	END IF;
END $$;
SELECT factstr_append('[{"event_type": "b", "payload": 7}]');
SELECT factstr_append('[{"event_type": "b", "payload": 8}]');
SELECT factstr_append('[{"event_type": "b", "payload": 9}]');
CALL factstr_deliver('all');
CALL factstr_deliver('all');
SELECT stream, facts FROM seen WHERE stream = 'failing';
SELECT * FROM status WHERE name = 'all';
SELECT last_failed_at <= now() AS failed,
	retry_at - last_failed_at BETWEEN interval '0.4 s' AND interval '0.6 s' AS pause_has_doubled
FROM factstr_stream_status WHERE name = 'all';
-- While it pauses another consumer may take over, from the same cursor; the handler continues after
-- it.
BEGIN;
SELECT first_sequence_number FROM factstr_stream_next('all');
SELECT factstr_stream_ack('all', 8);
COMMIT;
SELECT * FROM status WHERE name = 'all';
CALL factstr_deliver('all');
SELECT stream, facts FROM seen WHERE stream = 'failing';
SELECT * FROM status WHERE name = 'all';
-- When the handler works again, delivery continues; subscribing again ends the pause at once.
SELECT factstr_append('[{"event_type": "b", "payload": 8}]');
CALL factstr_deliver('all');
SELECT pauses FROM status WHERE name = 'all';
CREATE OR REPLACE FUNCTION keep_all(event_records jsonb) RETURNS void LANGUAGE sql
	AS $$ SELECT keep('mended', event_records) $$;
SELECT factstr_subscribe('all', '{"filters": []}', 'keep_all(jsonb)');
SELECT * FROM status WHERE name = 'all';
CALL factstr_deliver('all');
SELECT stream, facts FROM seen WHERE stream = 'mended';

-- In a transaction block all of it is part of that, and the failure fails it.
SELECT factstr_append('[{"event_type": "a", "payload": 10}]'),
	factstr_append('[{"event_type": "a", "payload": 11}]');
BEGIN;
CALL factstr_deliver('a');
SELECT stream, facts FROM seen ORDER BY id DESC LIMIT 2;
SELECT cursor_sequence_number FROM factstr_stream_status WHERE name = 'a';
-- rule 18: not its own facts, which are not committed
SELECT factstr_append('[{"event_type": "a", "payload": 12}]');
CALL factstr_deliver('a');
SELECT cursor_sequence_number FROM factstr_stream_status WHERE name = 'a';
ROLLBACK;
SELECT cursor_sequence_number FROM factstr_stream_status WHERE name = 'a';
CALL factstr_deliver('a');
SELECT cursor_sequence_number FROM factstr_stream_status WHERE name = 'a';

-- rule 22: a handler may append, query, subscribe, unsubscribe, and do with its own stream as it
-- likes
CREATE FUNCTION reacting(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	what text := event_records->0->>'payload';
BEGIN
	IF what = 'append' THEN
		PERFORM factstr_append(
			jsonb_build_array(
				jsonb_build_object(
					'event_type', 'reaction', 'payload', event_records->0->'sequence_number')));
	ELSIF what = 'query' THEN
		PERFORM keep('reacting', q.event_records)
		FROM factstr_query('{"filters": [{"event_types": ["reaction"]}]}') q;
	ELSIF what = 'subscribe' THEN
		PERFORM factstr_subscribe(
			'subscribed by a handler', '{"filters": [{"event_types": ["reaction"]}]}',
			'keep_a(jsonb)');
		PERFORM factstr_unsubscribe('a from now');
	ELSIF what = 'acknowledge' THEN
		PERFORM factstr_stream_ack('reacting', (event_records->0->>'sequence_number')::bigint);
	ELSIF what = 'seek' THEN
		PERFORM factstr_stream_seek('reacting', (SELECT max(sequence_number) FROM factstr_events));
	ELSIF what = 'unsubscribe' THEN
		PERFORM factstr_unsubscribe('reacting');
	ELSIF what = 'drop' THEN
		PERFORM factstr_stream_drop('reacting');
	END IF;
END $$;
SELECT factstr_subscribe(
	'reacting', '{"filters": [{"event_types": ["do"]}]}', 'reacting(jsonb)', 'now');
CREATE FUNCTION pg_temp.tell(what text) RETURNS bigint LANGUAGE sql AS $$
	SELECT first_sequence_number
	FROM factstr_append(jsonb_build_array(jsonb_build_object('event_type', 'do', 'payload', what)))
$$;
SELECT pg_temp.tell('append');
SELECT pg_temp.tell('query');
SELECT pg_temp.tell('subscribe');
SELECT pg_temp.tell('acknowledge');
CALL factstr_deliver('reacting');
SELECT sequence_number, payload FROM factstr_read('{"filters": [{"event_types": ["reaction"]}]}');
SELECT facts FROM seen WHERE stream = 'reacting';
SELECT name, handler FROM status WHERE name ~ 'from now|by a handler';
SELECT pg_temp.tell('seek'), pg_temp.tell('passed'), pg_temp.tell('passed too');
CALL factstr_deliver('reacting');
SELECT * FROM status WHERE name = 'reacting';
SELECT pg_temp.tell('unsubscribe'), pg_temp.tell('append');
CALL factstr_deliver('reacting');
SELECT * FROM status WHERE name = 'reacting';
SELECT factstr_subscribe('reacting', '{"filters": [{"event_types": ["do"]}]}', 'reacting(jsonb)');
CALL factstr_deliver('reacting');
SELECT pg_temp.tell('drop');
CALL factstr_deliver('reacting');
SELECT count(*) FROM status WHERE name = 'reacting';

-- rule 21, rule 30: unsubscribing is idempotent, and keeps the stream and its cursor
SELECT factstr_unsubscribe('all'), factstr_unsubscribe('all'), factstr_unsubscribe('none');
SELECT name, handler FROM status WHERE name = 'all';
CALL factstr_deliver('all');
SELECT count(*) > 0 AS goes_on FROM factstr_stream_next('all');
CALL factstr_deliver('none');

-- rule 25: subscribed again with another query
SELECT f.state FROM pg_temp.failure($$SELECT factstr_subscribe('a', '{}', 'keep_a(jsonb)')$$) f;

-- Constraints that are deferred to the commit are the handler's.
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION add_child(event_records jsonb) RETURNS void LANGUAGE sql
	AS $$ INSERT INTO child VALUES (7) $$;
SELECT factstr_subscribe(
	'children', '{"filters": [{"event_types": ["reaction"]}]}', 'add_child(jsonb)');
CALL factstr_deliver('children');
SELECT name, failures, last_error FROM status WHERE name = 'children';

-- Functions that cannot be handlers
CREATE FUNCTION takes_json(json) RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION takes_two(jsonb, int) RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION takes_many(jsonb) RETURNS SETOF int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION pg_temp.temporary(jsonb) RETURNS void LANGUAGE sql AS '';
CREATE PROCEDURE proc(jsonb) LANGUAGE sql AS '';
SELECT handler, f.state, regexp_replace(f.message, 'pg_temp_\d+', 'pg_temp') AS message, f.detail
FROM (VALUES
	(1, 'takes_json(json)'), (2, 'takes_two(jsonb, int)'), (3, 'takes_many(jsonb)'),
	(4, 'temporary(jsonb)'), (5, 'proc(jsonb)'), (6, 'jsonb_agg(anyelement)'),
	(7, 'missing(jsonb)'), (8, '0')) h(n, handler),
	pg_temp.failure(
		format(
			'SELECT factstr_subscribe(''x'', ''{}'', %L)',
			replace(handler, 'temporary', 'pg_temp.temporary'))) f
ORDER BY n;
SELECT call, f.*
FROM (VALUES
	(1, $$factstr_subscribe(NULL, '{}', 'keep_a(jsonb)')$$),
	(2, $$factstr_subscribe('x', NULL, 'keep_a(jsonb)')$$),
	(3, $$factstr_subscribe('x', '{}', NULL)$$),
	(4, $$factstr_subscribe('x', '{}', 'keep_a(jsonb)', 'later')$$),
	(5, $$factstr_subscribe('x', '{"after": 1}', 'keep_a(jsonb)')$$),
	(6, $$factstr_unsubscribe(NULL)$$)) c(n, call), pg_temp.failure('SELECT ' || call) f
ORDER BY n;
CALL factstr_deliver(NULL);
SELECT count(*) FROM status WHERE name = 'x';
BEGIN READ ONLY;
SELECT call, f.state, f.message
FROM (VALUES
	($$SELECT factstr_subscribe('x', '{}', 'keep_a(jsonb)')$$),
	($$SELECT factstr_unsubscribe('a')$$), ($$CALL factstr_deliver('a')$$)) c(call),
	pg_temp.failure(call) f;
SELECT factstr_subscribe(
	'a', '{"filters": [{"event_types": ["a"]}]}', 'keep_a(jsonb)') AS the_same_again;
ROLLBACK;

-- A handler that comes and goes: it is known by its name.
DROP FUNCTION keep_a;
SELECT factstr_append('[{"event_type": "a", "payload": 13}]');
CALL factstr_deliver('a');
SELECT last_error FROM status WHERE name = 'a';
CREATE FUNCTION keep_a(event_records jsonb, more int DEFAULT 0) RETURNS void LANGUAGE sql
	AS $$ SELECT keep('other', event_records) $$;
CALL factstr_deliver('a');
CREATE FUNCTION keep_a(event_records jsonb) RETURNS SETOF int LANGUAGE sql AS $$ SELECT 1 $$;
CALL factstr_deliver('a');
DROP FUNCTION keep_a(jsonb);
CREATE FUNCTION keep_a(event_records jsonb) RETURNS void LANGUAGE sql
	AS $$ SELECT keep('a again', event_records) $$;
CALL factstr_deliver('a');
SELECT stream, facts FROM seen WHERE stream IN ('other', 'a again');
-- A name that needs quotes
CREATE SCHEMA "Schema ""x";
CREATE FUNCTION "Schema ""x"."Handler.y"(jsonb) RETURNS void LANGUAGE sql
	AS $$ SELECT public.keep('quoted', $1) $$;
SELECT factstr_subscribe(
	'quoted', '{"filters": [{"event_types": ["a"]}]}', '"Schema ""x"."Handler.y"(jsonb)');
CALL factstr_deliver('quoted');
SELECT handler, cursor, failures FROM status WHERE name = 'quoted';
SELECT stream, facts FROM seen WHERE stream = 'quoted';

-- A handler runs with the rights of its subscriber, with any delivering role.
CREATE ROLE regress_factstr_subscriber;
CREATE ROLE regress_factstr_other;
GRANT EXECUTE ON FUNCTION factstr_subscribe(text, jsonb, regprocedure, text, integer, text, text),
	factstr_append(jsonb, text, boolean, text) TO regress_factstr_subscriber, regress_factstr_other;
GRANT EXECUTE ON PROCEDURE factstr_deliver(text, text) TO regress_factstr_subscriber,
	regress_factstr_other;
GRANT INSERT, UPDATE ON factstr_main_log TO regress_factstr_subscriber, regress_factstr_other;
GRANT CREATE ON SCHEMA public TO regress_factstr_subscriber, regress_factstr_other;
SET ROLE regress_factstr_subscriber;
CREATE TABLE whose (who text);
CREATE FUNCTION who(event_records jsonb) RETURNS void LANGUAGE sql
	AS $$ INSERT INTO whose VALUES (current_user) $$;
CREATE FUNCTION escape(event_records jsonb) RETURNS void LANGUAGE plpgsql
	AS $$ BEGIN EXECUTE 'SET ROLE regress_factstr_other'; END $$;
CREATE FUNCTION leave_cursor(event_records jsonb) RETURNS void LANGUAGE plpgsql
	AS $$ BEGIN EXECUTE 'DECLARE c CURSOR WITH HOLD FOR SELECT 1'; END $$;
CREATE FUNCTION leave_table(event_records jsonb) RETURNS void LANGUAGE plpgsql
	AS $$ BEGIN CREATE TEMP TABLE mine (n int); END $$;
REVOKE EXECUTE ON FUNCTION who(jsonb) FROM PUBLIC;
SELECT factstr_subscribe(h, '{}', (h || '(jsonb)')::regprocedure, 'now') IS NOT NULL AS subscribed
FROM unnest(ARRAY['who', 'escape', 'leave_cursor', 'leave_table']) h;
SELECT factstr_append('[{"event_type": "c", "payload": 1}]') IS NOT NULL AS appended;
RESET ROLE;
CALL factstr_deliver('who');
SELECT * FROM whose;
SELECT current_user = session_user AS myself_again;
CALL factstr_deliver('escape');
CALL factstr_deliver('leave_cursor');
CALL factstr_deliver('leave_table');
SELECT current_user = session_user AS myself_again;
-- Only a role that may become the subscriber delivers for it.
SET ROLE regress_factstr_other;
CALL factstr_deliver('who');
-- A role cannot subscribe a function of another role, which would run with its rights.
SELECT f.* FROM pg_temp.failure($$SELECT factstr_subscribe('mine', '{}', 'escape(jsonb)')$$) f;
SELECT f.state, f.message
FROM pg_temp.failure($$SELECT factstr_subscribe('mine', '{}', 'who(jsonb)')$$) f;
SELECT factstr_subscribe('mine', '{}', 'jsonb_typeof(jsonb)', 'now')
	IS NOT NULL AS a_superusers_function_is_fine;
RESET ROLE;
SELECT f.message FROM pg_temp.failure(
	$$SELECT factstr_subscribe('mine', '{}', 'escape(jsonb)', 'now')$$) f;
-- Nor does a function run that another role has put in the handler's place.
DROP FUNCTION who;
SET ROLE regress_factstr_other;
CREATE FUNCTION who(event_records jsonb) RETURNS void LANGUAGE sql
	AS $$ INSERT INTO whose VALUES ('hijacked') $$;
SELECT factstr_append('[{"event_type": "c", "payload": 2}]') IS NOT NULL AS appended;
RESET ROLE;
CALL factstr_deliver('who');
SELECT * FROM whose;
SELECT last_error FROM status WHERE name = 'who';
DROP OWNED BY regress_factstr_subscriber, regress_factstr_other;
DROP ROLE regress_factstr_subscriber, regress_factstr_other;
CALL factstr_deliver('who');

DROP VIEW status;
DROP SCHEMA "Schema ""x" CASCADE;
DROP EXTENSION factstr CASCADE;
