"""The command line against a server with the answers that a test sets."""

import os
import pty
import select
import subprocess
import time

from cases import expect

HONE = os.environ["HONE"]
SECONDS = 60
STUDY = {
    "name": "digits", "description": "", "state": "running", "reason": None, "revision": 1,
    "created_at": "2026-11-24T21:00:00.000Z",
    "objectives": [{"metric": "accuracy", "direction": "maximize"}],
    "parameters": [{"name": "lr", "type": "float", "low": 1e-5, "high": 0.1, "scale": "log"},
                   {"name": "act", "type": "categorical", "choices": ["relu", "tanh"]},
                   {"name": "deep", "type": "int", "low": 2, "high": 5, "when": {"act": ["relu"]}}],
    "strategy": {"name": "hyperband", "eta": 3, "rounds": None}, "after": ["monday", "tuesday"],
    "resource": {"name": "epochs", "min": 1, "max": 81},
    "limits": {"trials": 40},
    "counts": {"completed": 2, "running": 1, "failed": 1},
}
TRIAL = {
    "number": 1, "state": "completed", "reason": None, "parameters": {"lr": 0.1, "act": "relu"},
    "seed": 5, "source": "suggested", "value": 0.912345678901, "step": 81, "attempt": 1,
    "metrics": {"accuracy": 0.912345678901}, "worker": "node, 1",
    "created_at": "2026-11-24T21:00:00.000Z", "started_at": "2026-11-24T21:00:00.000Z",
    "ended_at": "2026-11-24T21:01:40.000Z",
}
BEST = {"trial": TRIAL, "resource": 81}
DEFINITION = ["--maximize", "accuracy", "-P", "lr=log:1e-5..1e-1"]


def hone(server, tmp, *arguments, stdin="", status=0, **environment):
    """Runs it; stdout and stderr, after its exit status."""
    done = subprocess.run([HONE, *arguments], env=server.environment(tmp, **environment),
                          input=stdin, text=True, capture_output=True, timeout=SECONDS,
                          check=False)
    expect(done.returncode, status, f"status of {arguments}: {done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def hone_on_terminal(server, tmp, *arguments, typed=b"", **environment):
    """Runs it on a terminal of 80 columns; status and everything shown."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(HONE, [HONE, *arguments], server.environment(tmp, **environment))
    shown, deadline = b"", time.monotonic() + SECONDS
    if typed:
        os.write(fd, typed)
    while time.monotonic() < deadline and select.select([fd], [], [], SECONDS)[0]:
        try:
            piece = os.read(fd, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def contains(text, *parts):
    for part in parts:
        if part not in text:
            raise AssertionError(f"{part!r} is not in {text!r}")


def with_study(server, **more):
    server.says("GET", "/v1/studies/digits", 200, {**STUDY, **more})
    server.says("GET", "/v1/studies/digits/best", 200, BEST)


BRACKETS = {
    "study": "digits", "schedule": "asha", "eta": 3, "resource": "epochs", "trials": 4,
    "full_training": 12, "trained": 6, "opened": 1, "open": 1,
    "brackets": [{"bracket": 1, "state": "open", "sealed": False, "next": "a new one starts",
                  "rungs": [{"rung": 0, "resource": 1, "size": None, "entered": 4, "running": 1,
                             "reported": 3, "failed": 0, "waiting": 2, "promoted": 1,
                             "waits_for": [], "entries": [{"trial": 2, "value": 0.5,
                                                           "state": "promoted"}]}]}],
}
EXPLANATION = {
    "trial": 7, "state": "pruned", "source": "suggested", "ordinal": 7, "fallback": True,
    "provenance": {"kind": "model", "text": "a Gaussian process expected 0.2\x07 ± 0.1"},
    "suggestion": {"model": "gaussian_process", "pending_trials": [5, 6],
                   "predicted": {"mean": 0.2, "sd": 0.1},
                   "compared": {"candidates": 96, "others": [
                       {"acquisition_value": -3.5, "parameters": {"lr": 0.1, "k": "a"}}]}},
    "schedule": {"schedule": "asha", "bracket": 1, "rung": 0, "short": False,
                 "text": "is out: others were better",
                 "history": [{"event": "value", "at": "2026-11-24T21:00:00.000Z",
                              "rung": 0, "step": 3, "value": 0.25},
                             {"event": "lose", "at": "2026-11-24T21:00:01.000Z",
                              "rung": 0, "step": 3, "rank": 3, "value": 0.25,
                              "text": "third of 3\x1b[2J; the best 1 went on"}]}}
IMPORTANCE = {"study": "digits", "method": "ped_anova", "metric": "loss",
            "direction": "minimize", "resource": 9, "trials": 20,
            "top": {"quantile": 0.1, "trials": 2, "cutoff": 0.125},
            "warning": "made from 20 trials\x1b[2J; below 50 these shares are mostly chance",
            "parameters": [{"name": "lr", "share": 0.75, "trials": 20, "top": 2},
                           {"name": "depth", "share": 0.25, "trials": 12, "top": 1}]}
