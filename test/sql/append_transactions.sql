-- Appending: numbers without gaps, whether statements, savepoints and transactions succeed or fail.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

CREATE FUNCTION pg_temp.append(event_type text, count int = 1) RETURNS text
LANGUAGE sql AS $$ SELECT factstr_append(pg_temp.events(event_type, count))::text $$;
-- rule 2: no gap, no number twice
CREATE VIEW pg_temp.log AS
SELECT count(*), min(sequence_number), max(sequence_number),
	count(DISTINCT batch_first_sequence_number) AS batches,
	bool_and(batch_first_sequence_number <= sequence_number) AS batches_right FROM factstr_events;

-- Several appends in one statement; two appends are never merged.
SELECT pg_temp.append('a'), pg_temp.append('b', 2), pg_temp.append('c');
SELECT n, factstr_append(pg_temp.events('series', n)) FROM generate_series(1, 3) n;
WITH first AS MATERIALIZED (SELECT pg_temp.append('with')) SELECT first.append,
	pg_temp.append('main')
FROM first;
CREATE TEMP TABLE results (result text);
INSERT INTO results SELECT pg_temp.append('insert') FROM generate_series(1, 2) RETURNING result;
UPDATE results SET result = pg_temp.append('update') RETURNING result;
SELECT * FROM pg_temp.log;
SELECT sequence_number, batch_first_sequence_number AS batch, event_type
FROM factstr_events ORDER BY 1;

-- rule 2: a failed statement takes back all its appends, and uses no number
SELECT pg_temp.append('lost'), 1 / (length(pg_temp.append('lost too')) - 9);
SELECT pg_temp.append('lost') UNION ALL SELECT factstr_append('[]')::text;
SELECT * FROM pg_temp.log;

-- rule 2: so does a transaction that is rolled back
BEGIN;
SELECT pg_temp.append('rolled back', 5);
SELECT * FROM pg_temp.log;
ROLLBACK;
SELECT * FROM pg_temp.log;

-- rule 2: and a savepoint
BEGIN;
SELECT pg_temp.append('kept');
SAVEPOINT one;
SELECT pg_temp.append('rolled back');
SAVEPOINT two;
SELECT pg_temp.append('rolled back');
ROLLBACK TO two;
SELECT pg_temp.append('rolled back');
ROLLBACK TO one;
SELECT pg_temp.append('kept', 2);
SAVEPOINT three;
SELECT pg_temp.append('kept');
RELEASE three;
COMMIT;
SELECT * FROM pg_temp.log;
SELECT sequence_number, batch_first_sequence_number AS batch, event_type
FROM factstr_read('{}', 4, true) r JOIN factstr_events e USING (sequence_number, event_type)
ORDER BY 1;

-- In a transaction that began with an error caught by a savepoint.
BEGIN;
SAVEPOINT before;
SELECT factstr_append('[{"event_type": ""}]');
ROLLBACK TO before;
SELECT pg_temp.append('after the error');
COMMIT;

-- PL/pgSQL, with a rollback of caught errors
DO $$
DECLARE
	result record;
BEGIN
	FOR n IN 1 .. 5 LOOP
		BEGIN
			SELECT * INTO STRICT result FROM factstr_append(pg_temp.events('block ' || n, n));
			RAISE NOTICE '% % %', result.first_sequence_number, result.last_sequence_number,
			result.committed_count;
			IF n % 2 = 0 THEN
				RAISE division_by_zero;
			END IF;
		EXCEPTION WHEN division_by_zero THEN
			RAISE NOTICE 'taken back';
		END;
	END LOOP;
END
$$;
SELECT * FROM pg_temp.log;

-- PL/pgSQL with several transactions
CREATE PROCEDURE pg_temp.transactions() LANGUAGE plpgsql AS $$
BEGIN
	FOR n IN 1 .. 4 LOOP
		PERFORM pg_temp.append('transaction ' || n);
		IF n = 3 THEN ROLLBACK; ELSE COMMIT; END IF;
	END LOOP;
END
$$;
CALL pg_temp.transactions();
SELECT event_type FROM factstr_read('{}', 3, true);
SELECT * FROM pg_temp.log;

-- A prepared statement with a generic plan
PREPARE appending(text, int) AS
SELECT last_sequence_number - first_sequence_number AS difference, committed_count
	FROM factstr_append(pg_temp.events($1, $2));
SET plan_cache_mode = force_generic_plan;
EXECUTE appending('prepared', 1);
EXECUTE appending('prepared', 20);
DEALLOCATE appending;
RESET plan_cache_mode;

-- A transaction sees its own appends, a statement only those before it.
BEGIN;
SELECT pg_temp.append('own');
SELECT event_type, sequence_number = (SELECT max FROM pg_temp.log) AS newest
FROM factstr_read('{}', 1, true);
SELECT before = after AS same_snapshot
FROM factstr_context_version('{}') AS before, pg_temp.append('own'),
	LATERAL factstr_context_version(
		jsonb_build_object('after', length(append))) AS after;
COMMIT;

-- occurred_at is the time of the append, not of the transaction's start.
BEGIN;
SELECT pg_temp.append('at once');
SELECT pg_sleep(0.002);
SELECT pg_temp.append('later');
SELECT count(DISTINCT occurred_at) AS times, bool_and(occurred_at >= now()) AS within
FROM factstr_read('{}', 2, true);
COMMIT;

-- Functions that write fail in a read-only transaction.
BEGIN READ ONLY;
SELECT count(*) > 0 AS readable FROM factstr_read();
SAVEPOINT s;
SELECT f.state, f.message
FROM (VALUES (1, 'SELECT factstr_append(''[{"event_type": "a", "payload": 1}]'')'),
	(2, 'SELECT factstr_append_if(''[{"event_type": "a", "payload": 1}]'', ''{}'', 1)'),
	(3, 'SELECT factstr_try_append_if(''[{"event_type": "a", "payload": 1}]'', ''{}'', 1)')
	) i(n, command),
	pg_temp.failure(command) f ORDER BY n;
ROLLBACK;

SELECT count = max AND min = 1 AS gap_free FROM pg_temp.log;
DROP EXTENSION factstr CASCADE;
