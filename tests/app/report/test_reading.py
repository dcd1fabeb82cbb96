"""What is read out of a report, and everything that is refused instead."""

from __future__ import annotations

import hashlib
import io
import json
import random
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFName, PDFStream, PDFString
from reportlab.pdfgen.canvas import Canvas

from app.report.attachment import (
    ATTACHMENT_NAME,
    MAX_ATTACHMENT_BYTES,
    attach,
    canonical_bytes,
    seal,
)
from app.report.reading import UnreadableReport, read_report, shared_in

DOCUMENT = {"schema": "loadstone.assessment/1", "text": "Grüße (sehr) \\ 99", "numbers": [1, 2.5, -3e-7]}


def canvas() -> tuple[io.BytesIO, Any]:
    """A page with a word on it."""
    buffer = io.BytesIO()
    made = Canvas(buffer, invariant=1)
    made.setTitle("A report (with brackets) \\ and Ümlaut")
    made.drawString(100, 100, "page")
    made.showPage()
    return buffer, made


def report(document: dict[str, Any] = DOCUMENT) -> bytes:
    """A small report, sealed as a real one."""
    buffer, made = canvas()
    attach(made, canonical_bytes(document))
    made.save()
    return seal(buffer.getvalue())


def resealed(pdf: bytes) -> bytes:
    """The same bytes under a right seal, as somebody who knows the format can make them."""
    start = pdf.rindex(b"/LoadstoneSeal <") + len(b"/LoadstoneSeal <")
    before, after = pdf[:start], pdf[start + 64 :]
    return before + hashlib.sha256(before + after).hexdigest().encode() + after


def with_attachments(*streams: Callable[[Any], Any], name: str = ATTACHMENT_NAME) -> bytes:
    """A sealed PDF whose attachments are made by hand."""
    buffer, made = canvas()
    pdf = made._doc
    entries: list[Any] = []
    for stream in streams:
        reference = pdf.Reference(stream(pdf))
        file = PDFDictionary({"Type": PDFName("Filespec"), "EF": PDFDictionary({"F": reference})})
        entries += [PDFString(name), pdf.Reference(file)]
    if streams:
        pdf.Catalog.Names = PDFDictionary({"EmbeddedFiles": PDFDictionary({"Names": PDFArray(entries)})})
    made.setKeywords(f"content sha256:{'0' * 64}; made with nothing")
    made.save()
    return seal(buffer.getvalue())


def packed(
    data: bytes, size: int | None = None, behind: bytes = b"", name: str = "FlateDecode"
) -> Callable[[Any], Any]:
    """A stream of an attachment, packed here."""
    head = {
        "Type": PDFName("EmbeddedFile"),
        "Filter": PDFName(name),
        "Params": PDFDictionary({"Size": len(data) if size is None else size}),
    }
    return lambda _pdf: PDFStream(PDFDictionary(head), zlib.compress(data, 9) + behind, [])


def test_a_report_gives_its_data_back() -> None:
    found = shared_in(report(), "r.pdf")
    assert found.document == DOCUMENT
    assert found.data == canonical_bytes(DOCUMENT)
    assert found.printed_hash == hashlib.sha256(found.data).hexdigest()
    assert "reportlab" in found.made_with


def test_it_is_read_from_a_file(tmp_path: Path) -> None:
    place = tmp_path / "r.pdf"
    place.write_bytes(report())
    pdf, found = read_report(place)
    assert pdf == report()
    assert found.document == DOCUMENT


def test_every_one_of_a_thousand_changed_bytes_is_noticed() -> None:
    pdf, draw = report(), random.Random(7)
    for _ in range(1000):
        place, flipped = draw.randrange(len(pdf)), draw.randrange(1, 256)
        changed = bytearray(pdf)
        changed[place] ^= flipped
        with pytest.raises(UnreadableReport):
            shared_in(bytes(changed), "r.pdf")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda pdf: pdf[:-1], "does not end with the seal"),
        (lambda pdf: pdf + b"\n", "does not end with the seal"),
        (lambda pdf: pdf[: len(pdf) // 2], "does not end with the seal"),
        (lambda pdf: b"PK\x03\x04" + pdf, "is no PDF"),
        (lambda _: b"", "is no PDF"),
        (lambda _: b"%PDF-1.7\n%%EOF\n", "does not end with the seal"),
        (lambda pdf: pdf.replace(b"/Title", b"/Titel"), "was changed after it was written"),
    ],
)
def test_what_was_cut_or_changed_says_so(change: Callable[[bytes], bytes], said: str) -> None:
    with pytest.raises(UnreadableReport, match=said):
        shared_in(change(report()), "r.pdf")


def test_other_data_under_a_right_seal_is_not_what_was_printed() -> None:
    """The seal has no key; the hash among the keywords still has to be that of the data."""
    data = canonical_bytes(DOCUMENT)
    forged = with_attachments(packed(data))
    with pytest.raises(UnreadableReport, match="not what the report was printed from"):
        shared_in(forged, "r.pdf")


def test_a_report_without_data_says_so() -> None:
    with pytest.raises(UnreadableReport, match="it has no attachment"):
        shared_in(with_attachments(), "r.pdf")


def test_two_attachments_are_one_too_many() -> None:
    data = canonical_bytes(DOCUMENT)
    with pytest.raises(UnreadableReport, match="2 attachments where a report has one"):
        shared_in(with_attachments(packed(data), packed(data)), "r.pdf")


def test_an_attachment_of_another_name_is_not_the_data() -> None:
    with pytest.raises(UnreadableReport, match="is not named"):
        shared_in(with_attachments(packed(b"{}"), name="other.json"), "r.pdf")


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (packed(b" " * (MAX_ATTACHMENT_BYTES + 1)), "is larger than the 5 MB"),
        (packed(b"\0" * 200_000_000), "is larger than the 5 MB"),
        (packed(b"{}", size=3), "is not as large as it says"),
        (packed(b"{}", behind=b"more"), "something stands behind it"),
        (packed(b"{}", name="LZWDecode"), "is not packed as Loadstone packs it"),
        (lambda _: PDFDictionary({"Type": PDFName("EmbeddedFile"), "Length": 3}), "is no stream"),
    ],
)
def test_a_bomb_and_other_streams_are_refused_before_they_are_unpacked(
    stream: Callable[[Any], Any], said: str
) -> None:
    with pytest.raises(UnreadableReport, match=said):
        shared_in(with_attachments(stream), "r.pdf")


@pytest.mark.parametrize(
    "change",
    [
        lambda pdf: pdf.replace(b"/Root 6 0 R", b"/Root 9 0 R"),
        lambda pdf: pdf.replace(b"/Root 6 0 R", b"/Root 6 6 R").replace(b"6 0 obj", b"6 1 obj"),
        lambda pdf: pdf.replace(b"xref\n0 ", b"xref\n1 "),
        lambda pdf: pdf.replace(b"trailer", b"trailes"),
        lambda pdf: pdf.replace(b" 00000 n \n", b" 00000 n\r\n").replace(b" 00000 n\r\n", b" 00000 x \n"),
        lambda pdf: pdf.replace(b"/Length ", b"/Lengte "),
        lambda pdf: pdf.replace(b"[ /FlateDecode ]", b"[ /FlateDecod2 ]"),
        lambda pdf: pdf.replace(b"/Info ", b"/Inro "),
    ],
)
def test_a_damaged_structure_under_a_right_seal_is_refused_in_a_sentence(
    change: Callable[[bytes], bytes],
) -> None:
    pdf = report()
    changed = change(pdf)
    assert changed != pdf
    assert len(changed) == len(pdf)
    with pytest.raises(UnreadableReport):
        shared_in(resealed(changed), "r.pdf")


def test_random_bytes_in_a_right_seal_never_break_the_reader() -> None:
    """Whatever stands in the file, it is read or refused, and nothing else happens."""
    pdf, draw = report(), random.Random(11)
    for _ in range(2000):
        changed = bytearray(pdf)
        for _ in range(draw.randrange(1, 6)):
            changed[draw.randrange(len(pdf) - 200)] = draw.randrange(256)
        try:
            found = shared_in(resealed(bytes(changed)), "r.pdf")
        except UnreadableReport:
            continue
        assert found.document == DOCUMENT


def test_data_that_is_not_canonical_is_refused() -> None:
    data = json.dumps(DOCUMENT).encode()
    buffer, made = canvas()
    attach(made, data)
    made.save()
    with pytest.raises(UnreadableReport, match="not written as Loadstone writes it"):
        shared_in(seal(buffer.getvalue()), "r.pdf")


def test_data_of_another_kind_is_refused() -> None:
    with pytest.raises(UnreadableReport, match="no assessment"):
        shared_in(report({"schema": "loadstone.probe/1"}), "r.pdf")
