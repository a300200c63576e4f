"""Trains scikit-learn's own neural network on the digits; it prints what it says as it learns."""

import argparse

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.001)
parser.add_argument("--alpha", type=float, default=0.0001)
parser.add_argument("--units", type=int, default=100)
parser.add_argument("--activation", choices=["relu", "tanh", "logistic"], default="relu")
args = parser.parse_args()

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, stratify=y, random_state=0)
model = MLPClassifier((args.units,), activation=args.activation, alpha=args.alpha,
                      learning_rate_init=args.lr, max_iter=30, early_stopping=True,
                      n_iter_no_change=5, verbose=True, random_state=0)
model.fit(X_train, y_train)
print("Test score:", model.score(X_test, y_test))
