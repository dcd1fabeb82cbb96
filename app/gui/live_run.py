"""What the events of a running probe add up to, for the window to draw. Holds no statistic of its own.

Fed by `take`; the columns of seconds are lists that only grow, None where something was not measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from probes.events import Event, Finished, Note, Phase, Preview, Second, Started, Step

WARMUP_S = 3.0
"""What a warm-up takes, about; with the little that comes before it."""
NOT_USED = "not used"
"""Stands in the note that follows a step which this machine or this client spoilt."""
SHORTEST = 0.3
"""The rest of a step that is shorter (s) is not drawn: its rate would be that of a handful of requests."""
SETTLING = 1.6
"""A gap that is longer than this many seconds is one: nothing was measured in it."""
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """A part of the run: its stable name, what it does in words, and when it began (s)."""

    name: str
    text: str
    began: float


@dataclass
class LiveRun:
    """A run as far as it has come. `t` and the other columns have an entry a second, and one for each gap."""

    started: Started | None = None
    parts: list[Part] = field(default_factory=list)
    steps: list[Document] = field(default_factory=list)
    spans: list[tuple[float, float]] = field(default_factory=list)
    """From when to when each step went (s)."""
    notes: list[Note] = field(default_factory=list)
    preview: Preview | None = None
    second: Second | None = None
    result: Document | None = None
    now: float = 0.0
    """Seconds since the probe began, of the last event."""
    t: list[float] = field(default_factory=list)
    p99: list[float | None] = field(default_factory=list)
    p50: list[float | None] = field(default_factory=list)
    offered: list[float | None] = field(default_factory=list)
    answered: list[float | None] = field(default_factory=list)
    answered_ok: int = 0
    failed: int = 0
    rss_peak: int | None = None
    fault: str | None = None
    """Why our own client spoils the step that runs now, as the probe's newest second says."""
    fault_since: float | None = None
    """Since when (s) it has been saying so."""

    def take(self, event: Event) -> bool:
        """Keeps what the event says; False where nothing that is drawn has changed."""
        self.now = max(self.now, event.t)
        if isinstance(event, Second):
            self._second(event)
        elif isinstance(event, Step):
            self.fault, self.fault_since = None, None
            self.steps.append(event.step)
            self.spans.append((max(0.0, event.t - float(event.step.get("seconds") or 0.0)), event.t))
        elif isinstance(event, Phase):
            self.parts.append(Part(event.name, event.text, event.t))
        elif isinstance(event, Preview):
            self.preview = event
        elif isinstance(event, Note):
            self.notes.append(event)
            if self.steps and event.level == "warning" and NOT_USED in event.text:
                self.steps[-1] = {**self.steps[-1], "verdict": "client_limited"}
        elif isinstance(event, Started):
            self.started = event
        elif isinstance(event, Finished):
            self.result = event.result
        else:
            return False
        return True

    def _second(self, event: Second) -> None:
        if self.t and event.t - self.t[-1] > SETTLING:
            self._row((self.t[-1] + event.t) / 2, None, None, None, None)
        if not self.t or event.t - self.t[-1] >= SHORTEST:
            self._row(event.t, event.p99_ms, event.p50_ms, event.offered_per_s, event.achieved_per_s)
        self.second = event
        self.answered_ok += event.ok
        self.failed += event.errors + event.timeouts
        if event.client_fault is None:
            self.fault_since = None
        elif self.fault_since is None:
            self.fault_since = max(0.0, event.t - 1.0)
        self.fault = event.client_fault
        if event.rss_bytes is not None:
            self.rss_peak = max(self.rss_peak or 0, event.rss_bytes)

    def _row(
        self, t: float, p99: float | None, p50: float | None, offered: float | None, answered: float | None
    ) -> None:
        self.t.append(t)
        self.p99.append(p99)
        self.p50.append(p50)
        self.offered.append(offered)
        self.answered.append(answered)

    # -- what was asked ------------------------------------------------------------------------------------

    @property
    def load(self) -> Document:
        """What was asked, as the event says; empty before it began."""
        return {} if self.started is None else self.started.load

    @property
    def finds_capacity(self) -> bool:
        """Whether the highest rate is looked for."""
        return self.load.get("mode") == "find_capacity"

    @property
    def expected_s(self) -> float | None:
        """Seconds that the run will take in all, about; None before it began."""
        if self.started is None:
            return None
        warmup = self.load.get("warmup_s")
        first = self.started.t + (float(warmup) if isinstance(warmup, int | float) else WARMUP_S)
        if self.finds_capacity:
            return first + float(self.load.get("budget_s") or 0.0)
        segments = self.load.get("segments") or ()
        return first + sum(float(entry.get("seconds") or 0.0) for entry in segments)

    def limit_ms(self) -> tuple[str, float] | None:
        """The percentile of the objective that is drawn and its limit: p99 where it has one."""
        from probes.slo import parse_slo

        text = self.load.get("slo")
        bounds = parse_slo(str(text)).bounds if text else ()
        named = {bound.name: bound.limit_ms for bound in bounds if bound.of == "response"}
        if not named:
            return None
        name = "p99" if "p99" in named else next(iter(named))
        return name, named[name]

    # -- our own client ------------------------------------------------------------------------------------

    def client_limited(self) -> str | None:
        """Why numbers of this run say nothing of the target; None as long as they do.

        What spoils the step that runs comes first: it is said while it goes on.
        """
        if self.fault is not None:
            return f"in the step that runs now, {self.fault}"
        for note in self.notes:
            if note.level == "warning" and NOT_USED in note.text:
                return note.text
        spoilt = [at for at, step in enumerate(self.steps, 1) if step.get("verdict") == "client_limited"]
        if not spoilt:
            return None
        which = ", ".join(str(at) for at in spoilt)
        return f"step {which} was spoilt by this machine or by this client, and is not used"

    def last_measured(self, *keys: str) -> float | None:
        """The newest value that a step has under a path of keys."""
        for step in reversed(self.steps):
            value: Any = step
            for key in keys:
                value = value.get(key) if isinstance(value, Mapping) else None
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
        return None

    def counted(self, key: str) -> int:
        """A count added up over the steps that are over."""
        return sum(int(step.get(key) or 0) for step in self.steps)


def kinds_of_parts(run: LiveRun) -> Sequence[str]:
    """The stable names of all parts that this run will have, in their order; `result` is the last."""
    if not run.load:
        return ("warmup", "load", "result")
    warmup = () if run.load.get("warmup_s") == 0 else ("warmup",)
    return (*warmup, "ladder", "search", "result") if run.finds_capacity else (*warmup, "load", "result")
