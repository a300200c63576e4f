#!/usr/bin/env python3
"""Hyperband and its relatives with a real server, real workers and real training; the server is
killed while rungs fill, and decides as if nothing had happened."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import hone  # noqa: E402
from cases import expect, main  # noqa: E402

DIGITS, HONE = os.environ["DIGITS"], os.environ["HONE"]


def body(name, strategy, top=9, **more):
    return {"name": name, "objectives": [{"metric": "accuracy", "direction": "maximize"}],
            "parameters": [{"name": "lr", "type": "float", "low": 1e-4, "high": 1, "scale": "log"},
                           {"name": "units", "type": "int", "low": 8, "high": 32}],
            "strategy": strategy, "resource": {"name": "epochs", "min": 1, "max": top},
            "lease": {"ttl_seconds": 15}, "seed": 7, **more}


def environment(server, kind):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HONE_")}
    return {**kept, "HONE_URL": server.url,
            "HONE_TOKEN_FILE": os.path.join(server.data, f"{kind}.token")}


def start_worker(server, tmp, study, slots):
    return subprocess.Popen(
        [HONE, "worker", "--study", study, "--slots", str(slots), "--exit-when-finished",
         "--workdir", os.path.join(tmp, study), "--", DIGITS, "--lr", "{lr}", "--units", "{units}",
         "--epochs", "{resource.to}"],
        env=environment(server, "worker"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True)


def tune(server, tmp, study, slots=2):
    worker = start_worker(server, tmp, study, slots)
    said = worker.communicate(timeout=240)[1]
    expect(worker.returncode, 0, said)


def rungs(view):
    return [[(r["resource"], r["entered"]) for r in b["rungs"]] for b in view["brackets"]]


def promoted(view):
    """Who went on from which rung of which bracket, and with which value."""
    return [(b["bracket"], r["rung"], e["trial"], e["value"]) for b in view["brackets"]
            for r in b["rungs"] for e in r["entries"] if e["state"] == "promoted"]


def test_a_round_of_hyperband_is_the_table(tmp):
    with hone.Server() as server, server.client() as client:
        expect(client.post("/v1/studies", body("h", {"name": "hyperband", "rounds": 1})).status, 201)
        tune(server, tmp, "h")
        view = client.get("/v1/studies/h/brackets").json
        expect(rungs(view), [[(1, 9), (3, 3), (9, 1)], [(3, 5), (9, 1)], [(9, 3)]])
        expect(view["trained"], 69, "epochs, each trained once: checkpoints carry on")
        study = client.get("/v1/studies/h").json
        expect((study["state"], study["reason"]), ("finished", "rounds"))
        expect(study["counts"]["completed"], 5)
        best = client.get("/v1/studies/h/best").json
        expect(best["resource"], 9)
        assert best["trial"]["value"] > 0.5, best


def test_the_picture_and_the_reasons(tmp):
    with hone.Server() as server, server.client() as client:
        strategy = {"name": "asha", "mode": "stopping", "search": "quasirandom"}
        client.post("/v1/studies", body("a", strategy, limits={"trials": 8}))
        tune(server, tmp, "a")
        said = subprocess.run([HONE, "study", "brackets", "a"], env=environment(server, "admin"),
                              capture_output=True, text=True, check=True).stdout
        assert "asha" in said and "trained" in said, said
        expect(len([line for line in said.splitlines() if " epochs " in line]), 3, said)
        pruned = next(t for t in client.walk("/v1/studies/a/trials?state=pruned"))
        said = subprocess.run([HONE, "study", "explain", "a", str(pruned["number"])],
                              env=environment(server, "admin"), capture_output=True, text=True,
                              check=True).stdout
        assert "pruned: " in said and "was number" in said, said
        expect(client.get("/v1/studies/a/trials/99/explain").type, "not-found")
        client.post("/v1/studies", hone.study("plain"))
        expect(client.get("/v1/studies/plain/brackets").json["brackets"], [])


def test_killed_server_decides_as_its_twin(tmp):
    """One slot, so that the order of everything is the same; kill -9 in all rungs."""
    study = body("h", {"name": "hyperband", "rounds": 1})
    with hone.Server() as server, server.client() as client:
        client.post("/v1/studies", study)
        tune(server, os.path.join(tmp, "twin"), "h", slots=1)
        expected = promoted(client.get("/v1/studies/h/brackets").json)
    with hone.Server() as server:
        with server.client() as client:
            client.post("/v1/studies", study)
        server.port = int(server.url.rpartition(":")[2])
        worker = start_worker(server, os.path.join(tmp, "killed"), "h", 1)
        for epochs in (3, 12, 20, 30, 45, 60):
            with server.client() as client:
                hone.wait_until(lambda: client.get("/v1/studies/h/brackets").json["trained"] >= epochs,
                                120, f"{epochs} epochs are trained")
            server.kill()
            server.start()
        said = worker.communicate(timeout=240)[1]
        expect(worker.returncode, 0, said)
        with server.client() as client:
            view = client.get("/v1/studies/h/brackets").json
            expect(promoted(view), expected)
            expect(rungs(view), [[(1, 9), (3, 3), (9, 1)], [(3, 5), (9, 1)], [(9, 3)]])


def test_impossible_schedules_are_refused(tmp):
    with hone.Server() as server, server.client() as client:
        for strategy, pointer, change in (
                ({"name": "hyperband"}, "/resource", {"resource": None}),
                ({"name": "hyperband", "eta": 1}, "/strategy/eta", {}),
                ({"name": "asha", "eta": 2.5}, "/strategy/eta", {}),
                ({"name": "hyperband"}, "/resource/min", {"resource": {"min": 9, "max": 3}}),
                ({"name": "hyperband"}, "/resource/max", {"resource": {"min": 1, "max": 4.5}}),
                ({"name": "asha", "search": "grid"}, "/strategy/search", {})):
            reply = client.post("/v1/studies", {**body("x", strategy), **change})
            expect((reply.status, reply.type), (422, "invalid"), reply)
            assert pointer in [e["pointer"] for e in reply.json["errors"]], reply


main(globals())
