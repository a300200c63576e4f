#!/usr/bin/env python3
"""The command line as people and scripts meet it, against a server with the answers that each test sets."""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main  # noqa: E402
from cli import (  # noqa: E402
    BRACKETS, contains, DEFINITION, EXPLANATION, HONE, hone, hone_on_terminal, IMPORTANCE, SECONDS,
    STUDY, TRIAL, with_study)
from fake_server import FakeServer, TOKEN  # noqa: E402


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


def test_a_follower_of_events_that_are_gone_is_told_what_to_do(tmp):
    with FakeServer() as server:
        server.says("GET", "/v1/events", 410, server.problem("events-gone", "go on with after=9"))
        for arguments in ["--after", "7"], ["-f", "--after", "7"]:
            _, talk = hone(server, tmp, "study", "events", *arguments, status=4)
            contains(talk, "the events after 7 are no longer kept", "hone study list", "without --after")


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


# ---- steering ----

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u2066\x7f"


AUDIT_ROW = {"id": 7, "at": "2026-11-30T21:00:00.000Z", "token": "k1", "token_name": "gpu", "address": "::1",
             "action": "study-changed", "study": "digits", "trial": None, "target": None, "detail": "state=paused"}
BACKUP = {"name": "b", "state": "failed", "at": "2026-11-30T21:00:00.000Z", "bytes": None, "commit": None,
          "epoch": None, "verified": False, "detail": "no space"}


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
                ("GET", "/v1/audit", 200, {"items": [made_hostile(AUDIT_ROW)], "next_cursor": None}),
                ("GET", "/v1/backups", 200, {"items": [made_hostile(BACKUP)], "next_cursor": None}),
                ("POST", "/v1/backups", 200, {**made_hostile(BACKUP), "state": "complete"}),
                ("GET", "/v1/studies/other", 404, server.problem("not-found", HOSTILE)),
                ("GET", "/v1/studies/bad", 422, server.problem("invalid", HOSTILE, errors=[
                    {"pointer": HOSTILE, "detail": HOSTILE}]))]:
            server.says(method, where, status, body)
        for arguments in (["study", "list"], ["study", "show", "digits"], ["study", "best", "digits"],
                          ["study", "trials", "digits"], ["study", "brackets", "digits"],
                          ["study", "explain", "digits", "1"], ["study", "importance", "digits"],
                          ["study", "create", "digits", *DEFINITION], ["study", "pause", "digits"],
                          ["study", "set", "digits", "--trials", "9"], ["advise", *DEFINITION],
                          ["token", "list"], ["token", "create", "x"], ["audit"], ["backup", "list"],
                          ["backup", "create"], ["study", "show", "other"],
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


def test_the_audit_shows_as_many_rows_as_are_wanted(tmp):
    with FakeServer() as server:
        rows = [{**AUDIT_ROW, "id": 3 - i} for i in range(3)]
        server.says("GET", "/v1/audit", 200, {"items": rows[:2], "next_cursor": "a2"})
        out, _ = hone(server, tmp, "audit", "-n", "2", "-o", "name")
        expect(out, "3\n2\n")
        expect(server.requests[-1][1], "/v1/audit?limit=2")
        out, _ = hone(server, tmp, "audit", "-n", "1", "-o", "json")
        expect(json.loads(out), rows[:1])
        out, _ = hone(server, tmp, "audit", "-n", "2", TZ="UTC")
        contains(out, "AT", "WHO", "gpu", "study-changed", "state=paused")
        _, talk = hone(server, tmp, "audit", "-n", "0", status=2)
        contains(talk, "--limit 0")


def test_a_backup_is_waited_for_and_its_failure_is_said(tmp):
    writing = {**BACKUP, "state": "writing", "detail": None}
    done = {**BACKUP, "state": "complete", "bytes": 4096, "commit": 12, "epoch": 1, "verified": True, "detail": None}
    with FakeServer() as server:
        server.says("POST", "/v1/backups", 202, writing)
        server.says("GET", "/v1/backups", 200, {"items": [done], "next_cursor": None})
        out, talk = hone(server, tmp, "backup", "create", "b")
        expect((out, talk), ("b\n", "hone: backup 'b': 4096 bytes, up to commit 12, checked\n"))
        expect(server.requests[0][:3], ("POST", "/v1/backups", {"name": "b"}))
        server.answers.clear()
        server.says("POST", "/v1/backups", 202, writing)
        server.says("GET", "/v1/backups", 200, {"items": [BACKUP], "next_cursor": None})
        _, talk = hone(server, tmp, "backup", "create", "b", status=1)
        contains(talk, "no space")
        server.answers.clear()
        server.says("POST", "/v1/backups", 202, writing)
        server.says("GET", "/v1/backups", 200, {"items": [], "next_cursor": None})
        _, talk = hone(server, tmp, "backup", "create", "b", status=3)
        contains(talk, "was not made")
        server.answers.clear()
        server.says("POST", "/v1/backups", 200, done)
        _, talk = hone(server, tmp, "backup", "create", "b")
        contains(talk, "is there already")


def test_a_list_that_could_not_be_had_announces_nothing(tmp):
    failing = [["study", "list"], ["token", "list"], ["audit"], ["backup", "list"], ["study", "trials", "digits"],
               ["study", "best", "digits"], ["study", "brackets", "digits"],
               ["study", "importance", "digits"]]
    with FakeServer() as server:
        with_study(server, objectives=[{"metric": "accuracy", "direction": "maximize"},
                                       {"metric": "ms", "direction": "minimize"}])
        for where in ("/v1/studies", "/v1/tokens", "/v1/audit", "/v1/backups", "/v1/studies/digits/trials",
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


if __name__ == "__main__":
    main(globals())
