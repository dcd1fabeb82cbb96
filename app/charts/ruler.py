"""Where a value falls on the paper: scales, and the range of values that an axis shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.charts.spec import Axis, Scale
from app.charts.ticks import Tick, nice_ticks, round_step

LARGEST = 1e300
"""Values beyond are drawn as this one, so that no difference overflows."""

_MOST_NINES = 9.0
_FAR_OFF = 1e7
_FIT = 0.04
_FAR = 4.0
"""A limit this many times above the data is named at the edge instead of flattening the data."""


@dataclass(frozen=True, slots=True)
class Ruler:
    """Values from `low` to `high` on the points from `start` to `end`; y axes have `start` below `end`."""

    low: float
    high: float
    start: float
    end: float
    scale: Scale = "linear"
    _origin: float = field(init=False, default=0.0)
    _gain: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        """How many points one step of the even scale is; 0 where the ends are no span."""
        low, high = _moved(self.low, self.scale), _moved(self.high, self.scale)
        # A span below 1e-290 has no gain that a float can hold.
        if low is not None and high is not None and high - low > 1e-290:
            object.__setattr__(self, "_origin", low)
            object.__setattr__(self, "_gain", (self.end - self.start) / (high - low))

    def at(self, value: float) -> float | None:
        """The place of a value in points, beyond the ends if it is; None where the scale has none for it."""
        here = _moved(value, self.scale)
        if here is None or self._gain == 0:
            return None
        place = self.start + (here - self._origin) * self._gain
        return min(max(place, -_FAR_OFF), _FAR_OFF)


def _moved(value: float, scale: Scale) -> float | None:
    """The value where its scale is even; None where it cannot be shown."""
    if scale in {"linear", "date"}:
        return LARGEST if value > LARGEST else -LARGEST if value < -LARGEST else value
    if scale == "log":
        return math.log10(value) if value > 0 else None
    beyond = 1.0 - min(max(value, 0.0), 1.0)
    return min(-math.log10(beyond), _MOST_NINES) if beyond > 0 else _MOST_NINES


def across(axis: Axis, values: Sequence[float]) -> tuple[float, float]:
    """The range of an x axis: what is given, else that of the values, from 0 where that is near."""
    values = _shown(values, axis.scale)
    if axis.scale == "percentile":
        inner = [value for value in values if value < 1]
        low, high = min(inner, default=0.0), max(inner, default=0.99)
        # A fifth of room beyond the last value, for the axis's label on the line of the ticks.
        beyond = 10.0 ** (1.2 * math.log10(1 - high)) if high > 0 else 0.5
        return _given(axis, low, max(1 - beyond, low + (1 - low) / 2))
    if not values:
        return _given(axis, *_nothing(axis.scale))
    low, high = min(values), max(values)
    if axis.scale == "date":
        return _given(axis, *((low - 15, high + 15) if high - low < 1 else (low, high)))
    if axis.scale == "log":
        return _given(axis, *((low / 2, high * 2) if high <= low * 1.001 else (low, high)))
    if 0 <= low < 0.4 * high:
        low = 0.0
    if _same(low, high):
        low, high = _opened(low, high)
    return _given(axis, low, min(high + (high - low) * 0.02, LARGEST))


def upwards(axis: Axis, values: Sequence[float], limits: Sequence[float]) -> tuple[float, float]:
    """The range of a y axis, ending on a round value where one is near; limits are in it unless far above."""
    values = _shown(values, axis.scale)
    limits = _shown(limits, axis.scale)
    highest = max(values, default=0.0)
    if axis.scale != "log" and highest > 0:
        limits = [limit for limit in limits if limit <= _FAR * highest]
    values = [*values, *limits]
    if not values:
        return _given(axis, *_nothing(axis.scale))
    low, high = min(values), max(values)
    if axis.scale == "log":
        return _given(axis, _log_below(low), _log_above(high * 1.02))
    if axis.scale == "percentile":
        return across(axis, values)
    if axis.scale == "date":
        return _given(axis, low - 1, high + 1)
    from_zero = 0 <= low < 0.6 * high
    if from_zero:
        low = 0.0
    if _same(low, high):
        return _given(axis, *_opened(low, high))
    return _given(axis, *_rounded(low, high))


def _rounded(low: float, high: float) -> tuple[float, float]:
    """Ends moved out to a round value that lies less than a third of a step beyond, else by a little room."""
    room = (high - low) * _FIT
    step = round_step(high - low, 5)
    below = math.floor(low / step + 1e-9) * step
    above = math.ceil(high / step - 1e-9) * step
    if low - below > 0.35 * step:
        below = low - room
    if above - high > 0.35 * step:
        above = high + room
    return max(below, -LARGEST), min(above, LARGEST)


def _given(axis: Axis, low: float, high: float) -> tuple[float, float]:
    """The range with the ends that the axis asks for, in order and not empty."""
    if axis.low is not None and (axis.scale != "log" or axis.low > 0):
        low = axis.low
    if axis.high is not None and (axis.scale != "log" or axis.high > 0):
        high = axis.high
    low, high = max(low, -LARGEST), min(high, LARGEST)
    if high > low and not _same(low, high):
        return low, high
    if axis.scale == "log":
        return low / 2, low * 2
    if axis.scale == "percentile":
        return min(low, 0.5), max(low, 0.99)
    if axis.scale == "date":
        return low - 15, low + 15
    if axis.high is not None and axis.low is None:
        return high - max(1.0, abs(high) * 0.2), high
    return low, low + max(1.0, abs(low) * 0.2)


def _shown(values: Sequence[float], scale: Scale) -> list[float]:
    """Values that the scale can show, held within what can be drawn."""
    held = [min(max(value, -LARGEST), LARGEST) for value in values if not math.isnan(value)]
    return [value for value in held if value > 1e-300] if scale == "log" else held


def _nothing(scale: Scale) -> tuple[float, float]:
    if scale == "log":
        return 1.0, 10.0
    return (739_982.0, 740_347.0) if scale == "date" else (0.0, 1.0)


def _same(low: float, high: float) -> bool:
    return high - low <= 1e-9 * max(abs(low), abs(high), 1e-290)


def _opened(low: float, high: float) -> tuple[float, float]:
    """A range around values that are all the same, from 0 on."""
    if _same(0.0, high) and _same(0.0, low):
        return 0.0, 1.0
    return (0.0, min(high * 1.2, LARGEST)) if high > 0 else (max(low * 1.2, -LARGEST), 0.0)


def _log_below(value: float) -> float:
    power = math.floor(math.log10(value) + 1e-9)
    return max((step for step in _steps_at(power) if step <= value * (1 + 1e-9)), default=value)


def _log_above(value: float) -> float:
    power = math.floor(math.log10(value) + 1e-9)
    steps = (*_steps_at(power), *_steps_at(power + 1))
    return min((step for step in steps if step >= value * (1 - 1e-9)), default=value)


def _steps_at(power: int) -> tuple[float, ...]:
    return tuple(float(f"{step}e{power}") for step in (1, 2, 5))


def ticks_of(axis: Axis, low: float, high: float, about: int) -> tuple[Tick, ...]:
    """The ticks that the axis gives within its range, else round ones."""
    if axis.ticks:
        room = (high - low) * 1e-9
        return tuple(tick for tick in axis.ticks if low - room <= tick[0] <= high + room)
    return nice_ticks(low, high, about, axis.scale)


def said(axis: Axis) -> str:
    """The axis's label; a log axis says so."""
    if axis.scale == "log" and "log" not in axis.label.lower():
        return f"{axis.label} (log scale)".strip()
    return axis.label
