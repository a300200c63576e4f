#!/usr/bin/env python3
"""What a job is born with, what holds it, and what the worker makes of its end."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main, NotRun, script  # noqa: E402
from lease_server import LeaseServer, only_result, STUDY  # noqa: E402

HONE = os.environ["HONE"]
SECONDS = 60


# ---- what a job is born with ----

BORN = """
import json, os, sys
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
os.umask(umask := os.umask(0))
fds = {}
for fd in os.listdir("/proc/self/fd"):
    try:
        fds[int(fd)] = os.readlink(f"/proc/self/fd/{fd}").split(":")[0]
    except OSError:
        pass
found = {"blocked": int(status["SigBlk"], 16), "ignored": int(status["SigIgn"], 16),
         "leads": os.getsid(0) == os.getpgid(0) == os.getpid(), "umask": umask, "fds": fds,
         "no_new_privs": status["NoNewPrivs"], "shim": open(f"/proc/{os.getppid()}/comm").read(),
         "oom": open("/proc/self/oom_score_adj").read().strip()}
json.dump(found, open(sys.argv[1], "w"))
print("hone: accuracy=1")
"""


def start_badly():
    """As a worker may be started: with signals ignored and blocked, descriptors open."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGALRM])
    os.umask(0o027)
    for fd in (7, 40):
        os.dup2(os.open("/etc/passwd", os.O_RDONLY), fd)
        os.set_inheritable(fd, True)


def test_a_job_is_born_clean(tmp):
    job = tmp / "born.py"
    job.write_text(BORN)
    with LeaseServer() as server:
        server.grants()
        done = subprocess.run(
            [HONE, "worker", "--study", STUDY, "--exit-when-finished", "--workdir", str(tmp / "work"),
             "--isolate", "walk", "--", sys.executable, "-I", str(job), str(tmp / "born")],
            env=server.environment(tmp), preexec_fn=start_badly, close_fds=False, check=False,
            stdin=subprocess.PIPE, capture_output=True, text=True, timeout=SECONDS)
        expect(only_result(server)["outcome"], "completed", done.stderr)
    born = json.loads((tmp / "born").read_text())
    PIPE = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)  # of the interpreter itself
    expect(born["ignored"] & ~PIPE, 0, "ignored signals")
    expect({key: born[key] for key in ("blocked", "leads", "umask", "no_new_privs", "shim", "oom")},
           {"blocked": 0, "leads": True, "umask": 0o027, "no_new_privs": "0",
            "shim": "hone-shim\n", "oom": "500"})
    expect({fd: where for fd, where in born["fds"].items() if where != "/proc/self/fd"
            and not where.startswith("/proc/")},
           {"0": "/dev/null", "1": "pipe", "2": "pipe", "3": "pipe"})


# ---- what the worker makes of its end ----

def refused_program(tmp, text):
    job = tmp / "job"
    job.write_text(text)
    job.chmod(0o755)
    with LeaseServer() as server:
        server.grants()
        said = server.work(tmp, str(job), status=1)
        expect((server.released, server.results), ([1], []), said)
    return said


def test_a_program_that_cannot_start_says_what_it_lacks(tmp):
    assert "interpreter /no/such/python that" in refused_program(tmp, "#!/no/such/python\n")
    assert "no program of this machine" in refused_program(tmp, "echo no first line\n")


class MemoryGroup:
    """A cgroup of version 1 that is too small for what joins it."""

    def __init__(self, name, limit="16M"):
        self.path = pathlib.Path("/sys/fs/cgroup/memory") / name
        self.limit = limit

    def __enter__(self):
        try:
            self.path.mkdir()
            (self.path / "memory.limit_in_bytes").write_text(self.limit)
        except OSError as reason:
            raise NotRun(f"no memory cgroup of version 1: {reason}") from reason
        return self.path / "cgroup.procs"

    def __exit__(self, *_):
        self.path.rmdir()


def test_the_kernels_log_tells_which_job_was_killed_for_memory(tmp):
    if os.geteuid() != 0:
        raise NotRun("only root reads the kernel's log here")
    with MemoryGroup(f"hone-test-{os.getpid()}") as procs, LeaseServer() as server:
        server.grants()
        server.work(tmp, script(tmp, f"echo hone: accuracy=1\necho $$ >{procs}\nexec tail /dev/zero\n"))
        result = only_result(server)
    expect((result["outcome"], result["reason"]), ("failed", "oom"), result)
    assert re.search(r"out of memory: Killed process \d+ \(tail\)", result["detail"]), result


def test_a_child_killed_for_memory_counts_as_the_jobs_end(tmp):
    with MemoryGroup(f"hone-test-{os.getpid()}") as procs, LeaseServer() as server:
        server.grants()
        server.work(tmp, script(tmp, f"sh -c 'echo $$ >{procs}; exec tail /dev/zero'\n"))
        result = only_result(server)
    expect((result["outcome"], result["reason"]), ("failed", "oom"), result)


class NoControllers(Exception):
    """Where cgroups of version 1 have the controllers, or none do."""


class OwnGroup:
    """A cgroup of version 2 with the controllers, for a worker alone. NoControllers: none can be had."""

    def __init__(self, tmp):
        self.script = pathlib.Path(tmp) / "hone"

    def __enter__(self):
        mounts = [line.split() for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
        root = next((pathlib.Path(one[1]) for one in mounts if one[2] == "cgroup2"), None)
        if root is None:
            raise NoControllers("no cgroups of version 2")
        self.path = root / f"hone-test-{os.getpid()}"
        try:
            (root / "cgroup.subtree_control").write_text("+memory +pids")
            self.path.mkdir()
        except OSError as reason:
            raise NoControllers(f"in {root}: {reason}") from reason
        self.script.write_text(f"#!/bin/sh\necho $$ >{self.path}/cgroup.procs\n"
                               f"exec {HONE} \"$@\"\n")
        self.script.chmod(0o755)
        os.environ["HONE"] = str(self.script)

    def __exit__(self, *_):
        os.environ["HONE"] = HONE
        for below in self.path.glob("hone-*"):
            below.rmdir()
        self.path.rmdir()


def limited(tmp, text, option, value):
    """How a job ends that has a limit; None: the limit cannot hold here, and is refused."""
    try:
        with OwnGroup(tmp), LeaseServer() as server:
            server.grants()
            server.work(tmp, script(tmp, text), options=["--isolate", "cgroup", option, value])
            return only_result(server)
    except NoControllers as reason:
        print(f"  {option}: no controllers {reason}", flush=True)
        said = refused("--isolate", "cgroup", option, value)
        assert option in said and "leave the limit out" in said or "no cgroup" in said, said
        return None


def test_a_memory_limit_ends_a_job_as_oom_or_is_refused(tmp):
    result = limited(tmp, "tail /dev/zero || exit 9\n", "--memory-limit", "16M")
    if result is not None:
        expect((result["outcome"], result["reason"]), ("failed", "oom"), result)


def test_a_limit_of_processes_holds_or_is_refused(tmp):
    text = """
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1000 & done
echo hone: accuracy=1
"""
    result = limited(tmp, text, "--processes", "6")
    if result is not None:
        expect(result["outcome"], "failed", result)
        assert "fork" in result["detail"].lower(), result


# ---- what is said ----

def test_the_boundary_in_use_is_logged(tmp):
    for how in ("walk", "auto"):
        with LeaseServer() as server:
            said = server.work(tmp, "true", options=["--isolate", how])
        assert re.search(r"kill boundary: (walk|cgroup) \(", said), said


def refused(*options):
    done = subprocess.run([HONE, "worker", *options, "--try", "--", "true"], check=False, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS)
    assert done.returncode != 0, done
    return done.stderr


def test_what_cannot_hold_is_refused(_):
    assert "auto, cgroup, namespace or walk" in refused("--isolate", "chroot")
    assert "--isolate cgroup" in refused("--isolate", "walk", "--memory-limit", "1G")
    for size in ("0", "-1G", "1X", "1023", "9999999T", "", "G"):
        assert "size of at least 1M" in refused("--memory-limit", size), size
    for number in ("0", "-1", "x", "99999999"):
        assert "whole number" in refused("--processes", number), number


main(globals())
