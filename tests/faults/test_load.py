#!/usr/bin/env python3
"""A worker on a host that is busy with everything else, while its job prints without end: it goes on saying
that it lives.

HONE_TEST_LOAD_SECONDS=60 HONE_TEST_LOAD_HOGS=8 make it heavy."""

import contextlib
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main, script  # noqa: E402
from lease_server import LeaseServer  # noqa: E402

RUN_SECONDS = float(os.environ.get("HONE_TEST_LOAD_SECONDS", "8"))
HOGS = int(os.environ.get("HONE_TEST_LOAD_HOGS", "4"))
EVERY_SECONDS, TTL_SECONDS = 1, 8  # asked for, and granted

# Prints as fast as it is read, and at the end how much that was.
PRINTING = f"""
import os, sys, time
block, n = b"x" * 99 + b"\\n", 0
end = time.monotonic() + {RUN_SECONDS}
while time.monotonic() < end:
    n += os.write(1, block * 600)
os.write(1, b"\\nhone: accuracy=1\\n")
open(sys.argv[1], "w").write(str(n))
"""


@contextlib.contextmanager
def hogs():
    running = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(HOGS)]
    try:
        yield
    finally:
        for hog in running:
            hog.kill()
            hog.wait()


class TimedServer(LeaseServer):
    """Notes when each lease was renewed."""

    def __enter__(self):
        self.renewed = {}
        return super().__enter__()

    def note(self, path):
        self.renewed.setdefault(self.lease_of(path)["trial"]["number"], []).append(time.monotonic())

    def ask(self, path, body):
        status, answer, headers = super().ask(path, body)
        if status == 201:
            self.renewed.setdefault(answer["trial"]["number"], []).append(time.monotonic())
        return status, answer, headers

    def beat(self, path, body):
        self.note(path)
        return super().beat(path, body)

    def measure(self, path, body):
        self.note(path)
        return super().measure(path, body)

    def result(self, path, body):
        self.note(path)
        return super().result(path, body)


def test_a_busy_host_misses_no_renewal(tmp):
    job = tmp / "job.py"
    job.write_text(PRINTING)
    with TimedServer() as server, hogs():
        for slot in range(2):
            server.grants(lease={"id": f"l_{slot + 1}", "ttl_seconds": TTL_SECONDS,
                                 "heartbeat_seconds": EVERY_SECONDS})
        said = server.work(tmp, script(tmp, f'exec {sys.executable} {job} {tmp}/printed-$1\n'), "{trial}",
                           options=["--slots", "2"])
        expect(sorted(number for number, _ in server.results), [1, 2], said)
        expect({body["outcome"] for _, body in server.results}, {"completed"}, said)
    for number, moments in server.renewed.items():
        gaps = [after - before for before, after in zip(moments, moments[1:])]
        mib = int((tmp / f"printed-{number}").read_text()) / (1 << 20)
        print(f"job {number}: {mib / RUN_SECONDS:.0f} MiB/s printed beside {HOGS} hogs, {len(moments)} renewals, "
              f"at most {max(gaps):.2f} s apart")
        assert len(moments) >= RUN_SECONDS / TTL_SECONDS, moments
        assert max(gaps) < TTL_SECONDS, gaps


if __name__ == "__main__":
    main(globals())
