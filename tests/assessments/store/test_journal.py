"""WAL only with a library that has the repair and on a local file system."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from assessments.store import Store, journal_mode, open_store
from assessments.store.engine import sqlite_engine
from assessments.store.journal import file_system_of


@pytest.mark.parametrize("version", [(3, 51, 3), (3, 52, 0), (4, 0, 0), (3, 50, 7), (3, 50, 9), (3, 44, 6)])
def test_a_repaired_library_keeps_wal(version: tuple[int, ...], path: Path) -> None:
    mode, why = journal_mode(path, version, "ext4")
    assert mode == "WAL"
    assert "ext4" in why


@pytest.mark.parametrize(
    "version", [(3, 40, 1), (3, 44, 5), (3, 45, 0), (3, 50, 6), (3, 51, 0), (3, 51, 2), (3, 6, 23)]
)
def test_an_unrepaired_library_keeps_truncate(version: tuple[int, ...], path: Path) -> None:
    mode, why = journal_mode(path, version, "ext4")
    assert mode == "TRUNCATE"
    assert ".".join(map(str, version)) in why


@pytest.mark.parametrize("file_system", ["nfs4", "cifs", "9p", "fuse.sshfs", "virtiofs", ""])
def test_a_file_system_not_known_to_be_local_keeps_truncate(file_system: str, path: Path) -> None:
    assert journal_mode(path, (3, 52, 0), file_system)[0] == "TRUNCATE"


def test_the_file_system_is_that_of_the_innermost_mount(path: Path) -> None:
    assert file_system_of(path) == file_system_of(path.parent / "not" / "there") != ""
    assert file_system_of("/proc/self") == "proc"


def test_the_store_says_its_journal_and_keeps_it(store: Store, path: Path) -> None:
    assert (store.journal_mode, store.journal_reason) == journal_mode(path)
    with store._engine.connect() as connection:
        kept = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    assert kept.upper() == store.journal_mode


def test_a_wal_file_is_brought_back_to_truncate(recorded: Path) -> None:
    """A newer library wrote it; this one must not keep WAL."""
    for mode in ("WAL", "TRUNCATE"):
        engine = sqlite_engine(recorded, mode)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one().upper() == mode
        engine.dispose()
    assert recorded.read_bytes()[18:20] == b"\x01\x01"


def test_a_store_kept_in_wal_is_opened_beside_a_running_recorder(
    path: Path, sample: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assessments.store.store.journal_mode", lambda path: ("WAL", "for this test"))
    with open_store(str(path)) as store, store.record("run-0001") as recorder:
        for event in sample.whole_run():
            recorder(event)
        assert recorder.flush()
        assert path.with_name("store.sqlite-wal").stat().st_size > 0
        with open_store(str(path)) as other:
            assert other.run("run-0001").result == sample.finished().result
    with open_store(str(path)) as store:
        assert store.run("run-0001").damaged == []


def test_the_library_is_judged_by_its_own_version(path: Path) -> None:
    assert journal_mode(path, file_system="ext4") == journal_mode(path, sqlite3.sqlite_version_info, "ext4")
