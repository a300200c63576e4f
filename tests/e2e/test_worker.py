#!/usr/bin/env python3
"""The worker as jobs, operators and servers meet it, against a server with the answers that each test sets."""

import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main, NotRun, script, wait_until  # noqa: E402
from lease_server import LeaseServer, only_result, Stranger, STUDY  # noqa: E402

HONE = os.environ["HONE"]
SECONDS = 60


def is_alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pids_in(path, n):
    """The pids a job wrote into a file, once all are there."""
    def read():
        return path.read_text().split() if path.exists() else []
    wait_until(lambda: len(read()) >= n, f"{n} pids in {path}")
    return [int(pid) for pid in read()]


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


def left_behind(tmp):
    return sorted(str(path.relative_to(tmp / "work")).split("/", 3)[-1]
                  for path in (tmp / "work").rglob("*")
                  if path.is_file() and "workers" not in path.parts)


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


# ---- a job tried without a server ----

def tried(tmp, text, *options, arguments=()):
    """The status, the output and the messages of hone worker --try."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HONE_") or k == "HONE_ALLOW_ROOT"}
    done = subprocess.run([HONE, "worker", "--try", *options, "--", script(tmp, text), *arguments],
                          env={**kept, "HONE_URL": "http://127.0.0.1:1", "TMPDIR": str(tmp)},
                          capture_output=True, text=True, timeout=SECONDS)
    expect([path for path in tmp.iterdir() if path.name.startswith("hone-try")], [])
    return done.returncode, done.stdout, done.stderr


def test_try_shows_what_is_understood(tmp):
    status, out, said = tried(tmp, f"""
echo 'hone: step=1 loss=0.5'
echo 'hone: loss=0,5 acc=1'
echo 'hone: hello'
echo 'hone: {{"step": 1, "loss": null}}'
echo 'hone: {{"step": 1, "loss": 0.5, "phase": "train"}}'
'{HONE}' report step=3 'val loss=0.25' >{tmp}/control
echo '{{"step": 3, "loss": 0.2}}' >&$HONE_METRICS_FD
""")
    expect(status, 0, said)
    for wanted in ("step 1: loss=0.5\n    hone: step=1 loss=0.5\n",
                   'not understood: loss: "0,5" is no number\n    hone: loss=0,5 acc=1\n',
                   'not understood: loss: "null" is no number\n    hone: {"step": 1, "loss": null}\n',
                   "step 2: acc=1\n", "step 3: val loss=0.25\n", "step 3: loss=0.2\n",
                   "value, if loss is the objective: 0.2, the last, at step 3\n"):
        assert wanted in out, (wanted, out)
    assert "hello" not in out and 'phase: ' not in out, out
    expect(json.loads((tmp / "control").read_text()), {"action": "continue"})


def test_try_says_why_a_step_is_not_understood(tmp):
    status, out, _ = tried(tmp, """
echo "loss 0.9"
echo "Epoch 1.0: loss 0.5"
""", "--step-regex", r"^Epoch (\d+)", "--metric", r"loss=loss (\S+)")
    expect(status, 1)
    for wanted in ("it has no step, and no step was found before it\n    loss 0.9\n",
                   'captured "1" for the step, which is no number or only a part of one\n',
                   "it has no step, and the last one that was printed cannot be read\n"):
        assert wanted in out, (wanted, out)


def test_try_counts_in_the_unit_of_the_study(tmp):
    study = tmp / "study.json"
    resource = {"name": "seconds", "min": 2.5, "max": 60, "unit": 0.001}
    study.write_text(json.dumps({
        "objectives": [{"metric": "loss", "direction": "minimize"}],
        "parameters": [{"name": "lr", "type": "float", "low": 0, "high": 1}], "resource": resource}))
    status, out, said = tried(tmp, f"""
[ "$HONE_RESOURCE_TO $1" = "2.5 2.5" ] || exit 1
echo 'hone: step=0.7999999999999999 loss=0.5'
'{HONE}' report step=1.23456789 loss=0.4
echo 'hone: step=1.2346 loss=0.3'
echo 'hone: step=1.2349 loss=0.25'
echo 'hone: loss=0.2'
echo 'hone: step=1e13 loss=0.2'
""", "--study", str(study), arguments=["{resource.to}", "{lr}"])
    expect(status, 0, said)
    for wanted in ("step 0.8: loss=0.5\n", "step 1.235: loss=0.4\n", "step 1.235: loss=0.25\n",
                   "not understood: it has no step, and in a study that counts fractions the next one "
                   "is not known\n    hone: loss=0.2\n",
                   "not understood: step=10000000000000: a step lies between 0 and 1000000000000\n",
                   "value: loss=0.25, the last, at step 1.235\n"):
        assert wanted in out, (wanted, out)
    expect(said.count("was reported again at step 1.235, steps being rounded to multiples of 0.001"), 1)
    study.write_text(study.read_text().replace(', "unit": 0.001', '').replace("2.5", "2"))
    status, out, _ = tried(tmp, "echo hone: step=1.5 loss=1\n", "--study", str(study))
    expect(status, 1)
    assert ('not understood: step=1.5: this study counts whole steps; print such, or write --resource '
            'seconds=MIN..MAX:0.001, in a new study\n') in out, out
    status, out, _ = tried(tmp, "echo hone: step=1.5 loss=1\n")
    assert 'step=1.5: this study counts whole steps; print whole steps\n' in out, out


def test_a_job_with_larger_steps_than_its_study_is_said(tmp):
    """Rungs of 0.41 and a job that counts in quarters: it ends at 0.25, and would have gone on."""
    for steps, told in (("0.25", True), ("0.2 0.4", True), ("0.1", False), ("0.2 0.41", False),
                        ("0.4 0.41", False)):
        with LeaseServer() as server:
            server.grants(resource=(0, 0.41, 0.01))
            said = server.work(tmp, script(tmp, f"for i in {steps}; do echo hone: step=$i accuracy=1; done\n"))
            [(_, result)] = server.results
            expect(result["outcome"], "completed", said)
            stride = "0.25" if steps == "0.25" else "0.2"
            note = f'it ended by itself at step {steps.split()[-1]} of 0.41; if it counts in steps of {stride}, ' \
                   f'give the study\'s resource "step": {stride}'
            expect((note in result.get("detail", ""), said.count(note)), (told, int(told)), (steps, said))
            expect("counts in steps" in said, told, steps)


def test_try_ends_by_whether_the_objective_was_seen(tmp):
    study = tmp / "study.json"
    study.write_text(json.dumps({
        "objectives": [{"metric": "val loss", "direction": "minimize", "fold": "best"}],
        "parameters": [{"name": "lr", "type": "float", "low": 0, "high": 1},
                       {"name": "k", "type": "categorical", "choices": ["a", "b"]}],
        "resource": {"name": "epochs", "min": 3, "max": 9}}))
    options = ["--study", str(study), "--metric", r"val loss=loss (\S+)", "--step-regex",
               r"^Epoch (\d+)"]
    status, out, said = tried(tmp, """
echo "lr is $1 until $2"
printf 'Epoch 1\nloss 0.25\nEpoch 2\nloss 0.5\n'
""", *options, arguments=["{lr}", "{resource.to}"])
    expect(status, 0, said)
    assert "value: val loss=0.25, the best, at step 1\n" in out, out
    status, out, _ = tried(tmp, 'echo "lr is $1 until $2"; echo hone: acc=1\n', *options,
                           arguments=["{lr}", "{resource.to}"])
    expect(status, 1)
    assert "val loss, the objective, was not reported" in out, out
    status, out, _ = tried(tmp, "echo hone: loss=1; echo it broke; exit 3\n")
    expect(status, 1)
    assert "ended with status 3\nits last lines:\nhone: loss=1\nit broke\n" in out, out
    status, out, said = tried(tmp, "true\n", arguments=["{lr}"])
    expect(status, 2)
    assert "{lr}, which is no parameter" in said, said


def test_try_suggests_an_expression_where_nothing_is_reported(tmp):
    study = tmp / "study.json"
    study.write_text(json.dumps({
        "metric": "loss", "direction": "minimize",
        "parameters": [{"name": "lr", "type": "float", "low": 0, "high": 1}]}))
    text = """
[ "$1" ] || exit 1
echo "starting"
echo "Epoch 1 of 3"
echo "val_loss: 0.7 loss: 0.5, lr 1e-3"
"""
    status, out, said = tried(tmp, text, "--study", str(study), arguments=["{lr}"])
    expect(status, 1, said)
    option = r"--metric 'loss=\bloss:\s+([-+.\deE]+)'"
    for wanted in ("none of which is a report:\n    Epoch 1 of 3\n    val_loss: 0.7 loss", option):
        assert wanted in out, (wanted, out)
    status, out, said = tried(tmp, text, "--study", str(study), *shlex.split(option), arguments=["{lr}"])
    expect(status, 0, said)
    assert "value: loss=0.5, " in out, out
    _, out, _ = tried(tmp, "echo acc = 0.25\n")
    assert r"--metric 'acc=\bacc\s+=\s+(\S+)'" in out, out
    _, out, _ = tried(tmp, "echo 1 2 3\n")
    assert "    1 2 3\n--metric 'NAME=REGEX'" in out, out
    _, out, _ = tried(tmp, "echo nothing\n")
    assert "report:" not in out and "--metric" not in out, out


def test_try_takes_the_defaults(tmp):
    study = tmp / "study.json"
    study.write_text(json.dumps({
        "metric": "loss", "direction": "minimize",
        "parameters": [{"name": "lr", "type": "float", "low": 1e-5, "high": 1, "scale": "log",
                        "default": 0.003},
                       {"name": "kernel", "type": "categorical", "choices": ["poly", "rbf"],
                        "default": "poly"},
                       {"name": "degree", "type": "int", "low": 1, "high": 9,
                        "when": {"kernel": ["poly"]}}]}))
    status, _, said = tried(tmp, f'echo "$@" >{tmp}/values; echo hone: loss=1', "--study", str(study),
                            arguments=["{lr}", "{kernel}", "{degree}"])
    expect(status, 0, said)
    expect((tmp / "values").read_text(), "0.003 poly 5\n")


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


# ---- the folder of an attempt ----

def files(folder):
    """What is in a folder: {name: text}."""
    return {path.name: path.read_text() for path in pathlib.Path(folder).iterdir()}


# Goes on writing until told, and says where.
WRITER = """
echo "$HONE_CHECKPOINT_DIR" >{tmp}/folder-$HONE_ATTEMPT
echo $HONE_ATTEMPT >$HONE_CHECKPOINT_DIR/only-$HONE_ATTEMPT
echo $HONE_ATTEMPT >$HONE_CHECKPOINT_DIR/both
echo hone: step=1 accuracy=0.$HONE_ATTEMPT
while [ ! -e {tmp}/go-$HONE_ATTEMPT ]; do
    echo $HONE_ATTEMPT 1<>$HONE_CHECKPOINT_DIR/both  # never empty meanwhile
    cp "$HONE_PARAMS_FILE" {tmp}/params-$HONE_ATTEMPT
    sleep 0.01
done
"""


def folder_of(tmp, attempt):
    return pathlib.Path((tmp / f"folder-{attempt}").read_text().strip())


def test_two_attempts_at_once_share_no_file(tmp):
    """The first worker cannot reach the server for longer than its lease lasts, and trains on; the
    second one, with the same work directory, gets the next attempt."""
    job = script(tmp, WRITER.replace("{tmp}", str(tmp)))
    with LeaseServer() as server:
        server.grants(resource=(0, 9))
        first = server.start(tmp, job)
        server.wait_for(lambda: (1, 1, {"accuracy": 0.1}) in server.measured)
        server.grants(number=1, attempt=2, resource=(0, 9))
        second = server.start(tmp, job)
        server.wait_for(lambda: (1, 1, {"accuracy": 0.2}) in server.measured)
        wait_until((tmp / "params-2").exists, "a second attempt")
        expect(files(folder_of(tmp, 1)), {"only-1": "1\n", "both": "1\n"}, "the first one's")
        (tmp / "go-2").touch()
        expect(second.wait(SECONDS), 0, second.stdout.read())
        kept = pathlib.Path(only_result(server)["checkpoint"]["uri"])
        expect(files(kept), {"only-2": "2\n", "both": "2\n"}, "what the second one published")
        server.fails("result", (409, "lease-superseded"))
        (tmp / "go-1").touch()
        expect(first.wait(SECONDS), 0, first.stdout.read())
    expect(files(kept), {"only-2": "2\n", "both": "2\n"}, "… and kept")
    expect([json.loads((tmp / f"params-{n}").read_text())["attempt"] for n in (1, 2)], [1, 2])
    expect(left_behind(tmp), ["attempt-1.log", "attempt-2.log", "attempt-2/checkpoint/both",
                              "attempt-2/checkpoint/only-2"])


def test_the_same_attempt_of_two_servers_shares_no_file(tmp):
    """Private servers on two hosts have the same address, and a home directory may be shared."""
    job = script(tmp, WRITER.replace("{tmp}", str(tmp)).replace("$HONE_ATTEMPT", "$HONE_SEED"))
    with LeaseServer() as server:
        server.grants(seed=1)
        first = server.start(tmp, job)
        server.wait_for(lambda: (1, 1, {"accuracy": 0.1}) in server.measured)
        server.grants(number=1, seed=2)
        second = server.start(tmp, job)
        server.wait_for(lambda: (1, 1, {"accuracy": 0.2}) in server.measured)
        expect(files(folder_of(tmp, 1)), {"only-1": "1\n", "both": "1\n"}, "the first one's")
        for seed, worker in ((2, second), (1, first)):
            (tmp / f"go-{seed}").touch()
            expect(worker.wait(SECONDS), 0, worker.stdout.read())
        for seed, (_, result) in zip((2, 1), server.results):
            expect(files(result["checkpoint"]["uri"]),
                   {f"only-{seed}": f"{seed}\n", "both": f"{seed}\n"})


def test_an_attempt_begins_with_a_copy_of_its_checkpoint(tmp):
    here = tmp / "work" / "there" / "checkpoint"
    (here / "deep").mkdir(parents=True)
    (here / "weights").write_text("old\n")
    (here / "deep" / "state").write_text("old\n")
    (here / "latest").symlink_to(f"{here}.new/deep")
    os.utime(here / "weights", (5, 7))
    job = script(tmp, f"""
stat -c %Y $HONE_CHECKPOINT_DIR/weights >{tmp}/time
echo $HONE_RESOURCE_FROM $HONE_RESUME $(cat $HONE_CHECKPOINT_DIR/latest/state) >{tmp}/seen
echo new >$HONE_CHECKPOINT_DIR/weights
echo new >$HONE_CHECKPOINT_DIR/latest/state
echo hone: step=5 accuracy=1
""")
    with LeaseServer() as server:
        server.grants(resource=(3, 5), checkpoint={"uri": str(here), "step": 3, "reach": "any"})
        server.work(tmp, job)
        kept = pathlib.Path(only_result(server)["checkpoint"]["uri"])
    expect((tmp / "seen").read_text(), "3 1 old\n")
    expect((tmp / "time").read_text(), "7\n")
    expect(((here / "weights").read_text(), (here / "deep" / "state").read_text()),
           ("old\n", "old\n"), "what another attempt may begin with")
    expect(((kept / "weights").read_text(), (kept / "latest" / "state").read_text()),
           ("new\n", "new\n"), "what this one kept")


def test_a_trial_whose_checkpoint_cannot_be_copied_is_handed_back(tmp):
    here = tmp / "work" / "there" / "checkpoint"
    here.joinpath(*["deep"] * 70).mkdir(parents=True)  # deeper than is copied
    with LeaseServer() as server:
        server.grants(resource=(3, 5), checkpoint={"uri": str(here), "step": 3, "reach": "any"})
        said = server.work(tmp, script(tmp, f"touch {tmp}/ran\n"), status=1)
        expect((server.released, server.results), ([1], []), said)
    assert f"its checkpoint {here} cannot be copied: " in said, said
    assert not (tmp / "ran").exists() and here.exists()


def test_what_a_killed_worker_left_is_removed_by_the_next(tmp):
    job = script(tmp, WRITER.replace("{tmp}", str(tmp)))
    with LeaseServer() as server:
        server.grants(resource=(0, 9))
        first = server.start(tmp, job)
        server.wait_for(lambda: server.measured)
        wait_until((tmp / "params-1").exists, "a first attempt")
        first.kill()
        first.communicate(timeout=SECONDS)
        owner = folder_of(tmp, 1).parent / "owner"
        pids = [int(line.split()[0]) for line in owner.read_text().splitlines()[1:]]
        wait_until(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids),
                   "the end of its shim")
        (tmp / "go-2").touch()
        server.grants(number=1, attempt=2, resource=(0, 9))
        server.work(tmp, job, options=("--name", "another"))
    expect(left_behind(tmp), ["attempt-1.log", "attempt-2.log", "attempt-2/checkpoint/both",
                              "attempt-2/checkpoint/only-2"])


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


# ---- bad input ----

def refused(tmp, *arguments, **environment):
    with LeaseServer() as server:
        done = subprocess.run([HONE, "worker", "--workdir", str(tmp / "work"), *arguments],
                              env=server.environment(tmp, **environment), text=True,
                              capture_output=True, timeout=SECONDS, check=False)
        expect(server.asks, [])
    assert done.returncode in (1, 2, 3), done
    return done.stderr


def test_what_cannot_work_is_refused_before_the_first_trial(tmp):
    study = ["--study", STUDY]
    assert "--study" in refused(tmp)
    assert "no command" in refused(tmp, *study)
    assert "which study" in refused(tmp, "--", "true")
    assert "was not found" in refused(tmp, *study, "--", "no-such-program-here")
    assert "not executable" in refused(tmp, *study, "--", "/etc/passwd")
    for name in ('"val=loss=x', '"val=loss', '"val"loss=x'):
        said = refused(tmp, *study, "--metric", name, "--", "true")
        assert "quote" in said and "\"NAME\"=REGEX" in said, said
    assert "no placeholder" in refused(tmp, *study, "--", "true", "{l\tr}")
    assert "must not depend" in refused(tmp, *study, "--", "{lr}")
    assert "names no metric" in refused(tmp, *study, "--metric-regex", "x(y)", "--", "true")
    assert "character" in refused(tmp, *study, "--metric-regex", "(?<x>", "--", "true")
    assert "listed twice" in refused(tmp, *study, "--gpus", "0,0", "--", "true")
    assert "KEY=VALUE" in refused(tmp, *study, "--label", "x", "--", "true")
    assert "no name for a worker" in refused(tmp, *study, "--name", "a b", "--", "true")
    assert "no name of a study" in refused(tmp, "--study", "A B", "--", "true")
    assert "NAME=COMMAND" in refused(tmp, "--runner", "train")
    assert "stays open" in refused(tmp, "--runner", "train='x")
    assert "no server address" in refused(tmp, *study, "--server", "ftp://x", "--", "true")
    assert "cannot be made" in refused(tmp, *study, "--workdir", "/dev/null/x", "--", "true")
    assert "token" in refused(tmp, *study, "--", "true", HONE_TOKEN_FILE="/nonexistent")


WRONG_NAMES = [
    (["--lr", "{learning_rate}"], "the command names {learning_rate}, which is no parameter; the "
     "study has lr, degree; write {{ for a brace"),
    (["--lr={ld}"], "the command names {ld}, which is no parameter; did you mean {lr}?"),
    (["{lr}", "{degre}"], "the command names {degre}, which is no parameter; did you mean {degree}?"),
    (["{lr}", "--epochs={resource.to}"], "the command names {resource.to}, but the study has no "
     "resource; leave it out"),
    (["{resource.from}"], "the command names {resource.from}, but the study has no resource"),
    (["--all={args}"], "{args} and {args.hydra} stand for several arguments, so each must be an "
     "argument of its own"),
]


def test_a_command_that_names_no_parameter_of_its_study_is_refused(tmp):
    job = script(tmp, f"echo ran >{tmp}/ran\necho hone: accuracy=1\n")
    for arguments, words in WRONG_NAMES:
        for way in ("study", "runner"):
            with LeaseServer() as server:
                server.grants(inactive=["degree"])
                server.grants(inactive=["degree"])
                said = server.work(tmp, job, *arguments, status=2) if way == "study" else \
                    server.work(tmp, options=["--runner", f"train={job} {' '.join(arguments)}"],
                                status=2)
                expect((server.released, server.results, len(server.asks)), ([1], [], 1), said)
            expect(said.count(words), 1, said)
            expect("study digits, runner train: " in said, way == "runner", said)
            assert not (tmp / "ran").exists(), arguments


def test_what_a_command_may_name(tmp):
    job = script(tmp, "echo hone: accuracy=1\n")
    with LeaseServer() as server:
        server.grants(resource=(0, 3), inactive=["degree"])
        said = server.work(tmp, job, "{lr}", "{degree}", "{resource.from}", "{resource.to}",
                           "{trial}{attempt}{seed}", "{checkpoint}", "{{learning_rate}}")
        expect(only_result(server)["outcome"], "completed")
    assert "names" not in said, said


def test_an_older_server_is_recognised(tmp):
    job = script(tmp, "echo hone: accuracy=1\n")
    with LeaseServer() as server:
        for _ in range(3):
            server.grants(inactive=None)
        said = server.work(tmp, job, "{lr}", "{learning_rate}")
        expect(len(server.results), 3)
    expect(said.count("{learning_rate} cannot be checked"), 1, said)


def test_parameters_that_no_argument_names_are_reported_once(tmp):
    job = script(tmp, "echo hone: accuracy=1\n")
    words = "the command names some parameters, but not: "
    with LeaseServer() as server:
        for _ in range(2):
            server.grants({"lr": 1, "units": 8}, inactive=["degree"])
        server.grants({"lr": 1, "depth": 8}, study="other")
        said = server.work(tmp, options=["--runner", f"train={job} {{lr}}"])
        expect(len(server.results), 3)
    expect((said.count(words + "units, degree;"), said.count(words + "depth;"), said.count(words)),
           (1, 1, 2), said)
    for arguments in ((), ("--epochs", "3", "{seed}"), ("{args}",), ("{lr}", "{args.json}")):
        with LeaseServer() as server:
            server.grants({"lr": 1, "units": 8})
            said = server.work(tmp, job, *arguments)
        assert words not in said, (arguments, said)


def test_all_parameters_at_once(tmp):
    job = script(tmp, f"printf '%s\\n' \"$@\" >{tmp}/arguments; echo hone: accuracy=1\n")
    parameters = {"lr": 0.1, "net": [64, {"act": "relu"}], "opt": "a b", "clip": None,
                  "n": 2**63 - 1, "amp": True}
    with LeaseServer() as server:
        server.grants(parameters, inactive=["degree"])
        server.work(tmp, job, "{args}", "-c={args.json}", "{args.hydra}", "{{args}}")
    said = (tmp / "arguments").read_text().splitlines()
    expect(said[:6], ["--lr=0.1", '--net=[64,{"act":"relu"}]', "--opt=a b", "--clip=null",
                      f"--n={2**63 - 1}", "--amp=true"])
    expect(json.loads(said[6].removeprefix("-c=")), parameters)
    expect(said[7:], ["lr=0.1", "net=[64,{act:'relu'}]", "opt='a b'", "clip=null", f"n={2**63 - 1}",
                      "amp=true", "{args}"])


def test_a_file_with_the_parameters_alone(tmp):
    parameters = {"lr": 1e-05, "net": [64, {"a}b": "1e-5"}], "none": None, "big": 2**62,
                  "a}b": "\u0085 caf\u00e9: #", "x.y": 1e20}
    job = script(tmp, f"cp $1 {tmp}/whole.json; cp ${{2#--config=}} {tmp}/whole.yaml; "
                      f"echo $3 >{tmp}/one; echo hone: accuracy=1\n")
    with LeaseServer() as server:
        server.grants(parameters, inactive=["degree"])
        said = server.work(tmp, job, "{params.json}", "--config={params.yaml}", '{"x.y"}{"a}b"}')
        expect(only_result(server)["outcome"], "completed")
    expect(json.loads((tmp / "whole.json").read_text()), parameters)
    expect((tmp / "one").read_text(), "1e+20\u0085 caf\u00e9: #\n")
    assert "names some parameters" not in said, said
    expect([str(path) for path in (tmp / "work").rglob("parameters.*")], [])
    try:
        import yaml
    except ImportError as missing:
        raise NotRun(f"the YAML is not read back: {missing}") from missing
    expect(yaml.safe_load((tmp / "whole.yaml").read_text()), parameters)


def test_other_studies_go_on_to_their_end(tmp):
    """One runner, two studies, and only one of them has what the command names."""
    job = script(tmp, f"""
echo $$ >>{tmp}/pids
while [ ! -e {tmp}/go ]; do sleep 0.01; done
echo hone: accuracy=1
""")
    with LeaseServer() as server:
        server.nothing = "waiting"
        server.grants()
        worker = server.start(tmp, options=["--slots", "2", "--runner", f"train={job} {{lr}}"])
        pids_in(tmp / "pids", 1)
        server.grants({"rate": 1}, study="other")
        server.wait_for(lambda: server.released)
        (tmp / "go").touch()
        said, _ = worker.communicate(timeout=SECONDS)
        expect((worker.returncode, server.released), (2, [2]), said)
        expect([(number, body["outcome"]) for number, body in server.results],
               [(1, "completed")], said)
    assert "study other, runner train: the command names {lr}" in said, said
    assert "goes on to its end" in said, said


def test_too_few_open_files_are_reported(tmp):
    with LeaseServer() as server:
        done = subprocess.run(["sh", "-c", "ulimit -n 100; exec \"$@\"", "sh", HONE, "worker",
                               "--study", STUDY, "--slots", "9", "--", "true"],
                              env=server.environment(tmp), text=True, capture_output=True,
                              timeout=SECONDS, check=False)
        expect(server.asks, [])
    wanted = re.search(r"ulimit -n (\d+)", done.stderr)
    assert done.returncode == 2 and wanted and int(wanted.group(1)) > 9 * 10, done


def test_program_that_cannot_be_started_gives_the_trial_back(tmp):
    job = tmp / "job"
    job.write_bytes(b"\x7fELF nonsense")
    job.chmod(0o755)
    with LeaseServer() as server:
        server.grants()
        said = server.work(tmp, str(job), status=1)
        expect((server.released, server.results), ([1], []))
    assert "cannot be started" in said, said


def test_report_outside_of_a_job_says_so(tmp):
    done = subprocess.run([HONE, "report", "a=1"], env={"PATH": os.environ["PATH"]}, text=True,
                          capture_output=True, timeout=SECONDS, check=False)
    assert done.returncode == 2 and "no job of a worker" in done.stderr, done


def test_report_of_nonsense_is_refused(tmp):
    job = script(tmp, f"""
echo hone: accuracy=1
'{HONE}' report loss=abc 2>{tmp}/said || echo $? >{tmp}/status
""")
    with LeaseServer() as server:
        server.grants()
        server.work(tmp, job)
    assert "is no number" in (tmp / "said").read_text()
    expect((tmp / "status").read_text(), "2\n")


def test_report_keeps_its_status_when_nobody_reads_it(tmp):
    job = script(tmp, f"""
'{HONE}' report step=1 accuracy=1 >&- && echo $? >{tmp}/closed
'{HONE}' report step=1 accuracy=1 >/dev/full && echo $? >{tmp}/full
status=0; '{HONE}' report step=2 accuracy=1 >&- || status=$?; echo $status >{tmp}/stop
""")
    with LeaseServer() as server:
        server.action = lambda lease, step: {"action": "stop" if step == 2 else "continue"}
        server.grants()
        server.work(tmp, job)
    expect([(tmp / name).read_text() for name in ("closed", "full", "stop")], ["0\n", "0\n", "3\n"])


main(globals())
