#!/usr/bin/env python3
"""deploy/container: a server and two workers of one image, by podman."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import private  # noqa: E402
private.enter()
import image  # noqa: E402
from cases import NotRun, expect, main  # noqa: E402
from hone import Client, study, wait_until  # noqa: E402

SECONDS = 60  # a bound against hanging
PROGRAMS = {"server/honed": os.environ["HONED"], "worker/hone": os.environ["HONE"]}
HARDENED = ["--read-only", "--cap-drop=all", "--security-opt=no-new-privileges",
            "--env=ASAN_OPTIONS=detect_leaks=0"]


def test_the_readme_names_every_library_of_the_client(tmp):
    if shutil.which("readelf") is None or shutil.which("dpkg-query") is None:
        raise NotRun("readelf or dpkg-query is not installed")
    said = subprocess.run(["readelf", "-d", PROGRAMS["worker/hone"]], capture_output=True, text=True,
                          check=True).stdout
    needed = set(re.findall(r"NEEDED.*\[(.*)\]", said)) - {"libc.so.6", "libm.so.6"}
    needed = {name for name in needed if not re.match("lib(a|ub|t)san", name)}
    paths = [path for name in needed for path in image.libraries(PROGRAMS["worker/hone"])
             if path.endswith("/" + name)]
    files = ["*/" + os.path.basename(os.path.realpath(path)) for path in paths]
    owners = set(subprocess.run(["dpkg-query", "-S", *files],  # in /lib or in /usr/lib
                                capture_output=True, text=True, check=True).stdout.replace(
                                    ":amd64", "").split())
    readme = (ROOT / "deploy/container/README.md").read_text()
    packages = {word.rstrip(":") for word in owners if word.endswith(":")}
    assert len(packages) >= 4, packages
    # these come with libcurl3-gnutls and libncursesw6
    expect({name for name in packages if name not in readme} - {"libgnutls30", "libtinfo6"}, set())


def processes_of(podman, container):
    return podman("inspect", "-f", "{{.State.Pid}}", container)


def test_a_server_and_two_workers_of_one_image(tmp):
    if image.why_not() or private.why_no_other_root():
        raise NotRun(image.why_not() or private.why_no_other_root())
    tmp.chmod(0o711)
    with image.Podman(tmp / "podman") as podman:
        name = podman.build(ROOT / "deploy/container/Containerfile", ROOT, PROGRAMS)
        podman("run", "-d", "--name=server", *HARDENED, "-v", "data:/data", name,
               "honed", "--data", "/data", "--listen", "127.0.0.1:0")
        url = wait_until(lambda: next((word for word in podman.logs("server").split()
                                       if word.startswith("http://")), None), SECONDS, "it serves")
        pid = processes_of(podman, "server")
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        expect(facts["Uid"].split()[0], "65532")
        expect((facts["CapEff"], facts["NoNewPrivs"]), ("0000000000000000", "1"))
        token = podman("exec", "server", "cat", "/data/admin.token")
        with Client(url, token) as client:
            expect(client.post("/v1/studies", study("s", limits={"trials": 8})).status, 201)
            for worker in "ab":
                podman("run", "-d", f"--name={worker}", *HARDENED, "-v", "data:/data:ro",
                       "-e", f"HONE_URL={url}", "-e", "HONE_TOKEN_FILE=/data/worker.token", name,
                       "hone", "worker", "--study", "s", "--name", worker, "--exit-when-finished",
                       "--", "sh", "-c", "sleep 0.1; echo hone: loss=$1", "job", "{x}")
            for worker in "ab":
                expect(podman("wait", worker), "0", podman.logs(worker))
            found = client.get("/v1/studies/s").json
            expect((found["state"], found["counts"]["completed"]), ("finished", 8))
            check_stop_of_a_worker(podman, client, name, url)
            refused = podman("run", "--rm", *HARDENED, name, "sh", "-c",
                             "true 2>/dev/null >/usr/x || echo read-only")
            expect(refused, "read-only")
        podman("stop", "-t", "30", "server")
        expect(podman("inspect", "-f", "{{.State.ExitCode}}", "server"), "0", "stopped cleanly")


def check_stop_of_a_worker(podman, client, name, url):
    """As the first process of its container: the trial is handed back, at once."""
    expect(client.post("/v1/studies", study("t", limits={"trials": 1})).status, 201)
    podman("run", "-d", "--name=c", *HARDENED, "-v", "data:/data:ro", "-e", f"HONE_URL={url}",
           "-e", "HONE_TOKEN_FILE=/data/worker.token", name, "hone", "worker", "--study", "t",
           "--name", "c", "--", "sh", "-c", "setsid sleep 1000 & sleep 1000")
    wait_until(lambda: client.get("/v1/studies/t").json["counts"]["running"] == 1, SECONDS, "it runs")
    podman("stop", "-t", "40", "c")
    expect(podman("inspect", "-f", "{{.State.ExitCode}}", "c"), "0", podman.logs("c"))
    expect(client.get("/v1/studies/t").json["counts"]["queued"], 1, "trials handed back")
    ends = client.get("/v1/studies/t/trials/1/attempts").json["items"]
    assert ends[0]["state"] in ("released", "preempted"), json.dumps(ends)


if __name__ == "__main__":
    main(globals())
