#!/usr/bin/env python3
"""How long a worker waits for a suggestion, measured at the client over HTTP, as a study grows.

  latency.py [--build build] [--strategy bayesian] [--dims 10] [--trials 2000] [--prepared]
             [--core N] [--seconds S]

A server of its own, held to one core (--core says which), and one study on a smooth function.

Exact serving (unless --prepared): one worker that sends a result and asks again at once, so that
nothing can be thought of in between. For each length it prints the p50, the p99 and the worst of the
last 100 asks before it: the time from sending the ask to having read the lease.

--prepared: four workers take turns, each result followed at once by that worker's next ask; between
them the server has --seconds to think ahead, as it has where a trial takes longer than a suggestion.

On a machine that others use too, a server waits for its core. So beside the times stands the
processor time that the server's threads took within each ask: what a core of its own would show, but
for the sync to disk, and up to what sharing caches costs. With --processor the strategy is timed
inside this process instead, in processor time, without a server."""
import argparse
import http.client
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import hone  # noqa: E402

LENGTHS = (50, 100, 200, 300, 500, 1000, 1500, 2000, 5000)
WINDOW = 100


def value_of(x):
    return sum((u - .3) ** 2 for u in x.values()) + .1 * math.sin(20 * x["p0"])


def processor_ms(pid):
    """The processor time of a process's threads so far."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
        except (OSError, IndexError):
            pass
    return total / 1e6


class Study:
    """One worker's conversation with a server: no more than an HTTP client would do."""

    def __init__(self, server, args, serving):
        self.server = server
        self.client = hone.Client(server.url, timeout=600)
        self.client.connection.connect()
        self.client.connection.sock.setsockopt(6, 1, 1)  # TCP_NODELAY
        names = [f"p{i}" for i in range(args.dims)]
        reply = self.client.post("/v1/studies", {
            "name": "bench", "metric": "value", "direction": "minimize", "seed": 3,
            "strategy": {"name": args.strategy, "serving": serving},
            "parameters": [{"name": name, "type": "float", "low": 0, "high": 1} for name in names]})
        if reply.status != 201:
            raise SystemExit(f"the study was refused: {reply}")

    def ask(self):
        """A lease, the milliseconds it took, and the processor time that the server took."""
        before = processor_ms(self.server.process.pid)
        start = time.perf_counter()
        reply = self.client.post("/v1/studies/bench/leases", {"worker": "w", "wait_seconds": 60})
        took = (time.perf_counter() - start) * 1e3
        if reply.status != 201:
            raise SystemExit(f"no lease: {reply}")
        return reply.json, took, processor_ms(self.server.process.pid) - before

    def tell(self, lease):
        reply = self.client.put(f"/v1/leases/{lease['lease']['id']}/result", {
            "outcome": "completed",
            "metrics": {"value": value_of(lease["trial"]["parameters"])}})
        if reply.status != 200:
            raise SystemExit(f"the result was refused: {reply}")


def quantile(values, q):
    """The smallest value that is not exceeded by at least this share (nearest rank)."""
    return sorted(values)[max(0, math.ceil(q * len(values)) - 1)]


def show(n, asks):
    took = [t for t, _ in asks]
    used = [u for _, u in asks]
    print(f"n = {n:5d}  p50 {quantile(took, .5):7.2f}  p99 {quantile(took, .99):7.2f}  worst {max(took):7.2f} ms"
          f"   processor: p50 {quantile(used, .5):7.2f}  p99 {quantile(used, .99):7.2f}  worst {max(used):7.2f} ms",
          flush=True)


def sequential(study, args):
    asks = []
    for n in range(args.trials + 1):
        lease, took, used = study.ask()
        asks.append((took, used))
        if n in LENGTHS:
            show(n, asks[-WINDOW:])
        study.tell(lease)


def grow(study, n):
    """n finished trials at once: imports."""
    for start in range(0, n, 1000):
        trials = []
        for i in range(start, min(start + 1000, n)):
            x = {f"p{k}": math.fmod(.5 + i * math.sqrt(k * 2 + 3), 1) for k in range(study.dims)}
            trials.append({"state": "completed", "parameters": x, "metrics": {"value": value_of(x)}})
        if study.client.post("/v1/studies/bench/trials", trials).status != 201:
            raise SystemExit("the import was refused")


def prepared(study, args, n):
    study.dims = args.dims
    grow(study, n)
    leases = [study.ask()[0] for _ in range(4)]
    asks = []
    for i in range(20 + WINDOW):
        time.sleep(args.seconds)
        study.tell(leases.pop(0))
        lease, took, used = study.ask()
        leases.append(lease)
        if i >= 20:  # the first are the initial design
            asks.append((took, used))
    show(n, asks)


def in_process(args, path):
    tuner = os.path.join(args.build, "tests/bench/optimiser")
    with subprocess.Popen([tuner, "--strategy", args.strategy, "--times", path], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        def do(**message):
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        parameters = [{"name": f"p{i}", "type": "float", "low": 0, "high": 1} for i in range(args.dims)]
        do(op="start", seed=3, problem={"direction": "minimize", "parameters": parameters})
        for _ in range(args.trials):
            asked = do(op="ask")
            do(op="tell", key=asked["key"], value=value_of(asked["config"]))
        do(op="end")
        process.stdin.close()


def print_processor(args):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "times")
        in_process(args, path)
        with open(path, encoding="ascii") as file:
            times = [tuple(map(float, line.split())) for line in file]
    for length in LENGTHS:
        near = [ms for n, ms in times if length - WINDOW < n <= length]
        if near and length <= args.trials:
            print(f"n = {length:5d}  p50 {quantile(near, .5):7.2f}  p99 {quantile(near, .99):7.2f}"
                  f"  worst {max(near):7.2f} ms of processor time")


def serve(args, serving, job):
    with hone.Server(args=["--open"]) as server:
        os.sched_setaffinity(server.process.pid, {args.core})
        for task in os.listdir(f"/proc/{server.process.pid}/task"):
            os.sched_setaffinity(int(task), {args.core})
        job(Study(server, args, serving), args)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--strategy", default="bayesian")
    parser.add_argument("--dims", type=int, default=10)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--core", type=int, default=min(os.sched_getaffinity(0)))
    parser.add_argument("--prepared", action="store_true")
    parser.add_argument("--seconds", type=float, default=.25)
    parser.add_argument("--processor", action="store_true")
    args = parser.parse_args()
    os.environ.setdefault("HONED", os.path.abspath(os.path.join(args.build, "server/honed")))
    try:
        if args.processor:
            print_processor(args)
        elif args.prepared:
            for n in LENGTHS:
                if 100 <= n <= args.trials:
                    serve(args, "prepared", lambda study, a, n=n: prepared(study, a, n))
        else:
            serve(args, "exact", sequential)
    except (OSError, http.client.HTTPException) as error:
        raise SystemExit(f"latency.py: {error}") from error


if __name__ == "__main__":
    main()
