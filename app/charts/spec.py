"""What a chart shows, as a value: axes, series, limits, intervals; no colour, no pixel, no file format.

    XYChart      response time against rate, throughput, use of resources, a distribution, a forecast's fan
    BarChart     what carries how much beside what has to be carried
    FlameChart   where the time goes
    EffortChart  actions: effort against effect
    RangeChart   dates with their intervals
    ChangeChart  scores before and after

Every chart has a `title` that states the finding with its number and a `caption` that says method, number of
observations and interval. All numbers are finite; None in a series is a gap and never a line. `rows_of` gives
the numbers of any chart as a table (`table.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Scale = Literal["linear", "log", "percentile", "date"]
"""`percentile` spaces 0…1 by the log of what is beyond (0, 50, 90, 99, 99.9); `date` counts ordinal days."""

Style = Literal["s1", "s2", "s3"]
"""s1 solid and accented, s2 dashed, s3 thin: at most three in a chart."""


@dataclass(frozen=True, slots=True)
class Axis:
    """`label` is short and carries the unit (`offered, req/s`). None as an end: found from the data.

    `ticks` are given only where they are no round numbers; else `ticks.nice_ticks` finds them.
    """

    label: str
    scale: Scale = "linear"
    low: float | None = None
    high: float | None = None
    ticks: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """A line through (x, y). `low` and `high` are intervals: whiskers on measured points, else a band.

    `measured` puts a dot on every point; `line` False leaves only the dots. `label` stands at its end or in
    free space beside it.
    """

    label: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    style: Style = "s1"
    measured: bool = False
    line: bool = True
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """A dashed line across the chart at `at`, named on the line: an objective, a saturation.

    `kind` bad is a limit not to be passed (red), note is anything else. `axis` says which axis `at` is on.
    """

    at: float
    label: str
    kind: Literal["bad", "note"] = "bad"
    axis: Literal["x", "y"] = "y"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, on an axis, with its interval as a band: a solid line with a strong label."""

    at: float
    label: str
    low: float | None = None
    high: float | None = None
    sublabel: str = ""
    axis: Literal["x", "y"] = "x"


@dataclass(frozen=True, slots=True)
class Note:
    """Words in free space near a point of the data: the fitted coefficients, a percentile.

    `cross` marks the point as something that has to be carried: a red cross with its words.
    """

    x: float
    y: float
    text: str
    strong: bool = False
    cross: bool = False


@dataclass(frozen=True, slots=True)
class XYChart:
    """Series over two axes."""

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    limits: tuple[Limit, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[Note, ...] = ()
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from zero. `kind` demand is what comes in, capacity what is carried.

    `use` is the use of a resource, `limit` that of the one that was named the limit.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    shown: str = ""
    kind: Literal["demand", "capacity", "use", "limit"] = "capacity"


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars under each other, zero-based, whiskers for intervals, the target as a line across.

    `shown` of a bar is its number with interval and unit, set right. `target_kind` note is a mark that is no
    limit. `full` is where every bar would be full: a track leads there.
    """

    title: str
    bars: tuple[Bar, ...]
    target: float | None = None
    target_label: str = ""
    caption: str = ""
    target_kind: Literal["bad", "note"] = "bad"
    full: float | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """A function in a flame chart: depth from 0, where it starts and its share of the whole (0 to 1)."""

    name: str
    place: str
    depth: int
    start: float
    share: float
    hot: bool = False


@dataclass(frozen=True, slots=True)
class FlameChart:
    """Frames, callers above callees, the largest at the left. `hot` ones are strong, all others alike."""

    title: str
    frames: tuple[Frame, ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class EffortPoint:
    """An action: its number in the table, short name, effort in days, points, pillar's shape.

    `moves` is what else it does (`→ 2027-10-02`), set in accent behind the name.
    """

    number: int
    name: str
    effort_days: float
    points: float
    shape: Literal["circle", "square", "triangle", "diamond"]
    moves: str = ""


@dataclass(frozen=True, slots=True)
class EffortChart:
    """Actions in columns of effort against the points they give; `shapes` names the shapes."""

    title: str
    points: tuple[EffortPoint, ...]
    shapes: tuple[tuple[Literal["circle", "square", "triangle", "diamond"], str], ...] = ()
    y_label: str = "points gained in its pillar"
    caption: str = ""


@dataclass(frozen=True, slots=True)
class DateRange:
    """A date with its interval; None as `value` is not within the horizon, and `shown` says so."""

    name: str
    value: date | None
    low: date | None = None
    high: date | None = None
    shown: str = ""
    base: bool = False


@dataclass(frozen=True, slots=True)
class RangeChart:
    """Dates under each other on one time axis; `marks` are dates that are named across all rows."""

    title: str
    rows: tuple[DateRange, ...]
    marks: tuple[tuple[date, str], ...] = ()
    caption: str = ""


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """A score before (ring) and after (dot), 0 to 100."""

    name: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class ChangeChart:
    """Scores before and after under each other; the edges of the bands at 40, 60 and 80."""

    title: str
    rows: tuple[ScoreChange, ...]
    caption: str = ""


ChartSpec = XYChart | BarChart | FlameChart | EffortChart | RangeChart | ChangeChart
