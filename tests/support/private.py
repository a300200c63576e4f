"""Runs a test script in a network, a process table and mounts of its own, where that is possible.

A script that starts daemons calls enter() first. Then its ports are its own, the loopback device is
the only one, and whatever it has started ends with it, even if it is killed. Without the right to
make namespaces it runs as it is: the ports are picked free and its own cleaning up has to do.
"""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys

MARK = "HONE_TEST_PRIVATE"
UNSHARE = ["unshare", "--net", "--uts", "--pid", "--mount", "--mount-proc", "--fork",
           "--kill-child"]
# A shell is the first process there: it reaps what the test's daemons leave.
RUN = '"$@"; exit $?'
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFADDR, IFF_UP = 0x8913, 0x8914, 0x8916, 1
ADDRESS = "10.99.0.1"  # of this host, beside 127.0.0.1


def is_private():
    return os.environ.get(MARK) == "1"


def _start_network():
    """The loopback device, with a second address: where all are 127.0.0.1, some resolvers find none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        flags = struct.unpack("16sH14s", fcntl.ioctl(device, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(device, SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", flags | IFF_UP, b""))
        fcntl.ioctl(device, SIOCSIFADDR, struct.pack("16sHH4s8s", b"lo:1", socket.AF_INET, 0,
                                                     socket.inet_aton(ADDRESS), b""))


def why_no_other_root():
    """Why no program that changes its root directory can run here; None if one can."""
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        is_mount = any(line.split()[4] == "/" for line in mounts)
    return None if is_mount else "the root directory is no mount"


def enter():
    """Starts the calling script again in namespaces of its own, or returns where it is in them."""
    if is_private():
        _start_network()
        socket.sethostname("localhost")  # which has an address on every machine
        return
    # the second where the root directory is no mount, and so cannot be made a private one
    for more in [[], ["--propagation", "unchanged"]]:
        command = [*UNSHARE, *more, "sh", "-c", RUN, "sh"]
        if shutil.which("unshare") and not subprocess.run(
                [*command, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
            os.environ[MARK] = "1"
            os.execvp("unshare", [*command, sys.executable, *sys.argv])
