#!/usr/bin/env python3
"""Workers in a real Slurm, started by the scripts of deploy/slurm as they stand there."""

import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import private  # noqa: E402
private.enter()
import slurm  # noqa: E402
from cases import NotRun, expect, main  # noqa: E402
from hone import Server, study, wait_until  # noqa: E402

SCRIPTS = ROOT / "deploy/slurm"
SECONDS = 100  # a bound against hanging
TTL = 15  # the shortest that a study may ask for
USER = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name


def processes(mark):
    """What runs with this mark in its environment, by number."""
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes() and \
                    folder.name != str(os.getpid()):
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")[:120]
        except OSError:
            pass  # it has ended
    return found


class Cluster:
    """A server, a Slurm, and a user who submits to both."""

    def __init__(self, tmp):
        if slurm.why_not():
            raise NotRun(slurm.why_not())
        tmp.chmod(0o711)
        self.home = tmp / "home"
        self.mark = f"HONE_TEST_MARK={uuid.uuid4()}"
        self.slurm = slurm.Slurm(tmp / "slurm")
        self.server = Server()

    def __enter__(self):
        self.server.start()
        try:
            self.slurm.start()
            self.furnish()
        except BaseException:
            self.__exit__(None)
            raise
        return self

    def furnish(self):
        """The user's folder, on what would be a shared file system."""
        self.home.mkdir()
        self.program = self.home / "hone"
        shutil.copy(os.environ["HONE"], self.program)
        (self.home / "worker.token").write_text(self.server.token("worker"))
        person = self.ask("POST", "/v1/tokens", {"name": "a person", "scopes": ["submit", "worker"]},
                          201)
        (self.home / "token").write_text(person["token"])
        if os.getuid() == 0:
            for path in [self.home, *self.home.iterdir()]:
                shutil.chown(path, USER)
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HONE")}
        self.environment = {
            **kept, "HOME": str(self.home), "HONE": str(self.program), "HONE_URL": self.server.url,
            "HONE_TOKEN_FILE": str(self.home / "worker.token"),
            "SLURM_CONF": self.slurm.environment["SLURM_CONF"],
            "HONE_TEST_MARK": self.mark.partition("=")[2]}
        self.slurm.environment = self.environment

    def __exit__(self, kind, *_):
        if kind is not None:
            for log in sorted(self.home.glob("*.log")):
                print(f"== {log.name}\n{log.read_text(errors='replace')[-1500:]}")
            print(self.slurm.logs())
        self.slurm.stop()
        self.server.kill()
        shutil.rmtree(self.server.data, ignore_errors=True)

    def as_user(self):
        """Who submits: not the one that Slurm runs as, where there is a choice."""
        if os.getuid() != 0:
            return {}
        return {"user": USER, "group": pwd.getpwnam(USER).pw_gid, "extra_groups": []}

    def hone(self, verb, *arguments):
        """`hone …` of that user, with a token that reads; what it prints goes to hone.log."""
        with open(self.home / "hone.log", "ab") as log:
            return subprocess.Popen(
                [self.program, *verb.split(), "--token-file", self.home / "token", *arguments],
                env=self.environment, cwd=self.home, stdin=subprocess.DEVNULL, stderr=log,
                stdout=subprocess.PIPE, text=True, **self.as_user())

    def log(self):
        """What `hone …` has said."""
        return (self.home / "hone.log").read_text()

    def submit(self, script, *arguments, options=()):
        """The job's id."""
        return self.slurm.call("sbatch", "--parsable", *options, SCRIPTS / script, *arguments,
                               cwd=self.home, **self.as_user())

    def ask(self, method, path, body=None, status=200):
        with self.server.client() as client:
            reply = client.request(method, path, body)
            expect(reply.status, status, reply)
            return reply.json

    def study(self, name, **more):
        return self.ask("POST", "/v1/studies", {
            "name": name, "metric": "accuracy", "direction": "maximize",
            "parameters": [{"name": "x", "type": "float", "low": 0, "high": 1}],
            "strategy": "random", "seed": 7, "lease": {"ttl_seconds": TTL}, **more}, 201)

    def counts(self, name):
        return self.ask("GET", f"/v1/studies/{name}")["counts"]

    def attempts(self, name):
        """{trial: how its attempts ended}"""
        with self.server.client() as client:
            numbers = [t["number"] for t in client.walk(f"/v1/studies/{name}/trials")]
            return {n: [a["state"] for a in client.get(
                f"/v1/studies/{name}/trials/{n}/attempts").json["items"]] for n in numbers}

    def tasks(self, state):
        return [task for task, is_in in self.slurm.queue().items() if is_in == state]

    def until(self, fact, what):
        return self.slurm.until(fact, what, SECONDS)

    def wait_for_the_end(self, name, trials):
        """Of the study and of its jobs: each trial has ended once, and no process is left."""
        self.until(lambda: self.ask("GET", f"/v1/studies/{name}")["state"] == "finished",
                   f"{name} is finished")
        self.until(lambda: not self.slurm.queue(), "no job is left in the queue")
        ends = self.attempts(name)
        expect(sorted(ends), list(range(1, trials + 1)), "trials")
        for number, attempts in ends.items():
            expect(attempts.count("completed"), 1, f"ends of trial {number}: {attempts}")
            expect(attempts[-1], "completed", f"the last attempt of trial {number}")
        expect(self.counts(name)["completed"], trials)
        # what Slurm starts around a job (its step daemons) has the job's environment for a moment
        self.until(lambda: not processes(self.mark), f"gone: {processes(self.mark)}")
        return ends


def digits_for_libsvm(path, rows):
    """deploy/examples/digits as svm-train reads it, as deploy/examples/svm/tune makes it."""
    with open(ROOT / "deploy/examples/digits/digits.csv", encoding="ascii") as lines, \
            open(path, "w", encoding="ascii") as out:
        for line in list(lines)[:rows]:
            *pixels, label = line.strip().split(",")
            out.write(label + "".join(f" {i}:{int(p) / 16:g}" for i, p in enumerate(pixels, 1)
                                      if int(p)) + "\n")


# A job that leaves a process of its own behind, in a session of its own.
SLOW = ["sh", "-c", "setsid sleep 1000 & sleep \"$1\"; echo hone: accuracy=$2", "job"]


UNSHARE_NETWORK = "unshare --user --net --map-current-user"


def test_an_array_of_four_tunes_svm_train(tmp):
    """Through a cancelled task and a restart of Slurm's controller."""
    svm = json.loads((ROOT / "deploy/examples/svm/study.json").read_text())
    with Cluster(tmp) as cluster:
        data = cluster.home / "digits.libsvm"
        digits_for_libsvm(data, 700)
        cluster.ask("POST", "/v1/studies", {**svm, "limits": {"trials": 24},
                                            "lease": {"ttl_seconds": TTL}}, 201)
        job = cluster.submit(
            "array.sbatch", "--study", "digits-svm",
            "--metric-regex", "Cross Validation Accuracy = (?<accuracy>[0-9.]+)%", "--",
            "svm-train", "-v", "5", "-t", "{kernel}", "-c", "{cost}", "-g", "{gamma}",
            "-d", "{degree}", data, options=["--array=0-3", "--gres=gpu:1"])
        cluster.until(lambda: len(cluster.tasks("RUNNING")) == 4, "four tasks run")
        cluster.until(lambda: cluster.counts("digits-svm")["completed"] >= 2, "two results")
        cluster.slurm.call("scancel", f"{job}_0")
        cluster.slurm.end("slurmctld")
        cluster.slurm.start_controller()
        cluster.wait_for_the_end("digits-svm", 24)
        best = cluster.ask("GET", "/v1/studies/digits-svm/best")["trial"]
        assert best["value"] > 85, best
        names = {w["name"] for w in cluster.ask("GET", "/v1/workers")["items"]}
        assert {name.partition("@")[0] for name in names} == {f"{job}_{i}" for i in range(4)}, names
        assert {name.partition("@")[2].partition(":")[0] for name in names} == {"n1", "n2"}, names


def test_a_preempted_task_hands_its_trial_back_and_comes_again(tmp):
    with Cluster(tmp) as cluster:
        cluster.study("s", limits={"trials": 6})
        cluster.submit("array.sbatch", "--study", "s", "--", *SLOW, "2", "{x}",
                       options=["--array=0-3", "--gres=gpu:1", "--time=60"])
        cluster.until(lambda: cluster.counts("s")["running"] == 4, "four trials run")
        cluster.slurm.call("sbatch", "-p", "high", "-N2", "--exclusive", "--wrap",
                           "until [ -e over ]; do sleep 0.1; done", cwd=cluster.home)
        cluster.until(lambda: len(cluster.tasks("PENDING")) == 4, "all four tasks wait again")
        (cluster.home / "over").touch()
        ends = cluster.wait_for_the_end("s", 6)
        assert "released" in sum(ends.values(), []) or "preempted" in sum(ends.values(), []), ends
        assert "lost" not in sum(ends.values(), []), ends


def test_a_node_that_is_lost_costs_no_trial(tmp):
    """Its daemon is killed and Slurm gives it up; the workers there live on, as they really do."""
    with Cluster(tmp) as cluster:
        cluster.study("s", limits={"trials": 12})
        cluster.submit("array.sbatch", "--study", "s", "--", *SLOW, "1", "{x}",
                       options=["--array=0-3", "--gres=gpu:1"])
        cluster.until(lambda: cluster.counts("s")["running"] == 4, "four trials run")
        cluster.slurm.end("n1", signal.SIGKILL)
        cluster.slurm.call("scontrol", "update", "nodename=n1", "state=down", "reason=test")
        cluster.until(lambda: len(cluster.tasks("PENDING")) >= 1, "its tasks wait again")
        cluster.wait_for_the_end("s", 12)


def test_a_task_that_no_trial_fits_is_not_queued_again(tmp):
    """It would begin and leave for ever. The deadline is that of a very short time limit."""
    with Cluster(tmp) as cluster:
        cluster.study("s", limits={"trials": 3})
        with cluster.server.client("worker") as worker:
            lease = worker.post("/v1/studies/s/leases", {}).json["lease"]["id"]
            done = worker.put(f"/v1/leases/{lease}/result",
                              {"outcome": "completed", "metrics": {"accuracy": 0.5}})
            expect(done.status, 200)
        job = cluster.submit("array.sbatch", "--study", "s", "--deadline=5s", "--", *SLOW, "1", "{x}",
                             options=["--array=0-0"])
        log = cluster.home / f"hone-{job}_0.log"
        cluster.until(lambda: log.exists() and "not queued again" in log.read_text(), "it says so")
        cluster.until(lambda: not cluster.slurm.queue(), "it is gone")
        expect(cluster.counts("s")["running"], 0)


def test_a_step_has_a_worker_for_each_gpu(tmp):
    """deploy/slurm/srun.sbatch, preempted once."""
    job = ["sh", "-c", f"setsid sleep 1000 & echo $CUDA_VISIBLE_DEVICES >>{tmp}/home/gpus; sleep 1; "
           "echo hone: accuracy=$1", "job", "{x}"]
    with Cluster(tmp) as cluster:
        cluster.study("s", limits={"trials": 8})
        first = cluster.submit("srun.sbatch", "--study", "s", "--", *job,
                               options=["-N2", "--ntasks-per-node=2", "--gpus-per-node=2"])
        cluster.until(lambda: cluster.counts("s")["running"] == 4, "four trials run")
        cluster.slurm.call("scancel", "--signal=USR1", "--batch", first)
        cluster.until(lambda: cluster.slurm.queue().get(first) == "PENDING", "it waits again")
        ends = cluster.wait_for_the_end("s", 8)
        assert "lost" not in sum(ends.values(), []), ends
        names = {w["name"] for w in cluster.ask("GET", "/v1/workers")["items"]}
        assert len(names) == 4, names
        seen = (cluster.home / "gpus").read_text().split()
        expect(sorted(set(seen)), ["0", "1"], "devices that jobs saw")


def test_a_bundle_is_run_by_an_array_without_any_network(tmp):
    with Cluster(tmp) as cluster:
        cluster.study("s", limits={"trials": 12})
        bundled = cluster.hone("bundle", "s", "-n", "12", "-o", "b.tar")
        bundled.communicate()
        expect(bundled.returncode, 0, "hone bundle")
        cut = cluster.home / "cut"
        cut.write_text(f"#!/bin/sh\nexec {UNSHARE_NETWORK} {cluster.program} \"$@\"\n")
        cut.chmod(0o755)
        if subprocess.run([*UNSHARE_NETWORK.split(), "true"], check=False,
                          stderr=subprocess.DEVNULL, **cluster.as_user()).returncode:
            raise NotRun("a user may not make a network namespace here")
        cluster.environment["HONE"] = str(cut)
        del cluster.environment["HONE_URL"], cluster.environment["HONE_TOKEN_FILE"]
        port = cluster.server.port
        cluster.submit("bundle.sbatch", "--bundle", cluster.home / "b.tar", "--", "bash", "-c",
                       f"if (exec 3<>/dev/tcp/127.0.0.1/{port}); then exit 1; fi; sleep 0.5; "
                       "echo hone: accuracy=$1", "job", "{x}", options=["--array=0-3", "--gres=gpu:1"])
        cluster.until(lambda: len(cluster.tasks("RUNNING")) == 4, "four tasks run")
        cluster.until(lambda: not cluster.slurm.queue(), "the array has ended")
        expect(cluster.counts("s")["completed"], 0, "what the server knows of")
        cluster.environment["HONE_URL"] = cluster.server.url
        for _ in range(2):  # twice is harmless
            absorbed = cluster.hone("absorb", "b.tar.results")
            absorbed.communicate()
            expect(absorbed.returncode, 0, (cluster.home / "hone.log").read_text())
        cluster.wait_for_the_end("s", 12)


def test_hone_submits_an_array_as_large_as_the_study(tmp):
    with Cluster(tmp) as cluster:
        cluster.study("s", limits={"trials": 3})
        command = ["submit slurm", "s", "--array=16", "--gpus=1", "--time=1:00:00",
                   "--worker-token-file", cluster.home / "worker.token"]
        job = ["--", "sh", "-c", "sleep $2; echo hone: accuracy=$1", "a job's name", "{x}", "1"]
        shown = cluster.hone(*command, "--dry-run", *job).communicate()[0]
        assert "#SBATCH --array=0-2\n" in shown and "#SBATCH --gres=gpu:1\n" in shown, shown
        expect(cluster.slurm.queue(), {})
        number = cluster.hone(*command, *job).communicate()[0].strip()
        cluster.until(lambda: len(cluster.tasks("RUNNING")) == 3, "three tasks run")
        expect({task.partition("_")[0] for task in cluster.slurm.queue()}, {number})
        again = cluster.hone(*command, *job)
        expect((again.communicate()[0], again.returncode), ("", 0), "a second submission")
        cluster.wait_for_the_end("s", 3)
        said = [log.read_text() for log in sorted(cluster.home.glob(f"hone-{number}_*.log"))]
        expect((len(said), "".join(said).count("is not known")), (3, 0), f"deadlines: {said}")
        refused = cluster.hone(*command, *job)
        expect((refused.communicate()[0], refused.returncode), ("", 4), "of a finished study")


def test_tasks_come_and_go_with_the_queue(tmp):
    """hone submit slurm --follow: it grows by raised limits, shrinks by lowered ones."""
    with Cluster(tmp) as cluster:
        cluster.study("s", limits={"trials": 2})
        follower = cluster.hone(
            "submit slurm", "s", "--array=6", "--gpus=1", "--follow", "--interval=0.2",
            "--worker-token-file", cluster.home / "worker.token", "--", "sh", "-c",
            "until [ -e go ]; do sleep 0.1; done; echo hone: accuracy=$1", "job", "{x}")
        try:
            cluster.until(lambda: cluster.counts("s")["running"] == 2, "two trials run")
            expect(len(cluster.slurm.queue()), 2, "tasks")
            cluster.ask("PATCH", "/v1/studies/s", {"limits": {"trials": 20}})
            cluster.until(lambda: len(cluster.tasks("RUNNING")) == 4, "as many as there are GPUs")
            cluster.until(lambda: len(cluster.tasks("PENDING")) == 2, "and two wait")
            cluster.until(lambda: cluster.counts("s")["running"] == 4, "four trials run")
            cluster.ask("PATCH", "/v1/studies/s", {"limits": {"trials": 5}})
            cluster.until(lambda: len(cluster.slurm.queue()) == 5, "one of them is cancelled")
            (cluster.home / "go").touch()
            cluster.wait_for_the_end("s", 5)
            expect(follower.wait(SECONDS), 0, "it leaves with the study")
        finally:
            follower.kill()
            follower.communicate()
        said = (cluster.home / "hone.log").read_text()
        assert "submitted 2 tasks as job" in said and "cancelling 1" in said, said


def test_only_the_tasks_named_are_cancelled(tmp):
    """Five tasks of one array wait and two are too many: the other three wait on, nothing has failed,
    and nothing is held for longer than it takes to cancel it."""
    with Cluster(tmp) as cluster:
        cluster.study("s", limits={"trials": 5})
        cluster.slurm.call("sbatch", "-N2", "--exclusive", "--wrap",
                           "until [ -e free ]; do sleep 0.1; done", cwd=cluster.home)
        cluster.until(lambda: cluster.tasks("RUNNING"), "both nodes are taken")
        follower = cluster.hone("submit slurm", "s", "--array=6", "--follow", "--interval=0.2",
                                "--worker-token-file", cluster.home / "worker.token",
                                "--", "sh", "-c", "echo hone: accuracy=$1", "job", "{x}")
        try:
            job = cluster.until(lambda: len(cluster.tasks("PENDING")) == 5 and cluster.tasks("PENDING"),
                                "five tasks wait")[0].partition("_")[0]
            cluster.ask("PATCH", "/v1/studies/s", {"limits": {"trials": 3}})
            cluster.until(lambda: len(cluster.tasks("PENDING")) < 5, "some are cancelled")
            cluster.until(lambda: cluster.log().count(" 3 pending") == 1, "the next round has seen it")
            expect(sorted(cluster.tasks("PENDING")), [f"{job}_{i}" for i in range(3)])
            cluster.ask("PATCH", "/v1/studies/s", {"state": "paused"})
            cluster.until(lambda: not cluster.tasks("PENDING"), "the others are cancelled too")
            cluster.ask("PATCH", "/v1/studies/s", {"limits": {"trials": 2}})
            cluster.ask("PATCH", "/v1/studies/s", {"state": "running"})
            cluster.until(lambda: len(cluster.tasks("PENDING")) == 2, "a new job, without a delay")
            (cluster.home / "free").touch()
            cluster.wait_for_the_end("s", 2)
            expect(follower.wait(SECONDS), 0, "it leaves with the study")
        finally:
            follower.kill()
            follower.communicate()
        said = cluster.log()
        assert "cancelling 2 of" in said and "cancelling 3 of" in said, said
        assert "trying again" not in said, said


def test_where_there_is_no_slurm_the_script_is_shown_all_the_same(tmp):
    with Server() as server, server.client() as client:
        expect(client.post("/v1/studies", study("s", limits={"trials": 5})).status, 201)
        command = [os.environ["HONE"], "submit", "slurm", "--server", server.url, "--token-file",
                   os.path.join(server.data, "admin.token"), "s"]

        def hone(*more):
            return subprocess.run([*command, *more, "--", "./train", "{x}"], capture_output=True,
                                  text=True, check=False, env={**os.environ, "PATH": str(tmp)})
        shown = hone("--dry-run", "--gpus=2", "--sbatch=--account=a")
        expect(shown.returncode, 0, shown.stderr)
        assert "#SBATCH --array=0-2\n" in shown.stdout, shown.stdout  # 5 trials, 2 slots a task
        assert "#SBATCH --account=a\n" in shown.stdout, shown.stdout
        assert "is this machine only" in shown.stderr, shown.stderr
        refused = hone()
        expect(refused.returncode, 3, refused.stderr)
        assert "there is no squeue here" in refused.stderr, refused.stderr
        expect(hone("--curl").stdout.startswith("curl "), True)
        for wrong in ["--gpus=0", "--array=4%", "--array=x", "--time=soon", "--interval=never"]:
            expect(hone(wrong).returncode, 2, wrong)


def submit_without_slurm(server, tmp, *options, command=("./train", "{x}"), **more):
    """`hone submit slurm s …`, where no program of Slurm is found."""
    return subprocess.run(
        [os.environ["HONE"], "submit", "slurm", "--server", server.url, "--token-file",
         os.path.join(server.data, "admin.token"), "s", *options, "--", *command],
        capture_output=True, text=True, check=False,
        env={**os.environ, "HONE_ALLOW_ROOT": "1", "PATH": str(tmp), **more})


def slurm_of_scripts(folder, queue):
    """A squeue that prints these lines, and an sbatch that keeps what it is given as `submitted`."""
    folder.mkdir(exist_ok=True)
    for name, line in ("squeue", f"printf '{queue}'"), \
            ("sbatch", f"/bin/cat >{folder}/submitted; echo 7"):
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)


def test_a_command_that_does_not_fit_the_study_is_not_submitted(tmp):
    with Server() as server, server.client() as client:
        expect(client.post("/v1/studies", study("s", limits={"trials": 5})).status, 201)
        for options in [], ["--dry-run"], ["--follow"]:
            for argument, words in (("{lrr}", "the command names {lrr}, which is no parameter; the study has"),
                                    ("--x={x", "{"), ("{resource.to}", "has no resource")):
                refused = submit_without_slurm(server, tmp, *options, command=["./train", argument])
                expect((refused.returncode, refused.stdout), (2, ""), refused.stderr)
                assert words in refused.stderr, refused.stderr


def test_workers_of_other_studies_do_not_count(tmp):
    """One waits, for whatever study; another runs a trial of this one. squeue is a script here."""
    with Server() as server, server.client() as client, server.client("worker") as worker:
        for name in "s", "other":
            expect(client.post("/v1/studies", study(name, limits={"trials": 3})).status, 201)
        expect(client.patch("/v1/studies/other", {"state": "paused"}).status, 200)
        waits = subprocess.Popen(
            [os.environ["HONE"], "worker", "--server", server.url, "--token-file",
             os.path.join(server.data, "worker.token"), "--study", "other", "--name", "idle", "--",
             "/bin/true"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: any(w["waiting"] for w in client.get("/v1/workers").json["items"]),
                       10, f"{waits.args} waits")
            expect(worker.post("/v1/studies/s/leases", {"worker": "busy:0"}).status, 201)
            slurm_of_scripts(tmp, "")
            for options in ["--dry-run"], []:
                done = submit_without_slurm(server, tmp, *options)
                expect(done.returncode, 0, done.stderr)
                assert "1 of its trials run elsewhere: busy:0\n" in done.stderr, done.stderr
                assert "idle" not in done.stderr, done.stderr
                script = done.stdout if options else (tmp / "submitted").read_text()
                assert "#SBATCH --array=0-1\n" in script, script
            expect(done.stdout, "7\n")
            slurm_of_scripts(tmp, "7_0|RUNNING|None\n7_1|PENDING|Resources\n")
            for options in ["--dry-run"], []:
                done = submit_without_slurm(server, tmp, *options)
                expect((done.returncode, done.stdout), (0, ""), done.stderr)
                assert "nothing is submitted: s has use for 3 slots; 1 of its trials run elsewhere " \
                    "(busy:0), and 2 tasks are in the queue already" in done.stderr, done.stderr
        finally:
            waits.terminate()
            waits.wait(SECONDS)


def test_a_task_that_starts_while_it_is_cancelled_goes_on(tmp):
    """Held too late, it is released, lest it stay held when it is queued again. Slurm is scripts."""
    with Server() as server, server.client() as client:
        expect(client.post("/v1/studies", study("s", limits={"trials": 1})).status, 201)
        slurm_of_scripts(tmp, "7_0|PENDING|Priority\\n7_1|PENDING|Priority\\n7_2|PENDING|Priority\\n")
        slurm_of_scripts(tmp / "later", "7_0|PENDING|Priority\\n7_1|PENDING|JobHeldUser\\n"
                         "7_2|RUNNING|JobHeldUser\\n")
        calls = tmp / "calls"
        for name in "scontrol", "scancel":
            (tmp / name).write_text(f"#!/bin/sh\n/bin/cp {tmp}/later/squeue {tmp}/squeue\n"
                                    f'echo "{name} $*" >>{calls}\n')
            (tmp / name).chmod(0o755)
        follower = subprocess.Popen(
            [os.environ["HONE"], "submit", "slurm", "--server", server.url, "--token-file",
             os.path.join(server.data, "admin.token"), "s", "--follow", "--", "./train", "{x}"],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "PATH": str(tmp)})
        try:
            wait_until(lambda: calls.exists() and "release" in calls.read_text(), SECONDS, "released")
        finally:
            follower.kill()
            follower.wait(SECONDS)
        expect(calls.read_text().splitlines(), ["scontrol hold 7_2 7_1", "scancel --state=PENDING 7_1",
                                                "scontrol release 7_2"])


def test_root_submits_no_workers_unless_it_says_so(tmp):
    if os.getuid() != 0:
        raise NotRun("this is not root")
    with Server() as server, server.client() as client:
        expect(client.post("/v1/studies", study("s", limits={"trials": 5})).status, 201)
        for options in [], ["--dry-run"], ["--follow"]:
            refused = submit_without_slurm(server, tmp, *options, HONE_ALLOW_ROOT="0")
            expect((refused.returncode, refused.stdout), (2, ""), refused.stderr)
            assert "say --worker=--allow-root (or HONE_ALLOW_ROOT=1)" in refused.stderr, refused.stderr
        for options, allow in ([], "1"), (["--worker=--allow-root"], "0"):
            shown = submit_without_slurm(server, tmp, "--dry-run", *options, HONE_ALLOW_ROOT=allow)
            expect(shown.returncode, 0, shown.stderr)


def test_submissions_that_come_to_nothing_are_given_up(tmp):
    """sbatch refuses; and nothing is submitted for work that cannot fit."""
    with Cluster(tmp) as cluster:
        cluster.study("s", limits={"trials": 2})
        job = ["--", "sh", "-c", "sleep 1; echo hone: accuracy=0.5"]
        refused = cluster.hone("submit slurm", "s", "--partition=none", *job)
        expect((refused.communicate()[0], refused.returncode), ("", 1))
        refused = cluster.hone("submit slurm", "s", "--time=2", *job)
        expect((refused.communicate()[0], refused.returncode), ("", 2))
        said = (cluster.home / "hone.log").read_text()
        assert "sbatch said: " in said and "3 minutes before the end" in said, said
        expect(cluster.slurm.queue(), {})


if __name__ == "__main__":
    main(globals())
