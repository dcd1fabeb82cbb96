"""The report as a PDF: A4, drawn from the document model, its data attached, sealed.

    Report ──boxes (pdf_blocks)──▶ stacks ──pages (pdf_flow)──▶ a canvas of reportlab ──▶ attachment, seal

Equal input gives equal bytes: no clock, no time zone, no order of a hash decides on anything. The pages are
made until the page numbers that they print agree with where things stand, which takes two rounds, seldom
three.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any

from app.charts.text import shortened
from app.report import attachment, fonts, words
from app.report.model import Report, Section
from app.report.pdf_blocks import Blocks, Kept
from app.report.pdf_figures import Figures
from app.report.pdf_flow import Box, Stack, pages
from app.report.pdf_sheet import HEIGHT, MARGIN, WIDTH, Sheet
from app.report.pdf_text import plain_lines
from app.report.pdf_words import SMALL, Style

TOP, BOTTOM = 56.0, 48.0
"""Room above and below what stands on a page, header and footer within it."""
HEADER_LINE, FOOTER_LINE = 35.5, 803.5
ROOM = WIDTH - 2 * MARGIN
FULL = HEIGHT - TOP - BOTTOM - 4.0
SECTION_ABOVE = 30.0
HEAD_ROOM, FOOT_ROOM = 240.0, 360.0
"""What the name of a section has in the head of a page, and the title of the report in its foot."""
MOST_ROUNDS = 4
HASH_DIGITS = 16

_NAME = Style(7.5, 10.5, 600)
_UNKNOWN_DATE = (2000, 1, 1)


@dataclass(frozen=True)
class Page:
    """What stands on a page, and the section whose name its head has."""

    stack: Stack
    section: Section


def render_pdf(report: Report, data: bytes) -> bytes:
    """The report as the bytes of a sealed PDF, `data` (the canonical bytes of its document) attached.

    Raises `attachment.ReportTooLarge` for data that a report does not carry.
    """
    from reportlab.pdfgen.canvas import Canvas

    made = _paginated(report)
    file = BytesIO()
    canvas = Canvas(
        file,
        pagesize=(WIDTH, HEIGHT),
        pageCompression=1,
        invariant=1,
        initialFontName=fonts.name(400),
        lang=words.one_line(report.language, 20),
    )
    _describe(canvas, report)
    names = {anchor: f"a{number}" for number, anchor in enumerate(_anchors(made))}
    sheet = Sheet(canvas, names)
    outline = _Outline(canvas, report, names)
    for number, page in enumerate(made, 1):
        _furniture(sheet, report, page, number, len(made))
        if page.stack.anchor:
            sheet.anchor(page.stack.anchor, TOP)
        page.stack.draw(sheet, MARGIN, TOP)
        outline.add(_anchors([page]))
        canvas.showPage()
    canvas.addPageLabel(0, style="ARABIC", start=1)
    canvas.showOutline()
    attachment.attach(canvas, data)
    canvas.save()
    return attachment.seal(file.getvalue())


def _paginated(report: Report) -> list[Page]:
    """The pages, with the page numbers that they print being right."""
    figures, kept = Figures(), Kept()
    numbers: dict[str, int] = {}
    made: list[Page] = []
    for _ in range(MOST_ROUNDS):
        made = list(_pages(report, Blocks(numbers, figures, kept)))
        found = _page_numbers(made)
        if found == numbers:
            break
        numbers = found
    return made


def _pages(report: Report, blocks: Blocks) -> Iterator[Page]:
    for chapter in _chapters(report.sections):
        boxes: list[Box] = []
        starts: dict[int, Section] = {}
        for section in chapter:
            if section is report.sections[0]:
                own = blocks.first_section(section, report.title, report.subtitle, ROOM)
            else:
                own = blocks.section(section, ROOM)
            own[0].before = SECTION_ABOVE
            starts[id(own[0])] = section
            boxes += own
        current = chapter[0]
        for stack in pages(Stack(boxes), FULL):
            first, *others = stack.boxes or (Box(),)
            current = starts.get(id(first), current)
            yield Page(stack, current)
            for box in others:
                current = starts.get(id(box), current)


def _chapters(sections: Sequence[Section]) -> Iterator[list[Section]]:
    """Sections that follow each other on the same pages."""
    chapter: list[Section] = []
    for section in sections:
        if section.new_page and chapter:
            yield chapter
            chapter = []
        chapter.append(section)
    if chapter:
        yield chapter


def _anchors(made: Sequence[Page]) -> list[str]:
    """The anchors on the pages in reading order, each once."""
    found = (box.anchor for page in made for box in page.stack.walk() if box.anchor)
    return list(dict.fromkeys(found))


def _page_numbers(made: Sequence[Page]) -> dict[str, int]:
    found: dict[str, int] = {}
    for number, page in enumerate(made, 1):
        for anchor in _anchors([page]):
            found.setdefault(anchor, number)
    return found


class _Outline:
    """The bookmarks: one a section, sections of level 2 below those of level 1."""

    def __init__(self, canvas: Any, report: Report, names: dict[str, str]) -> None:
        self.canvas, self.names = canvas, names
        self.left = {section.anchor: section for section in reversed(report.sections)}
        self.open = False

    def add(self, anchors: Sequence[str]) -> None:
        """The sections that start at one of the anchors."""
        for anchor in anchors:
            section = self.left.pop(anchor, None)
            if section is None:
                continue
            level = section.level - 1 if self.open else 0
            self.open = True
            title = words.one_line(section.name or section.title, 200) or "–"
            self.canvas.addOutlineEntry(title, self.names[anchor], level, closed=False)


def _furniture(sheet: Sheet, report: Report, page: Page, number: int, count: int) -> None:
    """What stands above and below on every page."""
    where = ["readiness report"]
    if number > 1:
        where.append(_fitted(words.one_line(page.section.name, 300).lower(), HEAD_ROOM))
    name = plain_lines("Loadstone", _NAME)
    short = report.content_hash[:HASH_DIGITS]
    hashed = " ".join(short[at : at + 4] for at in range(0, len(short), 4))
    title, day = _fitted(words.one_line(report.title, 300), FOOT_ROOM), words.one_line(report.date, 20)
    foot = report.foot if number == 1 and report.foot else f"{title}, {day}"
    top, bottom = HEADER_LINE - 16.5, FOOTER_LINE + 6.5
    name.draw(sheet, MARGIN, top)
    plain_lines("\u00a0\u00a0/\u00a0\u00a0".join(where), SMALL).draw(
        sheet, MARGIN + name.lines[0].width + 8.0, top
    )
    if hashed:
        plain_lines(f"content hash {hashed}", SMALL, ROOM, "right").draw(sheet, MARGIN, top)
    plain_lines(_fitted(words.one_line(foot, 300), ROOM - 70.0), SMALL).draw(sheet, MARGIN, bottom)
    plain_lines(f"page {number} of {count}", SMALL, ROOM, "right").draw(sheet, MARGIN, bottom)
    for line in (HEADER_LINE, FOOTER_LINE):
        sheet.line(MARGIN, line, WIDTH - MARGIN, line, "line", 0.6)


def _fitted(text: str, room: float) -> str:
    """As much of a text as fits beside what stands at the right."""
    return shortened(fonts.shown(text), room, fonts.measure, SMALL.weight, SMALL.size)


def _describe(canvas: Any, report: Report) -> None:
    """Title, author, date and identity of the file. Keywords and producer are the attachment's."""
    canvas.setTitle(words.one_line(report.title, 300))
    canvas.setAuthor("Loadstone")
    about = [words.one_line(part, 300) for part in (report.subtitle, *report.keywords)]
    canvas.setSubject("; ".join(part for part in about if part)[:2_000])
    canvas.setCreator(f"Loadstone {words.one_line(report.version, 60)}")
    pdf = canvas._doc
    try:
        day = date.fromisoformat(report.date[:10]).timetuple()[:3]
    except ValueError:
        day = _UNKNOWN_DATE
    # The environment (SOURCE_DATE_EPOCH) would decide on both otherwise.
    pdf._timeStamp.YMDhms = (*day, 0, 0, 0)
    pdf.signature = hashlib.md5(report.content_hash.encode("utf-8", "replace"), usedforsecurity=False)
