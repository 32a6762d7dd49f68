-- Rights: none until they are granted, then exactly those that were granted.
BEGIN;
SELECT plan(136);

-- The outcome of a command of another role: its SQLSTATE and message, or its result.
CREATE FUNCTION pg_temp.as_role(role name, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM set_config('role', role, true);
	EXECUTE command INTO result;
	PERFORM set_config('role', 'none', true);
	RETURN coalesce(result, 'null');
EXCEPTION WHEN OTHERS THEN
	-- The error has reset the role already.
	RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;
CREATE FUNCTION pg_temp.detail_as_role(role name, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
	message text;
BEGIN
	PERFORM set_config('role', role, true);
	EXECUTE command;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
		hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' ', message, nullif(detail, ''), nullif(hint, ''));
END
$$;

CREATE ROLE regress_factstr_nobody;
CREATE ROLE regress_factstr_writer;
CREATE ROLE regress_factstr_decider;
CREATE ROLE regress_factstr_trier;
CREATE ROLE regress_factstr_reader;
CREATE ROLE regress_factstr_table_reader;
GRANT EXECUTE ON FUNCTION factstr_append(jsonb, text, boolean, text) TO regress_factstr_writer;
GRANT EXECUTE ON FUNCTION factstr_append_if(jsonb, jsonb, bigint, text, boolean, text) TO regress_factstr_decider;
GRANT EXECUTE ON FUNCTION factstr_try_append_if(jsonb, jsonb, bigint, text, text)
	TO regress_factstr_trier;
GRANT EXECUTE ON FUNCTION factstr_query(jsonb, text),
	factstr_read(jsonb, bigint, boolean, timestamptz, timestamptz, bigint, text),
	factstr_context_version(jsonb, text),
	factstr_batches(jsonb, bigint, integer, text) TO regress_factstr_reader;
GRANT SELECT ON factstr_events TO regress_factstr_table_reader;
GRANT INSERT ON factstr_main_log TO regress_factstr_writer, regress_factstr_decider, regress_factstr_trier;
GRANT SELECT ON factstr_main_log TO regress_factstr_reader;

CREATE TEMP TABLE commands (name text, command text);
INSERT INTO commands VALUES
	('factstr_append',
		$$SELECT committed_count
			FROM factstr_append('[{"event_type": "a", "payload": "secret"}]')$$),
	('factstr_append_if',
		$$SELECT committed_count
			FROM factstr_append_if(
				'[{"event_type": "a", "payload": "secret"}]',
				'{"filters": [{"event_types": ["none"]}]}', NULL)$$),
	('factstr_try_append_if',
		$$SELECT committed_count
			FROM factstr_try_append_if(
				'[{"event_type": "a", "payload": "secret"}]',
				'{"filters": [{"event_types": ["none"]}]}', NULL)$$),
	('factstr_query',
		$$SELECT current_context_version > 0
			FROM factstr_query('{"filters": [{"payload_predicates": ["secret"]}]}')$$),
	('factstr_read', $$SELECT payload FROM factstr_read('{}', 1)$$),
	('factstr_context_version',
		$$SELECT factstr_context_version('{"filters": [{"event_types": ["a"]}]}') > 0$$),
	('factstr_batches', $$SELECT first_sequence_number FROM factstr_batches()$$),
	('factstr_export', $$SELECT first_sequence_number FROM factstr_export()$$),
	('factstr_import', $$SELECT committed_count FROM factstr_import('[]')$$),
	('factstr_stream_hold', $$SELECT factstr_stream_hold('none')$$),
	('factstr_stream_try_hold', $$SELECT factstr_stream_try_hold('none')$$),
	('factstr_stream_release', $$SELECT factstr_stream_release('none')$$),
	('factstr_stream_fail', $$SELECT factstr_stream_fail('none', 'x')$$);
SELECT is(committed_count, 1::bigint, 'there is a fact to read')
FROM factstr_append('[{"event_type": "a", "payload": "secret"}]', 'key');

-- As declared
SELECT results_eq(
	$$SELECT p.proname::text COLLATE "default"
		FROM pg_proc p
		JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
		JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'factstr',
			aclexplode(coalesce(proacl, acldefault('f', proowner))) acl
		WHERE acl.grantee = 0 ORDER BY 1$$,
	ARRAY[
		'factstr_delivery_obstacle', 'factstr_flushed', 'factstr_has_right', 'factstr_log_head', 'factstr_log_state',
		'factstr_log_time_after', 'factstr_matches'],
	'every role may execute exactly the functions that reveal a log only to roles that may read it');
SELECT is_empty(
	$$SELECT c.relname
		FROM pg_class c
		JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e'
		JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'factstr',
			aclexplode(coalesce(relacl, acldefault('r', relowner))) acl
		WHERE c.relkind IN ('r', 'S') AND acl.grantee = 0$$,
	'everybody may do nothing with a table');

-- A role without rights
SELECT is(
	pg_temp.as_role('regress_factstr_nobody', command),
	'42501: permission denied for function ' || name, 'nobody: ' || name)
FROM commands;
SELECT is(
	pg_temp.as_role('regress_factstr_nobody', $$SELECT factstr_matches('{}', 'a', '1')$$), 'true',
	'nobody: factstr_matches');

-- The right to append is not the right to look at anything.
SELECT is(
	pg_temp.as_role('regress_factstr_writer', command),
	CASE name WHEN 'factstr_append' THEN '1'
		ELSE '42501: permission denied for function ' || name END,
	'writer: ' || name)
FROM commands;
SELECT is(
	pg_temp.as_role('regress_factstr_decider', command),
	CASE name WHEN 'factstr_append_if' THEN '1'
		ELSE '42501: permission denied for function ' || name END,
	'decider: ' || name)
FROM commands;
SELECT is(
	pg_temp.as_role('regress_factstr_trier', command),
	CASE name WHEN 'factstr_try_append_if' THEN '1'
		ELSE '42501: permission denied for function ' || name END,
	'trier: ' || name)
FROM commands;
-- The right to read is not the right to append.
SELECT is(
	pg_temp.as_role('regress_factstr_reader', command),
	CASE
		WHEN name ~ 'append' THEN '42501: permission denied for function ' || name
		WHEN name = 'factstr_read' THEN '"secret"'
		WHEN name = 'factstr_batches' THEN (SELECT min(sequence_number)::text FROM factstr_events)
		WHEN name ~ 'export|import|stream' THEN '42501: permission denied for function ' || name
		ELSE 'true' END,
	'reader: ' || name)
FROM commands;

-- EXECUTE alone is no right on the log, nor is the right on the log alone one on a function.
CREATE ROLE regress_factstr_executor;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA public TO regress_factstr_executor;
SELECT is(
	pg_temp.as_role('regress_factstr_executor', command), '42501: permission denied for log "main"',
	'executor: ' || name)
FROM commands WHERE name <> 'factstr_import';
CREATE ROLE regress_factstr_main;
GRANT ALL ON factstr_main_log TO regress_factstr_main;
SELECT is(
	pg_temp.as_role('regress_factstr_main', command),
	'42501: permission denied for function ' || name, 'rights on main: ' || name)
FROM commands;

-- None of these rights is one on the table.
SELECT is(
	pg_temp.as_role(role, command), '42501: permission denied for table factstr_events',
	role || ': ' || split_part(command, ' ', 1) || ' on the table')
FROM (VALUES ('regress_factstr_writer'), ('regress_factstr_reader')) roles(role),
	(VALUES
		('SELECT payload FROM factstr_events'),
		('INSERT INTO factstr_events SELECT 1000, 1000, now(), ''a'', ''1'' RETURNING 1'),
		('UPDATE factstr_events SET payload = ''1'' RETURNING 1'),
		('DELETE FROM factstr_events RETURNING 1'),
		('TRUNCATE factstr_events'),
		('LOCK TABLE factstr_events IN ROW EXCLUSIVE MODE')) statements(command);
SELECT is(
	pg_temp.as_role('regress_factstr_table_reader', 'SELECT payload FROM factstr_events LIMIT 1'),
	'"secret"', 'a right on the table is a separate right');
SELECT is(
	pg_temp.as_role('regress_factstr_table_reader', 'SELECT payload FROM factstr_read()'),
	'42501: permission denied for function factstr_read', 'and none on the functions');

-- Errors reveal nothing to a writer of other facts, or of the content of the log's own constraints and
-- indexes.
SELECT is(
	pg_temp.detail_as_role(
		'regress_factstr_writer',
		$$SELECT factstr_append('[{"event_type": "a", "payload": "guess"}]', 'key')$$) ~ 'reused',
	true, 'a reused key is reported');
SELECT is(
	pg_temp.detail_as_role(
		'regress_factstr_writer',
		$$SELECT factstr_append(
				'[{"event_type": "a", "payload": "guess"}]', 'key')$$) ~ 'secret|guess', false,
	'without any payload');
SELECT is(
	pg_temp.detail_as_role(
		'regress_factstr_decider',
		$$SELECT factstr_append_if(
				'[{"event_type": "a", "payload": "guess"}]',
				'{"filters": [{"payload_predicates": ["secret"]}]}', NULL)$$) ~ 'guess|secret',
	false, 'a conflict is reported without any payload');
CREATE UNIQUE INDEX one_secret ON factstr_events ((payload #>> '{}')) WHERE event_type = 'unique';
SELECT is(committed_count, 1::bigint, 'an index of the user''s own')
FROM factstr_append('[{"event_type": "unique", "payload": "secret"}]');
SELECT is(
	pg_temp.detail_as_role(
		'regress_factstr_writer',
		$$SELECT factstr_append('[{"event_type": "unique", "payload": "secret"}]')$$),
	'duplicate key value violates unique constraint "one_secret"',
	'reports its violation without the value');
ALTER TABLE factstr_events ADD CONSTRAINT short CHECK (length(payload::text) < 30);
SELECT is(
	pg_temp.detail_as_role(
		'regress_factstr_writer',
		$$SELECT factstr_append(
				'[{"event_type": "a", "payload": "a secret that is longer than allowed"}]')$$),
	'new row for relation "factstr_events" violates check constraint "short"',
	'a constraint of the user''s own reports its violation without the row');

-- Erasing is a separate right, and nothing more: it shows nothing, and changes nothing else.  The
-- record names the role that logged in.
ALTER TABLE factstr_events DROP CONSTRAINT short;
CREATE ROLE regress_factstr_eraser;
GRANT EXECUTE ON FUNCTION factstr_redact(bigint, jsonb, text, jsonb, text) TO regress_factstr_eraser;
GRANT DELETE ON factstr_main_log TO regress_factstr_eraser;
SELECT is(
	pg_temp.as_role(role, $$SELECT factstr_redact(1, '1', 'why')$$),
	'42501: permission denied for function factstr_redact', role || ': factstr_redact')
FROM unnest(
	ARRAY[
		'regress_factstr_nobody', 'regress_factstr_writer', 'regress_factstr_reader',
		'regress_factstr_table_reader']::name[]) role;
SELECT is(
	pg_temp.as_role(
		'regress_factstr_eraser',
		format($$SELECT factstr_redact(%s, '"erased"', 'why')$$, max(sequence_number))), '',
	'eraser: factstr_redact')
FROM factstr_events;
SELECT is(payload, '"erased"', 'has erased') FROM factstr_read(max_count => 1, backwards => true);
SELECT is(redacted_by, session_user, 'and is recorded by who logged in') FROM factstr_redactions;
SELECT is(
	pg_temp.as_role('regress_factstr_eraser', statement),
	'42501: permission denied for table ' || table_name, 'eraser: ' || statement)
FROM (VALUES
	('SELECT reason FROM factstr_redactions', 'factstr_redactions'),
	('DELETE FROM factstr_redactions RETURNING 1', 'factstr_redactions'),
	('UPDATE factstr_events SET payload = ''1'' RETURNING 1',
		'factstr_events')) statements(statement, table_name);

-- To watch takes the view and the functions that it asks; to check, one function.  Neither is a
-- right to read.
CREATE ROLE regress_factstr_watcher;
CREATE ROLE regress_factstr_checker;
CREATE TEMP TABLE watching (command text, object text);
INSERT INTO watching VALUES
	('SELECT head_sequence_number > 0 FROM factstr_status', 'view factstr_status'),
	('SELECT facts_last_minute > 0 AND pending_pages >= 0 FROM factstr_status',
		'view factstr_status'),
	($$SELECT factstr_position_at('-infinity') = 0$$, 'function factstr_position_at'),
	('SELECT bool_and(ok) FROM factstr_check()', 'function factstr_check');
SELECT is(
	pg_temp.as_role('regress_factstr_nobody', command), '42501: permission denied for ' || object,
	'nobody: ' || command)
FROM watching;
GRANT SELECT ON factstr_status TO regress_factstr_watcher;
SELECT is(
	pg_temp.as_role('regress_factstr_watcher', 'SELECT facts_last_minute > 0 FROM factstr_status'),
	'42501: permission denied for function factstr_position_at',
	'the view alone is not enough for rates');
GRANT EXECUTE ON FUNCTION factstr_position_at(timestamptz, text),
	factstr_pending_pages(text) TO regress_factstr_watcher;
SELECT is(
	pg_temp.as_role('regress_factstr_watcher', 'SELECT count(*) FROM factstr_status'), '0',
	'the view has no row without a right on a log');
GRANT SELECT ON factstr_main_log TO regress_factstr_watcher;
GRANT EXECUTE ON FUNCTION factstr_check(integer, text) TO regress_factstr_checker;
GRANT DELETE ON factstr_main_log TO regress_factstr_checker;
SELECT is(
	pg_temp.as_role('regress_factstr_watcher', command),
	CASE WHEN object ~ 'check' THEN '42501: permission denied for ' || object ELSE 'true' END,
	'watcher: ' || command)
FROM watching;

-- Settings are everybody's own.
SELECT is(
	pg_temp.as_role('regress_factstr_writer', $$SELECT set_config('factstr.notify', 'off', true)$$),
	'off', 'anybody may send no notifications');

-- The log keeps its order under every role that appends.
SELECT is(
	pg_temp.as_role('regress_factstr_checker', 'SELECT bool_and(ok) FROM factstr_check(NULL)'),
	'true', 'a checker finds nothing wrong');

SELECT * FROM finish();
ROLLBACK;
