"""Shapes of charts and pieces on a reportlab canvas.

Shapes count downwards from their upper left corner, a canvas counts upwards. Lines end flat, as the shapes
ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.charts.shapes import Circle, Label, Line, Polygon, Polyline, Rect, Shape
from app.charts.tokens import LIGHT
from app.report import fonts
from app.report.writing import Colour, Writer

BACKING = 2.0
"""Room around a label that has a box of the surface's colour behind it, in points."""


def rgb(role: str) -> Colour:
    """The colour of a role of the light palette, each part 0 to 1."""
    code = LIGHT[role]
    red, green, blue = (int(code[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def draw(canvas: Any, shapes: Sequence[Shape], x: float, y: float) -> None:
    """Draw the shapes with their origin at `x`, `y`, counted from the lower left corner of the page."""
    canvas.saveState()
    canvas.setLineCap(0)
    canvas.setLineJoin(1)
    pen = _Pen(canvas, x, y)
    for shape in shapes:
        pen.draw(shape)
    canvas.restoreState()


class _Pen:
    """Draws shapes, and says a colour, a width or a dash only where it changes."""

    def __init__(self, canvas: Any, x: float, y: float) -> None:
        self.canvas, self.x, self.y = canvas, x, y
        self._fill = self._edge = ""
        self._width = -1.0
        self._dash: tuple[float, ...] = ()

    def draw(self, shape: Shape) -> None:
        """Draw one shape."""
        match shape:
            case Line():
                self._stroke(shape.role, shape.pen, shape.dash)
                x, y = self.x, self.y
                self.canvas.line(x + shape.x1, y - shape.y1, x + shape.x2, y - shape.y2)
            case Rect():
                self._rect(shape)
            case Label():
                self._label(shape)
            case Polyline():
                if len(shape.points) > 1:
                    self._stroke(shape.role, shape.pen, shape.dash)
                    self._path(shape.points, closed=False, stroke=True, fill=False)
            case Polygon():
                if len(shape.points) > 1:
                    stroke, fill = self._paint(shape.fill, shape.edge, shape.pen)
                    self._path(shape.points, closed=True, stroke=stroke, fill=fill)
            case Circle():
                self._circle(shape)

    def _rect(self, shape: Rect) -> None:
        stroke, fill = self._paint(shape.fill, shape.edge, shape.pen)
        left, bottom = self.x + shape.x, self.y - shape.y - shape.height
        if shape.radius > 0:
            radius = min(shape.radius, shape.width / 2, shape.height / 2)
            self.canvas.roundRect(left, bottom, shape.width, shape.height, radius, stroke=stroke, fill=fill)
        else:
            self.canvas.rect(left, bottom, shape.width, shape.height, stroke=stroke, fill=fill)

    def _circle(self, shape: Circle) -> None:
        stroke, fill = self._paint(shape.fill, shape.edge, shape.pen, shape.dash)
        x, y, radius = self.x + shape.x, self.y - shape.y, shape.radius
        if abs(shape.sweep) >= 360:
            self.canvas.circle(x, y, radius, stroke=stroke, fill=fill)
        else:
            box = (x - radius, y - radius, x + radius, y + radius)
            self.canvas.wedge(*box, 90 - shape.start, -shape.sweep, stroke=stroke, fill=fill)

    def _label(self, shape: Label) -> None:
        text = fonts.shown(shape.text)
        width = fonts.measure(text, shape.weight, shape.size)
        left = self.x + shape.x - {"left": 0.0, "centre": width / 2, "right": width}[shape.align]
        baseline = self.y - shape.y
        canvas = self.canvas
        if shape.backed:
            self._paint("surface", None, 0.0)
            low, high = baseline - 0.28 * shape.size, baseline + 0.86 * shape.size
            canvas.rect(left - BACKING, low, width + 2 * BACKING, high - low, stroke=0, fill=1)
        self._paint(shape.role, None, 0.0)
        if not fonts.is_plain(text):
            shaped = Writer(canvas)
            shaped.write(text, left, baseline, shape.weight, shape.size, rgb(shape.role))
            shaped.end()
            return
        writer = canvas.beginText()
        writer.setFont(fonts.name(shape.weight), shape.size)
        writer.setTextOrigin(left, baseline)
        writer.textOut(text)
        canvas.drawText(writer)

    def _path(self, points: Sequence[tuple[float, float]], closed: bool, stroke: int, fill: int) -> None:
        path = self.canvas.beginPath()
        x, y = self.x, self.y
        first, *others = points
        path.moveTo(x + first[0], y - first[1])
        for point in others:
            path.lineTo(x + point[0], y - point[1])
        if closed:
            path.close()
        self.canvas.drawPath(path, stroke=stroke, fill=fill)

    def _paint(
        self, fill: str | None, edge: str | None, pen: float, dash: tuple[float, ...] = ()
    ) -> tuple[int, int]:
        """Set colours and pen; returns whether to stroke and whether to fill."""
        if fill is not None and fill != self._fill:
            self._fill = fill
            self.canvas.setFillColor(rgb(fill))
        if edge is not None:
            self._stroke(edge, pen, dash)
        return int(edge is not None), int(fill is not None)

    def _stroke(self, role: str, pen: float, dash: tuple[float, ...]) -> None:
        if role != self._edge:
            self._edge = role
            self.canvas.setStrokeColor(rgb(role))
        if pen != self._width:
            self._width = pen
            self.canvas.setLineWidth(pen)
        if dash != self._dash:
            self._dash = dash
            self.canvas.setDash(list(dash))
