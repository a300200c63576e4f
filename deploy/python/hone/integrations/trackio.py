"""Trackio: a project for each study, a run for each trial, in Trackio's database on this machine. See follow.py."""

from __future__ import annotations

import os

from ..errors import missing
from .follow import Run, Sink


def sink(folder: str) -> Sink:
    """Writes into `folder`, which is made and is $TRACKIO_DIR to `trackio show`. One folder in a process."""
    os.makedirs(folder, exist_ok=True)
    os.environ["TRACKIO_DIR"] = os.path.abspath(folder)
    try:
        import trackio  # which reads TRACKIO_DIR now
    except ImportError:
        raise missing("hone.integrations.trackio", "trackio", "pip install trackio") from None

    def write(run: Run) -> None:
        made = trackio.init(project=run.study, name=run.name, group=run.study, embed=False,
                            config={**run.params, **run.tags})
        for step, measured in run.curve:
            made.log(measured, step=round(step))
        if not run.curve and run.metrics:
            made.log(run.metrics)
        made.finish()

    return write
