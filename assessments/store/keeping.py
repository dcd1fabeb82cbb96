"""Answers and setup of an assessment put in the place of what is stored, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Engine

from assessments.store.answers import Answer, change_in, check_questions, replace_in
from assessments.store.assessment_rows import find_assessment, held_assessment
from assessments.store.session import present_time, writing
from assessments.store.setups import Setup, amend_in


def change(
    engine: Engine,
    name: str,
    changes: Sequence[tuple[Answer | None, Answer | None]],
    amend: Callable[[Setup], Setup] | None,
) -> None:
    """Makes of each first answer its second, and amends the setup; all else stays.

    Raises, with nothing written, `UnknownAssessment`, `AnswerChanged` when another answer than the first is
    stored, `DamagedSetup`, and what `amend` raises.
    """
    with writing(engine) as session:
        now = present_time(session)
        assessment = find_assessment(session, name, hold=True)
        if amend is not None:
            amend_in(session, assessment, amend, now, even_damaged=False)
        change_in(session, assessment, changes, now)


def keep(
    engine: Engine,
    name: str,
    answers: Sequence[Answer] | None,
    amend: Callable[[Setup], Setup] | None,
    *,
    even_damaged: bool,
) -> None:
    """Makes the answers exactly these, and the setup what `amend` makes of it; None leaves either as it is.

    Makes the assessment when there is none of this name. Whatever versions were read, the last one to write
    wins; a reader sees both changes or none. Raises, with nothing written, `UsageError` when two answers are
    to one question and for a name that none may have, `DamagedSetup` unless a damaged setup is amended too
    (like an empty one), and what `amend` raises.
    """
    if answers is not None:
        check_questions(answers)
    with writing(engine) as session:
        now = present_time(session)
        assessment = held_assessment(session, name, now)
        if amend is not None:
            amend_in(session, assessment, amend, now, even_damaged=even_damaged)
        if answers is not None:
            replace_in(session, assessment, answers, now)
