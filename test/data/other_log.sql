-- Lets all functions mean another log than main, if they are not told one: so a test that looks at no table tests
-- that log instead.

DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM factstr_logs WHERE log = 'another_log') THEN
		PERFORM factstr_create_log('another_log');
	END IF;
END $$;
DO $$
DECLARE
	definition text;
BEGIN
	FOR definition IN
		SELECT replace(pg_get_functiondef(p.oid), $d$log text DEFAULT 'main'::text$d$,
				$d$log text DEFAULT 'another_log'::text$d$)
		FROM pg_proc p
		JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'factstr'
		WHERE pg_get_function_arguments(p.oid) LIKE $d$%log text DEFAULT 'main'::text%$d$
	LOOP
		EXECUTE definition;
	END LOOP;
END $$;
