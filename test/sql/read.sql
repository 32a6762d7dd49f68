-- Reading rows: limits, directions, cursors, joins, loops.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

SELECT * FROM factstr_read();
SELECT * FROM factstr_read() \gdesc
SELECT factstr_append(
	jsonb_agg(
		jsonb_build_object(
			'event_type', CASE n % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'b' ELSE 'c' END,
			'payload', jsonb_build_object('n', n, 'tens', n / 10))
		ORDER BY n))
FROM generate_series(1, 1000) n;

-- rule 13: ascending; or descending on request; with a limit or without
SELECT sequence_number, event_type, payload, metadata
FROM factstr_read('{"filters": [{"payload_predicates": [{"tens": 5}]}]}');
SELECT max_count, backwards, string_agg(sequence_number::text, ' ')
FROM unnest(ARRAY[0, 1, 3, NULL, 9223372036854775807]) max_count,
	unnest(ARRAY[false, true]) backwards
	LEFT JOIN LATERAL factstr_read(
		'{"filters": [{"event_types": ["a"], "payload_predicates": [{"tens": 3}, {"tens": 50}]}]}',
		max_count, backwards) ON true
GROUP BY 1, 2 ORDER BY 1, 2;
SELECT sequence_number FROM factstr_read(backwards => true, max_count => 2);
SELECT count(*), min(sequence_number), max(sequence_number),
	bool_and(occurred_at <= clock_timestamp()) AS past
FROM factstr_read(event_query => '{"after": 900}');

-- Up to a fact, which need not match: how a backwards read continues
SELECT up_to, backwards, string_agg(sequence_number::text, ' ')
FROM unnest(ARRAY[0, 30, 33, 500, 1000, 9223372036854775807]) up_to,
	unnest(ARRAY[false, true]) backwards
	LEFT JOIN LATERAL factstr_read(
		'{"filters": [{"event_types": ["a"], "payload_predicates": [{"tens": 3}, {"tens": 50}]}],
			"after": 30}', 2, backwards, NULL, up_to_sequence_number => up_to) ON true
GROUP BY 1, 2 ORDER BY 1, 2;
SELECT sequence_number
FROM factstr_read(
	'{}', backwards => true, max_count => 2, since => NULL, up_to_sequence_number => 10);
SELECT * FROM factstr_read('{}', NULL, false, NULL, up_to_sequence_number => -1);

-- A limit of the statement: in FROM, in the target list, in subqueries that end early
SELECT sequence_number FROM factstr_read() LIMIT 3;
SELECT (factstr_read()).sequence_number LIMIT 3;
SELECT (factstr_read('{}', NULL, true)).sequence_number OFFSET 2 LIMIT 2;
SELECT n,
	(SELECT (factstr_read(jsonb_build_object('after', n))).sequence_number LIMIT 1)
FROM generate_series(100, 400, 100) n;
SELECT n FROM generate_series(998, 1002) n
WHERE EXISTS (SELECT factstr_read(jsonb_build_object('after', n - 1)));
SELECT n, (factstr_read('{}', 2)).sequence_number FROM generate_series(1, 2) n;
SELECT (factstr_read('{}', 2)).sequence_number AS forwards,
	(factstr_read('{}', 3, true)).sequence_number AS backwards;
-- Hundreds of scans that end early, in one statement: nothing runs out, nothing is reported as
-- leaked.
SELECT count(first)
FROM generate_series(1, 500) n,
	LATERAL (
		SELECT (factstr_read(jsonb_build_object('after', n))).sequence_number AS first
		LIMIT 1) one;

-- Joins, lateral and otherwise; the function scanned again and again
SELECT r.sequence_number, o.label
FROM factstr_read('{"filters": [{"event_types": ["a"]}]}') r
JOIN (VALUES (3, 'three'), (4, 'four'), (999, 'last')) o(n, label) ON (r.payload->>'n')::int = o.n
ORDER BY 1;
SELECT n, r.sequence_number
FROM generate_series(1, 3) n,
	LATERAL factstr_read(
		jsonb_build_object(
			'filters', jsonb_build_array(
				jsonb_build_object(
					'payload_predicates', jsonb_build_array(jsonb_build_object('n', n * 100)))))) r
ORDER BY 1;
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off;
SELECT count(*) FROM generate_series(1, 5) n
JOIN factstr_read('{}', 50) r ON r.sequence_number % 5 = n % 5;
RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_material;
SELECT event_type, count(*), sum((payload->>'n')::int) FROM factstr_read() GROUP BY 1 ORDER BY 1;

-- Cursors: in steps, held beyond the transaction, over savepoints that are rolled back
BEGIN;
DECLARE facts CURSOR FOR
SELECT (factstr_read('{"filters": [{"event_types": ["a", "b"]}]}')).sequence_number;
FETCH 3 facts;
SAVEPOINT s;
FETCH 2 facts;
SELECT factstr_append('[{"event_type": "a", "payload": "taken back"}]');
ROLLBACK TO s;
FETCH 2 facts;
MOVE 655 facts;
SELECT factstr_append('[{"event_type": "a", "payload": "not in the snapshot"}]');
FETCH ALL facts;
COMMIT;
BEGIN;
DECLARE facts SCROLL CURSOR FOR SELECT sequence_number FROM factstr_read('{}', 5);
FETCH LAST facts;
FETCH FIRST facts;
FETCH BACKWARD 1 facts;
CLOSE facts;
DECLARE facts CURSOR WITH HOLD FOR SELECT (factstr_read('{}', 4)).sequence_number;
FETCH 1 facts;
COMMIT;
FETCH ALL facts;
CLOSE facts;
-- A cursor that is left open, and one that is closed by an error
BEGIN;
DECLARE facts CURSOR FOR SELECT factstr_read();
MOVE 1 facts;
COMMIT;
BEGIN;
DECLARE facts CURSOR FOR SELECT factstr_read();
MOVE 1 facts;
SELECT 1 / 0;
ROLLBACK;

-- PL/pgSQL: loops that leave early, that append, that catch errors, that commit
DO $$
DECLARE
	fact record;
	seen int := 0;
BEGIN
	FOR fact IN SELECT * FROM factstr_read() LOOP
		seen := seen + 1;
		EXIT WHEN seen = 3;
	END LOOP;
	FOR fact IN SELECT (factstr_read()).* LOOP
		seen := seen + 1;
		EXIT WHEN seen = 6;
	END LOOP;
	FOR fact IN SELECT (factstr_read('{"after": 990}')).sequence_number LOOP
		PERFORM factstr_append(
			jsonb_build_array(
				jsonb_build_object('event_type', 'seen', 'payload', fact.sequence_number)));
		seen := seen + 1;
	END LOOP;
	FOR fact IN SELECT (factstr_read('{}', 5)).sequence_number LOOP
		BEGIN
			PERFORM factstr_append('[]');
		EXCEPTION WHEN SQLSTATE 'FS002' THEN
			seen := seen + 1;
		END;
	END LOOP;
	RAISE NOTICE 'seen %', seen;
	FOR fact IN SELECT (factstr_read('{"filters": [{"event_types": ["seen"]}]}', 3)).payload LOOP
		PERFORM factstr_append(
			jsonb_build_array(
				jsonb_build_object('event_type', 'committed', 'payload', fact.payload)));
		COMMIT;
	END LOOP;
END
$$;
SELECT event_type, payload
FROM factstr_read('{"filters": [{"event_types": ["seen", "committed"]}]}');

-- An error in the middle leaves nothing behind.
SELECT 1 / (n - 3) FROM (SELECT ((factstr_read()).payload->>'n')::int AS n) facts;
SELECT count(*) FROM factstr_read('{"filters": [{"event_types": ["b"]}]}');

-- Facts as a table
CREATE TEMP TABLE copied AS SELECT * FROM factstr_read();
SELECT count(*),
	count(*) FILTER (
		WHERE to_jsonb(c) IS DISTINCT FROM
			to_jsonb(e) - 'batch_first_sequence_number' - 'idempotency_key') AS different
FROM copied c FULL JOIN factstr_events e USING (sequence_number);
CREATE VIEW pg_temp.a AS
SELECT sequence_number, payload FROM factstr_read('{"filters": [{"event_types": ["a"]}]}');
SELECT * FROM pg_temp.a WHERE payload->'n' = '300';
PREPARE reading(jsonb, bigint, boolean) AS SELECT sequence_number FROM factstr_read($1, $2, $3);
EXECUTE reading('{"filters": [{"event_types": ["c"]}]}', 2, true);
EXECUTE reading('{"filters": [{"event_types": ["c"]}]}', 1, false);

-- Rolled back appends leave entries in the indexes that a read comes upon and marks as dead.
DO $$
BEGIN
	PERFORM factstr_append(pg_temp.events('dead', 100));
	FOR i IN 1 .. 4 LOOP
		BEGIN
			PERFORM factstr_append(pg_temp.events('dead', 50));
			RAISE division_by_zero;
		EXCEPTION WHEN division_by_zero THEN
			NULL;
		END;
		COMMIT;
		PERFORM factstr_append(pg_temp.events('dead', 150));
	END LOOP;
END
$$;
SELECT count(*) FROM (SELECT factstr_read('{"filters": [{"event_types": ["dead"]}]}')) r;
SELECT count(*) FROM (
	SELECT factstr_read('{"filters": [{"event_types": ["dead"]}]}', backwards => true)) r;
SELECT count(*) FROM (SELECT factstr_batches('{"filters": [{"event_types": ["dead"]}]}')) r;
DROP EXTENSION factstr CASCADE;
