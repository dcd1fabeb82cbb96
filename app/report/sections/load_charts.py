"""The charts of the load story, from the steps of a run. A chart is None where there is too little for it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.charts.spec import (
    Axis,
    Finding,
    FlameChart,
    Frame,
    Limit,
    Note,
    Series,
    XYChart,
)
from app.report.sections.run_words import (
    Run,
    client_limited,
    error_share,
    latency_limit,
    most_answered,
    number,
    part,
    share_words,
    steps_of,
)
from app.report.view import View
from assessments.wording import NO_BREAK, amount, binary_bytes, counted, estimate, percent

RATE = "req/s"
MS = f"{NO_BREAK}ms"
_LOG_FROM = 8.0
"""Times that span more than so many times are drawn on a log axis."""
_ONE_IN = {
    "p50": "half of the requests take",
    "p90": "one request in 10 takes",
    "p95": "one request in 20 takes",
    "p99": "one request in 100 takes",
    "p999": "one request in 1,000 takes",
}
_PERCENTILES = (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999))


def open_steps(run: Run) -> list[Mapping[str, Any]]:
    """The steps of an open loop, by their rate."""
    steps = [
        step
        for step in steps_of(run)
        if step.get("mode") == "open" and number(step.get("offered_per_s")) is not None
    ]
    return sorted(steps, key=lambda step: float(step["offered_per_s"]))


def closed_steps(run: Run) -> list[Mapping[str, Any]]:
    """The steps of a closed loop, by the number of callers."""
    steps = [
        step
        for step in steps_of(run)
        if step.get("mode") == "closed" and number(step.get("concurrency")) is not None
    ]
    return sorted(steps, key=lambda step: float(step["concurrency"]))


def _value(step: Mapping[str, Any], name: str) -> float | None:
    return number(part(step, "response_ms").get(name))


@dataclass(frozen=True, slots=True)
class Timed:
    """The time that is drawn: where a step has it, what it is called, its objective as percentile and ms."""

    where: tuple[str, ...] = ("response_ms",)
    name: str = "Response time"
    short: str = ""
    limit: tuple[str, float] | None = None

    def value(self, step: Mapping[str, Any], percentile: str) -> float | None:
        """The percentile in ms; None where the step has it not."""
        for key in self.where:
            step = part(step, key)
        return number(step.get(percentile))


_TOKENS = {
    "ttft": ("Time to first token", "First token "),
    "tpot": ("Time per output token", "Time per token "),
}
_TOKEN_BOUND = re.compile(r"(ttft|tpot)_(p\d+)_ms")


def timed(run: Run) -> Timed:
    """Response time, or the time of tokens where the objective is on that alone: the bound that decided."""
    limit = latency_limit(run)
    capacity = part(run, "capacity")
    bounds = [
        (match[1], match[2], at)
        for key, value in part(capacity, "slo").items()
        if (match := _TOKEN_BOUND.fullmatch(str(key))) and (at := number(value)) is not None
    ]
    if limit is not None or not bounds:
        return Timed(limit=limit)
    decided = str(capacity.get("decided_by") or "")
    of, percentile, at = next((one for one in bounds if decided.startswith(f"{one[0]}_{one[1]}")), bounds[0])
    return Timed(("streaming", f"{of}_ms"), *_TOKENS[of], (percentile, at))


def _percentile_of(time: Timed, steps: Sequence[Mapping[str, Any]]) -> str | None:
    """The percentile that is drawn: that of the objective, else the highest that two steps have."""
    names = dict.fromkeys(([time.limit[0]] if time.limit else []) + ["p99", "p95", "p90", "p50"])
    known = (name for name in names if sum(time.value(step, name) is not None for step in steps) >= 2)
    return next(known, None)


def response_chart(run: Run) -> XYChart | None:
    """Response time (or that of tokens) against the rate that was offered, with objective and capacity."""
    steps, time = open_steps(run), timed(run)
    name = _percentile_of(time, steps)
    if name is None:
        return None
    rates = tuple(float(step["offered_per_s"]) for step in steps)
    high = tuple(time.value(step, name) for step in steps)
    series = [
        Series(
            name,
            rates,
            high,
            measured=True,
            low=tuple(time.value(step, f"{name}_low") for step in steps),
            high=tuple(time.value(step, f"{name}_high") for step in steps),
        )
    ]
    medians = tuple(time.value(step, "p50") for step in steps)
    if name != "p50" and sum(value is not None for value in medians) >= 2:
        series.append(Series("p50", rates, medians, style="s3"))
    limit = time.limit
    limits: tuple[Limit, ...] = ()
    if limit is not None and limit[0] == name:
        limits = (Limit(limit[1], f"objective {name} ≤ {amount(limit[1])}{MS}"),)
    requests = sum(int(step.get("sent") or 0) for step in steps)
    failed = _failed_words(steps)
    since = "" if time.where[-1] == "tpot_ms" else " from the due moment"
    return XYChart(
        title=_response_title(run, name, time, steps),
        x=Axis(f"offered, {RATE}", low=0.0),
        y=_time_axis(time.name, [*high, *medians, *(line.at for line in limits)]),
        series=tuple(series),
        limits=limits,
        findings=_capacity_finding(run),
        caption=(
            f"{time.name}{since}, open loop, {_arrivals(run)}; "
            f"{counted(requests, 'request')}, "
            f"{failed}. Whiskers: 95{NO_BREAK}% intervals where there are enough requests."
        ),
    )


def _response_title(run: Run, name: str, time: Timed, steps: Sequence[Mapping[str, Any]]) -> str:
    limit, said = time.limit, f"{time.short}{name}"
    capacity = part(run, "capacity")
    rate = number(capacity.get("rate_per_s"))
    if (
        limit is not None
        and limit[0] == name
        and rate is not None
        and capacity.get("bound") in ("bracketed", "provisional")
    ):
        carried = estimate(rate, number(capacity.get("low")), number(capacity.get("high")), RATE)
        about = "about " if capacity["bound"] == "provisional" else ""
        title = f"{said} leaves the objective at {about}{carried}"
        return f"Not counted: {title}" if client_limited(run) else title
    if limit is not None and limit[0] == name:
        over = [step for step in steps if (time.value(step, name) or 0.0) > limit[1]]
        if not over:
            return f"{said} keeps the objective in every step"
        return f"{said} is over the objective at {amount(float(over[0]['offered_per_s']))}{NO_BREAK}{RATE}"
    last = [step for step in steps if time.value(step, name) is not None][-1]
    return (
        f"{said} is {amount(time.value(last, name) or 0.0)}{MS} at "
        f"{amount(float(last['offered_per_s']))}{NO_BREAK}{RATE}"
    )


def _capacity_finding(run: Run) -> tuple[Finding, ...]:
    capacity = part(run, "capacity")
    rate, low, high = (number(capacity.get(key)) for key in ("rate_per_s", "low", "high"))
    if rate is None:
        return ()
    inside = low is not None and high is not None and low <= rate <= high
    ends = f"{amount(low or 0.0)}–{amount(high or 0.0)}" if inside else ""
    if capacity.get("bound") == "provisional":
        ends = f"{ends} provisional".strip()
    return (
        Finding(
            rate, f"{amount(rate)}{NO_BREAK}{RATE}", low if inside else None, high if inside else None, ends
        ),
    )


def _time_axis(label: str, values: Sequence[float | None]) -> Axis:
    there = [value for value in values if value is not None and value > 0]
    if there and max(there) / min(there) > _LOG_FROM:
        return Axis(f"{label}, ms (log scale)", "log")
    return Axis(f"{label}, ms", low=0.0)


def _arrivals(run: Run) -> str:
    arrivals = part(run, "load").get("arrivals")
    return {"poisson": "Poisson arrivals", "constant": "constant arrivals"}.get(
        str(arrivals), "open arrivals"
    )


def _failed_words(steps: Sequence[Mapping[str, Any]]) -> str:
    shares = [share for share in map(error_share, steps) if share is not None]
    if not shares:
        return "errors were not counted"
    return "no errors" if max(shares) == 0 else f"at most {share_words(max(shares))} errors in a step"


def answered_chart(run: Run) -> XYChart | None:
    """What was answered against what was offered, with the saturation."""
    steps = [step for step in open_steps(run) if number(step.get("achieved_per_s")) is not None]
    if len(steps) < 2:
        return None
    rates = tuple(float(step["offered_per_s"]) for step in steps)
    answered = tuple(float(step["achieved_per_s"]) for step in steps)
    top = most_answered(run)
    limits = () if top is None else (Limit(top, f"most answered {amount(top)}", "note"),)
    saturated = [step for step in steps if step.get("verdict") == "saturated"]
    if saturated:
        from_rate = amount(float(saturated[0]["offered_per_s"]))
        title = f"From {from_rate}{NO_BREAK}{RATE} on it answers less than is asked"
    else:
        title = f"It answers everything up to {amount(rates[-1])}{NO_BREAK}{RATE}"
    return XYChart(
        title=title,
        x=Axis(f"offered, {RATE}", low=0.0),
        y=Axis(f"answered, {RATE}", low=0.0),
        series=(
            Series("answered", rates, answered, measured=True),
            Series("answered = offered", (0.0, rates[-1]), (0.0, rates[-1]), style="s3", dashed=True),
        ),
        limits=limits,
        caption="Good answers a second in each step"
        + ("." if top is None else "; the line is the highest throughput at any number of callers."),
    )


def resources_chart(view: View, run: Run) -> XYChart | None:
    """Use of the processor and of memory against throughput, in percent of what there is."""
    steps = [
        step
        for step in steps_of(run)
        if number(step.get("achieved_per_s")) is not None and number(step.get("cpu_cores")) is not None
    ]
    steps.sort(key=lambda step: float(step["achieved_per_s"]))
    machine = part(part(run, "run"), "machine")
    cores = number(machine.get("cpu_usable")) or number(machine.get("cpu_count"))
    if len(steps) < 2 or not cores:
        return None
    rates = tuple(float(step["achieved_per_s"]) for step in steps)
    cpu = tuple(100.0 * float(step["cpu_cores"]) / cores for step in steps)
    series = [Series(f"CPU {max(cpu):.0f}{NO_BREAK}%", rates, cpu, measured=True, line=False)]
    limit = view.number("infra.kubernetes.memory_limit_bytes")
    memory: tuple[float | None, ...] = ()
    if limit:
        sizes = [number(step.get("rss_bytes")) for step in steps]
        memory = tuple(None if size is None else 100.0 * size / limit for size in sizes)
    there = [share for share in memory if share is not None]
    if there:
        series.append(
            Series(f"memory {max(there):.0f}{NO_BREAK}%", rates, memory, "s2", measured=True, line=False)
        )
    most = max(float(step["cpu_cores"]) for step in steps)
    title = f"It used {amount(most)} of {amount(cores)} cores at most"
    if there and max(there) > 85:
        title = f"Memory reaches {max(there):.0f}{NO_BREAK}% of its limit, CPU {max(cpu):.0f}{NO_BREAK}%"
    caption = f"Every step; CPU of {counted(int(cores), 'core')} of this machine"
    caption += f", memory of its limit of {binary_bytes(limit)}." if limit and there else "."
    return XYChart(
        title=title,
        x=Axis(f"answered, {RATE}", low=0.0),
        y=Axis("use, %", low=0.0, high=100.0 if max([*cpu, *there], default=0.0) <= 100 else None),
        series=tuple(series),
        caption=caption,
    )


def flame_chart(run: Run) -> FlameChart | None:
    """Where the samples were, callers above callees; without callers the functions alone."""
    spots = [entry for entry in run.get("hotspots") or () if number(entry.get("share"))]
    if not spots:
        return None
    spots.sort(key=lambda entry: -float(entry["share"]))
    first = spots[0]
    of = str(part(run, "stacks").get("of") or "threads that compute")
    waits = of == "all threads"
    return FlameChart(
        title=f"{percent(float(first['share']))} of the samples are in {first.get('function', '?')} itself",
        frames=_stack_frames(run, first) or _spot_frames(spots),
        caption="Stacks sampled at saturation"
        + (", of all threads: little is computed, they wait." if waits else f", of {of}."),
    )


def _stack_frames(run: Run, hottest: Mapping[str, Any]) -> tuple[Frame, ...]:
    """The frames of the run's flame graph; the widest of the hottest function is strong."""
    entries = [
        entry
        for entry in run.get("flame") or ()
        if all(number(entry.get(key)) is not None for key in ("depth", "start", "share"))
    ]
    names = ("name", "file")
    wanted = (hottest.get("function"), hottest.get("file"))
    hot = max(
        (entry for entry in entries if tuple(entry.get(key) for key in names) == wanted),
        key=lambda entry: float(entry["share"]),
        default=None,
    )
    return tuple(
        Frame(
            str(entry.get("name", "?")), _place(entry), int(entry["depth"]), float(entry["start"]),
            float(entry["share"]), entry is hot,
        )
        for entry in entries
    )  # fmt: skip


def _spot_frames(spots: Sequence[Mapping[str, Any]]) -> tuple[Frame, ...]:
    frames = [Frame("all samples", "", 0, 0.0, 1.0)]
    start = 0.0
    for place, entry in enumerate(spots[:20]):
        share = min(float(entry["share"]), 1.0 - start)
        if share <= 0:
            break
        name = str(entry.get("function", "?"))
        frames.append(Frame(name, _place(entry), 1, start, share, place == 0))
        start += share
    return tuple(frames)


def _place(entry: Mapping[str, Any]) -> str:
    line = f":{entry['line']}" if entry.get("line") else ""
    return f"{entry.get('file', '')}{line}"


def distribution_chart(run: Run) -> XYChart | None:
    """The percentiles of response time in the step nearest below the capacity, else in the last one."""
    steps = [
        step for step in steps_of(run) if sum(_value(step, name) is not None for name, _ in _PERCENTILES) >= 3
    ]
    if not steps:
        return None
    step = _telling_step(run, steps)
    points = [(share, name, _value(step, name)) for name, share in _PERCENTILES]
    there = [(share, name, value) for share, name, value in points if value is not None]
    limit = latency_limit(run)
    last_share, last_name, last = there[-1]
    reached = next(
        ((share, name, value) for share, name, value in there if limit and name == limit[0]), there[-1]
    )
    rate = number(step.get("offered_per_s" if step.get("mode") == "open" else "achieved_per_s"))
    where = f"At {amount(rate)}{NO_BREAK}{RATE}" if rate is not None else "In this step"
    loop = "open loop"
    if step.get("mode") != "open":
        callers = float(step["concurrency"])
        loop = f"{amount(callers)} {'caller' if callers == 1 else 'callers'} at once"
    bounds = [
        (
            number(part(step, "response_ms").get(f"{name}_low")),
            number(part(step, "response_ms").get(f"{name}_high")),
        )
        for _, name, _ in there
    ]
    banded = any(low is not None for low, _ in bounds)
    return XYChart(
        title=f"{where}, {_ONE_IN[reached[1]]} over {amount(reached[2])}{MS}",
        x=Axis("percentile", "percentile"),
        y=_time_axis("Response time", [value for _, _, value in there] + ([limit[1]] if limit else [])),
        series=(
            Series(
                "",
                tuple(share for share, _, _ in there),
                tuple(value for _, _, value in there),
                measured=True,
                low=tuple(low for low, _ in bounds) if banded else (),
                high=tuple(high for _, high in bounds) if banded else (),
            ),
        ),
        limits=(Limit(limit[1], f"{amount(limit[1])}{MS}"),) if limit else (),
        notes=(Note(last_share, last, f"{_dotted(last_name)} {amount(last)}{MS}", strong=True),),
        caption=f"{counted(int(step.get('ok') or 0), 'request')}, {loop}"
        + (
            f"; whiskers: order statistics, 95{NO_BREAK}%."
            if banded
            else "; too few for an interval at the end."
        ),
    )


def _dotted(name: str) -> str:
    """`p99.9` for `p999`."""
    return name.replace("p999", "p99.9")


def _telling_step(run: Run, steps: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    rate = number(part(run, "capacity").get("rate_per_s"))
    kept = [step for step in open_steps(run) if rate is not None and step["offered_per_s"] <= rate * 1.02]
    below = [step for step in kept if step in steps]
    if below:
        return max(below, key=lambda step: (_value(step, "p99") is not None, step["offered_per_s"]))
    return steps[-1]


def law_chart(run: Run) -> XYChart | None:
    """Throughput against requests in flight, with the scalability law or the reason why there is none."""
    steps = [step for step in closed_steps(run) if number(step.get("achieved_per_s")) is not None]
    law = part(run, "scalability")
    if len(steps) < 3:
        return None
    callers = tuple(float(step["concurrency"]) for step in steps)
    rates = tuple(float(step["achieved_per_s"]) for step in steps)
    measured = Series("measured", callers, rates, "s1", measured=True, line=False)
    axes = (Axis("requests at once", low=0.0), Axis(f"throughput, {RATE}", low=0.0))
    sigma, kappa, lambda_ = (number(law.get(name)) for name in ("sigma", "kappa", "lambda"))
    best = max(rates)
    at = callers[rates.index(best)]
    title = f"Throughput is highest at {amount(at)} requests at once: {amount(best)}{NO_BREAK}{RATE}"
    if lambda_ is None or sigma is None or kappa is None:
        why = law.get("refused")
        caption = "Closed loop. " + (f"No scalability law is given: {why}." if why else "No law was fitted.")
        return XYChart(title=title, x=axes[0], y=axes[1], series=(measured,), caption=caption)
    grid = tuple(1.0 + (max(callers) - 1.0) * place / 60 for place in range(61))
    curve = tuple(_throughput(lambda_, sigma, kappa, callers_) for callers_ in grid)
    low, high = part(law, "low"), part(law, "high")
    peak = number(law.get("peak_concurrency"))
    coherency = estimate(kappa, number(low.get("kappa")), number(high.get("kappa")))
    told = f"contention σ {estimate(sigma, number(low.get('sigma')), number(high.get('sigma')))}"
    if peak is None:
        beyond = f"no peak found up to {amount(max(callers))}"
        title = f"More requests at once do not help beyond {amount(at)}" if at < max(callers) else title
    else:
        ends = [number(bound.get("peak_concurrency")) for bound in (low, high)]
        beyond = f"peak at {estimate(peak, ends[0], ends[1])}"
        title = f"Throughput is highest at {amount(peak)} requests at once"
    middle = len(grid) // 2
    return XYChart(
        title=title,
        x=axes[0],
        y=axes[1],
        series=(Series("law", grid, curve, "s3"), measured),
        notes=(
            Note(grid[middle], curve[middle] * 0.55, told),
            Note(grid[middle], curve[middle] * 0.35, f"coherency κ {coherency}"),
            Note(grid[middle], curve[middle] * 0.15, beyond),
        ),
        caption=f"Closed loop; universal scalability law, {law.get('variant', '3-parameter')}; "
        f"95{NO_BREAK}% by bootstrap.",
    )


def _throughput(lambda_: float, sigma: float, kappa: float, callers: float) -> float:
    """Gunther's law, as `probes.analysis.scalability` fits it."""
    return lambda_ * callers / (1.0 + sigma * (callers - 1.0) + kappa * callers * (callers - 1.0))
