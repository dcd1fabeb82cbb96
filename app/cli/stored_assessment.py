"""Stored assessments as the command line names them: `shop`, or `shop@before-campaign` at a milestone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from probes.errors import UsageError

if TYPE_CHECKING:
    from assessments.assessment import Assessed
    from assessments.store import Store


def split_label(name: str) -> tuple[str, str | None]:
    """The name and, where one is given, the label of the milestone behind the first `@`."""
    whole, at, label = name.partition("@")
    if at and not label:
        raise UsageError(f"'{name}' names no milestone: write {whole}@LABEL, or {whole} alone")
    return whole, label if at else None


def is_assessment(store: Store, name: str) -> bool:
    """Whether the word names an assessment, or one of its milestones, and not a run."""
    whole, _ = split_label(name)
    return "@" in name or any(entry.name == whole for entry in store.assessments())


def moment(text: str | None) -> datetime:
    """The moment of `--as-of`, a day to its end, by default now. Raises `UsageError`."""
    from app import assessing

    if text is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        return assessing.moment(text)
    except UsageError as error:
        raise UsageError(
            f"'{text:.60}' is no value for --as-of: write a time such as 2026-03-01T00:00:00Z"
        ) from error


def stored_assessed(store: Store, name: str, as_of: str | None = None) -> Assessed:
    """The assessment, judged now or at `as_of`; at a milestone, as it was judged then.

    Raises `UsageError` and `StoreError`.
    """
    from assessments.assessment import assess, materials_of

    whole, label = split_label(name)
    if label is None:
        from assessments.stored import materials

        return assess(materials(store, whole), moment(as_of))
    document = store.milestone(whole, label).document
    then = moment(as_of) if as_of is not None else moment(str(document.get("as_of")))
    return assess(materials_of(document, name), then)


def stored_document(store: Store, name: str, as_of: str | None = None) -> dict[str, Any]:
    """The document `loadstone.assessment/1` of the assessment. Raises `UsageError` and `StoreError`."""
    return stored_assessed(store, name, as_of).to_json()
