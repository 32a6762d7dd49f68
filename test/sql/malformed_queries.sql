-- Malformed queries and arguments: refused with the error and its place, by every function that
-- takes a query.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;
SELECT factstr_append('[{"event_type": "a", "payload": 1}, {"event_type": "b", "payload": 2}]');

-- rule 9: every way to be wrong; nothing misspelt comes to mean "every fact"
CREATE TEMP TABLE malformed (n int GENERATED ALWAYS AS IDENTITY, query text);
INSERT INTO malformed (query) VALUES
	('null'), ('true'), ('1'), ('"{}"'), ('[]'), ('[{"event_types": ["a"]}]'),
	('{"filter": []}'), ('{"Filters": []}'), ('{"event_types": ["a"]}'),
	('{"payload_predicates": [1]}'), ('{"filters": [], "min_sequence": 1}'), ('{"": 1}'),
	('{"filters": true}'), ('{"filters": 1}'), ('{"filters": "a"}'), ('{"filters": {}}'),
	('{"filters": {"event_types": ["a"]}}'),
	('{"filters": [null]}'), ('{"filters": [false]}'), ('{"filters": [1]}'), ('{"filters": ["a"]}'),
	('{"filters": [[]]}'), ('{"filters": [{}, {}, [{}]]}'),
	('{"filters": [{"event_type": ["a"]}]}'),
	('{"filters": [{"types": ["a"]}]}'),
	('{"filters": [{"event_types": ["a"], "payload_predicate": [1]}]}'),
	('{"filters": [{"event_types": ["a"]}, {"after": 1}]}'),
	('{"filters": [{"metadata": {}}]}'),
	('{"filters": [{"event_types": true}]}'), ('{"filters": [{"event_types": 1}]}'),
	('{"filters": [{"event_types": "a"}]}'), ('{"filters": [{"event_types": {"a": 1}}]}'),
	('{"filters": [{"event_types": [null]}]}'),
	('{"filters": [{"event_types": ["a", true]}]}'),
	('{"filters": [{"event_types": ["a", "b", 1]}]}'),
	('{"filters": [{"event_types": [["a"]]}]}'), ('{"filters": [{"event_types": [{}]}]}'),
	('{"filters": [{"event_types": [""]}]}'), ('{"filters": [{}, {"event_types": ["a", ""]}]}'),
	('{"filters": [{"payload_predicates": false}]}'),
	('{"filters": [{"payload_predicates": 1}]}'),
	('{"filters": [{"payload_predicates": "a"}]}'),
	('{"filters": [{"payload_predicates": {"a": 1}}]}'),
	('{"after": true}'), ('{"after": "5"}'),
	('{"after": []}'), ('{"after": {}}');
\x on
\pset format unaligned
\pset fieldsep ': '
SELECT i.query, f.*
FROM malformed i, pg_temp.failure(format('SELECT factstr_query(%L)', i.query)) f ORDER BY n;
\x off
\pset format aligned

-- rule 11: after is an integer of 64 bits, not negative, never wrapped around
SELECT n.after, f.state, f.message, f.detail,
	jsonb_array_length(q.event_records) AS returned, q.current_context_version
FROM (VALUES
	(1, '-9223372036854775809'), (2, '-9223372036854775808'), (3, '-1'), (4, '0'), (5, '-0.0'),
	(6, '1'), (7, '1.0'), (8, '1e0'), (9, '10e-1'), (10, '2'),
	(11, '9223372036854775807'), (12, '9223372036854775807.0'), (13, '9223372036854775808'),
	(14, '18446744073709551616'), (15, '18446744073709551617'), (16, '1e30'), (17, '-1e30'),
	(18, '1e400'),
	(19, '0.5'), (20, '-0.5'), (21, '1.000000000000000000001'), (22, '9223372036854775807.5'),
	(23, '1e-400'), (24, 'null')) n(n, after),
	LATERAL pg_temp.failure(
		format(
			'SELECT factstr_query(%L)',
			'{"after": ' || n.after || '}')) f
	LEFT JOIN LATERAL factstr_query(
		CASE
			f.state WHEN '00000' THEN (
				'{"after": ' || n.after || '}')::jsonb
			ELSE '{}'
			END) q ON f.state = '00000'
ORDER BY n;

-- Keys are quoted; long ones are shortened, but never within a character.
SELECT f.state, f.message, f.detail,
	convert_from(convert_to(f.message, 'UTF8'), 'UTF8') = f.message AS valid
FROM (VALUES
	(1, repeat('x', 64)), (2, repeat('x', 65)), (3, repeat('x', 62) || '🦊'),
	(4, repeat('日', 1000000)), (5, 'filters ')) i(n, key),
	pg_temp.failure(format('SELECT factstr_query(%L)', jsonb_build_object(key, 1))) f ORDER BY n;
SELECT f.state, f.message, f.detail,
	convert_from(convert_to(f.message, 'UTF8'), 'UTF8') = f.message AS valid
FROM (VALUES
	(1, repeat('x', 64)), (2, repeat('x', 65)), (3, repeat('x', 62) || '🦊'),
	(4, repeat('日', 1000000)), (5, 'event_types ')) i(n, key),
	pg_temp.failure(
		format(
			'SELECT factstr_query(%L)',
			jsonb_build_object('filters', jsonb_build_array(jsonb_build_object(key, 1))))) f
ORDER BY n;

-- Values are not quoted.
SELECT count(*) FILTER (WHERE concat(f.message, f.detail, f.hint) ~ 'secret') AS told
FROM (VALUES
	('"secret"'), ('["secret"]'), ('{"filters": "secret"}'), ('{"filters": ["secret"]}'),
	('{"filters": [{"event_types": "secret"}]}'), ('{"filters": [{"event_types": [["secret"]]}]}'),
	('{"filters": [{"payload_predicates": {"secret": 1}}]}'),
	('{"after": "secret"}')) i(query),
	pg_temp.failure(format('SELECT factstr_query(%L)', i.query)) f;

-- Every function refuses the same; the argument is called by its name.
SELECT commands.n, replace(command, '%L', 'query') AS command, count(*) AS tried,
	count(*) FILTER (
		WHERE (s.state, s.message, s.detail, s.hint)
			IS DISTINCT FROM (
				f.state, replace(f.message, 'invalid event_query', 'invalid ' || argument),
				f.detail, f.hint)) AS different
FROM malformed i, pg_temp.failure(format('SELECT factstr_query(%L)', i.query)) f,
	(VALUES
		(1, 'event_query', 'SELECT factstr_read(%L)'),
		(2, 'event_query', 'SELECT * FROM factstr_read(%L, 0)'),
		(3, 'event_query', 'SELECT factstr_context_version(%L)'),
		(4, 'event_query', 'SELECT factstr_batches(%L)'),
		(5, 'event_query', 'SELECT factstr_matches(%L, ''a'', ''1'')'),
		(6, 'context_query',
			'SELECT factstr_append_if(''[{"event_type": "a", "payload": 1}]'', %L, 2)'),
		(7, 'context_query',
			'SELECT factstr_append_if(''[{"event_type": "a", "payload": 1}]'', %L, NULL)'),
		(8, 'context_query',
			'SELECT factstr_append_if(''[{"event_type": "a", "payload": 1}]'', %L, 1)'),
		(9, 'context_query',
			'SELECT factstr_try_append_if(''[{"event_type": "a", "payload": 1}]'', %L, 2)')
	) commands(n, argument, command),
	pg_temp.failure(format(command, i.query)) s
GROUP BY 1, 2 ORDER BY 1;

-- Null and other values out of range
SELECT i.command, f.*
FROM (VALUES
	(1, 'SELECT factstr_query(NULL)'), (2, 'SELECT factstr_read(NULL)'),
	(3, 'SELECT factstr_read(''{}'', 1, NULL)'), (4, 'SELECT factstr_read(''{}'', -1)'),
	(5, 'SELECT factstr_read(''{}'', -9223372036854775808)'),
	(6, 'SELECT factstr_context_version(NULL)'),
	(7, 'SELECT factstr_batches(NULL)'),
	(8, 'SELECT factstr_batches(''{}'', NULL)'),
	(9, 'SELECT factstr_batches(''{}'', -1)'),
	(10, 'SELECT factstr_batches(''{}'', 0, NULL)'),
	(11, 'SELECT factstr_batches(''{}'', 0, 0)'),
	(12, 'SELECT factstr_batches(''{}'', 0, -1)')) i(n, command),
	pg_temp.failure(command) f ORDER BY n;
SELECT factstr_matches(NULL, 'a', '1'), factstr_matches('{}', NULL, '1'),
	factstr_matches('{}', 'a', NULL);

-- rule 14: versions that no context can have; the hint says why where it can
SELECT i.expected, f.*
FROM (VALUES
	(1, '0'), (2, '-1'), (3, '-9223372036854775808'), (4, '3'), (5, '9223372036854775807'),
	(6, 'NULL')) i(n, expected),
	pg_temp.failure(
		format(
			'SELECT factstr_append_if(%L, ''{}'', %s)', '[{"event_type": "a", "payload": 1}]',
			expected)) f
ORDER BY n;

-- rule 2: nothing was stored, no number used
SELECT count(*) FROM factstr_events;
SELECT factstr_append('[{"event_type": "next", "payload": 1}]');

DROP EXTENSION factstr CASCADE;
