"""How soon an idle worker calls the handler of a subscription with a new fact."""

from measuring import distribution, fresh_database, psql, say, say_distribution

DATABASE = "bench_live_delivery"
APPENDS = 1000
PAUSE = 5

# A fact's occurred_at is the time of its append, so the delay includes the commit.
SETUP = """
CREATE TABLE delivered (fact bigint, ms float8);
CREATE FUNCTION on_fact(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO delivered
  SELECT (r->>'sequence_number')::bigint, extract(epoch FROM clock_timestamp() - (r->>'occurred_at')::timestamptz) * 1000
  FROM jsonb_array_elements(event_records) r;
END $$;
SELECT factstr_subscribe('live', '{}', 'on_fact(jsonb)')"""

APPEND = f"""DO $$
BEGIN
  FOR n IN 1 .. {APPENDS} LOOP
    PERFORM factstr_append('[{{"event_type": "live", "payload": {{"a": 1}}}}]');
    COMMIT;
    PERFORM pg_sleep({PAUSE / 1000});
  END LOOP;
END $$"""


def live_delivery():
    say(f"delivery to the handler of an idle worker, {APPENDS:,} appends, {PAUSE} ms apart")
    fresh_database(DATABASE)
    psql("-c", SETUP, database=DATABASE)
    psql("-c", APPEND, "-c", f"CALL factstr_wait('live', {APPENDS}, '1 min')", database=DATABASE)
    delays = psql("-c", "SELECT ms FROM delivered ORDER BY fact", database=DATABASE).split()
    results = distribution([float(delay) for delay in delays])
    say_distribution("after the append was called", results)
    return results
