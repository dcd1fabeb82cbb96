"""A chart that has been laid out, and the free room that its labels find.

`Room` keeps what is taken, so that no label lies over another, over a line or beyond the edge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from app.charts.shapes import Label, Measure, Point, Shape
from app.charts.text import Box, box_at

GAP = 8.0
"""Clear height between two labels of lines, in points."""

_COLUMN = 2.0
_EDGE = 0.01


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart as shapes within `width` × `height` points; title and caption are the document's."""

    shapes: tuple[Shape, ...]
    width: float
    height: float


class Room:
    """What is taken of a drawing: boxes of labels, and for every 2 points of width where lines run."""

    def __init__(self, width: float, height: float, measure: Measure) -> None:
        self.width, self.height, self.measure = width, height, measure
        self.labels: list[Label] = []
        self._boxes: list[Box] = []
        self._blocks: list[Box] = []
        self._ink: list[list[tuple[float, float]]] = [[] for _ in range(int(width / _COLUMN) + 2)]
        self._shaded: list[list[tuple[float, float]]] = [[] for _ in self._ink]
        self._shaded_boxes: list[Box] = []
        self._crossed: list[Box] = []
        self._soft = False

    def line(self, points: Iterable[Point], half: float = 1.0) -> None:
        """A line through the points, `half` of its pen thick to both sides, that labels must not lie over."""
        last: Point | None = None
        for point in points:
            _stroke(self._ink, last or point, point, half)
            last = point

    def shade(self, outline: Iterable[Point]) -> None:
        """An area that labels keep out of where they can; within it none has a box behind it."""
        points = list(outline)
        edge: list[list[tuple[float, float]]] = [[] for _ in self._ink]
        for a, b in pairwise([*points, *points[:1]]):
            _stroke(edge, a, b, 0.0)
        for column, spans in zip(self._shaded, edge, strict=True):
            if spans:
                column.append((min(spans)[0], max([low for _, low in spans])))
        self._soft = True

    def shade_box(self, box: Box) -> None:
        """A rectangle that labels keep out of where they can."""
        self._shaded_boxes.append(box)
        self._soft = True

    def cross(self, box: Box) -> None:
        """A line that a label covers only where nothing else is free."""
        self._crossed.append(box)
        self._soft = True

    def block(self, box: Box) -> None:
        """An area that labels must not lie over."""
        self._blocks.append(box)

    def free(
        self, box: Box, apart: float = 1.5, over: bool = False, soft: bool = False, clear: float = 0.0
    ) -> bool:
        """Whether a box lies inside the drawing and meets no label, no blocked area and no line.

        `over` looks at labels and the edge alone; `soft` also at shaded areas and lines that may be crossed;
        `clear` is how far above and below it no line may run.
        """
        if box.left < -_EDGE or box.top < -_EDGE:
            return False
        if box.right > self.width + _EDGE or box.bottom > self.height + _EDGE:
            return False
        if _meets_any(self._boxes, box, apart):
            return False
        if over:
            return True
        around = Box(box.left, box.top - clear, box.right, box.bottom + clear)
        if _meets_any(self._blocks, around) or _meets_columns(self._ink, around):
            return False
        return not soft or not (self._in_shade(box) or _meets_any(self._crossed, box))

    def _in_shade(self, box: Box) -> bool:
        return _meets_any(self._shaded_boxes, box) or _meets_columns(self._shaded, box)

    def put(self, label: Label, apart: float = 1.5) -> bool:
        """Place a label where it is, unless it would lie beyond the edge or over another."""
        return self.place((label,), apart, over=True)

    def place(self, candidates: Iterable[Label], apart: float = 1.5, over: bool = False) -> bool:
        """Place the first candidate that is free; all of them have the same text, weight and size."""
        return self.place_together(((label,) for label in candidates), apart, over)

    def place_together(
        self,
        candidates: Iterable[tuple[Label, ...]],
        apart: float = 1.5,
        over: bool = False,
        clear: float = 0.0,
    ) -> bool:
        """Place the first group of labels that is free as a whole; every group has the same texts."""
        groups = list(candidates)
        widths = {text: 0.0 for group in groups for text in (label.text for label in group)}
        for label in (label for group in groups[:1] for label in group):
            widths[label.text] = self.measure(label.text, label.weight, label.size)
        for soft in (True, False) if self._soft and not over else (False,):
            for group in groups:
                boxes = [box_at(label, widths[label.text]) for label in group]
                if all(self.free(box, apart, over, soft, clear) for box in boxes):
                    self._keep(group, boxes)
                    return True
        return False

    def _keep(self, group: tuple[Label, ...], boxes: list[Box]) -> None:
        for label, box in zip(group, boxes, strict=True):
            if label.text:
                bare = label.backed and self._in_shade(box)
                self.labels.append(replace(label, backed=False) if bare else label)
                self._boxes.append(box)


def _meets_any(boxes: list[Box], box: Box, apart: float = 0.0) -> bool:
    left, top, right, bottom = box.left - apart, box.top - apart, box.right + apart, box.bottom + apart
    return any(left < x1 and x0 < right and top < y1 and y0 < bottom for x0, y0, x1, y1 in boxes)


def _meets_columns(columns: list[list[tuple[float, float]]], box: Box) -> bool:
    first, last = max(0, int(box.left / _COLUMN)), int(box.right / _COLUMN)
    top, bottom = box.top, box.bottom
    for column in columns[first : last + 1]:
        for high, low in column:
            if high < bottom and top < low:
                return True
    return False


def _stroke(ink: list[list[tuple[float, float]]], a: Point, b: Point, half: float) -> None:
    """Mark the columns that a stroke from `a` to `b` runs through."""
    if a[0] > b[0]:
        a, b = b, a
    most = len(ink) - 1
    first = max(0, min(most, int(a[0] / _COLUMN)))
    last = max(0, min(most, int(b[0] / _COLUMN)))
    left = a[1]
    slope = (b[1] - a[1]) / (b[0] - a[0]) if last > first else 0.0
    for column in range(first, last + 1):
        right = b[1] if column == last else a[1] + slope * ((column + 1) * _COLUMN - a[0])
        high, low = (left - half, right + half) if left < right else (right - half, left + half)
        spans = ink[column]
        if spans and high <= spans[-1][1] and spans[-1][0] <= low:
            before = spans[-1]
            spans[-1] = (min(high, before[0]), max(low, before[1]))
        else:
            spans.append((high, low))
        left = right
