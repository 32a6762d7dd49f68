-- Settings: their values, and that a misspelt one is refused.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;
LOAD 'factstr';
SELECT name, setting, vartype, context, min_val, max_val, enumvals, boot_val
FROM pg_settings WHERE name LIKE 'factstr.%' ORDER BY 1;

-- Every value works; the answer is the same.
SET factstr.early_lock_release = off;
SELECT factstr_append('[{"event_type": "off", "payload": 1}]');
SET factstr.early_lock_release = facts_only;
SELECT factstr_append('[{"event_type": "facts_only", "payload": 1}]');
SET factstr.early_lock_release = always;
SELECT factstr_append('[{"event_type": "always", "payload": 1}]');
SET factstr.early_lock_release = on;
SHOW factstr.early_lock_release;
SELECT factstr_append('[{"event_type": "on", "payload": 1}]');
SET factstr.early_lock_release = sometimes;
SET factstr.early_lock_release = '';
RESET factstr.early_lock_release;
SHOW factstr.early_lock_release;

-- The setting in force at commit decides; it lasts no longer than it is set for, and leaves
-- synchronous_commit alone.
CREATE TEMP TABLE other (n int);
BEGIN;
SET LOCAL factstr.early_lock_release = always;
SET LOCAL synchronous_commit = local;
INSERT INTO other VALUES (1);
SELECT factstr_append('[{"event_type": "with another write", "payload": 1}]');
SHOW synchronous_commit;
COMMIT;
SHOW synchronous_commit;
SHOW factstr.early_lock_release;
BEGIN;
SET LOCAL synchronous_commit = off;
SELECT factstr_append('[{"event_type": "asynchronous", "payload": 1}]');
COMMIT;
SHOW synchronous_commit;
CREATE FUNCTION pg_temp.append_off() RETURNS text
	LANGUAGE sql SET factstr.early_lock_release = off SET synchronous_commit = off
	AS $$ SELECT factstr_append('[{"event_type": "function", "payload": 1}]')::text $$;
SELECT pg_temp.append_off();
SHOW synchronous_commit;
-- A transaction that fails at its commit leaves it alone as well.
CREATE TEMP TABLE deferred (n int UNIQUE DEFERRABLE INITIALLY DEFERRED);
BEGIN;
INSERT INTO deferred VALUES (1), (1);
SELECT factstr_append('[{"event_type": "lost", "payload": 1}]');
COMMIT;
SHOW synchronous_commit;

-- Without notifications, a listening session receives none for its appends.
SET factstr.notify = off;
LISTEN factstr;
SELECT factstr_append('[{"event_type": "silent", "payload": 1}]');
BEGIN;
SELECT factstr_append('[{"event_type": "silent", "payload": 1}]');
SET LOCAL factstr.notify = on;
ROLLBACK;
SELECT 1 AS nothing_heard;
UNLISTEN factstr;
SET factstr.notify = perhaps;
RESET factstr.notify;
SELECT factstr_append('[{"event_type": "nobody listens", "payload": 1}]');

SELECT string_agg(event_type, ', ') FROM factstr_read();
SELECT count(*) = max(sequence_number) AS gap_free FROM factstr_events;
DROP EXTENSION factstr CASCADE;
