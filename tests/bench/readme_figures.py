#!/usr/bin/env python3
"""Writes the tables of regret in README.md from results of quality.py and the peers' rows.

  readme_figures.py BENCH --commit HASH FILE… [--out README.md]

The tables stand between two comments in the README and are replaced as a whole; no figure in them is
written by hand. A cell is the mean normalised regret after 20 / 50 / 100 evaluations with half the width
of its interval of 95 % after 100 (1.96 standard errors over seeds, figures.py), and the number of seeds."""
import argparse
import datetime
import glob
import os
import pathlib
import re

import advice_figures
import figures

BEGIN, END = "<!-- written by tests/bench/readme_figures.py -->\n", "<!-- end -->\n"
FULL = {"`bayesian`": ["bayesian"], "Optuna 5, its Gaussian process": ["optuna500-gp", "optuna5-gp"],
        "Optuna 5, its default": ["optuna500-tpe", "optuna5-tpe"], "SMAC3": ["smac3"], "at random": ["random"]}
CURVES = {"`asha`, `\"mode\": \"predictive\"`": ["asha, predictive"], "`bayesian`, in full": ["bayesian"],
          "Optuna 5 with hyperband": ["optuna500-tpe-hyperband", "optuna5-tpe-hyperband"],
          "Optuna 5, in full": ["optuna500-tpe", "optuna5-tpe"], "SMAC3 with hyperband": ["smac3-hyperband"],
          "DEHB": ["dehb"], "at random, in full": ["random"]}
TABLES = [("trained in full", FULL, ("seq", "par16")), ("learning curves", CURVES, ("mf1", "mf16"))]


def problems_of(all_problems, mode, prefix):
    return [i for i in all_problems.of_mode(mode) if i.startswith(prefix)]


def cell(runs, names, wanted):
    """The figures of the first of these tuners that has all problems."""
    for name in names:
        found = [runs.figure(name, budget, wanted) for budget in (20, 50, 100)]
        if found[0] is not None and found[1] is not None:
            means = " / ".join("–" if f is None else f"{f[0]:.3f}".lstrip("0") for f in found)
            last = found[2] or found[1]
            error = f" ±{1.96 * last[1]:.3f}".replace("±0", "±")
            return f"{means}{error} ({len(runs.seeds(name, wanted))})"
    return ""


def table(all_problems, files, rows, modes):
    columns = [(mode, prefix) for mode in modes for prefix in ("f-", "d-")]
    said = {"seq": "one worker", "mf1": "one worker", "par16": "16 workers", "mf16": "16 workers"}
    runs = {mode: figures.Runs(all_problems, mode, files) for mode in modes}
    wanted = {column: problems_of(all_problems, *column) for column in columns}
    text = "| after 20 / 50 / 100 | " + " | ".join(
        f"{said[mode]}, {len(wanted[mode, prefix])} `{prefix}`" for mode, prefix in columns) + " |\n"
    text += "|---" * (len(columns) + 1) + "|\n"
    for title, names in rows.items():
        cells = [cell(runs[column[0]], names, wanted[column]) for column in columns]
        text += f"| {title} | " + " | ".join(cells) + " |\n"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bench")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--commit", required=True, help="with which the runs were made")
    parser.add_argument("--out", default=str(advice_figures.ROOT / "README.md"))
    args = parser.parse_args()
    all_problems = figures.Problems(args.bench)
    files = [*args.files, *sorted(glob.glob(os.path.join(args.bench, "baselines", "*.csv")))]
    written = f"{datetime.date.today():%-d %B %Y}, {advice_figures.processor()}, two shared cores, commit {args.commit}."
    text = "\n\n".join(table(all_problems, files, rows, modes) for _, rows, modes in TABLES)
    text = f"{BEGIN}{text}\n{written}\n{END}"
    path = pathlib.Path(args.out)
    page, n = re.subn(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: text, path.read_text(encoding="utf-8"),
                      flags=re.DOTALL)
    if n != 1:
        raise SystemExit(f"{path} lacks the line {BEGIN.strip()} or {END.strip()}")
    path.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
