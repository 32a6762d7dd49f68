-- Unique usernames: no two accounts have the same name, and a name that was given up stays reserved for three days.
--
-- The rule depends on time as well as on facts: the context has the time of the release, the clock the present time.
--
--     psql -f examples/dcb/decisions.sql -f examples/dcb/unique_username.sql        (a database with the extension)
--     SELECT decide_and_append('register_account', 'ada');
--     SELECT decide_and_append('change_username', 'ada', 'countess');

-- All that was ever said about a name: as the name of a new account, and as the old or the new one of a change.
CREATE FUNCTION facts_of_username(username text) RETURNS jsonb IMMUTABLE LANGUAGE sql AS $$
	SELECT jsonb_build_object(
		'event_types', '["account-registered", "account-closed", "username-changed"]'::jsonb,
		'payload_predicates', jsonb_build_array(
			jsonb_build_object('username', username), jsonb_build_object('old_username', username)))
$$;

-- Raises an error unless the name is free. Only the newest fact about it counts.
CREATE FUNCTION require_free_username(facts jsonb, name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	retention CONSTANT interval := '3 days';
	newest jsonb;
BEGIN
	SELECT fact INTO newest
	FROM jsonb_array_elements(facts) WITH ORDINALITY f(fact, n)
	WHERE name IN (fact -> 'payload' ->> 'username', fact -> 'payload' ->> 'old_username')
	ORDER BY n DESC LIMIT 1;
	IF newest IS NULL THEN
		RETURN;
	ELSIF newest ->> 'event_type' <> 'account-closed' AND newest -> 'payload' ->> 'username' = name THEN
		RAISE 'username "%" is taken', name;
	ELSIF (newest ->> 'occurred_at')::timestamptz > clock_timestamp() - retention THEN
		RAISE 'username "%" is still reserved', name;
	END IF;
END
$$;

CREATE FUNCTION register_account(username text) RETURNS decision LANGUAGE plpgsql AS $$
DECLARE
	context jsonb := jsonb_build_object('filters', jsonb_build_array(facts_of_username(username)));
	facts jsonb;
	version bigint;
BEGIN
	SELECT event_records, current_context_version INTO facts, version FROM factstr_query(context);
	PERFORM require_free_username(facts, username);
	RETURN (jsonb_build_array(jsonb_build_object('event_type', 'account-registered',
			'payload', jsonb_build_object('username', username))), context, version);
END
$$;

CREATE FUNCTION change_username(old_username text, new_username text) RETURNS decision LANGUAGE plpgsql AS $$
DECLARE
	context jsonb := jsonb_build_object('filters',
		jsonb_build_array(facts_of_username(old_username), facts_of_username(new_username)));
	facts jsonb;
	version bigint;
	newest jsonb;
BEGIN
	SELECT event_records, current_context_version INTO facts, version FROM factstr_query(context);
	SELECT fact INTO newest
	FROM jsonb_array_elements(facts) WITH ORDINALITY f(fact, n)
	WHERE old_username IN (fact -> 'payload' ->> 'username', fact -> 'payload' ->> 'old_username')
	ORDER BY n DESC LIMIT 1;
	IF newest IS NULL OR newest ->> 'event_type' = 'account-closed' OR newest -> 'payload' ->> 'username' <> old_username THEN
		RAISE 'nobody has the username "%"', old_username;
	END IF;
	PERFORM require_free_username(facts, new_username);
	RETURN (jsonb_build_array(jsonb_build_object('event_type', 'username-changed',
			'payload', jsonb_build_object('old_username', old_username, 'username', new_username))), context, version);
END
$$;
