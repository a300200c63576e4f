#!/usr/bin/env python3
"""How much training hyperband and asha save on the digits example: real server, real training.

    HONED=build/server/honed DIGITS=build/deploy/examples/digits/digits tests/bench/rungs.py [--seeds 10] [--out FILE]

The mark is the median over seeds of random search's best after 40 full trainings (81 epochs), minus
0.5 points. Printed: the epochs of those 40 trainings, divided by the mean epochs until any report
first reaches the mark, with a 90 % bootstrap interval over seeds. One worker at a time, so that an
epoch is counted when it is trained. Epochs trained again after a lost checkpoint would count too.
With --out, what has been played is kept there, and a run that was broken off goes on.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import hone  # noqa: E402

TOP = 81
TRIALS = 40
PARAMETERS = [
    {"name": "lr", "type": "float", "low": 1e-4, "high": 1, "scale": "log"},
    {"name": "momentum", "type": "float", "low": 0, "high": 0.99},
    {"name": "weight_decay", "type": "float", "low": 1e-6, "high": 0.1, "scale": "log"},
    {"name": "units", "type": "int", "low": 8, "high": 128, "scale": "log"},
    {"name": "layers", "type": "int", "low": 1, "high": 3},
    {"name": "batch", "type": "int", "low": 8, "high": 128, "scale": "log"}]
STRATEGIES = {"random": "random", "hyperband": "hyperband", "asha promoting": "asha",
              "asha stopping": {"name": "asha", "mode": "stopping"}}


class Worker:
    """Trains what it is given and counts epochs; `mark`: where to stop (None: never)."""

    def __init__(self, client, study, folder, mark, most):
        self.client, self.study, self.folder = client, study, folder
        self.mark, self.most, self.epochs, self.best = mark, most, 0, 0.0

    def done(self):
        return self.epochs >= self.most or (self.mark is not None and self.best >= self.mark)

    def train(self, trial, start, to):
        """One process, as a job that does not wait for answers; yields (step, accuracy)."""
        folder = self.folder / str(trial["number"])
        folder.mkdir(exist_ok=True)
        options = [x for name, value in trial["parameters"].items()
                   for x in (f"--{name.replace('_', '-')}", str(value))]
        run = subprocess.run([os.environ["DIGITS"], *options, "--from", str(start), "--to", str(to),
                              "--checkpoint", str(folder), "--seed", str(trial["seed"])],
                             capture_output=True, text=True, check=True)
        for line in run.stdout.splitlines():
            if line.startswith("hone: step="):
                words = dict(word.split("=") for word in line[6:].split())
                yield int(words["step"]), float(words["accuracy"])

    def one_lease(self):
        """False: nothing is left to do."""
        reply = self.client.post(f"/v1/studies/{self.study}/leases", {"worker": "bench"}).json
        if reply["lease"] is None:
            return False
        lease, trial = reply["lease"]["id"], reply["trial"]
        step, until, action = trial["resource"]["from"], trial["resource"]["to"], "continue"
        while action == "continue" and step < until and not self.done():
            points = []
            for step, accuracy in self.train(trial, step, until):
                points.append({"step": step, "metrics": {"accuracy": accuracy}})
                self.epochs += 1
                self.best = max(self.best, accuracy)
                if self.done():
                    break
            answer = self.client.post(f"/v1/leases/{lease}/measurements",
                                    {"measurements": points}).json
            action, until = answer["action"], answer.get("until", until)
        self.client.put(f"/v1/leases/{lease}/result", {
            "outcome": "completed", "step": step,
            "checkpoint": {"uri": f"file:{trial['number']}", "step": step, "reach": "any"}})
        return True


def play(strategy, seed, mark, most):
    """(epochs, best accuracy)."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hone-bench-"))
    try:
        with hone.Server() as server, server.client() as user, server.client("worker") as client:
            body = {"name": "d", "metric": "accuracy", "direction": "maximize",
                    "parameters": PARAMETERS, "strategy": strategy, "seed": seed,
                    "resource": {"name": "epochs", "min": 1, "max": TOP}}
            reply = user.post("/v1/studies", body)
            assert reply.status == 201, reply
            worker = Worker(client, "d", folder, mark, most)
            while not worker.done() and worker.one_lease():
                pass
            return worker.epochs, worker.best
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Played:
    """Remembers (epochs, best) of every run, in memory and, if there is one, in a file."""

    def __init__(self, path):
        self.path = path
        self.runs = {}
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as lines:
                self.runs.update((tuple(key), result) for key, result in map(json.loads, lines))

    def play(self, name, seed, mark, most):
        key = (name, seed, mark, most)
        if key not in self.runs:
            self.runs[key] = play(STRATEGIES[name], seed, mark, most)
            if self.path:
                with open(self.path, "a", encoding="utf-8") as out:
                    print(json.dumps([key, self.runs[key]]), file=out)
        return self.runs[key]


def interval(epochs, full):
    rng = random.Random(1)
    ratios = sorted(full / statistics.mean(rng.choices(epochs, k=len(epochs))) for _ in range(4000))
    return ratios[200], ratios[3800]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--out")
    args = parser.parse_args()
    seeds = range(1, args.seeds + 1)
    played = Played(args.out)
    full = TRIALS * TOP
    bests = [played.play("random", seed, None, full)[1] for seed in seeds]
    mark = statistics.median(bests) - 0.005
    print(f"random, {TRIALS} full trainings of {TOP} epochs, {len(bests)} seeds: best "
          f"{statistics.median(bests):.4f} in the median; the mark is {mark:.4f}", flush=True)
    for name in STRATEGIES:
        epochs = [played.play(name, seed, mark, 3 * full)[0] for seed in seeds]
        low, high = interval(epochs, full)
        print(f"{name:16} {statistics.mean(epochs):7.0f} epochs to the mark: {full} epochs are "
              f"{full / statistics.mean(epochs):5.2f} times that (90 %: {low:.2f} to {high:.2f})",
              flush=True)


main()
