"""Hone from Python: studies, trials, and what is called from inside a job. See README.md beside it."""

from .client import Client, Suggestion, connect
from .errors import (HoneError, Infeasible, LeaseLost, MissingPackage, NotInJob, NothingYet, Pruned,
                     StudyEnded, Unreachable)
from .job import current_trial, in_job
from .optimize import TunedFunction, objective
from .space import boolean, choice, constant, float, int, log, normal, ordinal
from .study import Study, TrialRecord
from .trial import LeasedTrial, Trial
from .values import plain
from .version import __version__

__all__ = ["Client", "HoneError", "Infeasible", "LeaseLost", "LeasedTrial", "MissingPackage", "NotInJob",
           "NothingYet", "Pruned", "Study", "StudyEnded", "Suggestion", "Trial", "TrialRecord",
           "TunedFunction", "Unreachable", "__version__", "boolean", "choice", "connect", "constant",
           "current_trial", "float", "in_job", "int", "log", "normal", "objective", "ordinal", "plain"]
