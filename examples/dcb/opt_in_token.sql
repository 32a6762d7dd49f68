-- Opt-in tokens: a sign-up is confirmed with a token that was sent by mail, once, and within an hour.
--
-- No table of tokens is needed: the sign-up is a fact, so is its confirmation, and both are the context of confirming.
--
--     psql -f examples/dcb/decisions.sql -f examples/dcb/opt_in_token.sql        (a database with the extension)
--     SELECT decide_and_append('initiate_sign_up', 'ada@example.org', '1234');
--     SELECT decide_and_append('confirm_sign_up', 'ada@example.org', '1234');

CREATE FUNCTION sign_up_context(email text) RETURNS jsonb IMMUTABLE LANGUAGE sql AS $$
	SELECT jsonb_build_object('filters', jsonb_build_array(jsonb_build_object(
		'event_types', '["sign-up-initiated", "sign-up-confirmed"]'::jsonb,
		'payload_predicates', jsonb_build_array(jsonb_build_object('email', email)))))
$$;

CREATE FUNCTION initiate_sign_up(email text, token text) RETURNS decision LANGUAGE plpgsql AS $$
DECLARE
	context jsonb := sign_up_context(email);
	facts jsonb;
	version bigint;
BEGIN
	SELECT event_records, current_context_version INTO facts, version FROM factstr_query(context);
	IF facts @? '$[*] ? (@.event_type == "sign-up-confirmed")' THEN
		RAISE '% is signed up already', email;
	ELSIF jsonb_path_exists(facts, '$[*].payload ? (@.token == $token)', jsonb_build_object('token', token)) THEN
		RAISE 'the token was given out before';
	END IF;
	RETURN (jsonb_build_array(jsonb_build_object('event_type', 'sign-up-initiated',
			'payload', jsonb_build_object('email', email, 'token', token))), context, version);
END
$$;

CREATE FUNCTION confirm_sign_up(email text, token text) RETURNS decision LANGUAGE plpgsql AS $$
DECLARE
	lifetime CONSTANT interval := '60 minutes';
	context jsonb := sign_up_context(email);
	facts jsonb;
	version bigint;
	initiated_at timestamptz;
BEGIN
	SELECT event_records, current_context_version INTO facts, version FROM factstr_query(context);
	SELECT (fact ->> 'occurred_at')::timestamptz INTO initiated_at
	FROM jsonb_array_elements(facts) fact
	WHERE fact ->> 'event_type' = 'sign-up-initiated' AND fact -> 'payload' ->> 'token' = token;

	IF initiated_at IS NULL THEN
		RAISE 'no sign-up of % has this token', email;
	ELSIF facts @? '$[*] ? (@.event_type == "sign-up-confirmed")' THEN
		RAISE '% is signed up already', email;
	ELSIF initiated_at < clock_timestamp() - lifetime THEN
		RAISE 'the token has expired';
	END IF;
	RETURN (jsonb_build_array(jsonb_build_object('event_type', 'sign-up-confirmed',
			'payload', jsonb_build_object('email', email, 'token', token))), context, version);
END
$$;
