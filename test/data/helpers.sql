-- Helpers of the tests in test/sql: included by them, gone with the session.

\pset null (null)

-- The error of a command, as a row; a command that succeeds shows as 00000.
CREATE FUNCTION pg_temp.failure(command text, OUT state text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	state := '00000';
	message := 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	detail := nullif(detail, '');
	hint := nullif(hint, '');
END
$$;

-- The events of an append: a number of the same type, with payloads {"n": 1}, {"n": 2} and so on.
CREATE FUNCTION pg_temp.events(event_type text, count int) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_build_object('event_type', event_type, 'payload', jsonb_build_object('n', n)) ORDER BY n)
	FROM generate_series(1, count) n
$$;

-- A number from 0 to below - 1 that looks random and is the same in every run.
CREATE FUNCTION pg_temp.pick(seed text, below int) RETURNS int
LANGUAGE sql AS $$
	SELECT (('x' || substr(md5(seed), 1, 7))::bit(28)::int) % below
$$;
