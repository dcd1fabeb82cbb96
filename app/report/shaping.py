"""Text as it is drawn: pieces from left to right, each of one typeface and one direction.

Most text is one piece of Inter, which reportlab writes as it stands (`Plain`). What Inter lacks, what runs
from the right, and letters with marks are glyphs of HarfBuzz (`Shaped`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from unicodedata import category

from app.charts.shapes import Weight
from app.report import bidi, fonts
from app.report.typefaces import INTER, Glyph, behind_inter, typeface

JOINERS = "\u200c\u200d"
_VARIANTS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_AS_PICTURE = "\ufe0f"
_SKIN = re.compile("[\U0001f3fb-\U0001f3ff]")
_KEYCAP = "\u20e3"
_REGION = re.compile("[\U0001f1e6-\U0001f1ff]")


class Plain(NamedTuple):
    """Text of Inter, written by reportlab."""

    text: str
    width: float


class Shaped(NamedTuple):
    """Glyphs of a typeface; `heavy` where they stand for a weight that it does not have.

    `said` is the text where what the glyphs stand for does not give it, one by one and in one line.
    """

    face: str
    glyphs: tuple[Glyph, ...]
    width: float
    heavy: bool
    said: str = ""


Piece = Plain | Shaped
"""Widths at a size of 1 point."""


def is_invisible(character: str) -> bool:
    """Whether it only says how its neighbours are drawn: joiners, marks of a variant."""
    return character in JOINERS or _VARIANTS.match(character) is not None


def clusters(text: str) -> Iterator[tuple[int, int]]:
    """Where what a reader takes for one character starts and ends: a base and its marks, an emoji."""
    start = 0
    for at in range(1, len(text)):
        if _continues(text, at, start):
            continue
        yield start, at
        start = at
    if text:
        yield start, len(text)


def _continues(text: str, at: int, start: int) -> bool:
    character, before = text[at], text[at - 1]
    if is_invisible(character) or category(character)[0] == "M" or _SKIN.match(character):
        return True
    if before == "\u200d":
        return True
    # Two letters of a region are a flag.
    return bool(_REGION.match(character)) and at - start == 1 and bool(_REGION.match(before))


def pieces_of(text: str, weight: Weight, base: int | None = None) -> tuple[Piece, ...]:
    """A paragraph of one line. `base` is the level of the paragraph where the text does not decide on it."""
    if not bidi.runs_from_the_right(text):
        return run_pieces(text, weight, 0)
    levels = bidi.levels_of(text, base)
    runs = bidi.visual_runs(text, levels.each, levels.base)
    return tuple(piece for run in runs for piece in run_pieces(text[run.start : run.end], weight, run.level))


@lru_cache(maxsize=8192)
def run_pieces(text: str, weight: Weight, level: int) -> tuple[Piece, ...]:
    """A text of one level, from left to right."""
    found: list[Piece] = []
    for face, part in _faces(text, weight, level):
        if face is None:
            found.append(Plain(part, fonts.plain_width(part, weight)))
            continue
        glyphs = typeface(face).shaped(part, from_the_right=level % 2 == 1)
        width = sum(glyph.advance for glyph in glyphs) / 1000.0
        # Readers turn such a text around where it runs from the right, and PDFium leaves out what lies beyond
        # the first plane, so it is said only where neither matters.
        moved = any(glyph.raised or glyph.moved or len(glyph.text) > 1 for glyph in glyphs)
        moved = moved and level % 2 == 0 and max(part) < "\ufffd"
        heavy = weight > 400 and face not in INTER
        found.append(Shaped(face, glyphs, width, heavy, part if moved else ""))
    return tuple(found[::-1] if level % 2 else found)


def _faces(text: str, weight: Weight, level: int) -> Iterator[tuple[str | None, str]]:
    """The text in parts with the name of the typeface for each; None is Inter as reportlab writes it."""
    part, current = "", None
    for start, end in clusters(text):
        for face, said in _faces_of_cluster(text[start:end], weight, level):
            if part and face != current:
                yield current, part
                part = ""
            current = face
            part += said
    if part:
        yield current, part


def _faces_of_cluster(cluster: str, weight: Weight, level: int) -> Iterator[tuple[str | None, str]]:
    inter = fonts.WEIGHTS[weight]
    if len(cluster) == 1 and level % 2 == 0 and fonts.is_plain_character(cluster):
        yield None, cluster
        return
    picture = _AS_PICTURE in cluster or _KEYCAP in cluster
    face: str | None = None
    part = ""
    for character in cluster:
        wanted = face
        if part == "" or not (is_invisible(character) or (face and typeface(face).has(character))):
            wanted = behind_inter(character, picture=True) if picture else None
            wanted = (
                wanted or (inter if fonts.in_inter(character) else behind_inter(character)) or face or inter
            )
        if part and wanted != face:
            yield face, part
            part = ""
        face = wanted
        part += character
    yield face, part


def width_of(text: str, weight: Weight) -> float:
    """The width of a text on one line at a size of 1 point."""
    return sum(piece.width for piece in pieces_of(text, weight))
