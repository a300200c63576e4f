#!/usr/bin/env python3
"""A study is changed over HTTP: several things in one request, all of them or none.

The rules of limits, states and exhausted studies are in tests/replay: patch-together,
patch-exhausted."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402


class Change(unittest.TestCase):
    def setUp(self):
        self.server = hone.Server()
        self.server.start()
        self.addCleanup(self.server.stop)
        self.client = self.server.client()
        self.worker = self.server.client("worker")
        self.addCleanup(self.client.close)
        self.addCleanup(self.worker.close)

    def make(self, name, **more):
        self.assertEqual(self.client.post("/v1/studies", hone.study(name, **more)).status, 201)

    def run_one(self, name, **result):
        lease = self.worker.post(f"/v1/studies/{name}/leases", {"wait_seconds": 20}).json
        reply = self.worker.put(f"/v1/leases/{lease['lease']['id']}/result", result)
        self.assertEqual(reply.status, 200, reply)
        return lease

    def test_all_in_one_event_and_revision(self):
        self.make("s", limits={"trials": 1})
        self.run_one("s", outcome="completed", metrics={"loss": 1})
        self.assertEqual(self.client.get("/v1/studies/s").json["state"], "finished")
        body = {"limits": {"trials": 3}, "state": "paused",
                "enqueue": [{"parameters": {"x": 0.25}}, {"parameters": {"x": 0.5}}]}
        reply = self.client.patch("/v1/studies/s", body, headers={"If-Match": '"1"',
                                                                  "Idempotency-Key": "k"})
        self.assertEqual(reply.status, 200, reply)
        study = reply.json
        self.assertEqual((study["state"], study["revision"], study["limits"]["trials"],
                          study["counts"]["queued"], study["enqueued"]),
                         ("paused", 2, 3, 2, [{"number": 2}, {"number": 3}]))
        again = self.client.patch("/v1/studies/s", body, headers={"If-Match": '"1"',
                                                                  "Idempotency-Key": "k"})
        self.assertEqual((again.status, again.json["enqueued"]), (200, study["enqueued"]))
        self.assertEqual(self.client.patch("/v1/studies/s", body,
                                           headers={"If-Match": '"1"'}).status, 412)
        self.assertNotIn("enqueued", self.client.patch("/v1/studies/s", {"state": "running"}).json)
        self.assertEqual(self.run_one("s", outcome="completed",
                                      metrics={"loss": 2})["trial"]["parameters"], {"x": 0.25})

    def test_what_is_refused_changes_nothing(self):
        self.make("s", limits={"trials": 5})
        before = self.client.get("/v1/studies/s").json
        more = {"limits": {"trials": 9}, "state": "paused"}
        for body, status, pointer in (
                ({"enqueue": [{"parameters": {"x": 0.1}}, {"parameters": {"x": 7}}]}, 422,
                 "/enqueue/1/parameters/x"),
                ({"enqueue": [{"parameters": {"x": 0.1}, "state": "completed",
                               "metrics": {"loss": 1}}]}, 422, "/enqueue/0/state"),
                ({"enqueue": []}, 422, "/enqueue"),
                ({"enqueue": {"parameters": {"x": 0.1}}}, 422, "/enqueue"),
                ({"enqueue": None}, 422, "/enqueue"),
                ({"enqueue": [{"parameters": {"x": 0.1}}], "state": "finished"}, 422, "/state"),
                ({"enqueue": [{"parameters": {"x": 0.1}}], "seed": 3}, 422, "/seed"),
                ({"enqueue": [{"parameters": {"x": 0.1}}], "state": "stopped"}, 409, None)):
            reply = self.client.patch("/v1/studies/s", {**more, **body})
            self.assertEqual(reply.status, status, (body, reply))
            if pointer is not None:
                self.assertIn(pointer, [fault["pointer"] for fault in reply.json["errors"]])
        self.assertEqual(self.client.get("/v1/studies/s").json, before)


if __name__ == "__main__":
    hone.main()
