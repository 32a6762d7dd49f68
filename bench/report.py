#!/usr/bin/env python3
"""usage: bench/report.py [RESULTS [REPORT]]

Makes the report of the benchmarks, REPORT (docs/benchmarks.md), and beside it the plots, in a
directory of the same name, of the figures in RESULTS (docs/benchmarks/results.json).  Measures
nothing; sections without figures are left out.
"""

import json
import os
import statistics
import sys

sys.dont_write_bytecode = True

from plots import Axis, bars, lines, short  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Colours follow this order in each plot.
NAMES = {"factstr": "factstr", "insert": "unordered INSERT", "category": "lock per category",
         "function": "PL/pgSQL function", "reference": "reference statements"}

INTRODUCTION = """\
# Benchmarks

What `make bench` measured, made by `bench/report.py`: not to be edited. Whoever is compared was measured side by side,
in turns, on one machine in one run; of the rounds the median counts. What carries over to another machine are the
ratios, so the text has ratios only; rates and times are in the tables. The scripts are in [`bench/`](../bench/).
factstr is compared with

- the *unordered INSERT*: one `INSERT` into a table with the same indexes, without order, check or lock. It is what
  PostgreSQL itself allows. Its payload index may leave 4 MB of entries unsorted, as by default, which each lookup has to
  read; factstr keeps that to an eighth of a megabyte, since decisions look up;
- the *reference statements*: what a store that works from outside the database sends for one append: a table lock, a
  `MAX`, two inserts, in six round trips;
- the *PL/pgSQL function*: the same rules as one would write them first inside the database, in one round trip: a table
  lock, a `max()`, an insert;
- the *lock per category*: a version for each stream, under an advisory lock for the stream's category, as Message DB
  has it. Its rules are weaker: no order of commits across streams, decisions about one stream only, and no index on
  payloads to maintain.
"""


class Section:
    """Writes one section of the report: its text, its tables, its plots."""

    def __init__(self, directory, results, name):
        self.directory, self.figures = directory, results[name]["figures"]
        self.lines = []

    def text(self, *paragraphs):
        for paragraph in paragraphs:
            self.lines += [paragraph, ""]

    def table(self, head, rows):
        self.lines += ["| " + " | ".join(row) + " |" for row in (head, ["---"] + ["---:"] * (len(head) - 1), *rows)]
        self.lines.append("")

    def plot(self, name, title):
        """Puts a plot into the text; returns the path of its file."""
        self.lines += [f"![{title}]({os.path.basename(self.directory)}/{name}.svg)", ""]
        return os.path.join(self.directory, name + ".svg")


def median(values):
    return statistics.median(values)


def times(ratio):
    return f"{ratio:,.0f} x" if ratio >= 100 else f"{ratio:.1f} x" if ratio >= 2 else f"{ratio:.2f} x"


def rate(value):
    return f"{value:,.0f}"


def milliseconds(value):
    return f"{value:,.1f}" if value >= 100 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def colour(name):
    return list(NAMES).index(name)


# Appends

def clients_axis(counts):
    return Axis("clients", counts, log=True, ticks=[(count, str(count)) for count in counts])


def appends(section, name, disk):
    figures = section.figures
    counts = [row["clients"] for row in figures]
    contestants = list(figures[0]["rates"])
    medians = {name: [median(row["rates"][name]) for row in figures] for name in contestants}
    title = f"Appends of one event, {disk}"
    lines(section.plot(name, title), title, clients_axis(counts),
          Axis("appends per second", sum(medians.values(), []), log=True),
          [(NAMES[each], list(zip(counts, values))) for each, values in medians.items()])
    section.text("Appends per second; in brackets, how many times as fast factstr is:")
    section.table(["clients", *[NAMES[each] for each in contestants]],
                  [[str(count), rate(medians["factstr"][n])] +
                   [f"{rate(medians[each][n])} ({times(medians['factstr'][n] / medians[each][n])})"
                    for each in contestants[1:]]
                   for n, count in enumerate(counts)])
    return counts, medians


def best(counts, medians, against):
    """The highest ratio, and where."""
    return max((ours / theirs, count) for ours, theirs, count in zip(medians["factstr"], medians[against], counts))


def append(section):
    section.text("## Appends", "One event an append, each waits until it is on disk.")
    counts, medians = appends(section, "append", "a local disk")
    ratio, count = best(counts, medians, "reference")
    section.text(f"factstr appends up to {times(ratio)} as fast as the reference statements (at {count} clients), and "
                 f"at {counts[-1]} clients {times(medians['factstr'][-1] / medians['function'][-1])} as fast as the "
                 f"PL/pgSQL function and {times(medians['factstr'][-1] / medians['insert'][-1])} as fast as the "
                 "unordered INSERT: its appenders share the flushes of the disk, while who holds a lock through the "
                 "commit has others wait for each flush.")


def slow(section):
    section.text("## Appends on a slow disk",
                 "The same where each flush takes a millisecond longer, as on a disk without a cache or one across a "
                 "network.")
    counts, medians = appends(section, "slow", "a flush takes 1 ms longer")
    ratio, count = best(counts, medians, "reference")
    section.text(f"The slower the flush, the more sharing it is worth: up to {times(ratio)} as fast as the reference "
                 f"statements (at {count} clients), and {times(medians['factstr'][-1] / medians['insert'][-1])} as "
                 f"fast as the unordered INSERT at {counts[-1]} clients.")


BLOCK_NAMES = {"at_commit": "append at commit", "append_first": "append first", "insert": "unordered INSERT"}


def both_ways(section, disk):
    rows = [{"clients": row["clients"],
             **{kind: {name: median(values) for name, values in row[kind].items()} for kind in ("statement", "block")}}
            for row in section.figures]
    section.text(f"In one statement, {disk}; transactions per second, in brackets against the INSERTs:")
    section.table(["clients", "factstr", "unordered INSERT"],
                  [[str(row["clients"]), f"{rate(row['statement']['factstr'])} "
                    f"({times(row['statement']['factstr'] / row['statement']['insert'])})",
                    rate(row["statement"]["insert"])] for row in rows])
    section.text("In a transaction of four round trips:")
    section.table(["clients", *BLOCK_NAMES.values()],
                  [[str(row["clients"]),
                    *[f"{rate(row['block'][name])} ({times(row['block'][name] / row['block']['insert'])})"
                      for name in ("at_commit", "append_first")],
                    rate(row["block"]["insert"])] for row in rows])


def transactions(section):
    section.text("## Facts and rows in one transaction", "Each transaction appends an event and inserts a row into a "
                 "table of its own; the unordered INSERT with the same row is the limit. An append that comes first "
                 "holds its lock through the round trips of its client.")
    both_ways(section, "a local disk")


def slow_transactions(section):
    both_ways(section, "a flush takes 1 ms longer")


WAYS = {"append": "an append by itself", "statement": "in one statement with a row", "at_commit": "at commit",
        "append_first": "first in a transaction of four round trips"}
STEPS = ("checking", "writing rows", "until the commit", "committing", "releasing")


def microseconds(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def lock_times(section):
    rows = [(row["clients"], row["way"], release, {step: median([each[step] for each in rounds])
                                                   for step in ("waiting", *STEPS)})
            for row in section.figures for release, rounds in row["rounds"].items()]
    held = {row[:3]: sum(row[3][step] for step in STEPS) for row in rows}
    most = max(count for count, *_ in rows)
    section.text("## How long the append lock is held",
                 "In microseconds, the mean of all transactions, as `factstr.log_lock_times` tells it, which itself takes "
                 "a fraction of one: from the lock to the rows, until the transaction commits, until others see its "
                 "commit, until the lock is free. Before it was released early, each transaction held the lock "
                 "through the flush of its commit, as it still does with `early_lock_release = off`. With "
                 f"{most} clients one statement that appends and inserts a row holds it "
                 f"{times(held[most, 'statement', 'auto'] / held[most, 'statement', 'off'])} as long as that.")
    section.table(["clients, way, flush", "waiting", *STEPS, "held"],
                  [[f"{clients}, {WAYS[way]}, {'under the lock' if release == 'off' else 'after it'}",
                    *[microseconds(steps[step]) for step in ("waiting", *STEPS)],
                    microseconds(held[clients, way, release])] for clients, way, release, steps in rows])


READERS = {"without": "alone, the library not preloaded", "alone": "alone", "another, insert": "beside unordered INSERTs",
           "another, factstr": "beside appends", "written, insert": "beside unordered INSERTs, of the table they write",
           "written, factstr": "beside appends, of the table they write"}


def readers(section):
    figures = section.figures
    found = {name: percentiles(values) for name, values in figures["readers"].items()}
    section.text("## Readers of other tables",
                 "One client reads rows of a table of its own by their keys, alone and beside "
                 f"{figures['appenders']} clients of which each statement writes an event and a row. Without appends "
                 f"it takes {times(found['alone']['p50'] / found['without']['p50'])} as long as in a server that has not "
                 "preloaded the library, by the medians; beside appends "
                 f"{times(found['another, factstr']['p50'] / found['another, insert']['p50'])} as long as beside the "
                 "INSERTs. A read of the table that the appends write waits for what is on its way to the disk, and "
                 f"takes {times(found['written, factstr']['p50'] / found['written, insert']['p50'])} as long as beside the "
                 "INSERTs.")
    section.table(["ms", *QUOTED, "measured"],
                  [[READERS[name], *[milliseconds(value) for value in values.values()],
                    rate(figures["readers"][name]["count"])] for name, values in found.items()])


def batch(section):
    rates = {name: median(values) for name, values in section.figures.items()}
    section.text("## Batches", "Appended by one client in batches of 100, facts come "
                 f"{times(rates['factstr'] / rates['insert'])} as fast as by one INSERT of as many rows.")
    title = "Batches of 100 events, 1 client"
    bars(section.plot("batch", title), title, "facts per second",
         [(NAMES[name], 100 * value, colour(name)) for name, value in rates.items()])
    section.table(["", "batches/s", "facts/s"],
                  [[NAMES[name], rate(value), rate(100 * value)] for name, value in rates.items()])


# Distributions

QUOTED = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999, "max": 1}


def percentiles(values):
    found = dict(map(tuple, values["percentiles"]))
    return {name: found[part] for name, part in QUOTED.items()}


def curve(values):
    """Points of a plot whose x axis has the part that takes longer; the rarest are left to the table."""
    return [(1 / (1 - part), max(value, 0.001)) for part, value in values["percentiles"]
            if part <= 0.5 or part < 1 and (1 - part) * values["count"] >= 10]


def distributions(section, name, title, y_title, rows):
    """rows: (name, distribution) pairs."""
    series = [(label, curve(values)) for label, values in rows]
    lines(section.plot(name, title), title,
          Axis("percentile", [x for _, points in series for x, _ in points], log=True,
               ticks=[(2, "50"), (10, "90"), (100, "99"), (1000, "99.9"), (10000, "99.99")]),
          Axis(y_title, [y for _, points in series for _, y in points], log=True), series)
    section.table(["ms", *QUOTED, "measured"],
                  [[label, *[milliseconds(value) for value in percentiles(values).values()], rate(values["count"])]
                   for label, values in rows])


def tail(section):
    figures = section.figures
    section.text("## Latency of appends", "8 clients append one event at a time, as fast as they can.")
    distributions(section, "tail", "Latency of appends, 8 clients", "milliseconds",
                  [(NAMES[name], values) for name, values in figures.items()])
    ours, reference, insert = (percentiles(figures[name]) for name in ("factstr", "reference", "insert"))
    section.text(f"Half of the appends take {times(ours['p50'] / reference['p50'])} as long as with the reference "
                 f"statements and {times(ours['p50'] / insert['p50'])} as long as the unordered INSERT; of a thousand "
                 f"appends the slowest takes {times(ours['p99.9'] / reference['p99.9'])} and "
                 f"{times(ours['p99.9'] / insert['p99.9'])} as long.")


# Conditional appends

def append_if(section):
    rates = {name: median(values) for name, values in section.figures["rates"].items()}
    facts = section.figures["facts"]
    section.text("## Decisions", f"8 clients query an account of about ten among {facts:,} facts, and append a fact "
                 "on the condition that there is no newer one. factstr does that "
                 f"{times(rates['factstr'] / rates['function'])} as fast as the PL/pgSQL function and "
                 f"{times(rates['factstr'] / rates['reference'])} as fast as the reference statements, which leave it "
                 "to the planner how to find the newest fact.")
    title = f"Query and append_if, {facts:,} facts, 8 clients"
    bars(section.plot("append_if", title), title, "decisions per second",
         [(NAMES[name], value, colour(name)) for name, value in rates.items()])
    section.table(["", "decisions/s", "factstr is so many times as fast"],
                  [[NAMES[name], rate(value), times(rates["factstr"] / value)] for name, value in rates.items()])


def sizes_axis(sizes):
    return Axis("facts in the log", sizes, log=True, ticks=[(size, short(size)) for size in sizes])


def growth_table(section, sizes, rows, what):
    section.table([what, *[f"{size:,} facts" for size in sizes], "largest/smallest"],
                  [[name, *[milliseconds(value) for value in values], times(values[-1] / values[0])]
                   for name, values in rows.items()])


def growth_plot(section, name, title, sizes, series):
    lines(section.plot(name, title), title, sizes_axis(sizes),
          Axis("milliseconds in the server", [value for _, points in series for _, value in points], log=True), series)


def growth(section):
    figures = section.figures
    sizes, appended = figures["sizes"], figures["append_if"]
    worst = max(values[-1] / values[0] for values in appended.values())
    section.text("## Conditional appends and the size of the log",
                 f"A conditional append takes at most {times(worst)} as long at {sizes[-1]:,} facts as at "
                 f"{sizes[0]:,}, whichever the context is. Measured in the server, in a table that was never "
                 "analyzed; the contexts of old facts lie before all the others, and the context of a type is a "
                 "tenth of the log.")
    growth_plot(section, "growth", "append_if, by what the context is", sizes,
                [(name, list(zip(sizes, values))) for name, values in appended.items()])
    growth_table(section, sizes, appended, "`append_if`, ms")
    function_growth(section)
    if "meanwhile" in figures:
        section.text("What came in while an append waited for the lock is looked at under the lock: here 10,000 facts "
                     "that do not match. With a context of a long history, of all facts but these, it takes as "
                     "long as with one that no index can find:")
        growth_table(section, sizes, figures["meanwhile"], "`append_if` after its wait, ms")
    if "rolled_back" in figures:
        rolled_back(section, **figures["rolled_back"])
    section.text("The same after one append of 30,000 events has left the pending list of the index as long as it "
                 "gets:")
    growth_table(section, sizes, figures["pending"], "`append_if`, ms")
    section.text("Queries, versions, and a conflict together with the version that it is about:")
    growth_table(section, sizes, figures["reading"], "ms")


def rolled_back(section, events, rates):
    with_it, without = median(rates["rolled back"]), median(rates["without"])
    section.text(f"What was rolled back lies behind the newest fact until a vacuum. After {events:,} events were rolled back, "
                 f"one client appends {rate(with_it)} events/s one by one; in a log where none were, "
                 f"{rate(without)}: {times(without / with_it)} as long.")


def function_growth(section):
    """The PL/pgSQL function, which leaves max() to the planner, on the same contexts."""
    sizes, rows = section.figures["function_sizes"], section.figures["function"]
    ours = section.figures["append_if"]
    ratios = [values[-1] / ours[name][len(sizes) - 1] for name, values in rows.items()]
    section.text(f"The PL/pgSQL function, whose `max()` is left to the planner, takes {times(min(ratios))} to "
                 f"{times(max(ratios))} as long on the same contexts at {sizes[-1]:,} facts, with its table analyzed:")
    growth_plot(section, "growth-function", "append_if of factstr, and of the PL/pgSQL function", sizes,
                [(f"{NAMES[who]}: {name}", list(zip(sizes, values[name][:len(sizes)])))
                 for who, values in (("factstr", ours), ("function", rows))
                 for name in ("type and predicate", "10 old facts", "20,000 old facts")])
    growth_table(section, sizes, rows, "PL/pgSQL function, ms")


# Streams

def streams(section):
    section.text("## Streams")
    notification(section, section.figures["notification"])
    consumers(section, section.figures["consumers"])
    catch_up(section, section.figures["catch_up"])


def notification(section, figures):
    sent, answered = percentiles(figures["sent"]), percentiles(figures["answered"])
    share = abs(answered["p50"]) / sent["p50"]
    section.text("### Notification", "One client appends now and then, another one on the same machine listens. What "
                 "its notification takes beyond the answer to the append is "
                 f"{times(share) if share >= 0.01 else 'less than 0.01 x'} of the whole, by the medians.")
    distributions(section, "notification", "Notification of an idle listener", "milliseconds",
                  [("since the append was sent", figures["sent"])])
    section.text("Since the answer to the append; what is negative came before it:")
    section.table(["ms", *QUOTED], [["since the answer", *[milliseconds(value) for value in answered.values()]]])


CONSUMERS = {"alone": "no consumers", "narrow": "8 of a type or an account", "all": "8 of every fact"}


def consumers(section, figures):
    rates = {name: median(values["appends"]) for name, values in figures.items()}
    section.text("### What consumers cost", "16 clients append one event at a time while consumers follow the log: "
                 "woken by notifications, and after a burst of them looking at intervals "
                 "([why](streams.md#under-load)). With eight of a type or an account the appends are "
                 f"{times(rates['narrow'] / rates['alone'])} as fast as alone, with eight of every fact "
                 f"{times(rates['all'] / rates['alone'])}.")
    title = "Appends of 16 clients, with consumers"
    bars(section.plot("consumers", title), title, "appends per second",
         [(CONSUMERS[name], value, number) for number, (name, value) in enumerate(rates.items())])
    section.table(["", "appends/s", "of those alone", "consumed facts/s", "reads/s", "notifications/s",
                   "done after, ms"],
                  [[CONSUMERS[name], rate(rates[name]), times(rates[name] / rates["alone"]),
                    *[rate(median(values[key])) for key in ("facts", "reads", "notifications", "rest_ms")]]
                   for name, values in figures.items()])


def catch_up(section, figures):
    calls = figures["calls"]
    points = [(row["batches"], median(row["rates"])) for row in calls]
    most = max(value for _, value in points)
    enough = next(batches for batches, value in points if value >= 0.8 * most)
    section.text("### Catching up", f"One client reads a log of {figures['facts'][1]:,} facts in batches of ten, from "
                 f"the beginning, so many batches a call of `factstr_batches`. With {enough:,} batches a call it is "
                 f"within a fifth of the fastest, and {times(dict(points)[enough] / points[0][1])} as fast as with "
                 "one. Memory is that of one call's answer, not of the log.")
    title = "Catching up, by batches a call"
    lines(section.plot("catch-up", title), title,
          Axis("batches a call", [x for x, _ in points], log=True, ticks=[(x, f"{x:,}") for x, _ in points]),
          Axis("facts per second", [y for _, y in points]), [("factstr_batches", points)])
    section.table(["batches a call", "facts/s", "server kB", "client kB"],
                  [[f"{row['batches']:,}", rate(median(row["rates"])), rate(row["server_kb"][1]),
                    rate(row["client_kb"][1])] for row in calls])


def share(ratio):
    return times(ratio) if ratio >= 0.01 else "less than 0.01 x"


REBUILDS = {"loop": "a loop that calls the function", "worker": "the same function as handler, by a worker",
            "by_hand": "by `factstr_deliver`", "outside": "`next` and `ack` by 1,000 batches",
            "one_by_one": "`next` and `ack` by one batch"}


def rebuild(section):
    rates = {name: median(values) for name, values in section.figures["rates"].items()}
    section.text("## Rebuilding a table", f"A table with a row for each fact is made from {section.figures['facts']:,} "
                 "batches of one fact. A [handler](streams.md#handlers-in-the-database) in PL/pgSQL that is delivered "
                 f"them by a worker is {times(rates['worker'] / rates['loop'])} as fast as a loop in one transaction "
                 "that calls the same function with the same batches, and "
                 f"{times(rates['worker'] / rates['one_by_one'])} as fast as a client that takes and acknowledges each "
                 f"in a transaction of its own; a client that takes a thousand in each, {times(rates['outside'] / rates['loop'])} "
                 "as fast as the loop.")
    section.table(["", "batches/s", "of the loop"],
                  [[REBUILDS[name], rate(value), share(value / rates["loop"])] for name, value in rates.items()])


# The library

def memory(section):
    rates = {name: median(values) for name, values in section.figures["rates"].items()}
    section.text("## The memory store", f"One thread, a store of {section.figures['facts']:,} facts; by the "
                 "processor's time.")
    title = "The memory store, one thread"
    calls = {name: value for name, value in rates.items() if not name.startswith("read,")}
    bars(section.plot("memory", title), title, "calls or facts per second",
         [(name, value, 0) for name, value in calls.items()])
    section.table(["", "per second", "µs"],
                  [[name, rate(value), f"{1e6 / value:.2f}"] for name, value in rates.items()])


def sqlite(section):
    figures = section.figures
    sizes, appended = figures["sizes"], [median(values) for values in figures["append_if"]]
    insert, one, many = (median(figures[name]) for name in ("insert", "one", "many"))
    section.text("## The SQLite store", "Conditional appends of one event on a context of ten, and a plain `INSERT` "
                 "of the same bytes, which keeps no index and checks nothing, on the same disk with the same "
                 f"settings. `append_if` takes {times(appended[0] / appended[-1])} as long at {sizes[-1]:,} facts as "
                 f"at {sizes[0]:,}, and there is {times(appended[-1] / insert)} as fast as the plain INSERT.")
    title = "The SQLite store, one thread"
    lines(section.plot("sqlite", title), title, sizes_axis(sizes), Axis("appends per second", [*appended, insert]),
          [("append_if", list(zip(sizes, appended))), ("plain INSERT", [(size, insert) for size in sizes])])
    section.table(["facts", "`append_if`/s", "against the plain INSERT"],
                  [[f"{size:,}", rate(value), times(value / insert)] for size, value in zip(sizes, appended)] +
                  [["plain INSERT", rate(insert), ""]])
    section.text(f"Where a flush takes a millisecond longer, {figures['threads']} threads append {times(many / one)} "
                 "as fast as one, since they share it:")
    section.table(["threads", "`append_if`/s"], [["1", rate(one)], [str(figures["threads"]), rate(many)]])


def library(section):
    rows = [(f"{each['kind']}, {each['clients']} {'thread' if each['clients'] == 1 else 'threads'}",
             median(each["rates"]["libfactstr"]), median(each["rates"]["pgbench"])) for each in section.figures]
    ratios = [ours / theirs for _, ours, theirs in rows]
    section.text("## The PostgreSQL store", "libfactstr, and pgbench calling the same functions with as many clients "
                 f"as there are threads. The library is {times(min(ratios))} to {times(max(ratios))} as fast as "
                 "pgbench.")
    title = "The PostgreSQL store and pgbench"
    bars(section.plot("library", title), title, "appends per second",
         [bar for name, ours, theirs in rows
          for bar in ((f"libfactstr: {name}", ours, 0), (f"pgbench: {name}", theirs, 3))])
    section.table(["", "libfactstr, appends/s", "pgbench, appends/s", "libfactstr is so many times as fast"],
                  [[name, rate(ours), rate(theirs), times(ours / theirs)] for name, ours, theirs in rows])


def library_streams(section):
    figures = section.figures
    ways = {store: {way: median(values) for way, values in rates.items()}
            for store, rates in figures["catch_up"].items()}
    costs = {count: median(values) for count, values in figures["beside"].items()}
    many = str(figures["streams"])
    section.text("## Streams of the library", "A durable stream catches up with batches of one fact. If its cursor moves "
                 f"after {figures['batches']:,} batches instead of each, it is "
                 f"{times(ways['sqlite']['many'] / ways['sqlite']['each'])} as fast on SQLite, and "
                 f"{times(ways['postgres']['many'] / ways['postgres']['each'])} on PostgreSQL.")
    section.table(["", "each batch, batches/s", f"{figures['batches']:,} batches, batches/s"],
                  [[name, rate(ways[store]["each"]), rate(ways[store]["many"])]
                   for store, name in (("sqlite", "SQLite"), ("postgres", "PostgreSQL"))])
    section.text(f"An append to the SQLite store beside {many} streams that match nothing costs "
                 f"{times(costs[many] / costs['0'])} the processor's time of one beside none: what is new is matched "
                 "once against all of their queries.")
    section.table(["streams", "µs an append"], [[count, f"{value:.0f}"] for count, value in costs.items()])


SECTIONS = {"append": append, "slow": slow, "transactions": transactions,
            "slow_transactions": slow_transactions, "lock_times": lock_times, "readers": readers, "batch": batch, "tail": tail, "append_if": append_if, "growth": growth,
            "streams": streams, "rebuild": rebuild, "memory": memory, "sqlite": sqlite, "library": library,
            "library_streams": library_streams}

# What is measured for a shorter time, or on a busier machine, shows that it works, and little more.
ENOUGH_SECONDS, ENOUGH_ROUNDS = 3, 3
BUSY = 0.2


def where(results):
    """What was measured, when and where: a row for each run."""
    runs = {}
    for name in SECTIONS:
        if name in results:
            runs.setdefault(json.dumps(results[name]["run"], sort_keys=True), []).append(name)
    rows = []
    for text, names in runs.items():
        run = json.loads(text)
        rows += [
            f"- {', '.join(f'`{name}`' for name in names)}: {run['date']}",
            f"  - factstr {run['factstr']}, commit `{run['commit']}`; PostgreSQL {run['postgresql']}",
            f"  - {run['cpu']}, {run['cores']} cores, {run['memory_gb']} GB, {run['kernel']}",
            f"  - a flush of the disk takes {run['flush_ms']:.2f} ms; other programs used {run['busy']:.0%} of the "
            "processors before the first measurement",
            f"  - {run['seconds']} s a measurement, {run['rounds']} in turns"]
    return ["## What was measured, and where", "", *rows]


def warnings(results):
    runs = [results[name]["run"] for name in SECTIONS if name in results]
    found = []
    if any(run["seconds"] < ENOUGH_SECONDS or run["rounds"] < ENOUGH_ROUNDS for run in runs):
        found.append("some measurements were short, made to try the report rather than to be quoted")
    if any(run["busy"] > BUSY for run in runs):
        found.append("the machine was busy with other things when some of them were made")
    return [f"> **Not to be quoted:** {'; '.join(found)}.", ""] if found else []


def make_report(results, path):
    directory = os.path.splitext(path)[0]
    os.makedirs(directory, exist_ok=True)
    text = [INTRODUCTION, *warnings(results)]
    for name, write in SECTIONS.items():
        if name in results:
            section = Section(directory, results, name)
            write(section)
            text += section.lines
    text += where(results)
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(text).rstrip("\n") + "\n")


def main(arguments):
    if any(argument in ("-h", "--help") for argument in arguments):
        print(__doc__.strip())
        return
    if len(arguments) > 2:
        sys.exit(__doc__.strip())
    docs = os.path.join(TOP, "docs")
    source, report = (*arguments, *[os.path.join(docs, "benchmarks", "results.json"),
                                    os.path.join(docs, "benchmarks.md")][len(arguments):])
    try:
        with open(source, encoding="utf-8") as file:
            results = json.load(file)
    except (OSError, ValueError) as error:
        sys.exit(f"{source}: {error}")
    make_report(results, report)
    print(f"{os.path.relpath(report)} is written")


if __name__ == "__main__":
    main(sys.argv[1:])
