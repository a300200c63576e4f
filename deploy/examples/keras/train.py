#!/usr/bin/env python3
"""A small network on the digits with Keras, whose epochs Hone hears of by a callback.

    hone run keras --maximize val_accuracy -P lr=log:1e-4..1e-1 -P units=int:8..64 -P dropout=0..0.6 \\
        --trials 8 -- python3 train.py
"""
import pathlib

import numpy

import keras

import hone
from hone.integrations.keras import HoneCallback

trial = hone.current_trial()
data = numpy.loadtxt(pathlib.Path(__file__).resolve().parents[1] / "digits/digits.csv", delimiter=",")
images, digits = data[:, :64] / 16, data[:, 64]
keras.utils.set_random_seed(trial.seed % 2**32)

model = keras.Sequential([
    keras.Input((64,)),
    keras.layers.Dense(trial.params["units"], activation="relu"),
    keras.layers.Dropout(trial.params["dropout"]),
    keras.layers.Dense(10, activation="softmax"),
])
model.compile(keras.optimizers.Adam(trial.params["lr"]), "sparse_categorical_crossentropy",
              metrics=["accuracy"])
model.fit(images[:1198], digits[:1198], validation_data=(images[1198:], digits[1198:]), epochs=trial.until or 10,
          batch_size=64, verbose=0, callbacks=[HoneCallback(["val_accuracy", "val_loss"])])
