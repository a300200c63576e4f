#!/usr/bin/env python3
"""deploy/prometheus and deploy/grafana, checked by promtool and against what a server says."""

import itertools
import json
import pathlib
import re
import shutil
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from cases import NotRun, expect, main  # noqa: E402
from hone import Server, study  # noqa: E402

FILES = ROOT / "deploy/prometheus"
OPERATIONS = ROOT / "deploy/OPERATIONS.md"
DASHBOARD = ROOT / "deploy/grafana/hone.json"


def promtool(*words, text=None, cwd=None):
    if shutil.which("promtool") is None:
        raise NotRun("promtool is not installed (package prometheus)")
    return subprocess.run(["promtool", *map(str, words)], input=text, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd)


def copy(tmp):
    shutil.copytree(FILES, tmp / "files")
    (tmp / "files/hone.token").write_text("secret\n")
    return tmp / "files"


def certificate(tmp):
    """The options of a server with TLS, which alone has some of the metrics."""
    if shutil.which("openssl") is None:
        raise NotRun("openssl is not installed")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"], cwd=tmp, check=True,
                   capture_output=True)
    return ["--tls-cert", str(tmp / "cert.pem"), "--tls-key", str(tmp / "key.pem")]


def metrics(server):
    with server.client() as client:
        client.post("/v1/studies", study("s", limits={"trials": 3}))
        client.post("/v1/studies", study("endless"))
        reply = client.get("/metrics")
        expect(reply.status, 200)
        return reply.body.decode()


def test_the_settings_and_the_rules_are_understood(tmp):
    done = promtool("check", "config", "prometheus.yml", cwd=copy(tmp))
    expect(done.returncode, 0, done.stdout)
    assert "15 rules found" in done.stdout, done.stdout


def test_alerts_fire_when_they_should(tmp):
    files = copy(tmp)
    done = promtool("test", "rules", "hone.test.yml", cwd=files)
    expect(done.returncode, 0, done.stdout)
    rules = files / "hone.rules.yml"
    rules.write_text(rules.read_text().replace("hone_read_only == 1", "hone_read_only == 2"))
    expect(promtool("test", "rules", "hone.test.yml", cwd=files).returncode, 1, "with another rule")


def alerts_of_the_rules():
    return [rule["alert"] for group in yaml.safe_load(
        (FILES / "hone.rules.yml").read_text())["groups"] for rule in group["rules"]]


def test_the_page_about_operation_explains_every_alert(tmp):
    parts = OPERATIONS.read_text().split("\n## When an alert fires\n")
    expect(len(parts), 2, "1 + sections about alerts")
    lines = [line for line in parts[1].split("\n## ")[0].splitlines() if line.startswith("|")]
    expect(lines[:2], ["| alert | what it means | what to do |", "|---|---|---|"])
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]
    expect([row[0].strip("`") for row in rows], alerts_of_the_rules(), "alerts, in the order of the rules")
    for row in rows:
        assert len(row) == 3 and all(row), row


def test_every_alert_has_a_test(tmp):
    alerts = set(alerts_of_the_rules())
    tested = {case["alertname"] for test in yaml.safe_load(
        (FILES / "hone.test.yml").read_text())["tests"] for case in test["alert_rule_test"]
        if case["exp_alerts"]}
    expect(tested, alerts)


def test_the_metrics_are_well_formed_and_those_of_the_rules(tmp):
    with Server(args=certificate(tmp), backups=True) as server:
        text = metrics(server)
    done = promtool("check", "metrics", text=text)
    expect((done.returncode, done.stdout), (0, ""))
    named = set(re.findall(r"\bhone_[a-z_]+", (FILES / "hone.rules.yml").read_text()
                           + (FILES / "README.md").read_text() + DASHBOARD.read_text()))
    there = set(re.findall(r"^# TYPE (hone_[a-z_]+)", text, re.M))
    there |= {name + part for name in re.findall(r"^# TYPE (hone_[a-z_]+) histogram$", text, re.M)
              for part in ("_bucket", "_sum", "_count")}
    expect(sorted(named - there), [], "metrics that the server does not have")


def panels():
    return json.loads(DASHBOARD.read_text())["panels"]


def test_every_expression_of_the_dashboard_is_understood(tmp):
    expressions = [target["expr"] for panel in panels() for target in panel.get("targets", [])]
    assert len(expressions) > 20, expressions
    rules = [{"record": f"r{i}", "expr": text.replace("$instance", ".*").replace("$study", ".*")}
             for i, text in enumerate(expressions)]
    (tmp / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}))
    done = promtool("check", "rules", tmp / "rules.yml")
    expect(done.returncode, 0, done.stdout)


def test_no_panel_of_the_dashboard_covers_another(tmp):
    expect(len({panel["id"] for panel in panels()}), len(panels()))
    for one, other in itertools.combinations([panel["gridPos"] for panel in panels()], 2):
        assert (one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
                or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]), \
            (one, other)
        assert one["x"] + one["w"] <= 24, one


def test_the_slots_wanted_are_those_of_the_limits(tmp):
    with Server() as server:
        lines = metrics(server).splitlines()
        assert 'hone_slots_wanted{study="s"} 3' in lines, lines
        assert 'hone_slots_wanted{study="endless"} +Inf' in lines, lines
        with server.client() as client:
            expect(client.get("/v1/studies/s").json["slots_wanted"], 3)
            expect(client.get("/v1/studies/endless").json["slots_wanted"], None)
            expect(client.patch("/v1/studies/s", {"state": "paused"}).json["slots_wanted"], 0)


if __name__ == "__main__":
    main(globals())
