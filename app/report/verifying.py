"""Whether a shared report is what it says: its bytes, its data, its score, and its pages.

    bytes    every byte of the file is as it was when it was sealed
    data     the one attachment is the data that the report was printed from
    score    judged again from its own answers, lens and facts at its own moment, it gives the same
    pages    drawn again from its data, it gives the same bytes; only the version that wrote it can say

The seal has no key. That somebody wrote another report and sealed that, it does not show: a signature would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from app.report.attachment import as_shared, canonical_bytes, is_shaped, made_with
from app.report.reading import SharedReport, read_report
from probes.errors import UserError
from probes.version import version

Outcome = Literal["right", "wrong", "not_checked"]
CHECKS = ("bytes", "data", "score", "pages")


@dataclass(frozen=True, slots=True)
class Check:
    """One of `CHECKS`, what came of it, and a sentence."""

    name: str
    outcome: Outcome
    text: str

    def to_json(self) -> dict[str, Any]:
        """As in `loadstone.verify/1`."""
        return {"check": self.name, "outcome": self.outcome, "text": self.text}


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of checking a report."""

    report: SharedReport
    checks: tuple[Check, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was wrong; what could not be checked is not wrong."""
        return all(check.outcome != "wrong" for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """`loadstone.verify/1`."""
        about = self.report.document.get("assessment") or {}
        return {
            "schema": "loadstone.verify/1",
            "holds": self.holds,
            "content_hash": self.report.printed_hash,
            "made_with": self.report.made_with,
            "version": self.report.document.get("version"),
            "as_of": self.report.document.get("as_of"),
            "assessment": about.get("name"),
            "checks": [check.to_json() for check in self.checks],
        }


def verify(path: Path) -> Verified:
    """Checks the report in a file.

    Raises `UnreadableReport` where bytes or data are not those of a report, since then nothing in it can be
    believed.
    """
    pdf, report = read_report(path)
    checks = [
        Check("bytes", "right", "Every byte of the file is as it was when it was sealed."),
        Check("data", "right", "The data inside is what the report was printed from."),
        _score(report),
    ]
    checks.append(_pages(pdf, report))
    return Verified(report, tuple(checks))


def _score(report: SharedReport) -> Check:
    from assessments.assessment import rescored

    theirs = str(report.document.get("version"))
    try:
        again = as_shared(rescored(report.document))
    except (UserError, KeyError, TypeError, ValueError, AttributeError) as error:
        if theirs != version():
            text = f"It was judged by version {theirs}; this is {version()}, which cannot judge it ({error})."
            return Check("score", "not_checked", text)
        return Check("score", "wrong", f"It cannot be judged again from its own data ({error}).")
    different = _differences(report.document, again)
    as_of = str(report.document.get("as_of"))[:10]
    if not different:
        return Check("score", "right", f"Judged again at {as_of} from its own data it gives the same score.")
    what = ", ".join(different)
    if theirs != version():
        text = f"It was judged by version {theirs}; this is {version()}, which judges otherwise: {what}."
        return Check("score", "not_checked", text)
    return Check(
        "score", "wrong", f"Judged again at {as_of} from its own data it gives other results: {what}."
    )


def _differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The parts of the document that differ, apart from the version it names."""
    keys = sorted({*one, *other} - {"version"})
    return [
        key for key in keys if canonical_bytes({key: one.get(key)}) != canonical_bytes({key: other.get(key)})
    ]


def _pages(pdf: bytes, report: SharedReport) -> Check:
    theirs, ours = str(report.document.get("version")), version()
    if theirs != ours:
        text = f"The pages were not drawn again: version {theirs} wrote them, and this is {ours}."
        return Check("pages", "not_checked", text)
    here = made_with(shaped=is_shaped(report.made_with))
    if report.made_with != here:
        text = f"The pages were not drawn again: they were made with {report.made_with}, here is {here}."
        return Check("pages", "not_checked", text)
    from app.report.formats import render

    if render(report.document, "pdf") == pdf:
        return Check("pages", "right", "Drawn again from its data, every page is the same to the byte.")
    return Check(
        "pages", "wrong", "Drawn again from its data, the pages are not the same: they show something else."
    )
