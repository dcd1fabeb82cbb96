"""Lines and areas cut off at the edges of a plot."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from app.charts.shapes import Point
from app.charts.text import Box


def inside(points: Sequence[Point], box: Box) -> bool:
    """Whether every point lies within the box."""
    left, top, right, bottom = box
    return all(left <= x <= right and top <= y <= bottom for x, y in points)


def segment(a: Point, b: Point, box: Box) -> tuple[Point, Point] | None:
    """The part of a segment inside the box (Liang and Barsky 1984), None where nothing is."""
    (x0, y0), (x1, y1) = a, b
    dx, dy = x1 - x0, y1 - y0
    first, last = 0.0, 1.0
    for towards, room in (
        (-dx, x0 - box.left),
        (dx, box.right - x0),
        (-dy, y0 - box.top),
        (dy, box.bottom - y0),
    ):
        if towards == 0:
            if room < 0:
                return None
            continue
        share = room / towards
        if towards < 0:
            first = max(first, share)
        else:
            last = min(last, share)
        if first > last:
            return None
    return (x0 + first * dx, y0 + first * dy), (x0 + last * dx, y0 + last * dy)


def line(points: Sequence[Point], box: Box) -> list[list[Point]]:
    """The pieces of a line that lie inside the box."""
    if inside(points, box):
        return [list(points)]
    pieces: list[list[Point]] = []
    for a, b in pairwise(points):
        part = segment(a, b, box)
        if part is None:
            continue
        if pieces and pieces[-1][-1] == part[0]:
            pieces[-1].append(part[1])
        else:
            pieces.append([part[0], part[1]])
    return pieces


def area(points: Sequence[Point], box: Box) -> list[Point]:
    """The part of an area that lies inside the box (Sutherland and Hodgman 1974)."""
    kept = list(points)
    if inside(kept, box):
        return kept
    for axis, bound, sign in ((0, box.left, 1), (0, box.right, -1), (1, box.top, 1), (1, box.bottom, -1)):
        before, kept = kept, []
        for at, here in enumerate(before):
            previous = before[at - 1]
            within, was = sign * (here[axis] - bound) >= 0, sign * (previous[axis] - bound) >= 0
            if within != was:
                share = (bound - previous[axis]) / (here[axis] - previous[axis])
                crossing = [
                    previous[0] + share * (here[0] - previous[0]),
                    previous[1] + share * (here[1] - previous[1]),
                ]
                crossing[axis] = bound
                kept.append((crossing[0], crossing[1]))
            if within:
                kept.append(here)
    return kept
