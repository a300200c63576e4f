#!/usr/bin/env python3
"""A database of the first version, brought up to date by the server that finds it.

It is made from the first migration alone, with the rows that today's server wrote as far as the
tables of then had them.
"""

import glob
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
MIGRATIONS = sorted(glob.glob(os.path.join(HERE, "..", "..", "schema", "migrations", "*.sql")))


def make_old(path, of=1):
    """Turns the newest database at `path` into one of an older version."""
    os.remove(os.path.join(os.path.dirname(path), "hwm"))  # of which the first version had none
    newest = path + ".newest"
    os.rename(path, newest)
    for left in (path + "-wal", path + "-shm"):
        if os.path.exists(left):
            os.remove(left)
    connection = sqlite3.connect(path)
    for migration in MIGRATIONS[:of]:
        with open(migration, encoding="utf-8") as script:
            connection.executescript(script.read())
    connection.execute(f"PRAGMA application_id = {int.from_bytes(b'hone', 'big')}")
    connection.execute(f"PRAGMA user_version = {of}")
    connection.execute("ATTACH ? AS newest", (newest,))
    tables = [row[0] for row in connection.execute(
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        " AND name != 'store'")]
    for table in tables:
        columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({table})"))
        connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newest.{table}")
    connection.commit()
    connection.close()
    os.remove(newest)


def version_of(path):
    connection = sqlite3.connect(path)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return version


def enqueued_of(path, study):
    connection = sqlite3.connect(path)
    row = connection.execute("SELECT enqueued_trials FROM study WHERE name = ?", (study,)).fetchone()
    connection.close()
    return row[0]


def studies_with_values(path):
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name FROM study WHERE has_value = 1").fetchall()
    connection.close()
    return [row[0] for row in rows]


class Upgrade(unittest.TestCase):
    def finish_trial(self, client, study, loss):
        lease = client.post(f"/v1/studies/{study}/leases", {}).json["lease"]["id"]
        answer = client.put(f"/v1/leases/{lease}/result",
                            {"outcome": "completed", "metrics": {"loss": loss}})
        self.assertEqual(answer.status, 200)

    def test_first_version_is_copied_and_brought_up_to_date(self):
        with hone.Server(args=["--open"]) as server:
            with server.client(None) as client:
                client.post("/v1/studies", hone.study("older", limits={"trials": 3}))
                client.post("/v1/studies", hone.study("untried"))
                client.post("/v1/studies/untried/trials", [{"parameters": {"x": x}} for x in (0.1, 0.2, 0.3)])
                client.patch("/v1/studies/untried/trials/2", {"state": "cancelled"})
                for loss in (3, 1, 2):
                    self.finish_trial(client, "older", loss)
                before = client.get("/v1/studies/older/trials").json
            self.assertEqual(server.stop(), 0)
            path = os.path.join(server.data, "hone.db")
            make_old(path)
            server.start()
            copy = os.path.join(server.data, "before-0001.db")
            self.assertEqual(version_of(copy), 1)
            self.assertEqual(version_of(path), len(MIGRATIONS))
            self.assertEqual(studies_with_values(path), ["older"])
            self.assertEqual(enqueued_of(path, "untried"), 2)
            self.assertEqual(enqueued_of(path, "older"), 0)
            with server.client(None) as client:
                self.assertEqual(client.get("/v1/studies/older/trials").json, before)
                new = hone.study("new", strategy="bayesian", after=["older"])
                self.assertEqual(client.post("/v1/studies", new).status, 201)
                self.finish_trial(client, "new", 1)
                explain = client.get("/v1/studies/new/trials/1/explain").json
                self.assertEqual(explain["suggestion"]["study"], "older")

    def older(self, folder, of):
        """A data directory of version `of` with three completed trials, from the newest one there."""
        data = os.path.join(folder, f"of-{of}")
        shutil.copytree(os.path.join(folder, "newest"), data)
        make_old(os.path.join(data, "hone.db"), of)
        return data

    def upgrade(self, data, expected):
        with hone.Server(data=data, args=["--open"]) as server, server.client(None) as client:
            self.assertEqual(version_of(os.path.join(data, "hone.db")), len(MIGRATIONS))
            found = [(trial["number"], trial["state"], trial["value"])
                     for trial in client.walk("/v1/studies/older/trials")]
            self.assertEqual(found, expected)

    def kill_and_upgrade(self, folder, of, n, expected):
        """False: the upgrade makes fewer changes of files."""
        data = os.path.join(folder, f"of-{of}-killed-{n}")
        shutil.copytree(os.path.join(folder, f"of-{of}"), data)
        env = dict(os.environ, **hone.preload_env(HONE_TEST_DIE_AT=n))
        with subprocess.Popen([hone.build_path("HONED"), "--data", data, "--listen", "127.0.0.1:0", "--open"],
                              env=env, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as process:
            for line in process.stdout:
                if "listening on" in line:
                    process.kill()
                    return False
        self.assertEqual(process.returncode, -9)
        self.upgrade(data, expected)
        return True

    def test_every_version_is_brought_up_to_date_also_after_a_kill(self):
        """Each version is killed at another change of a file; at every one with HONE_TEST_EVERY_CHANGE=1."""
        with tempfile.TemporaryDirectory() as folder:
            newest = os.path.join(folder, "newest")
            with hone.Server(data=newest, args=["--open"]) as server, server.client(None) as client:
                client.post("/v1/studies", hone.study("older", limits={"trials": 3}))
                for loss in (3, 1, 2):
                    self.finish_trial(client, "older", loss)
                expected = [(number, "completed", loss) for number, loss in ((1, 3), (2, 1), (3, 2))]
                self.assertEqual(server.stop(), 0)
            versions = range(1, len(MIGRATIONS))
            with ThreadPoolExecutor(4) as pool:
                olders = list(pool.map(lambda of: self.older(folder, of), versions))
                killed = list(pool.map(lambda of: self.kill_some(folder, of, expected), versions))
            self.assertEqual(len(olders), len(MIGRATIONS) - 1)
            print(f"{sum(killed)} kills in {len(killed)} versions", flush=True)
            self.assertGreater(min(killed), 0)

    def kill_some(self, folder, of, expected):
        if not os.environ.get("HONE_TEST_EVERY_CHANGE"):
            return self.kill_and_upgrade(folder, of, 5 + of * 37 % 45, expected)
        n = 1
        while self.kill_and_upgrade(folder, of, n, expected):
            n += 1
        return n - 1


if __name__ == "__main__":
    hone.main()
