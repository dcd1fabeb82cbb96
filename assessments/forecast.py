"""What a measured capacity means: how many replicas, at which cost, and until when.

    replicas            ⌈peak / (u·C)⌉                     C: requests/s that one replica carries
    autoscaling target  u·C_low requests/s a replica       u: planned utilisation
    cost per million    price·10⁶ / (3600·C·u)             price: of one replica for an hour
    runs out            when the peak reaches the limit u·C·replicas: after
                        ln(limit / now) / ln(1 + g) months at a growth of g a month (compound), or
                        (limit − now) / a months at a growth of a units a month (linear)

A month has 30.4375 days (365.25 / 12). Uncertainty: where only the capacity has an interval, the ends of that
interval give the ends of the answer. Where growth has an interval too, both are drawn (Monte-Carlo):
intervals count as 95 %, the capacity is log-normal on either side of its value, and the growth normal (of
ln(1 + g) for compound growth); the answer's ends are the 2.5 and 97.5 % quantiles of the draws. The middle is
always the answer at the middle values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Literal

from probes.errors import UsageError

SCHEMA = "loadstone.forecast/1"
MONTH_DAYS = 30.4375
DEFAULT_HORIZON_MONTHS = 36.0
MAX_HORIZON_MONTHS = 1200.0
DEFAULT_SEED = 1
LEAST_UTILISATION = 0.01
DRAWS = 100_000
AXES = ("workload", "users", "data", "complexity")

_MONTHS = {"day": 1 / MONTH_DAYS, "week": 7 / MONTH_DAYS, "month": 1.0, "quarter": 3.0, "year": 12.0}
_Z95 = 1.959963984540054
_LARGEST = 1e15
_NUMBER = r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
_GROWTH = re.compile(
    rf"\s*{_NUMBER}\s*(%)?\s*(?:\.\.\s*{_NUMBER}\s*(%)?)?\s*(?:/\s*(day|week|month|quarter|year))?\s*"
)
_GROWTH_EXAMPLES = "write for example 8%/month, 12/month (linear), 5%/week or 8%..12%/month"


def positive(value: float, what: str) -> float:
    """The value, if it is a finite number above 0. Raises `UsageError`."""
    if isinstance(value, bool) or not math.isfinite(value) or not 0 < value <= _LARGEST:
        raise UsageError(f"{what} is {value:g}: give a number above 0 (and at most {_LARGEST:g})")
    return float(value)


def _tidy(number: float | None) -> float | None:
    """Twelve significant digits: without what floating point adds at the end, as in 33.599999999999994."""
    return None if number is None else float(f"{number:.12g}")


def _bounds(value: float | None, low: float | None, high: float | None) -> dict[str, float | None]:
    return {"value": _tidy(value), "low": _tidy(low), "high": _tidy(high)}


@dataclass(frozen=True, slots=True)
class Estimate:
    """A positive value with the ends of its 95 % interval; an end that is not known is None.

    Raises `UsageError` for what is not positive and finite, and for ends on the wrong side.
    """

    value: float
    low: float | None = None
    high: float | None = None
    what: str = "the capacity"

    def __post_init__(self) -> None:
        positive(self.value, self.what)
        for end, name in ((self.low, "lower"), (self.high, "upper")):
            if end is not None:
                positive(end, f"the {name} bound of {self.what}")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise UsageError(
                f"the lower bound of {self.what}, {self.low:g}, lies above the upper bound {self.high:g}: "
                "exchange them"
            )
        if self.low is not None and self.low > self.value:
            raise UsageError(
                f"the lower bound of {self.what}, {self.low:g}, lies above its value {self.value:g}: "
                "give an interval that holds the value"
            )
        if self.high is not None and self.high < self.value:
            raise UsageError(
                f"the upper bound of {self.what}, {self.high:g}, lies below its value {self.value:g}: "
                "give an interval that holds the value"
            )

    def times(self, factor: float) -> Estimate:
        """All three numbers multiplied, to twelve digits: 48 × 0.7 × 6 is 201.6, and not a little less."""
        value, low, high = (
            None if end is None else _tidy(end * factor) for end in (self.value, self.low, self.high)
        )
        assert value is not None
        return Estimate(value, low, high, self.what)

    def to_json(self) -> dict[str, float | None]:
        """Value, low and high; an end that is not known is null."""
        return _bounds(self.value, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth a month. `compound`: the rates are ln(1 + share); `linear`: units of the axis."""

    kind: Literal["compound", "linear"]
    low: float
    value: float
    high: float
    text: str

    @property
    def has_interval(self) -> bool:
        """Whether it was given as a range."""
        return self.low < self.high

    def to_json(self) -> dict[str, Any]:
        """The growth a month, of compound growth as the share that is added."""
        of_month = math.expm1 if self.kind == "compound" else float
        return {
            "text": self.text,
            "kind": self.kind,
            "per_month": _bounds(of_month(self.value), of_month(self.low), of_month(self.high)),
        }


def parse_growth(text: str, what: str = "--growth") -> Growth:
    """The growth in `8%/month`, `12/month`, `8%..12%/month`, also per day, week, quarter or year, or `0`.

    Percent are compound, plain numbers linear. The middle of a range is the middle of the monthly rates.
    Raises `UsageError`.
    """
    found = _GROWTH.fullmatch(text)
    if found is None:
        raise UsageError(f"{what} '{text}' is no growth: {_GROWTH_EXAMPLES}")
    first, first_percent, last, last_percent, unit = found.groups()
    if unit is None and (float(first) or float(last or 0)):
        raise UsageError(f"{what} '{text}' does not say per which time: {_GROWTH_EXAMPLES}")
    percent = bool(last_percent if last is not None else first_percent)
    if last is not None and first_percent and not last_percent:
        raise UsageError(f"{what} '{text}' mixes percent and a plain number: {_GROWTH_EXAMPLES}")
    months = _MONTHS[unit or "month"]
    ends = []
    for number in (first, first if last is None else last):
        size = float(number)
        if not abs(size) <= _LARGEST:
            raise UsageError(f"{what} '{text}' is too large a growth: {_GROWTH_EXAMPLES}")
        if percent and size <= -100:
            raise UsageError(f"{what} '{text}' leaves nothing: shrinking is over -100 %")
        ends.append((math.log1p(size / 100) if percent else size) / months)
    if ends[0] > ends[1]:
        raise UsageError(f"{what} '{text}' runs from the larger to the smaller: exchange them")
    middle = (ends[0] + ends[1]) / 2 if ends[0] < ends[1] else ends[0]
    return Growth("compound" if percent else "linear", ends[0], middle, ends[1], text.strip())


def replicas_needed(peak_per_s: float, capacity_per_s: float, utilisation: float) -> int:
    """The fewest replicas that carry the peak at this utilisation: ⌈peak / (u·C)⌉.

    A quotient that is a whole number but for rounding of floating point counts as that number. Raises
    `UsageError` for a capacity next to nothing.
    """
    one = utilisation * capacity_per_s
    exact = peak_per_s / one if one > 0 else math.inf
    if not math.isfinite(exact):
        raise UsageError(f"a capacity of {capacity_per_s:g}/s a replica is too small to count replicas by")
    return max(1, math.ceil(exact * (1 - 1e-12)))


def cost_per_million(price_per_hour: float, capacity_per_s: float, utilisation: float) -> float:
    """What a million requests cost on replicas that are used at this utilisation."""
    return price_per_hour * 1e6 / (3600 * capacity_per_s * utilisation)


def months_until(now: float, limit: float, growth: float, kind: Literal["compound", "linear"]) -> float:
    """Months until `now`, growing by the monthly rate `growth` (see `Growth`), reaches `limit`.

    Infinite when it never does. At or over the limit: when growth says it was passed, as 0 or less; 0 where
    nothing grows.
    """
    if growth <= 0:
        return math.inf if now < limit else 0.0
    distance = math.log(limit / now) if kind == "compound" else limit - now
    return distance / growth


@dataclass(frozen=True, slots=True)
class Axis:
    """One direction of growth: where it stands, its limit in the same unit, and how it grows."""

    name: str
    now: float
    limit: Estimate
    growth: Growth
    unit: str = ""

    def __post_init__(self) -> None:
        if self.name not in AXES:
            raise UsageError(f"'{self.name}' is no axis of growth: use one of {', '.join(AXES)}")
        positive(self.now, f"what the {self.name} axis stands at")


@dataclass(frozen=True, slots=True)
class RunsOut:
    """When an axis reaches its limit: months from `start`, and days; (value, low, high), low being earliest.

    None is what is not known or lies beyond the horizon; `beyond_horizon` names which of the three do.
    `is_over` says that the limit is reached already.
    """

    axis: Axis
    start: date
    horizon_months: float
    months: tuple[float | None, float | None, float | None]
    beyond_horizon: tuple[str, ...]
    is_over: bool
    method: str

    @property
    def within_horizon(self) -> bool:
        """Whether the middle answer lies within the horizon."""
        return self.months[0] is not None

    @property
    def never(self) -> bool:
        """Whether it is never reached at the middle growth, at whatever horizon."""
        return not self.is_over and self.axis.growth.value <= 0

    @property
    def days(self) -> tuple[date | None, date | None, date | None]:
        """The days that belong to `months`; None also where the calendar ends."""
        value, low, high = (_day(self.start, months) for months in self.months)
        return value, low, high

    def to_json(self) -> dict[str, Any]:
        """CONTRACT's object of one axis."""
        value, low, high = (None if day is None else day.isoformat() for day in self.days)
        return {
            "months": _bounds(*self.months),
            "runs_out_on": {"value": value, "low": low, "high": high},
            "within_horizon": self.within_horizon,
            "beyond_horizon": list(self.beyond_horizon),
            "over_already": self.is_over,
            "never": self.never,
            "horizon_months": self.horizon_months,
            "now": self.axis.now,
            "limit": self.axis.limit.to_json(),
            "unit": self.axis.unit,
            "growth": self.axis.growth.to_json(),
            "method": self.method,
        }


def _day(start: date, months: float | None) -> date | None:
    """The day on which so many months have passed; a part of a day counts as the day it falls on."""
    if months is None:
        return None
    try:
        return start + timedelta(days=math.floor(months * MONTH_DAYS + 1e-9))
    except OverflowError:
        return None


def runs_out(
    axis: Axis,
    start: date,
    horizon_months: float = DEFAULT_HORIZON_MONTHS,
    seed: int = DEFAULT_SEED,
) -> RunsOut:
    """When the axis reaches its limit. Raises `UsageError` for a horizon that is none."""
    _check_horizon(horizon_months)
    growth, limit = axis.growth, axis.limit
    middle = months_until(axis.now, limit.value, growth.value, growth.kind)
    low: float | None
    high: float | None
    if growth.has_interval:
        first, last = _drawn_ends(axis, seed)
        # With one end of the capacity unknown, so is the end of the answer that it would give.
        low = None if _is_spread(limit) and limit.low is None else min(first, middle)
        high = None if _is_spread(limit) and limit.high is None else max(last, middle)
        method = (
            f"Monte-Carlo, {DRAWS:,} draws, seed {seed}; growth is taken as "
            + ("log-normal" if growth.kind == "compound" else "normal")
            + " with the given range as its 95 % interval, "
            + ("the capacity as log-normal" if _is_spread(limit) else "the capacity as exact (no interval)")
        )
    else:
        ends = [
            None if end is None else months_until(axis.now, end, growth.value, growth.kind)
            for end in (limit.low, limit.high)
        ]
        low, high = ends
        method = "the ends of the capacity's interval" if _is_spread(limit) else "no interval was given"
    beyond = tuple(
        name
        for name, months in (("value", middle), ("low", low), ("high", high))
        if months is not None and months > horizon_months
    )

    def shown(months: float | None) -> float | None:
        return None if months is None or months > horizon_months else months

    return RunsOut(
        axis=axis,
        start=start,
        horizon_months=horizon_months,
        months=(shown(middle), shown(low), shown(high)),
        beyond_horizon=beyond,
        is_over=axis.now >= limit.value,
        method=method,
    )


def _check_horizon(months: float) -> None:
    if not 0 < months <= MAX_HORIZON_MONTHS:
        raise UsageError(f"a horizon of {months:g} months is none: give up to {MAX_HORIZON_MONTHS:g}")


def _is_spread(estimate: Estimate) -> bool:
    return estimate.low is not None or estimate.high is not None


@lru_cache(maxsize=64)
def _drawn_ends(axis: Axis, seed: int) -> tuple[float, float]:
    """The 2.5 and 97.5 % quantiles of the months until the limit; drawn once, however often it is asked."""
    import numpy as np

    random = np.random.default_rng(seed)
    z_limit, z_growth = random.standard_normal((2, DRAWS))
    limit, growth = axis.limit, axis.growth
    below = 0.0 if limit.low is None else math.log(limit.value / limit.low) / _Z95
    above = 0.0 if limit.high is None else math.log(limit.high / limit.value) / _Z95
    limits = limit.value * np.exp(z_limit * np.where(z_limit < 0, below, above))
    rates = growth.value + z_growth * (growth.high - growth.low) / (2 * _Z95)
    distance = np.log(limits / axis.now) if growth.kind == "compound" else limits - axis.now
    months = np.where(distance > 0, np.inf, 0.0)
    np.divide(distance, rates, out=months, where=rates > 0)
    # Order statistics, not interpolation: a quantile between "never" and "never" is "never", not NaN.
    months.sort()
    last = DRAWS - 1
    return float(months[math.floor(0.025 * last)]), float(months[math.ceil(0.975 * last)])


@dataclass(frozen=True, slots=True)
class Cost:
    """What a million requests cost; low is the cheap end, which the capacity's upper bound gives."""

    value: float
    low: float | None
    high: float | None
    currency: str

    def to_json(self) -> dict[str, Any]:
        """CONTRACT's object."""
        return {**_bounds(self.value, self.low, self.high), "currency": self.currency}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a forecast starts from. Rates are requests/s, the price is that of one replica for an hour.

    `running` are the replicas that run now. What is not known is None. Raises `UsageError`.
    """

    capacity: Estimate
    utilisation: float = 0.7
    peak_per_s: float | None = None
    running: int | None = None
    price_per_hour: float | None = None
    currency: str = "USD"

    def __post_init__(self) -> None:
        if not LEAST_UTILISATION <= self.utilisation <= 1:
            raise UsageError(
                f"a planned utilisation of {self.utilisation:g} is none: give a share from "
                f"{LEAST_UTILISATION:g} up to 1, such as 0.7 or 70%"
            )
        if self.peak_per_s is not None:
            positive(self.peak_per_s, "the peak")
        if self.price_per_hour is not None:
            positive(self.price_per_hour, "the price")
        if self.running is not None and self.running < 1:
            raise UsageError(f"{self.running} running replicas are none: give at least 1")

    def workload(self, growth: Growth) -> Axis:
        """The workload axis: the peak against what the running replicas carry at the planned utilisation."""
        if self.peak_per_s is None or self.running is None:
            raise UsageError("growth leads to a date only with --peak and --replicas: give both")
        fleet = self.capacity.times(self.utilisation * self.running)
        return Axis("workload", self.peak_per_s, fleet, growth, "1/s")


@dataclass(frozen=True, slots=True)
class Forecast:
    """The answer. `needed` carry the peak; `conservative` also if the capacity is its lower bound;
    `with_spare` also with one of those lost. What cannot be known from what was given is None."""

    plan: Plan
    start: date
    needed: int | None
    conservative: int | None
    with_spare: int | None
    target_per_replica: float | None
    cost: Cost | None
    axes: Mapping[str, RunsOut]

    def to_json(self) -> dict[str, Any]:
        """The document `loadstone.forecast/1`."""
        plan = self.plan
        return {
            "schema": SCHEMA,
            "from": self.start.isoformat(),
            "capacity_per_replica": plan.capacity.to_json(),
            "utilisation": plan.utilisation,
            "peak_per_s": plan.peak_per_s,
            "replicas": {
                "now": self.needed,
                "conservative": self.conservative,
                "with_spare": self.with_spare,
                "running": plan.running,
            },
            "autoscaling_target_per_replica": _tidy(self.target_per_replica),
            "price_per_replica_hour": plan.price_per_hour,
            "cost_per_million": None if self.cost is None else self.cost.to_json(),
            "axes": {name: axis.to_json() for name, axis in self.axes.items()},
        }


def forecast(
    plan: Plan,
    start: date,
    axes: Sequence[Axis] = (),
    horizon_months: float = DEFAULT_HORIZON_MONTHS,
    seed: int = DEFAULT_SEED,
) -> Forecast:
    """What the plan comes to, and when each axis runs out. Raises `UsageError`."""
    _check_horizon(horizon_months)
    capacity, used = plan.capacity, plan.utilisation
    needed = conservative = None
    if plan.peak_per_s is not None:
        needed = replicas_needed(plan.peak_per_s, capacity.value, used)
        if capacity.low is not None:
            conservative = replicas_needed(plan.peak_per_s, capacity.low, used)
    cost = None
    if (price := plan.price_per_hour) is not None:
        cost = Cost(
            cost_per_million(price, capacity.value, used),
            None if capacity.high is None else cost_per_million(price, capacity.high, used),
            None if capacity.low is None else cost_per_million(price, capacity.low, used),
            plan.currency,
        )
    return Forecast(
        plan=plan,
        start=start,
        needed=needed,
        conservative=conservative,
        with_spare=None if conservative is None else conservative + 1,
        target_per_replica=None if capacity.low is None else capacity.low * used,
        cost=cost,
        axes={axis.name: runs_out(axis, start, horizon_months, seed) for axis in axes},
    )
