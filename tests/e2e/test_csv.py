#!/usr/bin/env python3
"""Trials as CSV: from the command line and from the server the same, and nothing is lost in it."""

import csv
import io
import json
import os
import pathlib
import pty
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import hone as support  # noqa: E402
from cases import expect, main  # noqa: E402

HONE = os.environ["HONE"]
SECONDS = 60  # a bound against hanging
CHOICES = ["", None, 1, "1", "null", True, "true", " a", 'say "x", y', "one\ntwo", "\x1b[2J", "\r", [1, 2],
           {"a": 1}, "{", "-", "gr\u00f6\u00dfe"]
STUDY = {"name": "s", "objectives": [{"metric": "loss", "direction": "minimize"}],
         "strategy": "random", "limits": {"trials": 1},
         "parameters": [{"name": "x", "type": "float", "low": 0, "high": 1},
                        {"name": "a, \"b\"", "type": "categorical", "choices": CHOICES},
                        {"name": "on", "type": "bool"},
                        {"name": "c", "type": "categorical", "choices": ["", None, 2],
                         "when": {"on": [True]}}]}


def trial(number, choice, inner=None):
    parameters = {"x": number / 4096, "a, \"b\"": choice, "on": inner is not None}
    if inner is not None:
        parameters["c"] = inner[0]
    metrics = {"loss": number, "val acc": number / 3}
    return {"parameters": parameters, "state": "completed", "metrics": metrics,
            "measurements": [{"step": 1, "metrics": metrics}]}


def fill(client, trials):
    expect(client.post("/v1/studies", STUDY).status, 201)
    for i in range(0, len(trials), 1000):
        reply = client.post("/v1/studies/s/trials", trials[i:i + 1000])
        expect(reply.status, 201, reply.body)


def environment(tmp, server):
    (tmp / "token").write_text(server.token())
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HONE_")}
    return {**kept, "HONE_URL": server.url, "HONE_TOKEN_FILE": str(tmp / "token"),
            "XDG_STATE_HOME": str(tmp)}


def hone(tmp, server, *arguments):
    done = subprocess.run([HONE, *arguments, "-o", "csv"], env=environment(tmp, server),
                          capture_output=True, timeout=SECONDS, check=False)
    expect((done.returncode, done.stderr), (0, b""), arguments)
    return done.stdout


def value_of(cell):
    """The rule: an empty cell is no value, what reads as JSON is that, everything else is a string."""
    if cell == "":
        return "inactive"
    try:
        return json.loads(cell)
    except ValueError:
        return cell


def test_every_value_comes_back_as_it_was(tmp):
    trials = [trial(i + 1, choice) for i, choice in enumerate(CHOICES)]
    trials += [trial(100 + i, 1, [inner]) for i, inner in enumerate(["", None, 2])]
    with support.Server() as server, server.client() as client:
        fill(client, trials)
        text = hone(tmp, server, "study", "trials", "s").decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    expect(len(rows), len(trials))
    for row, wanted in zip(rows, trials):
        for name, value in {"c": "inactive", **wanted["parameters"]}.items():
            found = value_of(row["parameters." + name])
            expect((found, type(found)), (value, type(value)), name)
        expect(float(row["metrics.val acc"]), wanted["metrics"]["val acc"])


def test_the_command_line_and_the_export_are_the_same(tmp):
    with support.Server() as server, server.client() as client:
        fill(client, [trial(i + 1, CHOICES[i % len(CHOICES)]) for i in range(2300)])
        whole = client.get("/v1/studies/s/export?format=csv").body
        titles, _, rows = whole.partition(b"\n")
        expect(titles.decode(), 'number,state,reason,value,step,attempt,worker,source,ordinal,'
               'fallback,outside,seed,created_at,started_at,ended_at,metrics.loss,metrics.val acc,'
               'parameters.x,"parameters.a, ""b""",parameters.on,parameters.c')
        expect(hone(tmp, server, "study", "trials", "s") == whole, True)
        expect(hone(tmp, server, "study", "best", "s"),
               whole[:len(titles) + 1] + rows[:rows.index(b"\n") + 1])
        first = list(csv.reader(io.StringIO(whole.decode(), newline="")))
        for n in (1, 1000, 1001, 2300, 9999):
            listed = hone(tmp, server, "study", "trials", "s", "-n", str(n)).decode()
            expect(list(csv.reader(io.StringIO(listed, newline=""))) == first[:n + 1], True, n)
        expect(hone(tmp, server, "study", "trials", "s", "--state", "failed"), titles + b"\n")
        worst = hone(tmp, server, "study", "trials", "s", "--sort", "-best", "-n", "1").decode()
        expect(list(csv.DictReader(io.StringIO(worst)))[0]["number"], "2300")


def test_on_a_terminal_nothing_commands_it(tmp):
    with support.Server() as server, server.client() as client:
        fill(client, [trial(1, "\x1b[2J")])
        controller, terminal = pty.openpty()
        subprocess.run([HONE, "study", "trials", "s", "-o", "csv"], env=environment(tmp, server),
                       stdout=terminal, check=True, timeout=SECONDS)
        os.close(terminal)
        shown = os.read(controller, 65536)
        os.close(controller)
    expect((b"\x1b" in shown, b"[2J" in shown), (False, True), shown)


def test_every_list_is_the_one_that_curl_gets(tmp):
    with support.Server() as server, server.client() as client:
        fill(client, [trial(i + 1, choice) for i, choice in enumerate(CHOICES)])
        rungs = {**STUDY, "name": "rungs", "resource": {"name": "epochs", "min": 1, "max": 9},
                 "strategy": "hyperband", "limits": {"trials": 9}}
        expect(client.post("/v1/studies", rungs).status, 201)
        with server.client("worker") as worker:
            expect(worker.post("/v1/studies/rungs/leases", {"worker": "w"}).status, 201)
        for words, path in ((["study", "list"], "/v1/studies"),
                            (["study", "trials", "s"], "/v1/studies/s/trials"),
                            (["study", "history", "s"], "/v1/studies/s/history"),
                            (["study", "importance", "s"], "/v1/studies/s/importance"),
                            (["study", "brackets", "rungs"], "/v1/studies/rungs/brackets"),
                            (["workers", "--server", server.url], "/v1/workers")):
            found, wanted = hone(tmp, server, *words), client.get(f"{path}?format=csv").body
            if path == "/v1/workers":  # a time passes between the two
                found, wanted = found.split(b"\n")[0], wanted.split(b"\n")[0]
            expect(found, wanted, words)


if __name__ == "__main__":
    main(globals())
