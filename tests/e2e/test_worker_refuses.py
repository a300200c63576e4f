#!/usr/bin/env python3
"""What hone worker and hone report refuse before anything runs, and how they say so."""

import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main, NotRun, script  # noqa: E402
from jobs import HONE, pids_in, SECONDS  # noqa: E402
from lease_server import LeaseServer, only_result, STUDY  # noqa: E402


def refused(tmp, *arguments, **environment):
    with LeaseServer() as server:
        done = subprocess.run([HONE, "worker", "--workdir", str(tmp / "work"), *arguments],
                              env=server.environment(tmp, **environment), text=True,
                              capture_output=True, timeout=SECONDS, check=False)
        expect(server.asks, [])
    assert done.returncode in (1, 2, 3), done
    return done.stderr


def test_what_cannot_work_is_refused_before_the_first_trial(tmp):
    study = ["--study", STUDY]
    assert "--study" in refused(tmp)
    assert "no command" in refused(tmp, *study)
    assert "which study" in refused(tmp, "--", "true")
    assert "was not found" in refused(tmp, *study, "--", "no-such-program-here")
    assert "not executable" in refused(tmp, *study, "--", "/etc/passwd")
    for name in ('"val=loss=x', '"val=loss', '"val"loss=x'):
        said = refused(tmp, *study, "--metric", name, "--", "true")
        assert "quote" in said and "\"NAME\"=REGEX" in said, said
    assert "no placeholder" in refused(tmp, *study, "--", "true", "{l\tr}")
    assert "must not depend" in refused(tmp, *study, "--", "{lr}")
    assert "names no metric" in refused(tmp, *study, "--metric-regex", "x(y)", "--", "true")
    assert "character" in refused(tmp, *study, "--metric-regex", "(?<x>", "--", "true")
    assert "listed twice" in refused(tmp, *study, "--gpus", "0,0", "--", "true")
    assert "KEY=VALUE" in refused(tmp, *study, "--label", "x", "--", "true")
    assert "no name for a worker" in refused(tmp, *study, "--name", "a b", "--", "true")
    assert "no name of a study" in refused(tmp, "--study", "A B", "--", "true")
    assert "NAME=COMMAND" in refused(tmp, "--runner", "train")
    assert "stays open" in refused(tmp, "--runner", "train='x")
    assert "no server address" in refused(tmp, *study, "--server", "ftp://x", "--", "true")
    assert "cannot be made" in refused(tmp, *study, "--workdir", "/dev/null/x", "--", "true")
    assert "token" in refused(tmp, *study, "--", "true", HONE_TOKEN_FILE="/nonexistent")


WRONG_NAMES = [
    (["--lr", "{learning_rate}"], "the command names {learning_rate}, which is no parameter; the "
     "study has lr, degree; write {{ for a brace"),
    (["--lr={ld}"], "the command names {ld}, which is no parameter; did you mean {lr}?"),
    (["{lr}", "{degre}"], "the command names {degre}, which is no parameter; did you mean {degree}?"),
    (["{lr}", "--epochs={resource.to}"], "the command names {resource.to}, but the study has no "
     "resource; leave it out"),
    (["{resource.from}"], "the command names {resource.from}, but the study has no resource"),
    (["--all={args}"], "{args} and {args.hydra} stand for several arguments, so each must be an "
     "argument of its own"),
]


def test_a_command_that_names_no_parameter_of_its_study_is_refused(tmp):
    job = script(tmp, f"echo ran >{tmp}/ran\necho hone: accuracy=1\n")
    for arguments, words in WRONG_NAMES:
        for way in ("study", "runner"):
            with LeaseServer() as server:
                server.grants(inactive=["degree"])
                server.grants(inactive=["degree"])
                said = server.work(tmp, job, *arguments, status=2) if way == "study" else \
                    server.work(tmp, options=["--runner", f"train={job} {' '.join(arguments)}"],
                                status=2)
                expect((server.released, server.results, len(server.asks)), ([1], [], 1), said)
            expect(said.count(words), 1, said)
            expect("study digits, runner train: " in said, way == "runner", said)
            assert not (tmp / "ran").exists(), arguments


def test_what_a_command_may_name(tmp):
    job = script(tmp, "echo hone: accuracy=1\n")
    with LeaseServer() as server:
        server.grants(resource=(0, 3), inactive=["degree"])
        said = server.work(tmp, job, "{lr}", "{degree}", "{resource.from}", "{resource.to}",
                           "{trial}{attempt}{seed}", "{checkpoint}", "{{learning_rate}}")
        expect(only_result(server)["outcome"], "completed")
    assert "names" not in said, said


def test_an_older_server_is_recognised(tmp):
    job = script(tmp, "echo hone: accuracy=1\n")
    with LeaseServer() as server:
        for _ in range(3):
            server.grants(inactive=None)
        said = server.work(tmp, job, "{lr}", "{learning_rate}")
        expect(len(server.results), 3)
    expect(said.count("{learning_rate} cannot be checked"), 1, said)


def test_parameters_that_no_argument_names_are_reported_once(tmp):
    job = script(tmp, "echo hone: accuracy=1\n")
    words = "the command names some parameters, but not: "
    with LeaseServer() as server:
        for _ in range(2):
            server.grants({"lr": 1, "units": 8}, inactive=["degree"])
        server.grants({"lr": 1, "depth": 8}, study="other")
        said = server.work(tmp, options=["--runner", f"train={job} {{lr}}"])
        expect(len(server.results), 3)
    expect((said.count(words + "units, degree;"), said.count(words + "depth;"), said.count(words)),
           (1, 1, 2), said)
    for arguments in ((), ("--epochs", "3", "{seed}"), ("{args}",), ("{lr}", "{args.json}")):
        with LeaseServer() as server:
            server.grants({"lr": 1, "units": 8})
            said = server.work(tmp, job, *arguments)
        assert words not in said, (arguments, said)


def test_all_parameters_at_once(tmp):
    job = script(tmp, f"printf '%s\\n' \"$@\" >{tmp}/arguments; echo hone: accuracy=1\n")
    parameters = {"lr": 0.1, "net": [64, {"act": "relu"}], "opt": "a b", "clip": None,
                  "n": 2**63 - 1, "amp": True}
    with LeaseServer() as server:
        server.grants(parameters, inactive=["degree"])
        server.work(tmp, job, "{args}", "-c={args.json}", "{args.hydra}", "{{args}}")
    said = (tmp / "arguments").read_text().splitlines()
    expect(said[:6], ["--lr=0.1", '--net=[64,{"act":"relu"}]', "--opt=a b", "--clip=null",
                      f"--n={2**63 - 1}", "--amp=true"])
    expect(json.loads(said[6].removeprefix("-c=")), parameters)
    expect(said[7:], ["lr=0.1", "net=[64,{act:'relu'}]", "opt='a b'", "clip=null", f"n={2**63 - 1}",
                      "amp=true", "{args}"])


def test_a_file_with_the_parameters_alone(tmp):
    parameters = {"lr": 1e-05, "net": [64, {"a}b": "1e-5"}], "none": None, "big": 2**62,
                  "a}b": "\u0085 caf\u00e9: #", "x.y": 1e20}
    job = script(tmp, f"cp $1 {tmp}/whole.json; cp ${{2#--config=}} {tmp}/whole.yaml; "
                      f"echo $3 >{tmp}/one; echo hone: accuracy=1\n")
    with LeaseServer() as server:
        server.grants(parameters, inactive=["degree"])
        said = server.work(tmp, job, "{params.json}", "--config={params.yaml}", '{"x.y"}{"a}b"}')
        expect(only_result(server)["outcome"], "completed")
    expect(json.loads((tmp / "whole.json").read_text()), parameters)
    expect((tmp / "one").read_text(), "1e+20\u0085 caf\u00e9: #\n")
    assert "names some parameters" not in said, said
    expect([str(path) for path in (tmp / "work").rglob("parameters.*")], [])
    try:
        import yaml
    except ImportError as missing:
        raise NotRun(f"the YAML is not read back: {missing}") from missing
    expect(yaml.safe_load((tmp / "whole.yaml").read_text()), parameters)


def test_other_studies_go_on_to_their_end(tmp):
    """One runner, two studies, and only one of them has what the command names."""
    job = script(tmp, f"""
echo $$ >>{tmp}/pids
while [ ! -e {tmp}/go ]; do sleep 0.01; done
echo hone: accuracy=1
""")
    with LeaseServer() as server:
        server.nothing = "waiting"
        server.grants()
        worker = server.start(tmp, options=["--slots", "2", "--runner", f"train={job} {{lr}}"])
        pids_in(tmp / "pids", 1)
        server.grants({"rate": 1}, study="other")
        server.wait_for(lambda: server.released)
        (tmp / "go").touch()
        said, _ = worker.communicate(timeout=SECONDS)
        expect((worker.returncode, server.released), (2, [2]), said)
        expect([(number, body["outcome"]) for number, body in server.results],
               [(1, "completed")], said)
    assert "study other, runner train: the command names {lr}" in said, said
    assert "goes on to its end" in said, said


def test_too_few_open_files_are_reported(tmp):
    with LeaseServer() as server:
        done = subprocess.run(["sh", "-c", "ulimit -n 100; exec \"$@\"", "sh", HONE, "worker",
                               "--study", STUDY, "--slots", "9", "--", "true"],
                              env=server.environment(tmp), text=True, capture_output=True,
                              timeout=SECONDS, check=False)
        expect(server.asks, [])
    wanted = re.search(r"ulimit -n (\d+)", done.stderr)
    assert done.returncode == 2 and wanted and int(wanted.group(1)) > 9 * 10, done


def test_program_that_cannot_be_started_gives_the_trial_back(tmp):
    job = tmp / "job"
    job.write_bytes(b"\x7fELF nonsense")
    job.chmod(0o755)
    with LeaseServer() as server:
        server.grants()
        said = server.work(tmp, str(job), status=1)
        expect((server.released, server.results), ([1], []))
    assert "cannot be started" in said, said


def test_report_outside_of_a_job_says_so(tmp):
    done = subprocess.run([HONE, "report", "a=1"], env={"PATH": os.environ["PATH"]}, text=True,
                          capture_output=True, timeout=SECONDS, check=False)
    assert done.returncode == 2 and "no job of a worker" in done.stderr, done


def test_report_of_nonsense_is_refused(tmp):
    job = script(tmp, f"""
echo hone: accuracy=1
'{HONE}' report loss=abc 2>{tmp}/said || echo $? >{tmp}/status
""")
    with LeaseServer() as server:
        server.grants()
        server.work(tmp, job)
    assert "is no number" in (tmp / "said").read_text()
    expect((tmp / "status").read_text(), "2\n")


def test_report_keeps_its_status_when_nobody_reads_it(tmp):
    job = script(tmp, f"""
'{HONE}' report step=1 accuracy=1 >&- && echo $? >{tmp}/closed
'{HONE}' report step=1 accuracy=1 >/dev/full && echo $? >{tmp}/full
status=0; '{HONE}' report step=2 accuracy=1 >&- || status=$?; echo $status >{tmp}/stop
""")
    with LeaseServer() as server:
        server.action = lambda lease, step: {"action": "stop" if step == 2 else "continue"}
        server.grants()
        server.work(tmp, job)
    expect([(tmp / name).read_text() for name in ("closed", "full", "stop")], ["0\n", "0\n", "3\n"])


if __name__ == "__main__":
    main(globals())
