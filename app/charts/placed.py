"""Shapes moved to another place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from app.charts.shapes import Line, Polygon, Polyline, Shape


def moved(shapes: Iterable[Shape], x: float, y: float) -> tuple[Shape, ...]:
    """The shapes moved right by `x` and down by `y`."""
    return tuple(_moved(shape, x, y) for shape in shapes)


def _moved(shape: Shape, x: float, y: float) -> Shape:
    if isinstance(shape, Line):
        return replace(shape, x1=shape.x1 + x, y1=shape.y1 + y, x2=shape.x2 + x, y2=shape.y2 + y)
    if isinstance(shape, Polyline | Polygon):
        return replace(shape, points=tuple((px + x, py + y) for px, py in shape.points))
    return replace(shape, x=shape.x + x, y=shape.y + y)
