#!/usr/bin/env python3
"""<hone-chart> and <hone-parcoords>: what is drawn, what is under the pointer, brushing, keys."""

import random

from elements import ElementTest
from harness import expect, main

SERIES = {"label": "completed", "style": "points", "state": "completed", "x": [1, 2, 3, 4], "y": [0.4, 0.3, 0.2, 0.1],
          "numbers": [11, 12, 13, 14]}
HISTORY = {"kind": "history", "title": "Loss", "x": {"label": "trial"}, "y": {"label": "loss", "direction": "minimize"},
           "summary": "best 0.1", "series": [SERIES]}
HOSTILE = ["<img src=x onerror=alert(1)>", "\u202eevil\u202c", "x" * 10_000, "\x1b[31m", "${alert(1)}", ""]


def chart(series=None, **more):
    return {"data": {**HISTORY, **({"series": series} if series is not None else {}), **more}}


def coordinates(n, seed=1):
    rng = random.Random(seed)
    columns = {"lr": [10 ** rng.uniform(-5, 0) for _ in range(n)], "units": [rng.randint(8, 64) for _ in range(n)],
               "opt": [rng.choice(["adam", "sgd"]) for _ in range(n)], "fixed": [1] * n}
    columns["momentum"] = [rng.random() if opt == "sgd" else None for opt in columns["opt"]]
    value = [rng.choice(["NaN", None]) if rng.random() < 0.05 else round(rng.random(), 4) for _ in range(n)]
    kinds = {"lr": "log", "opt": "category"}
    return {"data": {"axes": [{"name": k, "type": kinds.get(k, "number"), "values": v} for k, v in columns.items()],
                     "numbers": list(range(1, n + 1)), "value": value, "direction": "maximize", "title": "Parameters"}}


GOAL = "a.data.axes.push({name: 'accuracy', type: 'number', values: a.data.value}); "


class Charts(ElementTest):
    # ---- drawn at all

    def test_each_kind_of_chart_is_drawn(self):
        line = {"label": "#1", "style": "line", "state": "pruned", "number": 1, "x": [1, 2, 3], "y": [0.1, 0.2, 0.3]}
        for kind, series in (("history", [SERIES, {**SERIES, "style": "rug", "state": "failed"}]), ("curves", [line, {**line, "number": 2, "y": [0.3, 0.4, 0.5]}]),
                             ("slice", [SERIES]), ("pareto", [SERIES, {**SERIES, "style": "step", "label": "front"}])):
            self.show("hone-chart", chart([], kind=kind))
            blank = self.inked()[1]
            self.assertEqual(blank["ink"], 0, kind)
            self.show("hone-chart", chart(series, kind=kind))
            drawn = self.inked()
            self.assertGreater(drawn[1]["ink"], 20, kind)
            self.assertNotEqual(drawn[1]["sum"], blank["sum"], kind)
            self.assertGreater(drawn[0]["ink"], 200, "axes")

    def test_bars_are_as_long_as_their_values(self):
        self.show("hone-chart", chart([], kind="bars", bars=[{"label": "lr", "value": 0.8, "low": 0.6, "high": 1.0}, {"label": "units", "value": 0.2}]))
        widths = self.js("return [...element.querySelectorAll('.bar-fill')].map((b) => b.getBoundingClientRect().width);")
        self.assertAlmostEqual(widths[0] / widths[1], 4, 1)
        self.assertEqual(self.page.locator("#stage .bar-error").count(), 1)

    def test_nothing_one_point_constants_and_no_numbers_are_borne(self):
        cases = {"empty": [], "one": [{**SERIES, "x": [1], "y": [5], "numbers": [1]}], "constant": [{**SERIES, "y": [2, 2, 2, 2]}],
                 "huge": [{**SERIES, "y": [1e-300, 1e300, -1e300, 0]}], "none": [{**SERIES, "x": [], "y": [], "numbers": []}]}
        for name, series in cases.items():
            for log in (False, True):
                self.show("hone-chart", chart(series, y={"label": "y", "log": log}))
                self.assertGreater(self.inked()[0]["ink"], 100, name)
        self.show("hone-chart", chart(), make="a.data.series[0].y = [NaN, Infinity, -Infinity, NaN];")
        self.assertGreater(self.inked()[1]["ink"], 20, "what has no value stands on the rug")

    def test_hostile_names_are_text(self):
        for text in HOSTILE:
            self.show("hone-chart", chart([{**SERIES, "label": text, "note": text}, {**SERIES, "label": text, "style": "step"}], title=text,
                                          x={"label": text, "categories": [text] * 5}, y={"label": text}, summary=text))
            self.page.locator("#stage .chart-plot").press("ArrowRight")
            expect(self.tip()).to_contain_text("trial 11")
            parcoords = coordinates(20)
            parcoords["data"]["axes"][0]["name"] = text
            parcoords["data"]["axes"][2]["values"] = [text, "b"] * 10
            self.show("hone-parcoords", parcoords)
            self.assertGreater(self.inked()[2]["ink"], 100)
        self.assertEqual(self.page.locator("#stage img").count(), 0)

    # ---- theme and screen

    def test_a_new_theme_is_drawn_at_once(self):
        self.show("hone-chart", chart())
        light = self.js("document.documentElement.dataset.theme = 'light'; await settled(); return inked();")
        dark = self.js("document.documentElement.dataset.theme = 'dark'; await settled(); return inked();")
        self.assertEqual([c["ink"] > 0 for c in light[:2]], [True, True])
        self.assertNotEqual([c["sum"] for c in light[:2]], [c["sum"] for c in dark[:2]])
        self.js("delete document.documentElement.dataset.theme;")

    def test_a_new_width_is_drawn_at_once(self):
        self.show("hone-chart", chart())
        before = self.inked()
        after = self.js("""document.getElementById('stage').style.width = '500px';
            while (element.drawnWidth > 500) await settled(); await settled(); return inked();""")
        self.assertLess(after[0]["width"], before[0]["width"])
        self.assertGreater(after[1]["ink"], 20)

    def test_screens_of_two_pixels_a_point_get_twice_as_many(self):
        page = self.new_page(self.new_context(device_scale_factor=2))
        self.stage(page)
        self.show("hone-chart", chart())
        ordinary = self.inked()
        self.page = page
        self.show("hone-chart", chart())
        self.assertEqual(self.inked()[0]["width"], 2 * ordinary[0]["width"])

    def test_forced_colours_and_reduced_motion(self):
        page = self.new_page(self.new_context(forced_colors="active", reduced_motion="reduce"))
        self.stage(page)
        self.page = page
        self.show("hone-chart", chart())
        self.assertGreater(self.inked()[1]["ink"], 20)
        self.show("hone-parcoords", coordinates(50))
        self.assertGreater(self.inked()[1]["ink"], 20)

    def test_redraws_are_ten_a_second_at_most(self):
        self.show("hone-chart", chart())
        draws = self.js("""const from = performance.now(), before = element.work.draws;
            while (performance.now() - from < 500) { element.invalidate(); await new Promise(requestAnimationFrame); }
            return (element.work.draws - before) / (performance.now() - from) * 1000;""")
        self.assertLessEqual(draws, 12)
        self.assertGreater(draws, 1)

    def test_the_first_data_is_drawn_with_the_next_frame(self):
        for tag, given in (("hone-chart", chart()), ("hone-parcoords", coordinates(50))):
            self.show(tag, {})  # nothing to draw yet: no redraw that the next one has to wait for
            drawn = self.js("""const frame = () => new Promise(requestAnimationFrame);
                await frame();
                const before = element.work.draws;
                Object.assign(element, a);
                await frame();
                await frame();
                return element.work.draws - before;""", given)
            self.assertEqual((tag, drawn), (tag, 1))

    # ---- pointer, keys, zoom

    def at(self, series, i):
        """The place of a point on the screen."""
        return self.js("""const box = element.over.getBoundingClientRect(), s = element.chart.series[a[0]];
            return [box.left + element.plot.x.to(s.x[a[1]]), box.top + element.plot.y.to(s.y[a[1]])];""", [series, i])

    def test_the_point_under_the_pointer_is_found_and_opened(self):
        self.show("hone-chart", chart())
        for i, number in enumerate(SERIES["numbers"]):
            x, y = self.at(0, i)
            self.page.mouse.move(x + 100, y + 40)
            self.page.mouse.move(x + 2, y - 2)
            expect(self.tip()).to_contain_text(f"trial {number}")
            self.page.mouse.click(x + 2, y - 2)
        self.assertEqual([e["number"] for e in self.events("hone-pick")], SERIES["numbers"])

    def test_a_curve_is_found_between_its_points(self):
        line = {"label": "#7", "style": "line", "state": "pruned", "number": 7, "x": [1, 9], "y": [0.1, 0.9], "note": "stopped by median"}
        self.show("hone-chart", chart([line, {**line, "number": 8, "y": [0.9, 0.8]}], kind="curves"))
        (x0, y0), (x1, y1) = self.at(0, 0), self.at(0, 1)
        self.page.mouse.move((x0 + 2 * x1) / 3, (y0 + 2 * y1) / 3 + 3)
        expect(self.tip()).to_contain_text("trial 7, pruned")
        expect(self.tip()).to_contain_text("stopped by median")

    def test_keys_walk_from_point_to_point(self):
        self.show("hone-chart", chart())
        plot = self.page.locator("#stage .chart-plot")
        for key, number in (("ArrowRight", 11), ("ArrowRight", 12), ("End", 14), ("ArrowLeft", 13), ("Home", 11)):
            plot.press(key)
            expect(self.tip()).to_contain_text(f"trial {number}")
        plot.press("Enter")
        self.assertEqual(self.events("hone-pick"), [{"number": 11}])

    def test_a_drag_zooms_and_the_button_ends_it(self):
        self.show("hone-chart", chart())
        x, y = self.at(0, 1)
        self.page.mouse.move(x - 40, y)
        self.page.mouse.down()
        self.page.mouse.move(x + 40, y + 3, steps=4)
        self.page.mouse.up()
        span = self.js("await settled(); return [element.plot.x.lo, element.plot.x.hi];")
        self.assertTrue(1 < span[0] < 2 < span[1] < 3, span)
        self.assertEqual(self.events("hone-pick"), [])
        self.page.get_by_role("button", name="whole").click()
        span = self.js("await settled(); return [element.plot.x.lo, element.plot.x.hi];")
        self.assertTrue(span[0] < 1 and span[1] > 4, span)

    def test_switches_change_the_axes(self):
        n = 40
        self.show("hone-chart", chart([{**SERIES, "x": list(range(1, n + 1)), "y": [0.1 + k / 1000 for k in range(n - 1)] + [50], "numbers": list(range(n))}]))
        clipped = self.js("return element.plot.y.hi;")
        self.page.get_by_role("button", name="log y").click()
        self.assertTrue(self.js("await settled(); return element.plot.y.log;"))
        self.page.get_by_role("button", name="clip outliers").click()
        self.assertGreater(self.js("await settled(); return element.plot.y.hi;"), 50)
        self.assertLess(clipped, 50)
        self.show("hone-chart", chart([{**SERIES, "y": [-1, 0, 1, 2]}], y={"label": "y", "log": True}))
        self.assertEqual(self.page.get_by_role("button", name="log y").count(), 0)

    def test_selected_trials_are_pointed_out(self):
        for tag, given, layer in (("hone-chart", chart(), 2), ("hone-parcoords", coordinates(20), 2)):
            self.show(tag, given)
            before = self.inked()[layer]["sum"]
            draws = self.js("element.selection = [12, 13]; await settled(); return element.work.draws;")
            self.assertNotEqual(self.inked()[layer]["sum"], before, tag)
            self.assertEqual(self.js("element.selection = [13, 12]; await settled(); return element.work.draws;"), draws)
            self.js("element.selection = []; await settled();")
            self.assertEqual(self.inked()[layer]["sum"], before, tag)

    # ---- rows and command

    def test_below_are_the_rows_and_the_command(self):
        n = 450
        self.show("hone-chart", chart([{**SERIES, "x": list(range(n)), "y": list(range(n)), "numbers": list(range(n))}],
                                      curl="curl -H \"Authorization: Bearer $HONE_TOKEN\" http://h/v1/studies/x/history"))
        self.page.locator("#stage summary", has_text="data").click()
        expect(self.page.locator("#stage tbody tr")).to_have_count(200)
        expect(self.page.locator("#stage .rows-and-command")).to_contain_text("the first 200 of 450 rows")
        self.page.locator("#stage summary", has_text="curl").click()
        expect(self.page.locator("#stage pre")).to_contain_text("Bearer $HONE_TOKEN")
        self.assertEqual(self.axe(), [])


class ParallelCoordinates(ElementTest):
    def oracle(self, data, ranges, share=0.2):
        """Numbers of the trials that a plain reading of the ranges selects."""
        values = {a["name"]: a["values"] for a in data["axes"]}
        ranked = sorted((v for v in data["value"] if isinstance(v, float)), reverse=True)
        limit = ranked[max(1, -(-len(ranked) * int(share * 100) // 100)) - 1]

        def passes(name, value):
            if value is None:
                return "null" in ranges[name]
            if isinstance(value, str):
                return f'"{value}"' in ranges[name]
            return any(r[0] <= value <= r[1] for r in ranges[name] if isinstance(r, list))
        best = [share >= 1 or (isinstance(v, float) and v >= limit) for v in data["value"]]
        return [n for k, n in enumerate(data["numbers"]) if best[k] and all(passes(name, values[name][k]) for name in ranges)]

    def selected(self):
        return self.js("await settled(); return [...element.select().rows].map((row) => element.source.numbers[row]);")

    def axis(self, name):
        return self.page.locator(f'#stage .pc-axis[data-axis="{name}"]')

    def drag(self, name, from_share, to_share):
        """Drags along an axis; 0 is its top, 1 the bottom of its scale."""
        box = self.axis(name).bounding_box()
        height = self.js("return element.height;")
        x = box["x"] + box["width"] / 2
        self.page.mouse.move(x, box["y"] + from_share * height)
        self.page.mouse.down()
        self.page.mouse.move(x, box["y"] + to_share * height, steps=5)
        self.page.mouse.up()

    def test_lines_and_haze_are_drawn(self):
        self.show("hone-parcoords", coordinates(300))
        base, lines, over = self.inked()[:3]
        self.assertGreater(base["ink"], 5000)
        self.assertGreater(lines["ink"], 2000)
        self.assertGreater(over["ink"], 500)

    def test_only_what_varies_is_an_axis_and_the_objective_is_last(self):
        self.show("hone-parcoords", coordinates(50), make=GOAL)
        self.assertEqual(self.js("return element.order;"), ["lr", "units", "opt", "momentum", "accuracy"])
        self.page.locator("#stage .pc-menu summary").click()
        self.page.get_by_label("fixed", exact=True).check()
        self.assertEqual(self.js("await settled(); return element.order;"), ["lr", "units", "opt", "momentum", "fixed", "accuracy"])

    def test_brushes_select_what_plain_counting_selects(self):
        rng = random.Random(4)
        given = coordinates(400)
        for _ in range(6):
            ranges = {"lr": [sorted(10 ** rng.uniform(-5, 0) for _ in range(2)), sorted(10 ** rng.uniform(-5, 0) for _ in range(2))],
                      "momentum": rng.choice([["null"], [[0.2, 0.7]], ["null", [0.1, 0.3]]]), "opt": rng.choice([['"sgd"'], ['"adam"', '"sgd"']])}
            self.show("hone-parcoords", {**given, "ranges": ranges, "share": 1})
            self.assertEqual(self.selected(), self.oracle(given["data"], ranges, 1))

    def test_the_pointer_brushes_moves_and_removes_ranges(self):
        given = coordinates(400)
        self.show("hone-parcoords", {**given, "share": 1})
        self.drag("units", 0.1, 0.3)
        self.drag("units", 0.6, 0.8)
        ranges = self.js("await settled(); return element.ranges;")
        self.assertEqual(len(ranges["units"]), 2)
        self.assertEqual(self.selected(), self.oracle(given["data"], ranges, 1))
        told = self.events("hone-ranges")[-1]
        self.assertEqual((told["ranges"], told["count"], told["isFinal"]), (ranges, len(self.selected()), True))
        self.drag("units", 0.7, 0.9)  # moves the lower one
        moved = self.js("await settled(); return element.ranges;")["units"]
        self.assertEqual(len(moved), 2)
        self.assertLess(min(r[0] for r in moved), min(r[0] for r in ranges["units"]))
        self.drag("units", 0.2, 0.2)  # a click on the upper one
        self.assertEqual(len(self.js("await settled(); return element.ranges;")["units"]), 1)
        self.drag("units", 0.45, 0.45)  # and beside
        self.assertEqual(self.js("await settled(); return element.ranges;"), {})

    def test_the_lane_of_inactive_parameters_can_be_brushed(self):
        given = coordinates(200)
        self.show("hone-parcoords", {**given, "share": 1})
        share = self.js("return element.laneY[0] / element.height;")
        self.drag("momentum", share, share)
        self.assertEqual(self.js("await settled(); return element.ranges;"), {"momentum": ["null"]})
        self.assertEqual(self.selected(), self.oracle(given["data"], {"momentum": ["null"]}, 1))

    def test_keys_brush_reorder_and_change_scales(self):
        given = coordinates(200)
        self.show("hone-parcoords", {**given, "share": 1})
        axis = self.axis("units")
        for key in ("ArrowDown", "ArrowDown", "Shift+ArrowDown", "Shift+ArrowDown", "Shift+ArrowDown"):
            axis.press(key)
        ranges = self.js("await settled(); return element.ranges;")
        self.assertEqual(len(ranges["units"]), 1)
        self.assertEqual(self.selected(), self.oracle(given["data"], ranges, 1))
        expect(axis).to_have_attribute("aria-valuetext", f"{self.number_at(0.9)}; 1 range; {len(self.selected())} trials selected")
        axis.press("Delete")
        self.assertEqual(self.js("await settled(); return element.ranges;"), {})
        axis.press("Alt+ArrowLeft")
        self.assertEqual(self.js("await settled(); return element.order.slice(0, 2);"), ["units", "lr"])
        axis.press("ArrowRight")
        expect(self.axis("lr")).to_be_focused()
        self.axis("lr").press("l")
        self.assertEqual(self.js("await settled(); return element.fitted('lr').scale.kind;"), "linear")
        self.axis("opt").press("ArrowDown")
        self.axis("opt").press("Enter")
        self.assertEqual(len(self.js("await settled(); return element.ranges;")["opt"]), 1)

    def number_at(self, share):
        return self.js("""const {scale} = element.fitted('units'); const v = scale.from(a);
            return String(Number(v.toPrecision(4)));""", share)

    def test_axes_are_moved_and_dropped_by_hand(self):
        self.show("hone-parcoords", coordinates(60))
        name = self.page.locator("#stage .pc-name", has_text="lr")
        box, to = name.bounding_box(), self.axis("opt").bounding_box()
        self.page.mouse.move(box["x"] + 3, box["y"] + 3)
        self.page.mouse.down()
        self.page.mouse.move(to["x"] + 60, box["y"] + 3, steps=5)
        self.page.mouse.up()
        self.assertEqual(self.js("await settled(); return element.order.slice(0, 3);"), ["units", "opt", "lr"])
        box = name.bounding_box()
        self.page.mouse.move(box["x"] + 3, box["y"] + 3)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + 3, box["y"] + 600, steps=5)
        self.page.mouse.up()
        self.assertNotIn("lr", self.js("await settled(); return element.order;"))

    def test_the_slider_and_the_buttons_narrow_what_is_shown(self):
        given = coordinates(200)
        self.show("hone-parcoords", given)
        self.assertEqual(self.selected(), self.oracle(given["data"], {}, 0.2))
        self.page.get_by_label("best share of the trials").fill("50")
        half = self.selected()
        self.assertEqual(half, self.oracle(given["data"], {}, 0.5))
        self.js("element.ranges = {units: [[8, 30]]};")
        few = self.selected()
        self.page.get_by_role("button", name="exclude").click()
        self.assertEqual(self.selected(), [n for n in half if n not in few])
        self.page.get_by_role("button", name="all", exact=True).click()
        self.assertEqual(self.selected(), half)
        self.js("element.ranges = {units: [[8, 30]]};")
        self.page.get_by_role("button", name="keep").click()
        self.assertEqual((self.selected(), self.js("return element.ranges;")), (few, {}))

    def test_the_line_under_the_pointer_is_found_and_opened(self):
        given = coordinates(5)
        self.show("hone-parcoords", {**given, "share": 1})
        for row in range(5):
            x, y = self.js("""const [l, r] = [element.fitted(element.order[0]), element.fitted(element.order[1])];
                const box = element.canvases[2].getBoundingClientRect();
                return [box.left + element.at[0] * 0.7 + element.at[1] * 0.3, box.top + element.placeOf(l, a) * 0.7 + element.placeOf(r, a) * 0.3];""", row)
            self.page.mouse.click(x, y)
        self.assertEqual([e["number"] for e in self.events("hone-pick")], [1, 2, 3, 4, 5])

    def test_many_few_and_odd_values_are_borne(self):
        eighty = {"data": {"axes": [{"name": f"p{k}", "type": "number", "values": [k, k + 1, None]} for k in range(80)],
                           "numbers": [1, 2, 3], "value": [1, 2, "Infinity"], "direction": "minimize"}}
        self.show("hone-parcoords", eighty)
        self.assertEqual(self.js("return element.order.length;"), 25)
        self.assertGreater(self.inked()[2]["ink"], 100)
        for n in (0, 1, 2):
            self.show("hone-parcoords", coordinates(n))
            self.assertEqual(len(self.selected()), min(n, 1))
        nothing = {"data": {"axes": [{"name": "x", "type": "log", "values": [None, "NaN"]}], "numbers": [1, 2], "value": [None, None], "direction": "minimize"}}
        self.show("hone-parcoords", {**nothing, "share": 1})
        self.assertEqual(self.selected(), [1, 2])

    def test_what_a_new_set_of_rows_brings_keeps_order_and_ranges(self):
        given = coordinates(100)
        self.show("hone-parcoords", {**given, "share": 1, "ranges": {"units": [[8, 30]]}})
        self.axis("units").press("Alt+ArrowLeft")
        more = coordinates(140)
        self.js("element.data = a; await settled();", more["data"])
        self.assertEqual(self.js("return element.order[0];"), "units")
        self.assertEqual(self.selected(), self.oracle(more["data"], {"units": [[8, 30]]}, 1))

    def test_it_can_be_used_without_sight(self):
        self.show("hone-parcoords", coordinates(60))
        self.assertEqual(self.axe(), [])


if __name__ == "__main__":
    main()
