"""What the browser tests share: Debian's chromium by Playwright, a honed, studies to look at.

A test class derives from BrowserTest. Every test has a page of its own, and fails if the page wrote an
error to the console, threw, or broke the Content-Security-Policy. Tests wait for what the page shows,
never for time.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import hone  # noqa: E402

from playwright.sync_api import expect, sync_playwright  # noqa: E402

SOURCES = HERE.parents[1] / "server" / "web"
AXE = (HERE / "vendor" / "axe.min.js").read_text(encoding="utf-8")
WAIT_MS = 30_000  # a bound against hanging on a busy machine
expect.set_options(timeout=WAIT_MS)
main = hone.main

# In the console when a trial has no log: its attempts were made by requests, not by `hone worker`.
NO_LOG = "/log?tail="

# Runs before any script of a page: what the policy refused is counted where tests can read it.
WATCH = """
window.refusedByPolicy = [];
document.addEventListener('securitypolicyviolation', (e) =>
  window.refusedByPolicy.push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
"""


class BrowserTest(hone.StudyCalls, unittest.TestCase):
    """One server and one browser for all tests of a class, a page for each test."""

    SERVER = ["--open"]  # arguments of honed
    SIZE = {"width": 1280, "height": 900}

    @classmethod
    def setUpClass(cls):
        cls.server = hone.Server(args=cls.SERVER)
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()
        is_open = "--open" in cls.SERVER
        cls.client = cls.server.client(None if is_open else "admin")
        cls.addClassCleanup(cls.client.close)
        cls.worker = cls.server.client(None if is_open else "worker")
        cls.addClassCleanup(cls.worker.close)
        cls.playwright = sync_playwright().start()
        cls.addClassCleanup(cls.playwright.stop)
        cls.browser = launch(cls.playwright)
        cls.addClassCleanup(cls.browser.close)
        cls.make_studies()

    @classmethod
    def make_studies(cls):
        """For a class that looks at the same studies in all tests."""

    def setUp(self):
        self.allowed = []  # parts of messages of the console that this test provokes
        self.said = []
        self.context = self.new_context()
        self.page = self.new_page()

    def new_context(self, **more):
        context = self.browser.new_context(viewport=self.SIZE, **more)
        context.set_default_timeout(WAIT_MS)
        context.add_init_script(WATCH)
        self.addCleanup(context.close)
        return context

    def new_page(self, context=None):
        """Another tab. Cleanups run in reverse: it is checked before its context closes."""
        page = (context or self.context).new_page()
        page.on("console", lambda m: m.type == "error" and self.said.append(f"{m.text} {m.location.get('url', '')}"))
        page.on("pageerror", lambda error: self.said.append(f"thrown: {error}"))
        page.on("dialog", lambda dialog: (self.said.append(f"a dialog of the browser: {dialog.message}"), dialog.dismiss()))
        self.addCleanup(self.check, page)
        return page

    def check(self, page):
        if not page.is_closed():
            self.assertEqual(page.evaluate("() => window.refusedByPolicy ?? []"), [])
        unexpected = [text for text in self.said if not any(part in text for part in self.allowed)]
        self.assertEqual(unexpected, [])

    def allow(self, *parts):
        """Messages with one of these in them are what the test is about: a refused request, …"""
        self.allowed += parts

    # ---- pages

    def open(self, path, page=None):
        """Opens a page of the dashboard, /studies/x, and waits until it shows its data."""
        page = page or self.page
        page.goto(self.server.url + path)
        self.ready(page)
        return page

    def ready(self, page=None):
        (page or self.page).wait_for_selector("html[data-ready]")

    def path(self, page=None):
        """The address after the server's: /studies/x?q=…"""
        return (page or self.page).url.removeprefix(self.server.url)

    def wait_path(self, pattern, page=None):
        (page or self.page).wait_for_url(re.compile(pattern))
        self.ready(page)

    def source(self, script, argument=None, page=None):
        """Runs an async function of (load, argument); load('table.js') imports a file of server/web.

        The build makes one script of all, so this is done on an empty page beside the dashboard's.
        """
        page = page or self.page
        page.context.route("**/source/**", serve_source)
        page.goto(self.server.url + "/source/")
        return page.evaluate(f"async (argument) => ({script})((name) => import('./' + name), argument)", argument)

    def axe(self, page=None, without=()):
        """Faults of accessibility that are serious or critical, in one line each."""
        page = page or self.page
        page.evaluate(AXE)
        found = page.evaluate("(options) => axe.run(document, options)", {"rules": {
            rule: {"enabled": False} for rule in without}, "resultTypes": ["violations"]})
        return [f"{v['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
                for v in found["violations"] if v["impact"] in ("serious", "critical")
                for node in v["nodes"][:3]]

    def wide_things(self, page=None):
        """What makes the page wider than its window; empty if nothing does."""
        return (page or self.page).evaluate("""() => document.documentElement.scrollWidth <= innerWidth ? []
            : [...document.querySelectorAll('main *, #top *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1
              && ![...function* (p) { for (; p; p = p.parentElement) yield p; }(e.parentElement)]
                .some((p) => getComputedStyle(p).overflowX !== 'visible'))
              .slice(0, 5).map((e) => `${e.tagName} ${e.className} ${e.textContent.slice(0, 40)}`)""")


def launch(playwright):
    """Debian's chromium: no sandbox, as tests may run as root, and no GPU."""
    return playwright.chromium.launch(executable_path=shutil.which("chromium"),
                                      args=["--no-sandbox", "--disable-gpu"])


def serve_source(route):
    path = SOURCES / route.request.url.split("/source/", 1)[1]
    if path == SOURCES:
        return route.fulfill(body="<!doctype html><base href='./'><title>Sources</title>", content_type="text/html")
    if not path.is_file():
        return route.fulfill(status=404)
    return route.fulfill(body=path.read_bytes(), content_type="text/javascript; charset=utf-8")


# ---- studies to look at

LR = {"name": "lr", "type": "float", "low": 1e-5, "high": 1, "scale": "log"}
UNITS = {"name": "units", "type": "int", "low": 8, "high": 64}


def hyperband(name, **more):
    """A study whose trials pause and go on."""
    return {"name": name, "metric": "accuracy", "direction": "maximize", "parameters": [LR, UNITS],
            "strategy": "hyperband", "resource": {"name": "epochs", "min": 1, "max": 9}, "seed": 7,
            "limits": {"trials": 60}, **more}


# Trains nothing and takes no time: accuracy follows from the configuration and the epoch.
JOB = """#!/bin/sh
# lr units from to
step=$3
while [ "$step" -lt "$4" ]; do
    step=$((step + 1))
    echo "hone: step=$step accuracy=0.$((100 + ($2 * 7 + step * 31) % 800)) loss=1.$step"
done
"""


class Workers:
    """`with Workers(server, "study", 2):` so many real `hone worker` processes, gone at the end."""

    def __init__(self, server, study, n, *, job=JOB, slots=1, name="node{}",
                 arguments=("{lr}", "{units}", "{resource.from}", "{resource.to}")):
        self.server, self.study, self.n, self.job = server, study, n, job
        self.slots, self.name, self.arguments = slots, name, arguments
        self.processes = []

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="hone-browser-")
        program = pathlib.Path(self.folder) / "job"
        program.write_text(self.job)
        program.chmod(0o755)
        env = {**{k: v for k, v in os.environ.items() if not k.startswith("HONE_") or k == "HONE_ALLOW_ROOT"},
               "HONE_URL": self.server.url}
        token = os.path.join(self.server.data, "worker.token")
        if "--open" not in self.server.args:
            env["HONE_TOKEN_FILE"] = token
        for i in range(self.n):
            self.processes.append(subprocess.Popen(
                [hone.build_path("HONE"), "worker", "--study", self.study, "--slots", str(self.slots),
                 "--name", self.name.format(i + 1), "--workdir", f"{self.folder}/work{i}", "--", str(program),
                 *self.arguments], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL))
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
