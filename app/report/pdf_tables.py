"""Tables of the PDF report: widths of columns, rows that stay whole, heads that come again on every page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.report.model import Column
from app.report.pdf_flow import Box, Parts
from app.report.pdf_sheet import Sheet
from app.report.pdf_text import Lines, plain_lines
from app.report.pdf_words import SMALL

GAP = 12.0
"""Room between columns."""
HEAD_BELOW = 3.5
NOTE_ABOVE = 4.0
MOST_OF_WIDTH = 0.22
"""What a column without a share may take of a table in which others have one, unless a word needs more."""
MOVED_AT_ONCE, MOST_MOVES = 0.03, 8
"""The part of a table's width that one move takes from a column and gives to another, and how often."""
RAGGED = 1.08
"""How much longer a text is for being broken into lines that are not full."""
LEAST_ROWS = 3
"""Rows that a split leaves on each side, where there are as many."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a column asks for: the width of its widest word, and of its widest cell on one line."""

    least: float
    most: float


def column_widths(columns: Sequence[Column], wishes: Sequence[Wish], width: float) -> list[float]:
    """The widths of the columns, together `width` without the gaps.

    A column without a share takes what its widest cell needs; columns with a share divide the rest, those
    that need less giving to those that need more. Where that is too much, all give way in proportion to what
    they could, as in a browser; where columns without a share leave room over, those with text to the left
    take it.
    """
    room = width - gaps(columns)
    shares = sum(column.share for column in columns)
    fixed = [number for number, column in enumerate(columns) if column.share <= 0]
    shared = [number for number, column in enumerate(columns) if column.share > 0]
    widths = [wish.most for wish in wishes]
    if shared:
        for number in fixed:
            widths[number] = min(wishes[number].most, max(wishes[number].least, MOST_OF_WIDTH * room))
    needed_by_shared = sum(min(wishes[number].least, room / max(len(columns), 1)) for number in shared)
    taken = sum(widths[number] for number in fixed)
    if taken + needed_by_shared > room:
        _squeeze(widths, wishes, fixed, room - needed_by_shared)
        taken = sum(widths[number] for number in fixed)
    rest = max(room - taken, 0.0)
    if shared:
        for number in shared:
            widths[number] = rest * columns[number].share / shares
        _lift(widths, wishes, shared)
        _even_out(widths, wishes, range(len(columns)))
    elif rest > 0:
        takers = [number for number in fixed if columns[number].align == "left"] or fixed
        whole = sum(max(widths[number], 1.0) for number in takers)
        for number in takers:
            widths[number] += rest * max(widths[number], 1.0) / whole
    return widths


def _squeeze(widths: list[float], wishes: Sequence[Wish], among: Sequence[int], room: float) -> None:
    """Make columns narrower, each between its widest word and its widest cell, until they fit."""
    least = sum(wishes[number].least for number in among)
    most = sum(wishes[number].most for number in among)
    if least >= room:
        for number in among:
            widths[number] = max(room, 0.0) * wishes[number].least / least if least else 0.0
        return
    ease = (room - least) / (most - least)
    for number in among:
        wish = wishes[number]
        widths[number] = wish.least + (wish.most - wish.least) * ease


def _lift(widths: list[float], wishes: Sequence[Wish], among: Sequence[int]) -> None:
    """Give a column its widest word, where others with a share have room to spare."""
    whole = sum(widths[number] for number in among)
    short = [number for number in among if widths[number] < wishes[number].least]
    missing = sum(wishes[number].least - widths[number] for number in short)
    spare = {number: widths[number] - wishes[number].least for number in among if number not in short}
    given = sum(spare.values())
    if not short or given < missing or whole <= 0:
        return
    for number in short:
        widths[number] = wishes[number].least
    for number, extra in spare.items():
        widths[number] -= missing * extra / given


def _even_out(widths: list[float], wishes: Sequence[Wish], among: Sequence[int]) -> None:
    """Let columns that are wider than their widest cell give to those that are narrower."""
    spare = {number: widths[number] - wishes[number].most for number in among}
    given = sum(extra for extra in spare.values() if extra > 0)
    room = given
    # Who lacks least is served first, so that fewest columns break their lines.
    for number, extra in sorted(spare.items(), key=lambda entry: -entry[1]):
        if extra < 0:
            moved = min(room, -extra)
            widths[number] += moved
            room -= moved
    for number, extra in spare.items():
        if extra > 0:
            widths[number] -= (given - room) * extra / given


def settled(
    widths: Sequence[float], wishes: Sequence[Wish], lengths: Sequence[Sequence[float]]
) -> list[float]:
    """The widths, moved between columns as long as that makes the rows lower together.

    `lengths` are the widths that the cells of some rows have on one line; how many lines a cell takes in a
    width is estimated from that. No column becomes narrower than its widest word.
    """
    found = list(widths)
    step = MOVED_AT_ONCE * sum(found)
    best = _lines_of(found, lengths)
    for _ in range(MOST_MOVES):
        tried = None
        for giver, width in enumerate(found):
            if width - step < wishes[giver].least:
                continue
            for taker, wish in enumerate(wishes):
                if taker != giver and found[taker] < wish.most:
                    moved = list(found)
                    moved[giver] -= step
                    moved[taker] += step
                    lines = _lines_of(moved, lengths)
                    if lines < best:
                        best, tried = lines, moved
        if tried is None:
            break
        found = tried
    return found


def _lines_of(widths: Sequence[float], lengths: Sequence[Sequence[float]]) -> int:
    """The lines that the rows are high together."""
    return sum(
        max(
            int(RAGGED * length / width) if length > width else 0
            for length, width in zip(row, widths, strict=True)
        )
        for row in lengths
    )


def gaps(columns: Sequence[Column]) -> float:
    """The room between all columns."""
    return GAP * max(len(columns) - 1, 0)


class Row(Box):
    """Cells beside each other; `ruled` asks for a hairline below where another row follows."""

    def __init__(self, cells: Sequence[Box], offsets: Sequence[float], width: float, padding: float) -> None:
        """`padding` is the room above and below the cells."""
        self.cells, self.offsets, self.width, self.padding = tuple(cells), tuple(offsets), width, padding
        self.height = max((cell.height for cell in self.cells), default=0.0) + 2 * padding
        self.ruled = True

    def draw(self, sheet: Sheet, x: float, top: float) -> None:
        """Draw the cells from one height."""
        for cell, offset in zip(self.cells, self.offsets, strict=True):
            cell.draw(sheet, x + offset, top + self.padding)

    def split(self, room: float, full: float) -> Parts:
        """Split every cell; a table asks for it only where a row is higher than a page."""
        room -= 2 * self.padding
        firsts: list[Box] = []
        rests: list[Box] = []
        for cell in self.cells:
            first, rest = (cell, None) if cell.height <= room else cell.split(room, full)
            firsts.append(first or Nothing())
            rests.append(rest or Nothing())
        if not any(cell.height for cell in firsts):
            return None, self
        start = self._part(firsts)
        start.anchor = self.anchor
        return start, self._part(rests)

    def _part(self, cells: Sequence[Box]) -> Row:
        return Row(cells, self.offsets, self.width, self.padding)


class Nothing(Box):
    """An empty cell."""

    def draw(self, sheet: Sheet, x: float, top: float) -> None:
        """Nothing to draw."""


class Head(Box):
    """The names of the columns over a line."""

    def __init__(self, cells: Sequence[Lines], offsets: Sequence[float], width: float) -> None:
        """The names stand on the line."""
        self.cells, self.offsets, self.width = tuple(cells), tuple(offsets), width
        self.height = max((cell.height for cell in self.cells), default=0.0) + HEAD_BELOW

    def draw(self, sheet: Sheet, x: float, top: float) -> None:
        """Draw the names and the line."""
        bottom = top + self.height
        for cell, offset in zip(self.cells, self.offsets, strict=True):
            cell.draw(sheet, x + offset, bottom - HEAD_BELOW - cell.height)
        sheet.line(x, bottom, x + self.width, bottom, "edge", 0.75)


class TableBox(Box):
    """A head, rows, and what stands below them."""

    divisible = True

    def __init__(self, head: Box | None, rows: Sequence[Row], foot: Sequence[Box]) -> None:
        """`foot` follows the last row: a legend, a caption, or the line that says that the table goes on."""
        self.head, self.rows, self.foot = head, tuple(rows), tuple(foot)
        self.height = (
            self._head_height()
            + sum(row.height for row in self.rows)
            + sum(box.before + box.height for box in self.foot)
        )

    def _head_height(self) -> float:
        return self.head.height if self.head is not None else 0.0

    def draw(self, sheet: Sheet, x: float, top: float) -> None:
        """Draw head, rows and what stands below."""
        if self.head is not None:
            self.head.draw(sheet, x, top)
            top += self.head.height
        for row in self.rows:
            if row.anchor:
                sheet.anchor(row.anchor, top)
            row.draw(sheet, x, top)
            top += row.height
            if row.ruled and row is not self.rows[-1]:
                sheet.line(x, top, x + row.width, top, "line", 0.5)
        for box in self.foot:
            box.draw(sheet, x, top + box.before)
            top += box.before + box.height

    def walk(self) -> Iterator[Box]:
        """This table and its rows."""
        yield self
        yield from self.rows

    def split(self, room: float, full: float) -> Parts:
        """Break between two rows, the head on both parts, a line that says how many follow."""
        room -= self._head_height() + NOTE_ABOVE + SMALL.leading
        least = LEAST_ROWS if len(self.rows) >= 2 * LEAST_ROWS else 1
        count = min(self._rows_within(room), len(self.rows) - least)
        if count >= least or (count >= 1 and self.rows[count].height > full / 4):
            return self._parted(self.rows[:count], self.rows[count:])
        if not self.rows or self.rows[0].height <= full - self._head_height() - NOTE_ABOVE - SMALL.leading:
            return None, self
        first, rest = self.rows[0].split(room, 0.0)
        if not isinstance(first, Row) or not isinstance(rest, Row):
            return None, self
        return self._parted((first,), (rest, *self.rows[1:]))

    def _rows_within(self, room: float) -> int:
        count = 0
        for row in self.rows:
            room -= row.height
            if room < -1e-6:
                break
            count += 1
        return count

    def _parted(self, first: Sequence[Row], rest: Sequence[Row]) -> Parts:
        more = f"{len(rest):,} more row" + ("" if len(rest) == 1 else "s")
        note = plain_lines(f"Continued on the next page: {more}.", SMALL)
        note.before = NOTE_ABOVE
        start = TableBox(self.head, first, (note,))
        start.before, start.anchor = self.before, self.anchor
        return start, TableBox(self.head, rest, self.foot)
