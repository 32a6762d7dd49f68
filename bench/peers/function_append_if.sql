\set account random(1, 100000)
\set amount random(1, 1000000)
SELECT coalesce(max(sequence_number), 0) AS expected FROM function.events WHERE event_type = ANY ('{account-opened,money-deposited}') AND payload @> jsonb_build_object('account_id', 'acct-' || :account::int) \gset
SELECT function.append_if('money-deposited', jsonb_build_object('account_id', 'acct-' || :account::int, 'amount', :amount::int, 'currency', 'EUR', 'note', 'salary payment', 'customer', jsonb_build_object('id', :amount::int, 'tier', 'gold')), '{account-opened,money-deposited}', jsonb_build_object('account_id', 'acct-' || :account::int), nullif(:expected::bigint, 0));
