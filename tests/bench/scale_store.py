"""The section "store" of scale.py: a server that holds a million trials and ten million measurements.

10,000 studies, half of them of the strategy bayesian, each with trials that were imported through the
API with ten measurements each: one has 100,000, one 10,000, the others the same number. What they hold
beside that, leases, attempts and events, comes from the load itself."""

import json
import os
import random
import threading
import time

import hone
from load import Place, SIX
from scale_table import median

STUDIES = 10000
POINTS = 10
CHUNK = 1000
IMPORTERS = 8
TIMES = 21
MIB = 1 << 20
LISTS = ["/v1/studies", "/v1/studies?limit=100", "/v1/studies?state=running", "/v1/studies?state=finished",
         "/v1/studies?spark=1&limit=100", "/v1/workers", "/v1/tokens", "/v1/audit", "/v1/backups",
         *(f"/v1/studies/big/{name}" for name in (
             "trials", "trials?limit=100", "trials?limit=100&sort=-number", "trials?limit=100&sort=best",
             "trials?limit=100&sort=metric:loss", "trials?state=failed", "trials?limit=100&cursor=n50000",
             "trials?limit=100&worker=nobody", "trials?limit=100&sort=best&worker=nobody",
             "trials/50000/measurements", "trials/50000/attempts"))]


def trial(chance, lr):
    return {"parameters": {"lr": lr, "dropout": chance.uniform(0, .8), "units": chance.randint(16, 512),
                           "layers": chance.randint(1, 8), "kind": chance.choice(["relu", "tanh", "gelu"]),
                           "norm": chance.random() < .5},
            "state": "completed",
            "measurements": [{"step": step, "metrics": {"loss": chance.random()}} for step in range(1, POINTS + 1)]}


class Trials:
    """Bodies of imports, quicker than they are taken: a few trials, each time with another "lr"."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.texts = [json.dumps(trial(self.chance, "LR")).split('"LR"') for _ in range(CHUNK)]

    def body(self, n):
        return "[" + ",".join(f"{head}{10 ** self.chance.uniform(-5, -1)!r}{tail}" for head, tail
                              in self.chance.sample(self.texts, n)) + "]"


def sizes(n):
    """Of all studies, by their names."""
    found = {"big": n // 10, "export": 10000 if n >= 100000 else n // 10}
    each, rest = divmod(n - sum(found.values()), STUDIES - len(found))
    found.update({f"study-{i}": each for i in range(STUDIES - len(found))})
    found["big"] += rest
    return found


def importer(server, names, wanted, seed):
    trials = Trials(seed)
    with server.client(None, timeout=600) as client:
        for i, name in enumerate(names):
            strategy = ("bayesian", "random")[i % 2]
            reply = client.post("/v1/studies", hone.study(name, parameters=SIX, strategy=strategy))
            assert reply.status == 201, reply
            for first in range(0, wanted[name], CHUNK):
                body = trials.body(min(CHUNK, wanted[name] - first))
                reply = client.post(f"/v1/studies/{name}/trials", raw=body)
                assert reply.status == 201, reply


def fill(server, n):
    wanted, began = sizes(n), time.monotonic()
    names = list(wanted)
    threads = [threading.Thread(target=importer, args=(server, names[i::IMPORTERS], wanted, i))
               for i in range(IMPORTERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    files = sum(os.path.getsize(os.path.join(server.data, name)) for name in os.listdir(server.data))
    print(f"  {n} trials with {n * POINTS} measurements in {STUDIES} studies, imported in {took:.0f} s;"
          f" {files / n:.0f} bytes of disk a trial", flush=True)


def status_mib(server, field):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field + ":")) / 1024


def rates(table, options, empty, full):
    for mode, what, field in (("cycle", "ask and tell", "cycles_per_second"),
                              ("metrics", "requests of ten measurements", "writes_per_second")):
        table.ratio(f"{what}, with a million trials / empty",
                    [[place.load(64, options.seconds, mode)[field] for place in (empty, full)]
                     for _ in range(options.rounds)], 0.8)


def timed(client, path, times=TIMES):
    """Milliseconds: the first one, the median of the others and their quickest; the bytes."""
    found, size = [], 0
    for _ in range(times + 1):
        began = time.perf_counter()
        reply = client.get(path)
        found.append((time.perf_counter() - began) * 1e3)
        assert reply.status == 200, (path, reply)
        size = len(reply.body)
    return found[0], median(found[1:]), min(found[1:]), size


def reads(table, server):
    with server.client(None, timeout=600) as client:
        worst = (0, 0, "")
        for path in LISTS:
            first, middle, least, size = timed(client, path)
            print(f"    {path:<58} {middle:8.2f} ms, at least {least:.2f}, the first {first:.2f}, {size} bytes", flush=True)
            worst = max(worst, (middle, least, path))
        table.most("first page of any list", worst[0], 10, "ms", f"the slowest is {worst[2]}")
        _, middle, least, _ = timed(client, "/v1/studies/study-5000", 101)
        table.most("one study among 10,000", middle, 2, "ms", f"at least {least:.2f}")
        for form in ("csv", "ndjson"):
            _, middle, least, size = timed(client, f"/v1/studies/export/export?format={form}", 7)
            table.most(f"export of 10,000 trials as {form}", middle, 150, "ms",
                       f"at least {least:.0f}, {size / MIB:.1f} MiB")


def restarts(table, place):
    """Killed under load, three times."""
    found = []
    for _ in range(3):
        killer = threading.Timer(2, place.server.kill)
        killer.start()
        place.load(64, 2.5)
        killer.join()
        began = time.monotonic()
        place.server.start()
        found.append(time.monotonic() - began)
    table.most("ready after kill -9, a million trials", min(found), 2, "s",
               "all: " + " ".join(f"{seconds:.2f}" for seconds in sorted(found)))


def section(table, options):
    with Place() as empty, Place() as full:
        fill(full.server, options.trials)
        rates(table, options, empty, full)
        reads(table, full.server)
        peaks = [status_mib(full.server, "VmHWM")]
        restarts(table, full)
        full.load(64, options.seconds)
        peaks.append(status_mib(full.server, "VmHWM"))
        table.most("peak of resident memory, a million trials", max(peaks), 512, "MiB",
                   f"{peaks[0]:.0f} while it was filled, worked with and read, {peaks[1]:.0f} after a start and work")
