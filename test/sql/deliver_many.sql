-- Many batches delivered in one transaction, to a stream that is behind: a handler finds and leaves the same as
-- with one batch a transaction.
CREATE EXTENSION factstr;
SET factstr.background_delivery = off;
\set VERBOSITY default
\set SHOW_CONTEXT never

CREATE FUNCTION tell(VARIADIC what text[]) RETURNS bigint LANGUAGE sql AS $$
	SELECT max(last_sequence_number)
	FROM unnest(what) w, factstr_append(jsonb_build_array(jsonb_build_object('event_type', 'do', 'payload', w)))
$$;
CREATE TABLE seen (
	id int GENERATED ALWAYS AS IDENTITY, what text, number bigint, found text,
	transaction xid8 DEFAULT pg_current_xact_id());
CREATE FUNCTION keep(event_records jsonb, found text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO seen (what, number, found)
	VALUES (event_records->0->>'payload', (event_records->0->>'sequence_number')::bigint, found)
$$;
-- Was each batch kept once, in order?
CREATE FUNCTION is_once_in_order() RETURNS boolean LANGUAGE sql AS $$
	SELECT array_agg(number ORDER BY id) = (
		SELECT array_agg(sequence_number ORDER BY sequence_number) FROM factstr_events WHERE event_type = 'do')
	FROM seen
$$;

-- One transaction for many batches, each of which is delivered once and in order
SELECT tell(VARIADIC array_agg('usual'::text)) FROM generate_series(1, 40);
CREATE FUNCTION keeping(event_records jsonb) RETURNS void LANGUAGE sql AS $$ SELECT keep(event_records, NULL) $$;
SELECT factstr_subscribe('keeping', '{}', 'keeping(jsonb)');
CALL factstr_deliver('keeping');
SELECT is_once_in_order(), count(DISTINCT transaction) < count(*) AS shared FROM seen;
SELECT factstr_stream_drop('keeping');

-- A batch fails: those before it are kept, nothing of it and none behind it; the failure is its own.
CREATE FUNCTION failing(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM keep(event_records, NULL);
	IF event_records->0->>'sequence_number' IN ('12', '27') THEN
		RAISE EXCEPTION 'not that one';
	END IF;
END $$;
TRUNCATE seen;
SELECT factstr_subscribe('failing', '{}', 'failing(jsonb)');
CALL factstr_deliver('failing');
SELECT cursor_sequence_number, failure_count, last_error
FROM factstr_stream_status WHERE name = 'failing';
SELECT count(*), max(number) FROM seen;
CALL factstr_deliver('failing');
SELECT cursor_sequence_number, failure_count FROM factstr_stream_status WHERE name = 'failing';
SELECT factstr_stream_ack('failing', 12);
CALL factstr_deliver('failing');
SELECT cursor_sequence_number, failure_count FROM factstr_stream_status WHERE name = 'failing';
CREATE OR REPLACE FUNCTION failing(event_records jsonb) RETURNS void LANGUAGE sql
	AS $$ SELECT keep(event_records, NULL) $$;
CALL factstr_deliver('failing');
SELECT cursor_sequence_number, failure_count FROM factstr_stream_status WHERE name = 'failing';
SELECT count(*), count(DISTINCT number), max(number), bool_or(number = 12) AS has_passed_over FROM seen;
SELECT factstr_stream_drop('failing');

-- Settings end with the batch.
CREATE FUNCTION setting(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM keep(event_records, current_setting('regress.local') || ', ' || current_setting('regress.session'));
	SET LOCAL regress.local = 'left behind';
	SET regress.session = 'left behind';
END $$;
TRUNCATE seen;
SET regress.local = 'as before';
SET regress.session = 'as before';
SELECT factstr_subscribe('setting', '{}', 'setting(jsonb)');
CALL factstr_deliver('setting');
SELECT is_once_in_order(), count(DISTINCT transaction) < count(*) AS shared, array_agg(DISTINCT found) AS found
FROM seen;
SHOW regress.session;
SELECT factstr_stream_drop('setting');

-- Temporary tables, dropped or emptied by the commit
CREATE FUNCTION temporary(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	n int;
BEGIN
	IF (event_records->0->>'sequence_number')::int % 3 = 0 THEN
		SET LOCAL client_min_messages = warning;
		CREATE TEMP TABLE dropped ON COMMIT DROP AS SELECT 1 AS n;
		CREATE TEMP TABLE IF NOT EXISTS emptied (n int) ON COMMIT DELETE ROWS;
		INSERT INTO emptied SELECT * FROM dropped;
		SELECT count(*) INTO n FROM emptied;
	END IF;
	PERFORM keep(event_records, n::text);
END $$;
TRUNCATE seen;
SELECT factstr_subscribe('temporary', '{}', 'temporary(jsonb)');
CALL factstr_deliver('temporary');
SELECT is_once_in_order(), array_agg(DISTINCT found) AS found FROM seen;
SELECT factstr_stream_drop('temporary');
DROP TABLE emptied;

-- Constraints are deferred in each batch, to its end.
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int CONSTRAINT has_parent REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION child_first(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	number int := event_records->0->'sequence_number';
BEGIN
	INSERT INTO child VALUES (number);
	IF number <> 30 THEN
		INSERT INTO parent VALUES (number);
	END IF;
	PERFORM keep(event_records, NULL);
END $$;
TRUNCATE seen;
SELECT factstr_subscribe('children', '{}', 'child_first(jsonb)');
CALL factstr_deliver('children');
SELECT cursor_sequence_number, last_error FROM factstr_stream_status WHERE name = 'children';
SELECT count(*), count(DISTINCT number), max(number) FROM seen;
SELECT factstr_stream_drop('children');
DROP TABLE child, parent;

-- A cursor of the same name in each batch
CREATE FUNCTION with_cursor(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	of_handler CURSOR FOR SELECT 1;
BEGIN
	OPEN of_handler;
	PERFORM keep(event_records, NULL);
END $$;
TRUNCATE seen;
SELECT factstr_subscribe('with cursor', '{}', 'with_cursor(jsonb)');
CALL factstr_deliver('with cursor');
SELECT is_once_in_order();
SELECT factstr_stream_drop('with cursor');

-- Some batches look at their stream: its cursor is behind the batch before.
CREATE FUNCTION looking(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	number int := event_records->0->'sequence_number';
BEGIN
	IF number % 7 = 0 THEN
		PERFORM keep(event_records, (cursor_sequence_number = number - 1)::text)
		FROM factstr_stream_status WHERE name = 'looking';
	ELSE
		PERFORM keep(event_records, NULL);
	END IF;
END $$;
TRUNCATE seen;
SELECT factstr_subscribe('looking', '{}', 'looking(jsonb)');
CALL factstr_deliver('looking');
SELECT is_once_in_order(), count(DISTINCT transaction) < count(*) AS shared, array_agg(DISTINCT found) AS found
FROM seen;
SELECT factstr_stream_drop('looking');

-- A handler moves its cursor on in the midst of its batches.
CREATE FUNCTION skipping(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM keep(event_records, NULL);
	PERFORM factstr_stream_seek('skipping', 30) WHERE event_records->0->>'sequence_number' = '20';
END $$;
TRUNCATE seen;
SELECT factstr_subscribe('skipping', '{}', 'skipping(jsonb)');
CALL factstr_deliver('skipping');
SELECT count(*), array_agg(number ORDER BY id) FILTER (WHERE number BETWEEN 18 AND 33) AS passed FROM seen;
SELECT factstr_stream_drop('skipping');

-- It sees the work of other batches, and later ones see its appends and redactions.
CREATE FUNCTION reacting(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	number int := event_records->0->'sequence_number';
BEGIN
	PERFORM keep(event_records, (SELECT count(*)::text FROM seen));
	IF number = 10 THEN
		PERFORM factstr_redact(20, '"redacted"', 'by a handler');
		PERFORM factstr_append('[{"event_type": "do", "payload": "reaction"}]');
	ELSIF number = 33 THEN
		PERFORM factstr_append('[{"event_type": "do", "payload": "reaction at commit"}]', at_commit => true);
	END IF;
END $$;
TRUNCATE seen;
SELECT factstr_subscribe('reacting', '{}', 'reacting(jsonb)');
CALL factstr_deliver('reacting');
CALL factstr_deliver('reacting');
SELECT is_once_in_order(), count(DISTINCT transaction) < count(*) AS shared,
	bool_and(found::int = n - 1) AS sees_all
FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM seen) s;
SELECT number, what FROM seen WHERE what <> 'usual' ORDER BY id;
SELECT factstr_stream_drop('reacting');

-- It replaces and drops its own function in the midst of its batches.
CREATE FUNCTION changing(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM keep(event_records, 'old');
	IF event_records->0->>'sequence_number' = '14' THEN
		CREATE OR REPLACE FUNCTION changing(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $new$
		BEGIN
			PERFORM keep(event_records, 'new');
			IF event_records->0->>'sequence_number' = '28' THEN
				DROP FUNCTION changing(jsonb);
			END IF;
		END $new$;
	END IF;
END $$;
TRUNCATE seen;
SELECT factstr_subscribe('changing', '{}', 'changing(jsonb)');
CALL factstr_deliver('changing');
SELECT found, count(*), count(DISTINCT number), max(number) FROM seen GROUP BY found ORDER BY found DESC;
SELECT cursor_sequence_number, last_error FROM factstr_stream_status WHERE name = 'changing';

DROP TABLE seen;
DROP FUNCTION keep, keeping, failing, setting, temporary, child_first, with_cursor, looking, skipping, reacting;
DROP EXTENSION factstr CASCADE;
DROP FUNCTION tell, is_once_in_order;
