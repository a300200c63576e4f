#!/usr/bin/env python3
"""What coming after an older study is worth: the optimiser with and without one, on pairs of
problems that share a space.

  transfer.py BENCH [--build build] [--strategy bayesian] [--seeds 0-9] [--budget 50] [--trials 100]
              [--pairs TARGET:SOURCE,…] [--kinds alone,after,random,negated,shuffled] [--out FILE]

BENCH is the folder of the problems (its README says what it holds). The older study is a run of
this same optimiser on SOURCE, of --trials evaluations, its seed being the target's + 1000; where
the two problems have different directions its values change their sign. `random` has a random
search as the older study. `negated` turns the values of that one round once more: an older study
whose best is this one's worst. `shuffled` hands them to other configurations. Results already in the file are kept, so a run can go on; the table is of the seeds
that all kinds have, its ± the standard error of the paired difference to `alone`."""
import argparse
import collections
import csv
import json
import os
import random
import subprocess
import sys

PAIRS = ("d-lcbench-full-a:d-lcbench-full-b,d-lcbench-full-b:d-lcbench-full-a,d-svm-a:d-svm-b,"
         "d-svm-b:d-svm-a,d-xgboost-a:d-xgboost-b,d-xgboost-b:d-xgboost-a,d-super-a:d-super-b,"
         "d-super-b:d-super-a,d-mlp-australian:d-mlp-phoneme,d-mlp-phoneme:d-mlp-australian")
MARKS = [5, 10, 20, 30, 50, 100]


class Optimiser:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def call(self, **message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer


def run(optimiser, bench, public, problem, seed, budget, after):
    """[(configuration, value seen, true value)]"""
    optimiser.call(op="start", problem=public, seed=seed, workers=1, multi_fidelity=False, after=after)
    done = []
    for k in range(1, budget + 1):
        asked = optimiser.call(op="ask")
        got = bench.evaluate(problem, asked["config"], seed=(seed, k))
        optimiser.call(op="tell", key=asked["key"], value=got["value"])
        done.append((asked["config"], got["value"], got.get("true_value", got["value"])))
    optimiser.call(op="end")
    return done


def sign(problem):
    return -1.0 if problem["direction"] == "maximize" else 1.0


def regrets(problem, done):
    """Of the incumbent after each of MARKS evaluations."""
    reference = problem["reference"]
    span = reference["median_random"] - reference["best"]
    best = None
    out = {}
    for n, (_, value, true) in enumerate(done, 1):
        if best is None or sign(problem) * value < sign(problem) * best[0]:
            best = (value, true)
        if n in MARKS:
            out[n] = min(max((best[1] - reference["best"]) / span, 0.0), 1.0)
    return out


def older(kind, trials, flips, seed):
    values = [value * (-1.0 if flips != (kind == "negated") else 1.0) for _, value, _ in trials]
    if kind == "shuffled":
        random.Random(seed).shuffle(values)
    return [{"name": "older", "trials": [{"config": c, "value": v} for (c, _, _), v in zip(trials, values)]}]


def source_of(kind, args):
    return args.strategy if kind == "after" else "random"


def table(path, kinds, budget):
    rows = collections.defaultdict(dict)
    with open(path) as handle:
        for row in csv.DictReader(handle):
            rows[(row["pair"], row["seed"], int(row["budget"]))][row["kind"]] = float(row["regret"])
    pairs = sorted({pair for pair, _, _ in rows})
    for title, wanted in [(pair, [pair]) for pair in pairs] + [("all", pairs)]:
        for kind in kinds:
            cells = []
            for mark in [m for m in MARKS if m <= budget]:
                per_pair = collections.defaultdict(list)
                for (pair, _, n), got in rows.items():
                    if pair in wanted and n == mark and all(k in got for k in kinds):
                        per_pair[pair].append((got[kind], got[kind] - got.get("alone", got[kind])))
                if not per_pair:
                    continue
                count = len(per_pair)
                mean = sum(sum(a for a, _ in v) / len(v) for v in per_pair.values()) / count
                delta = sum(sum(d for _, d in v) / len(v) for v in per_pair.values()) / count
                variance = 0.0
                for v in per_pair.values():
                    m = sum(d for _, d in v) / len(v)
                    variance += sum((d - m) ** 2 for _, d in v) / max(len(v) - 1, 1) / len(v)
                cells.append(f"{mean:.3f}" + ("" if kind == "alone" else f" ({delta:+.3f}±{variance ** 0.5 / count:.3f})"))
            seeds = len({s for p, s, _ in rows if p in wanted})
            print(f"{title:36} {kind:9} {seeds:3} seeds  " + "  ".join(f"{c:22}" for c in cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench")
    parser.add_argument("--build", default="build")
    parser.add_argument("--strategy", default="bayesian")
    parser.add_argument("--seeds", default="0-9")
    parser.add_argument("--budget", type=int, default=50)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--pairs", default=PAIRS)
    parser.add_argument("--kinds", default="alone,after,random,negated,shuffled")
    parser.add_argument("--out", default="transfer.csv")
    args = parser.parse_args()
    out, kinds = os.path.abspath(args.out), args.kinds.split(",")
    program = os.path.join(args.build, "tests/bench/optimiser")
    optimiser, searcher = [Optimiser([program, "--strategy", name]) for name in (args.strategy, "random")]
    sys.path.insert(0, os.path.abspath(args.bench))
    import objective
    bench = objective.Bench(os.path.abspath(args.bench))
    low, _, high = args.seeds.partition("-")
    have, sources, cache = set(), {}, out + ".sources.json"
    if os.path.exists(out):
        with open(out) as handle:
            have = {(row["pair"], row["seed"], row["kind"]) for row in csv.DictReader(handle)}
    if os.path.exists(cache):
        with open(cache) as handle:
            sources = json.load(handle)
    with open(out, "a", newline="") as handle:
        writer = csv.writer(handle)
        if handle.tell() == 0:
            writer.writerow(["pair", "seed", "kind", "budget", "regret"])
        for seed in range(int(low), int(high or low) + 1):
            for pair in args.pairs.split(","):
                target, source = pair.split(":")
                problem, origin = bench.problems[target], bench.problems[source]
                for kind in kinds:
                    if (pair, str(seed), kind) in have:
                        continue
                    after = []
                    if kind != "alone":
                        key = f"{source} {seed} {args.trials} {source_of(kind, args)}"
                        if key not in sources:
                            sources[key] = run(optimiser if kind == "after" else searcher, bench, objective.public(origin), source, seed + 1000,
                                               args.trials, [])
                            with open(cache + ".new", "w") as fresh:
                                json.dump(sources, fresh)
                            os.replace(cache + ".new", cache)
                        after = older(kind, sources[key], sign(problem) != sign(origin), seed)
                    done = run(optimiser, bench, objective.public(problem), target, seed, args.budget, after)
                    for mark, regret in regrets(problem, done).items():
                        writer.writerow([pair, seed, kind, mark, f"{regret:.6f}"])
                    handle.flush()
    table(out, kinds, args.budget)


if __name__ == "__main__":
    main()
