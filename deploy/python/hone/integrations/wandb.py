"""Weights & Biases, offline: a run for each trial, which `wandb sync DIR/wandb/offline-*` sends. See follow.py."""

from __future__ import annotations

import os

from ..errors import missing
from .follow import Run, Sink

try:
    import wandb
except ImportError:
    raise missing("hone.integrations.wandb", "wandb", "pip install wandb") from None


def sink(folder: str) -> Sink:
    """Writes below `folder`, which is made. Nothing is sent; the run's id is its name, so that the same again
    is the same run to the server."""
    os.makedirs(folder, exist_ok=True)

    def write(run: Run) -> None:
        made = wandb.init(mode="offline", dir=folder, project=run.study, group=run.study, name=run.name,
                          id=run.name, config=run.params, tags=[run.state], reinit="create_new",
                          settings=wandb.Settings(silent=True, console="off"))
        for step, measured in run.curve:
            made.log({**measured, "step": step})
        made.summary.update({**run.metrics, **run.tags})
        made.finish(exit_code=0 if run.state in ("completed", "pruned") else 1)

    return write
