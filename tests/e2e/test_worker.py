#!/usr/bin/env python3
"""The worker as jobs and operators meet it, against a server with the answers that each test sets."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main, script  # noqa: E402
from jobs import HONE, is_alive, left_behind, pids_in  # noqa: E402
from lease_server import LeaseServer, only_result, STUDY  # noqa: E402


# ---- what a job gets ----

def test_job_gets_arguments_environment_and_files(tmp):
    job = script(tmp, f"""
printf '%s\\n' "$@" >{tmp}/arguments
env >{tmp}/environment
cat "$HONE_PARAMS_FILE" >{tmp}/params
cat "$HONE_CONTROL_FILE" >{tmp}/control
echo hone: step=$HONE_RESOURCE_TO accuracy=0.5
""")
    parameters = {"lr": 1e-05, "units": 16, "kernel": "r b'f", "amp": True, "a-b.c": 0.1}
    with LeaseServer() as server:
        server.grants(parameters, resource=(0, 9), inactive=["degree"])
        server.work(tmp, job, "--lr", "{lr}", "--x={units}/{kernel}", "--degree", "{degree}",
                    "{{{amp}}", "{a-b.c}", "{resource.from}-{resource.to}", "{trial}.{attempt}",
                    "{seed}", "", HONE_TOKEN="secret", CUDA_VISIBLE_DEVICES="5")
        result = only_result(server)
    expect((tmp / "arguments").read_text().split("\n"),
           ["--lr", "1e-05", "--x=16/r b'f", "{true}", "0.1", "0-9", "1.1", "8123", "", ""])
    found = dict(line.split("=", 1) for line in (tmp / "environment").read_text().splitlines()
                 if "=" in line)
    wanted = {"HONE_STUDY": STUDY, "HONE_TRIAL": "1", "HONE_ATTEMPT": "1", "HONE_SEED": "8123",
              "HONE_RESOURCE_FROM": "0", "HONE_RESOURCE_TO": "9", "HONE_PARAM_LR": "1e-05",
              "HONE_PARAM_UNITS": "16", "HONE_PARAM_KERNEL": "r b'f", "HONE_PARAM_AMP": "true",
              "HONE_PARAM_A_B_C": "0.1", "CUDA_VISIBLE_DEVICES": "5"}
    expect({name: found.get(name) for name in wanted}, wanted)
    assert not [name for name in found if "TOKEN" in name or name == "HONE_RESUME"], found
    params = json.loads((tmp / "params").read_text())
    expect((params["parameters"], params["number"]), (parameters, 1))
    expect(params["resource"], {"name": "epochs", "from": 0, "to": 9})
    expect(json.loads((tmp / "control").read_text()), {"action": "continue", "until": 9})
    expect((result["outcome"], result["step"]), ("completed", 9))
    assert result["usage"]["wall_seconds"] >= 0


def test_files_without_use_are_not_kept(tmp):
    quiet = script(tmp, "echo '{\"accuracy\": 1}' >&$HONE_METRICS_FD\n")
    with LeaseServer() as server:
        server.grants()
        server.work(tmp, quiet)
        expect(left_behind(tmp), [])
        server.grants()
        server.work(tmp, script(tmp, "echo hone: accuracy=1\n"))
        expect(left_behind(tmp), ["attempt-1.log"])
        server.grants()
        server.work(tmp, script(tmp, "exit 1\n"))
        expect(left_behind(tmp), ["attempt-1.log", "attempt-1.log", "attempt-1/control.json",
                                  "attempt-1/params.json"])


def test_each_gpu_is_one_slot_with_that_device_alone(tmp):
    job = script(tmp, f"""
echo "$CUDA_VISIBLE_DEVICES" >>{tmp}/devices
echo hone: accuracy=1
while [ "$(wc -l <{tmp}/devices)" -lt 2 ]; do sleep 0.01; done
""")
    with LeaseServer() as server:
        server.grants()
        server.grants()
        server.work(tmp, job, options=["--gpus", "3,GPU-8f5e", "--label", "site=a"])
        expect(len(server.results), 2)
        expect(sorted((tmp / "devices").read_text().split()), ["3", "GPU-8f5e"])
        expect([len(ask["gpus"]) for ask in server.asks[:2]], [2, 1])  # what is free then
        expect(server.asks[0]["labels"], {"site": "a"})
        expect(len({ask["worker"] for ask in server.asks}), 2)
        assert "gpu_seconds" in server.results[0][1]["usage"]


def test_runners_are_chosen_by_the_study(tmp):
    job = script(tmp, f'echo "$1" >{tmp}/said; echo hone: accuracy=1\n')
    with LeaseServer() as server:
        server.grants()
        server.work(tmp, options=["--runner", "other=false", "--runner",
                                  f"train={job} 'lr is {{lr}}'"])
        expect(server.asks[0]["runners"], ["other", "train"])
        assert "studies" not in server.asks[0]
    expect((tmp / "said").read_text(), "lr is 0.1\n")


# ---- reports ----

def test_every_way_to_report_counts(tmp):
    job = script(tmp, f"""
echo 'hone: step=1 accuracy=0.1 loss=3'
echo 'hone: {{"step": 2, "accuracy": 0.2}}' >&2
sleep 0.1
echo '{{"accuracy": 0.3}}' >&$HONE_METRICS_FD
sleep 0.3
'{HONE}' report accuracy=0.4 >{tmp}/control
echo 'Accuracy = 50.5% (done)'
printf 'hone: step=6 accuracy=NaN'
""")
    with LeaseServer() as server:
        server.grants(resource=(0, 6))
        server.work(tmp, job, options=["--metric-regex", r"Accuracy = (?<accuracy>[0-9.]+)%"])
        expect(server.measured, [(1, 1, {"accuracy": 0.1, "loss": 3}), (1, 2, {"accuracy": 0.2}),
                                 (1, 3, {"accuracy": 0.3}), (1, 4, {"accuracy": 0.4}),
                                 (1, 5, {"accuracy": 50.5}), (1, 6, {"accuracy": "NaN"})])
        expect(only_result(server)["step"], 6)
    expect(json.loads((tmp / "control").read_text()), {"action": "continue", "until": 6})


def test_missing_step_follows_the_start(tmp):
    job = script(tmp, "echo hone: accuracy=1; echo hone: accuracy=2\n")
    with LeaseServer() as server:
        here = tmp / "work" / "there" / "checkpoint"
        here.mkdir(parents=True)
        (here / "weights").write_text("x")
        server.grants(resource=(3, 5), checkpoint={"uri": str(here), "step": 3, "reach": "any"})
        server.work(tmp, job)
        expect([step for _, step, _ in server.measured], [4, 5])


def test_a_checkpoint_that_has_vanished_begins_at_zero(tmp):
    job = script(tmp, "echo from $HONE_RESOURCE_FROM${HONE_RESUME:-}\n"
                      "for i in 1 2 3 4 5; do echo hone: accuracy=$i; done\n")
    with LeaseServer() as server:
        gone = tmp / "work" / "gone" / "checkpoint"
        server.grants(resource=(3, 5), checkpoint={"uri": str(gone), "step": 3, "reach": "any"})
        said = server.work(tmp, job)
        assert "its checkpoint is not here, so it begins at 0" in said, said
        expect([step for _, step, _ in server.measured], [1, 2, 3, 4, 5])
        expect(only_result(server)["step"], 5)


def test_unreadable_report_is_reported_and_the_rest_counts(tmp):
    job = script(tmp, "echo 'hone: accuracy=0.5 loss=abc'\n")
    with LeaseServer() as server:
        server.grants()
        said = server.work(tmp, job)
        expect(server.measured, [(1, 1, {"accuracy": 0.5})])
    assert 'loss: "abc" is no number' in said, said


# What a job does, and what the server must have of its accuracy. Each stream has a pipe.
HABITS = {
    "a bar on standard error": (r"""
for e in 1 2 3; do
    printf '\r %d%%|###  | %d/3' $e $e >&2; echo "hone: step=$e accuracy=0.$e"; sleep 0.02
done
echo >&2""", {1: 0.1, 2: 0.2, 3: 0.3}),
    "half lines of both": (r"""
printf 'hone: step=1 accu' ; sleep 0.05; printf 'hone: step=2 accuracy=0' >&2; sleep 0.05
printf 'racy=0.5\n'; sleep 0.05; printf '.25\n' >&2""", {1: 0.5, 2: 0.25}),
    "prefixes and colours": (r"""
echo '[default0]:hone: step=1 accuracy=0.1'
printf '\033[32mhone: step=2 accuracy=0.2\033[0m\n'
echo '2024-01-01 12:00:00,123 - x - hone: step=3 accuracy=0.3'
echo 'phone: step=4 accuracy=9'""", {1: 0.1, 2: 0.2, 3: 0.3}),
    "no line's end": ("printf 'hone: step=1 accuracy=0.5'", {1: 0.5}),
    "a redraw": (r"printf 'hone: step=1 accuracy=0.1\rhone: step=1 accuracy=0.5\n'", {1: 0.5}),
    "two folds": (r"printf 'hone: step=%d accuracy=0.%d\n' 1 1 2 2 3 3 1 4 2 5 3 6",
                  {1: 0.4, 2: 0.5, 3: 0.6}),
}


def test_habits_of_programs_cost_no_report(tmp):
    for name, (job, wanted) in HABITS.items():
        with LeaseServer() as server:
            server.grants()
            said = server.work(tmp, script(tmp, job + "\n"))
            expect(values(server), wanted, f"{name}: {said}")
            expect(only_result(server)["outcome"], "completed", name)


def test_a_correction_says_so(tmp):
    job = script(tmp, f"""
'{HONE}' report step=1 accuracy=0.5 >/dev/null
'{HONE}' report step=1 accuracy=0.7 >/dev/null
'{HONE}' report step=1 accuracy=0.7 'val loss=2' >/dev/null
""")
    with LeaseServer() as server:
        server.grants()
        server.work(tmp, job)
        bodies = [body for kind, body in server.calls if kind == "measure"]
        expect(bodies[:2], [
            {"measurements": [{"step": 1, "metrics": {"accuracy": 0.5}}]},
            {"measurements": [{"step": 1, "metrics": {"accuracy": 0.7}}], "replace": True}])
        expect(values(server, "val loss"), {1: 2})


def test_the_log_keeps_the_lines_of_both_streams_whole(tmp):
    job = script(tmp, r"""
printf 'out'; sleep 0.05; printf 'err\n' >&2; sleep 0.05; printf 'put\n'
exit 1
""")
    with LeaseServer() as server:
        server.grants()
        server.work(tmp, job)
        assert only_result(server)["detail"].endswith("\nerr\noutput"), server.results
    log, = (tmp / "work").rglob("attempt-1.log")
    expect(log.read_text(), "err\noutput\n")


def test_expressions_find_steps_and_any_name(tmp):
    job = script(tmp, r"""
printf 'Epoch 1/2\n val loss: 0.5, lr=0.1\nEpoch 2/2\n val loss: 0.25\n'
""")
    with LeaseServer() as server:
        server.grants()
        server.work(tmp, job, options=["--step-regex", r"^Epoch (\d+)", "--metric",
                                       r"accuracy=val loss: (\S+)"])
        expect(server.measured, [(1, 1, {"accuracy": 0.5}), (1, 2, {"accuracy": 0.25})])


def test_a_report_without_a_step_takes_the_one_that_was_printed(tmp):
    job = script(tmp, f"""
'{HONE}' report accuracy=0.9 2>{tmp}/refused || true
echo Epoch 7/9
'{HONE}' report accuracy=0.5 >/dev/null
echo Epoch 8/9 >&2
'{HONE}' report accuracy=0.7 >/dev/null
'{HONE}' report step=9 accuracy=0.8 >/dev/null
""")
    with LeaseServer() as server:
        server.grants()
        server.work(tmp, job, options=["--step-regex", r"^Epoch (\d+)"])
        expect(values(server), {7: 0.5, 8: 0.7, 9: 0.8})
    assert "no step was found before it" in (tmp / "refused").read_text()


def test_a_flood_of_reports_arrives_whole(tmp):
    job = script(tmp, """
i=0
while [ $i -lt 3000 ]; do i=$((i+1)); echo "hone: step=$i accuracy=$i"; done
""")
    with LeaseServer() as server:
        server.grants(resource=(0, 3000))
        server.work(tmp, job)
        expect([step for _, step, _ in server.measured], list(range(1, 3001)))


def values(server, metric="accuracy"):
    """The last value that the server got of one metric at each step: {step: value}."""
    return {step: metrics[metric] for _, step, metrics in server.measured if metric in metrics}


def test_a_step_reported_again_costs_no_other_step(tmp):
    job = script(tmp, """
printf %b 'hone: step=1 accuracy=0.5\\nhone: step=2 accuracy=0.4\\nhone: step=3 accuracy=0.3\\n' \
          'hone: step=3 accuracy=0.7\\nhone: step=3 loss=9\\nhone: step=4 accuracy=0.2\\n' \
          'hone: step=2 accuracy=0.8\\nhone: step=3 accuracy=0.3\\n'
""")
    with LeaseServer() as server:
        server.grants()
        said = server.work(tmp, job)
        expect(values(server), {1: 0.5, 2: 0.8, 3: 0.3, 4: 0.2})
        expect(values(server, "loss"), {3: 9})
        result = only_result(server)
    expect(result["outcome"], "completed")
    expect(said.count("accuracy was reported again at step 3"), 1, said)
    expect(said.count("was reported again"), 1, said)
    expect(said.count("after step 4 it reports accuracy at step 2 again"), 1, said)
    assert "accuracy was reported again at step 3" in result["detail"], result


def test_a_step_reported_again_after_its_answer_keeps_the_first_value(tmp):
    job = script(tmp, """
echo hone: step=1 accuracy=0.1
until grep -q 7 "$HONE_CONTROL_FILE"; do sleep 0.01; done
printf 'hone: step=1 accuracy=0.1\\nhone: step=1 accuracy=0.9\\nhone: step=2 accuracy=0.2\\n'
""")
    with LeaseServer() as server:
        server.grants(resource=(0, 9))
        server.action = lambda lease, step: {"action": "continue", "until": 7}
        said = server.work(tmp, job)
        expect(values(server), {1: 0.1, 2: 0.2})
    expect(said.count("the server keeps the value that it has, and ignored 0.9"), 1, said)


def test_four_ranks_that_print_each_step_lose_none(tmp):
    job = script(tmp, """
for step in $(seq 50); do
    for rank in 1 2 3 4; do echo "hone: step=$step accuracy=0.$step"; done
done
""")
    with LeaseServer() as server:
        server.grants()
        server.work(tmp, job)
        expect(values(server), {step: float(f"0.{step}") for step in range(1, 51)})


def full_after(server, n_names):
    """The server's limit on the metrics of a study."""
    def answer(body):
        names = {name for entry in body["measurements"] for name in entry["metrics"]}
        known = {name for _, _, metrics in server.measured for name in metrics}
        return (422, "invalid") if len(known | names) > n_names else None
    return answer


def test_the_objective_is_delivered_beside_too_many_metrics(tmp):
    job = script(tmp, """
for step in 1 2 3; do
    line="hone: step=$step"
    for i in $(seq 50); do line="$line m$step.$i=$i"; done
    echo "$line accuracy=0.$step"
done
""")
    with LeaseServer() as server:
        server.grants()
        server.refuses = full_after(server, 64)
        said = server.work(tmp, job)
        expect(values(server), {1: 0.1, 2: 0.2, 3: 0.3})
        expect(len({name for _, _, metrics in server.measured for name in metrics}), 64)
        expect(only_result(server)["outcome"], "completed")
        assert len(server.calls) < 200, len(server.calls)
    expect(said.count("the server does not take"), 1, said)
    assert "m2." in said or "m3." in said, said


def test_a_trial_whose_objective_was_refused_is_not_completed(tmp):
    job = script(tmp, """
echo hone: step=1 accuracy=0.1
echo hone: step=2 accuracy=0.2 loss=2
echo hone: step=3 loss=1
""")
    with LeaseServer() as server:
        server.grants()
        server.refuses = lambda body: (422, "invalid") if any(
            entry["step"] == 2 and "accuracy" in entry["metrics"]
            for entry in body["measurements"]) else None
        server.work(tmp, job)
        expect(values(server), {1: 0.1})
        expect(values(server, "loss"), {2: 2, 3: 1})
        result = only_result(server)
    expect((result["outcome"], result["reason"]), ("failed", "no_metric"))
    assert "last value of accuracy, 0.2 at step 2" in result["detail"], result


def test_a_line_may_hold_more_metrics_than_a_study(tmp):
    names = " ".join(f"m{i}={i}" for i in range(64))
    with LeaseServer() as server:
        server.grants()
        server.refuses = full_after(server, 64)
        server.work(tmp, script(tmp, f"echo hone: step=1 {names} accuracy=0.5\n"))
        expect(values(server), {1: 0.5})
        expect(only_result(server)["outcome"], "completed")


def test_a_report_behind_the_highest_step_is_refused_aloud(tmp):
    job = script(tmp, f"""
echo 'hone: step=9007199254740991 accuracy=0.5'
echo 'hone: accuracy=0.6'
echo 'hone: accuracy=0.7'
'{HONE}' report accuracy=0.8 2>{tmp}/said || echo $? >{tmp}/status
echo 'hone: step=9 accuracy=0.4'
""")
    with LeaseServer() as server:
        server.grants()
        said = server.work(tmp, job)
        expect(values(server), {9007199254740991: 0.5, 9: 0.4})
    expect(said.count("a report cannot be read: it has no step, and the last one was the highest"), 1,
           said)
    assert "give each report a step" in (tmp / "said").read_text()
    expect((tmp / "status").read_text(), "2\n")


# ---- steering ----

def test_pause_lets_the_job_save_and_leave(tmp):
    job = script(tmp, f"""
for i in 1 2 3 4 5 6 7 8 9; do
    code=0
    '{HONE}' report step=$i accuracy=0.$i >{tmp}/control || code=$?
    if [ $code = 4 ]; then echo saved >$HONE_CHECKPOINT_DIR/weights; exit 0; fi
    [ $code = 0 ]
done
""")
    with LeaseServer() as server:
        server.grants(resource=(0, 9))
        server.action = lambda _, step: {"action": "pause" if step == 3 else "continue"}
        server.work(tmp, job, options=["--name", "w"])
        result = only_result(server)
    expect((result["outcome"], result["step"]), ("completed", 3))
    expect(result["checkpoint"]["step"], 3)
    assert result["checkpoint"]["reach"].startswith("host:"), result
    expect((pathlib.Path(result["checkpoint"]["uri"]) / "weights").read_text(), "saved\n")
    expect(json.loads((tmp / "control").read_text()), {"action": "pause"})


def test_report_leaves_with_three_to_stop(tmp):
    job = script(tmp, f"""
'{HONE}' report accuracy=1 && exit 9
echo $? >{tmp}/status
""")
    with LeaseServer() as server:
        server.grants()
        server.action = lambda *_: {"action": "stop"}
        server.work(tmp, job)
        expect(only_result(server)["outcome"], "completed")
    expect((tmp / "status").read_text(), "3\n")


def test_job_that_does_not_leave_is_terminated_with_all_it_started(tmp):
    job = script(tmp, f"""
(sleep 300 & echo $! >>{tmp}/pids; wait) &
setsid sleep 300 & echo $! >>{tmp}/pids
echo $$ >>{tmp}/pids
echo hone: accuracy=1
wait
""")
    with LeaseServer() as server:
        server.grants()
        server.action = lambda *_: {"action": "stop"}
        server.work(tmp, job)
        expect(only_result(server)["outcome"], "completed")
    for pid in pids_in(tmp / "pids", 3):
        assert not is_alive(pid), pid


def test_abort_terminates_at_once_and_sends_nothing(tmp):
    job = script(tmp, f"""
trap 'echo term >{tmp}/signal; exit 0' TERM
echo hone: accuracy=1
while :; do sleep 0.05; done
""")
    with LeaseServer() as server:
        server.grants()
        server.action = lambda *_: {"action": "abort"}
        server.work(tmp, job)
        expect((server.results, server.released), ([], []))
    expect((tmp / "signal").read_text(), "term\n")


def test_heartbeat_brings_the_action_of_the_server(tmp):
    job = script(tmp, "trap 'exit 0' TERM\necho hone: accuracy=1\nwhile :; do sleep 0.05; done\n")
    with LeaseServer() as server:
        server.grants(heartbeat=1)
        server.action = lambda _, step: {"action": "abort" if step is None else "continue"}
        server.work(tmp, job)
        expect(server.beats, [1])


def test_promoted_job_that_cannot_listen_runs_again(tmp):
    job = script(tmp, f"""
echo "$1 $HONE_RESUME $(ls $HONE_CHECKPOINT_DIR)" >>{tmp}/runs
echo $HONE_RESOURCE_TO >$HONE_CHECKPOINT_DIR/weights
echo hone: step=$HONE_RESOURCE_TO accuracy=0.5
""")
    with LeaseServer() as server:
        server.grants(resource=(0, 1))
        server.action = lambda _, step: {"action": "continue", "until": 3 if step < 3 else 3}
        said = server.work(tmp, job, "{resource.from}-{resource.to}")
        expect([said.count(words) for words in ("attempt 1 runs", "attempt 1 is promoted and runs again")], [1, 1], said)
        expect([step for _, step, _ in server.measured], [1, 3])
        expect(only_result(server)["step"], 3)
    expect((tmp / "runs").read_text(), "0-1  \n1-3 1 weights\n")


# ---- ends ----

def ending(tmp, text, **grant):
    with LeaseServer() as server:
        server.grants(**grant)
        server.work(tmp, script(tmp, text))
        return only_result(server)


def test_a_message_names_a_log_only_if_there_is_one(tmp):
    for text, told in (("exit 75\n", "it printed nothing"), ("echo x; exit 75\n", "its output is in"),
                       ("exit 3\n", "it printed nothing")):
        with LeaseServer() as server:
            server.grants()
            said = server.work(tmp, script(tmp, text))
        assert told in said, (text, said)
        for path in said.split("its output is in ")[1:]:
            assert pathlib.Path(path.split()[0]).exists(), said


def test_exit_statuses_become_outcomes(tmp):
    expect(ending(tmp, "exit 75\n")["outcome"], "preempted")
    expect(ending(tmp, "exit 78\n")["outcome"], "infeasible")
    result = ending(tmp, "echo hone: accuracy=1\necho boom >&2\nexit 3\n")
    expect((result["outcome"], result["reason"]), ("failed", "exit_code"))
    assert result["detail"].startswith("exit status 3\n"), result
    assert result["detail"].endswith("boom"), result
    result = ending(tmp, "kill -SEGV $$\n")
    expect((result["outcome"], result["reason"]), ("failed", "signal"))
    assert "signal 11" in result["detail"], result


def test_a_slot_whose_jobs_fail_at_once_says_so_and_waits(tmp):
    for status in (1, 75):  # a failure, and "not this node"
        with LeaseServer() as server:
            for _ in range(4):
                server.grants()
            said = server.work(tmp, script(tmp, f"echo no GPU here >&2\nexit {status}\n"))
            expect(len(server.results), 4, "all were run")
            wanting = [ask for ask in server.asks if ask.get("runners") != []]
            expect([ask.get("health") for ask in wanting[:3]], [None, None, None])
            for n, ask in ((3, wanting[3]), (4, server.asks[-1])):
                expect(ask["health"]["ok"], False)
                for words in (f"{n} jobs in a row failed at once", f"exit status {status}",
                              "no GPU here"):
                    assert words in ask["health"]["reason"], ask
            expect(said.count("is something wrong with this machine?"), 1, said)
            assert "3 jobs in a row failed at once; the last: exit status" in said, said


def test_a_slot_that_waits_looks_whether_the_study_is_over(tmp):
    with LeaseServer() as server:
        for _ in range(4):
            server.grants()
        said = server.work(tmp, script(tmp, "exit 1\n"))
        expect(len(server.results), 4, "all were run")
        wanting = [ask for ask in server.asks if ask.get("runners") != []]
        expect(len(wanting), 4, f"asks for a trial; {said}")
        last = server.asks[-1]
        expect((last["runners"], last["health"]["ok"]), ([], False), "what it leaves by")
        assert "4 jobs in a row failed at once" in last["health"]["reason"], last


def test_clean_exit_without_the_objective_shows_its_last_lines(tmp):
    result = ending(tmp, "echo hone: loss=1\nprintf 'caf\\303\\251 \\377\\033[31m done\\n'\n")
    expect((result["outcome"], result["reason"]), ("failed", "no_metric"))
    assert result["detail"].endswith("caf\u00e9 ??[31m done"), result
    for words in ("no value of accuracy was reported, only of loss; ", "'hone: step=1 accuracy=0.5'",
                  "--metric 'accuracy=accuracy: (\\S+)'", "--metric-regex"):
        assert words in result["detail"], result


def test_much_to_say_of_a_failure_is_cut_to_what_fits(tmp):
    result = ending(tmp, """
for i in 1 2 3 4 5 6 7 8; do
    echo "hone: step=1 accuracy=0.5 m$i=0,5 $(printf '%200s' | tr ' ' x)"
done
for i in $(seq 60); do echo "line $i $(printf '%150s' | tr ' ' y)"; done
echo the reason
exit 3
""")
    expect((result["outcome"], result["reason"]), ("failed", "exit_code"))
    assert result["detail"].startswith("exit status 3\n"), result
    assert result["detail"].endswith("the reason"), result
    assert 3000 < len(result["detail"]) <= 4096, len(result["detail"])


def test_wall_clock_and_stall_limits_end_an_attempt(tmp):
    endless = "echo hone: accuracy=1\nwhile :; do sleep 0.05; done\n"
    result = ending(tmp, endless, limits={"trial_seconds": 0.5})
    expect((result["outcome"], result["reason"]), ("failed", "timeout"))
    result = ending(tmp, endless, limits={"stall_seconds": 0.5})
    expect((result["outcome"], result["reason"]), ("failed", "stalled"))


def test_superseded_lease_kills_the_group(tmp):
    job = script(tmp, f"""
sleep 300 & echo $! >>{tmp}/pids
echo $$ >>{tmp}/pids
echo hone: accuracy=1
wait
""")
    with LeaseServer() as server:
        server.grants()
        server.fails("measure", (409, "lease-superseded"))
        server.work(tmp, job)
        expect((server.results, server.released), ([], []))
    for pid in pids_in(tmp / "pids", 2):
        assert not is_alive(pid), pid


if __name__ == "__main__":
    main(globals())
