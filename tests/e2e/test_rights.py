#!/usr/bin/env python3
"""What a worker lets its server and its jobs do: its account, its environment, its token, its files."""

import os
import pathlib
import shutil
import socketserver
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main, NotRun, script  # noqa: E402
from hone import Server, wait_until  # noqa: E402
from lease_server import LeaseServer, Stranger  # noqa: E402

HONE = os.environ["HONE"]
SECONDS = 60
OTHER_TOKEN = "u" * 43


# ---- root ----

def test_root_must_be_meant(tmp):
    if os.geteuid() != 0:
        raise NotRun("this is not root")
    with LeaseServer() as server:
        def worker(*options, **environment):
            return subprocess.run(
                [HONE, "worker", "--study", "digits", "--exit-when-finished", "--workdir",
                 str(tmp / "work"), *options, "--", "true"], text=True, capture_output=True,
                env={**server.environment(tmp), "HONE_ALLOW_ROOT": "", **environment},
                timeout=SECONDS, check=False)
        for environment in ({}, {"HONE_ALLOW_ROOT": "0"}):
            done = worker(**environment)
            expect((done.returncode, len(server.asks)), (2, 0), done)
            assert "this is root" in done.stderr and "--allow-root" in done.stderr, done
        expect(worker("--allow-root").returncode, 0)
        expect(worker(HONE_ALLOW_ROOT="1").returncode, 0)
        expect(len(server.asks), 2)
        done = subprocess.run([HONE, "worker", "--try", "--", "sh", "-c", "echo hone: loss=1"],
                              env={"PATH": os.environ["PATH"]}, capture_output=True, text=True,
                              timeout=SECONDS, check=False)
        expect(done.returncode, 0, done)  # what is tried is the owner's own command


# ---- the environment of a job ----

MINE = {"AWS_KEY": "k", "CONDA_PREFIX": "/opt/c", "LC_NUMERIC": "C", "SLURM_JOB_PARTITION": "low",
        "CREDENTIALS_DIRECTORY": "/run/credentials/x", "NOTIFY_SOCKET": "/run/n",
        "HONE_PROXY": "", "WATCHDOG_USEC": "1"}


def job_environment(tmp, *options, **more):
    """What the job found, of its variables that are listed here."""
    job = script(tmp, f"env >{tmp}/environment\necho hone: accuracy=1\n")
    with LeaseServer() as server:
        server.grants()
        server.work(tmp, job, options=list(options), **MINE, **more)
    found = dict(line.split("=", 1) for line in
                 (tmp / "environment").read_text().splitlines() if "=" in line)
    assert not [name for name in found if "TOKEN" in name], found
    assert "PATH" in found and found["HONE_TRIAL"] == "1", found
    return {name: value for name, value in found.items() if name in MINE or name == "MODE"}


def test_a_job_inherits_all_but_what_is_secret(tmp):
    kept = {name: MINE[name] for name in ("AWS_KEY", "CONDA_PREFIX", "LC_NUMERIC",
                                          "SLURM_JOB_PARTITION")}
    expect(job_environment(tmp), kept)
    expect(job_environment(tmp, "--env", "MODE=a b=c", "--env", "AWS_KEY=other"),
           {**kept, "MODE": "a b=c", "AWS_KEY": "other"})


def test_a_clean_environment_has_what_is_listed(tmp):
    basic = {name: MINE[name] for name in ("LC_NUMERIC", "SLURM_JOB_PARTITION")}
    expect(job_environment(tmp, "--clean-env"), basic)
    expect(job_environment(tmp, "--clean-env", "--env", "CONDA_PREFIX", "--env", "MODE=1", "--env",
                           "NO_SUCH"), {**basic, "CONDA_PREFIX": "/opt/c", "MODE": "1"})
    expect(job_environment(tmp, "--clean-env", "--env", "AWS_*"), {**basic, "AWS_KEY": "k"})


def test_the_variables_of_the_worker_are_its_own(tmp):
    for given in ("HONE_TOKEN_FILE", "HONE_TRIAL=7", "HONE_*", "*", "=x", "", "1=2"):
        done = subprocess.run([HONE, "worker", "--study", "s", "--env", given, "--", "true"],
                              capture_output=True, text=True, timeout=SECONDS, check=False)
        expect(done.returncode, 2, (given, done))
        assert f"--env {given}: " in done.stderr, done


# ---- a hostile server ----

HOSTILE = {"LD_PRELOAD": "/tmp/evil.so", "PATH": "/tmp/evil", "BASH_ENV": "/tmp/evil.sh",
           "lr": "-rf", "sub": "$(touch {tmp}/pwned)", "back": "`touch {tmp}/pwned`",
           "semi": "; touch {tmp}/pwned", "nl": "a\n--force", "up": "../../etc/passwd",
           "opt": "--config=/etc/passwd"}


def test_values_stay_whole_arguments_and_names_stay_prefixed(tmp):
    """A value is a whole argument, even one that looks like an option; a name is never a variable
    that a program or its loader obeys."""
    values = {name: value.replace("{tmp}", str(tmp)) for name, value in HOSTILE.items()}
    job = script(tmp, f"""
printf '%s\\0' "$@" >{tmp}/arguments
env -0 >{tmp}/environment
echo hone: accuracy=1
""")
    with LeaseServer() as server:
        server.grants(values)
        server.work(tmp, job, "{lr}", "--lr={lr}", "{sub}", "{back}{semi}", "{nl}", "{up}", "{opt}",
                    "{args}", options=["--env", "BASH_ENV="])
    arguments = (tmp / "arguments").read_text().split("\0")[:-1]
    expect(arguments[:7], ["-rf", "--lr=-rf", values["sub"], values["back"] + values["semi"],
                           values["nl"], values["up"], values["opt"]])
    expect(arguments[7:], [f"--{name}={value}" for name, value in values.items()])
    found = dict(item.split("=", 1) for item in
                 (tmp / "environment").read_text().split("\0") if item)
    assert "LD_PRELOAD" not in found or "evil" not in found["LD_PRELOAD"], found
    expect((found["PATH"], found["BASH_ENV"]), (os.environ["PATH"], ""))
    expect((found["HONE_PARAM_LD_PRELOAD"], found["HONE_PARAM_PATH"]), ("/tmp/evil.so", "/tmp/evil"))
    assert not (tmp / "pwned").exists()


# Grants that a worker must not act upon: what is changed.
FORGED = {
    "a study that leads elsewhere": {"study": "../../../outside"},
    "a study with a slash": {"study": "a/b"},
    "a negative number": {"number": -1},
    "a number that is a path": {"number": "../../outside"},
    "an attempt that is a path": {"attempt": "../1"},
}


def test_a_grant_whose_names_lead_elsewhere_is_not_run(tmp):
    job = script(tmp, f"touch {tmp}/ran\necho hone: accuracy=1\n")
    for what, more in FORGED.items():
        with LeaseServer() as server:
            server.grants(**more)  # again and again
            worker = server.start(tmp, job)
            server.wait_for(lambda: len(server.asks) >= 2)
            worker.terminate()
            said, _ = worker.communicate(timeout=SECONDS)
            expect((worker.returncode, server.results, (tmp / "ran").exists()), (0, [], False),
                   (what, said))
            assert "cannot be read" in said, (what, said)
        expect(sorted(path.name for path in tmp.iterdir()), ["job.sh", "token", "work"], what)


def test_only_what_is_in_the_work_directory_is_deleted(tmp):
    outside = tmp / "outside" / "checkpoint"
    outside.mkdir(parents=True)
    (outside / "weights").write_text("mine")
    (tmp / "work").mkdir()
    (tmp / "work" / "link").symlink_to(outside)
    uris = [str(outside), f"file://{outside}", str(tmp / "work" / ".." / "outside" / "checkpoint"),
            str(tmp / "work" / "link"), str(tmp / "work"), "/", "", ".", "-rf", "x" * 100000]
    with LeaseServer() as server:
        server.grants(discard=uris)
        server.work(tmp, script(tmp, "echo hone: accuracy=1\n"))
        expect(len(server.results), 1)
    expect((outside / "weights").read_text(), "mine")
    assert (tmp / "work").is_dir()


def test_a_checkpoint_elsewhere_is_not_taken(tmp):
    """Else a server could have any directory that the worker may read copied to where a job writes."""
    for uri in ("/etc", "file:///etc", f"{tmp}/work{'/..' * 4}/etc"):
        with LeaseServer() as server:
            server.grants(resource=(3, 5), checkpoint={"uri": uri, "step": 3, "reach": "any"})
            said = server.work(tmp, script(tmp, f"ls $HONE_CHECKPOINT_DIR >{tmp}/seen\n"
                                                "echo hone: step=5 accuracy=1\n"))
            assert "its checkpoint is not here" in said, said
        expect((tmp / "seen").read_text(), "", uri)


class Endless(socketserver.BaseRequestHandler):
    """Says the first of its answers for ever."""

    def handle(self):
        try:
            self.request.recv(65536)
            self.request.sendall(self.server.head)
            while not self.server.over:
                self.request.sendall(self.server.more)
        except OSError:
            self.server.hung_up.set()


ENDLESS = {
    "a body": (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"lease\": \"", b"x" * 65536),
    "a body in chunks": (b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n",
                         b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    "a head": (b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"y" * 8000 + b"\r\n"),
}


def test_an_answer_without_end_is_given_up(tmp):
    for what, (head, more) in ENDLESS.items():
        with LeaseServer() as lease_server, \
                socketserver.ThreadingTCPServer(("127.0.0.1", 0), Endless) as server:
            server.daemon_threads = True
            server.head, server.more, server.over = head, more, False
            server.hung_up = threading.Event()
            thread = threading.Thread(target=server.serve_forever, args=(0.02,))
            thread.start()
            worker = lease_server.start(
                tmp, "true", HONE_URL=f"http://127.0.0.1:{server.server_address[1]}")
            try:
                assert server.hung_up.wait(SECONDS), f"{what}: the worker reads on"
                expect(worker.poll(), None, what)  # and asks again
            finally:
                server.over = True
                worker.terminate()
                worker.communicate(timeout=SECONDS)
                server.shutdown()
                thread.join()


def test_a_redirect_is_not_followed(tmp):
    with LeaseServer() as elsewhere, LeaseServer() as server:
        elsewhere.grants()
        redirect = Stranger(307, b"")
        redirect.headers = {"Location": f"{elsewhere.url}/v1/leases"}
        server.fails("ask", redirect)
        said = server.work(tmp, "true")
        expect((elsewhere.asks, len(server.asks)), ([], 2), said)


# ---- TLS ----

def certificate(folder, name, *more):
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / f"{name}.key",
                    "-out", folder / f"{name}.pem", *more], check=True, capture_output=True)
    return folder / f"{name}.pem"


def workers(environment, authority):
    """The names of those that the server knows."""
    admin = environment["HONE_TOKEN_FILE"].replace("worker.token", "admin.token")
    done = subprocess.run([HONE, "workers", "--ca-file", authority, "-o", "name"], text=True,
                          env={**environment, "HONE_TOKEN_FILE": admin}, capture_output=True,
                          timeout=SECONDS, check=False)
    expect(done.returncode, 0, done)
    return done.stdout


def test_a_server_that_cannot_prove_who_it_is_gets_nothing(tmp):
    """The system's authorities do not know it, nor does another one; the one that is named does."""
    if shutil.which("openssl") is None:
        raise NotRun("openssl is not installed")
    own, other = certificate(tmp, "own"), certificate(tmp, "other")
    with Server(args=["--tls-cert", str(own), "--tls-key", str(tmp / "own.key")]) as server:
        environment = {"PATH": os.environ["PATH"], "HONE_URL": server.url, "HONE_ALLOW_ROOT": "1",
                       "HONE_TOKEN_FILE": str(pathlib.Path(server.data) / "worker.token")}

        def worker(*options):
            return subprocess.Popen(
                [HONE, "worker", "--study", "s", "--exit-when-idle", "0.5", "--workdir",
                 str(tmp / "work"), *options, "--", "true"], env=environment, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for options in ([], ["--ca-file", str(other)]):
            said, _ = worker(*options).communicate(timeout=SECONDS)
            assert "no trusted connection to https://" in said and "--ca-file" in said, said
        environment["HONE_URL"] = server.url.replace("127.0.0.1", "localhost")
        said, _ = worker("--ca-file", str(own)).communicate(timeout=SECONDS)
        assert "call the server by a name that is in its certificate" in said, said
        assert "--ca-file" not in said, said
        environment["HONE_URL"] = server.url
        expect(workers(environment, own), "", "workers that have asked")
        said, _ = worker("--ca-file", str(own), "--name", "w7").communicate(timeout=SECONDS)
        assert "no trusted connection" not in said, said
        expect(workers(environment, own), "w7:0\n", "workers that have asked")


# ---- the token ----

BEATS = """
trap 'exit 0' TERM
echo hone: accuracy=1
while [ ! -e {tmp}/go ]; do sleep 0.02; done
"""


def test_a_token_that_was_exchanged_is_read_again(tmp):
    with LeaseServer() as server:
        server.nothing = "waiting"
        server.grants(heartbeat=1)
        worker = server.start(tmp, script(tmp, BEATS.replace("{tmp}", str(tmp))),
                              options=["--slots", "2"])
        server.wait_for(lambda: server.measured and len(server.asks) >= 2)
        (tmp / "token").write_text(OTHER_TOKEN + "\n")
        server.token = OTHER_TOKEN
        server.wait_for(lambda: len(server.beats) >= 2)
        server.nothing = "finished"
        (tmp / "go").touch()
        said, _ = worker.communicate(timeout=SECONDS)
        expect((worker.returncode, [body["outcome"] for _, body in server.results]),
               (0, ["completed"]), said)
        expect(said.count("has another one by now"), 1, said)
        assert OTHER_TOKEN not in said, said


def test_a_token_that_was_revoked_stops_the_job_and_says_what_to_do(tmp):
    with LeaseServer() as server:
        server.grants(heartbeat=1)
        worker = server.start(tmp, script(tmp, f"echo $$ >{tmp}/pid\n"
                                          + BEATS.replace("{tmp}", str(tmp))))
        server.wait_for(lambda: server.measured)
        server.token = OTHER_TOKEN
        said, _ = worker.communicate(timeout=SECONDS)
        expect((worker.returncode, server.results), (1, []), said)
        assert "hone token create NAME --scope worker" in said and f"{tmp}/token" in said, said
    pid = int((tmp / "pid").read_text())
    wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), SECONDS, "the end of the job")


main(globals())
