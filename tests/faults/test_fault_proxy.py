#!/usr/bin/env python3
"""Real workers over a network that loses, delays, repeats and reorders their requests: what the server
holds afterwards is what it would hold without, each job begun once."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import hone  # noqa: E402
from cases import expect, main, script, wait_until  # noqa: E402
from fault_proxy import FaultProxy  # noqa: E402

HONE = os.environ["HONE"]
SEED = int(os.environ.get("HONE_TEST_SEED") or 1)
SECONDS = 120
N_TRIALS, N_STEPS, N_WORKERS = 18, 5, 3
JOB = f"""
echo "$HONE_TRIAL" >> "$2/begun"
for step in $(seq {N_STEPS}); do echo "hone: step=$step loss=$1"; done
"""
EACH = {"delay": 8, "lost_request": 8, "lost_reply": 8, "half_reply": 8, "twice": 8, "late": 8}


def start_workers(tmp, server, url):
    job = script(tmp, JOB)
    running = []
    for i in range(N_WORKERS):
        log = open(tmp / f"log-{i}", "w", encoding="utf-8")
        with log:
            running.append(subprocess.Popen(
                [HONE, "worker", "--server", url, "--token-file", f"{server.data}/worker.token", "--study", "s",
                 "--name", f"w{i}", "--workdir", str(tmp / f"work-{i}"), "--exit-when-finished", "--", job,
                 "{x}", str(tmp)], stdout=log, stderr=log))
    return running


def end_workers(running):
    for process in running:
        process.kill()
        process.wait()


def expect_undisturbed(tmp, client):
    """As if nothing had happened: each trial once, with every step of its job."""
    trials = list(client.walk("/v1/studies/s/trials"))
    expect([trial["state"] for trial in trials], ["completed"] * N_TRIALS, "states")
    expect([trial["attempt"] for trial in trials], [1] * N_TRIALS, "attempts")
    expect(sorted(int(number) for number in (tmp / "begun").read_text().split()),
           list(range(1, N_TRIALS + 1)), "jobs, each begun once")
    for trial in trials:
        value = trial["parameters"]["x"]
        expect(trial["value"], value, f"value of trial {trial['number']}")
        points = client.walk(f"/v1/studies/s/trials/{trial['number']}/measurements")
        expect([(point["step"], point["metrics"]) for point in points],
               [(step, {"loss": value}) for step in range(1, N_STEPS + 1)], f"curve of trial {trial['number']}")


def work(tmp, chances, disturb=lambda proxy: None):
    """The proxy, when all trials have ended."""
    tmp = pathlib.Path(tmp)
    with hone.Server() as server, server.client() as client:
        body = hone.study("s", limits={"trials": N_TRIALS}, lease={"ttl_seconds": 60})
        expect(client.post("/v1/studies", body).status, 201)
        with FaultProxy(server.port, SEED, chances) as proxy:
            running = start_workers(tmp, server, proxy.url)
            try:
                disturb(proxy)
                for i, process in enumerate(running):
                    expect(process.wait(SECONDS), 0, f"exit status of worker {i}: {(tmp / f'log-{i}').read_text()}")
            finally:
                end_workers(running)
        expect_undisturbed(tmp, client)
        print(f"  seed {SEED} (HONE_TEST_SEED): {dict(proxy.counts)}", flush=True)
        return proxy


def test_requests_lost_repeated_and_out_of_order_change_nothing(tmp):
    proxy = work(tmp, EACH)
    expect([name for name in EACH if proxy.counts[name] == 0], [], "faults that never came: the run proves nothing")


def one_way(tmp, direction):
    def disturb(proxy):
        wait_until(lambda: proxy.counts[""] > 10, "workers that work")
        proxy.drops = direction
        before = sum(proxy.counts.values())
        wait_until(lambda: sum(proxy.counts.values()) >= before + 6, "requests that are lost")
        proxy.drops = None
    work(tmp, {}, disturb)


def test_a_direction_that_is_lost_for_a_while_changes_nothing(tmp):
    for direction in ("requests", "replies"):
        folder = pathlib.Path(tmp) / direction
        folder.mkdir()
        one_way(folder, direction)


if __name__ == "__main__":
    main(globals())
