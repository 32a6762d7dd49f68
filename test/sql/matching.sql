-- The matcher, with every case of test/data/matching-cases.jsonl.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

\set cases `cat "$PG_ABS_SRCDIR/data/matching-cases.jsonl"`
CREATE TEMP TABLE cases AS
SELECT n, line->>'name' AS name, (line->>'payload')::jsonb AS payload,
	(line->>'predicate')::jsonb AS predicate, (line->>'matches')::boolean AS matches
FROM (SELECT n, text::jsonb AS line
	FROM regexp_split_to_table(:'cases', E'\n') WITH ORDINALITY lines(text, n)
	WHERE text <> '') parsed;
SELECT count(*) >= 75 AS all_there, count(*) = count(DISTINCT name) AS names_unique,
	count(*) FILTER (WHERE matches) > 30 AS some_match,
	count(*) FILTER (WHERE NOT matches) > 30 AS some_do_not
FROM cases;

CREATE FUNCTION pg_temp.query(predicate jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('filters', jsonb_build_array(
		jsonb_build_object('payload_predicates', jsonb_build_array(predicate)))) $$;

-- rule 12: the function; no rows are expected
SELECT name AS "fails: factstr_matches" FROM cases
WHERE factstr_matches(pg_temp.query(predicate), 'any', payload) IS DISTINCT FROM matches ORDER BY n;
-- rule 12: the predicate among others
SELECT name AS "fails: among others" FROM cases
WHERE factstr_matches(jsonb_build_object('filters', jsonb_build_array(
		jsonb_build_object('payload_predicates', jsonb_build_array(
			'"no such payload"', predicate, '{"no such": "payload"}')))), 'any', payload)
	IS DISTINCT FROM matches
ORDER BY n;
-- rule 12: one level down, on both sides
SELECT name AS "fails: in an object" FROM cases
WHERE factstr_matches(
	pg_temp.query(jsonb_build_object('x', predicate)), 'any',
	jsonb_build_object('x', payload, 'y', 1)) IS DISTINCT FROM matches
ORDER BY n;
SELECT name AS "fails: in an array" FROM cases
WHERE factstr_matches(
	pg_temp.query(jsonb_build_array(predicate)), 'any', jsonb_build_array('no', payload))
	IS DISTINCT FROM matches
ORDER BY n;

-- rule 12: stored, each payload with another type, on the short log that is walked ...
SELECT count(*) AS appended
FROM (SELECT factstr_append(
		jsonb_build_array(jsonb_build_object('event_type', name, 'payload', payload)))
	FROM cases ORDER BY n OFFSET 0) appends;
CREATE FUNCTION pg_temp.stored_failures() RETURNS TABLE (failed_through text, name text)
	LANGUAGE sql AS $$
	SELECT 'query', c.name FROM cases c, factstr_query(pg_temp.query(predicate)) q
	WHERE (q.event_records @> jsonb_build_array(jsonb_build_object('event_type', c.name)))
		IS DISTINCT FROM matches
	UNION ALL
	SELECT 'query with type', c.name FROM cases c,
		factstr_query(jsonb_build_object('filters', jsonb_build_array(jsonb_build_object(
			'event_types', jsonb_build_array(c.name),
			'payload_predicates', jsonb_build_array(predicate))))) q
	WHERE (jsonb_array_length(q.event_records) = 1) IS DISTINCT FROM matches
	UNION ALL
	SELECT 'read', c.name FROM cases c
	WHERE (c.name IN (SELECT event_type FROM factstr_read(pg_temp.query(predicate))))
		IS DISTINCT FROM matches
	UNION ALL
	SELECT 'context version', c.name FROM cases c
	WHERE (factstr_context_version(jsonb_build_object('filters', jsonb_build_array(jsonb_build_object(
			'event_types', jsonb_build_array(c.name),
			'payload_predicates', jsonb_build_array(predicate))))) IS NOT NULL)
		IS DISTINCT FROM matches
	UNION ALL
	SELECT 'batches', c.name FROM cases c
	WHERE (c.name IN (SELECT r->>'event_type'
			FROM factstr_batches(pg_temp.query(predicate)) b,
				jsonb_array_elements(b.event_records) r)) IS DISTINCT FROM matches
	UNION ALL
	SELECT 'append_if', c.name FROM cases c,
		pg_temp.failure(format('SELECT factstr_append_if(%L, %L, NULL)',
			'[{"event_type": "none", "payload": "none"}]',
			jsonb_build_object('filters', jsonb_build_array(jsonb_build_object(
				'event_types', jsonb_build_array(c.name),
				'payload_predicates', jsonb_build_array(predicate)))))) f
	WHERE (f.state = 'FS001') IS DISTINCT FROM matches
$$;
SELECT * FROM pg_temp.stored_failures();

-- ... and on one that is long enough for the index, even if a planner would not choose it
SELECT committed_count FROM factstr_append(pg_temp.events('filler', 1000));
SELECT * FROM pg_temp.stored_failures();
VACUUM factstr_events;
SELECT * FROM pg_temp.stored_failures();

-- rule 12: where PostgreSQL's own operator differs: a scalar in an array at the root
SELECT payload, predicate, payload @> predicate AS "@>",
	factstr_matches(pg_temp.query(predicate), 'any', payload) AS factstr
FROM (VALUES
	(1, '["a"]'::jsonb, '"a"'::jsonb), (2, '[1, 2]', '1.0'), (3, '[null]', 'null'),
	(4, '[true]', 'true'), (5, '["a"]', '["a"]'), (6, '"a"', '"a"'),
	(7, '{"t": ["a"]}', '{"t": "a"}'), (8, '[["a"]]', '"a"'),
	(9, '"a"', '["a"]')) i(n, payload, predicate)
ORDER BY n;
SELECT name AS "differs from @>" FROM cases WHERE (payload @> predicate) <> matches ORDER BY n;
-- Two of them, stored: found by the index, refused by the matcher.
SELECT factstr_append(
	'[{"event_type": "root array", "payload": ["only once"]},
		{"event_type": "root string", "payload": "only once"}]');
SELECT event_type FROM factstr_read('{"filters": [{"payload_predicates": ["only once"]}]}');
SELECT event_type FROM factstr_read('{"filters": [{"payload_predicates": [["only once"]]}]}');

-- rule 12: strings are compared byte by byte, without a collation
SELECT factstr_matches(
		'{"filters": [{"payload_predicates": [{"a": "straße"}]}]}', 'x', '{"a": "strasse"}'
	) AS sharp_s,
	factstr_matches('{"filters": [{"event_types": ["Ä"]}]}', 'ä', '1') AS type_case,
	factstr_matches('{"filters": [{"event_types": ["ä"]}]}', 'ä', '1') AS same_type,
	factstr_matches('{"filters": [{"event_types": ["ab"]}]}', 'a', '1') AS longer_type,
	factstr_matches('{"filters": [{"event_types": ["a"]}]}', 'ab', '1') AS shorter_type;

-- It is immutable: the planner computes it once, and an index may be built on it.
EXPLAIN (COSTS OFF)
SELECT 1 WHERE factstr_matches('{"filters": [{"payload_predicates": [1]}]}', 'a', '2');
CREATE TEMP TABLE documents (event_type text, payload jsonb);
CREATE INDEX ON documents (event_type)
WHERE factstr_matches(
	'{"filters": [{"payload_predicates": [{"open": true}]}]}', event_type, payload);
INSERT INTO documents VALUES ('a', '{"open": true}'), ('b', '{"open": false}'), ('c', '{}');
SELECT event_type FROM documents
WHERE factstr_matches(
	'{"filters": [{"payload_predicates": [{"open": true}]}]}', event_type, payload);

DROP EXTENSION factstr CASCADE;
