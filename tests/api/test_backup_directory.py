#!/usr/bin/env python3
"""The directory that backups go to: known again, so that none goes to the empty directory below a file
system that is not mounted; and what is wrong in it said rightly.
"""

import os
import shutil
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402
from backups import BackupsTest  # noqa: E402


class Directory(BackupsTest):
    def setUp(self):
        super().setUp()
        self.disk = os.path.join(self.folder, "disk")  # what is mounted, while it is not
        self.record = os.path.join(self.data, "backup-directory")

    def unmount(self):
        os.rename(self.backups, self.disk)
        os.mkdir(self.backups)

    def mount(self):
        shutil.rmtree(self.backups)
        os.rename(self.disk, self.backups)

    def assert_refused(self, client, *words):
        """Any order and the list; nothing is written, and the alert about an old backup fires."""
        before = sorted(os.listdir(self.backups))
        for reply in (client.post("/v1/backups", {"name": "x"}), client.get("/v1/backups")):
            self.assertEqual((reply.status, reply.type), (409, "wrong-state"), reply)
            for word in words:
                self.assertIn(word, reply.json["detail"])
        self.assertEqual(sorted(os.listdir(self.backups)), before)
        self.assertEqual(self.metric(client, "backup_last_timestamp_seconds"), 0)

    def make(self, client, name):
        self.assertEqual(client.post("/v1/backups", {"name": name}).status, 202)
        item = self.made(client, name)
        self.assertEqual(item["state"], "complete", item)
        return item

    def test_what_is_not_mounted_any_more_is_refused_until_it_is_again(self):
        server, client = self.serve()
        self.make(client, "one")
        self.unmount()
        self.assert_refused(client, self.backups, "hone-backups", "mounted", self.record)
        client.close()
        self.assertEqual(server.stop(), 0)
        server.start()  # a start serves all the same, and says so
        server.wait_line("hone-backups is missing")
        with server.client() as later:
            self.assert_refused(later, "mounted")
            self.assertEqual(later.post("/v1/studies", hone.study("s")).status, 201)
            self.mount()
            self.make(later, "two")
            self.assertEqual([item["name"] for item in later.get("/v1/backups").json["items"]], ["two", "one"])
            self.assertGreater(self.metric(later, "backup_last_timestamp_seconds"), 0)

    def test_a_new_disk_is_used_when_a_person_says_so(self):
        _, client = self.serve()
        self.make(client, "one")
        self.unmount()
        self.assert_refused(client, self.record)
        os.remove(self.record)
        self.make(client, "two")
        self.assertEqual(self.in_folder(), ["two.db", "two.db.json"])
        shutil.rmtree(self.backups)
        os.mkdir(self.backups)
        self.assert_refused(client, self.record)  # it is known from its first backup on

    def test_the_disk_of_another_is_refused(self):
        with hone.Server(backups=True) as other, other.client() as client:
            client.post("/v1/backups", {"name": "other"})
            other.wait_line("other.db: ")
            _, mine = self.serve()
            self.make(mine, "one")
            self.unmount()
            os.rmdir(self.backups)
            shutil.copytree(other.backups, self.backups)
            self.assert_refused(mine, "of another one", self.record)

    def test_a_directory_that_is_gone_is_said_to_be(self):
        server, client = self.serve()
        self.make(client, "one")
        os.rename(self.backups, self.disk)

        def assert_refused(client):
            for reply in (client.post("/v1/backups", {"name": "x"}), client.get("/v1/backups")):
                self.assertEqual((reply.status, reply.type), (409, "wrong-state"), reply)
                self.assertIn("mounted", reply.json["detail"])

        assert_refused(client)
        client.close()
        self.assertEqual(server.stop(), 0)
        server.start()  # as it was used before, it refuses no start
        self.assertIn("until it is, no backups are made", server.log())
        with server.client() as later:
            assert_refused(later)
            self.assertEqual(self.metric(later, "backup_last_timestamp_seconds"), 0)
            os.rename(self.disk, self.backups)
            self.make(later, "two")
            os.chmod(self.backups, 0o777)
            self.assertEqual(later.post("/v1/backups", {"name": "three"}).status, 202)
            self.assertIn("chmod o-w", self.made(later, "three")["detail"])

    def test_a_link_that_leads_nowhere_refuses_no_start_either(self):
        server, client = self.serve()
        client.close()
        self.assertEqual(server.stop(), 0)
        os.rename(self.backups, self.disk)
        os.symlink(os.path.realpath(self.disk), self.backups)
        server.start()
        with server.client() as later:
            self.make(later, "one")
        self.assertEqual(server.stop(), 0)
        away = os.path.join(self.folder, "away")
        os.rename(self.disk, away)
        server.start()
        self.assertIn("no backups are made", server.log())
        os.rename(away, self.disk)
        with server.client() as later:
            self.make(later, "two")

    def test_a_relative_path_is_known_again_as_an_absolute_one_is(self):
        """Also through a link in the middle of the path, and with the folder above it gone."""
        os.mkdir(os.path.join(self.folder, "mnt"))
        os.rename(self.backups, os.path.join(self.folder, "mnt", "hone"))
        os.symlink("mnt", os.path.join(self.folder, "link"))
        self.backups = os.path.relpath(os.path.join(self.folder, "link", "hone"))
        server, client = self.serve()
        self.make(client, "one")
        client.close()
        self.assertEqual(server.stop(), 0)
        os.rename(os.path.join(self.folder, "mnt"), self.disk)
        for spelled in (self.backups, "./" + self.backups + "/", os.path.abspath(self.backups)):
            server.args[server.args.index("--backup-directory") + 1] = spelled
            server.start()
            self.assertIn("no backups are made", server.log())
            self.assertEqual(server.stop(), 0)
        status, said = hone.run_honed("--data", self.data, "--backup-directory", self.backups + "-typo")
        self.assertEqual(status, 2, said)
        os.rename(self.disk, os.path.join(self.folder, "mnt"))
        server.start()
        with server.client() as later:
            self.make(later, "two")

    def test_one_that_cannot_be_written_to_refuses_no_start_either(self):
        """As the directory below a disk that is not mounted, which belongs to root; here a file, for tests of root."""
        server, client = self.serve()
        self.make(client, "one")
        client.close()
        self.assertEqual(server.stop(), 0)
        os.rename(self.backups, self.disk)
        with open(self.backups, "w", encoding="ascii"):
            os.chmod(self.backups, 0o600)
        server.start()
        self.assertIn("no backups are made", server.log())
        os.remove(self.backups)
        os.rename(self.disk, self.backups)
        with server.client() as later:
            self.make(later, "two")

    def test_a_moved_directory_another_server_and_a_restore_need_nothing(self):
        server, client = self.serve()
        self.make(client, "one")
        client.close()
        self.assertEqual(server.stop(), 0)
        moved = os.path.join(self.folder, "moved")
        os.rename(self.backups, moved)
        self.backups = moved
        _, later = self.serve()
        self.make(later, "two")
        self.assertEqual(len(later.get("/v1/backups").json["items"]), 2)
        restored = os.path.join(self.folder, "restored")
        status, said = hone.run_honed("--restore", os.path.join(moved, "one.db"), "--data", restored)
        self.assertEqual(status, 0, said)
        shutil.copy(os.path.join(self.data, "admin.token"), restored)
        with hone.Server(data=restored, args=["--backup-directory", moved]) as other, other.client() as third:
            self.assertEqual(third.post("/v1/backups", {"name": "three"}).status, 202)
            other.wait_line("three.db: .* checked")
        self.make(later, "four")  # and the first one still knows it

    def test_the_command_of_the_machine_is_refused_too(self):
        """honed --backup, but for where no server has had backups go."""
        _, client = self.serve()
        self.make(client, "one")
        self.unmount()
        status, said = hone.run_honed("--backup", os.path.join(self.backups, "x.db"), "--data", self.data)
        self.assertEqual((status, os.listdir(self.backups)), (1, []), said)
        self.assertIn("mounted", said)
        for file in (os.path.join(self.folder, "x.db"), os.path.join(self.disk, "x.db")):
            status, said = hone.run_honed("--backup", file, "--data", self.data)
            self.assertEqual(status, 0, said)
        self.mount()
        status, said = hone.run_honed("--backup", os.path.join(self.backups, "y.db"), "--data", self.data)
        self.assertEqual(status, 0, said)

    def test_a_record_that_is_damaged_is_said_to_be(self):
        _, client = self.serve()
        self.make(client, "one")
        with open(self.record, "w", encoding="ascii") as file:
            file.write("to my aunt\n")
        self.assert_refused(client, self.record, "damaged", "remove")

    def test_a_mark_that_was_cut_short_is_made_anew(self):
        with open(os.path.join(self.backups, "hone-backups"), "w", encoding="ascii") as file:
            file.write("hone-backups 1 iden")
        _, client = self.serve()
        self.make(client, "one")
        self.unmount()
        self.assert_refused(client, "mounted")

    def test_where_the_record_cannot_be_kept_the_backup_is_made(self):
        """A data directory whose disk is full needs one most."""
        server, client = self.serve()
        os.mkdir(self.record + ".new")
        self.make(client, "one")
        self.assertIn("cannot be told", server.log())


class Wrong(BackupsTest):
    def test_too_little_room_fails_the_backup_before_it_is_written(self):
        _, client = self.serve(env=hone.preload_env(HONE_TEST_FS_FREE=64 << 20))
        self.assertEqual(client.post("/v1/backups", {"name": "x"}).status, 202)
        item = self.made(client, "x")
        self.assertEqual(item["state"], "failed")
        self.assertIn("has 64 MiB free", item["detail"])
        self.assertEqual((self.in_folder(), self.metric(client, "backup_last_failed")), ([], 1))

    def test_a_time_in_the_future_does_not_pass_for_a_new_backup(self):
        server, client = self.serve()
        for name in ("old", "ahead"):
            self.assertEqual(client.post("/v1/backups", {"name": name}).status, 202)
            self.ended(name)
        client.close()
        self.assertEqual(server.stop(), 0)
        manifest = os.path.join(self.backups, "{}.db.json").format
        day_ago, in_a_year = time.time() - 86400, time.time() + 365 * 86400
        os.utime(manifest("old"), (day_ago, day_ago))
        os.utime(manifest("ahead"), (in_a_year, in_a_year))
        server.start()
        server.wait_line(r"ahead\.db is not counted: its time is in the future")
        with server.client() as later:
            self.assertEqual(int(self.metric(later, "backup_last_timestamp_seconds")), int(day_ago))
            items = {item["name"]: item["detail"] for item in later.get("/v1/backups").json["items"]}
            self.assertEqual(items, {"ahead": "its time is in the future: a clock was wrong", "old": None})
            os.utime(manifest("old"), (in_a_year, in_a_year))
            self.assertEqual(later.post("/v1/backups", {"name": "next"}).status, 202)
            self.made(later, "next")  # how old it is is known
            self.assertGreater(self.metric(later, "backup_last_timestamp_seconds"), day_ago)
            self.assertLess(self.metric(later, "backup_last_timestamp_seconds"), in_a_year - 86400)

    def test_a_broken_manifest_is_no_fault_of_the_database(self):
        _, client = self.serve()
        for name, text in (("letter", "to my aunt"), ("half", '{"database": "x", "epoch": 1}')):
            for ending, written in ((".db", "SQLite"), (".db.json", text)):
                with open(os.path.join(self.backups, name + ending), "w", encoding="ascii") as file:
                    file.write(written)
            reply = client.post("/v1/backups", {"name": name})
            self.assertEqual((reply.status, reply.type), (409, "wrong-state"), reply)
            self.assertIn(f"{name}.db.json is not what honed writes beside a backup", reply.json["detail"])

    def test_a_directory_that_cannot_be_read_is_no_fault_of_the_database(self):
        _, client = self.serve()
        os.rmdir(self.backups)
        reply = client.get("/v1/backups")
        self.assertEqual((reply.status, reply.type), (409, "wrong-state"), reply)
        self.assertIn(self.backups, reply.json["detail"])


if __name__ == "__main__":
    hone.main()
