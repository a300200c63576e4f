#!/usr/bin/env python3
"""Learning curves and the ledger of time, of trials that were leased."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

EPOCHS = {"name": "epochs", "min": 1, "max": 9}


class Curves(hone.SharedServerTest):
    def get(self, path):
        reply = self.client.get(f"/v1/studies/{path}")
        self.assertEqual(reply.status, 200, reply)
        return reply

    def measure(self, lease, *losses, first=1):
        body = {"measurements": [{"step": first + i, "metrics": {"loss": loss}}
                                 for i, loss in enumerate(losses)]}
        reply = self.worker.post(f"/v1/leases/{lease['lease']['id']}/measurements", body)
        self.assertEqual(reply.status, 200, reply)

    def test_the_best_and_those_that_run(self):
        self.make("best", resource=EPOCHS)
        for losses in ((5, 4), (3, 2), (9, 8)):
            lease = self.lease("best")
            self.measure(lease, *losses)
            self.put(lease, outcome="completed")
        self.measure(self.lease("best"), 7)
        answer = self.get("best/curves?trials=2").json
        self.assertEqual(answer, {"metric": "loss", "items": [
            {"number": 1, "state": "completed", "step": [1, 2], "value": [5, 4]},
            {"number": 2, "state": "completed", "step": [1, 2], "value": [3, 2]},
            {"number": 4, "state": "running", "step": [1], "value": [7]}], "next_cursor": None})
        numbers = lambda query: [i["number"] for i in self.get(query).json["items"]]  # noqa: E731
        self.assertEqual(numbers("best/curves"), [1, 2, 3, 4])
        self.assertEqual(numbers("best/curves?trials=0"), [4])
        self.assertEqual(numbers("best/curves?numbers=3,1,3,77"), [1, 3])
        self.assertEqual(self.get("best/curves?numbers=3&format=csv").body.decode(),
                         "number,state,step,value\n3,completed,1,9\n3,completed,2,8\n")
        self.assertEqual(len(self.get("best/curves?format=ndjson").body.splitlines()), 4)

    def test_another_metric_and_one_that_nobody_has_measured(self):
        self.make("other")
        lease = self.lease("other")
        self.worker.post(f"/v1/leases/{lease['lease']['id']}/measurements",
                         {"measurements": [{"step": 1, "metrics": {"loss": 1, "acc": "NaN"}}]})
        curve = lambda name: self.get(f"other/curves?metric={name}").json["items"][0]  # noqa: E731
        self.assertEqual(curve("acc")["value"], ["NaN"])
        self.assertEqual(curve("nothing")["step"], [])

    def test_an_attempt_that_began_again_takes_the_place_of_the_first(self):
        self.make("again", resource=EPOCHS)
        lease = self.lease("again")
        self.measure(lease, 9, 8, 7)
        self.assertEqual(self.worker.delete(f"/v1/leases/{lease['lease']['id']}").status, 204)
        lease = self.lease("again")
        self.assertEqual(lease["trial"]["number"], 1)
        self.measure(lease, 5, first=1)
        item, = self.get("again/curves").json["items"]
        self.assertEqual((item["step"], item["value"]), ([1], [5]))

    def test_points_are_thinned(self):
        self.make("thin")
        lease = self.lease("thin")
        self.measure(lease, *range(100))
        item, = self.get("thin/curves?points=4").json["items"]
        self.assertEqual(item["step"], [1, 34, 67, 100])

    def test_what_cannot_be_meant_is_refused(self):
        self.make("refused")
        for query in ("trials=-1", "trials=1001", "points=1", "numbers=x", "x=1", "format=sh"):
            reply = self.client.get(f"/v1/studies/refused/curves?{query}")
            self.assertEqual((query, reply.status), (query, 400))
        self.assertEqual(self.get("refused/curves").json["items"], [])

    def test_improvements_say_what_they_came_after(self):
        self.make("history", resource=EPOCHS)
        for losses in ((5, 4), (6,), (3, 2, 1)):
            lease = self.lease("history")
            self.measure(lease, *losses)
            self.put(lease, outcome="completed")
        items = self.get("history/history").json["items"]
        self.assertEqual([(i["number"], i["value"], i["after_trials"], i["after_resource"])
                          for i in items], [(1, 4, 1, 2), (3, 1, 3, 6)])
        self.assertTrue(0 <= items[0]["after_seconds"] <= items[1]["after_seconds"] < 60)
        self.assertTrue(0 <= items[0]["after_worker_seconds"] <= items[1]["after_worker_seconds"])
        lines = self.get("history/history?format=csv").body.decode().splitlines()
        self.assertEqual(lines[0], "number,value,step,ended_at,after_trials,after_seconds,"
                                   "after_resource,after_worker_seconds")
        self.assertEqual([line.split(",")[6] for line in lines[1:]], ["2", "6"])

    def test_the_ledger_says_where_the_time_went(self):
        self.make("ledger", resource=EPOCHS)
        empty = self.get("ledger/ledger").json
        self.assertEqual([empty[part] for part in ("kept", "wasted", "saved", "running")], [0] * 4)
        self.assertIsNone(empty["best_after_share"])
        self.run_one("ledger", outcome="completed", metrics={"loss": 1})
        self.run_one("ledger", outcome="failed")
        self.lease("ledger")
        ledger = hone.wait_until(
            lambda: (found := self.get("ledger/ledger").json)["running"] > 0 and found, 20,
            "time passes")
        attempts = [self.get(f"ledger/trials/{n}/attempts").json["items"][0] for n in (1, 2)]
        self.assertEqual(ledger["by_reason"].get("completed", 0), ledger["kept"])
        self.assertEqual(ledger["by_reason"].get("failed", 0), ledger["wasted"])
        self.assertTrue(all(item["ended_at"] for item in attempts))
        self.assertIn("max(0, max resource - step)", ledger["formula"])
        self.assertTrue(0 <= ledger["best_after_share"] <= 1)
        table = self.get("ledger/ledger?format=table").body.decode().split()
        self.assertEqual(table[::2][:5], ["time", "kept", "wasted", "saved", "running"])


if __name__ == "__main__":
    hone.main()
