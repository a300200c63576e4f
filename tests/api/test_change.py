#!/usr/bin/env python3
"""A study is changed over HTTP: several things in one request, all of them or none.

The rules of limits, states and exhausted studies are in tests/replay: patch-together,
patch-exhausted."""

import contextlib
import json
import os
import re
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402


class Change(hone.ServedTest):
    def test_all_in_one_event_and_revision(self):
        self.make("s", limits={"trials": 1})
        self.run_one("s", outcome="completed", metrics={"loss": 1})
        self.assertEqual(self.client.get("/v1/studies/s").json["state"], "finished")
        body = {"limits": {"trials": 3}, "state": "paused",
                "enqueue": [{"parameters": {"x": 0.25}}, {"parameters": {"x": 0.5}}]}
        reply = self.client.patch("/v1/studies/s", body, headers={"If-Match": '"1"',
                                                                  "Idempotency-Key": "k"})
        self.assertEqual(reply.status, 200, reply)
        study = reply.json
        self.assertEqual((study["state"], study["revision"], study["limits"]["trials"],
                          study["counts"]["queued"], study["enqueued"]),
                         ("paused", 2, 3, 2, [{"number": 2}, {"number": 3}]))
        again = self.client.patch("/v1/studies/s", body, headers={"If-Match": '"1"',
                                                                  "Idempotency-Key": "k"})
        self.assertEqual((again.status, again.json["enqueued"]), (200, study["enqueued"]))
        self.assertEqual(self.client.patch("/v1/studies/s", body,
                                           headers={"If-Match": '"1"'}).status, 412)
        self.assertNotIn("enqueued", self.client.patch("/v1/studies/s", {"state": "running"}).json)
        self.assertEqual(self.run_one("s", outcome="completed",
                                      metrics={"loss": 2})["trial"]["parameters"], {"x": 0.25})

    def test_a_study_made_again_has_no_revision_of_the_one_before(self):
        """A tag of the study that was deleted would change the other one."""
        self.make("s", limits={"trials": 1})
        first = self.client.get("/v1/studies/s").headers["etag"]
        second = self.client.patch("/v1/studies/s", {"limits": {"trials": 2}}).headers["etag"]
        self.assertEqual(self.client.delete("/v1/studies/s?force=true").status, 204)
        self.make("other")
        self.assertEqual(self.client.get("/v1/studies/other").json["revision"], 1)
        for newest in (3, 4):
            self.make("s", limits={"trials": 3})
            self.assertEqual(self.client.get("/v1/studies/s").json["revision"], newest)
            for tag in (first, second):
                reply = self.client.patch("/v1/studies/s", {"limits": {"trials": 9}}, headers={"If-Match": tag})
                self.assertEqual(reply.status, 412, reply)
            self.assertEqual(self.client.delete("/v1/studies/s?force=true").status, 204)

    def test_what_is_refused_changes_nothing(self):
        self.make("s", limits={"trials": 5})
        before = self.client.get("/v1/studies/s").json
        more = {"limits": {"trials": 9}, "state": "paused"}
        for body, status, pointer in (
                ({"enqueue": [{"parameters": {"x": 0.1}}, {"parameters": {"x": 7}}]}, 422,
                 "/enqueue/1/parameters/x"),
                ({"enqueue": [{"parameters": {"x": 0.1}, "state": "completed",
                               "metrics": {"loss": 1}}]}, 422, "/enqueue/0/state"),
                ({"enqueue": []}, 422, "/enqueue"),
                ({"enqueue": {"parameters": {"x": 0.1}}}, 422, "/enqueue"),
                ({"enqueue": None}, 422, "/enqueue"),
                ({"enqueue": [{"parameters": {"x": 0.1}}], "state": "finished"}, 422, "/state"),
                ({"enqueue": [{"parameters": {"x": 0.1}}], "seed": 3}, 422, "/seed"),
                ({"enqueue": [{"parameters": {"x": 0.1}}], "state": "stopped"}, 409, None)):
            reply = self.client.patch("/v1/studies/s", {**more, **body})
            self.assertEqual(reply.status, status, (body, reply))
            if pointer is not None:
                self.assertIn(pointer, [fault["pointer"] for fault in reply.json["errors"]])
        self.assertEqual(self.client.get("/v1/studies/s").json, before)

    def test_constraints_are_tried_only_for_another_space(self):
        """Those of an old study may be ones that are refused today, and the writer has better to do."""
        self.make("s", constraints=["x < 0.5"])
        self.server.kill()
        slow = ["x" + " + x" * 250 + " >= 0"] * 63 + ["x < 0.0003"]
        with contextlib.closing(sqlite3.connect(os.path.join(self.server.data, "hone.db"))) as db, db:
            text = db.execute("SELECT definition FROM study").fetchone()[0]
            db.execute("UPDATE study SET definition = ?", (json.dumps({**json.loads(text), "constraints": slow}),))
        self.server.start()
        self.connect()
        shown = self.client.get("/v1/studies/s").json
        self.assertEqual(shown["constraints"], slow)
        same = shown["parameters"]
        for body in ({"priority": 2}, {"limits": {"trials": 7}, "parameters": same}, {"state": "paused"}):
            reply = self.client.patch("/v1/studies/s", body)
            self.assertEqual(reply.status, 200, reply)
        reply = self.client.patch("/v1/studies/s", {"parameters": [{**same[0], "high": same[0]["high"] * 2}]})
        self.assertEqual((reply.status, reply.json["errors"][0]["pointer"]), (422, "/constraints"), reply)

    def patch(self, name, **body):
        reply = self.client.patch(f"/v1/studies/{name}", body)
        self.assertEqual(reply.status, 200, reply)
        return reply.json

    SPACE = [{"name": "lr", "type": "float", "low": 0.001, "high": 1, "scale": "log"},
             {"name": "k", "type": "categorical", "choices": ["a", "b"]},
             {"name": "n", "type": "int", "low": 1, "high": 64, "when": {"k": ["b"]}}]
    WIDER = [{"name": "lr", "type": "float", "low": 0.01, "high": 10, "scale": "log"},
             {"name": "k", "type": "categorical", "choices": ["a", "b", "c"]},
             {"name": "n", "type": "int", "low": 8, "high": 32, "when": {"k": ["b"]}},
             {"name": "drop", "type": "float", "low": 0, "high": 0.9, "old_value": 0},
             {"name": "size", "type": "ordinal", "choices": ["s", "l"], "default": "l",
              "when": {"k": ["a", "c"]}},
             {"name": "amp", "type": "constant", "value": True}]

    def play_space(self, name, restarts, **more):
        """Eight trials, another space, six trials: what was suggested then."""
        self.make(name, parameters=self.SPACE, seed=4, **more)
        for i in range(8):
            self.run_one(name, outcome="failed" if i == 3 else "completed", metrics={"loss": 9 - i})
        running = self.worker.post(f"/v1/studies/{name}/leases", {}).json
        self.patch(name, parameters=self.WIDER)
        shown = []
        for i in range(6):
            if restarts:
                self.restart()
            lease = self.run_one(name, outcome="completed", metrics={"loss": i})
            shown.append(lease["trial"]["parameters"])
        self.worker.put(f"/v1/leases/{running['lease']['id']}/result",
                        {"outcome": "completed", "metrics": {"loss": 5}})
        shown.append(self.run_one(name, outcome="completed", metrics={"loss": 5}))
        return shown[:6] + [shown[6]["trial"]["parameters"]]

    def test_a_restart_after_another_space_changes_no_suggestion(self):
        for strategy in ({"name": "bayesian", "serving": "exact"},
                         {"name": "tpe", "serving": "exact"}, "random"):
            name = strategy if isinstance(strategy, str) else strategy["name"]
            shown = self.play_space(name, False, strategy=strategy)
            self.assertEqual(shown, self.play_space(name + "-again", True, strategy=strategy))
            for values in shown:
                self.assertTrue(0.01 <= values["lr"] <= 10 and 0 <= values["drop"] <= 0.9
                                and 8 <= values.get("n", 8) <= 32, values)
                self.assertIn("amp", values)
            rows = self.client.get(f"/v1/studies/{name}/trials?limit=1000").json["items"]
            for row in rows[:8]:
                values = row["parameters"]
                self.assertEqual(values["drop"], 0)
                self.assertEqual(values.get("size"), "l" if values["k"] == "a" else None)
                self.assertEqual("n" in values, values["k"] == "b")
                self.assertEqual(row["outside"],
                                 values["lr"] < 0.01 or not 8 <= values.get("n", 8) <= 32)
            self.assertTrue(any(row["outside"] for row in rows[:8]))
            self.assertFalse(any(row["outside"] for row in rows[9:]))
            self.assertFalse(self.client.get(f"/v1/studies/{name}/best").json["trial"]["outside"])
            self.assertNotIn("old_value", self.client.get(f"/v1/studies/{name}").body.decode())

    LISTS = [{"name": "k", "type": "categorical", "choices": ["a", "b", "c", None]},
             {"name": "o", "type": "ordinal", "choices": ["s", "m", "l"]},
             {"name": "v", "type": "int", "values": [1, 2, 4, 8]},
             {"name": "n", "type": "int", "low": 1, "high": 4, "when": {"k": ["b", "c"]}},
             {"name": "x", "type": "float", "low": 0, "high": 1}]
    FEWER = [{**LISTS[0], "choices": ["c", None, "d"]}, {**LISTS[1], "choices": ["s", "l"]},
             {**LISTS[2], "values": [2, 8, 16]}, *LISTS[3:]]
    GONE = {("k", "a"), ("k", "b"), ("o", "m"), ("v", 1), ("v", 4)}

    def play_lists(self, name, restarts, **more):
        self.make(name, parameters=self.LISTS, seed=4, **more)
        for i in range(12):
            self.run_one(name, outcome="failed" if i == 3 else "completed", metrics={"loss": 12 - i})
        running = self.lease(name)
        self.patch(name, parameters=self.FEWER)
        shown = []
        for i in range(8):
            if restarts:
                self.restart()
            shown.append(self.run_one(name, outcome="completed",
                                      metrics={"loss": 20 + i})["trial"]["parameters"])
        self.put(running, outcome="completed", metrics={"loss": 5})
        return shown

    def test_removed_choices_stay_as_evidence_and_are_not_suggested(self):
        for strategy in ({"name": "bayesian", "serving": "exact"},
                         {"name": "tpe", "serving": "exact"}, "random", "quasirandom"):
            name = strategy if isinstance(strategy, str) else strategy["name"]
            shown = self.play_lists(name, False, strategy=strategy)
            self.assertEqual(shown, self.play_lists(name + "-again", True, strategy=strategy))
            for values in shown:
                self.assertFalse(self.GONE & set(values.items()), values)
                self.assertEqual("n" in values, values["k"] == "c")
            rows = self.client.get(f"/v1/studies/{name}/trials?limit=100").json["items"]
            for row in rows[:12]:
                self.assertEqual(row["outside"], bool(self.GONE & set(row["parameters"].items())))
            self.assertTrue(any(row["outside"] for row in rows[:12]))
            self.assertFalse(self.client.get(f"/v1/studies/{name}/best").json["trial"]["outside"])
            self.assertEqual(self.client.get(f"/v1/studies/{name}/importance").status, 200)
            self.check_copy(name, rows)

    def check_copy(self, name, rows):
        """The study as it is shown, with its trials, is another study."""
        shown = self.client.get(f"/v1/studies/{name}").json
        self.assertEqual(shown["parameters"][0]["removed"],
                         [{"index": 0, "value": "a"}, {"index": 1, "value": "b"}])
        self.assertEqual(shown["parameters"][2]["values"], [2, 8, 16])
        self.make(name + "-copy", **{key: shown[key] for key in ("parameters", "strategy", "seed")})
        trials = [{"parameters": row["parameters"], "state": row["state"],
                   "metrics": row["metrics"], "outside": row["outside"]} for row in rows if row["state"] == "completed"]
        reply = self.client.post(f"/v1/studies/{name}-copy/trials", trials)
        self.assertEqual(reply.status, 201, reply)
        copied = self.client.get(f"/v1/studies/{name}-copy/trials?limit=100").json["items"]
        self.assertEqual([(row["parameters"], row["outside"]) for row in copied],
                         [(row["parameters"], row["outside"]) for row in rows
                          if row["state"] == "completed"])
        csv = self.client.get(f"/v1/studies/{name}/export?format=csv").body.decode()
        self.assertIn(",b,", csv)

    def test_removed_choices_come_back_where_they_were(self):
        self.make("s", parameters=self.LISTS)
        self.run_one("s", outcome="completed", metrics={"loss": 1})
        before = self.client.get("/v1/studies/s/trials/1").json["parameters"]
        shown = self.patch("s", parameters=self.FEWER)["parameters"]
        self.assertEqual(self.patch("s", parameters=shown)["revision"], 2)  # as it is shown
        more = self.patch("s", parameters=[{**self.LISTS[0], "choices": ["b", "c", None, "d"]},
                                           *shown[1:]])["parameters"]
        self.assertEqual(more[0]["removed"], [{"index": 0, "value": "a"}])
        whole = self.patch("s", parameters=[
            {**self.LISTS[0], "choices": ["a", "b", "c", None, "d"]}, self.LISTS[1],
            {**self.LISTS[2], "values": [16, 8, 4, 2, 1]}, *self.LISTS[3:]])["parameters"]
        self.assertFalse(any("removed" in parameter for parameter in whole))
        self.assertEqual(self.client.get("/v1/studies/s/trials/1").json["parameters"], before)
        self.assertFalse(self.client.get("/v1/studies/s/trials/1").json["outside"])
        for choices, removed, pointer in (
                (["a"], [{"index": 1}], "/parameters/0/removed/0/value"),
                (["a"], [{"value": "b"}], "/parameters/0/removed/0/index"),
                (["a"], [{"index": 0, "value": "b"}, {"index": 0, "value": "c"}],
                 "/parameters/0/removed/1/index"),
                (["a"], [{"index": 2, "value": "b"}], "/parameters/0/removed/0/index"),
                (["a"], [{"index": 1, "value": "a"}], "/parameters/0/choices"),
                (["a"], ["b"], "/parameters/0/removed/0"),
                (["a"], "b", "/parameters/0/removed"), ([], None, "/parameters/0/choices")):
            body = hone.study("t", parameters=[{"name": "k", "type": "categorical",
                                                "choices": choices, "removed": removed}])
            reply = self.client.post("/v1/studies", body)
            self.assertEqual((reply.status, reply.json["errors"][0]["pointer"]), (422, pointer), reply)

    def test_a_grid_counts_anew(self):
        lists = [{"name": "k", "type": "categorical", "choices": ["a", "b"]},
                 {"name": "n", "type": "int", "low": 1, "high": 3}]
        more = {"resource": {"name": "epochs", "min": 1, "max": 4}}
        for name, extra in (("plain", {"strategy": "grid"}),
                            ("rungs", {"strategy": {"name": "asha", "search": "grid"}, **more})):
            self.make(name, parameters=lists, **extra)
            seen = [self.run_one(name, outcome="completed", step=4, metrics={"loss": i})
                    for i in range(4)]
            after = self.patch(name, parameters=[{**lists[0], "choices": ["b"]},
                                                 {**lists[1], "high": 5}])
            self.assertTrue(after["recounted"])
            self.restart()
            lease = self.lease(name)
            while lease["lease"] is not None:
                seen.append(lease)
                self.put(lease, outcome="completed", step=4, metrics={"loss": len(seen)})
                lease = self.lease(name)
            self.assertEqual(lease["reason"], "finished", lease)
            points = [tuple(one["trial"]["parameters"].values()) for one in seen
                      if one["trial"].get("attempt") == 1]
            self.assertEqual(len(points), len(set(points)), points)
            self.assertTrue({("b", n) for n in range(1, 6)} <= set(points), points)
            self.assertFalse(any(k == "a" for k, _ in points[4:]), points)

    def brackets(self, name):
        """Without what time changes, and without the workers, which the server forgets."""
        text = self.client.get(f"/v1/studies/{name}/brackets").body.decode()
        text = re.sub(r'"seconds": *[0-9.]+', "", text)
        return re.sub(r',"worker":[^}]*', "", text)

    def test_brackets_and_sources_stay(self):
        self.make("older", parameters=self.SPACE, limits={"trials": 6})
        for i in range(6):
            self.run_one("older", outcome="completed", metrics={"loss": i})
        self.make("s", parameters=self.SPACE, after=["older"], seed=1,
                  resource={"name": "epochs", "min": 1, "max": 4},
                  strategy={"name": "hyperband", "search": "bayesian", "eta": 2,
                            "serving": "exact"})
        leases = [self.worker.post("/v1/studies/s/leases", {"wait_seconds": 20}).json
                  for _ in range(3)]
        brackets = self.brackets("s")
        self.patch("s", parameters=self.WIDER)
        self.assertEqual(self.brackets("s"), brackets)
        self.restart()
        for lease in leases:
            reply = self.worker.put(f"/v1/leases/{lease['lease']['id']}/result",
                                    {"outcome": "completed", "metrics": {"loss": 1}})
            self.assertEqual(reply.status, 200, reply)
        self.assertIn("drop", self.run_one("s", outcome="completed",
                                           metrics={"loss": 1})["trial"]["parameters"])

    def test_a_space_that_cannot_be_had_is_refused(self):
        self.make("s", parameters=self.SPACE)
        lr, k, n = self.SPACE
        more = {"name": "m", "type": "float", "low": 0, "high": 1}
        for parameters, pointer in (
                ([lr, k], "/parameters/2"), ([k, lr, n], "/parameters/0"),
                ([lr, {**k, "choices": []}, n], "/parameters/1/choices"),
                ([lr, {**k, "choices": ["b", "a"]}, n], "/parameters/1"),
                ([lr, {**k, "type": "ordinal"}, n], "/parameters/1"),
                ([lr, k, {**n, "when": {"k": ["a"]}}], "/parameters/2"),
                ([{**lr, "name": "rate"}, k, n], "/parameters/0"),
                ([{**lr, "old_value": 1}, k, n, {**more, "default": 1}],
                 "/parameters/0/old_value"),
                ([{**lr, "old_value": 1}, k, n], "/parameters/0/old_value"),
                ([lr, k, n, more], "/parameters/3/old_value"),
                ([lr, k, n, {**more, "old_value": 2}], "/parameters/3/old_value"),
                ([lr, k, n, {**more, "old_valu": 1}], "/parameters/3/old_valu"),
                ([], "/parameters"), ("lr", "/parameters"), ([1], "/parameters/0")):
            reply = self.client.patch("/v1/studies/s", {"parameters": parameters, "priority": 1})
            self.assertEqual((reply.status, reply.type), (422, "invalid"), (parameters, reply))
            self.assertTrue(any(fault["pointer"].startswith(pointer)
                                for fault in reply.json["errors"]), (parameters, reply))
        self.assertEqual(self.client.get("/v1/studies/s").json["revision"], 1)
        self.assertEqual(self.patch("s", parameters=self.SPACE)["revision"], 1)  # it is the same


if __name__ == "__main__":
    hone.main()
