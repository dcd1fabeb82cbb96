"""One unary gRPC call outside of the load: by the same codec, over a connection of its own."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from probes.errors import TargetError, UsageError
from probes.load.codec import Notes
from probes.load.plan import Tls, TlsError, Wire
from probes.targets import http

if TYPE_CHECKING:
    from collections.abc import Sequence

INSTALL = 'pip install "loadstone[grpc]"'
CODEC = "probes.load.http2"
STREAMS = 16
"""Calls at once on a connection unless asked otherwise: with 64 in flight, 4 connections."""
DEADLINE_AFTER_S = 0.1
"""How long after our own time-out the deadline lies that goes with a call (`grpc-timeout`)."""
_PACKAGES = {"hpack": "hpack", "google.protobuf": "protobuf", "grpc_reflection": "grpcio-reflection"}
_COMPILER = {"grpc_tools": "grpcio-tools"}
CLIENTS = ("own", "grpcio")


def need_packages(*, compiler: bool = False, client: str = "own") -> None:
    """Raises `UsageError` that names the packages of the extra that are missing, and how to install them."""
    missing = []
    needed = _PACKAGES | (_COMPILER if compiler else {}) | ({"grpc": "grpcio"} if client == "grpcio" else {})
    for module, package in needed.items():
        try:
            found = find_spec(module) is not None
        except ModuleNotFoundError:
            found = False
        if not found:
            missing.append(package)
    if missing:
        raise UsageError(f"a gRPC target needs {', '.join(missing)}: install with {INSTALL}")


@dataclass(frozen=True)
class Endpoint:
    """Where a gRPC server listens, and what goes with every call."""

    host: str
    port: int
    family: int
    ip: str
    remote: bool
    tls: Tls | None
    metadata: tuple[tuple[str, str], ...]
    shown_metadata: tuple[str, ...]
    streams: int = STREAMS
    expect_body: str | None = None
    client: str = "own"

    @property
    def authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def encoded(self, path: str, message: bytes, timeout_s: float, run_id: str | None = None) -> bytes:
        """The request of a call, as the codec takes it; the user-agent names the run.

        The deadline that goes with it lies `DEADLINE_AFTER_S` after our own: whoever keeps deadlines does not
        work on for nobody, and a call that takes too long is still a time-out and no status of the server's.
        """
        from probes.load.http2_frames import encoded_request, header_block

        agent = f"{http.USER_AGENT}/{run_id}" if run_id else http.USER_AGENT
        metadata = self.metadata
        if self.client == "grpcio":
            from probes.load import grpcio_loop

            return grpcio_loop.encoded(path, self.authority, agent, metadata, message)
        if not any(name.lower() == "grpc-timeout" for name, _ in metadata):
            metadata = (("grpc-timeout", f"{math.ceil(1e3 * (timeout_s + DEADLINE_AFTER_S))}m"), *metadata)
        block = header_block(
            self.authority, path, secure=self.tls is not None, agent=agent, metadata=metadata
        )
        return encoded_request(block, message)

    def wire(self, requests: tuple[bytes, ...], timeout_s: float) -> Wire:
        """How the load loop talks to it."""
        if self.client == "grpcio":
            return Wire(
                family=self.family, address=(self.ip, self.port), requests=requests,
                timeout_ns=int(timeout_s * 1e9), protocol="grpcio", tls=self.tls,
            )  # fmt: skip
        return Wire(
            family=self.family, address=(self.ip, self.port), requests=requests,
            timeout_ns=int(timeout_s * 1e9), protocol=CODEC, tls=self.tls, streams=self.streams,
            expect_body=self.expect_body,
        )  # fmt: skip


@dataclass(frozen=True)
class Reply:
    """What a call got: its outcome (an HTTP status), gRPC status, what was said of it, the message."""

    status: int
    code: int | None
    said: str
    message: bytes
    seconds: float


def read_endpoint(
    address: str,
    headers: Sequence[str],
    *,
    allow_remote: bool,
    ca: str | None,
    insecure: bool,
    streams: int | None,
    expect_body: str | None,
    client: str | None,
) -> tuple[Endpoint, str]:
    """Endpoint and path of a `grpc://` address (`grpcs://` with TLS). Raises as `http.parse_target` does."""
    http.check_pattern(expect_body)
    if client == "grpcio":
        if insecure:
            raise UsageError("grpcio always checks certificates: name them with --ca instead of --insecure")
        if streams is not None or expect_body is not None:
            raise UsageError("--streams and --expect-body are not for --client grpcio: leave them out")
    elif client not in (None, "own"):
        raise UsageError(f"'{client}' is no client of gRPC: write --client own or --client grpcio")
    scheme, _, rest = address.partition("://")
    secure = scheme.lower().endswith("s")
    if not secure and (ca is not None or insecure):
        raise UsageError(f"--ca and --insecure are for {scheme}s:// targets: leave them out")
    plain = http.parse_target(
        f"{'https' if secure else 'http'}://{rest}", headers=headers, allow_remote=allow_remote, ca=ca,
        insecure=insecure,
    )  # fmt: skip
    tls = None if plain.tls is None else replace(plain.tls, alpn=("h2",))
    endpoint = Endpoint(
        plain.host, plain.port, plain.family, plain.ip, plain.remote, tls, plain.headers, plain.shown_headers,
        streams or STREAMS, expect_body, client or "own",
    )  # fmt: skip
    return endpoint, plain.path


def call(endpoint: Endpoint, path: str, message: bytes, timeout_s: float, run_id: str | None = None) -> Reply:
    """Makes one call; the whole exchange has `timeout_s`.

    Raises `TargetError` with one sentence when nothing answers there, or something that is no gRPC.
    """
    from probes.load.http2 import Codec

    if endpoint.client == "grpcio":
        return _call_by_grpcio(endpoint, path, message, timeout_s, run_id)
    where = endpoint.authority
    request = endpoint.encoded(path, message, timeout_s, run_id)
    errors: dict[int, str] = {}
    wire = replace(endpoint.wire((request,), timeout_s), expect_body=None)
    codec = Codec(wire, Notes(errors), keep_bodies=True)
    started = time.monotonic()
    try:
        with http.connected((endpoint.ip, endpoint.port), endpoint.tls, timeout_s) as sock:
            sock.sendall(codec.begin(0, request))
            ended: list[tuple[int, int]] = []
            while not ended:
                left = started + timeout_s - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                sock.settimeout(left)
                data = sock.recv(65_536)
                ended = codec.feed(data, 0, 0) if data else codec.at_end()
                if codec.pending and data:
                    waiting, codec.pending = codec.pending, b""
                    sock.sendall(waiting)
    except TlsError as error:
        raise TargetError(f"{where} cannot be asked: {error.strerror}{http.tls_hint(error)}") from error
    except TimeoutError as error:
        raise TargetError(
            f"{where} gave no complete answer within {timeout_s:g} s; check that the service is healthy "
            "or allow more with --timeout"
        ) from error
    except ConnectionRefusedError as error:
        raise TargetError(f"nothing listens on {where}; start the service or correct the address") from error
    except OSError as error:
        if isinstance(error, ConnectionError):
            raise TargetError(
                f"what listens on {where} does not speak gRPC: it ended the connection"
            ) from error
        raise TargetError(f"{where} cannot be asked: {error.strerror or error}") from error
    outcome = ended[0][1]
    said = errors.get(outcome, "")
    if outcome >= 1_000 or (codec.code is None and outcome != 200):
        raise TargetError(f"what listens on {where} does not speak gRPC: {said}")
    body = bytes(codec.body[5:])
    if outcome == 200 and codec.body[:1] != b"\0":
        raise TargetError(f"{where} answers with a compressed message, which was not asked for")
    return Reply(outcome, codec.code, said, body, time.monotonic() - started)


def _call_by_grpcio(
    endpoint: Endpoint, path: str, message: bytes, timeout_s: float, run_id: str | None
) -> Reply:
    import grpc

    from probes.load.grpcio_loop import channel_of, decoded
    from probes.load.http2_frames import CODES, STATUS_OF_CODE

    request = endpoint.encoded(path, message, timeout_s, run_id)
    _, authority, agent, metadata, _ = decoded(request)
    started = time.monotonic()
    with channel_of(grpc, endpoint.wire((request,), timeout_s), authority, agent) as channel:
        try:
            answer = channel.unary_unary(path)(message, timeout=timeout_s, metadata=metadata)
        except grpc.RpcError as error:
            seconds = time.monotonic() - started
            number, said = error.code().value[0], error.details() or ""
            if number == CODES.index("DEADLINE_EXCEEDED") and seconds >= timeout_s - 0.01:
                raise TargetError(
                    f"{endpoint.authority} gave no complete answer within {timeout_s:g} s; check that the "
                    "service is healthy or allow more with --timeout"
                ) from error
            if number == CODES.index("UNAVAILABLE") and "connect" in said.lower():
                raise TargetError(
                    f"grpcio cannot connect to {endpoint.authority} ({said[:120]}); start the service or "
                    "correct the address"
                ) from error
            return Reply(STATUS_OF_CODE[number], number, f"{CODES[number]}: {said}", b"", seconds)
    return Reply(200, 0, "", answer, time.monotonic() - started)
