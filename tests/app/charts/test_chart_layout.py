"""What holds for every chart: no label over another or cut off, nothing outside the drawing."""

from __future__ import annotations

import math
from datetime import date, timedelta
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from app.charts.drawn import Drawn
from app.charts.layout import layout
from app.charts.shapes import Circle, Label, Line, Measure, Point, Polygon, Polyline, Rect, Shape
from app.charts.spec import (
    Axis,
    Bar,
    BarChart,
    ChangeChart,
    ChartSpec,
    DateRange,
    EffortChart,
    EffortPoint,
    Finding,
    FlameChart,
    Frame,
    Limit,
    Note,
    RangeChart,
    ScoreChange,
    Series,
    XYChart,
)
from app.charts.table import rows_of
from app.charts.text import box_of
from app.charts.tokens import LIGHT

NUMBERS = st.one_of(
    st.floats(-1e4, 1e4),
    st.floats(0, 1e3),
    st.floats(1e-12, 1e-6),
    st.floats(-1e300, 1e300),
    st.sampled_from([0.0, 1.0, -1.0, 1e15, 5e-324]),
)
NAMES = st.one_of(
    st.text("abcdefghijklmWMi .,:/-", min_size=0, max_size=24),
    st.sampled_from(["p99", "", "x" * 300, "Three replicas, one lost, at full use of every core"]),
)
SHAPE_NAMES = st.sampled_from(["circle", "square", "triangle", "diamond"])
DAYS = st.dates(date(1990, 1, 1), date(2090, 1, 1))
MAYBE_DAYS = st.one_of(st.none(), DAYS)


@st.composite
def series(draw: st.DrawFn, scale: str) -> Series:
    count = draw(st.sampled_from([1, 1, 2, 3, 5, 12, 60]))
    if scale == "percentile":
        xs = sorted(draw(st.lists(st.floats(0, 1), min_size=count, max_size=count)))
    elif scale == "date":
        xs = sorted(float(day.toordinal()) for day in draw(st.lists(DAYS, min_size=count, max_size=count)))
    elif draw(st.booleans()):
        xs = [float(at) for at in range(count)]
    else:
        xs = draw(st.lists(NUMBERS, min_size=count, max_size=count))
    kind = draw(st.sampled_from(["any", "same", "none", "wave"]))
    ys: list[float | None]
    if kind == "same":
        ys = [draw(NUMBERS)] * count
    elif kind == "none":
        ys = [None] * count
    elif kind == "wave":
        ys = [100 + 50 * math.sin(at / 5) for at in range(count)]
    else:
        ys = draw(st.lists(st.one_of(st.none(), NUMBERS), min_size=count, max_size=count))
    low = high = ()
    if draw(st.booleans()):
        low = tuple(None if y is None else y - abs(y) * 0.1 for y in ys)
        high = tuple(None if y is None else y + abs(y) * 0.2 for y in ys)
    return Series(
        draw(NAMES),
        tuple(xs),
        tuple(ys),
        draw(st.sampled_from(["s1", "s2", "s3"])),
        draw(st.booleans()),
        draw(st.booleans()),
        low,
        high,
        draw(st.booleans()),
    )


@st.composite
def xy_charts(draw: st.DrawFn) -> XYChart:
    scale = draw(st.sampled_from(["linear", "linear", "log", "percentile", "date"]))
    ends = st.one_of(st.none(), st.none(), NUMBERS)
    x_ends = st.none() if scale in ("percentile", "date") else ends
    x = Axis(draw(NAMES), scale, draw(x_ends), draw(x_ends))
    y = Axis(draw(NAMES), draw(st.sampled_from(["linear", "log"])), draw(ends), draw(ends))
    limits = st.builds(Limit, NUMBERS, NAMES, st.sampled_from(["bad", "note"]), st.sampled_from(["x", "y"]))
    findings = st.builds(
        Finding,
        NUMBERS,
        NAMES,
        st.one_of(st.none(), NUMBERS),
        st.one_of(st.none(), NUMBERS),
        NAMES,
        st.sampled_from(["x", "y"]),
    )
    return XYChart(
        "title",
        x,
        y,
        tuple(draw(st.lists(series(scale), max_size=3))),
        tuple(draw(st.lists(limits, max_size=3))),
        tuple(draw(st.lists(findings, max_size=2))),
        tuple(draw(st.lists(st.builds(Note, NUMBERS, NUMBERS, NAMES, st.booleans()), max_size=2))),
    )


BARS = st.builds(
    Bar,
    NAMES,
    NUMBERS,
    st.one_of(st.none(), NUMBERS),
    st.one_of(st.none(), NUMBERS),
    NAMES,
    st.sampled_from(["demand", "capacity"]),
)
BAR_CHARTS = st.builds(
    BarChart, st.just("title"), st.lists(BARS, max_size=8).map(tuple), st.one_of(st.none(), NUMBERS), NAMES
)
EFFORT_CHARTS = st.builds(
    EffortChart,
    st.just("title"),
    st.lists(
        st.builds(
            EffortPoint,
            st.integers(1, 99),
            NAMES,
            st.one_of(st.sampled_from([0.5, 1.0, 3.0, 8.0, 20.0]), st.floats(0.1, 200)),
            st.one_of(st.sampled_from([0.0, 1.0, 4.0, 8.0]), st.floats(-20, 60)),
            SHAPE_NAMES,
            st.sampled_from(["", "", "→ 2027-10-02"]),
        ),
        max_size=25,
    ).map(tuple),
    st.lists(st.tuples(SHAPE_NAMES, NAMES), max_size=4).map(tuple),
    NAMES,
)
RANGE_CHARTS = st.builds(
    RangeChart,
    st.just("title"),
    st.lists(
        st.builds(DateRange, NAMES, MAYBE_DAYS, MAYBE_DAYS, MAYBE_DAYS, NAMES, st.booleans()), max_size=7
    ).map(tuple),
    st.lists(st.tuples(DAYS, NAMES), max_size=3).map(tuple),
)
CHANGE_CHARTS = st.builds(
    ChangeChart,
    st.just("title"),
    st.lists(st.builds(ScoreChange, NAMES, st.floats(0, 100), st.floats(0, 100)), max_size=8).map(tuple),
)


@st.composite
def flame_charts(draw: st.DrawFn) -> FlameChart:
    """Frames that tile their callers, as a profile gives them."""
    frames: list[Frame] = []
    rows = [(0.0, 1.0)]
    for depth in range(draw(st.integers(0, 6))):
        below: list[tuple[float, float]] = []
        for start, share in rows:
            at = start
            for part in draw(st.lists(st.floats(0.001, 1), max_size=3)):
                wide = share * part / 3
                below.append((at, wide))
                frames.append(Frame(draw(NAMES), draw(NAMES), depth, at, wide, draw(st.booleans())))
                at += wide
        rows = below[:6]
    return FlameChart("title", tuple(frames))


def points_of(shape: Shape) -> list[Point]:
    match shape:
        case Rect():
            return [(shape.x, shape.y), (shape.x + shape.width, shape.y + shape.height)]
        case Line():
            return [(shape.x1, shape.y1), (shape.x2, shape.y2)]
        case Polyline() | Polygon():
            return list(shape.points)
        case Circle():
            return [(shape.x, shape.y)]
        case Label():
            return [(shape.x, shape.y)]


def assert_sound(drawn: Drawn, measure: Measure) -> None:
    """No label meets another, is cut off or empty; every shape is inside; every colour is a role."""
    labels = [shape for shape in drawn.shapes if isinstance(shape, Label)]
    boxes = [box_of(label, measure) for label in labels]
    for label, box in zip(labels, boxes, strict=True):
        assert label.text
        assert box.left >= -0.1 and box.right <= drawn.width + 0.1, label
        assert box.top >= -0.1 and box.bottom <= drawn.height + 0.1, label
    for (one, a), (other, b) in combinations(zip(labels, boxes, strict=True), 2):
        assert not a.meets(b), (one, other)
    for shape in drawn.shapes:
        for x, y in points_of(shape):
            assert math.isfinite(x) and math.isfinite(y), shape
            assert -0.1 <= x <= drawn.width + 0.1 and -0.1 <= y <= drawn.height + 0.1, shape
        for name in ("fill", "edge", "role"):
            role = getattr(shape, name, None)
            assert role is None or role in LIGHT, shape
        if isinstance(shape, Rect):
            assert shape.width >= 0 and shape.height >= 0, shape


WIDTHS = st.sampled_from([120.0, 180.0, 240.0, 330.0, 499.0, 760.0])
HEIGHTS = st.sampled_from([60.0, 110.0, 155.0, 260.0])
ANY_CHART: st.SearchStrategy[ChartSpec] = st.one_of(
    xy_charts(), xy_charts(), BAR_CHARTS, EFFORT_CHARTS, RANGE_CHARTS, CHANGE_CHARTS, flame_charts()
)


@settings(max_examples=400, deadline=None)
@given(spec=ANY_CHART, width=WIDTHS, height=HEIGHTS)
def test_no_label_is_cut_off_or_covered_whatever_the_chart(
    measure: Measure, spec: ChartSpec, width: float, height: float
) -> None:
    drawn = layout(spec, width, height, measure)
    assert drawn.width == width
    assert_sound(drawn, measure)


@settings(max_examples=100, deadline=None)
@given(spec=ANY_CHART)
def test_the_table_of_any_chart_is_rectangular(spec: ChartSpec) -> None:
    header, rows = rows_of(spec)
    assert all(len(row) == len(header) for row in rows)
    assert all(isinstance(cell, str) for row in (header, *rows) for cell in row)


@settings(max_examples=50, deadline=None)
@given(spec=ANY_CHART)
def test_equal_charts_are_laid_out_alike(measure: Measure, spec: ChartSpec) -> None:
    assert layout(spec, 499, 155, measure) == layout(spec, 499, 155, measure)


def test_a_thousand_points_are_sound(measure: Measure) -> None:
    x = tuple(float(at) for at in range(1000))
    y = tuple(None if at % 97 == 0 else 100 + at % 13 for at in range(1000))
    lines = tuple(Series(name, x, y, "s1", measured=name == "dots") for name in ("line", "dots"))
    for scale in ("linear", "log"):
        assert_sound(layout(XYChart("", Axis("s"), Axis("ms", scale), lines), 499, 155, measure), measure)


def test_a_chart_without_anything_says_so(measure: Measure) -> None:
    days = (date(2027, 1, 1) + timedelta(days=1)).toordinal()
    empty: tuple[ChartSpec, ...] = (
        XYChart("", Axis("s"), Axis("ms"), ()),
        XYChart("", Axis("s", "date"), Axis("ms"), (Series("p99", (float(days),), (None,)),)),
        BarChart("", ()),
        FlameChart("", ()),
        EffortChart("", ()),
        RangeChart("", ()),
        ChangeChart("", ()),
    )
    for spec in empty:
        drawn = layout(spec, 240, 100, measure)
        assert_sound(drawn, measure)
        assert "no data" in [shape.text for shape in drawn.shapes if isinstance(shape, Label)]
