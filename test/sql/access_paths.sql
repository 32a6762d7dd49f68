-- The same answer through every access path: generated queries against a plain SQL oracle.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

-- A log of about 3,000 facts with types common and rare, and payloads of several shapes, in batches
-- of 1 to 7.
CREATE FUNCTION pg_temp.payload(n int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT CASE pg_temp.pick('shape' || n, 10)
		WHEN 0 THEN '{}'::jsonb
		WHEN 1 THEN jsonb_build_array(pg_temp.pick('p' || n, 5), 'x' || pg_temp.pick('q' || n, 20))
		WHEN 2 THEN to_jsonb('x' || pg_temp.pick('q' || n, 20))
		WHEN 3 THEN to_jsonb(pg_temp.pick('p' || n, 5))
		WHEN 4 THEN 'null'
		ELSE jsonb_build_object(
			'common', pg_temp.pick('c' || n, 2),
			'some', pg_temp.pick('s' || n, 30),
			'unique', n,
			'tags', (SELECT jsonb_agg('t' || pg_temp.pick('t' || n || i, 40))
				FROM generate_series(1, 3) i),
			'nested', jsonb_build_object(
				'k', pg_temp.pick('k' || n, 7),
				'empty', CASE WHEN n % 3 = 0 THEN '[]'::jsonb ELSE '{}' END))
	END
$$;
CREATE FUNCTION pg_temp.event_type(n int) RETURNS text LANGUAGE sql AS $$
	SELECT CASE
		WHEN n % 601 = 0 THEN 'very rare'
		WHEN n < 300 AND n % 5 = 0 THEN 'early'
		ELSE (ARRAY['most', 'most', 'most', 'most', 'often', 'often', 'some', 'few', 'most', 'most']
			)[1 + pg_temp.pick('type' || n, 10)]
	END
$$;
CREATE FUNCTION pg_temp.grow(first int, last int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n int := first;
	size int;
BEGIN
	WHILE n <= last LOOP
		size := least(1 + pg_temp.pick('size' || n, 7), last - n + 1);
		PERFORM factstr_append(
			(SELECT jsonb_agg(
					jsonb_build_object(
						'event_type', pg_temp.event_type(i), 'payload', pg_temp.payload(i))
					ORDER BY i)
				FROM generate_series(n, n + size - 1) i));
		n := n + size;
	END LOOP;
	RETURN factstr_context_version('{}');
END
$$;
SELECT pg_temp.grow(1, 3000);

-- The queries: from none to three filters, with types, predicates or both, selective, common and
-- without any scalar.
CREATE FUNCTION pg_temp.predicate(seed text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT (ARRAY[
		jsonb_build_object('common', pg_temp.pick(seed || 'a', 2)),
		jsonb_build_object('some', pg_temp.pick(seed || 'a', 31)),
		jsonb_build_object(
			'some', pg_temp.pick(seed || 'a', 30), 'common', pg_temp.pick(seed || 'b', 2)),
		jsonb_build_object('unique', pg_temp.pick(seed || 'a', 4000)),
		jsonb_build_object('tags', jsonb_build_array('t' || pg_temp.pick(seed || 'a', 41))),
		jsonb_build_object(
			'tags', jsonb_build_array(
				't' || pg_temp.pick(seed || 'a', 40), 't' || pg_temp.pick(seed || 'b', 40))),
		jsonb_build_object('nested', jsonb_build_object('k', pg_temp.pick(seed || 'a', 8))),
		'{"nested": {"empty": []}}', '{"nested": {}}', '{"tags": []}', '{}', '[]', 'null',
		'{"no such key": {}}',
		to_jsonb('x' || pg_temp.pick(seed || 'a', 21)),
		jsonb_build_array('x' || pg_temp.pick(seed || 'a', 21)),
		to_jsonb(pg_temp.pick(seed || 'a', 6)),
		jsonb_build_array(pg_temp.pick(seed || 'a', 6))])[1 + pg_temp.pick(seed || 'kind', 18)]
$$;
CREATE FUNCTION pg_temp.filter(seed text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT
		CASE WHEN shape < 7 THEN
			jsonb_build_object('event_types', coalesce(
				(SELECT jsonb_agg((ARRAY['most', 'often', 'some', 'few', 'few', 'early', 'very rare',
						'none', 'none', 'early'])[1 + pg_temp.pick(seed || 'type' || i, 10)])
					FROM generate_series(1, pg_temp.pick(seed || 'types', 5)) i), '[]'))
		ELSE '{}' END
		|| CASE WHEN shape > 2 THEN
			jsonb_build_object('payload_predicates', coalesce(
				(SELECT jsonb_agg(pg_temp.predicate(seed || i))
					FROM generate_series(1, pg_temp.pick(seed || 'predicates', 4)) i), '[]'))
		ELSE '{}' END
	FROM (SELECT pg_temp.pick(seed || 'shape', 12) AS shape) s
$$;
CREATE TEMP TABLE queries AS
SELECT n, jsonb_build_object('filters', filters) AS query FROM generate_series(1, 200) n,
	LATERAL (SELECT coalesce(jsonb_agg(pg_temp.filter('query' || n || '/' || i)), '[]') AS filters
		FROM generate_series(1, CASE
			WHEN n % 40 = 0 THEN 0
			WHEN n % 3 = 0 THEN 1
			ELSE 1 + pg_temp.pick('filters' || n, 3) END) i) f;
-- and some written for one path each
INSERT INTO queries VALUES
	(1001, '{"filters": [{"event_types": ["most"]}]}'),
	(1002, '{"filters": [{"event_types": ["very rare"]}]}'),
	(1003, '{"filters": [{"event_types": ["most", "often", "some", "few"]}]}'),
	(1004, '{"filters": [{"event_types": ["few"]}, {"event_types": ["some", "few"]}]}'),
	(1005, '{"filters": [{"event_types": ["few"]}, {"payload_predicates": [{"common": 1}]}]}'),
	(1006,
		'{"filters": [{"payload_predicates": [{"unique": 1}]},
			{"payload_predicates": [{"unique": 2999}]},
			{"payload_predicates": [{"unique": 2999}]}]}'),
	(1007, '{"filters": [{"event_types": ["most"], "payload_predicates": [{"some": 7}]}]}'),
	(1008,
		'{"filters": [{"event_types": ["most", "often"],
			"payload_predicates": [{"common": 1}, {"common": 0}]}]}'),
	(1009, '{"filters": [{"event_types": ["very rare"], "payload_predicates": [{"common": 1}]}]}'),
	(1010, '{"filters": [{"event_types": ["few"], "payload_predicates": [{}]}]}'),
	(1011, '{"filters": [{"payload_predicates": [{}]}]}'),
	(1012,
		'{"filters": [{"payload_predicates": [{"common": 0}, {"common": 1}, {"nested": {"k": 1}},
			{"tags": ["t1"]}]}]}'),
	(1013, '{"filters": [{"event_types": ["early"]}]}'),
	(1014, '{"filters": [{"event_types": ["early"], "payload_predicates": [{"common": 1}]}]}'),
	(1015, '{"filters": [{"payload_predicates": [{"common": 1}, {}]}]}');
CREATE TEMP TABLE oracle (n int, all_numbers bigint[], records jsonb);
CREATE TEMP TABLE oracle_batches (
	n int, first bigint, last bigint, numbers bigint[], newest bigint);
CREATE INDEX ON oracle_batches (n, first);

-- The oracle: a sequential scan, the matcher on each row.
CREATE FUNCTION pg_temp.consult_oracle(up_to int)
	RETURNS TABLE (queries bigint, most_match bool, some_match_all bool) LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL enable_indexscan = off;
	SET LOCAL enable_bitmapscan = off;
	SET LOCAL enable_indexonlyscan = off;
	DELETE FROM oracle;
	DELETE FROM oracle_batches;
	INSERT INTO oracle
		SELECT q.n,
			coalesce(array_agg(e.sequence_number ORDER BY e.sequence_number)
				FILTER (WHERE e.sequence_number IS NOT NULL), '{}'),
			coalesce(jsonb_agg(
				jsonb_build_object(
					'sequence_number', e.sequence_number,
					'event_type', e.event_type,
					'payload', e.payload,
					'occurred_at',
					to_char(e.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
				ORDER BY e.sequence_number) FILTER (WHERE e.sequence_number IS NOT NULL), '[]')
		FROM pg_temp.queries q
		LEFT JOIN factstr_events e ON factstr_matches(q.query, e.event_type, e.payload)
		WHERE q.n <= up_to OR q.n > 1000 GROUP BY q.n;
	INSERT INTO oracle_batches
		SELECT o.n, b.first, b.last, array_agg(e.sequence_number ORDER BY e.sequence_number),
			max(e.sequence_number)
		FROM pg_temp.oracle o, unnest(all_numbers) matching
		JOIN factstr_events e ON e.sequence_number = matching
		JOIN (SELECT batch_first_sequence_number AS first, max(sequence_number) AS last
			FROM factstr_events GROUP BY 1) b ON b.first = e.batch_first_sequence_number
		GROUP BY 1, 2, 3;
	ANALYZE oracle_batches;
	RETURN QUERY
	SELECT count(*), count(*) FILTER (WHERE all_numbers <> '{}') > count(*) * 2 / 3,
		bool_or(cardinality(all_numbers) = (SELECT count(*) FROM factstr_events))
	FROM oracle;
END
$$;

-- The differences between the functions and plain SQL: one row each.
CREATE FUNCTION pg_temp.numbers_read(query jsonb, max_count bigint, backwards boolean)
	RETURNS bigint[] LANGUAGE sql AS $$
	SELECT coalesce(array_agg(sequence_number ORDER BY n), '{}')
	FROM (SELECT sequence_number, row_number() OVER () AS n FROM factstr_read($1, $2, $3)) r $$;
CREATE FUNCTION pg_temp.disagreements(n int, query jsonb, all_numbers bigint[], all_records jsonb)
	RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	head bigint := (SELECT max(sequence_number) FROM factstr_events);
	version bigint := all_numbers[cardinality(all_numbers)];
	bound bigint;
	bounded jsonb;
	wanted bigint[];
	backwards bigint[];
	batch_count int;
BEGIN
	IF (SELECT (event_records = all_records, last_returned_sequence_number, current_context_version)
			IS DISTINCT FROM (true, version, version)
		FROM factstr_query(query)) THEN
		RETURN NEXT 'query';
	END IF;
	IF factstr_context_version(query) IS DISTINCT FROM version THEN
		RETURN NEXT 'context version';
	END IF;
	-- after at many places, max_count in both directions
	FOREACH bound IN ARRAY ARRAY[0, 1, 256, head / 3, head - 256, head - 10, head, version - 1] LOOP
		CONTINUE WHEN bound IS NULL;
		bounded := query || jsonb_build_object('after', bound);
		SELECT coalesce(array_agg(x ORDER BY x), '{}'), coalesce(array_agg(x ORDER BY x DESC), '{}')
		INTO wanted, backwards
		FROM unnest(all_numbers) x WHERE x > bound;
		IF (SELECT (pg_temp.numbers(event_records), last_returned_sequence_number,
					current_context_version)
				IS DISTINCT FROM (wanted, wanted[cardinality(wanted)], version)
			FROM factstr_query(bounded)) THEN
			RETURN NEXT 'query beyond ' || bound;
		END IF;
		IF factstr_context_version(bounded) IS DISTINCT FROM version THEN
			RETURN NEXT 'context version beyond ' || bound;
		END IF;
		IF pg_temp.numbers_read(bounded, NULL, false) <> wanted THEN
			RETURN NEXT 'read beyond ' || bound;
		END IF;
		IF pg_temp.numbers_read(bounded, NULL, true) <> backwards THEN
			RETURN NEXT 'read backwards beyond ' || bound;
		END IF;
		CONTINUE WHEN bound NOT IN (0, 256, head / 3);
		FOREACH batch_count IN ARRAY ARRAY[0, 1, 7, 300] LOOP
			IF pg_temp.numbers_read(bounded, batch_count, false) <> wanted[1:batch_count] THEN
				RETURN NEXT format('read beyond %s, at most %s', bound, batch_count);
			END IF;
			IF pg_temp.numbers_read(bounded, batch_count, true) <> backwards[1:batch_count] THEN
				RETURN NEXT format('read backwards beyond %s, at most %s', bound, batch_count);
			END IF;
		END LOOP;
	END LOOP;
	-- batches: those with a match after the position, whole
	FOREACH bound IN ARRAY ARRAY[0, head / 2, head - 100] LOOP
		FOREACH batch_count IN ARRAY ARRAY[1, 5, 100000] LOOP
			IF (SELECT array_agg(format('%s-%s: %s', first, last, numbers) ORDER BY first)
					FROM (SELECT * FROM pg_temp.oracle_batches b
						WHERE b.n = $1 AND newest > bound ORDER BY first LIMIT batch_count) b)
				IS DISTINCT FROM
				(SELECT array_agg(format('%s-%s: %s', first_sequence_number, last_sequence_number,
						pg_temp.numbers(event_records)) ORDER BY ordinality)
					FROM factstr_batches(query, bound, batch_count) WITH ORDINALITY) THEN
				RETURN NEXT format('batches after %s, at most %s', bound, batch_count);
			END IF;
		END LOOP;
	END LOOP;
	-- conditional appends, each taken back
	FOREACH bound IN ARRAY ARRAY[NULL, 0, 1, version - 1, version, version + 1, head, head + 1] LOOP
		BEGIN
			IF (SELECT (conflict, CASE WHEN conflict THEN actual_context_version ELSE version END)
					IS DISTINCT FROM (nullif(bound, 0) IS DISTINCT FROM version, version)
				FROM factstr_try_append_if(
					'[{"event_type": "x", "payload": 1}]',
					query || '{"after": 100000}', bound)) THEN
				RETURN NEXT 'try_append_if expecting ' || coalesce(bound::text, 'null');
			END IF;
			RAISE SQLSTATE 'TAKEB';
		EXCEPTION WHEN SQLSTATE 'TAKEB' THEN
			NULL;
		END;
	END LOOP;
	FOREACH bound IN ARRAY ARRAY[0, 1, version - 1, version, head] LOOP
		CONTINUE WHEN bound IS NULL OR bound < 0;
		BEGIN
			IF (SELECT (conflict, actual_context_version)
					IS DISTINCT FROM
					(coalesce(version, 0) > bound, CASE WHEN version > bound THEN version END)
				FROM factstr_try_append_unless(
					'[{"event_type": "x", "payload": 1}]', query, bound)) THEN
				RETURN NEXT 'try_append_unless after ' || bound;
			END IF;
			RAISE SQLSTATE 'TAKEB';
		EXCEPTION WHEN SQLSTATE 'TAKEB' THEN
			NULL;
		END;
	END LOOP;
END
$$;
CREATE FUNCTION pg_temp.numbers(records jsonb) RETURNS bigint[] LANGUAGE sql AS $$
	SELECT coalesce(array_agg((r->>'sequence_number')::bigint ORDER BY n), '{}')
	FROM jsonb_array_elements(records) WITH ORDINALITY x(r, n) $$;
CREATE FUNCTION pg_temp.all_disagreements(up_to int)
	RETURNS TABLE (disagreement text, query jsonb, times bigint) LANGUAGE sql AS $$
	SELECT d, min(q.query::text)::jsonb, count(*)
	FROM pg_temp.queries q
	JOIN pg_temp.oracle USING (n), pg_temp.disagreements(n, q.query, all_numbers, records) d
	WHERE n <= up_to OR n > 1000 GROUP BY 1 ORDER BY 1
$$;

-- No rows are expected, here and below.
SELECT * FROM pg_temp.consult_oracle(200);
SELECT * FROM pg_temp.all_disagreements(200);
-- With the payload index's pending list emptied, and statistics
VACUUM ANALYZE factstr_events;
SELECT * FROM pg_temp.all_disagreements(25);
-- The session's settings make no difference.
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SET enable_seqscan = off;
SET work_mem = '64kB';
SET gin_fuzzy_search_limit = 1;
SET plan_cache_mode = force_generic_plan;
SELECT * FROM pg_temp.all_disagreements(25);
RESET ALL;
-- In a transaction with one snapshot
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM pg_temp.all_disagreements(5);
COMMIT;

-- A log long enough for the numbers of candidates and types to decide between the indexes
SELECT committed_count
FROM factstr_append(
	(SELECT jsonb_agg(
			jsonb_build_object(
				'event_type', pg_temp.event_type(n),
				'payload', jsonb_build_object('common', 1, 'some', n % 30))
			ORDER BY n)
		FROM generate_series(3001, 13000) n));
SELECT pg_temp.grow(13001, 13300);
SELECT * FROM pg_temp.consult_oracle(5);
SELECT * FROM pg_temp.all_disagreements(5);

-- A context wide enough for the bitmap in a small work_mem to become lossy
SELECT count(*) AS appended
FROM (SELECT factstr_append(jsonb_agg(
		jsonb_build_object('event_type', 'wide', 'payload', jsonb_build_object(
			'wide', n % 2,
			'filler', (SELECT string_agg(md5(n || '/' || i), '') FROM generate_series(1, 55) i)))
		ORDER BY n))
	FROM generate_series(1, 5000) n GROUP BY n / 1000 OFFSET 0) appends;
SELECT pg_relation_size('factstr_events') / current_setting('block_size')::int > 1200 AS many_pages;
SET work_mem = '64kB';
SELECT jsonb_array_length(event_records) AS records,
	factstr_context_version('{"filters": [{"payload_predicates": [{"wide": 0}]}]}')
		= current_context_version AS same_version,
	pg_temp.numbers(event_records)
		= (SELECT array_agg(sequence_number ORDER BY sequence_number)
			FROM factstr_events WHERE payload->'wide' = '0') AS same_records
FROM factstr_query('{"filters": [{"payload_predicates": [{"wide": 0}]}]}');
SELECT jsonb_array_length(event_records) AS records
FROM factstr_query(
	'{"filters": [{"payload_predicates": [{"wide": 0}, {"wide": 1, "filler": "none"}]},
		{"payload_predicates": [{"wide": 1}]}, {"event_types": ["very rare"]}]}');
SELECT count(*), count(DISTINCT sequence_number)
FROM factstr_read('{"filters": [{"payload_predicates": [{"wide": 1}]}]}', NULL, true);
RESET work_mem;

DROP EXTENSION factstr CASCADE;
