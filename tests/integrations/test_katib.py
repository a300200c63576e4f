#!/usr/bin/env python3
"""deploy/kubernetes/katib with a client of gRPC in Katib's place, and a real Hone server behind it."""

import importlib.util
import math
import os
import pathlib
import signal
import subprocess
import sys
import unittest

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy/kubernetes/katib"
sys.path.insert(0, str(ROOT / "tests/support"))
sys.path.insert(0, str(FOLDER))
import suggestion  # noqa: E402
from suggestion import services, wire  # noqa: E402

# tests/support/hone.py; the name `hone` is the client's here
_spec = importlib.util.spec_from_file_location("support", ROOT / "tests/support/hone.py")
support = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(support)

SECONDS = 120  # a bound against hanging
STATUS = wire.TrialStatus
CODE = grpc.StatusCode
# Katib's interface, by number on the wire.
FIELDS = {
    "Experiment": {"name": 1, "spec": 2},
    "ExperimentSpec": {"parameter_specs": 1, "objective": 2, "algorithm": 3, "parallel_trial_count": 5,
                       "max_trial_count": 6, "nas_config": 7},
    "ParameterSpec": {"name": 1, "parameter_type": 2, "feasible_space": 3},
    "FeasibleSpace": {"max": 1, "min": 2, "list": 3, "step": 4, "distribution": 5},
    "ObjectiveSpec": {"type": 1, "goal": 2, "objective_metric_name": 3},
    "AlgorithmSpec": {"algorithm_name": 1, "algorithm_settings": 2},
    "TrialSpec": {"parameter_assignments": 3},
    "TrialStatus": {"completion_time": 2, "condition": 3, "observation": 4},
    "GetSuggestionsRequest": {"experiment": 1, "trials": 2, "request_number": 3, "current_request_number": 4,
                              "total_request_number": 5},
    "GetSuggestionsReply": {"parameter_assignments": 1},
}
LR = {"name": "lr", "parameter_type": wire.DOUBLE,
      "feasible_space": {"min": "1e-5", "max": "0.1", "distribution": wire.LOG_UNIFORM}}
UNITS = {"name": "units", "parameter_type": wire.INT, "feasible_space": {"min": "16", "max": "512", "step": "16"}}
DECAY = {"name": "decay", "parameter_type": wire.DISCRETE, "feasible_space": {"list": ["0.10", "1e-3", "3"]}}
KIND = {"name": "kind", "parameter_type": wire.CATEGORICAL, "feasible_space": {"list": ["sgd", "adam", "1"]}}


def experiment(*parameters, settings=(), kind=wire.MINIMIZE, max_trials=40, **more):
    return wire.Experiment(name="mnist", spec={
        "parameter_specs": {"parameters": parameters or (LR, UNITS, DECAY, KIND)},
        "objective": {"type": kind, "objective_metric_name": "loss"},
        "algorithm": {"algorithm_name": "hone",
                      "algorithm_settings": [{"name": name, "value": value} for name, value in settings]},
        "max_trial_count": max_trials, **more})


def trial(values, condition=STATUS.SUCCEEDED, loss=None, ended=""):
    metrics = [] if loss is None else [{"name": "other", "value": "7"}, {"name": "loss", "value": str(loss)}]
    return wire.Trial(
        spec={"parameter_assignments": {"assignments": [{"name": k, "value": v} for k, v in values.items()]}},
        status={"condition": condition, "completion_time": ended, "observation": {"metrics": metrics}})


def loss_of(values):
    """Least, 0, at lr = 1e-3 with adam."""
    return math.log10(float(values["lr"]) / 1e-3) ** 2 + (values["kind"] != "adam") + int(values["units"]) / 5120


class Shim(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(support.Server())
        with self.server.client() as admin:
            token = admin.post("/v1/tokens", {"name": "katib", "scopes": ["read"]}).json["token"]
        self.token_file = pathlib.Path(self.server.data) / "read.token"
        self.token_file.write_text(token)
        self.channel = self.start()
        self.stub = services.SuggestionStub(self.channel)

    def start(self, **more):
        """The program, as its container runs it; a channel to it."""
        environment = {**os.environ, "HONE_URL": self.server.url, "HONE_TOKEN_FILE": str(self.token_file), **more}
        self.process = subprocess.Popen([sys.executable, str(FOLDER / "suggestion.py"), "--listen", "127.0.0.1:0"],
                                        env=environment, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.process.communicate)
        self.addCleanup(self.process.kill)
        port = int(self.process.stdout.readline().rsplit(" ", 1)[1])
        return self.enterContext(grpc.insecure_channel(f"127.0.0.1:{port}"))

    def ask(self, wanted, trials=(), n=1, total=0):
        reply = self.stub.GetSuggestions(wire.GetSuggestionsRequest(
            experiment=wanted, trials=trials, current_request_number=n, total_request_number=total), timeout=SECONDS)
        return [{one.name: one.value for one in item.assignments} for item in reply.parameter_assignments]

    def refused(self, code, sentence, call):
        with self.assertRaises(grpc.RpcError) as raised:
            call()
        self.assertEqual(raised.exception.code(), code, raised.exception.details())
        self.assertRegex(raised.exception.details(), sentence)

    def validate(self, wanted):
        return self.stub.ValidateAlgorithmSettings(wire.ValidateAlgorithmSettingsRequest(experiment=wanted),
                                                   timeout=SECONDS)

    def test_messages_are_those_of_katib(self):
        for message, fields in FIELDS.items():
            described = getattr(wire, message).DESCRIPTOR
            self.assertEqual(described.full_name, f"api.v1.beta1.{message}")
            self.assertEqual({one.name: one.number for one in described.fields}, fields)
        self.assertEqual(dict(STATUS.TrialConditionType.items()), {
            "CREATED": 0, "RUNNING": 1, "SUCCEEDED": 2, "KILLED": 3, "FAILED": 4, "METRICSUNAVAILABLE": 5,
            "EARLYSTOPPED": 6, "UNKNOWN": 7})
        called = self.channel.unary_unary("/api.v1.beta1.Suggestion/ValidateAlgorithmSettings")
        self.assertEqual(called(wire.ValidateAlgorithmSettingsRequest(
            experiment=experiment()).SerializeToString(), timeout=SECONDS), b"")

    def test_an_experiment_is_tuned(self):
        wanted, trials = experiment(settings=[("random_state", "3")]), []
        while len(trials) < 30:
            values = self.ask(wanted, trials, 3, len(trials) + 3)
            self.assertEqual(len(values), 3)
            self.assertEqual(values, self.ask(wanted, trials, 3, len(trials) + 3))  # the same again
            for one in values:
                self.assertEqual(list(one), ["lr", "units", "decay", "kind"])
                self.assertTrue(1e-5 <= float(one["lr"]) <= 0.1, one)
                self.assertIn(one["units"], [str(n) for n in range(16, 513, 16)])
                self.assertIn(one["decay"], ["0.10", "1e-3", "3"])
                self.assertIn(one["kind"], ["sgd", "adam", "1"])
                trials.append(trial(one, loss=loss_of(one), ended=f"2026-11-30T00:00:{len(trials):02}Z"))
        losses = [float(one.status.observation.metrics[1].value) for one in trials]
        self.assertLess(min(losses), 0.02)
        self.assertGreater(sum(loss < 0.05 for loss in losses), 10)  # at random some 1 of 30

    def test_what_became_of_a_trial_is_told(self):
        space = [suggestion.Parameter(wire.ParameterSpec(**one)) for one in (LR, UNITS)]
        values = {"lr": "0.01", "units": "32", "gone": "x"}
        trials = [trial(values, STATUS.EARLYSTOPPED, 0.5, "2026-11-30T00:00:02Z"),
                  trial(values, STATUS.SUCCEEDED, 0.25, "2026-11-30T00:00:01Z"),
                  trial(values, STATUS.FAILED, ended="2026-11-30T00:00:03Z"),
                  trial(values, STATUS.METRICSUNAVAILABLE, ended="2026-11-30T00:00:04Z"),
                  trial(values, STATUS.SUCCEEDED, "unavailable", "2026-11-30T00:00:05Z"),
                  trial(values, STATUS.SUCCEEDED, "nan", "2026-11-30T00:00:06Z"),
                  trial(values, STATUS.EARLYSTOPPED, ended="2026-11-30T00:00:07Z"),
                  trial(values, STATUS.KILLED), trial(values, STATUS.CREATED), trial(values, STATUS.RUNNING)]
        finished, pending = suggestion.history_of(trials, space, "loss")
        self.assertEqual([(one["state"], one.get("metrics")) for one in finished],
                         [("completed", {"loss": 0.25}), ("pruned", {"loss": 0.5})] + [("failed", None)] * 4)
        self.assertEqual(pending, [{"lr": 0.01, "units": 32}] * 2)
        self.assertEqual(len(self.ask(experiment(LR, UNITS), trials, 2)), 2)  # the server takes all of it

    def test_distributions_and_steps_are_taken_over(self):
        def made(kind=wire.DOUBLE, **space):
            spec = wire.ParameterSpec(name="x", parameter_type=kind, feasible_space=space)
            return suggestion.Parameter(spec).definition

        self.assertEqual(made(min="0", max="1", step="0.1"),
                         {"name": "x", "type": "float", "low": 0, "high": 1, "step": 0.1})
        self.assertEqual(made(min="1", max="7", distribution=wire.NORMAL)["sd"], 1)
        bell = made(min="1", max=str(math.e**6), distribution=wire.LOG_NORMAL)
        self.assertEqual((bell["distribution"], round(bell["mean"], 9), round(bell["sd"], 9)), ("lognormal", 3, 1))
        self.assertEqual(made(wire.INT, min="3", max="3"), {"name": "x", "type": "constant", "value": 3})
        self.validate(experiment({"name": "x", "parameter_type": wire.DOUBLE, "feasible_space": {
            "min": "1", "max": "400", "distribution": wire.LOG_NORMAL}}))

    def test_more_than_one_request_of_the_server_holds(self):
        values = self.ask(experiment(LR, settings=[("strategy", "random")]), n=70, total=70)
        self.assertEqual(len({one["lr"] for one in values}), 70)

    def test_an_old_katib_asks_with_request_number(self):
        reply = self.stub.GetSuggestions(wire.GetSuggestionsRequest(experiment=experiment(), request_number=2))
        self.assertEqual(len(reply.parameter_assignments), 2)

    def test_settings_are_validated_by_the_server(self):
        self.validate(experiment(settings=[("strategy", "tpe"), ("seed", "7")]))
        for setting, sentence in ((("strategy", "magic"), "magic"), (("n_startup_trials", "3"), "n_startup_trials"),
                                  (("seed", "often"), "the setting seed is 'often'; give a whole number")):
            self.refused(CODE.INVALID_ARGUMENT, sentence, lambda: self.validate(experiment(settings=[setting])))

    def test_what_cannot_be_understood_is_said(self):
        def of(kind=wire.DOUBLE, **space):
            return experiment({"name": "x", "parameter_type": kind, "feasible_space": space})
        for wanted, sentence in (
                (of(min="low", max="1"), "x: min is 'low'; give a number"),
                (of(wire.INT, min="0.5", max="1"), "x: min is '0.5'; give a whole number"),
                (of(min="0", max="inf"), "x: max is 'inf'"),
                (of(min="0", max="1", step="small"), "x: step is 'small'"),
                (of(min="2", max="1"), "/study/parameters/0"),
                (of(min="0", max="1", distribution=wire.LOG_UNIFORM), "begins above 0"),
                (of(wire.DISCRETE, list=["a"]), "x: a value of its list is 'a'"),
                (of(wire.CATEGORICAL), "/study/parameters/0/choices"),
                (of(wire.UNKNOWN_TYPE), "parameterType is unknown"),
                (experiment(kind=wire.UNKNOWN), "minimize or maximize"),
                (experiment(nas_config={}), "architectures")):
            with self.subTest(sentence):
                self.refused(CODE.INVALID_ARGUMENT, sentence, lambda: self.validate(wanted))
        self.refused(CODE.INVALID_ARGUMENT, "a trial's units is 'many'",
                     lambda: self.ask(experiment(LR, UNITS), [trial({"units": "many"}, loss=1)]))
        self.refused(CODE.INVALID_ARGUMENT, "0 suggestions are wanted", lambda: self.ask(experiment(), n=0))

    def test_nothing_left_to_try_is_an_error(self):
        self.refused(CODE.INVALID_ARGUMENT, "2 configurations are wanted, and 1 are left", lambda: self.ask(
            experiment(KIND, settings=[("strategy", "grid")]),
            [trial({"kind": "sgd"}, loss=1), trial({"kind": "adam"}, loss=2)], n=2))

    def test_a_token_that_may_not_and_a_server_that_is_gone(self):
        self.token_file.write_text("hp_no_token")
        self.stub = services.SuggestionStub(self.start())
        self.refused(CODE.UNAUTHENTICATED, "token", lambda: self.validate(experiment()))
        self.server.stop()
        self.stub = services.SuggestionStub(self.start())  # one that has reached it asks for 50 seconds
        self.refused(CODE.UNAVAILABLE, self.server.url, lambda: self.validate(experiment()))

    def test_probes_and_the_end(self):
        probes = health_pb2_grpc.HealthStub(self.channel)
        for name in ("", "manager.v1beta1.Suggestion"):
            self.assertEqual(probes.Check(health_pb2.HealthCheckRequest(service=name)).status,
                             health_pb2.HealthCheckResponse.SERVING)
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(SECONDS), 0)


if __name__ == "__main__":
    support.main()
