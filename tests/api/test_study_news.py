#!/usr/bin/env python3
"""What a list of studies says of each: its last event, and the line of its best values."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402


class News(hone.ServedTest):
    def item(self, name, query="?spark=1"):
        items = self.client.get(f"/v1/studies{query}").json["items"]
        return next(item for item in items if item["name"] == name)

    def test_the_last_event_of_each_is_told(self):
        self.make("a")
        self.make("b")
        before = self.item("a")["last_event_at"]
        self.run_one("b", outcome="completed", metrics={"loss": 1})
        self.assertEqual(self.item("a")["last_event_at"], before)
        last = [line for line in self.client.get("/v1/studies/b/events?follow=false").body.decode()
                .splitlines() if line][-1]
        self.assertIn(self.item("b", "")["last_event_at"], last)
        self.restart()
        self.assertEqual(self.item("a")["last_event_at"], before)

    def test_the_line_follows_the_trials(self):
        self.make("s")
        self.assertEqual(self.item("s")["spark"], [])
        self.assertNotIn("spark", self.item("s", ""))
        for loss in (5, 7, 3):
            self.run_one("s", outcome="completed", metrics={"loss": loss})
        self.run_one("s", outcome="failed")
        hone.wait_until(lambda: self.item("s")["spark"] == [5, 5, 3], 20, "the line has three")
        self.restart()
        self.assertEqual(self.item("s")["spark"], [5, 5, 3])

    def test_many_trials_make_a_short_line(self):
        self.make("s", objectives=[{"metric": "loss", "direction": "maximize"}])
        trials = [{"parameters": {"x": 0.5}, "state": "completed", "metrics": {"loss": i}}
                  for i in range(192)]
        self.assertEqual(self.client.post("/v1/studies/s/trials", trials).status, 201)
        self.assertEqual(self.item("s")["spark"], [6 * i + 5 for i in range(32)])

    def test_several_objectives_have_no_line(self):
        self.make("s", objectives=[{"metric": m, "direction": "minimize"} for m in ("a", "b")])
        self.assertIsNone(self.item("s")["spark"])

    def test_a_study_of_the_same_name_begins_anew(self):
        self.make("s")
        self.run_one("s", outcome="completed", metrics={"loss": 1})
        self.assertEqual(self.item("s")["spark"], [1])
        self.client.delete("/v1/studies/s")
        self.make("s")
        self.assertEqual(self.item("s")["spark"], [])

    def test_what_cannot_be_meant_is_refused(self):
        for value in ("2", "true", "", "-1"):
            self.assertEqual(self.client.get(f"/v1/studies?spark={value}").status, 400)


if __name__ == "__main__":
    hone.main()
