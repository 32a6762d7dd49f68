-- Invoice numbers: consecutive, without a gap, from 1.
--
-- A sequence of the database leaves gaps, and a counter in a row is a second truth beside the invoices. Here the newest invoice
-- determines the next number, and two concurrent invoices conflict. factstr_newest reads only that fact, for any number of invoices.
--
--     psql -f examples/dcb/decisions.sql -f examples/dcb/invoice_number.sql        (a database with the extension)
--     SELECT decide_and_append('create_invoice', 'Ada', '120.50');

CREATE FUNCTION create_invoice(customer text, amount numeric) RETURNS decision LANGUAGE plpgsql AS $$
DECLARE
	context CONSTANT jsonb := '{"filters": [{"event_types": ["invoice-created"]}]}';
	newest jsonb;
	version bigint;
BEGIN
	IF amount <= 0 THEN
		RAISE 'an invoice needs an amount above 0';
	END IF;
	SELECT event_records -> 0, current_context_version INTO newest, version
	FROM factstr_newest(jsonb_build_array(context));
	RETURN (jsonb_build_array(jsonb_build_object('event_type', 'invoice-created',
			'payload', jsonb_build_object(
				'number', coalesce((newest -> 'payload' ->> 'number')::integer, 0) + 1,
				'customer', customer, 'amount', amount))), context, version);
END
$$;
