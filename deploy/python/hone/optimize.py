"""The loop that asks, runs and tells; and the decorator that makes a study of a function."""

from __future__ import annotations

import functools
import logging
import numbers
import os
import threading
import time
from typing import TYPE_CHECKING, Any, Callable, List, Optional, Sequence, Tuple, Type, Union

from .errors import LeaseLost, NothingYet
from .trial import LeasedTrial, Trial

if TYPE_CHECKING:
    from .client import Client
    from .study import Study

log = logging.getLogger("hone")

Objective = Callable[[Trial], Any]
Catch = Union[Type[Exception], Sequence[Type[Exception]]]
_ASK_SECONDS = 5.0  # of one ask, so that a loop that is to end does


class _Loop:
    """What the threads of one optimize() share."""

    def __init__(self, study: "Study", objective: Objective, n_trials: Optional[int],
                 catch: Tuple[Type[Exception], ...], seconds: Optional[float]) -> None:
        self.study = study
        self.objective = objective
        self.left = n_trials
        self.catch = catch
        self.until = None if seconds is None else time.monotonic() + seconds
        self.lock = threading.Lock()
        self.ends = threading.Event()
        self.error: Optional[BaseException] = None
        self.running: List[LeasedTrial] = []

    def work(self) -> None:
        """One thread's trials; an error ends the others after theirs."""
        try:
            while self._may_begin():
                trial = self._ask()
                if trial is None:
                    return
                self._run(trial)
        except BaseException as error:  # told by the thread that called optimize()
            with self.lock:
                self.error = self.error or error
            self.ends.set()

    def _may_begin(self) -> bool:
        with self.lock:
            if self.ends.is_set() or self.left == 0 or self._is_late():
                return False
            self.left = None if self.left is None else self.left - 1
            return True

    def _is_late(self) -> bool:
        return self.until is not None and time.monotonic() >= self.until

    def _ask(self) -> Optional[LeasedTrial]:
        while not self.ends.is_set() and not self._is_late():
            try:
                return self.study.ask(_ASK_SECONDS)
            except NothingYet as nothing:
                log.debug("%s", nothing)
        return None

    def _run(self, trial: LeasedTrial) -> None:
        with self.lock:
            self.running.append(trial)
        try:
            with trial:
                value = self.objective(trial)
                if value is not None and trial.action != "abort":
                    _tell(trial, value)
        except self.catch as error:
            log.warning("trial %d of %s failed: %.300s", trial.number, trial.study_name,
                        f"{type(error).__name__}: {error}")
        finally:
            with self.lock:
                self.running.remove(trial)

    def hand_back(self) -> None:
        """What runs in other threads is told to end, and goes out again elsewhere."""
        self.ends.set()
        with self.lock:
            running = list(self.running)
        for trial in running:
            trial.hand_back()


def _tell(trial: LeasedTrial, value: Any) -> None:
    try:
        trial.tell(value)
    except LeaseLost as error:
        log.info("the result of trial %d of %s is not taken: %s", trial.number, trial.study_name, error)


def run(study: "Study", objective: Objective, n_trials: Optional[int], n_jobs: int, catch: Catch,
        seconds: Optional[float]) -> None:
    """Study.optimize()."""
    if not callable(objective):
        raise TypeError(f"the objective is {objective!r}; give a function of a trial")
    if n_trials is not None and (not isinstance(n_trials, numbers.Integral) or n_trials < 0):
        raise ValueError(f"n_trials is {n_trials!r}; give a number of trials, or None")
    if not isinstance(n_jobs, numbers.Integral) or n_jobs == 0 or n_jobs < -1:
        raise ValueError(f"n_jobs is {n_jobs!r}; give a number of threads, or -1 for one for each core")
    kinds = (catch,) if isinstance(catch, type) else tuple(catch)
    loop = _Loop(study, objective, n_trials, kinds, seconds)
    if n_jobs == 1:
        loop.work()
    else:
        _in_threads(loop, n_jobs if n_jobs > 0 else os.cpu_count() or 1)
    if loop.error is not None:
        raise loop.error


def _in_threads(loop: _Loop, n: int) -> None:
    threads = [threading.Thread(target=loop.work, name=f"hone-trial-{i}", daemon=True) for i in range(n)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException:  # Ctrl-C: an objective cannot be interrupted, its trial can be given away
        loop.hand_back()
        raise


class TunedFunction:
    """A function with a study: it can be called as before, and tuned.

    study           creates the study, or finds it
    tune(n_trials)  runs trials, see Study.optimize()
    """

    def __init__(self, function: Objective, name: str, client: Optional["Client"], definition: Any) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._name = name
        self._client = client
        self._definition = definition
        self._study: Optional["Study"] = None

    def __call__(self, trial: Trial) -> Any:
        return self._function(trial)

    @property
    def study(self) -> "Study":
        from .study import Study
        if self._study is None:
            self._study = Study.create(self._name, client=self._client, **self._definition)
        return self._study

    def tune(self, n_trials: Optional[int] = None, n_jobs: int = 1, **more: Any) -> "Study":
        """Study.optimize() with this function; returns the study."""
        self.study.optimize(self._function, n_trials, n_jobs, **more)
        return self.study


def objective(study_name: str, parameters: Any, *, client: Optional["Client"] = None, **definition: Any
              ) -> Callable[[Objective], TunedFunction]:
    """Makes a study of a function of a trial; the arguments are those of Study.create().

        @hone.objective("branin", {"x": hone.float(-5, 10), "y": hone.float(0, 15)}, metric="value")
        def branin(trial): …

        branin.tune(n_trials=50).best_params

    Nothing is sent before the study is needed.
    """
    def decorate(function: Objective) -> TunedFunction:
        return TunedFunction(function, study_name, client, {"parameters": parameters, **definition})
    return decorate
