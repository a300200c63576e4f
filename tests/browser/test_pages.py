#!/usr/bin/env python3
"""The pages show what the server knows, follow what happens, and lead to each other."""

import json
import random
import re

from harness import LR, NO_LOG, UNITS, BrowserTest, Workers, expect, hyperband, main


def enter(trials, name, client, worker):
    """Leases and ends trials; each a value, or a reason to fail."""
    for i, value in enumerate(trials):
        lease = worker.post(f"/v1/studies/{name}/leases", {"worker": f"gpu0{i % 2 + 1}:0"}).json
        path = f"/v1/leases/{lease['lease']['id']}"
        if isinstance(value, str):
            worker.post(f"{path}/log", raw="loading\nCUDA error: out of memory\n", headers={"Content-Type": "text/plain"})
            worker.put(f"{path}/result", {"outcome": "failed", "reason": value})
            continue
        worker.post(f"{path}/measurements", {"measurements": [
            {"step": s, "metrics": {"loss": value + 1 / s - 0.25}} for s in range(1, 5)]})
        worker.put(f"{path}/result", {"outcome": "completed"})


class Pages(BrowserTest):
    @classmethod
    def make_studies(cls):
        cls.client.post("/v1/studies", {
            "name": "first", "metric": "loss", "direction": "minimize", "parameters": [LR, UNITS],
            "strategy": "random", "seed": 7, "description": "What the others are measured by",
            "labels": {"team": "vision"}, "limits": {"trials": 12}})
        enter([2, 1.5, 1.8, "oom", 0.5, 0.9, "oom", "exit_code"], "first", cls.client, cls.worker)
        cls.lease = cls.worker.post("/v1/studies/first/leases", {"worker": "gpu09:0"}).json["lease"]["id"]
        cls.worker.post(f"/v1/leases/{cls.lease}/measurements", {"measurements": [{"step": 1, "metrics": {"loss": 3}}]})
        cls.client.post("/v1/studies", {"name": "second", "parameters": [LR], "strategy": "random", "objectives": [
            {"metric": "loss", "direction": "minimize"}, {"metric": "ms", "direction": "minimize"}]})
        for a, b in ((1, 9), (2, 5), (3, 7), (4, 1)):
            lease = cls.worker.post("/v1/studies/second/leases", {}).json["lease"]["id"]
            cls.worker.put(f"/v1/leases/{lease}/result", {"outcome": "completed", "metrics": {"loss": a, "ms": b}})

        cls.client.post("/v1/studies", {"name": "front", "parameters": [LR], "strategy": "random", "subject_to": ["ms <= 5"],
                                        "objectives": [{"metric": "loss", "direction": "minimize"},
                                                       {"metric": "ms", "direction": "minimize"}]})
        cls.client.post("/v1/studies/front/trials", [
            {"state": "completed", "parameters": {"lr": 0.01}, "metrics": {"loss": a, "ms": b}} for a, b in ((1, 9), (2, 5), (3, 4))])
        rng = random.Random(5)
        noise = [(rng.random(), rng.gauss(0, .1)) for _ in range(60)] + [(.7, -.4)]
        cls.client.post("/v1/studies", {"name": "noisy", "parameters": [{"name": "x", "type": "float", "low": 0, "high": 1}],
                                        "strategy": "random", "metric": "loss", "direction": "minimize"})
        cls.client.post("/v1/studies/noisy/trials", [
            {"state": "completed", "parameters": {"x": x}, "metrics": {"loss": (x - .3) ** 2 + e}} for x, e in noise])
        for name, bounds in (("bounded", ["p99_ms <= 500"]), ("tight", ["p99_ms <= 5", "size <= 1"])):
            cls.client.post("/v1/studies", {"name": name, "parameters": [LR, UNITS], "strategy": "random", "seed": 7,
                                            "metric": "loss", "direction": "minimize", "subject_to": bounds})
            for loss, p99 in ((1, 612), (3, 400), (2, 450), (0.5, None)):
                lease = cls.worker.post(f"/v1/studies/{name}/leases", {}).json["lease"]["id"]
                metrics = {"loss": loss, **({} if p99 is None else {"p99_ms": p99})}
                cls.worker.put(f"/v1/leases/{lease}/result", {"outcome": "completed", "metrics": metrics})

    def setUp(self):
        super().setUp()
        self.allow(NO_LOG)

    def text(self, css):
        return self.page.locator(css)

    # ---- studies

    def test_studies_are_listed_with_state_best_and_progress(self):
        self.open("/")
        row = self.page.get_by_role("row").filter(has_text="first")
        expect(row).to_contain_text("running")
        expect(row).to_contain_text("0.5")
        expect(row).to_contain_text("8 of 12")
        expect(row.get_by_text("−75 %")).to_be_visible()
        expect(row.get_by_role("img", name=re.compile("best value over time"))).to_be_visible()
        expect(self.page.get_by_role("row").filter(has_text="second")).to_contain_text("3 trials")
        row.get_by_role("link", name="first").click()
        self.wait_path("/studies/first$")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("first")
        self.page.go_back()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Studies")

    def test_the_filter_of_studies_is_in_the_address(self):
        self.open("/")
        self.page.keyboard.press("/")
        self.page.keyboard.type("team=vision")
        expect(self.page.get_by_role("row").filter(has_text="second")).to_have_count(0)
        self.assertEqual(self.path(), "/?q=team%3Dvision")
        self.page.reload()
        self.ready()
        expect(self.page.get_by_role("row").filter(has_text="second")).to_have_count(0)
        self.page.get_by_role("searchbox").fill("nothing of this name")
        expect(self.page.get_by_text("No study fits the filter")).to_be_visible()

    # ---- one study

    def test_the_first_screen_says_what_runs_what_is_best_and_what_is_stuck(self):
        self.open("/studies/first")
        panels = {title: self.page.locator("section.panel", has=self.page.get_by_role("heading", name=title))
                  for title in ("What runs", "What is best", "What is stuck")}
        for panel in panels.values():
            box = panel.bounding_box()
            self.assertLess(box["y"] + box["height"], self.SIZE["height"])
        expect(panels["What runs"]).to_contain_text("8 of 12 trials ended")
        expect(panels["What runs"].get_by_role("link", name="#9")).to_be_visible()
        expect(panels["What runs"]).to_contain_text("gpu09:0")
        expect(panels["What is best"]).to_contain_text("0.5")
        expect(panels["What is best"].get_by_role("link", name="#5")).to_be_visible()
        expect(panels["What is stuck"]).to_contain_text("3 trials failed, most often: out of memory")

    def panel(self, title):
        return self.page.locator("section.panel", has=self.page.get_by_role("heading", name=title))

    def test_the_best_satisfies_the_bounds(self):
        self.open("/studies/bounded")
        expect(self.page.locator(".meta")).to_contain_text("subject to p99_ms <= 500")
        best = self.panel("What is best")
        expect(best.get_by_role("link", name="#3")).to_be_visible()
        expect(best).to_contain_text("2 of 4 completed trials satisfy p99_ms <= 500.")
        best.get_by_role("link", name="2 of 4 completed trials").click()
        self.wait_path("/trials")
        expect(self.page.get_by_text("2 of 4 trials")).to_be_visible()
        self.open("/studies/bounded/trials")
        row = self.page.get_by_role("row").filter(has_text="#1")
        expect(row.get_by_role("gridcell").filter(has_text="no")).to_be_visible()
        row.get_by_role("link", name="#1").click()
        self.wait_path("/trials/1$")
        expect(self.page.get_by_text("not feasible")).to_be_visible()
        expect(self.panel("Why")).to_contain_text("p99_ms 612 violates p99_ms <= 500 by 112.")

    def test_another_trial_than_a_lucky_one_is_recommended(self):
        advised = self.client.get("/v1/studies/noisy/best?recommended=true").json["recommended"]
        self.assertTrue(advised["matters"], advised)
        self.open("/studies/noisy")
        best = self.panel("What is best")
        expect(best).to_contain_text(f"Rather use trial #{advised['trial']}: {advised['text']}.")
        best.get_by_role("link", name=f"#{advised['trial']}").first.click()
        self.wait_path(f"/trials/{advised['trial']}$")
        self.open("/studies/first")
        expect(self.panel("What is best")).to_contain_text("units")
        expect(self.panel("What is best")).not_to_contain_text("Rather use")

    def test_a_front_says_how_many_satisfy_the_bounds(self):
        self.open("/studies/front")
        best = self.panel("What is best")
        expect(best).to_contain_text("2 of 3 completed trials satisfy ms <= 5.")
        expect(best.locator("tbody tr")).to_have_count(2)

    def test_where_nothing_is_feasible_the_nearest_and_what_is_missing_are_named(self):
        self.open("/studies/tight")
        expect(self.panel("What is best")).to_contain_text("None of 4 completed trials is known to satisfy")
        expect(self.panel("What is stuck")).to_contain_text("No trial has reported size")

    def test_failures_are_counted_and_the_newest_speaks(self):
        self.open("/studies/first")
        panel = self.page.locator("section.panel", has=self.page.get_by_role("heading", name="Failures", exact=True))
        expect(panel).to_contain_text("2out of memory")
        expect(panel).to_contain_text("1it ended with an error")
        expect(panel.locator("pre")).to_contain_text("CUDA error: out of memory")
        panel.get_by_role("link", name="out of memory").click()
        self.wait_path("/trials")
        expect(self.page.get_by_text("2 of 9 trials")).to_be_visible()
        self.page.get_by_role("link", name=re.compile("^#")).first.click()
        self.wait_path("/trials/")
        expect(self.page.get_by_text("It failed: out of memory.")).to_be_visible()

    def test_a_configuration_can_be_copied_in_four_ways(self):
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.open("/studies/first")
        best = self.client.get("/v1/studies/first/best").json["trial"]["parameters"]
        clipboard = {}
        for name in ("arguments", "hone run", "curl", "JSON"):
            self.page.get_by_role("button", name=name, exact=True).first.click()
            expect(self.page.get_by_text(f"Copied as {name}.")).to_be_visible()
            clipboard[name] = self.page.evaluate("() => navigator.clipboard.readText()")
        self.assertEqual(clipboard["arguments"], f"--lr={best['lr']} --units={best['units']}")
        self.assertIn(f"-P lr={best['lr']} -P units={best['units']} --trials 1", clipboard["hone run"])
        self.assertIn(f"{self.server.url}/v1/studies/first/best", clipboard["curl"])
        self.assertEqual(json.loads(clipboard["JSON"]), best)

    def test_several_objectives_have_a_front(self):
        self.open("/studies/second")
        expect(self.page.get_by_text("trials that no other one beats")).to_be_visible()
        expect(self.page.get_by_role("heading", name="Trade-off")).to_be_visible()
        expect(self.page.get_by_role("heading", name="Hypervolume")).to_be_visible()
        expect(self.page.get_by_text("What the trials dominate up to")).to_be_visible()
        self.page.get_by_role("button", name="ms", exact=True).first.click()
        expect(self.page.locator("hone-chart").first).to_contain_text("ms of each trial")
        self.assertIn("metric=ms", self.path())

    def test_history_can_be_seen_over_time(self):
        self.open("/studies/first")
        self.page.get_by_role("button", name="by time").click()
        self.assertIn("by=time", self.path())
        expect(self.page.get_by_role("button", name="by time")).to_have_attribute("aria-pressed", "true")
        expect(self.page.locator("hone-chart").first).to_be_visible()

    # ---- trials

    def test_trials_are_filtered_sorted_and_chosen_by_the_address(self):
        self.open("/studies/first/trials")
        grid = self.page.get_by_role("grid")
        self.page.get_by_role("searchbox").fill("loss<1 state:completed")
        expect(self.page.get_by_text("2 of 9 trials")).to_be_visible()
        grid.get_by_role("button", name="loss").click()
        self.assertIn("sort=value", self.path())
        expect(grid.locator("tbody tr[id]").first).to_contain_text("#5")
        self.page.reload()
        self.ready()
        expect(self.page.get_by_text("2 of 9 trials")).to_be_visible()
        expect(grid.locator("tbody tr[id]").first).to_contain_text("#5")
        self.page.get_by_role("searchbox").fill("nothing<3")
        expect(self.page.get_by_text("There is no column nothing.")).to_be_visible()

    def test_the_table_goes_by_keys(self):
        self.open("/studies/first/trials?charts=0&sort=number")
        self.page.get_by_role("grid").focus()
        for key in ("ArrowDown", "ArrowDown", " ", "End", "Home", "ArrowDown"):
            self.page.keyboard.press(key)
        expect(self.page.locator("tr[aria-selected=true]")).to_have_count(1)
        self.assertIn("sel=3", self.path())
        self.page.keyboard.press("Enter")
        self.wait_path("/studies/first/trials/2$")

    def test_two_trials_are_compared(self):
        self.open("/studies/first/trials?charts=0")
        for number in (1, 5):
            self.page.get_by_label(f"Select trial {number}").check()
        table = self.page.locator("table.compare")
        expect(table.get_by_role("row").filter(has_text="loss")).to_contain_text("−1.5")
        expect(table.locator("tr.differs").filter(has_text="lr")).to_be_visible()
        expect(table.locator("tr").filter(has_text="step")).not_to_have_class(re.compile("differs"))
        expect(self.page.locator("hone-chart")).to_be_visible()
        self.page.reload()
        self.ready()
        expect(table).to_be_visible()

    def test_columns_can_be_chosen(self):
        self.open("/studies/first/trials?charts=0")
        expect(self.page.get_by_role("columnheader", name="units")).to_be_visible()
        self.page.locator("summary", has_text="Columns").click()
        self.page.get_by_role("checkbox", name="units").uncheck()
        expect(self.page.get_by_role("columnheader", name="units")).to_have_count(0)
        self.assertIn("cols=", self.path())

    def test_the_csv_is_what_the_server_exports(self):
        self.open("/studies/first/trials?charts=0")
        with self.page.expect_download() as download:
            self.page.get_by_role("link", name="CSV").click()
        with open(download.value.path(), "rb") as file:
            self.assertEqual(file.read(), self.client.get("/v1/studies/first/export?format=csv").body)

    # ---- one trial

    def test_a_trial_shows_configuration_curve_attempts_and_log(self):
        self.open("/studies/first/trials/4")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Trial #4")
        expect(self.text(".head")).to_contain_text("out of memory")
        expect(self.text(".log")).to_contain_text("CUDA error: out of memory")
        expect(self.page.get_by_text("drawn by chance")).to_be_visible()
        expect(self.page.get_by_role("heading", name="1 attempt")).to_be_visible()
        self.page.get_by_label("Trial after").click()
        self.wait_path("/trials/5$")
        expect(self.page.locator("hone-chart")).to_be_visible()
        expect(self.text(".numbers")).to_contain_text("0.5")

    def test_a_running_trial_is_followed(self):
        self.open("/studies/first/trials/9")
        expect(self.text(".numbers")).to_contain_text("3")
        self.worker.post(f"/v1/leases/{self.lease}/measurements", {"measurements": [{"step": 7, "metrics": {"loss": 2.75}}]})
        expect(self.text(".numbers")).to_contain_text("2.75")
        self.worker.post(f"/v1/leases/{self.lease}/log", raw="epoch seven\n", headers={"Content-Type": "text/plain"})
        self.worker.post(f"/v1/leases/{self.lease}/measurements", {"measurements": [{"step": 8, "metrics": {"loss": 2.7}}]})
        expect(self.text(".log")).to_contain_text("epoch seven")

    # ---- from page to page

    def test_keys_lead_to_every_page(self):
        self.open("/studies/first")
        for keys, path in (("gt", "/studies/first/trials$"), ("go", "/studies/first$"), ("gn", "/new$"), ("gs", "/$")):
            for key in keys:
                self.page.keyboard.press(key)
            self.wait_path(path)
        self.page.keyboard.press("?")
        expect(self.page.get_by_role("dialog")).to_contain_text("to the filter")
        self.page.keyboard.press("Escape")
        expect(self.page.get_by_role("dialog")).to_have_count(0)

    def test_what_is_not_there_says_so(self):
        self.allow("404 (Not Found)")
        for path, said in (("/studies/nothing", "there is no study"), ("/studies/first/trials/999", "there is no such trial"),
                           ("/nope", "There is no page nope."), ("/studies/first/no/such", "There is no page studies/first/no/such.")):
            self.page.goto(self.server.url + path)
            expect(self.page.get_by_role("heading", name="Not here")).to_be_visible()
            expect(self.page.locator("#main")).to_contain_text(said)
        self.page.get_by_role("link", name="All studies").click()
        self.wait_path("/$")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Studies")

    def test_titles_name_the_page(self):
        for path, title in (("/", "Studies · Hone"), ("/studies/first", "first · Hone"),
                            ("/studies/first/trials/4", "Trial 4 of first · Hone"), ("/new", "New study · Hone")):
            self.open(path)
            expect(self.page).to_have_title(title)

    def test_the_theme_is_kept(self):
        self.open("/")
        background = "() => getComputedStyle(document.body).backgroundColor"
        light = self.page.evaluate(background)
        for name in ("light", "dark"):
            self.page.get_by_role("button", name="Theme").click()
            expect(self.page.get_by_role("button", name=f"Theme: {name}")).to_be_visible()
        self.assertNotEqual(self.page.evaluate(background), light)
        self.page.reload()
        self.ready()
        self.assertNotEqual(self.page.evaluate(background), light)

    def test_a_proxy_may_put_a_prefix_before_it(self):
        outside = f"{self.server.url}/team/hone"
        self.context.route(f"{outside}/**", lambda route: route.continue_(
            url=route.request.url.replace("/team/hone", "", 1)))
        self.page.goto(f"{outside}/studies/first/trials")
        self.ready()
        self.page.get_by_role("link", name="#5").click()
        self.wait_path("/team/hone/studies/first/trials/5$")
        expect(self.text(".numbers")).to_contain_text("0.5")
        self.page.get_by_role("link", name="Studies").click()
        self.wait_path("/team/hone/$")
        expect(self.page.get_by_role("row").filter(has_text="first")).to_be_visible()


class Live(BrowserTest):
    """A Hyperband study with two real workers."""

    def test_a_study_is_followed_from_nothing_to_its_end(self):
        self.client.post("/v1/studies", hyperband("bands", strategy={"name": "hyperband", "rounds": 1}, limits={}))
        self.open("/studies/bands")
        expect(self.page.get_by_text("hone worker --study bands -- ./train {args}").last).to_be_visible()
        with Workers(self.server, "bands", 2):
            expect(self.page.locator("main .state").first).to_have_text("finished")
            expect(self.page.get_by_text("its rounds are complete").first).to_be_visible()
        best = self.client.get("/v1/studies/bands/best").json["trial"]
        expect(self.page.locator("section.panel", has=self.page.get_by_role("heading", name="What is best"))
               .get_by_role("link", name=f"#{best['number']}")).to_be_visible()
        n = sum(self.client.get("/v1/studies/bands").json["counts"].values())
        expect(self.page.get_by_text(f"{n} trials ended")).to_be_visible()
        for title in ("History", "Parameters side by side", "Learning curves", "Where the time went"):
            expect(self.page.get_by_role("heading", name=title)).to_be_visible()
        self.page.get_by_role("link", name="Trials", exact=True).click()
        expect(self.page.get_by_text(f"{n} trials", exact=True)).to_be_visible()


if __name__ == "__main__":
    main()
