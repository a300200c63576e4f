"""What may vary, in short: {"lr": hone.log(1e-5, 1e-1), "units": hone.int(16, 512), "act": ["relu", "tanh"]}.

Each function returns a parameter as the API describes it, without its name. Any further member of the API's
may be given by keyword: default, step, grid, values, weights, when, scale, …

    "momentum": hone.float(0.0, 0.99, when={"optimizer": ["sgd"]})
"""

from __future__ import annotations

import builtins
from typing import Any, Dict, List, Mapping, Sequence, Union

from . import values

Domain = Dict[str, Any]
Parameters = Union[Mapping[str, Any], Sequence[Mapping[str, Any]]]


def float(low: Any, high: Any, **more: Any) -> Domain:
    """Any number from low to high, both included; step=0.1 counts from low."""
    return {"type": "float", "low": low, "high": high, **more}


def int(low: Any, high: Any, **more: Any) -> Domain:
    """A whole number from low to high, both included; scale="log" where it is its order that matters."""
    return {"type": "int", "low": low, "high": high, **more}


def log(low: Any, high: Any, **more: Any) -> Domain:
    """A number from low to high, both above 0, each order of magnitude alike; of ints: int(…, scale="log")."""
    return float(low, high, scale="log", **more)


def normal(mean: Any, sd: Any, **more: Any) -> Domain:
    """A number near `mean`: normal with standard deviation `sd`, between low and high where they are given."""
    return {"type": "float", "distribution": "normal", "mean": mean, "sd": sd, **more}


def choice(*choices: Any, **more: Any) -> Domain:
    """One of these, in no order: text, numbers, booleans, None, lists, dicts; handed back as they are."""
    return {"type": "categorical", "choices": list(choices), **more}


def ordinal(*choices: Any, **more: Any) -> Domain:
    """One of these, where neighbours are alike: ordinal("small", "medium", "large")."""
    return {"type": "ordinal", "choices": list(choices), **more}


def boolean(**more: Any) -> Domain:
    """True or False."""
    return {"type": "bool", **more}


def constant(value: Any, **more: Any) -> Domain:
    """Always this value; it is handed out with the others and kept with the results."""
    return {"type": "constant", "value": value, **more}


def parameters(described: Parameters) -> List[Domain]:
    """The API's list from the short form, or from that list itself. TypeError names what is neither."""
    if isinstance(described, Mapping):
        return [{"name": name, **_domain(name, one)} for name, one in described.items()]
    if isinstance(described, (str, bytes)) or not isinstance(described, Sequence):
        raise TypeError(f"parameters are {described!r}; give a dict such as {{\"lr\": hone.log(1e-5, 1e-1)}}")
    return [_named(one) for one in described]


def _named(one: Any) -> Domain:
    if not isinstance(one, Mapping) or "name" not in one:
        raise TypeError(f"a parameter is {one!r}; in a list each is a dict with a name")
    return values.plain(dict(one), f"parameter {one['name']!r}")  # type: ignore[no-any-return]


def _domain(name: Any, one: Any) -> Domain:
    if not isinstance(name, str):
        raise TypeError(f"the name of a parameter is {name!r}; names are text")
    if isinstance(one, Mapping) and "type" in one:
        domain = dict(one)
    elif isinstance(one, list):
        domain = choice(*one)
    elif one is None or isinstance(one, (str, bool, builtins.int, builtins.float)):
        domain = constant(one)
    else:
        raise TypeError(f"parameter {name!r} is {one!r}; give what hone.float, hone.int, hone.log, hone.choice "
                        "or another of them returns, or a list of choices")
    return values.plain(domain, f"parameter {name!r}")  # type: ignore[no-any-return]
