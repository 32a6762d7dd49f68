-- DROP EXTENSION deletes every fact: while there are any, it needs CASCADE.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;
SELECT factstr_append(pg_temp.events('a', 3));
SELECT f.* FROM pg_temp.failure('DROP EXTENSION factstr') f;
SELECT command, f.state
FROM (VALUES ('DROP EXTENSION IF EXISTS factstr'), ('DROP EXTENSION factstr RESTRICT'),
	('DROP EXTENSION plpgsql, factstr'),
	('DROP SCHEMA public'), ('DROP TABLE factstr_events'),
		('DROP TABLE factstr_events CASCADE')) c(command),
	pg_temp.failure(command) f;
DROP EXTENSION factstr;
SET session_replication_role = replica;
DROP EXTENSION factstr;
RESET session_replication_role;
SELECT count(*) FROM factstr_read();

-- In a transaction: its own facts count, and so do none.
BEGIN;
SELECT factstr_append(pg_temp.events('b', 1));
SAVEPOINT s;
DROP EXTENSION factstr;
ROLLBACK TO s;
DROP EXTENSION factstr CASCADE;
ROLLBACK;
SELECT count(*) FROM factstr_read();

-- The owner's other way; other roles do not learn the content.
DROP EXTENSION factstr CASCADE;
CREATE ROLE regress_factstr_owner SUPERUSER;
CREATE ROLE regress_factstr_nobody;
SET ROLE regress_factstr_owner;
CREATE EXTENSION factstr;
SELECT factstr_append(pg_temp.events('a', 3));
SELECT command, f.state, f.message
FROM (VALUES ('DROP OWNED BY regress_factstr_owner'),
	('DROP OWNED BY regress_factstr_nobody, CURRENT_USER'),
	('DROP OWNED BY regress_factstr_nobody')) c(command),
	pg_temp.failure(command) f;
SET ROLE regress_factstr_nobody;
SELECT f.state, f.message FROM pg_temp.failure('DROP EXTENSION factstr') f;
SELECT f.state, f.message FROM pg_temp.failure('DROP OWNED BY regress_factstr_owner') f;
RESET ROLE;
BEGIN;
DROP OWNED BY regress_factstr_owner CASCADE;
SELECT to_regclass('factstr_events');
ROLLBACK;

-- With indexes in any state
DROP INDEX factstr_events_payload_idx;
SELECT f.detail FROM pg_temp.failure('DROP EXTENSION factstr') f;
ALTER TABLE factstr_events DROP CONSTRAINT factstr_events_pkey;
SELECT f.state, f.detail FROM pg_temp.failure('DROP EXTENSION factstr') f;
DROP EXTENSION factstr CASCADE;

-- An empty log goes without a word, also one that has never had facts for long; and so do other
-- extensions.
CREATE EXTENSION factstr;
BEGIN;
SELECT factstr_append(pg_temp.events('a', 3));
ROLLBACK;
SELECT factstr_stream_open('s');
DROP EXTENSION factstr;
CREATE EXTENSION factstr;
SELECT factstr_append(pg_temp.events('a', 3));
CREATE EXTENSION IF NOT EXISTS plpgsql;
DROP EXTENSION IF EXISTS no_such_extension;
-- A schema takes it along if that is said.
DROP EXTENSION factstr CASCADE;
CREATE SCHEMA store;
CREATE EXTENSION factstr SCHEMA store;
SELECT store.factstr_append(pg_temp.events('a', 3));
SELECT f.state, f.message FROM pg_temp.failure('DROP EXTENSION factstr') f;
SELECT f.state FROM pg_temp.failure('DROP SCHEMA store') f;
SET client_min_messages = warning;
DROP SCHEMA store CASCADE;
DROP ROLE regress_factstr_owner, regress_factstr_nobody;
