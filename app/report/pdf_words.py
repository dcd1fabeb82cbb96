"""Words of the PDF report: styles, and texts cut into what a line may not break.

Where something runs from the right, the runs know the levels of their characters, which belong to the whole
paragraph: lines are broken as the text is read, and `pdf_text` puts each into the order of writing when it is
drawn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from app.report import bidi, fonts
from app.report.line_breaks import may_break, only_at_blanks, units
from app.report.model import Span
from app.report.pdf_sheet import Sheet

Weight = Literal[400, 500, 600]


@dataclass(frozen=True, slots=True)
class Style:
    """How a text is set: size and leading in points, weight, role of its colour."""

    size: float
    leading: float
    weight: Weight = 400
    role: str = "text"
    strong: Weight = 600


SMALL = Style(7.5, 10.5, role="muted", strong=500)
LABEL = Style(7.5, 10.5, 500, role="muted")
BODY = Style(9, 13)
CELL = Style(9, 13, strong=500)
MUTED = Style(9, 13, role="muted", strong=500)
CODE = Style(8, 11.5)
LEAD = Style(10, 14.5)
FIGURE_TITLE = Style(9.5, 13, 600)
HEADING = Style(12, 16, 600)
TITLE = Style(18, 23, 600)
REPORT_TITLE = Style(22, 26, 600)


@dataclass(frozen=True, slots=True)
class Piece:
    """A small picture in a line: its width with the gap after it, and who draws it at a baseline."""

    width: float
    draw: Callable[[Sheet, float, float], None]


class Run(NamedTuple):
    """Text of one kind, or a picture, within a line."""

    text: str
    width: float
    size: float
    weight: Weight
    role: str
    link: str | None = None
    piece: Piece | None = None
    levels: bytes = b""
    """A level for each character; none where the paragraph runs from the left throughout."""
    base: int = 0
    """The level of the paragraph."""

    def like(self, other: Run) -> bool:
        """Whether the two can be written in one go."""
        return (
            self.piece is None
            and other.piece is None
            and self.weight == other.weight
            and self.role == other.role
            and self.link == other.link
            and self.size == other.size
            and bool(self.levels) == bool(other.levels)
        )


class Word(NamedTuple):
    """Runs that stay together: `gap` is the width of the blank after it, `level` the blank's, `ends` ends the
    line.
    """

    runs: tuple[Run, ...]
    width: float
    gap: float = 0.0
    ends: bool = False
    level: int = 0


@lru_cache(maxsize=65_536)
def unit_width(text: str, weight: Weight) -> float:
    return fonts.measure(text, weight, 1000.0) / 1000.0


def width_of(text: str, style: Style) -> float:
    """The width of a text in points."""
    return unit_width(text, style.weight) * style.size


_ROLES = {"ok": ("ok", 500), "warn": ("warn", 500), "bad": ("bad", 500), "accent": ("accent", 500)}
_TOKENS = re.compile(r"\n|[ \t]+|[^ \t\n]+")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")


def run_of(span: Span, style: Style) -> Run:
    """The span as one run in the style; its role decides weight and colour."""
    weight, role = style.weight, style.role
    if span.role == "strong":
        weight, role = style.strong, "text"
    elif span.role == "muted":
        role = "muted"
    elif span.role:
        role = span.role
        weight = style.weight if style.weight > 500 else 500
    elif span.link:
        role = "accent"
    return Run(span.text, 0.0, style.size, weight, role, span.link)


def words_of(parts: Iterable[Run | Piece]) -> list[Word]:
    """The words of a line that has not been broken yet."""
    found: list[Word] = []
    runs: list[Run] = []
    for part in _levelled(list(parts)):
        if part.piece is not None:
            runs.append(part)
            continue
        simple = not part.levels and only_at_blanks(part.text)
        weight, size = part.weight, part.size
        at = level = 0
        for token in _TOKENS.findall(part.text):
            if token == "\n":
                found.append(word_of(runs, ends=True))
                runs = []
            elif token[0] in " \t":
                blank = unit_width(" ", weight) * size
                if part.levels:
                    level = part.levels[at]
                if runs:
                    found.append(word_of(runs, blank, False, level))
                    runs = []
                elif found and not found[-1].ends and found[-1].gap == 0:
                    found[-1] = found[-1]._replace(gap=blank, level=level)
            elif simple and not runs:
                width = unit_width(token, weight) * size
                runs.append(Run(token, width, size, weight, part.role, part.link))
            else:
                for first, last in units(token):
                    unit = cut(part, at + first, at + last)
                    if runs and (first or _may_break(runs[-1], unit)):
                        found.append(word_of(runs))
                        runs = []
                    runs.append(unit)
            at += len(token)
    if runs:
        found.append(word_of(runs))
    return found


def cut(run: Run, start: int, end: int) -> Run:
    """A part of a run, measured."""
    text = run.text[start:end]
    width = unit_width(text, run.weight) * run.size
    return run._replace(text=text, width=width, levels=run.levels[start:end])


def _may_break(before: Run, after: Run) -> bool:
    """Whether a line may break between two runs without a blank between them."""
    if before.piece is not None or (before.text.isascii() and after.text.isascii()):
        return False
    return may_break(before.text[-1], after.text[0])


def _levelled(parts: list[Run | Piece]) -> list[Run]:
    """The parts as runs, with the levels of their characters where any of the text runs from the right."""
    runs = [
        Run("", part.width, 0.0, 400, "", piece=part) if isinstance(part, Piece) else part for part in parts
    ]
    if not any(bidi.runs_from_the_right(run.text) for run in runs):
        return runs
    said = [OBJECT if run.piece is not None else run.text for run in runs]
    each = bytearray()
    bases: list[int] = []
    for paragraph in "".join(said).replace("\t", " ").split("\n"):
        levels = bidi.levels_of(paragraph)
        each += levels.each + bytes((levels.base,))
        bases += [levels.base] * (len(paragraph) + 1)
    at = 0
    found: list[Run] = []
    for run, text in zip(runs, said, strict=True):
        found += _by_paragraph(
            run._replace(levels=bytes(each[at : at + len(text)])), bases[at : at + len(text)]
        )
        at += len(text)
    return found


def _by_paragraph(run: Run, bases: Sequence[int]) -> Iterator[Run]:
    """The run in parts that are of one paragraph each, with its level."""
    if run.piece is not None or "\n" not in run.text:
        yield run._replace(base=bases[0] if bases else 0)
        return
    at = 0
    for line in _LINES.findall(run.text):
        end = at + len(line)
        yield run._replace(text=line, levels=run.levels[at:end], base=bases[at])
        at = end


OBJECT = "\ufffc"
"""What a picture is among characters."""


def word_of(runs: Sequence[Run], gap: float = 0.0, ends: bool = False, level: int = 0) -> Word:
    width = runs[0].width if len(runs) == 1 else sum(run.width for run in runs)
    return Word(tuple(runs), width, gap, ends, level)
