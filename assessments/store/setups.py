"""The setup of an assessment: what it judges by."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from assessments.store import models
from assessments.store.assessment_rows import find_assessment, shown, touched_assessment
from assessments.store.errors import DamagedSetup, SetupChanged
from assessments.store.seal import clean, clean_text
from assessments.store.session import present_time, reading, writing
from probes.errors import UsageError


@dataclass(frozen=True, slots=True)
class Setup:
    """What an assessment judges by: the profile, the lens, the weights of questions, and challenged facts.

    `lens` is the whole lens as it was read, None where none was chosen yet, and `lens_name` how it was named
    where it was. `version` is 0 for a setup that is not stored yet; the store counts it and sets
    `updated_at`. Raises `UsageError` for a weight that is no finite number.
    """

    profile: Mapping[str, Any] = field(default_factory=dict)
    lens: Mapping[str, Any] | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    challenges: tuple[Mapping[str, Any], ...] = ()
    title: str = ""
    updated_at: datetime | None = None
    version: int = 0
    lens_name: str | None = None

    def __post_init__(self) -> None:
        for question, weight in self.weights.items():
            number = isinstance(weight, int | float) and not isinstance(weight, bool)
            if not number or not math.isfinite(weight):
                raise UsageError(f"the weight of {shown(question)} is {weight!r:.40}: write a number")


def read_setup(engine: Engine, name: str) -> Setup:
    """The setup of an assessment, an empty one where none was saved yet.

    Raises `UnknownAssessment`, and `DamagedSetup` when it does not match its hash.
    """
    with reading(engine) as session:
        found, damaged = setup_of(session, find_assessment(session, name))
    if damaged:
        raise DamagedSetup("; ".join(damaged))
    return found


def setup_of(session: Session, assessment: models.Assessment) -> tuple[Setup, list[str]]:
    """The setup of an assessment, empty where there is no intact one, and a sentence if it is damaged."""
    row = session.get(models.Setup, assessment.key)
    if _is_as_saved(row, assessment):
        return (Setup() if row is None else _setup(row)), []
    what = "is gone" if row is None else "does not match its hash"
    return Setup(), [
        f"the setup of '{shown(assessment.name)}' {what} and is not used: "
        "give profile, lens, weights and challenges again"
    ]


def save_setup(engine: Engine, name: str, setup: Setup) -> Setup:
    """Saves a setup over the version it was read as, and returns it as it stands now.

    Makes the assessment when there is none of this name. What is saved over a damaged one needs no version.
    Raises `SetupChanged`, with nothing written, when the stored version is another than `setup.version`.
    """
    with writing(engine) as session:
        now = present_time(session)
        assessment = touched_assessment(session, name, now)
        session.flush()
        stored = session.get(models.Setup, assessment.key, with_for_update=True)
        if _is_as_saved(stored, assessment) and setup.version != assessment.setup_version:
            raise _changed(name)
        version = max(setup.version, assessment.setup_version) + 1
        row = _row(assessment.key, setup, version, now)
        try:
            with session.begin_nested():
                row = session.merge(row)
                assessment.setup_version = version
        except IntegrityError:
            raise _changed(name) from None
        return _setup(row)


def amend_in(
    session: Session,
    assessment: models.Assessment,
    amend: Callable[[Setup], Setup],
    now: datetime,
    *,
    even_damaged: bool,
) -> None:
    """Puts what `amend` makes of the setup in its place, in an assessment that is held.

    A damaged setup is amended like an empty one with `even_damaged`, and else raises `DamagedSetup`.
    """
    session.flush()
    present, damaged = setup_of(session, assessment)
    if damaged and not even_damaged:
        raise DamagedSetup("; ".join(damaged))
    amended = amend(present)
    if amended == present and not damaged:
        return
    assessment.setup_version += 1
    assessment.updated_at = now
    session.merge(_row(assessment.key, amended, assessment.setup_version, now))


def add_setup(session: Session, assessment: models.Assessment, setup: Setup, now: datetime) -> None:
    """Adds the setup of an assessment that has none; a time that it brings along stays."""
    session.add(_row(assessment.key, setup, 1, setup.updated_at or now))
    assessment.setup_version = 1


def _is_as_saved(row: models.Setup | None, assessment: models.Assessment) -> bool:
    if row is None:
        return assessment.setup_version == 0
    return row.is_intact() and row.version == assessment.setup_version


def _row(assessment_key: int, setup: Setup, version: int, now: datetime) -> models.Setup:
    row = models.Setup(
        assessment_key=assessment_key,
        profile=clean(setup.profile),
        lens=None if setup.lens is None else json.dumps(clean(setup.lens), ensure_ascii=False),
        lens_name=clean(setup.lens_name),
        weights=clean(setup.weights),
        challenges=clean(setup.challenges),
        title=clean_text(setup.title),
        version=version,
        updated_at=now,
    )
    row.seal()
    return row


def _setup(row: models.Setup) -> Setup:
    return Setup(
        profile=row.profile,
        lens=None if row.lens is None else json.loads(row.lens),
        lens_name=row.lens_name,
        weights=row.weights,
        challenges=tuple(row.challenges),
        title=row.title,
        updated_at=row.updated_at,
        version=row.version,
    )


def _changed(name: str) -> SetupChanged:
    return SetupChanged(
        f"the setup of '{shown(name)}' was changed meanwhile by somebody else, and nothing was saved: "
        "read it again first"
    )
