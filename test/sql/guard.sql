-- Ways past the trigger that refuses changes: each is closed, or is no way.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;
SELECT factstr_append(pg_temp.events('a', 3), 'key');
SELECT factstr_redact(2, '{"n": 0}', 'a test');
SELECT factstr_stream_open('s');
CREATE TEMP TABLE before AS SELECT * FROM factstr_events;

-- A parent, whose statements would reach the rows; a child, whose rows would be read as facts;
-- rules, row security
CREATE TABLE parent (LIKE factstr_events);
CREATE TABLE partitioned (LIKE factstr_events) PARTITION BY RANGE (sequence_number);
CREATE TABLE parent_of_redactions (LIKE factstr_redactions);
CREATE TABLE parent_of_streams (LIKE factstr_streams);
CREATE TABLE lookalike (LIKE factstr_events);
CREATE TEMP TABLE commands (n int GENERATED ALWAYS AS IDENTITY, command text);
INSERT INTO commands (command) VALUES
	('ALTER TABLE factstr_events INHERIT parent'),
	('ALTER TABLE factstr_redactions INHERIT parent_of_redactions'),
	('ALTER TABLE factstr_streams INHERIT parent_of_streams'),
	('ALTER TABLE partitioned ATTACH PARTITION factstr_events FOR VALUES
		FROM (MINVALUE) TO (MAXVALUE)'),
	('CREATE TABLE child () INHERITS (factstr_events)'),
	('ALTER TABLE lookalike INHERIT factstr_events'),
	('CREATE TABLE child () INHERITS (factstr_streams)'),
	('CREATE RULE quiet AS ON DELETE TO factstr_events DO INSTEAD NOTHING'),
	('CREATE RULE quiet AS ON UPDATE TO factstr_redactions DO ALSO SELECT 1'),
	('ALTER TABLE factstr_events ENABLE ROW LEVEL SECURITY'),
	('ALTER TABLE factstr_events FORCE ROW LEVEL SECURITY'),
	('ALTER TABLE factstr_redactions ENABLE ROW LEVEL SECURITY');
SELECT n, command, f.state, f.message FROM commands, pg_temp.failure(command) f ORDER BY n;
SELECT DISTINCT f.detail FROM commands, pg_temp.failure(command) f ORDER BY 1;
SELECT f.hint FROM commands, pg_temp.failure(command) f ORDER BY n;
-- Nor in a replica, nor in a block that has done other things, nor in several commands that undo
-- one another
SET session_replication_role = replica;
SELECT count(*) AS tried, count(*) FILTER (WHERE f.state <> '42809') AS not_refused FROM commands,
	pg_temp.failure(command) f;
RESET session_replication_role;
BEGIN;
CREATE TABLE another (n int);
ALTER TABLE another ADD COLUMN m int;
ALTER TABLE factstr_events INHERIT parent;
ROLLBACK;
DO $$
BEGIN
	EXECUTE 'ALTER TABLE factstr_events INHERIT parent';
	EXECUTE 'DELETE FROM parent';
END $$;

-- Commands that would rewrite the rows, or let a crash remove them
TRUNCATE commands RESTART IDENTITY;
INSERT INTO commands (command) VALUES
	('ALTER TABLE factstr_events ALTER COLUMN payload TYPE jsonb USING ''{"forged": true}'''),
	('ALTER TABLE factstr_events ALTER COLUMN metadata TYPE jsonb USING NULL'),
	('ALTER TABLE factstr_events ALTER COLUMN idempotency_key TYPE varchar USING ''forged'''),
	('ALTER TABLE factstr_redactions ALTER COLUMN reason TYPE text USING ''forged'''),
	('ALTER TABLE factstr_streams ALTER COLUMN token TYPE bigint USING 0'),
	('ALTER TABLE factstr_events ADD COLUMN drawn float8 DEFAULT random()'),
	('ALTER TABLE factstr_events ADD COLUMN computed text GENERATED ALWAYS
		AS (upper(event_type)) STORED'),
	('ALTER TABLE factstr_events SET UNLOGGED'),
	('ALTER TABLE factstr_redactions SET UNLOGGED'),
	('ALTER TABLE factstr_streams SET UNLOGGED'),
	('ALTER TABLE factstr_events DROP COLUMN metadata'),
	('ALTER TABLE factstr_events DROP COLUMN payload CASCADE'),
	('ALTER TABLE factstr_events RENAME COLUMN payload TO body'),
	('ALTER TABLE factstr_events ALTER COLUMN payload DROP NOT NULL'),
	('ALTER TABLE factstr_redactions DROP COLUMN reason'),
	('ALTER TABLE factstr_streams DROP COLUMN last_error CASCADE'),
	('ALTER TABLE factstr_events ADD COLUMN note text, DROP COLUMN occurred_at CASCADE'),
	('ALTER TABLE factstr_streams ALTER COLUMN cursor_sequence_number DROP NOT NULL');
SELECT n, command, f.state, f.message, f.detail FROM commands, pg_temp.failure(command) f
	ORDER BY n;

-- Statements that reach the rows by other ways: the trigger sees each.
CREATE TABLE referred (type text PRIMARY KEY, key text UNIQUE, n bigint UNIQUE);
INSERT INTO referred VALUES ('a', 'key', 1), ('b', NULL, 2), ('c', NULL, 3);
CREATE VIEW facts AS SELECT * FROM factstr_events;
CREATE VIEW written AS SELECT * FROM factstr_events;
CREATE FUNCTION pg_temp.write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM factstr_events WHERE sequence_number = OLD.sequence_number;
	RETURN OLD;
END $$;
CREATE TRIGGER write INSTEAD OF DELETE ON written FOR EACH ROW EXECUTE FUNCTION pg_temp.write();
CREATE FUNCTION pg_temp.with_reference(reference text, statement text, OUT state text,
	OUT message text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'ALTER TABLE factstr_events ADD CONSTRAINT reference ' || reference;
	SELECT f.state, f.message INTO state, message FROM pg_temp.failure(statement) f;
	ALTER TABLE factstr_events DROP CONSTRAINT reference;
END $$;
SELECT reference, statement, f.state, f.message
FROM (VALUES
	('FOREIGN KEY (event_type) REFERENCES referred ON DELETE CASCADE',
		'DELETE FROM referred WHERE type = ''a'''),
	('FOREIGN KEY (event_type) REFERENCES referred ON UPDATE CASCADE',
		'UPDATE referred SET type = ''forged'' WHERE type = ''a'''),
	('FOREIGN KEY (idempotency_key) REFERENCES referred (key) ON DELETE SET NULL',
		'DELETE FROM referred WHERE type = ''a'''),
	('FOREIGN KEY (idempotency_key) REFERENCES referred (key) ON UPDATE SET DEFAULT',
		'UPDATE referred SET key = ''other'' WHERE type = ''a'''),
	('FOREIGN KEY (sequence_number) REFERENCES referred (n) ON DELETE CASCADE',
		'DELETE FROM referred WHERE n = 3'),
	('FOREIGN KEY (event_type) REFERENCES referred',
		'TRUNCATE referred CASCADE')) r(reference, statement),
	pg_temp.with_reference(reference, statement) f;
SELECT statement, f.state, f.message
FROM (VALUES
	('DELETE FROM facts'),
	('UPDATE facts SET payload = ''1'' WHERE false'),
	('DELETE FROM written'),
	('WITH gone AS (DELETE FROM factstr_events RETURNING 1) INSERT INTO lookalike SELECT *
		FROM before'),
	('INSERT INTO factstr_events SELECT * FROM before
		ON CONFLICT (sequence_number) DO UPDATE SET payload = ''1''')) s(statement),
	pg_temp.failure(statement) f;
DROP VIEW facts, written;

-- Commands that change storage or rights, but no fact
ALTER TABLE factstr_events ALTER COLUMN payload SET STORAGE EXTERNAL;
ALTER TABLE factstr_events ALTER COLUMN payload SET DEFAULT '"default"',
	ALTER COLUMN metadata SET DEFAULT '{}';
ALTER TABLE factstr_events ALTER COLUMN sequence_number ADD GENERATED BY DEFAULT AS IDENTITY;
ALTER TABLE factstr_events ADD CONSTRAINT checked CHECK (sequence_number > 0);
ALTER TABLE factstr_events SET (fillfactor = 90);
ALTER TABLE factstr_events SET TABLESPACE pg_default;
ALTER TABLE factstr_events REPLICA IDENTITY FULL;
VACUUM FULL factstr_events;
CLUSTER factstr_events USING factstr_events_event_type_idx;
REINDEX TABLE factstr_events;
CREATE INDEX mine ON factstr_events (occurred_at);
CREATE TABLE referring (fact bigint REFERENCES factstr_events);
SELECT factstr_append(pg_temp.events('b', 1));
SELECT payload, metadata FROM factstr_read() WHERE sequence_number = 4;
SELECT count(*) FROM before JOIN factstr_events e USING (sequence_number,
	batch_first_sequence_number, occurred_at, event_type, payload);
SELECT check_name, detail FROM factstr_check(NULL) WHERE NOT ok;
DROP TABLE parent, partitioned, parent_of_redactions, parent_of_streams, lookalike, referred,
	referring;

-- Changes by the owner and a superuser are reported, with the statement that undoes them.
SELECT * FROM factstr_check() WHERE check_name = 'guard';
CREATE TABLE parent (LIKE factstr_events);
CREATE FUNCTION pg_temp.forge() RETURNS trigger
	LANGUAGE plpgsql AS 'BEGIN NEW.payload := ''"forged"''; RETURN NEW; END';
CREATE FUNCTION pg_temp.guard_after(tampering text, OUT detail text, OUT remedied text)
	LANGUAGE plpgsql AS $$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT evtname FROM pg_event_trigger LOOP
		EXECUTE format('ALTER EVENT TRIGGER %I DISABLE', name);
	END LOOP;
	EXECUTE tampering;
	FOR name IN SELECT evtname FROM pg_event_trigger LOOP
		EXECUTE format('ALTER EVENT TRIGGER %I ENABLE ALWAYS', name);
	END LOOP;
	SELECT c.detail INTO detail FROM factstr_check() c WHERE check_name = 'guard' AND NOT ok;
	BEGIN
		EXECUTE regexp_replace(detail, '^[^:]*: ', '');
		SELECT c.detail INTO remedied FROM factstr_check() c WHERE check_name = 'guard';
		RAISE EXCEPTION 'undo';
	EXCEPTION WHEN raise_exception THEN
	END;
END
$$;
CREATE FUNCTION pg_temp.guard_found(tampering text, OUT detail text, OUT remedied text)
	LANGUAGE plpgsql AS $$
BEGIN
	SELECT g.detail, g.remedied INTO detail, remedied FROM pg_temp.guard_after(tampering) g;
	RAISE EXCEPTION 'undo';
EXCEPTION WHEN raise_exception THEN
END
$$;
SELECT tampering, g.*
FROM (VALUES
	('ALTER TABLE factstr_events DISABLE TRIGGER factstr_events_stay'),
	('ALTER TABLE factstr_events DISABLE TRIGGER ALL'),
	('ALTER TABLE factstr_events ENABLE TRIGGER factstr_events_stay'),
	('ALTER TABLE factstr_events ENABLE REPLICA TRIGGER factstr_events_stay'),
	('ALTER TABLE factstr_redactions DISABLE TRIGGER USER'),
	('DROP TRIGGER factstr_events_stay ON factstr_events'),
	('DROP TRIGGER factstr_redactions_stay ON factstr_redactions'),
	('DROP TRIGGER factstr_events_stay ON factstr_events;
		CREATE TRIGGER factstr_events_stay BEFORE UPDATE OR DELETE OR TRUNCATE
		ON factstr_events WHEN (false)
		EXECUTE FUNCTION factstr_refuse_change(''never'')'),
	('DROP TRIGGER factstr_events_stay ON factstr_events;
		CREATE TRIGGER factstr_events_stay BEFORE UPDATE OF metadata OR DELETE OR TRUNCATE
		ON factstr_events
		EXECUTE FUNCTION factstr_refuse_change(''sometimes'')'),
	('DROP TRIGGER factstr_events_stay ON factstr_events;
		CREATE TRIGGER factstr_events_stay BEFORE UPDATE ON factstr_events
		EXECUTE FUNCTION factstr_refuse_change(''half'')'),
	('CREATE TRIGGER forging BEFORE UPDATE ON factstr_events FOR EACH ROW
		EXECUTE FUNCTION pg_temp.forge()'),
	('CREATE TRIGGER forging BEFORE INSERT ON factstr_redactions FOR EACH ROW
		EXECUTE FUNCTION pg_temp.forge()'),
	('ALTER TABLE factstr_events INHERIT parent'),
	('CREATE TABLE child () INHERITS (factstr_events)'),
	('CREATE RULE quiet AS ON DELETE TO factstr_events DO INSTEAD NOTHING'),
	('ALTER TABLE factstr_events ENABLE ROW LEVEL SECURITY'),
	('ALTER TABLE factstr_streams FORCE ROW LEVEL SECURITY'),
	('ALTER TABLE factstr_streams SET UNLOGGED')) t(tampering),
	pg_temp.guard_found(tampering) g;
-- Triggers that change no row are the user's own business.
CREATE TRIGGER watching AFTER UPDATE ON factstr_events FOR EACH ROW
	EXECUTE FUNCTION pg_temp.forge();
SELECT ok FROM factstr_check() WHERE check_name = 'guard';
-- The event triggers themselves
ALTER EVENT TRIGGER factstr_rows_stay DISABLE;
SELECT detail FROM factstr_check() WHERE check_name = 'guard';
ALTER EVENT TRIGGER factstr_rows_stay ENABLE;
SELECT detail FROM factstr_check() WHERE check_name = 'guard';
ALTER EVENT TRIGGER factstr_rows_stay ENABLE ALWAYS;
ALTER EXTENSION factstr DROP EVENT TRIGGER factstr_facts_stay;
DROP EVENT TRIGGER factstr_facts_stay;
SELECT detail FROM factstr_check() WHERE check_name = 'guard';

-- A trigger that is enabled in the ordinary way, as after a restore, always fires again, also when
-- it is made again.
ALTER TABLE factstr_events DISABLE TRIGGER ALL;
ALTER TABLE factstr_events ENABLE TRIGGER ALL;
SELECT tgname, tgenabled FROM pg_trigger
	WHERE tgrelid = 'factstr_events'::regclass AND NOT tgisinternal ORDER BY 1;
ALTER TABLE factstr_redactions ENABLE REPLICA TRIGGER factstr_redactions_stay;
DROP TRIGGER factstr_events_stay ON factstr_events;
CREATE TRIGGER again BEFORE UPDATE OR DELETE OR TRUNCATE ON factstr_events
	EXECUTE FUNCTION factstr_refuse_change('Facts stay.');
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid IN ('factstr_events'::regclass,
	'factstr_redactions'::regclass) AND NOT tgisinternal ORDER BY 1;
SET session_replication_role = replica;
DELETE FROM factstr_events;
RESET session_replication_role;

-- The functions are of no other use, and other tables are as before.
SELECT call, f.state, f.message
FROM (VALUES ('factstr_refuse_table_change'), ('factstr_refuse_rewrite'),
	('factstr_refuse_drop')) c(call),
	pg_temp.failure(format('SELECT %I()', call)) f;
ALTER TABLE parent ALTER COLUMN payload TYPE text;
CREATE TABLE child () INHERITS (parent);
CREATE RULE quiet AS ON DELETE TO parent DO INSTEAD NOTHING;
ALTER TABLE parent SET UNLOGGED;
DROP TABLE parent CASCADE;
DROP EXTENSION factstr CASCADE;
