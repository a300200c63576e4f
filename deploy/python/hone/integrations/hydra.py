"""Hydra's multirun with Hone's strategies: python train.py -m hydra/sweeper=hone 'lr=tag(log, interval(1e-5, 1e-1))'

The sweeper makes a study of the overrides and runs `hydra.sweeper.n_jobs` trials at a time, each by
itself: when one ends, the next begins. What the task function returns is the objective's value. One that
reports while it trains can be stopped early or promoted:

    trial = hone.current_trial()
    for epoch in trial.steps():
        trial.report(epoch, loss=…)

    lr=interval(0.1, 1)                  any number between; tag(int, interval(1, 8)) whole ones
    lr=tag(log, interval(1e-5, 1e-1))    by order of magnitude; tag(log, int, …) of whole numbers
    layers=range(1, 8, 2)                1, 3, 5, 7
    act=relu,tanh    act=choice(a, b)    one of these; tag(ordinal, choice(s, m, l)) where neighbours are alike
    db=glob(*)                           one of the options of the group db
    seed=1                               the same in each trial

Trial 12 runs in the folder 12 of hydra.sweep.dir, in its later attempts too. The best is written into
optimization_results.yaml there. The same command again goes on with the study.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import multiprocessing
import multiprocessing.connection
import os
import pathlib
import pickle
import re
from typing import Any, Dict, List, Optional, Sequence, Tuple

from .. import job
from ..errors import HoneError, Infeasible, LeaseLost, NothingYet, Pruned, missing
from ..space import Domain, choice, ordinal
from ..study import Study
from ..trial import LeasedTrial

try:
    from hydra.core.config_store import ConfigStore
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import (ChoiceSweep, Glob, IntervalSweep, Override, RangeSweep,
                                                  Transformer)
    from hydra.core.object_type import ObjectType
    from hydra.core.plugins import Plugins
    from hydra.core.utils import JobReturn, JobStatus
    from hydra.errors import HydraException
    from hydra.plugins.sweeper import Sweeper
    from omegaconf import DictConfig, OmegaConf
except ImportError:
    raise missing("hone.integrations.hydra", "hydra-core", "pip install hydra-core") from None

log = logging.getLogger(__name__)

Encoded = Dict[str, str]            # a choice, "NAME=JSON" → as an override writes it
Outcome = Tuple[str, Any]           # "completed", value · "pruned", None · "infeasible" or "failed", text


@dataclasses.dataclass
class HoneSweeperConf:
    """hydra.sweeper, with its defaults.

    study        its name
    metric       the objective, reported or returned; of several a list, as of the directions
    strategy     a name, or {name: hyperband, search: bayesian}
    n_trials     configurations; null: the limits of `definition` alone
    n_jobs       trials at a time, each in a process of its own where there are several
    params       overrides beside those of the command line, {lr: interval(0.1, 1)}
    definition   any other member of a study: {resource: {name: epochs, max: 81}, limits: {seconds: 3600}, …}
    """

    _target_: str = "hydra_plugins.hone_sweeper.HoneSweeper"
    study: str = "${hydra.job.name}"
    metric: Any = "value"
    direction: Any = "minimize"
    strategy: Any = "auto"
    n_trials: Optional[int] = 20
    n_jobs: int = 1
    params: Any = None
    definition: Any = None


def register() -> None:
    """Makes the choice hydra/sweeper=hone known to Hydra."""
    ConfigStore.instance().store(group="hydra/sweeper", name="hone", node=HoneSweeperConf, provider="hone")


class HoneSweeper(Sweeper):
    """Hydra's interface of a sweeper; the arguments are the members of HoneSweeperConf."""

    def __init__(self, study: str, metric: Any, direction: Any, strategy: Any, n_trials: Optional[int],
                 n_jobs: int, params: Any, definition: Any) -> None:
        if n_jobs < 1:
            raise ValueError(f"hydra.sweeper.n_jobs is {n_jobs}; give a number of trials to run at a time")
        self.name = study
        self.metrics = _listed(metric)
        self.directions = _listed(direction) * (1 if len(_listed(direction)) > 1 else len(self.metrics))
        if len(self.metrics) != len(self.directions):
            raise ValueError(f"hydra.sweeper.metric names {len(self.metrics)} and hydra.sweeper.direction "
                             f"{len(self.directions)}; give a direction for each metric")
        self.n_jobs = n_jobs
        self.params = dict(_plain(params) or {})
        self.definition = dict(_plain(definition) or {})
        self.definition["strategy"] = _plain(strategy)
        if n_trials is not None:
            self.definition["limits"] = {"trials": n_trials, **(self.definition.get("limits") or {})}
        self.config: Optional[DictConfig] = None
        self.launcher: Any = None
        self.hydra_context: Any = None

    def setup(self, *, hydra_context: Any, task_function: Any, config: DictConfig) -> None:
        self.config, self.hydra_context = config, hydra_context
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config)

    def sweep(self, arguments: List[str]) -> None:
        """Runs the study to its end. HydraException: what is wrong with the overrides or the study, or that
        no server can be reached."""
        try:
            self._sweep(arguments)
        except (HoneError, ValueError) as error:
            raise HydraException(f"hydra/sweeper=hone: {error}") from error

    def _sweep(self, arguments: Sequence[str]) -> None:
        assert self.config is not None
        fixed, parameters, encoded = self._divided(arguments)
        folder = pathlib.Path(str(self.config.hydra.sweep.dir))
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, folder / "multirun.yaml")
        study = Study.create(self.name, parameters, objectives=list(zip(self.metrics, self.directions)),
                             **self.definition)
        log.info("study %s of %s", study.name, study.client.url)
        _Runs(study, self.launcher, fixed, encoded, folder, self.n_jobs).run()
        self._tell_best(study, folder)

    def _divided(self, arguments: Sequence[str]) -> Tuple[List[str], List[Domain], Encoded]:
        """What every trial is called with; what varies; how each choice is written."""
        lines = [f"{key}={value}" for key, value in self.params.items()] + list(arguments)
        fixed: List[str] = []
        parameters: Dict[str, Domain] = {}
        encoded: Encoded = {}
        for override in OverridesParser.create().parse_overrides(lines):
            key = override.get_key_element()
            if override.is_sweep_override():
                parameters[key] = {"name": key, **self._domain(override, encoded)}
            else:
                parameters.pop(key, None)  # the command line wins over hydra.sweeper.params
                fixed.append(str(override.input_line))
        if not parameters:
            raise ValueError("no override varies, so there is nothing to tune; give one such as "
                             "'lr=tag(log, interval(1e-5, 1e-1))'")
        return fixed, list(parameters.values()), encoded

    def _domain(self, override: Override, encoded: Encoded) -> Domain:
        key, value = override.get_key_element(), override.value()
        if isinstance(value, IntervalSweep):
            return _interval(override.input_line, value)
        if isinstance(value, RangeSweep):
            return _range(override.input_line, value)
        if isinstance(value, Glob):
            options = self.hydra_context.config_loader.get_group_options(
                override.key_or_group, results_filter=ObjectType.CONFIG)
            return choice(*[_noted(key, name, name, encoded) for name in value.filter(options)])
        assert isinstance(value, ChoiceSweep)
        written = list(override.sweep_iterator(transformer=Transformer.encode))
        plain = list(override.sweep_iterator(transformer=_unquoted))
        choices = [_noted(key, one, str(text), encoded) for one, text in zip(plain, written)]
        return ordinal(*choices) if "ordinal" in value.tags else choice(*choices)

    def _tell_best(self, study: Study, folder: pathlib.Path) -> None:
        if len(self.metrics) > 1:
            front = study.pareto()
            found: Dict[str, Any] = {"name": "hone", "solutions": [
                {"params": one.params, "values": [one.metrics.get(name) for name in self.metrics]}
                for one in front]}
            log.info("%d trials of study %s are on the Pareto front", len(front), study.name)
        else:
            best = study.best_trial
            if best is None:
                log.warning("no trial of study %s has a value; see: hone study trials %s", study.name,
                            study.name)
                return
            found = {"name": "hone", "best_evaluated_params": best.params,
                     "best_evaluated_result": best.value, "trial": best.number}
            log.info("best of %s: %s %s, trial %d, %s", study.name, self.metrics[0], best.value, best.number,
                     best.params)
        OmegaConf.save(OmegaConf.create(found), folder / "optimization_results.yaml")


class _Runs:
    """The trials that run now, each in a process of its own where there may be several."""

    def __init__(self, study: Study, launcher: Any, fixed: List[str], encoded: Encoded,
                 folder: pathlib.Path, n_jobs: int) -> None:
        self.study, self.launcher, self.fixed, self.encoded = study, launcher, fixed, encoded
        self.floats = {one["name"] for one in study.definition["parameters"] if one["type"] == "float"}
        self.folder, self.n_jobs = folder, n_jobs
        self.running: Dict[Any, Tuple[LeasedTrial, Any]] = {}  # end of a pipe → trial, process

    def run(self) -> None:
        try:
            if self.n_jobs == 1:
                self._one_by_one()
            else:
                self._side_by_side()
        except BaseException:  # Ctrl-C among them
            for trial, process in self.running.values():
                process.terminate()
                trial.hand_back()
            raise

    def _one_by_one(self) -> None:
        while True:
            trial = self.study.ask(wait=None)
            if trial is None:
                return
            try:
                outcome = self._launch(trial)
            except BaseException:
                trial.hand_back()
                raise
            _end(trial, outcome)

    def _side_by_side(self) -> None:
        over = False
        while self.running or not over:
            pause: Optional[float] = None
            if not over and len(self.running) < self.n_jobs:
                try:
                    trial = self.study.ask(wait=0.0 if self.running else None)
                    over = trial is None
                    if trial is not None:
                        self._start(trial)
                    continue
                except NothingYet as nothing:
                    pause = nothing.retry_after
            for pipe in multiprocessing.connection.wait(list(self.running), pause):
                self._take(pipe)

    def _start(self, trial: LeasedTrial) -> None:
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=self._child, args=(trial, theirs), name=f"trial-{trial.number}")
        process.start()
        theirs.close()
        self.running[ours] = (trial, process)

    def _child(self, trial: LeasedTrial, pipe: Any) -> None:
        outcome = self._launch(trial)
        try:
            pipe.send(outcome)
        except (pickle.PicklingError, TypeError, AttributeError):
            pipe.send(("failed", f"the task function returned a {type(outcome[1]).__name__}; return a number"))
        pipe.close()

    def _take(self, pipe: Any) -> None:
        """Ends the trial whose process has said what came of it, or is gone."""
        trial, process = self.running[pipe]
        try:
            outcome: Outcome = pipe.recv()
        except EOFError:
            process.join()
            outcome = ("failed", f"its process ended with status {process.exitcode}")
        process.join()
        pipe.close()
        del self.running[pipe]
        _end(trial, outcome)

    def _launch(self, trial: LeasedTrial) -> Outcome:
        """Runs one trial by Hydra's launcher, in whichever place that has for jobs."""
        handed = self.folder / ".hone" / f"trial-{trial.number}.json"
        overrides = self.fixed + [f"{name}={_written(name, self._typed(name, value), self.encoded)}"
                                  for name, value in trial.params.items()]
        with job.handed_over(trial, handed):
            overrides.append(f"++hydra.job.env_set.{job.TRIAL_FILE}='{handed.resolve()}'")
            returned: Sequence[JobReturn] = self.launcher.launch([overrides], initial_job_idx=trial.number)
        return _outcome(returned[0])


    def _typed(self, name: str, value: Any) -> Any:
        return float(value) if name in self.floats else value


def _outcome(returned: JobReturn) -> Outcome:
    if returned.status == JobStatus.COMPLETED:
        return "completed", returned.return_value
    try:
        found = returned.return_value  # raises what the task function raised
    except Pruned:
        return "pruned", None
    except Infeasible as infeasible:
        return "infeasible", str(infeasible)
    except Exception as error:
        log.exception("the task function failed")
        return "failed", f"{type(error).__name__}: {error}"
    return "failed", f"the job ended as {returned.status.name} ({found!r})"


def _end(trial: LeasedTrial, outcome: Outcome) -> None:
    state, value = outcome
    try:
        if state == "completed":
            trial.tell(_listed(value) if isinstance(value, (list, tuple)) else value)
        elif state == "pruned":
            trial.tell(None)
        else:
            trial.tell(None, state, reason=None if state == "infeasible" else "exception", detail=value)
    except LeaseLost as error:
        log.info("the result of trial %d is not taken: %s", trial.number, error)
    except (TypeError, ValueError) as error:  # no number
        trial.tell(None, "failed", reason="no_metric", detail=str(error))
        log.warning("trial %d: the task function's result cannot be used: %s", trial.number, error)
    except HoneError as error:
        if error.type != "invalid":
            raise
        trial.tell(None, "failed", reason="no_metric", detail=str(error))
        log.warning("trial %d: %s", trial.number, error)


def _interval(line: Any, sweep: IntervalSweep) -> Domain:
    _check_tags(line, sweep.tags, {"log", "int", "float"})
    assert sweep.start is not None and sweep.end is not None
    domain: Domain = {"type": "float", "low": sweep.start, "high": sweep.end}
    if "int" in sweep.tags:
        domain = {"type": "int", "low": _whole(line, sweep.start), "high": _whole(line, sweep.end)}
    if "log" in sweep.tags:
        domain["scale"] = "log"
    return domain


def _whole(line: Any, bound: float) -> int:
    if not float(bound).is_integer():
        raise ValueError(f"{line}: the tag int stands at an interval that ends at {bound}; give a whole number")
    return int(bound)


def _range(line: Any, sweep: RangeSweep) -> Domain:
    _check_tags(line, sweep.tags, set())
    numbers = list(sweep.range())
    if not numbers:
        raise ValueError(f"{line}: the range is empty")
    if len(numbers) == 1:
        return {"type": "constant", "value": numbers[0]}
    whole = all(isinstance(one, int) for one in numbers)
    low, high = min(numbers), max(numbers)
    return {"type": "int" if whole else "float", "low": low, "high": high,
            "step": abs(sweep.step) if whole else float(abs(sweep.step))}


def _check_tags(line: Any, tags: Any, known: Any) -> None:
    odd = sorted(set(tags) - known)
    if odd:
        raise ValueError(f"{line}: the tag {odd[0]} says nothing to this sweeper"
                         + (f"; it knows {', '.join(sorted(known))}" if known else ""))


def _unquoted(value: Any) -> Any:
    """The value of a choice as JSON has it."""
    return value.text if hasattr(value, "text") and not isinstance(value, (str, dict, list)) else value


def _noted(name: str, value: Any, written: str, encoded: Encoded) -> Any:
    """The choice as the study has it; how an override writes it is kept in `encoded`."""
    try:
        key = json.dumps(value, sort_keys=True)
    except TypeError:  # such as a cast that Hydra makes itself
        key, value = json.dumps(written), written
    encoded[f"{name}={key}"] = _quoted(value) if isinstance(value, str) else written
    return value


def _quoted(text: str) -> str:
    """Text as an override writes it: in quotes, unless no character of it means anything there."""
    if re.fullmatch(r"[A-Za-z_][\w.-]*", text) and text.lower() not in ("true", "false", "null", "nan", "inf"):
        return text
    escaped = re.sub(r"(\\*)'", r"\1\1\'", text)  # a quote, and the backslashes before one
    return "'" + re.sub(r"(\\+)$", r"\1\1", escaped) + "'"


def _written(name: str, value: Any, encoded: Encoded) -> str:
    known = encoded.get(f"{name}={json.dumps(value, sort_keys=True)}")
    return json.dumps(value) if known is None else known


def _listed(value: Any) -> List[Any]:
    plain = _plain(value)
    return list(plain) if isinstance(plain, (list, tuple)) else [plain]


def _plain(value: Any) -> Any:
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
