#!/usr/bin/env python3
"""hydra/sweeper=hone in Hydra itself: each kind of override, pruning, several at a time, what goes wrong."""

import json
import pathlib
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/support"))
from cases import expect, main, wait_until  # noqa: E402
from served import Served  # noqa: E402

from omegaconf import OmegaConf  # noqa: E402

PROGRAM = '''
import json, os, sys
import hydra, hone
from hydra.core.config_store import ConfigStore
store = ConfigStore.instance()
store.store(group="db", name="lite", node={{"size": 1}})
store.store(group="db", name="large", node={{"size": 9}})
store.store(name="config", node={{"defaults": [{{"db": "lite"}}, "_self_"], "x": 1.0, "n": 1, "act": "a", "model": {{"lr": .1}}}})

@hydra.main(version_base=None, config_path=None, config_name="config")
def task(cfg):
    trial = hone.current_trial()
    with open({seen!r}, "a") as file:
        file.write(json.dumps({{"trial": trial.number, "x": repr(cfg.x), "n": repr(cfg.n), "act": repr(cfg.act),
                               "lr": repr(cfg.model.lr), "db": cfg.db.size, "pid": os.getpid()}}) + "\\n")
{body}
task()
'''


class App:
    """A Hydra program in a folder, and a server for it."""

    def __init__(self, tmp, server, body, **environment):
        self.tmp, self.server = tmp, server
        self.seen = tmp / "seen.ndjson"
        self.program = tmp / "task.py"
        self.program.write_text(PROGRAM.format(seen=str(self.seen), body="    " + body.replace("\n", "\n    ")))
        self.environment = server.environment(**environment)
        self.api = server.connect()

    def words(self, *overrides):
        return [sys.executable, str(self.program), "-m", "hydra/sweeper=hone", f"hydra.sweep.dir={self.tmp}/out",
                *overrides]

    def run(self, *overrides, status=0):
        done = subprocess.run(self.words(*overrides), cwd=self.tmp, env=self.environment, text=True,
                              capture_output=True, timeout=240, check=False)
        expect(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def jobs(self):
        return [json.loads(line) for line in self.seen.read_text().splitlines()]

    def study(self, name="task"):
        return self.api.request("GET", f"/v1/studies/{name}")

    def trials(self, name="task"):
        return self.api.request("GET", f"/v1/studies/{name}/trials")["items"]


def test_each_kind_of_override(tmp):
    with Served(tmp) as server:
        app = App(tmp, server, "return cfg.x ** 2")
        said = app.run("x=tag(log, interval(1e-3, 10))", "n=range(1, 8, 2)", "act=choice('a b', \"it's\", 3, true, 'true', 'a\\\\')",
                       "model.lr=tag(int, interval(1, 4))", "db=glob(*)", "hydra.sweeper.n_trials=12",
                       "hydra.sweeper.strategy=random")
        kinds = {one["name"]: {k: v for k, v in one.items() if k != "name"} for one in app.study()["parameters"]}
        expect((kinds["x"]["type"], kinds["x"]["scale"], kinds["x"]["low"], kinds["x"]["high"]),
               ("float", "log", 1e-3, 10))
        expect((kinds["n"]["type"], kinds["n"]["low"], kinds["n"]["high"], kinds["n"]["step"]), ("int", 1, 7, 2))
        expect(kinds["act"]["choices"], ["a b", "it's", 3, True, "true", "a\\"])
        expect((kinds["model.lr"]["type"], kinds["model.lr"]["high"]), ("int", 4))
        expect(sorted(kinds["db"]["choices"]), ["large", "lite"])
        trials, jobs = {one["number"]: one for one in app.trials()}, app.jobs()
        expect(len(jobs), 12)
        for job in jobs:  # what the task has got is what was suggested, of the same type
            given = trials[job["trial"]]["parameters"]
            expect(job["x"], repr(float(given["x"])))
            expect((job["n"], job["act"], job["lr"]), tuple(repr(given[k]) for k in ("n", "act", "model.lr")))
            expect(job["db"], 9 if given["db"] == "large" else 1)
        best = min(trials.values(), key=lambda one: one["value"])
        found = OmegaConf.load(tmp / "out/optimization_results.yaml")
        expect((found.trial, found.best_evaluated_result), (best["number"], best["value"]))
        expect(f"trial {best['number']}" in said, True, said)
        expect(sorted(path.name for path in (tmp / "out").iterdir() if path.is_dir()),
               sorted(str(number) for number in trials))


def test_trials_are_stopped_while_others_run(tmp):
    body = "for step in range(1, 6):\n    trial.report(step, value=cfg.x)\n    trial.check()\n"
    with Served(tmp) as server:
        app = App(tmp, server, body)
        app.run("x=interval(0, 10)", "hydra.sweeper.n_trials=9", "hydra.sweeper.n_jobs=3",
                "hydra.sweeper.definition={stopping: {rule: threshold, step: 2, value: 5}}")
        states = {(one["state"], one["value"] > 5) for one in app.trials()}
        expect(states, {("pruned", True), ("completed", False)})
        expect(len({job["pid"] for job in app.jobs()}), 9, "processes")


def test_failures_are_told_and_the_study_goes_on(tmp):
    body = ("if cfg.n == 1: raise RuntimeError('no such thing')\nif cfg.n == 2: raise hone.Infeasible('too large')\n"
            "if cfg.n == 3: os._exit(7)\nif cfg.n == 4: return 'text'\nif cfg.n == 5: return float('nan')\nreturn cfg.n")
    with Served(tmp) as server:
        app = App(tmp, server, body)
        app.run("n=1,2,3,4,5,6", "hydra.sweeper.strategy=grid", "hydra.sweeper.n_jobs=2")
        ended = {one["parameters"]["n"]: one for one in app.trials()}
        expect({n: one["state"] for n, one in ended.items()},
               {1: "failed", 2: "infeasible", 3: "failed", 4: "failed", 5: "failed", 6: "completed"})
        for n, wanted in (1, "no such thing"), (3, "status 7"), (4, "give a number"):
            attempts = app.api.request("GET", f"/v1/studies/task/trials/{ended[n]['number']}/attempts")
            expect(wanted in json.dumps(attempts), True, attempts)


def test_several_objectives(tmp):
    with Served(tmp) as server:
        app = App(tmp, server, "return cfg.x, 1 / cfg.x")
        app.run("x=1,2", "hydra.sweeper.strategy=grid", "hydra.sweeper.metric=[a, b]")
        expect(app.study()["objectives"][1]["metric"], "b")
        found = OmegaConf.load(tmp / "out/optimization_results.yaml")
        expect(sorted(list(one["values"]) for one in found.solutions), [[1, 1], [2, .5]])


def test_the_same_command_goes_on(tmp):
    with Served(tmp) as server:
        app = App(tmp, server, "return cfg.x")
        app.run("x=interval(0, 1)", "hydra.sweeper.n_trials=3")
        app.run("x=interval(0, 1)", "hydra.sweeper.n_trials=5")
        expect(sorted(job["trial"] for job in app.jobs()), [1, 2, 3, 4, 5])


def test_ctrl_c_hands_back(tmp):
    with Served(tmp) as server:
        app = App(tmp, server, "import time\ntime.sleep(600)")
        sweep = subprocess.Popen(app.words("x=interval(0, 1)", "hydra.sweeper.n_jobs=2"), cwd=tmp,
                                 env=app.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        wait_until(lambda: app.seen.exists() and len(app.jobs()) == 2, "two jobs run")
        sweep.send_signal(signal.SIGINT)
        sweep.communicate(timeout=60)
        expect({one["state"] for one in app.trials()}, {"queued"})
        for job in app.jobs():
            wait_until(lambda pid=job["pid"]: not pathlib.Path(f"/proc/{pid}").exists(), "its process is gone")


def test_the_example(tmp):
    with Served(tmp) as server:
        done = subprocess.run([ROOT / "deploy/examples/hydra/tune", "hydra.sweeper.n_trials=4", "epochs=3",
                               f"hydra.sweep.dir={tmp}/out", "hydra.sweeper.definition={stopping: null}"], cwd=tmp,
                              env=server.environment(PYTHON=sys.executable), text=True, capture_output=True,
                              timeout=240, check=False)
        expect(done.returncode, 0, done.stdout + done.stderr)
        best = server.connect().request("GET", "/v1/studies/hydra/best")["trial"]
        expect(best["value"] > .8, True, best)
        expect("best of hydra: accuracy" in done.stdout + done.stderr, True, done.stdout + done.stderr)


def test_what_is_wrong_is_said(tmp):
    with Served(tmp) as server:
        app = App(tmp, server, "return 1")
        for overrides, wanted in [
                (["x=1"], "nothing to tune"),
                (["x=tag(int, interval(0, 1.5))"], "give a whole number"),
                (["x=tag(lgo, interval(1, 2))"], "it knows float, int, log"),
                (["x=tag(log, interval(0, 1))"], "log"),
                (["x=interval(0, 1)", "hydra.sweeper.strategy=bayes"], "bayesian"),
                (["x=interval(0, 1)", "hydra.sweeper.n_jobs=0"], "hydra.sweeper.n_jobs is 0"),
                (["x=interval(0, 1)", "hydra.sweeper.metric=[a, b]", "hydra.sweeper.direction=[minimize, maximize, minimize]"],
                 "give a direction for each metric")]:
            said = app.run(*overrides, status=1)
            expect(wanted in said, True, said)


main(globals())
