\set account random(1, 100000)
\set amount random(1, 1000000)
BEGIN;
SELECT factstr_append_event('money-deposited', jsonb_build_object('account_id', 'acct-' || :account::int, 'amount', :amount::int, 'currency', 'EUR', 'note', 'salary payment', 'customer', jsonb_build_object('id', :amount::int, 'tier', 'gold')), at_commit => true);
INSERT INTO deposits (account, amount) VALUES ('acct-' || :account::int, :amount::int);
COMMIT;
