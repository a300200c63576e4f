"""What can go wrong, each with a sentence that says what to do.

A refusal of the server is a HoneError whose text is the server's own sentence. What this client finds by
itself, before or instead of an answer, is one of the classes below it.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Type


class HoneError(Exception):
    """The server refused a request, or none could be made.

    type       name of the problem without its path: "not-found", "invalid", "lease-ended", …
    status     of HTTP; 0 where there was no answer
    title      the problem in general; `detail` is this one, and is what str() gives
    errors     of an invalid request: [{"pointer": "/parameters/0/low", "detail": "…"}, …]
    retryable  the same request may succeed later
    """

    def __init__(self, detail: str, *, type: str = "", status: int = 0, title: str = "",
                 errors: Optional[List[Dict[str, Any]]] = None, retryable: bool = False,
                 instance: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.type = type
        self.status = status
        self.title = title
        self.errors = list(errors or [])
        self.retryable = retryable
        self.instance = instance

    def __reduce__(self) -> Any:  # a worker process hands its error to the parent by pickle
        return (_again, (self.__class__, dict(self.__dict__)))


def _again(kind: Type[HoneError], members: Dict[str, Any]) -> HoneError:
    error = kind.__new__(kind)
    error.args = (members["detail"],)
    error.__dict__.update(members)
    return error


class Unreachable(HoneError, ConnectionError):
    """No Hone server answered at the address for as long as the call may last."""


class LeaseLost(HoneError):
    """The trial is no longer this process's: another attempt has begun, or it was cancelled or deleted."""


class NothingYet(HoneError):
    """There is no trial to run now, and one may come later.

    reason       "waiting" (for running trials), "paused", or "none"
    retry_after  seconds to wait before the next ask, as the server sees it
    """

    def __init__(self, detail: str, *, reason: str = "waiting", retry_after: float = 1.0) -> None:
        super().__init__(detail, type="nothing-yet", retryable=True)
        self.reason = reason
        self.retry_after = retry_after


class StudyEnded(HoneError):
    """The study is finished or stopped: there will be no trial any more."""


class NotInJob(HoneError):
    """current_trial() outside a job of `hone worker`."""


class Pruned(Exception):
    """Raised in an objective, by Trial.check() or by the user: the trial ends with what it has reported.

    The trial's result is sent as for one that has done what it was told; the server, which gave the sign,
    calls it pruned, paused or completed.
    """


class Infeasible(Exception):
    """Raised in an objective: this configuration cannot be evaluated, and the strategy should learn so."""


class MissingPackage(ImportError):
    """An optional package is not installed; the text names the line that installs it."""


def missing(user: str, package: str, command: str) -> MissingPackage:
    """MissingPackage of a module: missing("hone.integrations.sklearn", "scikit-learn", "pip install …")."""
    return MissingPackage(f"{user} needs {package}; install it: {command}")
