#!/usr/bin/env python3
"""hone.connect() and what its client makes of any answer, or of none."""

import os
import pathlib
import pickle
import shutil
import subprocess
import sys
import threading
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import NotRun, expect, fails, main, wait_until  # noqa: E402
from cutting_proxy import CuttingProxy  # noqa: E402
from fake_server import FakeServer  # noqa: E402
from served import Served, environment, hone, python  # noqa: E402

STUDY = {"name": "one", "metric": "loss", "direction": "minimize", "strategy": "random",
         "parameters": [{"name": "x", "type": "float", "low": 0, "high": 1}]}


def connected(server, **more):
    return hone.Client(server.url, "t" * 43, **more)


# ---- errors ----

def test_errors_are_the_servers_sentences(tmp):
    with Served(tmp) as server, server.connect() as client:
        error = fails(hone.HoneError, lambda: client.request("GET", "/v1/studies/none"), 'no study "none"')
        expect((error.type, error.status, error.retryable, error.errors), ("not-found", 404, False, []))
        expect(error.instance.startswith("r_"), True, error.instance)
        wrong = {**STUDY, "direction": "up", "foo": 1}
        error = fails(hone.HoneError, lambda: client.request("POST", "/v1/studies", wrong), "/foo: ", "unknown field",
                      "direction")
        expect(error.type, "invalid")
        expect(len(error.errors), 2, error.errors)


def test_an_error_goes_through_pickle(_):
    for error in (hone.HoneError("a b", type="invalid", status=422, errors=[{"pointer": "/x", "detail": "y"}]),
                  hone.NothingYet("later", reason="paused", retry_after=3), hone.LeaseLost("gone"),
                  hone.Unreachable("no"), hone.StudyEnded("over")):
        again = pickle.loads(pickle.dumps(error))
        expect((type(again), str(again), again.__dict__), (type(error), str(error), error.__dict__))


def test_only_scopes_that_are_there_are_used(tmp):
    with Served(tmp, args=()) as server:
        fails(hone.HoneError, lambda: server.connect().request("GET", "/v1/studies"), "HONE_TOKEN_FILE")
        fails(hone.HoneError, lambda: server.connect(token="wrong").request("GET", "/v1/studies"))
        admin = server.connect(token_file=f"{server.data}/admin.token")
        study = hone.Study.create("one", {"x": [1, 2]}, metric="loss", client=admin, limits={"trials": 2})
        fails(hone.HoneError, study.ask, "hone token create NAME --scope submit --scope worker")
        worker = server.connect(token_file=pathlib.Path(server.data) / "worker.token")
        for_worker = hone.Study.open("one", worker)  # which may ask and not read
        for_worker.tell(for_worker.ask(), 1.0)
        made = admin.request("POST", "/v1/tokens", {"name": "both", "scopes": ["submit", "worker"]})
        both = hone.Study.open("one", server.connect(token=made["token"]))
        both.tell(both.ask(), 2.0)
        expect(both.best_value, 1.0)


def test_a_token_file_is_read_as_by_the_program(tmp):
    file = tmp / "token"
    url = "http://127.0.0.1:9"
    fails(hone.HoneError, lambda: hone.connect(url, token_file=file), "cannot be read: No such file")
    for text in ("", "  \n", "two words\n", "x" * 300, "a\x01b"):
        file.write_text(text)
        fails(hone.HoneError, lambda: hone.connect(url, token_file=file), str(file), "one token")
    file.write_bytes(b"\xff\xfe")
    fails(hone.HoneError, lambda: hone.connect(url, token_file=file), "one token")
    file.write_text("  hp_abc \n")
    hone.connect(url, token_file=file)
    fails(ValueError, lambda: hone.connect(url, token="a", token_file=file), "not both")
    fails(ValueError, lambda: hone.connect(url, timeout=0), "seconds")


def test_an_address_that_is_none_is_said_to_be(_):
    for url in ("127.0.0.1:4663", "ftp://x", "http://", "http://a b", "http://x?y=1", "http://x#y", "http://x:port",
                "http://x:99999", "http://[::1", "http://\u00e9", "unix:/run/x", "http://x/" + "a" * 2000):
        fails(hone.HoneError, lambda: hone.connect(url, token="t"), "no server address", "http://127.0.0.1:4663")
    error = fails(hone.HoneError, lambda: hone.connect("http://me:secret@host", token="t"), "user or password")
    expect("secret" in str(error), False, "the password is repeated")


# ---- again ----

def test_a_busy_server_is_asked_again(_):
    with FakeServer() as server:
        server.says("GET", "/v1/studies", 503, server.problem("starting", "it starts", retryable=True))
        server.says("GET", "/v1/studies", 429, server.problem("rate-limited", "slower", retryable=True))
        server.says("GET", "/v1/studies", 502, None)
        server.says("GET", "/v1/studies", 200, {"items": [], "next_cursor": None})
        expect(connected(server).request("GET", "/v1/studies")["items"], [])
        expect(len(server.requests), 4, "requests")


def test_a_server_that_stays_busy_is_told_of(_):
    with FakeServer() as server:
        server.says("GET", "/v1/studies", 503, server.problem("overloaded", "too many", retryable=True))
        client = connected(server, timeout=0.5)
        error = fails(hone.HoneError, lambda: client.request("GET", "/v1/studies"), "too many")
        expect((error.type, error.retryable, len(server.requests) > 1), ("overloaded", True, True))
        n = len(server.requests)
        fails(hone.HoneError, lambda: client.request("GET", "/v1/studies", retry=False), "too many")
        expect(len(server.requests), n + 1, "requests")


def test_a_write_keeps_its_key_when_it_is_repeated(_):
    with FakeServer() as server:
        for method in ("POST", "PATCH", "DELETE"):
            server.says(method, "/v1/x", 503, server.problem("overloaded", "", retryable=True))
            server.says(method, "/v1/x", 200, {})
        client = connected(server)
        for method in ("POST", "PATCH", "DELETE"):
            client.request(method, "/v1/x", {})
        client.request("POST", "/v1/x", {}, idempotency_key="mine")
        keys = [headers.get("Idempotency-Key") for _, _, _, headers in server.requests]
        expect((keys[0] == keys[1], keys[2] == keys[3], keys[4] == keys[5], keys[6]), (True, True, True, "mine"))
        expect(len(set(keys)), 4, "different keys")


def test_a_cut_connection_costs_nothing(tmp):
    """The request is repeated, and its effect is there once."""
    with Served(tmp) as server, CuttingProxy(server.port) as proxy:
        server.connect().request("POST", "/v1/studies", STUDY)
        proxy.cuts = [350, 700, None]
        client = hone.connect(proxy.url)
        big = [{"parameters": {"x": n / 100}} for n in range(50)]
        expect(len(client.request("POST", "/v1/studies/one/trials", big)["items"]), 50)
        expect(proxy.n_cut, 2, "cuts")
        counts = client.request("GET", "/v1/studies/one")["counts"]
        expect(counts["queued"], 50, "trials")


def test_a_server_that_is_not_there_is_told_of_soon(_):
    client = hone.Client("http://127.0.0.1:9")  # no one listens at discard
    began = time.monotonic()
    error = fails(hone.Unreachable, lambda: client.request("GET", "/v1/studies"), "http://127.0.0.1:9 does not answer",
                  "refused", "tried")
    expect(isinstance(error, ConnectionError), True)
    expect(time.monotonic() - began < 20, True, "seconds")
    fails(hone.Unreachable, lambda: hone.Client("http://no-such-host.invalid").request("GET", "/"), "no-such-host")


def test_a_server_that_was_there_is_waited_for(tmp):
    with Served(tmp) as server:
        client = server.connect()
        client.request("POST", "/v1/studies", STUDY)
        server.kill()
        starter = threading.Thread(target=server.again)
        starter.start()
        expect(client.request("GET", "/v1/studies/one")["name"], "one")
        starter.join()


# ---- hostile answers ----

def test_another_program_is_not_taken_for_a_server(_):
    answers = [(200, "text"), (404, "text"), (302, None), (200, [1]), (500, "text"), (418, {"type": 3, "detail": None})]
    for status, body in answers:
        with FakeServer() as server:
            server.answer = lambda *_: (status, body)
            error = fails(hone.HoneError, lambda: connected(server, timeout=0.3).version(), server.url)
            expect("Hone" in str(error), True, str(error))


def test_answers_that_attack_are_borne(_):
    deep = b"[" * 200000
    for data in (b"{", b"\xff\xfe\x00", deep, b"NaN", b'{"version": ' + deep, b"\x00" * 100):
        with RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data) as server:
            fails(hone.HoneError, lambda: hone.Client(server.url, timeout=0.3).version(), server.url)
    for raw in (b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
                b"HTTP/1.1 999999 \r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 2000 + b"\r\n",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
        with RawServer(raw) as server:
            fails(hone.Unreachable, lambda: hone.Client(server.url, timeout=0.3).version(), server.url)


def test_an_endless_answer_ends(_):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    with RawServer(head, then=chunk, times=80) as server:
        fails(hone.HoneError, lambda: hone.Client(server.url, timeout=20).version(), "larger than any")


class RawServer:
    """Sends these bytes to whoever connects, whatever is asked, and hangs up."""

    def __init__(self, data, then=b"", times=0):
        self.data, self.then, self.times = data, then, times

    def __enter__(self):
        import socket
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        import socket
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()

    def _serve(self):
        while True:
            try:
                caller, _ = self.listener.accept()
            except OSError:
                return
            with caller:
                try:
                    caller.recv(65536)
                    caller.sendall(self.data)
                    for _ in range(self.times):
                        caller.sendall(self.then)
                except OSError:
                    pass


# ---- versions ----

def test_an_older_server_is_told_by_its_version(tmp):
    with FakeServer() as server:
        server.says("GET", "/version", 200, {"version": "0.0.9", "api": 1})
        missing = server.problem("not-found", "there is no page at /v1/suggest; GET /openapi.json lists all")
        server.says("POST", "/v1/suggest", 404, missing)
        server.says("POST", "/v1/studies", 422, server.problem("invalid", '/foo: unknown field "foo"'))
        server.says("GET", "/v1/studies/x", 404, server.problem("not-found", 'there is no study "x"'))
        said = f"the server is version 0.0.9, this client {hone.__version__}"
        fails(hone.HoneError, lambda: connected(server).suggest({"parameters": {"x": [1]}}), "no page at", said)
        fails(hone.HoneError, lambda: connected(server).request("POST", "/v1/studies", {}), said)
        error = fails(hone.HoneError, lambda: connected(server).request("GET", "/v1/studies/x"), "no study")
        expect("version" in str(error), False, "a version has nothing to do with it")


def test_the_same_version_is_not_blamed(tmp):
    with Served(tmp) as server:
        expect(server.connect().version(), hone.__version__)
        error = fails(hone.HoneError, lambda: server.connect().request("GET", "/v1/nothing"), "no page at")
        expect("version" in str(error), False, str(error))


# ---- TLS ----

def certificate(tmp, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=" + name, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", tmp / "key", "-out", tmp / "cert"], check=True, capture_output=True)
    return tmp / "cert", tmp / "key"


def test_certificates_are_checked(tmp):
    if not shutil.which("openssl"):
        raise NotRun("openssl is not installed")
    cert, key = certificate(tmp, "localhost")
    with Served(tmp, args=("--open", "--tls-cert", str(cert), "--tls-key", str(key))) as server:
        expect(server.url.startswith("https"), True, server.url)
        fails(hone.Unreachable, lambda: hone.connect(server.url).version(), "is not trusted", "SSL_CERT_FILE")
        expect(hone.connect(server.url, ca_file=str(cert)).version(), hone.__version__)
        for variable in ("SSL_CERT_FILE", "HONE_CA_FILE"):
            out = server.run("import hone; print(hone.connect().version())", **{variable: str(cert)})
            expect(out.strip(), hone.__version__, variable)
        plain = server.url.replace("https", "http")
        fails(hone.Unreachable, lambda: hone.Client(plain, timeout=1).version(), plain)
        fails(hone.HoneError, lambda: hone.connect(server.url, ca_file=str(tmp / "none")), "cannot be read")
    with Served(tmp) as server:
        tls = server.url.replace("http", "https")
        fails(hone.Unreachable, lambda: hone.Client(tls, timeout=1).version(), tls)


# ---- threads and processes ----

def test_threads_share_a_client(tmp):
    with Served(tmp) as server:
        client, wrong = server.connect(), []

        def work(n):
            for i in range(20):
                name = f"s{n}-{i}"
                found = client.request("POST", "/v1/studies", {**STUDY, "name": name})
                if found["name"] != name:
                    wrong.append((name, found["name"]))

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expect(wrong, [])
        expect(len(list(client.walk("/v1/studies", {"limit": 7}))), 160, "studies")


def test_a_fork_has_connections_of_its_own(tmp):
    """Parent and children use one client at once; answers must not be mixed up."""
    with Served(tmp) as server:
        out = server.run("""
import hone, os
client = hone.connect()
client.request("GET", "/version")  # a connection is open now
children = []
for n in range(4):
    pid = os.fork()
    if pid == 0:
        for i in range(30):
            name = f"child{n}-{i}"
            found = client.request("POST", "/v1/studies", {"name": name, "metric": "m", "strategy": "random",
                "direction": "minimize", "parameters": [{"name": "x", "type": "bool"}]})
            if found["name"] != name:
                os._exit(1)
        os._exit(0)
    children.append(pid)
for i in range(30):
    assert client.request("GET", "/version")["version"] == hone.__version__
print([os.waitpid(pid, 0)[1] for pid in children])
""")
        expect(out.strip(), "[0, 0, 0, 0]")


def test_a_fork_while_another_thread_calls_does_not_hang(tmp):
    with Served(tmp) as server:
        out = server.run("""
import hone, os, threading
client = hone.connect()
ends = threading.Event()
def call():
    while not ends.is_set():
        client.version()
threads = [threading.Thread(target=call) for _ in range(4)]
for thread in threads: thread.start()
statuses = []
for _ in range(30):
    pid = os.fork()
    if pid == 0:
        os._exit(0 if client.version() == hone.__version__ else 1)
    statuses.append(os.waitpid(pid, 0)[1])
ends.set()
for thread in threads: thread.join()
print(set(statuses))
""")
        expect(out.strip(), "{0}")


def test_a_client_goes_to_another_process(tmp):
    with Served(tmp) as server:
        again = pickle.loads(pickle.dumps(server.connect(timeout=7)))
        expect((again.version(), again.timeout), (hone.__version__, 7.0))


# ---- events ----

def test_events_go_on_after_the_server_was_away(tmp):
    with Served(tmp) as server:
        client = server.connect()
        study = hone.Study.create("one", {"x": hone.float(0, 1)}, metric="loss", client=client, strategy="random")
        seen = []

        def follow():
            for event in client.events("one"):
                if "seq" in event:
                    seen.append(event)

        threading.Thread(target=follow, daemon=True).start()
        study.tell(study.ask(), 1.0)
        wait_until(lambda: len(seen) >= 3, "events of the first trial")
        server.kill()
        server.again()
        study.tell(study.ask(), 2.0)
        wait_until(lambda: len([e for e in seen if e["kind"] == "trial-ended"]) == 2, "the second trial")
        numbers = [event["seq"] for event in seen]
        expect(numbers, sorted(set(numbers)), "events, each once and in order")
        expect([e["seq"] for e in client.events("one", follow=False)], numbers, "all there were")
        fails(hone.HoneError, lambda: next(client.events("none")), "no study")


# ---- the private server ----

FIVE_LINES = """
import hone
study = hone.Study.create("first", {"x": hone.float(-5, 5)}, metric="loss", limits={"trials": 6})
study.optimize(lambda trial: (trial.params["x"] - 1) ** 2)
print(study.best_params["x"], study.client.is_private)
"""


def private_environment(tmp, path):
    return environment(tmp, PATH=f"{path}:/usr/bin:/bin")


def stop_private(env):
    subprocess.run([os.environ["HONE"], "server", "stop"], env=env, capture_output=True, check=False)


def programs(tmp):
    """A folder with both, as an installation has it."""
    folder = tmp / "bin"
    folder.mkdir()
    for name in ("HONE", "HONED"):
        (folder / name.lower()).symlink_to(os.environ[name])
    return folder


def test_five_lines_start_a_server_and_the_next_five_join_it(tmp):
    env = private_environment(tmp, programs(tmp))
    try:
        expect(python(FIVE_LINES, env).split()[1], "True")
        again = python(FIVE_LINES.replace("6", "8").replace("print(", "print(len(study.trials()), "), env)
        expect(again.split()[0], "8", "trials after the second run")
    finally:
        stop_private(env)


def test_a_private_server_that_has_left_is_started_again(tmp):
    """As in a notebook that nobody used for ten minutes: the server comes back, at another address."""
    env = private_environment(tmp, programs(tmp))
    try:
        out = python(FIVE_LINES + """
import subprocess
client, before = study.client, study.client.url
subprocess.run(["hone", "server", "stop"], check=True)
print(study.best_value >= 0, client.url != before)
subprocess.run(["hone", "server", "stop"], check=True)
print([event["kind"] for event in client.events("first", follow=False)][0])
with hone.Study.create("second", {"x": [1]}, metric="loss").trial() as trial:
    subprocess.run(["hone", "server", "stop"], check=True)
    trial.report(1, loss=1.0)
print(trial.is_ended)
""", env)
        expect([line for line in out.splitlines() if not line.startswith("hone: stopped")][1:],
               ["True True", "study-created", "True"], out)
    finally:
        stop_private(env)


def test_without_server_and_program_it_says_what_to_do(tmp):
    out = python("import hone; hone.connect()", environment(tmp, PATH="/nowhere"), status=1)
    last = out.strip().splitlines()[-1]
    for part in ("no server is named", "no program hone", "HONE_URL", "pip install", "hone-tuner"):
        expect(part in last, True, f"{part} in {last}")


def test_a_program_that_knows_no_server_start_is_told_of(tmp):
    for text, part in (("echo 'hone: there is no verb server' >&2; exit 2", "there is no verb server"),
                       ("echo nonsense", "did not say where"), ("echo '{\"url\": 1}'", "did not say where"),
                       ("kill -9 $$", "exit status -9")):
        folder = tmp / str(len(list(tmp.iterdir())))
        folder.mkdir()
        (folder / "hone").write_text("#!/bin/sh\n" + text + "\n")
        (folder / "hone").chmod(0o755)
        out = python("import hone; hone.connect()", private_environment(tmp, folder), status=1)
        expect(part in out.strip().splitlines()[-1], True, out)


main(globals())
