"""Evidence: which facts count on a day, for how much, and what a file of them is worth."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from assessments.evidence import (
    Challenge,
    Evidence,
    Expiry,
    attachment_counts,
    challenge_of,
    described,
    is_absence,
    is_sealed,
    read_evidence,
    sealed,
    weigh,
)
from assessments.expressions import expression
from probes import facts as catalogue_module
from probes.errors import UsageError
from probes.facts import Fact, FactName, Source, register

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FOUND, COUNT = "infra.test_autoscaler.present", "infra.test_rules.count"
HEADROOM, CAPACITY = "derived.fleet_headroom", "load.capacity"


@pytest.fixture(autouse=True)
def names() -> Iterator[None]:
    """Names of absences, gone after the test."""
    before = dict(catalogue_module._catalogue)
    register(
        [
            FactName(FOUND, "boolean", "", "infrastructure", "Whether one was found", "test"),
            FactName(COUNT, "integer", "", "monitoring", "How many were found", "test"),
            FactName("profile.uses_gpu_cards", "boolean", "", None, "Whether it does", "test"),
        ]
    )
    yield
    catalogue_module._catalogue.clear()
    catalogue_module._catalogue.update(before)


def fact(name: str, value: Any, days: float = 1, probe: str = "test", **more: Any) -> Fact:
    """A fact that was observed so many days ago."""
    source = Source(
        probe, run=more.pop("run", None), file=more.pop("file", None), line=more.pop("line", None)
    )
    unit = catalogue_module.CATALOGUE[name].unit
    return Fact(name, value, unit, source, NOW - timedelta(days=days), **more)


def proves(evidence: Evidence, text: str) -> tuple[bool, bool, bool]:
    """Whether it is proven, supported, and true when everything counts."""
    asked = expression(text)
    return evidence.proves(asked), evidence.supports(asked), evidence.doubts(asked)


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        ("measured", (True, True, True)),
        ("read", (True, True, True)),
        ("by_hand", (False, True, True)),
        ("declared", (False, False, True)),
        ("stale", (False, False, False)),
        ("unreadable", (False, False, False)),
    ],
)
def test_only_what_was_measured_or_read_proves(state: Any, counts: tuple[bool, bool, bool]) -> None:
    value = None if state == "unreadable" else 1.4
    evidence = weigh([fact(HEADROOM, value, state=state)], NOW)
    assert proves(evidence, f"{HEADROOM} > 1") == counts


def test_a_fact_is_an_absence_when_it_was_read_and_says_only_that_nothing_was_found() -> None:
    assert is_absence(fact(FOUND, value=False, state="read"))
    assert is_absence(fact(COUNT, 0, state="read"))
    assert not is_absence(fact(FOUND, value=True, state="read"))
    assert not is_absence(fact(COUNT, 1, state="read"))
    assert not is_absence(fact(FOUND, value=False, state="measured")), (
        "a live system was asked for all it has"
    )
    assert not is_absence(fact("process.threads_peak", 0, state="read"))
    for name, value in ((FOUND, False), (COUNT, 0)):
        asked = f"!{name}" if value is False else f"{name} == 0"
        assert proves(weigh([fact(name, value, state="read")], NOW), asked) == (False, False, True)
        assert proves(weigh([fact(name, value, state="measured")], NOW), asked) == (True, True, True)


def test_where_nothing_was_scanned_nothing_is_known() -> None:
    assert proves(weigh([], NOW), f"!{FOUND}") == (False, False, False)


def test_a_fact_by_hand_corrects_an_absence_and_not_a_reading() -> None:
    by_hand = fact(FOUND, value=True, state="by_hand", days=5)
    absent = fact(FOUND, value=False, state="read")
    assert proves(weigh([absent, by_hand], NOW), f"!{FOUND}") == (False, False, False)
    assert proves(weigh([absent, by_hand], NOW), FOUND) == (False, True, True)
    measured = fact(FOUND, value=False, state="measured")
    assert proves(weigh([measured, by_hand], NOW), f"!{FOUND}") == (True, True, True)


@pytest.mark.parametrize(
    ("run", "probe", "days", "counts"),
    [
        (None, "kubernetes", 179.9, True),
        (None, "kubernetes", 180, False),
        ("r1", "load", 29.9, True),
        ("r1", "load", 30, False),
        ("r1", "prometheus", 30, False),
        (None, "load", 30, False),
        (None, "kubernetes", -0.003, True),
        (None, "kubernetes", -0.01, False),
    ],
)
def test_evidence_expires_and_does_not_come_from_the_future(
    run: str | None, probe: str, days: float, counts: bool
) -> None:
    evidence = weigh([fact(HEADROOM, 1.4, days, probe, run=run)], NOW)
    assert evidence.proves(expression(f"{HEADROOM} > 1")) is counts
    assert len(evidence.set_aside) == (not counts)


def test_the_constants_of_a_lens_say_for_how_long() -> None:
    old = [fact(HEADROOM, 1.4, 40, run="r1")]
    assert HEADROOM not in weigh(old, NOW).proof
    assert HEADROOM in weigh(old, NOW, expiry=Expiry(load_run_days=90)).proof
    assert "40 days old and load runs count for 30" in weigh(old, NOW).set_aside[0].why


def test_the_newest_fact_counts_in_whatever_order_they_come() -> None:
    several = [
        fact(HEADROOM, 1.1, 3),
        fact(HEADROOM, 1.3, 1),
        fact(HEADROOM, 1.5, 2),
        fact(HEADROOM, 9.0, 0, state="by_hand"),
        fact(HEADROOM, 8.0, 0, state="declared"),
        fact(HEADROOM, None, 0, state="unreadable"),
    ]
    for order in itertools.permutations(several):
        evidence = weigh(order, NOW)
        assert evidence.proof[HEADROOM] == 1.3
        assert evidence.facts[HEADROOM] is several[1]


def test_of_one_moment_what_was_found_outweighs_what_was_not() -> None:
    for order in itertools.permutations(
        [fact(FOUND, value=False, state="read"), fact(FOUND, value=True, state="read")]
    ):
        assert weigh(order, NOW).proof[FOUND] is True
    newer = fact(FOUND, value=False, state="read", days=0)
    assert FOUND not in weigh([fact(FOUND, value=True, state="read"), newer], NOW).proof


def test_the_profile_is_compared_with_and_proves_nothing_alone() -> None:
    profile = {"profile.target_peak_per_s": 180, "profile.has_gpu": True}
    evidence = weigh([fact(CAPACITY, 198.4)], NOW, profile)
    assert proves(evidence, f"{CAPACITY} > profile.target_peak_per_s") == (True, True, True)
    assert proves(evidence, "profile.has_gpu") == (False, False, True)
    assert proves(evidence, f"profile.has_gpu || {CAPACITY} > 1") == (False, False, True)
    assert not evidence.proves(expression("always"))


def test_a_fact_about_the_profile_gives_way_to_what_the_person_says() -> None:
    found = fact("profile.uses_gpu_cards", value=True, state="read")
    assert weigh([found], NOW).profile["profile.uses_gpu_cards"] is True
    said = {"profile.uses_gpu_cards": False}
    assert weigh([found], NOW, said).profile["profile.uses_gpu_cards"] is False


def test_a_challenged_fact_does_not_count_until_it_is_observed_again() -> None:
    challenge = Challenge(HEADROOM, "test data", NOW - timedelta(days=2), "a half-sized replica", "Ana")
    evidence = weigh([fact(HEADROOM, 0.5, 3)], NOW, challenges=[challenge])
    assert HEADROOM not in evidence.doubt
    (aside,) = evidence.set_aside
    assert aside.challenge is challenge
    assert aside.why == "challenged as test data: a half-sized replica"
    assert aside.to_json()["challenge"]["by"] == "Ana"
    again = weigh([fact(HEADROOM, 0.5, 3), fact(HEADROOM, 0.9, 1)], NOW, challenges=[challenge])
    assert again.proof[HEADROOM] == 0.9


def test_a_challenge_needs_a_known_fact_and_a_known_reason() -> None:
    with pytest.raises(UsageError, match=r"did you mean load\.capacity\?"):
        challenge_of("load.capacty", "test data", NOW)
    with pytest.raises(UsageError, match="write one of test data, remediated"):
        challenge_of(CAPACITY, "do not like it", NOW)
    with pytest.raises(UsageError, match="time zone"):
        challenge_of(CAPACITY, "test data", datetime(2026, 3, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("dated", "counts"),
    [
        (None, False),
        (date(2026, 3, 1), True),
        (date(2025, 9, 3), True),
        (date(2025, 9, 2), False),
        (date(2026, 3, 2), False),
    ],
)
def test_an_attachment_counts_when_dated_and_younger_than_180_days(dated: date | None, counts: bool) -> None:
    # 1 March 2026 is 180 days after 2 September 2025.
    assert (date(2026, 3, 1) - date(2025, 9, 2)).days == 180
    assert attachment_counts(dated, NOW, Expiry()) is counts


def test_a_fact_is_told_with_its_value_age_and_place() -> None:
    told = described(fact(CAPACITY, 42.0, 1, run="r1"), NOW)
    assert told == "load.capacity = 42 1/s (measured 1 day ago, run r1)"
    told = described(fact(FOUND, value=True, days=0, state="read", file="deploy.yaml", line=7), NOW)
    assert told == f"{FOUND} = yes (read today, deploy.yaml:7)"


def document(**more: Any) -> dict[str, Any]:
    facts = [fact(HEADROOM, 1.4, run="r1").to_json(), fact(FOUND, value=True, state="read").to_json()]
    return {"schema": "loadstone.facts/1", "facts": facts, "problems": [], "scanned": []} | more


def read(document: Any) -> Any:
    return read_evidence(json.dumps(document).encode(), "scan.json")


def test_a_sealed_file_counts_as_what_it_is() -> None:
    found = read(sealed(document()))
    assert found.sealed
    assert [entry.state for entry in found.facts] == ["measured", "read"]
    assert found.problems == ()
    assert read(sealed(document(schema="loadstone.probe/1", run={"id": "r1"}))).sealed


def test_the_seal_does_not_depend_on_layout_and_notices_every_change() -> None:
    right = sealed(document())
    for layout in ({"indent": 3}, {"sort_keys": True}, {"separators": (",", ":")}):
        text = json.dumps(right, **layout)
        assert read_evidence(text.encode(), "scan.json").sealed
    for wrong in (
        right | {"seal": "0" * 64},
        right | {"seal": None},
        right | {"scanned": [{"path": "deploy"}]},
        right | {"more": None},
        {key: value for key, value in right.items() if key != "seal"},
        right | {"facts": [right["facts"][0] | {"value": 1.5}, right["facts"][1]]},
    ):
        assert not is_sealed(wrong)


def test_a_file_without_a_right_seal_counts_as_given_by_hand() -> None:
    unreadable = fact(CAPACITY, None, state="unreadable").to_json()
    declared = fact(CAPACITY, 3.0, state="declared").to_json()
    plain = document()
    found = read(plain | {"facts": [*plain["facts"], unreadable, declared]})
    assert not found.sealed
    assert [entry.state for entry in found.facts] == ["by_hand", "by_hand", "unreadable", "declared"]
    assert proves(weigh(found.facts, NOW), f"{HEADROOM} > 1") == (False, True, True)


def test_facts_that_do_not_fit_are_left_out_and_named() -> None:
    good = fact(HEADROOM, 1.4).to_json()
    bad = [
        good | {"name": "load.temperature"},
        good | {"unit": "%"},
        {key: value for key, value in good.items() if key != "at"},
        "not a fact",
    ]
    found = read(sealed(document(facts=[good, *bad])))
    assert len(found.facts) == 1
    assert len(found.problems) == 4
    assert all(problem.startswith("scan.json") for problem in found.problems)
    assert "load.temperature" in found.problems[0]
    assert "needs 'at'" in found.problems[2]


@pytest.mark.parametrize("wrong", [[], {}, {"schema": "loadstone.answers/1"}, {"schema": 1}, "x"])
def test_a_file_that_is_no_evidence_is_refused(wrong: Any) -> None:
    with pytest.raises(UsageError, match=r"scan\.json.*no evidence of Loadstone"):
        read(wrong)


def test_evidence_is_weighed_at_a_moment_with_a_time_zone() -> None:
    with pytest.raises(UsageError, match="time zone"):
        weigh([], datetime(2026, 3, 1))  # noqa: DTZ001
