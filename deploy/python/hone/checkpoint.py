"""Where the trials of this process keep their checkpoints: directories under a work directory.

    $HONE_WORKDIR, else $XDG_STATE_HOME/hone/python, else ~/.local/state/hone/python
        /SERVER/STUDY/TRIAL/attempt-2/

Each attempt has a directory of its own, so that no two processes ever write one; the next attempt begins
with a copy. The server is told the path and that it can be reached on this host; it gives the trial's next
steps to a worker that can reach it, and says when a checkpoint is not needed any more.
"""

from __future__ import annotations

import io
import logging
import os
import re
import shutil
import socket
import tarfile
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Sequence

from .errors import HoneError

if TYPE_CHECKING:
    from .client import Client

log = logging.getLogger("hone")

_UPLOADED = "sha256:"
_TAR_BYTES = 1 << 30  # what an uploaded checkpoint may hold, unpacked


def host() -> str:
    """The name of this host as the server takes it."""
    return re.sub(r"[^A-Za-z0-9._:@-]", "-", socket.gethostname()).lstrip("-._:@")[:100] or "localhost"


def make(client: "Client", study: str, number: int, attempt: int, granted: Optional[Mapping[str, Any]],
         lease_path: str) -> str:
    """A new directory for this attempt; with a copy of the checkpoint that it begins with."""
    trial = os.path.join(_root(client), _plain(study), str(number))
    os.makedirs(trial, mode=0o700, exist_ok=True)
    folder = _claim(os.path.join(trial, f"attempt-{attempt}"))
    if granted:
        uri = str(granted["uri"])
        if uri.startswith(_UPLOADED):
            try:
                _unpack(client.download(lease_path), folder)
            except (OSError, tarfile.TarError) as fault:
                raise HoneError(f"the checkpoint {uri} cannot be unpacked: {fault}", type="invalid") from None
        else:
            shutil.copytree(uri, folder, symlinks=True, dirs_exist_ok=True)
    return folder


def is_here(granted: Mapping[str, Any]) -> bool:
    """Whether the checkpoint of a lease can be read by this process: uploaded, or in the work directory of
    this client or of `hone worker`, and in no other place of this host."""
    uri = str(granted.get("uri", ""))
    places = [os.path.realpath(place) + os.sep for place in (_workdir(), os.path.join(_state(), "hone"))]
    return uri.startswith(_UPLOADED) or (os.path.realpath(uri).startswith(tuple(places)) and _holds_something(uri))


def of_folder(folder: Optional[str], step: Any) -> Optional[Dict[str, Any]]:
    """What a result says of the directory; None where there is nothing in it."""
    if folder is None or not _holds_something(folder):
        return None
    return {"uri": folder, "step": step or 0, "reach": "host:" + host()}


def discard(client: "Client", uris: Sequence[str]) -> None:
    """Removes checkpoints that the server needs no longer, those in the work directory only."""
    root = os.path.realpath(_root(client)) + os.sep
    for uri in uris:
        path = os.path.realpath(uri)
        if path.startswith(root) and os.path.basename(path).startswith("attempt-"):
            shutil.rmtree(path, ignore_errors=True)


def tidy(folder: Optional[str]) -> None:
    """Removes an empty directory."""
    try:
        if folder is not None:
            os.rmdir(folder)
    except OSError:
        pass


def _state() -> str:
    return os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")


def _workdir() -> str:
    return os.path.abspath(os.environ.get("HONE_WORKDIR") or os.path.join(_state(), "hone", "python"))


def _root(client: "Client") -> str:
    return os.path.join(_workdir(), "private" if client.is_private else _plain(client.url.split("//", 1)[-1]))


def _plain(name: str) -> str:
    """The name as one component of a path that leads nowhere else."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip(".") or "-"


def _claim(wanted: str) -> str:
    for n in range(1, 1000):
        path = wanted if n == 1 else f"{wanted}.{n}"
        try:
            os.mkdir(path, 0o700)
            return path
        except FileExistsError:
            continue
    raise HoneError(f"there are a thousand directories like {wanted}; remove them", type="invalid")


def _holds_something(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is not None
    except OSError:
        return False


def _unpack(data: bytes, folder: str) -> None:
    """Files, directories and links of a tar; HoneError for what would lead out of `folder`. Links come last,
    so that nothing is written through one."""
    left, links = _TAR_BYTES, []
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            path = _inside(folder, folder, member.name)
            left -= member.size
            if left < 0:
                raise HoneError(f"the checkpoint holds more than {_TAR_BYTES} bytes", type="too-large")
            if member.isdir():
                os.makedirs(path, exist_ok=True)
            elif member.isreg():
                _write(archive, member, path)
            elif member.issym():
                _inside(folder, os.path.dirname(path), member.linkname)
                links.append((member.linkname, path))
    for target, path in links:
        parent = os.path.dirname(path)
        if not (os.path.realpath(parent) + os.sep).startswith(os.path.realpath(folder) + os.sep):
            raise HoneError("the checkpoint holds a link that leads outside of it", type="invalid")
        os.makedirs(parent, exist_ok=True)
        os.symlink(target, path)


def _inside(folder: str, beside: str, name: str) -> str:
    path = os.path.normpath(os.path.join(beside, name))
    if path != folder and not path.startswith(folder + os.sep):
        raise HoneError(f'the checkpoint holds "{name}", which lies outside of it', type="invalid")
    return path


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    source = archive.extractfile(member)
    if source is not None:
        with open(path, "wb") as out:
            shutil.copyfileobj(source, out)
        os.chmod(path, 0o600 | (member.mode & 0o100))
