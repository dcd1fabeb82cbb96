"""A flame chart as shapes: callers above callees, every frame as wide as its share."""

from __future__ import annotations

from app.charts.drawn import Drawn, Room
from app.charts.rows import no_rows
from app.charts.shapes import Label, Measure, Rect, Shape, Weight
from app.charts.spec import FlameChart, Frame
from app.charts.text import AXIS, CAPITAL, shortened
from app.charts.ticks import number

LABELLED = 0.04
"""Frames with a smaller share are drawn without words."""

_ROW, _BETWEEN = 15.0, 1.3
_INSET, _TIGHT = 5.0, 3.0


def flame_layout(spec: FlameChart, width: float, height: float, measure: Measure) -> Drawn:
    """The chart `width` points wide, a row for every depth; `height` is not used."""
    del height
    if not spec.frames:
        return no_rows(width, measure)
    tall = _ROW * (1 + max(frame.depth for frame in spec.frames))
    room = Room(width, tall, measure)
    shapes: list[Shape] = []
    for frame in spec.frames:
        left = min(max(frame.start, 0.0), 1.0) * width
        right = min(max(frame.start + frame.share, 0.0), 1.0) * width
        wide = right - left - (_BETWEEN if right < width - 0.01 else 0.0)
        if wide <= 0:
            continue
        top = _ROW * frame.depth
        fill = "s1" if frame.hot else "band" if frame.share >= LABELLED else "sunk"
        shapes.append(Rect(left, top, wide, _ROW - _BETWEEN, fill))
        if frame.share >= LABELLED or frame.hot:
            _name(frame, left, wide, top, room)
    return Drawn((*shapes, *room.labels), width, tall)


def _name(frame: Frame, left: float, wide: float, top: float, room: Room) -> None:
    """Name and place at the left, the share at the right where it has room; a name has precedence."""
    measure = room.measure
    weight: Weight = 600 if frame.hot else 400
    baseline = top + (_ROW - _BETWEEN + CAPITAL * AXIS) / 2
    share = f"{number(frame.share * 100, 0)}\u00a0%"
    share_wide = measure(share, weight, AXIS)
    inner = wide - 2 * _INSET
    texts = [f"{frame.name} {frame.place}", frame.name] if frame.place else [frame.name]
    wanted = next((text for text in texts if measure(text[:400], weight, AXIS) <= inner), texts[-1])
    with_share = inner - share_wide - 10
    if measure(wanted[:400], weight, AXIS) > with_share:
        shorter = next((text for text in texts if measure(text[:400], weight, AXIS) <= with_share), "")
        wanted = shorter or wanted
    inset = _INSET
    if inner < measure(wanted[:400], weight, AXIS) <= wide - 2 * _TIGHT:
        inset, inner = _TIGHT, wide - 2 * _TIGHT
    text = shortened(wanted, inner, measure, weight, AXIS)
    if len(text) < 3 and text != wanted:
        return
    role = "onaccent" if frame.hot else "text"
    room.put(Label(left + inset, baseline, text, AXIS, role, weight), apart=0.0)
    if measure(text, weight, AXIS) <= with_share:
        role = "onaccent" if frame.hot else "muted"
        room.put(Label(left + wide - _INSET, baseline, share, AXIS, role, weight, "right"), apart=0.0)
