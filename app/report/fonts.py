"""The typeface of the PDF report: Inter in three weights, its digits all of one width; behind it others.

The fonts are embedded as subsets; which glyphs those hold depends on the text alone. Text is *plain* where
Inter shows it by itself, from left to right; anything else is measured and drawn by `shaping`. A character
without a glyph in any typeface is written out (`\\u16a0`) by `shown`, so that nothing that a person wrote is
lost.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from importlib import resources
from io import BytesIO
from threading import Lock
from typing import Any

from app.charts.shapes import Weight

WEIGHTS: dict[Weight, str] = {400: "Inter-Regular", 500: "Inter-Medium", 600: "Inter-SemiBold"}
TABULAR_DIGITS = 0xE030
"""Where the font files hold the tabular digits; see resources/fonts/README.md."""

_NAMES: dict[Weight, str] = {weight: f"Loadstone-{file}" for weight, file in WEIGHTS.items()}
_PLAIN = re.compile(r"[ -~\n\t]*")
_FROM_THE_RIGHT = {"R", "AL", "AN"}
_lock = Lock()
_fonts: dict[Weight, Any] = {}
_widths: dict[Weight, _Widths] = {}


class _Widths(dict[str, float]):
    """Widths of plain characters at a size of 1 point, filled as asked for. Others are a `KeyError`."""

    def __init__(self, by_code: dict[int, float]) -> None:
        self.by_code = by_code

    def __missing__(self, character: str) -> float:
        if not is_plain_character(character):
            raise KeyError(character)
        width = self.by_code[ord(character)] / 1000.0
        self[character] = width
        return width


def _load() -> None:
    """Read the fonts and make them known to reportlab, once in a process."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    with _lock:
        if _fonts:
            return
        found: dict[Weight, Any] = {}
        folder = resources.files("resources.fonts")
        for weight, file in WEIGHTS.items():
            data = BytesIO(folder.joinpath(f"{file}.ttf").read_bytes())
            font = TTFont(_NAMES[weight], data, asciiReadable=True)
            face = font.face
            for value in range(10):
                face.charToGlyph[ord("0") + value] = face.charToGlyph[TABULAR_DIGITS + value]
                face.charWidths[ord("0") + value] = face.charWidths[TABULAR_DIGITS + value]
                del face.charToGlyph[TABULAR_DIGITS + value]
            # reportlab writes a no-break space as a space.
            face.charWidths[0xA0] = face.charWidths[0x20]
            face.charToGlyph.setdefault(0xA0, face.charToGlyph[0x20])
            _widths[weight] = _Widths(face.charWidths)
            pdfmetrics.registerFont(font)
            found[weight] = font
        _fonts.update(found)


def name(weight: Weight) -> str:
    """The name under which reportlab knows the weight."""
    if not _fonts:
        _load()
    return _NAMES[weight]


def font(weight: Weight) -> Any:
    """The `TTFont` of reportlab."""
    if not _fonts:
        _load()
    return _fonts[weight]


def measure(text: str, weight: Weight, size: float) -> float:
    """The width of a text on one line in points; an `app.charts.shapes.Measure`."""
    try:
        return plain_width(text, weight) * size
    except KeyError:
        from app.report.shaping import width_of

        return width_of(text, weight) * size


def plain_width(text: str, weight: Weight) -> float:
    """The width of a plain text at a size of 1 point. Raises `KeyError` for any other."""
    if not _fonts:
        _load()
    return sum(map(_widths[weight].__getitem__, text))


def is_plain(text: str) -> bool:
    """Whether Inter shows the text by itself, from left to right."""
    return text.isascii() or _plain_text().fullmatch(text) is not None


@lru_cache(maxsize=8192)
def is_plain_character(character: str) -> bool:
    """Whether the character is in Inter and stands by itself: no mark on another, not from the right."""
    return (
        in_inter(character)
        and unicodedata.category(character)[0] != "M"
        and unicodedata.bidirectional(character) not in _FROM_THE_RIGHT
    )


@lru_cache(maxsize=1)
def _plain_text() -> re.Pattern[str]:
    """Any number of plain characters."""
    kept = "".join(filter(is_plain_character, map(chr, sorted(font(400).face.charToGlyph))))
    return re.compile(f"[{re.escape(kept)}]*")


def in_inter(character: str) -> bool:
    """Whether Inter has a glyph for the character."""
    if not _fonts:
        _load()
    return ord(character) in _fonts[400].face.charToGlyph


def has_glyph(character: str) -> bool:
    """Whether any typeface has a glyph for the character."""
    if in_inter(character):
        return True
    from app.report.typefaces import behind_inter

    return behind_inter(character) is not None


def shown(text: str) -> str:
    """The text with every character that no typeface has a glyph for written out; breaks and tabs stay."""
    if _PLAIN.fullmatch(text):
        return text
    parts: list[str] = []
    bare = False
    for character in text:
        # A mark does not sit on what another was written out as.
        orphan = bare and unicodedata.category(character) in ("Mn", "Me")
        part = _written_out(character) if orphan else _shown(character)
        bare = part != character
        parts.append(part)
    return "".join(parts)


@lru_cache(maxsize=8192)
def _shown(character: str) -> str:
    from app.report.shaping import is_invisible

    if character in "\n\t" or is_invisible(character):
        return character
    if (character.isprintable() or unicodedata.category(character) == "Zs") and has_glyph(character):
        return character
    return _written_out(character)


def _written_out(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
