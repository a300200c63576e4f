#!/usr/bin/env python3
"""Scripts of the repository: the package list, and the counting of test results."""

import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from cases import NotRun, expect, main  # noqa: E402


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=False, **options)


def install(*arguments, **options):
    return run(ROOT / "deploy/install", *arguments, **options)


def test_sections_are_read_from_the_one_list(tmp):
    listed = install("--list", "run", "build").stdout.split()
    assert "libmicrohttpd-dev" in listed and "libjansson4" in listed, listed
    assert "check" not in listed, listed
    expect(listed, sorted(set(listed)))


def test_an_unknown_section_is_refused(tmp):
    refused = install("--list", "kitchen")
    expect(refused.returncode, 64)
    assert "[kitchen]" in refused.stderr, refused.stderr
    expect(install().returncode, 64)


def test_nothing_is_asked_when_everything_is_there(tmp):
    """Everything is installed while tests run: apt-get must not even be called."""
    trap = tmp / "apt-get"
    trap.write_text("#!/bin/sh\necho called >&2\nexit 1\n")
    trap.chmod(0o755)
    done = install("run", "build", env={**os.environ, "PATH": f"{tmp}:{os.environ['PATH']}"})
    expect((done.returncode, done.stdout, done.stderr), (0, "", ""))


def test_no_daemon_of_what_is_installed_is_started(tmp):
    """While apt-get runs, Debian's policy says no; afterwards it is as before."""
    if os.getuid() != 0 or run("unshare", "--mount", "true").returncode:
        raise NotRun("mounts of its own need root")
    for name in ["deploy", "sbin", "bin"]:
        (tmp / name).mkdir()
    shutil.copy(ROOT / "deploy/install", tmp / "deploy")
    (tmp / "deploy/dependencies").write_text("[x]\nhone-no-such-package\n")
    (tmp / "bin/apt-get").write_text("#!/bin/sh\ncase $* in *install*) /usr/sbin/policy-rc.d\n"
                                     f"echo $? >{tmp}/policy;; esac\n")
    (tmp / "bin/apt-get").chmod(0o755)
    done = run("unshare", "--mount", "sh", "-c", f"mount --bind {tmp}/sbin /usr/sbin && "
               f"{tmp}/deploy/install x", env={**os.environ, "PATH": f"{tmp}/bin:/usr/bin:/bin"})
    expect(done.returncode, 0, done.stdout + done.stderr)
    expect((tmp / "policy").read_text(), "101\n", "the policy's answer")
    expect(os.listdir(tmp / "sbin"), [], "what is left")


def test_the_readme_names_the_two_commands(tmp):
    lines = [line.strip() for line in (ROOT / "README.md").read_text().splitlines()]
    assert "deploy/quickstart" in lines and "tests/run" in lines


LONG = """for n in 1 2 3; do echo "[$n/3] Compiling x$n"; done
until grep -q '3 of 3 built' "$1"; do :; done
exit 7
"""


def test_progress_is_a_line_now_and_then_and_keeps_the_status(tmp):
    (tmp / "long").write_text(LONG)
    with open(tmp / "shown", "w") as shown:
        done = subprocess.run([ROOT / "deploy/progress", tmp / "log", "compiling", "sh", tmp / "long",
                               tmp / "shown"], stdout=shown, timeout=60, check=False,
                              env={**os.environ, "HONE_PROGRESS_SECONDS": "0.05"})
    expect(done.returncode, 7)
    assert re.search(r"   compiling: \d+ s, 3 of 3 built\n", (tmp / "shown").read_text()), (tmp / "shown").read_text()
    expect(len((tmp / "log").read_text().splitlines()), 3)


def test_progress_on_a_terminal_is_one_line_that_is_gone_at_the_end(tmp):
    (tmp / "long").write_text('echo "Setting up a"; until [ -e "$1" ]; do :; done')
    terminal, end = pty.openpty()
    with subprocess.Popen([ROOT / "deploy/progress", tmp / "log", "installing", "sh", tmp / "long",
                           tmp / "seen"], stdout=end) as process:
        os.close(end)
        said = b""
        while b"1 of" not in said:
            said += os.read(terminal, 1000)
        (tmp / "seen").touch()
        expect(process.wait(60), 0)
    assert re.match(rb"\r\x1b\[K   installing: \d+ s", said), said
    said = os.read(terminal, 1000)
    os.close(terminal)
    assert said.endswith(b"\r\x1b[K") and b"\n" not in said, said


def count(tmp, *tests):
    log, counts = tmp / "testlog.json", tmp / "counts"
    log.write_text("".join(json.dumps({"name": "t", "duration": 1.0, **test}) + "\n"
                           for test in tests))
    shown = run(sys.executable, ROOT / "tests/support/sum_results.py", log, counts)
    expect(shown.returncode, 0, shown.stderr)
    return tuple(map(int, counts.read_text().split())), shown.stdout


def test_cases_are_counted_not_only_tests(tmp):
    check = {"result": "OK", "stdout": "Running suite(s): a\n100%: Checks: 12, Failures: 0, Errors: 0\n"}
    script = {"result": "OK", "stdout": "not run: x: why\n3 passed, 0 failed, 1 skipped\n"}
    plain = {"result": "OK", "stdout": "fine\n"}
    expect(count(tmp, check, script, plain)[0], (16, 0, 1))


def test_failures_are_counted_and_shown(tmp):
    check = {"result": "FAIL", "stdout": "50%: Checks: 4, Failures: 1, Errors: 1\nt.c:7: it broke\n"}
    crash = {"result": "FAIL", "stdout": "100%: Checks: 4, Failures: 0, Errors: 0\n",
             "stderr": "==1==ERROR: LeakSanitizer: leaked\n"}
    late = {"result": "TIMEOUT", "stdout": ""}
    numbers, shown = count(tmp, check, crash, late)
    expect(numbers, (6, 4, 0))
    assert "it broke" in shown and "LeakSanitizer" in shown and "TIMEOUT" in shown, shown


def test_what_was_not_run_says_why(tmp):
    numbers, shown = count(tmp, {"result": "SKIP", "stdout": "not run: no such network\n"},
                           {"result": "SKIP", "stdout": ""})
    expect(numbers, (0, 0, 2))
    assert "not run: no such network" in shown, shown


main(globals())
