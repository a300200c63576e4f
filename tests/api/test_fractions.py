#!/usr/bin/env python3
"""Resources in fractions, over HTTP: quarter epochs, the seconds of a clock, any eta above 1. Every
face shows a step as the decimal that it is, and a study of whole steps is what it was."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

QUARTERS = {"name": "epochs", "min": 0.25, "max": 16, "step": 0.25}
# The reads that show steps, in every format that there is.
FACES = ("trials", "trials/1", "trials/1/measurements", "trials/1/attempts", "best", "history",
         "brackets", "trials/1/explain")


class Fractions(hone.ServedTest):
    def lease_on(self, name, host):
        return self.worker.post(f"/v1/studies/{name}/leases", {"host": host, "worker": host}).json

    def report(self, lease, *points, **more):
        return self.worker.post(f"/v1/leases/{lease}/measurements", {
            "measurements": [{"step": step, "metrics": {"loss": loss}} for step, loss in points],
            **more})

    def resource(self, answer):
        return answer["trial"]["resource"]

    def levels(self, name):
        self.lease(name)
        view = self.client.get(f"/v1/studies/{name}/brackets").json
        return view["eta"], [rung["resource"] for rung in view["brackets"][0]["rungs"]]

    # ---- definitions ----

    def test_a_definition_says_what_steps_are_counted_in(self):
        for i, (given, kept) in enumerate([
                ({"min": 0.25, "max": 16}, {"step": 0.01, "unit": 0.00001}),
                ({"min": 0.25, "max": 16, "step": 0.25}, {"step": 0.25, "unit": 0.00001}),
                ({"min": 1, "max": 16, "step": 0.5}, {"step": 0.5, "unit": 0.0001}),
                ({"min": 10, "max": 600, "unit": 0.001}, {"step": 1, "unit": 0.001}),
                ({"min": 3, "max": 81, "step": 3}, {"step": 3}),
                ({"min": 1, "max": 81, "step": 1, "unit": 1}, {}),
                ({"min": 1.0, "max": 81}, {})]):
            with self.subTest(given):
                self.make(f"d{i}", strategy="hyperband", resource={"name": "r", **given})
                resource = self.client.get(f"/v1/studies/d{i}").json["resource"]
                self.assertEqual(resource, {"name": "r", "min": given["min"], "max": given["max"],
                                            **kept})
                # sent again, and as it was answered, it is the same study
                for again in (given, resource):
                    body = hone.study(f"d{i}", strategy="hyperband", resource={"name": "r", **again})
                    self.assertEqual(self.client.post("/v1/studies", body).status, 200, again)

    def test_rungs_by_any_eta(self):
        for i, (strategy, resource, eta, levels) in enumerate([
                ("hyperband", QUARTERS, 3, [0.5, 1.75, 5.25, 16]),
                ({"name": "hyperband", "eta": 2.5}, QUARTERS, 2.5, [0.5, 1, 2.5, 6.5, 16]),
                ({"name": "bohb", "eta": 2.5}, QUARTERS, 2.5, [0.5, 1, 2.5, 6.5, 16]),
                ({"name": "successive_halving", "bracket": 1}, QUARTERS, 3, [5.25, 16]),
                ({"name": "asha", "eta": 4}, QUARTERS, 4, [0.25, 1, 4, 16]),
                ({"name": "asha", "mode": "stopping", "eta": 2.5}, QUARTERS, 2.5,
                 [0.25, 0.5, 1, 2.5, 6.5, 16]),
                ({"name": "asha", "mode": "predictive"}, QUARTERS, 3, [1.75, 3, 5.25, 9.25, 16]),
                ({"name": "hyperband", "eta": 1.5}, {"min": 1, "max": 5, "step": 0.1}, 1.5,
                 [1.5, 2.2, 3.3, 5]),
                # 0.1 times 3 is 0.3
                ({"name": "asha", "eta": 1.2}, {"min": 0.1, "max": 0.3, "step": 0.1}, 1.2,
                 [0.1, 0.2, 0.3]),
                ({"name": "hyperband", "eta": 2.718281828459045}, {"max": 1000}, 2.718281828459045,
                 [2, 7, 18, 50, 135, 368, 1000])]):
            with self.subTest(strategy):
                self.make(f"e{i}", strategy=strategy, resource=resource)
                self.assertEqual(self.levels(f"e{i}"), (eta, levels))

    def test_a_default_step_keeps_rungs_apart(self):
        self.make("s", strategy={"name": "hyperband", "eta": 1.05},
                  resource={"min": 0.5, "max": 1.5})
        self.assertEqual(self.client.get("/v1/studies/s").json["resource"]["step"], 0.01)
        _, levels = self.levels("s")
        self.assertEqual(levels, sorted(set(levels)))
        self.assertEqual((levels[-1], len(levels)), (1.5, 23))

    # ---- a trial's life ----

    def test_a_trial_in_quarters(self):
        self.make("q", strategy={"name": "successive_halving", "eta": 2.5, "bracket": 1, "rounds": 1},
                  resource=QUARTERS, limits={"resource": 60.5})
        first = self.lease_on("q", "n")
        self.assertEqual(self.resource(first),
                         {"name": "epochs", "from": 0, "to": 6.5, "unit": 0.00001})
        name = first["lease"]["id"]
        reply = self.report(name, (0.25, 4), (0.5, 3), (0.7999999999999999, 2), (6.5, 1))
        self.assertEqual((reply.status, reply.json["action"], reply.json["until"]),
                         (200, "pause", 6.5), reply)
        self.assertEqual(self.client.get("/v1/workers").json["items"][0]["leases"][0]["step"], 6.5)
        done = self.worker.put(f"/v1/leases/{name}/result", {
            "outcome": "completed", "step": 6.5, "checkpoint": {"uri": "/x", "step": 6.25}})
        self.assertEqual((done.json["trial"]["state"], done.json["trial"]["step"]), ("paused", 6.5))
        again = self.worker.put(f"/v1/leases/{name}/result", {
            "outcome": "completed", "step": 6.5, "checkpoint": {"uri": "/x", "step": 6.25}})
        self.assertEqual(again.status, 200, again)
        self.assertEqual([m["step"] for m in
                          self.client.get("/v1/studies/q/trials/1/measurements").json["items"]],
                         [0.25, 0.5, 0.8, 6.5])
        for lease in [self.lease("q")["lease"]["id"] for _ in range(6)]:
            self.worker.put(f"/v1/leases/{lease}/result",
                            {"outcome": "completed", "step": 6.5, "metrics": {"loss": 9}})
        self.restart()
        second = self.lease_on("q", "n")
        self.assertEqual(second["trial"]["number"], 1)
        self.assertEqual(self.resource(second),
                         {"name": "epochs", "from": 6.25, "to": 16, "unit": 0.00001})
        self.assertEqual(second["trial"]["checkpoint"],
                         {"uri": "/x", "step": 6.25, "reach": "any"})
        lease = second["lease"]["id"]
        text = self.worker.put(f"/v1/leases/{lease}?format=text", {}).body.decode()
        self.assertEqual(text, "continue 16\n")
        self.worker.put(f"/v1/leases/{lease}/result",
                        {"outcome": "completed", "step": 16, "metrics": {"loss": 0.5}})
        self.check_faces()

    def check_faces(self):
        """Internal units are seen nowhere: 650000 or 1600000 in no format of any read."""
        for face in FACES:
            for form in ("json", "csv", "text", "table", "ndjson"):
                reply = self.client.get(f"/v1/studies/q/{face}?format={form}")
                if reply.status == 200:
                    self.assertNotRegex(reply.body.decode(), r"(?<![.\d])(\d{5,6}|[1-9]\d*00000)\b", (face, form))
        attempts = self.client.get("/v1/studies/q/trials/1/attempts").json["items"]
        self.assertEqual([(a["from"], a["to"], a["step"]) for a in attempts],
                         [(0, 6.5, 6.5), (6.25, 16, 16)])
        self.assertEqual(attempts[0]["checkpoint"]["step"], 6.25)
        self.assertEqual(self.client.get("/v1/studies/q/best").json["resource"], 16)
        lines = self.client.get("/v1/studies/q/trials/1/measurements?format=csv").body.decode().splitlines()
        self.assertEqual(lines[:4], ["attempt,step,loss", "1,0.25,4", "1,0.5,3", "1,0.8,2"])
        why = self.client.get("/v1/studies/q/trials/1/explain").json["schedule"]
        self.assertEqual([h["step"] for h in why["history"] if h["event"] == "value"], [6.5, 16])
        self.assertIn(" at 6.5 epochs was number 1 of ", json.dumps(why))
        view = self.client.get("/v1/studies/q/brackets").json
        self.assertEqual((view["trained"], view["full_training"]), (6 * 6.5 + 16, 7 * 16))

    def test_a_worker_of_five_lines_of_shell(self):
        self.make("s", strategy={"name": "asha"}, resource=QUARTERS)
        lines = self.worker.post("/v1/studies/s/leases?format=sh", {}).body.decode().splitlines()
        self.assertIn("export HONE_RESOURCE_FROM='0'", lines)
        self.assertIn("export HONE_RESOURCE_TO='0.25'", lines)

    def test_a_clock_has_many_digits(self):
        self.make("c", strategy={"name": "asha"},
                  resource={"name": "seconds", "min": 10, "max": 90, "unit": 0.001})
        lease = self.lease("c")["lease"]["id"]
        reply = self.report(lease, (3.14159265358979, 3), (3.1416, 2.5), (3.1425, 2))
        self.assertEqual((reply.json["duplicate"], reply.json["conflict"]), (0, 1), reply)
        reply = self.report(lease, (3.1421, 1.75), replace=True)  # the last value of a step counts
        self.assertEqual(reply.json["replaced"], 1, reply)
        self.assertEqual([(m["step"], m["metrics"]["loss"]) for m in
                          self.client.get("/v1/studies/c/trials/1/measurements").json["items"]],
                         [(3.142, 1.75), (3.143, 2)])

    def test_trials_of_a_clock_are_compared_at_one_level(self):
        """The best is the one of lower loss, not the one whose last report came a moment later."""
        self.make("b", strategy={"name": "asha", "search": "tpe"},
                  resource={"name": "seconds", "min": 9, "max": 90, "step": 1, "unit": 0.001})
        for step, loss in ((10.013, 1), (10.001, 0.5), (10.87, 0.75)):
            lease = self.lease("b")["lease"]["id"]
            reply = self.worker.put(f"/v1/leases/{lease}/result", {
                "outcome": "completed", "step": step, "metrics": {"loss": loss, "acc": 1 - loss}})
            self.assertEqual(reply.json["trial"]["state"], "paused", reply)
        best = self.client.get("/v1/studies/b/best").json
        self.assertEqual((best["trial"]["number"], best["trial"]["step"], best["resource"]),
                         (2, 10.001, 10))
        weighed = self.client.get("/v1/studies/b/importance").json
        self.assertEqual((weighed["resource"], weighed["trials"]), (10, 3))
        weighed = self.client.get("/v1/studies/b/importance?metric=acc&direction=maximize").json
        self.assertEqual((weighed["resource"], weighed["trials"]), (10, 3))

    def test_a_fraction_of_a_whole_step_is_refused(self):
        self.make("w", strategy={"name": "asha"}, resource={"name": "epochs", "max": 9})
        lease = self.lease("w")
        self.assertEqual(self.resource(lease), {"name": "epochs", "from": 0, "to": 1})
        lease = lease["lease"]["id"]
        reply = self.report(lease, (1, 1), (2.5, 1))
        self.assertEqual((reply.status, reply.json["errors"][0]["pointer"]),
                         (422, "/measurements/1/step"), reply)
        self.assertIn('"unit"', reply.json["errors"][0]["detail"])
        for pointer, body in (("/step", {"step": 0.5}),
                              ("/checkpoint/step", {"checkpoint": {"uri": "/x", "step": 0.5}})):
            reply = self.worker.put(f"/v1/leases/{lease}/result",
                                    {"outcome": "completed", "metrics": {"loss": 1}, **body})
            self.assertEqual((reply.status, reply.json["errors"][0]["pointer"]), (422, pointer))
        self.assertEqual(self.report(lease, (1, 1)).json["action"], "pause")

    # ---- beside trials ----

    def test_imports_and_limits(self):
        self.make("i", strategy="bayesian", resource={"name": "epochs", "min": 0.5, "max": 2.5},
                  limits={"resource": 100.25})
        reply = self.client.post("/v1/studies/i/trials", [
            {"parameters": {"x": 0.5}, "state": "pruned", "step": 0.75, "metrics": {"loss": 1}},
            {"parameters": {"x": 0.6}, "state": "completed",
             "measurements": [{"step": 1.25, "metrics": {"loss": 3}},
                              {"step": 2.5, "metrics": {"loss": 2}}]}])
        self.assertEqual(reply.status, 201, reply)
        self.assertEqual([row["step"] for row in self.client.get("/v1/studies/i/trials").json["items"]],
                         [0.75, 2.5])
        reply = self.client.post("/v1/studies/i/trials", {"parameters": {"x": 0.5}, "state": "pruned",
                                                          "step": 3.5, "metrics": {"loss": 1}})
        self.assertEqual(reply.json["errors"][0]["pointer"], "/step", reply)
        self.assertIn("2.5", reply.json["errors"][0]["detail"])
        reply = self.client.patch("/v1/studies/i", {"limits": {"resource": 0.5}})
        self.assertEqual((reply.status, reply.json["limits"]["resource"]), (200, 0.5), reply)
        reply = self.client.patch("/v1/studies/i", {"limits": {"resource": 0.50001}})
        self.assertEqual((reply.status, reply.json["errors"][0]["pointer"]),
                         (422, "/limits/resource"), reply)

    def test_advice_in_fractions(self):
        body = hone.study("a", resource=QUARTERS, strategy={"name": "hyperband", "eta": 2.5},
                          limits={"trials": 20})
        reply = self.client.post("/v1/advice", {**body, "evaluation_seconds": 60})
        asked = reply.json["items"][reply.json["asked"] - 1]
        rungs = [[(r["trials"], r["resource"]) for r in b["rungs"]] for b in asked["brackets"]]
        self.assertEqual(rungs[0], [(40, 0.5), (16, 1), (6, 2.5), (2, 6.5), (1, 16)])
        text = self.client.post("/v1/advice?format=text", {**body, "evaluation_seconds": 60}).body
        self.assertIn("40@0.5 16@1 6@2.5 2@6.5 1@16", text.decode())
        self.assertEqual(asked["study"]["limits"]["resource"], 20 * 16)
        self.assertEqual(self.client.post("/v1/studies", asked["study"]).status, 201)


if __name__ == "__main__":
    hone.main()
