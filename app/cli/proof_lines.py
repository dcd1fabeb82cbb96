"""What the requests of a run prove, and whether its response times were steady, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.cli.figures import known, number
from app.cli.layout import NO_BREAK, Line, wrapped


def proof_lines(steps: Iterable[Mapping[str, Any]], columns: int) -> list[Line]:
    """A sentence a bound: proven by every step, or how many more requests it takes, at most one line each."""
    lines: list[Line] = []
    entries: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    count = 0
    for index, step in enumerate(steps, 1):
        count = index
        for entry in step.get("proof") or ():
            if isinstance(entry, Mapping):
                entries.setdefault(str(entry.get("metric")), []).append((index, entry))
    for name, found in entries.items():
        for text in _sentences(name, found, count):
            lines += wrapped(text, columns, "muted")
    return lines


def _sentences(name: str, found: list[tuple[int, Mapping[str, Any]]], steps: int) -> Iterator[str]:
    limit = number(found[0][1].get("limit_ms"))
    claim = f"{name}{NO_BREAK}≤{NO_BREAK}{limit}{NO_BREAK}ms"
    open_ones = [(index, entry) for index, entry in found if entry.get("proven") is not True]
    if not open_ones:
        whose = "the step" if steps == 1 else "every step"
        yield f"{claim} is proven at 99{NO_BREAK}% confidence by the requests of {whose}."
        return
    missing = [
        (needed, index)
        for index, entry in open_ones
        if (needed := known(entry.get("more_requests_needed"))) is not None
    ]
    if missing:
        needed, index = max(missing)
        where = "" if steps == 1 else f" in step {index}"
        yield f"{number(needed)} more requests{where} would prove {claim} at 99{NO_BREAK}% confidence."


def steady_lines(steps: Iterable[Mapping[str, Any]], columns: int) -> list[Line]:
    """The steps whose response times still rose or fell at their half; nothing where all were steady."""
    unsteady = []
    for index, step in enumerate(steps, 1):
        steady = step.get("steady")
        if isinstance(steady, Mapping) and "from_request" in steady and steady["from_request"] is None:
            unsteady.append(str(index))
    if not unsteady:
        return []
    which = f"step{'s' if len(unsteady) > 1 else ''} {', '.join(unsteady)}"
    return wrapped(
        f"Not steady: the response times of {which} still rose or fell at half of the requests; their "
        "figures belong to a change, and a longer step would show where it ends.",
        columns,
        "warn",
    )
