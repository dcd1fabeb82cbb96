"""The frame of a chart with two axes: its plot, grid, ticks and what the axes say."""

from __future__ import annotations

from dataclasses import dataclass

from app.charts.drawn import Room
from app.charts.ruler import Ruler, said, ticks_of
from app.charts.shapes import Label, Line, Measure, Shape
from app.charts.spec import Axis, XYChart
from app.charts.text import AXIS, CAPITAL, Box, shortened
from app.charts.ticks import Tick

TICK = 4.0
_UNIT_BASE = 6.5
_TOP_WITH_UNIT, _TOP_WITHOUT = 17.0, 5.0
_BELOW = 15.0
_LINE = 10.5
_BESIDE = 6.0
_LEAST_PLOT = 24.0
_LEAST_SIDE = 3.0
"""Room for half a dot at the end of an axis."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The plot of a chart: its box, the rulers of both axes, their ticks."""

    plot: Box
    x: Ruler
    y: Ruler
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    label_line: float
    """Baseline of the x axis's label."""


def frame(
    spec: XYChart,
    *,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    width: float,
    height: float,
    margin: float,
    measure: Measure,
) -> Frame:
    """The frame of the chart with a right `margin` for labels."""
    top = _TOP_WITH_UNIT if spec.y.label else _TOP_WITHOUT
    bottom = max(height - _BELOW, top + _LEAST_PLOT)
    y_ticks = _upright(spec.y, y_range, top, bottom)
    widest = max((measure(text, 400, AXIS) for _, text in y_ticks), default=0.0)
    left = min(widest + _BESIDE, width * 0.35) if y_ticks else _LEAST_SIDE
    right = max(width - max(margin, _LEAST_SIDE), left + _LEAST_PLOT)
    x = Ruler(*x_range, left, right, spec.x.scale)
    x_ticks = ticks_of(spec.x, *x_range, about=_about(spec.x, right - left))
    line = height - 4.0
    if _crowded(spec.x, x, x_ticks, width, measure):
        bottom = max(bottom - _LINE, top + _LEAST_PLOT)
    y = Ruler(*y_range, bottom, top, spec.y.scale)
    return Frame(Box(left, top, right, bottom), x, y, x_ticks, y_ticks, line)


def _upright(axis: Axis, y_range: tuple[float, float], top: float, bottom: float) -> tuple[Tick, ...]:
    """As many round ticks as have room above each other."""
    ruler = Ruler(*y_range, bottom, top, axis.scale)
    about = max(2, round((bottom - top) / (14 if axis.scale == "log" else 25)))
    while True:
        ticks = ticks_of(axis, *y_range, about=about)
        kept = _apart(ticks, ruler)
        if len(kept) == len(ticks) or about <= 2:
            return kept
        about = max(2, about * 2 // 3)


def _apart(ticks: tuple[Tick, ...], ruler: Ruler) -> tuple[Tick, ...]:
    """The ticks whose labels do not touch the one below."""
    kept: list[Tick] = []
    last = float("inf")
    for tick in ticks:
        at = ruler.at(tick[0])
        if at is not None and last - at >= AXIS * 1.35:
            kept.append(tick)
            last = at
    return tuple(kept)


def _about(axis: Axis, width: float) -> int:
    """How many ticks an x axis of the width wants."""
    if axis.scale == "date":
        return max(2, round(width / 62))
    return max(2, min(4, int(width / 40)), round(width / 90))


def _crowded(axis: Axis, ruler: Ruler, ticks: tuple[Tick, ...], width: float, measure: Measure) -> bool:
    """Whether the axis's label would leave fewer than two ticks their words, or not half of them."""
    if not axis.label or not ticks:
        return False
    begin = width - measure(said(axis), 400, AXIS) - 4
    free = 0
    for value, text in ticks:
        at = ruler.at(value)
        free += at is not None and at + measure(text, 400, AXIS) / 2 <= begin
    return free < max(min(2, len(ticks)), len(ticks) / 2)


def grid(of: Frame) -> list[Shape]:
    """The lines of the grid, the axis at the bottom, and its ticks."""
    left, _, right, bottom = of.plot
    shapes: list[Shape] = []
    for value, _ in of.y_ticks:
        at = of.y.at(value)
        if at is not None and at < bottom - 0.5:
            shapes.append(Line(left, at, right, at, "grid", 0.75))
    return shapes


def axis(of: Frame) -> list[Shape]:
    """The x axis and its ticks, to be drawn over what is shaded."""
    left, _, right, bottom = of.plot
    shapes: list[Shape] = [Line(left, bottom, right, bottom, "edge", 1.0)]
    for value, _ in of.x_ticks:
        at = of.x.at(value)
        if at is not None:
            shapes.append(Line(at, bottom, at, bottom + TICK, "edge", 0.75))
    return shapes


def words(of: Frame, spec: XYChart, room: Room) -> None:
    """Place what the axes say: units first, then as many ticks as have room."""
    measure = room.measure
    if spec.y.label:
        room.put(Label(0, _UNIT_BASE, shortened(said(spec.y), room.width, measure), AXIS, "muted"))
    if spec.x.label:
        text = shortened(said(spec.x), room.width, measure)
        room.put(Label(room.width, of.label_line, text, AXIS, "muted", align="right"))
    baseline = of.plot.bottom + TICK + 7.0
    for value, text in of.x_ticks:
        at = of.x.at(value)
        if at is None:
            continue
        half = measure(text, 400, AXIS) / 2
        at = min(max(at, half), max(room.width - half, half))
        room.put(Label(at, baseline, text, AXIS, "muted", align="centre"), apart=4.0)
    for value, text in of.y_ticks:
        at = of.y.at(value)
        if at is None:
            continue
        baseline = at + CAPITAL * AXIS / 2
        fitting = shortened(text, of.plot.left - _BESIDE + 0.01, measure)
        room.put(Label(of.plot.left - _BESIDE, baseline, fitting, AXIS, "muted", align="right"), apart=0.0)
