#!/usr/bin/env python3
"""Reads that wait until something changes: when they end, and when they do not."""

import os
import socket
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

LONG = 60  # a wait that is not meant to end by itself
PLACES = 256


class Waiting:
    """A request on a thread of its own."""

    def __init__(self, server, path, headers=None, token=None):
        self.server, self.path, self.headers = server, path, headers
        self.token = token or server.token()
        self.reply = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with hone.Client(self.server.url, self.token, timeout=90) as client:
            self.reply = client.get(self.path, headers=self.headers)

    def result(self, seconds=30):
        self.thread.join(seconds)
        if self.reply is None:
            raise AssertionError(f"{self.path}: not answered")
        return self.reply


class Wait(hone.ServedTest):
    def n_waiting(self):
        text = self.client.get("/metrics").body.decode()
        line = next(line for line in text.splitlines() if line.startswith("hone_http_requests_waiting "))
        return int(float(line.split()[-1])) - 1  # this one itself

    def until_waiting(self, n=1):
        hone.wait_until(lambda: self.n_waiting() == n, 30, f"{n} wait")

    def wait(self, path, n=1, **more):
        """The n-th of the requests that wait at the same time."""
        waiting = Waiting(self.server, f"/v1/studies/{path}", **more)
        self.until_waiting(n)
        return waiting

    def test_a_study_that_changes_answers(self):
        self.make("s")
        waiting = self.wait(f"s?wait={LONG}")
        self.client.patch("/v1/studies/s", {"state": "paused"})
        self.assertEqual(waiting.result().json["state"], "paused")

    def test_other_studies_do_not(self):
        self.make("s")
        self.make("other")
        waiting = self.wait(f"s?wait={LONG}s")
        for _ in range(5):
            self.run_one("other", outcome="completed", metrics={"loss": 1})
        self.assertIsNone(waiting.reply)
        self.run_one("s", outcome="completed", metrics={"loss": 1})
        counts = waiting.result().json["counts"]
        self.assertEqual(counts["running"] + counts["completed"], 1)

    def test_nothing_is_missed_between_two_waits(self):
        self.make("s")
        seq = self.client.get("/v1/studies/s").seq
        self.client.patch("/v1/studies/s", {"state": "paused"})
        start = time.monotonic()
        reply = self.client.get(f"/v1/studies/s?wait={LONG}&after={seq}")
        self.assertEqual(reply.json["state"], "paused")
        self.assertLess(time.monotonic() - start, LONG / 2)
        self.assertGreater(reply.seq, seq)

    def test_an_etag_is_a_place_to_wait_from(self):
        self.make("s")
        self.make("other")
        tag = self.client.get("/v1/studies/s").headers["etag"]
        self.run_one("other", outcome="completed", metrics={"loss": 1})
        reply = self.client.get("/v1/studies/s", headers={"If-None-Match": tag})
        self.assertEqual((reply.status, reply.body), (304, b""))
        reply = self.client.get("/v1/studies/s?wait=0.05", headers={"If-None-Match": tag})
        self.assertEqual(reply.status, 304)
        waiting = self.wait(f"s?wait={LONG}", headers={"If-None-Match": tag})
        self.client.patch("/v1/studies/s", {"description": "new"}, headers={"If-Match": tag})
        reply = waiting.result()
        self.assertEqual((reply.status, reply.json["description"]), (200, "new"))
        self.assertNotEqual(reply.headers["etag"], tag)
        stale = self.client.patch("/v1/studies/s", {"description": "x"}, headers={"If-Match": tag})
        self.assertEqual(stale.status, 412)
        for bad in ("3-", '"3-"', '"-3"', '"1--2"', '"1-2', "x", '"1-2"x'):
            reply = self.client.patch("/v1/studies/s", {"description": "x"}, headers={"If-Match": bad})
            self.assertEqual((bad, reply.status), (bad, 412))
            self.assertEqual(self.client.get("/v1/studies/s", headers={"If-None-Match": bad}).status,
                             200)

    def test_any_of_several_tags_or_all_are_known(self):
        self.make("s")
        tag = self.client.get("/v1/studies/s").headers["etag"]
        for known in (f'"0-0", {tag}', f'{tag},"x"', f"W/{tag}", f'"x,y" , W/{tag} ,', "*", " * ", f'"9", *'):
            reply = self.client.get("/v1/studies/s", headers={"If-None-Match": known})
            self.assertEqual((known, reply.status, reply.body), (known, 304, b""))
            self.assertEqual(reply.headers["etag"], tag)
            self.assertEqual(self.client.get("/v1/studies/s?wait=0.05", headers={"If-None-Match": known}).status, 304)
        self.assertEqual(self.client.get("/v1/studies/none", headers={"If-None-Match": "*"}).status, 404)
        waiting = self.wait(f"s?wait={LONG}", headers={"If-None-Match": f'"x", {tag}'})
        self.client.patch("/v1/studies/s", {"state": "paused"})
        self.assertEqual(waiting.result().json["state"], "paused")
        for known in (tag, f'"x", {tag}', '"*"', "**", "", ","):
            reply = self.client.get("/v1/studies/s", headers={"If-None-Match": known})
            self.assertEqual((known, reply.status), (known, 200))

    def test_the_time_is_over(self):
        self.make("s")
        self.lease("s")
        seq = self.client.get("/v1/studies/s").seq
        for path in ("s", "s/trials/1", "s/brackets"):
            reply = self.client.get(f"/v1/studies/{path}?wait=5e-2&after={seq}")
            self.assertEqual((path, reply.status, reply.seq), (path, 200, seq))

    def test_a_trial_that_measures_or_ends_answers(self):
        self.make("s")
        first, second = self.lease("s"), self.lease("s")
        place = f"/v1/leases/{first['lease']['id']}"
        waiting = self.wait(f"s/trials/1?wait={LONG}")
        other = self.wait(f"s/trials/2?wait={LONG}", n=2)
        self.worker.post(f"{place}/measurements",
                         {"measurements": [{"step": 1, "metrics": {"loss": 0.5}}]})
        self.assertEqual(waiting.result().json["number"], 1)
        waiting = self.wait(f"s/trials/1?wait={LONG}", n=2)
        self.put(first, outcome="completed")
        self.assertEqual(waiting.result().json["state"], "completed")
        self.assertIsNone(other.reply)
        self.put(second, outcome="failed")
        self.assertEqual(other.result().json["state"], "failed")

    def test_what_is_not_there_is_not_waited_for(self):
        self.make("s")
        for path in ("none", "s/trials/9999", "s/trials/x", "none/brackets"):
            wait = 0.05 if path == "s/trials/9999" else LONG
            reply = self.client.get(f"/v1/studies/{path}?wait={wait}")
            self.assertEqual((path, reply.status), (path, 404))
        for query in ("wait=61", "wait=-1", "wait=x", "wait=nan", "wait=", "wait=1m", "wait=1e", "wait=0x1",
                      "wait=1&after=x", "wait=1&after=-1"):
            reply = self.client.get(f"/v1/studies/s?{query}")
            self.assertEqual((query, reply.status, reply.type), (query, 400, "malformed"))

    def test_numbers_of_another_database_are_answered_at_once(self):
        self.make("s")
        self.assertEqual(self.client.get(f"/v1/studies/s?wait={LONG}&after=999999").status, 200)

    def test_a_study_that_is_deleted_ends_its_waits(self):
        self.make("s")
        waiting = self.wait(f"s?wait={LONG}")
        self.client.delete("/v1/studies/s")
        self.assertEqual(waiting.result().status, 404)

    def test_a_token_that_is_revoked_ends_its_waits(self):
        self.make("s")
        made = self.client.post("/v1/tokens", {"scopes": ["read"], "name": "r"}).json
        waiting = self.wait(f"s?wait={LONG}", token=made["token"])
        self.client.delete(f"/v1/tokens/{made['id']}")
        self.assertEqual(waiting.result().status, 401)

    def test_a_server_that_stops_ends_them(self):
        self.make("s")
        waiting = self.wait(f"s?wait={LONG}")
        self.assertEqual(self.server.stop(), 0)
        self.assertIn(waiting.result().status, (200, 503))

    def send(self, path):
        """A request on a plain socket, of which the answer is not read."""
        address = urllib.parse.urlsplit(self.server.url)
        sock = socket.create_connection((address.hostname, address.port), timeout=30)
        self.addCleanup(sock.close)
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
                     f"Authorization: Bearer {self.server.token()}\r\n\r\n".encode())
        return sock

    def test_a_client_that_leaves_is_noticed(self):
        self.make("s")
        socks = [self.send(f"/v1/studies/s?wait={LONG}") for _ in range(20)]
        self.until_waiting(20)
        for sock in socks:
            sock.close()
        self.until_waiting(0)

    def test_beyond_the_places_there_is_no_waiting(self):
        self.make("s")
        socks = [self.send(f"/v1/studies/s?wait={LONG}") for _ in range(PLACES)]
        self.until_waiting(PLACES)
        reply = self.client.get(f"/v1/studies/s?wait={LONG}")
        self.assertEqual((reply.status, reply.headers["retry-after"]), (200, "1"))
        self.client.patch("/v1/studies/s", {"state": "paused"})
        for sock in socks:
            self.assertTrue(sock.recv(100).startswith(b"HTTP/1.1 200"))
        self.until_waiting(0)


if __name__ == "__main__":
    hone.main()
