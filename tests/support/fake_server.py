"""A server with the answers that a test sets, for clients that must bear any answer.

    with FakeServer() as server:
        server.says("GET", "/v1/studies/x", 404, server.problem("not-found", "there is no study x"))
        subprocess.run([...], env=server.environment(tmp))
        server.requests   # → [("GET", "/v1/studies/x", None, headers), …]

An answer given several times is used in order; the last one stays. A function as body is called
with the request's query.
"""

import http.server
import json
import os
import pathlib
import threading
import urllib.parse

TOKEN = "t" * 43

# The published problem types and their statuses.
STATUS_OF = {
    "malformed": 400, "unauthorized": 401, "forbidden": 403, "not-found": 404,
    "method-not-allowed": 405, "study-exists": 409, "lease-superseded": 409,
    "result-conflict": 409, "wrong-state": 409, "lease-ended": 410, "epoch-changed": 410,
    "events-gone": 410,
    "revision-changed": 412, "too-large": 413, "unsupported-type": 415, "invalid": 422,
    "key-reused": 422, "upgrade-required": 426, "rate-limited": 429, "overloaded": 503,
    "starting": 503, "read-only": 503, "storage-full": 503}


class FakeServer:
    def __enter__(self):
        fake = self
        self.answers, self.requests = {}, []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                text = self.rfile.read(length)
                fake.requests.append((self.command, self.path, json.loads(text) if text else None,
                                      dict(self.headers)))
                status, body = fake.answer(self.command, self.path)
                data = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                if data:
                    self.send_header("Content-Type", "application/json" if status < 400 else
                                     "application/problem+json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def says(self, method, path, status, body=None):
        self.answers.setdefault((method, path), []).append((status, body))

    def answer(self, method, path):
        bare, _, query = path.partition("?")
        known = self.answers.get((method, path)) or self.answers.get((method, bare))
        if not known:
            return 404, self.problem("not-found", f"the test said nothing about {method} {path}")
        status, body = known.pop(0) if len(known) > 1 else known[0]
        return status, body(dict(urllib.parse.parse_qsl(query))) if callable(body) else body

    @staticmethod
    def problem(kind, detail, **more):
        return {"type": f"/problems/{kind}", "title": kind, "status": STATUS_OF[kind],
                "detail": detail, **more}

    def environment(self, tmp, **more):
        token = pathlib.Path(tmp) / "token"
        token.write_text(TOKEN + "\n")
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HONE_")}
        return {**kept, "HONE_URL": self.url, "HONE_TOKEN_FILE": str(token), "TZ": "CET-1",
                "TERM": "xterm", "XDG_STATE_HOME": str(pathlib.Path(tmp) / "state"), **more}
