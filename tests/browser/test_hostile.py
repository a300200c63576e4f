#!/usr/bin/env python3
"""Names and values that mean harm are shown as the text that they are."""

from harness import NO_LOG, BrowserTest, expect, main

SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>"
ESCAPE = "\x1b[2J\x1b]0;owned\x07red"
RIGHT_TO_LEFT = "\u202egnp.exe\u2066 \u05e9\u05dc\u05d5\u05dd"
LONG = "x" * 10_000
TEMPLATE = "${alert(1)}{{constructor}}</textarea>--><svg onload=alert(3)>"
VALUES = [SCRIPT, ESCAPE, RIGHT_TO_LEFT, TEMPLATE, LONG[:4000]]
NAMES = [SCRIPT, "\u05e9\u05dc\u05d5\u05dd", TEMPLATE, "n" * 128]  # the API refuses what cannot be seen in names


class Hostile(BrowserTest):
    @classmethod
    def make_studies(cls):
        parameters = [{"name": name, "type": "categorical", "choices": VALUES + [1, None, [SCRIPT], {"a": SCRIPT}]}
                      for name in NAMES]
        reply = cls.client.post("/v1/studies", {
            "name": "hostile", "description": SCRIPT + RIGHT_TO_LEFT + ESCAPE + "d" * 10_000,
            "labels": {"script": SCRIPT, "rtl": RIGHT_TO_LEFT, "long": LONG[:250]}, "parameters": parameters, "strategy": "random",
            "objectives": [{"metric": SCRIPT, "direction": "minimize"}], "seed": 1})
        assert reply.status == 201, reply
        for i in range(6):
            lease = cls.worker.post("/v1/studies/hostile/leases", {"worker": "w" * 128}).json["lease"]["id"]
            path = f"/v1/leases/{lease}"
            cls.worker.post(f"{path}/log", raw=SCRIPT + ESCAPE + RIGHT_TO_LEFT + LONG, headers={"Content-Type": "text/plain"})
            metrics = {SCRIPT: i, NAMES[1]: 1.5, TEMPLATE: 2, "m" * 128: 3}
            cls.worker.post(f"{path}/measurements", {"measurements": [{"step": s, "metrics": metrics} for s in (1, 2)]})
            if i % 3:
                cls.worker.put(f"{path}/result", {"outcome": "failed", "reason": (SCRIPT if i % 2 else RIGHT_TO_LEFT)[:64],
                                                  "detail": SCRIPT + LONG[:4000]})
            else:
                cls.worker.put(f"{path}/result", {"outcome": "completed", "metrics": metrics})

    def harmless(self):
        """Nothing that the strings hold has become part of the page, and nothing is wider than it."""
        self.assertEqual(self.page.locator("img, script:not([src]), svg[onload], iframe").count(), 0)
        self.assertEqual(self.page.evaluate("() => [...document.querySelectorAll('*')].filter((e) => "
                                            "[...e.attributes].some((a) => /^on/.test(a.name))).length"), 0)
        self.assertEqual(self.wide_things(), [])

    def test_every_page_shows_text(self):
        self.allow(NO_LOG)
        for path in ("/", "/studies/hostile", "/studies/hostile/trials?sel=1,2&slices=1", "/studies/hostile/trials/1",
                     "/studies/hostile/trials/2", "/studies/hostile/brackets", "/workers", "/new?from=hostile"):
            with self.subTest(path):
                self.open(path)
                expect(self.page.locator("h1").first).to_be_visible()
                self.harmless()

    def test_dialogs_and_narrow_screens_too(self):
        self.page.set_viewport_size({"width": 390, "height": 800})
        self.open("/studies/hostile")
        self.harmless()
        self.page.get_by_role("button", name="Add a trial…").click()
        expect(self.page.get_by_role("dialog")).to_contain_text("<img src=x")
        self.harmless()

    def test_what_the_strings_say_is_readable(self):
        self.open("/studies/hostile")
        expect(self.page.locator(".description")).to_contain_text(SCRIPT)
        expect(self.page.locator(".meta b").first).to_have_text(SCRIPT)
        self.open("/studies/hostile/trials/2")
        expect(self.page.locator(".log")).to_contain_text(SCRIPT)
        expect(self.page.locator(".log")).to_contain_text("\\x1b[2J")
        self.assertNotIn("\x1b", self.page.locator("main").inner_text())

    def test_addresses_that_mean_harm_do_none(self):
        self.allow("404 (Not", "400 (Bad")
        for path in (f"/studies/hostile/trials?q={SCRIPT}&sel={SCRIPT}&cols={SCRIPT}&ranges={SCRIPT}&sort={SCRIPT}",
                     f"/studies/hostile?by={SCRIPT}&metric={SCRIPT}&ranges=[1]", f"/?q={SCRIPT}",
                     "/studies/hostile/trials?ranges=%7B%22__proto__%22:[[0,1]],%22x%22:[[null,1]]%7D",
                     f"/studies/hostile/trials/1?metric={SCRIPT}&attempt={SCRIPT}", f"/new?from={SCRIPT}"):
            with self.subTest(path):
                self.page.goto(self.server.url + path)
                self.ready()
                self.harmless()

    def test_a_choice_can_be_made_of_hostile_values(self):
        self.open("/studies/hostile")
        self.page.get_by_role("button", name="Add a trial…").click()
        dialog = self.page.get_by_role("dialog")
        for i, value in enumerate((SCRIPT, RIGHT_TO_LEFT, TEMPLATE, ESCAPE)):
            dialog.locator("select").nth(i).select_option(value)
        dialog.get_by_role("button", name="Queue it").click()
        expect(self.page.get_by_text("is queued.")).to_be_visible()
        found = list(self.client.walk("/v1/studies/hostile/trials"))[-1]["parameters"]
        self.assertEqual(list(found.values()), [SCRIPT, RIGHT_TO_LEFT, TEMPLATE, ESCAPE])

    def test_names_that_every_object_has_are_names_like_others(self):
        names = ["constructor", "__proto__", "hasOwnProperty", "toString"]
        metrics = {"constructor": 2, "__proto__": 3, "toString": 4, "valueOf": "NaN"}
        self.make("members", parameters=[{"name": n, "type": "float", "low": 0, "high": 1} for n in names],
                  objectives=[{"metric": "constructor", "direction": "maximize"}], resource={"name": "toString", "min": 1, "max": 9})
        for i in range(4):
            lease = self.lease("members")
            self.worker.post(f"/v1/leases/{lease['lease']['id']}/measurements",
                             {"measurements": [{"step": s, "metrics": {**metrics, "constructor": i + s}} for s in (1, 2)]})
            self.put(lease, outcome="completed", metrics={**metrics, "constructor": i + 3})
        for path in ("", "/trials?sel=1,2&slices=1", "/trials?ranges=%7B%22constructor%22:[[0,1]]%7D", "/trials/1"):
            self.open(f"/studies/members{path}")
            expect(self.page.locator("main")).to_contain_text("constructor")
        expect(self.page.locator("main")).to_contain_text("__proto__")  # of the trial, the last page
        expect(self.page.locator("main")).to_contain_text("valueOf")
        for path in ("/studies/members?metric=toString", "/studies/members/trials?cols=metrics.__proto__,metrics.toString",
                     "/studies/members/trials?sort=metrics.constructor", "/studies/members/trials?q=metrics.toString>1",
                     "/studies/members/brackets", "/new?from=members", "/workers", "/"):
            self.open(path)
            expect(self.page.locator("h1").first).to_be_visible()
        self.open("/studies/members")
        self.page.get_by_role("button", name="Add a trial…").click()
        dialog = self.page.get_by_role("dialog")
        for i in range(len(names)):
            expect(dialog.locator("input").nth(i)).to_have_value("")
            dialog.locator("input").nth(i).fill("0.5")
        dialog.get_by_role("button", name="Queue it").click()
        expect(self.page.get_by_text("is queued.")).to_be_visible()
        found = list(self.client.walk("/v1/studies/members/trials"))[-1]["parameters"]
        self.assertEqual(found, dict.fromkeys(names, 0.5))


if __name__ == "__main__":
    main()
