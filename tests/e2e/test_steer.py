#!/usr/bin/env python3
"""Verbs for scripts against a real server: wait, diff, enqueue, events; and every request as a line
for curl, run as it is printed."""

import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main  # noqa: E402
from hone import Server  # noqa: E402
from screen import Terminal  # noqa: E402

HONE = os.environ["HONE"]
SECONDS = 60
STUDY = {"metric": "loss", "direction": "minimize", "strategy": "random", "seed": 1,
         "parameters": [{"name": "lr", "type": "float", "low": 1e-6, "high": 1, "default": 0.1},
                        {"name": "act", "type": "categorical", "choices": ["yes", "no", "1"],
                         "default": "yes"}]}


class World:
    """A server with tokens, and hone and curl to call it."""

    def __init__(self, tmp):
        self.tmp = tmp
        self.server = Server(str(tmp / "data"), backups=True)

    def __enter__(self):
        self.server.__enter__()
        self.client = self.server.client()
        self.worker = self.server.client("worker")
        return self

    def __exit__(self, *_):
        self.client.close()
        self.worker.close()
        self.server.__exit__()

    def environment(self, **more):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HONE_")}
        return {**kept, "HONE_URL": self.server.url, "TZ": "UTC", "HONE_TOKEN_FILE":
                os.path.join(self.server.data, "admin.token"),
                "XDG_STATE_HOME": str(self.tmp / "state"), **more}

    def hone(self, *arguments, status=0, stdin=None, **environment):
        done = subprocess.run([HONE, *arguments], env=self.environment(**environment), text=True,
                              input=stdin, capture_output=True, timeout=SECONDS, check=False)
        expect(done.returncode, status, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout, done.stderr

    def create(self, name="s", **more):
        reply = self.client.post("/v1/studies", {**STUDY, "name": name, **more})
        expect(reply.status, 201, reply)

    def finish(self, loss, study="s"):
        lease = self.worker.post(f"/v1/studies/{study}/leases", {"worker": "w:0"}).json
        reply = self.worker.put(f"/v1/leases/{lease['lease']['id']}/result",
                                {"outcome": "completed", "metrics": {"loss": loss}})
        expect(reply.status, 200, reply)
        return lease["trial"]["number"]


def test_wait_tells_how_it_ended(tmp):
    with World(tmp) as world:
        world.create(limits={"trials": 3})
        wait = ["study", "wait", "s", "-i", "0.1"]
        world.finish(0.5)
        world.hone(*wait, "--until", "best<0.2", "--timeout", "0.2", status=124)
        world.hone(*wait, "--until", "best<=0.5")
        waiting = subprocess.Popen([HONE, *wait, "--until", "best<0.2", "--until", "failed>0"],
                                   env=world.environment(), stderr=subprocess.PIPE, text=True)
        world.finish(0.1)
        expect(waiting.communicate(timeout=SECONDS)[1], "hone: study 's': best<0.2\n")
        expect(waiting.returncode, 0)
        world.finish(0.3)
        world.hone(*wait)
        _, said = world.hone(*wait, "--until", "best<0.01", status=1)
        expect(said, "hone: study 's' is finished, without best<0.01\n")
        out, _ = world.hone(*wait, "-o", "json")
        expect(json.loads(out)["state"], "finished")
        world.hone("study", "wait", "none", status=3)
        world.hone(*wait, "--until", "best", status=2)


def test_a_stopped_study_is_not_finished(tmp):
    with World(tmp) as world:
        world.create()
        world.hone("study", "stop", "s")
        world.hone("study", "wait", "s", status=1)


def test_diff_lists_what_differs(tmp):
    with World(tmp) as world:
        world.create("a", limits={"trials": 3})
        world.create("b", limits={"trials": 4})
        out, _ = world.hone("study", "diff", "a", "b")
        expect([line.split() for line in out.splitlines()],
               [["NAME", "A", "B"], ["limits.trials", "3", "4"]])
        world.finish(0.5, "a")
        world.finish(0.25, "a")
        out, _ = world.hone("study", "diff", "a", "1", "2", "-o", "csv")
        rows = dict((line.split(",")[0], line.split(",")[1:]) for line in out.splitlines())
        expect(rows["value"], ["0.5", "0.25"])
        expect("parameters.lr" in rows and "state" not in rows, True, out)
        out, said = world.hone("study", "diff", "a", "1", "1")
        expect((out, said), ("", "hone: they do not differ\n"))
        world.hone("study", "diff", "a", "nope", status=3)


def test_configurations_are_enqueued_from_options_arguments_and_tables(tmp):
    with World(tmp) as world:
        world.create()
        out, said = world.hone("study", "enqueue", "s", "-P", "lr=1e-5", "-P", "act=no",
                               "lr=0.5", '{"lr": 0.25, "act": "1"}')
        expect((out, said), ("1\n2\n3\n", "hone: trials 1 to 3 of 's' are queued\n"))
        exported, _ = world.hone("study", "export", "s")
        world.create("copy")
        world.hone("study", "enqueue", "copy", "-f", "-", stdin=exported)
        found = [trial["parameters"] for trial in world.client.walk("/v1/studies/copy/trials")]
        expect(found, [{"lr": 1e-5, "act": "no"}, {"lr": 0.5, "act": "yes"},
                       {"lr": 0.25, "act": "1"}])
        _, said = world.hone("study", "enqueue", "s", "-f", "-", stdin="lr\n0.1\n\n\"x", status=2)
        expect("standard input: line 4: the quotes do not end" in said, True, said)
        world.hone("study", "enqueue", "s", "lr=7", status=2)
        world.hone("study", "enqueue", "s", status=2)
        many = "lr\n" + "".join(f"{0.1 + i / 1e6}\n" for i in range(1203))
        out, _ = world.hone("study", "enqueue", "copy", "-f", "-", stdin=many)
        expect(len(out.splitlines()), 1203)


def test_events_are_followed_over_a_restart(tmp):
    with World(tmp) as world:
        world.create()
        out, _ = world.hone("study", "events", "s")
        expect(re.fullmatch(r"[-0-9]{10} [:0-9]{8} \+00:00  s  study created\n", out) is not None,
               True, out)
        out, _ = world.hone("study", "events", "s", "-o", "ndjson")
        expect(json.loads(out)["kind"], "study-created")
        world.hone("study", "events", "none", "-f", status=3)
        with Terminal([HONE, "study", "events", "-f", "s"], world.environment(), 120) as terminal:
            terminal.wait_for("study created")
            world.server.kill()
            world.server.start()
            world.worker.close()
            world.worker = world.server.client("worker")
            world.finish(0.5)
            lines = terminal.wait_for("study created", "trial 1, attempt 1: ended")
            expect(sum("study created" in line for line in lines), 1, "no event is told twice")


# What each verb that is one call is given; {…} of a trial, a token, a worker.
CALLS = {
    ("trial", "retry"): ["s", "3"],
    ("advise",): ["-P", "lr=log:1e-5..1e-1"],
    ("top",): [],
    ("study", "create"): ["made", "--minimize", "loss", "-P", "lr=log:1e-5..1e-1",
                          "--description", "it's $HOME `x` \"q\" \\ ünï"],
    ("study", "list"): [], ("study", "show"): ["s"], ("study", "best"): ["s"],
    ("study", "trials"): ["s", "--sort", "best", "-n", "2"], ("study", "watch"): ["s"],
    ("study", "wait"): ["s"], ("study", "events"): ["s"], ("study", "brackets"): ["s"],
    ("study", "explain"): ["s", "1"], ("study", "importance"): ["s"], ("study", "pause"): ["s"],
    ("study", "resume"): ["s"], ("study", "stop"): ["other"], ("study", "diff"): ["s", "other"],
    ("study", "enqueue"): ["s", "-P", "lr=0.125"], ("study", "set"): ["s", "--priority", "3"],
    ("study", "retry"): ["s"], ("study", "delete"): ["doomed", "--force", "-y"],
    ("study", "history"): ["s"], ("study", "export"): ["s"], ("study", "report"): ["s"],
    ("study", "paper"): ["s"], ("replay",): ["s"],
    ("trial", "show"): ["s", "1"], ("trial", "add"): ["s", "lr=0.5"],
    ("trial", "cancel"): ["s", "2"], ("trial", "log"): ["s", "1"],
    ("logs",): ["s", "1"], ("audit",): [], ("backup", "create"): ["b"], ("backup", "list"): [],
    ("token", "create"): ["t", "--scope", "read"], ("token", "list"): [],
    ("token", "revoke"): ["{token}", "-y"], ("workers",): [], ("workers", "drain"): ["w:0"],
    ("workers", "resume"): ["w:0"],
}
# Work with leases, or with files and a batch system, takes more than one call.
MORE_THAN_A_CALL = {("run",), ("import",), ("worker",), ("bundle",), ("absorb",),
                    ("submit", "slurm"), ("doctor",)}


def test_every_verb_shows_its_request_and_the_shell_can_run_it(tmp):
    with World(tmp) as world:
        dump, _ = world.hone("help", "--dump")
        verbs = {tuple(filter(None, (verb["group"], verb["name"])))
                 for verb in json.loads(dump)["verbs"]
                 if any(part["name"] == "server" for part in verb["lists"])}
        expect(verbs - MORE_THAN_A_CALL, set(CALLS), "a verb without a request here")
        world.create(limits={"trials": 20})
        world.create("other")
        world.create("doomed")
        for _ in range(3):
            world.client.post("/v1/studies/s/trials", {"parameters": {"lr": 0.1}})
        lease = world.worker.post("/v1/leases", {"worker": "w:0", "studies": ["s"]}).json["lease"]["id"]
        world.worker.request("POST", f"/v1/leases/{lease}/log?offset=0", raw="hello\n",
                             headers={"Content-Type": "text/plain"})
        world.worker.put(f"/v1/leases/{lease}/result", {"outcome": "completed",
                                                        "metrics": {"loss": 0.5}})
        world.worker.post("/v1/leases", {"worker": "w:0", "studies": ["s"]})  # trial 2 runs
        third = world.worker.post("/v1/leases", {"worker": "w:1", "studies": ["s"]}).json["lease"]["id"]
        world.worker.put(f"/v1/leases/{third}/result", {"outcome": "failed", "reason": "oom"})
        token = world.client.post("/v1/tokens", {"name": "x", "scopes": ["read"]}).json["id"]
        secret = pathlib.Path(world.server.data, "admin.token").read_text().strip()
        for verb, arguments in CALLS.items():
            given = [one.replace("{token}", token) for one in arguments]
            out, _ = world.hone(*verb, *given, "--curl")
            expect(out.startswith("curl "), True, f"{verb}: {out}")
            expect(secret in out, False, f"{verb}: the token is shown")
            for line in out.splitlines():
                done = subprocess.run(["bash", "-c", f"timeout 20 {line}"],
                                      env=world.environment(), text=True, capture_output=True,
                                      check=False)
                expect(done.returncode, 0, f"{verb}: {line}: {done.stdout}{done.stderr}")
        made = world.client.get("/v1/studies/made").json
        expect(made["description"], "it's $HOME `x` \"q\" \\ ünï")
        states = [trial["state"] for trial in world.client.walk("/v1/studies/s/trials")]
        expect(states[:3], ["completed", "cancelled", "queued"])
        expect(len(states), 5, "enqueued and added ones")
        expect(world.client.get("/v1/studies/doomed").status, 404)
        expect(world.client.get("/v1/studies/other").json["state"], "stopped")


def test_a_token_file_of_any_name_is_read_by_the_pasted_line(tmp):
    with World(tmp) as world:
        world.create()
        token = pathlib.Path(world.server.data, "admin.token").read_text()
        for name in ("my token", "it's $HOME `x` \"q\" \\ ünï", "-n"):
            for ending in ("\n", ""):
                (tmp / name).write_text(token.strip() + ending)
                out, _ = world.hone("study", "show", "s", "--curl", HONE_TOKEN_FILE=str(tmp / name))
                for shell in ("bash", "sh"):
                    done = subprocess.run([shell, "-c", out], env=world.environment(), text=True,
                                          capture_output=True, timeout=SECONDS, check=False)
                    expect(done.returncode, 0, f"{shell}: {out}: {done.stdout}{done.stderr}")
                    expect(json.loads(done.stdout)["name"], "s")
        relative, _ = world.hone("study", "show", "s", "--curl", HONE_TOKEN_FILE=os.path.relpath(tmp / "-n", os.getcwd()))
        expect(subprocess.run(["sh", "-c", relative], env=world.environment(), capture_output=True, check=False).returncode, 0)


if __name__ == "__main__":
    main(globals())
