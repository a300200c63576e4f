"""What is left of jobs, however they hide: shapes of jobs × kill boundaries × ways to end.

One worker for each boundary and end, with one slot for each shape, all at once. What is left is
counted by a variable of the environment (of the worker, its shims and its jobs), and where a job has
cleared that, by the cgroup or the namespace of processes it was started in.
"""

import os
import pathlib
import signal
import subprocess
import time
import uuid

from lease_server import LeaseServer

LEAKY = os.environ["LEAKY"]
SHAPES = subprocess.run([LEAKY, "list"], capture_output=True, text=True, check=True).stdout.split()
BOUNDARIES = ("cgroup", "namespace", "walk")
ENDS = ("stop", "exit", "worker killed", "shims killed")
SECONDS = 60
NAME = "LEAK_TEST"


def marked(value):
    """The processes whose environment has the mark: {pid: command}."""
    found = {}
    wanted = f"{NAME}={value}".encode()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                with open(f"/proc/{entry.name}/environ", "rb") as file:
                    if wanted in file.read().split(b"\0"):
                        found[int(entry.name)] = pathlib.Path(f"/proc/{entry.name}/comm").read_text()
            except OSError:
                pass
    return found


def children(pid):
    try:
        return [int(one) for one in
                pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def descendants(pid):
    below = children(pid)
    return below + [one for child in below for one in descendants(child)]


def started(pid):
    """When it was, so that a number that is given again is not taken for it."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


def is_there(pid, since):
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[0] not in "ZX" and fields[19] == since


class Row:
    """All shapes within one boundary, ended in one way."""

    def __init__(self, tmp, boundary, end, shapes):
        self.tmp, self.boundary, self.end, self.shapes = tmp, boundary, end, shapes
        self.mark = uuid.uuid4().hex
        self.ready = tmp / "ready"
        self.known = {}

    def __enter__(self):
        self.server = LeaseServer().__enter__()
        for shape in self.shapes:
            self.server.grants({"shape": shape})
        how = str(self.tmp / "go") if self.end == "exit" else "stay"
        self.worker = self.server.start(
            self.tmp, LEAKY, "{shape}", how, str(self.ready),
            options=["--isolate", self.boundary, "--slots", str(len(self.shapes))],
            **{NAME: self.mark})
        return self

    def __exit__(self, *_):
        self.server.__exit__()  # a worker that still runs is killed, and its shims end their jobs
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and self.left():
            time.sleep(0.005)

    def is_ready(self):
        if self.worker.poll() is not None:
            raise AssertionError(f"{self.boundary}: the worker has ended: {self.worker.stdout.read()}")
        return self.ready.exists() and len(self.ready.read_text().split()) == len(self.shapes)

    def look(self):
        self.known.update({pid: started(pid) for pid in descendants(self.worker.pid)})

    def strike(self):
        self.look()
        if self.end == "exit":
            (self.tmp / "go").touch()
        elif self.end == "stop":
            self.worker.terminate()
            self.worker.send_signal(signal.SIGQUIT)
        elif self.end == "worker killed":
            self.worker.kill()
        elif self.end == "shims killed":
            for pid in children(self.worker.pid):
                os.kill(pid, signal.SIGKILL)

    def seen(self):
        return {pid: "seen before" for pid, since in self.known.items() if is_there(pid, since)}

    def left(self):
        """Processes: those with the mark, and those that were seen before the end."""
        return {**self.seen(), **marked(self.mark)}

    def is_over(self):
        """A worker that lives must have ended them before it ends; else they end by themselves."""
        if self.end == "worker killed":
            return not self.seen() and not self.left()  # the second looks at all processes
        return self.worker.poll() is not None


def wait_for(rows, fact, what):
    deadline = time.monotonic() + SECONDS
    waiting = list(rows)
    while waiting and time.monotonic() < deadline:
        waiting = [row for row in waiting if not fact(row)]
        time.sleep(0.005)
    return [f"{row.boundary}, {row.end}: never {what}" for row in waiting]


def run(tmp, boundaries, ends=ENDS, shapes=SHAPES):
    """Rows of (boundary, end, number of processes there were, what is left)."""
    rows = []
    try:
        for boundary in boundaries:
            for end in ends:
                folder = tmp / f"{boundary}-{end.replace(' ', '-')}"
                folder.mkdir()
                rows.append(Row(folder, boundary, end, shapes).__enter__())
        late = wait_for(rows, Row.is_ready, "ready")
        if late:
            raise AssertionError("; ".join(late))
        for row in rows:
            row.strike()
        wait_for(rows, Row.is_over, "over")
        return [(row.boundary, row.end, len(row.known), row.left()) for row in rows]
    finally:
        for row in rows:
            row.__exit__()
