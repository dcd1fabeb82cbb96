"""A step tallied while it runs is the step tallied at once."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.load import plan
from probes.load.durations import Durations
from probes.load.engine import Ended, Record
from probes.load.plan import COLUMNS, ShardReport
from probes.load.tally import Stages, summarise

MS = 1_000_000
START = 10**12
SECOND = 10**9
REPORT = ShardReport(0, 0, START + 5 * SECOND, 0.1, None, 1.0, 0, 0, 0, pauses=7, paused_ns=70 * MS)


def is_good(status: int) -> bool:
    return status == 200


@st.composite
def records(draw: st.DrawFn) -> Record:
    """What an open or a closed loop may leave behind after a second; what is unsent comes last."""
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, 990), st.integers(0, 50), st.integers(1, 400), st.integers(0, 20),
                st.sampled_from([200, 200, 200, 404, 503, plan.TIMEOUT, plan.CANCELLED, plan.RESET]),
            ),
            min_size=1, max_size=50,
        )
    )  # fmt: skip
    unsent = draw(st.integers(0, len(rows)))
    due, lag, service, read_lag, status = np.array(sorted(rows), np.int64).T * MS
    due += START
    sent = due + lag
    recv = np.where(status < 1_000 * MS, sent + service, 0)
    read = sent + service + read_lag
    status = status // MS
    for column in (sent, recv, read, status):
        column[len(rows) - unsent :] = 0
    concurrency = draw(st.sampled_from([0, 0, 3]))
    return Record(
        due, sent, recv, read, status, START, START + SECOND, concurrency, REPORT,
        think=concurrency > 0 and draw(st.booleans()),
    )  # fmt: skip


def assert_same(found: Any, wanted: Any) -> None:
    for each in fields(wanted):
        one, other = getattr(found, each.name), getattr(wanted, each.name)
        if isinstance(other, Durations):
            assert sorted(one.values.tolist()) == sorted(other.values.tolist()), each.name
        elif isinstance(other, float):
            assert one == pytest.approx(other, rel=1e-9), each.name
        else:
            assert one == other, each.name


@given(records(), st.lists(st.integers(1, 50), max_size=4))
def test_parts_add_up_to_the_whole(record: Record, cuts: list[int]) -> None:
    """Whatever had ended by then was given away in parts; the end comes as it was planned."""
    ended = int(np.argmax(record.read == 0)) if (record.read == 0).any() else len(record.due)
    cuts = [min(cut, ended) for cut in cuts]  # of callers the first part holds everybody's first answer
    edges = [0, *sorted({cut for cut in cuts if cut >= record.concurrency})]
    stages = Stages.one(is_good, 1.0, record.concurrency, record.think)
    for begin, end in pairwise(edges):
        rows = {name: getattr(record, name)[begin:end] for name in COLUMNS}
        stages.take(Ended(begin, rows, START, START + SECOND))
    rest = replace(record.rows(edges[-1], len(record.due), START, START + SECOND), first_row=edges[-1])
    ((tally, part),) = stages.finish(rest)
    assert len(part.due) == len(record.due) - edges[-1]
    assert_same(tally.step(REPORT, lambda *_: None), summarise(record, is_good, lambda *_: None))


def test_stages_are_told_apart_while_they_run() -> None:
    """Two stages of a second with 100 requests each, given away by 30: 5 ms, then 9 ms."""
    due = START + np.arange(200) * 10 * MS
    took = np.where(np.arange(200) < 100, 5, 9) * MS
    status = np.full(200, 200)
    columns = dict(zip(COLUMNS, (due, due, due + took, due + took, status), strict=True))
    stages = Stages(is_good, [0, 100, 200], [0.0, 1.0, 2.0])
    for begin in range(0, 180, 30):
        rows = {name: column[begin : begin + 30] for name, column in columns.items()}
        stages.take(Ended(begin, rows, START, START + 2 * SECOND))
    rest = Record(
        **{name: column[180:] for name, column in columns.items()}, start_ns=START, end_ns=START + 2 * SECOND,
        concurrency=0, report=REPORT, first_row=180,
    )  # fmt: skip
    first, second = (tally.step(REPORT, lambda *_: None) for tally, _ in stages.finish(rest))
    assert (first.scheduled, second.scheduled) == (100, 100)
    assert set(first.response.values.tolist()) == {5 * MS}
    assert set(second.response.values.tolist()) == {9 * MS}
    assert first.achieved_per_s == second.achieved_per_s == 100


def test_a_stretch_that_was_stopped_has_the_stages_that_had_begun() -> None:
    due = START + np.arange(130) * 10 * MS
    columns = (due, due, due + MS, due + MS, np.full(130, 200))
    record = Record(*columns, START, START + 1_300 * MS, 0, REPORT, stopped=True)
    stages = Stages(is_good, [0, 100, 200, 300], [0.0, 1.0, 2.0, 3.0])
    steps = [tally.step(REPORT, lambda *_: None) for tally, _ in stages.finish(record)]
    assert [(step.scheduled, step.seconds) for step in steps] == [(100, 1.0), (30, pytest.approx(0.3))]


def test_what_is_unanswered_is_counted_by_quarters() -> None:
    """One request every 10 ms of a second that is never answered: 26, 51, 76 and 100 by then."""
    due = START + np.arange(100) * 10 * MS
    nothing = np.zeros(100, np.int64)
    ends = START + 3 * SECOND
    record = Record(
        due, due, nothing, np.full(100, ends), np.full(100, plan.TIMEOUT), START, START + SECOND, 0, REPORT
    )
    assert summarise(record, is_good, lambda *_: None).backlog == (26, 51, 76, 100)
