-- No statement changes or deletes a fact, not even as the owner or a superuser.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;
SELECT factstr_append(pg_temp.events('a', 3), 'key');
SELECT factstr_redact(2, '{"n": 0}', 'a test');

-- Every statement that could change or delete facts, even one that finds no row
CREATE TEMP TABLE statements (n int GENERATED ALWAYS AS IDENTITY, statement text);
INSERT INTO statements (statement) VALUES
	('UPDATE factstr_events SET payload = ''1'''),
	('UPDATE factstr_events SET payload = ''1'' WHERE false'),
	('DELETE FROM factstr_events'),
	('DELETE FROM factstr_events WHERE sequence_number = 3'),
	('TRUNCATE factstr_events'),
	('WITH gone AS (DELETE FROM factstr_events RETURNING *) SELECT count(*) FROM gone'),
	('INSERT INTO factstr_events VALUES (4, 4, now(), ''a'', ''1'')'
		' ON CONFLICT (sequence_number) DO UPDATE SET payload = ''2'''),
	('UPDATE factstr_redactions SET reason = ''another'''),
	('DELETE FROM factstr_redactions'),
	('TRUNCATE factstr_redactions');
SELECT statement, f.state, f.message FROM statements, pg_temp.failure(statement) f ORDER BY n;
SELECT DISTINCT f.hint FROM statements, pg_temp.failure(statement) f;

-- Nor in a replica, nor by way of another table
SET session_replication_role = replica;
SELECT count(*) AS tried, count(*) FILTER (WHERE f.state <> '42809') AS not_refused
FROM statements, pg_temp.failure(statement) f;
RESET session_replication_role;
CREATE TABLE referring (fact bigint REFERENCES factstr_events ON DELETE CASCADE);
CREATE TABLE referred (type text PRIMARY KEY);
INSERT INTO referred VALUES ('a');
ALTER TABLE factstr_events ADD CONSTRAINT to_type FOREIGN KEY (event_type) REFERENCES referred
	ON DELETE CASCADE;
SELECT f.state, f.message FROM pg_temp.failure('DELETE FROM referred') f;
SELECT f.state, f.message FROM pg_temp.failure('TRUNCATE referred CASCADE') f;
ALTER TABLE factstr_events DROP CONSTRAINT to_type;
DROP TABLE referring, referred;
CREATE VIEW facts AS SELECT * FROM factstr_events;
SELECT f.state, f.message FROM pg_temp.failure('DELETE FROM facts') f;
DROP VIEW facts;
SELECT sequence_number, payload FROM factstr_events ORDER BY 1;

-- Allowed, because no fact changes: inserts like those of a restore, row locks, a rewrite of the
-- table
COPY factstr_events FROM stdin;
4	4	2026-01-01 00:00:00+00	copied	{"n": 4}	\N	\N
\.
INSERT INTO factstr_events
VALUES (5, 5, '2026-01-01 00:00:00+00', 'inserted', '5') ON CONFLICT DO NOTHING;
SELECT sequence_number FROM factstr_events WHERE sequence_number = 1 FOR UPDATE;
VACUUM FULL factstr_events;
CLUSTER factstr_events USING factstr_events_pkey;
SELECT (factstr_append(pg_temp.events('a', 1))).first_sequence_number;
SELECT count(*) FROM factstr_read();

-- On purpose, the owner and a superuser still can: they disable the trigger first.
BEGIN;
ALTER TABLE factstr_events DISABLE TRIGGER factstr_events_stay;
DELETE FROM factstr_events WHERE sequence_number = 6;
SELECT count(*) FROM factstr_events;
ROLLBACK;

-- The trigger function cannot be called.
SELECT f.state, f.message FROM pg_temp.failure('SELECT factstr_refuse_change()') f;

-- The extension can be dropped, and so can a schema with it.
DROP EXTENSION factstr CASCADE;
CREATE SCHEMA store;
CREATE EXTENSION factstr SCHEMA store;
SELECT store.factstr_append('[{"event_type": "a", "payload": 1}]');
SELECT f.state, f.message FROM pg_temp.failure('DELETE FROM store.factstr_events') f;
SELECT store.factstr_redact(1, '2', 'why');
SELECT sequence_number, reason FROM store.factstr_redactions;
SET client_min_messages = warning;
DROP SCHEMA store CASCADE;
