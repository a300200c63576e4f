#!/usr/bin/env python3
"""What a worker costs: time from the start of one trial to the start of the next, and memory.

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

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from hone import Server, build_path, study, wait_until  # noqa: E402

TRIALS = 200
MOST_MS = 20
MOST_KIB = 12 * 1024


def start(server, tmp, name, *command, slots=1):
    environment = {**os.environ, "HONE_URL": server.url,
                   "HONE_TOKEN_FILE": str(pathlib.Path(server.data) / "worker.token")}
    return subprocess.Popen(
        [build_path("HONE"), "worker", "--study", name, "--exit-when-finished", "--slots",
         str(slots), "--workdir", str(tmp / "work"), "--", *command],
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


def memory(server, tmp):
    with server.client() as client:
        client.post("/v1/studies", study("long"))
    worker = start(server, tmp, "long", "/bin/sh", "-c",
                   f"echo $$ >>{tmp}/pids; exec sleep 300", slots=4)
    try:
        wait_until(lambda: (tmp / "pids").exists()
                   and len((tmp / "pids").read_text().split()) == 4, 60, "four jobs")
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
    print(f"a trial's turn      {between_ms:8.1f} ms   (aim: under {MOST_MS} on a quiet machine)")
    print(f"worker with 4 jobs  {worker_kib:8d} KiB  (at most {MOST_KIB}, proportional set size)")
    print(f"each job's shim     {shim_kib:8d} KiB")
    good = worker_kib + 4 * shim_kib < MOST_KIB
    print(f"{int(good)} passed, {int(not good)} failed, 0 skipped")
    sys.exit(0 if good else 1)


main()
