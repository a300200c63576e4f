#!/usr/bin/env python3
"""The package of deploy/static where there is nothing else: a root folder that holds only what was
unpacked and a static training program. HONE_STATIC_TARBALL names the package; HONE_STATIC_ROOTS, if
set, root folders of distributions that are to be tried as well (a:b:c).

The programs of a package for another architecture are run by qemu-user-static: in their places stand
small programs of this architecture, which start qemu with them, so the kernel needs no binfmt."""

import os
import pathlib
import pty
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import tarfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import private  # noqa: E402
private.enter()
from cases import NotRun, expect, main, wait_until  # noqa: E402

TARBALL = os.environ.get("HONE_STATIC_TARBALL", "")
ARCH = re.sub(r".*-linux-(\w+)\.tar\.gz", r"\1", TARBALL)
IS_FOREIGN = ARCH != os.uname().machine
SECONDS = 120
LAUNCHER = r"""
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    char **words = calloc(argc + 4, sizeof *words);
    words[0] = "/qemu";
    words[1] = "-0";
    words[2] = argv[0];
    words[3] = PROGRAM;
    for (int i = 1; i < argc; i++) {
        words[i + 3] = argv[i];
    }
    execv(words[0], words);
    return 127;
}
"""
TRAIN = r"""
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    double x = atof(argv[argc - 1]);
    for (int step = 1; step <= 3; step++) {
        printf("hone: step=%d loss=%.6f\n", step, (x - 1) * (x - 1) + 1.0 / step);
        fflush(stdout);
    }
    return 0;
}
"""


def unpack(root):
    """The package as /hone below `root`."""
    if not TARBALL:
        raise NotRun("HONE_STATIC_TARBALL names no package")
    with tarfile.open(TARBALL) as tar:
        folder = tar.getnames()[0]
        tar.extractall(root)
    os.rename(root / folder, root / "hone")
    if IS_FOREIGN:
        emulate(root)


def compile_static(text, program, *options):
    subprocess.run(["gcc", "-static", "-O1", "-xc", "-o", program, *options, "-"], input=text, text=True, check=True)


def emulate(root):
    qemu = shutil.which(f"qemu-{ARCH}-static")
    if qemu is None:
        raise NotRun(f"qemu-{ARCH}-static is not installed")
    shutil.copy(qemu, root / "qemu")
    for name in ("hone", "honed"):
        program = root / "hone/bin" / name
        program.rename(f"{program}.elf")
        compile_static(LAUNCHER, program, f'-DPROGRAM="/hone/bin/{name}.elf"')


class Root:
    """A root folder; the kernel's /proc and /dev in it, as every container has them, or not even those."""

    def __init__(self, path, kernel=True):
        self.path, self.kernel, self.mounts = path, kernel, []

    def __enter__(self):
        self.path.mkdir(exist_ok=True)
        unpack(self.path)
        compile_static(TRAIN, self.path / "train")
        if self.kernel:
            for name in ("proc", "dev"):
                (self.path / name).mkdir(exist_ok=True)
                subprocess.run(["mount", "--rbind", f"/{name}", self.path / name], check=True)
                self.mounts.append(self.path / name)
        return self

    def __exit__(self, *_):
        for mount in self.mounts:
            subprocess.run(["umount", "-l", mount], check=True)

    def command(self, program, *words):
        return [shutil.which("chroot"), self.path, f"/hone/bin/{program}", *words]

    def run(self, *words, program="hone", env=None, timeout=SECONDS):
        return subprocess.run(self.command(program, *words), capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=timeout,
                              env={"HOME": "/home", "HONE_ALLOW_ROOT": "1", **(env or {})})

    def put(self, name, text):
        path = self.path / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class Server:
    """honed in the root; .port after its start."""

    def __init__(self, root, *words):
        self.process = subprocess.Popen(
            root.command("honed", "--data", "/data", "--listen", "127.0.0.1:0", "--open", *words),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={"HONE_ALLOW_ROOT": "1"})
        self.said, self.port = [], None
        threading.Thread(target=self.read, daemon=True).start()
        wait_until(lambda: self.port or self.process.poll() is not None, "the server listens", SECONDS)
        assert self.port, self.said

    def read(self):
        for line in self.process.stdout:
            self.said.append(line)
            found = re.search(r"https?://127\.0\.0\.1:(\d+)", line)
            self.port = self.port or (found and int(found.group(1)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        expect(self.process.wait(SECONDS), 0, "the server's end")


def tune(root, env=None):
    """hone run with a private server, to the end."""
    done = root.run("run", "first", "--minimize", "loss", "-P", "x=float:-5..5", "--trials", "12",
                    "--slots", "2", "--", "/train", "{x}", env=env)
    expect(done.returncode, 0, done.stdout + done.stderr)
    best = root.run("study", "best", "first")
    expect(best.returncode, 0, best.stderr)
    assert re.search(r"loss", best.stdout), best.stdout


def test_programs_are_static_and_say_their_version(tmp):
    with Root(tmp / "root", kernel=False) as root:
        for program in ("hone", "honed"):
            path = root.path / "hone/bin" / (program + (".elf" if IS_FOREIGN else ""))
            said = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True, check=True).stdout
            assert "INTERP" not in said, said
            stack = re.search(r"GNU_STACK\s+\S+ \S+ \S+ \S+ (0x[0-9a-f]+) +RW ", said)
            expect(int(stack.group(1), 16), 8 << 20, "stack of threads")
            done = root.run("--version", program=program)
            expect(done.returncode, 0, done.stderr)


def test_a_study_is_tuned_to_the_end_where_there_is_nothing(tmp):
    with Root(tmp / "root") as root:
        tune(root)


def test_no_proc_and_no_dev_are_told(tmp):
    """Not even what the kernel gives: a sentence, not a crash."""
    with Root(tmp / "root", kernel=False) as root:
        done = root.run("run", "first", "--minimize", "loss", "-P", "x=float:-5..5", "--trials", "2",
                        "--", "/train", "{x}", timeout=60)
        assert done.returncode >= 0, "ended by a signal"
        assert done.returncode == 0 or done.stderr.strip(), done


def test_distributions(tmp):
    roots = [pathlib.Path(name) for name in os.environ.get("HONE_STATIC_ROOTS", "").split(":") if name]
    if not roots:
        raise NotRun("HONE_STATIC_ROOTS names no root folder")
    for given in roots:
        copy = tmp / given.name
        shutil.copytree(given, copy, symlinks=True, ignore=lambda folder, names:
                        [n for n in names if (pathlib.Path(folder) / n).is_block_device()
                         or (pathlib.Path(folder) / n).is_char_device()])
        with Root(copy) as root:
            tune(root)
            print("tuned in", given.name)


# ---- names ----

class NameServer(threading.Thread):
    """Answers A questions for one name on 127.0.0.1:53, by UDP; everything else does not exist."""

    def __init__(self, name):
        super().__init__(daemon=True)
        self.wanted = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
        self.asked = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.start()

    def run(self):
        while True:
            packet, peer = self.socket.recvfrom(512)
            end = packet.index(b"\0", 12) + 1
            name, (kind,) = packet[12:end], struct.unpack(">H", packet[end:end + 2])
            known = name.lower() == self.wanted
            self.asked += known
            answers = known and kind == 1
            head = packet[:2] + struct.pack(">HHHHH", 0x8180 if known else 0x8183, 1, answers, 0, 0)
            record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([127, 0, 0, 1])
            self.socket.sendto(head + packet[12:end + 4] + (record if answers else b""), peer)


def test_names_are_asked_of_the_name_server_and_of_hosts(tmp):
    if not private.is_private():
        raise NotRun("no namespaces of its own: port 53 is not ours")
    """honed answers to one name alone; that it refuses another one shows that the name was found."""
    with Root(tmp / "root") as root, Server(root, "--host", "honed.example.test") as server:
        names = NameServer("honed.example.test")

        def ask(name):
            return root.run("study", "list", "--server", f"http://{name}:{server.port}")
        root.put("/etc/resolv.conf", "nameserver 127.0.0.1\nsearch example.test\n")
        done = ask("honed.example.test")
        expect(done.returncode, 0, done.stderr)
        done = ask("honed")  # through the search list
        assert "does not answer to the name" in done.stderr, done.stderr
        assert names.asked >= 2, names.asked
        done = ask("nowhere.example.test")
        assert done.returncode != 0 and "resolve host" in done.stderr, done.stderr
        root.put("/etc/hosts", "127.0.0.1 tuner\n")
        asked = names.asked
        done = ask("tuner")
        assert "does not answer to the name" in done.stderr, done.stderr
        expect(names.asked, asked, "the name server was not needed")


# ---- certificates ----

def make_certificates(tmp):
    """An authority, a certificate of it for localhost, and one that nobody signed."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=tmp, check=True, capture_output=True)
    for name in ("ca", "self"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem",
                "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ok.key",
            "-out", "ok.csr", "-subj", "/CN=localhost")
    (tmp / "ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "ok.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
            "2", "-extfile", "ext", "-out", "ok.pem")


def copy_certificates(tmp, root, *names):
    for name in names:
        shutil.copy(tmp / name, root.path / name)
        os.chmod(root.path / name, 0o600)


def test_certificates_are_checked_against_the_system_s_authorities(tmp):
    if shutil.which("openssl") is None:
        raise NotRun("openssl is not installed")
    make_certificates(tmp)
    with Root(tmp / "root") as root:
        copy_certificates(tmp, root, "ok.pem", "ok.key", "self.pem", "self.key")
        root.put("/etc/hosts", "127.0.0.1 localhost other\n")
        with Server(root, "--tls-cert", "/ok.pem", "--tls-key", "/ok.key") as server:
            def ask(name="localhost", *words, **env):
                return root.run("study", "list", "--server", f"https://{name}:{server.port}", *words, env=env)
            none = ask()
            assert none.returncode != 0 and "no list of trusted authorities" in none.stderr, none.stderr
            assert "/etc/ssl/cert.pem" in none.stderr and "--ca-file" in none.stderr, none.stderr
            shutil.copy(tmp / "ca.pem", root.path / "ca.pem")
            expect(ask("localhost", "--ca-file", "/ca.pem").returncode, 0)
            expect(ask(SSL_CERT_FILE="/ca.pem").returncode, 0)
            for place in ("etc/ssl/certs/ca-certificates.crt", "etc/pki/tls/certs/ca-bundle.crt",
                          "etc/ssl/cert.pem", "etc/ssl/ca-bundle.pem"):
                root.put(place, (tmp / "ca.pem").read_text())
                done = ask()
                expect(done.returncode, 0, f"{place}: {done.stderr}")
                (root.path / place).unlink()
            root.put("etc/ssl/cert.pem", (tmp / "self.pem").read_text())
            wrong = ask()
            assert wrong.returncode != 0 and "no trusted connection" in wrong.stderr, wrong.stderr
            root.put("etc/ssl/cert.pem", (tmp / "ca.pem").read_text())
            wrong = ask("other")
            assert wrong.returncode != 0 and "no trusted connection" in wrong.stderr, wrong.stderr
        with Server(root, "--tls-cert", "/self.pem", "--tls-key", "/self.key") as server:
            wrong = root.run("study", "list", "--server", f"https://localhost:{server.port}")
            assert wrong.returncode != 0 and "no trusted connection" in wrong.stderr, wrong.stderr


# ---- a terminal ----

def screen_of(root, server, term):
    """What hone top writes within its first picture, on a terminal of this kind."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chroot(root.path)
        os.chdir("/")
        words = ["/hone/bin/hone", "top", "--server", f"http://127.0.0.1:{server.port}"]
        os.execve(words[0], words, {"TERM": term, "HOME": "/home", "LC_ALL": "C"})
    said, deadline = b"", time.monotonic() + 30
    while time.monotonic() < deadline and b"first" not in said:
        if select.select([fd], [], [], 1)[0]:
            try:
                said += os.read(fd, 65536)
            except OSError:
                break
    try:
        os.write(fd, b"q")
        while os.read(fd, 65536):
            pass
    except OSError:
        pass
    os.close(fd)
    return said, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_top_draws_without_a_terminal_database(tmp):
    with Root(tmp / "root") as root, Server(root) as server:
        done = root.run("study", "create", "first", "--minimize", "loss", "-P", "x=float:0..1", "--server",
                        f"http://127.0.0.1:{server.port}")
        expect(done.returncode, 0, done.stderr)
        for term in ("xterm-256color", "tmux-256color", "screen", "linux", "vt100"):
            said, code = screen_of(root, server, term)
            assert b"first" in said and b"\x1b[" in said, (term, said)
            expect(code, 0, term)
        said, code = screen_of(root, server, "nothing-known")
        assert code != 0 and b"nothing-known" in said, said


if __name__ == "__main__":
    main(globals())
