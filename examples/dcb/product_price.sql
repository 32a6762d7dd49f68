-- Product prices: an order is accepted at the current price, or at one that was replaced less than ten minutes ago.
--
-- A customer who has the order page open when a price changes pays the price on the page. An order of several products has the
-- facts of all of them as its context, and of no others: a new price of another product is no conflict.
--
--     psql -f examples/dcb/decisions.sql -f examples/dcb/product_price.sql        (a database with the extension)
--     SELECT decide_and_append('define_product', 'pen', '2.50');
--     SELECT decide_and_append('order_products', '[{"product": "pen", "price": 2.50}]');

CREATE FUNCTION product_context(VARIADIC products text[]) RETURNS jsonb IMMUTABLE LANGUAGE sql AS $$
	SELECT jsonb_build_object('filters', jsonb_build_array(jsonb_build_object(
		'event_types', '["product-defined", "product-price-changed"]'::jsonb,
		'payload_predicates', jsonb_agg(jsonb_build_object('product', product)))))
	FROM unnest(products) product
$$;

-- The prices of a product at which an order is accepted now: the newest, and those whose successor is less than ten minutes old.
CREATE FUNCTION accepted_prices(facts jsonb, ordered_product text) RETURNS SETOF numeric LANGUAGE sql AS $$
	SELECT price
	FROM (
		SELECT (fact -> 'payload' ->> 'price')::numeric AS price,
			lead((fact ->> 'occurred_at')::timestamptz) OVER (ORDER BY n) AS replaced_at
		FROM jsonb_array_elements(facts) WITH ORDINALITY f(fact, n)
		WHERE fact -> 'payload' ->> 'product' = ordered_product) prices
	WHERE replaced_at IS NULL OR replaced_at > clock_timestamp() - interval '10 minutes'
$$;

CREATE FUNCTION define_product(product text, price numeric) RETURNS decision LANGUAGE plpgsql AS $$
DECLARE
	context jsonb := product_context(product);
	version bigint;
BEGIN
	version := factstr_context_version(context);
	IF version IS NOT NULL THEN
		RAISE 'product "%" exists already', product;
	END IF;
	RETURN (jsonb_build_array(jsonb_build_object('event_type', 'product-defined',
			'payload', jsonb_build_object('product', product, 'price', price))), context, version);
END
$$;

CREATE FUNCTION change_product_price(product text, price numeric) RETURNS decision LANGUAGE plpgsql AS $$
DECLARE
	context jsonb := product_context(product);
	version bigint;
BEGIN
	version := factstr_context_version(context);
	IF version IS NULL THEN
		RAISE 'product "%" does not exist', product;
	END IF;
	RETURN (jsonb_build_array(jsonb_build_object('event_type', 'product-price-changed',
			'payload', jsonb_build_object('product', product, 'price', price))), context, version);
END
$$;

CREATE FUNCTION order_products(items jsonb) RETURNS decision LANGUAGE plpgsql AS $$
DECLARE
	context jsonb := product_context(VARIADIC ARRAY(SELECT item ->> 'product' FROM jsonb_array_elements(items) item));
	facts jsonb;
	version bigint;
	item jsonb;
BEGIN
	SELECT event_records, current_context_version INTO facts, version FROM factstr_query(context);
	FOR item IN SELECT jsonb_array_elements(items)
	LOOP
		IF NOT EXISTS (SELECT FROM accepted_prices(facts, item ->> 'product')) THEN
			RAISE 'product "%" does not exist', item ->> 'product';
		ELSIF (item ->> 'price')::numeric NOT IN (SELECT accepted_prices(facts, item ->> 'product')) THEN
			RAISE 'the price of product "%" is not valid', item ->> 'product';
		END IF;
	END LOOP;
	RETURN (jsonb_build_array(jsonb_build_object('event_type', 'products-ordered',
			'payload', jsonb_build_object('items', items))), context, version);
END
$$;
