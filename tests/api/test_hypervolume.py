#!/usr/bin/env python3
"""The hypervolume over time: what the trials dominate, and up to which reference point."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

TWO = [{"metric": "loss", "direction": "minimize"}, {"metric": "score", "direction": "maximize"}]


class Hypervolume(hone.SharedServerTest):
    def made(self, name, **more):
        body = hone.study(name, objectives=TWO, **more)
        body.pop("metric", None)
        body.pop("direction", None)
        reply = self.client.post("/v1/studies", body)
        self.assertEqual(reply.status, 201, reply)

    def finish(self, name, **metrics):
        return self.put(self.lease(name), outcome="completed", metrics=metrics)

    def get(self, path, status=200):
        reply = self.client.get(f"/v1/studies/{path}")
        self.assertEqual(reply.status, status, reply)
        return reply

    def test_each_trial_tells_what_it_adds(self):
        self.made("adds")
        self.assertEqual(self.get("adds/hypervolume").json["items"], [])
        for loss, score in [(1, 1), (2, 3), (4, 5), (5, 0), (3, 4)]:
            self.finish("adds", loss=loss, score=score)
        got = self.get("adds/hypervolume?reference=6,0").json
        self.assertEqual((got["reference"], got["reference_from"]), ({"loss": 6, "score": 0}, "request"))
        # by hand: 5·1, then 4·2 more, 2·2, nothing, and 1·1
        self.assertEqual([i["hypervolume"] for i in got["items"]], [5, 13, 17, 17, 18])
        self.assertEqual([i["added"] for i in got["items"]], [5, 8, 4, 0, 1])
        self.assertEqual([i["after_trials"] for i in got["items"]], [1, 2, 3, 4, 5])
        self.assertEqual(got["hypervolume"], 18)

    def test_the_reference_comes_from_the_first_ten(self):
        self.made("first")
        for i in range(10):
            self.finish("first", loss=i + 1, score=i * 2)
        want = {"loss": 10 + 0.9, "score": 0 - 1.8}
        got = self.get("first/hypervolume").json
        self.assertEqual(got["reference_from"], "trials")
        for metric, value in want.items():
            self.assertAlmostEqual(got["reference"][metric], value)
        before = [i["hypervolume"] for i in got["items"]]
        self.finish("first", loss=1000, score=-1000)
        after = self.get("first/hypervolume").json
        self.assertEqual(after["reference"], got["reference"])
        self.assertEqual([i["hypervolume"] for i in after["items"]][:10], before)
        self.assertEqual(after["items"][10]["added"], 0)

    def test_what_violates_a_bound_adds_nothing(self):
        self.made("bounded", subject_to=["loss >= 2"])
        self.finish("bounded", loss=1, score=9)
        self.finish("bounded", loss=2, score=1)
        got = self.get("bounded/hypervolume?reference=3,0").json
        self.assertEqual([i["hypervolume"] for i in got["items"]], [0, 1])

    def test_values_of_any_size_leave_the_reference_finite_and_no_volume_undefined(self):
        self.made("huge")
        for loss, score in [(1.7e308, -1.7e308), (-1.7e308, 0), (0, 1.7e308), (1e308, 1), (-1.7e308, 1.7e308)]:
            self.finish("huge", loss=loss, score=score)
        got = self.get("huge/hypervolume").json
        for value in got["reference"].values():
            self.assertIsInstance(value, float, got)
        for item in got["items"]:
            self.assertNotIn("NaN", (item["hypervolume"], item["added"]))

    def test_other_formats_have_the_same(self):
        self.made("formats")
        self.finish("formats", loss=1, score=1)
        lines = self.get("formats/hypervolume?format=csv&reference=2,0").body.decode().splitlines()
        self.assertEqual(lines[0], "number,ended_at,after_trials,hypervolume,added")
        self.assertTrue(lines[1].startswith("1,") and lines[1].endswith(",1,1,1"), lines)
        table = self.get("formats/hypervolume?format=table&reference=2,0").body.decode()
        self.assertIn("up to the reference point loss 2, score 0", table)

    def test_what_cannot_be_asked_is_told(self):
        self.make("one")
        self.finish("one", loss=2)
        self.assertEqual(self.get("one/hypervolume?reference=5").json["hypervolume"], 3)
        body = hone.study("many", objectives=[{"metric": f"m{i}", "direction": "minimize"} for i in range(5)])
        body.pop("metric", None)
        body.pop("direction", None)
        self.assertEqual(self.client.post("/v1/studies", {**body, "strategy": "random"}).status, 201)
        self.assertIn("at most 4", self.get("many/hypervolume", 409).json["detail"])
        self.made("asked")
        for wrong in ("1", "1,2,3", "a,b", "1,inf", "1,"):
            self.assertIn("each of the 2 objectives", self.get(f"asked/hypervolume?reference={wrong}", 400).json["detail"])
        reply = self.get("asked/best", 409)
        self.assertIn("/v1/studies/asked/pareto", reply.json["detail"])


if __name__ == "__main__":
    hone.main()
