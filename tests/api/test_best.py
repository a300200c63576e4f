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

    def bring(self, name, noise, **definition):
        """Trials of a bowl with its bottom at x = .3, at random, with these deviations from it."""
        self.make(name, **definition)
        rng = random.Random(7)
        points = [(rng.random(), one) if isinstance(one, (int, float)) else one for one in noise]
        trials = [{"state": "completed", "parameters": {"x": x}, "metrics": {"loss": (x - .3) ** 2 + one, "ms": x}}
                  for x, one in points]
        self.assertEqual(self.client.post(f"/v1/studies/{name}/trials", trials).status, 201)

    def noise(self, n, seed=5):
        rng = random.Random(seed)
        return [rng.gauss(0, .1) for _ in range(n)]

    def recommended(self, name):
        answer = self.get(f"{name}/best?recommended=true")
        plain = self.get(f"{name}/best")
        self.assertEqual({k: v for k, v in answer.items() if k != "recommended"}, plain)
        return plain["trial"], answer["recommended"]

    def test_another_trial_than_a_lucky_one_is_recommended(self):
        self.bring("noisy", [*self.noise(60), (.7, -.4)])
        best, recommended = self.recommended("noisy")
        self.assertEqual(recommended["best"]["trial"], best["number"])
        self.assertEqual(recommended["best"]["value"], best["value"])
        self.assertTrue(recommended["matters"], recommended)
        self.assertNotEqual(recommended["trial"], best["number"])
        trial = self.get(f"noisy/trials/{recommended['trial']}")
        self.assertEqual(recommended["value"], trial["value"])
        self.assertEqual(recommended["parameters"], trial["parameters"])
        self.assertLess(abs(trial["parameters"]["x"] - .3), .2)
        self.assertLess(recommended["expected"], recommended["best"]["expected"])
        self.assertTrue(.05 < recommended["noise"] < .2, recommended)
        self.assertEqual(recommended["results"], 61)
        self.assertIn(f"of trial {best['number']} is likely a lucky one", recommended["text"])
        self.assertIn(f"that of trial {trial['number']} ", recommended["text"])
        self.assertEqual(self.recommended("noisy")[1], recommended)
        table = self.client.get("/v1/studies/noisy/best?format=table&recommended=true").body.decode()
        self.assertIn(recommended["text"], table)
        for form in ("csv", "sh", "hydra"):
            both = [self.client.get(f"/v1/studies/noisy/best?format={form}{more}").body
                    for more in ("", "&recommended=true")]
            self.assertEqual(*both)

    def test_without_noise_the_best_trial_is_recommended(self):
        self.bring("exact", [0] * 30)
        best, recommended = self.recommended("exact")
        self.assertEqual((recommended["trial"], recommended["matters"], recommended["noise"]),
                         (best["number"], False, 0))
        self.assertIn("no noise", recommended["text"])
        table = self.client.get("/v1/studies/exact/best?format=table&recommended=true").body
        self.assertEqual(table, self.client.get("/v1/studies/exact/best?format=table").body)

    def test_only_feasible_trials_are_recommended(self):
        self.bring("within", self.noise(60), subject_to=["ms >= 0.5"])
        _, recommended = self.recommended("within")
        self.assertGreaterEqual(recommended["parameters"]["x"], .5)

    def test_of_little_nothing_is_recommended(self):
        self.bring("few", self.noise(9))
        self.assertIsNone(self.recommended("few")[1])
        self.make("none")
        self.assertEqual(self.get("none/best?recommended=true"), {"trial": None, "resource": None, "recommended": None})
        self.make("two", metric=None, direction=None, objectives=[
            {"metric": "a", "direction": "minimize"}, {"metric": "b", "direction": "minimize"}])
        self.assertEqual(self.client.get("/v1/studies/two/best?recommended=true").status, 409)
        self.assertEqual(self.client.get("/v1/studies/none/best?recommended=1").status, 400)
        self.assertNotIn("recommended", self.get("none/best?recommended=false"))

    def test_with_a_resource_those_at_the_end_are_compared(self):
        self.bring("long", [*self.noise(60), (.7, -.4)], resource=EPOCHS,
                   strategy={"name": "hyperband", "rounds": 1})
        self.bring("short", [*self.noise(60), (.7, -.4)])
        self.train(self.lease("long"), -9)
        self.assertEqual(self.recommended("long")[1], self.recommended("short")[1])

    def test_a_cursor_that_was_made_up_is_refused(self):
        self.make("made-up")
        for cursor in ("v1_0_0000000000000000_1", "v1_0_-1_0000000000000000_1", "v1_0_x_0000000000000000_1",
                       "v1_0_99999999999999999999_0000000000000000_1"):
            self.assertEqual(self.client.get(f"/v1/studies/made-up/trials?sort=best&cursor={cursor}").status, 400)


if __name__ == "__main__":
    hone.main()
