"""Text as the instructions of a page (ISO 32000-1, 9.4)."""

from __future__ import annotations

from typing import Any

from app.charts.shapes import Weight
from app.report import fonts
from app.report.embedding import Embedded, embedded
from app.report.shaping import Piece, Plain, Shaped, pieces_of, run_pieces

Colour = tuple[float, float, float]
HEAVIER = {400: 0.0, 500: 0.018, 600: 0.036}
"""How thick the edge is, in sizes, that makes a typeface of one weight as dark as Inter's."""


class Writer:
    """Writes pieces of text, and says a font or a colour only where it changes.

    The instructions are reportlab's own for a text object, without the widths that it would add up for each.
    Coordinates are the canvas's, which count from the lower left corner.
    """

    def __init__(self, canvas: Any) -> None:
        self.canvas = canvas
        self.code: list[str] = []
        self._font: tuple[object, float, int] | None = None
        self._colour: Colour | None = None
        self._heavy = 0.0

    def write(self, text: str, x: float, y: float, weight: Weight, size: float, colour: Colour) -> None:  # noqa: PLR0917
        """A line of text with its baseline at `y`."""
        self._paint(colour)
        if fonts.is_plain(text):
            self._plain(text, x, y, weight, size)
        else:
            self._pieces(pieces_of(text, weight), x, y, weight, size)

    def write_run(  # noqa: PLR0917
        self, text: str, x: float, y: float, weight: Weight, size: float, colour: Colour, level: int
    ) -> float:
        """A part of a line that is of one level; returns its width."""
        self._paint(colour)
        pieces = run_pieces(text, weight, level)
        self._pieces(pieces, x, y, weight, size)
        return sum(piece.width for piece in pieces) * size

    def end(self) -> None:
        """Put what was written on the page."""
        if self.code:
            self.canvas._code.append("BT " + " ".join(self.code) + " ET")

    def _paint(self, colour: Colour) -> None:
        if colour != self._colour:
            self._colour = colour
            red, green, blue = colour
            self.code.append(f"{red:.6g} {green:.6g} {blue:.6g} rg")

    def _pieces(self, pieces: tuple[Piece, ...], x: float, y: float, weight: Weight, size: float) -> None:
        for piece in pieces:
            if isinstance(piece, Plain):
                self._plain(piece.text, x, y, weight, size)
            else:
                self._shaped(piece, x, y, weight, size)
            x += piece.width * size

    def _plain(self, text: str, x: float, y: float, weight: Weight, size: float) -> None:
        canvas, font = self.canvas, fonts.font(weight)
        self.code.append(f"1 0 0 1 {x:.3f} {y:.3f} Tm")
        for subset, part in font.splitString(text, canvas._doc):
            if self._font != (weight, size, subset):
                self._font = (weight, size, subset)
                self.code.append(f"{font.getSubsetInternalName(subset, canvas._doc)} {size:.6g} Tf")
            self.code.append(f"({canvas._escape(part)}) Tj")

    def _shaped(self, piece: Shaped, x: float, y: float, weight: Weight, size: float) -> None:
        face = embedded(piece.face, self.canvas._doc)
        if self._font != (piece.face, size, 0):
            self._font = (piece.face, size, 0)
            self.code.append(f"/{face.internal_name} {size:.6g} Tf")
        if heavy := HEAVIER[weight] * size if piece.heavy else 0.0:
            red, green, blue = self._colour or (0.0, 0.0, 0.0)
            # The state of the edge is kept for whatever is drawn next.
            self.code.append(f"ET q {heavy:.3f} w 1 j {red:.6g} {green:.6g} {blue:.6g} RG BT 2 Tr")
            self.code.append(f"/{face.internal_name} {size:.6g} Tf")
        self.code.append(f"1 0 0 1 {x:.3f} {y:.3f} Tm")
        if piece.said:
            self.code.append(
                f"/Span <</ActualText <FEFF{piece.said.encode('utf-16-be').hex().upper()}>>> BDC"
            )
        self.code += _glyphs(piece, face, size)
        if piece.said:
            self.code.append("EMC")
        if heavy:
            self.code.append("ET Q BT")


def _glyphs(piece: Shaped, face: Embedded, size: float) -> list[str]:
    """The glyphs one after the other; numbers in thousandths of the size pull the pen back."""
    said: list[str] = []
    row: list[str] = []
    raised = 0.0
    drift = 0.0
    for glyph in piece.glyphs:
        if glyph.raised != raised:
            if row:
                said.append(f"[{''.join(row)}] TJ")
                row = []
            raised = glyph.raised
            said.append(f"{raised * size / 1000.0:.3f} Ts")
        pull = drift - glyph.moved
        if abs(pull) > 1e-6:
            row.append(f"{pull:.6g}")
        row.append(f"<{face.code(glyph):04X}>")
        # The pen is now a width after where the glyph was put, and ought to be an advance after where it was.
        drift = glyph.moved + glyph.width - glyph.advance
    if row:
        said.append(f"[{''.join(row)}] TJ")
    if raised:
        said.append("0 Ts")
    return said
