#!/usr/bin/env python3
"""What the server keeps in memory: idle, with a long study, and over many asks.

  memory.py [--build build] [--asks 10000] [--trials 10000] [--check]

Proportional set sizes (PSS) of honed from the kernel, and what it has allocated from /metrics:

  idle     a fresh server, and one whose models have answered once (the numerics are in use)
  study    one bayesian study with --trials imported results, after 12 suggestions from them
  asks     --asks suggestions, each leased and cancelled, so that history stays as it is: nothing
           that a suggestion needs may stay behind. Compared is what is allocated after so many asks
           and after as many again, once the cancelled leases are forgotten (which takes 15 s).

--asks 0 leaves the last part out, as the release suite does: it waits for leases to be forgotten.
--check ends with status 1 if a limit is broken: 24 MiB idle, 256 MiB with the long study, and 24
bytes an ask, the smallest thing that malloc() gives out, beside 64 KiB for tables."""
import argparse
import http.client
import math
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import hone  # noqa: E402

MIB = 1 << 20
LEASE_SECONDS = 15
TABLES = 64 << 10  # a table of the leases that live at a time may double once more
SPACE = [{"name": "lr", "type": "float", "low": 1e-5, "high": 1, "scale": "log"},
         {"name": "k", "type": "categorical", "choices": ["p", "q", "r"]},
         *({"name": f"p{i}", "type": "float", "low": 0, "high": 1} for i in range(4))]


def pss(server):
    with open(f"/proc/{server.process.pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) * 1024


def allocated(client):
    """Bytes that the server has from malloc() and has not freed."""
    text = client.get("/metrics").body.decode()
    return next(float(line.split()[1]) for line in text.splitlines()
                if line.startswith("hone_heap_allocated_bytes "))


def expect(reply, status):
    if reply.status != status:
        raise SystemExit(f"memory.py: {reply}")
    return reply.json


def create(client, name, strategy):
    expect(client.post("/v1/studies", {
        "name": name, "metric": "loss", "direction": "minimize", "seed": 1, "parameters": SPACE,
        "strategy": {"name": strategy, "serving": "exact"}, "lease": {"ttl_seconds": LEASE_SECONDS}}), 201)


def grow(client, name, n):
    """n results at once, spread over the space."""
    for start in range(0, n, 1000):
        trials = []
        for i in range(start, min(start + 1000, n)):
            u = [math.fmod(.5 + i * math.sqrt(p), 1) for p in (2, 3, 5, 7, 11, 13)]
            x = {"lr": 10 ** (-5 * u[0]), "k": "pqr"[int(3 * u[1])]}
            x.update({f"p{k}": u[k + 2] for k in range(4)})
            trials.append({"state": "completed", "parameters": x,
                           "metrics": {"loss": (u[0] - .4) ** 2 + u[2] + .1 * u[3] * u[4]}})
        expect(client.post(f"/v1/studies/{name}/trials", trials), 201)


def fill_page_cache(client):
    """The database's page cache has 8 MiB: it must be full before anything else can be seen."""
    create(client, "ballast", "random")
    for batch in range(25):
        curve = [{"step": step, "metrics": {"loss": step / 7 + batch}} for step in range(1, 1001)]
        expect(client.post("/v1/studies/ballast/trials", [
            {"state": "completed", "metrics": {"loss": i}, "measurements": curve,
             "parameters": {"lr": .1, "k": "p", **{f"p{k}": .5 for k in range(4)}}}
            for i in range(20)]), 201)


def ask_and_cancel(client, name):
    lease = expect(client.post(f"/v1/studies/{name}/leases", {"wait_seconds": 60}), 201)
    expect(client.patch(f"/v1/studies/{name}/trials/{lease['trial']['number']}",
                        {"state": "cancelled"}), 200)


def idle():
    with hone.Server(args=["--open"]) as server, hone.Client(server.url) as client:
        fresh = pss(server)
        create(client, "a", "bayesian")
        grow(client, "a", 30)
        for _ in range(16):
            ask_and_cancel(client, "a")
        used = pss(server)
    print(f"idle: {fresh / MIB:.1f} MiB fresh, {used / MIB:.1f} MiB once the models have answered")
    return max(fresh, used) < 24 * MIB


def long_study(trials):
    with hone.Server(args=["--open"]) as server, hone.Client(server.url, timeout=600) as client:
        create(client, "a", "bayesian")
        grow(client, "a", trials)
        highest = pss(server)
        for _ in range(24):
            ask_and_cancel(client, "a")
            highest = max(highest, pss(server))
    print(f"study: {highest / MIB:.1f} MiB at most with {trials} results")
    return highest < 256 * MIB


def settled(client):
    """What is allocated once every cancelled lease has been forgotten."""
    time.sleep(LEASE_SECONDS + 3)
    return allocated(client)


def many_asks(strategy, asks):
    with hone.Server(args=["--open"]) as server, hone.Client(server.url, timeout=600) as client:
        fill_page_cache(client)
        create(client, "a", strategy)
        grow(client, "a", 40)
        for _ in range(asks):  # tables grow to what so many leases at a time need
            ask_and_cancel(client, "a")
        before = settled(client)
        highest = before
        for i in range(asks):
            ask_and_cancel(client, "a")
            if i % 100 == 0:
                highest = max(highest, allocated(client))
        after = settled(client)
    growth = (after - before) / asks
    print(f"asks: {asks} of {strategy}: {before / MIB:.2f} MiB allocated before, "
          f"{highest / MIB:.2f} at most, {after / MIB:.2f} after: {growth:+.1f} bytes an ask", flush=True)
    return after - before < 24 * asks + TABLES


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--asks", type=int, default=10000)
    parser.add_argument("--trials", type=int, default=10000)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    os.environ.setdefault("HONED", os.path.abspath(os.path.join(args.build, "server/honed")))
    try:
        kept = [idle(), long_study(args.trials)]
        for strategy, asks in (("random", args.asks), ("tpe", args.asks), ("bayesian", args.asks // 10)):
            if asks > 0:
                kept.append(many_asks(strategy, asks))
    except (OSError, http.client.HTTPException) as error:
        raise SystemExit(f"memory.py: {error}") from error
    if args.check and not all(kept):
        raise SystemExit("memory.py: a limit is broken")


if __name__ == "__main__":
    main()
