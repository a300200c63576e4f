"""What tests of backups over HTTP share: a server with a backup directory, and waiting for a backup."""

import os
import re
import shutil
import tempfile
import unittest

import hone


class BackupsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="hone-backups-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.data = os.path.join(self.folder, "data")
        self.backups = os.path.join(self.folder, "hone")
        os.mkdir(self.backups)
        self.server = None

    def serve(self, *args, env=None):
        self.server = hone.Server(data=self.data, args=["--backup-directory", self.backups, *args], env=env)
        self.addCleanup(self.server.__exit__)
        self.server.start()
        client = self.server.client()
        self.addCleanup(client.close)
        return self.server, client

    def ended(self, name, nth=1):
        """Waits until the nth attempt at this backup is over: the line says how."""
        return self.server.wait_line(rf"backup \S*/{re.escape(name)}\.db: ", nth)

    def made(self, client, name, nth=1):
        """The item of the list once it is no longer being made."""
        self.ended(name, nth)
        items = client.get("/v1/backups").json["items"]
        return next(item for item in items if item["name"] == name)

    def in_folder(self):
        """What is in the backup directory, but for the file by which it is known."""
        return sorted(set(os.listdir(self.backups)) - {"hone-backups"})

    def metric(self, client, name):
        text = client.get("/metrics").body.decode()
        return float(re.search(rf"^hone_{name} (\S+)$", text, re.M).group(1))
