"""The machine and the versions of a measurement, as far as its figures depend on them."""

import datetime
import os
import platform
import re
import statistics
import tempfile
import time

from measuring import ROUNDS, SECONDS, psql


def first_match(path, pattern):
    with open(path, encoding="utf-8") as file:
        match = re.search(pattern, file.read(), re.MULTILINE)
    return match.group(1).strip() if match else "unknown"


def flush_ms(directory):
    """The median time to write a page of the log to disk."""
    times = []
    with tempfile.TemporaryFile(dir=directory) as file:
        os.pwrite(file.fileno(), bytes(1 << 20), 0)
        os.fsync(file.fileno())
        for page in range(100):
            begin = time.monotonic()
            os.pwrite(file.fileno(), bytes(8192), 8192 * page)
            os.fdatasync(file.fileno())
            times.append((time.monotonic() - begin) * 1000)
    return statistics.median(times)


def processor_times():
    """Idle and all, of all processors since the machine was started."""
    with open("/proc/stat", encoding="ascii") as file:
        times = [int(word) for word in file.readline().split()[1:9]]
    return times[3], sum(times)


def busy():
    """The share of the processors that other programs use while this one waits."""
    idle, total = processor_times()
    time.sleep(2)
    idle_later, total_later = processor_times()
    return 1 - (idle_later - idle) / (total_later - total)


def setting():
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "factstr": psql("-c", "SELECT default_version FROM pg_available_extensions WHERE name = 'factstr'"),
        "commit": os.environ.get("BENCH_VERSION", "unknown"),
        "postgresql": psql("-c", "SHOW server_version"),
        "cpu": first_match("/proc/cpuinfo", r"^model name\s*:\s*(.*)$"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(int(first_match("/proc/meminfo", r"^MemTotal:\s*(\d+) kB")) / (1 << 20)),
        "kernel": f"{platform.system()} {platform.release()}",
        "flush_ms": round(flush_ms(os.environ["PGDATA"]), 3),
        "busy": round(busy(), 2),
        "seconds": SECONDS,
        "rounds": ROUNDS,
    }
