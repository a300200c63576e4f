#!/usr/bin/env python3
"""Every block of commands in README.md, pasted in its order into one shell, as a new user does.

The shell stands in a folder that looks like a built clone, in a network of its own, so that the
addresses of the text are free and nothing needs to be changed in a command."""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import private  # noqa: E402
from cases import NotRun, expect, main  # noqa: E402
from readme import Shell, blocks, pasted  # noqa: E402

BUILD = pathlib.Path(os.environ["HONE"]).resolve().parents[1]

# First lines of the blocks that are not run here, and why.
NOT_RUN = {
    "deploy/quickstart": "tests/bare runs it where nothing is installed",
    "tests/run": "it runs this test",
    "deploy/install static": "tests/integrations/test_wheel.py pastes what follows the build",
    "claude mcp add --transport http hone http://127.0.0.1:4663/mcp":
        "tests/integrations/test_mcp.py stands for the agent",
    "deploy/install run build examples": "the build that is tested stands for it",
}


def clone(folder):
    """Built, and with nothing of it missing that a command names."""
    folder.mkdir()
    (folder / "build").symlink_to(BUILD)
    (folder / "deploy").symlink_to(ROOT / "deploy")
    return folder


def test_every_block_of_the_readme_works_as_pasted(tmp):
    if not private.is_private():
        raise NotRun("a network of its own needs the right to make namespaces")
    found = blocks()
    expect([line for line in NOT_RUN if line not in {block.split("\n")[0] for block in found}], [],
           "exceptions that are not in the text")
    (tmp / "home").mkdir()
    shell = Shell(clone(tmp / "clone"), tmp / "home", BUILD / "server")
    said = ""
    try:
        for block in found:
            if block.split("\n")[0] in NOT_RUN:
                continue
            if block.startswith("honed "):
                shell.serve(pasted(block), tmp / "server.log")
            else:
                said += shell.run(pasted(block))
        for words in ["loss", "1.44", "best accuracy, by trial", "this was: ", "hyperband",
                      "RANK  STRATEGY", "accuracy=0.91"]:
            assert words in said, f"{words!r} is not in {said}"
        shared = shell.run("HONE_TOKEN_FILE=~/hone-data/admin.token hone study show shared -o json")
        assert '"completed":20' in shared.replace(" ", ""), shared
    finally:
        shell.finish()


if __name__ == "__main__":
    private.enter()
    main(globals())
