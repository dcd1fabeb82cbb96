"""An open assessment, read the way the report reads it: so the window and the report say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.report.view import View

if TYPE_CHECKING:
    from assessments.assessment import Assessed

_READ: list[tuple[Assessed, View]] = []


def view_of(assessed: Assessed) -> View:
    """The document of the assessment as a view. That of the last one asked for is kept."""
    if not _READ or _READ[0][0] is not assessed:
        view = View(assessed.to_json())
        # The lens is at hand: reading it from the document again takes longer than all the rest.
        view.__dict__["lens"] = assessed.judged.lens
        _READ[:] = [(assessed, view)]
    return _READ[0][1]


def view_with(view: View, **parts: Any) -> View:
    """The view with other parts of its document, such as `forecast`."""
    changed = View({**view.document, **parts})
    for name in ("lens", "facts", "counting", "claims", "set_aside"):
        if name in view.__dict__:
            changed.__dict__[name] = view.__dict__[name]
    return changed
