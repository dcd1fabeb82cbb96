"""The store is opened behind the window, at the start and for another place; what is wrong is said.

stores.open(url) ──▶ opened ──▶ session.store_opened
                └──▶ failed: `stores.failure`, with the store as it was
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.gui.executor import Failure, SerialExecutor
from app.gui.probing import Probing
from app.gui.session import Session

if TYPE_CHECKING:
    from assessments.store import Store


class StoreOpening(QObject):
    """Opens stores, one after the other. `url` is what was asked for: path, URL, or None for the usual."""

    opening = Signal()
    opened = Signal()
    failed = Signal(object)
    """`Failure`: why there is no store."""

    def __init__(
        self, session: Session, executor: SerialExecutor, probing: Probing, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._executor, self._probing = session, executor, probing
        self.url: str | None = probing.store_url
        self.failure: Failure | None = None
        self.moved_to: Path | None = None
        """Where a damaged store lies that was moved away."""
        self.is_opening = False
        self._turn = 0

    def open(self, url: str | None) -> None:
        """Opens this store; an open one stays until the new one is there. `opened` or `failed` follows."""
        self._turn += 1
        turn = self._turn
        self.is_opening = True
        self.opening.emit()
        self._executor.submit(
            lambda: _open(url),
            lambda store: self._take(store, url, turn),
            lambda failure: self._fail(failure, url, turn),
        )

    def again(self) -> None:
        """Tries once more what failed."""
        self.open(self.url)

    @property
    def can_begin_anew(self) -> bool:
        """Whether what failed is a file that can be moved away, so that an empty store takes its place."""
        return self.failure is not None and self.file is not None and self.file.exists()

    @property
    def file(self) -> Path | None:
        """The file of the store that was asked for; None where it is a server, or names nothing."""
        from assessments.store import StoreError, resolve_url, store_path

        try:
            return store_path(resolve_url(self.url))
        except StoreError:
            return None

    def begin_anew(self) -> None:
        """Moves the file away, under a name with the time, and makes an empty store in its place."""
        file = self.file
        if file is None:
            return
        self._executor.submit(lambda: moved_away(file), self._moved, self.failed.emit)

    def _moved(self, path: Path) -> None:
        self.moved_to = path
        self.again()

    def _take(self, store: Store, url: str | None, turn: int) -> None:
        if turn != self._turn:
            store.close()
            return
        old = self._session.store if self._session.has_store else None
        self.is_opening, self.failure, self.url = False, None, url
        self._probing.store_url = url
        self._session.take_store(store)
        if old is not None:
            self._executor.submit(old.close)
        self.opened.emit()

    def _fail(self, failure: Failure, url: str | None, turn: int) -> None:
        if turn != self._turn:
            return
        self.is_opening = False
        if not self._session.has_store:
            self.url, self.failure = url, failure
        self.failed.emit(failure)


def moved_away(file: Path) -> Path:
    """Renames a file and what SQLite keeps beside it; returns the new path. Nothing is deleted or replaced.

    Raises `StoreError`.
    """
    from assessments.store import StoreError

    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    target = file.with_name(f"{file.name}.damaged-{stamp}")
    try:
        if target.exists():
            raise FileExistsError(17, "there is a file of that name", str(target))
        for ending in ("-wal", "-shm", "-journal"):
            beside = file.with_name(file.name + ending)
            if beside.exists():
                beside.rename(target.with_name(target.name + ending))
        file.rename(target)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise StoreError(f"the store {file} could not be moved away ({why}): move it yourself") from error
    return target


def key_of(url: str | None) -> str:
    """What two starts with the same store have in common; quick, and without opening anything."""
    named = url or os.environ.get("LOADSTONE_STORE") or ""
    scheme, mark, rest = named.partition("://")
    if mark and scheme.startswith("sqlite"):
        named, mark = rest.removeprefix("/"), ""
    if not named or mark:
        return named
    return str(Path(named).expanduser().resolve())


def _open(url: str | None) -> Store:
    from assessments.store import open_store

    return open_store(url)
