#!/usr/bin/env python3
"""The manual has every verb and every option that the program has, and is well-formed."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import NotRun, expect, main  # noqa: E402

HONE, HONED = os.environ["HONE"], os.environ["HONED"]
SOURCES = pathlib.Path(__file__).resolve().parents[2] / "deploy/man"
BUILT = pathlib.Path(HONE).resolve().parents[1] / "deploy" # the pages whose options are filled in
PAGES = {page.name: page for page in [*BUILT.glob("hone*.1"), SOURCES / "honed.8"]}


def verbs():
    names = subprocess.run([HONE, "help", "--names"], capture_output=True, text=True, check=True)
    return [tuple(line.split()) for line in names.stdout.splitlines()]


def page_of(verb):
    """hone-study(1) has the verbs of a group, hone-run(1) is alone, hone(1) has the smallest."""
    own = PAGES.get(f"hone-{verb[0]}.1", PAGES["hone.1"])
    return own.read_text()


def dump():
    said = subprocess.run([HONE, "help", "--dump"], capture_output=True, text=True, check=True)
    return said.stdout


def options_of(verb):
    words = [*([None] if len(verb) == 1 else []), *verb]
    entry = next(known for known in json.loads(dump())["verbs"]
                 if [known["group"], known["name"]] == words)
    return {option["name"] for part in entry["lists"] for option in part["options"]}


def options_in_page(page):
    return set(re.findall(r"Fl -([a-z][a-z-]*)", page))


def test_every_verb_is_in_the_manual(tmp):
    for verb in verbs():
        page = page_of(verb)
        word = "Cm " + verb[-1]
        named = re.search(rf"\b{word}\b|\.Nm hone {' '.join(verb)}\b|Cm .*\b{verb[-1]}\b", page)
        expect(named is not None, True, f"'{' '.join(verb)}' is in the manual")


def test_every_option_is_in_the_manual(tmp):
    common = options_in_page(PAGES["hone.1"].read_text())
    definition = options_in_page(PAGES["hone-study.1"].read_text())
    for verb in verbs():
        if verb[0] in ("help", "version"):
            continue
        known = options_in_page(page_of(verb)) | common
        if verb[0] in ("run", "advise", "import"):  # take the definition of a study too
            known |= definition
        found = options_of(verb)
        expect(sorted(found - known), [], f"options of {verb} that the manual lacks")


def test_the_manual_promises_no_option_that_is_not_there(tmp):
    there = {"names", "help", "usage"}  # those that argp adds, and one that help hides
    for verb in verbs():
        if verb[0] not in ("help", "version"):
            there |= options_of(verb)
    for page in PAGES.values():
        if page.suffix == ".1" and (page.stem == "hone" or page.stem[5:] in {verb[0] for verb in verbs()}):
            expect(sorted(options_in_page(page.read_text()) - there), [], page.name)


def options_listed(page):
    return set(re.findall(r"Fl -([a-z][a-z-]*)", "\n".join(
        line for line in page.splitlines() if line.startswith(".It Fl"))))


def test_the_page_of_the_server_has_its_options(tmp):
    said = subprocess.run([HONED, "--help"], capture_output=True, text=True, check=True).stdout
    there = set(re.findall(r"^ {2}(?:-\S,| {3}) --([a-z][a-z-]*)", said, re.M))
    expect("data" in there and "open" in there, True, "options of honed --help")
    expect(options_listed(PAGES["honed.8"].read_text()), there)


def test_an_option_is_described_in_the_program_alone(tmp):
    for source in sorted(SOURCES.glob("*.in")):
        own = re.findall(r"^\.It Fl -?(?:\\&\? , Fl -)?(\S+)", source.read_text(), re.M)
        expect(set(own) - {"help", "usage", "preempt-status"}, set(), source.name)


def test_the_option_lists_are_those_of_this_program(tmp):
    table = tmp / "verbs.json"
    table.write_text(dump())
    sources = sorted(SOURCES.glob("*.in"))
    expect({source.stem for source in sources} | {"honed.8"}, set(PAGES))
    for source in sources:
        filled = subprocess.run([SOURCES / "fill.py", table, source], capture_output=True,
                                text=True, check=True).stdout
        expect(filled == PAGES[source.stem].read_text(), True, f"{source.stem} is up to date")


def test_every_page_that_is_cited_is_there(tmp):
    for page in PAGES.values():
        for name, section in re.findall(r"\.Xr (hone\S*) (\d)", page.read_text()):
            expect(f"{name}.{section}" in PAGES, True, f"{name}({section}) of {page.name}")


def test_the_pages_are_well_formed(tmp):
    if shutil.which("groff") is None:
        raise NotRun("groff is not installed")
    for page in PAGES.values():
        done = subprocess.run(["groff", "-mdoc", "-Tutf8", "-ww", "-z", str(page)], text=True,
                              capture_output=True, check=False)
        expect((done.returncode, done.stderr), (0, ""), page.name)


if __name__ == "__main__":
    main(globals())
