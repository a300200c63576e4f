#!/usr/bin/env python3
"""How long a suggestion takes, in processor time, as a study grows.

  latency.py [--build build] [--strategy bayesian] [--dims 10] [--trials 1000]

One study, served exactly, on a smooth function; prints p50, p99 and the worst of 50 asks around each
length. The worst are those that fit anew."""
import argparse
import json
import math
import os
import subprocess
import tempfile


def session(args, times):
    tuner = os.path.join(args.build, "tests/bench/optimiser")
    with subprocess.Popen([tuner, "--strategy", args.strategy, "--times", times], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        def do(**message):
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        parameters = [{"name": f"p{i}", "type": "float", "low": 0, "high": 1} for i in range(args.dims)]
        do(op="start", seed=3, problem={"direction": "minimize", "parameters": parameters})
        for _ in range(args.trials):
            asked = do(op="ask")
            x = asked["config"]
            value = sum((u - .3) ** 2 for u in x.values()) + .1 * math.sin(20 * x["p0"])
            do(op="tell", key=asked["key"], value=value)
        do(op="end")
        process.stdin.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--strategy", default="bayesian")
    parser.add_argument("--dims", type=int, default=10)
    parser.add_argument("--trials", type=int, default=1000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "times")
        session(args, path)
        with open(path, encoding="ascii") as file:
            times = [tuple(map(float, line.split())) for line in file]
    for middle in (50, 100, 200, 300, 500, 1000, 2000, 5000):
        near = sorted(ms for n, ms in times if middle - 50 < n <= middle)
        if near and middle <= args.trials:
            print(f"n = {middle:5d}  p50 {near[len(near) // 2]:7.2f}  p99 {near[int(.99 * len(near))]:7.2f}"
                  f"  worst {near[-1]:7.2f} ms")


if __name__ == "__main__":
    main()
