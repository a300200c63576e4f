"""A relay between HTTP clients and a server that does to requests what networks do.

    with FaultProxy(server.port, seed, {"lost_request": 10, "lost_reply": 10}) as proxy:
        worker(url=proxy.url)
        proxy.counts                # how often each was done

Each request under /v1/ meets at most one fault, so many of a hundred meet each:

    delay         it arrives later, by up to DELAY_SECONDS
    lost_request  the connection ends, and the server has heard nothing
    lost_reply    the server has done it, and the connection ends
    half_reply    the connection ends within the answer
    twice         it arrives twice, one after the other
    late          it arrives, and once more after later requests: repeated and out of order

`proxy.drops` is None, "requests" or "replies": then all of one direction is lost. What is drawn comes
from the seed; in which order several clients draw does not.
"""

import collections
import http.client
import http.server
import random
import threading
import time

DELAY_SECONDS = 0.2


class FaultProxy:
    def __init__(self, port, seed, chances):
        self.port, self.chances = port, chances
        self.rng, self.lock = random.Random(seed), threading.Lock()
        self.counts = collections.Counter()
        self.drops = None
        self.kept = []  # requests that arrive once more

    def __enter__(self):
        proxy = self

        class Handler(Relay):
            pass

        Handler.proxy = proxy
        self.listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.listener.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.listener.server_address[1]}"
        self.thread = threading.Thread(target=self.listener.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown()
        self.listener.server_close()
        self.thread.join()

    def draw(self, path):
        """The fault that a request meets ("" for none), and how much of it."""
        with self.lock:
            if not path.startswith("/v1/"):
                return "", 0
            if self.drops is not None:
                fault = {"requests": "lost_request", "replies": "lost_reply"}[self.drops]
            else:
                left = self.rng.randrange(100)
                fault = ""
                for name, chance in self.chances.items():
                    if 0 <= left < chance:
                        fault = name
                    left -= chance
            self.counts[fault] += 1
            return fault, self.rng.random()

    def keep(self, request):
        with self.lock:
            self.kept.append(request)

    def take_kept(self):
        """One that was kept, in any order, for every other request."""
        with self.lock:
            if not self.kept or self.rng.random() < 0.5:
                return None
            return self.kept.pop(self.rng.randrange(len(self.kept)))

    def forward(self, request):
        """(status, headers, body) of the server's answer."""
        method, path, headers, body = request
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()


class Relay(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy = None

    def log_message(self, *_):
        pass

    def relay(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items()
                   if name.lower() not in ("connection", "content-length", "expect")}
        request = (self.command, self.path, headers, body or None)
        fault, share = self.proxy.draw(self.path)
        late = self.proxy.take_kept()
        if fault == "delay":
            time.sleep(share * DELAY_SECONDS)
        if fault == "lost_request":
            self.close_connection = True
            return
        try:
            answer = self.proxy.forward(request)
            if fault == "twice":
                answer = self.proxy.forward(request)
            if late is not None:
                self.proxy.forward(late)
        except (OSError, http.client.HTTPException):
            self.close_connection = True
            return
        if fault == "late":
            self.proxy.keep(request)
        self.close_connection = fault in ("lost_reply", "half_reply")
        if fault != "lost_reply":
            self.answer(answer, fault == "half_reply")

    def answer(self, answer, is_cut):
        status, headers, body = answer
        lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, '')}"]
        lines += [f"{name}: {value}" for name, value in headers
                  if name.lower() not in ("transfer-encoding", "content-length", "connection")]
        if status != 204:
            lines.append(f"Content-Length: {len(body)}")
        data = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body
        try:
            self.wfile.write(data[:len(data) // 2] if is_cut else data)
        except OSError:
            self.close_connection = True

    do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = do_HEAD = relay
