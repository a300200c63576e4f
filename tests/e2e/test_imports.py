#!/usr/bin/env python3
"""hone import with a real server: each construct of each format, in files of our own, arrives or is
told with its line; commands run as the other tuner would run them; hostile files are refused.
"""

import json
import math
import os
import pathlib
import shlex
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import hone as servers  # noqa: E402
from cases import expect, main  # noqa: E402

HONE = os.environ["HONE"]
DATA = pathlib.Path(__file__).resolve().parents[1] / "data/sweeps"
SECONDS = 120


def run(*arguments, url="http://127.0.0.1:9", status=0, stdin=None, cwd=None, **environment):
    """stdout and stderr of hone."""
    done = subprocess.run([HONE, *map(str, arguments)], capture_output=True, timeout=SECONDS,
                          check=False, cwd=cwd, input=stdin,
                          env={**os.environ, "HONE_URL": url, **environment})
    out, said = done.stdout.decode(), done.stderr.decode()
    expect(done.returncode, status, f"{arguments}: {out}{said}")
    return out, said


def imported(server, file, *arguments):
    """The study as the server has it, and what was said; `file` of tests/data/sweeps, or a path."""
    name, said = run("import", DATA / file, *arguments, url=server.url)
    with servers.Client(server.url) as client:
        return client.get(f"/v1/studies/{name.strip()}").json, said


def by_name(study):
    """Parameters by name, without what is the same for all."""
    found = {}
    for parameter in study["parameters"]:
        found.setdefault(parameter.pop("name"), []).append(parameter)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def remarks(said, file):
    """[(line, sentence)] about this file."""
    found = []
    for line in said.splitlines():
        place, _, rest = line.partition(f"{file}:")
        if rest and not place.startswith("hone: "):
            number, _, sentence = rest.partition(": ")
            found.append((int(number), sentence) if number.isdigit() else (0, rest.strip()))
    return found


def has_remarks(said, file, *expected):
    """Just these, in order: (line, words that the sentence has)."""
    found = remarks(said, file)
    expect([line for line, _ in found], [line for line, _ in expected], said)
    for (_, sentence), (_, words) in zip(found, expected):
        expect(words in sentence, True, f"{words!r} in {sentence!r}")


def line_of(said):
    """What stands behind `--` of the worker's line, and the line itself."""
    line = next(line for line in said.splitlines() if "work on it with: " in line)
    whole = line.split("work on it with: ", 1)[1]
    return whole.split(" -- ", 1)[1], whole


def near(got, wanted):
    return all(abs(got[key] - value) < 1e-12 * max(1, abs(value)) if isinstance(value, float)
               else got[key] == value for key, value in wanted.items())


# ---- W&B ----

def test_a_sweep_that_would_never_end_is_told(tmp):
    sweep = "metric: {name: loss, goal: minimize}\nparameters:\n  a: {values: [1, 2]}\n"
    (tmp / "s.yaml").write_text("method: random\n" + sweep)
    (tmp / "grid.yaml").write_text("method: grid\n" + sweep)
    endless = "nothing ends it: import it with --trials N, or say 'hone study set s --trials N'"
    with servers.Server(args=["--open"]) as server:
        expect(endless in run("import", tmp / "s.yaml", "--dry-run", url=server.url)[1], True)
        study, said = imported(server, tmp / "s.yaml", "--trials", "7")
        expect((study["limits"]["trials"], "nothing ends it" in said), (7, False), said)
        expect("nothing ends it" in imported(server, tmp / "grid.yaml")[1], False)
        expect(endless in run("import", tmp / "s.yaml", "--study", "s2", url=server.url)[1].replace("s2", "s"), True)


def test_each_distribution_of_wandb(tmp):
    with servers.Server(args=["--open"]) as server:
        study, said = imported(server, "wandb-all.yaml")
    got = by_name(study)
    real = {"type": "float"}
    wanted = {
        "fixed": {"type": "constant", "value": 3}, "none": {"type": "constant", "value": None},
        "shape": {"type": "constant", "value": [2, 2, 6]},
        "explicit": {"type": "constant", "value": "adam"},
        "words": {"type": "categorical", "choices": ["relu", "tanh", "yes"]},
        "numbers": {"type": "int", "values": [16, 32, 64]},
        "mixed": {"type": "categorical", "choices": [1, 0.5, None, "auto"]},
        "single": {"type": "constant", "value": 7}, "amp": {"type": "bool"},
        "weighted": {"type": "categorical", "choices": ["a", "b", "c"],
                     "weights": [0.5, 0.25, 0.25]},
        "twice": {"type": "int", "values": [24, 48], "weights": [2, 1]},
        "n": {"type": "int", "low": 1, "high": 8}, "n2": {"type": "int", "low": -3, "high": 3},
        "x": {**real, "low": 0, "high": 1.5}, "x2": {**real, "low": -1, "high": 1},
        "same": {"type": "constant", "value": 2},
        "qu": {**real, "low": 0, "high": 1, "step": 0.1},
        "qi": {"type": "int", "low": 8, "high": 64, "step": 8},
        "lu": {**real, "low": 2.718281828459045 ** -9.2, "high": 2.718281828459045 ** -2.3,
               "scale": "log"},
        "luv": {**real, "low": 1e-5, "high": 0.1, "scale": "log"},
        "qlu": {"type": "int", "low": 2, "high": 54, "step": 2, "scale": "log"},
        "qluv": {"type": "int", "low": 16, "high": 512, "step": 16, "scale": "log"},
        "ilu": {**real, "low": 2.718281828459045 ** -5, "high": 2.718281828459045 ** -1,
                "scale": "log"},
        "iluv": {**real, "low": 0.001, "high": 0.5, "scale": "log"},
        "no": {**real, "distribution": "normal", "mean": 1, "sd": 0.5},
        "qno": {**real, "distribution": "normal", "mean": 4, "sd": 2, "step": 0.5},
        "lno": {**real, "distribution": "lognormal", "mean": -2, "sd": 1},
        "qlno": {"type": "int", "distribution": "lognormal", "mean": 2, "sd": 0.5},
        "be": {**real, "low": 0, "high": 1}, "be1": {**real, "low": 0, "high": 1},
        "qbe": {**real, "low": 0, "high": 1, "step": 0.1},
        "optimizer.kind": {"type": "categorical", "choices": ["sgd", "adam"]},
        "optimizer.deep.momentum": {**real, "low": 0.5, "high": 0.99},
    }
    expect(list(got), list(wanted))
    for name, parameter in wanted.items():
        expect(near(got[name], parameter), True, f"{name}: {got[name]} for {parameter}")
    expect(study["name"], "all-of-it-bayes")
    expect(study["labels"], {"project": "imports", "entity": "us"})
    expect(study["objectives"][0]["metric"], "val/loss")
    expect((study["limits"]["trials"], study["limits"]["target"]), (40, 0.05))
    expect({key: study["strategy"][key] for key in ("name", "mode", "eta", "search")},
           {"name": "asha", "mode": "stopping", "eta": 2, "search": "bayesian"})
    expect((study["resource"]["min"], study["resource"]["max"]), (3, 24))
    has_remarks(said, "wandb-all.yaml", (9, "impute has no"), (9, "impute_while_running"),
                (15, "true or false"), (22, "weight 0"), (24, "several times"), (34, "logarithm"),
                (42, "beta(2, 5)"), (44, "beta(2, 2)"), (45, "optimizer.…"), (51, "last step"),
                (51, "strict: false"), (59, "Python"), (60, "Python"), (61, "--amp=true"),
                (64, "${nothing}"), (65, "controller"), (66, "something_else"))


def test_a_command_of_wandb_runs_with_its_macros(tmp):
    (tmp / "train.py").write_text("import json, sys\nprint(json.dumps(sys.argv[1:]))\n"
                                  "print('hone: mAP50(B)=1')\n")
    with servers.Server(args=["--open"]) as server:
        study, said = imported(server, "wandb-nested-random.yaml", "--trials", "6")
        command, _ = line_of(said)
        expect(command, "/usr/bin/env python train.py '{args}'")
        run("worker", "--study", study["name"], "--exit-when-finished", "--",
            *shlex.split(command.replace("python ", "python3 ")), url=server.url, cwd=tmp)
        with servers.Client(server.url) as client:
            trials = list(client.walk(f"/v1/studies/{study['name']}/trials"))
            expect([trial["state"] for trial in trials], ["completed"] * 6)
            log = client.get(f"/v1/studies/{study['name']}/trials/1/log").body.decode()
    arguments = json.loads(log.splitlines()[0])
    expect([argument.partition("=")[0] for argument in arguments],
           ["--norm type", "--lr+", "--λ", "--class_weight"])
    expect(float(arguments[1].partition("=")[2]), trials[0]["parameters"]["lr+"])


def test_macros_stand_for_what_wandb_makes_of_them(tmp):
    with servers.Server(args=["--open"]) as server:
        command, whole = line_of(imported(server, "wandb-all.yaml")[1])
        expect(whole.startswith("hone worker --study all-of-it-bayes -- "), True)
        words = subprocess.run(["sh", "-c", f"printf '%s\\n' {command}"], capture_output=True,
                               text=True, check=True, env={"DATA_DIR": "/da ta"}).stdout.splitlines()
        expect(words[:7], ["/usr/bin/env", "python", "train.py", "--data=/da ta/x{{1}}",
                           "--workers", "4", "{args}"])
        expect((words[7], words[-4], words[-3:]),
               ("fixed={fixed}", "optimizer.deep.momentum={optimizer.deep.momentum}",
                ["{args}", "{args.json}", "{params.json}"]))
        unset = subprocess.run(["sh", "-c", f"printf '%s\\n' {command}"], capture_output=True,
                               text=True, check=True, env={}).stdout.splitlines()
        expect(unset[3], "--data=DATA_DIR/x{{1}}")  # as W&B's agent has it
        (study, said) = imported(server, "wandb-grid.yaml", "--maximize", "tokens/s")
        expect(line_of(said)[0],
               "/usr/bin/env bash bench.sh --threads '{threads}' --context '{context}'")
        expect((study["strategy"]["search"], study["resource"]["min"], study["resource"]["max"]),
               ("grid", 3, 27))
    said = run("import", DATA / "wandb-grid.yaml", status=2)[1]
    expect("--minimize METRIC" in said, True, said)


# ---- Katib ----

def test_each_part_of_a_katib_experiment(tmp):
    with servers.Server(args=["--open"]) as server:
        study, said = imported(server, "katib-all.yaml")
    got = by_name(study)
    wanted = {
        "layers": {"type": "int", "low": 1, "high": 9, "step": 2},
        "lr": {"type": "float", "low": 0.0001, "high": 0.1, "scale": "log"},
        "drop": {"type": "float", "low": 0, "high": 0.5, "step": 0.1},
        "bell": {"type": "float", "distribution": "normal", "mean": 0, "sd": 1, "low": -3,
                 "high": 3},
        "logbell": {"type": "float", "distribution": "lognormal", "mean": -2.302585092994046,
                    "sd": 0.7675283643313485, "low": 0.01, "high": 1},
        "batch": {"type": "int", "values": [32, 64, 128]},
        "optimizer": {"type": "categorical", "choices": ["sgd", "adam"]},
        "one": {"type": "constant", "value": 4},
    }
    expect(list(got), list(wanted))
    for name, parameter in wanted.items():
        expect(near(got[name], parameter), True, f"{name}: {got[name]} for {parameter}")
    expect((study["name"], study["labels"], study["seed"]),
           ("all-kinds", {"namespace": "team", "owner": "us"}, 7))
    expect(study["objectives"], [{"metric": "val-accuracy", "direction": "maximize",
                                  "fold": "last"}])
    expect({key: study["limits"][key] for key in ("target", "parallel", "trials", "failures")},
           {"target": 0.99, "parallel": 3, "trials": 24, "failures": 5})
    expect((study["strategy"]["name"], study["strategy"]["eta"], study["resource"]["name"],
            study["resource"]["max"]), ("hyperband", 3, "num-epochs", 27))
    expect({key: study["stopping"][key] for key in ("rule", "after", "warmup")},
           {"rule": "median", "after": 4, "warmup": 2})
    has_remarks(said, "katib-all.yaml", (16, '"loss"'), (29, '"other"'), (51, "successCondition"),
                (67, "image"), (68, "resources"), (71, "of the cluster"), (72, "unknown"))
    command, whole = line_of(said)
    expect(shlex.split(command),
           ["python3", "train.py", "--lr={lr}", "--epochs", "{resource.to}", "--set={{{layers}}}",
            "--id={trial}-${{trialSpec.Namespace}}", "${{trialParameters.unknown}}"])
    expect("--metric 'val-accuracy={name: val-accuracy, value: ([+-]?\\d*\\.?\\d+)}'" in whole, True)


# ---- NNI ----

def test_each_type_of_nni(tmp):
    with servers.Server(args=["--open"]) as server:
        study, said = imported(server, "nni-all.yaml")
        old, old_said = imported(server, "nni-v1.yaml")
        alone, _ = imported(server, "nni-space.json")
    got = by_name(study)
    wanted = {
        "act": {"type": "categorical", "choices": ["relu", "tanh"]},
        "units": {"type": "int", "values": [16, 32]}, "n": {"type": "int", "low": 1, "high": 4},
        "x": {"type": "float", "low": 0, "high": 1},
        "q": {"type": "float", "low": 0, "high": 10, "step": 2.5},
        "clip": {"type": "int", "values": [2, 5, 10]},
        "lr": {"type": "float", "low": 1e-5, "high": 0.1, "scale": "log"},
        "qlr": {"type": "int", "low": 16, "high": 512, "step": 16, "scale": "log"},
        "no": {"type": "float", "distribution": "normal", "mean": 0, "sd": 1},
        "qno": {"type": "int", "distribution": "normal", "mean": 4, "sd": 2},
        "lno": {"type": "float", "distribution": "lognormal", "mean": 0, "sd": 1},
        "qlno": {"type": "int", "distribution": "lognormal", "mean": 2, "sd": 0.5},
        "layer": {"type": "categorical", "choices": ["Empty", "Conv", "Pool"]},
        "layer.pad": {"type": "categorical", "choices": ["same", "fixed"],
                      "when": {"layer": ["Conv"]}},
        "layer.pad.by": {"type": "int", "values": [1, 2],
                         "when": {"layer": ["Conv"], "layer.pad": ["fixed"]}},
    }
    sizes = got.pop("layer.size")
    expect(set(got), set(wanted))
    for name, parameter in wanted.items():
        expect(near(got[name], parameter), True, f"{name}: {got[name]} for {parameter}")
    expect([(size["when"], size.get("low"), size.get("values")) for size in sizes],
           [({"layer": ["Conv"]}, 2, None), ({"layer": ["Pool"]}, None, [2, 3])])
    expect((study["strategy"]["name"], study["seed"], study["objectives"][0]["direction"],
            study["requires"]["gpus"], study["stopping"]["warmup"]), ("tpe", 3, "minimize", 1, 5))
    expect({key: study["limits"][key] for key in ("trials", "parallel", "seconds", "trial_seconds")},
           {"trials": 20, "parallel": 2, "seconds": 86400, "trial_seconds": 1800})
    expect(line_of(said)[0], "python train.py --data mnist '{args}'")
    has_remarks(said, "nni-all.yaml", (16, "layer.…"), (25, "get_next_parameter"), (26, "code"),
                (32, "tpe_args"), (34, "trainingService"), (35, "debug"))
    expect((old["strategy"]["name"], old["resource"]["max"], old["limits"]["trials"],
            [one["name"] for one in old["parameters"]]), ("hyperband", 27, 10, ["batch_size", "lr"]))
    expect(line_of(old_said)[0], "bash -c 'python3 train.py && echo done'")
    expect(by_name(alone), by_name(old))


# ---- ConfigSpace ----

def test_each_hyperparameter_condition_and_clause_of_configspace(tmp):
    with servers.Server(args=["--open"]) as server:
        old, old_said = imported(server, "configspace-old.json")
        new, said = imported(server, "configspace-new.json", "--maximize", "score")
        with servers.Client(server.url) as client:
            seen = [client.post(f"/v1/studies/{new['name']}/leases", {"worker": "w"})
                    .json["trial"]["parameters"] for _ in range(40)]
    got = by_name(old)
    expect(near(got["C"], {"low": 0.03, "high": 32768, "scale": "log", "default": 1}), True)
    expect((got["steps"]["step"], got["kernel"]["weights"], got["size"]["type"]),
           (10, [0.2, 0.4, 0.4], "ordinal"))
    expect((got["bell"]["mean"], got["seed"]["value"], got["free"]["value"]), (0, 1, "x"))
    expect([got[name]["when"] for name in ("degree", "gamma", "big")],
           [{"kernel": ["poly"]}, {"kernel": ["rbf", "poly"]}, {"size": ["m", "l"]}])
    expect(old["constraints"], [
        "not ((`kernel` == 'linear') and (`size` == 'm' or `size` == 'l'))",
        "not (`degree` > `steps`)"])
    expect((old["objectives"][0]["metric"], new["objectives"][0]["metric"]), ("cost", "score"))
    has_remarks(old_said, "configspace-old.json", (0, "cost"))
    got = by_name(new)
    expect([got[name]["distribution"] for name in ("ni", "nf")], ["normal", "lognormal"])
    expect([got[name]["type"] for name in ("bf", "bi", "flag", "depth", "k")],
           ["float", "int", "bool", "ordinal", "constant"])
    expect([got[name]["when"] for name in ("u2", "mom")],
           [{"layers": [2, 3, 4]}, {"opt": ["sgd", "lbfgs"], "layers": [1, 2, 3]}])
    expect([one["when"] for one in got["alt"]],
           [{"flag": [True]}, {"flag": [False], "opt": ["sgd"]}])
    for values in seen:  # what the space says, in every configuration
        expect(("alt" in values, "u2" in values),
               (values["flag"] or values["opt"] == "sgd", values["layers"] > 1))
        expect((values["layers"] == 3, values["opt"] == "lbfgs",
                values["flag"] and values["ni"] >= 9), (False, False, False))
    has_remarks(said, "configspace-new.json", (0, "cost"), (2, "meta"), (7, "beta(2, 5)"),
                (8, "meta of 'bi'"), (27, "continuous"))


# ---- what is wrong ----

SWEEP = "method: random\nmetric: {name: loss}\nparameters:\n"
WRONG = {  # what -> (text, words of the sentence, the line)
    "nothing": ("", "nothing in it", None),
    "a list": ("- 1\n", "neither", None),
    "another file": ("a: 1\n", "--format", None),
    "binary": (b"\x00\x01\x02\xff" * 40, "", None),
    "no UTF-8": (b"method: random\nparameters: {a: {value: \xff\xfe}}\n", "", None),
    "a NUL": (b"method: random\nparameters: {a: {value: \"x\\0y\"}}\n", "NUL", 2),
    "tabs": ("method: random\nparameters:\n\ta: 1\n", "YAML", 3),
    "a key twice": (SWEEP + "  a: {value: 1}\n  a: {value: 2}\n", "twice", 5),
    "a tag": (SWEEP + "  a: !!python/object/apply:os.system ['true']\n", "tag", 4),
    "several documents": (SWEEP + "  a: {value: 1}\n---\nx: 1\n", "several", None),
    "too deep": (SWEEP + "  a: {value: " + "[" * 40 + "]" * 40 + "}\n", "nested deeper", 4),
    "a bomb of aliases": ("x: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"x{i}: &{chr(98 + i)} [" + ",".join([f"*{chr(97 + i)}"] * 10) + "]\n" for i in range(8)),
        "80,000", None),
    "an alias of itself": ("x: &a [*a]\n", "nested deeper", None),
    "a merge": (SWEEP + "  <<: {a: {value: 1}}\n", "'<<'", 4),
    "too large": ("# " + "x" * (9 << 20), "8 MiB", None),
    "no parameters": ("method: grid\nmetric: {name: x}\nparameters: {}\n", "no parameters", 3),
    "a bare value": (SWEEP + "  lr: 0.1\n", "must be an object", 4),
    "no values": (SWEEP + "  lr: {values: []}\n", "no value to choose", 4),
    "ends in the wrong order": (SWEEP + "  lr: {min: 2, max: 1}\n", "above its max", 4),
    "a word for a number": (SWEEP + "  lr: {min: low, max: 1.0}\n", "needs a number for min", 4),
    "NaN": (SWEEP + "  lr: {min: .nan, max: 1.0}\n", "needs a number for min", 4),
    "a log of 0": (SWEEP + "  lr: {distribution: log_uniform_values, min: 0, max: 1}\n", "log scale",
                   4),
    "an exponent too large": (SWEEP + "  lr: {distribution: log_uniform, min: 1, max: 1000}\n",
                              "exponents of e", 4),
    "an unknown distribution": (SWEEP + "  lr: {distribution: cauchy, min: 1, max: 2}\n",
                                "no distribution", 4),
    "numbers beyond all": (SWEEP + "  lr: {distribution: q_uniform, min: -1e308, max: 1e308, "
                           "q: 1e-300}\n", "too large", 4),
    "q below 0": (SWEEP + "  lr: {distribution: q_uniform, min: 1, max: 2, q: -1}\n", "above 0", 4),
    "probabilities that do not fit": (SWEEP + "  a: {values: [1, 2], probabilities: [1]}\n",
                                      "must be 2 numbers", 4),
    "an eta of 1": (SWEEP + "  a: {values: [1, 2]}\nearly_terminate: {type: hyperband, min_iter: 1, "
                    "eta: 1}\n", "above 1", 5),
    "a last step beyond all": (SWEEP + "  a: {values: [1, 2]}\nearly_terminate: {type: hyperband, "
                               "min_iter: 1, eta: 1e200}\n", "too large", None),
    "a command that is no list": (SWEEP + "  a: {values: [1, 2]}\ncommand: rm -rf\n",
                                  "list of words", 5),
    "run_cap of a word": (SWEEP + "  a: {values: [1, 2]}\nrun_cap: many\n", "whole number", 5),
    "a katib experiment without parameters": (
        "apiVersion: kubeflow.org/v1beta1\nkind: Experiment\nspec:\n"
        "  objective: {type: minimize, objectiveMetricName: x}\n", "no parameters", None),
    "a katib range of words": (
        "apiVersion: kubeflow.org/v1beta1\nkind: Experiment\nspec:\n"
        "  objective: {type: minimize, objectiveMetricName: x}\n  parameters:\n"
        "    - {name: a, parameterType: double, feasibleSpace: {min: '0,1', max: '1'}}\n",
        "feasibleSpace", 6),
    "a search for structures": (
        "apiVersion: kubeflow.org/v1beta1\nkind: Experiment\nspec:\n  nasConfig: {graphConfig: {}}\n",
        "nasConfig", 4),
    "an unknown type of nni": ("searchSpace:\n  a: {_type: factor, _value: [512, 3]}\n",
                               "_type", 2),
    "a space of nni that is not there": ("searchSpaceFile: /nowhere/space.json\n", "cannot be read",
                                         None),
    "a space of nni that never ends": ("searchSpaceFile: /dev/zero\n", "cannot be read", None),
    "JSON with a key twice": ('{"hyperparameters": [], "hyperparameters": []}', "duplicate", 1),
    "JSON too deep": ("[" * 100000, "", None),
    "a condition on nobody": (
        '{"hyperparameters": [{"name": "a", "type": "constant", "value": 1}],\n'
        '"conditions": [{"child": "b", "parent": "a", "type": "EQ", "value": 1}]}', "child", 2),
    "a condition that nothing fulfils": (
        '{"hyperparameters": [{"name": "a", "type": "categorical", "choices": ["x", "y"]},\n'
        '{"name": "b", "type": "constant", "value": 1}],\n'
        '"conditions": [{"child": "b", "parent": "a", "type": "EQ", "value": "z"}]}', "fulfils", 3),
}


def test_what_is_wrong_is_refused_at_its_line(tmp):
    for what, (text, words, line) in WRONG.items():
        file = tmp / "wrong.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        said = run("import", file, "--dry-run", status=2)[1]
        expect(words in said, True, f"{what}: {said}")
        place = "wrong.yaml:" if line is None else f"wrong.yaml:{line}: "
        expect(place in said or "wrong.yaml" in said and line is None, True, f"{what}: {said}")
        expect("ERROR" in said or "runtime error" in said, False, f"{what}: {said}")


def test_a_large_file_is_read_at_once(tmp):
    """Each value of a file is found in it: all of them in one pass, whatever stands between."""
    path = tmp / "large.yaml"
    values = ("," + " " * 90).join(["é, !!str 7", *map(str, range(65000))])
    path.write_text("\ufeffmethod: grid\nmetric: {name: l, goal: minimize}\n"
                    f"parameters: {{x: {{values: [{values}]}}}}\n", encoding="utf-8")
    study = json.loads(run("import", "--dry-run", path)[0])
    choices = study["parameters"][0]["choices"]
    expect(choices[:3] + choices[-1:], ["é", "7", 0, 64999])


def test_files_that_are_none(tmp):
    for path, words in ((tmp, "no file"), (tmp / "nowhere.yaml", "cannot read"),
                        ("/dev/zero", "no file")):
        said = run("import", path, "--dry-run", status=2)[1]
        expect(words in said, True, said)
    for arguments, words in ((["--format", "excel", DATA / "nni-all.yaml"], "--format excel"),
                             (["-f", "x", DATA / "nni-all.yaml"], "-f is not taken"),
                             (["--format", "katib", DATA / "nni-all.yaml"], "no spec")):
        said = run("import", *arguments, "--dry-run", status=2)[1]
        expect(words in said, True, said)
    none = tmp / "none.yaml"
    for text, format_ in (("_name:\n", "wandb"), ("_name: {}\n", "nni"),
                          ("parameters: {}\nmethod: grid\n", "wandb")):
        none.write_text(text)
        said = run("import", "--format", format_, none, "--dry-run", status=2)[1]
        expect("parameter" in said, True, said)
    sweep = (DATA / "wandb-nested-random.yaml").read_bytes()
    out, said = run("import", "-", "--dry-run", stdin=sweep)
    expect((json.loads(out)["name"], "standard input:2: " in said), ("imported", True), said)


def test_a_refusal_of_the_server_names_the_line(tmp):
    file = tmp / "sweep.yaml"
    file.write_text("method: grid\nmetric: {name: loss}\nparameters:\n  a: {values: [1, 2]}\n"
                    "  lr: {min: 0.0, max: 1.0}\n")
    with servers.Server(args=["--open"]) as server:
        said = run("import", file, url=server.url, status=2)[1]
        expect("sweep.yaml:5: 'lr'" in said and "points" in said, True, said)
        run("import", file, "--strategy", "random", url=server.url)
        said = run("import", file, "--strategy", "random", url=server.url)[1]
        expect("was there already" in said, True, said)
        said = run("import", file, "--strategy", "random", "--seed", "4", url=server.url, status=4)[1]
        expect("differs" in said, True, said)


# ---- storages of Optuna, made by hand (tests/integrations has those of Optuna itself) ----

FLOAT = json.dumps({"name": "FloatDistribution",
                    "attributes": {"step": None, "low": 0.0, "high": 1.0, "log": False}})
SCHEMA = """
CREATE TABLE studies (study_id INTEGER PRIMARY KEY, study_name VARCHAR(512));
CREATE TABLE study_directions (study_direction_id INTEGER PRIMARY KEY, direction VARCHAR(8),
  study_id INTEGER, objective INTEGER);
CREATE TABLE trials (trial_id INTEGER PRIMARY KEY, number INTEGER, study_id INTEGER,
  state VARCHAR(8), datetime_start DATETIME, datetime_complete DATETIME, discarded_at DATETIME);
CREATE TABLE trial_params (param_id INTEGER PRIMARY KEY, trial_id INTEGER, param_name VARCHAR(512),
  param_value FLOAT, distribution_json TEXT);
CREATE TABLE trial_values (trial_value_id INTEGER PRIMARY KEY, trial_id INTEGER, objective INTEGER,
  value FLOAT, value_type VARCHAR(7));
INSERT INTO studies VALUES (1, 's');
INSERT INTO study_directions VALUES (1, 'MAXIMIZE', 1, 0);
"""


def make_db(path, n=3, schema=SCHEMA, more=""):
    with sqlite3.connect(path) as db:
        db.executescript(schema)
        for i in range(1, n + 1):
            db.execute("INSERT INTO trials (trial_id, number, study_id, state) VALUES (?, ?, 1, "
                       "'COMPLETE')", (i, i - 1))
            db.execute("INSERT INTO trial_params VALUES (?, ?, 'x', ?, ?)", (i, i, i / 10, FLOAT))
            if "trial_values" in schema and "objective" in schema:
                db.execute("INSERT INTO trial_values VALUES (?, ?, 0, ?, 'FINITE')", (i, i, i))
        db.executescript(more)
    db.close()


def values_of(server, name):
    with servers.Client(server.url) as client:
        return [(trial["parameters"], trial["state"], trial["value"])
                for trial in client.walk(f"/v1/studies/{name}/trials")]


def test_older_and_other_schemas_of_optuna(tmp):
    first = """
      CREATE TABLE studies (study_id INTEGER PRIMARY KEY, study_name VARCHAR(512), direction VARCHAR(8));
      CREATE TABLE trials (trial_id INTEGER PRIMARY KEY, study_id INTEGER, state VARCHAR(8),
        value FLOAT, datetime_start DATETIME, datetime_complete DATETIME, number INTEGER);
      CREATE TABLE trial_params (param_id INTEGER PRIMARY KEY, trial_id INTEGER,
        param_name VARCHAR(512), param_value FLOAT, distribution_json VARCHAR(2048));
      CREATE TABLE trial_values (trial_value_id INTEGER PRIMARY KEY, trial_id INTEGER, step INTEGER,
        value FLOAT);
      INSERT INTO studies VALUES (1, 's', 'MINIMIZE');
    """
    curves = """
      UPDATE trials SET value = trial_id * 2;
      INSERT INTO trial_values VALUES (1, 1, 0, 9), (2, 1, 3, 2.5);
      UPDATE trial_params SET distribution_json = '{"name": "UniformDistribution", "attributes": '
        || '{"low": 0.0, "high": 1.0}}' WHERE trial_id = 1;
      UPDATE trial_params SET distribution_json = '{"name": "DiscreteUniformDistribution", '
        || '"attributes": {"low": 0.0, "high": 0.95, "q": 0.1}}' WHERE trial_id = 2;
      UPDATE trial_params SET distribution_json = '{"type": "float", "low": 0.0, "high": 2.0}'
        WHERE trial_id = 3;
    """
    make_db(tmp / "old.db", schema=first, more=curves)
    make_db(tmp / "rustuna.db", more="UPDATE trials SET discarded_at = '2026-01-01' WHERE trial_id = 2;"
                                     "UPDATE trial_values SET value = NULL, value_type = 'INF_POS' "
                                     "WHERE trial_id = 3;")
    with servers.Server(args=["--open"]) as server:
        study, said = imported(server, tmp / "old.db", "--study", "old")
        expect([parameter.get("high") for parameter in study["parameters"]], [2])
        has_remarks(said, "old.db", (0, "different steps"), (0, "different ends"), (0, "times"))
        expect(values_of(server, "old"), [({"x": 0.1}, "completed", 2), ({"x": 0.2}, "completed", 4),
                                          ({"x": 0.3}, "completed", 6)])
        with servers.Client(server.url) as client:
            curve = client.get("/v1/studies/old/trials/1/measurements").json["items"]
        expect([(one["step"], one["metrics"]["value"]) for one in curve], [(0, 9), (3, 2.5)])
        _, said = imported(server, tmp / "rustuna.db", "--study", "rustuna")
        has_remarks(said, "rustuna.db", (0, "Rustuna"), (0, "times"))
        expect(values_of(server, "rustuna"), [({"x": 0.1}, "completed", 1),
                                              ({"x": 0.3}, "failed", "Infinity")])


BAD_DB = {  # what -> (schema, more, words)
    "no tables": ("CREATE TABLE t (x);", None, "no database of Optuna"),
    "no study": (SCHEMA, "DELETE FROM studies;", "no study in it"),
    "a view for a table": (SCHEMA, "DROP TABLE trials; CREATE VIEW trials AS WITH RECURSIVE n(i) AS "
                           "(SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS trial_id, 'COMPLETE' "
                           "AS state, 1 AS study_id FROM n;", "no database of Optuna"),
    "a function in a view": (SCHEMA, "DROP TABLE studies; CREATE VIEW studies AS SELECT 1 AS study_id, "
                             "load_extension('/tmp/x') AS study_name;", "no database of Optuna"),
    "a column that is computed": (SCHEMA, "DROP TABLE studies; CREATE TABLE studies (study_id, "
                                  "study_name AS (hex(zeroblob(100000000))));"
                                  "INSERT INTO studies VALUES (1);", ""),
    "texts that are none": (SCHEMA, "UPDATE studies SET study_name = CAST(x'fffe00' AS TEXT);",
                            "no study in it"),
    "several studies": (SCHEMA, "INSERT INTO studies VALUES (2, 'b');", "--study-name: s, b"),
    "a study without direction": (SCHEMA, "DELETE FROM study_directions;", "no direction"),
    "an end that is none": (SCHEMA, "UPDATE trial_params SET distribution_json = 'null';",
                            "no trial of the study has a parameter"),
    "ends in the wrong order": (SCHEMA, "UPDATE trial_params SET distribution_json = '{\"type\": "
                                "\"float\", \"low\": 2, \"high\": 1}';",
                                "no trial of the study has a parameter"),
}


def test_databases_that_are_wrong_or_hostile(tmp):
    for i, (what, (schema, more, words)) in enumerate(BAD_DB.items()):
        path = tmp / f"bad{i}.db"
        if more is None:
            sqlite3.connect(path).executescript(schema).connection.close()
        else:
            make_db(path, more=more)
        before = path.read_bytes()
        said = run("import", path, "--dry-run", status=2)[1]
        expect(words in said and "ERROR" not in said, True, f"{what}: {said}")
        expect(path.read_bytes() == before, True, f"{what}: it is not written to")
    make_db(tmp / "good.db", n=50)
    good = (tmp / "good.db").read_bytes()
    for at in range(100, len(good), 997):  # torn, and with wrong bytes at any place
        (tmp / "cut.db").write_bytes(good[:at])
        (tmp / "flipped.db").write_bytes(good[:at] + bytes([good[at] ^ 0x5a] * 7) + good[at + 7:])
        for name in ("cut.db", "flipped.db"):
            done = subprocess.run([HONE, "import", tmp / name, "--dry-run"], capture_output=True,
                                  text=True, errors="replace", timeout=SECONDS, check=False)
            expect(done.returncode in (0, 2) and "ERROR" not in done.stderr
                   and "runtime error" not in done.stderr, True, f"{name} at {at}: {done.stderr}")
    rows = "UPDATE trials SET state = 'SOME' WHERE trial_id = 1; UPDATE trial_params SET param_value = " \
           "'x' WHERE trial_id = 2; INSERT INTO trial_values VALUES (99, 77, 0, 1, 'FINITE');" \
           "UPDATE trial_values SET value_type = 7 WHERE trial_id = 3;"
    make_db(tmp / "rows.db", n=5, more=rows)
    out, said = run("import", tmp / "rows.db", "--dry-run")
    expect("4 rows of the database cannot be read" in said and "3 finished trials" in said, True, said)


def journal(*operations):
    return "".join(json.dumps({"worker_id": "w", **one}) + "\n" for one in operations)


STUDY = {"op_code": 0, "study_name": "s", "directions": [2]}


def trial_of(x, **more):
    return {"op_code": 4, "study_id": 0, "datetime_start": None, "state": 1, "value": x, "values": None,
            "distributions": {"x": FLOAT}, "params": {"x": x}, **more}


def test_journals_are_read_as_optuna_reads_them(tmp):
    path = tmp / "s.log"
    path.write_text(journal(
        STUDY, {**STUDY, "directions": [1]},  # the same name again is not taken
        trial_of(0.25, user_attrs={"size": 3, "text": "x"}, intermediate_values={"0": 1, "7": 0.5}),
        {"op_code": 4, "study_id": 0, "datetime_start": "2026-01-01T00:00:00"},
        {"op_code": 5, "trial_id": 1, "param_name": "x", "param_value_internal": 0.5,
         "distribution": FLOAT},
        {"op_code": 7, "trial_id": 1, "step": 2, "intermediate_value": math.inf},
        {"op_code": 7, "trial_id": 1, "step": -1, "intermediate_value": 4},
        {"op_code": 6, "trial_id": 1, "state": 2, "values": None},
        {"op_code": 6, "trial_id": 1, "state": 1, "values": [9]},  # finished: nothing changes it
        {"op_code": 4, "study_id": 5, "datetime_start": None}, {"op_code": 1, "study_id": 5},
        trial_of(0.75), {"op_code": 10, "trial_ids": [2, 99]}, {"op_code": 11, "future": True},
        trial_of(math.nan, params={"x": 0.125}, value=None, state=3), trial_of(7.5)))
    with servers.Server(args=["--open"]) as server:
        study, said = imported(server, path)
        expect(study["objectives"][0]["direction"], "maximize")
        has_remarks(said, "s.log", (0, "newer Optuna"), (3, "user attributes"), (3, "times"),
                    (4, "below 0"), (12, "Rustuna"))
        expect(values_of(server, "s"), [({"x": 0.25}, "completed", 0.25), ({"x": 0.5}, "pruned", "Infinity"),
                                        ({"x": 0.125}, "failed", None), ({"x": 7.5}, "completed", 7.5)])
        with servers.Client(server.url) as client:
            first = client.get("/v1/studies/s/trials/1").json
        expect(first["metrics"], {"value": 0.25, "size": 3})
        said = imported(server, path)[1]
        expect("4 of its trials were there already" in said, True, said)
        other = tmp / "other.log"
        other.write_text(journal(STUDY, trial_of(0.5), trial_of(0.25)))
        said = run("import", other, "--study", "s", url=server.url, status=4)[1]
        expect("--study NAME" in said or "differs" in said, True, said)


BAD_JOURNAL = {  # what -> (text, words, line)
    "a broken line before others": (journal(STUDY) + "{\"op_code\n" + journal(trial_of(1)),
                                    "no operation", 2),
    "a study without a name": (journal({"op_code": 0, "directions": [1]}), "no operation", 1),
    "a parameter without distribution": (
        journal(STUDY, trial_of(1, distributions={})), "no operation", 2),
    "a state that is none": (journal(STUDY, trial_of(1, state=9)), "no operation", 2),
    "a list": (journal(STUDY) + "[1]\n", "no operation", 2),
    "very deep": (journal(STUDY) + "[" * 100000 + "\n", "no operation", 2),
    "a line of 17 MiB": (journal(STUDY) + " " * (17 << 20), "longer than 16 MiB", 2),
    "nothing but a study": (journal(STUDY), "no trial of the study has a parameter", None),
    "a choice that is not there": (
        journal(STUDY, trial_of(3, params={"x": 3}, distributions={
            "x": json.dumps({"name": "CategoricalDistribution", "attributes": {"choices": []}})})),
        "no operation", 2),
}


def test_constraints_of_optuna_become_those_of_the_study_and_go_back(tmp):
    def constrained(x, **system):
        return trial_of(x, values=None, value=x, system_attrs=system)

    alike, other = tmp / "alike.log", tmp / "other.log"
    alike.write_text(journal(STUDY, constrained(0.5, constraints=[-1, 2]), constrained(0.75, constraints=[0, -3])))
    other.write_text(journal(STUDY, constrained(0.5, constraints=[2]), constrained(0.75)))
    with servers.Server(args=["--open"]) as server, servers.Client(server.url) as client:
        study, said = imported(server, alike)
        expect(study["subject_to"], ["constraint_0 <= 0", "constraint_1 <= 0"])
        expect("which stand in subject_to here" in said, True, said)
        trials = client.get(f"/v1/studies/{study['name']}/trials").json["items"]
        expect([(t["state"], t["feasible"]) for t in trials], [("completed", False), ("completed", True)])
        expect(client.get(f"/v1/studies/{study['name']}/best").json["trial"]["number"], 2)
        out, _ = run("study", "export", study["name"], "--format", "optuna", url=server.url)
        lines = [json.loads(line) for line in out.splitlines()]
        expect([line["system_attrs"]["constraints"] for line in lines if line["op_code"] == 4], [[-1, 2], [0, -3]])
        _, said = run("import", other, "--study", "other", url=server.url)
        expect("subject_to" in client.get("/v1/studies/other").json, False)
        expect("they are infeasible here" in said, True, said)
        client.post("/v1/studies", servers.study("own", subject_to=["p99_ms <= 500", "loss >= 1", "loss <= 4"]))
        client.post("/v1/studies/own/trials", [
            {"state": "completed", "parameters": {"x": 0.5}, "metrics": {"loss": 3, "p99_ms": 612}},
            {"state": "completed", "parameters": {"x": 0.6}, "metrics": {"loss": 3}}])
        out, _ = run("study", "export", "own", "--format", "optuna", url=server.url)
        kept = [line["system_attrs"] for line in map(json.loads, out.splitlines()) if line["op_code"] == 4]
        expect(kept, [{"constraints": [112, -2, -1]}, {}])


def test_journals_that_are_wrong_or_hostile(tmp):
    for what, (text, words, line) in BAD_JOURNAL.items():
        path = tmp / "bad.log"
        path.write_text(text)
        said = run("import", path, "--dry-run", status=2)[1]
        expect(words in said and (line is None or f"bad.log:{line}: " in said), True, f"{what}: {said}")
    path.write_text(journal(STUDY, trial_of(0.5), *[
        trial_of(0.5, distributions={"x": FLOAT, f"y{i}": FLOAT}, params={"x": 0.5, f"y{i}": 1})
        for i in range(200)]))
    out, said = run("import", path, "--dry-run")
    expect("no other parameter explains" in said and "201 of its trials" in said, True, said[-2000:])
    path.write_text(journal(STUDY, *[trial_of(0.5, distributions={f"y{i}": FLOAT}, params={f"y{i}": 1})
                                     for i in range(20000)]))
    said = run("import", path, "--dry-run", status=2)[1]
    expect("its trials have 20000 parameters; a study has at most 4096" in said, True, said[-2000:])


if __name__ == "__main__":
    main(globals())
