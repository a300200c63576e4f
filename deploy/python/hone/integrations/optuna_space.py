"""For optuna.py: a search space of Optuna's as a definition of Hone's, and its conditions.

Optuna's spaces are made as the objective runs: which parameter depends on which is nowhere said. conditions() finds
it in the completed trials. A guess that later trials contradict is given up; a parameter without a guess is not
modelled.
"""

from __future__ import annotations

import math
import random
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial

_PARENT_VALUES_MAX = 64
_REST = "rest"  # stands for whatever else trials have


class Modelled(NamedTuple):
    """A parameter of the space.

    parent   the parameter that it depends on; "": none
    values   those of the parent with which it is there, as Optuna stores them
    """

    name: str
    distribution: BaseDistribution
    parent: str = ""
    values: Tuple[float, ...] = ()


# ---- conditions ---------------------------------------------------------------------------------------


def _distributions(trials: Sequence[FrozenTrial]) -> Dict[str, BaseDistribution]:
    """Of the parameters that always had the same one, and more than one value; by name."""
    found: Dict[str, Optional[BaseDistribution]] = {}
    for trial in trials:
        for name, distribution in trial.distributions.items():
            if found.setdefault(name, distribution) != distribution:
                found[name] = None
    fixed = ((name, found[name]) for name in sorted(found))
    return {name: distribution for name, distribution in fixed if distribution is not None and not distribution.single()}


def _n_values(distribution: BaseDistribution) -> float:
    if isinstance(distribution, CategoricalDistribution):
        return len(distribution.choices)
    if isinstance(distribution, IntDistribution):
        return float((distribution.high - distribution.low) // distribution.step + 1)
    return math.inf


def _depends(name: str, parent: str, distribution: BaseDistribution, trials: Sequence[FrozenTrial]
             ) -> Optional[Tuple[float, ...]]:
    """The parent's values with which the parameter is there, if these decide it in every trial; of an int, those on
    one side of a bound."""
    with_it: Set[float] = set()
    without: Set[float] = set()
    for trial in trials:
        if parent not in trial.params:
            if name in trial.params:
                return None
            continue
        value = distribution.to_internal_repr(trial.params[parent])
        (with_it if name in trial.params else without).add(value)
    if not with_it or not without or with_it & without:
        return None
    if not isinstance(distribution, IntDistribution):
        return tuple(sorted(with_it))
    every = range(distribution.low, distribution.high + 1, distribution.step)
    if min(with_it) > max(without):
        return tuple(float(value) for value in every if value >= min(with_it))
    if max(with_it) < min(without):
        return tuple(float(value) for value in every if value <= max(with_it))
    return None


def conditions(trials: Sequence[FrozenTrial], only: Optional[Mapping[str, BaseDistribution]] = None) -> List[Modelled]:
    """The parameters that can be modelled, each behind the one that it depends on. `only`: of these alone."""
    known = _distributions(trials)
    if only is not None:
        known = {name: distribution for name, distribution in known.items() if only.get(name) == distribution}
    found = [Modelled(name, known[name]) for name in known if all(name in trial.params for trial in trials)]
    open_names = [name for name in known if name not in {one.name for one in found}]
    while True:
        parents = sorted((one for one in found if _n_values(one.distribution) <= _PARENT_VALUES_MAX),
                         key=lambda one: (_n_values(one.distribution), one.name))
        placed = []
        for name in open_names:
            for parent in parents:
                values = _depends(name, parent.name, parent.distribution, trials)
                if values is not None:
                    placed.append(Modelled(name, known[name], parent.name, values))
                    break
        if not placed:
            return found
        found += placed
        open_names = [name for name in open_names if name not in {one.name for one in placed}]


# ---- the space ----------------------------------------------------------------------------------------


class Space:
    """The space as a definition has it. Parameters are numbered and choices named by their index: names and choices
    may be anything in Optuna.

    has_rest   with one number more, drawn for each trial, which keeps the space from ever being used up
    """

    def __init__(self, modelled: Iterable[Modelled], has_rest: bool = False) -> None:
        self.modelled = list(modelled)
        self.names = {f"p{i}": one.name for i, one in enumerate(self.modelled)}
        self._own = {name: own for own, name in self.names.items()}
        self._distributions = {one.name: one.distribution for one in self.modelled}
        self._has_rest = has_rest
        self.parameters = [self._parameter(one) for one in self.modelled]
        if has_rest:
            self.parameters.append({"name": _REST, "type": "float", "low": 0, "high": 1})

    @classmethod
    def of_one(cls, name: str, distribution: BaseDistribution) -> Space:
        return cls([Modelled(name, distribution)])

    def _parameter(self, one: Modelled) -> Dict[str, Any]:
        found = {"name": self._own[one.name], **_described(one.distribution)}
        if one.parent:
            found["when"] = {self._own[one.parent]: [self._tell(one.parent, value) for value in one.values]}
        return found

    def _tell(self, name: str, internal: float) -> Any:
        distribution = self._distributions[name]
        if isinstance(distribution, CategoricalDistribution):
            return str(int(internal))
        return int(internal) if isinstance(distribution, IntDistribution) else float(internal)

    def internal(self, parameters: Mapping[str, Any]) -> Dict[str, float]:
        """What the server suggests, by Optuna's names, as Optuna stores it: a choice by its index."""
        return {name: float(parameters[own]) for own, name in self.names.items() if own in parameters}

    def external(self, internal: Mapping[str, float]) -> Dict[str, Any]:
        return {name: self._distributions[name].to_external_repr(value) for name, value in internal.items()}

    def configuration(self, trial: FrozenTrial, given: Mapping[str, float]) -> Optional[Dict[str, Any]]:
        """The parameters of a trial as the server takes them; None: it lacks one, or lies outside the space.

        given   what the trial was given when it began, as Optuna stores it; a running one may not have asked yet
        """
        values: Dict[str, float] = {}
        for one in self.modelled:
            if one.parent and values.get(one.parent) not in one.values:
                continue
            try:
                value = (one.distribution.to_internal_repr(trial.params[one.name]) if one.name in trial.params
                         else given[one.name])
                if not one.distribution._contains(value):
                    return None
            except (KeyError, ValueError, TypeError):
                return None
            values[one.name] = value
        told = {self._own[name]: self._tell(name, value) for name, value in values.items()}
        if self._has_rest:
            told[_REST] = random.Random(trial.number).random()
        return told


def _described(distribution: BaseDistribution) -> Dict[str, Any]:
    if isinstance(distribution, CategoricalDistribution):
        return {"type": "categorical", "choices": [str(i) for i in range(len(distribution.choices))]}
    if not isinstance(distribution, (FloatDistribution, IntDistribution)):
        raise ValueError(f"HoneSampler knows float, int and categorical distributions, not {distribution!r}")
    whole = isinstance(distribution, IntDistribution)
    found: Dict[str, Any] = {"type": "int" if whole else "float", "low": distribution.low, "high": distribution.high}
    if distribution.log:
        found["scale"] = "log"
    elif distribution.step is not None and not (whole and distribution.step == 1):
        found["step"] = distribution.step
    return found
