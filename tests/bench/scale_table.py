"""The table that scale.py prints: what was wanted, what was found, met or missed."""

import os


def cpu_name():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else "unknown"


def median(values):
    return sorted(values)[len(values) // 2]


class Table:
    def __init__(self):
        self.rows = []

    def add(self, what, value, wanted, met, note):
        self.rows.append((what, value, wanted, met))
        mark = "met" if met else "MISSED"
        print(f"  {what}: {value} ({wanted}) {mark}{'; ' + note if note else ''};"
              f" load {os.getloadavg()[0]:.1f}", flush=True)

    def most(self, what, value, limit, unit, note=""):
        self.add(what, f"{value:.4g} {unit}".strip(), f"at most {limit:g} {unit}".strip(), value <= limit, note)

    def least(self, what, value, limit, unit, note=""):
        self.add(what, f"{value:.5g} {unit}".strip(), f"at least {limit:g} {unit}".strip(), value >= limit, note)

    def ratio(self, what, pairs, limit):
        """Of pairs that were measured one after the other: the second to the first, the median."""
        ratios = [second / max(first, 1e-9) for first, second in pairs]
        middle = sorted(range(len(pairs)), key=ratios.__getitem__)[len(pairs) // 2]
        self.least(what, ratios[middle], limit, "", f"{pairs[middle][1]:.0f} of {pairs[middle][0]:.0f}; all: "
                   + " ".join(f"{ratio:.2f}" for ratio in sorted(ratios)))

    def end(self):
        width = max((len(row[0]) for row in self.rows), default=0)
        print(f"\n{'figure':<{width}}  {'wanted':>18}  {'found':>12}")
        for what, value, wanted, met in self.rows:
            print(f"{what:<{width}}  {wanted:>18}  {value:>12}  {'met' if met else 'MISSED'}")
        missed = sum(not row[3] for row in self.rows)
        print(f"\n{len(self.rows) - missed} met, {missed} missed; load {os.getloadavg()[0]:.1f} at the end")
        return 1 if missed or not self.rows else 0
