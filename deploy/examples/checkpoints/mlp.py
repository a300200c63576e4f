#!/usr/bin/env python3
"""A network of scikit-learn, trained epoch by epoch, that goes on from where it paused."""

import argparse
import pathlib
import pickle
import warnings

import digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.001)
    parser.add_argument("--hidden", type=int, default=100)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--alpha", type=float, default=0.0001)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=27)
    parser.add_argument("--checkpoint", type=pathlib.Path, help="a folder")
    return parser.parse_args()


def begin(given):
    if given.first > 0:
        return pickle.loads((given.checkpoint / "model.pickle").read_bytes())
    return MLPClassifier(hidden_layer_sizes=(given.hidden,) * given.layers, solver="sgd",
                         learning_rate_init=given.lr, alpha=given.alpha, batch_size=given.batch,
                         momentum=given.momentum, random_state=1)


def main():
    given = options()
    (images, labels), (valid_images, valid_labels) = digits.load()
    model = begin(given)
    warnings.simplefilter("ignore", ConvergenceWarning)
    for epoch in range(given.first + 1, given.epochs + 1):
        model.partial_fit(images, labels, classes=range(10))
        accuracy = model.score(valid_images, valid_labels)
        print(f"hone: step={epoch} accuracy={accuracy!r} loss={float(model.loss_)!r}", flush=True)
    if given.checkpoint is not None:
        (given.checkpoint / "model.pickle").write_bytes(pickle.dumps(model))


if __name__ == "__main__":
    main()
