#!/usr/bin/env python3
"""HoneSampler beside Optuna's own samplers, in Optuna's loop: python3 compare.py [options]

    --url URL        of a honed; without it $HONE_URL, else the private server
    --bench FOLDER   of a benchmark (a Python module `objective` with Bench().evaluate() and problems/*.json) and
    --problem NAME   its problem, besides Hartmann6, which is built in
    --seeds 10 --trials 100 --samplers hone,tpe,tpe-group,random (and hone-tpe)

Prints a table: mean and standard error over the seeds of the normalised regret after so many trials, 0 for the best
that is known and 1 for the median of random configurations; and the seconds of a trial, its evaluation included.
"""
import argparse
import importlib.util
import json
import math
import pathlib
import statistics
import sys
import time
import warnings

import optuna
from hone.integrations.optuna import HoneSampler

AFTER = (20, 50, 100, 200)
SAMPLERS = {"hone": lambda seed, url: HoneSampler(url, seed=seed),
            "hone-tpe": lambda seed, url: HoneSampler(url, seed=seed, strategy="tpe"),
            "tpe": lambda seed, url: optuna.samplers.TPESampler(seed=seed),
            "tpe-group": lambda seed, url: optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True),
            "random": lambda seed, url: optuna.samplers.RandomSampler(seed=seed)}

# ---- problems ----------------------------------------------------------------------------------------

A = ((10, 3, 17, 3.5, 1.7, 8), (.05, 10, 17, .1, 8, 14), (3, 3.5, 1.7, 10, 17, 8), (17, 8, .05, 10, .1, 14))
P = ((1312, 1696, 5569, 124, 8283, 5886), (2329, 4135, 8307, 3736, 1004, 9991),
     (2348, 1451, 3522, 2883, 3047, 6650), (4047, 8828, 8732, 5743, 1091, 381))


def hartmann6(trial):
    """Dixon and Szegő (1978), six numbers."""
    x = [trial.suggest_float(f"x{i}", 0, 1) for i in range(6)]
    return -sum(alpha * math.exp(-sum(a * (u - p / 1e4) ** 2 for a, u, p in zip(row, x, at)))
                for alpha, row, at in zip((1.0, 1.2, 3.0, 3.2), A, P))


def from_bench(folder, name):
    """(objective, best, median of random) of a benchmark's problem, which may be conditional."""
    spec = importlib.util.spec_from_file_location("objective", pathlib.Path(folder) / "objective.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    bench = module.Bench()
    problem = json.loads((pathlib.Path(folder) / "problems" / f"{name}.json").read_text())
    sign = -1 if problem["direction"] == "maximize" else 1

    def objective(trial):
        config = {}
        for one in problem["parameters"]:
            condition = one.get("condition")
            if condition and config.get(condition["parent"]) not in condition["values"]:
                continue
            if one["type"] == "categorical":
                config[one["name"]] = trial.suggest_categorical(one["name"], one["choices"])
            else:
                suggest = trial.suggest_int if one["type"] == "int" else trial.suggest_float
                config[one["name"]] = suggest(one["name"], one["low"], one["high"], log=one.get("log", False))
        return sign * bench.evaluate(name, config)["value"]

    return objective, sign * problem["reference"]["best"], sign * problem["reference"]["median_random"]


# ---- the comparison ----------------------------------------------------------------------------------


def run(objective, sampler, n_trials):
    """(the best value after each trial, the seconds of all)."""
    began = time.perf_counter()
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=n_trials)
    best, bests = math.inf, []
    for trial in study.trials:
        best = min(best, trial.value)
        bests.append(best)
    return bests, time.perf_counter() - began


def main():
    read = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    read.add_argument("--url")
    read.add_argument("--bench")
    read.add_argument("--problem")
    read.add_argument("--seeds", type=int, default=10)
    read.add_argument("--trials", type=int, default=100)
    read.add_argument("--samplers", default="hone,tpe,tpe-group,random")
    given = read.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # of group
    problems = {"Hartmann6": (hartmann6, -3.32236801141551, -0.10733477313291848)}
    if given.bench:
        problems[given.problem] = from_bench(given.bench, given.problem)
    after = [n for n in AFTER if n <= given.trials]
    print(f"| problem | sampler | {' | '.join(f'after {n}' for n in after)} | s a trial |")
    print("|---|---|" + "---|" * (len(after) + 1))
    for problem, (objective, best, median) in problems.items():
        for name in given.samplers.split(","):
            regrets, spent = {n: [] for n in after}, []
            for seed in range(given.seeds):
                bests, seconds = run(objective, SAMPLERS[name](seed, given.url), given.trials)
                spent.append(seconds / given.trials)
                for n in after:
                    regrets[n].append(min(max((bests[n - 1] - best) / (median - best), 0.0), 1.0))
            cells = [f"{statistics.mean(regrets[n]):.3f} ± "
                     f"{statistics.stdev(regrets[n]) / math.sqrt(len(regrets[n])):.3f}" for n in after]
            print(f"| {problem} | {name} | {' | '.join(cells)} | {statistics.mean(spent):.3f} |")
            sys.stdout.flush()


main()
