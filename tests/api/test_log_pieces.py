#!/usr/bin/env python3
"""Logs over HTTP: pieces by offset, what is read of them, who follows, what a kill and a full disk
leave."""

import http.client
import os
import resource
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402


class LogTest(hone.ServedTest):
    args, env = [], {}

    def setUp(self):
        self.server = hone.Server(args=self.args, env=self.env)
        self.addCleanup(self.server.__exit__)
        self.server.start()
        self.addCleanup(self.server.stop)
        self.connect()

    def begin(self, name="s", **more):
        self.make(name, **more)
        return self.lease(name)["lease"]["id"]

    def send(self, lease, offset, data, rest="", client=None):
        return (client or self.worker).request("POST", f"/v1/leases/{lease}/log?offset={offset}{rest}",
                                               raw=data, headers={"Content-Type": "text/plain"})

    def sent(self, *args, **more):
        reply = self.send(*args, **more)
        self.assertEqual(reply.status, 200, reply)
        return reply.json["next_offset"]

    def read(self, query="", name="s", trial=1):
        reply = self.client.get(f"/v1/studies/{name}/trials/{trial}/log{query}")
        self.assertEqual(reply.status, 200, reply)
        return reply.body

    def complete(self, lease):
        reply = self.worker.put(f"/v1/leases/{lease}/result",
                                {"outcome": "completed", "metrics": {"loss": 1}})
        self.assertEqual(reply.status, 200, reply)

    def follow(self, query="?follow=true"):
        """Reads in a thread, which ends with the answer; the buffer holds what has come."""
        body = bytearray()
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=70)

        def read():
            connection.request("GET", "/v1/studies/s/trials/1/log" + query, headers={
                "Authorization": f"Bearer {self.server.token()}"})
            response = connection.getresponse()
            while piece := response.read1():
                body.extend(piece)
        thread = threading.Thread(target=read)
        thread.start()
        self.addCleanup(connection.close)
        return thread, body


class Pieces(LogTest):
    def test_bytes_come_back_as_they_were_sent(self):
        lease = self.begin()
        data = bytes(range(256)) * 300
        self.assertEqual(self.read(), b"")
        self.assertEqual(self.sent(lease, 0, data[:70000]), 70000)
        self.assertEqual(self.sent(lease, 0, data[:100]), 70000)
        self.assertEqual(self.sent(lease, 60000, data[60000:]), len(data))
        self.assertEqual(self.sent(lease, len(data) + 1, b"x"), len(data))
        self.assertEqual(self.read(), data)
        reply = self.client.get("/v1/studies/s/trials/1/log")
        self.assertEqual(reply.headers["content-type"], "text/plain; charset=utf-8")
        self.assertEqual(reply.headers["hone-attempt"], "1")

    def test_the_last_lines_and_a_face_for_terminals(self):
        lease = self.begin()
        self.sent(lease, 0, b"one\ntwo\n10%\r20%\n\x1b[2Jend")
        self.assertEqual(self.read("?tail=2"), b"10%\r20%\n\x1b[2Jend")
        self.assertEqual(self.read("?tail=0"), b"")
        self.assertEqual(self.read("?tail=99&format=table"), b"one\ntwo\n10%\n20%\n\\x1b[2Jend")

    def test_an_answer_in_pieces_says_where_they_are(self):
        lease = self.begin()
        self.assertEqual(self.read("?pieces=true"), b"piece 1 0 0\nend\n")
        self.sent(lease, 0, b"one\ntwo\n")
        self.assertEqual(self.read("?pieces=true"), b"piece 1 8 8\none\ntwo\nend\n")
        self.assertEqual(self.read("?pieces=true&tail=1"), b"piece 1 8 4\ntwo\nend\n")
        self.assertEqual(self.read("?pieces=true&offset=5&attempt=1"), b"piece 1 8 3\nwo\nend\n")
        self.assertEqual(self.read("?pieces=true&offset=99"), b"piece 1 99 0\nend\n")
        self.assertEqual(self.read("?offset=4"), b"two\n")
        self.assertEqual(self.client.get("/v1/studies/s/trials/1/log?offset=1&tail=1").type,
                         "malformed")

    def test_a_follower_can_tell_the_end_from_a_stop(self):
        lease = self.begin()
        self.sent(lease, 0, b"one")
        thread, body = self.follow("?follow=true&pieces=true")
        hone.wait_until(lambda: body.endswith(b"one"), 30, "the first piece")
        self.server.stop()
        thread.join(30)
        self.assertEqual(bytes(body), b"piece 1 3 3\none")
        self.server.start()
        self.connect()
        thread, body = self.follow("?follow=true&pieces=true&attempt=1&offset=3")
        hone.wait_until(lambda: bytes(body) == b"piece 1 3 0\n", 30, "where it is")
        self.sent(lease, 3, b"two", "&end=true")
        thread.join(30)
        self.assertEqual(bytes(body), b"piece 1 3 0\npiece 1 6 3\ntwoend\n")

    def test_every_attempt_has_its_own(self):
        lease = self.begin(limits={"trials": 1, "retries": 1})
        self.sent(lease, 0, b"first")
        self.worker.put(f"/v1/leases/{lease}/result", {"outcome": "failed"})
        again = self.lease("s")
        self.assertEqual(again["trial"]["attempt"], 2)
        self.assertEqual(self.read(), b"")
        self.sent(again["lease"]["id"], 0, b"second")
        self.sent(lease, 5, b", and its end")
        self.assertEqual(self.read(), b"second")
        self.assertEqual(self.read("?attempt=1"), b"first, and its end")

    def test_what_cannot_be_is_refused(self):
        lease = self.begin()
        lines = [(self.send("l_aaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, b"x"), 404, "not-found"),
                 (self.send(lease[:-7] + ("a" if lease[-7] != "a" else "b") + lease[-6:], 0, b"x"), 404,
                  "not-found"),
                 (self.send(lease, -1, b"x"), 400, "malformed"),
                 (self.send(lease, 0, b"x", "&color=red"), 400, "malformed"),
                 (self.send(lease, 0, b"x", client=self.client), 403, "forbidden"),
                 (self.worker.get("/v1/studies/s/trials/1/log"), 403, "forbidden"),
                 (self.client.get("/v1/studies/s/trials/1/log?attempt=2"), 404, "not-found"),
                 (self.client.get("/v1/studies/s/trials/2/log"), 404, "not-found"),
                 (self.client.get("/v1/studies/s/trials/1/log?tail=x"), 400, "malformed"),
                 (self.client.get("/v1/studies/s/trials/1/log?format=json"), 400, "malformed")]
        for i, (reply, status, kind) in enumerate(lines):
            with self.subTest(i):
                self.assertEqual((reply.status, reply.type), (status, kind), reply)
        self.assertEqual(self.read(), b"")

    def test_a_deleted_study_keeps_no_logs_and_takes_none(self):
        lease = self.begin()
        self.sent(lease, 0, b"text")
        folder = os.path.join(self.server.data, "logs")
        self.assertEqual(len(os.listdir(folder)), 1)
        self.assertEqual(self.client.delete("/v1/studies/s?force=true").status, 204)
        hone.wait_until(lambda: os.listdir(folder) == [], 30, "the logs are gone")
        self.assertEqual(self.send(lease, 4, b"more").type, "lease-ended")
        self.assertEqual(os.listdir(folder), [])

    def test_a_kill_loses_nothing_that_was_written(self):
        lease = self.begin()
        data = os.urandom(150000)
        self.sent(lease, 0, data[:65536])
        self.restart()
        self.assertEqual(self.read(), data[:65536])
        self.assertEqual(self.sent(lease, 65536, data[65536:]), len(data))
        self.assertEqual(self.read(), data)
        hone.wait_until(lambda: b"\nhone_log_bytes 150256\n" in self.client.get("/metrics").body, 30,
                        "what is there was counted")

    def test_names_on_the_disk_are_numbers_and_private(self):
        self.sent(self.begin("a..b"), 0, b"x")
        folder = os.path.join(self.server.data, "logs")
        found = [os.path.join(where, name) for where, _, names in os.walk(folder) for name in names]
        self.assertEqual([os.path.relpath(path, folder) for path in found], ["1/1-1.log"])
        self.assertEqual(os.stat(found[0]).st_mode & 0o777, 0o600)


class Limits(LogTest):
    args = ["--log-limit", "64KiB", "--logs-limit", "200K"]

    def test_of_a_long_log_the_beginning_and_the_end_are_kept(self):
        lease = self.begin()
        data, offset = os.urandom(300000), 0
        while offset < len(data):
            reply = self.send(lease, offset, data[offset:offset + 10000])
            self.assertEqual(reply.json["limit"], 65536)
            offset = reply.json["next_offset"]
        left_out = len(data) - 65536
        self.assertEqual(self.read(), data[:32768] + f"\n… {left_out} bytes left out …\n".encode()
                         + data[-32768:])

    def test_old_logs_make_room_and_live_ones_stay(self):
        self.make("s")
        leases = [self.lease("s")["lease"]["id"] for _ in range(8)]
        for lease in leases:
            self.sent(lease, 0, b"x" * 40000)
        for lease in leases[1:]:
            self.complete(lease)
        last, offset = self.lease("s")["lease"]["id"], 0

        def kept():
            nonlocal offset
            offset = self.sent(last, offset, b"x" * 5000)
            return {int(name.split("-")[0])
                    for name in os.listdir(os.path.join(self.server.data, "logs", "1"))}
        hone.wait_until(lambda: len(kept()) <= 5, 30, "logs were removed")
        self.assertLessEqual({1, 9}, kept())
        self.assertNotIn(2, kept())


class Followers(LogTest):
    env = {"HONE_TEST_CLOCK_SCALE": "40"}  # ten seconds without a last word are a quarter

    def test_they_get_what_comes_until_the_end(self):
        lease = self.begin(lease={"ttl_seconds": 3600})
        self.sent(lease, 0, b"one\n")
        thread, body = self.follow()
        tail_thread, tail = self.follow("?follow=true&tail=1")
        hone.wait_until(lambda: body == tail == b"one\n", 30, "they have what there is")
        self.sent(lease, 4, b"two\n")
        self.complete(lease)
        self.sent(lease, 8, b"last words\n", "&end=true")
        thread.join(60)
        tail_thread.join(60)
        self.assertEqual((body, tail), (b"one\ntwo\nlast words\n",) * 2)

    def test_without_last_words_they_end_a_little_later(self):
        lease = self.begin(lease={"ttl_seconds": 3600})
        self.sent(lease, 0, b"one\n")
        thread, body = self.follow()
        self.complete(lease)
        thread.join(60)
        self.assertEqual(body, b"one\n")
        self.assertEqual(self.read("?follow=true"), b"one\n")


class FullDisk(LogTest):
    def test_a_log_that_does_not_fit_costs_no_result(self):
        lease = self.begin()
        self.sent(lease, 0, b"x" * 100000)
        _, hard = resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE)
        wal = max(os.path.getsize(os.path.join(self.server.data, name))
                  for name in os.listdir(self.server.data))
        limit = max(wal + 1000000, 1200000)
        resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE, (limit, hard))
        offset = 100000
        while offset < limit + 100000:
            reply = self.send(lease, offset, b"x" * 500000)
            if reply.status != 200:
                break
            offset = reply.json["next_offset"]
        self.assertEqual((reply.status, reply.type), (503, "storage-full"), reply)
        self.complete(lease)
        resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        self.assertGreater(self.sent(lease, offset, b"x" * 500000), offset)
        self.assertEqual(set(self.read()), {ord("x")})

    def test_the_last_bytes_of_a_disk_are_for_results(self):
        folder = tempfile.mkdtemp(prefix="hone-small-")
        self.addCleanup(os.rmdir, folder)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32M", "hone-test", folder],
                                 stderr=subprocess.PIPE, text=True, check=False)
        if mounted.returncode != 0:
            self.skipTest(f"not run: no small file system: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", folder], check=True)
        self.server.stop()
        self.server = hone.Server(data=os.path.join(folder, "data")).start()
        self.addCleanup(self.server.stop)
        self.connect()
        lease = self.begin()
        reply = self.send(lease, 0, b"x")
        self.assertEqual((reply.status, reply.type), (503, "storage-full"), reply)
        self.assertIn("retry-after", reply.headers)
        self.complete(lease)
        self.assertIn(b"\nhone_log_pieces_refused_total 1\n", self.client.get("/metrics").body)


class Settings(unittest.TestCase):
    def test_sizes_that_cannot_be_are_said(self):
        for option, size in (("--log-limit", "16"), ("--log-limit", "2TiB"), ("--logs-limit", "much")):
            with self.subTest(option=option, size=size):
                status, said = hone.run_honed(option, size, "--open")
                self.assertEqual(status, 2, said)
                self.assertIn(option, said)


if __name__ == "__main__":
    hone.main()
