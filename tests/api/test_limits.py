#!/usr/bin/env python3
"""What happens at the limits: whoever is too many is told so, with 503 and when to come again; nobody
who was taken is dropped; and slow clients take nothing from the others.

Where other limits are tested: places for streams and bytes of answers, unit/test_http_slow.c;
connections and descriptors, unit/test_http_limit.c; commands and reads that wait, unit/test_engine_parts.c;
requests that think, unit/test_api_think.c; the disk, test_bad_storage.py.
"""

import contextlib
import os
import re
import socket
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

MIB = 1 << 20
SLOW = 200  # clients of each kind
HEALTHY = 400  # requests beside them


def head(server, method, path, length, token="admin"):
    return (f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {server.token(token)}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n").encode()


def peak_bytes(server):
    """The most memory that it has had until now."""
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"^VmHWM:\s*(\d+) kB$", status.read(), re.MULTILINE).group(1)) << 10


class Refused(unittest.TestCase):
    def assert_told_to_come_again(self, reply):
        self.assertEqual((reply.status, reply.type), (503, "overloaded"), reply)
        self.assertIn(int(reply.headers["retry-after"]), (1, 2, 3))
        self.assertIs(reply.json["retryable"], True)


class HostileBodies(unittest.TestCase):
    """The most that one request may bring, in the forms that cost a parser most."""

    MOST = 8 * MIB
    BODIES = {
        "deep lists": b"[" * (MOST - 1),
        "deep objects": b'{"a":' * (MOST // 5),
        "values": b"[" + b"0," * (MOST // 2 - 2) + b"0]",
        "objects": b"[" + b"{}," * (MOST // 3 - 2) + b"{}]",
        "keys": b"{" + b",".join(b'"%x":0' % i for i in range(100000)) + b"}",
        "one text": b'["' + b"a" * (MOST - 5) + b'"]',
        "not sent": b"",  # announced only
    }

    def send_all(self, server):
        for name, body in self.BODIES.items():
            length = len(body) or 100 * MIB
            start = head(server, "POST", "/v1/studies/s/trials", length).replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
            answer = hone.raw_exchange(server.url, start + body)
            self.assertRegex(answer, rb"\AHTTP/1.1 4(00|13|22) ", name)

    def test_memory_has_a_bound_and_is_given_back(self):
        # Without the sanitizer's delay, freed memory is used again.
        options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
        with hone.Server(env={"ASAN_OPTIONS": options.lstrip(":")}) as server:
            with server.client() as client:
                self.assertEqual(client.post("/v1/studies", hone.study("s")).status, 201)
            before = peak_bytes(server)
            self.send_all(server)
            once = peak_bytes(server)
            self.assertLess(once - before, 256 * MIB)
            self.send_all(server)
            self.assertLess(peak_bytes(server) - once, 32 * MIB)


class Writer(Refused):
    """While a sync does not return, commands wait for the writer: up to 64 MiB, asks up to 48."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hone-test-")
        self.addCleanup(folder.cleanup)
        self.gate = os.path.join(folder.name, "gate")
        self.server = hone.Server(env=hone.preload_env(HONE_TEST_HOLD_SYNC=self.gate))
        self.addCleanup(self.server.__exit__)
        self.server.start()
        self.addCleanup(self.open_gate)
        self.admin = self.server.client()
        self.addCleanup(self.admin.close)
        self.replies = []

    def open_gate(self):
        if os.path.exists(self.gate):
            os.remove(self.gate)

    def queued(self):
        text = self.admin.get("/metrics").body.decode()
        return int(re.search(r"^hone_command_queue_length (\d+)$", text, re.MULTILINE).group(1))

    def background(self, method, path, raw):
        def run():
            with self.server.client() as client:
                self.replies.append(client.request(method, path, raw=raw))
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def test_a_full_queue_refuses_asks_before_results(self):
        self.admin.post("/v1/studies", hone.study("s"))
        with self.server.client("worker") as worker:
            lease = worker.post("/v1/leases").json["lease"]["id"]
            with open(self.gate, "w", encoding="ascii"):
                pass
            threads = [self.background("POST", "/v1/studies/s/trials", b'{"parameters": {"x": 0.5}}')]
            hone.wait_until(lambda: os.path.exists(self.gate + ".held"), 60, "a sync is held")
            # 24 MiB each while they wait: four times their length
            body = b'[{"parameters": {"x": 0.5}}' + b" " * (6 * MIB) + b"]"
            for n in (1, 2):
                threads.append(self.background("POST", "/v1/studies/s/trials", body))
                hone.wait_until(lambda n=n: self.queued() == n, 60, f"{n} commands wait")
            self.assert_told_to_come_again(worker.post("/v1/leases"))
            self.assert_told_to_come_again(self.admin.post("/v1/studies/s/trials", raw=body))
            result = self.background_result(lease)
            hone.wait_until(lambda: self.queued() == 3, 60, "the result waits, too")
            self.open_gate()
            for thread in [*threads, result]:
                thread.join(60)
            self.assertEqual(sorted(reply.status for reply in self.replies), [200, 201, 201, 201])
            self.assertEqual(worker.post("/v1/leases").status, 201)
        self.assertEqual(self.admin.get("/v1/studies/s").json["counts"]["completed"], 1)
        self.assertEqual(sum(self.admin.get("/v1/studies/s").json["counts"].values()), 4)

    def background_result(self, lease):
        def run():
            with self.server.client("worker") as client:
                self.replies.append(client.put(f"/v1/leases/{lease}/result",
                                               {"outcome": "completed", "metrics": {"loss": 1}}))
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread


class SlowClients(unittest.TestCase):
    def test_others_are_answered_beside_slow_ones(self):
        """200 that are slow with their head, 200 with their body and 200 that do not read their answer;
        of those that are well, all are answered."""
        with hone.Server() as server, contextlib.ExitStack() as stack:
            with server.client() as admin:
                admin.post("/v1/studies", hone.study("s"))
                admin.post("/v1/studies/s/trials",
                           [{"parameters": {"x": i / 1000}} for i in range(1000)])
            kinds = (b"GET /v1/studies HTT",
                     head(server, "POST", "/v1/studies/s/trials", 1000) + b"[",
                     head(server, "GET", "/v1/studies/s/trials?limit=1000", 0))
            for first in kinds:
                for _ in range(SLOW):
                    sock = stack.enter_context(socket.socket())
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                    sock.connect(("127.0.0.1", server.port))
                    sock.sendall(first)
            answered = 0
            with server.client() as admin, server.client("worker") as worker:
                for i in range(HEALTHY // 4):
                    lease = worker.post("/v1/leases")
                    answered += lease.status == 201
                    path = f"/v1/leases/{lease.json['lease']['id']}"
                    answered += worker.put(path).status == 200
                    answered += worker.put(path + "/result", {"outcome": "completed",
                                                              "metrics": {"loss": i}}).status == 200
                    answered += admin.get("/v1/studies/s").status == 200
            self.assertEqual(answered, HEALTHY)


if __name__ == "__main__":
    hone.main()
