"""The report in each of its formats, all made of one `loadstone.assessment/1` document.

pdf, html, markdown     the whole report, through the document model
json                    the document itself, sealed
csv, junit              what became of each claim, for spreadsheets and for build servers
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from app.report.attachment import as_shared, canonical_bytes, content_hash, exported
from app.report.model import Report
from probes.errors import InternalError

Document = Mapping[str, Any]


def render(document: Document, form: str) -> bytes:
    """The report on the assessment as the bytes of a file; `form` is one of `FORMATS`.

    It is drawn from the document as a reader gets it back, so that drawing it again from what is attached
    gives equal bytes. Raises `ReportTooLarge` for a PDF whose data is more than a report carries.
    """
    if form not in FORMATS:
        raise InternalError(f"there is no format {form!r} of a report")
    shared = as_shared({key: value for key, value in document.items() if key != "seal"})
    return FORMATS[form](shared)


def _built(document: Document) -> tuple[Report, bytes]:
    from app.report.sections import build

    data = canonical_bytes(document)
    return build(document, content_hash(data)), data


def _pdf(document: Document) -> bytes:
    from app.report.pdf import render_pdf

    return render_pdf(*_built(document))


def _html(document: Document) -> bytes:
    from app.report.html import render_html

    return render_html(_built(document)[0])


def _markdown(document: Document) -> bytes:
    from app.report.markdown import render_markdown

    return render_markdown(_built(document)[0])


def _json(document: Document) -> bytes:
    return (json.dumps(exported(document), ensure_ascii=False, indent=1) + "\n").encode()


def _csv(document: Document) -> bytes:
    from app.report.csv_export import render_csv

    return render_csv(document)


def _junit(document: Document) -> bytes:
    from app.report.junit import render_junit

    return render_junit(document)


FORMATS: Mapping[str, Callable[[Document], bytes]] = {
    "pdf": _pdf,
    "html": _html,
    "json": _json,
    "csv": _csv,
    "junit": _junit,
    "markdown": _markdown,
}
"""What makes a file of each format."""
