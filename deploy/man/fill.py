#!/usr/bin/env python3
"""Fills the option lists of a manual page in from the table of verbs (`hone help --dump`).

Usage: fill.py DUMP PAGE.in [PAGE]

A line `.\\" options VERB: LIST...` of the page becomes the options of these lists, in their order;
`*` as the verb takes a list from the first verb that has it. With --except=NAME,... some are left
out. The text of an option is written once, where it is parsed: its first part, up to a vertical
tab, is that of --help, the rest is for the manual alone.
"""

import json
import re
import sys

DIRECTIVE = re.compile(r'\.\\" options ([^:]+):((?: [a-z-]+)+)(?: --except=(\S+))?$')


def escaped(text):
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")


def marked(word, argument):
    """One word of a text: an option in bold, the option's own argument in italics."""
    whole = re.fullmatch(r"([('\"]*)(.*?)([)',;.:\"]*)", word)
    before, core, after = whole.groups()
    names = re.findall(r"[A-Z]{2,}|\b[A-Z]\b", argument or "")
    if re.fullmatch(r"--[a-z][a-z-]*(=\S*)?", core):
        return f"{escaped(before)}\\fB{escaped(core)}\\fP{escaped(after)}"
    if core in names:
        return f"{escaped(before)}\\fI{core}\\fP{escaped(after)}"
    return escaped(word)


def sentences(text):
    return re.split(r"(?<=[a-z0-9)'\"A-Z}]\.) (?=[A-Z{])", text)


def paragraph(option):
    short, _, detail = option["doc"].partition("\v")
    text = short[:1].upper() + short[1:] + ("" if short.endswith(".") else ".")
    lines = []
    for sentence in sentences(text) + (sentences(detail) if detail else []):
        line = " ".join(marked(word, option["argument"]) for word in sentence.split())
        lines.append("\\&" + line if line[0] in ".\\'" and not line.startswith("\\f") else line)
    return lines


def item(option):
    names = [f"Fl {option['short']}"] if option["short"] else []
    names.append(f"Fl -{option['name']}")
    line = ".It " + " , ".join(names)
    if option["argument"] is not None:
        argument = option["argument"].replace("\\", "\\e")
        line += f" Ns Op Ns = Ns Ar {argument}" if option["optional"] else f" Ar {argument}"
    return line


def find_list(verbs, verb, name):
    for known in verbs:
        words = " ".join(filter(None, (known["group"], known["name"])))
        if verb in ("*", words):
            for entry in known["lists"]:
                if entry["name"] == name:
                    return entry["options"]
    sys.exit(f"fill.py: '{verb}' has no options called '{name}'")


def option_lines(verbs, verb, names, without):
    lines = [".Bl -tag -width Ds"]
    for name in names:
        for option in find_list(verbs, verb, name):
            if option["name"] not in without:
                lines += [item(option), *paragraph(option)]
    return [*lines, ".El"]


def fill(verbs, page):
    lines = []
    for line in page.splitlines():
        found = DIRECTIVE.match(line)
        if found:
            without = (found[3] or "").split(",")
            lines += option_lines(verbs, found[1], found[2].split(), without)
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def main(dump, page, output=None):
    with open(dump, encoding="utf-8") as file:
        verbs = json.load(file)["verbs"]
    with open(page, encoding="utf-8") as file:
        text = fill(verbs, file.read())
    if output is None:
        sys.stdout.write(text)
    else:
        with open(output, "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
