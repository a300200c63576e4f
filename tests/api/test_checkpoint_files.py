#!/usr/bin/env python3
"""Uploaded checkpoints over HTTP: stored once by their digest, given to the next lease, gone when
nobody needs them; and what is refused, broken off, killed or does not fit."""

import hashlib
import os
import resource
import socket
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

STUDY = {"strategy": {"name": "successive_halving", "eta": 3},
         "resource": {"name": "epochs", "min": 1, "max": 9}}
MIB = 1 << 20


def uri_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class CheckpointTest(hone.ServedTest):
    args = ["--checkpoint-limit", "8MiB"]
    env = {}

    def setUp(self):
        self.server = hone.Server(args=self.args, env=self.env)
        self.addCleanup(self.server.__exit__)
        self.server.start()
        self.addCleanup(self.server.stop)
        self.connect()
        self.make("s", **STUDY)

    def ask(self, name="s", **more):
        lease = self.worker.post(f"/v1/studies/{name}/leases", {"host": "h", "wait_seconds": 20, **more}).json
        return lease["lease"]["id"], lease["trial"]

    def upload(self, lease, data, client=None):
        return (client or self.worker).request("PUT", f"/v1/leases/{lease}/checkpoint", raw=data,
                                               headers={"Content-Type": "application/x-tar"})

    def uploaded(self, lease, data):
        reply = self.upload(lease, data)
        self.assertEqual((reply.status, reply.json), (201, {"uri": uri_of(data), "bytes": len(data)}),
                         reply)
        return reply.json["uri"]

    def preempt(self, lease, uri, step=1):
        self.put({"lease": {"id": lease}}, outcome="preempted", step=step,
                 checkpoint={"uri": uri, "step": step})

    def files(self):
        folder = os.path.join(self.server.data, "files")
        return sorted(os.path.relpath(os.path.join(where, name), folder)
                      for where, _, names in os.walk(folder) for name in names)

    def stored(self):
        """Digests of the content that is there."""
        return {name.replace("/", "") for name in self.files() if name[2] == "/"}

    def expect_stored(self, *contents):
        wanted = {uri_of(content)[7:] for content in contents}
        hone.wait_until(lambda: self.stored() == wanted, 30, f"only {len(wanted)} are stored")

    def head(self, lease, *lines):
        connection = socket.create_connection(("127.0.0.1", self.server.port), timeout=60)
        self.addCleanup(connection.close)
        text = "\r\n".join([f"PUT /v1/leases/{lease}/checkpoint HTTP/1.1", "Host: 127.0.0.1",
                            f"Authorization: Bearer {self.server.token('worker')}", *lines])
        connection.sendall(text.encode() + b"\r\n\r\n")
        return connection


class Files(CheckpointTest):
    def test_the_next_lease_gets_the_bytes(self):
        lease, _ = self.ask()
        data = os.urandom(5 * MIB + 12345)
        self.preempt(lease, self.uploaded(lease, data))
        again, trial = self.ask()
        self.assertEqual((trial["resource"]["from"], trial["checkpoint"]["uri"],
                          trial["checkpoint"]["reach"]), (1, uri_of(data), "any"))
        reply = self.worker.get(f"/v1/leases/{again}/checkpoint")
        self.assertEqual((reply.status, reply.headers["content-type"]),
                         (200, "application/octet-stream"))
        self.assertEqual(reply.body, data)
        self.assertEqual(self.worker.get(f"/v1/leases/{lease}/checkpoint").type, "not-found")
        self.assertEqual(self.files()[0], uri_of(data)[7:9] + "/" + uri_of(data)[9:])

    def test_the_same_content_is_stored_once_and_kept_for_whoever_needs_it(self):
        first, _ = self.ask()
        second, _ = self.ask()
        for lease in (first, first, second):
            self.uploaded(lease, b"same")
        self.assertEqual(self.stored(), {uri_of(b"same")[7:]})
        self.preempt(first, uri_of(b"same"))
        self.preempt(second, uri_of(b"same"))
        again, trial = self.ask()
        self.assertEqual(self.worker.get(f"/v1/leases/{again}/checkpoint").body, b"same")
        self.preempt(again, self.uploaded(again, b"newer"))
        self.expect_stored(b"same", b"newer")
        self.client.patch(f"/v1/studies/s/trials/{3 - trial['number']}", {"state": "cancelled"})
        self.expect_stored(b"newer")
        hone.wait_until(lambda: b"\nhone_checkpoint_files 1\n" in self.client.get("/metrics").body, 30,
                        "one file is counted")

    def test_what_a_newer_one_replaces_is_removed(self):
        lease, _ = self.ask()
        self.preempt(lease, self.uploaded(lease, b"one"))
        for content in (b"two", b"three"):
            lease, _ = self.ask()
            self.uploaded(lease, b"never named " + content)
            self.preempt(lease, self.uploaded(lease, content))
            self.expect_stored(content)

    def test_what_a_running_attempt_uploads_again_stays(self):
        self.make("t", strategy="random", limits={"trials": 3}, resource={"name": "epochs", "min": 1, "max": 9})
        other, _ = self.ask("t")
        for step, content in enumerate((b"one", b"two"), 1):
            lease, _ = self.ask("t")
            self.preempt(lease, self.uploaded(lease, content), step=step)
            self.expect_stored(content)
        lease, _ = self.ask("t")
        self.uploaded(lease, b"one")
        self.uploaded(other, b"of no use")
        self.put({"lease": {"id": other}}, outcome="completed", step=9, metrics={"loss": 1})  # all are looked at
        self.expect_stored(b"one", b"two")
        self.preempt(lease, uri_of(b"one"), step=3)
        self.expect_stored(b"one")
        again, _ = self.ask("t")
        self.assertEqual(self.worker.get(f"/v1/leases/{again}/checkpoint").body, b"one")

    def test_the_former_best_trial_keeps_none(self):
        self.make("t", strategy="random", limits={"trials": 2}, stopping={"rule": "threshold", "step": 1, "value": 0},
                  resource={"name": "epochs", "min": 1, "max": 9})
        for loss, expected in ((0.5, b"first"), (0.25, b"second")):
            lease, _ = self.ask("t")
            uri = self.uploaded(lease, expected)
            self.worker.post(f"/v1/leases/{lease}/measurements",
                             {"measurements": [{"step": 1, "metrics": {"loss": loss}}]})
            self.put({"lease": {"id": lease}}, outcome="completed", step=1, checkpoint={"uri": uri, "step": 1})
            self.expect_stored(expected)

    def test_a_deleted_study_keeps_none(self):
        lease, _ = self.ask()
        self.preempt(lease, self.uploaded(lease, b"one"))
        self.assertEqual(self.client.delete("/v1/studies/s?force=true").status, 204)
        self.expect_stored()

    def test_an_upload_is_on_disk_and_an_interrupted_one_leaves_nothing(self):
        lease, _ = self.ask()
        self.preempt(lease, self.uploaded(lease, b"kept" * 1000))
        lease, _ = self.ask()
        half = self.head(lease, "Content-Length: 5000000")
        half.sendall(b"x" * 1000000)
        hone.wait_until(lambda: any("incoming" in name for name in self.files()), 30, "it began")
        self.restart()
        self.assertEqual([name for name in self.files() if "incoming" in name], [])
        self.assertEqual(self.worker.get(f"/v1/leases/{lease}/checkpoint").body, b"kept" * 1000)
        self.expect_stored(b"kept" * 1000)
        self.uploaded(lease, b"again")

    def test_a_client_that_leaves_leaves_nothing(self):
        lease, _ = self.ask()
        half = self.head(lease, "Content-Length: 5000000")
        half.sendall(b"x" * 1000000)
        hone.wait_until(lambda: any("incoming" in name for name in self.files()), 30, "it began")
        half.close()
        hone.wait_until(lambda: self.files() == [], 30, "nothing is left")

    def test_many_at_once(self):
        lease, _ = self.ask()
        contents = [bytes([i]) * 2 * MIB for i in range(12)]
        replies = []

        def send(content):
            with self.server.client("worker") as client:
                replies.append(self.upload(lease, content, client).status)
        threads = [threading.Thread(target=send, args=(content,)) for content in contents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(replies, [201] * 12)
        self.expect_stored(*contents)


class Looks(CheckpointTest):
    """What a look at the files of a study does to those that come while it looks."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.hold = os.path.join(folder.name, "hold")
        self.env = hone.preload_env(HONE_TEST_HOLD=self.hold)
        super().setUp()
        self.make("t", strategy="random", limits={"trials": 3}, resource={"name": "epochs", "min": 1, "max": 9})

    def test_what_is_uploaded_during_a_look_stays(self):
        first, _ = self.ask("t")
        second, trial = self.ask("t")
        self.preempt(second, self.uploaded(second, b"one"))
        study = os.path.join(self.server.data, "files", "trials")
        place = next(os.path.join("trials", study_id, str(trial["number"])) for study_id in os.listdir(study)
                     if os.path.exists(os.path.join(study, study_id, str(trial["number"]))))
        self.expect_stored(b"one")
        with open(self.hold, "w", encoding="ascii") as file:
            file.write(place)
        self.worker.post(f"/v1/leases/{first}/measurements", {"measurements": [{"step": 9, "metrics": {"loss": 1}}]})
        self.put({"lease": {"id": first}}, outcome="completed", step=9)  # the best one: its study is looked at
        hone.wait_until(lambda: os.path.exists(self.hold + ".held"), 30, "the look has come to the other trial")
        again, its = self.ask("t")
        self.assertEqual(its["number"], trial["number"])
        self.uploaded(again, b"two")
        os.remove(self.hold)
        self.preempt(again, uri_of(b"two"), step=2)
        self.expect_stored(b"two")
        last, _ = self.ask("t")
        self.assertEqual(self.worker.get(f"/v1/leases/{last}/checkpoint").body, b"two")


class Lost(CheckpointTest):
    env = {"HONE_TEST_CLOCK_SCALE": "200"}

    def test_what_a_lost_attempt_uploads_waits_for_its_late_result(self):
        self.make("t", strategy="random", limits={"trials": 3}, resource={"name": "epochs", "min": 1, "max": 9})
        other, _ = self.ask("t", ttl_seconds=86400)
        late, its = self.ask("t", ttl_seconds=15)
        hone.wait_until(lambda: self.client.get("/v1/studies/t").json["counts"]["queued"] == 1, 30, "it is lost")
        self.uploaded(late, b"late")
        self.uploaded(other, b"of no use")
        self.put({"lease": {"id": other}}, outcome="completed", step=9, metrics={"loss": 1})  # all are looked at
        self.expect_stored(b"late")
        self.preempt(late, uri_of(b"late"))
        again, trial = self.ask("t", ttl_seconds=86400)
        self.assertEqual(trial["number"], its["number"])
        self.assertEqual(self.worker.get(f"/v1/leases/{again}/checkpoint").body, b"late")


class Refusals(CheckpointTest):
    def test_too_much_is_refused_announced_or_not(self):
        lease, _ = self.ask()
        announced = self.head(lease, f"Content-Length: {8 * MIB + 1}")
        self.assertIn(b" 413 ", announced.recv(65536))
        endless = self.head(lease, "Transfer-Encoding: chunked")
        answer = b""
        try:
            while True:
                endless.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        except OSError:
            try:
                answer = endless.recv(65536)
            except OSError:
                pass
        self.assertTrue(answer == b"" or b" 413 " in answer, answer)
        hone.wait_until(lambda: self.files() == [], 30, "nothing is left")
        self.uploaded(lease, b"x" * 8 * MIB)

    def test_chunks_are_taken(self):
        lease, _ = self.ask()
        chunked = self.head(lease, "Transfer-Encoding: chunked")
        data = os.urandom(300000)
        for at in range(0, len(data), 100000):
            chunked.sendall(b"%x\r\n" % 100000 + data[at:at + 100000] + b"\r\n")
        chunked.sendall(b"0\r\n\r\n")
        self.assertIn(uri_of(data).encode(), chunked.recv(65536))

    def test_chunks_that_two_parsers_could_read_differently_are_refused(self):
        lease, _ = self.ask()
        chunked = self.head(lease, "Transfer-Encoding: chunked")
        chunked.sendall(b"4\r\nwell\r\n4\nevil\r\n4\r\nmore\r\n0\r\n\r\n")
        answer = b"".join(iter(lambda: chunked.recv(65536), b""))  # until it closes
        self.assertRegex(answer, rb"\AHTTP/1.1 400 ")
        hone.wait_until(lambda: self.files() == [], 30, "nothing is left")

    def test_who_may_not_is_refused(self):
        lease, _ = self.ask()
        other = lease[:-7] + ("a" if lease[-7] != "a" else "b") + lease[-6:]  # another secret
        cases = [(self.upload(other, b"x"), 404, "not-found"),
                 (self.upload("l_x", b"x"), 404, "not-found"),
                 (self.upload(lease, b"x", self.client), 403, "forbidden"),
                 (self.client.get(f"/v1/leases/{lease}/checkpoint"), 403, "forbidden"),
                 (self.upload(lease, b""), 400, "malformed"),
                 (self.worker.get(f"/v1/leases/{lease}/checkpoint"), 404, "not-found")]
        self.put({"lease": {"id": lease}}, outcome="preempted", step=1,
                 checkpoint={"uri": "sha256:" + "0" * 64, "step": 1})
        cases.append((self.upload(lease, b"x"), 410, "lease-ended"))
        again, _ = self.ask()
        cases += [(self.upload(lease, b"x"), 409, "lease-superseded"),
                  (self.worker.get(f"/v1/leases/{again}/checkpoint"), 404, "not-found")]
        for i, (reply, status, kind) in enumerate(cases):
            with self.subTest(i):
                self.assertEqual((reply.status, reply.type), (status, kind), reply)
        self.assertEqual(self.files(), [])

    def test_a_disk_that_is_full_is_said_and_costs_no_result(self):
        lease, _ = self.ask()
        _, hard = resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE, (3 * MIB, hard))
        reply = self.upload(lease, b"x" * 4 * MIB)
        self.assertEqual((reply.status, reply.type), (503, "storage-full"), reply)
        hone.wait_until(lambda: self.files() == [], 30, "nothing is left")
        self.put({"lease": {"id": lease}}, outcome="preempted", step=1)
        resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        lease, _ = self.ask()
        self.uploaded(lease, b"x" * 4 * MIB)


class Memory(CheckpointTest):
    args = []
    env = {"ASAN_OPTIONS": "quarantine_size_mb=1:thread_local_quarantine_size_kb=64"}  # for what was freed

    def peak_mib(self):
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as file:
            return int(file.read().partition("VmHWM:")[2].split()[0]) >> 10

    def test_it_does_not_grow_with_the_files(self):
        lease, _ = self.ask()
        self.uploaded(lease, b"a" * MIB)
        before = self.peak_mib()
        for letter in b"bcd":
            self.uploaded(lease, bytes([letter]) * 60 * MIB)
        self.preempt(lease, uri_of(b"b" * 60 * MIB))
        again, _ = self.ask()
        self.assertEqual(len(self.worker.get(f"/v1/leases/{again}/checkpoint").body), 60 * MIB)
        self.assertLess(self.peak_mib() - before, 20)


if __name__ == "__main__":
    hone.main()
