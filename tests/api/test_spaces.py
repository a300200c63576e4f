#!/usr/bin/env python3
"""Search spaces as users have them: what can be said comes back as it was given, wherever it is
read, and what cannot be said is refused at its place.
"""

import csv
import io
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

# Different as JSON values, alike in one way or another.
VALUES = [None, "null", "", " ", 1, "1", 1.5, "1.5", True, "true", [], "[]", [64, 64], [64, [64]],
          {}, {"a": 1}, {"a": {"b": [None]}}, "a,b\"c'", "zwei\nZeilen", "größe", 2**63 - 1, -2**63,
          9007199254740993, 1e300]
STRATEGIES = ["grid", "random", "quasirandom", "tpe", "bayesian"]


def as_text(value):
    """As a program gets it."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def read_cell(cell):
    """The rule of the document, backwards: (is it active?, its value)."""
    if cell == "":
        return False, None
    try:
        return True, json.loads(cell)
    except ValueError:
        return True, cell


def same(a, b):
    return type(a) is type(b) and a == b


class Spaces(hone.SharedServerTest):
    def create(self, name, parameters, **more):
        return self.make(name, parameters=parameters, **more)

    def refused(self, parameters, pointer, says, raw=None, **more):
        body = raw or json.dumps(hone.study("refused", parameters=parameters, **more))
        reply = self.client.post("/v1/studies", raw=body)
        self.assertEqual(reply.status, 422, reply)
        faults = {fault["pointer"]: fault["detail"] for fault in reply.json["errors"]}
        self.assertIn(pointer, faults)
        self.assertIn(says, faults[pointer])

    def leases(self, name, **more):
        """Leases and completes until there is nothing more."""
        while True:
            grant = self.worker.post(f"/v1/studies/{name}/leases", {"worker": "w"}, **more)
            if grant.json["lease"] is None:
                return
            yield grant.json["trial"]
            done = self.worker.put(f"/v1/leases/{grant.json['lease']['id']}/result",
                                   {"outcome": "completed", "metrics": {"loss": 1}})
            self.assertEqual(done.status, 200, done)

    def test_any_json_value_comes_back_as_it_was_given(self):
        parameters = [{"name": "v", "type": "categorical", "choices": VALUES},
                      *({"name": f"c{i}", "type": "constant", "value": value}
                        for i, value in enumerate(VALUES))]
        shown = self.create("values", parameters, strategy="grid")
        self.assertTrue(same(shown["parameters"][0]["choices"], VALUES))
        seen = []
        for trial in self.leases("values"):
            seen.append(trial["parameters"]["v"])
            for i, value in enumerate(VALUES):
                self.assertTrue(same(trial["parameters"][f"c{i}"], value), value)
        self.assertEqual(sorted(map(json.dumps, seen)), sorted(map(json.dumps, VALUES)))
        rows = list(csv.DictReader(io.StringIO(
            self.client.get("/v1/studies/values/export?format=csv").body.decode(), newline="")))
        for row, value in zip(rows, seen, strict=True):
            active, back = read_cell(row["parameters.v"])
            self.assertTrue(active and same(back, value), (row["parameters.v"], value))
        for row in self.client.walk("/v1/studies/values/trials"):
            self.assertTrue(same(row["parameters"]["v"], seen[row["number"] - 1]))

    def test_a_shell_gets_the_text_of_a_value(self):
        self.create("shell", [{"name": f"c{i}", "type": "constant", "value": value}
                              for i, value in enumerate(VALUES)]
                    + [{"name": "x", "type": "bool"}])
        script = self.worker.post("/v1/studies/shell/leases?format=sh", {"worker": "w"})
        names = " ".join(f'"$HONE_PARAM_C{i}"' for i in range(len(VALUES)))
        out = subprocess.run(["sh", "-c", script.body.decode() + f"printf '%s\\0' {names}"],
                             stdout=subprocess.PIPE, check=True).stdout.decode()
        self.assertEqual(out.split("\0")[:-1], [
            "1e+300" if value == 1e300 else as_text(value) for value in VALUES])

    def test_null_lists_and_objects_are_conditions_and_defaults(self):
        parameters = [{"name": "net", "type": "categorical", "choices": [None, [1, 2], {"a": 1}],
                       "default": None},
                      {"name": "deep", "type": "int", "low": 1, "high": 3, "default": 2,
                       "when": {"net": [{"a": 1.0}, [1, 2]]}}]
        shown = self.create("conditions", parameters, strategy="grid")
        self.assertIsNone(shown["parameters"][0]["default"])
        self.assertIn("default", shown["parameters"][0])
        self.assertEqual(shown["parameters"][1]["when"], {"net": [[1, 2], {"a": 1}]})
        for given, whole in [({}, {"net": None}), ({"net": None}, {"net": None}),
                             ({"net": {"a": 1}}, {"net": {"a": 1}, "deep": 2})]:
            made = self.client.post("/v1/studies/conditions/trials", {"parameters": given})
            self.assertEqual((made.status, made.json["parameters"]), (201, whole))
        wrong = self.client.post("/v1/studies/conditions/trials", {"parameters": {"net": [2, 1]}})
        self.assertEqual(wrong.json["errors"][0]["pointer"], "/parameters/net")
        self.assertEqual(len(list(self.leases("conditions"))), 8)  # seven of the grid; one was enqueued twice
        again = self.client.post("/v1/studies", hone.study(
            "conditions", parameters=parameters, strategy="grid"))
        self.assertEqual(again.status, 200, again)

    def test_every_strategy_takes_values_and_imports(self):
        parameters = [{"name": "v", "type": "categorical", "choices": [None, [1], {"a": []}, "x"]},
                      {"name": "o", "type": "ordinal", "choices": [[1], [2], None]},
                      {"name": "x", "type": "float", "low": 0, "high": 1, "grid": 2}]
        for strategy in STRATEGIES:
            name = f"all-{strategy}"
            self.create(name, parameters, strategy=strategy, limits={"trials": 14})
            old = self.client.post(f"/v1/studies/{name}/trials", {
                "parameters": {"v": {"a": []}, "o": None, "x": 0.5 if strategy != "grid" else 1},
                "state": "completed", "metrics": {"loss": 0.1}})
            self.assertEqual(old.status, 201, old)
            self.assertEqual(len(list(self.leases(name))), 14)
            shares = self.client.get(f"/v1/studies/{name}/importance")
            self.assertEqual(shares.status, 200, shares)
            explained = self.client.get(f"/v1/studies/{name}/trials/14/explain")
            self.assertEqual(explained.status, 200, explained)

    def test_values_without_a_sound_reading_are_refused(self):
        def choices(*values):
            return [{"name": "v", "type": "categorical", "choices": list(values)}]
        self.refused(choices([1], [1.0]), "/parameters/0/choices", "weights")
        self.refused(choices("a", "b", "a"), "/parameters/0/choices", "weights")
        self.refused(choices(1, ["x\0"]), "/parameters/0/choices/1", "NUL")
        self.refused(choices(1, ["x" * 5000]), "/parameters/0/choices/1", "4096")
        raw = json.dumps(hone.study("refused", parameters=choices(1, 2)))
        for token in ("9223372036854775808", "-9223372036854775809", "1e400", "[10e999]"):
            self.refused(None, "/parameters/0/choices/1", "string",
                         raw=raw.replace("[1, 2]", f"[1, {token}]"))

    def test_spaces_too_large_for_a_grid_are_tuned_and_refused_where_they_cannot_be(self):
        for n in (256, 257, 4096):
            for kind in ({"type": "bool"}, {"type": "int", "low": 1, "high": 3},
                         {"type": "categorical", "choices": ["a", "b"]}):
                name = f"large-{n}-{kind['type']}"
                parameters = [{"name": f"p{i}", **kind} for i in range(n)]
                self.create(name, parameters, limits={"trials": 1})
                self.assertEqual(len(list(self.leases(name))), 1)
        many = [{"name": f"p{i}", "type": "bool"} for i in range(1025)]
        for more in ({"strategy": "bayesian"},
                     {"strategy": {"name": "hyperband", "search": "bayesian"},
                      "resource": {"name": "epochs", "min": 1, "max": 9}}):
            self.refused(many, "/parameters", "use tpe", **more)
        self.create("auto-large", many, strategy="auto", limits={"trials": 1})
        self.assertEqual(len(list(self.leases("auto-large"))), 1)

    def test_weights_decide_how_often(self):
        parameters = [{"name": "k", "type": "categorical", "choices": ["a", "b", "c"],
                       "weights": [6, 1, 3]},
                      {"name": "n", "type": "int", "values": [8, 2, 4], "weights": [1, 7, 2]},
                      {"name": "x", "type": "float", "low": 0, "high": 1}]
        shown = self.create("weights", parameters, limits={"trials": 1000})
        self.assertEqual(shown["parameters"][0]["weights"], [6, 1, 3])
        self.assertEqual(shown["parameters"][1]["values"], [2, 4, 8])
        self.assertEqual(shown["parameters"][1]["weights"], [7, 2, 1])
        for strategy in ("random", "quasirandom"):
            name = f"weights-{strategy}"
            self.create(name, parameters, strategy=strategy, limits={"trials": 400})
            drawn = [trial["parameters"] for trial in self.leases(name)]
            for key, wanted in [("k", {"a": .6, "b": .1, "c": .3}), ("n", {2: .7, 4: .2, 8: .1})]:
                for value, share in wanted.items():
                    part = sum(one[key] == value for one in drawn) / len(drawn)
                    self.assertAlmostEqual(part, share, delta=0.1)
        self.refused(parameters[:2], "/parameters/0/weights", "once", strategy="grid")
        self.refused([{"name": "b", "type": "bool", "weights": [1, 2]}], "/parameters/0/weights",
                     "unknown")

    def test_names_are_what_can_be_seen(self):
        names = ["learning rate", "lr/decay", "größe", "a:b (c)", "3d", "学習率 α", "x`y", "q\"'"]
        parameters = [{"name": name, "type": "int", "low": 1, "high": 9} for name in names]
        quoted = " + ".join("`" + name.replace("`", "``") + "`" for name in names)
        self.create("names", parameters, constraints=[f"{quoted} >= 40"], limits={"trials": 3})
        for trial in self.leases("names"):
            self.assertEqual(list(trial["parameters"]), names)
            self.assertGreaterEqual(sum(trial["parameters"].values()), 40)
        rows = list(csv.DictReader(io.StringIO(
            self.client.get("/v1/studies/names/export?format=csv").body.decode(), newline="")))
        self.assertLessEqual({f"parameters.{name}" for name in names}, set(rows[0]))
        table = self.client.get("/v1/studies/names/trials?format=table").body.decode()
        self.assertIn("学習率 α", table.splitlines()[0])
        added = self.client.post("/v1/studies/names/trials", {"parameters": {"lr/decay": 0}})
        self.assertIn("/parameters/lr~1decay", [e["pointer"] for e in added.json["errors"]])
        self.create("shell-names", [{"name": name, "type": "constant", "value": i}
                                    for i, name in enumerate(names)])
        script = self.worker.post("/v1/studies/shell-names/leases?format=sh", {"worker": "w"})
        for i, name in enumerate(["LEARNING_RATE", "LR_DECAY", "GR__E", "A_B__C_", "3D", "____" + "_",
                                  "X_Y", "Q__"]):
            self.assertIn(f"export HONE_PARAM_{name}='{i}'\n", script.body.decode())
        for wrong in ("", " a", "a ", "a\u00a0", "a\nb", "\u202ea", "a" * 129, "\u00e9" * 129):
            self.refused([{"name": wrong, "type": "bool"}], "/parameters/0/name", "128")
        longest = [{"name": "\U0001f600" * 128, "type": "bool"}]
        self.create("longest", longest)
        self.refused([{"name": "größe", "type": "bool"}, {"name": "gräße", "type": "bool"}],
                     "/parameters/1/name", "HONE_PARAM_GR__E")

    def test_one_name_under_several_parents(self):
        parameters = [
            {"name": "opt", "type": "categorical", "choices": ["sgd", "adam", None]},
            {"name": "lr", "type": "float", "low": 10, "high": 20, "grid": 2,
             "when": {"opt": ["sgd"]}},
            {"name": "lr", "type": "int", "low": 1, "high": 3, "when": {"opt": ["adam"]}},
            {"name": "warm", "type": "bool", "when": {"opt": [None]}},
            {"name": "lr", "type": "categorical", "choices": [0, 0.5], "when": {"warm": [True]}}]
        for strategy in STRATEGIES:
            name = f"several-{strategy}"
            self.create(name, parameters, strategy=strategy, constraints=["lr < 19 or lr == 20"],
                        limits={"trials": 12})
            old = {"opt": "sgd", "lr": 10} if strategy == "grid" else {"opt": "sgd", "lr": 15.5}
            for given in (old, {"opt": None, "warm": True, "lr": 0.5}):
                made = self.client.post(f"/v1/studies/{name}/trials", {
                    "parameters": given, "state": "completed", "metrics": {"loss": 0.1}})
                self.assertEqual((made.status, made.json["parameters"]), (201, given))
            wrong = self.client.post(f"/v1/studies/{name}/trials",
                                     {"parameters": {"opt": "adam", "lr": 15.5}})
            self.assertEqual(wrong.json["errors"][0]["pointer"], "/parameters/lr")
            for trial in self.leases(name):
                chosen = trial["parameters"]
                low, high = {"sgd": (10, 20), "adam": (1, 3), None: (0, 0.5)}[chosen["opt"]]
                self.assertEqual("lr" in chosen, chosen.get("warm", True))
                self.assertTrue(low <= chosen.get("lr", low) <= high, chosen)
            shares = self.client.get(f"/v1/studies/{name}/importance").json["parameters"]
            self.assertEqual(sorted(one["name"] for one in shares), ["lr", "opt", "warm"])
            head = self.client.get(f"/v1/studies/{name}/export?format=csv").body.decode()
            self.assertEqual(head.splitlines()[0].count("parameters.lr"), 1)
        self.refused([parameters[0], parameters[1], {**parameters[2], "when": {"opt": ["sgd"]}}],
                     "/parameters/2/name", "when")
        self.refused([*parameters, {"name": "y", "type": "bool", "when": {"lr": [1]}}],
                     "/parameters/5/when/lr", "several")

    def test_a_schedule_goes_over_a_grid(self):
        parameters = [{"name": "x", "type": "int", "low": 1, "high": 3},
                      {"name": "k", "type": "categorical", "choices": [None, "a", "b"]}]
        for strategy in ("hyperband", "successive_halving", "asha"):
            name = f"grid-{strategy}".replace("_", "-")
            self.create(name, parameters, resource={"name": "epochs", "min": 1, "max": 9},
                        strategy={"name": strategy, "search": "grid"})
            seen = set()
            short = 0
            for n in range(100):
                grant = self.worker.post(f"/v1/studies/{name}/leases", {"worker": "w"})
                if grant.json["lease"] is None:
                    break
                trial = grant.json["trial"]
                seen.add((trial["parameters"]["x"], trial["parameters"]["k"]))
                short += trial["resource"]["to"] < 9
                self.worker.put(f"/v1/leases/{grant.json['lease']['id']}/result", {
                    "outcome": "completed", "metrics": {"loss": trial["number"]}})
            self.assertEqual(len(seen), 9)
            self.assertGreater(short, 0)
            shown = self.client.get(f"/v1/studies/{name}").json
            self.assertEqual((shown["state"], shown["reason"]), ("finished", "exhausted"), shown)
        self.refused([{"name": "x", "type": "float", "low": 0, "high": 1}], "/parameters/0/grid",
                     "how many points", resource={"name": "epochs", "max": 9},
                     strategy={"name": "asha", "search": "grid"})

    def test_scales_and_distributions(self):
        parameters = [
            {"name": "momentum", "type": "float", "low": 0.5, "high": 0.999,
             "scale": "reverse_log"},
            {"name": "q", "type": "float", "distribution": "normal", "mean": 0, "sd": 1,
             "step": 0.5},
            {"name": "n", "type": "int", "distribution": "normal", "mean": 10, "sd": 2},
            {"name": "l", "type": "float", "distribution": "lognormal", "mean": 0, "sd": 1,
             "step": 1}]
        shown = self.create("scales", parameters, limits={"trials": 300})
        self.assertEqual(shown["parameters"][0]["scale"], "reverse_log")
        again = self.client.post("/v1/studies", hone.study("scales", parameters=parameters,
                                                           limits={"trials": 300}))
        self.assertEqual(again.status, 200, again)
        trials = [trial["parameters"] for trial in self.leases("scales")]
        self.assertGreater(sum(t["momentum"] > 0.75 for t in trials) / 300, 0.4)
        self.assertTrue(all(t["q"] % 0.5 == 0 and isinstance(t["n"], int) and t["l"] % 1 == 0
                            for t in trials))
        self.assertAlmostEqual(sum(t["q"] for t in trials) / 300, 0, delta=0.3)
        self.assertAlmostEqual(sum(t["n"] for t in trials) / 300, 10, delta=0.6)

    def test_numbers_of_every_size_are_taken_or_refused_at_their_place(self):
        raw = json.dumps(hone.study("sized", parameters=[
            {"name": "x", "type": "float", "low": 0, "high": "@"}]))
        made = self.client.post("/v1/studies", raw=raw.replace('"@"', "1" + "0" * 25))
        self.assertEqual((made.status, made.json["parameters"][0]["high"]), (201, 1e25))
        taken = self.client.post("/v1/studies/sized/trials",
                                 raw='{"parameters": {"x": 9999999999999999999999999}}')
        self.assertEqual((taken.status, taken.json["parameters"]["x"]), (201, 1e25))
        self.refused(None, "/parameters/0/high", "finite", raw=raw.replace('"@"', "1e400"))
        whole = raw.replace('"float"', '"int"')
        for token in (2**53 + 1, 2**63, 10**25):
            self.refused(None, "/parameters/0/high", "between",
                         raw=whole.replace('"@"', str(token)))
        for token in ("15794028255413092319", "1e400", "9007199254740992"):
            self.refused(None, "/seed", "between",
                         raw=json.dumps(hone.study("refused", seed="@")).replace('"@"', token))
        wrong = self.client.post("/v1/studies/sized/trials", raw='{"parameters": {"x": 1e400}}')
        self.assertEqual(wrong.json["errors"][0]["pointer"], "/parameters/x")

    def test_a_measurement_beyond_doubles_is_infinite(self):
        self.create("huge", [{"name": "x", "type": "bool"}])
        lease = self.worker.post("/v1/studies/huge/leases", {"worker": "w"}).json["lease"]["id"]
        reply = self.worker.post(f"/v1/leases/{lease}/measurements", raw=(
            '{"measurements": [{"step": 1, "metrics": '
            '{"loss": 0.5, "seed": 15794028255413092319, "most": -1e400}}]}'))
        self.assertEqual(reply.status, 200, reply)
        stored = list(self.client.walk("/v1/studies/huge/trials/1/measurements"))
        self.assertIn(1.5794028255413092e19, json.loads(json.dumps(stored))[0]["metrics"].values())
        self.assertIn("-Infinity", stored[0]["metrics"].values())


if __name__ == "__main__":
    hone.main()
