#!/usr/bin/env python3
"""Acknowledged writes that are gone are noticed at the next start: a log that was deleted, cut or
damaged, a database that was deleted, emptied, put back from an older copy or taken from elsewhere.
The server refuses, says what it saw, and changes nothing; --accept-loss goes on in a new epoch.
"""

import glob
import hashlib
import os
import re
import shutil
import sqlite3
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

LINE = 512  # of the file hwm
GROUPS = 60


def path_of(server, name):
    return os.path.join(server.data, name)


def marked(server):
    """The highest commit that the file hwm names."""
    with open(path_of(server, "hwm"), "rb") as file:
        return max(int(number) for number in re.findall(rb"commit=(\d+)", file.read()))


def committed(server):
    connection = sqlite3.connect(f"file:{path_of(server, 'hone.db')}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT commit_number FROM store").fetchone()[0]
    finally:
        connection.close()


def digests(server):
    found = {}
    for path in sorted(glob.glob(path_of(server, "*"))):
        is_empty_log = path.endswith("-wal") and os.path.getsize(path) == 0
        if os.path.isfile(path) and not path.endswith(("lock", "-shm")) and not is_empty_log:
            with open(path, "rb") as file:
                found[os.path.basename(path)] = hashlib.sha256(file.read()).hexdigest()
    return found


def overwrite(path, at, data):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(data)


class SilentLoss(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """A data directory whose server was killed after groups that its mark knows of."""
        cls.killed = hone.Server()
        cls.addClassCleanup(cls.killed.__exit__)
        cls.killed.start()
        with cls.killed.client() as client:
            assert client.post("/v1/studies", hone.study("s")).status == 201
            for _ in range(GROUPS):
                reply = client.post("/v1/studies/s/trials", [{"parameters": {"x": 0.5}}])
                assert reply.status == 201, reply
        n = committed(cls.killed)
        assert n > GROUPS
        hone.wait_until(lambda: marked(cls.killed) >= n, 30, "the mark")
        cls.killed.kill()

    def setUp(self):
        self.server = hone.Server()
        self.addCleanup(self.server.__exit__)

    def fill(self):
        shutil.copytree(self.killed.data, self.server.data, dirs_exist_ok=True)

    def assert_refused(self, *words):
        before = digests(self.server)
        status, said = hone.run_honed("--data", self.server.data, "--listen", "127.0.0.1:0")
        self.assertEqual(status, 78, said)
        for word in (*words, "--accept-loss", "restore"):
            self.assertIn(word, said)
        self.assertEqual(digests(self.server), before)

    def accept(self):
        self.server.args = ["--accept-loss"]
        self.server.start()
        self.assertIn("--accept-loss: going on", self.server.log())
        self.assertEqual(self.server.stop(), 0)
        self.server.args = []
        self.server.start()  # once is enough
        self.assertNotIn("accept-loss", self.server.log())

    def trials(self):
        with self.server.client() as client:
            return len(list(client.walk("/v1/studies/s/trials")))

    def test_deleted_log(self):
        self.fill()
        os.remove(path_of(self.server, "hone.db-wal"))
        os.remove(path_of(self.server, "hone.db-shm"))
        self.assert_refused("lost acknowledged writes", "hone.db-wal")

    def test_log_cut_in_half(self):
        self.fill()
        wal = path_of(self.server, "hone.db-wal")
        os.truncate(wal, os.path.getsize(wal) // 2)
        self.assert_refused("lost acknowledged writes")
        self.accept()
        self.assertLess(self.trials(), GROUPS)
        self.server.kill()
        self.server.start()  # the mark and the database agree again

    def test_bit_flipped_in_the_log(self):
        self.fill()
        wal = path_of(self.server, "hone.db-wal")
        with open(wal, "rb") as file:
            file.seek(os.path.getsize(wal) // 2)
            byte = file.read(1)[0]
        overwrite(wal, os.path.getsize(wal) // 2, bytes([byte ^ 1]))
        self.assert_refused("lost acknowledged writes")

    def test_deleted_and_emptied_database(self):
        self.fill()
        for name in ("hone.db-wal", "hone.db-shm"):
            os.remove(path_of(self.server, name))
        os.truncate(path_of(self.server, "hone.db"), 0)
        self.assert_refused("missing or empty")
        os.remove(path_of(self.server, "hone.db"))
        self.assert_refused("missing or empty")
        self.assertFalse(os.path.exists(path_of(self.server, "hone.db")))
        self.accept()
        with self.server.client() as client:
            self.assertEqual(client.get("/v1/studies").json["items"], [])

    def test_deleted_database_and_mark(self):
        """The log alone says that there was something."""
        self.fill()
        os.remove(path_of(self.server, "hone.db"))
        os.remove(path_of(self.server, "hwm"))
        self.assert_refused("missing or empty", "hone.db-wal")
        self.accept()
        with self.server.client() as client:
            self.assertEqual(client.get("/v1/studies").json["items"], [])

    def test_older_copy_after_an_orderly_stop(self):
        self.server.start()
        self.assertEqual(self.server.stop(), 0)
        database, older = path_of(self.server, "hone.db"), self.server.data + ".older"
        self.addCleanup(os.remove, older)
        shutil.copy(database, older)
        self.server.start()
        with self.server.client() as client:
            self.assertEqual(client.post("/v1/studies", hone.study("s")).status, 201)
        self.assertEqual(self.server.stop(), 0)
        self.assertEqual(marked(self.server), committed(self.server))
        shutil.copy(older, database)
        self.assert_refused("lost acknowledged writes", "older copy")

    def test_database_of_another_server(self):
        self.server.start()
        self.assertEqual(self.server.stop(), 0)
        with hone.Server() as other:
            self.assertEqual(other.stop(), 0)
            shutil.copy(path_of(other, "hone.db"), path_of(self.server, "hone.db"))
        self.assert_refused("is not the database that was served from this directory")

    def test_torn_mark(self):
        self.server.start()
        self.assertEqual(self.server.stop(), 0)
        mark = path_of(self.server, "hwm")
        for at in (0, LINE):
            with self.subTest(at):
                overwrite(mark, at + 100, b"\0" * 300)
                self.server.start()
                self.assertEqual(self.server.stop(), 0)
        overwrite(mark, 0, b"\0" * 2 * LINE)
        self.assert_refused("hwm is damaged")

    def test_a_mark_that_cannot_be_opened_is_no_loss(self):
        self.fill()
        os.rename(path_of(self.server, "hwm"), path_of(self.server, "hwm.aside"))
        os.symlink("hwm.aside", path_of(self.server, "hwm"))
        status, said = hone.run_honed("--data", self.server.data, "--listen", "127.0.0.1:0")
        self.assertEqual(status, 78, said)
        self.assertIn("cannot read", said)
        self.assertNotIn("accept-loss", said)
        os.rename(path_of(self.server, "hwm.aside"), path_of(self.server, "hwm"))
        self.server.start()

    def test_a_file_cannot_accept(self):
        config = self.server.data + ".conf"
        self.addCleanup(os.remove, config)
        with open(config, "w", encoding="ascii") as file:
            file.write("accept-loss = yes\n")
        status, said = hone.run_honed("--data", self.server.data, "--config", config)
        self.assertEqual(status, 2, said)
        self.assertIn("accept-loss", said)


class Epoch(unittest.TestCase):
    """What became of leases when the server goes on from an older state."""

    def test_old_leases_end_and_cost_no_attempt(self):
        with hone.Server(args=["--open"]) as server:
            with server.client(None) as client:
                body = hone.study("s", limits={"trials": 2, "attempts": 1})
                self.assertEqual(client.post("/v1/studies", body).status, 201)
                known = client.post("/v1/studies/s/leases", {}).json["lease"]["id"]
            self.assertEqual(server.stop(), 0)
            older = server.data + ".older"
            self.addCleanup(os.remove, older)
            shutil.copy(path_of(server, "hone.db"), older)
            server.start()
            with server.client(None) as client:
                self.assertEqual(client.put(f"/v1/leases/{known}").status, 200)
                lost = client.post("/v1/studies/s/leases", {}).json["lease"]["id"]
            server.kill()
            for name in ("hone.db-wal", "hone.db-shm"):
                os.remove(path_of(server, name))
            shutil.copy(older, path_of(server, "hone.db"))
            server.args.append("--accept-loss")
            server.start()
            with server.client(None) as client:
                for lease in (known, lost):
                    report = {"outcome": "completed", "metrics": {"loss": 1}}
                    for reply in (client.put(f"/v1/leases/{lease}"), client.delete(f"/v1/leases/{lease}"),
                                  client.put(f"/v1/leases/{lease}/result", report),
                                  client.get(f"/v1/leases/{lease}/checkpoint"),
                                  client.post(f"/v1/leases/{lease}/measurements",
                                              {"measurements": [{"step": 1, "metrics": {"loss": 1}}]})):
                        self.assertEqual((reply.status, reply.type), (410, "epoch-changed"), reply)
                first = client.post("/v1/studies/s/leases", {}).json
                self.assertEqual((first["trial"]["number"], first["trial"]["attempt"]), (1, 2))
                second = client.post("/v1/studies/s/leases", {}).json
                self.assertEqual(second["trial"]["number"], 2)
                for lease in (first, second):
                    reply = client.put(f"/v1/leases/{lease['lease']['id']}/result",
                                       {"outcome": "completed", "metrics": {"loss": 1}})
                    self.assertEqual(reply.status, 200, reply)
                self.assertEqual(client.get(f"/v1/leases/{lost}/checkpoint").type, "epoch-changed")
                self.assertEqual(client.get("/v1/studies/s").json["state"], "finished")


if __name__ == "__main__":
    hone.main()
