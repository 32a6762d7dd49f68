-- Batches out of one log and into another: numbers, times, boundaries and keys.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

SELECT * FROM factstr_export();
SELECT * FROM factstr_export() \gdesc
SELECT factstr_append(
	'[{"event_type": "a", "payload": {"n": 1}, "metadata": {"actor": "me"}},
		{"event_type": "b", "payload": null}]', 'key 1');
SELECT factstr_append(
	'[{"event_type": "ß 🦊 \" \\ \u0001",
		"payload": ["🦊", 1.50, 12345678901234567890123.0, {"": {}}]}]');
SELECT factstr_append('[{"event_type": "c", "payload": false}]', '🗝');
SELECT factstr_append('[{"event_type": "d", "payload": "d"}]');
SELECT committed_count FROM factstr_append(pg_temp.events('many', 1500), 'key 2');

-- Every batch after a position, whole, with its key; at most so many
SELECT first_sequence_number, last_sequence_number, jsonb_array_length(event_records),
	idempotency_key
FROM factstr_export();
SELECT after, max_batches,
	(SELECT string_agg(first_sequence_number::text, ' ') FROM factstr_export(after, max_batches))
FROM unnest(ARRAY[0, 1, 2, 5, 1505]) after, unnest(ARRAY[1, 3]) max_batches;
SELECT count(*) AS different
FROM factstr_export() e
FULL JOIN factstr_batches() b USING (first_sequence_number, last_sequence_number, event_records)
WHERE e IS NULL OR b IS NULL;

CREATE TEMP TABLE exported AS
SELECT e.*, row_number() OVER (ORDER BY first_sequence_number) AS n FROM factstr_export() e;
CREATE TEMP TABLE facts AS SELECT * FROM factstr_events;
CREATE FUNCTION pg_temp.batches(first_n int, last_n int) RETURNS jsonb LANGUAGE sql AS
	$$SELECT jsonb_agg(to_jsonb(e) - 'n' ORDER BY n)
		FROM exported e WHERE n BETWEEN first_n AND last_n$$;

-- A log that has them already refuses them.
SELECT f.* FROM pg_temp.failure('SELECT factstr_import(pg_temp.batches(1, 5))') f;
DROP EXTENSION factstr CASCADE;
CREATE EXTENSION factstr;

-- In parts, each of which continues the log; any other part is refused with the number that is expected
-- next.
SELECT * FROM factstr_import(pg_temp.batches(1, 2));
SELECT f.* FROM pg_temp.failure('SELECT factstr_import(pg_temp.batches(1, 2))') f;
SELECT f.* FROM pg_temp.failure('SELECT factstr_import(pg_temp.batches(4, 5))') f;
SELECT f.* FROM pg_temp.failure(
	$$SELECT factstr_import(pg_temp.batches(3, 3) || pg_temp.batches(5, 5))$$) f;
BEGIN;
SELECT * FROM factstr_import(pg_temp.batches(3, 4));
ROLLBACK;
SELECT f.state FROM pg_temp.failure($$SELECT factstr_import(pg_temp.batches(3, 5) || '[{}]')$$) f;
SELECT max(sequence_number) FROM factstr_events;
SELECT * FROM factstr_import(pg_temp.batches(3, 5));
-- The log is the same, row by row, and so is its export.
SELECT count(*) AS different
FROM (
	TABLE facts EXCEPT TABLE factstr_events UNION ALL (TABLE factstr_events EXCEPT TABLE facts)) d;
SELECT bool_and(
	(e.first_sequence_number, e.last_sequence_number, e.event_records, e.idempotency_key)
		IS NOT DISTINCT FROM (
			x.first_sequence_number, x.last_sequence_number, x.event_records, x.idempotency_key))
FROM factstr_export() e FULL JOIN exported x USING (first_sequence_number);
-- rule 33: its keys stand for the same batches.
SELECT * FROM factstr_append(
	'[{"event_type": "a", "payload": {"n": 1}, "metadata": {"actor": "me"}},
		{"event_type": "b", "payload": null}]', 'key 1');
SELECT f.state FROM pg_temp.failure(
	$$SELECT factstr_append('[{"event_type": "a", "payload": 1}]', 'key 2')$$) f;
-- Appends and further imports continue the log.
SELECT * FROM factstr_append('[{"event_type": "a", "payload": 1}]');
SELECT factstr_stream_open('s', '{}', 'now');
CREATE FUNCTION pg_temp.batch(
	first int, last int, key text DEFAULT NULL,
	occurred_at text DEFAULT '2001-02-03T04:05:06.789012Z') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object(
		'first_sequence_number', first, 'last_sequence_number', last, 'idempotency_key', key,
		'event_records',
		jsonb_agg(
			jsonb_build_object(
				'sequence_number', n, 'occurred_at', occurred_at, 'event_type', 'i', 'payload', n)
			ORDER BY n))
	FROM generate_series(first, last) n
$$;
SELECT * FROM factstr_import(
	jsonb_build_array(
		pg_temp.batch(1507, 1508, 'i 1'), pg_temp.batch(1509, 1509),
		pg_temp.batch(1510, 1510, 'i 2', '2000-02-29T23:59:59.999999Z')));
SELECT sequence_number, batch_first_sequence_number, occurred_at AT TIME ZONE 'UTC' AS occurred_at,
	event_type, payload, metadata, idempotency_key
FROM factstr_events WHERE sequence_number > 1506 ORDER BY 1;
-- rule 23: streams get the batches like any other
SELECT first_sequence_number, last_sequence_number, jsonb_array_length(event_records)
FROM factstr_stream_next('s', 10);
-- A key is one batch's, of either log and within an import.
SELECT f.* FROM pg_temp.failure(
	$$SELECT factstr_import(jsonb_build_array(pg_temp.batch(1511, 1511, 'i 2')))$$) f;
SELECT f.* FROM pg_temp.failure(
	$$SELECT factstr_import(
			jsonb_build_array(
				pg_temp.batch(1511, 1511, 'i 3'), pg_temp.batch(1512, 1512, 'i 3')))$$) f;
SELECT count(*) = max(sequence_number) AS gap_free, max(sequence_number) FROM factstr_events;
-- rule 17: not behind facts that the transaction cannot see
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT max(sequence_number) FROM factstr_events;
SELECT * FROM factstr_import(jsonb_build_array(pg_temp.batch(1511, 1511)));
SELECT * FROM factstr_append('[{"event_type": "a", "payload": 1}]');
COMMIT;

-- Malformed calls; nothing is stored
CREATE TEMP TABLE valid AS SELECT pg_temp.batch(1513, 1514, 'v') AS batch;
BEGIN;
SELECT f.state FROM valid,
	pg_temp.failure(format('SELECT factstr_import(%L)', jsonb_build_array(batch))) f;
ROLLBACK;
SELECT n, path, left(value, 20) AS value, f.* FROM valid, (VALUES
	(1, '{first_sequence_number}', NULL), (2, '{first_sequence_number}', 'null'),
	(3, '{first_sequence_number}', '"1513"'), (4, '{first_sequence_number}', '1513.5'),
	(5, '{first_sequence_number}', '0'),
	(6, '{first_sequence_number}', '-1513'), (7, '{first_sequence_number}', '9223372036854775807'),
	(8, '{first_sequence_number}', '1e100'), (9, '{first_sequence_number}', '1512'),
	(10, '{last_sequence_number}', NULL), (11, '{last_sequence_number}', '1513'),
	(12, '{last_sequence_number}', '1515'), (13, '{last_sequence_number}', '[]'),
	(14, '{event_records}', NULL), (15, '{event_records}', 'null'), (16, '{event_records}', '[]'),
	(17, '{event_records}', '{}'), (18, '{event_records}', '[1, 2]'),
	(19, '{event_records,0}', NULL),
	(20, '{idempotency_key}', '""'), (21, '{idempotency_key}', '1'),
	(22, '{idempotency_key}', to_jsonb(repeat('k', 2001))::text), (23, '{key}', '"x"'),
	(24, '{event_records,0,sequence_number}', NULL),
	(25, '{event_records,1,sequence_number}', '1513'),
	(26, '{event_records,1,sequence_number}', '"1514"'),
	(27, '{event_records,1,sequence_number}', '1515'),
	(28, '{event_records,0,event_type}', NULL),
	(29, '{event_records,0,event_type}', '""'),
	(30, '{event_records,0,event_type}', '7'),
	(31, '{event_records,0,event_type}', to_jsonb(repeat('t', 2001))::text),
	(32, '{event_records,0,payload}', NULL), (33, '{event_records,1,metadata}', '[]'),
	(34, '{event_records,1,Payload}', '1'),
	(35, '{event_records,0,occurred_at}', NULL),
	(36, '{event_records,0,occurred_at}', '981173106')) c(n, path, value),
	pg_temp.failure(
		format(
			'SELECT factstr_import(%L)',
			jsonb_build_array(
				CASE
					WHEN value IS NULL THEN batch #- path::text[]
					ELSE jsonb_set(batch, path::text[], value::jsonb)
					END))) f
ORDER BY n;
SELECT t, f.state
FROM unnest(
	ARRAY[
		'', '2001-02-03', '2001-02-03 04:05:06.789012Z',
		'2001-02-03T04:05:06.789012',
		'2001-13-03T04:05:06.789012Z', '2001-00-03T04:05:06.789012Z', '2001-02-29T04:05:06.789012Z',
		'2001-02-00T04:05:06.789012Z', '2001-02-03T24:05:06.789012Z', '2001-02-03T04:60:06.789012Z',
		'2001-02-03T04:05:60.789012Z',
		'0000-02-03T04:05:06.789012Z', '2001-02-03T04:05:06.78901٢Z', 'infinity',
		'2001-02-03T04:05:06.789012Z ']) t,
	pg_temp.failure(
		format(
			'SELECT factstr_import(%L)', jsonb_build_array(pg_temp.batch(1513, 1513, NULL, t)))) f;
SELECT call, f.*
FROM (VALUES
	(1, 'factstr_import(NULL)'), (2, $$factstr_import('[]')$$), (3, $$factstr_import('{}')$$),
	(4, $$factstr_import('"x"')$$), (5, $$factstr_import('[null]')$$),
	(6, 'factstr_export(NULL)'), (7, 'factstr_export(-1)'), (8, 'factstr_export(0, 0)'),
	(9, 'factstr_export(0, NULL)')) c(n, call), pg_temp.failure('SELECT ' || call) f
ORDER BY n;
BEGIN READ ONLY;
SELECT f.state, f.message
FROM valid, pg_temp.failure(format('SELECT factstr_import(%L)', jsonb_build_array(batch))) f;
ROLLBACK;
SELECT max(sequence_number) FROM factstr_events;

-- The first and the last time whose year has four digits
SELECT committed_count
FROM factstr_import(
	jsonb_build_array(
		pg_temp.batch(1513, 1513, NULL, '0001-01-01T00:00:00.000000Z'),
		pg_temp.batch(1514, 1514, NULL, '9999-12-31T23:59:59.999999Z')));
SELECT event_records->0->>'occurred_at' FROM factstr_export(1512);
DROP EXTENSION factstr CASCADE;
