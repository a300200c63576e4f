#!/usr/bin/env python3
"""The best trial and the order of sort=best: one rule, while trials wait at rungs and go on."""

import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

EPOCHS = {"name": "epochs", "min": 1, "max": 9}
COUNTED = ("completed", "pruned", "paused")


class Best(hone.SharedServerTest):
    def get(self, path):
        reply = self.client.get(f"/v1/studies/{path}")
        self.assertEqual(reply.status, 200, reply)
        return reply.json

    def numbers(self, name, sort, limit=1000):
        found, cursor = [], ""
        while cursor is not None:
            page = self.get(f"{name}/trials?sort={sort}&limit={limit}{cursor}")
            found += [trial["number"] for trial in page["items"]]
            cursor = page["next_cursor"] and "&cursor=" + page["next_cursor"]
        return found

    def train(self, lease, value):
        """To its rung, where it ends or waits."""
        to = lease["trial"]["resource"]["to"]
        self.worker.post(f"/v1/leases/{lease['lease']['id']}/measurements",
                         {"measurements": [{"step": to, "metrics": {"loss": value}}]})
        self.put(lease, outcome="completed")

    def expect_order(self, name, resource_max):
        """sort=best, computed again from the trials."""
        trials = list(self.client.walk(f"/v1/studies/{name}/trials"))

        def key(trial):
            counts = isinstance(trial["value"], (int, float)) and trial["state"] in COUNTED
            level = resource_max if trial["state"] == "completed" else trial["step"] or 0
            return (0, -level, trial["value"], trial["number"]) if counts else (1, 0, 0, trial["number"])

        want = [t["number"] for t in sorted(trials, key=key) if t["state"] not in ("running", "queued")]
        got = self.numbers(name, "best")
        self.assertEqual(got, want)
        best = self.get(f"{name}/best")["trial"]
        if best is not None:
            self.assertEqual(got[0], best["number"])
        counted = {t["number"] for t in trials if key(t)[0] == 0}
        backwards = self.numbers(name, "-best")
        self.assertEqual([n for n in backwards if n in counted],
                         sorted(counted, key=lambda n: [(-k[1], -k[2], k[3]) for k in [key(trials[n - 1])]]))
        for limit in (1, 2, 7):
            self.assertEqual(self.numbers(name, "best", limit), want)
            self.assertEqual(self.numbers(name, "-best", limit), backwards)

    def test_more_resource_stands_first_while_hyperband_runs(self):
        self.make("rungs", resource=EPOCHS, strategy={"name": "hyperband", "rounds": 1}, limits={"trials": 30})
        rng = random.Random(3)
        for step in range(60):
            lease = self.lease("rungs")
            if lease.get("lease") is None:
                break
            # the earlier a value, the better it looks: what stands first must not follow from values alone
            self.train(lease, lease["trial"]["resource"]["to"] + rng.choice([0.25, 0.5, rng.random()]))
            if step % 6 == 0:
                self.expect_order("rungs", 9)
        self.expect_order("rungs", 9)
        states = {t["state"] for t in self.client.walk("/v1/studies/rungs/trials")}
        self.assertTrue({"completed", "pruned"} <= states, states)
        first = self.client.get(f"/v1/studies/rungs/trials/{self.numbers('rungs', 'best')[0]}").json
        self.assertEqual(first["state"], "completed")

    def test_a_paused_trial_is_listed_where_it_is_the_best(self):
        self.make("waits", resource=EPOCHS, strategy={"name": "hyperband", "rounds": 1, "brackets": 1})
        for value in (3, 1, 2):
            self.train(self.lease("waits"), value)
        self.assertEqual(self.get("waits/best")["trial"]["state"], "paused")
        self.assertEqual(self.numbers("waits", "best"), [2, 3, 1])
        self.assertEqual(self.numbers("waits", "-best"), [1, 3, 2])
        self.assertEqual(self.numbers("waits", "best&state=completed"), [])

    def test_without_a_resource_completed_trials_alone_count(self):
        self.make("plain", limits={"trials": 4}, stopping={"rule": "threshold", "step": 1, "value": 5})
        lease = self.lease("plain")
        self.worker.post(f"/v1/leases/{lease['lease']['id']}/measurements",
                         {"measurements": [{"step": 1, "metrics": {"loss": 7}}]})
        self.put(lease, outcome="completed")
        for loss in (9, 8):
            self.put(self.lease("plain"), outcome="completed", metrics={"loss": loss})
        states = [t["state"] for t in self.client.walk("/v1/studies/plain/trials")]
        self.assertEqual(states, ["pruned", "completed", "completed"])
        self.assertEqual(self.get("plain/best")["trial"]["number"], 3)
        self.assertEqual(self.numbers("plain", "best"), [3, 2, 1])

    def test_what_lies_outside_the_space_is_not_the_first(self):
        self.make("outside")
        self.client.post("/v1/studies/outside/trials", [
            {"state": "completed", "parameters": {"x": x}, "metrics": {"loss": x}} for x in (0.2, 0.5, 0.9)])
        changed = self.client.request("PATCH", "/v1/studies/outside", {
            "parameters": [{"name": "x", "type": "float", "low": 0.4, "high": 1}]})
        self.assertEqual(changed.status, 200, changed)
        self.assertEqual(self.get("outside/best")["trial"]["number"], 2)
        self.assertEqual(self.numbers("outside", "best"), [2, 3, 1])

    def test_a_cursor_that_was_made_up_is_refused(self):
        self.make("made-up")
        for cursor in ("v1_0_0000000000000000_1", "v1_0_-1_0000000000000000_1", "v1_0_x_0000000000000000_1",
                       "v1_0_99999999999999999999_0000000000000000_1"):
            self.assertEqual(self.client.get(f"/v1/studies/made-up/trials?sort=best&cursor={cursor}").status, 400)


if __name__ == "__main__":
    hone.main()
