"""Optuna keeps the study and the loop, Hone suggests: a sampler that asks a honed.

    study = optuna.create_study(sampler=HoneSampler("http://127.0.0.1:4663"))
    study.optimize(objective, n_trials=100)

Nothing is stored in honed: each suggestion is a request with the space, the finished trials and the running
ones (POST /v1/suggest). So studies, storages, pruners, `n_jobs` and several processes work as they do with
Optuna's own samplers, and a study may change its sampler at any time.

What is modelled are the parameters that all completed trials have, and those that each had exactly where another
one had certain values (optuna_space.py): the conditions of a define-by-run space are found in its trials. Others,
such as all of the first trial, are drawn at random, each for itself, by the server too.
"""

from __future__ import annotations

import hashlib
import json
import random
import threading
import warnings
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ..client import Client, Suggestion, connect
from ..errors import missing

try:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial, TrialState
except ModuleNotFoundError as fault:
    if fault.name != "optuna":
        raise
    raise missing("hone.integrations.optuna", "optuna", "pip install optuna") from None

from .optuna_space import Space, conditions

TRIALS_MAX = 1000  # in one request
PENDING_MAX = 1000
_BEST_KEPT = 300   # of a longer study: so many of the best, and the newest
_RELATIVE = "hone:relative_params"  # system attribute of a trial: what it was given, as internal values
_WHY = "hone:why"  # the same: where its configuration came from, a sentence


class HoneSampler(BaseSampler):
    """Suggests by honed's strategies. Safe from any thread, and may be pickled.

    client       a hone.Client, a URL, or None: what hone.connect() finds (HONE_URL, HONE_TOKEN_FILE, else the
                 private server of this account). A token needs the scope `read` only
    strategy     as in a definition: "bayesian", "tpe", "nsga2", "random", "quasirandom", "auto"; None: bayesian, and
                 auto with several objectives: bayesian up to four of them, tpe beyond
    seed         0 to 2**53 - 1; the same seed and history give the same suggestion. None: drawn
    failures     "inform": a failed trial says where trials can run, once three have failed; "ignore" where
                 they fail for reasons of their own, such as a lost node

    Why a trial has its configuration stands in its system attribute "hone:why".
    Raises HoneError, with the server's sentence, where no suggestion can be had; Optuna 5 fails the trial then.
    """

    def __init__(self, client: Union[Client, str, None] = None, *, strategy: Union[str, Mapping[str, Any], None] = None,
                 seed: Optional[int] = None, failures: str = "inform") -> None:
        if failures not in ("inform", "ignore"):
            raise ValueError(f'failures is {failures!r}; give "inform" or "ignore"')
        self._client = client
        self._strategy = strategy
        self._seed = random.SystemRandom().randrange(2 ** 53) if seed is None else seed
        self._failures = failures
        self._warned = False
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.RLock()  # what one thread is given is pending for the next

    def __getstate__(self) -> Dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin()

    # ---- what Optuna calls --------------------------------------------------------------------------

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> Dict[str, BaseDistribution]:
        """The parameters that are modelled, without those of a single value."""
        return {one.name: one.distribution for one in conditions(_completed(study))}

    def sample_relative(self, study: optuna.Study, trial: FrozenTrial, search_space: Dict[str, BaseDistribution]
                        ) -> Dict[str, Any]:
        """A configuration of the search space from the strategy; a parameter that its condition leaves out is not in
        it."""
        with self._lock:
            space = Space(conditions(_completed(study), search_space))
            if not space.modelled:
                return {}
            found = self._ask(study, trial, space)
            if not found:  # a finite space; what else the trials have may make a repeated one worth while
                self._warn_once(f"every combination of {', '.join(space.names.values())} has been tried; some are "
                                "tried again")
                found = self._ask(study, trial, Space(space.modelled, has_rest=True))
            internal = space.internal(found[0].parameters)
            self._note(study, trial, _RELATIVE, json.dumps(internal))
            why = found[0].explain.get("provenance", {}).get("text")
            if why:
                self._note(study, trial, _WHY, why)
        return space.external(internal)

    def sample_independent(self, study: optuna.Study, trial: FrozenTrial, param_name: str,
                           param_distribution: BaseDistribution) -> Any:
        """A random value of one parameter: the stream is its own, by its name, and the trial's number selects
        the place in it."""
        space = Space.of_one(param_name, param_distribution)
        digest = hashlib.sha256(f"{self._seed} {param_name}".encode()).digest()
        definition = {"parameters": space.parameters, "seed": int.from_bytes(digest[:6], "little"),
                      "strategy": "random", "objectives": _objectives(study)}
        found = self._suggest(trial, definition, [], [])
        return space.external(space.internal(found[0].parameters))[param_name]

    # ---- the request --------------------------------------------------------------------------------

    def _connection(self) -> Client:
        with self._lock:
            if not isinstance(self._client, Client):
                self._client = connect(self._client)
            return self._client

    def _ask(self, study: optuna.Study, trial: FrozenTrial, space: Space) -> List[Suggestion]:
        finished, running = self._history(study, trial, space)
        definition = {"parameters": space.parameters, "seed": self._seed, "strategy": self._strategy_for(study),
                      "objectives": _objectives(study)}
        return self._suggest(trial, definition, finished, running)

    def _suggest(self, trial: FrozenTrial, definition: Dict[str, Any], finished: List[Dict[str, Any]],
                 running: List[Dict[str, Any]]) -> List[Suggestion]:
        return self._connection().suggest(definition, finished, running, ordinal=trial.number + 1)

    def _strategy_for(self, study: optuna.Study) -> Union[str, Mapping[str, Any]]:
        return self._strategy or ("bayesian" if len(study.directions) == 1 else "auto")

    @staticmethod
    def _note(study: optuna.Study, trial: FrozenTrial, key: str, value: Any) -> None:
        study._storage.set_trial_system_attr(trial._trial_id, key, value)

    def _warn_once(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(f"HoneSampler: {text}", stacklevel=3)

    # ---- the history --------------------------------------------------------------------------------

    def _history(self, study: optuna.Study, trial: FrozenTrial, space: Space
                 ) -> Tuple[List[Dict[str, Any]], List[Dict[str, Any]]]:
        """(finished, running) as the server takes them, without `trial`; finished in the order of their ends, so
        that each is the beginning of the next."""
        finished, running = [], []
        for other in study._storage.get_all_trials(study._study_id, deepcopy=False):
            if other.number == trial.number:
                continue
            if other.state.is_finished():
                told = self._finished(other, space, len(study.directions))
                if told is not None:
                    finished.append((other, told))
            elif other.state == TrialState.RUNNING:
                text = other.system_attrs.get(_RELATIVE)
                parameters = space.configuration(other, json.loads(text) if text else {})
                if parameters is not None:
                    running.append(parameters)
        finished.sort(key=lambda pair: (pair[0].datetime_complete.timestamp()
                                        if pair[0].datetime_complete else 0.0, pair[0].number))
        return [told for _, told in _newest_and_best(finished, study.directions)], running[-PENDING_MAX:]

    def _finished(self, trial: FrozenTrial, space: Space, n_objectives: int) -> Optional[Dict[str, Any]]:
        """None: it says nothing about this space."""
        parameters = space.configuration(trial, {})
        if parameters is None:
            return None
        told: Dict[str, Any] = {"parameters": parameters}
        if trial.state == TrialState.COMPLETE and trial.values is not None:
            told.update(state="completed", metrics=_metrics(trial.values))
            return told
        steps = [step for step, value in trial.intermediate_values.items() if step >= 0]
        if trial.state == TrialState.PRUNED and n_objectives == 1 and steps:
            told.update(state="pruned", step=max(steps),
                        metrics=_metrics([trial.intermediate_values[max(steps)]]))
            return told
        if trial.state == TrialState.PRUNED and n_objectives == 1:
            told["state"] = "infeasible"  # given up before it had a value
            return told
        if trial.state == TrialState.FAIL and self._failures == "inform":
            told["state"] = "failed"
            return told
        return None


# ---- Optuna's words and Hone's ------------------------------------------------------------------------


def _metrics(values: Sequence[float]) -> Dict[str, float]:
    return {f"value{i}": float(value) for i, value in enumerate(values)}


def _completed(study: optuna.Study) -> List[FrozenTrial]:
    found: List[FrozenTrial] = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return found


def _objectives(study: optuna.Study) -> List[Dict[str, str]]:
    return [{"metric": f"value{i}", "direction": direction.name.lower()}
            for i, direction in enumerate(study.directions)]


def _newest_and_best(finished: List[Tuple[FrozenTrial, Dict[str, Any]]], directions: Sequence[Any]
                     ) -> List[Tuple[FrozenTrial, Dict[str, Any]]]:
    """At most TRIALS_MAX of them, in their order."""
    if len(finished) <= TRIALS_MAX:
        return finished
    newest = set(range(len(finished) - TRIALS_MAX + _BEST_KEPT, len(finished)))
    sign = -1.0 if directions[0].name == "MAXIMIZE" else 1.0
    older = [i for i in range(len(finished)) if i not in newest and finished[i][0].state == TrialState.COMPLETE]
    best = sorted(older, key=lambda i: sign * finished[i][0].values[0])[:_BEST_KEPT]
    return [finished[i] for i in sorted(newest.union(best))]
