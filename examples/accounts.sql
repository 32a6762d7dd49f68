-- An account must not be overdrawn, even if several cash machines use it at the same time.
--
--     psql -v machine=A -f examples/accounts.sql        (a database with the extension)
--
-- The account holds 1000 at first, and each run asks for 10 fifty times. For a race run it in
-- several terminals with -v pause=yes: each then waits for Enter.

\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\if :{?machine} \else \set machine A \endif

SELECT * FROM factstr_append(
	'[{"event_type": "money-deposited", "payload": {"account": "DE-1", "amount": 1000}}]',
	'open account DE-1') \gset

-- There is no table of balances: the balance is the sum of the facts.
CREATE FUNCTION pg_temp.balance(facts jsonb) RETURNS numeric
LANGUAGE sql AS $$
	SELECT coalesce(sum((fact -> 'payload' -> 'amount')::numeric
		* CASE fact ->> 'event_type' WHEN 'money-withdrawn' THEN -1 ELSE 1 END), 0)
	FROM jsonb_array_elements(facts) AS fact
$$;

-- Read, decide, append; after a conflict, again. The loop is for READ COMMITTED, the default, in
-- which each query sees the latest commits. In a stricter isolation level the whole transaction
-- must be repeated.
CREATE FUNCTION pg_temp.withdraw(account text, amount numeric, OUT granted boolean, OUT conflicts integer)
LANGUAGE plpgsql AS $$
DECLARE
	context constant jsonb := jsonb_build_object('filters', jsonb_build_array(
		jsonb_build_object('payload_predicates', jsonb_build_array(
			jsonb_build_object('account', account)))));
	withdrawal constant jsonb := jsonb_build_array(jsonb_build_object(
		'event_type', 'money-withdrawn',
		'payload', jsonb_build_object('account', account, 'amount', amount)));
	facts jsonb;
	version bigint;
BEGIN
	conflicts := 0;
	LOOP
		SELECT event_records, current_context_version INTO facts, version
		FROM factstr_query(context);
		granted := pg_temp.balance(facts) >= amount;
		EXIT WHEN NOT granted;

		EXIT WHEN NOT (factstr_try_append_if(withdrawal, context, version)).conflict;
		conflicts := conflicts + 1;
	END LOOP;
END
$$;

\if :{?pause}
	\prompt '-- Machine :machine is ready. Press Enter to withdraw. ' enter
\endif

CREATE TEMP TABLE attempt (granted boolean, conflicts integer);
SELECT 'INSERT INTO attempt SELECT * FROM pg_temp.withdraw(''DE-1'', 10)'
FROM generate_series(1, 50)
\gexec

SELECT count(*) FILTER (WHERE granted) AS granted,
	count(*) FILTER (WHERE NOT granted) AS refused,
	sum(conflicts) AS conflicts
FROM attempt \gset
\echo Machine :machine: :granted granted, :refused refused; :conflicts conflicts on the way
