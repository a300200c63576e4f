#!/usr/bin/env python3
"""Hyperband and its relatives with a real server, real workers and real training; the server is
killed while rungs fill, and decides as if nothing had happened."""

import os
import pathlib
import re
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
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HONE_") or k == "HONE_ALLOW_ROOT"}
    return {**kept, "HONE_URL": server.url,
            "HONE_TOKEN_FILE": os.path.join(server.data, f"{kind}.token")}


def start_worker(server, workdir, study, slots):
    return subprocess.Popen(
        [HONE, "worker", "--study", study, "--slots", str(slots), "--exit-when-finished",
         "--workdir", workdir, "--", DIGITS, "--lr", "{lr}", "--units", "{units}",
         "--epochs", "{resource.to}"],
        env=environment(server, "worker"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True)


def tune(server, tmp, study, slots=2):
    worker = start_worker(server, os.path.join(tmp, study), study, slots)
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


def kept(workdir, study):
    """The trials of whose checkpoints something is left."""
    found = pathlib.Path(workdir).glob(f"*/{study}/*/attempt-*/checkpoint/*")
    return sorted({int(path.parents[2].name) for path in found})


def test_obsolete_checkpoints_are_deleted(tmp):
    """As leases list them; those of the trials that went all the way stay, and whatever is not the
    agent's."""
    with hone.Server() as server, server.client() as client:
        client.post("/v1/studies", body("h", {"name": "hyperband", "rounds": 1}))
        client.post("/v1/studies", body("next", "random", limits={"trials": 1}))
        mine = pathlib.Path(tmp, "notes", "checkpoint")
        mine.mkdir(parents=True)
        (mine / "keep").touch()
        for study in ("h", "next"):  # what the last lease of one left, the other gets
            worker = start_worker(server, os.path.join(tmp, "work"), study, 2)
            said = worker.communicate(timeout=240)[1]
            expect(worker.returncode, 0, said)
            if study == "h":
                before = kept(os.path.join(tmp, "work"), "h")
        completed = [t["number"] for t in client.walk("/v1/studies/h/trials?state=completed")]
        assert len(completed) == 5 and set(before) >= set(completed), (before, completed)
        expect(kept(os.path.join(tmp, "work"), "h"), completed)
        assert (mine / "keep").exists()


def test_the_picture_and_the_reasons(tmp):
    with hone.Server() as server, server.client() as client:
        strategy = {"name": "asha", "mode": "stopping", "search": "quasirandom"}
        client.post("/v1/studies", body("a", strategy, limits={"trials": 8}))
        tune(server, tmp, "a")
        said = subprocess.run([HONE, "study", "brackets", "a"], env=environment(server, "admin"),
                              capture_output=True, text=True, check=True).stdout
        assert "asha" in said and "trained" in said, said
        expect(len([line for line in said.splitlines() if re.search(" epochs? ", line)]), 3, said)
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
        worker = start_worker(server, os.path.join(tmp, "killed", "h"), "h", 1)
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


def test_the_model_stops_and_says_why(tmp):
    """`auto` with a resource: nothing pauses, a trial runs through or is stopped."""
    with hone.Server() as server, server.client() as client:
        reply = client.post("/v1/studies", body("p", "auto", limits={"trials": 14}))
        expect(reply.json["strategy"]["chosen"]["mode"], "predictive")
        tune(server, tmp, "p")
        trials = list(client.walk("/v1/studies/p/trials"))
        expect(len(trials), 14)
        for trial in trials:
            why = client.get(f"/v1/studies/p/trials/{trial['number']}/explain").json
            lost = [h for h in why["schedule"]["history"] if h["event"] == "lose"]
            expect(trial["attempt"], 1)
            # answered with stop, a job may be at its end already: then its trial is complete
            assert trial["state"] == ("pruned" if lost and trial["step"] < 9 else "completed"), trial
            for h in lost:
                assert ("forecast" in h and h["forecast"]["chance"] < h["forecast"]["delta"]
                        or h["rank"] > 1), h


def test_impossible_schedules_are_refused(tmp):
    with hone.Server() as server, server.client() as client:
        for strategy, pointer, change in (
                ({"name": "hyperband"}, "/resource", {"resource": None}),
                ({"name": "hyperband", "eta": 1}, "/strategy/eta", {}),
                ({"name": "asha", "eta": 1.001}, "/strategy/eta", {}),
                ({"name": "hyperband"}, "/resource/min", {"resource": {"min": 9, "max": 3}}),
                ({"name": "hyperband"}, "/resource/step",
                 {"resource": {"min": 0.5, "max": 4.5, "step": 4}}),
                ({"name": "asha", "search": "grid"}, "/parameters/0/grid", {})):
            reply = client.post("/v1/studies", {**body("x", strategy), **change})
            expect((reply.status, reply.type), (422, "invalid"), reply)
            assert pointer in [e["pointer"] for e in reply.json["errors"]], reply


main(globals())
