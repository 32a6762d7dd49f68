"""Rebuilding a table from the log: by a handler in the database, and from outside.

Every way must leave one row for each fact.
"""

import os
import sys
import time

from measuring import Session, fresh_database, in_turns, load, psql, say, say_ratios, script

FACTS = min(int(os.environ.get("BENCH_FACTS", "5000000")), 100000)

# So slow that a part of the log is enough.
FACTS_ONE_BY_ONE = max(FACTS // 50, 100)

DATABASE = "bench_rebuild"


def loop():
    """The handler's function alone, with the same batches, in one transaction."""
    psql("-c", f"""DO $$
        DECLARE batch jsonb;
        BEGIN
          FOR batch IN SELECT event_records FROM factstr_batches('{{}}', 0, {FACTS}) LOOP
            PERFORM on_fact(batch);
          END LOOP;
        END $$""", database=DATABASE)


def worker():
    psql("-c", "SELECT factstr_subscribe('worker', '{}', 'on_fact(jsonb)')",
         "-c", f"CALL factstr_wait('worker', {FACTS}, '1 h')", "-c", "SELECT factstr_stream_drop('worker')",
         database=DATABASE)


def by_hand():
    psql("-c", "SET factstr.background_delivery = off", "-c", "SELECT factstr_subscribe('by hand', '{}', 'on_fact(jsonb)')",
         "-c", "CALL factstr_deliver('by hand')", "-c", "SELECT factstr_stream_drop('by hand')", database=DATABASE)


def outside(batches, facts):
    """A client that takes and acknowledges so many batches in each transaction."""
    client = Session(DATABASE)
    take = ["BEGIN",
            f"CREATE TEMP TABLE batch ON COMMIT DROP AS SELECT * FROM factstr_stream_next('outside', {batches})",
            "INSERT INTO rebuilt SELECT (r->>'sequence_number')::bigint, r->'payload'->>'account_id' "
            "FROM batch, jsonb_array_elements(event_records) r",
            "SELECT factstr_stream_ack('outside', max(last_sequence_number)) FROM batch HAVING count(*) > 0",
            "COMMIT"]
    client.run("SELECT factstr_stream_open('outside')", *take * (facts // batches), "SELECT factstr_stream_drop('outside')")
    client.close()


def measure(way):
    rebuild, facts = way
    psql("-c", "TRUNCATE rebuilt", "-c", "CHECKPOINT", database=DATABASE)
    begin = time.monotonic()
    rebuild()
    rate = facts / (time.monotonic() - begin)
    found = psql("-c", "SELECT count(*) || ' ' || count(DISTINCT fact) FROM rebuilt", database=DATABASE)
    if found != f"{facts} {facts}":
        sys.exit(f"{rebuild}: {found} facts of {facts}")
    return rate


def rebuild():
    say(f"rebuilding a table from {FACTS:,} batches of one fact (batches; the loop is so many times as fast)")
    fresh_database(DATABASE)
    psql("-f", script("factstr/rebuilt.sql"), database=DATABASE)
    # Loading is not measured.
    psql("-c", f"ALTER DATABASE {DATABASE} SET synchronous_commit = off")
    load(DATABASE, FACTS, batch=1)
    psql("-c", f"ALTER DATABASE {DATABASE} RESET synchronous_commit")
    rates = in_turns({"loop": (loop, FACTS), "worker": (worker, FACTS), "by_hand": (by_hand, FACTS),
                      "outside": (lambda: outside(1000, FACTS), FACTS),
                      "one_by_one": (lambda: outside(1, FACTS_ONE_BY_ONE), FACTS_ONE_BY_ONE)}, measure)
    say_ratios(rates)
    return {"facts": FACTS, "rates": rates}
