#!/usr/bin/env python3
"""Who changed what: a row for every change that a person makes, with its token and address, written
with the change or not at all; none for reads, refusals, repetitions and what workers do.
"""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402


class Audit(unittest.TestCase):
    def setUp(self):
        self.server = hone.Server()
        self.addCleanup(self.server.__exit__)
        self.server.start()
        self.admin = self.server.client()
        self.addCleanup(self.admin.close)
        self.worker = self.server.client("worker")
        self.addCleanup(self.worker.close)

    def rows(self):
        return self.admin.get("/v1/audit").json["items"]

    def after(self, call, status):
        """The rows that a call adds, oldest first."""
        before = len(self.rows())
        reply = call()
        self.assertEqual(reply.status, status, reply)
        rows = self.rows()
        return list(reversed(rows[:len(rows) - before]))

    def short(self, rows):
        return [(row["action"], row["study"], row["trial"], row["detail"]) for row in rows]

    def test_first_tokens_are_the_servers_own(self):
        rows = list(reversed(self.rows()))
        self.assertEqual([(row["action"], row["detail"], row["token"], row["address"]) for row in rows],
                         [("token-created", "worker", None, None), ("token-created", "admin", None, None)])
        ids = {item["id"] for item in self.admin.get("/v1/tokens").json["items"]}
        self.assertEqual({row["target"] for row in rows}, ids)

    def test_every_change_has_its_row(self):
        admin, study = self.admin, "/v1/studies/s"
        point = {"parameters": {"x": 0.5}}
        done = {**point, "state": "completed", "metrics": {"loss": 1}}
        admin.post("/v1/studies", hone.study("other"))
        self.assertEqual(self.worker.post("/v1/studies/other/leases", {"worker": "n1:0"}).status, 201)
        for call, status, rows in (
                (lambda: admin.post("/v1/studies", hone.study("s")), 201, [("study-created", "s", None, None)]),
                (lambda: admin.patch(study, {"state": "paused"}), 200,
                 [("study-changed", "s", None, "state=paused")]),
                (lambda: admin.patch(study, {"priority": 3, "limits": {"trials": 9}, "description": "secret"}), 200,
                 [("study-changed", "s", None, "priority=3, limits.trials=9, description")]),
                (lambda: admin.patch(study, {"state": "running"}), 200,
                 [("study-changed", "s", None, "state=running")]),
                (lambda: admin.post(study + "/trials", point), 201, [("trials-added", "s", None, "1 enqueued")]),
                (lambda: admin.post(study + "/trials", [point, done, done]), 201,
                 [("trials-added", "s", None, "1 enqueued, 2 imported")]),
                (lambda: admin.patch(study + "/trials/1", {"state": "cancelled"}), 200,
                 [("trial-cancelled", "s", 1, None)]),
                (lambda: admin.post("/v1/workers/n1:0/drain"), 200, [("node-drained", None, None, None)]),
                (lambda: admin.post("/v1/workers/n1:0/resume"), 200, [("node-resumed", None, None, None)]),
                (lambda: admin.patch(study, {"state": "stopped"}), 200,
                 [("study-changed", "s", None, "state=stopped")]),
                (lambda: admin.delete(study), 204, [("study-deleted", "s", None, None)]),
                (lambda: admin.delete("/v1/studies/other?force=true"), 204,
                 [("study-deleted", "other", None, "force")])):
            with self.subTest(str(rows)):
                self.assertEqual(self.short(self.after(call, status)), rows)
        self.assertNotIn("secret", self.admin.get("/v1/audit").body.decode())

    def test_retries_have_theirs(self):
        self.admin.post("/v1/studies", hone.study("s"))
        for _ in range(2):
            lease = self.worker.post("/v1/leases").json["lease"]["id"]
            self.worker.put(f"/v1/leases/{lease}/result", {"outcome": "failed"})
        rows = self.after(lambda: self.admin.post("/v1/studies/s/trials/1/retry"), 200)
        self.assertEqual(self.short(rows), [("trials-retried", "s", 1, "1 trials")])
        rows = self.after(lambda: self.admin.post("/v1/studies/s/trials/retry", {"state": "failed"}), 200)
        self.assertEqual(self.short(rows), [("trials-retried", "s", None, "1 trials")])

    def test_it_says_who(self):
        made = self.after(lambda: self.admin.post("/v1/tokens", {"name": "maria", "scopes": ["submit"]}), 201)
        token = next(item for item in self.admin.get("/v1/tokens").json["items"] if item["name"] == "maria")
        own = next(item for item in self.admin.get("/v1/tokens").json["items"] if item["name"] == "admin")
        self.assertEqual([(row["token"], row["token_name"], row["address"], row["target"], row["detail"])
                          for row in made], [(own["id"], "admin", "127.0.0.1", token["id"], "maria")])
        secret = self.admin.post("/v1/tokens", {"name": "jan", "scopes": ["submit"]}).json["token"]
        with hone.Client(self.server.url, secret) as jan:
            jan.connection.source_address = ("127.0.0.2", 0)
            row, = self.after(lambda: jan.post("/v1/studies", hone.study("s")), 201)
        self.assertEqual((row["token_name"], row["address"]), ("jan", "127.0.0.2"))
        gone = self.after(lambda: self.admin.delete(f"/v1/tokens/{token['id']}"), 204)
        self.assertEqual([(row["action"], row["target"]) for row in gone], [("token-revoked", token["id"])])
        text = self.admin.get("/v1/audit").body.decode()
        for whole in (secret, self.server.token(), self.server.token("worker")):
            self.assertNotIn(whole.split("_", 2)[2], text)

    def test_what_changes_nothing_has_none(self):
        self.admin.post("/v1/studies", hone.study("s"))
        key = {"Idempotency-Key": "k"}
        point = {"parameters": {"x": 0.5}}
        self.admin.post("/v1/studies/s/trials", point, headers=key)
        before = len(self.rows())
        for reply, status in (
                (self.admin.post("/v1/studies", hone.study("s")), 200),
                (self.admin.post("/v1/studies/s/trials", point, headers=key), 201),
                (self.admin.post("/v1/studies/s/trials", {"parameters": {"x": 2}}), 422),
                (self.admin.post("/v1/studies/s/trials", [point, {"parameters": {"x": 2}}]), 422),
                (self.admin.patch("/v1/studies/s", {"state": "running", "colour": 1}), 422),
                (self.admin.delete("/v1/studies/none"), 404),
                (self.worker.delete("/v1/studies/s"), 403),
                (self.worker.post("/v1/leases"), 201),
                (self.admin.get("/v1/studies/s"), 200)):
            self.assertEqual(reply.status, status, reply)
        self.assertEqual(len(self.rows()), before)

    def test_it_is_paged_and_kept_over_a_kill(self):
        for i in range(7):
            self.admin.post("/v1/studies", hone.study(f"s{i}"))
        everything = self.rows()
        self.server.kill()
        self.server.start()
        with self.server.client() as admin:
            walked, cursor = [], ""
            while cursor is not None:
                page = admin.get(f"/v1/audit?limit=2{cursor}").json
                self.assertLessEqual(len(page["items"]), 2)
                walked += page["items"]
                if len(walked) == 2:  # what comes meanwhile disturbs no walk
                    admin.post("/v1/studies", hone.study("later"))
                cursor = page["next_cursor"] and "&cursor=" + page["next_cursor"]
            self.assertEqual(walked, everything)
            for bad in ("x", "a", "a0", "s3", "a9999999999999999999"):
                self.assertEqual(admin.get(f"/v1/audit?cursor={bad}").status, 400, bad)
            lines = admin.get("/v1/audit?format=ndjson").body.decode().splitlines()
            self.assertEqual(json.loads(lines[0])["study"], "later")

    def test_it_is_for_admins_alone(self):
        for scope in ("read", "submit", "worker"):
            token = self.admin.post("/v1/tokens", {"scopes": [scope]}).json["token"]
            with hone.Client(self.server.url, token) as client:
                self.assertEqual(client.get("/v1/audit").status, 403, scope)


if __name__ == "__main__":
    hone.main()
