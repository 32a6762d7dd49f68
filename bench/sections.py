#!/usr/bin/env python3
"""The sections of the benchmark, on the cluster that the environment leads to.

Each section is a function that measures and returns figures; bench/report.py explains
them.  They are kept, section by section, in the file BENCH_RESULTS.
"""

import contextlib
import json
import os
import re
import statistics
import sys
import tempfile
import time

from delivering import library_streams
from live_delivery import live_delivery
from locking import lock_times, readers
from machine import setting
from many_logs import many_logs
from measuring import (ROUNDS, SECONDS, Session, add_peers, columns, compare, consumer, distribution, fresh_database,
                       in_turns, latencies, library_program, load, output, pgbench, psql, say, say_distribution,
                       say_ratios, timed_in_turns)
from rebuilding import rebuild

RESULTS = os.environ["BENCH_RESULTS"]
LARGE = int(os.environ.get("BENCH_FACTS", "5000000"))

# Copying a log to the tables of peers takes long, and more facts show nothing more.
PEERS_LARGE = min(LARGE, 1000000)


# Appends

APPEND_TABLES = ("peers/reference_tables.sql", "peers/function_tables.sql", "peers/category_tables.sql",
                 "peers/unordered_insert_tables.sql")
APPEND = {"factstr": "factstr/append.sql", "array": "factstr/append_array.sql", "insert": "peers/unordered_insert.sql",
          "category": "peers/category_append.sql", "function": "peers/function_append.sql",
          "reference": "peers/reference_append.sql"}


def append(database="bench_append"):
    fresh_database(database, *APPEND_TABLES)
    results = []
    for clients in (1, 2, 4, 8, 16, 32):
        say(f"append, one event, {clients} clients (appends; factstr is so many times as fast)")
        results.append({"clients": clients, "rates": compare(database, clients, APPEND)})
    return results


def slow():
    return append("bench_slow")


# Facts and a row of another table in one transaction: in one statement, and in four round trips.
STATEMENTS = {"at_commit": "factstr/append_and_row_at_commit.sql", "factstr": "factstr/append_and_row.sql",
              "insert": "peers/unordered_insert_and_row.sql"}
BLOCKS = {"at_commit": "factstr/append_at_commit.sql", "append_first": "factstr/append_then_row.sql",
          "insert": "peers/unordered_insert_then_row.sql"}


def transactions(database="bench_transactions"):
    fresh_database(database, "peers/unordered_insert_tables.sql", "peers/own_tables.sql")
    results = []
    for clients in (1, 4, 16):
        say(f"append and a row in one statement, {clients} clients (transactions)")
        statements = compare(database, clients, STATEMENTS)
        say(f"append and a row in a transaction of four round trips, {clients} clients (transactions)")
        results.append({"clients": clients, "statement": statements, "block": compare(database, clients, BLOCKS)})
    return results


def slow_transactions():
    return transactions("bench_slow_transactions")


def batch():
    fresh_database("bench_batch", "peers/unordered_insert_tables.sql")
    say("append, batches of 100, 1 client (batches)")
    return compare("bench_batch", 1, {"factstr": "factstr/append_100.sql", "insert": "peers/unordered_insert_100.sql"})


def tail():
    fresh_database("bench_tail", *APPEND_TABLES)
    say("latency of appends at 8 clients")
    contestants = {name: file for name, file in APPEND.items() if name != "array"}
    rounds = in_turns(contestants, lambda file: latencies("bench_tail", file, 8))
    results = {name: distribution(sum(values, [])) for name, values in rounds.items()}
    for name, values in results.items():
        say_distribution(name, values)
    return results


def append_if():
    fresh_database("bench_append_if")
    say(f"append_if after its own query, {PEERS_LARGE:,} facts, 8 clients (decisions)")
    load("bench_append_if", PEERS_LARGE)
    add_peers("bench_append_if", "peers/reference_tables.sql", "peers/function_tables.sql", copy=True)
    psql("-c", "VACUUM ANALYZE", "-c", "CHECKPOINT", database="bench_append_if")
    return {"facts": PEERS_LARGE, "rates": compare("bench_append_if", 8, {
        "factstr": "factstr/append_if.sql",
        "function": "peers/function_append_if.sql",
        "reference": "peers/reference_append_if.sql"})}


# Growth: the same call at several sizes of the log.

TYPES = ["account-opened", "money-deposited"]


def context(*filters):
    return json.dumps({"filters": filters})


def of_account(account):
    return {"event_types": TYPES, "payload_predicates": [{"account_id": account}]}


# The accounts old and huge have all their facts before the mass of facts, new has them after it.
CONTEXTS = {
    "type": context({"event_types": ["account-opened"]}),
    "predicate": context({"payload_predicates": [{"account_id": "new"}]}),
    "type and predicate": context(of_account("new")),
    "several filters": context(of_account("new"), of_account("old"), {"event_types": ["account-closed"]},
                               {"payload_predicates": [{"account_id": "nobody"}]}),
    "10 old facts": context(of_account("old")),
    "20,000 old facts": context(of_account("huge")),
    "empty": context(of_account("nobody")),
}

# The same as the function in PL/pgSQL.
FUNCTION_ACCOUNTS = {"type and predicate": "new", "10 old facts": "old", "20,000 old facts": "huge",
                     "empty": "nobody"}


def facts_of(account, count):
    return ("SELECT factstr_append((SELECT jsonb_agg(jsonb_build_object('event_type', 'money-deposited', 'payload',"
            f" jsonb_build_object('account_id', '{account}', 'n', n))) FROM generate_series(1, {count}) n))")


def growth_database(facts):
    """The log is never analyzed, so that the results do not depend on statistics."""
    database = f"bench_growth_{facts}"
    fresh_database(database)
    psql("-c", "ALTER TABLE factstr_events SET (autovacuum_enabled = off)", "-c", facts_of("old", 10),
         "-c", facts_of("huge", 20000), database=database)
    load(database, facts)
    psql("-c", facts_of("new", 10), database=database)
    if facts <= PEERS_LARGE:
        add_peers(database, "peers/function_tables.sql", copy=True)
        psql("-c", "VACUUM ANALYZE function.events", database=database)
    psql("-c", "SELECT gin_clean_pending_list('factstr_events_payload_idx')", "-c", "CHECKPOINT", database=database)
    return database


def successful_append_if(database, query):
    """The event that it appends does not belong to the context."""
    expected = psql("-c", f"SELECT factstr_context_version('{query}')", database=database) or "NULL"
    return f"""factstr_append_if('[{{"event_type":"x","payload":{{}}}}]', '{query}', {expected})"""


def successful_function(database, account):
    expected = psql("-c", "SELECT max(sequence_number) FROM function.events"
                    f""" WHERE payload @> '{{"account_id": "{account}"}}'""", database=database) or "NULL"
    return (f"""function.append_if('x', '{{}}', '{{{",".join(TYPES)}}}', '{{"account_id": "{account}"}}',"""
            f" {expected})")


def readings():
    def version(query):
        return f"factstr_context_version('{query}')"

    def conflict(query):
        return f"""factstr_try_append_if('[{{"event_type":"x","payload":{{}}}}]', '{query}', {version(query)} - 1)"""

    new, old, huge = (CONTEXTS[name] for name in ("type and predicate", "10 old facts", "20,000 old facts"))
    never = context({"event_types": ["never-occurred"]})
    return {"query, 10 new facts": f"factstr_query('{new}')",
            "query, 10 old facts": f"factstr_query('{old}')",
            "query, a type that never occurred": f"factstr_query('{never}')",
            "version, 10 new facts": version(new),
            "version, 10 old facts": version(old),
            "version, 20,000 old facts": version(huge),
            "version and conflict, 10 new facts": conflict(new),
            "version and conflict, 10 old facts": conflict(old)}


def timed_rows(databases, rows):
    """{name: function that makes the statement for a database} becomes {name: [ms in each database]}."""
    results = {}
    for name, statement in rows.items():
        results[name] = timed_in_turns([(database, statement(database)) for database in databases])
        say(f"  {name:<36}" + "".join(f"{time:>10.3f}" for time in results[name]) + " ms")
    return results


def fill_pending_list(database):
    """One large append leaves the list as long as it may get; the next append would empty it."""
    psql("-c", "SELECT factstr_append((SELECT jsonb_agg(jsonb_build_object('event_type', 'filler', 'payload',"
         " jsonb_build_object('a', n, 'b', n, 'c', n))) FROM generate_series(1, 30000) n))",
         database=database)


# The context of a long history has all facts but the new ones; the other one has none, and no index can tell.
MEANWHILE = 10000
MEANWHILE_CONTEXTS = {
    "a long history": context({"payload_predicates": [{"currency": "EUR"}]}),
    "walking what came in": context({"payload_predicates": [{"currency": {}}]}),
}


def lock_is_waited_for(database):
    return psql("-c", "SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND NOT granted"
                " AND classid = 'factstr_events'::regclass", database=database) != "0"


def decision_after_waiting(database, query):
    """Milliseconds from the commit that ends the wait for the lock, with many new facts, to the answer."""
    decision = successful_append_if(database, query)
    with contextlib.closing(Session(database)) as other, contextlib.closing(Session(database)) as waiting:
        waiting.run("SET synchronous_commit = off", f"SELECT {decision}")
        decision = successful_append_if(database, query)
        other.run("SET synchronous_commit = off", "BEGIN",
                  "SELECT FROM factstr_append((SELECT jsonb_agg(jsonb_build_object('event_type', 'meanwhile',"
                  f" 'payload', jsonb_build_object('n', n))) FROM generate_series(1, {MEANWHILE}) n))")
        waiting.start("BEGIN", f"SELECT {decision}", "ROLLBACK")
        while not lock_is_waited_for(database):
            pass
        other.start("COMMIT")
        begin = time.monotonic()
        waiting.finish()
        took = time.monotonic() - begin
        other.finish()
    return took * 1000


def meanwhile(databases):
    say(f" append_if while {MEANWHILE:,} facts come in that do not match, after its wait for the lock")
    rounds = [in_turns(MEANWHILE_CONTEXTS, lambda query, database=database: decision_after_waiting(database, query))
              for database in databases]
    results = {name: [statistics.median(round[name]) for round in rounds] for name in MEANWHILE_CONTEXTS}
    for name, times in results.items():
        say(f"  {name:<36}" + "".join(f"{time:>10.3f}" for time in times) + " ms")
    return results


def rolled_back():
    """Appends in a log where many events were rolled back, which is not vacuumed, and in one where none were."""
    events = 1000000 if LARGE >= 1000000 else 100000
    say(f" append, one event, one client, after {events:,} events were rolled back, and without")
    databases = {"rolled back": "bench_rolled_back", "without": "bench_not_rolled_back"}
    for database in databases.values():
        fresh_database(database)
        psql("-c", "ALTER TABLE factstr_events SET (autovacuum_enabled = off)", "-c", facts_of("some", 10000),
             database=database)
    appends = ["-c", facts_of("nobody", 100000)] * (events // 100000)
    psql("-c", "BEGIN", *appends, "-c", "ROLLBACK", database=databases["rolled back"])
    for database in databases.values():
        psql("-c", "SELECT gin_clean_pending_list('factstr_events_payload_idx')", "-c", "CHECKPOINT", database=database)
    rates = in_turns(databases, lambda database: pgbench(database, "factstr/append.sql", 1, "-T", str(SECONDS)))
    say_ratios(rates)
    return {"events": events, "rates": rates}


def growth():
    sizes = sorted({size for size in (10000, 100000, 1000000) if size < LARGE} | {LARGE})
    say(f"growth: the same at {', '.join(f'{size:,}' for size in sizes)} facts, never analyzed")
    databases = [growth_database(size) for size in sizes]
    appends = {name: lambda database, query=query: successful_append_if(database, query)
               for name, query in CONTEXTS.items()}
    results = {"sizes": sizes}
    say(" append_if")
    results["append_if"] = timed_rows(databases, appends)
    say(" append_if of the function in PL/pgSQL")
    results["function_sizes"] = [size for size in sizes if size <= PEERS_LARGE]
    results["function"] = timed_rows(databases[:len(results["function_sizes"])], {
        name: lambda database, account=account: successful_function(database, account)
        for name, account in FUNCTION_ACCOUNTS.items()})
    say(" reading")
    results["reading"] = timed_rows(databases, {
        name: lambda _, statement=statement: statement for name, statement in readings().items()})
    results["meanwhile"] = meanwhile(databases)
    results["rolled_back"] = rolled_back()
    for database in databases:
        fill_pending_list(database)
    say(" append_if after one of 30,000 events has left the index's pending list long")
    results["pending"] = timed_rows(databases, appends)
    return results


# Streams: how soon consumers learn of a fact, how much listening costs the appends, how fast they catch up.

def notification():
    appends, pause = 1000, 5
    say(f"notification of an idle listener, {appends:,} appends, {pause} ms apart")
    fresh_database("bench_notification")
    rows = output(consumer("bench_notification", "latency", str(appends), str(pause)))
    results = {name: distribution(values) for name, values in zip(("sent", "answered"), zip(*rows))}
    for name, values in results.items():
        say_distribution(f"after the append was {name}", values)
    return results


def follow(database, queries):
    """Appends while consumers follow the log, each of which must get what its query finds."""
    head = psql("-c", "SELECT coalesce(max(sequence_number), 0) FROM factstr_events", database=database)
    followers = [consumer(database, "follow", json.dumps(query), head) for query in queries]
    for follower in followers:
        follower.stdout.readline()
    rate = pgbench(database, "factstr/append_types.sql", 16, "-T", str(SECONDS))
    begin = time.monotonic()
    totals = [output(follower)[0] for follower in followers]
    rest = time.monotonic() - begin
    for query, (facts, _, _) in zip(queries, totals):
        after_head = json.dumps({**query, "min_sequence_number": int(head)})
        found = psql("-c", f"SELECT count(*) FROM factstr_read('{after_head}')", database=database)
        if facts != int(found):
            sys.exit(f"a consumer of {query} got {facts:.0f} facts of {found}")
    facts, reads, notifications = [sum(column) / SECONDS for column in zip(*totals)] or (0, 0, 0)
    return {"appends": rate, "facts": facts, "reads": reads, "notifications": notifications, "rest_ms": rest * 1000}


def one_type_or_account(count):
    return [{"filters": [{"event_types": [f"type-{n}"]}]} for n in range(1, count // 2 + 1)] + \
           [{"filters": [{"payload_predicates": [{"account_id": f"acct-{n}"}]}]} for n in range(count // 2, count)]


def consumers():
    say("append, one event, 16 clients, alone and with 8 consumers, which listen and after a burst look at intervals")
    fresh_database("bench_follow")
    rounds = in_turns({"alone": [], "narrow": one_type_or_account(8), "all": [{}] * 8},
                      lambda queries: follow("bench_follow", queries))
    say_ratios({name: [each["appends"] for each in values] for name, values in rounds.items()})
    return {name: {key: [each[key] for each in values] for key in values[0]} for name, values in rounds.items()}


def catch_up():
    small, large = min(LARGE, 1000000) // 10, min(LARGE, 1000000)
    say(f"catching up with {large:,} facts in batches of ten, by batches a call")
    fresh_database("bench_catch_up")
    load("bench_catch_up", large, batch=10)
    rounds = in_turns({str(page): page for page in (1, 10, 100, 1000, 10000)},
                      lambda page: output(consumer("bench_catch_up", "catch-up", "{}", str(page), str(small),
                                                   str(small if page == 1 else large))))
    results = []
    for page, values in rounds.items():
        (_, _, server_small, client_small), (_, _, server, client) = values[-1]
        results.append({"batches": int(page), "rates": [last[0] / last[1] for _, last in values],
                        "server_kb": [server_small, server], "client_kb": [client_small, client]})
        say(f"  {page:>6}{statistics.median(results[-1]['rates']):>12,.0f} facts/s")
    return {"facts": [small, large], "calls": results}


def streams():
    return {"notification": notification(), "delivery": live_delivery(), "consumers": consumers(), "catch_up": catch_up()}


# The library: the speed of its stores, through its public functions.  bench/run has built the programs.

def memory():
    facts, calls = 1000000, 100000
    say(f"memory store, {facts:,} facts, one thread (per second of the processor)")
    rates = {}
    for _ in range(ROUNDS):
        for name, rate in re.findall(r"^(.+?) +(\d+) /s", library_program("memory", facts, calls), re.MULTILINE):
            rates.setdefault(name, []).append(float(rate))
    for name, values in rates.items():
        say(f"  {name:<34}{statistics.median(values):>12,.0f}/s")
    return {"facts": facts, "rates": rates}


def sqlite():
    sizes = sorted({10000, 100000, min(LARGE, 1000000)})
    threads = 16
    with tempfile.TemporaryDirectory() as directory:
        say("SQLite store, append_if and a plain INSERT of the same bytes with the same settings, in turns of 50")
        *logs, plain = columns(library_program("sqlite", "compare", directory, 3 * SECONDS, ROUNDS, *sizes))
        say_ratios({"insert": plain, **dict(zip(map(str, sizes), logs))})
        say(f"SQLite store, append_if at 10,000 facts, flush + 1 ms, 1 and {threads} threads (appends)")
        one, many = columns(library_program("sqlite", "threads", directory, threads, SECONDS, ROUNDS,
                                            preload=os.environ["BENCH_SLOW_FSYNC"]))
        say_ratios({"1": one, str(threads): many})
    return {"sizes": sizes, "append_if": logs, "insert": plain, "threads": threads, "one": one, "many": many}


def library():
    """The PostgreSQL store and pgbench, which calls the same functions as often as it can."""
    fresh_database("bench_library")
    results = []
    for kind in ("append", "append_if"):
        for clients in (1, 8):
            say(f"{kind}, one event, {clients} threads of libfactstr and as many clients of pgbench (appends)")
            turns = iter(range(2 * ROUNDS))

            def ours(kind=kind, clients=clients, turns=turns):
                return float(library_program("postgres", "postgresql:///bench_library", kind, clients, SECONDS,
                                             f"ours-{clients}-{next(turns)}"))

            def theirs(kind=kind, clients=clients, turns=turns):
                return pgbench("bench_library", f"factstr/library_{kind}.sql", clients, "-T", str(SECONDS),
                               "-D", f"run={clients}-{next(turns)}", "-D", "expected=0")

            rates = in_turns({"libfactstr": ours, "pgbench": theirs}, lambda measure: measure())
            say_ratios(rates)
            results.append({"kind": kind, "clients": clients, "rates": rates})
    return results


SECTIONS = {"append": append, "slow": slow, "transactions": transactions,
            "slow_transactions": slow_transactions, "lock_times": lock_times, "readers": readers, "batch": batch, "tail": tail, "append_if": append_if,
            "growth": growth, "streams": streams, "rebuild": rebuild, "logs": many_logs, "memory": memory, "sqlite": sqlite,
            "library": library, "library_streams": library_streams}


def rounded(value):
    """With digits as far as they could mean something."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, (list, tuple)) else value


def keep(name, run, figures):
    """Replaces a section's figures atomically, so that an interrupted run keeps the earlier ones."""
    results = {}
    if os.path.exists(RESULTS):
        with open(RESULTS, encoding="utf-8") as file:
            results = json.load(file)
    results[name] = {"run": run, "figures": figures}
    lines = [f"{json.dumps(each)}: {json.dumps(rounded(results[each]))}" for each in sorted(results)]
    with open(RESULTS + ".new", "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")
    os.replace(RESULTS + ".new", RESULTS)


def main():
    run = setting()
    say(f"PostgreSQL {run['postgresql']}, {run['cores']} cores, {SECONDS} s a measurement, {ROUNDS} in turns")
    for name in sys.argv[1:]:
        say(f"\n[{name}]")
        keep(name, run, SECTIONS[name]())


if __name__ == "__main__":
    main()
