#!/usr/bin/env python3
"""bench_charts.py [--server]: what charts cost on this machine; not a test. server/web/README.md has figures.

With --server the trials are imported into a server first, and its columns are drawn too.

    HONED=… HONE=… HONE_BROWSER_DIR=… tests/browser/run bench_charts.py
"""

import datetime
import os
import platform
import random
import sys

from budget import COORDINATES, HISTORY, MAKE, MainThread, feed, feed_from
from elements import ElementTest

ROWS = 100_000
ROUNDS = 5


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{os.cpu_count()} × {names[0] if names else platform.machine()}, load {os.getloadavg()[0]:.1f}"


STUDY = {"name": "bench", "metric": "value", "direction": "maximize", "strategy": "random", "seed": 7, "parameters": [
    {"name": "lr", "type": "float", "low": 1e-5, "high": 1, "scale": "log"}, {"name": "weight_decay", "type": "float", "low": 1e-6, "high": 1, "scale": "log"},
    {"name": "batch_size", "type": "ordinal", "choices": [16, 32, 64, 128]}, {"name": "optimizer", "type": "categorical", "choices": ["adam", "sgd"]},
    {"name": "momentum", "type": "float", "low": 0, "high": 1, "when": {"optimizer": ["sgd"]}}, {"name": "dropout", "type": "float", "low": 0, "high": 0.6},
    {"name": "width", "type": "int", "low": 16, "high": 512}]}


def finished(rng):
    """A trial to import."""
    optimizer = rng.choice(["adam", "sgd"])
    more = {"momentum": rng.random()} if optimizer == "sgd" else {}
    return {"state": "completed", "metrics": {"value": rng.random()}, "parameters": {
        "lr": 10 ** rng.uniform(-5, 0), "weight_decay": 10 ** rng.uniform(-6, 0), "batch_size": rng.choice([16, 32, 64, 128]),
        "optimizer": optimizer, "dropout": rng.uniform(0, 0.6), "width": rng.randint(16, 512), **more}}


def line(name, found):
    best = min(found, key=lambda f: f["paint"])
    redraws = sorted(t for f in found for t in f["redraws"])
    parts = [f"{best['bytes'] / 1e6:.1f} MB fetched and parsed in {best['fetched']:.0f} ms"] if "bytes" in best else []
    parts += [f"first paint {best['paint']:.0f} ms", f"whole {best['whole']:.0f} ms",
             f"longest task {min(max(f['tasks'], default=0) for f in found):.0f} ms",
             f"main thread {best['cpu']:.0f} ms in all, {best['first']['drawn']:,} things in {best['first']['slices']} slices"]
    if redraws:
        parts.append(f"brush redraw {redraws[len(redraws) // 2]:.0f} ms, at most {redraws[-1]:.0f}")
    print(f"{name}: " + ", ".join(parts), flush=True)


class Bench(ElementTest):
    def measure(self, call, *words):
        """ROUNDS of figures, each with the time that the main thread computed."""
        thread = MainThread(self.page)
        found = []
        for _ in range(ROUNDS):
            before = thread.ms()
            found.append(call(self.page, *words))
            found[-1]["cpu"] = thread.ms() - before
        return found

    def compute(self, name, tag, rows, shape):
        """What the main thread computes for a first paint and for a brush, whatever else the machine does."""
        thread = MainThread(self.page)
        self.page.evaluate(f"([n]) => {{ window.given = ({shape})(({MAKE})(n)); }}", [rows])
        still = "element.stopSlices(); cancelAnimationFrame(element.frame); element.frame = undefined;"
        first = f"element.data = given; await null; {still}"  # which draws it
        brush = f"element.ranges = {{lr: [[1e-4, 1e-2]], momentum: ['null', [0.1, 0.5]]}}; element.drawNow(); {still}"
        times = {"first paint": [], "brush": []}
        for _ in range(2 * ROUNDS):
            self.js("await show(a, {});", tag)
            for key, code in (("first paint", first), ("brush", brush)):
                before = thread.ms()
                self.page.evaluate(f"async () => {{ {code} }}")
                times[key].append(thread.ms() - before)
        print(f"{name}, time of the main thread: " + ", ".join(f"{key} {min(t):.0f} ms" for key, t in times.items()), flush=True)

    def fill_study(self, rows):
        self.client.post("/v1/studies", STUDY)
        rng = random.Random(7)
        for _ in range(0, rows, 1000):
            reply = self.client.post("/v1/studies/bench/trials", [finished(rng) for _ in range(1000)])
            assert reply.status == 201, reply

    def runTest(self):
        rows = ROWS
        print(f"{datetime.date.today()}, {machine()}, Chromium {self.browser.version}, {rows:,} trials of 8 columns,"
              f" the best of {ROUNDS}", flush=True)
        for name, tag, shape, brushes in (("parallel coordinates", "hone-parcoords", COORDINATES, 6), ("history", "hone-chart", HISTORY, 0)):
            self.compute(name, tag, rows, shape)
            line(name, self.measure(feed, tag, rows, shape, brushes))
        if "--server" not in sys.argv:
            return
        self.fill_study(rows)
        line("parallel coordinates of the server's columns", self.measure(
            feed_from, "hone-parcoords", "v1/studies/bench/trials/columns?digits=6&fields=value,parameters.*", COORDINATES, 6))


if __name__ == "__main__":
    Bench.setUpClass()
    try:
        bench = Bench()
        bench.setUp()
        bench.runTest()
    finally:
        Bench.doClassCleanups()
    sys.exit(0)
