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
-- the update's: first the view, then the streams, then the log.  No table is rewritten, and none is read.

-- This changes nothing, but locks the view.
ALTER VIEW factstr_stream_status RESET (security_barrier);

ALTER TABLE factstr_streams ADD COLUMN token bigint NOT NULL DEFAULT 0;
ALTER TABLE factstr_streams ADD COLUMN park_after integer;
ALTER TABLE factstr_streams ADD COLUMN announced_at timestamptz;

-- Rows are added when a batch has failed too often, and go when it is delivered again or discarded.
CREATE TABLE factstr_parked_batches (
	stream text COLLATE "C" NOT NULL,
	first_sequence_number bigint NOT NULL,
	last_sequence_number bigint NOT NULL,
	failure_count integer NOT NULL,
	error text COLLATE "C",
	parked_at timestamptz NOT NULL,
	CONSTRAINT factstr_parked_batches_pkey PRIMARY KEY (stream, first_sequence_number)
);

COMMENT ON TABLE factstr_parked_batches IS 'batches that handlers could not take and their streams went on without, changed by the functions of factstr only';
COMMENT ON COLUMN factstr_parked_batches.stream IS 'the durable stream';
COMMENT ON COLUMN factstr_parked_batches.first_sequence_number IS 'the first fact of the batch, matching or not';
COMMENT ON COLUMN factstr_parked_batches.last_sequence_number IS 'its last one';
COMMENT ON COLUMN factstr_parked_batches.failure_count IS 'how often in a row the handler had failed on it';
COMMENT ON COLUMN factstr_parked_batches.error IS 'SQLSTATE and message of the last failure';
COMMENT ON COLUMN factstr_parked_batches.parked_at IS 'when it was set aside';

SELECT pg_catalog.pg_extension_config_dump('factstr_parked_batches', '');

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
CREATE FUNCTION factstr_delivery_obstacle(name text, subscriber name, subscribers bigint)
	RETURNS text
	AS 'MODULE_PATHNAME', 'factstr_delivery_obstacle'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_delivery_obstacle(text, name, bigint) IS
	'why no worker delivers a stream with something to deliver, or null if one does: for the view of streams';

-- In the views the types of operators fit exactly, and functions that take any type are qualified: otherwise
-- somebody who may create objects in the schema could have made some that fit better, for others to call.
CREATE OR REPLACE VIEW factstr_stream_status AS
SELECT s.name,
	s.event_query,
	s.cursor_sequence_number,
	log.head_sequence_number,
	greatest(log.head_sequence_number - s.cursor_sequence_number, 0) AS lag_facts,
	coalesce(now() - (
		SELECT e.occurred_at FROM factstr_events e
		WHERE e.sequence_number > s.cursor_sequence_number AND e.sequence_number <= log.head_sequence_number
		ORDER BY e.sequence_number LIMIT 1), interval '0') AS lag_time,
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
		AND l.objid::bigint = pg_catalog.hashtextextended(s.name, 0) & 4294967295
		AND l.objsubid = (pg_catalog.hashtextextended(s.name, 0) >> 32) & 32767::bigint) AS consumer_pid,
	s.park_after,
	(SELECT count(*) FROM factstr_parked_batches p WHERE p.stream = s.name) AS parked_batches,
	CASE WHEN obstacle.reason IS NOT NULL THEN greatest(s.last_success_at, s.retry_at, (
		SELECT e.occurred_at FROM factstr_events e
		WHERE e.sequence_number > s.cursor_sequence_number AND e.sequence_number <= log.head_sequence_number
		ORDER BY e.sequence_number LIMIT 1)) END AS waiting_since,
	obstacle.reason AS waiting_for
FROM factstr_streams s
CROSS JOIN (SELECT factstr_flushed(coalesce(max(sequence_number), 0)) AS head_sequence_number FROM factstr_events) log
CROSS JOIN (SELECT pg_catalog.count(DISTINCT t.subscriber) AS roles FROM factstr_streams t) subscribers
CROSS JOIN LATERAL (
	SELECT CASE WHEN s.handler IS NOT NULL AND s.cursor_sequence_number < log.head_sequence_number AND coalesce(s.retry_at <= now(), true)
		THEN factstr_delivery_obstacle(s.name, s.subscriber, subscribers.roles) END AS reason OFFSET 0) obstacle;

COMMENT ON COLUMN factstr_stream_status.failure_count IS 'how often in a row its consumer has failed on the batch after the cursor; 0: it works';
COMMENT ON COLUMN factstr_stream_status.park_after IS 'after how many failures a batch is set aside; null: never';
COMMENT ON COLUMN factstr_stream_status.parked_batches IS 'how many were, and are neither delivered since nor discarded';
COMMENT ON COLUMN factstr_stream_status.waiting_since IS 'since when it has had something to deliver, or to look for, without a worker';
COMMENT ON COLUMN factstr_stream_status.waiting_for IS 'what keeps a worker from it: start, role, database, server, launcher, setting; null if it does not wait';

--
-- Durable streams
--

COMMENT ON COLUMN factstr_streams.failure_count IS 'how often in a row its consumer has failed on the batch after the cursor';
COMMENT ON COLUMN factstr_streams.token IS 'the fencing token of its last consumer: each new one gets a higher one';
COMMENT ON COLUMN factstr_streams.park_after IS 'after how many failures a batch is set aside; null: never';
COMMENT ON COLUMN factstr_streams.announced_at IS 'when a worker has begun to deliver that has not succeeded yet: if it is no more, it ended with that';

CREATE INDEX factstr_streams_last_error_idx ON factstr_streams (name) WHERE last_error IS NOT NULL;
COMMENT ON INDEX factstr_streams_last_error_idx IS 'streams with errors, for a redaction to erase the messages';

CREATE FUNCTION factstr_stream_hold(
	name text,
	nowait boolean DEFAULT false,
	token bigint DEFAULT NULL
) RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_hold'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_hold(text, boolean, bigint) IS
	'hold a durable stream until it is released or the session ends; returns a token, with which the hold is continued later unless there was another consumer';

CREATE FUNCTION factstr_stream_try_hold(name text, token bigint DEFAULT NULL)
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_try_hold'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_try_hold(text, bigint) IS
	'like factstr_stream_hold, with null instead of waiting or an error if another consumer has the stream or has had it since';

CREATE FUNCTION factstr_stream_release(name text)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'factstr_stream_release'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_release(text) IS
	'hold a durable stream no longer, at once; returns whether the session held it';

CREATE FUNCTION factstr_stream_fail(
	name text,
	error text,
	retry_at timestamptz DEFAULT NULL
) RETURNS integer
	AS 'MODULE_PATHNAME', 'factstr_stream_fail'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_fail(text, text, timestamptz) IS
	'record that whoever holds a durable stream has failed with its next batch; returns how often in a row';

CREATE FUNCTION factstr_stream_open(
	name text,
	event_query jsonb DEFAULT '{}',
	start text DEFAULT 'first',
	partitions integer DEFAULT NULL,
	partition_key text DEFAULT NULL
) RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_open'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_open(text, jsonb, text, integer, text) IS
	'make a durable stream that begins with the first fact or now, in one or in partitions, or find it again with the same query; returns its cursor';

CREATE FUNCTION factstr_stream_take_partition(name text)
	RETURNS text
	AS 'MODULE_PATHNAME', 'factstr_stream_take_partition'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_take_partition(text) IS
	'take a free partition of a durable stream until the transaction ends, the one that is furthest behind; returns its name, or null if there is none';

CREATE FUNCTION factstr_stream_repartition(
	name text,
	partitions integer,
	partition_key text DEFAULT NULL
) RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_repartition'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_repartition(text, integer, text) IS
	'divide a durable stream, all of whose partitions are at one position, into another number of them or by another key; returns the cursor';

CREATE FUNCTION factstr_subscribe(
	name text,
	event_query jsonb,
	handler regprocedure,
	start text DEFAULT 'first',
	partitions integer DEFAULT NULL,
	partition_key text DEFAULT NULL
) RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_subscribe'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_subscribe(text, jsonb, regprocedure, text, integer, text) IS
	'open a durable stream and have its batches delivered to a function(event_records jsonb); returns its cursor';

CREATE FUNCTION factstr_stream_seek(name text, sequence_number bigint, nowait boolean)
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_seek'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_seek(text, bigint, boolean) IS 'the same, perhaps without waiting for its consumer';

CREATE FUNCTION factstr_stream_set_query(name text, event_query jsonb, nowait boolean DEFAULT false)
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_set_query'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_set_query(text, jsonb, boolean) IS
	'let a durable stream go on from its cursor with another query; returns the cursor';

CREATE FUNCTION factstr_park_after(name text, failures integer)
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_park_after'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_park_after(text, integer) IS
	'let a durable stream go on without a batch on which its handler has failed so often; null: never';

CREATE FUNCTION factstr_redeliver_parked(stream text, first_sequence_number bigint)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'factstr_redeliver_parked'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_redeliver_parked(text, bigint) IS
	'deliver a parked batch to the handler, here and now; returns whether there was one';

CREATE FUNCTION factstr_discard_parked(stream text, first_sequence_number bigint)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'factstr_discard_parked'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_discard_parked(text, bigint) IS 'forget a parked batch; returns whether there was one';

CREATE FUNCTION factstr_stream_drop(name text, nowait boolean)
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_stream_drop'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_drop(text, boolean) IS 'the same, perhaps without waiting for its consumer';

COMMENT ON PROCEDURE factstr_deliver(text) IS
	'deliver to the handler here and now what there is';

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
	metadata jsonb DEFAULT NULL
) RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_redact'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_redact(bigint, jsonb, text, jsonb) IS
	'replace the payload and the metadata of a fact, and record that it was done, when, by whom and why';

CREATE FUNCTION factstr_import_redactions(batches jsonb)
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_import_redactions'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_import_redactions(jsonb) IS
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

--
-- Writing
--

-- Of a function with more arguments than before there are two; the older one's rights are carried over at the end,
-- and it is dropped.
CREATE FUNCTION factstr_append(
	events jsonb,
	idempotency_key text DEFAULT NULL,
	at_commit boolean DEFAULT false,
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT committed_count bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_append'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_append(jsonb, text, boolean) IS 'append events as one batch, now or at the commit of the transaction';

CREATE FUNCTION factstr_append_if(
	events jsonb,
	context_query jsonb,
	expected_context_version bigint,
	idempotency_key text DEFAULT NULL,
	at_commit boolean DEFAULT false,
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT committed_count bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_append_if'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_append_if(jsonb, jsonb, bigint, text, boolean) IS
	'append events as one batch if the context''s version equals the expected one (null: the context is empty), else fail with FS001';

CREATE FUNCTION factstr_append_unless(
	events jsonb,
	context_query jsonb,
	after_sequence_number bigint,
	idempotency_key text DEFAULT NULL,
	at_commit boolean DEFAULT false,
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT committed_count bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_append_unless'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_append_unless(jsonb, jsonb, bigint, text, boolean) IS
	'append events as one batch unless the context has a fact after a sequence number, else fail with FS001';

CREATE FUNCTION factstr_try_append_unless(
	events jsonb,
	context_query jsonb,
	after_sequence_number bigint,
	idempotency_key text DEFAULT NULL,
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT committed_count bigint,
	OUT conflict boolean,
	OUT actual_context_version bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_try_append_unless'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_try_append_unless(jsonb, jsonb, bigint, text) IS
	'like factstr_append_unless, with a conflict as a row instead of an error';

CREATE FUNCTION factstr_last_append(
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT committed_count bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_last_append'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_last_append() IS 'the last batch that this session has committed';

CREATE FUNCTION factstr_import(
	batches jsonb,
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT committed_count bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_import'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_import(jsonb) IS
	'take over batches of another log with their times and keys; with numbers, they must continue this log, without, they get the next ones';

--
-- Reading
--

-- A function keeps its arguments, for what depends on it and for the rights that were granted.  More arguments make
-- another function of the name.  One more of them than the other has in all is without a default, so that no call can
-- mean both.
CREATE FUNCTION factstr_read(
	event_query jsonb,
	max_count bigint,
	backwards boolean,
	since timestamptz,
	until timestamptz DEFAULT NULL,
	up_to_sequence_number bigint DEFAULT NULL,
	OUT sequence_number bigint,
	OUT occurred_at timestamptz,
	OUT event_type text,
	OUT payload jsonb,
	OUT metadata jsonb
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'factstr_read'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED ROWS 1000;
COMMENT ON FUNCTION factstr_read(jsonb, bigint, boolean, timestamptz, timestamptz, bigint) IS
	'the same of what was recorded since a time and before another, and of a log that ends with a fact';

CREATE FUNCTION factstr_export(
	after_sequence_number bigint DEFAULT 0,
	max_batches integer DEFAULT 100,
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT event_records jsonb,
	OUT idempotency_key text
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'factstr_export'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED ROWS 100;
COMMENT ON FUNCTION factstr_export(bigint, integer) IS
	'committed batches after a position with all that an import into another log needs';

CREATE FUNCTION factstr_newest(
	event_queries jsonb,
	OUT event_records jsonb,
	OUT current_context_version bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_newest'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_newest(jsonb) IS
	'the newest fact of each of several contexts, and the version of all of them together';

CREATE PROCEDURE factstr_wait_for_facts(after_sequence_number bigint, timeout interval DEFAULT NULL)
	AS 'MODULE_PATHNAME', 'factstr_wait_for_facts'
	LANGUAGE C;
COMMENT ON PROCEDURE factstr_wait_for_facts(bigint, interval) IS
	'wait until the log goes beyond a position, or the time is over';

--
-- The state of the log
--

CREATE FUNCTION factstr_position_at(occurred_at timestamptz)
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_position_at'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_position_at(timestamptz) IS
	'where the log stood at a time: the number of the newest fact from before, or 0';

CREATE FUNCTION factstr_pending_pages()
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_pending_pages'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_pending_pages() IS 'the length of the payload index''s pending list, in pages';

-- Nothing here grows with the log; what would, such as the number of batches, is for factstr_check.  Indexes
-- are found by their names, so that one of them can be dropped and created again.
CREATE VIEW factstr_status AS
SELECT log.head_sequence_number,
	(SELECT e.occurred_at FROM factstr_events e WHERE e.sequence_number = log.head_sequence_number) AS last_appended_at,
	log.head_sequence_number - factstr_position_at(statement_timestamp() - interval '1 minute') AS facts_last_minute,
	log.head_sequence_number - factstr_position_at(statement_timestamp() - interval '1 hour') AS facts_last_hour,
	(SELECT count(*) FROM factstr_redactions) AS redactions,
	streams.count AS streams,
	streams.failing AS failing_streams,
	greatest(log.head_sequence_number - streams.last_cursor, 0) AS largest_lag_facts,
	pg_catalog.pg_relation_size('factstr_events') AS table_bytes,
	(SELECT pg_catalog.pg_total_relation_size(c.reltoastrelid) FROM pg_catalog.pg_class c
	 WHERE c.oid = 'factstr_events'::pg_catalog.regclass::pg_catalog.oid) AS toast_bytes,
	(SELECT pg_catalog.jsonb_object_agg(c.relname, pg_catalog.pg_relation_size(c.oid))
	 FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
	 WHERE i.indrelid = 'factstr_events'::pg_catalog.regclass::pg_catalog.oid) AS index_bytes,
	factstr_pending_pages() AS pending_pages,
	append_lock.holders AS append_lock_holders,
	append_lock.waiters AS append_lock_waiters
FROM (SELECT factstr_flushed(coalesce(max(sequence_number), 0)) AS head_sequence_number FROM factstr_events) log
CROSS JOIN (
	SELECT count(*) AS count, count(*) FILTER (WHERE failure_count > 0) AS failing, min(cursor_sequence_number) AS last_cursor
	FROM factstr_streams) streams
CROSS JOIN (
	SELECT coalesce(pg_catalog.array_agg(coalesce(l.pid, 0)) FILTER (WHERE l.granted), '{}') AS holders,
		coalesce(pg_catalog.array_agg(l.pid) FILTER (WHERE NOT l.granted), '{}') AS waiters
	FROM pg_catalog.pg_locks l
	WHERE l.locktype = 'object'
		AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
		AND l.classid = 'factstr_events'::pg_catalog.regclass::pg_catalog.oid AND l.objid = 0::pg_catalog.oid AND l.objsubid = 0) append_lock;

COMMENT ON VIEW factstr_status IS 'the log at a glance: how long, how busy, how large, who is appending';
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

CREATE FUNCTION factstr_check(
	sample integer DEFAULT 1000,
	OUT check_name text,
	OUT ok boolean,
	OUT detail text
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'factstr_check'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION factstr_check(integer) IS
	'verify the whole log and all that hangs on it, the payload index by a sample of facts or, with null, by all';

--
-- Rights
--

REVOKE ALL ON FUNCTION factstr_append(jsonb, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_append_if(jsonb, jsonb, bigint, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_append_unless(jsonb, jsonb, bigint, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_try_append_unless(jsonb, jsonb, bigint, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_last_append() FROM PUBLIC;
REVOKE ALL ON PROCEDURE factstr_wait_for_facts(bigint, interval) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_newest(jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_import(jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_read(jsonb, bigint, boolean, timestamptz, timestamptz, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_export(bigint, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_hold(text, boolean, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_try_hold(text, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_release(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_fail(text, text, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_open(text, jsonb, text, integer, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_take_partition(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_repartition(text, integer, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_subscribe(text, jsonb, regprocedure, text, integer, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_seek(text, bigint, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_drop(text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_set_query(text, jsonb, boolean) FROM PUBLIC;
REVOKE ALL ON TABLE factstr_parked_batches FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_park_after(text, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_redeliver_parked(text, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_discard_parked(text, bigint) FROM PUBLIC;
REVOKE ALL ON TABLE factstr_redactions, factstr_status FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_redact(bigint, jsonb, text, jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_import_redactions(jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_refuse_change() FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_refuse_table_change() FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_refuse_rewrite() FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_refuse_drop() FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_position_at(timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_pending_pages() FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_check(integer) FROM PUBLIC;

-- The functions that have more arguments now: what was granted on them stays granted.
CREATE FUNCTION factstr_carry_over_rights(old regprocedure, new regprocedure)
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_carry_over_rights'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
SELECT factstr_carry_over_rights('factstr_append(jsonb, text)', 'factstr_append(jsonb, text, boolean)');
SELECT factstr_carry_over_rights('factstr_append_if(jsonb, jsonb, bigint, text)', 'factstr_append_if(jsonb, jsonb, bigint, text, boolean)');
SELECT factstr_carry_over_rights('factstr_stream_open(text, jsonb, text)', 'factstr_stream_open(text, jsonb, text, integer, text)');
SELECT factstr_carry_over_rights('factstr_subscribe(text, jsonb, regprocedure, text)', 'factstr_subscribe(text, jsonb, regprocedure, text, integer, text)');
DROP FUNCTION factstr_carry_over_rights(regprocedure, regprocedure);
DROP FUNCTION factstr_append(jsonb, text);
DROP FUNCTION factstr_append_if(jsonb, jsonb, bigint, text);
DROP FUNCTION factstr_stream_open(text, jsonb, text);
DROP FUNCTION factstr_subscribe(text, jsonb, regprocedure, text);
