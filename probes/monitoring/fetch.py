"""One small GET: 5 s in all, 8 MB at most, no redirects, this machine only unless another one is allowed."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from probes.documents import MAX_BYTES
from probes.errors import TargetError, UsageError

TIMEOUT_S = 5.0
USER_AGENT = "loadstone"


class FetchError(TargetError):
    """A live system gave no answer of use; `what` says why, without the address."""

    def __init__(self, address: str, what: str) -> None:
        super().__init__(f"{address} {what}")
        self.address = address
        self.what = what


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, its content type, its body, and when it was read, in Unix seconds."""

    status: int
    content_type: str
    body: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Address:
    """An http address, resolved once: `ip` is where every request to it goes."""

    url: str
    scheme: str
    host: str
    port: int
    ip: str
    path: str

    def __str__(self) -> str:
        return self.url


def resolve(url: str, *, allow_remote: bool = False) -> Address:
    """The address in `url`. Raises `UsageError` for what is no http address, holds a password, or is another
    machine without `allow_remote`, and `FetchError` for an unknown host."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"'{url[:200]}' is no address ({error}): write http://HOST:PORT") from error
    if parts.scheme not in ("http", "https") or not host or not url.isascii() or not url.isprintable():
        raise UsageError(f"'{url[:200]}' is no address: write http://HOST:PORT")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise UsageError("an address has neither user, password nor query: write http://HOST:PORT/PATH")
    port = port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(url, "cannot be reached: its host is not known here; correct the address") from error
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    ip = str(found[0][4][0])
    if not ipaddress.ip_address(ip.partition("%")[0]).is_loopback and not allow_remote:
        raise UsageError(f"{host} is not this machine: add --allow-remote if it may be asked")
    return Address(url, parts.scheme, host, port, ip, parts.path)


def get(
    address: Address,
    path: str,
    *,
    timeout_s: float = TIMEOUT_S,
    max_bytes: int = MAX_BYTES,
    accept: str = "*/*",
) -> Reply:
    """Asks for `path` (with its query) and gives the answer, whatever its status.

    Raises `FetchError` when nothing is there, when the answer is too large, or is not whole in time.
    """
    connection = _Connection(address, timeout_s)
    late = threading.Timer(timeout_s, connection.cut)
    late.daemon = True
    late.start()
    try:
        connection.connect()
        netloc = f"[{address.host}]" if ":" in address.host else address.host
        headers = {
            "Host": f"{netloc}:{address.port}",
            "User-Agent": USER_AGENT,
            "Accept": accept,
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read(max_bytes + 1)
        if len(body) > max_bytes:
            raise FetchError(address.url, f"sent more than {max_bytes / 1e6:g} MB: ask for less")
        if response.length:
            raise http.client.IncompleteRead(body, response.length)
        if connection.was_cut:  # http.client takes the end of a connection for the end of an answer
            raise TimeoutError
        return Reply(response.status, response.getheader("Content-Type") or "", body, time.time())
    except (OSError, http.client.HTTPException, ValueError) as error:
        if connection.was_cut or isinstance(error, TimeoutError):
            why = f"did not answer within {timeout_s:g} s: check that it is up"
        else:
            detail = getattr(error, "strerror", None) or str(error) or type(error).__name__
            why = f"cannot be read ({detail[:200]}): check that it is up and speaks HTTP"
        raise FetchError(address.url, why) from error
    finally:
        late.cancel()
        connection.close()


class _Connection(http.client.HTTPConnection):
    """A connection to the address that was resolved, which can be cut from another thread."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        super().__init__(address.host, address.port, timeout=timeout_s)
        self._where = address
        self._seconds = timeout_s
        self.was_cut = False

    def connect(self) -> None:
        plain = socket.create_connection((self._where.ip, self._where.port), self._seconds)
        self.sock = plain
        if self._where.scheme == "https":
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(plain, server_hostname=self._where.host)

    def cut(self) -> None:
        """Ends whatever is being waited for."""
        self.was_cut = True
        with suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)
