"""The axes of growth: their scores beside the measured distance to their limits."""

from __future__ import annotations

from dataclasses import dataclass

from app.report.model import Block, Cell, Column, Heading, Span, Table, plain, text
from app.report.sections.claim_words import growth_words
from app.report.sections.run_words import number, part
from app.report.sections.score_words import score_cells, score_of
from app.report.sections.size_words import growth_sentence
from app.report.view import View
from assessments.wording import amount, binary_bytes, estimate, percent


@dataclass(frozen=True, slots=True)
class AxisRow:
    """An axis in words: its score (`53 (48–73)`), how it grows, and how far it is from its limit."""

    name: str
    score: str
    growth: str
    distance: str


def axis_rows(view: View) -> list[AxisRow]:
    """The axes of the lens, in its order."""
    scores = view.document["scores"]["axes"]
    return [
        AxisRow(
            axis.name, plain(score_cells(scores[axis.id])), _growth(view, axis.id), _distance(view, axis.id)
        )
        for axis in view.lens.axes
    ]


def axis_blocks(view: View) -> list[Block]:
    """A heading and a table; nothing where the lens has no axes."""
    scores = view.document["scores"]["axes"]
    if not view.lens.axes:
        return []
    rows: list[tuple[Cell, ...]] = []
    for axis in view.lens.axes:
        score = scores[axis.id]
        rows.append(
            (
                text(axis.name),
                score_of(score),
                text(Span("no score", "muted")) if score.get("refused") else score_cells(score),
                text(_growth(view, axis.id)),
                text(Span(_distance(view, axis.id), "muted")),
            )
        )
    columns = (
        Column("Axis of growth", 1.5),
        Column("", 1.0),
        Column("score", 0.9),
        Column("grows", 0.9),
        Column("Measured distance to its limit", 3.0),
    )
    return [
        Heading("How far each axis of growth is from its limit", 2),
        Table(columns, tuple(rows), "A question may count on several axes, or on none."),
    ]


def _growth(view: View, axis: str) -> str:
    if axis not in view.growth:
        return "not said"
    mark = " (declared)" if f"growth.{axis}" in view.declared else ""
    return growth_words(view.growth[axis]) + mark


def _distance(view: View, axis: str) -> str:
    known = {"workload": _workload, "users": _users, "data": _data, "complexity": _complexity}
    return known[axis](view) if axis in known else "Nothing is measured for this axis."


def _workload(view: View) -> str:
    found = (view.forecast.get("axes") or {}).get("workload")
    if found is None:
        headroom = view.number("derived.fleet_headroom")
        if headroom is None:
            return "Not measured: it takes a load run that counts, the number of replicas and the peak."
        return f"The fleet at full use carries {amount(headroom)} × the load to carry."
    limit = found["limit"]
    carried = estimate(limit["value"], limit["low"], limit["high"], "req/s")
    share = percent(found["now"] / limit["value"]) if limit["value"] else "–"
    return f"The peak is at {share} of the {carried} that the fleet carries at the planned use."


def _users(view: View) -> str:
    peak = view.number("load.peak_concurrency")
    if peak is not None:
        return f"Throughput of one replica is highest at {amount(peak)} requests in flight."
    run = view.run
    law = {} if run is None else part(run, "scalability")
    refused = law.get("refused") or law.get("peak_refused")
    if refused:
        return f"No limit is given: {refused}."
    counts = [] if run is None else [number(step.get("concurrency")) for step in run.get("steps") or ()]
    most = max((count for count in counts if count is not None), default=None)
    if most is None:
        return "Not measured: it takes a load run that counts, with several numbers of requests in flight."
    return f"No limit was found up to {amount(most)} requests in flight."


def _data(view: View) -> str:
    volume = view.newest("volume")
    if not volume:
        return "Not measured: no run varied the size of requests (loadstone probe --sweep)."
    return growth_sentence(volume, "Cost")


def _complexity(view: View) -> str:
    models = view.newest("complexity")
    told = f"{growth_sentence(models, 'Response time')} " if models else ""
    return told + _memory_left(view)


def _memory_left(view: View) -> str:
    headroom, limit = (
        view.number("derived.memory_limit_headroom"),
        view.number("infra.kubernetes.memory_limit_bytes"),
    )
    peak = view.number("process.rss_peak_bytes")
    if headroom is None or limit is None:
        if peak is None:
            return "Not measured: it takes a load run that counts and the memory limit of a replica."
        return f"A replica needed {binary_bytes(peak)}; its memory limit is not known."
    left = headroom - 1
    if left < 0:
        return f"Over its limit: the memory limit is {amount(headroom)} × what a replica needed."
    return f"A replica may need {percent(left)} more memory before its limit of {binary_bytes(limit)}."
