"""Many logs in a database: what their number costs, and what appenders gain that need not wait for each other."""

import os
import re
import subprocess
import tempfile

from measuring import (SECONDS, distribution, fresh_database, in_turns, pgbench, psql, say, say_distribution,
                       say_ratios, script)

LOGS = int(os.environ.get("BENCH_LOGS", "1000"))
DATABASE = "bench_many_logs"
CLIENTS = (16, 32)
SESSIONS = 15

# Each log has its own transaction, which is on disk when the time is taken.
CREATE = f"""DO $$
DECLARE began timestamptz;
BEGIN
  FOR n IN 1 .. {LOGS} LOOP
    began := clock_timestamp();
    PERFORM factstr_create_log('log_' || n);
    COMMIT;
    INSERT INTO creating VALUES (n, extract(epoch FROM clock_timestamp() - began) * 1000);
    COMMIT;
  END LOOP;
END $$"""

# The views of a database with a durable stream in each log.
VIEWS = ("factstr_status", "factstr_logs", "factstr_stream_status")

EVENT = ("'money-deposited', {}jsonb_build_object('account_id', 'acct-' || :account::int, 'amount', :amount::int, "
         "'currency', 'EUR', 'note', 'salary payment', 'customer', "
         "jsonb_build_object('id', :amount::int, 'tier', 'gold'))")
APPEND = ("SELECT factstr_append(jsonb_build_array(jsonb_build_object('event_type', " + EVENT.format("'payload', ") +
          ")), log => '{}');")
INSERT = "INSERT INTO unordered_events_{} (event_type, payload) VALUES (" + EVENT.format("") + ");"


def create():
    say(f"factstr_create_log, {LOGS:,} times")
    psql("-c", "CREATE TABLE creating (n int, ms float8)", "-c", CREATE, database=DATABASE)
    times = [float(ms) for ms in psql("-c", "SELECT ms FROM creating ORDER BY n", database=DATABASE).split()]
    results = {"all": distribution(times), "first": distribution(times[:len(times) // 10]),
               "last": distribution(times[-len(times) // 10:])}
    for name, values in results.items():
        say_distribution(name, values)
    return results


def first_and_second_ms(view):
    """Of a new session: psql's timing, from the statement until the last row is there."""
    command = ["psql", "-Xqt", "-v", "ON_ERROR_STOP=1", "-c", "SELECT", "-c", r"\timing on",
               *["-c", f"SELECT * FROM {view}"] * 2, DATABASE]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [float(ms) for ms in re.findall(r"^Time: ([0-9.]+) ms", text, re.MULTILINE)]


def views():
    say(f"status views of {LOGS + 1:,} logs, the first and the second time in a session, {SESSIONS} sessions")
    psql("-c", "SELECT factstr_stream_open('projection', log => log) FROM factstr_logs", "-c", "VACUUM ANALYZE",
         database=DATABASE)
    results = {}
    for view in VIEWS:
        times = [first_and_second_ms(view) for _ in range(SESSIONS)]
        results[view] = {name: distribution(values) for name, values in zip(("first", "second"), zip(*times))}
        for name, values in results[view].items():
            say_distribution(f"{view}, {name}", values)
    return results


def transaction_file(directory, name, statements):
    """A transaction of pgbench in which each client has the next of the statements."""
    path = os.path.join(directory, name + ".sql")
    with open(path, "w", encoding="ascii") as file:
        file.write("\\set account random(1, 100000)\n\\set amount random(1, 1000000)\n")
        for n, statement in enumerate(statements):
            if len(statements) > 1:
                file.write(f"\\{'if' if n == 0 else 'elif'} :client_id % {len(statements)} = {n}\n")
            file.write(statement + "\n")
        if len(statements) > 1:
            file.write("\\endif\n")
    return path


def rates(contestants, clients):
    """contestants: {name: (database, file)}."""
    results = in_turns(contestants, lambda each: pgbench(each[0], each[1], clients, "-T", str(SECONDS)))
    say_ratios(results)
    return results


def number_of_logs(directory):
    """Appends to one log in a database of many, and in one that has no other."""
    fresh_database("bench_one_log")
    to_main = transaction_file(directory, "main", [APPEND.format("main")])
    to_another = transaction_file(directory, "another", [APPEND.format(f"log_{LOGS // 2}")])
    results = []
    for clients in (1, 16):
        say(f"append to one log, {clients} clients, in a database of {LOGS + 1:,} logs and of one (appends)")
        contestants = {"one": ("bench_one_log", to_main), "main": (DATABASE, to_main),
                       "another": (DATABASE, to_another)}
        results.append({"clients": clients, "rates": rates(contestants, clients)})
    return results


def side_by_side(directory):
    """A log for each client, against one log for all and against a table for each."""
    psql("-v", f"tables={max(CLIENTS)}", "-f", script("peers/unordered_insert_many_tables.sql"), database=DATABASE)
    results = []
    for clients in CLIENTS:
        say(f"append, {clients} clients on as many logs and on one log, and INSERTs into as many tables (appends)")
        numbers = range(1, clients + 1)
        files = {"logs": transaction_file(directory, f"logs-{clients}", [APPEND.format(f"log_{n}") for n in numbers]),
                 "log": transaction_file(directory, f"log-{clients}", [APPEND.format("log_1")]),
                 "insert": transaction_file(directory, f"tables-{clients}", [INSERT.format(n) for n in numbers])}
        contestants = {name: (DATABASE, file) for name, file in files.items()}
        results.append({"clients": clients, "rates": rates(contestants, clients)})
    return results


def many_logs():
    fresh_database(DATABASE)
    results = {"logs": LOGS, "create": create(), "views": views()}
    psql("-c", "CHECKPOINT", database=DATABASE)
    with tempfile.TemporaryDirectory() as directory:
        results["number"] = number_of_logs(directory)
        results["side_by_side"] = side_by_side(directory)
    return results
