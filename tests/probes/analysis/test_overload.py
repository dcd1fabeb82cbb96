"""What becomes of requests beyond capacity, counted; and when a target is back."""

from __future__ import annotations

import numpy as np
import pytest

from probes.analysis.overload import IN_A_ROW, Overload, judge_spike, recovery_of


def test_each_request_of_the_spike_is_counted_once() -> None:
    """Two in time, one late, two refused at once, one refused late, one failed at once."""
    statuses = np.array([200, 200, 200, 429, 503, 503, 500])
    waited = np.array([0.1, 0.2, 0.3, 0.01, 0.2, 0.21, 0.01])
    counts = judge_spike(statuses, waited, statuses == 200, 0.2)
    assert counts == {"requests": 7, "in_time": 2, "late": 1, "refused_at_once": 2, "failed": 2}
    found = Overload(200.0, 2.0, 50.0, 4.0, 4.0, **counts, recovery_s=None)
    assert found.goodput_per_s == 1.0
    assert found.goodput_ratio == 0.25
    assert found.shed_ratio == pytest.approx(2 / 5)


def test_back_means_several_in_a_row() -> None:
    due = np.arange(40) / 10
    good = np.ones(40, bool)
    waited = np.where(np.arange(40) < 12, 1.0, 0.01)
    assert recovery_of(due, waited, good, 0.05) == pytest.approx(1.2)
    waited[15] = 1.0  # once more slow before ten were fast
    assert recovery_of(due, waited, good, 0.05) == pytest.approx(1.6)
    good[20] = False
    assert recovery_of(due, waited, good, 0.05) == pytest.approx(2.1)
    assert recovery_of(due, waited, ~good, 0.05) is None
    assert recovery_of(due[: IN_A_ROW - 1], waited[:9] * 0, good[:9], 0.05) is None
