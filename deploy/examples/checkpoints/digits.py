"""The digits of deploy/examples/digits: 1,198 images to train on and 599 of other writers to validate."""

import pathlib

import numpy

FILE = pathlib.Path(__file__).resolve().parents[1] / "digits/digits.csv"
N_TRAINED = 1198


def load():
    """(images, labels) to train on, and to validate."""
    rows = numpy.loadtxt(FILE, delimiter=",")
    images, labels = rows[:, :64] / 16, rows[:, 64].astype(int)
    return (images[:N_TRAINED], labels[:N_TRAINED]), (images[N_TRAINED:], labels[N_TRAINED:])
