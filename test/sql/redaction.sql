-- Erasure: factstr_redact replaces a payload, and everything else follows.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

SELECT factstr_append(
	'[{"event_type": "opened", "payload": {"account": 1, "owner": "Ada"},
		"metadata": {"actor": "Ada", "schema": 1}}]', 'open 1');
SELECT factstr_append(
	'[{"event_type": "paid in", "payload": {"account": 1, "amount": 10}},
		{"event_type": "moved", "payload": {"account": 1, "street": "Main Street"}},
		{"event_type": "paid in", "payload": {"account": 2, "amount": 5}}]', 'pay 1');
CREATE TEMP TABLE before AS SELECT * FROM factstr_events;

-- The payload is replaced; metadata goes with the old one unless new metadata is given.
SELECT factstr_redact(1, '{"account": 1}', 'Ada asked for it');
SELECT factstr_redact(3, '{"account": 1, "street": null}', 'Ada asked for it', '{"schema": 1}');
SELECT sequence_number, event_type, payload, metadata FROM factstr_read();
-- Number, type, time, batch and key stay.
SELECT count(*) FROM before b
JOIN factstr_events e USING (sequence_number, batch_first_sequence_number, occurred_at, event_type)
WHERE b.idempotency_key IS NOT DISTINCT FROM e.idempotency_key;
-- A record is left of the call, not of the old payload.
SELECT sequence_number, redacted_by = session_user AS by_me,
	redacted_at BETWEEN (SELECT max(occurred_at) FROM before) AND clock_timestamp() AS just_now,
	reason
FROM factstr_redactions;

-- Every way to read returns the new payload.
SELECT event_records->0->'payload', event_records->2->'payload', event_records->0 ? 'metadata'
FROM factstr_query();
SELECT first_sequence_number, last_sequence_number,
	jsonb_path_query_array(event_records, '$[*].payload')
FROM factstr_batches();

-- Indexes follow: nothing is found by the old payload, everything by the new one.
SELECT predicate,
	factstr_context_version(
		jsonb_build_object(
			'filters', jsonb_build_array(
				jsonb_build_object('payload_predicates', jsonb_build_array(predicate)))))
FROM (VALUES
	('{"owner": "Ada"}'::jsonb), ('{"street": "Main Street"}'), ('{"street": null}'),
	('{"account": 1}')) p(predicate);

-- A context shrinks: its version is that of the facts that still match.
SELECT factstr_context_version('{"filters": [{"payload_predicates": [{"account": 2}]}]}');
SELECT factstr_redact(4, '{}', 'wrong account');
SELECT factstr_context_version('{"filters": [{"payload_predicates": [{"account": 2}]}]}');
SELECT f.* FROM pg_temp.failure(
	$$SELECT factstr_append_if(
			'[{"event_type": "closed", "payload": {"account": 2}}]',
			'{"filters": [{"payload_predicates": [{"account": 2}]}]}', 4)$$) f;
SELECT factstr_append_if(
	'[{"event_type": "closed", "payload": {"account": 2}}]',
	'{"filters": [{"payload_predicates": [{"account": 2}]}]}', NULL);
-- A context whose fact still matches has the version it had.
SELECT factstr_append_if(
	'[{"event_type": "closed", "payload": {"account": 1}}]',
	'{"filters": [{"payload_predicates": [{"account": 1}]}]}', 3);
-- By event type nothing has changed.
SELECT factstr_context_version('{"filters": [{"event_types": ["paid in"]}]}');

-- A call that is repeated by its key finds its batch: of redacted facts only types are compared.
SELECT factstr_append(
	'[{"event_type": "opened", "payload": {"account": 1, "owner": "Ada"},
		"metadata": {"actor": "Ada", "schema": 1}}]', 'open 1');
SELECT factstr_append(
	'[{"event_type": "paid in", "payload": {"account": 1, "amount": 10}},
		{"event_type": "moved", "payload": {"account": 1, "street": "Main Street"}},
		{"event_type": "paid in", "payload": {"account": 2, "amount": 5}}]', 'pay 1');
SELECT factstr_append_if('[{"event_type": "opened", "payload": "whatever"}]', '{}', NULL, 'open 1');
SELECT difference, f.state FROM (VALUES
	('a fact that was not redacted',
		'[{"event_type": "paid in", "payload": {"account": 1, "amount": 11}},
			{"event_type": "moved", "payload": {}}, {"event_type": "paid in", "payload": {}}]'),
	('the type of one that was',
		'[{"event_type": "paid in", "payload": {"account": 1, "amount": 10}},
			{"event_type": "lost", "payload": {}}, {"event_type": "paid in", "payload": {}}]'),
	('fewer facts',
		'[{"event_type": "paid in", "payload": {"account": 1, "amount": 10}},
			{"event_type": "moved", "payload": {}}]')) d(difference, events),
	pg_temp.failure(format('SELECT factstr_append(%L, ''pay 1'')', events)) f;

-- A fact may be redacted repeatedly; each call is recorded.
SELECT factstr_redact(1, 'null', 'twice'), factstr_redact(1, '"gone"', 'three times');
SELECT payload FROM factstr_read('{}', 1);
SELECT count(*) FROM factstr_redactions WHERE sequence_number = 1;

-- The same payload, so that no index entry changes
SELECT factstr_append(
	'[{"event_type": "same", "payload": {"same": 1}, "metadata": {"actor": "Ada"}}]');
SELECT factstr_redact(7, '{"same": 1}', 'metadata only'), factstr_redact(7, '{"same": 1}', 'again');
SELECT sequence_number, payload, metadata
FROM factstr_read('{"filters": [{"payload_predicates": [{"same": 1}]}]}');
SELECT sequence_number, payload, metadata
FROM factstr_read('{"filters": [{"event_types": ["same"]}]}');

-- Large payloads, before and after
SELECT (
	factstr_append(
		jsonb_build_array(
			jsonb_build_object(
				'event_type', 'large',
				'payload',
					jsonb_build_object(
						'n', 1,
						'text',
							(SELECT string_agg(md5(i::text), '')
								FROM generate_series(1, 3000) i)))))).last_sequence_number;
SELECT factstr_redact(8, '{"n": 1}', 'large before');
SELECT payload FROM factstr_read('{"filters": [{"event_types": ["large"]}]}');
SELECT factstr_redact(
	8,
	jsonb_build_object(
		'n', 2, 'text', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 3000) i)),
	'large after');
SELECT length(payload->>'text')
FROM factstr_read('{"filters": [{"payload_predicates": [{"n": 2}]}]}');

-- In a transaction: visible in it, rolled back with it; a fact that it has appended itself; a fact
-- about the redaction.
BEGIN;
SELECT factstr_redact(2, '{}', 'taken back');
SELECT payload FROM factstr_read('{"filters": [{"event_types": ["paid in"]}]}', 1);
SELECT factstr_append('[{"event_type": "own", "payload": "secret"}]');
SELECT factstr_redact(9, '"erased"', 'own');
SELECT sequence_number, payload FROM factstr_read('{}', 1, true);
SAVEPOINT a;
SELECT factstr_redact(9, '"more"', 'savepoint');
ROLLBACK TO a;
SELECT sequence_number, payload FROM factstr_read('{}', 1, true);
ROLLBACK;
SELECT payload FROM factstr_read('{"filters": [{"event_types": ["paid in"]}]}', 1);
SELECT count(*) FROM factstr_redactions WHERE reason IN ('taken back', 'own', 'savepoint');
BEGIN;
SELECT factstr_redact(2, '{"account": 1}', 'Ada asked for it');
SELECT factstr_append(
	'[{"event_type": "fact-redacted", "payload": {"account": 1, "sequence_number": 2}}]');
COMMIT;
SELECT sequence_number, event_type FROM factstr_read('{}', 1, true);

-- Many at once, found by a query
SELECT (factstr_append(pg_temp.events('many', 2000))).committed_count;
SELECT count(factstr_redact(sequence_number, '{}', 'many'))
FROM factstr_read('{"filters": [{"event_types": ["many"]}]}');
SELECT count(*), count(*) FILTER (WHERE payload = '{}') AS redacted
FROM factstr_read('{"filters": [{"event_types": ["many"]}]}');
SELECT count(*) FROM factstr_read('{"filters": [{"payload_predicates": [{"n": 77}]}]}');

-- Indexes and table agree after any redaction: with old versions, without them, with bitmaps
-- that know pages only.
SELECT (
	factstr_append(
		(SELECT jsonb_agg(
				jsonb_build_object(
					'event_type', 'd' || n % 3,
					'payload',
						jsonb_build_object(
							'd', pg_temp.pick('d' || n, 4), 'e', pg_temp.pick('e' || n, 50)))
				ORDER BY n)
			FROM generate_series(1, 4000) n))).committed_count;
CREATE FUNCTION pg_temp.differences() RETURNS TABLE (tried bigint, different bigint) LANGUAGE sql
	AS $$
	SELECT count(*),
		count(*) FILTER (
			WHERE r.numbers IS DISTINCT FROM t.numbers
				OR factstr_context_version(q.query) IS DISTINCT FROM t.newest)
	FROM (SELECT jsonb_build_object('filters', jsonb_build_array(filter)) AS query
		FROM generate_series(0, 3) d, generate_series(0, 49, 7) e,
		LATERAL (VALUES
			(jsonb_build_object(
					'payload_predicates', jsonb_build_array(jsonb_build_object('d', d)))),
			(jsonb_build_object(
					'payload_predicates', jsonb_build_array(jsonb_build_object('d', d, 'e', e)))),
			(jsonb_build_object(
					'event_types', jsonb_build_array('d' || d),
					'payload_predicates', jsonb_build_array(jsonb_build_object('e', e))))) f(filter)) q,
		LATERAL (SELECT array_agg(sequence_number) AS numbers FROM factstr_read(query)) r,
		LATERAL (SELECT array_agg(sequence_number ORDER BY sequence_number) AS numbers,
				max(sequence_number) AS newest
			FROM factstr_events WHERE factstr_matches(query, event_type, payload)) t
$$;
SELECT * FROM pg_temp.differences();
SELECT count(
	factstr_redact(
		sequence_number, jsonb_build_object('d', pg_temp.pick('r' || sequence_number, 4), 'e', 7),
		'some'))
FROM factstr_read('{"filters": [{"event_types": ["d0", "d1"]}]}')
WHERE pg_temp.pick('x' || sequence_number, 3) = 0;
SELECT count(factstr_redact(sequence_number, payload - 'd', 'some'))
FROM factstr_read('{"filters": [{"event_types": ["d2"]}]}')
WHERE pg_temp.pick('y' || sequence_number, 2) = 0;
SELECT * FROM pg_temp.differences();
SET work_mem = '64kB';
SELECT * FROM pg_temp.differences();
RESET work_mem;
VACUUM factstr_events;
SELECT * FROM pg_temp.differences();
SELECT count(*) AS checks, count(*) FILTER (WHERE NOT ok) AS failed FROM factstr_check(NULL);

-- After VACUUM, which takes the old versions away, and FREEZE
VACUUM (FREEZE) factstr_events;
SELECT sequence_number, payload
FROM factstr_read('{"filters": [{"payload_predicates": [{"account": 1}]}]}');
SELECT factstr_redact(3, '{"account": 3}', 'a frozen row');
SELECT sequence_number, payload
FROM factstr_read('{"filters": [{"payload_predicates": [{"account": 3}]}]}');
SELECT count(*) = max(sequence_number) AS gap_free FROM factstr_events;

-- A durable stream does not get the fact again; a fact that it reads again has the new payload.
SELECT factstr_stream_open('s', '{"filters": [{"event_types": ["told"]}]}', 'now');
SELECT factstr_append('[{"event_type": "told", "payload": "first"}]') IS NOT NULL AS told,
	factstr_append('[{"event_type": "told", "payload": "second"}]') IS NOT NULL AS told;
SELECT jsonb_path_query(event_records, '$.payload') FROM factstr_stream_next('s');
SELECT factstr_stream_ack('s', max(sequence_number) - 1) = max(sequence_number) - 1 AS moved
FROM factstr_events;
SELECT count(factstr_redact(sequence_number, '"erased"', 'told'))
FROM factstr_read('{"filters": [{"event_types": ["told"]}]}');
SELECT jsonb_path_query(event_records, '$.payload') FROM factstr_stream_next('s', 10);
SELECT factstr_stream_seek('s', 0);
SELECT jsonb_path_query(event_records, '$.payload') FROM factstr_stream_next('s', 10);

-- A user's row trigger fires, and a constraint holds.
CREATE FUNCTION pg_temp.tell() RETURNS trigger LANGUAGE plpgsql
	AS $$ BEGIN RAISE NOTICE '% -> %', OLD.payload, NEW.payload; RETURN NULL; END $$;
CREATE TRIGGER tell AFTER UPDATE ON factstr_events FOR EACH ROW EXECUTE FUNCTION pg_temp.tell();
SELECT factstr_redact(3, '{"account": 4}', 'trigger');
DROP TRIGGER tell ON factstr_events;
ALTER TABLE factstr_events ADD CONSTRAINT objects CHECK (payload <> '0');
SELECT f.state, f.message FROM pg_temp.failure($$SELECT factstr_redact(3, '0', 'constraint')$$) f;
ALTER TABLE factstr_events DROP CONSTRAINT objects;

-- Refused calls, which record nothing
SELECT count(*) AS redactions FROM factstr_redactions \gset
SELECT call, f.* FROM (VALUES
	('NULL, ''{}'', ''why'''), ('1, NULL, ''why'''), ('1, ''{}'', NULL'), ('1, ''{}'', '''''),
	('1, ''{}'', ''why'', ''[]'''), ('1, ''{}'', ''why'', ''1'''),
	('0, ''{}'', ''why'''), ('-1, ''{}'', ''why'''), ('1000000, ''{}'', ''why'''),
	('9223372036854775807, ''{}'', ''why''')) calls(call),
	pg_temp.failure(format('SELECT factstr_redact(%s)', call)) f;
SELECT factstr_redact(1, '{}', 'null metadata', 'null');
BEGIN READ ONLY;
SELECT factstr_redact(1, '{}', 'why');
ROLLBACK;
SELECT count(*) - :redactions AS recorded FROM factstr_redactions;
DROP EXTENSION factstr CASCADE;
