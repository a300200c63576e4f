#!/usr/bin/env python3
"""The units of deploy/systemd, checked, and booted by the machine's own systemd in a container."""

import json
import os
import pathlib
import re
import shutil
import socket
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import private  # noqa: E402
private.enter()
from booted import SECONDS, need, need_to_boot, probe, run  # noqa: E402
from cases import expect, main  # noqa: E402
from hone import Server  # noqa: E402

UNITS = ROOT / "deploy/systemd"
EXPOSURE = {"honed.service": 1.5, "hone-worker@.service": 5.0}  # of 10, as systemd-analyze counts


def test_the_units_are_understood_and_hardened(tmp):
    need("systemd-analyze")
    for name, threshold in EXPOSURE.items():
        # systemd-analyze wants the programs to be there
        text = (UNITS / name).read_text().replace("/usr/local/bin/honed", "/bin/true").replace(
            "/etc/hone/workers/%i", "/bin/true")
        unit = tmp / name.replace("@.", "@x.")
        unit.write_text(text)
        verified = run("systemd-analyze", "verify", "--man=no", unit)
        expect((verified.returncode, verified.stdout), (0, ""), name)
        judged = run("systemd-analyze", "security", "--no-pager", "--offline=true",
                     f"--threshold={threshold * 10:.0f}", unit)
        expect(judged.returncode, 0, judged.stdout)


def test_the_server_may_write_where_its_backups_are_documented(tmp):
    del tmp
    documented = set(re.findall(r"^# backup-directory = (\S+)$", (UNITS / "honed.conf").read_text(), re.M))
    drill = re.search(r"<!-- drill -->.*?```sh\n(.*?)```", (ROOT / "deploy/OPERATIONS.md").read_text(), re.S).group(1)
    expect({match + "/hone" for match in re.findall(r"(\S+)/hone/drill\.db", drill)}, documented)
    expect(re.findall(r"^ReadWritePaths=-(\S+)$", (UNITS / "honed.service").read_text(), re.M), list(documented))


def test_a_key_that_systemd_does_not_know_is_found(tmp):
    """That the check above can fail."""
    need("systemd-analyze")
    unit = tmp / "x.service"
    unit.write_text("[Service]\nExecStart=/bin/true\nProtectHme=yes\n")
    verified = run("systemd-analyze", "verify", "--man=no", unit)
    assert "ProtectHme" in verified.stdout, verified.stdout


def test_honed_tells_its_manager_when_it_serves_and_when_it_leaves(tmp):
    for address in [str(tmp / "socket"), f"\0hone-test-{os.getpid()}"]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(address)
            manager.settimeout(SECONDS)
            with Server(env={"NOTIFY_SOCKET": address.replace("\0", "@")}) as server:
                expect(manager.recv(100), b"READY=1")
                with server.client() as client:
                    expect(client.get("/readyz").status, 200)
                expect(server.stop(), 0)
                expect(manager.recv(100), b"STOPPING=1")


def test_a_socket_that_nobody_has_is_no_fault(tmp):
    for address in [str(tmp / "nobody"), "@hone-test-nobody", "nonsense", "/" + "x" * 200]:
        with Server(env={"NOTIFY_SOCKET": address}) as server:
            expect(server.stop(), 0)


# Runs in the container as a unit of its own, with everything that a machine has at that point.
PROBE = r"""
hone() { HONE_URL=http://127.0.0.1:4663 HONE_TOKEN_FILE=/var/lib/hone/admin.token /usr/local/bin/hone "$@"; }

systemctl start honed.service && fact honed "$(show honed.service ActiveState)"
fact user "$(stat -c %U:%a /proc/$(show honed.service MainPID))"
fact data "$(stat -Lc %a /var/lib/hone)"
fact token "$(stat -Lc %a /var/lib/hone/worker.token)"
fact seccomp "$(sed -n 's/^Seccomp:\s*//p' /proc/$(show honed.service MainPID)/status)"
fact capabilities "$(sed -n 's/^CapEff:\s*//p' /proc/$(show honed.service MainPID)/status)"

cp /var/lib/hone/worker.token /etc/hone/worker.token
hone study create s --minimize loss -P x=float:0..1 --strategy random --trials 8
systemctl start hone-worker@train.service && fact worker "$(show hone-worker@train.service ActiveState)"
fact worker_user "$(stat -c %U /proc/$(show hone-worker@train.service MainPID))"
until [ "$(hone study show s -o json | sed -n 's/.*"completed": *\([0-9]*\).*/\1/p')" -ge 2 ]; do sleep 0.05; done

# a job that sleeps when its worker is told to stop: the trial is handed back, nothing is left
until pgrep -xf 'sleep 999' >/dev/null; do sleep 0.05; done
touch /results/go
group=$(show hone-worker@train.service ControlGroup)
systemctl stop hone-worker@train.service
fact stopped "$(show hone-worker@train.service Result)"
pgrep -xf 'sleep 999' >/dev/null && fact left yes || fact left no
hone study trials s -o json >/results/trials.json
fact running "$(hone study show s -o json | sed -n 's/.*"running": *\([0-9]*\).*/\1/p')"

# killed, it is started again, and has lost nothing
kill -9 "$(show honed.service MainPID)"
until [ "$(show honed.service NRestarts)" = 1 ] && systemctl is-active -q honed.service; do sleep 0.05; done
fact again "$(hone study list -o name)"
systemctl start hone-worker@train.service
until hone study show s -o json | grep -q '"state": *"finished"'; do sleep 0.05; done
until [ "$(show hone-worker@train.service ActiveState)" = inactive ]; do sleep 0.05; done
fact ended "$(show hone-worker@train.service Result)"

# with --keep-jobs and KillMode=process, the job of a worker that is killed goes on with the next one
hone study create k --minimize loss -P x=float:0..1 --strategy random --trials 1
mkdir -p /run/systemd/system/hone-worker@keep.service.d
printf '[Service]\nKillMode=process\nRestartSec=100ms\n' >/run/systemd/system/hone-worker@keep.service.d/keep.conf
systemctl daemon-reload
systemctl start hone-worker@keep.service
until pgrep -xf 'sleep 998' >/results/job; do sleep 0.05; done
kill -9 "$(show hone-worker@keep.service MainPID)"
until [ "$(show hone-worker@keep.service NRestarts)" = 1 ] && systemctl is-active -q hone-worker@keep.service; do sleep 0.05; done
pgrep -xf 'sleep 998' | cmp - /results/job && fact kept yes || fact kept no
pkill -xf 'sleep 998'
until hone study show k -o json | grep -q '"state": *"finished"'; do sleep 0.05; done
until [ "$(show hone-worker@keep.service ActiveState)" = inactive ]; do sleep 0.05; done
fact kept_ended "$(hone study trials k -o json | sed -n 's/.*"state": *"\([a-z]*\)".*/\1/p')"

# a backup, within the sandbox, to where the settings file has it
install -d -m 700 -o hone /var/backups/hone
sed -i 's/^# backup-directory/backup-directory/' /etc/hone/honed.conf
systemctl restart honed.service
fact backup "$(hone backup create one)"
fact backups "$(ls /var/backups/hone | tr '\n' ' ')"
systemctl stop honed.service
fact honed_stopped "$(show honed.service Result)"
journalctl -u honed -u hone-worker@train --no-pager >/results/journal
systemctl --no-pager --failed >/results/failed
"""
# The third trial sleeps until its worker is stopped; those after the stop do not.
WORKER = """#!/bin/sh
export HONE_URL=http://127.0.0.1:4663
exec /usr/local/bin/hone worker --study s --exit-when-finished -- sh -c '
    [ {trial} -ne 3 ] || [ -e /results/go ] || sleep 999
    echo hone: loss={x}'
"""
KEEPING_WORKER = """#!/bin/sh
export HONE_URL=http://127.0.0.1:4663
exec /usr/local/bin/hone worker --study k --exit-when-finished --keep-jobs -- sh -c '
    sleep 998
    echo hone: loss={x}'
"""


def make_root(root):
    """The machine's own /usr, and an /etc of its own."""
    for name in ["usr", "etc/systemd/system", "etc/hone/workers", "proc", "sys", "dev", "run", "tmp",
                 "var/tmp", "var/log/journal", "var/backups", "root"]:
        (root / name).mkdir(parents=True)
    for name in ["bin", "sbin", "lib", "lib64"]:
        if pathlib.Path("/", name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")
    etc = root / "etc"
    (etc / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n"
                                "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n")
    (etc / "group").write_text("root:x:0:\nnogroup:x:65534:\n")
    (etc / "shadow").write_text("root:*:19000::::::\n")
    (etc / "os-release").write_text("ID=test\n")
    (etc / "machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    (etc / "nsswitch.conf").write_text("passwd: files systemd\ngroup: files systemd\nhosts: files\n")
    (etc / "hosts").write_text("127.0.0.1 localhost\n")
    for name in ["ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives"]:
        path = pathlib.Path("/etc", name)
        if path.is_dir():
            shutil.copytree(path, etc / name, symlinks=True)
        elif path.exists():
            shutil.copy(path, etc / name)
    run("systemd-sysusers", f"--root={root}", "/usr/lib/sysusers.d/dbus.conf",
        "/usr/lib/sysusers.d/systemd-journal.conf", UNITS / "hone.sysusers")
    (etc / "hone/worker.token").touch(0o600)
    for name in ["honed.service", "hone-worker@.service"]:
        shutil.copy(UNITS / name, etc / "systemd/system")
    shutil.copy(UNITS / "honed.conf", etc / "hone/honed.conf")
    for path, text in [("hone/workers/train", WORKER), ("hone/workers/keep", KEEPING_WORKER)]:
        (etc / path).write_text(text)
        (etc / path).chmod(0o755)
    # a sanitized build cannot look for leaks behind this unit's filter of system calls
    (etc / "systemd/system/honed.service.d").mkdir()
    (etc / "systemd/system/honed.service.d/test.conf").write_text(
        "[Service]\nEnvironment=ASAN_OPTIONS=detect_leaks=0\n")


def test_both_units_serve_in_a_booted_system(tmp):
    need("systemd-sysusers")
    need_to_boot()
    root = tmp / "root"
    tmp.chmod(0o711)
    make_root(root)
    binaries = [f"--bind-ro={os.environ[name]}:/usr/local/bin/{program}"
                for name, program in [("HONED", "honed"), ("HONE", "hone")]]
    facts, logs = probe(root, PROBE, "--bind-ro=/usr", "--tmpfs=/usr/local", *binaries)
    expect(facts, {
        "honed": "active", "user": "hone:555", "data": "700", "token": "600", "seccomp": "2",
        "capabilities": "0000000000000000",
        "worker": "active", "worker_user": "hone-worker", "stopped": "success", "left": "no",
        "running": "0", "again": "s", "ended": "success", "kept": "yes", "kept_ended": "completed",
        "backup": "one", "backups": "hone-backups one.db one.db.json ", "honed_stopped": "success"}, logs)
    trials = json.loads((root / "results/trials.json").read_text())
    expect([t["state"] for t in trials if t["number"] == 3], ["queued"], "handed back")


if __name__ == "__main__":
    main(globals())
