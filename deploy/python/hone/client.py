"""The connection to a server: which one, with which token, and what its answers mean.

    client = hone.connect()
    client.request("GET", "/v1/studies", query={"limit": 10})["items"]

Every request may be repeated, so a call that finds no server, or one that is busy, is repeated until its
time is over: asks are known by their request_id, measurements and results by their natural key, and any
other write by an Idempotency-Key, which this client makes. A client is safe from any thread and after fork.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import ssl
import time
import urllib.parse
import uuid
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from . import private, space, values
from .errors import HoneError, LeaseLost, Unreachable
from .transport import Answer, AnswerTooLarge, Transport, check_token, load_token
from .version import __version__

TIMEOUT_SECONDS = 60.0
_TRY_SECONDS = 30.0         # for one try, beyond what the server was asked to wait
_FIRST_SECONDS = 5.0        # of tries, while no server has answered at all
_EVENT_SILENCE_SECONDS = 60.0  # a stream says something every few seconds
_WAIT_SECONDS = (0.2, 20.0)  # before a repeat: the first bound, which doubles, and the last
_LOST = ("lease-ended", "lease-superseded", "epoch-changed")
_TOKENS = "/v1/tokens"  # the one write that no Idempotency-Key goes with
_BUSY_STATUSES = (429, 502, 503, 504)  # also of a proxy whose server is away


class Suggestion:
    """A configuration that was suggested without a study, and why.

    parameters   {"lr": 0.01, "units": 64}
    explain      all that is known of the reason, as the API has it
    why          the same in a sentence; "" where there is none
    """

    def __init__(self, parameters: Dict[str, Any], explain: Dict[str, Any]) -> None:
        self.parameters = parameters
        self.explain = explain

    @property
    def why(self) -> str:
        return str((self.explain.get("provenance") or {}).get("text", ""))

    def __repr__(self) -> str:
        return f"Suggestion({self.parameters!r})"


class Client:
    """A server and what is needed to call it. Made by connect()."""

    def __init__(self, url: str, token: Optional[str] = None, worker_token: Optional[str] = None,
                 timeout: float = TIMEOUT_SECONDS, ca_file: Optional[str] = None,
                 is_private: bool = False) -> None:
        if not timeout > 0:
            raise ValueError(f"timeout is {timeout!r}; give seconds, more than 0")
        self.is_private = is_private  # the server of this account, found by connect()
        self.timeout = float(timeout)
        self._transport = Transport(url, ca_file)
        self._token = token
        self._worker_token = worker_token or token
        self._was_reached = False
        self._ca_file = ca_file

    def __reduce__(self) -> Any:  # to another process: the same server, new connections
        return (Client, (self.url, self._token, self._worker_token, self.timeout, self._ca_file, self.is_private))

    @property
    def url(self) -> str:
        """The server's address, without a slash at its end."""
        return self._transport.url

    def __repr__(self) -> str:
        return f"<hone.Client of {self.url}>"

    # ---- calls ------------------------------------------------------------------------------------

    def request(self, method: str, path: str, body: Any = None, query: Optional[Mapping[str, Any]] = None,
                idempotency_key: Optional[str] = None, *, timeout: Optional[float] = None,
                retry: bool = True) -> Any:
        """Sends a request, again if need be, and returns the answer's JSON; None where it has no body.

        path      begins with "/", its parts escaped (see quote())
        body      anything that values.plain() takes; None: no body
        query     {"limit": 10}; None and missing are the same, True is "true"
        timeout   seconds for all tries together, beyond body["wait_seconds"]; None: the client's
        retry     False: one try

        HoneError: refused, with the server's sentence. Unreachable: no answer in time. LeaseLost: a call
        about a lease that has ended.
        """
        data = None if body is None else values.encode(body)
        retry = retry and (method, path) != ("POST", _TOKENS)  # a token whose answer is lost is lost
        headers = self._headers(method, path, data, idempotency_key)
        answer = self._repeat(method, path + _query(query), data, headers, timeout, _waits(body, query), retry)
        return _json(answer, self.url) if answer.body else None

    def text(self, path: str, query: Optional[Mapping[str, Any]] = None) -> str:
        """GET of an answer that is text: client.text("/v1/studies/x/brackets", {"format": "text"})."""
        return self.download(path, query).decode("utf-8", "replace")

    def download(self, path: str, query: Optional[Mapping[str, Any]] = None) -> bytes:
        """GET of an answer that is bytes, a checkpoint."""
        headers = {**self._headers("GET", path, None, None), "Accept": "*/*"}
        return self._repeat("GET", path + _query(query), None, headers, None, _waits(None, query)).body

    def walk(self, path: str, query: Optional[Mapping[str, Any]] = None) -> Iterator[Dict[str, Any]]:
        """Every item of a list, page after page."""
        cursor: Optional[str] = None
        while True:
            page = self.request("GET", path, query={"limit": 1000, **(query or {}), "cursor": cursor})
            yield from member(page, "items", self.url)
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def version(self) -> str:
        """The server's version."""
        return str(member(self.request("GET", "/version"), "version", self.url))

    def close(self) -> None:
        """Closes the connections; a later call opens new ones."""
        self._transport.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- what has a method of its own --------------------------------------------------------------

    def suggest(self, definition: Mapping[str, Any], trials: Iterable[Mapping[str, Any]] = (),
                pending: Iterable[Mapping[str, Any]] = (), n: int = 1,
                ordinal: Optional[int] = None) -> List[Suggestion]:
        """n configurations for a study that exists here alone: the server stores nothing.

        definition   as of a study, `name` optional; parameters may be the short form of hone.space
        trials       what is finished: {"parameters": {…}, "state": "completed", "value": 0.3}, at most 1,000
        pending      the parameters of what is being evaluated now, at most 1,000
        n            1 to 64
        ordinal      number of the first suggestion, 1 or more, which selects the random stream and the point
                     of an initial design; None: one more than the trials and the pending ones together.
                     Who asks twice with the same trials gives two ordinals

        The same arguments give the same answer. Fewer than n: nothing is left to try.
        """
        study = {**definition, "parameters": space.parameters(definition.get("parameters", []))}
        body = {"study": study, "trials": [_wired(trial) for trial in trials],
                "pending": [dict(one) for one in pending], "n": n, "ordinal": ordinal}
        found = self.request("POST", "/v1/suggest", body)
        return [Suggestion(dict(member(item, "parameters", self.url)), item.get("explain") or {})
                for item in member(found, "items", self.url)]

    def events(self, study: Optional[str] = None, after: Any = 0, follow: bool = True
               ) -> Iterator[Dict[str, Any]]:
        """What happens, as it happens: {"seq": 7, "kind": "trial-ended", "study": …, …}.

        study    of this one only
        after    the `seq` to go on from; 0: all there is, "now": only what is new
        follow   False ends with the last event there is

        A lost connection is made again where it broke, without a gap and without a repeat. Measurements
        have no `seq`; those reported while there was no connection are not told. HoneError of type "events-gone":
        the server no longer has what came after `after`, as after the restore of a backup.
        """
        path = "/v1/events" if study is None else f"/v1/studies/{quote(study)}/events"
        pause = _Pause()
        while True:
            try:
                for event in self._stream(path, after, follow):
                    pause.reset()
                    after = event.get("seq", after)
                    yield event
                if not follow:
                    return
            except (OSError, http.client.HTTPException) as fault:
                if not self._rejoin() and (not follow or _is_hopeless(fault)):
                    raise self._unreachable(fault, 1) from None
            except HoneError as error:
                if not error.retryable:
                    raise
            time.sleep(pause.next())

    def _stream(self, path: str, after: Any, follow: bool) -> Iterator[Dict[str, Any]]:
        query = _query({"after": after, "follow": follow, "format": "ndjson"})
        with self._transport.open(path + query, self._headers("GET", path, None, None),
                                  _EVENT_SILENCE_SECONDS) as response:
            if response.status != 200:
                answer = Answer(response.status, dict(response.getheaders()), response.read(1 << 20))
                raise self._explained(_problem(answer, self.url), path)
            self._was_reached = True
            for line in response:
                if line.strip() and not line.startswith(b":"):
                    yield json.loads(line)

    # ---- tries ------------------------------------------------------------------------------------

    def _headers(self, method: str, path: str, data: Optional[bytes], key: Optional[str]) -> Dict[str, str]:
        headers = {"User-Agent": f"hone-python/{__version__}", "Accept": "application/json"}
        is_lease = path.startswith("/v1/leases") or path.endswith("/leases")
        token = self._worker_token if is_lease else self._token
        if token:
            headers["Authorization"] = "Bearer " + token
        if data is not None:
            headers["Content-Type"] = "application/json"
        if key is None and method in ("POST", "PATCH", "DELETE") and not is_lease and path != _TOKENS:
            key = uuid.uuid4().hex
        if key is not None:
            headers["Idempotency-Key"] = key
        return headers

    def _repeat(self, method: str, path: str, data: Optional[bytes], headers: Mapping[str, str],
                timeout: Optional[float], waits: float, retry: bool = True) -> Answer:
        limit = (self.timeout if timeout is None else timeout)
        began = time.monotonic()
        pause, tries = _Pause(), 0
        while True:
            tries += 1
            left = max(1.0, began + limit - time.monotonic())
            error: HoneError
            try:
                answer = self._transport.call(method, path, data, headers, min(left, _TRY_SECONDS) + waits)
                if 200 <= answer.status < 300:
                    self._was_reached = True
                    return answer
                error = _problem(answer, self.url)
                self._was_reached = self._was_reached or bool(error.type)
                wait = pause.next(_seconds(answer.headers.get("retry-after")))
            except AnswerTooLarge:
                raise HoneError(f"the answer to {method} {path} is larger than any that is expected; "
                                "ask for a page of it", type="too-large") from None
            except (OSError, http.client.HTTPException) as fault:
                error = self._unreachable(fault, tries)
                error.retryable = not _is_hopeless(fault)
                wait = 0.0 if self._rejoin() else pause.next()
            if not error.retryable:
                raise self._explained(error, path)
            if not retry:
                raise error
            if isinstance(error, Unreachable) and not self._was_reached:
                limit = min(limit, _FIRST_SECONDS)
            if time.monotonic() - began + wait > limit:
                raise error
            time.sleep(wait)

    def _rejoin(self) -> bool:
        """The private server leaves when it is idle, and comes back at another address: whether it has."""
        if not self.is_private:
            return False
        try:
            server = private.ensure()
        except HoneError:
            return False
        if server.url == self.url:
            return False
        self._token, self._worker_token = load_token(server.token_file), load_token(server.worker_token_file)
        self._transport = Transport(server.url, self._ca_file)
        return True

    def _unreachable(self, fault: BaseException, tries: int) -> Unreachable:
        why = str(fault) or fault.__class__.__name__
        if isinstance(fault, ssl.SSLCertVerificationError):
            return Unreachable(f"the certificate of {self.url} is not trusted: {fault.verify_message}; name the "
                               "authority that signed it in SSL_CERT_FILE or ca_file")
        if isinstance(fault, ssl.SSLError):
            return Unreachable(f"{self.url} does not speak TLS as expected: {why}; "
                               "perhaps the address begins with http://")
        if isinstance(fault, TimeoutError) or "timed out" in why:
            why = "it did not answer in time"
        times = "" if tries == 1 else f" (tried {tries} times)"
        return Unreachable(f"the server at {self.url} does not answer: {why}{times}", retryable=True)

    def _explained(self, error: HoneError, path: str) -> HoneError:
        """The same error with what this client can add: which token, which version."""
        more = ""
        if error.type == "unauthorized" and not self._token:
            more = "; name a file with a token in HONE_TOKEN_FILE"
        elif error.type == "forbidden" and "lacks the scope" in error.detail:
            more = "; one that does all that this client does is made by: hone token create NAME " \
                   "--scope submit --scope worker --save FILE"
        elif _may_be_another_version(error):
            more = self._versions(path)
        if more:
            error.detail += more
            error.args = (error.detail,)
        return error

    def _versions(self, path: str) -> str:
        """Of server and client, where they differ or the server lacks a page that this client knows."""
        try:
            answer = self._transport.call("GET", "/version", None, {}, 5.0)
            theirs = str(json.loads(answer.body)["version"])
        except Exception:  # it only adds to an error that is told anyway
            return ""
        if theirs == __version__:
            return ""
        return f"; the server is version {theirs}, this client {__version__}: bring the older one up to date"


# ---- where to -------------------------------------------------------------------------------------


def connect(url: Optional[str] = None, token: Optional[str] = None, token_file: Optional[str] = None,
            timeout: float = TIMEOUT_SECONDS, ca_file: Optional[str] = None) -> Client:
    """A client of the server at `url`, else at HONE_URL, else of this account's private server.

    token, token_file   else HONE_TOKEN_FILE, a file that holds the token; an open server needs none
    timeout             seconds that a request may take, all tries together
    ca_file             PEM of the authorities to trust; else HONE_CA_FILE, SSL_CERT_FILE, the system's

    The private server is that of `hone run`: the program `hone` is asked for it, which starts it if need
    be. Nothing is sent yet to a server that is named. HoneError: an address, a token or a file that cannot
    be used, or no `hone` to ask.
    """
    url = url or os.environ.get("HONE_URL") or None
    worker_token, is_private = None, not url
    if token is not None and token_file is not None:
        raise ValueError("give token or token_file, not both")
    if url is None:
        server = private.ensure()
        url = server.url
        if token is None and token_file is None:
            token = load_token(server.token_file)
            worker_token = load_token(server.worker_token_file)
    if token is None:
        token_file = token_file or os.environ.get("HONE_TOKEN_FILE") or None
        token = load_token(os.fspath(token_file)) if token_file else None
    return Client(url, check_token(token) if token else None, worker_token, timeout,
                  ca_file or os.environ.get("HONE_CA_FILE") or None, is_private)


def quote(segment: Any) -> str:
    """One part of a path, escaped: quote("a/b") is "a%2Fb"."""
    return urllib.parse.quote(str(segment), safe="")


# ---- answers --------------------------------------------------------------------------------------


class _Pause:
    """How long to wait before the next try: at random up to a bound that doubles."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._bound = _WAIT_SECONDS[0]

    def next(self, at_least: float = 0.0) -> float:
        bound = self._bound
        self._bound = min(2 * bound, _WAIT_SECONDS[1])
        return at_least + random.uniform(0, bound)


def _problem(answer: Answer, url: str) -> HoneError:
    """The error of an answer that is no success."""
    try:
        found = json.loads(answer.body)
        kind, detail, status = found["type"].rsplit("/", 1)[-1], found["detail"], answer.status
        if not isinstance(detail, str):
            raise TypeError(detail)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        kind = ""
        detail, status = f"{url} answered with status {answer.status}, not as a Hone server does", answer.status
        found = {}
        if status != 500:
            return Unreachable(f"{detail}; check the address", status=status,
                               retryable=status in _BUSY_STATUSES)
    kinds = LeaseLost if kind in _LOST else HoneError
    return kinds(_with_all(detail, found.get("errors")), type=kind, status=status, title=str(found.get("title", "")),
                 errors=found.get("errors"), retryable=bool(found.get("retryable", status in _BUSY_STATUSES)),
                 instance=str(found.get("instance", "")))


def _with_all(detail: str, errors: Any) -> str:
    """The server's sentence names the first fault of several; this names them all."""
    if not isinstance(errors, list) or len(errors) < 2:
        return detail
    return "; ".join(f"{one.get('pointer')}: {one.get('detail')}" for one in errors if isinstance(one, dict))


def _json(answer: Answer, url: str) -> Any:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Unreachable(f"{url} answered with something that is no JSON object, not as a Hone server does; "
                          "check the address")
    return found


def member(answer: Any, name: str, url: str) -> Any:
    """answer[name]. Unreachable: it is not there, so this is no answer of a Hone server."""
    if not isinstance(answer, Mapping) or name not in answer:
        raise Unreachable(f'{url} answered without "{name}", not as a Hone server does; check the address')
    return answer[name]


def _may_be_another_version(error: HoneError) -> bool:
    return error.type in ("method-not-allowed", "invalid", "upgrade-required") or (
        error.type == "not-found" and error.detail.startswith("there is no page"))


def _is_hopeless(fault: BaseException) -> bool:
    """Whether a try that failed so would fail again."""
    return isinstance(fault, ssl.SSLError) and not isinstance(fault, (ssl.SSLEOFError, ssl.SSLZeroReturnError))


def _seconds(text: Optional[str]) -> float:
    try:
        return max(0.0, min(3600.0, float(text or 0)))
    except ValueError:
        return 0.0


def _waits(body: Any, query: Optional[Mapping[str, Any]]) -> float:
    """The seconds that a request asks the server to wait."""
    said = body.get("wait_seconds") if isinstance(body, Mapping) else None
    return float(said or (query or {}).get("wait") or 0)


def _query(query: Optional[Mapping[str, Any]]) -> str:
    pairs: Sequence[Tuple[str, Any]] = [(name, value) for name, value in (query or {}).items()
                                        if value is not None]
    texts = [(name, str(value).lower() if isinstance(value, bool) else str(value)) for name, value in pairs]
    return "?" + urllib.parse.urlencode(texts, quote_via=urllib.parse.quote) if texts else ""


def _wired(trial: Mapping[str, Any]) -> Dict[str, Any]:
    """A finished trial as an import takes it."""
    wired = dict(trial)
    if wired.get("metrics") is not None:
        wired["metrics"] = values.metrics(wired["metrics"])
    return wired
