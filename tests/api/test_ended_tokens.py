#!/usr/bin/env python3
"""A token that is revoked or expires ends what it holds open: asks that wait, streams, requests whose
body is still on its way. And the last admin token is not lost by mistake.
"""

import http.client
import json
import os
import sys
import threading
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

LIFETIME_SECONDS = 3  # of a token that expires: enough to open a connection on a busy machine


class Background:
    """One request on a thread of its own."""

    def __init__(self, client, method, path, body=None):
        self.reply = None
        self.thread = threading.Thread(target=self._run, args=(client, method, path, body), daemon=True)
        self.thread.start()

    def _run(self, client, method, path, body):
        self.reply = client.request(method, path, body)
        client.close()

    def result(self):
        self.thread.join(60)
        assert self.reply is not None, "no answer"
        return self.reply


class EndedTokens(unittest.TestCase):
    def setUp(self):
        self.server = hone.Server()
        self.server.start()
        self.addCleanup(self.server.__exit__)
        self.admin = self.server.client()
        self.addCleanup(self.admin.close)

    def make_token(self, *scopes, **more):
        made = self.admin.post("/v1/tokens", {"scopes": list(scopes), **more})
        self.assertEqual(made.status, 201, made)
        return made.json

    def revoke(self, token):
        self.assertEqual(self.admin.delete(f"/v1/tokens/{token['id']}").status, 204)

    def ask(self, token, worker, wait_seconds):
        client = hone.Client(self.server.url, token["token"])
        return Background(client, "POST", "/v1/leases", {"worker": worker, "wait_seconds": wait_seconds})

    def wait_for_worker(self, name):
        def waits():
            reply = self.admin.get(f"/v1/workers/{name}")
            return reply.status == 200 and reply.json["waiting"]
        hone.wait_until(waits, 30, f"worker {name} waits")

    def first_lease_goes_to_another(self):
        """Nothing was handed to the token that has ended."""
        self.assertEqual(self.admin.post("/v1/studies", hone.study("s")).status, 201)
        with self.server.client("worker") as worker:
            lease = worker.post("/v1/leases", {"worker": "other"})
            self.assertEqual(lease.status, 201, lease)
            self.assertEqual(lease.json["trial"]["number"], 1)

    def test_waiting_ask_of_a_revoked_token_is_refused(self):
        token = self.make_token("worker")
        ask = self.ask(token, "gone", 60)
        self.wait_for_worker("gone")
        self.revoke(token)
        reply = ask.result()
        self.assertEqual((reply.status, reply.type), (401, "unauthorized"), reply)
        self.first_lease_goes_to_another()

    def test_waiting_ask_of_another_token_goes_on(self):
        token, other = self.make_token("worker"), self.make_token("worker")
        asks = [self.ask(token, "gone", 60), self.ask(other, "stays", 60)]
        for worker in ("gone", "stays"):
            self.wait_for_worker(worker)
        self.revoke(token)
        self.assertEqual(asks[0].result().status, 401)
        self.assertEqual(self.admin.post("/v1/studies", hone.study("s")).status, 201)
        self.assertEqual(asks[1].result().status, 201)

    def test_waiting_ask_ends_when_its_token_expires(self):
        token = self.make_token("worker", expires_seconds=LIFETIME_SECONDS)
        reply = self.ask(token, "gone", 60).result()
        self.assertEqual((reply.status, reply.type), (401, "unauthorized"), reply)
        self.first_lease_goes_to_another()

    def test_heartbeat_of_a_revoked_token_is_refused(self):
        self.assertEqual(self.admin.post("/v1/studies", hone.study("s")).status, 201)
        token = self.make_token("worker")
        with hone.Client(self.server.url, token["token"]) as worker:
            lease = worker.post("/v1/leases", {}).json["lease"]["id"]
            self.assertEqual(worker.put(f"/v1/leases/{lease}").status, 200)
            self.revoke(token)
            for method, path, body in (("PUT", f"/v1/leases/{lease}", None),
                                       ("POST", f"/v1/leases/{lease}/measurements",
                                        {"measurements": [{"step": 1, "metrics": {"loss": 1}}]}),
                                       ("PUT", f"/v1/leases/{lease}/result",
                                        {"outcome": "completed", "metrics": {"loss": 1}})):
                reply = worker.request(method, path, body)
                self.assertEqual((reply.status, reply.type), (401, "unauthorized"), reply)

    def open_stream(self, token):
        address = urllib.parse.urlsplit(self.server.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        self.addCleanup(connection.close)
        connection.request("GET", "/v1/events", headers={"Authorization": f"Bearer {token['token']}"})
        response = connection.getresponse()
        self.assertEqual(response.status, 200)
        return response

    def events_until_the_end(self, response):
        """The stream must end by itself: the read would time out otherwise."""
        lines = [line for line in response.read().splitlines() if line.strip()]
        return [json.loads(line) for line in lines]

    def test_stream_of_a_revoked_token_ends(self):
        token = self.make_token("read")
        response = self.open_stream(token)
        self.revoke(token)
        self.assertEqual(self.admin.post("/v1/studies", hone.study("later")).status, 201)
        events = self.events_until_the_end(response)
        self.assertNotIn("later", [event.get("study") for event in events])

    def test_stream_ends_when_its_token_expires(self):
        token = self.make_token("read", expires_seconds=LIFETIME_SECONDS)
        self.events_until_the_end(self.open_stream(token))
        with hone.Client(self.server.url, token["token"]) as client:
            self.assertEqual(client.get("/v1/studies").status, 401)

    def test_stream_of_another_token_goes_on(self):
        token, other = self.make_token("read"), self.make_token("read")
        response = self.open_stream(other)
        self.revoke(token)
        self.assertEqual(self.admin.post("/v1/studies", hone.study("later")).status, 201)
        for line in response:
            if line.strip() and json.loads(line).get("study") == "later":
                return
        self.fail("the stream ended")

    def test_body_that_is_on_its_way_is_refused(self):
        token = self.make_token("submit")
        body = json.dumps(hone.study("s")).encode()
        address = urllib.parse.urlsplit(self.server.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        self.addCleanup(connection.close)
        connection.putrequest("POST", "/v1/studies")
        for name, value in (("Authorization", f"Bearer {token['token']}"), ("Expect", "100-continue"),
                            ("Content-Type", "application/json"), ("Content-Length", str(len(body)))):
            connection.putheader(name, value)
        connection.endheaders()
        # the interim answer says that the head was accepted
        self.assertTrue(connection.sock.recv(1000).startswith(b"HTTP/1.1 100"))
        self.revoke(token)
        connection.send(body)
        self.assertEqual(connection.getresponse().status, 401)
        self.assertEqual(self.admin.get("/v1/studies/s").status, 404)

    def admin_id(self):
        return self.server.token().split("_")[1]

    def test_last_admin_token_is_revoked_by_force_only_and_made_anew(self):
        for path in (f"/v1/tokens/{self.admin_id()}", f"/v1/tokens/{self.admin_id()}?force=false"):
            reply = self.admin.delete(path)
            self.assertEqual((reply.status, reply.type), (409, "wrong-state"), reply)
            self.assertIn("last valid token", reply.json["detail"])
        self.assertEqual(self.admin.delete(f"/v1/tokens/{self.admin_id()}?force=yes").status, 400)
        self.assertEqual(self.admin.delete(f"/v1/tokens/{self.admin_id()}?force=true").status, 204)
        self.assertEqual(self.admin.get("/v1/studies").status, 401)
        self.assertEqual(self.server.stop(), 0)
        self.server.start()
        self.assertIn("a new one is in", self.server.log())
        with self.server.client() as again:
            self.assertEqual(again.get("/v1/studies").status, 200)
            self.assertEqual(len(again.get("/v1/tokens").json["items"]), 3)

    def test_one_of_two_admin_tokens_may_go(self):
        other = self.make_token("admin", expires_seconds=3153600000)
        self.assertEqual(self.admin.delete(f"/v1/tokens/{self.admin_id()}").status, 204)
        with hone.Client(self.server.url, other["token"]) as client:
            self.assertEqual(client.delete(f"/v1/tokens/{other['id']}").status, 409)
            worker = self.server.token("worker").split("_")[1]
            self.assertEqual(client.delete(f"/v1/tokens/{worker}").status, 204)


if __name__ == "__main__":
    hone.main()
