#!/usr/bin/env python3
"""The commands of GET /, as they stand there, pasted into a shell with the real curl, in order.

The cheat sheet is what a person with a terminal has. Its lines are taken from the server's answer,
not from a copy, and run in one shell: with tokens in the data directory, and without.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

HANG_SECONDS = 60  # a bound against hanging, never what is measured


def commands_of(sheet):
    """The indented lines; a command goes on where a line is indented further."""
    commands = []
    for line in sheet.splitlines():
        if line.startswith("    "):
            commands[-1] += "\n" + line
        elif line.startswith("  "):
            commands.append(line.strip())
    return commands


class Lines(unittest.TestCase):
    def setUp(self):
        if shutil.which("curl") is None:
            self.skipTest("not run: there is no curl")
        self.folder = tempfile.mkdtemp(prefix="hone-")
        self.addCleanup(shutil.rmtree, self.folder)

    def sheet(self, server, *options):
        found = subprocess.run(["curl", "-sS", "--fail-with-body", *options, server.url],
                               stdout=subprocess.PIPE, check=True, timeout=HANG_SECONDS)
        return found.stdout.decode()

    def wait_for(self, fact):
        deadline = time.monotonic() + HANG_SECONDS
        while not fact():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def paste(self, commands, folder):
        """Types each command into one shell and gives what each printed. The one that follows for
        ever is ended once it has shown what there is."""
        shell = subprocess.Popen(["/bin/sh", "-u"], stdin=subprocess.PIPE, cwd=folder, text=True,
                                 start_new_session=True)
        self.addCleanup(self.end, shell)
        printed = []
        for i, command in enumerate(commands):
            out, done = (os.path.join(self.folder, f"{what}{i}") for what in ("out", "done"))
            follows = " -N " in command
            if follows:
                shell.stdin.write(f"{command.split('#')[0]} >{out} 2>&1 &\n")
                shell.stdin.flush()
                self.wait_for(lambda: os.path.exists(out) and "# after=" in self.read(out))
            else:
                shell.stdin.write(f"{{ {command}\n}} >{out} 2>&1; echo $? >{done}.new; "
                                  f"mv {done}.new {done}\n")
                shell.stdin.flush()
                self.wait_for(lambda: os.path.exists(done))
                self.assertEqual(self.read(done), "0\n", (command, self.read(out)))
            printed.append(self.read(out))
        return printed

    def end(self, shell):
        os.killpg(shell.pid, signal.SIGKILL)
        shell.stdin.close()
        shell.wait()

    @staticmethod
    def read(path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    def check_answers(self, commands, printed):
        def answer(part):
            return next(out for command, out in zip(commands, printed) if part in command)

        self.assertIn("name", answer("/studies?format=table").split())
        self.assertIn('"state":"running"', answer('"name": "demo"'))
        self.assertRegex(answer("echo \"trial"), r"^trial 1: lr=[0-9.e-]+\n$")
        self.assertEqual(answer("/measurements?format=text"), "continue\n")
        self.assertIn('"completed"', answer("/result"))
        self.assertRegex(answer("/best?format=sh"), r"^0.21 with lr=[0-9.e-]+\n$")
        self.assertRegex(answer("sort=best"), r"\n +1  completed +0.21 ")
        self.assertIn("trial 1 is completed", answer("/explain"))
        self.assertRegex(answer("-N"), r"(?m)^\d\d:\d\d:\d\d demo #1 completed loss=0.21 best\n")
        self.assertIn("demo", answer("wait=").split())
        self.assertIn('"paused"', answer('"state": "paused"'))
        self.assertIn("sh1", answer("/workers?"))
        self.assertIn('hone_best_value{', answer("/metrics"))

    def check(self, *args):
        with hone.Server(args=args) as server:
            sheet = self.sheet(server)
            commands = commands_of(sheet)
            self.assertGreaterEqual(len(commands), 12)
            self.assertLess(len(sheet.splitlines()), 30)
            self.assertLessEqual(max(map(len, sheet.splitlines())), 100)
            self.assertIn(f"H={server.url}/v1", commands[0])
            self.check_answers(commands, self.paste(commands, server.data))
            header = self.read(os.path.join(server.data, "demo.csv")).splitlines()[0]
            self.assertIn("metrics.loss,parameters.lr", header)

    def test_with_tokens(self):
        self.check()

    def test_without_tokens(self):
        self.check("--open")

    def test_a_browser_gets_the_dashboard(self):
        with hone.Server(args=["--open"]) as server:
            self.assertIn("<html", self.sheet(server, "-H", "Accept: text/html").lower())

    def test_no_token_stands_in_arguments(self):
        with hone.Server() as server:
            sheet = self.sheet(server)
            self.assertIsNone(re.search(r"-H .*(T|t)oken|Bearer", sheet))


if __name__ == "__main__":
    hone.main()
