"""What a figure says without its picture: the line below it, and its numbers as a table."""

from __future__ import annotations

from typing import Any

from app.report import words
from app.report.model import Column, Figure, Span, Table


def caption_of(figure: Figure) -> str:
    """The line below a figure, with its number."""
    caption = words.one_line(figure.spec.caption, 1_000)
    if figure.number is None:
        return caption
    return f"Figure {figure.number}. {caption}".rstrip()


def numbers_of(spec: Any) -> Table:
    """The numbers of a chart as a table."""
    from app.charts.table import rows_of

    head, *rows = rows_of(spec)
    columns = tuple(Column(name, align="right" if number else "left") for number, name in enumerate(head))
    return Table(columns, tuple(tuple((Span(cell),) for cell in row) for row in rows))
