"""The growth profiles that come along: sound shapes, honest about where they come from, fitting the lens."""

from __future__ import annotations

import math
import re
from importlib.resources import files

import pytest

from assessments.forecast import AXES, parse_growth
from assessments.growth_profiles import GrowthProfile, bundled_profiles, find_profile
from assessments.lens import load_lens
from assessments.profile import read_profile
from probes.slo import parse_slo

NAMES = (
    "e-commerce-operations",
    "internal-tool",
    "personalised-streaming",
    "retail-campaign",
    "web-scale-search",
)


@pytest.fixture(params=NAMES)
def profile(request: pytest.FixtureRequest) -> GrowthProfile:
    return find_profile(request.param)


def test_the_five_profiles_are_there_under_the_names_of_their_files() -> None:
    assert tuple(bundled_profiles()) == NAMES
    written = {file.name for file in files("resources.profiles").iterdir() if file.name.endswith(".yaml")}
    assert written == {f"{name}.yaml" for name in NAMES}


def test_three_are_known_by_a_system_that_everybody_knows() -> None:
    assert {name: entry.example for name, entry in bundled_profiles().items() if entry.example} == {
        "personalised-streaming": "Netflix",
        "web-scale-search": "Google Search",
        "e-commerce-operations": "Amazon",
    }


def test_shapes_have_a_mean_of_one(profile: GrowthProfile) -> None:
    curve = profile.curve
    assert (len(curve.hours), len(curve.weekdays)) == (24, 7)
    assert math.fsum(curve.hours) / 24 == pytest.approx(1, abs=1e-4)
    assert math.fsum(curve.weekdays) / 7 == pytest.approx(1, abs=1e-4)
    assert min(curve.hours) > 0
    assert min(curve.weekdays) > 0


def test_the_peak_lies_between_a_flat_day_and_a_tenfold_one(profile: GrowthProfile) -> None:
    assert 1.2 < profile.peak_over_mean() < 10


def test_the_campaign_has_the_sharpest_peak_and_search_the_flattest() -> None:
    peaks = {name: profile.peak_over_mean() for name, profile in bundled_profiles().items()}
    assert max(peaks, key=peaks.__getitem__) == "retail-campaign"
    assert min(peaks, key=peaks.__getitem__) == "web-scale-search"


def test_a_night_of_streaming_has_a_fifth_of_its_evening() -> None:
    hours = find_profile("personalised-streaming").curve.hours
    assert min(hours) / max(hours) == pytest.approx(0.2, abs=0.005)


def test_the_campaigns_evening_is_that_of_its_source() -> None:
    hours = find_profile("retail-campaign").curve.hours
    assert sum(hours[19:23]) / 24 == pytest.approx(2.7 / 10.8)
    assert max(hours) == hours[20] == pytest.approx(12e6 * 60 * 24 / 10.8e9)


def test_the_campaigns_factor_is_that_of_its_source_over_a_usual_monday() -> None:
    campaign = find_profile("retail-campaign")
    monday = campaign.curve.weekdays[0]
    assert campaign.curve.events[0].factor == pytest.approx((1 + 4.86) / monday, abs=0.05)


@pytest.mark.parametrize(
    ("name", "axis", "ratio", "months"),
    [
        ("personalised-streaming", "users", 1.159, 12),
        ("web-scale-search", "workload", 5 / 2, 104),
        ("e-commerce-operations", "workload", 105.2 / 89.2, 12),
    ],
)
def test_growth_with_a_source_is_what_the_source_says(
    name: str, axis: str, ratio: float, months: float
) -> None:
    growth = parse_growth(find_profile(name).growth[axis])
    assert math.expm1(growth.value) == pytest.approx(ratio ** (1 / months) - 1, abs=0.5e-4)


def test_growth_is_given_on_every_axis_and_can_be_read(profile: GrowthProfile) -> None:
    assert tuple(profile.growth) == AXES
    for rate in profile.growth.values():
        growth = parse_growth(rate)
        assert growth.kind == "compound" or growth.value == 0
        assert 0 <= growth.low <= growth.high < math.log(1.1)


def test_the_slo_bounds_response_time_and_errors(profile: GrowthProfile) -> None:
    slo = parse_slo(profile.slo)
    assert slo.bounds
    assert slo.error_ratio is not None
    assert 0 < slo.error_ratio <= 0.01


def test_declared_defaults_are_a_profile_and_exclude_no_question_but_those_for_devices(
    profile: GrowthProfile,
) -> None:
    assert dict(read_profile(dict(profile.profile)).values) == dict(profile.profile)
    assert [key for key, value in profile.profile.items() if value is False] == ["edge_target"]


def test_practices_are_few_weigh_more_and_say_why(profile: GrowthProfile) -> None:
    assert 5 <= len(profile.practices) <= 8
    for practice in profile.practices:
        assert re.fullmatch(r"(INF|MOD|DAT|MON)-\d\d", practice.question)
        assert 1 < practice.factor <= 2
        assert len(practice.why.split()) >= 8
    assert len({practice.why for practice in profile.practices}) == len(profile.practices)


def test_practices_are_questions_of_the_lens(profile: GrowthProfile) -> None:
    file = files("resources") / "lenses" / "loadstone-readiness.yaml"
    if not file.is_file():
        pytest.skip("the lens is not in this checkout")
    lens = load_lens(file.read_bytes(), file.name)
    assert set(profile.weights_for(lens)) == {practice.question for practice in profile.practices}
    lens.with_weights(profile.weights_for(lens))


def test_sources_are_public_and_what_has_none_is_called_an_assumption(profile: GrowthProfile) -> None:
    assert profile.sources
    for source in profile.sources:
        assert 1990 <= source.year <= 2026
        assert source.title
        assert source.says
    assert profile.assumptions
    assert any("shape" in text or "Hours" in text for text in profile.assumptions)
    assert "illustrative" in profile.curve.basis
    for event in profile.curve.events:
        assert "assumption" in event.basis or re.search(r"\b20\d\d\b", event.basis)
