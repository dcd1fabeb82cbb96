"""An HTTP service as a target: one request (or several bodies in turn), encoded once.

The address is resolved once and pinned; nothing but this machine is put under load unless that was allowed.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from probes.errors import TargetError, UsageError
from probes.load.answer import AnswerParser
from probes.load.plan import Tls, TlsError, Wire
from probes.targets.own_example import PLACES, Described, described_request
from probes.targets.refusal import in_brackets
from probes.targets.target import Answer, Seen

if TYPE_CHECKING:
    from probes.load.steps import StepResult

USER_AGENT = "loadstone"
LOOPBACK_TRIAL_S = 0.5
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_SECRET = re.compile(r"auth|token|key|secret|cookie|password", re.IGNORECASE)
_ANSWER_LIMIT = 1 << 20
_MOST_HEADERS = 100


@dataclass(frozen=True)
class HttpTarget:
    """A target and the requests for it. `address` is shown to people and holds no secret."""

    address: str
    method: str
    path: str
    host: str
    port: int
    family: int
    ip: str
    headers: tuple[tuple[str, str], ...]
    shown_headers: tuple[str, ...]
    bodies: tuple[bytes | None, ...]
    expect_status: int | None
    expect_body: str | None
    remote: bool
    sample_from: str
    tls: Tls | None = None
    tried: int = 0

    kind = "http"

    def prepared(self, timeout_s: float) -> HttpTarget:
        """The target itself, where its requests were given; a POST without a body gets the one that the
        server's own OpenAPI document describes, if it has one.
        """
        if self.method != "POST" or self.bodies != (None,):
            return self
        described = self.described(timeout_s)
        if described is None:
            return self
        return replace(self, bodies=(described.body,), sample_from=described.sample_from)

    def described(self, timeout_s: float) -> Described | None:
        """What a POST takes by the server's own OpenAPI document; None where it has none that says."""
        for place in PLACES:
            try:
                asked = replace(self, method="GET", path=place, bodies=(None,), expect_status=None)
                answer = asked.ask(timeout_s)
                found = described_request(json.loads(answer.body), self.path)
            except (TargetError, ValueError, RecursionError):
                continue
            if answer.status == 200 and found is not None:
                return found
        return None

    def sized(self, axis: str, sizes: Sequence[int]) -> HttpTarget:
        """The target with every body in every size; see `probes.targets.sizing`."""
        from probes.targets.sizing import sized_bodies

        return replace(self, bodies=sized_bodies(self.bodies, axis, sizes))

    def seen(self, steps: Sequence[StepResult], run_id: str) -> Seen:
        """Nothing beside what every kind has."""
        del steps, run_id
        return Seen()

    def harness_cpu_s(self) -> float:
        """CPU time until now of processes of Loadstone's own that stand between the load and the target."""
        return 0.0

    def wire(self, timeout_s: float, run_id: str | None = None) -> Wire:
        """How the load loop talks to this target; the User-Agent names the run."""
        return Wire(
            family=self.family,
            address=(self.ip, self.port),
            requests=tuple(self._encode(body, run_id) for body in self.bodies),
            timeout_ns=int(timeout_s * 1e9),
            head_only=self.method == "HEAD",
            expect_body=self.expect_body,
            tls=self.tls,
        )

    def is_good(self, status: int) -> bool:
        """Whether an answer of that status is the one wanted: the expected one, or any 2xx."""
        return status == self.expect_status if self.expect_status is not None else 200 <= status < 300

    def to_json(self) -> dict[str, Any]:
        """CONTRACT's target object, without process ids."""
        document: dict[str, Any] = {
            "kind": self.kind,
            "address": self.address,
            "method": self.method,
            "remote": self.remote,
            "sample_from": self.sample_from,
        }
        if self.shown_headers:
            document["headers"] = list(self.shown_headers)
        if self.bodies != (None,):
            document["bodies"] = len(self.bodies)
        if self.expect_status is not None:
            document["expect_status"] = self.expect_status
        if self.expect_body is not None:
            document["expect_body"] = self.expect_body
        if self.tls is not None:
            document["tls"] = {"verified": not self.tls.insecure}
            if self.tls.ca is not None:
                document["tls"]["ca"] = self.tls.ca
        return document

    def ask(self, timeout_s: float, run_id: str | None = None) -> Answer:
        """Sends the first request, byte for byte as the load of that run does, and reads the answer.

        The whole exchange has `timeout_s`. Raises `TargetError` with one sentence when nothing answers there,
        or something that is no HTTP.
        """
        where = f"{self.host}:{self.port}"
        started = time.monotonic()
        try:
            with connected((self.ip, self.port), self.tls, timeout_s) as sock:
                parser, body_read = _exchange(
                    sock, self._encode(self.bodies[0], run_id), started + timeout_s,
                    head_only=self.method == "HEAD", where=where,
                )  # fmt: skip
        except TlsError as error:
            raise TargetError(f"{where} cannot be asked: {error.strerror}{tls_hint(error)}") from error
        except TimeoutError as error:
            raise TargetError(
                f"{where} gave no complete answer within {timeout_s:g} s; check that the service is healthy "
                "or allow more with --timeout"
            ) from error
        except ConnectionRefusedError as error:
            raise TargetError(
                f"nothing listens on {where}; start the service or correct the address"
            ) from error
        except OSError as error:
            raise TargetError(f"{where} cannot be asked: {error.strerror or error}") from error
        reason = "".join(char for char in parser.reason.decode("latin-1") if char.isprintable())
        return Answer(parser.status, reason, body_read, time.monotonic() - started, tuple(parser.headers))

    def check(self, timeout_s: float, run_id: str | None = None) -> Answer:
        """Asks once and raises `TargetError` when the answer is not the wanted one."""
        return self.checked(self.ask(timeout_s, run_id), timeout_s)

    def checked(self, answer: Answer, timeout_s: float) -> Answer:
        """The answer that `ask` brought. Raises `TargetError` when it is not the wanted one."""
        if not self.is_good(answer.status):
            wanted = f"{self.expect_status}" if self.expect_status is not None else "2xx"
            if answer.status == 405 and self.method == "GET" and self.described(timeout_s) is not None:
                raise TargetError(
                    f"{self.address} answers 405 {answer.reason} to GET instead of {wanted}; by its own "
                    "description it takes POST: give --body, or --method POST alone to send what is described"
                )
            made = self.sample_from in ("server_example", "signature")
            origin = (
                f" with {(self.bodies[0] or b'')[:100]!r}, as its own description has it," if made else ""
            )
            raise TargetError(
                f"{self.address} answers {answer.status} {answer.reason} to {self.method}{origin} instead of "
                f"{wanted}{in_brackets(answer.body)}; correct the request (--method, --header, --body) "
                "or say --expect-status"
            )
        if self.expect_body is not None and not re.search(self.expect_body.encode(), answer.body):
            raise TargetError(
                f"the answer of {self.address} does not match --expect-body {self.expect_body!r}; "
                f"it begins {answer.body[:60]!r}"
            )
        return answer

    def _all_headers(self, body: bytes | None, run_id: str | None) -> list[tuple[str, str]]:
        given = {name.lower() for name, _ in self.headers}
        authority = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == (80 if self.tls is None else 443)
        headers = [("Host", authority if usual else f"{authority}:{self.port}")]
        headers += [
            ("User-Agent", f"{USER_AGENT}/{run_id}" if run_id else USER_AGENT),
            ("Accept", "*/*"),
            ("Accept-Encoding", "identity"),
        ]
        if any(body is not None for body in self.bodies):
            headers.append(("Content-Type", _content_type(self.bodies[0] or b"")))
        headers = [(name, value) for name, value in headers if name.lower() not in given]
        if body is not None:
            headers.append(("Content-Length", str(len(body))))
        elif self.method in ("POST", "PUT", "PATCH"):
            headers.append(("Content-Length", "0"))  # or some answer 411
        return headers + list(self.headers)

    def _encode(self, body: bytes | None, run_id: str | None = None) -> bytes:
        lines = [f"{self.method} {self.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self._all_headers(body, run_id)]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def check_pattern(expect_body: str | None) -> None:
    """Raises `UsageError` where what is to be found in the answer is no regular expression."""
    if expect_body is None:
        return
    try:
        re.compile(expect_body.encode())
    except re.error as error:
        raise UsageError(f"--expect-body {expect_body!r} is not a regular expression: {error}") from error


def parse_target(
    address: str,
    *,
    method: str | None = None,
    headers: Sequence[str] = (),
    body: bytes | None = None,
    bodies: Sequence[bytes] | None = None,
    expect_status: int | None = None,
    expect_body: str | None = None,
    allow_remote: bool = False,
    ca: str | None = None,
    insecure: bool = False,
    environment: Mapping[str, str] | None = None,
) -> HttpTarget:
    """The target that an `http://host:port/path` address (or `https://`) and its options describe.

    `headers` are `Name: value`; the value `env:NAME` is read from the environment. Certificates are held
    against the system's store, or the file `ca`; with `insecure` against nothing. Raises `UsageError` when
    something is wrong with them, `TargetError` when the host name cannot be resolved.
    """
    scheme, host, port, path = _split(address)
    tls = _tls(scheme, host, ca, insecure)
    family, ip, remote = _resolve(host, port, allow_remote)
    verb = (method or ("POST" if body is not None or bodies else "GET")).upper()
    if verb not in _METHODS:
        raise UsageError(f"'{method}' is not an HTTP method: write one of {', '.join(_METHODS)}")
    if body is not None and bodies:
        raise UsageError("give either --body or --bodies, not both")
    if bodies is not None and not bodies:
        raise UsageError("--bodies holds no body: give at least one line")
    if expect_status is not None and not 200 <= expect_status <= 599:
        raise UsageError(f"--expect-status {expect_status} is not a status of an answer: write 200 to 599")
    check_pattern(expect_body)
    parsed, shown = _headers(headers, os.environ if environment is None else environment)
    sent: tuple[bytes | None, ...] = tuple(bodies) if bodies else (body,)
    return HttpTarget(
        address=f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{path}",
        method=verb,
        path=path,
        host=host,
        port=port,
        family=family,
        ip=ip,
        headers=parsed,
        shown_headers=shown,
        bodies=sent,
        expect_status=expect_status,
        expect_body=expect_body,
        remote=remote,
        sample_from="given" if sent != (None,) else "address",
        tls=tls,
    )


def is_secret_header(name: str) -> bool:
    """Whether the value of a header of this name is hidden wherever it would be shown."""
    return bool(_SECRET.search(name))


def _tls(scheme: str, host: str, ca: str | None, insecure: bool) -> Tls | None:
    """How the connections of an address are secured. Raises `UsageError` for a file without certificates."""
    if scheme == "http":
        if ca is not None or insecure:
            raise UsageError("--ca and --insecure are for https:// targets: leave them out")
        return None
    if ca is not None and insecure:
        raise UsageError("--insecure checks no certificate, whoever signed it: leave out --ca or --insecure")
    tls = Tls(
        name=host.partition("%")[0], ca=None if ca is None else str(Path(ca).absolute()), insecure=insecure
    )
    import ssl

    from probes.load.tls import new_context

    try:
        new_context(tls)
    except OSError as error:
        why = "it holds no certificates" if isinstance(error, ssl.SSLError) else error.strerror
        raise UsageError(f"--ca {_clean(ca or '')} cannot be used: {why}; name a file in PEM form") from error
    return tls


@contextmanager
def connected(address: tuple[str, int], tls: Tls | None, timeout_s: float) -> Iterator[socket.socket]:
    """A connection, secured where asked, for one exchange. Raises `TlsError` and `OSError`."""
    with socket.create_connection(address, timeout_s) as sock:
        if tls is None:
            yield sock
            return
        import ssl

        from probes.load.tls import new_context, reason

        try:
            secured = new_context(tls).wrap_socket(sock, server_hostname=tls.name, suppress_ragged_eofs=False)
        except TimeoutError:
            raise
        except OSError as error:
            raise TlsError(reason(error)) from error
        with secured:
            try:
                yield secured
            except ssl.SSLEOFError as error:
                raise TlsError("it closed the connection without the end of the TLS session") from error


def tls_hint(error: TlsError) -> str:
    """What can be done about it, as the end of a sentence; empty where that is not known."""
    if isinstance(error.__cause__, OSError) and "certificate is not accepted" in str(error.strerror):
        return "; name the file of its certificate authority with --ca, or go without checking by --insecure"
    return ""


class _SampleParser(AnswerParser):
    """Keeps the headers of the answer too, in Latin-1 without what cannot be printed."""

    def __init__(self, body: bytearray | None) -> None:
        super().__init__(body)
        self.headers: list[tuple[str, str]] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) < _MOST_HEADERS:
            self.headers.append((_clean(name.decode("latin-1")), _clean(value.decode("latin-1"))))


def _exchange(
    sock: socket.socket, request: bytes, give_up: float, *, head_only: bool, where: str
) -> tuple[_SampleParser, bytes]:
    """Sends a request and reads its answer, by the same parser as under load.

    Returns (answer, first MiB of its body). `give_up` is of the monotonic clock. Raises `TargetError` for
    what is no whole HTTP answer, and `OSError`.
    """
    body = bytearray()
    parser = _SampleParser(body)
    said = b""
    with suppress(BrokenPipeError, ConnectionResetError):  # it may have answered without reading all of it
        sock.sendall(request)
    while not (parser.done or (head_only and parser.headed and parser.status >= 200)):
        left = give_up - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)
        data = sock.recv(65_536)
        if not data:
            if parser.ends_at_close:
                break
            if not said:
                raise TargetError(f"{where} closed the connection without an answer")
            raise TargetError(f"{where} closed the connection in the middle of its answer")
        said = (said + data)[:60]
        try:
            parser.parser.feed_data(data)
        except (parser.error, parser.upgrade) as error:
            raise TargetError(f"what listens on {where} does not speak HTTP: it said {said!r}") from error
        if len(body) >= _ANSWER_LIMIT:
            break
    return parser, bytes(body[:_ANSWER_LIMIT])


def check_address(address: str) -> None:
    """Raises `UsageError` for what is no address of an HTTP target; resolves no name and sends nothing."""
    _split(address)


def _split(address: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and path."""
    scheme = address.partition(":")[0].lower() if "://" in address else ""
    if scheme not in ("http", "https"):
        raise UsageError(f"'{_clean(address)}' is not an http:// address: write http://host:port/path")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"'{_clean(address)}' is not an address: {error}") from error
    if not host:
        raise UsageError(f"'{_clean(address)}' names no host: write http://host:port/path")
    if parts.username is not None or parts.password is not None:
        raise UsageError("an address holds no user or password: give --header 'Authorization: env:NAME'")
    if port == 0:
        raise UsageError(f"'{_clean(address)}': no service listens on port 0")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        path += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
    return scheme, host, port or (80 if scheme == "http" else 443), path


def _resolve(host: str, port: int, allow_remote: bool) -> tuple[int, str, bool]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise TargetError(f"the host '{_clean(host)}' is not known here; correct the address") from error
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    family, ip = _listening(found)
    remote = not ipaddress.ip_address(ip.partition("%")[0]).is_loopback
    if remote and not allow_remote:
        raise UsageError(
            f"{_clean(host)} is not this machine; add --allow-remote if you may put it under load"
        )
    return family, ip, remote


def _listening(found: Sequence[tuple[Any, ...]]) -> tuple[int, str]:
    """Family and address of the first that accepts a connection, where a name has several; or the first."""
    for family, kind, protocol, _, address in found if len(found) > 1 else ():
        if not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback:
            continue
        with socket.socket(family, kind, protocol) as trial:
            trial.settimeout(LOOPBACK_TRIAL_S)
            if trial.connect_ex(address) == 0:
                return int(family), str(address[0])
    return int(found[0][0]), str(found[0][4][0])


def _headers(
    given: Sequence[str], environment: Mapping[str, str]
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    parsed, shown = [], []
    for text in given:
        name, colon, value = text.partition(":")
        name, value = name.strip(), value.strip()
        if not colon or not _TOKEN.fullmatch(name):
            raise UsageError(f"'{_clean(text)[:40]}' is not a header: write 'Name: value'")
        if name.lower() in ("content-length", "transfer-encoding", "connection"):
            raise UsageError(f"the header {name} is set by Loadstone: leave it out")
        visible = value
        if value.startswith("env:"):
            variable = value[4:].strip()
            if variable not in environment:
                raise UsageError(f"the environment holds no {variable}, which the header {name} asks for")
            value = environment[variable]
        elif _SECRET.search(name):
            visible = "(hidden)"
        try:
            value.encode("latin-1")
        except UnicodeEncodeError as error:
            raise UsageError(f"the header {name} holds a character that HTTP headers cannot carry") from error
        if re.search(r"[\r\n\0]", value):
            raise UsageError(f"the header {name} holds a line end, which HTTP headers cannot carry")
        parsed.append((name, value))
        shown.append(f"{name}: {visible}")
    return tuple(parsed), tuple(shown)


def _content_type(body: bytes) -> str:
    try:
        json.loads(body)
    except ValueError:
        return "application/octet-stream"
    return "application/json"


def _clean(text: str) -> str:
    """A text of unknown origin, cut and without control characters, for a one-line message."""
    return "".join(char if char.isprintable() else "?" for char in text)[:120]
