"""A store that a Loadstone with schema 0001 wrote comes to the present one, and nothing of it is lost."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, Table, create_engine, func, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import DateTime

from assessments.store import Answer, Store, StoreError, open_store, revisions

DUMP = Path(__file__).parent / "data" / "store-0001.sql"
ROWS = {
    "assessment": 2, "answer": 3, "run": 2, "second": 4, "step": 2, "histogram": 2, "fact": 1, "note": 1,
}  # fmt: skip


@pytest.fixture
def written(path: Path) -> Path:
    """The file that the earlier Loadstone left."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(DUMP.read_text(encoding="utf-8"))
    assert counts(path) == ROWS
    return path


def counts(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as connection:
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ROWS}


def assert_all_is_there(store: Store, sample: Any) -> None:
    run = store.run("run-0001")
    assert run.damaged == []
    assert run.result == sample.finished().result
    assert len(run.seconds) == 3
    assert run.histograms[1] == ("response-histogram-of-step-1", "service-histogram-of-step-1")
    other = store.run("run-0002")
    assert (other.status, other.damaged, other.summary.assessment) == ("interrupted", [], None)
    checkout, search = store.assessment("checkout"), store.assessment("search")
    assert [entry.id for entry in checkout.runs] == ["run-0001"]
    assert [(entry.question, entry.choices, entry.version) for entry in checkout.answers] == [
        ("INF-01", ("INF_01_a", "INF_01_c"), 1),
        ("INF-14", (), 1),
    ]
    assert [entry.state for entry in search.answers] == ["unsure"]
    assert checkout.damaged == search.damaged == []
    assert checkout.id != search.id
    assert len(checkout.id) == len(search.id) == 32
    assert (checkout.setup.version, checkout.evidence, checkout.milestones) == (0, [], [])


def test_nothing_is_lost_and_a_copy_is_kept(written: Path, sample: Any) -> None:
    with open_store(str(written)) as store:
        assert_all_is_there(store, sample)
    assert counts(written) == ROWS
    with closing(sqlite3.connect(written)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    copy = written.with_name(f"store.before-{revisions.newest_revision()}.sqlite")
    assert counts(copy) == ROWS
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]


def test_what_was_migrated_goes_on_being_written(written: Path, sample: Any) -> None:
    with open_store(str(written)) as store:
        first = store.answers("checkout")[0]
        assert store.save_answer("checkout", first).version == 2
        with store.record("run-0003", "checkout") as recorder:
            recorder(sample.started(id="run-0003"))
        store.save_answer("checkout", Answer("INF-20", state="unsure"))
        found = store.assessment("checkout")
    assert (found.damaged, found.summary.runs, found.summary.answers) == ([], 2, 3)


def test_a_row_lost_after_the_migration_is_noticed(written: Path, change: Callable[..., None]) -> None:
    open_store(str(written)).close()
    change(written, "DELETE FROM answer WHERE question = 'INF-14'")
    with open_store(str(written)) as store:
        (said,) = store.assessment("checkout").damaged
    assert "1 answers are stored where 2 were written" in said


def test_damage_of_before_stays_visible(written: Path, change: Callable[..., None]) -> None:
    change(written, "UPDATE answer SET note = 'another' WHERE question = 'INF-01'")
    with open_store(str(written)) as store:
        (said,) = store.assessment("checkout").damaged
    assert said.startswith("the answer to INF-01 does not match its hash")


def test_what_refers_to_nothing_is_not_migrated(
    written: Path, change: Callable[..., None], digest: Callable[[Path], str]
) -> None:
    change(written, "PRAGMA foreign_keys=OFF", "DELETE FROM assessment WHERE name = 'search'")
    before = digest(written)
    with pytest.raises(StoreError, match="a row of 'answer' refers to a row of 'assessment' that is gone"):
        open_store(str(written))
    assert digest(written) == before


@pytest.mark.server
def test_nothing_is_lost_on_postgresql(
    postgresql_url: str, written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: Any
) -> None:
    with monkeypatch.context() as patch:
        only_first(tmp_path / "first", patch)
        open_store(postgresql_url).close()
    copy_rows(written, postgresql_url)
    with open_store(postgresql_url) as store:
        assert_all_is_there(store, sample)
        with store._engine.connect() as connection:
            for name, count in ROWS.items():
                table = Table(name, MetaData(), autoload_with=connection)
                assert connection.scalar(select(func.count()).select_from(table)) == count


def only_first(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Makes the schema 0001 the newest that is known."""
    ours = revisions.migrations_folder()
    shutil.copytree(ours, folder, ignore=shutil.ignore_patterns("__pycache__", "0002_*", "0003_*"))
    patch.setattr(revisions, "migrations_folder", lambda: folder)
    patch.setattr("assessments.store.migrate.migrations_folder", lambda: folder)


def copy_rows(path: Path, url: str) -> None:
    """Puts the rows of the file into the database, as the earlier Loadstone would have written them there."""
    engine = create_engine(url.replace("://", "+psycopg://"))
    metadata = MetaData()
    metadata.reflect(engine)
    with closing(sqlite3.connect(path)) as connection, engine.begin() as target:
        connection.row_factory = sqlite3.Row
        for table in metadata.sorted_tables:
            if table.name not in ROWS:
                continue
            rows = [dict(row) for row in connection.execute(f"SELECT * FROM {table.name}")]
            for row in rows:
                for column in table.columns:
                    row[column.name] = converted(column.type, row[column.name])
            target.execute(insert(table), rows)
    engine.dispose()


def converted(kind: Any, value: Any) -> Any:
    if value is not None and isinstance(kind, JSONB):
        return json.loads(value)
    if value is not None and isinstance(kind, DateTime):
        return datetime.fromisoformat(value)
    return value
