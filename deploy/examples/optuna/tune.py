#!/usr/bin/env python3
"""A study of Optuna's, with Hone's suggestions: the loop, the storage and the pruner are Optuna's."""
import optuna
from hone.integrations.optuna import HoneSampler


def objective(trial):
    kernel = trial.suggest_categorical("kernel", ["rbf", "poly"])
    c = trial.suggest_float("c", 1e-3, 1e3, log=True)
    degree = trial.suggest_int("degree", 2, 5) if kernel == "poly" else 1
    for epoch in range(5):  # something that trains, in your program
        loss = abs(c - 10) / (c + 10) + 0.2 * (kernel == "poly") * degree + 1 / (epoch + 1)
        trial.report(loss, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return loss


study = optuna.create_study(sampler=HoneSampler(seed=1), pruner=optuna.pruners.MedianPruner())
study.optimize(objective, n_trials=30)
print(f"best {study.best_value:.3f} with {study.best_params}")
print(study.best_trial.system_attrs.get("hone:why", "drawn at random"))
