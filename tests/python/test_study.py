#!/usr/bin/env python3
"""hone.Study: making, asking, telling, optimising, and what came of it."""

import decimal
import fractions
import math
import pathlib
import signal
import sys
import threading
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, fails, main  # noqa: E402
from served import Served, hone  # noqa: E402

X = {"x": hone.float(0, 1)}


def make(client, name="one", parameters=None, **more):
    more = {"metric": "loss", "strategy": "random", "client": client, **more}
    if "objectives" in more:
        del more["metric"]
    return hone.Study.create(name, parameters or X, **more)


# ---- making ----

def test_the_best_trial_satisfies_the_constraints(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client, name="bounded", subject_to=["ms <= 5"])
        study.add({"state": "completed", "parameters": {"x": 0.1}, "metrics": {"loss": 1, "ms": 6}},
                          {"state": "completed", "parameters": {"x": 0.2}, "metrics": {"loss": 0}})
        expect([one.feasible for one in study.trials()], [False, None])
        expect(study.best_trial, None)
        fails(hone.HoneError, lambda: study.best_params, "is known to satisfy ms <= 5 yet")
        study.add({"state": "completed", "parameters": {"x": 0.3}, "metrics": {"loss": 2, "ms": 5}})
        expect((study.best_params, study.best_trial.feasible), ({"x": 0.3}, True))


def test_the_short_form_is_the_apis(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client, parameters={
            "lr": hone.log(1e-5, 1e-1, default=1e-3), "units": hone.int(16, 512, scale="log"),
            "act": ["relu", "tanh"], "size": hone.ordinal("s", "m", "l"), "amp": hone.boolean(),
            "fixed": hone.constant(3), "noise": hone.normal(0, 1, low=-3, high=3), "name": "adam",
            "drop": hone.float(0, decimal.Decimal("0.5"), step=fractions.Fraction(1, 10)),
            "path": hone.choice(pathlib.Path("/a"), None, [1, 2], {"deep": 1}),
            "momentum": hone.float(0, 1, when={"act": ["relu"]})})
        listed = study.definition["parameters"]
        expect([one["name"] for one in listed][:3], ["lr", "units", "act"])
        expect(listed[0], {"name": "lr", "type": "float", "low": 1e-5, "high": 0.1, "scale": "log", "default": 1e-3})
        expect((listed[5]["value"], listed[7]["value"]), (3, "adam"))
        expect(listed[8]["step"], 0.1)
        expect(listed[9]["choices"], ["/a", None, [1, 2], {"deep": 1}])
        again = make(client, parameters=listed)  # the API's own list
        expect(again.definition["revision"], study.definition["revision"])


def test_what_is_no_parameter_is_refused_where_it_is(tmp):
    with Served(tmp) as server, server.connect() as client:
        for wrong, part in (((0, 1), "parameter 'x' is (0, 1)"), (object(), "parameter 'x'"), ({"low": 1}, "'x'"),
                            (hone.choice(object()), "parameter 'x'['choices'][0] is a object"),
                            (hone.constant({1: 2}), "names are text"), (hone.choice(b"raw"), "a bytes")):
            fails(TypeError, lambda: make(client, parameters={"x": wrong}), part)
        fails(TypeError, lambda: make(client, parameters="lr"), "hone.log")
        fails(TypeError, lambda: make(client, parameters=[{"type": "bool"}]), "name")
        fails(TypeError, lambda: make(client, parameters={3: [1]}), "names are text")
        endless = []
        endless.append(endless)
        fails(ValueError, lambda: make(client, parameters={"x": hone.constant(endless)}), "contains itself")
        fails(hone.HoneError, lambda: make(client, parameters={"x": hone.float(0, math.nan), "y": hone.log(0, 1)}),
              "/parameters/0/high", "/parameters/1/low")
        fails(ValueError, lambda: make(client, parameters={"x": ["\ud800"]}), "not Unicode")
        fails(ValueError, lambda: make(client, metric=None), "metric=")
        fails(ValueError, lambda: hone.Study.create("a", X, metric="m", objectives=[("a", "minimize")], client=client),
              "or objectives")
        fails(TypeError, lambda: make(client, objectives=["loss"]), '("loss", "minimize")')


def test_names_of_studies_are_no_paths(tmp):
    with Served(tmp) as server, server.connect() as client:
        for name in ("../admin", "a/b", "a?b", "", "a b", "\u00e9", "a\r\nX: y", "%2e"):
            fails(hone.HoneError, lambda: make(client, name=name))
            fails(hone.HoneError, lambda: hone.Study.open(name, client))


def test_the_same_call_is_repeatable_and_extends(tmp):
    with Served(tmp) as server, server.connect() as client:
        make(client, limits={"trials": 2}).optimize(lambda trial: trial.params["x"])
        for n in (2, 4, 4):
            study = make(client, limits={"trials": n})
            expect(study.definition["limits"]["trials"], n)
        study.optimize(lambda trial: trial.params["x"])
        expect(len(study.trials()), 4, "trials")
        fails(hone.HoneError, lambda: make(client, limits={"trials": 3}), "differs in limits")
        fails(hone.HoneError, lambda: make(client, limits={"trials": 9, "parallel": 3}), "differs in limits")
        fails(hone.HoneError, lambda: make(client, parameters={"y": [1]}, limits={"trials": 9}), "parameters")
        error = fails(hone.HoneError, lambda: hone.Study.open("none", client), 'no study "none"')
        expect(error.type, "not-found")


# ---- asking and telling ----

def test_asked_trials_are_told(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client, limits={"trials": 3})
        for value in (3.0, {"loss": 1.0, "other": 7}, [2.0]):
            trial = study.ask()
            expect((trial.attempt, trial.resource_to, trial.until, set(trial.params)), (1, None, None, {"x"}))
            expect(study.tell(trial, value).state, "completed")
        expect(study.ask(), None)
        expect((study.state, study.best_value, study.best_trial.number), ("finished", 1.0, 2))
        expect(study.trials()[1].metrics, {"loss": 1.0, "other": 7})
        fails(hone.StudyEnded, study.trial, "is over")
        fails(TypeError, lambda: study.tell(study.trials()[0], 1.0), "ask()")


def test_nothing_yet_is_no_end(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client, limits={"trials": 2, "parallel": 1})
        trial = study.ask()
        error = fails(hone.NothingYet, lambda: study.ask(wait=0.2), "no trial to run now")
        expect((error.reason, error.retryable), ("waiting", True))
        study.change(state="paused")
        expect(fails(hone.NothingYet, lambda: study.ask(wait=0)).reason, "paused")
        study.change(state="running")
        later = threading.Timer(0.5, lambda: study.tell(trial, 1.0))
        later.start()
        expect(study.ask(wait=None).number, 2, "the trial that was waited for")
        study.change(state="stopped")
        expect(study.ask(), None)
        for wrong in (-1, math.nan):
            fails(ValueError, lambda: study.ask(wrong), "seconds")


def test_several_objectives(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client, objectives=[("loss", "minimize"), {"metric": "speed", "direction": "maximize"}],
                     strategy="quasirandom", limits={"trials": 4})
        trial = study.ask()
        fails(ValueError, lambda: study.tell(trial, 1.0), "loss, speed")
        fails(ValueError, lambda: study.tell(trial, [1.0]), "1 values for the 2 objectives")
        study.tell(trial, (1.0, 5.0))
        study.tell(study.ask(), {"loss": 2.0, "speed": 9.0})
        study.tell(study.ask(), [3.0, 1.0])
        expect(sorted(one.number for one in study.pareto()), [1, 2])
        fails(hone.HoneError, lambda: study.best_value, "study.pareto()")


def test_results_from_elsewhere_and_wishes(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client, parameters={"x": hone.float(0, 1, default=0.5), "y": hone.float(0, 1)})
        expect(study.enqueue({"x": 0.25, "y": 0}, {"y": 1}), [1, 2])
        expect([study.ask().params for _ in range(2)], [{"x": 0.25, "y": 0}, {"x": 0.5, "y": 1}])
        numbers = study.add({"parameters": {"x": 0, "y": 0}, "value": 0.125},
                            {"parameters": {"x": 1, "y": 0}, "metrics": {"loss": math.inf}, "state": "failed"})
        expect(numbers, [3, 4])
        expect(study.best_trial.source, "imported")
        fails(hone.HoneError, lambda: study.enqueue({"x": 7, "y": 0}), "x")
        fails(hone.HoneError, lambda: hone.Study.open("one", client).enqueue({"x": 0.5}), "y")
        expect(len(study.add(*({"parameters": {"x": 0, "y": n / 1200}, "value": n} for n in range(1200)))), 1200)
        expect(len(study.trials()), 1204)
        expect(len(study.trials(limit=5, sort="best")), 5)


def test_best_of_nothing_says_so(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client)
        expect(study.best_trial, None)
        for name in ("best_value", "best_params"):
            fails(hone.HoneError, lambda: getattr(study, name), "no trial of study one has a value yet")


# ---- optimize ----

def test_optimize_runs_to_the_end_of_the_study(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client, limits={"trials": 12})
        study.optimize(lambda trial: (trial.params["x"] - 0.5) ** 2, n_jobs=4)
        expect((study.state, len(study.trials("completed"))), ("finished", 12))
        study.optimize(lambda trial: 1 / 0)  # nothing is left to try


def test_optimize_runs_as_many_as_it_is_told(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client)
        study.optimize(lambda trial: trial.params["x"], n_trials=3)
        study.optimize(lambda trial: {"loss": trial.params["x"]}, n_trials=4, n_jobs=2)
        study.optimize(lambda trial: 1 / 0, n_trials=0)
        expect(len(study.trials()), 7)
        began = time.monotonic()
        study.optimize(lambda trial: time.sleep(0.05) or 1.0, seconds=0.5)
        expect(time.monotonic() - began < 30, True)
        for n_trials, n_jobs in ((-1, 1), ("3", 1), (1, 0), (1, -2), (1, 2.5), (1, None)):
            fails(ValueError, lambda: study.optimize(lambda trial: 1, n_trials, n_jobs), "n_")
        fails(TypeError, lambda: study.optimize("f"), "a function of a trial")


def test_an_exception_fails_the_trial_and_ends_it_or_not(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client, limits={"failures": 100})
        fails(ZeroDivisionError, lambda: study.optimize(lambda trial: 1 / 0, 5))
        expect([one.state for one in study.trials()], ["failed"])

        def sometimes(trial):
            if trial.number % 2:
                raise OSError("the disk \ud800 is \0 full " + "x" * 10000 + " at the end")
            return 1.0

        study.optimize(sometimes, 4, catch=(ValueError, OSError), n_jobs=2)
        expect([one.state for one in study.trials()][1:], ["completed", "failed", "completed", "failed"])
        fails(OSError, lambda: study.optimize(sometimes, 2, catch=ValueError))
        fails(OSError, lambda: study.optimize(sometimes, 4, n_jobs=2))
        attempt = client.request("GET", "/v1/studies/one/trials/3/attempts")["items"][0]
        expect(attempt["reason"], "exception")
        expect(attempt["detail"].endswith("at the end"), True, attempt["detail"][-100:])
        first = client.request("GET", "/v1/studies/one/trials/1/attempts")["items"][0]["detail"]
        expect(("ZeroDivisionError" in first, "lambda trial: 1 / 0" in first), (True, True), first)


def test_the_two_words_of_an_objective(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client, limits={"failures": 100})

        def objective(trial):
            if trial.number == 1:
                raise hone.Infeasible("it does not fit")
            trial.report(1, loss=3.0)
            raise hone.Pruned()

        study.optimize(objective, 2)
        expect([(one.state, one.value) for one in study.trials()], [("infeasible", None), ("completed", 3.0)])


def test_what_has_no_value_is_told_of(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client)
        fails(hone.HoneError, lambda: study.optimize(lambda trial: None, 1), "trial.report(step, loss=…)")
        fails(TypeError, lambda: study.optimize(lambda trial: "good", 1), "'good'")
        fails(hone.HoneError, lambda: study.optimize(lambda trial: {"los": 1.0}, 1), 'which has "los"; send it')
        fails(hone.HoneError, lambda: study.optimize(lambda trial: trial.report(1, los=1.0), 1),
              "without a value of loss, only of los; report it: trial.report(step, loss=…)")
        expect([(one.state, one.reason) for one in study.trials()],
               [("failed", "no_metric"), ("failed", "exception"), ("failed", "exception"), ("failed", "no_metric")])


def test_values_that_are_not_finite(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client, limits={"failures": 100})
        numbers = iter([math.nan, math.inf, -math.inf, 1.0])
        study.optimize(lambda trial: next(numbers), 4)
        found = study.trials()
        expect([one.state for one in found], ["failed"] * 3 + ["completed"])
        expect([str(one.value) for one in found], ["nan", "inf", "-inf", "1.0"])


INTERRUPTED = """
import hone, sys, time
study = hone.Study.create("one", {"x": hone.float(0, 1)}, metric="loss", strategy="random")
def forever(trial):
    sys.stdout.write("runs\\n")
    while not trial.should_stop():
        time.sleep(0.01)
    print("was told", flush=True)
try:
    study.optimize(forever, n_jobs=%d)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_ctrl_c_hands_back_what_runs(tmp):
    with Served(tmp) as server:
        for n_jobs in (1, 3):
            program = server.start_program(INTERRUPTED % n_jobs)
            for _ in range(n_jobs):
                expect(program.stdout.readline(), "runs\n")
            program.send_signal(signal.SIGINT)
            out, _ = program.communicate(timeout=60)
            expect("interrupted" in out, True, out)
            states = [one.state for one in hone.Study.open("one", server.connect()).trials()]
            expect(set(states), {"queued"}, f"states after {n_jobs} were interrupted")


def test_a_function_is_tuned(tmp):
    with Served(tmp) as server, server.connect() as client:
        @hone.objective("bowl", X, metric="loss", client=client, limits={"trials": 5}, strategy="random")
        def bowl(trial):
            """A bowl."""
            return trial.params["x"] ** 2

        expect((bowl.__name__, bowl.__doc__), ("bowl", "A bowl."))
        study = bowl.tune(n_trials=2)
        expect(len(study.trials()), 2)
        expect(len(bowl.tune(n_jobs=2).trials()), 5)
        expect(bowl.study.state, "finished")


def test_rungs_are_trained_to_where_they_should(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client, strategy={"name": "hyperband"}, resource={"name": "epochs", "max": 9},
                     limits={"trials": 12})
        ends = []

        def train(trial):
            last = trial.resource_from
            for epoch in trial.steps():
                expect(epoch, last + 1)
                last = epoch
                trial.report(epoch, loss=trial.params["x"] + 1 / epoch)
            ends.append((trial.number, last, trial.until, trial.action))

        study.optimize(train)
        counts = study.definition["counts"]
        expect((study.state, counts["running"] + counts["paused"]), ("finished", 0))
        expect(max(last for _, last, _, _ in ends), 9, "the largest rung")
        expect({action for _, _, _, action in ends} <= {"continue", "pause", "stop"}, True, ends)
        spent = sum(one.step for one in study.trials())
        expect(spent < 9 * 12, True, f"{spent} epochs")
        fails(ValueError, lambda: list(make(client, "two").ask().steps()), "steps(20)")
        expect(list(make(client, "two").ask().steps(3)), [1, 2, 3])


def test_a_rule_stops_a_trial(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client, stopping={"rule": "threshold", "step": 2, "value": 5})
        with study.trial() as trial:
            for epoch in trial.steps(10):
                trial.report(epoch, loss=100 - epoch)
        expect((epoch, trial.action, trial.should_stop()), (2, "stop", True))
        fails(hone.Pruned, trial.check, "stop")
        expect(study.trials()[0].state, "pruned")

        def unaware(trial):  # cannot leave its loop by itself
            for epoch in range(10):
                trial.report(epoch, loss=100)
                trial.check()

        study.optimize(unaware, 1)
        expect(study.trials()[1].state, "pruned")


def test_pandas_is_named_where_it_is_missing(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client)
        sys.modules["pandas"] = None  # what an import of it then raises
        try:
            error = fails(hone.MissingPackage, study.to_pandas, "pip install pandas")
        finally:
            del sys.modules["pandas"]
        expect(isinstance(error, ImportError), True)


def test_a_study_is_changed_and_deleted(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client)
        expect(study.change(limits={"trials": 3}, description="d")["limits"]["trials"], 3)
        study.ask()
        fails(hone.HoneError, study.delete, "force")
        study.delete(force=True)
        fails(hone.HoneError, lambda: study.state, "no study")


main(globals())
