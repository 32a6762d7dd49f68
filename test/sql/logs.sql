-- Several logs in one database: made, filled, read, consumed, sealed and dropped, each by itself
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;
SET factstr.background_delivery = off;
\set VERBOSITY terse

-- Names
SELECT state, message, hint FROM pg_temp.failure($$SELECT factstr_create_log('Orders')$$);
SELECT n, state, message FROM (VALUES (''), ('a b'), ('a.b'), ('é'), ('a/b'), ('A'), (repeat('a', 41))) names(n),
	pg_temp.failure(format('SELECT factstr_create_log(%L)', n));
SELECT state, message, hint FROM pg_temp.failure('SELECT factstr_create_log(NULL)');
SELECT state, message FROM pg_temp.failure($$SELECT factstr_create_log('main')$$);
-- No part of a log has the name of a part of the extension, not even if the log is called like the beginning of one.
BEGIN;
SELECT log, state, message FROM (
	SELECT DISTINCT array_to_string(words[1:n], '_') AS log
	FROM (SELECT string_to_array(substr(relname, 9), '_') AS words
		FROM pg_class WHERE relname LIKE 'factstr\_%' AND relname <> 'factstr_main_log') names,
		generate_series(1, cardinality(words)) n) logs,
	pg_temp.failure(format('SELECT factstr_create_log(%L)', log)) WHERE state <> '00000';
SELECT count(*) > 20 AS many FROM factstr_logs;
ROLLBACK;
SELECT factstr_create_log('orders'), factstr_create_log('2026-q1_log'), factstr_create_log(repeat('a', 40)),
	factstr_create_log('orders_events'), factstr_create_log('log'), factstr_create_log('-');
SELECT state, message FROM pg_temp.failure($$SELECT factstr_create_log('orders')$$);
SELECT log, created_at <= now() AS created, created_by = session_user AS by_me, sealed_at
	FROM factstr_logs ORDER BY log;

-- Every function of an unknown log, and without one
SELECT state, message, hint FROM pg_temp.failure($$SELECT * FROM factstr_query('{}', 'none')$$);
SELECT state, message, hint FROM pg_temp.failure($$SELECT * FROM factstr_query('{}', 'No')$$);
SELECT state, message, hint FROM pg_temp.failure($$SELECT * FROM factstr_query('{}', NULL)$$);
SELECT call, state, message FROM (VALUES
	($$SELECT factstr_append('[{"event_type": "a", "payload": 1}]', log => 'none')$$),
	($$SELECT factstr_append('[{"event_type": "a", "payload": 1}]', at_commit => true, log => 'none')$$),
	($$SELECT factstr_append_if('[{"event_type": "a", "payload": 1}]', '{}', NULL, log => 'none')$$),
	($$SELECT factstr_try_append_if('[{"event_type": "a", "payload": 1}]', '{}', NULL, log => 'none')$$),
	($$SELECT factstr_append_unless('[{"event_type": "a", "payload": 1}]', '{}', 0, log => 'none')$$),
	($$SELECT factstr_try_append_unless('[{"event_type": "a", "payload": 1}]', '{}', 0, log => 'none')$$),
	($$SELECT factstr_last_append('none')$$),
	($$SELECT factstr_import('[{"event_records": [{"event_type": "a", "payload": 1,
		"occurred_at": "2026-01-01T00:00:00Z"}]}]', 'none')$$),
	($$SELECT factstr_read(log => 'none')$$), ($$SELECT factstr_newest('[]', 'none')$$),
	($$SELECT factstr_context_version('{}', 'none')$$), ($$SELECT factstr_batches(log => 'none')$$),
	($$SELECT factstr_export(log => 'none')$$), ($$SELECT factstr_position_at(now(), 'none')$$),
	($$SELECT factstr_pending_pages('none')$$), ($$SELECT factstr_check(log => 'none')$$),
	($$SELECT factstr_redact(1, '1', 'why', log => 'none')$$),
	($$SELECT factstr_import_redactions('[{"first_sequence_number": 1, "last_sequence_number": 1, "event_records": [
		{"sequence_number": 1, "event_type": "a", "payload": 1, "occurred_at": "2026-01-01T00:00:00Z"}]}]', 'none')$$),
	($$SELECT factstr_stream_open('s', log => 'none')$$), ($$SELECT factstr_stream_next('s', log => 'none')$$),
	($$SELECT factstr_stream_ack('s', 1, 'none')$$), ($$SELECT factstr_stream_hold('s', log => 'none')$$),
	($$SELECT factstr_stream_try_hold('s', log => 'none')$$), ($$SELECT factstr_stream_release('s', 'none')$$),
	($$SELECT factstr_stream_fail('s', 'e', log => 'none')$$), ($$SELECT factstr_stream_take_partition('s', 'none')$$),
	($$SELECT factstr_stream_repartition('s', 2, '$.a', 'none')$$), (
	$$SELECT factstr_stream_seek('s', 0, log => 'none')$$),
	($$SELECT factstr_stream_set_query('s', '{}', log => 'none')$$),
	($$SELECT factstr_stream_drop('s', log => 'none')$$),
	($$CALL factstr_wait('s', 1, log => 'none')$$), ($$CALL factstr_wait_for_facts(1, log => 'none')$$),
	($$SELECT factstr_subscribe('s', '{}', 'pg_typeof("any")', log => 'none')$$), (
	$$SELECT factstr_unsubscribe('s', 'none')$$),
	($$CALL factstr_deliver('s', 'none')$$), ($$SELECT factstr_park_after('s', 1, 'none')$$),
	($$SELECT factstr_redeliver_parked('s', 1, 'none')$$), ($$SELECT factstr_discard_parked('s', 1, 'none')$$),
	($$SELECT factstr_seal_log('none')$$), ($$SELECT factstr_drop_log('none', 'none')$$),
	($$SELECT factstr_grant('public', 'read', 'none')$$), (
	$$SELECT factstr_revoke('public', 'read', 'none')$$)) calls(call),
	pg_temp.failure(call);
SELECT factstr_has_right('read', 'none');

-- Separate numbers, contexts and keys
SELECT * FROM factstr_append(pg_temp.events('in main', 2), 'key');
SELECT * FROM factstr_append(pg_temp.events('ordered', 3), 'key', log => 'orders');
SELECT * FROM factstr_append(pg_temp.events('ordered', 3), 'key', log => 'orders');
SELECT state, message, detail FROM pg_temp.failure(
	$$SELECT factstr_append(pg_temp.events('in main', 2), 'key', log => 'orders')$$);
SELECT * FROM factstr_append_if(pg_temp.events('ordered', 1), '{}', 3, log => 'orders');
SELECT * FROM factstr_try_append_if(pg_temp.events('ordered', 1), '{}', 2, log => 'orders');
SELECT * FROM factstr_try_append_unless(pg_temp.events('ordered', 1), '{}', 4, log => 'orders');
SELECT state, message, detail FROM pg_temp.failure(
	$$SELECT factstr_append_unless(pg_temp.events('ordered', 1), '{}', 3, log => 'orders')$$);
SELECT * FROM factstr_append(pg_temp.events('longest', 1), log => repeat('a', 40));
SELECT * FROM factstr_last_append();
SELECT * FROM factstr_last_append('orders');
SELECT * FROM factstr_last_append('log');

SELECT sequence_number, event_type, payload FROM factstr_read(log => 'orders');
SELECT sequence_number, event_type, payload FROM factstr_read();
SELECT last_returned_sequence_number, current_context_version
	FROM factstr_query('{"filters": [{"event_types": ["ordered"]}]}');
SELECT last_returned_sequence_number, current_context_version
FROM factstr_query('{"filters": [{"payload_predicates": [{"n": 3}]}]}', 'orders');
SELECT factstr_context_version('{}', 'orders'), factstr_context_version('{}'), factstr_context_version('{}', 'log');
SELECT jsonb_array_length(event_records), current_context_version FROM factstr_newest('[{}]', 'orders');
SELECT first_sequence_number, last_sequence_number FROM factstr_batches(log => 'orders');
SELECT factstr_position_at(now() - interval '1 hour', 'orders'), factstr_position_at('infinity', 'orders');
SELECT bool_and(ok) FROM factstr_check(NULL, 'orders');
SELECT check_name, detail FROM factstr_check(NULL, 'orders') WHERE check_name IN ('numbers', 'batches',
	'idempotency keys', 'guard');

-- A transaction over several logs, savepoints, and appends at commit
BEGIN;
SELECT first_sequence_number FROM factstr_append(pg_temp.events('both', 1));
SELECT first_sequence_number FROM factstr_append(pg_temp.events('both', 1), log => 'orders');
SAVEPOINT one;
SELECT first_sequence_number FROM factstr_append(pg_temp.events('gone', 1), log => 'orders');
SELECT first_sequence_number FROM factstr_append(pg_temp.events('gone', 1), log => 'log');
ROLLBACK TO one;
SELECT first_sequence_number FROM factstr_append(pg_temp.events('both', 1), log => 'orders');
SELECT * FROM factstr_append(pg_temp.events('later', 1), at_commit => true, log => 'log');
SELECT * FROM factstr_append(pg_temp.events('later', 1), at_commit => true);
COMMIT;
SELECT * FROM factstr_last_append();
SELECT * FROM factstr_last_append('orders');
SELECT * FROM factstr_last_append('log');
SELECT log, head_sequence_number, streams FROM factstr_status WHERE head_sequence_number > 0 ORDER BY log;
SELECT log, pending_pages > 0 AS has_pending_pages, pending_pages = factstr_pending_pages(log) AS as_opened
FROM factstr_status WHERE head_sequence_number > 1 ORDER BY log;
SELECT event_type, sequence_number FROM factstr_read(log => 'orders') WHERE event_type = 'both';

-- Copying from one to another
SELECT first_sequence_number, last_sequence_number, committed_count FROM factstr_import(
	(SELECT jsonb_agg(to_jsonb(e) ORDER BY first_sequence_number) FROM factstr_export(log => 'orders') e),
	'orders_events');
SELECT count(*) FROM factstr_read(log => 'orders_events');
SELECT state, message FROM pg_temp.failure($$SELECT factstr_import(
	(SELECT jsonb_agg(to_jsonb(e) ORDER BY first_sequence_number) FROM factstr_export(log => 'orders') e), 'log')$$);

-- The time that is 0 to PostgreSQL is one
BEGIN;
SELECT last_sequence_number FROM factstr_import(
	'[{"event_records": [{"event_type": "a", "payload": 1, "occurred_at": "2000-01-01T00:00:00Z"}]}]', '-');
SELECT factstr_log_time_after(0, '-') = '2000-01-01Z' AS is_told, factstr_log_time_after(1, '-') IS NULL AS is_newest;
ROLLBACK;

-- Streams: a name in each log
SELECT factstr_stream_open('s', '{"filters": [{"event_types": ["ordered"]}]}', log => 'orders'),
	factstr_stream_open('s');
SELECT first_sequence_number, last_sequence_number FROM factstr_stream_next('s', 1, log => 'orders');
SELECT factstr_stream_ack('s', 3, 'orders');
SELECT first_sequence_number, last_sequence_number FROM factstr_stream_next('s');
SELECT state, message FROM pg_temp.failure($$SELECT factstr_stream_ack('s', 1000, 'orders')$$);
SELECT name, log, cursor_sequence_number, head_sequence_number, lag_facts, lag_time > interval '0' AS lags, consumer_pid
FROM factstr_stream_status ORDER BY log;
BEGIN;
SELECT count(*) FROM factstr_stream_next('s', 1, log => 'orders');
SELECT log, consumer_pid = pg_backend_pid() AS mine FROM factstr_stream_status ORDER BY log;
COMMIT;
SELECT factstr_stream_hold('s', log => 'orders') > 0 AS held;
SELECT factstr_stream_release('s'), factstr_stream_release('s', 'orders');
SELECT factstr_stream_open('p', '{}', partitions => 2, partition_key => '$.n', log => 'orders');
SELECT factstr_stream_drop('p', log => 'orders');
SELECT state, message FROM pg_temp.failure($$SELECT factstr_stream_drop('p')$$);
CALL factstr_wait('s', 3, '0', 'orders');
CALL factstr_wait('s', 3, '0');

-- A handler, a parked batch, and erasure
CREATE TABLE seen (log text, number bigint);
CREATE FUNCTION see_orders(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO seen SELECT 'orders', (r->>'sequence_number')::bigint FROM jsonb_array_elements(event_records) r;
	IF event_records @> '[{"sequence_number": 5}]' THEN
		RAISE EXCEPTION 'cannot take %', event_records->0->'payload';
	END IF;
END $$;
SELECT factstr_subscribe('h', '{"filters": [{"event_types": ["ordered"]}]}', 'see_orders(jsonb)', log => 'orders');
SELECT factstr_park_after('h', 1, 'orders');
SELECT state, message FROM pg_temp.failure($$CALL factstr_deliver('h')$$);
CALL factstr_deliver('h', 'orders');
CALL factstr_deliver('h', 'orders');
SELECT number FROM seen ORDER BY number;
SELECT log, stream, first_sequence_number FROM factstr_parked_batches;
SELECT name, log, parked_batches, last_error FROM factstr_stream_status WHERE name = 'h';
SELECT factstr_redact(1, '"erased"', 'because');
SELECT last_error FROM factstr_stream_status WHERE name = 'h';
SELECT factstr_redact(5, '"erased"', 'because', log => 'orders');
SELECT last_error FROM factstr_stream_status WHERE name = 'h';
SELECT payload FROM factstr_read('{}', 1, up_to_sequence_number => 5, backwards => true, log => 'orders');
SELECT redactions, log FROM factstr_status WHERE redactions > 0 ORDER BY log;
SELECT factstr_discard_parked('h', 5, 'orders'), factstr_unsubscribe('h'), factstr_unsubscribe('h', 'orders');

SELECT count(*) FROM factstr_append(pg_temp.events('a', 1), log => 'log');

-- Guarded like main
SELECT command, state, message FROM (VALUES
	('UPDATE factstr_orders_events SET payload = ''1'''), ('DELETE FROM factstr_orders_events'), (
	'TRUNCATE factstr_orders_events'),
	('DELETE FROM factstr_orders_redactions'), ('DELETE FROM factstr_log_records'), (
	'INSERT INTO factstr_orders_log VALUES (''x'')'),
	('INSERT INTO factstr_main_log VALUES (''x'')'),
	('CREATE RULE r AS ON INSERT TO factstr_orders_events DO INSTEAD NOTHING'),
	('CREATE TABLE child () INHERITS (factstr_orders_events)'),
	('ALTER TABLE factstr_orders_events ENABLE ROW LEVEL SECURITY'),
	('ALTER TABLE factstr_orders_events RENAME COLUMN payload TO p'),
	('ALTER TABLE factstr_orders_events DROP COLUMN payload'),
	('ALTER TABLE factstr_orders_events SET UNLOGGED'),
	('ALTER TABLE factstr_orders_events ALTER COLUMN sequence_number TYPE numeric'),
	('ALTER TABLE factstr_orders_events RENAME TO elsewhere'),
	('ALTER TABLE factstr_orders_events RENAME TO factstr_none_events'),
	('ALTER INDEX factstr_orders_redactions RENAME TO elsewhere'),
	('ALTER TABLE factstr_orders_events SET SCHEMA information_schema'),
	('DROP TABLE factstr_orders_events'), ('DROP TABLE factstr_orders_redactions'), ('DROP VIEW factstr_orders_log'),
	('DROP TRIGGER factstr_events_stay ON factstr_orders_events'), (
	'DROP TRIGGER factstr_redactions_stay ON factstr_orders_redactions'),
	('DROP EXTENSION factstr')) commands(command), pg_temp.failure(command);
CREATE TABLE factstr_none_events (a int);
ALTER TABLE factstr_none_events ADD b int;
UPDATE factstr_none_events SET a = 1;
DROP TABLE factstr_none_events;
CREATE TABLE parent (LIKE factstr_orders_events);
SELECT state, message FROM pg_temp.failure('ALTER TABLE factstr_orders_events INHERIT parent');
DROP TABLE parent;
SELECT bool_and(ok) FROM factstr_check(NULL, 'orders');

-- The same table as main's
SELECT 'events' AS of, attnum, attname, format_type(atttypid, atttypmod), attnotnull, attcollation::regcollation
FROM pg_attribute WHERE attrelid = 'factstr_orders_events'::regclass AND attnum > 0
EXCEPT
SELECT 'events', attnum, attname, format_type(atttypid, atttypmod), attnotnull, attcollation::regcollation
FROM pg_attribute WHERE attrelid = 'factstr_events'::regclass;
SELECT relname, reloptions = (SELECT reloptions FROM pg_class WHERE oid = 'factstr_events'::regclass) AS same
FROM pg_class WHERE oid = 'factstr_orders_events'::regclass;
SELECT replace(pg_get_indexdef(indexrelid), 'factstr_orders_', '') FROM pg_index
WHERE indrelid = ANY ('{factstr_orders_events,factstr_orders_redactions}'::regclass[]) ORDER BY 1;

-- Rights are those of the caller on the log's view
CREATE ROLE regress_factstr_tenant;
SELECT factstr_grant('regress_factstr_tenant', 'append', 'orders'), factstr_grant('regress_factstr_tenant',
	'read', 'orders');
SELECT state, message, hint FROM pg_temp.failure($$SELECT factstr_grant('regress_factstr_tenant', 'write', 'orders')$$);
SET ROLE regress_factstr_tenant;
SELECT log FROM factstr_logs ORDER BY 1;
SELECT committed_count FROM factstr_append(pg_temp.events('mine', 1), log => 'orders');
SELECT count(*) FROM factstr_read('{"filters": [{"event_types": ["mine"]}]}', log => 'orders');
SELECT state, message, detail, hint
	FROM pg_temp.failure($$SELECT factstr_append(pg_temp.events('mine', 1), log => 'log')$$);
SELECT state, message FROM pg_temp.failure($$SELECT factstr_read(log => 'log')$$);
SELECT state, message FROM pg_temp.failure($$SELECT factstr_stream_open('s', log => 'orders')$$);
SELECT state, message FROM pg_temp.failure($$SELECT * FROM factstr_orders_events$$);
SELECT state, message FROM pg_temp.failure($$SELECT factstr_log_head('log')$$);
SELECT state, message FROM pg_temp.failure($$SELECT factstr_log_head('main')$$);
-- A look at a log locks it no longer than it takes, also where it ends with an error.
BEGIN;
SELECT factstr_log_head('orders') > 0 AS has_facts;
SELECT state FROM pg_temp.failure($$SELECT factstr_log_head('log')$$);
SELECT state FROM pg_temp.failure($$SELECT factstr_log_head('main')$$);
SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation IN (
	SELECT oid FROM pg_class WHERE relname LIKE 'factstr\_%events');
COMMIT;
SELECT factstr_has_right('append', 'orders'), factstr_has_right('consume', 'orders'), factstr_has_right('read', 'log'),
	factstr_has_right('read');
-- A right on another log is none on main.
SELECT state, message, detail FROM pg_temp.failure($$SELECT factstr_append(pg_temp.events('mine', 1))$$);
SELECT state, message FROM pg_temp.failure($$SELECT factstr_read()$$);
-- A function that the planner would rather call first sees nothing of other logs either.
RESET ROLE;
CREATE FUNCTION tell(seen text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
BEGIN
	RAISE NOTICE 'seen: %', seen;
	RETURN true;
END $$;
GRANT SELECT ON factstr_stream_status TO regress_factstr_tenant;
SET ROLE regress_factstr_tenant;
SELECT log FROM factstr_logs WHERE tell(log);
SELECT log FROM factstr_status WHERE tell(log);
SELECT log, name FROM factstr_stream_status WHERE tell(log) ORDER BY name;
RESET ROLE;
DROP FUNCTION tell(text);
SELECT factstr_revoke('regress_factstr_tenant', 'append', 'orders');
SELECT has_function_privilege('regress_factstr_tenant', 'factstr_append(jsonb, text, boolean, text)',
	'EXECUTE') AS append,
	has_function_privilege('regress_factstr_tenant', 'factstr_query(jsonb, text)', 'EXECUTE') AS query;
SELECT factstr_grant('regress_factstr_tenant', 'read', 'log'), factstr_revoke('regress_factstr_tenant', 'read',
	'orders');
SELECT has_function_privilege('regress_factstr_tenant', 'factstr_query(jsonb, text)', 'EXECUTE') AS query,
	has_table_privilege('regress_factstr_tenant', 'factstr_orders_log', 'SELECT') AS orders;
-- A role with a right on main for some functions that gets the others can use them on main, too.
GRANT INSERT ON factstr_main_log TO PUBLIC;
SELECT factstr_grant('regress_factstr_tenant', 'append', 'log');
SELECT factstr_grant('regress_factstr_tenant', 'append', 'orders');
SELECT factstr_revoke('public', 'append'), factstr_grant('regress_factstr_tenant', 'append');
SELECT factstr_revoke('regress_factstr_tenant', 'append', l) FROM unnest('{log,orders,main}'::text[]) l;
SET ROLE regress_factstr_tenant;
SELECT state, message FROM pg_temp.failure($$SELECT factstr_grant('public', 'read', 'orders')$$);
RESET ROLE;
DROP OWNED BY regress_factstr_tenant;
DROP ROLE regress_factstr_tenant;

-- Sealing
SELECT factstr_seal_log('orders'), factstr_seal_log('orders');
SELECT state, message, detail, hint
	FROM pg_temp.failure($$SELECT factstr_append(pg_temp.events('a', 1), log => 'orders')$$);
SELECT state, message
	FROM pg_temp.failure($$SELECT factstr_append(pg_temp.events('a', 1), at_commit => true, log => 'orders')$$);
SELECT state, message FROM pg_temp.failure(
	$$SELECT factstr_import('[{"event_records": [{"event_type": "a", "payload": 1,
		"occurred_at": "2026-01-01T00:00:00Z"}]}]', 'orders')$$);
SELECT committed_count FROM factstr_append(pg_temp.events('ordered', 3), 'key', log => 'orders');
SELECT count(*) FROM factstr_read(log => 'orders');
SELECT factstr_stream_seek('s', 0, log => 'orders');
SELECT count(*) FROM factstr_stream_next('s', 10, log => 'orders');
SELECT log, sealed_at <= now() AS sealed FROM factstr_logs WHERE sealed_at IS NOT NULL;
SELECT state, message FROM pg_temp.failure(
	$$SELECT factstr_seal_log('log'), factstr_append('[{"event_type": "a", "payload": 1}]', log => 'log')$$);
BEGIN;
SELECT factstr_seal_log('log');
SELECT state, message FROM pg_temp.failure($$SELECT factstr_append(pg_temp.events('a', 1), log => 'log')$$);
ROLLBACK;
SELECT committed_count FROM factstr_append(pg_temp.events('a', 1), log => 'log');
SELECT factstr_seal_log('main');
SELECT state, message FROM pg_temp.failure($$SELECT factstr_append(pg_temp.events('a', 1))$$);
SELECT log FROM factstr_logs WHERE sealed_at IS NOT NULL ORDER BY 1;

-- Dropping
SELECT state, message, hint FROM pg_temp.failure($$SELECT factstr_drop_log('main', 'main')$$);
SELECT state, message, detail FROM pg_temp.failure($$SELECT factstr_drop_log('orders', 'order')$$);
SELECT state, message FROM pg_temp.failure($$SELECT factstr_drop_log('orders', NULL)$$);
BEGIN;
SELECT factstr_drop_log('orders', 'orders');
SELECT state, message FROM pg_temp.failure($$SELECT factstr_read(log => 'orders')$$);
SELECT factstr_create_log('orders');
SELECT count(*) FROM factstr_read(log => 'orders');
ROLLBACK;
SELECT count(*) FROM factstr_read(log => 'orders');
BEGIN;
SELECT * FROM factstr_append(pg_temp.events('a', 1), at_commit => true, log => 'log');
SELECT factstr_drop_log('log', 'log');
COMMIT;
SELECT factstr_drop_log('orders', 'orders');
SELECT name, log FROM factstr_streams ORDER BY 1, 2;
SELECT relname FROM pg_class
	WHERE relname LIKE 'factstr_orders\_%' AND relname NOT LIKE 'factstr_orders_events_%' ORDER BY 1;
SELECT log, dropped_at <= now() AS dropped, dropped_by = session_user AS by_me, dropped_facts
	FROM factstr_log_records WHERE dropped_at IS NOT NULL;
SELECT factstr_create_log('orders');
SELECT * FROM factstr_append(pg_temp.events('again', 1), log => 'orders');
SELECT count(*) FROM factstr_log_records WHERE log = 'orders';
SELECT log, head_sequence_number FROM factstr_status ORDER BY log;

-- With the extension, all logs are dropped: not by mistake, nor by halves.
SELECT factstr_drop_log(log, log) FROM factstr_logs WHERE log <> 'main' ORDER BY log;
DROP EXTENSION factstr CASCADE;
CREATE EXTENSION factstr;
SELECT factstr_create_log('orders'), factstr_create_log('broken'), factstr_create_log('gone');
SELECT factstr_drop_log('gone', 'gone');
SELECT state, message, detail, hint FROM pg_temp.failure('DROP EXTENSION factstr');
SELECT factstr_append(pg_temp.events('a', 1), log => 'orders') IS NULL AS is_null;
CREATE VIEW of_orders AS SELECT event_type FROM factstr_orders_events;
ALTER TABLE factstr_broken_events DROP CONSTRAINT factstr_broken_events_pkey;
SELECT state FROM pg_temp.failure('DROP TABLE factstr_orders_events CASCADE');
BEGIN;
DROP EXTENSION factstr CASCADE;
SELECT count(*) FROM pg_class WHERE relname LIKE 'factstr%' OR relname = 'of_orders';
ROLLBACK;
SELECT event_type FROM of_orders;
SELECT state FROM pg_temp.failure('DROP TABLE factstr_orders_events CASCADE');
DROP EXTENSION factstr CASCADE;
SELECT relname FROM pg_class WHERE relname LIKE 'factstr%' OR relname = 'of_orders';
CREATE SCHEMA apart;
CREATE EXTENSION factstr SCHEMA apart;
SELECT apart.factstr_create_log('orders');
DROP SCHEMA apart CASCADE;
SELECT relname FROM pg_class WHERE relname LIKE 'factstr%';
DROP FUNCTION see_orders;
DROP TABLE seen;
