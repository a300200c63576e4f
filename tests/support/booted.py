"""Boots a root directory with the machine's own systemd, in namespaces and a control group of its own.

The calling script has entered tests/support/private.py's. What boots has no network but its loopback.
"""

import os
import pathlib
import shutil
import subprocess
import uuid

import private
from cases import NotRun

SECONDS = 100  # a bound against hanging
CANNOT_MOUNT = 99
# With a group of its own, which is gone afterwards.
ENTER = """
umount -R /sys/fs/cgroup 2>/dev/null
mount -t cgroup2 none /sys/fs/cgroup || exit 99
group=/sys/fs/cgroup/$1
shift
mkdir "$group" && (echo 0 >"$group/cgroup.procs" && exec "$@")
status=$?
find "$group" -depth -type d -exec rmdir {} +
exit $status
"""
# Ends the system when its script ends, and when that takes too long.
PROBE_UNIT = """[Unit]
After=basic.target dbus.socket
Wants=dbus.socket
FailureAction=poweroff-force
SuccessAction=poweroff-force
[Service]
Type=exec
RuntimeMaxSec=90
ExecStart=/etc/probe
StandardOutput=journal
"""
# Before each script: what it prints is kept, and `fact NAME VALUE` is what the test is told.
PREFACE = """#!/bin/bash
exec >/results/probe 2>&1
set -x
fact() { echo "$1=$2" >>/results/facts; }
show() { systemctl show -P "$2" "$1"; }
"""


def run(*command, **more):
    """With nothing to read, and both outputs in one; raises TimeoutExpired after SECONDS."""
    return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          timeout=SECONDS, errors="replace", **more)


def need(*programs):
    for name in programs:
        if shutil.which(name) is None:
            raise NotRun(f"{name} is not installed")


def need_to_boot():
    """Raises NotRun where nothing can be booted."""
    need("systemd-nspawn", "dbus-daemon")
    if os.getuid() != 0:
        raise NotRun("systemd-nspawn needs root")
    if private.why_no_other_root():
        raise NotRun(private.why_no_other_root())


def boot(root, *options):
    """Runs `root` until it powers off; options: further ones of systemd-nspawn."""
    group = f"hone-test-{uuid.uuid4()}"
    try:
        return run("unshare", "-m", "-p", "-f", "--kill-child", "--mount-proc", "sh", "-c", ENTER, "sh",
                   group, "systemd-nspawn", "-q", "--register=no", "--keep-unit", "-D", root, *options,
                   "--private-network", "--boot", "--", "--unit=probe.service")
    finally:
        # systemd-nspawn repeats the group in systemd's hierarchy, where there is one
        for folder in pathlib.Path("/sys/fs/cgroup").glob(f"*/{group}"):
            run("find", folder, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+")


def probe(root, script, *options):
    """Boots `root` to run `script`, of bash, after PREFACE and with nothing that it does not start.

    Returns the facts that it told, and the text of whatever it left in /results for whoever looks for
    a fault. NotRun where control groups cannot be mounted.
    """
    results = root / "results"
    results.mkdir(mode=0o777)
    results.chmod(0o777)
    (root / "etc/probe").write_text(PREFACE + script)
    (root / "etc/probe").chmod(0o755)
    (root / "etc/systemd/system/probe.service").write_text(PROBE_UNIT)
    try:
        booted = boot(root, *options)
    except subprocess.TimeoutExpired as late:
        raise AssertionError(f"it did not end: {late.stdout}\n{logs_of(results)}") from late
    if booted.returncode == CANNOT_MOUNT:
        raise NotRun("control groups cannot be mounted here")
    if not (results / "facts").exists():
        raise AssertionError(f"it did not boot: {booted.stdout[-5000:]}\n{logs_of(results)}")
    facts = dict(line.split("=", 1) for line in (results / "facts").read_text().splitlines())
    return facts, logs_of(results)


def logs_of(results):
    return "".join(f"== {log.name}\n{log.read_text(errors='replace')[-6000:]}\n"
                   for log in sorted(results.glob("*")))
