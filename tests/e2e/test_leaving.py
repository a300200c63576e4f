#!/usr/bin/env python3
"""How a worker leaves: by a signal, at a deadline, when it is drained, at the limits that it was given."""

import datetime
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main, NotRun, script  # noqa: E402
from hone import Server, wait_until  # noqa: E402
from lease_server import LeaseServer  # noqa: E402

HONE = os.environ["HONE"]
SECONDS = 60
GRACE = 30   # seconds of a job between SIGTERM and SIGKILL
MARGIN = 5   # … and before the deadline


def end(worker):
    """Its exit status, once it has left, and what it said."""
    said, _ = worker.communicate(timeout=SECONDS)
    return worker.returncode, said


# Runs until it is told, by a file or by SIGTERM.
PATIENT = """
trap 'echo term >>{tmp}/signals; exit 0' TERM
echo hone: accuracy=1
while [ ! -e {tmp}/go ]; do sleep 0.01; done
"""


def patient(tmp):
    return script(tmp, PATIENT.replace("{tmp}", str(tmp)))


def running(server, tmp, *options, n=1, **environment):
    """A worker whose jobs have begun, and reported."""
    for _ in range(n):
        server.grants()
    worker = server.start(tmp, patient(tmp), options=list(options), **environment)
    server.wait_for(lambda: len(server.measured) >= n)
    return worker


def outcomes(server):
    return [(number, body["outcome"]) for number, body in server.results]


# ---- signals ----

def test_signals_of_batch_systems_hand_the_trial_back(tmp):
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP):
        with LeaseServer() as server:
            worker = running(server, tmp, "--preempt-status", "75")
            worker.send_signal(number)
            status, said = end(worker)
            expect((status, server.released, server.results), (75, [1], []), (number, said))
            expect(said.count("it is to leave"), 1, said)


def test_being_told_again_costs_no_grace(tmp):
    """Slurm sends SIGUSR1 ahead of time and SIGTERM at the end, each to all processes."""
    job = script(tmp, f"""
trap 'echo saved >$HONE_CHECKPOINT_DIR/weights; touch {tmp}/saving; sleep 0.5; exit 0' TERM
echo hone: accuracy=1
while :; do sleep 0.01; done
""")
    with LeaseServer() as server:
        server.grants(resource=(0, 9))
        worker = server.start(tmp, job)
        server.wait_for(lambda: server.measured)
        worker.send_signal(signal.SIGUSR1)
        wait_until((tmp / "saving").exists, SECONDS, "the job saves")
        worker.send_signal(signal.SIGTERM)
        status, said = end(worker)
        expect((status, outcomes(server)), (0, [(1, "preempted")]), said)
        expect(server.results[0][1]["checkpoint"]["step"], 1)


def test_an_interrupt_lets_what_runs_end(tmp):
    with LeaseServer() as server:
        server.nothing = "waiting"
        worker = running(server, tmp, "--slots", "2", "--preempt-status", "75")
        server.wait_for(lambda: len(server.asks) >= 2)
        worker.send_signal(signal.SIGINT)
        server.grants()  # comes too late
        lines_until(worker, "interrupt once more to stop it")
        (tmp / "go").touch()
        status, said = end(worker)
        expect((status, outcomes(server)), (0, [(1, "completed")]), said)
    assert not (tmp / "signals").exists()


def lines_until(worker, words):
    """Reads what the worker says until a line has these words."""
    for line in worker.stdout:
        if words in line:
            return
    raise AssertionError(f"the worker ended and never said: {words}")


def test_a_second_interrupt_stops_and_a_third_kills(tmp):
    with LeaseServer() as server:
        worker = running(server, tmp, "--preempt-status", "75")
        worker.send_signal(signal.SIGINT)
        lines_until(worker, "interrupt once more")
        worker.send_signal(signal.SIGINT)
        status, said = end(worker)
        expect((status, server.released), (75, [1]), said)
    with LeaseServer() as server:
        server.grants()
        worker = server.start(tmp, script(tmp, "trap '' TERM\necho hone: accuracy=1\n"
                                               "while :; do sleep 0.01; done\n"))
        server.wait_for(lambda: server.measured)
        for words in ("interrupt once more", "handed back", None):
            worker.send_signal(signal.SIGINT)
            if words:
                lines_until(worker, words)
        status, said = end(worker)
        expect((status, server.released, server.results), (130, [], []), said)


def test_a_signal_that_was_ignored_stays_ignored(tmp):
    """As nohup has it."""
    with LeaseServer() as server:
        server.grants()
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            worker = server.start(tmp, patient(tmp))
        finally:
            signal.signal(signal.SIGHUP, before)
        server.wait_for(lambda: server.measured)
        worker.send_signal(signal.SIGHUP)
        (tmp / "go").touch()
        status, said = end(worker)
        expect((status, outcomes(server)), (0, [(1, "completed")]), said)


def children_of(pid):
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_a_batch_shell_may_become_the_worker(tmp):
    """What the shell had started before is reaped, and a signal to the shell's pid reaches the worker."""
    with LeaseServer() as server:
        server.grants()
        shell = script(tmp, f"""
sleep 0.05 & echo $! >{tmp}/stranger
exec '{HONE}' worker --study digits --exit-when-finished --workdir {tmp}/work -- {patient(tmp)}
""", "batch.sh")
        worker = subprocess.Popen([shell], env=server.environment(tmp), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        server.workers.append(worker)
        server.wait_for(lambda: server.measured)
        stranger = (tmp / "stranger").read_text().strip()
        wait_until(lambda: stranger not in children_of(worker.pid), SECONDS, "a stranger's end")
        worker.send_signal(signal.SIGTERM)
        status, said = end(worker)
        expect((status, server.released), (0, [1]), said)


def test_it_serves_as_the_first_process_of_a_container(tmp):
    """PID 1 gets only signals that it catches."""
    probe = subprocess.run(["unshare", "-Upfr", "--mount-proc", "true"], capture_output=True,
                           check=False)
    if probe.returncode != 0:
        raise NotRun(f"no namespaces: {probe.stderr.decode().strip()}")
    with LeaseServer() as server:
        server.grants()
        worker = subprocess.Popen(
            ["unshare", "-Upfr", "--mount-proc", HONE, "worker", "--study", "digits",
             "--exit-when-finished", "--workdir", str(tmp / "work"), "--", patient(tmp)],
            env=server.environment(tmp), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        server.workers.append(worker)
        server.wait_for(lambda: server.measured)
        init, = children_of(worker.pid)
        os.kill(int(init), signal.SIGTERM)
        status, said = end(worker)
        expect((status, server.released), (0, [1]), said)


# ---- the deadline ----

def test_at_the_deadline_the_trial_is_handed_back(tmp):
    with LeaseServer() as server:
        worker = running(server, tmp, "--deadline", f"{GRACE + MARGIN + 1.5}", "--preempt-status",
                         "75")
        status, said = end(worker)
        expect((status, server.released), (75, [1]), said)
        expect(said.count("its time is nearly over"), 1, said)
        left = server.asks[0]["seconds_left"]
        assert 0 < left <= 1.5, left
    expect((tmp / "signals").read_text(), "term\n")


def seconds_left(tmp, *options, **environment):
    """What the first ask says of the time left."""
    with LeaseServer() as server:
        server.work(tmp, "true", options=list(options), **environment)
        return server.asks[0].get("seconds_left")


def in_an_hour(found):
    return 3590 - GRACE - MARGIN < found <= 3600 - GRACE - MARGIN


def test_the_time_left_comes_from_the_option_or_the_job(tmp):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    soon = str(int(time.time()) + 3600)
    fake = tmp / "bin"
    fake.mkdir()
    script(fake, f'echo "$*" >>{tmp}/asked; echo 1:00:00\n', "squeue")
    path = {"PATH": f"{fake}:{os.environ['PATH']}"}
    expect(seconds_left(tmp), None)
    for options, environment in (
            (["--deadline", "1h"], {}),
            (["--deadline", moment.strftime("%Y-%m-%dT%H:%M:%SZ")], {}),
            ([], {"SLURM_JOB_END_TIME": soon, "SLURM_JOB_ID": "7"}),
            (["--deadline", "60m"], {"SLURM_JOB_END_TIME": "1", "SLURM_JOB_ID": "7", **path}),
            ([], {"SLURM_JOB_ID": "4711", **path}),
            ([], {"SLURM_JOB_ID": "4712", "SLURM_ARRAY_JOB_ID": "4712", "SLURM_ARRAY_TASK_ID": "3",
                  **path})):
        found = seconds_left(tmp, *options, **environment)
        assert in_an_hour(found), (options, environment, found)
    expect((tmp / "asked").read_text(), "-h -j 4711 -o %L\n-h -j 4712_3 -o %L\n",
           "once, and where nothing else is known")


def test_a_time_limit_that_is_not_known_is_said(tmp):
    fake = tmp / "bin"
    fake.mkdir()
    for text, words in (("echo UNLIMITED", None), ("exit 1", "squeue failed with status 1"),
                        ("echo INVALID", 'squeue says "INVALID"'), (None, "cannot be started")):
        if text is None:
            (fake / "squeue").unlink()
        else:
            script(fake, text + "\n", "squeue")
        with LeaseServer() as server:
            said = server.work(tmp, "/bin/true", SLURM_JOB_ID="7",
                               PATH=f"{fake}:/bin:/usr/bin" if text else str(fake))
            assert "seconds_left" not in server.asks[0], server.asks
            expect("the time limit of job 7 is not known" in said, words is not None, said)
            assert words is None or words in said, (words, said)


def test_where_no_trial_fits_it_leaves_once_nothing_runs(tmp):
    with LeaseServer() as server:
        server.nothing = "too-long"
        worker = running(server, tmp, "--slots", "2", "--deadline", "1h", "--preempt-status", "75")
        server.wait_for(lambda: len(server.asks) >= 4)  # the other slot goes on asking
        (tmp / "go").touch()
        status, said = end(worker)
        expect((status, outcomes(server)), (75, [(1, "completed")]), said)
    assert "no trial ends in the time that it has left" in said, said


# ---- drained by the server ----

def test_a_drained_worker_finishes_and_leaves(tmp):
    with LeaseServer() as server:
        server.nothing = "waiting"
        worker = running(server, tmp, "--slots", "2")
        server.nothing = "drained"
        lines_until(worker, "its node is drained")
        (tmp / "go").touch()
        status, said = end(worker)
        expect((status, outcomes(server)), (0, [(1, "completed")]), said)
        asked = len(server.asks)
        expect(server.asks[asked - 1]["wait_seconds"], 30, "the last one is the drained one")


def test_a_drained_worker_may_stay(tmp):
    with LeaseServer() as server:
        server.nothing = "drained"
        worker = server.start(tmp, script(tmp, "echo hone: accuracy=1\n"),
                              options=["--stay-when-drained"])
        server.wait_for(lambda: len(server.asks) >= 3)
        server.grants()  # resumed
        server.wait_for(lambda: server.results)
        server.nothing = "finished"
        status, said = end(worker)
        expect((status, outcomes(server)), (0, [(1, "completed")]), said)


class Cluster:
    """A real server with one study, and workers of it."""

    def __init__(self, tmp, **study):
        self.tmp, self.server, self.processes = tmp, Server(), []
        self.study = {"name": "digits", "metric": "accuracy", "direction": "maximize", "seed": 7,
                      "parameters": [{"name": "x", "type": "float", "low": 0, "high": 1}],
                      "strategy": "random", **study}

    def __enter__(self):
        self.server.start()
        with self.server.client() as client:
            expect(client.post("/v1/studies", self.study).status, 201)
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.server.__exit__()

    def environment(self, token):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HONE_") or k == "HONE_ALLOW_ROOT"}
        return {**kept, "HONE_URL": self.server.url,
                "HONE_TOKEN_FILE": str(pathlib.Path(self.server.data) / f"{token}.token")}

    def worker(self, *options):
        self.processes.append(subprocess.Popen(
            [HONE, "worker", "--study", "digits", "--exit-when-finished", "--workdir",
             str(self.tmp / "work"), *options], env=self.environment("worker"), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        return self.processes[-1]

    def hone(self, *words):
        done = subprocess.run([HONE, *words], env=self.environment("admin"), text=True,
                              capture_output=True, timeout=SECONDS, check=False)
        expect(done.returncode, 0, done)
        return done.stdout

    def counts(self):
        with self.server.client() as client:
            return client.get("/v1/studies/digits").json["counts"]

    def until(self, fact, what):
        wait_until(lambda: fact(self.counts()), SECONDS, what)


def test_drained_from_the_server(tmp):
    with Cluster(tmp) as cluster:
        worker = cluster.worker("--name", "gpu07", "--slots", "2", "--", patient(tmp))
        cluster.until(lambda counts: counts["running"] == 2, "two trials")
        cluster.hone("workers", "drain", "gpu07:1")
        states = [line.split(",")[2] for line in cluster.hone("workers", "-o", "csv").splitlines()]
        expect(states[1:], ["draining", "draining"])
        (tmp / "go").touch()
        status, said = end(worker)
        expect((status, cluster.counts()["completed"]), (0, 2), said)
        assert "its node is drained" in said, said
        status, said = end(cluster.worker("--name", "gpu07", "--", "true"))
        expect((status, cluster.counts()["completed"]), (0, 2), said)
        assert "gpu07 is draining: it is given no trial until it is resumed" in said, said
        cluster.hone("workers", "resume", "gpu07")
        status, said = end(cluster.worker("--name", "gpu07", "--max-trials", "1", "--",
                                          patient(tmp)))
        expect((status, cluster.counts()["completed"]), (0, 3), said)


def test_only_trials_that_fit_the_time_left_are_taken(tmp):
    job = script(tmp, "echo hone: accuracy=1\nsleep 1\n")
    with Cluster(tmp) as cluster:
        expect(end(cluster.worker("--max-trials", "1", "--", job))[0], 0)
        worker = cluster.worker("--deadline", f"{GRACE + MARGIN + 0.9}", "--preempt-status", "75",
                                "--", job)
        status, said = end(worker)
        expect((status, cluster.counts()["running"], cluster.counts()["queued"]), (75, 0, 0), said)
        expect(cluster.counts()["completed"], 1, said)
        assert "is expected to take 2 s, by the last 1 that completed" in said, said


# ---- limits ----

def test_no_more_trials_than_allowed_are_asked_for(tmp):
    job = script(tmp, "echo hone: accuracy=1\n")
    for most, slots in ((1, 8), (5, 2), (3, 3)):
        with LeaseServer() as server:
            server.nothing = "waiting"
            for _ in range(9):
                server.grants()
            said = server.work(tmp, job, options=["--max-trials", str(most), "--slots", str(slots)])
            expect((len(server.results), server.released, len(server.asks)), (most, [], most), said)


def test_an_idle_worker_leaves(tmp):
    with LeaseServer() as server:
        server.nothing = "waiting"
        server.grants()
        began = time.monotonic()
        said = server.work(tmp, script(tmp, "echo hone: accuracy=1\nsleep 1\n"),
                           options=["--exit-when-idle", "0.5"])
        expect(outcomes(server), [(1, "completed")], said)
        assert time.monotonic() - began >= 1.5, "a worker that runs something is not idle"
    assert "nothing to run for --exit-when-idle" in said, said


def test_an_idle_worker_waits_for_its_first_answer(tmp):
    with LeaseServer() as server:
        server.nothing = "waiting"
        said = server.work(tmp, script(tmp, "echo hone: accuracy=1\n"),
                           options=["--exit-when-idle", "0.001"])
    assert "no trial to run: waiting" in said, said
    assert "nothing to run for --exit-when-idle" in said, said


def test_after_its_uptime_what_runs_ends(tmp):
    with LeaseServer() as server:
        server.nothing = "waiting"
        worker = running(server, tmp, "--max-uptime", "0.5", "--slots", "2")
        lines_until(worker, "it has run for --max-uptime")
        server.grants()
        (tmp / "go").touch()
        status, said = end(worker)
        expect((status, outcomes(server)), (0, [(1, "completed")]), said)


REFUSED = {
    ("--exit-when-idle", "0"): "write a span", ("--exit-when-idle", "soon"): "write a span",
    ("--max-uptime", "-1s"): "write a span", ("--max-trials", "0"): "write a whole number from 1",
    ("--max-trials", "1.5"): "write a whole number", ("--deadline", "tomorrow"): "or a moment",
    ("--deadline", "2026-13-01T00:00:00Z"): "or a moment",
    ("--preempt-status", "256"): "from 0 to 255", ("--preempt-status", "x"): "from 0 to 255",
}


def test_what_makes_no_sense_is_refused(tmp):
    for (option, value), words in REFUSED.items():
        done = subprocess.run([HONE, "worker", "--study", "s", option, value, "--", "true"],
                              capture_output=True, text=True, timeout=SECONDS, check=False)
        expect(done.returncode, 2, done)
        assert words in done.stderr, (option, value, done.stderr)


main(globals())
