#!/usr/bin/env python3
"""kill -9 of honed under load, again and again, checked by the history checker.

usage: kill_server.py [--kills N] [--clients N] [--seed N] [--keep DIR]

Clients create, enqueue, lease, measure, report and hand back without a pause; some fall silent under
a lease, which runs CLOCK_SCALE times as fast here. Each request that got no answer is sent again,
the same, with the same key, until there is one. The killer waits until
a number of requests, drawn from the seed, has been acknowledged, kills the server, and starts it on
the same data and port. In the end every trial is brought to its end, the database is checked, and
the checker compares what was acknowledged with what is there. CI runs 50 kills, a campaign
thousands: --kills 5000.
"""

import argparse
import http.client
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

CLOCK_SCALE = 60
TTL_SECONDS = 15  # a quarter of a second here; two seconds after a restart
RETRY_SECONDS = 0.01
GIVE_UP_SECONDS = 120
DRAIN_SECONDS = (120 + TTL_SECONDS) / CLOCK_SCALE + 10
STUDIES = ("kill-random", "kill-grid")


class Crew:
    """What the threads of one run share."""

    def __init__(self, server, history):
        self.server = server
        self.history = history
        self.leaving = threading.Event()
        self.failure = None


class Person:
    """One client: sends, records, and repeats until it knows."""

    def __init__(self, crew, name, seed, kind):
        self.crew = crew
        self.name = name
        self.rng = random.Random(seed)
        self.client = hone.Client(crew.server.url, crew.server.token(kind), timeout=20)
        self.n_keys = 0

    def key(self):
        self.n_keys += 1
        return f"{self.name}-{self.n_keys}"

    def once(self, kind, given, method, path, body, headers):
        op = self.crew.history.invoke(self.name, kind, given)
        reply = None
        try:
            reply = self.client.request(method, path, body, headers=headers)
        except (OSError, http.client.HTTPException):
            pass
        self.crew.history.answer(op, reply)
        return reply

    def send(self, kind, given, method, path, body=None, headers=None):
        """Until a 2xx or a 4xx."""
        end = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < end:
            reply = self.once(kind, given, method, path, body, headers)
            if reply is not None and reply.status < 500:
                return reply
            time.sleep(RETRY_SECONDS)
        raise AssertionError(f"{self.name}: no answer to {method} {path} in {GIVE_UP_SECONDS} s")


class Submitter(Person):
    def create(self, name, body):
        reply = self.send("create", {"study": name}, "POST", "/v1/studies", body)
        assert reply.status in (200, 201), reply

    def enqueue(self):
        key = self.key()
        items = [{"x": self.rng.random(), "k": self.rng.randrange(1000)}
                 for _ in range(self.rng.randrange(1, 4))]
        body = [{"parameters": item} for item in items]
        reply = self.send("enqueue", {"study": STUDIES[0], "key": key, "items": items}, "POST",
                          f"/v1/studies/{STUDIES[0]}/trials", body, {"Idempotency-Key": key})
        assert reply.status == 201, reply

    def read(self):
        study = self.rng.choice(STUDIES)
        number = self.rng.randrange(1, 20)
        self.send("read", {"study": study, "trial": number}, "GET",
                  f"/v1/studies/{study}/trials/{number}")

    def work(self):
        while not self.crew.leaving.is_set():
            if self.rng.random() < 0.5:
                self.enqueue()
            else:
                self.read()


class Worker(Person):
    def lease(self):
        """The answer, or None when there is no work."""
        study = self.rng.choice(STUDIES)
        request_id = self.key()
        reply = self.send("lease", {"study": study, "worker": self.name, "request_id": request_id},
                          "POST", f"/v1/studies/{study}/leases",
                          {"worker": self.name, "request_id": request_id})
        if reply.status == 410:
            return None  # it had been granted and given back: ask anew
        assert reply.status in (200, 201), reply
        answer = reply.json
        return answer if answer["lease"] else None

    def is_gone(self, reply):
        """Somebody else has the trial: the worker was too slow, and must let it go."""
        return reply.type in ("lease-superseded", "lease-ended")

    def measure(self, lease, step):
        metrics = {"loss": self.rng.random()}
        if self.rng.random() < 0.2:
            metrics["extra"] = self.rng.choice(["NaN", "Infinity", "-Infinity", 1e300, -3])
        body = {"measurements": [{"step": step, "metrics": metrics}]}
        reply = self.send("measure", {"lease": lease, "body": body}, "POST",
                          f"/v1/leases/{lease}/measurements", body)
        assert self.is_gone(reply) or reply.json["conflict"] == 0, reply
        return not self.is_gone(reply)

    def heartbeat(self, lease):
        reply = self.send("heartbeat", {"lease": lease}, "PUT", f"/v1/leases/{lease}")
        assert reply.status == 200 or self.is_gone(reply), reply

    def result(self, lease, step):
        outcome = self.rng.choices(["completed", "failed", "infeasible", "preempted"],
                                   [85, 5, 5, 5])[0]
        body = {"outcome": outcome, "step": step, "metrics": {"loss": self.rng.random()}}
        if outcome == "failed":
            body["reason"] = "exit_code"
        reply = self.send("result", {"lease": lease, "body": body}, "PUT",
                          f"/v1/leases/{lease}/result", body)
        assert reply.status == 200 or self.is_gone(reply), reply
        if reply.status == 200 and self.rng.random() < 0.1:
            again = self.send("result", {"lease": lease, "body": body}, "PUT",
                              f"/v1/leases/{lease}/result", body)
            assert again.status == 200 or self.is_gone(again), again

    def release(self, lease):
        reply = self.send("release", {"lease": lease}, "DELETE", f"/v1/leases/{lease}")
        assert reply.status == 204 or self.is_gone(reply), reply

    def trial(self):
        answer = self.lease()
        if answer is None:
            time.sleep(RETRY_SECONDS)
            return
        lease = answer["lease"]["id"]
        steps = self.rng.randrange(0, 4)
        for step in range(1, steps + 1):
            if not self.measure(lease, step):
                return
            if self.rng.random() < 0.2:
                self.heartbeat(lease)
        end = self.rng.random()
        if end < 0.05:
            self.release(lease)
        elif end > 0.03 + 0.05:
            self.result(lease, steps)  # else it falls silent

    def work(self):
        while not self.crew.leaving.is_set():
            self.trial()


def run_person(person):
    try:
        person.work()
    except BaseException as error:  # whatever it is, the run has failed and must end
        person.crew.failure = person.crew.failure or error
        person.crew.leaving.set()


def study_bodies():
    parameters = [{"name": "x", "type": "float", "low": 0, "high": 1},
                  {"name": "k", "type": "int", "low": 0, "high": 999}]
    common = {"limits": {"attempts": 1000, "retries": 0}, "lease": {"ttl_seconds": TTL_SECONDS}}
    yield hone.study(STUDIES[0], parameters=parameters, **common)
    yield hone.study(STUDIES[1], parameters=[{**parameters[0], "grid": 400}, parameters[1]],
                     strategy="grid", **common)


def kill_and_restart(crew, threshold):
    """False: the clients gave up."""
    while crew.history.n_acknowledged < threshold:
        if crew.leaving.is_set():
            return False
        time.sleep(0.0005)
    crew.server.kill()
    crew.history.fault("kill")
    crew.server.start()
    return True


def bring_to_end(client):
    """What is queued is cancelled with its study; what was left alone, when its lease has run out."""
    for name in STUDIES:
        reply = client.patch(f"/v1/studies/{name}", {"state": "stopped"})
        assert reply.status == 200, reply
        hone.wait_until(lambda name=name: not any(
            client.get(f"/v1/studies/{name}").json["counts"][state]
            for state in ("running", "queued", "paused")), 30, f"the end of {name}")


def check_database(data):
    path = next(os.path.join(data, name) for name in sorted(os.listdir(data))
                if name.endswith((".db", ".sqlite", ".sqlite3")))
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    finally:
        connection.close()


def run(options, folder):
    rng = random.Random(options.seed)
    history = hone.History(os.path.join(folder, "history"))
    with hone.Server(env={"HONE_TEST_CLOCK_SCALE": str(CLOCK_SCALE)}) as server:
        crew = Crew(server, history)
        submitter = Submitter(crew, "submitter", rng.random(), "admin")
        for body in study_bodies():
            submitter.create(body["name"], body)
        people = [Worker(crew, f"worker-{i}", rng.random(), "worker")
                  for i in range(options.clients)]
        threads = [threading.Thread(target=run_person, args=(person,), daemon=True)
                   for person in [submitter, *people]]
        for thread in threads:
            thread.start()
        for _ in range(options.kills):
            if not kill_and_restart(crew, history.n_acknowledged + rng.randrange(1, 120)):
                break
        crew.leaving.set()
        for thread in threads:
            thread.join(GIVE_UP_SECONDS)
        if crew.failure is not None:
            print(server.log())
            raise crew.failure
        history.mark("calm")
        with server.client() as client:
            bring_to_end(client)
            history.mark("drained")
            history.close()
            hone.write_dump(client, os.path.join(folder, "dump"))
        assert server.stop() == 0, server.log()
        check_database(server.data)
    return hone.check_history(os.path.join(folder, "history"), os.path.join(folder, "dump"),
                              "--drained", "--drained-within", str(DRAIN_SECONDS),
                              "--min-faults", str(options.kills),
                              "--ttl-scale", str(CLOCK_SCALE))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("HONE_TEST_SEED") or 1))
    parser.add_argument("--keep", metavar="DIR", help="leave history and dump there")
    options = parser.parse_args()
    folder = options.keep or tempfile.mkdtemp(prefix="hone-kill-")
    os.makedirs(folder, exist_ok=True)
    try:
        status, said = run(options, folder)
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"seed {options.seed}: {options.kills} kills")
    print(said, end="")
    print(f"{int(status == 0)} passed, {int(status != 0)} failed")
    return 0 if status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
