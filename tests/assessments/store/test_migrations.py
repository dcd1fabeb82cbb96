"""Migrations make the schema the models speak of, and leave a store as it was when they fail."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, MetaData, Text, inspect
from sqlalchemy.engine import Connection

from assessments.store import Store, StoreError, open_store, revisions
from assessments.store.models import Base

Digest = Callable[[Path], str]
AddMigration = Callable[[str], None]

LAST = revisions.newest_revision()
NEXT = f"{int(LAST) + 1:04}"


@pytest.fixture
def add_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AddMigration:
    """Adds a migration after ours with the given body of `upgrade`, in a copy of the folder."""
    folder = tmp_path / "migrations"
    ours = revisions.migrations_folder()

    def add(body: str) -> None:
        shutil.copytree(ours, folder, ignore=shutil.ignore_patterns("__pycache__"))
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        (folder / "versions" / f"{NEXT}_next.py").write_text(
            "import sqlalchemy as sa\nfrom alembic import op\n"
            f"revision = '{NEXT}'\ndown_revision = '{LAST}'\n"
            f"def upgrade():\n{lines}"
        )
        monkeypatch.setattr(revisions, "migrations_folder", lambda: folder)
        monkeypatch.setattr("assessments.store.migrate.migrations_folder", lambda: folder)

    return add


def test_models_equal_migrations(store: Store) -> None:
    with store._engine.connect() as connection:
        assert differences(connection, Base.metadata) == []


def test_the_comparison_sees_a_difference(store: Store) -> None:
    changed = MetaData(naming_convention=Base.metadata.naming_convention)
    for table in Base.metadata.tables.values():
        table.to_metadata(changed)
    changed.tables["run"].append_column(Column("forgotten", Text()))
    changed.tables["step"].c.document.nullable = True
    with store._engine.connect() as connection:
        assert len(differences(connection, changed)) == 2


def differences(connection: Connection, metadata: MetaData) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


def test_the_file_names_tell_alembics_revisions() -> None:
    """The cheap look at the files sees what Alembic sees, so that it can be skipped."""
    scripts = ScriptDirectory(str(revisions.migrations_folder()))
    by_alembic = [script.revision for script in scripts.walk_revisions()]
    assert tuple(reversed(by_alembic)) == revisions.known_revisions()
    assert scripts.get_heads() == [revisions.newest_revision()]


def test_a_migration_keeps_what_is_there_and_a_copy_of_it(
    recorded: Path, add_migration: AddMigration
) -> None:
    with open_store(str(recorded)) as store:
        before = store.run("run-0001")
    add_migration("op.add_column('assessment', sa.Column('added', sa.Text()))")
    with open_store(str(recorded)) as store:
        assert store.run("run-0001") == before
        columns = {column["name"] for column in inspect(store._engine).get_columns("assessment")}
    assert "added" in columns
    backup = recorded.with_name(f"store.before-{NEXT}.sqlite")
    with closing(sqlite3.connect(backup)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert copy.execute("SELECT version_num FROM alembic_version").fetchall() == [(LAST,)]
        assert copy.execute("SELECT count(*) FROM second").fetchone() == (5,)
    assert not list(recorded.parent.glob("*.part"))


def test_the_copy_can_be_opened_by_the_loadstone_that_wrote_it(
    recorded: Path, add_migration: AddMigration, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context():
        add_migration("op.add_column('assessment', sa.Column('added', sa.Text()))")
        open_store(str(recorded)).close()
    monkeypatch.undo()
    with open_store(str(recorded.with_name(f"store.before-{NEXT}.sqlite"))) as store:
        assert store.run("run-0001").damaged == []


def test_moving_a_table_keeps_the_rows_that_refer_to_it(recorded: Path, add_migration: AddMigration) -> None:
    """With foreign keys enforced, dropping the old `run` would delete or refuse."""
    add_migration(
        "with op.batch_alter_table('run', recreate='always') as batch:\n"
        "    batch.alter_column('reason', type_=sa.String(500))"
    )
    open_store(str(recorded)).close()
    with closing(sqlite3.connect(recorded)) as connection:
        assert (
            "reason VARCHAR(500)"
            in connection.execute("SELECT sql FROM sqlite_master WHERE name = 'run'").fetchone()[0]
        )
        counts = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("second", "step", "histogram", "fact", "note")
        ]
    assert counts == [5, 2, 2, 1, 1]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (
            "op.create_table('half_way', sa.Column('key', sa.Integer))\n"
            "op.execute('UPDATE run SET status = NULL')",
            "NOT NULL constraint failed",
        ),
        ("op.drop_table('note')\nraise RuntimeError('the power went')", "the power went"),
        ("op.execute('DELETE FROM note')", "'note' had 1 rows before and has 0 after"),
        (
            "op.execute('PRAGMA foreign_keys=ON')\nop.execute('UPDATE second SET run_key = 77')",
            "'second' refers to a row of 'run' that is gone",
        ),
    ],
)
def test_a_migration_that_fails_leaves_the_file_as_it_was(
    recorded: Path, add_migration: AddMigration, digest: Digest, body: str, why: str
) -> None:
    before = digest(recorded)
    add_migration(body)
    with pytest.raises(StoreError) as failure:
        open_store(str(recorded))
    assert why in str(failure.value)
    assert "is as it was (a copy lies at" in str(failure.value)
    assert digest(recorded) == before


def test_without_a_copy_nothing_is_migrated(
    recorded: Path, add_migration: AddMigration, digest: Digest, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest(recorded)
    add_migration("op.drop_table('note')")
    monkeypatch.setattr("assessments.store.backup._check", raise_disk_full)
    with pytest.raises(StoreError, match="no copy could be made first"):
        open_store(str(recorded))
    assert digest(recorded) == before
    assert not list(recorded.parent.glob("*before*"))


def raise_disk_full(path: Path) -> None:
    raise OSError(28, "No space left on device")


def test_a_fresh_store_needs_no_copy(path: Path) -> None:
    open_store(str(path)).close()
    assert not list(path.parent.glob("*before*"))


def test_a_first_migration_that_fails_leaves_an_empty_file(path: Path, add_migration: AddMigration) -> None:
    add_migration("raise RuntimeError('the power went')")
    with pytest.raises(StoreError, match="the power went"):
        open_store(str(path))
    assert path.stat().st_size == 0
