"""TensorBoard: a folder for each trial, with its curves and its HParams; by tensorboardX. See follow.py."""

from __future__ import annotations

import math
import os
import shutil
from typing import Any, Dict

from ..errors import missing
from .follow import Run, Sink

try:
    from tensorboardX import SummaryWriter
    from tensorboardX.summary import hparams
except ImportError:
    raise missing("hone.integrations.tensorboard", "tensorboardX", "pip install tensorboardX") from None


def sink(folder: str) -> Sink:
    """Writes below `folder`, which is made. A folder of the same trial and attempt is replaced."""

    def write(run: Run) -> None:
        place = os.path.join(folder, run.name)
        shutil.rmtree(place, ignore_errors=True)
        at = None if run.ended is None else run.ended / 1000
        with SummaryWriter(place) as writer:
            for summary in hparams({name: _plain(value) for name, value in run.params.items()}, run.metrics):
                writer.file_writer.add_summary(summary)
            for name, value, step in _points(run):
                writer.add_scalar(name, value, step, walltime=at)

    return write


def _points(run: Run) -> Any:
    for step, measured in run.curve:
        for name, value in measured.items():
            yield name, value, round(step)
    last = round(run.curve[-1][0]) if run.curve else 0
    known: Dict[str, float] = run.curve[-1][1] if run.curve else {}
    for name, value in run.metrics.items():
        if name not in known:
            yield name, value, last


def _plain(value: Any) -> Any:
    """HParams has numbers, text and booleans."""
    if isinstance(value, (bool, str)) or isinstance(value, (int, float)) and math.isfinite(value):
        return value
    return str(value)
