-- Prevention of duplicates: an order form that is sent twice is one order.
--
-- The form contains a token that was generated when it was shown. An order with a used token is refused with a message to the customer.
-- Where the second call should succeed silently instead, with the result of the first, pass the token as idempotency_key.
--
--     psql -f examples/dcb/decisions.sql -f examples/dcb/duplicates.sql        (a database with the extension)
--     SELECT decide_and_append('place_order', '3 pens', 'form 4711');

CREATE FUNCTION place_order(goods text, token text) RETURNS decision LANGUAGE plpgsql AS $$
DECLARE
	context jsonb := jsonb_build_object('filters', jsonb_build_array(jsonb_build_object(
		'event_types', '["order-placed"]'::jsonb,
		'payload_predicates', jsonb_build_array(jsonb_build_object('token', token)))));
BEGIN
	IF factstr_context_version(context) IS NOT NULL THEN
		RAISE 'this order was placed already';
	END IF;
	RETURN (jsonb_build_array(jsonb_build_object('event_type', 'order-placed',
			'payload', jsonb_build_object('goods', goods, 'token', token))), context, NULL::bigint);
END
$$;
