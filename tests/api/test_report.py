#!/usr/bin/env python3
"""The report of a study: one page without script, bounded, and the same by the command line."""

import html.parser
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import hone  # noqa: E402

VOID = {"meta", "br"}


class Page(html.parser.HTMLParser):
    """Checks that elements nest, and collects what they are."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.headings, self.attributes = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        if self.open[-1] != tag:
            raise AssertionError(f"</{tag}> closes {self.open}")
        self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def parameters(n):
    return [{"name": f"p{i}", "type": "float", "low": 1e-6, "high": 1, "scale": "log"}
            for i in range(n)]


def trial(i, n):
    return {"state": "completed", "metrics": {"loss": (i * 7919 % 1000) / 1000},
            "parameters": {f"p{k}": 10 ** (-6 * ((i * (k + 1) * 0.618) % 1)) for k in range(n)}}


class Reports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = hone.Server().start()
        cls.client = cls.server.client()

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.server.stop()

    def make(self, name, n_params, n_trials, **more):
        reply = self.client.post("/v1/studies", hone.study(
            name, parameters=parameters(n_params), **more))
        self.assertEqual(reply.status, 201, reply)
        for at in range(0, n_trials, 500):
            rows = [trial(i, n_params) for i in range(at, min(at + 500, n_trials))]
            self.assertEqual(self.client.post(f"/v1/studies/{name}/trials", rows).status, 201)

    def report(self, name):
        reply = self.client.get(f"/v1/studies/{name}/report")
        self.assertEqual(reply.status, 200, reply)
        self.assertEqual(reply.headers["content-type"], "text/html; charset=utf-8")
        page = Page(reply.body.decode())
        self.assertEqual(page.open, [])
        self.assertFalse({"script", "link", "img", "iframe", "object", "form"} & set(page.tags))
        self.assertFalse([name for name, _ in page.attributes
                          if name.startswith("on") or name in ("src", "href", "style")])
        return reply, page

    def test_a_study_has_every_section(self):
        self.make("whole", 3, 100)
        reply, page = self.report("whole")
        self.assertIn("sandbox", reply.headers["content-security-policy"])
        self.assertEqual(page.headings, [
            "Best configuration", "History", "Importance", "Parameters one by one",
            "Parallel coordinates", "The best 100 trials", "Run it again"])

    def test_an_empty_study_has_a_page(self):
        self.make("empty", 1, 0)
        self.assertEqual(self.report("empty")[1].headings, ["Best configuration", "Run it again"])

    def test_many_parameters_and_trials_stay_small(self):
        self.make("large", 80, 3000)
        began = time.monotonic()
        reply, _ = self.report("large")
        self.assertLess(len(reply.body), 3_000_000)
        self.assertLess(time.monotonic() - began, 10)

    def test_what_ran_is_told(self):
        self.make("ran", 1, 0, limits={"trials": 3})
        with self.server.client("worker") as worker:
            for outcome in ({"outcome": "completed", "metrics": {"loss": 0.5}},
                            {"outcome": "failed", "reason": "oom"}):
                lease = worker.post("/v1/studies/ran/leases", {"worker": "node7:0"}).json["lease"]
                self.assertEqual(
                    worker.request("PUT", f"/v1/leases/{lease['id']}/result", outcome).status, 200)
        text = self.report("ran")[0].body.decode()
        self.assertIn("node7:0 (2)", text)
        self.assertIn(">oom<", text)

    def test_a_lucky_value_is_told(self):
        for name, noise in (("noisy", 0.1), ("exact", 0)):
            rng = random.Random(7)
            points = [(rng.random(), noise * rng.gauss(0, 1)) for _ in range(60)] + [(0.7, -4 * noise)]
            self.make(name, 1, 0)
            reply = self.client.post(f"/v1/studies/{name}/trials", [
                {"state": "completed", "parameters": {"p0": x}, "metrics": {"loss": (x - 0.3) ** 2 + one}}
                for x, one in points])
            self.assertEqual(reply.status, 201, reply)
            best = self.client.get(f"/v1/studies/{name}/best?recommended=true").json["recommended"]
            page = self.report(name)[0].body.decode()
            advice = f"<p>Another trial is recommended: {best['text']}.</p>"
            self.assertEqual((advice in page, "is recommended" in page), (noise > 0, noise > 0))

    def stopped(self, name, completed):
        """The history of a study where a trial that was stopped early has the best value of all."""
        self.make(name, 1, 0, strategy="hyperband", resource={"name": "epochs", "min": 1, "max": 9})
        early = {"state": "pruned", "metrics": {"loss": 0.125}, "parameters": {"p0": 0.5},
                 "measurements": [{"step": 1, "metrics": {"loss": 0.125}}]}
        rows = [early] + [{"state": "completed", "metrics": {"loss": loss}, "parameters": {"p0": 0.25},
                           "measurements": [{"step": 9, "metrics": {"loss": loss}}]} for loss in completed]
        reply = self.client.post(f"/v1/studies/{name}/trials", rows)
        self.assertEqual(reply.status, 201, reply)
        text = self.report(name)[0].body.decode()
        return text[text.index("<h2>History"):].split("</section>")[0]

    def test_the_best_so_far_compares_trials_of_the_whole_resource(self):
        history = self.stopped("levels", (0.75, 0.5))
        self.assertEqual([at["number"] for at in self.client.get("/v1/studies/levels/history").json["items"]],
                         [2, 3])
        self.assertIn("the last of 2 improvements reached 0.5\"", history)
        self.assertIn("stopped early</span>", history)
        self.assertIn("The best so far is of completed trials", history)
        history = self.stopped("low", ())
        self.assertNotIn("improvements reached", history)
        self.assertNotIn("best so far</span>", history)
        self.assertNotIn("class=\"best\"", history)

    def test_errors_are_problems(self):
        self.assertEqual(self.client.get("/v1/studies/none/report").status, 404)
        self.make("formats", 1, 0)
        self.assertEqual(self.client.get("/v1/studies/formats/report?format=html").status, 200)
        self.assertEqual(self.client.get("/v1/studies/formats/report?format=csv").status, 400)

    def hone(self, *words, cwd):
        return subprocess.run([hone.build_path("HONE"), *words, "--server", self.server.url,
                               "--token-file", f"{self.server.data}/admin.token"], cwd=cwd,
                              text=True, check=False, capture_output=True)

    def test_the_command_prints_a_paper(self):
        self.make("paper", 2, 20)
        done = self.hone("study", "paper", "paper", cwd="/")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("There were 20 trials, of which 20 completed.", " ".join(done.stdout.split()))
        done = self.hone("study", "paper", "paper", "-o", "latex", cwd="/")
        self.assertIn("\\begin{tabular}{lll}", done.stdout)
        done = self.hone("study", "paper", "paper", "-o", "word", cwd="/")
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("use text or latex", done.stderr)

    def test_the_command_writes_a_file(self):
        self.make("cli", 2, 20)
        with tempfile.TemporaryDirectory() as folder:
            done = self.hone("study", "report", "cli", cwd=folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual([path.name for path in pathlib.Path(folder).iterdir()], ["cli.html"])
            self.assertIn("wrote cli.html", done.stderr)
            done = self.hone("study", "report", "cli", "-o", "-", cwd=folder)
            self.assertTrue(done.stdout.startswith("<!doctype html>"), done.stdout[:80])
            done = self.hone("study", "report", "cli", "-o", "no/where.html", cwd=folder)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("cannot write no/where.html", done.stderr)
            done = self.hone("study", "report", "nothing", cwd=folder)
            self.assertEqual(done.returncode, 3, done.stderr)


if __name__ == "__main__":
    hone.main()
