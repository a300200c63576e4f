#!/usr/bin/env python3
"""The life of a leased trial: reports, its lease, a server that goes away, and every way to end."""

import decimal
import fractions
import gc
import io
import math
import os
import pathlib
import pickle
import sys
import tarfile
import threading
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, fails, main, wait_until  # noqa: E402
from fake_server import TOKEN  # noqa: E402
from lease_server import LeaseServer, Stranger  # noqa: E402
from served import CLIENT, SECONDS, Served, hone  # noqa: E402

from hone import checkpoint, trial as trial_module  # noqa: E402


def digits(server, **more):
    return hone.Study("digits", hone.Client(server.url, TOKEN, **more))


def make(client, **more):
    return hone.Study.create("one", {"x": hone.float(0, 1)}, metric="loss", strategy="random", client=client, **more)


class Scalar:
    """As numpy and torch have them."""

    def __init__(self, value):
        self.value = value

    def item(self):
        return self.value


class Array:
    def tolist(self):
        return [1.0, 2.0]

    def item(self):
        raise ValueError("can only convert an array of size 1 to a Python scalar")


# ---- reports ----

def test_numbers_of_any_kind_are_reported(_):
    with LeaseServer() as server:
        server.grants()
        trial = digits(server).ask()
        trial.report(1, accuracy=Scalar(0.5))
        trial.report(Scalar(2), {"val/loss": decimal.Decimal("0.25"), "step": 7})
        trial.report(step=3.0, accuracy=fractions.Fraction(1, 4), gap=math.nan)
        trial.report({"accuracy": math.inf, "n": 3})
        trial.report(accuracy=-math.inf)
        server.wait_for(lambda: len(server.measured) == 5)
        expect([(step, metrics) for _, step, metrics in server.measured],
               [(1, {"accuracy": 0.5}), (2, {"val/loss": 0.25, "step": 7}), (3, {"accuracy": 0.25, "gap": "NaN"}),
                (4, {"accuracy": "Infinity", "n": 3}), (5, {"accuracy": "-Infinity"})])
        trial.tell()


def test_what_is_no_number_is_named(_):
    with LeaseServer() as server:
        server.grants()
        trial = digits(server).ask()
        for wrong in (None, True, "0.5", b"1", [1.0], {}, object(), Array(), Scalar("text"), Scalar(Scalar(1)), 1j):
            fails(TypeError, lambda: trial.report(1, accuracy=wrong), "metric accuracy is ")
            fails(TypeError, lambda: trial.tell(wrong if wrong is not None and wrong != [1.0] and wrong != {} else "x"))
            fails(TypeError, lambda: trial.report(wrong if wrong not in (None, {}) else "x", accuracy=1.0), "step is ")
        fails(ValueError, lambda: trial.report(3), "without a metric")
        fails(TypeError, lambda: trial.report(1, {3: 1.0}), "names are text")
        expect(server.measured, [])
        fails(ValueError, lambda: trial.tell(1.0, state="done"), '"completed"')
        trial.tell(1)


def test_what_trials_of_other_tuners_have_is_pointed_to(_):
    with LeaseServer() as server:
        server.grants()
        trial = digits(server).ask()
        fails(AttributeError, lambda: trial.suggest_float("lr", 0, 1), "suggest_float", "trial.params['lr']")
        fails(AttributeError, lambda: trial.should_prune(), "should_stop()", "check()")
        fails(AttributeError, lambda: trial.lr, "'LeasedTrial' object has no attribute 'lr'")
        expect(hasattr(trial, "suggest_int"), False)
        expect(pickle.loads(pickle.dumps(trial)).params, trial.params)


def test_a_refused_report_says_why(tmp):
    with Served(tmp) as server, server.connect() as client:
        trial = make(client).ask()
        fails(hone.HoneError, lambda: trial.report(-1, loss=1.0), "step")
        fails(hone.HoneError, lambda: trial.report(1.5, loss=1.0), "step")
        fails(hone.HoneError, lambda: trial.report(1, {"": 1.0}))
        trial.report(1, {"\u00e9 \u4e16 ; drop 'x'": 2.0})
        fails(ValueError, lambda: trial.report(1, {"\ud800": 1.0}), "not Unicode")
        expect(trial.tell(0.5)["metrics"], {"loss": 0.5, "\u00e9 \u4e16 ; drop 'x'": 2})


def test_reports_from_many_threads(tmp):
    with Served(tmp) as server, server.connect() as client:
        trial = make(client).ask()
        threads = [threading.Thread(target=lambda n=n: [trial.report(n * 50 + i, loss=1.0) for i in range(50)])
                   for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        trial.tell()
        found = list(client.walk("/v1/studies/one/trials/1/measurements"))
        expect(sorted(one["step"] for one in found), list(range(300)))


# ---- the lease ----

def test_a_thread_keeps_the_lease(_):
    with LeaseServer() as server:
        server.grants(heartbeat=0.2)
        trial = digits(server).ask()
        server.wait_for(lambda: len(server.beats) >= 3)
        trial.tell(0.5)
        n = len(server.beats)
        server.grants(heartbeat=0.2)
        other = digits(server).ask()
        server.wait_for(lambda: server.beats.count(2) >= 3)
        expect(server.beats.count(1) <= n + 1, True, "renewals after the end")
        other.tell(0.5)


def test_a_trial_that_nobody_holds_is_not_kept(_):
    with LeaseServer() as server:
        server.grants(heartbeat=0.2)
        trial = digits(server).ask()
        server.wait_for(lambda: server.beats)
        del trial
        gc.collect()
        n = len(server.beats)
        server.grants(heartbeat=0.2)
        other = digits(server).ask()
        server.wait_for(lambda: server.beats.count(2) >= 4)
        expect(server.beats.count(1) <= n + 1, True, "renewals of a trial that is gone")
        other.tell(0.5)


def test_a_heartbeat_tells_to_stop(_):
    with LeaseServer() as server:
        server.grants(heartbeat=0.2, resource=(0, 9))
        trial = digits(server).ask()
        server.action = lambda lease, step: {"action": "pause"} if step is None else {"action": "continue", "until": 27}
        trial.report(1, accuracy=0.5)
        expect((trial.until, trial.resource_to), (27, 9))
        wait_until(trial.should_stop, "the pause is heard of")
        expect(trial.action, "pause")
        trial.tell()


def test_a_lease_of_another_version_is_borne(_):
    """Unknown members, also of actions, change nothing."""
    with LeaseServer() as server:
        server.grants(new_member={"a": [1]})
        server.action = lambda lease, step: {"action": "continue", "advice": {"deep": 1}, "until": None}
        with digits(server).trial() as trial:
            trial.report(1, accuracy=0.5)
        expect(len(server.results), 1)
        for missing in ("objectives", "study"):
            server.grants()
            del server.waiting[-1][missing]
            fails(hone.Unreachable, digits(server).ask, "is it a Hone server?")
        server.fails("ask", Stranger(200, b"<html>", "text/html"), Stranger(200, b'{"lease": 3}', "application/json"))
        fails(hone.Unreachable, digits(server).ask, "not as a Hone server does")
        fails(hone.Unreachable, digits(server).ask, "gave a lease that is none")


# ---- a server that goes away ----

def test_training_goes_on_while_the_server_is_away(_):
    with LeaseServer() as server:
        server.grants(heartbeat=0.2)
        study = digits(server)
        trial_module._REPORT_SECONDS, before = 0.3, trial_module._REPORT_SECONDS
        try:
            with study.trial() as trial:
                trial.report(1, accuracy=0.1)
                server.is_away = True
                began = time.monotonic()
                for step in range(2, 40):
                    trial.report(step, accuracy=step / 100)
                expect(time.monotonic() - began < 10, True, "seconds that reports held it up")
                server.is_away = False
                server.wait_for(lambda: len(server.measured) == 39)  # by itself, while it trains
        finally:
            trial_module._REPORT_SECONDS = before
        expect([step for _, step, _ in server.measured], list(range(1, 40)), "steps in order, each once")
        expect(server.results[0][1]["step"], 39)


def test_a_result_waits_for_the_server(tmp):
    """A real one, killed while the block trains, started again before it ends."""
    with Served(tmp) as server, server.connect() as client:
        study = make(client)
        with study.trial() as trial:
            trial.report(1, loss=0.5)
            server.kill()
            starter = threading.Timer(1.0, server.again)
            starter.start()
        starter.join()
        expect([(one.state, one.value) for one in study.trials()], [("completed", 0.5)])


def test_a_server_that_stays_away_is_told_of_and_the_result_can_be_told_again(_):
    with LeaseServer() as server:
        server.grants()
        study = digits(server)
        trial_module.RESULT_SECONDS, before = 0.5, trial_module.RESULT_SECONDS
        try:
            trial = study.ask()
            server.is_away = True
            fails(hone.Unreachable, lambda: study.tell(trial, 0.5), "does not answer")
            expect(trial.is_ended, False)
            server.is_away = False
            expect(study_state(trial.tell(0.5)), "completed")
        finally:
            trial_module.RESULT_SECONDS = before


def study_state(answer):
    return answer["state"]


# ---- ends ----

def test_the_same_end_again_is_harmless_and_another_is_refused(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client)
        trial = study.ask()
        trial.report(1, loss=3.0)
        first = study.tell(trial, 0.5)
        time.sleep(0.01)
        expect(study.tell(trial, 0.5).data, first.data)
        error = fails(hone.HoneError, lambda: study.tell(trial, 0.6))
        expect((error.type, study.trials()[0].value), ("result-conflict", 0.5))


def test_a_refused_result_can_be_corrected(tmp):
    with Served(tmp) as server, server.connect() as client:
        trial = make(client).ask()
        fails(hone.HoneError, lambda: trial.tell({"accuracy": 0.5}), "loss")
        fails(hone.HoneError, lambda: trial.tell(0.5, step=-3), "step")
        expect(trial.tell(0.5)["state"], "completed")


def test_a_cancelled_trial_ends_its_block_quietly(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client)
        with study.trial() as trial:
            client.request("PATCH", "/v1/studies/one/trials/1", {"state": "cancelled"})
            for step in trial.steps(100):
                trial.report(step, loss=1.0)
        expect((step, trial.action), (1, "abort"))
        expect(study.trials()[0].state, "cancelled")
        fails(hone.LeaseLost, lambda: study.tell(trial, 1.0))


def test_a_trial_that_was_taken_over_cannot_be_told(tmp):
    """Its worker was silent for longer than the lease; another one has the trial by then."""
    with Served(tmp, env={"HONE_TEST_CLOCK_SCALE": "1"}) as server, server.connect() as client:
        study = make(client)
        trial = study.ask()
        thief = pickle.loads(pickle.dumps(trial))
        thief.hand_back()  # what the server does when the lease runs out
        second = study.ask()
        expect((second.number, second.attempt), (1, 2))
        trial.report(1, loss=9.0)
        expect((trial.action, trial.should_stop()), ("abort", True))
        fails(hone.LeaseLost, lambda: study.tell(trial, 9.0))
        with trial:
            pass  # nothing is sent, nothing raised
        study.tell(second, 1.0)
        expect(study.best_value, 1.0)


def test_every_way_out_of_a_block(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client, limits={"failures": 100})

        def leave(error):
            with study.trial() as trial:
                if error is not None:
                    raise error
                trial.report(1, loss=1.0)

        leave(None)
        leave(hone.Infeasible("no memory"))
        fails(KeyError, lambda: leave(KeyError("x")))
        fails(MemoryError, lambda: leave(MemoryError()))
        fails(hone.HoneError, lambda: leave(hone.Pruned()), "without a value of loss")
        for error in (KeyboardInterrupt(), SystemExit(3)):
            fails(type(error), lambda: leave(error))
        found = [(one.state, one.reason) for one in study.trials()]
        expect(found, [("completed", None), ("infeasible", None), ("failed", "exception"), ("failed", "oom"),
                       ("failed", "no_metric"), ("queued", None)])


def test_told_within_a_block_is_told_once(tmp):
    with Served(tmp) as server, server.connect() as client:
        study = make(client)
        with study.trial() as trial:
            trial.report(1, loss=1.0)
            trial.tell(0.25, step=7)
        with study.trial() as trial:
            trial.hand_back()
        expect([(one.state, one.value, one.step) for one in study.trials()],
               [("completed", 0.25, 7), ("queued", None, None)])


def test_a_program_that_ends_hands_back_what_it_has(tmp):
    with Served(tmp) as server:
        server.run("""
import hone
study = hone.Study.create("one", {"x": hone.float(0, 1)}, metric="loss", strategy="random")
trials = [study.ask(), study.ask()]
study.tell(trials[0], 1.0)
""")
        expect([one.state for one in hone.Study.open("one", server.connect()).trials()], ["completed", "queued"])


def test_a_program_whose_server_is_away_ends_soon(tmp):
    with LeaseServer() as server:
        server.grants()
        began = time.monotonic()
        program = """
import hone, urllib.request
trial = hone.Study("digits", hone.connect()).ask()
print("leased", flush=True)
input()
"""
        import subprocess
        process = subprocess.Popen([sys.executable, "-c", program], text=True, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, env={**server.environment(tmp), "PYTHONPATH": str(CLIENT)})
        expect(process.stdout.readline(), "leased\n")
        server.is_away = True
        process.communicate("\n", timeout=SECONDS)
        expect((process.returncode, time.monotonic() - began < 40), (0, True))


# ---- processes ----

FORKS = """
import hone, os, sys
study = hone.Study.create("one", {"x": hone.float(0, 1)}, metric="loss", strategy="random")
with study.trial() as trial:
    trial.report(1, loss=3.0)
    pid = os.fork()
    if pid == 0:
        trial.report(2, loss=2.0)  # on a connection of its own
        sys.exit(0)                # through the block, which is the parent's
    assert os.waitpid(pid, 0)[1] == 0
    trial.report(3, loss=1.0)
print(study.trials()[0].state, study.trials()[0].value)
"""

POOL = """
import hone, multiprocessing

def train(trial):
    trial.report(1, loss=trial.params["x"])
    return trial.number, trial.tell()["state"]

if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        study = hone.Study.create(method, {"x": hone.float(0, 1)}, metric="loss", strategy="random")
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(pool.map(train, [study.ask() for _ in range(3)]))
        print([one.state for one in study.trials()])
"""


def test_a_fork_within_a_block_leaves_the_trial_to_its_parent(tmp):
    with Served(tmp) as server:
        expect(server.run(FORKS).split(), ["completed", "1.0"])


def test_trials_go_to_a_pool_of_processes(tmp):
    with Served(tmp) as server:
        (tmp / "pool.py").write_text(POOL)
        import subprocess
        done = subprocess.run([sys.executable, str(tmp / "pool.py")], env=server.environment(), text=True,
                              capture_output=True, timeout=SECONDS, check=False)
        expected = "[(1, 'completed'), (2, 'completed'), (3, 'completed')]\n['completed', 'completed', 'completed']\n"
        expect(done.stdout, expected * 3, done.stderr)


def test_an_ask_whose_answer_is_lost_takes_one_trial(_):
    with LeaseServer() as server:
        server.grants()
        server.grants()
        server.fails("ask", 503)
        trial = digits(server).ask()
        expect((trial.number, len(server.asks)), (1, 2))
        expect(server.asks[0]["request_id"], server.asks[1]["request_id"])
        trial.tell(1.0)


# ---- checkpoints ----

def test_a_paused_trial_goes_on_from_its_checkpoint(tmp):
    with Served(tmp) as server:
        program = """
import hone, os
study = hone.Study.create("rungs", {"x": hone.float(0, 1)}, metric="loss", strategy="hyperband",
                          resource={"name": "epochs", "max": 9}, limits={"trials": 9}, seed=1)
gone_on = 0  # with some seeds the best come last, and are known to go on before they would pause
def train(trial):
    global gone_on
    file = os.path.join(trial.checkpoint_dir, "state")
    done = int(open(file).read()) if trial.resume else 0
    assert done == trial.resource_from, (done, trial.resource_from)
    gone_on += trial.resume
    for epoch in trial.steps():
        done += 1
        open(file, "w").write(str(done))
        trial.report(epoch, loss=trial.params["x"])
study.optimize(train)
print(gone_on, sum(one.step for one in study.trials()))
"""
        gone_on, _ = map(int, server.run(program).split())
        expect(gone_on > 0, True, "trials that went on")
        root = pathlib.Path(server.environment()["XDG_STATE_HOME"]) / "hone/python"
        expect(root.is_dir(), True, "the work directory")


def lease(server, uri, start=3):
    server.grants(resource=(start, 9), checkpoint={"uri": uri, "step": start, "reach": "any"})
    return digits(server).ask()


def test_a_checkpoint_elsewhere_is_not_read(tmp):
    """A server, or who speaks for it, cannot have a file of this host copied or removed."""
    secret = tmp / "secret"
    secret.mkdir()
    (secret / "key").write_text("k")
    os.environ["HONE_WORKDIR"] = str(tmp / "work")
    os.environ["XDG_STATE_HOME"] = str(tmp / "state")
    try:
        with LeaseServer() as server:
            inside = tmp / "work" / server.url.split("//")[1].replace(":", "-") / "digits/1"
            (inside / "attempt-1").mkdir(parents=True)
            (inside / "attempt-1" / "state").write_text("7")
            for uri in (str(secret), f"{inside}/../../../../secret", "/nowhere", "", "sha512:x"):
                trial = lease(server, uri)
                expect((trial.resource_from, trial.resume, os.listdir(trial.checkpoint_dir)), (0, False, []), uri)
                trial.tell(1.0)
            trial = lease(server, str(inside / "attempt-1"))
            expect((trial.resource_from, os.listdir(trial.checkpoint_dir)), (3, ["state"]))
            trial.tell(1.0)
            expect(server.results[-1][1]["checkpoint"]["reach"], "host:" + checkpoint.host())
            server.grants(discard=[str(secret), str(inside / "attempt-1"), str(tmp / "work"), "/", ""])
            digits(server).ask().tell(1.0)
            expect(((secret / "key").exists(), (inside / "attempt-1").exists(), inside.exists()), (True, False, True))
    finally:
        del os.environ["HONE_WORKDIR"], os.environ["XDG_STATE_HOME"]


def packed(*members):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            if kind == tarfile.REGTYPE:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            else:
                member.linkname = content
                archive.addfile(member)
    return data.getvalue()


def test_an_uploaded_checkpoint_stays_in_its_folder(tmp):
    file, link = tarfile.REGTYPE, tarfile.SYMTYPE
    target = tmp / "to"
    target.mkdir()
    checkpoint._unpack(packed(("a/b", file, b"1"), ("c", file, b"2"), ("a/l", link, "../c")), str(target))
    expect(((target / "a/b").read_text(), (target / "a/l").read_text()), ("1", "2"))
    for members in ([("../out", file, b"x")], [("/tmp/out-of-hone", file, b"x")], [("l", link, "../..")],
                    [("l", link, "/etc")], [("a/../../out", file, b"x")]):
        fails(hone.HoneError, lambda: checkpoint._unpack(packed(*members), str(target)), "outside")
    # each of these links stays inside by its text; the second leads out by way of the first
    leads_out = [("d/e", link, ".."), ("m", link, "d/e/..")]
    fails(OSError, lambda: checkpoint._unpack(packed(*leads_out, ("m/out", file, b"x")), str(tmp / "two")))
    fails(hone.HoneError, lambda: checkpoint._unpack(packed(*leads_out, ("m/out", link, "x")), str(tmp / "three")),
          "outside")
    expect(os.path.lexists(tmp / "out"), False, "written through a link")
    expect(sorted(path.name for path in tmp.iterdir()), ["three", "to", "two"])


def test_a_name_from_the_server_is_no_path(tmp):
    os.environ["HONE_WORKDIR"] = str(tmp / "work")
    try:
        with LeaseServer() as server:
            for name in ("../../../escape", "/etc", "..", "", "a\0b"):
                server.grants()
                server.waiting[-1]["study"] = name
                trial = digits(server).ask()
                folder = os.path.realpath(trial.checkpoint_dir)
                expect(folder.startswith(os.path.realpath(tmp / "work") + os.sep), True, folder)
                trial.tell(1.0)
    finally:
        del os.environ["HONE_WORKDIR"]


main(globals())
