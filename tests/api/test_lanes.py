#!/usr/bin/env python3
"""What each worker did over time, and what is known of its gaps."""

import os
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402


class Lanes(hone.ServedTest):
    def lanes(self, query=""):
        reply = self.client.get(f"/v1/workers/lanes{query}")
        self.assertEqual(reply.status, 200, reply)
        return reply.json

    def ask(self, worker, study=None):
        place = "leases" if study is None else f"studies/{study}/leases"
        return self.worker.post(f"/v1/{place}", {"worker": worker, "wait_seconds": 0}).json

    def idle(self, worker, gaps=1):
        """The last gap of a worker, once it has so many."""
        def found():
            lane = [item for item in self.lanes()["items"] if item["worker"] == worker]
            return lane and len(lane[0]["idle"]) >= gaps and lane[0]["idle"][-1]
        return hone.wait_until(found, 20, f"{worker} is idle for a second")

    def test_attempts_stand_in_the_lane_of_their_worker(self):
        self.make("s")
        first = self.ask("gpu1:1")
        self.put(first, outcome="completed", metrics={"loss": 1})
        self.ask("gpu1:1")
        failed = self.ask("gpu1:0")
        self.put(failed, outcome="failed")
        answer = self.lanes()
        self.assertEqual([item["worker"] for item in answer["items"]], ["gpu1:0", "gpu1:1"])
        spans = answer["items"][1]["spans"]
        self.assertEqual([(s["study"], s["trial"], s["attempt"], s["end"]) for s in spans],
                         [("s", 1, 1, "completed"), ("s", 2, 1, None)])
        self.assertIsNone(spans[1]["ended_ms"])
        self.assertTrue(answer["from_ms"] < spans[0]["started_ms"] <= spans[0]["ended_ms"]
                        <= answer["to_ms"])
        self.assertEqual(answer["items"][0]["spans"][0]["end"], "failed")
        self.assertEqual(self.client.get("/v1/workers/lanes?format=csv").body.decode().split("\n")[0],
                         "worker,study,trial,attempt,end,started_at,ended_at")
        lines = self.client.get("/v1/workers/lanes?format=ndjson").body.splitlines()
        self.assertEqual(len(lines), 2)

    def test_a_window_and_a_study(self):
        self.make("s")
        self.make("other")
        self.put(self.ask("w1", "s"), outcome="completed", metrics={"loss": 1})
        self.put(self.ask("w2", "other"), outcome="completed", metrics={"loss": 1})
        at_ms = self.lanes()["items"][0]["spans"][0]["ended_ms"]
        self.assertEqual([i["worker"] for i in self.lanes("?study=other")["items"]], ["w2"])
        self.assertEqual(self.client.get("/v1/workers/lanes?study=none").status, 404)
        old = self.lanes("?since=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00%2B02:00")
        self.assertEqual((old["from_ms"], old["to_ms"]), (1577836800000, 1577916000000))
        self.assertEqual([i["spans"] for i in old["items"]], [[], []])
        unencoded = self.lanes("?since=2020-01-01T00:00:00.5+02:00&until=2020-01-02T00:00:00Z")
        self.assertEqual(unencoded["from_ms"], 1577829600500)
        self.assertEqual(len(self.lanes(f"?since={at_ms}")["items"][0]["spans"]), 1)
        self.assertEqual(len(self.lanes(f"?until={at_ms - 3600000}")["items"][0]["spans"]), 0)
        for query in ("since=yesterday", "since=2020-01-01", "since=2020-13-01T00:00:00Z",
                      "since=2020-02-30T00:00:00Z",
                      "since=2020-01-01T00:00:00", "since=2020-01-01T00:00:00+2", "since=-1",
                      "until=1e9", "since=2020-01-02T00:00:00Z&until=2020-01-01T00:00:00Z",
                      "since=9999999999999"):
            reply = self.client.get("/v1/workers/lanes?" + urllib.parse.quote(query, "=&"))
            self.assertEqual((query, reply.status), (query, 400))

    def test_a_gap_says_why(self):
        self.make("s")
        for worker in ("a1:0", "b1:0"):
            self.put(self.ask(worker), outcome="completed", metrics={"loss": 1})
        self.client.post("/v1/workers/a1/drain")
        self.assertEqual(self.idle("a1:0")["reason"], "draining")
        self.assertEqual(self.idle("b1:0")["reason"], "unknown")
        self.client.post("/v1/workers/a1/resume")
        lease = self.ask("a1:0")
        self.put(lease, outcome="completed", metrics={"loss": 1})
        lane = next(i for i in self.lanes()["items"] if i["worker"] == "a1:0")
        self.assertEqual(lane["idle"][0]["reason"], "draining")

    def past(self, worker, attempts):
        """Why the worker was idle before its last attempt, once so many are shown: a busy writer is
        waited for, but not for long."""
        def found():
            lane = next(item for item in self.lanes()["items"] if item["worker"] == worker)
            return len(lane["spans"]) == attempts and lane
        lane = hone.wait_until(found, 20, f"{worker} has {attempts} attempts")
        return [gap["reason"] for gap in lane["idle"] if gap["to_ms"] <= lane["spans"][-1]["started_ms"]]

    def test_a_gap_of_the_past_says_that_no_study_gave_trials(self):
        self.make("s", limits={"trials": 1})
        self.run_on("w1")
        self.assertEqual(self.idle("w1")["reason"], "no study")  # it is not waiting for an answer
        self.make("t")
        lease = self.ask("w1")
        self.assertEqual(self.past("w1", 2), ["no study"])
        self.client.patch("/v1/studies/t", {"state": "paused"})
        self.put(lease, outcome="completed", metrics={"loss": 1})
        self.assertEqual(self.idle("w1", gaps=2)["reason"], "paused")
        self.make("u")
        lease = self.ask("w1")
        self.assertEqual(self.past("w1", 3), ["no study", "paused"])
        self.restart()
        self.connect()
        self.assertEqual(self.past("w1", 3), ["no study", "paused"])
        self.client.patch("/v1/studies/t", {"state": "running"})
        self.assertEqual(self.past("w1", 3), ["no study", "unknown"])  # it does not say when it was paused
        self.client.delete("/v1/studies/s")
        self.assertEqual(set(self.past("w1", 3)), {"unknown"})  # s may have been open

    def run_on(self, worker):
        self.put(self.ask(worker), outcome="completed", metrics={"loss": 1})

    def test_a_lane_outlives_a_restart(self):
        self.make("s")
        self.put(self.ask("w1"), outcome="completed", metrics={"loss": 1})
        self.ask("w2")
        self.restart()
        items = {item["worker"]: item for item in self.lanes()["items"]}
        self.assertEqual(items["w1"]["state"], "gone")
        self.assertEqual([s["end"] for s in items["w2"]["spans"]], [None])


if __name__ == "__main__":
    hone.main()
