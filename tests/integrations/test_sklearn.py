#!/usr/bin/env python3
"""HoneSearchCV with the real scikit-learn, and what pandas shows of a study."""

import math
import os
import pathlib
import pickle
import sys
import warnings

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, fails, main  # noqa: E402
from served import Served, environment, hone, python  # noqa: E402

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the data are small, and other tests want the cores
import numpy  # noqa: E402
import scipy.stats  # noqa: E402
from sklearn import datasets  # noqa: E402
from sklearn.base import BaseEstimator, ClassifierMixin, clone  # noqa: E402
from sklearn.linear_model import LogisticRegression, Ridge  # noqa: E402
from sklearn.model_selection import KFold, RandomizedSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import Pipeline  # noqa: E402
from sklearn.preprocessing import MinMaxScaler, StandardScaler  # noqa: E402
from sklearn.svm import SVC  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402

from hone.integrations.sklearn import HoneSearchCV  # noqa: E402

X, Y = datasets.load_iris(return_X_y=True)
SPACE = {"C": hone.log(1e-3, 1e3), "kernel": ["rbf", "linear"]}


def search(server, estimator=None, parameters=None, **more):
    more = {"n_trials": 6, "cv": 3, "random_state": 7, "url": server.url, **more}
    return HoneSearchCV(SVC() if estimator is None else estimator, parameters or SPACE, **more)


def check_results(found, n):
    """What a search of scikit-learn has when it is fitted."""
    results = found.cv_results_
    expect(len(results["params"]), n, "candidates")
    expect(len(found.suggestions_), n, "suggestions")
    expect(all(one.why for one in found.suggestions_), True, [one.explain for one in found.suggestions_])
    expect(found.best_score_, max(results["mean_test_score"]))
    expect(found.best_params_, results["params"][found.best_index_])
    expect(set(results) >= {"param_C", "param_kernel", "rank_test_score", "split0_test_score", "mean_fit_time"}, True)
    again = cross_val_score(clone(found.estimator).set_params(**found.best_params_), X, Y, cv=3).mean()
    expect(abs(again - found.best_score_) < 1e-12, True, f"{again} against {found.best_score_}")
    expect(found.best_estimator_.get_params()["C"], found.best_params_["C"])
    expect(found.predict(X).shape, Y.shape)


# ---- both ways ----

def test_a_search_without_a_study_stores_nothing(tmp):
    with Served(tmp) as server:
        found = search(server).fit(X, Y)
        check_results(found, 6)
        expect(list(server.connect().walk("/v1/studies")), [])
        again = search(server).fit(X, Y)
        expect(again.cv_results_["params"], found.cv_results_["params"], "the same candidates again")
        other = search(server, random_state=8, strategy="random").fit(X, Y)
        expect(other.cv_results_["params"] != found.cv_results_["params"], True)


def test_a_search_in_a_study_goes_on_where_it_was(tmp):
    with Served(tmp) as server:
        check_results(search(server, study="iris").fit(X, Y), 6)
        study = hone.Study.open("iris", server.connect())
        expect((study.state, len(study.trials("completed"))), ("finished", 6))
        fails(hone.HoneError, lambda: search(server, study="iris").fit(X, Y), "nothing to evaluate any more")
        check_results(search(server, study="iris", n_trials=10).fit(X, Y), 4)
        expect(len(study.trials("completed")), 10)


def test_batches_know_those_before(tmp):
    with Served(tmp) as server:
        for study in (None, "batches"):
            found = search(server, study=study, batch=4, n_trials=10).fit(X, Y)
            check_results(found, 10)
        expect(len(hone.Study.open("batches", server.connect()).trials("completed")), 10)


def test_the_example_finds_a_good_pipeline(tmp):
    with Served(tmp) as server:
        file = pathlib.Path(__file__).resolve().parents[2] / "deploy/examples/sklearn-search/search.py"
        out = server.run(f"import runpy, sys; sys.argv = ['', '4']; runpy.run_path({str(file)!r})")
        score, _, reason = out.partition(" with {")
        expect((float(score) > 0.5, "the last one, because: " in reason), (True, True), out)


# ---- as scikit-learn's own ----

def test_it_fails_no_check_that_the_random_search_passes(tmp):
    with Served(tmp) as server, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = failed_checks(search(server, Ridge(), {"alpha": hone.log(1e-2, 10)}, n_trials=2, cv=2, strategy="random"))
        if ours:
            own = failed_checks(RandomizedSearchCV(Ridge(), {"alpha": scipy.stats.loguniform(1e-2, 10)}, n_iter=2, cv=2))
            expect({name: why for name, why in ours.items() if name not in own}, {}, "checks")


def failed_checks(estimator):
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    expect(len(results) > 20, True, f"{len(results)} checks")
    return {one["check_name"]: str(one["exception"]) for one in results if one["status"] == "failed"}


def test_it_is_cloned_pickled_and_nested(tmp):
    with Served(tmp) as server:
        one = search(server, n_trials=3)
        expect(clone(one).get_params()["parameters"], SPACE)
        found = pickle.loads(pickle.dumps(one.fit(X, Y)))
        expect(list(found.predict(X)), list(one.predict(X)))
        scores = cross_val_score(search(server, n_trials=2), X, Y, cv=2)  # a search within a cross-validation
        expect(len(scores), 2)


def test_pipelines_and_choices_of_any_objects(tmp):
    with Served(tmp) as server:
        pipeline = Pipeline([("scale", StandardScaler()), ("svc", SVC())])
        scalers = [StandardScaler(), MinMaxScaler(), "passthrough", None]
        found = search(server, pipeline, {"scale": scalers[:3], "svc__C": scipy.stats.loguniform(0.1, 10),
                                          "svc__degree": scipy.stats.randint(2, 5),
                                          "svc__class_weight": [None, "balanced", {0: 1, 1: 2, 2: 1}],
                                          "scale__with_mean": hone.boolean(when={"scale": [scalers[0]]}),
                                          "svc__coef0": scipy.stats.uniform(0, 2)},
                       n_trials=12, batch=3, strategy="random").fit(X, Y)
        for params in found.cv_results_["params"]:
            expect(any(params["scale"] is scaler for scaler in scalers), True, params)
            expect("scale__with_mean" in params, params["scale"] is scalers[0], "a condition on an object")
            expect(params["svc__degree"] in (2, 3, 4), True, params)
            expect(params["svc__class_weight"] in (None, "balanced", {0: 1, 1: 2, 2: 1}), True, params)
            expect(0.1 <= params["svc__C"] <= 10 and 0 <= params["svc__coef0"] <= 2, True, params)


def test_several_scorings(tmp):
    with Served(tmp) as server:
        scoring = ["accuracy", "neg_log_loss"]
        model, domain = LogisticRegression(max_iter=2000), {"C": hone.log(1e-3, 1e3)}
        found = search(server, model, domain, scoring=scoring, refit="neg_log_loss").fit(X, Y)
        expect(found.best_score_, max(found.cv_results_["mean_test_neg_log_loss"]))
        fails(ValueError, lambda: search(server, model, domain, scoring=scoring, refit=False).fit(X, Y), "refit")


# ---- what goes wrong ----

class Fragile(ClassifierMixin, BaseEstimator):
    """Fails for half of its settings."""

    def __init__(self, x=0.0):
        self.x = x

    def fit(self, X, y):
        if self.x > 0.5:
            raise FloatingPointError("too much")
        self.classes_ = numpy.unique(y)
        return self

    def predict(self, X):
        return numpy.full(len(X), self.classes_[0])


def test_fits_that_fail_are_failed_trials(tmp):
    with Served(tmp) as server, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for study in (None, "fragile"):
            found = search(server, Fragile(), {"x": hone.float(0, 1)}, study=study, n_trials=8,
                           strategy="quasirandom").fit(X, Y)
            scores = found.cv_results_["mean_test_score"]  # without the batches of one that failed
            expect((0 < len(scores) < 8, len(found.suggestions_), sum(map(math.isnan, scores))),
                   (True, len(scores), 0), scores)
        together = search(server, Fragile(), {"x": hone.float(0, 1)}, batch=8, n_trials=8, strategy="quasirandom")
        expect(0 < sum(map(math.isnan, together.fit(X, Y).cv_results_["mean_test_score"])) < 8, True)
        fails(ValueError, lambda: search(server, Fragile(), {"x": hone.float(0.6, 1)}).fit(X, Y), "fits failed")
        states = {one.state for one in hone.Study.open("fragile", server.connect()).trials()}
        expect(states, {"completed", "failed"})
        fails(FloatingPointError, lambda: search(server, Fragile(), {"x": hone.float(0.6, 1)}, study="raises",
                                                 error_score="raise").fit(X, Y), "too much")
        one = hone.Study.open("raises", server.connect()).trials()[0]
        expect((one.state, one.reason), ("failed", "exception"))


def test_wrong_settings_are_told_of(tmp):
    with Served(tmp) as server:
        for parameters, part in (({}, "parameters are {}"), ([], "parameters are []"), ({"C": object()}, "'C'"),
                                 ({"C": scipy.stats.norm(0, 1)}, "distribution norm of scipy")):
            fails(TypeError, lambda: HoneSearchCV(SVC(), parameters, url=server.url).fit(X, Y), part)
        fails(hone.HoneError, lambda: search(server, parameters={"C": hone.log(0, 1)}).fit(X, Y), "log scale")
        fails(hone.HoneError, lambda: search(server, strategy="gready").fit(X, Y), "gready")
        fails(ValueError, lambda: search(server, n_trials=0).fit(X, Y), "n_trials")
        fails(ValueError, lambda: search(server, n_trials=2000).fit(X, Y), "name a study")
        fails(ValueError, lambda: search(server, parameters={"nonsense": [1]}).fit(X, Y), "nonsense")


def test_a_small_space_is_used_up(tmp):
    with Served(tmp) as server:
        for study in (None, "small"):
            found = search(server, parameters={"C": [0.1, 1.0], "kernel": ["rbf", "linear"]}, study=study, n_trials=20,
                           strategy="grid").fit(X, Y)
            expect(len(found.cv_results_["params"]), 4, study)


def test_without_scikit_learn_it_says_what_to_install(tmp):
    out = python("import sys; sys.modules['sklearn.model_selection._search'] = None; import hone.integrations.sklearn",
                 environment(tmp), status=1)
    expect(out.strip().splitlines()[-1], "hone.errors.MissingPackage: hone.integrations.sklearn needs scikit-learn; "
           "install it: pip install scikit-learn")


# ---- pandas ----

def test_a_study_is_a_frame(tmp):
    with Served(tmp) as server:
        found = search(server, study="frame").fit(X, Y)
        frame = hone.Study.open("frame", server.connect()).to_pandas()
        expect(list(frame["number"]), list(range(1, 7)))
        expect(frame["value"].max(), found.best_score_)
        expect({"params.C", "params.kernel", "metrics.score", "state"} <= set(frame.columns), True, frame.columns)
        expect(frame["params.C"].dtype.kind, "f")


def test_numbers_of_numpy_are_numbers(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = hone.Study.create("np", {"x": hone.choice(*numpy.arange(4)), "y": hone.float(numpy.float32(0), numpy.int64(1))}, metric="loss",
                                  client=client, strategy="random")
        trial = study.ask()
        for step, value in enumerate((numpy.float32(0.5), numpy.int16(3), numpy.array(2.5), numpy.array([1.5]),
                                      numpy.float64("nan")), 1):
            trial.report(numpy.int64(step), loss=value)
        fails(TypeError, lambda: trial.report(9, loss=numpy.zeros(3)), "metric loss", "mean")
        fails(TypeError, lambda: trial.report(9, loss=numpy.bool_(True)), "metric loss is True")
        expect(trial.tell(numpy.float16(0.25))["value"], 0.25)
        values = [one["metrics"]["loss"] for one in client.walk("/v1/studies/np/trials/1/measurements")]
        expect(values[:5], [0.5, 3, 2.5, 1.5, "NaN"])


main(globals())
