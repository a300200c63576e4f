#!/usr/bin/env python3
"""Jobs that survive a killed worker (--keep-jobs), and what is left where they do not."""

import os
import pathlib
import random
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main, NotRun, script, wait_until  # noqa: E402
from fake_gpus import FakeGpus  # noqa: E402
from lease_server import LeaseServer, only_result  # noqa: E402
import hone  # noqa: E402
import leaks  # noqa: E402

SECONDS = 60
KILLS = 20
BURST = 100
LINES = 4000

# Prints a burst of reports without steps for each file that appears, the last one without its end.
BURSTS = """
n=0
for burst in $(seq 1 {bursts}); do
    while [ ! -e {tmp}/burst-$burst ]; do sleep 0.002; done
    for i in $(seq 1 {size}); do
        n=$((n + 1))
        echo "hone: accuracy=$n"
    done
done
printf 'hone: accuracy=%d' $((n + 1))
"""


def kill(worker):
    worker.kill()
    said, _ = worker.communicate(timeout=SECONDS)
    return said


def series(server):
    """step → value, as the server has it."""
    return {step: value for (_, step, _), value in server.values.items()}


def test_a_job_survives_twenty_workers(tmp):
    job = script(tmp, BURSTS.format(tmp=tmp, bursts=KILLS, size=BURST))
    chance = random.Random(7)
    said = ""
    with LeaseServer() as server:
        server.grants()
        for burst in range(1, KILLS + 1):
            worker = server.start(tmp, job, options=["--keep-jobs=1m"])
            seen = len(server.values)
            (tmp / f"burst-{burst}").touch()
            wanted = min(seen + chance.randint(1, BURST), burst * BURST)
            server.wait_for(lambda: len(server.values) >= wanted)
            said += kill(worker)
        said += server.work(tmp, job)
        result = only_result(server)
        expect(series(server), {n: n for n in range(1, KILLS * BURST + 2)}, said)
        expect((result["outcome"], result["step"]), ("completed", KILLS * BURST + 1), said)
        expect(server.released, [], said)
    log, = (tmp / "work").rglob("attempt-1.log")
    expect(log.read_text().split(), [word for n in range(1, KILLS * BURST + 2)
                                     for word in ("hone:", f"accuracy={n}")], "log")


def test_a_worker_may_be_killed_between_any_two_of_its_writes(tmp):
    """Each is killed after so many calls of pwrite() and splice(): those that record, and those that
    fetch what is to be recorded."""
    for seed in (1, 2, 3):
        folder = tmp / str(seed)
        folder.mkdir()
        chance = random.Random(seed)
        job = script(folder, f"""
n=0
while [ $n -lt {LINES} ]; do
    n=$((n + 1))
    echo "hone: accuracy=$n"
    [ $((n % 20)) != 0 ] || sleep 0.001
done
printf 'hone: accuracy=%d' $((n + 1))
""")
        said = ""
        workers = 0
        with LeaseServer() as server:
            server.grants()
            while not server.results and workers < 60:
                workers += 1
                n = 12 if workers == 1 else chance.randint(2, 9 + workers // 2)
                worker = server.start(folder, job, options=["--keep-jobs"],
                                      **hone.preload_env(HONE_TEST_DIE_AFTER=n))
                out, _ = worker.communicate(timeout=SECONDS)
                said += out
                assert worker.returncode in (0, -signal.SIGKILL), said
            wrong = {n: value for n, value in series(server).items() if n != value}
            expect((len(server.values), wrong), (LINES + 1, {}), said)
            expect((only_result(server)["outcome"], server.released), ("completed", []), said)
        assert workers > 2, workers  # how many depends on how much one write holds


STREAMS = """
for burst in $(seq 1 {bursts}); do
    while [ ! -e {tmp}/burst-$burst ]; do sleep 0.002; done
    for n in $(seq $(((burst - 1) * {size} + 1)) $((burst * {size}))); do
        echo "hone: step=$n accuracy=$n"
        echo "hone: step=$n second=$n" >&2
        echo "{{\\"step\\": $n, \\"third\\": $n}}" >&3
    done
done
"""


def usable(tmp):
    """The kill boundaries that work here."""
    for how in leaks.BOUNDARIES:
        done = subprocess.run([os.environ["HONE"], "worker", "--try", "--isolate", how, "--workdir",
                               str(tmp / "probe"), "--", "true"], capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL)
        if "--isolate" not in done.stderr:
            yield how


def test_every_stream_goes_on_in_every_boundary(tmp):
    bursts = 4
    for how in usable(tmp):
        folder = tmp / how
        folder.mkdir()
        job = script(folder, STREAMS.format(tmp=folder, bursts=bursts, size=BURST))
        said = ""
        with LeaseServer() as server:
            server.grants()
            for burst in range(1, bursts + 1):
                worker = server.start(folder, job, options=["--keep-jobs", "--isolate", how])
                seen = len(server.values)
                (folder / f"burst-{burst}").touch()
                server.wait_for(lambda: len(server.values) >= seen + BURST)
                said += kill(worker)
            said += server.work(folder, job)
            expect(only_result(server)["outcome"], "completed", said)
            found = {(step, metric): value for (_, step, metric), value in server.values.items()}
            expect(found, {(n, metric): n for n in range(1, bursts * BURST + 1)
                           for metric in ("accuracy", "second", "third")}, said)


def fill(path):
    """Until nothing more can be written there."""
    with open(path, "wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                pass


def begun(server, tmp, text, *options, **environment):
    """A worker with a job that has reported once, and the job's pid."""
    server.grants(heartbeat=0.2)
    job = script(tmp, f"echo $$ >{tmp}/pid.new\nmv {tmp}/pid.new {tmp}/pid\n" + text)
    worker = server.start(tmp, job, options=options, **environment)
    server.wait_for(lambda: server.measured)
    return worker, job, int((tmp / "pid").read_text())


def test_a_job_that_ends_without_a_worker_is_recorded(tmp):
    text = f"echo hone: accuracy=1\nwhile [ ! -e {tmp}/go ]; do sleep 0.002; done\n" \
           "echo hone: accuracy=2\necho '{\"accuracy\": 3}' >&3\nprintf 'hone: accuracy=4'\nexit 3\n"
    with LeaseServer() as server:
        worker, job, pid = begun(server, tmp, text, "--keep-jobs")
        kill(worker)
        since = leaks.started(pid)
        (tmp / "go").touch()
        wait_until(lambda: not leaks.is_there(pid, since), "the job's end")
        said = server.work(tmp, job)
        result = only_result(server)
    expect((result["outcome"], result["reason"]), ("failed", "exit_code"), said)
    expect(sorted(series(server).values()), [1, 2, 3, 4], said)
    assert "exit status 3" in result["detail"], result


WAITS = """
n=$HONE_TRIAL
echo $HONE_ATTEMPT >>{tmp}/runs-$n
echo hone: accuracy=1
while [ ! -e {tmp}/go-$n ]; do sleep 0.002; done
printf 'hone: accuracy=2'
"""


def end_of_job(tmp, n):
    """Lets the job of trial n end, and waits until its shim has recorded that."""
    state = sorted((tmp / "work" / "workers").iterdir())[n - 1]
    shim = int((state / "slot-0.job").read_text().split()[2])
    since = leaks.started(shim)
    (tmp / f"go-{n}").touch()
    wait_until(lambda: not leaks.is_there(shim, since), f"the end of job {n}")


def two_killed(server, tmp):
    """Two workers of one name, each with a job, are killed; the command of the jobs."""
    job = script(tmp, WAITS.format(tmp=tmp))
    workers = []
    for n in (1, 2):
        server.grants(heartbeat=0.2)
        workers.append(server.start(tmp, job, options=["--keep-jobs"]))
        server.wait_for(lambda: len(server.measured) == n)
    for worker in workers:
        kill(worker)
    return job


def expect_both(server, tmp, said):
    expect(sorted((trial, result["outcome"]) for trial, result in server.results),
           [(1, "completed"), (2, "completed")], said)
    expect([(tmp / f"runs-{n}").read_text() for n in (1, 2)], ["1\n", "1\n"], said)
    expect(sorted(server.values.values()), [1, 1, 2, 2], said)
    expect((server.released, list((tmp / "work" / "workers").iterdir())), ([], []), said)


def test_a_job_of_another_worker_that_ended_is_delivered(tmp):
    with LeaseServer() as server:
        job = two_killed(server, tmp)
        for n in (1, 2):
            end_of_job(tmp, n)
        expect_both(server, tmp, server.work(tmp, job))


def test_a_job_of_another_worker_is_delivered_when_it_has_ended(tmp):
    """It lives when the next worker starts, which leaves it alone, and has ended before that asks again."""
    with LeaseServer() as server:
        job = two_killed(server, tmp)
        server.beats.clear()
        worker = server.start(tmp, job)
        server.wait_for(lambda: server.beats)
        expect(set(server.beats), {1})
        end_of_job(tmp, 2)
        (tmp / "go-1").touch()
        said, _ = worker.communicate(timeout=SECONDS)
        expect_both(server, tmp, said)


def stopped(tmp, worker, slot=0):
    """Stops the shim of a slot, kills its worker; the shim's pid."""
    record, = (tmp / "work" / "workers").glob(f"*/slot-{slot}.job")
    shim = int(record.read_text().split()[2])
    os.kill(shim, signal.SIGSTOP)
    kill(worker)
    return shim


def test_a_shim_that_is_stopped_is_taken_up_when_it_goes_on(tmp):
    """Until then it holds up nothing: the lease is kept, and another trial runs on the other GPU."""
    tools = FakeGpus(tmp / "bin")
    tools.nvidia(["GPU-a", "GPU-b"])
    text = f"""
echo "$CUDA_VISIBLE_DEVICES" >>{tmp}/gpus
echo hone: accuracy=1
while [ $HONE_TRIAL = 1 ] && [ ! -e {tmp}/go ]; do sleep 0.002; done
echo hone: accuracy=2
"""
    with LeaseServer() as server:
        worker, job, _ = begun(server, tmp, text, "--keep-jobs", **tools.environment)
        shim = stopped(tmp, worker)
        try:
            server.beats.clear()
            server.grants()
            worker = server.start(tmp, job, options=["--keep-jobs"], **tools.environment)
            server.wait_for(lambda: 1 in server.beats and len(server.results) == 1)
            expect(server.results[0][0], 2)
        finally:
            os.kill(shim, signal.SIGCONT)
        said = ""
        for line in worker.stdout:  # the job waits until the worker has seen that it goes on
            said += line
            if "its job goes on" in line:
                break
        (tmp / "go").touch()
        said += worker.communicate(timeout=SECONDS)[0]
        expect([trial for trial, _ in server.results], [2, 1], said)
        expect((server.released, len(server.values)), ([], 4), said)
    expect(sorted((tmp / "gpus").read_text().split()), ["GPU-a", "GPU-b"], said)
    assert "does not answer yet" in said and "its job goes on" in said, said
    assert "ended with that worker" not in said, said


def test_a_job_whose_shim_is_stopped_ends_with_a_worker_that_leaves(tmp):
    text = "echo hone: accuracy=1\nwhile :; do sleep 0.01; done\n"
    for goes_on in (False, True):
        folder = tmp / str(goes_on)
        folder.mkdir()
        with LeaseServer() as server:
            worker, job, pid = begun(server, folder, text, "--keep-jobs")
            since = leaks.started(pid)
            shim = stopped(folder, worker)
            known = (shim, leaks.started(shim))
            try:
                server.beats.clear()
                worker = server.start(folder, job, options=["--keep-jobs"])
                server.wait_for(lambda: server.beats)
                worker.send_signal(signal.SIGTERM)
                wait_until(lambda: "it is to leave" in worker.stdout.readline(), "the drain")
                if goes_on:
                    os.kill(shim, signal.SIGCONT)
                said, _ = worker.communicate(timeout=SECONDS)
                expect((worker.returncode, server.released, server.results), (0, [1], []), said)
                assert not leaks.is_there(pid, since), said
            finally:
                if leaks.is_there(*known):
                    os.killpg(pid, signal.SIGKILL)
                    os.kill(shim, signal.SIGKILL)


def test_a_job_goes_on_without_what_it_can_do_without(tmp):
    """Its GPU has another name, or is none of the new worker's."""
    tools = FakeGpus(tmp / "bin")
    tools.nvidia(["GPU-a", "GPU-b"])
    text = "echo hone: accuracy=1\nwhile [ ! -e $GO ]; do sleep 0.002; done\necho hone: accuracy=2\n"
    for case, options, is_lost in (("renamed", ["--gpus", "GPU-b,GPU-a"], False),
                                    ("unknown", ["--gpus", "GPU-b"], True),
                                    ("none", ["--gpus", "none"], True)):
        folder = tmp / case
        folder.mkdir()
        env = {"GO": str(folder / "go"), **tools.environment}
        with LeaseServer() as server:
            worker, job, pid = begun(server, folder, text, "--keep-jobs", "--gpus", "0", **env)
            kill(worker)
            server.beats.clear()
            worker = server.start(folder, job, options=["--keep-jobs", *options], **env)
            server.wait_for(lambda: server.beats)
            (folder / "go").touch()
            said, _ = worker.communicate(timeout=SECONDS)
            expect((only_result(server)["outcome"], len(server.values)), ("completed", 2), said)
            assert "its job goes on" in said, said
            expect("are not held" in said, is_lost, said)


def test_a_job_goes_on_when_the_disk_is_full(tmp):
    """As it is while the next worker takes it up."""
    work = tmp / "work"
    work.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", work], check=False,
                      capture_output=True).returncode != 0:
        raise NotRun("no file system can be mounted here")
    try:
        text = f"echo hone: accuracy=1\nwhile [ ! -e {tmp}/go ]; do sleep 0.002; done\necho hone: accuracy=2\n"
        with LeaseServer() as server:
            worker, job, pid = begun(server, tmp, text, "--keep-jobs", "--min-disk-free", "0")
            kill(worker)
            fill(work / "filler")
            server.beats.clear()
            worker = server.start(tmp, job, options=["--keep-jobs", "--min-disk-free", "0"])
            server.wait_for(lambda: len(server.beats) > 3)
            (tmp / "go").touch()
            server.wait_for(lambda: server.results)
            (work / "filler").unlink()
            said, _ = worker.communicate(timeout=SECONDS)
            expect((only_result(server)["outcome"], len(server.values)), ("completed", 2), said)
            assert "its job goes on" in said, said
            expect(said.count("control.json cannot be written"), 1, said)
    finally:
        subprocess.run(["umount", "-l", work], check=True)


def test_without_a_worker_a_job_ends_after_its_span(tmp):
    text = "echo hone: accuracy=1\nsetsid sleep 1000 &\nexec sleep 1000\n"
    with LeaseServer() as server:
        worker, job, pid = begun(server, tmp, text, "--keep-jobs=1s")
        known = {one: leaks.started(one) for one in leaks.descendants(worker.pid)}
        kill(worker)
        wait_until(lambda: not any(leaks.is_there(*one) for one in known.items()), "its end")
        said = server.work(tmp, job)
        expect((server.released, server.results), ([1], []), said)
    assert pid in known


def test_a_job_taken_over_can_be_stopped(tmp):
    text = "trap 'exit 7' TERM\necho hone: accuracy=1\nwhile :; do sleep 0.01; done\n"
    with LeaseServer() as server:
        worker, job, pid = begun(server, tmp, text, "--keep-jobs")
        since = leaks.started(pid)
        kill(worker)
        worker = server.start(tmp, job)
        server.wait_for(lambda: server.beats)
        worker.send_signal(signal.SIGTERM)
        said, _ = worker.communicate(timeout=SECONDS)
        expect((worker.returncode, server.released), (0, [1]), said)
    assert not leaks.is_there(pid, since)
    assert "its job goes on" in said, said


def test_reports_by_command_go_on(tmp):
    text = f"""
echo hone: accuracy=1
while [ ! -e {tmp}/go ]; do sleep 0.002; done
{os.environ["HONE"]} report step=2 accuracy=2
"""
    with LeaseServer() as server:
        worker, job, _ = begun(server, tmp, text, "--keep-jobs")
        kill(worker)
        worker = server.start(tmp, job)
        server.wait_for(lambda: server.beats)
        (tmp / "go").touch()
        said, _ = worker.communicate(timeout=SECONDS)
        expect(only_result(server)["outcome"], "completed", said)
    expect(series(server), {1: 1, 2: 2}, said)


def test_worker_and_shims_killed_together_leave_nothing_to_the_next(tmp):
    named = [shape for shape in leaks.SHAPES if shape != "bare"]
    for options, shapes in (([], named), (["--keep-jobs"], ["setsid", "deaf-daemon"])):
        folder = tmp / f"work-{len(options)}"
        folder.mkdir()
        mark = f"{os.getpid()}-{len(options)}"
        with LeaseServer() as server:
            for shape in shapes:
                server.grants({"shape": shape})
            command = [leaks.LEAKY, "{shape}", "stay", str(folder / "ready")]
            slots = ["--isolate", "walk", "--slots", str(len(shapes))]
            worker = server.start(folder, *command, options=slots + options,
                                  **{leaks.NAME: mark})
            wait_until(lambda: (folder / "ready").exists()
                       and len((folder / "ready").read_text().split()) == len(shapes), "ready")
            worker.send_signal(signal.SIGSTOP)
            shims = leaks.children(worker.pid)
            for shim in shims:
                os.kill(shim, signal.SIGSTOP)
            for pid in [worker.pid, *shims]:
                os.kill(pid, signal.SIGKILL)
            worker.communicate(timeout=SECONDS)
            wait_until(lambda: not any(name == "hone-shim\n" for name in
                                       leaks.marked(mark).values()), "the end of the shims")
            assert leaks.marked(mark), "nothing was left, so nothing is tested"
            said = server.work(folder, *command, options=slots)
            expect(leaks.marked(mark), {}, said)
            expect((sorted(server.released), server.results),
                   (list(range(1, len(shapes) + 1)), []), said)


def test_a_span_is_read_or_refused(_):
    for text in ("0", "-5m", "5x", "m", "", "99999d"):
        done = subprocess.run([os.environ["HONE"], "worker", f"--keep-jobs={text}", "--try", "--",
                               "true"], capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL)
        assert "a span of time" in done.stderr, (text, done)


main(globals())
