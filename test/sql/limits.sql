-- All stored batches can be delivered: the limits of a payload's nesting and of a batch's size.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

-- rule 4: nesting of 1,000 levels, in payloads and metadata
CREATE FUNCTION pg_temp.nested(depth int) RETURNS text LANGUAGE sql AS $$
	SELECT repeat('[', depth) || repeat(']', depth) $$;
SELECT n, f.* FROM (VALUES
	(1, '[{"event_type": "a", "payload": %1$s}]'),
	(2, '[{"event_type": "a", "payload": 1}, {"event_type": "a", "payload": [%1$s]}]'),
	(3, '[{"event_type": "a", "payload": 1, "metadata": {"m": %1$s}}]')) e(n, events),
	pg_temp.failure(format('SELECT factstr_append(%L)', format(e.events, pg_temp.nested(1000)))) f
ORDER BY n;
SELECT f.* FROM pg_temp.failure(format('SELECT factstr_import(%L)', format(
	'[{"first_sequence_number": 2, "last_sequence_number": 2, "event_records": [{"sequence_number": 2,
		"occurred_at": "2026-01-31T08:15:30.123456Z", "event_type": "a", "payload": %s}]}]',
	pg_temp.nested(1001)))) f;
SELECT count(*) FROM factstr_events;

-- rule 5: a batch of many small events
CREATE TEMP TABLE many AS
SELECT jsonb_agg('{"event_type": "a", "payload": 1}'::jsonb) AS events
FROM generate_series(1, 1400000);
SELECT f.* FROM pg_temp.failure('SELECT factstr_append(events) FROM many') f;
SELECT f.* FROM pg_temp.failure('SELECT factstr_append_if(events, ''{}'', 1, ''k'') FROM many') f;
SELECT f.* FROM pg_temp.failure('SELECT factstr_try_append_if(events, ''{}'', 1) FROM many') f;
SELECT count(*) FROM factstr_events;

-- rule 5: one of few that are large when they are written out, and the largest that is allowed
CREATE FUNCTION pg_temp.numbers(count int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg('{"event_type": "a", "payload": 1e131071}'::jsonb)
	FROM generate_series(1, count) $$;
SELECT f.* FROM pg_temp.failure('SELECT factstr_append(pg_temp.numbers(1951))') f;
SELECT committed_count FROM factstr_append(pg_temp.numbers(1950));
SELECT factstr_stream_open('all', '{"filters": [{"event_types": ["a"]}]}');
SELECT jsonb_array_length(event_records), octet_length(event_records::text) < 256000000 AS is_counted
FROM factstr_stream_next('all', 2) OFFSET 1;

-- rule 5: each imported batch has the same limit, with numbers and without
CREATE FUNCTION pg_temp.batch(count int, first bigint) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('first_sequence_number', first,
		'last_sequence_number', first + count - 1, 'event_records', jsonb_agg(jsonb_build_object(
			'sequence_number', first + n - 1, 'occurred_at', '2026-01-31T08:15:30.123456Z',
			'event_type', 'b', 'payload', 1e131071) ORDER BY n))))
	FROM generate_series(1, count) n $$;
SELECT f.* FROM (VALUES (NULL), (1 + (SELECT max(sequence_number) FROM factstr_events))) e(first),
	pg_temp.failure(format('SELECT factstr_import(pg_temp.batch(1951, %L))', first)) f;
SELECT committed_count FROM factstr_import(pg_temp.batch(1950, NULL));
DROP EXTENSION factstr CASCADE;
