"""The paper of the PDF report: lines, areas, links and anchors, in points from the upper left corner.

A thin face of reportlab's canvas, which counts from the bottom. Colours are roles of the light palette.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reportlab.pdfgen.canvas import Canvas

from app.report import drawing
from app.report.drawing import rgb
from app.report.words import address
from app.report.writing import Colour, Writer

WIDTH, HEIGHT = 595.28, 841.89
"""A4."""
MARGIN = 48.0


class Sheet:
    """What the boxes of a report draw on."""

    def __init__(self, canvas: Canvas, targets: Mapping[str, str]) -> None:
        """`targets` maps the anchors that exist to the names of their destinations in the file."""
        self.canvas = canvas
        self.targets = targets
        self._colours: dict[str, Colour] = {}
        self._placed: set[str] = set()

    def colour(self, role: str) -> Colour:
        """The colour of a role of the light palette."""
        found = self._colours.get(role)
        if found is None:
            found = self._colours[role] = rgb(role)
        return found

    def line(self, x1: float, y1: float, x2: float, y2: float, role: str, width: float) -> None:  # noqa: PLR0917
        """A straight line `width` thick."""
        canvas = self.canvas
        canvas.setStrokeColor(self.colour(role))
        canvas.setLineWidth(width)
        canvas.line(x1, HEIGHT - y1, x2, HEIGHT - y2)

    def fill(self, x: float, top: float, width: float, height: float, role: str) -> None:
        """A filled rectangle without an edge."""
        self.canvas.setFillColor(self.colour(role))
        self.canvas.rect(x, HEIGHT - top - height, width, height, stroke=0, fill=1)

    def frame(self, x: float, top: float, width: float, height: float, role: str, pen: float) -> None:  # noqa: PLR0917
        """The edge of a rectangle, drawn inside it."""
        self.canvas.setStrokeColor(self.colour(role))
        self.canvas.setLineWidth(pen)
        half = pen / 2
        self.canvas.rect(x + half, HEIGHT - top - height + half, width - pen, height - pen, stroke=1, fill=0)

    def shapes(self, shapes: Sequence[Any], x: float, top: float) -> None:
        """Shapes of a chart or a piece, their origin at `x`, `top`."""
        drawing.draw(self.canvas, shapes, x, HEIGHT - top)

    def writer(self) -> Writer:
        """What writes text; it counts from the lower left corner."""
        return Writer(self.canvas)

    def link(self, target: str, x: float, top: float, width: float, height: float) -> None:
        """Make an area lead to an anchor (`#name`) that exists, or to a web address; anything else leads
        nowhere.
        """
        corners = (x, HEIGHT - top - height, x + width, HEIGHT - top)
        if target.startswith("#"):
            name = self.targets.get(target[1:])
            if name is not None:
                self.canvas.linkAbsolute("", name, Rect=corners, thickness=0)
        elif (url := address(target)) is not None:
            self.canvas.linkURL(url, corners, relative=0, thickness=0)

    def anchor(self, anchor: str, top: float) -> str | None:
        """Put the destination of an anchor here, once; returns its name in the file."""
        name = self.targets.get(anchor)
        if name is None or name in self._placed:
            return name
        self._placed.add(name)
        self.canvas.bookmarkPage(name, fit="XYZ", left=0, top=HEIGHT - max(top - 8, 0), zoom=0)
        return name
