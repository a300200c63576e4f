#!/usr/bin/env python3
"""Finished trials are imported over HTTP: in every final state, and from outside the space."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

X = [{"name": "x", "type": "float", "low": 0, "high": 1}]


class Import(hone.ServedTest):
    def add(self, name, *trials):
        reply = self.client.post(f"/v1/studies/{name}/trials", list(trials))
        self.assertEqual(reply.status, 201, reply)

    def get(self, path):
        return self.client.get(f"/v1/studies/{path}").json

    def test_every_metric_has_its_column(self):
        self.make("s")
        self.add("s", {"parameters": {"x": 0.5}, "state": "completed",
                       "metrics": {"loss": 1, "acc": 0.25}})
        lines = self.client.get("/v1/studies/s/export?format=csv").body.decode().splitlines()
        row = dict(zip(lines[0].split(","), lines[1].split(",")))
        self.assertEqual((row["metrics.loss"], row["metrics.acc"]), ("1", "0.25"))
        many = {f"m{i}": i for i in range(64)}
        reply = self.client.post("/v1/studies/s/trials", {"parameters": {"x": 0.5}, "state": "completed",
                                                          "metrics": {"loss": 1, **many}})
        self.assertEqual((reply.status, reply.json["errors"][0]["pointer"]), (422, "/metrics"), reply)

    def test_every_final_state(self):
        self.make("s", resource={"name": "epochs", "min": 1, "max": 9},
                  strategy="bayesian", limits={"failures": 2})
        self.add("s", {"parameters": {"x": 0.1}, "state": "failed"},
                 {"parameters": {"x": 0.2}, "state": "infeasible", "metrics": {"memory": 9}},
                 {"parameters": {"x": 0.3}, "state": "pruned", "metrics": {"loss": 4}, "step": 3},
                 {"parameters": {"x": 0.4}, "state": "pruned",
                  "measurements": [{"step": 2, "metrics": {"loss": 6}},
                                   {"step": 1, "metrics": {"loss": 7}}]},
                 {"parameters": {"x": 0.5}, "state": "completed",
                  "measurements": [{"step": 9, "metrics": {"loss": 2}}]},
                 {"parameters": {"x": 0.6}, "state": "failed"},
                 {"parameters": {"x": 0.7}, "state": "pruned", "metrics": {"loss": "NaN"},
                  "step": 2})
        self.assertEqual(
            [(row["state"], row["value"], row["step"], row["source"], row["outside"])
             for row in self.get("s/trials")["items"]],
            [("failed", None, None, "imported", False), ("infeasible", None, None, "imported", False),
             ("pruned", 4, 3, "imported", False), ("pruned", 6, 2, "imported", False),
             ("completed", 2, 9, "imported", False), ("failed", None, None, "imported", False),
             ("pruned", "NaN", 2, "imported", False)])
        self.assertEqual(self.get("s/trials/3/measurements")["items"],
                         [{"attempt": 0, "step": 3, "metrics": {"loss": 4}}])
        self.assertEqual(self.get("s/best")["trial"]["number"], 5)
        for _ in range(2):  # two failures were imported, and the limit is two
            self.assertEqual(self.get("s")["state"], "running")
            self.assertIsNotNone(self.lease("s")["lease"])
            self.restart()

    def test_own_failures_are_still_counted(self):
        self.make("s", limits={"failures": 2})
        self.add("s", {"parameters": {"x": 0.1}, "state": "failed"})
        self.put(self.lease("s"), outcome="failed")
        self.restart()
        self.assertEqual(self.get("s")["state"], "running")
        self.put(self.lease("s"), outcome="failed")
        self.assertEqual((self.get("s")["state"], self.get("s")["reason"]),
                         ("finished", "failures"))

    def test_a_model_sees_imported_trials_as_its_own(self):
        more = {"strategy": {"name": "bayesian", "serving": "exact"}, "seed": 3,
                "resource": {"name": "epochs", "min": 1, "max": 4},
                "stopping": {"rule": "threshold", "step": 2, "value": 5}}
        self.make("own", **more)
        self.make("imported", **more)
        for i in range(12):
            parameters = {"x": i / 12}
            steps = 2 if i % 4 == 1 else 4
            curve = [{"step": step, "metrics": {"loss": 9 - step if steps == 2 else i / step}}
                     for step in range(1, steps + 1)]
            state = ["completed", "pruned", "failed", "infeasible"][i % 4]
            self.add("own", {"parameters": parameters})
            lease = self.lease("own")
            if i % 4 < 2:
                self.worker.post(f"/v1/leases/{lease['lease']['id']}/measurements",
                                 {"measurements": curve})
                row = self.put(lease, outcome="completed", step=steps)
            else:
                row = self.put(lease, outcome=state)
            self.assertEqual(row["state"], state)
            self.add("imported", {"parameters": parameters, "state": state,
                                  **({"measurements": curve} if i % 4 < 2 else {})})
            again = self.get(f"imported/trials/{i + 1}")
            if i % 4 < 2:
                self.assertEqual((row["value"], row["step"]), (again["value"], again["step"]))
        self.assertEqual(self.lease("own")["trial"]["parameters"],
                         self.lease("imported")["trial"]["parameters"])

    def test_outside(self):
        self.make("s", parameters=[{"name": "n", "type": "int", "low": 1, "high": 2},
                                   {"name": "k", "type": "categorical", "choices": ["a"]}],
                  constraints=["n >= 1"])
        self.add("s", {"parameters": {"n": 7, "k": "a"}, "state": "completed",
                       "metrics": {"loss": -9}, "outside": True},
                 {"parameters": {"n": -7, "k": "a"}, "state": "failed", "outside": True})
        self.assertEqual([(row["parameters"], row["outside"])
                          for row in self.get("s/trials")["items"]],
                         [({"n": 7, "k": "a"}, True), ({"n": -7, "k": "a"}, True)])
        self.assertIn("1,completed,,-9,0,0,,imported,,false,true,",
                      self.client.get("/v1/studies/s/export?format=csv").body.decode())
        self.assertIsNone(self.get("s/best")["trial"])
        self.assertEqual(self.get("s/pareto")["items"], [])
        self.assertEqual(self.get("s/history")["items"], [])
        self.restart()
        tried = set()
        for _ in range(2):
            lease = self.lease("s")
            tried.add(lease["trial"]["parameters"]["n"])
            self.put(lease, outcome="completed", metrics={"loss": 5})
        self.assertEqual(tried, {1, 2})
        self.assertEqual(self.get("s")["reason"], "exhausted")
        self.assertEqual(self.get("s/best")["trial"]["number"], 3)
        self.assertEqual(len(self.get("s/history")["items"]), 1)

    def test_models_bear_what_lies_outside(self):
        space = [{"name": "lr", "type": "float", "low": 0.01, "high": 1, "scale": "log"},
                 {"name": "n", "type": "int", "low": 1, "high": 9},
                 {"name": "d", "type": "float", "low": 0, "high": 1, "step": 0.25}]
        far = [{"parameters": {"lr": 10.0 ** (3 * i - 9), "n": 40 * i - 100, "d": i / 7 - 0.3},
                "state": ["completed", "failed", "infeasible"][i % 3], "outside": True,
                "metrics": {"loss": i}} for i in range(9)]
        for strategy in ("bayesian", "tpe"):
            shown = []
            for name, restarts in ((strategy, False), (strategy + "-again", True)):
                self.make(name, parameters=space, seed=2,
                          strategy={"name": strategy, "serving": "exact"})
                self.add(name, *far)
                for i in range(6):
                    lease = self.lease(name)
                    values = lease["trial"]["parameters"]
                    self.assertTrue(0.01 <= values["lr"] <= 1 and 1 <= values["n"] <= 9
                                    and values["d"] in (0, 0.25, 0.5, 0.75, 1), values)
                    shown.append(values)
                    self.put(lease, outcome="completed", metrics={"loss": i})
                    if restarts:
                        self.restart()
            self.assertEqual(shown[:6], shown[6:])

    def test_refused(self):
        self.make("s", parameters=[*X, {"name": "k", "type": "categorical", "choices": ["a", "b"],
                                        "default": "a"},
                                   {"name": "lr", "type": "float", "low": 1, "high": 2,
                                    "scale": "log", "default": 1}],
                  resource={"name": "epochs", "min": 1, "max": 9}, constraints=["x * lr <= 1"])
        done = {"parameters": {"x": 0.5}, "state": "completed", "metrics": {"loss": 1}}
        for trial, pointers in (
                ({**done, "state": "running"}, ["/state"]),
                ({**done, "state": "cancelled"}, ["/state"]),
                ({**done, "state": "pruned"}, ["/step"]),
                ({**done, "state": "pruned", "step": 10}, ["/step"]),
                ({**done, "state": "pruned", "step": 3, "metrics": {}}, ["/metrics"]),
                ({**done, "state": "pruned", "metrics": {}, "step": 3, "measurements":
                  [{"step": 4, "metrics": {"loss": 1}}]}, ["/metrics"]),
                ({**done, "metrics": {}}, ["/metrics"]),
                ({"parameters": {"x": 0.5}, "step": 3}, ["/step"]),
                ({"parameters": {"x": 5}, "outside": True}, ["/outside", "/parameters/x"]),
                ({**done, "parameters": {"x": 5}}, ["/outside", "/parameters/x"]),
                ({**done, "parameters": {"x": 1, "lr": 2}}, ["/outside", "/parameters"]),
                ({**done, "parameters": {"x": 5, "k": "c"}}, ["/parameters/k", "/parameters/x"]),
                ({**done, "parameters": {"x": 5, "k": "c"}, "outside": True}, ["/parameters/k"]),
                ({**done, "parameters": {"x": 5, "lr": 0}, "outside": True}, ["/parameters/lr"]),
                ({**done, "parameters": {"x": "5"}, "outside": True}, ["/parameters/x"]),
                ({**done, "parameters": {"y": 5}, "outside": True},
                 ["/parameters/x", "/parameters/y"]),
                ({**done, "measurements": [{"step": -1, "metrics": {"loss": 1}}]},
                 ["/measurements/0/step"]),
                ({**done, "metrics": {"loss": "much"}}, ["/metrics"]),
                ({**done, "metrics": {"loss": 1, **{f"m{i}": i for i in range(64)}}}, ["/metrics"])):
            reply = self.client.post("/v1/studies/s/trials", trial)
            self.assertEqual(reply.status, 422, (trial, reply))
            self.assertEqual(sorted(fault["pointer"] for fault in reply.json["errors"]), pointers,
                             trial)
        listed = self.client.post("/v1/studies/s/trials", [
            done, {**done, "measurements": [{"step": 1, "metrics": {}}, {"step": 0.5}, {"stp": 1}]}])
        self.assertEqual({fault["pointer"].rsplit("/", 1)[0] for fault in listed.json["errors"]},
                         {"/1/measurements/0", "/1/measurements/1", "/1/measurements/2"}, listed)
        self.assertEqual(self.get("s/trials")["items"], [])

    def test_a_body_of_many_names_is_refused_at_once(self):
        """Trials are read where all others wait to be written: nothing may cost the square of a body."""
        self.make("s")
        many = {f"m{i}": i for i in range(100000)}
        done = {"parameters": {"x": 0.5}, "state": "pruned", "step": 1, "metrics": {"loss": 1}}
        for trial in ({**done, "metrics": {"loss": 1, **many}}, {**done, **many}):
            reply = self.client.post("/v1/studies/s/trials", trial)
            self.assertEqual(reply.status, 422, reply)


if __name__ == "__main__":
    hone.main()
