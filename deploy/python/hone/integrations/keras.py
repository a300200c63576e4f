"""Keras: model.fit(callbacks=[HoneCallback()]) reports each epoch and stops when told.

    trial = hone.current_trial()
    model.fit(x, y, epochs=trial.until, initial_epoch=trial.resource_from, callbacks=[HoneCallback(["val_loss"])])

The step is the epoch, from 1. Save what trial.resume needs into trial.checkpoint_dir.
"""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence

from ..errors import missing
from ..job import current_trial
from ..trial import Trial
from . import _reports

try:
    from keras.callbacks import Callback
except ImportError:
    raise missing("hone.integrations.keras", "keras and a backend such as jax", "pip install keras jax") from None


class HoneCallback(Callback):
    """Reports the logs of each epoch.

    metrics   names such as "val_loss"; None: all of them
    trial     None: current_trial()
    """

    def __init__(self, metrics: Optional[Sequence[str]] = None, trial: Optional[Trial] = None) -> None:
        super().__init__()
        self.metrics = None if metrics is None else list(metrics)
        self.trial = trial or current_trial()

    def on_epoch_end(self, epoch: int, logs: Optional[Dict[str, Any]] = None) -> None:
        measured = _reports.numbers(logs or {}, self.metrics)
        if measured and _reports.rank() == 0:
            self.trial.report(epoch + 1, measured)
        if _reports.agree(self.trial):
            self.model.stop_training = True
