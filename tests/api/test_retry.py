#!/usr/bin/env python3
"""Failed trials are tried again over HTTP; what cannot be is refused with the way out.

The rules of schedules and limits are in tests/replay: retry, retry-limits, rung-retry."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402


class Retry(hone.ServedTest):
    def test_one_and_all(self):
        self.make("s", limits={"trials": 3})
        first = self.run_one("s", outcome="failed", detail="no disk")
        self.run_one("s", outcome="infeasible")
        self.run_one("s", outcome="failed")
        self.assertEqual(self.client.get("/v1/studies/s").json["state"], "finished")
        reply = self.client.post("/v1/studies/s/trials/1/retry")
        self.assertEqual((reply.status, reply.json["state"], reply.json["reason"]),
                         (200, "queued", None), reply)
        self.assertEqual(self.client.get("/v1/studies/s").json["state"], "running")
        again = self.worker.post("/v1/studies/s/leases", {}).json
        self.assertEqual((again["trial"]["number"], again["trial"]["attempt"]), (1, 2))
        self.assertEqual(again["trial"]["parameters"], first["trial"]["parameters"])
        self.assertEqual(self.client.post("/v1/studies/s/trials/retry").json,
                         {"items": [{"number": 3}], "skipped": 0})
        self.assertEqual(
            self.client.post("/v1/studies/s/trials/retry", {"state": "infeasible"}).json,
            {"items": [{"number": 2}], "skipped": 0})
        self.assertEqual(self.client.get("/v1/studies/s").json["counts"]["queued"], 2)
        self.assertEqual([row["state"] for row in
                          self.client.get("/v1/studies/s/trials/1/attempts").json["items"]],
                         ["failed", "running"])

    def test_a_key_makes_it_once(self):
        self.make("s")
        self.run_one("s", outcome="failed")
        replies = [self.client.post("/v1/studies/s/trials/retry",
                                    headers={"Idempotency-Key": "k"}) for _ in range(2)]
        self.assertEqual([reply.json["items"] for reply in replies], [[{"number": 1}]] * 2)
        self.assertEqual(self.client.post("/v1/studies/s/trials/1/retry").status, 409)

    def test_refused(self):
        self.make("s")
        self.run_one("s", outcome="completed", metrics={"loss": 1})
        imported = {"parameters": {"x": 0.5}, "state": "completed", "metrics": {"loss": "NaN"}}
        self.assertEqual(self.client.post("/v1/studies/s/trials", imported).status, 201)
        for path, body, status, word in (
                ("/v1/studies/s/trials/1/retry", None, 409, "is completed"),
                ("/v1/studies/s/trials/2/retry", None, 409, "imported"),
                ("/v1/studies/s/trials/3/retry", None, 404, ""),
                ("/v1/studies/s/trials/x/retry", None, 404, ""),
                ("/v1/studies/t/trials/retry", None, 404, "no study"),
                ("/v1/studies/s/trials/retry", {"state": "completed"}, 422, ""),
                ("/v1/studies/s/trials/retry", {"all": True}, 422, ""),
                ("/v1/studies/s/trials/1/retry", {"state": "failed"}, 422, ""),
                ("/v1/studies/s/trials/retry", [], 422, "")):
            reply = self.client.post(path, body)
            self.assertEqual(reply.status, status, (path, body, reply))
            self.assertIn(word, reply.json["detail"])
        self.assertEqual(self.client.post("/v1/studies/s/trials/retry").json,
                         {"items": [], "skipped": 1})

    def play(self, name, restarts):
        """Two of eight trials fail and are retried; returns what the model suggests then."""
        self.make(name, strategy={"name": "bayesian", "serving": "exact"}, seed=5)
        for i in range(8):
            self.run_one(name, **({"outcome": "failed"} if i in (2, 5) else
                                  {"outcome": "completed", "metrics": {"loss": i}}))
        retried = self.client.post(f"/v1/studies/{name}/trials/retry").json
        self.assertEqual([item["number"] for item in retried["items"]], [3, 6])
        for i in range(2):
            self.run_one(name, outcome="completed", metrics={"loss": 0.5 * i})
        if restarts:
            self.restart()
        trial = self.worker.post(f"/v1/studies/{name}/leases", {"wait_seconds": 20}).json["trial"]
        return trial["number"], trial["parameters"]

    def test_a_model_forgets_the_failure(self):
        """After a retry the model suggests what it does after a restart."""
        self.assertEqual(self.play("s", False), self.play("t", True))


if __name__ == "__main__":
    hone.main()
