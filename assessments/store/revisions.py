"""The revisions of the schema that this Loadstone knows, without loading Alembic."""

from __future__ import annotations

from pathlib import Path

from assessments.store.errors import StoreError


def migrations_folder() -> Path:
    """Where Alembic's environment lies, with one file a revision in `versions/`, named `0001_first.py`."""
    return Path(__file__).parent / "migrations"


def known_revisions() -> tuple[str, ...]:
    """All revisions, oldest first."""
    files = (migrations_folder() / "versions").glob("[0-9]*_*.py")
    return tuple(sorted(file.name.partition("_")[0] for file in files))


def newest_revision() -> str:
    """The revision that this Loadstone reads and writes."""
    return known_revisions()[-1]


def check_revision(revision: str | None, whose: str) -> None:
    """Returns when `revision` is known; None is a store without tables yet. Raises `StoreError`."""
    known = known_revisions()
    if revision is None or revision in known:
        return
    if revision.isdecimal() and int(revision) > int(known[-1]):
        raise StoreError(
            f"{whose} was written by a newer Loadstone (schema {revision}, this one knows {known[-1]}), "
            "and was left as it is: update Loadstone, or give another --store"
        )
    raise StoreError(
        f"{whose} has a schema '{revision}' that this Loadstone does not know, and was left as it is: "
        "give another --store"
    )
