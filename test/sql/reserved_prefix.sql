-- The prefix of the settings is reserved: a misspelt setting is no placeholder.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
-- PostgreSQL 15 reserves prefixes.
SELECT current_setting('server_version_num')::int < 150000 AS not_reserved \gset
\if :not_reserved
\quit
\endif
\set ECHO all
CREATE EXTENSION factstr;
SELECT factstr_append('[{"event_type": "a", "payload": 1}]');
SET factstr.early_release = off;
SELECT f.state, f.message FROM pg_temp.failure('SET factstr.notfy = off') f;

DROP EXTENSION factstr CASCADE;
