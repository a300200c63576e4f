#!/usr/bin/env python3
"""deploy/examples against a real server: what the README promises works as it stands there."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import hone  # noqa: E402

EXAMPLES = ROOT / "deploy/examples"
DIGITS = hone.build_path("DIGITS")
HONE = hone.build_path("HONE")
SECONDS = 120  # a bound against hanging
DIGITS_COMMAND = [DIGITS, "--lr", "{lr}", "--momentum", "{momentum}",
                  "--weight-decay", "{weight_decay}", "--units", "{units}", "--layers", "{layers}",
                  "--batch", "{batch}"]


class Examples(unittest.TestCase):
    def setUp(self):
        self.tmp = self.enterContext(tempfile.TemporaryDirectory(prefix="hone-"))
        self.server = self.enterContext(hone.Server())
        self.client = self.enterContext(self.server.client())

        token = self.client.post("/v1/tokens", {"name": "one person", "scopes": ["submit", "worker"]})
        self.token_file = os.path.join(self.tmp, "token")
        with open(self.token_file, "w", encoding="ascii") as file:
            file.write(token.json["token"])

    def start(self, *command, **more):
        """A process that is gone when the test is, with a token that submits and works."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HONE_") or k == "HONE_ALLOW_ROOT"}
        environment = {**kept, "HONE_URL": self.server.url, "XDG_STATE_HOME": self.tmp,
                       "HONE_TOKEN_FILE": self.token_file, **more}
        process = subprocess.Popen([str(word) for word in command], text=True, env=environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def finish(self, process):
        said, _ = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, 0, said)
        return said

    def study_from(self, path, **more):
        """An example's study, smaller, as a file."""
        definition = {**json.loads((EXAMPLES / path).read_text()), **more}
        smaller = os.path.join(self.tmp, "study.json")
        with open(smaller, "w", encoding="utf-8") as file:
            json.dump(definition, file)
        return smaller

    def trials(self, study, n):
        trials = list(self.client.walk(f"/v1/studies/{study}/trials"))
        self.assertEqual([trial["state"] for trial in trials], ["completed"] * n, trials)
        self.assertEqual(self.client.get(f"/v1/studies/{study}").json["state"], "finished")
        return trials

    def test_digits_is_trained_by_two_agents(self):
        path = self.study_from("digits/study.json", limits={"trials": 6},
                               resource={"name": "epochs", "min": 1, "max": 4})
        self.finish(self.start(HONE, "study", "create", "-f", path))
        agents = [self.start(HONE, "worker", "--name", name, "--study", "digits",
                             "--exit-when-finished", "--", *DIGITS_COMMAND) for name in "ab"]
        for agent in agents:
            self.finish(agent)
        for trial in self.trials("digits", 6):
            self.assertEqual(trial["step"], 4)
            curve = list(self.client.walk(
                f"/v1/studies/digits/trials/{trial['number']}/measurements"))
            self.assertEqual({point["step"] for point in curve}, {1, 2, 3, 4})
            self.assertTrue(0 < trial["metrics"]["accuracy"] < 1, trial)
            self.assertGreater(trial["metrics"]["loss"], 0)

    def test_digits_promoted_is_digits_uninterrupted(self):
        """Trained rung by rung, from checkpoints, by whichever agent: the same digits."""
        path = self.study_from("digits/study.json", limits={"trials": 9}, strategy="asha",
                               resource={"name": "epochs", "min": 1, "max": 9})
        self.finish(self.start(HONE, "study", "create", "-f", path))
        for agent in [self.start(HONE, "worker", "--name", name, "--study", "digits",
                                 "--exit-when-finished", "--", *DIGITS_COMMAND) for name in "ab"]:
            self.finish(agent)
        trials = list(self.client.walk("/v1/studies/digits/trials"))
        self.assertEqual(len(trials), 9)
        whole = [trial for trial in trials if trial["step"] == 9]
        self.assertTrue(whole, trials)
        self.assertLess(sum(trial["step"] for trial in trials), 9 * 9, "no trial was stopped")
        for trial in whole:
            words = [word.format(**trial["parameters"]) for word in DIGITS_COMMAND]
            alone = subprocess.run([*words, "--seed", str(trial["seed"]), "--epochs", "9"],
                                   capture_output=True, text=True, check=True).stdout
            measured = {(point["step"], metric): value for point in self.client.walk(
                f"/v1/studies/digits/trials/{trial['number']}/measurements")
                for metric, value in point["metrics"].items()}
            for line in alone.splitlines():
                step, accuracy, loss = (float(word.split("=")[1]) for word in line.split()[1:])
                self.assertEqual((measured[step, "accuracy"], measured[step, "loss"]),
                                 (accuracy, loss), f"step {step} of {trial}")

    def test_svm_train_is_tuned_unchanged(self):
        path = self.study_from("svm/study.json", limits={"trials": 4})
        self.finish(self.start(EXAMPLES / "svm/tune", HONE=HONE,
                               HONE_STUDY_FILE=path))
        trials = self.trials("digits-svm", 4)
        self.assertEqual({trial["parameters"]["kernel"] for trial in trials}, {1, 2})
        for trial in trials:
            self.assertEqual("degree" in trial["parameters"], trial["parameters"]["kernel"] == 1)
            self.assertTrue(5 < trial["value"] <= 100, trial)

    def test_ten_lines_of_shell_are_a_worker(self):
        self.assertEqual(self.client.post("/v1/studies", {
            "name": "by-shell", "metric": "accuracy", "direction": "maximize",
            "strategy": "random", "limits": {"trials": 6}, "parameters": [
                {"name": "lr", "type": "float", "low": 0.01, "high": 1, "scale": "log"},
                {"name": "its-name", "type": "categorical", "choices": ["it's", "$(false)"]}]}
        ).status, 201)
        script = os.path.join(self.tmp, "train")
        with open(script, "w", encoding="utf-8") as file:
            file.write('#!/bin/sh\ncase $HONE_PARAM_ITS_NAME in "it\'s" | \'$(false)\') ;; '
                       '*) exit 1 ;; esac\n"$DIGITS" --lr "$HONE_PARAM_LR" --epochs 2 '
                       '| sed -n "s/.*accuracy=\\([^ ]*\\).*/\\1/p"\n')
        os.chmod(script, 0o755)
        workers = [self.start(EXAMPLES / "shell/worker", "by-shell", script) for _ in range(2)]
        for worker in workers:
            self.finish(worker)
        for trial in self.trials("by-shell", 6):
            self.assertTrue(0 < trial["value"] < 1, trial)

    def test_shell_worker_says_why_it_cannot_work(self):
        worker = self.start(EXAMPLES / "shell/worker", "any", "true", HONE_TOKEN_FILE="/dev/null")
        said, _ = worker.communicate(timeout=SECONDS)
        self.assertEqual(worker.returncode, 1)
        self.assertIn("401", said)

    def test_shell_worker_tells_of_a_failed_trial(self):
        self.client.post("/v1/studies", {
            "name": "failing", "metric": "accuracy", "direction": "maximize", "strategy": "random",
            "limits": {"trials": 2}, "parameters": [
                {"name": "x", "type": "float", "low": 0, "high": 1}]})
        self.finish(self.start(EXAMPLES / "shell/worker", "failing", "false"))
        self.assertEqual(self.client.get("/v1/studies/failing").json["counts"]["failed"], 2)

    def test_forty_lines_of_python_are_a_study_and_a_worker(self):
        program = EXAMPLES / "python/naive_bayes.py"
        lines = [line for line in program.read_text().splitlines() if line.strip()]
        self.assertLessEqual(len(lines), 40)
        said = self.finish(self.start(sys.executable, program))
        best = max(trial["value"] for trial in self.trials("naive-bayes", 12))
        self.assertGreater(best, 0.8)
        self.assertIn(f"best of naive-bayes: {best:.4f} with ", said)


if __name__ == "__main__":
    hone.main()
