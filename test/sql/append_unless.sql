-- Appends that a fact of the context after a position refuses: when they succeed, and the report of a conflict.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

\set event '''[{"event_type": "x", "payload": 1}]'''
\set of_account '''{"filters": [{"payload_predicates": [{"account": 1}]}]}'''

-- rule 43: an empty log has no fact after 0
SELECT * FROM factstr_append_unless('[{"event_type": "opened", "payload": {"account": 1}}]', '{}', 0);
SELECT factstr_append(
	'[{"event_type": "opened", "payload": {"account": 2}}, {"event_type": "paid in", "payload": {"account": 2}}]');
SELECT factstr_append('[{"event_type": "paid in", "payload": {"account": 1}}]');

-- rule 43: every position against contexts of every kind, and the error says the same as the row; each
-- attempt is taken back
CREATE FUNCTION pg_temp.attempt(
	context_query jsonb, after bigint, OUT conflict boolean, OUT actual bigint, OUT stored bigint,
	OUT same_as_error boolean)
LANGUAGE plpgsql AS $$
DECLARE
	f record;
BEGIN
	BEGIN
		SELECT t.conflict, t.actual_context_version, t.committed_count INTO conflict, actual, stored
		FROM factstr_try_append_unless(
			'[{"event_type": "x", "payload": 1}, {"event_type": "y", "payload": 2}]', context_query, after) t;
		RAISE SQLSTATE 'TAKEB';
	EXCEPTION WHEN SQLSTATE 'TAKEB' THEN
		NULL;
	END;
	BEGIN
		SELECT * INTO f FROM pg_temp.failure(
			format(
				'SELECT factstr_append_unless(''[{"event_type": "x", "payload": 1}]'', %L, %s)', context_query, after));
		same_as_error := f.state = CASE WHEN conflict THEN 'FS001' ELSE '00000' END
			AND (NOT conflict
				OR f.detail::jsonb
					= jsonb_build_object('after_sequence_number', after, 'actual_context_version', actual));
		RAISE SQLSTATE 'TAKEB';
	EXCEPTION WHEN SQLSTATE 'TAKEB' THEN
		NULL;
	END;
END
$$;
SELECT context, after, a.*
FROM (VALUES
	(1, 'all', '{}'::jsonb),
	(2, 'account 1', :of_account),
	(3, 'account 2', '{"filters": [{"payload_predicates": [{"account": 2}]}]}'),
	(4, 'opened', '{"filters": [{"event_types": ["opened"]}]}'),
	(5, 'none', '{"filters": [{"event_types": ["closed"]}]}'),
	(6, 'nothing', '{"filters": [{"event_types": []}]}'),
	(7, 'bounded', '{"after": 4}')) contexts(n, context, query),
	generate_series(0, 4) after,
	pg_temp.attempt(query, after) a
ORDER BY n, after;

-- rule 43: a number that the log does not have is an error, even for a context without facts; so are null and
-- negative numbers
SELECT f.* FROM unnest(ARRAY['5', '9223372036854775807', '-1', 'NULL']) WITH ORDINALITY AS p(after, n),
	unnest(ARRAY['factstr_append_unless', 'factstr_try_append_unless']) function,
	pg_temp.failure(
		format(
			'SELECT %s(''[{"event_type": "x", "payload": 1}]'', ''{"filters": [{"event_types": ["closed"]}]}'', %s)',
			function, after)) f
ORDER BY n, function;

-- rule 15: as a client sees it; nothing is stored, no number is used
SELECT * FROM factstr_append_unless(:event, '{}', 2);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM factstr_try_append_unless(:event, '{}', 2);
SELECT * FROM factstr_append_unless(:event, :of_account, 3);
SELECT count(*), max(sequence_number) FROM factstr_events;

-- rule 16: malformed input is reported as such, though the context is stale
SELECT f.* FROM (VALUES
	(1, 'SELECT factstr_append_unless(''[]'', ''{}'', 0)'),
	(2, 'SELECT factstr_try_append_unless(''[{"payload": 1}]'', ''{}'', 0)'),
	(3, 'SELECT factstr_append_unless(''[{"event_type": "x", "payload": 1}]'', ''{"filter": []}'', 0)'),
	(4, 'SELECT factstr_append_unless(''[{"event_type": "x", "payload": 1}]'', NULL, 0)'),
	(5, 'SELECT factstr_append_unless(''[{"event_type": "x", "payload": 1}]'', ''{}'', 0, '''')')) c(n, command),
		pg_temp.failure(command) f
ORDER BY n;

-- rule 33: a repeated call returns its result, even if the context has changed, and with any number
SELECT * FROM factstr_append_unless(
	'[{"event_type": "keyed", "payload": {"account": 1}}]', :of_account, 4, 'key');
SELECT * FROM factstr_append_unless(
	'[{"event_type": "keyed", "payload": {"account": 1}}]', :of_account, 4, 'key');
SELECT * FROM factstr_try_append_unless(
	'[{"event_type": "keyed", "payload": {"account": 1}}]', :of_account, 1000, 'key');

-- rule 43: facts that the transaction itself appended count, and may be the position
BEGIN;
SELECT first_sequence_number FROM factstr_append('[{"event_type": "own", "payload": {"account": 1}}]');
SELECT conflict, actual_context_version FROM factstr_try_append_unless(:event, :of_account, 5);
SELECT first_sequence_number, conflict FROM factstr_try_append_unless(:event, :of_account, 6);
COMMIT;

-- In a transaction with one snapshot, too.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT conflict, actual_context_version FROM factstr_try_append_unless(:event, :of_account, 5);
SELECT first_sequence_number FROM factstr_append_unless(
	'[{"event_type": "own", "payload": {"account": 1}}]', :of_account, 7);
SELECT conflict, actual_context_version FROM factstr_try_append_unless(:event, :of_account, 7);
COMMIT;

-- At commit: a conflict that already exists fails the call.
SELECT factstr_append_unless(:event, :of_account, 7, at_commit => true);
SELECT factstr_append_unless(:event, :of_account, 100, at_commit => true);
BEGIN;
SELECT * FROM factstr_append_unless(
	'[{"event_type": "own", "payload": {"account": 1}}]', :of_account, 8, 'put off', true);
SELECT * FROM factstr_append('[{"event_type": "other", "payload": {"account": 2}}]');
COMMIT;
SELECT * FROM factstr_last_append();
-- One's own matching fact that comes before it is newer than the position.
BEGIN;
SELECT * FROM factstr_append_unless(
	'[{"event_type": "own", "payload": {"account": 1}}]', :of_account, 10, at_commit => true);
SELECT * FROM factstr_append('[{"event_type": "own", "payload": {"account": 1}}]');
COMMIT;
SELECT max(sequence_number) FROM factstr_events;

BEGIN READ ONLY;
SELECT factstr_append_unless(:event, '{}', 0);
ROLLBACK;

DROP EXTENSION factstr CASCADE;
