#!/usr/bin/env python3
"""Each call to the network fails once, in a worker and in the server.

The k-th call to a TCP socket fails, for every k until none is left, in each of the ways of
../support/preload_network.c. Whatever k is: the server holds in the end what it holds of an undisturbed run, a
job runs once, each request of a client that repeats it gets the answer that it gets undisturbed, and the
server serves on with no connection left open.
"""

import concurrent.futures
import hashlib
import http.client
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import hone  # noqa: E402
from cases import expect, main, wait_until  # noqa: E402
from one_trial import make, n_runs, outcome, undisturbed, work  # noqa: E402

MOST_CALLS = 400
AT_ONCE = 4
REPEATS = 5
CHECKPOINT = bytes(range(256)) * 400


class Order:
    """Has the k-th call of one program fail."""

    def __init__(self, path):
        self.path = path
        self.done = path.with_name(path.name + ".done")
        self.environment = hone.preload_env(HONE_TEST_NETWORK=path)

    def give(self, kind, k, how):
        self.done.unlink(missing_ok=True)
        new = self.path.with_name(self.path.name + ".new")
        new.write_text(f"{kind} {k} {how}")
        new.rename(self.path)

    def was_met(self):
        """Whether the call came; if it comes later, it does not fail any more."""
        self.path.unlink(missing_ok=True)
        return self.done.exists()


def each_call(run, how, *kinds):
    """Runs run(kind, k) for each k of each kind of calls, until some that follow each other met no failure."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for kind in kinds:
            n_met = 0
            for first in range(1, MOST_CALLS, AT_ONCE):
                met = list(pool.map(lambda k: run(kind, k), range(first, first + AT_ONCE)))
                n_met += met.count(True)
                if not any(met):
                    break
            print(f"{how}: each of {n_met} times {kind}", flush=True)
            expect(0 < n_met < MOST_CALLS - AT_ONCE, True, f"{n_met} times {kind} are all there are")


# ---- without an order ----

ACCEPTING = """
import ctypes, fcntl, os, socket
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
fd = ctypes.CDLL(None).accept4(listener.fileno(), None, None, socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
print(fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC != 0, fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK != 0)
"""


def test_a_connection_is_accepted_with_the_flags_that_the_program_asks_for(_):
    done = subprocess.run([sys.executable, "-c", ACCEPTING], env={**os.environ, **hone.preload_env()},
                          stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    expect(done.stdout, "True True\n")


# ---- a worker ----

def failing_worker(tmp, how):
    with hone.Server() as server:
        wanted = undisturbed(server, tmp)

        def run(kind, k):
            with server.client() as client:
                folder = make(client, tmp, f"{how}-{kind}-{k}")
                order = Order(folder / "order")
                order.give(kind, k, how)
                status, said = work(server, folder, **order.environment)
                expect(status, 0, f"{folder.name}: {said}")
                kept, curve, ends = outcome(client, folder.name)
                expect((kept, curve), wanted, f"{folder.name}: {said}")
                expect((ends, n_runs(folder)), (["completed"], 1), f"{folder.name}: attempts and runs: {said}")
                return order.was_met()

        each_call(run, how, "connect", "recv", "send")


def test_a_worker_whose_connection_is_reset_at_any_call_loses_nothing(tmp):
    failing_worker(tmp, "reset")


def test_a_worker_that_loses_what_it_moves_at_any_call_loses_nothing(tmp):
    failing_worker(tmp, "lost")


def test_a_worker_that_moves_one_byte_at_any_call_loses_nothing(tmp):
    failing_worker(tmp, "short")


# ---- the server ----

class Script:
    """One request of each kind to a study of its own, each repeated until it is answered, on connections
    that are kept or not."""

    def __init__(self, server, study, keeps):
        self.study, self.keeps = study, keeps
        self.clients = {"worker": server.client("worker"), "admin": server.client("admin")}
        self.answers = {}
        self.lease = ""

    def send(self, kind, method, path, body=None, raw=None, key=False):
        headers = {"Idempotency-Key": f"{self.study}-{kind}"} if key else {}
        if raw is not None:
            headers["Content-Type"] = "application/octet-stream"
        if not self.keeps:
            headers["Connection"] = "close"
        for _ in range(REPEATS):
            try:
                client = self.clients["worker" if "/leases" in path else "admin"]
                reply = client.request(method, path, body, headers=headers, raw=raw)
                break
            except (OSError, http.client.HTTPException):
                continue
        else:
            raise AssertionError(f"{method} {path}: no answer at {REPEATS} times")
        expect(reply.status < 300, True, f"{method} {path}: {reply}")
        self.answers[kind] = (reply.status, self.plain(reply.body.decode("latin-1")))
        return reply

    def plain(self, text):
        """Without what differs from run to run: names, ids, times, places in the history, repetitions."""
        text = text.replace(self.study, "STUDY")
        text = text.replace(self.lease, "LEASE") if self.lease else text
        text = text.replace('"duplicate":1', '"duplicate":0')
        text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
        return re.sub(r'"(seq|after|revision|id|digest|token|\w+_seconds)":("[^"]*"|[\d.]+)', r'"\1":0', text)

    def run(self):
        study = f"/v1/studies/{self.study}"
        self.send("study", "POST", "/v1/studies", hone.study(self.study, limits={"trials": 3}), key=True)
        grant = self.send("grant", "POST", f"{study}/leases", {"worker": "w", "request_id": self.study}).json
        self.lease = grant["lease"]["id"]
        self.answers["grant"] = (self.answers["grant"][0], self.plain(self.answers["grant"][1]))
        lease = f"/v1/leases/{self.lease}"
        for step in (1, 2):
            self.send(f"measure {step}", "POST", f"{lease}/measurements",
                      {"measurements": [{"step": step, "metrics": {"loss": 1 / step}}]})
        self.send("beat", "PUT", lease, {"progress": 0.5})
        self.send("log", "POST", f"{lease}/log?offset=0&end=true", raw=b"epoch 1\nepoch 2\n")
        name = self.send("checkpoint", "PUT", f"{lease}/checkpoint", raw=CHECKPOINT).json["uri"]
        expect(name, "sha256:" + hashlib.sha256(CHECKPOINT).hexdigest())
        self.send("result", "PUT", f"{lease}/result", {"outcome": "completed", "checkpoint": {"uri": name}})
        self.send("planned", "POST", f"{study}/trials", {"parameters": {"x": 0.25}}, key=True)
        self.send("change", "PATCH", study, {"description": "changed"})
        for kind, path in (("trials", "/trials"), ("curve", "/trials/1/measurements"), ("attempts", "/trials/1/attempts"),
                           ("printed", "/trials/1/log"), ("page", "/export?format=csv"), ("whole", ""),
                           ("events", "/events?after=0&follow=false")):
            self.send(kind, "GET", study + path)
        self.send("end", "DELETE", f"{study}?force=true", key=True)
        for client in self.clients.values():
            client.close()
        return self.answers


def connections(client):
    text = client.get("/metrics").body.decode()
    return float(re.search(r"^hone_http_connections (\S+)$", text, re.MULTILINE).group(1))


def failing_server(tmp, how, *kinds, options=(), keeps=False):
    """Each lane has a server of its own: a server counts the calls of all its clients."""
    orders = [Order(tmp / f"order-{lane}") for lane in range(AT_ONCE)]
    servers = [hone.Server(args=options, env=order.environment) for order in orders]
    try:
        for server in servers:
            server.start()
        wanted = Script(servers[0], "undisturbed", keeps).run()

        def run(kind, k):
            lane = k % AT_ONCE
            orders[lane].give(kind, k, how)
            place = f"{how}-{kind}-{k}"
            answers = Script(servers[lane], place, keeps).run()
            is_met = orders[lane].was_met()
            for name, answer in wanted.items():
                expect(answers[name], answer, f"{place}: {name}")
            with servers[lane].client() as client:
                wait_until(lambda: connections(client) <= 1, f"{place}: no connection is left but one")
            return is_met

        each_call(run, how, *kinds)
        for server in servers:
            expect(server.stop(), 0)
    finally:
        for server in servers:
            server.__exit__()


def test_a_server_whose_connections_are_reset_at_any_call_answers_as_ever(tmp):
    failing_server(tmp, "reset", "accept", "recv", "send")


def test_a_server_that_loses_what_it_moves_at_any_call_answers_as_ever(tmp):
    failing_server(tmp, "lost", "accept", "recv", "send")


def test_a_server_with_tls_on_kept_connections_answers_as_ever(tmp):
    cert, key = str(tmp / "cert.pem"), str(tmp / "key.pem")
    subprocess.run([hone.build_path("MAKE_CERTIFICATE"), cert, key, "1", "-86400", "86400"], check=True)
    failing_server(tmp, "lost", "recv", "send", options=["--tls-cert", cert, "--tls-key", key], keeps=True)


if __name__ == "__main__":
    main(globals())
