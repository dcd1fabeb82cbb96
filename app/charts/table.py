"""The numbers of any chart as a table: for those who do not see the picture, and for `T` in the window."""

from __future__ import annotations

from datetime import date

from app.charts.spec import (
    Axis,
    BarChart,
    ChangeChart,
    ChartSpec,
    DateRange,
    EffortChart,
    FlameChart,
    RangeChart,
    Series,
    XYChart,
)
from app.charts.ticks import iso, number, percentile

Row = tuple[str, ...]

NOTHING = "–"
"""Stands where there is no number."""


def rows_of(spec: ChartSpec) -> tuple[Row, tuple[Row, ...]]:
    """The header and the rows of the chart's numbers, every row as long as the header.

    An interval stands in brackets behind its value, a gap is `–`. Nothing that the chart shows is missing:
    limits, findings and marks are rows of their own.
    """
    match spec:
        case XYChart():
            return _xy(spec)
        case BarChart():
            return _bars(spec)
        case FlameChart():
            frames = tuple(
                (str(frame.depth), frame.name, frame.place, f"{number(frame.share * 100, 1)}\u00a0%")
                for frame in spec.frames
            )
            return ("depth", "function", "where", "share"), frames
        case EffortChart():
            return _efforts(spec)
        case RangeChart():
            marks = tuple((name, day.isoformat(), NOTHING, NOTHING) for day, name in spec.marks)
            return ("what", "date", "from", "to"), (*(_dates(row) for row in spec.rows), *marks)
        case ChangeChart():
            changes = tuple((row.name, number(row.before, 1), number(row.after, 1)) for row in spec.rows)
            return ("score", "before", "after"), changes


def _value(value: float | None, axis: Axis) -> str:
    if value is None:
        return NOTHING
    if axis.scale == "date":
        return iso(value)
    return percentile(value) if axis.scale == "percentile" else number(value)


def _with_interval(value: str, low: str | None, high: str | None) -> str:
    """`198 (192–203)`; an end that is not known is left open."""
    if low is None and high is None:
        return value
    between = " to " if "-" in f"{low}{high}" else "–"
    return f"{value} ({low or ''}{between}{high or ''})"


def _at(values: tuple[float | None, ...], place: int) -> float | None:
    return values[place] if place < len(values) else None


def _xy(spec: XYChart) -> tuple[Row, tuple[Row, ...]]:
    """A row for every x of any series, then the limits and findings."""
    names = [_name(series, spec) for series in spec.series]
    header = (spec.x.label or ("date" if spec.x.scale == "date" else "x"), *names)
    cells: dict[float, dict[int, str]] = {}
    for column, series in enumerate(spec.series):
        for place, x in enumerate(series.x):
            cells.setdefault(x, {})[column] = _cell(series, place, spec.y)
    rows = [
        (_value(x, spec.x), *(cells[x].get(column, NOTHING) for column in range(len(names))))
        for x in sorted(cells)
    ]
    width = len(header)
    for limit in spec.limits:
        axis = spec.x if limit.axis == "x" else spec.y
        rows.append(_wide(limit.label or axis.label or "limit", _value(limit.at, axis), width))
    for finding in spec.findings:
        axis = spec.x if finding.axis == "x" else spec.y
        low, high = (None if end is None else _value(end, axis) for end in (finding.low, finding.high))
        text = _with_interval(_value(finding.at, axis), low, high)
        rows.append(_wide(finding.label or axis.label or "found", text, width))
    rows += [
        _wide(note.text, f"{_value(note.y, spec.y)}, {_value(note.x, spec.x)}", width)
        for note in spec.notes
        if note.cross
    ]
    return (header if width > 1 else (*header, "value")), tuple(rows)


def _name(series: Series, spec: XYChart) -> str:
    """What the series is called; one of several that has no label is told apart by what it is."""
    if series.label:
        return series.label
    name = spec.y.label or "value"
    if sum(not one.label for one in spec.series) < 2:
        return name
    return f"{name} ({'measured' if series.measured or not series.line else 'fitted'})"


def _wide(name: str, value: str, width: int) -> Row:
    """A row that has one value only."""
    return (name, value, *("" for _ in range(width - 2)))


def _cell(series: Series, place: int, axis: Axis) -> str:
    y = _at(series.y, place)
    if y is None:
        return NOTHING
    low, high = (_at(ends, place) for ends in (series.low, series.high))
    return _with_interval(
        _value(y, axis),
        None if low is None else _value(low, axis),
        None if high is None else _value(high, axis),
    )


def _bars(spec: BarChart) -> tuple[Row, tuple[Row, ...]]:
    rows = [(bar.name, number(bar.value), _ends(bar.low, bar.high), bar.shown) for bar in spec.bars]
    if spec.target is not None:
        rows.append((spec.target_label or "target", number(spec.target), NOTHING, ""))
    return ("what", "value", "interval", "shown"), tuple(rows)


def _ends(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return NOTHING
    return f"{'' if low is None else number(low)}–{'' if high is None else number(high)}"


def _efforts(spec: EffortChart) -> tuple[Row, tuple[Row, ...]]:
    names = dict(spec.shapes)
    rows = tuple(
        (
            str(point.number),
            point.name,
            names.get(point.shape, point.shape),
            number(point.effort_days),
            number(point.points, 1),
            point.moves,
        )
        for point in sorted(spec.points, key=lambda point: point.number)
    )
    return ("no.", "action", "pillar", "effort, days", spec.y_label, "moves"), rows


def _dates(row: DateRange) -> Row:
    value = row.value.isoformat() if row.value is not None else row.shown or NOTHING
    return (row.name, value, _day(row.low), _day(row.high))


def _day(day: date | None) -> str:
    return NOTHING if day is None else day.isoformat()
