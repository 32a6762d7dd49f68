-- Idempotency keys: a repeated call stores nothing and returns the first call's result.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

-- rule 33: the first call, and the same again; JSON is compared as values
SELECT factstr_append('[{"event_type": "first", "payload": 0}]');
SELECT * FROM factstr_append(
	'[{"event_type": "a", "payload": {"x": 1, "y": [1, 2]}, "metadata": {"actor": "me"}},
		{"event_type": "b", "payload": 100}]', 'key 1');
SELECT * FROM factstr_append(
	'[{"event_type": "a", "payload": {"x": 1, "y": [1, 2]}, "metadata": {"actor": "me"}},
		{"event_type": "b", "payload": 100}]', 'key 1');
SELECT * FROM factstr_append(
	'[{"metadata": {"actor": "\u006de"}, "payload": {"y": [1.0, 2e0], "x": 10e-1},
		"event_type": "\u0061"}, {"payload": 1e2, "metadata": null, "event_type": "b"}]',
	'key 1');
SELECT * FROM factstr_try_append_if(
	'[{"event_type": "a", "payload": {"x": 1, "y": [1, 2]}, "metadata": {"actor": "me"}},
		{"event_type": "b", "payload": 100}]', '{}', NULL, 'key 1');
SELECT count(*) FROM factstr_events;
SELECT sequence_number, event_type, payload, metadata, idempotency_key
FROM factstr_events ORDER BY 1;

-- rule 33: metadata is not compared, and that of the first call stays
SELECT a.* FROM (VALUES
	(1, '[{"event_type": "a", "payload": {"x": 1, "y": [1, 2]}, "metadata": {"actor": "you"}},
		{"event_type": "b", "payload": 100}]'::jsonb),
	(2, '[{"event_type": "a", "payload": {"x": 1, "y": [1, 2]}},
		{"event_type": "b", "payload": 100}]'),
	(3, '[{"event_type": "a", "payload": {"x": 1, "y": [1, 2]}, "metadata": {"actor": "me"}},
		{"event_type": "b", "payload": 100, "metadata": {}}]')) e(n, events),
	factstr_append(events, 'key 1') a ORDER BY n;
SELECT sequence_number, metadata FROM factstr_events WHERE sequence_number IN (2, 3) ORDER BY 1;

-- rule 33: with other events, it is an error
CREATE TEMP TABLE others (n int GENERATED ALWAYS AS IDENTITY, difference text, events jsonb);
INSERT INTO others (difference, events) VALUES
	('none',
		'[{"event_type": "a", "payload": {"x": 1, "y": [1, 2]}, "metadata": {"actor": "me"}},
			{"event_type": "b", "payload": 100}]'),
	('type',
		'[{"event_type": "A", "payload": {"x": 1, "y": [1, 2]}, "metadata": {"actor": "me"}},
			{"event_type": "b", "payload": 100}]'),
	('payload',
		'[{"event_type": "a", "payload": {"x": 2, "y": [1, 2]}, "metadata": {"actor": "me"}},
			{"event_type": "b", "payload": 100}]'),
	('payload of the last',
		'[{"event_type": "a", "payload": {"x": 1, "y": [1, 2]}, "metadata": {"actor": "me"}},
			{"event_type": "b", "payload": 100.5}]'),
	('payload a subset',
		'[{"event_type": "a", "payload": {"x": 1}, "metadata": {"actor": "me"}},
			{"event_type": "b", "payload": 100}]'),
	('payload a superset',
		'[{"event_type": "a", "payload": {"x": 1, "y": [1, 2], "z": null},
			"metadata": {"actor": "me"}}, {"event_type": "b", "payload": 100}]'),
	('order in an array',
		'[{"event_type": "a", "payload": {"x": 1, "y": [2, 1]}, "metadata": {"actor": "me"}},
			{"event_type": "b", "payload": 100}]'),
	('array around a scalar',
		'[{"event_type": "a", "payload": {"x": 1, "y": [1, 2]}, "metadata": {"actor": "me"}},
			{"event_type": "b", "payload": [100]}]'),
	('text for a number',
		'[{"event_type": "a", "payload": {"x": 1, "y": [1, 2]}, "metadata": {"actor": "me"}},
			{"event_type": "b", "payload": "100"}]'),
	('fewer events',
		'[{"event_type": "a", "payload": {"x": 1, "y": [1, 2]}, "metadata": {"actor": "me"}}]'),
	('more events',
		'[{"event_type": "a", "payload": {"x": 1, "y": [1, 2]}, "metadata": {"actor": "me"}},
			{"event_type": "b", "payload": 100}, {"event_type": "b", "payload": 100}]'),
	('order of events',
		'[{"event_type": "b", "payload": 100},
			{"event_type": "a", "payload": {"x": 1, "y": [1, 2]}, "metadata": {"actor": "me"}}]');
SELECT difference, f.state, f.message, f.detail
FROM others, pg_temp.failure(format('SELECT factstr_append(%L, ''key 1'')', events)) f ORDER BY n;
SELECT factstr_append('[{"event_type": "a", "payload": "secret"}]', 'key 1');
-- the siblings agree with any context
SELECT count(*) AS tried, count(*) FILTER (WHERE f.* IS DISTINCT FROM s.*) AS different
FROM others, pg_temp.failure(format('SELECT factstr_append(%L, ''key 1'')', events)) f,
	LATERAL (VALUES
		(format('SELECT factstr_append_if(%L, ''{}'', 3, ''key 1'')', events)),
		(format('SELECT factstr_append_if(%L, ''{}'', NULL, ''key 1'')', events)),
		(format('SELECT factstr_try_append_if(%L, ''{}'', 1, ''key 1'')', events))) c(command),
		pg_temp.failure(command) s;
SELECT count(*) FROM factstr_events;

-- rule 33: other keys, and none, are new appends; the same events may come again
SELECT factstr_append('[{"event_type": "same", "payload": 1}]', 'key 2'),
	factstr_append('[{"event_type": "same", "payload": 1}]', 'key 3'),
	factstr_append('[{"event_type": "same", "payload": 1}]'),
	factstr_append('[{"event_type": "same", "payload": 1}]', NULL);
-- Not aligned: psql 14 and later know that some characters are two columns wide.
\pset format unaligned
SELECT left(k, 10) AS key, factstr_append('[{"event_type": "k", "payload": 1}]', k)
FROM (VALUES ('Key 2'), ('key 2 '), (' '), ('ß'), ('🦊'), (repeat('k', 2000)),
	(''';--')) keys(k);
\pset format aligned
SELECT octet_length(k), committed_count
FROM (VALUES ('Key 2'), (repeat('k', 2000))) keys(k),
	factstr_append('[{"event_type": "k", "payload": 1}]', k);
SELECT count(*), count(idempotency_key) FROM factstr_events;

-- rule 33: a conditional append can be repeated, although its own facts, and later ones, have moved
-- the context
SELECT * FROM factstr_append_if(
	'[{"event_type": "opened", "payload": {"account": 7}}]',
	'{"filters": [{"payload_predicates": [{"account": 7}]}]}', NULL, 'open 7');
SELECT * FROM factstr_append_if(
	'[{"event_type": "opened", "payload": {"account": 7}}]',
	'{"filters": [{"payload_predicates": [{"account": 7}]}]}', NULL, 'open 7');
SELECT factstr_append('[{"event_type": "paid in", "payload": {"account": 7}}]')
	IS NOT NULL AS moved_on;
SELECT * FROM factstr_append_if(
	'[{"event_type": "opened", "payload": {"account": 7}}]',
	'{"filters": [{"payload_predicates": [{"account": 7}]}]}', NULL, 'open 7');
SELECT * FROM factstr_try_append_if(
	'[{"event_type": "opened", "payload": {"account": 7}}]',
	'{"filters": [{"payload_predicates": [{"account": 7}]}]}', NULL, 'open 7');
SELECT * FROM factstr_append('[{"event_type": "opened", "payload": {"account": 7}}]', 'open 7');
-- rule 33: an append is repeated as a conditional one
SELECT * FROM factstr_append_if('[{"event_type": "same", "payload": 1}]', '{}', NULL, 'key 2');

-- rule 33: a conflict leaves the key free
SELECT conflict FROM factstr_try_append_if(
	'[{"event_type": "opened", "payload": {"account": 7}}]',
	'{"filters": [{"payload_predicates": [{"account": 7}]}]}', NULL, 'open 7 again');
SELECT factstr_append_if(
	'[{"event_type": "opened", "payload": {"account": 7}}]',
	'{"filters": [{"payload_predicates": [{"account": 7}]}]}', NULL, 'open 7 again');
SELECT factstr_append('[{"event_type": "other", "payload": 1}]', 'open 7 again')
	IS NOT NULL AS free;
-- and so do malformed events
SELECT factstr_append('[]', 'malformed');
SELECT factstr_append('[{"event_type": "other", "payload": 1}]', 'malformed') IS NOT NULL AS free;
-- and a rollback
BEGIN;
SELECT factstr_append('[{"event_type": "rolled back", "payload": 1}]', 'rolled back')
	IS NOT NULL AS taken;
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT factstr_append('[{"event_type": "rolled back", "payload": 2}]', 'rolled back')
	IS NOT NULL AS taken;
ROLLBACK TO s;
SELECT factstr_append('[{"event_type": "kept", "payload": 3}]', 'rolled back') IS NOT NULL AS taken;
COMMIT;
SELECT event_type FROM factstr_events WHERE idempotency_key = 'rolled back';

-- rule 33: in the same transaction, and in the same statement
BEGIN;
SELECT committed_count, first_sequence_number = (SELECT count(*) + 1 FROM factstr_events) AS new
FROM factstr_append(
	'[{"event_type": "t", "payload": 1}, {"event_type": "t", "payload": 2}]', 'transaction');
SELECT committed_count, last_sequence_number = (SELECT count(*) FROM factstr_events) AS old
FROM factstr_append(
	'[{"event_type": "t", "payload": 1}, {"event_type": "t", "payload": 2}]', 'transaction');
SELECT f.state FROM pg_temp.failure(
	'SELECT factstr_append(''[{"event_type": "t", "payload": 3}]'', ''transaction'')') f;
COMMIT;
SELECT count(*), count(DISTINCT a.first_sequence_number)
FROM generate_series(1, 5),
	LATERAL factstr_append(
		'[{"event_type": "statement", "payload": 1}]', 'statement ' || generate_series * 0) a;
SELECT count(*) FROM factstr_read('{"filters": [{"event_types": ["statement"]}]}');

-- A big batch is compared to its end, and without the batch that follows it.
SELECT committed_count FROM factstr_append(pg_temp.events('big', 2500), 'big');
SELECT committed_count FROM factstr_append(pg_temp.events('big', 2));
SELECT committed_count FROM factstr_append(pg_temp.events('big', 2500), 'big');
SELECT f.state FROM unnest(ARRAY[2499, 2501, 2502]) count,
	pg_temp.failure(format('SELECT factstr_append(%L, ''big'')', pg_temp.events('big', count))) f;

-- rule 33: payloads too large to be kept in line, compressed or not, are compared whole
SELECT factstr_append(
	jsonb_build_array(
		jsonb_build_object(
			'event_type', 'large',
			'payload', jsonb_build_array(
				(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 10000) i)),
			'metadata', jsonb_build_object('m', repeat('x', 100000))),
		jsonb_build_object('event_type', 'large', 'payload', repeat('x', 100000))), 'large')
	IS NOT NULL AS stored
FROM generate_series(1, 2);
SELECT f.state, f.message
FROM pg_temp.failure(
	$$SELECT factstr_append(
			jsonb_build_array(
				jsonb_build_object(
					'event_type', 'large',
					'payload', jsonb_build_array(
						(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 10000) i))),
				jsonb_build_object(
					'event_type', 'large', 'payload', repeat('x', 99999) || 'y')), 'large')$$) f;

SELECT count(*) = max(sequence_number) AS gap_free,
	count(idempotency_key) = count(DISTINCT idempotency_key) AS keys_unique
FROM factstr_events;
DROP EXTENSION factstr CASCADE;
