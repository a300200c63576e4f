#!/usr/bin/env python3
"""hone top on a real terminal: what stands on the screen, what keys do, how it is left."""

import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main  # noqa: E402
from fake_server import FakeServer  # noqa: E402
from hone import Server  # noqa: E402
from screen import Terminal  # noqa: E402

HONE = os.environ["HONE"]
HOSTILE = "\x1b[2Jx\x07\u202e\x9b31m"
ENDS = "2026-11-24T21:01:40.000Z"


DEFINITION = {"metric": "accuracy", "direction": "maximize", "strategy": "random",
              "parameters": [{"name": "x", "type": "float", "low": 0, "high": 1}]}


def study(name, **more):
    return {"name": name, "state": "running", "reason": None, "created_at": "2026-11-24T21:00:00Z",
            "objectives": [{"metric": "accuracy", "direction": "maximize"}],
            "strategy": {"name": "hyperband", "eta": 3}, "limits": {"trials": 40},
            "resource": {"name": "epochs", "min": 1, "max": 27},
            "counts": {"completed": 10, "running": 2, "failed": 1}, **more}


def trial(number, state="running", **more):
    return {"number": number, "state": state, "reason": None, "parameters": {"lr": 0.1},
            "value": None, "step": None, "worker": "node07:0", "attempt": 1,
            "started_at": "2026-11-24T21:00:00.000Z", "ended_at": None, **more}


def worker(name, per_hour, **more):
    return {"name": name, "host": "h", "gpus": 0, "state": "active", "reason": None, "waiting": False,
            "last_seen_at": ENDS, "last_report_at": ENDS, "completed": 5, "failed": 0,
            "completed_per_hour": per_hour, "leases": [
                {"study": "digits", "trial": 7, "attempt": 1, "step": 4}], **more}


def items(*list_):
    return {"items": list(list_), "next_cursor": None}


def with_answers(server, name="digits", **more):
    path = f"/v1/studies/{name}"
    for where, body in {
            "/v1/studies": items(study(name, **more), study("svm", state="finished")),
            "/v1/workers": items(worker("fast:0", 900), worker("slow:0", 12)),
            path: study(name, **more),
            f"{path}/best": {"trial": trial(3, "completed", value=0.93), "resource": 27},
            f"{path}/history": items({"number": 1, "value": 0.5, "ended_at": ENDS},
                                     {"number": 3, "value": 0.93, "ended_at": ENDS}),
            f"{path}/trials": items(trial(7, live={"step": 4, "value": 0.77})),
            f"{path}/trials/7": trial(7, "failed", reason="exit_code"),
            f"{path}/trials/7/explain": {"provenance": {"text": "drawn by chance"}, "schedule": {
                "text": "was stopped", "history": [{"text": "number 8 of 9; the best 3 go on"}]}},
            f"{path}/trials/7/attempts": items({"attempt": 1, "state": "failed",
                                                "reason": "exit_code", "worker": "node07:0",
                                                "detail": "exit status 1: out of memory"}),
            f"{path}/brackets": {
                "study": name, "schedule": "hyperband", "eta": 3, "resource": "epochs", "opened": 1,
                "open": 1, "brackets": [{"bracket": 0, "state": "open", "next": "rung 1 waits",
                                         "rungs": [{"rung": 0, "resource": 1, "size": 9, "entered": 9,
                                                    "running": 1, "entries": [], "waits_for": [
                                                        {"trial": 7, "seconds": 83, "worker": "fast:0"}]}]}]},
    }.items():
        server.says("GET", where, 200, body)


def top(server, tmp, *arguments, columns=80, rows=24, term="vt100", **environment):
    return Terminal([HONE, "top", *arguments], server.environment(tmp, **environment), columns,
                    rows, term)


def test_studies_and_workers_are_shown_and_opened(tmp):
    with FakeServer() as server:
        with_answers(server)
        with top(server, tmp) as terminal:
            lines = terminal.wait_for("svm", "slow:0")
            expect(lines[0].startswith("hone  2 studies, 2 workers"), True, lines[0])
            expect("11/40" in lines[2] and "digits" in lines[2], True, lines[2])
            expect(lines[-1].startswith("q quit"), True, lines[-1])
            terminal.type("\r")
            lines = terminal.wait_for("best    accuracy 0.93", "0.5 to 0.93", "0.77")
            expect(any("0.77" in line and "running" in line for line in lines), True,
                   "what a running trial has measured")
            terminal.type("b")
            terminal.wait_for("waits for trial 7 (1:23) on fast:0")
            terminal.type("\x1b[D")
            terminal.wait_for("TRIAL")
            terminal.type("\r")
            terminal.wait_for("number 8 of 9", "exit status 1: out of memory")
            terminal.type("?")
            terminal.wait_for("hold the picture still")
            terminal.type("q")
            expect(terminal.wait(), 0)
            expect(terminal.is_restored(), True, "the terminal is as before")
            expect(terminal.screen.unknown, [])


def test_workers_are_sorted_by_speed(tmp):
    with FakeServer() as server:
        with_answers(server)
        with top(server, tmp) as terminal:
            terminal.wait_for("slow:0")
            terminal.type("\ts")
            terminal.wait_until(lambda: is_above(terminal.screen.lines(), "slow:0", "fast:0"),
                                "the slowest is first")
            terminal.type("g\t\r")
            terminal.wait_for("worker      slow:0", "trial 7 of digits")


def test_a_study_is_paused_after_a_yes(tmp):
    with FakeServer() as server:
        with_answers(server)
        server.says("PATCH", "/v1/studies/digits", 200, study("digits", state="paused"))
        sent = lambda: [request[:3] for request in server.requests if request[0] != "GET"]
        with top(server, tmp) as terminal:
            terminal.wait_for("svm", "slow:0")
            terminal.type("p")
            terminal.wait_for("y yes, other keys no: pause digits?")
            terminal.type("n")
            terminal.wait_for("left as it was")
            expect(sent(), [])
            terminal.type("py")
            terminal.wait_for("digits is paused")
            expect(sent(), [("PATCH", "/v1/studies/digits", {"state": "paused"})])
            server.answers[("PATCH", "/v1/studies/digits")] = [(403, server.problem("forbidden", "the token may not"))]
            terminal.type("xy")
            terminal.wait_for("not done:", "the token may not")
            terminal.type("q")
            expect(terminal.wait(), 0)


def test_four_questions_take_four_keys_at_most(tmp):
    """worker/cli/top/README.md has these paths."""
    with FakeServer() as server:
        with_answers(server)
        for keys, answer in [
                ("\r", "best    accuracy 0.93 at 27 epochs, trial 3: lr=0.1"),
                ("\ts", "slow:0"),
                ("\rs\r", "number 8 of 9; the best 3 go on"),
                ("\rb", "waits for trial 7 (1:23) on fast:0")]:
            with top(server, tmp, columns=100) as terminal:
                terminal.wait_for("svm", "slow:0")
                for key in keys:
                    before = len(server.requests)
                    terminal.type(key)
                    terminal.wait_until(lambda n=before: len(server.requests) > n, "it asks again")
                    if key == "s" and keys != "\ts":
                        terminal.wait_for("the best", "0.77")  # its rows are here
                terminal.wait_for(answer)
                if keys == "\ts":
                    terminal.wait_until(
                        lambda t=terminal: is_above(t.screen.lines(), "slow:0", "fast:0"),
                        "the slowest worker is first")


def is_above(lines, one, other):
    """False while a picture is half drawn, too."""
    at = [[i for i, line in enumerate(lines) if name in line] for name in (one, other)]
    return bool(at[0] and at[1]) and at[0][0] < at[1][0]


def test_it_fits_any_width_and_follows_a_resize(tmp):
    with FakeServer() as server:
        with_answers(server)
        with top(server, tmp, "digits", columns=140) as terminal:
            terminal.wait_for("PARAMETERS", "lr=0.1")
            for columns in (40, 250, 60, 40):
                terminal.resize(columns, 24)
                terminal.wait_for("digits", "0.77", "q quit")
            terminal.type("b")
            lines = terminal.wait_for("waits for trial 7 (1:23) on")
            expect("  fast:0" in [line.rstrip() for line in lines]
                   or any("fast:0" in line for line in lines), True, lines)


def test_a_signal_leaves_the_terminal_as_it_was(tmp):
    with FakeServer() as server:
        with_answers(server)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with top(server, tmp, term="xterm") as terminal:
                terminal.wait_for("digits")
                os.kill(terminal.pid, number)
                expect(terminal.wait(), 128 + number)
                expect(terminal.is_restored(), True, f"after {number}")
                expect(b"\x1b[?1049l" in terminal.raw, True, "the old screen is shown again")
                expect(b"\x1b[?25h" in terminal.raw.rsplit(b"\x1b[?1049l", 1)[0][-40:]
                       or b"\x1b[?12l\x1b[?25h" in terminal.raw, True, "and the cursor")


def test_it_can_be_stopped_and_goes_on(tmp):
    with FakeServer() as server:
        with_answers(server)
        with top(server, tmp) as terminal:
            for _ in range(3):
                terminal.wait_for("svm", "slow:0")
                terminal.stop()
                expect(terminal.is_restored(), True, "the shell gets its terminal")
                terminal.screen.__init__(80, 24)
                os.kill(terminal.pid, signal.SIGCONT)
            terminal.wait_for("svm", "slow:0")
            terminal.type("q")
            expect(terminal.wait(), 0)


def test_a_stop_is_not_lost_while_it_writes(tmp):
    with FakeServer() as server:
        with_answers(server)
        with top(server, tmp) as terminal:
            terminal.wait_for("svm", "slow:0")
            terminal.hold_output()
            terminal.type("\r")  # another page
            terminal.wait_until(terminal.is_writing, "it waits for the terminal")
            os.kill(terminal.pid, signal.SIGTSTP)
            terminal.release_output()
            terminal.wait_until(terminal.is_stopped, "it is stopped")
            expect(terminal.is_restored(), True, "the shell gets its terminal")
            os.kill(terminal.pid, signal.SIGCONT)
            terminal.wait_for("best    accuracy 0.93")
            terminal.type("q")
            expect(terminal.wait(), 0)


def test_a_terminal_that_was_resized_meanwhile_is_filled(tmp):
    with FakeServer() as server:
        with_answers(server)
        with top(server, tmp) as terminal:
            terminal.wait_for("svm", "slow:0")
            terminal.stop()
            terminal.resize(100, 10, tell=False)  # the shell is told, not what it has stopped
            os.kill(terminal.pid, signal.SIGCONT)
            terminal.wait_until(lambda: terminal.screen.lines()[9].startswith("q quit"), "the keys are in the last line")
            expect(len(terminal.screen.lines()[0]), 100, "the server stands at the right end")


def test_who_ignores_stops_is_not_stopped(tmp):
    with FakeServer() as server:
        with_answers(server)
        with Terminal(["/bin/sh", "-c", f"trap '' TSTP; exec {HONE} top"], server.environment(tmp)) as terminal:
            terminal.wait_for("svm")  # the studies; the row of a worker names digits, too
            os.kill(terminal.pid, signal.SIGTSTP)
            terminal.type("\r")
            terminal.wait_for("best    accuracy 0.93")
            terminal.type("q")
            expect(terminal.wait(), 0)


def test_a_server_that_goes_away_is_told_and_waited_for(tmp):
    with Server(str(tmp / "server"), args=["--open"]) as server:
        environment = {**os.environ, "HONE_URL": server.url, "HONE_TOKEN_FILE": ""}
        with server.client(None) as client:
            client.post("/v1/studies", {**DEFINITION, "name": "digits"})
        with Terminal([HONE, "top", "-i", "0.1"], environment) as terminal:
            terminal.wait_for("digits")
            server.kill()
            terminal.wait_for("the server does not answer", "digits")
            server.start()
            terminal.wait_for("digits", without=["does not answer"])
            terminal.type("q")
            expect(terminal.wait(), 0)


def test_a_token_that_is_refused_may_be_replaced(tmp):
    with FakeServer() as server:
        with_answers(server)
        with top(server, tmp, "-i", "0.1") as terminal:
            terminal.wait_for("digits")
            kept = dict(server.answers)
            refused = (401, server.problem("unauthorized", "the token has expired"))
            server.answers = {where: [refused] for where in kept}
            terminal.wait_for("the token has expired", "digits")
            (tmp / "token").write_text("n" * 43 + "\n")
            terminal.wait_until(
                lambda: server.requests[-1][3]["Authorization"] == "Bearer " + "n" * 43,
                "the new token is used")
            server.answers = kept
            terminal.wait_for("digits", without=["expired"])


def test_nothing_from_the_server_commands_the_terminal(tmp):
    with FakeServer() as server:
        with_answers(server, description=HOSTILE)
        server.answers[("GET", "/v1/workers")] = [(200, items(
            worker("w" + HOSTILE, 3, reason=HOSTILE, state=HOSTILE)))]
        server.answers[("GET", "/v1/studies")] = [(200, items(
            study("digits", state="ev" + HOSTILE, reason=HOSTILE)))]
        server.answers[("GET", "/v1/studies/digits/trials")] = [(200, items(
            trial(7, "s" + HOSTILE, worker=HOSTILE, parameters={HOSTILE: HOSTILE})))]
        with top(server, tmp, columns=200) as terminal:
            terminal.wait_for("w[2Jx", "ev[2Jx")
            terminal.type("\r")
            terminal.wait_for("s[2Jx")
            terminal.type("q")
            expect(terminal.wait(), 0)
            expect(terminal.screen.unknown, [])
            for bad in (b"\x1b[2Jx", b"\x07", "\u202e".encode(), b"\x9b31m"):
                expect(bad in terminal.raw, False, bad)


def test_there_is_no_colour_unless_it_may_be(tmp):
    with FakeServer() as server:
        with_answers(server)
        for environment, colored in (({}, True), ({"NO_COLOR": "1"}, False)):
            with top(server, tmp, "digits", term="xterm", **environment) as terminal:
                terminal.wait_until(lambda: b"best" in terminal.raw, "the best trial is shown")
                terminal.type("q")
                expect(terminal.wait(), 0)
                expect(b"\x1b[32m" in terminal.raw, colored, environment)


def test_a_pipe_gets_one_picture(tmp):
    with FakeServer() as server:
        with_answers(server)
        for arguments, width in (([], 80), (["--width", "40"], 40)):
            done = subprocess.run([HONE, "top", *arguments], env=server.environment(tmp), text=True,
                                  capture_output=True, check=False)
            expect((done.returncode, done.stderr), (0, ""))
            lines = done.stdout.splitlines()
            expect("digits" in done.stdout and "slow:0" in done.stdout, True, done.stdout)
            expect(max(map(len, lines)) <= width, True, done.stdout)
            expect("\x1b" in done.stdout or "q quit" in done.stdout, False, done.stdout)


def test_a_terminal_that_cannot_show_it_is_told_what_can(tmp):
    with FakeServer() as server:
        with_answers(server)
        for term in ("dumb", "no-such-terminal"):
            with top(server, tmp, term=term) as terminal:
                expect(terminal.wait(), 2, terminal.raw.decode())
                expect(b"hone study watch" in terminal.raw, True, terminal.raw)


if __name__ == "__main__":
    main(globals())
