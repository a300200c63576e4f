#!/usr/bin/env python3
"""Search spaces of the kinds that users of other tuners have, in our own words: each is said whole,
and every value that a trial gets is one that the space allows, or what cannot be said is refused
at its place with what to do instead.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402


def choice(name, *choices, **more):
    return {"name": name, "type": "categorical", "choices": list(choices), **more}


def ranged(name, low, high, **more):
    return {"name": name, "type": "float", "low": low, "high": high, **more}


def whole(name, low, high, **more):
    return {"name": name, "type": "int", "low": low, "high": high, **more}


def constant(name, value):
    return {"name": name, "type": "constant", "value": value}


NORMAL = {"type": "float", "distribution": "normal"}

# Said whole: what -> (parameters, the rest of the study).
SAID = {
    "a launcher's list of sizes, in powers": (
        [{"name": "ctx", "type": "int", "values": [128, 256, 512, 1024]},
         {"name": "threads", "type": "int", "values": [4, 8, 16]}], {"strategy": "grid"}),
    "a rate on a log scale in steps": (
        [ranged("lr", 1e-4, 1e-1, scale="log"),
         whole("batch", 8, 128, step=8, scale="log")], {}),
    "single values beside bounds": (
        [constant("epochs", 300), ranged("lr", 1e-4, 1e-2, scale="log"), choice("act", "relu")],
        {"strategy": "bayesian"}),
    "a schedule over epochs": (
        [ranged("lr", 0.01, 0.03), whole("layers", 2, 5), choice("optimizer", "sgd", "adam")],
        {"resource": {"name": "epochs", "min": 1, "max": 9}, "strategy": "hyperband"}),
    "no norm at all, and names with blanks": (
        [choice("norm type", None, "batch", "layer"), choice("λ (decay)", 0, 1e-4)],
        {"strategy": "grid"}),
    "one name below each layer kind": (
        [choice("layer", "conv", "pool", "none"),
         whole("size", 2, 5, when={"layer": ["conv"]}),
         choice("size", 2, 3, when={"layer": ["pool"]})], {"strategy": "tpe"}),
    "a random start before the model": (
        [whole("hidden", 64, 256), ranged("lr", 1e-4, 0.1), choice("drop", 0.25, 0.5)],
        {"strategy": {"name": "tpe", "serving": "exact"}}),
    "shapes as lists": (
        [choice("depths", [2, 2, 6, 2], [2, 2, 18, 2]), constant("size", [224, 224])],
        {"strategy": "grid"}),
    "one value three times": (
        [choice("horizon", 24, 48, weights=[3, 1]), choice("mask", None, "x", weights=[1, 9])], {}),
    # five more of each kind
    "class weights, objects": (
        [choice("class_weight", None, "balanced", {"0": 1, "1": 5})], {"strategy": "grid"}),
    "words that look like other values": (
        [choice("tag", "null", None, "1", 1, "true", True, "")], {"strategy": "grid"}),
    "a momentum near one": ([ranged("momentum", 0.5, 0.999, scale="reverse_log")], {}),
    "a bell in steps": ([{"name": "q", "mean": 4, "sd": 2, "step": 0.5, **NORMAL}], {}),
    "three depths of one name": (
        [choice("model", "svm", "net"), choice("kernel", "rbf", "poly", when={"model": ["svm"]}),
         ranged("rate", 0, 1, when={"kernel": ["rbf"]}),
         ranged("rate", 5, 6, when={"kernel": ["poly"]}),
         ranged("rate", 1e-4, 1e-2, scale="log", when={"model": ["net"]})], {}),
    "early ends of a grid": (
        [choice("opt", "sgd", None), whole("n", 1, 4)],
        {"resource": {"name": "epochs", "max": 9}, "strategy": {"name": "asha", "search": "grid"}}),
    "64 bits exactly": ([choice("seed", 2**63 - 1, -2**63, 2**53 + 1)], {"strategy": "grid"}),
    "paths as names": ([ranged("model/lr", 0, 1), ranged("data.aug:p", 0, 1)],
                       {"constraints": ["`model/lr` + `data.aug:p` <= 1"]}),
}

# Refused: what -> (parameters, the rest, pointer, what the sentence says).
REFUSED = {
    "a value repeated": ([choice("h", 24, 24, 48)], {}, "/parameters/0/choices", "weights"),
    "a list repeated": ([choice("h", [1], [1])], {}, "/parameters/0/choices", "weights"),
    "weights over a grid": ([choice("h", 1, 2, weights=[1, 2])], {"strategy": "grid"},
                            "/parameters/0/weights", "random"),
    "names that differ by case": ([ranged("lr", 0, 1), ranged("LR", 0, 1)], {},
                                  "/parameters/1/name", "HONE_PARAM_LR"),
    "one name without a condition": ([ranged("lr", 0, 1), ranged("lr", 5, 6)], {},
                                     "/parameters/1/name", "when"),
    "conditions that overlap": (
        [choice("o", 1, 2, 3), ranged("lr", 0, 1, when={"o": [1, 2]}),
         ranged("lr", 5, 6, when={"o": [2, 3]})], {}, "/parameters/2/name", "different values"),
    "another distribution": ([{"name": "b", "type": "float", "distribution": "beta"}], {},
                             "/parameters/0/distribution", "normal"),
    "a grid over a continuous range": ([ranged("x", 0, 1)], {"strategy": "grid"},
                                       "/parameters/0/grid", "points"),
    "an integer beyond 2^53": ([whole("n", 0, 2**60)], {}, "/parameters/0/high", "between"),
    "a range of one value": ([ranged("x", 1, 1)], {}, "/parameters/0/high", "constant"),
    "a choice past 64 bits": ([choice("s", 2**64, 1)], {}, "/parameters/0/choices/0", "string"),
    "log from zero": ([ranged("x", 0, 1, scale="log")], {}, "/parameters/0/low", "greater than 0"),
    "too many choices": ([choice("c", *range(65537))], {}, "/parameters/0/choices", "65536"),
    "too many parameters": ([ranged(f"p{i}", 0, 1) for i in range(4097)], {}, "/parameters",
                            "4096"),
}


def allows(parameter, value):
    if "choices" in parameter:
        return any(type(value) is type(c) and value == c for c in parameter["choices"])
    if "values" in parameter:
        return value in parameter["values"]
    if parameter["type"] == "constant":
        return value == parameter["value"]
    return parameter.get("low", -1e9) <= value <= parameter.get("high", 1e9)


def active(parameter, trial):
    return all(parent in trial and any(type(trial[parent]) is type(one) and trial[parent] == one
                                       for one in allowed)
               for parent, allowed in parameter.get("when", {}).items())


class Sweeps(hone.SharedServerTest):
    def check_trial(self, parameters, trial):
        expected = {one["name"]: one for one in parameters if active(one, trial)}
        self.assertEqual(set(trial), set(expected))
        for name, value in trial.items():
            self.assertTrue(allows(expected[name], value), (name, value))

    def test_what_users_have_is_said_whole(self):
        for number, (what, (parameters, more)) in enumerate(SAID.items()):
            with self.subTest(what):
                made = self.client.post("/v1/studies", hone.study(
                    f"said-{number}", parameters=parameters, limits={"trials": 12}, **more))
                self.assertEqual(made.status, 201, made)
                self.assertEqual([one["name"] for one in made.json["parameters"]],
                                 [one["name"] for one in parameters])
                for _ in range(12):
                    grant = self.worker.post(f"/v1/studies/said-{number}/leases", {"worker": "w"})
                    if grant.json["lease"] is None:
                        break
                    self.check_trial(parameters, grant.json["trial"]["parameters"])
                    self.worker.put(f"/v1/leases/{grant.json['lease']['id']}/result",
                                    {"outcome": "completed", "metrics": {"loss": 1}})
                again = self.client.post("/v1/studies", hone.study(
                    f"said-{number}", parameters=parameters, limits={"trials": 12}, **more))
                self.assertEqual(again.status, 200, again)

    def test_what_cannot_be_said_is_refused_with_the_reason(self):
        for what, (parameters, more, pointer, says) in REFUSED.items():
            with self.subTest(what):
                reply = self.client.post("/v1/studies",
                                        hone.study("refused", parameters=parameters, **more))
                self.assertEqual(reply.status, 422, reply)
                self.assertIn((pointer, True), [(one["pointer"], says in one["detail"])
                                                for one in reply.json["errors"]], reply)


if __name__ == "__main__":
    hone.main()
