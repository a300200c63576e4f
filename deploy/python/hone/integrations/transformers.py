"""Hugging Face Transformers: Trainer(callbacks=[HoneCallback()]) reports each evaluation and stops when told.

    trial = hone.current_trial()
    trainer = Trainer(…, callbacks=[HoneCallback(["eval_loss"])])
    trainer.train(resume_from_checkpoint=trial.resume)

The step is the epoch, from 1, or with step="global_step" the optimiser's. Give TrainingArguments
output_dir=trial.checkpoint_dir, and as eval_strategy and save_strategy the one that fits: "epoch" or "steps".
"""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence

from ..errors import missing
from ..job import current_trial
from ..trial import Trial
from . import _reports

try:
    from transformers import TrainerCallback
except ImportError:
    raise missing("hone.integrations.transformers", "transformers", "pip install transformers") from None


class HoneCallback(TrainerCallback):
    """Reports what an evaluation has measured.

    metrics   names such as "eval_loss"; None: every number, without "epoch"
    step      "epoch" (rounded, where evaluations lie between) or "global_step"
    trial     None: current_trial()
    """

    def __init__(self, metrics: Optional[Sequence[str]] = None, step: str = "epoch",
                 trial: Optional[Trial] = None) -> None:
        if step not in ("epoch", "global_step"):
            raise ValueError(f'step is {step!r}; give "epoch" or "global_step"')
        self.metrics = None if metrics is None else list(metrics)
        self.step = step
        self.trial = trial or current_trial()

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Optional[Dict[str, Any]] = None,
                    **others: Any) -> Any:
        if state.is_world_process_zero:
            measured = _reports.numbers(metrics or {}, self.metrics)
            if self.metrics is None:
                measured.pop("epoch", None)
            if measured:
                self.trial.report(self._step(state), measured)
        if _reports.agree(self.trial):
            control.should_training_stop = control.should_save = True
        return control

    def _step(self, state: Any) -> int:
        return int(state.global_step) if self.step == "global_step" else max(1, round(state.epoch or 0))
