#!/usr/bin/env python3
"""What a server gets when it is restarted under many workers: requests a second, before and after.

    HONE=… HONED=… tests/bench/restart.py [WORKERS [SLOTS]]

Real workers, which share the machine with the server, so there are 50 of them with 4 slots; each
slot asks on its own, as the slots of 200 workers would. The study is paused: all wait. The server
is killed, is away for two seconds and starts again. tests/unit/test_retry_rate.c counts the same for
800 slots on a clock that is turned by hand.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from hone import Server, build_path, study, wait_until  # noqa: E402

AWAY_SECONDS = 2
TICK = 0.1


def start(server, tmp, i, slots):
    environment = {**os.environ, "HONE_URL": server.url, "HONE_ALLOW_ROOT": "1",
                   "HONE_TOKEN_FILE": str(pathlib.Path(server.data) / "worker.token")}
    return subprocess.Popen(
        [build_path("HONE"), "worker", "--study", "s", "--name", f"w{i}", "--slots", str(slots),
         "--workdir", str(tmp / "work"), "--", "true"],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)


def metric(client, name):
    for line in client.get("/metrics").body.decode().splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise AssertionError(f"no {name}")


def rates(client, seconds):
    """Requests a second in each tick; those of this client are taken away."""
    found, before, then = [], metric(client, "hone_http_requests_total"), time.monotonic()
    end = then + seconds
    while then < end:
        time.sleep(TICK)
        count, now = metric(client, "hone_http_requests_total"), time.monotonic()
        found.append((count - before - 1) / (now - then))
        before, then = count, now
    return found


def measure(server, n_slots):
    with server.client() as client:
        wait_until(lambda: metric(client, "hone_asks_waiting") == n_slots, 120, "all wait")
        before = rates(client, 5)
    server.kill()
    time.sleep(AWAY_SECONDS)
    began = time.monotonic()
    server.start()
    with server.client() as client:
        after = rates(client, 8)
        wait_until(lambda: metric(client, "hone_asks_waiting") == n_slots, 120, "all wait again")
    print(f"{n_slots} slots; the server was away for {AWAY_SECONDS} s; all waited again "
          f"{time.monotonic() - began:.1f} s later at the latest")
    print(f"before: at most {max(before):.0f} requests/s in {TICK} s, "
          f"{sum(before) / len(before):.0f} on average")
    print(f"after:  at most {max(after):.0f} requests/s in {TICK} s, "
          f"{sum(after[:10]) / 10:.0f} in the first second; by second: "
          + " ".join(f"{sum(after[i:i + 10]) / len(after[i:i + 10]):.0f}"
                     for i in range(0, len(after), 10)))


def main():
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    slots = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    processes = []
    with tempfile.TemporaryDirectory() as tmp, Server() as server:
        with server.client() as client:
            client.post("/v1/studies", study("s"))
            client.patch("/v1/studies/s", {"state": "paused"})
        try:
            processes = [start(server, pathlib.Path(tmp), i, slots) for i in range(workers)]
            measure(server, workers * slots)
        finally:
            for process in processes:
                process.kill()
            for process in processes:
                process.wait()


main()
