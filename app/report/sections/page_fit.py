"""How high blocks are on an A4 page, so that page one stays one page whatever stands on it.

Texts are measured with the typeface of the report and filled word by word, as they are when drawn; what is
between them is the business of drawing, and is counted here with something to spare. What page one says is
shortened until it fits.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.charts.shapes import Weight
from app.report.fonts import measure
from app.report.model import (
    Badge,
    BandBadge,
    Block,
    Callout,
    Cell,
    Column,
    Columns,
    Figure,
    Heading,
    Paragraph,
    Score,
    Section,
    Table,
    plain,
)
from app.report.words import cell_words, has_score

WIDTH = 499.0
"""Of the text on an A4 page, in points."""
ROOM = 726.0
"""Height of page one for its text, with something to spare."""
_GAP = 12.0
_RULED_GAP = 28.0
_SIGN = 13.0
"""Width of the sign of a state with its gap."""
_METER = 28.0
"""Width of the meter of a band with its gap."""


def lines_of(text: str, size: float, width: float, weight: Weight = 400) -> int:
    """How many lines the text takes, at least one."""
    blank = measure(" ", weight, size)
    lines, used = 1, 0.0
    for word in text.split(" "):
        wide = measure(word, weight, size)
        if used and used + wide > width:
            lines, used = lines + 1, 0.0
        if wide > width:
            lines += int(wide // width)
            wide %= width
        used += wide + blank
    return lines


def page_height(section: Section, title: str, subtitle: str) -> float:
    """About the height of page one with its title and subtitle."""
    height = 26.0 * lines_of(title, 22.0, WIDTH, 600) + 3.0 + 13.0 * lines_of(subtitle, 9.0, WIDTH)
    return height + sum(_block(block, WIDTH) for block in section.blocks)


def _block(block: Block, width: float) -> float:
    """With the room above it."""
    match block:
        case Heading():
            return (22.0 if block.level == 2 else 4.0) + 16.0 * lines_of(block.text, 12.0, width, 600)
        case Paragraph():
            size, leading = {"small": (7.5, 10.5), "body": (9.0, 13.0), "lead": (10.0, 14.5)}[block.style]
            return 5.0 + leading * lines_of(plain(block.text), size, width)
        case Callout():
            inner = width - 14.0
            height = 18.0 + 23.0 * lines_of(block.title, 18.0, inner, 600)
            height += sum(4.0 + 14.5 * lines_of(plain(part), 10.0, inner) for part in block.text)
            foot = " ".join(map(cell_words, block.foot))
            return height + (6.0 + 13.0 * lines_of(foot, 9.0, inner - 60.0) if block.foot else 0.0)
        case Figure():
            title = 13.0 * lines_of(block.spec.title, 9.5, width, 600)
            return 16.0 + title + block.height - 12.0 + 10.5 * lines_of(block.spec.caption, 7.5, width)
        case Columns():
            each = (width - _RULED_GAP * (len(block.columns) - 1)) / max(1, len(block.columns))
            return 12.0 + max(
                (sum(_block(part, each) for part in column) for column in block.columns), default=0.0
            )
        case Table():
            return 5.0 + _table(block, width)
        case _:
            return 0.0


def _table(table: Table, width: float) -> float:
    if all(isinstance(cell, Badge) or not cell for row in table.rows for cell in row):
        return _flow([_cell_width(cell) for row in table.rows for cell in row if cell], width)
    widths = _widths(table.columns, table.rows, width)
    padding = 3.5 if table.dense else 9.0
    named = [
        (column.header, room) for column, room in zip(table.columns, widths, strict=True) if column.header
    ]
    height = 7.0 + 10.5 * max(lines_of(header, 7.5, room, 500) for header, room in named) if named else 0.0
    for row in table.rows:
        lines = [
            lines_of(cell_words(cell), 9.0, room, 500)
            for cell, room in zip(row, widths, strict=True)
            if isinstance(cell, tuple)
        ]
        lines += [2 for cell in row if isinstance(cell, Score) and cell.refused is not None]
        height += padding + 13.0 * max(lines, default=1)
    if has_score(cell for row in table.rows for cell in row):
        height += 17.5
    return height + (10.5 * lines_of(table.caption, 7.5, width) if table.caption else 0.0)


def _flow(widths: Sequence[float], room: float) -> float:
    """Of badges that follow each other from line to line."""
    lines, used = 1, 0.0
    for width in widths:
        if used and used + width > room:
            lines, used = lines + 1, 0.0
        used += width + 9.0
    return 16.0 * lines


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: float) -> list[float]:
    room = width - _GAP * (len(columns) - 1)
    fixed = []
    for place, column in enumerate(columns):
        cells = [_cell_width(row[place]) for row in rows]
        longest = max([measure(column.header, 500, 7.5), *cells])
        fixed.append(0.0 if column.share > 0 else longest)
    shares = sum(column.share for column in columns)
    rest = max(room - sum(fixed), 20.0)
    return [
        rest * column.share / shares if column.share > 0 else width_
        for column, width_ in zip(columns, fixed, strict=True)
    ]


def _cell_width(cell: Cell) -> float:
    if isinstance(cell, Score):
        return 0.0
    sign = _SIGN if isinstance(cell, Badge) else _METER if isinstance(cell, BandBadge) else 0.0
    return measure(cell_words(cell), 500, 9.0) + sign
