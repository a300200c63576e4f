#!/usr/bin/env python3
"""How good the strategies are as users get them: a honed of its own, over HTTP, on a folder of problems.

  http_quality.py BENCH [--build build] --strategy S [--strategy S …] [--mode mf16] [--seeds 0-9]
                  [--budget 100] [--problems ID,ID] [--out FILE]
  http_quality.py BENCH --mode mf16 --out FILE            only prints what is there

BENCH is a folder with run_tuner.py, hone_tuner.py, score.py and baselines/ (its README says what they
are); S is a strategy's name, or its JSON object as in a study: '{"name": "asha", "mode": "stopping"}',
with NAME= before it to call it something else in the tables. Modes: seq and par16 are full evaluations
by 1 and 16 workers, mf1 and mf16 train step by step. Results already in the file are kept, so a run
that was broken off goes on. Printed: score.py's table, and each strategy's mean regret with its
standard error over seeds beside every baseline, with the difference (mine less theirs; negative is
better) and its standard error; `*` marks a difference of more than one of them. No test needs this.
"""

import argparse
import collections
import csv
import glob
import importlib
import importlib.util
import json
import math
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import hone  # noqa: E402


def name_and_strategy(text):
    """('asha-stopping', '{"name": "asha", …}') of an argument."""
    name, equals, strategy = text.partition("=")
    if equals and "{" not in name:
        return name, strategy
    if not text.startswith("{"):
        return "hone-" + text, text
    return "hone-" + "-".join(str(value) for value in json.loads(text).values()), text


class Lazy:
    """A learning curve that is computed as far as it is read: most trials stop early. `made`
    is the bench's function that makes all of it; half is values, half is costs."""

    def __init__(self, made, arguments, steps):
        self.made, self.arguments, self.steps = made, arguments, steps
        self.known = ([], [])

    def at(self, half, i):
        if i >= len(self.known[0]):
            upto = next(n for n in (6, 18, len(self.steps)) if n > i)
            self.known = self.made(*self.arguments, self.steps[:upto])
        return self.known[half][i]

    def halves(self):
        return (Half(self, 0), Half(self, 1))


class Half:
    def __init__(self, curve, half):
        self.curve, self.half = curve, half

    def __getitem__(self, i):
        return self.curve.at(self.half, i)


class Wire:
    """One connection and no more of HTTP than this server's answers need: the driver in Python costs
    more than the server."""

    def __init__(self, url):
        address = urllib.parse.urlsplit(url)
        self.host = address.netloc
        self.socket = socket.create_connection((address.hostname, address.port), timeout=600)
        self.file = self.socket.makefile("rb")

    def call(self, method, path, body=None):
        sent = b"" if body is None else json.dumps(body).encode()
        kind = "" if body is None else "Content-Type: application/json\r\n"
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\n{kind}"
                            f"Content-Length: {len(sent)}\r\n\r\n".encode() + sent)
        status = int(self.file.readline().split()[1])
        length = 0
        while (line := self.file.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line[15:])
        text = self.file.read(length)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {text[:300]!r}")
        return json.loads(text) if text else {}


def driver(bench):
    """The folder's own driver, with what makes it slow replaced: it says what is asked and told."""
    sys.path.insert(0, bench)
    sys.dont_write_bytecode = True
    module = importlib.import_module("run_tuner")
    folder = importlib.import_module("objective").Bench
    whole = folder.curve
    folder.curve = lambda b, problem, config, steps: Lazy(whole, (b, problem, config), steps).halves()
    tuner = importlib.import_module("hone_tuner").Hone

    def call(self, *what):
        if not hasattr(self, "wire"):
            self.wire = Wire(os.environ["HONE_URL"])
        return self.wire.call(*what)

    tuner.call = call
    module.load = lambda spec: (tuner, spec)
    return module


def play(args, out, name, strategy):
    """Every problem and seed, one after the other, on a server that is gone afterwards."""
    run = ["--tuner", "hone", "--name", name, "--mode", args.mode, "--seeds", args.seeds,
           "--max-budget", args.budget, "--out", out]
    if args.problems:
        run += ["--problems", args.problems]
    with hone.Server(args=["--open"]) as server:
        os.environ.update(HONE_URL=server.url, HONE_STRATEGY=strategy)
        sys.argv[1:] = run
        args.driver.main()


def scores_of(bench):
    """The folder's own score.py: what a value is worth is its to say."""
    spec = importlib.util.spec_from_file_location("score", os.path.join(bench, "score.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def by_seed(score, bench, files, mode, wanted):
    """{budget: {tuner: [regret of each seed, the mean over the wanted problems]}} of seeds that have
    them all."""
    problems = score.problems([bench])
    cells = collections.defaultdict(dict)
    for row in score.load(files):
        if row["mode"] == mode and row["problem"] in wanted:
            key = (int(row["budget"]), row["tuner"], int(row["seed"]))
            cells[key][row["problem"]] = score.regret(problems[row["problem"]], row["value"])
    table = collections.defaultdict(lambda: collections.defaultdict(list))
    for (budget, tuner, _), cell in sorted(cells.items()):
        if len(cell) == len(wanted):
            table[budget][tuner].append(statistics.mean(cell.values()))
    return table


def mean_error(values):
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return statistics.mean(values), error


def compare(table, mine):
    """Each of mine beside all others, at every budget."""
    for budget, tuners in sorted(table.items()):
        for tuner in (name for name in tuners if name in mine):
            mean, error = mean_error(tuners[tuner])
            print(f"\n{tuner} at {budget}: {mean:.3f} ± {error:.3f} ({len(tuners[tuner])} seeds)")
            for other, values in sorted(tuners.items(), key=lambda item: statistics.mean(item[1])):
                if other == tuner:
                    continue
                theirs, their_error = mean_error(values)
                far = math.hypot(error, their_error)
                mark = "*" if abs(mean - theirs) > far else " "
                print(f"  {other:34} {theirs:.3f} ± {their_error:.3f} ({len(values):2} seeds)   "
                      f"{mean - theirs:+.3f} ± {far:.3f} {mark}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench")
    parser.add_argument("--build", default="build")
    parser.add_argument("--strategy", action="append", default=[])
    parser.add_argument("--mode", default="mf16", choices=["seq", "par16", "mf1", "mf16"])
    parser.add_argument("--seeds", default="0-9")
    parser.add_argument("--budget", default="100")
    parser.add_argument("--problems")
    parser.add_argument("--out", default="http-quality.csv")
    args = parser.parse_args()
    out = os.path.abspath(args.out)
    os.environ.setdefault("HONED", os.path.abspath(os.path.join(args.build, "server/honed")))
    if not os.path.exists(os.environ["HONED"]):
        sys.exit(f"{os.environ['HONED']} is missing: build first (ninja -C {args.build})")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # small matrices: threads only get in the way
    args.driver = driver(os.path.abspath(args.bench)) if args.strategy else None
    for text in args.strategy:
        play(args, out, *name_and_strategy(text))
    if not os.path.exists(out):
        sys.exit(f"nothing to print: {out} is missing, and no --strategy was given")
    baselines = sorted(glob.glob(os.path.join(os.path.abspath(args.bench), "baselines", "*.csv")))
    subprocess.run([sys.executable, "score.py", "--mode", args.mode, *baselines, out],
                   cwd=args.bench, check=True)
    with open(out, encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["mode"] == args.mode]
    mine = {row["tuner"] for row in rows}
    wanted = {row["problem"] for row in rows}
    print(f"\n{len(wanted)} problems: {', '.join(sorted(wanted))}")
    compare(by_seed(scores_of(args.bench), args.bench, [*baselines, out], args.mode, wanted), mine)


if __name__ == "__main__":
    main()
