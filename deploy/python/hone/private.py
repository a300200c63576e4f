"""The private server of this account, that of `hone run`, by way of the program `hone`.

The program knows where the server keeps its files, starts it if need be, and waits until it serves. It
leaves by itself when it has been idle, and comes back with its data.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from typing import Iterator, NamedTuple, Optional

from .errors import HoneError

_START_SECONDS = 60
_HOW = ("name a server in HONE_URL or with hone.connect(url=…), or install the wheel, which has the program: "
        "pip install --only-binary=:all: --force-reinstall hone-tuner")


class PrivateServer(NamedTuple):
    """Where it serves, and the files with its two tokens: for people, and for workers."""

    url: str
    token_file: str
    worker_token_file: str


def find_program() -> Optional[str]:
    """The program `hone`: beside this interpreter, where pip puts programs, else in PATH."""
    for folder in _folders():
        path = os.path.join(folder, "hone")
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return shutil.which("hone")


def _folders() -> Iterator[str]:
    yield os.path.dirname(os.path.abspath(sys.executable or "."))
    yield sysconfig.get_path("scripts")
    yield sysconfig.get_path("scripts", f"{os.name}_user")


def ensure() -> PrivateServer:
    """Joins the server that runs, or starts one. HoneError says why there is none."""
    program = find_program()
    if program is None:
        raise HoneError(f"no server is named and there is no program hone to start one; {_HOW}",
                        type="no-server")
    try:
        done = subprocess.run([program, "server", "start", "--output", "json"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=_START_SECONDS,
                              check=False)
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise HoneError(f"{program} cannot start a private server: {fault}; {_HOW}",
                        type="no-server") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip() or f"exit status {done.returncode}"
        raise HoneError(f"{program} started no private server: {said}", type="no-server")
    try:
        found = json.loads(done.stdout)
        return PrivateServer(found["url"], found["token_file"], found["worker_token_file"])
    except (ValueError, KeyError, TypeError):
        raise HoneError(f"{program} did not say where its private server is; is it another version? {_HOW}",
                        type="no-server") from None
