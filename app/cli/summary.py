"""A result document in words: the sentence, the steps, the requirements, where it is stored.

Pure: a `loadstone.probe/1` document in, lines out. Everything is looked up with care, because a stored
document may be damaged or of another version. What is missing is a dash.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from app.cli.call_lines import call_lines
from app.cli.figures import fixed, interval, known, megabytes, number, seconds, share
from app.cli.layout import MISSING, NO_BREAK, Cell, Line, Span, Style, line, plain, table, wrapped
from app.cli.outcome import SloVerdict, decisive_step, error_ratio, finds_capacity, is_sweep
from app.cli.pressure_lines import answer_lines, instance_lines, loss_lines, overload_lines
from app.cli.proof_lines import proof_lines, steady_lines
from app.cli.streaming_lines import streaming_lines
from app.cli.volume_lines import complexity_lines, volume_lines
from probes.load.spec import REQUIREMENT_UNITS

Document = Mapping[str, Any]

STEP_HEADER = (
    "load", "offered\n1/s", "achieved\n1/s", "p50\nms", "p99\nms", "errors", "CPU\ncores", "RSS\nMB",
    "verdict",
)  # fmt: skip
STEP_ALIGN = "lrrrrrrrl"
HOT_FUNCTIONS = 3
CHECK_WIDTH = len("not measured ")
STEP_WIDTHS = (9, 7, 8, 6, 6, 6, 5, 5, 9)

_VERDICT_STYLES: dict[str, Style] = {
    "saturated": "warn",
    "unstable": "warn",
    "client_limited": "warn",
    "insufficient": "muted",
}
_LIMITS = {
    "cpu": "its CPU", "gil": "Python's interpreter lock (GIL)", "lock": "a lock inside it",
    "pool": "a pool of workers or connections", "memory": "memory", "downstream": "something it waits for",
    "gpu": "the GPU", "disk": "the disk", "network": "the network", "quota": "a CPU quota",
    "client": "this client",
}  # fmt: skip


def summary(
    result: Document,
    columns: int,
    *,
    slo: SloVerdict | None = None,
    stored: str | None = None,
    folder: Path | None = None,
) -> list[Line]:
    """The whole summary.

    `slo` is given where an SLO was asked for in a run that is no capacity search; `stored` is the sentence on
    where the run lies, `folder` the one in which its files lie.
    """
    lines = [*headline(result, columns), *grade_lines(result, columns), *cause_lines(result, columns)]
    lines += stack_lines(result, columns, folder)
    steps = _list(result, "steps")
    sizes = volume_lines(result, columns)
    if sizes:
        lines += [line(""), *sizes]
    elif steps:
        lines += [line(""), *step_table(steps, columns)]
    extra = [
        *streaming_lines(result, columns),
        *call_lines(result, columns), *scalability_lines(result, columns), *memory_lines(result, columns),
        *answer_lines(result, columns), *complexity_lines(result, columns),
        *overload_lines(result, columns),
        *instance_lines(result, columns),
        *loss_lines(result, columns),
    ]  # fmt: skip
    if extra:
        lines += [line(""), *extra]
    checks = [*slo_lines(result, slo, columns), *requirement_lines(result, columns)]
    checks += steady_lines(steps, columns)
    if slo is not None and slo.held is not False:
        checks += proof_lines(steps, columns)
    if checks:
        lines += [line(""), *checks]
    if stored:
        lines += [line(""), *wrapped(stored, columns, "muted")]
    return lines


def headline(result: Document, columns: int) -> list[Line]:
    """The sentence that says what came out."""
    return wrapped(_with_status(result, sentence(result)), columns, "strong")


def sentence(result: Document) -> str:
    """What the target carries, or what was measured instead, in one sentence."""
    capacity = _part(result, "capacity")
    if finds_capacity(result):
        return _capacity_sentence(result, capacity) if capacity else "What it carries was not measured."
    if is_sweep(result):
        return _sweep_sentence(result)
    text = _load_sentence(result)
    return f"{text} {_capacity_sentence(result, capacity)}" if capacity else text


def _with_status(result: Document, text: str) -> str:
    run = _part(result, "run")
    reason = _because(run.get("reason"))
    opening = {
        "interrupted": f"Interrupted{reason}; what was measured until then:",
        "aborted": f"Stopped by a safety rule{reason}; what was measured until then:",
        "failed": f"The target failed{reason}; what was measured until then:",
    }.get(str(run.get("status")))
    return f"{opening} {text}" if opening else text


def _because(reason: Any) -> str:
    return f" ({plain(reason).rstrip('.')})" if reason else ""


def _capacity_sentence(result: Document, capacity: Document) -> str:
    slo = slo_text(capacity.get("slo"))
    rate, low, high = capacity.get("rate_per_s"), capacity.get("low"), capacity.get("high")
    bound = capacity.get("bound")
    span = interval(low, high)
    confidence = known(capacity.get("confidence"))
    sure = f"{span},{NO_BREAK}{share(confidence)}" if span and confidence is not None else span
    brackets = f" ({sure})" if sure else ""
    unit = f"{NO_BREAK}requests/s"
    if capacity.get("slo") is None:
        return {
            "at_least": f"Reached at least {number(rate if known(rate) is not None else low)}{unit} "
            "without saturating.",
            "indeterminate": "Where it saturates could not be determined.",
        }.get(str(bound), f"Saturates at {number(rate)}{unit}{brackets}.")
    if bound == "at_least":
        return (
            f"Carries at least {number(rate if known(rate) is not None else low)}{unit} with {slo}; "
            f"the limit was not reached{_top(result)}."
        )
    if bound == "unmet_at_minimum":
        lowest = next((value for value in (high, rate, low) if known(value)), None)
        at = f" even at {number(lowest)}{unit}, the lowest rate tried" if lowest else " at any rate tried"
        return f"Does not keep {slo}{at}."
    if bound == "indeterminate":
        why = _because(capacity.get("reason"))
        within = f" It lies within {span}{unit}." if span else ""
        return f"What it carries with {slo} could not be determined{why}.{within}"
    if bound == "provisional":
        about = "at least" if known(high) is None and known(low) is not None else "about"
        why = plain(capacity.get("reason") or "it was not narrowed down as asked").rstrip(".")
        within = f" ({span}, provisional)" if span else " (provisional)"
        return f"Carries {about} {number(rate)}{unit}{within} with {slo}: {why}."
    return f"Carries {number(rate)}{unit}{brackets} with {slo}."


def _top(result: Document) -> str:
    top = known(_part(result, "load").get("max_rate"))
    return f" up to --max-rate {number(top)}" if top is not None else ""


def slo_text(slo: Any) -> str:
    """`p99 ≤ 200 ms and errors ≤ 1 %` for CONTRACT's SLO object."""
    if not isinstance(slo, Mapping) or not slo:
        return "no SLO"
    parts = [
        f"errors{NO_BREAK}≤{NO_BREAK}{share(limit)}"
        if name == "error_ratio"
        else f"{plain(name).removesuffix('_ms')}{NO_BREAK}≤{NO_BREAK}{number(limit)}{NO_BREAK}ms"
        for name, limit in slo.items()
    ]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _sweep_sentence(result: Document) -> str:
    asked, volume = _part(_part(result, "load"), "sweep"), _part(result, "volume")
    sizes, rows = asked.get("sizes"), _list(volume, "sizes")
    span = f" from {number(sizes[0])} to {number(sizes[-1])}" if isinstance(sizes, list) and sizes else ""
    answered = sum(bool(known(row.get("requests"))) for row in rows)
    sent = sum(known(step.get("sent")) or 0 for step in _list(result, "steps"))
    return f"{answered} sizes of {plain(asked.get('axis') or 'a request')}{span}, {number(sent)} requests."


def _load_sentence(result: Document) -> str:
    steps = _list(result, "steps")
    if not steps:
        return "No step was completed."
    last = steps[-1]
    opening = "" if len(steps) == 1 else f"{len(steps)} steps; in the last it "
    verb = "Answered" if len(steps) == 1 else "answered"
    response = _part(last, "response_ms")
    achieved = f"{number(last.get('achieved_per_s'))}"
    users = _part(last, "users")
    if users:
        law = " + ".join(f"{number(users.get(key))}{NO_BREAK}ms" for key in ("response_ms", "think_ms"))
        asked = (
            f"{number(users.get('count'))} users with {achieved}{NO_BREAK}requests/s (Little: "
            f"{number(users.get('rate_per_s'))}/s · ({law}) = {number(users.get('expected'))} users)"
        )
    elif last.get("mode") == "closed":
        asked = f"{number(last.get('concurrency'))} callers with {achieved}{NO_BREAK}requests/s"
    else:
        asked = f"{achieved} of {number(last.get('offered_per_s'))}{NO_BREAK}requests/s"
    tail = [
        f"{name}{NO_BREAK}{number(response[name])}{NO_BREAK}ms"
        for name in ("p50", "p99")
        if known(response.get(name)) is not None
    ]
    if known(response.get("p99")) is None:
        tail.append("too few requests for p99")
    return (
        f"{opening}{verb} {asked} over {seconds(last.get('seconds'))}: "
        f"{', '.join(tail)}, errors{NO_BREAK}{share(error_ratio(last))}."
    )


def grade_lines(result: Document, columns: int) -> list[Line]:
    """How far the run can be trusted."""
    run = _part(result, "run")
    grade = str(run.get("grade") or "")
    reason = f": {plain(run['grade_reason']).rstrip('.')}" if run.get("grade_reason") else ""
    words, style = {
        "valid": ("valid", "ok"),
        "client_limited": ("limited by this client, so it says nothing certain about the target", "warn"),
        "unstable": ("unstable, so its numbers may not come back", "warn"),
        "degrading": ("degrading, the target got slower while it was measured", "warn"),
        "insufficient": ("insufficient, too little data for a verdict", "warn"),
        "": (f"{MISSING} (the run was not graded)", "muted"),
    }.get(grade, (plain(grade), ""))
    return wrapped(f"Grade: {words}{reason}.", columns, style, "       ")  # type: ignore[arg-type]


def cause_lines(result: Document, columns: int) -> list[Line]:
    """What limits it and why, and what would confirm it, where that was found out."""
    capacity = _part(result, "capacity")
    limited_by = capacity.get("limited_by")
    rows: list[Line] = []
    because = plain(capacity["because"]) if capacity.get("because") else ""
    if limited_by == "not_identified":
        rows += wrapped(f"What limits it was not identified. {because}".rstrip(), columns)
    elif limited_by:
        name = _LIMITS.get(str(limited_by), plain(limited_by))
        rows += wrapped(f"Limited by {name}. {because}".rstrip(), columns)
    elif because:
        rows += wrapped(because, columns)
    if capacity.get("confirm_by"):
        rows += wrapped(f"To confirm: {plain(capacity['confirm_by'])}", columns)
    return rows


def stack_lines(result: Document, columns: int, folder: Path | None = None) -> list[Line]:
    """The functions that most samples were in, and where the flame graph lies."""
    rows: list[Line] = []
    spots = [spot for spot in _list(result, "hotspots") if known(spot.get("share")) is not None]
    if spots:
        opening = {
            "all threads": "Threads are most often in",
            "threads that hold the interpreter lock": "The interpreter lock is most often held in",
        }.get(str(_part(result, "stacks").get("of")), "Threads that compute are most often in")
        named = [
            f"{plain(spot.get('function') or MISSING)} ({_place(spot)}) {share(spot.get('share'))}"
            for spot in spots[:HOT_FUNCTIONS]
        ]
        rows += wrapped(f"{opening} {', '.join(named)}.", columns)
    file = result.get("flame_file")
    if isinstance(file, str) and file:
        path = plain(str(folder / file) if folder is not None else file)
        rows += wrapped(f"Flame graph, for https://www.speedscope.app: {path}", columns, "muted")
    return rows


def _place(spot: Document) -> str:
    line_number = known(spot.get("line"))
    end = f":{line_number:.0f}" if line_number is not None else ""
    return f"{plain(spot.get('file') or MISSING)}{end}"


def step_table(steps: Sequence[Document], columns: int) -> list[Line]:
    """One row a step, load first, verdict last."""
    return table(STEP_HEADER, [step_row(step) for step in steps], STEP_ALIGN, columns, least=STEP_WIDTHS)


def step_row(step: Document) -> tuple[Cell, ...]:
    """The cells of a step, as in `STEP_HEADER`."""
    closed = step.get("mode") == "closed"
    response, users = _part(step, "response_ms"), _part(step, "users")
    verdict = str(step.get("verdict") or "")
    return (
        f"users {number(users.get('count'))}"
        if users
        else f"closed {number(step.get('concurrency'))}"
        if closed
        else plain(step.get("mode") or MISSING),
        number(step.get("offered_per_s")),
        number(step.get("achieved_per_s")),
        number(response.get("p50")),
        number(response.get("p99")),
        share(error_ratio(step)),
        fixed(step.get("cpu_cores"), 2),
        megabytes(step.get("rss_bytes")),
        Span(plain(verdict).replace("_", " ") or MISSING, _VERDICT_STYLES.get(verdict, "")),
    )


def scalability_lines(result: Document, columns: int) -> list[Line]:
    """The scalability law, or why none is given."""
    law = _part(result, "scalability")
    if not law:
        return []
    if law.get("refused"):
        return wrapped(f"Scalability law: none ({plain(law['refused']).rstrip('.')}).", columns)
    parts = [
        f"{sign} {known(law[name]):.3g}"
        for sign, name in (("λ", "lambda"), ("σ", "sigma"), ("κ", "kappa"))
        if known(law.get(name)) is not None
    ]
    peak = known(law.get("peak_concurrency"))
    text = f"Scalability law: {', '.join(parts)}"
    return wrapped(f"{text}; most throughput at {number(peak)} callers." if peak else f"{text}.", columns)


def memory_lines(result: Document, columns: int) -> list[Line]:
    """Memory growth, where it was judged, and files that are left open."""
    memory = _part(result, "memory")
    leak = known(_part(result, "kept").get("files_per_request"))
    rows = wrapped(f"It leaves {number(leak)} files open for each request.", columns, "warn") if leak else []
    if memory.get("verdict") != "growing":
        return rows
    span = interval(memory.get("low"), memory.get("high"))
    brackets = f" ({span})" if span else ""
    hours = known(memory.get("hours_to_limit"))
    ends = interval(memory.get("hours_low"), memory.get("hours_high"))
    sure = f" ({ends}, 95{NO_BREAK}%)" if ends else ""
    whose = "the machine's memory" if memory.get("limit_of") == "machine" else "its limit"
    until = f"; {whose} is reached after {number(hours)} hours{sure}" if hours is not None else ""
    by, each = memory.get("bytes_per_request"), "request"
    if known(by) is None:
        by, each = memory.get("bytes_per_s"), "second"
    return rows + wrapped(f"Memory grows by {number(by)} bytes a {each}{brackets}{until}.", columns, "warn")


def slo_lines(result: Document, verdict: SloVerdict | None, columns: int) -> list[Line]:
    """The asked SLO, held against every step."""
    if verdict is None:
        return []
    text = plain(_part(result, "load").get("slo") or "")
    if verdict.held:
        return _check(True, f"SLO {text}", "in every step", columns)
    if verdict.breaches:
        worst = max(verdict.breaches, key=lambda breach: breach.measured / (breach.limit or 1e-9))
        name = worst.name.removesuffix("_ms").replace("error_ratio", "errors")
        value = (
            share(worst.measured) if worst.name == "error_ratio" else f"{number(worst.measured)}{NO_BREAK}ms"
        )
        steps = len({breach.step for breach in verdict.breaches})
        rest = f"{name} {value} in step {worst.step + 1}"
        rest += f", {steps} steps in all" if steps > 1 else ""
        return _check(verdict.held, f"SLO {text}", rest, columns, "limited by this client")
    count = len(verdict.unjudged)
    rest = f"{count} step{'s' if count > 1 else ''} without enough requests, or limited by this client"
    return _check(None, f"SLO {text}", rest if count else "no step was measured", columns)


def requirement_lines(result: Document, columns: int) -> list[Line]:
    """One line a requirement: held, broken or not measured."""
    rows: list[Line] = []
    for entry in _list(result, "requirements"):
        measured = _measured_text(str(entry.get("text", "")), entry.get("measured"))
        text = plain(entry.get("text", ""))
        held = entry.get("held")
        undecided = "not decided" if known(entry.get("measured")) is not None else "not measured"
        rest = f"measured {measured}" if measured != MISSING else ""
        rows += _check(held if isinstance(held, bool) else None, text, rest, columns, undecided)
    return rows


def _measured_text(requirement: str, value: Any) -> str:
    metric = next(
        (name for name in REQUIREMENT_UNITS if requirement.startswith((f"{name}<", f"{name}>"))), ""
    )
    unit = REQUIREMENT_UNITS.get(metric)
    if known(value) is None:
        return MISSING
    if unit == "share":
        return share(value)
    ending = {"rate": "1/s", "time": "ms"}.get(unit or "", {"rss_mb": "MB"}.get(metric, ""))
    return f"{number(value)}{NO_BREAK}{ending}".rstrip(NO_BREAK)


def _check(
    held: bool | None, text: str, rest: str, columns: int, undecided: str = "not decided"
) -> list[Line]:
    word, style = {True: ("held", "ok"), False: ("broken", "bad"), None: (undecided, "warn")}[held]
    rows = wrapped(
        f"{word:<{CHECK_WIDTH}}{text}{f' ({rest})' if rest else ''}", columns, "", " " * CHECK_WIDTH
    )
    first = rows[0][0].text
    return [line(Span(first[: len(word)], style), first[len(word) :]), *rows[1:]]  # type: ignore[arg-type]


def note_lines(notes: Iterable[Document], columns: int) -> list[Line]:
    """Notes that a person should read."""
    rows: list[Line] = []
    for note in notes:
        warns = note.get("level") == "warning"
        word = "warning" if warns else "note"
        rows += wrapped(f"{word}: {plain(note.get('text', ''))}", columns, "warn" if warns else "muted")
    return rows


def capacity_cell(rate: Any, low: Any, high: Any, bound: Any = None) -> str:
    """`198 (193–203)`, `≥ 500`, or a dash."""
    if known(rate) is None:
        return MISSING
    sign = "≥ " if bound == "at_least" else "≈ " if bound == "provisional" else ""
    span = interval(low, high)
    return f"{sign}{number(rate)}" + (f" ({span})" if span and bound != "at_least" else "")


def at_capacity(result: Document) -> Document:
    """The step that stands for the run: the last, or the one at capacity; empty where there is none."""
    return decisive_step(result) or {}


def _part(document: Document, key: str) -> Document:
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}


def _list(document: Document, key: str) -> list[Document]:
    value = document.get(key)
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list | tuple) else []
