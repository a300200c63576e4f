#!/usr/bin/env python3
"""test_examples.py LANGUAGE: deploy/examples/LANGUAGE against a real server, compiled by Debian's compilers."""

import math
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
sys.path.insert(0, str(HERE))
import hone  # noqa: E402
import toolchain  # noqa: E402
from cases import wait_until  # noqa: E402
from toolchain import tool  # noqa: E402

EXAMPLES = toolchain.ROOT / "deploy/examples"
SECONDS = 120  # a bound against hanging


def make_c(folder):
    toolchain.build(tool("gcc"), "-Wall", "-Wextra", "-Werror", "-o", folder / "ask_tell",
                    EXAMPLES / "c/ask_tell.c", "-lcurl", "-ljansson", "-lm")
    return [folder / "ask_tell"]


def make_go(folder):
    toolchain.build(tool("go"), "build", "-o", folder / "ask_tell", EXAMPLES / "go/ask_tell.go")
    return [folder / "ask_tell"]


def make_rust(_):
    project = EXAMPLES / "rust"
    files = [project / "Cargo.toml", project / "src/main.rs"]
    with toolchain.once("rust", *files) as (folder, to_fill):
        if to_fill:
            shutil.copytree(project, folder / "project")  # where Cargo may write its lock file
            manifest = folder / "project/Cargo.toml"
            # Cargo of Debian 12 asks the registry by HTTP only behind its switch for what is not stable yet.
            toolchain.fetch(tool("cargo"), "vendor", "--quiet", "--manifest-path", manifest,
                            folder / "crates", RUSTC_BOOTSTRAP="1", CARGO_UNSTABLE_SPARSE_REGISTRY="true")
            toolchain.build(tool("cargo"), "build", "--quiet", "--locked", "--offline", "--manifest-path", manifest,
                            "--target-dir", folder / "target", "--config",
                            'source.crates-io.replace-with="crates"', "--config",
                            f'source.crates.directory="{folder}/crates"', CARGO_PROFILE_DEV_DEBUG="0")
    return [folder / "target/debug/ask-tell"]


def make_node(_):
    return [tool("node"), EXAMPLES / "node/ask_tell.mjs"]


def make_r(_):
    return [tool("Rscript"), EXAMPLES / "r/ask_tell.R"]


MAKERS = {"c": make_c, "go": make_go, "node": make_node, "r": make_r, "rust": make_rust}


def branin(x, y):
    return ((y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6) ** 2
            + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10)


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.name = f"branin-{LANGUAGE}"
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="hone-"))
        cls.command = MAKERS[LANGUAGE](pathlib.Path(cls.folder))

    def setUp(self):
        self.server = self.enterContext(hone.Server())
        self.client = self.enterContext(self.server.client())

    def token(self, *scopes):
        """A file with a new token."""
        file = pathlib.Path(self.folder) / "token"
        file.write_text(self.client.post("/v1/tokens", {"name": "t", "scopes": scopes}).json["token"] + "\n")
        return file

    def environment(self, token=None):
        return {"HONE_URL": self.server.url, "HONE_TOKEN_FILE": str(token or self.token("submit", "worker"))}

    def finish(self, status=0, **environment):
        done = toolchain.run(*self.command, **(environment or self.environment()))
        self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout

    def test_it_tunes_to_the_end_and_stops_where_it_is_told(self):
        said = self.finish()
        self.assertIn(f"best of {self.name}: ", said)
        trials = list(self.client.walk(f"/v1/studies/{self.name}/trials"))
        self.assertEqual(len(trials), 20)
        self.assertEqual({trial["state"] for trial in trials}, {"completed", "pruned"})
        for trial in trials:
            rows = list(self.client.walk(f"/v1/studies/{self.name}/trials/{trial['number']}/measurements"))
            steps = 5 if trial["state"] == "completed" else 2
            self.assertEqual([row["step"] for row in rows], list(range(1, steps + 1)), trial)
            for row in rows:
                wanted = branin(**trial["parameters"]) * (1 + 1 / row["step"])
                self.assertAlmostEqual(row["metrics"]["loss"], wanted, delta=1e-9 * max(1, wanted))
        best = self.client.get(f"/v1/studies/{self.name}/best").json["trial"]
        told = float(re.search(r"best of \S+: ([-+.e0-9]+)", said)[1])
        self.assertAlmostEqual(told, best["value"], delta=1e-4)
        self.assertIn(f"best of {self.name}: ", self.finish())  # again: there is nothing more to do

    def make_study(self, state):
        """The example's own study, in this state before the example starts."""
        self.finish()
        where = f"/v1/studies/{self.name}"
        made = self.client.get(where).json
        given = {key: made[key] for key in ("name", "objectives", "parameters", "limits", "seed", "stopping")}
        self.assertEqual(self.client.delete(where).status, 204)
        self.assertEqual(self.client.post("/v1/studies", given).status, 201)
        self.assertEqual(self.client.patch(where, {"state": state}).status, 200)

    def test_it_waits_for_a_paused_study(self):
        self.make_study("paused")
        process = subprocess.Popen([str(word) for word in self.command], text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, env=toolchain.environment(**self.environment()))
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        wait_until(lambda: any(worker["waiting"] for worker in self.client.get("/v1/workers").json["items"]),
                   "its ask waits")
        self.assertEqual(self.client.patch(f"/v1/studies/{self.name}", {"state": "running"}).status, 200)
        said, _ = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, 0, said)
        self.assertIn(f"best of {self.name}: ", said)

    def test_it_leaves_when_the_study_was_stopped(self):
        self.make_study("stopped")
        self.finish()
        self.assertEqual(list(self.client.walk(f"/v1/studies/{self.name}/trials")), [])

    def test_it_says_what_the_server_says(self):
        self.assertIn("this token lacks the scope", self.finish(1, **self.environment(self.token("read"))))
        self.assertEqual(self.client.post("/v1/studies", hone.study(self.name)).status, 201)
        self.assertIn("exists with another definition", self.finish(1))

    def test_it_says_that_it_does_not_know_the_server(self):
        self.assertIn("set HONE_URL", self.finish(1, HONE_TOKEN_FILE=str(self.token("read"))))

    def test_it_says_that_nobody_answers(self):
        environment = self.environment()
        self.server.stop()
        self.assertNotEqual(self.finish(1, **environment).strip(), "")


if __name__ == "__main__":
    LANGUAGE = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    if LANGUAGE not in MAKERS:
        sys.exit(f"usage: test_examples.py {'|'.join(MAKERS)}")
    hone.main()
