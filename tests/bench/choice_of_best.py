#!/usr/bin/env python3
"""Which trial is better to take where evaluations are noisy: the best observed or the recommended
one (server/strategy/gp/recommendation.h).

  choice_of_best.py BENCH [--build build] [--strategy bayesian] [--seeds 640-659] [--noise .1]
                    [--problems ID,ID] [--out FILE] [--no-run]

BENCH is a folder as quality.py takes it. Each run is one study with one worker, made by
tests/bench/optimiser; after 20, 50 and 100 results it is asked for both choices, and each is scored
by its true mean as normalised regret. A problem that has no noise of its own gets --noise: normal,
its standard deviation as a share of the distance from the best known value to the median of random
configurations (0: none, as it is). Printed are the mean regrets of both, and the paired difference
with its standard error over runs: all of them, those in which the two trials differ, and those in
which recommendation_matters(). Results that are in the file are kept. No test needs this."""
import argparse
import csv
import fnmatch
import json
import math
import os
import random
import subprocess
import sys

BUDGETS = (20, 50, 100)
FIELDS = ["problem", "noise", "strategy", "seed", "budget", "observed", "recommended", "differs",
          "matters", "observed_value", "observed_expected", "observed_deviation", "expected",
          "deviation", "estimated_noise", "span"]
PROBLEMS = ("d-levy4-noisy,d-mlp-*,d-fcnet-slice,f-ackley6-rot,f-griewank5-rot,f-levy8,"
            "f-rastrigin6,f-rosenbrock6,f-styblinski7,f-isuper-c,f-super-c,f-ranger-b,d-hartmann6,"
            "d-svm-a,d-xgboost-a")


class Optimiser:
    """The program of that name, one study after the other."""

    def __init__(self, build, strategy):
        path = os.path.join(build, "tests/bench/optimiser")
        if not os.path.exists(path):
            sys.exit(f"{path} is missing: build first (ninja -C {build})")
        self.process = subprocess.Popen([path, "--strategy", strategy], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})

    def do(self, **message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer


class Noisy:
    """Evaluations of a problem as a tuner sees them, and the truth."""

    def __init__(self, bench, problem, noise, seed):
        self.bench, self.problem, self.seed = bench, problem, seed
        reference = bench.problems[problem]["reference"]
        self.best, self.median = reference["best"], reference["median_random"]
        self.deviation = 0 if bench.problems[problem].get("noisy") else noise * self.span()

    def span(self):
        return abs(self.median - self.best)

    def evaluate(self, config, number):
        """What is seen, and the true mean."""
        found = self.bench.evaluate(self.problem, config, seed=(self.seed, number))
        truth = found.get("true_value", found["value"])
        extra = random.Random(f"{self.problem} {self.seed} {number}").gauss(0, self.deviation)
        return found["value"] + extra, truth

    def regret(self, truth):
        return min(max((truth - self.best) / (self.median - self.best), 0), 1)


def rows_of(optimiser, args, noisy):
    """One study."""
    public = args.objective.public(noisy.bench.problems[noisy.problem])
    sign = -1 if public["direction"] == "maximize" else 1
    truths, seen = {}, {}
    optimiser.do(op="start", problem=public, seed=noisy.seed, workers=1, multi_fidelity=False)
    for number in range(1, BUDGETS[-1] + 1):
        asked = optimiser.do(op="ask")
        key = asked["key"]
        seen[key], truths[key] = noisy.evaluate(asked["config"], number)
        optimiser.do(op="tell", key=key, value=seen[key])
        if number not in BUDGETS:
            continue
        best = min(seen, key=lambda k: (sign * seen[k], k))
        found = optimiser.do(op="best")
        both = {"best": {"key": best}, "recommended": {"key": best}, "noise": 0, **found}
        if both["best"]["key"] != best:
            raise RuntimeError(f"{noisy.problem}: trial {best} is best, not {both['best']['key']}")
        chosen = both["recommended"]
        yield {"problem": noisy.problem, "noise": args.noise, "strategy": args.strategy,
               "seed": noisy.seed, "budget": number, "observed": noisy.regret(truths[best]),
               "recommended": noisy.regret(truths[chosen["key"]]),
               "differs": int(chosen["key"] != best), "matters": int(both.get("matters", False)),
               "observed_value": seen[best], "observed_expected": both["best"].get("expected"),
               "observed_deviation": both["best"].get("deviation"),
               "expected": chosen.get("expected"), "deviation": chosen.get("deviation"),
               "estimated_noise": both["noise"], "span": noisy.span()}


def load(path):
    if not os.path.exists(path):
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def play(args, bench, wanted):
    done = {(r["problem"], float(r["noise"]), r["strategy"], int(r["seed"]))
            for r in load(args.out) if int(r["budget"]) == BUDGETS[-1]}
    optimiser = Optimiser(args.build, args.strategy)
    is_new = not os.path.exists(args.out)
    with open(args.out, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS)
        if is_new:
            writer.writeheader()
        for seed in args.seeds:
            for problem in wanted:
                if (problem, args.noise, args.strategy, seed) in done:
                    continue
                writer.writerows(rows_of(optimiser, args, Noisy(bench, problem, args.noise, seed)))
                file.flush()


def pair(rows):
    """Mean of both regrets, mean difference and its standard error."""
    n = len(rows)
    differences = [float(r["recommended"]) - float(r["observed"]) for r in rows]
    mean = sum(differences) / n
    spread = math.sqrt(sum((d - mean) ** 2 for d in differences) / (n - 1) / n) if n > 1 else math.nan
    return (sum(float(r["observed"]) for r in rows) / n,
            sum(float(r["recommended"]) for r in rows) / n, mean, spread, n)


def cell(rows):
    if not rows:
        return "–"
    observed, recommended, mean, spread, n = pair(rows)
    return f"{observed:.3f} → {recommended:.3f} ({mean:+.3f}±{spread:.3f}, {n})"


def report(rows, title):
    for budget in BUDGETS:
        part = [r for r in rows if int(r["budget"]) == budget]
        cells = [cell(part), cell([r for r in part if r["differs"] == "1"]),
                 cell([r for r in part if r["matters"] == "1"])]
        print(f"| {title} | {budget} | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench")
    parser.add_argument("--build", default="build")
    parser.add_argument("--strategy", default="bayesian")
    parser.add_argument("--seeds", default="640-659")
    parser.add_argument("--noise", type=float, default=.1)
    parser.add_argument("--problems", default=PROBLEMS)
    parser.add_argument("--out", default="choice_of_best.csv")
    parser.add_argument("--no-run", action="store_true")
    args = parser.parse_args()
    first, _, last = args.seeds.partition("-")
    args.seeds = range(int(first), int(last or first) + 1)
    sys.path.insert(0, args.bench)
    args.objective = __import__("objective")
    bench = args.objective.Bench(args.bench)
    wanted = [p for pattern in args.problems.split(",") for p in sorted(bench.problems)
              if fnmatch.fnmatch(p, pattern)]
    if not args.no_run:
        play(args, bench, wanted)
    rows = [r for r in load(args.out) if r["problem"] in wanted and float(r["noise"]) == args.noise
            and r["strategy"] == args.strategy and int(r["seed"]) in args.seeds]
    print("| problems | results | all | where they differ | where it matters |\n" + "|---" * 5 + "|")
    report(rows, "all")
    for problem in wanted:
        report([r for r in rows if r["problem"] == problem], problem)


if __name__ == "__main__":
    main()
