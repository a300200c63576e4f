"""Follows a study and writes each trial that ends into trackers, as a run with its curve.

    python3 -m hone.integrations.follow digits --to mlflow=sqlite:///mlflow.db --to tensorboard=runs

    --to mlflow=URI        an MLflow tracking server or store
    --to wandb=DIR         Weights & Biases, offline: wandb sync sends it
    --to tensorboard=DIR   event files with the HParams of each run
    --to trackio=DIR       Trackio's database of this project

It ends with the study and can be started again: what is written is kept in STUDY.followed.json, so each
attempt is written once, or twice at most, after a kill in between, where the tracker cannot tell.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import sys
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from .. import values
from ..client import Client, connect, quote
from ..errors import HoneError, MissingPackage

log = logging.getLogger("hone")

SINKS = ("mlflow", "wandb", "tensorboard", "trackio")
_STUDY_ENDS = ("study-finished", "study-stopped")
_WRITTEN_STATES = ("completed", "pruned", "failed", "infeasible")


class Run(NamedTuple):
    """A trial that has ended.

    name         "digits-12"; with the attempt where it was not the first, "digits-12.2"
    curve        [(1, {"loss": 0.5}), …] by step; non-finite values are floats
    metrics      of the result, {"loss": 0.3}
    began, ended moments in milliseconds since 1970; None: it never ran here
    """

    study: str
    number: int
    name: str
    state: str
    reason: Optional[str]
    params: Dict[str, Any]
    metrics: Dict[str, float]
    curve: List[Tuple[Any, Dict[str, float]]]
    began: Optional[int]
    ended: Optional[int]
    tags: Dict[str, str]


Sink = Callable[[Run], None]  # writes one run; again the same one replaces it where the tracker can


class _Progress:
    """What has been written, in a file: the last event, and the attempts since the study began."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.after = 0
        self.written: Dict[str, int] = {}  # trial → attempt
        try:
            with open(path, encoding="utf-8") as file:
                found = json.load(file)
            self.after = int(found["after"])
            self.written = {str(trial): int(attempt) for trial, attempt in found["written"].items()}
        except FileNotFoundError:
            pass
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise HoneError(f"{path} does not say what has been written ({fault}); remove it to write all "
                            "trials again", type="invalid") from None

    def save(self) -> None:
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump({"after": self.after, "written": self.written}, file)
        os.replace(self.path + ".new", self.path)


def follow(study: str, sinks: Sequence[Sink], client: Optional[Client] = None,
           progress: Optional[str] = None) -> int:
    """Writes every ended trial of the study into each sink, until the study is over. Returns how many.

    progress   the file that keeps what has been written; None: STUDY.followed.json here
    """
    client = client or connect()
    kept = _Progress(progress or f"{study}.followed.json")
    n = _take_all(client, study, sinks, kept)
    if not _is_over(client, study):
        for event in _events(client, study, kept, True):
            n += _take(client, study, event, sinks, kept)
            if event["kind"] in _STUDY_ENDS and _is_over(client, study):
                break
    return n + _take_all(client, study, sinks, kept)


def _take_all(client: Client, study: str, sinks: Sequence[Sink], kept: _Progress) -> int:
    return sum(_take(client, study, event, sinks, kept)
               for event in _events(client, study, kept, False))


def _events(client: Client, study: str, kept: _Progress, follows: bool) -> Iterator[Dict[str, Any]]:
    """From where it was; trials of a state that the server gave up have the numbers of others now."""
    try:
        yield from client.events(study, kept.after, follow=follows)
    except HoneError as error:
        if error.type != "events-gone":
            raise
        raise HoneError(f"the server goes on from an older state of its database, as a backup was restored, and "
                        f"{kept.path} names trials that it no longer has; remove that file to write all trials "
                        "again", type=error.type) from None


def _is_over(client: Client, study: str) -> bool:
    found = client.request("GET", f"/v1/studies/{quote(study)}")
    return found["state"] in ("finished", "stopped")


def _take(client: Client, study: str, event: Dict[str, Any], sinks: Sequence[Sink], kept: _Progress) -> int:
    """Writes the trial that the event is about, if it has ended; returns how many that is, 0 or 1."""
    if "seq" not in event:
        return 0  # a measurement, which the trial has as well
    n = 0
    if event.get("trial") is not None and event["kind"] != "trial-running":
        trial = client.request("GET", f"/v1/studies/{quote(study)}/trials/{event['trial']}")
        attempt = int(trial["attempt"] or 0)
        if trial["state"] in _WRITTEN_STATES and kept.written.get(str(trial["number"])) != attempt:
            run = _run(client, study, trial)
            for sink in sinks:
                sink(run)
            kept.written[str(trial["number"])] = attempt
            n = 1
    kept.after = event["seq"]
    kept.save()
    return n


def _run(client: Client, study: str, trial: Dict[str, Any]) -> Run:
    number, attempt = int(trial["number"]), int(trial["attempt"] or 1)
    path = f"/v1/studies/{quote(study)}/trials/{number}/measurements"
    curve: Dict[Any, Dict[str, float]] = {}
    for item in client.walk(path):  # at each step what the newest attempt has measured
        curve.setdefault(item["step"], {}).update(values.numbers(item["metrics"]))
    tags = {"hone.study": study, "hone.trial": str(number), "hone.attempt": str(attempt),
            "hone.state": str(trial["state"]), "hone.reason": str(trial["reason"] or ""),
            "hone.worker": str(trial["worker"] or ""), "hone.source": str(trial["source"])}
    return Run(study, number, f"{study}-{number}" + (f".{attempt}" if attempt > 1 else ""),
               str(trial["state"]), trial["reason"], dict(trial["parameters"]), values.numbers(trial["metrics"]),
               sorted(curve.items()), _moment(trial["started_at"]), _moment(trial["ended_at"]), tags)


def _moment(text: Optional[str]) -> Optional[int]:
    """Milliseconds since 1970 of a moment such as 2026-11-30T03:25:25.514Z."""
    import datetime
    if not text:
        return None
    moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
    return round(moment.timestamp() * 1000)


def sink(named: str) -> Sink:
    """The sink of "mlflow=URI". ValueError: there is none of that name; MissingPackage: its tracker is missing."""
    name, separator, place = named.partition("=")
    if name not in SINKS or not separator or not place:
        raise ValueError(f"--to {named}: give one of {', '.join(SINKS)} and its place, such as tensorboard=runs")
    module = importlib.import_module(f"hone.integrations.{name}")
    made: Sink = module.sink(place)
    return made


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """The program; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m hone.integrations.follow", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study")
    parser.add_argument("--to", action="append", required=True, metavar="TRACKER=PLACE")
    parser.add_argument("--server", metavar="URL", help="of Hone; as $HONE_URL")
    parser.add_argument("--progress", metavar="FILE", help="what has been written; STUDY.followed.json")
    given = parser.parse_args(arguments)
    try:
        n = follow(given.study, [sink(one) for one in given.to], connect(given.server), given.progress)
    except (HoneError, MissingPackage, ValueError, OSError) as error:
        print(f"follow: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"{n} trials of study {given.study} written to {', '.join(given.to)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
