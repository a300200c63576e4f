#!/usr/bin/env python3
"""The command line as people and scripts meet it, against a server with the answers that each test sets."""

import json
import os
import pathlib
import pty
import select
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main  # noqa: E402
from fake_server import TOKEN, FakeServer  # noqa: E402

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


# ---- what scripts rely on ----

def test_the_exit_status_tells_what_happened(tmp):
    with FakeServer() as server:
        for kind, status, code in [("not-found", 404, 3), ("wrong-state", 409, 4),
                                   ("study-exists", 409, 4), ("unauthorized", 401, 1),
                                   ("overloaded", 503, 5), ("starting", 503, 5),
                                   ("invalid", 422, 2), ("storage-full", 503, 1)]:
            server.answers.clear()
            server.says("GET", "/v1/studies/x", status, server.problem(kind, "so it is"))
            out, talk = hone(server, tmp, "study", "show", "x", status=code)
            expect(out, "")
            contains(talk, "hone: ", "so it is")
        for status in (404, 401, 409, 302):  # another program's, so it says nothing about the study
            server.answers.clear()
            server.says("GET", "/v1/studies/x", status, {"error": "nginx"})
            _, talk = hone(server, tmp, "study", "show", "x", status=5)
            contains(talk, f"status {status}", "not from a Hone server")
    out, talk = hone(server, tmp, "study", "show", "x", status=5)  # no server listens any more
    contains(talk, "does not answer")


def test_help_of_a_group_lists_its_verbs(tmp):
    with FakeServer() as server:
        for group, own, other in [("study", "study importance", "token create"),
                                  ("token", "token revoke", "study create")]:
            for arguments in ([group, "--help"], [group, "-h"], [group, "-?"], ["help", group]):
                out, talk = hone(server, tmp, *arguments)
                contains(out, own, f"man hone-{group}")
                expect((other in out, talk), (False, ""))
            _, talk = hone(server, tmp, group, status=2)
            contains(talk, f"'{group}' needs one of: ", f"'hone {group} --help'")


def test_help_has_no_lines_of_blanks(tmp):
    for words in ["import"], ["study", "create"], ["run"], ["advise"], ["worker"]:
        done = subprocess.run([HONE, *words, "--help"], capture_output=True, text=True, check=True)
        assert "--" in done.stdout and "\n\n" in done.stdout, done.stdout
        expect([line for line in done.stdout.split("\n") if line.isspace()], [], str(words))


def test_a_wrong_command_line_ends_with_2_and_says_what_to_write(tmp):
    with FakeServer() as server:
        for arguments, says in [
            (["stduy", "list"], "did you mean 'study'"),
            (["list"], "did you mean 'study list'"),
            (["study", "shwo", "x"], "did you mean 'study show'"),
            (["study", "create", "x", "--trails", "3"], "did you mean '--trials'"),
            (["study", "create", "x", "-o", "jsno", *DEFINITION], "did you mean json"),
            (["study", "show"], "name the study"),
            (["worker", "--study", "s", "--keep-jobs", "5m", "--", "./train"],
             "write --keep-jobs=5m"),
            (["worker", "--study", "s", "--slots", "--", "./train"], "--slots needs an argument, "),
            (["worker", "--allow-root", "--study", "s", "--keep-jobs", "--", "./no-such", "--lr",
              "{lr}"], "./no-such"),
            (["study", "show", "a", "b"], "'b' is one argument too many"),
            (["study", "create", "x"], "say what to improve"),
            (["study", "create", "x", "--maximize", "a"], "say what to tune"),
            (["study", "create", "x", "--maximize", "a", "-P", "n=1..9"], "int:1..9 or float:1..9"),
            (["study", "create", "x", "--trials", "many", *DEFINITION], "whole number"),
            (["study", "create", "x", "--time-limit", "1y", *DEFINITION], "90s, 15m, 2h, 1d"),
            (["study", "create", "-f", "/nowhere/study.yaml"], "/nowhere/study.yaml"),
            (["token", "create", "x", "--scope", "root"], "the scopes are"),
            (["study", "trials", "x", "-n", "99999999999999999999"], "whole number"),
            (["worker", "--slots", "18446744073709551617", "--", "true"], "whole number"),
            (["run", "x", "--slots", "18446744073709551617", "--", "true"], "whole number"),
        ]:
            out, talk = hone(server, tmp, *arguments, status=2)
            expect(out, "")
            contains(talk, says)
        expect(server.requests, [])


def test_the_token_is_sent_and_never_shown(tmp):
    with FakeServer() as server:
        with_study(server)
        out, talk = hone(server, tmp, "study", "show", "digits", "--curl")
        expect(server.requests, [])
        expect(out, f"curl -sS --fail-with-body -X GET -H \"Authorization: Bearer $(cat "
                    f"'{tmp}/token')\" '{server.url}/v1/studies/digits'\n")
        done = subprocess.run(["sh", "-c", out], capture_output=True, text=True, check=True)
        expect(json.loads(done.stdout)["name"], "digits")
        out, talk = hone(server, tmp, "study", "show", "digits")
        expect(server.requests[-1][3]["Authorization"], f"Bearer {TOKEN}")
        for text in (out, talk):
            expect(TOKEN in text, False, "the token is shown")


def test_a_token_without_the_scope_is_told_which_one_has_it(tmp):
    with FakeServer() as server:
        for scope, file in [("worker", "worker.token"), ("submit or worker", "admin.token"),
                            ("read", "admin.token"), ("admin", "admin.token")]:
            server.answers.clear()
            server.says("GET", "/v1/studies/x", 403, server.problem(
                "forbidden", f"this token lacks the scope that is needed here: {scope}"))
            _, talk = hone(server, tmp, "study", "show", "x", status=1)
            contains(talk, f"use {file}")
            expect("token create NAME --scope submit --scope worker --save FILE" in talk,
                   scope != "admin")


def test_a_study_that_is_not_there_is_said_in_the_words_of_the_command_line(tmp):
    with FakeServer() as server:
        server.says("GET", "/v1/studies/x", 404, server.problem(
            "not-found", 'there is no study "x"; GET /v1/studies lists them'))
        _, talk = hone(server, tmp, "study", "show", "x", status=3)
        contains(talk, "there is no study \"x\"; 'hone study list' lists them")
        expect("GET" in talk, False)


def test_a_missing_token_file_is_named(tmp):
    with FakeServer() as server:
        _, talk = hone(server, tmp, "study", "list", "--token-file", "/nowhere/token", status=2)
        contains(talk, "/nowhere/token")


def test_dry_run_shows_the_body_and_sends_nothing(tmp):
    with FakeServer() as server:
        out, talk = hone(server, tmp, "study", "create", "digits", *DEFINITION, "--trials", "40",
                         "--strategy", "hyperband,eta=4", "--resource", "epochs=1..81",
                         "--time-limit", "2h", "--after", "monday", "--after", "tuesday", "--dry-run")
        expect(json.loads(out), {
            "name": "digits", "objectives": [{"metric": "accuracy", "direction": "maximize"}],
            "parameters": [{"name": "lr", "type": "float", "scale": "log", "low": 1e-5,
                            "high": 0.1}],
            "limits": {"trials": 40, "seconds": 7200}, "after": ["monday", "tuesday"],
            "resource": {"name": "epochs", "min": 1, "max": 81},
            "strategy": {"name": "hyperband", "eta": 4}})
        contains(talk, "nothing was sent")
        for arguments in (["study", "delete", "x"], ["study", "pause", "x"],
                          ["token", "revoke", "x"], ["token", "create", "x"]):
            hone(server, tmp, *arguments, "--dry-run")
        expect(server.requests, [])


# ---- creating ----

YAML = """
name: digits
objectives: [{metric: accuracy, direction: maximize}]
parameters:
  - {name: lr, type: float, low: 1e-5, high: 1e-1, scale: log}
  - {name: units, type: int, low: 16, high: 512}
limits: {trials: 10, parallel: 2}
"""


def test_options_stand_above_the_file(tmp):
    with FakeServer() as server:
        server.says("POST", "/v1/studies", 201, STUDY)
        out, talk = hone(server, tmp, "study", "create", "-f", "-", "-P", "units=int:8..64",
                         "-P", "amp=bool", "--trials", "40", stdin=YAML)
        expect(out, "digits\n")
        contains(talk, "created", "hone worker --study digits")
        body = server.requests[0][2]
        expect(body["parameters"], [
            {"name": "lr", "type": "float", "low": 1e-5, "high": 0.1, "scale": "log"},
            {"name": "units", "type": "int", "low": 8, "high": 64},
            {"name": "amp", "type": "bool"}])
        expect(body["limits"], {"trials": 40, "parallel": 2})


def test_a_bad_file_is_named_with_its_line(tmp):
    with FakeServer() as server:
        for text, says in [("a: 1\na: 2\n", "line 2"), ("{\"a\": }", "not valid JSON"),
                           ("- 1\n", "holds no study"), ("", "nothing in it")]:
            (tmp / "study").write_text(text)
            _, talk = hone(server, tmp, "study", "create", "-f", str(tmp / "study"), status=2)
            contains(talk, says, str(tmp / "study"))
        expect(server.requests, [])


def test_another_definition_is_a_conflict_that_says_what_differs(tmp):
    with FakeServer() as server:
        server.says("POST", "/v1/studies", 409, server.problem(
            "study-exists", "another definition: it differs in parameters, limits, strategy"))
        with_study(server)
        _, talk = hone(server, tmp, "study", "create", "digits", "--maximize", "accuracy",
                       "-P", "lr=log:1e-4..1e-1", "-P", "act=relu,tanh", "-P", "width=bool",
                       "--trials", "20", "--strategy", "hyperband,eta=3", status=4)
        expect(talk, "  parameters.lr: float 1e-05..0.1 log there, float 0.0001..0.1 log here\n"
                     "  parameters.width: nothing there, bool here\n"
                     "  parameters.deep: int 2..5, when act is relu there, nothing here\n"
                     "  limits.trials: 40 there, 20 here\n"
                     "  (limits can be changed: hone study set digits --trials N)\n"
                     "hone: another definition: it differs in parameters, limits, strategy\n")


def test_a_refused_parameter_is_shown_as_it_was_typed(tmp):
    with FakeServer() as server:
        server.says("POST", "/v1/studies", 422, server.problem(
            "invalid", "the study is not valid",
            errors=[{"pointer": "/parameters/0/high", "detail": "must be above low"}]))
        _, talk = hone(server, tmp, "study", "create", "digits", *DEFINITION, status=2)
        contains(talk, "-P lr=log:1e-5..1e-1", "must be above low")


# ---- looking ----

def pages(trials):
    def page(query):
        start, limit = int(query.get("cursor", 0)), int(query["limit"])
        more = start + limit < len(trials)
        return {"items": trials[start:start + limit],
                "next_cursor": str(start + limit) if more else None}
    return page


def test_every_format_shows_all_pages(tmp):
    trials = [{**TRIAL, "number": n + 1} for n in range(2500)]
    with FakeServer() as server:
        with_study(server)
        server.says("GET", "/v1/studies/digits/trials", 200, pages(trials))
        show = ["study", "trials", "digits", "-o"]
        expect(json.loads(hone(server, tmp, *show, "json")[0]), trials)
        lines = hone(server, tmp, *show, "ndjson")[0].splitlines()
        expect([json.loads(line) for line in lines], trials)
        expect(hone(server, tmp, *show, "name")[0].split(), [str(n + 1) for n in range(2500)])
        expect(len(hone(server, tmp, *show, "table", "-n", "1200")[0].splitlines()), 1201)


def test_a_table_is_aligned_and_says_when_it_is_empty(tmp):
    with FakeServer() as server:
        with_study(server)
        server.says("GET", "/v1/studies/digits/trials", 200,
                    {"items": [TRIAL, {**TRIAL, "number": 10, "value": None, "step": None,
                                       "state": "running", "ended_at": None}],
                     "next_cursor": None})
        out, talk = hone(server, tmp, "study", "trials", "digits", "--sort", "best",
                         "--state", "running")
        expect(out, "NUMBER  STATE         VALUE  STEP  WORKER   TOOK   LR   ACT  DEEP\n"
                    "     1  completed  0.912346    81  node, 1  1:40  0.1  relu     -\n"
                    "    10  running           -     -  node, 1     -  0.1  relu     -\n")
        contains(server.requests[-1][1], "sort=best", "state=running")
        expect(talk, "")
        del server.answers["GET", "/v1/studies/digits/trials"]
        server.says("GET", "/v1/studies/digits/trials", 200, {
            "items": [{**TRIAL, "number": 11, "ignored": 1}, TRIAL,
                      {**TRIAL, "number": 12, "replaced": 2}], "next_cursor": None})
        _, talk = hone(server, tmp, "study", "trials", "digits")
        contains(talk, "replaced or ignored in 2 of these trials", "explain digits 11")
        expect(hone(server, tmp, "study", "trials", "digits", "-o", "csv")[1], "")
        server.says("GET", "/v1/studies", 200, {"items": [], "next_cursor": None})
        out, talk = hone(server, tmp, "study", "list")
        expect(out, "")
        contains(talk, "there are no studies")
        expect(json.loads(hone(server, tmp, "study", "list", "-o", "json")[0]), [])


def test_a_study_is_shown_in_words(tmp):
    with FakeServer() as server:
        with_study(server)
        out, _ = hone(server, tmp, "study", "show", "digits")
        contains(out, "state        running\n", "created      2026-11-24 22:00:00 +01:00\n",
                 "objective    maximize accuracy\n", "strategy     hyperband, eta 3\n",
                 "after        monday, tuesday\n",
                 "trials       2 completed, 1 running, 1 failed\n",
                 "best         accuracy 0.912345678901, trial 1: lr=0.1 act=relu\n",
                 "  lr  float 1e-05..0.1 log\n", "  deep  int 2..5, when act is relu\n")
        out, _ = hone(server, tmp, "study", "best", "digits")
        expect(out, "trial        1\naccuracy     0.912345678901\nepochs       81\n"
                    "lr           0.1\nact          relu\n")
        server.answers[("GET", "/v1/studies/digits/best")] = [(200, {"trial": None,
                                                                     "resource": None})]
        _, talk = hone(server, tmp, "study", "best", "digits", status=3)
        contains(talk, "no trial of 'digits' has a value yet")


def test_several_objectives_have_a_front_instead_of_a_best(tmp):
    with FakeServer() as server:
        with_study(server, objectives=[{"metric": "accuracy", "direction": "maximize"},
                                       {"metric": "ms", "direction": "minimize"}])
        server.says("GET", "/v1/studies/digits/pareto", 200,
                    {"items": [{**TRIAL, "value": None, "metrics": {"accuracy": 0.9, "ms": 12.5}}],
                     "next_cursor": None})
        out, _ = hone(server, tmp, "study", "best", "digits")
        contains(out, "ACCURACY", "MS", "0.9", "12.5")


BRACKETS = {
    "study": "digits", "schedule": "asha", "eta": 3, "resource": "epochs", "trials": 4,
    "full_training": 12, "trained": 6, "opened": 1, "open": 1,
    "brackets": [{"bracket": 1, "state": "open", "sealed": False, "next": "a new one starts",
                  "rungs": [{"rung": 0, "resource": 1, "size": None, "entered": 4, "running": 1,
                             "reported": 3, "failed": 0, "waiting": 2, "promoted": 1,
                             "waits_for": [], "entries": [{"trial": 2, "value": 0.5,
                                                           "state": "promoted"}]}]}],
}


def test_brackets_are_drawn_and_listed(tmp):
    with FakeServer() as server:
        server.says("GET", "/v1/studies/digits/brackets", 200, BRACKETS)
        out, _ = hone(server, tmp, "study", "brackets", "digits")
        contains(out, "digits  asha, eta 3: 1 bracket, 1 open; trained 6 of 12 epochs, 50 % saved\n",
                 "4, 1 running, 2 waiting, 1 promoted, best 0.5 (trial 2)\n")
        expect(json.loads(hone(server, tmp, "study", "brackets", "digits", "-o", "json")[0]),
               BRACKETS)


def test_a_study_without_a_resource_is_said_to_have_no_brackets(tmp):
    with FakeServer() as server:
        server.says("GET", "/v1/studies/digits/brackets", 200,
                    {"study": "digits", "schedule": "none", "trials": 0, "opened": 0, "open": 0,
                     "brackets": []})
        out, talk = hone(server, tmp, "study", "brackets", "digits")
        contains(talk, "study 'digits' has no resource")
        expect(out, "")


def test_failed_trials_are_tried_again(tmp):
    with FakeServer() as server:
        server.says("POST", "/v1/studies/digits/trials/7/retry", 200, {"number": 7})
        server.says("POST", "/v1/studies/digits/trials/retry", 200,
                    {"items": [{"number": 3}, {"number": 5}], "skipped": 1})
        _, err = hone(server, tmp, "study", "retry", "digits", "7")
        expect(err, "hone: trial 7 is queued again\n")
        _, err = hone(server, tmp, "study", "retry", "digits")
        contains(err, "2 trials are queued again", "1 cannot be: imported, or")
        hone(server, tmp, "study", "retry", "--infeasible", "digits")
        expect([request[2] for request in server.requests],
               [None, {"state": "failed"}, {"state": "infeasible"}])


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


def test_a_trial_is_explained_in_words(tmp):
    with FakeServer() as server:
        server.says("GET", "/v1/studies/digits/trials/7/explain", 200, {
            **EXPLANATION, "replaced": 3, "notes": [
                {"attempt": 2, "state": "completed",
                 "text": "loss was reported again\x1b[2J\nx=1\n"}]})
        out, _ = hone(server, tmp, "study", "explain", "digits", "7")
        expect(out, "trial 7 is pruned; it was suggested as number 7\n"
                    "why this one: a Gaussian process expected 0.2 ± 0.1\n"
                    "  model gaussian_process\n  pending_trials [5,6]\n"
                    "  predicted\n    mean 0.2\n    sd 0.1\n"
                    "  compared\n    candidates 96\n    others\n"
                    "      acquisition_value -3.5, parameters lr=0.1 k=a\n"
                    "bracket 1, rung 0 of asha: it is out: others were better\n"
                    "  2026-11-24 22:00:00 +01:00  value     step 3, value 0.25\n"
                    "  2026-11-24 22:00:01 +01:00  lose      step 3: third of 3[2J; the best 1 went "
                    "on\n"
                    "values reported again for a step: 3 replaced, 0 ignored\n"
                    "attempt 2 completed:\n  loss was reported again[2J\n  x=1\n")


IMPORTANCE = {"study": "digits", "method": "ped_anova", "metric": "loss",
            "direction": "minimize", "resource": 9, "trials": 20,
            "top": {"quantile": 0.1, "trials": 2, "cutoff": 0.125},
            "warning": "made from 20 trials\x1b[2J; below 50 these shares are mostly chance",
            "parameters": [{"name": "lr", "share": 0.75, "trials": 20, "top": 2},
                           {"name": "depth", "share": 0.25, "trials": 12, "top": 1}]}


def test_importance_is_a_table_with_its_basis(tmp):
    with FakeServer() as server:
        server.says("GET", "/v1/studies/digits/importance", 200, IMPORTANCE)
        out, _ = hone(server, tmp, "study", "importance", "digits")
        expect(out, "PARAMETER  SHARE\n"
                    "lr         0.750  ###############\n"
                    "depth      0.250  #####\n"
                    "from 20 trials at resource 9: what sets the best 2 apart (loss <= 0.125)\n"
                    "warning: made from 20 trials[2J; below 50 these shares are mostly chance\n")
        expect(json.loads(hone(server, tmp, "study", "importance", "digits", "-o", "json")[0]),
               IMPORTANCE)


# ---- steering ----

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u2066\x7f"


def made_hostile(value):
    """The same with HOSTILE in every text and in every name of a parameter, metric or label."""
    if isinstance(value, str):
        return value + HOSTILE
    if isinstance(value, list):
        return [made_hostile(one) for one in value]
    if isinstance(value, dict):
        names = {name: name + HOSTILE if isinstance(value.get(name), (int, float)) else name
                 for name in value}
        return {names[name]: made_hostile(one) for name, one in value.items()}
    return value


def test_nothing_from_the_server_reaches_the_terminal_as_a_command(tmp):
    with FakeServer() as server:
        study = made_hostile(STUDY)
        study["parameters"] = [{**one, "type": mild["type"]} for one, mild in
                               zip(study["parameters"], STUDY["parameters"])]
        trial = {**made_hostile(TRIAL), "number": 1, "attempt": 1, "step": 2, "value": 0.5,
                 "parameters": {"lr" + HOSTILE: "a" + HOSTILE}}
        token = made_hostile({"id": "a", "name": "n", "token": "t", "scopes": ["read"],
                              "created_at": "2026", "expires_at": None})
        path = "/v1/studies/digits"
        for method, where, status, body in [
                ("GET", "/v1/studies", 200, {"items": [study], "next_cursor": None}),
                ("POST", "/v1/studies", 201, study), ("GET", path, 200, study),
                ("PATCH", path, 200, study),
                ("GET", f"{path}/best", 200, {"trial": trial, "resource": 81}),
                ("GET", f"{path}/trials", 200, {"items": [trial], "next_cursor": None}),
                ("GET", f"{path}/brackets", 200, {**made_hostile(BRACKETS), "eta": 3}),
                ("GET", f"{path}/trials/1/explain", 200, {**made_hostile(EXPLANATION), "notes": [
                    {"attempt": 1, **made_hostile({"state": "failed", "text": "x\ny"})}]}),
                ("GET", f"{path}/importance", 200, made_hostile(IMPORTANCE)),
                ("POST", "/v1/advice", 200, made_hostile({"items": [{"title": "x", "for": ["y"]}]})),
                ("GET", "/v1/tokens", 200, {"items": [token], "next_cursor": None}),
                ("POST", "/v1/tokens", 201, token),
                ("GET", "/v1/studies/other", 404, server.problem("not-found", HOSTILE)),
                ("GET", "/v1/studies/bad", 422, server.problem("invalid", HOSTILE, errors=[
                    {"pointer": HOSTILE, "detail": HOSTILE}]))]:
            server.says(method, where, status, body)
        for arguments in (["study", "list"], ["study", "show", "digits"], ["study", "best", "digits"],
                          ["study", "trials", "digits"], ["study", "brackets", "digits"],
                          ["study", "explain", "digits", "1"], ["study", "importance", "digits"],
                          ["study", "create", "digits", *DEFINITION], ["study", "pause", "digits"],
                          ["study", "set", "digits", "--trials", "9"], ["advise", *DEFINITION],
                          ["token", "list"], ["token", "create", "x"], ["study", "show", "other"],
                          ["study", "show", "bad"]):
            for output in ("table", "wide", "csv", "json", "ndjson", "name"):
                if output == "csv":  # data for a program, but on a terminal
                    _, said = hone_on_terminal(server, tmp, *arguments, "-o", output, NO_COLOR="1")
                else:
                    done = subprocess.run([HONE, *arguments, "-o", output], capture_output=True,
                                          env=server.environment(tmp), timeout=SECONDS, check=False)
                    said = done.stdout.decode() + done.stderr.decode()
                shown = {one for one in said if one in HOSTILE and not one.isprintable()}
                expect(shown, set(), f"{arguments} -o {output}: {said!r}")


def test_a_list_that_could_not_be_had_announces_nothing(tmp):
    failing = [["study", "list"], ["token", "list"], ["study", "trials", "digits"],
               ["study", "best", "digits"], ["study", "brackets", "digits"],
               ["study", "importance", "digits"]]
    with FakeServer() as server:
        with_study(server, objectives=[{"metric": "accuracy", "direction": "maximize"},
                                       {"metric": "ms", "direction": "minimize"}])
        for where in ("/v1/studies", "/v1/tokens", "/v1/studies/digits/trials",
                      "/v1/studies/digits/pareto", "/v1/studies/digits/brackets",
                      "/v1/studies/digits/importance"):
            server.says("GET", where, 401, server.problem("unauthorized", "show a token"))
        for arguments in failing:
            for output in ("table", "wide", "csv", "json", "ndjson", "name"):
                out, talk = hone(server, tmp, *arguments, "-o", output, status=1)
                expect((out, talk), ("", "hone: show a token\n"), f"{arguments} -o {output}")
    for arguments in failing:  # the server is gone
        out, talk = hone(server, tmp, *arguments, status=5)
        expect((out, talk.count("\n")), ("", 1), talk)
        contains(talk, "does not answer")


def test_a_refusal_is_printed_once_with_all_its_faults(tmp):
    first = {"pointer": "/limits/trials", "detail": "must lie between 1 and 9"}
    second = {"pointer": "/strategy", "detail": "there is no strategy \"x\""}
    whole = {"pointer": "", "detail": "must be an object"}
    many = [{"pointer": f"/parameters/{n}/high", "detail": "must be greater than low"}
            for n in range(64)]
    with FakeServer() as server:
        for detail, errors, says in [
                ("/limits/trials: must lie between 1 and 9", [first],
                 "hone: --trials: must lie between 1 and 9\n"),
                ("/limits/trials: must lie between 1 and 9 (and 1 more)", [first, second],
                 "hone: --trials: must lie between 1 and 9; "
                 "--strategy: there is no strategy \"x\"\n"),
                ("must be an object", [whole], "hone: must be an object\n"),
                ("no member errors", [], "hone: no member errors\n")]:
            server.answers.clear()
            server.says("POST", "/v1/studies", 422, server.problem("invalid", detail, errors=errors))
            _, talk = hone(server, tmp, "study", "create", "digits", *DEFINITION, status=2)
            expect(talk, says)
        server.answers.clear()
        server.says("POST", "/v1/studies", 422, server.problem("invalid", "x", errors=many))
        _, talk = hone(server, tmp, "study", "create", "other", *DEFINITION, status=2)
        printed = talk.count("must be greater than low")
        contains(talk, f"and {64 - printed} more\n")
        expect(talk.count("/parameters/1/high"), 1, talk)


def test_states_are_patched(tmp):
    with FakeServer() as server:
        server.says("PATCH", "/v1/studies/digits", 200, STUDY)
        for verb, state in [("pause", "paused"), ("resume", "running"), ("stop", "stopped")]:
            hone(server, tmp, "study", verb, "digits")
            expect(server.requests[-1][:3], ("PATCH", "/v1/studies/digits", {"state": state}))


def test_only_what_may_change_is_changed(tmp):
    with FakeServer() as server:
        server.says("PATCH", "/v1/studies/digits", 200, STUDY)
        _, talk = hone(server, tmp, "study", "set", "digits", "--trials", "80", "--time-limit",
                       "1h", "--label", "team=vision")
        contains(talk, "is changed; it is running")
        expect(server.requests[0][:3], ("PATCH", "/v1/studies/digits", {
            "limits": {"trials": 80, "seconds": 3600}, "labels": {"team": "vision"}}))
        hone(server, tmp, "study", "set", "digits", "--trials", "90", "--state", "paused",
             "--enqueue", "lr=0.1,act=relu", "--enqueue", '{"lr": 1, "act": "a,b"}')
        expect(server.requests[1][2], {
            "limits": {"trials": 90}, "state": "paused",
            "enqueue": [{"parameters": {"lr": 0.1, "act": "relu"}},
                        {"parameters": {"lr": 1, "act": "a,b"}}]})
        server.says("GET", "/v1/studies/digits", 200, {**STUDY, "parameters": [
            {"name": "lr", "type": "float", "low": 0.1, "high": 1},
            {"name": "n", "type": "int", "low": 1, "high": 2, "when": {"lr": [1]}}]})
        hone(server, tmp, "study", "set", "digits", "-P", "n=int:1..9", "-P", "drop=0..0.9:0.1",
             "--old-value", "drop=0.5")
        expect(server.requests[3][2], {"parameters": [
            {"name": "lr", "type": "float", "low": 0.1, "high": 1},
            {"name": "n", "type": "int", "low": 1, "high": 9, "when": {"lr": [1]}},
            {"name": "drop", "type": "float", "low": 0, "high": 0.9, "step": 0.1,
             "old_value": 0.5}]})
        for arguments, says in [(["--seed", "3"], "the seed of a study cannot change"),
                                (["--old-value", "a"], "lr=0.1"),
                                (["--old-value", "a=1"], "added with -P"),
                                (["--enqueue", "lr"], "lr=0.1"),
                                (["--enqueue", "lr=1,,"], "lr=0.1"),
                                (["--enqueue", "lr=1,lr=2"], "once"),
                                (["--old-value", "a=1", "--old-value", "a=2"], "once"),
                                (["--enqueue", '{"lr": }'], "JSON"),
                                ([], "say what to change"), (["-f", "x"], "by options")]:
            _, talk = hone(server, tmp, "study", "set", "digits", *arguments, status=2)
            contains(talk, says)


def test_a_limit_that_running_trials_do_not_get_is_said(tmp):
    with FakeServer() as server:
        server.says("PATCH", "/v1/studies/digits", 200, {**STUDY, "counts": {"running": 2}})
        _, talk = hone(server, tmp, "study", "set", "digits", "--stall-time", "5")
        contains(talk, "2 running trials keep the times of before; 'hone trial cancel' ends one")
        _, talk = hone(server, tmp, "study", "set", "digits", "--trials", "50")
        expect("times of before" in talk, False)


def test_deleting_needs_a_yes_or_the_name_typed(tmp):
    with FakeServer() as server:
        server.says("DELETE", "/v1/studies/digits", 204)
        _, talk = hone(server, tmp, "study", "delete", "digits", status=2)
        contains(talk, "--yes")
        status, shown = hone_on_terminal(server, tmp, "study", "delete", "digits", typed=b"no\n")
        expect(status, 2)
        contains(shown, "nothing was done")
        expect(server.requests, [])
        status, shown = hone_on_terminal(server, tmp, "study", "delete", "digits",
                                         typed=b"digits\n")
        expect(status, 0, shown)
        hone(server, tmp, "study", "delete", "digits", "--yes", "--force")
        expect([request[1] for request in server.requests],
               ["/v1/studies/digits", "/v1/studies/digits?force=true"])


def test_names_are_escaped_in_paths(tmp):
    with FakeServer() as server:
        hone(server, tmp, "study", "show", "../tokens?x", status=3)
        expect(server.requests[0][1], "/v1/studies/..%2Ftokens%3Fx")


def test_a_token_goes_to_a_file_that_only_its_owner_reads(tmp):
    made = {"id": "k1", "name": "gpu", "scopes": ["worker"], "token": "s" * 43}
    with FakeServer() as server:
        server.says("POST", "/v1/tokens", 201, made)
        out, talk = hone(server, tmp, "token", "create", "gpu")
        expect(out, "s" * 43 + "\n")
        expect(server.requests[-1][2], {"name": "gpu", "scopes": ["worker"]})
        path = tmp / "gpu.token"
        out, talk = hone(server, tmp, "token", "create", "gpu", "--save", str(path),
                         "--scope", "submit", "--scope", "worker")
        expect(server.requests[-1][2]["scopes"], ["submit", "worker"])
        expect((out, path.read_text(), path.stat().st_mode & 0o777), ("", "s" * 43 + "\n", 0o600))
        _, talk = hone(server, tmp, "token", "create", "gpu", "--save", str(path), status=2)
        contains(talk, "is there already")
        server.answers.clear()
        other = tmp / "other.token"
        hone(server, tmp, "token", "create", "gpu", "--save", str(other), status=3)
        expect(other.exists(), False, "a file is left behind")


# ---- watching ----

def while_it_runs(server):
    """Running, running with a better trial, finished."""
    counts = [{"completed": 1, "running": 2}, {"completed": 2, "running": 2}, {"completed": 40}]
    for i, count in enumerate(counts):
        server.says("GET", "/v1/studies/digits", 200,
                    {**STUDY, "counts": count, "state": "finished" if i == 2 else "running",
                     "reason": "trials" if i == 2 else None})
        server.says("GET", "/v1/studies/digits/best", 200,
                    {**BEST, "trial": {**TRIAL, "number": i + 1, "value": 0.5 + i / 10}})
    server.says("GET", "/v1/studies/digits/trials", 200,
                {"items": [{**TRIAL, "state": "running", "worker": "node07:0"}],
                 "next_cursor": None})
    server.says("GET", "/v1/studies/digits/history", 200, {
        "items": [{"number": i, "value": i / 10, "step": 1, "ended_at": f"2026-01-01T00:00:0{i}Z"}
                  for i in (1, 2)], "next_cursor": None})


def test_watching_in_a_pipe_writes_a_line_for_news(tmp):
    with FakeServer() as server:
        while_it_runs(server)
        out, talk = hone(server, tmp, "study", "watch", "digits", "-i", "0.1")
        expect(talk, "")
        lines = out.splitlines()
        expect(len(lines), 3, out)
        contains(lines[0], "digits: running, 1/40 done", "best accuracy 0.5 (trial 1)")
        contains(lines[2], "digits: finished (trials), 40/40 done", "best accuracy 0.7 (trial 3)")
        expect("\x1b" in out, False, "there are escape sequences")


def test_watching_on_a_terminal_redraws_in_place(tmp):
    with FakeServer() as server:
        while_it_runs(server)
        status, shown = hone_on_terminal(server, tmp, "study", "watch", "digits", "-i", "0.1",
                                         NO_COLOR="1")
        expect(status, 0, shown)
        contains(shown, "node07:0", "\x1b[8A\r\x1b[J", "40 of 40", "so far", "0.1 to 0.2")
        expect("\x1b[1m" in shown, False, "there is colour")
        while_it_runs(server)
        _, shown = hone_on_terminal(server, tmp, "study", "watch", "digits", "-i", "0.1")
        contains(shown, "\x1b[32mbest")


def test_watching_bears_a_server_that_goes_away(tmp):
    with FakeServer() as server:
        while_it_runs(server)
        known = server.answers[("GET", "/v1/studies/digits")]
        known.insert(1, (503, server.problem("starting", "the server starts")))
        out, _ = hone(server, tmp, "study", "watch", "digits", "-i", "0.1")
        contains(out, "does not answer; trying again", "finished (trials)")


def test_watching_gives_up_after_the_timeout(tmp):
    with FakeServer() as server:
        with_study(server)
        server.says("GET", "/v1/studies/digits/trials", 200, {"items": [], "next_cursor": None})
        _, talk = hone(server, tmp, "study", "watch", "digits", "-i", "0.1", "--timeout", "0.3",
                       status=124)
        contains(talk, "has not ended yet")


# ---- without the name of a server ----

def test_without_a_server_the_error_says_how_to_get_one(tmp):
    with FakeServer() as server:
        _, talk = hone(server, tmp, "study", "list", HONE_URL="http://127.0.0.1:1", status=5)
        contains(talk, "http://127.0.0.1:1")


FAKE_HONED = """#!/bin/sh
# Stands in for the server: says where the test's fake one listens, and lives on.
echo "$$ $*" >>"$FAKE_LOG"
mkdir -p "$2" && echo tttttttttttttttttttttttttttttttttttttttt >"$2/admin.token"
echo wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww >"$2/worker.token"
: >"$2/hone.db"
echo "honed: listening on $FAKE_URL"
exec sleep 600
"""


class Private:
    """A hone with a honed beside it, and an account without HONE_URL."""

    def __init__(self, server, tmp):
        self.server, self.tmp, self.log = server, tmp, tmp / "started"
        self.hone = tmp / "bin/hone"
        self.hone.parent.mkdir()
        os.link(HONE, self.hone) if os.stat(HONE).st_dev == tmp.stat().st_dev else \
            shutil.copy(HONE, self.hone)
        (tmp / "bin/honed").write_text(FAKE_HONED)
        (tmp / "bin/honed").chmod(0o755)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def pids(self):
        return [int(line.split()[0]) for line in
                (self.log.read_text().splitlines() if self.log.exists() else [])]

    def environment(self):
        kept = self.server.environment(self.tmp, FAKE_URL=self.server.url, FAKE_LOG=str(self.log))
        del kept["HONE_URL"], kept["HONE_TOKEN_FILE"]
        return kept

    def run(self, *arguments, status=0):
        done = subprocess.run([self.hone, *arguments], env=self.environment(), text=True,
                              capture_output=True, timeout=SECONDS, check=False)
        expect(done.returncode, status, done.stdout + done.stderr)
        return done.stdout, done.stderr


RUN = ["run", "digits", *DEFINITION, "--slots", "2", "--", "/bin/true", "{lr}"]


def finished_study(server):
    server.says("POST", "/v1/studies", 201, STUDY)
    with_study(server, state="finished", reason="trials", counts={"completed": 40})
    server.says("GET", "/v1/studies/digits/trials", 200, {"items": [TRIAL], "next_cursor": None})
    none = {"lease": None, "reason": "finished", "detail": "", "retry_after_seconds": 1}
    server.says("POST", "/v1/studies/digits/leases", 200, none)
    server.says("POST", "/v1/leases", 200, none)


def test_run_starts_a_private_server_and_the_next_one_joins_it(tmp):
    with FakeServer() as server, Private(server, tmp) as private:
        finished_study(server)
        out, talk = private.run(*RUN)
        contains(talk, f"started the private server at {server.url}", "finished (trials)",
                 "this was: /bin/true 0.1\n")
        contains(out, "trial        1\naccuracy     0.912345678901\n")
        tokens = {path: headers["Authorization"] for _, path, _, headers in server.requests}
        expect(tokens["/v1/studies"], "Bearer " + "t" * 40)
        expect({token for path, token in tokens.items() if "leases" in path},
               {"Bearer " + "w" * 40})
        started = private.log.read_text()
        contains(started, f"--data {tmp}/state/hone/data --listen 127.0.0.1:0 --idle-exit 600")
        out, talk = private.run(*RUN)
        contains(talk, "joined the private server")
        expect(private.log.read_text(), started, "servers started")


def test_other_verbs_use_the_private_server_and_start_it_again(tmp):
    with FakeServer() as server, Private(server, tmp) as private:
        finished_study(server)
        private.run(*RUN)
        out, talk = private.run("study", "show", "digits", "-o", "name")
        contains(talk, f"using the private server at {server.url}")
        os.kill(private.pids()[0], signal.SIGKILL)
        deadline = time.monotonic() + SECONDS
        while alive(private.pids()[0]) and time.monotonic() < deadline:
            time.sleep(0.02)
        out, _ = private.run("study", "show", "digits", "--curl")
        contains(out, "http://127.0.0.1:4663/v1/studies/digits")  # its old URL is not used any more
        private.run("study", "set", "digits", "--trials", "50", "--dry-run")
        expect(len(private.pids()), 1, "what sends nothing starts nothing")
        _, talk = private.run("study", "best", "digits")
        contains(talk, f"started the private server at {server.url}")
        expect(len(private.pids()), 2, "servers started")


def test_a_study_that_the_private_server_lacks_may_be_at_another(tmp):
    with FakeServer() as server, Private(server, tmp) as private:
        finished_study(server)
        private.run(*RUN)
        server.says("GET", "/v1/studies/other", 404, server.problem(
            "not-found", 'there is no study "other"; GET /v1/studies lists them'))
        _, talk = private.run("study", "show", "other", status=3)
        contains(talk, "the private server was asked: HONE_URL or --server names another")


def alive(pid):
    """A killed one is a zombie until its new parent waits for it."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_many_runs_at_once_start_one_server(tmp):
    with FakeServer() as server, Private(server, tmp) as private:
        finished_study(server)
        runs = [subprocess.Popen([private.hone, *RUN], env=private.environment(), text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                for _ in range(5)]
        said = [run.communicate(timeout=SECONDS)[0] for run in runs]
        expect([run.returncode for run in runs], [0] * 5, said)
        expect(len(private.pids()), 1, "servers started")


def test_a_private_server_that_does_not_start_says_why(tmp):
    with FakeServer() as server, Private(server, tmp) as private:
        (tmp / "bin/honed").write_text("#!/bin/sh\necho 'honed: the disk is full' >&2\nexit 1\n")
        _, talk = private.run(*RUN, status=5)
        contains(talk, "did not start", "the disk is full", "server.log")


def test_a_state_directory_that_others_may_write_is_refused(tmp):
    with FakeServer() as server, Private(server, tmp) as private:
        (tmp / "state/hone").mkdir(parents=True)
        (tmp / "state/hone").chmod(0o777)
        _, talk = private.run(*RUN, status=1)
        contains(talk, "belongs to you alone")


def test_a_server_that_others_may_have_prepared_is_not_believed(tmp):
    with FakeServer() as server, Private(server, tmp) as private:
        finished_study(server)
        private.run(*RUN)
        (tmp / "state/hone").chmod(0o777)
        n_requests = len(server.requests)
        _, talk = private.run("study", "show", "digits", status=1)
        contains(talk, "belongs to you alone")
        expect(len(server.requests), n_requests)


def test_run_checks_the_command_before_it_starts_anything(tmp):
    with FakeServer() as server, Private(server, tmp) as private:
        for command, says in [(["./train", "--lr", "{lr}"], "./train\" was not found"),
                              ([str(tmp), "{lr}"], "is not executable"),
                              (["./train", "--lr", "{lrr}"], "did you mean {lr}?"),
                              (["./train", "{width}"], "add -P width=DOMAIN"),
                              (["./train", "{resource.to}"], "add --resource NAME=MIN..MAX"),
                              (["./train", "{lr"], "no placeholder")]:
            _, talk = private.run("run", "digits", *DEFINITION, "--", *command, status=2)
            contains(talk, says)
        _, talk = private.run("run", "digits", *DEFINITION, "./train", "--lr", "{lr}", status=2)
        contains(talk, "behind ' -- '")
        _, talk = private.run("run", "digits", *DEFINITION, "--metric-regex", "(((", "--", "true",
                              "{lr}", status=2)
        contains(talk, 'the expression "(((" is wrong')
        expect((server.requests, private.pids()), ([], []))


def test_run_does_not_go_on_with_another_definition_or_a_stopped_study(tmp):
    with FakeServer() as server:
        server.says("POST", "/v1/studies", 409, server.problem("study-exists", "trials is 20"))
        _, talk = hone(server, tmp, *RUN, status=4)
        contains(talk, "trials is 20")
        server.answers.clear()
        server.says("POST", "/v1/studies", 200, {**STUDY, "state": "stopped"})
        _, talk = hone(server, tmp, *RUN, status=4)
        contains(talk, "hone study resume digits")


def test_output_that_cannot_be_written_is_a_failure(tmp):
    with FakeServer() as server, open("/dev/full", "w", encoding="utf-8") as full:
        with_study(server)
        done = subprocess.run([HONE, "study", "show", "digits"], env=server.environment(tmp),
                              stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        expect(done.returncode, 1)
        contains(done.stderr, "cannot write the output")


if __name__ == "__main__":
    main(globals())
