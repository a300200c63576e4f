#!/usr/bin/env python3
"""What outlives a worker: results and measurements in its state directory, against a server with the answers that
each test sets."""

import os
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main  # noqa: E402
from lease_server import LeaseServer  # noqa: E402

SECONDS = 60


def script(tmp, text, name="job.sh"):
    """An executable job; its path."""
    path = pathlib.Path(tmp) / name
    path.write_text("#!/bin/sh\nset -e\n" + text)
    path.chmod(0o755)
    return str(path)


def wait_until(fact, what):
    deadline = time.monotonic() + SECONDS
    while not fact():
        if time.monotonic() > deadline:
            raise AssertionError(f"never happened: {what}")
        time.sleep(0.01)


def states(tmp):
    """The state directories under the work directory."""
    return sorted(pathlib.Path(tmp, "work", "workers").glob("*"))


def spools(tmp):
    return sorted(path for state in states(tmp) for path in state.glob("*.spool"))


def records(path):
    """The kinds of the whole records of a spool, in order."""
    data = path.read_bytes()
    at, kinds = 16, []
    while at + 12 <= len(data):
        length, kind = (int.from_bytes(data[at + i:at + i + 4], "little") for i in (0, 4))
        at += 12 + length
        if at <= len(data):
            kinds.append(kind)
    return kinds


MEASURED, EXIT, RESULT = 3, 5, 6


def wait_for_record(tmp, kind, n=1):
    wait_until(lambda: spools(tmp) and records(spools(tmp)[0]).count(kind) >= n, f"{n} records of kind {kind}")


def kill(worker):
    worker.kill()
    return worker.communicate(timeout=SECONDS)[0]


def runs(tmp):
    """How often the job was started."""
    path = pathlib.Path(tmp) / "runs"
    return len(path.read_text().splitlines()) if path.exists() else 0


# ---- killed while the server is away ----

def test_a_result_outlives_its_worker(tmp):
    job = script(tmp, f"echo run >>{tmp}/runs; echo hone: step=3 accuracy=0.5\n")
    with LeaseServer() as server:
        server.fails("result", *[503] * 1000)
        server.grants()
        first = server.start(tmp, job)
        server.wait_for(lambda: any(kind == "result" for kind, _ in server.calls))
        kill(first)
        sent = [body for kind, body in server.calls if kind == "result"]
        server.faults.clear()
        said = server.work(tmp, job)
        expect(runs(tmp), 1)
        expect(server.results, [(1, sent[0])])
        expect(server.measured, [(1, 3, {"accuracy": 0.5})])
        assert "its result is delivered" in said, said
    expect(spools(tmp), [])


def test_an_ended_job_is_not_run_again(tmp):
    job = script(tmp, f"echo run >>{tmp}/runs; echo hone: step=3 accuracy=0.5; echo last line; exit 7\n")
    with LeaseServer() as server:
        server.fails("measure", *[503] * 1000)
        server.grants()
        first = server.start(tmp, job)
        wait_for_record(tmp, EXIT)
        kill(first)
        expect(server.results, [])
        server.faults.clear()
        server.work(tmp, job)
        expect(runs(tmp), 1)
        expect(server.measured, [(1, 3, {"accuracy": 0.5})])
        [(trial, result)] = server.results
    expect((trial, result["outcome"], result["reason"]), (1, "failed", "exit_code"))
    assert "exit status 7" in result["detail"] and "last line" in result["detail"], result
    expect(spools(tmp), [])


def test_a_trial_whose_job_died_is_handed_back_with_its_measurements(tmp):
    job = script(tmp, f"""
echo $$ >{tmp}/pid
echo hone: step=1 accuracy=0.5
[ -z "$KEEP" ] || echo saved >"$HONE_CHECKPOINT_DIR/model"
echo hone: step=2 accuracy=0.6
exec sleep 1000
""")
    with LeaseServer() as server:
        for keep in ("", "1"):
            server.fails("measure", *[503] * 1000)
            number = server.grants(resource=(0, 9))
            first = server.start(tmp, job, KEEP=keep)
            wait_for_record(tmp, MEASURED, 2)
            kill(first)
            server.faults.clear()
            said = server.work(tmp, job)
            expect([m for m in server.measured if m[0] == number],
                   [(number, 1, {"accuracy": 0.5}), (number, 2, {"accuracy": 0.6})])
            assert "ended with that worker" in said, said
    expect(server.released, [1])
    [(trial, result)] = server.results
    expect((trial, result["outcome"], result["step"]), (2, "preempted", 2))
    kept = pathlib.Path(result["checkpoint"]["uri"])
    expect((kept / "model").read_text(), "saved\n")
    expect(spools(tmp), [])


# ---- while the server is away ----

COUNTS = """
trap 'echo stopped >>{tmp}/ends; exit 0' TERM
echo $$ >{tmp}/pid
echo hone: step=1 accuracy=0.5
while [ ! -e {tmp}/go ]; do sleep 0.02; done
echo hone: step=2 accuracy=0.6
echo hone: step=9 accuracy=0.7
"""


def test_a_job_runs_on_and_its_late_result_counts(tmp):
    job = script(tmp, COUNTS.replace("{tmp}", str(tmp)))
    with LeaseServer() as server:
        server.grants(resource=(0, 9), heartbeat=1)
        worker = server.start(tmp, job)
        server.wait_for(lambda: server.measured)
        server.is_away = True
        (tmp / "go").touch()
        wait_for_record(tmp, EXIT)
        expect(server.results, [])
        server.is_away = False
        worker.communicate(timeout=SECONDS)
        expect(worker.returncode, 0)
        expect([m[1] for m in server.measured], [1, 2, 9])
        [(trial, result)] = server.results
    expect((trial, result["outcome"], result["step"]), (1, "completed", 9))
    expect((tmp / "ends").exists(), False)


def test_a_late_result_is_nothing_to_a_trial_that_went_on_elsewhere(tmp):
    job = script(tmp, COUNTS.replace("{tmp}", str(tmp)))
    with LeaseServer() as server:
        server.grants(resource=(0, 9), heartbeat=1)
        worker = server.start(tmp, job)
        server.wait_for(lambda: server.measured)
        server.is_away = True
        (tmp / "go").touch()
        wait_for_record(tmp, EXIT)
        server.fails("measure", (409, "lease-superseded"))
        server.fails("beat", (409, "lease-superseded"))
        server.is_away = False
        said, _ = worker.communicate(timeout=SECONDS)
        expect((worker.returncode, server.results), (0, []))
    assert "lost" in said, said
    expect(spools(tmp), [])


def test_a_job_is_stopped_after_the_offline_limit(tmp):
    job = script(tmp, COUNTS.replace("{tmp}", str(tmp)).replace("stopped >>", "saved >$HONE_CHECKPOINT_DIR/m; echo stopped >>"))
    with LeaseServer() as server:
        server.grants(resource=(0, 9), heartbeat=1)
        worker = server.start(tmp, job, options=("--offline", "0"))
        server.wait_for(lambda: server.measured)
        server.is_away = True
        wait_for_record(tmp, RESULT)
        expect((tmp / "ends").read_text(), "stopped\n")
        server.is_away = False
        said, _ = worker.communicate(timeout=SECONDS)
        expect(worker.returncode, 0)
        [(trial, result)] = server.results
    expect((trial, result["outcome"]), (1, "preempted"))
    expect((pathlib.Path(result["checkpoint"]["uri"]) / "m").read_text(), "saved\n")
    assert "has not answered for too long" in said, said


def test_a_stopped_worker_leaves_its_results_to_the_next(tmp):
    job = script(tmp, f"echo run >>{tmp}/runs; echo hone: step=3 accuracy=0.5\n")
    with LeaseServer() as server:
        server.fails("result", *[503] * 1000)
        server.grants()
        worker = server.start(tmp, job)
        server.wait_for(lambda: any(kind == "result" for kind, _ in server.calls))
        worker.send_signal(signal.SIGTERM)
        said, _ = worker.communicate(timeout=SECONDS)
        assert "are kept in" in said and "/work/workers/" in said, said
        server.faults.clear()
        server.work(tmp, job)
        expect(([trial for trial, _ in server.results], runs(tmp)), ([1], 1))


def test_what_a_refused_worker_could_not_deliver_is_kept(tmp):
    job = script(tmp, f"echo run >>{tmp}/runs; echo hone: step=3 accuracy=0.5\n")
    with LeaseServer() as server:
        server.fails("result", (401, "unauthorized"))
        server.grants()
        server.work(tmp, job, status=1)
        expect(len(spools(tmp)), 1)
        server.work(tmp, job)
        expect(([trial for trial, _ in server.results], runs(tmp)), ([1], 1))
        expect(server.measured, [(1, 3, {"accuracy": 0.5})])
    expect(spools(tmp), [])


if __name__ == "__main__":
    main(globals())
