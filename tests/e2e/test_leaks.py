#!/usr/bin/env python3
"""No process of a job is left when the job, its worker or its shim has ended."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import NotRun, expect, main  # noqa: E402
import leaks  # noqa: E402

HONE = os.environ["HONE"]


def reason_against(tmp, boundary):
    """Why the boundary does not work here; None: it does."""
    done = subprocess.run([HONE, "worker", "--try", "--isolate", boundary, "--workdir",
                           str(tmp / "probe"), "--", "true"], capture_output=True, text=True,
                          check=False, stdin=subprocess.DEVNULL)
    return done.stderr.strip() if "--isolate" in done.stderr else None


found = {}  # by boundary: of all rows at once, which takes no longer than one


def look(tmp):
    reasons = {boundary: reason_against(tmp, boundary) for boundary in leaks.BOUNDARIES}
    rows = leaks.run(tmp, [boundary for boundary, reason in reasons.items() if not reason])
    for boundary, reason in reasons.items():
        found[boundary] = reason or [(end, n, left) for one, end, n, left in rows
                                     if one == boundary]


def nothing_is_left(tmp, boundary):
    if not found:
        look(tmp)
    if isinstance(found[boundary], str):
        raise NotRun(found[boundary])
    for end, n, left in found[boundary]:
        print(f"  {boundary:10} {end:14} {len(left)} of {n}")
    expect({end: left for end, _, left in found[boundary]}, {end: {} for end in leaks.ENDS})


def test_nothing_is_left_in_a_cgroup(tmp):
    nothing_is_left(tmp, "cgroup")


def test_nothing_is_left_in_a_namespace(tmp):
    nothing_is_left(tmp, "namespace")


def test_nothing_is_left_after_a_walk(tmp):
    nothing_is_left(tmp, "walk")


main(globals())
