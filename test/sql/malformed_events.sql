-- Malformed appends: each is refused with the error and its place, and nothing is stored.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;
SELECT factstr_append('[{"event_type": "first", "payload": 1}]');

-- rule 7: no events
SELECT f.* FROM pg_temp.failure('SELECT factstr_append(''[]'')') f;

-- rule 8: every way to be wrong
CREATE TEMP TABLE malformed (n int GENERATED ALWAYS AS IDENTITY, events text);
INSERT INTO malformed (events) VALUES
	('null'), ('true'), ('1'), ('"[]"'), ('{}'), ('{"event_type": "a", "payload": 1}'),
	('[null]'), ('[1]'), ('["a"]'), ('[[]]'), ('[[{"event_type": "a", "payload": 1}]]'), ('[{}]'),
	('[{"payload": 1}]'), ('[{"event_type": "a"}]'), ('[{"metadata": {}}]'),
	('[{"event_type": null, "payload": 1}]'), ('[{"event_type": true, "payload": 1}]'),
	('[{"event_type": 1, "payload": 1}]'),
	('[{"event_type": ["a"], "payload": 1}]'), ('[{"event_type": {"a": 1}, "payload": 1}]'),
	('[{"event_type": "", "payload": 1}]'),
	('[{"event_type": "a", "payload": 1, "metadata": false}]'),
	('[{"event_type": "a", "payload": 1, "metadata": 0}]'),
	('[{"event_type": "a", "payload": 1, "metadata": "{}"}]'),
	('[{"event_type": "a", "payload": 1, "metadata": []}]'),
	('[{"event_type": "a", "payload": 1, "metdata": {}}]'),
	('[{"event_type": "a", "payload": 1, "Payload": 1}]'),
	('[{"eventType": "a", "payload": 1}]'), ('[{"type": "a", "payload": 1}]'),
	('[{"event_type": "a", "payload": 1, "": null}]'),
	('[{"event_type": "a", "payload": 1, "occurred_at": "2026-01-31T08:15:30.123456Z"}]'),
	('[{"event_type": "a", "payload": 1, "sequence_number": 1}]'),
	('[{"event_type": "a", "payload": 1, "event_typ": 1, "event_types": 2}]'),
	('[{"event_type ": "a", "payload": 1}]'), ('[{"payload": 1, "event_type\n": "a"}]'),
	('[{"event_type": "a", "payload": 1}, {"event_type": "b", "payload": 2},'
		' {"event_type": "c", "payloud": 3}]'),
	('[{"event_type": "a", "payload": 1}, null]');
\x on
\pset format unaligned
\pset fieldsep ': '
SELECT i.events, f.*
FROM malformed i, pg_temp.failure(format('SELECT factstr_append(%L)', i.events)) f ORDER BY n;
\x off
\pset format aligned

-- An event type may have 2000 bytes, not characters, of any text.
SELECT i.bytes, f.*
FROM (VALUES
	(1, 2001, repeat('x', 2001)), (2, 2004, repeat('🦊', 501)),
	(3, 1000000, repeat('y', 1000000))) i(n, bytes, event_type),
	pg_temp.failure(
		format(
			'SELECT factstr_append(%L)',
			jsonb_build_array(jsonb_build_object('event_type', i.event_type, 'payload', 1)))) f
ORDER BY n;

-- Keys are quoted; long ones are shortened, but never within a character.
CREATE TEMP TABLE keys (n int GENERATED ALWAYS AS IDENTITY, key text);
INSERT INTO keys (key)
VALUES ('a "quoted" key'), ('back\slash'), ('%s %n %d'), ('🦊'), (repeat('x', 63)),
	(repeat('x', 64)), (repeat('x', 65)), (repeat('x', 10000000)),
	(repeat('x', 61) || '🦊' || 'y'), (repeat('x', 62) || '🦊' || 'y'),
	(repeat('x', 63) || '🦊'),
	(repeat('x', 60) || '🦊' || 'y'), (repeat('é', 33)), ('x' || repeat('é', 32)),
	(repeat('日', 1000));
-- Not aligned: psql 14 and later know that some characters are two columns wide.
\pset format unaligned
SELECT f.state, f.message, f.detail,
	convert_from(convert_to(f.message, 'UTF8'), 'UTF8') = f.message AS valid
FROM keys,
	pg_temp.failure(
		format(
			'SELECT factstr_append(%L)',
			jsonb_build_array(jsonb_build_object('event_type', 'a', 'payload', 1, key, 1)))) f
ORDER BY n;
\pset format aligned
-- Control characters
SELECT f.state, f.message, f.detail
FROM (VALUES
	(1, E'tab\tbed'), (2, E'\u0001\u0007\u001b[31mred'), (3, E'new\nline'),
	(4, E'\u007f\u0085\u2028')) i(n, key),
	pg_temp.failure(
		format(
			'SELECT factstr_append(%L)',
			jsonb_build_array(jsonb_build_object('event_type', 'a', 'payload', 1, key, 1)))) f
ORDER BY n;

-- The place is right in a long append too.
SELECT f.state, f.message, f.detail
FROM pg_temp.failure(
	format(
		'SELECT factstr_append(%L)',
		pg_temp.events('a', 12345) || '{"event_type": "b", "payload": 1, "meta": 1}'
			|| pg_temp.events('c', 5))) f;

-- Values are not quoted: errors end up in logs.
SELECT count(*) FILTER (WHERE concat(f.message, f.detail, f.hint) ~ 'secret') AS told
FROM (VALUES
	('"secret"'), ('{"secret": 1}'), ('["secret"]'), ('[{"event_type": "", "payload": "secret"}]'),
	('[{"event_type": "a", "payload": 1, "metadata": "secret"}]'),
	('[{"event_type": ["secret"], "payload": 1}]')) i(events),
	pg_temp.failure(format('SELECT factstr_append(%L)', i.events)) f;

-- The siblings refuse the same input with the same message, with any context (rule 16).
SELECT count(*) AS tried, count(*) FILTER (WHERE (f.*) IS DISTINCT FROM (s.*)) AS different
FROM (SELECT events FROM malformed UNION ALL SELECT '[]') i,
	pg_temp.failure(format('SELECT factstr_append(%L)', i.events)) f,
	LATERAL (VALUES
		(format('SELECT factstr_append_if(%L, ''{}'', 1)', i.events)),
		(format('SELECT factstr_append_if(%L, ''{}'', 0)', i.events)),
		(format('SELECT factstr_append_if(%L, ''{"misspelt": 1}'', NULL)', i.events)),
		(format('SELECT factstr_try_append_if(%L, ''{}'', 1)', i.events)),
		(format('SELECT factstr_try_append_if(%L, ''{}'', NULL)', i.events)),
		(format('SELECT factstr_append(%L, ''key'')', i.events))) commands(command),
	pg_temp.failure(command) s;

-- Null is no input at all: refused, never ignored.
\set event '''[{"event_type": "a", "payload": 1}]'''
SELECT i.command, f.*
FROM (VALUES
	(1, 'SELECT factstr_append(NULL)'), (2, 'SELECT factstr_append(NULL, NULL)'),
	(3, 'SELECT factstr_append_if(NULL, ''{}'', 1)'),
	(4, 'SELECT factstr_try_append_if(NULL, ''{}'', 1)'),
	(5, format('SELECT factstr_append_if(%L, NULL, 1)', :event)),
	(6, format('SELECT factstr_try_append_if(%L, NULL, 1)', :event))) i(n, command),
	pg_temp.failure(command) f ORDER BY n;

-- rule 33: invalid keys
SELECT length(key), octet_length(key) AS bytes, f.*
FROM (VALUES (1, ''), (2, repeat('k', 2001)), (3, repeat('ß', 1001))) i(n, key),
	pg_temp.failure(format('SELECT factstr_append(%L, %L)', :event, key)) f ORDER BY n;

-- Not JSON at all: PostgreSQL itself says so.
SELECT i.events, f.state, f.message
FROM (VALUES
	(1, ''), (2, '['), (3, '[{"event_type": "a", "payload": 1},]'),
	(4, '[{event_type: "a", "payload": 1}]'),
	(5, '[{"event_type": "\u0000", "payload": 1}]')) i(n, events),
	pg_temp.failure(format('SELECT factstr_append(%L)', i.events)) f ORDER BY n;

-- rule 2, rule 8: nothing was stored, no number used
SELECT count(*) FROM factstr_events;
SELECT factstr_append('[{"event_type": "next", "payload": 1}]');

DROP EXTENSION factstr CASCADE;
