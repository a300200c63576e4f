#!/usr/bin/env python3
"""Counts the results in a testlog.json of Meson and shows why tests failed.

usage: sum_results.py TESTLOG.json COUNTS

Writes `passed failed skipped` to COUNTS. A test that prints Check's summary or closes with a line
`N passed, N failed[, N skipped]` counts as its cases, every other as one. A line `not run: why`
is a skipped case, and is repeated here so that it is found at once.
"""

import json
import re
import sys

CHECK = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", re.M)
OWN = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)
NOT_RUN = re.compile(r"^not run: .*$", re.M)
SHOWN_LINES = 60


def count(test):
    """The (passed, failed, skipped) cases of one Meson test."""
    output = test.get("stdout", "") + test.get("stderr", "")
    passed = failed = 0
    skipped = 0 if OWN.search(output) else len(NOT_RUN.findall(output))
    for checks, failures, errors in CHECK.findall(output):
        failed += int(failures) + int(errors)
        passed += int(checks) - int(failures) - int(errors)
    for own_passed, own_failed, own_skipped in OWN.findall(output):
        passed += int(own_passed)
        failed += int(own_failed)
        skipped += int(own_skipped or 0)
    if test["result"] == "SKIP":
        return passed, failed, max(skipped, 1)
    if test["result"] not in ("OK", "EXPECTEDFAIL"):
        return passed, max(failed, 1), skipped  # it may have died before it could count
    return (passed if passed or skipped else 1), failed, skipped


def main():
    log, counts = sys.argv[1:3]
    total = [0, 0, 0]
    try:
        lines = open(log, encoding="utf-8", errors="replace").read().splitlines()
    except FileNotFoundError:
        lines = []  # Meson writes none when no test was selected
    for test in map(json.loads, lines):
        numbers = count(test)
        total = [a + b for a, b in zip(total, numbers)]
        output = test.get("stdout", "") + test.get("stderr", "")
        for line in NOT_RUN.findall(output):
            print(f"{test['name']}: {line}")
        if numbers[1]:
            print(f"failed: {test['name']} ({test['result']}, {test['duration']:.1f} s)")
            print("\n".join("    " + line for line in output.splitlines()[-SHOWN_LINES:]))
    print(f"   {total[0]} passed, {total[1]} failed, {total[2]} skipped")
    with open(counts, "w", encoding="utf-8") as out:
        print(*total, file=out)


if __name__ == "__main__":
    main()
