#!/usr/bin/env python3
"""SIGHUP reads the settings again: what can change does, what cannot is named, a bad file changes
nothing, and no file holds the server up.
"""

import os
import signal
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402


class Reload(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hone-test-")
        self.addCleanup(folder.cleanup)
        self.config = os.path.join(folder.name, "honed.conf")
        self.write("checkpoint-limit = 64KiB\n")
        self.server = hone.Server(args=["--open", "--config", self.config])
        self.addCleanup(self.server.__exit__)
        self.server.start()
        self.client = self.server.client(None)
        self.addCleanup(self.client.close)

    def write(self, text):
        with open(self.config, "w", encoding="ascii") as file:
            file.write(text)

    def hang_up(self, says):
        before = self.server.log().count(says)
        self.server.process.send_signal(signal.SIGHUP)
        hone.wait_until(lambda: self.server.log().count(says) > before, 30, says)

    def upload(self, n_bytes):
        lease = self.client.post("/v1/leases", {"worker": "w"}).json["lease"]["id"]
        return self.client.request("PUT", f"/v1/leases/{lease}/checkpoint", raw=b"x" * n_bytes,
                                   headers={"Content-Type": "application/octet-stream"}).status

    def test_limits_change_and_what_cannot_is_named(self):
        self.assertEqual(self.client.post("/v1/studies", hone.study("s")).status, 201)
        self.assertEqual(self.upload(100000), 413)
        self.write("checkpoint-limit = 1MiB\nlog-limit = 1MiB\nhost = other.example\nkeep-audit = 7\n")
        self.hang_up("these take effect at the next start: host, keep-audit\n")
        self.assertEqual(self.upload(100000), 201)
        self.assertEqual(self.client.get("/v1/studies/s").status, 200)  # still not of another host only
        self.write("checkpoint-limit = 1MiB\nlog-limit = 1MiB\n")
        self.hang_up("the settings were read again\n")

    def test_a_bad_file_changes_nothing_and_none_is_waited_for(self):
        self.assertEqual(self.client.post("/v1/studies", hone.study("s")).status, 201)
        self.write("checkpoint-limit = 1MiB\nno-such = 1\n")
        self.hang_up('unknown key "no-such"; see honed --help; the settings stay as they are')
        self.assertEqual(self.upload(100000), 413)
        os.remove(self.config)
        self.hang_up("No such file or directory; the settings stay as they are")
        os.mkfifo(self.config)
        self.hang_up("it is a FIFO, not a regular file; the settings stay as they are")
        self.assertEqual(self.client.get("/v1/studies/s").status, 200)
        self.assertEqual(self.server.stop(), 0)


if __name__ == "__main__":
    hone.main()
