-- Import of history: batches without numbers, times in the forms of ISO 8601.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;
SET timezone = 'UTC';

-- A batch of events with these payloads
CREATE FUNCTION pg_temp.batch(payloads int[], key text DEFAULT NULL, occurred_at text DEFAULT '2018-02-07T01:45:21Z')
RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object(
		'idempotency_key', key,
		'event_records', jsonb_agg(
			jsonb_build_object('occurred_at', occurred_at, 'event_type', 'h', 'payload', n)
			ORDER BY i))
	FROM unnest(payloads) WITH ORDINALITY p(n, i)
$$;
CREATE FUNCTION pg_temp.log() RETURNS TABLE (batch bigint, facts text, key text) LANGUAGE sql AS $$
	SELECT batch_first_sequence_number,
		string_agg(concat_ws(' ', sequence_number, payload), ', ' ORDER BY sequence_number),
		max(idempotency_key)
	FROM factstr_events GROUP BY 1 ORDER BY 1
$$;

-- Numbers are given out, in the order of the batches; times need not rise.
SELECT * FROM factstr_import(
	'[{"event_records": [
			{"event_type": "movie-listed", "payload": {"movie": 7},
			"occurred_at": "2018-02-07T01:45:21Z"},
			{"event_type": "movie-dropped", "payload": null, "metadata": {"by": "me"},
				"occurred_at": "2018-02-07T02:45:22.5+01:00", "sequence_number": null}]},
		{"event_records": [
			{"event_type": "movie-listed", "payload": 8, "occurred_at": "2017-12-31T23:59:59.9Z"}],
			"idempotency_key": "8", "first_sequence_number": null, "last_sequence_number": null}]');
SELECT event_records, idempotency_key FROM factstr_export();
-- Behind facts that are there, also those of the same transaction
BEGIN;
SELECT factstr_append('[{"event_type": "now", "payload": 1}]');
SELECT factstr_import(jsonb_build_array(pg_temp.batch('{1, 2}'), pg_temp.batch('{3}')));
SELECT factstr_import(jsonb_build_array(pg_temp.batch('{4}')));
COMMIT;
SELECT * FROM pg_temp.log();
SELECT factstr_stream_open('s', '{}', 'now');

-- rule 33: a batch whose key is known is there already, and is passed by.
SELECT * FROM factstr_import(
	jsonb_build_array(pg_temp.batch('{5, 6}', 'k 1'), pg_temp.batch('{7}', 'k 2'),
	pg_temp.batch('{8}')));
SELECT * FROM factstr_import(
	jsonb_build_array(pg_temp.batch('{5, 6}', 'k 1'), pg_temp.batch('{7}', 'k 2'),
	pg_temp.batch('{9}', 'k 3')));
SELECT * FROM factstr_import(
	jsonb_build_array(pg_temp.batch('{7}', 'k 2'), pg_temp.batch('{9}', 'k 3')));
SELECT * FROM factstr_import(
	jsonb_build_array(pg_temp.batch('{10}', 'k 4'), pg_temp.batch('{7}', 'k 2'),
	pg_temp.batch('{10}', 'k 4'), pg_temp.batch('{11}')));
-- The key of an append counts as well, and the other way round; times are not compared.
SELECT factstr_append('[{"event_type": "h", "payload": 12}]', 'k 5');
SELECT * FROM factstr_import(jsonb_build_array(pg_temp.batch('{12}', 'k 5')));
SELECT factstr_append('[{"event_type": "h", "payload": 5}, {"event_type": "h", "payload": 6}]',
	'k 1');
SELECT * FROM pg_temp.log() WHERE batch > 8;
-- With other events the key is another's.
SELECT f.* FROM pg_temp.failure(
	$$SELECT factstr_import(
		jsonb_build_array(pg_temp.batch('{13}'), pg_temp.batch('{7, 7}', 'k 2')))$$) f;
SELECT f.state FROM pg_temp.failure(
	$$SELECT factstr_import(
		jsonb_build_array(pg_temp.batch('{13}', 'k 6'), pg_temp.batch('{14}', 'k 6')))$$) f;
-- With numbers nothing has changed: the numbers show which batches are stored.
SELECT f.state, f.message
FROM pg_temp.failure($$SELECT factstr_import(
	'[{"first_sequence_number": 17, "last_sequence_number": 17, "idempotency_key": "k 2",
		"event_records": [{"sequence_number": 17, "event_type": "h", "payload": 7,
			"occurred_at": "2018-02-07T01:45:21Z"}]}]')$$) f;
-- Streams get the batches like any other.
SELECT first_sequence_number, last_sequence_number FROM factstr_stream_next('s', 10);

-- No session waits for an import that found nothing to do.
BEGIN;
SELECT factstr_import(jsonb_build_array(pg_temp.batch('{7}', 'k 2')));
SELECT append_lock_holders FROM factstr_status;
ROLLBACK;
-- rule 17: not behind facts that the transaction cannot see
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT max(sequence_number) FROM factstr_events;
SELECT committed_count FROM factstr_import(jsonb_build_array(pg_temp.batch('{15}')));
ROLLBACK;

-- Numbers are given in the whole document or not at all.
SELECT n, f.state, f.message, f.detail, f.hint
FROM (VALUES
	(1, '[{"first_sequence_number": 1, "event_records": [R]}]'),
	(2, '[{"last_sequence_number": 1, "event_records": [R]}]'),
	(3, '[{"event_records": [{"sequence_number": 1, "event_type": "h", "payload": 1,
	"occurred_at": "2018-02-07T01:45:21Z"}]}]'),
	(4, '[{"event_records": [R]}, {"first_sequence_number": 17, "last_sequence_number": 17,
	"event_records": [R]}]'),
	(5, '[{"first_sequence_number": 1, "last_sequence_number": 1,
	"event_records": [N]}, {"event_records": [R]}]'),
	(6, '[{"first_sequence_number": 1, "last_sequence_number": 1, "event_records": [R]}]'),
	(7, '[{"first_sequence_number": 1, "event_records": [N]}]'),
	(8, '[{}]'), (9, '[{"event_records": []}]')) c(n, document),
	pg_temp.failure(format('SELECT factstr_import(%L)', replace(replace(document,
		'R', '{"event_type": "h", "payload": 1, "occurred_at": "2018-02-07T01:45:21Z"}'),
		'N', '{"sequence_number": 1, "event_type": "h", "payload": 1,
		"occurred_at": "2018-02-07T01:45:21Z"}'))) f
ORDER BY n;
SELECT max(sequence_number) FROM factstr_events;

-- Times: extended and basic, with and without seconds, fractions, offsets
BEGIN;
CREATE FUNCTION pg_temp.recorded(t text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	number bigint;
BEGIN
	number := (factstr_import(
		jsonb_build_array(pg_temp.batch('{1}', NULL, t)))).first_sequence_number;
	RETURN (SELECT event_records->0->>'occurred_at' FROM factstr_export(number - 1));
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SELECT t, pg_temp.recorded(t)
FROM unnest(ARRAY[
	'2018-02-07T01:45:21Z', '2018-02-07t01:45:21z', '2018-02-07T01:45Z', '20180207T014521Z',
	'20180207T0145Z',
	'20180207T014521.25+0100', '2018-02-07T01:45:21.5Z', '2018-02-07T01:45:21,5Z',
	'2018-02-07T01:45:21.123456Z',
	'2018-02-07T01:45:21.1234569Z', '2018-02-07T23:59:59.9999999999Z',
	'2018-02-07T01:45:21+00:00', '2018-02-07T01:45:21-00:00',
	'2018-02-07T01:45:21+01', '2018-02-07T01:45:21+0530', '2018-02-07T01:45:21-09:30',
	'2018-12-31T20:00:00-05:00',
	'2016-02-29T00:00:00Z', '2000-02-29T00:00:00Z', '0001-01-01T00:00:00Z',
	'9999-12-31T23:59:59.999999Z',
	'1969-12-31T23:59:59.999999Z', '0001-01-01T05:00:00+05:00', '9999-12-31T18:59:59-05:00']) t;
SELECT t, pg_temp.recorded(t)
FROM unnest(ARRAY[
	'', '2018', '2018-02-07', '20180207', '2018-02-07 01:45:21Z', '2018-02-07T01:45:21',
	'2018-02-07T01Z', '2018-02-07T01:45:Z',
	'2018-02-07T01:45:21.Z', '2018-02-07T01:45:2Z', '2018-02-07T014521Z', '20180207T01:45:21Z',
	'2018-2-7T01:45:21Z',
	'2018-W06-3T01:45:21Z', '2018W063T014521Z', '2018-038T01:45:21Z', '2018-02-30T01:45:21Z',
	'2017-02-29T01:45:21Z', '1900-02-29T00:00:00Z',
	'2018-02-07T24:00:00Z', '2016-12-31T23:59:60Z', '2018-02-07T01:45:21+24:00',
	'2018-02-07T01:45:21+01:60', '2018-02-07T01:45:21+1',
	'2018-02-07T01:45:21+01:', '2018-02-07T01:45:21+01:0', '2018-02-07T01:45:21ZZ',
	'2018-02-07T01:45:21Z ', ' 2018-02-07T01:45:21Z',
	'2018-02-07T01:45:21 UTC', '0000-02-03T04:05:06Z', '0001-01-01T00:00:00+05:00',
	'9999-12-31T23:59:59-05:00', '10000-01-01T00:00:00Z',
	'-0001-01-01T00:00:00Z', '+2018-02-07T01:45:21Z', 'infinity', 'now', '2018-02-07T01:45:2٢Z']) t;
ROLLBACK;
-- The output of PostgreSQL can be read.
SELECT f.state FROM pg_temp.failure(format('SELECT factstr_import(%L)',
	jsonb_build_array(pg_temp.batch('{1}', NULL, to_jsonb(now())#>>'{}')))) f;
DROP EXTENSION factstr CASCADE;
