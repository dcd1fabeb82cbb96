"""The whole report: numbered figures, links that lead somewhere, any input, equal output for equal input."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from app.report.model import Figure, Report, Span
from app.report.sections import build
from assessments.lens import load_lens

Document = dict[str, Any]
HASH = "ab" * 32
AWS = {
    "schemaVersion": "2021-11-01",
    "name": "Shop lens",
    "description": "A custom lens",
    "pillars": [
        {
            "id": "ops",
            "name": "Operations",
            "questions": [
                {
                    "id": "q_scale",
                    "title": "How do you scale?",
                    "description": "Scaling",
                    "choices": [
                        {
                            "id": "q_scale_1",
                            "title": "By a policy",
                            "improvementPlan": {"displayText": "Write one"},
                        },
                        {"id": "q_scale_2", "title": "Tested under load"},
                        {"id": "q_scale_no", "title": "None of these"},
                    ],
                    "riskRules": [
                        {"condition": "q_scale_1 && q_scale_2", "risk": "NO_RISK"},
                        {"condition": "q_scale_1", "risk": "MEDIUM_RISK"},
                        {"condition": "default", "risk": "HIGH_RISK"},
                    ],
                }
            ],
        }
    ],
}


def _values(value: Any, kind: type) -> Iterable[Any]:
    if isinstance(value, kind):
        yield value
    if is_dataclass(value):
        for entry in fields(value):
            yield from _values(getattr(value, entry.name), kind)
    elif isinstance(value, tuple | list):
        for entry in value:
            yield from _values(entry, kind)


def _anchors(value: Any) -> Iterable[str]:
    if is_dataclass(value):
        anchor = getattr(value, "anchor", None)
        if anchor:
            yield anchor
        yield from (name for name in getattr(value, "anchors", ()) if name)
        for entry in fields(value):
            yield from _anchors(getattr(value, entry.name))
    elif isinstance(value, tuple | list):
        for entry in value:
            yield from _anchors(entry)


def _report(document: Document) -> Report:
    return build(document, HASH)


def test_sections_stand_in_their_order(assessed: Callable[..., Document]) -> None:
    report = _report(assessed())
    assert [section.anchor for section in report.sections] == [
        "page-one",
        "load",
        "pillars",
        "pillar-infrastructure",
        "pillar-models",
        "pillar-data",
        "pillar-monitoring",
        "plan",
        "forecast",
        "evidence",
        "unmeasured",
        "method",
        "glossary",
        "reading",
    ]
    assert (report.title, report.content_hash, report.date) == ("Shop recommender", HASH, "2026-11-26")
    assert "before the winter campaign of 2027-01-15" in report.subtitle


def test_figures_behind_page_one_are_numbered_in_order(assessed: Callable[..., Document]) -> None:
    report = _report(assessed())
    numbers = [figure.number for figure in _values(report.sections[1:], Figure)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 8
    assert [figure.number for figure in _values(report.sections[0], Figure)] == [None]


def test_every_figure_says_finding_and_method(assessed: Callable[..., Document]) -> None:
    for figure in _values(_report(assessed()), Figure):
        assert figure.spec.title
        assert figure.spec.caption


def test_links_lead_to_anchors_that_exist_once(assessed: Callable[..., Document]) -> None:
    report = _report(assessed())
    anchors = list(_anchors(report))
    assert len(anchors) == len(set(anchors))
    for span in _values(report, Span):
        if span.link is not None and span.link.startswith("#"):
            assert span.link[1:] in anchors, span


def test_equal_documents_give_equal_reports(assessed: Callable[..., Document]) -> None:
    document = assessed()
    assert _report(document) == _report(json.loads(json.dumps(document)))


@pytest.mark.parametrize(
    "changed",
    [
        {"runs": [], "facts": []},
        {"answers": {}},
        {"profile": {}},
        {"runs": [], "facts": [], "answers": {}, "profile": {}, "title": ""},
        {"profile": {"replicas": 1, "peak_per_s": 1}},
    ],
    ids=["no evidence", "no answers", "no profile", "nothing", "one replica"],
)
def test_what_is_missing_costs_no_section(assessed: Callable[..., Document], changed: Document) -> None:
    report = _report(assessed(**changed))
    assert len(report.sections) >= 13
    assert all(section.title for section in report.sections)
    assert all(section.blocks for section in report.sections)


def test_runs_that_hold_hardly_anything_cost_no_report(
    assessed: Callable[..., Document], a_run: Callable[[], Document]
) -> None:
    run = a_run()
    for part in ("steps", "capacity", "scalability", "client", "load"):
        bare = a_run()
        del bare[part]
        assert _report(assessed(runs=[bare])).sections
    nearly = {
        "schema": run["schema"],
        "run": {"id": "x", "started_at": run["run"]["started_at"]},
        "facts": [],
    }
    assert _report(assessed(runs=[nearly])).sections


@pytest.mark.parametrize("bad", [None, "x", [], {}, -1, 0, 1e308, True])
def test_a_damaged_run_costs_no_report(
    assessed: Callable[..., Document], ramp: Callable[[], Document], bad: Any
) -> None:
    document = assessed(runs=[ramp()])
    for part in ("run", "capacity", "scalability", "client", "steps", "target", "load"):
        damaged = json.loads(json.dumps(document))
        damaged["runs"][0][part] = bad
        assert _report(damaged).sections
    for name in ("response_ms", "errors", "sent", "offered_per_s", "cpu_cores", "mode", "rss_bytes"):
        damaged = json.loads(json.dumps(document))
        for step in damaged["runs"][0]["steps"]:
            step[name] = bad
        assert _report(damaged).sections


def test_an_aws_lens_is_reported_like_ours(
    assessed: Callable[..., Document], said: Callable[..., str]
) -> None:
    lens = load_lens(json.dumps(AWS).encode(), "shop.json")
    report = _report(assessed(lens=lens, answers={"q_scale": ["q_scale_1"]}))
    pillar = next(section for section in report.sections if section.anchor == "pillar-ops")
    words = said(pillar)
    assert "By a policy" in words
    assert "No evidence is named for" in words


@pytest.mark.parametrize(
    "note",
    [
        "<img src='file:///etc/passwd'>",
        "x" * 9_000,
        "مرحبا 漢字 🙂",
        "a\x00b",
        "*not* [markdown](http://x)",
        "&amp;",
    ],
)
def test_what_a_person_wrote_is_data_and_stays_as_it_is(assessed: Callable[..., Document], note: str) -> None:
    report = _report(assessed(answers={"INF-08": {"choice": "INF_08_b", "note": note}}, title=note[:200]))
    assert note in [span.text for span in _values(report, Span)]


def test_no_choice_and_no_fact_is_named_by_its_id_in_sentences(
    assessed: Callable[..., Document], said: Callable[..., str]
) -> None:
    report = _report(assessed())
    for section in report.sections:
        if section.anchor in ("page-one", "pillars", "plan") or section.anchor.startswith("pillar-"):
            words = said(section)
            assert "derived." not in words, section.anchor
            assert "INF_08_b" not in words, section.anchor
