"""A trial that this process runs: its configuration, what it measures, and whether it should go on.

    with study.trial() as t:
        for epoch in t.steps(20):
            t.report(epoch, loss=train(t.params["lr"]))

While a trial lives here a thread keeps its lease: it tells the server that the trial is being worked on,
and learns whether it should stop. A server that is away for a while stops nothing; what was reported
meanwhile is sent when it is back.
"""

from __future__ import annotations

import abc
import logging
import os
import threading
import time
import traceback
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Union

from . import checkpoint, keeper, values
from .client import Client, quote
from .errors import HoneError, Infeasible, LeaseLost, Pruned

log = logging.getLogger("hone")

RESULT_SECONDS = 600.0     # for how long a result is offered to a server that is away
_REPORT_SECONDS = 5.0      # for how long a report holds up the training
_DETAIL_BYTES = 4000
_BATCH = 1000              # measurements a request
_PENDING = 100000          # measurements that are kept for a server that is away
Value = Union[Any, Sequence[Any], Mapping[str, Any]]


class Trial(abc.ABC):
    """What a training program sees of its trial, in a study of its own or in a job of `hone worker`.

    study_name      str
    number          of the trial in its study, from 1
    attempt         1, or more where an earlier attempt was lost, paused or handed back
    params          the configuration, {"lr": 0.01}; an inactive parameter is absent
    seed            int, the same for each attempt of the trial
    resource_from   step after which to begin: 0, or that of the checkpoint that is in checkpoint_dir
    resource_to     step up to which it was handed out; None in a study without `resource`
    """

    study_name: str
    number: int
    attempt: int
    params: Dict[str, Any]
    seed: int
    resource_from: Any
    resource_to: Any

    def __init__(self) -> None:
        self._last_step: Any = None
        self._action = "continue"

    def __getattr__(self, name: str) -> Any:
        """Says what to use instead of what other tuners' trials have; called for what is not there."""
        if name.startswith("suggest_"):
            raise AttributeError(f"a trial of Hone has no {name}(): its values are in trial.params, "
                                 "trial.params['lr']; what they are chosen from is said once, to Study.create()")
        if name == "should_prune":
            raise AttributeError("a trial of Hone has no should_prune(); ask trial.should_stop() and leave, or "
                                 "call trial.check(), which raises hone.Pruned")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # ---- measuring ----------------------------------------------------------------------------------

    def report(self, step: Any = None, metrics: Optional[Mapping[str, Any]] = None, **named: Any) -> None:
        """Reports what was measured after `step`: report(3, loss=0.2) or report(3, {"val/loss": 0.2}).

        step      of the study's resource where it has one (epochs, say), else any count; None: the last
                  one plus 1. Of several values of a step and metric the first counts.
        metrics   name → number: any kind that has a float value, NaN and infinities too

        TypeError: a value is no number. HoneError: the server refuses it, for what the error says. A server
        that is away, or a trial that has been taken away, raises nothing here: see should_stop().
        """
        if isinstance(step, Mapping):
            step, metrics = None, {**step, **(metrics or {})}
        measured = values.metrics({**(metrics or {}), **named})
        if not measured:
            raise ValueError("report() without a metric; say for example report(step, loss=0.2)")
        number = self._next_step() if step is None else values.step(step)
        self._send(number, measured)
        self._last_step = number

    def _next_step(self) -> Any:
        return (self.resource_from or 0) + 1 if self._last_step is None else self._last_step + 1

    @abc.abstractmethod
    def _send(self, step: Any, measured: Dict[str, Any]) -> None:
        """Sends one measurement and notes what the server wants."""

    # ---- going on or not ----------------------------------------------------------------------------

    @property
    def action(self) -> str:
        """What the server wants: "continue", "pause", "stop" or "abort"; known since the last report, or
        since the lease was last renewed."""
        return self._action

    def should_stop(self) -> bool:
        """Whether to save a checkpoint, if there is one to save, and leave."""
        return self.action != "continue"

    def check(self) -> None:
        """Raises Pruned where should_stop() is true: for code that cannot leave its loop by itself."""
        if self.should_stop():
            raise Pruned(f"trial {self.number} of {self.study_name}: {self.action}")

    @property
    @abc.abstractmethod
    def until(self) -> Any:
        """The step up to which to train now; grows when the trial is promoted. None without a resource."""

    def steps(self, n: Optional[int] = None) -> Iterator[int]:
        """The whole steps to train, one after the other: from resource_from + 1 to `until`, or to n in a study
        without a resource. Ends early when the trial should stop."""
        if n is None and self.until is None:
            raise ValueError(f"study {self.study_name} has no resource; say how many steps: steps(20)")
        step = int(self.resource_from or 0)
        while not self.should_stop():
            last = self.until if n is None else n if self.until is None else min(n, self.until)
            if step >= last:
                return
            step += 1
            yield step

    # ---- checkpoints --------------------------------------------------------------------------------

    @property
    @abc.abstractmethod
    def checkpoint_dir(self) -> str:
        """A directory of this trial: what is saved there is there again when the trial goes on."""

    @property
    def resume(self) -> bool:
        """Whether checkpoint_dir holds the state after step resource_from."""
        return bool(self.resource_from)

    # ---- as a block ---------------------------------------------------------------------------------

    def __enter__(self) -> "Trial":
        return self

    @abc.abstractmethod
    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        ...

    def __repr__(self) -> str:
        return f"<hone.Trial {self.number} of {self.study_name}, attempt {self.attempt}>"


class LeasedTrial(Trial):
    """A trial that this process has leased from the server. Made by Study.ask(). Safe from any thread.

    As a block it ends itself: with what it has reported, with Pruned too; as failed, with the last lines of
    the traceback, where another exception leaves the block; handed back unharmed where Ctrl-C or sys.exit()
    does.
    """

    def __init__(self, client: Client, answer: Mapping[str, Any]) -> None:
        super().__init__()
        lease, trial = answer["lease"], answer["trial"]
        resource = trial.get("resource") or {}
        self.client = client
        self.answer = dict(answer)  # of the ask, as the API has it
        self.lease_id = str(lease["id"])
        self.ttl_seconds = float(lease["ttl_seconds"])
        self.heartbeat_seconds = float(lease["heartbeat_seconds"])
        self.study_name = str(answer["study"])
        self.objectives: List[Dict[str, Any]] = list(answer["objectives"])
        self.number = int(trial["number"])
        self.attempt = int(trial["attempt"])
        self.params = dict(trial["parameters"])
        self.seed = int(trial["seed"])
        self.resource_name = resource.get("name")
        self.resource_from = resource.get("from", 0)
        self.resource_to = resource.get("to")
        self._until = self.resource_to
        self._granted = trial.get("checkpoint")
        self._folder: Optional[str] = None
        self._began = time.monotonic()
        self._pending: List[Dict[str, Any]] = []  # measurements that the server has not taken yet
        self._measured: Set[str] = set()  # the metrics that were reported
        self._result: Optional[Dict[str, Any]] = None
        self._ended: Optional[Dict[str, Any]] = None
        self._lost: Optional[LeaseLost] = None
        self._lock = threading.RLock()
        self._sending = threading.Lock()
        self._entered_in: Optional[int] = None
        self.leased_by = os.getpid()
        checkpoint.discard(client, answer.get("discard") or [])
        if self._granted and not checkpoint.is_here(self._granted):
            log.warning("trial %d of %s begins at 0: its checkpoint %s is not here", self.number,
                        self.study_name, self._granted.get("uri"))
            self.resource_from = 0
        keeper.keep(self)

    # What leaves the process (pickle): everything but the locks.
    def __getstate__(self) -> Dict[str, Any]:
        return {name: value for name, value in self.__dict__.items()
                if name not in ("_lock", "_sending", "__weakref__")}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock, self._sending = threading.RLock(), threading.Lock()

    def _after_fork(self) -> None:
        self._lock, self._sending = threading.RLock(), threading.Lock()

    @property
    def until(self) -> Any:
        return self._until

    @property
    def is_ended(self) -> bool:
        """Whether its result was taken, or it was handed back or lost."""
        return self._ended is not None or self._lost is not None

    def should_stop(self) -> bool:
        keeper.keep(self)  # in a child process, too
        return super().should_stop()

    @property
    def checkpoint_dir(self) -> str:
        with self._lock:
            if self._folder is None:
                self._folder = checkpoint.make(self.client, self.study_name, self.number, self.attempt,
                                               self._granted if self.resource_from else None,
                                               self._path("/checkpoint"))
            return self._folder

    # ---- measurements -------------------------------------------------------------------------------

    def _send(self, step: Any, measured: Dict[str, Any]) -> None:
        keeper.keep(self)
        with self._lock:
            if self.is_ended:
                return
            was_waiting = bool(self._pending)
            if len(self._pending) < _PENDING:
                self._pending.append({"step": step, "metrics": measured})
            self._measured.update(measured)
        if was_waiting and not keeper.is_reachable(self):
            return  # the server is away; the keeper sends it when it is back
        try:
            self._flush(_REPORT_SECONDS)
        except LeaseLost as error:
            self._note_lost(error)
        except HoneError as error:
            if not error.retryable:
                raise
            keeper.note_away(self, error)

    def _flush(self, seconds: float, retry: bool = True) -> None:
        """Sends what is pending, oldest first. A refused batch is dropped, and raised."""
        with self._sending:
            while True:
                with self._lock:
                    batch = self._pending[:_BATCH]
                if not batch:
                    return
                try:
                    answer = self.client.request("POST", self._path("/measurements"), {"measurements": batch},
                                                 timeout=seconds, retry=retry)
                except HoneError as error:
                    if not error.retryable:
                        self._drop(batch)
                    raise
                self._drop(batch)
                self._note(answer)

    def _drop(self, batch: Sequence[Any]) -> None:
        with self._lock:
            del self._pending[:len(batch)]

    def _renew(self, seconds: float) -> None:
        """The heartbeat; with it, what is pending. Called by the keeper."""
        if self._pending:
            self._flush(seconds, retry=False)
        else:
            self._note(self.client.request("PUT", self._path(""), timeout=seconds, retry=False))

    def _note(self, answer: Any) -> None:
        if not isinstance(answer, Mapping):
            return
        with self._lock:
            self._action = str(answer.get("action", "continue"))
            if answer.get("until") is not None:
                self._until = answer["until"]
            self.heartbeat_seconds = float(answer.get("heartbeat_seconds", self.heartbeat_seconds))

    def _note_lost(self, error: LeaseLost) -> None:
        with self._lock:
            self._action, self._lost = "abort", error
            self._pending.clear()
        keeper.forget(self)
        log.warning("trial %d of %s is no longer this process's: %s", self.number, self.study_name, error)

    def _path(self, rest: str) -> str:
        return f"/v1/leases/{quote(self.lease_id)}{rest}"

    # ---- ends ---------------------------------------------------------------------------------------

    def tell(self, value: Optional[Value] = None, state: str = "completed", step: Any = None, *,
             reason: Optional[str] = None, detail: Optional[str] = None) -> Dict[str, Any]:
        """Ends the trial; returns it as the server has it now, {"number": 3, "state": "completed", …}.

        value    the objective's; or a list, in the order of the objectives; or {"loss": 0.3, …}; None: what
                 was reported
        state    "completed" (with what was trained, be it all or not), "failed", "infeasible"
        step     the last one trained; None: the last one reported
        reason   of a failure, a word, "oom"; `detail` is text for people

        The same again gives the same answer. A server that is away is waited for, RESULT_SECONDS (600)
        seconds; the trial can be told again after that. LeaseLost: it is no longer this process's.
        """
        if state not in ("completed", "failed", "infeasible", "preempted"):
            raise ValueError(f'state is {state!r}; give "completed", "failed" or "infeasible" '
                             '(a pruned one is completed with what it has)')
        result: Dict[str, Any] = {"outcome": state, "usage": self._usage()}
        measured = self._metrics(value)
        if measured:
            result["metrics"] = measured
        if step is not None or self._last_step is not None:
            result["step"] = values.step(step) if step is not None else self._last_step
        if reason:
            result["reason"] = reason[:64]
        if detail:
            result["detail"] = _end_of(detail, _DETAIL_BYTES)
        return self._end(self._with_checkpoint(result) if state in ("completed", "preempted") else result)

    def hand_back(self, seconds: float = 5.0) -> None:
        """Gives the trial back unharmed: it goes out again as its next attempt. Raises nothing."""
        if self.is_ended:
            return
        self._action = "abort"
        self._close({})
        try:
            self.client.request("DELETE", self._path(""), timeout=seconds)
        except HoneError as error:  # its lease runs out, with the same effect
            log.info("trial %d of %s is not handed back: %s", self.number, self.study_name, error)

    def fail(self, error: BaseException) -> Dict[str, Any]:
        """Ends the trial as failed, with the last lines of the exception's traceback as its detail."""
        said = "".join(traceback.format_exception(type(error), error, error.__traceback__)).strip()
        reason = "oom" if isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__ else "exception"
        return self.tell(state="failed", reason=reason, detail=said)

    def _metrics(self, value: Optional[Value]) -> Dict[str, Any]:
        names = [one["metric"] for one in self.objectives]
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return values.metrics(value)
        if isinstance(value, (list, tuple)):
            if len(value) != len(names):
                raise ValueError(f"{len(value)} values for the {len(names)} objectives {', '.join(names)}")
            return values.metrics(dict(zip(names, value)))
        if len(names) != 1:
            raise ValueError(f"one value for the objectives {', '.join(names)}; give a list or a dict")
        return values.metrics({names[0]: value})

    def _usage(self) -> Dict[str, Any]:
        return {"wall_seconds": round(time.monotonic() - self._began, 3)}

    def _with_checkpoint(self, result: Dict[str, Any]) -> Dict[str, Any]:
        found = checkpoint.of_folder(self._folder, result.get("step"))
        return {**result, "checkpoint": found} if found else result

    def _end(self, result: Dict[str, Any]) -> Dict[str, Any]:
        keeper.keep(self)  # the lease lives until the result is taken, also in a child process
        with self._lock:
            if self._lost is not None:
                raise self._lost
            earlier = self._result
        if earlier is not None and {**earlier, "usage": 0} == {**result, "usage": 0}:
            result = earlier  # the same again, to the byte
        with self._lock:
            self._result = result
        try:
            self._flush_last()
            answer = self.client.request("PUT", self._path("/result"), result, timeout=RESULT_SECONDS)
        except LeaseLost as error:
            self._note_lost(error)
            raise
        except HoneError as error:
            if self._ended is None and not error.retryable:
                with self._lock:
                    self._result = None  # it can be told otherwise
            raise
        ended: Dict[str, Any] = dict(answer["trial"])
        self._close(ended)
        return ended

    def _flush_last(self) -> None:
        """A measurement that is refused must not keep the result back."""
        try:
            self._flush(RESULT_SECONDS)
        except LeaseLost:
            raise
        except HoneError as error:
            if error.retryable:
                raise
            log.warning("a measurement of trial %d of %s is refused: %s", self.number, self.study_name, error)

    def _close(self, ended: Dict[str, Any]) -> None:
        with self._lock:
            self._ended = ended
        keeper.forget(self)
        checkpoint.tidy(self._folder)

    # ---- as a block ---------------------------------------------------------------------------------

    def __enter__(self) -> "LeasedTrial":
        self._entered_in = os.getpid()
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        if os.getpid() != self._entered_in or self.is_ended:
            return isinstance(error, (Pruned, Infeasible))  # a forked child, or ended within the block
        if error is None or isinstance(error, Pruned):
            self._finish()
            return True
        if isinstance(error, Infeasible):
            self._quietly(lambda: self.tell(state="infeasible", detail=str(error)))
            return True
        if isinstance(error, Exception):
            self._quietly(lambda: self.fail(error))
        else:
            self.hand_back()
        return False

    def _finish(self) -> None:
        if self._action == "abort":
            log.info("trial %d of %s was cancelled", self.number, self.study_name)
            self._close({})
            return
        if not self._measured and self._action == "continue":
            raise self._without_value()
        try:
            self._quietly(self.tell)
        except HoneError as error:
            if error.retryable:
                raise
            if not self._measured.issuperset(one["metric"] for one in self.objectives):
                raise self._without_value() from None
            self._quietly(lambda: self.fail(error))
            raise

    def _without_value(self) -> HoneError:
        """Ends the trial as failed; what there is to say of that."""
        names = [one["metric"] for one in self.objectives]
        only = f", only of {', '.join(sorted(self._measured))}" if self._measured else ""
        missing = [name for name in names if name not in self._measured] or names
        how = f"{missing[0]}=…" if missing[0].isidentifier() else f'{{"{missing[0]}": …}}'
        sentence = f"trial {self.number} of {self.study_name} ended without a value of {', '.join(missing)}{only}; " \
                   f"report it: trial.report(step, {how})"
        self._quietly(lambda: self.tell(state="failed", reason="no_metric", detail=sentence))
        return HoneError(sentence, type="no-metric")

    def _quietly(self, step: Any) -> None:
        """A trial that was taken away meanwhile is no fault of the block's."""
        try:
            step()
        except LeaseLost as error:
            log.info("the result of trial %d of %s is not taken: %s", self.number, self.study_name, error)


def _end_of(text: str, n_bytes: int) -> str:
    """The last bytes of it as text that UTF-8 can hold, whatever an exception says."""
    data = text.encode("utf-8", "backslashreplace").replace(b"\0", b"\\0")
    return data[-n_bytes:].decode("utf-8", "ignore")
