#!/usr/bin/env python3
"""How long POST /v1/suggest takes: HONED=… tests/bench/suggest.py

Eight numbers and a category; histories of 100, 500 and 1,000 finished trials. For each strategy:

  first     with a history that the server has not seen: its fit is made
  next      with one trial more each time, the median and the slowest of 25: the fit of the first so many trials
            is remembered, and made anew where it is due (after every twentieth part more)
  again     the same body: all but the fit is made again
  bytes     of the body

and how long an ask of a study that learns waits (tpe, exact) while 16 clients ask for 64 suggestions at a time.

30 November 2026, two cores of a machine with a load of 12, ms:

    strategy  trials  first  next (slowest)  again  kB
    bayesian     100     32       34 (55)       22   29
    bayesian     500    147       58 (145)      62  145
    bayesian   1,000    191      183 (314)     205  292
    tpe          100     12        3 (11)        8   29
    tpe          500     13       16 (49)       14  145
    tpe        1,000     43       46 (80)       33  292

    asks of a study, median (slowest): alone 1.3 (12.2); beside the flood 1.2 (21.6)
"""
import http.client
import json
import os
import pathlib
import random
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import hone  # noqa: E402

NUMBERS = [{"name": f"x{i}", "type": "float", "low": 0, "high": 1} for i in range(8)]
STUDY = {"metric": "loss", "direction": "minimize", "seed": 1,
         "parameters": NUMBERS + [{"name": "kind", "type": "categorical", "choices": ["a", "b", "c"]}]}


def history(n):
    draw = random.Random(1)
    trials = []
    for _ in range(n):
        x = {one["name"]: draw.random() for one in NUMBERS}
        value = sum((u - 0.3) ** 2 for u in x.values()) + draw.gauss(0, 0.01)
        trials.append({"parameters": {**x, "kind": draw.choice("abc")}, "state": "completed", "value": value})
    return trials


def ask(client, strategy, trials, seed=1):
    raw = json.dumps({"study": {**STUDY, "strategy": strategy, "seed": seed}, "trials": trials})
    began = time.perf_counter()  # the client's part, some 10 ms for 1,000 trials, is left out
    reply = client.post("/v1/suggest", raw=raw)
    assert reply.status == 200, reply
    return 1000 * (time.perf_counter() - began)


def measure(client, strategy, n):
    trials = history(min(n + 25, 1000))
    first = statistics.median(ask(client, strategy, trials[:n], seed) for seed in range(2, 7))  # five histories
    again = statistics.median(ask(client, strategy, trials[:n], 2) for _ in range(9))
    start = min(n, 975)
    following = [ask(client, strategy, trials[:start + i]) for i in range(25)]
    size = len(str(trials[:n]))
    return f"{first:.0f} | {statistics.median(following):.0f} ({max(following):.0f}) | {again:.0f} | {size // 1000}"


def ask_beside(client, worker, name):
    """Milliseconds of asks, and of them under a flood of suggestions."""
    reply = client.post("/v1/studies", {**STUDY, "name": name, "strategy": {"name": "tpe", "serving": "exact"}})
    assert reply.status == 201, reply
    took = []
    for i in range(60):
        began = time.perf_counter()
        lease = worker.post(f"/v1/studies/{name}/leases", {"wait_seconds": 60}).json["lease"]["id"]
        took.append(1000 * (time.perf_counter() - began))
        worker.put(f"/v1/leases/{lease}/result", {"outcome": "completed", "metrics": {"loss": i % 7}})
    return f"{statistics.median(took):.1f} ({max(took):.1f})"


def flood(server, is_over):
    body = {"study": {**STUDY, "strategy": "bayesian"}, "trials": history(1000), "n": 64}
    with server.client(None) as client:
        try:
            while not is_over.is_set():
                if client.post("/v1/suggest", body).status == 503:
                    is_over.wait(0.5)
        except (OSError, http.client.HTTPException):
            pass  # the server was killed


def main():
    with hone.Server(args=["--open"]) as server, server.client(None) as client, server.client(None) as worker:
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; ms\n")
        print("| strategy | trials | first | next (slowest) | again | kB |\n|---|---|---|---|---|---|")
        for strategy in ("bayesian", "tpe"):
            for n in (100, 500, 1000):
                print(f"| {strategy} | {n} | {measure(client, strategy, n)} |", flush=True)
        alone = ask_beside(client, worker, "alone")
        is_over = threading.Event()
        threads = [threading.Thread(target=flood, args=(server, is_over)) for _ in range(16)]
        for thread in threads:
            thread.start()
        time.sleep(2)  # until they all wait: what follows is measured, not what this costs
        print(f"\nasks of a study, median (slowest): alone {alone}; beside the flood "
              f"{ask_beside(client, worker, 'beside')}")
        is_over.set()
        server.kill()


if __name__ == "__main__":
    main()
