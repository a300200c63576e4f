#!/usr/bin/env python3
"""Writes the figures of the advice, server/advice/figures.c, from results of quality.py.

  advice_figures.py BENCH --prefix f- --command "…" --commit HASH FILE… [--out server/advice/figures.c]

The files hold the runs of all techniques, each under its title as the advice has it (quality.py --name
"asha, predictive"), in the modes seq, par16, mf1 and mf16. A figure is the mean normalised regret over the
problems of a kind whose names begin with the prefix, with its standard error over seeds (figures.py). A
kind of problem that the prefix has none of, and a technique without runs, have no figures; but the kinds
that --keep names keep those that the table has, and the header says --kept of them. The header says
the machine, the day, the commit, the seeds and the command that made the runs; no figure is written by
hand. The text of the problems is not read, so those that were kept back stay unseen."""
import argparse
import datetime
import math
import pathlib
import platform
import re
import subprocess
import textwrap

import figures

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUDGETS = (20, 50, 100)
KINDS = {"KIND_NUMBERS": ("synthetic", "seq", "par16"), "KIND_MIXED": ("mixed", "seq", "par16"),
         "KIND_NOISY": ("noisy", "seq", "par16"), "KIND_CURVES": ("mf", "mf1", "mf16")}
TOP = """/* Written by tests/bench/advice_figures.py; not to be changed by hand.
 *
{about}
 */
#include "server/advice/figures.h"

const struct technique_figures technique_figures[] = {{
"""


def processor():
    return next((line.split(":", 1)[1].strip() for line in
                 pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
                 if line.startswith("model name")), platform.machine())


def about(args, seeds, problems):
    lines = [f"Problems: {args.prefix}, " + ", ".join(f"{len(ids)} of {kind}" for kind, ids in problems.items() if ids),
             f"Seeds: {seeds}", f"Machine: {processor()}", f"Day: {datetime.date.today()}", f"Commit: {args.commit}",
             f"Runs: {args.command}", *([f"Kept: {args.keep}: {args.kept}"] if args.keep else [])]
    return "\n".join(f" * {part}" for line in lines for part in textwrap.wrap(line, 96, break_on_hyphens=False))


def kept(path, kinds):
    """{title: {kind: its figures as text}} of the table as it is."""
    parts = re.split(r'\{"([^"]+)",', re.sub(r"\s+", " ", pathlib.Path(path).read_text(encoding="utf-8")))
    return {title: {kind: found[1] for kind in kinds if (found := re.search(rf"\[{kind}\] = (.*?\}}\}}\}})", row))}
            for title, row in zip(parts[1::2], parts[2::2])}


def row_of(runs, title, problems):
    """{kind: [[(mean, error)] * 3] * 2}; None where there are no runs."""
    found = {}
    for kind, ids in problems.items():
        modes = [[runs[mode].figure(title, budget, ids) if ids else None for budget in BUDGETS]
                 for mode in KINDS[kind][1:]]
        if any(None not in row for row in modes):
            found[kind] = [row if None not in row else [None] * len(BUDGETS) for row in modes]
    return found


def number(value):
    return "0" if math.isnan(value) or value == 0 else f"{value:.3f}".lstrip("0")


def written(title, found, stays):
    def cells(row):
        return ", ".join("{0}" if one is None else f"{{{number(max(one[0], 5e-4))}, {number(one[1])}}}" for one in row)
    kinds = {kind: f"{{{{{cells(rows[0])}}}, {{{cells(rows[1])}}}}}" for kind, rows in found.items()} | stays
    return f'    {{"{title}",\n     {{' + ",\n      ".join(f"[{kind}] = {kinds[kind]}" for kind in KINDS if kind in kinds) \
        + "}},\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bench")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--prefix", default="f-")
    parser.add_argument("--without", default="", help="problems that were kept back: ID,ID")
    parser.add_argument("--command", required=True)
    parser.add_argument("--commit", required=True, help="with which the runs were made")
    parser.add_argument("--keep", default="", help="kinds whose figures stay: KIND_CURVES,KIND_NOISY")
    parser.add_argument("--kept", default="", help="what is to be said of them in the header")
    parser.add_argument("--out", default=str(ROOT / "server/advice/figures.c"))
    args = parser.parse_args()
    all_problems = figures.Problems(args.bench)
    runs = {mode: figures.Runs(all_problems, mode, args.files) for mode in ("seq", "par16", "mf1", "mf16")}
    kept_back = set(args.without.split(","))
    measured = [i for i in all_problems.by_id if i.startswith(args.prefix) and i not in kept_back]
    problems = {kind: sorted(i for i in all_problems.of_mode(modes[0]) if i in measured and kind not in args.keep
                             and all_problems.group(i) == group) for kind, (group, *modes) in KINDS.items()}
    titles = sorted({title for one in runs.values() for title in one.table})
    seeds = sorted({seed for one in runs.values() for budgets in one.table.values() for cells in budgets.values()
                    for by_seed in cells.values() for seed in by_seed})
    stays = kept(args.out, [kind for kind in args.keep.split(",") if kind])
    text = TOP.format(about=about(args, f"{seeds[0]} to {seeds[-1]}" if seeds else "none", problems))
    for title in sorted({*titles, *stays}, key=list({**stays, **dict.fromkeys(titles)}).index):
        found = row_of(runs, title, problems)
        text += written(title, found, stays.get(title, {})) if found or stays.get(title) else ""
    text += "    {0}};\n"
    pathlib.Path(args.out).write_text(text, encoding="utf-8")
    subprocess.run(["clang-format", "-i", args.out], check=True)


if __name__ == "__main__":
    main()
