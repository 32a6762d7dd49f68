-- complain if the script is sourced in psql rather than through ALTER EXTENSION
\echo Use "ALTER EXTENSION factstr UPDATE" to load this file. \quit

-- Texts are the same bytes in every store.
CREATE FUNCTION factstr_require_utf8()
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_require_utf8'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
SELECT factstr_require_utf8();
DROP FUNCTION factstr_require_utf8();

-- Locks are taken in the order in which sessions take them, so that nobody is in the way of a session that is in
-- the update's: first the view, then the streams, then the log.  No table is rewritten, and none but that of the streams is read.

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

COMMENT ON TABLE factstr_parked_batches IS 'batches that handlers could not take and their streams went on without, changed by the functions of factstr only';
COMMENT ON COLUMN factstr_parked_batches.log IS 'the log of the stream';
COMMENT ON COLUMN factstr_parked_batches.stream IS 'the durable stream';
COMMENT ON COLUMN factstr_parked_batches.first_sequence_number IS 'the first fact of the batch, matching or not';
COMMENT ON COLUMN factstr_parked_batches.last_sequence_number IS 'its last one';
COMMENT ON COLUMN factstr_parked_batches.failure_count IS 'how often in a row the handler had failed on it';
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

COMMENT ON TABLE factstr_log_records IS 'logs that were made, sealed or dropped, changed by the functions of factstr only';
COMMENT ON COLUMN factstr_log_records.log IS 'its name';
COMMENT ON COLUMN factstr_log_records.created_at IS 'when factstr_create_log made it';
COMMENT ON COLUMN factstr_log_records.created_by IS 'the role that had logged in then';
COMMENT ON COLUMN factstr_log_records.sealed_at IS 'when factstr_seal_log sealed it';
COMMENT ON COLUMN factstr_log_records.sealed_by IS 'the role that had logged in then';
COMMENT ON COLUMN factstr_log_records.dropped_at IS 'when factstr_drop_log dropped it';
COMMENT ON COLUMN factstr_log_records.dropped_by IS 'the role that had logged in then';
COMMENT ON COLUMN factstr_log_records.dropped_facts IS 'how many facts it had';

CREATE UNIQUE INDEX factstr_log_records_log_idx ON factstr_log_records (log) WHERE dropped_at IS NULL;
COMMENT ON INDEX factstr_log_records_log_idx IS 'one log of a name';

SELECT pg_catalog.pg_extension_config_dump('factstr_log_records', '');

-- Rights on a log are granted on a view.  There is no table behind it, so they give nothing but what the functions
-- look for.
CREATE VIEW factstr_main_log AS SELECT 'main'::text AS log;
COMMENT ON VIEW factstr_main_log IS
	'stands for log "main": SELECT on it is the right to read, INSERT to append, UPDATE to consume, DELETE to administer';
COMMENT ON COLUMN factstr_main_log.log IS 'its name';

CREATE FUNCTION factstr_create_log(log text)
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_create_log'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_create_log(text) IS 'make a log: a name of a-z, 0-9, _ and -';

CREATE FUNCTION factstr_seal_log(log text)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'factstr_seal_log'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_seal_log(text) IS 'let nothing be appended to a log any more; returns whether it was open before';

CREATE FUNCTION factstr_drop_log(log text, confirmation text)
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_drop_log'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_drop_log(text, text) IS
	'drop a log with its facts, streams and cursors, if its name is given twice; returns how many facts there were';

CREATE FUNCTION factstr_grant(role name, "right" text, log text DEFAULT 'main')
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_grant'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_grant(name, text, text) IS
	'give a role, or public, a right on a log and on the functions that need it: read, append, consume or admin';

CREATE FUNCTION factstr_revoke(role name, "right" text, log text DEFAULT 'main')
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_revoke'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_revoke(name, text, text) IS
	'take a right on a log from a role, or public; and, if that was the last log with it, on the functions';

-- Executable by everybody, as the functions of PostgreSQL that tell of rights.
CREATE FUNCTION factstr_has_right("right" text, log text DEFAULT 'main')
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'factstr_has_right'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_has_right(text, text) IS
	'has the current user a right on a log? null if there is no such log';

-- Views that show a role only its own logs are security barriers: its functions must not see the rows of other logs.
CREATE VIEW factstr_logs WITH (security_barrier) AS
SELECT l.log, r.created_at, r.created_by, r.sealed_at, r.sealed_by
FROM (SELECT 'main'::text COLLATE "C" AS log
	UNION ALL SELECT o.log FROM factstr_log_records o WHERE o.dropped_at IS NULL AND o.log <> 'main'::text) l
LEFT JOIN factstr_log_records r ON r.log = l.log AND r.dropped_at IS NULL
WHERE factstr_has_right('read', l.log) OR factstr_has_right('append', l.log)
	OR factstr_has_right('consume', l.log) OR factstr_has_right('admin', l.log);

COMMENT ON VIEW factstr_logs IS 'the logs on which the current user has a right';
COMMENT ON COLUMN factstr_logs.log IS 'its name';
COMMENT ON COLUMN factstr_logs.created_at IS 'when it was made; null for main, which is there from the start';
COMMENT ON COLUMN factstr_logs.created_by IS 'the role that had logged in then';
COMMENT ON COLUMN factstr_logs.sealed_at IS 'since when nothing is appended to it any more';
COMMENT ON COLUMN factstr_logs.sealed_by IS 'the role that had logged in when it was sealed';

--
-- The state of durable streams
--

-- Executable by everybody, since a view's reader needs the right: it says nothing that the caller does not say.
CREATE FUNCTION factstr_flushed(sequence_number bigint)
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_flushed'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_flushed(bigint) IS
	'the same number, once every fact that the statement sees is on disk: for the views, which tell of the newest';

-- Executable by everybody, too: it tells of workers, nothing of the log.
CREATE FUNCTION factstr_delivery_obstacle(name text, subscriber name, subscribers bigint, log text DEFAULT 'main')
	RETURNS text
	AS 'MODULE_PATHNAME', 'factstr_delivery_obstacle'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_delivery_obstacle(text, name, bigint, text) IS
	'why no worker delivers a stream with something to deliver, or null if one does: for the view of streams';

-- Of other logs than main, whose table no view can know.  Executable by everybody, too: they are for those who may read
-- or consume the log, and refuse others.
CREATE FUNCTION factstr_log_head(log text)
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_log_head'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_log_head(text) IS 'the newest fact of a log, 0 if there is none: for the views';

CREATE FUNCTION factstr_log_time_after(sequence_number bigint, log text)
	RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'factstr_log_time_after'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_log_time_after(bigint, text) IS
	'when the first fact of a log after a position was appended, or null: for the views';

-- The consumer is whoever holds the stream's lock, which is numbered by a hash of the names of log and stream.
-- In the views the types of operators fit exactly, and functions that take any type are qualified: otherwise
-- somebody who may create objects in the schema could have made some that fit better, for others to call.
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
		ELSE pg_catalog.hashtextextended(s.log, 0) END) AS value) hash
CROSS JOIN LATERAL (
	SELECT CASE WHEN s.handler IS NOT NULL AND s.cursor_sequence_number < head.head_sequence_number AND coalesce(s.retry_at <= now(), true)
		THEN factstr_delivery_obstacle(s.name, s.subscriber, subscribers.roles, s.log) END AS reason OFFSET 0) obstacle
WHERE factstr_has_right('consume', s.log) OR factstr_has_right('read', s.log);

COMMENT ON COLUMN factstr_stream_status.failure_count IS 'how often in a row its consumer has failed on the batch after the cursor; 0: it works';
COMMENT ON COLUMN factstr_stream_status.park_after IS 'after how many failures a batch is set aside; null: never';
COMMENT ON COLUMN factstr_stream_status.parked_batches IS 'how many were, and are neither delivered since nor discarded';
COMMENT ON COLUMN factstr_stream_status.waiting_since IS 'since when it has had something to deliver, or to look for, without a worker';
COMMENT ON COLUMN factstr_stream_status.waiting_for IS 'what keeps a worker from it: start, role, database, server, launcher, setting; null if it does not wait';
COMMENT ON COLUMN factstr_stream_status.log IS 'the log whose facts it delivers';

--
-- Durable streams
--

COMMENT ON COLUMN factstr_streams.failure_count IS 'how often in a row its consumer has failed on the batch after the cursor';
COMMENT ON COLUMN factstr_streams.token IS 'the fencing token of its last consumer: each new one gets a higher one';
COMMENT ON COLUMN factstr_streams.park_after IS 'after how many failures a batch is set aside; null: never';
COMMENT ON COLUMN factstr_streams.announced_at IS 'when a worker has begun to deliver that has not succeeded yet: if it is no more, it ended with that';
COMMENT ON COLUMN factstr_streams.log IS 'the log whose facts it delivers';

CREATE INDEX factstr_streams_last_error_idx ON factstr_streams (name) WHERE last_error IS NOT NULL;
COMMENT ON INDEX factstr_streams_last_error_idx IS 'streams with errors, for a redaction to erase the messages';

CREATE FUNCTION factstr_stream_hold(
	name text,
	nowait boolean DEFAULT false,
	token bigint DEFAULT NULL,
	log text DEFAULT 'main'
) RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_hold'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_hold(text, boolean, bigint, text) IS
	'hold a durable stream until it is released or the session ends; returns a token, with which the hold is continued later unless there was another consumer';

CREATE FUNCTION factstr_stream_try_hold(name text, token bigint DEFAULT NULL, log text DEFAULT 'main')
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_try_hold'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_try_hold(text, bigint, text) IS
	'like factstr_stream_hold, with null instead of waiting or an error if another consumer has the stream or has had it since';

CREATE FUNCTION factstr_stream_release(name text, log text DEFAULT 'main')
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'factstr_stream_release'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_release(text, text) IS
	'hold a durable stream no longer, at once; returns whether the session held it';

CREATE FUNCTION factstr_stream_fail(
	name text,
	error text,
	retry_at timestamptz DEFAULT NULL,
	log text DEFAULT 'main'
) RETURNS integer
	AS 'MODULE_PATHNAME', 'factstr_stream_fail'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_fail(text, text, timestamptz, text) IS
	'record that whoever holds a durable stream has failed with its next batch; returns how often in a row';

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
	'take a free partition of a durable stream until the transaction ends, the one that is furthest behind; returns its name, or null if there is none';

CREATE FUNCTION factstr_stream_repartition(
	name text,
	partitions integer,
	partition_key text DEFAULT NULL,
	log text DEFAULT 'main'
) RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_repartition'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_repartition(text, integer, text, text) IS
	'divide a durable stream, all of whose partitions are at one position, into another number of them or by another key; returns the cursor';

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
	'let a durable stream go on from its cursor with another query; returns the cursor';

CREATE FUNCTION factstr_park_after(name text, failures integer, log text DEFAULT 'main')
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_park_after'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_park_after(text, integer, text) IS
	'let a durable stream go on without a batch on which its handler has failed so often; null: never';

CREATE FUNCTION factstr_redeliver_parked(name text, first_sequence_number bigint, log text DEFAULT 'main')
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'factstr_redeliver_parked'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_redeliver_parked(text, bigint, text) IS
	'deliver a parked batch to the handler, here and now; returns whether there was one';

CREATE FUNCTION factstr_discard_parked(name text, first_sequence_number bigint, log text DEFAULT 'main')
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'factstr_discard_parked'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_discard_parked(text, bigint, text) IS 'forget a parked batch; returns whether there was one';

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

-- The record of what was done to facts; what they said before is nowhere.
CREATE TABLE factstr_redactions (
	sequence_number bigint NOT NULL,
	redacted_at timestamptz NOT NULL,
	redacted_by name NOT NULL,
	reason text COLLATE "C" NOT NULL
);

COMMENT ON TABLE factstr_redactions IS 'one row per call of factstr_redact here, or where the log was copied from';
COMMENT ON COLUMN factstr_redactions.sequence_number IS 'the fact whose payload was replaced';
COMMENT ON COLUMN factstr_redactions.redacted_at IS 'when';
COMMENT ON COLUMN factstr_redactions.redacted_by IS 'the role that had logged in, or, from a handler, its subscriber';
COMMENT ON COLUMN factstr_redactions.reason IS 'why, in the words of the call';

CREATE INDEX factstr_redactions_sequence_number_idx ON factstr_redactions (sequence_number);
COMMENT ON INDEX factstr_redactions_sequence_number_idx IS 'was this fact redacted?';

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
	'replace the payload and the metadata of a fact, and record that it was done, when, by whom and why';

CREATE FUNCTION factstr_import_redactions(batches jsonb, log text DEFAULT 'main')
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_import_redactions'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_import_redactions(jsonb, text) IS
	'take over those redactions of batches of another log, which this log has too, that are not on record here; how many';

-- Otherwise nobody changes a fact, the owner included.  The triggers fire whatever session_replication_role
-- says, and cost an INSERT nothing.
CREATE FUNCTION factstr_refuse_change()
	RETURNS trigger
	AS 'MODULE_PATHNAME', 'factstr_refuse_change'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_refuse_change() IS 'refuses statements that would change what is there to stay';

CREATE TRIGGER factstr_events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON factstr_events
	FOR EACH STATEMENT EXECUTE FUNCTION factstr_refuse_change('Facts stay. factstr_redact replaces the payload of one, for the sake of erasure.');
COMMENT ON TRIGGER factstr_events_stay ON factstr_events IS 'nobody changes or deletes a fact by a statement';
ALTER TABLE factstr_events ENABLE ALWAYS TRIGGER factstr_events_stay;

CREATE TRIGGER factstr_redactions_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON factstr_redactions
	FOR EACH STATEMENT EXECUTE FUNCTION factstr_refuse_change('The record of redactions stays.');
COMMENT ON TRIGGER factstr_redactions_stay ON factstr_redactions IS 'nobody changes or deletes the record of a redaction';
ALTER TABLE factstr_redactions ENABLE ALWAYS TRIGGER factstr_redactions_stay;

CREATE TRIGGER factstr_log_records_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON factstr_log_records
	FOR EACH STATEMENT EXECUTE FUNCTION factstr_refuse_change('The record of logs stays.');
COMMENT ON TRIGGER factstr_log_records_stay ON factstr_log_records IS 'nobody changes or deletes the record of a log';
ALTER TABLE factstr_log_records ENABLE ALWAYS TRIGGER factstr_log_records_stay;

-- Commands that would lead past the triggers fail too, and so does dropping the extension as long as there are facts,
-- unless it is with CASCADE.
CREATE FUNCTION factstr_refuse_table_change()
	RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'factstr_refuse_table_change'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_refuse_table_change() IS 'refuses parents, children, rules, row security and other columns of the extension''s tables';

CREATE EVENT TRIGGER factstr_tables_stay ON ddl_command_end
	WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'ALTER FOREIGN TABLE', 'CREATE FOREIGN TABLE', 'CREATE RULE', 'CREATE TRIGGER')
	EXECUTE FUNCTION factstr_refuse_table_change();
COMMENT ON EVENT TRIGGER factstr_tables_stay IS 'no command gives a table of factstr what would lead past its triggers';
ALTER EVENT TRIGGER factstr_tables_stay ENABLE ALWAYS;

CREATE FUNCTION factstr_refuse_rewrite()
	RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'factstr_refuse_rewrite'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_refuse_rewrite() IS 'refuses commands that would compute the rows of the extension''s tables again';

CREATE EVENT TRIGGER factstr_rows_stay ON table_rewrite
	EXECUTE FUNCTION factstr_refuse_rewrite();
COMMENT ON EVENT TRIGGER factstr_rows_stay IS 'no command rewrites the rows of a table of factstr';
ALTER EVENT TRIGGER factstr_rows_stay ENABLE ALWAYS;

CREATE FUNCTION factstr_refuse_drop()
	RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'factstr_refuse_drop'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_refuse_drop() IS 'refuses to drop the extension without CASCADE while there are facts';

CREATE EVENT TRIGGER factstr_facts_stay ON ddl_command_start
	WHEN TAG IN ('DROP EXTENSION', 'DROP OWNED', 'ALTER TABLE')
	EXECUTE FUNCTION factstr_refuse_drop();
COMMENT ON EVENT TRIGGER factstr_facts_stay IS 'nobody drops facts together with the extension by mistake';
ALTER EVENT TRIGGER factstr_facts_stay ENABLE ALWAYS;

CREATE FUNCTION factstr_refuse_log_drop()
	RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'factstr_refuse_log_drop'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_refuse_log_drop() IS 'refuses to drop a part of a log';

CREATE EVENT TRIGGER factstr_logs_stay ON sql_drop
	WHEN TAG IN ('DROP TABLE', 'DROP VIEW', 'DROP TRIGGER', 'DROP SCHEMA', 'DROP OWNED', 'ALTER TABLE')
	EXECUTE FUNCTION factstr_refuse_log_drop();
COMMENT ON EVENT TRIGGER factstr_logs_stay IS 'factstr_drop_log alone drops a log';
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
	'append events as one batch unless the context has a fact after a sequence number, else fail with FS001';

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
	'like factstr_append_unless, with a conflict as a row instead of an error';

CREATE FUNCTION factstr_last_append(
	log text DEFAULT 'main',
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT committed_count bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_last_append'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_last_append(text) IS 'the last batch that this session has committed';

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
	'take over batches of another log with their times and keys; with numbers, they must continue this log, without, they get the next ones';

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
	'committed batches after a position with all that an import into another log needs';

CREATE FUNCTION factstr_newest(
	event_queries jsonb,
	log text DEFAULT 'main',
	OUT event_records jsonb,
	OUT current_context_version bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_newest'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_newest(jsonb, text) IS
	'the newest fact of each of several contexts, and the version of all of them together';

CREATE PROCEDURE factstr_wait_for_facts(after_sequence_number bigint, timeout interval DEFAULT NULL, log text DEFAULT 'main')
	AS 'MODULE_PATHNAME', 'factstr_wait_for_facts'
	LANGUAGE C;
COMMENT ON PROCEDURE factstr_wait_for_facts(bigint, interval, text) IS
	'wait until the log goes beyond a position, or the time is over';

--
-- The state of the log
--

CREATE FUNCTION factstr_position_at(occurred_at timestamptz, log text DEFAULT 'main')
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_position_at'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_position_at(timestamptz, text) IS
	'where the log stood at a time: the number of the newest fact from before, or 0';

CREATE FUNCTION factstr_pending_pages(log text DEFAULT 'main')
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_pending_pages'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_pending_pages(text) IS 'the length of the payload index''s pending list, in pages';

CREATE FUNCTION factstr_log_state(
	log text,
	OUT head_sequence_number bigint,
	OUT last_appended_at timestamptz,
	OUT facts_last_minute bigint,
	OUT facts_last_hour bigint,
	OUT redactions bigint,
	OUT pending_pages bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_log_state'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_log_state(text) IS 'of a log that the current user may read: for the view of logs';

-- Nothing here grows with the log; what would, such as the number of batches, is for factstr_check.  Indexes
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
	pg_catalog.pg_relation_size(events.oid) AS table_bytes,
	pg_catalog.pg_total_relation_size(events.reltoastrelid) AS toast_bytes,
	(SELECT pg_catalog.jsonb_object_agg(c.relname, pg_catalog.pg_relation_size(c.oid))
	 FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
	 WHERE i.indrelid = events.oid) AS index_bytes,
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
		factstr_pending_pages() AS pending_pages
	FROM (SELECT factstr_flushed(coalesce(max(sequence_number), 0)) AS head_sequence_number FROM factstr_events) main
	WHERE l.log = 'main'
	UNION ALL
	SELECT o.head_sequence_number, o.last_appended_at, o.facts_last_minute, o.facts_last_hour, o.redactions, o.pending_pages
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

COMMENT ON VIEW factstr_status IS 'each log at a glance: how long, how busy, how large, who is appending';
COMMENT ON COLUMN factstr_status.head_sequence_number IS 'the newest fact, and therefore the number of facts';
COMMENT ON COLUMN factstr_status.last_appended_at IS 'when it occurred';
COMMENT ON COLUMN factstr_status.facts_last_minute IS 'how many facts occurred in the last minute';
COMMENT ON COLUMN factstr_status.facts_last_hour IS 'how many facts occurred in the last hour';
COMMENT ON COLUMN factstr_status.redactions IS 'how often factstr_redact was called';
COMMENT ON COLUMN factstr_status.streams IS 'how many durable streams there are';
COMMENT ON COLUMN factstr_status.failing_streams IS 'how many of them have a handler that failed last time';
COMMENT ON COLUMN factstr_status.largest_lag_facts IS 'how many facts lie after the cursor that is furthest behind';
COMMENT ON COLUMN factstr_status.table_bytes IS 'size of the table';
COMMENT ON COLUMN factstr_status.toast_bytes IS 'size of its large values, kept apart, with their index';
COMMENT ON COLUMN factstr_status.index_bytes IS 'size of each of its indexes, by name';
COMMENT ON COLUMN factstr_status.pending_pages IS 'length of the payload index''s pending list; appends keep it short';
COMMENT ON COLUMN factstr_status.append_lock_holders IS 'the backend that is appending, 0 for a prepared transaction; empty: none';
COMMENT ON COLUMN factstr_status.append_lock_waiters IS 'the backends that wait for it';
COMMENT ON COLUMN factstr_status.log IS 'its name';
COMMENT ON COLUMN factstr_status.sealed_at IS 'since when nothing is appended to it any more';

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
	'verify the whole log and all that hangs on it, the payload index by a sample of facts or, with null, by all';

--
-- What 0.1.0 has in a shorter form
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
	'wait until a durable stream has got to a position; FS007 if it has not in time';

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

COMMENT ON FUNCTION factstr_append(jsonb, text, boolean, text) IS 'append events as one batch, now or at the commit of the transaction';
COMMENT ON FUNCTION factstr_append_if(jsonb, jsonb, bigint, text, boolean, text) IS
	'append events as one batch if the context''s version equals the expected one (null: the context is empty), else fail with FS001';
COMMENT ON FUNCTION factstr_try_append_if(jsonb, jsonb, bigint, text, text) IS
	'like factstr_append_if, with a conflict as a row instead of an error';
COMMENT ON FUNCTION factstr_query(jsonb, text) IS 'the facts that match a query, and the version of their context';
COMMENT ON FUNCTION factstr_read(jsonb, bigint, boolean, timestamptz, timestamptz, bigint, text) IS
	'the facts that match a query as rows, perhaps of a time only, or of a log that ends with a fact';
COMMENT ON FUNCTION factstr_context_version(jsonb, text) IS 'the highest sequence number among the facts that match, or null';
COMMENT ON FUNCTION factstr_batches(jsonb, bigint, integer, text) IS
	'committed batches with matching facts after a position, each whole, in commit order';
COMMENT ON FUNCTION factstr_stream_open(text, jsonb, text, integer, text, text) IS
	'make a durable stream that begins with the first fact or now, in one or in partitions, or find it again with the same query; returns its cursor';
COMMENT ON FUNCTION factstr_stream_next(text, integer, boolean, text) IS
	'the next committed batches of a durable stream, which is held until the transaction ends';
COMMENT ON FUNCTION factstr_stream_ack(text, bigint, text) IS
	'move the cursor of a durable stream to the end of a batch that is done with; returns the cursor';
COMMENT ON FUNCTION factstr_stream_seek(text, bigint, boolean, text) IS 'let a durable stream go on after any fact, or from 0, perhaps without waiting for its consumer';
COMMENT ON FUNCTION factstr_stream_drop(text, boolean, text) IS 'forget a durable stream and its cursor, perhaps without waiting for its consumer';
COMMENT ON FUNCTION factstr_subscribe(text, jsonb, regprocedure, text, integer, text, text) IS
	'open a durable stream and have its batches delivered to a function(event_records jsonb); returns its cursor';
COMMENT ON FUNCTION factstr_unsubscribe(text, text) IS
	'deliver no more to the handler; the stream and its cursor stay. Returns whether there was a handler';
COMMENT ON PROCEDURE factstr_deliver(text, text) IS
	'deliver to the handler here and now what there is';

-- This one has its arguments in another order; what was granted on it stays granted.
CREATE FUNCTION factstr_carry_over_rights(old regprocedure, new regprocedure)
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_carry_over_rights'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
SELECT factstr_carry_over_rights('factstr_wait(bigint, text, interval)', 'factstr_wait(text, bigint, interval, text)');
DROP FUNCTION factstr_carry_over_rights(regprocedure, regprocedure);
DROP PROCEDURE factstr_wait(bigint, text, interval);

-- In 0.1.0 EXECUTE on a function was enough.  Whoever has it gets the right on main that the function needs now, and on
-- no other log.
CREATE FUNCTION factstr_carry_over_rights_to_main()
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_carry_over_rights_to_main'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
SELECT factstr_carry_over_rights_to_main();
DROP FUNCTION factstr_carry_over_rights_to_main();
