#!/usr/bin/env python3
"""What outlives a worker: results and measurements in its state directory, against a server with the answers that
each test sets."""

import fcntl
import json
import pathlib
import signal
import socket
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main, script, spool_kinds, wait_until  # noqa: E402
from hone import preload_env  # noqa: E402
from lease_server import LeaseServer  # noqa: E402

SECONDS = 60


def states(tmp):
    """The state directories under the work directory."""
    return sorted(pathlib.Path(tmp, "work", "workers").glob("*"))


def spools(tmp):
    return sorted(path for state in states(tmp) for path in state.glob("*.spool"))


GRANT, RUN, MEASURED, EXIT, RESULT = 1, 2, 3, 5, 6


def wait_for_record(tmp, kind, n=1):
    wait_until(lambda: spools(tmp) and spool_kinds(spools(tmp)[0]).count(kind) >= n, f"{n} records of kind {kind}")


def kill(worker):
    worker.kill()
    return worker.communicate(timeout=SECONDS)[0]


def runs(tmp):
    """How often the job was started."""
    path = pathlib.Path(tmp) / "runs"
    return len(path.read_text().splitlines()) if path.exists() else 0


# ---- killed while the server is away ----

def test_an_end_that_the_workers_signal_explains_is_no_failure_later(tmp):
    """A batch system signals both, the worker a little later, and kills it while it waits for the server."""
    job = script(tmp, f"echo hone: step=1 accuracy=1\nwhile [ ! -e {tmp}/go ]; do sleep 0.01; done\n"
                      "echo hone: step=2 accuracy=2\nkill -TERM $$\n")
    with LeaseServer() as server:
        server.grants()
        first = server.start(tmp, job)
        server.wait_for(lambda: server.measured)
        server.is_away = True
        (tmp / "go").touch()
        wait_for_record(tmp, EXIT)
        first.send_signal(signal.SIGTERM)
        wait_for_record(tmp, EXIT, 2)
        kill(first)
        server.is_away = False
        said = server.work(tmp, job)
        expect(([body["outcome"] for _, body in server.results], server.released), ([], [1]), said)


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


def test_what_a_job_printed_last_is_sent_by_the_next_worker(tmp):
    """Whether its end, its result, or neither was recorded."""
    lines = "".join(f"line {n}\n" for n in range(200))
    for case, kind, record in (("end", "measure", EXIT), ("result", "result", RESULT), ("nothing", "measure", MEASURED)):
        folder = tmp / case
        folder.mkdir()
        job = script(folder, f"cat <<'X'\n{lines}X\necho hone: step=3 accuracy=0.5\n"
                     + ("exec sleep 1000\n" if case == "nothing" else ""))
        with LeaseServer() as server:
            server.fails(kind, *[503] * 1000)
            server.fails("log", *[503] * 1000)
            server.grants()
            first = server.start(folder, job)
            wait_for_record(folder, record)
            kill(first)
            server.faults.clear()
            said = server.work(folder, job)
            expect(bytes(server.logs.get(1, b"")).decode(), lines + "hone: step=3 accuracy=0.5\n", said)


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


def test_steps_in_fractions_outlive_a_worker(tmp):
    """What the next worker sends is what the job has printed, in the unit of the lease."""
    job = script(tmp, """
[ "$HONE_RESOURCE_FROM $HONE_RESOURCE_TO $1" = "0 6.5 6.5" ] || exit 1
echo hone: step=0.5 accuracy=0.5
echo hone: step=0.7999999999999999 accuracy=0.6
echo hone: step=6.25 accuracy=0.7
echo saved >"$HONE_CHECKPOINT_DIR/model"
""")
    with LeaseServer() as server:
        server.fails("measure", *[503] * 1000)
        server.grants(resource=(0, 6.5, 0.001))
        first = server.start(tmp, job, "{resource.to}")
        wait_for_record(tmp, EXIT)
        kill(first)
        server.faults.clear()
        server.fails("result", *[503] * 1000)
        second = server.start(tmp, job, "{resource.to}")
        wait_for_record(tmp, RESULT)
        kill(second)
        server.faults.clear()
        server.work(tmp, job, "{resource.to}")
        expect(server.measured, [(1, 0.5, {"accuracy": 0.5}), (1, 0.8, {"accuracy": 0.6}),
                                 (1, 6.25, {"accuracy": 0.7})])
        [(trial, result)] = server.results
    expect((trial, result["outcome"], result["step"], result["checkpoint"]["step"]), (1, "completed", 6.25, 6.25))
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
        assert f"are kept in {states(tmp)[0]}" in said, said
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


# ---- whose it is ----

def crc32c(data, crc=0):
    crc ^= 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def write_spool(path, *contents):
    """A spool with records (kind, content), as a worker leaves it."""
    head = b"hone.sp1" + (12345).to_bytes(4, "little")
    data = head + crc32c(head).to_bytes(4, "little")
    for kind, content in contents:
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        numbers = len(raw).to_bytes(4, "little") + kind.to_bytes(4, "little")
        data += numbers + crc32c(numbers + raw, 12345).to_bytes(4, "little") + raw
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def measured(number, step, value):
    return MEASURED, (number.to_bytes(8, "little") + step.to_bytes(8, "little") + (1).to_bytes(2, "little")
                      + struct.pack("<d", value) + (8).to_bytes(2, "little") + b"accuracy")


def left_attempt(server, host, tmp, **more):
    """The records of a trial that a worker had begun on a host: its grant, its start, a measurement."""
    number = server.grants(resource=(0, 9))
    lease = server.waiting.pop()
    server.leases[lease["lease"]["id"]] = lease
    folder = pathlib.Path(tmp) / "work" / f"attempt-{number}"
    (folder / "checkpoint.new").mkdir(parents=True)
    (folder / "checkpoint.new" / "model").write_text("saved\n")
    return [(GRANT, {"server": server.url, "host": host, "lease": lease, **more}),
            (RUN, {"from": 0, "to": 9, "folder": str(folder), "boot": "b", "gpu": "", "at_ms": 0, "run_at_ms": 0}),
            measured(1, 4, 0.25)]


COMPLETED = {"outcome": "completed", "step": 9, "usage": {"wall_seconds": 1.5}}


def test_a_trial_of_another_machine_is_handed_back_without_its_files(tmp):
    with LeaseServer() as server:
        write_spool(tmp / "state" / "slot-0.spool", *left_attempt(server, "another", tmp))
        said = server.work(tmp, "true", options=("--state-dir", str(tmp / "state")))
        expect((server.measured, server.released, server.results), ([(1, 4, {"accuracy": 0.25})], [1], []))
    assert "ran on another machine" in said, said
    expect((tmp / "work" / "attempt-1" / "checkpoint.new" / "model").read_text(), "saved\n")


def test_a_trial_that_had_not_begun_is_handed_back(tmp):
    """Its worker was killed between the grant and the start of the job, here or on another machine."""
    with LeaseServer() as server:
        for number, host in ((1, socket.gethostname()), (2, "another")):
            write_spool(tmp / "state" / "slot-0.spool", left_attempt(server, host, tmp)[0])
            said = server.work(tmp, "true", options=("--state-dir", str(tmp / "state")))
            expect((server.released[-1], server.results, server.measured), (number, [], []), said)
            assert "its job had not begun" in said, said
    expect(list(tmp.glob("state*")), [])


def test_an_end_whose_start_was_not_recorded_is_delivered(tmp):
    ended = {"why": "exited", "wait_status": 3 << 8, "ran_ms": 50, "last_lines": "", "notes": "", "oom_line": ""}
    with LeaseServer() as server:
        write_spool(tmp / "state" / "slot-0.spool", left_attempt(server, socket.gethostname(), tmp)[0], (EXIT, ended))
        said = server.work(tmp, "true", options=("--state-dir", str(tmp / "state")))
        [(trial, result)] = server.results
        expect((trial, result["outcome"], result["reason"]), (1, "failed", "exit_code"), said)
    expect(list(tmp.glob("state*")), [])


def test_a_result_of_another_machine_is_delivered(tmp):
    with LeaseServer() as server:
        write_spool(tmp / "state" / "slot-0.spool", *left_attempt(server, "another", tmp), (RESULT, COMPLETED))
        server.work(tmp, "true", options=("--state-dir", str(tmp / "state")))
        expect((server.measured, server.results), ([(1, 4, {"accuracy": 0.25})], [(1, COMPLETED)]))
    expect(list(tmp.glob("state*")), [])


def test_more_is_delivered_than_there_are_slots(tmp):
    with LeaseServer() as server:
        for slot in (0, 3, 7):
            write_spool(tmp / "state" / f"slot-{slot}.spool", *left_attempt(server, "here", tmp), (RESULT, COMPLETED))
        job = script(tmp, "echo hone: accuracy=1\n")
        server.grants()
        server.work(tmp, job, options=("--state-dir", str(tmp / "state")))
        expect(sorted(trial for trial, _ in server.results), [1, 2, 3, 4])
    expect(list(tmp.glob("state*")), [])


def test_what_belongs_to_another_server_stays_for_it(tmp):
    state = tmp / "state"
    with LeaseServer() as other:
        write_spool(state / "slot-0.spool", *left_attempt(other, "here", tmp), (RESULT, COMPLETED))
        with LeaseServer() as server:
            server.grants()
            job = script(tmp, "echo hone: accuracy=1\n")
            said = server.work(tmp, job, options=("--state-dir", str(state)))
            expect(len(server.results), 1)
        expect(other.results, [])
        assert f"of trial 1 of digits at {other.url}" in said, said
        expect([path.name for path in state.iterdir()], ["slot-1.spool"])
        other.work(tmp, "true", options=("--state-dir", str(state)))
        expect(other.results, [(1, COMPLETED)])
    expect(list(tmp.glob("state*")), [])


def test_a_torn_end_costs_what_was_torn(tmp):
    with LeaseServer() as server:
        records_of = left_attempt(server, "here", tmp)
        path = tmp / "state" / "slot-0.spool"
        write_spool(path, *records_of, measured(2, 5, 0.5), (RESULT, COMPLETED))
        path.write_bytes(path.read_bytes()[:-7])
        said = server.work(tmp, "true", options=("--state-dir", str(tmp / "state")))
        expect(server.measured, [(1, 4, {"accuracy": 0.25}), (1, 5, {"accuracy": 0.5})])
        expect((server.results, server.released), ([], [1]))
    assert "damaged or were not written whole" in said, said


def test_each_worker_has_its_own_state(tmp):
    job = script(tmp, f"touch {tmp}/began-$HONE_TRIAL; while [ ! -e {tmp}/go ]; do sleep 0.02; done; echo hone: accuracy=1\n")
    with LeaseServer() as server:
        server.grants()
        server.grants()
        workers = [server.start(tmp, job)]
        wait_until((tmp / "began-1").exists, "the first job")
        workers.append(server.start(tmp, job))
        wait_until((tmp / "began-2").exists, "the second job")
        first, second = states(tmp)
        expect(second.name, first.name + ".2")
        expect([ask["worker"] for ask in server.asks[:2]], [f"{first.name}:0", f"2@{first.name}:0"])
        expect(first.stat().st_mode & 0o777, 0o700)
        refused = server.work(tmp, job, options=("--state-dir", str(second)), status=75)
        assert f"process {workers[1].pid} on " in refused, refused
        (tmp / "go").touch()
        for worker in workers:
            worker.communicate(timeout=SECONDS)
        expect(sorted(trial for trial, _ in server.results), [1, 2])
    expect(states(tmp), [])


def test_what_a_second_worker_of_this_name_left_is_delivered(tmp):
    job = script(tmp, f"echo run >>{tmp}/runs; echo hone: step=3 accuracy=0.5\n")
    with LeaseServer() as server:
        server.fails("result", *[503] * 1000)
        workers = []
        for n in (1, 2):
            server.grants()
            workers.append(server.start(tmp, job))
            wait_until(lambda: len(spools(tmp)) == n and all(RESULT in spool_kinds(path) for path in spools(tmp)),
                       f"result {n}")
        for worker in workers:
            kill(worker)
        server.faults.clear()
        server.work(tmp, job)
        # a call of a killed worker that was under way may have arrived too: the same result again
        expect((sorted({trial for trial, _ in server.results}), runs(tmp)), ([1, 2], 2))
    expect(states(tmp), [])


def test_no_job_holds_the_lock_of_a_killed_worker(tmp):
    job = script(tmp, f"touch {tmp}/began; setsid sleep 1000 & exec sleep 1000\n")
    with LeaseServer() as server:
        server.grants()
        worker = server.start(tmp, job)
        wait_until((tmp / "began").exists, "a job")
        [state] = states(tmp)
        kill(worker)
        with open(state / "lock", "r+", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        server.work(tmp, "true")
        expect(states(tmp), [])


# ---- disks ----

def test_a_full_disk_stops_no_job_and_no_result(tmp):
    full = tmp / "full"
    job = script(tmp, f"""
echo hone: step=1 accuracy=0.5
while [ ! -e {tmp}/go-$HONE_TRIAL ]; do sleep 0.02; done
echo hone: step=2 accuracy=0.6
""")
    with LeaseServer() as server:
        server.grants()
        server.grants()
        worker = server.start(tmp, job, **preload_env(HONE_TEST_FULL=full))
        server.wait_for(lambda: server.measured)
        full.touch()
        (tmp / "go-1").touch()
        server.wait_for(lambda: server.results)
        expect([m[1] for m in server.measured], [1, 2])
        lines = []
        while not any("asks for no trial" in line for line in lines):
            lines.append(worker.stdout.readline())
        expect(len(server.asks), 1)
        (tmp / "go-2").touch()
        full.unlink()
        server.wait_for(lambda: len(server.results) == 2)
        said, _ = worker.communicate(timeout=SECONDS)
        expect(worker.returncode, 0)
    expect(sum("cannot be written" in line and "its job goes on" in line for line in lines), 1, lines)
    assert "can be written again" in said, said


def test_a_limit_on_files_ends_no_worker(tmp):
    job = script(tmp, """
i=0
while [ $i -lt 12000 ]; do i=$((i+1)); echo hone: step=$i accuracy=0.5 and some more to print; done
""")
    with LeaseServer() as server:
        server.grants()
        server.work(tmp, job, under=("sh", "-c", 'ulimit -f 640; exec "$@"', "sh"))
        [(_, result)] = server.results
        expect((result["outcome"], server.measured[-1][1], len(server.measured)), ("completed", 12000, 12000))


def test_a_state_directory_that_cannot_be_made_is_refused(tmp):
    (tmp / "file").write_text("")
    with LeaseServer() as server:
        said = server.work(tmp, "true", options=("--state-dir", str(tmp / "file" / "state")), status=1)
        expect(server.asks, [])
    assert "file/state" in said and "--state-dir" in said, said


if __name__ == "__main__":
    main(globals())
