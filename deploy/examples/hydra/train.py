#!/usr/bin/env python3
"""A perceptron on the digits, in plain Python: a program of Hydra that Hone tunes.

    python3 train.py lr=0.1                                          one run, as ever
    python3 train.py -m hydra/sweeper=hone 'lr=tag(log, interval(1e-3, 1))' 'decay=interval(0.5, 1)'
"""
import pathlib
import random

import hydra
from hydra.core.config_store import ConfigStore

import hone

ConfigStore.instance().store(name="config", node={"lr": 0.1, "decay": 0.9, "epochs": 8, "seed": 1})
DIGITS = pathlib.Path(__file__).resolve().parents[1] / "digits/digits.csv"


def images():
    """1,797 images of 8 by 8, and which digit each is; two thirds to learn from."""
    lines = [[int(x) for x in line.split(",")] for line in DIGITS.read_text().splitlines()]
    pairs = [([x / 16 for x in line[:64]] + [1.0], line[64]) for line in lines]
    return pairs[:1198], pairs[1198:]


def guess(weights, image):
    return max(range(10), key=lambda d: sum(w * x for w, x in zip(weights[d], image)))


def epochs(cfg):
    """The accuracy on the other third, after each epoch."""
    train, test = images()
    order, weights, rate = random.Random(cfg.seed), [[0.0] * 65 for _ in range(10)], cfg.lr
    for _ in range(cfg.epochs):
        order.shuffle(train)
        for image, digit in train:
            guessed = guess(weights, image)
            if guessed != digit:
                for i, x in enumerate(image):
                    weights[digit][i] += rate * x
                    weights[guessed][i] -= rate * x
        rate *= cfg.decay
        yield sum(guess(weights, image) == digit for image, digit in test) / len(test)


@hydra.main(version_base=None, config_path=None, config_name="config")
def main(cfg):
    accuracy = 0.0
    trial = hone.current_trial() if hone.in_job() else None
    for epoch, accuracy in enumerate(epochs(cfg), 1):
        print(f"epoch {epoch}: accuracy {accuracy:.4f}")
        if trial:
            trial.report(epoch, accuracy=accuracy)
            trial.check()  # leaves here, if there is no point in going on
    return accuracy


main()
