#!/usr/bin/env python3
"""hone.current_trial() in jobs of a real worker, and what becomes of a program that is none."""

import json
import os
import pathlib
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main  # noqa: E402
from served import SECONDS, Served, environment, hone, python  # noqa: E402

DEFINITION = ("--minimize", "loss", "-P", "x=0..1.0", "-P", "act=relu,tanh")


def run(server, job, *options, status=0, definition=DEFINITION, name="one"):
    """hone run with this program as the job; what it says."""
    file = server.tmp / "job.py"
    file.write_text(job)
    done = subprocess.run([os.environ["HONE"], "run", name, *definition, "--strategy", "random", *options, "--",
                           sys.executable, str(file), "{args}"], env=server.environment(), text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)
    expect(done.returncode, status, done.stdout + done.stderr)
    return done.stderr


def study(server, name="one"):
    return hone.Study.open(name, server.connect())


def test_a_job_finds_its_trial(tmp):
    with Served(tmp) as server:
        run(server, """
import hone, json, os, sys
assert hone.in_job()
t = hone.current_trial()
assert t is hone.current_trial()
told = [t.study_name, t.number, t.attempt, t.seed, t.params, t.resource_from, t.resource_to, t.until, t.resume]
open(os.path.join(os.path.dirname(sys.argv[0]), "told"), "w").write(json.dumps(told))
t.report(1, loss=t.params["x"], gap=float("nan"))
t.report({"loss": 0.25})
""", "--trials", "1")
        told = json.loads((tmp / "told").read_text())
        one = study(server).trials()[0]
        expect(told, ["one", 1, 1, one.seed, one.params, 0, None, None, False])
        expect((one.state, one.value, one.step), ("completed", 0.25, 2))


def test_a_job_goes_from_rung_to_rung(tmp):
    with Served(tmp) as server:
        run(server, """
import hone, os
with hone.current_trial() as t:
    file = os.path.join(t.checkpoint_dir, "state")
    done = int(open(file).read()) if t.resume else 0
    assert done == t.resource_from, (done, t.resource_from)
    for epoch in t.steps():
        done += 1
        open(file, "w").write(str(done))
        t.report(epoch, loss=t.params["x"])
""", "--trials", "9", "--resource", "epochs=1..9", "--strategy", "hyperband")
        found = study(server)
        expect((found.state, {one.state for one in found.trials()} <= {"completed", "pruned"}), ("finished", True))
        attempts = [one.attempt for one in found.trials()]
        expect(max(attempts) > 1, True, f"attempts {attempts}")


def test_a_job_is_told_to_stop(tmp):
    with Served(tmp) as server:
        for name, leaves in (("asks", "if t.should_stop(): break"), ("raises", "t.check()")):
            run(server, f"""
import hone
with hone.current_trial() as t:
    for step in range(1, 100):
        t.report(step, loss=100)
        {leaves}
""", "--trials", "1", "--stopping", "threshold,step=3,value=5", name=name, status=1)
            # hone run: no trial has ended with a value
            one = study(server, name).trials()[0]
            expect((one.state, one.step), ("pruned", 3), name)


def test_the_ways_out_of_a_job(tmp):
    with Served(tmp) as server:
        run(server, """
import hone
with hone.current_trial() as t:
    if t.number == 1:
        raise hone.Infeasible("no room")
    if t.number == 2:
        t.report(1, loss=2)
        raise hone.Pruned()
    if t.number == 3:
        raise KeyError("x")
    t.report(1, loss=1)
""", "--trials", "4", "--slots", "1")
        found = [(one.state, one.reason) for one in study(server).trials()]
        expect(found, [("infeasible", None), ("completed", None), ("failed", "exit_code"), ("completed", None)])
        detail = server.connect().request("GET", "/v1/studies/one/trials/3/attempts")["items"][0]["detail"]
        expect("KeyError: 'x'" in detail, True, detail)


def test_wrong_reports_of_a_job_are_told_to_it(tmp):
    with Served(tmp) as server:
        said = run(server, """
import hone
t = hone.current_trial()
for wrong in (None, "x", True, [1.0]):
    try:
        t.report(1, loss=wrong)
        raise SystemExit(f"{wrong!r} was taken")
    except TypeError as error:
        print(error)
for step in (-1, 1.5):
    try:
        t.report(step, loss=1)
        raise SystemExit(f"step {step} was taken")
    except hone.HoneError as error:
        print("refused:", error)
t.report(1, {"a b;c='d'": 1, "loss": 0.5})
""", "--trials", "1")
        one = study(server).trials()[0]
        expect((one.state, one.value), ("completed", 0.5), said)


def test_a_fork_of_a_job_reports_for_it(tmp):
    """As ranks or data loaders do."""
    with Served(tmp) as server:
        run(server, """
import hone, multiprocessing
t = hone.current_trial()
def rank(n):
    hone.current_trial().report(n, loss=n)
with multiprocessing.get_context("fork").Pool(3) as pool:
    pool.map(rank, range(1, 7))
t.report(9, loss=0)
""", "--trials", "1")
        one = study(server).trials()[0]
        expect((one.value, one.step), (0, 9))
        found = server.connect().walk("/v1/studies/one/trials/1/measurements")
        expect(sorted(item["step"] for item in found), [1, 2, 3, 4, 5, 6, 9])


def test_without_the_workers_socket_the_descriptor_does(tmp):
    with Served(tmp) as server:
        run(server, """
import os
del os.environ["HONE_REPORT_SOCKET"]
import hone
t = hone.current_trial()
t.report(1, loss=0.5)
os.environ.pop("HONE_METRICS_FD")
hone.job._current = None
hone.current_trial().report(2, {"loss": 0.25})  # a line of its output then
""", "--trials", "1")
        one = study(server).trials()[0]
        expect((one.value, one.step), (0.25, 2))


def test_a_program_that_is_no_job_says_so(tmp):
    out = python("import hone; assert not hone.in_job(); hone.current_trial()", environment(tmp), status=1)
    last = out.strip().splitlines()[-1]
    for part in ("hone.errors.NotInJob", "no job of a worker", "hone run or hone worker, or use hone.Study"):
        expect(part in last, True, last)


def test_a_broken_environment_is_told_of(tmp):
    file = tmp / "params.json"
    for text in (None, "", "{", "[]", '{"parameters": 3}', "\0" * 10):
        if text is not None:
            file.write_text(text)
        out = python("import hone; hone.current_trial()", environment(tmp, HONE_STUDY="a", HONE_TRIAL="1",
                     HONE_PARAMS_FILE=str(file)), status=1)
        expect(f"cannot be read from {file} (HONE_PARAMS_FILE)" in out.strip().splitlines()[-1], True, out)
    file.write_text('{"parameters": {"x": 1}}')
    out = python("import hone; t = hone.current_trial(); t.report(1, loss=2.0); print(t.params, t.should_stop())",
                 environment(tmp, HONE_STUDY="a", HONE_TRIAL="1", HONE_PARAMS_FILE=str(file)))
    expect(out, "hone: {\"step\": 1, \"loss\": 2.0}\n{'x': 1} False\n")


main(globals())
