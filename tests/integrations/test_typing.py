#!/usr/bin/env python3
"""The client's types hold (mypy --strict), and nothing in it is newer than Python 3.8."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from cases import expect, main  # noqa: E402

CLIENT = ROOT / "deploy/python/hone"
# Adapters are checked too, where mypy can see their tools; a tool that is not installed here is Any.
MYPY = ["--strict", "--ignore-missing-imports", "--no-warn-unused-ignores", "--no-error-summary",
        "--allow-subclassing-any", "--allow-untyped-decorators"]


def run(*words, cwd):
    return subprocess.run(words, cwd=cwd, text=True, capture_output=True, timeout=240, check=False)


def test_types_hold(tmp):
    done = run("mypy", *MYPY, "--cache-dir", str(tmp), "-p", "hone", cwd=CLIENT.parent)
    expect(done.stdout + done.stderr, "", "what mypy says")


def test_a_wrong_type_is_found(tmp):
    """The check can fail: a user's program that misuses a typed function is refused."""
    (tmp / "wrong.py").write_text("import hone\nhone.connect(timeout='soon')\n")
    done = run("mypy", *MYPY, "--cache-dir", str(tmp / "cache"), str(tmp / "wrong.py"), cwd=CLIENT.parent)
    expect("incompatible type" in done.stdout, True, done.stdout)


def newer_than_3_8(path):
    done = run("vermin", "--quiet", "--no-tips", "--target=3.8-", "--violations", str(path), cwd=CLIENT)
    return done.returncode != 0, done.stdout + done.stderr


def test_nothing_is_newer_than_python_3_8(tmp):
    is_newer, said = newer_than_3_8(CLIENT)
    expect(is_newer, False, said)
    (tmp / "newer.py").write_text("print('a'.removeprefix('b'))\n")
    is_newer, said = newer_than_3_8(tmp / "newer.py")
    expect(is_newer, True, said)


main(globals())
