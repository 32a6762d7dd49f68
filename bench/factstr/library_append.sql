\set account random(1, 100000)
\set amount random(1, 1000000)
SELECT first_sequence_number, last_sequence_number, committed_count FROM factstr_append(('[{"event_type": "money-deposited", "payload": {"account_id": "acct-' || :account || '", "amount": ' || :amount || ', "currency": "EUR", "note": "salary payment", "customer": {"id": ' || :amount || ', "tier": "gold"}}}]')::jsonb, NULL);
