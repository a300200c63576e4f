#!/usr/bin/env python3
"""Workers that vanish: their trials go to others, and what they still send counts only while no
other has the trial.

Leases last 15 seconds, the shortest there is, on a clock that runs CLOCK_SCALE times as fast, and
all cases wait for theirs at the same time.
"""

import os
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

CLOCK_SCALE = 2
TTL_SECONDS = 15
TTL = TTL_SECONDS / CLOCK_SCALE  # as it passes here
LATE = 5 / CLOCK_SCALE  # how long after the lease's end another worker must have the trial
GRID_POINTS = 13020
N_WORKERS = 64


def short_study(name, **more):
    return hone.study(name, lease={"ttl_seconds": TTL_SECONDS}, limits={"trials": 1}, **more)


class Takeover(unittest.TestCase):
    """The cases run at once, each in a study of its own, and are checked one by one."""

    @classmethod
    def setUpClass(cls):
        cls.server = hone.Server(env={"HONE_TEST_CLOCK_SCALE": str(CLOCK_SCALE)})
        cls.server.start()
        cls.admin = cls.server.client()
        cls.threads = {}
        cls.outcomes = {}
        for name in ("overtaken", "alone", "renewed", "killed"):
            assert cls.admin.post("/v1/studies", short_study(name)).status == 201
            thread = threading.Thread(target=cls.play, args=(name,), daemon=True)
            cls.threads[name] = thread
            thread.start()

    @classmethod
    def tearDownClass(cls):
        cls.admin.close()
        cls.server.__exit__()

    @classmethod
    def play(cls, name):
        try:
            cls.outcomes[name] = getattr(cls, "play_" + name)(name)
        except BaseException as error:  # handed to the test, which raises it
            cls.outcomes[name] = error

    @classmethod
    def ask(cls, client, study, worker, wait=0):
        reply = client.post(f"/v1/studies/{study}/leases",
                            {"worker": worker, "request_id": f"{study}-{worker}",
                             "wait_seconds": wait})
        assert reply.status in (200, 201), reply
        return reply.json

    @classmethod
    def play_overtaken(cls, study):
        """a vanishes, b gets the trial, a comes back."""
        with cls.server.client("worker") as client:
            began = time.monotonic()
            first = cls.ask(client, study, "a")
            second = cls.ask(client, study, "b", wait=60)
            waited = time.monotonic() - began
            lease = first["lease"]["id"]
            late = [
                client.put(f"/v1/leases/{lease}"),
                client.post(f"/v1/leases/{lease}/measurements",
                            {"measurements": [{"step": 1, "metrics": {"loss": 99}}]}),
                client.put(f"/v1/leases/{lease}/result",
                           {"outcome": "completed", "metrics": {"loss": 99}}),
            ]
            right = client.put(f"/v1/leases/{second['lease']['id']}/result",
                               {"outcome": "completed", "metrics": {"loss": 1}})
            after = client.put(f"/v1/leases/{lease}/result",
                               {"outcome": "completed", "metrics": {"loss": 99}})
        trial = cls.admin.get(f"/v1/studies/{study}/trials/1").json
        return first, second, waited, late, right, after, trial

    @classmethod
    def play_alone(cls, study):
        """a vanishes for longer than its lease; no other worker asks for the trial; a comes back."""
        with cls.server.client("worker") as client:
            lease = cls.ask(client, study, "a")["lease"]["id"]
            time.sleep(TTL + 0.5)
            beat = client.put(f"/v1/leases/{lease}")
            result = client.put(f"/v1/leases/{lease}/result",
                                {"outcome": "completed", "metrics": {"loss": 2}})
        return beat, result

    @classmethod
    def play_renewed(cls, study):
        """a beats half-way: b gets the trial a whole lease after that, not sooner."""
        with cls.server.client("worker") as client, cls.server.client("worker") as other:
            lease = cls.ask(client, study, "a")["lease"]["id"]
            time.sleep(TTL / 2)
            began = time.monotonic()  # the lease is renewed later than this, however late the answer comes
            beat = client.put(f"/v1/leases/{lease}")
            second = cls.ask(other, study, "b", wait=60)
            return beat, second, time.monotonic() - began

    @classmethod
    def play_killed(cls, study):
        """As overtaken, but a is a process that is killed while it waits for its next command."""
        program = ("import sys; sys.path.insert(0, sys.argv[1]); import hone, time\n"
                   "c = hone.Client(sys.argv[2], sys.argv[3])\n"
                   "r = c.post('/v1/studies/killed/leases', {'worker': 'victim'})\n"
                   "print(r.json['lease']['id'], flush=True)\n"
                   "while True: time.sleep(1); c.put('/v1/leases/' + r.json['lease']['id'])\n")
        victim = subprocess.Popen([sys.executable, "-c", program, os.path.dirname(hone.__file__),
                                   cls.server.url, cls.server.token("worker")],
                                  stdout=subprocess.PIPE, text=True)
        lease = victim.stdout.readline().strip()
        with cls.server.client("worker") as client:
            answers = []
            asking = threading.Thread(
                target=lambda: answers.append(cls.ask(client, study, "heir", wait=60)))
            asking.start()
            victim.kill()
            began = time.monotonic()
            victim.wait()
            victim.stdout.close()
            asking.join(60)
        return lease, answers[0], time.monotonic() - began

    def outcome(self, name):
        self.threads[name].join(90)
        outcome = self.outcomes[name]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def assert_taken_over(self, answer, waited):
        self.assertIsNotNone(answer["lease"], answer)
        self.assertEqual(answer["trial"]["number"], 1)
        self.assertEqual(answer["trial"]["attempt"], 2)
        self.assertLess(waited, TTL + LATE)

    def test_silent_worker_loses_its_trial_and_its_voice(self):
        first, second, waited, late, right, after, trial = self.outcome("overtaken")
        self.assert_taken_over(second, waited)
        self.assertGreaterEqual(waited, TTL - 0.2)
        self.assertEqual(first["trial"]["parameters"], second["trial"]["parameters"])
        for reply in late:
            self.assertEqual((reply.status, reply.type), (409, "lease-superseded"), reply)
        self.assertEqual(right.status, 200, right)
        self.assertIn(after.type, ("lease-superseded", "lease-ended"), after)
        self.assertEqual(trial["value"], 1)
        self.assertEqual(trial["attempt"], 2)

    def test_late_worker_counts_while_no_other_has_its_trial(self):
        beat, result = self.outcome("alone")
        self.assertEqual(beat.status, 200, beat)
        self.assertEqual(beat.json["action"], "continue")
        self.assertEqual(result.status, 200, result)
        self.assertEqual(result.json["trial"]["state"], "completed")
        self.assertEqual(result.json["trial"]["value"], 2)

    def test_heartbeat_keeps_the_trial(self):
        beat, second, waited = self.outcome("renewed")
        self.assertEqual(beat.status, 200, beat)
        self.assert_taken_over(second, waited)
        self.assertGreaterEqual(waited, TTL - 0.2)

    def test_killed_worker_is_replaced(self):
        _, heir, waited = self.outcome("killed")
        self.assert_taken_over(heir, waited)

    def test_grid_of_13020_points_gets_exactly_one_result_each(self):
        """64 clients, of which one in a thousand trials loses its client."""
        body = hone.study("grid", strategy="grid", lease={"ttl_seconds": TTL_SECONDS},
                          limits={"attempts": 10},
                          parameters=[{"name": "a", "type": "int", "low": 1, "high": 140},
                                      {"name": "b", "type": "int", "low": 1, "high": 93}])
        self.assertEqual(140 * 93, GRID_POINTS)
        self.assertEqual(self.admin.post("/v1/studies", body).status, 201)
        done = subprocess.run([hone.build_path("HONE_LOAD"), "--mode", "drain", "--study", "grid",
                               "--url", self.server.url, "--clients", str(N_WORKERS),
                               "--abandon", "1000", "--seconds", "90", "--token-file",
                               os.path.join(self.server.data, "worker.token")],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        study = self.admin.get("/v1/studies/grid").json
        self.assertEqual((study["state"], study["reason"]), ("finished", "exhausted"), study)
        seen = set()
        retried = 0
        for trial in self.admin.walk("/v1/studies/grid/trials"):
            self.assertEqual(trial["state"], "completed")
            seen.add((trial["parameters"]["a"], trial["parameters"]["b"]))
            retried += trial["attempt"] > 1
        self.assertEqual(len(seen), GRID_POINTS)
        self.assertEqual(study["counts"]["completed"], GRID_POINTS)
        self.assertGreater(retried, 0)


if __name__ == "__main__":
    hone.main()
