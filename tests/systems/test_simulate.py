"""The arithmetic that other tests trust: simulation, closed forms and published values agree."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest


def test_closed_forms_give_the_published_values(simulate: ModuleType) -> None:
    assert simulate.mm1_rate(0.01, 0.99, 0.1) == pytest.approx(53.948, abs=5e-4)
    assert simulate.mmc_rate(4, 0.01, 0.99, 0.1) == pytest.approx(350.09, abs=5e-3)
    assert simulate.mmc_rate(4, 0.01, 0.95, 0.1) == pytest.approx(368.07, abs=5e-3)
    assert simulate.erlang_c(4, 3.2) == pytest.approx(0.59643, abs=5e-6)


def test_mmc_with_one_server_is_mm1(simulate: ModuleType) -> None:
    rate = simulate.mm1_rate(0.01, 0.95, 0.08)
    assert simulate.mmc_rate(1, 0.01, 0.95, 0.08) == pytest.approx(rate, rel=1e-5)
    assert simulate.mm1_quantile(rate, 0.01, 0.95) == pytest.approx(0.08)


def test_a_request_to_mmc_waits_as_often_as_erlang_says(simulate: ModuleType) -> None:
    """A response over the limit of 0 s is certain, and the tail's waiting part at 0 is Erlang C."""
    assert simulate.mmc_tail(320.0, 4, 0.01, 0.0) == pytest.approx(1.0)
    # One server to spare is where the formula's general form divides by zero.
    near, at = simulate.mmc_tail(299.9999, 4, 0.01, 0.05), simulate.mmc_tail(300.0, 4, 0.01, 0.05)
    assert near == pytest.approx(at, rel=1e-4)


def test_mdc_waits_not_at_all_with_the_chance_that_a_server_is_free(simulate: ModuleType) -> None:
    """M/D/1 at half load: P(wait > 0) is the load; the tail below the service time is certain."""
    assert simulate.mdc_tail(50.0, 1, 0.01, 0.01) == pytest.approx(0.5)
    assert simulate.mdc_tail(50.0, 1, 0.01, 0.009) == 1.0


@pytest.mark.parametrize("quantile", [0.95, 0.99])
def test_the_simulated_rate_is_the_true_one_for_mm4(simulate: ModuleType, quantile: float) -> None:
    rate = simulate.true_rate(4, 0.01, quantile, 0.1)
    assert rate == pytest.approx(simulate.mmc_rate(4, 0.01, quantile, 0.1), rel=0.005)


def test_the_simulated_rate_is_the_true_one_for_mm1(simulate: ModuleType) -> None:
    assert simulate.true_rate(1, 0.01, 0.99, 0.1) == pytest.approx(53.948, rel=0.005)


def test_the_simulated_rate_is_the_true_one_for_md8(simulate: ModuleType) -> None:
    """700.3 is what an earlier simulation said; the closed form, to which this one agrees, says 698.46."""
    exact = simulate.mdc_rate(8, 0.01, 0.99, 0.03)
    assert exact == pytest.approx(698.46, abs=0.01)
    assert exact == pytest.approx(700.3, rel=0.005)
    assert simulate.true_rate(8, 0.01, 0.99, 0.03, dist="det") == pytest.approx(exact, rel=0.005)


def test_no_rate_is_right_when_the_service_alone_breaks_the_limit(simulate: ModuleType) -> None:
    assert simulate.mm1_rate(0.1, 0.99, 0.1) == 0.0
    assert simulate.mmc_rate(4, 0.1, 0.99, 0.1) == 0.0
    assert simulate.true_rate(4, 0.1, 0.99, 0.1, lanes=100, n=500) == 0.0


def test_both_ways_to_work_through_a_queue_agree(simulate: ModuleType) -> None:
    """Three servers: the sorted recursion over lanes against a heap, request by request."""
    rng = np.random.default_rng(5)
    gaps, services = rng.exponential(0.4, (2_000, 2)), rng.exponential(1.0, (2_000, 2))
    lanes = simulate._respond(gaps, services, 3)
    for lane in range(2):
        in_turn = simulate._respond_in_turn(gaps[:, lane], services[:, lane], 3)
        np.testing.assert_allclose(lanes[:, lane], in_turn, rtol=1e-9)


def test_a_short_queue_by_hand(simulate: ModuleType) -> None:
    """Two servers, 3 s each, arrivals at 1, 2, 3, 4 and 20: ends 4, 5, 7, 8, 23."""
    gaps = np.array([1.0, 1.0, 1.0, 1.0, 16.0])
    assert simulate._respond_in_turn(gaps, np.full(5, 3.0), 2).tolist() == [3.0, 3.0, 4.0, 4.0, 3.0]


@pytest.mark.parametrize(("dist", "cv"), [("det", 0.0), ("exp", 1.0), ("lognormal", 1.5)])
def test_service_times_have_the_mean_and_spread_asked_for(simulate: ModuleType, dist: str, cv: float) -> None:
    """Where hardly anybody meets anybody a response time is a service time."""
    responses = simulate.response_times(1e-4, 1, 0.01, 200_000, 3, dist, cv=cv)
    assert responses.mean() == pytest.approx(0.01, rel=0.02)
    assert responses.std() / responses.mean() == pytest.approx(cv, rel=0.05, abs=1e-4)


def test_the_same_seed_gives_the_same_queue(simulate: ModuleType) -> None:
    first, again, other = (simulate.response_times(80.0, 1, 0.01, 1_000, seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
