#!/usr/bin/env python3
"""Formats of numbers and times, and the language of the filter: the source files, in a browser."""

import math
import subprocess

from harness import BrowserTest, main


class Words(BrowserTest):
    def made(self, call, cases):
        """What `call` of view.js makes of each input, beside what is wanted."""
        found = self.source(f"async (load, inputs) => {{ const v = await load('view.js'); return inputs.map((x) => ({call})(v, x)); }}",
                            [given for given, _ in cases])
        self.assertEqual(found, [wanted for _, wanted in cases])

    def test_numbers_have_four_digits(self):
        self.made("(v, x) => v.num(x)", [
            (0, "0"), (1, "1"), (-3, "−3"), (0.1, "0.1"), (0.123456, "0.1235"), (1234567, "1234567"), (12345678, "1.235e7"),
            (0.00012345, "0.0001234"), (0.000012345, "1.234e−5"), (1e-5, "1e−5"), (3.14159265, "3.142"), (100.04, "100"),
            (25_812.4, "25\u202f812"), (9999.96, "10\u202f000"), (-12345.6, "−12\u202f346"),
            ("NaN", "NaN"), ("Infinity", "∞"), ("-Infinity", "−∞"), (None, "–"), ("text", "–"), (1e300, "1e300")])

    def test_spans_and_ages(self):
        self.made("(v, x) => v.span(x)", [(0.25, "0.25 s"), (9.99, "10 s"), (59, "59 s"), (61, "1 min 01 s"),
                                          (3600, "1 h 00 min"), (90061, "1 d 1 h"), (None, "–")])
        self.made("(v, x) => v.age(0, x)", [(900, "0 s"), (59_000, "59 s"), (61_000, "1 min"), (7.3e6, "2 h"), (2.6e8, "3 d")])

    def test_one_of_a_resource_is_singular(self):
        self.made("(v, [n, unit]) => v.amount(n, unit)", [
            ([1, "epochs"], "1 epoch"), ([3, "epochs"], "3 epochs"), ([1, "passes"], "1 pass"), ([1, "batches"], "1 batch"),
            ([1, "loss"], "1 loss"), ([0.5, "epochs"], "0.5 epochs"), ([1, "GiB"], "1 GiB"), ([1, "s"], "1 s")])

    def test_the_best_so_far_begins_anew_where_the_level_rises(self):
        study = {"objectives": [{"metric": "a", "direction": "maximize"}], "resource": {"name": "epochs"}}
        columns = {"value": [0.5, 0.6, 0.4, 0.3, 0.7, 0.2], "step": [1, 1, 3, 3, 1, 9], "ended_at": [None] * 6,
                   "state": ["pruned", "paused", "pruned", "running", "pruned", "completed"]}
        found = self.source("""async (load, {study, columns, improvements}) => {
            const {historyData} = await load('plots.js');
            const c = {n: 6, version: 1, numbers: [1, 2, 3, 4, 5, 6], get: (name) => columns[name] ?? [], find: (n) => n - 1};
            return improvements.map((items) => {
              const {series} = historyData(study, c, items, {by: 'trial'});
              const line = series.find((s) => s.style === 'step');
              return [[...line.x], [...line.y].map(String), series.filter((s) => s.isFaint).map((s) => s.label)]; }); }""",
                            {"study": study, "columns": columns, "improvements": [[], [{"number": 6, "value": 0.2}]]})
        levels = [[1, 2, 3, 3, 3], ["0.5", "0.6", "0.6", "NaN", "0.4"]]
        self.assertEqual(found, [[levels[0] + [6], levels[1] + ["0.4"], []],
                                 [levels[0] + [6, 6, 6, 6], levels[1] + ["0.4", "NaN", "0.2", "0.2"], ["pruned", "paused"]]])

    def test_moments_are_local_with_their_offset(self):
        context = self.new_context(timezone_id="Asia/Kolkata")
        page = self.new_page(context)
        self.assertEqual(self.source("async (load) => (await load('view.js')).moment(0)", page=page), "1970-01-01 05:30:00 +05:30")
        context = self.new_context(timezone_id="America/St_Johns")
        page = self.new_page(context)
        self.assertEqual(self.source("async (load) => (await load('view.js')).moment(1.75e12)", page=page), "2025-06-15 12:36:40 −02:30")

    COLUMNS = {"number": [1, 2, 3, 4], "state": ["completed", "failed", "running", "completed"],
               "value": [0.5, None, "NaN", 1e-3], "parameters.lr": [1e-4, 1e-2, 1, None], "parameters.opt name": ["adam", "sgd", "adam w", None],
               "worker": ["gpu01:0", "gpu02:0", "gpu01:1", None]}

    def rows(self, text):
        return self.source("""async (load, {text, columns}) => {
            const {parseFilter, filterRows} = await load('table.js');
            const names = Object.keys(columns);
            const {terms, faults} = parseFilter(text, names);
            const rows = filterRows({names, n: columns.number.length, get: (name) => columns[name]}, terms);
            return faults.length ? faults : rows.map((row) => row + 1); }""", {"text": text, "columns": self.COLUMNS})

    def test_filters(self):
        for text, wanted in (
                ("", [1, 2, 3, 4]), ("state:completed", [1, 4]), ("state:completed,failed", [1, 2, 4]), ("state!=completed", [2, 3]),
                ("lr<1e-3", [1]), ("lr>=0.01", [2, 3]), ("lr < 1 state:failed", [2]), ("value>0", [1, 4]), ("value=NaN", [3]),
                ('"opt name"="adam w"', [3]), ('"opt name":adam', [1, 3]), ("gpu01", [1, 3]), ("#2", [2]), ("number>2", [3, 4]),
                ("nothing<3", ["There is no column nothing."]), ("worker:gpu01:0", [1]), ("<", []), ("state:", []), ("((", [])):
            self.assertEqual((text, self.rows(text)), (text, wanted))

    def test_sorting_puts_what_has_no_value_last(self):
        found = self.source("""async (load, columns) => {
            const {sortRows} = await load('table.js');
            const c = {numbers: columns.number, get: (name) => columns[name]};
            return ['value', 'parameters.lr', 'worker'].flatMap((name) => [false, true].map((down) =>
              sortRows(c, [0, 1, 2, 3], name, down).map((row) => row + 1))); }""", self.COLUMNS)
        self.assertEqual(found, [[4, 1, 2, 3], [1, 4, 2, 3], [1, 2, 3, 4], [3, 2, 1, 4], [1, 3, 2, 4], [2, 3, 1, 4]])

    def test_shell_words_are_quoted(self):
        keys = "a\x15\nid\x1b[201~\u009b'\\\\x"
        word = self.source("async (load, x) => (await load('share.js')).quoted(x)", keys)
        self.assertTrue(word.isprintable(), word)
        said = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
        self.assertEqual(said.stdout.decode(), keys)
        self.assertEqual(self.source("""async (load) => { const {quoted, argumentsOf} = await load('share.js');
            return [quoted('plain-1.5'), quoted("it's"), quoted(''), argumentsOf({a: 1, 'b c': '$(rm)', l: [1, 'x y']})]; }"""),
            ["plain-1.5", "'it'\\''s'", "''", "--a=1 '--b c=$(rm)' '--l=[1,\"x y\"]'"])

    def test_remaining_time_follows_from_what_ended(self):
        found = self.source("""async (load) => { const {remaining} = await load('study_now.js');
            const study = {state: 'running', limits: {trials: 30}, counts: {completed: 10, running: 2}};
            const ended = Array.from({length: 10}, (_, i) => 1000 * i);
            return [remaining(study, ended, 9000), remaining(study, ended.slice(0, 3), 9000),
              remaining({...study, state: 'paused'}, ended, 9000), remaining({...study, limits: {}}, ended, 9000)]; }""")
        self.assertTrue(math.isclose(found[0], 20), found)
        self.assertEqual(found[1:], [None, None, None])


if __name__ == "__main__":
    main()
