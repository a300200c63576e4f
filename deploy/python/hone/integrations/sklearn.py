"""A search of scikit-learn whose candidates Hone suggests.

    from hone.integrations.sklearn import HoneSearchCV

    search = HoneSearchCV(SVC(), {"C": hone.log(1e-3, 1e3), "kernel": ["rbf", "poly"]}, n_trials=40, n_jobs=4)
    search.fit(X, y)
    search.best_params_, search.best_score_, search.predict(X)

It is used as RandomizedSearchCV is, whose distributions of scipy it takes as well.
"""

from __future__ import annotations

import json
import math
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from .. import space, values
from ..client import Suggestion, connect
from ..errors import HoneError, NothingYet, missing
from ..study import Study
from ..trial import LeasedTrial

try:
    import joblib
    from sklearn.model_selection._search import BaseSearchCV
    from sklearn.utils import check_random_state
except ImportError as _fault:
    if (_fault.name or "").split(".")[0] not in ("sklearn", "joblib"):
        raise
    raise missing(__name__, "scikit-learn", "pip install scikit-learn") from None

__all__ = ["HoneSearchCV"]

_SCORE = "score"
_BATCH = 64       # candidates a request
_STATELESS = 1000  # trials that the server takes without a study
_ASK_SECONDS = 30.0
_ALL_FAILED = "fits failed"
_SEEDS = 2 ** 31 - 1


class HoneSearchCV(BaseSearchCV):
    """Cross-validated search over parameters of an estimator; candidates come from a server of Hone.

    estimator     of scikit-learn, a pipeline for example
    parameters    {"C": hone.log(1e-3, 1e3), "svc__kernel": ["rbf", "poly"]}: what hone.float, hone.int and the
                  others return, lists of choices (of any objects), or scipy's uniform, loguniform, randint
    n_trials      candidates to evaluate
    scoring, n_jobs, refit, cv, verbose, pre_dispatch, error_score, return_train_score
                  as in RandomizedSearchCV. Of several scorings, refit names the one that is optimised.
    strategy      "auto", or another of Hone's, with or without options
    batch         candidates at a time, which n_jobs evaluates together; None: as many as n_jobs. The next ones
                  know the scores of those before
    constraints   the API's: ["max_depth * n_estimators <= 2000"]
    study         None: the server stores nothing. A name: a study there, which the dashboard shows, which others
                  may work on too, and which goes on where it was
    random_state  int: the same candidates again, where the scores are the same
    url, token_file  of the server; None: as hone.connect() finds it

    After fit(): cv_results_, best_params_ and all else that a search of scikit-learn has, and
    suggestions_: for each candidate of cv_results_ a Suggestion, whose `why` is the reason. A batch
    none of whose fits succeeds is told to the server and is in neither of them.

    HoneError: the server refuses the parameters, or there is none.
    """

    def __init__(self, estimator: Any, parameters: Any, *, n_trials: int = 30, scoring: Any = None,
                 n_jobs: Optional[int] = None, refit: Any = True, cv: Any = None, verbose: int = 0,
                 pre_dispatch: Any = "2*n_jobs", error_score: Any = math.nan, return_train_score: bool = False,
                 strategy: Any = "auto", batch: Optional[int] = None, constraints: Sequence[str] = (),
                 study: Optional[str] = None, random_state: Any = None, url: Optional[str] = None,
                 token_file: Optional[str] = None) -> None:
        super().__init__(estimator=estimator, scoring=scoring, n_jobs=n_jobs, refit=refit, cv=cv, verbose=verbose,
                         pre_dispatch=pre_dispatch, error_score=error_score, return_train_score=return_train_score)
        self.parameters = parameters
        self.n_trials = n_trials
        self.strategy = strategy
        self.batch = batch
        self.constraints = constraints
        self.study = study
        self.random_state = random_state
        self.url = url
        self.token_file = token_file

    def _run_search(self, evaluate_candidates: Callable[[List[Dict[str, Any]]], Mapping[str, Any]]) -> None:
        """Called by fit(): asks, has evaluated, tells, until n_trials are done."""
        if self.n_trials < 1:
            raise ValueError(f"n_trials is {self.n_trials!r}; give 1 or more")
        size = self.batch or joblib.effective_n_jobs(self.n_jobs)
        codec = _Codec(self.parameters)
        self.suggestions_: List[Suggestion] = []
        source = self._in_study(codec) if self.study else self._without_study(codec)
        left, failure = self.n_trials, None
        while left > 0:
            suggested = source.next(max(1, min(size, left, _BATCH)))
            if not suggested:
                break
            left -= len(suggested)
            with source:
                try:
                    results = evaluate_candidates([codec.decode(one.parameters) for one in suggested])
                except ValueError as error:
                    if _ALL_FAILED not in str(error):
                        raise
                    failure = error  # scikit-learn gives up a batch without a single fit; the search goes on
                    source.tell([math.nan] * len(suggested))
                    continue
                self.suggestions_.extend(suggested)
                source.tell(self._scores(results)[-len(suggested):])
        if not self.suggestions_:
            if failure is not None:
                raise failure
            raise HoneError(f"study {self.study} has nothing to evaluate any more: give a larger n_trials, or another "
                            "name", type="study-ended")

    def _scores(self, results: Mapping[str, Any]) -> List[float]:
        """Of every candidate so far, in their order."""
        for name in (f"mean_test_{self.refit}", "mean_test_score"):
            if name in results:
                return [float(one) for one in results[name]]
        raise ValueError("of several scorings, say by refit which one is optimised: refit=\"accuracy\"")

    def _definition(self, codec: "_Codec") -> Dict[str, Any]:
        return {"strategy": self.strategy, "constraints": list(self.constraints), "parameters": codec.parameters}

    def _seed(self) -> int:
        state = self.random_state
        return int(state) if isinstance(state, int) else int(check_random_state(state).randint(_SEEDS))

    def _in_study(self, codec: "_Codec") -> "_InStudy":
        client = connect(self.url, token_file=self.token_file)
        definition = self._definition(codec)
        if self.random_state is not None:
            definition["seed"] = self._seed()
        return _InStudy(Study.create(str(self.study), definition.pop("parameters"), metric=_SCORE,
                                     direction="maximize", client=client, limits={"trials": self.n_trials},
                                     **definition))

    def _without_study(self, codec: "_Codec") -> "_WithoutStudy":
        if self.n_trials > _STATELESS:
            raise ValueError(f"n_trials is {self.n_trials}; name a study for more than {_STATELESS}")
        definition = {**self._definition(codec), "metric": _SCORE, "direction": "maximize", "seed": self._seed(),
                      "limits": {"trials": self.n_trials}}
        return _WithoutStudy(connect(self.url, token_file=self.token_file), definition)


class _WithoutStudy:
    """Candidates by /v1/suggest: the history is kept here."""

    def __init__(self, client: Any, definition: Dict[str, Any]) -> None:
        self.client = client
        self.definition = definition
        self.done: List[Dict[str, Any]] = []
        self.asked: List[Suggestion] = []

    def next(self, n: int) -> List[Suggestion]:
        self.asked = self.client.suggest(self.definition, self.done, n=n)  # none: a small space is used up
        return self.asked

    def tell(self, scores: Sequence[float]) -> None:
        for one, score in zip(self.asked, scores):
            ended = {"state": "completed", "value": score} if math.isfinite(score) else {"state": "failed"}
            self.done.append({"parameters": one.parameters, **ended})

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        pass


class _InStudy:
    """Candidates of a study: leased, and told when they are evaluated."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.leased: List[LeasedTrial] = []

    def next(self, n: int) -> List[Suggestion]:
        self.leased = []
        while len(self.leased) < n:
            try:
                trial = self.study.ask(0.0 if self.leased else _ASK_SECONDS)
            except NothingYet:
                if self.leased:
                    break
                continue
            if trial is None:
                break
            self.leased.append(trial)
        return [Suggestion(trial.params, self.study.explain(trial.number)) for trial in self.leased]

    def tell(self, scores: Sequence[float]) -> None:
        for trial, score in zip(self.leased, scores):
            trial.tell(score)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        for trial in self.leased:
            if isinstance(error, Exception) and not trial.is_ended:
                trial.fail(error)
            elif error is not None:
                trial.hand_back()


class _Codec:
    """Parameters as the API takes them, and configurations as the estimator does.

    Choices may be any objects (estimators, functions, tuples): JSON carries what it can, else a text that
    names the object, and the object itself is handed to the estimator.
    """

    def __init__(self, described: Mapping[str, Any]) -> None:
        if not isinstance(described, Mapping) or not described:
            raise TypeError(f"parameters are {described!r}; give a dict such as {{\"C\": hone.log(1e-3, 1e3)}}")
        self.objects: Dict[str, Dict[str, Any]] = {}
        domains = {name: self._domain(str(name), one) for name, one in described.items()}
        for one in domains.values():
            if isinstance(one, dict) and isinstance(one.get("when"), Mapping):
                one["when"] = {parent: [self._known(parent, value) for value in allowed]
                               for parent, allowed in one["when"].items()}
        self.parameters = space.parameters(domains)

    def _domain(self, name: str, one: Any) -> Any:
        if hasattr(one, "rvs"):
            return _of_scipy(name, one)
        if hasattr(one, "tolist"):  # a numpy array of choices
            one = one.tolist()
        if isinstance(one, (list, tuple)):
            one = space.choice(*one)
        if isinstance(one, Mapping) and "choices" in one:
            return {**one, "choices": [self._code(name, i, choice) for i, choice in enumerate(one["choices"])]}
        return dict(one) if isinstance(one, Mapping) else one

    def _code(self, name: str, i: int, choice: Any) -> Any:
        try:
            code = values.plain(choice)
        except (TypeError, ValueError):
            code = f"{i}: {' '.join(repr(choice).split())[:200]}"
        self.objects.setdefault(name, {})[_key(code)] = choice
        return code

    def _known(self, parent: str, value: Any) -> Any:
        """What a condition's value is called here: an object by its code."""
        for code, choice in self.objects.get(parent, {}).items():
            if choice is value:
                return json.loads(code)
        return value

    def decode(self, parameters: Mapping[str, Any]) -> Dict[str, Any]:
        return {name: self.objects.get(name, {}).get(_key(value), value) for name, value in parameters.items()}


def _key(code: Any) -> str:
    return json.dumps(code, sort_keys=True)


def _of_scipy(name: str, distribution: Any) -> Dict[str, Any]:
    """The same as one of scipy's distributions. TypeError: it has no like here."""
    kind = getattr(getattr(distribution, "dist", None), "name", type(distribution).__name__)
    try:
        low, high = (float(end) for end in distribution.support())
    except Exception:  # whatever that object is
        low, high = -math.inf, math.inf
    convert: Dict[str, Callable[[float, float], Dict[str, Any]]] = {
        "uniform": space.float, "loguniform": space.log, "reciprocal": space.log,
        "randint": lambda first, last: space.int(int(first), int(last))}
    if kind not in convert or not (math.isfinite(low) and math.isfinite(high)):
        raise TypeError(f"parameter {name!r} is a distribution {kind} of scipy; say it as hone.float, hone.log, "
                        "hone.int or hone.normal")
    return convert[kind](low, high)


