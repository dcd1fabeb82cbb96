"""The claims as JUnit XML."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from app.report.junit import render_junit


def cases_of(document: dict[str, Any]) -> dict[str, ET.Element]:
    """The test cases by the first word of their names."""
    root = ET.fromstring(render_junit(document))
    return {str(case.get("name")).split()[0]: case for case in root.iter("testcase")}


def test_a_contradicted_claim_fails_and_says_why(shop: dict[str, Any]) -> None:
    failure = cases_of(shop)["INF-08"].find("failure")
    assert failure is not None
    assert failure.get("type") == "contradicted"
    assert "64000" in str(failure.get("message"))


def test_a_verified_claim_passes(shop: dict[str, Any]) -> None:
    assert len(cases_of(shop)["INF-12"]) == 0


@pytest.mark.parametrize(
    ("question", "why"), [("INF-14", "no GPUs anywhere"), ("DAT-01", "claimed"), ("DAT-02", "unsure")]
)
def test_what_nobody_measured_is_skipped_and_never_passes(
    shop: dict[str, Any], question: str, why: str
) -> None:
    skipped = cases_of(shop)[question].find("skipped")
    assert skipped is not None
    assert why in str(skipped.get("message"))


def test_a_pillar_without_a_score_is_skipped_with_its_reason(shop: dict[str, Any]) -> None:
    shop["scores"]["pillars"]["data"] = {"refused": "58 % answered, 70 % needed"}
    skipped = cases_of(shop)["score"].find("skipped")
    assert skipped is not None
    assert "70 % needed" in str(skipped.get("message"))


@pytest.mark.parametrize(
    ("readiness", "child"),
    [("ready", None), ("capacity", "failure"), ("not_ready", "failure"), ("unknown", "skipped")],
)
def test_only_ready_passes(shop: dict[str, Any], readiness: str, child: str | None) -> None:
    shop["verdict"].update(readiness=readiness, headline="Verdict")
    assert [entry.tag for entry in cases_of(shop)["Verdict"]] == ([] if child is None else [child])


def test_requirements_of_runs_are_cases(shop: dict[str, Any]) -> None:
    held = {"text": "capacity>=150", "held": True, "measured": 198.4}
    broken = {"text": "p99<=10", "held": False, "measured": 70.0}
    unknown = {"text": "rss_mb<=1", "held": None, "measured": None}
    shop["runs"] = [{"run": {"id": "7"}, "requirements": [held, broken, unknown]}]
    cases = cases_of(shop)
    assert [entry.tag for entry in cases["capacity>=150"]] == []
    assert [entry.tag for entry in cases["p99<=10"]] == ["failure"]
    assert [entry.tag for entry in cases["rss_mb<=1"]] == ["skipped"]


def test_the_counts_are_those_of_the_cases(shop: dict[str, Any]) -> None:
    root = ET.fromstring(render_junit(shop))
    for suite in (root, *root.iter("testsuite")):
        cases = list(suite.iter("testcase"))
        assert int(str(suite.get("tests"))) == len(cases)
        assert int(str(suite.get("failures"))) == sum(case.find("failure") is not None for case in cases)
        assert int(str(suite.get("skipped"))) == sum(case.find("skipped") is not None for case in cases)


def test_any_text_makes_a_file_that_can_be_read(shop: dict[str, Any]) -> None:
    for claim in shop["claims"]:
        claim["because"] = '<![CDATA[ & "\x00\ud800\ufffe\n' + "w" * 10_000
    messages = [str(entry.get("message")) for case in cases_of(shop).values() for entry in case]
    assert any('<![CDATA[ & "\\x00\\ud800\\ufffe' in message for message in messages)
    assert all(len(message) < 5_000 for message in messages)
