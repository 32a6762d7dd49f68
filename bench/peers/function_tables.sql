-- The log in PL/pgSQL as one would write it first: lock the table, look, number, insert.  One round trip.
-- With -v copy=1, the facts of factstr_events are copied before there are indexes.
CREATE SCHEMA function;
CREATE TABLE function.events (sequence_number bigint PRIMARY KEY, occurred_at timestamptz NOT NULL DEFAULT now(), event_type text NOT NULL, payload jsonb NOT NULL);
\if :{?copy}
INSERT INTO function.events SELECT sequence_number, occurred_at, event_type, payload FROM factstr_events ORDER BY 1;
\endif
CREATE INDEX ON function.events (event_type, sequence_number);
CREATE INDEX ON function.events USING gin (payload jsonb_path_ops);

CREATE FUNCTION function.append(new_type text, new_payload jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	appended bigint;
BEGIN
	LOCK TABLE function.events IN EXCLUSIVE MODE;
	INSERT INTO function.events (sequence_number, event_type, payload)
		SELECT coalesce(max(sequence_number), 0) + 1, new_type, new_payload FROM function.events
		RETURNING sequence_number INTO appended;
	RETURN appended;
END $$;

-- NULL if the context is at another version than expected.
CREATE FUNCTION function.append_if(new_type text, new_payload jsonb, types text[], predicate jsonb, expected bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	LOCK TABLE function.events IN EXCLUSIVE MODE;
	IF (SELECT max(sequence_number) FROM function.events WHERE event_type = ANY (types) AND payload @> predicate)
		IS DISTINCT FROM expected
	THEN
		RETURN NULL;
	END IF;
	RETURN function.append(new_type, new_payload);
END $$;
