"""Text laid out for a terminal: styled spans, wrapped sentences, aligned tables. Knows no stream."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Style = Literal["", "strong", "muted", "ok", "warn", "bad"]
MISSING = "–"
NO_BREAK = "\N{NO-BREAK SPACE}"
"""Stands between a number and its unit until the line is wrapped; printed as an ordinary space."""

NARROWEST = 6
"""Columns that are left of a text that is cut."""

_ESCAPED_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line and what it means; the output chooses the colour."""

    text: str
    style: Style = ""


Line = tuple[Span, ...]
Cell = str | Span


def line(*parts: Cell) -> Line:
    """One line of plain and styled parts."""
    return tuple(part if isinstance(part, Span) else Span(part) for part in parts)


def unstyled(lines: Iterable[Line]) -> list[str]:
    """The lines as text alone, without blanks at their ends."""
    return ["".join(span.text for span in entry).replace(NO_BREAK, " ").rstrip() for entry in lines]


def plain(text: object, longest: int = 2000) -> str:
    """Foreign text made safe to print: control characters are shown escaped, long text is cut."""
    shown = str(text)
    if len(shown) > longest:
        shown = shown[: longest - 1] + "…"
    if shown.isprintable():
        return shown
    return "".join(_visible(character) for character in shown)


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _ESCAPED_CATEGORIES:
        return character
    return character.encode("unicode_escape").decode("ascii")


def width(text: str) -> int:
    """Columns that the text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def cut(text: str, columns: int) -> str:
    """The text in at most so many columns, with an ellipsis where something was left out."""
    if width(text) <= columns:
        return text
    kept = ""
    for character in text:
        if width(kept) + width(character) > columns - 1:
            break
        kept += character
    return kept + "…"


def wrapped(text: str, columns: int, style: Style = "", indent: str = "") -> list[Line]:
    """A sentence over as many lines as it takes; further lines are indented by `indent`."""
    rows = textwrap.wrap(
        text, columns, subsequent_indent=indent, break_on_hyphens=False, break_long_words=True
    )
    return [line(Span(row, style)) for row in rows]


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    align: str,
    columns: int,
    *,
    gap: int = 2,
    least: Sequence[int] = (),
) -> list[Line]:
    """An aligned table. A header may have two rows, split by a newline.

    `align` has a letter a column: `l` left, `r` right, `t` left and cut where the table does not fit. Before
    anything is cut, the gap between columns narrows to one blank. `least` are widths that columns have at
    least, so that a table which grows does not jump.
    """
    heads = [name.split("\n") for name in header]
    tall = max(len(parts) for parts in heads)
    head_rows: list[list[Cell]] = [
        [Span(([""] * (tall - len(parts)) + parts)[row], "muted") for parts in heads] for row in range(tall)
    ]
    body = [*head_rows, *(list(row) for row in rows)]
    widths = [max(width(_text(row[index])) for row in body) for index in range(len(header))]
    widths = [max(pair) for pair in zip(widths, least or widths, strict=True)]
    while gap > 1 and sum(widths) + gap * (len(widths) - 1) > columns:
        gap -= 1
    cuttable = [index for index, side in enumerate(align) if side == "t"]
    while cuttable and sum(widths) + gap * (len(widths) - 1) > columns:
        widest = max(cuttable, key=lambda index: widths[index])
        if widths[widest] <= NARROWEST:
            break
        widths[widest] -= 1
    return [_row(row, widths, align, gap) for row in body]


def _text(cell: Cell) -> str:
    return cell.text if isinstance(cell, Span) else cell


def _row(cells: Sequence[Cell], widths: Sequence[int], align: str, gap: int) -> Line:
    spans: list[Span] = []
    for index, cell in enumerate(cells):
        text = cut(_text(cell), widths[index])
        blank = " " * (widths[index] - width(text))
        if index:
            spans.append(Span(" " * gap))
        if align[index] == "r" and blank:
            spans.append(Span(blank))
        spans.append(Span(text, cell.style if isinstance(cell, Span) else ""))
        if align[index] != "r" and blank and index < len(cells) - 1:
            spans.append(Span(blank))
    return tuple(spans)
