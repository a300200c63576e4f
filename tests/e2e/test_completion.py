#!/usr/bin/env python3
"""What bash offers after a tab."""

import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import NotRun, expect, main  # noqa: E402

HONE = pathlib.Path(os.environ["HONE"])
SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "deploy/completion/hone.bash"


def offered(*words):
    """What is offered for the last of the words."""
    if shutil.which("bash") is None:
        raise NotRun("bash is not installed")
    script = (f'source "{SCRIPT}"; COMP_WORDS=(hone "$@"); COMP_CWORD=$#; _hone; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    path = f"{HONE.parent}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-c", script, "bash", *words], text=True, check=True,
                          capture_output=True, env={**os.environ, "PATH": path})
    expect(done.stderr, "")
    return done.stdout.split()


def test_verbs_and_members_of_groups_are_offered(tmp):
    expect(offered("stu"), ["study"])
    expect(sorted(offered("study", "re")), ["resume", "retry"])
    expect(sorted(offered("token", "")), ["create", "list", "revoke"])


def test_options_and_their_values_are_offered(tmp):
    expect(offered("study", "create", "--maxi"), ["--maximize="])
    expect(offered("run", "--dry"), ["--dry-run"])
    expect(offered("study", "list", "-o", "nd"), ["ndjson"])
    expect("--server=" in offered("study", "list", "--"), True)


def test_the_command_of_a_run_is_left_alone(tmp):
    expect(offered("run", "x", "--", "./train", "--se"), [])
    expect(offered("study", "show", "dig"), [])


if __name__ == "__main__":
    main(globals())
