"""Debian's own compilers and interpreters, and what the tests of this folder fetch with them, once.

Everything is kept below $HONE_LANGUAGES_DIR, which Meson sets to the build folder. What is not installed
(deploy/install languages) or cannot be fetched raises SkipTest with the reason; where $HONE_INTEGRATIONS is
"required", as it is in .ci/run, that is a failure.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SECONDS = 900  # a bound against hanging, on a machine that compiles much else
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
# What decides where these programs look for each other and keep things stays out.
KEPT = ("HOME", "LANG", "TMPDIR", "https_proxy", "http_proxy", "no_proxy", "GOPROXY", "GONOSUMDB", "GOFLAGS",
        "SSL_CERT_FILE")


def not_run(why):
    if os.environ.get("HONE_INTEGRATIONS") == "required":
        raise AssertionError(why)
    raise unittest.SkipTest(f"not run: {why}")


def place():
    """The folder for what is fetched and made."""
    folder = pathlib.Path(os.environ.get("HONE_LANGUAGES_DIR") or not_run("$HONE_LANGUAGES_DIR is not set"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def tool(name):
    """The path of a program of Debian's, whatever else this machine has in its PATH."""
    path = f"/usr/bin/{name}"
    return path if os.access(path, os.X_OK) else not_run(f"{name} is not installed (deploy/install languages)")


def environment(**more):
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "GOPATH": str(place() / "go"),
            "GOCACHE": str(place() / "go-cache"), "GOMODCACHE": str(place() / "go-modules"),
            "CARGO_HOME": str(place() / "cargo"), **more}


def run(*words, cwd=None, **more):
    """Runs a program with the environment of above; its output and exit status."""
    return subprocess.run([str(word) for word in words], cwd=cwd, env=environment(**more), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False)


def build(*words, **more):
    """Runs a compiler, which must succeed."""
    done = run(*words, **more)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, words))[:300]}: exit status {done.returncode}\n{done.stdout[-4000:]}")


@contextlib.contextmanager
def once(name, *inputs):
    """A folder that is filled once for these inputs (files): (folder, whether it is to be filled).

    Several tests may ask at once. Left by an exception it is filled again next time."""
    digest = hashlib.sha256()
    for path in inputs:
        digest.update(pathlib.Path(path).read_bytes() + b"\0")
    folder = place() / f"{name}-{digest.hexdigest()[:12]}"
    with open(place() / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        complete = folder / "complete"
        to_fill = not complete.exists()
        if to_fill:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        yield folder, to_fill
        complete.touch()


def fetch(*words, **more):
    done = run(*words, **more)
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if "ERROR" in line or "error" in line]
        not_run(f"{' '.join(map(str, words))[:120]}: {(lines or done.stdout.splitlines() or ['no reason given'])[0]}")


def jars():
    """The folder with the generator and the libraries of its Java clients, as maven.sha256 has them."""
    pom, sums = HERE / "pom.xml", HERE / "maven.sha256"
    with once("jars", pom, sums) as (folder, to_fill):
        if to_fill:
            fetch(tool("mvn"), "-q", "-B", "-C", "-f", pom, MAVEN_COPY, f"-DoutputDirectory={folder}",
                  f"-Dmaven.repo.local={place() / 'maven'}")
            build("/usr/bin/sha256sum", "--check", "--strict", "--quiet", sums, cwd=folder)
            listed = {line.split()[1] for line in sums.read_text().splitlines()}
            if listed != {path.name for path in folder.glob("*.jar")}:
                raise AssertionError(f"{folder} holds other jars than {sums.name} lists")
    return folder


def generate(folder, language, *options):
    """Writes the client of schema/openapi.yaml in this language into a folder."""
    generator, = jars().glob("openapi-generator-cli-*.jar")
    build(tool("java"), "-XX:TieredStopAtLevel=1", "-Dlog.level=error", "-jar", generator, "generate",
          "-i", ROOT / "schema/openapi.yaml", "-g", language, "-o", folder, *options,
          "--global-property=apis,models,supportingFiles,apiTests=false,modelTests=false,apiDocs=false,"
          "modelDocs=false")
