"""Two sets of runs: the check values, the rule, and the false alarms it promises not to give."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import stdtrit

from probes.analysis.regression import (
    MOST_RUNS,
    Comparison,
    compare_metrics,
    compare_runs,
    overall_verdict,
)
from probes.errors import UsageError

# STATISTICS, "Two runs compared"
A = [101, 99, 103, 100, 98]
B = [111, 108, 113, 110, 109]
SAME_AS_A = [102, 100, 101, 99, 103]


def test_the_check_values_of_statistics() -> None:
    found = compare_runs(A, B, "p95")
    assert found.ratio == pytest.approx(1.09983, abs=5e-6)
    assert found.low == pytest.approx(1.07083, abs=5e-6)
    assert found.high == pytest.approx(1.12961, abs=5e-6)
    assert found.verdict == "worse"
    assert found.more_runs_needed == 0
    assert compare_runs(A, SAME_AS_A, "p95").verdict == "same"


def test_the_interval_is_welchs_on_logarithms() -> None:
    # the ratio of geometric means, and Welch's error and degrees of freedom, written out
    before, after = np.log(A), np.log([120.0, 90.0, 140.0, 100.0])
    parts = before.var(ddof=1) / 5, after.var(ddof=1) / 4
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 4 + parts[1] ** 2 / 3)
    assert 3 < freedom < 3.2
    t = 3.1634  # t(.975) at 3.05 degrees of freedom, between 3.182 at 3 and 2.776 at 4
    reach = t * math.sqrt(sum(parts))
    found = compare_runs(A, [120, 90, 140, 100], "p95")
    difference = after.mean() - before.mean()
    assert found.ratio == pytest.approx(math.exp(difference))
    assert found.high is not None
    assert found.low is not None
    assert math.log(found.high) - difference == pytest.approx(reach, rel=0.01)
    assert difference - math.log(found.low) == pytest.approx(reach, rel=0.01)


def test_faster_is_better_unless_larger_is() -> None:
    assert compare_runs(B, A, "p95").verdict == "better"
    assert compare_runs(A, B, "capacity", larger_is_better=True).verdict == "better"
    assert compare_runs(B, A, "capacity", larger_is_better=True).verdict == "worse"


def test_p99_needs_ten_percent_and_eight_runs() -> None:
    assert compare_runs(A, B, "p99").verdict == "unclear"
    assert compare_runs(A, B, "p99").more_runs_needed >= 3
    before, after = [*A, 100, 101, 99], [*B, 110, 111, 109]  # 9.9 % slower
    assert compare_runs(before, after, "p95").verdict == "worse"
    assert compare_runs(before, after, "p99").verdict != "worse"
    assert compare_runs(before, after, "p99", floor=0.05).verdict == "worse"
    assert compare_runs(before, [value * 1.05 for value in after], "p99").verdict == "worse"


def test_a_difference_below_the_floor_is_the_same_however_sure() -> None:
    before = [100.0, 100.1, 99.9, 100.05, 99.95]
    found = compare_runs(before, [value * 1.03 for value in before], "p95")
    assert found.verdict == "same"
    assert found.low is not None
    assert found.low > 1


def test_a_difference_that_may_or_may_not_matter_is_unclear() -> None:
    found = compare_runs([100, 104, 96, 102, 98], [104, 108, 100, 106, 102], "p95")
    assert found.verdict == "unclear"
    assert found.more_runs_needed > 0


@pytest.mark.parametrize(
    ("metric", "needed"), [("p95", 4), ("capacity", 4), ("p99", 7), ("p999", 7), ("max", 7)]
)
def test_one_run_a_side_gives_the_ratio_and_the_runs_it_would_take(metric: str, needed: int) -> None:
    assert compare_runs([100], [120], metric) == Comparison(
        metric, pytest.approx(1.2), None, None, "unclear", needed, None
    )
    assert compare_runs([100], B, metric).low is None


@pytest.mark.parametrize("runs", [2, 3, 4])
def test_fewer_than_five_runs_are_unclear_whatever_they_show(runs: int) -> None:
    found = compare_runs(A[:runs], [value * 3 for value in A[:runs]], "p95")
    assert found.verdict == "unclear"
    assert found.low is not None
    assert found.more_runs_needed >= 5 - runs
    assert compare_runs(A, B[:runs], "p95").verdict == "unclear"


def test_runs_without_any_spread() -> None:
    assert compare_runs([100] * 5, [100] * 5, "p95") == Comparison(
        "p95", 1.0, 1.0, 1.0, "same", 0, 1.0, pytest.approx(0.05)
    )
    assert compare_runs([100] * 5, [106] * 5, "p95").verdict == "worse"
    assert compare_runs([100] * 5, [104] * 5, "p95").verdict == "same"


def test_the_runs_named_are_enough_in_four_of_five_cases() -> None:
    random = np.random.default_rng(1)
    before, after = random.lognormal(math.log(100), 0.12, 5), random.lognormal(math.log(100), 0.12, 5)
    found = compare_runs(before.tolist(), after.tolist(), "p95")
    assert found.verdict == "unclear"
    n = 5 + found.more_runs_needed
    assert n < 5 + MOST_RUNS
    spread = [np.log(side).std(ddof=1) for side in (before, after)]
    decided = 0
    for _ in range(300):
        again = [random.lognormal(0, spread[0], n), random.lognormal(math.log(found.ratio), spread[1], n)]
        decided += compare_runs(again[0].tolist(), again[1].tolist(), "p95").verdict != "unclear"
    assert decided >= 220  # 80 % of 300 less three standard errors


def test_a_ratio_at_the_floor_is_never_decided_and_the_runs_are_capped() -> None:
    assert compare_runs(A, [value * 1.05 for value in A], "p95").more_runs_needed == MOST_RUNS


@pytest.mark.parametrize("sigma", [0.01, 0.05, 0.2])
def test_runs_that_are_equal_are_called_worse_in_one_of_a_hundred_at_most(sigma: float) -> None:
    random = np.random.default_rng(2)
    verdicts = []
    for _ in range(1_500):
        before, after = random.lognormal(4, sigma, 5), random.lognormal(4, sigma, 5)
        verdicts.append(compare_runs(before.tolist(), after.tolist(), "p95").verdict)
    # 1 % a side is 15; 27 lies three standard errors above
    assert verdicts.count("worse") <= 27
    assert verdicts.count("better") <= 27


def test_runs_at_the_floor_are_called_the_same_in_one_of_twenty_at_most() -> None:
    random = np.random.default_rng(3)
    same = 0
    for _ in range(1_500):
        before, after = random.lognormal(4, 0.01, 5), random.lognormal(4 + math.log1p(0.05), 0.01, 5)
        same += compare_runs(before.tolist(), after.tolist(), "p95").verdict == "same"
    assert same <= 100  # 5 % is 75; three standard errors are 25


def test_the_interval_covers_the_true_ratio() -> None:
    random = np.random.default_rng(4)
    covered = 0
    for _ in range(1_500):
        before, after = random.lognormal(4, 0.05, 6), random.lognormal(4.2, 0.15, 5)
        found = compare_runs(before.tolist(), after.tolist(), "p95")
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= math.exp(0.2) <= found.high
    assert 0.93 <= covered / 1_500 <= 0.975


@settings(deadline=None)
@given(
    st.lists(st.floats(1, 1e6), min_size=5, max_size=9), st.lists(st.floats(1, 1e6), min_size=5, max_size=9)
)
def test_the_other_way_round_is_the_inverse(before: list[float], after: list[float]) -> None:
    there, back = compare_runs(before, after, "p95"), compare_runs(after, before, "p95")
    assert there.ratio == pytest.approx(1 / back.ratio)
    assert there.low is not None
    assert back.high is not None
    assert there.low == pytest.approx(1 / back.high, rel=1e-6)
    assert back.verdict == {"worse": "better", "better": "worse"}.get(there.verdict, there.verdict)
    assert there.low <= there.ratio <= (there.high or 0)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([], A, "no p95 of the runs before"),
        (A, [], "no p95 of the runs after"),
        ([0, *A], A, "p95 is 0 in a run before, and a ratio needs numbers over 0"),
        (A, [-1, *A], "p95 is -1 in a run after"),
        (A, [math.nan], "p95 is nan in a run after"),
        (A, [math.inf], "p95 is inf in a run after"),
    ],
)
def test_what_has_no_ratio_is_a_usage_error(before: list[float], after: list[float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        compare_runs(before, after, "p95")


@pytest.mark.parametrize("floor", [-0.1, 1.0, math.nan])
def test_a_floor_that_is_no_share_is_a_usage_error(floor: float) -> None:
    with pytest.raises(UsageError, match="least that matters"):
        compare_runs(A, B, "p95", floor=floor)


def test_the_json_is_a_change_of_the_contract() -> None:
    assert compare_runs([100], [120], "p95").to_json() == {
        "metric": "p95", "ratio": pytest.approx(1.2), "verdict": "unclear",
    }  # fmt: skip
    document = compare_runs(A, B, "p95").to_json()
    assert list(document) == ["metric", "ratio", "low", "high", "smallest_change", "verdict"]


@pytest.mark.parametrize("sigma", [0.005, 0.02, 0.06])
def test_the_smallest_change_is_called_by_its_name_in_four_of_five_cases(sigma: float) -> None:
    """Of the spread of one comparison; over many such the change that each names is found as often."""
    generator = np.random.default_rng(11)
    found = 0
    for _ in range(600):
        sides = np.exp(sigma * generator.standard_normal((2, 8)))
        named = compare_runs(*sides.tolist(), "p50").smallest_change
        assert named is not None
        assert named > 0.05
        change = 1 + _expected_change(sigma)
        again = np.exp(sigma * generator.standard_normal((2, 8)))
        found += compare_runs(again[0], again[1] * change, "p50").verdict == "worse"
    assert found / 600 == pytest.approx(0.8, abs=0.06)


def _expected_change(sigma: float) -> float:
    """The same formula at the true spread, of 8 runs a side: 14 degrees of freedom."""
    error = sigma * np.sqrt(2 / 8)
    sure, seen = float(stdtrit(14, 0.99)), float(stdtrit(14, 0.8))
    return float(np.expm1(max(np.log1p(0.05) + error * seen, error * (sure + seen))))


def test_several_metrics_are_compared_in_order_each_by_its_own_direction() -> None:
    before = {"p95": A, "capacity": A, "mean": A, "only_before": A}
    after = {"mean": SAME_AS_A, "p95": B, "capacity": B}
    found = compare_metrics(before, after, larger_is_better=("capacity",))
    assert [(each.metric, each.verdict) for each in found] == [
        ("p95", "worse"), ("capacity", "better"), ("mean", "same"),
    ]  # fmt: skip


def test_several_metrics_share_the_level_by_holms_method() -> None:
    # 8 % slower with p = .0045: enough alone, not as one of three, unless the others went first
    before = [100 * math.exp(0.045 * z) for z in (-1, -0.5, 0, 0.5, 1)]
    slower = [value * 1.08 for value in before]
    alone = compare_runs(before, slower, "p95")
    assert alone.p_value is not None
    assert 0.0034 < alone.p_value < 0.01
    assert alone.verdict == "worse"
    one_of_three = compare_metrics(
        {"p95": before, "p90": before, "p50": before}, {"p95": slower, "p90": before, "p50": before}
    )
    assert one_of_three[0].verdict == "unclear"
    assert one_of_three[0].more_runs_needed > 0
    much_slower = [value * 2 for value in before]
    last_of_three = compare_metrics(
        {"p95": before, "p90": before, "p50": before}, {"p95": slower, "p90": much_slower, "p50": much_slower}
    )
    assert [each.verdict for each in last_of_three] == ["worse", "worse", "worse"]


def test_a_family_of_equal_metrics_gives_one_false_alarm_in_a_hundred() -> None:
    random = np.random.default_rng(6)
    alarms = 0
    for _ in range(400):
        before = {name: random.lognormal(4, 0.1, 5).tolist() for name in "abcdef"}
        after = {name: random.lognormal(4, 0.1, 5).tolist() for name in "abcdef"}
        alarms += any(each.verdict == "worse" for each in compare_metrics(before, after))
    assert alarms <= 10  # 1 % of 400 is 4; three standard errors are 6


@pytest.mark.parametrize(
    ("verdicts", "overall"),
    [
        ([], "unclear"),
        (["same", "same"], "same"),
        (["same", "better"], "better"),
        (["better", "unclear"], "unclear"),
        (["better", "unclear", "worse"], "worse"),
    ],
)
def test_the_verdict_over_all_metrics(verdicts: list[str], overall: str) -> None:
    found = [Comparison("p95", 1.0, None, None, verdict, 0, None) for verdict in verdicts]  # type: ignore[arg-type]
    assert overall_verdict(found) == overall
