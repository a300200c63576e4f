#!/usr/bin/env python3
"""The server over HTTP and the strategy in process give the same trials for the same seed.

  same_trials.py                                     small problems of its own, one of each kind
  same_trials.py BENCH --problems ID,ID [--seeds 0-1] [--mode seq] [--mode par16] [--trials 40]

Exact serving: a suggestion is made from all values reported before it, so equal commands give equal
trials. A difference is printed with its trial, and the exit status is 1. HONED and OPTIMISER name
the programs (Meson sets them); BENCH is a folder with objective.py, see quality.py.
"""
import argparse
import hashlib
import heapq
import json
import math
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import hone  # noqa: E402

WORKERS = {"seq": 1, "par16": 16, "mf1": 1, "mf16": 16}


# ---- the two sides -----------------------------------------------------------------------------
class InProcess:
    """tests/bench/optimiser: one object a line in, one out."""

    def __init__(self, strategy):
        self.process = subprocess.Popen(
            [hone.build_path("OPTIMISER"), "--strategy", strategy], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)

    def say(self, **message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise AssertionError(f"optimiser: {answer['error']}")
        return answer

    def start(self, problem, seed, mode):
        self.say(op="start", problem=problem, seed=seed, workers=WORKERS[mode],
                 multi_fidelity=mode.startswith("mf"))

    def ask(self):
        answer = self.say(op="ask")
        return answer["key"], answer["config"]

    def tell(self, key, value):
        self.say(op="tell", key=key, value=value)

    def report(self, key, step, value):
        return self.say(op="report", key=key, fidelity=step, value=value)["stop"]

    def stopped(self, key, _step):
        self.say(op="stopped", key=key)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class OverHttp:
    """A study of its own on a real server, served exactly."""

    def __init__(self, server, strategy):
        self.client, self.strategy = server.client(kind=None), strategy
        self.study, self.count = None, 0

    def call(self, method, path, body):
        reply = self.client.request(method, path, body)
        if reply.status >= 300:
            raise AssertionError(f"{method} {path}: {reply}")
        return reply.json

    def start(self, problem, seed, mode):
        self.count += 1
        self.study = f"{self.strategy}-{self.count}"
        body = {"name": self.study, "metric": "value", "direction": problem["direction"],
                "seed": seed, "parameters": [spelled(p) for p in problem["parameters"]],
                "strategy": {"name": self.strategy, "serving": "exact"},
                "limits": {"parallel": WORKERS[mode]}}
        if mode.startswith("mf"):
            body["resource"] = {k: problem["fidelity"][k] for k in ("name", "min", "max")}
            body["strategy"] = {"name": "asha", "mode": "predictive", "search": self.strategy,
                                "serving": "exact"}
        self.call("POST", "/v1/studies", body)

    def ask(self):
        answer = self.call("POST", f"/v1/studies/{self.study}/leases", {"worker": "twin"})
        if answer["lease"] is None:
            raise AssertionError(f"no lease: {answer}")
        return answer["lease"]["id"], answer["trial"]["parameters"]

    def finish(self, key, **result):
        self.call("PUT", f"/v1/leases/{key}/result", {"outcome": "completed", **result})

    def tell(self, key, value):
        self.finish(key, metrics={"value": value})

    def report(self, key, step, value):
        told = self.call("POST", f"/v1/leases/{key}/measurements",
                         {"measurements": [{"step": step, "metrics": {"value": value}}]})
        return told["action"] != "continue"

    def stopped(self, key, step):
        self.finish(key, step=step, metrics={})

    def close(self):
        self.client.close()


def spelled(parameter):
    """A problem's parameter as a study has it."""
    out = {k: parameter[k] for k in ("name", "type", "low", "high", "choices") if k in parameter}
    if parameter.get("log"):
        out["scale"] = "log"
    if parameter.get("condition"):
        out["when"] = {parameter["condition"]["parent"]: parameter["condition"]["values"]}
    return out


# ---- one study on a simulated clock ------------------------------------------------------------
def play(tuner, problem, evaluate, seed, mode, trials):
    """The configurations in the order in which they were given out, and where each was stopped."""
    tuner.start(problem, seed, mode)
    steps = []
    if mode.startswith("mf"):
        steps = range(problem["fidelity"]["min"], problem["fidelity"]["max"] + 1)
    given, stops, running = [], {}, []

    def begin(clock):
        key, config = tuner.ask()
        given.append(config)
        number = len(given)
        at = steps[0] if steps else None
        value, cost = evaluate(config, at, (seed, number))
        heapq.heappush(running, (clock + cost, number, key, at, value, cost))

    for _ in range(min(WORKERS[mode], trials)):
        begin(0.0)
    while running:
        clock, number, key, at, value, spent = heapq.heappop(running)
        if at is not None and at < steps[-1]:
            if tuner.report(key, at, value):
                tuner.stopped(key, at)
                stops[number] = at
            else:
                value, cost = evaluate(given[number - 1], at + 1, (seed, number))
                heapq.heappush(running, (clock + cost - spent, number, key, at + 1, value, cost))
                continue
        else:
            if at is not None:
                tuner.report(key, at, value)
            tuner.tell(key, value)
        if len(given) < trials:
            begin(clock)
    return given, stops


def differ(name, a, b):
    """Says where two runs part; False: nowhere."""
    for number, (x, y) in enumerate(zip(a[0], b[0]), 1):
        if x != y:
            print(f"{name}: trial {number} differs:\n  in process {x}\n  over HTTP  {y}")
            return True
    if a[1] != b[1]:
        print(f"{name}: stopped differently (trial: step): {sorted(a[1].items() ^ b[1].items())}")
        return True
    print(f"{name}: {len(a[0])} trials, {len(a[1])} stopped early, the same")
    return False


# ---- problems ----------------------------------------------------------------------------------
def number(name, low, high, **more):
    return {"name": name, "type": "float", "low": low, "high": high, **more}


OWN = {
    "numbers": {"direction": "minimize", "parameters": [
        number("x", -1.0, 2.0), number("rate", 1e-4, 1.0, log=True),
        {"name": "layers", "type": "int", "low": 1, "high": 4}]},
    "branches": {"direction": "maximize", "parameters": [
        {"name": "kind", "type": "categorical", "choices": ["line", "tree", "net"]},
        number("rate", 1e-4, 1.0, log=True,
               condition={"parent": "kind", "values": ["line", "net"]}),
        {"name": "depth", "type": "int", "low": 1, "high": 9,
         "condition": {"parent": "kind", "values": ["tree"]}},
        number("x", 0.0, 1.0)]},
    "curves": {"direction": "minimize", "fidelity": {"name": "epoch", "min": 1, "max": 27},
               "parameters": [number("x", 0.0, 1.0), number("y", 0.0, 1.0)]}}


def chance(*parts):
    """A number in [0, 1) that only the parts decide."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2.0 ** 48


def own_value(problem):
    sign = 1.0 if problem["direction"] == "minimize" else -1.0

    def evaluate(config, step, seed):
        total = 0.1 * len(config)
        for p in problem["parameters"]:
            if p["name"] not in config:
                continue
            v = config[p["name"]]
            if p["type"] == "categorical":
                total += 0.3 * p["choices"].index(v)
            else:
                low, high, v = (map(math.log, (p["low"], p["high"], v)) if p.get("log")
                                else (p["low"], p["high"], v))
                total += ((v - low) / (high - low) - 0.7) ** 2
        cost = 0.5 + chance("cost", seed)
        if step is not None:
            total, cost = total + 2.0 / step, cost * step
        return sign * (total + 0.01 * chance("noise", seed, step)), cost

    return evaluate


def bench_value(bench, name):
    def evaluate(config, step, seed):
        got = bench.evaluate(name, config, fidelity=step, seed=seed)
        # what is really trained takes another time at every run
        cost = chance("cost", seed) if bench.problems[name]["group"] == "live" else got["cost"]
        return got["value"], cost

    return evaluate


def cases(args):
    """(name, problem, evaluate, modes)."""
    if args.bench is None:
        for name, problem in OWN.items():
            yield name, problem, own_value(problem), (["mf16"] if "fidelity" in problem
                                                      else ["seq", "par16"])
        return
    sys.path.insert(0, args.bench)
    import objective
    bench = objective.Bench(args.bench)
    for name in args.problems.split(","):
        curves = bool(bench.problems[name].get("fidelity"))
        wanted = args.mode or (["mf16"] if curves else ["seq", "par16"])
        yield (name, objective.public(bench.problems[name]), bench_value(bench, name),
               [m for m in wanted if m.startswith("mf") == curves])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", nargs="?")
    parser.add_argument("--problems", default="")
    parser.add_argument("--strategy", action="append", choices=["bayesian", "tpe"])
    parser.add_argument("--mode", action="append", choices=sorted(WORKERS))
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--trials", type=int, default=26)
    args = parser.parse_args()
    first, _, last = args.seeds.partition("-")
    bad = runs = 0
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with hone.Server(args=["--open"]) as server:
        for strategy in args.strategy or ["bayesian", "tpe"]:
            inside, outside = InProcess(strategy), OverHttp(server, strategy)
            for name, problem, evaluate, modes in cases(args):
                for mode in modes if strategy == "bayesian" else [m for m in modes if m[0] != "m"]:
                    for seed in range(int(first), int(last or first) + 1):
                        pair = [play(side, problem, evaluate, seed, mode, args.trials)
                                for side in (inside, outside)]
                        bad += differ(f"{strategy} {name} {mode} seed {seed}", *pair)
                        runs += 1
            inside.close()
            outside.close()
    print(f"same_trials: {runs} passed" if bad == 0 else f"same_trials: {bad} of {runs} differ")
    sys.exit(1 if bad or not runs else 0)


if __name__ == "__main__":
    main()
