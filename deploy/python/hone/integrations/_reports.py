"""What the callbacks of training frameworks share: which numbers they report, and one decision for all ranks."""

from __future__ import annotations

import sys
from typing import Any, Dict, Iterable, Mapping, Optional

from ..trial import Trial


def numbers(logged: Mapping[str, Any], wanted: Optional[Iterable[str]]) -> Dict[str, float]:
    """What is one number among `logged`; of `wanted` alone where it is given. KeyError names one that is missing."""
    if wanted is not None:
        missing = [name for name in wanted if name not in logged]
        if missing:
            raise KeyError(f"there is no metric {missing[0]!r} to report; there are: {', '.join(sorted(logged))}")
        logged = {name: logged[name] for name in wanted}
    found = {str(name): _number(value) for name, value in logged.items()}
    return {name: value for name, value in found.items() if value is not None}


def _number(value: Any) -> Optional[float]:
    if isinstance(value, (bool, str, bytes)) or value is None:
        return None
    try:
        return float(value.item() if hasattr(value, "item") else value)
    except (TypeError, ValueError, RuntimeError):
        return None


def rank() -> int:
    """Of this process, 0 where there is only one; by torch.distributed if the program uses it."""
    group = _process_group()
    return 0 if group is None else int(group.get_rank())


def agree(trial: Trial) -> bool:
    """Whether to stop, by what rank 0 knows, so that no rank goes on alone. Each rank has to call it."""
    group = _process_group()
    if group is None:
        return trial.should_stop()
    said = [trial.should_stop() if group.get_rank() == 0 else None]
    group.broadcast_object_list(said, src=0)
    return bool(said[0])


def _process_group() -> Any:
    torch = sys.modules.get("torch")
    group = getattr(torch, "distributed", None)
    return group if group is not None and group.is_available() and group.is_initialized() else None
