"""PyTorch Lightning: Trainer(callbacks=[HoneCallback()]) reports each validation and stops when told.

    trial = hone.current_trial()
    trainer = Trainer(max_epochs=trial.until, callbacks=[HoneCallback(["val_loss"])])

The step is the epoch, from 1. Checkpoints belong into trial.checkpoint_dir; begin with
trainer.fit(…, ckpt_path="last") where trial.resume is true.
"""

from __future__ import annotations

from typing import Any, Optional, Sequence

from ..errors import missing
from ..job import current_trial
from ..trial import Trial
from . import _reports

try:
    from lightning.pytorch import Callback
except ImportError:
    try:
        from pytorch_lightning import Callback
    except ImportError:
        raise missing("hone.integrations.lightning", "lightning", "pip install lightning") from None


class HoneCallback(Callback):
    """Reports what was logged, after each validation, or after each training epoch where there is none.

    metrics   names among trainer.callback_metrics; None: every one that is a number
    trial     None: current_trial()
    """

    def __init__(self, metrics: Optional[Sequence[str]] = None, trial: Optional[Trial] = None) -> None:
        super().__init__()
        self.metrics = None if metrics is None else list(metrics)
        self.trial = trial or current_trial()
        self._validates = False

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if not trainer.sanity_checking:
            self._validates = True
            self._report(trainer)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        if not self._validates:
            self._report(trainer)

    def _report(self, trainer: Any) -> None:
        if trainer.is_global_zero:
            measured = _reports.numbers(trainer.callback_metrics, self.metrics)
            if measured:
                self.trial.report(trainer.current_epoch + 1, measured)
        if trainer.strategy.broadcast(self.trial.should_stop() if trainer.is_global_zero else None):
            trainer.should_stop = True
