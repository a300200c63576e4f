#!/usr/bin/env python3
"""Places where a server cannot or must not run: a full disk, a port in use, a directory that is
taken, newer, not writable, or on a network. Each is said clearly, and nothing that was acknowledged
is lost.
"""

import glob
import hashlib
import itertools
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

NFS = 0x6969
DISK_KIB = 4096


def database_of(data):
    return next(path for pattern in ("*.db", "*.sqlite", "*.sqlite3")
                for path in sorted(glob.glob(os.path.join(data, pattern))))


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    except OSError:
        return False


def is_well(address):
    """Does a server on this socket in the file system answer?"""
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(30)
            sock.connect(address)
            sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return b" 200 " in sock.recv(100)
    except OSError:
        return False


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def write_until_full(client, numbers):
    """Enqueues, remembering what was acknowledged, until the first refusal."""
    for _ in range(5000):
        reply = client.post("/v1/studies/s/trials", [{"parameters": {"x": 0.5}}] * 50)
        if reply.status != 201:
            return reply
        numbers.extend(item["number"] for item in reply.json["items"])
    raise AssertionError("the disk never filled")


class BadPlaces(unittest.TestCase):
    def assert_refused(self, *words, args, env=None):
        status, said = hone.run_honed(*args, env=env)
        self.assertGreater(status, 0, said)
        self.assertLess(status, 128, said)
        for word in words:
            self.assertIn(word, said)
        return status

    def test_port_in_use_is_said(self):
        with socket.socket() as taken, tempfile.TemporaryDirectory() as data:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            where = f"127.0.0.1:{taken.getsockname()[1]}"
            status = self.assert_refused(where, "in use", args=["--data", data, "--listen", where])
            self.assertEqual(status, 75)  # not 78: after that systemd would not start it again

    def test_address_of_another_machine_is_said(self):
        with tempfile.TemporaryDirectory() as data:
            status = self.assert_refused("192.0.2.1", args=["--data", data, "--listen", "192.0.2.1:0",
                                                            "--plain-http"])
            self.assertEqual(status, 75)  # which may come up later

    def test_second_server_on_the_same_data_is_refused_with_the_first_ones_pid(self):
        with hone.Server() as server, server.client() as client:
            self.assertEqual(client.post("/v1/studies", hone.study("s")).status, 201)
            self.assert_refused(str(server.process.pid),
                                args=["--data", server.data, "--listen", "127.0.0.1:0"])
            self.assertEqual(client.get("/v1/studies/s").status, 200)
            self.assertEqual(client.post("/v1/studies", hone.study("t")).status, 201)

    def test_a_server_whose_lock_was_removed_writes_nothing_beside_another_one(self):
        """Its counters are those of before the other one wrote, also before it looks at its files."""
        with hone.Server(args=["--open"]) as server, server.client(None) as client:
            self.assertEqual(client.post("/v1/studies", hone.study("s")).status, 201)
            os.remove(os.path.join(server.data, "lock"))
            with hone.Server(data=server.data, args=["--open"]) as other, other.client(None) as second:
                self.assertEqual(second.post("/v1/studies/s/trials", [{"parameters": {"x": 0.5}}]).status, 201)
                reply = client.post("/v1/studies/s/trials", [{"parameters": {"x": 0.1}}])
                self.assertEqual((reply.status, reply.type), (503, "read-only"), reply)
                self.assertEqual([trial["number"] for trial in second.get("/v1/studies/s/trials").json["items"]], [1])
                self.assertEqual(second.post("/v1/studies/s/trials", [{"parameters": {"x": 0.2}}]).status, 201)
                self.assertEqual(server.stop(), 0)
                self.assertEqual(second.get("/v1/studies/s").json["counts"]["queued"], 2)

    def test_lock_of_a_killed_server_is_no_obstacle(self):
        with hone.Server() as server:
            server.kill()
            server.start()

    def test_newer_database_is_refused_and_untouched(self):
        with hone.Server() as server:
            with server.client() as client:
                self.assertEqual(client.post("/v1/studies", hone.study("s")).status, 201)
            self.assertEqual(server.stop(), 0)
            path = database_of(server.data)
            connection = sqlite3.connect(path)
            connection.execute("PRAGMA user_version = 9999")
            connection.commit()
            connection.close()
            before = digest(path)
            self.assert_refused("newer", args=["--data", server.data, "--listen", "127.0.0.1:0"])
            self.assertEqual(digest(path), before)

    def test_file_that_is_no_database_is_refused_and_untouched(self):
        with hone.Server() as server:
            self.assertEqual(server.stop(), 0)
            path = database_of(server.data)
            with open(path, "wb") as file:
                file.write(b"a letter to my aunt\n" * 500)
            before = digest(path)
            self.assert_refused("not a database",
                                args=["--data", server.data, "--listen", "127.0.0.1:0"])
            self.assertEqual(digest(path), before)

    def test_data_that_is_a_file_is_refused(self):
        with tempfile.NamedTemporaryFile() as file:
            self.assert_refused(file.name, args=["--data", file.name, "--listen", "127.0.0.1:0"])

    def test_directory_that_cannot_be_made_is_refused(self):
        self.assert_refused("/proc/hone", args=["--data", "/proc/hone", "--listen", "127.0.0.1:0"])

    def test_directory_that_cannot_be_written_is_refused(self):
        with tempfile.TemporaryDirectory() as data:
            os.chmod(data, 0o555)
            command = [hone.build_path("HONED"), "--data", data, "--listen", "127.0.0.1:0"]
            more = {}
            if os.geteuid() == 0:  # nothing is forbidden to root
                more = {"user": 65534, "group": 65534, "extra_groups": []}
                try:
                    subprocess.run([command[0], "--version"], check=True, stdout=subprocess.DEVNULL,
                                   **more)
                except (OSError, subprocess.CalledProcessError):
                    self.skipTest("not run: another user cannot reach the program")
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, timeout=30, check=False, **more)
            self.assertGreater(done.returncode, 0, done.stdout)
            self.assertIn(data, done.stdout)

    def test_network_file_system_is_refused(self):
        with tempfile.TemporaryDirectory() as data:
            self.assert_refused("network", args=["--data", data, "--listen", "127.0.0.1:0"],
                                env=hone.preload_env(HONE_TEST_FS_TYPE=NFS))
            self.assertEqual(os.listdir(data), [])

    def test_unknown_option_is_said(self):
        self.assert_refused("--colour", args=["--colour"])

    def test_span_that_no_clock_can_add_is_said(self):
        for span in ("9223372036854775807", "9223372036854775", "0", "1.5"):
            self.assert_refused("--idle-exit", args=["--idle-exit", span, "--open"])

    def test_bad_listen_is_said(self):
        with tempfile.TemporaryDirectory() as data:
            for where in ("nonsense", "127.0.0.1:99999", "127.0.0.1:http", ":"):
                with self.subTest(where):
                    self.assert_refused(where, args=["--data", data, "--listen", where])


class LargestFile(unittest.TestCase):
    """A limit on the size of files, as ulimit -f sets it, is a disk that is full."""

    def test_writes_are_refused_nothing_is_lost_and_it_heals(self):
        numbers = []
        with hone.Server() as server, server.client() as client:
            self.assertEqual(client.post("/v1/studies", hone.study("s")).status, 201)
            made = client.post("/v1/studies/s/trials", [{"parameters": {"x": 0.5}}] * 50)
            numbers.extend(item["number"] for item in made.json["items"])
            database = os.path.getsize(database_of(server.data))
            _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
            # as large as the database is, which so takes nothing of what the log holds
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (database, hard))
            refused = write_until_full(client, numbers)
            self.assertEqual((refused.status, refused.type), (503, "storage-full"), refused)
            self.assertIn("retry-after", refused.headers)
            self.assertEqual(client.get("/v1/studies/s").status, 200)
            self.assertEqual(len(list(client.walk("/v1/studies/s/trials"))), len(numbers))
            again = client.post("/v1/studies/s/trials", [{"parameters": {"x": 0.5}}] * 50)
            self.assertEqual(again.type, "storage-full", again)
            unready = client.get("/readyz")
            self.assertEqual((unready.status, unready.type), (503, "storage-full"), unready)
            self.assertIn(b"\nhone_writable 0\n", client.get("/metrics").body)
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
            hone.wait_until(lambda: client.get("/readyz").status == 200, 10,
                            "it is ready although nobody writes")
            self.assertIn("there is space on the disk again", server.log())
            healed = client.post("/v1/studies/s/trials", {"parameters": {"x": 0.25}})
            self.assertEqual(healed.status, 201, healed)
            numbers.append(healed.json["number"])
            server.kill()
            server.start()
            with server.client() as fresh:
                kept = [trial["number"] for trial in fresh.walk("/v1/studies/s/trials")]
                self.assertEqual(kept, numbers)
            self.assertEqual(server.stop(), 0)

    def test_start_below_the_limit_is_refused(self):
        with tempfile.TemporaryDirectory() as data:
            command = [hone.build_path("HONED"), "--data", data, "--listen", "127.0.0.1:0"]
            done = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30,
                check=False,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40000, 40000)))
            self.assertEqual(done.returncode, 74, done.stderr)
            self.assertIn("full", done.stderr)


def start_without(streams, command):
    """The command as a process that has none of these descriptors of 0, 1 and 2."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            preexec_fn=lambda: [os.close(fd) for fd in streams])


class NoStreams(unittest.TestCase):
    def test_what_is_printed_goes_into_no_file(self):
        for streams in ((0,), (1,), (2,), (0, 1, 2)):
            with self.subTest(streams), tempfile.TemporaryDirectory() as data, \
                    tempfile.TemporaryDirectory() as folder:
                address = os.path.join(folder, "honed.sock")
                server = start_without(streams, [hone.build_path("HONED"), "--data", data, "--listen",
                                                 "unix:" + address])
                self.addCleanup(server.kill)
                hone.wait_until(lambda: is_well(address), 30, "it serves")
                for fd in streams:
                    self.assertEqual(os.readlink(f"/proc/{server.pid}/fd/{fd}"), "/dev/null")
                server.send_signal(signal.SIGTERM)
                self.assertEqual(server.wait(30), 0)
                for place in (entry for entry in os.scandir(data) if entry.is_file()):
                    with open(place.path, "rb") as file:
                        self.assertNotIn(b"honed: ", file.read(), place.name)
                with sqlite3.connect(database_of(data)) as database:
                    self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])


class NoThreads(unittest.TestCase):
    def test_a_start_that_gets_no_thread_says_so_and_may_be_repeated(self):
        with tempfile.TemporaryDirectory() as data:
            for nth in range(1, 100):
                server = hone.Server(data=data, env=hone.preload_env(HONE_TEST_THREAD_FAILS_AT=nth))
                with self.subTest(nth):
                    try:
                        server.start()
                    except AssertionError:
                        # not 78: after that systemd would not start it again
                        self.assertEqual(server.process.wait(30), 75, server.log())
                        self.assertIn("cannot start a thread", server.log())
                        continue
                with server.client() as client:
                    self.assertEqual(client.get("/healthz").status, 200)
                self.assertEqual(server.stop(), 0)
                break
            self.assertGreater(nth, 4)  # writer, reader, optimiser, watch

    def test_a_start_that_gets_too_few_descriptors_says_so_and_may_be_repeated(self):
        """Of every number that is too small, from the first start of a data directory on."""
        env = {"ASAN_OPTIONS": "detect_leaks=0"}  # which needs some itself
        with tempfile.TemporaryDirectory() as folder:
            config = os.path.join(folder, "config")
            os.mkdir(os.path.join(folder, "backups"))
            with open(config, "w", encoding="ascii") as file:
                file.write(f"backup-directory = {folder}/backups\n")
            for n in range(3, 100):
                status, said = hone.run_honed("--config", config, "--data", os.path.join(folder, "data"), "--listen",
                                              "127.0.0.1:0", "--idle-exit", "1", env=env, descriptors=n)
                if status == 0:
                    break
                if status == 127:  # too few to load its libraries
                    continue
                with self.subTest(n):
                    self.assertEqual(status, 75, said)  # not 78, nor 2: systemd would not start it again
                    self.assertIn("Too many open files", said)
            self.assertEqual(status, 0, said)
            self.assertGreater(n, 10)


class Signals(unittest.TestCase):
    def test_signals_that_mean_nothing_end_nothing(self):
        with hone.Server() as server, server.client() as client:
            for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM,
                           signal.SIGVTALRM, signal.SIGPROF, signal.SIGPIPE, signal.SIGXFSZ,
                           signal.SIGIO, signal.SIGPWR):
                server.process.send_signal(number)
                with self.subTest(number.name):
                    self.assertEqual(client.get("/healthz").status, 200)
            self.assertEqual(server.stop(), 0)

    def test_a_second_term_ends_it_at_once_and_it_says_so(self):
        with hone.Server() as server, socket.create_connection(("127.0.0.1", server.port)) as half:
            half.sendall(b"POST /v1/studies HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                         b"Authorization: Bearer " + server.token().encode() + b"\r\nContent-Length: 9\r\n\r\n{")
            with server.client() as client:  # accepted later
                self.assertEqual(client.get("/healthz").status, 200)
            server.process.send_signal(signal.SIGTERM)
            hone.wait_until(lambda: not answers(server.port), 30, "it listens no more")
            self.assertEqual(server.stop(), 1)  # it would wait for the rest of the request
            self.assertIn("a second SIGTERM: leaving at once", server.log())


class FullDisk(unittest.TestCase):
    """A file system of 4 MiB."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="hone-full-")
        self.addCleanup(os.rmdir, self.folder)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_KIB}k", "hone-test",
                                  self.folder], stderr=subprocess.PIPE, text=True, check=False)
        if mounted.returncode != 0:
            self.skipTest(f"not run: no small file system: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", self.folder], check=True)
        self.data = os.path.join(self.folder, "data")
        self.filler = os.path.join(self.folder, "filler")

    def fill(self):
        with open(self.filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 4096)
            except OSError:
                pass

    def test_full_disk_refuses_writes_loses_nothing_and_heals(self):
        numbers = []
        server = hone.Server(data=self.data)
        with server, server.client() as client:
            self.assertEqual(client.post("/v1/studies", hone.study("s")).status, 201)
            self.fill()
            refused = write_until_full(client, numbers)
            self.assertEqual((refused.status, refused.type), (503, "storage-full"), refused)
            self.assertIn("retry-after", refused.headers)
            self.assertEqual(client.get("/v1/studies/s").status, 200)
            self.assertEqual(client.get("/healthz").status, 200)
            self.assertEqual(client.get("/readyz").type, "storage-full")
            os.unlink(self.filler)
            healed = hone.wait_until(
                lambda: client.post("/v1/studies/s/trials", {"parameters": {"x": 0.25}}).status == 201,
                10, "writes after space was freed")
            self.assertTrue(healed)
            server.kill()
            server.start()
            with server.client() as again:
                kept = {trial["number"] for trial in again.walk("/v1/studies/s/trials")}
                self.assertLessEqual(set(numbers), kept)
            self.assertEqual(server.stop(), 0)

    def test_the_log_is_written_anew_where_the_database_has_room(self):
        """No space is freed: that of the log itself is used again."""
        server = hone.Server(data=self.data)
        with server, server.client() as client:
            self.assertEqual(client.post("/v1/studies", hone.study("s")).status, 201)
            self.assertEqual(server.stop(), 0)  # all of it is in the database then
            server.start()
            disk = os.statvfs(self.folder)
            with open(self.filler, "wb") as file:
                file.write(b"\0" * (disk.f_bavail * disk.f_frsize - (700 << 10)))
            turns = itertools.count()

            def turn(client):
                state = ("paused", "running")[next(turns) % 2]
                return client.patch("/v1/studies/s", {"state": state})

            with server.client() as again:
                while (reply := turn(again)).status == 200:
                    pass
                self.assertEqual(reply.type, "storage-full", reply)
                made = hone.wait_until(lambda: (reply := turn(again)).status == 200 and reply, 30, "a write")
            server.kill()
            server.start()
            with server.client() as again:
                self.assertEqual(again.get("/v1/studies/s").json["revision"], made.json["revision"])

    def test_killed_on_a_full_disk_it_starts_to_read_and_heals(self):
        server = hone.Server(data=self.data)
        with server, server.client() as client:
            self.assertEqual(client.post("/v1/studies", hone.study("s")).status, 201)
            self.fill()
            refused = write_until_full(client, [])
            self.assertEqual(refused.type, "storage-full", refused)
            server.kill()
            server.start()
            with server.client() as again:
                self.assertEqual(again.get("/v1/studies/s").status, 200)
                self.assertEqual(again.get("/readyz").type, "storage-full")
                self.assertEqual(again.post("/v1/studies", hone.study("t")).type, "storage-full")
                os.unlink(self.filler)
                hone.wait_until(lambda: again.post("/v1/studies", hone.study("t")).status == 201, 30, "space")
                mark = os.path.join(self.data, "hwm")
                at = os.stat(mark).st_ino
                hone.wait_until(lambda: os.stat(mark).st_ino != at or not os.path.exists(mark + ".new"), 30, "mark")
            server.kill()  # and what was acknowledged since is known to the mark
            server.start()
            with server.client() as again:
                self.assertEqual(again.get("/v1/studies/t").status, 200)
            self.assertEqual(server.stop(), 0)

    def test_start_on_a_full_disk_is_refused(self):
        self.fill()
        status, said = hone.run_honed("--data", self.data, "--listen", "127.0.0.1:0")
        self.assertGreater(status, 0, said)
        self.assertRegex(said.lower(), "full|no space")


if __name__ == "__main__":
    hone.main()
