"""About how high blocks are on an A4 page, so that page one stays one page whatever stands on it.

An estimate from the width of an average letter, in points; drawing finds the true height. What page one says
is shortened until the estimate fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from app.report.model import (
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
"""Of the text on an A4 page."""
ROOM = 730.0
"""Height of page one for its text, with something to spare."""
_LETTER = 0.53
"""Width of an average letter, in sizes: a wide one, since words break early."""
_IN_CELLS = 1.12
"""How much more that costs in the narrow columns of a table."""
_TITLE, _SUBTITLE = 26.0, 13.0
_GAP = 12.0


def lines_of(text: str, size: float, width: float) -> int:
    """How many lines the text takes, at least one."""
    return max(1, ceil(len(text) * size * _LETTER / max(width, size)))


def page_height(section: Section, title: str, subtitle: str) -> float:
    """About the height of page one with its title and subtitle."""
    height = _TITLE * lines_of(title, 22.0, WIDTH) + 3 + _SUBTITLE * lines_of(subtitle, 9.0, WIDTH)
    return height + sum(_block(block, WIDTH) for block in section.blocks)


def _block(block: Block, width: float) -> float:
    """With the room above it."""
    match block:
        case Heading():
            return (22.0 if block.level == 2 else 4.0) + 16.0 * lines_of(block.text, 12.0, width)
        case Paragraph():
            size, leading = {"small": (7.5, 10.5), "body": (9.0, 13.0), "lead": (10.0, 14.5)}[block.style]
            return 5.0 + leading * lines_of(plain(block.text), size, width)
        case Callout():
            inner = width - 14.0
            height = 18.0 + 23.0 * lines_of(block.title, 18.0, inner)
            height += sum(4.0 + 14.5 * lines_of(plain(part), 10.0, inner) for part in block.text)
            foot = " ".join(map(cell_words, block.foot))
            return height + (6.0 + 13.0 * lines_of(foot, 9.0, inner - 60.0) if block.foot else 0.0)
        case Figure():
            title = 13.0 * lines_of(block.spec.title, 9.5, width)
            return 16.0 + title + block.height - 12.0 + 10.5 * lines_of(block.spec.caption, 7.5, width)
        case Columns():
            each = (width - 24.0 * (len(block.columns) - 1)) / max(1, len(block.columns))
            return 16.0 + max(
                (sum(_block(part, each) for part in column) for column in block.columns), default=0.0
            )
        case Table():
            return 5.0 + _table(block, width)
        case _:
            return 0.0


def _table(table: Table, width: float) -> float:
    widths = _widths(table.columns, table.rows, width)
    padding = 5.5 if table.dense else 9.0
    height = 14.0 if any(column.header for column in table.columns) else 0.0
    for row in table.rows:
        lines = max(
            (
                lines_of(cell_words(cell), 9.0, room)
                for cell, room in zip(row, widths, strict=True)
                if not _drawn(cell)
            ),
            default=1,
        )
        height += padding + 13.0 * lines
    if has_score(cell for row in table.rows for cell in row):
        height += 16.0
    return height + (10.5 * lines_of(table.caption, 7.5, width) if table.caption else 0.0)


def _drawn(cell: Cell) -> bool:
    """Whether it is a picture, or a picture with a word, which never wraps."""
    return not isinstance(cell, tuple)


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: float) -> list[float]:
    room = width - _GAP * (len(columns) - 1)
    fixed = []
    for place, column in enumerate(columns):
        cells = [cell_words(row[place]) for row in rows if not isinstance(row[place], Score)]
        longest = max((len(cell) for cell in [column.header, *cells]), default=0)
        fixed.append(0.0 if column.share > 0 else longest * 9.0 * _LETTER)
    shares = sum(column.share for column in columns)
    rest = max(room - sum(fixed), 20.0)
    return [
        rest * column.share / shares if column.share > 0 else width_
        for column, width_ in zip(columns, fixed, strict=True)
    ]
