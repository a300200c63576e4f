#!/usr/bin/env python3
"""What bash, zsh and fish offer after a tab."""

import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import NotRun, expect, main  # noqa: E402

HONE = pathlib.Path(os.environ["HONE"])
SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "deploy/completion"
BASH = ('source "$SCRIPTS/hone.bash"; COMP_WORDS=(hone "$@"); COMP_CWORD=$#; _hone; '
        'printf "%s\\n" "${COMPREPLY[@]}"')
# what completes is asked through the functions that zsh calls, with those that offer put in place
ZSH = ('compadd() { local name=$argv[-1]; print -rl -- "${(@P)name}"; }; _files() { }; '
       'words=(hone "$@"); CURRENT=$#words; source "$SCRIPTS/_hone"')
FISH = 'source "$SCRIPTS/hone.fish"; complete -C (string join -- " " hone $argv)'


def ask(shell, script, words):
    if shutil.which(shell) is None:
        raise NotRun(f"{shell} is not installed")
    environment = {**os.environ, "PATH": f"{HONE.parent}:{os.environ['PATH']}",
                   "SCRIPTS": str(SCRIPTS), "HONE_URL": "http://127.0.0.1:9"}
    name = [] if shell == "fish" else [shell]
    done = subprocess.run([shell, "-c", script, *name, *words], text=True, check=False,
                          capture_output=True, env=environment)
    expect(done.stderr, "")
    return [line.split("\t")[0] for line in done.stdout.splitlines() if line]


def offered(*words):
    """What each shell offers for the last of the words, which must be the same."""
    return ask("bash", BASH, words)


def test_verbs_and_members_of_groups_are_offered(tmp):
    expect(offered("stu"), ["study"])
    expect(sorted(offered("study", "re")), ["report", "resume", "retry"])
    expect(sorted(offered("token", "")), ["create", "list", "revoke"])
    expect(sorted(offered("workers", "d")), ["drain"])


def test_options_and_their_values_are_offered(tmp):
    expect(offered("study", "create", "--maxi"), ["--maximize="])
    expect(offered("run", "--dry"), ["--dry-run"])
    expect(offered("study", "list", "-o", "nd"), ["ndjson"])
    expect(offered("study", "trials", "--state", "=", "run"), ["running"])
    expect("--server=" in offered("study", "list", "--"), True)


def test_the_command_of_a_run_is_left_alone(tmp):
    expect(offered("run", "x", "--", "./train", "--se"), [])
    expect(offered("study", "show", "dig"), [], "no server answers, and nothing is offered")


def test_zsh_and_fish_offer_the_same(tmp):
    for words in (["stu"], ["study", "re"], ["run", "--dry"], ["study", "create", "--maxi"]):
        for shell, script in (("zsh", ZSH), ("fish", FISH)):
            expect(sorted(ask(shell, script, words)), sorted(offered(*words)), shell)


if __name__ == "__main__":
    main(globals())
