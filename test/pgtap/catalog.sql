-- The log's table and indexes, and rules for every object of the extension.
BEGIN;
SELECT plan(63);

CREATE TEMP VIEW members AS
SELECT d.classid, d.objid, i.type, i.identity
FROM pg_depend d, pg_identify_object(d.classid, d.objid, 0) i
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'factstr');
CREATE TEMP VIEW member_tables AS
SELECT objid AS oid FROM members WHERE classid = 'pg_class'::regclass;
CREATE TEMP VIEW member_functions AS
SELECT objid AS oid FROM members WHERE classid = 'pg_proc'::regclass;

-- The table
SELECT has_table('factstr_events');
SELECT columns_are(
	'factstr_events',
	ARRAY[
		'sequence_number', 'batch_first_sequence_number', 'occurred_at', 'event_type', 'payload',
		'metadata', 'idempotency_key']);
SELECT col_type_is('factstr_events', name, type, name || ' is ' || type)
FROM (VALUES
	('sequence_number', 'bigint'), ('batch_first_sequence_number', 'bigint'),
	('occurred_at', 'timestamp with time zone'), ('event_type', 'text'),
	('payload', 'jsonb'), ('metadata', 'jsonb'), ('idempotency_key', 'text')) columns(name, type);
SELECT col_not_null('factstr_events', name, name || ' is never null')
FROM unnest(
	ARRAY[
		'sequence_number', 'batch_first_sequence_number', 'occurred_at', 'event_type',
		'payload']) name;
SELECT col_is_null('factstr_events', name, name || ' may be null')
FROM unnest(ARRAY['metadata', 'idempotency_key']) name;
SELECT is(collname, 'C', attname || ' is compared byte by byte')
FROM pg_attribute
JOIN pg_collation c ON c.oid = attcollation
WHERE attrelid = 'factstr_events'::regclass AND attname IN ('event_type', 'idempotency_key');
SELECT col_hasnt_default(
	'factstr_events', 'sequence_number', 'numbers do not come from a sequence');
SELECT col_is_pk('factstr_events', 'sequence_number');
SELECT is(relpersistence, 'p', 'the log survives a crash')
FROM pg_class WHERE oid = 'factstr_events'::regclass;
SELECT triggers_are('factstr_events', '{factstr_events_stay}'::name[]);
SELECT is(count(*), 0::bigint, 'no rule rewrites statements on the log')
FROM pg_rewrite WHERE ev_class = 'factstr_events'::regclass;
SELECT is(count(*), 0::bigint, 'no constraint but the primary key stands in the way of a restore')
FROM pg_constraint WHERE conrelid = 'factstr_events'::regclass AND contype NOT IN ('p', 'n');

SELECT is(
	reloptions @> '{autovacuum_freeze_min_age=0,vacuum_truncate=off}', true,
	'the first vacuum freezes facts, and none locks the log to make it shorter')
FROM pg_class WHERE oid = 'factstr_events'::regclass;
SELECT is(reloptions::text ~ 'autovacuum_enabled', false, 'autovacuum is not disabled')
FROM pg_class WHERE oid = 'factstr_events'::regclass;

-- The triggers that keep statements from changing facts, and the record of redactions
SELECT has_table('factstr_redactions');
SELECT columns_are(
	'factstr_redactions', ARRAY['sequence_number', 'redacted_at', 'redacted_by', 'reason']);
SELECT is(count(*), 4::bigint, 'no column of a redaction is ever null')
FROM pg_attribute WHERE attrelid = 'factstr_redactions'::regclass AND attnum > 0 AND attnotnull;
SELECT has_index(
	'factstr_redactions', 'factstr_redactions_sequence_number_idx', 'sequence_number',
	'redactions are found by their facts');
SELECT triggers_are('factstr_redactions', '{factstr_redactions_stay}'::name[]);
SELECT is(tgenabled, 'A', tgname || ' fires in replicas too')
FROM pg_trigger
WHERE tgrelid IN ('factstr_events'::regclass, 'factstr_redactions'::regclass) AND NOT tgisinternal;
-- Bits of tgtype: 1 is "for each row", 4 is "insert".
SELECT is(count(*), 0::bigint, 'no trigger fires for an insert or a row')
FROM pg_trigger
WHERE tgrelid IN ('factstr_events'::regclass, 'factstr_redactions'::regclass) AND tgtype & 5 <> 0;
SELECT is(count(*), 2::bigint, 'every trigger has a comment')
FROM pg_trigger t
WHERE tgrelid IN ('factstr_events'::regclass, 'factstr_redactions'::regclass)
	AND obj_description(t.oid, 'pg_trigger') IS NOT NULL;

-- The event triggers that keep commands from bypassing these
SELECT bag_eq(
	'SELECT evtname, evtevent, evtenabled FROM pg_event_trigger WHERE evtname ~ ''^factstr_''',
	$$VALUES ('factstr_tables_stay'::name, 'ddl_command_end'::name, 'A'::"char"),
		('factstr_rows_stay', 'table_rewrite', 'A'), ('factstr_facts_stay', 'ddl_command_start', 'A'),
		('factstr_logs_stay', 'sql_drop', 'A')$$,
	'event triggers, which fire in replicas too');
SELECT is_empty(
	'SELECT evtname FROM pg_event_trigger e WHERE NOT EXISTS (
		SELECT FROM members WHERE classid = ''pg_event_trigger''::regclass AND objid = e.oid)',
	'and go with the extension');

-- Its indexes
SELECT indexes_are(
	'factstr_events',
	ARRAY[
		'factstr_events_pkey', 'factstr_events_event_type_idx', 'factstr_events_payload_idx',
		'factstr_events_idempotency_key_idx']);
SELECT index_is_unique('factstr_events', 'factstr_events_pkey');
SELECT index_is_type('factstr_events', 'factstr_events_pkey', 'btree');
SELECT has_index(
	'factstr_events', 'factstr_events_event_type_idx', ARRAY['event_type', 'sequence_number'],
	'types are indexed in log order');
SELECT index_is_type('factstr_events', 'factstr_events_event_type_idx', 'btree');
SELECT has_index('factstr_events', 'factstr_events_payload_idx', 'payload', 'payloads are indexed');
SELECT index_is_type('factstr_events', 'factstr_events_payload_idx', 'gin');
SELECT is(opcname, 'jsonb_path_ops', 'payloads are indexed by path and value')
FROM pg_index JOIN pg_opclass o ON o.oid = indclass[0]
WHERE indexrelid = 'factstr_events_payload_idx'::regclass;
SELECT is(
	reloptions @> '{fastupdate=on}', true, 'entries of the payload index wait in its pending list')
FROM pg_class WHERE oid = 'factstr_events_payload_idx'::regclass;
SELECT is(
	(SELECT option_value::int >= 16384
		FROM pg_options_to_table(reloptions) WHERE option_name = 'gin_pending_list_limit'), true,
	'no append ever fills that list')
FROM pg_class WHERE oid = 'factstr_events_payload_idx'::regclass;
SELECT index_is_unique('factstr_events', 'factstr_events_idempotency_key_idx');
SELECT is(
	pg_get_expr(indpred, indrelid), '(idempotency_key IS NOT NULL)',
	'facts without a key take no space in the index of keys')
FROM pg_index WHERE indexrelid = 'factstr_events_idempotency_key_idx'::regclass;

-- The extension
SELECT is(
	(superuser, trusted, relocatable), (true, false, false),
	'only a superuser installs it, where it then stays')
FROM pg_available_extension_versions WHERE name = 'factstr' AND installed;
SELECT is(comment IS NOT NULL, true, 'it has a description')
FROM pg_available_extensions WHERE name = 'factstr';
SELECT set_has(
	$$SELECT unnest(extconfig) FROM pg_extension WHERE extname = 'factstr'$$,
	$$SELECT oid FROM member_tables JOIN pg_class USING (oid) WHERE relkind IN ('r', 'S')$$,
	'every table and every sequence is in a dump');
SELECT is_empty(
	$$SELECT condition FROM pg_extension, unnest(extcondition) condition
		WHERE extname = 'factstr' AND condition <> ''$$,
	'and all of its rows');

-- Every object
SELECT is_empty(
	'SELECT identity FROM members WHERE identity !~ ''^(public\.)?factstr_''',
	'every object is named after the extension');
SELECT is_empty(
	$$SELECT identity FROM members JOIN pg_class c ON c.oid = classid
		WHERE type <> 'type' AND obj_description(objid, c.relname) IS NULL$$,
	'every object has a comment');
SELECT is_empty(
	$$SELECT indexrelid::regclass FROM pg_index JOIN member_tables t ON t.oid = indrelid
		WHERE NOT indisprimary AND obj_description(indexrelid, 'pg_class') IS NULL$$,
	'every index but a primary key has a comment');
SELECT is_empty(
	$$SELECT attrelid::regclass, attname FROM pg_attribute JOIN member_tables t ON t.oid = attrelid
		WHERE attnum > 0 AND col_description(attrelid, attnum) IS NULL$$,
	'every column has a comment');

-- Every function
CREATE TEMP VIEW functions AS
SELECT p.*, lanname FROM pg_proc p JOIN member_functions USING (oid)
JOIN pg_language l ON l.oid = prolang;
SELECT is_empty(
	'SELECT oid::regprocedure FROM functions WHERE prosecdef',
	'no function runs with its owner''s rights');
SELECT is_empty(
	'SELECT oid::regprocedure FROM functions WHERE proleakproof',
	'no function claims to be leakproof');
SELECT is_empty(
	$$SELECT oid::regprocedure FROM functions WHERE lanname = 'c' AND probin !~ 'factstr$'$$,
	'every C function is in the extension''s own module');

-- The freedom of the planner with calls of it
SELECT bag_eq(
	$$SELECT proname::text FROM functions WHERE provolatile = 's'$$,
	ARRAY[
		'factstr_batches', 'factstr_check', 'factstr_context_version', 'factstr_delivery_obstacle', 'factstr_export',
		'factstr_flushed', 'factstr_has_right', 'factstr_log_head', 'factstr_log_state', 'factstr_log_time_after',
		'factstr_newest',
		'factstr_position_at', 'factstr_query', 'factstr_read'],
	'those that read the log do so in the snapshot of the statement');
SELECT is(
	string_agg(concat_ws(' ', proname, provolatile, proparallel), ', '), 'factstr_matches i s',
	'factstr_matches alone depends on nothing but its arguments')
FROM functions WHERE provolatile = 'i' OR proparallel = 's' OR proisstrict;
SELECT is_empty(
	$$SELECT oid::regprocedure FROM functions
		WHERE proparallel <> 'u' AND provolatile = 'v' AND proname <> 'factstr_pending_pages'$$,
	'no worker of a parallel query runs beside one that may write, lock or wait');

SELECT * FROM finish();
ROLLBACK;
