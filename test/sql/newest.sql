-- The newest fact of each of several contexts, with one version for all of them.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

CREATE FUNCTION pg_temp.newest(queries jsonb, OUT numbers jsonb, OUT version bigint) LANGUAGE sql AS $$
	SELECT (SELECT jsonb_agg(record -> 'sequence_number' ORDER BY n)
			FROM jsonb_array_elements(event_records) WITH ORDINALITY r(record, n)), current_context_version
	FROM factstr_newest(queries)
$$;

-- An empty log.
SELECT * FROM factstr_newest('[]');
SELECT * FROM factstr_newest('[{}, {"filters": [{"event_types": ["a"]}]}]');

SELECT factstr_append('[{"event_type": "a", "payload": {"n": 1}}, {"event_type": "b", "payload": {"n": 2}},
	{"event_type": "a", "payload": {"n": 3}}, {"event_type": "c", "payload": [4], "metadata": {"by": "Ada"}}]');

-- Rows in the order of the queries, null where there is none, and the version of all contexts.
SELECT * FROM pg_temp.newest('[{}]');
SELECT * FROM pg_temp.newest('[{"filters": [{"event_types": ["b"]}]}, {"filters": [{"event_types": ["d"]}]},
	{"filters": [{"event_types": ["a"]}]}, {"filters": [{"event_types": ["b"]}]}]');
SELECT * FROM pg_temp.newest('[{"filters": [{"payload_predicates": [{"n": 1}]}]}, {"filters": [{"event_types": []}]}]');
SELECT * FROM pg_temp.newest('[{"filters": [{"event_types": []}]}]');
-- A bound hides the fact, not the version.
SELECT * FROM pg_temp.newest('[{"filters": [{"event_types": ["a"]}], "after": 2},
	{"filters": [{"event_types": ["b"]}], "after": 2}]');
SELECT * FROM pg_temp.newest('[{"filters": [{"event_types": ["b"]}], "after": 9223372036854775807}]');
-- Records are the same as those of other functions.
SELECT n.event_records -> 0 = q.event_records -> 3 AS same
FROM factstr_newest('[{"filters": [{"event_types": ["c"]}]}]') n, factstr_query() q;
-- Many, so that offsets within the array are stored as well.
SELECT count(*), count(DISTINCT record ->> 'sequence_number'), min(jsonb_typeof(record)), max(jsonb_typeof(record))
FROM factstr_newest((SELECT jsonb_agg(CASE WHEN n % 3 = 0 THEN '{"filters": [{"event_types": ["none"]}]}'::jsonb
	ELSE jsonb_build_object('filters', jsonb_build_array(jsonb_build_object(
		'event_types', jsonb_build_array(chr(97 + n % 3))))) END)
	FROM generate_series(1, 1000) n)), jsonb_array_elements(event_records) record;
SELECT event_records -> 997 ->> 'event_type' AS type
FROM factstr_newest((SELECT jsonb_agg(CASE WHEN n = 998 THEN '{}'::jsonb ELSE '{"filters": [{"event_types": []}]}' END)
	FROM generate_series(1, 1000) n));

-- For a decision: append_if with all filters expects the version of all.
SELECT first_sequence_number FROM factstr_append_if('[{"event_type": "a", "payload": 5}]',
	'{"filters": [{"event_types": ["a"]}, {"event_types": ["b"]}]}',
	(SELECT current_context_version
	FROM factstr_newest('[{"filters": [{"event_types": ["a"]}]}, {"filters": [{"event_types": ["b"]}]}]')));
-- Facts of the own transaction.
BEGIN;
SELECT first_sequence_number FROM factstr_append('[{"event_type": "b", "payload": 6}]');
SELECT * FROM pg_temp.newest('[{"filters": [{"event_types": ["b"]}]}, {"filters": [{"event_types": ["a"]}]}]');
ROLLBACK;

-- Malformed input says which query.
SELECT f.* FROM (VALUES (1, 'NULL'), (2, '{}'), (3, '"a"'), (4, '[1]'), (5, '[{}, {"filter": []}]'),
	(6, '[{}, {}, {"filters": [{"event_types": [""]}]}]')) q(n, query),
	pg_temp.failure(format('SELECT factstr_newest(%L)', nullif(query, 'NULL'))) f
ORDER BY n;

DROP EXTENSION factstr CASCADE;
