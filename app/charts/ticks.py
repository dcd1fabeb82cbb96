"""Round values for an axis and how they are written, and fewer points where there are more than columns.

Everything is pure; nothing here knows where a value falls on the paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

from app.charts.spec import Scale

Tick = tuple[float, str]
"""A value and how it is written."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PERCENTILES = (0.0, 0.5, 0.9, 0.95, 0.99)
"""Where a percentile axis is marked; beyond, at every further nine."""

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
_DAY_STEPS = (1, 2, 7, 14)
_MONTH_STEPS = (1, 2, 3, 6)
_DAYS_A_MONTH = 30.4375
_PLAIN_TO = 1e9
_PLAIN_FROM = 1e-4
_MOST_TICKS = 200
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_TINY = 1e-300


def number(value: float, decimals: int | None = None) -> str:
    """The value as text: thousands separated, a true minus, no zeros at the end (`1,500`, `−0.25`, `2×10⁹`).

    `decimals` is how many are kept; without it, five significant digits and every digit before the point.
    """
    if not math.isfinite(value):
        return "–"
    size = abs(value)
    if size < _TINY:
        return "0"
    if size >= _PLAIN_TO or (size < _PLAIN_FROM and (decimals is None or decimals > 6)):
        return _powers(value, decimals)
    if decimals is None:
        decimals = max(0, 4 - math.floor(math.log10(size)))
    text = f"{size:,.{max(0, min(decimals, 15))}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"−{text}" if value < 0 and text.strip("0.,") else text


def _powers(value: float, decimals: int | None) -> str:
    """`2.5×10⁹`; `decimals` as for `number`, counted before the power is taken out."""
    power = math.floor(math.log10(abs(value)))
    digits = 4 if decimals is None else max(0, min(15, power + decimals))
    text = f"{abs(value):.{digits}e}"
    mantissa, _, exponent = text.partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    ten = f"10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    sign = "−" if value < 0 else ""
    return f"{sign}{ten}" if mantissa == "1" else f"{sign}{mantissa}×{ten}"


def iso(day: float) -> str:
    """An ordinal day as `2027-03-14`; the ends of the calendar where it lies beyond."""
    return date.fromordinal(_day(day)).isoformat()


def percentile(share: float) -> str:
    """A percentile without its sign: `99.9` of 0.999."""
    return number(round(share * 100, 9), 9)


def nice_ticks(low: float, high: float, about: int, scale: Scale = "linear") -> tuple[Tick, ...]:
    """Some `about` round values from `low` to `high`, both included, ascending, and how they are written.

    Linear steps are 1, 2, 2.5 or 5 times a power of ten (after Heckbert, "Nice numbers for graph labels",
    Graphics Gems, 1990); log axes are marked at 1, 2 and 5 or at powers only; dates at days, weeks, months or
    years. Empty where the ends are not finite or not in order; a log axis needs `low` above 0.
    """
    if not (math.isfinite(low) and math.isfinite(high)) or high < low:
        return ()
    about = max(1, min(about, 100))
    if scale == "log":
        return _log(low, high, about)
    if scale == "percentile":
        return _percentiles(low, high)
    if scale == "date":
        return _dates(low, high, about)
    return _linear(low, high, about)


def _linear(low: float, high: float, about: int) -> tuple[Tick, ...]:
    span = high - low
    if span <= max(abs(low), abs(high)) * 1e-12 or math.isinf(span) or span < _TINY:
        return ((low, number(low)),)
    step = round_step(span, about)
    decimals = decimals_of(step)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if last - first > _MOST_TICKS:
        return ()
    ticks = []
    for at in range(first, last + 1):
        value = round(at * step, decimals) if decimals <= 15 else at * step
        ticks.append((min(max(value, low), high), number(value, decimals)))
    return tuple(ticks)


def round_step(span: float, about: int) -> float:
    """The round step that comes nearest to `about` intervals over `span` (above 0), in ratio."""
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw))
    ratio = raw / power
    return min(_ROUND, key=lambda step: abs(math.log(step / ratio))) * power


def decimals_of(step: float) -> int:
    """How many decimals the multiples of a round step need; negative for steps of tens and more."""
    power = math.floor(math.log10(step) + 1e-9)
    leading = step / 10.0**power
    return -power + (1 if abs(leading - 2.5) < 1e-6 else 0)


def _log(low: float, high: float, about: int) -> tuple[Tick, ...]:
    if low <= 0:
        return ()
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    inside = (low * (1 - 1e-9), high * (1 + 1e-9))
    powers = range(first, last + 1)
    all_of = [float(f"{step}e{power}") for power in powers for step in (1, 2, 5)]
    marks = [value for value in all_of if inside[0] <= value <= inside[1]]
    if len(marks) < 3:
        finer = tuple(tick for tick in _linear(low, high, about) if tick[0] > 0)
        if len(finer) > len(marks):
            return finer
    if len(marks) > about * 1.7:
        every = max(1, math.ceil((last - first) / about))
        tens = (float(f"1e{power}") for power in powers if power % every == 0)
        marks = [value for value in tens if inside[0] <= value <= inside[1]]
    return tuple((value, number(value)) for value in marks)


def _percentiles(low: float, high: float) -> tuple[Tick, ...]:
    values = [*PERCENTILES, *(1 - 10.0**-nines for nines in range(3, 10))]
    return tuple((round(value, 10), percentile(value)) for value in values if low <= value <= high + 1e-12)


def _dates(low: float, high: float, about: int) -> tuple[Tick, ...]:
    start, end = _day(math.ceil(low)), _day(math.floor(high))
    if end < start or high < start or low > end:
        return ()
    days = (end - start) / about
    if days <= _DAY_STEPS[-1] * 1.4:
        return _days(start, end, next((step for step in _DAY_STEPS if step >= days * 0.75), 14))
    months = days / _DAYS_A_MONTH
    step = next((step for step in _MONTH_STEPS if step >= months * 0.75), 0)
    if not step:
        years = months / 12
        step = 12 * max(1, round(round_step(years * about, about)))
    return _months(start, end, step)


def _days(start: int, end: int, step: int) -> tuple[Tick, ...]:
    # Weeks begin on Mondays: day 1 of the calendar was one.
    first = start if step < 7 else start + (1 - start) % 7
    ticks: list[Tick] = []
    year = -1
    for at in range(first, end + 1, step):
        day = date.fromordinal(at)
        ticks.append((float(at), day.isoformat() if day.year != year else f"{day:%m-%d}"))
        year = day.year
    return tuple(ticks)


def _months(start: int, end: int, step: int) -> tuple[Tick, ...]:
    first, last = date.fromordinal(start), date.fromordinal(end)
    ticks: list[Tick] = []
    shown_year = -1
    begin = (first.year * 12 + first.month - 1) // step * step
    for month in range(begin, last.year * 12 + last.month, step):
        year, of_year = divmod(month, 12)
        if not 1 <= year <= 9999:
            continue
        at = date(year, of_year + 1, 1).toordinal()
        if start <= at <= end:
            name = str(year) if step % 12 == 0 else MONTHS[of_year]
            fresh = year != shown_year and step % 12 != 0
            ticks.append((float(at), f"{name} {year}" if fresh else name))
            shown_year = year
    return tuple(ticks)


def _day(value: float) -> int:
    return int(min(max(value, 1.0), float(date.max.toordinal())))


def minmax_decimate(
    x: Sequence[float], y: Sequence[float | None], columns: int
) -> tuple[tuple[float, ...], tuple[float | None, ...]]:
    """The points that a line shows on `columns` columns: of each the first, lowest, highest and last.

    `x` ascends. At most four points and a gap a column are left, in their order, none of them changed; every
    extreme stays, and a gap (None) stays one. Points that are few enough come back as they are.
    """
    if columns < 1 or len(x) <= 4 * columns:
        return tuple(x), tuple(y)
    low, span = x[0], x[-1] - x[0]
    if span <= 0:
        return tuple(x), tuple(y)
    kept: list[int] = []
    column: list[int] = []
    now = 0
    for at, place in enumerate(x):
        of = min(columns - 1, int((place - low) / span * columns))
        if of != now and column:
            kept += _extremes(y, column)
            column = []
        now = of
        column.append(at)
    kept += _extremes(y, column)
    return tuple(x[at] for at in kept), tuple(y[at] for at in kept)


def _extremes(y: Sequence[float | None], column: Sequence[int]) -> list[int]:
    """Indices of the first, lowest, highest and last value of a column, and of one gap."""
    values = [(value, at) for at in column if (value := y[at]) is not None]
    if not values:
        return [column[0]]
    chosen = {values[0][1], min(values)[1], max(values)[1], values[-1][1]}
    gap = next((at for at in column if y[at] is None), None)
    if gap is not None:
        chosen.add(gap)
    return sorted(chosen)
