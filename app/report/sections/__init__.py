"""What the report says: a `loadstone.assessment/1` document as a `Report` (see `app.report.model`).

Nothing is judged or estimated here; what a section says is selected from the document, ordered and put into
words.

    page_one       the answer, which alone is enough
    load_story     what happened under load, cause before detail
    pillars        each claim with what was measured; axes of growth
    plan           what to do, effort against effect
    forecast       when it runs out, what it costs, rules to apply
    evidence       every fact with its source
    unmeasured     what is not known
    milestones     what changed since
    method         how the numbers were found
    glossary       the terms that occur
    reading        what the questions refer to
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from app.report.model import Report, Section
from app.report.sections import (
    evidence,
    forecast,
    glossary,
    load_story,
    method,
    milestones,
    page_one,
    pillars,
    plan,
    reading,
    unmeasured,
)
from app.report.sections.numbering import numbered
from app.report.view import View

FOOT = (
    "The data is inside this file: loadstone verify FILE.pdf scores it again, "
    "loadstone restore FILE.pdf opens it."
)


def build(document: Mapping[str, Any], content_hash: str) -> Report:
    """The report on an assessment; `content_hash` is the SHA-256 of the data that travels with it."""
    view = View(document)
    sections: list[Section] = [
        page_one.section(view),
        load_story.section(view, "2"),
        pillars.overview(view, "3"),
        *pillars.sections(view, "3"),
        plan.section(view, "4"),
        forecast.section(view, "5"),
        evidence.section(view, "6"),
        unmeasured.section(view, "7"),
    ]
    numbers = count(8)
    changed = milestones.section(view, "8")
    if changed is not None:
        sections.append(changed)
        next(numbers)
    sections.append(method.section(view, str(next(numbers))))
    sections.append(glossary.section(sections, str(next(numbers))))
    further = reading.section(view, str(next(numbers)))
    if further is not None:
        sections.append(further)
    return Report(
        title=page_one.title(view),
        subtitle=page_one.subtitle(view),
        date=view.date,
        version=str(document.get("version", "")),
        content_hash=content_hash,
        sections=numbered(sections),
        foot=FOOT,
        keywords=("scalability", "readiness", "capacity", "load test"),
    )
