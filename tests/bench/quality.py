#!/usr/bin/env python3
"""How good the strategies are: runs tests/bench/optimiser on a folder of problems and scores it.

  quality.py BENCH [--build build] [--strategy bayesian] [--mode seq] [--seeds 0-9] [--budget 100]
             [--problems ID,ID] [--out FILE]

BENCH is a folder with run_tuner.py, score.py and baselines/ (its README says what they are). One
strategy and one mode at a time; results already in the file are kept, so a run can go on. Every
seed that is run is listed by the table. No test needs this."""
import argparse
import glob
import os
import subprocess
import sys


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench")
    parser.add_argument("--build", default="build")
    parser.add_argument("--strategy", default="bayesian")
    parser.add_argument("--mode", default="seq", choices=["seq", "par16", "mf1", "mf16"])
    parser.add_argument("--seeds", default="0-9")
    parser.add_argument("--budget", default="100")
    parser.add_argument("--problems")
    parser.add_argument("--out", default="quality.csv")
    args = parser.parse_args()
    tuner = os.path.abspath(os.path.join(args.build, "tests/bench/optimiser"))
    out = os.path.abspath(args.out)
    if not os.path.exists(tuner):
        sys.exit(f"{tuner} is missing: build first (ninja -C {args.build})")
    run = [sys.executable, "run_tuner.py", "--tuner", f"cmd:{tuner} --strategy {args.strategy}",
           "--name", f"hone-{args.strategy}", "--mode", args.mode, "--seeds", args.seeds,
           "--max-budget", args.budget, "--out", out]
    if args.problems:
        run += ["--problems", args.problems]
    subprocess.run(run, cwd=args.bench, check=True)
    baselines = sorted(glob.glob(os.path.join(os.path.abspath(args.bench), "baselines", "*.csv")))
    subprocess.run([sys.executable, "score.py", "--mode", args.mode, *baselines, out],
                   cwd=args.bench, check=True)


if __name__ == "__main__":
    main()
