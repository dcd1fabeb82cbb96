"""Text of the PDF report: broken into lines by our own hand, so that no text is ever read as markup.

reportlab's `Paragraph` parses its text (an `<img src>` opens files) and takes minutes for a word of 100,000
characters. Here a line is filled word by word; a word that is wider than a line is broken after a sign or, at
last, between two characters. Everything is linear in the length of the text, and the length is capped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from app.report import fonts
from app.report.model import Align, Span
from app.report.pdf_flow import Box, Parts
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

    def like(self, other: Run) -> bool:
        """Whether the two can be written in one go."""
        return (
            self.piece is None
            and other.piece is None
            and self.weight == other.weight
            and self.role == other.role
            and self.link == other.link
            and self.size == other.size
        )


class Word(NamedTuple):
    """Runs that stay together. `gap` is the width of the blank after it, `ends` ends the line."""

    runs: tuple[Run, ...]
    width: float
    gap: float = 0.0
    ends: bool = False


@lru_cache(maxsize=65_536)
def _unit_width(text: str, weight: Weight) -> float:
    return fonts.measure(text, weight, 1000.0) / 1000.0


def width_of(text: str, style: Style) -> float:
    """The width of a text in points."""
    return _unit_width(text, style.weight) * style.size


_ROLES = {"ok": ("ok", 500), "warn": ("warn", 500), "bad": ("bad", 500), "accent": ("accent", 500)}
_TOKENS = re.compile(r"\n|[ \t]+|[^ \t\n]+")


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
    for part in parts:
        if isinstance(part, Piece):
            runs.append(Run("", part.width, 0.0, 400, "", piece=part))
            continue
        for token in _TOKENS.findall(part.text):
            if token == "\n":
                found.append(_word(runs, ends=True))
                runs = []
            elif token[0] in " \t":
                blank = _unit_width(" ", part.weight) * part.size
                if runs:
                    found.append(_word(runs, gap=blank))
                    runs = []
                elif found and not found[-1].ends and found[-1].gap == 0:
                    found[-1] = found[-1]._replace(gap=blank)
            else:
                width = _unit_width(token, part.weight) * part.size
                runs.append(Run(token, width, part.size, part.weight, part.role, part.link))
    if runs:
        found.append(_word(runs))
    return found


def _word(runs: Sequence[Run], gap: float = 0.0, ends: bool = False) -> Word:
    return Word(tuple(runs), sum(run.width for run in runs), gap, ends)


class Line(NamedTuple):
    """A finished line."""

    runs: tuple[Run, ...]
    width: float


def break_lines(found: Sequence[Word], room: float) -> list[Line]:
    """The words as lines of at most `room`, each filled as far as it goes."""
    lines: list[Line] = []
    row: list[Word] = []
    used = 0.0
    pending = list(reversed(found))
    while pending:
        word = pending.pop()
        if row and used + word.width > room + 1e-6:
            lines.append(_line(row))
            row, used = [], 0.0
        if word.width > room + 1e-6 and not row:
            head, tail = _broken(word, room)
            if tail is not None:
                pending.append(tail)
                lines.append(_line([head]))
                continue
            word = head
        row.append(word)
        used += word.width + word.gap
        if word.ends:
            lines.append(_line(row))
            row, used = [], 0.0
    if row:
        lines.append(_line(row))
    return lines


def _line(row: Sequence[Word]) -> Line:
    runs: list[Run] = []
    width = 0.0
    for number, word in enumerate(row):
        width += word.width
        for run in word.runs:
            if runs and runs[-1].like(run):
                last = runs[-1]
                runs[-1] = last._replace(text=last.text + run.text, width=last.width + run.width)
            else:
                runs.append(run)
        if number < len(row) - 1 and word.gap and runs:
            # The blank is written with the run before it, so that copied text keeps its blanks.
            last = runs[-1]
            if last.piece is None:
                runs[-1] = last._replace(text=last.text + " ", width=last.width + word.gap)
            else:
                runs[-1] = last._replace(width=last.width + word.gap)
            width += word.gap
    return Line(tuple(runs), width)


_SOFT = frozenset("/-_.,:;=&?@|)]}+\\")


def _broken(word: Word, room: float) -> tuple[Word, Word | None]:
    """The most of a word that fits into `room`, at least one character of it, and the rest."""
    used = 0.0
    soft: tuple[int, int, float] | None = None
    for number, run in enumerate(word.runs):
        if run.piece is not None:
            used += run.width
            continue
        for at, character in enumerate(run.text):
            wide = _unit_width(character, run.weight) * run.size
            if used + wide > room and used > 0:
                return _cut_word(
                    word, *(soft if soft is not None and soft[2] > 0.5 * room else (number, at, used))
                )
            used += wide
            if character in _SOFT:
                soft = (number, at + 1, used)
    return word, None


def _cut_word(word: Word, number: int, at: int, used: float) -> tuple[Word, Word | None]:
    """The word cut in its run `number` before the character `at`, `used` points from where it starts."""
    run = word.runs[number]
    start = used - sum(earlier.width for earlier in word.runs[:number])
    before = run._replace(text=run.text[:at], width=start)
    after = run._replace(text=run.text[at:], width=run.width - start)
    first = (*word.runs[:number], *((before,) if before.text else ()))
    rest = (*((after,) if after.text else ()), *word.runs[number + 1 :])
    if not rest:
        return word, None
    return _word(first), _word(rest)._replace(gap=word.gap, ends=word.ends)


class Lines(Box):
    """Finished lines of text at one leading."""

    def __init__(self, lines: Sequence[Line], style: Style, width: float, align: Align = "left") -> None:
        """`width` is the room in which the lines are aligned."""
        self.lines, self.style, self.width, self.align = tuple(lines), style, width, align
        self.height = len(self.lines) * style.leading

    def draw(self, sheet: Sheet, x: float, top: float) -> None:
        """Write the lines, with their pictures and links."""
        style = self.style
        writer = sheet.writer()
        for number, line in enumerate(self.lines):
            upper = top + number * style.leading
            baseline = upper + style.leading / 2 + MIDDLE * style.size
            left = x + self._offset(line)
            for run in line.runs:
                if run.piece is not None:
                    run.piece.draw(sheet, left, baseline)
                else:
                    writer.write(run.text, left, baseline, run.weight, run.size, run.role)
                    if run.link:
                        sheet.link(run.link, left, upper, run.width, style.leading)
                left += run.width
        writer.end()

    def _offset(self, line: Line) -> float:
        if self.align == "left":
            return 0.0
        free = self.width - line.width
        return free if self.align == "right" else free / 2

    def split(self, room: float, full: float) -> Parts:  # noqa: ARG002
        """Break between two lines, not leaving one alone where there are four or more."""
        count = min(int((room + 1e-6) // self.style.leading), len(self.lines) - 1)
        if len(self.lines) >= 4:
            count = min(count, len(self.lines) - 2)
            if count < 2:
                return None, self
        if count < 1:
            return None, self
        return self._part(self.lines[:count], self.before), self._part(self.lines[count:], 0.0)

    def _part(self, lines: Sequence[Line], before: float) -> Lines:
        part = Lines(lines, self.style, self.width, self.align)
        part.before = before
        return part


MIDDLE = 0.36
"""How far the baseline stands below the middle of a line, in sizes: half the height of a capital."""


def plain_lines(text: str, style: Style, width: float = float("inf"), align: Align = "left") -> Lines:
    """A text of one kind, broken into lines."""
    run = run_of(Span(fonts.shown(text)), style)
    return Lines(break_lines(words_of((run,)), width), style, width, align)
