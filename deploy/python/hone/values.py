"""Values between Python and JSON: what a training program holds, and what the API takes.

Numbers of numpy, torch, jax and the like are known by their method `item()`, so none of these packages is
imported. Numbers that JSON cannot write travel as the strings "NaN", "Infinity" and "-Infinity".
"""

from __future__ import annotations

import decimal
import fractions
import json
import math
import os
from typing import Any, Dict, Mapping, Union

Number = Union[int, float]
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_DEPTH = 32


def plain(value: Any, where: str = "value", depth: int = 0) -> Any:
    """`value` as what JSON has: numbers of any kind, paths, tuples, mappings. TypeError names `where`."""
    if depth > _DEPTH:
        raise ValueError(f"{where} is nested more than {_DEPTH} levels deep, or contains itself")
    if value is None or isinstance(value, (bool, str)):
        return str(value) if type(value) is not str and isinstance(value, str) else value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return _finite_or_name(float(value))
    if isinstance(value, (decimal.Decimal, fractions.Fraction)):
        return int(value) if _is_whole(value) else _finite_or_name(float(value))
    if isinstance(value, os.PathLike):
        return os.fsdecode(os.fspath(value))
    if isinstance(value, Mapping):
        return {_key(key, where): plain(one, f"{where}[{key!r}]", depth + 1) for key, one in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [plain(one, f"{where}[{i}]", depth + 1) for i, one in enumerate(value)]
    if hasattr(value, "tolist"):  # arrays, tensors and scalars of numpy and its kin
        return plain(value.tolist(), where, depth + 1)
    if hasattr(value, "item"):
        return plain(_item(value, where), where, depth + 1)
    raise TypeError(f"{where} is {_a(value)}, which JSON cannot hold; give a number, text, list or dict")


def metric(value: Any, where: str) -> Number:
    """A metric's value as a number, NaN and infinities included. TypeError says what it is instead."""
    if isinstance(value, bool) or value is None or isinstance(value, (str, bytes)):
        raise TypeError(f"{where} is {value!r}; give a number")
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if hasattr(value, "item"):
        return metric(_item(value, where), where)
    try:
        return float(value)  # Decimal, Fraction, and whatever else calls itself a number
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{where} is {_a(value)}; give one number") from None


def step(value: Any) -> Number:
    """A step: a whole number as an int, whatever kind of number it is given as."""
    number = metric(value, "step")
    return int(number) if isinstance(number, float) and number.is_integer() else number


def metrics(values: Mapping[str, Any]) -> Dict[str, Any]:
    """Metrics as the API takes them: {"loss": 0.3, "gap": "NaN"}."""
    return {_key(name, "metrics"): _finite_or_name(metric(value, f"metric {name}"))
            for name, value in values.items()}


def number(value: Any) -> Any:
    """A number of an answer as a float, the names of those that JSON cannot write too; None stays."""
    return _NON_FINITE.get(value) if isinstance(value, str) else None if value is None else float(value)


def numbers(values: Any) -> Dict[str, Any]:
    """The metrics of an answer, with real floats."""
    return {name: number(value) for name, value in (values or {}).items()}


def encode(body: Any) -> bytes:
    """A body as UTF-8. ValueError where text holds what UTF-8 cannot (a lone surrogate)."""
    text = json.dumps(plain(body, "the body"), allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    _check_unicode(text)
    return text.encode("utf-8")


def _finite_or_name(value: Number) -> Any:
    if isinstance(value, int) or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _is_whole(value: Union[decimal.Decimal, fractions.Fraction]) -> bool:
    if isinstance(value, fractions.Fraction):
        return value.denominator == 1
    return value.is_finite() and value == value.to_integral_value() and abs(value) < 2 ** 63


def _item(value: Any, where: str) -> Any:
    try:
        inner = value.item()
    except (TypeError, ValueError, RuntimeError) as fault:
        raise TypeError(f"{where} is {_a(value)}, not one number ({fault}); "
                        "give one, for example its mean") from None
    if hasattr(inner, "item"):
        raise TypeError(f"{where} is {_a(value)}, which is no number")
    return inner


def _key(key: Any, where: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a name in {where} is {key!r}; names are text")
    _check_unicode(key)
    return str(key)


def _check_unicode(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as fault:
        raise ValueError(f"text that is not Unicode cannot be sent: {fault.object[fault.start:fault.end]!r} "
                         "(bytes that are no UTF-8, for example of a file's name)") from None


def _a(value: Any) -> str:
    kind = type(value)
    return f"a {kind.__module__}.{kind.__qualname__}".replace("a builtins.", "a ")
