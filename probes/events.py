"""What a running probe says, as typed records: one JSON object a line.

Every face of Loadstone (terminal, window, CI, store) reads this stream. Each line holds `"event"` and the
monotonic time `"t"` in seconds since the probe started. Readers ignore events and keys they do not know.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events; `t` is seconds since the probe started, on a monotonic clock."""

    kind: ClassVar[str] = ""
    t: float

    def to_json(self) -> dict[str, Any]:
        """The event as a JSON object, `event` first."""
        return {"event": self.kind} | {entry.name: getattr(self, entry.name) for entry in fields(self)}


@dataclass(frozen=True, slots=True)
class Started(Event):
    """The probe begins: the run's id, when, the target and what was asked of it, by CONTRACT's objects."""

    kind: ClassVar[str] = "started"
    run: Mapping[str, Any]
    target: Mapping[str, Any]
    load: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Phase(Event):
    """A new part begins. `name` is a stable word; `share` is how much of the whole is done, 0 to 1."""

    kind: ClassVar[str] = "phase"
    name: str
    text: str
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Second(Event):
    """One second of load: rates per second, response times in ms, CPU in cores; None = not measured.

    `client_cpu_cores` are the load processes alone. `client_fault` says why our client or this machine spoils
    the step as far as it has come, by the rules that grade the whole step; None as long as nothing does.
    """

    kind: ClassVar[str] = "second"
    step: int
    offered_per_s: float | None
    achieved_per_s: float
    in_flight: int
    waiting: int
    ok: int
    errors: int
    timeouts: int
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    cpu_cores: float | None
    rss_bytes: int | None
    client_cpu_cores: float | None
    client_fault: str | None = None


@dataclass(frozen=True, slots=True)
class Step(Event):
    """A step is over. `step` is CONTRACT's object; the histograms are `Histogram.to_text` of response and
    service times in ns, so that steps can be merged exactly later."""

    kind: ClassVar[str] = "step"
    index: int
    step: Mapping[str, Any]
    response_histogram: str
    service_histogram: str


@dataclass(frozen=True, slots=True)
class Preview(Event):
    """A first estimate while the probe goes on; always shown as a preview."""

    kind: ClassVar[str] = "preview"
    rate_per_s: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class FactFound(Event):
    """A fact was established; `fact` is CONTRACT's object."""

    kind: ClassVar[str] = "fact"
    fact: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Note(Event):
    """One sentence a person should read; `level` is `info` or `warning`."""

    kind: ClassVar[str] = "note"
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class Finished(Event):
    """The probe is over; `result` is the whole `loadstone.probe/1` document."""

    kind: ClassVar[str] = "finished"
    result: Mapping[str, Any] = field(default_factory=dict)


_KINDS: dict[str, type[Event]] = {
    kind.kind: kind for kind in (Started, Phase, Second, Step, Preview, FactFound, Note, Finished)
}


def to_line(event: Event) -> str:
    """The event as one line of ASCII without the line's end. Numbers that are not finite are refused.

    ASCII, because a file name may hold what UTF-8 cannot, and U+2028 ends a line for some readers.
    """
    return json.dumps(event.to_json(), allow_nan=False, separators=(",", ":"))


def from_line(line: str) -> Event | None:
    """The event in a line, or None where the event is of a kind this version does not know.

    Raises `ValueError` when the line is not a JSON object with the fields of its kind.
    """
    try:
        document = json.loads(line, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("an event is not nested that deeply") from error
    if not isinstance(document, dict):
        raise ValueError("an event is a JSON object")
    kind = _KINDS.get(str(document.get("event")))
    if kind is None:
        return None
    known = {entry.name for entry in fields(kind)}
    try:
        return kind(**{name: value for name, value in document.items() if name in known})
    except TypeError as error:
        raise ValueError(f"a '{kind.kind}' event lacks a field: {error}") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number that an event may hold")
