#!/usr/bin/env python3
"""Boosted trees of xgboost, round by round, that go on from where they paused."""

import argparse
import pathlib

import digits
import xgboost


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--eta", type=float, default=0.3)
    parser.add_argument("--depth", type=int, default=6)
    parser.add_argument("--min-child-weight", type=float, default=1)
    parser.add_argument("--subsample", type=float, default=1)
    parser.add_argument("--colsample", type=float, default=1)
    parser.add_argument("--reg-lambda", type=float, default=1)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=81)
    parser.add_argument("--checkpoint", type=pathlib.Path, help="a folder")
    return parser.parse_args()


def main():
    given = options()
    train, valid = (xgboost.DMatrix(images, labels) for images, labels in digits.load())
    settings = {"objective": "multi:softprob", "num_class": 10, "eta": given.eta, "max_depth": given.depth,
                "min_child_weight": given.min_child_weight, "subsample": given.subsample,
                "colsample_bytree": given.colsample, "lambda": given.reg_lambda, "seed": 1, "seed_per_iteration": True,
                "nthread": 1,
                "eval_metric": ["merror", "mlogloss"]}
    before = str(given.checkpoint / "model.ubj") if given.first > 0 else None
    model = xgboost.Booster(settings, [train, valid], model_file=before)
    for number in range(given.first, given.rounds):
        model.update(train, number)
        _, error, loss = model.eval(valid, "valid").split("\t")
        print(f"hone: step={number + 1} mlogloss={loss.split(':')[1]} error={error.split(':')[1]}", flush=True)
    if given.checkpoint is not None:
        model.save_model(given.checkpoint / "model.ubj")


if __name__ == "__main__":
    main()
