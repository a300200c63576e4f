#!/usr/bin/env python3
"""A worker and its server, with deploy/nginx/hone.conf between them."""

import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import private  # noqa: E402
private.enter()
from cases import NotRun, expect, main  # noqa: E402
from hone import Server, study, wait_until  # noqa: E402

HONE = os.environ["HONE"]
PUBLISHED = (ROOT / "deploy/nginx/hone.conf").read_text()
SECONDS = 60  # a bound against hanging
MAIN = """daemon off;
{user}
pid {dir}/pid;
error_log stderr;
events {{}}
http {{
    access_log {dir}/access.log;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    include {dir}/hone.conf;
}}
"""


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def make_authority(folder, name):
    """A certificate authority, and a certificate of it for localhost."""
    ca, key = folder / f"{name}-ca.pem", folder / f"{name}-ca.key"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", key, "-out", ca, "-days", "2", "-subj", f"/CN={name}")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr",
            "-subj", "/CN=localhost")
    (folder / f"{name}.ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", ca, "-CAkey", key,
            "-CAcreateserial", "-days", "2", "-extfile", folder / f"{name}.ext",
            "-out", folder / f"{name}.pem")
    return ca


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Proxied:
    """honed, and nginx with the published file, in which only addresses and paths are put in."""

    def __init__(self, tmp):
        for name in ["nginx", "openssl"]:
            if shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin") is None:
                raise NotRun(f"{name} is not installed")
        self.tmp = tmp
        self.ca = make_authority(tmp, "ours")
        self.other_ca = make_authority(tmp, "other")
        self.port = free_port()
        self.server = Server(args=["--behind-proxy", "--host", f"localhost:{self.port}"])
        self.url = f"https://localhost:{self.port}"

    def __enter__(self):
        self.server.start()
        text = PUBLISHED
        for published, ours in [
                ("127.0.0.1:4663", f"127.0.0.1:{self.server.port}"),
                ("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl"),
                ("server_name hone.example.org", "server_name localhost"),
                ("/etc/ssl/hone/cert.pem", self.tmp / "ours.pem"),
                ("/etc/ssl/hone/key.pem", self.tmp / "ours.key")]:
            assert published in text, published
            text = text.replace(published, str(ours))
        (self.tmp / "hone.conf").write_text(text)
        (self.tmp / "nginx.conf").write_text(MAIN.format(
            dir=self.tmp, user="user root;" if os.getuid() == 0 else ""))
        self.nginx = subprocess.Popen(
            [shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"), "-p", str(self.tmp),
             "-c", str(self.tmp / "nginx.conf")], stdin=subprocess.DEVNULL)
        wait_until(self.answers, SECONDS, "nginx answers")
        return self

    def __exit__(self, *_):
        self.nginx.terminate()
        self.nginx.wait(SECONDS)
        self.server.kill()
        shutil.rmtree(self.server.data, ignore_errors=True)

    def connection(self):
        context = ssl.create_default_context(cafile=str(self.ca))
        return http.client.HTTPSConnection("localhost", self.port, context=context,
                                           timeout=SECONDS)

    def answers(self):
        try:
            return self.ask("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def ask(self, method, path, body=None):
        connection = self.connection()
        connection.request(method, path, body=json.dumps(body) if body is not None else None,
                           headers={"Authorization": f"Bearer {self.server.token()}",
                                    "Content-Type": "application/json"})
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        return reply.status, text

    def hone(self, *words, token="worker", ca=None):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HONE_") or k == "HONE_ALLOW_ROOT"}
        return subprocess.run(
            [HONE, *words[:1], "--ca-file", str(ca or self.ca), *words[1:]],
            stdin=subprocess.DEVNULL, text=True, timeout=SECONDS, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**kept, "HONE_URL": self.url, "XDG_STATE_HOME": str(self.tmp),
                 "HONE_TOKEN_FILE": os.path.join(self.server.data, f"{token}.token")})


def test_a_worker_trains_through_the_proxy(tmp):
    with Proxied(tmp) as proxied:
        expect(proxied.ask("POST", "/v1/studies", study("s", limits={"trials": 5}))[0], 201)
        done = proxied.hone("worker", "--study", "s", "--slots", "2", "--exit-when-finished",
                            "--", "sh", "-c", "echo hone: loss=$1", "job", "{x}")
        expect(done.returncode, 0, done.stdout)
        found = json.loads(proxied.ask("GET", "/v1/studies/s")[1])
        expect((found["state"], found["counts"]["completed"]), ("finished", 5))


def test_a_server_of_another_authority_gets_nothing(tmp):
    with Proxied(tmp) as proxied:
        done = proxied.hone("workers", token="admin", ca=proxied.other_ca)
        expect(done.returncode, 5, done.stdout)
        assert "certificate" in done.stdout, done.stdout
        assert "/v1/workers" not in (tmp / "access.log").read_text()
        expect(proxied.hone("workers", token="admin").returncode, 0)


def test_another_name_than_the_server_s_is_refused(tmp):
    """honed knows its name: a page that resolves to this address by another one gets nothing."""
    with Proxied(tmp) as proxied:
        connection = proxied.connection()
        connection.request("GET", "/readyz", headers={"Host": "attacker.example"})
        expect(connection.getresponse().status >= 400, True)
        connection.close()


def test_waiting_and_streams_are_passed_on_at_once(tmp):
    with Proxied(tmp) as proxied:
        expect(proxied.ask("POST", "/v1/studies", study("s", limits={"trials": 5}))[0], 201)
        connection = proxied.connection()
        connection.request("GET", "/v1/events?after=0", headers={
            "Authorization": f"Bearer {proxied.server.token()}", "Accept": "text/event-stream"})
        reply = connection.getresponse()
        expect(reply.status, 200)
        assert reply.readline(), "the first event, while the stream stays open"
        connection.sock.close()
    seconds = int(re.search(r"proxy_read_timeout (\d+)h;", PUBLISHED).group(1)) * 3600
    assert seconds > 2 * 60, "a worker waits for a minute, and a stream for longer"


def test_large_bodies_reach_honed(tmp):
    """nginx's own limit is one megabyte; honed's answer says what it allows."""
    with Proxied(tmp) as proxied:
        status, text = proxied.ask("POST", "/v1/studies", {"name": "s", "description": "x" * 3000000})
        assert json.loads(text)["type"].startswith("/problems/"), (status, text[:200])


if __name__ == "__main__":
    main(globals())
