"""Words on a drawing: their sizes, the boxes they take, and how they are shortened to fit."""

from __future__ import annotations

from typing import NamedTuple

from app.charts.shapes import Label, Measure, Weight

AXIS = 7.5
"""Size of text at axes, units and small labels, in points."""
BODY = 9.0
"""Size of names and values of rows."""

ABOVE, BELOW = 0.78, 0.24
"""How far letters reach over and under the baseline, in parts of the size."""
CAPITAL = 0.73
"""Height of a capital or a digit, in parts of the size."""

_ELLIPSIS = "…"


class Box(NamedTuple):
    """An area of the drawing: left, top, right, bottom."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box, apart: float = 0.0) -> bool:
        """Whether the two overlap or come closer than `apart`."""
        return (
            self.left < other.right + apart
            and other.left < self.right + apart
            and self.top < other.bottom + apart
            and other.top < self.bottom + apart
        )


def box_of(label: Label, measure: Measure) -> Box:
    """The area that a label's letters take."""
    return box_at(label, measure(label.text, label.weight, label.size))


def box_at(label: Label, width: float) -> Box:
    """The area of a label whose text is `width` wide."""
    left = label.x
    if label.align == "right":
        left -= width
    elif label.align == "centre":
        left -= width / 2
    return Box(left, label.y - ABOVE * label.size, left + width, label.y + BELOW * label.size)


def shortened(text: str, width: float, measure: Measure, weight: Weight = 400, size: float = AXIS) -> str:
    """The text, or its longest beginning with `…` that is at most `width` wide; empty where none fits."""
    # No letter of a text face is as narrow as 1/50 of its size, so this never cuts what would have fitted.
    most = int(width / size * 50) + 1 if width > 0 else 0
    beyond = len(text) > most
    text = text[:most]
    if not beyond and measure(text, weight, size) <= width:
        return text
    if measure(_ELLIPSIS, weight, size) > width:
        return ""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle].rstrip() + _ELLIPSIS, weight, size) <= width:
            low = middle
        else:
            high = middle - 1
    kept = text[:low].rstrip()
    return kept + _ELLIPSIS if kept else ""
