#!/usr/bin/env python3
"""hone run without a server's name: the private server, started, joined and refused."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main  # noqa: E402
from cli import contains, DEFINITION, HONE, hone, SECONDS, STUDY, TRIAL, with_study  # noqa: E402
from fake_server import FakeServer  # noqa: E402


def test_without_a_server_the_error_says_how_to_get_one(tmp):
    with FakeServer() as server:
        _, talk = hone(server, tmp, "study", "list", HONE_URL="http://127.0.0.1:1", status=5)
        contains(talk, "http://127.0.0.1:1")


FAKE_HONED = """#!/bin/sh
# Stands in for the server: says where the test's fake one listens, and lives on.
echo "$$ $*" >>"$FAKE_LOG"
mkdir -p "$2" && echo tttttttttttttttttttttttttttttttttttttttt >"$2/admin.token"
echo wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww >"$2/worker.token"
: >"$2/hone.db"
echo "honed: listening on $FAKE_URL"
exec sleep 600
"""


class Private:
    """A hone with a honed beside it, and an account without HONE_URL."""

    def __init__(self, server, tmp):
        self.server, self.tmp, self.log = server, tmp, tmp / "started"
        self.hone = tmp / "bin/hone"
        self.hone.parent.mkdir()
        os.link(HONE, self.hone) if os.stat(HONE).st_dev == tmp.stat().st_dev else \
            shutil.copy(HONE, self.hone)
        (tmp / "bin/honed").write_text(FAKE_HONED)
        (tmp / "bin/honed").chmod(0o755)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def pids(self):
        return [int(line.split()[0]) for line in
                (self.log.read_text().splitlines() if self.log.exists() else [])]

    def environment(self):
        kept = self.server.environment(self.tmp, FAKE_URL=self.server.url, FAKE_LOG=str(self.log))
        del kept["HONE_URL"], kept["HONE_TOKEN_FILE"]
        return kept

    def run(self, *arguments, status=0):
        done = subprocess.run([self.hone, *arguments], env=self.environment(), text=True,
                              capture_output=True, timeout=SECONDS, check=False)
        expect(done.returncode, status, done.stdout + done.stderr)
        return done.stdout, done.stderr


RUN = ["run", "digits", *DEFINITION, "--slots", "2", "--", "/bin/true", "{lr}"]


def finished_study(server):
    server.says("POST", "/v1/studies", 201, STUDY)
    with_study(server, state="finished", reason="trials", counts={"completed": 40})
    server.says("GET", "/v1/studies/digits/trials", 200, {"items": [TRIAL], "next_cursor": None})
    none = {"lease": None, "reason": "finished", "detail": "", "retry_after_seconds": 1}
    server.says("POST", "/v1/studies/digits/leases", 200, none)
    server.says("POST", "/v1/leases", 200, none)


def test_run_starts_a_private_server_and_the_next_one_joins_it(tmp):
    with FakeServer() as server, Private(server, tmp) as private:
        finished_study(server)
        out, talk = private.run(*RUN)
        contains(talk, f"started the private server at {server.url}", "finished (trials)",
                 "this was: /bin/true 0.1\n")
        contains(out, "trial        1\naccuracy     0.912345678901\n")
        tokens = {path: headers["Authorization"] for _, path, _, headers in server.requests}
        expect(tokens["/v1/studies"], "Bearer " + "t" * 40)
        expect({token for path, token in tokens.items() if "leases" in path},
               {"Bearer " + "w" * 40})
        started = private.log.read_text()
        contains(started, f"--data {tmp}/state/hone/data --listen 127.0.0.1:0 --idle-exit 600")
        out, talk = private.run(*RUN)
        contains(talk, "joined the private server")
        expect(private.log.read_text(), started, "servers started")


def test_other_verbs_use_the_private_server_and_start_it_again(tmp):
    with FakeServer() as server, Private(server, tmp) as private:
        finished_study(server)
        private.run(*RUN)
        out, talk = private.run("study", "show", "digits", "-o", "name")
        contains(talk, f"using the private server at {server.url}")
        os.kill(private.pids()[0], signal.SIGKILL)
        deadline = time.monotonic() + SECONDS
        while alive(private.pids()[0]) and time.monotonic() < deadline:
            time.sleep(0.02)
        out, _ = private.run("study", "show", "digits", "--curl")
        contains(out, "http://127.0.0.1:4663/v1/studies/digits")  # its old URL is not used any more
        private.run("study", "set", "digits", "--trials", "50", "--dry-run")
        expect(len(private.pids()), 1, "what sends nothing starts nothing")
        _, talk = private.run("study", "best", "digits")
        contains(talk, f"started the private server at {server.url}")
        expect(len(private.pids()), 2, "servers started")


def test_a_study_that_the_private_server_lacks_may_be_at_another(tmp):
    with FakeServer() as server, Private(server, tmp) as private:
        finished_study(server)
        private.run(*RUN)
        server.says("GET", "/v1/studies/other", 404, server.problem(
            "not-found", 'there is no study "other"; GET /v1/studies lists them'))
        _, talk = private.run("study", "show", "other", status=3)
        contains(talk, "the private server was asked: HONE_URL or --server names another")


def alive(pid):
    """A killed one is a zombie until its new parent waits for it."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_many_runs_at_once_start_one_server(tmp):
    with FakeServer() as server, Private(server, tmp) as private:
        finished_study(server)
        runs = [subprocess.Popen([private.hone, *RUN], env=private.environment(), text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                for _ in range(5)]
        said = [run.communicate(timeout=SECONDS)[0] for run in runs]
        expect([run.returncode for run in runs], [0] * 5, said)
        expect(len(private.pids()), 1, "servers started")


def test_a_private_server_that_does_not_start_says_why(tmp):
    with FakeServer() as server, Private(server, tmp) as private:
        (tmp / "bin/honed").write_text("#!/bin/sh\necho 'honed: the disk is full' >&2\nexit 1\n")
        _, talk = private.run(*RUN, status=5)
        contains(talk, "did not start", "the disk is full", "server.log")


def test_a_state_directory_that_others_may_write_is_refused(tmp):
    with FakeServer() as server, Private(server, tmp) as private:
        (tmp / "state/hone").mkdir(parents=True)
        (tmp / "state/hone").chmod(0o777)
        _, talk = private.run(*RUN, status=1)
        contains(talk, "belongs to you alone")


def test_a_server_that_others_may_have_prepared_is_not_believed(tmp):
    with FakeServer() as server, Private(server, tmp) as private:
        finished_study(server)
        private.run(*RUN)
        (tmp / "state/hone").chmod(0o777)
        n_requests = len(server.requests)
        _, talk = private.run("study", "show", "digits", status=1)
        contains(talk, "belongs to you alone")
        expect(len(server.requests), n_requests)


def test_run_checks_the_command_before_it_starts_anything(tmp):
    with FakeServer() as server, Private(server, tmp) as private:
        for command, says in [(["./train", "--lr", "{lr}"], "./train\" was not found"),
                              ([str(tmp), "{lr}"], "is not executable"),
                              (["./train", "--lr", "{lrr}"], "did you mean {lr}?"),
                              (["./train", "{width}"], "add -P width=DOMAIN"),
                              (["./train", "{resource.to}"], "add --resource NAME=MIN..MAX"),
                              (["./train", "{lr"], "no placeholder")]:
            _, talk = private.run("run", "digits", *DEFINITION, "--", *command, status=2)
            contains(talk, says)
        _, talk = private.run("run", "digits", *DEFINITION, "./train", "--lr", "{lr}", status=2)
        contains(talk, "behind ' -- '")
        _, talk = private.run("run", "digits", *DEFINITION, "--metric-regex", "(((", "--", "true",
                              "{lr}", status=2)
        contains(talk, 'the expression "(((" is wrong')
        expect((server.requests, private.pids()), ([], []))


def test_run_does_not_go_on_with_another_definition_or_a_stopped_study(tmp):
    with FakeServer() as server:
        server.says("POST", "/v1/studies", 409, server.problem("study-exists", "trials is 20"))
        _, talk = hone(server, tmp, *RUN, status=4)
        contains(talk, "trials is 20")
        server.answers.clear()
        server.says("POST", "/v1/studies", 200, {**STUDY, "state": "stopped"})
        _, talk = hone(server, tmp, *RUN, status=4)
        contains(talk, "hone study resume digits")


def test_output_that_cannot_be_written_is_a_failure(tmp):
    with FakeServer() as server, open("/dev/full", "w", encoding="utf-8") as full:
        with_study(server)
        done = subprocess.run([HONE, "study", "show", "digits"], env=server.environment(tmp),
                              stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        expect(done.returncode, 1)
        contains(done.stderr, "cannot write the output")


def test_without_standard_streams_no_other_file_takes_their_place(tmp):
    with FakeServer() as server, socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        hone_waits = subprocess.Popen([HONE, "study", "list"], env={**server.environment(tmp), "HONE_URL": url},
                                      preexec_fn=lambda: [os.close(fd) for fd in range(3)])
        try:
            silent.settimeout(SECONDS)
            silent.accept()[0].recv(1)  # its request; the answer does not come
            expect([os.readlink(f"/proc/{hone_waits.pid}/fd/{fd}") for fd in range(3)], ["/dev/null"] * 3)
        finally:
            hone_waits.kill()
            hone_waits.wait()
        with_study(server)
        done = subprocess.run([HONE, "study", "show", "digits"], env=server.environment(tmp),
                              stderr=subprocess.PIPE, text=True, check=False, preexec_fn=lambda: os.close(1))
        expect(done.returncode, 1)  # it was not delivered
        contains(done.stderr, "cannot write the output")


if __name__ == "__main__":
    main(globals())
