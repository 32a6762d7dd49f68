-- Tables and indexes are found by their names, and used only if they have the definitions of the
-- extension.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;
SELECT factstr_append(pg_temp.events('a', 300)), factstr_append(pg_temp.events('b', 2), 'key');
SELECT factstr_stream_open('s'), factstr_redact(1, '{"n": 1}', 'why');
CREATE TABLE other (LIKE factstr_events);

-- The call, and its error after something has taken the place of an index; then all of it
-- is rolled back.
CREATE FUNCTION pg_temp.with(change text, call text) RETURNS TABLE (state text, message text,
	detail text, hint text)
LANGUAGE plpgsql AS $$
DECLARE
	result record;
BEGIN
	BEGIN
		EXECUTE change;
		SELECT * INTO result FROM pg_temp.failure(call);
		RAISE EXCEPTION 'undo';
	EXCEPTION WHEN raise_exception THEN
	END;
	RETURN QUERY SELECT result.state, result.message, result.detail, result.hint;
END
$$;
CREATE TEMP TABLE calls (call text, uses text[]);
INSERT INTO calls VALUES
	('SELECT factstr_append(''[{"event_type": "c", "payload": {"n": 1}}]'')',
		'{pkey,event_type,payload,idempotency_key}'),
	('SELECT factstr_query(''{"filters": [{"event_types": ["b"],
		"payload_predicates": [{"n": 1}]}]}'')',
		'{pkey,event_type,payload,idempotency_key}'),
	('SELECT factstr_check()', '{pkey,event_type,payload,idempotency_key,streams,redactions}'),
	('SELECT factstr_stream_next(''s'')', '{streams}'),
	('SELECT factstr_redact(1, ''{"n": 1}'', ''again'')', '{streams,errors,redactions}');

-- Each index as another one: of another table, of another method, of other columns, in another
-- order, and so on.
CREATE TEMP TABLE indexes (index text, name text);
INSERT INTO indexes VALUES
	('payload', 'factstr_events_payload_idx'),
	('event_type', 'factstr_events_event_type_idx'),
	('idempotency_key', 'factstr_events_idempotency_key_idx'),
	('pkey', 'factstr_events_pkey'),
	('streams', 'factstr_streams_pkey'),
	('errors', 'factstr_streams_last_error_idx'),
	('redactions', 'factstr_redactions_sequence_number_idx');
CREATE TEMP TABLE changes (n int GENERATED ALWAYS AS IDENTITY, index text, kind text,
	definition text);
INSERT INTO changes (index, kind, definition) VALUES
	('payload', 'INDEX', 'ON other USING gin (payload jsonb_path_ops)'),
	('payload', 'INDEX', 'ON factstr_events USING gin (payload)'),
	('payload', 'INDEX', 'ON factstr_events (payload)'),
	('payload', 'INDEX', 'ON factstr_events USING gin (metadata jsonb_path_ops)'),
	('payload', 'INDEX', 'ON factstr_events USING gin ((payload->''n'') jsonb_path_ops)'),
	('payload', 'INDEX', 'ON factstr_events USING gin (payload jsonb_path_ops)
		WHERE payload IS NOT NULL'),
	('payload', 'TABLE', '()'),
	('payload', NULL, NULL),
	('event_type', 'INDEX', 'ON factstr_events (event_type, sequence_number DESC)'),
	('event_type', 'INDEX', 'ON factstr_events (event_type NULLS FIRST, sequence_number)'),
	('event_type', 'INDEX', 'ON factstr_events (sequence_number, event_type)'),
	('event_type', 'INDEX', 'ON factstr_events (event_type)'),
	('event_type', 'INDEX', 'ON factstr_events (event_type) INCLUDE (sequence_number)'),
	('event_type', 'INDEX', 'ON factstr_events (event_type text_pattern_ops, sequence_number)'),
	('event_type', 'INDEX', 'ON factstr_events (event_type COLLATE "POSIX", sequence_number)'),
	('event_type', 'INDEX', 'ON factstr_events USING brin (event_type, sequence_number)'),
	('event_type', 'UNIQUE INDEX', 'ON factstr_events (event_type, sequence_number)'),
	('idempotency_key', 'INDEX',
		'ON factstr_events (idempotency_key) WHERE idempotency_key IS NOT NULL'),
	('idempotency_key', 'UNIQUE INDEX', 'ON factstr_events (idempotency_key)'),
	('idempotency_key', 'UNIQUE INDEX',
		'ON factstr_events (idempotency_key) WHERE metadata IS NOT NULL'),
	('idempotency_key', 'UNIQUE INDEX',
		'ON factstr_events (idempotency_key) WHERE idempotency_key IS NULL'),
	('idempotency_key', 'UNIQUE INDEX', 'ON factstr_events (idempotency_key)
		WHERE idempotency_key IS NOT NULL AND sequence_number > 1000'),
	('pkey', 'INDEX', 'ON factstr_events (sequence_number)'),
	('pkey', 'UNIQUE INDEX', 'ON factstr_events (sequence_number DESC)'),
	('pkey', 'CONSTRAINT', 'factstr_events UNIQUE (sequence_number) DEFERRABLE'),
	('pkey', 'CONSTRAINT', 'other PRIMARY KEY (sequence_number)'),
	('streams', 'UNIQUE INDEX', 'ON factstr_streams (name text_pattern_ops, log)'),
	('streams', 'CONSTRAINT', 'factstr_streams PRIMARY KEY (token)'),
	('streams', NULL, NULL),
	('errors', 'INDEX', 'ON factstr_streams (name)'),
	('errors', 'INDEX', 'ON factstr_streams (name) WHERE last_error IS NULL'),
	('redactions', 'INDEX', 'ON other (sequence_number)'),
	('redactions', 'INDEX', 'ON factstr_redactions (sequence_number) WHERE sequence_number > 1');
CREATE FUNCTION pg_temp.statements(index text, kind text, definition text) RETURNS text
	LANGUAGE sql AS $$
	SELECT CASE WHEN constrained IS NULL THEN format('DROP INDEX %I;', name)
		ELSE format('ALTER TABLE %I DROP CONSTRAINT %I;', constrained, name) END
		|| CASE WHEN kind IS NULL THEN ''
			WHEN kind = 'CONSTRAINT' THEN regexp_replace(
				definition, '^\w+', format('ALTER TABLE \& ADD CONSTRAINT %I', name))
			ELSE format('CREATE %s %I %s', kind, name, definition) END
	FROM indexes, LATERAL (SELECT (regexp_match(name, '^(.*)_pkey'))[1] AS constrained) c
	WHERE indexes.index = statements.index
$$;
SELECT n, kind, definition, f.state, f.message, f.detail
FROM changes, LATERAL (SELECT call FROM calls WHERE index = ANY (uses) ORDER BY call LIMIT 1) c,
	pg_temp.with(pg_temp.statements(index, kind, definition), call) f
ORDER BY n;
SELECT DISTINCT f.hint
FROM changes, LATERAL (SELECT call FROM calls WHERE index = ANY (uses) ORDER BY call LIMIT 1) c,
	pg_temp.with(pg_temp.statements(index, kind, definition), call) f
ORDER BY 1;
-- An index of streams or redactions is a matter of who uses them.
SELECT n, call, f.state
FROM changes, calls, pg_temp.with(pg_temp.statements(index, kind, definition), call) f
WHERE index IN ('streams', 'errors', 'redactions') AND (f.state IN ('42P01',
	'55000')) <> (index = ANY (uses))
ORDER BY n, call;
-- An index that is being built
SELECT f.* FROM pg_temp.with(
	'UPDATE pg_index SET indisvalid = false
		WHERE indexrelid = ''factstr_events_payload_idx''::regclass',
	'SELECT factstr_query()') f;

-- The statements of the hints make it right.
DROP INDEX factstr_events_payload_idx;
CREATE INDEX factstr_events_payload_idx ON other (sequence_number);
SELECT f.hint FROM pg_temp.failure('SELECT factstr_query()') f \gset
SELECT regexp_replace(:'hint', '^[^:]*: (.*)\.$', '\1') AS remedy \gset
:remedy;
SELECT f.state FROM pg_temp.failure('SELECT factstr_query()') f;
ALTER TABLE factstr_events DROP CONSTRAINT factstr_events_pkey;
ALTER TABLE other ADD CONSTRAINT factstr_events_pkey PRIMARY KEY (sequence_number);
SELECT f.hint FROM pg_temp.failure('SELECT factstr_query()') f \gset
SELECT regexp_replace(:'hint', '^[^:]*: (.*)\.$', '\1') AS remedy \gset
:remedy;
SELECT f.state FROM pg_temp.failure('SELECT factstr_query()') f;
SELECT check_name FROM factstr_check(NULL) WHERE NOT ok;

-- These do not matter: the index's tablespace, storage parameters, and the command that created it.
DROP INDEX factstr_events_payload_idx;
CREATE INDEX factstr_events_payload_idx ON factstr_events USING gin (payload jsonb_path_ops)
	WITH (fastupdate = off);
ALTER TABLE factstr_events DROP CONSTRAINT factstr_events_pkey;
CREATE UNIQUE INDEX by_number ON factstr_events (sequence_number) WITH (fillfactor = 90);
ALTER TABLE factstr_events ADD CONSTRAINT factstr_events_pkey PRIMARY KEY USING INDEX by_number;
SELECT factstr_append(pg_temp.events('c', 1));
SELECT factstr_context_version('{"filters": [{"event_types": ["a"],
	"payload_predicates": [{"n": 7}]}]}');

-- Columns are read by their numbers: one that is dropped, renamed, of another type or collation, or
-- may be null.
-- Event triggers would refuse most of it.
SET client_min_messages = warning;
DO $$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT evtname FROM pg_event_trigger LOOP
		EXECUTE format('ALTER EVENT TRIGGER %I DISABLE', name);
	END LOOP;
END $$;
CREATE TEMP TABLE column_changes (n int GENERATED ALWAYS AS IDENTITY, index text, change text);
INSERT INTO column_changes (index, change) VALUES
	('pkey', 'ALTER TABLE factstr_events DROP COLUMN metadata'),
	('pkey', 'ALTER TABLE factstr_events RENAME COLUMN payload TO body'),
	('pkey', 'ALTER TABLE factstr_events ALTER COLUMN idempotency_key TYPE text COLLATE "POSIX"'),
	('pkey', 'ALTER TABLE factstr_events ALTER COLUMN metadata TYPE json'),
	('pkey', 'ALTER TABLE factstr_events ALTER COLUMN batch_first_sequence_number DROP NOT NULL'),
	('streams', 'ALTER TABLE factstr_streams ALTER COLUMN failure_count DROP NOT NULL'),
	('streams', 'ALTER TABLE factstr_streams RENAME COLUMN cursor_sequence_number TO position'),
	('redactions', 'ALTER TABLE factstr_redactions ALTER COLUMN redacted_at DROP NOT NULL'),
	('redactions', 'ALTER TABLE factstr_redactions ALTER COLUMN redacted_by TYPE text'),
	('redactions', 'ALTER TABLE factstr_redactions DROP COLUMN reason'),
	('pkey', 'ALTER TABLE factstr_events RENAME TO elsewhere'),
	('pkey', 'ALTER TABLE factstr_events RENAME TO elsewhere; CREATE VIEW factstr_events AS SELECT * FROM elsewhere');
SELECT n, change, f.*
FROM column_changes,
	LATERAL (SELECT call FROM calls WHERE index = ANY (uses) ORDER BY call LIMIT 1) c,
	pg_temp.with(change, call) f
ORDER BY n;
-- A user's additions do not matter.
ALTER TABLE factstr_streams ADD COLUMN note text, ALTER COLUMN last_error SET DEFAULT 'none';
SELECT first_sequence_number FROM factstr_stream_next('s');
DROP EXTENSION factstr CASCADE;
DROP TABLE other;
