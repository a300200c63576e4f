"""Judges a random forest on the breast cancer data by cross validation."""

import argparse

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score

parser = argparse.ArgumentParser()
parser.add_argument("--trees", type=int, default=100)
parser.add_argument("--max-depth", type=int, default=None)
parser.add_argument("--max-features", choices=["sqrt", "log2"], default="sqrt")
parser.add_argument("--min-samples-leaf", type=int, default=1)
parser.add_argument("--class-weight", choices=["balanced", "balanced_subsample"], default=None)
args = parser.parse_args()

X, y = load_breast_cancer(return_X_y=True)
forest = RandomForestClassifier(
    n_estimators=args.trees, max_depth=args.max_depth, max_features=args.max_features,
    min_samples_leaf=args.min_samples_leaf, class_weight=args.class_weight, random_state=0)
folds = StratifiedKFold(5, shuffle=True, random_state=0)
scores = cross_val_score(forest, X, y, cv=folds, scoring="balanced_accuracy")
for fold, score in enumerate(scores):
    print("Fold %d: %.4f" % (fold, score))
print("Accuracy: %.4f (+/- %.4f)" % (scores.mean(), scores.std() * 2))
