"""Adds up what a step's requests did, part by part while they still come in or all at once.

Which requests count in the percentiles of response time: good answers, and all that were given up while
waiting (timed out, cancelled, never sent) with the time they had waited by then, so that waiting can only
make the figure worse. Failed answers are left out: a fast failure is not a fast answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from probes.load import plan
from probes.load.durations import Durations
from probes.load.engine import Ended, Record, split_rows
from probes.load.lateness import own_delay
from probes.load.plan import COLUMNS, OUTCOME, ShardReport
from probes.load.shard import Columns
from probes.load.steps import ERROR_CLASSES, StepResult, Users, error_class
from probes.load.streams import Streams
from probes.watch.tree import Usage

BINS = 1_000
"""What is unanswered is counted at so many moments of a step, evenly over its time."""

IsGood = Callable[[int], bool]
UsageOf = Callable[[int, int], Usage | None]


def summarise(record: Record, is_good: IsGood, usage_of: UsageOf) -> StepResult:
    """The step that a record shows. `is_good` says which HTTP statuses are wanted; `usage_of(from, to)` tells
    what the target's processes used between two monotonic times in ns."""
    return Tally.of(record, is_good).step(record.report, usage_of)


class Tally:
    """The sums of one step that begins at `start_ns` and is to end at `end_ns`.

    `concurrency` and `think` are those of a `Record`.
    """

    def __init__(
        self, is_good: IsGood, start_ns: int, end_ns: int, concurrency: int = 0, think: bool = False
    ) -> None:
        self.start_ns, self.end_ns = start_ns, end_ns
        self._span = max(end_ns - start_ns, 1)
        self._is_good = is_good
        self._concurrency, self._think = concurrency, think
        self._waits_only = concurrency > 0 and not think
        self._scheduled = self._sent = self._ok = self._ok_in_time = 0
        self._outcomes: dict[int, int] = {}
        self._response, self._without_us, self._service = Durations(), Durations(), Durations()
        self._send_lag, self._read_lag = Durations(), Durations()
        self._waiting_ns = 0.0  # of all that count, until they ended or the step did
        self._due, self._ended = np.zeros(BINS + 2, np.int64), np.zeros(BINS + 2, np.int64)
        self._answers_from: int | None = None  # callers that only wait are counted from here
        self._answers = 0.0
        self._ended_by_end, self._ended_ns = 0, 0.0
        self._streams: Streams | None = None

    @classmethod
    def of(cls, record: Record, is_good: IsGood) -> Tally:
        """Of all that a record holds."""
        tally = cls(is_good, record.start_ns, record.end_ns, record.concurrency, record.think)
        tally.add_last(record)
        return tally

    @property
    def scheduled(self) -> int:
        """Requests that were due so far."""
        return self._scheduled

    def add(self, rows: Columns) -> None:
        """Requests that have ended, while others go on. The first `concurrency` come first."""
        self._add(rows, self.end_ns)

    def add_last(self, record: Record) -> None:
        """All the others; the record's end is the step's."""
        self.end_ns = record.end_ns
        rows = {name: getattr(record, name) for name in COLUMNS}
        self._add(rows, max(record.report.ended_ns, record.end_ns))
        if "texts" in record.extra:
            self._streams = Streams.of(record, self._is_good)

    def _add(self, rows: Columns, given_up_ns: int) -> None:
        due, sent, recv, read = (rows[name] for name in ("due", "sent", "recv", "read"))
        outcome = rows["status"] & OUTCOME
        was_sent = sent > 0
        kinds, counts = np.unique(outcome[was_sent], return_counts=True)
        for kind, count in zip(kinds.tolist(), counts.tolist(), strict=True):
            self._outcomes[kind] = self._outcomes.get(kind, 0) + count
        good = [kind for kind in kinds.tolist() if error_class(kind, self._is_good) == "ok"]
        is_ok = np.isin(outcome, good) & (read > 0)
        counted = is_ok | np.isin(outcome, (plan.TIMEOUT, plan.CANCELLED)) | ~was_sent
        ended = np.where(read > 0, read, given_up_ns)
        response = ended - due
        own = own_delay(**{name: rows[name] for name in COLUMNS})
        stamped = recv > 0

        self._scheduled += len(due)
        self._sent += int(was_sent.sum())
        self._ok += int(is_ok.sum())
        self._ok_in_time += int((is_ok & (read <= self.end_ns)).sum())
        self._response.add(response[counted])
        self._without_us.add((response - own)[counted])
        self._service.add(np.maximum(np.where(stamped, recv, read) - sent, 0)[is_ok])
        self._send_lag.add((sent - due)[was_sent])
        self._read_lag.add(np.maximum(read - recv, 0)[is_ok & stamped])
        until_end = np.minimum(response, self.end_ns - due)[counted].clip(0)
        self._waiting_ns += float(until_end.sum(dtype=np.float64))
        self._due += self._by_time(due)
        self._ended += self._by_time(ended)
        if self._waits_only:
            self._add_answers(due, read, is_ok)
        if self._think:
            by_end = (read > 0) & (read <= self.end_ns)
            self._ended_by_end += int(by_end.sum())
            self._ended_ns += float((read - due)[by_end].sum(dtype=np.float64))

    def _by_time(self, t: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many lie at or before the start (first entry), each further bin, and after the end (last)."""
        bins = -((self.start_ns - t) * BINS // self._span)
        return np.bincount(np.clip(bins, 0, BINS + 1), minlength=BINS + 2)

    def _add_answers(self, due: NDArray[np.int64], read: NDArray[np.int64], is_ok: NDArray[np.bool_]) -> None:
        """Good answers of callers that wait, from the time when each has been answered once.

        An answer counts by the share of its wait that lies in the window, so that neither answers that come
        in bursts nor the edges of the window change the figure: N callers with a wait of S give N/S.
        """
        if self._answers_from is None:
            first = read[: self._concurrency]
            latest = self.start_ns + 0.6 * (self.end_ns - self.start_ns)
            all_answered = len(first) and (first > 0).all() and first.max() < latest
            self._answers_from = int(first.max()) if all_answered else self.start_ns
        due, read = due[is_ok], read[is_ok]
        inside = np.minimum(read, self.end_ns) - np.maximum(due, self._answers_from)
        self._answers += float((inside.clip(0) / np.maximum(read - due, 1)).sum())

    def step(self, report: ShardReport, usage_of: UsageOf) -> StepResult:
        """The step; see `summarise`."""
        seconds = max((self.end_ns - self.start_ns) / 1e9, 1e-9)
        errors = dict.fromkeys(ERROR_CLASSES, 0)
        for kind, number in self._outcomes.items():
            name = error_class(kind, self._is_good)
            if name in errors:
                errors[name] += number
        achieved = self._ok_in_time / seconds
        if self._waits_only:
            since = self.start_ns if self._answers_from is None else self._answers_from
            achieved = self._answers / max((self.end_ns - since) / 1e9, 1e-9)
        concurrency = float(self._concurrency) if self._waits_only else self._waiting_ns / 1e9 / seconds
        return StepResult(
            mode="closed" if self._concurrency else "open",
            offered_per_s=None if self._concurrency else self._scheduled / seconds,
            achieved_per_s=achieved,
            concurrency=concurrency,
            seconds=seconds,
            scheduled=self._scheduled,
            sent=self._sent,
            ok=self._ok,
            timeouts=self._outcomes.get(plan.TIMEOUT, 0),
            cancelled=self._outcomes.get(plan.CANCELLED, 0),
            errors=errors,
            no_ports=self._outcomes.get(plan.NO_PORTS, 0),
            response=self._response,
            without_us=self._without_us,
            service=self._service,
            send_lag=self._send_lag,
            read_lag=self._read_lag,
            backlog=self._backlog(),
            usage=usage_of(self.start_ns, self.end_ns),
            client_cpu_cores=report.cpu_s / report.wall_s if report.wall_s else 0.0,
            busiest_cores=report.busiest_cores,
            users=self._users(report, seconds) if self._think else None,
            lost=report.lost,
            streams=self._streams,
        )

    def _backlog(self) -> tuple[int, int, int, int]:
        unanswered = np.cumsum(self._due) - np.cumsum(self._ended)
        share = (self.end_ns - self.start_ns) / self._span
        first, second, third, last = (
            int(unanswered[min(BINS, int(share * BINS * quarter / 4))]) for quarter in (1, 2, 3, 4)
        )
        return first, second, third, last

    def _users(self, report: ShardReport, seconds: float) -> Users | None:
        if not report.pauses or not self._ended_by_end:
            return None
        return Users(
            count=self._concurrency,
            think_s=report.paused_ns / report.pauses / 1e9,
            response_s=self._ended_ns / self._ended_by_end / 1e9,
            rate_per_s=self._ended_by_end / seconds,
        )


class Stages:
    """Tallies the stages of one stretch of load, which flow into each other, while it runs.

    `first[j]` is the row of the first request of stage j, as from `due_times`; `edges_s` are the seconds at
    which the stages begin and the last one ends. `concurrency` and `think` are those of a `Record`.
    """

    def __init__(
        self,
        is_good: IsGood,
        first: Sequence[int],
        edges_s: Sequence[float],
        concurrency: int = 0,
        think: bool = False,
    ) -> None:
        self._is_good, self._concurrency, self._think = is_good, concurrency, think
        self._first, self._edges_s = first, edges_s
        self._tallies: list[Tally] = []

    @classmethod
    def one(cls, is_good: IsGood, seconds: float, concurrency: int = 0, think: bool = False) -> Stages:
        """A single stage that holds whatever is sent."""
        return cls(is_good, (0, 1 << 62), (0.0, seconds), concurrency, think)

    def take(self, ended: Ended) -> None:
        """Requests that have ended while others go on."""
        self._begin(ended.start_ns)
        for tally, begin, end in zip(self._tallies, self._first[:-1], self._first[1:], strict=True):
            part = slice(max(begin - ended.first_row, 0), max(end - ended.first_row, 0))
            rows = {name: column[part] for name, column in ended.rows.items()}
            if len(rows["due"]):
                tally.add(rows)

    def finish(self, record: Record) -> Iterator[tuple[Tally, Record]]:
        """Takes the others in: each stage that has begun and in which something was due, complete, with that
        part of the record that it was not yet given."""
        self._begin(record.start_ns)
        first = [min(max(row - record.first_row, 0), len(record.due)) for row in self._first]
        for tally, part in zip(self._tallies, split_rows(record, first, self._edges_s), strict=False):
            tally.add_last(part)
            if tally.scheduled:
                yield tally, part

    def _begin(self, start_ns: int) -> None:
        if not self._tallies:
            edges = [start_ns + int(edge * 1e9) for edge in self._edges_s]
            self._tallies = [
                Tally(self._is_good, begin, end, self._concurrency, self._think)
                for begin, end in pairwise(edges)
            ]
