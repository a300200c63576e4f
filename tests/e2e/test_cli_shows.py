#!/usr/bin/env python3
"""What the command line shows of studies and trials, at once and while they run."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main  # noqa: E402
from cli import (  # noqa: E402
    BEST, BRACKETS, contains, EXPLANATION, hone, hone_on_terminal, IMPORTANCE, STUDY, TRIAL, with_study)
from fake_server import FakeServer  # noqa: E402


# ---- looking ----

def pages(trials):
    def page(query):
        start, limit = int(query.get("cursor", 0)), int(query["limit"])
        more = start + limit < len(trials)
        return {"items": trials[start:start + limit],
                "next_cursor": str(start + limit) if more else None}
    return page


def test_every_format_shows_all_pages(tmp):
    trials = [{**TRIAL, "number": n + 1} for n in range(2500)]
    with FakeServer() as server:
        with_study(server)
        server.says("GET", "/v1/studies/digits/trials", 200, pages(trials))
        show = ["study", "trials", "digits", "-o"]
        expect(json.loads(hone(server, tmp, *show, "json")[0]), trials)
        lines = hone(server, tmp, *show, "ndjson")[0].splitlines()
        expect([json.loads(line) for line in lines], trials)
        expect(hone(server, tmp, *show, "name")[0].split(), [str(n + 1) for n in range(2500)])
        expect(len(hone(server, tmp, *show, "table", "-n", "1200")[0].splitlines()), 1201)


def test_a_table_is_aligned_and_says_when_it_is_empty(tmp):
    with FakeServer() as server:
        with_study(server)
        server.says("GET", "/v1/studies/digits/trials", 200,
                    {"items": [TRIAL, {**TRIAL, "number": 10, "value": None, "step": None,
                                       "state": "running", "ended_at": None}],
                     "next_cursor": None})
        out, talk = hone(server, tmp, "study", "trials", "digits", "--sort", "best",
                         "--state", "running")
        expect(out, "NUMBER  STATE         VALUE  STEP  WORKER   TOOK   LR   ACT  DEEP\n"
                    "     1  completed  0.912346    81  node, 1  1:40  0.1  relu     -\n"
                    "    10  running           -     -  node, 1     -  0.1  relu     -\n")
        contains(server.requests[-1][1], "sort=best", "state=running")
        expect(talk, "")
        del server.answers["GET", "/v1/studies/digits/trials"]
        server.says("GET", "/v1/studies/digits/trials", 200, {
            "items": [{**TRIAL, "number": 11, "ignored": 1}, TRIAL,
                      {**TRIAL, "number": 12, "replaced": 2}], "next_cursor": None})
        _, talk = hone(server, tmp, "study", "trials", "digits")
        contains(talk, "replaced or ignored in 2 of these trials", "explain digits 11")
        expect(hone(server, tmp, "study", "trials", "digits", "-o", "csv")[1], "")
        server.says("GET", "/v1/studies", 200, {"items": [], "next_cursor": None})
        out, talk = hone(server, tmp, "study", "list")
        expect(out, "")
        contains(talk, "there are no studies")
        expect(json.loads(hone(server, tmp, "study", "list", "-o", "json")[0]), [])


def test_a_study_is_shown_in_words(tmp):
    with FakeServer() as server:
        with_study(server)
        out, _ = hone(server, tmp, "study", "show", "digits")
        contains(out, "state        running\n", "created      2026-11-24 22:00:00 +01:00\n",
                 "objective    maximize accuracy\n", "strategy     hyperband, eta 3\n",
                 "after        monday, tuesday\n",
                 "trials       2 completed, 1 running, 1 failed\n",
                 "best         accuracy 0.912345678901, trial 1: lr=0.1 act=relu\n",
                 "  lr  float 1e-05..0.1 log\n", "  deep  int 2..5, when act is relu\n")
        out, _ = hone(server, tmp, "study", "best", "digits")
        expect(out, "trial        1\naccuracy     0.912345678901\nepochs       81\n"
                    "lr           0.1\nact          relu\n")
        server.answers[("GET", "/v1/studies/digits/best")] = [(200, {"trial": None,
                                                                     "resource": None})]
        _, talk = hone(server, tmp, "study", "best", "digits", status=3)
        contains(talk, "no trial of 'digits' has a value yet")


def test_another_trial_is_recommended_where_it_matters(tmp):
    with FakeServer() as server:
        with_study(server)
        plain, _ = hone(server, tmp, "study", "best", "digits")
        asked = "/v1/studies/digits/best?recommended=true"
        for matters in (False, True):
            server.answers["GET", asked] = [(200, {**BEST, "recommended": {
                "trial": 7, "text": "the 0.91 of trial 1 is lucky", "matters": matters}})]
            out, _ = hone(server, tmp, "study", "best", "digits")
            expect(out, plain + matters * "recommended  the 0.91 of trial 1 is lucky\n")
        for kind in ("malformed", "overloaded"):  # a server that does not know it, or has no time
            problem = server.problem(kind, "no")
            server.answers["GET", asked] = [(problem["status"], problem)]
            expect(hone(server, tmp, "study", "best", "digits")[0], plain)


def test_several_objectives_have_a_front_instead_of_a_best(tmp):
    with FakeServer() as server:
        with_study(server, objectives=[{"metric": "accuracy", "direction": "maximize"},
                                       {"metric": "ms", "direction": "minimize"}])
        server.says("GET", "/v1/studies/digits/pareto", 200,
                    {"items": [{**TRIAL, "value": None, "metrics": {"accuracy": 0.9, "ms": 12.5}}],
                     "next_cursor": None})
        out, _ = hone(server, tmp, "study", "best", "digits")
        contains(out, "ACCURACY", "MS", "0.9", "12.5")


def test_the_history_of_several_objectives_is_that_of_their_hypervolume(tmp):
    with FakeServer() as server:
        with_study(server, objectives=[{"metric": "accuracy", "direction": "maximize"},
                                       {"metric": "ms", "direction": "minimize"}])
        point = {"ended_at": "2026-11-24T21:00:00.000Z", "added": 2}
        items = [{**point, "number": 2, "after_trials": 1, "hypervolume": 2},
                 {**point, "number": 1, "after_trials": 2, "hypervolume": 2, "added": 0},
                 {**point, "number": 3, "after_trials": 3, "hypervolume": 4}]
        server.answers["GET", "/v1/studies/digits/hypervolume"] = [
            (200, {"study": "digits", "reference": {"accuracy": 0.5, "ms": 30}, "hypervolume": 4, "items": items})]
        out, _ = hone(server, tmp, "study", "history", "digits")
        contains(out, "best hypervolume, by trial\n", "TRIAL  HYPERVOLUME  ADDED",
                 "\n    2            2      2", "\n    3            4      2",
                 "up to the reference point accuracy 0.5, ms 30\n")
        assert "\n    1 " not in out, out
        added = json.loads(hone(server, tmp, "study", "history", "digits", "-o", "json")[0])
        expect([item["number"] for item in added], [2, 3])
        server.answers["GET", "/v1/studies/digits/hypervolume"] = [
            (200, {"study": "digits", "reference": {}, "hypervolume": 0, "items": []})]
        out, talk = hone(server, tmp, "study", "history", "digits")
        expect(out, "")
        contains(talk, "no trial dominates anything")


def test_brackets_are_drawn_and_listed(tmp):
    with FakeServer() as server:
        server.says("GET", "/v1/studies/digits/brackets", 200, BRACKETS)
        out, _ = hone(server, tmp, "study", "brackets", "digits")
        contains(out, "digits  asha, eta 3: 1 bracket, 1 open; trained 6 of 12 epochs, 50 % saved\n",
                 "4, 1 running, 2 waiting, 1 promoted, best 0.5 (trial 2)\n")
        expect(json.loads(hone(server, tmp, "study", "brackets", "digits", "-o", "json")[0]),
               BRACKETS)


def test_a_study_without_a_resource_is_said_to_have_no_brackets(tmp):
    with FakeServer() as server:
        server.says("GET", "/v1/studies/digits/brackets", 200,
                    {"study": "digits", "schedule": "none", "trials": 0, "opened": 0, "open": 0,
                     "brackets": []})
        out, talk = hone(server, tmp, "study", "brackets", "digits")
        contains(talk, "study 'digits' has no resource")
        expect(out, "")


def test_failed_trials_are_tried_again(tmp):
    with FakeServer() as server:
        server.says("POST", "/v1/studies/digits/trials/7/retry", 200, {"number": 7})
        server.says("POST", "/v1/studies/digits/trials/retry", 200,
                    {"items": [{"number": 3}, {"number": 5}], "skipped": 1})
        _, err = hone(server, tmp, "study", "retry", "digits", "7")
        expect(err, "hone: trial 7 is queued again\n")
        _, err = hone(server, tmp, "study", "retry", "digits")
        contains(err, "2 trials are queued again", "1 cannot be: imported, or")
        hone(server, tmp, "study", "retry", "--infeasible", "digits")
        expect([request[2] for request in server.requests],
               [None, {"state": "failed"}, {"state": "infeasible"}])


def test_a_trial_is_explained_in_words(tmp):
    with FakeServer() as server:
        server.says("GET", "/v1/studies/digits/trials/7/explain", 200, {
            **EXPLANATION, "replaced": 3, "notes": [
                {"attempt": 2, "state": "completed",
                 "text": "loss was reported again\x1b[2J\nx=1\n"}]})
        out, _ = hone(server, tmp, "study", "explain", "digits", "7")
        expect(out, "trial 7 is pruned; it was suggested as number 7\n"
                    "why this one: a Gaussian process expected 0.2 ± 0.1\n"
                    "  model gaussian_process\n  pending_trials [5,6]\n"
                    "  predicted\n    mean 0.2\n    sd 0.1\n"
                    "  compared\n    candidates 96\n    others\n"
                    "      acquisition_value -3.5, parameters lr=0.1 k=a\n"
                    "bracket 1, rung 0 of asha: it is out: others were better\n"
                    "  2026-11-24 22:00:00 +01:00  value     step 3, value 0.25\n"
                    "  2026-11-24 22:00:01 +01:00  lose      step 3: third of 3[2J; the best 1 went "
                    "on\n"
                    "values reported again for a step: 3 replaced, 0 ignored\n"
                    "attempt 2 completed:\n  loss was reported again[2J\n  x=1\n")


def test_importance_is_a_table_with_its_basis(tmp):
    with FakeServer() as server:
        server.says("GET", "/v1/studies/digits/importance", 200, IMPORTANCE)
        out, _ = hone(server, tmp, "study", "importance", "digits")
        expect(out, "PARAMETER  SHARE\n"
                    "lr         0.750  ###############\n"
                    "depth      0.250  #####\n"
                    "from 20 trials at resource 9: what sets the best 2 apart (loss <= 0.125)\n"
                    "warning: made from 20 trials[2J; below 50 these shares are mostly chance\n")
        expect(json.loads(hone(server, tmp, "study", "importance", "digits", "-o", "json")[0]),
               IMPORTANCE)


# ---- watching ----

def while_it_runs(server):
    """Running, running with a better trial, finished."""
    counts = [{"completed": 1, "running": 2}, {"completed": 2, "running": 2}, {"completed": 40}]
    for i, count in enumerate(counts):
        server.says("GET", "/v1/studies/digits", 200,
                    {**STUDY, "counts": count, "state": "finished" if i == 2 else "running",
                     "reason": "trials" if i == 2 else None})
        server.says("GET", "/v1/studies/digits/best", 200,
                    {**BEST, "trial": {**TRIAL, "number": i + 1, "value": 0.5 + i / 10}})
    server.says("GET", "/v1/studies/digits/trials", 200,
                {"items": [{**TRIAL, "state": "running", "worker": "node07:0"}],
                 "next_cursor": None})
    server.says("GET", "/v1/studies/digits/history", 200, {
        "items": [{"number": i, "value": i / 10, "step": 1, "ended_at": f"2026-01-01T00:00:0{i}Z"}
                  for i in (1, 2)], "next_cursor": None})


def test_watching_in_a_pipe_writes_a_line_for_news(tmp):
    with FakeServer() as server:
        while_it_runs(server)
        out, talk = hone(server, tmp, "study", "watch", "digits", "-i", "0.1")
        expect(talk, "")
        lines = out.splitlines()
        expect(len(lines), 3, out)
        contains(lines[0], "digits: running, 1/40 done", "best accuracy 0.5 (trial 1)")
        contains(lines[2], "digits: finished (trials), 40/40 done", "best accuracy 0.7 (trial 3)")
        expect("\x1b" in out, False, "there are escape sequences")


def test_watching_on_a_terminal_redraws_in_place(tmp):
    with FakeServer() as server:
        while_it_runs(server)
        status, shown = hone_on_terminal(server, tmp, "study", "watch", "digits", "-i", "0.1",
                                         NO_COLOR="1")
        expect(status, 0, shown)
        contains(shown, "node07:0", "\x1b[8A\r\x1b[J", "40 of 40", "so far", "0.1 to 0.2")
        expect("\x1b[1m" in shown, False, "there is colour")
        while_it_runs(server)
        _, shown = hone_on_terminal(server, tmp, "study", "watch", "digits", "-i", "0.1")
        contains(shown, "\x1b[32mbest")


def test_watching_bears_a_server_that_goes_away(tmp):
    with FakeServer() as server:
        while_it_runs(server)
        known = server.answers[("GET", "/v1/studies/digits")]
        known.insert(1, (503, server.problem("starting", "the server starts")))
        out, _ = hone(server, tmp, "study", "watch", "digits", "-i", "0.1")
        contains(out, "does not answer; trying again", "finished (trials)")


def test_watching_gives_up_after_the_timeout(tmp):
    with FakeServer() as server:
        with_study(server)
        server.says("GET", "/v1/studies/digits/trials", 200, {"items": [], "next_cursor": None})
        _, talk = hone(server, tmp, "study", "watch", "digits", "-i", "0.1", "--timeout", "0.3",
                       status=124)
        contains(talk, "has not ended yet")


if __name__ == "__main__":
    main(globals())
