"""A server of a test's own: private data, a free port, gone at the end.

    with Honed(tmp) as server:
        server.call("POST", "/v1/studies", {...})   # → (status, decoded body)
        subprocess.run([...], env=server.environment())
"""

import json
import os
import pathlib
import select
import signal
import subprocess
import time
import urllib.error
import urllib.request

START_SECONDS = 60  # generous: a sanitized server on a busy machine


class Honed:
    def __init__(self, tmp, *options):
        self.data = pathlib.Path(tmp) / "data"
        self.command = [os.environ["HONED"], "--data", str(self.data), "--listen", "127.0.0.1:0",
                        *options]
        self.log = open(pathlib.Path(tmp) / "honed.log", "ab")
        self.process = None
        self.url = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, error, trace):
        status = self.stop()
        self.log.close()
        if kind is None and status != 0:
            raise AssertionError(f"honed ended with {status}:\n{self.said()[-4000:]}")
        if kind is not None:
            print(f"honed said:\n{self.said()[-4000:]}")

    def said(self):
        return pathlib.Path(self.log.name).read_text(errors="replace")

    def start(self):
        """Starts it, or starts it again on the same data."""
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.log)
        deadline = time.monotonic() + START_SECONDS
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], deadline - time.monotonic())
            byte = os.read(self.process.stdout.fileno(), 1) if ready else b""
            if not byte:
                self.process.kill()
                raise AssertionError(f"honed did not start: {line!r}\n{self.said()}")
            line += byte
        self.url = line.decode().strip().rpartition(" ")[2]
        assert line.startswith(b"honed: listening on http"), line

    def stop(self):
        """Asks it to leave; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "no answer to SIGTERM"
        finally:
            self.process.stdout.close()

    def token(self, name="admin"):
        return self.data / f"{name}.token"

    def environment(self, token="admin", **more):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HONE_")}
        return {**kept, "HONE_URL": self.url, "HONE_TOKEN_FILE": str(self.token(token)),
                "XDG_STATE_HOME": str(self.data.parent / "state"), **more}

    def call(self, method, path, body=None):
        headers = {"Content-Type": "application/json",
                   "Authorization": "Bearer " + self.token().read_text().strip()}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, method=method, data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:
                return answer.status, decoded(answer)
        except urllib.error.HTTPError as answer:
            return answer.code, decoded(answer)


def decoded(answer):
    text = answer.read()
    return json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text.decode()
