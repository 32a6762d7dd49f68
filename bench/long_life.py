#!/usr/bin/env python3
"""The costs of a growing log, on the cluster that the environment leads to; see bench/long_life."""

import os
import re
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
STAGES = [int(float(n) * 1000000) for n in os.environ.get("BENCH_STAGES", "1 5 20").split()]
SECONDS = os.environ.get("BENCH_SECONDS", "5")
DATABASE = "long_life"
INDEXES = {
    "factstr_events_event_type_idx": "(event_type, sequence_number)",
    "factstr_events_payload_idx": "USING gin (payload jsonb_path_ops)"
                                  " WITH (fastupdate = on, gin_pending_list_limit = 16384)",
}
APPENDED = 50000
ACCOUNT = ('{"filters": [{"event_types": ["account-opened", "money-deposited"],'
           ' "payload_predicates": [{"account_id": "%s"}]}]}')
# Partitioned, the same with so many parts.
PARTITIONED_FACTS = 1000000
PARTS = (1, 10, 100)


def say(text=""):
    print(text, flush=True)


def psql(*statements):
    command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", DATABASE]
    for statement in statements:
        command += ["-c", statement]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def number(statement):
    return float(psql(statement) or 0)


def seconds(work, *arguments):
    begin = time.monotonic()
    work(*arguments)
    return time.monotonic() - begin


def row(name, value, unit=""):
    say(f"  {name:<60}{value:>10} {unit}")


def create_indexes():
    """As the extension's script does; returns how long each took."""
    took = {}
    for name, definition in INDEXES.items():
        took[name] = seconds(psql, f"CREATE INDEX {name} ON factstr_events {definition}")
    return took


def fill(head, facts):
    """
    Up to so many facts in batches of one, as a restore does it: rows first, then their indexes.  Their
    times rise from the last one's, at first a day ago, to now.
    """
    psql(*[f"DROP INDEX {name}" for name in INDEXES])
    took = seconds(psql, f"""
        INSERT INTO factstr_events
        SELECT n, n, last + (now() - last) * ((n - head)::float8 / ({facts} - head)),
          CASE WHEN random() < 0.1 THEN 'account-opened' ELSE 'money-deposited' END,
          jsonb_build_object('account_id', 'acct-' || 1 + (random() * ({facts} / 10 - 1))::int,
            'amount', (random() * 1000000)::int, 'currency', 'EUR', 'note', 'salary payment',
            'customer', jsonb_build_object('id', (random() * 1000000)::int, 'tier', 'gold'))
        FROM (SELECT sequence_number AS head, greatest(occurred_at, now() - interval '1 day') AS last
            FROM factstr_events WHERE sequence_number > {head} - 1) e,
          generate_series(head + 1, {facts}) n""")
    return took, create_indexes()


def append_facts(facts):
    subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", DATABASE, "-v", f"facts={facts}",
                    "-v", "batch=1000", "-f", os.path.join(HERE, "factstr", "load.sql")],
                   check=True, stdout=subprocess.DEVNULL)


def ten_facts(account):
    psql("SELECT factstr_append((SELECT jsonb_agg(jsonb_build_object('event_type', 'money-deposited',"
         f" 'payload', jsonb_build_object('account_id', '{account}', 'n', n)))"
         " FROM generate_series(1, 10) n))")


def rate(script, clients):
    output = subprocess.run(
        ["pgbench", "-n", "-M", "prepared", "-T", SECONDS, "-c", str(clients), "-j", "2",
         "-f", os.path.join(HERE, "factstr", script), DATABASE],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    return float(re.search(r"tps = ([0-9.]+)", output).group(1))


def milliseconds(action, repeat=200):
    """Of one execution in the server: median and slowest of many, in one session."""
    block = f"""DO $bench$
        DECLARE began timestamptz; took float8[];
        BEGIN
          FOR i IN 1 .. {repeat} LOOP
            began := clock_timestamp();
            {action};
            took := took || extract(epoch FROM clock_timestamp() - began)::float8 * 1000;
          END LOOP;
          PERFORM set_config('bench.took', (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t)
            || ' ' || percentile_cont(0.99) WITHIN GROUP (ORDER BY t) FROM unnest(took) t), false);
        END $bench$"""
    return [float(word) for word in psql(block, "SELECT current_setting('bench.took')").split()]


def latency(name, action, repeat=200):
    median, late = milliseconds(action, repeat)
    row(name, f"{median:.3f}", f"ms (99 %: {late:.3f})")


def measure_sizes(facts):
    for relation in ("factstr_events", "factstr_events_pkey", *INDEXES):
        size = number(f"SELECT pg_relation_size('{relation}')")
        row(relation, f"{size / 1e6:,.0f}", f"MB, {size / facts:.0f} bytes a fact")


def measure_calls():
    """Contexts of ten facts: from the beginning, from now, and empty ones."""
    event = """'[{"event_type": "x", "payload": {}}]'"""
    ten_facts("new")
    for name in ("old", "new", "nobody"):
        query = ACCOUNT % name
        version = psql(f"SELECT factstr_context_version('{query}')") or "NULL"
        latency(f"factstr_query, {name}", f"PERFORM factstr_query('{query}')")
        latency(f"factstr_append_if, {name}",
                f"PERFORM factstr_append_if({event}, '{query}', {version})")
    latency("factstr_context_version, a type that is everywhere",
            "PERFORM factstr_context_version('{\"filters\": [{\"event_types\": [\"money-deposited\"]}]}')")
    latency("factstr_position_at", "PERFORM factstr_position_at(now() - interval '1 minute')")
    latency("SELECT * FROM factstr_status", "PERFORM * FROM factstr_status", 20)


def measure_stage(facts):
    say(f"\n{facts:,} facts")
    head = int(number("SELECT factstr_context_version('{}')"))
    inserted, indexed = fill(head, facts)
    row("inserting rows past the functions, primary key only", f"{(facts - head) / inserted:,.0f}", "facts/s")
    for name, took in indexed.items():
        row(f"CREATE INDEX {name}", f"{took:.1f}", "s")
    row("VACUUM (ANALYZE): the first, which freezes new facts",
        f"{seconds(psql, 'VACUUM (ANALYZE) factstr_events'):.1f}", "s")
    measure_sizes(facts)
    psql("CHECKPOINT")
    row("factstr_append, batches of 1,000", f"{APPENDED / seconds(append_facts, APPENDED):,.0f}", "facts/s")
    row("factstr_append, 8 clients", f"{rate('append_array.sql', 8):,.0f}", "appends/s")
    row("query and append_if, 8 clients", f"{rate('append_if.sql', 8):,.0f}", "decisions/s")
    measure_calls()
    row("factstr_check()", f"{seconds(psql, 'SELECT factstr_check()'):.1f}", "s")


def dump():
    name = os.path.join(os.environ["PGDATA"], "..", "dump")
    subprocess.run(["pg_dump", "-Fc", "-Z1", "-f", name, DATABASE], check=True)
    size = os.path.getsize(name)
    os.unlink(name)
    return size


def measure_maintenance(facts):
    say(f"\nmaintenance at {facts:,} facts")
    row("VACUUM of a few new facts", f"{seconds(psql, 'VACUUM factstr_events'):.1f}", "s")
    row("VACUUM (FREEZE), as against wraparound", f"{seconds(psql, 'VACUUM (FREEZE) factstr_events'):.1f}", "s")
    begin = time.monotonic()
    size = dump()
    row("pg_dump -Fc -Z1", f"{time.monotonic() - begin:.1f}", f"s, {size / 1e6:,.0f} MB")


def measure_brin(facts):
    """Facts of a moment, in the middle of the log."""
    say(f"\nBRIN at {facts:,} facts, against what is there")
    middle, until = [psql(f"SELECT occurred_at FROM factstr_events WHERE sequence_number = {facts} / 2 + {after}")
                     for after in (0, 100)]
    by_time = f"PERFORM count(*) FROM factstr_events WHERE occurred_at >= '{middle}' AND occurred_at < '{until}'"
    by_number = ("PERFORM count(*) FROM factstr_events WHERE sequence_number >"
                 f" factstr_position_at('{middle}') AND sequence_number <= factstr_position_at('{until}')")
    count = psql(by_time.replace("PERFORM", "SELECT"))
    latency(f"facts of a moment ({count}), no index on the time", by_time, 3)
    latency("the same through factstr_position_at", by_number, 20)
    for column in ("occurred_at", "sequence_number"):
        took = seconds(psql, f"CREATE INDEX brin_{column} ON factstr_events USING brin ({column})")
        size = number(f"SELECT pg_relation_size('brin_{column}')")
        row(f"CREATE INDEX USING brin ({column})", f"{took:.1f}", f"s, {size / 1e3:,.0f} kB")
    latency("facts of a moment by BRIN", by_time, 20)
    psql("DROP INDEX brin_occurred_at", "DROP INDEX brin_sequence_number")


def measure_partitions():
    """The latest fact of a context and inserts, in plain SQL, which an append would have to do."""
    say(f"\nthe first {PARTITIONED_FACTS:,} facts in a partitioned table, by SQL alone")
    version = "max(sequence_number) FROM parted WHERE payload @> '{\"account_id\": \"old\"}'"
    insert = (f"INSERT INTO parted VALUES ({PARTITIONED_FACTS} + i, {PARTITIONED_FACTS} + i, now(), 'x',"
              " '{\"account_id\": \"x\"}')")
    for parts in PARTS:
        width = PARTITIONED_FACTS // parts
        psql("CREATE TABLE parted (sequence_number bigint PRIMARY KEY, batch_first_sequence_number bigint,"
             " occurred_at timestamptz, event_type text COLLATE \"C\", payload jsonb)"
             " PARTITION BY RANGE (sequence_number)")
        for part in range(parts):
            last = "MAXVALUE" if part == parts - 1 else (part + 1) * width + 1
            psql(f"CREATE TABLE part_{part} PARTITION OF parted FOR VALUES FROM ({part * width + 1}) TO ({last})")
        psql("INSERT INTO parted SELECT sequence_number, batch_first_sequence_number, occurred_at, event_type,"
             f" payload FROM factstr_events WHERE sequence_number <= {PARTITIONED_FACTS}",
             "CREATE INDEX ON parted USING gin (payload jsonb_path_ops)",
             "CREATE INDEX ON parted (event_type, sequence_number)")
        psql("ANALYZE parted")
        latency(f"{parts} parts: version of a context of ten facts", f"PERFORM {version}")
        latency(f"{parts} parts: the same, planned each time", f"EXECUTE $$SELECT {version}$$")
        latency(f"{parts} parts: insert of one fact", insert)
        psql("DROP TABLE parted")


def main():
    os.environ["PGOPTIONS"] = "-c client_min_messages=warning"
    subprocess.run(["createdb", DATABASE], check=True)
    psql("CREATE EXTENSION factstr")
    say(psql("SELECT split_part(version(), ' on ', 1)") + f", {os.cpu_count()} cores")
    ten_facts("old")
    for facts in STAGES:
        measure_stage(facts)
        measure_brin(facts)
        measure_maintenance(facts)
        if facts == STAGES[0]:
            measure_partitions()


if __name__ == "__main__":
    main()
