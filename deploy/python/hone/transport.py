"""One server over HTTP: kept connections, one try a call.

Direct calls only: no proxy, no redirects. Safe from any thread; a fork leaves the parent its connections
and gives the child new ones.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401  else the first connection imports it, and a fork meanwhile never ends
import http.client
import os
import select
import ssl
import threading
import urllib.parse
import weakref
from typing import Dict, List, Mapping, Optional

from .errors import HoneError

ANSWER_BYTES = 64 << 20
_TOKEN_LETTERS = 256
_IDLE_CONNECTIONS = 8


class Answer:
    """Status, headers (names in lower case) and body of an answer."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers: Dict[str, str] = {name.lower(): value for name, value in headers.items()}
        self.body = body


class AnswerTooLarge(Exception):
    """More bytes than any answer of the server has."""


class Transport:
    """The connections to one address, "http://127.0.0.1:4663" or "https://host/prefix"."""

    def __init__(self, url: str, ca_file: Optional[str] = None) -> None:
        parts = _parse(url)
        self.url = url.rstrip("/")
        self._host = str(parts.hostname)
        self._port = parts.port
        self._prefix = parts.path.rstrip("/")
        self._tls = _tls(ca_file) if parts.scheme == "https" else None
        self._forget()
        _transports.add(self)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._idle: List[http.client.HTTPConnection] = []

    def call(self, method: str, path: str, body: Optional[bytes], headers: Mapping[str, str],
             timeout: float) -> Answer:
        """One request and its whole answer. OSError, HTTPException, AnswerTooLarge: there is none.

        timeout   seconds for each wait for the network
        """
        connection = self._take(timeout)
        try:
            connection.request(method, self._prefix + path, body=body, headers=dict(headers))
            response = connection.getresponse()
            data = response.read(ANSWER_BYTES + 1)
        except BaseException:  # a half-read connection is never used again, whatever ended it
            connection.close()
            raise
        if len(data) > ANSWER_BYTES:
            connection.close()
            raise AnswerTooLarge()
        answer = Answer(response.status, dict(response.getheaders()), data)
        if response.will_close:
            connection.close()
        else:
            self._give_back(connection)
        return answer

    def open(self, path: str, headers: Mapping[str, str], timeout: float) -> http.client.HTTPResponse:
        """GET of a stream, on a connection of its own that ends with it."""
        connection = self._new(timeout)
        try:
            connection.request("GET", self._prefix + path, headers={**headers, "Connection": "close"})
            return connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Closes what is idle. A later call connects again."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _new(self, timeout: float) -> http.client.HTTPConnection:
        if self._tls is not None:
            return http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port, timeout=timeout)

    def _take(self, timeout: float) -> http.client.HTTPConnection:
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return self._new(timeout)
            if connection.sock is not None and not _has_ended(connection):
                connection.sock.settimeout(timeout)
                return connection
            connection.close()

    def _give_back(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if len(self._idle) < _IDLE_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()


_transports: "weakref.WeakSet[Transport]" = weakref.WeakSet()


def _after_fork() -> None:
    for transport in list(_transports):
        transport._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _has_ended(connection: http.client.HTTPConnection) -> bool:
    """Whether an idle connection was closed at the other end: only then is there something to read."""
    waiting = select.poll()
    waiting.register(connection.sock, select.POLLIN)
    return bool(waiting.poll(0))


def _parse(url: str) -> urllib.parse.SplitResult:
    fault = HoneError(f'"{url[:200]}" is no server address; it looks like http://127.0.0.1:4663',
                      type="invalid")
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port  # raises where it is no number
    except ValueError:
        raise fault from None
    if parts.username is not None or parts.password is not None:
        raise HoneError("the server's address must not hold a user or password; put the token into a file "
                        "and name that", type="invalid")
    is_clean = len(url) < 1024 and all("!" <= letter <= "~" for letter in url)
    if not is_clean or parts.scheme not in ("http", "https") or not parts.hostname or parts.query \
            or parts.fragment:
        raise fault
    return parts


def _tls(ca_file: Optional[str]) -> ssl.SSLContext:
    """Checks certificates by `ca_file`, else by SSL_CERT_FILE, else by the system's authorities."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as fault:
        raise HoneError(f"the authorities in {ca_file} cannot be read: {fault}", type="invalid") from None


def check_token(token: str, of: str = "the token") -> str:
    """One word of visible characters, or HoneError."""
    word = token.strip()
    if not word or len(word) > _TOKEN_LETTERS or not all("!" <= letter <= "~" for letter in word):
        raise HoneError(f"{of} must hold one token of at most {_TOKEN_LETTERS} characters and nothing else",
                        type="invalid")
    return word


def load_token(path: str) -> str:
    """The token of a file. HoneError where it cannot be read or holds something else."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read(4 * _TOKEN_LETTERS)
    except OSError as fault:
        raise HoneError(f"the token file {path} cannot be read: {fault.strerror}", type="invalid") from None
    return check_token(text, f"the token file {path}")
