-- A table that a handler in PL/pgSQL fills, a row for each fact.
CREATE TABLE rebuilt (fact bigint, account text);

CREATE FUNCTION on_fact(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO rebuilt SELECT (r->>'sequence_number')::bigint, r->'payload'->>'account_id'
	FROM jsonb_array_elements(event_records) r;
END $$;
