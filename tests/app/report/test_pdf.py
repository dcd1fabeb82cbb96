"""The PDF report as a file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.report.attachment import MAX_ATTACHMENT_BYTES, ReportTooLarge
from app.report.model import (
    Block,
    Callout,
    ClaimCard,
    Columns,
    Heading,
    Paragraph,
    Report,
    Section,
    Span,
    Table,
    text,
)
from app.report.pdf import render_pdf

ROOT = Path(__file__).parents[3]
FURNITURE = 5
"""Pieces of text above and below on every page, which are written first."""
Pages = Callable[[bytes], list[str]]


@pytest.fixture(scope="module")
def pdf(kitchen_sink: Report, data: bytes) -> bytes:
    """The report with every kind of block."""
    return render_pdf(kitchen_sink, data)


def count_of(pdf: bytes) -> int:
    """The number of pages."""
    return len(re.findall(rb"/Type /Page\b(?!s)", pdf))


def test_every_section_starts_a_page_unless_it_says_otherwise(
    pdf: bytes, kitchen_sink: Report, pages_of: Pages
) -> None:
    pages = pages_of(pdf)
    assert len(pages) == count_of(pdf)
    for section in kitchen_sink.sections[1:4]:
        first = next(page for page in pages if section.title[:20] in page)
        body = first.split("\n")[FURNITURE:]
        assert section.kicker.split("  ")[1] in body[0]
        assert section.title[:20] in body[1]
    plan = next(page for page in pages if "Three days of work" in page)
    assert "Words" in pages[pages.index(plan)] or "Words" in pages[pages.index(plan) + 1]


def test_every_page_has_its_number_name_and_hash(pdf: bytes, kitchen_sink: Report, pages_of: Pages) -> None:
    pages = pages_of(pdf)
    short = kitchen_sink.content_hash
    hashed = f"content hash {short[:4]} {short[4:8]} {short[8:12]} {short[12:16]}"
    for number, page in enumerate(pages, 1):
        assert f"page {number} of {len(pages)}" in page
        assert hashed in page
        assert "readiness report" in page
        foot = kitchen_sink.foot if number == 1 else f"{kitchen_sink.title}, {kitchen_sink.date}"
        assert foot in page
    assert any("the load story" in page.split("\n")[1] for page in pages)


def test_links_print_the_page_that_they_lead_to(pdf: bytes, pages_of: Pages) -> None:
    pages = pages_of(pdf)
    plan = next(number for number, page in enumerate(pages, 1) if "Three days of work" in page)
    joined = pages[0].replace("\n", "")
    assert f"the plan (page {plan})" in joined
    assert b"/Dest" in pdf or b"/D " in pdf


def test_there_is_a_bookmark_for_every_section(pdf: bytes, kitchen_sink: Report) -> None:
    titles = re.findall(rb"/Title \((.*?)\)", pdf)
    names = [section.name.encode() for section in kitchen_sink.sections]
    assert [title for title in titles if title in names] == names
    # The glossary is of level 2: it stands below the plan.
    assert pdf.count(b"/Parent") >= len(names)


def test_the_file_says_what_it_is(pdf: bytes, kitchen_sink: Report) -> None:
    for said in (
        b"/Title (shop recommender)",
        b"/Author (Loadstone)",
        b"/Lang (en)",
        b"/PageLabels",
        b"(D:20261123000000+00'00')",
        b"content sha256:" + kitchen_sink.content_hash.encode(),
    ):
        assert said in pdf


def test_the_language_of_the_report_is_the_language_of_the_file(kitchen_sink: Report, data: bytes) -> None:
    assert b"/Lang (de)" in render_pdf(replace(kitchen_sink, language="de"), data)


def test_all_fonts_are_inside(pdf: bytes) -> None:
    bases = re.findall(rb"/BaseFont /(\S+)", pdf)
    assert bases
    assert all(re.fullmatch(rb"[A-Z]{6}\+Inter-(Regular|Medium|SemiBold)", base) for base in bases)
    assert pdf.count(b"/FontFile2") == len(re.findall(rb"/Type /FontDescriptor", pdf))


def test_a_table_that_goes_on_says_so_and_repeats_its_head(pdf: bytes, pages_of: Pages) -> None:
    pages = pages_of(pdf)
    parts = [page for page in pages if "Evidence" in page.split("\n")]
    assert len(parts) >= 2
    assert all(re.search(r"Continued on the next page: \d+ more rows\.", page) for page in parts[:-1])
    for number in range(1, 41):
        assert any(f"INF-{number:02}" in page for page in parts)


def test_a_card_is_never_split(kitchen_sink: Report, data: bytes, pages_of: Pages) -> None:
    card = next(
        block for section in kitchen_sink.sections for block in section.blocks if isinstance(block, ClaimCard)
    )
    blocks = tuple(
        replace(card, question=f"Q{number:02}", settled=text(f"end of {number:02}.")) for number in range(12)
    )
    report = replace(kitchen_sink, sections=(kitchen_sink.sections[0], Section("s", "S", "Title", blocks)))
    pages = pages_of(render_pdf(report, data))
    for number in range(12):
        page = next(page for page in pages if f"Q{number:02}" in page)
        assert f"end of {number:02}." in page.replace("\n", "")


def test_a_heading_never_ends_a_page(kitchen_sink: Report, data: bytes, pages_of: Pages) -> None:
    for lines in range(30, 60):
        blocks = (
            Paragraph(text("line\n" * lines)),
            Heading("A lone heading"),
            Paragraph(text("What follows.")),
        )
        report = replace(kitchen_sink, sections=(Section("s", "S", "Title", blocks),))
        for page in pages_of(render_pdf(report, data)):
            assert ("A lone heading" in page) == ("What follows." in page)


def test_equal_reports_give_equal_bytes_in_one_process(kitchen_sink: Report, data: bytes, pdf: bytes) -> None:
    assert render_pdf(kitchen_sink, data) == pdf


SCRIPT = """
import sys, hashlib
sys.path.insert(0, sys.argv[1])
import importlib.util
spec = importlib.util.spec_from_file_location("sink", sys.argv[2])
sink = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sink)
from app.report.html import render_html
from app.report.markdown import render_markdown
from app.report.pdf import render_pdf
from dataclasses import replace
data = sink.canonical_bytes(sink.DOCUMENT)
report = sink.every_block(data)
world = replace(report, title="שלום 推荐 🚀 कि لا")
for made in (
    render_pdf(report, data), render_html(report), render_markdown(report), render_pdf(world, data)
):
    print(hashlib.sha256(made).hexdigest())
"""


def test_neither_hash_seed_nor_time_zone_nor_environment_decide_on_a_byte() -> None:
    settings = (
        {"PYTHONHASHSEED": "0", "TZ": "Pacific/Kiritimati"},
        {"PYTHONHASHSEED": "1", "TZ": "America/St_Johns", "LC_ALL": "C", "SOURCE_DATE_EPOCH": "1234567890"},
    )
    conftest = str(Path(__file__).with_name("conftest.py"))
    found = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(ROOT), conftest],
            env=os.environ | changed,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for changed in settings
    }
    assert len(found) == 1
    assert len(next(iter(found)).split()) == 4


def test_what_is_too_large_to_attach_is_refused(kitchen_sink: Report) -> None:
    with pytest.raises(ReportTooLarge):
        render_pdf(kitchen_sink, b"x" * (MAX_ATTACHMENT_BYTES + 1))


def test_a_report_with_nothing_in_it_is_a_page(data: bytes, pages_of: Pages) -> None:
    empty = Report("", "", "", "", "", (Section("", "", "", ()),))
    assert len(pages_of(render_pdf(empty, data))) == 1
    hollow = (Table((), ()), Columns(()), Columns(((),)), Callout("", ()), Paragraph(()), Heading(""))
    odd = Report("", "", "no date", "", "", (Section("a", "", "", hollow), Section("a", "", "", (), level=2)))
    assert len(pages_of(render_pdf(odd, data))) == 2


def test_two_blocks_of_one_anchor_lead_to_the_first(kitchen_sink: Report, data: bytes) -> None:
    blocks = (Heading("One", anchor="x"), Heading("Two", anchor="x"), Paragraph((Span("go", link="#x"),)))
    report = replace(kitchen_sink, sections=(Section("s", "S", "Title", blocks),))
    assert render_pdf(report, data).count(b"/XYZ") <= 4


@pytest.mark.skipif(shutil.which("qpdf") is None, reason="qpdf is not installed")
def test_qpdf_finds_nothing_wrong(pdf: bytes, tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"
    file.write_bytes(pdf)
    checked = subprocess.run(["qpdf", "--check", str(file)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "WARNING" not in checked.stdout + checked.stderr


def test_a_block_may_stand_in_several_places(kitchen_sink: Report, data: bytes) -> None:
    blocks = kitchen_sink.sections[2].blocks
    table = next(block for block in blocks if isinstance(block, Table))
    card = next(block for block in blocks if isinstance(block, ClaimCard))
    link = Paragraph((Span("see", link="#t", page=True),))
    columns = Columns(((table, card), (card, link)))
    shared = (Heading("One"), table, card, columns, table, link, card, columns)
    apart = tuple(replace(block) for block in shared)
    assert shared == apart

    def made(of: tuple[Block, ...]) -> bytes:
        sections = (kitchen_sink.sections[0], Section("s", "S", "T", of), Section("t", "T", "T", of))
        return render_pdf(replace(kitchen_sink, sections=sections), data)

    assert made(shared) == made(apart)
