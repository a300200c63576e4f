#!/usr/bin/env python3
"""Somebody sets the clock of the machine while a worker runs: it counts on one that nobody sets."""

import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main  # noqa: E402
from hone import Server, build_path, study, wait_until  # noqa: E402
from lease_server import LeaseServer  # noqa: E402

SECONDS = 60
DAY = 86400


def shifted(path):
    """The environment in which the wall clock is set by what the file says."""
    asan = os.environ.get("ASAN_OPTIONS", "")
    return {"LD_PRELOAD": build_path("HONE_WALL_CLOCK"), "HONE_TEST_WALL_FILE": str(path),
            "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0".lstrip(":")}


def wall_clock(path):
    """As the job has seen it last; 0 before."""
    return int(path.read_text()) if path.exists() else 0


def test_a_clock_that_jumps_costs_no_lease(tmp):
    """Days ahead and days back, with a job that beats, a slot that waits, limits that run."""
    shift = tmp / "shift"
    shift.write_text("0")
    job = tmp / "job.sh"
    job.write_text(f"""#!/bin/sh
export HONE_TEST_WALL_FILE={shift}
echo hone: accuracy=1
while [ ! -e {tmp}/go ]; do date +%s >{tmp}/now.new; mv {tmp}/now.new {tmp}/now; sleep 0.05; done
""")
    job.chmod(0o755)
    with LeaseServer() as server:
        server.nothing = "waiting"
        server.grants(heartbeat=1, limits={"trial_seconds": 3600, "stall_seconds": 3600})
        worker = server.start(tmp, str(job), **shifted(shift),
                              options=["--slots", "2", "--deadline", "5h", "--max-uptime", "5h",
                                       "--exit-when-idle", "5h"])
        server.wait_for(lambda: server.measured)
        for days in (1, -2, 400, 0):
            shift.write_text(str(days * DAY))
            wait_until(lambda: abs(wall_clock(tmp / "now") - time.time() - days * DAY) < 900,
                       SECONDS, f"the jump by {days} days")
            beats, asks = len(server.beats), len(server.asks)
            server.wait_for(lambda: len(server.beats) >= beats + 2 and len(server.asks) > asks + 1)
        server.nothing = "finished"
        (tmp / "go").touch()
        said, _ = worker.communicate(timeout=SECONDS)
        expect((worker.returncode, server.released), (0, []), said)
        expect([(number, body["outcome"]) for number, body in server.results],
               [(1, "completed")], said)
        left = [ask["seconds_left"] for ask in server.asks]
        expect(left, sorted(left, reverse=True), "the time left shrinks")
        assert left[0] - left[-1] < SECONDS, left


main(globals())
