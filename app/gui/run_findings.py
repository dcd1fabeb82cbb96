"""What a stored run says, as lines for the window: resources, errors, claims, another run beside it.

Reads `loadstone.probe/1` documents and what was judged; decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.gui.models.rows import Line
from app.report.sections.load_story import ERROR_CLASSES
from app.report.sections.run_words import number, part, share_words, steps_of
from app.report.sections.size_words import growth_sentence
from app.report.view import short
from assessments.judging import Judged
from assessments.lens import Lens
from assessments.verdict_changes import VerdictChange
from assessments.wording import MINUS, NO_BREAK, amount, binary_bytes, counted, estimate, percent
from probes.facts import CATALOGUE

CLOSE = 0.85
NOTHING = "–"
MEMORY_LIMIT = "infra.kubernetes.memory_limit_bytes"
Run = Mapping[str, Any]

STATE_WORDS = {
    "verified": "verified",
    "partly": "partly",
    "claimed": "only claimed",
    "challenged": "challenged",
    "understated": "could claim more",
    "contradicted": "contradicted",
    "unsure": "unsure",
    "unanswered": "open",
    "not_applicable": "not applicable",
}


def questions_on_load(lens: Lens) -> tuple[str, ...]:
    """The questions of which a choice is decided by facts of a load run, or by what is derived from them."""
    load = {name for name, entry in CATALOGUE.items() if entry.probe in ("load", "derived")}
    return tuple(
        question.id
        for question in lens.questions
        if any(
            asked is not None and asked.names & load
            for choice in question.choices
            for asked in (choice.verified_by, choice.contradicted_by)
        )
    )


def decisive(run: Run) -> Mapping[str, Any]:
    """The step that stands for the run: the one at its capacity, else the last; empty where there is none."""
    from app.cli.outcome import decisive_step

    found = decisive_step(run)
    if found is None and steps_of(run):
        found = steps_of(run)[-1]
    return found or {}


def resource_lines(run: Run, memory_limit: float | None) -> tuple[Line, ...]:
    """Resource, use at the decisive step, share of what there is; signs mark the limit and what is close."""
    step, limited = decisive(run), str(part(run, "capacity").get("limited_by") or "")
    machine = part(part(run, "run"), "machine")
    cores, used = (
        number(machine.get("cpu_usable")) or number(machine.get("cpu_count")),
        number(step.get("cpu_cores")),
    )
    lines = []
    if used is not None:
        share = used / cores if cores else None
        of = f" of {counted(int(cores), 'core')}" if cores else f"{NO_BREAK}cores"
        lines.append(_line("CPU", f"{amount(used)}{of}", share, "cpu", limited))
    sizes = [size for one in steps_of(run) if (size := number(one.get("rss_bytes"))) is not None]
    if sizes:
        of = f" of {binary_bytes(memory_limit)}" if memory_limit else ""
        share = max(sizes) / memory_limit if memory_limit else None
        lines.append(_line("Memory, peak", f"{binary_bytes(max(sizes))}{of}", share, "memory", limited))
    if limited and limited not in ("cpu", "memory", "client", "not_identified"):
        lines.append(Line((limited.capitalize().replace("Gil", "GIL"), "", "the limit"), "limit", 2))
    client, unsent = (
        number(part(run, "client").get("cpu_cores")),
        sum(int(one.get("unsent") or 0) for one in steps_of(run)),
    )
    if client is not None:
        words = f"{amount(client)}{NO_BREAK}cores, {unsent:,} not sent"
        lines.append(_line("Our own client", words, None, "client", limited))
    return tuple(lines)


def _line(name: str, use: str, share: float | None, key: str, limited: str) -> Line:
    if limited == key:
        return Line((name, use, "the limit"), "limit", 2)
    if share is not None and share >= CLOSE:
        return Line((name, use, f"close, {percent(share)}"), "challenged", 2)
    word = "not the limit" if limited not in ("", "not_identified") else ""
    return Line((name, use, word if share is None or word else percent(share)))


def error_lines(run: Run) -> tuple[Line, ...]:
    """What failed, how many, their share of all that was sent; empty where nothing did."""
    counts: dict[str, int] = {}
    sent = sum(int(step.get("sent") or 0) for step in steps_of(run))
    for step in steps_of(run):
        for name, count in {**part(step, "errors"), "timeouts": step.get("timeouts") or 0}.items():
            counts[name] = counts.get(name, 0) + int(count)
    return tuple(
        Line((
            "timed out" if name == "timeouts" else ERROR_CLASSES.get(name, name.replace("_", " ")),
            f"{count:,}",
            share_words(count / sent) if sent else NOTHING,
        ))
        for name, count in sorted(counts.items(), key=lambda entry: -entry[1])
        if count
    )  # fmt: skip


def numbers_in_a_line(run: Run) -> list[tuple[str, str]]:
    """(name, value) of memory growth, errors and CPU a request, where they were measured."""
    found = []
    memory = part(run, "memory")
    verdict = memory.get("verdict")
    if verdict == "growing":
        by, each = number(memory.get("bytes_per_request")), "request"
        if by is None:
            by, each = number(memory.get("bytes_per_s")), "second"
        ends = (number(memory.get("low")), number(memory.get("high")))
        grows = "grows" if by is None else f"grows by {estimate(by, *ends)} bytes a {each}"
        found.append(("Memory over the run", grows))
    elif verdict == "flat":
        found.append(("Memory over the run", "flat"))
    elif verdict == "insufficient":
        found.append(("Memory over the run", "not judged, too few samples"))
    sent = sum(int(step.get("sent") or 0) for step in steps_of(run))
    failed = sum(
        sum(int(count) for count in part(step, "errors").values()) + int(step.get("timeouts") or 0)
        for step in steps_of(run)
    )
    if sent:
        found.append(("Errors", f"{failed:,} of {sent:,}"))
    streaming = part(run, "streaming")
    for key, name in (("ttft_ms", "First token, median"), ("itl_ms", "Gap between tokens, median")):
        if (median := number(part(streaming, key).get("p50"))) is not None:
            found.append((name, f"{amount(median)}{NO_BREAK}ms"))
    if (per_s := number(streaming.get("tokens_per_s"))) is not None:
        found.append(("Tokens", f"{amount(per_s)} a second"))
    cost = number(decisive(run).get("cpu_ms_per_request"))
    if cost is not None:
        found.append(("CPU", f"{amount(cost)}{NO_BREAK}ms a request"))
    return found


def points_words(points: float | None) -> str:
    """`−8`, `+2.5`, a dash where no difference can be told."""
    if points is None:
        return NOTHING
    shown = f"{abs(points):.1f}".removesuffix(".0")
    return "0" if shown == "0" else f"{MINUS if points < 0 else '+'}{shown}"


def change_lines(changes: Sequence[VerdictChange], judged: Judged) -> tuple[Line, ...]:
    """Claims that a run moved: id, short title, points; what became of it as tip."""
    return tuple(
        Line(
            (
                change.question,
                short(judged.lens.by_id[change.question]),
                points_words(change.points),
            ),
            change.after,
            0,
            change.question,
            tip=_became(change),
        )
        for change in changes
        if change.question in judged.lens.by_id
    )


def _became(change: VerdictChange) -> str:
    after = STATE_WORDS.get(change.after, change.after)
    return (
        after
        if change.before == change.after
        else f"{STATE_WORDS.get(change.before, change.before)} → {after}"
    )


def resting_lines(run_id: str, judged: Judged) -> tuple[Line, ...]:
    """The claims that rest on facts of this run, as they are judged now: id, short title, state."""
    facts = judged.evidence.facts
    lines = []
    for entry in judged.judgements:
        known = [facts[name] for name in entry.facts if name in facts]
        if entry.applies and any(fact.source.run == run_id for fact in known):
            question = judged.lens.by_id[entry.question]
            word = STATE_WORDS.get(entry.state, entry.state)
            lines.append(
                Line((entry.question, short(question), word), entry.state, 0, entry.question, tip=word)
            )
    return tuple(lines)


def changes_title(changes: Sequence[VerdictChange]) -> str:
    """`4 claims contradicted, 1 verified`: what the changes come to."""
    counts: dict[str, int] = {}
    for change in changes:
        if change.before != change.after:
            counts[change.after] = counts.get(change.after, 0) + 1
    order = ("contradicted", "challenged", "verified", "partly", "understated")
    parts = [f"{counts[state]} {STATE_WORDS[state]}" for state in order if state in counts]
    if not parts:
        return "No verdict of a claim changed" if not changes else f"{counted(len(changes), 'claim')} moved"
    first, *rest = parts
    count, _, word = first.partition(" ")
    noun = "claim" if count == "1" else "claims"
    return ", ".join([f"{count} {noun} {word}", *rest])


def comparison_lines(run: Run, other: Run) -> tuple[Line, ...]:
    """Metric, this run, the other, and whether their intervals are apart."""
    from app.cli.compare_runs import compared

    lines = []
    for row in compared(other, run):
        apart = {True: "apart", False: "intervals meet", None: ""}[row.apart]
        unit = "req/s" if row.unit == "1/s" else row.unit
        lines.append(
            Line((
                f"{row.name}, {unit}" if unit else row.name,
                NOTHING if row.b is None else estimate(row.b, *(row.b_interval or (None, None))),
                NOTHING if row.a is None else estimate(row.a, *(row.a_interval or (None, None))),
                "" if row.ratio is None else f"{row.ratio:.2f}{NO_BREAK}×",
                apart,
            ))
        )  # fmt: skip
    return tuple(lines)


def name_of(run: Run) -> str:
    """`run 03b7d5eed9, 2026-11-25 23:07`, and its capacity where it has one."""
    about = part(run, "run")
    rate = number(part(run, "capacity").get("rate_per_s"))
    words = f"run {about.get('id', '?')}"
    if moment := moment_of(run):
        words += f", {moment:%Y-%m-%d %H:%M}"
    if rate is not None:
        words += f", {amount(rate)}{NO_BREAK}req/s"
    status = about.get("status")
    return words if status in (None, "completed") else f"{words}, {status}"


def moment_of(run: Run) -> datetime | None:
    """When it began, in the time zone of this machine."""
    try:
        return datetime.fromisoformat(str(part(run, "run").get("started_at"))).astimezone()
    except ValueError:
        return None


def growth_lines(run: Run) -> Sequence[str]:
    """How cost grows with the size of requests or of models, where the run varied one; a sentence each."""
    found = ((part(run, "volume"), "Cost"), (part(run, "complexity"), "Response time"))
    return [growth_sentence(law, what) for law, what in found if law]
