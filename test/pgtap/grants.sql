-- Every object of the extension, and the roles that may use it: the grants of docs/sql-reference.md, executed as
-- printed, give each of its groups exactly the rights listed here.  An object that is not listed fails.
BEGIN;
SELECT plan(7);

\set grants `awk -f test/pgtap/grants.awk docs/sql-reference.md`
:grants

CREATE TEMP VIEW members AS
SELECT d.classid, d.objid, p.provolatile, p.prokind, l.lanname,
	coalesce(p.oid::regprocedure::text, c.oid::regclass::text) AS object, c.relkind,
	coalesce(
		proacl, relacl,
		acldefault(
			CASE WHEN p.oid IS NOT NULL THEN 'f' WHEN c.relkind = 'S' THEN 's' ELSE 'r' END::"char",
			coalesce(proowner, relowner))) AS acl,
	coalesce(proowner, relowner) AS owner
FROM pg_depend d
JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
	AND e.extname = 'factstr'
LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
LEFT JOIN pg_language l ON l.oid = p.prolang
LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
WHERE d.deptype = 'e' AND d.classid <> 'pg_event_trigger'::regclass
	-- From 17 on, the row types of tables and views are members too, with their arrays.
	AND (d.classid <> 'pg_type'::regclass OR d.objid NOT IN (
		SELECT unnest(ARRAY[t.oid, t.typarray]) FROM pg_type t WHERE t.typrelid <> 0));

SELECT is_empty(
	$$SELECT pg_describe_object(classid, objid, 0) FROM members WHERE object IS NULL$$,
	'the extension consists of functions, procedures, tables, views and event triggers;'
		' nothing else has rights');

-- The roles other than the owner that have a right, a row each; one row "nobody" if there is none.
CREATE TEMP VIEW granted AS
SELECT object, coalesce(acl.privilege_type, 'nothing') AS privilege,
	CASE acl.grantee WHEN 0 THEN 'everybody' ELSE coalesce(r.rolname, 'nobody') END AS grantee
FROM members m
LEFT JOIN LATERAL (SELECT a.* FROM aclexplode(m.acl) a WHERE a.grantee <> m.owner) acl ON true
LEFT JOIN pg_roles r ON r.oid = acl.grantee;

CREATE TEMP TABLE expected (object text, privilege text DEFAULT 'EXECUTE', grantee text);
INSERT INTO expected (grantee, object) VALUES
	('may append', 'factstr_append(jsonb,text,boolean,text)'),
	('may append', 'factstr_append_event(text,jsonb,jsonb,text,boolean,text)'),
	('may append', 'factstr_append_if(jsonb,jsonb,bigint,text,boolean,text)'),
	('may append', 'factstr_try_append_if(jsonb,jsonb,bigint,text,text)'),
	('may append', 'factstr_append_unless(jsonb,jsonb,bigint,text,boolean,text)'),
	('may append', 'factstr_try_append_unless(jsonb,jsonb,bigint,text,text)'),
	('may append', 'factstr_last_append(text)'),
	('may read', 'factstr_query(jsonb,text)'),
	('may read', 'factstr_newest(jsonb,text)'),
	('may read', 'factstr_read(jsonb,bigint,boolean,timestamp with time zone,timestamp with time zone,bigint,text)'),
	('may read', 'factstr_context_version(jsonb,text)'),
	('may read', 'factstr_wait_for_facts(bigint,interval,text)'),
	('may read', 'factstr_batches(jsonb,bigint,integer,text)'),
	('may consume through durable streams', 'factstr_stream_open(text,jsonb,text,integer,text,text)'),
	('may consume through durable streams', 'factstr_stream_next(text,integer,boolean,text)'),
	('may consume through durable streams', 'factstr_stream_ack(text,bigint,text)'),
	('may consume through durable streams', 'factstr_stream_hold(text,boolean,bigint,text)'),
	('may consume through durable streams', 'factstr_stream_try_hold(text,bigint,text)'),
	('may consume through durable streams', 'factstr_stream_release(text,text)'),
	('may consume through durable streams',
		'factstr_stream_fail(text,text,timestamp with time zone,text)'),
	('may consume through durable streams', 'factstr_stream_take_partition(text,text)'),
	('may consume through durable streams', 'factstr_stream_repartition(text,integer,text,text)'),
	('may consume through durable streams', 'factstr_stream_seek(text,bigint,boolean,text)'),
	('may consume through durable streams', 'factstr_stream_set_query(text,jsonb,boolean,text)'),
	('may consume through durable streams', 'factstr_stream_drop(text,boolean,text)'),
	('may consume through durable streams', 'factstr_wait(text,bigint,interval,text)'),
	('may copy logs', 'factstr_export(bigint,integer,text)'),
	('may copy logs', 'factstr_import(jsonb,text)'),
	('may have handlers run by the database', 'factstr_subscribe(text,jsonb,regprocedure,text,integer,text,text)'),
	('may have handlers run by the database', 'factstr_unsubscribe(text,text)'),
	('may have handlers run by the database', 'factstr_deliver(text,text)'),
	('may have handlers run by the database', 'factstr_park_after(text,integer,text)'),
	('may have handlers run by the database', 'factstr_redeliver_parked(text,bigint,text)'),
	('may have handlers run by the database', 'factstr_discard_parked(text,bigint,text)'),
	('may erase what facts say', 'factstr_redact(bigint,jsonb,text,jsonb,text)'),
	('may erase what facts say', 'factstr_import_redactions(jsonb,text)'),
	('may watch', 'factstr_position_at(timestamp with time zone,text)'),
	('may watch', 'factstr_pending_pages(text)'),
	('may check the log', 'factstr_check(integer,text)'),
	('everybody', 'factstr_delivery_obstacle(text,name,bigint,text)'),
	('everybody', 'factstr_flushed(bigint)'),
	('everybody', 'factstr_has_right(text,text)'),
	('everybody', 'factstr_log_head(text)'),
	('everybody', 'factstr_log_time_after(bigint,text)'),
	('everybody', 'factstr_log_state(text)'),
	('everybody', 'factstr_matches(jsonb,text,jsonb)');
INSERT INTO expected VALUES
	('factstr_stream_status', 'SELECT', 'may consume through durable streams'),
	('factstr_redactions', 'SELECT', 'may copy logs'),
	('factstr_redactions', 'SELECT', 'may erase what facts say'),
	('factstr_status', 'SELECT', 'may watch'),
	('factstr_stream_status', 'SELECT', 'may watch'),
	('factstr_parked_batches', 'SELECT', 'may have handlers run by the database'),
	('factstr_parked_batches', 'SELECT', 'may watch'),
	('factstr_main_log', 'INSERT', 'may append'),
	('factstr_main_log', 'SELECT', 'may read'),
	('factstr_main_log', 'SELECT', 'may consume through durable streams'),
	('factstr_main_log', 'UPDATE', 'may consume through durable streams'),
	('factstr_main_log', 'SELECT', 'may copy logs'),
	('factstr_main_log', 'DELETE', 'may copy logs'),
	('factstr_main_log', 'UPDATE', 'may have handlers run by the database'),
	('factstr_main_log', 'DELETE', 'may erase what facts say'),
	('factstr_main_log', 'SELECT', 'may watch'),
	('factstr_main_log', 'DELETE', 'may check the log'),
	('factstr_logs', 'nothing', 'nobody'),
	('factstr_log_records', 'nothing', 'nobody'),
	('factstr_create_log(text)', 'nothing', 'nobody'),
	('factstr_seal_log(text)', 'nothing', 'nobody'),
	('factstr_drop_log(text,text)', 'nothing', 'nobody'),
	('factstr_grant(name,text,text)', 'nothing', 'nobody'),
	('factstr_revoke(name,text,text)', 'nothing', 'nobody'),
	('factstr_refuse_log_drop()', 'nothing', 'nobody'),
	('factstr_events', 'nothing', 'nobody'),
	('factstr_streams', 'nothing', 'nobody'),
	('factstr_refuse_change()', 'nothing', 'nobody'),
	('factstr_refuse_table_change()', 'nothing', 'nobody'),
	('factstr_refuse_rewrite()', 'nothing', 'nobody'),
	('factstr_refuse_drop()', 'nothing', 'nobody');
SELECT bag_eq(
	'SELECT object, privilege, grantee::text FROM granted',
	'SELECT object, privilege, grantee FROM expected',
	'each object is for those that it is documented for');

SELECT is_empty(
	$$SELECT object FROM granted JOIN members USING (object)
		WHERE grantee = 'everybody'
			AND (provolatile = 'v' OR prokind = 'p' OR relkind IS NOT NULL)$$,
	'nothing that may write, and no table or view, is for everybody');
SELECT is_empty(
	$$SELECT m.object FROM members m, aclexplode(acl) a
		WHERE a.is_grantable AND a.grantee <> m.owner$$, 'no right can be passed on');
SELECT is_empty(
	$$SELECT rolname, c.oid::regclass FROM pg_roles, pg_class c
		WHERE rolname ~ '^may '
			AND c.oid IN (
				'factstr_events'::regclass, 'factstr_streams'::regclass, 'factstr_parked_batches'::regclass,
				'factstr_log_records'::regclass)
			AND (has_table_privilege(rolname, c.oid,
					'INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER')
				OR c.relname <> 'factstr_parked_batches' AND has_any_column_privilege(rolname, c.oid, 'SELECT'))$$,
	'none of them reaches the tables but through the functions');
-- The functions reach the tables with no regard to rights, and find them by the function's own
-- schema; a function in another language would look them up in the search_path.
SELECT is_empty($$SELECT object FROM members WHERE lanname <> 'c'$$, 'every function is in C');
SELECT is_empty(
	$$SELECT v.oid::regclass, d.refclassid::regclass, d.refobjid
		FROM pg_class v
		JOIN members m ON m.objid = v.oid AND m.classid = 'pg_class'::regclass
		JOIN pg_rewrite r ON r.ev_class = v.oid
		JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
		WHERE v.relkind = 'v'
			AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)
			AND (d.refclassid, d.refobjid) NOT IN (SELECT classid, objid FROM members)$$,
	'the views use only objects of PostgreSQL and of the extension');

SELECT * FROM finish();
ROLLBACK;
