#!/usr/bin/env python3
"""A server on a socket in the file system, alone and beside a port: who may use it, what a killed
server leaves, and that programs reach it.
"""

import contextlib
import fcntl
import http.client
import os
import socket
import stat
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402
from test_bad_tokens import CONTAINS, METHODS, concrete  # noqa: E402


class SocketConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class SocketServer(hone.Server):
    """A server that listens on `path` and on a port, which tells the support when it is ready."""

    def __init__(self, path, *args, data=None):
        super().__init__(data=data, args=["--listen", "unix:" + path, *args])
        self.path = path

    def connect(self, kind="admin"):
        client = hone.Client("http://localhost", None if kind is None else self.token(kind))
        client.connection = SocketConnection(self.path)
        return client


class UnixSocket(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hone-test-")
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "honed.sock")

    def serve(self, *args, data=None):
        server = SocketServer(self.path, *args, data=data)
        self.addCleanup(server.__exit__)
        return server.start()

    def refused(self, *args):
        with tempfile.TemporaryDirectory() as data:
            return hone.run_honed("--data", data, "--listen", "unix:" + self.path, *args)

    def rights(self):
        return stat.S_IMODE(os.stat(self.path).st_mode)

    def test_both_serve_the_same_studies(self):
        server = self.serve()
        self.assertIn(f"listening on unix:{self.path}\n", server.log())
        with server.connect() as local, server.client() as remote:
            self.assertEqual(local.post("/v1/studies", hone.study("s")).status, 201)
            self.assertEqual(remote.get("/v1/studies/s").status, 200)
            row = remote.get("/v1/audit?limit=1").json["items"][0]
            self.assertEqual((row["action"], row["address"]), ("study-created", "unix"))
        with server.connect("worker") as worker:
            lease = worker.post("/v1/leases").json["lease"]["id"]
            self.assertEqual(worker.put(f"/v1/leases/{lease}/result",
                                        {"outcome": "completed", "metrics": {"loss": 1}}).status, 200)

    def test_one_that_only_ends_its_side_gets_its_trial(self):
        """The system tells it from one that has closed, which over TCP looks the same and gets none."""
        server = self.serve()
        with server.connect() as client:
            self.assertEqual(client.post("/v1/studies", hone.study("s")).status, 201)
        with server.connect("worker") as worker:
            token = worker.token
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(20)
            sock.connect(self.path)
            sock.sendall(b"POST /v1/leases HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                         b"Authorization: Bearer " + token.encode() + b"\r\nContent-Length: 0\r\n\r\n")
            sock.shutdown(socket.SHUT_WR)
            with sock.makefile("rb") as file:
                seen = file.read()
        self.assertIn(b"HTTP/1.1 201 ", seen[:40], seen)
        self.assertIn(b'"lease"', seen)

    def test_tokens_and_hosts_are_checked_as_anywhere(self):
        server = self.serve()
        with server.connect(None) as nobody:
            self.assertEqual(nobody.get("/healthz").status, 200)
            self.assertEqual(nobody.get("/v1/studies").status, 401)
            self.assertEqual(nobody.get("/healthz", headers={"Host": "evil.example"}).status, 403)
        with server.connect("worker") as worker:
            self.assertEqual(worker.post("/v1/studies", hone.study("s")).status, 403)
        with server.connect() as admin:
            page = {"Origin": "http://evil.example"}
            self.assertEqual(admin.post("/v1/studies", hone.study("s"), headers=page).status, 403)

    def test_every_route_lets_in_exactly_its_scopes(self):
        server = self.serve()
        n_checked = 0
        with contextlib.ExitStack() as stack:
            clients = {kind: stack.enter_context(server.connect(kind)) for kind in (None, "admin", "worker")}
            admin = clients["admin"]
            for scope in ("submit", "read"):
                clients[scope] = stack.enter_context(server.connect(None))
                clients[scope].token = admin.post("/v1/tokens", {"scopes": [scope]}).json["token"]
            for path, methods in admin.get("/openapi.json").json["paths"].items():
                for method, operation in methods.items():
                    if method.upper() not in METHODS or path == "/v1/events":  # that one has no end
                        continue
                    raw = b"no json" if method in ("post", "patch", "put") else None
                    needed = operation["x-scope"]
                    for kind, client in clients.items():
                        with self.subTest(f"{method} {path} as {kind}"):
                            status = client.request(method.upper(), concrete(path), raw=raw).status
                            may = needed == "none" or (kind is not None and needed in CONTAINS[kind])
                            self.assertEqual(status not in (401, 403), may, status)
                            self.assertEqual(status == 401, needed != "none" and kind is None, status)
                            n_checked += 1
        self.assertGreater(n_checked, 300)

    def test_the_file_has_the_rights_that_were_said(self):
        server = self.serve()
        self.assertTrue(stat.S_ISSOCK(os.stat(self.path).st_mode))
        self.assertEqual((self.rights(), os.stat(self.path).st_uid), (0o660, os.getuid()))
        self.assertEqual(server.stop(), 0)
        self.assertFalse(os.path.exists(self.path))
        self.serve("--socket-mode", "0600")
        self.assertEqual(self.rights(), 0o600)

    def test_other_rights_are_refused(self):
        for mode in ("0", "0777", "x", "0660x", "", "8"):
            with self.subTest(mode):
                status, said = self.refused("--socket-mode", mode)
                self.assertEqual(status, 2, said)
                self.assertIn("--socket-mode", said)

    def test_who_may_not_write_to_it_may_not_connect(self):
        if os.getuid() != 0:
            self.skipTest("not run: only root can become another user")
        os.chmod(os.path.dirname(self.path), 0o711)
        self.serve("--socket-mode", "0660")
        code = ("import os, socket, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534); "
                "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])")
        done = subprocess.run([sys.executable, "-c", code, self.path], stderr=subprocess.PIPE,
                              text=True, check=False)
        self.assertIn("PermissionError", done.stderr)
        os.chmod(self.path, 0o666)
        subprocess.run([sys.executable, "-c", code, self.path], check=True)

    def test_what_a_killed_server_left_is_replaced(self):
        server = self.serve()
        server.kill()
        self.assertTrue(os.path.exists(self.path))
        server.port = 0
        server.start()
        with server.connect() as admin:
            self.assertEqual(admin.get("/v1/studies").status, 200)

    def test_a_socket_in_use_and_other_files_stay(self):
        server = self.serve()
        status, said = self.refused()
        self.assertEqual(status, 75, said)
        self.assertIn("in use", said)
        with server.connect(None) as client:
            self.assertEqual(client.get("/healthz").status, 200)
        self.assertEqual(server.stop(), 0)
        with open(self.path, "w", encoding="ascii") as file:
            file.write("mine")
        status, said = self.refused()
        self.assertEqual(status, 78, said)
        self.assertIn("no socket", said)
        with open(self.path, encoding="ascii") as file:
            self.assertEqual(file.read(), "mine")

    def test_a_server_that_is_about_to_listen_keeps_its_socket(self):
        folder = os.open(os.path.dirname(self.path), os.O_RDONLY)
        self.addCleanup(os.close, folder)
        fcntl.flock(folder, fcntl.LOCK_EX)  # as a server does while it starts
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(self.path)
            made = os.stat(self.path).st_ino
            status, said = self.refused("--open", "--idle-exit", "1")
            self.assertEqual(status, 75, said)
            self.assertIn("may be starting", said)
            self.assertEqual(os.stat(self.path).st_ino, made)

    def test_a_successors_socket_is_not_removed(self):
        server = self.serve()
        os.rename(self.path, self.path + ".old")
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(self.path)
            self.assertEqual(server.stop(), 0)
            self.assertTrue(os.path.exists(self.path))

    def test_paths_that_cannot_be_are_refused(self):
        for path in ("", "relative", "/nowhere/at/all/x.sock", "/" + "x" * 200):
            with self.subTest(path), tempfile.TemporaryDirectory() as data:
                status, said = hone.run_honed("--data", data, "--listen", "unix:" + path)
                self.assertIn(status, (2, 78), said)
                self.assertIn("socket", said)

    def test_nine_listens_are_too_many_and_tls_does_not_fit(self):
        status, said = self.refused(*["--listen", "127.0.0.1:0"] * 8)
        self.assertEqual(status, 2, said)
        self.assertIn("7 times", said)
        status, said = self.refused("--tls-cert", "x", "--tls-key", "y")
        self.assertEqual(status, 2, said)
        self.assertIn("--tls-cert", said)

    def test_lines_of_the_file_are_added_up_and_arguments_stand_above(self):
        config = self.path + ".conf"
        with open(config, "w", encoding="ascii") as file:
            file.write(f"listen = unix:{self.path}.1\nlisten = unix:{self.path}.2\n")
        with hone.Server() as server:  # it has a --listen of its own
            server.stop()
            server.args = ["--config", config]
            server.port = 0
            server.start()
            self.assertEqual(server.log().count("listening on"), 1)
        self.assertFalse(os.path.exists(self.path + ".1"))
        process = subprocess.Popen(
            [hone.build_path("HONED"), "--data", self.path + ".data", "--config", config],
            stdout=subprocess.PIPE, text=True)
        try:
            said = [process.stdout.readline() for _ in range(2)]
        finally:
            process.terminate()
            process.communicate(timeout=60)
        self.assertEqual(said, [f"honed: listening on unix:{self.path}.{i}\n" for i in (1, 2)])

    def test_open_needs_no_token_there(self):
        server = self.serve("--open")
        with server.connect(None) as anybody:
            self.assertEqual(anybody.post("/v1/studies", hone.study("s")).status, 201)

    def test_programs_reach_it(self):
        server = self.serve()
        with server.connect() as admin:
            admin.post("/v1/studies", hone.study("s"))

        def run(*words, url="unix:" + self.path):
            env = {**os.environ, "HONE_URL": url,
                   "HONE_TOKEN_FILE": os.path.join(server.data, "admin.token")}
            return subprocess.run([hone.build_path("HONE"), *words], env=env, text=True, timeout=60,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        done = run("study", "list", "--output", "name")
        self.assertEqual((done.returncode, done.stdout), (0, "s\n"))
        for url in ("unix:relative", "unix:", "unix:/" + "x" * 200):
            done = run("study", "list", url=url)
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn("socket", done.stdout)
        done = run("study", "list", url="unix:/nowhere.sock")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("unix:/nowhere.sock does not answer: No such file or directory", done.stdout)
        stale = self.path + ".stale"
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as nobody:
            nobody.bind(stale)
        done = run("study", "list", url="unix:" + stale)
        self.assertIn(f"unix:{stale} does not answer: Connection refused", done.stdout)
        self.assertNotIn("port", done.stdout)

    def test_a_worker_works_over_it(self):
        server = self.serve()
        with server.connect() as admin:
            admin.post("/v1/studies", hone.study("s", limits={"trials": 2}))
            env = {**os.environ, "HONE_TOKEN_FILE": os.path.join(server.data, "worker.token")}
            done = subprocess.run(
                [hone.build_path("HONE"), "worker", "--server", "unix:" + self.path, "--study", "s",
                 "--workdir", self.path + ".work", "--exit-when-finished", "--", "sh", "-c",
                 "echo hone: step=1 loss=1 # {x}"], env=env, text=True, timeout=100,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertEqual(admin.get("/v1/studies/s").json["counts"]["completed"], 2)


if __name__ == "__main__":
    hone.main()
