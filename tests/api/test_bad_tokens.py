#!/usr/bin/env python3
"""Who may do what: every route of the OpenAPI document × every kind of token, and Host and Origin.

The document says who may call an operation (`x-scope`); the server must say the same.
"""

import contextlib
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

OPEN = ("/healthz", "/readyz", "/version", "/openapi.json", "/problems/{type}", "/", "/new")
# The dashboard: tests/api/test_web.py.
WEB = ("/assets/{hash}/{file}", "/assets/{hash}/vendor/{file}", "/workers", "/studies/{study}",
       "/studies/{study}/trials", "/studies/{study}/trials/{trial}", "/studies/{study}/brackets")
# What a token of this scope also is.
CONTAINS = {"admin": {"admin", "submit", "read", "any"}, "submit": {"submit", "read", "any"},
            "read": {"read", "any"}, "worker": {"worker", "any"}}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "BREW")
VALUES = {"study": "none", "trial": "1", "lease": "l_1", "id": "l_1", "worker": "unknown",
          "type": "malformed", "token": "none"}


def concrete(path):
    for name, value in VALUES.items():
        path = path.replace("{" + name + "}", value)
    return path


class BadTokens(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = hone.Server()
        cls.server.start()
        cls.admin = cls.server.client()
        cls.tokens = {"admin": cls.server.token(), "worker": cls.server.token("worker")}
        cls.ids = {}
        for scope in ("submit", "read"):
            reply = cls.admin.post("/v1/tokens", {"scopes": [scope]})
            assert reply.status == 201, reply
            cls.tokens[scope] = reply.json["token"]
            cls.ids[scope] = reply.json["id"]
        cls.paths = cls.admin.get("/openapi.json").json["paths"]

    @classmethod
    def tearDownClass(cls):
        cls.admin.close()
        cls.server.__exit__()

    def operations(self):
        for path, methods in self.paths.items():
            for method, operation in methods.items():
                if method in ("get", "post", "put", "patch", "delete"):
                    yield method.upper(), path, operation

    def ask(self, method, path, token=None, headers=None):
        """With a body that no handler takes, so that nothing happens when it is let in."""
        with hone.Client(self.server.url, token, timeout=10) as client:
            raw = b"no json" if method in ("POST", "PATCH", "PUT") else None
            return client.request(method, concrete(path), raw=raw, headers=headers)

    def test_nothing_but_the_open_pages_is_served_without_a_token(self):
        for method, path, operation in self.operations():
            if operation["x-scope"] == "none":
                self.assertIn(path, OPEN + WEB)
                continue
            with self.subTest(f"{method} {path}"):
                reply = self.ask(method, path)
                self.assertEqual((reply.status, reply.type), (401, "unauthorized"), reply)
                self.assertIn("www-authenticate", reply.headers)

    def test_open_pages_need_no_token(self):
        for path in OPEN:
            if path in self.paths:
                with self.subTest(path):
                    self.assertEqual(self.ask("GET", path).status, 200)

    def test_every_route_lets_in_exactly_its_scopes(self):
        n_checked = 0
        for method, path, operation in self.operations():
            if operation["x-scope"] == "none" or path == "/v1/events":
                continue  # the second is a stream: it has a status, but no end
            for kind, token in self.tokens.items():
                with self.subTest(f"{method} {path} as {kind}"):
                    reply = self.ask(method, path, token)
                    may = operation["x-scope"] in CONTAINS[kind]
                    self.assertEqual(reply.status != 403, may, reply)
                    self.assertNotEqual(reply.status, 401, reply)
                    if not may:
                        self.assertEqual(reply.type, "forbidden")
                    n_checked += 1
        self.assertGreater(n_checked, 80)

    def test_every_token_is_told_its_own_name_and_scopes(self):
        ids = {item["id"]: item for item in self.admin.get("/v1/tokens").json["items"]}
        for kind, token in self.tokens.items():
            own = self.ask("GET", "/v1/token", token).json
            self.assertEqual(own["id"], token.split("_")[1])
            self.assertEqual((own["name"], own["scopes"], own["expires_at"]),
                             (ids[own["id"]]["name"], [kind], ids[own["id"]]["expires_at"]))
        self.assertNotIn(self.tokens["read"].split("_")[2], json.dumps(own))

    def test_every_method_of_every_path(self):
        """A method that a path has not is 405 with those it has, to whoever may know the path: to
        everybody where one of them is open, else to those with a token."""
        n_checked = 0
        with contextlib.ExitStack() as stack:
            clients = {kind: stack.enter_context(hone.Client(self.server.url, token, timeout=10))
                       for kind, token in [(None, None), ("read", self.tokens["read"]),
                                            ("worker", self.tokens["worker"])]}
            for path, methods in self.paths.items():
                operations = {method.upper(): operation for method, operation in methods.items()}
                if "GET" in operations:
                    operations["HEAD"] = operations["GET"]
                allowed = {method for method in operations if method in METHODS}
                is_open = any(operations[method]["x-scope"] == "none" for method in allowed)
                for method in METHODS:
                    if method in allowed:
                        continue
                    for kind, client in clients.items():
                        with self.subTest(f"{method} {path} as {kind}"):
                            reply = client.request(method, concrete(path))
                            n_checked += 1
                            if kind is None and not is_open:
                                self.assertEqual(reply.status, 401, reply)
                                continue
                            self.assertEqual(reply.status, 405, reply)
                            self.assertEqual(set(reply.headers["allow"].split(", ")), allowed)
        self.assertGreater(n_checked, 1500)

    def test_pages_of_other_origins_change_nothing(self):
        """Whatever a method is called: only GET and HEAD are let through, not the others kept out."""
        own = self.server.url
        foreign = ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
                   {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "anything"},
                   {"Origin": own, "Sec-Fetch-Site": "cross-site"}, {"Origin": own + "0"},
                   {"Origin": own.replace("127.0.0.1", "localhost")})
        own_pages = ({"Origin": own}, {"Origin": own, "Sec-Fetch-Site": "same-origin"},
                     {"Sec-Fetch-Site": "none"})
        with hone.Client(self.server.url, self.tokens["admin"], timeout=10) as client:
            for method, path, _ in self.operations():
                if method == "GET":
                    continue
                raw = None if method == "DELETE" else b"no json"
                for headers in foreign:
                    with self.subTest(f"{method} {path} {headers}"):
                        reply = client.request(method, concrete(path), raw=raw, headers=headers)
                        self.assertEqual((reply.status, reply.type), (403, "forbidden"), reply)
                        self.assertIn("another origin", reply.json["detail"])
                for headers in own_pages:
                    with self.subTest(f"{method} {path} {headers}"):
                        reply = client.request(method, concrete(path), raw=raw, headers=headers)
                        self.assertNotIn("another origin", reply.body.decode())
            for method in METHODS:
                if method in ("GET", "HEAD"):
                    continue
                for headers in foreign:
                    with self.subTest(f"{method} / {headers}"):
                        reply = client.request(method, "/", headers=headers)
                        self.assertEqual(reply.status, 403, reply)

    def test_too_many_wrong_tokens_have_to_wait(self):
        good = self.tokens["admin"]
        with hone.Client(self.server.url, good[:-4] + "aaaa", timeout=10) as guesser:
            guesser.connection.source_address = ("127.0.0.2", 0)
            replies = [guesser.get("/v1/studies") for _ in range(200)]
        self.assertEqual({reply.status for reply in replies}, {401, 429})
        braked = [reply for reply in replies if reply.status == 429]
        self.assertEqual({(reply.type, reply.headers["retry-after"]) for reply in braked},
                         {("rate-limited", "1")})
        with hone.Client(self.server.url, good, timeout=10) as neighbour:
            neighbour.connection.source_address = ("127.0.0.2", 0)
            self.assertEqual(neighbour.get("/v1/studies").status, 200)

    def test_wrong_tokens_are_refused(self):
        good = self.tokens["admin"]
        wrong = ["", "x", good[:-1], good + "a", good[:-1] + ("a" if good[-1] != "a" else "b"),
                 good.upper(), "hp_00000000_" + "a" * 43, "hp_", "a" * 4000]
        for token in wrong:
            with self.subTest(token[:40]):
                reply = self.ask("GET", "/v1/studies", token)
                self.assertEqual((reply.status, reply.type), (401, "unauthorized"), reply)

    def test_other_places_for_a_token_are_refused(self):
        good = self.tokens["admin"]
        for headers in ({"Authorization": good}, {"Authorization": f"Basic {good}"},
                        {"Authorization": f"Token {good}"}, {"X-Token": good},
                        {"Cookie": f"token={good}"}):
            with self.subTest(str(list(headers))):
                self.assertEqual(self.ask("GET", "/v1/studies", headers=headers).status, 401)
        for query in (f"?token={good}", f"?access_token={good}"):
            self.assertIn(self.ask("GET", "/v1/studies" + query).status, (400, 401))

    def test_two_tokens_are_refused(self):
        good = self.tokens["admin"]
        head = (f"GET /v1/studies HTTP/1.1\r\nHost: {self.server.url.removeprefix('http://')}\r\n"
                f"Authorization: Bearer {good}\r\nAuthorization: Bearer {good}\r\n\r\n")
        answer = hone.raw_exchange(self.server.url, head.encode())
        self.assertTrue(answer.startswith(b"HTTP/1.1 400"), answer[:200])

    def test_revoked_token_is_refused_at_once(self):
        made = self.admin.post("/v1/tokens", {"scopes": ["read"]}).json
        self.assertEqual(self.ask("GET", "/v1/studies", made["token"]).status, 200)
        gone = self.admin.delete(f"/v1/tokens/{made['id']}")
        self.assertIn(gone.status, (200, 204), gone)
        self.assertEqual(self.ask("GET", "/v1/studies", made["token"]).status, 401)

    def test_a_token_for_nothing_or_for_what_there_is_not_is_refused(self):
        for body, pointer in (({"scopes": ["root"]}, "/scopes"), ({"scopes": ["read", 5]}, "/scopes"),
                              ({"scopes": []}, "/scopes"), ({}, "/scopes"), ({"scopes": "read"}, "/scopes"),
                              ({"scopes": ["read"], "name": "x" * 300}, "/name"),
                              ({"scopes": ["read"], "expires_seconds": 0}, "/expires_seconds")):
            with self.subTest(body):
                reply = self.admin.post("/v1/tokens", body)
                self.assertEqual((reply.status, reply.type), (422, "invalid"), reply)
                self.assertIn(pointer, [error["pointer"] for error in reply.json["errors"]])

    def test_a_token_is_shown_once_so_it_has_no_key(self):
        reply = self.admin.post("/v1/tokens", {"scopes": ["read"]}, headers={"Idempotency-Key": "k"})
        self.assertEqual((reply.status, reply.type), (400, "malformed"), reply)

    def test_a_token_that_is_not_there_is_not_revoked(self):
        for name in ("zzzzzzzz", "z" * 100):
            reply = self.admin.delete(f"/v1/tokens/{name}")
            self.assertEqual((reply.status, reply.type), (404, "not-found"), reply)
        self.assertEqual(self.admin.delete(f"/v1/tokens/{self.ids['read']}?forced=true").status, 400)
        self.assertEqual(self.admin.get("/v1/tokens?limit=x").status, 400)

    def test_a_token_knows_when_it_ends(self):
        made = self.admin.post("/v1/tokens", {"scopes": ["read"], "expires_seconds": 3600}).json
        with hone.Client(self.server.url, made["token"]) as client:
            self.assertEqual(client.get("/v1/token").json["expires_at"], made["expires_at"])
            self.assertEqual(client.get("/v1/tokens").status, 403)

    def test_an_admin_token_may_be_revoked_twice(self):
        made = self.admin.post("/v1/tokens", {"scopes": ["admin"]}).json["id"]
        for _ in range(2):
            self.assertEqual(self.admin.delete(f"/v1/tokens/{made}").status, 204)

    def test_list_of_tokens_shows_no_secret(self):
        listed = self.admin.get("/v1/tokens").body.decode()
        for token in self.tokens.values():
            self.assertNotIn(token.split("_", 2)[2], listed)

    def test_token_files_are_the_owners_alone(self):
        for kind in ("admin", "worker"):
            mode = os.stat(os.path.join(self.server.data, f"{kind}.token")).st_mode & 0o777
            self.assertEqual(mode, 0o600)

    def test_tokens_are_not_in_the_log(self):
        for token in self.tokens.values():
            self.assertNotIn(token, self.server.log())

    def test_foreign_host_is_refused(self):
        for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::2]", ""):
            with self.subTest(host):
                reply = self.ask("GET", "/healthz", headers={"Host": host})
                self.assertIn(reply.status, (400, 403), reply)

    def test_request_from_another_origin_is_refused(self):
        for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            reply = self.ask("POST", "/v1/studies", self.tokens["admin"], headers)
            self.assertEqual((reply.status, reply.type), (403, "forbidden"), reply)


class OpenServer(unittest.TestCase):
    def test_open_is_refused_off_loopback(self):
        with tempfile.TemporaryDirectory() as data:
            status, said = hone.run_honed("--data", data, "--listen", "0.0.0.0:0", "--open")
        self.assertNotEqual(status, 0)
        self.assertIn("--open", said)

    def test_public_listen_needs_tls_or_a_decision(self):
        with tempfile.TemporaryDirectory() as data:
            status, said = hone.run_honed("--data", data, "--listen", "0.0.0.0:0")
        self.assertNotEqual(status, 0)
        self.assertIn("--plain-http", said)

    def test_open_needs_no_token(self):
        with hone.Server(args=["--open"]) as server, server.client(None) as client:
            self.assertEqual(client.post("/v1/studies", hone.study("s")).status, 201)
            self.assertEqual(client.post("/v1/leases").status, 201)


if __name__ == "__main__":
    hone.main()
