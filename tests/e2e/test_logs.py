#!/usr/bin/env python3
"""What jobs print reaches the server and people: byte for byte, in flat memory, and never in the
way of what counts."""

import os
import pathlib
import pty
import subprocess
import sys
import threading
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main  # noqa: E402
from cutting_proxy import CuttingProxy  # noqa: E402
from hone import Server, study, wait_until  # noqa: E402
from lease_server import LeaseServer  # noqa: E402

HONE = os.environ["HONE"]
SECONDS = 120
SANITIZED = b"__asan_init" in pathlib.Path(HONE).read_bytes()


def script(tmp, text):
    path = pathlib.Path(tmp) / "job"
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def shell(tmp, text):
    return script(tmp, "#!/bin/sh\nset -e\necho hone: loss=1 accuracy=1\n" + text)


def python(tmp, text):
    return script(tmp, f"#!{sys.executable}\nimport os, random, sys, time\n"
                       "os.write(1, b'hone: loss=1 accuracy=1\\n')\n" + text)


class Site:
    """A server with a study, and workers of it."""

    def __init__(self, tmp, trials=1, args=()):
        self.tmp, self.server, self.workers = tmp, Server(args=args), []
        self.trials = trials

    def __enter__(self):
        self.server.start()
        self.client = self.server.client()
        reply = self.client.post("/v1/studies", study("s", limits={"trials": self.trials}))
        expect(reply.status, 201)
        return self

    def __exit__(self, *_):
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
            worker.communicate()
        self.client.close()
        self.server.__exit__()

    def environment(self, kind):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HONE_") or k == "HONE_ALLOW_ROOT"}
        return {**kept, "HONE_TOKEN_FILE": f"{self.server.data}/{kind}.token"}

    def start(self, job, *options, url=None):
        worker = subprocess.Popen(
            [HONE, "worker", "--server", url or self.server.url, "--study", "s",
             "--exit-when-finished", "--workdir", str(self.tmp / "work"), *options, "--", job],
            env=self.environment("worker"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        self.workers.append(worker)
        return worker

    def work(self, job, *options, url=None):
        worker = self.start(job, *options, url=url)
        said, _ = worker.communicate(timeout=SECONDS)
        expect(worker.returncode, 0, said)
        return said

    def local(self, trial=1):
        found = list((self.tmp / "work").glob(f"*/s/{trial}/attempt-1.log"))
        expect(len(found), 1, f"logs of trial {trial}")
        return found[0].read_bytes()

    def log(self, trial=1):
        reply = self.client.get(f"/v1/studies/s/trials/{trial}/log")
        expect(reply.status, 200, reply)
        return reply.body

    def log_so_far(self):
        """The same, empty before there is one."""
        reply = self.client.get("/v1/studies/s/trials/1/log")
        return reply.body if reply.status == 200 else b""

    def hone(self, *words, **more):
        return subprocess.run([HONE, words[0], "--server", self.server.url, *words[1:]],
                              env=self.environment("admin"), stdin=subprocess.DEVNULL,
                              timeout=SECONDS, check=False, **more)


# ---- what reaches the server ----

def test_the_server_has_every_byte(tmp):
    job = python(tmp, """
for i in range(40): os.write(1, b"%d%%\\r" % i)         # a progress bar
os.write(1, bytes(range(256)) * 700)                    # no text, and more than a piece
os.write(2, b"no line end\\xff")
""")
    with Site(tmp, trials=3) as site:
        site.work(job)
        for trial in (1, 2, 3):
            expect(site.log(trial) == site.local(trial), True, f"log of trial {trial}")
            assert len(site.log(trial)) > 179000


def test_a_connection_that_is_cut_within_a_piece_costs_no_byte(tmp):
    job = python(tmp, "os.write(1, random.Random(7).randbytes(1 << 20))\n")
    with Site(tmp) as site, CuttingProxy(site.server.port) as proxy:
        proxy.cuts = [100000, 70000, 65537, 30000, 200000, None]
        site.work(job, url=proxy.url)
        assert proxy.n_cut >= 3, proxy.n_cut
        expect(site.log() == site.local(), True, "log")


def test_a_server_that_is_killed_gets_the_rest(tmp):
    job = python(tmp, f"""
os.write(1, random.Random(7).randbytes(300000))
while not os.path.exists("{tmp}/go"): time.sleep(0.01)
os.write(1, b"and the rest\\n")
""")
    with Site(tmp) as site:
        worker = site.start(job)
        wait_until(lambda: len(site.log_so_far()) > 200000, SECONDS, "the first pieces")
        site.server.kill()
        site.server.start()
        (tmp / "go").touch()
        said, _ = worker.communicate(timeout=SECONDS)
        expect(worker.returncode, 0, said)
        site.client = site.server.client()
        expect(site.log() == site.local(), True, "log")


def trial_runs(site):
    return any(trial["state"] == "running" for trial in site.client.walk("/v1/studies/s/trials"))


def peak_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def test_memory_stays_flat_under_much_output(tmp):
    """Without a line end. HONE_TEST_OUTPUT_MIB=1024 is what worker/README.md tells of."""
    mib = int(os.environ.get("HONE_TEST_OUTPUT_MIB", "64"))
    job = python(tmp, f"""
while not os.path.exists("{tmp}/begin"): time.sleep(0.01)
block = random.Random(7).randbytes(1 << 20).replace(b"\\n", b"").replace(b"\\r", b"")
for i in range({mib}): os.write(1, block)
os.write(1, b"the end\\n")
open("{tmp}/printed", "w").close()
while not os.path.exists("{tmp}/go"): time.sleep(0.01)
""")
    with Site(tmp, args=["--log-limit", "2MiB"]) as site:
        worker = site.start(job)
        wait_until(lambda: trial_runs(site), SECONDS, "the trial runs")
        before = peak_kib(worker.pid)
        (tmp / "begin").touch()
        wait_until((tmp / "printed").exists, SECONDS, "all was printed")
        wait_until(lambda: site.log_so_far().endswith(b"the end\n"), SECONDS, "the end at the server")
        grown = peak_kib(worker.pid) - before
        (tmp / "go").touch()
        worker.communicate(timeout=SECONDS)
        local, sent = site.local(), site.log()
        head, _, rest = sent.partition("\n… ".encode())
        tail = rest.partition(" bytes left out …\n".encode())[2]
        expect(head == local[:1 << 20], True, "the beginning")
        assert len(tail) >= 65536 and local.endswith(tail), len(tail)
        assert len(sent) <= (2 << 20) + 64, len(sent)
        print(f"{mib} MiB printed: the worker grew by {grown} KiB from {before} KiB")
        if not SANITIZED:
            assert grown <= 2 << 10, f"{grown} KiB"


# ---- in nobody's way ----

def test_nothing_is_sent_where_that_is_not_wanted(tmp):
    with LeaseServer() as server:
        server.grants()
        server.work(tmp, shell(tmp, "echo text\n"), options=["--no-log-upload"])
        expect(server.log_calls, [])
        expect(len(server.results), 1)


def test_an_old_server_is_asked_once_and_nothing_is_said(tmp):
    with LeaseServer() as server:
        server.fails("log", (404, "not-found"), (404, "not-found"))
        for _ in range(3):
            server.grants()
        said = server.work(tmp, shell(tmp, "echo text\n"))
        expect(len(server.faults["log"]), 1, "answers left")
        expect(server.log_calls, [])
        expect(len(server.results), 3)
        assert "log" not in said, said


def test_a_server_that_has_no_room_costs_the_log_alone(tmp):
    with LeaseServer() as server:
        server.fails("log", *[(503, "storage-full", 30)] * 3)
        server.grants()
        server.work(tmp, shell(tmp, "echo text\n"))
        expect([result["outcome"] for _, result in server.results], ["completed"])
        expect(server.log_calls, [])


def test_a_log_waits_for_what_counts(tmp):
    """While the server does not take a measurement, nothing of the log is sent."""
    with LeaseServer() as server:
        server.fails("measure", 503, 503)
        server.grants()
        server.work(tmp, shell(tmp, "echo text\n"))
        expect(server.logs[1].decode().splitlines()[-1], "text")
        expect([kind for kind, _ in server.calls if kind != "ask"],
               ["measure", "measure", "measure", "result"])
        expect(server.log_calls[-1][3], True, "said that it is the end")
        expect({measured for *_, measured in server.log_calls}, {3}, "when the log was sent")


# ---- what people see ----

def test_a_person_follows_a_log_to_its_end(tmp):
    job = shell(tmp, f"echo begun\nwhile [ ! -e {tmp}/go ]; do sleep 0.01; done\necho ended\n")
    with Site(tmp) as site:
        worker = site.start(job)
        wait_until(lambda: b"begun" in site.log_so_far(), SECONDS, "a log")
        follower = subprocess.Popen([HONE, "logs", "-f", "--server", site.server.url, "s", "1"],
                                    env=site.environment("admin"), stdout=subprocess.PIPE)
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(follower.stdout))
        reader.start()
        wait_until(lambda: b"begun\n" in lines, SECONDS, "the first line on the screen")
        (tmp / "go").touch()
        worker.communicate(timeout=SECONDS)
        expect(follower.wait(SECONDS), 0)
        reader.join()
        follower.stdout.close()
        expect(lines, [b"hone: loss=1 accuracy=1\n", b"begun\n", b"ended\n"])


def keepalive_seconds(pid, port):
    """When the process's connection to the port is probed next, if nothing comes; None: it is not."""
    inodes = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    with open(f"/proc/{pid}/net/tcp", encoding="ascii") as table:
        for line in table.readlines()[1:]:
            fields = line.split()
            timer, left = fields[5].split(":")
            if int(fields[2].split(":")[1], 16) == port and f"socket:[{fields[9]}]" in inodes and timer == "02":
                return int(left, 16) / os.sysconf("SC_CLK_TCK")
    return None


def test_who_follows_asks_whether_the_host_is_there(tmp):
    """One that has gone without a word, as in a power cut, is else waited for without end."""
    with Site(tmp) as site:
        site.start(shell(tmp, f"while [ ! -e {tmp}/go ]; do sleep 0.05; done\n"))
        wait_until(lambda: b"accuracy" in site.log_so_far(), SECONDS, "the log")
        follower = subprocess.Popen([HONE, "logs", "-f", "--server", site.server.url, "s", "1"],
                                    env=site.environment("admin"), stdout=subprocess.PIPE)
        site.workers.append(follower)
        follower.stdout.readline()
        left = wait_until(lambda: keepalive_seconds(follower.pid, site.server.port), SECONDS, "it asks")
        assert left <= 20, left
        pathlib.Path(tmp, "go").touch()
        follower.communicate(timeout=SECONDS)


def test_who_follows_goes_on_over_restarts(tmp):
    """By a stop and by a kill, in the middle of a piece's line, with a middle that was left out."""
    job = python(tmp, f"""
os.write(1, random.Random(7).randbytes(200000) + b"begun\\n")
for word in ("stopped", "killed"):
    while not os.path.exists(f"{tmp}/{{word}}"): time.sleep(0.01)
    os.write(1, word.encode() * 1000 + b"\\n")
""")
    with Site(tmp, args=["--log-limit", "64KiB"]) as site:
        worker = site.start(job)
        wait_until(lambda: site.log_so_far().endswith(b"begun\n"), SECONDS, "a log")
        begin, shown = site.log(), tmp / "shown"
        assert b"bytes left out" in begin
        with open(shown, "wb") as out:
            follower = subprocess.Popen([HONE, "logs", "-f", "--server", site.server.url, "s", "1"],
                                        env=site.environment("admin"), stdout=out, stderr=subprocess.PIPE)
        site.workers.append(follower)
        for end, word in ((site.server.stop, b"stopped"), (site.server.kill, b"killed")):
            wait_until(lambda: shown.read_bytes() == begin, SECONDS, f"all until {word}")
            end()
            site.server.start()
            site.client = site.server.client()
            (tmp / word.decode()).touch()
            begin += word * 1000 + b"\n"
        worker.communicate(timeout=SECONDS)
        _, said = follower.communicate(timeout=SECONDS)
        expect((follower.returncode, said), (0, b""))
        expect(shown.read_bytes() == begin, True, "what was shown")


class LogServer(LeaseServer):
    """Answers who asks for a log with these bytes."""

    log_body = b""

    def answer(self, method, path, text, headers):
        if urllib.parse.urlsplit(path).path.endswith("/trials/1/log"):
            return 200, self.log_body, {"Content-Type": "text/plain"}
        return super().answer(method, path, text, headers)


def test_a_broken_answer_is_no_whole_log(tmp):
    """Without -f nothing is tried again, and the status says that something is missing."""
    with LogServer() as server:
        for body, status, shown in ((b"piece 1 3 3\nabcend\n", 0, b"abc"), (b"piece 1 3 3\nabc", 5, b"abc"),
                                    (b"piece 1 3 4\nabc", 5, b""), (b"piece 1", 5, b""), (b"", 5, b""),
                                    (b"abc\n", 1, b""), (b"piece 1 3 99999999\nabc", 1, b"")):
            server.log_body = body
            done = subprocess.run([HONE, "logs", "s", "1"], check=False, stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=SECONDS, env=server.environment(tmp))
            expect((done.returncode, done.stdout), (status, shown), f"{body} {done.stderr}")


def on_a_terminal(site, *words):
    """What the program writes to a terminal."""
    ours, theirs = pty.openpty()
    site.hone(*words, stdout=theirs)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:
        pass
    os.close(ours)
    return shown


def test_nothing_in_a_log_commands_a_terminal(tmp):
    job = python(tmp, r"""os.write(1, b"1%\r2%\n\x1b]0;title\x07\xc2\x9b\xffend\n")""" + "\n")
    with Site(tmp) as site:
        site.work(job)
        raw = b"1%\r2%\n\x1b]0;title\x07\xc2\x9b\xffend\n"
        expect(site.hone("logs", "s", "1", stdout=subprocess.PIPE).stdout,
               b"hone: loss=1 accuracy=1\n" + raw)
        expect(on_a_terminal(site, "logs", "--tail", "2", "s", "1"),
               b"1%\r\n2%\r\n\\x1b]0;title\\x07\\u009b\\xffend\r\n")
        expect(on_a_terminal(site, "logs", "--tail", "1", "--raw", "s", "1"),
               b"\x1b]0;title\x07\xc2\x9b\xffend\r\n")


def test_a_log_that_is_not_there_is_said(tmp):
    with Site(tmp) as site:
        for words, said in ((["s", "1"], b"no such trial"), (["other", "1"], b"no study"),
                            (["s"], b"say which trial"),
                            (["s", "1", "--tail", "x"], b"--tail takes a number")):
            done = site.hone("logs", *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            assert done.returncode != 0, words
            assert said in done.stderr, (words, done.stderr)


if __name__ == "__main__":
    main(globals())
