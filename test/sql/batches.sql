-- Batches: facts that were appended together are returned together, filtered.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

SELECT * FROM factstr_batches();
SELECT factstr_append('[{"event_type": "a", "payload": {"n": 1}}]');
SELECT factstr_append(
	'[{"event_type": "a", "payload": {"n": 2}}, {"event_type": "b", "payload": {"n": 3}},
		{"event_type": "a", "payload": {"n": 4}}]');
SELECT factstr_append(
	'[{"event_type": "b", "payload": {"n": 5}}, {"event_type": "c", "payload": {"n": 6}}]');
BEGIN;
SELECT factstr_append('[{"event_type": "a", "payload": {"n": 7}}]');
SELECT factstr_append('[{"event_type": "a", "payload": {"n": 8}}]'),
	factstr_append(
		'[{"event_type": "b", "payload": {"n": 9}}, {"event_type": "a", "payload": {"n": 10}}]');
COMMIT;
SELECT factstr_append(
	'[{"event_type": "c", "payload": {"n": 11}}, {"event_type": "b", "payload": {"n": 12}}]');

CREATE FUNCTION pg_temp.numbers(records jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(r->>'sequence_number', ' ' ORDER BY n)
	FROM jsonb_array_elements(records) WITH ORDINALITY x(r, n) $$;
-- rule 5, rule 18: whole batches in commit order; appends of one transaction are never merged
SELECT first_sequence_number, last_sequence_number, pg_temp.numbers(event_records) AS records
FROM factstr_batches();
SELECT * FROM factstr_batches() \gdesc
-- rule 18: a mixed batch as one filtered batch, with the range of the whole; one without a match
-- not at all
SELECT first_sequence_number, last_sequence_number, pg_temp.numbers(event_records) AS records
FROM factstr_batches('{"filters": [{"event_types": ["a"]}]}');
SELECT first_sequence_number, last_sequence_number, pg_temp.numbers(event_records) AS records
FROM factstr_batches(
	'{"filters": [{"event_types": ["c"]}, {"payload_predicates": [{"n": 2}, {"n": 9}]}]}');
SELECT count(*) FROM factstr_batches('{"filters": [{"event_types": ["none"]}]}');
SELECT count(*) FROM factstr_batches('{"filters": [{"event_types": []}]}');

-- After a position: batches with a match beyond it, whole even if the position is inside
SELECT after,
	(SELECT string_agg(format('%s-%s', first_sequence_number, last_sequence_number), ' ')
		FROM factstr_batches('{}', after)) AS every,
	(SELECT string_agg(
			format(
				'%s-%s (%s)', first_sequence_number, last_sequence_number,
				pg_temp.numbers(event_records)), ' ')
		FROM factstr_batches('{"filters": [{"event_types": ["a"]}]}', after)) AS a
FROM generate_series(0, 13) after;
SELECT count(*) FROM factstr_batches('{}', 9223372036854775807);

-- At most max_batches; a consumer that walks through them gets every batch once
SELECT max_batches,
	(SELECT string_agg(first_sequence_number::text, ' ')
		FROM factstr_batches('{}', 0, max_batches)) AS every,
	(SELECT string_agg(first_sequence_number::text, ' ')
		FROM factstr_batches('{"filters": [{"event_types": ["b"]}]}', 0, max_batches)) AS b
FROM unnest(ARRAY[1, 2, 5, 7, 2147483647]) max_batches;
WITH RECURSIVE walk AS (
	SELECT b.* FROM factstr_batches('{"filters": [{"event_types": ["b"]}]}', 0, 1) b
	UNION ALL
	SELECT b.* FROM walk,
		factstr_batches('{"filters": [{"event_types": ["b"]}]}', walk.last_sequence_number, 1) b
)
SELECT first_sequence_number, last_sequence_number, pg_temp.numbers(event_records) AS records
FROM walk LIMIT 20;

-- rule 11: after is for returned rows of a query; it does not concern batches
SELECT string_agg(first_sequence_number::text, ' ')
FROM factstr_batches('{"after": 5}');

-- rule 3: the records are those of factstr_query, to the last digit
SELECT count(*) AS batches,
	bool_and(
		b.event_records = (SELECT jsonb_agg(r ORDER BY n)
			FROM factstr_query('{"filters": [{"event_types": ["a", "b"]}]}') q,
				jsonb_array_elements(q.event_records) WITH ORDINALITY x(r, n)
			WHERE (r->>'sequence_number')::bigint
				BETWEEN b.first_sequence_number AND b.last_sequence_number)) AS same
FROM factstr_batches('{"filters": [{"event_types": ["a", "b"]}]}') b;

-- rule 5: batches stay as they were appended, large ones too
SELECT factstr_append(pg_temp.events('bulk', 1500)), factstr_append(pg_temp.events('bulk', 1));
SELECT first_sequence_number, last_sequence_number, jsonb_array_length(event_records)
FROM factstr_batches('{"filters": [{"event_types": ["bulk"]}]}');
SELECT first_sequence_number, last_sequence_number, pg_temp.numbers(event_records) AS records
FROM factstr_batches(
	'{"filters": [{"event_types": ["bulk"], "payload_predicates": [{"n": 700}, {"n": 1}]}]}', 500);
SELECT count(*) AS appended
FROM (
	SELECT factstr_append(pg_temp.events('row', 2)) FROM generate_series(1, 250) OFFSET 0) appends;
-- The default is 100 batches.
SELECT count(*), min(first_sequence_number), max(last_sequence_number)
FROM factstr_batches('{"filters": [{"event_types": ["row"]}]}');
SELECT count(*), min(first_sequence_number), max(last_sequence_number)
FROM factstr_batches('{"filters": [{"event_types": ["row"]}]}', 0, 10000);

-- Read in parts: a limit, a cursor, a loop that appends meanwhile
SELECT first_sequence_number FROM factstr_batches() LIMIT 2;
SELECT (factstr_batches()).first_sequence_number LIMIT 2;
BEGIN;
DECLARE batches CURSOR FOR
SELECT (factstr_batches('{"filters": [{"event_types": ["row"]}]}', 0, 1000)).first_sequence_number;
FETCH 2 batches;
SELECT factstr_append(pg_temp.events('row', 1)) IS NOT NULL AS appended;
MOVE 247 batches;
FETCH ALL batches;
CLOSE batches;
DECLARE batches CURSOR WITH HOLD FOR
SELECT (factstr_batches('{"filters": [{"event_types": ["row"]}]}', 1514, 3)).first_sequence_number;
FETCH 1 batches;
COMMIT;
FETCH ALL batches;
CLOSE batches;
DROP EXTENSION factstr CASCADE;
