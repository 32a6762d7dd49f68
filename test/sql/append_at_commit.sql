-- Appends that are put off to the commit of their transaction.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

CREATE FUNCTION pg_temp.at_commit(event_type text, count int = 1, key text = NULL) RETURNS text
LANGUAGE sql AS $$
	SELECT factstr_append(pg_temp.events(event_type, count), key, at_commit => true)::text
$$;
CREATE FUNCTION pg_temp.at_commit_if(event_type text, query jsonb, expected bigint) RETURNS text
LANGUAGE sql AS $$
	SELECT factstr_append_if(pg_temp.events(event_type, 1), query, expected, at_commit => true)::text
$$;
CREATE VIEW pg_temp.log AS
SELECT sequence_number, batch_first_sequence_number AS batch, event_type
FROM factstr_events;
CREATE VIEW pg_temp.holds_the_lock AS
SELECT count(*) FROM pg_locks
WHERE locktype = 'object' AND classid = 'factstr_events'::regclass AND pid = pg_backend_pid();

-- Nothing was committed in this session yet.
SELECT * FROM factstr_last_append();

-- A statement by itself: its commit follows at once.
SELECT * FROM factstr_append(pg_temp.events('alone', 2), at_commit => true);
SELECT * FROM factstr_last_append();
SELECT * FROM factstr_append(pg_temp.events('now', 1), at_commit => false);
SELECT * FROM factstr_last_append();

-- In a transaction: the lock is not taken, and the facts are not there before the commit.
BEGIN;
SELECT pg_temp.at_commit('second');
SELECT pg_temp.at_commit('third', 2);
SELECT * FROM pg_temp.holds_the_lock;
SELECT current_context_version FROM factstr_query();
SELECT * FROM factstr_last_append();
-- An immediate append comes first.
SELECT factstr_append(pg_temp.events('first', 1));
COMMIT;
SELECT * FROM pg_temp.log ORDER BY 1;
SELECT * FROM factstr_last_append();

-- A rollback to a savepoint discards the appends requested since.
BEGIN;
SELECT pg_temp.at_commit('kept');
SAVEPOINT one;
SELECT pg_temp.at_commit('rolled back');
SAVEPOINT two;
SELECT pg_temp.at_commit('rolled back');
RELEASE two;
ROLLBACK TO one;
SELECT pg_temp.at_commit('kept too');
SAVEPOINT three;
SELECT pg_temp.at_commit('released');
RELEASE three;
COMMIT;
SELECT * FROM pg_temp.log WHERE sequence_number > 7 ORDER BY 1;

-- So does a transaction; the last append stays the last that was committed.
BEGIN;
SELECT pg_temp.at_commit('rolled back');
ROLLBACK;
BEGIN;
SELECT factstr_append(pg_temp.events('rolled back', 1));
ROLLBACK;
SELECT * FROM factstr_last_append();

-- A transaction that fails, by itself or at its commit by a deferred constraint, appends nothing.
CREATE TABLE accounts (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED);
BEGIN;
SELECT pg_temp.at_commit('lost');
SELECT 1 / 0;
COMMIT;
BEGIN;
SELECT pg_temp.at_commit('lost');
INSERT INTO accounts VALUES (1), (1);
COMMIT;
SELECT * FROM factstr_last_append();

-- The call reports errors of its input.
BEGIN;
SELECT factstr_append('[]', at_commit => true);
ROLLBACK;
SELECT factstr_append('[{"event_type": "a"}]', at_commit => true);
SELECT factstr_append(pg_temp.events('a', 1), at_commit => NULL);
SELECT factstr_append_if(pg_temp.events('a', 1), '{"filters": 1}', 1, at_commit => true);
SELECT factstr_append_if(pg_temp.events('a', 1), NULL, 1, at_commit => true);
BEGIN READ ONLY;
SELECT pg_temp.at_commit('a');
ROLLBACK;

-- A context that has moved on: known at the call.
SELECT state, message, detail, hint FROM pg_temp.failure($$
	SELECT pg_temp.at_commit_if('kept', '{"filters": [{"event_types": ["kept"]}]}', NULL)$$);
SELECT state, detail FROM pg_temp.failure($$
	SELECT pg_temp.at_commit_if('kept', '{"filters": [{"event_types": ["kept"]}]}', 1000)$$);
-- Or at the commit: the transaction's own facts count.
CREATE TABLE rows_of_own (n int);
BEGIN;
INSERT INTO rows_of_own VALUES (1);
SELECT pg_temp.at_commit_if('kept', '{"filters": [{"event_types": ["kept"]}]}', 8);
SELECT factstr_append(pg_temp.events('kept', 1));
COMMIT;
\echo :SQLSTATE
TABLE rows_of_own;
BEGIN;
SELECT pg_temp.at_commit_if('kept', '{"filters": [{"event_types": ["kept"]}]}', 8);
SELECT pg_temp.at_commit_if('kept', '{"filters": [{"event_types": ["kept"]}]}', 8);
COMMIT;
\echo :SQLSTATE
BEGIN;
SELECT pg_temp.at_commit_if('kept', '{"filters": [{"event_types": ["kept"]}]}', 8);
SELECT pg_temp.at_commit_if('new', '{"filters": [{"event_types": ["new"]}]}', NULL);
INSERT INTO rows_of_own VALUES (2);
COMMIT;
SELECT * FROM pg_temp.log WHERE sequence_number > 10 ORDER BY 1;
TABLE rows_of_own;

-- Idempotency keys: a repeated call is answered at once, with its numbers.
BEGIN;
SELECT pg_temp.at_commit('keyed', 2, 'key');
SELECT pg_temp.at_commit('keyed', 2, 'key');
COMMIT;
SELECT * FROM factstr_last_append();
SELECT factstr_append(pg_temp.events('keyed', 2), 'key', true);
SELECT factstr_append(pg_temp.events('keyed', 2), 'key');
SELECT state, message FROM pg_temp.failure($$SELECT pg_temp.at_commit('keyed', 1, 'key')$$);
BEGIN;
SELECT pg_temp.at_commit('keyed', 1, 'other key');
SELECT pg_temp.at_commit('keyed', 2, 'other key');
COMMIT;
\echo :SQLSTATE
SELECT count(*) FROM factstr_events WHERE event_type = 'keyed';

-- Large values that are not kept in the row: the statement that brought them is over at the commit.
CREATE TABLE large (events jsonb);
INSERT INTO large
SELECT jsonb_build_array(jsonb_build_object('event_type', 'large', 'payload', string_agg(md5(n::text), '')))
FROM generate_series(1, 2000) n;
BEGIN;
SELECT factstr_append(events, at_commit => true) FROM large;
DELETE FROM large;
SELECT count(*) FROM generate_series(1, 100000);
COMMIT;
SELECT event_type, length(payload #>> '{}') FROM factstr_events WHERE event_type = 'large';

-- In functions, procedures that commit, and several in one statement.
DO $$
BEGIN
	PERFORM pg_temp.at_commit('procedure one');
	COMMIT;
	PERFORM pg_temp.at_commit('procedure lost');
	ROLLBACK;
	BEGIN
		PERFORM pg_temp.at_commit('procedure lost too');
		RAISE EXCEPTION 'no';
	EXCEPTION WHEN OTHERS THEN
		PERFORM pg_temp.at_commit('procedure two');
	END;
END
$$;
SELECT pg_temp.at_commit('series ' || n) FROM generate_series(1, 3) n;
SELECT event_type FROM pg_temp.log WHERE event_type LIKE ANY ('{procedure%,series%}') ORDER BY sequence_number;

-- REPEATABLE READ: behind facts that the transaction does not see, nothing is appended; here there are none.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT pg_temp.at_commit('repeatable read');
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT pg_temp.at_commit_if('serializable', '{"filters": [{"event_types": ["serializable"]}]}', NULL);
COMMIT;
SELECT event_type FROM pg_temp.log ORDER BY sequence_number DESC LIMIT 2;

-- Deferred triggers that put appends off themselves.
CREATE FUNCTION append_of_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM factstr_append(
		jsonb_build_array(jsonb_build_object('event_type', 'row', 'payload', to_jsonb(NEW))), at_commit => true);
	RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER appends AFTER INSERT ON rows_of_own DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION append_of_row();
INSERT INTO rows_of_own VALUES (3), (4);
SELECT payload FROM factstr_events WHERE event_type = 'row' ORDER BY sequence_number;

-- A handler's are made with its delivery.
CREATE FUNCTION copy_facts(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM factstr_append(
		jsonb_build_array(jsonb_build_object('event_type', 'copy', 'payload', event_records -> 0 -> 'payload')),
		at_commit => true);
END
$$;
SET factstr.background_delivery = off;
SELECT factstr_subscribe('copies', '{"filters": [{"event_types": ["row"]}]}', 'copy_facts(jsonb)');
CALL factstr_deliver('copies');
SELECT payload FROM factstr_events WHERE event_type = 'copy' ORDER BY sequence_number;
-- A conflict is the handler's failure.
CREATE OR REPLACE FUNCTION copy_facts(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.at_commit_if('copy', '{"filters": [{"event_types": ["other"]}]}', NULL);
	PERFORM pg_temp.at_commit_if('other', '{"filters": [{"event_types": ["other"]}]}', NULL);
	PERFORM pg_temp.at_commit_if('other', '{"filters": [{"event_types": ["other"]}]}', NULL);
END
$$;
INSERT INTO rows_of_own VALUES (5);
CALL factstr_deliver('copies');
SELECT name, failure_count, last_error FROM factstr_stream_status;
SELECT count(*) FROM factstr_events WHERE event_type IN ('copy', 'other');

-- Between the call and the commit: a transaction that is read-only then, a log that is gone, another log.
BEGIN;
SELECT pg_temp.at_commit('read only');
SET TRANSACTION READ ONLY;
COMMIT;
SELECT count(*) FROM factstr_events WHERE event_type = 'read only';
BEGIN;
SELECT pg_temp.at_commit('dropped');
DROP EXTENSION factstr CASCADE;
COMMIT;
BEGIN;
SELECT pg_temp.at_commit('dropped');
DROP EXTENSION factstr CASCADE;
CREATE EXTENSION factstr;
COMMIT;
SELECT count(*) FROM factstr_events WHERE event_type = 'dropped';

SELECT check_name, detail FROM factstr_check() WHERE NOT ok;
DROP TABLE accounts, rows_of_own, large;
DROP FUNCTION append_of_row, copy_facts;
DROP EXTENSION factstr CASCADE;
