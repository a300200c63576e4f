#!/usr/bin/env python3
"""hone worker --try: one job without a server, and what is understood of it."""

import json
import os
import pathlib
import shlex
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main, script  # noqa: E402
from jobs import HONE, SECONDS  # noqa: E402
from lease_server import LeaseServer  # noqa: E402


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


if __name__ == "__main__":
    main(globals())
