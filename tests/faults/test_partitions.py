#!/usr/bin/env python3
"""Networks that break between server and workers, in network namespaces.

Each case trains the same study with deterministic jobs while the network breaks, and compares the trials and
their curves with those of an undisturbed run. The cases run side by side: they take as long as the longest
outage.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import partition  # noqa: E402
from cases import expect, main, NotRun, wait_until  # noqa: E402

HONE = os.environ["HONE"]
HONED = os.environ["HONED"]
SECONDS = 120
TTL = 15  # the shortest that a study may have
N_TRIALS = 3
N_STEPS = 8

STUDY = {"name": "s", "metric": "loss", "direction": "minimize", "strategy": "quasirandom", "seed": 1,
         "parameters": [{"name": "x", "type": "float", "low": 0, "high": 1}],
         "limits": {"trials": N_TRIALS}, "lease": {"ttl_seconds": TTL}}

# A step when the network is whole, and a step every half second while it is broken.
JOB = """
import os, pathlib, sys, time
x, folder = float(sys.argv[1]), pathlib.Path(sys.argv[2])
with open(folder / "begun", "a", encoding="ascii") as begun:
    begun.write(os.environ["HONE_TRIAL"] + "\\n")
for step in range(1, 9):
    print(f"hone: step={step} loss={x / step}", flush=True)
    if step == 3 and os.environ["HONE_TRIAL"] == "1":
        (folder / "middle").touch()
        while not (folder / "go").exists():
            time.sleep(0.05)
    time.sleep(0.02)
"""


class Cluster:
    """A server and workers, each on a host of its own."""

    def __init__(self, n_workers=1):
        self.workers = [f"a{i + 1}" for i in range(n_workers)]
        self.network = partition.Network("srv", *self.workers)
        self.temporary = tempfile.TemporaryDirectory(prefix="hone-net-")
        self.folder = pathlib.Path(self.temporary.name)
        self.processes = []
        self.lines = []

    def __enter__(self):
        self.network.__enter__()
        try:
            self.start()
        except Exception:
            self.__exit__()
            raise
        return self

    def start(self):
        address = self.network.address("srv")
        server = subprocess.Popen([*self.network.within("srv"), HONED, "--data", str(self.folder / "data"),
                                   "--listen", f"{address}:4663", "--plain-http"], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.processes.append(server)
        ready = threading.Event()
        threading.Thread(target=self.read, args=(server.stdout, ready), daemon=True).start()
        if not ready.wait(SECONDS):
            raise AssertionError("honed did not start: " + "".join(self.lines))
        self.url = f"http://{address}:4663"
        self.call("POST", "/v1/studies", STUDY)
        (self.folder / "job.py").write_text(JOB)

    def read(self, pipe, ready):
        for line in pipe:
            self.lines.append(line)
            if re.search("listening on", line):
                ready.set()
        pipe.close()
        ready.set()

    def call(self, method, path, body=None):
        """As someone on the server's host."""
        words = [*self.network.within("srv"), "curl", "-sS", "--fail-with-body", "-X", method, self.url + path,
                 "-H", "Authorization: Bearer " + (self.folder / "data/admin.token").read_text().strip()]
        if body is not None:
            words += ["--json", json.dumps(body)]
        return json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)

    def work(self, name):
        """Starts the worker of that host."""
        command = [*self.network.within(name), HONE, "worker", "--server", self.url, "--token-file",
                   str(self.folder / "data/worker.token"), "--study", "s", "--name", name, "--workdir",
                   str(self.folder / f"work-{name}"), "--exit-when-finished", "--", sys.executable,
                   str(self.folder / "job.py"), "{x}", str(self.folder)]
        log = open(self.folder / f"log-{name}", "w", encoding="utf-8")
        with log:
            self.processes.append(subprocess.Popen(command, stdout=log, stderr=log))
        return self.processes[-1]

    def until_middle(self):
        wait_until((self.folder / "middle").exists, "the middle of the first trial")

    def go_on(self):
        (self.folder / "go").touch()

    def begun(self):
        """Which trials' jobs were started, in order."""
        return [int(word) for word in (self.folder / "begun").read_text().split()]

    def outcome(self):
        """All that must be the same whatever the network does."""
        keep = ("number", "state", "reason", "parameters", "value", "step")
        trials = self.call("GET", "/v1/studies/s/trials")["items"]
        return [({name: trial[name] for name in keep}, self.curve(trial["number"])) for trial in trials]

    def curve(self, number):
        """At each step the newest attempt's value."""
        points = self.call("GET", f"/v1/studies/s/trials/{number}/measurements")["items"]
        return {point["step"]: point["metrics"] for point in sorted(points, key=lambda p: p["attempt"])}

    def attempts(self):
        return [trial["attempt"] for trial in self.call("GET", "/v1/studies/s/trials")["items"]]

    def log(self):
        return "".join(path.read_text() for path in self.folder.glob("log-*"))

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.network.__exit__()
        self.temporary.cleanup()


def undisturbed():
    with Cluster() as cluster:
        worker = cluster.work("a1")
        cluster.until_middle()
        cluster.go_on()
        expect(worker.wait(SECONDS), 0, "exit status of the worker")
        return cluster.outcome()


def train_through(seconds, host="srv", **broken):
    """One worker, whose network breaks for so long in the middle of its first trial and as it goes on."""
    with Cluster() as cluster:
        worker = cluster.work("a1")
        cluster.until_middle()
        cluster.network.break_(host, **broken)
        cluster.go_on()
        time.sleep(seconds)  # the outage itself: how long it lasts is what is tested
        cluster.network.mend(host)
        expect(worker.wait(SECONDS), 0, f"exit status of the worker: {cluster.log()}")
        return cluster.outcome(), cluster.begun(), cluster.attempts()


def overtaken():
    """The first worker is cut off for longer than its lease, and the second takes the trial over."""
    with Cluster(2) as cluster:
        first = cluster.work("a1")
        cluster.until_middle()
        cluster.network.break_("a1", arriving="all", leaving="all")
        second = cluster.work("a2")
        wait_until(lambda: cluster.begun().count(1) == 2, "another attempt of the first trial")
        cluster.network.mend("a1")
        wait_until(lambda: "is not ours any more" in cluster.log(), "the first worker hears of it")
        cluster.go_on()
        expect([first.wait(SECONDS), second.wait(SECONDS)], [0, 0], f"exit statuses: {cluster.log()}")
        return cluster.outcome(), cluster.begun(), cluster.attempts()


# Replies alone are lost: what the server was told stands, and is told again.
LOST_REPLIES = {"leaving": "tcp sport 4663 ct state established meta length > 150 drop"}
SHORT = {
    "cut off": {"arriving": "all", "leaving": "all"},
    "requests lost": {"arriving": "all"},
    "everything from the server lost": {"leaving": "all"},
    "replies lost": LOST_REPLIES,
    "connections reset": {"arriving": "tcp dport 4663 reject with tcp reset"},
    "one packet in five lost": {"arriving": "numgen random mod 100 < 20 drop",
                                "leaving": "numgen random mod 100 < 20 drop"},
}


def run_side_by_side():
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        found = {name: pool.submit(train_through, 4, **broken) for name, broken in SHORT.items()}
        found["cut off for longer than the lease"] = pool.submit(train_through, TTL + 4, arriving="all",
                                                                leaving="all")
        found["replies lost for longer than the lease"] = pool.submit(train_through, TTL + 4, **LOST_REPLIES)
        found["the worker's side cut off"] = pool.submit(train_through, 4, host="a1", leaving="all")
        plain, taken = pool.submit(undisturbed), pool.submit(overtaken)
        return plain.result(), {name: future.result() for name, future in found.items()}, taken.result()


def test_the_store_is_that_of_an_undisturbed_run(tmp):
    why = partition.missing()
    if why:
        raise NotRun(why)
    plain, found, taken = run_side_by_side()
    expect([len(curve) for _, curve in plain], [N_STEPS] * N_TRIALS, "steps of the undisturbed run")
    for name, (outcome, begun, attempts) in found.items():
        print(f"  {name}: jobs begun {begun}, attempts {attempts}", flush=True)
        expect(outcome, plain, name)
        expect(begun, [1, 2, 3], f"{name}: jobs, each begun once")
        expect(attempts, [1, 1, 1], f"{name}: attempts")
    outcome, begun, attempts = taken
    print(f"  overtaken: jobs begun {begun}, attempts {attempts}", flush=True)
    expect(outcome, plain, "overtaken")
    expect((sorted(begun), attempts[0]), ([1, 1, 2, 3], 2), "overtaken: only the first trial ran twice")


if __name__ == "__main__":
    main(globals())
