#!/usr/bin/env python3
"""The callbacks: in Keras' own training (with jax on the CPU), in Transformers' own CallbackHandler, and in
Lightning's documented interface, since Lightning itself needs torch, which brings CUDA."""

import os
import pathlib
import subprocess
import sys
import types

os.environ["KERAS_BACKEND"] = "jax"
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/support"))
from cases import expect, main  # noqa: E402
from served import Served, hone  # noqa: E402


def one_trial(tmp, server, metric, **more):
    client = hone.connect(server.url)
    return hone.Study.create("callbacks", {"x": hone.float(0, 1)}, metric=metric, client=client,
                             limits={"trials": 1}, **more)


def curve(study):
    items = study.client.walk("/v1/studies/callbacks/trials/1/measurements")
    return {item["step"]: item["metrics"] for item in items}


def keras_model():
    import keras
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(.1), loss="mse")
    return model


def test_keras(tmp):
    import numpy
    from hone.integrations.keras import HoneCallback
    x = numpy.random.default_rng(1).normal(size=(64, 2))
    y = x @ numpy.array([1.0, -2.0])
    with Served(tmp) as server:
        study = one_trial(tmp, server, "val_loss", stopping={"rule": "threshold", "step": 3, "value": -1})
        with study.trial() as trial:
            done = keras_model().fit(x, y, validation_split=.25, epochs=10, verbose=0,
                                     callbacks=[HoneCallback(trial=trial)])
        measured = curve(study)
        expect(sorted(measured), [1, 2, 3])  # it was told to stop at 3
        expect(len(done.epoch), 3)
        expect([round(measured[e]["val_loss"], 5) for e in (1, 2, 3)], [round(v, 5) for v in done.history["val_loss"]])
        expect(study.trials()[0].state, "pruned")


def test_keras_names_a_metric_that_is_missing(tmp):
    from hone.integrations.keras import HoneCallback
    with Served(tmp) as server:
        study = one_trial(tmp, server, "val_loss")
        try:
            with study.trial() as trial:
                HoneCallback(["val_loss"], trial).on_epoch_end(0, {"loss": 1.0})
            raise AssertionError("it went through")
        except KeyError as error:
            expect("there are: loss" in str(error), True, str(error))


def test_the_example(tmp):
    with Served(tmp) as server:
        done = subprocess.run([ROOT / "deploy/examples/keras/tune", "--trials", "2", "--seed", "1"], cwd=tmp, text=True,
                              env=server.environment(PYTHON=sys.executable, HONE=os.environ["HONE"],
                                                     KERAS_BACKEND="jax"),
                              capture_output=True, timeout=240, check=False)
        expect(done.returncode, 0, done.stdout + done.stderr)
        trials = server.connect().request("GET", "/v1/studies/keras/trials")["items"]
        expect([(one["state"], one["step"]) for one in trials], [("completed", 10)] * 2)
        expect(max(one["value"] for one in trials) > .2, True, trials)  # a tenth is chance


def transformers_parts(callback):
    from transformers.trainer_callback import CallbackHandler, TrainerControl, TrainerState
    return (CallbackHandler([callback], None, None, None, None), TrainerState(is_world_process_zero=True),
            TrainerControl())


def test_transformers(tmp):
    from hone.integrations.transformers import HoneCallback
    with Served(tmp) as server:
        study = one_trial(tmp, server, "eval_loss", stopping={"rule": "threshold", "step": 2, "value": 1})
        with study.trial() as trial:
            handler, state, control = transformers_parts(HoneCallback(trial=trial))
            for epoch in (1, 2, 3):
                state.epoch, state.global_step = epoch - 0.001, 100 * epoch
                control = handler.on_evaluate(None, state, control, {"eval_loss": 2.0, "epoch": state.epoch,
                                                                    "eval_note": "text"})
                if control.should_training_stop:
                    break
        expect(curve(study), {1: {"eval_loss": 2.0}, 2: {"eval_loss": 2.0}})
        expect((epoch, control.should_save), (2, True))


def test_transformers_counts_optimiser_steps_where_told(tmp):
    from hone.integrations.transformers import HoneCallback
    with Served(tmp) as server:
        study = one_trial(tmp, server, "eval_loss")
        with study.trial() as trial:
            handler, state, control = transformers_parts(HoneCallback(["eval_loss"], "global_step", trial))
            state.epoch, state.global_step = .4, 250
            control = handler.on_evaluate(None, state, control, {"eval_loss": .5, "eval_runtime": 3})
            expect(control.should_training_stop, False)
            state.is_world_process_zero = False  # another rank reports nothing
            handler.on_evaluate(None, state, control, {"eval_loss": 9})
        expect(curve(study), {250: {"eval_loss": .5}})
    try:
        HoneCallback(step="minutes", trial=trial)
        raise AssertionError("it went through")
    except ValueError as error:
        expect("global_step" in str(error), True)


class LightningTrainer:
    """What lightning.pytorch.Trainer documents of itself for callbacks, with one training loop."""

    def __init__(self, callback, validates=True):
        self.callback, self.validates = callback, validates
        self.sanity_checking = self.should_stop = False
        self.is_global_zero = True
        self.callback_metrics, self.current_epoch = {}, 0
        self.strategy = types.SimpleNamespace(broadcast=lambda said: said)

    def fit(self, epochs):
        if self.validates:
            self.sanity_checking = True
            self.callback_metrics = {"val_loss": 99.0}
            self.callback.on_validation_end(self, None)
            self.sanity_checking = False
        for self.current_epoch in range(epochs):
            self.callback_metrics = {"val_loss": 1.0 / (1 + self.current_epoch), "train_loss": .5}
            if self.validates:
                self.callback.on_validation_end(self, None)
            self.callback.on_train_epoch_end(self, None)
            if self.should_stop:
                return


def lightning_callback(*arguments, **named):
    package, pytorch = types.ModuleType("lightning"), types.ModuleType("lightning.pytorch")
    pytorch.Callback = type("Callback", (), {})
    sys.modules.setdefault("lightning", package)
    sys.modules.setdefault("lightning.pytorch", pytorch)
    from hone.integrations.lightning import HoneCallback
    return HoneCallback(*arguments, **named)


def test_lightning_as_documented(tmp):
    with Served(tmp) as server:
        study = one_trial(tmp, server, "val_loss", stopping={"rule": "threshold", "step": 2, "value": .4})
        with study.trial() as trial:
            LightningTrainer(lightning_callback(["val_loss"], trial=trial)).fit(10)
        expect(curve(study), {1: {"val_loss": 1}, 2: {"val_loss": .5}})  # not the sanity check's 99


def test_lightning_without_validation(tmp):
    with Served(tmp) as server:
        study = one_trial(tmp, server, "train_loss")
        with study.trial() as trial:
            LightningTrainer(lightning_callback(["train_loss"], trial=trial), validates=False).fit(2)
        expect(curve(study), {1: {"train_loss": .5}, 2: {"train_loss": .5}})


def test_a_missing_package_names_the_line(tmp):
    script = "import hone.integrations.{}"
    for name, line in (("keras", "pip install keras jax"), ("transformers", "pip install transformers"),
                       ("lightning", "pip install lightning"), ("hydra", "pip install hydra-core"),
                       ("mlflow", "pip install mlflow"), ("wandb", "pip install wandb")):
        done = subprocess.run(["/usr/bin/python3", "-c", script.format(name)], text=True, capture_output=True,
                              timeout=60, check=False, env={**os.environ, "PYTHONNOUSERSITE": "1"})
        expect(done.stderr.strip().splitlines()[-1].split(": ", 1)[1].endswith(line), True, done.stderr)


main(globals())
