"""The tools of the benchmark's sections: psql, pgbench, and the programs that bench/run builds.

Contestants take turns, round by round, so that a machine that is slow for a while is slow for all
of them; what counts is the ratio of their medians.
"""

import glob
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(HERE, "..", "memstore", "build", "bench")
SECONDS = int(os.environ.get("BENCH_SECONDS", "3"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))

# Of a distribution, these are kept.  1 is the slowest.
PERCENTILES = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999, 1]


def say(text=""):
    print(text, flush=True)


def psql(*arguments, database="postgres"):
    command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


class Session:
    """A session that stays, in psql; its statements run in the background."""

    def __init__(self, database):
        self.process = subprocess.Popen(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, *statements):
        self.process.stdin.write("".join(f"{statement};\n" for statement in statements) + "\\echo done\n")
        self.process.stdin.flush()

    def finish(self):
        """Waits for the last call, and returns its result."""
        lines = []
        for line in iter(self.process.stdout.readline, ""):
            if line == "done\n":
                return lines
            lines.append(line.rstrip("\n"))
        sys.exit("psql has ended")

    def run(self, *statements):
        self.start(*statements)
        return self.finish()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def script(name):
    return os.path.join(HERE, name)


def fresh_database(name, *files):
    psql("-c", f"CREATE DATABASE {name}")
    psql("-c", "CREATE EXTENSION factstr", database=name)
    add_peers(name, *files)


def add_peers(database, *files, copy=False):
    """The tables of peers, empty or with a copy of the log."""
    if files:
        psql(*(["-v", "copy=1"] if copy else []), *[word for file in files for word in ("-f", script(file))],
             database=database)


def load(database, facts, batch=1000):
    begin = time.monotonic()
    psql("-v", f"facts={facts}", "-v", f"batch={batch}", "-f", script("factstr/load.sql"), database=database)
    rate = facts / (time.monotonic() - begin)
    say(f"  loaded {facts:,} facts in batches of {batch:,}: {rate:,.0f} facts/s")


def pgbench(database, file, clients, *arguments, settings="", host=None):
    command = ["pgbench", "-n", "-M", "prepared", "-f", script(file), "-c", str(clients),
               "-j", str(min(clients, 2)), *arguments, *(["-h", host] if host else []), database]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, env={**os.environ, "PGOPTIONS": settings}).stdout
    failed = re.search(r"number of failed transactions: (\d+)", result)
    if failed and int(failed.group(1)) > 0:
        sys.exit(f"{file}: {failed.group(0)}\n{result}")
    rate = re.search(r"tps = ([0-9.]+)", result)
    # If no call was finished, for example because all of them waited for autovacuum's lock, the rate is below this.
    if not rate or float(rate.group(1)) == 0:
        say(f"  {file}: nothing was finished in {SECONDS} s")
        return 1 / SECONDS
    return float(rate.group(1))


def in_turns(contestants, measure):
    """Lets contestants take turns: {name: argument of measure} becomes {name: [result of each round]}."""
    results = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, argument in contestants.items():
            results[name].append(measure(argument))
    return results


def compare(database, clients, contestants):
    """Transactions a second of each contestant in each round; the first is the one the others are compared with."""
    rates = in_turns(contestants, lambda file: pgbench(database, file, clients, "-T", str(SECONDS)))
    say_ratios(rates)
    return rates


def say_ratios(rates):
    ours = statistics.median(next(iter(rates.values())))
    for name, values in rates.items():
        rate = statistics.median(values)
        say(f"  {name:<20}{rate:>12,.0f}/s  {ours / rate:6.2f} x")


def distribution(values):
    """How many there are, and [part, value] pairs: this part of the values is at most so large."""
    values = sorted(values)
    return {"count": len(values),
            "percentiles": [[part, values[max(math.ceil(part * len(values)) - 1, 0)]] for part in PERCENTILES]}


def say_distribution(name, values):
    found = dict(values["percentiles"])
    say(f"  {name:<28} p50 {found[0.5]:8.3f}  p99 {found[0.99]:8.3f}  p99.9 {found[0.999]:8.3f}  "
        f"max {found[1]:8.3f} ms")


def latencies(database, file, clients, host=None):
    """Latencies in ms of the transactions of one measurement."""
    with tempfile.TemporaryDirectory() as directory:
        prefix = os.path.join(directory, "log")
        pgbench(database, file, clients, "-T", str(SECONDS), "-l", "--log-prefix", prefix, host=host)
        values = []
        for path in glob.glob(prefix + "*"):
            with open(path, encoding="ascii") as log:
                values += [int(line.split()[2]) / 1000 for line in log]
    return values or [SECONDS * 1000]


def timed(database, statement):
    """Milliseconds of one execution in the server: the median of many, but not too many, in one session."""
    block = f"""DO $bench$
        DECLARE began timestamptz; took float8[]; middle float8; sum float8 := 0;
        BEGIN
          FOR i IN 1 .. 50 LOOP
            began := clock_timestamp();
            PERFORM {statement};
            took := took || extract(epoch FROM clock_timestamp() - began)::float8 * 1000;
            sum := sum + took[i];
            EXIT WHEN i >= 5 AND sum > 200;
          END LOOP;
          SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t) INTO middle FROM unnest(took) t;
          PERFORM set_config('bench.middle', middle::text, false);
        END $bench$"""
    return float(psql("-c", block, "-c", "SELECT current_setting('bench.middle')", database=database))


def timed_in_turns(statements):
    """(database, statement) pairs: for each the median of several turns."""
    turns = [[timed(*pair) for pair in statements] for _ in range(5)]
    return [statistics.median(times) for times in zip(*turns)]


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


def library_program(name, *arguments, preload=None):
    """The output of a program of memstore/bench."""
    command = [os.path.join(PROGRAMS, name), *[str(argument) for argument in arguments]]
    environment = {**os.environ, "LD_PRELOAD": preload} if preload else None
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout


def columns(text):
    """The columns of lines of numbers, as lists."""
    return [list(column) for column in zip(*[map(float, line.split()) for line in text.splitlines()])]
