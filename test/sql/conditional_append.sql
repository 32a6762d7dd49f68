-- Conditional appends: when they succeed, and the report and the effects of a conflict.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

\set event '''[{"event_type": "x", "payload": 1}]'''
-- rule 14: null, or 0, expects an empty context; the log may be empty, or just the context
SELECT * FROM factstr_append_if(
	'[{"event_type": "account opened", "payload": {"account": 1}}]', '{}', NULL);
SELECT * FROM factstr_append_if(
	'[{"event_type": "account opened", "payload": {"account": 2}},
		{"event_type": "paid in", "payload": {"account": 2}}]',
	'{"filters": [{"payload_predicates": [{"account": 2}]}]}', NULL);
SELECT * FROM factstr_try_append_if(
	'[{"event_type": "paid in", "payload": {"account": 1}}]',
	'{"filters": [{"payload_predicates": [{"account": 1}]}]}', 1);
SELECT sequence_number, batch_first_sequence_number AS batch, event_type, payload
FROM factstr_events ORDER BY 1;

-- rule 14, rule 15: every expected version against contexts of every kind; each attempt is taken
-- back
CREATE FUNCTION pg_temp.attempt(
	context_query jsonb, expected bigint, OUT first_number bigint, OUT last_number bigint,
	OUT count bigint,
	OUT conflict boolean, OUT actual bigint, OUT same_as_error boolean) LANGUAGE plpgsql AS $$
DECLARE
	f record;
	stored_before bigint := (SELECT count(*) FROM factstr_events);
BEGIN
	BEGIN
		SELECT * INTO first_number, last_number, count, conflict, actual
		FROM factstr_try_append_if(
			'[{"event_type": "x", "payload": 1}, {"event_type": "y", "payload": 2}]', context_query,
			expected);
		ASSERT (SELECT count(*) FROM factstr_events)
			= stored_before + CASE WHEN conflict THEN 0 ELSE 2 END, 'stored or not';
		RAISE SQLSTATE 'TAKEB';
	EXCEPTION WHEN SQLSTATE 'TAKEB' THEN
		NULL;
	END;
	BEGIN
		SELECT * INTO f FROM pg_temp.failure(
			format(
				'SELECT factstr_append_if(''[{"event_type": "x", "payload": 1}]'', %L, %L)',
				context_query, expected));
		same_as_error := f.state = CASE WHEN conflict THEN 'FS001' ELSE '00000' END
			AND (
				NOT conflict OR f.detail::jsonb
					= jsonb_build_object(
						'expected_context_version', nullif(expected, 0), 'actual_context_version', actual));
		RAISE SQLSTATE 'TAKEB';
	EXCEPTION WHEN SQLSTATE 'TAKEB' THEN
		NULL;
	END;
END
$$;
SELECT context, expected, a.*
FROM (VALUES
	(1, 'all', '{}'::jsonb),
	(2, 'account 1', '{"filters": [{"payload_predicates": [{"account": 1}]}]}'),
	(3, 'account 2', '{"filters": [{"payload_predicates": [{"account": 2}]}]}'),
	(4, 'opened', '{"filters": [{"event_types": ["account opened"]}]}'),
	(5, 'none', '{"filters": [{"event_types": ["closed"]}]}'),
	(6, 'nothing', '{"filters": [{"event_types": []}]}')) contexts(n, context, query),
	unnest(ARRAY[NULL, -1, 0, 1, 2, 3, 4, 5, 9223372036854775807]) WITH ORDINALITY e(expected, m),
		pg_temp.attempt(query, expected) a
ORDER BY n, m;

-- rule 11: the bound of a context query does not change the check
SELECT bound, expected, a.conflict, a.actual, a.same_as_error
FROM unnest(ARRAY[0, 2, 4, 100]) bound, unnest(ARRAY[NULL, 3, 4]) WITH ORDINALITY e(expected, m),
	pg_temp.attempt(
		jsonb_build_object(
			'filters', '[{"payload_predicates": [{"account": 1}]}]'::jsonb,
			'after', bound), expected) a
ORDER BY bound, m;

-- rule 15: as a client sees it; nothing is stored, no number is used
SELECT * FROM factstr_append_if(:event, '{}', 2);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM factstr_append_if(:event, '{}', NULL);
SELECT * FROM factstr_append_if(:event, '{}', 0);
SELECT * FROM factstr_append_if(:event, '{"filters": [{"event_types": ["closed"]}]}', 4);
SELECT * FROM factstr_try_append_if(:event, '{}', 2);
SELECT (f.detail::jsonb)->>'actual_context_version' AS actual,
	jsonb_typeof((f.detail::jsonb)->'expected_context_version') AS expected
FROM pg_temp.failure(
	'SELECT factstr_append_if(''[{"event_type": "x", "payload": 1}]'', ''{}'', NULL)') f;
SELECT count(*), max(sequence_number) FROM factstr_events;

-- rule 16: malformed input is reported as such, though the context is stale
SELECT f.* FROM (VALUES
	(1, 'SELECT factstr_append_if(''[]'', ''{}'', 1)'),
	(2, 'SELECT factstr_try_append_if(''[]'', ''{}'', 1)'),
	(3, 'SELECT factstr_append_if(''[{"payload": 1}]'', ''{}'', 1)'),
	(4, 'SELECT factstr_append_if(''[{"event_type": "x", "payload": 1}]'', ''{"filter": []}'', 1)'),
	(5, 'SELECT factstr_append_if(''[{"event_type": "x", "payload": 1}]'', ''{}'', 1, '''')')
	) c(n, command),
		pg_temp.failure(command) f
ORDER BY n;

-- rule 17: an unconditional append counts
SELECT factstr_append('[{"event_type": "paid in", "payload": {"account": 1}}]');
SELECT conflict, actual_context_version
FROM factstr_try_append_if(:event, '{"filters": [{"payload_predicates": [{"account": 1}]}]}', 4);

-- rule 17: and so do facts that the same transaction, or the same statement, appended before
BEGIN;
SELECT factstr_append('[{"event_type": "own", "payload": {"account": 1}}]');
SELECT conflict, actual_context_version
FROM factstr_try_append_if(:event, '{"filters": [{"payload_predicates": [{"account": 1}]}]}', 5);
SELECT first_sequence_number, conflict
FROM factstr_try_append_if(
	'[{"event_type": "own", "payload": {"account": 1}}]',
	'{"filters": [{"payload_predicates": [{"account": 1}]}]}', 6);
SAVEPOINT s;
SELECT factstr_append_if(:event, '{"filters": [{"payload_predicates": [{"account": 1}]}]}', 6);
ROLLBACK TO s;
SELECT first_sequence_number, last_sequence_number
FROM factstr_append_if(:event, '{"filters": [{"payload_predicates": [{"account": 1}]}]}', 7);
ROLLBACK;
SELECT n, conflict, actual_context_version
FROM generate_series(1, 3) n,
	LATERAL factstr_try_append_if(
		jsonb_build_array(jsonb_build_object('event_type', 'once', 'payload', n)),
		'{"filters": [{"event_types": ["once"]}]}', NULL) ORDER BY n;
SELECT payload FROM factstr_read('{"filters": [{"event_types": ["once"]}]}');
-- An append that a savepoint rolled back does not count, and its number is used again.
BEGIN;
SAVEPOINT s;
SELECT first_sequence_number FROM factstr_append('[{"event_type": "taken back", "payload": 1}]');
ROLLBACK TO s;
SELECT first_sequence_number
FROM factstr_append_if(
	'[{"event_type": "kept", "payload": 1}]', '{"filters": [{"event_types": ["taken back"]}]}',
	NULL);
COMMIT;

-- rule 17: a transaction with one snapshot checks as well
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT conflict, actual_context_version
FROM factstr_try_append_if(:event, '{"filters": [{"event_types": ["once"]}]}', 5);
SELECT first_sequence_number
FROM factstr_append_if(
	'[{"event_type": "once", "payload": 2}]', '{"filters": [{"event_types": ["once"]}]}', 6);
SELECT conflict, actual_context_version
FROM factstr_try_append_if(:event, '{"filters": [{"event_types": ["once"]}]}', 6);
SELECT first_sequence_number
FROM factstr_append_if(
	'[{"event_type": "once", "payload": 3}]', '{"filters": [{"event_types": ["once"]}]}', 8);
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT conflict, actual_context_version
FROM factstr_try_append_if(:event, '{"filters": [{"event_types": ["once"]}]}', 8);
SELECT first_sequence_number
FROM factstr_append_if(
	'[{"event_type": "once", "payload": 4}]', '{"filters": [{"event_types": ["once"]}]}', 9);
COMMIT;

-- The loop that a client writes: read, decide, append, and once more on a conflict.
CREATE FUNCTION pg_temp.withdraw(account int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	context jsonb := jsonb_build_object(
		'filters', jsonb_build_array(
			jsonb_build_object(
				'payload_predicates', jsonb_build_array(jsonb_build_object('account', account)))));
	state record;
	tries int := 0;
BEGIN
	SELECT * INTO state FROM factstr_query(context);
	LOOP
		tries := tries + 1;
		BEGIN
			IF tries = 1 THEN
				PERFORM factstr_append(
					jsonb_build_array(
						jsonb_build_object(
							'event_type', 'intruder',
							'payload', jsonb_build_object('account', account))));
			END IF;
			PERFORM factstr_append_if(
				jsonb_build_array(
					jsonb_build_object(
						'event_type', 'paid out',
						'payload', jsonb_build_object('account', account))), context,
				state.current_context_version);
			RETURN tries || ' tries';
		EXCEPTION WHEN SQLSTATE 'FS001' THEN
			PERFORM factstr_append(
				jsonb_build_array(
					jsonb_build_object(
						'event_type', 'late intruder',
						'payload', jsonb_build_object('account', account))));
			SELECT * INTO state FROM factstr_query(context);
		END;
	END LOOP;
END
$$;
SELECT pg_temp.withdraw(1);
SELECT sequence_number, event_type FROM factstr_read('{}', 2, true);
SELECT count(*) = max(sequence_number) AS gap_free FROM factstr_events;
DROP EXTENSION factstr CASCADE;
