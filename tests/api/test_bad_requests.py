#!/usr/bin/env python3
"""Bodies that are no JSON, hostile JSON, or JSON that means nothing; wrong methods, types, sizes.

Each gets its published problem type, a sentence that says what to do, and changes nothing.
"""

import json
import os
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

FLOAT = {"name": "x", "type": "float", "low": 0, "high": 1}

# name: (raw body, type)
MALFORMED = {
    "nothing": (b"", ("malformed", "invalid")),
    "blank": (b"  \n", ("malformed", "invalid")),
    "cut off": (b'{"name": "a"', "malformed"),
    "no quotes": (b"{name: 1}", "malformed"),
    "single quotes": (b"{'name': 'a'}", "malformed"),
    "trailing comma": (b'{"name": "a",}', "malformed"),
    "two values": (b"{} {}", "malformed"),
    "comment": (b'{} // "a"', "malformed"),
    "byte order mark": (b"\xef\xbb\xbf{}", "malformed"),
    "NaN": (b'{"seed": NaN}', "malformed"),
    "Infinity": (b'{"seed": -Infinity}', "malformed"),
    "number beyond doubles": (b'{"seed": 1e999}', "invalid"),
    "number beyond 64 bits": (b'{"seed": 99999999999999999999}', "invalid"),
    "hexadecimal": (b'{"seed": 0x10}', "malformed"),
    "duplicate key": (b'{"name": "a", "name": "b"}', "malformed"),
    "duplicate key inside": (b'{"job": {"runner": "a", "runner": "a"}}', "malformed"),
    "duplicate key in disguise": (b'{"name": "a", "\\u006eame": "b"}', "malformed"),
    "broken UTF-8": (b'{"name": "\xff"}', "malformed"),
    "cut UTF-8": (b'{"name": "\xe2\x82"}', "malformed"),
    "overlong UTF-8": (b'{"name": "\xc0\xaf"}', "malformed"),
    "surrogate in UTF-8": (b'{"name": "\xed\xa0\x80"}', "malformed"),
    "lone surrogate": (b'{"name": "\\ud800"}', "malformed"),
    "NUL in a text": (b'{"name": "a\\u0000b"}', ("malformed", "invalid")),
    "control character": (b'{"name": "a\nb"}', "malformed"),
    "33 levels": (b"[" * 33 + b"]" * 33, "malformed"),
    "100,000 levels": (b"[" * 100000, "malformed"),
    "1,100,000 values": (b"[" + b"1," * 1100000 + b"1]", ("malformed", "too-large")),
    "UTF-16": ('{"name": "a"}'.encode("utf-16"), "malformed"),
    "an array": (b"[]", "invalid"),
    "a text": (b'"study"', "invalid"),
    "null": (b"null", "invalid"),
}


def with_parameter(**more):
    return hone.study("bad", parameters=[{**FLOAT, **more}])


def two(first, second, **more):
    return hone.study("bad", parameters=[{**FLOAT, **first}, {**FLOAT, **second}], **more)


def many(n, **more):
    return [{"name": f"p{i}", "type": "int", "low": 0, "high": 999999, **more} for i in range(n)]


# name: (body, a pointer that must be among the errors)
IMPOSSIBLE = {
    "nothing": ({}, "/name"),
    "no objective": ({"name": "bad", "parameters": [FLOAT]}, "/objectives"),
    "no parameters": ({"name": "bad", "metric": "loss", "direction": "minimize"}, "/parameters"),
    "empty name": (hone.study(""), "/name"),
    "upper case": (hone.study("Bad"), "/name"),
    "64 characters": (hone.study("a" * 64), "/name"),
    "slash in the name": (hone.study("a/b"), "/name"),
    "dots": (hone.study("../etc"), "/name"),
    "name is a number": (hone.study(7), "/name"),
    "unknown field": (hone.study("bad", colour="red"), "/colour"),
    "unknown field in a parameter": (with_parameter(size=1), "/parameters/0/size"),
    "unknown field in limits": (hone.study("bad", limits={"trails": 3}), "/limits/trails"),
    "unknown field in lease": (hone.study("bad", lease={"ttl": 60}), "/lease/ttl"),
    "unknown option": (hone.study("bad", strategy={"name": "random", "eta": 3}), "/strategy/eta"),
    "unknown strategy": (hone.study("bad", strategy="oracle"), "/strategy"),
    "unknown type": (with_parameter(type="real"), "/parameters/0/type"),
    "unknown scale": (with_parameter(scale="cubic"), "/parameters/0/scale"),
    "parameters no array": (hone.study("bad", parameters={}), "/parameters"),
    "parameter no object": (hone.study("bad", parameters=[1]), "/parameters/0"),
    "parameter without a name": (hone.study("bad", parameters=[{"type": "bool"}]),
                                 "/parameters/0/name"),
    "parameter name with a space at an end": (with_parameter(name="a "), "/parameters/0/name"),
    "the same name twice": (two({}, {}), "/parameters/1/name"),
    "names that meet in the environment": (two({"name": "a.b"}, {"name": "a_b"}),
                                           "/parameters/1/name"),
    "low above high": (with_parameter(low=2), "/parameters/0"),
    "low is high": (with_parameter(low=1), "/parameters/0"),
    "no high": (hone.study("bad", parameters=[{"name": "x", "type": "float", "low": 0}]),
                "/parameters/0"),
    "bounds no numbers": (with_parameter(low="0"), "/parameters/0/low"),
    "NaN as a bound": (with_parameter(low="NaN"), "/parameters/0/low"),
    "infinite bound": (with_parameter(high="Infinity"), "/parameters/0/high"),
    "log from 0": (with_parameter(scale="log"), "/parameters/0"),
    "log from below 0": (with_parameter(low=-1, scale="log"), "/parameters/0"),
    "step 0": (with_parameter(step=0), "/parameters/0/step"),
    "step below 0": (with_parameter(step=-0.1), "/parameters/0/step"),
    "int beyond 2^53": (with_parameter(type="int", high=2**53 + 2), "/parameters/0/high"),
    "int with a fraction": (with_parameter(type="int", low=0.5, high=3), "/parameters/0/low"),
    "default outside": (with_parameter(default=2), "/parameters/0/default"),
    "default of another type": (with_parameter(default="1"), "/parameters/0/default"),
    "no choices": (with_parameter(type="categorical"), "/parameters/0"),
    "empty choices": (hone.study("bad", parameters=[
        {"name": "k", "type": "categorical", "choices": []}]), "/parameters/0/choices"),
    "a choice twice": (hone.study("bad", parameters=[
        {"name": "k", "type": "categorical", "choices": ["a", "b", "a"]}]),
        "/parameters/0/choices"),
    "null is a choice twice": (hone.study("bad", parameters=[
        {"name": "k", "type": "categorical", "choices": [None, "a", None]}]),
        "/parameters/0/choices"),
    "a choice is too long": (hone.study("bad", parameters=[
        {"name": "k", "type": "categorical", "choices": ["a", "b" * 5000]}]),
        "/parameters/0/choices/1"),
    "constant without value": (hone.study("bad", parameters=[{"name": "k", "type": "constant"}]),
                               "/parameters/0"),
    "sd 0": (with_parameter(distribution="normal", mean=0, sd=0), "/parameters/0/sd"),
    "when names no parameter": (with_parameter(when={"y": [1]}), "/parameters/0/when"),
    "when names itself": (with_parameter(when={"x": [1]}), "/parameters/0/when"),
    "when in a circle": (hone.study("bad", parameters=[
        {"name": "a", "type": "bool", "when": {"b": [True]}},
        {"name": "b", "type": "bool", "when": {"a": [True]}}]), "/parameters"),
    "when a value that is no choice": (hone.study("bad", parameters=[
        {"name": "a", "type": "bool"}, {**FLOAT, "when": {"a": ["yes"]}}]), "/parameters/1/when"),
    "when on a continuous parent": (two({"name": "y"}, {"when": {"y": [0.5]}}),
                                    "/parameters/1/when"),
    "constraint that is no expression": (hone.study("bad", constraints=["x <"]), "/constraints/0"),
    "constraint over no parameter": (hone.study("bad", constraints=["y < 1"]), "/constraints/0"),
    "constraint that nothing meets": (hone.study("bad", constraints=["x > 2"]), "/constraints"),
    "grid over a continuous parameter": (hone.study("bad", strategy="grid"), "/parameters/0"),
    "grid beyond 2^63": (hone.study("bad", strategy="grid", parameters=many(4)), "/"),
    "grid of 0 points": (with_parameter(grid=0), "/parameters/0/grid"),
    "objective without direction": (hone.study("bad", objectives=[{"metric": "loss"}]),
                                    "/objectives/0/direction"),
    "unknown direction": (hone.study("bad", objectives=[{"metric": "loss", "direction": "up"}]),
                          "/objectives/0/direction"),
    "the same objective twice": (hone.study("bad", objectives=[
        {"metric": "loss", "direction": "minimize"}, {"metric": "loss", "direction": "maximize"}]),
        "/objectives/1"),
    "empty objectives": (hone.study("bad", objectives=[]), "/objectives"),
    "metric with a space behind it": (hone.study("bad", objectives=[
        {"metric": "loss ", "direction": "minimize"}]), "/objectives/0/metric"),
    "lease too short": (hone.study("bad", lease={"ttl_seconds": 14}), "/lease/ttl_seconds"),
    "lease too long": (hone.study("bad", lease={"ttl_seconds": 86401}), "/lease/ttl_seconds"),
    "seed below 0": (hone.study("bad", seed=-1), "/seed"),
    "seed of 2^53": (hone.study("bad", seed=2**53), "/seed"),
    "seed with a fraction": (hone.study("bad", seed=0.5), "/seed"),
    "no trials": (hone.study("bad", limits={"trials": -1}), "/limits/trials"),
    "no attempts": (hone.study("bad", limits={"attempts": 0}), "/limits/attempts"),
    "share 0": (hone.study("bad", share=0), "/share"),
    "labels no texts": (hone.study("bad", labels={"a": 1}), "/labels"),
    "resource upside down": (hone.study("bad", resource={"name": "e", "min": 9, "max": 3}),
                             "/resource"),
    "resource from 0": (hone.study("bad", resource={"name": "e", "min": 0, "max": 3}),
                        "/resource/min"),
    "hyperband without resource": (hone.study("bad", strategy="hyperband"), "/resource"),
}

# Calls under a lease: (method, path below the lease, body, type, pointer)
BAD_REPORTS = {
    "nothing measured": ("POST", "measurements", {}, "/measurements"),
    "measurements no array": ("POST", "measurements", {"measurements": {}}, "/measurements"),
    "step below 0": ("POST", "measurements", {"measurements": [
        {"step": -1, "metrics": {"loss": 1}}]}, "/measurements/0/step"),
    "step with a fraction": ("POST", "measurements", {"measurements": [
        {"step": 1.5, "metrics": {"loss": 1}}]}, "/measurements/0/step"),
    "no step": ("POST", "measurements", {"measurements": [{"metrics": {"loss": 1}}]},
                "/measurements/0/step"),
    "metric is a text": ("POST", "measurements", {"measurements": [
        {"step": 1, "metrics": {"loss": "low"}}]}, "/measurements/0/metrics/loss"),
    "metric is null": ("POST", "measurements", {"measurements": [
        {"step": 1, "metrics": {"loss": None}}]}, "/measurements/0/metrics/loss"),
    "metric with a space behind it": ("POST", "measurements", {"measurements": [
        {"step": 1, "metrics": {"a ": 1}}]}, "/measurements/0/metrics/a "),
    "replace is a text": ("POST", "measurements", {"measurements": [
        {"step": 1, "metrics": {"a": 1}}], "replace": "yes"}, "/replace"),
    "1,001 measurements": ("POST", "measurements", {"measurements": [
        {"step": i, "metrics": {"loss": 1}} for i in range(1001)]}, "/measurements"),
    "unknown field in a report": ("POST", "measurements", {"measurements": [
        {"step": 1, "metrics": {"loss": 1}, "epoch": 1}]}, "/measurements/0/epoch"),
    "progress above 1": ("PUT", "", {"progress": 1.5}, "/progress"),
    "no outcome": ("PUT", "result", {"metrics": {"loss": 1}}, "/outcome"),
    "unknown outcome": ("PUT", "result", {"outcome": "fine"}, "/outcome"),
    "result without the objective": ("PUT", "result", {"outcome": "completed"}, "/metrics"),
    "result with another metric only": ("PUT", "result", {
        "outcome": "completed", "metrics": {"accuracy": 1}}, "/metrics"),
    "result step below 0": ("PUT", "result", {
        "outcome": "completed", "step": -1, "metrics": {"loss": 1}}, "/step"),
    "unknown field in a result": ("PUT", "result", {
        "outcome": "completed", "metrics": {"loss": 1}, "score": 1}, "/score"),
}

BAD_ASKS = {
    "wait too long": ({"wait_seconds": 61}, "/wait_seconds"),
    "wait below 0": ({"wait_seconds": -1}, "/wait_seconds"),
    "wait is a text": ({"wait_seconds": "5"}, "/wait_seconds"),
    "worker with a space": ({"worker": "a b"}, "/worker"),
    "unknown field": ({"gpu": 1}, "/gpu"),
    "studies no array": ({"studies": "bad"}, "/studies"),
    "labels no texts": ({"labels": {"a": 1}}, "/labels"),
}

BAD_QUERIES = [
    "/v1/studies?limit=0", "/v1/studies?limit=1001", "/v1/studies?limit=ten",
    "/v1/studies?cursor=nonsense", "/v1/studies?colour=red",
    "/v1/studies/home/trials?sort=colour", "/v1/studies/home/trials?sort=metric:",
    "/v1/studies/home/trials?state=sleeping", "/v1/studies/home/trials?limit=",
    "/v1/studies/home?format=yaml", "/v1/studies/home/export?format=pdf",
]

UNKNOWN = ["/v1/studies/none", "/v1/studies/none/trials", "/v1/studies/home/trials/9",
           "/v1/studies/home/trials/0", "/v1/studies/home/trials/-1", "/v1/studies/home/trials/x",
           "/v1/studies/home/trials/99999999999999999999", "/v1/studies/home/nothing", "/v2/studies",
           "/v1/workers/none", "/problems/none", "/nothing"]


class BadRequests(hone.SharedServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        created = cls.client.post("/v1/studies", hone.study("home"))
        assert created.status == 201, created

    def assert_problem(self, reply, status, kind, pointer=None):
        kinds = (kind,) if isinstance(kind, str) else kind
        self.assertIn(reply.type, kinds, reply)
        self.assertIn(reply.status, (status,) if isinstance(status, int) else status, reply)
        problem = reply.json
        self.assertEqual(problem["status"], reply.status)
        self.assertGreater(len(problem["detail"]), 10, "the detail says what to do")
        self.assertTrue(problem["title"])
        self.assertIn("instance", problem)
        self.assertIs(problem["retryable"], reply.status in (429, 503))
        if pointer is not None:
            pointers = [error["pointer"] for error in problem["errors"]]
            self.assertTrue(any(one.startswith(pointer) for one in pointers),
                            f"{pointer} is not among {pointers}")
            self.assertTrue(all(error["detail"] for error in problem["errors"]))

    def test_what_is_no_json_is_refused(self):
        status = {"malformed": 400, "too-large": 413, "invalid": 422}
        for name, (raw, kind) in MALFORMED.items():
            with self.subTest(name):
                reply = self.client.request("POST", "/v1/studies", raw=raw)
                kinds = (kind,) if isinstance(kind, str) else kind
                self.assert_problem(reply, tuple(status[one] for one in kinds), kind)

    def test_body_of_a_megabyte_and_more_is_refused_while_it_is_sent(self):
        head = (f"POST /v1/tokens HTTP/1.1\r\nHost: {self.server.url.removeprefix('http://')}\r\n"
                f"Authorization: Bearer {self.server.token()}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {(1 << 20) + 1}\r\n\r\n")
        answer = hone.raw_exchange(self.server.url, head.encode() + b" " * 1000)
        self.assertIn(b" 413 ", answer[:20])
        self.assertIn(b"/problems/too-large", answer)

    def test_impossible_study_is_refused_with_its_reason(self):
        for name, (body, pointer) in IMPOSSIBLE.items():
            with self.subTest(name):
                self.assert_problem(self.client.post("/v1/studies", body), 422, "invalid", pointer)

    def test_all_faults_are_told_at_once(self):
        body = {**two({"low": 5}, {"name": "y", "type": "real"}), "colour": 1, "seed": -1}
        reply = self.client.post("/v1/studies", body)
        for pointer in ("/parameters/0", "/parameters/1/type", "/colour", "/seed"):
            self.assert_problem(reply, 422, "invalid", pointer)

    def test_nothing_bad_was_created(self):
        self.client.post("/v1/studies", with_parameter(low=2))
        names = [study["name"] for study in self.client.walk("/v1/studies")]
        self.assertNotIn("bad", names)

    def test_same_study_again_is_the_same_and_another_is_refused(self):
        again = self.client.post("/v1/studies", hone.study("home"))
        self.assertEqual(again.status, 200, again)
        other = self.client.post("/v1/studies", hone.study("home", seed=8))
        self.assert_problem(other, 409, "study-exists")
        self.assertIn("seed", other.body.decode())

    def test_patch_of_what_cannot_change_is_refused(self):
        for body, pointer in [({"seed": 1}, "/seed"), ({"name": "x"}, "/name"),
                              ({"parameters": []}, "/parameters"), ({"state": "done"}, "/state"),
                              ({"limits": {"trails": 1}}, "/limits/trails"), ({"share": 0}, "/share")]:
            with self.subTest(pointer):
                self.assert_problem(self.client.patch("/v1/studies/home", body), 422, "invalid",
                                    pointer)

    def test_old_revision_is_refused(self):
        reply = self.client.patch("/v1/studies/home", {"priority": 1},
                                  headers={"If-Match": '"999"'})
        self.assert_problem(reply, 412, "revision-changed")

    def test_bad_report_is_refused_and_the_lease_lives_on(self):
        lease = self.worker.post("/v1/studies/home/leases", {"worker": "w"}).json["lease"]["id"]
        for name, (method, path, body, pointer) in BAD_REPORTS.items():
            with self.subTest(name):
                reply = self.worker.request(method, f"/v1/leases/{lease}/{path}".rstrip("/"), body)
                self.assert_problem(reply, 422, "invalid", pointer)
        self.assertEqual(self.worker.put(f"/v1/leases/{lease}").status, 200)
        self.assertEqual(self.worker.delete(f"/v1/leases/{lease}").status, 204)

    def test_bad_ask_is_refused(self):
        for name, (body, pointer) in BAD_ASKS.items():
            with self.subTest(name):
                self.assert_problem(self.worker.post("/v1/leases", body), 422, "invalid", pointer)

    def test_bad_enqueued_configuration_is_refused(self):
        for name, body, pointer in [
                ("no parameters, no default", {}, "/parameters"),
                ("outside", {"parameters": {"x": 2}}, "/parameters/x"),
                ("another type", {"parameters": {"x": "a"}}, "/parameters/x"),
                ("NaN", {"parameters": {"x": "NaN"}}, "/parameters/x"),
                ("unknown parameter", {"parameters": {"x": 0, "y": 1}}, "/parameters/y"),
                ("unknown field", {"parameters": {"x": 0}, "n": 1}, "/n"),
                ("imported without metrics", {"parameters": {"x": 0}, "state": "completed"},
                 "/metrics"),
                ("imported as running", {"parameters": {"x": 0}, "state": "running"}, "/state")]:
            with self.subTest(name):
                self.assert_problem(self.client.post("/v1/studies/home/trials", body), 422,
                                    "invalid", pointer)

    def test_array_with_one_bad_configuration_adds_none(self):
        before = len(list(self.client.walk("/v1/studies/home/trials")))
        reply = self.client.post("/v1/studies/home/trials",
                                 [{"parameters": {"x": 0.5}}, {"parameters": {"x": 5}}])
        self.assert_problem(reply, 422, "invalid", "/1/parameters/x")
        reply = self.client.post("/v1/studies/home/trials", [{"parameters": {"x": 0}}] * 1001)
        self.assertIn(reply.type, ("invalid", "too-large"), reply)
        self.assertEqual(len(list(self.client.walk("/v1/studies/home/trials"))), before)

    def test_key_used_for_another_body_is_refused(self):
        headers = {"Idempotency-Key": "once"}
        path = "/v1/studies/home/trials"
        first = self.client.post(path, {"parameters": {"x": 0.25}}, headers=headers)
        again = self.client.post(path, {"parameters": {"x": 0.25}}, headers=headers)
        other = self.client.post(path, {"parameters": {"x": 0.5}}, headers=headers)
        self.assertEqual(first.status, 201, first)
        self.assertEqual((again.status, again.json), (201, first.json))
        self.assert_problem(other, 422, "key-reused")
        self.client.patch(f"{path}/{first.json['number']}", {"state": "cancelled"})

    def test_bad_query_is_refused(self):
        for path in BAD_QUERIES:
            with self.subTest(path):
                self.assert_problem(self.client.get(path), 400, "malformed")

    def test_a_problem_is_utf8_wherever_a_text_of_the_client_is_cut(self):
        places = ["/v1/studies/home?format={}", "/v1/studies/home?{}=1", "/v1/studies/{}",
                  "/v1/studies/home/trials/{}", "/v1/studies/home/trials?sort={}",
                  "/v1/studies/home/trials?state={}", "/v1/studies/home/trials?cursor={}",
                  "/v1/studies/home/trials/1/measurements?metric={}",
                  "/v1/studies/home/importance?metric={}", "/v1/studies?state={}",
                  "/v1/studies/home/events?after={}", "/v1/workers/{}", "/problems/{}", "/{}"]
        bodies = [{"name": "{}"}, {"{}": 1}, hone.study("bad", strategy="{}"),
                  hone.study("bad", objectives=[{"metric": "{}", "direction": "minimize"}]),
                  hone.study("bad", objectives=[{"metric": "loss", "direction": "{}"}]),
                  with_parameter(type="{}"), with_parameter(scale="{}"), with_parameter(name="{}"),
                  with_parameter(when={"{}": [1]}), hone.study("bad", constraints=["{}"]),
                  hone.study("bad", constraints=["'{}"]), hone.study("bad", labels={"{}": 1}),
                  hone.study("bad", parameters=[{"name": "x", "type": "categorical",
                                                 "choices": ["{}", "{}"]}])]
        for shift in ("", "a"):  # a character has two bytes, so one of them is cut inside
            text = shift + "é" * 700
            for place in places:
                for hostile in (text, shift + "\udcff\udcfe" * 300):
                    path = place.format(urllib.parse.quote(hostile, errors="surrogateescape"))
                    self.assertIsInstance(self.client.get(path).json, dict, place)
            for body in bodies:
                raw = json.dumps(body, ensure_ascii=False).replace("{}", text)
                self.assert_problem(self.client.request("POST", "/v1/studies", raw=raw), (400, 422),
                                    ("malformed", "invalid"))

    def test_what_is_not_there_is_not_found(self):
        for path in UNKNOWN:
            with self.subTest(path):
                self.assert_problem(self.client.get(path), 404, "not-found")

    def test_another_content_type_is_refused(self):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/yaml",
                     "application/jsonp"):
            with self.subTest(kind):
                reply = self.client.post("/v1/studies", hone.study("bad"),
                                         headers={"Content-Type": kind})
                self.assert_problem(reply, 415, "unsupported-type")

    def test_wrong_method_is_refused_with_the_right_ones(self):
        for method, path, allowed in [("PUT", "/v1/studies", "POST"), ("DELETE", "/v1/leases", "POST"),
                                      ("POST", "/v1/studies/home", "PATCH"),
                                      ("PATCH", "/v1/leases/l_x/result", "PUT"),
                                      ("POST", "/healthz", "GET")]:
            with self.subTest(f"{method} {path}"):
                reply = self.client.request(method, path)
                self.assert_problem(reply, 405, "method-not-allowed")
                self.assertIn(allowed, reply.headers["allow"])

    def test_every_undocumented_method_is_refused(self):
        paths = self.client.get("/openapi.json").json["paths"]
        for path, operations in paths.items():
            concrete = path.replace("{study}", "home").replace("{trial}", "1")
            concrete = concrete.replace("{", "").replace("}", "")
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
                serves = method.lower() in operations
                if not serves:
                    with self.subTest(f"{method} {path}"):
                        self.assert_problem(self.client.request(method, concrete), 405,
                                            "method-not-allowed")

    def test_problem_pages_are_served(self):
        for kind in ("malformed", "invalid", "lease-ended", "storage-full"):
            self.assertEqual(self.client.get(f"/problems/{kind}").status, 200)

    def test_the_server_is_well_after_all_this(self):
        self.assertEqual(self.client.get("/readyz").status, 200)
        self.assertIsNone(self.server.process.poll())


if __name__ == "__main__":
    hone.main()
