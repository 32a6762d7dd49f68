-- The SQL API of factstr, read top to bottom: the log, writing, reading, matching, rights.
-- complain if the script is sourced in psql rather than through CREATE EXTENSION
\echo Use "CREATE EXTENSION factstr" to load this file. \quit

--
-- The log
--

-- Text that is compared byte by byte has collation "C": it costs less, and no update of the
-- operating system's collations can ever corrupt its indexes.
CREATE TABLE factstr_events (
	sequence_number bigint NOT NULL,
	batch_first_sequence_number bigint NOT NULL,
	occurred_at timestamptz NOT NULL,
	event_type text COLLATE "C" NOT NULL,
	payload jsonb NOT NULL,
	metadata jsonb,
	idempotency_key text COLLATE "C",
	CONSTRAINT factstr_events_pkey PRIMARY KEY (sequence_number)
);

COMMENT ON TABLE factstr_events IS 'the log: one row per fact, written by factstr_append and its siblings only';
COMMENT ON COLUMN factstr_events.sequence_number IS 'position in the log: from 1, without gaps, in commit order';
COMMENT ON COLUMN factstr_events.batch_first_sequence_number IS 'number of the first fact of the append that wrote this one';
COMMENT ON COLUMN factstr_events.occurred_at IS 'when the append wrote the fact; not an ordering key';
COMMENT ON COLUMN factstr_events.event_type IS 'what kind of fact it is';
COMMENT ON COLUMN factstr_events.payload IS 'the fact itself, any JSON value';
COMMENT ON COLUMN factstr_events.metadata IS 'an object beside the fact (correlation, causation, actor, schema version); never matched by a query';
COMMENT ON COLUMN factstr_events.idempotency_key IS 'on the first fact of a batch: the key its append was given, if any';

CREATE INDEX factstr_events_event_type_idx ON factstr_events (event_type, sequence_number);
COMMENT ON INDEX factstr_events_event_type_idx IS 'contexts by event type, in log order';

-- Appends keep the pending list far shorter than this limit, and shorten it before they take the append
-- lock. With a limit within reach, some append would empty the list while it holds the lock, and
-- every other append would wait for that. What reaches the limit is a restore from a dump.
CREATE INDEX factstr_events_payload_idx ON factstr_events USING gin (payload jsonb_path_ops)
	WITH (fastupdate = on, gin_pending_list_limit = 16384);
COMMENT ON INDEX factstr_events_payload_idx IS 'candidates for payload predicates';

CREATE UNIQUE INDEX factstr_events_idempotency_key_idx ON factstr_events (idempotency_key)
	WHERE idempotency_key IS NOT NULL;
COMMENT ON INDEX factstr_events_idempotency_key_idx IS 'one batch per idempotency key';

SELECT pg_catalog.pg_extension_config_dump('factstr_events', '');

--
-- Writing
--

CREATE FUNCTION factstr_append(
	events jsonb,
	idempotency_key text DEFAULT NULL,
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT committed_count bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_append'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_append(jsonb, text) IS 'append events as one batch';

CREATE FUNCTION factstr_append_if(
	events jsonb,
	context_query jsonb,
	expected_context_version bigint,
	idempotency_key text DEFAULT NULL,
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT committed_count bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_append_if'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_append_if(jsonb, jsonb, bigint, text) IS
	'append events as one batch if the context''s version equals the expected one (null: the context is empty), else fail with FS001';

CREATE FUNCTION factstr_try_append_if(
	events jsonb,
	context_query jsonb,
	expected_context_version bigint,
	idempotency_key text DEFAULT NULL,
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT committed_count bigint,
	OUT conflict boolean,
	OUT actual_context_version bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_try_append_if'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_try_append_if(jsonb, jsonb, bigint, text) IS
	'like factstr_append_if, with a conflict as a row instead of an error';

--
-- Reading
--

CREATE FUNCTION factstr_query(
	event_query jsonb DEFAULT '{}',
	OUT event_records jsonb,
	OUT last_returned_sequence_number bigint,
	OUT current_context_version bigint
) RETURNS record
	AS 'MODULE_PATHNAME', 'factstr_query'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_query(jsonb) IS 'the facts that match a query, and the version of their context';

CREATE FUNCTION factstr_read(
	event_query jsonb DEFAULT '{}',
	max_count bigint DEFAULT NULL,
	backwards boolean DEFAULT false,
	OUT sequence_number bigint,
	OUT occurred_at timestamptz,
	OUT event_type text,
	OUT payload jsonb,
	OUT metadata jsonb
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'factstr_read'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED ROWS 1000;
COMMENT ON FUNCTION factstr_read(jsonb, bigint, boolean) IS 'the facts that match a query as rows, for joins and big reads';

CREATE FUNCTION factstr_context_version(event_query jsonb)
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_context_version'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;
COMMENT ON FUNCTION factstr_context_version(jsonb) IS 'the highest sequence number among the facts that match, or null';

CREATE FUNCTION factstr_batches(
	event_query jsonb DEFAULT '{}',
	after_sequence_number bigint DEFAULT 0,
	max_batches integer DEFAULT 100,
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT event_records jsonb
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'factstr_batches'
	LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED ROWS 100;
COMMENT ON FUNCTION factstr_batches(jsonb, bigint, integer) IS
	'committed batches with matching facts after a position, each whole, in commit order';

--
-- Durable streams
--

CREATE TABLE factstr_streams (
	name text COLLATE "C" NOT NULL,
	event_query jsonb NOT NULL,
	cursor_sequence_number bigint NOT NULL,
	last_success_at timestamptz,
	handler text COLLATE "C",
	subscriber name,
	failure_count integer NOT NULL DEFAULT 0,
	last_error text COLLATE "C",
	last_failed_at timestamptz,
	retry_at timestamptz,
	CONSTRAINT factstr_streams_pkey PRIMARY KEY (name)
) WITH (fillfactor = 50);

COMMENT ON TABLE factstr_streams IS 'durable streams: a name, a query, a cursor and perhaps a handler, changed by the functions of factstr only';
COMMENT ON COLUMN factstr_streams.name IS 'what its consumers call it';
COMMENT ON COLUMN factstr_streams.event_query IS 'which facts it delivers';
COMMENT ON COLUMN factstr_streams.cursor_sequence_number IS 'all facts up to this one are done with';
COMMENT ON COLUMN factstr_streams.last_success_at IS 'when the cursor was moved last';
COMMENT ON COLUMN factstr_streams.handler IS 'the subscribed function, by schema and name';
COMMENT ON COLUMN factstr_streams.subscriber IS 'the role that subscribed it, with whose rights it runs';
COMMENT ON COLUMN factstr_streams.failure_count IS 'how often in a row the handler has failed on the batch after the cursor';
COMMENT ON COLUMN factstr_streams.last_error IS 'SQLSTATE and message of its last failure';
COMMENT ON COLUMN factstr_streams.last_failed_at IS 'when that was';
COMMENT ON COLUMN factstr_streams.retry_at IS 'when it is tried again, after a failure';

SELECT pg_catalog.pg_extension_config_dump('factstr_streams', '');

CREATE FUNCTION factstr_stream_open(
	name text,
	event_query jsonb DEFAULT '{}',
	start text DEFAULT 'first'
) RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_open'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_open(text, jsonb, text) IS
	'make a durable stream that begins with the first fact or now, or find it again with the same query; returns its cursor';

CREATE FUNCTION factstr_stream_next(
	name text,
	max_batches integer DEFAULT 1,
	nowait boolean DEFAULT false,
	OUT first_sequence_number bigint,
	OUT last_sequence_number bigint,
	OUT event_records jsonb
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'factstr_stream_next'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE ROWS 10;
COMMENT ON FUNCTION factstr_stream_next(text, integer, boolean) IS
	'the next committed batches of a durable stream, which is held until the transaction ends';

CREATE FUNCTION factstr_stream_ack(name text, sequence_number bigint)
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_ack'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_ack(text, bigint) IS
	'move the cursor of a durable stream to the end of a batch that is done with; returns the cursor';

CREATE FUNCTION factstr_stream_seek(name text, sequence_number bigint)
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_stream_seek'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_seek(text, bigint) IS 'let a durable stream go on after any fact, or from 0';

CREATE FUNCTION factstr_stream_drop(name text)
	RETURNS void
	AS 'MODULE_PATHNAME', 'factstr_stream_drop'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_stream_drop(text) IS 'forget a durable stream and its cursor';

CREATE PROCEDURE factstr_wait(sequence_number bigint, stream text, timeout interval DEFAULT NULL)
	AS 'MODULE_PATHNAME', 'factstr_wait'
	LANGUAGE C;
COMMENT ON PROCEDURE factstr_wait(bigint, text, interval) IS
	'wait until a durable stream has got to a position; FS007 if it has not in time';

--
-- Handlers in the database
--

CREATE FUNCTION factstr_subscribe(
	name text,
	event_query jsonb,
	handler regprocedure,
	start text DEFAULT 'first'
) RETURNS bigint
	AS 'MODULE_PATHNAME', 'factstr_subscribe'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_subscribe(text, jsonb, regprocedure, text) IS
	'open a durable stream and have its batches delivered to a function(event_records jsonb); returns its cursor';

CREATE FUNCTION factstr_unsubscribe(name text)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'factstr_unsubscribe'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION factstr_unsubscribe(text) IS
	'deliver no more to the handler; the stream and its cursor stay. Returns whether there was a handler';

CREATE PROCEDURE factstr_deliver(name text)
	AS 'MODULE_PATHNAME', 'factstr_deliver'
	LANGUAGE C;
COMMENT ON PROCEDURE factstr_deliver(text) IS
	'deliver to the handler here and now what there is, each batch in a transaction of its own';

--
-- The state of durable streams
--

-- The consumer is whoever holds the stream's lock, which is numbered by a hash of the name.
CREATE VIEW factstr_stream_status AS
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
		AND l.classid = 'factstr_streams'::pg_catalog.regclass
		AND l.objid::bigint = pg_catalog.hashtextextended(s.name, 0) & 4294967295
		AND l.objsubid = (pg_catalog.hashtextextended(s.name, 0) >> 32) & 32767) AS consumer_pid
FROM factstr_streams s
CROSS JOIN (SELECT coalesce(max(sequence_number), 0) AS head_sequence_number FROM factstr_events) log;

COMMENT ON VIEW factstr_stream_status IS 'where each durable stream is, how far behind, and who is consuming it';
COMMENT ON COLUMN factstr_stream_status.name IS 'what its consumers call it';
COMMENT ON COLUMN factstr_stream_status.event_query IS 'which facts it delivers';
COMMENT ON COLUMN factstr_stream_status.cursor_sequence_number IS 'all facts up to this one are done with';
COMMENT ON COLUMN factstr_stream_status.head_sequence_number IS 'the newest fact of the log, 0 if there is none';
COMMENT ON COLUMN factstr_stream_status.lag_facts IS 'how many facts, matching or not, lie after the cursor';
COMMENT ON COLUMN factstr_stream_status.lag_time IS 'how long ago the first of them was appended';
COMMENT ON COLUMN factstr_stream_status.last_success_at IS 'when the cursor was moved last';
COMMENT ON COLUMN factstr_stream_status.handler IS 'the subscribed function, if there is one';
COMMENT ON COLUMN factstr_stream_status.subscriber IS 'the role that subscribed it, with whose rights it runs';
COMMENT ON COLUMN factstr_stream_status.failure_count IS 'how often in a row the handler has failed on the batch after the cursor; 0: it works';
COMMENT ON COLUMN factstr_stream_status.last_error IS 'SQLSTATE and message of its last failure';
COMMENT ON COLUMN factstr_stream_status.last_failed_at IS 'when that was';
COMMENT ON COLUMN factstr_stream_status.retry_at IS 'when it is tried again, after a failure';
COMMENT ON COLUMN factstr_stream_status.consumer_pid IS 'the backend that holds the stream now';

--
-- Matching
--

CREATE FUNCTION factstr_matches(event_query jsonb, event_type text, payload jsonb)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'factstr_matches'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION factstr_matches(jsonb, text, jsonb) IS 'does a fact of this type and payload match a query?';

--
-- Rights
--

-- The functions reach the log with no regard to the caller's rights on the table: the right to
-- execute one is the right to do what it does. So nobody has it until it is granted.
REVOKE ALL ON TABLE factstr_events, factstr_streams, factstr_stream_status FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_append(jsonb, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_append_if(jsonb, jsonb, bigint, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_try_append_if(jsonb, jsonb, bigint, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_query(jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_read(jsonb, bigint, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_context_version(jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_batches(jsonb, bigint, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_open(text, jsonb, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_next(text, integer, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_ack(text, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_seek(text, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_stream_drop(text) FROM PUBLIC;
REVOKE ALL ON PROCEDURE factstr_wait(bigint, text, interval) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_subscribe(text, jsonb, regprocedure, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION factstr_unsubscribe(text) FROM PUBLIC;
REVOKE ALL ON PROCEDURE factstr_deliver(text) FROM PUBLIC;
