#!/usr/bin/env python3
"""bench_charts.py [ROWS]: what charts cost on this machine; not a test. server/web/README.md has figures.

    HONED=… HONE=… HONE_BROWSER_DIR=… tests/browser/run bench_charts.py
"""

import datetime
import os
import platform
import sys

from budget import COORDINATES, HISTORY, feed
from elements import ElementTest

ROUNDS = 5


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{os.cpu_count()} × {names[0] if names else platform.machine()}, load {os.getloadavg()[0]:.1f}"


def line(name, found):
    best = min(found, key=lambda f: f["paint"])
    redraws = sorted(t for f in found for t in f["redraws"])
    parts = [f"first paint {best['paint']:.0f} ms", f"whole {best['whole']:.0f} ms",
             f"longest task {min(max(f['tasks'], default=0) for f in found):.0f} ms",
             f"{best['first']['drawn']:,} things in {best['first']['slices']} slices"]
    if redraws:
        parts.append(f"brush redraw {redraws[len(redraws) // 2]:.0f} ms, at most {redraws[-1]:.0f}")
    print(f"{name}: " + ", ".join(parts), flush=True)


class Bench(ElementTest):
    def runTest(self):
        rows = int(os.environ.get("HONE_BENCH_ROWS") or 100_000)
        print(f"{datetime.date.today()}, {machine()}, Chromium {self.browser.version}, {rows:,} trials of 8 columns,"
              f" the best of {ROUNDS}", flush=True)
        for name, tag, shape, brushes in (("parallel coordinates", "hone-parcoords", COORDINATES, 6), ("history", "hone-chart", HISTORY, 0)):
            line(name, [feed(self.page, tag, rows, shape, brushes) for _ in range(ROUNDS)])


if __name__ == "__main__":
    Bench.setUpClass()
    try:
        bench = Bench()
        bench.setUp()
        bench.runTest()
    finally:
        Bench.doClassCleanups()
    sys.exit(0)
