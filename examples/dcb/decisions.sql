-- Shared by the programs in this directory: the type of a decision, and the loop that makes it.
--
-- A command is a function that reads its context and returns a decision, or raises an error if its rules do not allow it.
-- It appends nothing. That way the rules can be tested without a race, and the race needs to be handled only once, here.

CREATE TYPE decision AS (
	events jsonb,             -- the new fact
	context_query jsonb,      -- the facts that the decision depends on
	context_version bigint    -- the newest of them when they were read; null if there were none
);

-- Appends a decision if its context has not changed since; otherwise fails with SQLSTATE FS001.
CREATE FUNCTION append_decision(decided decision) RETURNS bigint LANGUAGE sql AS $$
	SELECT last_sequence_number
	FROM factstr_append_if((decided).events, (decided).context_query, (decided).context_version)
$$;

-- Calls a command until its decision has been appended; returns the number of the last fact. After a conflict it
-- decides again, since the new facts may forbid what the old ones allowed.
CREATE FUNCTION decide_and_append(command regproc, VARIADIC arguments text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	decided decision;
	appended record;
BEGIN
	LOOP
		EXECUTE format('SELECT * FROM %s(%s)', command,
			(SELECT string_agg(quote_nullable(a), ', ' ORDER BY n) FROM unnest(arguments) WITH ORDINALITY u(a, n)))
		INTO decided;
		SELECT * INTO appended
		FROM factstr_try_append_if(decided.events, decided.context_query, decided.context_version);
		IF NOT appended.conflict THEN
			RETURN appended.last_sequence_number;
		END IF;
	END LOOP;
END
$$;
