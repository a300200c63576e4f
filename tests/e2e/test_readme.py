#!/usr/bin/env python3
"""Every block of commands in README.md, pasted in its order into one shell, as a new user does.

The shell stands in a folder that looks like a built clone, in a network of its own, so that the
addresses of the text are free and nothing needs to be changed in a command."""

import os
import pathlib
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import private  # noqa: E402
from cases import NotRun, expect, main, wait_until  # noqa: E402

BUILD = pathlib.Path(os.environ["HONE"]).resolve().parents[1]
SECONDS = 240

# First lines of the blocks that are not run here, and why.
NOT_RUN = {
    "deploy/quickstart": "tests/bare runs it where nothing is installed",
    "tests/run": "it runs this test",
    "deploy/install run build examples": "the build that is tested stands for it",
}
PLACES = {"http://SERVER:": "http://127.0.0.1:"}  # what the reader fills in
DONE = "the block is done"


def blocks():
    """The indented blocks, without their indentation."""
    found, open_block = [], False
    for line in (ROOT / "README.md").read_text().splitlines():
        if line.startswith("    "):
            found.extend([] if open_block else [[]])
            found[-1].append(line[4:])
        open_block = line.startswith("    ")
    return ["\n".join(block) for block in found]


class Shell:
    """The reader's: what fails is seen, and it goes on."""

    def __init__(self, folder, home):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HONE_", "XDG_"))}
        self.environment = {**kept, "HOME": str(home), "HONE_ALLOW_ROOT": "1"}
        self.folder = folder
        self.server = None
        self.shell = subprocess.Popen(["bash"], cwd=folder, env=self.environment, text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT)
        self.tell("set -u -o pipefail; trap 'echo \"FAILED: $BASH_COMMAND\"' ERR")

    def tell(self, text):
        self.shell.stdin.write(text + "\n")
        self.shell.stdin.flush()

    def run(self, block):
        """What it prints; a command that fails is an error."""
        self.tell(f"{block}\necho; echo '{DONE}'")  # an answer may lack its line end
        said = []
        for line in self.shell.stdout:
            if line == DONE + "\n":
                break
            said.append(line)
        text = "".join(said)
        if "FAILED: " in text or self.shell.poll() is not None:
            raise AssertionError(f"{block}\n{text}")
        return text

    def serve(self, command, log):
        """In another shell, in the place of the server before it."""
        self.end_server()
        path = f"{BUILD}/server:{os.environ['PATH']}"
        with open(log, "w") as out:
            self.server = subprocess.Popen(["bash", "-c", "exec " + command], cwd=self.folder,
                                           stdout=out, stderr=subprocess.STDOUT,
                                           env={**self.environment, "PATH": path})
        wait_until(lambda: "listening on" in log.read_text() or self.server.poll() is not None,
                   "the server")
        expect(self.server.poll(), None, f"{command}: {log.read_text()}")

    def end_server(self):
        if self.server is not None:
            self.server.send_signal(signal.SIGINT)
            expect(self.server.wait(SECONDS), 0, "^C ends it")
            self.server = None

    def finish(self):
        self.end_server()
        self.shell.stdin.close()
        self.shell.wait(SECONDS)


def clone(folder):
    """Built, and with nothing of it missing that a command names."""
    folder.mkdir()
    (folder / "build").symlink_to(BUILD)
    (folder / "deploy").symlink_to(ROOT / "deploy")
    return folder


def pasted(block):
    for place, filled in PLACES.items():
        block = block.replace(place, filled)
    return block


def test_every_block_of_the_readme_works_as_pasted(tmp):
    if not private.is_private():
        raise NotRun("a network of its own needs the right to make namespaces")
    found = blocks()
    expect([line for line in NOT_RUN if line not in {block.split("\n")[0] for block in found}], [],
           "exceptions that are not in the text")
    (tmp / "home").mkdir()
    shell = Shell(clone(tmp / "clone"), tmp / "home")
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
