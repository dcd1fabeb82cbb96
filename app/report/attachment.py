"""What makes a report one that can be handed on: its data inside, and a seal over every byte.

    canonical_bytes(document) ──attach──▶ the PDF that is being made ──save──▶ bytes ──seal──▶ the report

- The data is the document `loadstone.assessment/1` as canonical JSON, attached as an embedded file under a
  fixed name. Its SHA-256 stands on page one and, for programs, among the keywords of the PDF.
- The seal is an entry of the PDF's trailer that holds the SHA-256 of all bytes of the file but its own 64
  digits. It has no key: it shows that something was changed, and not who wrote the file.

Equal input gives equal bytes as long as reportlab and zlib are the same; which they were stands among the
keywords too, so that nobody takes another compressor for a forgery.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import zlib
from collections.abc import Mapping
from typing import Any

from app.report.embedding import has_shaped_text
from assessments.canonical import clean
from assessments.evidence import sealed
from probes.documents import MAX_DIGITS, MAX_VALUES
from probes.errors import InternalError, UserError

ATTACHMENT_NAME = "loadstone-assessment.json"
MAX_ATTACHMENT_BYTES = 5_000_000
MAX_REPORT_BYTES = 50_000_000
SEAL_KEY = b"/LoadstoneSeal"
SEALED_END = re.compile(SEAL_KEY + rb" <([0-9a-f]{64})>\n>>\nstartxref\n(0|[1-9][0-9]{0,9})\n%%EOF\n\Z")
"""How a sealed report ends: the seal is the last entry of the trailer. Groups: the digits, startxref."""

_END = re.compile(rb"\n>>\nstartxref\n[0-9]{1,10}\n%%EOF\n\Z")
_LONGEST_END = 200
_HARFBUZZ = "HarfBuzz"
_KEYWORDS = "content sha256:{hash}; made with {made_with}"
_READ_KEYWORDS = re.compile(rb"content sha256:([0-9a-f]{64}); made with ([ -~]{1,100})")
_EXACT_FLOAT = 2.0**53


class ReportTooLarge(UserError):  # noqa: N818
    """The data of an assessment is more than a report carries."""


def canonical_bytes(document: Mapping[str, Any]) -> bytes:
    """The document as canonical JSON: keys sorted, no blanks, whole numbers without a point, UTF-8.

    Equal documents give equal bytes, and what `json.loads` makes of them gives these bytes again. NUL, lone
    surrogates and numbers that are not finite are replaced as the store does it. Raises `TypeError` for what
    JSON cannot hold.
    """
    return json.dumps(
        _plain(clean(document)), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()


def as_shared(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as a reader of the report gets it back.

    A report has to be drawn from this, so that drawing it again from what is attached gives equal bytes:
    keys are in another order here, and 99.0 is 99.
    """
    shared = json.loads(canonical_bytes(document))
    assert isinstance(shared, dict)
    return shared


def exported(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as it is shared without a PDF: with a `seal` over all the rest."""
    return sealed(as_shared({key: value for key, value in document.items() if key != "seal"}))


def content_hash(data: bytes) -> str:
    """The SHA-256 of the canonical bytes, 64 digits in hex, as page one prints it."""
    return hashlib.sha256(data).hexdigest()


def made_with(*, shaped: bool) -> str:
    """What decides on the bytes of a PDF beside its content: reportlab and the compressor, and where text was
    `shaped`, HarfBuzz.
    """
    import reportlab

    said = f"reportlab {reportlab.__version__}, zlib {zlib.ZLIB_RUNTIME_VERSION}"
    if shaped:
        import uharfbuzz

        said += f", {_HARFBUZZ} {uharfbuzz.version_string()}"
    return said


def is_shaped(made_with: str) -> bool:
    """Whether what a report was made with says that its text was shaped."""
    return f", {_HARFBUZZ} " in made_with


def attach(canvas: Any, data: bytes) -> None:
    """Attaches the canonical bytes to the PDF that a reportlab canvas makes, before it is saved.

    Sets the keywords of the PDF and what it was produced with, so all text has to be drawn by then. Raises
    `ReportTooLarge` for what `read_shared` would not read.
    """
    from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFName, PDFStream, PDFString, PDFZCompress

    _check_size(data)
    pdf = canvas._doc
    catalog = pdf.Catalog
    if getattr(catalog, "Names", None) is not None:
        raise InternalError("the report has a name tree already: attach its data once")
    stream = PDFStream(
        PDFDictionary(
            {
                "Type": PDFName("EmbeddedFile"),
                "Subtype": "/application#2Fjson",
                "Params": PDFDictionary({"Size": len(data), "CheckSum": _checksum(data)}),
            }
        ),
        data,
        [PDFZCompress],
    )
    stream_reference = pdf.Reference(stream)
    file = pdf.Reference(
        PDFDictionary(
            {
                "Type": PDFName("Filespec"),
                "F": PDFString(ATTACHMENT_NAME),
                "UF": PDFString(ATTACHMENT_NAME),
                "Desc": PDFString("The data of this report: read it with loadstone restore"),
                "AFRelationship": PDFName("Data"),
                "EF": PDFDictionary({"F": stream_reference, "UF": stream_reference}),
            }
        )
    )
    embedded = PDFDictionary({"Names": PDFArray([PDFString(ATTACHMENT_NAME), file])})
    catalog.Names = PDFDictionary({"EmbeddedFiles": embedded})
    # reportlab writes only the entries of a catalogue that it knows, and AF is none of them.
    catalog.__NoDefault__ = [*catalog.__NoDefault__, "AF"]
    catalog.AF = PDFArray([file])
    pdf._pdfVersion = max(pdf._pdfVersion, (1, 7))
    made = made_with(shaped=has_shaped_text(pdf))
    canvas.setProducer(made)
    canvas.setKeywords(_KEYWORDS.format(hash=content_hash(data), made_with=made))


def read_keywords(keywords: bytes) -> tuple[str, str] | None:
    """The content hash and what the PDF was made with, out of its keywords; None where they say neither."""
    found = _READ_KEYWORDS.fullmatch(keywords)
    return None if found is None else (found[1].decode(), found[2].decode())


def seal(pdf: bytes) -> bytes:
    """The saved PDF with the seal over all its bytes, the seal's own digits apart.

    Raises `InternalError` for what reportlab did not write, and for what is sealed already.
    """
    found = _END.search(pdf, max(0, len(pdf) - _LONGEST_END))
    if found is None or SEAL_KEY in pdf[-_LONGEST_END:]:
        raise InternalError("only a PDF that reportlab has just written can be sealed")
    before = pdf[: found.start()] + b"\n" + SEAL_KEY + b" <"
    after = b">" + pdf[found.start() :]
    return before + _hash(before, after).encode() + after


def sealed_end(pdf: bytes) -> re.Match[bytes] | None:
    """The end of a sealed report, as `SEALED_END` says; None where a file ends otherwise."""
    return SEALED_END.search(pdf, max(0, len(pdf) - _LONGEST_END))


def is_intact(pdf: bytes, end: re.Match[bytes]) -> bool:
    """Whether every byte of the file is as it was when it was sealed."""
    view = memoryview(pdf)
    return end[1].decode() == _hash(view[: end.start(1)], view[end.end(1) :])


def _hash(before: bytes | memoryview, after: bytes | memoryview) -> str:
    found = hashlib.sha256(before)
    found.update(after)
    return found.hexdigest()


def _plain(value: Any) -> Any:
    """Numbers that read_json reads, each in one form: 99 for 99.0, and no whole number of 300 digits."""
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) <= _EXACT_FLOAT else value
    if isinstance(value, int):
        return value if abs(value) < 10 ** (MAX_DIGITS - 1) else _large(value)
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value


def _large(value: int) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _check_size(data: bytes) -> None:
    if len(data) > MAX_ATTACHMENT_BYTES:
        what = f"{len(data) / 1e6:.1f} MB"
    elif data.count(b",") + data.count(b"[") + data.count(b"{") > MAX_VALUES:
        what = f"more than {MAX_VALUES:,} values"
    else:
        return
    raise ReportTooLarge(
        f"the assessment holds {what}, and a report carries {MAX_ATTACHMENT_BYTES / 1e6:g} MB and "
        f"{MAX_VALUES:,} values: leave out older runs or milestones"
    )


def _checksum(data: bytes) -> str:
    """The MD5 that the PDF standard asks for, as a PDF writes bytes in hex; nothing here relies on it."""
    return f"<{hashlib.md5(data, usedforsecurity=False).hexdigest()}>"
