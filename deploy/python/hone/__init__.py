"""Hone from Python: studies, trials, and what is called from inside a job. See README.md beside it."""

from .client import Client, Suggestion, connect
from .errors import (HoneError, Infeasible, LeaseLost, MissingPackage, NotInJob, NothingYet, Pruned,
                     Unreachable)
from .version import __version__

__all__ = ["Client", "HoneError", "Infeasible", "LeaseLost", "MissingPackage", "NotInJob", "NothingYet",
           "Pruned", "Suggestion", "Unreachable", "__version__", "connect"]
