#!/usr/bin/env python3
"""The bracket board and the lanes of workers: what stands where, pointer, keys, and their pages."""

import re

from elements import ElementTest
from harness import BrowserTest, Workers, expect, hyperband, main

NOW = 1_764_000_000_000
HOSTILE = "<img src=x onerror=alert(1)>\u202e"


def rung(k, resource, size, entries=(), live=(), **more):
    promoted = sum(state == "promoted" for _, _, state in entries)
    return {"rung": k, "resource": resource, "size": size, "entered": len(entries) + len(live), "running": len(live),
            "reported": len(entries), "failed": 0, "waiting": sum(s == "waiting" for _, _, s in entries), "promoted": promoted,
            "waits_for": [{"trial": t, "seconds": s} for t, s in live],
            "entries": [{"trial": t, "value": v, "state": s} for t, v, s in entries], **more}


def bracket(number, *rungs, state="open", following="rung 1 waits for 1 running trial"):
    return {"bracket": number, "state": state, "sealed": True, "next": following, "rungs": list(rungs)}


HALF_WAY = bracket(3, rung(0, 1, 6, [(5, 0.9, "promoted"), (2, 0.8, "promoted"), (1, 0.7, "pruned"), (3, 0.6, "pruned"), (4, 0.5, "pruned"), (6, 0.4, "pruned")]),
                   rung(1, 3, 2, [(5, 0.95, "waiting")], [(2, 70)]), rung(2, 9, 1))
DONE = bracket(1, rung(0, 1, 1, [(7, 0.5, "promoted")]), rung(1, 3, 1, [(7, 0.6, "completed")]), state="done", following="done")
BOARD = {"study": "demo", "resource": "epochs", "trials": 7, "saved_share": 0.5, "opened": 2, "open": 1, "brackets": [DONE, HALF_WAY]}
WORKERS = [{"name": "gpu07:0", "last_report_at": "2025-11-24T16:00:00.000Z", "leases": [{"study": "demo", "trial": 2}]}]


class Board(ElementTest):
    def show_board(self, board=None, workers=None, width=1000):
        self.show("hone-brackets", {"study": {"name": "demo", "objectives": [{"metric": "accuracy"}]}, "workers": workers or [],
                                    "now": 1_764_000_040_000, "brackets": board or BOARD}, width)
        self.js("await settled();")

    def layout(self):
        """{trial and rung: [x, y]} of all chips, in the page."""
        return self.js("""const one = element.querySelector('.board-open hone-bracket'), box = one.canvas.getBoundingClientRect();
            return Object.fromEntries(one.layout.chips.map((c) => [`${c.trial} ${c.rung}`, [box.left + c.x + c.width / 2, box.top + c.y + c.height / 2, c.state]]));""")

    def test_each_trial_has_a_chip_at_each_rung_it_came_to(self):
        self.show_board()
        chips = self.layout()
        self.assertEqual(sorted(chips), sorted(["5 0", "2 0", "1 0", "3 0", "4 0", "6 0", "5 1", "2 1"]))
        self.assertEqual(chips["2 1"][2], "running")
        self.assertLess(chips["2 0"][1], chips["1 0"][1], "those that went on stand above the cut")
        self.assertLess(chips["5 0"][0], chips["5 1"][0])
        found = self.js("const {layout} = element.querySelector('.board-open hone-bracket'); return [layout.cuts, layout.links.length];")
        self.assertEqual([(c["text"], c["value"]) for c in found[0]], [("2 of 2 went on", 0.8), ("1 will go on", 0.95)])
        self.assertEqual(found[1], 2)
        self.assertGreater(self.inked()[0]["ink"], 1000)

    def test_who_is_waited_for_is_said_with_worker_and_silence(self):
        self.show_board(workers=WORKERS)
        waits = self.page.locator("#stage .board-waits")
        expect(waits).to_have_text("Rung 1 waits for trial 2 (gpu07:0, last report 40 s ago)")
        expect(waits.get_by_role("link")).to_have_attribute("href", "studies/demo/trials/2")
        expect(self.page.locator("#stage .board-next")).to_have_text("next: rung 1 waits for 1 running trial")
        self.show_board()
        expect(waits).to_have_text("Rung 1 waits for trial 2 (running for 1 min 10 s)")

    def test_the_chip_under_the_pointer_is_found_and_opened(self):
        self.show_board(workers=WORKERS)
        for key, (x, y, _) in self.layout().items():
            self.page.mouse.move(x, y)
            expect(self.tip()).to_contain_text(f"trial {key.split()[0]}")
        x, y, _ = self.layout()["2 1"]
        self.page.mouse.move(x + 1, y)
        expect(self.tip()).to_contain_text("gpu07:0")
        self.page.mouse.click(x, y)
        self.assertEqual(self.events("hone-pick"), [{"number": 2}])

    def test_keys_walk_over_the_board(self):
        self.show_board()
        view = self.page.locator("#stage .board-open .board-canvas")
        for key, trial in (("ArrowDown", 5), ("ArrowRight", 2), ("ArrowDown", 3), ("ArrowUp", 2), ("ArrowLeft", 5)):
            view.press(key)
            expect(self.tip()).to_contain_text(f"trial {trial}")
        view.press("Enter")
        self.assertEqual(self.events("hone-pick"), [{"number": 5}])

    def test_open_brackets_come_first_the_newest_at_the_top(self):
        many = {**BOARD, "brackets": [DONE, *({**HALF_WAY, "bracket": k} for k in range(2, 30))]}
        self.show_board(many)
        titles = self.page.locator("#stage h3").all_text_contents()
        self.assertEqual(titles, [f"Bracket {k}" for k in range(29, 17, -1)])
        self.page.get_by_role("button", name="16 older open brackets").click()
        expect(self.page.locator("#stage h3")).to_have_count(24)
        done = self.page.locator("#stage .board-done")
        expect(done.locator("> summary")).to_have_text("1 finished bracket")
        done.locator("> summary").click()
        expect(done.locator("details > summary")).to_have_text("Bracket 1: 1 × 1 → 1 × 3 epochs · best 0.6, trial 7")

    def test_five_thousand_running_trials_are_counted(self):
        full = rung(0, 1, None, [(k, 1 - k / 1000, "promoted" if k < 30 else "waiting") for k in range(100)], [(1000 + k, k) for k in range(100)],
                    running=5000, entered=6200, reported=1200, promoted=400)
        self.show_board({**BOARD, "brackets": [bracket(4, full, rung(1, 3, None, [], [(k, 5) for k in range(30)]))]})
        found = self.js("""const {layout} = element.querySelector('hone-bracket');
            return {chips: layout.chips.length, counts: layout.counts.map((c) => [c.kind, c.n]), height: layout.height};""")
        shown = {kind: n for kind, n in found["counts"]}
        self.assertLess(found["chips"], 250)
        self.assertLess(found["height"], 700)
        at = self.js("""const {layout} = element.querySelector('hone-bracket'); const n = (s, r) => layout.chips.filter((c) => s.includes(c.state) && c.rung === r).length;
            return [n(['promoted'], 0), n(['waiting'], 0), n(['running'], 0)];""")
        self.assertEqual(shown["running"] + at[2], 5000)
        self.assertEqual(shown["above"] + at[0], 400)
        self.assertEqual(shown["below"] + at[1], 800)
        expect(self.page.locator("#stage .board-waits li").first).to_contain_text("and 4\u202f997 others")

    def test_a_redraw_keeps_the_focus(self):
        self.show_board()
        self.page.locator("#stage .board-open .board-canvas").focus()
        self.js("element.brackets = a; await settled();", BOARD)
        expect(self.page.locator("#stage .board-open .board-canvas")).to_be_focused()

    def test_empty_odd_and_hostile_brackets_are_borne(self):
        self.show_board({**BOARD, "brackets": []})
        expect(self.page.locator("#stage .board-summary")).to_contain_text("0 open brackets")
        self.show_board({**BOARD, "resource": HOSTILE, "brackets": [{**HALF_WAY, "next": HOSTILE}, bracket(9), bracket(10, rung(0, 1, None))]},
                        workers=[{**WORKERS[0], "name": HOSTILE}])
        expect(self.page.locator("#stage .board-waits").last).to_contain_text(HOSTILE)
        self.assertEqual(self.page.locator("#stage img").count(), 0)

    def test_it_fits_narrow_screens_and_screen_readers(self):
        self.show_board(width=370)
        self.assertEqual(self.axe(), [])
        label = self.page.locator("#stage .board-open .board-canvas").get_attribute("aria-label")
        self.assertIn("rung 1 at 3 epochs: 2 in, 1 running, 0 went on", label)
        self.assertLess(self.js("return document.getElementById('stage').scrollWidth;"), 400)


def attempt(trial, start, end, how, study="demo"):
    return {"study": study, "trial": trial, "attempt": 1, "started_ms": NOW + start * 1000, "ended_ms": None if end is None else NOW + end * 1000, "end": how}


LANES = {"from_ms": NOW, "to_ms": NOW + 600_000, "items": [
    {"worker": "gpu01:0", "host": "gpu01", "state": "active", "reason": None, "gpus": [], "idle": [{"from_ms": NOW + 200_000, "to_ms": NOW + 400_000, "reason": "waiting"}],
     "spans": [attempt(1, 0, 200, "completed"), attempt(2, 400, None, None)]},
    {"worker": "gpu02:0", "host": "gpu02", "state": "gone", "reason": None, "gpus": [], "idle": [],
     "spans": [attempt(3, 50, 150, "failed"), attempt(4, 150, 300, "lost"), attempt(5, 310, 500, "pruned")]},
    {"worker": "gpu03:0", "host": "gpu03", "state": "active", "reason": None, "gpus": [], "idle": [], "spans": []}]}


class Lanes(ElementTest):
    def at(self, lane, seconds):
        return self.js("""const {left, top} = element.canvas.getBoundingClientRect();
            const {from, to} = element.range;
            return [left + element.gutter + (a[2] + a[1] * 1000 - from) / (to - from) * element.width, top + 26 + a[0] * 28 + 14];""", [lane, seconds, NOW])

    def test_each_end_has_a_look_of_its_own(self):
        ends = ["completed", "pruned", "paused", "failed", "lost", "preempted", "infeasible", "cancelled", "released", "superseded"]
        looks = {}
        for end in ends:
            self.show("hone-lanes", {"lanes": {**LANES, "items": [{**LANES["items"][2], "spans": [attempt(1, 100, 500, end)]}]}})
            looks[end] = self.inked()[0]["sum"]
        self.assertEqual(len(set(looks.values())), len(ends))

    def test_the_attempt_under_the_pointer_is_found_and_opened(self):
        self.show("hone-lanes", {"lanes": LANES})
        for lane, seconds, text in ((0, 100, "trial 1, attempt 1"), (0, 500, "running"), (1, 100, "failed"), (1, 299, "trial 4"), (1, 400, "pruned")):
            self.page.mouse.move(*self.at(lane, seconds))
            expect(self.tip()).to_contain_text(text)
        self.page.mouse.move(*self.at(0, 300))
        expect(self.tip()).to_contain_text("waits for a rung")
        self.page.mouse.move(*self.at(2, 300))
        expect(self.tip()).to_have_count(0)
        self.page.mouse.click(*self.at(1, 200))
        self.assertEqual(self.events("hone-pick"), [{"study": "demo", "number": 4}])

    def test_keys_walk_zoom_and_open(self):
        self.show("hone-lanes", {"lanes": LANES})
        view = self.page.locator("#stage .lanes-view")
        for key, trial in (("ArrowLeft", 2), ("ArrowLeft", 1), ("ArrowDown", 3), ("ArrowRight", 4), ("ArrowRight", 5), ("ArrowUp", 2)):
            view.press(key)
            expect(self.tip()).to_contain_text(f"trial {trial},")
        view.press("Enter")
        self.assertEqual(self.events("hone-pick"), [{"study": "demo", "number": 2}])
        view.press("+")
        self.assertEqual(self.js("return element.range.to - element.range.from;"), 300_000)
        view.press("Shift+ArrowLeft")
        self.assertLess(self.js("return element.range.to;"), NOW + 600_000)
        view.press("0")
        self.assertEqual(self.js("return element.range;"), {"from": NOW, "to": NOW + 600_000})

    def test_the_wheel_zooms_in_focus_and_a_drag_moves(self):
        self.show("hone-lanes", {"lanes": LANES})
        x, y = self.at(0, 300)
        self.page.mouse.move(x, y)
        self.page.mouse.wheel(0, -200)
        self.assertEqual(self.js("return element.range.to - element.range.from;"), 600_000)
        self.page.locator("#stage .lanes-view").focus()
        self.page.mouse.wheel(0, -400)
        self.page.wait_for_function("() => element.range.to - element.range.from < 600000")
        before = self.js("return element.range;")
        self.page.mouse.down()
        self.page.mouse.move(x + 100, y, steps=4)
        self.page.mouse.up()
        after = self.js("return element.range;")
        self.assertLess(after["from"], before["from"])
        self.assertAlmostEqual(after["to"] - after["from"], before["to"] - before["from"], 3)

    def test_many_lanes_are_scrolled_and_only_those_in_sight_drawn(self):
        items = [{**LANES["items"][1], "worker": f"n{k}"} for k in range(2000)]
        self.show("hone-lanes", {"lanes": {**LANES, "items": items}})
        self.assertLess(self.js("return element.work.drawn;"), 200)
        self.js("element.view.scrollTop = 1000 * 28; await settled();")
        self.page.mouse.move(*[a + b for a, b in zip(self.at(0, 100), (0, 28))])
        expect(self.tip()).to_contain_text("n1001")

    def test_nothing_and_hostile_names_are_borne(self):
        self.show("hone-lanes", {"lanes": {"from_ms": NOW, "to_ms": NOW, "items": []}})
        odd = {**LANES["items"][0], "worker": HOSTILE * 100, "state": HOSTILE, "spans": [attempt(1, 0, 0, "completed", HOSTILE), attempt(2, 5, 900, HOSTILE)],
               "idle": [{"from_ms": NOW + 1, "to_ms": NOW + 4000, "reason": HOSTILE}]}
        self.show("hone-lanes", {"lanes": {**LANES, "items": [odd]}})
        self.page.mouse.move(*self.at(0, 100))
        expect(self.tip()).to_contain_text(HOSTILE)
        self.assertEqual(self.page.locator("#stage img").count(), 0)
        self.assertEqual(self.axe(), [])


class Pages(BrowserTest):
    @classmethod
    def make_studies(cls):
        cls.client.post("/v1/studies", hyperband("rungs"))
        cls.client.post("/v1/studies", {**hyperband("plain"), "strategy": "random", "resource": None})
        cls.held = [cls.worker.post("/v1/studies/rungs/leases", {"worker": f"gpu0{k}:0"}).json for k in range(3)]
        for k, lease in enumerate(cls.held[:2]):
            cls.worker.post(f"/v1/leases/{lease['lease']['id']}/measurements", {"measurements": [{"step": 1, "metrics": {"accuracy": 0.5 + k / 10}}]})

    def test_the_board_shows_a_study_and_leads_to_its_trials(self):
        self.open("/studies/rungs/brackets")
        expect(self.page.get_by_role("heading", name="Bracket 0")).to_be_visible()
        expect(self.page.locator(".board-waits")).to_contain_text("gpu02:0")
        self.assertEqual(self.axe(), [])
        self.assertEqual(self.wide_things(), [])
        self.page.locator(".board-waits a").first.click()
        self.wait_path("/studies/rungs/trials/3$")

    def test_a_study_without_rungs_says_what_to_do(self):
        self.open("/studies/plain/brackets")
        expect(self.page.locator("main")).to_contain_text("there are no rungs")
        expect(self.page.locator("pre")).to_contain_text("--strategy hyperband")

    def test_the_board_follows_what_happens(self):
        self.open("/studies/rungs/brackets")
        summary = self.page.locator(".board-summary")
        before = int(re.search(r"(\d+) trials?", summary.inner_text()).group(1))
        self.worker.post("/v1/studies/rungs/leases", {"worker": "late:0"})
        expect(summary).to_contain_text(f"{before + 1} trials")
        expect(self.page.locator(".board-waits").first).to_contain_text("late:0")

    def test_workers_are_listed_sorted_and_drained(self):
        self.open("/workers")
        rows = self.page.locator("[role=grid] tbody tr")
        expect(rows.filter(has_text="gpu01:0")).to_contain_text("#2")
        rows.filter(has_text="gpu01:0").get_by_role("button", name="Drain").click()
        expect(rows.filter(has_text="gpu01:0")).to_contain_text("draining")
        rows.filter(has_text="gpu01:0").get_by_role("button", name="Resume").click()
        expect(rows.filter(has_text="gpu01:0")).to_contain_text("active")
        self.page.get_by_role("button", name="Worker", exact=True).click()
        self.assertIn("sort=name", self.path())
        self.assertEqual(self.axe(), [])
        rows.filter(has_text="gpu01:0").get_by_role("link", name="#2").click()
        self.wait_path("/studies/rungs/trials/2$")

    def test_real_workers_fill_the_board(self):
        self.client.post("/v1/studies", hyperband("live", limits={"trials": 8}))
        self.open("/studies/live/brackets")
        with Workers(self.server, "live", 2):
            expect(self.page.locator(".board-done > summary, .board-open h3").first).to_be_visible()
            expect(self.page.locator(".board-summary")).to_contain_text("8 trials")


if __name__ == "__main__":
    main()
