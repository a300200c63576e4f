#!/usr/bin/env python3
"""Options of a worker from a file and from the environment: what counts, and what is wrong is said."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main  # noqa: E402
from lease_server import LeaseServer  # noqa: E402

HONE = os.environ["HONE"]
SECONDS = 60


def worker(*options, **variables):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HONE_")}
    return subprocess.run([HONE, "worker", *options], env={**kept, **variables}, text=True,
                          capture_output=True, timeout=SECONDS, check=False)


def printed(*options, **variables):
    """{option: (value, where from)}"""
    done = worker(*options, "--print-config", **variables)
    expect(done.returncode, 0, done)
    pairs = [line.split(" = ", 1) for line in done.stdout.splitlines()]
    return {name: tuple(rest.rsplit("  # ", 1)) for name, rest in pairs}


def test_each_source_counts_for_more_than_the_one_before(tmp):
    file = tmp / "w.conf"
    file.write_text("# of this cluster\n\n  slots = 2 \nname=from-file\nexit-when-finished\n"
                    "max-trials = 7\nserver = http://file\n")
    sources = {"file": (["--config", str(file)], {}),
               "variable": ([], {"HONE_SLOTS": "3", "HONE_URL": "http://variable"}),
               "flag": (["--slots", "4", "--server=http://flag"], {})}
    said = {"file": ("2", str(file)), "variable": ("3", "HONE_SLOTS"), "flag": ("4", "command line")}
    for first in sources:
        for second in sources:
            options = sources[first][0] + (sources[second][0] if first != second else [])
            variables = {**sources[first][1], **sources[second][1]}
            order = list(sources)
            wins = max(first, second, key=order.index)
            done = worker(*options, "--print-config", **variables)
            lines = [line for line in done.stdout.splitlines() if line.startswith("slots = ")]
            expect(lines, [f"slots = {said[wins][0]}  # {said[wins][1]}"], (first, second))
            assert f"\nserver = http://{wins}  # " in done.stdout, (first, second, done.stdout)
    found = printed("--config", str(file))
    expect((found["exit-when-finished"], found["max-trials"], found["deadline"]),
           (("true", str(file)), ("7", str(file)), ("", "default")))


def test_a_list_is_shown_whole(tmp):
    file = tmp / "w.conf"
    file.write_text("label = a=1\nrunner = train=./train --lr {lr}\n")
    done = worker("--config", str(file), "--label", "b=2", "--print-config", HONE_LABEL="c=3")
    lines = [line for line in done.stdout.splitlines() if line.startswith(("label", "runner"))]
    expect(lines, [f"runner = train=./train --lr {{lr}}  # {file}", f"label = a=1  # {file}",
                   "label = c=3  # HONE_LABEL", "label = b=2  # command line"])


def test_what_may_be_a_secret_is_not_shown(tmp):
    found = printed("--env", "KEY=sesame", "--server", "https://me:sesame@x")
    expect((found["env"][0], found["server"][0]), ("KEY=***", "***"))


def test_they_are_obeyed(tmp):
    file = tmp / "w.conf"
    file.write_text(f"runner = train=sh -c 'echo hone: accuracy=1; echo $MODE >{tmp}/mode'\n"
                    f"workdir = {tmp}/work\nenv = MODE=a b\nlabel = site=a\nlabel = gpu=none\n"
                    "max-trials = 1\nname = from-file\n")
    with LeaseServer() as server:
        server.grants()
        server.grants()
        done = subprocess.run([HONE, "worker", "--config", str(file), "--name", "from-flag"],
                              env=server.environment(tmp, HONE_MAX_TRIALS="2",
                                                     HONE_EXIT_WHEN_FINISHED="0"),
                              text=True, capture_output=True, timeout=SECONDS, check=False)
        expect((done.returncode, len(server.results)), (0, 2), done)
        expect(server.asks[0]["worker"], "from-flag:0")
        expect((server.asks[0]["labels"], server.asks[0]["runners"]),
               ({"site": "a", "gpu": "none"}, ["train"]))
    expect((tmp / "mode").read_text(), "a b\n")


WRONG = {
    "slots = 2\nslts = 3\n": "w.conf:2: there is no setting 'slts'; did you mean 'slots'?",
    "slots\n": "w.conf:1: write 'slots = N'",
    "exit-when-finished = perhaps\n": "'exit-when-finished' is true or false, and not \"perhaps\"",
    "print-config\n": "there is no setting 'print-config'",
    "= 3\n": "there is no setting ''",
}


def test_what_is_wrong_is_said_with_its_line(tmp):
    file = tmp / "w.conf"
    for text, words in WRONG.items():
        file.write_text(text)
        done = worker("--config", str(file), "--study", "s", "--", "true")
        expect(done.returncode, 64, done)
        assert words in done.stderr, (words, done.stderr)
    for path, words in ((tmp / "none", "No such file"), (tmp, "cannot be read: Is a directory")):
        done = worker(f"--config={path}", "--study", "s", "--", "true")
        expect(done.returncode, 64, done)
        assert words in done.stderr, done.stderr
    done = worker("--study", "s", "--", "true", HONE_CLEAN_ENV="perhaps")
    expect((done.returncode, "HONE_CLEAN_ENV: 'clean-env' is true" in done.stderr), (64, True), done)
    file.write_text("slots = many\n")
    done = worker("--config", str(file), "--study", "s", "--", "true")
    expect((done.returncode, "--slots many: " in done.stderr), (2, True), done)


def test_what_belongs_to_the_command_is_not_read(tmp):
    done = worker("--study", "s", "--print-config", "--", "./train", "--config", "/nonexistent")
    expect(done.returncode, 0, done)


main(globals())
