#!/usr/bin/env python3
"""hone.integrations.follow: a study in MLflow, W&B's offline files, TensorBoard and Trackio, read back by each."""

import json
import math
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/support"))
from cases import expect, main  # noqa: E402
from served import Served, hone, support  # noqa: E402
from hone.integrations import follow  # noqa: E402

TRIALS = 4
NAMES = ["watch-1", "watch-2", "watch-3", "watch-4"]


def study_on(server, n=TRIALS):
    """One trial completed, one failed, one with infinities, one that is stopped; names that trackers dislike."""
    client = hone.connect(server.url)
    study = hone.Study.create("watch", {"x": [1, 2, 3, 4], "näme <b>": hone.constant("a\n'b'")}, metric="val/loss",
                              strategy="grid", client=client,
                              stopping={"rule": "threshold", "step": 1, "value": 100})

    def objective(trial):
        x = trial.params["x"]
        trial.report(1, {"val/loss": 1000 if x == 4 else x, "gap": math.inf if x == 3 else 0})
        trial.check()
        if x == 2:
            raise RuntimeError("out of luck")
        trial.report(2, {"val/loss": x / 2})

    study.optimize(objective, n_trials=n, catch=RuntimeError)
    return study, client


def followed(tmp, server, to, program=sys.executable):
    done = subprocess.run([program, "-m", "hone.integrations.follow", "watch", "--to", to], cwd=tmp, text=True,
                          env=server.environment(), capture_output=True, timeout=240, check=False)
    return done.returncode, done.stdout + done.stderr


def test_mlflow(tmp):
    from mlflow.tracking import MlflowClient
    with Served(tmp) as server:
        study_on(server)
        uri = f"sqlite:///{tmp}/mlflow.db"
        expect(followed(tmp, server, f"mlflow={uri}")[0], 0)
    client = MlflowClient(tracking_uri=uri)
    runs = {run.info.run_name: run
            for run in client.search_runs([client.get_experiment_by_name("watch").experiment_id])}
    expect(sorted(runs), NAMES)
    by_x = {run.data.params["x"]: run for run in runs.values()}
    expect({x: run.info.status for x, run in by_x.items()},
           {"1": "FINISHED", "2": "FAILED", "3": "FINISHED", "4": "KILLED"})
    history = client.get_metric_history(by_x["1"].info.run_id, "val/loss")
    expect([(one.step, one.value) for one in history], [(1, 1.0), (2, .5)])
    expect(by_x["1"].data.params["n_me _b_"], "a\n'b'")
    expect(by_x["2"].data.tags["hone.state"], "failed")


def wandb_records(path):
    """The records of an offline file: a header, then LevelDB's log of 32 KiB blocks."""
    from wandb.proto import wandb_internal_pb2
    data, at, whole = path.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:  # no place for a record's head
            at += 32768 - at % 32768
            continue
        length, kind = int.from_bytes(data[at + 4:at + 6], "little"), data[at + 6]
        whole += data[at + 7:at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # all of it, or its last piece
            yield wandb_internal_pb2.Record.FromString(whole)
            whole = b""


def test_wandb_offline(tmp):
    with Served(tmp) as server:
        study_on(server)
        status, said = followed(tmp, server, f"wandb={tmp}/wb")
        expect(status, 0, said)
    files = sorted((tmp / "wb/wandb").glob("offline-run-*/*.wandb"))
    expect(len(files), TRIALS)
    seen, losses = {}, []
    for path in files:
        for record in wandb_records(path):
            if record.WhichOneof("record_type") == "run":
                seen[record.run.run_id] = (record.run.project, {
                    item.key: json.loads(item.value_json) for item in record.run.config.update})
            losses += [json.loads(item.value_json) for item in record.history.item
                       if "val/loss" in (item.key, *item.nested_key)]
    expect(sorted(seen), NAMES)
    expect({project for project, _ in seen.values()}, {"watch"})
    expect(sorted(config["x"] for _, config in seen.values()), [1, 2, 3, 4])
    expect(sorted(losses), [.5, 1, 1.5, 2, 3, 1000])


def test_tensorboard(tmp):
    from tensorboardX.proto import event_pb2
    with Served(tmp) as server:
        study_on(server)
        for _ in range(2):  # the second finds nothing new
            expect(followed(tmp, server, f"tensorboard={tmp}/tb")[0], 0)
    expect(sorted(path.name for path in (tmp / "tb").iterdir()), NAMES)
    for name in NAMES:
        files = list((tmp / "tb" / name).iterdir())
        expect(len(files), 1)
        data, points = files[0].read_bytes(), []
        while data:  # its length, a checksum, the event, a checksum
            length = int.from_bytes(data[:8], "little")
            event = event_pb2.Event.FromString(data[12:12 + length])
            data = data[16 + length:]
            points += [(value.tag, event.step, value.simple_value) for value in event.summary.value
                       if value.HasField("simple_value")]
        expect(("val/loss", 1) in {point[:2] for point in points}, True, points)


def test_trackio(tmp):
    with Served(tmp) as server:
        study_on(server)
        status, said = followed(tmp, server, f"trackio={tmp}/tr")
        expect(status, 0, said)
    script = "import trackio\nfor run in trackio.Api().runs('watch'): print(run.name)"
    done = subprocess.run([sys.executable, "-c", script], text=True, capture_output=True, timeout=120, check=True,
                          env={**os.environ, "TRACKIO_DIR": str(tmp / "tr"), "HOME": str(tmp)})
    expect(sorted(line for line in done.stdout.split() if line.startswith("watch-")), NAMES)


def test_goes_on_after_a_fault_without_a_repeat(tmp):
    with Served(tmp) as server:
        _, client = study_on(server)
        runs = []

        def failing(run):
            if len(runs) == 2:
                raise OSError("the tracker is full")
            runs.append(run.name)

        progress = str(tmp / "progress.json")
        try:
            follow.follow("watch", [failing], client, progress)
            raise AssertionError("no fault was raised")
        except OSError:
            pass
        expect(follow.follow("watch", [lambda run: runs.append(run.name)], client, progress), 2)
        expect(sorted(runs), NAMES)


def test_the_curve_has_what_was_measured(tmp):
    with Served(tmp) as server:
        _, client = study_on(server)
        runs = {}
        follow.follow("watch", [lambda run: runs.setdefault(run.params["x"], run)], client, str(tmp / "p"))
    expect(runs[1].curve, [(1, {"val/loss": 1.0, "gap": 0}), (2, {"val/loss": .5})])
    expect(math.isinf(runs[3].curve[0][1]["gap"]), True)
    expect((runs[2].state, runs[2].reason), ("failed", "exception"))
    expect(all(run.began and run.ended and run.began <= run.ended for run in runs.values()), True)


def test_a_server_that_was_restored_is_told_from_the_one_before(tmp):
    """The trials that come next have numbers of trials that were written, and would be left out."""
    with Served(tmp) as server:
        study, client = study_on(server, 1)
        backup, progress, runs = str(tmp / "b.db"), str(tmp / "p"), []
        expect(support.run_honed("--backup", backup, "--data", server.data)[0], 0)
        study.optimize(lambda trial: trial.report(1, {"val/loss": 1}), n_trials=3)
        expect(follow.follow("watch", [lambda run: runs.append(run.name)], client, progress), 4)
        server.stop()
        expect(support.run_honed("--restore", backup, "--data", server.data)[0], 0)
        server.again()
        study.optimize(lambda trial: trial.report(1, {"val/loss": 1}), n_trials=3)
        try:
            follow.follow("watch", [lambda run: runs.append(run.name)], client, progress)
            raise AssertionError("no fault was raised")
        except hone.HoneError as error:
            expect((error.type, f"{progress} names trials" in str(error)), ("events-gone", True), str(error))
        os.remove(progress)
        runs.clear()
        expect(follow.follow("watch", [lambda run: runs.append(run.name)], client, progress), 4)
        expect(sorted(runs), NAMES)


def test_what_is_wrong_is_said(tmp):
    with Served(tmp) as server:
        for to, wanted in (("comet=x", "give one of mlflow, wandb"), ("mlflow", "and its place"),
                           (f"tensorboard={tmp}/tb", 'there is no study "watch"')):
            status, said = followed(tmp, server, to)
            expect((status, wanted in said), (1, True), said)
        study_on(server)
        (tmp / "watch.followed.json").write_text("{")
        status, said = followed(tmp, server, f"tensorboard={tmp}/tb")
        expect((status, "remove it to write all trials again" in said), (1, True), said)
        (tmp / "watch.followed.json").unlink()
        status, said = followed(tmp, server, f"tensorboard={tmp}/tb", program="/usr/bin/python3")
        expect((status, "pip install tensorboardX" in said), (1, True), said)


main(globals())
