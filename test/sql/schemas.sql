-- The extension in any schema, with any search_path, dropped and created again.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all

CREATE SCHEMA store;
CREATE SCHEMA hostile;
CREATE EXTENSION factstr SCHEMA store;
-- Everything of the extension is in its schema, and is named after it.
SELECT count(*) > 8 AS many,
	count(*) FILTER (WHERE i.schema <> 'store' OR i.identity !~ '^(store\.)?factstr_') AS elsewhere
FROM pg_depend d, pg_identify_object(d.classid, d.objid, 0) i
WHERE d.refclassid = 'pg_extension'::regclass
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'factstr') AND d.deptype = 'e';

-- Objects of the same names earlier in the path, temporary ones too, are ignored; so are operators
-- and functions that shadow PostgreSQL's own.
CREATE TABLE hostile.factstr_events (LIKE store.factstr_events INCLUDING ALL);
CREATE TEMP TABLE factstr_events (LIKE store.factstr_events);
CREATE FUNCTION hostile.trap() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
CREATE FUNCTION hostile.trap(jsonb, jsonb) RETURNS boolean LANGUAGE plpgsql
	AS $$ BEGIN RAISE 'trapped'; END $$;
CREATE FUNCTION hostile.trap(text, text) RETURNS boolean LANGUAGE plpgsql
	AS $$ BEGIN RAISE 'trapped'; END $$;
CREATE FUNCTION hostile.trap(bigint, bigint) RETURNS boolean LANGUAGE plpgsql
	AS $$ BEGIN RAISE 'trapped'; END $$;
CREATE OPERATOR hostile.@> (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = hostile.trap);
CREATE OPERATOR hostile.= (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.trap);
CREATE OPERATOR hostile.> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = hostile.trap);
CREATE OPERATOR hostile.<= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = hostile.trap);
CREATE FUNCTION hostile.now() RETURNS timestamptz LANGUAGE plpgsql
	AS $$ BEGIN RAISE 'trapped'; END $$;
CREATE FUNCTION hostile.factstr_matches(jsonb, text, jsonb) RETURNS boolean LANGUAGE plpgsql
	AS $$ BEGIN RAISE 'trapped'; END $$;
CREATE DOMAIN hostile.jsonb AS pg_catalog.jsonb CHECK (false);
SET search_path = hostile, pg_catalog, store, public;
SELECT 'a'::text = 'a'::text AS trapped;
SELECT * FROM store.factstr_append(
	'[{"event_type": "a", "payload": {"x": 1}}, {"event_type": "b", "payload": {"x": 2}}]', 'key');
SELECT * FROM store.factstr_append(
	'[{"event_type": "a", "payload": {"x": 1}}, {"event_type": "b", "payload": {"x": 2}}]', 'key');
SELECT * FROM store.factstr_append_if(
	'[{"event_type": "a", "payload": {"x": 1}}]',
	'{"filters": [{"event_types": ["a"], "payload_predicates": [{"x": 1}]}]}', 1);
SELECT * FROM store.factstr_try_append_if(
	'[{"event_type": "a", "payload": {"x": 1}}]',
	'{"filters": [{"payload_predicates": [{"x": 1}]}]}', 1);
SELECT committed_count
FROM store.factstr_append(
	(SELECT jsonb_agg('{"event_type": "filler", "payload": {"f": 1}}'::pg_catalog.jsonb)
		FROM generate_series(1, 600)));
SELECT last_returned_sequence_number, current_context_version
FROM store.factstr_query('{"filters": [{"payload_predicates": [{"x": 1}]}]}');
SELECT store.factstr_context_version('{"filters": [{"event_types": ["b"]}]}');
SELECT sequence_number, event_type
FROM store.factstr_read(
	'{"filters": [{"event_types": ["a"]}, {"payload_predicates": [{"x": 2}]}]}');
SELECT first_sequence_number, last_sequence_number
FROM store.factstr_batches('{"filters": [{"event_types": ["a"]}]}');
SELECT store.factstr_matches(
	'{"filters": [{"event_types": ["a"], "payload_predicates": [{"x": 1}]}]}', 'a',
	'{"x": 1, "y": 2}');
RESET search_path;
SELECT (SELECT count(*) FROM hostile.factstr_events) AS hostile,
	(SELECT count(*) FROM pg_temp.factstr_events) AS temporary,
	(SELECT count(*) FROM store.factstr_events) AS store;
-- Without any schema in the path, too.
SET search_path = '';
SELECT store.factstr_append('[{"event_type": "no path", "payload": 1}]');
RESET search_path;
DROP TABLE pg_temp.factstr_events;

-- It stays where it is.
ALTER EXTENSION factstr SET SCHEMA hostile;
SELECT extrelocatable FROM pg_extension WHERE extname = 'factstr';
-- Its table cannot be dropped alone.
DROP TABLE store.factstr_events;
DROP FUNCTION store.factstr_append(jsonb, text, boolean, text);

-- The log is part of a dump, all of it.
SELECT table_oid::regclass AS dumped, condition
FROM pg_extension, unnest(extconfig, extcondition) config(table_oid, condition)
WHERE extname = 'factstr' ORDER BY 1;

-- Dropped and created again, in the same session, elsewhere: a new log
DROP EXTENSION factstr CASCADE;
SELECT to_regclass('store.factstr_events') AS gone;
-- From PostgreSQL 18 on, with the statement of the script as the context.
\set SHOW_CONTEXT never
CREATE EXTENSION factstr SCHEMA hostile;
\set SHOW_CONTEXT errors
DROP TABLE hostile.factstr_events;
DROP FUNCTION hostile.factstr_matches(jsonb, text, jsonb);
DROP EXTENSION IF EXISTS factstr CASCADE;
CREATE EXTENSION factstr SCHEMA hostile;
SELECT hostile.factstr_append('[{"event_type": "new log", "payload": 1}]');
DROP EXTENSION factstr CASCADE;

-- In transactions that are rolled back
BEGIN;
CREATE EXTENSION factstr SCHEMA store;
SELECT store.factstr_append('[{"event_type": "rolled back", "payload": 1}]');
ROLLBACK;
CREATE EXTENSION factstr SCHEMA public;
SELECT public.factstr_append('[{"event_type": "in public", "payload": 1}]');
BEGIN;
DROP EXTENSION factstr CASCADE;
CREATE EXTENSION factstr SCHEMA store;
SELECT store.factstr_append('[{"event_type": "rolled back", "payload": 1}]');
SAVEPOINT s;
DROP EXTENSION factstr CASCADE;
ROLLBACK TO s;
SELECT store.factstr_append('[{"event_type": "rolled back", "payload": 2}]');
ROLLBACK;
SELECT public.factstr_append('[{"event_type": "still in public", "payload": 1}]');
SELECT event_type FROM factstr_read();

-- Not twice
CREATE EXTENSION factstr SCHEMA store;
DROP EXTENSION factstr CASCADE;
DROP SCHEMA store;
SET client_min_messages = warning;
DROP SCHEMA hostile CASCADE;
