#!/usr/bin/env python3
"""hone run and the other verbs of people, against real servers."""

import csv
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main, script  # noqa: E402
from hone import Server  # noqa: E402

HONE = os.environ["HONE"]
SECONDS = 120  # a bound against hanging

DEFINITION = ["--maximize", "score", "-P", "x=-1.5..1.5", "-P", "n=int:1..8", "--trials", "6",
              "--seed", "3"]
TRAIN = ["sh", "-c", 'echo "hone: step=1 score=$1"', "train", "{x}"]
FOREVER = ["sh", "-c", 'echo $$ >>"$0"; exec sleep 600']


def contains(text, *parts):
    for part in parts:
        if part not in text:
            raise AssertionError(f"{part!r} is not in {text!r}")


def wait_until(claim, what):
    deadline = time.monotonic() + SECONDS
    while not claim():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {SECONDS} s: {what}")
        time.sleep(0.05)


def is_alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


class Account:
    """Somebody without HONE_URL; the private server is gone when this is."""

    def __init__(self, tmp, **more):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HONE_") or k == "HONE_ALLOW_ROOT"}
        self.state = tmp / "state/hone"
        self.environment = {**kept, "XDG_STATE_HOME": str(tmp / "state"), **more}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end_server()

    def end_server(self):
        lock = self.state / "data/lock"
        if lock.exists():
            pid = int(re.match(r"\d+", lock.read_text()).group())
            if is_alive(pid):
                os.kill(pid, signal.SIGTERM)
                wait_until(lambda: not is_alive(pid), "the private server leaves")

    def hone(self, *arguments, status=0, stdin=""):
        done = subprocess.run([HONE, *arguments], env=self.environment, input=stdin, text=True,
                              capture_output=True, timeout=SECONDS, check=False)
        expect(done.returncode, status, f"status of {arguments}: {done.stdout}{done.stderr}")
        return done.stdout, done.stderr

    def start(self, *arguments):
        return subprocess.Popen([HONE, *arguments], env=self.environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def study(self, name):
        return json.loads(self.hone("study", "show", name, "-o", "json")[0])

    def trials(self, name):
        return json.loads(self.hone("study", "trials", name, "-o", "json")[0])


class AtServer(Account):
    """Somebody with a server and a token for it."""

    def __init__(self, tmp, server):
        super().__init__(tmp, HONE_URL=server.url)
        self.server = server
        self.use_token("admin")

    def use_token(self, name):
        self.environment["HONE_TOKEN_FILE"] = os.path.join(self.server.data, f"{name}.token")


# ---- advise ----

def test_advice_comes_from_a_private_server_too(tmp):
    with Account(tmp) as account:
        page, talk = account.hone("advise", "-P", "lr=log:1e-5..1e-1")
        contains(talk, "started the private server")
        contains(page, "RANK  STRATEGY", "\n  hone run advised -P lr=log:1e-5..1e-1 ")


# ---- run ----

def test_run_tunes_on_a_private_server_and_goes_on_where_it_was(tmp):
    with Account(tmp) as account:
        command = ["run", "first", *DEFINITION, "--slots", "2", "--", *TRAIN]
        out, talk = account.hone(*command)
        expect("kill boundary" in talk, False, "how jobs are held together")
        contains(talk, "started the private server", "the strategy is auto: bayesian; ",
                 "first: finished (trials), 6/6 done")
        trials = account.trials("first")
        expect([trial["state"] for trial in trials], ["completed"] * 6)
        best = max(trials, key=lambda trial: trial["value"])
        expect(dict(line.split() for line in out.splitlines()),
               {"trial": str(best["number"]), "score": repr(best["value"]),
                "x": repr(best["parameters"]["x"]), "n": str(best["parameters"]["n"])})
        contains(talk, f"this was: sh -c 'echo \"hone: step=1 score=$1\"' train "
                       f"{best['parameters']['x']!r}\n")
        again, talk = account.hone(*command)
        contains(talk, "joined the private server", "going on with study 'first', 6 trials done")
        expect(again, out)
        expect(len(account.trials("first")), 6, "trials after the second run")
        for _ in range(2):
            _, talk = account.hone("run", "first", *DEFINITION, "--trials", "8", "--", *TRAIN)
            expect(len(account.trials("first")), 8, "trials after the limit was raised")
        contains(talk, "going on with study 'first', 8 trials done")
        _, talk = account.hone("run", "first", *DEFINITION, "--trials", "7", "--", *TRAIN, status=4)
        contains(talk, "limits.trials: 8 there, 7 here")
        account.hone(*command)  # the definition first accepted is still the one


def test_yesterdays_study_is_found_without_its_run_line(tmp):
    """The private server leaves when it is idle, and has another port the next time."""
    job = ["sh", "-c", 'printf "hone: score=%s\\n" "$1"', "train", "{x}"]
    with Account(tmp) as account:
        account.hone("run", "first", *DEFINITION, "--", *job)
        account.end_server()
        out, talk = account.hone("study", "best", "first")
        contains(talk, "started the private server")
        contains(out, "score ")
        account.end_server()
        account.hone("run", "second", *DEFINITION, "--", *job)
        folders = {path.name for path in (account.state / "work").iterdir()} - {"workers"}
        expect(folders, {"private"}, "folders of servers")


def test_the_private_server_is_started_found_and_stopped_by_hand(tmp):
    with Account(tmp) as account:
        contains(account.hone("server", "status", status=3)[1], "no private server runs; 'hone server start'")
        contains(account.hone("server", "stop", status=3)[1], "no private server runs")
        expect(account.state.exists(), False, "files of who starts nothing")
        started = json.loads(account.hone("server", "start", "-o", "json")[0])
        expect(started.pop("started"), True, "started")
        for name in ("token_file", "worker_token_file", "log_file"):
            expect(pathlib.Path(started[name]).exists(), True, name)
        for words in (("start",), ("status",)):
            found = json.loads(account.hone("server", *words, "-o", "json")[0])
            expect(found, {**started, "started": False}, f"server {words}")
        lines = account.hone("server", "status", "--width", "40")[0].splitlines()  # paths are whole all the same
        expect([line.split("  ")[-1].strip() for line in lines], [started["url"], started["token_file"]])
        account.hone("study", "create", "kept", *DEFINITION)
        pid = int((account.state / "data/lock").read_text())
        _, talk = account.hone("server", "stop")
        contains(talk, f"stopped the private server at {started['url']}; its studies stay")
        expect(is_alive(pid), False, "it runs")
        account.hone("server", "start")
        expect(account.study("kept")["name"], "kept")


def test_a_server_whose_process_is_not_known_is_not_stopped(tmp):
    """The lock says who serves; another number there must not be killed."""
    with Account(tmp) as account:
        account.hone("server", "start")
        lock = account.state / "data/lock"
        said = lock.read_text()
        for wrong in ("", "1\n", "-1\n", "0\n", "999999999\n", "12 34\n", "word\n"):
            lock.write_text(wrong)
            contains(account.hone("server", "stop", status=1)[1], "does not say which process serves")
        lock.write_text(said)
        account.hone("server", "stop")


def test_an_interrupted_run_hands_its_trials_back_and_leaves_nothing(tmp):
    with Account(tmp) as account:
        pids = tmp / "pids"
        run = account.start("run", "slow", *DEFINITION, "--slots", "2", "--", *FOREVER, str(pids))
        wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2, "two jobs run")
        run.send_signal(signal.SIGINT)
        out, talk = run.communicate(timeout=SECONDS)
        expect((run.returncode, out), (130, ""), talk)
        contains(talk, "the same command goes on")
        for pid in pids.read_text().split():
            expect(is_alive(int(pid)), False, "a job is alive")
        counts = account.study("slow")["counts"]
        expect((counts.get("running", 0), counts.get("queued", 0)), (0, 2), counts)


def test_a_killed_run_takes_its_worker_along(tmp):
    with Account(tmp) as account:
        pids = tmp / "pids"
        run = account.start("run", "slow", *DEFINITION, "--", *FOREVER, str(pids))
        wait_until(lambda: pids.exists() and pids.read_text().strip() != "", "a job runs")
        run.kill()
        run.communicate()
        wait_until(lambda: not is_alive(int(pids.read_text())), "the job ends")
        wait_until(lambda: account.study("slow")["counts"].get("running", 0) == 0,
                   "the trial is handed back")


def test_failures_are_reported_and_no_value_is_a_failure(tmp):
    with Account(tmp) as account:
        out, talk = account.hone("run", "bad", *DEFINITION, "--", "sh", "-c",
                                 "echo out of luck >&2; exit 7", status=1)
        expect(out, "")
        contains(talk, "trial 1 failed", "out of luck", "no trial of 'bad' has a value")


def test_a_failed_trial_is_explained_afterwards(tmp):
    job = ["sh", "-c", "echo loading; echo out of memory >&2; exit 1"]
    with Account(tmp) as account:
        account.hone("run", "bad", *DEFINITION, "--trials", "1", "--", *job, status=1)
        log = account.state / "work/private/bad/1/attempt-1.log"
        for verb in (["study", "explain"], ["trial", "show"]):
            out, talk = account.hone(*verb, "bad", "1")
            contains(out, "attempt 1 failed (exit_code) on ", "  exit status 1\n", "  out of memory\n",
                     f"  its output is in {log}\n")
            contains(talk, "hone logs bad 1")
            if verb[1] == "explain":  # why it failed stands before why it was tried
                expect(out.index("attempt 1 failed") < out.index("why this one"), True, out)
        expect(sorted(log.read_text().splitlines()), ["loading", "out of memory"])


def test_a_try_points_at_the_result_and_not_at_an_argument(tmp):
    with Account(tmp) as account:
        for printed, option in [
                ("training with lr=0.1\\nepoch 1 accuracy: 0.88", "'accuracy=\\baccuracy:\\s+(\\S+)'"),
                ("lr=0.3\\nepoch 1 of 3\\nresult: 5", "'result=\\bresult:\\s+(\\S+)'")]:
            out, _ = account.hone("worker", "--try", "--", "printf", printed, status=1)
            contains(out, f"--metric {option}\n")


def test_one_trial_is_added_cancelled_and_tried_again(tmp):
    with Server() as server, AtServer(tmp, server) as account:
        account.hone("study", "create", "one", *DEFINITION)
        _, talk = account.hone("trial", "add", "one", "x=0.5,n=2")
        contains(talk, "trial 1 of 'one' is tried next")
        _, talk = account.hone("trial", "add", "one", '{"x": 1, "n": 3}', "--result", "score=7")
        contains(talk, "trial 2 of 'one' is added with its result")
        account.hone("trial", "cancel", "one", "1")
        expect([trial["state"] for trial in account.trials("one")], ["cancelled", "completed"])
        out, _ = account.hone("study", "best", "one", "-o", "name")
        expect(out, "2\n")
        out, _ = account.hone("trial", "show", "one", "2")
        contains(out, "trial        2\nstate        completed\n", "score        7\n", "x            1\n")
        account.hone("trial", "retry", "one", "1", status=4)
        account.hone("trial", "show", "one", "3", status=3)
        account.hone("trial", "add", "one", "x", status=2)


def test_a_failed_trial_is_queued_again(tmp):
    with Account(tmp) as account:
        job = ["sh", "-c", "exit 1"]
        account.hone("run", "bad", *DEFINITION, "--trials", "1", "--", *job, status=1)
        _, talk = account.hone("trial", "retry", "bad", "1")
        contains(talk, "trial 1 of 'bad' is queued again")
        expect(account.trials("bad")[0]["state"], "queued")


def test_history_is_a_chart_and_a_list_and_all_is_exported(tmp):
    with Server() as server, AtServer(tmp, server) as account:
        account.hone("study", "create", "h", *DEFINITION)
        for n, score in enumerate((1, 3, 2, 5), 1):
            account.hone("trial", "add", "h", f"x=0.{n},n={n}", "--result", f"score={score}")
        out, _ = account.hone("study", "history", "h")
        contains(out, "best score, by trial\n", "5 ┤", "1 ┤────", "TRIAL  SCORE")
        rows = list(csv.DictReader(io.StringIO(account.hone("study", "history", "h", "-o", "csv")[0])))
        expect([row["number"] for row in rows], ["1", "2", "4"])
        whole, _ = account.hone("study", "export", "h")
        expect(whole, account.hone("study", "trials", "h", "-o", "csv")[0])
        expect(len(whole.splitlines()), 5)
        lines, _ = account.hone("study", "export", "h", "-o", "ndjson")
        expect([json.loads(line)["value"] for line in lines.splitlines()], [1, 3, 2, 5])


def test_a_workers_log_names_values_and_the_best(tmp):
    job = script(tmp, "n=$(cat {0} 2>/dev/null || echo 0); echo $((n + 1)) >{0}\n"
                      "set -- 3 1 4\nshift $n\necho hone: score=$1\n".format(tmp / "n"))
    with Server() as server, AtServer(tmp, server) as account:
        account.hone("study", "create", "named", "--maximize", "score", "-P", "x=0..1.0", "--trials", "3")
        account.use_token("worker")
        _, talk = account.hone("worker", "--study", "named", "--exit-when-finished", "--", job)
        contains(talk, f'waiting for trials of study "named" at {server.url}, 1 at once',
                 "named #1 (slot 0): completed, score 3, the best here so far",
                 "named #2 (slot 0): completed, score 1; the best here is 3 (#1)",
                 "named #3 (slot 0): completed, score 4, the best here so far")
        account.use_token("admin")
        out, _ = account.hone("workers")
        contains(out, "COMPLETED", "PER HOUR", "LAST REPORT")
        columns = out.split("\n")[0].split()
        assert columns[:4] == ["NAME", "STATE", "PER", "HOUR"], "40 columns have room for no more"


def test_the_server_may_be_named_in_front_of_the_verb(tmp):
    with Server() as server, Account(tmp) as account:
        token = ["--token-file", os.path.join(server.data, "admin.token")]
        account.hone("--server", server.url, *token, "study", "create", "early", *DEFINITION)
        out, _ = account.hone(f"--server={server.url}", *token, "study", "list", "-o", "name")
        expect(out, "early\n")
        _, talk = account.hone("--server", server.url, status=2)
        contains(talk, "say what to do")
        out, talk = account.hone(status=2)
        expect((out, talk), (account.hone("help")[0], ""), "hone alone lists its verbs")


def test_a_program_that_never_has_a_value_ends_the_study(tmp):
    with Account(tmp) as account:
        _, talk = account.hone("run", "inf", "--minimize", "loss", "-P", "x=0..1.0", "--", "sh", "-c",
                               "echo 'hone: loss=inf'", status=1)
        contains(talk, "finished (failures), 5 done", "'inf' is finished: the first 5 trials failed")
        expect(account.study("inf")["counts"]["failed"], 5)
        out, _ = account.hone("study", "show", "inf")
        contains(out, "finished (failures): the first 5 trials failed",
                 "mend the cause, then 'hone study retry NAME'")


def test_a_value_that_is_not_finite_is_reported(tmp):
    with Account(tmp) as account:
        _, talk = account.hone("run", "inf", "--minimize", "loss", "-P", "x=0..1.0", "--trials", "1",
                               "--", "sh", "-c", "echo 'hone: step=4 loss=nan'", status=1)
        contains(talk, "trial 1 failed: the value of loss is NaN, reported at step 4")


def failed_in(account, name):
    done = subprocess.run([HONE, "study", "show", name, "-o", "json"], env=account.environment,
                          capture_output=True, text=True, timeout=SECONDS, check=False)
    return json.loads(done.stdout)["counts"].get("failed", 0) if done.returncode == 0 else 0


SERVE = ["sh", "-c", 'echo "hone: throughput=$0 p99_ms=$(($0 * 6))"', "{batch}"]
BOUNDED = ["--maximize", "throughput", "-P", "batch=int:1..128", "--trials", "5", "--seed", "3",
           "--strategy", "grid", "--subject-to"]


def test_a_run_recommends_another_trial_than_a_lucky_one(tmp):
    noisy = "n=$1; echo hone: loss=$(((n - 20) * (n - 20) + (n * 7919 % 101 - 50) * 5 - 600 * (n == 34)))"
    with Account(tmp) as account:
        out, _ = account.hone("run", "noisy", "--minimize", "loss", "-P", "n=int:1..60", "--strategy", "grid",
                              "--trials", "60", "--", "sh", "-c", noisy, "sh", "{n}")
        contains(out, "n            34\n", "recommended  the -249 of trial ", " is likely a lucky one")


def test_the_best_of_a_run_satisfies_its_bound(tmp):
    with Account(tmp) as account:
        definition = [*BOUNDED, "p99_ms<=500", "--trials", "128"]
        out, talk = account.hone("run", "serve", *definition, "--", *SERVE)
        contains(out, "throughput   83\n", "p99_ms       498\n", "83 of 128 completed trials are feasible")
        contains(talk, "this was: sh -c", "83 of 128 completed trials are feasible")
        contains(account.hone("study", "show", "serve")[0], "subject to   p99_ms <= 500\n",
                 "feasible     83 of 128 completed trials are feasible\n")
        out, _ = account.hone("study", "trials", "serve", "--sort", "best", "--limit", "84")
        rows = [line.split() for line in out.splitlines()[-2:]]
        expect(rows[0][-3:], ["yes", "6", "1"])
        expect(rows[1][-3], "no")
        contains(account.hone("study", "explain", "serve", rows[1][0])[0],
                 f"p99_ms {rows[1][-2]} violates p99_ms <= 500 by {int(rows[1][-2]) - 500}\n")


def test_a_run_whose_trials_all_violate_says_which_is_nearest(tmp):
    with Account(tmp) as account:
        out, talk = account.hone("run", "tight", *BOUNDED, "p99_ms <= 5", "--", *SERVE, status=1)
        expect(out, "")
        nearest = re.search("the nearest is trial ([1-5]): p99_ms 6 violates p99_ms <= 5 by 1;", talk)
        contains(talk, "none of 5 completed trials is feasible", f"hone study explain tight {nearest[1]}'")
        contains(account.hone("study", "best", "tight", status=3)[1], "none of 5 completed trials is feasible")
        contains(account.hone("study", "history", "tight")[1], "no trial is known to be feasible yet")


def test_a_front_holds_what_is_feasible(tmp):
    with Account(tmp) as account:
        two = ["--maximize", "throughput", "--minimize", "p99_ms", "-P", "batch=int:1..8", "--strategy", "grid"]
        _, talk = account.hone("run", "front", *two, "--subject-to", "p99_ms <= 24", "--", *SERVE)
        contains(talk, "4 of 8 completed trials are feasible; 'hone study best front' shows")
        out, _ = account.hone("study", "best", "front", "-o", "json")
        expect(sorted(trial["parameters"]["batch"] for trial in json.loads(out)), [1, 2, 3, 4])
        _, talk = account.hone("run", "none", *two, "--subject-to", "p99_ms <= 1", "--", *SERVE, status=1)
        contains(talk, "none of 8 completed trials is feasible; 'hone study explain none 1'")
        out, talk = account.hone("study", "best", "none", status=3)
        expect(out, "")
        contains(talk, "none of 8 completed trials is feasible")


def test_a_workers_log_leaves_out_of_the_best_what_is_not_feasible(tmp):
    with Server() as server, AtServer(tmp, server) as account:
        account.hone("study", "create", "limited", "--maximize", "throughput", "-P", "batch=int:83..84",
                     "--strategy", "grid", "--subject-to", "p99_ms <= 500")
        account.use_token("worker")
        _, talk = account.hone("worker", "--study", "limited", "--exit-when-finished", "--", *SERVE)
        contains(talk, "completed, throughput 84, not known to be feasible",
                 "completed, throughput 83, the best here so far")


def test_a_bounded_metric_that_is_never_reported_is_pointed_out(tmp):
    with Account(tmp) as account:
        _, talk = account.hone("run", "typo", *BOUNDED, "p99 <= 500", "--", *SERVE, status=1)
        contains(talk, "no trial has reported p99, which subject_to names; reported were throughput and p99_ms")
        contains(account.hone("study", "show", "typo")[0], "no trial has reported p99")
        out, _ = account.hone("worker", "--try", "--study", "typo", "--", *SERVE, status=1)
        contains(out, "p99, which subject_to names, was not reported\n")
        _, talk = account.hone("run", "bad", *BOUNDED, "p99_ms < 500", "--", *SERVE, status=2)
        contains(talk, "--subject-to 'p99_ms < 500': has <; write <=")


def test_a_run_whose_slot_waits_leaves_when_the_study_is_over(tmp):
    """After some failures the slot waits longer and longer before it asks again."""
    with Account(tmp) as account:
        run = account.start("run", "bad", *DEFINITION, "--trials", "100", "--failures", "50", "--",
                            "sh", "-c", "exit 7")
        wait_until(lambda: (tmp / "state").exists() and (account.state / "data/lock").exists(),
                   "the server")
        wait_until(lambda: failed_in(account, "bad") >= 5, "five failures")
        account.hone("study", "stop", "bad")
        out, talk = run.communicate(timeout=SECONDS)
        expect(run.returncode, 1, talk)
        expect(talk.count("bad: stopped"), 1, talk)


def test_run_says_what_it_cannot_learn(tmp):
    job = ["sh", "-c", "echo hone: loss=1"]
    with Account(tmp) as account:
        account.hone("run", "old", "--minimize", "loss", "-P", "x=0..1.0", "-P", "k=a,b", "--trials", "1",
                     "--", *job)
        _, talk = account.hone("run", "new", "--minimize", "loss", "-P", "x=0..1.0", "-P", "k=int:1..3",
                               "--trials", "1", "--after", "old", "--", *job)
        words = ("nothing about k is learned from 'old': it is a choice there and a number here, and "
                 "none of its choices is a number")
        contains(talk, "hone: " + words)
        contains(account.hone("study", "show", "new")[0], words)


def test_steps_that_begin_again_leave_their_last_values(tmp):
    """Two folds of three steps, and a check before the training; the agent may have sent what is
    printed before the control file is written anew."""
    folds = """for v in 11 12 13 21 22 23; do echo "hone: step=$((v % 10)) loss=$v"; done"""
    check = """echo hone: step=0 loss=99
until grep -q action "$HONE_CONTROL_FILE"; do sleep 0.01; done
echo hone: step=0 loss=0.5"""
    with Account(tmp) as account:
        for name, job, value in (("folds", folds, 23), ("check", check, 0.5)):
            account.hone("run", name, "--minimize", "loss", "-P", "x=0..1.0", "--trials", "1", "--",
                         "sh", "-c", job)
            expect([trial["value"] for trial in account.trials(name)], [value], name)


def test_a_study_that_is_deleted_meanwhile_ends_the_run(tmp):
    with Account(tmp) as account:
        pids = tmp / "pids"
        run = account.start("run", "gone", *DEFINITION, "--", *FOREVER, str(pids))
        wait_until(lambda: pids.exists() and pids.read_text().strip() != "", "a job runs")
        account.hone("study", "delete", "gone", "--yes", "--force")
        out, talk = run.communicate(timeout=SECONDS)
        expect(run.returncode, 3, talk)
        expect(is_alive(int(pids.read_text())), False, "the job is alive")


def test_run_tells_which_parameters_the_command_does_not_name(tmp):
    with Account(tmp) as account:
        _, said = account.hone("run", "s", *DEFINITION, "--", *TRAIN)
        expect(said.count("the command names some parameters, but not: n;"), 1, said)


def test_run_tells_that_the_command_names_no_parameter(tmp):
    with Account(tmp) as account:
        _, said = account.hone("run", "s", *DEFINITION, "--trials", "1", "--", "echo", "hone: score=1")
        expect(said.count("the command names no parameter ({args} stands for all)"), 1, said)
        _, said = account.hone("run", "t", *DEFINITION, "--trials", "1", "--", *TRAIN)
        expect(said.count("names no parameter"), 0, said)


def test_run_passes_all_parameters_on(tmp):
    with Account(tmp) as account:
        job = ["sh", "-c", "echo $2 | grep -q '^--n=[1-8]$'; echo hone: score=$?", "train", "{args}"]
        _, said = account.hone("run", "s", *DEFINITION, "--", *job)
        contains(said, "train --x=")
        expect({trial["value"] for trial in account.trials("s")}, {0})
        expect(account.study("s")["counts"]["completed"], 6)


def test_a_goal_is_given_for_one_of_several_objectives(tmp):
    both = ["--minimize", "loss", "--maximize", "speed", "-P", "x=float:0..1"]
    with Server() as server, AtServer(tmp, server) as account:
        account.hone("study", "create", "two", *both, "--goal", "loss <= 0.1", "--goal", "speed>=30")
        expect([one["goal"] for one in account.study("two")["objectives"]], [0.1, 30])
        contains(account.hone("study", "create", "two", *both, "--goal", "loss<=.1", "--goal", "speed>=30")[0],
                 "two")
        for goal, said in (("loss >= 0.1", "loss is minimized, so that its goal is 'loss <= ...'"),
                           ("los <= 1", "los is no objective"), ("loss", "--goal 'loss': has neither")):
            contains(account.hone("study", "create", "bad", *both, "--goal", goal, status=2)[1], said)
        twice = ["--goal", "loss<=1", "--goal", "loss<=2"]
        contains(account.hone("study", "create", "bad", *both, *twice, status=2)[1], "has a goal already")
        contains(account.hone("study", "create", "bad", "--minimize", "loss", "-P", "x=float:0..1", "--goal", "loss<=1",
                              status=2)[1], "--target ends a study with one")


def test_run_works_on_the_server_that_is_named(tmp):
    with Server() as server, AtServer(tmp, server) as account:
        token = tmp / "both.token"
        account.hone("token", "create", "both", "--scope", "submit", "--scope", "worker",
                     "--save", str(token))
        _, talk = account.hone("run", "named", *DEFINITION, "--", *TRAIN, status=1)
        contains(talk, "--scope submit --scope worker", "nothing was created")  # an admin's token is no worker's
        expect(account.hone("study", "list")[0], "")
        account.environment["HONE_TOKEN_FILE"] = str(token)
        out, talk = account.hone("run", "named", *DEFINITION, "--quiet", "-o", "json", "--", *TRAIN)
        expect(json.loads(out)["trial"]["state"], "completed")
        expect(account.state.exists() and (account.state / "data").exists(), False, "private data")


def test_a_run_in_rungs_is_drawn_and_explained(tmp):
    with Account(tmp) as account:
        account.hone("run", "rungs", *DEFINITION[:-4], "--trials", "9", "--strategy",
                     "successive_halving,eta=3", "--resource", "epochs=1..9", "--slots", "3", "-q",
                     "--", "sh", "-c", 'echo "hone: step=$1 score=$2"', "train", "{resource.to}",
                     "{x}")
        out, _ = account.hone("study", "brackets", "rungs", "--all")
        contains(out, "rungs  successive_halving, eta 3: 1 bracket, 0 open; trained ",
                 " 1 epoch   ███████████████████████████  9 of 9, 3 promoted",
                 " 9 epochs  ███                          1 of 1")
        (winner,) = [trial for trial in account.trials("rungs") if trial["state"] == "completed"]
        out, _ = account.hone("study", "explain", "rungs", str(winner["number"]))
        contains(out, f"trial {winner['number']} is completed", "at 3 epochs was number 1 of 3")


# Trains in quarters of an epoch; everything that it is told by is the same decimal.
QUARTERS = r"""
from=$1 to=$2 x=$3
[ "$from $to" = "$HONE_RESOURCE_FROM $HONE_RESOURCE_TO" ] || exit 1
grep -q "\"until\":$to[,}]" "$HONE_CONTROL_FILE" || exit 1
grep -q "\"from\":$from,\"to\":$to," "$HONE_PARAMS_FILE" || exit 1
[ "$from" = 0 ] || [ "$(cat "$HONE_CHECKPOINT_DIR/at")" = "$from" ] || exit 1
awk -v a="$from" -v b="$to" -v x="$x" \
    'BEGIN { for (s = a + 0.25; s <= b; s += 0.25) print "Epoch " s ": score " (x - 0.5)^2 + 1 / s }'
echo "$to" >"$HONE_CHECKPOINT_DIR/at"
"""


def test_a_run_in_quarters_of_an_epoch(tmp):
    job = tmp / "train.sh"
    job.write_text(QUARTERS)
    with Account(tmp) as account:
        account.hone("run", "quarters", "--minimize", "score", "-P", "x=float:0..1", "--seed", "1",
                     "--strategy", "successive_halving,eta=2.5,rounds=1", "--slots", "2", "-q",
                     "--resource", "epochs=0.25..4:0.25", "--step-regex", r"^Epoch ([0-9.]+):",
                     "--metric", r"score=score (\S+)", "--",
                     "sh", str(job), "{resource.from}", "{resource.to}", "{x}")
        trials = account.trials("quarters")
        expect(sorted(trial["step"] for trial in trials), [0.25] * 10 + [0.75] * 4 + [1.5, 4])
        (winner,) = [trial for trial in trials if trial["state"] == "completed"]
        expect(winner["value"], round((winner["parameters"]["x"] - 0.5) ** 2 + 1 / 4, 6))
        out, _ = account.hone("study", "brackets", "quarters", "--all")
        contains(out, "quarters  successive_halving, eta 2.5: 1 bracket, 0 open; trained 11 of 64 epochs",
                 "  0.25 epochs  ", " 16 of 16, 6 promoted", "  0.75 epochs  ", " 6 of 6, 2 promoted",
                 "   1.5 epochs  ", "     4 epochs  ")
        out, _ = account.hone("study", "trials", "quarters", "-o", "csv")
        assert {line.split(",")[4] for line in out.splitlines()[1:]} == {"0.25", "0.75", "1.5", "4"}, out
        out, _ = account.hone("study", "explain", "quarters", str(winner["number"]))
        contains(out, "value     step 0.25, value ", "promote   step 0.75: promoted: ",
                 " at 1.5 epochs was number 1 of 2")
        out, _ = account.hone("study", "show", "quarters")
        contains(out, "resource     epochs 0.25..4, in steps of 0.25\n")


# ---- the other verbs ----

YAML = """
name: table
objectives: [{metric: score, direction: minimize}]
parameters:
  - {name: lr, type: float, low: 1e-5, high: 1e-1, scale: log}
  - {name: kernel, type: categorical, choices: [rbf, poly]}
  - {name: degree, type: int, low: 2, high: 5, when: {kernel: [poly]}}
strategy: random
limits: {trials: 5}
seed: 1
"""


def test_a_study_from_yaml_is_worked_on_and_read_in_every_format(tmp):
    with Server() as server, AtServer(tmp, server) as account:
        expect(account.hone("study", "create", "-f", "-", stdin=YAML)[0], "table\n")
        _, talk = account.hone("study", "create", "-f", "-", stdin=YAML)
        contains(talk, "was there already")
        account.use_token("worker")
        account.hone("worker", "--study", "table", "--exit-when-finished", "--", "sh", "-c",
                     'echo "hone: score=$0"', "{lr}")
        account.use_token("admin")
        trials = account.trials("table")
        expect(len(trials), 5)
        rows = list(csv.DictReader(io.StringIO(
            account.hone("study", "trials", "table", "-o", "csv", "--sort", "best")[0])))
        values = [float(row["value"]) for row in rows]
        expect(values, sorted(trial["value"] for trial in trials))
        expect({row["parameters.degree"] != "" for row in rows if row["parameters.kernel"] == "rbf"}
               - {False}, set(), "inactive parameters")
        out, _ = account.hone("study", "best", "table", "-o", "json")
        expect(json.loads(out)["trial"]["value"], values[0])
        out, _ = account.hone("study", "show", "table")
        contains(out, "state        finished (trials)", "degree  int 2..5, when kernel is poly")
        out, _ = account.hone("study", "watch", "table")
        contains(out, "table: finished (trials), 5/5 done")
        expect(account.hone("study", "list", "-o", "name")[0], "table\n")
        out, _ = account.hone("study", "show", "table", "--curl")
        expect(json.loads(subprocess.run(["sh", "-c", out], capture_output=True, check=True,
                                         text=True).stdout)["name"], "table")


def test_a_study_is_steered(tmp):
    with Server() as server, AtServer(tmp, server) as account:
        account.hone("study", "create", "steered", *DEFINITION)
        for verb, state in [("pause", "paused"), ("resume", "running"), ("stop", "stopped"),
                            ("resume", "running")]:
            account.hone("study", verb, "steered")
            expect(account.study("steered")["state"], state)
        _, talk = account.hone("study", "watch", "steered", "--timeout", "0.2", "-i", "0.1",
                               status=124)
        account.hone("study", "delete", "steered", "--yes")
        account.hone("study", "show", "steered", status=3)


def test_faults_of_a_definition_come_all_at_once_with_what_was_typed(tmp):
    with Server() as server, AtServer(tmp, server) as account:
        _, talk = account.hone("study", "create", "bad", "--maximize", "a", "-P",
                               "x=normal:0,-1", "--trials", "0", status=2)
        contains(talk, "-P x=normal:0,-1, sd: ", "--trials: ")


def test_a_slip_in_a_name_gets_a_suggestion(tmp):
    rungs = ["--resource", "epochs=1..9", "--strategy"]
    with Server() as server, AtServer(tmp, server) as account:
        for slip, says in [(["--strategy", "hyperbnd"], "did you mean hyperband?"),
                           (["--stopping", "medain"], "did you mean median?"),
                           ([*rungs, "asha,search=tpa"], "did you mean tpe?"),
                           ([*rungs, "hyperband,etta=3"], "did you mean eta?")]:
            _, talk = account.hone("study", "create", "slip", *DEFINITION, *slip, status=2)
            contains(talk, says)


def test_tokens_open_and_close_the_door(tmp):
    with Server() as server, AtServer(tmp, server) as account:
        path = tmp / "read.token"
        account.hone("token", "create", "reader", "--scope", "read", "--expires", "1h",
                     "--save", str(path))
        (token,) = [token for token in json.loads(account.hone("token", "list", "-o", "json")[0])
                    if token["name"] == "reader"]
        reader = ["--token-file", str(path)]
        account.hone("study", "list", *reader)
        account.hone("study", "create", "x", *DEFINITION, *reader, status=1)
        account.hone("token", "revoke", token["id"], "--yes")
        account.hone("study", "list", *reader, status=1)
        account.hone("token", "revoke", "unknown", "--yes", status=3)


if __name__ == "__main__":
    main(globals())
