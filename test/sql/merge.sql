-- MERGE changes and deletes no fact, in a replica either.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
-- PostgreSQL 15 brought MERGE.
SELECT current_setting('server_version_num')::int < 150000 AS without_merge \gset
\if :without_merge
\quit
\endif
\set ECHO all
CREATE EXTENSION factstr;
SELECT factstr_append(pg_temp.events('a', 3), 'key');

CREATE TEMP TABLE statements (n int GENERATED ALWAYS AS IDENTITY, statement text);
INSERT INTO statements (statement) VALUES
	('MERGE INTO factstr_events e USING (VALUES (1)) v(n) ON e.sequence_number = v.n'
		' WHEN MATCHED THEN DELETE'),
	('MERGE INTO factstr_events e USING (VALUES (1)) v(n) ON e.sequence_number = v.n'
		' WHEN MATCHED THEN UPDATE SET payload = ''1''');
SELECT statement, f.state, f.message, f.hint
FROM statements, pg_temp.failure(statement) f ORDER BY n;

-- Nor in a replica
SET session_replication_role = replica;
SELECT count(*) AS tried, count(*) FILTER (WHERE f.state <> '42809') AS not_refused
FROM statements, pg_temp.failure(statement) f;
RESET session_replication_role;
SELECT sequence_number, payload FROM factstr_events ORDER BY 1;

DROP EXTENSION factstr CASCADE;
