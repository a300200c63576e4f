"""Regrets of many runs, with their errors: what quality.py and its like print.

A figure is the mean over problems of the mean over seeds; its standard error comes from the seeds
alone (all tuners have the same problems): the square root of the mean squared error of the
problems' means, over the root of how many there are. A difference of two tuners is paired over
equal problems and seeds where these start alike, and says so; otherwise both errors count."""
import collections
import csv
import glob
import json
import math
import os


class Problems:
    """A folder of problems; what a value is worth there."""

    def __init__(self, bench):
        self.by_id = {}
        for path in glob.glob(os.path.join(bench, "problems", "*.json")):
            with open(path, encoding="utf-8") as text:
                problem = json.load(text)
            self.by_id[problem["id"]] = problem

    def group(self, problem):
        return self.by_id[problem]["group"]

    def of_mode(self, mode):
        curves, several = mode.startswith("mf"), mode.startswith("mo")
        return sorted(i for i, p in self.by_id.items()
                      if bool(p.get("fidelity")) == curves and i.startswith("m-") == several)

    def regret(self, problem, value):
        """0: the best known; 1: the median of random configurations, or nothing at all."""
        if value in (None, ""):
            return 1.0
        reference = self.by_id[problem]["reference"]
        scale = reference["median_random"] - reference["best"]
        return min(max((float(value) - reference["best"]) / scale, 0.0), 1.0)


class Runs:
    """{tuner: {budget: {problem: {seed: regret}}}} of one mode."""

    def __init__(self, problems, mode, files):
        self.problems = problems
        self.table = collections.defaultdict(
            lambda: collections.defaultdict(lambda: collections.defaultdict(dict)))
        for path in files:
            with open(path, encoding="utf-8", newline="") as rows:
                for row in csv.DictReader(rows):
                    if row["mode"] == mode and row["problem"] in problems.by_id:
                        cell = self.table[row["tuner"]][int(row["budget"])][row["problem"]]
                        cell[int(row["seed"])] = problems.regret(row["problem"], row["value"])

    def cells(self, tuner, budget, wanted):
        """{problem: {seed: regret}}, or None where a wanted problem is missing."""
        have = self.table.get(tuner, {}).get(budget, {})
        return {p: have[p] for p in wanted} if all(have.get(p) for p in wanted) else None

    def figure(self, tuner, budget, wanted):
        """(mean, standard error), or None."""
        cells = self.cells(tuner, budget, wanted)
        return None if cells is None else mean_error(list(c.values()) for c in cells.values())

    def difference(self, mine, other, budget, wanted, paired):
        """(mean, standard error, pairs a problem or 0 where nothing is paired), or None."""
        a, b = self.cells(mine, budget, wanted), self.cells(other, budget, wanted)
        if a is None or b is None:
            return None
        common = {p: sorted(set(a[p]) & set(b[p])) for p in wanted}
        if paired and all(len(seeds) > 1 for seeds in common.values()):
            pairs = [[a[p][s] - b[p][s] for s in common[p]] for p in wanted]
            return (*mean_error(pairs), min(len(p) for p in pairs))
        m, e = mean_error(list(c.values()) for c in a.values())
        n, f = mean_error(list(c.values()) for c in b.values())
        return m - n, math.hypot(e, f), 0

    def reached(self, tuner, mark, wanted):
        """After how many evaluations the mean regret is `mark`, between budgets along a line."""
        before = None
        for budget in sorted(self.table.get(tuner, {})):
            figure = self.figure(tuner, budget, wanted)
            if figure is None:
                continue
            if figure[0] <= mark:
                if before is None:
                    return budget
                share = (before[1] - mark) / (before[1] - figure[0])
                return before[0] + share * (budget - before[0])
            before = (budget, figure[0])
        return None

    def seeds(self, tuner, wanted):
        """Those that every wanted problem has at the least budget."""
        budgets = sorted(self.table.get(tuner, {}))
        cells = self.cells(tuner, budgets[0], wanted) if budgets else None
        return sorted(set.intersection(*map(set, cells.values()))) if cells else []


def mean_error(samples):
    """Mean of the samples' means, and its standard error: NaN with one value in each."""
    samples = list(samples)
    total, square, known = 0.0, 0.0, False
    for sample in samples:
        mean = sum(sample) / len(sample)
        total += mean
        if len(sample) > 1:
            known = True
            square += sum((x - mean) ** 2 for x in sample) / (len(sample) - 1) / len(sample)
    return total / len(samples), math.sqrt(square) / len(samples) if known else math.nan
