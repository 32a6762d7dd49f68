\set account random(1, 100000)
\set amount random(1, 1000000)
SELECT factstr_append(jsonb_build_array(jsonb_build_object('event_type', 'money-deposited', 'payload', jsonb_build_object('account_id', 'acct-' || :account::int, 'amount', :amount::int, 'currency', 'EUR', 'note', 'salary payment', 'customer', jsonb_build_object('id', :amount::int, 'tier', 'gold')))));
