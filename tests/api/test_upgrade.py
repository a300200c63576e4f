#!/usr/bin/env python3
"""A database of the first version, brought up to date by the server that finds it.

It is made from the first migration alone, with the rows that today's server wrote as far as the
tables of then had them.
"""

import glob
import os
import sqlite3
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
MIGRATIONS = sorted(glob.glob(os.path.join(HERE, "..", "..", "schema", "migrations", "*.sql")))


def make_old(path):
    """Turns the newest database at `path` into one of version 1."""
    os.remove(os.path.join(os.path.dirname(path), "hwm"))  # of which the first version had none
    newest = path + ".newest"
    os.rename(path, newest)
    for left in (path + "-wal", path + "-shm"):
        if os.path.exists(left):
            os.remove(left)
    connection = sqlite3.connect(path)
    with open(MIGRATIONS[0], encoding="utf-8") as script:
        connection.executescript(script.read())
    connection.execute(f"PRAGMA application_id = {int.from_bytes(b'hone', 'big')}")
    connection.execute("PRAGMA user_version = 1")
    connection.execute("ATTACH ? AS newest", (newest,))
    tables = [row[0] for row in connection.execute(
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")]
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


if __name__ == "__main__":
    hone.main()
