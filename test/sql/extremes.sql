-- Input of extreme size and depth: served or cleanly refused, and the server lives.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;
SELECT factstr_append('[{"event_type": "first", "payload": 1}]');

-- Deep nesting. An event has at most 1,000 levels. How deep PostgreSQL itself can go depends on the
-- platform, so a query may succeed or fail with the one right error.
CREATE FUNCTION pg_temp.nested(depth int, innermost text = '1') RETURNS text LANGUAGE sql AS $$
	SELECT repeat('[', depth) || innermost || repeat(']', depth) $$;
CREATE FUNCTION pg_temp.nested_objects(depth int, innermost text = '1') RETURNS text LANGUAGE sql
	AS $$
	SELECT repeat('{"a":', depth) || innermost || repeat('}', depth) $$;
SELECT depth,
	CASE WHEN depth > 1000 THEN f.state IN ('22023', '54001') ELSE f.state = '00000' END
		AS as_expected
FROM (VALUES (100), (1000), (10000), (100000), (1000000)) depths(depth),
	pg_temp.failure(
		format(
			'SELECT factstr_append(''[{"event_type": "deep", "payload": %s}]'')',
			pg_temp.nested(depth))) f
ORDER BY depth;
SELECT depth,
	CASE WHEN depth > 1000 THEN f.state IN ('22023', '54001') ELSE f.state = '00000' END
		AS as_expected
FROM (VALUES (100), (1000), (10000), (100000), (1000000)) depths(depth),
	pg_temp.failure(
		format(
			'SELECT factstr_append(''[{"event_type": "deep object", "payload": %s}]'')',
			pg_temp.nested_objects(depth))) f
ORDER BY depth;
SELECT payload::text = replace(pg_temp.nested(1000), ' ', '') AS equal
FROM factstr_read('{"filters": [{"event_types": ["deep"]}]}') OFFSET 1 LIMIT 1;

-- Deep predicates against deep payloads: the matcher goes all the way down, or says that it cannot.
SELECT depth, innermost, f.state IN ('00000', '54001') AS as_expected,
	depth > 1000 OR f.state = '00000' AS deep_enough
FROM (VALUES (100), (1000), (10000), (100000), (1000000)) depths(depth),
	(VALUES ('1'), ('2'), ('{}'), ('')) i(innermost),
	pg_temp.failure(
		format(
			'SELECT factstr_query(''{"filters": [{"payload_predicates": [%s]}]}'')',
			pg_temp.nested(depth, innermost))) f
ORDER BY depth, innermost;
SELECT factstr_matches(
	('{"filters": [{"payload_predicates": [' || pg_temp.nested(1000, innermost) || ']}]}')::jsonb,
	'a', pg_temp.nested(1000)::jsonb) AS nested,
	factstr_matches(
		('{"filters": [{"payload_predicates": [' || pg_temp.nested_objects(1000, innermost)
				|| ']}]}')::jsonb, 'a', pg_temp.nested_objects(1000)::jsonb) AS nested_objects
FROM (VALUES ('1.0'), ('2')) i(innermost);
-- With as little stack as the server allows, and with more than it has by default where the
-- platform lets it.
SET max_stack_depth = '100kB';
SELECT f.state IN ('00000', '54001') AS as_expected
FROM pg_temp.failure(
	format(
		'SELECT factstr_matches(''{"filters": [{"payload_predicates": [%1$s]}]}'','
			' ''a'', ''%1$s'')',
		pg_temp.nested(10000))) f;
SELECT f.state FROM pg_temp.failure(
	'SELECT factstr_append(''[{"event_type": "little stack", "payload": [[[1]]]}]'')') f;
RESET max_stack_depth;
DO $$
BEGIN
	PERFORM set_config('max_stack_depth', '6MB', false);
EXCEPTION WHEN invalid_parameter_value THEN
	NULL;
END
$$;
SELECT f.state IN ('00000', '54001') AS as_expected
FROM (VALUES (10000), (50000), (100000)) depths(depth),
	pg_temp.failure(
		format(
			'SELECT factstr_matches(''{"filters": [{"payload_predicates": [%1$s]}]}'','
				' ''a'', ''%1$s'')',
			pg_temp.nested(depth))) f;
RESET max_stack_depth;

-- Large payloads
SELECT factstr_append(
	jsonb_build_array(jsonb_build_object('event_type', 'large', 'payload', repeat('x', 100000000))))
	IS NOT NULL AS stored;
SELECT length(payload #>> '{}'), payload = to_jsonb(repeat('x', 100000000)) AS equal
FROM factstr_read('{"filters": [{"event_types": ["large"]}]}');
-- Together they exceed the 256 MB that a jsonb array of records can hold: an error that names the
-- alternative.
SELECT committed_count
FROM factstr_append(
	jsonb_build_array(
		jsonb_build_object('event_type', 'large', 'payload', repeat('y', 85000000)),
		jsonb_build_object('event_type', 'large', 'payload', repeat('z', 85000000))));
SELECT factstr_query('{"filters": [{"event_types": ["large"]}]}');
SELECT jsonb_array_length(event_records)
FROM factstr_batches('{"filters": [{"event_types": ["large"]}]}', 0, 1);
SELECT length(
	(factstr_read(
			'{"filters": [{"event_types": ["large"]}]}', 1, true)).payload #>> '{}') AS rows_do_not;
SELECT factstr_context_version('{"filters": [{"event_types": ["large"]}]}')
	= (SELECT max(sequence_number) FROM factstr_events) AS newest;

-- Metadata may be large as well.
SELECT factstr_append(
	jsonb_build_array(
		jsonb_build_object(
			'event_type', 'meta', 'payload', 1,
			'metadata', jsonb_build_object('m', repeat('ž', 1000000))))) IS NOT NULL AS stored;
SELECT length(metadata->>'m') FROM factstr_read('{"filters": [{"event_types": ["meta"]}]}');

-- A batch of many events
SELECT committed_count FROM factstr_append(pg_temp.events('many', 5000));
SELECT jsonb_array_length(event_records), event_records->4999->'payload' AS last
FROM factstr_query('{"filters": [{"event_types": ["many"]}]}');

-- Queries of thousands of parts on a log that is long enough for the indexes
SELECT 'types' AS parts, jsonb_array_length(event_records),
	current_context_version = (SELECT max(sequence_number) FROM factstr_events) AS newest
FROM factstr_query(
	jsonb_build_object(
		'filters', jsonb_build_array(
			jsonb_build_object(
				'event_types', (SELECT jsonb_agg('type ' || i) || '["many"]'
					FROM generate_series(1, 9999) i)))));
CREATE FUNCTION pg_temp.numbered(count int) RETURNS SETOF jsonb LANGUAGE sql
	AS $$ SELECT jsonb_build_object('m', i) FROM generate_series(1, count) i $$;
SELECT factstr_append(jsonb_agg(jsonb_build_object('event_type', 'numbered', 'payload', n)))
	IS NOT NULL AS stored
FROM pg_temp.numbered(500) n;
SELECT 'predicates' AS parts, jsonb_array_length(event_records),
	current_context_version = (SELECT max(sequence_number) FROM factstr_events) AS newest
FROM factstr_query(
	jsonb_build_object(
		'filters', jsonb_build_array(
			jsonb_build_object(
				'payload_predicates', (SELECT jsonb_agg(n) FROM pg_temp.numbered(10000) n)))));
SELECT 'filters' AS parts, jsonb_array_length(event_records),
	current_context_version = (SELECT max(sequence_number) FROM factstr_events) AS newest
FROM factstr_query(
	jsonb_build_object(
		'filters', (SELECT jsonb_agg(jsonb_build_object('payload_predicates', jsonb_build_array(n)))
			FROM pg_temp.numbered(3000) n)));
SELECT 'filters with types' AS parts, jsonb_array_length(event_records),
	current_context_version = (SELECT max(sequence_number) FROM factstr_events) AS newest
FROM factstr_query(
	jsonb_build_object(
		'filters', (SELECT jsonb_agg(
				jsonb_build_object(
					'event_types', '["numbered", "other"]'::jsonb,
					'payload_predicates', jsonb_build_array(n)))
			FROM pg_temp.numbered(10000) n)));
SELECT 'members' AS parts, jsonb_array_length(event_records)
FROM factstr_query(
	jsonb_build_object(
		'filters', jsonb_build_array(
			jsonb_build_object(
				'payload_predicates', jsonb_build_array(
					(SELECT jsonb_object_agg('m' || i, i) FROM generate_series(1, 10000) i))))));
-- No fact has an event type that is too long for an index entry.
SELECT factstr_context_version(
	jsonb_build_object(
		'filters', jsonb_build_array(
			jsonb_build_object('event_types', jsonb_build_array(repeat('x', 1000000))))));

-- rule 2: still without a gap
SELECT count(*) = max(sequence_number) AS gap_free, min(sequence_number) FROM factstr_events;
SELECT (factstr_append('[{"event_type": "next", "payload": 1}]')).first_sequence_number
	= (SELECT count(*) + 1 FROM factstr_events) AS next;

DROP EXTENSION factstr CASCADE;
