#!/usr/bin/env python3
"""deploy/static without compiling: its pins and recipes fit together, downloads are held to their
checksums, packages are the same to the byte, and what is wrong is told in a sentence."""

import hashlib
import importlib.util
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATIC = ROOT / "deploy/static"
sys.path.insert(0, str(ROOT / "tests/support"))
from cases import expect, main, script  # noqa: E402

spec = importlib.util.spec_from_file_location("package", STATIC / "package.py")
package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
PINS, RECIPES = package.pins(), package.recipes()


def run(*command, env=None, **kwargs):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                          env=dict(os.environ, **(env or {})), timeout=60, **kwargs)


def test_every_recipe_has_its_source_and_every_source_its_recipe(tmp):
    expect({recipe["source"] for recipe in RECIPES.values()}, set(PINS))
    for name, entry in PINS.items():
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in entry["files"].values()), name
        expect(sum(file.endswith(".dsc") for file in entry["files"]), 1, name)
        assert any(".orig" in file for file in entry["files"]), name


def test_what_a_recipe_needs_is_a_recipe(tmp):
    for name, recipe in RECIPES.items():
        expect(set(recipe["needs"]) - set(RECIPES), set(), name)


def test_libraries_come_after_what_they_need(tmp):
    said = run("bash", "-c", f'here={STATIC}; . "$here/common"; libraries_in_order').stdout.split()
    expect(sorted(said), sorted(RECIPES))
    for name, recipe in RECIPES.items():
        for need in recipe["needs"]:
            assert said.index(need) < said.index(name), (need, name)


def test_the_compiler_is_pinned_for_both_kinds_of_machine(tmp):
    text = (STATIC / "toolchain.txt").read_text()
    expect(len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", text)), 2)
    expect((package.compiler_version(), package.MUSL), ("0.15.2", "1.2.5"))


def test_a_change_of_anything_that_goes_in_changes_the_key(tmp):
    """A library is built again when its recipe, a pin, the flags or what it needs has changed."""
    copy = tmp / "static"
    copy.mkdir()
    for path in STATIC.iterdir():
        if path.is_file():
            (copy / path.name).write_bytes(path.read_bytes())
    (copy / "recipes").mkdir()
    for path in (STATIC / "recipes").iterdir():
        (copy / "recipes" / path.name).write_bytes(path.read_bytes())

    def key(name):
        done = run("bash", "-c", f'here={copy}; . "$here/common"; key_of {name}')
        assert re.fullmatch("[0-9a-f]{16}\n", done.stdout), done
        return done.stdout

    before = {name: key(name) for name in ("curl", "jansson")}
    with open(copy / "recipes/gmp", "a") as file:
        file.write("# changed\n")
    assert key("curl") != before["curl"]
    expect(key("jansson"), before["jansson"])
    pins = (copy / "sources").read_text()
    (copy / "sources").write_text(pins.replace("jansson 2.14-2", "jansson 2.14-3"))
    assert key("jansson") != before["jansson"]


# ---- downloads ----

def fake_apt(tmp, gives):
    """An apt-get that downloads these {name: bytes}, and lists version 9 of every package."""
    folder = tmp / "fake"
    folder.mkdir()
    for name, content in gives.items():
        (folder / name).write_bytes(content)
    (tmp / "bin").mkdir()
    for name, text in (("apt-get", f'case "$*" in\n*" source "*) cp {folder}/* . ;;\nesac\n'
                        if gives else 'case "$*" in\n*" source "*) echo "E: gone" >&2; exit 100 ;;\nesac\n'),
                       ("apt-cache", 'echo "Package: thing"; echo "Version: 9-1"\n')):
        script(tmp / "bin", text, name)
    return {"PATH": f"{tmp / 'bin'}:{os.environ['PATH']}", "HONE_STATIC_CACHE": str(tmp / "cache"),
            "HOME": str(tmp)}


def folder_with(tmp, lines):
    copy = tmp / "static"
    copy.mkdir()
    for name in ("common", "fetch", "mirrors", "compile"):
        (copy / name).write_bytes((STATIC / name).read_bytes())
    (copy / "sources").write_text("# pins\n" + lines)
    return copy


def test_a_file_with_another_checksum_is_refused(tmp):
    copy = folder_with(tmp, f"thing 8-1 {'0' * 64} thing_8.dsc\n")
    done = run("bash", copy / "fetch", env=fake_apt(tmp, {"thing_8.dsc": b"hostile"}))
    expect(done.returncode, 1)
    assert "thing_8.dsc of thing 8-1 has not the checksum" in done.stderr, done.stderr
    assert "nothing was built" in done.stderr, done.stderr
    again = run("bash", copy / "fetch", env={"PATH": f"{tmp / 'bin'}:{os.environ['PATH']}",
                                             "HONE_STATIC_CACHE": str(tmp / "cache")})
    expect(again.returncode, 1, "what is in the cache is checked as well")


def test_a_version_that_is_gone_names_what_there_is(tmp):
    copy = folder_with(tmp, f"thing 8-1 {'0' * 64} thing_8.dsc\n")
    done = run("bash", copy / "fetch", env=fake_apt(tmp, {}))
    expect(done.returncode, 1)
    assert "thing=8-1 cannot be downloaded" in done.stderr and "9-1" in done.stderr, done.stderr
    assert "deploy/static/pin thing" in done.stderr, done.stderr


def test_what_is_there_and_right_is_not_downloaded_again(tmp):
    content = b"content"
    copy = folder_with(tmp, f"thing 8-1 {hashlib.sha256(content).hexdigest()} thing_8.dsc\n")
    env = fake_apt(tmp, {"thing_8.dsc": content})
    expect(run("bash", copy / "fetch", env=env).returncode, 0)
    script(tmp / "bin", "exit 1\n", "apt-get")
    expect(run("bash", copy / "fetch", env=env).returncode, 0)


def test_no_registry_is_named(tmp):
    for path in [*STATIC.iterdir(), *(STATIC / "recipes").iterdir()]:
        if path.is_file():
            assert not re.search(r"(?<!\.)\b(deb\.debian\.org|pypi\.org|pythonhosted)", path.read_text()), path


def test_a_strange_architecture_is_refused(tmp):
    done = run(STATIC / "build", "sparc", tmp, env={"HONE_STATIC_CACHE": str(tmp)})
    expect(done.returncode, 1)
    assert '"sparc" is no architecture of this build; x86_64 and aarch64 are' in done.stderr


def test_missing_tools_are_named_with_what_installs_them(tmp):
    script(tmp, 'exec /bin/bash "$@"\n', "bash")
    for name in ("dirname", "mkdir", "nproc", "uname", "git"):
        os.symlink(f"/usr/bin/{name}", tmp / name)
    done = run("/bin/bash", STATIC / "build", "x86_64", tmp, env={"PATH": str(tmp), "HOME": str(tmp)})
    expect(done.returncode, 1)
    assert "missing here:" in done.stderr and "tclsh" in done.stderr, done.stderr
    assert "deploy/install static" in done.stderr


# ---- the package ----

def files_of(tmp):
    programs = tmp / "programs"
    for name, content in (("bin/hone", b"\x7fELF"), ("share/man/man1/hone.1", b".TH")):
        (programs / name).parent.mkdir(parents=True, exist_ok=True)
        (programs / name).write_bytes(content)
    for recipe in RECIPES.values():
        (tmp / "licences" / recipe["source"]).mkdir(parents=True, exist_ok=True)
        (tmp / "licences" / recipe["source"] / "copyright").write_text("a licence")
    (tmp / "zig/lib/libc/musl").mkdir(parents=True, exist_ok=True)
    (tmp / "zig/lib/libc/musl/COPYRIGHT").write_text("MIT")
    (tmp / "zig/LICENSE").write_text("MIT")
    return ["--root", ROOT, "--programs", programs, "--arch", "x86_64", "--licences", tmp / "licences",
            "--compiler", tmp / "zig", "--epoch", "1700000000", "--output", tmp]


def test_the_same_input_gives_the_same_bytes(tmp):
    arguments = files_of(tmp)
    sums = []
    for _ in range(2):
        done = run(STATIC / "package.py", *arguments)
        expect(done.returncode, 0, done.stderr)
        sums.append(done.stdout.split()[0])
        os.utime(tmp / "programs/bin/hone")
    expect(sums[0], sums[1])
    path, = tmp.glob("hone-*-linux-x86_64.tar.gz")
    expect(hashlib.sha256(path.read_bytes()).hexdigest(), sums[0])
    with tarfile.open(path) as tar:
        folder = path.name[:-len(".tar.gz")]
        names = tar.getnames()
        expect(names, sorted(names))
        expect({name.split("/")[0] for name in names}, {folder})
        expect({(m.mtime, m.uid, m.uname) for m in tar.getmembers()}, {(1700000000, 0, "")})
        expect(tar.getmember(f"{folder}/bin/hone").mode, 0o755)
        for name in ("LICENSE", "README", "licenses/gnutls28", "licenses/musl", "licenses/lit-html", "licenses/joe-kuo-sobol",
                     "sbom.cdx.json"):
            assert f"{folder}/{name}" in names, name


def test_a_missing_licence_fails(tmp):
    arguments = files_of(tmp)
    (tmp / "licences/zlib/copyright").unlink()
    done = run(STATIC / "package.py", *arguments)
    assert done.returncode != 0 and "zlib" in done.stderr
    expect(list(tmp.glob("*.tar.gz")), [])


def test_the_list_of_parts_is_whole(tmp):
    found = json.loads(package.bill(ROOT, "1.2.3", "x86_64", 1700000000))
    expect((found["bomFormat"], found["specVersion"]), ("CycloneDX", "1.5"))
    expect(found["metadata"]["timestamp"], "2023-11-14T22:13:20Z")
    expect({part["bom-ref"] for part in found["components"]}, {*RECIPES, "musl", "lit-html", "joe-kuo-sobol"})
    for part in found["components"]:
        assert part["licenses"] and part["version"] and part["purl"].startswith("pkg:"), part
    refs = {part["bom-ref"] for part in found["components"]} | {"hone"}
    for arrow in found["dependencies"]:
        assert arrow["ref"] in refs and set(arrow["dependsOn"]) <= refs, arrow
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", found["serialNumber"])
    expect(package.upstream("2:6.2.1+dfsg1-1.1"), "6.2.1+dfsg1")


def test_the_folder_of_an_entry_is_packed_before_it(tmp):
    raw = package.pack({"a/b/c": (b"x", 0o644)}, "top", 0)
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        expect(tar.getnames(), ["top", "top/a", "top/a/b", "top/a/b/c"])


if __name__ == "__main__":
    main(globals())
