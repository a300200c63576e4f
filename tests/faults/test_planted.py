#!/usr/bin/env python3
"""The checker of histories is checked: servers with a bug on purpose, which it must all find.

usage: test_planted.py [--only N] [--seed N] [--jobs N]

honed_planted has the bugs of common/planted.h, one of which is chosen by its number. Each server is
worked by tests/support/crew.py on a slow disk and broken as kill_server.py does and in other ways:
killed, its disk full, its wall clock set forward, held still. Number 0 has no bug and must be found
without a violation. What happens when is not drawn, so a bug that does not show with one seed gets
two more.
"""

import argparse
import concurrent.futures
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import crew as workload  # noqa: E402
import hone  # noqa: E402

CLOCK_SCALE = 40
DRAIN_SECONDS = (workload.START_GRACE_SECONDS + workload.TTL_SECONDS) / CLOCK_SCALE + 10
END_SECONDS = 8  # how long a bug is waited for that keeps trials from ending
TAKEN_OVER_SECONDS = 6
TAKEN_OVER = 60  # leases of trials that were handed back or ran out
SET_FORWARD = 8
KILLS = 5
HABITS = {"release": 20, "silent": 15, "again": 20, "other": 15, "late": 30}
N_TRIES = 3

# The rules of tests/support/checker.h of which the bug breaks at least one. The numbers are those of
# common/planted.h.
BUGS = [
    ("none", ""),
    ("answers leave before the commit", "1"),
    ("a key is not kept with its effect", "25"),
    ("answers of a group that was undone stay", "1"),
    ("an overtaken lease counts as the newest", "34"),
    ("an overtaken lease may go on beating", "3"),
    ("leases run by the wall clock", "8"),
    ("a lease ends one heartbeat early", "8"),
    ("a lease that runs out takes its trial with it", "9"),
    ("after a start the grid begins anew", "6"),
    ("a promoted trial is sent to its rung again", "6"),
    ("a second, different result is accepted", "4"),
    ("the same result again gets another answer", "4"),
    ("handing back counts as losing", "2"),
    ("Server-Seq counts from the start of the process", "7"),
    ("the last configuration of a batch is lost", "1"),
    ("a reader keeps its first snapshot", "17"),
    ("measurements are stored under the first attempt", "1"),
    ("a result's metrics are not stored", "14"),
    ("an ask that is repeated is a new ask", "25"),
    ("a retry skips a number", "3"),
    ("a retry is handed out without its parameters", "6"),
]


class Breaker:
    """What is done to one server."""

    def __init__(self, crew, seed, folder):
        self.crew = crew
        self.rng = random.Random(seed)
        self.full = os.path.join(folder, "full")
        self.wall = os.path.join(folder, "wall")

    def settings(self):
        return {"HONE_TEST_FULL": self.full, "HONE_TEST_WALL_FILE": self.wall,
                "HONE_TEST_CLOCK_SCALE": CLOCK_SCALE}

    def wait_for(self, n):
        until = self.crew.history.n_acknowledged + n
        end = time.monotonic() + workload.GIVE_UP_SECONDS
        while self.crew.history.n_acknowledged < until and not self.crew.leaving.is_set():
            if time.monotonic() > end or self.crew.server.process.poll() is not None:
                return
            time.sleep(0.001)

    def kill(self):
        self.crew.server.kill()
        self.crew.history.fault("kill")
        self.crew.server.start()

    def fill_disk(self):
        """Until writes were answered; the server undoes them, and goes on when there is space again."""
        def answered():
            return self.crew.n_refused + self.crew.history.n_acknowledged
        before = answered()
        with open(self.full, "w", encoding="ascii"):
            pass
        self.crew.history.fault("full disk")
        hone.wait_until(lambda: answered() > before + 20 or self.crew.leaving.is_set(), 20,
                        "answers while the disk is full")
        os.unlink(self.full)

    def set_clock(self, hours):
        with open(self.wall + ".new", "w", encoding="ascii") as file:
            file.write(str(hours * 3600))
        os.rename(self.wall + ".new", self.wall)
        self.crew.history.fault("clock set forward")

    def hold_still(self):
        self.crew.server.process.send_signal(signal.SIGSTOP)
        time.sleep(0.1)  # the fault itself: shorter than a lease
        self.crew.server.process.send_signal(signal.SIGCONT)
        self.crew.history.fault("held still")

    def wait_for_takeovers(self):
        end = time.monotonic() + TAKEN_OVER_SECONDS
        while (self.crew.n_taken_over < TAKEN_OVER and time.monotonic() < end
               and not self.crew.leaving.is_set()):
            time.sleep(0.01)

    def run(self):
        """While the disk is quick and leases last as long as they are said to; then, on a slow disk,
        so that most kills fall into a commit."""
        self.wait_for_takeovers()
        for i in range(SET_FORWARD):
            self.wait_for(20)
            self.set_clock(i + 1)
        self.wait_for(20)
        self.hold_still()
        self.wait_for(20)
        self.crew.server.env.update(HONE_TEST_SYNC_DELAY_US="2000", HONE_TEST_WRITE_DELAY_US="100")
        for _ in range(KILLS):
            self.kill()
            self.wait_for(self.rng.randrange(20, 80))
        self.fill_disk()
        self.wait_for(20)


def run(bug, seed, folder):
    """One server: (exit status of the checker, what it said)."""
    history = hone.History(os.path.join(folder, "history"))
    server = hone.Server()
    crew = workload.Crew(server, history, seed, HABITS)
    breaker = Breaker(crew, seed, folder)
    server.program = hone.build_path("HONED_PLANTED")
    server.env.update(hone.preload_env(("HONE_PRELOAD", "HONE_WALL_CLOCK"), HONE_PLANTED=bug,
                                       **breaker.settings()))
    with server:
        crew.create_studies()
        crew.start(6)
        breaker.run()
        crew.stop()
        history.mark("calm")
        crew.bring_to_end(END_SECONDS)
        history.close()
        with server.client() as client:
            hone.write_dump(client, os.path.join(folder, "dump"))
    if bug == 0 and crew.odd:
        return 1, "\n".join(crew.odd[:5])
    return hone.check_history(os.path.join(folder, "history"), os.path.join(folder, "dump"),
                              "--drained", "--drained-within", str(DRAIN_SECONDS), "--min-faults",
                              str(KILLS + SET_FORWARD + 2), "--ttl-scale", str(CLOCK_SCALE))


def judge(bug, seed):
    """Was it found as it should be? The process's exit status is 0 then."""
    folder = tempfile.mkdtemp(prefix="hone-planted-")
    try:
        status, said = run(bug, seed, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rules = "".join(re.findall(r"^rule A(\d)", said, re.M))
    good = status == 0 if bug == 0 else status == 1 and bool(set(rules) & set(BUGS[bug][1]))
    print(said[-2000:] if not good else f"A{', A'.join(rules)}" if rules else "no violation")
    return good


def try_seeds(bug, first_seed):
    for seed in range(first_seed, first_seed + (N_TRIES if bug > 0 else 1)):
        began = time.monotonic()
        done = subprocess.run([sys.executable, __file__, "--only", str(bug), "--seed", str(seed)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        seconds = time.monotonic() - began
        if done.returncode == 0:
            return True, f"{bug:2} {BUGS[bug][0]}: seed {seed}: {done.stdout.strip()} ({seconds:.1f} s)"
    return False, f"{bug:2} {BUGS[bug][0]}: NOT as expected:\n{done.stdout}"


def has_no_bug(program):
    with open(hone.build_path(program), "rb") as file:
        return b"HONE_PLANTED" not in file.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", type=int)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("HONE_TEST_SEED") or 1))
    parser.add_argument("--jobs", type=int, default=6)
    options = parser.parse_args()
    if options.only is not None:
        return 0 if judge(options.only, options.seed) else 1
    done = [has_no_bug("HONED") and not has_no_bug("HONED_PLANTED")]
    print(f"only honed_planted has bugs on purpose: {done[0]}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for good, text in pool.map(lambda bug: try_seeds(bug, options.seed), range(len(BUGS))):
            print(text, flush=True)
            done.append(good)
    print(f"{sum(done)} passed, {len(done) - sum(done)} failed")
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
