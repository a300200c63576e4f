#!/usr/bin/env python3
"""schemathesis holds schema/openapi.yaml against a honed: what the document allows is accepted, what it does
not allow is refused, and every answer is one that it describes.

    tests/integrations/run schemathesis test_schemathesis.py [planted|open|tokens]… [EXAMPLES [SEED]]

An open server and one with tokens; `planted` holds a document with faults against a server, all of which must
be found. The deliberate exceptions stand in schemathesis/exceptions.toml. EXAMPLES is how many requests are
made up for each operation, beside those at the edges of what the document allows (2 in CI, a minute a way; 15
takes several). With more than in CI, exceptions that nothing needed are named.
"""
import base64
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import hone  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent / "schemathesis"
IN_CI = 2
WAYS = ("planted", "open", "tokens")
SHOWN = 40  # kinds of failures that are told in full


# ---- the run ----

def make_known(server, token):
    """A study with trials in several states; the names that the hooks put into paths."""
    with hone.Client(server.url, token) as client:
        client.post("/v1/studies", hone.study("known", strategy="random", resource={"max": 9}))
        leases = []
        for i in range(3):
            lease = client.post("/v1/studies/known/leases", {"worker": f"w:{i}"}).json["lease"]["id"]
            client.post(f"/v1/leases/{lease}/measurements",
                        {"measurements": [{"step": 1, "metrics": {"loss": 1 - i / 10, "acc": 0.5}}]})
            leases.append(lease)
        client.put(f"/v1/leases/{leases[0]}/result", {"outcome": "completed", "metrics": {"loss": 0.5}})
        client.put(f"/v1/leases/{leases[1]}/result", {"outcome": "failed", "detail": "out of memory"})
    return {"study": "known", "trial": 1, "attempt": 1, "lease": leases[2], "worker": "w:0"}


def make_token(server):
    """One with every scope."""
    with server.client() as client:
        return client.post("/v1/tokens", {"name": "all", "scopes": ["admin", "worker"]}).json["token"]


def served_document(server):
    with server.client(None) as client:
        return client.get("/openapi.json").json


def run(server, document, examples, seed, words=()):
    """What schemathesis prints, and what it reports, one event a line."""
    token = make_token(server) if "security" in document else None
    header = () if token is None else ("--header", f"Authorization: Bearer {token}")
    known = make_known(server, token)
    with tempfile.TemporaryDirectory(prefix="hone-test-") as tmp:
        pathlib.Path(tmp, "openapi.json").write_text(json.dumps(document), encoding="utf-8")
        done = subprocess.run(
            ["schemathesis", "run", "openapi.json", "--url", server.url, "--checks", "all",
             "--max-examples", str(examples), "--seed", str(seed), "--continue-on-failure", "--no-shrink",
             "--generation-database", "none", "--request-timeout", "20", "--suppress-health-check", "all",
             "--warnings", "off", "--no-color", "--report", "ndjson", "--report-ndjson-path", "events.ndjson",
             *header, *words],
            cwd=tmp, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            env=dict(os.environ, SCHEMATHESIS_HOOKS=str(HERE / "hooks.py"),
                     HONE_SCHEMATHESIS_KNOWN=json.dumps(known)))
        events = pathlib.Path(tmp, "events.ndjson")
        if done.returncode not in (0, 1) or not events.exists():
            raise AssertionError(f"schemathesis ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout, [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]


# ---- what is reported ----

def text_of(part):
    """The body of a request or of an answer."""
    return "" if not part else base64.b64decode(part.get("$base64", "")).decode("utf-8", "replace")


def faults_of(answer):
    """What a refusal says: a line for each fault of the body, or the detail."""
    try:
        problem = json.loads(answer)
        return [f"{one['pointer']}: {one['detail']}" for one in problem.get("errors") or []] or [problem["detail"]]
    except (ValueError, AttributeError, KeyError):
        return [answer[:300]]


class Failure:
    """A check that failed: what was asked, what was answered, what was expected."""

    def __init__(self, check, interaction):
        info = check["failure_info"]["failure"]
        request, answer = interaction["request"], interaction.get("response") or {}
        uri = urllib.parse.urlsplit(request["uri"])
        self.check, self.message = check["name"], info["message"]
        self.operation = info["operation"] or f"{request['method']} {uri.path}"
        self.status = answer.get("status_code", 0)
        self.request = f"{request['method']} {uri.path}?{uri.query} {text_of(request.get('body'))}"
        self.answer = text_of(answer.get("content"))
        # of data that should have been accepted, why it was refused
        self.said = faults_of(self.answer) if self.check == "positive_data_acceptance" else [
            f"{self.message}\n{self.answer[:300]}"]
        self.left = []  # of that, what no exception covers

    def cover(self, exceptions, used):
        """Notes the exceptions that cover it; True: all of it."""
        for line in self.said:
            index = next((i for i, one in enumerate(exceptions) if self.fits(one, line)), None)
            if index is None:
                self.left.append(line)
            else:
                used[index] += 1
        return not self.left

    def fits(self, exception, line):
        return (self.check in exception["checks"]
                and re.search(exception.get("operation", ""), self.operation)
                and exception.get("status", self.status) == self.status
                and re.search(exception["says"], line, re.DOTALL))

    def kind(self):
        """Failures that say the same of an operation are told once."""
        words = tuple(re.sub(r'"[^"]*"|\d+', "…", line)[:200] for line in self.left)
        return self.check, self.operation, self.status, words


def recorders(events):
    for event in events:
        yield (event.get("ScenarioFinished") or {}).get("recorder") or {}


def failures(events):
    for recorder in recorders(events):
        for case, checks in recorder.get("checks", {}).items():
            for check in checks:
                if check["status"] == "failure":
                    yield Failure(check, recorder["interactions"][case])


def by_kind(found, exceptions):
    """The failures that no exception covers; how often each exception was needed."""
    kinds, used = collections.defaultdict(list), collections.Counter()
    for failure in found:
        if not failure.cover(exceptions, used):
            kinds[failure.kind()].append(failure)
    return kinds, used


def show(kinds):
    for members in sorted(kinds.values(), key=len, reverse=True)[:SHOWN]:
        first = members[0]
        print(f"\n{first.check}, {first.operation}, {len(members)} times: {' | '.join(first.left)[:1000]}")
        print(f"    request: {first.request[:1000]}\n    answer:  {first.status} {first.answer[:700].strip()}")


# ---- the ways ----

def hold(way, examples, seed):
    """Whether an open server, or one with tokens, is what the document says."""
    exceptions = tomllib.loads((HERE / "exceptions.toml").read_text(encoding="utf-8"))["exception"]
    with hone.Server(args=["--open"] if way == "open" else []) as server:
        document = served_document(server)
        if way == "open":
            del document["security"], document["components"]["securitySchemes"]
        said, events = run(server, document, examples, seed)
        ended_well = server.stop() == 0
    found = list(failures(events))
    kinds, used = by_kind(found, exceptions)
    show(kinds)
    errors = re.search(r"(?ms)^=+ ERRORS =+$.*?(?=^=+ )", said)  # no answer, or one that cannot be read
    if errors:
        print(errors.group())
    n_requests = sum(len(recorder.get("interactions", {})) for recorder in recorders(events))
    print(f"{way}: {n_requests} requests, seed {seed}; {len(found)} reports, of which no exception covers "
          f"{sum(map(len, kinds.values()))}, of {len(kinds)} kinds")
    for i, one in enumerate(exceptions):
        if examples > IN_CI and not used[i]:
            print(f"not needed: {one['says']}")
    return ended_well and not kinds and not errors


def plant(document):
    """Three faults; the check and the operation that each is to be found by."""
    parameters, schemas = document["components"]["parameters"], document["components"]["schemas"]
    parameters["limit"]["schema"] |= {"minimum": 2, "maximum": 2000}  # the server takes 1 to 1000
    schemas["Problem"]["properties"]["instance"] = {"type": "integer"}
    operation = "GET /v1/studies"
    return {(check, operation) for check in ("positive_data_acceptance", "negative_data_rejection",
                                             "response_schema_conformance")}


def finds_what_is_planted(seed):
    with hone.Server() as server:
        document = served_document(server)
        planted = plant(document)
        _, events = run(server, document, 1, seed,
                        ["--include-operation-id", "listStudies", "--phases", "coverage"])
    missed = planted - {(failure.check, failure.operation) for failure in failures(events)}
    print(f"planted: {len(planted)} faults, missed {sorted(missed)}")
    return not missed


def main():
    ways = [way for way in sys.argv[1:] if way in WAYS] or WAYS
    numbers = [int(word) for word in sys.argv[1:] if word not in WAYS]
    examples, seed = (numbers + [IN_CI, 1][len(numbers):])[:2]
    failed = 0
    for way in ways:
        failed += not (finds_what_is_planted(seed) if way == "planted" else hold(way, examples, seed))
    print(f"{len(ways) - failed} passed, {failed} failed, 0 skipped")
    sys.exit(failed > 0)


main()
