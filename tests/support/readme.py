"""README.md as a reader uses it: its blocks of commands, and a shell to paste them into."""

import os
import pathlib
import signal
import subprocess
import textwrap

from cases import expect, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = 240
PLACES = {"http://SERVER:": "http://127.0.0.1:"}  # what the reader fills in
DONE = "the block is done"


def blocks(page=ROOT / "README.md"):
    """The indented blocks, without their indentation."""
    found, open_block = [], False
    for line in page.read_text().splitlines():
        if line.startswith("    "):
            found.extend([] if open_block else [[]])
            found[-1].append(line)
        open_block = line.startswith("    ")
    return [textwrap.dedent("\n".join(block)) for block in found]


def pasted(block):
    """With what the reader fills in."""
    for place, filled in PLACES.items():
        block = block.replace(place, filled)
    return block


class Shell:
    """The reader's: what fails is seen, and it goes on.

    server_path: where the other shell, which the server is started in, looks for programs first.
    """

    def __init__(self, folder, home, server_path):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HONE_", "XDG_", "PYTHON"))}
        self.environment = {**kept, "HOME": str(home), "HONE_ALLOW_ROOT": "1"}
        self.folder = folder
        self.server_path = server_path
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
        path = f"{self.server_path}:{os.environ['PATH']}"
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
