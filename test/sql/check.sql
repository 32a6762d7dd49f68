-- factstr_check finds each damage that was made on purpose, and nothing else.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

-- An empty log, and a healthy one
SELECT * FROM factstr_check();
SELECT factstr_append(pg_temp.events('a', 3), 'key 1'), factstr_append(pg_temp.events('b', 1)),
	factstr_append(
		'[{"event_type": "c", "payload": {}},
			{"event_type": "c", "payload": [], "metadata": {"m": 1}},
			{"event_type": "c", "payload": "s"}]', 'key 2');
SELECT factstr_append(
	jsonb_build_array(
		jsonb_build_object(
			'event_type', 'large',
			'payload', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 3000) i))));
SELECT factstr_redact(2, '{"n": 0}', 'why'), factstr_redact(4, '{"n": 0}', 'why');
SELECT factstr_stream_open('at the beginning'), factstr_stream_open('at the end', start => 'now'),
	factstr_stream_open('inside'), factstr_stream_open('between');
SELECT factstr_stream_seek('inside', 2), factstr_stream_ack('between', 4);
SELECT * FROM factstr_check();

-- Every fact, few, none
SELECT detail FROM factstr_check(NULL) WHERE check_name = 'payload index';
SELECT detail FROM factstr_check(1) WHERE check_name = 'payload index' AND detail !~ '^[01] facts';
SELECT detail FROM factstr_check(0) WHERE check_name = 'payload index';
SELECT f.* FROM pg_temp.failure('SELECT factstr_check(-1)') f;

-- Each damage, and the findings: none where appends could have produced such a log (8: two
-- batches instead of one; 14: the clock was set back).  In 22, facts 2 and 4 have the same payload
-- and are found.  An index that is "not ready" misses the entry.
CREATE TEMP TABLE damages (n int GENERATED ALWAYS AS IDENTITY, damage text);
INSERT INTO damages (damage) VALUES
	('DELETE FROM factstr_events WHERE sequence_number = 5'),
	('DELETE FROM factstr_events WHERE sequence_number = 6'),
	('DELETE FROM factstr_events WHERE sequence_number = 1'),
	('DELETE FROM factstr_events WHERE sequence_number IN (2, 4)'),
	('UPDATE factstr_events SET sequence_number = 100 WHERE sequence_number = 8'),
	('INSERT INTO factstr_events VALUES (0, 0, ''2020-01-01'', ''a'', ''1'')'),
	('INSERT INTO factstr_events VALUES (-1, -1, ''2020-01-01'', ''a'', ''{"x": 1}'')'),
	('UPDATE factstr_events SET batch_first_sequence_number = 3 WHERE sequence_number = 3'),
	('UPDATE factstr_events SET batch_first_sequence_number = 1 WHERE sequence_number = 4'),
	('UPDATE factstr_events SET batch_first_sequence_number = 1 WHERE sequence_number = 7'),
	('UPDATE factstr_events SET batch_first_sequence_number = 8 WHERE sequence_number = 3'),
	('UPDATE factstr_events SET batch_first_sequence_number = 2 WHERE sequence_number < 4'),
	('UPDATE factstr_events SET occurred_at = occurred_at - interval ''1 s'''
		' WHERE sequence_number = 2'),
	('UPDATE factstr_events SET occurred_at = occurred_at - interval ''1 s'''
		' WHERE sequence_number IN (5, 6, 7)'),
	('UPDATE factstr_events SET occurred_at = ''infinity'' WHERE sequence_number = 8'),
	('UPDATE factstr_events SET event_type = '''' WHERE sequence_number = 8'),
	('UPDATE factstr_events SET metadata = ''[]'' WHERE sequence_number IN (7, 8)'),
	('UPDATE factstr_events SET idempotency_key = ''key 3'' WHERE sequence_number = 3'),
	('not ready factstr_events_idempotency_key_idx: INSERT INTO factstr_events VALUES'
		' (9, 9, now(), ''d'', ''1'', NULL, ''key 1''),'
		' (10, 10, now(), ''d'', ''1'', NULL, ''key 9'')'),
	('not ready factstr_events_event_type_idx: INSERT INTO factstr_events VALUES'
		' (9, 9, now(), ''d'', ''1'')'),
	('not ready factstr_events_payload_idx: INSERT INTO factstr_events VALUES'
		' (9, 9, now(), ''d'', ''{"x": 1}''), (10, 10, now(), ''d'', ''{"y": 1}'')'),
	('not ready factstr_events_payload_idx: INSERT INTO factstr_events'
		' SELECT n, n, now(), ''d'', ''{"n": 0}'' FROM generate_series(9, 12) n'),
	('not ready factstr_events_payload_idx: UPDATE factstr_events'
		' SET payload = ''{"x": 1}'' WHERE sequence_number = 3'),
	('not ready factstr_events_pkey: INSERT INTO factstr_events VALUES'
		' (9, 9, now(), ''d'', ''1'')'),
	('UPDATE factstr_streams SET cursor_sequence_number = 9 WHERE name = ''at the end'''),
	('UPDATE factstr_streams SET cursor_sequence_number = -1'),
	('INSERT INTO factstr_redactions VALUES'
		' (9, now(), ''somebody'', ''why''), (0, now(), ''somebody'', ''why'')'),
	('not ready factstr_redactions_sequence_number_idx:'
		' INSERT INTO factstr_redactions VALUES (8, now(), ''somebody'', ''why'')'),
	('DELETE FROM factstr_events');

CREATE FUNCTION pg_temp.damage_and_check(damage text) RETURNS TABLE (check_name text, detail text)
	LANGUAGE plpgsql AS $$
DECLARE
	parts text[] = regexp_match(damage, '^not ready (\w+): (.*)');
	found text[];
BEGIN
	BEGIN
		ALTER TABLE factstr_events DISABLE TRIGGER factstr_events_stay;
		ALTER TABLE factstr_redactions DISABLE TRIGGER factstr_redactions_stay;
		UPDATE pg_index SET indisready = false WHERE indexrelid = parts[1]::regclass;
		EXECUTE coalesce(parts[2], damage);
		UPDATE pg_index SET indisready = true WHERE indexrelid = parts[1]::regclass;
		ALTER TABLE factstr_events ENABLE TRIGGER factstr_events_stay;
		ALTER TABLE factstr_redactions ENABLE TRIGGER factstr_redactions_stay;
		found := array(
			SELECT c.check_name || ': ' || c.detail FROM factstr_check(NULL) c WHERE NOT ok);
		RAISE EXCEPTION 'undo';
	EXCEPTION WHEN raise_exception THEN
	END;
	RETURN QUERY SELECT split_part(f, ': ', 1), split_part(f, ': ', 2)
	FROM unnest(found) WITH ORDINALITY u(f, n) ORDER BY n;
END
$$;
SELECT n, damage, check_name, detail
FROM damages LEFT JOIN LATERAL pg_temp.damage_and_check(damage) ON true ORDER BY n, damage;

-- No error: the clock was set back
BEGIN;
ALTER TABLE factstr_events DISABLE TRIGGER factstr_events_stay;
UPDATE factstr_events SET occurred_at = occurred_at - interval '1 hour'
WHERE batch_first_sequence_number = 5;
SELECT * FROM factstr_check() WHERE check_name = 'times';
ROLLBACK;

-- The transaction's own facts count; the snapshot is the caller's.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT factstr_append(pg_temp.events('own', 2));
SELECT * FROM factstr_check() WHERE NOT ok OR check_name IN ('numbers', 'event type index');
ROLLBACK;
SELECT * FROM factstr_check() WHERE NOT ok OR check_name = 'numbers';
VACUUM (FREEZE) factstr_events;
REINDEX TABLE factstr_events;
SELECT count(*) FROM factstr_check(NULL) WHERE ok;
BEGIN READ ONLY;
SELECT count(*) FROM factstr_check() WHERE ok;
COMMIT;
DROP EXTENSION factstr CASCADE;
