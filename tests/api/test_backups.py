#!/usr/bin/env python3
"""Backups that a server makes: ordered over HTTP, one at a time, into the folder that the operator
named and nowhere else, checked, listed, counted and audited.
"""

import fcntl
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402
from backups import BackupsTest  # noqa: E402

OPERATIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy/OPERATIONS.md")


class Backups(BackupsTest):
    def holding(self, hold):
        """The environment of a server whose backups wait in their sync while there is this file."""
        with open(hold, "w", encoding="ascii"):
            pass
        return hone.preload_env(HONE_TEST_HOLD_SYNC=hold, HONE_TEST_HOLD_ENDING=".db.new")

    def await_held(self, hold):
        """Waits until the sync is held: who holds it opens the pipe."""
        with open(hold + ".held", "rb") as held:
            held.read()

    def test_one_is_ordered_made_and_restored(self):
        server, client = self.serve()
        self.assertEqual(client.post("/v1/studies", hone.study("s")).status, 201)
        self.assertEqual(self.metric(client, "backup_last_timestamp_seconds"), 0)
        reply = client.post("/v1/backups", {"name": "first"})
        self.assertEqual((reply.status, reply.json["name"], reply.json["state"]), (202, "first", "writing"), reply)
        item = self.made(client, "first")
        file = os.path.join(self.backups, "first.db")
        with open(file + ".json", encoding="ascii") as manifest:
            wrote = json.load(manifest)
        self.assertEqual((item["state"], item["verified"], item["detail"]), ("complete", True, None))
        self.assertEqual([item[key] for key in ("bytes", "commit", "epoch")],
                         [wrote[key] for key in ("bytes", "commit", "epoch")])
        self.assertEqual(self.in_folder(), ["first.db", "first.db.json"])
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
        self.assertEqual(self.metric(client, "backup_last_bytes"), item["bytes"])
        self.assertGreater(self.metric(client, "backup_last_timestamp_seconds"), time.time() - 600)
        self.assertEqual((self.metric(client, "backups_total"), self.metric(client, "backup_last_failed")), (1, 0))
        row = client.get("/v1/audit").json["items"][0]
        self.assertEqual((row["action"], row["target"], row["token_name"]), ("backup-started", "first", "admin"))
        other = os.path.join(self.folder, "other")
        self.assertEqual(hone.run_honed("--restore", file, "--data", other)[0], 0)
        with hone.Server(data=other, args=["--open"]) as restored, restored.client(None) as reader:
            self.assertEqual(reader.get("/v1/studies/s").status, 200)
        again = client.post("/v1/backups", {"name": "first"})
        self.assertEqual((again.status, again.json), (200, item))
        client.close()
        self.assertEqual(server.stop(), 0)
        server.start()  # the newest one is known again without an order
        with server.client() as later:
            server.wait_line("where the newest is first")
            self.assertEqual(self.metric(later, "backup_last_bytes"), item["bytes"])

    def test_without_a_name_it_has_that_of_its_time(self):
        _, client = self.serve()
        for body in (None, {}, {"name": None}):
            with self.subTest(body):
                reply = client.post("/v1/backups", body)
                self.assertIn(reply.status, (200, 202), reply)  # 200: of the same second
                self.assertRegex(reply.json["name"], r"^hone-\d{4}-\d\d-\d\dT\d{6}Z$")
                self.assertEqual(self.made(client, reply.json["name"])["state"], "complete")
        self.assertTrue(all(name.startswith("hone-") for name in self.in_folder()))

    def test_a_name_leads_nowhere_else(self):
        os.symlink(os.path.join(self.folder, "outside.db"), os.path.join(self.backups, "link.db"))
        os.symlink(os.path.join(self.folder, "outside.new"), os.path.join(self.backups, "fresh.db.new"))
        _, client = self.serve()
        before = sorted(os.listdir(self.backups))
        for name in ("../x", "/tmp/x", "a/b", "..", ".", "", ".hidden", "-x", "a\\b", "a\u0000b", "a\n", "ü",
                     "x" * 101, "%2e%2e%2fx", "a b"):
            with self.subTest(name):
                reply = client.post("/v1/backups", {"name": name})
                self.assertEqual((reply.status, reply.type), (422, "invalid"), reply)
        for body, status in (([], 422), ({"name": 7}, 422), ({"file": "x"}, 422), ({"name": "x", "directory": "/"}, 422)):
            self.assertEqual(client.post("/v1/backups", body).status, status)
        self.assertEqual(sorted(os.listdir(self.backups)), before)
        self.assertEqual(client.post("/v1/backups", {"name": "fresh"}).status, 202)
        failed = self.made(client, "fresh")
        self.assertEqual(failed["state"], "failed", failed)
        self.assertEqual(self.metric(client, "backup_last_failed"), 1)
        self.assertEqual(client.post("/v1/backups", {"name": "link"}).status, 202)
        self.made(client, "link")
        self.assertFalse(os.path.islink(os.path.join(self.backups, "link.db")))
        self.assertEqual(sorted(os.listdir(self.folder)), ["data", "hone"])

    def test_where_no_folder_is_set_the_option_is_named(self):
        with hone.Server() as server, server.client() as client:
            for reply in (client.post("/v1/backups"), client.get("/v1/backups")):
                self.assertEqual((reply.status, reply.type), (409, "wrong-state"), reply)
                self.assertIn("--backup-directory", reply.json["detail"])
            self.assertNotIn("hone_backup", client.get("/metrics").body.decode())

    def test_a_folder_that_cannot_be_used_is_refused_at_the_start(self):
        data = os.path.join(self.folder, "data")
        os.mkdir(data)
        open_to_all = os.path.join(self.folder, "open")
        os.mkdir(open_to_all)
        os.chmod(open_to_all, 0o777)
        for folder in (os.path.join(self.folder, "missing"), __file__, data, open_to_all):
            status, said = hone.run_honed("--data", data, "--backup-directory", folder)
            self.assertEqual(status, 2, said)
            self.assertIn("--backup-directory", said)
        self.assertEqual(os.listdir(data), [])

    def test_one_at_a_time_and_the_same_name_is_the_same_order(self):
        """While the first is held in its sync, others are told so."""
        hold = os.path.join(self.folder, "hold")
        _, client = self.serve(env=self.holding(hold))
        self.assertEqual(client.post("/v1/backups", {"name": "one"}).status, 202)
        self.assertEqual(client.get("/v1/backups").json["items"][0]["state"], "writing")
        self.assertEqual(client.post("/v1/studies", hone.study("s")).status, 201)  # writes go on
        other = client.post("/v1/backups", {"name": "two"})
        same = client.post("/v1/backups", {"name": "one"})
        unnamed = client.post("/v1/backups")
        self.assertEqual((other.status, other.type), (409, "wrong-state"), other)
        self.assertIn('"one"', other.json["detail"])
        self.assertEqual((same.status, unnamed.status), (202, 409), same)
        os.remove(hold)
        self.assertEqual(self.made(client, "one")["state"], "complete")
        keyed = client.post("/v1/backups", {"name": "k"}, headers={"Idempotency-Key": "k"})
        self.assertEqual((keyed.status, keyed.type), (400, "malformed"), keyed)
        named = client.post("/v1/backups")
        self.assertEqual(named.status, 202)
        self.assertRegex(named.json["name"], r"^hone-\d{4}-\d\d-\d\dT\d{6}Z$")
        self.assertEqual(self.made(client, named.json["name"])["state"], "complete")
        self.assertEqual([row["target"] for row in client.get("/v1/audit").json["items"]
                          if row["action"] == "backup-started"], [named.json["name"], "one"])

    def test_what_is_no_backup_is_not_listed_and_a_changed_or_damaged_one_is_told(self):
        server, client = self.serve()
        client.post("/v1/backups", {"name": "good"})
        self.made(client, "good")
        good = os.path.join(self.backups, "good.db")
        shutil.copy(good, os.path.join(self.backups, "bare.db"))
        os.mkfifo(os.path.join(self.backups, "pipe.db.json"))
        shutil.copy(good, os.path.join(self.backups, "pipe.db"))
        for name, text in (("letter", "to my aunt"), ("half", '{"database": "x", "epoch": 1}')):
            shutil.copy(good, os.path.join(self.backups, name + ".db"))
            with open(os.path.join(self.backups, name + ".db.json"), "w", encoding="ascii") as file:
                file.write(text)
        with open(good, "ab") as file:
            file.write(b"x")
        items = client.get("/v1/backups").json["items"]
        self.assertEqual(sorted((item["name"], item["state"], item["verified"]) for item in items),
                         [("good", "complete", False), *((name, "damaged", False) for name in ("half", "letter", "pipe"))])
        for item in items:
            if item["state"] == "damaged":
                self.assertEqual((item["bytes"], item["commit"], item["epoch"]),
                                 (os.path.getsize(os.path.join(self.backups, item["name"] + ".db")), None, None))
                self.assertIn(item["name"] + ".db.json", item["detail"])
        shown = subprocess.run([hone.build_path("HONE"), "backup", "list", "-o", "csv"], text=True, timeout=60,
                               capture_output=True,
                               env={**os.environ, "HONE_URL": server.url,
                                    "HONE_TOKEN_FILE": os.path.join(self.data, "admin.token")})
        self.assertRegex(shown.stdout, r"(?m)^half,damaged,.*half\.db\.json is not what honed writes beside a backup")
        time_of_good = os.stat(good + ".json").st_mtime
        self.assertAlmostEqual(self.metric(client, "backup_last_timestamp_seconds"), time_of_good, delta=1)
        client.close()
        self.assertEqual(server.stop(), 0)
        server.start()  # the newest of which something is known counts, and the log says what does not
        server.wait_line(r"(half|letter|pipe)\.db is not counted, and cannot be restored: .*\.db\.json")
        with server.client() as later:
            self.assertAlmostEqual(self.metric(later, "backup_last_timestamp_seconds"), time_of_good, delta=1)

    def test_a_stop_does_not_wait_for_a_backup_and_leaves_no_half(self):
        hold = os.path.join(self.folder, "hold")
        server, client = self.serve(env=self.holding(hold))
        self.assertEqual(client.post("/v1/backups", {"name": "late"}).status, 202)
        client.close()
        os.remove(hold)
        self.assertEqual(server.stop(), 0)
        left = self.in_folder()
        self.assertIn(left, ([], ["late.db", "late.db.json"]))

    def test_one_is_made_where_flock_meets_the_locks_of_sqlite(self):
        _, client = self.serve(env=hone.preload_env(HONE_TEST_FLOCK_OF_NFS=1))
        self.assertEqual(client.post("/v1/backups", {"name": "far"}).status, 202)
        made = self.made(client, "far")
        self.assertEqual((made["state"], made["detail"]), ("complete", None))

    def test_what_is_ordered_is_listed_before_the_order_is_on_disk(self):
        hold = os.path.join(self.folder, "hold")
        server, client = self.serve(env=hone.preload_env(HONE_TEST_HOLD_SYNC=hold))
        os.mkfifo(hold + ".held")
        with open(hold, "w", encoding="ascii"):
            pass
        replies = []
        first = threading.Thread(target=lambda: replies.append(client.post("/v1/backups", {"name": "one"})))
        first.start()
        self.await_held(hold)
        with server.client() as other:
            self.assertEqual(other.post("/v1/backups", {"name": "one"}).status, 202)
            self.assertEqual([(item["name"], item["state"]) for item in other.get("/v1/backups").json["items"]],
                             [("one", "writing")])
        os.remove(hold)
        first.join()
        self.assertEqual(replies[0].status, 202)
        self.assertEqual(self.made(client, "one")["state"], "complete")

    def test_a_start_removes_what_killed_backups_left(self):
        hold = os.path.join(self.folder, "hold")
        os.mkfifo(hold + ".held")
        server, client = self.serve(env=self.holding(hold))
        client.post("/v1/backups", {"name": "cut"})
        self.await_held(hold)
        server.kill()
        client.close()
        self.assertEqual(self.in_folder(), ["cut.db.new"])
        left = {name: os.path.join(self.backups, name) for name in
                ("cut.db.new-journal", "early.db.new", "early.db.json", "locked.db.new", "a b.db.new", "x.new",
                 "folder.db.new", "pipe.db.new", "link.db.new")}
        os.mkdir(left["folder.db.new"])
        os.mkfifo(left["pipe.db.new"])
        os.symlink("x.new", left["link.db.new"])
        for name in ("cut.db.new-journal", "early.db.new", "locked.db.new", "a b.db.new", "x.new"):
            with open(left[name], "wb") as file:
                file.write(b"SQLite")
        with open(left["early.db.json"], "w", encoding="ascii") as file:
            json.dump({"database": "d", "epoch": 1, "commit": 2, "schema": 3, "bytes": 4, "sha256": "0" * 64}, file)
        with open(left["locked.db.new"], "rb") as written:
            fcntl.flock(written, fcntl.LOCK_EX)
            os.remove(hold)
            server.start()
            with server.client() as later:
                self.assertEqual(later.post("/v1/backups", {"name": "next"}).status, 202)
                self.assertEqual(self.made(later, "next")["state"], "complete")
        self.assertEqual(self.in_folder(),
                         ["a b.db.new", "folder.db.new", "link.db.new", "locked.db.new", "next.db", "next.db.json",
                          "pipe.db.new", "x.new"])

    def test_no_space_for_it_fails_the_backup_alone(self):
        _, client = self.serve()
        client.post("/v1/studies", hone.study("s"))
        os.rmdir(self.backups)
        with open(self.backups, "w", encoding="ascii"):
            pass
        reply = client.post("/v1/backups", {"name": "x"})
        self.assertEqual(reply.status, 202, reply)
        self.ended("x")
        self.assertEqual((self.metric(client, "backup_failures_total"), self.metric(client, "backup_last_failed")),
                         (1, 1))
        self.assertEqual(client.post("/v1/studies", hone.study("t")).status, 201)

    def kill_backup(self, data, file, n):
        """Kills a backup at its nth change of a file; False: it had come to its end before. What is
        left refuses no other one of that name."""
        status, said = hone.run_honed("--backup", file, "--data", data,
                                      env=hone.preload_env(HONE_TEST_DIE_AT=n))
        if status == -9 and os.path.exists(file):  # it has its name: whole, and not to be written again
            again = hone.run_honed("--restore", file, "--data", os.path.join(self.folder, f"restored-{n}"))
        elif status == -9:
            again = hone.run_honed("--backup", file, "--data", data)
        else:
            again = (status, said)
        self.assertEqual(again[0], 0, again)
        for name in os.listdir(self.backups):
            os.remove(os.path.join(self.backups, name))
        return status == -9

    def test_what_a_killed_backup_left_does_not_refuse_its_name(self):
        """At some changes of a file, and at each of the last ones, where it gets its manifest and name."""
        with hone.Server(data=os.path.join(self.folder, "data"), args=["--open"]) as server:
            file = os.path.join(self.backups, "x.db")
            end = next(n for n in itertools.count(1, 8) if not self.kill_backup(server.data, file, n))
            self.assertGreater(end, 1)
            self.assertGreater(sum(self.kill_backup(server.data, file, n) for n in range(end - 7, end)), 0)

    def test_the_drill_of_the_operators_page(self):
        server, _ = self.serve("--open")
        with open(OPERATIONS, encoding="utf-8") as file:
            drill = re.search(r"<!-- drill -->\n```sh\n(.*?)```", file.read(), re.S).group(1)
        self.assertIn("/var/backups", drill)
        drill = drill.replace("/var/backups", shlex.quote(self.folder))
        folders = [os.path.dirname(hone.build_path(name)) for name in ("HONED", "HONE")]
        done = subprocess.run(["sh", "-euc", drill], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=60, check=False,
                              env=dict(os.environ, PATH=":".join([*folders, os.environ["PATH"]]),
                                       HONE_URL=server.url))
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("checked", done.stdout)
        self.assertIn("in epoch 2", done.stdout)
        self.assertEqual(self.in_folder(), [])


if __name__ == "__main__":
    hone.main()
