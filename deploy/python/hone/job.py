"""The trial of a job: one that `hone worker` or `hone run` has started, or that a sweeper runs.

    trial = hone.current_trial()
    for epoch in trial.steps():
        trial.report(epoch, loss=train(trial.params["lr"]))

Whoever started the job holds the lease and sends the result. A worker passes reports on as well, so its jobs
need neither a server's address nor a token.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import socket
import sys
import threading
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple

from .client import connect
from .errors import HoneError, Infeasible, NotInJob, Pruned
from .trial import LeasedTrial, Trial

TRIAL_FILE = "HONE_TRIAL_FILE"  # what handed_over() wrote, for a job in another process
_PATIENCE_SECONDS = 10.0
_INFEASIBLE_STATUS = 78


class JobTrial(Trial):
    """A trial whose lease a worker holds. Reports go to the worker, and so do exit statuses.

    As a block it changes little: Pruned ends the block, Infeasible the program (with status 78), and any
    other exception goes on its way, so that the worker sees the program fail.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__()
        described = _described(environment)
        resource = described.get("resource") or {}
        self.study_name = environment["HONE_STUDY"]
        self.number = int(environment["HONE_TRIAL"])
        self.attempt = int(environment.get("HONE_ATTEMPT", 1))
        self.seed = int(environment.get("HONE_SEED", 0))
        self.params: Dict[str, Any] = dict(described["parameters"])
        self.resource_name = resource.get("name")
        self.resource_from = _step(environment.get("HONE_RESOURCE_FROM"), 0)
        self.resource_to = _step(environment.get("HONE_RESOURCE_TO"), None)
        self._until = self.resource_to
        self._checkpoint_dir = environment.get("HONE_CHECKPOINT_DIR", "")
        self._control_file = environment.get("HONE_CONTROL_FILE")
        self._socket = environment.get("HONE_REPORT_SOCKET")
        self._fd = environment.get("HONE_METRICS_FD")
        self._lock = threading.Lock()

    @property
    def until(self) -> Any:
        return self._until

    @property
    def action(self) -> str:
        self._note(_read(self._control_file))
        return self._action

    @property
    def checkpoint_dir(self) -> str:
        if not self._checkpoint_dir:
            raise NotInJob("this job was given no HONE_CHECKPOINT_DIR", type="not-in-job")
        return self._checkpoint_dir

    def _send(self, step: Any, measured: Dict[str, Any]) -> None:
        line = json.dumps({"step": step, **measured}).encode() + b"\n"
        with self._lock:  # whole lines, in order
            answer = self._through_socket(line) if self._socket else None
            if answer is None:
                self._through_descriptor(line)
                answer = _read(self._control_file)
        if answer.startswith("error: "):
            raise HoneError(answer[len("error: "):].strip(), type="invalid")
        self._note(answer)

    def _through_socket(self, line: bytes) -> Optional[str]:
        """The worker's answer, once the server has answered it; None where it does not listen here."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
                caller.settimeout(_PATIENCE_SECONDS)
                caller.connect("\0" + str(self._socket))
                caller.sendall(line)
                answer = b""
                while True:
                    piece = caller.recv(4096)
                    if not piece:
                        return answer.decode("utf-8", "replace") or None
                    answer += piece
        except OSError:
            return None

    def _through_descriptor(self, line: bytes) -> None:
        try:
            os.write(int(str(self._fd)), line)
        except (OSError, ValueError):
            sys.stdout.write("hone: " + line.decode())  # which the worker reads as well
            sys.stdout.flush()

    def _note(self, control: str) -> None:
        try:
            found = json.loads(control)
            self._action = str(found["action"])
            if found.get("until") is not None:
                self._until = found["until"]
        except (ValueError, KeyError, TypeError):
            pass  # nothing new

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        if isinstance(error, Infeasible):
            print(f"hone: this configuration is infeasible: {error}", file=sys.stderr)
            raise SystemExit(_INFEASIBLE_STATUS)
        return isinstance(error, Pruned)


class HandedTrial(LeasedTrial):
    """A trial that another process has leased: this one trains and reports, that one sends the result."""

    def hand_back(self, seconds: float = 5.0) -> None:
        """Sends what is pending and leaves the lease to its holder. Raises nothing."""
        try:
            self._flush(seconds)
        except HoneError:
            pass  # a later report, or the result, says it


@contextlib.contextmanager
def handed_over(trial: LeasedTrial, path: pathlib.Path) -> Iterator[None]:
    """Within the block current_trial() is this trial, here and in processes whose HONE_TRIAL_FILE is `path`.

    Writes the file, for this account alone, and removes it. One trial at a time in a process.
    """
    global _handed
    path.parent.mkdir(parents=True, exist_ok=True)
    described = {"url": None if trial.client.is_private else trial.client.url, "answer": trial.answer}
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(described, file)
    _handed = trial
    try:
        yield
    finally:
        _handed = None
        with contextlib.suppress(OSError):
            path.unlink()
            path.parent.rmdir()  # once it is empty


def current_trial() -> Trial:
    """The trial of this job; the same object at each call. NotInJob: no worker and no sweeper runs this program."""
    global _current
    with _once:
        if _handed is not None:
            return _handed
        source = os.environ.get(TRIAL_FILE) or os.environ.get("HONE_TRIAL", "")
        if _current is None or _current[0] != source:
            if not in_job():
                raise NotInJob("this program is no job of a worker (there is no HONE_TRIAL): start it with "
                               "hone run or hone worker, or use hone.Study", type="not-in-job")
            path = os.environ.get(TRIAL_FILE)
            _current = (source, _from_file(path) if path else JobTrial(os.environ))
        return _current[1]


def in_job() -> bool:
    """Whether a worker (`hone worker`, `hone run`) or a sweeper runs this program."""
    return _handed is not None or TRIAL_FILE in os.environ or (
        "HONE_TRIAL" in os.environ and "HONE_STUDY" in os.environ)


def _after_fork() -> None:
    """What another thread held is free in the child."""
    global _once
    _once = threading.Lock()
    if _current is not None and isinstance(_current[1], JobTrial):
        _current[1]._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

_once = threading.Lock()
_current: Optional[Tuple[str, Trial]] = None  # where it was found, and it
_handed: Optional[LeasedTrial] = None


def _from_file(path: str) -> HandedTrial:
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        return HandedTrial(connect(found["url"]), found["answer"])
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise NotInJob(f"the trial of this job cannot be read from {path} ({TRIAL_FILE}): {fault}",
                       type="not-in-job") from None


def _described(environment: Mapping[str, str]) -> Dict[str, Any]:
    """The lease's trial, from the file that the worker wrote."""
    path = environment.get("HONE_PARAMS_FILE")
    try:
        with open(str(path), encoding="utf-8") as file:
            found: Dict[str, Any] = json.load(file)
            dict(found["parameters"])
            return found
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise NotInJob(f"the parameters of this job cannot be read from {path} (HONE_PARAMS_FILE): {fault}",
                       type="not-in-job") from None


def _step(text: Optional[str], otherwise: Any) -> Any:
    if not text:
        return otherwise
    number = float(text)
    return int(number) if number.is_integer() else number


def _read(path: Optional[str]) -> str:
    try:
        with open(str(path), encoding="utf-8") as file:
            return file.read(4096)
    except OSError:
        return ""
