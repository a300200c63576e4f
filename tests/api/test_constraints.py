#!/usr/bin/env python3
"""Outcome constraints: what a study takes, which trials are feasible, and what counts them."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

P99 = ["p99_ms <= 500"]


class Constraints(hone.SharedServerTest):
    def get(self, path):
        reply = self.client.get(f"/v1/studies/{path}")
        self.assertEqual(reply.status, 200, reply)
        return reply.json

    def finish(self, name, **metrics):
        """Leases a trial and completes it; the trial as the answer has it."""
        lease = self.lease(name)
        return self.put(lease, outcome="completed", metrics=metrics)

    def test_a_study_tells_its_bounds_and_is_the_same_however_they_are_written(self):
        body = hone.study("told", subject_to=["p99_ms<=500", "`p99_ms` >= 1", "loss <= 9"])
        self.assertEqual(self.client.post("/v1/studies", body).status, 201)
        want = ["p99_ms <= 500", "p99_ms >= 1", "loss <= 9"]
        self.assertEqual(self.get("told")["subject_to"], want)
        again = hone.study("told", subject_to=want)
        self.assertEqual(self.client.post("/v1/studies", again).status, 200)
        other = self.client.post("/v1/studies", hone.study("told", subject_to=want[:2]))
        self.assertEqual((other.status, other.type), (409, "study-exists"))
        self.assertIn("subject_to", other.body.decode())

    def test_bad_bounds_are_refused_all_at_once_each_with_what_to_write(self):
        body = hone.study("bad", subject_to=["p99 < 5", "p99", "a <= 5ms", 7, "b >= 2", "b <= 1", "c <= 1", "c <= 2"])
        reply = self.client.post("/v1/studies", body)
        self.assertEqual((reply.status, reply.type), (422, "invalid"), reply)
        faults = {error["pointer"]: error["detail"] for error in reply.json["errors"]}
        self.assertEqual(set(faults), {f"/subject_to/{i}" for i in (0, 1, 2, 3, 5, 7)})
        self.assertIn("write <=", faults["/subject_to/0"])
        self.assertIn("without a unit", faults["/subject_to/2"])
        self.assertIn("b >= 2", faults["/subject_to/5"])
        self.make("fixed")
        changed = self.client.patch("/v1/studies/fixed", {"subject_to": P99})
        self.assertEqual(changed.status, 422, changed)

    def test_what_violates_is_completed_and_not_feasible(self):
        self.make("violates", subject_to=P99)
        trial = self.finish("violates", loss=1, p99_ms=501)
        self.assertEqual((trial["state"], trial["feasible"], trial["value"]), ("completed", False, 1))
        self.assertIs(self.finish("violates", loss=2, p99_ms=500)["feasible"], True)
        self.assertIsNone(self.finish("violates", loss=0)["feasible"])
        self.assertEqual([t["feasible"] for t in self.get("violates/trials")["items"]], [False, True, None])
        self.assertIsNone(self.lease("violates")["trial"].get("feasible"))
        self.make("free")
        self.assertNotIn("feasible", self.finish("free", loss=1))
        self.assertNotIn("feasible", self.get("free/trials/1"))

    def test_best_trace_order_and_front_hold_feasible_trials_only(self):
        self.make("best", subject_to=P99)
        self.finish("best", loss=1, p99_ms=900)
        self.assertIsNone(self.get("best/best")["trial"])
        self.assertIsNone(self.get("best")["best"])
        for loss, p99 in ((7, 100), (2, 501), (5, 100), (6, 100)):
            self.finish("best", loss=loss, p99_ms=p99)
        self.finish("best", loss=3)
        self.assertEqual(self.get("best/best")["trial"]["number"], 4)
        self.assertEqual(self.get("best")["best"], {"trial": 4, "value": 5})
        self.assertEqual([(p["number"], p["after_trials"]) for p in self.get("best/history")["items"]], [(2, 2), (4, 4)])
        self.assertEqual([t["number"] for t in self.get("best/pareto")["items"]], [4])
        self.assertEqual([t["number"] for t in self.get("best/trials?sort=best")["items"]], [4, 5, 2, 1, 3, 6])

    def test_best_and_study_say_how_many_are_feasible_and_what_is_missing(self):
        self.make("says", subject_to=P99 + ["size >= 2"])
        self.assertEqual((self.get("says")["feasible_trials"], self.get("says")["never_reported"]), (0, []))
        self.finish("says", loss=1, p99_ms=900)
        best = self.get("says/best")
        self.assertEqual((best["feasible_trials"], best["completed_trials"]), (0, 1))
        self.assertEqual((best["never_reported"], best["nearest"]), (["size"], None))
        for answer in (self.get("says/best"), self.get("says")):
            self.assertEqual(sorted(answer["reported_metrics"]), ["loss", "p99_ms"])
        self.finish("says", loss=1, p99_ms=900, size=2)
        self.finish("says", loss=1, p99_ms=600, size=1)
        self.finish("says", loss=1, p99_ms=750, size=3)
        nearest = self.get("says/best")["nearest"]
        self.assertEqual((nearest["trial"], nearest["violation"]), (4, 0.5))
        self.assertEqual(nearest["constraints"], [
            {"constraint": "p99_ms <= 500", "metric": "p99_ms", "value": 750, "excess": 250, "satisfied": False},
            {"constraint": "size >= 2", "metric": "size", "value": 3, "excess": 0, "satisfied": True}])
        self.finish("says", loss=9, p99_ms=1, size=3)
        best = self.get("says/best")
        self.assertEqual((best["trial"]["number"], best["feasible_trials"], best["never_reported"]), (5, 1, []))
        self.assertNotIn("nearest", best)
        self.assertNotIn("reported_metrics", best)
        self.assertEqual((self.get("says")["feasible_trials"], self.get("says")["never_reported"]), (1, []))

    def test_an_empty_front_says_where_to_look(self):
        both = [{"metric": "loss", "direction": "minimize"}, {"metric": "size", "direction": "minimize"}]
        for name, more in (("no-front", {}), ("no-feasible", {"subject_to": P99})):
            self.make(name, metric=None, direction=None, objectives=both, **more)
            path = f"/v1/studies/{name}/pareto?format="
            table = self.client.get(path + "table").body.decode()
            self.assertIn(f"the list of trials of {name} shows", table)
            self.assertEqual("subject_to" in table, bool(more))
            for form in ("csv", "text"):
                self.assertNotIn("shows", self.client.get(path + form).body.decode())
            self.finish(name, loss=1, size=1, p99_ms=1)
            self.assertNotIn("shows", self.client.get(path + "table").body.decode())

    def test_prometheus_sees_how_many_are_feasible(self):
        self.make("counted", subject_to=P99)
        self.make("unbounded")
        for name in ("counted", "unbounded"):
            for p99 in (100, 900, 200):
                self.finish(name, loss=1, p99_ms=p99)
        text = self.client.get("/metrics").body.decode()
        self.assertIn('hone_feasible_trials{study="counted"} 2\n', text)
        self.assertNotIn('hone_feasible_trials{study="unbounded"}', text)

    def test_every_representation_tells_what_is_not_feasible(self):
        self.make("shown", subject_to=P99)
        self.finish("shown", loss=1, p99_ms=612)
        self.finish("shown", loss=2)

        def text(path):
            reply = self.client.get(f"/v1/studies/shown{path}")
            self.assertEqual(reply.status, 200, reply)
            return reply.body.decode()

        self.assertRegex(text("/trials?format=csv").splitlines()[0], r"(^|,)feasible,")
        self.assertIn("false", text("/trials?format=table"))
        self.assertIn("false", text("/export?format=csv"))
        self.assertEqual(json.loads(text("/trials/columns?fields=feasible"))["columns"],
                         {"feasible": [False, None]})
        table = text("/best?format=table")
        self.assertIn("none of 2 completed trials is feasible", table)
        self.assertIn("the nearest is trial 1: p99_ms 612 violates p99_ms <= 500 by 112", table)
        events = text("/events?after=0&format=text&follow=false")
        self.assertIn("completed loss=1 p99_ms=612 violates p99_ms <= 500", events)
        explained = self.get("shown/trials/1/explain")
        self.assertIs(explained["feasible"], False)
        self.assertEqual(explained["constraints"][0]["excess"], 112)
        self.assertIn("p99_ms 612 violates p99_ms <= 500 by 112", text("/trials/1/explain?format=text"))
        self.assertIn("p99_ms was not reported", text("/trials/2/explain?format=text"))
        report = text("/report")
        self.assertIn("No trial is known to be feasible", report)
        self.assertIn("p99_ms &lt;= 500", report)
        paper = text("/paper?format=text")
        self.assertIn("subject to p99_ms at most 500", " ".join(paper.split()))

    def test_a_front_of_two_objectives_holds_feasible_trials_only(self):
        self.make("two", subject_to=P99, objectives=[{"metric": "loss", "direction": "minimize"},
                                                     {"metric": "size", "direction": "minimize"}])
        for loss, size, p99 in ((1, 1, 501), (2, 3, 1), (3, 2, 500)):
            self.finish("two", loss=loss, size=size, p99_ms=p99)
        self.assertEqual([t["number"] for t in self.get("two/pareto")["items"]], [2, 3])

    def test_a_bounded_metric_may_be_measured_at_any_step_of_any_attempt(self):
        self.make("steps", subject_to=P99, resource={"name": "epochs", "min": 1, "max": 9})
        lease = self.lease("steps")
        at = f"/v1/leases/{lease['lease']['id']}"
        self.worker.post(at + "/measurements", {"measurements": [
            {"step": 1, "metrics": {"loss": 3, "p99_ms": 100}}, {"step": 5, "metrics": {"loss": 2, "p99_ms": 600}}]})
        trial = self.put(lease, outcome="preempted")
        self.assertIs(trial["feasible"], False)
        lease = self.lease("steps")
        trial = self.put(lease, outcome="completed", step=9, metrics={"loss": 1})
        self.assertEqual((trial["number"], trial["feasible"]), (1, False))

    def test_an_objective_is_bounded_by_its_folded_value(self):
        self.make("fold", subject_to=["loss <= 2"], 
                  objectives=[{"metric": "loss", "direction": "minimize", "fold": "best"}])
        lease = self.lease("fold")
        self.worker.post(f"/v1/leases/{lease['lease']['id']}/measurements", {"measurements": [
            {"step": 1, "metrics": {"loss": 1}}, {"step": 2, "metrics": {"loss": 3}}]})
        trial = self.put(lease, outcome="completed")
        self.assertEqual((trial["value"], trial["feasible"]), (1, True))

    def test_what_failed_or_was_not_finite_is_told_as_far_as_it_is_known(self):
        self.make("odd", subject_to=P99)
        lease = self.lease("odd")
        trial = self.put(lease, outcome="failed", reason="oom", metrics={"p99_ms": 900})
        self.assertEqual((trial["state"], trial["feasible"]), ("failed", False))
        self.assertIsNone(self.finish("odd", loss=1, p99_ms="NaN")["feasible"])
        self.assertIs(self.finish("odd", loss=1, p99_ms="Infinity")["feasible"], False)

    def test_a_target_counts_feasible_trials_only(self):
        self.make("target", subject_to=P99, limits={"target": 1})
        self.finish("target", loss=0.5, p99_ms=501)
        self.finish("target", loss=0.5)
        self.assertEqual(self.get("target")["state"], "running")
        self.finish("target", loss=0.9, p99_ms=500)
        self.assertEqual((self.get("target")["state"], self.get("target")["reason"]), ("finished", "target"))

    def test_a_target_at_a_rung_takes_the_values_of_the_same_report(self):
        for p99, state in ((501, "running"), (500, "finished")):
            name = f"rung-{p99}"
            self.make(name, subject_to=P99, resource={"name": "epochs", "min": 1, "max": 9},
                             strategy="hyperband", limits={"target": 1})
            lease = self.lease(name)
            to = lease["trial"]["resource"]["to"]
            self.worker.post(f"/v1/leases/{lease['lease']['id']}/measurements",
                             {"measurements": [{"step": to, "metrics": {"loss": 0.5, "p99_ms": p99}}]})
            self.put(lease, outcome="completed")
            self.assertEqual(self.get(name)["state"], state)

    def test_imports_bring_their_bounded_metrics(self):
        self.make("brought", subject_to=P99)
        reply = self.client.post("/v1/studies/brought/trials", [
            {"state": "completed", "parameters": {"x": 0.1}, "metrics": {"loss": 1, "p99_ms": 501}},
            {"state": "completed", "parameters": {"x": 0.2}, "metrics": {"loss": 2, "p99_ms": 1}},
            {"state": "completed", "parameters": {"x": 0.3}, "metrics": {"loss": 0}},
            {"state": "completed", "parameters": {"x": 0.4}, "measurements": [
                {"step": 2, "metrics": {"loss": 3, "p99_ms": 9}}, {"step": 1, "metrics": {"p99_ms": 900}}]},
            {"state": "infeasible", "parameters": {"x": 0.5}, "metrics": {"p99_ms": 501}}])
        self.assertEqual(reply.status, 201, reply)
        trials = self.get("brought/trials")["items"]
        self.assertEqual([t["feasible"] for t in trials], [False, True, None, True, False])
        self.assertEqual(self.get("brought/best")["trial"]["number"], 2)

    def test_what_violates_is_not_taken_over_from_an_older_study(self):
        more = {"strategy": "bayesian", "subject_to": P99}
        for name, violating in (("older", 1), ("hopeless", 2)):
            self.make(name)
            self.client.post(f"/v1/studies/{name}/trials", [
                {"state": "completed", "parameters": {"x": 0.1 * i}, "metrics": {"loss": i, "p99_ms": 501 if i <= violating else 1}}
                for i in (1, 2)])
            self.client.patch(f"/v1/studies/{name}", {"state": "stopped"})
        self.make("newer", after=["older"], **more)
        self.assertAlmostEqual(self.lease("newer")["trial"]["parameters"]["x"], 0.2)
        refused = self.client.post("/v1/studies", hone.study("never", after=["hopeless"], **more))
        self.assertEqual((refused.status, refused.json["errors"][0]["pointer"]), (422, "/after/0"), refused)
        self.assertIn("subject_to", refused.body.decode())

    def test_suggestions_without_a_stored_study_take_bounded_metrics(self):
        trials = [{"state": "completed", "parameters": {"x": i / 9}, "metrics": {"loss": i, "p99_ms": 100 * i}}
                  for i in range(10)]
        body = {"study": hone.study("unused", subject_to=P99, strategy="bayesian"), "trials": trials}
        reply = self.client.post("/v1/suggest", body)
        self.assertEqual((reply.status, len(reply.json["items"])), (200, 1), reply)
        body["study"]["subject_to"] = ["p99_ms < 5"]
        refused = self.client.post("/v1/suggest", body)
        self.assertEqual((refused.status, refused.json["errors"][0]["pointer"]), (422, "/study/subject_to/0"), refused)

    def test_advice_keeps_the_bounds_and_refuses_bad_ones(self):
        body = {"parameters": hone.study("x")["parameters"], "metric": "loss", "direction": "minimize"}
        ready = self.client.post("/v1/advice", {**body, "subject_to": ["p99_ms <= 5"]}).json
        self.assertEqual(ready["items"][0]["study"]["subject_to"], ["p99_ms <= 5"])
        random = next(item for item in ready["items"] if item["study"]["strategy"]["name"] == "random")
        self.assertIn("does not learn where the constraint of subject_to holds", str(random["against"]))
        refused = self.client.post("/v1/advice", {**body, "subject_to": "p99_ms <= 5"})
        self.assertEqual((refused.status, refused.json["errors"][0]["pointer"]), (422, "/subject_to"))

    def test_a_trial_that_is_tried_again_begins_without_values(self):
        self.make("again", subject_to=P99)
        self.put(self.lease("again"), outcome="failed", metrics={"p99_ms": 900})
        self.client.post("/v1/studies/again/trials/1/retry", {})
        self.assertIsNone(self.get("again/trials/1")["feasible"])
        self.assertIs(self.finish("again", loss=1, p99_ms=1)["feasible"], True)


class Restarts(hone.ServedTest):
    def test_a_killed_server_knows_as_much_as_before(self):
        self.make("kept", subject_to=P99 + ["size >= 2"], strategy="bayesian", limits={"trials": 6})
        for i, p99 in enumerate((900, 100, 200)):
            self.put(self.lease("kept"), outcome="completed", metrics={"loss": i, "p99_ms": p99})
        lease = self.lease("kept")
        self.worker.post(f"/v1/leases/{lease['lease']['id']}/measurements",
                         {"measurements": [{"step": 1, "metrics": {"loss": 0.5, "size": 3}}]})
        paths = ["", "/best", "/trials", "/trials/1/explain", "/history", "/trials?sort=best"]
        before = [self.client.get(f"/v1/studies/kept{path}").json for path in paths]
        self.restart()
        after = [self.client.get(f"/v1/studies/kept{path}").json for path in paths]
        for path, was, found in zip(paths, before, after):
            self.assertEqual(found, was, path)
        trial = self.put(lease, outcome="completed", metrics={"p99_ms": 500})
        self.assertEqual((trial["number"], trial["feasible"]), (4, True))
        self.assertEqual(self.client.get("/v1/studies/kept/best").json["trial"]["number"], 4)
        self.assertEqual(self.client.get("/v1/studies/kept").json["feasible_trials"], 1)


if __name__ == "__main__":
    hone.main()
