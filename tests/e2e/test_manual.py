#!/usr/bin/env python3
"""The manual has every verb and every option that the program has, and is well-formed."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import NotRun, expect, main  # noqa: E402

HONE, HONED = os.environ["HONE"], os.environ["HONED"]
PAGES = pathlib.Path(__file__).resolve().parents[2] / "deploy/man"


def verbs():
    names = subprocess.run([HONE, "help", "--names"], capture_output=True, text=True, check=True)
    return [tuple(line.split()) for line in names.stdout.splitlines()]


def page_of(verb):
    """hone-study(1) has the verbs of a group, hone-run(1) is alone, hone(1) has the smallest."""
    own = PAGES / f"hone-{verb[0]}.1"
    return own.read_text() if own.exists() else (PAGES / "hone.1").read_text()


def options_in_help(verb):
    said = subprocess.run([HONE, *verb, "--help"], capture_output=True, text=True, check=True).stdout
    listed = [line for line in said.splitlines() if re.match(r"  (  |-\S,) +--", line)
              or re.match(r"  -\S, --", line)]
    return set(re.findall(r"--([a-z][a-z-]*)", "\n".join(line[:32] for line in listed)))


def options_in_page(page):
    return set(re.findall(r"Fl -([a-z][a-z-]*)", page))


def test_every_verb_is_in_the_manual(tmp):
    for verb in verbs():
        page = page_of(verb)
        word = "Cm " + verb[-1]
        named = re.search(rf"\b{word}\b|\.Nm hone {' '.join(verb)}\b|Cm .*\b{verb[-1]}\b", page)
        expect(named is not None, True, f"'{' '.join(verb)}' is in the manual")


def test_every_option_is_in_the_manual(tmp):
    common = options_in_page((PAGES / "hone.1").read_text())
    definition = options_in_page((PAGES / "hone-study.1").read_text())
    for verb in verbs():
        if verb[0] in ("help", "version"):
            continue
        known = options_in_page(page_of(verb)) | common
        if verb[0] in ("run", "advise"):  # take the definition of a study too
            known |= definition
        found = options_in_help(verb)
        expect(sorted(found - known), [], f"options of {verb} that the manual lacks")


def test_the_manual_promises_no_option_that_is_not_there(tmp):
    there = {"names"}
    for verb in verbs():
        if verb[0] not in ("help", "version"):
            there |= options_in_help(verb)
    for page in PAGES.glob("hone*.1"):
        if page.stem == "hone" or page.stem[5:] in {verb[0] for verb in verbs()}:
            expect(sorted(options_in_page(page.read_text()) - there), [], page.name)


def options_listed(page):
    return set(re.findall(r"Fl -([a-z][a-z-]*)", "\n".join(
        line for line in page.splitlines() if line.startswith(".It Fl"))))


def test_the_page_of_the_server_has_its_options(tmp):
    said = subprocess.run([HONED, "--help"], capture_output=True, text=True, check=True).stdout
    there = set(re.findall(r"^ {2}(?:-\S,| {3}) --([a-z][a-z-]*)", said, re.M))
    expect("data" in there and "open" in there, True, "options of honed --help")
    expect(options_listed((PAGES / "honed.8").read_text()), there)


def test_every_page_that_is_cited_is_there(tmp):
    for page in sorted(PAGES.glob("*.[1-8]")):
        for name, section in re.findall(r"\.Xr (hone\S*) (\d)", page.read_text()):
            expect((PAGES / f"{name}.{section}").exists(), True, f"{name}({section}) of {page.name}")


def test_the_pages_are_well_formed(tmp):
    if shutil.which("groff") is None:
        raise NotRun("groff is not installed")
    for page in sorted(PAGES.glob("*.[1-8]")):
        done = subprocess.run(["groff", "-mdoc", "-Tutf8", "-ww", "-z", str(page)], text=True,
                              capture_output=True, check=False)
        expect((done.returncode, done.stderr), (0, ""), page.name)


if __name__ == "__main__":
    main(globals())
