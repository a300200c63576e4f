#!/usr/bin/env python3
"""What well-known programs print, recorded, and read as deploy/examples tells Hone to read it.

Each folder of tests/data/programs holds the output of a program, and what is understood of it. No
package of these programs is needed: the recorded bytes are printed again.
"""

import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import hone as support  # noqa: E402
from cases import expect, main  # noqa: E402

HONE = os.environ["HONE"]
EXAMPLES = ROOT / "deploy/examples"
RECORDED = ROOT / "tests/data/programs"
SECONDS = 120  # a bound against hanging
READING = {"--metric", "--metric-regex", "--step-regex"}

# what was recorded, and the script that tunes the program
PROGRAMS = {
    "forest": "scikit-learn/tune",
    "mlp": "scikit-learn/tune-mlp",
    "xgboost": "xgboost/tune",
    "lightgbm": "lightgbm/tune",
    "fasttext": "fasttext/tune",
    "torchrun": "torchrun/tune",
    "torchrun-tee": "torchrun/tune",
    "lightning": "lightning/tune",
    "lightning-rich": "lightning/tune",
    "transformers": "transformers/tune",
    "transformers-4": "transformers/tune",
}


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)
    return str(path)


def command_line(tmp, tune):
    """The arguments that the script gives to hone, before and behind --."""
    stub = script(tmp / "stub", f"exec {shlex.quote(sys.executable)} -c "
                                "'import json, sys; print(json.dumps(sys.argv[1:]))' \"$@\"\n")
    said = subprocess.run([EXAMPLES / tune], env={**os.environ, "HONE": stub}, text=True,
                          capture_output=True, check=True, timeout=SECONDS).stdout
    arguments = json.loads(said)
    cut = arguments.index("--")
    return arguments[:cut], arguments[cut + 1:]


def replay(tmp, name):
    """A program that prints what was recorded, and takes any arguments."""
    folder = shlex.quote(str(RECORDED / name))
    return script(tmp / "replay", f"cat {folder}/stderr >&2\ncat {folder}/stdout\n")


def environment(tmp, **more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HONE_") or k == "HONE_ALLOW_ROOT"}
    return {**kept, "HONE_URL": "http://127.0.0.1:1", "TMPDIR": str(tmp),
            "XDG_STATE_HOME": str(tmp), **more}


def reading_of(arguments):
    return [word for i, option in enumerate(arguments) if option in READING
            for word in (option, arguments[i + 1])]


def understood(tmp, name):
    """What hone worker --try says of the recorded output, without the lines themselves."""
    arguments, command = command_line(tmp, PROGRAMS[name])
    study = tmp / "study.json"
    study.write_text(subprocess.run(
        [HONE, *arguments, "--dry-run", "--", *command], env=environment(tmp), text=True,
        capture_output=True, check=True, timeout=SECONDS).stdout)
    done = subprocess.run(
        [HONE, "worker", "--try", "--study", str(study), *reading_of(arguments), "--",
         replay(tmp, name), *command[1:]],
        env=environment(tmp), text=True, capture_output=True, check=False, timeout=SECONDS)
    expect(done.returncode, 0, done.stdout + done.stderr)
    return "".join(line + "\n" for line in done.stdout.splitlines() if not line.startswith("    "))


def value_in(text):
    """The value of the last line: "value: loss=0.5, the last, at step 3"."""
    return float(text.splitlines()[-1].split(",")[0].rpartition("=")[2])


def test_recorded_output_is_understood(tmp):
    for name in PROGRAMS:
        expect(understood(tmp, name), (RECORDED / name / "understood").read_text(), name)


def test_every_recording_is_read(tmp):
    there = {path.name for path in RECORDED.iterdir() if path.is_dir()}
    expect(sorted(there), sorted(PROGRAMS))


def test_recorded_output_is_tuned(tmp):
    """A trial gets the value that was shown without a server."""
    with support.Server() as server, server.client() as client:
        token = client.post("/v1/tokens", {"name": "one", "scopes": ["submit", "worker"]})
        (tmp / "token").write_text(token.json["token"])
        for name, tune in PROGRAMS.items():
            arguments, command = command_line(tmp, tune)
            arguments[1] = name  # the study
            done = subprocess.run(
                [HONE, *arguments, "--trials", "2", "-q", "--", replay(tmp, name), *command[1:]],
                env=environment(tmp, HONE_URL=server.url, HONE_TOKEN_FILE=str(tmp / "token")),
                text=True, capture_output=True, check=False, timeout=SECONDS)
            expect(done.returncode, 0, done.stdout + done.stderr)
            expected = value_in((RECORDED / name / "understood").read_text())
            trials = client.get(f"/v1/studies/{name}/trials").json["items"]
            if "--resource" not in arguments:  # with rungs a trial has the value at its rung
                expect([trial["value"] for trial in trials], [expected, expected], name)


def test_each_page_has_the_command(tmp):
    """The README of an example tells the expressions that its script gives to hone."""
    for tune in sorted(set(PROGRAMS.values())):
        arguments, _ = command_line(tmp, tune)
        page = (EXAMPLES / tune).parent.joinpath("README.md").read_text()
        for expression in reading_of(arguments)[1::2]:
            expect(expression in page, True, f"{expression} is in the page of {tune}")


if __name__ == "__main__":
    main(globals())
