#!/usr/bin/env python3
"""Every number that a client may send, at the ends of its type and of its declared range.

The cases are made from /openapi.json: for each number, text with a length and list in a query, a
path, a header or a body, each value below is sent in a request that is right otherwise. Whatever
it is, the answer comes, it is no 5xx, and the server goes on without a sanitizer's report. What the
document refuses the server refuses, and the ends of a declared range are taken. A study that was
accepted is leased, measured, ended and read, so that its numbers also go through the arithmetic.
"""

import copy
import json
import os
import re
import sqlite3
import sys
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

INT64_MAX = 2**63 - 1
STEP_MAX = 2**53 - 1
JSON_TOKENS = [*map(str, [0, -1, 2**53 + 1, INT64_MAX - 1, INT64_MAX, INT64_MAX + 1,
                          -INT64_MAX - 1]),
               "0.5", "1e19", "1e308", "-1e308", '"NaN"', "null"]
TEXTS = [*map(str, [0, -1, 2**31, 2**32, 2**53, INT64_MAX - 1000, INT64_MAX - 999, INT64_MAX - 1,
                    INT64_MAX, INT64_MAX + 1, -INT64_MAX - 1, -INT64_MAX - 2, 10**30]),
         "", " ", "+1", " 1", "1 ", "01", "0x10", "1.5", "1e3", "1e308", "NaN", "-0", "1\t", "--1",
         "1,1", "\u0661", "9" * 300]
HANG_SECONDS = 60  # a bound against hanging, never what is measured
MARK = "@number@"

# A place of the body whose other members decide what it may be, so that the ends of its own range
# need not be taken.
HANGS_ON_OTHERS = re.compile(
    r"/parameters/\d+/(low|high|step|(values|weights)/\d+|grid|mean|sd|choices/\d+"
    r"|removed/\d+/(index|value)|value|default|when/.*)$"
    r"|/parameters/[a-z]+$|/stopping/|/resource/(min|max|step|unit)$|/strategy/[a-z]+$")

FLOAT = {"name": "x", "type": "float", "low": 0.5, "high": 100.5, "step": 0.5, "default": 1}
PARAMETERS = [
    FLOAT,
    {"name": "n", "type": "int", "low": 1, "high": 9, "step": 2, "grid": 3, "default": 1},
    {"name": "c", "type": "categorical", "choices": [1, 2.5, "a"], "default": 1,
     "weights": [1, 2, 0.5]},
    {"name": "k", "type": "constant", "value": 1},
    {"name": "v", "type": "float", "values": [1, 2, 4], "removed": [{"index": 1, "value": 1.5}]},
    {"name": "w", "type": "float", "low": -3, "high": 3, "distribution": "normal", "mean": 0,
     "sd": 1, "when": {"c": [1]}},
]
LIMITS = {"trials": 50, "parallel": 50, "seconds": 1000, "resource": 5000, "target": -1,
          "failures": 5, "attempts": 3, "retries": 0, "trial_seconds": 100, "stall_seconds": 100,
          "guest_share": 0.5}
RESOURCE = {"name": "epochs", "min": 1, "max": 27}
STUDIES = [
    hone.study("s", parameters=PARAMETERS, resource=RESOURCE, limits=LIMITS, priority=0, share=1,
               strategy={"name": "random"}, lease={"ttl_seconds": 60}, description="d",
               stopping={"rule": "threshold", "step": 3, "value": 9}, job={"runner": "r"},
               requires={"gpus": 0, "gpu_memory_mib": 0, "labels": {"a": "b"}}, labels={"a": "b"},
               constraints=["x > 0"], subject_to=["loss <= 9"]),
    hone.study("s", resource=RESOURCE, stopping={"rule": "median", "after": 1, "warmup": 1},
               strategy={"name": "hyperband", "eta": 3, "rounds": 2, "brackets": 2, "quorum": 0.5}),
    hone.study("s", resource=RESOURCE,
               strategy={"name": "successive_halving", "eta": 3, "bracket": 1, "rounds": 2}),
    hone.study("s", resource=RESOURCE, strategy={"name": "asha", "eta": 3, "brackets": 1}),
    hone.study("s", resource=RESOURCE, seed=1,
               strategy={"name": "asha", "mode": "predictive", "eta": 3, "delta": 0.1}),
    hone.study("s", parameters=[{**FLOAT, "grid": 3}], strategy={"name": "grid"}),
    hone.study("s", strategy={"name": "bayesian"}, after=["older"]),
]
ADVICE = {"evaluation_seconds": 60, "available_seconds": 3600, "worker_seconds": 7200, "workers": 2}
TRIAL = {"parameters": {"x": 1, "n": 1, "c": 2.5, "v": 2}, "state": "completed",
         "metrics": {"loss": 1}, "measurements": [{"step": 1, "metrics": {"loss": 1}}]}
RESULT = {"outcome": "completed", "step": 1, "metrics": {"loss": 1}, "detail": "d", "reason": "r",
          "checkpoint": {"uri": "u", "step": 1, "reach": "any"},
          "usage": {"wall_seconds": 1, "gpu_seconds": 1, "peak_memory_mib": 1, "energy_joules": 1}}
ASK = {"worker": "w", "request_id": "q", "wait_seconds": 0, "gpus": [{"memory_mib": 1}],
       "health": {"ok": False, "reason": "r"},
       "studies": ["home"], "runners": ["r"], "host": "h", "labels": {"a": "b"}}
# What each operation with a body is sent, one place of it changed at a time.
BODIES = {
    "createStudy": STUDIES,
    "advise": [{**STUDIES[0], **ADVICE}],
    "changeStudy": [{"limits": LIMITS, "priority": 0, "share": 1, "description": "d",
                     "labels": {"a": "b"}, "enqueue": [{"parameters": TRIAL["parameters"]}]},
                    {"parameters": [*PARAMETERS, {**FLOAT, "name": "added", "old_value": 0.5}]}],
    "addTrials": [TRIAL, [TRIAL]],
    "cancelTrial": [{"state": "cancelled"}],
    "lease": [ASK],
    "leaseOfStudy": [ASK],
    "heartbeat": [{"progress": 0.5}],
    "measure": [{"measurements": [{"step": 1, "metrics": {"loss": 1}}]}],
    "result": [RESULT],
    "suggest": [{"study": {**STUDIES[0], "name": "away"}, "trials": [TRIAL], "n": 1, "ordinal": 1,
                 "pending": [TRIAL["parameters"]]}],
    "mcp": [{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {}}],
    "createBackup": [{"name": "b"}],
    "createToken": [{"name": "t", "scopes": ["read"], "expires_seconds": 60}],
}
# The study that an operation is about, where it changes it; all others are about "home".
STUDY_OF = {"changeStudy": "patched", "deleteStudy": "gone"}
# What stands beside a parameter in the query.
BESIDE = {"followStudy": {"follow": "false"}, "followAll": {"follow": "false"},
          "getImportance": {"metric": "loss", "direction": "minimize"}}


class Document:
    """The API's description, with its references followed."""

    def __init__(self, root):
        self.root = root

    def at(self, schema):
        while "$ref" in schema:
            found = self.root
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = {**found, **{key: value for key, value in schema.items() if key != "$ref"}}
        return schema

    def operations(self):
        for path, item in self.root["paths"].items():
            shared = item.get("parameters", [])
            for method, operation in item.items():
                if method != "parameters":
                    yield (method.upper(), path, operation,
                           [self.at(one) for one in shared + operation.get("parameters", [])])

    def body(self, operation):
        content = self.at(operation.get("requestBody", {})).get("content", {})
        return content.get("application/json", {}).get("schema")

    def fits(self, schema, value):
        """Whether the document takes this value here."""
        schema = self.at(schema)
        if "if" in schema:
            return self.fits(schema["then" if self.fits(schema["if"], value) else "else"], value)
        for word, rule in (("oneOf", any), ("anyOf", any), ("allOf", all)):
            if word in schema:
                return rule(self.fits(one, value) for one in schema[word])
        return fits_type(schema, value) and fits_range(schema, value) and (
            "enum" not in schema or value in schema["enum"])

    def leaves(self, schema, pointer=(), whole=None):
        """Each number, text and list below: (pointer, schema, what the document takes there, which
        may be more). "*" is any member and "#" any item."""
        schema = self.at(schema)
        if schema.get("readOnly"):
            return
        choices = [one for word in ("oneOf", "anyOf", "allOf") for one in schema.get(word, [])]
        choices += [schema[word] for word in ("then", "else") if word in schema]
        for one in choices:
            yield from self.leaves(one, pointer, whole or schema)
        is_value = "maxLength" in schema  # of no type: any JSON value
        if pointer and (is_value or {"integer", "number", "string", "array"} & types_of(schema)):
            yield pointer, schema, whole or schema
        for name, one in schema.get("properties", {}).items():
            yield from self.leaves(one, (*pointer, name))
        for word, any_one in (("items", "#"), ("additionalProperties", "*")):
            if isinstance(schema.get(word), dict):
                yield from self.leaves(schema[word], (*pointer, any_one))


def types_of(schema):
    named = schema.get("type", [])
    return {named} if isinstance(named, str) else set(named)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def fits_type(schema, value):
    types = types_of(schema)
    return not types or any((
        "null" in types and value is None,
        "boolean" in types and isinstance(value, bool),
        "string" in types and isinstance(value, str),
        "array" in types and isinstance(value, list),
        "object" in types and isinstance(value, dict),
        "number" in types and is_number(value),
        "integer" in types and is_number(value) and value == value // 1,
    ))


def fits_range(schema, value):
    if is_number(value):
        return (schema.get("minimum", value) <= value <= schema.get("maximum", value)
                and value > schema.get("exclusiveMinimum", -float("inf"))
                and value < schema.get("exclusiveMaximum", float("inf")))
    if isinstance(value, str):
        return (schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
                and re.search(schema.get("pattern", ""), value) is not None)
    if isinstance(value, list):
        return schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
    return True


def ends_of(schema):
    """The ends of the declared range, and what lies next to them."""
    ends = [schema[word] for word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
            if word in schema]
    return [end + by for end in ends for by in (-1, 0, 1)]


def tokens_for(schema):
    """Raw JSON for one place."""
    types = types_of(schema)
    if {"integer", "number"} & types or not types:
        return dict.fromkeys([*JSON_TOKENS, *map(json.dumps, ends_of(schema))])
    if "array" in types:
        return ["[]", "1", "null"]
    lengths = [schema[word] + by for word in ("minLength", "maxLength") if word in schema
               for by in (-1, 0, 1)]
    return [json.dumps("a" * n) for n in lengths if n >= 0] + ["1", "null"]


def places(value, pointer):
    """The places in this body that a pointer of Document.leaves() means; its last part may be a
    member or item that is not there."""
    if not pointer:
        yield ()
        return
    head, rest = pointer[0], pointer[1:]
    if isinstance(value, list):
        heads = range(max(len(value), 1)) if head == "#" else []
    elif isinstance(value, dict):
        heads = list(value) if head == "*" else [] if head == "#" else [head]
    else:
        return
    for one in heads:
        is_there = one in value if isinstance(value, dict) else one < len(value)
        if not is_there and rest:
            continue  # another body has it
        for more in places(value[one] if is_there else None, rest):
            yield (one, *more)


def with_mark(body, pointer):
    """The body as JSON, in two halves around the place."""
    body = copy.deepcopy(body)
    at = body
    for part in pointer[:-1]:
        at = at[part]
    if isinstance(at, list) and pointer[-1] == len(at):
        at.append(None)
    at[pointer[-1]] = MARK
    return json.dumps(body).split(json.dumps(MARK))


def as_pointer(pointer):
    return "".join(f"/{part}" for part in pointer)


def quote(text):
    return urllib.parse.quote(text, safe="")


def reports_of(server):
    """Ends it with SIGTERM: what a sanitizer found, or that it did not leave well."""
    status = server.stop()
    found = [line for line in server.lines if "runtime error" in line]
    return found if status == 0 else [f"exit status {status}", server.log()]


class Sums(unittest.TestCase):
    """What a study adds up stops at the end of its type."""

    def spend(self, client, call, body):
        grant = client.post("/v1/studies/s/leases", {"worker": "w"})
        self.assertEqual(grant.status, 201, grant)
        reply = client.request("PUT" if call == "result" else "POST",
                               f"/v1/leases/{grant.json['lease']['id']}/{call}", body)
        self.assertEqual(reply.status, 200, reply)

    def test_resource_spent(self):
        with hone.Server() as server:
            with server.client() as client:
                body = hone.study("s", resource={"name": "epochs", "max": 9})
                self.assertEqual(client.post("/v1/studies", body).status, 201)
            self.assertEqual(server.stop(), 0)
            database = sqlite3.connect(os.path.join(server.data, "hone.db"))
            database.execute("UPDATE study SET resource_spent = ?", (INT64_MAX - 5,))
            database.commit()
            database.close()
            server.start()
            with server.client("worker") as client:
                metrics = {"step": STEP_MAX, "metrics": {"loss": 1}}
                self.spend(client, "measurements", {"measurements": [metrics]})
                self.spend(client, "result", {"outcome": "completed", **metrics})
            self.assertEqual(reports_of(server), [])


class Numbers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = hone.Server(args=["--open"], backups=True)
        cls.server.start()
        cls.client = cls.server.client(None, timeout=HANG_SECONDS)
        cls.document = Document(cls.client.get("/openapi.json").json)
        cls.n_studies = 0
        cls.n_sent = 0
        for name in ("home", *STUDY_OF.values()):
            home = hone.study(name, parameters=PARAMETERS, job={"runner": "r"})
            assert cls.client.post("/v1/studies", home).status == 201
        older = {**TRIAL, "parameters": {"x": 1}}
        assert cls.client.post("/v1/studies", hone.study("older")).status == 201
        assert cls.client.post("/v1/studies/older/trials", older).status == 201
        assert cls.client.patch("/v1/studies/older", {"state": "stopped"}).status == 200
        for _ in range(3):
            assert cls.client.post("/v1/studies/home/trials", TRIAL).status == 201

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        found = reports_of(cls.server)
        cls.server.__exit__()
        print(f"{cls.n_sent} requests")
        assert not found, "".join(found)

    def send(self, method, path, **more):
        type(self).n_sent += 1
        reply = self.client.request(method, path, **more)
        where = f"{method} {path} {more}: {reply}"
        self.assertLess(reply.status, 500, where)
        return reply

    def path_of(self, path, operation, **given):
        """The operation's path with things that exist."""
        values = {"hash": "0", "file": "none.js", "study": STUDY_OF.get(operation["operationId"], "home"), "trial": "1",
                  "worker": "w", "token": "none", "type": "invalid", **given}
        if "{lease}" in path and "lease" not in given:
            grant = self.send("POST", "/v1/studies/home/leases", body={"worker": "w"})
            values["lease"] = grant.json["lease"]["id"]
        return re.sub(r"{(\w+)}", lambda found: quote(values[found.group(1)]), path)

    # ---- queries, paths and headers ----

    def texts_of(self, parameter):
        schema = self.document.at(parameter["schema"])
        lengths = [schema[word] + by for word in ("minLength", "maxLength") if word in schema
                   for by in (-1, 0, 1)]
        return dict.fromkeys([*TEXTS, *map(str, ends_of(schema)), *("a" * n for n in lengths)])

    def send_parameter(self, method, path, operation, parameter, text):
        name, headers, given = parameter["name"], {}, {}
        query = dict(BESIDE.get(operation["operationId"], {}))
        if name == "width":
            query["format"] = "table"
        if name == "wait":
            query["after"] = "0"  # something has happened since: no answer is waited for
        if parameter["in"] == "header":
            headers[name] = text.encode()
        elif parameter["in"] == "query":
            query[name] = text
        else:
            given[name] = text
        bodies = BODIES.get(operation["operationId"])
        where = self.path_of(path, operation, **given)
        if query:
            where += "?" + urllib.parse.urlencode(query)
        return self.send(method, where, headers=headers,
                         raw=None if bodies is None else json.dumps(bodies[0]))

    def document_takes(self, parameter, text):
        """A parameter is text on its way: as a number only if it is written as one."""
        schema = parameter["schema"]
        if re.fullmatch(r"-?[0-9]+", text) and self.document.fits(schema, int(text)):
            return True
        if re.fullmatch(r"-?[0-9]+\.[0-9]+", text) and self.document.fits(schema, float(text)):
            return True
        return self.document.fits(schema, text)

    def check_parameter(self, method, path, operation, parameter):
        for text in self.texts_of(parameter):
            if parameter["in"] == "path" and text in ("", ".", ".."):
                continue  # another path
            if parameter["in"] == "header" and (text != text.strip() or not text.isascii()):
                continue  # not a header's value
            reply = self.send_parameter(method, path, operation, parameter, text)
            where = f"{method} {path}: {parameter['name']}={text!r}: {reply}"
            if parameter["name"] in ("cursor", "metric", "cols", "fields", "numbers",
                                     "since", "until", "reference", "MCP-Protocol-Version", "Mcp-Method",
                                     "Mcp-Name"):  # the document cannot say which there are
                self.assertIn(reply.status, (200, 400, 404), where)
            elif not self.document_takes(parameter, text):
                led_on = 303 if path.startswith("/studies/") else 404  # a page says where to look
                self.assertIn(reply.status, (400, 404, 412, led_on), where)
            elif parameter["in"] != "path":  # a path may well name what is not there
                self.assertNotEqual(reply.status, 400, where)

    def test_numbers_and_texts_of_queries_paths_and_headers(self):
        n = 0
        for method, path, operation, parameters in self.document.operations():
            for parameter in parameters:
                schema = self.document.at(parameter["schema"])
                if "enum" not in schema and "boolean" not in types_of(schema):
                    n += 1
                    with self.subTest(f"{method} {path} {parameter['name']}"):
                        self.check_parameter(method, path, operation, parameter)
        self.assertGreater(n, 40)

    def test_values_that_a_parameter_lists_are_all_it_takes(self):
        everywhere = {}
        for method, path, operation, parameters in self.document.operations():
            for parameter in parameters:
                listed = self.document.at(parameter["schema"]).get("enum")
                if parameter["in"] == "query" and listed is not None:
                    everywhere.setdefault(parameter["name"], set()).update(
                        map(str, listed))
        for method, path, operation, parameters in self.document.operations():
            for parameter in parameters:
                listed = self.document.at(parameter["schema"]).get("enum")
                if parameter["in"] != "query" or listed is None:
                    continue
                for text in sorted(everywhere[parameter["name"]] | {"", "nonsense"}):
                    with self.subTest(f"{method} {path} {parameter['name']}={text}"):
                        reply = self.send_parameter(method, path, operation, parameter, text)
                        self.assertEqual(reply.status == 400, text not in map(str, listed), reply)

    def test_numbers_in_a_cursor(self):
        for path in ("/v1/studies", "/v1/studies/home/trials", "/v1/studies/home/trials?sort=best",
                     "/v1/studies/home/trials/1/measurements"):
            joint = "&" if "?" in path else "?"
            self.send("POST", "/v1/studies", body=hone.study("second"))
            page = self.send("GET", f"{path}{joint}limit=1")
            cursor = page.json["next_cursor"] or "m1_0"  # one step measured: its only page
            for digits in re.finditer(r"[0-9]+", cursor):
                for text in TEXTS:
                    changed = cursor[:digits.start()] + text + cursor[digits.end():]
                    reply = self.send("GET", f"{path}{joint}cursor={quote(changed)}")
                    self.assertIn(reply.status, (200, 400), f"{path} {changed}: {reply}")

    # ---- bodies ----

    def life(self, name):
        """Leases a trial of an accepted study, measures, ends it, and reads what can be read."""
        grant = self.send("POST", f"/v1/studies/{name}/leases", body={"worker": "w"})
        if grant.status == 201:
            lease = f"/v1/leases/{grant.json['lease']['id']}"
            step = grant.json["trial"].get("resource", {}).get("to", 1)
            self.send("PUT", lease)
            self.send("POST", f"{lease}/measurements",
                      body={"measurements": [{"step": 1, "metrics": {"loss": 1}}]})
            self.send("PUT", f"{lease}/result",
                      body={"outcome": "completed", "step": step, "metrics": {"loss": 1}})
        for read in ("", "/brackets", "/trials/1/explain", "/best"):
            self.send("GET", f"/v1/studies/{name}{read}")
        self.send("DELETE", f"/v1/studies/{name}?force=true")

    def send_body(self, method, path, operation, halves, token):
        raw = token.join(halves)
        if operation["operationId"] != "createStudy":
            return self.send(method, self.path_of(path, operation), raw=raw)
        type(self).n_studies += 1
        name = f"s{self.n_studies}"
        reply = self.send(method, path, raw=raw.replace('"name": "s"', f'"name": "{name}"', 1))
        if reply.status == 201 and re.search(r"[0-9]", token):
            self.life(name)
        return reply

    def check_place(self, method, path, operation, body, pointer, schema, whole):
        halves = with_mark(body, pointer)
        at = as_pointer(pointer)
        for token in tokens_for(schema):
            reply = self.send_body(method, path, operation, halves, token)
            where = f"{method} {path} {at} = {token}: {reply}"
            value = json.loads(token)
            faults = reply.json.get("errors", []) if reply.status == 422 else []
            if not self.document.fits(whole, value):
                self.assertGreaterEqual(reply.status, 400, where)
            elif value in ends_of(schema)[1::3] and not HANGS_ON_OTHERS.search(at):
                self.assertNotIn(at, [error["pointer"] for error in faults], where)
                self.assertNotEqual(reply.status, 400, where)

    def is_wanted(self, place, body, found):
        """What stands outside the strategy and the resource means the same in each body, and an
        option means something to a strategy that has it."""
        if place[0] == "strategy":
            return len(place) < 2 or place[1] in body["strategy"]
        return place[0] == "resource" or place not in found

    def check_leaf(self, method, path, operation, pointer, *schemas):
        found = set()
        for body in BODIES[operation["operationId"]]:
            for place in places(body, pointer):
                if self.is_wanted(place, body, found):
                    found.add(place)
                    self.check_place(method, path, operation, body, place, *schemas)
                    if path == "/v1/studies" and place[0] == "strategy":
                        for token in tokens_for(schemas[0]):  # advice bears any strategy
                            self.send("POST", "/v1/advice", raw=token.join(with_mark(body, place)))
        return len(found)

    def check_bodies_of(self, wanted):
        n = 0
        for method, path, operation, _ in self.document.operations():
            schema = self.document.body(operation)
            if schema is None or not wanted(operation["operationId"]):
                continue
            for pointer, leaf, whole in self.document.leaves(schema):
                if "enum" in leaf:
                    continue
                with self.subTest(f"{method} {path} {as_pointer(pointer)}"):
                    found = self.check_leaf(method, path, operation, pointer, leaf, whole)
                    self.assertGreater(found, 0, "no body of BODIES has a place for it")
                    n += found
        return n

    def test_bodies_of_studies(self):
        self.assertGreater(self.check_bodies_of(lambda name: name == "createStudy"), 50)

    def test_bodies_of_advice(self):
        self.assertGreater(self.check_bodies_of(lambda name: name == "advise"), 50)

    def test_other_bodies(self):
        elsewhere = ("createStudy", "advise", "mcp")  # mcp tells what is wrong with a status of 200 too
        self.assertGreater(self.check_bodies_of(lambda name: name not in elsewhere), 30)


if __name__ == "__main__":
    hone.main()
