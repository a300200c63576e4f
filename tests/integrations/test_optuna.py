#!/usr/bin/env python3
"""HoneSampler in Optuna's own loop: every distribution and state, several workers, what goes wrong."""

import json
import math
import multiprocessing
import pathlib
import pickle
import subprocess
import sys
import threading
import warnings

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import optuna  # noqa: E402
from cases import expect, main  # noqa: E402
from served import environment, hone, support  # noqa: E402
from hone.integrations.optuna import HoneSampler  # noqa: E402
from hone.integrations.optuna_space import conditions  # noqa: E402
from optuna.trial import TrialState  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.ERROR)
SERVER = support.Server(args=["--open"])


def sampler(**more):
    return HoneSampler(SERVER.url, **{"seed": 5, **more})


def every_kind(trial):
    """All distributions; the best value is 0."""
    x = trial.suggest_float("x", -3, 3)
    lr = trial.suggest_float("lr", 1e-5, 1, log=True)
    drop = trial.suggest_float("drop", 0, 0.8, step=0.2)
    units = trial.suggest_int("units", 8, 64, step=8)
    deep = trial.suggest_int("deep", 1, 100, log=True)
    kind = trial.suggest_categorical("kind", [None, True, 2, 1.5, "a b"])
    trial.suggest_float("constant", 2, 2)
    return (abs(x - 1) + abs(math.log10(lr) + 2) + abs(drop - 0.4) + abs(units - 32) / 32
            + abs(math.log10(deep) - 1) + (kind != "a b"))


def test_every_distribution_is_sampled_and_modelled(_tmp):
    study = optuna.create_study(sampler=sampler())
    study.optimize(every_kind, n_trials=40)
    why = [trial.system_attrs.get("hone:why", "") for trial in study.trials]
    expect("Gaussian process on" in why[-1], True, why[-1])
    first = min(trial.value for trial in study.trials[:10])
    expect(study.best_value < first, True, (study.best_value, first))
    kinds = {type(trial.params["kind"]) for trial in study.trials}
    expect(len(kinds) > 3, True, kinds)


def test_choices_may_be_objects(_tmp):
    choices = [("t", 2), ("t", 3), "x" * 9000, 1e300]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna's: no storage but the memory can keep them
        study = optuna.create_study(sampler=sampler(strategy="tpe"))
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1)
                       + choices.index(trial.suggest_categorical("c", choices)), n_trials=30)
    expect(study.best_params["c"], ("t", 2))


def test_the_same_seed_gives_the_same_study_and_another_one_another(_tmp):
    found = []
    for seed in (5, 5, 6):
        study = optuna.create_study(sampler=sampler(seed=seed), direction="maximize")
        study.optimize(lambda trial: -every_kind(trial), n_trials=14)
        found.append([trial.params for trial in study.trials])
    expect(found[0] == found[1], True)
    expect(found[0] == found[2], False)


def test_conditions_are_found(_tmp):
    """A kernel with parameters of its own, and layers, of which each has its units."""
    def objective(trial):
        kernel = trial.suggest_categorical("kernel", ["rbf", "poly", "linear"])
        value = trial.suggest_float("c", 1e-3, 1e3, log=True) ** 0.1
        if kernel != "linear":
            value += trial.suggest_float("gamma", 1e-3, 1, log=True)
        if kernel == "poly":
            value += trial.suggest_int("degree", 2, 5)
            if trial.suggest_categorical("shifted", [False, True]):
                value += trial.suggest_float("shift", -1, 1)
        for i in range(trial.suggest_int("layers", 1, 3)):
            value += trial.suggest_int(f"units{i}", 4, 64)
        return value

    study = optuna.create_study(sampler=sampler())
    study.optimize(objective, n_trials=40)
    found = {one.name: (one.parent, one.values) for one in conditions(study.trials)}
    expect(found, {"kernel": ("", ()), "c": ("", ()), "layers": ("", ()), "units0": ("", ()),
                   "gamma": ("kernel", (0.0, 1.0)), "degree": ("kernel", (1.0,)), "shifted": ("kernel", (1.0,)),
                   "shift": ("shifted", (1.0,)), "units1": ("layers", (2.0, 3.0)), "units2": ("layers", (3.0,))})
    given = [json.loads(trial.system_attrs["hone:relative_params"]) for trial in study.trials[-10:]]
    expect([set(one) for one in given], [set(trial.params) for trial in study.trials[-10:]])
    expect(study.best_params["kernel"], "linear")


def test_a_space_that_changes_as_it_goes(_tmp):
    def objective(trial):
        x = trial.suggest_float("x", 0, 1)
        if trial.number > 6:
            x += trial.suggest_float("late", 0, 1)  # no other parameter decides whether it is there
        return x + trial.suggest_float("moving", 0, 1 + trial.number)

    study = optuna.create_study(sampler=sampler())
    study.optimize(objective, n_trials=20)
    expect(all(trial.state == TrialState.COMPLETE for trial in study.trials), True)
    expect([one.name for one in conditions(study.trials)], ["x"])


def test_names_may_be_anything(_tmp):
    names = ["a.b", "a_b", " padded ", "学习率", "x" * 500, "", "\n", 'q"']

    def objective(trial):
        return sum(trial.suggest_float(name, 0, 1) for name in names)

    study = optuna.create_study(sampler=sampler())
    study.optimize(objective, n_trials=8)
    expect(len(study.trials[-1].params), len(names))


def test_states(_tmp):
    """Pruned, failed and non-finite trials are told, and a pruner works beside it."""
    sent = []

    class Watched(hone.Client):
        def suggest(self, definition, trials=(), pending=(), n=1, ordinal=None):
            sent.append((definition, list(trials), list(pending), ordinal))
            return super().suggest(definition, trials, pending, n, ordinal)

    def objective(trial):
        x = trial.suggest_float("x", 0, 1)
        if trial.number == 4:
            raise ValueError("this one fails")
        if trial.number == 5:
            return math.nan
        for step in range(4):
            trial.report(x + step, step)
            if trial.number in (6, 7) and step == 2:
                raise optuna.TrialPruned()
        if trial.number == 8:
            return math.inf
        return x

    study = optuna.create_study(sampler=HoneSampler(Watched(SERVER.url), seed=5),
                                pruner=optuna.pruners.MedianPruner())
    study.optimize(objective, n_trials=14, catch=(ValueError,))
    expect([trial.state.name for trial in study.trials[4:9]], ["FAIL", "FAIL", "PRUNED", "PRUNED", "COMPLETE"])
    _, trials, pending, ordinal = sent[-1]
    expect((len(trials), pending, ordinal), (13, [], 14))
    expect([trial["state"] for trial in trials[4:9]], ["failed", "failed", "pruned", "pruned", "completed"])
    expect((trials[6]["step"], trials[8]["metrics"]), (2, {"value0": math.inf}))
    ignoring = HoneSampler(Watched(SERVER.url), seed=5, failures="ignore")
    study.sampler = ignoring
    study.optimize(objective, n_trials=1)
    expect(len(sent[-1][1]), 12)


def test_several_objectives(_tmp):
    study = optuna.create_study(sampler=sampler(), directions=["minimize", "maximize"])
    study.optimize(lambda trial: (trial.suggest_float("x", 0, 1), trial.suggest_int("n", 1, 9)), n_trials=12)
    expect(len({(trial.params["x"], trial.params["n"]) for trial in study.trials}), 12)
    expect(min(trial.params["x"] for trial in study.trials if trial.params["n"] == 9) < 0.05, True, study.trials)  # a model knows
    refused = optuna.create_study(sampler=sampler(strategy="bayesian"), directions=5 * ["minimize"])
    try:
        refused.optimize(lambda trial: 5 * (trial.suggest_float("x", 0, 1),), n_trials=3)
        raise AssertionError("five objectives were taken by bayesian")
    except hone.HoneError as fault:
        expect("takes at most 4 objectives" in str(fault), True, str(fault))


def test_a_finite_space_that_is_used_up_goes_on_with_the_best(_tmp):
    study = optuna.create_study(sampler=sampler())
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        study.optimize(lambda trial: trial.suggest_int("n", 1, 4) + trial.suggest_categorical("c", [0, 1]),
                       n_trials=20)
    expect(len({json.dumps(trial.params) for trial in study.trials[:9]}), 8)
    expect(len([one for one in told if "every combination of c, n has been tried" in str(one.message)]), 1)
    again = [trial.value for trial in study.trials[9:]]
    expect(sum(again) / len(again) < 2.5, True, again)  # 3 at random


# ---- several workers ---------------------------------------------------------------------------------


def test_threads_know_what_the_others_try(_tmp):
    barrier = threading.Barrier(3)

    def objective(trial):
        x = trial.suggest_float("x", 0, 1)
        y = trial.suggest_float("y", 0, 1)
        if trial.number < 9:  # three at a time
            barrier.wait(60)
        return x + y

    study = optuna.create_study(sampler=sampler())
    study.optimize(objective, n_trials=24, n_jobs=3)
    expect(len({json.dumps(trial.params) for trial in study.trials}), 24)
    whys = [trial.system_attrs.get("hone:why", "") for trial in study.trials]
    expect(any("and 2 running trials" in why for why in whys), True, whys)


def run_part(path, url):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(path))
    study = optuna.load_study(study_name="p", storage=storage, sampler=HoneSampler(url, seed=5))
    study.optimize(every_kind, n_trials=6)


def test_several_processes_share_a_journal(tmp):
    path = str(pathlib.Path(tmp) / "journal")
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(path))
    optuna.create_study(study_name="p", storage=storage)
    context = multiprocessing.get_context("spawn")
    parts = [context.Process(target=run_part, args=(path, SERVER.url)) for _ in range(3)]
    for part in parts:
        part.start()
    for part in parts:
        part.join(120)
    expect([part.exitcode for part in parts], [0, 0, 0])
    study = optuna.load_study(study_name="p", storage=storage)
    expect(len([trial for trial in study.trials if trial.state == TrialState.COMPLETE]), 18)
    firsts = {}
    for trial in study.trials:  # who is asked at the same moment does not see the other's parameters yet
        twin = firsts.setdefault(json.dumps(trial.params), trial)
        expect(trial.datetime_start < twin.datetime_complete and twin.datetime_start < trial.datetime_complete, True,
               f"{twin} and {trial}")
    expect(len(firsts) > 12, True, firsts)


def test_sqlite_and_pickles(tmp):
    study = optuna.create_study(storage=f"sqlite:///{tmp}/s.db", sampler=pickle.loads(pickle.dumps(sampler())))
    study.optimize(every_kind, n_trials=8)
    again = optuna.create_study(sampler=sampler())
    again.optimize(every_kind, n_trials=8)
    expect([trial.params for trial in study.trials], [trial.params for trial in again.trials])


# ---- what goes wrong ----------------------------------------------------------------------------------


def test_a_server_that_is_away_fails_the_trial_and_says_so(_tmp):
    with support.Server(args=["--open"]) as other:
        study = optuna.create_study(sampler=HoneSampler(hone.Client(other.url, timeout=2.0), seed=5))
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    try:
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
        raise AssertionError("it went on without a server")
    except hone.HoneError as fault:
        expect(other.url in str(fault), True, str(fault))
    expect([trial.state.name for trial in study.trials], ["COMPLETE"] * 3 + ["FAIL"])


def test_wrong_arguments(_tmp):
    for wrong, text in (({"failures": "maybe"}, "inform"), ({"strategy": "gradient"}, "gradient"),
                        ({"seed": -1}, "/study/seed")):
        try:
            study = optuna.create_study(sampler=sampler(**wrong))
            study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
            raise AssertionError(f"{wrong} was taken")
        except (ValueError, hone.HoneError) as fault:
            expect(text in str(fault), True, str(fault))


def test_without_optuna_the_line_of_pip_is_named(tmp):
    done = subprocess.run([sys.executable, "-S", "-c", "import hone.integrations.optuna"],  # no packages
                          env=environment(tmp), capture_output=True, text=True, check=False)
    expect(done.returncode, 1)
    expect("hone.integrations.optuna needs optuna; install it: pip install optuna" in done.stderr, True, done.stderr)


def test_long_studies_are_cut_to_what_one_request_holds(_tmp):
    study = optuna.create_study(sampler=sampler(strategy="tpe"))
    space = {"x": optuna.distributions.FloatDistribution(0, 1)}
    study.add_trials([optuna.trial.create_trial(params={"x": i / 1100}, distributions=space,
                                                value=abs(i - 3) / 1100) for i in range(1100)])
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    noted = study.trials[-1].system_attrs["hone:why"]
    expect("of 1000 results" in noted, True, noted)
    expect(study.trials[-1].params["x"] < 0.1, True, study.trials[-1].params)  # it knows the best, an old one


# ---- the example -------------------------------------------------------------------------------------

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "deploy/examples/optuna"


def run_example(tmp, *words):
    done = subprocess.run([sys.executable, *words], env=environment(tmp, HONE_URL=SERVER.url), cwd=EXAMPLE,
                          capture_output=True, text=True, timeout=120, check=False)
    expect(done.returncode, 0, done.stdout + done.stderr)
    return done.stdout


def test_the_example_tunes(tmp):
    said = run_example(tmp, "tune.py")
    expect("a Gaussian process on" in said or "point" in said, True, said)
    best = float(said.split()[1])
    expect(best < 0.3, True, said)  # 0.2 is the least


def test_the_comparison_makes_its_table(tmp):
    said = run_example(tmp, "compare.py", "--seeds", "2", "--trials", "20", "--samplers", "hone,tpe-group,random")
    rows = [line.split("|") for line in said.splitlines()[2:]]
    expect([row[2].strip() for row in rows], ["hone", "tpe-group", "random"], said)
    regrets = [float(row[3].split("±")[0]) for row in rows]
    expect(all(0 <= regret <= 1 for regret in regrets) and regrets[0] < regrets[2], True, said)


if __name__ == "__main__":  # the processes of a case read this file, too
    with SERVER:
        main(globals())
