"""Bracket tables for fractional resources and any eta, by exact fractions, independent of
server/schedule/tables.c. Writes brackets_fractions.golden: for every case, eta and rounding the FNV-1a
hash of the table's text, or "-" where two rungs would be the same.

    python3 brackets_fractions.py > brackets_fractions.golden
    python3 brackets_fractions.py show 16 0.25 0.25 2.5          max min step eta: the tables
"""
import sys
from fractions import Fraction as F
from math import ceil, floor

RUNGS_MAX = 60
POWERS_MAX = 120  # how far down levels are looked for
CASES = [  # max, min, step
    ("16", "0.25", "0.25"), ("16", "0.25", "0.01"), ("10", "0.1", "0.1"), ("4.5", "1", "0.5"),
    ("600", "12.5", "0.1"), ("1", "0.001", "0.001"), ("81", "1", "1"), ("100", "5", "5"),
    ("3600", "30", "30"), ("7.3", "0.7", "0.1"), ("0.3", "0.1", "0.1"), ("1000", "1.5", "1.5"),
    ("52", "1", "0.001"), ("123456.789", "0.321", "0.001"), ("100", "3", "10"), ("1", "1", "1"),
]
ETAS = ["1.1", "1.3", "1.5", "2", "2.5", "2.718281828459045", "3", "3.7", "4", "10", "999.999"]


def to_step(x, step):
    return floor(x / step + F(1, 2)) * step


def s_max_of(R, r_min, eta):
    s = 0
    while r_min * eta ** (s + 1) <= R:
        s += 1
        if s == RUNGS_MAX:
            break
    return s


def bracket(R, r_min, step, eta, rounding, s):
    kinds = s_max_of(R, r_min, eta) + 1
    share = F(kinds, s + 1)
    n = floor(floor(share) * eta**s) if rounding == "paper_table" else ceil(share * eta**s)
    size = ceil if rounding == "ceil_all" else floor
    rungs = []
    for i in range(s + 1):
        level = R if i == s else to_step(R / eta ** (s - i), step)
        if level < r_min:
            level = ceil(r_min / step) * step
        rungs.append((max(1, size(n / eta**i)), level))
    return rungs


def brackets(R, r_min, step, eta, rounding):
    table = [bracket(R, r_min, step, eta, rounding, s)
             for s in range(s_max_of(R, r_min, eta), -1, -1)]
    levels = [level for _, level in table[0]]
    return table if all(a < b for a, b in zip(levels, levels[1:])) else None


def levels(R, r_min, step, eta):
    down = [R]
    for k in range(1, POWERS_MAX):
        level = to_step(R / eta**k, step)
        if level < r_min:
            break
        if level < down[-1] and (down[-1] / level) ** 2 >= eta and len(down) < RUNGS_MAX:
            down.append(level)
    return [[(0, level) for level in reversed(down)]]


def half_levels(R, r_min, step, eta):
    """m times step with (m - 1/2) step <= R / sqrt(eta)^k, by bisection over squares."""
    least = max(r_min, ceil(R / 10 / step) * step)
    down = [R]
    for k in range(1, POWERS_MAX):
        low, high = 0, ceil(down[-1] / step) + 1
        while high - low > 1:
            m = (low + high) // 2
            low, high = (m, high) if ((m - F(1, 2)) * step) ** 2 * eta**k <= R**2 else (low, m)
        if low * step < least or low * step >= down[-1] or len(down) == RUNGS_MAX:
            break
        down.append(low * step)
    return [[(0, level) for level in reversed(down)]]


def decimal(x):
    digits = 0
    while x * 10**digits != floor(x * 10**digits):
        digits += 1
    text = f"{floor(x * 10**digits):0{digits + 1}d}"
    return text[:-digits] + "." + text[-digits:] if digits else text


def tables(R, r_min, step, eta):
    for rounding in ("formula", "paper_table", "ceil_all"):
        yield rounding, brackets(R, r_min, step, eta, rounding)
    yield "levels", levels(R, r_min, step, eta)
    yield "half_levels", half_levels(R, r_min, step, eta)


def text(table):
    return " . ".join(" ".join(f"{n}@{decimal(r)}" for n, r in b) for b in table)


def fnv(data):
    h = 0xCBF29CE484222325
    for byte in data.encode():
        h = (h ^ byte) * 0x100000001B3 % 2**64
    return h


def main():
    if sys.argv[1:2] == ["show"]:
        for rounding, table in tables(*map(F, sys.argv[2:6])):
            print(rounding + ":", text(table) if table else "too close")
        return
    for case in CASES:
        for eta in ETAS:
            if s_max_of(F(case[0]), F(case[1]), F(eta)) < RUNGS_MAX:
                for rounding, table in tables(*map(F, case), F(eta)):
                    print(*case, eta, rounding, f"{fnv(text(table)):016x}" if table else "-")


main()
