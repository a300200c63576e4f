#!/usr/bin/env python3
"""On plain http to another address than the loopback's, a browser gives pages less: no clipboard, no locks,
no randomUUID. Everything works there all the same."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import private  # noqa: E402

private.enter()

import hone  # noqa: E402
from harness import LR, BrowserTest, expect, main  # noqa: E402


class LanServer(hone.Server):
    def command(self):
        return [hone.build_path("HONED"), "--data", self.data, "--listen", f"{private.ADDRESS}:{self.port}", *self.args]


class Lan(BrowserTest):
    SERVER = ["--plain-http"]

    @classmethod
    def setUpClass(cls):
        if not private.is_private():
            raise unittest.SkipTest("not run: no network namespace can be made here, so there is no second address")
        before, hone.Server = hone.Server, LanServer
        try:
            super().setUpClass()
        finally:
            hone.Server = before

    def test_everything_works_in_an_insecure_context(self):
        self.make("far", parameters=[LR])
        self.run_one("far", outcome="completed", metrics={"loss": 0.5})
        self.page.goto(f"{self.server.url}/studies/far#token={self.server.token()}")
        self.ready()
        self.assertFalse(self.page.evaluate("() => isSecureContext || 'clipboard' in navigator || 'locks' in navigator"))
        expect(self.page.locator(".connection")).to_have_text("live")
        self.page.get_by_role("button", name="Pause").click()
        expect(self.page.locator("main .head .state")).to_have_text("paused")
        self.page.get_by_role("button", name="JSON", exact=True).click()
        expect(self.page.get_by_text("Copied as JSON.")).to_be_visible()
        self.page.get_by_role("link", name="Trials").click()
        expect(self.page.get_by_role("grid")).to_contain_text("#1")
        self.page.get_by_role("searchbox").click()
        self.page.keyboard.press("Control+v")
        self.assertIn('"lr"', self.page.get_by_role("searchbox").input_value())


if __name__ == "__main__":
    main()
