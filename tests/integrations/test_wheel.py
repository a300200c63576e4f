#!/usr/bin/env python3
"""The wheel and the sdist of hone-tuner: what is in them, and a life with them in a fresh environment.

HONE_BUILD names the release build, of which a tarball is made as deploy/static/build makes one; its programs
need this machine's libraries, and the wheel says so. HONE_STATIC_TARBALL names a real one."""

import base64
import csv
import functools
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import private  # noqa: E402
from cases import NotRun, expect, main  # noqa: E402
from readme import Shell, blocks, pasted  # noqa: E402

SCRIPT = ROOT / "deploy/python/wheel"
VERSION = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text())[1]
STEM = f"hone-{VERSION}-linux-"
PORTABLE = "py3-none-manylinux2014_{0}.musllinux_1_1_{0}"
BILL = {"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [
    {"name": "lit-html", "licenses": [{"license": {"id": "BSD-3-Clause"}}]},
    {"name": "both", "licenses": [{"expression": "MIT AND BSD-3-Clause"}]},
    {"name": "either", "licenses": [{"expression": "LGPL-3.0-or-later OR GPL-2.0-or-later"}]}]}
SECONDS = 240  # a bound against hanging
PT_INTERP = 3
MACHINE_OF_ARM = 183
FIRST_BLOCK = "deploy/install static\ndeploy/static/build"  # of the README: how the wheel is made and installed


def run(*command, **more):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment.update(more.pop("env", {}))
    return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          timeout=SECONDS, errors="replace", env=environment, **more)


def done(*command, **more):
    """What a command prints that must succeed."""
    ended = run(*command, **more)
    expect(ended.returncode, 0, ended.stdout)
    return ended.stdout


# ---- tarballs -----------------------------------------------------------------------------------


@functools.lru_cache(maxsize=None)
def installed_files():
    """{name in a tarball: bytes}: what the release build installs, and what deploy/static/build adds."""
    build = os.environ.get("HONE_BUILD")
    if not build:
        raise NotRun("HONE_BUILD is not set")
    with tempfile.TemporaryDirectory() as place:
        done("meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", place)
        prefix = next(pathlib.Path(place).rglob("bin")).parent
        files = {path.relative_to(prefix).as_posix(): path.read_bytes()
                 for path in prefix.rglob("*") if path.is_file()}
    return {**files, "LICENSE": (ROOT / "LICENSE").read_bytes(), "sbom.cdx.json": json.dumps(BILL).encode(),
            "licenses/lit-html": (ROOT / "server/web/vendor/lit-html.LICENSE").read_bytes()}


def tarball(tmp, files, name=f"{STEM}x86_64.tar.gz", root=None, more=()):
    """A file of these contents; more: members (TarInfo) without contents."""
    root = root or name[:-len(".tar.gz")]
    path = tmp / name
    with tarfile.open(path, "w:gz") as archive:
        for inner, data in files.items():
            member = tarfile.TarInfo(f"{root}/{inner}")
            member.size, member.mtime = len(data), 1_790_000_000
            archive.addfile(member, io.BytesIO(data))
        for member in more:
            archive.addfile(member, io.BytesIO(b"\0" * member.size) if member.isreg() else None)
    return path


def without_loader(program, machine=None):
    """The same ELF program, that says it needs no loader, for another machine if one is given."""
    program = bytearray(program)
    start, = struct.unpack_from("<Q", program, 32)
    size, count = struct.unpack_from("<HH", program, 54)
    for at in range(start, start + size * count, size):
        if struct.unpack_from("<I", program, at)[0] == PT_INTERP:
            struct.pack_into("<I", program, at, 0)
    if machine is not None:
        struct.pack_into("<H", program, 18, machine)
    return bytes(program)


def as_static(files, machine=None):
    return {name: without_loader(data, machine) if name.startswith("bin/") else data
            for name, data in files.items()}


def make(tmp, archive, output="dist", **environment):
    """Runs the script; the wheel and the sdist."""
    said = done(SCRIPT, archive, tmp / output, env=environment)
    wheel, sdist = next((tmp / output).glob("*.whl")), next((tmp / output).glob("*.tar.gz"))
    for path in [wheel, sdist]:
        assert re.search(rf"{re.escape(str(path))} \d+\.\d\d MB", said), said
    return wheel, sdist


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


# ---- what is in them ----------------------------------------------------------------------------


def test_files_are_what_an_index_takes(tmp):
    wheel, sdist = make(tmp, tarball(tmp, as_static(installed_files())))
    said = done("twine", "check", "--strict", wheel, sdist)
    expect(said.count("PASSED"), 2, said)
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"hone_tuner-{VERSION}.dist-info/METADATA").decode()
    for line in ["Metadata-Version: 2.4", "Name: hone-tuner", f"Version: {VERSION}", "Requires-Python: >=3.8",
                 "License-Expression: MIT AND (LGPL-3.0-or-later OR GPL-2.0-or-later) AND BSD-3-Clause",
                 "License-File: LICENSE", "License-File: lit-html", "Provides-Extra: optuna",
                 'Requires-Dist: optuna; extra == "optuna"', "Description-Content-Type: text/markdown"]:
        assert f"\n{line}\n" in "\n" + text, f"{line} is not in {text}"
    with tarfile.open(sdist) as archive:
        told = archive.extractfile(f"hone_tuner-{VERSION}/PKG-INFO").read().decode()
    assert "\nLicense-Expression: MIT\n" in told, told


def test_extras_install_what_adapters_say_is_missing(tmp):
    project = tomllib.loads((ROOT / "deploy/python/pyproject.toml").read_text())["project"]
    told = {}
    for path in (ROOT / "deploy/python/hone/integrations").glob("*.py"):
        lines = re.findall(r'"pip install ([a-zA-Z0-9-]+)', path.read_text())
        told.update({path.stem: line for line in lines})
    assert "optuna" in told or "hydra" in told, told
    expect({name: project["optional-dependencies"].get(name) for name in told},
           {name: [package] for name, package in told.items()}, "extras")


def test_the_record_names_every_file_with_its_digest(tmp):
    wheel, _ = make(tmp, tarball(tmp, installed_files()))
    with zipfile.ZipFile(wheel) as archive:
        record = f"hone_tuner-{VERSION}.dist-info/RECORD"
        lines = list(csv.reader(archive.read(record).decode().splitlines()))
        expect([line[0] for line in lines], archive.namelist(), "the order of the archive")
        expect(lines[-1], [record, "", ""])
        for name, told, size in lines[:-1]:
            data = archive.read(name)
            sha = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            expect((told, int(size)), (f"sha256={sha}", len(data)), name)
        modes = {entry.filename: oct(entry.external_attr >> 16) for entry in archive.infolist()}
        for program in ["hone", "honed"]:
            name = f"hone_tuner-{VERSION}.data/scripts/{program}"
            expect((modes[name], archive.read(name)), ("0o100755", installed_files()[f"bin/{program}"]))
        expect(modes["hone/__init__.py"], "0o100644")
        for name in ["sboms/hone.cdx.json", "licenses/LICENSE", "licenses/lit-html"]:
            assert f"hone_tuner-{VERSION}.dist-info/{name}" in modes, name
        assert "hone/py.typed" in modes, "the types"
        assert not [name for name in modes if "__pycache__" in name], "what Python made"


def test_tags_say_where_the_programs_run(tmp):
    for files, arch, tag in [
            (installed_files(), "x86_64", "py3-none-linux_x86_64"),
            (as_static(installed_files()), "x86_64", PORTABLE.format("x86_64")),
            (as_static(installed_files(), MACHINE_OF_ARM), "aarch64", PORTABLE.format("aarch64"))]:
        wheel, _ = make(tmp, tarball(tmp, files, f"{STEM}{arch}.tar.gz"), tag)
        expect(wheel.name, f"hone_tuner-{VERSION}-{tag}.whl")
        with zipfile.ZipFile(wheel) as archive:
            told = archive.read(f"hone_tuner-{VERSION}.dist-info/WHEEL").decode()
        expect(sorted(re.findall("(?m)^Tag: (.*)$", told)),
               sorted("py3-none-" + platform for platform in tag[len("py3-none-"):].split(".")))
        assert "\nRoot-Is-Purelib: false\n" in told, told


def test_the_same_tarball_makes_the_same_files(tmp):
    archive = tarball(tmp, installed_files())
    one = make(tmp, archive, "a")
    other = make(tmp, archive, "b", TZ="Asia/Kolkata", HOME=str(tmp), LC_ALL="C")
    expect([digest(path) for path in other], [digest(path) for path in one])


def test_the_client_runs_with_python_3_8(tmp):
    judge = ["vermin", "--quiet", "--no-tips", "--violations", "-t=3.8-"]
    done(*judge, ROOT / "deploy/python/hone")
    done(*judge, "--exclude", "tomllib", ROOT / "deploy/python/hone_build.py")  # without it, it says so
    later = tmp / "later.py"
    later.write_text("import zoneinfo\nmatch zoneinfo:\n    case 1: pass\n")
    said = run(*judge, later)
    expect((said.returncode, "zoneinfo" in said.stdout), (1, True), said.stdout)


def test_what_is_no_tarball_of_ours_is_refused(tmp):
    whole = installed_files()

    def refused(words, archive, **more):
        said = run(SCRIPT, archive, tmp / "out", **more)
        expect((said.returncode, words in said.stdout, "Traceback" in said.stdout), (1, True, False),
               f"{words}: {said.stdout}")
        expect(list((tmp / "out").glob("*.whl")), [], "nothing is made")

    def changed(name, data):
        """None: without that file."""
        return {other: kept for other, kept in {**whole, name: data}.items() if kept is not None}

    def strange(kind, name=f"{STEM}x86_64/x", target=""):
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, target
        return member

    for words, name in [("is not named hone-VERSION", "other.tar.gz"),
                        ("is not named hone-VERSION", f"hone-{VERSION}-linux-x86_64.zip"),
                        ("wheels are made for aarch64 and x86_64, not for riscv64", f"{STEM}riscv64.tar.gz"),
                        (f"is of version 9.9.9, this source tree of {VERSION}",
                         "hone-9.9.9-linux-x86_64.tar.gz"),
                        ("bin/hone is for machine 62 of ELF, not for aarch64", f"{STEM}aarch64.tar.gz")]:
        refused(words, tarball(tmp, whole, name, name.rpartition(".tar")[0] or "x"))
    unnamed = b'{"components": [{"licenses": [{"expression": "a\\nb: c"}]}]}'
    for words, name, data in [("there is no bin/honed", "bin/honed", None),
                              ("there is no LICENSE", "LICENSE", None),
                              ("there is no sbom.cdx.json", "sbom.cdx.json", None),
                              ("bin/hone is no 64-bit program", "bin/hone", b"#!/bin/sh\n"),
                              ("bin/hone is no 64-bit program", "bin/hone", b""),
                              ("bin/hone is cut short", "bin/hone", whole["bin/hone"][:64]),
                              ("no bill of materials", "sbom.cdx.json", b"{"),
                              ("no bill of materials", "sbom.cdx.json", b"[]"),
                              ("no bill of materials", "sbom.cdx.json", b'{"components": [1]}'),
                              ("is no SPDX expression", "sbom.cdx.json", unnamed)]:
        refused(words, tarball(tmp, changed(name, data)))
    for words, member in [("does not lie in", strange(tarfile.REGTYPE, "/etc/passwd")),
                          ("does not lie in", strange(tarfile.REGTYPE, f"{STEM}x86_64/../x")),
                          ("is no plain file", strange(tarfile.SYMTYPE, target="/etc/passwd")),
                          ("is no plain file", strange(tarfile.LNKTYPE, target="/etc/passwd")),
                          ("is no plain file", strange(tarfile.CHRTYPE))]:
        refused(words, tarball(tmp, whole, more=[member]))
    archive = tarball(tmp, whole)
    archive.write_bytes(archive.read_bytes()[:-5000])
    refused("cannot read", archive)
    archive.write_bytes(b"plain text")
    refused("cannot read", archive)
    archive.unlink()
    refused("cannot read", archive)
    huge = tarfile.TarInfo(f"{STEM}x86_64/huge")
    huge.size = 300 << 20
    refused("unpacks to more than 256 MiB", tarball(tmp, {}, more=[huge]))
    for words in [[], ["x"], ["--help"], ["a", "b", "c"]]:
        expect(run(SCRIPT, *words).returncode, 64, words)


# ---- a life with them ---------------------------------------------------------------------------


def fresh_environment(tmp):
    """A venv's folder, and what lies in it."""
    folder = tmp / "home/hone"
    done("/usr/bin/python3", "-m", "venv", folder)
    return folder


def files_of(folder):
    """pip leaves empty folders of share/ behind, whosever they are."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")
            if "__pycache__" not in path.parts and not path.is_dir()}


def install_as_the_readme_says(tmp, archive):
    """Pastes the block, but for the build itself; the clone's shell, in which the programs are found."""
    clone = tmp / "clone"
    (clone / "dist").mkdir(parents=True)
    (clone / "deploy").symlink_to(ROOT / "deploy")
    shutil.copy(archive, clone / "dist")
    (tmp / "home").mkdir(exist_ok=True)
    block = next(block for block in blocks() if block.startswith(FIRST_BLOCK))
    shell = Shell(clone, tmp / "home", tmp / "home/hone/bin")
    shell.tell("export PATH=/usr/bin:/bin CC=/bin/false PIP_NO_INDEX=1 PIP_DISABLE_PIP_VERSION_CHECK=1")
    shell.run(block.split("\n", 2)[2])  # what is installed and built is there already
    return shell


def first_study(shell, tmp):
    """The README's first example; what it prints."""
    shell.serve("honed --data ~/hone-data --open", tmp / "server.log")
    said = ""
    for block in blocks():
        if block.startswith(("curl http://127.0.0.1:4663/v1/studies --json", 'eval "$(curl')):
            said += shell.run(pasted(block))
    return said


def example_of_the_description():
    """The indented lines that begin with an import of hone."""
    text = (ROOT / "deploy/python/description.md").read_text()
    lines = re.search(r"(?m)^    import hone\n(?:(?:    .*)?\n)+", text)[0]
    return "".join(line[4:] or "\n" for line in lines.splitlines(keepends=True))


def live_with(tmp, archive):
    if not private.is_private():
        raise NotRun("a network of its own needs the right to make namespaces")
    folder = fresh_environment(tmp)
    before = files_of(folder)
    shell = install_as_the_readme_says(tmp, archive)
    try:
        assert VERSION in shell.run("hone --version"), "hone --version"
        assert VERSION in shell.run("honed --version"), "honed --version"
        expect(shell.run("which hone honed").split(), [f"{folder}/bin/hone", f"{folder}/bin/honed"])
        expect(shell.run("python3 -c 'import hone; print(hone.__version__, hone.__file__)'").split(),
               [VERSION, str(next(folder.glob("lib*/python3*")) / "site-packages/hone/__init__.py")])
        expect(shell.run("pip check").strip(), "No broken requirements found.")
        said = first_study(shell, tmp)
        assert "1.44" in said, said
        shell.end_server()
        said = shell.run("hone run private --minimize loss -P x=float:-1..1 --strategy random --trials 3 -- "
                         "sh -c 'echo hone: loss={x}'\nhone study best private")
        assert "loss" in said, said
        example = tmp / "example.py"
        example.write_text(example_of_the_description())
        said = shell.run(f"python3 {example}")
        assert re.match(r"\{'x': -?\d.*\} -?\d", said), said
        if shutil.which("man"):
            said = shell.run("man -w honed hone-run").split()
            expect([pathlib.Path(path).resolve() for path in said],
                   [folder / "share/man/man8/honed.8", folder / "share/man/man1/hone-run.1"])
        shell.run("hone server stop")
        shell.run("pip uninstall -q -y hone-tuner")
        expect(files_of(folder) - before, set(), "what is left")
    finally:
        shell.finish()


def test_the_readme_installs_it_and_its_first_study_runs(tmp):
    live_with(tmp, tarball(tmp, installed_files()))


def test_a_static_build_does_the_same(tmp):
    archive = os.environ["HONE_STATIC_TARBALL"]
    wheel, _ = make(tmp, archive)
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB")
    assert PORTABLE.format("x86_64") in wheel.name, wheel.name
    assert wheel.stat().st_size < 12_000_000, "too large"
    live_with(tmp, archive)


def test_the_source_is_the_client_alone_and_says_so(tmp):
    _, sdist = make(tmp, tarball(tmp, installed_files()))
    folder = fresh_environment(tmp)
    said = done(folder / "bin/pip", "install", "-v", "--no-index", sdist)
    assert "The programs hone and honed come with the wheel" in said, said
    assert not (folder / "bin/hone").exists(), "no program"
    script = "import hone\ntry:\n    hone.connect()\nexcept hone.HoneError as fault:\n    print(fault)"
    said = run(folder / "bin/python", "-c", script, cwd=tmp, env={"PATH": "/nowhere", "HONE_URL": ""}).stdout
    assert "pip install --only-binary=:all: --force-reinstall hone-tuner" in said, said


if __name__ == "__main__":
    private.enter()
    if "HONE_STATIC_TARBALL" not in os.environ:  # a release's check, for which the static build is needed
        del test_a_static_build_does_the_same
    main(globals())
