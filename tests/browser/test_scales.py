#!/usr/bin/env python3
"""Scales, filters, ranks and bins of the charts against plain counting in Python."""

import json
import math
import random
import struct

from elements import ElementTest
from harness import main

BINS = 128
LANES = ["null", "NaN", "Infinity", "-Infinity"]


def single(v):
    """As a 32-bit float holds it."""
    return struct.unpack("f", struct.pack("f", v))[0]


def number(value):
    """What a JSON value is worth on an axis of numbers; None and words are in a lane."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def lane(value):
    return "null" if value is None else value if value in LANES else None


def random_axis(rng, n):
    kind = rng.choice(["number", "log", "category"])
    if kind == "category":
        choices = [rng.choice(["a", 'b"\\', "ä", 1, 2.5, "1", True, [1, "x"], {"k": 1}, "null"]) for _ in range(4)]
        return kind, [rng.choice([*choices, None]) for _ in range(n)]
    make = (lambda: 10 ** rng.uniform(-5, 0)) if kind == "log" else (lambda: round(rng.gauss(0, 3), 1))
    return kind, [rng.choice(LANES[1:] + [None]) if rng.random() < 0.2 else make() for _ in range(n)]


def random_ranges(rng, kind, values):
    if kind == "category":
        keys = {json.dumps(v, separators=(",", ":"), ensure_ascii=False) for v in values} or {'"none of them"'}
        return rng.sample(sorted(keys), rng.randint(1, min(3, len(keys))))
    picked = [v for v in values if number(v) is not None] or [0]
    pairs = [sorted(rng.choices(picked, k=2)) for _ in range(rng.randint(0, 2))]
    return pairs + rng.sample(LANES, rng.randint(0, 2)) or [[0, 1]]


def passes(kind, value, ranges):
    """The plain meaning of ranges: any of them may hold."""
    if kind == "category":
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False) in ranges
    if lane(value):
        return lane(value) in ranges
    return any(low <= value <= high for low, high in (r for r in ranges if isinstance(r, list)))


class Scales(ElementTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.serve_sources(cls.shared)

    def run_js(self, body, argument=None):
        return self.page.evaluate("""async (a) => {
            const files = ['scales', 'ticks', 'filters', 'ranks', 'raster', 'colours'];
            const s = Object.assign({}, ...await Promise.all(files.map((name) => import(new URL(`source/${name}.js`, document.baseURI)))));
            """ + body + " }", argument)

    def test_brushed_rows_are_those_of_plain_counting(self):
        rng = random.Random(7)
        for case in range(40):
            n = rng.choice([0, 1, 2, 50, 400])
            axes = [(f"a{k}", *random_axis(rng, n)) for k in range(rng.randint(1, 5))]
            ranges = {name: random_ranges(rng, kind, values) for name, kind, values in axes if rng.random() < 0.7}
            got = self.run_js("""
                const axes = a.axes.map(([name, type, values]) => s.makeAxis({name, type, values}));
                const {mask, count} = s.selectRows(axes, a.ranges);
                return {mask: [...mask], count};""", {"axes": axes, "ranges": ranges})
            want = [int(all(passes(kind, values[row], ranges[name]) for name, kind, values in axes if name in ranges))
                    for row in range(n)]
            self.assertEqual((case, got["mask"]), (case, want))
            self.assertEqual(got["count"], sum(want))

    def test_rows_put_aside_are_never_selected(self):
        self.assertEqual(self.run_js("""
            const axis = s.makeAxis({name: 'x', type: 'number', values: [1, 2, 3, 4]});
            return [...s.selectRows([axis], {x: [[2, 4]]}, Uint8Array.of(1, 0, 1, 1)).mask];"""), [0, 0, 1, 1])

    def test_values_without_a_place_have_lanes(self):
        got = self.run_js("""
            const axis = s.makeAxis({name: 'x', type: 'number', values: [1, null, 'NaN', 'Infinity', '-Infinity', 3]});
            return {lane: [...axis.lane], lanes: axis.lanes, lo: axis.lo, hi: axis.hi, varies: axis.varies};""")
        self.assertEqual(got, {"lane": [0, 1, 2, 3, 4, 0], "lanes": [1, 2, 3, 4], "lo": 1, "hi": 3, "varies": True})

    def test_only_what_differs_varies(self):
        for values, varies in (([1, 1], False), ([1, 2], True), ([1, None], True), ([None, None], False), ([], False)):
            self.assertEqual(self.run_js("return s.makeAxis({name: 'x', type: 'number', values: a}).varies;", values), varies)

    def test_a_quantile_scale_spreads_ranks_evenly(self):
        rng = random.Random(3)
        values = [round(rng.lognormvariate(0, 2), 2) for _ in range(300)]
        got = self.run_js("""
            const scale = s.makeScale(s.makeAxis({name: 'x', type: 'number', values: a}), 'quantile');
            return {t: a.map(scale.to), back: a.map((v) => scale.from(scale.to(v)))};""", values)
        ordered = sorted(values)
        for v, t, back in zip(values, got["t"], got["back"]):
            first, last = ordered.index(v), len(ordered) - 1 - ordered[::-1].index(v)
            self.assertAlmostEqual(t, (first + last) / 2 / (len(values) - 1), 12)
            self.assertAlmostEqual(back, v, 9)

    def test_scales_lead_there_and_back(self):
        for kind, values in (("linear", [-3, 0, 7]), ("log", [1e-5, 0.01, 3]), ("linear", [5, 5])):
            got = self.run_js("""
                const scale = s.makeScale(s.makeAxis({name: 'x', type: 'number', values: a[1]}), a[0]);
                return {kind: scale.kind, t: a[1].map(scale.to), back: a[1].map((v) => scale.from(scale.to(v)))};""", [kind, values])
            self.assertEqual(got["kind"], kind)
            for v, t, back in zip(values, got["t"], got["back"]):
                self.assertTrue(-1e-9 <= t <= 1 + 1e-9, (kind, v, t))
                self.assertAlmostEqual(back, v, 9)

    def test_a_log_scale_over_values_that_are_not_positive_is_linear(self):
        self.assertEqual(self.run_js("""
            const axis = s.makeAxis({name: 'x', type: 'log', values: [0, 1, 10]});
            return [s.makeScale(axis, 'log').kind, s.kindsOf(axis)];"""), ["linear", ["linear", "quantile"]])

    def test_ticks_are_round_and_inside(self):
        for call, want in (("linearTicks(0, 1, 6)", [0, 0.2, 0.4, 0.6, 0.8, 1]), ("linearTicks(3, 3, 5)", [3]),
                           ("linearTicks(-0.3, 0.3, 4)", [-0.2, 0, 0.2]), ("logTicks(1e-5, 1, 6)", [1e-5, 1e-4, 1e-3, 0.01, 0.1, 1]),
                           ("logTicks(1e-8, 1, 3)", [1e-8, 1e-5, 0.01]), ("logTicks(2, 30, 5)", [2, 5, 10, 20])):
            self.assertEqual((call, self.run_js(f"return s.{call};")), (call, want))

    def test_moments_get_round_ticks(self):
        got = self.run_js("""
            const t = s.timeTicks(new Date(2026, 0, 5, 9, 58).getTime(), new Date(2026, 0, 5, 11, 3).getTime(), 6);
            return t.map((ms) => s.timeText(ms, t[1] - t[0]));""")
        self.assertEqual(got, ["10:00", "10:15", "10:30", "10:45", "11:00"])
        self.assertEqual(self.run_js("return s.timeText(new Date(2026, 0, 6).getTime(), 3600e3);"), "01-06")

    def test_a_brush_means_values_categories_and_lanes(self):
        got = self.run_js("""
            const numbers = s.makeAxis({name: 'x', type: 'number', values: [0, 10, null]});
            const words = s.makeAxis({name: 'w', type: 'category', values: ['a', 'b', 'c', 'd']});
            const x = s.makeScale(numbers, 'linear'), w = s.makeScale(words, 'category');
            return [s.brushed(numbers, x, 0.25, 0.5, []), s.brushed(numbers, x, 0.5, -0.2, [1]), s.brushed(numbers, x, -0.1, -0.2, [1]),
              s.brushed(words, w, 0.3, 0.7, [])];""")
        self.assertEqual(got, [[[2.5, 5]], [[0, 5], "null"], ["null"], ['"b"', '"c"']])

    def test_lines_are_counted_by_their_bins(self):
        rng = random.Random(5)
        a = [rng.random() for _ in range(500)]
        b = [None if rng.random() < 0.1 else rng.random() for _ in range(500)]
        rows = [k for k in range(500) if rng.random() < 0.5]
        got = self.run_js("""
            const [x, y] = [a.a, a.b].map((values) => s.makeAxis({name: 'x', type: 'number', values}));
            const [p, q] = [x, y].map((axis) => s.binRows(axis, s.makeScale(axis, 'linear')));
            const {counts, sums, width} = s.binPairs(p, q, Uint32Array.from(a.rows), Float64Array.from(a.a));
            const cells = {};
            counts.forEach((n, k) => { if (n) cells[`${Math.floor(k / width)} ${k % width}`] = [n, sums[k]]; });
            return cells;""", {"a": a, "b": b, "rows": rows})

        def bin_of(values, v):
            known = [w for w in values if w is not None]
            return BINS if v is None else min(BINS - 1, int((v - min(known)) / (max(known) - min(known)) * BINS))
        want = {}
        for row in rows:
            cell = want.setdefault(f"{bin_of(a, a[row])} {bin_of(b, b[row])}", [0, 0])
            cell[0] += 1
            cell[1] += a[row]
        self.assertEqual({k: n for k, (n, _) in got.items()}, {k: n for k, (n, _) in want.items()})
        for key, (_, total) in want.items():
            self.assertAlmostEqual(got[key][1], total, 4)

    def test_the_best_share_is_ranked_by_direction(self):
        values = [3, 1, "NaN", 2, None, "-Infinity", 2]
        for direction, share, want in (("minimize", 0.2, [0, 0, 0, 0, 0, 1, 0]), ("minimize", 0.6, [0, 1, 0, 1, 0, 1, 1]),
                                       ("maximize", 0.2, [1, 0, 0, 0, 0, 0, 0]), ("maximize", 1, [1] * 7)):
            got = self.run_js("return [...s.topShare(s.rankShares(a[0], a[1]), a[2])];", [values, direction, share])
            self.assertEqual((direction, share, got), (direction, share, want))

    def test_a_front_is_what_nothing_dominates(self):
        rng = random.Random(11)
        for directions in (("minimize", "minimize"), ("maximize", "minimize"), ("minimize", "maximize"), ("maximize", "maximize")):
            points = [(round(rng.random(), 2), round(rng.random(), 2)) for _ in range(80)]
            signs = [-1 if d == "maximize" else 1 for d in directions]
            better = [(signs[0] * x, signs[1] * y) for x, y in points]
            front = {points[i] for i, (x, y) in enumerate(better)
                     if not any(u <= x and v <= y and (u, v) != (x, y) for u, v in better)}
            got = self.run_js("""return s.paretoFront(Float64Array.from(a[0], (p) => p[0]), Float64Array.from(a[0], (p) => p[1]), a[1], a[2]);""",
                              [points, *directions])
            self.assertEqual({points[i] for i in got}, front)

    def test_the_best_so_far_ignores_what_is_no_value(self):
        got = self.run_js("return [...s.bestSoFar([NaN, 3, Infinity, 5, NaN, 2, 4], a)].map(String);", "minimize")
        self.assertEqual(got, ["NaN", "3", "3", "3", "3", "2", "2"])
        got = self.run_js("return [...s.bestSoFar([3, 5, 4], a)];", "maximize")
        self.assertEqual(got, [3, 5, 5])

    def test_outliers_are_cut_off_and_counted(self):
        near = [math.sin(k) for k in range(100)]
        for values, clip, outside, high in ((near, True, 0, max(near)), ([*near, 1000, 2000], True, 2, max(near)),
                                            ([*near, 1000], False, 0, 1000)):
            got = self.run_js("return s.visibleExtent(a[0], {clip: a[1]});", [values, clip])
            self.assertEqual((got["outside"], got["hi"]), (outside, high))
        self.assertIsNone(self.run_js("return s.visibleExtent([NaN, Infinity]);"))
        self.assertEqual(self.run_js("return s.visibleExtent([-1, 0, 2, 8], {log: true});")["lo"], 2)

    def test_an_order_spread_out_holds_each_row_once(self):
        for n in [*range(0, 40), 1000, 4096]:
            got = self.run_js("return [...s.spread(a)];", n)
            self.assertEqual((n, sorted(got)), (n, list(range(n))))
        first = self.run_js("return [...s.spread(1000).slice(0, 10)];")
        tenths = [k // 100 for k in first]
        self.assertLessEqual(max(map(tenths.count, tenths)), 2)

    def test_ranges_survive_an_address_and_rubbish_does_not(self):
        ranges = {"lr": [[1e-5, 0.1], "NaN"], "opt": ['"adam"'], "gone": []}
        text = self.run_js("return s.rangesToText(a);", ranges)
        self.assertEqual(self.run_js("return s.rangesFromText(a);", text), {"lr": [[1e-5, 0.1], "NaN"], "opt": ['"adam"']})
        self.assertEqual(self.run_js("return s.rangesToText({});"), "")
        for rubbish in (None, "", "x", "3", "[]", '{"a": 1}', '{"a": [[1]]}', '{"a": [[1, null], {}]}'):
            self.assertEqual((rubbish, self.run_js("return s.rangesFromText(a);", rubbish)), (rubbish, {}))

    def test_shades_are_of_viridis(self):
        self.assertEqual(self.run_js("return [s.viridis(0), s.viridis(0.5), s.viridis(1), s.viridis(7)];"),
                         [[68, 1, 84], [33, 145, 140], [253, 231, 37], [253, 231, 37]])


if __name__ == "__main__":
    main()
