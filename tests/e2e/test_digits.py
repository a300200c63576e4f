#!/usr/bin/env python3
"""The example trainer by itself: what it reports, how it resumes, obeys and refuses."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from cases import expect, main  # noqa: E402

DIGITS = os.environ["DIGITS"]
SMALL = ["--units", "16", "--batch", "64", "--momentum", "0.5"]


def digits(*options, **environment):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HONE_") or k == "HONE_ALLOW_ROOT"}
    return subprocess.run([DIGITS, *options], env={**kept, **environment}, capture_output=True,
                          text=True, check=False)


def reports(run):
    return [line for line in run.stdout.splitlines() if line.startswith("hone: ")]


def test_every_epoch_is_reported(tmp):
    run = digits(*SMALL, "--epochs", "3")
    expect(run.returncode, 0, run.stderr)
    expect(len(reports(run)), 3)
    for epoch, line in enumerate(reports(run), 1):
        assert re.fullmatch(rf"hone: step={epoch} accuracy=0\.\d+ loss=\d+\.\d+", line), line


def test_training_learns(tmp):
    accuracy = [float(line.split("accuracy=")[1].split()[0])
                for line in reports(digits("--lr", "0.1", "--epochs", "20"))]
    assert accuracy[-1] > 0.9 > accuracy[0], accuracy


def test_the_seed_decides_everything(tmp):
    first, again, other = (reports(digits(*SMALL, "--epochs", "4", "--seed", seed))
                           for seed in ("5", "5", "6"))
    expect(again, first)
    assert other != first


def test_resuming_gives_the_same_digits(tmp):
    whole = reports(digits(*SMALL, "--layers", "2", "--epochs", "9", "--checkpoint", f"{tmp}"))
    final = (tmp / "epoch-9").read_bytes()
    parts = []
    folder = tmp / "parts"
    folder.mkdir()
    for start, end in ((0, 1), (1, 3), (3, 9)):
        run = digits(*SMALL, "--layers", "2", "--from", str(start), "--to", str(end),
                     "--checkpoint", f"{folder}")
        expect(run.returncode, 0, run.stderr)
        parts += reports(run)
    expect(parts, whole)
    expect((folder / "epoch-9").read_bytes(), final, "weights")


def test_a_lost_attempt_leaves_its_start_behind(tmp):
    digits(*SMALL, "--to", "2", "--checkpoint", f"{tmp}")
    digits(*SMALL, "--from", "2", "--to", "5", "--checkpoint", f"{tmp}")
    again = digits(*SMALL, "--from", "2", "--to", "5", "--checkpoint", f"{tmp}")
    expect(len(reports(again)), 3)
    expect("training from the start" in again.stderr, False)


def test_without_its_checkpoint_it_trains_from_the_start(tmp):
    run = digits(*SMALL, "--from", "2", "--to", "3", "--checkpoint", f"{tmp}")
    expect(run.returncode, 0)
    expect(len(reports(run)), 3)
    assert "training from the start" in run.stderr, run.stderr


def test_the_environment_names_the_trial(tmp):
    environment = {"HONE_SEED": "7", "HONE_RESOURCE_TO": "2", "HONE_CHECKPOINT_DIR": str(tmp)}
    first = reports(digits(*SMALL, **environment))
    environment.update(HONE_RESOURCE_FROM="2", HONE_RESOURCE_TO="4")
    second = reports(digits(*SMALL, **environment))
    expect(first + second, reports(digits(*SMALL, "--seed", "7", "--epochs", "4")))


def test_it_obeys_the_control_file(tmp):
    control = tmp / "control"
    wanted = {'{"action": "pause"}': 1, '{"action": "stop"}': 1,
              '{"action": "continue", "until": 5}': 5, '{"action": "continue"}': 3, "": 3}
    for text, epochs in wanted.items():
        control.write_text(text)
        run = digits(*SMALL, "--to", "3", "--checkpoint", f"{tmp}", HONE_CONTROL_FILE=str(control))
        expect(run.returncode, 0, run.stderr)
        expect(len(reports(run)), epochs, text)
        assert (tmp / f"epoch-{epochs}").exists()


def test_divergence_is_said_and_ends_the_training(tmp):
    run = digits("--lr", "100", "--weight-decay", "100", "--epochs", "50")
    expect(run.returncode, 0, run.stderr)
    assert len(reports(run)) < 50 and "diverged" in run.stderr, run.stdout
    assert "loss=nan" in reports(run)[-1] or "loss=-nan" in reports(run)[-1], run.stdout


def test_bad_options_are_refused(tmp):
    for options in (["--units", "0"], ["--units", "ten"], ["--lr", "nan"], ["--lr", "-1"],
                    ["--momentum", "1.5"], ["--nonsense", "1"], ["stray"], ["--lr"],
                    ["--seed", "-1"]):
        run = digits(*options)
        expect(run.returncode, 64, options)
        assert "usage:" in run.stderr and not reports(run), run.stderr


def test_bad_files_are_refused(tmp):
    (tmp / "bad.csv").write_text("1,2,3\n")
    for options, words in ((["--data", f"{tmp}/none"], "--data FILE"),
                           (["--data", f"{tmp}/bad.csv"], "line 1"),
                           (["--checkpoint", f"{tmp}/none"], "checkpoint")):
        run = digits(*SMALL, "--epochs", "1", *options)
        expect(run.returncode, 1, options)
        assert words in run.stderr, run.stderr
    digits(*SMALL, "--to", "1", "--checkpoint", f"{tmp}")
    run = digits("--units", "8", "--from", "1", "--to", "2", "--checkpoint", f"{tmp}")
    expect(run.returncode, 1)
    assert "another configuration" in run.stderr, run.stderr


main(globals())
