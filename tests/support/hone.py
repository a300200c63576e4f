"""What the Python tests share: a honed of their own, a client, and a recorder of histories.

Only the standard library. The server's program is $HONED (Meson sets it). Every server lives in a
temporary directory, on a free port, and is gone when its `with` block ends.
"""

import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

START_SECONDS = 60  # generous: a sanitized server on a busy machine


def build_path(name):
    """A file that the build made, given to the test by its environment."""
    path = os.environ.get(name)
    if not path:
        raise unittest.SkipTest(f"not run: ${name} is not set; start the tests with meson test")
    return path


class Reply:
    """Status, headers (lower case) and body of an answer."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def type(self):
        """The problem's type without its prefix: "lease-ended"; "" for anything else."""
        if not self.headers.get("content-type", "").startswith("application/problem+json"):
            return ""
        return self.json["type"].removeprefix("/problems/")

    @property
    def seq(self):
        value = self.headers.get("server-seq")
        return None if value is None else int(value)

    def __repr__(self):
        return f"<{self.status} {self.body[:400]!r}>"


class Client:
    """One keep-alive connection, opened when needed. Raises OSError or HTTPException if it breaks."""

    def __init__(self, url, token=None, timeout=70):
        address = urllib.parse.urlsplit(url)
        if address.scheme == "https":
            context = ssl._create_unverified_context()  # each test has a certificate of its own
            self.connection = http.client.HTTPSConnection(address.hostname, address.port,
                                                          timeout=timeout, context=context)
        else:
            self.connection = http.client.HTTPConnection(address.hostname, address.port,
                                                         timeout=timeout)
        self.token = token

    def request(self, method, path, body=None, headers=None, raw=None):
        all_headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            raw = json.dumps(body)
        if raw is not None:
            all_headers["Content-Type"] = "application/json"
        all_headers.update(headers or {})
        if isinstance(raw, str):
            raw = raw.encode()
        try:
            self.connection.request(method, path, body=raw, headers=all_headers)
            response = self.connection.getresponse()
            return Reply(response.status, response.getheaders(), response.read())
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.request("POST", path, body, **more)

    def put(self, path, body=None, **more):
        return self.request("PUT", path, body, **more)

    def patch(self, path, body=None, **more):
        return self.request("PATCH", path, body, **more)

    def delete(self, path, **more):
        return self.request("DELETE", path, **more)

    def walk(self, path):
        """Every item of a list, page by page."""
        joint = "&" if "?" in path else "?"
        cursor = ""
        while cursor is not None:
            page = self.get(f"{path}{joint}limit=1000{cursor}")
            if page.status != 200:
                raise AssertionError(f"GET {path}: {page}")
            yield from page.json["items"]
            after = page.json["next_cursor"]
            cursor = None if after is None else "&cursor=" + urllib.parse.quote(after)

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Server:
    """A honed of its own. `data` stays the caller's if given. With `backups` it keeps some, in a folder
    that goes with it."""

    def __init__(self, data=None, args=(), env=None, port=0, backups=False):
        self.program = None  # $HONED
        self.own_data = data is None
        self.data = data or tempfile.mkdtemp(prefix="hone-test-")
        self.backups = tempfile.mkdtemp(prefix="hone-backups-") if backups else None
        self.args = [*args, *(["--backup-directory", self.backups] if backups else [])]
        self.env = dict(os.environ, **(env or {}))
        self.port = port
        self.process = None
        self.reader = None
        self.lines = []
        self.said = threading.Condition()  # of the lines
        self.has_ended = False
        self.url = None

    def command(self):
        return [self.program or build_path("HONED"), "--data", self.data, "--listen", f"127.0.0.1:{self.port}",
                *self.args]

    def start(self):
        if self.reader is not None:
            self.reader.join(START_SECONDS)  # what the last one said is not of this one
        self.lines = []
        self.has_ended = False
        self.process = subprocess.Popen(self.command(), env=self.env, text=True, errors="replace",
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        ready = threading.Event()
        self.reader = threading.Thread(target=self._drain, args=(self.process.stdout, ready),
                                       daemon=True)
        self.reader.start()
        if not ready.wait(START_SECONDS) or self.url is None:
            self.kill()
            raise AssertionError("honed did not start:\n" + self.log())
        return self

    def _drain(self, pipe, ready):
        for line in pipe:
            with self.said:
                self.lines.append(line)
                self.said.notify_all()
            found = re.search(r"listening on (https?://\S+)", line)
            if found:
                self.url = found.group(1).rstrip("/")
                self.port = urllib.parse.urlsplit(self.url).port
                ready.set()
        pipe.close()
        with self.said:
            self.has_ended = True
            self.said.notify_all()
        ready.set()

    def wait_line(self, pattern, nth=1, seconds=60):
        """Waits until the nth line that matches is said, and returns it. An event, not a poll; the
        deadline is a bound against hanging."""
        def found():
            return [line for line in self.lines if re.search(pattern, line)]

        with self.said:
            self.said.wait_for(lambda: self.has_ended or len(found()) >= nth, seconds)
            if len(found()) < nth:
                raise AssertionError(f"honed did not say {pattern!r} {nth} times:\n{self.log()}")
            return found()[nth - 1]

    def log(self):
        return "".join(self.lines)

    def token(self, kind="admin"):
        with open(os.path.join(self.data, f"{kind}.token"), encoding="ascii") as file:
            return file.read().strip()

    def client(self, kind="admin", **more):
        return Client(self.url, None if kind is None else self.token(kind), **more)

    def kill(self):
        """kill -9, as a power cut would not, but a scheduler does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self, seconds=15):
        """SIGTERM; the exit status. What it said is shown unless that is 0."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(seconds)
        if status != 0:
            self.reader.join(seconds)
            print(f"honed ended with {status}:\n{self.log()}", file=sys.stderr)
        return status

    def end_in_order(self):
        """Ends it by SIGTERM if it still runs and can."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                pass

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if "HONE_COVERAGE" in os.environ:  # a killed server loses what it has counted
            self.end_in_order()
        self.kill()
        if self.own_data:
            shutil.rmtree(self.data, ignore_errors=True)
        if self.backups is not None:
            shutil.rmtree(self.backups, ignore_errors=True)


def run_honed(*args, env=None, seconds=30, descriptors=None):
    """Runs a honed that is expected to leave by itself: (exit status, what it said)."""
    limit = [] if descriptors is None else ["prlimit", f"--nofile={descriptors}:{descriptors}"]
    done = subprocess.run([*limit, build_path("HONED"), *args], env=dict(os.environ, **(env or {})),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=seconds, check=False)
    return done.returncode, done.stdout


def preload_env(libraries=("HONE_PRELOAD",), **settings):
    """The environment that puts tests/support/preload.c (or others) before libc."""
    asan = os.environ.get("ASAN_OPTIONS", "")
    return {"LD_PRELOAD": ":".join(build_path(name) for name in libraries),
            "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0".lstrip(":"),
            **{name: str(value) for name, value in settings.items()}}


def study(name, **more):
    """The smallest study body that is any use, with more members or other ones."""
    return {"name": name, "objectives": [{"metric": "loss", "direction": "minimize"}],
            "parameters": [{"name": "x", "type": "float", "low": 0, "high": 1}],
            "strategy": "random", "seed": 7, **more}


class StudyCalls:
    """What a test does with studies; for a test case with `client` and `worker`."""

    def make(self, name, **more):
        reply = self.client.post("/v1/studies", study(name, **more))
        self.assertEqual(reply.status, 201, reply)
        return reply.json

    def lease(self, name):
        return self.worker.post(f"/v1/studies/{name}/leases", {"wait_seconds": 20}).json

    def put(self, lease, **result):
        reply = self.worker.put(f"/v1/leases/{lease['lease']['id']}/result", result)
        self.assertEqual(reply.status, 200, reply)
        return reply.json.get("trial", reply.json)

    def run_one(self, name, **result):
        """Leases a trial and ends it at once; returns the lease."""
        lease = self.lease(name)
        self.put(lease, **result)
        return lease


class ServedTest(StudyCalls, unittest.TestCase):
    """A test with a server of its own, a user's client and a worker's."""

    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.__exit__)
        self.server.start()
        self.addCleanup(self.server.stop)
        self.connect()

    def connect(self):
        self.client = self.server.client()
        self.worker = self.server.client("worker")
        self.addCleanup(self.client.close)
        self.addCleanup(self.worker.close)

    def restart(self):
        self.server.kill()
        self.server.start()
        self.connect()


class SharedServerTest(StudyCalls, unittest.TestCase):
    """The same with one server for all tests of the class, so with studies of different names."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()
        cls.client = cls.server.client()
        cls.addClassCleanup(cls.client.close)
        cls.worker = cls.server.client("worker")
        cls.addClassCleanup(cls.worker.close)


class History:
    """Records what clients do, in the form of tests/support/history.h. Safe from any thread."""

    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8")
        self.lock = threading.Lock()
        self.n_ops = 0
        self.n_acknowledged = 0

    def write(self, line):
        self.file.write(json.dumps(line, separators=(",", ":")) + "\n")

    def invoke(self, client, kind, given):
        with self.lock:
            self.n_ops += 1
            self.write({"event": "invoke", "op": self.n_ops, "at_ns": time.monotonic_ns(),
                        "client": client, "kind": kind, "input": given})
            return self.n_ops

    def answer(self, op, reply):
        """`reply` None: there was none."""
        line = {"event": "info", "op": op}
        if reply is not None and reply.status < 300:
            line["event"] = "ok"
            line["output"] = json.loads(reply.body) if reply.body else None
        elif reply is not None and reply.status < 500:
            line["event"] = "fail"
            line["output"] = json.loads(reply.body)
        if reply is not None and reply.seq is not None:
            line["seq"] = reply.seq
        with self.lock:
            line["at_ns"] = time.monotonic_ns()
            self.write(line)
            self.n_acknowledged += line["event"] == "ok"

    def fault(self, kind):
        self.mark("fault", kind=kind)

    def mark(self, event, **more):
        """"calm": nothing is broken on purpose any more; "drained": every trial was seen final."""
        with self.lock:
            self.write({"event": event, "at_ns": time.monotonic_ns(), **more})

    def close(self):
        self.file.close()


def all_events(client):
    """What has happened, from the first event on."""
    lines = client.get("/v1/events?after=0&follow=false").body.decode().splitlines()
    return [json.loads(line) for line in lines if line]  # an empty one says that the server lives


def write_dump(client, path):
    """Everything that the server holds, through its API, as the checker reads it."""
    with open(path, "w", encoding="utf-8") as file:
        def put(**line):
            file.write(json.dumps(line) + "\n")
        for row in client.walk("/v1/studies"):
            name = row["name"]
            put(kind="study", row=client.get(f"/v1/studies/{name}").json)
            for trial in client.walk(f"/v1/studies/{name}/trials"):
                number = trial["number"]
                put(kind="trial", study=name, row=trial)
                path = f"/v1/studies/{name}/trials/{number}"
                for item in client.get(f"{path}/attempts").json["items"]:
                    put(kind="attempt", study=name, trial=number, row=item)
                for item in client.walk(f"{path}/measurements"):
                    put(kind="measurement", study=name, trial=number, row=item)
        for event in all_events(client):
            put(kind="event", row=event)


def check_history(history, dump, *options):
    """Runs the checker: (exit status, what it said)."""
    done = subprocess.run([build_path("CHECK_HISTORY"), *options, history, dump],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def wait_until(condition, seconds, what):
    """Polls; the deadline is a bound against hanging, never what is measured."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"{what}: not within {seconds} s")


def raw_exchange(url, data, half_close=False, seconds=20):
    """Sends bytes as they are and returns all that comes back until the server closes."""
    address = urllib.parse.urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=seconds) as sock:
        sock.sendall(data)
        if half_close:
            sock.shutdown(socket.SHUT_WR)
        parts = []
        try:
            while part := sock.recv(65536):
                parts.append(part)
        except (ConnectionResetError, socket.timeout):
            pass
        return b"".join(parts)


def seed_from_environment():
    """The seed of this run, printed so that a failure can be had again."""
    seed = int(os.environ.get("HONE_TEST_SEED") or 1)
    print(f"seed {seed} (HONE_TEST_SEED)", flush=True)
    return random.Random(seed)


def main():
    """Runs the tests of the calling file and closes with the line that tests/run counts."""
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    result = program.result
    for test, why in result.skipped:
        print(f"not run: {test}: {why.removeprefix('not run: ')}")
    failed = len(result.failures) + len(result.errors)
    skipped = len(result.skipped)
    sys.stderr.flush()
    print(f"{max(result.testsRun - failed - skipped, 0)} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)
