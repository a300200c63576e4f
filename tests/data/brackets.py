"""Bracket tables by exact fractions, independent of server/schedule/tables.c, which works in
integers only. Writes brackets.golden: for every eta, rounding and hundred values of R the FNV-1a
hash of the tables' text (r_min 1 and 3), so that a difference can be found quickly.

    python3 brackets.py > brackets.golden        python3 brackets.py show 81 3 1     one table
"""
import sys
from fractions import Fraction
from math import ceil, floor


def half_up(x):
    return floor(x + Fraction(1, 2))


def bracket(R, eta, r_min, rounding, s):
    s_max = max(k for k in range(60) if r_min * eta**k <= R)
    share = Fraction(s_max + 1, s + 1)
    n = floor(share) * eta**s if rounding == "paper_table" else ceil(share * eta**s)
    size = ceil if rounding == "ceil_all" else floor
    return [(size(Fraction(n, eta**i)), half_up(Fraction(R * eta**i, eta**s))) for i in range(s + 1)]


def brackets(R, eta, r_min, rounding):
    s_max = max(k for k in range(60) if r_min * eta**k <= R)
    return [bracket(R, eta, r_min, rounding, s) for s in range(s_max, -1, -1)]


def levels(R, eta, r_min):
    down = [R]
    for k in range(1, 60):
        level = half_up(Fraction(R, eta**k))
        if level < max(r_min, 1):
            break
        if level < down[-1] and Fraction(down[-1], level) ** 2 >= eta:
            down.append(level)
    return [[(0, r) for r in reversed(down)]]


def text(R, table):
    return f"{R}:" + " . ".join(" ".join(f"{n}@{r}" for n, r in b) for b in table) + "\n"


def fnv(data, h):
    for byte in data.encode():
        h = (h ^ byte) * 0x100000001B3 % 2**64
    return h


def main():
    if sys.argv[1:2] == ["show"]:
        R, eta, r_min = map(int, sys.argv[2:5])
        for rounding in ("formula", "paper_table", "ceil_all"):
            print(rounding, text(R, brackets(R, eta, r_min, rounding)), end="")
        print("levels", text(R, levels(R, eta, r_min)), end="")
        return
    for eta in range(2, 6):
        for rounding in ("formula", "paper_table", "ceil_all", "levels"):
            for start in range(1, 2000, 100):
                h = 0xCBF29CE484222325
                for R in range(start, start + 100):
                    for r_min in (1, 3):
                        if r_min <= R:
                            t = levels(R, eta, r_min) if rounding == "levels" else brackets(R, eta, r_min, rounding)
                            h = fnv(text(R, t), h)
                print(eta, rounding, start, f"{h:016x}")


main()
