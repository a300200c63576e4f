"""Clients that work a server without a pause and record all that they ask and hear.

    crew = Crew(server, history, seed)
    crew.create_studies()
    crew.start(n_workers)
    …break the server as you like: each request is repeated, the same, until there is an answer…
    crew.stop()             # raises what a client has met that no client should
    crew.bring_to_end(seconds)

Some workers fall silent under a lease and speak up again much later. Everything that is drawn comes
from the seed; what happens when does not, as real programs run side by side. `crew.odd` is what
clients were answered that they should not have been; the checker judges the rest.
"""

import http.client
import random
import threading
import time

import hone

TTL_SECONDS = 15  # the shortest there is
START_GRACE_SECONDS = 120  # what every lease has after a start
RETRY_SECONDS = 0.02
GIVE_UP_SECONDS = 120
STUDIES = ("kill-random", "kill-grid", "kill-asha")
# What a worker does with a trial, in one of a hundred.
HABITS = {"release": 5, "silent": 3, "again": 10, "other": 5, "late": 30}


def study_bodies():
    parameters = [{"name": "x", "type": "float", "low": 0, "high": 1},
                  {"name": "k", "type": "int", "low": 0, "high": 999}]
    common = {"limits": {"attempts": 2, "retries": 0}, "lease": {"ttl_seconds": TTL_SECONDS}}
    yield hone.study(STUDIES[0], parameters=parameters, **common)
    yield hone.study(STUDIES[1], parameters=[{**parameters[0], "grid": 400}, parameters[1]],
                     strategy="grid", **common)
    yield hone.study(STUDIES[2], parameters=parameters, strategy={"name": "asha", "eta": 3},
                     resource={"name": "epochs", "min": 1, "max": 27}, **common)


class Crew:
    """What the threads of one run share."""

    def __init__(self, server, history, seed, habits=None):
        self.server = server
        self.history = history
        self.rng = random.Random(seed)
        self.habits = {**HABITS, **(habits or {})}
        self.leaving = threading.Event()
        self.failure = None
        self.odd = []
        self.n_refused = 0  # answered with 503
        self.n_taken_over = 0  # leases of trials that another worker had had
        self.known = []  # (study, trial): the newest that somebody heard of
        self.threads = []

    def hear(self, study, number):
        self.known = [*self.known[-19:], (study, number)]

    def create_studies(self):
        person = Submitter(self, "submitter", "admin")
        for body in study_bodies():
            person.send("create", {"study": body["name"]}, "POST", "/v1/studies", body)

    def start(self, n_workers):
        people = [Submitter(self, "submitter", "admin"),
                  *(Worker(self, f"worker-{i}", "worker") for i in range(n_workers))]
        self.threads = [threading.Thread(target=person.run, daemon=True) for person in people]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.leaving.set()
        for thread in self.threads:
            thread.join(GIVE_UP_SECONDS)
        if self.failure is not None:
            print(self.server.log())
            raise self.failure

    def bring_to_end(self, seconds):
        """What is queued is cancelled with its study; what was left alone, when its lease has run out.

        False: not within so many seconds.
        """
        with self.server.client() as client:
            for name in STUDIES:
                client.patch(f"/v1/studies/{name}", {"state": "stopped"})
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                counts = [client.get(f"/v1/studies/{name}").json.get("counts") for name in STUDIES]
                if all(counts) and not any(count[state] for count in counts for state in ("running", "queued", "paused")):
                    self.history.mark("drained")
                    return True
                time.sleep(RETRY_SECONDS)
        return False


class Person:
    """One client: sends, records, and repeats until it knows."""

    def __init__(self, crew, name, kind):
        self.crew = crew
        self.name = name
        self.rng = random.Random(crew.rng.random())
        self.client = hone.Client(crew.server.url, crew.server.token(kind), timeout=20)
        self.n_keys = 0

    def key(self):
        self.n_keys += 1
        return f"{self.name}-{self.n_keys}"

    def chance(self, habit):
        return self.rng.randrange(100) < self.crew.habits[habit]

    def expect(self, good, reply):
        if not good:
            self.crew.odd.append(f"{self.name}: {reply}")

    def once(self, kind, given, method, path, body, headers):
        op = self.crew.history.invoke(self.name, kind, given)
        reply = None
        try:
            reply = self.client.request(method, path, body, headers=headers)
        except (OSError, http.client.HTTPException):
            pass
        self.crew.history.answer(op, reply)
        self.crew.n_refused += reply is not None and reply.status == 503
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

    def run(self):
        try:
            while not self.crew.leaving.is_set():
                self.work()
        except BaseException as error:  # whatever it is, the run has failed and must end
            self.crew.failure = self.crew.failure or error
            self.crew.leaving.set()
        finally:
            self.client.close()


class Submitter(Person):
    def enqueue(self):
        key = self.key()
        items = [{"x": self.rng.random(), "k": self.rng.randrange(1000)}
                 for _ in range(self.rng.randrange(1, 4))]
        body = [{"parameters": item} for item in items]
        for _ in range(1 + self.chance("again")):
            reply = self.send("enqueue", {"study": STUDIES[0], "key": key, "items": items}, "POST",
                              f"/v1/studies/{STUDIES[0]}/trials", body, {"Idempotency-Key": key})
            self.expect(reply.status == 201, reply)
        for item in reply.json.get("items", ()):
            self.crew.hear(STUDIES[0], item["number"])

    def read(self):
        study, number = (self.rng.choice(self.crew.known) if self.crew.known
                         else (self.rng.choice(STUDIES), 1))
        self.send("read", {"study": study, "trial": number}, "GET",
                  f"/v1/studies/{study}/trials/{number}")

    def work(self):
        if self.rng.random() < 0.5:
            self.enqueue()
        else:
            self.read()


class Worker(Person):
    def __init__(self, *args):
        super().__init__(*args)
        self.left = []  # leases under which it fell silent

    def lease(self):
        """The answer, or None when there is no work."""
        study = self.rng.choice(STUDIES)
        request_id = self.key()
        for _ in range(1 + self.chance("again")):
            reply = self.send("lease", {"study": study, "worker": self.name, "request_id": request_id},
                              "POST", f"/v1/studies/{study}/leases",
                              {"worker": self.name, "request_id": request_id})
        if reply.status == 410:
            return None  # it had been granted and given back: ask anew
        self.expect(reply.status in (200, 201), reply)
        return reply.json if reply.json.get("lease") else None

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
        self.expect(self.is_gone(reply) or reply.json.get("conflict") == 0, reply)
        return not self.is_gone(reply)

    def heartbeat(self, lease):
        reply = self.send("heartbeat", {"lease": lease}, "PUT", f"/v1/leases/{lease}")
        self.expect(reply.status == 200 or self.is_gone(reply), reply)

    def put(self, lease, body):
        return self.send("result", {"lease": lease, "body": body}, "PUT",
                         f"/v1/leases/{lease}/result", body)

    def result(self, lease, step):
        outcome = self.rng.choices(["completed", "failed", "infeasible", "preempted"],
                                   [85, 5, 5, 5])[0]
        body = {"outcome": outcome, "step": step, "metrics": {"loss": self.rng.random()}}
        if outcome == "failed":
            body["reason"] = "exit_code"
        reply = self.put(lease, body)
        self.expect(reply.status == 200 or self.is_gone(reply), reply)
        if reply.status == 200 and self.chance("again"):
            again = self.put(lease, body)
            self.expect(again.status == 200 or self.is_gone(again), again)
        if reply.status == 200 and self.chance("other"):
            other = self.put(lease, {**body, "metrics": {"loss": self.rng.random()}})
            self.expect(other.status in (409, 410), other)

    def release(self, lease):
        reply = self.send("release", {"lease": lease}, "DELETE", f"/v1/leases/{lease}")
        self.expect(reply.status == 204 or self.is_gone(reply), reply)

    def speak_up(self):
        """Under a lease that it left alone: it counts only while no other has the trial."""
        lease, step = self.left.pop(self.rng.randrange(len(self.left)))
        self.heartbeat(lease)
        if self.measure(lease, step + 1):
            self.result(lease, step + 1)

    def train(self, answer):
        """The step reached; None: the trial is somebody else's."""
        resource = answer["trial"].get("resource")
        steps = range(1, self.rng.randrange(1, 5))
        if resource:
            steps = sorted({self.rng.randrange(resource["from"] + 1, resource["to"] + 1),
                            resource["to"]})
        lease = answer["lease"]["id"]
        for step in steps:
            if not self.measure(lease, step):
                return None
            if self.rng.random() < 0.2:
                self.heartbeat(lease)
        return steps[-1] if steps else 0

    def work(self):
        if self.left and self.chance("late"):
            self.speak_up()
        answer = self.lease()
        if answer is None:
            time.sleep(RETRY_SECONDS)
            return
        lease = answer["lease"]["id"]
        self.crew.hear(answer["study"], answer["trial"]["number"])
        self.crew.n_taken_over += answer["trial"]["attempt"] > 1
        if self.chance("release"):
            self.release(lease)
            return
        if self.chance("silent"):
            self.left.append((lease, 0))
            return
        step = self.train(answer)
        if step is None:
            return
        if self.chance("silent"):
            self.left.append((lease, step))
        else:
            self.result(lease, step)
