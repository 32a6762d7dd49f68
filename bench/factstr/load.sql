-- Loads :facts facts in batches of :batch, a tenth as many accounts as facts: about ten facts to an account.
SELECT set_config('bench.facts', :'facts', false), set_config('bench.batch', :'batch', false) \g /dev/null
DO $$
DECLARE
	facts int := current_setting('bench.facts')::int;
	batch int := current_setting('bench.batch')::int;
BEGIN
	FOR i IN 1 .. facts / batch LOOP
		PERFORM factstr_append((
			SELECT jsonb_agg(jsonb_build_object(
				'event_type', CASE WHEN random() < 0.1 THEN 'account-opened' ELSE 'money-deposited' END,
				'payload', jsonb_build_object(
					'account_id', 'acct-' || 1 + (random() * (facts / 10 - 1))::int,
					'amount', (random() * 1000000)::int, 'currency', 'EUR', 'note', 'salary payment',
					'customer', jsonb_build_object('id', (random() * 1000000)::int, 'tier', 'gold'))))
			FROM generate_series(1, batch)));
		COMMIT;
	END LOOP;
END
$$;
