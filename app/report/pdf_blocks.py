"""The blocks of the model as boxes of the PDF report: one method a kind of block.

Every text goes through `words.shown` and `fonts.shown`: visible, cut where it is endless, never markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.report import fonts, words
from app.report.model import (
    Block,
    Bullets,
    Callout,
    ClaimCard,
    Code,
    Columns,
    Definitions,
    Figure,
    Heading,
    Paragraph,
    ScoreBar,
    Section,
    Span,
    Table,
    Text,
    Together,
)
from app.report.pdf_cells import Cells
from app.report.pdf_figures import Figures, score_bar_box
from app.report.pdf_flow import Beside, Box, Inset, Stack
from app.report.pdf_pieces import BLANK, band_parts, gap, legend
from app.report.pdf_sheet import Sheet
from app.report.pdf_tables import GAP, Row, TableBox
from app.report.pdf_text import Lines, break_lines, plain_lines
from app.report.pdf_words import (
    BODY,
    CODE,
    FIGURE_TITLE,
    HEADING,
    LABEL,
    LEAD,
    REPORT_TITLE,
    SMALL,
    TITLE,
    Piece,
    Run,
    Style,
    run_of,
    width_of,
    words_of,
)

BAR = 3.0
"""Width of the bar at the left of callouts and claims."""
COLUMN_GAP = 20.0
RULED_GAP = 28.0
BULLET = 10.0
CARD_PADDING = 12.0
LEAST_TERM, MOST_TERM = 0.15, 0.4
"""What the terms of definitions take of the width."""
TERM = replace(BODY, weight=500)

_CARD_ROLES = {"contradicted": "bad", "challenged": "warn", "understated": "accent"}

Kept = dict[int, tuple[Block, Box | None]]
"""Boxes by the id of their block; the block is kept with them, so that its id stays its own."""


class Blocks:
    """Makes boxes of blocks. `pages` gives the page of an anchor, as far as it is known."""

    def __init__(self, pages: Mapping[str, int], figures: Figures, kept: Kept) -> None:
        """`figures` and `kept` hold what an earlier round has made, and no page number is printed in."""
        self.pages, self.figures, self.kept = pages, figures, kept
        self._given: set[int] = set()
        self._prints_a_page = False
        self.cells = Cells(self.spans)
        self.first = False

    def section(self, section: Section, width: float) -> list[Box]:
        """A section with its kicker, title and lead."""
        boxes: list[Box] = []
        if section.kicker:
            kicker = words.one_line(section.kicker, 200).replace("  ", "\u00a0\u00a0")
            boxes.append(plain_lines(kicker, LABEL, width).spaced(0, keep=True))
        title: list[Run | Piece] = [run_of(Span(fonts.shown(words.one_line(section.title, 400))), TITLE)]
        if section.band is not None:
            title += [BLANK, gap(9.0), *band_parts(section.band, BODY)]
        boxes.append(Lines(break_lines(words_of(title), width), TITLE, width).spaced(3, keep=True))
        if section.lead:
            boxes.append(self.lines(section.lead, LEAD, width).spaced(3))
        boxes[0].anchor = section.anchor
        return [*boxes, *self.boxes(section.blocks, width, 12.0)]

    def first_section(self, section: Section, title: str, subtitle: str, width: float) -> list[Box]:
        """Page one: the title of the report, then its blocks, the first callout large."""
        boxes: list[Box] = [plain_lines(words.one_line(title, 300), REPORT_TITLE, width).spaced(0, keep=True)]
        if subtitle:
            below = replace(BODY, role="muted")
            boxes.append(plain_lines(words.one_line(subtitle, 600), below, width).spaced(3))
        if section.lead:
            boxes.append(self.lines(section.lead, LEAD, width).spaced(6))
        boxes[0].anchor = section.anchor
        self.first = True
        large = next((block for block in section.blocks if isinstance(block, Callout)), None)
        boxes += self.boxes(section.blocks, width, 18.0, large)
        self.first = False
        return boxes

    def boxes(
        self, blocks: Sequence[Block], width: float, before: float | None = None, large: Callout | None = None
    ) -> list[Box]:
        """The blocks below each other, `before` the room above the first where it is not its own."""
        found: list[Box] = []
        after_heading = False
        for block in blocks:
            box = self._finding(block, width) if block is large else self.box(block, width)
            if box is None:
                continue
            if not found:
                box.before = box.before if before is None else before
            elif after_heading:
                box.before = min(box.before, 5.0)
            found.append(box)
            after_heading = isinstance(block, Heading)
        return found

    def box(self, block: Block, width: float) -> Box | None:
        """One block, with the room above it; None where it shows nothing."""
        if id(block) in self._given:
            return self._box(block, width)
        self._given.add(id(block))
        if (kept := self.kept.get(id(block))) is not None:
            return kept[1]
        outer, self._prints_a_page = self._prints_a_page, False
        box = self._box(block, width)
        if not self._prints_a_page:
            self.kept[id(block)] = (block, box)
        self._prints_a_page = self._prints_a_page or outer
        return box

    def _box(self, block: Block, width: float) -> Box | None:
        match block:
            case Heading():
                return self._heading(block, width)
            case Paragraph():
                style = {"body": BODY, "lead": LEAD, "small": SMALL}[block.style]
                return self.lines(block.text, style, width).spaced(5 if block.style == "small" else 7)
            case Bullets():
                return self._bullets(block, width)
            case Callout():
                return self._callout(block, width, HEADING, BODY).spaced(12)
            case Table():
                return self._table(block, width)
            case Figure():
                return self.figures.box(block, width, HEADING if self.first else FIGURE_TITLE).spaced(16)
            case Columns():
                return self._columns(block, width)
            case ScoreBar():
                return score_bar_box(block, width).spaced(10)
            case ClaimCard():
                return self._card(block, width).spaced(10)
            case Code():
                return self._code(block, width)
            case Definitions():
                return self._definitions(block, width)
            case Together():
                inner = self.boxes(block.blocks, width)
                return Stack(inner) if inner else None

    def spans(self, of: Text, style: Style, longest: int = words.LONGEST_TEXT) -> list[Run]:
        """The text as runs, with the pages of what it leads to; what is longer than `longest` is cut."""
        runs: list[Run] = []
        room = 2 * longest
        for span in words.shown(of, longest):
            self._prints_a_page = self._prints_a_page or span.page
            written = fonts.shown(span.text)
            if len(written) > room:
                written = written[:room] + words.cut_note(sum(len(each.text) for each in of))
            run = run_of(replace(span, text=written), style)
            runs.append(run)
            room -= len(written)
            if room <= 0:
                break
            if span.page and span.link and (page := self.pages.get(span.link[1:])) is not None:
                runs.append(run._replace(text=f"\u00a0(page\u00a0{page})"))
        return runs

    def lines(self, of: Text, style: Style, width: float) -> Lines:
        """The text broken into lines."""
        return Lines(break_lines(words_of(self.spans(of, style)), width), style, width)

    def _heading(self, block: Heading, width: float) -> Box:
        style = HEADING if block.level == 2 else FIGURE_TITLE
        parts: list[Run | Piece] = [run_of(Span(fonts.shown(words.one_line(block.text, 400))), style)]
        if block.badge is not None:
            parts += [BLANK, gap(9.0), *band_parts(block.badge.band, BODY)]
        box = Lines(break_lines(words_of(parts), width), style, width)
        box.anchor = block.anchor
        return box.spaced(22 if block.level == 2 else 14, keep=True)

    def _bullets(self, block: Bullets, width: float) -> Box | None:
        boxes: list[Box] = []
        for item in block.items:
            mark = Stack([plain_lines("•", replace(BODY, role="muted"), BULLET)])
            text = Stack([self.lines(item, BODY, width - BULLET)])
            boxes.append(Beside([mark, text], [0.0, BULLET]).spaced(2.5 if boxes else 5))
        return Stack(boxes) if boxes else None

    def _finding(self, block: Callout, width: float) -> Box:
        return self._callout(block, width, TITLE, LEAD)

    def _callout(self, block: Callout, width: float, title: Style, text: Style) -> Box:
        room = width - BAR - CARD_PADDING
        boxes: list[Box] = []
        if block.title:
            boxes.append(plain_lines(words.one_line(block.title, 400), title, room).spaced(0, keep=True))
        boxes += [self.lines(part, text, room).spaced(3) for part in block.text]
        if block.foot:
            boxes.append(self.cells.row(block.foot, room).spaced(5))
        return Barred(Stack(boxes), block.role, width, framed=False)

    def _table(self, block: Table, width: float) -> Box:
        if not block.rows:
            what = block.empty or "Nothing to show."
            return plain_lines(words.one_line(what), replace(BODY, role="muted"), width).spaced(7)
        foot: list[Box] = []
        if words.has_score(cell for row in block.rows for cell in row):
            foot.append(legend(width).spaced(5))
        if block.caption:
            foot.append(plain_lines(words.one_line(block.caption, 1_000), SMALL, width).spaced(5))
        return self.cells.table(block, width, foot).spaced(9)

    def _columns(self, block: Columns, width: float) -> Box | None:
        count = len(block.columns)
        if not count:
            return None
        gap = RULED_GAP if block.ruled else COLUMN_GAP
        each = (width - gap * (count - 1)) / count
        offsets = [number * (each + gap) for number in range(count)]
        stacks = [Stack(self._column(column, each)) for column in block.columns]
        rules = [offset - gap / 2 for offset in offsets[1:]] if block.ruled else []
        return Beside(stacks, offsets, rules).spaced(16)

    def _column(self, blocks: Sequence[Block], width: float) -> list[Box]:
        """One of several columns; a small line above its heading names what the heading answers."""
        match blocks:
            case (Paragraph(style="small") as label, Heading() as heading, *others):
                above = self.lines(label.text, SMALL, width).spaced(0, keep=True)
                answer = plain_lines(words.one_line(heading.text, 400), HEADING, width).spaced(1, keep=True)
                answer.anchor = heading.anchor
                return [above, answer, *self.boxes(others, width, 4.0)]
        return self.boxes(blocks, width)

    def _card(self, block: ClaimCard, width: float) -> Box:
        room = width - BAR - 2 * CARD_PADDING
        boxes: list[Box] = [self.cells.card_head(block, room).spaced(0, keep=True)]
        boxes.append(plain_lines(words.one_line(block.title, 400), FIGURE_TITLE, room).spaced(3, keep=True))
        half = (room - COLUMN_GAP) / 2
        sides = [
            Stack([plain_lines(label, LABEL, half).spaced(0, keep=True), self.lines(text, BODY, half)])
            for label, text in (("Claimed", block.claimed), ("Measured", block.measured))
        ]
        boxes.append(Beside(sides, [0.0, half + COLUMN_GAP]).spaced(5))
        if block.facts is not None and block.facts.rows:
            boxes.append(self._table(replace(block.facts, dense=True), room).spaced(7))
        if block.settled:
            settled = (Span("Settled by: ", "strong"), *block.settled)
            boxes.append(self.lines(settled, BODY, room).spaced(6))
        card = Barred(Stack(boxes), _CARD_ROLES.get(block.state, "ink"), width, framed=True)
        card.anchor = block.anchor
        return card

    def _code(self, block: Code, width: float) -> Box | None:
        boxes: list[Box] = []
        if block.title:
            boxes.append(
                plain_lines(words.one_line(block.title, 400), FIGURE_TITLE, width).spaced(0, keep=True)
            )
        room = width - 2 * CARD_PADDING
        shown = (fonts.shown(line).replace("  ", "\u00a0 ") for line in words.code_lines(block.text))
        runs = (run_of(Span(_indented(line) + "\n"), CODE) for line in shown)
        lines = [line for run in runs for line in break_lines(words_of((run,)), room)]
        boxes.append(Shaded(Stack([Lines(lines, CODE, room)]), width).spaced(4))
        return Stack(boxes).spaced(12)

    def _definitions(self, block: Definitions, width: float) -> Box | None:
        if not block.items:
            return None
        longest = max(width_of(fonts.shown(words.one_line(name, 100)), TERM) for name, _ in block.items)
        term = min(max(longest + 2, width * LEAST_TERM), width * MOST_TERM)
        rest = width - term - GAP
        rows = [
            Row(
                [
                    self.lines((Span(name),), TERM, term),
                    self.lines(meaning, BODY, rest),
                ],
                [0.0, term + GAP],
                width,
                3.0,
            )
            for name, meaning in block.items
        ]
        return TableBox(None, rows, ()).spaced(7)


def _indented(line: str) -> str:
    """The line with its blanks at the left kept where it is broken into words."""
    bare = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(bare)) + bare


class Barred(Inset):
    """A stack with a bar of a role's colour at its left, and a frame around where it is a card."""

    def __init__(self, inner: Stack, role: str, width: float, framed: bool) -> None:
        """`width` is that of the whole; a card has room between its frame and the stack."""
        around = 9.0 if framed else 1.0
        super().__init__(inner, BAR + CARD_PADDING, around, around)
        self.role, self.width, self.framed = role, width, framed

    def paint(self, sheet: Sheet, x: float, top: float) -> None:
        """The frame, then the bar over its left edge."""
        if self.framed:
            sheet.frame(x, top, self.width, self.height, "line", 0.75)
        sheet.fill(x, top, BAR, self.height, self.role)

    def part(self, inner: Stack) -> Barred:
        """The same bar beside another stack."""
        return Barred(inner, self.role, self.width, self.framed)


class Shaded(Inset):
    """A stack on a grey ground."""

    def __init__(self, inner: Stack, width: float) -> None:
        """`width` is that of the ground."""
        super().__init__(inner, CARD_PADDING, 8.0, 8.0)
        self.width = width

    def paint(self, sheet: Sheet, x: float, top: float) -> None:
        """The ground."""
        sheet.fill(x, top, self.width, self.height, "bg")

    def part(self, inner: Stack) -> Shaded:
        """The same ground behind another stack."""
        return Shaded(inner, self.width)
