#!/usr/bin/env python3
"""Two builds of honed side by side, such as the static one and Debian's: what one costs by ratio.

  two_builds.py HONED_A HONED_B [--trials 1000] [--cycles 4000]

Both servers run at the same time and take turns, so that whatever else the machine does hits both.
Asks: one study of the Bayesian strategy on each, exact serving; at each length the median over the
last 100 asks of the processor time that the server's threads took, and the ratio A/B. Cycles: ask and
result of a study that needs no thought, in blocks by turns; processor time for each."""
import argparse
import os
import statistics
import sys

import latency  # beside this file; finds tests/support
import hone

LENGTHS = (100, 500, 1000)
WINDOW = 100
BLOCK = 200


def start(program):
    os.environ["HONED"] = os.path.abspath(program)
    return hone.Server(args=["--open"]).start()


def studies(servers, strategy, dims):
    settings = argparse.Namespace(strategy=strategy, dims=dims)
    return [latency.Study(server, settings, "exact") for server in servers]


def compare_asks(servers, trials):
    pair = studies(servers, "bayesian", 10)
    used = [[], []]
    for n in range(trials + 1):
        for study, times in zip(pair, used):
            lease, _, processor = study.ask()
            times.append(processor)
            study.tell(lease)
        if n in LENGTHS:
            a, b = (statistics.median(times[-WINDOW:]) for times in used)
            print(f"asks at n = {n:5d}: {a:7.2f} and {b:7.2f} ms of processor time, ratio {a / b:.3f}", flush=True)


def cycle_ms(study, n):
    before = latency.processor_ms(study.server.process.pid)
    for _ in range(n):
        lease, _, _ = study.ask()
        study.tell(lease)
    return (latency.processor_ms(study.server.process.pid) - before) / n


def compare_cycles(servers, cycles):
    pair = studies(servers, "random", 6)
    used = [[], []]
    for _ in range(cycles // BLOCK):
        for study, times in zip(pair, used):
            times.append(cycle_ms(study, BLOCK))
    a, b = (statistics.median(times) for times in used)
    print(f"cycles: {a:7.3f} and {b:7.3f} ms of processor time, ratio {a / b:.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs=2)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--cycles", type=int, default=4000)
    args = parser.parse_args()
    for compare, n in ((compare_cycles, args.cycles), (compare_asks, args.trials)):
        servers = [start(program) for program in args.programs]
        try:
            compare(servers, n)
        finally:
            for server in servers:
                server.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main())
