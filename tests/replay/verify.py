#!/usr/bin/env python3
"""Plays studies of every strategy on a real server with several workers at once, and has each of their
decisions made again: hone replay --verify.

  verify.py [--studies N] [--first N] [--trials N] [--workers N] [--seed N]

Suggestions are prepared or exact; some trials fail and are tried again, some are enqueued or imported;
limits and spaces change; studies pause and go on; one comes after another; and the server is killed in the
middle of each study. Then the server's own replay, one after a restart and one of a copy of the database
must find every decision the same, with equal digests. HONED and HONE name the programs.
"""
import argparse
import http.client
import json
import math
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import hone  # noqa: E402

NUMBERS = [{"name": "x", "type": "float", "low": -1, "high": 2},
           {"name": "rate", "type": "float", "low": 1e-4, "high": 1, "scale": "log"},
           {"name": "kind", "type": "categorical", "choices": ["line", "tree", "net"]},
           {"name": "depth", "type": "int", "low": 1, "high": 9, "when": {"kind": ["tree"]}}]
EPOCHS = {"resource": {"name": "epochs", "min": 1, "max": 9}}
CELLS = [{"name": "a", "type": "int", "low": 1, "high": 6}, {"name": "b", "type": "int", "low": 1, "high": 5}]

TWO = {"objectives": [{"metric": "loss", "direction": "minimize"}, {"metric": "size", "direction": "minimize"}]}

KINDS = [
    {"strategy": "bayesian"},
    {"strategy": {"name": "asha", "search": "bayesian"}, **EPOCHS},
    {"strategy": {"name": "hyperband", "search": "tpe"}, **EPOCHS},
    {"strategy": "tpe", **EPOCHS, "stopping": {"rule": "median"}},
    {"strategy": {"name": "bayesian", "serving": "exact"}, "after": True},
    {"strategy": "tpe"},
    {"strategy": "random", "parameters": CELLS},
    {"strategy": "grid", "parameters": CELLS},
    {"strategy": "quasirandom"},
    {"strategy": "auto"},
    {"strategy": {"name": "asha", "mode": "stopping", "search": "tpe"}, **EPOCHS},
    {"strategy": {"name": "asha", "mode": "predictive", "search": "bayesian"}, **EPOCHS},
    {"strategy": {"name": "successive_halving"}, **EPOCHS},
    {"strategy": {"name": "hyperband", "quorum": 0.8}, **EPOCHS},
    {"strategy": {"name": "tpe", "serving": "exact"}, **EPOCHS},
    {"strategy": {"name": "bohb"}, **EPOCHS},
    {"strategy": "bayesian", **TWO},
    {"strategy": "nsga2", **TWO},
    {"strategy": "tpe", **TWO},
    {"strategy": "bayesian", "subject_to": ["size <= 5"]},
    {"strategy": {"name": "hyperband"}, **TWO, **EPOCHS},
    {"strategy": {"name": "asha", "search": "tpe"}, **TWO, **EPOCHS, "subject_to": ["size <= 5"]},
    {"strategy": {"name": "asha", "mode": "stopping"}, **TWO, **EPOCHS, "subject_to": ["late <= 3"]},
]


def objective(parameters, step):
    value = (parameters.get("x", 0) - 0.3) ** 2 + abs(math.log10(parameters.get("rate", 0.1)) + 2) / 3
    value += {"line": 0.3, "tree": 0.1, "net": 0.0}.get(parameters.get("kind"), 0)
    value += (parameters.get("a", 3) - 3) ** 2 / 9 + (parameters.get("b", 2) - 2) ** 2 / 9
    return value + 1.0 / step


class Worker(threading.Thread):
    """Runs trials until the study is finished, or `stop` is set; what a killed server has not answered is
    sent again."""

    def __init__(self, play, number):
        super().__init__()
        self.play = play
        self.rng = random.Random(play.seed * 100 + number)
        self.name = f"w{number}"
        self.client = None
        self.last = None
        self.n_asked = 0

    def send(self, method, path, body=None):
        while not self.play.stop.is_set():
            try:
                self.client = self.client or hone.Client(self.play.server.url, timeout=30)
                reply = self.client.request(method, path, body)
                self.last = reply
                if reply.status != 503:
                    return reply
            except (OSError, http.client.HTTPException):
                self.client = None
            self.play.stop.wait(0.05)
        raise SystemExit

    def run(self):
        study = f"/v1/studies/{self.play.name}"
        while True:
            self.n_asked += 1
            reply = self.send("POST", study + "/leases", {
                "worker": self.name, "wait_seconds": 1, "request_id": f"{self.name}-{self.n_asked}"})
            if reply.status in (200, 201) and reply.json.get("lease"):
                self.train(reply.json)
            elif self.send("GET", study).json.get("state") == "finished":
                return

    def measured(self, parameters, step):
        """The reports of a step. Of several objectives they may come one by one, and the second one may be
        missing, so that the result has to stand for it."""
        value = objective(parameters, step)
        if "objectives" not in self.play.body():
            return [{"loss": value}]
        rest = {"size": 1 / (0.1 + value) + parameters.get("x", 0), "late": 4 * value}
        chance = self.rng.random()
        if chance < 0.2 and step > 1:
            return [{"loss": value}]
        return [{"loss": value}, rest] if chance < 0.4 else [rest, {"loss": value}] if chance < 0.6 else [
            {"loss": value, **rest}]

    def train(self, lease):
        path = f"/v1/leases/{lease['lease']['id']}"
        trial = lease["trial"]
        chance = self.rng.random()
        if chance < 0.06:
            self.send("PUT", path + "/result", {"outcome": "failed", "detail": "planted"})
            return
        if chance < 0.09:
            self.send("DELETE", path)
            return
        if "resource" not in trial or trial["resource"] is None:
            value = objective(trial["parameters"], 1)
            metrics = {"loss": value, "size": 1 / (0.1 + value) + trial["parameters"].get("x", 0)}
            self.send("PUT", path + "/result", {"outcome": "completed", "metrics": metrics})
            return
        step = int(trial["resource"]["from"])
        until = int(trial["resource"]["to"])
        while step < until:
            step += 1
            for metrics in self.measured(trial["parameters"], step):
                reply = self.send("POST", path + "/measurements",
                                  {"measurements": [{"step": step, "metrics": metrics}]})
            if reply.status == 409:  # its lease is another one's
                return
            assert reply.status == 200, reply
            if reply.json["action"] != "continue":
                break
            until = int(reply.json.get("until") or until)
        result = self.send("PUT", path + "/result", {"outcome": "completed", "step": step})
        if result.status == 422:  # an objective that was never measured
            self.send("PUT", path + "/result", {"outcome": "completed", "step": step, "metrics": {"size": 7}})


class Play:
    def __init__(self, server, number, args):
        self.server = server
        self.number = number
        self.seed = args.seed + number
        self.name = f"s{number}"
        self.args = args
        self.stop = threading.Event()

    def body(self):
        kind = dict(KINDS[self.number % len(KINDS)])
        body = hone.study(self.name, seed=self.seed, limits={"trials": self.args.trials, "retries": 1})
        body["parameters"] = NUMBERS
        if kind.pop("after", False):
            kind["after"] = ["s0"]
        return {**body, **kind}

    def steer(self, client):
        """What a user does meanwhile."""
        path = f"/v1/studies/{self.name}"
        parameters = self.body()["parameters"]
        point = {"x": 0.5, "rate": 0.05, "kind": "net"} if parameters is NUMBERS else {"a": 2, "b": 2}
        client.post(path + "/trials", {"parameters": point})
        client.post(path + "/trials", {"parameters": {**point, **({"x": 0.1} if "x" in point else {"a": 3})},
                                       "state": "completed", "metrics": {"loss": 0.7, "size": 2},
                                       **({"step": 9} if "resource" in self.body() else {})})
        client.patch(path, {"state": "paused"})
        client.patch(path, {"state": "running", "limits": {"trials": self.args.trials + 2}})
        client.post(path + "/trials/retry")
        if self.number % 3 == 2 and parameters is NUMBERS:
            wider = [dict(one) for one in parameters]
            wider[0]["high"] = 3
            client.patch(path, {"parameters": wider})

    def count(self, client):
        return sum(client.get(f"/v1/studies/{self.name}").json["counts"].values())

    def run(self):
        with self.server.client() as client:
            reply = client.post("/v1/studies", self.body())
            assert reply.status == 201, reply
        workers = [Worker(self, i) for i in range(self.args.workers)]
        for worker in workers:
            worker.start()
        try:
            self.wait_for(self.args.trials // 3)
            self.server.kill()
            self.server.start()
            self.wait_for(self.args.trials // 2)
            with self.server.client() as client:
                self.steer(client)
            for worker in workers:
                worker.join(self.args.seconds)
                with self.server.client() as client:
                    study = client.get(f"/v1/studies/{self.name}")
                state = {key: study.json[key] for key in ("state", "reason", "counts")}
                assert not worker.is_alive(), f"{self.name}: a worker has not ended: {state}"
        finally:
            self.stop.set()
            for worker in workers:
                worker.join()

    def wait_for(self, n):
        with self.server.client() as client:
            hone.wait_until(lambda: self.count(client) >= n, self.args.seconds, f"{n} trials of {self.name}")


def replay(name, *more, url=None, status=0):
    """The summary of a replay; every decision must be the same unless `status` says otherwise."""
    env = {**os.environ, **({"HONE_URL": url} if url else {})}
    done = subprocess.run([hone.build_path("HONE"), "replay", name, "--verify", "-o", "ndjson", *more], env=env,
                          capture_output=True, text=True, timeout=600, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != status:
        odd = [line for line in lines if line.get("result") not in ("same", None)]
        raise AssertionError(f"{name}: hone replay left with {done.returncode}: {done.stderr}\n"
                             + "\n".join(json.dumps(line) for line in odd[:5]))
    return lines


def copy_database(data, to):
    to.mkdir(mode=0o700, parents=True)
    with sqlite3.connect(data / "hone.db") as source, sqlite3.connect(to / "hone.db") as copy:
        source.backup(copy)


def check(play, data, tmp):
    lines = replay(play.name, url=play.server.url)
    summary = lines[-1]
    missing = [line for line in lines if line.get("result") == "not_recorded"]
    excused = ("the space was changed", "never became a trial")
    unexpected = [line for line in missing if not any(word in line["why"] for word in excused)]
    assert summary["decisions"] > 0 and not unexpected, (play.name, summary, unexpected[:3])
    copy = tmp / f"copy-{play.name}"
    copy_database(data, copy)
    alone = replay(play.name, "--data", str(copy))[-1]
    assert alone == summary, (play.name, alone, summary)
    shutil.rmtree(copy)
    return summary


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=len(KINDS))
    parser.add_argument("--first", type=int, default=0, help="the number of the first study")
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=120, help="a bound against hanging, for each study")
    args = parser.parse_args()
    n = 0
    with tempfile.TemporaryDirectory() as folder:
        tmp = pathlib.Path(folder)
        with hone.Server(data=str(tmp / "data"), args=("--open",)) as server:
            for number in range(args.first, args.first + args.studies):
                play = Play(server, number, args)
                play.run()
                summary = check(play, tmp / "data", tmp)
                n += summary["decisions"]
                print(f"{play.name}: {summary['same']} of {summary['decisions']} decisions the same, "
                      f"{summary['not_recorded']} not recorded, digest {summary['digest'][:16]}", flush=True)
    print(f"replay: {args.studies} studies passed, 0 failed; {n} decisions")


if __name__ == "__main__":
    main()
