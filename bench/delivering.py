"""Streams of the library: how fast durable ones catch up, and what those that match nothing cost an append."""

import itertools
import os
import tempfile

from measuring import fresh_database, in_turns, library_program, say, say_ratios

FACTS = min(int(os.environ.get("BENCH_FACTS", "5000000")), 100000)

# So slow that a part of the log is enough.
FACTS_ONE_BY_ONE = max(FACTS // 50, 100)
BATCHES = 1000
STREAMS = 100
APPENDS = 2000
DATABASES = itertools.count()


def catch_up(store):
    """Batches a second of a new durable stream, whose cursor moves after each or after many."""
    say(f"{store}: a durable stream catches up, its cursor moves after each batch and after {BATCHES:,} (batches)")

    def measure(way):
        facts, batches = way
        if store == "postgres":
            database = f"bench_catching_up_{next(DATABASES)}"
            fresh_database(database)
            return float(library_program("streams", "catch-up", f"postgresql:///{database}", facts, batches))
        with tempfile.TemporaryDirectory() as directory:
            return float(library_program("streams", "catch-up", f"sqlite:{directory}/facts.db", facts, batches))

    rates = in_turns({"each": (FACTS_ONE_BY_ONE, 1), "many": (FACTS, BATCHES)}, measure)
    say_ratios(rates)
    return rates


def beside():
    """The processor's microseconds for an append to the SQLite store, beside so many streams."""
    say("SQLite store: an append of one event, beside streams that match nothing (µs of the processor)")

    def measure(streams):
        with tempfile.TemporaryDirectory() as directory:
            return float(library_program("streams", "beside", f"sqlite:{directory}/facts.db", streams, APPENDS))

    costs = in_turns({"0": 0, "1": 1, str(STREAMS): STREAMS}, measure)
    say_ratios(costs)
    return costs


def library_streams():
    return {"batches": BATCHES, "facts": FACTS, "streams": STREAMS,
            "catch_up": {store: catch_up(store) for store in ("sqlite", "postgres")}, "beside": beside()}
