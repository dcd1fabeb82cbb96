"""Where the store is, and what is refused as one: always in one sentence and with its bytes unchanged."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import assessments
from assessments.store import StoreError, open_store, resolve_url, shown_url, store_path
from assessments.store.engine import APPLICATION_ID
from probes.errors import UserError

Change = Callable[..., None]
Digest = Callable[[Path], str]


def test_the_default_store_lies_in_the_users_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("LOADSTONE_STORE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert resolve_url(None) == f"sqlite:///{tmp_path}/data/loadstone/loadstone.sqlite"


def test_the_folders_of_the_default_store_are_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LOADSTONE_STORE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "not" / "there"))
    with open_store():
        assert (tmp_path / "not/there/loadstone/loadstone.sqlite").exists()


def test_the_environment_names_the_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOADSTONE_STORE", str(tmp_path / "team.sqlite"))
    assert resolve_url(None) == f"sqlite:///{tmp_path}/team.sqlite"
    assert resolve_url(str(tmp_path / "given")) == f"sqlite:///{tmp_path}/given"


@pytest.mark.parametrize(
    ("given", "resolved"),
    [
        ("/data/a.sqlite", "sqlite:////data/a.sqlite"),
        ("sqlite:////data/a.sqlite", "sqlite:////data/a.sqlite"),
        ("/data/50% of it?.sqlite", "sqlite:////data/50% of it?.sqlite"),
        ("postgresql://u:p@db:5432/team", "postgresql+psycopg://u:p@db:5432/team"),
        ("postgres://db/team", "postgresql+psycopg://db/team"),
    ],
)
def test_a_store_is_given_as_path_or_url(given: str, resolved: str) -> None:
    assert resolve_url(given) == resolved


def test_a_relative_path_counts_from_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve_url("a.sqlite") == resolve_url("sqlite:///a.sqlite") == f"sqlite:///{tmp_path}/a.sqlite"


@pytest.mark.parametrize("given", ["", "  ", ":memory:", "sqlite://", "mysql://db/team", "http://db/team"])
def test_what_can_be_no_store_is_refused(given: str) -> None:
    with pytest.raises(StoreError) as refusal:
        resolve_url(given)
    assert refusal.value.exit_code == 2
    assert isinstance(refusal.value, UserError)


def test_a_password_is_never_shown() -> None:
    for url in ("postgresql://u:canary@db/team", "postgresql://u@db/team?password=canary"):
        assert "canary" not in shown_url(resolve_url(url))
    assert store_path(resolve_url("postgresql://u:canary@db/team")) is None


def test_names_with_signs_that_urls_use_are_plain_files(tmp_path: Path) -> None:
    path = tmp_path / "50% of #1?.sqlite"
    with open_store(str(path)) as store:
        assert store.runs() == []
    assert path.exists()


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.touch()
    with open_store(str(path)) as store:
        assert store.runs() == []


def test_the_file_is_marked_as_loadstones(recorded: Path) -> None:
    assert int.from_bytes(recorded.read_bytes()[68:72], "big") == APPLICATION_ID


def test_random_bytes_are_refused_unchanged(path: Path, digest: Digest) -> None:
    path.write_bytes(bytes(range(256)) * 40)
    assert_refused_unchanged(path, digest, "no SQLite database")


def test_a_text_file_is_refused_unchanged(path: Path, digest: Digest) -> None:
    path.write_text("due_s,sent_s,done_s,status\n0,0,1,200\n")
    assert_refused_unchanged(path, digest, "no SQLite database")


def test_a_file_of_another_application_is_refused_unchanged(
    path: Path, change: Change, digest: Digest
) -> None:
    change(path, "CREATE TABLE run (id)", "PRAGMA application_id=252006674")
    assert_refused_unchanged(path, digest, "another application")


def test_an_unmarked_database_with_tables_is_refused_unchanged(
    path: Path, change: Change, digest: Digest
) -> None:
    change(path, "PRAGMA journal_mode=WAL", "CREATE TABLE photos (id)")
    assert_refused_unchanged(path, digest, "another application")


def test_a_newer_schema_is_refused_unchanged(recorded: Path, change: Change, digest: Digest) -> None:
    change(recorded, "UPDATE alembic_version SET version_num = '9999'")
    assert_refused_unchanged(recorded, digest, "newer Loadstone (schema 9999")


def test_an_unknown_schema_is_refused_unchanged(recorded: Path, change: Change, digest: Digest) -> None:
    change(recorded, "UPDATE alembic_version SET version_num = 'ae1027a6acf'")
    assert_refused_unchanged(recorded, digest, "does not know")


def test_a_store_cut_short_is_refused_unchanged(recorded: Path, digest: Digest) -> None:
    os.truncate(recorded, recorded.stat().st_size - 3 * 4096)
    assert_refused_unchanged(recorded, digest, "damaged")


def test_a_store_with_an_overwritten_page_is_refused_unchanged(recorded: Path, digest: Digest) -> None:
    with recorded.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(b"\xff" * 4096)
    assert_refused_unchanged(recorded, digest, "damaged")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is no file"):
        open_store(str(tmp_path))


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is not there: make it first"):
        open_store(str(tmp_path / "missing" / "a.sqlite"))
    assert not (tmp_path / "missing").exists()


def test_a_path_below_a_file_is_refused(path: Path) -> None:
    path.write_text("a file")
    with pytest.raises(StoreError, match="not a directory"):
        open_store(str(path / "a.sqlite"))


def test_a_default_folder_that_cannot_be_made_is_refused(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    path.write_text("a file")
    monkeypatch.delenv("LOADSTONE_STORE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(path))
    with pytest.raises(StoreError, match="give another --store"):
        open_store()


def test_a_path_that_may_not_be_written_is_refused(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, digest: Digest
) -> None:
    """Root may write everywhere, so the system's answer is replaced."""
    monkeypatch.setattr(os, "access", lambda place, mode: not mode & os.W_OK)
    assert_refused_unchanged(recorded, digest, "may not be written")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write whatever the permission bits say")
def test_permission_bits_are_kept(recorded: Path, digest: Digest) -> None:
    recorded.chmod(0o444)
    assert_refused_unchanged(recorded, digest, "may not be written")


def test_a_missing_driver_for_postgresql_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r'pip install "loadstone\[postgresql\]"'):
        open_store("postgresql://db/team")


def test_a_commit_that_was_cut_off_is_rolled_back(recorded: Path, tmp_path: Path) -> None:
    """The pages of an unfinished transaction are in the file, and the journal beside it is hot."""
    left = tmp_path / "left.sqlite"
    with closing(sqlite3.connect(recorded, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size=1")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE ballast (content)")
        connection.executemany("INSERT INTO ballast VALUES (?)", [("x" * 3000,)] * 100)
        connection.execute("UPDATE run SET reason = 'changed by nobody'")
        shutil.copy(recorded, left)
        shutil.copy(f"{recorded}-journal", f"{left}-journal")
    assert left.read_bytes() != recorded.read_bytes()
    with open_store(str(left)) as store:
        run = store.run("last")
    assert run.damaged == []
    assert run.summary.reason is None


def test_foreign_keys_are_enforced(store: object) -> None:
    with store._engine.connect() as connection:  # type: ignore[attr-defined]
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 30_000


def test_opening_a_present_store_loads_no_alembic(recorded: Path) -> None:
    script = (
        "import sys; from assessments.store import open_store; open_store(sys.argv[1]).close();"
        "print([name for name in sys.modules if name.startswith('alembic')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(recorded)],
        capture_output=True, text=True, check=True, cwd=Path(assessments.__file__).parents[1],
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def assert_refused_unchanged(path: Path, digest: Digest, why: str) -> None:
    before, beside = digest(path), sorted(path.parent.iterdir())
    with pytest.raises(StoreError) as refusal:
        open_store(str(path))
    assert why in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert refusal.value.exit_code == 2
    assert digest(path) == before
    assert sorted(path.parent.iterdir()) == beside
