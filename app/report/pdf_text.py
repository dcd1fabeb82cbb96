"""Text of the PDF report: broken into lines by our own hand, so that no text is ever read as markup.

reportlab's `Paragraph` parses its text (an `<img src>` opens files) and takes minutes for a word of 100,000
characters. Here a line is filled word by word; a word that is wider than a line is broken after a sign or, at
last, between two characters. Everything is linear in the length of the text, and the length is capped.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, takewhile
from math import isfinite
from operator import itemgetter
from typing import NamedTuple

from app.report import bidi, fonts
from app.report.model import Align, Span
from app.report.pdf_flow import Box, Parts
from app.report.pdf_sheet import HEIGHT, Sheet
from app.report.pdf_words import OBJECT, Run, Style, Word, cut, run_of, unit_width, word_of, words_of
from app.report.shaping import clusters


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
                runs[-1] = last._replace(
                    text=last.text + run.text,
                    width=last.width + run.width,
                    levels=last.levels + run.levels,
                )
            else:
                runs.append(run)
        if number < len(row) - 1 and word.gap and runs:
            # The blank is written with the run before it, so that copied text keeps its blanks.
            last = runs[-1]
            if last.piece is None:
                levels = last.levels + bytes((word.level,)) if last.levels else b""
                runs[-1] = last._replace(text=last.text + " ", width=last.width + word.gap, levels=levels)
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
        for at, end in _characters(run):
            wide = unit_width(run.text[at:end], run.weight) * run.size
            if used + wide > room and used > 0:
                place = soft if soft is not None and soft[2] > 0.5 * room else (number, at, used)
                return _cut_word(word, room, *place)
            used += wide
            if run.text[end - 1] in _SOFT:
                soft = (number, end, used)
    return word, None


def _characters(run: Run) -> Iterable[tuple[int, int]]:
    """Where the characters of a run start and end, each with its marks."""
    if fonts.is_plain(run.text):
        return ((at, at + 1) for at in range(len(run.text)))
    return clusters(run.text)


def _cut_word(word: Word, room: float, number: int, at: int, used: float) -> tuple[Word, Word | None]:
    """The word cut in its run `number` before the character `at`, `used` points from where it starts."""
    run = word.runs[number]
    earlier = sum(each.width for each in word.runs[:number])
    if at == 0 or fonts.is_plain(run.text):
        start = used - earlier
        before = run._replace(text=run.text[:at], width=start, levels=run.levels[:at])
        after = run._replace(text=run.text[at:], width=run.width - start, levels=run.levels[at:])
    else:
        before, after = _cut_shaped(run, at, room - earlier)
    first = (*word.runs[:number], *((before,) if before.text else ()))
    rest = (*((after,) if after.text else ()), *word.runs[number + 1 :])
    if not rest:
        return word, None
    return word_of(first), word_of(rest)._replace(gap=word.gap, ends=word.ends, level=word.level)


def _cut_shaped(run: Run, at: int, room: float) -> tuple[Run, Run]:
    """The run cut at `at`, or near it: joined letters are wider or narrower than each of them alone."""
    ends = [end for _, end in takewhile(lambda part: part[0] < 2 * at, clusters(run.text))]
    last = bisect_left(ends, at)
    before = cut(run, 0, ends[last])
    if run.text[at - 1] not in _SOFT and before.width > 0:
        # How far the room goes if what follows is as wide; the steps below see to it that it is so.
        last = min(max(int((last + 1) * room / before.width) - 1, 0), len(ends) - 1)
        before = cut(run, 0, ends[last])
        while last + 1 < len(ends) and (longer := cut(run, 0, ends[last + 1])).width <= room:
            last, before = last + 1, longer
    while last > 0 and before.width > room:
        last -= 1
        before = cut(run, 0, ends[last])
    at = len(before.text)
    if len(run.text) - at <= MEASURED_AT_ONCE:
        return before, cut(run, at, len(run.text))
    # It is broken again, so that its width need not be exact.
    width = max(run.width - before.width, room + 1)
    return before, run._replace(text=run.text[at:], levels=run.levels[at:], width=width)


MEASURED_AT_ONCE = 300
"""Characters of a rest that are measured; a longer one does not fit into a line anyway."""


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
            ordered = any(run.levels for run in line.runs)
            for run, level in _in_order(line) if ordered else ((run, None) for run in line.runs):
                width = run.width
                if run.piece is not None:
                    run.piece.draw(sheet, left, baseline)
                else:
                    place = (left, HEIGHT - baseline, run.weight, run.size, sheet.colour(run.role))
                    if level is None:
                        writer.write(run.text, *place)
                    else:
                        width = writer.write_run(run.text, *place, level)
                    if run.link:
                        sheet.link(run.link, left, upper, width, style.leading)
                left += width
        writer.end()

    def _offset(self, line: Line) -> float:
        free = self.width - line.width
        if self.align == "left":
            from_the_right = bool(line.runs) and line.runs[0].base == 1 and isfinite(free)
            return max(free, 0.0) if from_the_right else 0.0
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


def _in_order(line: Line) -> Iterator[tuple[Run, int]]:
    """The runs of a line from left to right, cut into parts of one level, with that."""
    said = [OBJECT if run.piece is not None else run.text for run in line.runs]
    levels = b"".join(run.levels or bytes(len(text)) for run, text in zip(line.runs, said, strict=True))
    owners = [(number, at) for number, text in enumerate(said) for at in range(len(text))]
    for part in bidi.visual_runs("".join(said), levels, line.runs[0].base):
        pieces = [list(of) for _, of in groupby(owners[part.start : part.end], key=itemgetter(0))]
        for piece in reversed(pieces) if part.level % 2 else pieces:
            (number, first), (_, last) = piece[0], piece[-1]
            run = line.runs[number]
            yield (
                (run if run.piece is not None else run._replace(text=run.text[first : last + 1])),
                part.level,
            )


MIDDLE = 0.36
"""How far the baseline stands below the middle of a line, in sizes: half the height of a capital."""


def plain_lines(text: str, style: Style, width: float = float("inf"), align: Align = "left") -> Lines:
    """A text of one kind, broken into lines."""
    run = run_of(Span(fonts.shown(text)), style)
    return Lines(break_lines(words_of((run,)), width), style, width, align)
