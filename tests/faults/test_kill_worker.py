#!/usr/bin/env python3
"""Workers that are killed at every change of a file, and restarted.

Each case is a study of one trial. Its first worker dies by SIGKILL instead of making its k-th change (a
write, a sync, a rename, …), or in the middle of its k-th write; a second one goes on in the same work directory.
Whatever k is, the server must have in the end what it has of an undisturbed run, and a job whose end was
recorded must not have run twice.
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import hone  # noqa: E402
from cases import expect, main, spool_kinds  # noqa: E402

HONE = os.environ["HONE"]
SECONDS = 120
MOST_CHANGES = 200
AT_ONCE = 4
RUN, EXIT, RESULT = 2, 5, 6  # kinds of records

JOB = """#!/bin/sh
echo run >>"$1/runs"
echo hone: step=1 loss=0.5 acc=0.25
echo hone: step=2 loss=0.25 acc=0.5
echo hone: step=3 loss=0.125 acc=1
"""


def records(folder):
    return [kind for path in folder.glob("work/workers/*/*.spool") for kind in spool_kinds(path)]


def work(server, folder, study, **environment):
    """A worker to its end: (exit status, what it said)."""
    done = subprocess.run(
        [HONE, "worker", "--study", study, "--exit-when-finished", "--workdir", str(folder / "work"),
         "--", str(folder.parent / "job.sh"), str(folder)],
        env={**os.environ, "HONE_URL": server.url, "HONE_TOKEN_FILE": os.path.join(server.data, "worker.token"),
             **environment},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=SECONDS, check=False)
    return done.returncode, done.stdout


def outcome(client, study):
    """What the server has of the study's trial, but for how often it was tried."""
    [trial] = client.walk(f"/v1/studies/{study}/trials")
    path = f"/v1/studies/{study}/trials/1"
    attempts = client.get(f"{path}/attempts").json["items"]
    last = attempts[-1]["attempt"]
    curve = [(item["step"], item["metrics"]) for item in client.walk(f"{path}/measurements")
             if item.get("attempt", last) == last]
    kept = {key: trial.get(key) for key in ("state", "parameters", "seed", "value", "values", "step", "reason")}
    return kept, curve, [attempt["state"] for attempt in attempts]


class Cases:
    def __init__(self, tmp):
        self.tmp = tmp
        job = tmp / "job.sh"
        job.write_text(JOB)
        job.chmod(0o755)

    def make(self, client, study):
        folder = self.tmp / study
        folder.mkdir()
        body = hone.study(study, limits={"trials": 1}, lease={"ttl_seconds": 15})
        reply = client.post("/v1/studies", body)
        expect(reply.status, 201)
        return folder

    def undisturbed(self, server):
        with server.client() as client:
            folder = self.make(client, "undisturbed")
            status, said = work(server, folder, "undisturbed")
            expect(status, 0, said)
            kept, curve, outcomes = outcome(client, "undisturbed")
            expect((kept["state"], len(curve), outcomes), ("completed", 3, ["completed"]))
            return kept, curve

    def killed(self, server, wanted, k, tears):
        """True when the first worker came to its end before its k-th change."""
        study = f"{'torn' if tears else 'killed'}-{k}"
        with server.client() as client:
            folder = self.make(client, study)
            tearing = {"HONE_TEST_TEAR": "1"} if tears else {}
            status, said = work(server, folder, study, **hone.preload_env(HONE_TEST_DIE_AT=k, **tearing))
            if status == 0:
                return True
            expect(status, -9, f"{study}: {said}")
            left = records(folder)
            runs = folder / "runs"
            n_before = len(runs.read_text().splitlines()) if runs.exists() else 0
            status, said = work(server, folder, study)
            expect(status, 0, f"{study}: {said}")
            kept, curve, outcomes = outcome(client, study)
            expect((kept, curve), wanted, f"{study}, which left {left}: {outcomes}\n{said}")
            n_runs = len(runs.read_text().splitlines())
            if EXIT in left or RESULT in left:
                expect((n_before, n_runs, outcomes), (1, 1, ["completed"]), f"{study}, which left {left}")
            expect(n_runs <= 2 and len(outcomes) <= 2, True, f"{study}: {n_runs} runs, {outcomes}")
            expect(records(folder), [], f"{study}: what is left")
            return False

    def all(self, tears):
        with hone.Server() as server, concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            kept, curve = self.undisturbed(server)
            wanted = ({**kept, "parameters": kept["parameters"]}, curve)
            n_done = 0
            for first in range(1, MOST_CHANGES, AT_ONCE):
                ends = list(pool.map(lambda k: self.killed(server, wanted, k, tears), range(first, first + AT_ONCE)))
                n_done += ends.count(False)
                if all(ends):
                    print(f"killed at each of {n_done} {'writes' if tears else 'changes'}", flush=True)
                    return n_done
        raise AssertionError("a worker never came to its end")


def test_a_worker_killed_at_any_change_loses_nothing(tmp):
    expect(Cases(tmp).all(tears=False) > 20, True)


def test_a_write_torn_by_the_kill_is_no_record(tmp):
    expect(Cases(tmp).all(tears=True) > 5, True)


main(globals())
