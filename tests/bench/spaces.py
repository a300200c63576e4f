#!/usr/bin/env python3
"""Times of large search spaces: 4,096 parameters, and one parameter of 65,536 choices.

For each strategy: to create the study, to lease (the median and the longest of some asks, each
followed by its result), to list the trials, to export them and to explain the last. Milliseconds.

    HONED=build/server/honed tests/bench/spaces.py [ASKS [PART OF "SPACE STRATEGY"]]
"""

import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

STRATEGIES = ["random", "quasirandom", "tpe", "bayesian"]
BAYESIAN_MAX = 1024  # more parameters are refused


def floats(n):
    return [{"name": f"p{i}", "type": "float", "low": 0, "high": 1} for i in range(n)]


def mixed(n):
    """A quarter each of floats, ints, choices, and children of these; constraints on some."""
    parameters = []
    for i in range(n // 4):
        parameters += [{"name": f"f{i}", "type": "float", "low": 1, "high": 9, "scale": "log"},
                       {"name": f"n{i}", "type": "int", "low": 1, "high": 64},
                       {"name": f"c{i}", "type": "categorical", "choices": [None, [1, 2], "x"]},
                       {"name": f"d{i}", "type": "float", "low": 0, "high": 1,
                        "when": {f"c{i}": [None, "x"]}}]
    return parameters


SPACES = {
    "4,096 floats": (floats(4096), []),
    "4,096 mixed": (mixed(4096), ["f0 * n0 < 3", "f1 + d1 < 1.5"]),
    "5,000 choices": ([{"name": "c", "type": "categorical", "choices": list(range(5000))},
                       {"name": "x", "type": "float", "low": 0, "high": 1}], []),
    "65,536 choices": ([{"name": "c", "type": "categorical", "choices": list(range(65536))},
                        {"name": "x", "type": "float", "low": 0, "high": 1}], []),
    "65,536 texts": ([{"name": "c", "type": "categorical",
                       "choices": [f"model-{i}" for i in range(65536)]},
                      {"name": "x", "type": "float", "low": 0, "high": 1,
                       "when": {"c": [f"model-{i}" for i in range(0, 65536, 2)]}}], []),
}


def timed(call, *args, **more):
    start = time.monotonic()
    reply = call(*args, **more)
    if reply.status >= 300:
        raise AssertionError(reply)
    return (time.monotonic() - start) * 1000, reply


def measure(admin, worker, name, body, asks):
    create, _ = timed(admin.post, "/v1/studies", body)
    lease = []
    fallbacks = 0
    for i in range(asks):
        took, grant = timed(worker.post, f"/v1/studies/{name}/leases", {"worker": "w"})
        lease.append(took)
        chosen = grant.json["trial"]["parameters"]
        value = sum(v for v in chosen.values() if isinstance(v, (int, float))) % 1000
        timed(worker.put, f"/v1/leases/{grant.json['lease']['id']}/result",
              {"outcome": "completed", "metrics": {"loss": value}})
        trial = grant.json["trial"]["number"]
        fallbacks += admin.get(f"/v1/studies/{name}/trials/{trial}").json["fallback"]
    listed, _ = timed(admin.get, f"/v1/studies/{name}/trials?limit=1000")
    export, _ = timed(admin.get, f"/v1/studies/{name}/export?format=csv")
    explain, _ = timed(admin.get, f"/v1/studies/{name}/trials/{asks}/explain")
    return [create, statistics.median(lease), max(lease), listed, export, explain], fallbacks


def measure_one(space, strategy, asks):
    """On a server of its own, which thinks about nothing else."""
    parameters, constraints = SPACES[space]
    body = hone.study("s", parameters=parameters, constraints=constraints, strategy=strategy)
    with hone.Server() as server, server.client() as admin, server.client("worker") as worker:
        times, fallbacks = measure(admin, worker, "s", body, asks)
    print(f"{space:16}{strategy:14}" + "".join(f"{ms:9.1f}" for ms in times) + f"{fallbacks:9}",
          flush=True)


def main():
    asks = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    print(f"{'space':16}{'strategy':14}{'create':>9}{'lease':>9}{'longest':>9}{'list':>9}"
          f"{'export':>9}{'explain':>9}  of {asks} asks, not by the model")
    for space in SPACES:
        for strategy in STRATEGIES:
            too_many = strategy == "bayesian" and len(SPACES[space][0]) > BAYESIAN_MAX
            if only in f"{space} {strategy}" and not too_many:
                measure_one(space, strategy, asks)


if __name__ == "__main__":
    main()
