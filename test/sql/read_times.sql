-- Reading by time: since one, before another.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;
SET timezone = 'UTC';

-- A log of 1,000 facts in batches of two, ten seconds apart
CREATE FUNCTION pg_temp.batch(first bigint, occurred_at timestamptz) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_build_object(
		'first_sequence_number', first, 'last_sequence_number', first + 1,
		'event_records', jsonb_agg(jsonb_build_object(
			'sequence_number', n,
			'occurred_at', to_char(occurred_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
			'event_type', CASE n % 3 WHEN 0 THEN 'a' ELSE 'b' END, 'payload', n) ORDER BY n))
	FROM generate_series(first, first + 1) n
$$;
SELECT * FROM factstr_read('{}', NULL, false, since => '-infinity', until => 'infinity');
SELECT factstr_import(jsonb_agg(
	pg_temp.batch(2 * n - 1,
	'2026-01-01 00:00:00+00'::timestamptz + n * interval '10 s') ORDER BY n))
FROM generate_series(1, 500) n;

-- The first bound is within, the second is not; null is none.
CREATE FUNCTION pg_temp.read(since timestamptz, until timestamptz) RETURNS text
LANGUAGE sql AS $$
	SELECT concat_ws(' ', count(*), min(sequence_number), max(sequence_number))
	FROM factstr_read('{}', NULL, false, since, until)
$$;
SELECT since, until, pg_temp.read(since::timestamptz, until::timestamptz)
FROM (VALUES
	(NULL, NULL), ('-infinity', 'infinity'), ('infinity', NULL), (NULL, '-infinity'),
	('2026-01-01 00:00:10+00', NULL), ('2026-01-01 00:00:10.000001+00', NULL),
	(NULL, '2026-01-01 01:23:20+00'), (NULL, '2026-01-01 01:23:20.000001+00'),
	('2026-01-01 00:01:00+00', '2026-01-01 00:02:00+00'),
	('2026-01-01 02:01:00+01', '2026-01-01 02:02:00+01'),
	('2026-01-01 00:01:00+00', '2026-01-01 00:01:00+00'),
	('2026-01-01 00:02:00+00', '2026-01-01 00:01:00+00'),
	('2025-01-01', '2025-12-31'), ('2027-01-01', '2027-12-31')) bounds(since, until);
SELECT count(*) AS tried, count(*) FILTER (WHERE found IS DISTINCT FROM expected) AS different
FROM generate_series('2025-12-31 23:59:00+00'::timestamptz, '2026-01-01 01:30:00+00',
	'7 min 3 s') since,
	generate_series('2025-12-31 23:59:00+00'::timestamptz, '2026-01-01 01:30:00+00',
	'11 min 10 s') until,
	LATERAL (SELECT array_agg(sequence_number ORDER BY sequence_number)
		FROM factstr_events WHERE occurred_at >= since AND occurred_at < until) e(expected),
	LATERAL (SELECT array_agg(sequence_number)
		FROM factstr_read('{}', NULL, false, since, until)) r(found);

-- With a query, a limit, backwards, within positions
SELECT backwards, max_count, up_to, string_agg(sequence_number::text, ' ') AS found
FROM unnest(ARRAY[false, true]) backwards, unnest(ARRAY[3, NULL]) max_count,
	unnest(ARRAY[NULL, 26]) up_to,
	LATERAL factstr_read(
		'{"filters": [{"event_types": ["a"]}], "after": 12}', max_count, backwards,
		since => '2026-01-01 00:01:00+00', until => '2026-01-01 00:02:40+00',
		up_to_sequence_number => up_to)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- Calls mean one function or the other, whether the types of their arguments are known or not.
SELECT count(*) FROM factstr_read();
SELECT count(*) FROM factstr_read('{}', NULL, false);
SELECT count(*) FROM factstr_read('{}', NULL, false, NULL);
SELECT count(*) FROM factstr_read(
	event_query => '{}', max_count => NULL, backwards => false, since => '2026-01-01 01:00:00+00');
PREPARE two AS SELECT count(*) FROM factstr_read($1, $2);
PREPARE three AS SELECT count(*) FROM factstr_read($1, $2, $3);
PREPARE four AS SELECT count(*) FROM factstr_read($1, $2, $3, $4);
SELECT name, parameter_types FROM pg_prepared_statements ORDER BY statement;
EXECUTE four('{}', NULL, false, '2026-01-01 01:00:00+00');
SELECT f.state, f.message
FROM pg_temp.failure($$SELECT factstr_read('{}', NULL, NULL, since => now())$$) f;

-- Where times step back, the answer is still within the bounds, but may miss facts.
SELECT factstr_import(jsonb_agg(
	pg_temp.batch(999 + 2 * n,
	'2026-01-01 00:30:00+00'::timestamptz + n * interval '10 s') ORDER BY n))
FROM generate_series(1, 500) n;
SELECT count(*) AS tried,
	count(*) FILTER (WHERE found > expected) AS too_many,
	count(*) FILTER (WHERE found < expected) > 0 AS some_are_missing
FROM generate_series('2025-12-31 23:59:00+00'::timestamptz, '2026-01-01 02:00:00+00',
	'7 min 3 s') since,
	generate_series('2025-12-31 23:59:00+00'::timestamptz, '2026-01-01 02:00:00+00',
	'11 min 10 s') until,
	LATERAL (SELECT count(*)
		FROM factstr_events WHERE occurred_at >= since AND occurred_at < until) e(expected),
	LATERAL (SELECT count(*) FILTER (WHERE occurred_at >= since AND occurred_at < until)
			+ 10000 * count(*) FILTER (WHERE occurred_at < since OR occurred_at >= until)
		FROM factstr_read('{}', NULL, false, since, until)) r(found);
-- A limit counts returned facts.
SELECT count(*), count(*) FILTER (WHERE occurred_at >= '2026-01-01 00:50:00+00') AS within
FROM factstr_read('{}', 700, false, since => '2026-01-01 00:50:00+00');
DROP EXTENSION factstr CASCADE;
