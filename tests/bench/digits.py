#!/usr/bin/env python3
"""How many epochs of real training does early stopping save? (deploy/examples/digits)

    tests/bench/digits.py --build build-release [--seeds 10] [STRATEGY…]

The mark is the median over seeds of random search's best after 40 full trainings, minus 0.5 points.
For each strategy, the epochs that it spends until any report first reaches the mark; the ratio of
those 40 trainings' epochs to their mean, with a bootstrap interval of 95 %. Everything runs through
a real server and two worker slots, so the order of reports, and with it a row, varies a little.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import hone  # noqa: E402

TRIALS, EPOCHS = 40, 81
CAP = TRIALS * EPOCHS  # a strategy that is no better than random search is given up there
# Reports of both slots, in the order in which they were made.
COMMAND = ["sh", "-c", 'exec "$@" | tee -a "$REPORTS"', "sh", "digits", "--lr", "{lr}",
           "--momentum", "{momentum}", "--weight-decay", "{weight_decay}", "--units", "{units}",
           "--layers", "{layers}", "--batch", "{batch}"]


def accuracies(path):
    return [float(line.split("accuracy=")[1].split()[0])
            for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def study(seed, strategy, trials):
    definition = json.loads((ROOT / "deploy/examples/digits/study.json").read_text())
    return {**definition, "seed": seed, "strategy": strategy, "limits": {"trials": trials}}


def train(build, definition, is_enough):
    """Runs the study until it is finished or enough; the accuracies in the order of reports."""
    with tempfile.TemporaryDirectory(prefix="hone-") as tmp, hone.Server(args=["--open"]) as server:
        reply = server.client(None).post("/v1/studies", definition)
        assert reply.status == 201, reply
        reports = pathlib.Path(tmp) / "reports"
        reports.touch()
        path = f"{build}/deploy/examples/digits:{os.environ['PATH']}"
        worker = subprocess.Popen(
            [f"{build}/worker/hone", "worker", "--server", server.url, "--study", "digits",
             "--slots", "2", "--exit-when-finished", "--workdir", tmp, "--", *COMMAND],
            env={**os.environ, "REPORTS": str(reports), "PATH": path},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while worker.poll() is None and not is_enough(accuracies(reports)):
            time.sleep(0.2)
        worker.terminate()
        worker.wait()
        return accuracies(reports), [trial["value"] for trial in server.client(None).walk(
            "/v1/studies/digits/trials") if trial["value"] is not None]


def interval(epochs):
    draw = random.Random(1)
    means = sorted(statistics.mean(draw.choices(epochs, k=len(epochs))) for _ in range(2000))
    return CAP / means[1949], CAP / means[50]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("strategies", nargs="*", default=["hyperband", "asha"])
    given = parser.parse_args()
    build = os.path.abspath(given.build)
    os.environ["HONED"] = f"{build}/server/honed"

    seeds = range(1, given.seeds + 1)
    best = [max(train(build, study(seed, "random", TRIALS), lambda _: False)[1]) for seed in seeds]
    mark = statistics.median(best) - 0.005
    print(f"random search, {TRIALS} trainings of {EPOCHS} epochs, seeds 1 to {given.seeds}: median "
          f"best {statistics.median(best):.4f}; the mark is {mark:.4f}", flush=True)
    for strategy in given.strategies:
        epochs = []
        for seed in seeds:
            found, _ = train(build, study(seed, strategy, 400),
                             lambda seen: len(seen) > CAP or any(a >= mark for a in seen))
            epochs.append(next((i + 1 for i, a in enumerate(found) if a >= mark), CAP))
        low, high = interval(epochs)
        print(f"{strategy}: {statistics.mean(epochs):.0f} epochs on average, {sorted(epochs)}; "
              f"{CAP / statistics.mean(epochs):.1f} times fewer ({low:.1f} to {high:.1f})",
              flush=True)


main()
