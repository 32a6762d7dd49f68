-- Appending: numbers, batches, and whether reads return the appended values.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

-- rule 6: the result; rule 2: numbers start at 1
SELECT * FROM factstr_append('[{"event_type": "opened", "payload": {"account": 1}}]');
SELECT * FROM factstr_append('[
	{"event_type": "paid in", "payload": {"account": 1, "amount": 10}},
	{"event_type": "paid out", "payload": {"account": 1, "amount": 3}},
	{"event_type": "paid in", "payload": {"account": 1, "amount": 10}}]');
SELECT * FROM factstr_append('[{"event_type": "x", "payload": null}]') \gdesc
SELECT * FROM factstr_append_if('[{"event_type": "x", "payload": null}]', '{}', 1) \gdesc
SELECT * FROM factstr_try_append_if('[{"event_type": "x", "payload": null}]', '{}', 1) \gdesc

-- rule 1, rule 5: the facts, and the batches they were appended in
SELECT sequence_number, batch_first_sequence_number, event_type, payload, metadata, idempotency_key
FROM factstr_events ORDER BY 1;
SELECT batch_first_sequence_number, count(DISTINCT occurred_at) AS times
FROM factstr_events GROUP BY 1 ORDER BY 1;

-- Events keep the order of the array, in a batch of any size.
SELECT * FROM factstr_append(pg_temp.events('many', 2500));
SELECT count(*), min(sequence_number), max(sequence_number),
	count(DISTINCT batch_first_sequence_number) AS batches,
	count(*) FILTER (WHERE (payload->>'n')::int <> sequence_number - 4) AS out_of_order
FROM factstr_events WHERE event_type = 'many';

-- The argument may come from a table, where it is compressed and stored out of line.
CREATE TEMP TABLE stored (events jsonb);
INSERT INTO stored VALUES (pg_temp.events('stored', 3000));
SELECT factstr_append(events) FROM stored;
SELECT count(*) FROM factstr_read('{"filters": [{"event_types": ["stored"]}]}');

-- rule 3: occurred_at in JSON
SELECT count(*) FILTER (
	WHERE r->>'occurred_at' !~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$') AS misspelt,
	count(*) FILTER (WHERE (r->>'occurred_at')::timestamptz <> e.occurred_at) AS other_times,
	count(*) FILTER (
		WHERE (r->>'occurred_at')::timestamptz NOT BETWEEN now() - interval '1 hour'
			AND now()) AS not_now,
	count(*)
FROM factstr_query() q, jsonb_array_elements(q.event_records) r
JOIN factstr_events e ON e.sequence_number = (r->>'sequence_number')::bigint;
CREATE TEMP TABLE seen (how text, records jsonb);
CREATE FUNCTION pg_temp.see(zone text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('TimeZone', zone, true);
	PERFORM set_config('DateStyle', CASE zone WHEN 'UTC' THEN 'ISO' ELSE 'German' END, true);
	INSERT INTO seen SELECT zone || ' query', event_records
	FROM factstr_query('{"filters": [{"payload_predicates": [{"account": 1}]}]}');
	INSERT INTO seen SELECT zone || ' batches', jsonb_agg(r ORDER BY r->'sequence_number')
		FROM factstr_batches('{"filters": [{"payload_predicates": [{"account": 1}]}]}') b,
			jsonb_array_elements(b.event_records) r;
	INSERT INTO seen SELECT zone || ' read',
		jsonb_agg(jsonb_build_object('sequence_number', sequence_number,
			'occurred_at', to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
			'event_type', event_type, 'payload', payload) ORDER BY sequence_number)
		FROM factstr_read('{"filters": [{"payload_predicates": [{"account": 1}]}]}');
END
$$;
SELECT count(pg_temp.see(zone)) AS zones
FROM (VALUES ('UTC'), ('Asia/Kathmandu'), ('America/St_Johns'), ('Pacific/Kiritimati')) zones(zone);
SELECT count(*), count(DISTINCT records) AS different FROM seen;

-- rule 3: whole seconds have six digits too, and years may have more than four
BEGIN;
ALTER TABLE factstr_events DISABLE TRIGGER factstr_events_stay;
UPDATE factstr_events SET occurred_at = '2026-01-31 09:15:30+01' WHERE sequence_number = 1;
UPDATE factstr_events SET occurred_at = '1969-12-31 23:59:59.000001+00' WHERE sequence_number = 2;
UPDATE factstr_events SET occurred_at = '12026-01-31 23:59:59.999999-03' WHERE sequence_number = 3;
SELECT jsonb_path_query(event_records, '$[0 to 2].occurred_at') FROM factstr_query();
ROLLBACK;

-- rule 4: payloads of every kind come back equal, and spelt alike
CREATE TEMP TABLE payloads (n int GENERATED ALWAYS AS IDENTITY, payload jsonb);
INSERT INTO payloads (payload) VALUES
	('null'), ('true'), ('false'), ('0'), ('-0'), ('1'), ('1.0'), ('-1.50'), ('1e0'), ('1e-20'),
	('1e400'), ('-1e-400'),
	('9007199254740993'), ('9223372036854775807'), ('-9223372036854775808'),
	('18446744073709551616'),
	('123456789012345678901234567890.123456789012345678901234567890'), ('0.10000000000000000555'),
	('""'), ('" "'), ('"a"'), ('"\" \\ \/ \b \f \n \r \t \u0001 \u007f"'),
	('"Žofie Müller 🦊 日本"'), ('"e\u0301 \u00e9"'),
	('"\ud83e\udd8a \uffff \udbff\udfff"'), ('"2026-01-31T08:15:30Z"'), ('"null"'),
	('"''; DROP TABLE factstr_events; --"'),
	('{}'), ('[]'), ('[[]]'), ('[{}]'), ('{"": ""}'),
	('{"a": {"b": {"c": [1, [2, [3, {"d": null}]]]}}}'),
	('[null, true, false, 0, "", {}, []]'), ('[1]'), ('["a"]'), ('[null]'),
	('{"sequence_number": 7, "payload": {"payload": 1}}'),
	('{"b": 1, "a": 2, "b": 3}'), ('{"日本": "🦊", "ž": {"ß": ["é"]}}');
INSERT INTO payloads (payload) VALUES
	(to_jsonb(repeat('Žofie ', 100000))), (to_jsonb(repeat('9', 100000)::numeric)),
	(to_jsonb(('0.' || repeat('123', 5000))::numeric)),
	((SELECT jsonb_object_agg('key ' || i, i) FROM generate_series(1, 5000) i)),
	((SELECT jsonb_agg(i || '') FROM generate_series(1, 5000) i));
SELECT count(*) AS appended
FROM (SELECT factstr_append(
		jsonb_build_array(jsonb_build_object('event_type', 'single', 'payload', payload)))
	FROM payloads ORDER BY n OFFSET 0) appends;
SELECT (
	factstr_append(
		jsonb_agg(
			jsonb_build_object('event_type', 'batch', 'payload', payload)
			ORDER BY n))).committed_count
FROM payloads;
CREATE FUNCTION pg_temp.returned(event_type text) RETURNS TABLE (how text, n bigint, payload jsonb)
	LANGUAGE sql AS $$
	SELECT 'read', row_number() OVER (ORDER BY sequence_number), payload
	FROM factstr_read(
		jsonb_build_object(
			'filters', jsonb_build_array(jsonb_build_object('event_types', jsonb_build_array($1)))))
	UNION ALL
	SELECT 'query', r.n, r.record->'payload'
	FROM factstr_query(
		jsonb_build_object(
			'filters', jsonb_build_array(
				jsonb_build_object('event_types', jsonb_build_array($1))))) q,
		jsonb_array_elements(q.event_records) WITH ORDINALITY r(record, n)
	UNION ALL
	SELECT 'batches', row_number() OVER (ORDER BY b.first_sequence_number, r.n), r.record->'payload'
	FROM factstr_batches(
		jsonb_build_object(
			'filters', jsonb_build_array(
				jsonb_build_object('event_types', jsonb_build_array($1))))) b,
		jsonb_array_elements(b.event_records) WITH ORDINALITY r(record, n)
$$;
SELECT event_type, r.how, count(*),
	count(*) FILTER (WHERE r.payload IS DISTINCT FROM p.payload) AS unequal,
	count(*) FILTER (WHERE r.payload::text IS DISTINCT FROM p.payload::text) AS spelt_otherwise
FROM (VALUES ('single'), ('batch')) types(event_type), pg_temp.returned(event_type) r
FULL JOIN payloads p ON p.n = r.n
GROUP BY 1, 2 ORDER BY 1, 2;

-- The array of records is an ordinary jsonb value: rebuilt from its text it is the same.
SELECT event_records = event_records::text::jsonb AS equal,
	octet_length(jsonb_send(event_records))
		= octet_length(jsonb_send(event_records::text::jsonb)) AS equally_long,
	event_records = (
		SELECT jsonb_agg(r) FROM jsonb_array_elements(event_records) r) AS elements_equal,
	event_records->-1->'sequence_number' AS last,
	event_records->1000->'sequence_number' AS thousand_and_first,
	event_records @> '[{"event_type": "paid out", "payload": {"amount": 3}}]' AS contains
FROM factstr_query();

-- rule 4: a value that cannot be kept exactly is refused, and nothing is stored
SELECT i.payload, f.state, f.message, f.detail
FROM (VALUES
	(1, '"a\u0000b"'), (2, '{"\u0000": 1}'), (3, '"\ud83e"'), (4, '1e200000'), (5, 'NaN'),
	(6, '01'), (7, '"' || E'\t' || '"')) i(n, payload),
	pg_temp.failure(
		format(
			'SELECT factstr_append(%L)',
			'[{"event_type": "refused", "payload": ' || i.payload || '}]')) f
ORDER BY n;

-- rule 4: an event type is any non-empty text, of up to 2000 bytes
SELECT length(event_type),
	(factstr_append(
			jsonb_build_array(
				jsonb_build_object('event_type', event_type, 'payload', 1)))).committed_count
FROM (VALUES
	(' '), ('🦊'), ('a b'), ('%s "x" \ ''y'''), (repeat('x', 2000)),
	(repeat('🦊', 500))) types(event_type);
SELECT length(event_type), octet_length(event_type)
FROM factstr_read('{}', 6, true) ORDER BY sequence_number;
SELECT count(*) FROM factstr_read(
	jsonb_build_object(
		'filters', jsonb_build_array(
			jsonb_build_object('event_types', jsonb_build_array(repeat('🦊', 500))))));

-- rule 32: metadata is stored and delivered beside the payload; without it, there is no such key
SELECT * FROM factstr_append('[
	{"event_type": "meta", "payload": 1,
		"metadata": {"actor": "Žofie", "version": 2, "nested": {"a": [1.0]}}},
	{"event_type": "meta", "payload": 2},
	{"event_type": "meta", "payload": 3, "metadata": null},
	{"event_type": "meta", "payload": 4, "metadata": {}}]');
SELECT payload, metadata FROM factstr_read('{"filters": [{"event_types": ["meta"]}]}');
SELECT r - 'sequence_number' - 'occurred_at' AS record
FROM factstr_query('{"filters": [{"event_types": ["meta"]}]}') q,
	jsonb_array_elements(q.event_records) r;
SELECT r - 'sequence_number' - 'occurred_at' AS record
FROM factstr_batches('{"filters": [{"event_types": ["meta"]}]}') q,
	jsonb_array_elements(q.event_records) r;
-- rule 32: and it is never matched
SELECT count(*) FROM factstr_read(
	'{"filters": [{"payload_predicates": [{"actor": "Žofie"}, {"metadata": {}},
		{"metadata": {"version": 2}}]}]}');
SELECT factstr_context_version('{"filters": [{"payload_predicates": [{"version": 2}]}]}');

DROP EXTENSION factstr CASCADE;
