#!/usr/bin/env python3
"""kill -9 of honed under load, again and again, checked by the history checker.

usage: kill_server.py [--kills N] [--requests N] [--servers N] [--clients N] [--seed N] [--keep DIR]

Several servers at once, each with clients of its own (tests/support/crew.py), whose leases run
CLOCK_SCALE times as fast here. The killer waits until a number of requests, drawn from the seed, has
been acknowledged, kills the server, and starts it on the same data and port; one start in four is
killed at a random instant before it is ready, again and again until it is let through. In the end
every trial is brought to its end, the database is checked, and the checker compares what was
acknowledged with what is there. A run with fewer kills or requests than asked for is invalid.

CI runs 500 kills and 50,000 acknowledged requests. A campaign of ten thousand kills:
    HONED=… CHECK_HISTORY=… kill_server.py --kills 10000 --requests 1000000 --servers 4
Failed, it says which seed to repeat: --servers 1 --seed N.
"""

import argparse
import concurrent.futures
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import crew as workload  # noqa: E402
import hone  # noqa: E402

CLOCK_SCALE = 60
DRAIN_SECONDS = (workload.START_GRACE_SECONDS + workload.TTL_SECONDS) / CLOCK_SCALE + 10


class Killer:
    """Kills the server so many times."""

    def __init__(self, crew, seed, n_kills, n_requests):
        self.crew = crew
        self.rng = random.Random(seed)
        self.left = n_kills
        self.between = max(1, 2 * n_requests // n_kills)
        self.start_seconds = 0.2  # how long the last start took

    def wait_for_work(self):
        """False: the clients gave up."""
        until = self.crew.history.n_acknowledged + self.rng.randrange(self.between)
        while self.crew.history.n_acknowledged < until:
            if self.crew.leaving.is_set():
                return False
            time.sleep(0.0005)
        return True

    def count(self, kind):
        self.crew.history.fault(kind)
        self.left -= 1

    def start(self):
        """Through starts that are killed, too: while it opens, recovers, or already listens."""
        while self.left > 0 and self.rng.random() < 0.25:
            with subprocess.Popen(self.crew.server.command(), env=self.crew.server.env,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as process:
                time.sleep(self.rng.random() * max(0.05, self.start_seconds))
                process.kill()
            self.count("kill while it starts")
        began = time.monotonic()
        self.crew.server.start()
        self.start_seconds = time.monotonic() - began

    def run(self):
        while self.left > 0 and self.wait_for_work():
            died = self.crew.server.process.poll()
            assert died is None, f"honed ended by itself with {died}:\n{self.crew.server.log()}"
            self.crew.server.kill()
            assert "runtime error" not in self.crew.server.log(), self.crew.server.log()
            self.count("kill")
            self.start()


def check_database(data):
    path = next(os.path.join(data, name) for name in sorted(os.listdir(data))
                if name.endswith((".db", ".sqlite", ".sqlite3")))
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    finally:
        connection.close()


def run(options, folder):
    """One server: (exit status of the checker, what it said)."""
    history_path, dump_path = os.path.join(folder, "history"), os.path.join(folder, "dump")
    history = hone.History(history_path)
    with hone.Server(env={"HONE_TEST_CLOCK_SCALE": str(CLOCK_SCALE)}) as server:
        crew = workload.Crew(server, history, options.seed)
        crew.create_studies()
        crew.start(options.clients)
        Killer(crew, options.seed, options.kills, options.requests).run()
        hone.wait_until(lambda: history.n_acknowledged >= options.requests or crew.leaving.is_set(),
                        workload.GIVE_UP_SECONDS, "enough requests")
        crew.stop()
        assert not crew.odd, crew.odd[:5]
        history.mark("calm")
        crew.bring_to_end(DRAIN_SECONDS)
        history.close()
        with server.client() as client:
            hone.write_dump(client, dump_path)
        assert server.stop() == 0, server.log()
        check_database(server.data)
    return hone.check_history(history_path, dump_path, "--drained", "--drained-within",
                              str(DRAIN_SECONDS), "--min-faults", str(options.kills),
                              "--min-requests", str(options.requests), "--ttl-scale",
                              str(CLOCK_SCALE))


def run_one(options):
    folder = options.keep or tempfile.mkdtemp(prefix="hone-kill-")
    os.makedirs(folder, exist_ok=True)
    try:
        status, said = run(options, folder)
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"seed {options.seed}: {options.kills} kills")
    print(said, end="", flush=True)
    return status == 0


def run_side_by_side(options):
    """A process for each server, so that their clients do not wait for one another."""
    def one(i):
        keep = [] if options.keep is None else ["--keep", os.path.join(options.keep, str(i))]
        return subprocess.run(
            [sys.executable, __file__, "--servers", "1", "--kills", str(-(-options.kills // options.servers)),
             "--requests", str(-(-options.requests // options.servers)), "--clients", str(options.clients),
             "--seed", str(options.seed + i), *keep],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    with concurrent.futures.ThreadPoolExecutor(options.servers) as pool:
        done = list(pool.map(one, range(options.servers)))
    totals = [0, 0, 0]
    for each in done:
        print("".join(line for line in each.stdout.splitlines(True)
                      if not re.fullmatch(r"\d+ passed, .*\n", line)), end="")
        found = re.search(r"(\d+) acknowledged, .* (\d+) faults: (\d+) violations", each.stdout)
        totals = [total + int(number) for total, number in zip(totals, found.groups() if found else (0, 0, 0))]
    print("{} acknowledged requests, {} kills, {} violations".format(*totals))
    return [each.returncode == 0 for each in done]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--requests", type=int, default=50000)
    parser.add_argument("--servers", type=int, default=4)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("HONE_TEST_SEED") or 1))
    parser.add_argument("--keep", metavar="DIR", help="leave history and dump there")
    options = parser.parse_args()
    good = [run_one(options)] if options.servers == 1 else run_side_by_side(options)
    print(f"{sum(good)} passed, {len(good) - sum(good)} failed")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
