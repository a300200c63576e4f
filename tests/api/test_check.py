#!/usr/bin/env python3
"""honed --check: each thing that it looks at, well and not, and nothing changed by looking.
"""

import glob
import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402
from test_upgrade import make_old  # noqa: E402

DAY = 86400
OK, BAD = 0, 78


def everything(folder):
    """Names, contents, rights and times of all that is there."""
    found = {}
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "**"), recursive=True)):
        if not os.path.exists(path):
            continue
        facts = os.stat(path)
        digest = None
        if os.path.isfile(path):
            with open(path, "rb") as file:
                digest = hashlib.sha256(file.read()).hexdigest()
        found[os.path.relpath(path, folder)] = (facts.st_mode, facts.st_ino, facts.st_mtime_ns, digest)
    return found


class Check(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Two data directories: of a server that was stopped, and of one that was killed."""
        cls.folder = tempfile.mkdtemp(prefix="hone-check-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.stopped = os.path.join(cls.folder, "stopped")
        cls.killed = os.path.join(cls.folder, "killed")
        with hone.Server(data=cls.stopped) as server:
            with server.client() as client:
                assert client.post("/v1/studies", hone.study("s")).status == 201
                assert client.post("/v1/studies/s/trials", [{"parameters": {"x": 0.5}}] * 200).status == 201
            shutil.copytree(cls.stopped, cls.killed)
            assert server.stop() == 0
        assert os.path.getsize(os.path.join(cls.killed, "hone.db-wal")) > 0

    def setUp(self):
        self.data = os.path.join(self.folder, self.id().rsplit(".", 1)[1])
        shutil.copytree(self.stopped, self.data)

    def path(self, name):
        return os.path.join(self.data, name)

    def check(self, status, *args, env=None):
        """What it says of each thing: {check: [(grade, text)]}."""
        before = everything(self.data)
        found, said = hone.run_honed("--check", "--data", self.data, *args, env=env)
        self.assertEqual(everything(self.data), before)
        self.assertEqual(found, status, said)
        lines = {}
        for line in said.splitlines():
            match = re.fullmatch(r"(ok  |warn|bad ) ([^:]+): (.+)", line)
            self.assertIsNotNone(match, line)
            lines.setdefault(match.group(2), []).append((match.group(1).strip(), match.group(3)))
        grades = {grade for found in lines.values() for grade, _ in found}
        self.assertEqual(status == BAD, "bad" in grades, said)
        return lines

    def assert_line(self, lines, check, grade, *words):
        self.assertEqual([found for found, _ in lines.get(check, [])], [grade], lines)
        for word in words:
            self.assertIn(word, lines[check][0][1])

    def assert_well(self, lines):
        for check in ("directory", "space", "files", "server", "schema", "database", "hwm", "admin.token"):
            self.assert_line(lines, check, "ok")

    def sql(self, *statements):
        connection = sqlite3.connect(self.path("hone.db"))
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()

    def test_a_sound_directory_is_well(self):
        lines = self.check(OK)
        self.assert_well(lines)
        self.assertIn("3.", lines["SQLite"][0][1])
        self.assertIn("GnuTLS", lines["libraries"][0][1])

    def test_what_is_in_the_log_alone_is_seen(self):
        shutil.rmtree(self.data)
        shutil.copytree(self.killed, self.data)
        self.assert_well(self.check(OK))
        os.remove(self.path("hone.db-shm"))
        self.assert_well(self.check(OK))

    def test_a_directory_with_signs_of_a_url_in_its_name(self):
        self.data += " 1%20?a#b"
        shutil.copytree(self.stopped, self.data)
        self.assert_well(self.check(OK))

    def test_a_running_server_is_named_and_not_disturbed(self):
        with hone.Server(data=self.data) as server, server.client() as client:
            status, said = hone.run_honed("--check", "--data", self.data)
            self.assertEqual(status, OK, said)
            self.assertIn(f"ok   server: honed (pid {server.process.pid}) runs here", said)
            self.assertIn("are not seen", said)
            self.assertIn("every page", said)
            self.assertEqual(client.post("/v1/studies", hone.study("t")).status, 201)
            self.assertEqual(server.stop(), 0)

    def test_a_directory_that_is_not_there(self):
        shutil.rmtree(self.data)
        self.assert_line(self.check(BAD), "directory", "bad", "--data")
        self.assertFalse(os.path.exists(self.data))

    def test_a_directory_that_others_may_write_to(self):
        os.chmod(self.data, 0o777)
        self.assert_line(self.check(BAD), "directory", "bad", "chmod go-w")

    def test_a_directory_of_another_program(self):
        for path in ("hone.db", "hwm"):
            os.remove(self.path(path))
        with open(self.path("main.py"), "w", encoding="ascii"):
            pass
        self.assert_line(self.check(BAD), "directory", "bad", "other files (main.py)")

    def test_files_that_others_may_write_or_read(self):
        os.chmod(self.path("hone.db"), 0o666)
        self.assert_line(self.check(BAD), "files", "bad", "hone.db", "chmod go=")
        os.chmod(self.path("hone.db"), 0o600)
        os.chmod(self.path("admin.token"), 0o644)
        self.assert_line(self.check(OK), "files", "warn", "admin.token", "chmod go=")

    def test_file_systems_that_lose_data(self):
        for kind, status, grade, word in ((0x6969, BAD, "bad", "NFS"), (0x01021994, OK, "warn", "memory")):
            lines = self.check(status, env=hone.preload_env(HONE_TEST_FS_TYPE=kind))
            self.assert_line(lines, "file system", grade, word, "--data")

    def test_too_little_space(self):
        self.assert_line(self.check(BAD, env=hone.preload_env(HONE_TEST_FS_FREE=1 << 20)), "space", "bad",
                         "free some")
        env = hone.preload_env(HONE_TEST_FS_FREE=(64 << 20) + 4096)
        self.assert_line(self.check(OK, env=env), "space", "warn", "an upgrade copies it")

    def test_no_database_yet(self):
        for path in os.listdir(self.data):
            if os.path.isfile(self.path(path)):
                os.remove(self.path(path))
        self.assert_line(self.check(OK), "database", "warn", "a start makes it")

    def test_a_database_of_a_newer_honed(self):
        self.sql("PRAGMA user_version = 9999")
        self.assert_line(self.check(BAD), "schema", "bad", "9999", "start the newer honed")

    def test_a_database_of_an_older_honed(self):
        make_old(self.path("hone.db"), of=3)
        os.chmod(self.path("hone.db"), 0o600)
        self.assert_line(self.check(OK), "schema", "warn", "before-0003.db", "backup")

    def test_a_database_of_another_program(self):
        self.sql("PRAGMA application_id = 7")
        self.assert_line(self.check(BAD), "schema", "bad", "is not a database of honed")

    def test_a_damaged_page(self):
        size = os.path.getsize(self.path("hone.db"))
        with open(self.path("hone.db"), "r+b") as file:
            file.seek(size - 2 * 4096)  # of the tables; the first ones are the schema's
            file.write(b"\xa5" * 2 * 4096)
        lines = self.check(BAD)
        self.assert_line(lines, "database", "bad", "restore a backup")

    def test_a_reference_to_nothing(self):
        self.sql("PRAGMA foreign_keys = OFF", "INSERT INTO metric (study, id, name) VALUES (99, 1, 'loss')")
        self.assert_line(self.check(BAD), "database", "bad", "name others that are not there")

    def test_lost_writes(self):
        self.sql("UPDATE store SET commit_number = 1")
        self.assert_line(self.check(BAD), "hwm", "bad", "lost acknowledged writes", "--accept-loss")
        os.remove(self.path("hone.db"))
        self.assert_line(self.check(BAD), "hwm", "bad", "missing or empty", "--restore")

    def test_a_mark_that_is_not_there(self):
        os.remove(self.path("hwm"))
        self.assert_line(self.check(OK), "hwm", "warn", "the next start writes one")

    def test_an_admin_token_that_opens_nothing(self):
        os.remove(self.path("admin.token"))
        self.assert_line(self.check(OK), "admin.token", "warn", "missing", "another token")
        shutil.copy(self.path("worker.token"), self.path("admin.token"))
        self.assert_line(self.check(OK), "admin.token", "warn", "lacks the scope")
        with open(self.path("admin.token"), "w", encoding="ascii") as file:
            file.write("hp_aaaaaaaa_bbbbbbbbbbbbbbbbbbbb\n")
        self.assert_line(self.check(OK), "admin.token", "warn", "not a token of this database")
        self.sql("UPDATE token SET revoked_at_ms = 1")
        self.assert_line(self.check(OK), "admin.token", "warn", "restart honed")

    def test_a_certificate(self):
        cert, key, other = (os.path.join(self.folder, name) for name in ("cert", "key", "other"))

        def make(to, expires):
            subprocess.run([hone.build_path("MAKE_CERTIFICATE"), cert, to, "1", str(-2 * DAY), str(expires)],
                           check=True)

        make(key, 365 * DAY)
        self.assert_line(self.check(OK, "--tls-cert", cert, "--tls-key", key), "certificate", "ok", "valid until")
        self.assert_line(self.check(BAD, "--tls-cert", cert), "certificate", "bad", "--tls-key")
        make(key, -DAY)
        self.assert_line(self.check(OK, "--tls-cert", cert, "--tls-key", key), "certificate", "warn", "expired",
                         "renew")
        make(other, DAY)
        self.assert_line(self.check(BAD, "--tls-cert", cert, "--tls-key", key), "certificate", "bad",
                         "belong together")

    def test_backups(self):
        backups = os.path.join(self.data + "-backups")
        os.mkdir(backups)
        args = ["--backup-directory", backups]

        def check(status, grade, *words):
            before = everything(backups)
            self.assert_line(self.check(status, *args), "backups", grade, *words)
            self.assertEqual(everything(backups), before)

        def check_ahead(grade, words, ahead=""):
            """One whose time lies ahead stands beside the one that is looked at."""
            told = self.check(OK, *args)["backups"]
            self.assertEqual([found for found, _ in told], [grade, "warn"], told)
            self.assertIn(words, told[0][1])
            for said in ("1 with a time in the future", ahead, "touch its .json"):
                self.assertIn(said, told[1][1])

        check(OK, "warn", "none yet")
        with hone.Server(data=self.data, args=args) as server, server.client() as client:
            for name in ("old", "new"):
                client.post("/v1/backups", {"name": name})
                server.wait_line(f"{name}.db: .* checked")
            self.assertEqual(server.stop(), 0)
        now = time.time()
        old, new = (os.path.join(backups, name + ".db") for name in ("old", "new"))
        os.utime(old + ".json", (now - 27 * 3600 - 60,) * 2)
        check(OK, "ok", new, "is whole, and 0 hours old")
        os.utime(new + ".json", (now + DAY,) * 2)
        check_ahead("warn", "27 hours old", new)
        os.utime(old + ".json", (now + DAY,) * 2)
        check_ahead("warn", "its time is in the future")
        os.utime(new + ".json", (now - 2 * 3600 - 60,) * 2)
        check_ahead("ok", "2 hours old", old)
        os.utime(old + ".json", (now - 27 * 3600 - 60,) * 2)
        self.assertEqual(len(self.check(OK, *args)["backups"]), 1)
        with open(new, "r+b") as file:
            file.seek(os.path.getsize(new) - 1)
            file.write(b"\xa5")
        check(BAD, "bad", "has changed since it was made", "make another one")
        os.remove(new)
        with open(new + ".json", "w", encoding="ascii") as file:
            file.write("to my aunt")
        shutil.copy(old, new)
        os.utime(old + ".json", (now,) * 2)
        found = self.check(BAD, *args)["backups"]
        self.assertEqual([grade for grade, _ in found], ["ok", "bad"])
        self.assertIn("new.db.json", found[1][1])
        os.rename(backups, backups + "-disk")
        os.mkdir(backups)
        check(BAD, "bad", "mounted", os.path.join(self.data, "backup-directory"))
        os.rmdir(backups)
        self.assert_line(self.check(BAD, *args), "backups", "bad", "--backup-directory")

    def test_a_server_starts_afterwards(self):
        self.check(OK)
        with hone.Server(data=self.data) as server:
            self.assertEqual(server.stop(), 0)

    def test_a_file_of_settings_cannot_ask_for_it(self):
        config = os.path.join(self.folder, "config")
        with open(config, "w", encoding="ascii") as file:
            file.write("check = yes\n")
        status, said = hone.run_honed("--config", config, "--data", self.data)
        self.assertEqual(status, 2)
        self.assertIn('unknown key "check"', said)

    def test_a_flag_in_a_file_of_settings_is_true_or_false(self):
        config = os.path.join(self.folder, "config")
        with open(config, "w", encoding="ascii") as file:
            file.write("# TLS is in front\nbehind-proxy = ture\n")
        status, said = hone.run_honed("--config", config, "--data", self.data, "--check")
        self.assertEqual(status, 2)
        self.assertIn(f"{config}:2: 'behind-proxy' is true or false, and not \"ture\"", said)


if __name__ == "__main__":
    hone.main()
