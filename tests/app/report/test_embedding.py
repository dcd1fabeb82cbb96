"""Typefaces of shaped text inside a PDF."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from app.report.attachment import made_with
from app.report.model import Paragraph, Report, Section, text
from app.report.pdf import render_pdf

ROOT = Path(__file__).parents[3]
NOTES = (
    "הזיכרון הוגבל ל-1,830 MiB (לפי מדידה), ראו את הלוח",
    "تم ضبط حد الذاكرة على ١٨٣٠ (p99 أقل من 200 ms) لا غير",
    "我们把内存上限设置为1830MiB",
    "推薦サービスのメモリ上限",
    "추천 서비스의 메모리 제한",
    "หน่วยความจำถูกจำกัดไว้ที่",
    "मेमोरी की सीमा क्षमता",
    "Fine 👍🏽 🚀 👨‍👩‍👧 🇩🇪 ❤️",
)


def of_notes(report: Report, *notes: str) -> Report:
    """The report with these paragraphs alone."""
    blocks = tuple(Paragraph(text(note)) for note in notes)
    return replace(report, title="Notes", sections=(Section("notes", "Notes", "Notes", blocks),))


@pytest.fixture(scope="module")
def pdf(kitchen_sink: Report, data: bytes) -> bytes:
    """A report with notes in many scripts."""
    return render_pdf(of_notes(kitchen_sink, *NOTES), data)


def stream_of(pdf: bytes, number: bytes) -> bytes:
    """The decoded stream of an object."""
    found = re.search(rb"\n%b 0 obj\n.*?stream\r?\n(.*?)endstream" % number, pdf, re.S)
    assert found is not None
    return zlib.decompress(found[1])


class Font:
    """A composite font of a PDF, read from its objects."""

    def __init__(self, pdf: bytes, composite: bytes) -> None:
        self.unicode = {
            int(code, 16): bytes.fromhex(said).decode("utf-16-be")
            for code, said in re.findall(
                r"\n<([0-9A-F]{4})> <([0-9A-F]+)>",
                stream_of(pdf, _entry(composite, b"ToUnicode")).decode().split("endcodespacerange")[1],
            )
        }
        found = re.search(rb"/DescendantFonts \[ (\d+) 0 R \]", composite)
        assert found is not None
        descendant = re.search(rb"\n%b 0 obj\n(.*?)endobj" % found[1], pdf, re.S)
        assert descendant is not None
        descriptor = re.search(
            rb"\n%b 0 obj\n(.*?)endobj" % _entry(descendant[1], b"FontDescriptor"), pdf, re.S
        )
        assert descriptor is not None
        places = stream_of(pdf, _entry(descendant[1], b"CIDToGIDMap"))
        self.glyphs = {at // 2: int.from_bytes(places[at : at + 2], "big") for at in range(2, len(places), 2)}
        self.file = stream_of(pdf, _entry(descriptor[1], b"FontFile2"))
        widths = re.search(rb"/W \[ 1 \[ ([^\]]*) \] \]", descendant[1])
        assert widths is not None
        self.widths = [float(width) for width in widths[1].split()]


def _entry(of: bytes, key: bytes) -> bytes:
    found = re.search(rb"/%b (\d+) 0 R" % key, of)
    assert found is not None, key
    return found[1]


def fonts_of(pdf: bytes) -> dict[str, Font]:
    """The composite fonts by the name of their typeface."""
    objects = re.findall(rb"\n\d+ 0 obj\n(<<[^>]*?/Subtype /Type0.*?)endobj", pdf, re.S)
    names = [re.search(rb"/BaseFont /[A-Z]{6}\+(\S+)", found) for found in objects]
    return {name[1].decode(): Font(pdf, found) for name, found in zip(names, objects, strict=True) if name}


def test_every_glyph_that_is_written_is_in_the_embedded_file(pdf: bytes) -> None:
    import uharfbuzz

    found = fonts_of(pdf)
    assert {"NotoSansHebrew", "NotoSansArabic", "DroidSansFallback", "NotoEmoji"} <= set(found)
    for name, font in found.items():
        face = uharfbuzz.Face(uharfbuzz.Blob(font.file))
        drawn = uharfbuzz.Font(face)
        assert len(font.glyphs) == len(font.unicode) == len(font.widths)
        for code, glyph in font.glyphs.items():
            assert 0 < glyph < face.glyph_count, name
            seen = font.unicode[code].strip(" \u200b\u200c\u200d\ufe0e\ufe0f\u00a0")
            # A letter of a ligature is a blank that is drawn over it.
            if seen and font.widths[code - 1] == pytest.approx(
                drawn.get_glyph_h_advance(glyph) * 1000 / face.upem, abs=0.01
            ):
                assert drawn.get_glyph_extents(glyph).width != 0, (name, seen)


def test_all_fonts_are_embedded_and_small(pdf: bytes, kitchen_sink: Report, data: bytes) -> None:
    assert pdf.count(b"/FontFile2") == len(re.findall(rb"/Type /FontDescriptor", pdf))
    assert len(pdf) < len(render_pdf(of_notes(kitchen_sink, "Notes"), data)) + 100_000


def test_the_text_comes_out_as_it_was_written(pdf: bytes) -> None:
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    said = " ".join(page.get_textpage().get_text_range() for page in document).replace("\r\n", " ")
    for word in (
        "הזיכרון",
        "الذاكرة",
        "على",
        "لا",
        "我们把内存上限设置为1830MiB",
        "메모리",
        "मेमोरी",
        "🚀",
        "👨‍👩‍👧",
        "❤️",
    ):
        assert word in said, word


def drawn_from_left_to_right(pdf: bytes, note: str) -> str:
    """What stands on the line that has the start of the note, from left to right."""
    names = _internal(pdf)
    code = next(code for code in _pages(pdf) if "Tm" in code)
    lines: dict[str, list[tuple[float, str]]] = {}
    font, x, y = "", 0.0, ""
    token = re.compile(
        r"/(F\d+(?:\+\d+)?) [\d.]+ Tf|1 0 0 1 ([\d.-]+) ([\d.-]+) Tm"
        r"|\(((?:\\.|[^()\\])*)\) Tj|\[([^\]]*)\] TJ"
    )
    for found in token.finditer(code):
        if found[1]:
            font = found[1]
        elif found[2]:
            x, y = float(found[2]), found[3]
        elif found[4] is not None:
            lines.setdefault(y, []).append((x, re.sub(r"\\(.)", r"\1", found[4])))
        else:
            codes = re.findall(r"<([0-9A-F]{4})>", found[5])
            lines.setdefault(y, []).append((x, "".join(names[font].unicode[int(code, 16)] for code in codes)))
    whole = ["".join(said for _, said in sorted(parts, key=lambda part: part[0])) for parts in lines.values()]
    return next(line for line in whole if set(note[:3]) <= set(line))


def _internal(pdf: bytes) -> dict[str, Font]:
    """The composite fonts by the names that pages use."""
    found: dict[str, Font] = {}
    for name, number in re.findall(rb"/(F\d+) (\d+) 0 R", pdf):
        body = re.search(rb"\n%b 0 obj\n(.*?)endobj" % number, pdf, re.S)
        assert body is not None
        found[name.decode()] = Font(pdf, body[1])
    return found


def _pages(pdf: bytes) -> list[str]:
    from base64 import a85decode

    streams = re.findall(rb"/ASCII85Decode /FlateDecode \][^>]*>>\s*stream\r?\n(.*?)endstream", pdf, re.S)
    return [
        zlib.decompress(a85decode(found.strip().removesuffix(b"~>"))).decode("latin-1") for found in streams
    ]


def test_glyphs_stand_in_the_order_of_writing(kitchen_sink: Report, data: bytes) -> None:
    # Latin and numbers within Hebrew; a glyph in mirror writing stands for the bracket that was written.
    note = "אבג abc 12 (דה) ו"
    made = render_pdf(of_notes(kitchen_sink, note), data)
    assert drawn_from_left_to_right(made, note) == "ו )הד( abc 12 גבא"


def test_text_from_the_right_is_set_to_the_right(kitchen_sink: Report, data: bytes) -> None:
    def left_of(note: str) -> float:
        made = render_pdf(of_notes(kitchen_sink, note), data)
        font = next(name for name, font in _internal(made).items() if "א" in font.unicode.values())
        code = next(code for code in _pages(made) if f"/{font} " in code)
        return float(re.findall(rf"/{font} 9 Tf 1 0 0 1 ([\d.]+) ", code)[-1])

    assert left_of("אבג") > 500
    assert left_of("abc אבג") < 100


def test_equal_notes_give_equal_bytes(pdf: bytes, kitchen_sink: Report, data: bytes) -> None:
    assert render_pdf(of_notes(kitchen_sink, *NOTES), data) == pdf


def test_bookmarks_and_title_hold_the_text_itself(kitchen_sink: Report, data: bytes) -> None:
    import pypdfium2

    name = "שלום 推荐 🚀"
    sections = (replace(kitchen_sink.sections[0], name=name),)
    document = pypdfium2.PdfDocument(render_pdf(replace(kitchen_sink, title=name, sections=sections), data))
    assert document.get_metadata_dict()["Title"] == name
    assert [mark.get_title() for mark in document.get_toc()] == [name]


def test_a_report_says_that_its_text_was_shaped(pdf: bytes, kitchen_sink: Report, data: bytes) -> None:
    assert made_with(shaped=True).encode() in pdf
    plain = render_pdf(kitchen_sink, data)
    assert made_with(shaped=False).encode() in plain
    assert b"HarfBuzz" not in plain


PLAIN = """
import sys, importlib.util
sys.path.insert(0, sys.argv[1])
spec = importlib.util.spec_from_file_location("sink", sys.argv[2])
sink = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sink)
from app.report.html import render_html
from app.report.pdf import render_pdf
data = sink.canonical_bytes(sink.DOCUMENT)
report = sink.every_block(data)
render_pdf(report, data), render_html(report)
from app.report.typefaces import typeface
print(typeface.cache_info().currsize)
"""


def test_a_report_that_inter_shows_opens_no_other_typeface() -> None:
    conftest = str(Path(__file__).with_name("conftest.py"))
    ran = subprocess.run(
        [sys.executable, "-c", PLAIN, str(ROOT), conftest], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "0"


@pytest.mark.skipif(shutil.which("qpdf") is None, reason="qpdf is not installed")
def test_qpdf_finds_nothing_wrong(pdf: bytes, tmp_path: Path) -> None:
    file = tmp_path / "notes.pdf"
    file.write_bytes(pdf)
    checked = subprocess.run(["qpdf", "--check", str(file)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "WARNING" not in checked.stdout + checked.stderr


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_pdftotext_gives_the_words(pdf: bytes, tmp_path: Path) -> None:
    file = tmp_path / "notes.pdf"
    file.write_bytes(pdf)
    said = subprocess.run(
        ["pdftotext", "-enc", "UTF-8", str(file), "-"], capture_output=True, encoding="utf-8", check=True
    ).stdout
    for word in (
        "הזיכרון",
        "الذاكرة",
        "على",
        "我们把内存上限设置为1830MiB",
        "หน่วยความจำ",
        "मेमोरी की सीमा",
        "🚀",
    ):
        assert word in said, word
