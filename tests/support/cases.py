"""The least that a test script in Python needs: cases, temporary folders, a line that counts.

    from cases import main, expect, fails, NotRun, script, wait_until

    def test_a_fact(tmp):        # tmp: a fresh folder, gone afterwards
        expect(1 + 1, 2)

    main(globals())
"""

import pathlib
import signal
import sys
import tempfile
import time
import traceback


class NotRun(Exception):
    """Raised by a case that cannot run here; says why."""


def expect(found, wanted, what="value"):
    if found != wanted:
        raise AssertionError(f"{what}: found {found!r}, wanted {wanted!r}")


def fails(kind, action, *parts):
    """The error of this kind that the action ends with, whose text holds the parts."""
    try:
        found = action()
    except kind as error:
        for part in parts:
            if part not in str(error):
                raise AssertionError(f"{part!r} is not in {str(error)!r}") from error
        return error
    raise AssertionError(f"no {kind.__name__} but {found!r}")


def script(tmp, text, name="job.sh"):
    """An executable job; its path."""
    path = pathlib.Path(tmp) / name
    path.write_text("#!/bin/sh\nset -e\n" + text)
    path.chmod(0o755)
    return str(path)


def wait_until(fact, what, seconds=60):
    """Polls; the seconds are a bound against hanging, never what is measured."""
    deadline = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > deadline:
            raise AssertionError(f"never happened: {what}")
        time.sleep(0.005)


def spool_kinds(path):
    """The kinds of the whole records of a worker's spool, in order."""
    data = path.read_bytes()
    at, kinds = 16, []
    while at + 12 <= len(data):
        length, kind = (int.from_bytes(data[at + i:at + i + 4], "little") for i in (0, 4))
        at += 12 + length
        if at <= len(data):
            kinds.append(kind)
    return kinds


def main(module):
    """Runs every test_ function of the module, or those that the command line names."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_IGN:  # by nohup or a shell's &: no case is meant
            signal.signal(number, signal.SIG_DFL)
    cases = {name: case for name, case in module.items() if name.startswith("test_")}
    chosen = [name for name in sys.argv[1:] if name in cases] or list(cases)
    passed = failed = skipped = 0
    for name in chosen:
        with tempfile.TemporaryDirectory(prefix="hone-") as tmp:
            try:
                cases[name](pathlib.Path(tmp))
                passed += 1
                print(f"ok {name}", flush=True)
            except NotRun as reason:
                skipped += 1
                print(f"not run: {name}: {reason}", flush=True)
            except Exception:  # a failed case must not hide the next one
                failed += 1
                print(f"FAILED {name}", flush=True)
                traceback.print_exc(file=sys.stdout)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)
