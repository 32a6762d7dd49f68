-- factstr_deliver as part of its caller's transaction: the state of the stream that its handler sees, and when
-- which deferred constraints are checked.
CREATE EXTENSION factstr;
SET factstr.background_delivery = off;
\set VERBOSITY default
\set SHOW_CONTEXT never

CREATE FUNCTION tell(what text) RETURNS bigint LANGUAGE sql AS $$
	SELECT first_sequence_number FROM factstr_append(jsonb_build_array(
		jsonb_build_object('event_type', 'do', 'payload', what)))
$$;
CREATE FUNCTION cursor_of(stream text) RETURNS bigint LANGUAGE sql AS $$
	SELECT cursor_sequence_number FROM factstr_stream_status WHERE name = stream
$$;

-- A handler sees its stream's cursor after the previous batch, even if the handler has moved it.
CREATE TABLE seen (id int GENERATED ALWAYS AS IDENTITY, what text, number bigint, cursor bigint);
CREATE FUNCTION looking(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	what text := event_records->0->>'payload';
	fact bigint := event_records->0->'sequence_number';
BEGIN
	INSERT INTO seen (what, number, cursor) VALUES (what, fact, cursor_of('looking'));
	IF what = 'skip two' THEN
		PERFORM factstr_stream_seek('looking', fact + 2);
	ELSIF what = 'once more' AND (SELECT count(*) = 1 FROM seen WHERE number = fact) THEN
		PERFORM factstr_stream_seek('looking', fact - 2);
	ELSIF what = 'drop' THEN
		PERFORM factstr_stream_drop('looking');
	ELSIF what = 'replace' THEN
		PERFORM factstr_stream_drop('looking');
		PERFORM factstr_subscribe('looking', '{"filters": [{"event_types": ["do"]}]}',
			'looking(jsonb)', 'now');
	END IF;
END $$;
SELECT factstr_subscribe('looking', '{"filters": [{"event_types": ["do"]}]}', 'looking(jsonb)');
SELECT tell(what) FROM unnest(ARRAY['look', 'look', 'skip two', 'passed', 'passed', 'look', 'once more', 'look'])
	WITH ORDINALITY t(what, n) ORDER BY n;
BEGIN;
CALL factstr_deliver('looking');
SELECT what, number, cursor FROM seen ORDER BY id;
SELECT cursor_of('looking');
ROLLBACK;
-- It is the same in separate transactions.
SELECT cursor_of('looking');
CALL factstr_deliver('looking');
SELECT what, number, cursor FROM seen ORDER BY id;
SELECT cursor_of('looking');

-- Its own stream dropped, or replaced by another of that name
SELECT tell(what) FROM unnest(ARRAY['replace', 'not for the new one', 'drop', 'never'])
	WITH ORDINALITY t(what, n) ORDER BY n;
TRUNCATE seen;
BEGIN;
CALL factstr_deliver('looking');
SELECT what, number, cursor FROM seen ORDER BY id;
SELECT cursor_of('looking');
SELECT tell('for the new one'), tell('drop');
COMMIT;
SELECT tell('never');
BEGIN;
CALL factstr_deliver('looking');
SELECT what, number, cursor FROM seen ORDER BY id;
SELECT count(*) FROM factstr_stream_status WHERE name = 'looking';
COMMIT;

-- A rollback to a savepoint leaves no stale state.
SELECT factstr_subscribe('looking', '{"filters": [{"event_types": ["do"]}]}', 'looking(jsonb)', 'now');
SELECT tell('look'), tell('look');
TRUNCATE seen;
BEGIN;
SAVEPOINT s;
CALL factstr_deliver('looking');
ROLLBACK TO s;
CALL factstr_deliver('looking');
ROLLBACK TO s;
SELECT factstr_stream_drop('looking');
ROLLBACK TO s;
CALL factstr_deliver('looking');
COMMIT;
SELECT what, number, cursor FROM seen ORDER BY id;

-- The table of streams is rewritten in between
SELECT tell('look'), tell('look');
BEGIN;
CALL factstr_deliver('looking');
SELECT tell('look');
COMMIT;
BEGIN;
CALL factstr_deliver('looking');
CLUSTER factstr_streams USING factstr_streams_pkey;
SELECT cursor_of('looking') = max(sequence_number) AS is_at_head FROM factstr_events;
CALL factstr_deliver('looking');
SELECT factstr_stream_seek('looking', 0) AS cursor;
COMMIT;
VACUUM FULL factstr_streams;
SELECT factstr_stream_open('looking', '{"filters": [{"event_types": ["do"]}]}') AS cursor;
SELECT factstr_stream_drop('looking');

--
-- Deferred constraints
--
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int CONSTRAINT has_parent REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE other_child (id int CONSTRAINT other_has_parent REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION add_child(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	what text := event_records->0->>'payload';
BEGIN
	IF what = 'orphan' THEN
		INSERT INTO child VALUES (7);
	ELSIF what = 'child' THEN
		INSERT INTO child VALUES (8);
		INSERT INTO parent VALUES (8) ON CONFLICT DO NOTHING;
	END IF;
END $$;
SELECT factstr_subscribe('children', '{}', 'add_child(jsonb)', 'now') IS NOT NULL AS subscribed;

-- The caller's own violation is not the handler's, and is not looked for before the commit.
SELECT tell('nothing') IS NOT NULL AS told;
BEGIN;
INSERT INTO other_child VALUES (1);
CALL factstr_deliver('children');
ROLLBACK;
SELECT failure_count, last_error FROM factstr_stream_status WHERE name = 'children';
BEGIN;
INSERT INTO other_child VALUES (1);
SAVEPOINT s;
CALL factstr_deliver('children');
ROLLBACK TO s;
INSERT INTO parent VALUES (1);
SET CONSTRAINTS ALL IMMEDIATE;
CALL factstr_deliver('children');
COMMIT;
SELECT cursor_of('children') = max(sequence_number) AS is_at_head FROM factstr_events;
-- Nor is it there any more when it was rolled back.
SELECT tell('nothing') IS NOT NULL AS told;
BEGIN;
SAVEPOINT s;
INSERT INTO other_child VALUES (2);
ROLLBACK TO s;
CALL factstr_deliver('children');
COMMIT;
-- In a procedure, which could commit, its earlier work is committed before the first batch: its error.
SELECT tell('nothing') IS NOT NULL AS told;
DO $$
BEGIN
	INSERT INTO other_child VALUES (3);
	CALL factstr_deliver('children');
END $$;
SELECT failure_count, last_error FROM factstr_stream_status WHERE name = 'children';
DO $$
BEGIN
	INSERT INTO other_child VALUES (1);
	CALL factstr_deliver('children');
END $$;
SELECT cursor_of('children') = max(sequence_number) AS is_at_head FROM factstr_events;

-- The handler's constraints are checked when it returns, in a transaction block too, and fail it alone.
SELECT tell('child') IS NOT NULL AS told, tell('orphan') IS NOT NULL AS told_another;
BEGIN;
CALL factstr_deliver('children');
ROLLBACK;
CALL factstr_deliver('children');
SELECT failure_count, last_error FROM factstr_stream_status WHERE name = 'children';
SELECT * FROM child;
SELECT factstr_stream_seek('children', max(sequence_number)) IS NOT NULL AS passed FROM factstr_events;

-- The caller's constraints stay deferred after a delivery that deferred nothing.
SELECT tell('nothing') IS NOT NULL AS told;
BEGIN;
CALL factstr_deliver('children');
INSERT INTO other_child VALUES (4);
INSERT INTO parent VALUES (4);
COMMIT;
SELECT * FROM other_child ORDER BY id;

-- Of all kinds: unique constraints, constraint triggers, of a table that is made here and now.
BEGIN;
CREATE TABLE numbers (n int UNIQUE DEFERRABLE INITIALLY DEFERRED);
INSERT INTO numbers VALUES (1), (1);
CALL factstr_deliver('children');
ROLLBACK;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$;
BEGIN;
CREATE TABLE guarded (n int);
CREATE CONSTRAINT TRIGGER guard AFTER INSERT ON guarded DEFERRABLE FOR EACH ROW EXECUTE FUNCTION refuse();
SET CONSTRAINTS guard DEFERRED;
CALL factstr_deliver('children');
INSERT INTO guarded VALUES (1);
CALL factstr_deliver('children');
ROLLBACK;
-- A handler that makes such a table leaves nothing to the commit.
CREATE OR REPLACE FUNCTION add_child(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	CREATE TABLE of_handler (n int UNIQUE DEFERRABLE INITIALLY DEFERRED);
	INSERT INTO of_handler VALUES (1), (1);
END $$;
SELECT tell('nothing') IS NOT NULL AS told;
BEGIN;
CALL factstr_deliver('children');
ROLLBACK;

DROP TABLE child, other_child, parent, seen;
DROP FUNCTION refuse, add_child, looking;
DROP EXTENSION factstr CASCADE;
DROP FUNCTION tell, cursor_of;
