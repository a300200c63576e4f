#!/usr/bin/env python3
"""Katib's suggestion service, answered by a Hone server: POST /v1/suggest, where nothing is stored.

    HONE_URL=http://hone:4663 HONE_TOKEN_FILE=read.token python3 suggestion.py [--listen ADDRESS:PORT]

Katib sends the whole experiment with every request: its space, its trials, how many more it wants. That is
what Hone's suggestions are made of, so this process keeps nothing and may be started again, or twice, at any
time. It needs `hone` (the wheel hone-tuner, or deploy/python in PYTHONPATH), grpcio, grpcio-tools and
grpcio-health-checking. Thread-safe; a request costs what POST /v1/suggest does.
"""

import argparse
import concurrent.futures
import math
import pathlib
import re
import signal
import sys

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

import hone

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
wire, services = grpc.protos_and_services("suggestion.proto")

SECONDS = 50.0       # for all that a request asks of Hone; Katib waits a minute
MOST_TRIALS = 1000   # that POST /v1/suggest takes
MOST_AT_ONCE = 64
PORT = 6789          # where Katib looks
KATIB_HEALTH = "manager.v1beta1.Suggestion"  # the name that Katib's probes ask for
NAMES_OF_SEED = ("seed", "random_state")
# What became of a trial. CREATED, RUNNING and UNKNOWN are under way; KILLED says nothing of the configuration.
FINISHED = {wire.TrialStatus.SUCCEEDED: "completed", wire.TrialStatus.EARLYSTOPPED: "pruned",
            wire.TrialStatus.FAILED: "failed", wire.TrialStatus.METRICSUNAVAILABLE: "failed"}
CODES = {401: grpc.StatusCode.UNAUTHENTICATED, 403: grpc.StatusCode.PERMISSION_DENIED,
         404: grpc.StatusCode.FAILED_PRECONDITION, 413: grpc.StatusCode.INVALID_ARGUMENT,
         422: grpc.StatusCode.INVALID_ARGUMENT, 400: grpc.StatusCode.INVALID_ARGUMENT}


class Refused(Exception):
    """What of the experiment cannot be understood, as a sentence."""


def number(text, what, kind=float):
    """The number that a string of Katib's stands for."""
    try:
        value = float(text)
        if kind is int:
            value = int(text) if re.fullmatch(r"\s*[+-]?\d+\s*", text) else int(value) if value == int(value) else None
        if value is None or not math.isfinite(value):
            raise ValueError
    except (ValueError, OverflowError):
        raise Refused(f"{what} is {text!r}; give a {'whole ' if kind is int else ''}number") from None
    return value


class Parameter:
    """One parameter: its definition for Hone, and its values to and from Katib's strings."""

    def __init__(self, spec):
        self.name = spec.name
        self.kind = spec.parameter_type
        self.space = spec.feasible_space
        if self.kind in (wire.DOUBLE, wire.INT):
            self.definition = {"name": self.name, **self._range()}
        elif self.kind == wire.DISCRETE:
            self.texts = {number(text, f"{self.name}: a value of its list"): text for text in self.space.list}
            self.definition = {"name": self.name, "type": "float", "values": sorted(self.texts)}
        elif self.kind == wire.CATEGORICAL:
            self.definition = {"name": self.name, "type": "categorical", "choices": list(self.space.list)}
        else:
            raise Refused(f"{self.name}: its parameterType is unknown; use double, int, discrete or categorical")

    def _range(self):
        kind = int if self.kind == wire.INT else float
        low = number(self.space.min, f"{self.name}: min", kind)
        high = number(self.space.max, f"{self.name}: max", kind)
        if low == high:
            return {"type": "constant", "value": low}
        made = {"type": "int" if kind is int else "float", "low": low, "high": high}
        if self.space.step:
            made["step"] = number(self.space.step, f"{self.name}: step", kind)
        distribution = self.space.distribution
        is_log = distribution in (wire.LOG_UNIFORM, wire.LOG_NORMAL)
        if is_log and low <= 0:
            raise Refused(f"{self.name}: min is {self.space.min}; a logarithmic distribution begins above 0")
        if distribution == wire.LOG_UNIFORM:
            made["scale"] = "log"
        elif distribution in (wire.NORMAL, wire.LOG_NORMAL):  # Katib's: six deviations from min to max
            ends = (math.log(low), math.log(high)) if is_log else (low, high)
            made.update(distribution="lognormal" if is_log else "normal", mean=sum(ends) / 2,
                        sd=(ends[1] - ends[0]) / 6)
        return made

    def read(self, text):
        """A value that Hone understands."""
        if self.kind == wire.CATEGORICAL:
            return text
        return number(text, f"a trial's {self.name}", int if self.kind == wire.INT else float)

    def write(self, value):
        """The string that Katib hands to the trial."""
        return self.texts.get(value, repr(value)) if self.kind == wire.DISCRETE else str(value)


def value_of_setting(text):
    """A setting as the type that it looks like."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text


def definition_of(spec, parameters):
    """The study that an experiment describes, for POST /v1/suggest."""
    if spec.HasField("nas_config"):
        raise Refused("nasConfig: Hone does not search for architectures")
    if spec.objective.type not in (wire.MINIMIZE, wire.MAXIMIZE):
        raise Refused("objective: its type is unknown; use minimize or maximize")
    strategy = {"name": "auto"}
    study = {"metric": spec.objective.objective_metric_name, "parameters": [one.definition for one in parameters],
             "direction": "minimize" if spec.objective.type == wire.MINIMIZE else "maximize"}
    for setting in spec.algorithm.algorithm_settings:
        if setting.name in NAMES_OF_SEED:
            study["seed"] = number(setting.value, f"the setting {setting.name}", int)
        else:
            strategy["name" if setting.name == "strategy" else setting.name] = value_of_setting(setting.value)
    study["strategy"] = strategy if len(strategy) > 1 else strategy["name"]
    if spec.max_trial_count > 0:
        study["limits"] = {"trials": spec.max_trial_count}
    return study


def history_of(trials, parameters, metric):
    """(the finished trials in the order in which they ended, the parameters of those under way)."""
    finished, pending = [], []
    by_name = {one.name: one for one in parameters}
    for trial in sorted(trials, key=lambda one: one.status.completion_time):
        values = {one.name: by_name[one.name].read(one.value)
                  for one in trial.spec.parameter_assignments.assignments if one.name in by_name}
        state = FINISHED.get(trial.status.condition)
        if state is None:
            if trial.status.condition != wire.TrialStatus.KILLED:
                pending.append(values)
            continue
        found = [one.value for one in trial.status.observation.metrics if one.name == metric]
        try:
            value = float(found[-1]) if found else math.nan
        except ValueError:
            value = math.nan  # "unavailable"
        if state == "pruned" and not math.isfinite(value):
            continue  # stopped before it had a value: it says nothing
        told = {"parameters": values, "outside": True}  # the space of an experiment may have been changed
        if state == "failed" or not math.isfinite(value):
            finished.append({**told, "state": "failed"})
        else:
            step = {"step": 1} if state == "pruned" else {}
            finished.append({**told, "state": state, "metrics": {metric: value}, **step})
    return finished[-MOST_TRIALS:], pending[-MOST_TRIALS:]


class Suggestion(services.SuggestionServicer):
    """The two calls of Katib's interface."""

    def __init__(self, client):
        self.client = client

    def suggest(self, experiment, trials, n, ordinal):
        """n configurations, as (parameters, values) each."""
        parameters = [Parameter(spec) for spec in experiment.spec.parameter_specs.parameters]
        study = definition_of(experiment.spec, parameters)
        finished, pending = history_of(trials, parameters, study["metric"])
        found = []
        while len(found) < n:
            body = {"study": study, "trials": finished, "n": min(n - len(found), MOST_AT_ONCE),
                    "pending": (pending + found)[-MOST_TRIALS:]}
            if ordinal is not None:
                body["ordinal"] = ordinal + len(found)
            items = self.client.request("POST", "/v1/suggest", body)["items"]
            if not items:
                raise Refused(f"{n} configurations are wanted, and {len(found)} are left that were not tried; "
                              "give the experiment a maxTrialCount")
            found += [item["parameters"] for item in items]
        return [[(one.name, one.write(values[one.name])) for one in parameters] for values in found]

    def answer(self, context, experiment, trials=(), n=1, ordinal=None):
        """What suggest() finds; a refusal ends the call with its sentence."""
        try:
            return self.suggest(experiment, trials, n, ordinal)
        except Refused as refused:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(refused))
        except hone.HoneError as error:
            more = [f"{one.get('pointer')}: {one.get('detail')}" for one in error.errors]
            code = grpc.StatusCode.UNAVAILABLE if error.retryable or not error.status else CODES.get(
                error.status, grpc.StatusCode.INTERNAL)
            context.abort(code, "; ".join(more) or str(error))

    def GetSuggestions(self, request, context):  # pylint: disable=invalid-name
        """As many as are wanted, or an error: Katib takes nothing between."""
        n = request.current_request_number or request.request_number
        if not 0 < n <= 1000:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{n} suggestions are wanted; ask for 1 to 1000")
        ordinal = max(request.total_request_number - n, 0) + 1 if request.total_request_number else None
        reply = wire.GetSuggestionsReply()
        for assignments in self.answer(context, request.experiment, request.trials, n, ordinal):
            made = reply.parameter_assignments.add()
            for name, value in assignments:
                made.assignments.add(name=name, value=value)
        return reply

    def ValidateAlgorithmSettings(self, request, context):  # pylint: disable=invalid-name
        """Whether Hone could suggest anything for this experiment; else why not."""
        self.answer(context, request.experiment)
        return wire.ValidateAlgorithmSettingsReply()


def serve(client, address):
    """A server that has been started, and its port."""
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=8))
    services.add_SuggestionServicer_to_server(Suggestion(client), server)
    probes = health.HealthServicer()
    for name in ("", KATIB_HEALTH):
        probes.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(probes, server)
    port = server.add_insecure_port(address)
    server.start()
    return server, port


def main():
    parser = argparse.ArgumentParser(description="Katib's suggestion service, answered by a Hone server")
    parser.add_argument("--listen", default=f"[::]:{PORT}", metavar="ADDRESS:PORT")
    address = parser.parse_args().listen
    try:
        server, port = serve(hone.connect(timeout=SECONDS), address)
    except (hone.HoneError, RuntimeError) as error:
        sys.exit(f"suggestion.py: {error}")
    signal.signal(signal.SIGTERM, lambda *_: server.stop(5))
    print(f"listening on port {port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
