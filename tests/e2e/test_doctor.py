#!/usr/bin/env python3
"""hone doctor: each thing that it looks at, well and not, at real servers where that can be."""

import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main, script  # noqa: E402
from fake_gpus import FakeGpus  # noqa: E402
from fake_server import FakeServer  # noqa: E402
from hone import preload_env, Server  # noqa: E402
from lease_server import LeaseServer  # noqa: E402

HONE = os.environ["HONE"]
SECONDS = 60
HIDING = ["CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"]
NOBODY = "http://127.0.0.1:1"


def run(tmp, *arguments, status, **more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HONE_") and name not in HIDING}
    environment = {**kept, "XDG_STATE_HOME": str(tmp / "state"), **more}
    done = subprocess.run([HONE, "doctor", *arguments], env=environment, text=True, capture_output=True,
                          timeout=SECONDS, check=False)
    expect(done.returncode, status, done.stdout + done.stderr)
    return done.stdout


def doctor(tmp, *arguments, status=0, **more):
    """What it says of each thing: {check: (grade, text)}."""
    said = run(tmp, *arguments, status=status, **more)
    lines = {}
    for line in said.splitlines():
        grade, check, text = re.fullmatch(r"(ok  |warn|bad ) ([^:]+): (.+)", line).groups()
        lines[check] = (grade.strip(), text)
    expect(any(grade == "bad" for grade, _ in lines.values()), status != 0, said)
    return lines


def says(lines, check, grade, *words):
    expect(lines.get(check, ("nothing",))[0], grade, f"{check} in {lines}")
    for word in words:
        expect(word in lines[check][1], True, f"{word!r} in {lines[check]}")


def token_file(tmp, text):
    path = tmp / "token"
    path.write_text(text + "\n")
    return str(path)


def test_all_is_well_at_a_server_that_is(tmp):
    with Server() as server:
        lines = doctor(tmp, HONE_URL=server.url, HONE_TOKEN_FILE=f"{server.data}/admin.token")
        for check in ("server", "version", "clock", "ready", "work directory", "undelivered"):
            says(lines, check, "ok")
        says(lines, "token", "ok", "admin.token is 'admin' (", "with the scope admin")
        says(doctor(tmp, HONE_URL=server.url, HONE_TOKEN_FILE=f"{server.data}/worker.token"), "token", "ok",
             "with the scope worker")
        expect((tmp / "state").exists(), False, "it made something")
        with server.client() as client:
            expect(client.get("/v1/studies").json["items"], [])
            expect(client.get("/v1/workers").json["items"], [])


def test_a_token_that_is_not_accepted_or_missing(tmp):
    with Server() as server:
        wrong = token_file(tmp, "hp_aaaaaaaa_" + "b" * 40)
        says(doctor(tmp, HONE_URL=server.url, HONE_TOKEN_FILE=wrong, status=1), "token", "bad", "unknown, revoked")
        says(doctor(tmp, HONE_URL=server.url, status=1), "token", "bad", "HONE_TOKEN_FILE")
        says(doctor(tmp, HONE_URL=server.url, HONE_TOKEN_FILE=str(tmp / "none"), status=1), "server", "bad", "none")


def test_a_server_without_tokens_needs_none(tmp):
    with Server(args=["--open"]) as server:
        says(doctor(tmp, "--server", server.url), "token", "ok", "none is needed")


def test_a_socket_of_this_machine(tmp):
    path = tmp / "honed.sock"
    with Server(args=["--open", "--listen", f"unix:{path}"]):
        says(doctor(tmp, "--server", f"unix:{path}"), "server", "ok", "socket of this machine")


def test_nobody_answers_or_somebody_else(tmp):
    lines = doctor(tmp, "--server", NOBODY, status=1)
    says(lines, "server", "bad", NOBODY)
    expect("ready" in lines or "token" in lines, False, lines)
    says(lines, "undelivered", "ok")
    with FakeServer() as server:  # answers no /version
        says(doctor(tmp, "--server", server.url, status=1), "server", "bad")
    says(doctor(tmp, "--server", "https://no.such.host.invalid", status=1), "server", "bad")
    says(doctor(tmp, "--server", "ftp://127.0.0.1", status=1), "server", "bad", "no server address")


def test_no_private_server_is_started(tmp):
    data = tmp / "state/hone/server"
    data.mkdir(parents=True)
    (data / "hone.db").write_bytes(b"")
    doctor(tmp, status=1)
    expect(sorted(path.name for path in data.iterdir()), ["hone.db"])


def well(server, version="0.0.1"):
    server.says("GET", "/version", 200, {"version": version, "api": 1})
    server.says("GET", "/readyz", 200, {})
    server.says("GET", "/v1/studies", 200, {"items": []})


def test_another_version(tmp):
    with FakeServer() as server:
        well(server)
        says(doctor(tmp, "--server", server.url), "version", "warn", "the server has 0.0.1")


def test_a_server_that_does_not_take_writes(tmp):
    with FakeServer() as server:
        server.says("GET", "/readyz", 503, server.problem("read-only", "the database is damaged"))
        well(server)
        says(doctor(tmp, "--server", server.url, status=1), "ready", "bad", "the database is damaged", "honed --check")


def test_clocks_that_differ(tmp):
    with FakeServer() as server:
        well(server)
        for shift, grade, word in ((600, "warn", "ahead of"), (-600, "warn", "behind"), (20, "ok", "within 30 s")):
            (tmp / "shift").write_text(str(shift))
            env = preload_env(libraries=("HONE_WALL_CLOCK",), HONE_TEST_WALL_FILE=tmp / "shift")
            says(doctor(tmp, "--server", server.url, **env), "clock", grade, word)


def test_gpus(tmp):
    tools = FakeGpus(tmp / "bin")
    tools.nvidia(["GPU-a", "GPU-b"])
    lines = doctor(tmp, "--server", NOBODY, status=1, **tools.environment)
    says(lines, "GPUs", "ok", "2: GPU 0 (NVIDIA H200, 81559 MiB), GPU 1")
    tools.uses("GPU-b", 70000, pid=os.getpid())
    says(doctor(tmp, "--server", NOBODY, status=1, **tools.environment), "GPU", "warn", "no trial meanwhile")
    (tmp / "bin/status").write_text("driver mismatch\n")
    says(doctor(tmp, "--server", NOBODY, status=1, **tools.environment), "GPUs", "warn", "nvidia-smi", "driver")
    says(doctor(tmp, "--server", NOBODY, status=1, CUDA_VISIBLE_DEVICES="0,0"), "GPUs", "bad", "listed twice")
    says(doctor(tmp, "--server", NOBODY, status=1, CUDA_VISIBLE_DEVICES=""), "GPUs", "ok", "none is seen")


def test_a_work_directory_that_cannot_be_used(tmp):
    (tmp / "file").touch()
    says(doctor(tmp, "--server", NOBODY, "--workdir", str(tmp / "file/work"), status=1), "work directory", "bad",
         "--workdir")
    lines = doctor(tmp, "--server", NOBODY, "--workdir", str(tmp / "new/work"), status=1)
    says(lines, "work directory", "ok", "a worker makes it")
    expect((tmp / "new").exists(), False)


def test_what_a_killed_worker_left(tmp):
    job = script(tmp, "echo hone: step=3 accuracy=0.5\n")
    with LeaseServer() as server:
        server.fails("result", *[503] * 1000)
        server.grants()
        worker = server.start(tmp, job)
        server.wait_for(lambda: any(kind == "result" for kind, _ in server.calls))
        work = str(tmp / "work")
        says(doctor(tmp, "--server", NOBODY, "--workdir", work, status=1), "undelivered", "ok", "1 runs here")
        worker.kill()
        worker.communicate(timeout=SECONDS)
        before = {path: path.read_bytes() for path in (tmp / "work").rglob("*") if path.is_file()}
        says(doctor(tmp, "--server", NOBODY, "--workdir", work, status=1), "undelivered", "warn", "1 attempt,",
             server.url, "start a worker")
        expect({path: path.read_bytes() for path in (tmp / "work").rglob("*") if path.is_file()}, before)


def test_how_jobs_are_held_together_is_said(tmp):
    lines = doctor(tmp, "--server", NOBODY, status=1)
    says(lines, "cgroups", "ok", "can be made")
    says(lines, "PID namespaces", "ok", "can be made")


def test_for_programs(tmp):
    found = json.loads(run(tmp, "--server", NOBODY, "-o", "json", status=1))
    expect(found[0]["grade"], "bad")
    expect(found[0]["check"], "server")
    lines = run(tmp, "--server", NOBODY, "-o", "ndjson", status=1).splitlines()
    expect([json.loads(line)["check"] for line in lines], [item["check"] for item in found])
    expect(run(tmp, "--server", NOBODY, "-o", "csv", status=1).splitlines()[0], "grade,check,text")
    shown = run(tmp, "--server", NOBODY, "--curl", status=0)
    expect(shown.startswith("curl"), True, shown)


main(globals())
