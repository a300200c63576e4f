#!/usr/bin/env python3
"""Texts that mean something to SQL or to a shell are texts, wherever a client may put one."""

import glob
import os
import shutil
import sqlite3
import subprocess
import sys
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import hone  # noqa: E402

HOSTILE = ["'; DROP TABLE trial; --", '" OR 1=1 --', "') OR ('1'='1", "x' UNION SELECT name FROM sqlite_master --",
           "%", "_", "\\'", "$(touch PWNED)", "`touch PWNED`", "; touch PWNED #", "| touch PWNED", "&& touch PWNED",
           "${IFS}touch${IFS}PWNED", "../../PWNED", "--data=PWNED"]
# What starts a program; honed has no use for any of it.
STARTS_PROGRAMS = {"execl", "execle", "execlp", "execv", "execve", "execvp", "execvpe", "fexecve", "fork", "popen",
                   "posix_spawn", "posix_spawnp", "system", "vfork", "wordexp"}


class Injection(hone.SharedServerTest):
    def test_every_text_comes_back_as_it_was(self):
        for i, text in enumerate(HOSTILE):
            name = f"texts-{i}"
            made = self.make(name, description=text, labels={"team": text},
                             objectives=[{"metric": text, "direction": "minimize"}],
                             parameters=[{"name": text, "type": "categorical", "choices": [text, "b"]}])
            self.assertEqual((made["description"], made["labels"], made["objectives"][0]["metric"]),
                             (text, {"team": text}, text))
            reply = self.client.post(f"/v1/studies/{name}/trials", {"parameters": {text: text}},
                                     headers={"Idempotency-Key": text})
            self.assertEqual(reply.status, 201, reply)
            lease = self.lease(name)
            self.assertEqual(lease["trial"]["parameters"], {text: text})
            place = f"/v1/leases/{lease['lease']['id']}"
            reply = self.worker.post(f"{place}/measurements", {"measurements": [{"step": 1, "metrics": {text: 1}}]})
            self.assertEqual(reply.status, 200, reply)
            self.put(lease, outcome="failed", reason=text, detail=text)
            attempt = self.client.get(f"/v1/studies/{name}/trials/1/attempts").json["items"][0]
            self.assertEqual((attempt["reason"], attempt["detail"]), (text, text))
            self.assertEqual(self.client.get(f"/v1/studies/{name}/trials/1").json["metrics"], {text: 1})
        self.assertEqual(glob.glob("**/PWNED*", recursive=True) + glob.glob(f"{self.server.data}/**/PWNED*"), [])

    def test_no_query_finds_more_than_it_names(self):
        self.make("queries")
        self.run_one("queries", outcome="completed", metrics={"loss": 1})
        for text in HOSTILE:
            said = urllib.parse.quote(text, safe="")
            reply = self.client.get(f"/v1/studies/queries/trials?worker={said}")
            self.assertEqual((text, reply.status, reply.json["items"]), (text, 200, []))
            for query in (f"source={said}", f"state={said}", f"cursor={said}", f"limit={said}", f"sort={said}"):
                self.assertEqual((query, self.client.get(f"/v1/studies/queries/trials?{query}").status), (query, 400))
            for path in (f"studies/{said}", f"studies/queries/trials/{said}", f"workers/{said}", f"tokens/{said}"):
                reply = self.client.request("DELETE" if path.startswith("tokens") else "GET", f"/v1/{path}")
                self.assertIn(reply.status, (400, 404), (path, reply))
            for ask in ({"worker": text}, {"worker": "w:0", "host": text}):
                self.assertEqual((ask, self.worker.post("/v1/studies/queries/leases", ask).status), (ask, 422))
            self.assertEqual(self.client.post("/v1/studies", hone.study(text)).status, 422)

    def test_the_database_is_whole(self):
        self.make("whole", description=HOSTILE[0])
        with sqlite3.connect(f"file:{self.server.data}/hone.db?mode=ro", uri=True) as db:
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        db.close()
        self.assertLessEqual({"study", "trial", "attempt", "measurement", "event", "token", "worker"}, tables)

    def test_no_request_names_a_program(self):
        for job in ({"command": "id"}, {"runner": "x", "command": ["id"]}, {"runner": "sh -c id"}, {"runner": "$(id)"},
                    {"runner": "/bin/sh"}, {"runner": "../sh"}, {"entrypoint": "id"}):
            reply = self.client.post("/v1/studies", hone.study("programs", job=job))
            self.assertEqual((job, reply.status, reply.type), (job, 422, "invalid"))
        for path in ("/api/jobs", "/api/jobs/", "/jobs", "/v1/jobs", "/submit", "/run", "/exec"):
            self.assertIn(self.client.post(path, {"entrypoint": "id"}).status, (404, 405), path)

    @unittest.skipUnless(shutil.which("nm"), "not run: there is no nm")
    def test_the_server_cannot_start_a_program(self):
        listed = subprocess.run(["nm", "--dynamic", "--undefined-only", hone.build_path("HONED")], check=True,
                                capture_output=True, text=True).stdout
        imported = {line.split()[-1].partition("@")[0] for line in listed.splitlines()}
        self.assertIn("epoll_wait", imported)  # else nothing was listed
        self.assertEqual(imported & STARTS_PROGRAMS, set())


if __name__ == "__main__":
    hone.main()
