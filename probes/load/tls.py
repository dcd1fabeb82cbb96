"""TLS over a non-blocking socket, with the two methods of a socket that the load loop uses.

The records are made and read in memory (`ssl.MemoryBIO`), so that the socket itself stays the loop's: the
kernel's receive stamps come with the bytes as they do without TLS. Every connection makes a full handshake.

Imported by the load process only where TLS is spoken; standard library only.
"""

from __future__ import annotations

import socket
import ssl
from typing import Any

from probes.load.plan import Tls, TlsError

LEAST_READ = 4_096
"""Bytes asked of the socket: a record is longer than what it holds."""
LARGEST_READ = 262_144
RECORD = 16_384
"""The most that a record holds, and that the session gives at once."""


def new_context(tls: Tls) -> ssl.SSLContext:
    """How certificates are checked: against the system's store or the file named, unless it is insecure.

    Raises `OSError` when the file cannot be read, `ssl.SSLError` when it holds no certificates.
    """
    context = ssl.create_default_context(cafile=tls.ca)
    if tls.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(list(tls.alpn))
    return context


def reason(error: OSError) -> str:
    """What went wrong with TLS, in one sentence."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted: {error.verify_message.rstrip('.')}"
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "the connection was closed during the TLS handshake"
    if isinstance(error, ssl.SSLError):
        if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"):
            return "what answers there does not speak TLS"
        return f"the TLS handshake failed: {(error.reason or str(error)).lower().replace('_', ' ')}"
    return f"the TLS handshake failed: {error.strerror or error}"


class TlsSocket:
    """The client's side of one TLS session on a connected, non-blocking socket."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, name: str) -> None:
        self._sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._left = b""  # records that the socket has not taken yet
        self._owed = 0  # bytes of the caller's that are in these records
        self._room = LEAST_READ
        self._broken: OSError | None = None
        self._ended = False

    @property
    def is_behind(self) -> bool:
        """Whether the socket has not taken all that is to be sent."""
        return bool(self._left)

    def handshake(self) -> bool:
        """Goes on with the handshake as far as it can now; True once it is done. Raises `TlsError`."""
        try:
            self._read_socket(0)
        except BlockingIOError:
            pass
        except OSError as error:
            raise TlsError(reason(error)) from error
        done = False
        failed: OSError | None = None
        try:
            self._session.do_handshake()
            done = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            failed = error
        try:  # also what tells the peer of a failure
            self._flush()
        except BlockingIOError:
            done = False
        except OSError as error:
            failed = failed or error
        if failed is not None:
            raise TlsError(reason(failed)) from failed
        return done

    def send(self, data: bytes | memoryview) -> int:
        """As of a socket: how many bytes were taken, which is once their records were sent whole.

        Raises `BlockingIOError` while they were not; it is then called again with the same bytes.
        """
        if not self._owed:
            self._owed = self._session.write(data)
        self._flush()
        size, self._owed = self._owed, 0
        return size

    def recvmsg(self, size: int, ancillary_size: int) -> tuple[bytes, list[Any], int, Any]:
        """As of a socket: what there is to read (b"" = the peer ended the session) and the kernel's stamp of
        the last record. May return more than `size`. Raises `TlsError` when the session broke.
        """
        if self._broken is not None:
            raise self._broken
        ancillary: list[Any] = []
        if not self._ended:
            try:
                ancillary = self._read_socket(size, ancillary_size)
            except BlockingIOError:
                if not self._incoming.pending:
                    raise
        parts = []
        try:
            while part := self._session.read(RECORD):
                parts.append(part)
                if not self._incoming.pending:
                    break  # of the session only what is no whole record is left: asking costs an exception
            else:
                self._ended = True
        except ssl.SSLWantReadError:
            if not parts:
                raise BlockingIOError from None
        except ssl.SSLError as error:
            if isinstance(error, ssl.SSLEOFError):
                said = "the connection was closed without the end of the TLS session (close_notify)"
                self._broken = TlsError(said, truncated=True)
            else:
                why = (error.reason or str(error)).lower().replace("_", " ")
                self._broken = TlsError(f"the TLS session broke: {why}")
            if not parts:
                raise self._broken from error
        if parts and (self._ended or self._broken is not None):
            self._sock.shutdown(socket.SHUT_RD)  # so that it stays readable, and what is left is asked for
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        return data, ancillary, 0, None  # what the session has to say itself goes with the next request

    def _read_socket(self, size: int, ancillary_size: int = 0) -> list[Any]:
        room = max(size, self._room)
        data, ancillary, _, _ = self._sock.recvmsg(room, ancillary_size)
        if not data:
            self._incoming.write_eof()
        self._incoming.write(data)
        if len(data) == room and room < LARGEST_READ:
            self._room = room * 4
        return ancillary

    def _flush(self) -> None:
        """Sends records. Raises `BlockingIOError` while the socket does not take all of them."""
        records = self._outgoing.read()
        if self._left:
            records = self._left + records
        if not records:
            return
        self._left = records
        sent = self._sock.send(records)
        self._left = records[sent:] if sent < len(records) else b""
        if self._left:
            raise BlockingIOError
