"""Boosts trees on the breast cancer data; xgboost prints the evaluation after every round."""

import argparse

import xgboost as xgb
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--eta", type=float, default=0.3)
parser.add_argument("--max-depth", type=int, default=6)
parser.add_argument("--subsample", type=float, default=1)
parser.add_argument("--reg-lambda", type=float, default=1)
parser.add_argument("--rounds", type=int, default=30)
args = parser.parse_args()

X, y = load_breast_cancer(return_X_y=True)
X_train, X_eval, y_train, y_eval = train_test_split(X, y, stratify=y, random_state=0)
dtrain = xgb.DMatrix(X_train, label=y_train)
deval = xgb.DMatrix(X_eval, label=y_eval)
params = {"objective": "binary:logistic", "eval_metric": ["error", "logloss"], "eta": args.eta,
          "max_depth": args.max_depth, "subsample": args.subsample, "lambda": args.reg_lambda}
xgb.train(params, dtrain, num_boost_round=args.rounds, evals=[(dtrain, "train"), (deval, "eval")],
          early_stopping_rounds=10)
