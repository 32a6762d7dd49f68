-- Additions of a user to the log's table: allowed and refused ones.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

CREATE FUNCTION pg_temp.append(event_type text, payload jsonb, count int = 1) RETURNS text
LANGUAGE sql AS $$SELECT factstr_append(
		jsonb_agg(jsonb_build_object('event_type', event_type, 'payload', payload)))::text
	FROM generate_series(1, count)$$;
SELECT pg_temp.append('first', '1');

-- A user's own index is kept up to date: on an expression, partial, unique.
CREATE INDEX by_account ON factstr_events ((payload->>'account')) WHERE event_type = 'account';
CREATE UNIQUE INDEX one_name ON factstr_events ((payload->>'name')) WHERE event_type = 'named';
SELECT pg_temp.append('account', '{"account": 7}'), pg_temp.append('account', '{"account": 8}', 3),
	pg_temp.append('account', '{"account": 7}');
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT sequence_number
FROM factstr_events WHERE payload->>'account' = '7' AND event_type = 'account';
SELECT sequence_number
FROM factstr_events WHERE payload->>'account' = '7' AND event_type = 'account';
RESET enable_seqscan;
SELECT pg_temp.append('named', '{"name": "a"}');
SELECT pg_temp.append('named', '{"name": "a"}');
SELECT pg_temp.append('named', '{"name": "b"}', 2);
SELECT pg_temp.append('named', '{"name": "b"}');
DROP INDEX by_account, one_name;

-- A user's own constraint is enforced, on one event and in the middle of many; nothing is stored.
ALTER TABLE factstr_events ADD CONSTRAINT no_zero CHECK (payload <> '0');
SELECT f.state, f.message
FROM pg_temp.failure('SELECT factstr_append(''[{"event_type": "a", "payload": 0}]'')') f;
SELECT f.state, f.message
FROM pg_temp.failure(
	'SELECT factstr_append(''[{"event_type": "a", "payload": 1},
		{"event_type": "a", "payload": 0}, {"event_type": "a", "payload": 2}]'')') f;
SELECT pg_temp.append('allowed', '1');
ALTER TABLE factstr_events DROP CONSTRAINT no_zero;
SELECT pg_temp.append('allowed again', '0');

-- Another table may refer to facts.
CREATE TABLE referring (fact bigint REFERENCES factstr_events);
INSERT INTO referring VALUES (1);
INSERT INTO referring VALUES (1000);
SELECT pg_temp.append('referred to', '1');
DROP TABLE referring;

-- A trigger for INSERT would not fire, so an append refuses to run beside one, before it takes any
-- lock; other triggers are allowed.
CREATE FUNCTION pg_temp.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER before_row BEFORE INSERT ON factstr_events FOR EACH ROW
	EXECUTE FUNCTION pg_temp.nothing();
SELECT f.* FROM pg_temp.failure('SELECT factstr_append(''[{"event_type": "a", "payload": 1}]'')') f;
SELECT f.* FROM pg_temp.failure(
	'SELECT factstr_append_if(''[{"event_type": "a", "payload": 1}]'', ''{}'',
		(SELECT max(sequence_number) FROM factstr_events))') f;
SELECT count(*) > 0 AS readable FROM factstr_read();
ALTER TABLE factstr_events DISABLE TRIGGER before_row;
SELECT committed_count FROM factstr_append('[{"event_type": "a", "payload": 1}]');
DROP TRIGGER before_row ON factstr_events;
ALTER EVENT TRIGGER factstr_tables_stay DISABLE;
CREATE RULE no_insert AS ON INSERT TO factstr_events DO INSTEAD NOTHING;
SELECT f.* FROM pg_temp.failure('SELECT factstr_append(''[{"event_type": "a", "payload": 1}]'')') f;
DROP RULE no_insert ON factstr_events;
ALTER EVENT TRIGGER factstr_tables_stay ENABLE ALWAYS;
CREATE TRIGGER after_row AFTER INSERT OR UPDATE ON factstr_events FOR EACH ROW
	EXECUTE FUNCTION pg_temp.nothing();
SELECT f.state
FROM pg_temp.failure('SELECT factstr_append(''[{"event_type": "a", "payload": 1}]'')') f;
DROP TRIGGER after_row ON factstr_events;
CREATE TRIGGER before_statement BEFORE INSERT ON factstr_events EXECUTE FUNCTION pg_temp.nothing();
SELECT f.state
FROM pg_temp.failure('SELECT factstr_append(''[{"event_type": "a", "payload": 1}]'')') f;
DROP TRIGGER before_statement ON factstr_events;
CREATE TRIGGER after_statement AFTER INSERT ON factstr_events REFERENCING NEW TABLE AS new
	EXECUTE FUNCTION pg_temp.nothing();
SELECT f.state
FROM pg_temp.failure('SELECT factstr_append(''[{"event_type": "a", "payload": 1}]'')') f;
DROP TRIGGER after_statement ON factstr_events;
CREATE TRIGGER after_update AFTER UPDATE OR DELETE ON factstr_events FOR EACH ROW
	EXECUTE FUNCTION pg_temp.nothing();
SELECT pg_temp.append('beside another trigger', '1');
DROP TRIGGER after_update ON factstr_events;

-- A missing relation is named, and found again.
ALTER INDEX factstr_events_payload_idx RENAME TO elsewhere;
SELECT f.* FROM pg_temp.failure('SELECT factstr_append(''[{"event_type": "a", "payload": 1}]'')') f;
SELECT f.state FROM pg_temp.failure('SELECT factstr_query()') f;
ALTER INDEX elsewhere RENAME TO factstr_events_payload_idx;
SELECT pg_temp.append('found again', '1');
DROP INDEX factstr_events_event_type_idx;
SELECT f.* FROM pg_temp.failure('SELECT factstr_query()') f;
CREATE INDEX factstr_events_event_type_idx ON factstr_events (event_type, sequence_number);
SELECT count(*) > 0 AS readable FROM factstr_read('{"filters": [{"event_types": ["account"]}]}');
-- Maintenance does no harm.
REINDEX TABLE factstr_events;
VACUUM (FULL, ANALYZE) factstr_events;
CLUSTER factstr_events USING factstr_events_pkey;
SELECT pg_temp.append('after maintenance', '{"x": 1}', 2);
SELECT count(*) FROM factstr_read('{"filters": [{"payload_predicates": [{"x": 1}]}]}');

-- An append refuses to run with a column that it does not know; after the column is dropped, it
-- succeeds.
ALTER TABLE factstr_events ADD COLUMN note text;
SELECT f.* FROM pg_temp.failure(format('SELECT factstr_append(%L)', pg_temp.events('a', 1))) f;
SELECT count(*) > 0 AS readable FROM factstr_read();
ALTER TABLE factstr_events DROP COLUMN note;
SELECT f.state, f.message
FROM (VALUES (1), (3)) counts(count),
	pg_temp.failure(format('SELECT factstr_append(%L)', pg_temp.events('column gone', count))) f;
SELECT count(*) FROM factstr_read('{"filters": [{"event_types": ["column gone"]}]}');

-- NOT NULL that the user has added
BEGIN;
ALTER TABLE factstr_events DISABLE TRIGGER factstr_events_stay;
UPDATE factstr_events SET metadata = '{}' WHERE metadata IS NULL;
ALTER TABLE factstr_events ALTER metadata SET NOT NULL;
SELECT f.state FROM pg_temp.failure(
	$$SELECT factstr_append('[{"event_type": "a", "payload": 1}]')$$) f;
SELECT f.state FROM pg_temp.failure(
	$$SELECT factstr_append('[{"event_type": "a", "payload": 1, "metadata": {"m": 1}}]')$$) f;
ROLLBACK;

-- An incomplete index would make answers wrong and a context look unchanged (rule 17): there is no
-- answer.
SELECT committed_count FROM factstr_append(pg_temp.events('many', 600));
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'factstr_events_payload_idx'::regclass;
SELECT f.* FROM pg_temp.failure(
	$$SELECT factstr_context_version('{"filters": [{"payload_predicates": [{"x": 1}]}]}')$$) f;
SELECT f.state FROM pg_temp.failure(
	$$SELECT factstr_append_if(
			'[{"event_type": "a", "payload": 1}]',
			'{"filters": [{"payload_predicates": [{"x": 1}]}]}', NULL)$$) f;
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'factstr_events_payload_idx'::regclass;
SELECT factstr_context_version('{"filters": [{"payload_predicates": [{"x": 1}]}]}')
	> 0 AS found_again;
DROP INDEX factstr_events_event_type_idx;
CREATE INDEX factstr_events_event_type_idx ON factstr_events (event_type, sequence_number)
WHERE sequence_number > 10;
SELECT f.state, f.message FROM pg_temp.failure($$SELECT factstr_query()$$) f;
DROP INDEX factstr_events_event_type_idx;
CREATE INDEX factstr_events_event_type_idx ON factstr_events (event_type, sequence_number);

SELECT count(*) = max(sequence_number) AS gap_free FROM factstr_events;

-- Sequence numbers have a maximum.
DROP EXTENSION factstr CASCADE;
CREATE EXTENSION factstr;
INSERT INTO factstr_events VALUES (9223372036854775806, 9223372036854775806, now(), 'late', '1');
SELECT f.* FROM pg_temp.failure(format('SELECT factstr_append(%L)', pg_temp.events('last', 2))) f;
SELECT (factstr_append('[{"event_type": "last", "payload": 1}]')).last_sequence_number;
SELECT f.state FROM pg_temp.failure(
	$$SELECT factstr_append('[{"event_type": "too late", "payload": 1}]')$$) f;
SELECT sequence_number FROM factstr_read('{}', 2, true);
DROP EXTENSION factstr CASCADE;
