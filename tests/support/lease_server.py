"""The server's side of leases, as a test wants it, and a record of what the worker said.

    with LeaseServer() as server:
        server.grants(resource=(0, 3))           # one more trial to hand out
        server.fails("result", 503)              # the next result is refused once
        server.is_away = True                      # every call is hung up on, until it is False
    server.action = lambda lease, step: {"action": "pause"} if step >= 2 else ...
        worker = server.worker(tmp, "./job.sh", "{lr}")
        server.results                            # → [(trial number, body), …]
    server.logs[1]                            # → what was sent of trial 1's log

With nothing more to hand out, an ask is answered that the study is finished.
"""

import http.server
import json
import os
import pathlib
import subprocess
import threading
import urllib.parse
from collections import Counter

from fake_server import TOKEN, FakeServer

STUDY = "digits"


class Stranger:
    """An answer that does not come from a Hone server."""

    def __init__(self, status, body=b"<html>nginx</html>", content_type="text/html"):
        self.status, self.body, self.content_type = status, body, content_type
        self.headers = {}


def distinct(pairs):
    """The object, as the server reads it: a key that is there twice is refused."""
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError(f"duplicate object key in {names}")
    return dict(pairs)


def content_type(status, body):
    """What the server sends with a body of ours."""
    if body is None:
        return {}
    return {"Content-Type": "application/json" if status < 400 else "application/problem+json"}


def only_result(server):
    """The one that was sent."""
    if len(server.results) != 1:
        raise AssertionError(f"number of results in {server.results}")
    return server.results[0][1]


class LeaseServer:
    def __enter__(self):
        fake = self
        self.lock = threading.Condition()
        self.waiting, self.leases, self.number = [], {}, 0
        self.granted = {}  # (worker, request id) -> lease
        self.asks, self.measured, self.results, self.released, self.beats = [], [], [], [], []
        self.values = {}  # (lease, step, metric) -> value
        self.faults, self.calls = {}, []
        self.logs, self.log_calls, self.log_limit = {}, [], 16 << 20
        self.action = lambda lease, step: {"action": "continue"}
        self.refuses = lambda body: None  # measurements: (status, problem type), or None
        self.nothing, self.nothing_detail = "finished", ""
        self.token = TOKEN  # that is accepted
        self.is_away = False
        self.workers = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if fake.is_away:
                    self.close_connection = True
                    return
                status, body, headers = fake.answer(self.command, self.path, text, self.headers)
                data = body if isinstance(body, bytes) else \
                    b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {**content_type(status, body), **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a worker that was killed hangs up
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()
        return self

    def __exit__(self, *_):
        for worker in self.workers:  # of a case that failed
            if worker.poll() is None:
                worker.kill()
            worker.wait()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    # ---- what the test says ----

    def grants(self, parameters=None, resource=None, **more):
        """Hands out one more trial; its number. A field that is None is left out. `resource`: from,
        to and perhaps the unit of steps."""
        self.number += 1
        trial = {"number": self.number, "attempt": 1, "seed": 8123,
                 "parameters": {"lr": 0.1} if parameters is None else parameters,
                 "inactive": []}
        if resource:
            trial["resource"] = dict(zip(("from", "to", "unit"), resource), name="epochs")
        for key in ("number", "attempt", "checkpoint", "inactive", "seed"):
            if key in more:
                trial[key] = more.pop(key)
        lease = {"lease": {"id": f"l_{self.number}", "ttl_seconds": 60,
                           "heartbeat_seconds": more.pop("heartbeat", 20)},
                 "study": STUDY, "objectives": [{"metric": "accuracy", "direction": "maximize"}],
                 "trial": trial, "limits": {}, "job": {"runner": "train"}, "discard": [], **more}
        lease["trial"] = {key: value for key, value in trial.items() if value is not None}
        with self.lock:
            self.waiting.append(lease)
            self.lock.notify_all()
        return self.number

    def fails(self, kind, *answers):
        """The next calls of this kind get these: a status, (status, problem type), (503,
        problem type, Retry-After) or a Stranger."""
        self.faults.setdefault(kind, []).extend(answers)

    # ---- answers ----

    def take_log(self, path, piece):
        """As the server does, but that it keeps everything: skipped bytes are a NUL each."""
        where, query = urllib.parse.urlsplit(path), urllib.parse.parse_qs(path.partition("?")[2])
        with self.lock:
            number = self.lease_of(where.path)["trial"]["number"]
            log = self.logs.setdefault(number, bytearray())
            offset = int(query["offset"][0])
            measured = sum(kind == "measure" for kind, _ in self.calls)
            self.log_calls.append((number, offset, len(piece), "end" in query, measured))
            if "skip" in query and offset > len(log):
                log.extend(bytes(offset - len(log)))
            if offset <= len(log):
                log.extend(piece[len(log) - offset:])
            self.lock.notify_all()
            return 200, {"next_offset": len(log), "limit": self.log_limit}, {}

    def answer(self, method, path, text, headers):
        if path.split("/")[-1].startswith("log?") and not self.faults.get("log"):
            return self.take_log(path, text)
        try:
            is_json = text and headers.get("Content-Type") == "application/json"
            body = json.loads(text, object_pairs_hook=distinct) if is_json else None
        except ValueError as twice:
            return 400, FakeServer.problem("malformed", f"not valid JSON: {twice}"), {}
        with self.lock:
            kind = self.kind_of(method, path)
            if kind != "log":
                self.calls.append((kind, body))
            self.lock.notify_all()
            if headers.get("Authorization") != f"Bearer {self.token}":
                return 401, FakeServer.problem("unauthorized", "no token"), {}
            if kind == "ask":
                self.asks.append(body)
            if self.faults.get(kind):
                fault = self.faults[kind].pop(0)
                if isinstance(fault, Stranger):
                    return fault.status, fault.body, {"Content-Type": fault.content_type,
                                                      **fault.headers}
                status, problem, *more = fault if isinstance(fault, tuple) else (fault, "overloaded")
                seconds = more[0] if more else 0
                return status, FakeServer.problem(problem, "as the test wished"), \
                    {"Retry-After": str(seconds)} if status == 503 else {}
            return getattr(self, kind)(path, body)

    @staticmethod
    def kind_of(method, path):
        parts = path.split("/")
        if parts[-1] == "leases":  # of any study, or of one
            return "ask"
        if len(parts) == 4:
            return "beat" if method == "PUT" else "release"
        return {"measurements": "measure", "result": "result",
                "log": "log"}[parts[4].partition("?")[0]]

    def ask(self, _, body):
        same = (body.get("worker"), body.get("request_id"))
        if same in self.granted:  # it is asked again for an answer that did not arrive
            return 201, self.granted[same], {}
        if not self.waiting or body.get("runners") == []:  # which wants nothing
            return 200, {"lease": None, "reason": "none" if self.waiting else self.nothing,
                         "detail": self.nothing_detail,
                         "retry_after_seconds": 0.2}, {}
        lease = self.waiting.pop(0)
        self.leases[lease["lease"]["id"]] = self.granted[same] = lease
        return 201, lease, {}

    def lease_of(self, path):
        return self.leases[path.split("/")[3]]

    def replies(self, path, step, counts=None):
        lease = self.lease_of(path)
        reply = {"action": "continue", "duplicate": 0, "conflict": 0, **(counts or {}),
                 "expires_at": "2026-11-24T21:32:37.123Z", **self.action(lease, step)}
        if "resource" in lease["trial"] and reply["action"] == "continue":
            reply.setdefault("until", lease["trial"]["resource"]["to"])
        return 200, reply, {}

    def measure(self, path, body):
        refusal = self.refuses(body)
        if refusal:
            return refusal[0], FakeServer.problem(refusal[1], "as the test wished"), {}
        lease = self.lease_of(path)
        counts = Counter()
        for entry in body["measurements"]:
            new = {}
            for metric, value in entry["metrics"].items():
                key = (lease["lease"]["id"], entry["step"], metric)
                if key in self.values:  # the first value stands
                    counts["duplicate" if self.values[key] == value else "conflict"] += 1
                else:
                    new[metric] = self.values[key] = value
            if new:
                self.measured.append((lease["trial"]["number"], entry["step"], new))
        return self.replies(path, body["measurements"][-1]["step"], counts)

    def beat(self, path, _):
        self.beats.append(self.lease_of(path)["trial"]["number"])
        return self.replies(path, None)

    def result(self, path, body):
        number = self.lease_of(path)["trial"]["number"]
        self.results.append((number, body))
        return 200, {"trial": {"number": number, "state": "completed"}, "late": False}, {}

    def release(self, path, _):
        self.released.append(self.lease_of(path)["trial"]["number"])
        return 204, None, {}

    def wait_for(self, fact, seconds=60):
        """Until a fact about what was said is true."""
        with self.lock:
            if not self.lock.wait_for(fact, seconds):
                raise AssertionError(f"never happened; calls: {self.calls}")

    # ---- the worker ----

    def environment(self, tmp, **more):
        token = pathlib.Path(tmp) / "token"
        token.write_text(TOKEN + "\n")
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HONE_") or k == "HONE_ALLOW_ROOT"}
        return {**kept, "HONE_URL": self.url, "HONE_TOKEN_FILE": str(token), **more}

    def start(self, tmp, *command, options=(), under=(), **environment):
        """A worker of this server's study, started by another command where one is given; the caller waits
        for it."""
        which = ["--study", STUDY] if command else []
        behind = ["--", *command] if command else []
        self.workers.append(subprocess.Popen(
            [*under, os.environ["HONE"], "worker", *which, "--exit-when-finished", "--workdir",
             str(pathlib.Path(tmp) / "work"), *options, *behind],
            env=self.environment(tmp, **environment), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        return self.workers[-1]

    def work(self, tmp, *command, options=(), under=(), status=0, **environment):
        """Runs one to its end; what it said."""
        process = self.start(tmp, *command, options=options, under=under, **environment)
        said, _ = process.communicate(timeout=120)
        if process.returncode != status:
            raise AssertionError(f"the worker ended with {process.returncode}:\n{said}")
        return said
