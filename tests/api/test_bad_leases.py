#!/usr/bin/env python3
"""Leases that are unknown, ended, or another worker's; results twice, different, or too late.

The superseded ones need a lease to run out and are in tests/faults/test_takeover.py.
"""

import json
import os
import re
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

RESULT = {"outcome": "completed", "step": 3, "metrics": {"loss": 0.5}}


class BadLeases(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = hone.Server()
        cls.server.start()
        cls.admin = cls.server.client()
        cls.worker = cls.server.client("worker")
        assert cls.admin.post("/v1/studies", hone.study("s")).status == 201

    @classmethod
    def tearDownClass(cls):
        cls.admin.close()
        cls.worker.close()
        cls.server.__exit__()

    def lease(self, study="s", **more):
        reply = self.worker.post(f"/v1/studies/{study}/leases", {"worker": "w", **more})
        self.assertEqual(reply.status, 201, reply)
        return reply.json

    def calls(self, lease):
        """Every call there is under a lease."""
        yield self.worker.put(f"/v1/leases/{lease}")
        yield self.worker.post(f"/v1/leases/{lease}/measurements",
                               {"measurements": [{"step": 1, "metrics": {"loss": 1}}]})
        yield self.worker.put(f"/v1/leases/{lease}/result", RESULT)
        yield self.worker.delete(f"/v1/leases/{lease}")

    def assert_all(self, lease, status, kind):
        for reply in self.calls(lease):
            self.assertEqual((reply.status, reply.type), (status, kind), reply)

    def test_other_metrics_leave_a_place_for_the_objective(self):
        self.assertEqual(self.admin.post("/v1/studies", hone.study("full")).status, 201)
        path = "/v1/leases/" + self.lease("full")["lease"]["id"]

        def send(**metrics):
            return self.worker.post(f"{path}/measurements",
                                    {"measurements": [{"step": 1, "metrics": metrics}]})
        others = {f"m{i}": i for i in range(64)}
        reply = send(**others)
        self.assertEqual((reply.status, reply.type), (422, "invalid"), reply)
        others.popitem()
        self.assertEqual(send(**others).status, 200)
        self.assertEqual(send(one_more=1).status, 422)
        reply = self.worker.put(f"{path}/result", {"outcome": "completed", "metrics":
                                                   {"loss": 1, "one_more": 1}})
        self.assertEqual((reply.status, reply.json["errors"][0]["pointer"]), (422, "/metrics"))
        self.assertEqual(send(loss=0.5, m0=0).status, 200)
        self.assertEqual(self.worker.put(f"{path}/result", {"outcome": "completed"}).status, 200)
        self.assertEqual(self.admin.get("/v1/studies/full/trials/1").json["value"], 0.5)

    def test_unknown_lease_is_not_found(self):
        for lease in ("l_", "l_1", "x", "l_9zzzzzzzzzzzzzzzzzzzzzzzz", "l_" + "a" * 300, "%00"):
            with self.subTest(lease):
                for reply in self.calls(lease):
                    self.assertIn((reply.status, reply.type),
                                  ((404, "not-found"), (400, "malformed")), reply)

    def test_guessed_secret_is_not_found(self):
        lease = self.lease()["lease"]["id"]
        wrong = [lease[:at] + ("a" if lease[at] != "a" else "b") + lease[at + 1:] for at in (-20, -7, -2)]
        for guess in wrong:
            self.assert_all(guess, 404, "not-found")
        self.assertEqual(self.worker.delete(f"/v1/leases/{lease}").status, 204)
        for guess in wrong:  # nor is it said that there was one
            self.assert_all(guess, 404, "not-found")

    def test_the_limits_of_an_attempt_come_with_its_lease(self):
        for name, limits in (("timed", {"trial_seconds": 60, "stall_seconds": 30}), ("stalls", {"stall_seconds": 5}),
                             ("untimed", {})):
            self.assertEqual(self.admin.post("/v1/studies", hone.study(name, limits=limits)).status, 201)
            self.assertEqual(self.lease(name).get("limits", {}), limits)

    def test_lease_is_no_credential(self):
        lease = self.lease()["lease"]["id"]
        with self.server.client(None) as anonymous:
            reply = anonymous.put(f"/v1/leases/{lease}")
            self.assertEqual((reply.status, reply.type), (401, "unauthorized"))
        self.assertEqual(self.worker.delete(f"/v1/leases/{lease}").status, 204)

    def test_same_result_again_gets_the_same_answer(self):
        lease = self.lease()["lease"]["id"]
        path = f"/v1/leases/{lease}/result"
        first = self.worker.put(path, RESULT)
        again = self.worker.put(path, RESULT)
        self.assertEqual(first.status, 200, first)
        self.assertEqual((again.status, again.json), (200, first.json))
        self.assertGreaterEqual(again.seq, first.seq)

    def test_different_result_is_refused_and_the_first_stands(self):
        answer = self.lease()
        path = f"/v1/leases/{answer['lease']['id']}/result"
        self.assertEqual(self.worker.put(path, RESULT).status, 200)
        for other in ({**RESULT, "metrics": {"loss": 0.4}}, {**RESULT, "step": 4},
                      {"outcome": "failed", "reason": "oom"}):
            reply = self.worker.put(path, other)
            self.assertEqual((reply.status, reply.type), (409, "result-conflict"), reply)
        trial = self.admin.get(f"/v1/studies/s/trials/{answer['trial']['number']}").json
        self.assertEqual((trial["state"], trial["value"]), ("completed", 0.5))

    def test_reports_after_the_result_are_refused(self):
        lease = self.lease()["lease"]["id"]
        self.assertEqual(self.worker.put(f"/v1/leases/{lease}/result", RESULT).status, 200)
        for reply in (self.worker.put(f"/v1/leases/{lease}"),
                      self.worker.post(f"/v1/leases/{lease}/measurements",
                                       {"measurements": [{"step": 9, "metrics": {"loss": 9}}]})):
            self.assertEqual((reply.status, reply.type), (410, "lease-ended"), reply)

    def test_lease_handed_back_is_ended(self):
        answer = self.lease()
        lease = answer["lease"]["id"]
        self.assertEqual(self.worker.delete(f"/v1/leases/{lease}").status, 204)
        reply = self.worker.put(f"/v1/leases/{lease}/result", RESULT)
        self.assertEqual((reply.status, reply.type), (410, "lease-ended"), reply)
        trial = self.admin.get(f"/v1/studies/s/trials/{answer['trial']['number']}").json
        self.assertEqual(trial["state"], "queued")

    def test_request_id_of_an_ended_lease_is_ended(self):
        lease = self.lease(request_id="mine")["lease"]["id"]
        self.assertEqual(self.lease(request_id="mine")["lease"]["id"], lease)
        self.assertEqual(self.worker.put(f"/v1/leases/{lease}/result", RESULT).status, 200)
        reply = self.worker.post("/v1/studies/s/leases", {"worker": "w", "request_id": "mine"})
        self.assertEqual((reply.status, reply.type), (410, "lease-ended"), reply)

    def test_an_idempotency_key_stands_for_a_request_id(self):
        def ask(key, path="/v1/studies/s/leases", **more):
            reply = self.worker.post(path, {"worker": "w", **more}, headers={"Idempotency-Key": key})
            self.assertEqual(reply.status, 201, reply)
            return reply.json["lease"]["id"]

        first = ask("a")
        self.assertEqual(ask("a"), first)
        self.assertNotEqual(ask("b"), first)
        self.assertNotEqual(ask("a", request_id="mine"), first)
        self.assertEqual(ask("c", request_id="mine"), ask("d", request_id="mine"))
        self.assertEqual(ask("e", "/v1/leases"), ask("e", "/v1/leases"))

    def test_cancelled_trial_tells_its_worker_to_abort(self):
        answer = self.lease()
        lease, number = answer["lease"]["id"], answer["trial"]["number"]
        reply = self.admin.patch(f"/v1/studies/s/trials/{number}", {"state": "cancelled"})
        self.assertEqual(reply.status, 200, reply)
        beat = self.worker.put(f"/v1/leases/{lease}")
        self.assertEqual((beat.status, beat.json["action"]), (200, "abort"), beat)
        result = self.worker.put(f"/v1/leases/{lease}/result", RESULT)
        self.assertEqual((result.status, result.type), (410, "lease-ended"), result)
        trial = self.admin.get(f"/v1/studies/s/trials/{number}").json
        self.assertEqual((trial["state"], trial["value"]), ("cancelled", None))

    def test_deleted_study_tells_its_workers_to_abort(self):
        self.assertEqual(self.admin.post("/v1/studies", hone.study("gone")).status, 201)
        lease = self.lease("gone")["lease"]["id"]
        reply = self.admin.delete("/v1/studies/gone")
        self.assertEqual((reply.status, reply.type), (409, "wrong-state"), reply)
        self.assertIn(self.admin.delete("/v1/studies/gone?force=true").status, (200, 204))
        beat = self.worker.put(f"/v1/leases/{lease}")
        self.assertEqual((beat.status, beat.json["action"]), (200, "abort"), beat)
        self.assertEqual(self.admin.get("/v1/studies/gone").type, "not-found")

    def test_first_value_at_a_step_wins(self):
        answer = self.lease()
        lease = answer["lease"]["id"]
        path = f"/v1/leases/{lease}/measurements"
        one = {"measurements": [{"step": 1, "metrics": {"loss": 1}}]}
        other = {"measurements": [{"step": 1, "metrics": {"loss": 2}}]}
        counts = [(reply.json["duplicate"], reply.json["conflict"]) for reply in
                  (self.worker.post(path, one), self.worker.post(path, one),
                   self.worker.post(path, other))]
        self.assertEqual(counts, [(0, 0), (1, 0), (0, 1)])
        number = answer["trial"]["number"]
        rows = list(self.admin.walk(f"/v1/studies/s/trials/{number}/measurements"))
        self.assertEqual([row["metrics"]["loss"] for row in rows if row["step"] == 1], [1])
        self.worker.delete(f"/v1/leases/{lease}")

    def test_replaced_value_is_counted_shown_and_told_once(self):
        self.assertEqual(self.admin.post("/v1/studies", hone.study("corrected")).status, 201)
        lease = self.lease("corrected")["lease"]["id"]
        path = f"/v1/leases/{lease}/measurements"

        def send(loss, **more):
            reply = self.worker.post(path, {"measurements": [
                {"step": 1, "metrics": {"loss": loss, "acc": 0.5}}], **more})
            self.assertEqual(reply.status, 200, reply)
            return [reply.json[name] for name in ("duplicate", "conflict", "replaced")]

        self.assertEqual(send(1), [0, 0, 0])
        self.assertEqual(send(2), [1, 1, 0])
        self.assertEqual(send(2, replace=False), [1, 1, 0])  # the answer was lost: it counts once
        self.assertEqual(send(3), [1, 1, 0])
        self.assertEqual(send(2, replace=True), [1, 0, 1])
        self.assertEqual(send(2, replace=True), [2, 0, 0])
        rows = list(self.admin.walk("/v1/studies/corrected/trials/1/measurements"))
        self.assertEqual([row["metrics"]["loss"] for row in rows], [2])
        events = self.admin.get("/v1/studies/corrected/events?follow=false").body.decode()
        told = [json.loads(line) for line in events.splitlines() if "measurement-replaced" in line]
        self.assertEqual([(event["trial"], event["attempt"]) for event in told], [(1, 1)])
        done = self.worker.put(f"/v1/leases/{lease}/result",
                               {"outcome": "completed", "detail": "loss came twice"})
        self.assertEqual(done.json["trial"]["value"], 2, done)
        trial, why = (self.admin.get(f"/v1/studies/corrected/trials/1{part}").json
                      for part in ("", "/explain"))
        for answer in (trial, why):
            self.assertEqual((answer["replaced"], answer["ignored"]), (1, 2))
        self.assertEqual(why["notes"], [{"attempt": 1, "state": "completed", "reason": None,
                                         "worker": "w", "text": "loss came twice"}])
        other = self.lease("corrected")
        self.worker.put(f"/v1/leases/{other['lease']['id']}/result", RESULT)
        number = other["trial"]["number"]
        self.assertNotIn("replaced", self.admin.get(f"/v1/studies/corrected/trials/{number}").json)

    def test_non_finite_objective_is_kept_and_fails_the_trial(self):
        for value in ("NaN", "Infinity", "-Infinity"):
            with self.subTest(value):
                answer = self.lease()
                reply = self.worker.put(f"/v1/leases/{answer['lease']['id']}/result",
                                        {"outcome": "completed", "metrics": {"loss": value}})
                self.assertEqual(reply.status, 200, reply)
                trial = reply.json["trial"]
                self.assertEqual((trial["state"], trial["reason"]), ("failed", "diverged"))
                self.assertEqual(trial["metrics"]["loss"], value)

    def test_finished_study_takes_no_more(self):
        body = hone.study("short", limits={"trials": 1})
        self.assertEqual(self.admin.post("/v1/studies", body).status, 201)
        lease = self.lease("short")["lease"]["id"]
        self.assertEqual(self.worker.put(f"/v1/leases/{lease}/result", RESULT).status, 200)
        reply = self.worker.post("/v1/studies/short/leases", {"wait_seconds": 30})
        self.assertEqual((reply.json["lease"], reply.json["reason"]), (None, "finished"))
        reply = self.admin.post("/v1/studies/short/trials", {"parameters": {"x": 0.5}})
        self.assertEqual((reply.status, reply.type), (409, "wrong-state"), reply)
        reply = self.admin.patch("/v1/studies/short", {"state": "running"})
        self.assertEqual((reply.status, reply.type), (409, "wrong-state"), reply)


class ExpiredLeases(unittest.TestCase):
    """On a clock that runs 200 times as fast."""

    def test_metrics_tell_expired_leases_from_live_ones(self):
        with hone.Server(env={"HONE_TEST_CLOCK_SCALE": "200"}) as server, \
                server.client() as admin, server.client("worker") as worker:
            study = hone.study("s", limits={"trials": 1}, lease={"ttl_seconds": 15})
            self.assertEqual(admin.post("/v1/studies", study).status, 201)
            for attempt, name in enumerate("ab", 1):
                reply = worker.post("/v1/studies/s/leases", {"worker": name, "wait_seconds": 60})
                self.assertEqual(reply.json["trial"]["attempt"], attempt, reply)
            self.assertEqual(admin.patch("/v1/studies/s", {"state": "paused"}).status, 200)
            counts = []
            deadline = time.monotonic() + 30
            while counts != [2, 2, 0] and time.monotonic() < deadline:
                text = admin.get("/metrics").body.decode()
                counts = [float(re.search(rf"^hone_leases_{name} (\S+)$", text, re.M)[1])
                          for name in ("granted_total", "expired_total", "live")]
            self.assertEqual(counts, [2, 2, 0])


if __name__ == "__main__":
    hone.main()
