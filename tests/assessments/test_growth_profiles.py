"""Growth profiles: read strictly, shaped as written, and never laid over what a person gave."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import pytest

from assessments.assessment import assess, rescored
from assessments.claims import read_answers
from assessments.forecast import AXES
from assessments.growth_profiles import (
    Filled,
    GrowthProfile,
    applied,
    bundled_profiles,
    find_profile,
    read_growth_profile,
)
from assessments.judging import Materials
from assessments.lens import Lens, load_lens
from assessments.profile import EMPTY, Profile, read_profile
from probes.errors import UsageError

HOURS = "[" + ", ".join(["0.5"] * 12 + ["1.5"] * 11 + ["1.5"]) + "]"
PROFILE = f"""schema: loadstone.growth-profile/1
name: night-shop
title: Night shop
description: A shop that is busy in the second half of the day.
curve:
  basis: illustrative
  hours: {HOURS}
  weekdays: [0.8, 0.8, 0.8, 0.8, 0.8, 1.2, 1.8]
  events:
  - {{name: New year, from: 12-30, to: 01-02, factor: 3, basis: assumption}}
  - {{name: New year's day, from: 01-01, to: 01-01, factor: 2, basis: assumption}}
  - {{name: Summer, from: 07-01, to: 07-31, factor: 0.5, basis: assumption}}
growth: {{workload: 8%/month, users: 0, data: 10..20/week}}
slo: p99<=200ms, errors<=1%
profile: {{target_kind: http, streaming: true}}
practices:
- {{question: AAA-01, factor: 2, why: because}}
- {{question: AAA-02, factor: 0.5, why: because}}
- {{question: ZZZ-99, factor: 3, why: not in every lens}}
sources:
- {{title: Nights, year: 2020, says: that nights are dark}}
assumptions: [all of it]
"""
LENS = """schema: loadstone.lens/1
name: small
title: Small
version: "1"
pillars: [{id: infrastructure, name: Infrastructure}]
questions:
- {id: AAA-01, pillar: infrastructure, weight: 3, question: "One?", choices: [
    {id: AAA_01_no, value: 0, text: "no"}, {id: AAA_01_a, value: 1, text: "yes", unprovable: "why"}]}
- {id: AAA-02, pillar: infrastructure, weight: 2, question: "Two?", choices: [
    {id: AAA_02_no, value: 0, text: "no"}, {id: AAA_02_a, value: 1, text: "yes", unprovable: "why"}]}
- {id: AAA-03, pillar: infrastructure, weight: 1, question: "Three?", choices: [
    {id: AAA_03_no, value: 0, text: "no"}, {id: AAA_03_a, value: 1, text: "yes", unprovable: "why"}]}
"""


def read(text: str = PROFILE) -> GrowthProfile:
    return read_growth_profile(text.encode(), "night-shop.yaml")


def lens(text: str = LENS) -> Lens:
    return load_lens(text.encode(), "small.yaml")


def given(**values: object) -> Profile:
    return read_profile(values)


def test_the_peak_is_the_highest_hour_of_the_highest_weekday_in_the_largest_event() -> None:
    assert read().peak_over_mean() == pytest.approx(1.5 * 1.8 * 3)


def test_events_that_lower_demand_do_not_lower_the_peak() -> None:
    text = "\n".join(line for line in PROFILE.splitlines() if "New year" not in line)
    assert read(text).peak_over_mean() == pytest.approx(1.5 * 1.8)


def test_the_series_is_the_mean_times_the_hour_the_weekday_and_the_event() -> None:
    monday = date(2026, 3, 2)
    series = read().series(7, monday, 100)
    assert len(series) == 7 * 24
    assert series[:24] == pytest.approx([40.0] * 12 + [120.0] * 12)
    assert series[-1] == pytest.approx(100 * 1.5 * 1.8)
    assert math.fsum(series) / len(series) == pytest.approx(100)
    assert read().series(1, date(2026, 7, 6), 100)[0] == pytest.approx(100 * 0.5 * 0.8 * 0.5)


def test_an_event_over_the_end_of_the_year_covers_both_sides_and_the_largest_of_two_counts() -> None:
    monday_to_saturday = [0.8, 0.8, 0.8, 0.8, 0.8, 1.2]
    midnights = read().series(6, date(2025, 12, 29), 1)[::24]
    factors = [hour / (0.5 * usual) for hour, usual in zip(midnights, monday_to_saturday, strict=True)]
    assert factors == pytest.approx([1, 3, 3, 3, 3, 1])


def test_no_hour_of_two_years_is_above_the_peak() -> None:
    for profile in bundled_profiles().values():
        series = profile.series(731, date(2026, 1, 1), 1)
        assert max(series) <= profile.peak_over_mean() * (1 + 1e-12)
        assert max(series) > 0.8 * profile.peak_over_mean()


@pytest.mark.parametrize(
    ("days", "mean", "said"),
    [(0, 1.0, "0 days"), (3661, 1.0, "3661 days"), (1, -1.0, "-1"), (1, math.nan, "nan")],
)
def test_a_series_of_nonsense_is_refused(days: int, mean: float, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read().series(days, date(2026, 1, 1), mean)


def test_a_series_past_the_calendar_is_refused() -> None:
    with pytest.raises(UsageError, match="end after the calendar"):
        read().series(10, date(9999, 12, 31), 1)


def test_practices_multiply_the_weights_of_the_questions_that_the_lens_has() -> None:
    weights = read().weights_for(lens())
    assert weights == {"AAA-01": 6.0, "AAA-02": 1.0}
    weighed = lens().with_weights(weights)
    assert [question.weight for question in weighed.questions] == [6.0, 1.0, 1.0]


def test_a_weight_stays_within_what_a_lens_takes() -> None:
    heavy = read().weights_for(lens(LENS.replace("weight: 3", "weight: 90")))
    assert heavy["AAA-01"] == 100.0


def test_an_empty_profile_gets_all_that_is_declared_and_each_value_is_noted() -> None:
    filled, notes = applied(read(), EMPTY)
    assert filled.growth == {"workload": "8%/month", "users": "0", "data": "10..20/week"}
    assert filled.values == {"slo": "p99<=200ms,errors<=1%", "target_kind": "http", "streaming": True}
    assert {note.key: note.value for note in notes} == {
        "growth.workload": "8%/month",
        "growth.users": "0",
        "growth.data": "10..20/week",
        "slo": "p99<=200ms,errors<=1%",
        "target_kind": "http",
        "streaming": True,
    }
    for note in notes:
        assert "declared by the growth profile night-shop" in note.note
        assert note.to_json() == {"key": note.key, "value": note.value, "note": note.note}
    assert filled.to_json() == {}, "nobody gave anything"
    assert [entry["key"] for entry in filled.declared_json()] == [note.key for note in notes]


def test_what_the_person_gave_is_never_overwritten() -> None:
    mine = given(
        slo="p95<=1s",
        target_kind="callable",
        streaming=False,
        usual_per_s=10,
        peak_per_s=11,
        growth={"workload": "1%/month", "users": "2%/month", "data": "3%/month"},
    )
    filled, notes = applied(read(), mine)
    assert filled == mine
    assert notes == ()


def test_only_the_axes_of_growth_that_are_missing_are_filled() -> None:
    filled, notes = applied(read(), given(growth={"users": "5%/month"}))
    assert filled.growth == {"users": "5%/month", "workload": "8%/month", "data": "10..20/week"}
    assert "growth.users" not in [note.key for note in notes]


def test_a_peak_follows_from_a_usual_rate_alone_and_says_how() -> None:
    filled, notes = applied(read(), given(usual_per_s=20, target_peak_per_s=500))
    assert filled.values["peak_per_s"] == pytest.approx(20 * 8.1)
    assert filled.values["target_peak_per_s"] == 500
    note = next(note for note in notes if note.key == "peak_per_s")
    assert note == Filled("peak_per_s", 162.0, note.note)
    assert "20/s on a usual day × 8.1" in note.note
    assert "not measured" in note.note


@pytest.mark.parametrize("values", [{}, {"usual_per_s": 0}, {"target_peak_per_s": 500}])
def test_without_a_usual_rate_there_is_no_peak(values: dict[str, object]) -> None:
    filled, notes = applied(read(), given(**values))
    assert "peak_per_s" not in filled.values
    assert "peak_per_s" not in [note.key for note in notes]


def test_applying_changes_nothing_that_was_handed_in_and_twice_is_once() -> None:
    mine = given(usual_per_s=20)
    filled, _ = applied(read(), mine)
    assert mine == given(usual_per_s=20)
    assert applied(read(), filled) == (filled, ())


def test_a_profile_is_found_by_its_name_whatever_the_letters() -> None:
    assert find_profile(" Retail-Campaign ").name == "retail-campaign"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("retail-campagne", "did you mean retail-campaign?"),
        ("Web-scale serch", "did you mean web-scale-search?"),
        ("xyzzy", "there are e-commerce-operations, internal-tool"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_profile(name)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("growth-profile/1", "growth-profile/2", 1, "the schema of a growth profile is"),
        ("name: night-shop", "name: a b", 2, "is no id"),
        ("title: Night shop\n", "", 1, "needs 'title'"),
        ("title: Night", "titel: Night", 3, "did you mean title?"),
        ("[0.5, 0.5,", "[0.5,", 7, "there are 23 hours: write 24 to 24"),
        ("[0.5, 0.5,", "[0.5, 0.7,", 7, "their own mean is 1.008: make it 1"),
        ("[0.5, 0.5,", "[0.5, true,", 7, "hours are numbers from 0 to 100, not True"),
        ("[0.8, 0.8,", "[-0.8, 2.4,", 8, "weekdays are numbers from 0 to 100"),
        ("from: 12-30", "from: 13-30", 10, "is no day of a year"),
        ("from: 12-30", "from: 02-30", 10, "is no day of a year"),
        ("to: 01-02", "to: January", 10, "is no day of a year"),
        ("factor: 3,", "factor: 0,", 10, "a factor is above 0"),
        ("factor: 3,", "factor: 101,", 10, "factor is a number from 0 to 100"),
        ("workload: 8%/month", "workload: fast", 13, "'fast' is no growth"),
        ("workload: 8%/month", "wrkload: 8%/month", 13, "did you mean workload?"),
        ("p99<=200ms", "p98<=200ms", 14, "is not a metric of an SLO"),
        ("target_kind: http", "target_kind: htp", 15, "did you mean http?"),
        ("target_kind: http", "peak_per_s: 5", 15, "has no 'peak_per_s'"),
        ("question: AAA-02", "question: AAA-01", 18, "AAA-01 is there twice"),
        ("factor: 0.5, why", "factr: 0.5, why", 18, "did you mean factor?"),
        ("year: 2020", "year: 2020.5", 21, "is no year"),
        ("year: 2020", 'year: 2020, url: "ftp://a"', 21, "is no address"),
        ("\n- {title: Nights, year: 2020, says: that nights are dark}", " []", 20, "there are 0 sources"),
        ("assumptions: [all of it]", "assumptions: [1]", 22, "assumptions is a text"),
    ],
)
def test_what_is_wrong_is_refused_with_file_and_line(old: str, new: str, line: int, said: str) -> None:
    assert old in PROFILE
    with pytest.raises(UsageError) as caught:
        read(PROFILE.replace(old, new, 1))
    assert str(caught.value).startswith(f"night-shop.yaml, line {line}: ")
    assert said in str(caught.value)
    assert str(caught.value).count("night-shop.yaml") == 1


@pytest.mark.parametrize("text", ["", "[]", "just words", "schema: 1"])
def test_what_is_no_growth_profile_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"night-shop\.yaml"):
        read(text)


AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
ANSWERS = """schema: loadstone.answers/1
profile: {{growth_profile: retail-campaign, usual_per_s: 100, target_kind: command{more}}}
answers: {{AAA-01: AAA_01_a, AAA-02: AAA_02_a, AAA-03: AAA_03_no}}
weights: {{AAA-02: 7}}
"""


def materials(more: str = "", lens_text: str = LENS) -> Materials:
    answers = read_answers(ANSWERS.format(more=more).encode(), "answers.yaml")
    return Materials("shop", "1", lens(lens_text), answers)


def test_what_a_named_growth_profile_fills_in_is_declared_and_never_given() -> None:
    campaign = find_profile("retail-campaign")
    given = materials()
    assert given.profile.values["target_kind"] == "command"
    assert given.profile.values["slo"] == campaign.slo
    assert given.profile.values["peak_per_s"] == pytest.approx(100 * campaign.peak_over_mean(), rel=1e-5)
    document = assess(given, AS_OF).to_json()
    assert document["profile"] == {
        "growth_profile": "retail-campaign", "usual_per_s": 100, "target_kind": "command",
    }  # fmt: skip
    declared = {entry["key"]: entry for entry in document["profile_declared"]}
    assert set(declared) == {"slo", "edge_target", "peak_per_s", *(f"growth.{axis}" for axis in AXES)}
    assert declared["slo"]["value"] == campaign.slo
    assert "nobody gave it" in declared["slo"]["note"]
    assert rescored(document) == document


def test_what_leaves_a_question_out_says_that_it_was_only_declared() -> None:
    text = LENS.replace("AAA-01, pillar", "AAA-01, applies_when: profile.edge_target == true, pillar")
    (first, *_) = assess(materials(lens_text=text), AS_OF).judgements
    assert first.state == "not_applicable"
    assert "profile.edge_target is no (declared, nobody gave it)" in first.because


def test_practices_weigh_only_where_that_is_asked_for_and_own_weights_go_before() -> None:
    text = LENS.replace("AAA-01", "INF-12").replace("AAA-02", "INF-13")
    practices = {entry.question: entry.factor for entry in find_profile("retail-campaign").practices}
    written = ANSWERS.replace("AAA-01", "INF-12").replace("AAA-02", "INF-13")
    weights = {}
    for more in ("", ", growth_profile_weights: true"):
        answers = read_answers(written.format(more=more).encode(), "answers.yaml")
        judged = assess(Materials("shop", "1", lens(text), answers), AS_OF).judged
        weights[bool(more)] = [entry.weight for entry in judged.judgements]
    assert weights[False] == [3, 7, 1]
    assert weights[True] == [3 * practices["INF-12"], 7, 1]


@pytest.mark.parametrize(
    ("written", "says"),
    [
        (
            "growth_profile: retail-campain",
            "line 3: there is no growth profile 'retail-campain': did you mean",
        ),
        ("growth_profile_weights: true", "line 3: growth_profile_weights needs a growth_profile"),
        ("growth_profile_weights: yes", "line 3: growth_profile_weights is true or false"),
    ],
)
def test_a_growth_profile_that_is_not_there_is_refused_with_its_line(written: str, says: str) -> None:
    text = f"schema: loadstone.answers/1\nprofile:\n  {written}\nanswers: {{}}\n"
    with pytest.raises(UsageError, match=f"answers.yaml, {says}"):
        read_answers(text.encode(), "answers.yaml")


def test_a_peak_that_nobody_gave_is_named_as_declared_in_the_verdict() -> None:
    verdict = assess(materials(), AS_OF).verdict
    assert [row.name for row in verdict.rows] == ["Peak today, declared"]
    assert any("Nobody gave the peak: peak_per_s 932.8" in reason for reason in verdict.reasons)
    given_peak = assess(materials(", peak_per_s: 200"), AS_OF).verdict
    assert [row.name for row in given_peak.rows] == ["Peak today"]
    assert not any("Nobody gave" in reason for reason in given_peak.reasons)
