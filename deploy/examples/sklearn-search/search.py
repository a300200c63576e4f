#!/usr/bin/env python3
"""A pipeline of scikit-learn, searched by Hone: the scaler, the kernel and what belongs to it."""

import sys

from sklearn.datasets import load_digits
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC

import hone
from hone.integrations.sklearn import HoneSearchCV

X, y = load_digits(return_X_y=True)
search = HoneSearchCV(
    Pipeline([("scale", StandardScaler()), ("svc", SVC())]),
    {
        "scale": [StandardScaler(), MinMaxScaler(), "passthrough"],
        "svc__C": hone.log(1e-2, 1e3),
        "svc__kernel": ["rbf", "poly", "linear"],
        "svc__gamma": hone.log(1e-5, 1e0, when={"svc__kernel": ["rbf", "poly"]}),
        "svc__degree": hone.int(2, 4, when={"svc__kernel": ["poly"]}),
    },
    n_trials=int(sys.argv[1]) if len(sys.argv) > 1 else 30,
    n_jobs=2,
    cv=3,
    random_state=1,
)
search.fit(X, y)
print(f"{search.best_score_:.4f} with {search.best_params_}")
print(f"the last one, because: {search.suggestions_[-1].why}")
