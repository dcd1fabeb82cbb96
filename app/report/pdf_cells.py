"""Cells of tables, and rows of cells, of the PDF report."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.report import words
from app.report.model import Badge, BandBadge, Cell, ClaimCard, Column, Mark, Score, Span, Table, Text
from app.report.pdf_flow import Beside, Box, Stack
from app.report.pdf_pieces import badge_parts, band_parts, gap, mark_parts, small_score
from app.report.pdf_tables import GAP, Head, Nothing, Row, TableBox, Wish, column_widths, settled
from app.report.pdf_text import Lines, break_lines, plain_lines
from app.report.pdf_words import CELL, LABEL, SMALL, Piece, Run, Style, Word, words_of

BADGES = Style(8.25, 14.5)
PADDING = 4.0
DENSE_PADDING = 2.25
GLYPH_LEAST, GLYPH_MOST = 80.0, 110.0
WIDEST_WORD = 0.4
"""The part of a table's width that one long word may ask for before it is broken."""

ROWS_TRIED = 40
"""Rows that decide on the widths of columns, of longer tables the first."""
LONGEST_CELL = 1_200
"""Characters of a cell that are printed."""

Runs = Callable[[Text, Style, int], list[Run]]
Rows = Sequence[Sequence[Cell]]
FoundRows = Sequence[Sequence[Sequence[Word]]]


class Cells:
    """Makes boxes of cells; `runs` makes the runs of a text."""

    def __init__(self, runs: Runs) -> None:
        """Texts are made safe by `runs`."""
        self.runs = runs

    def row(self, cells: Sequence[Cell], width: float) -> Box:
        """Cells behind each other in a line, as the foot of a finding has them."""
        found: list[Word] = []
        for cell in cells:
            if found:
                found[-1] = found[-1]._replace(gap=16.0)
            if isinstance(cell, Score):
                continue
            found += words_of(self._parts(cell))
        return Lines(break_lines(found, width), CELL, width)

    @staticmethod
    def _badges(cells: Sequence[Cell], width: float) -> Box:
        """Counted states behind each other: what is open, proven, contradicted."""
        found: list[Word] = []
        for cell in cells:
            if isinstance(cell, Badge):
                if found:
                    found[-1] = found[-1]._replace(gap=9.0)
                found += words_of(badge_parts(cell, BADGES))
        return Lines(break_lines(found, width), BADGES, width)

    def card_head(self, card: ClaimCard, width: float) -> Box:
        """The state of a claim, its question and weight, and at the right what it costs."""
        what = ", ".join(words.one_line(part, 200) for part in (card.question, card.weight) if part)
        points = self._lines(
            self.runs((Span(words.one_line(card.points, 60), "strong"),), CELL, LONGEST_CELL), width, "right"
        )
        taken = max((line.width for line in points.lines), default=0.0) + GAP
        about = self.runs((Span(what),), SMALL, LONGEST_CELL)
        left = self._lines([*badge_parts(Badge(card.state), CELL), gap(8.0), *about], width - taken)
        return Beside([Stack([left]), Stack([points])], [0.0, 0.0])

    def table(self, table: Table, width: float, foot: Sequence[Box]) -> Box:
        """A table of at least one row."""
        columns = table.columns or (Column(""),)
        if all(isinstance(cell, Badge) or not cell for row in table.rows for cell in row):
            return Stack([self._badges(row, width) for row in table.rows])
        rows = [self._filled(row, len(columns)) for row in table.rows]
        found = [[self._words(cell) for cell in row] for row in rows]
        wishes = [self._wish(number, column, rows, found, width) for number, column in enumerate(columns)]
        widths = column_widths(columns, wishes, width)
        lengths = [
            [_longest_line(text) for text in row] for row in (map(_head_words, columns), *found[:ROWS_TRIED])
        ]
        widths = settled(widths, wishes, lengths)
        offsets = [sum(widths[:number]) + GAP * number for number in range(len(columns))]
        padding = DENSE_PADDING if table.dense else PADDING
        headed = any(column.header for column in columns)
        boxes: list[Row] = []
        for number, (row, texts) in enumerate(zip(rows, found, strict=True)):
            cells = [
                self._box(cell, text, wide, column)
                for cell, text, wide, column in zip(row, texts, widths, columns, strict=True)
            ]
            box = Row(cells, offsets, width, padding)
            box.anchor = table.anchors[number] if number < len(table.anchors) else None
            box.ruled = headed or not table.dense
            boxes.append(box)
        head = None
        if headed:
            names = [
                plain_lines(words.one_line(column.header, 200), LABEL, wide, column.align)
                for column, wide in zip(columns, widths, strict=True)
            ]
            head = Head(names, offsets, width)
        return TableBox(head, boxes, foot)

    @staticmethod
    def _filled(row: Sequence[Cell], count: int) -> list[Cell]:
        return [*row[:count], *[()] * (count - len(row))]

    def _parts(self, cell: Cell) -> Sequence[Run | Piece]:
        match cell:
            case Badge():
                return badge_parts(cell, CELL)
            case BandBadge():
                return band_parts(cell.band, CELL)
            case Mark():
                return mark_parts(cell, CELL)
            case Score():
                return self.runs((Span(cell.refused or ""),), SMALL, LONGEST_CELL)
            case _:
                return self.runs(cell, CELL, LONGEST_CELL)

    def _words(self, cell: Cell) -> list[Word]:
        return words_of(self._parts(cell))

    @staticmethod
    def _lines(parts: Sequence[Run | Piece], width: float, align: str = "left") -> Lines:
        return Lines(break_lines(words_of(parts), width), CELL, width, align)  # type: ignore[arg-type]

    def _box(self, cell: Cell, found: Sequence[Word], width: float, column: Column) -> Box:
        if isinstance(cell, Score):
            glyph = small_score(cell, width, CELL.leading)
            if cell.refused is None:
                return glyph
            return Stack([glyph, Lines(break_lines(found, width), SMALL, width)])
        return Lines(break_lines(found, width), CELL, width, column.align) if found else Nothing()

    @staticmethod
    def _wish(number: int, column: Column, rows: Rows, found: FoundRows, width: float) -> Wish:
        count = len(found[0])
        head = _head_words(column)
        least = most = 0.0
        for text in (head, *(row[number] for row in found)):
            least = max(least, max((word.width for word in text), default=0.0))
            most = max(most, _longest_line(text))
        if any(isinstance(row[number], Score) for row in rows):
            least, most = max(least, GLYPH_LEAST), max(_longest_line(head), GLYPH_MOST)
        return Wish(min(least, max(WIDEST_WORD, 1 / count) * width), min(most, width))


def _head_words(column: Column) -> list[Word]:
    name = words.one_line(column.header, 200)
    return words_of((Run(name, 0.0, LABEL.size, LABEL.weight, "muted"),))


def _longest_line(found: Sequence[Word]) -> float:
    """The width of the widest line when only its own breaks end a line."""
    longest = used = 0.0
    for word in found:
        longest = max(longest, used + word.width)
        used = 0.0 if word.ends else used + word.width + word.gap
    return longest
