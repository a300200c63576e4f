#!/usr/bin/env python3
"""Clients that are slow, that send wrong lengths, or that send something like HTTP.

Each is cut off with a status where there is one, and never disturbs the others.
"""

import os
import socket
import sys
import threading
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

HEADER_DEADLINE_SECONDS = 10
BODY_DEADLINE_SECONDS = 30
SWEEP_SECONDS = 5  # how much later than its deadline a connection may be cut

GET = b"GET /healthz HTTP/1.1\r\n"


class BadClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = hone.Server()
        cls.server.start()
        cls.host = cls.server.url.removeprefix("http://").encode()
        cls.auth = b"Authorization: Bearer " + cls.server.token().encode() + b"\r\n"
        cls.slow = {}
        cls.start_slow("header", HEADER_DEADLINE_SECONDS, [b"G", b"ET /healthz HTT"], b"P")
        cls.start_slow("one header a time", HEADER_DEADLINE_SECONDS,
                       [GET + b"Host: " + cls.host + b"\r\n"], b"X-A: b\r\n")
        cls.start_slow("body", BODY_DEADLINE_SECONDS,
                       [b"POST /v1/studies HTTP/1.1\r\nHost: " + cls.host + b"\r\n" + cls.auth +
                        b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"], b" ")
        cls.start_slow("silent", HEADER_DEADLINE_SECONDS, [b""], b"")

    @classmethod
    def start_slow(cls, name, deadline, first, drip):
        def play():
            address = urllib.parse.urlsplit(cls.server.url)
            began = time.monotonic()
            with socket.create_connection((address.hostname, address.port)) as sock:
                sock.settimeout(0.5)
                try:
                    for part in first:
                        sock.sendall(part)
                    while time.monotonic() - began < deadline + 3 * SWEEP_SECONDS:
                        try:
                            if sock.recv(4096) == b"":
                                break
                        except socket.timeout:
                            sock.sendall(drip)
                except OSError:
                    pass
            cls.slow[name] = (time.monotonic() - began, deadline)
        thread = threading.Thread(target=play, daemon=True)
        cls.slow[name] = thread
        thread.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def assert_slow_is_cut(self, name):
        if isinstance(self.slow[name], threading.Thread):
            self.slow[name].join(60)
        seconds, deadline = self.slow[name]
        self.assertLess(seconds, deadline + SWEEP_SECONDS)

    def test_slow_header_is_cut(self):
        self.assert_slow_is_cut("header")

    def test_endless_headers_are_cut(self):
        self.assert_slow_is_cut("one header a time")

    def test_slow_body_is_cut(self):
        self.assert_slow_is_cut("body")

    def test_silent_connection_is_cut(self):
        seconds, deadline = None, None
        if isinstance(self.slow["silent"], threading.Thread):
            self.slow["silent"].join(60)
        seconds, deadline = self.slow["silent"]
        self.assertLess(seconds, deadline + 3 * SWEEP_SECONDS)

    def test_healthy_clients_do_not_notice(self):
        address = urllib.parse.urlsplit(self.server.url)
        slow = [socket.create_connection((address.hostname, address.port)) for _ in range(100)]
        try:
            for sock in slow:
                sock.sendall(b"POST /v1/studies HTT")
            with self.server.client() as client:
                for _ in range(50):
                    self.assertEqual(client.get("/v1/studies").status, 200)
        finally:
            for sock in slow:
                sock.close()

    def exchange(self, data):
        return hone.raw_exchange(self.server.url, data)

    def test_bad_framing_is_refused_and_the_connection_closed(self):
        host = b"Host: " + self.host + b"\r\n"
        post = b"POST /v1/studies HTTP/1.1\r\n" + host + self.auth
        smuggled = b"GET /smuggled HTTP/1.1\r\n" + host + b"\r\n"
        cases = {
            "no Host": GET + b"\r\n",
            "two Hosts": GET + host + host + b"\r\n",
            "two lengths": post + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}" + smuggled,
            "length and chunks": post + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
                                        b"0\r\n\r\n" + smuggled,
            "another encoding": post + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            "length no number": post + b"Content-Length: ten\r\n\r\n",
            "length below 0": post + b"Content-Length: -2\r\n\r\n",
            "body with a GET": GET + host + b"Content-Length: 2\r\n\r\n{}",
            "encoded slash": b"GET /v1/studies/a%2fb HTTP/1.1\r\n" + host + self.auth + b"\r\n",
            "NUL in the path": b"GET /v1/studies/a%00b HTTP/1.1\r\n" + host + self.auth + b"\r\n",
            "dots in the path": b"GET /v1/../healthz HTTP/1.1\r\n" + host + b"\r\n",
            "empty segment": b"GET //healthz HTTP/1.1\r\n" + host + b"\r\n",
            "no slash": b"GET healthz HTTP/1.1\r\n" + host + b"\r\n",
            "absolute form": b"GET http://evil/healthz HTTP/1.1\r\n" + host + b"\r\n",
            "junk method": b"BREW /healthz HTTP/1.1\r\n" + host + b"\r\n",
        }
        for name, data in cases.items():
            with self.subTest(name):
                answer = self.exchange(data)
                self.assertRegex(answer[:12], rb"HTTP/1\.1 4\d\d", answer[:300])
                if b"<html>" not in answer:  # the library refuses some by itself, in its own words
                    self.assertEqual(answer.count(b"HTTP/1.1 "), 1, "one answer, then closed")
                self.assertNotIn(b"smuggled", answer)

    def test_what_is_no_http_is_dropped(self):
        for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200, b"hello\r\n\r\n",
                     b"\0" * 500, b"\r\n" * 50 + b"GET"):
            with self.subTest(data[:12]):
                answer = hone.raw_exchange(self.server.url, data, half_close=True)
                self.assertNotIn(b"HTTP/1.1 2", answer)

    def test_huge_header_is_refused(self):
        answer = self.exchange(GET + b"Host: " + self.host + b"\r\nX-A: " + b"a" * 100000 + b"\r\n\r\n")
        self.assertNotIn(b"HTTP/1.1 2", answer)

    def test_promised_body_beyond_the_limit_is_refused_before_it_is_sent(self):
        answer = self.exchange(b"POST /v1/studies HTTP/1.1\r\nHost: " + self.host + b"\r\n" +
                               self.auth + b"Content-Type: application/json\r\n"
                               b"Content-Length: 999999999999\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 413"), answer[:300])

    def test_endless_chunks_are_refused(self):
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        answer = self.exchange(b"POST /v1/studies HTTP/1.1\r\nHost: " + self.host + b"\r\n" +
                               self.auth + b"Content-Type: application/json\r\n"
                               b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 140 + b"0\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 413") or answer == b"", answer[:300])

    def test_client_that_leaves_in_the_middle_changes_nothing(self):
        address = urllib.parse.urlsplit(self.server.url)
        body = b'{"name": "half"'
        for _ in range(20):
            with socket.create_connection((address.hostname, address.port)) as sock:
                sock.sendall(b"POST /v1/studies HTTP/1.1\r\nHost: " + self.host + b"\r\n" +
                             self.auth + b"Content-Type: application/json\r\nContent-Length: 400"
                             b"\r\n\r\n" + body)
        with self.server.client() as client:
            self.assertEqual(client.get("/v1/studies/half").status, 404)

    def test_waiting_asks_of_clients_that_left_get_no_trial(self):
        body = hone.study("parked", limits={"parallel": 1})
        with self.server.client() as client:
            self.assertEqual(client.post("/v1/studies", body).status, 201)
            with self.server.client("worker") as worker:
                held = worker.post("/v1/studies/parked/leases").json["lease"]["id"]
                self.leave_while_waiting(5)
                self.assertEqual(worker.delete(f"/v1/leases/{held}").status, 204)
                # Whoever asks next gets it at once: no ghost holds the only place.
                got = worker.post("/v1/studies/parked/leases", {"wait_seconds": 10}).json
                self.assertIsNotNone(got["lease"], got)

    def test_a_stop_waits_for_no_body_that_does_not_come(self):
        with hone.Server(args=["--open"]) as server:
            address = urllib.parse.urlsplit(server.url)
            with socket.create_connection((address.hostname, address.port)) as sock:
                sock.settimeout(BODY_DEADLINE_SECONDS)
                sock.sendall(b"POST /v1/suggest HTTP/1.1\r\nHost: " + server.url.removeprefix("http://").encode() +
                             b"\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n"
                             b"Expect: 100-continue\r\n\r\n")
                self.assertIn(b"100 Continue", sock.recv(4096))  # its head is read
                sock.sendall(b"{")
                began = time.monotonic()
                self.assertEqual(server.stop(60), 0)
                self.assertLess(time.monotonic() - began, 8)

    def leave_while_waiting(self, n):
        address = urllib.parse.urlsplit(self.server.url)
        ask = b'{"wait_seconds": 60}'
        for _ in range(n):
            with socket.create_connection((address.hostname, address.port)) as sock:
                sock.sendall(b"POST /v1/studies/parked/leases HTTP/1.1\r\nHost: " + self.host +
                             b"\r\nAuthorization: Bearer " + self.server.token("worker").encode() +
                             b"\r\nContent-Type: application/json\r\nContent-Length: " +
                             str(len(ask)).encode() + b"\r\n\r\n" + ask)
                sock.settimeout(0.2)
                with self.assertRaises(socket.timeout):
                    sock.recv(1)  # it is parked by now


if __name__ == "__main__":
    hone.main()
