\set account random(1, 100000)
\set amount random(1, 1000000)
SELECT factstr_append((SELECT jsonb_agg(jsonb_build_object('event_type', 'money-deposited', 'payload', jsonb_build_object('account_id', 'acct-' || (:account::int + n), 'amount', :amount::int + n, 'currency', 'EUR', 'note', 'salary payment', 'customer', jsonb_build_object('id', :amount::int + n, 'tier', 'gold')))) FROM generate_series(1, 100) n));
