"""What may be asked of a load run, and what is refused in one sentence that names text, fault and example."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.errors import UsageError
from probes.load.spec import (
    DEFAULT_SLO,
    LATENCY_METRICS,
    REQUIREMENT_UNITS,
    ClosedSegment,
    LatencyBound,
    LoadSpec,
    OpenSegment,
    Requirement,
    Slo,
    parse_concurrency,
    parse_ramp,
    parse_rate,
    parse_ratio,
    parse_requirement,
    parse_seconds,
    parse_slo,
    parse_stages,
)

Parser = Callable[[str], Any]

# Texts that are no number, or one that nothing can be done with: each parser refuses each of them.
NO_NUMBERS = (
    "", " ", "-5", "NaN", "nan", "inf", "-inf", "Infinity", "1e400", "-1e400", "١٢", "１２", "1_000", "0x10",
    "ten", "1;5", "1 2", "--1", "1e", ".", "5;", "5 #", "\x00", "1" * 400, "½",
)  # fmt: skip


def as_ratio(text: str) -> float:
    return parse_ratio(text, "a share")


def as_steps(text: str) -> tuple[ClosedSegment, ...]:
    return parse_concurrency(text, 5.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("500ms", 0.5), ("2m", 120), ("1h", 3600), ("24h", 86400), ("10", 10), ("1us", 1e-6),
     ("1.5s", 1.5), (".5s", 0.5), ("5.s", 5), ("1e3ms", 1), ("+2s", 2), (" 3 s ", 3), ("86400", 86400)],
)  # fmt: skip
def test_a_time(text: str, seconds: float) -> None:
    assert parse_seconds(text) == pytest.approx(seconds, rel=1e-15)


@pytest.mark.parametrize(
    "text", [*NO_NUMBERS, "0", "0s", "-1s", "25h", "1e-320s", "5S", "5d", "١٢s", "1e400s", "s"]
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time-out: write a time from 1us to 24h such as 30s"):
        parse_seconds(text, "a time-out")


@pytest.mark.parametrize(
    ("text", "rate"), [("200", 200), ("0.5", 0.5), (".5", 0.5), ("1e3", 1000), ("1000000", 1e6), (" 7 ", 7)]
)
def test_a_rate(text: str, rate: float) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", [*NO_NUMBERS, "0", "-0", "1000000.1", "1e7", "1e-320", "5/s"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(UsageError, match="is not a rate: write requests a second"):
        parse_rate(text)


@pytest.mark.parametrize(
    ("text", "ratio"), [("5%", 0.05), ("0.05", 0.05), ("0", 0), ("0%", 0), ("99.9 %", 0.999), ("1e-3", 1e-3)]
)
def test_a_share(text: str, ratio: float) -> None:
    assert as_ratio(text) == pytest.approx(ratio, rel=1e-15)


@pytest.mark.parametrize("text", [*NO_NUMBERS, "100%", "1", "-1%", "1e400%", "١٢%", "%", "5%%"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not a share: write a share such as 5% or 0\.05, below 100%"):
        as_ratio(text)


def test_an_slo() -> None:
    slo = parse_slo("p99 <= 200ms, p50<=.1s ,errors<=1%")
    assert slo.bounds == (LatencyBound(0.99, 200.0, "p99"), LatencyBound(0.5, 100.0, "p50"))
    assert slo.error_ratio == 0.01
    assert slo.to_json() == {"p99_ms": 200.0, "p50_ms": 100.0, "error_ratio": 0.01}
    assert slo.slowest_limit_ms == 200.0


def test_an_slo_of_errors_alone_bounds_no_time() -> None:
    slo = parse_slo("errors<=0")
    assert slo.slowest_limit_ms == math.inf
    assert slo.to_json() == {"error_ratio": 0.0}


def test_an_slo_of_time_alone_bounds_no_errors() -> None:
    assert parse_slo("p95<=1s").to_json() == {"p95_ms": 1000.0}


def test_the_default_slo_is_the_contracts() -> None:
    assert parse_slo(DEFAULT_SLO).to_json() == {"p99_ms": 500.0, "error_ratio": 0.01}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no part of an SLO: write for example p99<=200ms,errors<=1%"),
        ("p99<=200ms,", "'' is no part of an SLO"),
        ("fast", "'fast' is no part of an SLO"),
        ("p99<=200 ms", "is no part of an SLO"),
        ("p98<=200ms", "'p98' is not a metric of an SLO: did you mean p99"),
        ("error<=1%", "did you mean errors?"),
        ("P99<=200ms", "did you mean p99"),
        ("weather<=1%", "write one of p50, p90, p95, p99, p999, errors"),
        ("p99>=200ms", "an SLO sets upper bounds, write p99<=200ms"),
        ("p99<200ms", "write p99<=200ms"),
        ("p99=200ms", "write p99<=200ms"),
        ("p99==200ms", "write p99<=200ms"),
        ("p99<=200", "lacks a unit: write p99<=200ms or p99<=200s"),
        ("p99<=200MS", "lacks a unit"),
        ("p99<=0ms", "is not a bound on response time"),
        ("p99<=-1ms", "is not a bound on response time"),
        ("p99<=nans", "is not a bound on response time"),
        ("p99<=1e400s", "is not a bound on response time"),
        ("p99<=١٢ms", "is not a bound on response time"),
        ("errors<=100%", "is not a share of errors"),
        ("errors<=-1%", "is not a share of errors"),
        ("errors<=nan", "is not a share of errors"),
        ("p99<=1s,p99<=2s", "bounds p99 twice"),
        ("errors<=1%,p99<=1s,errors<=2%", "bounds errors twice"),
    ],
)
def test_what_is_no_slo(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_slo(text)
    assert said in str(refused.value)


def test_stages() -> None:
    assert parse_stages("50@20s, 100 @ 1m") == (OpenSegment(50, 50, 20), OpenSegment(100, 100, 60))


def test_a_ramp() -> None:
    assert parse_ramp("10..500@60s") == OpenSegment(10, 500, 60)
    assert parse_ramp("500...5@1m") == OpenSegment(500, 0.5, 60)


def test_concurrency() -> None:
    assert as_steps("1,2, 4") == (ClosedSegment(1, 5.0), ClosedSegment(2, 5.0), ClosedSegment(4, 5.0))
    assert as_steps("10000") == (ClosedSegment(10_000, 5.0),)


@pytest.mark.parametrize("text", NO_NUMBERS)
@pytest.mark.parametrize(
    ("parse", "form"),
    [
        (parse_stages, "{}@20s"),
        (parse_stages, "50@{}x"),
        (parse_stages, "50@20s,{}"),
        (parse_ramp, "{}..500@60s"),
        (parse_ramp, "10..{}@60s"),
        (parse_ramp, "10..500@{}x"),
        (as_steps, "1,{},4"),
        (parse_requirement, "capacity>={}"),
        (parse_requirement, "errors<={}%"),
        (parse_requirement, "p99<={}ms"),
    ],
)
def test_a_bad_number_anywhere_is_refused(parse: Parser, form: str, text: str) -> None:
    with pytest.raises(UsageError, match="write"):
        parse(form.format(text))


@pytest.mark.parametrize(
    ("parse", "text", "said"),
    [
        (parse_stages, "50", "'50' is no stage: write rate@time"),
        (parse_stages, "", "'' is no stage"),
        (parse_stages, "0@20s", "'0' is not the rate of a stage"),
        (parse_stages, "50@0s", "'0s' is not the time of a stage"),
        (parse_stages, "50@20s@30s", "'20s@30s' is not the time of a stage"),
        (parse_stages, "50@20s,", "'' is no stage"),
        (parse_ramp, "", "'' is no ramp: write from..to@time"),
        (parse_ramp, "10-500@60s", "is no ramp"),
        (parse_ramp, "10..500", "is no ramp"),
        (parse_ramp, "0..500@60s", "'0' is not the first rate of a ramp"),
        (parse_ramp, "10..0@60s", "'0' is not the last rate of a ramp"),
        (parse_ramp, "10..500@0s", "'0s' is not the time of a ramp"),
        (as_steps, "", "'' is no concurrency: write whole numbers from 1 to 10000"),
        (as_steps, "0", "'0' is no concurrency"),
        (as_steps, "1.5", "'1.5' is no concurrency"),
        (as_steps, "10001", "'10001' is no concurrency"),
        (as_steps, "1,2,", "'' is no concurrency"),
    ],
)
def test_a_refusal_names_the_text_and_a_right_example(parse: Parser, text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "metric", "comparison", "limit"),
    [
        ("capacity>=150", "capacity", ">=", 150),
        ("p99<=200ms", "p99", "<=", 200),
        ("p99 <= 0.2s", "p99", "<=", 200),
        ("p99<=200", "p99", "<=", 200),
        ("errors<1%", "errors", "<", 0.01),
        ("errors<0.01", "errors", "<", 0.01),
        ("cpu_ms_per_request<=5", "cpu_ms_per_request", "<=", 5),
        ("cpu_ms_per_request<=500us", "cpu_ms_per_request", "<=", 0.5),
        ("rss_mb<=512", "rss_mb", "<=", 512),
        ("growth_bytes_per_request<=0", "growth_bytes_per_request", "<=", 0),
        ("ttft_p95<=1s", "ttft_p95", "<=", 1000),
        ("goodput>40", "goodput", ">", 40),
    ],
)
def test_a_requirement(text: str, metric: str, comparison: str, limit: float) -> None:
    made = parse_requirement(text)
    assert (made.metric, made.comparison) == (metric, comparison)
    assert made.limit == pytest.approx(limit, rel=1e-15)
    assert made.text == text.replace(" ", "")


def test_every_metric_of_the_contract_can_be_required() -> None:
    contract = (
        "capacity p50 p90 p95 p99 p999 max mean errors throughput cpu_ms_per_request rss_mb "
        "growth_bytes_per_request ttft_p95 itl_p95 goodput"
    )
    assert set(REQUIREMENT_UNITS) == set(contract.split())
    for metric in REQUIREMENT_UNITS:
        assert parse_requirement(f"{metric}<=0.5").metric == metric


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no requirement: write for example capacity>=150"),
        ("capacity", "is no requirement"),
        ("capacity=150", "is no requirement"),
        ("capacity>=150 1/s", "is no requirement"),
        ("capcity>=150", "'capcity' is not a metric of a requirement: did you mean capacity?"),
        ("latency_p99<=5", "is not a metric of a requirement"),
        ("zzz<=5", "write one of capacity, throughput"),
        ("capacity>=fast", "'fast' is no limit for capacity: write a number of at least 0"),
        ("capacity>=-5", "is no limit for capacity"),
        ("capacity>=5%", "is no limit for capacity"),
        ("rss_mb<=512MB", "is no limit for rss_mb"),
        ("errors<=100%", "is not a share of errors"),
        ("p99<=5x", "is not a bound on a time"),
    ],
)
def test_what_is_no_requirement(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_requirement(text)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("comparison", "below", "equal", "above"),
    [
        ("<=", True, True, False),
        (">=", False, True, True),
        ("<", True, False, False),
        (">", False, False, True),
    ],
)
def test_a_requirement_holds_or_not_and_never_without_a_measurement(
    comparison: Any, below: bool, equal: bool, above: bool
) -> None:
    requirement = Requirement("capacity", comparison, 150.0, f"capacity{comparison}150")
    assert [requirement.held_by(value) for value in (149.9, 150.0, 150.1)] == [below, equal, above]
    assert requirement.held_by(None) is None
    assert requirement.held_by(math.nan) is False


def test_a_load_is_written_so_that_it_can_be_asked_again() -> None:
    assert LoadSpec().to_json() == {
        "mode": "find_capacity", "slo": "p99<=500ms,errors<=1%", "arrivals": "poisson", "seed": 1,
        "timeout_s": 10.0, "warmup_s": "auto", "connections": 512, "precision": 0.05, "budget_s": 120.0,
        "max_rate": None,
    }  # fmt: skip
    spec = LoadSpec(
        segments=(*parse_stages("50@20s"), ClosedSegment(4, 5.0)),
        requirements=(parse_requirement("capacity >= 150"),),
        warmup_s=0.0,
    )
    document = spec.to_json()
    assert not spec.finds_capacity
    assert document["mode"] == "segments"
    assert document["warmup_s"] == 0.0
    assert document["segments"] == [
        {"rate_from": 50.0, "rate_to": 50.0, "seconds": 20.0},
        {"concurrency": 4, "seconds": 5.0},
    ]
    assert document["require"] == ["capacity>=150"]


RATES = st.floats(1e-6, 1e6)
SECONDS = st.floats(1.0001e-6, 86_399.99)


@settings(deadline=None)
@given(SECONDS)
def test_any_time_comes_back_in_every_unit(seconds: float) -> None:
    for unit, size in (("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("", 1.0)):
        assert parse_seconds(f"{seconds / size!r}{unit}") == pytest.approx(seconds, rel=1e-14)


@settings(deadline=None)
@given(st.lists(st.tuples(RATES, SECONDS), min_size=1, max_size=5))
def test_any_stages_come_back(stages: list[tuple[float, float]]) -> None:
    text = ",".join(f"{rate!r}@{seconds!r}s" for rate, seconds in stages)
    assert parse_stages(text) == tuple(OpenSegment(rate, rate, seconds) for rate, seconds in stages)


@settings(deadline=None)
@given(RATES, RATES, SECONDS)
def test_any_ramp_comes_back(first: float, last: float, seconds: float) -> None:
    assert parse_ramp(f"{first!r}..{last!r}@{seconds!r}s") == OpenSegment(first, last, seconds)


@settings(deadline=None)
@given(st.lists(st.integers(1, 10_000), min_size=1))
def test_any_concurrencies_come_back(levels: list[int]) -> None:
    assert as_steps(",".join(map(str, levels))) == tuple(ClosedSegment(level, 5.0) for level in levels)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(sorted(LATENCY_METRICS)), st.floats(0.001, 86_400_000), min_size=1),
    st.none() | st.floats(0, 0.999999),
)
def test_any_slo_comes_back_from_its_own_text(limits: dict[str, float], error_ratio: float | None) -> None:
    parts = [f"{name} <= {limit!r}ms" for name, limit in limits.items()]
    parts += [] if error_ratio is None else [f"errors<={error_ratio!r}"]
    slo: Slo = parse_slo(", ".join(parts))
    assert [bound.name for bound in slo.bounds] == list(limits)
    assert [bound.limit_ms for bound in slo.bounds] == pytest.approx(list(limits.values()), rel=1e-12)
    assert [bound.quantile for bound in slo.bounds] == [LATENCY_METRICS[name] for name in limits]
    assert slo.error_ratio == error_ratio
    assert parse_slo(slo.text) == slo


@settings(deadline=None)
@given(
    st.sampled_from(sorted(REQUIREMENT_UNITS)),
    st.sampled_from(["<=", ">=", "<", ">"]),
    st.floats(0, 0.999),
)
def test_any_requirement_comes_back_from_its_own_text(metric: str, comparison: str, limit: float) -> None:
    made = parse_requirement(f" {metric} {comparison} {limit!r} ")
    assert made.limit == limit
    assert parse_requirement(made.text) == made


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_other_text_is_a_value_or_a_usage_error(text: str) -> None:
    for parse in (parse_seconds, parse_rate, as_ratio, parse_slo, parse_stages, parse_ramp, as_steps):
        try:
            parse(text)
        except UsageError as error:
            assert str(error)


@pytest.mark.parametrize("text", ["." * 50_000, "1" * 50_000, "1.." * 20_000, "1..2" * 15_000, " " * 50_000])
def test_a_long_text_is_refused_in_no_time(text: str) -> None:
    began = time.process_time()
    for parse in (parse_seconds, parse_rate, as_ratio, parse_slo, parse_stages, parse_ramp, as_steps):
        with pytest.raises(UsageError):
            parse(text)
    assert time.process_time() - began < 5  # a regular expression that tries all ways takes minutes
