#!/usr/bin/env python3
"""Workers and a real server: what happens to trials when either is killed, stopped or cut off."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main  # noqa: E402
from hone import Server  # noqa: E402

HONE = os.environ["HONE"]
SECONDS = 100
TTL = 15  # the shortest a study may ask for


def call(server, method, path, body=None):
    """One call with the admin's token: status and body."""
    with server.client() as client:
        reply = client.request(method, path, body)
        return reply.status, reply.json if reply.body else None


def environment(server):
    """Of a worker: where the server is, and the worker's token."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HONE_") or k == "HONE_ALLOW_ROOT"}
    return {**kept, "HONE_URL": server.url,
            "HONE_TOKEN_FILE": str(pathlib.Path(server.data) / "worker.token")}


def study(server, name, **more):
    body = {"name": name, "metric": "accuracy", "direction": "maximize",
            "parameters": [{"name": "x", "type": "float", "low": 0, "high": 1, "grid": 30}],
            "strategy": "grid", "seed": 7, "lease": {"ttl_seconds": TTL}, **more}
    status, answer = call(server, "POST", "/v1/studies", body)
    expect(status, 201, answer)


def state(server, name):
    return call(server, "GET", f"/v1/studies/{name}")[1]


def trial(server, name, number):
    return call(server, "GET", f"/v1/studies/{name}/trials/{number}")[1]


def until(fact, what):
    deadline = time.monotonic() + SECONDS
    while True:
        found = fact()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"never happened: {what}")
        time.sleep(0.02)


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Worker:
    """One that serves a study until it is finished; killed at the end, whatever happened."""

    def __init__(self, server, tmp, name, text, *options):
        job = pathlib.Path(tmp) / f"job-{name}.sh"
        job.write_text("#!/bin/sh\nset -e\n" + text)
        job.chmod(0o755)
        self.log = pathlib.Path(tmp) / f"worker-{name}.log"
        self.process = subprocess.Popen(
            [HONE, "worker", "--study", "s", "--name", name, "--exit-when-finished",
             "--workdir", str(pathlib.Path(tmp) / "work"), *options, "--", str(job), "{x}"],
            env=environment(server), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(self.log, "ab"))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if kind is not None:
            print(f"worker said:\n{self.log.read_text(errors='replace')[-3000:]}")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, status=0):
        expect(self.process.wait(SECONDS), status, "exit status of the worker")


# Once its pid is there, the server has its measurement.
ENDLESS = "$HONE report accuracy=$1\necho $$ >>{tmp}/pids\nwhile :; do sleep 0.05; done\n"


def endless(tmp):
    return ENDLESS.replace("{tmp}", str(tmp)).replace("$HONE ", f"'{HONE}' ")


def one_pid(tmp, n=1):
    path = pathlib.Path(tmp) / "pids"
    until(lambda: path.exists() and len(path.read_text().split()) >= n, f"{n} jobs")
    return int(path.read_text().split()[n - 1])


def test_grid_is_served_once_each_while_workers_die(tmp):
    quick = "echo hone: accuracy=$1\n"
    with Server() as server:
        study(server, "s")
        with Worker(server, tmp, "a", "sleep 0.2\n" + quick, "--slots", "2") as a, \
                Worker(server, tmp, "b", quick, "--slots", "2") as b:
            until(lambda: state(server, "s")["counts"]["completed"] >= 4, "the first trials")
            a.signal(signal.SIGKILL)
            b.wait()
        found = state(server, "s")
        expect((found["state"], found["reason"]), ("finished", "exhausted"))
        expect(found["counts"]["completed"], 30)
        trials = [trial(server, "s", number) for number in range(1, 31)]
        expect(len({t["parameters"]["x"] for t in trials}), 30, "points of the grid")
        for t in trials:
            expect(abs(t["value"] - t["parameters"]["x"]) < 1e-12, True, t)


# What a job prints, and the value that its trial must have.
CLASHES = {
    "a line twice": (r"printf 'hone: step=%d accuracy=0.%d\n' 1 5 2 4 3 3 3 3 4 2", 0.2),
    "two metrics, one again": (r"printf 'hone: step=3 accuracy=0.3\n"
                               r"hone: step=3 loss=1\nhone: step=3 accuracy=0.3\n'", 0.3),
    "four ranks": ("""for step in $(seq 10 60); do
    for rank in 1 2 3 4; do echo hone: step=$step accuracy=0.$step; done
done""", 0.6),
    "the first line lacks it": (r"printf 'hone: step=1 loss=1\n"
                                r"hone: step=1 loss=1 accuracy=0.7\n'", 0.7),
    "a check before step 1": (r"printf 'hone: step=%d accuracy=0.%d\n' 1 1 2 2 3 3; "
                              "echo hone: step=0 loss=9", 0.3),
    "steps that begin again": (r"printf 'hone: step=%d accuracy=0.%d\n' 1 1 2 2 3 3 1 5 2 6", 0.3),
    "65 metrics": ("""line='hone: step=1'
for i in $(seq 64); do line="$line m$i=$i"; done
echo $line
echo hone: accuracy=0.5""", 0.5),
    "a bar on the line": (r"printf '\r 50%%|## | 1/2hone: step=1 accuracy=0.5\n'", 0.5),
    "folds printed at once": (r"printf 'hone: step=%d accuracy=0.%d\n' 1 1 2 2 3 3 1 4 2 5 3 6", 0.6),
    "a check printed at once": (r"printf 'hone: step=0 accuracy=%s\n' 99 0.5", 0.5),
    "200 metrics": ("""line='hone: step=1'
for i in $(seq 200); do line="$line m$i=$i"; done
echo $line accuracy=0.5""", 0.5),
    "metrics renamed each epoch": ("""for epoch in 1 2 3; do
    line="hone: step=$epoch"
    for i in $(seq 40); do line="$line e$epoch/c$i=$i"; done
    echo $line accuracy=0.$epoch
done""", 0.3),
}


def test_no_report_costs_the_trial_its_value(tmp):
    for name, (job, value) in CLASHES.items():
        with Server() as server:
            study(server, "s", limits={"trials": 1})
            with Worker(server, tmp, "a", job + "\n") as a:
                a.wait()
            found = trial(server, "s", 1)
            expect((found["state"], found["value"]), ("completed", value), name)


def attempt_ends(server, name):
    """How the attempts of all trials ended."""
    found = []
    for item in call(server, "GET", f"/v1/studies/{name}/trials?limit=1000")[1]["items"]:
        path = f"/v1/studies/{name}/trials/{item['number']}/attempts"
        found += [attempt["state"] for attempt in call(server, "GET", path)[1]["items"]]
    return found


def test_a_command_that_does_not_fit_harms_no_trial(tmp):
    with Server() as server:
        study(server, "s")
        done = subprocess.run(
            [HONE, "worker", "--study", "s", "--slots", "8", "--workdir", str(tmp / "work"),
             "--", "touch", str(tmp / "ran"), "{learning_rate}"],
            env=environment(server), capture_output=True, text=True, timeout=SECONDS, check=False)
        expect(done.returncode, 2, done.stderr)
        assert "names {learning_rate}, which is no parameter; the study has x;" in done.stderr, done
        counts = state(server, "s")["counts"]
        expect((counts["failed"], counts["running"], counts["completed"]), (0, 0, 0))
        expect(set(attempt_ends(server, "s")), {"released"})
        assert not (tmp / "ran").exists()


def test_workers_carry_on_when_the_server_is_killed(tmp):
    with Server() as server:  # which starts again on the port it had
        study(server, "s")
        with Worker(server, tmp, "a", "sleep 0.05\necho hone: accuracy=$1\n", "--slots", "2") as a:
            for done in (3, 10):
                until(lambda: state(server, "s")["counts"]["completed"] >= done, "some trials")
                server.kill()
                server.start()
            a.wait()
        found = state(server, "s")
        expect((found["state"], found["counts"]["completed"]), ("finished", 30))
        expect({trial(server, "s", n)["attempt"] for n in range(1, 31)}, {1}, "attempts")


def test_stopped_worker_gives_its_trial_to_the_next(tmp):
    with Server() as server:
        study(server, "s", limits={"trials": 1})
        with Worker(server, tmp, "a", endless(tmp)) as a:
            pid = one_pid(tmp)
            a.signal(signal.SIGTERM)
            a.wait()
        expect(is_alive(pid), False)
        expect(trial(server, "s", 1)["state"], "queued")
        with Worker(server, tmp, "b", "echo hone: accuracy=$1\n") as b:
            b.wait()
        expect((trial(server, "s", 1)["state"], trial(server, "s", 1)["attempt"]),
               ("completed", 2))


def test_stopped_study_stops_its_jobs(tmp):
    with Server() as server:
        study(server, "s", limits={"trials": 1}, resource={"name": "epochs", "min": 1, "max": 9})
        with Worker(server, tmp, "a", endless(tmp)) as a:
            pid = one_pid(tmp)
            expect(call(server, "PATCH", "/v1/studies/s", {"state": "stopped"})[0], 200)
            a.wait()
        expect(is_alive(pid), False)
        expect(trial(server, "s", 1)["state"], "cancelled")


def test_cancelled_trial_is_aborted_and_the_slot_goes_on(tmp):
    text = f'[ "$HONE_TRIAL" = 1 ] || {{ echo hone: accuracy=$1; exit; }}\n' + endless(tmp)
    with Server() as server:
        study(server, "s", limits={"trials": 2})
        with Worker(server, tmp, "a", text) as a:
            pid = one_pid(tmp)
            expect(call(server, "PATCH", "/v1/studies/s/trials/1", {"state": "cancelled"})[0], 200)
            a.wait()
        expect(is_alive(pid), False)
        expect([trial(server, "s", n)["state"] for n in (1, 2)], ["cancelled", "completed"])


def checkpoints(tmp):
    """What is kept, published or not: {folder: text of its one file}."""
    return {str(path.parent.relative_to(tmp / "work")).partition("/s/")[2]: path.read_text()
            for path in (tmp / "work").glob("*/s/*/*/checkpoint*/who") if
            not path.parent.is_symlink()}


def test_zombie_finds_its_trial_taken_and_leaves_it(tmp):
    """Its job trains on meanwhile, and shares the work directory with the one that took over."""
    trains_on = endless(tmp).replace("do sleep", "do echo zombie 1<>$HONE_CHECKPOINT_DIR/who; sleep")
    saves = "echo heir >$HONE_CHECKPOINT_DIR/who\necho hone: accuracy=$1\n"
    kept = {"1/attempt-2/checkpoint": "heir\n"}
    with Server() as server:
        study(server, "s", limits={"trials": 1})
        with Worker(server, tmp, "zombie", trains_on) as zombie:
            pid = one_pid(tmp)
            zombie.signal(signal.SIGSTOP)
            with Worker(server, tmp, "heir", saves) as heir:
                heir.wait()
            expect(checkpoints(tmp), {"1/attempt-1/checkpoint.new": "zombie\n", **kept})
            zombie.signal(signal.SIGCONT)
            until(lambda: not is_alive(pid), "the end of the zombie's job")
            zombie.wait()
        found = trial(server, "s", 1)
        expect((found["state"], found["attempt"]), ("completed", 2))
        expect(checkpoints(tmp), kept)


def test_preempted_trial_goes_on_from_its_checkpoint(tmp):
    text = f"""
echo "$HONE_RESOURCE_FROM-$HONE_RESOURCE_TO" >>{tmp}/runs
if [ "$HONE_ATTEMPT" = 1 ]; then
    echo hone: step=1 accuracy=0.1
    echo hone: step=2 accuracy=0.2
    echo here >$HONE_CHECKPOINT_DIR/weights
    exit 75
fi
grep -q here $HONE_CHECKPOINT_DIR/weights
for i in 3 4; do echo hone: accuracy=0.$i; done
"""
    with Server() as server:
        study(server, "s", limits={"trials": 1}, resource={"name": "epochs", "min": 1, "max": 4})
        with Worker(server, tmp, "a", text) as a:
            a.wait()
        found = trial(server, "s", 1)
        expect((found["state"], found["attempt"], found["step"], found["value"]),
               ("completed", 2, 4, 0.4))
    expect((tmp / "runs").read_text(), "0-4\n2-4\n")


def test_failures_say_why(tmp):
    text = """
case "$HONE_TRIAL" in
    1) echo hone: accuracy=1; exit 3 ;;
    2) echo hone: loss=1 ;;
    3) echo hone: accuracy=nan ;;
    4) exit 78 ;;
    *) echo hone: accuracy=1 ;;
esac
"""
    with Server() as server:
        study(server, "s", limits={"trials": 5})
        with Worker(server, tmp, "a", text) as a:
            a.wait()
        expect([(t["state"], t["reason"]) for t in
                (trial(server, "s", n) for n in range(1, 6))],
               [("failed", "exit_code"), ("failed", "no_metric"), ("failed", "diverged"),
                ("infeasible", None), ("completed", None)])


def workers(server, *words):
    said = subprocess.run([HONE, "workers", *words, "-o", "json"], capture_output=True, text=True,
                          env={**environment(server), "HONE_TOKEN_FILE":
                               str(pathlib.Path(server.data) / "admin.token")})
    expect(said.returncode, 0, said.stderr)
    return json.loads(said.stdout)


def test_a_broken_node_costs_no_trial(tmp):
    with Server() as server:
        study(server, "s", limits={"trials": 8, "failures": 12})
        with Worker(server, tmp, "broken", "echo no GPU here >&2\nexit 1\n"):
            # the good one begins when the other has failed as often as makes it suspicious
            until(lambda: state(server, "s")["counts"]["failed"] >= 3, "three failures")
            with Worker(server, tmp, "good", "echo hone: accuracy=$1\n") as good:
                good.wait()
        ended = state(server, "s")
        expect((ended["state"], ended["reason"]), ("finished", "trials"))
        expect({n: c for n, c in ended["counts"].items() if c}, {"completed": 8})
        expect({trial(server, "s", n)["worker"] for n in range(1, 9)}, {"good:0"})
        broken = until(lambda: [w for w in workers(server) if w["name"] == "broken:0"
                                and w["state"] == "quarantined"], "its quarantine")[0]
        assert "failed at once here" in broken["reason"], broken
        expect(workers(server, "resume", "broken"), {"worker": "broken", "state": "active"})
        expect(workers(server, "drain", "good:0"), {"worker": "good", "state": "draining"})


def test_killed_worker_is_replaced_within_the_lease(tmp):
    with Server() as server:
        study(server, "s", limits={"trials": 1})
        with Worker(server, tmp, "a", endless(tmp)) as a:
            pid = one_pid(tmp)
            a.signal(signal.SIGKILL)
            killed = time.monotonic()
            until(lambda: not is_alive(pid), "the end of its job")
        with Worker(server, tmp, "b", "echo hone: accuracy=$1\n") as b:
            b.wait()
        expect(time.monotonic() - killed < TTL + 5 + 5, True, "re-leased in time")
        expect(trial(server, "s", 1)["attempt"], 2)


HALVING = {"strategy": {"name": "hyperband", "eta": 3, "rounds": 1},
           "resource": {"name": "epochs", "min": 1, "max": 9}}


def rungs(tmp, text):
    """A bracket run to its end by two workers; trials by number."""
    with Server() as server:
        body = {**HALVING, "parameters": [{"name": "x", "type": "float", "low": 0, "high": 1}]}
        study(server, "s", **body)
        with Worker(server, tmp, "a", text, "--slots", "2") as a, \
                Worker(server, tmp, "b", text) as b:
            a.wait()
            b.wait()
        found = state(server, "s")
        expect((found["state"], found["reason"]), ("finished", "rounds"))
        n = sum(found["counts"].values())
        return [trial(server, "s", number) for number in range(1, n + 1)]


def test_job_that_cannot_listen_climbs_the_rungs(tmp):
    text = f"""
echo "$HONE_TRIAL $HONE_RESOURCE_FROM $HONE_RESOURCE_TO" >>{tmp}/runs
from=$HONE_RESOURCE_FROM
[ $from = 0 ] || [ "$(cat $HONE_CHECKPOINT_DIR/step)" = $from ]
while [ $from -lt $HONE_RESOURCE_TO ]; do
    from=$((from + 1))
    echo "hone: step=$from accuracy=$1"
done
echo $from >$HONE_CHECKPOINT_DIR/step
"""
    check_rungs(rungs(tmp, text))


def test_job_that_listens_climbs_the_rungs(tmp):
    text = f"""
step=$HONE_RESOURCE_FROM
[ $step = 0 ] || [ "$(cat $HONE_CHECKPOINT_DIR/step)" = $step ]
while :; do
    step=$((step + 1)) code=0
    '{HONE}' report step=$step accuracy=$1 >/dev/null || code=$?
    echo $step >$HONE_CHECKPOINT_DIR/step
    [ $code = 0 ] || exit 0
    [ $step -lt 9 ] || exit 0
done
"""
    check_rungs(rungs(tmp, text))


def check_rungs(trials):
    """Brackets from 1, 3 and 9 epochs; the best configuration of all went to the end."""
    expect({t["state"] for t in trials}, {"completed", "pruned"})
    expect({t["step"] for t in trials}, {1, 3, 9})
    best = max(trials, key=lambda t: t["parameters"]["x"])
    expect((best["state"], best["step"]), ("completed", 9), best)


main(globals())
