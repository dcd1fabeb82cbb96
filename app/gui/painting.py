"""Shapes of `app.charts.shapes` on a QPainter, and the width of texts for their layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF

from app.charts.shapes import Circle, Label, Line, Polygon, Polyline, Rect, Shape, Weight
from app.gui.theme import Theme, font


@lru_cache(maxsize=256)
def _metrics(weight: Weight, size: float) -> QFontMetricsF:
    return QFontMetricsF(font(size, weight))


@lru_cache(maxsize=16_384)
def measure(text: str, weight: Weight, size: float) -> float:
    """The width of a text in pixels that do not depend on the screen (see `app.charts.shapes.Measure`)."""
    return _metrics(weight, size).horizontalAdvance(text)


@lru_cache(maxsize=16_384)
def measure_as_drawn(text: str, weight: Weight, size: float) -> float:
    """The same for a drawing that is scaled as a whole by the size of type: its texts keep their sizes."""
    return QFontMetricsF(font(size, weight, zoomed=False)).horizontalAdvance(text)


def forget_widths() -> None:
    """The size of type has changed: texts are measured anew."""
    _metrics.cache_clear()
    measure.cache_clear()


def paint(painter: QPainter, shapes: Sequence[Shape], theme: Theme, *, zoomed: bool = True) -> None:
    """Draws the shapes with their origin at the painter's.

    Texts follow the size of type, unless the painter's scale holds it already (not `zoomed`).
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for shape in shapes:
        if isinstance(shape, Label):
            _label(painter, shape, theme, zoomed=zoomed)
        else:
            _PAINTERS[type(shape)](painter, shape, theme)


def _pen(theme: Theme, role: str | None, width: float, dash: Sequence[float] = ()) -> QPen:
    if role is None:
        return QPen(Qt.PenStyle.NoPen)
    pen = QPen(theme.colour(role), width)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if dash and width > 0:
        pen.setDashPattern([length / width for length in dash])
    return pen


def _colour(theme: Theme, role: str | None) -> QColor:
    return theme.colour(role) if role is not None else QColor(Qt.GlobalColor.transparent)


def _rect(painter: QPainter, shape: Rect, theme: Theme) -> None:
    painter.setPen(_pen(theme, shape.edge, shape.pen))
    painter.setBrush(_colour(theme, shape.fill))
    area = QRectF(shape.x, shape.y, shape.width, shape.height)
    if shape.radius:
        painter.drawRoundedRect(area, shape.radius, shape.radius)
    else:
        painter.drawRect(area)


def _line(painter: QPainter, shape: Line, theme: Theme) -> None:
    painter.setPen(_pen(theme, shape.role, shape.pen, shape.dash))
    painter.drawLine(QPointF(shape.x1, shape.y1), QPointF(shape.x2, shape.y2))


def _polyline(painter: QPainter, shape: Polyline, theme: Theme) -> None:
    painter.setPen(_pen(theme, shape.role, shape.pen, shape.dash))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in shape.points]))


def _polygon(painter: QPainter, shape: Polygon, theme: Theme) -> None:
    painter.setPen(_pen(theme, shape.edge, shape.pen))
    painter.setBrush(_colour(theme, shape.fill))
    painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in shape.points]))


def _circle(painter: QPainter, shape: Circle, theme: Theme) -> None:
    painter.setPen(_pen(theme, shape.edge, shape.pen, shape.dash))
    painter.setBrush(_colour(theme, shape.fill))
    area = QRectF(shape.x - shape.radius, shape.y - shape.radius, 2 * shape.radius, 2 * shape.radius)
    if shape.sweep >= 360:
        painter.drawEllipse(area)
        return
    path = QPainterPath(QPointF(shape.x, shape.y))
    path.arcTo(area, 90 - shape.start, -shape.sweep)
    path.closeSubpath()
    painter.drawPath(path)


def _label(painter: QPainter, shape: Label, theme: Theme, *, zoomed: bool) -> None:
    width = (measure if zoomed else measure_as_drawn)(shape.text, shape.weight, shape.size)
    left = shape.x - {"left": 0.0, "centre": width / 2, "right": width}[shape.align]
    if shape.backed:
        area = QRectF(left - 2, shape.y - 0.9 * shape.size, width + 4, 1.2 * shape.size)
        painter.fillRect(area, theme.colour("surface"))
    painter.setFont(font(shape.size, shape.weight, zoomed=zoomed))
    painter.setPen(theme.colour(shape.role))
    painter.drawText(QPointF(left, shape.y), shape.text)


_PAINTERS: Mapping[type, Callable[[QPainter, Any, Theme], None]] = {
    Rect: _rect,
    Line: _line,
    Polyline: _polyline,
    Polygon: _polygon,
    Circle: _circle,
}
