"""Boosts trees on the digits; LightGBM prints the evaluation after every round."""

import argparse

import lightgbm as lgb
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--learning-rate", type=float, default=0.1)
parser.add_argument("--num-leaves", type=int, default=31)
parser.add_argument("--min-data", type=int, default=20)
parser.add_argument("--rounds", type=int, default=100)
args = parser.parse_args()

X, y = load_digits(return_X_y=True)
X_train, X_valid, y_train, y_valid = train_test_split(X, y, stratify=y, random_state=0)
train = lgb.Dataset(X_train, y_train)
valid = lgb.Dataset(X_valid, y_valid, reference=train)
params = {"objective": "multiclass", "num_class": 10, "metric": ["multi_logloss", "multi_error"],
          "learning_rate": args.learning_rate, "num_leaves": args.num_leaves,
          "min_data_in_leaf": args.min_data, "num_threads": 1}
lgb.train(params, train, num_boost_round=args.rounds, valid_sets=[train, valid],
          valid_names=["train", "valid"], callbacks=[lgb.log_evaluation(1)])
