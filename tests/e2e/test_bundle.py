#!/usr/bin/env python3
"""A bundle: trials leased for days, run where there is no network, and brought home."""

import contextlib
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import hone  # noqa: E402
from cases import expect, main, script, spool_kinds, wait_until  # noqa: E402

HONE = os.environ["HONE"]
SECONDS = 60
EXIT = 5  # the record of a job's end in a spool

STUDY = {"name": "s", "metric": "loss", "direction": "minimize", "strategy": "quasirandom", "seed": 1,
         "parameters": [{"name": "x", "type": "float", "low": 0, "high": 1}], "limits": {"trials": 6}}
RUNGS = {"name": "s", "metric": "loss", "direction": "minimize", "strategy": "successive_halving",
         "parameters": [{"name": "x", "type": "float", "low": 0, "high": 1}], "seed": 1,
         "resource": {"name": "epochs", "min": 8, "max": 8}, "limits": {"trials": 1}}

# Goes on from its checkpoint, and stands still at the fourth epoch of its first run.
RESUMING = """
import os, pathlib, signal, sys, time
folder = pathlib.Path(os.environ["HONE_CHECKPOINT_DIR"])
step = int(os.environ["HONE_RESOURCE_FROM"])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
while step < int(os.environ["HONE_RESOURCE_TO"]):
    step += 1
    print(f"hone: step={step} loss={1 / step}", flush=True)
    folder.joinpath("step").write_text(str(step))
    if step == 4 and "HONE_RESUME" not in os.environ:
        pathlib.Path(sys.argv[1]).touch()
        time.sleep(3600)
"""


def run(*arguments, url=None, status=0, before=()):
    """What the program says on stderr; its status must be this one."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HONE_") or k == "HONE_ALLOW_ROOT"}
    if url is not None:
        environment["HONE_URL"] = url
    done = subprocess.run([*before, HONE, *map(str, arguments)], env=environment, text=True, timeout=SECONDS,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    if status is not None:
        expect(done.returncode, status, f"exit status of hone {arguments}: {done.stdout}")
    return done.stdout


@contextlib.contextmanager
def serving(study):
    """A server with a study, and a client of it."""
    with hone.Server(args=["--open"]) as server, server.client(None) as client:
        reply = client.post("/v1/studies", study)
        expect(reply.status, 201, reply)
        yield server, client


def work(tmp, *command, before=(), **more):
    return run("worker", "--bundle", f"{tmp}/b.tar", "--workdir", f"{tmp}/work", "--slots", 2, "--",
               *command, before=before, **more)


def trials_of(client):
    keep = ("number", "state", "reason", "parameters", "value", "step", "attempt")
    return [{name: trial[name] for name in keep} for trial in client.walk("/v1/studies/s/trials")]


def without_network():
    """The command in front that cuts the network, if this machine lets us."""
    before = ["unshare", "--user", "--map-root-user", "--net"]
    can = subprocess.run([*before, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    return before if can else []


def test_results_are_those_of_an_undisturbed_run(tmp):
    job = script(tmp, 'echo "hone: step=1 loss=9"\ncase $1 in 0.[0-2]*) exit 3 ;; esac\necho "hone: step=2 loss=$1"\n')
    with serving(STUDY) as (server, client):
        run("worker", "--study", "s", "--workdir", f"{tmp}/direct", "--exit-when-finished", "--", job, "{x}",
            url=server.url)
        direct = trials_of(client)
    with serving(STUDY) as (server, client):
        expect("6 trials of 's'" in run("bundle", "s", "-n", 6, "-o", f"{tmp}/b.tar", url=server.url), True,
               "all leased")
        said = work(tmp, job, "{x}", before=without_network())
        expect("6 of 6 trials have ended" in said, True, said)
        said = run("absorb", f"{tmp}/b.tar.results", url=server.url)
        expect("6 results are home" in said, True, said)
        expect(trials_of(client), direct, "trials")
        study = client.get("/v1/studies/s").json
        expect((study["state"], study["counts"]["failed"]), ("finished", 2), "the study")
        measured = client.get("/v1/studies/s/trials/1/measurements").json["items"]
        expect(len(measured), 2, measured)


def test_twice_home_is_harmless_and_so_is_a_tar_file(tmp):
    job = script(tmp, 'echo "hone: loss=$1"\n')
    with serving(STUDY) as (server, client):
        run("bundle", "s", "-n", 3, "-o", f"{tmp}/b.tar", url=server.url)
        work(tmp, job, "{x}")
        with tarfile.open(f"{tmp}/r.tar.gz", "w:gz") as tar:
            tar.add(f"{tmp}/b.tar.results", "results")
        first = run("absorb", f"{tmp}/r.tar.gz", url=server.url)
        trials = trials_of(client)
        events = client.get("/v1/events?follow=false").body
        second = run("absorb", f"{tmp}/b.tar.results", f"{tmp}/r.tar.gz", url=server.url)
        expect("3 results are home" in first, True, first)
        expect("6 results are home" in second, True, second)
        expect(trials_of(client), trials, "trials")
        expect(client.get("/v1/events?follow=false").body, events, "events")


def test_a_folder_with_results_of_another_bundle_is_refused(tmp):
    job = script(tmp, 'echo "hone: loss=$1"\n')
    with serving(STUDY) as (server, client):
        run("bundle", "s", "-n", 2, "-o", f"{tmp}/b.tar", url=server.url)
        work(tmp, job, "{x}")
        run("absorb", f"{tmp}/b.tar.results", url=server.url)
        os.remove(f"{tmp}/b.tar")
        run("bundle", "s", "-n", 2, "-o", f"{tmp}/b.tar", url=server.url)
        said = work(tmp, job, "{x}", status=2)
        assert "b.tar.results has results of another bundle" in said and "of study 's'" in said, said
        os.rename(f"{tmp}/b.tar.results", f"{tmp}/old")
        work(tmp, job, "{x}")
        said = work(tmp, job, "{x}")  # its own ones are no obstacle
        assert "2 of 2 trials have ended" in said, said
        run("absorb", f"{tmp}/b.tar.results", url=server.url)
        expect(client.get("/v1/studies/s").json["counts"]["completed"], 4, "trials")


def test_results_of_another_server_are_told_apart(tmp):
    with serving(STUDY) as (server, _), serving(STUDY) as (other, _):
        run("bundle", "s", "-n", 2, "-o", f"{tmp}/b.tar", url=server.url)
        work(tmp, script(tmp, 'echo "hone: loss=1"\n'))
        said = run("absorb", f"{tmp}/b.tar.results", url=other.url)
        for words in ("0 results are home", "no such lease of study 's'", "2 do not count: they are of another server"):
            assert words in said, said
        for header in ("{}", '{"lease": "l_1"}'):
            pathlib.Path(tmp, "r").mkdir(exist_ok=True)
            pathlib.Path(tmp, "r", "00001.ndjson").write_text(header + "\n")
            said = run("absorb", f"{tmp}/r", url=server.url, status=2)
            assert "00001.ndjson is no result of a bundle" in said, said
        pathlib.Path(tmp, "r", "00001.ndjson").unlink()
        os.mkfifo(f"{tmp}/r/00001.ndjson")
        said = run("absorb", f"{tmp}/r", url=server.url, status=2)
        assert "00001.ndjson is no file of results" in said, said


def test_killed_workers_and_several_at_once_run_each_trial_to_its_end_once(tmp):
    job = script(tmp, f'echo x >> {tmp}/begun\n[ ! -e {tmp}/hang ] || sleep 3600\necho "hone: loss=$1"\n')
    begun = pathlib.Path(tmp, "begun")
    with serving(STUDY) as (server, client):
        run("bundle", "s", "-n", 6, "-o", f"{tmp}/b.tar", url=server.url)
        pathlib.Path(tmp, "hang").touch()
        first = subprocess.Popen([HONE, "worker", "--bundle", f"{tmp}/b.tar", "--workdir", f"{tmp}/work",
                                  "--slots", "2", "--", job, "{x}"], stderr=subprocess.DEVNULL)
        wait_until(lambda: begun.exists() and len(begun.read_text().split()) == 2, "two jobs")
        first.kill()
        first.wait()
        pathlib.Path(tmp, "hang").unlink()
        others = [subprocess.Popen([HONE, "worker", "--bundle", f"{tmp}/b.tar", "--workdir", f"{tmp}/work{i}",
                                    "--", job, "{x}"], stderr=subprocess.DEVNULL) for i in range(3)]
        expect([other.wait(SECONDS) for other in others], [0, 0, 0], "exit statuses")
        expect(len(begun.read_text().split()), 8, "jobs that began")
        run("absorb", f"{tmp}/b.tar.results", url=server.url)
        counts = client.get("/v1/studies/s").json["counts"]
        expect(counts["completed"], 6, counts)


def test_interrupted_job_goes_on_from_its_checkpoint(tmp):
    job = pathlib.Path(tmp, "job.py")
    job.write_text(RESUMING)
    standing = pathlib.Path(tmp, "standing")
    command = [HONE, "worker", "--bundle", f"{tmp}/b.tar", "--workdir", f"{tmp}/work", "--", sys.executable,
               str(job), str(standing)]
    with serving(RUNGS) as (server, client):
        run("bundle", "s", "-n", 1, "-o", f"{tmp}/b.tar", url=server.url)
        first = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_until(standing.exists, "the fourth epoch")
        first.send_signal(signal.SIGTERM)
        first.wait(SECONDS)
        expect(pathlib.Path(f"{tmp}/b.tar.results/00001.resume").exists(), True, "its checkpoint is known")
        second = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=SECONDS, check=False)
        expect(second.returncode, 0, f"second run: {second.stderr}")
        run("absorb", f"{tmp}/b.tar.results", url=server.url)
        measured = client.get("/v1/studies/s/trials/1/measurements").json["items"]
        expect([(item["step"], item["metrics"]["loss"]) for item in measured],
               [(step, 1 / step) for step in range(1, 9)], "its curve")
        expect(trials_of(client)[0]["state"], "completed", "the trial")


def test_a_trial_with_its_checkpoint_at_the_server_begins_again_and_it_is_said(tmp):
    job = script(tmp, f'echo "$HONE_RESOURCE_FROM" >>{tmp}/from\necho "hone: step=8 loss=1"\n')
    with serving(RUNGS) as (server, client):
        lease = client.post("/v1/studies/s/leases", {}).json["lease"]["id"]
        uri = client.request("PUT", f"/v1/leases/{lease}/checkpoint", raw=b"x" * 1000,
                             headers={"Content-Type": "application/x-tar"}).json["uri"]
        reply = client.put(f"/v1/leases/{lease}/result", {"outcome": "preempted", "step": 3,
                                                          "checkpoint": {"uri": uri, "step": 3}})
        expect(reply.status, 200, reply)
        said = run("bundle", "s", "-n", 1, "-o", f"{tmp}/b.tar", url=server.url)
        assert "1 of them begins again at 0: the checkpoint is at the server" in said, said
        said = work(tmp, job)
        expect(pathlib.Path(tmp, "from").read_text().split(), ["0"], f"where it begins; {said}")
        run("absorb", f"{tmp}/b.tar.results", url=server.url)
        expect(trials_of(client)[0]["state"], "completed", "the trial")


def test_worker_that_takes_up_a_live_job_has_its_claim_again(tmp):
    job = script(tmp, f'echo x >> {tmp}/begun\necho "hone: step=1 loss=1"\n'
                 f'while [ ! -e {tmp}/go ]; do sleep 0.05; done\necho "hone: step=2 loss=0.5"\n')
    begun = pathlib.Path(tmp, "begun")
    part = pathlib.Path(f"{tmp}/b.tar.results/00001.part")
    command = [HONE, "worker", "--bundle", f"{tmp}/b.tar", "--workdir", f"{tmp}/work", "--keep-jobs", "--", job]
    with serving(dict(STUDY, limits={"trials": 1})) as (server, client):
        run("bundle", "s", "-n", 1, "-o", f"{tmp}/b.tar", url=server.url)
        first = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_until(lambda: part.exists() and "measurements" in part.read_text(), "the first measurement")
        first.kill()
        first.wait()
        second = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        pathlib.Path(tmp, "go").touch()
        said = second.communicate(timeout=SECONDS)[1]
        expect(second.returncode, 0, said)
        expect(begun.read_text().split(), ["x"], f"jobs begun; {said}")
        run("absorb", f"{tmp}/b.tar.results", url=server.url)
        measured = client.get("/v1/studies/s/trials/1/measurements").json["items"]
        expect([item["metrics"]["loss"] for item in measured], [1, 0.5], "its curve")


# Steps until the file DIR/go is there; the values tell runs apart.
COUNTING = """
import os, pathlib, sys, time
folder, trial = pathlib.Path(sys.argv[1]), os.environ["HONE_TRIAL"]
with open(folder / "begun", "a", encoding="ascii") as begun:
    begun.write(trial + os.environ.get("RUN", "") + "\\n")
for step in range(1, 7):
    print(f"hone: step={step} loss={step + 10 * len(os.environ.get('RUN', ''))}", flush=True)
    while step == 3 and trial != "1" and not (folder / "go").exists():
        time.sleep(0.02)
"""


def counting(tmp, *options, run=""):
    """A worker of the bundle, whose jobs but the first trial's stand at step 3."""
    job = pathlib.Path(tmp, "job.py")
    job.write_text(COUNTING)
    return subprocess.Popen([HONE, "worker", "--bundle", f"{tmp}/b.tar", "--workdir", f"{tmp}/work", *options,
                             "--", sys.executable, str(job), str(tmp)],
                            stderr=subprocess.PIPE, text=True, env=dict(os.environ, RUN=run))


def has_measured(tmp, number, step):
    part = pathlib.Path(f"{tmp}/b.tar.results/{number:05}.part")
    return part.exists() and f'"step":{step}' in part.read_text()


def curve_of(client, number):
    measured = client.get(f"/v1/studies/s/trials/{number}/measurements").json["items"]
    return [item["metrics"]["loss"] for item in measured]


def test_no_slot_takes_a_trial_that_another_takes_up(tmp):
    for options in (["--keep-jobs"], []):
        with tempfile.TemporaryDirectory() as folder, serving(dict(STUDY, limits={"trials": 2})) as (server, client):
            run("bundle", "s", "-n", 2, "-o", f"{folder}/b.tar", url=server.url)
            first = counting(folder, "--slots", "2", *options)
            wait_until(lambda: os.path.exists(f"{folder}/b.tar.results/00001.ndjson"), "the end of the first trial")
            wait_until(lambda: has_measured(folder, 2, 3), "the middle of the second")
            first.kill()
            first.communicate()
            pathlib.Path(folder, "go").touch()
            second = counting(folder, "--slots", "2", *options)
            said = second.communicate(timeout=SECONDS)[1]
            expect(second.returncode, 0, said)
            begun = pathlib.Path(folder, "begun").read_text().split()
            expect(begun.count("2"), 1 if options else 2, f"runs of the second trial, {options}: {said}")
            run("absorb", f"{folder}/b.tar.results", url=server.url)
            expect(curve_of(client, 2), [1, 2, 3, 4, 5, 6], f"its curve, {options}")


def test_a_run_that_was_overtaken_is_let_go(tmp):
    with serving(dict(STUDY, limits={"trials": 2})) as (server, client):
        run("bundle", "s", "-n", 2, "-o", f"{tmp}/b.tar", url=server.url)
        first = counting(tmp, "--keep-jobs", "--state-dir", f"{tmp}/a")
        wait_until(lambda: has_measured(tmp, 2, 3), "the middle of the second trial")
        first.kill()
        first.communicate()
        other = counting(tmp, "--state-dir", f"{tmp}/b", run="b")
        wait_until(lambda: "2b" in pathlib.Path(tmp, "begun").read_text(), "another run of it")
        wait_until(lambda: has_measured(tmp, 2, 3), "its middle")
        again = counting(tmp, "--keep-jobs", "--state-dir", f"{tmp}/a")
        said = again.communicate(timeout=SECONDS)[1]
        assert "not ours any more" in said or "has ended" in said or "are running" in said, said
        pathlib.Path(tmp, "go").touch()
        other.communicate(timeout=SECONDS)
        run("absorb", f"{tmp}/b.tar.results", url=server.url)
        expect(curve_of(client, 2), [11, 12, 13, 14, 15, 16], "the curve of one run")


# Waits for the file DIR/go-TRIAL, between two steps.
STANDING = """echo "$HONE_TRIAL" >>{tmp}/begun
echo "hone: step=1 loss=1"
while [ ! -e {tmp}/go-$HONE_TRIAL ]; do sleep 0.05; done
echo "hone: step=2 loss=0.$HONE_TRIAL"
"""


def begun(tmp):
    path = pathlib.Path(tmp, "begun")
    return path.read_text().split() if path.exists() else []


def online(tmp, url, job, *options):
    """A worker of the server, in the state directory of those of the bundle."""
    return subprocess.Popen([HONE, "worker", "--study", "s", "--max-trials", "1", "--workdir", f"{tmp}/work", *options,
                             "--", job, "{x}"], env=dict(os.environ, HONE_URL=url), stderr=subprocess.PIPE, text=True)


def test_a_result_for_the_server_is_none_of_the_bundle(tmp):
    job = script(tmp, STANDING.format(tmp=tmp))
    with serving(dict(STUDY, limits={"trials": 3})) as (server, _):
        run("bundle", "s", "-n", 1, "-o", f"{tmp}/b.tar", url=server.url)
        worker = online(tmp, server.url, job)
        wait_until(lambda: begun(tmp) == ["2"], "its job")
        server.kill()
        for number in (1, 2, 3):
            pathlib.Path(tmp, f"go-{number}").touch()
        spool = next(pathlib.Path(tmp, "work").glob("workers/*/slot-0.spool"))
        wait_until(lambda: EXIT in spool_kinds(spool), "the end of its job is noted")
        worker.kill()
        worker.communicate()
        said = run("worker", "--bundle", f"{tmp}/b.tar", "--workdir", f"{tmp}/work", "--", job, "{x}")
        assert "which this worker does not serve" in said and "1 of 1 trials have ended" in said, said
        server.start()
        said = online(tmp, server.url, job).communicate(timeout=SECONDS)[1]
        with server.client(None) as client:
            trials = {trial["number"]: trial for trial in trials_of(client)}
        expect((trials[2]["state"], trials[2]["value"]), ("completed", 0.2), said)


def test_a_kept_job_of_the_bundle_is_left_alone_by_a_worker_of_the_server(tmp):
    job = script(tmp, STANDING.format(tmp=tmp))
    command = [HONE, "worker", "--bundle", f"{tmp}/b.tar", "--keep-jobs", "--workdir", f"{tmp}/work", "--", job]
    with serving(dict(STUDY, limits={"trials": 2})) as (server, client):
        run("bundle", "s", "-n", 1, "-o", f"{tmp}/b.tar", url=server.url)
        first = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_until(lambda: has_measured(tmp, 1, 1), "the middle of its job")
        first.kill()
        first.wait()
        state = next(pathlib.Path(tmp, "work").glob("workers/*"))
        said = run("worker", "--study", "s", "--state-dir", state, "--workdir", f"{tmp}/work", "--", job, "{x}",
                   url=server.url, status=75)
        assert "still runs" in said and "name another directory" in said, said
        pathlib.Path(tmp, "go-2").touch()
        other = online(tmp, server.url, job, "--keep-jobs")
        said = other.communicate(timeout=SECONDS)[1]
        expect(other.returncode, 0, said)
        pathlib.Path(tmp, "go-1").touch()
        again = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=SECONDS, check=True)
        expect(begun(tmp), ["1", "2"], f"jobs that began; {again.stderr}")
        run("absorb", f"{tmp}/b.tar.results", url=server.url)
        expect({trial["number"]: trial["value"] for trial in trials_of(client)}, {1: 0.1, 2: 0.2}, again.stderr)
        expect(curve_of(client, 1), [1, 0.1], "the curve of the job that was kept")


def test_an_interrupted_bundle_leases_nothing(tmp):
    with serving(dict(STUDY, limits={})) as (server, client):
        asking = subprocess.Popen([HONE, "bundle", "s", "-n", "9000", "-o", f"{tmp}/b.tar"], text=True,
                                  env=dict(os.environ, HONE_URL=server.url), stderr=subprocess.PIPE)
        wait_until(lambda: client.get("/v1/studies/s").json["counts"]["running"] > 5, "some are leased")
        asking.terminate()
        said = asking.communicate(timeout=SECONDS)[1]
        expect((asking.returncode, client.get("/v1/studies/s").json["counts"]["running"]), (130, 0), said)
        expect(os.path.exists(f"{tmp}/b.tar"), False, "a file")


def test_a_killed_bundle_is_handed_back_by_the_next(tmp):
    with serving(dict(STUDY, limits={})) as (server, client):
        def running():
            return client.get("/v1/studies/s").json["counts"]["running"]
        asking = subprocess.Popen([HONE, "bundle", "s", "-n", "9000", "-o", f"{tmp}/b.tar"],
                                  env=dict(os.environ, HONE_URL=server.url), stderr=subprocess.DEVNULL)
        wait_until(lambda: running() > 5, "some are leased")
        said = run("bundle", "s", "-n", 1, "-o", f"{tmp}/b.tar", url=server.url, status=75)
        assert "another 'hone bundle' writes" in said, said
        asking.kill()
        asking.wait()
        # what it had sent by then is answered before this
        expect(client.patch("/v1/studies/s", {"priority": 1}).status, 200, "a change")
        left = running()
        assert left > 5, left
        leased = pathlib.Path(f"{tmp}/b.tar.leased")
        lines = leased.read_text().splitlines(keepends=True)
        if len(lines) == left + 1:  # as if it had been killed before the last one was noted
            leased.write_text("".join(lines[:-1]) + lines[-1][:5])
        with serving(STUDY) as (other, _):
            said = run("bundle", "s", "-n", 1, "-o", f"{tmp}/b.tar", url=other.url, status=2)
            assert f"repeat this with --server {server.url}" in said, said
        said = run("bundle", "s", "-n", 2, "-o", f"{tmp}/b.tar", url=server.url)
        assert "leases of a 'hone bundle' that was killed are handed back" in said, said
        expect((running(), leased.exists()), (2, False), f"trials that run, of {left}; {said}")


def test_what_was_leased_before_the_server_went_away_is_a_bundle(tmp):
    with serving(dict(STUDY, limits={})) as (server, client):
        asking = subprocess.Popen([HONE, "bundle", "s", "-n", "9000", "-o", f"{tmp}/b.tar"], text=True,
                                  env=dict(os.environ, HONE_URL=server.url), stderr=subprocess.PIPE)
        wait_until(lambda: client.get("/v1/studies/s").json["counts"]["running"] > 5, "some are leased")
        server.kill()
        said = asking.communicate(timeout=SECONDS)[1]
        expect(asking.returncode, 5, said)
        assert "has only" in said, said
        with tarfile.open(f"{tmp}/b.tar") as tar:
            n_leases = sum(name.startswith("leases/") for name in tar.getnames())
        server.start()
        with server.client(None) as again:
            running = again.get("/v1/studies/s").json["counts"]["running"]
        assert n_leases <= running <= n_leases + 1, (n_leases, running)  # the last answer may have been lost


def test_what_others_have_taken_meanwhile_does_not_count(tmp):
    job = script(tmp, 'echo "hone: loss=0.25"\n')
    short = dict(STUDY, limits={"trials": 1})
    with serving(short) as (server, client):
        run("bundle", "s", "-n", 1, "--ttl", "15s", "-o", f"{tmp}/b.tar", url=server.url)
        work(tmp, job)
        bundle = json.loads(tarfile.open(f"{tmp}/b.tar").extractfile("leases/00001.json").read())
        client.delete(f"/v1/leases/{bundle['lease']['id']}")
        lease = client.post("/v1/studies/s/leases", {}).json["lease"]["id"]
        client.put(f"/v1/leases/{lease}/result", {"outcome": "completed", "metrics": {"loss": 0.75}})
        said = run("absorb", f"{tmp}/b.tar.results", url=server.url)
        expect("1 do not count" in said, True, said)
        expect(trials_of(client)[0]["value"], 0.75, "the value")


def test_fewer_than_asked_for_is_said_and_none_is_an_error(tmp):
    with serving(STUDY) as (server, _):
        said = run("bundle", "s", "-n", 10, "-o", f"{tmp}/b.tar", url=server.url)
        expect("6 trials of 's'" in said and "no more can be leased now" in said, True, said)
        said = run("bundle", "s", "-n", 1, "-o", f"{tmp}/c.tar", url=server.url, status=1)
        expect("nothing can be leased now" in said, True, said)
        expect(os.path.exists(f"{tmp}/c.tar"), False, "a file")
        said = run("bundle", "s", "-n", 1, "-o", f"{tmp}/b.tar", url=server.url, status=4)
        expect("exists" in said, True, said)


def test_bundle_that_cannot_be_written_leaves_no_lease(tmp):
    with serving(STUDY) as (server, client):
        said = run("bundle", "s", "-n", 2, "-o", f"{tmp}/no/such/b.tar", url=server.url, status=1)
        expect("cannot be made" in said, True, said)
        workers = client.get("/v1/studies/s").json["counts"]
        expect(workers["running"], 0, workers)


def write_tar(path, **members):
    with tarfile.open(path, "w") as tar:
        for name, text in members.items():
            info = tarfile.TarInfo(name.replace("__", "/") + ".json")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))


def test_what_is_no_bundle_is_refused_by_name(tmp):
    about = json.dumps({"version": 1, "study": "s", "server": "http://127.0.0.1:1", "leases": 1})
    lease = json.dumps({"lease": {"id": "l_1"}, "study": "other", "trial": {"number": 1}})
    own = lease.replace("other", "s")
    path = f"{tmp}/b.tar"
    cases = [
        (lambda: pathlib.Path(path).write_text("no tar"), "b.tar"),
        (lambda: write_tar(path, leases__00001=lease), "bundle.json does not stand first"),
        (lambda: write_tar(path, bundle=about.replace("1,", "7,", 1)), "version 7"),
        (lambda: write_tar(path, bundle=about, leases__00001=lease), "study other"),
        (lambda: write_tar(path, bundle=about, leases__00001="{"), "leases/00001.json"),
        (lambda: write_tar(path, bundle=about, leases__00001="{}"), "a lease needs an id"),
        (lambda: write_tar(path, bundle=about, leases__00001=lease.replace("l_1", "l.1")), '"l.1" is no id'),
        (lambda: write_tar(path, bundle=about, leases__00001=own, leases__00002=own), "lease l_1 stands there twice"),
        (lambda: shutil.copy("/dev/null", path), "b.tar"),
    ]
    for make, expected in cases:
        make()
        said = run("worker", "--bundle", path, "--workdir", f"{tmp}/w", "--", "true", status=None)
        expect(expected in said, True, said)
    said = run("worker", "--bundle", path, "--study", "s", "--", "true", status=2)
    expect("names its study" in said, True, said)


def test_a_compressed_file_starts_no_program(tmp):
    """What a file says at its start that it is compressed with is not run."""
    ran = pathlib.Path(tmp, "ran")
    programs = pathlib.Path(tmp, "bin")
    programs.mkdir()
    for name in ("grzip", "lrzip", "lzop"):
        shutil.copy(script(tmp, f"echo {name} >> {ran}\n"), programs / name)
    before = ["env", f"PATH={programs}:{os.environ['PATH']}"]
    for begins in (b"GRZipII\0\2\4:)", b"LRZI\0\6", b"\x89LZO\0\r\n\x1a\n"):
        path = pathlib.Path(tmp, "b.tar")
        path.write_bytes(begins.ljust(1024, b"\0"))
        run("absorb", path, url="http://127.0.0.1:1", status=None, before=before)
        said = run("worker", "--bundle", path, "--workdir", f"{tmp}/w", "--", "true", status=None, before=before)
        expect("b.tar" in said, True, said)
        expect(ran.exists(), False, f"{begins} started a program")


if __name__ == "__main__":
    main(globals())
