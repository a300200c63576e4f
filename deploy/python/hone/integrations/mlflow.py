"""MLflow: an experiment for each study, a run for each trial. See follow.py."""

from __future__ import annotations

from typing import Any, List

from ..errors import missing
from .follow import Run, Sink

try:
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.tracking import MlflowClient
except ImportError:
    raise missing("hone.integrations.mlflow", "mlflow", "pip install mlflow") from None

_BATCH = 1000  # metrics a call
_PARAMS = 100
_PARAM_LENGTH = 6000
_STATUS = {"completed": "FINISHED", "pruned": "KILLED", "failed": "FAILED", "infeasible": "FAILED"}


def sink(uri: str) -> Sink:
    """Writes into the tracking server or store at `uri`. A run of the same trial and attempt is replaced."""
    client = MlflowClient(tracking_uri=uri)

    def write(run: Run) -> None:
        experiment = _experiment(client, run.study)
        for old in client.search_runs([experiment], f"attributes.run_name = '{run.name}'"):
            client.delete_run(old.info.run_id)
        made = client.create_run(experiment, start_time=run.began or run.ended, run_name=run.name)
        identity = made.info.run_id
        params = [Param(_name(name), str(value)[:_PARAM_LENGTH]) for name, value in run.params.items()]
        for begin in range(0, max(len(params), 1), _PARAMS):
            client.log_batch(identity, params=params[begin:begin + _PARAMS],
                             tags=[] if begin else [RunTag(*tag) for tag in run.tags.items()])
        metrics = _metrics(run)
        for begin in range(0, len(metrics), _BATCH):
            client.log_batch(identity, metrics=metrics[begin:begin + _BATCH])
        client.set_terminated(identity, _STATUS[run.state], run.ended)

    return write


def _experiment(client: Any, study: str) -> str:
    found = client.get_experiment_by_name(study)
    return str(found.experiment_id if found is not None else client.create_experiment(study))


def _metrics(run: Run) -> List[Any]:
    """The curve; then what the result has beside it."""
    at = run.ended or run.began or 0
    last = run.curve[-1][0] if run.curve else 0
    points = [(name, value, step) for step, measured in run.curve for name, value in measured.items()]
    known = {(name, step) for name, _, step in points}
    points += [(name, value, last) for name, value in run.metrics.items() if (name, last) not in known]
    return [Metric(_name(name), value, at, round(step)) for name, value, step in points]


def _name(name: str) -> str:
    """MLflow takes letters, digits and _ - . / : and blanks; anything else is an underscore."""
    return "".join(c if c.isalnum() and c.isascii() or c in "_-./ :" else "_" for c in name)
