#!/usr/bin/env python3
"""100,000 trials of 8 columns: what is done for a picture is counted, and takes no more than it may.

Machines that test are busy, so what is asserted is the work: rows read, things drawn in a slice of a
frame, and the time that the main thread computed, with room to spare. bench_charts.py prints the real
figures.
"""

from budget import COORDINATES, HISTORY, MainThread, feed, feed_from
from elements import ElementTest
from harness import main

ROWS = 100_000
COLUMNS = 8
MOST_LINES = 20_000  # of parcoords_lines.js


class Budget(ElementTest):
    def test_parallel_coordinates_are_seen_before_all_of_them_is_drawn(self):
        found = feed(self.page, "hone-parcoords", ROWS, COORDINATES, 6)
        first = found["first"]
        self.assertEqual(found["rows"], ROWS)
        # each column once for its axis, once for its bins; ranks, selection and shades; each pair of axes once
        self.assertLessEqual(first["rows"], ROWS * (2 * COLUMNS + COLUMNS - 1 + 8))
        self.assertGreater(first["slices"], 1)
        self.assertLess(first["largest"], first["drawn"])
        self.assertLessEqual(first["drawn"], (MOST_LINES + 10) * (COLUMNS - 1))
        self.assertGreater(first["drawn"], MOST_LINES * 0.9 * (COLUMNS - 1))
        # a brush reads the rows for its ranges, and no axis again
        self.assertLessEqual(found["brushRows"], 3 * ROWS)
        self.assertLess(sorted(found["redraws"])[len(found["redraws"]) // 2], 1000)

    def test_a_hundred_thousand_points_are_drawn_in_slices(self):
        found = feed(self.page, "hone-chart", ROWS, HISTORY)
        self.assertEqual(found["first"]["drawn"], ROWS)
        self.assertLess(found["paint"], 5000)

    def test_the_main_thread_computes_little(self):
        for tag, shape, most in (("hone-parcoords", COORDINATES, 1500), ("hone-chart", HISTORY, 600)):
            self.page.evaluate(f"async ([tag, n]) => {{ window.given = ({shape})(({self.make()})(n)); await show(tag, {{}}); }}", [tag, ROWS])
            thread = MainThread(self.page)
            before = thread.ms()
            self.js("element.data = given; await settled();")
            took = thread.ms() - before
            print(f"{tag}: {took:.0f} ms of the main thread for all of it")
            self.assertLess(took, most)

    @staticmethod
    def make():
        from budget import MAKE
        return MAKE


if __name__ == "__main__":
    main()
