"""What appends do to others: how long they hold the append lock, and what readers of other tables notice."""

import contextlib
import os
import re
import subprocess

from measuring import (HERE, ROUNDS, SECONDS, distribution, fresh_database, in_turns, latencies, pgbench, psql, say,
                       say_distribution, script)

APPENDERS = 16

# How long the append lock is held, by steps.  With early_lock_release = off, transactions hold it through the flush.
WAYS = {"append": "factstr/append.sql", "statement": "factstr/append_and_row.sql",
        "at_commit": "factstr/append_at_commit.sql", "append_first": "factstr/append_then_row.sql"}


def server_log():
    return os.path.join(os.path.dirname(os.environ["PGDATA"]), "log")


def logged_steps(text):
    """Microseconds of each step, the mean of all transactions."""
    sums, transactions = {}, 0
    for count, steps in re.findall(r"append lock of (\d+) transactions\n.*?each: (.*)\.\n", text):
        transactions += int(count)
        for microseconds, step in re.findall(r"([0-9.]+) ([a-z ]+)", steps):
            sums[step] = sums.get(step, 0) + int(count) * float(microseconds)
    return {step: value / transactions for step, value in sums.items()}


def steps_of(way, clients, release):
    with open(server_log(), encoding="utf-8") as log:
        log.seek(0, os.SEEK_END)
        pgbench("bench_lock_times", WAYS[way], clients, "-T", str(SECONDS),
                settings=f"-c factstr.log_lock_times=on -c factstr.early_lock_release={release}")
        # A session has ended once its memory is freed, so its messages are in the log.
        while psql("-c", "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench'") != "0":
            pass
        return logged_steps(log.read())


def lock_times():
    fresh_database("bench_lock_times", "peers/own_tables.sql")
    results = []
    # One client alone would hold it through the flush with both settings.
    for clients in (2, APPENDERS):
        for way in WAYS:
            say(f"append lock, {clients} clients, {way} (us: held through the flush, and released before)")
            rounds = in_turns({"off": "off", "auto": "auto"},
                              lambda release, way=way, clients=clients: steps_of(way, clients, release))
            results.append({"clients": clients, "way": way, "rounds": rounds})
            for release, each in rounds.items():
                say(f"  {release:<6}" + ", ".join(f"{step} {value:.1f}" for step, value in each[-1].items()))
    return results


# The effect on a reader that never appends.

@contextlib.contextmanager
def server_without():
    """Another server, which has not preloaded the library, with the same tables; its directory."""
    command = [os.path.join(HERE, "..", "scripts", "with-cluster"), "-c", "shared_buffers=2GB", "--",
               "sh", "-c", 'echo "$PGHOST"; read line']
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        host = process.stdout.readline().strip()
        subprocess.run(["createdb", "-h", host, "bench_readers"], check=True)
        for file in ("peers/own_tables.sql", "peers/read_tables.sql"):
            subprocess.run(["psql", "-XqAt", "-h", host, "-f", script(file), "bench_readers"], check=True)
        yield host
        process.stdin.close()


@contextlib.contextmanager
def beside(file):
    """With this many clients that write meanwhile."""
    command = ["pgbench", "-n", "-M", "prepared", "-f", script(file), "-c", str(APPENDERS), "-j", "2", "-T",
               str(SECONDS + 60), "bench_readers"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while psql("-c", "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench'") != str(APPENDERS):
            pass
        yield
        process.terminate()


def read(file, writers=None, host=None):
    with beside(writers) if writers else contextlib.nullcontext():
        return latencies("bench_readers", file, 1, host=host)


def readers():
    fresh_database("bench_readers", "peers/unordered_insert_tables.sql", "peers/own_tables.sql",
                   "peers/read_tables.sql")
    another, written = "factstr/read_another_table.sql", "factstr/read_written_table.sql"
    say(f"a reader that never appends: alone, without the library preloaded, and beside {APPENDERS} clients that write")
    with server_without() as host:
        rounds = in_turns({
            "without": lambda: read(another, host=host),
            "alone": lambda: read(another),
            "another, insert": lambda: read(another, "peers/unordered_insert_and_row.sql"),
            "another, factstr": lambda: read(another, "factstr/append_and_row.sql"),
            "written, insert": lambda: read(written, "peers/unordered_insert_and_row.sql"),
            "written, factstr": lambda: read(written, "factstr/append_and_row.sql"),
        }, lambda measure: measure())
    results = {name: distribution(sum(values, [])) for name, values in rounds.items()}
    for name, values in results.items():
        say_distribution(name, values)
    return {"appenders": APPENDERS, "readers": results, "rounds": ROUNDS}
