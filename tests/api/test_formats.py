#!/usr/bin/env python3
"""Every GET of the API in every format there is.

The routes are those of /openapi.json, which a test holds to the table of routes, and so is the list
of formats: each read is asked for all formats that any read has. It answers with the type of that
format, or with a 400 that names the formats there are; none is ignored. What the formats hold is
compared with the JSON. Names and values are hostile, and a real shell evaluates what `sh` says.
"""

import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

TYPES = {"json": "application/json", "ndjson": "application/x-ndjson", "csv": "text/csv",
         "text": "text/plain", "table": "text/plain", "sh": "text/plain", "hydra": "text/plain",
         "sse": "text/event-stream", "html": "text/html",
         "latex": "application/x-latex"}
MEDIA = {"application/json": "json", "application/x-ndjson": "ndjson", "text/csv": "csv",
         "text/plain": "text", "application/x-sh": "sh", "text/event-stream": "sse"}
# For browsers, which keep their state in the query.
PAGES = re.compile(r"/assets/|/studies/|/workers$|/new$")

HOSTILE = ["x", "it's", "$(touch hacked)", "`touch hacked`", "a\nb; touch hacked", "\x1b[2Jgone",
           "'; touch hacked; '", '"', "\\", "-n", "\u202eabc", " padded ", "", "é 学习率", "$HOME",
           "a\tb", "\\'", "*", "~", "1", "true", "null", "x" * 3000]
PARAMETERS = [{"name": "lr", "type": "float", "low": 1e-5, "high": 0.1, "scale": "log"},
              {"name": "kind", "type": "categorical", "choices": HOSTILE},
              {"name": "PATH", "type": "int", "low": 1, "high": 3},
              {"name": "a b'\"$(x)", "type": "constant", "value": 1}]
PLAIN = [{"name": "lr", "type": "float", "low": 1e-5, "high": 0.1},
         {"name": "model.name", "type": "categorical", "choices": ["it's", "${x}\\"]}]


class Formats(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = hone.Server(args=["--open"], backups=True)
        cls.server.__enter__()
        cls.client = cls.server.client(None)
        cls.paths = cls.client.get("/openapi.json").json["paths"]
        cls.components = cls.client.get("/openapi.json").json["components"]["parameters"]
        cls.fill()

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.server.__exit__()

    @classmethod
    def fill(cls):
        post = cls.client.post
        resource = {"name": "epochs", "min": 1, "max": 9}
        for name, more in (("s", {"resource": resource, "strategy": "hyperband"}),
                           ("plain", {"parameters": PLAIN}), ("empty", {})):
            more.setdefault("parameters", PARAMETERS)
            assert post("/v1/studies", hone.study(name, **more)).status == 201
        for i, value in enumerate(HOSTILE):
            trial = {"parameters": {"lr": 0.001 * (i + 1), "kind": value, "PATH": 1},
                     "state": "completed", "metrics": {"loss": len(HOSTILE) - i}}
            assert post("/v1/studies/s/trials", trial).status == 201
        for value in ("it's", "${x}\\"):
            trial = {"parameters": {"lr": 0.1, "model.name": value}, "state": "completed",
                     "metrics": {"loss": 1}}
            assert post("/v1/studies/plain/trials", trial).status == 201
        grant = post("/v1/studies/s/leases", {"worker": "w"}).json
        cls.trial, cls.lease = grant["trial"]["number"], grant["lease"]["id"]
        lease = f"/v1/leases/{cls.lease}"
        assert post(f"{lease}/measurements", {"measurements": [
            {"step": 1, "metrics": {"loss": 0.5, "x/y": 2}}]}).status == 200
        log = cls.client.request("POST", f"{lease}/log?offset=0", raw=b"line\n",
                                 headers={"Content-Type": "text/plain"})
        assert log.status == 200, log

    def path_of(self, path):
        named = "hydra" in path  # in "s" a name is no key there, which has a case of its own
        values = {"study": "plain" if named else "s", "trial": "1" if named else str(self.trial), "worker": "w", "type": "invalid",
                  "lease": self.lease}
        return re.sub(r"{(\w+)}", lambda found: values[found.group(1)], path)

    def formats_of(self, path):
        """Those that the document lists."""
        for parameter in self.paths[path]["get"].get("parameters", []):
            if "$ref" in parameter:
                parameter = self.components[parameter["$ref"].rsplit("/", 1)[1]]
            if parameter["name"] == "format":
                return parameter["schema"]["enum"]
        return []

    def routes(self):
        for path, item in self.paths.items():
            if "get" in item and not PAGES.match(path):
                yield path

    def ask(self, path, joint="?", **more):
        stream = "events" in path
        return self.client.get(self.path_of(path) + (f"{joint}follow=false" if stream else ""),
                               **more)

    def test_a_format_is_served_or_refused_with_those_there_are(self):
        n = 0
        for path in self.routes():
            formats = self.formats_of(path)
            for name in [*TYPES, "nonsense", ""]:
                with self.subTest(f"{path} {name}"):
                    reply = self.ask(f"{path}?format={name}", "&")
                    n += 1
                    if name in formats:
                        self.assertEqual(reply.status, 200, reply)
                        self.assertEqual(reply.headers["content-type"].split(";")[0], TYPES[name])
                        continue
                    self.assertEqual(reply.status, 400, reply)
                    for one in formats:
                        self.assertRegex(reply.body.decode(), rf"\b{one}\b")
        self.assertGreater(n, 200)

    def test_accept_chooses_as_format_does(self):
        for path in self.routes():
            formats = self.formats_of(path)
            for media, name in MEDIA.items():
                if name in formats:
                    with self.subTest(f"{path} {media}"):
                        reply = self.ask(path, headers={"Accept": media})
                        self.assertEqual(reply.status, 200, reply)
                        self.assertEqual(reply.headers["content-type"].split(";")[0], TYPES[name])

    def test_the_types_that_the_document_lists_are_those_that_come(self):
        for path in self.routes():
            formats = self.formats_of(path)
            content = self.paths[path]["get"]["responses"]["200"].get("content")
            if content is None or not formats:
                continue
            with self.subTest(path):
                self.assertEqual({TYPES[name] for name in formats}, set(content), path)

    def test_every_row_is_in_csv_and_ndjson(self):
        lists = [path for path in self.routes()
                 if {"csv", "ndjson"} <= set(self.formats_of(path)) and path.startswith("/v1")
                 and not path.endswith(("/curves", "/lanes"))]  # CSV: points and attempts
        self.assertGreater(len(lists), 12)
        for path in lists:
            with self.subTest(path):
                rows = list(csv.reader(io.StringIO(self.ask(f"{path}?format=csv").body.decode(),
                                                   newline="")))
                lines = self.ask(f"{path}?format=ndjson").body.decode().split("\n")[:-1]
                self.assertEqual(len(rows) - 1, len(lines), path)
                for row in rows:
                    self.assertEqual(len(row), len(rows[0]), row)
                for line in lines:
                    json.loads(line)

    # ---- a shell ----

    def evaluate(self, text, variable):
        """What a real shell has in a variable afterwards; bare of everything else."""
        with tempfile.TemporaryDirectory() as folder:
            script = f"{text}\nprintf '%s|' \"${variable}\" \"$PATH\""
            found = subprocess.run(["/bin/sh", "-eu"], input=script.encode(), cwd=folder,
                                   env={"PATH": "/usr/bin"}, stdout=subprocess.PIPE, check=True)
            self.assertEqual(os.listdir(folder), [])
        value, path, _ = found.stdout.decode().rsplit("|", 2)
        self.assertEqual(path, "/usr/bin")
        return value

    def test_a_shell_evaluates_values_and_nothing_else(self):
        for number, value in enumerate(HOSTILE, 1):
            text = self.client.get(f"/v1/studies/s/trials/{number}?format=sh").body.decode()
            for name in re.findall(r"^export (.*?)='", text, re.M):
                self.assertRegex(name, r"^HONE_[A-Z0-9_]*$")
            self.assertEqual(self.evaluate(text, "HONE_PARAM_KIND"), value)
            self.assertEqual(self.evaluate(text, "HONE_TRIAL"), str(number))
            self.assertEqual(self.evaluate(text, "HONE_METRIC_LOSS"), str(len(HOSTILE) + 1 - number))

    def test_a_shell_says_an_error_and_fails(self):
        for path in ("/v1/studies/$(touch%20hacked)'%0a/best", "/v1/studies/s/trials/99999",
                     "/v1/nothing/`x`"):
            reply = self.client.get(f"{path}?format=sh")
            self.assertEqual(reply.status, 404)
            with tempfile.TemporaryDirectory() as folder:
                found = subprocess.run(["/bin/sh"], input=reply.body, cwd=folder,
                                       stderr=subprocess.PIPE, check=False)
                self.assertEqual(os.listdir(folder), [])
            self.assertEqual(found.returncode, 1)
            self.assertRegex(found.stderr.decode(), r"^honed: 404 not-found: .*\n$")

    def test_nothing_is_an_empty_variable_or_a_sentence(self):
        best = "/v1/studies/empty/best?format="
        self.assertEqual(self.client.get(best + "sh").body, b"export HONE_TRIAL=''\n")
        self.assertIn(b"no trial", self.client.get(best + "text").body)
        self.assertEqual(self.client.get(best + "hydra").body, b"")

    # ---- Hydra ----

    def test_parameters_are_overrides(self):
        self.assertEqual(self.client.get("/v1/studies/plain/trials?format=hydra").body.decode(),
                         "lr=0.1 model.name='it\\'s'\nlr=0.1 model.name='\\${x}\\\\'\n")
        self.assertEqual(self.client.get("/v1/studies/plain/best?format=hydra").body.decode(),
                         "lr=0.1 model.name='it\\'s'\n")
        refused = self.client.get("/v1/studies/s/trials/1?format=hydra")
        self.assertEqual(refused.status, 422)
        self.assertIn("cannot be the key", refused.body.decode())

    # ---- tables ----

    def test_a_table_commands_no_terminal_and_is_as_wide_as_asked(self):
        for path in self.routes():
            for name in {"table", "text", "csv"} & set(self.formats_of(path)):
                if name == "csv" or "log" in path:
                    continue
                with self.subTest(f"{path} {name}"):
                    body = self.ask(f"{path}?format={name}", "&").body.decode()
                    self.assertNotRegex(body, "[\x00-\x08\x0b-\x1f\x7f\u202e]")
        for width in (40, 80, 400):
            table = self.client.get(f"/v1/studies/s/trials?format=table&width={width}")
            lines = table.body.decode().splitlines()
            self.assertEqual(len(lines), len(HOSTILE) + 2)
            self.assertLessEqual(max(map(len, lines)), width)
            drawing = self.client.get(f"/v1/studies/s/brackets?format=text&width={width}")
            self.assertLessEqual(max(map(len, drawing.body.decode().splitlines())), width)
        for query in ("width=39&format=table", "width=401&format=table", "width=x&format=table",
                      "width=80", "width=80&format=csv", "cols=number", "cols=nope&format=csv"):
            self.assertEqual(self.client.get(f"/v1/studies/s/trials?{query}").status, 400, query)

    def test_a_state_that_is_none_is_told_which_there_are(self):
        for state, said in (("done", 'trials have no state "done"; use '), ("complete", "did you mean completed? use "),
                            ("running,fail", 'no state "fail"; '), ("x" * 999, 'no state "xxxxxxxxxxxxxxxxxxxxxxx"; ')):
            reply = self.client.get(f"/v1/studies/s/trials?state={state}")
            self.assertEqual(reply.status, 400)
            self.assertIn(said, reply.json["detail"])
            self.assertIn("queued, running, paused, completed", reply.json["detail"])

    def test_columns_are_chosen(self):
        path = "/v1/studies/s/trials?limit=2&format="
        self.assertEqual(self.client.get(path + "csv&cols=parameters.lr,number").body.decode(),
                         "parameters.lr,number\n0.001,1\n0.002,2\n")
        self.assertEqual(self.client.get(path + "table&cols=seed,lr").body.decode().split()[:2],
                         ["seed", "lr"])
        unknown = self.client.get(path + "csv&cols=colour")
        self.assertIn("there are number, state", unknown.body.decode())

    # ---- what happens, who is slow ----

    def test_events_are_lines_that_can_be_taken_up_again(self):
        with hone.Server(args=["--open"]) as server, server.client(None) as client:
            client.post("/v1/studies", hone.study("s"))
            lease = client.post("/v1/studies/s/leases", {"worker": "w"}).json["lease"]["id"]
            client.put(f"/v1/leases/{lease}/result",
                       {"outcome": "completed", "metrics": {"loss": 0.125}})
            client.post("/v1/studies/s/trials", {"parameters": {"x": 1}, "state": "failed"})
            client.patch("/v1/studies/s", {"state": "paused"})
            text = client.get("/v1/events?format=text&follow=false").body.decode()
            found = [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in text.splitlines()]
            self.assertRegex(found[0], r"^# \d{4}-\d\d-\d\d, times in UTC$")
            self.assertEqual(found[1:-1], [
                "s created", "s #1 running on w", "s #1 completed loss=0.125 best",
                "s #2 failed", "s changed, it is paused"])
            after = re.fullmatch(r"# after=(\d+)", found[-1]).group(1)
            again = client.get(f"/v1/events?format=text&follow=false&after={after}").body.decode()
            self.assertEqual(again, f"# after={after}\n")
            part = client.get(f"/v1/events?format=text&follow=false&after={int(after) - 1}")
            self.assertEqual(len(part.body.splitlines()), 3)

    def test_every_json_answer_ends_its_line(self):
        """A prompt stands in a line of its own behind what curl shows."""
        with hone.Server() as server, server.client() as client, server.client("worker") as worker:
            def ends(reply):
                self.assertEqual((reply.body[:1], reply.body[-1:]), (b"{", b"\n"), reply)
                return reply.json
            resource = {"name": "epochs", "min": 1, "max": 4}
            ends(client.post("/v1/studies", hone.study("s", resource=resource)))
            ends(client.patch("/v1/studies/s", {"description": "d"}))
            again = {"Idempotency-Key": "k"}
            for _ in range(2):
                ends(client.request("POST", "/v1/studies/s/trials", {"parameters": {"x": 0.5}}, headers=again))
            lease = ends(worker.post("/v1/studies/s/leases", {"worker": "w"}))["lease"]["id"]
            ends(worker.put(f"/v1/leases/{lease}", {}))
            ends(worker.post(f"/v1/leases/{lease}/measurements", {"measurements": [{"step": 1, "metrics": {"loss": 1}}]}))
            ends(worker.put(f"/v1/leases/{lease}/result", {"outcome": "failed"}))
            ends(client.post("/v1/studies/s/trials/1/retry", {}))
            ends(client.post("/v1/studies/s/trials/1/cancel", {}))
            ends(client.post("/v1/workers/w/drain", {}))
            ends(client.post("/v1/tokens", {"name": "t", "scopes": ["read"]}))
            ends(client.post("/v1/studies", {"name": "B"}))
            for path in ("/v1/studies", "/v1/studies/s", "/v1/workers", "/v1/workers/w", "/v1/tokens", "/v1/none",
                         *(f"/v1/studies/s/{part}" for part in (
                             "trials", "best", "history", "brackets", "curves", "importance", "ledger", "trials/1",
                             "trials/1/explain", "trials/1/attempts", "trials/columns"))):
                ends(client.get(path))

    def test_a_worker_says_how_fast_it_is(self):
        with hone.Server(args=["--open"]) as server, server.client(None) as client:
            resource = {"name": "epochs", "min": 1, "max": 4}
            client.post("/v1/studies", hone.study("s", resource=resource))
            lease = client.post("/v1/studies/s/leases", {"worker": "w"}).json["lease"]["id"]
            waiting = client.get("/v1/workers/w").json
            self.assertIsNone(waiting["seconds_per_trial"])
            self.assertGreaterEqual(waiting["silent_seconds"], 0)
            client.post(f"/v1/leases/{lease}/measurements", {"measurements": [
                {"step": step, "metrics": {"loss": 1}} for step in (1, 2, 3, 4)]})
            table = client.get("/v1/workers?format=csv&cols=name,trials").body.decode()
            self.assertEqual(table, "name,trials\nw,s #1 step 4\n")
            client.put(f"/v1/leases/{lease}/result", {"outcome": "completed", "step": 4})
            fast = client.get("/v1/workers/w").json
            self.assertGreater(fast["seconds_per_trial"], 0)
            self.assertAlmostEqual(fast["seconds_per_step"] * 4, fast["seconds_per_trial"])

    # ---- errors ----

    def test_an_error_is_a_line_where_lines_are_asked_for(self):
        for name in ("text", "table", "csv", "hydra"):
            reply = self.client.get(f"/v1/studies/none%0a%1b/best?format={name}")
            self.assertRegex(reply.body.decode(), r"^honed: 404 not-found: [^\x00-\x1f]*\n$")
            self.assertTrue(reply.headers["content-type"].startswith("text/plain"))
        both = self.client.request("POST", "/v1/studies?format=text",
                                   {"name": "B", "parameters": []}).body.decode()
        self.assertRegex(both, r"^honed: 422 invalid: /\w+: .*; /\w+: .*\n$")
        for headers in ({"Accept": "application/json"}, {"Accept": "application/problem+json"}):
            reply = self.client.get("/v1/studies/none/best?format=text", headers=headers)
            self.assertEqual(reply.type, "not-found")


if __name__ == "__main__":
    hone.main()
