-- Queries: the meaning of filters, and the result.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

-- rule 13: an empty log
SELECT * FROM factstr_query();
SELECT * FROM factstr_query('{"filters": [{"event_types": ["a"]}], "after": 5}');
SELECT factstr_context_version('{}');

SELECT factstr_append('[{"event_type": "a", "payload": {"x": 1, "y": 1}}]');
SELECT factstr_append(
	'[{"event_type": "b", "payload": {"x": 1}}, {"event_type": "a", "payload": {"x": 2}},
		{"event_type": "c", "payload": {"y": 1}}]');
SELECT factstr_append(
	'[{"event_type": "b", "payload": {"x": 2, "y": 2}}, {"event_type": "d", "payload": [1, 2]},
		{"event_type": "d", "payload": "text"}]');
SELECT factstr_append('[{"event_type": "a", "payload": null}, {"event_type": "e", "payload": {}}]');
SELECT sequence_number, event_type, payload FROM factstr_read();

-- rule 9, rule 10: which facts a query means, as numbers
CREATE TEMP TABLE queries (n int GENERATED ALWAYS AS IDENTITY, query jsonb);
INSERT INTO queries (query) VALUES
	-- absent, null and empty filters: every fact
	('{}'), ('{"filters": null}'), ('{"filters": []}'),
	('{"filters": null, "after": null}'),
	-- a filter that does not constrain
	('{"filters": [{}]}'), ('{"filters": [{"event_types": null}]}'),
	('{"filters": [{"event_types": null, "payload_predicates": null}]}'),
	-- OR across event types
	('{"filters": [{"event_types": ["a"]}]}'),
	('{"filters": [{"event_types": ["a", "c"]}]}'),
	('{"filters": [{"event_types": ["c", "a", "a"]}]}'),
	('{"filters": [{"event_types": ["z"]}]}'),
	-- OR across predicates
	('{"filters": [{"payload_predicates": [{"x": 1}]}]}'),
	('{"filters": [{"payload_predicates": [{"x": 1}, {"y": 2}]}]}'),
	('{"filters": [{"payload_predicates": [{"x": 3}]}]}'),
	('{"filters": [{"payload_predicates": [{}]}]}'),
	('{"filters": [{"payload_predicates": [[]]}]}'),
	('{"filters": [{"payload_predicates": [null]}]}'),
	('{"filters": [{"payload_predicates": ["text", [2]]}]}'),
	-- AND between types and predicates
	('{"filters": [{"event_types": ["a"], "payload_predicates": [{"x": 1}]}]}'),
	('{"filters": [{"event_types": ["a", "b"], "payload_predicates": [{"x": 1}, {"x": 2}]}]}'),
	('{"filters": [{"event_types": ["c"], "payload_predicates": [{"x": 1}]}]}'),
	-- OR across filters
	('{"filters": [{"event_types": ["c"]}, {"payload_predicates": [{"x": 2}]}]}'),
	('{"filters": [{"event_types": ["a"], "payload_predicates": [{"x": 2}]},
			{"event_types": ["b"], "payload_predicates": [{"x": 1}]}]}'),
	('{"filters": [{"event_types": ["a"]}, {"event_types": ["a"]}]}'),
	('{"filters": [{"event_types": ["z"]}, {}]}'),
	-- an empty list inside a filter: nothing
	('{"filters": [{"event_types": []}]}'),
	('{"filters": [{"payload_predicates": []}]}'),
	('{"filters": [{"event_types": [], "payload_predicates": []}]}'),
	('{"filters": [{"event_types": ["a"], "payload_predicates": []}]}'),
	('{"filters": [{"event_types": [], "payload_predicates": [{}]}]}'),
	('{"filters": [{"event_types": []}, {"event_types": ["c"]}]}');
CREATE FUNCTION pg_temp.numbers(records jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(r->>'sequence_number', ' ' ORDER BY n), '-')
	FROM jsonb_array_elements(records) WITH ORDINALITY x(r, n) $$;
SELECT query, pg_temp.numbers(event_records) AS records, last_returned_sequence_number AS last,
	current_context_version AS version
FROM queries, factstr_query(query) ORDER BY n;

-- rule 11: the bound is on returned rows only
SELECT query, pg_temp.numbers(event_records) AS records, last_returned_sequence_number AS last,
	current_context_version AS version, factstr_context_version(query)
FROM (VALUES
	(2, '{"after": 0}'::jsonb),
	(3, '{"after": 1}'), (4, '{"after": 8}'),
	(5, '{"after": 9}'), (6, '{"after": 10}'),
	(7, '{"after": 9223372036854775807}'),
	(8, '{"filters": [{"event_types": ["a"]}], "after": 0}'),
	(9, '{"filters": [{"event_types": ["a"]}], "after": 2}'),
	(10, '{"filters": [{"event_types": ["a"]}], "after": 3}'),
	(11, '{"filters": [{"event_types": ["a"]}], "after": 8}'),
	(12, '{"filters": [{"event_types": ["c"]}], "after": 3}'),
	(13, '{"filters": [{"event_types": ["c"]}], "after": 4}'),
	(14, '{"filters": [{"event_types": ["z"]}], "after": 4}'),
	(15, '{"filters": [{"payload_predicates": [{"x": 2}]}], "after": 5}'),
	(16, '{"filters": [{"event_types": []}], "after": 0}')) q(n, query),
	factstr_query(query)
ORDER BY n;
SELECT count(*) FROM factstr_read('{"after": 9223372036854775807}');
SELECT count(*) FROM factstr_read('{"after": 9223372036854775807}', NULL, true);
-- rule 11: the matcher knows no numbers, so the bound does not concern it
SELECT factstr_matches(
	'{"filters": [{"event_types": ["a"]}], "after": 100}', 'a', '1');

-- rule 13: records ascend, and have the shape of a record
SELECT jsonb_object_keys(r) AS key, jsonb_typeof(r->jsonb_object_keys(r)) AS type, count(*)
FROM factstr_query('{"filters": [{"event_types": ["b"]}]}'), jsonb_array_elements(event_records) r
GROUP BY 1, 2 ORDER BY 1;
SELECT * FROM factstr_query() \gdesc

-- rule 13: one snapshot, without the appends of other parts of the statement, before or after
SELECT jsonb_array_length(event_records) AS records, last_returned_sequence_number AS last,
	current_context_version AS version
FROM factstr_append('[{"event_type": "a", "payload": 1}]') appended,
	LATERAL factstr_query(jsonb_build_object('after', appended.committed_count - 1));
-- and a cursor's snapshot is that of its declaration
BEGIN;
DECLARE earlier CURSOR FOR
SELECT jsonb_array_length(event_records) AS records, last_returned_sequence_number AS last,
	current_context_version AS version
FROM factstr_query();
SELECT factstr_append('[{"event_type": "a", "payload": 1}]');
FETCH earlier;
ROLLBACK;
-- A function that is not stable takes a snapshot per statement.
CREATE FUNCTION pg_temp.versions() RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
	versions bigint[] := '{}';
BEGIN
	FOR n IN 1 .. 3 LOOP
		PERFORM factstr_append('[{"event_type": "v", "payload": 1}]');
		versions := versions || factstr_context_version('{"filters": [{"event_types": ["v"]}]}');
	END LOOP;
	RETURN versions;
END
$$;
SELECT pg_temp.versions();

-- In every place where a function may be called
SELECT x,
	(factstr_query(
			jsonb_build_object(
				'filters', jsonb_build_array(
					jsonb_build_object(
						'payload_predicates', jsonb_build_array(
							jsonb_build_object('x', x))))))).current_context_version
FROM generate_series(1, 3) x;
SELECT (q).last_returned_sequence_number FROM factstr_query() q;
CREATE VIEW pg_temp.latest AS
SELECT current_context_version FROM factstr_query('{"filters": [{"event_types": ["v"]}]}');
SELECT * FROM pg_temp.latest;
PREPARE asking(jsonb) AS
SELECT last_returned_sequence_number, current_context_version FROM factstr_query($1);
EXECUTE asking('{"filters": [{"event_types": ["c"]}]}');
EXECUTE asking('{"filters": [{"event_types": ["z"]}]}');
DROP EXTENSION factstr CASCADE;
