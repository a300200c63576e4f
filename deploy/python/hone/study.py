"""A study: what is tuned, who asks for its trials, and what came of them.

    study = hone.Study.create("digits", {"lr": hone.log(1e-5, 1e-1)}, metric="accuracy", direction="maximize",
                              limits={"trials": 50})
    study.optimize(lambda trial: train(trial.params["lr"]))
    print(study.best_params, study.best_value)
"""

from __future__ import annotations

import os
import re
import time
import uuid
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Type, Union

from . import space, values
from .checkpoint import host
from .client import Client, connect, member, quote
from .errors import HoneError, MissingPackage, NothingYet, StudyEnded, Unreachable
from .optimize import Objective, run
from .trial import LeasedTrial, Value
from .version import __version__

_ASK_SECONDS = 60.0  # for which the server takes one ask


class TrialRecord:
    """A trial as the server has it, a copy of the moment.

    number, state, reason, source ("suggested", "enqueued", "imported"), attempt, worker, step, seed
    params     {"lr": 0.01}
    value      the objective's, a float; None while there is none, and with several objectives
    metrics    {"accuracy": 0.9, "loss": nan}
    feasible   whether it satisfies the study's subject_to; None: not known, or the study has none
    data       all of it, as the API answers
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = dict(data)
        self.number = int(data["number"])
        self.state = str(data["state"])
        self.reason: Optional[str] = data.get("reason")
        self.params: Dict[str, Any] = dict(data["parameters"])
        self.value: Optional[float] = values.number(data.get("value"))
        self.metrics: Dict[str, float] = values.numbers(data.get("metrics"))
        self.feasible: Optional[bool] = data.get("feasible")
        self.step = data.get("step")
        self.seed: Optional[int] = data.get("seed")
        self.source = str(data.get("source", ""))
        self.attempt = data.get("attempt")
        self.worker: Optional[str] = data.get("worker")

    def __repr__(self) -> str:
        shown = self.value if self.value is not None else self.metrics or None
        return f"<trial {self.number}: {self.state}, {shown}, {self.params}>"


class Study:
    """A study on a server. Made by Study.create() and Study.open(). Safe from any thread."""

    def __init__(self, name: str, client: Client, definition: Optional[Dict[str, Any]] = None) -> None:
        self.name = name
        self.client = client
        self._definition = definition

    def __repr__(self) -> str:
        return f"<hone.Study {self.name} of {self.client.url}>"

    # ---- which --------------------------------------------------------------------------------------

    @classmethod
    def create(cls, name: str, parameters: space.Parameters, *, metric: Optional[str] = None,
               direction: Optional[str] = None,
               objectives: Optional[Sequence[Union[Mapping[str, Any], Sequence[str]]]] = None,
               client: Optional[Client] = None, **definition: Any) -> "Study":
        """Creates the study, or finds it where it exists with this definition.

        parameters   {"lr": hone.log(1e-5, 1e-1), "act": ["relu", "tanh"]}, or the API's list
        metric       what is optimised, and direction: "minimize" (unless said) or "maximize"
        objectives   of several: [("loss", "minimize"), ("seconds", "minimize")], or the API's list
        client       None: connect()
        definition   any other member of the API's: strategy="asha", resource={"name": "epochs", "max": 81},
                     limits={"trials": 100}, stopping, constraints, subject_to=["p99_ms <= 500"], seed, after, …

        The same call with more limits.trials extends the study. HoneError: study-exists, with what differs;
        invalid, with all that is wrong.
        """
        client = client or connect()
        body: Dict[str, Any] = {"name": name, "parameters": space.parameters(parameters)}
        if objectives is not None:
            if metric is not None or direction is not None:
                raise ValueError("give metric and direction, or objectives")
            body["objectives"] = [_objective(one) for one in objectives]
        elif metric is None:
            raise ValueError('say what is optimised: metric="loss", or objectives=[…]')
        else:
            body["objectives"] = [{"metric": metric, "direction": direction or "minimize"}]
        body.update(definition)
        try:
            found = client.request("POST", "/v1/studies", body)
        except HoneError as error:
            if error.type != "study-exists":
                raise
            found = _extended(client, name, body, error)
            if found is None:
                raise
        return cls(name, client, found)

    @classmethod
    def open(cls, name: str, client: Optional[Client] = None) -> "Study":
        """The study of this name. HoneError (not-found): there is none."""
        client = client or connect()
        try:
            return cls(name, client, client.request("GET", f"/v1/studies/{quote(name)}"))
        except HoneError as error:
            if error.type != "forbidden":
                raise
            return cls(name, client)  # a worker's token may not read, and may ask

    @property
    def _path(self) -> str:
        return f"/v1/studies/{quote(self.name)}"

    @property
    def definition(self) -> Dict[str, Any]:
        """The study as it is now: its definition, state, reason, counts and revision. One request."""
        self._definition = self.client.request("GET", self._path)
        return dict(self._definition or {})

    @property
    def state(self) -> str:
        """ "running", "paused", "stopped" or "finished". One request."""
        return str(self.definition["state"])

    @property
    def objectives(self) -> List[Dict[str, Any]]:
        """[{"metric": "loss", "direction": "minimize"}]."""
        if self._definition is None:
            self._definition = self.client.request("GET", self._path)
        return list((self._definition or {})["objectives"])

    # ---- ask and tell -------------------------------------------------------------------------------

    def ask(self, wait: Optional[float] = 30.0) -> Optional[LeasedTrial]:
        """A trial to run; None once there will never be one again, as the study is finished or stopped.

        wait   seconds to wait for one; None: for as long as it takes

        NothingYet: there was none in that time. What is asked must be told, see tell(); a trial that nobody
        refers to any more is handed out again when its lease has run out.
        """
        if wait is not None and not wait >= 0:
            raise ValueError(f"wait is {wait!r}; give seconds, or None")
        until = None if wait is None else time.monotonic() + wait
        while True:
            left = _ASK_SECONDS if until is None else max(0.0, min(_ASK_SECONDS, until - time.monotonic()))
            answer = self._ask_once(left)
            if member(answer, "lease", self.client.url) is not None:
                return self._leased(answer)
            reason = answer.get("reason")
            if reason in ("finished", "stopped"):
                return None
            pause = max(0.05, min(1.0, float(answer.get("retry_after_seconds") or 1.0)))
            if until is not None and time.monotonic() + pause >= until:
                raise NothingYet(f"study {self.name} has no trial to run now: {answer.get('detail')}",
                                 reason=str(reason), retry_after=float(answer.get("retry_after_seconds") or 1.0))
            time.sleep(pause)

    def _leased(self, answer: Mapping[str, Any]) -> LeasedTrial:
        try:
            return LeasedTrial(self.client, answer)
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise Unreachable(f"{self.client.url} gave a lease that is none ({fault!r}); "
                              f"is it a Hone server? This client is version {__version__}") from None

    def _ask_once(self, wait: float) -> Dict[str, Any]:
        body = {"worker": f"{host()}:py{os.getpid()}", "host": host(), "request_id": uuid.uuid4().hex,
                "wait_seconds": round(wait, 3)}
        answer: Dict[str, Any] = self.client.request("POST", self._path + "/leases", body)
        return answer

    def tell(self, trial: LeasedTrial, value: Optional[Value] = None, state: str = "completed",
             step: Any = None) -> TrialRecord:
        """Ends a trial of ask(); see LeasedTrial.tell(). Returns what it has become."""
        if not isinstance(trial, LeasedTrial):
            raise TypeError(f"tell() takes a trial that ask() returned, not {trial!r}")
        return TrialRecord(trial.tell(value, state, step))

    def trial(self, wait: Optional[float] = None) -> LeasedTrial:
        """The next trial as a block: with study.trial() as t: …

        StudyEnded: there will be none any more. NothingYet: none in `wait` seconds (None: waits).
        """
        found = self.ask(wait)
        if found is None:
            raise StudyEnded(f"study {self.name} is over: nothing will be handed out any more",
                             type="study-ended")
        return found

    def optimize(self, objective: Objective, n_trials: Optional[int] = None, n_jobs: int = 1, *,
                 catch: Union[Type[Exception], Sequence[Type[Exception]]] = (),
                 seconds: Optional[float] = None) -> None:
        """Runs trials here until the study ends.

        objective   f(trial) → the value, or a list or dict of values, or None where it has reported
        n_trials    at most so many calls of it; None: until the study ends by its limits
        n_jobs      at once, in threads; −1: as many as there are cores. Training in pure Python is faster in
                    several processes: start this program several times
        catch       exceptions after which it goes on with the next trial; () none. The trial is failed, with
                    the traceback's end as its detail, in either case
        seconds     begins no trial after so long

        Pruned and Infeasible are never raised from here. Ctrl-C hands back what runs.
        """
        run(self, objective, n_trials, n_jobs, catch, seconds)

    def enqueue(self, *configurations: Mapping[str, Any]) -> List[int]:
        """Configurations to try next; a parameter that is missing takes its default. Returns their numbers."""
        return self._post_trials([{"parameters": dict(one)} for one in configurations])

    def add(self, *trials: Mapping[str, Any]) -> List[int]:
        """Finished trials from elsewhere: {"parameters": {…}, "value": 0.3} (or "metrics", or a "state" such as
        "failed"). They inform the model and count in no limit. Returns their numbers."""
        return self._post_trials([self._imported(one) for one in trials])

    def _imported(self, trial: Mapping[str, Any]) -> Dict[str, Any]:
        wired = {"state": "completed", **trial}
        if "value" in wired:
            wired["metrics"] = {self.objectives[0]["metric"]: wired.pop("value")}
        if wired.get("metrics") is not None:
            wired["metrics"] = values.metrics(wired["metrics"])
        return wired

    def _post_trials(self, trials: List[Dict[str, Any]]) -> List[int]:
        numbers: List[int] = []
        for begin in range(0, len(trials), 1000):
            found = self.client.request("POST", self._path + "/trials", trials[begin:begin + 1000])
            numbers.extend(int(item["number"]) for item in member(found, "items", self.client.url))
        return numbers

    # ---- what came of it ----------------------------------------------------------------------------

    def trials(self, state: Optional[str] = None, sort: Optional[str] = None, limit: Optional[int] = None
               ) -> List[TrialRecord]:
        """All trials, by number; sort="best" by value. One request for each thousand."""
        found: List[TrialRecord] = []
        query = {"state": state, "sort": sort, "limit": min(limit or 1000, 1000)}
        for item in self.client.walk(self._path + "/trials", query):
            found.append(TrialRecord(item))
            if len(found) == limit:
                break
        return found

    def explain(self, number: int) -> Dict[str, Any]:
        """Why the trial was tried, and why it went on or not, as the API has it: ["provenance"]["text"] is a
        sentence. {} where this token may not read."""
        try:
            found: Dict[str, Any] = self.client.request("GET", f"{self._path}/trials/{int(number)}/explain")
        except HoneError as error:
            if error.type != "forbidden":
                raise
            return {}
        return found

    @property
    def best_trial(self) -> Optional[TrialRecord]:
        """The best trial with the most resource, of those that satisfy subject_to; None while there is none. One
        request."""
        if len(self.objectives) > 1:
            raise HoneError(f"study {self.name} has {len(self.objectives)} objectives, so no trial alone is best; "
                            "study.pareto() has the front", type="wrong-state", status=409)
        found = member(self.client.request("GET", self._path + "/best"), "trial", self.client.url)
        return None if found is None else TrialRecord(found)

    @property
    def best_value(self) -> float:
        """Of best_trial. HoneError: there is none yet."""
        value = self._best().value
        assert value is not None
        return value

    @property
    def best_params(self) -> Dict[str, Any]:
        """Of best_trial. HoneError: there is none yet."""
        return self._best().params

    def _best(self) -> TrialRecord:
        best = self.best_trial
        if best is None:
            bounds = " and ".join(self.definition.get("subject_to") or [])
            raise HoneError(f"no trial of study {self.name} " + (f"is known to satisfy {bounds} yet" if bounds
                            else "has a value yet"), type="wrong-state")
        return best

    def pareto(self) -> List[TrialRecord]:
        """With several objectives: the trials that no other one is better than in all of them."""
        found = self.client.request("GET", self._path + "/pareto")
        return [TrialRecord(item) for item in member(found, "items", self.client.url)]

    def to_pandas(self) -> Any:
        """All trials as a pandas.DataFrame: number, state, value, params.NAME, metrics.NAME, step, …"""
        try:
            import pandas
        except ImportError:
            raise MissingPackage("Study.to_pandas() needs pandas; install it: pip install pandas") from None
        return pandas.DataFrame([_row(one) for one in self.trials()])

    # ---- steering -----------------------------------------------------------------------------------

    def change(self, **members: Any) -> Dict[str, Any]:
        """Changes state, limits, description, labels, priority, share or parameters of the study:
        change(limits={"trials": 200}), change(state="paused"). Returns it as it is then."""
        changed = {**members}
        if "parameters" in changed:
            changed["parameters"] = space.parameters(changed["parameters"])
        self._definition = self.client.request("PATCH", self._path, changed)
        return dict(self._definition or {})

    def delete(self, force: bool = False) -> None:
        """Deletes the study; one that runs needs force=True."""
        self.client.request("DELETE", self._path, query={"force": force or None})


def _objective(one: Any) -> Dict[str, Any]:
    if isinstance(one, Mapping):
        return dict(one)
    if isinstance(one, str) or not isinstance(one, Iterable):
        raise TypeError(f'an objective is {one!r}; give ("loss", "minimize")')
    metric, direction = one
    return {"metric": metric, "direction": direction}


def _extended(client: Client, name: str, body: Mapping[str, Any], refused: HoneError
              ) -> Optional[Dict[str, Any]]:
    """The study with as many trials as are wanted, where that is all that is different; else None."""
    differs = re.search(r"it differs in ([^;]+);", refused.detail)
    if differs is None or differs.group(1) != "limits":
        return None
    found: Dict[str, Any] = client.request("GET", f"/v1/studies/{quote(name)}")
    wanted, has = _limits(body.get("limits")), _limits(found.get("limits"))
    trials, before = wanted.pop("trials", None), has.pop("trials", None)
    if wanted != has or trials is None or before is None or trials < before:
        return None
    if trials > before:
        found = client.request("PATCH", f"/v1/studies/{quote(name)}", {"limits": {"trials": trials}})
    return found


def _limits(limits: Any) -> Dict[str, Any]:
    """Those that are set, with the defaults of the API."""
    said = {name: value for name, value in (limits or {}).items() if value is not None}
    return {"attempts": 3, "retries": 0, **said}


def _row(trial: TrialRecord) -> Dict[str, Any]:
    row: Dict[str, Any] = {"number": trial.number, "state": trial.state, "reason": trial.reason,
                           "value": trial.value}
    row.update({f"params.{name}": value for name, value in trial.params.items()})
    row.update({f"metrics.{name}": value for name, value in trial.metrics.items()})
    for name in ("step", "seed", "source", "attempt", "worker", "created_at", "started_at", "ended_at"):
        row[name] = trial.data.get(name)
    return row
