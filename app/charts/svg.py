"""Shapes as SVG, to stand in a page or in a file of its own."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from app.charts.drawn import Drawn
from app.charts.shapes import Circle, Label, Line, Point, Polygon, Polyline, Rect, Shape
from app.charts.tokens import LIGHT

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ANCHORS = {"left": "", "centre": ' text-anchor="middle"', "right": ' text-anchor="end"'}
_BACKING = 1.5


def svg(
    drawn: Drawn | Sequence[Shape],
    width: float | None = None,
    height: float | None = None,
    *,
    title: str,
    description: str = "",
    palette: Mapping[str, str] = LIGHT,
    variables: bool = True,
    scale: float = 1.0,
) -> str:
    """One `svg` element with role, title and description; equal shapes give equal text.

    Width and height in points, those of what was drawn where they are not given; pixels are points times
    `scale`. With `variables` a colour is `var(--s1,#1F5FCC)`, so that a page can switch to dark; without, it
    is the palette's alone, for programs that know no variables. `title` names the picture to those who do not
    see it. Everything that is text is escaped.
    """
    if isinstance(drawn, Drawn):
        shapes: Sequence[Shape] = drawn.shapes
        width, height = width or drawn.width, height or drawn.height
    else:
        shapes = drawn
        if width is None or height is None:
            raise ValueError("shapes alone need a width and a height")
    writer = _Writer(palette, variables)
    size = f'width="{_n(width * scale)}" height="{_n(height * scale)}" viewBox="0 0 {_n(width)} {_n(height)}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size} font-family="Inter, sans-serif"'
        ' style="font-variant-numeric:tabular-nums">',
        f"<title>{escaped(title)}</title>",
    ]
    if description:
        parts.append(f"<desc>{escaped(description)}</desc>")
    parts += map(writer.shape, shapes)
    parts.append("</svg>")
    return "".join(parts)


def escaped(text: str) -> str:
    """The text for use between tags and in attributes; what XML cannot hold is replaced by U+FFFD."""
    text = _NOT_XML.sub("\ufffd", text)
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")):
        text = text.replace(sign, entity)
    return text


def _n(value: float) -> str:
    """A length with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _points(points: Iterable[Point]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


class _Writer:
    """Shapes as elements, in the colours of a palette."""

    def __init__(self, palette: Mapping[str, str], variables: bool) -> None:
        self._colours = {
            role: f"var(--{role},{code})" if variables else code for role, code in palette.items()
        }

    def shape(self, shape: Shape) -> str:
        match shape:
            case Rect():
                radius = f' rx="{_n(shape.radius)}"' if shape.radius else ""
                place = f'x="{_n(shape.x)}" y="{_n(shape.y)}"'
                size = f'width="{_n(shape.width)}" height="{_n(shape.height)}"'
                return f"<rect {place} {size}{radius}{self._paint(shape.fill, shape.edge, shape.pen)}/>"
            case Line():
                ends = f'x1="{_n(shape.x1)}" y1="{_n(shape.y1)}" x2="{_n(shape.x2)}" y2="{_n(shape.y2)}"'
                return f"<line {ends}{self._paint(None, shape.role, shape.pen, shape.dash, bare=True)}/>"
            case Polyline():
                paint = self._paint(None, shape.role, shape.pen, shape.dash)
                return f'<polyline points="{_points(shape.points)}"{paint} stroke-linejoin="round"/>'
            case Polygon():
                paint = self._paint(shape.fill, shape.edge, shape.pen)
                return f'<polygon points="{_points(shape.points)}"{paint} stroke-linejoin="round"/>'
            case Circle():
                return self._circle(shape)
            case Label():
                return self._label(shape)

    def _paint(
        self,
        fill: str | None,
        edge: str | None,
        pen: float,
        dash: tuple[float, ...] = (),
        bare: bool = False,
    ) -> str:
        text = "" if bare else f' fill="{self._colours[fill] if fill else "none"}"'
        if edge:
            text += f' stroke="{self._colours[edge]}" stroke-width="{_n(pen)}"'
            if dash:
                text += f' stroke-dasharray="{" ".join(map(_n, dash))}"'
        return text

    def _circle(self, shape: Circle) -> str:
        paint = self._paint(shape.fill, shape.edge, shape.pen, shape.dash)
        x, y, radius = shape.x, shape.y, shape.radius
        if abs(shape.sweep) >= 360:
            return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"{paint}/>'
        ends = []
        for degrees in (shape.start, shape.start + shape.sweep):
            angle = math.radians(degrees)
            ends.append(f"{_n(x + radius * math.sin(angle))} {_n(y - radius * math.cos(angle))}")
        large, clockwise = int(abs(shape.sweep) > 180), int(shape.sweep > 0)
        arc = f"A{_n(radius)} {_n(radius)} 0 {large} {clockwise} {ends[1]}"
        return f'<path d="M{_n(x)} {_n(y)}L{ends[0]}{arc}Z"{paint}/>'

    def _label(self, shape: Label) -> str:
        weight = "" if shape.weight == 400 else f' font-weight="{shape.weight}"'
        place = f'x="{_n(shape.x)}" y="{_n(shape.y)}" font-size="{_n(shape.size)}"'
        back = ""
        if shape.backed:
            # A wide outline under the letters: the width of the text is the reader's to know.
            back = (
                f' stroke="{self._colours["surface"]}" stroke-width="{_n(2 * _BACKING)}"'
                ' stroke-linejoin="round" paint-order="stroke"'
            )
        fill = f' fill="{self._colours[shape.role]}"'
        return f"<text {place}{weight}{_ANCHORS[shape.align]}{fill}{back}>{escaped(shape.text)}</text>"
