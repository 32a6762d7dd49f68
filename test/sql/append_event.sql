-- Appending one event by its parts: the fact is the same as that of an array of one, and so are the checks.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

-- rule 6: the number; rule 32: metadata may be absent
SELECT factstr_append_event('opened', '{"account": 1}');
SELECT factstr_append_event('paid in', '{"account": 1, "amount": 10}', '{"actor": "ada"}');
SELECT factstr_append_event('opened', '{"account": 2}', 'null');
SELECT factstr_append_event('noted', payload)
FROM (VALUES ('null'::jsonb), ('7'), ('"text"'), ('true'), ('[]')) v(payload);
SELECT * FROM factstr_append_event(event_type => 'named', payload => '{}', log => 'main');
SELECT sequence_number, batch_first_sequence_number AS batch_first, event_type, payload, metadata, idempotency_key
FROM factstr_events ORDER BY 1;

-- A payload may come from a table, where it is compressed and stored out of line, and be too large for a row.
CREATE TEMP TABLE stored AS
SELECT repeat('t', 2000) AS event_type, jsonb_build_object('n', 1, 'text', string_agg(md5(n::text), ' ')) AS payload
FROM generate_series(1, 3000) n;
SELECT factstr_append_event(event_type, payload, jsonb_build_object('copy', payload)) FROM stored;
SELECT r.payload = s.payload AS payload, r.metadata->'copy' = s.payload AS metadata, r.event_type = s.event_type AS type
FROM factstr_read('{"filters": [{"payload_predicates": [{"n": 1}]}]}') r, stored s;

-- rule 33: a repeated call returns the number, whichever function appended the event first
SELECT factstr_append_event('ordered', '{"order": 1}', '{"trace": 1}', 'order 1');
SELECT factstr_append_event('ordered', '{"order": 1}', '{"trace": 2}', 'order 1');
SELECT * FROM factstr_append('[{"event_type": "ordered", "payload": {"order": 1}}]', 'order 1');
SELECT * FROM factstr_append('[{"event_type": "ordered", "payload": {"order": 2}}]', 'order 2');
SELECT factstr_append_event('ordered', '{"order": 2}', NULL, 'order 2');
SELECT n, f.* FROM (VALUES
	(1, 'SELECT factstr_append_event(''ordered'', ''{"order": 3}'', NULL, ''order 1'')'),
	(2, 'SELECT factstr_append_event(''ordered'', ''{"order": 1}'', NULL, '''')')) c(n, command),
	pg_temp.failure(command) f ORDER BY n;

-- At commit, the call returns null and keeps its arguments: the query uses their memory again for its next row.
BEGIN;
SELECT factstr_append_event('kept ' || n, jsonb_build_object('kept', n), jsonb_build_object('of', n), 'key ' || n, true)
FROM generate_series(1, 3) n;
SAVEPOINT undone;
SELECT factstr_append_event('undone', '1', at_commit => true);
ROLLBACK TO undone;
SELECT factstr_append_event('ordered', '{"order": 2}', NULL, 'order 2', at_commit => true);
COMMIT;
SELECT * FROM factstr_last_append();
SELECT sequence_number, event_type, payload, metadata, idempotency_key
FROM factstr_events ORDER BY sequence_number DESC LIMIT 3;
BEGIN;
SELECT factstr_append_event('undone', '1', at_commit => true);
SELECT factstr_append_event('repeated', '{"order": 2}', NULL, 'order 2', at_commit => true);
ROLLBACK;

-- In another log
SELECT factstr_create_log('orders');
SELECT factstr_append_event('ordered', '{"order": 1}', log => 'orders');
SELECT factstr_seal_log('orders');

-- Malformed events, and calls that may not append: nothing is stored
CREATE FUNCTION pg_temp.nested(depth int) RETURNS text LANGUAGE sql AS $$
	SELECT repeat('[', depth) || repeat(']', depth) $$;
CREATE TEMP TABLE malformed (n int GENERATED ALWAYS AS IDENTITY, arguments text);
INSERT INTO malformed (arguments) VALUES
	('NULL, ''1'''), ('''a'', NULL'), (''''', ''1'''),
	('repeat(''x'', 2001), ''1'''), ('repeat(''🦊'', 501), ''1'''),
	('''a'', ''1'', ''[]'''), ('''a'', ''1'', ''false'''), ('''a'', ''1'', ''"{}"'''), ('''a'', ''1'', ''0'''),
	('''a'', pg_temp.nested(1001)::jsonb'),
	('''a'', ''1'', jsonb_build_object(''m'', pg_temp.nested(1000)::jsonb)'),
	('''a'', (SELECT jsonb_agg(1e131071) FROM generate_series(1, 2000))'),
	('''a'', ''1'', (SELECT jsonb_build_object(''m'', jsonb_agg(1e131071)) FROM generate_series(1, 2000))'),
	('''a'', ''1'', at_commit => NULL'), ('''a'', ''1'', log => ''none'''), ('''a'', ''1'', log => NULL'),
	('''a'', ''1'', log => ''orders''');
SELECT count(*) AS facts FROM factstr_events \gset
\x on
\pset format unaligned
\pset fieldsep ': '
SELECT left(i.arguments, 80) AS arguments, f.*
FROM malformed i, pg_temp.failure(format('SELECT factstr_append_event(%s)', i.arguments)) f ORDER BY n;
\x off
\pset format aligned
BEGIN READ ONLY;
SELECT f.* FROM pg_temp.failure('SELECT factstr_append_event(''a'', ''1'')') f;
COMMIT;
SELECT count(*) - :facts AS stored FROM factstr_events;
SELECT * FROM factstr_check();
SELECT factstr_drop_log('orders', 'orders');
DROP EXTENSION factstr CASCADE;
