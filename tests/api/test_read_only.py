#!/usr/bin/env python3
"""What a server does that can no longer trust its database or its files: it refuses every write, says
so in /readyz and in its log, goes on reading, and changes nothing.
"""

import os
import shutil
import socket
import sqlite3
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

PAGE = 4096


class ReadOnly(unittest.TestCase):
    def setUp(self):
        self.server = hone.Server()
        self.addCleanup(self.server.__exit__)
        self.server.start()
        with self.server.client() as client:
            self.assertEqual(client.post("/v1/studies", hone.study("s")).status, 201)
            body = [{"parameters": {"x": 0.5}}] * 400
            self.assertEqual(client.post("/v1/studies/s/trials", body).status, 201)

    def path(self, name):
        return os.path.join(self.server.data, name)

    def damage(self, first):
        """Every page from this one on is noise."""
        with open(self.path("hone.db"), "r+b") as file:
            size = os.path.getsize(self.path("hone.db"))
            self.assertGreater(size, (first + 4) * PAGE)
            file.seek(first * PAGE)
            file.write(b"\x5a" * (size - first * PAGE))

    def assert_read_only(self, client, *words):
        unready = hone.wait_until(lambda: self.unready(client), 30, "it is not ready")
        self.assertEqual((unready.status, unready.type), (503, "read-only"))
        for word in words:
            self.assertIn(word, unready.json["detail"])
        refused = client.post("/v1/studies", hone.study("t"))
        self.assertEqual((refused.status, refused.type), (503, "read-only"), refused)
        self.assertIn("retry-after", refused.headers)
        self.assertEqual(client.get("/healthz").status, 200)
        metrics = client.get("/metrics").body.decode()
        self.assertIn("\nhone_read_only 1\n", metrics)
        self.assertIn("\nhone_writable 0\n", metrics)
        self.assertEqual(self.server.log().count("only reads are served from now on"), 1)

    def unready(self, client):
        reply = client.get("/readyz")
        return reply if reply.status != 200 else None

    def unread_page(self):
        """Where measurements of a completed trial lie, which no start reads."""
        with self.server.client("worker") as worker:
            lease = worker.post("/v1/studies/s/leases", {}).json["lease"]["id"]
            for first in range(1, 2001, 500):
                reply = worker.post(f"/v1/leases/{lease}/measurements", {"measurements": [
                    {"step": step, "metrics": {"other": step}} for step in range(first, first + 500)]})
                self.assertEqual(reply.status, 200, reply)
            report = {"outcome": "completed", "metrics": {"loss": 1}}
            self.assertEqual(worker.put(f"/v1/leases/{lease}/result", report).status, 200)
        self.assertEqual(self.server.stop(), 0)
        connection = sqlite3.connect(self.path("hone.db"))
        root, = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'measurement'").fetchone()
        connection.close()
        with open(self.path("hone.db"), "rb") as file:
            file.seek((root - 1) * PAGE)
            page = file.read(PAGE)
        self.assertEqual(page[0], 2)  # it has pages below it (SQLite's file format, 1.6)
        cell = int.from_bytes(page[12:14], "big")
        return (int.from_bytes(page[cell:cell + 4], "big") - 1) * PAGE

    def test_damage_is_found_after_an_orderly_stop(self):
        at = self.unread_page()
        with open(self.path("hone.db"), "r+b") as file:
            file.seek(at)
            file.write(b"\x5a" * PAGE)
        self.server.start()
        with self.server.client() as client:
            self.assert_read_only(client, "damaged")
            self.assertEqual(client.get("/v1/studies/s").status, 200)
        self.assertIn("restore a backup", self.server.log())
        self.assertEqual(self.server.stop(), 0)
        with open(self.path("hone.db"), "rb") as file:
            file.seek(at)
            self.assertEqual(file.read(PAGE), b"\x5a" * PAGE)

    def test_damage_that_the_start_meets_is_refused(self):
        self.assertEqual(self.server.stop(), 0)
        self.damage(2)
        with open(self.path("hone.db"), "rb") as file:
            before = file.read()
        status, said = hone.run_honed("--data", self.server.data, "--listen", "127.0.0.1:0")
        self.assertEqual(status, 78, said)
        self.assertIn("damaged", said)
        self.assertIn("restore a backup", said)
        self.assertEqual(said.count("\n"), 1, said)
        with open(self.path("hone.db"), "rb") as file:
            self.assertEqual(file.read(), before)

    def test_first_damaged_page_that_is_read_ends_writing(self):
        self.assertEqual(self.server.stop(), 0)
        self.server.start()
        with self.server.client() as client:
            self.assertEqual(client.get("/readyz").status, 200)
            self.damage(2)
            reply = client.get("/v1/studies/s/trials")
            self.assertEqual((reply.status, reply.type), (503, "read-only"), reply)
            self.assert_read_only(client, "damaged")
            self.assertIn("restore a backup", self.server.log())

    def test_waiting_asks_are_answered(self):
        with self.server.client() as client, self.server.client("worker") as worker, \
                socket.create_connection(("127.0.0.1", self.server.port)) as waiting:
            body = hone.study("done", limits={"trials": 1})
            self.assertEqual(client.post("/v1/studies", body).status, 201)
            self.assertEqual(worker.post("/v1/studies/done/leases", {}).status, 201)
            ask = b'{"wait_seconds": 60}'
            waiting.sendall(b"POST /v1/studies/done/leases HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                            b"Content-Type: application/json\r\nConnection: close\r\n"
                            b"Authorization: Bearer " + self.server.token("worker").encode()
                            + b"\r\nContent-Length: %d\r\n\r\n" % len(ask) + ask)
            hone.wait_until(lambda: b"\nhone_asks_waiting 1\n" in client.get("/metrics").body, 30, "the ask")
            os.remove(self.path("lock"))
            waiting.settimeout(50)
            self.assertIn(b" 503 ", waiting.recv(65536).split(b"\r\n")[0])
            self.assert_read_only(client, "removed or replaced")

    def test_files_that_are_removed_or_replaced(self):
        def move(name):
            os.rename(self.path(name), self.path(name + ".moved"))

        def replace(name):
            shutil.copy(self.path(name), self.path(name + ".copy"))
            os.rename(self.path(name + ".copy"), self.path(name))

        for harm, name in ((move, "hone.db-wal"), (replace, "hone.db"),
                           (lambda _: shutil.rmtree(self.server.data), "")):
            with self.subTest(name or "the directory"), self.server.client() as client:
                harm(name)
                self.assert_read_only(client, "removed or replaced")
                self.assertIn(f"{self.path(name).rstrip('/')} was re", self.server.log())
                self.assertEqual(client.get("/v1/studies/s").status, 200)  # it is still there to be read
                self.server.kill()
                if name:
                    shutil.rmtree(self.server.data)
                    os.mkdir(self.server.data, 0o700)
                    self.server.start()
                    with self.server.client() as fresh:
                        self.assertEqual(fresh.post("/v1/studies", hone.study("s")).status, 201)


if __name__ == "__main__":
    hone.main()
