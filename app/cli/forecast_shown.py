"""A forecast in words for a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.cli.layout import Line
    from assessments.forecast import Forecast, Plan, RunsOut


def shown(
    found: Forecast, notes: list[str], written: list[str], columns: int, *, may_run: bool = False
) -> list[Line]:
    """The forecast for people; `may_run` says that replicas are how many there may be, not are."""
    from app.cli.layout import line, plain, wrapped

    plan = found.plan
    lines: list[Line] = []
    if found.needed is not None:
        more = (
            f" (conservative {found.conservative:,}, with a spare {found.with_spare:,})"
            if found.conservative is not None
            else ""
        )
        running = "" if plan.running is None else f" {plan.running:,} {'may run' if may_run else 'run now'}."
        lines += wrapped(
            f"{counted_replicas(found.needed)} carr{'ies' if found.needed == 1 else 'y'} the peak of "
            f"{plan.peak_per_s:,.6g} requests/s at {_percent(plan.utilisation)} utilisation{more}.{running}",
            columns,
            "strong",
        )
        lines.append(line(""))
    rows = [("capacity of a replica", f"{_bounded(_g, *_three(plan.capacity))} requests/s")]
    if found.target_per_replica is not None:
        rows.append(
            (
                "autoscaling target",
                f"{found.target_per_replica:.6g} requests/s a replica: {_percent(plan.utilisation)} of the "
                f"lower bound {plan.capacity.low:g}",
            )
        )
    else:
        rows.append(("autoscaling target", "not known: it needs the lower bound of the capacity (--low)"))
    if found.cost is not None:
        cost = _bounded(_four, found.cost.value, found.cost.low, found.cost.high)
        rows.append(
            ("cost per million", f"{cost} {found.cost.currency}, at {_price_text(found)} for a replica-hour")
        )
    for name, axis in found.axes.items():
        rows.append((name, _axis_sentence(axis, plan)))
        rows.append(("", f"growth {axis.axis.growth.text} from {found.start.isoformat()}; {axis.method}"))
    wide = max(len(title) for title, _ in rows) + 2
    for title, text in rows:
        lines += wrapped(f"{title:<{wide}}{plain(text)}", columns, "" if title else "muted", " " * wide)
    if written or notes:
        lines.append(line(""))
    for sentence in written:
        lines += wrapped(plain(sentence), columns)
    for note in notes:
        lines += wrapped(f"note: {plain(note)}", columns, "muted", "  ")
    return lines


def _axis_sentence(found: RunsOut, plan: Plan) -> str:
    limit = f"{found.axis.limit.value:,.6g}{found.axis.unit.removeprefix('1')}"
    carry = "carries" if plan.running == 1 else "carry"
    what = f"the {limit} that {counted_replicas(plan.running or 0)} {carry} at {_percent(plan.utilisation)}"
    if found.is_over:
        carried = plan.capacity.value * (plan.running or 0)
        over = "and over their whole capacity" if found.axis.now > carried else "but not over their capacity"
        text = f"over already: the peak of {found.axis.now:,.6g}/s is at or over {what}, {over}"
        if (months := found.months[0]) is not None and months < 0:
            day = found.days[0]
            text += f"; by this growth since {_four(-months)} months" + (f" ({day})" if day else "")
        return text
    if found.never:
        text = f"does not run out: nothing grows towards {what}"
        if found.months[1] is not None:
            return f"{text}, at the middle of the growth given; at its upper end on {found.days[1]}"
    elif not found.within_horizon:
        text = f"does not run out within the horizon of {found.horizon_months:g} months"
    else:
        value, low, high = (None if day is None else day.isoformat() for day in found.days)
        text = f"runs out on {_dated(value, low, high, found)}, in {_monthly(found)} months"
        return text
    if found.months[1] is not None:
        text += f"; at the earliest on {found.days[1]}"
    return text


def _dated(value: str | None, low: str | None, high: str | None, found: RunsOut) -> str:
    if low is None and high is None and not found.beyond_horizon:
        return str(value)
    late = "beyond the horizon" if "high" in found.beyond_horizon else high or "?"
    return f"{value} [{low or '?'}, {late}]"


def _monthly(found: RunsOut) -> str:
    value, low, high = found.months
    if low is None and high is None:
        return _four(value)
    late = "…" if "high" in found.beyond_horizon else "?" if high is None else _four(high)
    return f"{_four(value)} [{'?' if low is None else _four(low)}, {late}]"


def _three(estimate: Any) -> tuple[float, float | None, float | None]:
    return estimate.value, estimate.low, estimate.high


def _bounded(show: Callable[[float | None], str], value: float, low: float | None, high: float | None) -> str:
    """`value [low, high]`; an end that is not known is a question mark."""
    if low is None and high is None:
        return show(value)
    return f"{show(value)} [{'?' if low is None else show(low)}, {'?' if high is None else show(high)}]"


def _price_text(found: Forecast) -> str:
    """The hourly price with two decimals, or more where it has more."""
    price = found.plan.price_per_hour or 0.0
    return f"{price:.2f}" if round(price, 2) == price else f"{price:g}"


def _four(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _g(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def _percent(share: float) -> str:
    return f"{share * 100:g} %"


def counted_replicas(replicas: int) -> str:
    """`1 replica`, `1,200 replicas`."""
    return "1 replica" if replicas == 1 else f"{replicas:,} replicas"
