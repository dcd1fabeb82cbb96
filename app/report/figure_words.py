"""What a figure says: its chart with texts that are safe to draw, its caption, its numbers as a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from types import NoneType
from typing import Any

from app.charts.table import rows_of
from app.report import words
from app.report.model import Column, Figure, Span, Table

LONGEST_LABEL = 200
"""Characters of one text in a chart that are shown; charts cut it again to the room there is."""
_WORDS_OF_THE_MODEL = {"style", "kind", "axis", "scale", "shape"}


def safe_spec(spec: Any, spelled: Callable[[str], str] = str) -> Any:
    """The chart with every text visible, cut, on one line, and then `spelled`."""

    def safe(value: Any) -> Any:
        if isinstance(value, str):
            return spelled(words.one_line(value, LONGEST_LABEL))
        if isinstance(value, tuple):
            return tuple(map(safe, value)) if _has_text(value) else value
        if is_dataclass(value) and not isinstance(value, type):
            changed = {
                field.name: safe(getattr(value, field.name))
                for field in fields(value)
                if not (field.name in _WORDS_OF_THE_MODEL and isinstance(getattr(value, field.name), str))
            }
            return replace(value, **changed)
        return value

    return replace(safe(spec), title=spec.title, caption=spec.caption)


def _has_text(values: tuple[Any, ...]) -> bool:
    """Whether a tuple holds anything but numbers and gaps."""
    return any(not isinstance(value, int | float | NoneType) for value in values[:8])


def caption_of(figure: Figure) -> str:
    """The line below a figure, with its number."""
    caption = words.one_line(figure.spec.caption, 1_000)
    if figure.number is None:
        return caption
    return f"Figure {figure.number}. {caption}".rstrip()


def numbers_of(spec: Any) -> Table:
    """The numbers of a chart as a table."""
    head, rows = rows_of(spec)
    columns = tuple(Column(name, align="right" if number else "left") for number, name in enumerate(head))
    return Table(columns, tuple(tuple((Span(cell),) for cell in row) for row in rows))
