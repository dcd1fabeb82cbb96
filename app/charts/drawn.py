"""A chart that has been laid out, and the free room that its labels find.

`Room` keeps what is taken, so that no label lies over another, over a line or beyond the edge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

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
    """What is taken of a drawing: boxes of labels, and for every 2 points of width the heights of the lines."""

    def __init__(self, width: float, height: float, measure: Measure) -> None:
        self.width, self.height, self.measure = width, height, measure
        self.labels: list[Label] = []
        self._boxes: list[Box] = []
        self._blocks: list[Box] = []
        self._ink: list[list[tuple[float, float]]] = [[] for _ in range(int(width / _COLUMN) + 2)]

    def line(self, points: Iterable[Point], half: float = 1.0) -> None:
        """A line through the points, `half` of its pen thick to both sides, that labels must not lie over."""
        last: Point | None = None
        for point in points:
            self._stroke(last or point, point, half)
            last = point

    def _stroke(self, a: Point, b: Point, half: float) -> None:
        if a[0] > b[0]:
            a, b = b, a
        ink = self._ink
        most = len(ink) - 1
        first = max(0, min(most, int(a[0] / _COLUMN)))
        last = max(0, min(most, int(b[0] / _COLUMN)))
        if first == last:
            ink[first].append((min(a[1], b[1]) - half, max(a[1], b[1]) + half))
            return
        slope = (b[1] - a[1]) / (b[0] - a[0])
        left = a[1]
        for column in range(first, last + 1):
            right = b[1] if column == last else a[1] + slope * ((column + 1) * _COLUMN - a[0])
            ink[column].append((min(left, right) - half, max(left, right) + half))
            left = right

    def block(self, box: Box) -> None:
        """An area that labels must not lie over."""
        self._blocks.append(box)

    def free(self, box: Box, apart: float = 1.5, over: bool = False) -> bool:
        """Whether a box lies inside the drawing and meets no label, no blocked area and no line.

        `over` looks at labels and the edge alone.
        """
        if box.left < -_EDGE or box.top < -_EDGE:
            return False
        if box.right > self.width + _EDGE or box.bottom > self.height + _EDGE:
            return False
        if any(box.meets(other, apart) for other in self._boxes):
            return False
        if over:
            return True
        if any(box.meets(other) for other in self._blocks):
            return False
        first, last = max(0, int(box.left / _COLUMN)), int(box.right / _COLUMN)
        top, bottom = box.top, box.bottom
        return not any(
            top < low and high < bottom or top < high and low < bottom
            for column in self._ink[first : last + 1]
            for high, low in column
        )

    def put(self, label: Label, apart: float = 1.5) -> bool:
        """Place a label where it is, unless it would lie beyond the edge or over another."""
        return self.place((label,), apart, over=True)

    def place(self, candidates: Iterable[Label], apart: float = 1.5, over: bool = False) -> bool:
        """Place the first candidate that is free; all of them have the same text, weight and size."""
        return self.place_together(((label,) for label in candidates), apart, over)

    def place_together(
        self, candidates: Iterable[tuple[Label, ...]], apart: float = 1.5, over: bool = False
    ) -> bool:
        """Place the first group of labels that is free as a whole; labels within a group may touch."""
        widths: dict[str, float] = {}
        for group in candidates:
            boxes = []
            for label in group:
                width = widths.get(label.text)
                if width is None:
                    width = widths[label.text] = self.measure(label.text, label.weight, label.size)
                boxes.append(box_at(label, width))
            if all(self.free(box, apart, over) for box in boxes):
                self.labels += [label for label in group if label.text]
                self._boxes += [box for box, label in zip(boxes, group, strict=True) if label.text]
                return True
        return False
