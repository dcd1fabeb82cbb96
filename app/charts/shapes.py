"""Shapes that every renderer can draw: lengths in points, the origin in the upper left corner, y downwards.

Colours are roles of `tokens`; None is no colour. Lines end flat (butt caps), so that a hatch ends where its
frame does. A hatch is explicit lines, clipped by arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Weight = Literal[400, 500, 600]
Align = Literal["left", "centre", "right"]
Point = tuple[float, float]

Measure = Callable[[str, Weight, float], float]
"""The width of a text in a weight of the typeface at a size, all in points."""


@dataclass(frozen=True, slots=True)
class Rect:
    """An upright rectangle; `radius` rounds its corners."""

    x: float
    y: float
    width: float
    height: float
    fill: str | None = None
    edge: str | None = None
    pen: float = 1.0
    radius: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line; `dash` alternates lengths of ink and gap."""

    x1: float
    y1: float
    x2: float
    y2: float
    role: str
    pen: float = 1.0
    dash: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Polyline:
    """A line through points, with round joins."""

    points: tuple[Point, ...]
    role: str
    pen: float = 1.0
    dash: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Polygon:
    """A closed area."""

    points: tuple[Point, ...]
    fill: str | None = None
    edge: str | None = None
    pen: float = 1.0


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle around `x`, `y`; `start` and `sweep` in degrees, clockwise from the top, make it a sector."""

    x: float
    y: float
    radius: float
    fill: str | None = None
    edge: str | None = None
    pen: float = 1.0
    dash: tuple[float, ...] = ()
    start: float = 0.0
    sweep: float = 360.0


@dataclass(frozen=True, slots=True)
class Label:
    """Text on one line with its baseline at `y`. `backed` puts a box of the surface's colour behind it.

    The text comes from our own code or was made safe before (no control characters); it is never markup.
    """

    x: float
    y: float
    text: str
    size: float
    role: str = "text"
    weight: Weight = 400
    align: Align = "left"
    backed: bool = False


Shape = Rect | Line | Polyline | Polygon | Circle | Label
