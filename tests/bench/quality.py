#!/usr/bin/env python3
"""How good the strategies are: runs tests/bench/optimiser on a folder of problems and scores it.

  quality.py BENCH [--build build] [--strategy bayesian] [--name NAME] [--mode seq] [--seeds 0-9]
             [--budget 100] [--problems ID,ID] [--out FILE] [--against FILE] [--no-run]

BENCH is a folder with run_tuner.py, problems/ and baselines/ (its README says what they are). One
strategy and one mode at a time; results already in the file are kept, so a run can go on, and
--no-run only prints what is there. Printed for each tuner of the file: the mean normalised regret
with its standard error over seeds, of all problems and of each group, beside every baseline; the
difference to each (negative: we are better), with `*` where it is more than one standard error; and
after how many evaluations the mean regret is .132, which is what Optuna 5's TPE has after 100.
--against takes other results of ours: pairs of equal problem and seed, which start alike. With
--problems only these count, for the baselines too. No test needs this."""
import argparse
import fnmatch
import glob
import math
import os
import subprocess
import sys

import figures

MARK = 0.132
BUDGETS = {"seq": [20, 40, 50, 100, 200], "par16": [20, 50, 100, 200], "mf1": [20, 50, 100],
           "mf16": [20, 50, 100], "mo": [20, 50, 100], "mo16": [20, 50, 100]}
# run_tuner.py's main with more budgets kept, to see when the mark is reached
DRIVER = ("import run_tuner; run_tuner.BUDGETS['seq'] = "
          "[10, 15, 20, 25, 28, 30, 32, 34, 36, 38, 40, 45, 50, 60, 70, 80, 100, 150, 200]; "
          "run_tuner.main()")


def play(args, out):
    tuner = os.path.abspath(os.path.join(args.build, "tests/bench/optimiser"))
    if not os.path.exists(tuner):
        sys.exit(f"{tuner} is missing: build first (ninja -C {args.build})")
    run = [sys.executable, "-c", DRIVER, "--tuner", f"cmd:{tuner} --strategy {args.strategy}",
           "--name", args.name or f"hone-{args.strategy}", "--mode", args.mode,
           "--seeds", args.seeds, "--max-budget", args.budget, "--root", ".", "--out", out]
    if args.problems:
        run += ["--problems", args.problems]
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(run, cwd=args.bench, env={**os.environ, **one_thread}, check=True)


def shown(figure):
    if figure is None:
        return "–"
    return f"{figure[0]:.3f}" + ("" if math.isnan(figure[1]) else f"±{figure[1]:.3f}")


def difference(runs, mine, other, budget, wanted, ours):
    found = runs.difference(mine, other, budget, wanted, paired=other in ours)
    if found is None:
        return ""
    mean, error, pairs = found
    spread = "" if math.isnan(error) else f"±{error:.3f}"
    return (f" ({mean:+.3f}{spread}{' paired' if pairs else ''}"
            f"{'*' if abs(mean) > error else ''})")


def table(runs, title, wanted, budgets, mine, others, ours):
    """Mine, and the others best first with the difference of the first of mine to each."""
    print(f"\n### {title}: {len(wanted)} problems, at {' / '.join(map(str, budgets))}")
    print("| tuner | seeds | " + " | ".join(map(str, budgets)) + " |")
    print("|---" * (len(budgets) + 2) + "|")
    last = {t: [f[0] for b in budgets if (f := runs.figure(t, b, wanted))] for t in others}
    for tuner in [*mine, *sorted((t for t in others if last[t]), key=lambda t: last[t][-1])]:
        cells = [shown(runs.figure(tuner, b, wanted))
                 + (difference(runs, mine[0], tuner, b, wanted, ours) if tuner != mine[0] else "")
                 for b in budgets]
        print(f"| {tuner} | {len(runs.seeds(tuner, wanted))} | " + " | ".join(cells) + " |")


def report(args, out):
    problems = figures.Problems(args.bench)
    baselines = sorted(glob.glob(os.path.join(args.bench, "baselines", "*.csv")))
    mine = sorted(figures.Runs(problems, args.mode, [out]).table)
    if not mine:
        sys.exit(f"{out} has no results of mode {args.mode}")
    runs = figures.Runs(problems, args.mode, [*baselines, *args.against, out])
    wanted = problems.of_mode(args.mode)
    if args.problems:
        chosen = [c + "*" if c.endswith("-") else c for c in args.problems.split(",")]
        wanted = [p for p in wanted if any(fnmatch.fnmatch(p, c) for c in chosen)]
    budgets = [b for b in BUDGETS[args.mode] if b <= int(args.budget)]
    others = [t for t in runs.table if t not in mine]
    ours = {*mine, *figures.Runs(problems, args.mode, args.against).table}
    table(runs, "all", wanted, budgets, mine, others, ours)
    groups = sorted({problems.group(p) for p in wanted})
    for group in groups if len(groups) > 1 else []:
        table(runs, group, [p for p in wanted if problems.group(p) == group], budgets, mine, others,
              ours)
    print(f"\nEvaluations until the mean regret is {MARK}: ", end="")
    reached = {t: runs.reached(t, MARK, wanted) for t in [*mine, *others]}
    print(", ".join(f"{t} {n:.0f}" for t, n in sorted(reached.items(), key=lambda i: i[1] or 1e9)
                    if n is not None) or "no tuner gets there")
    for tuner in mine:
        print(f"Seeds of {tuner}: {' '.join(map(str, runs.seeds(tuner, wanted)))}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench")
    parser.add_argument("--build", default="build")
    parser.add_argument("--strategy", default="bayesian")
    parser.add_argument("--name", help="in the tables; default hone-STRATEGY")
    parser.add_argument("--mode", default="seq", choices=sorted(BUDGETS))
    parser.add_argument("--seeds", default="0-9")
    parser.add_argument("--budget", default="100")
    parser.add_argument("--problems")
    parser.add_argument("--out", default="quality.csv")
    parser.add_argument("--against", action="append", default=[], metavar="FILE")
    parser.add_argument("--no-run", action="store_true")
    args = parser.parse_args()
    out = os.path.abspath(args.out)
    args.bench = os.path.abspath(args.bench)
    if not args.no_run:
        play(args, out)
    report(args, out)


if __name__ == "__main__":
    main()
