"""The load story: what one replica carries and why not more, cause before detail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.report.model import (
    Block,
    Bullets,
    Callout,
    Cell,
    Column,
    Columns,
    Figure,
    Heading,
    Paragraph,
    Section,
    Span,
    Table,
    text,
)
from app.report.sections import load_charts, pressure, streaming
from app.report.sections.run_words import (
    GRADES,
    LIMITED_BY,
    Run,
    client_limited,
    error_share,
    latency_limit,
    most_answered,
    number,
    objective_words,
    part,
    share_words,
    steps_of,
)
from app.report.view import View, sentence
from assessments.wording import NO_BREAK, amount, binary_bytes, capital, counted, estimate

RATE = "req/s"
RESOURCES = {
    "cpu": "processors",
    "quota": "CPU quota",
    "thread": "busiest thread",
    "gil": "interpreter lock (GIL)",
    "memory": "memory",
    "gpu": "GPU",
    "disk": "disk",
    "network": "network",
}
ERROR_CLASSES = {
    "connect": "no connection",
    "reset": "connection reset",
    "protocol": "not understood",
    "status_4xx": "status 4xx",
    "status_5xx": "status 5xx",
    "throttled": "throttled (429)",
    "redirect": "redirected",
    "tls": "TLS",
    "assertion": "not the expected answer",
    "empty": "empty answer",
}


def section(view: View, number_: str) -> Section:
    """What happened under load, told by the newest run with a capacity."""
    run = view.run
    kicker = f"{number_}  The load story"
    if run is None:
        return Section("load", "The load story", "No load run is part of this assessment", _without(), kicker)
    blocks: list[Block] = [
        *_grade_notice(run),
        *_figures(view, run),
        *_cause(run),
        *_steps(run),
        *_errors(run),
        *streaming.blocks(run),
        *pressure.blocks(run),
        *_client(run),
    ]
    return Section("load", "The load story", title_of(run), tuple(blocks), kicker, text(lead_of(run)))


def _without() -> tuple[Block, ...]:
    return (
        Paragraph(
            text(
                "Nothing was put under load, so nothing here is known: not what one replica carries, not "
                "what "
                "gives out first, not how long requests take. Claims about load stand on somebody's word "
                "alone."
            )
        ),
        Paragraph(
            text(
                Span("What to do: ", "strong"),
                'run loadstone probe TARGET --slo "p99<=200ms,errors<=1%" --assessment NAME. It takes '
                "about two "
                "minutes, finds the highest rate at which the objective holds, and watches the replica "
                "meanwhile.",
            )
        ),
    )


def title_of(run: Run) -> str:
    """The finding in one sentence, with its cause where it is known."""
    if client_limited(run):
        return "What one replica carries is not known: the client was the limit"
    capacity = part(run, "capacity")
    rate, low = (number(capacity.get(key)) for key in ("rate_per_s", "low"))
    bound, cause = capacity.get("bound"), LIMITED_BY.get(str(capacity.get("limited_by")))
    if bound == "at_least":
        least = rate if rate is not None else low
        least_words = "an unknown rate" if least is None else f"{amount(least)}{NO_BREAK}{RATE}"
        return f"One replica carries at least {least_words}; its limit was not reached"
    if bound == "unmet_at_minimum":
        return "One replica misses its objective even at the lowest rate tried"
    if rate is None:
        return "Where one replica stops could not be told"
    carried = f"{'about ' if bound == 'provisional' else ''}{amount(rate)}{NO_BREAK}{RATE}"
    if cause is not None:
        return f"One replica stops at {carried} because {cause}"
    if not capacity.get("slo"):
        return f"One replica saturates at {carried}; what gives out was not identified"
    return f"One replica carries {carried} within its objective; what gives out was not identified"


def lead_of(run: Run) -> str:
    """Two or three sentences: how it answers below, what happens at the limit, what happens beyond."""
    capacity = part(run, "capacity")
    said = []
    steady = [step for step in load_charts.open_steps(run) if step.get("verdict") == "steady"]
    limit = latency_limit(run)
    name = limit[0] if limit else "p99"
    kept = [step for step in steady if _within(step, name, limit)]
    if kept:
        step = max(kept, key=lambda entry: float(entry.get("offered_per_s") or 0))
        response = number(part(step, "response_ms").get(name))
        if response is not None:
            said.append(
                f"At {amount(float(step['offered_per_s']))}{NO_BREAK}{RATE} the service answers in "
                f"{amount(response)}{NO_BREAK}ms at {name}."
            )
    rate, low, high = (number(capacity.get(key)) for key in ("rate_per_s", "low", "high"))
    if rate is not None and (low is not None or high is not None):
        sure = "provisional: " if capacity.get("bound") == "provisional" else f"95{NO_BREAK}% interval "
        ends = " to ".join("?" if end is None else amount(end) for end in (low, high))
        is_ = "came out as" if client_limited(run) else "is"
        counts = ", which does not count" if client_limited(run) else ""
        said.append(
            f"The highest rate with {objective_words(run)} {is_} {amount(rate)} ({sure}{ends}){counts}."
        )
    if capacity.get("because"):
        said.append(sentence(str(capacity["because"])))
    top = most_answered(run)
    if top is not None and not client_limited(run):
        said.append(f"More than {amount(top)}{NO_BREAK}{RATE} is not answered, however many ask at once.")
    if not said:
        said.append(sentence(str(capacity.get("reason") or "No capacity was established")))
    return " ".join(said)


def _within(step: Mapping[str, Any], name: str, limit: tuple[str, float] | None) -> bool:
    value = number(part(step, "response_ms").get(name))
    return value is not None and (limit is None or value <= limit[1])


def _grade_notice(run: Run) -> list[Block]:
    about = part(run, "run")
    blocks: list[Block] = []
    if about.get("status") not in ("completed", None):
        reason = f": {about['reason']}" if about.get("reason") else ""
        said = sentence(f"what is shown was measured until then{reason}")
        blocks.append(Callout(f"This run was {about['status']}", (text(said),), "warn"))
    grade = str(about.get("grade"))
    if grade not in ("valid", "None"):
        reason = f" ({about['grade_reason']})" if about.get("grade_reason") else ""
        said = sentence(f"{GRADES.get(grade, grade)}{reason}")
        blocks.append(Paragraph(text(Span("How far to trust this run: ", "warn"), said)))
    return blocks


def _figures(view: View, run: Run) -> list[Block]:
    blocks: list[Block] = []
    response = load_charts.response_chart(run)
    if response is not None:
        blocks.append(Figure(response, height=165))
    else:
        blocks.append(
            Paragraph(
                text(
                    "Fewer than two steps with enough requests for a percentile: there is no curve, the "
                    "table "
                    "has what was measured."
                ),
                "small",
            )
        )
    _add_pair(blocks, load_charts.answered_chart(run), load_charts.resources_chart(view, run))
    flame = load_charts.flame_chart(run)
    if flame is not None:
        rows = 1 + max((frame.depth for frame in flame.frames), default=0)
        blocks.append(Figure(flame, height=24.0 + 16.0 * rows))
    _add_pair(blocks, load_charts.distribution_chart(run), load_charts.law_chart(run))
    return blocks


def _add_pair(blocks: list[Block], left: Any, right: Any) -> None:
    there = [Figure(spec, height=112) for spec in (left, right) if spec is not None]
    if len(there) == 2:
        blocks.append(Columns(((there[0],), (there[1],))))
    else:
        blocks += there


def _cause(run: Run) -> list[Block]:
    capacity = part(run, "capacity")
    limited = str(capacity.get("limited_by") or "")
    blocks: list[Block] = [Heading("What limits it", 2)]
    if limited in LIMITED_BY:
        blocks.append(
            Paragraph(
                text(
                    Span(f"{capital(LIMITED_BY[limited])}. ", "strong"),
                    sentence(str(capacity.get("because") or "")),
                )
            )
        )
    else:
        because = f" {sentence(str(capacity['because']))}" if capacity.get("because") else ""
        blocks.append(
            Paragraph(
                text(
                    Span("Not identified. ", "strong"),
                    "No resource was full enough, by enough, to be named: naming one needs its use at "
                    "saturation "
                    f"and the next one's clearly below.{because}",
                )
            )
        )
    if capacity.get("confirm_by"):
        blocks.append(Paragraph(text(Span("To confirm: ", "strong"), sentence(str(capacity["confirm_by"])))))
    bounds = [entry for entry in capacity.get("bounds") or () if isinstance(entry, Mapping)]
    if bounds:
        blocks.append(_bounds(bounds))
    hot = [entry for entry in run.get("hotspots") or () if isinstance(entry, Mapping)]
    if hot:
        rows = tuple(
            (
                text(str(entry.get("function", "?"))),
                text(Span(_place(entry), "muted")),
                text(share_words(number(entry.get("share")))),
                text(share_words(number(entry.get("gil_share")))),
            )
            for entry in hot[:12]
        )
        columns = (
            Column("Function", 1.2),
            Column("Where", 1.4),
            Column("of samples", align="right"),
            Column("holding the GIL", align="right"),
        )
        blocks.append(Table(columns, rows, "Stacks sampled while the load was on; shares of all samples."))
    return blocks


def _bounds(entries: Sequence[Mapping[str, Any]]) -> Table:
    """How full each resource was at saturation, and what it allows."""

    def cell(entry: Mapping[str, Any], key: str) -> str:
        value = number(entry.get(key))
        return "–" if value is None else amount(value)

    rows = tuple(
        (
            text(RESOURCES.get(str(entry.get("resource")), str(entry.get("resource", "?")))),
            text(share_words(number(entry.get("utilisation")))),
            text(cell(entry, "demand_ms")),
            text(cell(entry, "bound_per_s")),
            text(Span(str(entry.get("note") or ""), "muted")),
        )
        for entry in entries
    )
    columns = (
        Column("Resource", 0.8),
        Column("used", align="right"),
        Column("ms a request", align="right"),
        Column(f"allows, {RATE}", align="right"),
        Column("", 1.6),
    )
    return Table(
        columns, rows, "Use at saturation, what a request needs of it, and the rate that this allows."
    )


def _place(entry: Mapping[str, Any]) -> str:
    file, line = entry.get("file"), entry.get("line")
    return f"{file}, line {line}" if file and line else str(file or "–")


def _steps(run: Run) -> list[Block]:
    steps = steps_of(run)
    if not steps:
        return []
    rows: list[tuple[Cell, ...]] = []
    for step in steps:
        response = part(step, "response_ms")
        rss, cores = number(step.get("rss_bytes")), number(step.get("cpu_cores"))
        load = (
            counted(int(step["concurrency"]), "caller")
            if step.get("mode") == "closed" and number(step.get("concurrency")) is not None
            else f"{_rate(step.get('offered_per_s'))}{NO_BREAK}{RATE}"
        )
        rows.append(
            (
                text(load),
                text(_rate(step.get("achieved_per_s"))),
                text(_whole(step.get("sent"))),
                text(_rate(response.get("p50"))),
                text(_interval(response)),
                text(share_words(error_share(step))),
                text("–" if cores is None else amount(cores)),
                text("–" if rss is None else binary_bytes(rss)),
                text(Span(str(step.get("verdict") or "–").replace("_", " "), "muted")),
            )
        )
    columns = (
        Column("Load", align="right"),
        Column("answered", align="right"),
        Column("requests", align="right"),
        Column("p50, ms", align="right"),
        Column("p99, ms", align="right"),
        Column("errors", align="right"),
        Column("CPU, cores", align="right"),
        Column("memory", align="right"),
        Column("verdict"),
    )
    caption = (
        "In the order in which they were run. Times are from the moment a request was due, so that waiting "
        "counts. – : not measured, or too few requests for this percentile (p99 with its interval takes 368)."
    )
    return [Heading("Every step", 2), Table(columns, tuple(rows), caption, dense=True)]


def _rate(value: Any) -> str:
    found = number(value)
    return "–" if found is None else amount(found)


def _whole(value: Any) -> str:
    found = number(value)
    return "–" if found is None else f"{int(found):,}"


def _interval(response: Mapping[str, Any]) -> str:
    value = number(response.get("p99"))
    if value is None:
        return "–"
    return estimate(value, number(response.get("p99_low")), number(response.get("p99_high")))


def _errors(run: Run) -> list[Block]:
    counts: dict[str, int] = {}
    sent = 0
    for step in steps_of(run):
        sent += int(step.get("sent") or 0)
        for name, count in {**part(step, "errors"), "timeouts": step.get("timeouts") or 0}.items():
            counts[name] = counts.get(name, 0) + int(count)
    found = {name: count for name, count in counts.items() if count}
    if not sent:
        return []
    if not found:
        most = 1.0 - 0.05 ** (
            1.0 / sent
        )  # the exact 95 % upper bound where none of n failed: (1 − p)ⁿ = 0.05
        said = (
            f"None of {counted(sent, 'request')} failed, so at most {share_words(most)} do (95{NO_BREAK}%)."
        )
        return [Heading("Errors", 2), Paragraph(text(said))]
    rows = tuple(
        (
            text("timed out" if name == "timeouts" else ERROR_CLASSES.get(name, name.replace("_", " "))),
            text(f"{count:,}"),
            text(share_words(count / sent)),
        )
        for name, count in sorted(found.items(), key=lambda entry: -entry[1])
    )
    columns = (Column("What failed", 1.0), Column("requests", align="right"), Column("share", align="right"))
    return [
        Heading("Errors", 2),
        Table(columns, rows, f"Of {counted(sent, 'request')} over all steps.", dense=True),
    ]


def _client(run: Run) -> list[Block]:
    about, client = part(run, "run"), part(run, "client")
    grade = str(about.get("grade") or "not graded")
    items = [text(Span("Grade: ", "strong"), sentence(GRADES.get(grade, grade)))]
    cores, cost = number(client.get("cpu_cores")), number(client.get("cpu_us_per_request"))
    if cores is not None:
        more = "" if cost is None else f", {amount(cost)}{NO_BREAK}µs a request"
        items.append(text(f"It used {amount(cores)} cores{more} to send and receive."))
    floor = part(client, "floor_ms")
    round_trip = [number(floor.get(f"round_trip_{name}")) for name in ("p50", "p99")]
    if None not in round_trip:
        items.append(
            text(
                f"An empty request on this machine takes {amount(round_trip[0] or 0)}{NO_BREAK}ms (p50) and "
                f"{amount(round_trip[1] or 0)}{NO_BREAK}ms (p99): no shorter time means anything."
            )
        )
    unsent = sum(int(step.get("unsent") or 0) for step in steps_of(run))
    if unsent:
        items.append(text(f"{counted(unsent, 'request')} could not be sent on time and count as waiting."))
    return [Heading("The client judges itself", 2), Bullets(tuple(items))]
