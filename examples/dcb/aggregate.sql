-- An event-sourced aggregate: all facts of one bank account are its boundary.
--
-- A stream per aggregate is a special case: the context is every fact that names the account, and its version replaces the
-- aggregate's version. Two commands on one account conflict; commands on two accounts never do.
--
--     psql -f examples/dcb/decisions.sql -f examples/dcb/aggregate.sql        (a database with the extension)
--     SELECT decide_and_append('open_account', 'A-1');
--     SELECT decide_and_append('deposit', 'A-1', '100');

CREATE FUNCTION account_context(account text) RETURNS jsonb IMMUTABLE LANGUAGE sql AS $$
	SELECT jsonb_build_object('filters', jsonb_build_array(jsonb_build_object(
		'payload_predicates', jsonb_build_array(jsonb_build_object('account', account)))))
$$;

-- The aggregate: loaded from its facts, once for each command.
CREATE TYPE account_state AS (is_open boolean, balance numeric, version bigint);

CREATE FUNCTION load_account(account text) RETURNS account_state LANGUAGE sql AS $$
	SELECT coalesce(bool_or(fact ->> 'event_type' = 'account-opened'), false)
			AND NOT coalesce(bool_or(fact ->> 'event_type' = 'account-closed'), false),
		coalesce(sum((fact -> 'payload' ->> 'amount')::numeric
			* CASE fact ->> 'event_type' WHEN 'money-withdrawn' THEN -1 ELSE 1 END), 0),
		q.current_context_version
	FROM factstr_query(account_context(account)) q
	LEFT JOIN LATERAL jsonb_array_elements(q.event_records) fact ON true
	GROUP BY q.current_context_version
$$;

CREATE FUNCTION account_decision(state account_state, account text, event_type text, amount numeric DEFAULT NULL)
RETURNS decision LANGUAGE sql AS $$
	SELECT jsonb_build_array(jsonb_build_object('event_type', event_type,
			'payload', jsonb_strip_nulls(jsonb_build_object('account', account, 'amount', amount)))),
		account_context(account), state.version
$$;

CREATE FUNCTION open_account(account text) RETURNS decision LANGUAGE plpgsql AS $$
DECLARE
	state account_state := load_account(account);
BEGIN
	IF state.version IS NOT NULL THEN
		RAISE 'account "%" exists already', account;
	END IF;
	RETURN account_decision(state, account, 'account-opened');
END
$$;

CREATE FUNCTION deposit(account text, amount numeric) RETURNS decision LANGUAGE plpgsql AS $$
DECLARE
	state account_state := load_account(account);
BEGIN
	IF NOT state.is_open THEN
		RAISE 'account "%" is not open', account;
	ELSIF amount <= 0 THEN
		RAISE 'a deposit needs an amount above 0';
	END IF;
	RETURN account_decision(state, account, 'money-deposited', amount);
END
$$;

CREATE FUNCTION withdraw(account text, amount numeric) RETURNS decision LANGUAGE plpgsql AS $$
DECLARE
	state account_state := load_account(account);
BEGIN
	IF NOT state.is_open THEN
		RAISE 'account "%" is not open', account;
	ELSIF amount > state.balance THEN
		RAISE 'account "%" holds only %', account, state.balance;
	END IF;
	RETURN account_decision(state, account, 'money-withdrawn', amount);
END
$$;

CREATE FUNCTION close_account(account text) RETURNS decision LANGUAGE plpgsql AS $$
DECLARE
	state account_state := load_account(account);
BEGIN
	IF NOT state.is_open THEN
		RAISE 'account "%" is not open', account;
	ELSIF state.balance <> 0 THEN
		RAISE 'account "%" still holds %', account, state.balance;
	END IF;
	RETURN account_decision(state, account, 'account-closed');
END
$$;
