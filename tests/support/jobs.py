"""Jobs of a worker as its tests write and watch them."""

import os
import pathlib

from cases import wait_until

HONE = os.environ["HONE"]
SECONDS = 60


def is_alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pids_in(path, n):
    """The pids a job wrote into a file, once all are there."""
    def read():
        return path.read_text().split() if path.exists() else []
    wait_until(lambda: len(read()) >= n, f"{n} pids in {path}")
    return [int(pid) for pid in read()]


def left_behind(tmp):
    return sorted(str(path.relative_to(tmp / "work")).split("/", 3)[-1]
                  for path in (tmp / "work").rglob("*")
                  if path.is_file() and "workers" not in path.parts)
