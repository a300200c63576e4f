#!/usr/bin/env python3
"""A server with TLS of its own: its certificate is read again while connections and leases go on, a
bad one changes nothing, and it is said when one expires.
"""

import os
import re
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

DAY = 86400


class TlsServer(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hone-test-")
        self.addCleanup(folder.cleanup)
        self.cert = os.path.join(folder.name, "cert.pem")
        self.key = os.path.join(folder.name, "key.pem")
        self.server = hone.Server(args=["--tls-cert", self.cert, "--tls-key", self.key])
        self.addCleanup(self.server.__exit__)

    def write(self, serial, begins=-DAY, expires=365 * DAY, key=None):
        subprocess.run([hone.build_path("MAKE_CERTIFICATE"), self.cert, key or self.key, str(serial),
                        str(begins), str(expires)], check=True)

    def start(self, serial=1, **validity):
        self.write(serial, **validity)
        self.server.start()
        self.addCleanup(lambda: self.assertEqual(self.server.stop(), 0))

    def shown(self):
        """The serial number in the certificate that a new connection is shown."""
        with self.server.client(None) as client:
            client.connection.connect()
            der = client.connection.sock.getpeercert(binary_form=True)
        # the first integer after the version, see RFC 5280
        return re.search(rb"\xa0\x03\x02\x01\x02\x02\x01(.)", der, re.DOTALL).group(1)[0]

    def hang_up(self, says):
        """SIGHUP, until the log has one line more that says so."""
        before = self.server.log().count(says)
        self.server.process.send_signal(signal.SIGHUP)
        hone.wait_until(lambda: self.server.log().count(says) > before, 30, says)

    def gauge(self):
        with self.server.client() as admin:
            text = admin.get("/metrics").body.decode()
        found = re.search(r"^hone_tls_certificate_expiry_seconds (\S+)$", text, re.MULTILINE)
        return float(found.group(1)) if found else None


class Reload(TlsServer):
    def test_new_connections_are_shown_the_new_certificate(self):
        self.start(1)
        self.assertEqual(self.shown(), 1)
        for serial in (2, 3, 4):
            self.write(serial)
            self.hang_up("is valid until")
            self.assertEqual(self.shown(), serial)

    def test_a_file_that_is_none_is_refused_and_nobody_waits_for_it(self):
        """A FIFO that nobody writes to would hold the loop for ever."""
        self.start(1)
        for make in (os.mkfifo, os.mkdir):
            for path in (self.cert, self.key):
                kept = path + ".kept"
                os.rename(path, kept)
                make(path)
                self.hang_up(f"{path} cannot be read: ")
                self.assertEqual(self.shown(), 1)
                os.rmdir(path) if make is os.mkdir else os.unlink(path)
                os.rename(kept, path)
        self.write(2)
        self.hang_up("is valid until")
        self.assertEqual(self.shown(), 2)

    def test_connections_and_leases_go_on(self):
        self.start(1)
        with self.server.client() as admin, self.server.client("worker") as worker:
            self.assertEqual(admin.post("/v1/studies", hone.study("s")).status, 201)
            lease = worker.post("/v1/leases").json["lease"]["id"]
            sockets = [client.connection.sock for client in (admin, worker)]
            for serial in (2, 3):
                self.write(serial)
                self.hang_up("is valid until")
                self.assertEqual(self.shown(), serial)
                self.assertEqual(worker.put(f"/v1/leases/{lease}").status, 200)
                self.assertEqual(admin.get("/v1/studies").status, 200)
            self.assertEqual([client.connection.sock for client in (admin, worker)], sockets)
            done = worker.put(f"/v1/leases/{lease}/result", {"outcome": "completed", "metrics": {"loss": 1}})
            self.assertEqual(done.status, 200)

    def test_a_handshake_under_way_is_completed(self):
        self.start(1)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(incoming, outgoing)
        with hone.socket.create_connection(("127.0.0.1", self.server.port), timeout=60) as sock:
            with self.assertRaises(ssl.SSLWantReadError):
                session.do_handshake()
            sock.sendall(outgoing.read())
            incoming.write(sock.recv(65536))  # the server has answered with the first certificate
            for serial in (2, 3):
                self.write(serial)
                self.hang_up("is valid until")
            while True:
                try:
                    session.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    incoming.write(sock.recv(65536))
            session.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            sock.sendall(outgoing.read())
            while piece := sock.recv(65536):
                incoming.write(piece)
            self.assertTrue(session.read().startswith(b"HTTP/1.1 200"))

    def test_bad_files_change_nothing(self):
        self.start(1)
        other = self.key + ".other"
        self.addCleanup(os.remove, other)
        says = "the certificate that was read before stays in use"

        def no_text():
            with open(self.cert, "w", encoding="ascii") as file:
                file.write("no certificate\n")

        def empty():
            os.truncate(self.cert, 0)

        for name, spoil in (("key of another", lambda: self.write(2, key=other)), ("no PEM", no_text),
                            ("empty", empty), ("missing", lambda: os.remove(self.cert))):
            with self.subTest(name):
                spoil()
                self.hang_up(says)
                self.assertIn(self.cert, self.server.log().splitlines()[-1])
                self.assertEqual(self.shown(), 1)
        self.write(5)
        self.hang_up("is valid until")
        self.assertEqual(self.shown(), 5)


OWN_NAMES = ("localhost", "localhost:{port}", "LOCALHOST", "LocalHost:1", "127.0.0.1", "127.0.0.1:{port}",
             "127.9.9.9", "[::1]", "[::1]:{port}")
OTHER_NAMES = ("evil.example", "evil.example:{port}", "EVIL.example:443", "localhost.", "localhost.:{port}",
               "localhost.evil.example", "127.0.0.1.evil.example", "evil.localhost", "localhost:443:80",
               "localhost:80x", "localhost:", "user@localhost", "[::1", "[::1].evil.example", "[::2]",
               "[::ffff:127.0.0.1]", "0x7f.1", "2130706433", "")
OTHER_TARGETS = ("https://evil.example/v1/studies", "https://localhost/v1/studies", "http://localhost/v1/studies",
                 "https://localhost@evil.example/v1/studies", "//evil.example/v1/studies", "localhost:443", "*")


class Names(TlsServer):
    """Who is asked for, and from which page, is looked at over TLS as it is without."""

    def setUp(self):
        super().setUp()
        self.server.args.append("--open")
        self.start(1)

    def ask(self, host="localhost", target="/v1/studies", shown=None, origin=None):
        """The status and the body; `shown`: the name in the handshake (SNI)."""
        context = ssl._create_unverified_context()
        body = "" if origin is None else "{}"
        lines = [f"{'GET' if origin is None else 'POST'} {target} HTTP/1.1",
                 f"Host: {host.format(port=self.server.port)}", "Connection: close",
                 *([] if origin is None else [f"Origin: {origin}", "Content-Type: application/json",
                                              "Content-Length: 2"])]
        with hone.socket.create_connection(("127.0.0.1", self.server.port), timeout=60) as sock, \
                context.wrap_socket(sock, server_hostname=shown) as stream:
            stream.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
            answer = b""
            while part := stream.recv(65536):
                answer += part
        return int(answer[9:12]), answer.partition(b"\r\n\r\n")[2].decode()

    def test_names_of_others_are_refused(self):
        for host in OWN_NAMES:
            self.assertEqual(self.ask(host)[0], 200, host)
        for host in OTHER_NAMES:
            self.assertEqual(self.ask(host)[0], 403, host)

    def test_the_name_in_the_handshake_is_not_the_one_that_counts(self):
        for shown in ("localhost", "evil.example"):
            self.assertEqual(self.ask("localhost", shown=shown)[0], 200, shown)
            self.assertEqual(self.ask("evil.example", shown=shown)[0], 403, shown)

    def test_a_target_names_no_server(self):
        for target in OTHER_TARGETS:
            for host in ("localhost", "evil.example"):
                self.assertGreaterEqual(self.ask(host, target)[0], 400, (host, target))

    def test_pages_that_came_in_the_clear_are_others(self):
        for origin in ("https://localhost", "https://LOCALHOST"):
            self.assertEqual(self.ask(origin=origin)[0], 422, origin)
        for origin in ("http://localhost", "https://localhost:443", "https://localhost.", "https://evil.example",
                       "https://localhost.evil.example", "null"):
            self.assertEqual(self.ask(origin=origin)[0], 403, origin)

    def test_pages_show_the_address_with_https(self):
        for host in ("localhost:{port}", "[::1]:{port}"):
            self.assertIn("https://" + host.format(port=self.server.port), self.ask(host, "/")[1])


class Expiry(TlsServer):
    def test_gauge_says_when_it_expires(self):
        self.start(1, expires=100 * DAY)
        self.assertAlmostEqual(self.gauge(), time.time() + 100 * DAY, delta=600)
        self.write(2, expires=200 * DAY)
        self.hang_up("is valid until")
        self.assertAlmostEqual(self.gauge(), time.time() + 200 * DAY, delta=600)

    def test_expired_is_said_at_start_and_at_reload(self):
        self.start(1, begins=-3 * DAY, expires=-DAY)
        self.assertIn(f"the TLS certificate in {self.cert} expired at ", self.server.log())
        self.assertLess(self.gauge(), time.time())
        self.write(2, begins=-3 * DAY, expires=-2 * DAY)
        self.hang_up("expired at ")

    def test_soon_and_not_yet_are_said(self):
        self.start(1, expires=5 * DAY)
        self.assertIn(f"the TLS certificate in {self.cert} expires soon, at ", self.server.log())
        self.write(2, begins=DAY, expires=300 * DAY)
        self.hang_up("is valid only from ")


class Moved(TlsServer):
    def test_settings_may_name_other_files(self):
        config = self.cert + ".conf"
        other = self.cert + ".2", self.key + ".2"
        self.write(1)
        with open(config, "w", encoding="ascii") as file:
            file.write(f"tls-cert = {self.cert}\ntls-key = {self.key}\n")
        self.server.args = ["--config", config]
        self.server.start()
        self.addCleanup(lambda: self.assertEqual(self.server.stop(), 0))
        self.cert, self.key = other
        self.write(2)
        with open(config, "w", encoding="ascii") as file:
            file.write(f"tls-cert = {self.cert}\ntls-key = {self.key}\n")
        self.hang_up("is valid until")
        self.assertEqual(self.shown(), 2)


class WithoutTls(unittest.TestCase):
    def test_hangup_is_answered_in_the_log_and_changes_nothing(self):
        with hone.Server() as server, server.client() as admin:
            self.assertEqual(admin.get("/v1/studies").status, 200)
            sock = admin.connection.sock
            for _ in range(3):
                before = server.log().count("there is none")
                server.process.send_signal(signal.SIGHUP)
                hone.wait_until(lambda n=before: server.log().count("there is none") > n, 30, "the line")
            metrics = admin.get("/metrics").body.decode()
            self.assertIs(admin.connection.sock, sock)
            self.assertNotIn("certificate_expiry", metrics)
            self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    hone.main()
