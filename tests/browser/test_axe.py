#!/usr/bin/env python3
"""No page has a serious fault of accessibility, in either theme, wide or narrow, nor has any dialog."""

from harness import LR, NO_LOG, UNITS, BrowserTest, Workers, expect, hone, hyperband, main


class Axe(BrowserTest):
    @classmethod
    def make_studies(cls):
        cls.client.post("/v1/studies", hyperband("bands", strategy={"name": "hyperband", "rounds": 1}, limits={},
                                                 description="A study", labels={"team": "vision"}))
        with Workers(cls.server, "bands", 2):
            cls.wait_finished("bands")
        cls.client.post("/v1/studies", {"name": "failing", "parameters": [LR, UNITS], "strategy": "random",
                                        "metric": "loss", "direction": "minimize", "limits": {"trials": 20, "failures": 9}})
        for outcome in ("failed", "completed", "failed"):
            lease = cls.worker.post("/v1/studies/failing/leases", {}).json["lease"]["id"]
            metrics = {"metrics": {"loss": 1}} if outcome == "completed" else {"reason": "oom"}
            cls.worker.put(f"/v1/leases/{lease}/result", {"outcome": outcome, **metrics})
        cls.worker.post("/v1/studies/failing/leases", {})

    @classmethod
    def wait_finished(cls, name):
        hone.wait_until(lambda: cls.client.get(f"/v1/studies/{name}").json["state"] == "finished", 60, f"{name} ends")

    PAGES = ("/", "/studies/bands", "/studies/failing", "/studies/bands/trials?sel=1,2&slices=1", "/studies/bands/trials/1",
             "/studies/bands/brackets", "/workers", "/new")

    def setUp(self):
        super().setUp()
        self.allow(NO_LOG)

    def look(self, theme, width):
        self.page.emulate_media(color_scheme=theme)
        self.page.set_viewport_size({"width": width, "height": 900})
        for path in self.PAGES:
            with self.subTest(path):
                self.open(path)
                expect(self.page.locator("h1").first).to_be_visible()
                self.assertEqual(self.axe(), [])
                self.assertEqual(self.wide_things(), [])

    def test_light(self):
        self.look("light", 1280)

    def test_dark(self):
        self.look("dark", 1280)

    def test_narrow(self):
        self.look("light", 390)

    def test_dialogs(self):
        self.open("/studies/failing")
        for name in ("Stop…", "Limits…", "Add a trial…", "Retry 2 failed…", "Help"):
            self.page.get_by_role("button", name=name).click()
            expect(self.page.get_by_role("dialog")).to_be_visible()
            self.assertEqual(self.axe(), [])
            self.page.keyboard.press("Escape")
            expect(self.page.get_by_role("dialog")).to_have_count(0)

    def test_what_is_planted_is_found(self):
        self.open("/")
        self.page.evaluate("() => document.querySelector('main').append(document.createElement('button'))")
        self.assertTrue(any("button-name" in fault for fault in self.axe()))


if __name__ == "__main__":
    main()
