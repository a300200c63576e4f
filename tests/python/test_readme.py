#!/usr/bin/env python3
"""The code of deploy/python/README.md, pasted in its order into one program."""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main  # noqa: E402
from served import CLIENT, Served, hone  # noqa: E402


def blocks():
    """The indented ones, without their indentation."""
    found, is_open = [], False
    for line in (CLIENT / "README.md").read_text(encoding="utf-8").splitlines():
        is_code = line.startswith("    ") or (is_open and not line)
        if is_code:
            found.extend([] if is_open else [[]])
            found[-1].append(line[4:])
        is_open = is_code
    return ["\n".join(block) for block in found]


def test_the_readme_works_as_pasted(tmp):
    found = blocks()
    expect(found[0].startswith("import hone"), True, found[0])
    expect(len(found) >= 5, True, f"{len(found)} blocks")
    with Served(tmp) as server:
        out = server.run("\n\n".join(found))
        expect(out.startswith("{'x': "), True, out)
        client = server.connect()
        for name, n, states in (("first", 20, {"completed"}), ("curves", 30, {"completed", "pruned"}),
                                ("by-hand", 3, {"completed"}), ("two", 6, {"completed"})):
            study = hone.Study.open(name, client)
            expect((study.state, len(study.trials())), ("finished", n), name)
            expect({one.state for one in study.trials()} <= states, True, name)
        server.run(found[0].replace("20", "25"))  # the same lines, with more trials
        expect(len(hone.Study.open("first", client).trials()), 25)


main(globals())
