#!/usr/bin/env python3
"""What people and jobs get wrong about rungs: each case is defined in server/schedule/README.md ("What
goes wrong"), and here is what a real server answers.

What takes time (a lease that runs out, a rung that waits for its stragglers) is in tests/replay:
rung-kinds, rung-lost, rung-quorum; limits and pauses in the middle of a bracket: rung-limits,
rung-hard-limits. A checkpoint that is not there any more: tests/e2e/test_worker.py.
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

EPOCHS = {"name": "epochs", "min": 3, "max": 9}


def body(name, strategy=None, resource=None, **more):
    """Three to step 3, the best of them to step 9; nothing else."""
    strategy = strategy or {"name": "hyperband", "rounds": 1, "brackets": 1}
    return hone.study(name, strategy=strategy, resource=resource or EPOCHS, **more)


def hyperband(**options):
    return {"name": "hyperband", **options}


TWO = [{"metric": name, "direction": "minimize"} for name in ("loss", "time")]

# What is wrong, and where the answer points.
IMPOSSIBLE = {
    "no resource": ({"strategy": "hyperband", "resource": None}, "/resource"),
    "no resource for asha": ({"strategy": "asha", "resource": None}, "/resource"),
    "no resource for bohb": ({"strategy": "bohb", "resource": None}, "/resource"),
    "min above max": ({"resource": {"min": 9, "max": 3}}, "/resource/min"),
    "min 0": ({"resource": {"min": 0, "max": 9}}, "/resource/min"),
    "negative max": ({"resource": {"max": -9}}, "/resource/max"),
    "min 0 of fractions": ({"resource": {"min": 0, "max": 4.5}}, "/resource/min"),
    "more decimals than can be counted": ({"resource": {"min": 1e-13, "max": 4}}, "/resource/min"),
    "more digits than can be counted": ({"resource": {"min": 1e-9, "max": 1e9}}, "/resource/min"),
    "a step above max": ({"resource": {"max": 9, "step": 10}}, "/resource/step"),
    "a step of nothing": ({"resource": {"max": 9, "step": 0}}, "/resource/step"),
    "a step that joins rungs":
        ({"strategy": hyperband(), "resource": {"max": 9, "step": 9}}, "/resource/step"),
    "a unit that is no power of ten": ({"resource": {"max": 9, "unit": 0.5}}, "/resource/unit"),
    "a unit coarser than min":
        ({"resource": {"min": 0.25, "max": 9, "unit": 0.1}}, "/resource/min"),
    "a limit finer than the unit":
        ({"resource": {"min": 0.25, "max": 9, "unit": 0.01}, "limits": {"resource": 0.125}},
         "/limits/resource"),
    "a threshold finer than the unit":
        ({"stopping": {"rule": "threshold", "step": 1.5, "value": 1}}, "/stopping/step"),
    "a resource without max": ({"resource": {"min": 1}}, "/resource/max"),
    "a resource in words": ({"resource": {"max": "nine"}}, "/resource/max"),
    "eta 1": ({"strategy": hyperband(eta=1)}, "/strategy/eta"),
    "eta 0": ({"strategy": hyperband(eta=0)}, "/strategy/eta"),
    "eta -3": ({"strategy": hyperband(eta=-3)}, "/strategy/eta"),
    "eta 1000.5": ({"strategy": hyperband(eta=1000.5)}, "/strategy/eta"),
    "eta that makes 61 rungs":
        ({"strategy": {"name": "asha", "eta": 1.01}, "resource": {"max": 2}}, "/strategy/eta"),
    "eta that joins rungs": ({"strategy": hyperband(eta=1.1)}, "/resource/step"),
    "eta in words": ({"strategy": {"name": "asha", "eta": "3"}}, "/strategy/eta"),
    "no rounds": ({"strategy": hyperband(rounds=0)}, "/strategy/rounds"),
    "no brackets": ({"strategy": hyperband(brackets=0)}, "/strategy/brackets"),
    "too many brackets": ({"strategy": hyperband(brackets=9)}, "/strategy/brackets"),
    "rounding": ({"strategy": hyperband(rounding="down")}, "/strategy/rounding"),
    "quorum 0": ({"strategy": hyperband(quorum=0)}, "/strategy/quorum"),
    "quorum 2": ({"strategy": hyperband(quorum=2)}, "/strategy/quorum"),
    "a bracket that is not there":
        ({"strategy": {"name": "successive_halving", "bracket": 9}}, "/strategy/bracket"),
    "a mode": ({"strategy": {"name": "asha", "mode": "waiting"}}, "/strategy/mode"),
    "a grid without points": ({"strategy": hyperband(search="grid")}, "/parameters/0/grid"),
    "an option of another": ({"strategy": hyperband(mode="promotion")}, "/strategy/mode"),
    "two objectives with forecasts":
        ({"strategy": {"name": "asha", "mode": "predictive"},
          "objectives": TWO}, "/strategy/mode"),
    "two objectives, progressive":
        ({"strategy": {"name": "asha", "progressive": True},
          "objectives": TWO}, "/strategy/progressive"),
}


class BadRungs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = hone.Server()
        cls.server.start()
        cls.admin = cls.server.client()
        cls.worker = cls.server.client("worker")
        cls.n_studies = 0

    @classmethod
    def tearDownClass(cls):
        cls.admin.close()
        cls.worker.close()
        cls.server.__exit__()

    # ---- the requests of a study, in short ----

    def study(self, **more):
        BadRungs.n_studies += 1
        self.name = f"r{self.n_studies}"
        reply = self.admin.post("/v1/studies", body(self.name, **more))
        self.assertEqual(reply.status, 201, reply)

    def lease(self, start=0, to=3):
        reply = self.worker.post(f"/v1/studies/{self.name}/leases", {"worker": "w", "host": "n1"})
        self.assertEqual(reply.status, 201, reply)
        resource = reply.json["trial"]["resource"]
        self.assertEqual((resource["from"], resource["to"]), (start, to))
        return reply.json["lease"]["id"]

    def measure(self, lease, *points):
        """(action, until) of points that are (step, loss)."""
        reply = self.worker.post(f"/v1/leases/{lease}/measurements", {
            "measurements": [{"step": step, "metrics": {"loss": loss}} for step, loss in points]})
        self.assertEqual(reply.status, 200, reply)
        return reply.json["action"], reply.json.get("until")

    def result(self, lease, outcome="completed", loss=None, **more):
        values = {} if loss is None else {"metrics": {"loss": loss}}
        return self.worker.put(f"/v1/leases/{lease}/result", {"outcome": outcome, **values, **more})

    def end(self, lease, state, **more):
        reply = self.result(lease, **more)
        self.assertEqual(reply.status, 200, reply)
        self.assertEqual(reply.json["trial"]["state"], state, reply)
        return reply.json["trial"]

    def rung(self, index=0):
        """{trial: its entry} of a rung of the first bracket."""
        view = self.admin.get(f"/v1/studies/{self.name}/brackets").json
        return {e["trial"]: e for e in view["brackets"][0]["rungs"][index]["entries"]}

    def finished(self, reason="rounds"):
        row = self.admin.get(f"/v1/studies/{self.name}").json
        self.assertEqual((row["state"], row["reason"]), ("finished", reason))
        return {state: n for state, n in row["counts"].items() if n > 0}

    # ---- definitions ----

    def test_impossible_schedules_are_refused(self):
        for what, (change, pointer) in IMPOSSIBLE.items():
            with self.subTest(what):
                reply = self.admin.post("/v1/studies", {**body("bad"), **change})
                self.assertEqual((reply.status, reply.type), (422, "invalid"), reply)
                errors = reply.json["errors"]
                self.assertTrue(all(len(e["detail"]) > 10 for e in errors), errors)
                if pointer is not None:
                    self.assertIn(pointer, [e["pointer"] for e in errors])

    def test_a_running_schedule_cannot_be_changed(self):
        self.study()
        lease = self.lease()
        for change in ({"strategy": hyperband(eta=4)}, {"strategy": {"eta": 4}},
                       {"resource": {"name": "epochs", "min": 1, "max": 27}},
                       {"stopping": {"rule": "median"}}):
            with self.subTest(change):
                reply = self.admin.patch(f"/v1/studies/{self.name}", change)
                self.assertEqual((reply.status, reply.type), (422, "invalid"), reply)
        self.assertEqual(self.measure(lease, (3, 0.5)), ("pause", 3))
        again = self.admin.post("/v1/studies", body(self.name, strategy=hyperband(eta=4)))
        self.assertEqual((again.status, again.type), (409, "study-exists"), again)

    # ---- several objectives ----

    def test_an_objective_that_is_not_reported_at_a_rung_is_named(self):
        self.study(objectives=TWO)
        lease = self.lease()

        def awaited():
            view = self.admin.get(f"/v1/studies/{self.name}/brackets").json
            return [w for r in view["brackets"][0]["rungs"] for w in r["waits_for"] if w["trial"] == 1]

        reply = self.worker.post(f"/v1/leases/{lease}/measurements", {
            "measurements": [{"step": 1, "metrics": {"loss": 0.5, "time": 3}}]})
        self.assertEqual(reply.json["action"], "continue")
        self.assertNotIn("missing", awaited()[0], "it is not at its rung")
        self.assertEqual(self.measure(lease, (3, 0.4)), ("continue", 3))
        hone.wait_until(lambda: awaited()[0].get("missing") == ["time"], 10, "the view to be renewed")
        drawn = self.admin.get(f"/v1/studies/{self.name}/brackets?format=text").body.decode()
        self.assertRegex(drawn, r"trial 1 \([0-9:]+\) without time at its step on w")
        self.end(lease, "paused", step=3)
        self.assertEqual(self.rung()[1], {"trial": 1, "value": 0.4, "values": {"loss": 0.4, "time": 3},
                                          "state": "waiting"})
        self.assertEqual(awaited(), [])

    # ---- reports ----

    def test_a_step_backwards_is_stored_and_decides_nothing(self):
        self.study()
        lease = self.lease()
        self.assertEqual(self.measure(lease, (2, 0.5)), ("continue", 3))
        self.assertEqual(self.measure(lease, (1, 0.1)), ("continue", 3))
        self.assertEqual(self.measure(lease, (3, 0.4)), ("pause", 3))
        self.assertEqual(self.measure(lease, (2, 0.0)), ("pause", 3), "the first value stands")
        self.assertEqual(self.rung()[1]["value"], 0.4)
        steps = [m["step"] for m in self.worker_curve(1)]
        self.assertEqual(sorted(steps), [1, 2, 3])
        reply = self.result(lease, step=2)
        self.assertEqual((reply.status, reply.type), (422, "invalid"), reply)
        self.assertEqual(reply.json["errors"][0]["pointer"], "/step")
        self.assertEqual(self.end(lease, "paused", step=3)["value"], 0.4)

    def worker_curve(self, trial):
        return self.admin.get(f"/v1/studies/{self.name}/trials/{trial}/measurements").json["items"]

    def test_steps_past_the_goal_are_stored_and_the_action_is_repeated(self):
        self.study()
        lease = self.lease()
        self.assertEqual(self.measure(lease, (2, 0.5), (3, 0.4)), ("pause", 3))
        self.assertEqual(self.measure(lease, (4, 0.1)), ("pause", 3))
        self.assertEqual(self.measure(lease, (12, 0.05)), ("pause", 3), "past everything")
        self.assertEqual(self.rung()[1]["value"], 0.4)
        self.assertEqual(len(self.worker_curve(1)), 4)

    def test_a_rung_that_was_jumped_over_takes_the_last_value_before_it(self):
        self.study()
        lease = self.lease()
        self.assertEqual(self.measure(lease, (2, 0.5), (5, 0.1))[0], "pause")
        self.assertEqual(self.rung()[1]["value"], 0.5)
        why = self.admin.get(f"/v1/studies/{self.name}/trials/1/explain").json
        self.assertIn(True, [each.get("interpolated") for each in why["schedule"]["history"]], why)
        other = self.lease()
        self.assertEqual(self.measure(other, (5, 0.3))[0], "pause")
        self.assertEqual(self.rung()[2]["value"], 0.3, "nothing before: the first one past it")

    def test_values_from_before_the_start_are_no_rung_value(self):
        self.study()
        lease = self.lease()
        self.measure(lease, (2, 0.5))
        self.end(lease, "queued", outcome="preempted", step=2,
                 checkpoint={"uri": "c", "step": 2, "reach": "any"})
        lease = self.lease(start=2)
        self.assertEqual(self.measure(lease, (1, 0.001), (2, 0.002)), ("continue", 3))
        self.assertEqual(self.measure(lease, (3, 0.4)), ("pause", 3))
        self.assertEqual(self.rung()[1]["value"], 0.4)

    def test_a_result_short_of_the_goal_ends_the_trial_by_itself(self):
        self.study()
        lease = self.lease()
        self.end(lease, "completed", step=2, loss=0.1)
        for loss in (0.5, 0.6):
            lease = self.lease()
            self.result(lease, step=3, loss=loss)
        self.assertEqual(self.rung(1)[1]["value"], 0.1, "its value stands at every later rung")
        self.assertEqual(self.finished(), {"completed": 1, "pruned": 2})

    def test_a_result_past_the_goal_counts_at_the_rung(self):
        self.study()
        lease = self.lease()
        self.measure(lease, (3, 0.5))
        self.end(lease, "paused", step=4, loss=0.1)
        self.assertEqual(self.rung()[1]["value"], 0.5, "a decision already made stands")

    def test_a_value_that_is_not_finite_fails_at_the_rung(self):
        for loss in ("NaN", "Infinity", "-Infinity"):
            with self.subTest(loss):
                self.study()
                lease = self.lease()
                self.assertEqual(self.measure(lease, (2, loss)), ("continue", 3), "not a rung yet")
                self.assertEqual(self.measure(lease, (3, loss))[0], "stop")
                trial = self.end(lease, "failed", step=3)
                self.assertEqual(trial["reason"], "diverged")

    def test_a_rung_of_which_all_failed_promotes_no_trial(self):
        self.study()
        leases = [self.lease() for _ in range(3)]
        self.end(leases[0], "failed", outcome="failed", reason="oom")
        self.end(leases[1], "infeasible", outcome="infeasible")
        self.assertEqual(self.measure(leases[2], (3, "NaN"))[0], "stop")
        self.end(leases[2], "failed", step=3)
        self.assertEqual(self.rung(1), {})
        self.assertEqual(self.finished(), {"failed": 2, "infeasible": 1})

    def test_a_completed_result_without_a_value_is_refused(self):
        self.study()
        lease = self.lease()
        reply = self.result(lease, step=3)
        self.assertEqual((reply.status, reply.type), (422, "invalid"), reply)
        self.assertIn("loss", reply.json["errors"][0]["detail"])
        self.end(lease, "paused", step=3, loss=0.5)

    def test_a_checkpoint_out_of_reach_is_not_gone_on_from(self):
        self.study()
        leases = [self.lease() for _ in range(3)]
        for lease, loss in zip(leases, (0.1, 0.2, 0.3)):
            self.result(lease, step=3, loss=loss,
                        checkpoint={"uri": "/x", "step": 3, "reach": "host:elsewhere"})
        lease = self.lease(start=0, to=9)
        self.assertEqual(self.measure(lease, (1, 0.9), (2, 0.9), (3, 0.9)), ("continue", 9))
        self.assertEqual(self.rung()[1]["value"], 0.1, "trained again: what is known stands")
        self.end(lease, "completed", step=9, loss=0.05)


if __name__ == "__main__":
    hone.main()
