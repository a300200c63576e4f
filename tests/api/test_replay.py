#!/usr/bin/env python3
"""GET …/replay and `hone replay`: every decision made again; a difference that is planted in the database
is found where it stands. Studies of every strategy, with kills: tests/replay/verify.py."""

import json
import os
import pathlib
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

EPOCHS = {"name": "epochs", "min": 1, "max": 9}


class Replay(hone.ServedTest):
    def train(self, name, value):
        """One lease, whose value gets smaller with each step."""
        lease = self.lease(name)
        path = f"/v1/leases/{lease['lease']['id']}"
        for step in range(int(lease["trial"]["resource"]["from"]) + 1, int(lease["trial"]["resource"]["to"]) + 1):
            reply = self.worker.post(path + "/measurements",
                                     {"measurements": [{"step": step, "metrics": {"loss": value + 1 / step}}]})
            self.assertEqual(reply.status, 200, reply)
        self.put(lease, outcome="completed")

    def replay(self, name, query=""):
        reply = self.client.get(f"/v1/studies/{name}/replay{query}")
        self.assertEqual(reply.status, 200, reply)
        lines = [json.loads(line) for line in reply.body.decode().splitlines() if line]
        return lines[:-1], lines[-1]

    def command(self, *words, status=0):
        env = dict(os.environ, HONE_URL=self.server.url,
                   HONE_TOKEN_FILE=os.path.join(self.server.data, "admin.token"))
        done = subprocess.run([hone.build_path("HONE"), "replay", *words], env=env, capture_output=True, text=True,
                              timeout=120, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + (done.stderr if status in (3, 78) else "")

    def plant(self, sql, *values):
        """A copy of the database in which something is changed."""
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        with sqlite3.connect(os.path.join(self.server.data, "hone.db")) as source, \
                sqlite3.connect(folder / "hone.db") as copy:
            source.backup(copy)
            self.assertEqual(copy.execute(sql, values).rowcount, 1)
        return str(folder)

    def bayesian(self, name, **more):
        self.make(name, strategy="bayesian", **more)
        for i in range(12):
            self.run_one(name, outcome="completed", metrics={"loss": (i * 7 % 5) / 10})

    def test_suggestions(self):
        self.bayesian("s")
        self.client.post("/v1/studies/s/trials", {"parameters": {"x": 0.5}})
        self.run_one("s", outcome="failed")
        self.client.post("/v1/studies/s/trials", {"parameters": {"x": 0.1}, "state": "completed", "metrics": {"loss": 2}})
        self.run_one("s", outcome="completed", metrics={"loss": 0.1})
        lines, summary = self.replay("s")
        self.assertEqual([line["decision"] for line in lines], list(range(1, 14)))
        self.assertEqual({(line["kind"], line["result"]) for line in lines}, {("suggestion", "same")})
        self.assertTrue(all(line["stored"] == line["again"] for line in lines))
        self.assertEqual({key: summary[key] for key in ("decisions", "same", "different", "not_recorded", "enqueued",
                                                        "imported", "first_difference")},
                         {"decisions": 13, "same": 13, "different": 0, "not_recorded": 0, "enqueued": 1,
                          "imported": 1, "first_difference": None})
        self.assertEqual(summary["digest"], summary["digest_again"])
        self.assertEqual(self.command("s", "--verify"), "13 of 13 decisions the same\ndigest " + summary["digest"] + "\n")
        self.assertEqual(json.loads(self.command("s", "-o", "json")), summary)
        self.restart()
        self.assertEqual(self.replay("s")[1], summary)

    def test_until(self):
        self.bayesian("s")
        lines, summary = self.replay("s", "?until=4")
        self.assertEqual((len(lines), summary["decisions"]), (4, 4))
        self.assertIn("4 of 4", self.command("s", "--until", "4"))
        for query in ("?until=0", "?until=x", "?format=csv", "?all=1"):
            self.assertIn(self.client.get("/v1/studies/s/replay" + query).status, (400, 406), query)
        self.assertEqual(self.client.get("/v1/studies/t/replay").status, 404)
        self.command("t", status=3)
        copy = self.plant("UPDATE study SET name = name WHERE name = 's'")
        self.assertIn("--replay t: this data directory has no such study", self.command("t", "--data", copy, status=3))

    def test_a_planted_configuration(self):
        self.bayesian("s")
        copy = self.plant("UPDATE trial SET config = ? WHERE id & 0xffffffff = 9", struct.pack("<d", 0.123))
        said = self.command("s", "--data", copy, "--verify", status=1)
        self.assertIn("decision 9 is different: suggestion of trial 9\n", said)
        self.assertIn('stored  {"x":0.123}', said.replace('": ', '":'))
        self.assertIn("digest", said)
        self.command("s", "--data", copy)  # it is told, and no failure

    def test_a_planted_result(self):
        self.bayesian("s")
        copy = self.plant("UPDATE trial SET value = -3 WHERE id & 0xffffffff = 10")
        lines = [json.loads(line) for line in
                 self.command("s", "--data", copy, "--verify", "-o", "ndjson", status=1).splitlines()]
        self.assertEqual([line["result"] for line in lines[:10]], ["same"] * 10)
        self.assertEqual(lines[-1]["first_difference"], 11)
        self.assertGreater(lines[-1]["largest_difference"], 0)

    def test_a_planted_measurement(self):
        self.make("s", strategy={"name": "hyperband", "rounds": 1}, resource=EPOCHS)
        for i in range(14):
            self.train("s", (i * 5 % 9) / 10)
        lines, summary = self.replay("s")
        self.assertEqual((summary["same"], summary["different"]), (summary["decisions"], 0))
        self.assertEqual({line["kind"] for line in lines}, {"suggestion", "start", "promotion", "stop"})
        copy = self.plant("UPDATE measurement SET value = 7 WHERE trial & 0xffffffff = 2 AND step = 1")
        lines = [json.loads(line) for line in self.command("s", "--data", copy, "-o", "ndjson").splitlines()]
        different = [line for line in lines if line.get("result") == "different"]
        self.assertEqual(different[0]["trial"], 2)
        self.assertEqual((different[0]["kind"], different[0]["stored"]["value"] != 7, different[0]["again"]["value"]),
                         ("value", True, 7))

    def test_retries_and_changes(self):
        self.bayesian("s")
        for _ in range(3):
            self.run_one("s", outcome="failed")
        self.client.post("/v1/studies/s/trials/retry")
        for _ in range(4):
            self.run_one("s", outcome="completed", metrics={"loss": 0.3})
        self.client.patch("/v1/studies/s", {"limits": {"trials": 40}})
        self.run_one("s", outcome="completed", metrics={"loss": 0.2})
        summary = self.replay("s")[1]
        self.assertEqual((summary["same"], summary["decisions"]), (17, 17), summary)
        wider = [{"name": "x", "type": "float", "low": 0, "high": 2}]
        self.assertEqual(self.client.patch("/v1/studies/s", {"parameters": wider}).status, 200)
        self.run_one("s", outcome="completed", metrics={"loss": 0.2})
        lines, summary = self.replay("s")
        self.assertEqual((summary["different"], lines[0]["result"], lines[-1]["result"]), (0, "same", "same"))
        missing = [line for line in lines if line["result"] == "not_recorded"]
        self.assertTrue(missing and all("space was changed" in line["why"] for line in missing), missing)

    def test_damage_is_told(self):
        """A configuration that is too short, and no events: nothing to compare, which is not the same."""
        self.bayesian("s")
        copy = self.plant("UPDATE trial SET config = x'00' WHERE id & 0xffffffff = 9")
        said = self.command("s", "--data", copy, "--verify", status=78)
        self.assertIn("the configuration of trial 9 cannot be read back", said)
        copy = self.plant("UPDATE trial SET basis = basis WHERE id & 0xffffffff = 9")
        with sqlite3.connect(os.path.join(copy, "hone.db")) as database:
            database.execute("DELETE FROM event")
        said = self.command("s", "--data", copy, "--verify", status=78)
        self.assertIn("the events of trial 1 are missing", said)

    def test_made_before(self):
        self.bayesian("s")
        copy = self.plant("UPDATE trial SET basis = NULL WHERE id & 0xffffffff = 5")
        said = self.command("s", "--data", copy, "--verify")
        self.assertIn("11 of 12 decisions the same, 1 that cannot be made again", said)


if __name__ == "__main__":
    hone.main()
