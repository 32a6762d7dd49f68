-- complain if the script is sourced in psql rather than through ALTER EXTENSION
\echo Use "ALTER EXTENSION factstr UPDATE" to load this file. \quit

-- Texts are the same bytes in every store.
CREATE FUNCTION factstr_require_utf8()
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_require_utf8'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
SELECT factstr_require_utf8();
DROP FUNCTION factstr_require_utf8();

-- The update takes locks in the same order as sessions, so that they cannot deadlock: first the view, then the streams,
-- then the log.  It rewrites no table, and reads only the table of the streams.

-- This changes nothing, but locks the view.
ALTER VIEW factstr_stream_status RESET (security_barrier);

ALTER TABLE factstr_streams ADD COLUMN token bigint NOT NULL DEFAULT 0;
ALTER TABLE factstr_streams ADD COLUMN park_after integer;
ALTER TABLE factstr_streams ADD COLUMN announced_at timestamptz;
ALTER TABLE factstr_streams ADD COLUMN log text COLLATE "C" NOT NULL DEFAULT 'main';
ALTER TABLE factstr_streams DROP CONSTRAINT factstr_streams_pkey,
	ADD CONSTRAINT factstr_streams_pkey PRIMARY KEY (name, log);

-- Rows are added when a batch has failed too often, and go when it is delivered again or discarded.
CREATE TABLE factstr_parked_batches (
	log text COLLATE "C" NOT NULL,
	stream text COLLATE "C" NOT NULL,
	first_sequence_number bigint NOT NULL,
	last_sequence_number bigint NOT NULL,
	failure_count integer NOT NULL,
	error text COLLATE "C",
	parked_at timestamptz NOT NULL,
	CONSTRAINT factstr_parked_batches_pkey PRIMARY KEY (log, stream, first_sequence_number)
);

COMMENT ON TABLE factstr_parked_batches IS
	'batches that were set aside because their handlers failed; changed only by the functions of factstr';
COMMENT ON COLUMN factstr_parked_batches.log IS 'log of the stream';
COMMENT ON COLUMN factstr_parked_batches.stream IS 'name of the durable stream';
COMMENT ON COLUMN factstr_parked_batches.first_sequence_number IS 'first fact of the batch, matching or not';
COMMENT ON COLUMN factstr_parked_batches.last_sequence_number IS 'last fact of the batch, matching or not';
COMMENT ON COLUMN factstr_parked_batches.failure_count IS 'consecutive failures of the handler on this batch';
COMMENT ON COLUMN factstr_parked_batches.error IS 'SQLSTATE and message of the last failure';
COMMENT ON COLUMN factstr_parked_batches.parked_at IS 'when it was set aside';

SELECT pg_catalog.pg_extension_config_dump('factstr_parked_batches', '');

--
-- Logs
--

-- The log above is "main", which has a row here once it is sealed.  The tables of others are made by factstr_create_log.
CREATE TABLE factstr_log_records (
	log text COLLATE "C" NOT NULL,
	created_at timestamptz,
	created_by name,
	sealed_at timestamptz,
	sealed_by name,
	dropped_at timestamptz,
	dropped_by name,
	dropped_facts bigint
);

COMMENT ON TABLE factstr_log_records IS 'logs that were created, sealed or dropped; changed only by the functions of factstr';
COMMENT ON COLUMN factstr_log_records.log IS 'name of the log';
COMMENT ON COLUMN factstr_log_records.created_at IS 'when factstr_create_log created it';
COMMENT ON COLUMN factstr_log_records.created_by IS 'the role that had logged in';
COMMENT ON COLUMN factstr_log_records.sealed_at IS 'when factstr_seal_log sealed it';
COMMENT ON COLUMN factstr_log_records.sealed_by IS 'the role that had logged in';
COMMENT ON COLUMN factstr_log_records.dropped_at IS 'when factstr_drop_log dropped it';
COMMENT ON COLUMN factstr_log_records.dropped_by IS 'the role that had logged in';
COMMENT ON COLUMN factstr_log_records.dropped_facts IS 'number of its facts';

CREATE UNIQUE INDEX factstr_log_records_log_idx ON factstr_log_records (log) WHERE dropped_at IS NULL;
COMMENT ON INDEX factstr_log_records_log_idx IS 'allows one existing log per name';

SELECT pg_catalog.pg_extension_config_dump('factstr_log_records', '');

-- Rights on a log are granted on a view.  There is no table behind it, so they have no effect except in the
-- functions.
CREATE VIEW factstr_main_log AS SELECT 'main'::text AS log;
COMMENT ON VIEW factstr_main_log IS
	'represents the log "main": SELECT on it is the right to read, INSERT to append, UPDATE to consume, DELETE to administer';
COMMENT ON COLUMN factstr_main_log.log IS 'name of the log';

CREATE FUNCTION factstr_create_log(log text)
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_create_log'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_create_log(text) IS 'create a log; its name consists of a-z, 0-9, _ and -';

CREATE FUNCTION factstr_seal_log(log text)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'factstr_seal_log'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_seal_log(text) IS 'seal a log against appends; returns whether it was open';

CREATE FUNCTION factstr_drop_log(log text, confirmation text)
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_drop_log'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_drop_log(text, text) IS
	'drop a log with its facts, streams and cursors, if the confirmation repeats its name; returns the number of facts it had';

CREATE FUNCTION factstr_grant(role name, "right" text, log text DEFAULT 'main')
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_grant'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_grant(name, text, text) IS
	'grant a role, or public, a right on a log and on the functions that need it: read, append, consume or admin';

CREATE FUNCTION factstr_revoke(role name, "right" text, log text DEFAULT 'main')
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_revoke'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_revoke(name, text, text) IS
	'revoke a right on a log from a role, or public; with its last log, the role also loses the functions';

-- Executable by everybody, like PostgreSQL's own functions about rights.
CREATE FUNCTION factstr_has_right("right" text, log text DEFAULT 'main')
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'factstr_has_right'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_has_right(text, text) IS
	'whether the current user has a right on a log; null if the log does not exist';

-- Views that show a role only its own logs are security barriers: its functions must not see the rows of other logs.
CREATE VIEW factstr_logs WITH (security_barrier) AS
SELECT l.log, r.created_at, r.created_by, r.sealed_at, r.sealed_by
FROM (SELECT 'main'::text COLLATE "C" AS log
	UNION ALL SELECT o.log FROM factstr_log_records o WHERE o.dropped_at IS NULL AND o.log <> 'main'::text) l
LEFT JOIN factstr_log_records r ON r.log = l.log AND r.dropped_at IS NULL
WHERE factstr_has_right('read', l.log) OR factstr_has_right('append', l.log)
	OR factstr_has_right('consume', l.log) OR factstr_has_right('admin', l.log);

COMMENT ON VIEW factstr_logs IS 'the logs on which the current user has a right';
COMMENT ON COLUMN factstr_logs.log IS 'name of the log';
COMMENT ON COLUMN factstr_logs.created_at IS 'when it was created; null for main, which exists from the start';
COMMENT ON COLUMN factstr_logs.created_by IS 'the role that had logged in when it was created';
COMMENT ON COLUMN factstr_logs.sealed_at IS 'when it was sealed; null: it is open';
COMMENT ON COLUMN factstr_logs.sealed_by IS 'the role that had logged in when it was sealed';

--
-- The state of durable streams
--

-- Executable by everybody, since a view's reader needs the right: it returns only its argument.
CREATE FUNCTION factstr_flushed(sequence_number bigint)
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_flushed'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_flushed(bigint) IS
	'returns its argument once every fact that the statement sees is on disk; for the views';

-- Executable by everybody, too: it reveals the state of workers, nothing about the log.
CREATE FUNCTION factstr_delivery_obstacle(name text, subscriber name, subscribers bigint, log text DEFAULT 'main')
	RETURNS text
	AS 'MODULE_PATHNAME', 'factstr_delivery_obstacle'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_delivery_obstacle(text, name, bigint, text) IS
	'why no worker serves a stream with pending batches, or null; for factstr_stream_status';

-- For other logs than main, whose tables no view can name.  Executable by everybody, too: they refuse roles that may
-- neither read nor consume the log.
CREATE FUNCTION factstr_log_head(log text)
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_log_head'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_log_head(text) IS 'number of the newest fact of a log, or 0; for the views';

CREATE FUNCTION factstr_log_time_after(sequence_number bigint, log text)
	RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'factstr_log_time_after'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_log_time_after(bigint, text) IS 'time of the first fact after a position, or null; for the views';

-- The consumer is the session that holds the stream's lock. A hash of the log and the stream's name numbers the lock.
-- In the views the types of operators fit exactly, and functions that take any type are qualified: otherwise
-- a role that may create objects in the schema could create some that fit better, which others would call.
CREATE OR REPLACE VIEW factstr_stream_status WITH (security_barrier) AS
SELECT s.name,
	s.event_query,
	s.cursor_sequence_number,
	head.head_sequence_number,
	greatest(head.head_sequence_number - s.cursor_sequence_number, 0) AS lag_facts,
	coalesce(now() - next.occurred_at, interval '0') AS lag_time,
	s.last_success_at,
	s.handler,
	s.subscriber,
	s.failure_count,
	s.last_error,
	s.last_failed_at,
	s.retry_at,
	(SELECT l.pid FROM pg_catalog.pg_locks l
	 WHERE l.locktype = 'object' AND l.granted
		AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
		AND l.classid = 'factstr_streams'::pg_catalog.regclass::pg_catalog.oid
		AND l.objid::bigint = hash.value & 4294967295
		AND l.objsubid = (hash.value >> 32) & 32767::bigint) AS consumer_pid,
	s.park_after,
	(SELECT count(*) FROM factstr_parked_batches p WHERE p.log = s.log AND p.stream = s.name) AS parked_batches,
	CASE WHEN obstacle.reason IS NOT NULL THEN greatest(s.last_success_at, s.retry_at, next.occurred_at) END AS waiting_since,
	obstacle.reason AS waiting_for,
	s.log
FROM factstr_streams s
CROSS JOIN (SELECT factstr_flushed(coalesce(max(sequence_number), 0)) AS head_sequence_number FROM factstr_events) main
CROSS JOIN (SELECT pg_catalog.count(DISTINCT t.subscriber) AS roles FROM factstr_streams t) subscribers
CROSS JOIN LATERAL (
	SELECT CASE s.log WHEN 'main' THEN main.head_sequence_number ELSE factstr_log_head(s.log) END
		AS head_sequence_number OFFSET 0) head
CROSS JOIN LATERAL (
	SELECT CASE WHEN s.log = 'main' THEN (
		SELECT e.occurred_at FROM factstr_events e
		WHERE e.sequence_number > s.cursor_sequence_number AND e.sequence_number <= head.head_sequence_number
		ORDER BY e.sequence_number LIMIT 1)
	WHEN s.cursor_sequence_number < head.head_sequence_number THEN factstr_log_time_after(s.cursor_sequence_number, s.log)
	END AS occurred_at OFFSET 0) next
CROSS JOIN LATERAL (
	SELECT pg_catalog.hashtextextended(s.name, CASE s.log WHEN 'main' THEN 0::bigint
		ELSE pg_catalog.hashtextextended(s.log, (
			SELECT c.oid::bigint FROM pg_catalog.pg_class c
			WHERE c.relname = pg_catalog.concat('factstr_', s.log, '_events')::name
				AND c.relnamespace = (SELECT t.relnamespace FROM pg_catalog.pg_class t
					WHERE t.oid = 'factstr_streams'::pg_catalog.regclass::pg_catalog.oid))) END) AS value) hash
CROSS JOIN LATERAL (
	SELECT CASE WHEN s.handler IS NOT NULL AND s.cursor_sequence_number < head.head_sequence_number AND coalesce(s.retry_at <= now(), true)
		THEN factstr_delivery_obstacle(s.name, s.subscriber, subscribers.roles, s.log) END AS reason OFFSET 0) obstacle
WHERE factstr_has_right('consume', s.log) OR factstr_has_right('read', s.log);

COMMENT ON COLUMN factstr_stream_status.failure_count IS 'consecutive failures on the batch after the cursor';
COMMENT ON COLUMN factstr_stream_status.park_after IS 'number of consecutive failures after which a batch is parked; null: never';
COMMENT ON COLUMN factstr_stream_status.parked_batches IS 'number of parked batches';
COMMENT ON COLUMN factstr_stream_status.waiting_since IS 'since when pending batches have waited for a worker';
COMMENT ON COLUMN factstr_stream_status.waiting_for IS
	'why no worker serves it: start, role, database, server, launcher, setting; null if it does not wait';
COMMENT ON COLUMN factstr_stream_status.log IS 'the log whose facts it delivers';

--
-- Durable streams
--

COMMENT ON COLUMN factstr_streams.failure_count IS 'consecutive failures on the batch after the cursor';
COMMENT ON COLUMN factstr_streams.token IS 'fencing token of the last consumer; each new consumer gets a higher one';
COMMENT ON COLUMN factstr_streams.park_after IS 'number of consecutive failures after which a batch is parked; null: never';
COMMENT ON COLUMN factstr_streams.announced_at IS
	'when a worker began a delivery that has not succeeded yet; if the worker is gone, the delivery failed';
COMMENT ON COLUMN factstr_streams.log IS 'the log whose facts it delivers';

CREATE INDEX factstr_streams_last_error_idx ON factstr_streams (name) WHERE last_error IS NOT NULL;
COMMENT ON INDEX factstr_streams_last_error_idx IS 'finds streams with errors, whose messages a redaction erases';

CREATE FUNCTION factstr_stream_hold(
	name text,
	nowait boolean DEFAULT false,
	token bigint DEFAULT NULL,
	log text DEFAULT 'main'
) RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_hold'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_hold(text, boolean, bigint, text) IS
	'hold a durable stream until it is released or the session ends; returns a token that can continue the hold unless there was another consumer';

CREATE FUNCTION factstr_stream_try_hold(name text, token bigint DEFAULT NULL, log text DEFAULT 'main')
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_try_hold'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_try_hold(text, bigint, text) IS
	'like factstr_stream_hold, but returns null instead of waiting or failing because of another consumer';

CREATE FUNCTION factstr_stream_release(name text, log text DEFAULT 'main')
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'factstr_stream_release'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_release(text, text) IS
	'release a durable stream immediately; returns whether the session held it';

CREATE FUNCTION factstr_stream_fail(
	name text,
	error text,
	retry_at timestamptz DEFAULT NULL,
	log text DEFAULT 'main'
) RETURNS integer
	AS 'MODULE_PATHNAME', 'factstr_stream_fail'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_fail(text, text, timestamptz, text) IS
	'record that the session, which holds a durable stream, failed on the next batch; returns the number of consecutive failures';

CREATE FUNCTION factstr_stream_open(
	name text,
	event_query jsonb DEFAULT '{}',
	start text DEFAULT 'first',
	partitions integer DEFAULT NULL,
	partition_key text DEFAULT NULL,
	log text DEFAULT 'main'
) RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_open'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;

CREATE FUNCTION factstr_stream_take_partition(name text, log text DEFAULT 'main')
	RETURNS text
	AS 'MODULE_PATHNAME', 'factstr_stream_take_partition'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_take_partition(text, text) IS
	'reserve the free partition of a durable stream that lags most until the transaction ends; returns its name, or null if none is free';

CREATE FUNCTION factstr_stream_repartition(
	name text,
	partitions integer,
	partition_key text DEFAULT NULL,
	log text DEFAULT 'main'
) RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_repartition'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_repartition(text, integer, text, text) IS
	'change the number or the key of the partitions of a durable stream, which must all be at one position; returns the cursor';

CREATE FUNCTION factstr_subscribe(
	name text,
	event_query jsonb,
	handler regprocedure,
	start text DEFAULT 'first',
	partitions integer DEFAULT NULL,
	partition_key text DEFAULT NULL,
	log text DEFAULT 'main'
) RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_subscribe'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;

CREATE FUNCTION factstr_stream_seek(name text, sequence_number bigint, nowait boolean DEFAULT false, log text DEFAULT 'main')
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_seek'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;

CREATE FUNCTION factstr_stream_set_query(name text, event_query jsonb, nowait boolean DEFAULT false, log text DEFAULT 'main')
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_set_query'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_set_query(text, jsonb, boolean, text) IS
	'change the query of a durable stream at its cursor; returns the cursor';

CREATE FUNCTION factstr_park_after(name text, failures integer, log text DEFAULT 'main')
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_park_after'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_park_after(text, integer, text) IS
	'set after how many consecutive failures a durable stream continues without the batch; null: never';

CREATE FUNCTION factstr_redeliver_parked(name text, first_sequence_number bigint, log text DEFAULT 'main')
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'factstr_redeliver_parked'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_redeliver_parked(text, bigint, text) IS
	'deliver a parked batch to the handler in this transaction; returns whether the batch existed';

CREATE FUNCTION factstr_discard_parked(name text, first_sequence_number bigint, log text DEFAULT 'main')
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'factstr_discard_parked'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_discard_parked(text, bigint, text) IS 'delete a parked batch; returns whether it existed';

CREATE FUNCTION factstr_stream_drop(name text, nowait boolean DEFAULT false, log text DEFAULT 'main')
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_stream_drop'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;

--
-- The log
--

-- This lock at once rather than a weaker one before.
LOCK TABLE factstr_events IN SHARE ROW EXCLUSIVE MODE;

ALTER TABLE factstr_events SET (
	-- Facts stay, so their first vacuum can freeze them, which spares a wave of it later.
	autovacuum_freeze_min_age = 0,
	-- Often enough for that and, after redactions, for old versions to go; each vacuum reads the payload index.
	autovacuum_vacuum_insert_scale_factor = 0.05,
	autovacuum_vacuum_scale_factor = 0.01,
	-- The space at the end is for the next facts, and giving it back would lock the log.
	vacuum_truncate = off
);

--
-- Erasure
--

-- The record of redactions, without the old content of the facts.
CREATE TABLE factstr_redactions (
	sequence_number bigint NOT NULL,
	redacted_at timestamptz NOT NULL,
	redacted_by name NOT NULL,
	reason text COLLATE "C" NOT NULL
);

COMMENT ON TABLE factstr_redactions IS 'one row per redaction, made here or in the log that was copied';
COMMENT ON COLUMN factstr_redactions.sequence_number IS 'the redacted fact';
COMMENT ON COLUMN factstr_redactions.redacted_at IS 'time of the redaction';
COMMENT ON COLUMN factstr_redactions.redacted_by IS 'the role that had logged in; for a handler, its subscriber';
COMMENT ON COLUMN factstr_redactions.reason IS 'the reason that the caller gave';

CREATE INDEX factstr_redactions_sequence_number_idx ON factstr_redactions (sequence_number);
COMMENT ON INDEX factstr_redactions_sequence_number_idx IS 'finds the redactions of a fact';

SELECT pg_catalog.pg_extension_config_dump('factstr_redactions', '');

CREATE FUNCTION factstr_redact(
	sequence_number bigint,
	payload jsonb,
	reason text,
	metadata jsonb DEFAULT NULL,
	log text DEFAULT 'main'
) RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_redact'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_redact(bigint, jsonb, text, jsonb, text) IS
	'replace the payload and the metadata of a fact, and record when, by whom and why';

CREATE FUNCTION factstr_import_redactions(batches jsonb, log text DEFAULT 'main')
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_import_redactions'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_import_redactions(jsonb, text) IS
	'apply later redactions from batches of another log to the same facts in this one; returns the number of new records';

-- Facts cannot be changed in any other way, even by the owner.  The triggers fire with any session_replication_role
-- and cost an INSERT nothing.
CREATE FUNCTION factstr_refuse_change()
	RETURNS trigger
	AS 'MODULE_PATHNAME', 'factstr_refuse_change'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_refuse_change() IS 'rejects statements that would change permanent rows';

CREATE TRIGGER factstr_events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON factstr_events
	FOR EACH STATEMENT EXECUTE FUNCTION factstr_refuse_change('Facts stay. factstr_redact replaces the payload of one, for the sake of erasure.');
COMMENT ON TRIGGER factstr_events_stay ON factstr_events IS 'no statement changes or deletes a fact';
ALTER TABLE factstr_events ENABLE ALWAYS TRIGGER factstr_events_stay;

CREATE TRIGGER factstr_redactions_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON factstr_redactions
	FOR EACH STATEMENT EXECUTE FUNCTION factstr_refuse_change('The record of redactions stays.');
COMMENT ON TRIGGER factstr_redactions_stay ON factstr_redactions IS 'no statement changes or deletes the record of a redaction';
ALTER TABLE factstr_redactions ENABLE ALWAYS TRIGGER factstr_redactions_stay;

CREATE TRIGGER factstr_log_records_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON factstr_log_records
	FOR EACH STATEMENT EXECUTE FUNCTION factstr_refuse_change('The record of logs stays.');
COMMENT ON TRIGGER factstr_log_records_stay ON factstr_log_records IS 'no statement changes or deletes the record of a log';
ALTER TABLE factstr_log_records ENABLE ALWAYS TRIGGER factstr_log_records_stay;

-- Commands that would lead past the triggers fail too, and so does dropping the extension as long as there are facts,
-- unless it is with CASCADE.
CREATE FUNCTION factstr_refuse_table_change()
	RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'factstr_refuse_table_change'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_refuse_table_change() IS
	'rejects parents, children, rules, row security and changed columns of the tables of factstr';

CREATE EVENT TRIGGER factstr_tables_stay ON ddl_command_end
	WHEN TAG IN ('ALTER TABLE', 'ALTER INDEX', 'CREATE TABLE', 'ALTER FOREIGN TABLE', 'CREATE FOREIGN TABLE', 'CREATE RULE', 'CREATE TRIGGER')
	EXECUTE FUNCTION factstr_refuse_table_change();
COMMENT ON EVENT TRIGGER factstr_tables_stay IS 'no command changes a table of factstr so that its triggers could be bypassed';
ALTER EVENT TRIGGER factstr_tables_stay ENABLE ALWAYS;

CREATE FUNCTION factstr_refuse_rewrite()
	RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'factstr_refuse_rewrite'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_refuse_rewrite() IS 'rejects commands that would rewrite the rows of the tables of factstr';

CREATE EVENT TRIGGER factstr_rows_stay ON table_rewrite
	EXECUTE FUNCTION factstr_refuse_rewrite();
COMMENT ON EVENT TRIGGER factstr_rows_stay IS 'no command rewrites the rows of a table of factstr';
ALTER EVENT TRIGGER factstr_rows_stay ENABLE ALWAYS;

CREATE FUNCTION factstr_refuse_drop()
	RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'factstr_refuse_drop'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_refuse_drop() IS 'rejects dropping the extension without CASCADE while there are facts';

CREATE EVENT TRIGGER factstr_facts_stay ON ddl_command_start
	WHEN TAG IN ('DROP EXTENSION', 'DROP OWNED', 'ALTER TABLE')
	EXECUTE FUNCTION factstr_refuse_drop();
COMMENT ON EVENT TRIGGER factstr_facts_stay IS 'no command drops facts together with the extension by mistake';
ALTER EVENT TRIGGER factstr_facts_stay ENABLE ALWAYS;

CREATE FUNCTION factstr_refuse_log_drop()
	RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'factstr_refuse_log_drop'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_refuse_log_drop() IS 'rejects dropping a part of a log';

CREATE EVENT TRIGGER factstr_logs_stay ON sql_drop
	WHEN TAG IN ('DROP TABLE', 'DROP VIEW', 'DROP TRIGGER', 'DROP SCHEMA', 'DROP OWNED', 'ALTER TABLE')
	EXECUTE FUNCTION factstr_refuse_log_drop();
COMMENT ON EVENT TRIGGER factstr_logs_stay IS 'only factstr_drop_log drops a log';
ALTER EVENT TRIGGER factstr_logs_stay ENABLE ALWAYS;

--
-- Writing
--

-- All functions that concern a log have it as their last argument, so beside each that 0.1.0 has there is another, until
-- the older one gets its arguments at the end.

CREATE FUNCTION factstr_append(
	events jsonb,
	idempotency_key text DEFAULT NULL,
	at_commit boolean DEFAULT false,
	log text DEFAULT 'main',
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT committed_count bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_append'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;

CREATE FUNCTION factstr_append_event(
	event_type text,
	payload jsonb,
	metadata jsonb DEFAULT NULL,
	idempotency_key text DEFAULT NULL,
	at_commit boolean DEFAULT false,
	log text DEFAULT 'main'
) RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_append_event'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_append_event(text, jsonb, jsonb, text, boolean, text) IS
	'append one event, now or when the transaction commits, and return its sequence number';

CREATE FUNCTION factstr_append_if(
	events jsonb,
	context_query jsonb,
	expected_context_version bigint,
	idempotency_key text DEFAULT NULL,
	at_commit boolean DEFAULT false,
	log text DEFAULT 'main',
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT committed_count bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_append_if'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;

CREATE FUNCTION factstr_append_unless(
	events jsonb,
	context_query jsonb,
	after_sequence_number bigint,
	idempotency_key text DEFAULT NULL,
	at_commit boolean DEFAULT false,
	log text DEFAULT 'main',
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT committed_count bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_append_unless'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_append_unless(jsonb, jsonb, bigint, text, boolean, text) IS
	'append events as one batch unless the context has a fact after a position; in that case fail with FS001';

CREATE FUNCTION factstr_try_append_unless(
	events jsonb,
	context_query jsonb,
	after_sequence_number bigint,
	idempotency_key text DEFAULT NULL,
	log text DEFAULT 'main',
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT committed_count bigint,
	OUT conflict boolean,
	OUT actual_context_version bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_try_append_unless'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_try_append_unless(jsonb, jsonb, bigint, text, text) IS
	'like factstr_append_unless, but returns a conflict as a row instead of an error';

CREATE FUNCTION factstr_last_append(
	log text DEFAULT 'main',
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT committed_count bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_last_append'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_last_append(text) IS 'the last batch that this session committed';

CREATE FUNCTION factstr_import(
	batches jsonb,
	log text DEFAULT 'main',
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT committed_count bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_import'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_import(jsonb, text) IS
	'store batches of another log with their times and keys; their numbers must continue this log, or they get the next ones';

--
-- Reading
--

CREATE FUNCTION factstr_read(
	event_query jsonb DEFAULT '{}',
	max_count bigint DEFAULT NULL,
	backwards boolean DEFAULT false,
	since timestamptz DEFAULT NULL,
	until timestamptz DEFAULT NULL,
	up_to_sequence_number bigint DEFAULT NULL,
	log text DEFAULT 'main',
	OUT sequence_number bigint,
	OUT occurred_at timestamptz,
	OUT event_type text,
	OUT payload jsonb,
	OUT metadata jsonb
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'factstr_read'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED ROWS 1000;

CREATE FUNCTION factstr_export(
	after_sequence_number bigint DEFAULT 0,
	max_batches integer DEFAULT 100,
	log text DEFAULT 'main',
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT event_records jsonb,
	OUT idempotency_key text
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'factstr_export'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED ROWS 100;
COMMENT ON FUNCTION factstr_export(bigint, integer, text) IS
	'committed batches after a position, with everything that an import into another log needs';

CREATE FUNCTION factstr_newest(
	event_queries jsonb,
	log text DEFAULT 'main',
	OUT event_records jsonb,
	OUT current_context_version bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_newest'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_newest(jsonb, text) IS 'the newest fact of each of several contexts, and their common version';

CREATE PROCEDURE factstr_wait_for_facts(after_sequence_number bigint, timeout interval DEFAULT NULL, log text DEFAULT 'main')
	AS 'MODULE_PATHNAME', 'factstr_wait_for_facts'
	LANGUAGE C;
COMMENT ON PROCEDURE factstr_wait_for_facts(bigint, interval, text) IS
	'wait until the log has a fact after a position, or until the timeout expires';

--
-- The state of the log
--

CREATE FUNCTION factstr_position_at(occurred_at timestamptz, log text DEFAULT 'main')
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_position_at'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_position_at(timestamptz, text) IS
	'position of the log at a time: the number of the newest fact before it, or 0';

CREATE FUNCTION factstr_pending_pages(log text DEFAULT 'main')
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_pending_pages'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_pending_pages(text) IS 'length of the pending list of the payload index, in pages';

CREATE FUNCTION factstr_log_state(
	log text,
	OUT head_sequence_number bigint,
	OUT last_appended_at timestamptz,
	OUT facts_last_minute bigint,
	OUT facts_last_hour bigint,
	OUT redactions bigint,
	OUT pending_pages bigint,
	OUT table_bytes bigint,
	OUT toast_bytes bigint,
	OUT index_bytes jsonb
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_log_state'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_log_state(text) IS 'state of a log that the current user may read; for factstr_status';

-- The cost of nothing here grows with the log; factstr_check has the rest, such as the number of batches.  Indexes
-- are found by their names, so that one of them can be dropped and created again.
CREATE VIEW factstr_status WITH (security_barrier) AS
SELECT state.head_sequence_number,
	state.last_appended_at,
	state.facts_last_minute,
	state.facts_last_hour,
	state.redactions,
	coalesce(streams.count, 0) AS streams,
	coalesce(streams.failing, 0) AS failing_streams,
	greatest(state.head_sequence_number - streams.last_cursor, 0) AS largest_lag_facts,
	state.table_bytes,
	state.toast_bytes,
	state.index_bytes,
	state.pending_pages,
	coalesce(append_lock.holders, '{}') AS append_lock_holders,
	coalesce(append_lock.waiters, '{}') AS append_lock_waiters,
	l.log,
	l.sealed_at
FROM factstr_logs l
JOIN pg_catalog.pg_class events ON events.relname = CASE l.log WHEN 'main' THEN 'factstr_events'::name
		ELSE pg_catalog.concat('factstr_', l.log, '_events')::name END
	AND events.relnamespace = (SELECT c.relnamespace FROM pg_catalog.pg_class c
		WHERE c.oid = 'factstr_events'::pg_catalog.regclass::pg_catalog.oid)
CROSS JOIN LATERAL (
	SELECT main.head_sequence_number,
		(SELECT e.occurred_at FROM factstr_events e WHERE e.sequence_number = main.head_sequence_number) AS last_appended_at,
		main.head_sequence_number - factstr_position_at(statement_timestamp() - interval '1 minute') AS facts_last_minute,
		main.head_sequence_number - factstr_position_at(statement_timestamp() - interval '1 hour') AS facts_last_hour,
		(SELECT count(*) FROM factstr_redactions) AS redactions,
		factstr_pending_pages() AS pending_pages,
		pg_catalog.pg_relation_size(events.oid) AS table_bytes,
		pg_catalog.pg_total_relation_size(events.reltoastrelid) AS toast_bytes,
		(SELECT pg_catalog.jsonb_object_agg(c.relname, pg_catalog.pg_relation_size(c.oid))
		 FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
		 WHERE i.indrelid = events.oid) AS index_bytes
	FROM (SELECT factstr_flushed(coalesce(max(sequence_number), 0)) AS head_sequence_number FROM factstr_events) main
	WHERE l.log = 'main'
	UNION ALL
	SELECT o.head_sequence_number, o.last_appended_at, o.facts_last_minute, o.facts_last_hour, o.redactions, o.pending_pages,
		o.table_bytes, o.toast_bytes, o.index_bytes
	FROM factstr_log_state(l.log) o
	WHERE l.log <> 'main') state
LEFT JOIN (
	SELECT s.log, count(*) AS count, count(*) FILTER (WHERE s.failure_count > 0) AS failing, min(s.cursor_sequence_number) AS last_cursor
	FROM factstr_streams s GROUP BY s.log) streams ON streams.log = l.log
LEFT JOIN (
	SELECT a.classid, pg_catalog.array_agg(coalesce(a.pid, 0)) FILTER (WHERE a.granted) AS holders,
		pg_catalog.array_agg(a.pid) FILTER (WHERE NOT a.granted) AS waiters
	FROM pg_catalog.pg_locks a
	WHERE a.locktype = 'object'
		AND a.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
		AND a.objid = 0::pg_catalog.oid AND a.objsubid = 0
	GROUP BY a.classid) append_lock ON append_lock.classid = events.oid
WHERE factstr_has_right('read', l.log);

COMMENT ON VIEW factstr_status IS 'each log at a glance: length, activity, size, appending sessions';
COMMENT ON COLUMN factstr_status.head_sequence_number IS 'newest fact, and so the number of facts';
COMMENT ON COLUMN factstr_status.last_appended_at IS 'time of the newest fact';
COMMENT ON COLUMN factstr_status.facts_last_minute IS 'number of facts in the last minute';
COMMENT ON COLUMN factstr_status.facts_last_hour IS 'number of facts in the last hour';
COMMENT ON COLUMN factstr_status.redactions IS 'number of redactions';
COMMENT ON COLUMN factstr_status.streams IS 'number of durable streams';
COMMENT ON COLUMN factstr_status.failing_streams IS 'number of durable streams whose last delivery failed';
COMMENT ON COLUMN factstr_status.largest_lag_facts IS 'number of facts after the cursor that lags most';
COMMENT ON COLUMN factstr_status.table_bytes IS 'size of the table';
COMMENT ON COLUMN factstr_status.toast_bytes IS 'size of the large values that are stored separately, with their index';
COMMENT ON COLUMN factstr_status.index_bytes IS 'size of each index, by name';
COMMENT ON COLUMN factstr_status.pending_pages IS 'length of the pending list of the payload index, which appends keep short';
COMMENT ON COLUMN factstr_status.append_lock_holders IS 'process that is appending; 0: a prepared transaction; empty: none';
COMMENT ON COLUMN factstr_status.append_lock_waiters IS 'processes that wait for it';
COMMENT ON COLUMN factstr_status.log IS 'name of the log';
COMMENT ON COLUMN factstr_status.sealed_at IS 'when it was sealed; null: it is open';

CREATE FUNCTION factstr_check(
	sample integer DEFAULT 1000,
	log text DEFAULT 'main',
	OUT check_name text,
	OUT ok boolean,
	OUT detail text
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'factstr_check'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION factstr_check(integer, text) IS
	'verify the whole log with its indexes, streams and redactions; the payload index by a sample of facts or, with null, by all';

--
-- Objects that 0.1.0 has in a shorter form
--

CREATE FUNCTION factstr_try_append_if(
	events jsonb,
	context_query jsonb,
	expected_context_version bigint,
	idempotency_key text DEFAULT NULL,
	log text DEFAULT 'main',
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT committed_count bigint,
	OUT conflict boolean,
	OUT actual_context_version bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_try_append_if'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;

CREATE FUNCTION factstr_query(
	event_query jsonb DEFAULT '{}',
	log text DEFAULT 'main',
	OUT event_records jsonb,
	OUT last_returned_sequence_number bigint,
	OUT current_context_version bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_query'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;

CREATE FUNCTION factstr_context_version(event_query jsonb, log text DEFAULT 'main')
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_context_version'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;

CREATE FUNCTION factstr_batches(
	event_query jsonb DEFAULT '{}',
	after_sequence_number bigint DEFAULT 0,
	max_batches integer DEFAULT 100,
	log text DEFAULT 'main',
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT event_records jsonb
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'factstr_batches'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED ROWS 100;

CREATE FUNCTION factstr_stream_next(
	name text,
	max_batches integer DEFAULT 1,
	nowait boolean DEFAULT false,
	log text DEFAULT 'main',
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT event_records jsonb
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'factstr_stream_next'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE ROWS 10;

CREATE FUNCTION factstr_stream_ack(name text, sequence_number bigint, log text DEFAULT 'main')
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_ack'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;

CREATE PROCEDURE factstr_wait(name text, sequence_number bigint, timeout interval DEFAULT NULL, log text DEFAULT 'main')
	AS 'MODULE_PATHNAME', 'factstr_wait_for_stream'
	LANGUAGE C;
COMMENT ON PROCEDURE factstr_wait(text, bigint, interval, text) IS
	'wait until a durable stream has reached a fact; fail with FS007 on timeout';

CREATE FUNCTION factstr_unsubscribe(name text, log text DEFAULT 'main')
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'factstr_unsubscribe'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;

CREATE PROCEDURE factstr_deliver(name text, log text DEFAULT 'main')
	AS 'MODULE_PATHNAME', 'factstr_deliver'
	LANGUAGE C;

--
-- Rights
--

REVOKE ALL ON FUNCTION factstr_append_event(text, jsonb, jsonb, text, boolean, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_append_unless(jsonb, jsonb, bigint, text, boolean, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_try_append_unless(jsonb, jsonb, bigint, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_last_append(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_import(jsonb, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_newest(jsonb, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_export(bigint, integer, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_hold(text, boolean, bigint, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_try_hold(text, bigint, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_release(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_fail(text, text, timestamptz, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_take_partition(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_repartition(text, integer, text, text) FROM PUBLIC;
REVOKE ALL ON PROCEDURE factstr_wait(text, bigint, interval, text) FROM PUBLIC;
REVOKE ALL ON PROCEDURE factstr_wait_for_facts(bigint, interval, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_set_query(text, jsonb, boolean, text) FROM PUBLIC;
REVOKE ALL ON TABLE factstr_parked_batches FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_park_after(text, integer, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_redeliver_parked(text, bigint, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_discard_parked(text, bigint, text) FROM PUBLIC;
REVOKE ALL ON TABLE factstr_redactions, factstr_status FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_redact(bigint, jsonb, text, jsonb, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_import_redactions(jsonb, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_refuse_change() FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_refuse_table_change() FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_refuse_rewrite() FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_refuse_drop() FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_refuse_log_drop() FROM PUBLIC;
REVOKE ALL ON TABLE factstr_log_records, factstr_logs, factstr_main_log FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_create_log(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_seal_log(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_drop_log(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_grant(name, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_revoke(name, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_position_at(timestamptz, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_pending_pages(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_check(integer, text) FROM PUBLIC;

--
-- The functions that 0.1.0 has with fewer arguments
--

-- They stay the same functions, so that the rights on them stay, and views that call them: they get the new arguments.
CREATE FUNCTION factstr_extend_function(old regprocedure, new regprocedure)
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_extend_function'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
SELECT factstr_extend_function('factstr_append(jsonb, text)', 'factstr_append(jsonb, text, boolean, text)');
SELECT factstr_extend_function('factstr_append_if(jsonb, jsonb, bigint, text)', 'factstr_append_if(jsonb, jsonb, bigint, text, boolean, text)');
SELECT factstr_extend_function('factstr_try_append_if(jsonb, jsonb, bigint, text)', 'factstr_try_append_if(jsonb, jsonb, bigint, text, text)');
SELECT factstr_extend_function('factstr_query(jsonb)', 'factstr_query(jsonb, text)');
SELECT factstr_extend_function('factstr_read(jsonb, bigint, boolean)', 'factstr_read(jsonb, bigint, boolean, timestamptz, timestamptz, bigint, text)');
SELECT factstr_extend_function('factstr_context_version(jsonb)', 'factstr_context_version(jsonb, text)');
SELECT factstr_extend_function('factstr_batches(jsonb, bigint, integer)', 'factstr_batches(jsonb, bigint, integer, text)');
SELECT factstr_extend_function('factstr_stream_open(text, jsonb, text)', 'factstr_stream_open(text, jsonb, text, integer, text, text)');
SELECT factstr_extend_function('factstr_stream_next(text, integer, boolean)', 'factstr_stream_next(text, integer, boolean, text)');
SELECT factstr_extend_function('factstr_stream_ack(text, bigint)', 'factstr_stream_ack(text, bigint, text)');
SELECT factstr_extend_function('factstr_stream_seek(text, bigint)', 'factstr_stream_seek(text, bigint, boolean, text)');
SELECT factstr_extend_function('factstr_stream_drop(text)', 'factstr_stream_drop(text, boolean, text)');
SELECT factstr_extend_function('factstr_subscribe(text, jsonb, regprocedure, text)', 'factstr_subscribe(text, jsonb, regprocedure, text, integer, text, text)');
SELECT factstr_extend_function('factstr_unsubscribe(text)', 'factstr_unsubscribe(text, text)');
SELECT factstr_extend_function('factstr_deliver(text)', 'factstr_deliver(text, text)');
DROP FUNCTION factstr_extend_function(regprocedure, regprocedure);

COMMENT ON FUNCTION factstr_append(jsonb, text, boolean, text) IS
	'append events as one batch, now or when the transaction commits';
COMMENT ON FUNCTION factstr_append_if(jsonb, jsonb, bigint, text, boolean, text) IS
	'append events as one batch if the context has the expected version (null: the context is empty); otherwise fail with FS001';
COMMENT ON FUNCTION factstr_try_append_if(jsonb, jsonb, bigint, text, text) IS
	'like factstr_append_if, but returns a conflict as a row instead of an error';
COMMENT ON FUNCTION factstr_query(jsonb, text) IS 'the facts that match a query, and the version of their context';
COMMENT ON FUNCTION factstr_read(jsonb, bigint, boolean, timestamptz, timestamptz, bigint, text) IS
	'the facts that match a query, as rows, optionally within a period or up to a fact';
COMMENT ON FUNCTION factstr_context_version(jsonb, text) IS 'the highest sequence number in the context of a query, or null';
COMMENT ON FUNCTION factstr_batches(jsonb, bigint, integer, text) IS
	'committed batches with matching facts after a position, complete and in commit order';
COMMENT ON FUNCTION factstr_stream_open(text, jsonb, text, integer, text, text) IS
	'create a durable stream that begins with the first fact or now, optionally in partitions, or open it with the same query; returns its cursor';
COMMENT ON FUNCTION factstr_stream_next(text, integer, boolean, text) IS
	'the next committed batches of a durable stream, which stays reserved until the transaction ends';
COMMENT ON FUNCTION factstr_stream_ack(text, bigint, text) IS
	'acknowledge the batches of a durable stream up to the one that ends with a fact; returns the cursor';
COMMENT ON FUNCTION factstr_stream_seek(text, bigint, boolean, text) IS
	'move the cursor of a durable stream to any fact, or to 0, optionally without waiting for its consumer; returns the cursor';
COMMENT ON FUNCTION factstr_stream_drop(text, boolean, text) IS
	'drop a durable stream with its cursor, optionally without waiting for its consumer';
COMMENT ON FUNCTION factstr_subscribe(text, jsonb, regprocedure, text, integer, text, text) IS
	'open a durable stream and deliver its batches to a function(event_records jsonb); returns its cursor';
COMMENT ON FUNCTION factstr_unsubscribe(text, text) IS
	'end deliveries to the handler of a durable stream, which keeps its cursor; returns whether there was a handler';
COMMENT ON PROCEDURE factstr_deliver(text, text) IS 'deliver all pending batches to the handler in this session';

-- Comments that had other words in 0.1.0.
COMMENT ON TABLE factstr_events IS 'the log: one row per fact, written only by factstr_append and similar functions';
COMMENT ON COLUMN factstr_events.batch_first_sequence_number IS 'number of the first fact of the same batch';
COMMENT ON COLUMN factstr_events.occurred_at IS 'time of recording; does not define an order';
COMMENT ON COLUMN factstr_events.event_type IS 'the kind of fact';
COMMENT ON COLUMN factstr_events.payload IS 'the content of the fact: any JSON value';
COMMENT ON COLUMN factstr_events.metadata IS
	'data about the fact: an object (correlation, causation, actor, schema version); never matched by a query';
COMMENT ON COLUMN factstr_events.idempotency_key IS
	'idempotency key of the append, if it had one, on the first fact of the batch';
COMMENT ON TABLE factstr_streams IS
	'durable streams: name, query, cursor and optional handler; changed only by the functions of factstr';
COMMENT ON COLUMN factstr_streams.name IS 'name of the stream';
COMMENT ON COLUMN factstr_streams.event_query IS 'the facts that it delivers';
COMMENT ON COLUMN factstr_streams.cursor_sequence_number IS 'all facts up to this one are processed';
COMMENT ON COLUMN factstr_streams.last_success_at IS 'when the cursor last moved';
COMMENT ON COLUMN factstr_streams.handler IS 'the subscribed function, with its schema';
COMMENT ON COLUMN factstr_streams.subscriber IS 'the role that subscribed the handler, and whose rights it has';
COMMENT ON COLUMN factstr_streams.last_error IS 'SQLSTATE and message of the last failure';
COMMENT ON COLUMN factstr_streams.last_failed_at IS 'time of the last failure';
COMMENT ON COLUMN factstr_streams.retry_at IS 'time of the next attempt after a failure';
COMMENT ON VIEW factstr_stream_status IS 'position, lag and consumer of each durable stream';
COMMENT ON COLUMN factstr_stream_status.name IS 'name of the stream';
COMMENT ON COLUMN factstr_stream_status.event_query IS 'the facts that it delivers';
COMMENT ON COLUMN factstr_stream_status.cursor_sequence_number IS 'all facts up to this one are processed';
COMMENT ON COLUMN factstr_stream_status.head_sequence_number IS 'newest fact of the log, or 0';
COMMENT ON COLUMN factstr_stream_status.lag_facts IS 'number of facts after the cursor, matching or not';
COMMENT ON COLUMN factstr_stream_status.lag_time IS 'age of the first fact after the cursor';
COMMENT ON COLUMN factstr_stream_status.last_success_at IS 'when the cursor last moved';
COMMENT ON COLUMN factstr_stream_status.handler IS 'the subscribed function, if any';
COMMENT ON COLUMN factstr_stream_status.subscriber IS 'the role that subscribed the handler, and whose rights it has';
COMMENT ON COLUMN factstr_stream_status.last_error IS 'SQLSTATE and message of the last failure';
COMMENT ON COLUMN factstr_stream_status.last_failed_at IS 'time of the last failure';
COMMENT ON COLUMN factstr_stream_status.retry_at IS 'time of the next attempt after a failure';
COMMENT ON COLUMN factstr_stream_status.consumer_pid IS 'process that holds the stream now';
COMMENT ON FUNCTION factstr_matches(jsonb, text, jsonb) IS 'whether a fact with this type and payload matches a query';

-- This one has its arguments in another order; granted rights stay.
CREATE FUNCTION factstr_carry_over_rights(old regprocedure, new regprocedure)
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_carry_over_rights'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
SELECT factstr_carry_over_rights('factstr_wait(bigint, text, interval)', 'factstr_wait(text, bigint, interval, text)');
DROP FUNCTION factstr_carry_over_rights(regprocedure, regprocedure);
DROP PROCEDURE factstr_wait(bigint, text, interval);

-- In 0.1.0 EXECUTE on a function was enough.  A role that has it gets the right on main that the function needs now, and on
-- no other log.
CREATE FUNCTION factstr_carry_over_rights_to_main()
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_carry_over_rights_to_main'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
SELECT factstr_carry_over_rights_to_main();
DROP FUNCTION factstr_carry_over_rights_to_main();
