#!/usr/bin/env python3
"""Studies of the real Optuna: imported from SQLite and from journals, continued by Hone, exported, and
read by Optuna and its dashboard again, with the same trials.
"""

import json
import math
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import hone as servers  # noqa: E402
from cases import expect, main  # noqa: E402

import optuna  # noqa: E402
import sqlalchemy  # noqa: E402
from optuna.storages import JournalStorage, RDBStorage  # noqa: E402
from optuna.storages.journal import JournalFileBackend  # noqa: E402
from optuna.trial import TrialState  # noqa: E402

HONE = os.environ["HONE"]
SECONDS = 300
optuna.logging.set_verbosity(optuna.logging.ERROR)


def hone(*arguments, url, status=0):
    done = subprocess.run([HONE, *map(str, arguments)], capture_output=True, text=True, check=False,
                          timeout=SECONDS, env={**os.environ, "HONE_URL": url})
    expect(done.returncode, status, f"{arguments}: {done.stdout[-500:]}{done.stderr[-3000:]}")
    return done.stdout, done.stderr


def objective(trial):
    """Conditions of two depths, every kind of distribution, curves, prunings and failures."""
    rate = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    drop = trial.suggest_float("drop", 0, 0.5, step=0.1)
    layers = trial.suggest_int("layers", 1, 3)
    for i in range(layers):
        trial.suggest_int(f"units{i}", 8, 256, log=True)
    if trial.suggest_categorical("kind", ["svm", "net", None]) == "svm":
        trial.suggest_float("C", 0.1, 10)
        if trial.suggest_categorical("shape", ["rbf", "poly"]) == "poly":
            trial.suggest_int("degree", 2, 8, step=2)
    trial.suggest_categorical("batch", [16, 32, 64])
    trial.suggest_categorical("flag", [True, False])
    trial.suggest_categorical("only", ["this"])
    trial.suggest_float("same", 2, 2)
    trial.set_user_attr("size", layers * 1.5)
    if trial.number % 17 == 3:
        raise ValueError("no")
    value = (math.log10(rate) + 3) ** 2 + drop + abs(layers - 2)
    for step in range(5):
        trial.report(float("nan") if trial.number % 50 == 7 and step == 1 else value + 5 - step, step)
        if step == 2 and trial.number % 5 == 1:
            raise optuna.TrialPruned()
    return math.inf if trial.number % 40 == 8 else value


def made(n, **more):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1),
                                pruner=optuna.pruners.NopPruner(), **more)
    study.optimize(objective, n_trials=n, catch=(ValueError,))
    return study


def without_waiting(engine):
    """A test need not survive a power cut."""
    @sqlalchemy.event.listens_for(engine, "connect")
    def _(connection, _record):
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = WAL")


def database(path):
    storage = RDBStorage(f"sqlite:///{path}")
    without_waiting(storage.engine)
    storage.engine.dispose()
    return storage


def same(one, other):
    """A step of 0.1 is 0.3 here, where Optuna's arithmetic gives 0.30000000000000004."""
    if isinstance(one, float) and isinstance(other, (int, float)):
        return one == other or math.isnan(one) and math.isnan(other) or math.isclose(one, other,
                                                                                   rel_tol=1e-15)
    return one == other and type(one) is type(other)


def same_dict(one, other):
    return set(one) == set(other) and all(same(value, other[key]) for key, value in one.items())


def compare(before, after):
    """Trial by trial: state, values, parameters, curve, and the numbers among the attributes."""
    for old, new in zip(before, after):
        what = f"trial {old.number}: {old} {new}"
        expect(new.state, old.state, what)
        expect(new.values, old.values, what)
        expect(same_dict(old.params, new.params), True, what)
        expect(same_dict(old.intermediate_values, new.intermediate_values), True, what)
        expect(new.user_attrs["size"], old.user_attrs["size"], what)
        for name, distribution in new.distributions.items():
            expect(distribution._contains(distribution.to_internal_repr(new.params[name])), True, what)


def exported(server, name, path):
    path.write_text(hone("study", "export", name, "--format", "optuna", url=server.url)[0])
    return optuna.load_study(study_name=name, storage=JournalStorage(JournalFileBackend(str(path))))


JOB = """
import os
for step in (1, 2):
    print(f"hone: step={step} value={5 / step + float(os.environ['HONE_PARAM_DROP'])}")
"""


def dashboard_shows(journal, n):
    """What optuna-dashboard answers about the first study of the journal."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(["optuna-dashboard", str(journal), "--host", "127.0.0.1", "--port", str(port)],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as shown:
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies/0?after=0",
                                                timeout=30) as answer:
                        study = json.load(answer)
                    break
                except OSError:
                    expect(time.monotonic() < deadline and shown.poll() is None, True,
                           "optuna-dashboard answers")
                    time.sleep(0.2)
        finally:
            shown.kill()
    expect(len(study["trials"]), n)
    return study


def test_200_trials_go_there_and_back(tmp):
    study = made(200, study_name="Tuto rial")
    study.set_user_attr("owner", "me")
    storage = database(tmp / "study.db")
    optuna.copy_study(from_study_name="Tuto rial", from_storage=study._storage, to_storage=storage)
    expect((tmp / "study.db-wal").stat().st_size > 0, True, "the newest trials are in the log alone")
    (tmp / "job.py").write_text(JOB)
    with servers.Server(args=["--open"]) as server:
        _, said = hone("import", tmp / "study.db", url=server.url)
        for name, parent, values in (("C", "kind", '["svm"]'), ("degree", "shape", '["poly"]'),
                                     ("units1", "layers", "[2,3]"), ("units2", "layers", "[3]")):
            expect(f"'{name}' is only in trials where '{parent}' is one of {values}" in said, True, said)
        expect("200 finished trials are imported" in said, True, said)
        _, said = hone("import", tmp / "study.db", url=server.url)  # again
        expect("200 of its trials were there already" in said, True, said)
        hone("study", "set", "tuto-rial", "--trials", "5", url=server.url)
        hone("worker", "--study", "tuto-rial", "--exit-when-finished", "--", sys.executable,
             tmp / "job.py", url=server.url)
        back = exported(server, "tuto-rial", tmp / "back.log")
    storage.engine.dispose()
    expect(back.directions, study.directions)
    expect(len(back.trials), 205)
    compare(study.trials, back.trials)
    new = back.trials[200:]
    expect([(trial.state, trial.user_attrs["hone:source"]) for trial in new],
           [(TrialState.COMPLETE, "suggested")] * 5)
    expect([trial.values[0] for trial in new],
           [round(2.5 + trial.params["drop"], 12) for trial in new])
    expect(all(trial.user_attrs["hone:why"] for trial in new), True)
    expect((back.best_trial.number, back.best_value), (study.best_trial.number, study.best_value))
    figure = optuna.visualization.plot_optimization_history(back)
    expect(len(figure.data[0].x) > 150, True)
    optuna.visualization.plot_parallel_coordinate(back)
    optuna.visualization.plot_intermediate_values(back)
    shown = dashboard_shows(tmp / "back.log", 205)
    expect({one["key"]: one["value"] for one in shown["user_attrs"]}["hone:description"], "Tuto rial")
    back.sampler = optuna.samplers.TPESampler(seed=2)  # and Optuna goes on
    back.ask({name: distribution for name, distribution in study.best_trial.distributions.items()
              if name != "same"})  # a range of one value comes back as a choice of one


def test_a_journal_in_use_is_read_operation_by_operation(tmp):
    path = tmp / "live.log"
    storage = JournalStorage(JournalFileBackend(str(path)))
    study = made(30, storage=storage, study_name="live")
    study.enqueue_trial({**study.best_trial.params})
    study.ask()  # takes what waited, and runs
    study.enqueue_trial({**study.trials[0].params})
    optuna.create_study(storage=storage, study_name="other")
    optuna.create_study(storage=storage, study_name="gone")
    optuna.delete_study(storage=storage, study_name="gone")
    with open(path, "a", encoding="ascii") as torn:
        torn.write('{"op_code": 8, "worker_id": "x", "trial_id": 2, "user_att')
    with servers.Server(args=["--open"]) as server:
        _, said = hone("import", path, url=server.url, status=2)
        expect("--study-name: live, other" in said, True, said)
        _, said = hone("import", path, "--study-name", "other", url=server.url, status=2)
        expect("no trial of the study has a parameter" in said, True, said)
        _, said = hone("import", path, "--study-name", "live", "--minimize", "loss", url=server.url)
        for words in ("the last line has no end", "1 of its trials (number 30) that were running",
                      "30 finished trials are imported, 1 to try are queued"):
            expect(words in said, True, said)
        back = exported(server, "live", tmp / "back.log")
    expect(back.metric_names, ["loss"])
    compare(study.trials[:30], back.trials)
    expect(same_dict(study.trials[0].params, back.trials[30].system_attrs["fixed_params"]), True)
    expect(back.trials[30].state, TrialState.WAITING)


def test_several_objectives_and_constraints(tmp):
    def two(trial):
        x = trial.suggest_float("x", 0, 1)
        trial.set_constraint("memory", x - 0.5)
        trial.set_user_attr("size", 1)
        return x, 1 - x

    storage = JournalStorage(JournalFileBackend(str(tmp / "two.log")))
    study = optuna.create_study(directions=["minimize", "maximize"], storage=storage, study_name="two",
                                sampler=optuna.samplers.RandomSampler(seed=1))
    study.set_metric_names(["time", "quality"])
    study.optimize(two, n_trials=20)
    for x, by_list in ((0.25, [-1, -2]), (0.75, [-1, 2])):  # as the versions before wrote them
        study.add_trial(optuna.create_trial(
            values=[x, x], params={"x": x}, user_attrs={"size": 2}, system_attrs={"constraints": by_list},
            distributions={"x": optuna.distributions.FloatDistribution(0, 1)}))
    with servers.Server(args=["--open"]) as server:
        _, said = hone("import", tmp / "two.log", url=server.url)
        violated = sum(trial.params["x"] > 0.5 for trial in study.trials)
        expect(f"{violated} of its trials" in said and "violate their constraints" in said, True, said)
        with servers.Client(server.url) as client:
            front = client.get("/v1/studies/two/pareto").json["items"]
        back = exported(server, "two", tmp / "back.log")
    expect(all(trial["parameters"]["x"] <= 0.5 for trial in front), True, "no front without feasibility")
    expect((back.metric_names, back.directions), (study.metric_names, study.directions))
    compare(study.trials, back.trials)
    expect([trial.constraints for trial in back.trials], [trial.constraints for trial in study.trials])
    expect([trial.number for trial in back.best_trials], [trial.number for trial in study.best_trials])


def test_what_hone_has_and_optuna_has_not(tmp):
    """Every kind of parameter and state of a study of ours, for Optuna."""
    space = [
        {"name": "lr", "type": "float", "low": 1e-4, "high": 1, "scale": "log"},
        {"name": "mom", "type": "float", "low": 0.5, "high": 0.99, "scale": "reverse_log"},
        {"name": "q", "type": "float", "low": 0, "high": 1, "step": 0.3},
        {"name": "n", "type": "int", "low": 8, "high": 64, "step": 8, "scale": "log"},
        {"name": "v", "type": "float", "values": [0.5, 1, 4]},
        {"name": "bell", "type": "float", "distribution": "normal", "mean": 1, "sd": 2},
        {"name": "logbell", "type": "float", "distribution": "lognormal", "mean": 0, "sd": 1, "high": 9},
        {"name": "net", "type": "categorical", "choices": [[64, 64], None, "x"], "weights": [1, 2, 1]},
        {"name": "size", "type": "ordinal", "choices": ["s", "m", "l"]},
        {"name": "amp", "type": "bool"}, {"name": "k", "type": "constant", "value": {"a": 1}},
        {"name": "deep", "type": "int", "low": 1, "high": 2, "when": {"amp": [True]}},
        {"name": "deep", "type": "int", "low": 5, "high": 9, "when": {"amp": [False]}},
    ]
    with servers.Server(args=["--open"]) as server, servers.Client(server.url) as client:
        client.post("/v1/studies", {"name": "all", "metric": "loss", "direction": "maximize",
                                    "parameters": space, "strategy": "random",
                                    "resource": {"name": "epochs", "min": 0.5, "max": 4}})
        leases = [client.post("/v1/studies/all/leases", {"worker": "w:0"}).json for _ in range(12)]
        for i, lease in enumerate(leases[:-1]):
            path = f"/v1/leases/{lease['lease']['id']}"
            client.post(f"{path}/measurements", {"measurements": [
                {"step": step, "metrics": {"loss": i + step, "other": 3}} for step in (0.5, 1.5)]})
            result = [{"outcome": "completed", "step": 4, "metrics": {"loss": i}},
                      {"outcome": "failed", "reason": "oom"}, {"outcome": "infeasible"},
                      {"outcome": "completed", "metrics": {"loss": "NaN"}}][i % 4]
            expect(client.put(f"{path}/result", result).status, 200)
        first = leases[0]["trial"]["parameters"]
        client.post("/v1/studies/all/trials", {"parameters": {**first, "lr": 7, "q": 0.1},
                                               "state": "completed", "metrics": {"loss": 1},
                                               "outside": True})
        client.post("/v1/studies/all/trials", {"parameters": first})
        _, said = hone("study", "export", "all", "--format", "optuna", url=server.url)
        back = exported(server, "all", tmp / "back.log")
    for words in ("'mom'", "'n': Optuna has no steps", "'bell'", "'net': lists", "no weights", "'k'",
                  "units of 1e-"):
        expect(words in said, True, f"{words}: {said}")
    states = [TrialState.COMPLETE, TrialState.FAIL, TrialState.FAIL, TrialState.FAIL]
    expect([trial.state for trial in back.trials],
           [states[i % 4] for i in range(11)] + [TrialState.RUNNING, TrialState.COMPLETE,
                                                 TrialState.WAITING])
    for trial, lease in zip(back.trials, leases):
        given = {name: json.dumps(value, separators=(",", ":")) if isinstance(value, (list, dict)) else value
                 for name, value in lease["trial"]["parameters"].items()}
        expect(trial.params, given)
        for name, distribution in trial.distributions.items():
            expect(distribution._contains(distribution.to_internal_repr(trial.params[name])), True, name)
    expect((back.trials[12].params["lr"], back.trials[12].params["q"]), (7, 0.1))
    expect(len(back.trials[0].intermediate_values), 2)
    expect(back.trials[0].user_attrs["hone:worker"], "w:0")
    expect(back.best_trial.values[0], 8)


if __name__ == "__main__":
    main(globals())
