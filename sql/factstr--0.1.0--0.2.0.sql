-- complain if the script is sourced in psql rather than through ALTER EXTENSION
\echo Use "ALTER EXTENSION factstr UPDATE" to load this file. \quit

-- Locks are taken in the order in which sessions take them, so that nobody is in the way of a session that is in
-- the update's: first the view, then the streams, then the log.  No table is rewritten, and none is read.

--
-- The state of durable streams
--

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
		WHERE e.sequence_number > s.cursor_sequence_number
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
		AND l.objsubid = (pg_catalog.hashtextextended(s.name, 0) >> 32) & 32767::bigint) AS consumer_pid
FROM factstr_streams s
CROSS JOIN (SELECT coalesce(max(sequence_number), 0) AS head_sequence_number FROM factstr_events) log;

COMMENT ON COLUMN factstr_stream_status.failure_count IS 'how often in a row its consumer has failed on the batch after the cursor; 0: it works';

--
-- Durable streams
--

ALTER TABLE factstr_streams ADD COLUMN token bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN factstr_streams.failure_count IS 'how often in a row its consumer has failed on the batch after the cursor';
COMMENT ON COLUMN factstr_streams.token IS 'the fencing token of its last consumer: each new one gets a higher one';

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

CREATE FUNCTION factstr_stream_seek(name text, sequence_number bigint, nowait boolean)
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_seek'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_seek(text, bigint, boolean) IS 'the same, perhaps without waiting for its consumer';

CREATE FUNCTION factstr_stream_drop(name text, nowait boolean)
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_stream_drop'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_drop(text, boolean) IS 'the same, perhaps without waiting for its consumer';

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

COMMENT ON TABLE factstr_redactions IS 'one row per call of factstr_redact, written by it only';
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

--
-- Writing
--

CREATE FUNCTION factstr_import(
	batches jsonb,
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT committed_count bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_import'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_import(jsonb) IS
	'take over exported batches of another log, which must continue this one, with their numbers, times and keys';

--
-- Reading
--

-- A function keeps its arguments, for what depends on it and for the rights that were granted.  More arguments make
-- another function of the name, without defaults, so that no call can mean both.
CREATE FUNCTION factstr_read(
	event_query jsonb,
	max_count bigint,
	backwards boolean,
	up_to_sequence_number bigint,
	OUT sequence_number bigint,
	OUT occurred_at timestamptz,
	OUT event_type text,
	OUT payload jsonb,
	OUT metadata jsonb
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'factstr_read'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED ROWS 1000;
COMMENT ON FUNCTION factstr_read(jsonb, bigint, boolean, bigint) IS 'the same of a log that ends with a fact';

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
FROM (SELECT coalesce(max(sequence_number), 0) AS head_sequence_number FROM factstr_events) log
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

REVOKE ALL ON FUNCTION factstr_import(jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_read(jsonb, bigint, boolean, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_export(bigint, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_hold(text, boolean, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_try_hold(text, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_release(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_fail(text, text, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_seek(text, bigint, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_drop(text, boolean) FROM PUBLIC;
REVOKE ALL ON TABLE factstr_redactions, factstr_status FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_redact(bigint, jsonb, text, jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_refuse_change() FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_position_at(timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_pending_pages() FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_check(integer) FROM PUBLIC;
