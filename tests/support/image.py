"""An image of this machine's own files, and podman that runs it: no registry, no network.

The base image has what Debian's has that the Containerfile uses: a shell with its small programs, and
the record of what is installed. Everything lives in one folder and is gone with it.
"""

import os
import pathlib
import re
import shutil
import subprocess

PROGRAMS = ["podman", "buildah", "runc", "catatonit", "conmon"]
BASE_PROGRAMS = ["apt-get", "sh", "awk", "cat", "chmod", "chown", "dirname", "dpkg-query", "env", "grep", "id",
                 "mkdir", "mktemp", "ps", "rm", "sleep", "sort", "setsid", "tee", "true"]
SECONDS = 120  # a bound against hanging
BASE = "localhost/hone-test-base:12"
CONTAINERS = """[containers]
default_ulimits=["nofile=20000:20000","nproc=4000:4000"]
netns="host"
[engine]
runtime="runc"
cgroup_manager="cgroupfs"
events_logger="none"
"""
STORAGE = """[storage]
driver="{driver}"
graphroot="{dir}/graph"
runroot="{dir}/run"
"""


def why_not():
    """Why no container can be run here; None if one can."""
    if os.getuid() != 0:
        return "podman without root is not tried here"
    if not os.path.isdir("/sys/fs/cgroup") or not os.listdir("/sys/fs/cgroup"):
        return "no control groups are mounted"
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"{', '.join(missing)} not installed" if missing else None


def libraries(program):
    """{the path under which it is looked for: the file}"""
    said = subprocess.run(["ldd", str(program)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, check=False).stdout
    return {found: os.path.realpath(found)
            for found in re.findall(r"(?:=> )?(/\S+) \(0x", said)}


def copy_into(root, path, source=None):
    target = root / str(path).lstrip("/")
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source or os.path.realpath(path), target)


def make_root(root, programs):
    """A root folder with these programs and the base's, and the libraries of all of them."""
    for name in ["usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "etc", "tmp", "var/lib/dpkg/info",
                 "var/lib/dpkg/updates", "var/lib/apt/lists"]:
        (root / name).mkdir(parents=True)
    for name in ["bin", "sbin", "lib", "lib64"]:
        (root / name).symlink_to(f"usr/{name}")
    (root / "tmp").chmod(0o1777)
    for name in BASE_PROGRAMS:
        copy_into(root, f"/usr/bin/{name}", os.path.realpath(shutil.which(name)))
    for program in [*map(shutil.which, BASE_PROGRAMS), *programs]:
        for path, source in libraries(os.path.realpath(program)).items():
            copy_into(root, path, source)
    for path in ["/var/lib/dpkg/status", "/etc/ssl/certs/ca-certificates.crt"]:
        if os.path.exists(path):
            copy_into(root, path)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")


class Podman:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        (self.folder / "containers.conf").write_text(CONTAINERS)
        (self.folder / "storage.conf").write_text(STORAGE.format(
            driver="overlay", dir=self.folder))
        (self.folder / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self.environment = {
            **os.environ, "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            "TMPDIR": str(self.folder), "XDG_RUNTIME_DIR": str(self.folder)}

    def __call__(self, *words, check=True, **more):
        done = subprocess.run(["podman", *map(str, words)], env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, timeout=SECONDS, **more)
        if check and done.returncode != 0:
            raise AssertionError(f"podman {' '.join(map(str, words))}: {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def logs(self, container):
        """What it has said, on both of its outputs."""
        return subprocess.run(["podman", "logs", container], env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              timeout=SECONDS).stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Containers, then mounts: what stays would keep the folder from being removed."""
        self("pod", "rm", "-fa", "-t", "0", check=False)
        self("rm", "-fa", "-t", "0", check=False)
        subprocess.run(["umount", "-R", self.folder / "graph/overlay"], check=False,
                       stderr=subprocess.DEVNULL)
        for group in pathlib.Path("/sys/fs/cgroup").glob("*/libpod_parent"):
            subprocess.run(["find", group, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+"],
                           check=False, stderr=subprocess.DEVNULL)

    def build(self, containerfile, root, programs):
        """The published Containerfile on a base of this machine's files; the image's name."""
        base = self.folder / "base"
        make_root(base, programs.values())
        self("import", "--quiet", self.tar(base), BASE)
        context = self.folder / "context"
        for name in ["install", "dependencies"]:
            copy_into(context, f"deploy/{name}", root / "deploy" / name)
        for path, source in programs.items():
            copy_into(context, f"build/{path}", source)
        self("build", "--isolation=chroot", "--network=host", "--pull-never", "--quiet",
             f"--build-arg=BASE={BASE}", "-t", "hone", "-f", containerfile, context)
        return "localhost/hone"

    def tar(self, folder):
        path = self.folder / "base.tar"
        subprocess.run(["tar", "-C", str(folder), "--numeric-owner", "-cf", str(path), "."],
                       check=True)
        return path
