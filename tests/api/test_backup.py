#!/usr/bin/env python3
"""A backup that is taken under load, and its way back: what was acknowledged before it is there, old
leases end, the database that was there is kept, and what is no sound backup is refused.
"""

import contextlib
import fcntl
import itertools
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402


class Backup(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="hone-backup-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.file = os.path.join(self.folder, "hone-backup.db")
        self.server = hone.Server(data=os.path.join(self.folder, "data"), args=["--open"])
        self.addCleanup(self.server.__exit__)
        self.server.start()
        with self.server.client(None) as client:
            self.assertEqual(client.post("/v1/studies", hone.study("s")).status, 201)

    def honed(self, *args, status=0, env=None):
        found, said = hone.run_honed(*args, env=env)
        self.assertEqual(found, status, said)
        return said

    def backup(self, **more):
        return self.honed("--backup", self.file, "--data", self.server.data, **more)

    def restore(self, data, **more):
        return self.honed("--restore", self.file, "--data", data, **more)

    def test_backup_under_load_has_all_that_was_acknowledged(self):
        ends = threading.Event()
        enough = threading.Event()
        acknowledged = []

        def write():
            with self.server.client(None) as client:
                while not ends.is_set():
                    reply = client.post("/v1/studies/s/trials", [{"parameters": {"x": 0.5}}] * 20)
                    acknowledged.extend(item["number"] for item in reply.json["items"])
                    if len(acknowledged) >= 200:
                        enough.set()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            self.assertTrue(enough.wait(60))
            before = list(acknowledged)
            said = self.backup()
        finally:
            ends.set()
            writer.join()
        self.assertIn("checked", said)
        with open(self.file + ".json", encoding="ascii") as file:
            manifest = json.load(file)
        self.assertEqual(manifest["bytes"], os.path.getsize(self.file))
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)
        self.assertEqual(sorted(name for name in os.listdir(self.folder) if name != "data"),
                         ["hone-backup.db", "hone-backup.db.json"])
        other = os.path.join(self.folder, "other")
        self.restore(other)
        with hone.Server(data=other, args=["--open"]) as restored, restored.client(None) as client:
            kept = [trial["number"] for trial in client.walk("/v1/studies/s/trials")]
            self.assertEqual(kept[:len(before)], before)
            self.assertEqual(restored.stop(), 0)
        self.assertEqual(self.server.stop(), 0)

    def test_restore_keeps_what_was_there_and_ends_leases(self):
        with self.server.client(None) as client:
            known = client.post("/v1/studies/s/leases", {}).json["lease"]["id"]
            self.backup()
            later = client.post("/v1/studies/s/leases", {}).json["lease"]["id"]
            self.assertEqual(client.post("/v1/studies", hone.study("later")).status, 201)
        said = self.restore(self.server.data, status=75)
        self.assertIn("another honed", said)
        self.server.kill()
        said = self.restore(self.server.data)
        self.assertIn("before-restore-1", said)
        self.server.start()
        with self.server.client(None) as client:
            self.assertEqual(client.get("/v1/studies/later").status, 404)
            for lease in (known, later):
                reply = client.put(f"/v1/leases/{lease}")
                self.assertEqual((reply.status, reply.type), (410, "epoch-changed"), reply)
            again = client.post("/v1/studies/s/leases", {}).json["trial"]
            self.assertEqual((again["number"], again["attempt"]), (1, 2))
        self.server.kill()
        aside = os.path.join(self.server.data, "before-restore-1")
        with hone.Server(data=aside, args=["--open"]) as old, old.client(None) as client:
            self.assertEqual(client.get("/v1/studies/later").status, 200)

    def test_what_is_no_sound_backup_is_refused(self):
        with self.server.client(None) as client:
            body = [{"parameters": {"x": 0.5}}] * 400
            self.assertEqual(client.post("/v1/studies/s/trials", body).status, 201)
        self.backup()
        self.assertIn("exists", self.backup(status=2))
        self.assertIn("hone.db", self.honed("--backup", self.file + "2", "--data", self.folder, status=78))
        self.server.kill()
        before = sorted(os.listdir(self.server.data))
        with open(self.file, "r+b") as file:
            file.seek(-4096, os.SEEK_END)
            file.write(b"\x5a" * 4096)
        self.assertIn("has changed since it was made", self.restore(self.server.data, status=78))
        os.remove(self.file + ".json")
        self.assertIn("damaged", self.restore(self.server.data, status=78))
        with open(self.file, "wb") as file:
            file.write(b"a letter to my aunt\n" * 500)
        self.restore(self.server.data, status=78)
        self.assertEqual(sorted(os.listdir(self.server.data)), before)

    def test_what_a_server_cannot_open_never_takes_the_place_of_what_it_can(self):
        """A schema of a later version; a database whose newest writes are in the log beside it."""
        self.backup()
        os.remove(self.file + ".json")
        self.server.kill()
        before = sorted(os.listdir(self.server.data))
        newer = sqlite3.connect(self.file)
        newer.execute("PRAGMA user_version = 9999")
        newer.close()
        self.assertIn("newer honed", self.restore(self.server.data, status=78))
        parted = os.path.join(self.server.data, "hone.db")
        self.assertGreater(os.path.getsize(parted + "-wal"), 0)
        said = self.honed("--restore", parted, "--data", self.server.data, status=2)
        self.assertIn("hone.db-wal", said)
        self.assertEqual(sorted(os.listdir(self.server.data)), before)
        self.server.start()
        with self.server.client(None) as client:
            self.assertEqual(client.get("/v1/studies/s").status, 200)

    def test_a_copy_that_finds_no_space_leaves_nothing(self):
        self.backup()
        self.server.kill()
        before = sorted(os.listdir(self.server.data)), sorted(os.listdir(self.folder))
        for args in (("--restore", self.file), ("--backup", self.file + "2")):
            done = subprocess.run(["sh", "-c", 'ulimit -f 64; exec "$@"', "sh", hone.build_path("HONED"),
                                   "--data", self.server.data, *args],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  timeout=60, check=False)
            self.assertEqual(done.returncode, 74, done.stdout)
            after = sorted(os.listdir(self.server.data)), sorted(os.listdir(self.folder))
            self.assertEqual(after, before, done.stdout)

    def test_too_little_room_is_said_before_anything_is_written(self):
        self.backup()
        size = os.path.getsize(self.file)
        before = sorted(os.listdir(self.server.data)), sorted(os.listdir(self.folder))
        said = self.honed("--backup", self.file + "2", "--data", self.server.data, status=74,
                          env=hone.preload_env(HONE_TEST_FS_FREE=64 << 20))
        self.assertRegex(said, rf"needs {64 + -(-size // (1 << 20))} MiB \(64 of them .* has 64 MiB free")
        self.server.kill()
        said = self.honed("--restore", self.file, "--data", self.server.data, status=74,
                          env=hone.preload_env(HONE_TEST_FS_FREE=4096))
        self.assertRegex(said, r"needs \d+ MiB, and its disk has 0 MiB free")
        self.assertEqual((sorted(os.listdir(self.server.data)), sorted(os.listdir(self.folder))), before)
        self.honed("--restore", self.file, "--data", self.server.data,
                   env=hone.preload_env(HONE_TEST_FS_FREE=size // 4096 * 4096 + 4096))

    def test_a_mistyped_path_is_told_from_a_fault_of_the_disk(self):
        """Also once backups have gone somewhere: what was never used is no disk that is not mounted."""
        self.server.stop()
        self.server.args += ["--backup-directory", self.folder]
        self.server.start()
        with self.server.client(None) as client:
            self.assertEqual(client.post("/v1/backups", {"name": "one"}).status, 202)
            self.server.wait_line(r"one\.db: .* checked")
        typo = os.path.join(self.folder, "typo", "x.db")
        said = self.honed("--backup", typo, "--data", self.server.data, status=2)
        for words in (typo, os.path.dirname(typo) + " is not there", "make that directory", "name another file"):
            self.assertIn(words, said)
        self.assertNotIn("mounted", said)
        below_a_file = os.path.join(self.folder, "one.db", "x.db")
        self.assertIn("is not a directory", self.honed("--backup", below_a_file, "--data", self.server.data, status=2))
        elsewhere = os.path.join(self.folder, "elsewhere")
        said = self.honed("--backup", self.file, "--data", elsewhere, status=78)
        for words in (elsewhere, "no database", "--data"):
            self.assertIn(words, said)
        self.assertFalse(os.path.exists(elsewhere) or os.path.exists(self.file) or os.path.exists(self.file + ".new"))

    def test_a_backup_leaves_the_files_of_others_alone(self):
        mine = self.file + ".json"
        with open(mine, "w", encoding="ascii") as file:
            file.write("mine")
        self.assertIn(".json exists", self.backup(status=2))
        with open(mine, encoding="ascii") as file:
            self.assertEqual(file.read(), "mine")
        os.remove(mine)
        with open(self.file + ".new", "w", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write("half of another backup")
            file.flush()
            self.assertIn("another backup", self.backup(status=75))
            self.assertEqual(os.stat(file.name).st_ino, os.fstat(file.fileno()).st_ino)
            self.assertGreater(os.path.getsize(file.name), 0)
        self.assertIn("checked", self.backup())
        self.assertFalse(os.path.exists(self.file + ".new"))
        self.restore(os.path.join(self.folder, "again"))

    def killed_restores(self, every):
        """Yields after each restore into the same directory that was killed at its 1st change of a
        file, `every` later, and so on, until one comes to its end."""
        kept = self.server.data + ".kept"
        shutil.copytree(self.server.data, kept)
        for n in itertools.count(1, every):
            shutil.rmtree(self.server.data)
            shutil.copytree(kept, self.server.data)
            status, said = hone.run_honed("--restore", self.file, "--data", self.server.data,
                                          env=hone.preload_env(HONE_TEST_DIE_AT=n))
            if status == 0:
                return
            self.assertEqual(status, -9, said)
            yield n

    def test_restore_that_was_killed_can_be_repeated(self):
        self.backup()
        self.server.kill()
        n_killed = 0
        for _ in self.killed_restores(5):
            self.restore(self.server.data)
            n_killed += 1
        self.assertGreater(n_killed, 1)
        self.server.start()
        with self.server.client(None) as client:
            self.assertEqual(client.get("/v1/studies/s").status, 200)

    def studies(self, data):
        with contextlib.closing(sqlite3.connect(os.path.join(data, "hone.db"))) as database:
            return [name for name, in database.execute("SELECT name FROM study ORDER BY id")]

    def test_restore_that_was_killed_and_repeated_keeps_all_of_what_was_there(self):
        """The database and its log stay together, in the folder that is named: killed at each change
        of a file from the first that is moved until some after the backup is in place."""
        self.backup()
        with self.server.client(None) as client:
            self.assertEqual(client.post("/v1/studies", hone.study("later")).status, 201)
        self.server.kill()
        aside = os.path.join(self.server.data, "before-restore-1")
        n_moved = n_placed = 0
        for n in self.killed_restores(1):
            if not os.path.isdir(aside):
                continue
            n_moved += 1
            n_placed += all(os.path.exists(os.path.join(folder, "hone.db")) for folder in (self.server.data, aside))
            said = self.restore(self.server.data)
            named = re.search(r"before-restore-\d+", said)
            self.assertEqual(self.studies(os.path.join(self.server.data, named[0]))[0], "s", (n, said))
            kept = [self.studies(os.path.join(self.server.data, name)) for name in os.listdir(self.server.data)
                    if os.path.exists(os.path.join(self.server.data, name, "hone.db"))]
            self.assertIn(["s", "later"], kept, (n, said))
            self.assertEqual(self.studies(self.server.data), ["s"], (n, said))
            if n_placed == 3:
                break
        self.assertGreater(n_moved - n_placed, 2)

    def test_a_log_whose_database_is_gone_is_not_written_into_the_backup(self):
        self.backup()
        with self.server.client(None) as client:
            self.assertEqual(client.post("/v1/studies", hone.study("later")).status, 201)
        self.server.kill()
        os.remove(os.path.join(self.server.data, "hone.db"))
        log = os.path.join(self.server.data, "hone.db-wal")
        with open(log, "rb") as file:
            written = file.read()
        self.assertGreater(len(written), 0)
        said = self.restore(self.server.data)
        self.assertIn("before-restore-1", said)
        self.server.start()
        with self.server.client(None) as client:
            self.assertEqual([study["name"] for study in client.get("/v1/studies").json["items"]], ["s"])
        with open(os.path.join(self.server.data, "before-restore-1", "hone.db-wal"), "rb") as file:
            self.assertEqual(file.read(), written)

    def killed_after_a_backup(self):
        self.backup()
        with self.server.client(None) as client:
            self.assertEqual(client.post("/v1/studies", hone.study("later")).status, 201)
        self.server.kill()

    def assert_nothing_is_lost_unsaid(self):
        refused = 0
        for _ in self.killed_restores(3):
            status, said = hone.run_honed("--check", "--data", self.server.data)
            if status == 78:
                refused += 1
            else:  # before anything was moved, or after the last step
                with contextlib.closing(sqlite3.connect(os.path.join(self.server.data, "hone.db"))) as database:
                    studies = database.execute("SELECT count(*) FROM study").fetchone()[0]
                    epoch = database.execute("SELECT epoch FROM store").fetchone()[0]
                self.assertTrue(studies == 2 or epoch > 1, said)
        self.assertGreater(refused, 2)

    def test_restore_that_was_killed_loses_nothing_unsaid_where_there_was_no_mark(self):
        self.killed_after_a_backup()
        os.remove(os.path.join(self.server.data, "hwm"))  # as in a directory of an older version
        self.assert_nothing_is_lost_unsaid()

    def test_restore_that_was_killed_loses_nothing_unsaid_where_the_mark_is_behind_the_backup(self):
        """As it may be for two seconds, until it is written again."""
        mark = os.path.join(self.server.data, "hwm")
        with open(mark, "rb") as file:
            before = file.read()
        self.killed_after_a_backup()
        with open(mark, "wb") as file:
            file.write(before)
        self.assert_nothing_is_lost_unsaid()

    def events(self, client, query, **headers):
        reply = client.get("/v1/events?follow=false&" + query, headers=headers)
        self.assertEqual(reply.status, 200, reply)
        return [json.loads(line) for line in reply.body.splitlines()]

    def add_trial(self, client):
        self.assertEqual(client.post("/v1/studies/s/trials", [{"parameters": {"x": 0.5}}]).status, 201)

    def assert_told(self, client, place, goes_on):
        """Who knows an event of the state that is gone is told so, however it asks."""
        for path in ("/v1/events", "/v1/studies/s/events"):
            for form, headers in (("ndjson", {}), ("sse", {}), ("text", {}), ("sse", {"Last-Event-ID": str(place)})):
                after = 0 if headers else place
                reply = client.get(f"{path}?after={after}&follow=false&format={form}", headers=headers)
                self.assertEqual(reply.status, 410, (path, form, reply))
                for said in ("events-gone", f"after={goes_on}"):
                    self.assertIn(said, reply.body.decode())

    def test_who_follows_events_is_told_of_the_older_state(self):
        with self.server.client(None) as client:
            self.add_trial(client)
            self.backup()
            kept = self.events(client, "after=0")
            last = kept[-1]["seq"]
            self.add_trial(client)
            tag = client.get("/v1/studies/s").headers["etag"]
            places = [event["seq"] for event in self.events(client, f"after={last}")]
        self.assertGreater(len(places), 0)
        self.server.kill()
        self.restore(self.server.data)
        self.server.start()
        with self.server.client(None) as client:
            began = self.events(client, f"after={last}")  # what is there is known already
            self.assertEqual([event["kind"] for event in began], ["epoch-began"])
            self.assertIn(str(last), began[0]["detail"])
            for _ in range(len(places)):  # as many as are gone
                self.add_trial(client)
            found = self.events(client, "after=0")
            self.assertEqual(found[:len(kept)], kept)
            self.assertFalse({event["seq"] for event in found} & set(places))
            first = began[0]["seq"]
            for place in places:
                self.assert_told(client, place, first)
            self.assertEqual(self.events(client, f"after={first}"), found[len(kept) + 1:])
            self.assertEqual(client.get("/v1/studies/s", headers={"If-None-Match": tag}).status, 200)
            with hone.Client(self.server.url, timeout=30) as other:  # answered before the minute is over
                self.assertEqual(other.get(f"/v1/studies/s?wait=60&after={places[-1]}").status, 200)
            self.assertEqual(client.get("/v1/studies/s/events?after=0&follow=false").status, 200)
        self.server.kill()
        self.restore(self.server.data)  # the same backup once more: another epoch
        self.server.start()
        with self.server.client(None) as client:
            second = self.events(client, f"after={last}")[0]["seq"]
            self.assertGreater(second, found[-1]["seq"])
            for place in (places[0], first, found[-1]["seq"]):
                self.assert_told(client, place, second)

    def test_what_happened_before_is_still_told_beside_what_happens_now(self):
        """When something last happened to each study, and why its workers were idle."""
        def told(client):
            item = client.get("/v1/studies").json["items"][0]
            [lane] = client.get("/v1/workers/lanes").json["items"]
            return item["last_event_at"], [(gap["from_ms"], gap["reason"]) for gap in lane["idle"][:1]]

        with self.server.client(None) as client:
            for _ in range(2):
                lease = client.post("/v1/studies/s/leases", {"worker": "w:0"}).json["lease"]["id"]
                result = client.put(f"/v1/leases/{lease}/result", {"outcome": "completed", "metrics": {"loss": 1}})
                self.assertEqual(result.status, 200, result)
                self.assertEqual(client.post("/v1/workers/w/drain").status, 200)
                hone.wait_until(lambda: told(client)[1], 20, "the worker is idle for a second")
                self.assertEqual(client.post("/v1/workers/w/resume").status, 200)
            known = told(client)
            self.assertEqual(known[1][0][1], "draining")
            self.backup()
        self.server.kill()
        self.restore(self.server.data)
        self.server.start()
        with self.server.client(None) as client:
            self.assertEqual(told(client), known)

    def print_log(self, client, lease, text):
        reply = client.post(f"/v1/leases/{lease}/log?offset=0", raw=text)
        self.assertEqual((reply.status, reply.json["next_offset"]), (200, len(text)), reply)

    def test_the_log_of_an_attempt_is_never_that_of_the_older_state(self):
        """Trials and attempts get the numbers again that they had before the restore."""
        with self.server.client(None) as client:
            known = client.post("/v1/studies/s/leases", {}).json
            self.print_log(client, known["lease"]["id"], "known\n")
            self.backup()
            gone = client.post("/v1/studies/s/leases", {}).json
            self.print_log(client, gone["lease"]["id"], "of the state that is gone\n")
        self.server.kill()
        self.restore(self.server.data)
        self.server.start()
        with self.server.client(None) as client:
            path = f"/v1/studies/s/trials/{known['trial']['number']}"
            hone.wait_until(lambda: client.get(path).json["state"] == "queued", 20, "the lease of before is ended")
            again = client.post("/v1/studies/s/leases", {}).json["trial"]
            self.assertEqual(again["number"], known["trial"]["number"])  # handed out again
            lease = client.post("/v1/studies/s/leases", {}).json
            self.assertEqual([lease["trial"][key] for key in ("number", "attempt")],
                             [gone["trial"][key] for key in ("number", "attempt")])
            path = f"/v1/studies/s/trials/{gone['trial']['number']}/log"
            self.assertNotIn(b"gone", client.get(path).body)
            self.print_log(client, lease["lease"]["id"], "new\n")
            self.assertEqual(client.get(path).body, b"new\n")
            kept = client.get(f"/v1/studies/s/trials/{again['number']}/log?attempt=1")
            self.assertEqual(kept.body, b"known\n")
        self.server.kill()
        self.server.start()
        with self.server.client(None) as client:
            self.assertEqual(client.get(path).body, b"new\n")

    def test_a_change_of_the_older_state_is_not_applied_to_another_one(self):
        """If-Match with the revision of a state that is gone, which the study has come to again."""
        with self.server.client(None) as client:
            self.backup()
            gone = client.patch("/v1/studies/s", {"limits": {"trials": 10}})
            self.assertEqual(gone.status, 200, gone)
            tags = (gone.headers["etag"], client.get("/v1/studies/s").headers["etag"])
        self.server.kill()
        for trials in (20, 30):  # twice from the same backup
            self.restore(self.server.data)
            self.server.start()
            with self.server.client(None) as client:
                changed = client.patch("/v1/studies/s", {"limits": {"trials": trials}})
                self.assertEqual(changed.status, 200, changed)
                for tag in tags:
                    reply = client.patch("/v1/studies/s", {"limits": {"trials": 11}}, headers={"If-Match": tag})
                    self.assertEqual((reply.status, reply.type), (412, "revision-changed"), reply)
                again = client.patch("/v1/studies/s", {"limits": {"trials": trials + 1}},
                                     headers={"If-Match": changed.headers["etag"]})
                self.assertEqual((again.status, again.json["revision"]), (200, changed.json["revision"] + 1), again)
                tags += (changed.headers["etag"], again.headers["etag"])
            self.server.kill()

    def test_the_backup_of_another_server_is_mixed_with_nothing_of_this_one(self):
        """Its studies, trials and events have the same numbers."""
        with self.server.client(None) as client:
            lease = client.post("/v1/studies/s/leases", {}).json
            self.print_log(client, lease["lease"]["id"], "of this server\n")
            place = self.events(client, "after=0")[-1]["seq"]
        with hone.Server(args=["--open"]) as other, other.client(None) as client:
            self.assertEqual(client.post("/v1/studies", hone.study("s")).status, 201)
            self.assertEqual(client.post("/v1/studies/s/leases", {}).json["trial"]["number"], lease["trial"]["number"])
            for _ in range(place):
                self.add_trial(client)
            theirs = self.events(client, "after=0")
            self.honed("--backup", self.file, "--data", other.data)
        self.assertGreater(theirs[-1]["seq"], place)
        self.server.kill()
        self.restore(self.server.data)
        self.server.start()
        with self.server.client(None) as client:
            found = self.events(client, "after=0")
            self.assertEqual(found[:len(theirs)], theirs)
            self.assert_told(client, place, found[len(theirs)]["seq"])
            self.assertNotIn(b"of this", client.get(f"/v1/studies/s/trials/{lease['trial']['number']}/log").body)
        self.assertEqual(len(os.listdir(os.path.join(self.server.data, "before-logs-1"))), 1)

    def test_the_command_line_says_that_the_events_are_gone(self):
        self.backup()
        with self.server.client(None) as client:
            self.add_trial(client)
            place = self.events(client, "after=0")[-1]["seq"]
        self.server.kill()
        self.restore(self.server.data)
        self.server.start()
        done = subprocess.run([hone.build_path("HONE"), "study", "events", "s", "--after", str(place)], text=True,
                              env={**os.environ, "HONE_URL": self.server.url}, capture_output=True, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"after {place}", done.stderr)


if __name__ == "__main__":
    hone.main()
