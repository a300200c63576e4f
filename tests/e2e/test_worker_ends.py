#!/usr/bin/env python3
"""A worker whose server is not well, and one that is stopped: what becomes of its trials."""

import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main, script, wait_until  # noqa: E402
from jobs import is_alive, pids_in, SECONDS  # noqa: E402
from lease_server import LeaseServer, only_result, Stranger, STUDY  # noqa: E402


# ---- a server that is not well ----

def test_calls_are_repeated_unchanged_until_they_are_answered(tmp):
    job = script(tmp, "echo hone: accuracy=1\n")
    with LeaseServer() as server:
        server.grants()
        for kind in ("ask", "measure", "result"):
            server.fails(kind, 503, 500)
        server.work(tmp, job)
        expect(len({ask["request_id"] for ask in server.asks[:3]}), 1, "request ids")
        results = [body for kind, body in server.calls if kind == "result"]
        expect(len(results), 3)
        expect(results[0] == results[1] == results[2], True)
        expect(server.measured, [(1, 1, {"accuracy": 1})])


# What a proxy, a login page or another program says in the server's place; all kinds of it are in
# tests/unit/test_answer_class.c.
NGINX = Stranger(404)
REFUSED = Stranger(401)
CAPTIVE = Stranger(200, b"<html>captive portal</html>")


def test_only_a_hone_server_is_believed(tmp):
    job = script(tmp, "echo hone: accuracy=1\n")
    with LeaseServer() as server:
        server.grants()
        server.fails("ask", REFUSED)
        server.fails("measure", NGINX, CAPTIVE)
        server.fails("result", CAPTIVE, NGINX)
        said = server.work(tmp, job)
        expect(server.measured, [(1, 1, {"accuracy": 1})])
        expect((only_result(server)["outcome"], server.released), ("completed", []))
    for line in ("not from a Hone server", "answers again"):
        expect(said.count(line), 3, said)  # once a spell


def test_a_release_is_repeated_until_our_server_takes_it(tmp):
    with LeaseServer() as server:
        server.fails("release", CAPTIVE)
        worker, _ = running(server, tmp)
        worker.send_signal(signal.SIGTERM)
        said, _ = worker.communicate(timeout=SECONDS)
        expect((worker.returncode, server.released), (0, [1]), said)


def test_ended_request_id_is_left_behind(tmp):
    job = script(tmp, "echo hone: accuracy=1\n")
    with LeaseServer() as server:
        server.grants()
        server.fails("ask", (410, "lease-ended"))
        server.work(tmp, job)
        assert server.asks[0]["request_id"] != server.asks[1]["request_id"]
        expect(len(server.results), 1)


def test_a_worker_says_at_once_what_it_waits_for(tmp):
    with LeaseServer() as server:
        server.nothing = "none"
        server.nothing_detail = "no study matches what this worker asks for (studies, runners)"
        worker = server.start(tmp, "true")
        lines = []
        while len(lines) < 2:
            line = worker.stdout.readline()
            assert line, lines
            lines.extend([line] if "trial" in line else [])
        assert f'waiting for trials of study "{STUDY}" at {server.url}, 1 at once' in lines[0], lines
        assert f'there is no study "{STUDY}" yet; \'hone study list\' shows' in lines[1], lines
        wait_until(lambda: len(server.asks) > 1, "the second ask")
        expect([ask["wait_seconds"] for ask in server.asks[:2]], [0, 30])
        worker.terminate()
        worker.communicate(timeout=SECONDS)


def test_refused_token_ends_the_worker(tmp):
    with LeaseServer() as server:
        server.fails("ask", (401, "unauthorized"))
        said = server.work(tmp, "true", status=1)
    assert "as the test wished" in said, said


def test_refused_result_is_sent_as_a_failure(tmp):
    job = script(tmp, "echo hone: accuracy=1\n")
    with LeaseServer() as server:
        server.grants()
        server.fails("result", (422, "invalid"))
        server.work(tmp, job)
        expect(only_result(server)["reason"], "no_metric")


# ---- being stopped ----

ENDLESS = """
(sleep 300 & echo $! >>{tmp}/pids; wait) &
setsid sleep 300 & echo $! >>{tmp}/pids
echo $$ >>{tmp}/pids
echo hone: accuracy=1
while :; do sleep 0.05; done
"""


def running(server, tmp, text=ENDLESS):
    """A worker whose job has begun; with the pids of everything it started."""
    server.grants()
    worker = server.start(tmp, script(tmp, text.replace("{tmp}", str(tmp))))
    pids = pids_in(tmp / "pids", 3)
    server.wait_for(lambda: server.measured)
    return worker, pids


def test_terminated_worker_hands_its_trial_back(tmp):
    with LeaseServer() as server:
        worker, pids = running(server, tmp)
        worker.send_signal(signal.SIGTERM)
        said, _ = worker.communicate(timeout=SECONDS)
        expect((worker.returncode, server.released, server.results), (0, [1], []), said)
    expect([pid for pid in pids if is_alive(pid)], [])


def test_a_lease_whose_answer_was_lost_is_handed_back(tmp):
    with LeaseServer() as server:
        server.fails("ask", (503, "overloaded", 300))
        worker = server.start(tmp, script(tmp, f"touch {tmp}/ran\n"))
        server.wait_for(lambda: server.asks)
        server.grants()  # as if the first ask had been granted, and its answer lost
        worker.send_signal(signal.SIGTERM)
        said, _ = worker.communicate(timeout=SECONDS)
        expect((worker.returncode, server.released, server.results), (0, [1], []), said)
        first, second = server.asks
        expect((second["request_id"], second["wait_seconds"]), (first["request_id"], 0))
    assert not (tmp / "ran").exists()


def test_terminated_worker_keeps_a_checkpoint(tmp):
    with LeaseServer() as server:
        worker, _ = running(server, tmp, "echo x >$HONE_CHECKPOINT_DIR/weights\n" + ENDLESS)
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=SECONDS)
        result = only_result(server)
        expect((result["outcome"], result["checkpoint"]["step"]), ("preempted", 1))


def wait_for_shim(worker):
    """Until nothing is left of the worker's job but what the worker has not read yet."""
    children = pathlib.Path(f"/proc/{worker.pid}/task/{worker.pid}/children")
    wait_until(lambda: not any(is_alive(pid) for pid in children.read_text().split()),
               "the end of the shim")


def test_a_job_signalled_with_its_worker_is_handed_back(tmp):
    """As a batch system does. The worker reads of the job's end and of its own signal at once."""
    for saves, outcome in (("echo x >$HONE_CHECKPOINT_DIR/weights", "preempted"), ("true", None)):
        job = script(tmp, f"""
trap '{saves}; exit 0' TERM
echo $$ >{tmp}/pid
echo hone: accuracy=1
while :; do sleep 0.01; done
""")
        with LeaseServer() as server:
            server.grants()
            worker = server.start(tmp, job)
            server.wait_for(lambda: server.measured)
            worker.send_signal(signal.SIGSTOP)
            os.kill(pids_in(tmp / "pid", 1)[0], signal.SIGTERM)
            wait_for_shim(worker)
            worker.send_signal(signal.SIGTERM)
            worker.send_signal(signal.SIGCONT)
            said, _ = worker.communicate(timeout=SECONDS)
            expect(worker.returncode, 0, said)
            expect([body["outcome"] for _, body in server.results], [outcome] if outcome else [])
            expect(server.released, [] if outcome else [1])
        (tmp / "pid").unlink()


def test_quit_ends_it_at_once(tmp):
    stubborn = "trap '' TERM\n" + ENDLESS
    with LeaseServer() as server:
        worker, pids = running(server, tmp, stubborn)
        worker.send_signal(signal.SIGTERM)
        worker.send_signal(signal.SIGQUIT)
        said, _ = worker.communicate(timeout=SECONDS)
        expect((worker.returncode, server.released, server.results), (130, [], []), said)
    expect([pid for pid in pids if is_alive(pid)], [])


def test_killed_worker_takes_its_jobs_along(tmp):
    with LeaseServer() as server:
        worker, pids = running(server, tmp)
        worker.kill()
        worker.communicate(timeout=SECONDS)
        wait_until(lambda: not any(is_alive(pid) for pid in pids), f"the end of {pids}")


if __name__ == "__main__":
    main(globals())
