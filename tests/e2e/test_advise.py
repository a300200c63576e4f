#!/usr/bin/env python3
"""hone advise with a real server: what it shows, what it says about nonsense, and that the study
on its page is one."""

import csv
import io
import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import hone  # noqa: E402
from cases import expect, main  # noqa: E402

HONE = os.environ["HONE"]
SPACE = ["-P", "lr=log:1e-5..1e-1", "-P", "units=int:16..512"]
NIGHT = ["--resource", "epochs=1..81", "--evaluation-time", "10m", "--workers", "8",
         "--available", "12h"]


def environment(server, tmp):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HONE_")}
    return {**kept, "HONE_URL": server.url, "XDG_STATE_HOME": str(tmp),
            "HONE_TOKEN_FILE": os.path.join(server.data, "admin.token")}


def advise(server, tmp, *arguments, status=0, stdin=""):
    done = subprocess.run([HONE, "advise", *arguments], env=environment(server, tmp), text=True,
                          input=stdin, capture_output=True, timeout=60, check=False)
    expect(done.returncode, status, f"status of {arguments}: {done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def contains(text, *parts):
    for part in parts:
        if part not in text:
            raise AssertionError(f"{part!r} is not in {text!r}")


def study_of_line(server, tmp, page):
    """What the line at the end of the page would create, pasted into a shell."""
    line = page[page.rindex("  hone run "):].replace("COMMAND", "/bin/true").strip()
    done = subprocess.run(["bash", "-c", 'hone() { "$HONE" "$@"; }; '
                           + line.replace(" -- ", " --dry-run -- ")],
                          env={**environment(server, tmp), "HONE": HONE}, text=True,
                          capture_output=True, timeout=60, check=False)
    expect(done.returncode, 0, done.stderr)
    return json.loads(done.stdout)


def test_the_page_ranks_and_ends_with_a_line_to_paste(tmp):
    with hone.Server() as server, server.client() as client:
        page, said = advise(server, tmp, "night", "--maximize", "accuracy", *SPACE, *NIGHT,
                            "--strategy", "hyperband")
        expect(said, "")
        contains(page, "RANK  STRATEGY", "   1  bayesian ", "   2  asha, predictive ", "* hyperband ", "12 h",
                 "81@1 27@3 9@9 3@27 1@81", "not: grid: lr is continuous", "*: the one that you")
        study = study_of_line(server, tmp, page)
        answer = json.loads(advise(server, tmp, "night", "--maximize", "accuracy", *SPACE, *NIGHT, "-o",
                                   "json")[0])
        expect(study, answer["items"][0]["study"])
        expect(client.post("/v1/studies", study).status, 201)
        expect(client.get("/v1/studies/night").json["limits"]["seconds"], 43200)


def test_every_study_that_it_offers_can_be_created(tmp):
    with hone.Server() as server:
        answer = json.loads(advise(server, tmp, "--maximize", "accuracy", *SPACE, *NIGHT,
                                   "-o", "json")[0])
        for item in answer["items"]:
            expect(item["usable"], item["study"] is not None)
            if not item["usable"]:
                continue
            file = tmp / "study.json"
            file.write_text(json.dumps({**item["study"], "name": f"s{item['rank']}"}))
            subprocess.run([HONE, "study", "create", "-f", file], check=True, timeout=60,
                           env=environment(server, tmp), capture_output=True)
        expect(len(answer["items"]), 13)


def test_a_file_and_options_describe_together(tmp):
    (tmp / "problem.yaml").write_text(
        "name: from-file\nmetric: loss\ndirection: minimize\nevaluation_seconds: 60\n"
        "parameters:\n  - {name: x, type: float, low: 0, high: 1}\n"
        "limits: {trials: 30}\n")
    with hone.Server() as server:
        answer = json.loads(advise(server, tmp, "-f", tmp / "problem.yaml", "--workers", "3", "-o",
                                   "json")[0])
        expect(answer["problem"]["workers"], 3)
        expect(answer["items"][0]["expected"]["finish_seconds"], 600)
        expect(answer["items"][0]["study"]["name"], "from-file")
        page = advise(server, tmp, "-f", tmp / "problem.yaml", "--noisy", "--experience", "new",
                      "--no-checkpoints", "--worker-time", "1h")[0]
        contains(page, "estimates the noise", "create this study:\n{")  # the file makes none


def test_the_line_to_paste_has_what_was_said(tmp):
    said = ["all", "--minimize", "val loss", "-P", "kernel=rbf,poly", "-P", "d=int:2..5 if kernel=poly",
            "--constraint", "d < 5", "--resource", "epochs=0.5..8:0.5", "--parallel", "3", "--seed", "7"]
    with hone.Server() as server:
        study = study_of_line(server, tmp, advise(server, tmp, *said)[0])
        answer = json.loads(advise(server, tmp, *said, "-o", "json")[0])
        expect(study, {**answer["items"][0]["study"], "seed": 7})


def test_other_programs_get_a_line_for_each_strategy(tmp):
    with hone.Server() as server:
        rows = list(csv.DictReader(io.StringIO(advise(server, tmp, *SPACE, "-o", "csv")[0])))
        expect([rows[0]["strategy"], rows[0]["rank"], rows[0]["usable"]], ["bayesian", "1", "yes"])
        expect(len(rows), 13)
        names = advise(server, tmp, *SPACE, "-o", "name")[0].splitlines()
        expect(names, [row["strategy"] for row in rows])
        lines = advise(server, tmp, *SPACE, "-o", "ndjson")[0].splitlines()
        expect([json.loads(line)["rank"] for line in lines], list(range(1, 14)))


def test_a_study_says_what_auto_chose_and_why(tmp):
    with hone.Server() as server:
        def run(*arguments):
            return subprocess.run([HONE, "study", *arguments], env=environment(server, tmp),
                                  text=True, check=True, capture_output=True, timeout=60)

        made = run("create", "mine", "--maximize", "accuracy", *SPACE, "--resource", "epochs=1..81")
        contains(made.stderr, "the strategy is auto: asha, mode predictive; 'hone study show mine'")
        shown = run("show", "mine").stdout
        contains(shown, "strategy     auto: asha, mode predictive\n", "because      measured on",
                 "             next best: bayesian")
        contains(run("list").stdout, "auto: asha, mode predictive")


def regrets(page):
    """The figures of the table, from the first row on."""
    rows = [line for line in page.splitlines() if re.match(r" *\d+[ *] ", line)]
    found = [re.search(r" (\d\.\d\d)( \(\d\.\d\d-\d\.\d\d\))?( \?)?$", row) for row in rows]
    return [float(figure[1]) for figure in found if figure]


def test_an_order_that_is_not_that_of_the_figures_is_explained(tmp):
    with hone.Server() as server:
        for trials, in_order in (("100", True), ("20000", False)):
            page, _ = advise(server, tmp, "--maximize", "accuracy", *SPACE, "--trials", trials)
            found = regrets(page)
            expect(len(found) > 3, True, page)
            expect(found == sorted(found), in_order, page)
            expect("RANK: by regret; " in page, not in_order, page)
            expect("more than 5000 trials" in page, not in_order, page)


def test_nothing_is_sent_for_curl(tmp):
    with hone.Server() as server:
        line = advise(server, tmp, *SPACE, "--workers", "4", "--curl")[0]
        contains(line, "curl ", "/v1/advice?format=text", '"workers":4')


def test_regret_is_explained_where_it_is_told(tmp):
    with hone.Server() as server:
        contains(advise(server, tmp, "--maximize", "accuracy", *SPACE)[0], "REGRET: mean of what")
        page = advise(server, tmp, "--maximize", "accuracy", "--minimize", "ms", *SPACE)[0]
        contains(page, "takes 2 objectives")
        expect("REGRET: mean of what" in page, False)


def test_nonsense_is_refused_with_what_to_write(tmp):
    wrong = {
        (): "say what is to be tuned: -P NAME=DOMAIN",
        (*SPACE, "--workers", "0"): "--workers 0: write a whole number from 1 on",
        (*SPACE, "--workers", "two"): "--workers two: write a whole number",
        (*SPACE, "--workers", "99999999"): "/workers",
        (*SPACE, "--evaluation-time", "-3s"): "--evaluation-time -3s: write seconds or a span",
        (*SPACE, "--evaluation-time", "soon"): "--evaluation-time soon: write seconds or a span",
        (*SPACE, "--available", "0"): "--available 0: write seconds or a span",
        (*SPACE, "--experience", "guru"): "--experience guru: write new, some or expert",
        (*SPACE, "--resource", "epochs=9..3"): "--resource epochs=9..3",
        (*SPACE, "--stopping", "median,after=0"): "--stopping after",
        (*SPACE, "--subject-to", "ms < 3"): "--subject-to 'ms < 3': has <; write <=",
        ("-P", "x=1..10"): "x=1..10",
        ("one", "two", *SPACE): "'two' is one argument too many",
    }
    with hone.Server() as server:
        for arguments, words in wrong.items():
            contains(advise(server, tmp, *arguments, status=2)[1], words)


if __name__ == "__main__":
    main(globals())
