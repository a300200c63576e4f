#!/usr/bin/env python3
"""No sentence of the server reaches people at the command line in the words of its API.

The sentences are read from the sources, so that a new one is found here."""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from cases import expect, main  # noqa: E402
from fake_server import FakeServer  # noqa: E402

HONE = os.environ["HONE"]
SECONDS = 60

LITERALS = re.compile(r'(?:"(?:[^"\\\n]|\\.)*"\s*)+')
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
COMMENT = re.compile(r"/\*.*?\*/|^#include.*?$", re.S | re.M)
# pages for curl and browsers, the table of routes, SQL, what HTTP itself wants
NO_SENTENCES = {"cheat_sheet.c", "page.c", "pages.c", "routes.c", "statements.c", "dashboard.c", "framing.c",
                "response.c", "problem.c"}
API_WORDS = re.compile(r'\b(?:GET|POST|PUT|PATCH|DELETE)\b|\?[a-z_]+=|Bearer|/v1/|\{"[a-z]+": |If-Match'
                       r'|Idempotency-Key|request_id|query parameter|Content-')

# Sentences about what this program itself writes, which people cannot get wrong.
NEVER_MET = [
    'see /v1/studies/',                 # 'study best' asks for the front of several objectives
    'leave out ?offset= or ?tail=',     # 'logs' sends one of them
    'query parameter',                  # are checked as options before, or are ours
    'If-Match',                         # is not sent
    'send the token as ',               # it is sent so
    'request_id', 'Idempotency-Key',     # made by the agent
    'a definition as POST /v1/studies',   # POST /v1/suggest is not sent
    'cannot be changed; PATCH takes',   # 'study set' knows what may change
    'must be a list of trials',           # --enqueue makes one
    'POST …/trials instead',            # --enqueue has no results
    '{"index": PLACE',                  # the server's own record of a removed choice
    '{"database": ', 'PRAGMA ',       # the file beside a backup, and SQL: no answers
    '{"kernel": ["poly"]}',             # -P with JSON, in the same words as it was typed
]


def sentences():
    for folder in ("server", "common"):
        for path in sorted((ROOT / folder).rglob("*.c")):
            if path.name in NO_SENTENCES or path.parent.name == "mcp":  # which programs speak
                continue
            for literals in LITERALS.findall(COMMENT.sub("", path.read_text())):
                text = "".join(LITERAL.findall(literals)).replace('\\"', '"')
                text = re.sub(r"%(?:\.?\d+|\.\*)?(?:l|ll|z)?[sdugi%]|%", "x", text)
                if text.count(" ") >= 3:
                    yield path, text


def test_api_words_are_put_into_ours(tmp):
    found = [(path, text) for path, text in sentences() if API_WORDS.search(text)]
    expect([words for words in NEVER_MET if not any(words in text for _, text in found)], [],
           "exceptions that no sentence needs any more")
    met = [(path, text) for path, text in found if not any(words in text for words in NEVER_MET)]
    assert len(met) >= 8, met
    with FakeServer() as server:
        for path, text in met:
            server.answers.clear()
            server.says("GET", "/v1/studies/x", 409, server.problem("wrong-state", text))
            done = subprocess.run([HONE, "study", "show", "x"], env=server.environment(tmp), text=True,
                                  capture_output=True, timeout=SECONDS, check=False)
            expect(API_WORDS.findall(done.stderr), [], f"{path}: {text!r} becomes {done.stderr!r}")
            expect(done.stderr.startswith("hone: " + text[:10]), True, done.stderr)


if __name__ == "__main__":
    main(globals())
