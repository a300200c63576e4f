#!/usr/bin/env python3
"""Prints the figures of scale that Hone promises beside what this machine gives, and ends with status 1
if one is missed.

usage: scale.py [--build DIR] [--trials N] [--rounds N] [--seconds T] [SECTION…]

Sections: store waiting disk reconnect heartbeats simulation slow (all of them if none is named). What is
compared is measured by turns in one run, and the median pair counts; what is absolute is the best of
several, as others may use the machine. The server's files lie in $HONE_BENCH_DIR. Figures: scale.md.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
import hone  # noqa: E402
import scale_store  # noqa: E402
from load import Place, SLOW_SYNC_US, waits  # noqa: E402
from scale_table import Table, cpu_name  # noqa: E402
from slow_clients import SlowClients  # noqa: E402

WAITING = 5000
SEEDS = 300
STEPS = 1000  # requests that a seed must have at least
SLOW = 200


# ---- asks that wait ----

def park(place, client, waiting, seconds):
    """Asks of a study that is paused."""
    reply = client.post("/v1/studies", hone.study("idle"))
    assert reply.status == 201, reply
    client.patch("/v1/studies/idle", {"state": "paused"})
    parked = subprocess.Popen(place.command("--study", "idle", "--mode", "park", "--clients", waiting,
                                            "--seconds", seconds), stdout=subprocess.DEVNULL)
    hone.wait_until(lambda: waits(client) >= waiting, 120, f"{waiting} asks wait")
    return parked


def section_waiting(table, options):
    pairs = []
    with Place() as without, Place() as beside, beside.server.client(None) as client:
        parked = park(beside, client, WAITING, 3600)
        try:
            for _ in range(options.rounds):
                pairs.append([place.load(64, options.seconds)["writes_per_second"]
                              for place in (without, beside)])
        finally:
            parked.kill()
            parked.wait()
    table.ratio(f"writes/s beside {WAITING} asks that wait / beside none", pairs, 0.7)
    with Place(limits={"parallel": 1}) as place:
        runs = [place.load(WAITING, options.seconds, "ring") for _ in range(options.rounds)]
    best = min(runs, key=lambda run: run["handoff_from_result_acknowledged"]["p99_ms"])
    found = best["handoff_from_result_acknowledged"]
    table.most(f"hand-off beyond the commit, p99 of {found['n']}, {WAITING} asks wait", found["p99_ms"], 2, "ms",
               f"from the result sent p50 {best['handoff_from_result_sent']['p50_ms']:.2f} ms, "
               f"p99 {best['handoff_from_result_sent']['p99_ms']:.2f} ms")


# ---- a database on disk, and one in memory ----

def section_disk(table, options):
    slow = hone.preload_env(HONE_TEST_SYNC_DELAY_US=SLOW_SYNC_US)
    pairs = []
    with Place({**slow, "HONE_TEST_STORE": "memory"}) as memory, Place(slow) as disk:
        for _ in range(options.rounds * 2 + 1):
            pairs.append([place.load(64, options.seconds)["writes_per_second"] for place in (memory, disk)])
    table.ratio("writes/s with a sync that takes 1 ms more / in memory", pairs, 0.6)


# ---- workers that come back ----

def section_reconnect(table, _):
    import reconnect  # raises the limit of open files when it measures
    run = min((reconnect.measure(10000) for _ in range(2)), key=lambda run: run["ready"])
    table.most("10,000 workers come back: ready after the kill", run["ready"], 2, "s")
    table.most("10,000 workers come back: the last is served", run["last"], 60, "s")
    table.most("10,000 workers come back: peak of resident memory", run["peak_mib"], 512, "MiB")
    table.most("10,000 workers come back: leases lost", 10000 - run["live"] + run["expired"], 0, "")


# ---- simulation ----

def section_heartbeats(table, options):
    expired = 0
    for seed in "123":
        done = subprocess.run([os.path.join(options.build, "tests", "faults", "lossy_leases"), "1000", "5", seed],
                              stdout=subprocess.PIPE, text=True, check=False)
        print("  " + done.stdout.strip().replace("\n", "\n  "), flush=True)
        found = re.search(r"(\d+) false expiries", done.stdout)
        expired += float(found.group(1)) if found else float("inf")
    table.most("false expiries: 1,000 workers, 30 % lost, 2 s, leases of 60 s, 5 minutes", expired, 0, "",
               "three seeds")


def section_simulation(table, options):
    began = time.monotonic()
    done = subprocess.run([os.path.join(options.build, "tests", "sim", "simulate"), "--seeds", str(SEEDS),
                           "--trials", "140", "--workers", "40"], stdout=subprocess.PIPE, text=True, check=False)
    took = time.monotonic() - began
    steps = [int(n) for n in re.findall(r"seed \d+: (\d+) requests", done.stdout)]
    found = re.search(r"^\d+ passed, (\d+) failed$", done.stdout, re.MULTILINE)
    bad = int(found.group(1)) if found else SEEDS
    table.most(f"simulation of {SEEDS} seeds: time", took, 60, "s",
               f"{sum(steps)} requests, at least {min(steps)} a seed")
    table.most(f"simulation of {SEEDS} seeds: seeds that fail", bad, 0, "")
    table.least("simulation: requests of the shortest seed", min(steps), STEPS, "")


# ---- slow clients ----

def section_slow(table, options):
    with Place() as place, place.server.client(None) as client:
        trials = [{"parameters": {"lr": .01, "dropout": 0, "units": 32, "layers": 2, "kind": "relu", "norm": True},
                   "state": "completed", "metrics": {"loss": i}} for i in range(1000)]
        for _ in range(10):  # so that the answer to read slowly is long
            assert client.post("/v1/studies/load/trials", trials).status == 201
        with SlowClients(place.server.port, SLOW, "/v1/studies/load/export?format=ndjson") as slow:
            run = place.load(64, max(12, options.seconds))  # longer than half a request may last
    asked = run["all"]["n"] + run["errors"]
    table.least(f"requests that succeed beside {SLOW} slow clients", 100 * run["all"]["n"] / asked, 99.9, "%",
                f"{run['errors']} of {asked} failed; {slow.n_cut} slow ones were cut off")
    table.most(f"requests beside {SLOW} slow clients: p99", run["all"]["p99_ms"], 250, "ms")


SECTIONS = {"store": scale_store.section, "waiting": section_waiting, "disk": section_disk,
            "reconnect": section_reconnect, "heartbeats": section_heartbeats,
            "simulation": section_simulation, "slow": section_slow}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "build"))
    parser.add_argument("--trials", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=" ".join(SECTIONS))
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    for name, path in {"HONED": "server/honed", "HONE_LOAD": "tests/bench/load",
                       "HONE_PRELOAD": "tests/support/preload.so"}.items():
        os.environ.setdefault(name, os.path.join(options.build, path))
    os.environ.setdefault("HONE_ALLOW_ROOT", "1")
    tempfile.tempdir = os.environ.get("HONE_BENCH_DIR")  # a real disk, where /tmp is memory
    unknown = set(options.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"no such section: {' '.join(unknown)}")
    table = Table()
    print(f"{time.strftime('%-d %B %Y, %H:%M')}, {os.cpu_count()} cores ({cpu_name()}), "
          f"load {os.getloadavg()[0]:.1f} at the beginning")
    for name, section in SECTIONS.items():
        if not options.sections or name in options.sections:
            print(f"{name}:", flush=True)
            section(table, options)
    return table.end()


if __name__ == "__main__":
    sys.exit(main())
