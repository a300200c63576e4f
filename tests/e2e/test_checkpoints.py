#!/usr/bin/env python3
"""A trial that was promoted or preempted goes on elsewhere, to the digit, by a shared folder or by
the server; and what a hostile server sends instead of a checkpoint comes to nothing."""

import contextlib
import hashlib
import io
import os
import pathlib
import subprocess
import sys
import tarfile
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import NotRun, expect, main  # noqa: E402
from cutting_proxy import CuttingProxy  # noqa: E402
from hone import Server, study, wait_until  # noqa: E402
from lease_server import LeaseServer  # noqa: E402

HONE, DIGITS = os.environ["HONE"], os.environ["DIGITS"]
SECONDS = 120

# Trains x step by step from what it finds: every digit depends on all steps before. At the step in
# `stop` it waits to be preempted, once.
JOB = """#!{python}
import json, os, pathlib, signal, sys, time
folder = pathlib.Path(os.environ["HONE_CHECKPOINT_DIR"])
state = folder / "model" / "state.json"
begin, end = int(os.environ["HONE_RESOURCE_FROM"]), int(os.environ["HONE_RESOURCE_TO"])
x = float(os.environ["HONE_PARAM_X"])
if begin:
    saved = json.loads(state.read_text())
    assert saved["step"] == begin == len(list((folder / "history").iterdir())), (saved, begin)
    assert (folder / "latest").resolve() == state.resolve(), os.readlink(folder / "latest")
    x = saved["x"]
def save(step):
    (folder / "model").mkdir(exist_ok=True)
    (folder / "history").mkdir(exist_ok=True)
    (folder / "history" / f"schritt-ä{{step}}").write_bytes(bytes([step]) * 50000)
    state.write_text(json.dumps({{"step": step, "x": x}}))
    if not (folder / "latest").is_symlink():
        os.symlink("model/state.json", folder / "latest")
for step in range(begin + 1, end + 1):
    x = 3.9 * x * (1 - x)
    save(step)
    print(f"hone: step={{step}} loss={{x!r}}", flush=True)
    if step == {stop} and not os.path.exists("{tmp}/preempted"):
        open("{tmp}/preempted", "w").close()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
        while True:
            time.sleep(0.01)
"""


def job(tmp, stop=0):
    path = tmp / "job"
    path.write_text(JOB.format(python=sys.executable, tmp=tmp, stop=stop))
    path.chmod(0o755)
    return str(path)


def straight(x, steps):
    for _ in range(steps):
        x = 3.9 * x * (1 - x)
    return x


RESOURCE = {"strategy": "random", "resource": {"name": "epochs", "min": 1, "max": 9}}
RUNGS = {"strategy": {"name": "successive_halving", "eta": 3},
         "resource": {"name": "epochs", "min": 1, "max": 9}}


class Site:
    def __init__(self, tmp, args=(), **definition):
        self.tmp, self.server, self.workers = tmp, Server(args=args), []
        self.definition = definition

    def __enter__(self):
        self.server.start()
        self.client = self.server.client()
        expect(self.client.post("/v1/studies", study("s", **self.definition)).status, 201)
        return self

    def __exit__(self, *_):
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
            worker.communicate()
        self.client.close()
        self.server.__exit__()

    def start(self, name, command, *options, url=None, home=None):
        """A worker with a work directory of its own, as on another host."""
        kept = {k: v for k, v in os.environ.items()
                if not k.startswith("HONE_") or k == "HONE_ALLOW_ROOT"}
        worker = subprocess.Popen(
            [HONE, "worker", "--server", url or self.server.url, "--study", "s", "--name", name,
             "--exit-when-finished", "--workdir", str(self.tmp / (home or name)), *options, "--",
             *command],
            env={**kept, "HONE_TOKEN_FILE": f"{self.server.data}/worker.token",
                 "LC_ALL": {"a": "C.UTF-8", "b": "C"}[name]},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.workers.append(worker)
        return worker

    def ends(self, worker, status=0):
        said, _ = worker.communicate(timeout=SECONDS)
        expect(worker.returncode, status, said)
        return said

    def trials(self):
        return list(self.client.walk("/v1/studies/s/trials"))

    def attempts(self, trial):
        return self.client.get(f"/v1/studies/s/trials/{trial}/attempts").json["items"]

    def files(self):
        folder = pathlib.Path(self.server.data) / "files"
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    def contents(self):
        return [name for name in self.files() if len(name.split("/")[0]) == 2]


def preempt(site, tmp, *options, url=None, homes=("a", "b")):
    """Worker a is preempted in the middle of the trial, worker b ends it; what they said."""
    first = site.start("a", [job(tmp, stop=5)], *options, url=url, home=homes[0])
    wait_until((tmp / "preempted").exists, SECONDS, "the middle of the trial")
    first.terminate()
    first.communicate(timeout=SECONDS)
    second = site.start("b", [job(tmp, stop=5)], *options, url=url, home=homes[1])
    return site.ends(second)


def expect_exact(site, steps=9):
    for trial in site.trials():
        if trial["state"] == "completed":
            expect(trial["value"], straight(trial["parameters"]["x"], steps), f"trial {trial['number']}")


# ---- a trial goes on elsewhere ----

def test_a_preempted_trial_goes_on_from_the_server_to_the_digit(tmp):
    with Site(tmp, limits={"trials": 1}, **RESOURCE) as site:
        said = preempt(site, tmp, "--checkpoints", "upload")
        expect([(a["state"], a["from"]) for a in site.attempts(1)],
               [("preempted", 0), ("completed", 5)], said)
        checkpoint = site.attempts(1)[0]["checkpoint"]
        expect((checkpoint["uri"][:7], checkpoint["reach"], checkpoint["step"]),
               ("sha256:", "any", 5))
        expect(site.trials()[0]["state"], "completed")
        expect_exact(site)
        wait_until(lambda: len(site.contents()) == 1, SECONDS, "the first one is gone")
        expect([str(p) for p in (tmp / "a").rglob("*") if p.name == "state.json"], [],
               "left on the first host")


def test_a_preempted_trial_goes_on_from_a_shared_folder_to_the_digit(tmp):
    with Site(tmp, limits={"trials": 1}, **RESOURCE) as site:
        said = preempt(site, tmp, "--checkpoints", "shared", homes=("shared", "shared"))
        expect([(a["state"], a["from"]) for a in site.attempts(1)],
               [("preempted", 0), ("completed", 5)], said)
        checkpoint = site.attempts(1)[0]["checkpoint"]
        expect((checkpoint["reach"], checkpoint["uri"].startswith(str(tmp / "shared"))),
               ("any", True))
        expect_exact(site)
        expect(site.files(), [])


def test_promoted_trials_move_between_two_workers_to_the_digit(tmp):
    with Site(tmp, limits={"trials": 9}, **RUNGS) as site:
        workers = [site.start(name, [job(tmp)], "--checkpoints", "upload") for name in "ab"]
        for worker in workers:
            site.ends(worker)
        completed = [t for t in site.trials() if t["state"] == "completed"]
        assert completed
        expect_exact(site)
        for trial in completed:
            expect([a["from"] for a in site.attempts(trial["number"])][-1] > 0, True, "went on")
        wait_until(lambda: len(site.contents()) <= len(completed) + 1, SECONDS,
                   "what is obsolete is gone")


def test_a_connection_that_breaks_is_tried_again(tmp):
    with Site(tmp, limits={"trials": 1}, **RESOURCE) as site, \
            CuttingProxy(site.server.port) as proxy:
        proxy.cuts = [100000, 90000, None]
        preempt(site, tmp, "--checkpoints", "upload", url=proxy.url)
        assert proxy.n_cut >= 1, proxy.n_cut
        expect([(a["state"], a["from"]) for a in site.attempts(1)],
               [("preempted", 0), ("completed", 5)])
        expect_exact(site)


def test_one_that_is_too_large_stays_and_is_said_once(tmp):
    with Site(tmp, args=["--checkpoint-limit", "16KiB"], limits={"trials": 2}, **RESOURCE) as site:
        said = site.ends(site.start("a", [job(tmp)], "--checkpoints", "upload"))
        expect(said.count("stays on this host"), 1, said)
        for trial in (1, 2):
            checkpoint = site.attempts(trial)[0]["checkpoint"]
            assert checkpoint["reach"].startswith("host:"), checkpoint
        expect(site.files(), [])


def test_the_digits_go_on_as_if_they_had_not_stopped(tmp):
    """The example that trains in earnest: straight, and from rung to rung over two workers."""
    command = [DIGITS, "--lr", "{x}", "--from", "{resource.from}", "--epochs", "{resource.to}",
               "--checkpoint", "{checkpoint}", "--seed", "{seed}"]
    digits = {"objectives": [{"metric": "accuracy", "direction": "maximize"}],
              "parameters": [{"name": "x", "type": "float", "low": 0.01, "high": 0.1}]}
    with Site(tmp, limits={"trials": 9}, **digits, **RUNGS) as site:
        for worker in [site.start(name, command, "--checkpoints", "upload") for name in "ab"]:
            site.ends(worker)
        trial = next(t for t in site.trials() if t["state"] == "completed")
        (tmp / "straight").mkdir()
        straight_run = subprocess.run(
            [DIGITS, "--lr", repr(trial["parameters"]["x"]), "--from", "0", "--epochs", "9",
             "--checkpoint", str(tmp / "straight"), "--seed", str(trial["seed"])],
            stdout=subprocess.PIPE, text=True, check=True)
        last = straight_run.stdout.strip().splitlines()[-1]
        assert f"accuracy={trial['value']}" in last.split(), (last, trial["value"])


# ---- a hostile server ----

def tar_of(*entries):
    """Entries are (name, kind, content or target)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, rest in entries:
            info = tarfile.TarInfo(name)
            info.type, info.mode = kind, 0o644
            if kind == tarfile.REGTYPE:
                info.size = len(rest)
                tar.addfile(info, io.BytesIO(rest))
            else:
                info.linkname = rest
                tar.addfile(info)
    return out.getvalue()


FILE, LINK, HARD, FIFO, DIRECTORY = (tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE,
                                     tarfile.FIFOTYPE, tarfile.DIRTYPE)


class CheckpointServer(LeaseServer):
    """Grants one trial that goes on from step 3 of a checkpoint with these bytes."""

    body, name = b"", None

    def offer(self, body, name=None, **more):
        self.body = body
        self.checkpoint_calls = 0
        uri = "sha256:" + (name or hashlib.sha256(body).hexdigest())
        return self.grants(resource=(3, 4), checkpoint={"uri": uri, "step": 3, "reach": "any"},
                           **more)

    def answer(self, method, path, text, headers):
        if urllib.parse.urlsplit(path).path.endswith("/checkpoint") and not self.faults.get(method):
            self.checkpoint_calls += 1
            return 200, self.body, {"Content-Type": "application/octet-stream"}
        return super().answer(method, path, text, headers)


def begins_at(tmp, server):
    """Runs a job that says what it found: (from, files in its checkpoint)."""
    path = tmp / "look"
    path.write_text(f"""#!/bin/sh
echo "$HONE_RESOURCE_FROM" >{tmp}/from
(cd "$HONE_CHECKPOINT_DIR" && find . | sort) >{tmp}/found
echo hone: step=4 accuracy=1
""")
    path.chmod(0o755)
    said = server.work(tmp, str(path))
    return int((tmp / "from").read_text()), (tmp / "found").read_text().split()[1:], said


def test_a_sound_checkpoint_is_unpacked(tmp):
    with CheckpointServer() as server:
        server.offer(tar_of(("d", DIRECTORY, ""), ("d/f", FILE, b"x"), ("g", FILE, b""),
                            ("d/l", LINK, "../g"), ("new/e", FILE, b"y")))
        expect(begins_at(tmp, server)[:2],
               (3, ["./d", "./d/f", "./d/l", "./g", "./new", "./new/e"]))


def test_nothing_leaves_the_folder(tmp):
    target = tmp / "outside"
    hostile = {
        "absolute": [(f"{target}", FILE, b"x")],
        "parent": [("../../../../../../outside", FILE, b"x")],
        "inner parent": [("a/../../../../outside", FILE, b"x")],
        "dot": [("./a", FILE, b"x")],
        "empty part": [("a//b", FILE, b"x")],
        "through a link": [("l", LINK, "."), ("l/x", FILE, b"x")],
        "link out": [("l", LINK, "../..")],
        "absolute link": [("l", LINK, str(tmp))],
        "link by a detour": [("a/l", LINK, "b/../../../c")],
        "link through a link": [("here", LINK, "."), ("l", LINK, "here/../c")],
        "link before its link": [("d/l", LINK, "here/../../c"), ("d/here", LINK, ".")],
        "link with a slash behind it": [("l/", LINK, "../c")],
        "hard link": [("h", HARD, "/etc/passwd")],
        "pipe": [("p", FIFO, "")],
        "over a link": [("l", LINK, "g"), ("l", FILE, b"x")],
        "twice": [("a", FILE, b"x"), ("a", FILE, b"y")],
        "a file as folder": [("a", FILE, b"x"), ("a/b", FILE, b"y")],
    }
    for what, entries in hostile.items():
        with CheckpointServer() as server:
            server.offer(tar_of(("first", FILE, b"x"), *entries))
            begin, found, said = begins_at(tmp, server)
            expect((begin, found), (0, []), what)
            assert "begins at 0" in said, (what, said)
            expect([outcome["outcome"] for _, outcome in server.results], ["completed"], what)
            assert not target.exists(), what


def test_bytes_that_are_not_what_was_named_are_refused(tmp):
    good = tar_of(("f", FILE, b"x"))
    for body, name, calls in ((good, "0" * 64, 2), (b"no tar at all", None, 1), (b"", None, 1),
                              (good[:700], None, 1), (b"\x1f\x8b" + good, None, 1)):
        with CheckpointServer() as server:
            server.offer(body, name)
            expect(begins_at(tmp, server)[:2], (0, []), (body[:20], name))
            expect(server.checkpoint_calls, calls)


def test_a_bomb_does_not_go_off(tmp):
    sparse = io.BytesIO()
    with tarfile.open(fileobj=sparse, mode="w", format=tarfile.GNU_FORMAT) as tar:
        info = tarfile.TarInfo("huge")
        info.size = 1 << 50
        sparse.write(info.tobuf(tarfile.GNU_FORMAT))
    with CheckpointServer() as server:
        server.offer(sparse.getvalue() + b"x" * 4096)
        expect(begins_at(tmp, server)[:2], (0, []))


def test_a_lease_that_is_lost_meanwhile_starts_no_job(tmp):
    with CheckpointServer() as server:
        server.fails("GET", *[503] * 100)
        server.action = lambda lease, step: {"action": "abort"}
        server.offer(tar_of(("f", FILE, b"x")), heartbeat=1)
        path = tmp / "never"
        path.write_text(f"#!/bin/sh\ntouch {tmp}/ran\n")
        path.chmod(0o755)
        server.work(tmp, str(path))
        assert not (tmp / "ran").exists()
        expect(server.results, [])


# ---- the worker's own disk ----

@contextlib.contextmanager
def small_disk(tmp, used_kib):
    """The work directory on a file system of 1 MiB; the file that uses so much of it."""
    disk = tmp / f"small-{used_kib}" / "work"
    disk.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)],
                      capture_output=True, check=False).returncode != 0:
        raise NotRun("no file system can be mounted here")
    try:
        (disk / "used").write_bytes(b"x" * used_kib * 1024)
        yield disk / "used"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_checkpoint_without_room_here_is_handed_back(tmp):
    """Too little for what is received, then for what is unpacked: no job starts at 0 there."""
    body = tar_of(("f", FILE, b"x" * 250000))
    for used_kib in (820, 650):
        with small_disk(tmp, used_kib) as used, CheckpointServer() as server:
            server.nothing = "waiting"
            server.offer(body)
            place = used.parent.parent
            look = place / "look"
            look.write_text(f'#!/bin/sh\necho "$HONE_RESOURCE_FROM" >>{place}/from\n'
                            "echo hone: step=4 accuracy=1\n")
            look.chmod(0o755)
            worker = server.start(place, str(look), options=["--state-dir", str(place / "state")])
            server.wait_for(lambda: server.released and len(server.asks) > 1)
            expect((server.asks[1].get("runners"), server.asks[1]["health"]["ok"]), ([], False))
            assert "no room for a checkpoint" in server.asks[1]["health"]["reason"], server.asks[1]
            expect(((place / "from").exists(), server.results), (False, []))
            used.unlink()
            with server.lock:
                server.nothing = "finished"
            server.offer(body)
            server.wait_for(lambda: server.results)
            said, _ = worker.communicate(timeout=SECONDS)
            expect((worker.returncode, (place / "from").read_text()), (0, "3\n"), said)
            assert "is handed back, since its checkpoint has no room here" in said, said


if __name__ == "__main__":
    main(globals())
