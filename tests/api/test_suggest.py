#!/usr/bin/env python3
"""POST /v1/suggest: what a stored study would suggest, without one; what it refuses; and that no
number of such requests keeps a study waiting."""

import json
import math
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

PARAMETERS = [{"name": "lr", "type": "float", "low": 1e-5, "high": 1, "scale": "log"},
              {"name": "units", "type": "int", "low": 4, "high": 64, "step": 4},
              {"name": "kind", "type": "categorical", "choices": ["a", "b"]},
              {"name": "degree", "type": "int", "low": 2, "high": 5, "when": {"kind": ["b"]}}]
MORE = {"parameters": PARAMETERS, "constraints": ["units * lr <= 32"], "seed": 11}
RUNGS = {"resource": {"name": "epochs", "min": 1, "max": 9}}
STRATEGIES = {
    "random": {}, "quasirandom": {}, "bayesian": {}, "tpe": {}, "nsga2": {}, "auto": {},
    "hyperband": RUNGS, "asha": RUNGS, "bohb": RUNGS,
    "asha of a model": {**RUNGS, "strategy": {"name": "asha", "search": "bayesian"}},
    "predictive": {**RUNGS, "strategy": {"name": "asha", "mode": "predictive"}},
}
CELLS = [{"name": "a", "type": "int", "low": 1, "high": 3}, {"name": "b", "type": "bool"}]


def definition(strategy, **more):
    """A definition without a name, as it need have none here."""
    named = {"name": strategy} if isinstance(strategy, str) else strategy
    body = hone.study("unused", **{**MORE, **STRATEGIES.get(named["name"], {}), **more})
    del body["name"]
    body["strategy"] = {**named, "serving": "exact"}
    return body


def loss(parameters):
    """Smooth in all parameters, of which one may be inactive."""
    lr = math.log10(parameters["lr"])
    return (lr + 2) ** 2 + (parameters["units"] - 30) ** 2 / 400 + parameters.get("degree", 4) / 10


def history(n):
    """n finished trials of every state, as an import takes them."""
    trials = []
    for i in range(n):
        lr = 10 ** (-5 + 5 * ((i * 0.618) % 1))
        parameters = {"lr": lr, "units": 4 + 4 * (i * 7 % 16), "kind": "ab"[i % 2]}
        if i % 2:
            parameters["degree"] = 2 + i % 4
        if parameters["units"] * lr > 32:
            parameters["units"] = 4
        if i % 7 == 6:
            trials.append({"parameters": parameters, "state": ["failed", "infeasible"][i % 2]})
        else:
            trials.append({"parameters": parameters, "state": "completed", "value": loss(parameters)})
    return trials


class Suggest(hone.SharedServerTest):
    def suggest(self, study, **more):
        reply = self.client.post("/v1/suggest", {"study": study, **more})
        self.assertEqual(reply.status, 200, reply)
        return reply.json

    def refused(self, body, status=422):
        reply = self.client.post("/v1/suggest", body)
        self.assertEqual(reply.status, status, reply)
        return {error["pointer"]: error["detail"] for error in reply.json.get("errors", [])}

    # ---- the same as a stored study ----

    def stored(self, name, body, trials):
        """Eleven more trials of it, and the next two, both of which are running then."""
        reply = self.client.post("/v1/studies", {**body, "name": name})
        self.assertEqual(reply.status, 201, reply)
        told = []
        self.assertEqual(self.client.post(f"/v1/studies/{name}/trials", trials).status, 201)
        for i in range(11):  # past every initial design
            lease = self.lease(name)
            told.append({"parameters": lease["trial"]["parameters"], "state": "completed",
                         "metrics": {"loss": 9 - i + loss(lease["trial"]["parameters"])}})
            self.put(lease, outcome="completed", metrics=told[-1]["metrics"])
        return told, [self.lease(name)["trial"] for _ in range(2)]

    def test_the_same_as_a_stored_study_in_exact_serving(self):
        for strategy in ("random", "quasirandom", "tpe"):
            with self.subTest(strategy):
                body = definition(strategy)
                before = history(9)
                told, asked = self.stored("stored-" + strategy, body, before)
                trials = before + told
                got = self.suggest(body, trials=trials, ordinal=12, n=2)["items"]
                self.assertEqual([item["parameters"] for item in got],
                                 [trial["parameters"] for trial in asked])
                second = self.suggest(body, trials=trials, ordinal=13,
                                      pending=[asked[0]["parameters"]])["items"]
                self.assertEqual(second[0]["parameters"], asked[1]["parameters"])
                explained = self.client.get(
                    f"/v1/studies/stored-{strategy}/trials/{asked[0]['number']}/explain").json
                for key in ("source", "ordinal", "fallback", "provenance", "suggestion"):
                    self.assertEqual(got[0]["explain"][key], explained[key], key)

    def test_the_first_model_is_that_of_a_stored_study(self):
        """Later fits of a stored study begin with the one before; its first one with none, as here."""
        body = definition("bayesian")
        before = history(24)
        self.make("first", **{**MORE, "strategy": {"name": "bayesian", "serving": "exact"}})
        self.assertEqual(self.client.post("/v1/studies/first/trials", before).status, 201)
        told = []
        for i in range(5):
            lease = self.lease("first")
            explained = self.client.get(
                f"/v1/studies/first/trials/{lease['trial']['number']}/explain").json
            if explained["provenance"]["kind"] == "model":
                break
            got = self.suggest(body, trials=before + told, ordinal=i + 1)["items"][0]
            self.assertEqual(got["parameters"], lease["trial"]["parameters"])
            value = 1 / (i + 1)
            told.append({"parameters": lease["trial"]["parameters"], "state": "completed",
                         "value": value})
            self.put(lease, outcome="completed", metrics={"loss": value})
        self.assertEqual(explained["provenance"]["kind"], "model")
        self.assertGreater(explained["suggestion"]["failed"], 2)
        got = self.suggest(body, trials=before + told, ordinal=len(told) + 1, n=2)["items"]
        self.assertEqual(got[0]["parameters"], lease["trial"]["parameters"])
        self.assertEqual(got[0]["explain"]["suggestion"], explained["suggestion"])
        second = self.lease("first")["trial"]
        self.assertEqual(got[1]["parameters"], second["parameters"])

    # ---- every strategy ----

    def is_legal(self, parameters):
        expected = {"lr", "units", "kind"} | ({"degree"} if parameters["kind"] == "b" else set())
        self.assertEqual(set(parameters), expected)
        self.assertTrue(1e-5 <= parameters["lr"] <= 1 and parameters["units"] % 4 == 0)
        self.assertLessEqual(parameters["units"] * parameters["lr"], 32)

    def test_every_strategy_suggests_and_says_why(self):
        for name in STRATEGIES:
            with self.subTest(name):
                more = dict(STRATEGIES[name])
                body = definition(more.pop("strategy", name), **more)
                for n in (0, 1, 3, 30, 34):
                    trials = history(n)
                    answer = self.suggest(body, trials=trials, n=3)
                    self.assertEqual((len(answer["items"]), answer["exhausted"]), (3, False))
                    for i, item in enumerate(answer["items"]):
                        self.is_legal(item["parameters"])
                        self.assertEqual(item["explain"]["ordinal"], n + i + 1)
                        self.assertTrue(item["explain"]["provenance"]["text"])
                    again = self.suggest(body, trials=trials, n=3)
                    self.assertEqual(again, answer)
                    two = self.suggest(body, trials=trials, n=2)["items"]
                    self.assertEqual(two, answer["items"][:2])

    def test_a_model_counts_what_it_was_told(self):
        noted = self.suggest(definition("bayesian"), trials=history(28),
                             pending=[{"lr": 0.1, "units": 8, "kind": "a"}])["items"][0]["explain"]
        self.assertEqual(noted["provenance"]["kind"], "model")
        suggestion = noted["suggestion"]
        self.assertEqual((suggestion["results"], suggestion["failed"], suggestion["pending"]), (28, 4, 1))
        self.assertIn("p_ok", suggestion["predicted"])

    def test_curves_and_pruned_trials_inform(self):
        body = definition({"name": "asha", "search": "bayesian"}, **RUNGS)
        trials = []
        for i, trial in enumerate(history(24)):
            if trial["state"] == "completed":
                full = i % 3 == 0
                value = trial.pop("value")
                trial.update(state="completed" if full else "pruned", measurements=[
                    {"step": step, "metrics": {"loss": value + 1 / step}}
                    for step in ([1, 3, 9] if full else [1, 3])])
            trials.append(trial)
        with_curves = self.suggest(body, trials=trials)
        self.assertEqual(with_curves["items"][0]["explain"]["provenance"]["kind"], "model")
        self.assertEqual(with_curves["strategy"], {"name": "asha", "search": "bayesian"})
        for trial in trials:  # the same trials, and other curves
            for entry in trial.get("measurements", []):
                entry["metrics"]["loss"] = 30 - entry["metrics"]["loss"]
        self.assertNotEqual(self.suggest(body, trials=trials)["items"], with_curves["items"])

    def test_several_objectives_as_far_as_strategies_take_them(self):
        both = [{"metric": m, "direction": "minimize"} for m in ("loss", "size")]
        trials = [dict(t, metrics={"loss": 1, "size": 2}) for t in history(3)]
        for trial in trials:
            del trial["value"]
        for strategy in ("quasirandom", "bayesian", "tpe", "nsga2", "auto"):
            body = {**definition(strategy), "objectives": both}
            self.assertEqual(len(self.suggest(body, trials=trials, n=2)["items"]), 2)
        five = [{"metric": f"m{i}", "direction": "minimize"} for i in range(5)]
        errors = self.refused({"study": {**definition("bayesian"), "objectives": five}, "trials": []})
        self.assertEqual(list(errors), ["/study/objectives"])
        trials[0]["value"] = 1
        errors = self.refused({"study": body, "trials": trials})
        self.assertEqual(list(errors), ["/trials/0/value"])

    # ---- finite spaces end ----

    def test_a_grid_is_tried_once_and_ends(self):
        cells = definition("grid", parameters=CELLS, constraints=None)
        trials, seen = [], set()
        for _ in range(6):
            item = self.suggest(cells, trials=trials)["items"][0]
            seen.add(json.dumps(item["parameters"]))
            trials.append({"parameters": item["parameters"], "state": "completed", "value": 1})
            trials.reverse()  # in whatever order they ended
        self.assertEqual(len(seen), 6)
        answer = self.suggest(cells, trials=trials)
        self.assertEqual((answer["items"], answer["exhausted"]), ([], True))
        few = self.suggest(cells, trials=trials[:2], pending=[trials[3]["parameters"]], n=9)
        self.assertEqual((len(few["items"]), few["exhausted"]), (3, True))

    def test_no_strategy_suggests_what_was_tried_in_a_small_space(self):
        for strategy in ("random", "quasirandom", "bayesian", "tpe"):
            with self.subTest(strategy):
                answer = self.suggest(definition(strategy, parameters=CELLS, constraints=None), n=64)
                found = {json.dumps(item["parameters"], sort_keys=True) for item in answer["items"]}
                self.assertEqual((len(answer["items"]), len(found), answer["exhausted"]), (6, 6, True))

    # ---- a pure function ----

    def test_equal_bodies_have_equal_answers(self):
        body = {"study": definition("bayesian"), "trials": history(37), "n": 3,
                "pending": [{"lr": 1e-3, "units": 8, "kind": "a"}]}
        first = self.client.post("/v1/suggest", body).json
        for n in (35, 36, 38):  # fills the cache with the fits of other histories
            self.suggest(body["study"], trials=history(n))
        self.assertEqual(self.client.post("/v1/suggest", body).json, first)
        with hone.Server() as other, other.client() as client:
            for trials in (36, 37):  # with a fit made by another request, and without
                self.assertEqual(client.post("/v1/suggest", {**body, "trials": history(trials)}).status,
                                 200)
            self.assertEqual(client.post("/v1/suggest", body).json, first)
        with hone.Server() as other, other.client() as client:
            self.assertEqual(client.post("/v1/suggest", body).json, first)
        seeds = [self.suggest({**body["study"], "seed": seed}, trials=body["trials"])["items"]
                 for seed in (0, 1)]
        self.assertNotEqual(seeds[0], seeds[1])
        del body["study"]["seed"]
        self.assertEqual(self.suggest(body["study"], trials=body["trials"])["items"], seeds[0])

    def test_nothing_is_stored(self):
        before = self.client.get("/v1/studies").json
        self.suggest({**definition("random"), "name": "never"}, trials=history(3))
        self.assertEqual(self.client.get("/v1/studies/never").status, 404)
        self.assertEqual(self.client.get("/v1/studies").json, before)

    # ---- formats and tokens ----

    def test_formats(self):
        body = {"study": definition("random"), "n": 2}
        items = self.client.post("/v1/suggest", body).json["items"]
        rows = self.client.post("/v1/suggest?format=ndjson", body).body.decode().splitlines()
        self.assertEqual([json.loads(row) for row in rows], items)
        hydra = self.client.post("/v1/suggest?format=hydra", body).body.decode().splitlines()
        self.assertEqual(len(hydra), 2)
        self.assertIn(f"units={items[0]['parameters']['units']}", hydra[0])
        table = self.client.post("/v1/suggest?format=table", body).body.decode()
        self.assertIn("ordinal", table)
        lines = self.client.post("/v1/suggest?format=csv", body).body.decode().splitlines()
        self.assertIn("parameters.lr", lines[0])
        self.assertEqual(self.client.post("/v1/suggest?format=sh", body).status, 400)
        self.assertEqual(self.client.post("/v1/suggest?colour=red", body).status, 400)

    def test_scope_read_is_enough_and_needed(self):
        secret = self.client.post("/v1/tokens", {"name": "r", "scopes": ["read"]}).json["token"]
        body = {"study": definition("random")}
        with hone.Client(self.server.url, secret) as reader:
            self.assertEqual(reader.post("/v1/suggest", body).status, 200)
        with hone.Client(self.server.url) as nobody:
            self.assertEqual(nobody.post("/v1/suggest", body).status, 401)
        self.assertEqual(self.worker.post("/v1/suggest", body).status, 403)

    # ---- bad input ----

    def test_every_fault_is_told_at_its_place(self):
        good = definition("bayesian")
        trial = history(1)[0]
        low = {**good, "parameters": [{**PARAMETERS[0], "low": 2}]}
        cases = [
            ({}, ["/study"]),
            ({"study": None}, ["/study"]),
            ({"study": 3}, ["/study"]),
            ({"study": []}, ["/study"]),
            ({"study": low}, ["/study/parameters/0/high"]),
            ({"study": {**good, "constraints": ["units * nothing < 3"]}}, ["/study/constraints/0"]),
            ({"study": {**good, "strategy": "gradient"}}, ["/study/strategy"]),
            ({"study": {**good, "strategy": "hyperband"}}, ["/study/resource"]),
            ({"study": {**good, "colour": 1}}, ["/study/colour"]),
            ({"study": {**good, "name": "Not A Name"}}, ["/study/name"]),
            ({"study": {**good, "after": ["old"]}}, ["/study/after"]),
            ({"study": {**good, "seed": -1}}, ["/study/seed"]),
            ({"study": good, "n": 0}, ["/n"]),
            ({"study": good, "n": 65}, ["/n"]),
            ({"study": good, "n": 1.5}, ["/n"]),
            ({"study": good, "n": "1"}, ["/n"]),
            ({"study": good, "ordinal": 0}, ["/ordinal"]),
            ({"study": good, "ordinal": 2 ** 63}, ["/ordinal"]),
            ({"study": good, "colour": 1}, ["/colour"]),
            ({"study": good, "trials": {}}, ["/trials"]),
            ({"study": good, "trials": [trial] * 1001}, ["/trials"]),
            ({"study": good, "trials": [{**trial, "state": "running"}]}, ["/trials/0/state"]),
            ({"study": good, "trials": [{"parameters": trial["parameters"]}]}, ["/trials/0/state"]),
            ({"study": good, "trials": [{**trial, "value": "low"}]}, ["/trials/0/value"]),
            ({"study": good, "trials": [{**trial, "value": None}]}, ["/trials/0/metrics"]),
            ({"study": good, "trials": [{**trial, "metrics": {"loss": 1}}]}, ["/trials/0/value"]),
            ({"study": good, "trials": [trial, {**trial, "colour": 1}]}, ["/trials/1/colour"]),
            ({"study": good, "trials": [{**trial, "parameters": {**trial["parameters"], "lr": 9}}]},
             ["/trials/0/outside", "/trials/0/parameters/lr"]),
            ({"study": good, "pending": 3}, ["/pending"]),
            ({"study": good, "pending": [None]}, ["/pending/0"]),
            ({"study": good, "pending": [trial["parameters"], {"lr": 0.1}]},
             ["/pending/1/kind", "/pending/1/units"]),
            ({"study": good, "pending": [{"lr": 1, "units": 64, "kind": "a"}]}, ["/pending/0"]),
            ({"study": good, "pending": [{**trial["parameters"], "degree": 3}]}, ["/pending/0/degree"]),
            ({"study": good, "pending": [trial["parameters"]] * 1001}, ["/pending"]),
        ]
        for body, pointers in cases:
            with self.subTest(json.dumps(body)[:200], pointers=pointers):
                errors = self.refused(body)
                self.assertEqual(sorted(errors), pointers, errors)
                self.assertTrue(all(errors.values()))

    def test_hostile_bodies(self):
        good = definition("bayesian")
        self.assertIn("/trials/0", self.refused({"study": good, "trials": [3]}))
        long = "x" * 10000
        self.assertEqual(list(self.refused({"study": {**good, "name": long}})), ["/study/name"])
        errors = self.refused({"study": {**good, "parameters": [{**PARAMETERS[0], "name": long}]}})
        self.assertIn("/study/parameters/0/name", errors)
        errors = self.refused({"study": good, "trials": [{"parameters": {long: 1}, "state": "failed"}]})
        self.assertTrue(errors)
        self.assertTrue(all(len(key) < 400 for key in errors))
        many = self.refused({"study": good, "trials": [{"parameters": {}, "state": "x"}] * 1000})
        self.assertLessEqual(len(many), 64)
        for raw, status in ((b"", 422), (b"[" * 100000, 400), (b'{"study": {"a": NaN}}', 400),
                            (b"[]", 422), (b'"study"', 422), (b'{"study": {}, "study": {}}', 400),
                            (b'{"study": ' + b"[" * 40 + b"]" * 40 + b"}", 400)):
            with self.subTest(raw[:40]):
                reply = self.client.request("POST", "/v1/suggest", raw=raw)
                self.assertEqual(reply.status, status, reply)
        reply = self.client.request("POST", "/v1/suggest", raw=b"{}", headers={"Content-Type": "text/csv"})
        self.assertEqual(reply.status, 415)

    def test_values_that_are_no_numbers_fail_the_trial(self):
        trials = history(12)
        for i, value in enumerate(("NaN", "Infinity", "-Infinity")):
            trials[i]["value"] = value
        noted = self.suggest(definition("bayesian"), trials=trials)["items"][0]["explain"]["suggestion"]
        self.assertEqual(noted["failed"], 4)

    def test_odd_histories(self):
        same = {**history(1)[0], "value": 1.5}
        for trials in ([same] * 40, [{**t, "state": "failed", "value": None} for t in history(40)],
                       [{**t, "value": 1e308 * (-1) ** i} for i, t in enumerate(history(6))]):
            for strategy in ("bayesian", "tpe"):
                answer = self.suggest(definition(strategy), trials=trials, n=2)
                for item in answer["items"]:
                    self.is_legal(item["parameters"])
        outside = {"parameters": {"lr": 0.5, "units": 400, "kind": "a"}, "state": "completed",
                   "value": 0, "outside": True}
        self.suggest(definition("bayesian"), trials=history(12) + [outside])

    # ---- beside studies ----

    def test_a_flood_keeps_no_study_waiting(self):
        """Each of its asks is answered, while more suggestions are asked for than there is time for."""
        body = {"study": definition("bayesian"), "trials": history(60), "n": 64}
        statuses, lock = [], threading.Lock()

        def flood():
            with self.server.client() as client:
                reply = client.post("/v1/suggest", body)
            with lock:
                statuses.append(reply.status)
                if reply.status == 503:
                    self.assertGreaterEqual(int(reply.headers["retry-after"]), 1)
                    self.assertTrue(reply.json["retryable"])

        threads = [threading.Thread(target=flood) for _ in range(90)]
        for thread in threads:
            thread.start()
        hone.wait_until(lambda: 503 in statuses, 60, "no request is refused")
        self.make("beside", **{**MORE, "strategy": {"name": "tpe", "serving": "exact"}})
        for i in range(15):
            lease = self.lease("beside")
            self.assertIsNotNone(lease["lease"])
            self.put(lease, outcome="completed", metrics={"loss": i})
        self.assertTrue(any(thread.is_alive() for thread in threads), "the flood was over before")
        stopped = time.monotonic()
        self.assertEqual(self.server.stop(60), 0)  # with requests under way: each is answered
        self.assertLess(time.monotonic() - stopped, 9, "it waited for what it had told to end")
        for thread in threads:
            thread.join(60)
        self.assertEqual(len(statuses), len(threads))
        self.server.start()
        type(self).client = self.server.client()
        type(self).worker = self.server.client("worker")


if __name__ == "__main__":
    hone.main()
