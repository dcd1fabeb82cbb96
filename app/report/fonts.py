"""The typeface of the PDF report: Inter in three weights, its digits all of one width.

The fonts are embedded as subsets; which glyphs those hold depends on the text alone. A character without a
glyph is written out (`\\u4f60`) by `shown`, so that nothing that a person wrote is lost.
"""

from __future__ import annotations

import re
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
_lock = Lock()
_fonts: dict[Weight, Any] = {}
_widths: dict[Weight, _Widths] = {}


class _Widths(dict[str, float]):
    """Widths of characters at a size of 1 point, filled as they are asked for."""

    def __init__(self, by_code: dict[int, float], other: float) -> None:
        self.by_code, self.other = by_code, other

    def __missing__(self, character: str) -> float:
        width = self.by_code.get(ord(character), self.other) / 1000.0
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
            _widths[weight] = _Widths(face.charWidths, face.defaultWidth)
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
    if not _fonts:
        _load()
    return sum(map(_widths[weight].__getitem__, text)) * size


def has_glyph(character: str) -> bool:
    """Whether the typeface can show the character."""
    if not _fonts:
        _load()
    return ord(character) in _fonts[400].face.charToGlyph


def shown(text: str) -> str:
    """The text with every character that the typeface has no glyph for written out; breaks and tabs stay."""
    return text if _PLAIN.fullmatch(text) else "".join(map(_shown, text))


@lru_cache(maxsize=8192)
def _shown(character: str) -> str:
    if character in "\n\t" or (character.isprintable() and has_glyph(character)) or character == "\u00a0":
        return character
    return character.encode("unicode_escape").decode("ascii")
