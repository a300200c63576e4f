"""A study of one trial, a worker that works it off, and what the server has of it afterwards: what a
disturbed run is compared with.
"""

import os
import subprocess

import hone
from cases import expect, script

SECONDS = 120
JOB = """
echo run >>"$1/runs"
echo hone: step=1 loss=0.5 acc=0.25
echo hone: step=2 loss=0.25 acc=0.5
echo hone: step=3 loss=0.125 acc=1
"""


def make(client, tmp, name):
    """The study, and its folder below `tmp`; the job of all of them lies beside it."""
    if not (tmp / "job.sh").exists():
        script(tmp, JOB)
    folder = tmp / name
    folder.mkdir()
    body = hone.study(name, limits={"trials": 1}, lease={"ttl_seconds": 15})
    expect(client.post("/v1/studies", body).status, 201)
    return folder


def work(server, folder, *options, **environment):
    """A worker to its end: (exit status, what it said)."""
    done = subprocess.run(
        [os.environ["HONE"], "worker", "--study", folder.name, "--exit-when-finished", "--workdir", str(folder / "work"),
         *options, "--", str(folder.parent / "job.sh"), str(folder)],
        env={**os.environ, "HONE_URL": server.url, "HONE_TOKEN_FILE": os.path.join(server.data, "worker.token"),
             **environment},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=SECONDS, check=False)
    return done.returncode, done.stdout


def n_runs(folder):
    """How often the job has begun."""
    runs = folder / "runs"
    return len(runs.read_text().splitlines()) if runs.exists() else 0


def outcome(client, study):
    """What the server has of the study's trial, but for how often it was tried; its curve; how each attempt ended."""
    [trial] = client.walk(f"/v1/studies/{study}/trials")
    path = f"/v1/studies/{study}/trials/1"
    attempts = client.get(f"{path}/attempts").json["items"]
    last = attempts[-1]["attempt"]
    curve = [(item["step"], item["metrics"]) for item in client.walk(f"{path}/measurements")
             if item.get("attempt", last) == last]
    kept = {key: trial.get(key) for key in ("state", "parameters", "seed", "value", "values", "step", "reason")}
    return kept, curve, [attempt["state"] for attempt in attempts]


def undisturbed(server, tmp):
    """The outcome of a run that nothing disturbs."""
    with server.client() as client:
        folder = make(client, tmp, "undisturbed")
        status, said = work(server, folder)
        expect(status, 0, said)
        kept, curve, ends = outcome(client, "undisturbed")
        expect((kept["state"], len(curve), ends), ("completed", 3, ["completed"]))
        return kept, curve
