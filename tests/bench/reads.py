#!/usr/bin/env python3
"""How fast the reads of the dashboard are: a study of 100,000 trials and 8 parameters.

  reads.py [--build build] [--trials 100000] [--clients 4] [--seconds 10]

A server of its own. First each read alone: its bytes, the time until it is complete, and the processor
time that the server took. Then the lists again, one after the other, while clients write cycles (a
lease, three measurements, a result) to another study as fast as they can. Last a study of 10,000 trials
with four objectives that are all on the Pareto front, and a list beside four of its hypervolumes.
Figures: reads.md."""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import hone  # noqa: E402

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
PARAMETERS = [*({"name": f"p{i}", "type": "float", "low": 0, "high": 1} for i in range(5)),
              {"name": "lr", "type": "float", "low": 1e-6, "high": 1, "scale": "log"},
              {"name": "opt", "type": "categorical", "choices": ["adam", "sgd", "lion"]},
              {"name": "layers", "type": "int", "low": 1, "high": 64}]
ALONE = ["trials/columns", "trials/columns?digits=6", "trials/columns?digits=4",
         "trials/columns?digits=6&fields=number,value", "trials?limit=100", "trials?limit=1000",
         "trials?sort=best&limit=100", "curves", "history", "ledger", "importance", "best"]
LISTS = ["/v1/studies", "/v1/studies?spark=1", "/v1/studies/big/trials?limit=100",
         "/v1/studies/big/trials?limit=100&cursor=n50000", "/v1/workers"]


def trial(chance):
    return {"parameters": {**{f"p{i}": chance.random() for i in range(5)},
                           "lr": 10 ** chance.uniform(-6, 0), "layers": chance.randint(1, 64),
                           "opt": chance.choice(["adam", "sgd", "lion"])},
            "state": "completed", "metrics": {"loss": chance.random(), "acc": chance.random()}}


def fill(client, n):
    chance = random.Random(1)
    assert client.post("/v1/studies", hone.study("big", parameters=PARAMETERS)).status == 201
    assert client.post("/v1/studies", hone.study("load")).status == 201
    for _ in range(n // 1000):
        reply = client.post("/v1/studies/big/trials", [trial(chance) for _ in range(1000)])
        assert reply.status == 201, reply


def processor_ms(server):
    with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK_MS


def timed(client, path, **headers):
    start = time.perf_counter()
    reply = client.get(path, headers=headers)
    assert reply.status == 200, reply
    return (time.perf_counter() - start) * 1e3, len(reply.body)


def alone(server, client):
    print(f"{'read':<46} {'bytes':>10} {'gzip':>10} {'ms':>7} {'processor ms':>13}")
    for path in ALONE:
        path = f"/v1/studies/big/{path}"
        before = processor_ms(server)
        plain = [timed(client, path) for _ in range(3)]
        took = (processor_ms(server) - before) / 3
        packed = timed(client, path, **{"Accept-Encoding": "gzip"})
        print(f"{path[16:]:<46} {plain[0][1]:>10} {packed[1]:>10} {min(plain)[0]:>7.0f} {took:>13.0f}")


def beside_writes(server, client, options):
    load = subprocess.Popen(
        [hone.build_path("HONE_LOAD"), "--url", server.url, "--study", "load", "--clients",
         str(options.clients), "--seconds", str(options.seconds)], stdout=subprocess.PIPE, text=True)
    times = {path: [] for path in LISTS}
    while load.poll() is None:
        for path in LISTS:
            times[path].append(timed(client, path)[0])
        time.sleep(0.01)
    run = json.loads(load.stdout.read())
    print(f"\nbeside {run['cycles'] / options.seconds:.0f} cycles/s of {options.clients} clients")
    print(f"{'read':<46} {'n':>6} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}")
    for path, found in times.items():
        found.sort()
        print(f"{path:<46} {len(found):>6} {found[len(found) // 2]:>8.1f}"
              f" {found[int(len(found) * .99)]:>8.1f} {found[-1]:>8.1f}")


def fill_front(client, n):
    chance = random.Random(2)
    body = hone.study("front", objectives=[{"metric": m, "direction": "minimize"} for m in "abcd"])
    assert client.post("/v1/studies", body).status == 201
    for _ in range(n // 1000):
        trials = []
        for _ in range(1000):
            costs = [chance.expovariate(1) for _ in "abcd"]
            metrics = {m: cost / sum(costs) for m, cost in zip("abcd", costs)}
            trials.append({"parameters": {"x": 0.5}, "state": "completed", "metrics": metrics})
        reply = client.post("/v1/studies/front/trials", trials)
        assert reply.status == 201, reply


def fronts(server, client, n):
    fill_front(client, n)
    print(f"\n{n} trials with four objectives, all on the front")
    for path in ("pareto", "hypervolume", "hypervolume?reference=1,1,1,1"):
        before = processor_ms(server)
        took, size = timed(client, f"/v1/studies/front/{path}")
        print(f"{path:<46} {size:>10} {took:>18.0f} {processor_ms(server) - before:>13.0f}")
    long = [threading.Thread(target=lambda: timed(hone.Client(server.url, timeout=600),
                                                  "/v1/studies/front/hypervolume?reference=1,1,1,1"))
            for _ in range(4)]
    for thread in long:
        thread.start()
    times = []
    while any(thread.is_alive() for thread in long):
        times.append(timed(client, "/v1/studies/front/trials?limit=100")[0])
        time.sleep(0.01)
    times.sort()
    print(f"trials?limit=100 beside four hypervolumes: {len(times)} reads, p50 {times[len(times) // 2]:.1f}"
          f" p99 {times[int(len(times) * .99)]:.1f} max {times[-1]:.1f} ms")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--trials", type=int, default=100000)
    parser.add_argument("--front", type=int, default=10000)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    os.environ.setdefault("HONED", os.path.join(build, "server", "honed"))
    os.environ.setdefault("HONE_LOAD", os.path.join(build, "tests", "bench", "load"))
    with hone.Server(args=["--open"]) as server, server.client(None) as client:
        fill(client, options.trials)
        alone(server, client)
        beside_writes(server, client, options)
        fronts(server, client, options.front)
        print(f"\nload average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


main()
