#!/usr/bin/env python3
"""test_generated.py LANGUAGE: a client made from schema/openapi.yaml compiles and runs a trial.

The generator is openapi-generator (pom.xml), the compilers are Debian's. The program that uses the client
is in this folder; it prints a line a step, the same in each language.
"""

import os
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
sys.path.insert(0, str(HERE))
import hone  # noqa: E402
import toolchain  # noqa: E402
from toolchain import tool  # noqa: E402

SAID = re.compile(r"""created: generated-LANGUAGE running 9007199254740991
asked: trial 1 lr=(?P<lr>\S+) units=(?P<units>\d+)
reported: continue
result: completed
best: trial 1 loss=0\.1234567890123
again: 409 a study of this name exists with another definition: it differs in seed; .*
nowhere: 404 there is no study "nowhere"; .*
""")


def make_go(folder):
    shutil.copytree(HERE / "go", folder, dirs_exist_ok=True)
    toolchain.fetch(tool("go"), "mod", "download", cwd=folder)
    toolchain.generate(folder / "hone", "go", "--additional-properties=packageName=hone,enumClassPrefix=true,"
                       "withGoMod=false")
    toolchain.build(tool("go"), "build", "-o", "trial", ".", cwd=folder)
    return [folder / "trial"]


def make_typescript(folder):
    shutil.copy(HERE / "typescript/trial.ts", folder)
    toolchain.generate(folder / "hone", "typescript-fetch")
    # what the generator writes narrows by `in`, which makes implicit any before TypeScript 4.9
    toolchain.build(tool("tsc"), "--target", "es2020", "--module", "commonjs", "--lib", "es2020,dom", "--strict",
                    "--noImplicitAny", "false", "--noEmitOnError", "--outDir", "made", "trial.ts", cwd=folder)
    return [tool("node"), folder / "made/trial.js"]


def make_java(folder):
    libraries = [jar for jar in sorted(toolchain.jars().glob("*.jar")) if "openapi-generator" not in jar.name]
    toolchain.generate(folder / "hone", "java", "--library", "native", "--additional-properties="
                       "openApiNullable=false,invokerPackage=org.hone,apiPackage=org.hone.api,"
                       "modelPackage=org.hone.model")
    sources = folder / "sources"
    sources.write_text("\n".join(map(str, [HERE / "java/Trial.java", *(folder / "hone/src/main").rglob("*.java")])))
    path = ":".join(map(str, [folder / "made", *libraries]))
    toolchain.build(tool("javac"), "-nowarn", "-proc:none", "-d", folder / "made", "-cp", path, f"@{sources}")
    return [tool("java"), "-XX:TieredStopAtLevel=1", "-cp", path, "Trial"]


MAKERS = {"go": make_go, "typescript": make_typescript, "java": make_java}


class Generated(unittest.TestCase):
    def test_a_generated_client_runs_a_trial_and_reads_refusals(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="hone-", dir=toolchain.place())))
        command = MAKERS[LANGUAGE](folder)
        with hone.Server() as server:
            with server.client() as client:
                token = client.post("/v1/tokens", {"name": "all", "scopes": ["submit", "worker"]}).json["token"]
                where = {"HONE_URL": server.url, "HONE_TOKEN": token}
                done = toolchain.run(*command, **where)
                self.assertEqual(done.returncode, 0, done.stdout)
                said = re.fullmatch(SAID.pattern.replace("LANGUAGE", LANGUAGE), done.stdout)
                self.assertIsNotNone(said, done.stdout)
                self.check_trial(client, said)
                refused = toolchain.run(*command, **{**where, "HONE_TOKEN": "hp_no_token"})
                self.assertEqual(refused.returncode, 1, refused.stdout)
                self.assertRegex(refused.stdout, "refused: 401 .*token")

    def check_trial(self, client, said):
        """What the program has told is what the server has stored."""
        trial = client.get(f"/v1/studies/generated-{LANGUAGE}/trials/1").json
        self.assertEqual(trial["parameters"]["lr"], float(said["lr"]))
        self.assertEqual(trial["parameters"]["units"], int(said["units"]))
        self.assertEqual(trial["metrics"], {"loss": 0.1234567890123})
        study = client.get(f"/v1/studies/generated-{LANGUAGE}").json
        self.assertEqual(study["parameters"][0], {"name": "lr", "type": "float", "low": 1e-5, "high": 0.1,
                                                  "scale": "log"})
        self.assertEqual(study["parameters"][2]["choices"], ["a", None, 2.5])
        measured = client.get(f"/v1/studies/generated-{LANGUAGE}/trials/1/measurements").json["items"]
        self.assertIn({"attempt": 1, "step": 1, "metrics": {"loss": 2}}, measured)


if __name__ == "__main__":
    LANGUAGE = sys.argv.pop(1) if len(sys.argv) > 1 else os.environ.get("HONE_LANGUAGE", "")
    if LANGUAGE not in MAKERS:
        sys.exit(f"usage: test_generated.py {'|'.join(MAKERS)}")
    hone.main()
