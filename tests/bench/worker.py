#!/usr/bin/env python3
"""What a worker costs: time from the start of one trial to the start of the next, and memory.

Then 1,000 trials of a program that prints one line, with each kill boundary that works here, and how
much longer each takes than the program alone.

Each trial is a shell that notes the moment, reports once and ends; what lies between two of them is
the worker's and the server's share (three durable answers), plus the shell itself; the median is
shown. Memory has a limit; time is only printed, as it is the machine's as much as ours.
"""

import os
import pathlib
import subprocess
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from hone import Server, build_path, study, wait_until  # noqa: E402

TRIALS = 200
MOST_MS = 20
MOST_KIB = 12 * 1024
SLOTS = 8
MOST_SHIM_KIB = 2 * 1024
SHORT_TRIALS = 1000


def start(server, tmp, name, *command, slots=1, options=()):
    environment = {**os.environ, "HONE_URL": server.url,
                   "HONE_TOKEN_FILE": str(pathlib.Path(server.data) / "worker.token")}
    return subprocess.Popen(
        [build_path("HONE"), "worker", "--study", name, "--exit-when-finished", "--slots",
         str(slots), "--workdir", str(tmp / "work"), *options, "--", *command],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)


def pss_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise AssertionError(f"no Pss of {pid}")


def time_between_trials(server, tmp):
    with server.client() as client:
        client.post("/v1/studies", study("quick", limits={"trials": TRIALS}))
    moments = tmp / "moments"
    start(server, tmp, "quick", "/bin/sh", "-c",
          f"date +%s%N >>{moments}; echo hone: loss=1").wait()
    found = [int(line) for line in moments.read_text().split()]
    assert len(found) == TRIALS, len(found)
    return statistics.median((b - a) / 1e6 for a, b in zip(found, found[1:]))


def alone_ms():
    """What the program takes by itself."""
    begin = time.monotonic()
    for _ in range(SHORT_TRIALS):
        subprocess.run(["/bin/echo", "hone: loss=1"], stdout=subprocess.DEVNULL, check=True)
    return (time.monotonic() - begin) / SHORT_TRIALS * 1e3


def short_trials_ms(server, tmp, boundary):
    """A trial of a program that ends at once; None: the boundary does not work here."""
    with server.client() as client:
        client.post("/v1/studies", study(f"short-{boundary}", limits={"trials": SHORT_TRIALS}))
    begin = time.monotonic()
    worker = start(server, tmp, f"short-{boundary}", "/bin/echo", "hone: loss=1",
                   options=["--isolate", boundary])
    status = worker.wait()
    return (time.monotonic() - begin) / SHORT_TRIALS * 1e3 if status == 0 else None


def memory(server, tmp):
    with server.client() as client:
        client.post("/v1/studies", study("long"))
    worker = start(server, tmp, "long", "/bin/sh", "-c",
                   f"echo $$ >>{tmp}/pids; exec sleep 300", slots=SLOTS)
    try:
        wait_until(lambda: (tmp / "pids").exists()
                   and len((tmp / "pids").read_text().split()) == SLOTS, 60, "all jobs")
        children = pathlib.Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text()
        shims = [pss_kib(int(pid)) for pid in children.split()]
        return pss_kib(worker.pid), max(shims)
    finally:
        worker.terminate()
        worker.wait()


def main():
    with tempfile.TemporaryDirectory(prefix="hone-") as folder, Server() as server:
        tmp = pathlib.Path(folder)
        between_ms = time_between_trials(server, tmp)
        worker_kib, shim_kib = memory(server, tmp)
        program_ms = alone_ms()
        short = {how: short_trials_ms(server, tmp, how) for how in ("walk", "namespace", "cgroup")}
    print(f"a trial's turn      {between_ms:8.1f} ms   (aim: under {MOST_MS} on a quiet machine)")
    for how, trial_ms in short.items():
        text = "not run: it does not work here" if trial_ms is None else \
            f"{trial_ms:8.1f} ms   ({trial_ms - program_ms:.1f} more than the program alone; aim: {MOST_MS})"
        print(f"1,000 by {how:11}{text}")
    print(f"worker with {SLOTS} jobs  {worker_kib:8d} KiB  (at most {MOST_KIB}, proportional set size)")
    print(f"each job's shim     {shim_kib:8d} KiB  (at most {MOST_SHIM_KIB})")
    good = worker_kib < MOST_KIB and shim_kib < MOST_SHIM_KIB
    print(f"{int(good)} passed, {int(not good)} failed, 0 skipped")
    sys.exit(0 if good else 1)


main()
