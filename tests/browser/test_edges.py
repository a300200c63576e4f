#!/usr/bin/env python3
"""Studies at the edge: none, empty, one trial, constants, 80 parameters, values that are not finite."""

from harness import LR, NO_LOG, BrowserTest, expect, main


class Nothing(BrowserTest):
    def test_without_studies_the_page_says_how_to_begin(self):
        self.open("/")
        commands = self.page.locator(".command")
        expect(commands).to_have_count(2)
        expect(commands.first).to_have_text(f"export HONE_URL={self.server.url}")
        self.page.get_by_role("link", name="describe a study in the browser").click()
        self.wait_path("/new$")
        self.open("/workers")
        expect(self.page.locator("main")).to_contain_text("hone worker")


class Edges(BrowserTest):
    def begin(self, name, **more):
        return self.make(name, **{"parameters": [LR], **more})

    def every_page(self, name, trials=()):
        self.allow(NO_LOG)
        for path in ("", "/trials?slices=1", "/brackets", *(f"/trials/{n}" for n in trials)):
            with self.subTest(path):
                self.open(f"/studies/{name}{path}")
                expect(self.page.locator("h1").first).to_be_visible()
                self.assertEqual(self.wide_things(), [])

    def test_a_study_without_trials_says_what_to_do(self):
        self.begin("nothing-yet")
        self.open("/studies/nothing-yet")
        expect(self.page.locator(".command")).to_have_text("hone worker --study nothing-yet -- ./train {args}")
        self.open("/studies/nothing-yet/trials")
        expect(self.page.locator(".command")).to_be_visible()
        self.every_page("nothing-yet")

    def test_one_trial(self):
        self.begin("one")
        self.run_one("one", outcome="completed", metrics={"loss": 1})
        self.every_page("one", [1])
        self.open("/studies/one")
        expect(self.page.locator(".big").nth(1)).to_have_text("1")

    def test_constant_parameters_are_left_out_of_the_charts(self):
        self.begin("constant", parameters=[LR, {"name": "c", "type": "constant", "value": 3},
                                           {"name": "one", "type": "categorical", "choices": ["a"]}])
        for i in range(4):
            self.run_one("constant", outcome="completed", metrics={"loss": i})
        self.every_page("constant", [1])
        self.open("/studies/constant")
        expect(self.page.locator(".slices hone-chart")).to_have_count(1)
        self.open("/studies/constant/trials/1")
        expect(self.page.locator(".facts").first).to_contain_text("c3")

    def test_only_constants(self):
        self.begin("fixed", parameters=[{"name": "c", "type": "constant", "value": 3}])
        self.run_one("fixed", outcome="completed", metrics={"loss": 1})
        self.every_page("fixed", [1])

    def test_eighty_parameters(self):
        self.begin("eighty", parameters=[{**LR, "name": f"parameter_{i:02}"} for i in range(80)])
        for i in range(5):
            self.run_one("eighty", outcome="completed", metrics={"loss": i})
        self.every_page("eighty", [1])
        self.open("/studies/eighty")
        expect(self.page.locator(".slices hone-chart")).to_have_count(6)
        self.page.get_by_role("button", name="all 80").click()
        expect(self.page.locator(".slices hone-chart")).to_have_count(80)
        self.open("/studies/eighty/trials?charts=0")
        self.assertLessEqual(self.page.get_by_role("columnheader").count(), 16)

    def test_values_that_are_not_finite_are_shown_as_such(self):
        self.begin("wild", limits={"failures": 99})
        for value in ("NaN", "Infinity", "-Infinity", 0.5, 1e300, 5e-324):
            lease = self.lease("wild")
            self.worker.post(f"/v1/leases/{lease['lease']['id']}/measurements", {"measurements": [
                {"step": s, "metrics": {"loss": value, "other": "NaN"}} for s in (1, 2)]})
            self.put(lease, outcome="completed")
        self.every_page("wild", range(1, 7))
        self.open("/studies/wild/trials?charts=0&sort=number")
        grid = self.page.get_by_role("grid")
        for number, text in ((1, "NaN"), (2, "∞"), (3, "−∞"), (5, "1e300"), (6, "4.941e−324")):
            expect(grid.get_by_role("row").filter(has_text=f"#{number}")).to_contain_text(text)
        expect(grid.get_by_role("row").filter(has_text="#1")).to_contain_text("failed")
        self.page.get_by_role("searchbox").fill("value=nan")
        self.open("/studies/wild/trials/1")
        expect(self.page.locator(".head")).to_contain_text("its value is not finite")

    def test_a_study_that_failed_from_the_start_says_so(self):
        self.begin("failing", limits={"failures": 3})
        for _ in range(3):
            self.run_one("failing", outcome="failed", reason="exit_code")
        self.open("/studies/failing")
        expect(self.page.locator("main .head .state")).to_have_text("finished")
        expect(self.page.locator(".findings")).to_contain_text("It ended because")
        self.open("/")
        expect(self.page.get_by_role("row").filter(has_text="failing")).to_contain_text("failed too often")

    def test_many_studies(self):
        for i in range(120):
            self.begin(f"many-{i:03}")
        self.open("/?q=many-")
        expect(self.page.locator(".studies tbody tr")).to_have_count(120)


if __name__ == "__main__":
    main()
