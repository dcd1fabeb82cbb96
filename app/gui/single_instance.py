"""One window for one store: a second start hands its file to the first one and ends.

    first   listens on a socket of this user, named after the store
    second  writes {"file": "/home/…/report.pdf"} and reads "ok"

A socket that a killed window left behind answers nobody: it is taken over. Where no socket can be made the
window opens all the same; the store is safe with several writers.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

ANSWER_MS = 2_000
MAX_MESSAGE = 64_000
LONGEST_PATH = 100
"""Bytes of the path of a socket: systems take 104 to 108, with the one that ends it."""
_OK = b"ok\n"


def socket_name(key: str) -> str | None:
    """The name of the socket for a store (see `store_opening.key_of`); None where none can be made.

    It lies in a folder that only this user may enter, so that nobody else can answer in our place.
    """
    name = "loadstone-" + hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    if sys.platform == "win32":
        return name
    from platformdirs import user_runtime_path

    folder = user_runtime_path("loadstone", appauthor=False)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError:
        return None
    path = str(folder / name)
    return path if len(os.fsencode(path)) <= LONGEST_PATH else None


def hand_over(name: str, file: Path | None) -> bool:
    """Whether a window that is there already took the file; None only brings that window to the front."""
    socket = QLocalSocket()
    socket.connectToServer(name)
    if not socket.waitForConnected(ANSWER_MS):
        return False
    message = {"file": None if file is None else str(file.absolute())}
    socket.write(json.dumps(message).encode() + b"\n")
    said = b""
    while not said.endswith(b"\n") and socket.waitForReadyRead(ANSWER_MS):
        said += bytes(socket.readAll().data())
    socket.disconnectFromServer()
    return said == _OK


class SingleInstance(QObject):
    """Listens for later starts. `called` brings the path that one of them was given, or None."""

    called = Signal(object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        if sys.platform == "win32":
            self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        # Elsewhere the folder keeps others out: that option would replace the socket of a living window.
        self._server.newConnection.connect(self._greet)
        self.is_listening = self._server.listen(name)
        if not self.is_listening and not _answers(name):
            QLocalServer.removeServer(name)
            self.is_listening = self._server.listen(name)

    def close(self) -> None:
        """Hears nobody any more."""
        self._server.close()
        self.is_listening = False

    def _greet(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.disconnected.connect(socket.deleteLater)
            socket.readyRead.connect(lambda socket=socket: self._read(socket))
            if socket.bytesAvailable():
                self._read(socket)

    def _read(self, socket: QLocalSocket) -> None:
        if socket.bytesAvailable() > MAX_MESSAGE:
            socket.abort()
            return
        if not socket.canReadLine():
            return
        try:
            message = json.loads(bytes(socket.readLine().data()))
            named = message["file"]
            file = None if named is None else Path(str(named))
        except (ValueError, KeyError, TypeError):
            socket.abort()
            return
        socket.write(_OK)
        socket.flush()
        self.called.emit(file)


def _answers(name: str) -> bool:
    socket = QLocalSocket()
    socket.connectToServer(name)
    return socket.waitForConnected(ANSWER_MS)
