#!/usr/bin/env python3
"""The sections of the benchmark, on the cluster that the environment leads to.

Contestants take turns, round by round, so that a machine that is slow for a while is slow for all
of them; what counts is the ratio of their medians.
"""

import glob
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(HERE, "..", "memstore", "build", "bench")
SECONDS = int(os.environ.get("BENCH_SECONDS", "5"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
LARGE = int(os.environ.get("BENCH_FACTS", "5000000"))

ACCOUNT = ('{"filters":[{"event_types":["account-opened","money-deposited"],'
           '"payload_predicates":[{"account_id":"%s"}]}]}')


def say(text=""):
    print(text, flush=True)


def psql(*arguments, database="postgres"):
    command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def script(name):
    return os.path.join(HERE, name)


def fresh_database(name, *files):
    psql("-c", f"CREATE DATABASE {name}")
    psql("-c", "CREATE EXTENSION factstr", *[word for file in files for word in ("-f", script(file))],
         database=name)


def load(database, facts, batch=1000):
    begin = time.monotonic()
    psql("-v", f"facts={facts}", "-v", f"batch={batch}", "-f", script("factstr/load.sql"), database=database)
    say(f"  loaded {facts:,} facts in batches of {batch:,}: {facts / (time.monotonic() - begin):,.0f} facts/s")


def pgbench(database, file, clients, *arguments):
    command = ["pgbench", "-n", "-M", "prepared", "-f", script(file), "-c", str(clients),
               "-j", str(min(clients, 2)), *arguments, database]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True).stdout
    failed = re.search(r"number of failed transactions: (\d+)", result)
    if failed and int(failed.group(1)) > 0:
        sys.exit(f"{file}: {failed.group(0)}\n{result}")
    return float(re.search(r"tps = ([0-9.]+)", result).group(1))


def compare(database, clients, contestants):
    """Contestants: (name, script, the ratio that factstr, the first, is to reach against it)."""
    rates = {name: [] for name, _, _ in contestants}
    for _ in range(ROUNDS):
        for name, file, _ in contestants:
            rates[name].append(pgbench(database, file, clients, "-T", str(SECONDS)))
    ours = statistics.median(rates[contestants[0][0]])
    for name, _, goal in contestants:
        theirs = statistics.median(rates[name])
        note = f"factstr is {ours / theirs:.2f} x as fast (goal {goal})" if goal else ""
        say(f"  {name:<34}{theirs:>12,.0f}/s  {note}")


def setting():
    version = psql("-c", "SELECT split_part(version(), ' on ', 1)")
    say(f"{version}, {os.cpu_count()} cores, {SECONDS} s a measurement, median of {ROUNDS} in turns")


APPENDS = ("reference_tables.sql", "unordered_insert_tables.sql")


def append():
    fresh_database("bench_append", *[f"peers/{file}" for file in APPENDS])
    for clients, reference_goal, insert_goal in ((1, None, 0.75), (16, 3, 0.5)):
        say(f"\nappend, one event, {clients} clients (appends)")
        compare("bench_append", clients, [
            ("factstr_append", "factstr/append.sql", None),
            ("reference statements", "peers/reference_append.sql", reference_goal or "none"),
            ("unordered INSERT, same indexes", "peers/unordered_insert.sql", insert_goal)])


def slow():
    fresh_database("bench_slow", *[f"peers/{file}" for file in APPENDS])
    say("\nappend, one event, 16 clients, flush + 1 ms (appends)")
    compare("bench_slow", 16, [
        ("factstr_append", "factstr/append.sql", None),
        ("reference statements", "peers/reference_append.sql", 8),
        ("unordered INSERT, same indexes", "peers/unordered_insert.sql", "none")])


def batch():
    fresh_database("bench_batch", "peers/unordered_insert_tables.sql")
    say("\nappend, batches of 100, 1 client (batches)")
    compare("bench_batch", 1, [
        ("factstr_append", "factstr/append_100.sql", None),
        ("multi-row INSERT, same indexes", "peers/unordered_insert_100.sql", 0.6)])


def latencies(file, clients, transactions):
    """Latencies in ms, sorted, of so many transactions."""
    with tempfile.TemporaryDirectory() as directory:
        prefix = os.path.join(directory, "log")
        pgbench("bench_tail", file, clients, "-t", str(transactions // clients),
                "-l", "--log-prefix", prefix)
        values = []
        for path in glob.glob(prefix + "*"):
            with open(path, encoding="ascii") as log:
                values += [int(line.split()[2]) / 1000 for line in log]
    return sorted(values)


def tail():
    fresh_database("bench_tail", *[f"peers/{file}" for file in APPENDS])
    say("\nlatency of 100,000 appends at 8 clients (ms)")
    for name, file in (("factstr_append", "factstr/append.sql"),
                       ("reference statements", "peers/reference_append.sql"),
                       ("unordered INSERT, same indexes", "peers/unordered_insert.sql")):
        values = latencies(file, 8, 100000)
        say(f"  {name:<34} p50 {values[len(values) // 2]:7.2f}  "
            f"p99.9 {values[int(len(values) * 0.999)]:7.2f}  max {values[-1]:7.2f}")


def append_if():
    facts = 1000000
    fresh_database("bench_append_if", "peers/reference_tables.sql")
    say(f"\nappend_if after its own query, {facts:,} facts, 8 clients (decisions)")
    load("bench_append_if", facts)
    psql("-c", "INSERT INTO reference.events SELECT sequence_number, occurred_at, event_type, payload"
         " FROM factstr_events ORDER BY 1",
         "-c", "INSERT INTO reference.append_batches SELECT sequence_number, sequence_number"
         " FROM factstr_events ORDER BY 1",
         "-c", "VACUUM ANALYZE reference.events", "-c", "CHECKPOINT", database="bench_append_if")
    compare("bench_append_if", 8, [
        ("factstr_query + try_append_if", "factstr/append_if.sql", None),
        ("reference statements", "peers/reference_append_if.sql", 5)])


# Growth: the same question at two sizes of the log.

def timed(database, statement, repeat):
    """Milliseconds of one execution in the server: the median of many in one session."""
    block = f"""DO $bench$
        DECLARE began timestamptz; took float8[]; middle float8;
        BEGIN
          FOR i IN 1 .. {repeat} LOOP
            began := clock_timestamp();
            PERFORM {statement};
            took := took || extract(epoch FROM clock_timestamp() - began)::float8 * 1000;
          END LOOP;
          SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t) INTO middle FROM unnest(took) t;
          PERFORM set_config('bench.middle', middle::text, false);
        END $bench$"""
    return float(psql("-c", block, "-c", "SELECT current_setting('bench.middle')", database=database))


def timed_in_turns(databases, statements):
    """For each database the median of several turns; a machine that is slow for a while is slow for all."""
    repeat = 20 if "huge" in statements[0] else 100
    turns = [[timed(database, statement, repeat) for database, statement in zip(databases, statements)]
             for _ in range(7)]
    return [statistics.median(times) for times in zip(*turns)]


def old_and_new(database, facts):
    """Contexts of the growth test, appended before and after the mass of facts."""
    ten = "SELECT factstr_append((SELECT jsonb_agg(jsonb_build_object('event_type', 'money-deposited'," \
          " 'payload', jsonb_build_object('account_id', '%s', 'n', n))) FROM generate_series(1, 10) n))"
    huge = "SELECT factstr_append((SELECT jsonb_agg(jsonb_build_object('event_type', 'money-deposited'," \
           " 'payload', jsonb_build_object('account_id', 'huge'))) FROM generate_series(1, 20000) n))"
    psql("-c", "ALTER TABLE factstr_events SET (autovacuum_enabled = off)", "-c", ten % "old", "-c", huge,
         database=database)
    load(database, facts)
    psql("-c", ten % "new", database=database)


def questions():
    """(name, statement) pairs; appends are made to fail at the last moment, so the log stays as it is."""
    event = """'[{"event_type":"x","payload":{}}]'"""

    def conditional(query, version):
        return (f"factstr_try_append_if({event}, '{query}', {version} - 1)")

    def version(query):
        return f"factstr_context_version('{query}')"

    new, old, huge = ACCOUNT % "new", ACCOUNT % "old", ACCOUNT % "huge"
    never = '{"filters":[{"event_types":["never-occurred"]}]}'
    never_with = '{"filters":[{"event_types":["never-occurred"],"payload_predicates":[{"currency":"EUR"}]}]}'
    return [
        ("query, 10 new facts", f"factstr_query('{new}')"),
        ("query, 10 old facts", f"factstr_query('{old}')"),
        ("version, 10 new facts", version(new)),
        ("version, 10 old facts", version(old)),
        ("version, huge and old", version(huge)),
        ("version, type that never occurred", version(never)),
        ("version, the same with a predicate", version(never_with)),
        ("query, type that never occurred", f"factstr_query('{never}')"),
        ("conflict, 10 new facts", conditional(new, version(new))),
        ("conflict, 10 old facts", conditional(old, version(old))),
    ]


def successful_append_if(database, account):
    """An append_if that succeeds; the event it appends does not belong to the context."""
    query = ACCOUNT % account
    expected = psql("-c", f"SELECT factstr_context_version('{query}')", database=database) or "NULL"
    return f"""factstr_append_if('[{{"event_type":"x","payload":{{}}}}]', '{query}', {expected})"""


def growth_row(name, databases, statements):
    small, large = timed_in_turns(databases, statements)
    say(f"  {name:<38}{small:>9.3f} ms {large:>9.3f} ms {large / small:7.2f} x")


def measure_growth(databases):
    for name, statement in questions():
        growth_row(name, databases, [statement] * len(databases))
    for name, account in (("append_if, 10 new facts", "new"), ("append_if, 10 old facts", "old"),
                          ("append_if, huge and old", "huge"), ("append_if, empty context", "nobody")):
        growth_row(name, databases, [successful_append_if(database, account) for database in databases])


def growth():
    small = 100000
    say(f"\ngrowth: the same at {small:,} and at {LARGE:,} facts; never analyzed (goal: less than 1.5 x)")
    databases = ("bench_small", "bench_large")
    for database, facts in zip(databases, (small, LARGE)):
        fresh_database(database)
        old_and_new(database, facts)
        psql("-c", "SELECT gin_clean_pending_list('factstr_events_payload_idx')", "-c", "CHECKPOINT",
             database=database)
    say("  short pending list")
    measure_growth(databases)
    for database in databases:
        fill_pending_list(database)
    say("  pending list as long as it gets (the first append shortens it)")
    measure_growth(databases)


def fill_pending_list(database):
    """One large append leaves the list as long as it may get; the next append would empty it."""
    psql("-c", "SELECT factstr_append((SELECT jsonb_agg(jsonb_build_object('event_type', 'filler', 'payload',"
         " jsonb_build_object('a', n, 'b', n, 'c', n))) FROM generate_series(1, 30000) n))",
         database=database)


# Streams: how soon consumers learn of a fact, what listening costs the appends, how fast they catch up.

def consumer(database, *arguments):
    """bench/consumer.c, to which bench/run has led PATH."""
    return subprocess.Popen(["consumer", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                            env={**os.environ, "PGDATABASE": database})


def output(process):
    """Ends a consumer's input and returns the numbers it prints, line by line."""
    text = process.communicate()[0]
    if process.returncode != 0:
        sys.exit(f"{process.args} failed")
    return [[float(word) for word in line.split()] for line in text.splitlines()]


def notification_latency():
    appends, pause = 1000, 5
    say(f"\nnotification of an idle listener, {appends:,} appends, {pause} ms apart (ms; goal: median below 5)")
    fresh_database("bench_latency")
    rows = output(consumer("bench_latency", "latency", str(appends), str(pause)))
    for name, values in zip(("after the append was sent", "after its answer had come"), zip(*rows)):
        values = sorted(values)
        say(f"  {name:<34} p50 {values[len(values) // 2]:7.3f}  p99 {values[int(len(values) * 0.99)]:7.3f}  "
            f"max {values[-1]:7.3f}")


def follow(database, queries, appends):
    """The rate of the appends while consumers follow the log, each of which must get what its query finds."""
    head = psql("-c", "SELECT coalesce(max(sequence_number), 0) FROM factstr_events", database=database)
    followers = [consumer(database, "follow", json.dumps(query), head) for query in queries]
    for follower in followers:
        follower.stdout.readline()
    rate = appends()
    begin = time.monotonic()
    totals = [output(follower)[0] for follower in followers]
    rest = time.monotonic() - begin
    for query, (facts, _, _) in zip(queries, totals):
        after_head = json.dumps({**query, "min_sequence_number": int(head)})
        found = psql("-c", f"SELECT count(*) FROM factstr_read('{after_head}')", database=database)
        if facts != int(found):
            sys.exit(f"a consumer of {query} got {facts:.0f} facts of {found}")
    return (rate, rest, *[sum(column) / SECONDS for column in zip(*totals)])


def every_fact(count):
    return [{}] * count


def one_type_or_account(count):
    return [{"filters": [{"event_types": [f"type-{n}"]}]} for n in range(1, count // 2 + 1)] + \
           [{"filters": [{"payload_predicates": [{"account_id": f"acct-{n}"}]}]} for n in range(count // 2, count)]


def appends_with_consumers():
    say("\nappend, one event, 16 clients, alone and with 8 consumers, which listen and after a burst look at "
        "intervals (goal: 0.7 x)")
    fresh_database("bench_follow")
    variants = {"alone": [], "8 of a type or an account": one_type_or_account(8), "8 of every fact": every_fact(8)}
    results = {name: [] for name in variants}
    for _ in range(ROUNDS):
        for name, queries in variants.items():
            results[name].append(follow("bench_follow", queries, lambda: pgbench(
                "bench_follow", "factstr/append_types.sql", 16, "-T", str(SECONDS))))
    alone = statistics.median(rate for rate, *_ in results["alone"])
    say(f"  {'alone':<34}{alone:>12,.0f}/s")
    for name in list(variants)[1:]:
        rate, rest, facts, reads, notifications = map(statistics.median, zip(*results[name]))
        say(f"  {name:<34}{rate:>12,.0f}/s  {rate / alone:.2f} x; consumed {facts:,.0f} facts/s in {reads:,.0f} "
            f"reads/s after {notifications:,.0f} notifications/s, done {rest * 1000:,.0f} ms after the appends")


def catch_up():
    small, large = 100000, 1000000
    say(f"\ncatching up with {large:,} facts (goal: 150,000 facts/s, memory as at {small:,} facts)")
    fresh_database("bench_catch_up")
    load("bench_catch_up", large, batch=10)
    for page in (100, 1000):
        rows = [output(consumer("bench_catch_up", "catch-up", "{}", str(page), str(small), str(large)))
                for _ in range(ROUNDS)]
        rate = statistics.median(last[0] / last[1] for _, last in rows)
        (_, _, server_small, client_small), (_, _, server, client) = rows[-1]
        say(f"  {page:>5,} batches a call {rate:>12,.0f} facts/s; server {server_small:,.0f} kB, then {server:,.0f}; "
            f"client {client_small:,.0f} kB, then {client:,.0f}")


def streams():
    notification_latency()
    appends_with_consumers()
    catch_up()


# The library: what its stores do, through its public functions.  bench/run has built the programs.

def library_program(name, *arguments, preload=None):
    """What one of memstore/bench prints."""
    command = [os.path.join(PROGRAMS, name), *[str(argument) for argument in arguments]]
    environment = {**os.environ, "LD_PRELOAD": preload} if preload else None
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout


def medians(text):
    """Of the columns of numbers."""
    return [statistics.median(column) for column in zip(*[map(float, line.split()) for line in text.splitlines()])]


MEMORY_GOALS = {"append, batches of 10, by fact": 300000, "append_if, a context of 10": 100000}


def memory():
    facts, calls = 1000000, 100000
    say(f"\nmemory store, {facts:,} facts, one thread (per second of the processor)")
    rates = {}
    for _ in range(ROUNDS):
        for name, rate in re.findall(r"^(.+?) +(\d+) /s", library_program("memory", facts, calls), re.MULTILINE):
            rates.setdefault(name, []).append(float(rate))
    for name, values in rates.items():
        goal = f"goal {MEMORY_GOALS[name]:,}" if name in MEMORY_GOALS else ""
        say(f"  {name:<34}{statistics.median(values):>12,.0f}/s  {goal}")


def sqlite():
    small, large, threads = 10000, 1000000, 16
    with tempfile.TemporaryDirectory() as directory:
        say("\nSQLite store, append_if and a plain INSERT of the same bytes with the same settings, in turns of 50")
        at_small, at_large, plain = medians(
            library_program("sqlite", "compare", directory, large, 3 * SECONDS, ROUNDS))
        at_small_name, at_large_name = [f"append_if at {facts:,} facts" for facts in (small, large)]
        say(f"  {at_small_name:<34}{at_small:>12,.0f}/s")
        say(f"  {at_large_name:<34}{at_large:>12,.0f}/s  takes {at_small / at_large:.2f} x as long as at "
            f"{small:,} (goal less than 1.3)")
        say(f"  {'plain INSERT':<34}{plain:>12,.0f}/s  append_if at {large:,} is {at_large / plain:.2f} x as fast "
            "(goal 0.6)")

        say(f"\nSQLite store, append_if at {small:,} facts, flush + 1 ms (appends)")
        one, many = medians(library_program("sqlite", "threads", directory, threads, SECONDS, ROUNDS,
                                            preload=os.environ["BENCH_SLOW_FSYNC"]))
        many_name = f"{threads} threads"
        say(f"  {'1 thread':<34}{one:>12,.0f}/s")
        say(f"  {many_name:<34}{many:>12,.0f}/s  {many / one:.2f} x (goal 4)")


def library():
    """The PostgreSQL store and pgbench, which calls the same functions as often as it can."""
    fresh_database("bench_library")
    for kind in ("append", "append_if"):
        for clients in (1, 8):
            say(f"\n{kind}, one event, {clients} threads of libfactstr and as many clients of pgbench (appends)")
            ours, theirs = [], []
            for turn in range(ROUNDS):
                run = f"{clients}-{turn}"
                ours.append(float(library_program("postgres", "postgresql:///bench_library", kind, clients, SECONDS,
                                                  f"ours-{run}")))
                theirs.append(pgbench("bench_library", f"factstr/library_{kind}.sql", clients, "-T", str(SECONDS),
                                      "-D", f"run={run}", "-D", "expected=0"))
            ours, theirs = statistics.median(ours), statistics.median(theirs)
            say(f"  {'libfactstr':<34}{ours:>12,.0f}/s")
            say(f"  {'pgbench, the same functions':<34}{theirs:>12,.0f}/s  libfactstr is {ours / theirs:.2f} x as "
                "fast (goal 0.9)")


SECTIONS = {"append": append, "slow": slow, "batch": batch, "tail": tail, "append_if": append_if,
            "growth": growth, "streams": streams, "memory": memory, "sqlite": sqlite, "library": library}


def main():
    setting()
    for name in sys.argv[1:]:
        SECTIONS[name]()


if __name__ == "__main__":
    main()
