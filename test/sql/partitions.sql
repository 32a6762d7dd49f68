-- Durable streams in partitions: opened, consumed, waited for, moved, divided in another way, dropped.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;
CREATE FUNCTION pg_temp.refused(VARIADIC commands text[])
RETURNS TABLE (command text, state text, message text, detail text, hint text) LANGUAGE sql AS $$
	SELECT c, f.* FROM unnest(commands) WITH ORDINALITY u(c, n), pg_temp.failure(c) f ORDER BY n $$;
CREATE FUNCTION pg_temp.delivered(stream text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('%s-%s: %s', first_sequence_number, last_sequence_number,
		(SELECT string_agg(r->>'sequence_number' || ' of ' || coalesce(r->'payload'->>'account', '-'), ', ')
		 FROM jsonb_array_elements(event_records) r))
	FROM factstr_stream_next(stream, 10) $$;

-- one call makes all partitions, each a durable stream with a query for its part
SELECT factstr_stream_open('balances', partitions => 3, partition_key => '$.account');
SELECT name, event_query, cursor_sequence_number FROM factstr_stream_status ORDER BY name;
SELECT factstr_stream_open('balances', '{}', 'now', 3, '$."account"') AS "found again";
SELECT factstr_append((
	SELECT jsonb_agg(jsonb_build_object('event_type', 'moved', 'payload', jsonb_build_object('account', a)))
	FROM unnest('{a,b,c}'::text[]) a));
SELECT factstr_append('[{"event_type": "moved", "payload": {"account": "b"}}, {"event_type": "moved", "payload": {}}]');
SELECT factstr_append('[{"event_type": "moved", "payload": {"account": "a"}},
	{"event_type": "moved", "payload": {"account": null}}]');

-- batches stay batches, with the facts of the partition; facts without the key are together
SELECT n AS partition, d AS batch FROM generate_series(0, 2) n, pg_temp.delivered('balances#' || n) d;
SELECT factstr_stream_ack('balances#0', 3), factstr_stream_ack('balances#1', 7);
SELECT n AS partition, d AS batch FROM generate_series(0, 2) n, pg_temp.delivered('balances#' || n) d;
SELECT factstr_stream_open('balances', '{}', 'first', 3, '$.account') AS "lowest cursor";
-- the cursor of one moves alone, and passes facts of others
SELECT name, cursor_sequence_number FROM factstr_stream_status ORDER BY name;

-- waiting for all partitions, and for one
CALL factstr_wait('balances#1', 7, '10 s');
CALL factstr_wait('balances', 7, '0 s');

-- a free partition, the one that is furthest behind, until the end of the transaction
SELECT factstr_stream_seek('balances#1', 0);
BEGIN;
SELECT factstr_stream_take_partition('balances') FROM generate_series(1, 4);
ROLLBACK;
SELECT factstr_stream_take_partition('balances');
-- not one that this session holds, nor one whose consumer has failed and waits
SELECT factstr_stream_hold('balances#1') > 0 AS held;
SELECT factstr_stream_take_partition('balances');
SELECT factstr_stream_hold('balances#0') > 0 AS held, factstr_stream_fail('balances#0', 'no', now() + '1 h');
SELECT factstr_stream_release('balances#0'), factstr_stream_release('balances#1');
SELECT factstr_stream_take_partition('balances');
BEGIN;
SELECT factstr_stream_take_partition('balances') FROM generate_series(1, 3);
COMMIT;

-- all are moved together, and a stream without partitions is one
SELECT factstr_stream_seek('balances', 3);
SELECT name, cursor_sequence_number, failure_count FROM factstr_stream_status ORDER BY name;
SELECT factstr_stream_open('alone', '{"filters": [{"event_types": ["moved"]}]}');
SELECT factstr_stream_take_partition('alone');

-- divided in another way, from where they are; cursors must be equal
SELECT factstr_stream_ack('balances#2', 5);
SELECT * FROM pg_temp.refused('SELECT factstr_stream_repartition(''balances'', 2)');
SELECT factstr_stream_seek('balances', 5);
SELECT factstr_stream_repartition('balances', 2);
SELECT name, event_query, cursor_sequence_number FROM factstr_stream_status ORDER BY name;
SELECT n AS partition, d AS batch FROM generate_series(0, 1) n, pg_temp.delivered('balances#' || n) d;
SELECT factstr_stream_seek('balances', 5);
-- by another key; not at all; and again
SELECT factstr_stream_repartition('balances', 1, '$.account.id');
SELECT factstr_stream_repartition('balances', NULL);
SELECT factstr_stream_repartition('alone', 2, '$.account');
SELECT name, event_query, cursor_sequence_number FROM factstr_stream_status ORDER BY name;
SELECT factstr_stream_repartition('alone', NULL);
SELECT factstr_stream_repartition('balances', 3, '$.account');

-- a handler has all partitions, and keeps them when they are others
CREATE TABLE seen (n bigint, account text);
CREATE FUNCTION see(event_records jsonb) RETURNS void LANGUAGE sql AS $$
	INSERT INTO seen SELECT (r->>'sequence_number')::bigint, r->'payload'->>'account'
	FROM jsonb_array_elements(event_records) r $$;
SET factstr.background_delivery = off;
SELECT factstr_subscribe('handled', '{}', 'see(jsonb)', partitions => 2, partition_key => '$.account');
CALL factstr_deliver('handled');
SELECT * FROM seen ORDER BY n;
SELECT factstr_stream_repartition('handled', 4);
SELECT name, handler, subscriber = current_user AS mine
FROM factstr_stream_status WHERE handler IS NOT NULL ORDER BY name;
SELECT factstr_append('[{"event_type": "moved", "payload": {"account": "d"}}]') IS NOT NULL AS appended;
CALL factstr_deliver('handled');
SELECT count(*), count(DISTINCT n) FROM seen;
SELECT factstr_unsubscribe('handled#1'), factstr_unsubscribe('handled'), factstr_unsubscribe('handled');

-- refused, with nothing changed
\x on
SELECT * FROM pg_temp.refused(
	'SELECT factstr_stream_open(''p'', partitions => 0, partition_key => ''$.k'')',
	'SELECT factstr_stream_open(''p'', partitions => 1025, partition_key => ''$.k'')',
	'SELECT factstr_stream_open(''p'', partitions => 2)',
	'SELECT factstr_stream_open(''p'', partition_key => ''$.k'')',
	'SELECT factstr_stream_open(''p'', partitions => 2, partition_key => ''k'')',
	'SELECT factstr_stream_open(''p'', partitions => 2, partition_key => ''$.k"'')',
	'SELECT factstr_stream_open(''p'', ''{"partition": {"key": "$.k", "count": 2, "number": 0}}'', ''now'', 2, ''$'')',
	'SELECT factstr_stream_open(repeat(''p'', 1999), partitions => 2, partition_key => ''$.k'')',
	'SELECT factstr_stream_open(''balances'')',
	'SELECT factstr_stream_open(''alone'', ''{"filters": [{"event_types": ["moved"]}]}'', ''first'', 2, ''$.k'')',
	'SELECT factstr_stream_open(''balances'', partitions => 4, partition_key => ''$.account'')',
	'SELECT factstr_stream_open(''balances'', partitions => 3, partition_key => ''$.owner'')',
	'SELECT factstr_stream_next(''balances'')',
	'SELECT factstr_stream_ack(''balances'', 1)',
	'SELECT factstr_stream_hold(''balances'')',
	'SELECT factstr_stream_next(''balances#3'')',
	'SELECT factstr_stream_drop(''balances#1'')',
	'SELECT factstr_stream_repartition(''balances#1'', 2)',
	'SELECT factstr_stream_repartition(''alone'', 2)',
	'SELECT factstr_stream_repartition(''balances'', NULL, ''$.k'')',
	'SELECT factstr_stream_repartition(''none'', 2, ''$.k'')',
	'SELECT factstr_stream_take_partition(''none'')',
	'SELECT factstr_stream_seek(''none'', 0)',
	'CALL factstr_deliver(''balances'')',
	'CALL factstr_deliver(''none'')');
\x off

-- a name that merely looks like one of a partition
SELECT factstr_stream_open('looks#7');
SELECT factstr_stream_drop('looks#7');

SELECT factstr_stream_drop('balances'), factstr_stream_drop('handled'), factstr_stream_drop('alone');
SELECT count(*) FROM factstr_stream_status;

DROP EXTENSION factstr CASCADE;
DROP TABLE seen;
