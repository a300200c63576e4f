"""Keeps the leases of this process: one thread renews them all, in time, and sends what is pending.

A trial is kept for as long as somebody holds it: its lease runs out when it is neither told nor referred to
any more. When the interpreter ends, what is still leased is handed back.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, List, Optional

from .errors import HoneError, LeaseLost, Unreachable

if TYPE_CHECKING:
    from .trial import LeasedTrial

log = logging.getLogger("hone")

_TRY_SECONDS = 10.0  # of a renewal, which is tried once
_AWAY_SECONDS = (0.5, 5.0)  # between tries while the server is away: at first, at most
_LEAVE_SECONDS = 2.0        # for handing back when the interpreter ends


class _Due:
    """When a trial is renewed next, by the monotonic clock, and how long its server has been away."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.tries = 0


live: "weakref.WeakSet[LeasedTrial]" = weakref.WeakSet()
_due: "weakref.WeakKeyDictionary[LeasedTrial, _Due]" = weakref.WeakKeyDictionary()
_lock = threading.Lock()
_wake = threading.Event()
_thread: Optional[threading.Thread] = None


def keep(trial: "LeasedTrial") -> None:
    """Renews the trial's lease from now on, if it is not ended; a second call changes nothing."""
    global _thread
    if trial in live or trial.is_ended:
        return
    with _lock:
        live.add(trial)
        _due[trial] = _Due(time.monotonic() + _interval(trial))
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_run, name="hone-leases", daemon=True)
            _thread.start()
    _wake.set()


def forget(trial: "LeasedTrial") -> None:
    """The trial has ended."""
    with _lock:
        live.discard(trial)
        _due.pop(trial, None)


def is_reachable(trial: "LeasedTrial") -> bool:
    """Whether the last call about the trial found its server."""
    due = _due.get(trial)
    return due is None or due.tries == 0


def note_away(trial: "LeasedTrial", error: HoneError) -> None:
    """A call about the trial found no server: the thread tries again soon."""
    with _lock:
        due = _due.get(trial)
        if due is None:
            return
        due.tries += 1
        due.at = time.monotonic() + min(_AWAY_SECONDS[0] * 2 ** min(due.tries, 10), _AWAY_SECONDS[1])
        is_news = due.tries == 1
    if is_news:
        log.warning("trial %d of %s goes on without its server: %s", trial.number, trial.study_name, error)
    _wake.set()


def _interval(trial: "LeasedTrial") -> float:
    return max(0.2, min(trial.heartbeat_seconds, trial.ttl_seconds / 3))


def _run() -> None:
    while True:
        with _lock:
            next_at = min((due.at for due in _due.values()), default=None)
            _wake.clear()
        if next_at is None:
            _wake.wait(60.0)
        elif next_at > time.monotonic():
            _wake.wait(min(60.0, next_at - time.monotonic()))
        _renew_those_due()


def _renew_those_due() -> None:
    now = time.monotonic()
    with _lock:
        trials: List["LeasedTrial"] = [trial for trial, due in _due.items() if due.at <= now]
    while trials:  # a trial that nobody else holds is let go
        _renew(trials.pop())


def _renew(trial: "LeasedTrial") -> None:
    try:
        trial._renew(_TRY_SECONDS)
    except LeaseLost as error:
        trial._note_lost(error)
        return
    except Unreachable as error:
        note_away(trial, error)
        return
    except HoneError as error:
        if error.retryable:
            note_away(trial, error)
            return
        log.warning("trial %d of %s: %s", trial.number, trial.study_name, error)
    with _lock:
        due = _due.get(trial)
        if due is not None:
            if due.tries:
                log.warning("the server of trial %d of %s answers again", trial.number, trial.study_name)
            due.at, due.tries = time.monotonic() + _interval(trial), 0


def _hand_back_all() -> None:
    until = time.monotonic() + _LEAVE_SECONDS
    for trial in [one for one in live if one.leased_by == os.getpid()]:
        trial.hand_back(max(0.1, until - time.monotonic()))


def _after_fork() -> None:
    """The child keeps nothing until it uses a trial itself; the parent goes on keeping its own."""
    global _lock, _wake, _thread, _due
    _lock, _wake, _thread = threading.Lock(), threading.Event(), None
    for trial in list(live):
        trial._after_fork()
    live.clear()
    _due = weakref.WeakKeyDictionary()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_hand_back_all)
