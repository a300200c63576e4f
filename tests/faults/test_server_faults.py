#!/usr/bin/env python3
"""What befalls a server and no other test does: a sync that fails while it commits or takes long, a database
that another program holds, a server that stands still, a study deleted under a thousand leases, a month without work."""

import http.client
import os
import signal
import socket
import sqlite3
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

N_LEASES = 1000


def ask(client, study, worker):
    return client.post(f"/v1/studies/{study}/leases", {"worker": worker, "request_id": worker}).json


class FailingSync(unittest.TestCase):
    def commit_until_it_breaks(self, server):
        """The configuration whose request was not answered."""
        with server.client() as client:
            for i in range(500):
                try:
                    reply = client.post("/v1/studies/s/trials", [{"parameters": {"x": i / 1000}}],
                                        headers={"Idempotency-Key": f"k{i}"})
                    self.assertEqual(reply.status, 201, reply)
                except (OSError, http.client.HTTPException):
                    return i
        self.fail("the sync never failed")

    def test_no_answer_leaves_and_the_repeated_request_has_one_effect(self):
        for nth in (40, 41):  # behind those of the start
            with hone.Server() as server:
                with server.client() as client:
                    self.assertEqual(client.post("/v1/studies", hone.study("s")).status, 201)
                self.assertEqual(server.stop(), 0)
                server.env.update(hone.preload_env(HONE_TEST_SYNC_FAILS_AT=nth))
                server.start()
                unknown = self.commit_until_it_breaks(server)
                self.assertEqual(server.process.wait(60), -signal.SIGABRT)
                self.assertIn("what is on disk is unknown", server.log())
                del server.env["HONE_TEST_SYNC_FAILS_AT"]
                server.start()
                with server.client() as client:
                    for i in range(unknown + 1):
                        reply = client.post("/v1/studies/s/trials", [{"parameters": {"x": i / 1000}}],
                                            headers={"Idempotency-Key": f"k{i}"})
                        self.assertEqual((reply.status, reply.json["items"][0]["number"]), (201, i + 1), reply)
                    kept = [trial["parameters"]["x"] for trial in client.walk("/v1/studies/s/trials")]
                self.assertEqual(kept, [i / 1000 for i in range(unknown + 1)])


class HeldDatabase(hone.ServedTest):
    def test_writes_are_refused_while_another_program_holds_it(self):
        other = sqlite3.connect(os.path.join(self.server.data, "hone.db"), isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        refused = self.client.post("/v1/studies", hone.study("s"))  # after the 5 s that SQLite waits
        self.assertEqual((refused.status, refused.type), (503, "overloaded"), refused)
        self.assertIn("locked by another program", refused.json["detail"])
        self.assertIn("retry-after", refused.headers)
        self.assertEqual(self.client.get("/v1/studies").status, 200)
        other.execute("ROLLBACK")
        self.assertEqual(self.client.post("/v1/studies", hone.study("s")).status, 201)


class StandingStill(unittest.TestCase):
    CLOCK_SCALE, TTL_SECONDS, STILL_SECONDS = 20, 80, 5  # a lease lasts four seconds here

    def test_a_pause_longer_than_a_lease_costs_no_lease(self):
        with hone.Server(env={"HONE_TEST_CLOCK_SCALE": str(self.CLOCK_SCALE)}) as server, \
                server.client() as client, server.client("worker") as holder, server.client("worker") as heir:
            body = hone.study("s", limits={"trials": 1}, lease={"ttl_seconds": self.TTL_SECONDS})
            self.assertEqual(client.post("/v1/studies", body).status, 201)
            lease = ask(holder, "s", "holder")["lease"]["id"]
            server.process.send_signal(signal.SIGSTOP)
            answers = []
            asking = threading.Thread(target=lambda: answers.append(ask(heir, "s", "heir")))
            asking.start()
            time.sleep(self.STILL_SECONDS)  # the fault itself
            server.process.send_signal(signal.SIGCONT)
            asking.join(60)
            self.assertIsNone(answers[0]["lease"], answers)
            result = holder.put(f"/v1/leases/{lease}/result", {"outcome": "completed", "metrics": {"loss": 1}})
            self.assertEqual((result.status, result.json["late"]), (200, False), result)


class SlowDisk(unittest.TestCase):
    CLOCK_SCALE, TTL_SECONDS = 40, 120  # a lease lasts three seconds here
    SYNC_SECONDS, N_COMMITS = 1.2, 4

    def test_no_lease_ends_while_the_disk_is_waited_for(self):
        with hone.Server(env={"HONE_TEST_CLOCK_SCALE": str(self.CLOCK_SCALE)}) as server:
            with server.client() as client:
                body = hone.study("s", limits={"trials": 1}, lease={"ttl_seconds": self.TTL_SECONDS})
                self.assertEqual(client.post("/v1/studies", body).status, 201)
            self.assertEqual(server.stop(), 0)
            server.env.update(hone.preload_env(HONE_TEST_SYNC_DELAY_US=int(self.SYNC_SECONDS * 1e6)))
            server.start()
            with server.client() as client, server.client("worker") as worker:
                lease = ask(worker, "s", "holder")["lease"]["id"]
                for i in range(self.N_COMMITS):
                    self.assertEqual(client.post("/v1/studies", hone.study(f"other-{i}")).status, 201)
                self.assertIsNone(ask(worker, "s", "heir")["lease"])
                result = worker.put(f"/v1/leases/{lease}/result", {"outcome": "completed", "metrics": {"loss": 1}})
                self.assertEqual((result.status, result.json["late"]), (200, False), result)


class ManyLeases(hone.ServedTest):
    def test_a_study_is_deleted_under_a_thousand_leases(self):
        self.make("s", limits={"trials": N_LEASES})
        leases = [ask(self.worker, "s", f"w{i}")["lease"]["id"] for i in range(N_LEASES)]
        self.assertEqual(len(set(leases)), N_LEASES)
        self.assertEqual(self.client.delete("/v1/studies/s?force=true").status, 204)
        for lease in leases[::50]:
            self.assertEqual(self.worker.put(f"/v1/leases/{lease}").json["action"], "abort")
            result = self.worker.put(f"/v1/leases/{lease}/result", {"outcome": "completed", "metrics": {"loss": 1}})
            self.assertEqual((result.status, result.type), (410, "lease-ended"), result)
        self.make("s")
        self.assertIsNotNone(self.lease("s")["lease"])


def is_let_go(database):
    """Can the log begin anew? Not while anybody holds a snapshot of what it has."""
    return database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0


class SlowReader(hone.ServedTest):
    def test_a_client_that_does_not_read_does_not_hold_the_log(self):
        choices = [str(i) + "x" * 2000 for i in range(2)]  # so that the export is larger than any socket's buffer
        self.make("s", parameters=[{"name": "c", "type": "categorical", "choices": choices}])
        for _ in range(4):
            self.enqueue([{"parameters": {"c": choices[0]}}] * 1000)
        with socket.socket() as reader, sqlite3.connect(os.path.join(self.server.data, "hone.db"), timeout=0) as own:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.settimeout(60)
            reader.connect(("127.0.0.1", self.server.port))
            reader.sendall(b"GET /v1/studies/s/export?format=ndjson HTTP/1.0\r\nHost: localhost\r\n"
                           b"Authorization: Bearer " + self.server.token().encode() + b"\r\n\r\n")
            self.assertIn(b" 200 ", reader.recv(20))
            self.enqueue([{"parameters": {"c": choices[1]}}])
            with sqlite3.connect(own.execute("PRAGMA database_list").fetchone()[2]) as other:
                other.execute("BEGIN")
                other.execute("SELECT count(*) FROM trial").fetchone()
                self.enqueue([{"parameters": {"c": choices[1]}}])
                self.assertFalse(is_let_go(own))  # what it would be like
                other.rollback()
            hone.wait_until(lambda: is_let_go(own), 30, "nobody holds the log")
            rest = b"".join(iter(lambda: reader.recv(1 << 20), b""))
        # The end of the export was read after all that: it had not ended before.
        self.assertEqual(rest.count(b"\n{"), 4002)

    def enqueue(self, trials):
        reply = self.client.post("/v1/studies/s/trials", trials)
        self.assertEqual(reply.status, 201, reply)


class IdleMonth(unittest.TestCase):
    CLOCK_SCALE = 2_000_000  # a month in less than two seconds

    @staticmethod
    def size_of(data):
        return sum(os.path.getsize(os.path.join(data, name)) for name in os.listdir(data)
                   if name.startswith("hone.db") and not name.endswith("-shm"))

    def test_nothing_grows_and_nobody_spins(self):
        with hone.Server(env={"HONE_TEST_CLOCK_SCALE": str(self.CLOCK_SCALE)}) as server, server.client() as client:
            self.assertEqual(client.post("/v1/studies", hone.study("s")).status, 201)
            with server.client("worker") as worker:
                self.assertIsNotNone(ask(worker, "s", "gone")["lease"])
            hone.wait_until(lambda: client.get("/v1/studies/s").json["counts"]["queued"] == 1, 60,
                            "the lease of a worker that is gone")
            before, events = self.size_of(server.data), hone.all_events(client)
            switches = self.switches(server)
            time.sleep(1.5)  # the month itself
            self.assertEqual(self.size_of(server.data), before)
            self.assertEqual(hone.all_events(client), events)
            self.assertLess(self.switches(server) - switches, 200)

    @staticmethod
    def switches(server):
        """How often threads of the server have waited for something."""
        total = 0
        tasks = f"/proc/{server.process.pid}/task"
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/status", encoding="ascii") as status:
                total += sum(int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt"))
        return total


if __name__ == "__main__":
    hone.main()
