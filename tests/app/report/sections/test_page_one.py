"""Page one: the answer in two sentences, on one page whatever the assessment holds."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from app.charts.spec import BarChart
from app.report.model import Badge, BandBadge, Callout, Figure, Heading, Paragraph, Table, plain
from app.report.sections import build, page_one
from app.report.view import View

Document = dict[str, Any]
LONG = "a rather long text with many words " * 40


def test_the_answer_stands_first_with_score_band_and_mean(assessed: Callable[..., Document]) -> None:
    document = assessed()
    first = page_one.section(View(document)).blocks[0]
    assert isinstance(first, Callout)
    assert first.title == document["verdict"]["headline"] == "Not ready for 260\xa0req/s"
    assert first.role == "bad"
    score, band, mean = first.foot
    overall = document["scores"]["overall"]
    assert overall["pillar"] == "data"
    assert plain(score) == f"{overall['score']:.0f} of 100 overall, set by Data"  # type: ignore[arg-type]
    assert band == BandBadge(overall["band"])
    assert plain(mean) == f"mean of pillars {overall['mean']:.0f}"  # type: ignore[arg-type]


def test_the_reason_names_no_fact_and_no_choice_by_its_id(
    assessed: Callable[..., Document], said: Callable[..., str]
) -> None:
    words = said(page_one.section(View(assessed())))
    assert "derived." not in words
    assert "infra." not in words
    assert "INF_0" not in words


def test_bars_are_those_of_the_verdict(assessed: Callable[..., Document], of_kind: Any) -> None:
    document = assessed()
    (figure,) = of_kind(page_one.section(View(document)).blocks, Figure)
    chart = figure.spec
    assert isinstance(chart, BarChart)
    rows = document["verdict"]["capacity"]["rows"]
    assert [(bar.name, bar.value, bar.low, bar.high, bar.kind) for bar in chart.bars] == [
        (row["name"], row["per_s"], row["low"], row["high"], row["kind"]) for row in rows
    ]
    assert chart.target == 260
    assert chart.bars[1].shown == "110\xa0(82.5–124)\xa0req/s"
    assert "p99\xa0≤\xa0100\xa0ms" in chart.caption


def test_the_first_three_actions_and_the_way_to_the_plan(
    assessed: Callable[..., Document], of_kind: Any
) -> None:
    document = assessed()
    blocks = page_one.section(View(document)).blocks
    table = of_kind(blocks, Table)[-1]
    assert [plain(row[1]) for row in table.rows] == [entry["text"] for entry in document["actions"][:3]]
    assert plain(table.rows[0][2]) == "1\xa0day"
    last = of_kind(blocks, Paragraph)[-1]
    assert [span.link for span in last.text if span.link] == ["#plan"]


def test_counts_of_claims_are_badges(assessed: Callable[..., Document], of_kind: Any) -> None:
    document = assessed()
    counts = document["verdict"]["measured"]["counts"]
    badges = [
        cell
        for table in of_kind(page_one.section(View(document)).blocks, Table)
        for row in table.rows
        for cell in row
        if isinstance(cell, Badge)
    ]
    assert Badge("contradicted", counts["contradicted"]) in badges
    assert Badge("unanswered", counts["open"]) in badges
    assert all(badge.count for badge in badges)


def test_without_answers_it_says_that_there_is_no_score(
    assessed: Callable[..., Document], said: Callable[..., str]
) -> None:
    section = page_one.section(View(assessed(answers={})))
    assert "No overall score: No pillar has a score" in said(section)
    assert "Four pillars have no score" in said(section)


def test_without_a_run_it_says_that_capacity_is_not_known(
    assessed: Callable[..., Document], said: Callable[..., str], of_kind: Any
) -> None:
    section = page_one.section(View(assessed(runs=[], facts=[], profile={})))
    assert of_kind(section.blocks, Figure) == []
    assert "What it carries is not known" in said(section)
    assert "Nothing was put under load" in said(section)
    assert "without a load run" in page_one.subtitle(View(assessed(runs=[], facts=[])))


def test_what_breaks_first_is_named_with_its_rate(
    assessed: Callable[..., Document], said: Callable[..., str]
) -> None:
    document = assessed()
    assert document["verdict"]["breaks_first"]["what"] == "The autoscaler"
    # two replicas, which it never adds to, at 70 % of 110.205 each
    assert "Reached at 154\xa0req/s." in said(page_one.section(View(document)))


def test_many_pillars_show_the_lowest(assessed: Callable[..., Document], of_kind: Any) -> None:
    document = assessed()
    lens = document["lens"]
    view = View(document)
    assert len(view.lens.pillars) == 4
    lengths = page_one.Lengths(200, 30, 100, 30, 30, 30, pillars=2)
    section = page_one._section(view, lengths)
    table = of_kind(section.blocks, Table)[0]
    assert [plain(row[0]) for row in table.rows] == ["Data", "Monitoring"]
    assert "The lowest 2 of 4 pillars" in table.caption
    assert lens["pillars"][0]["name"] == "Infrastructure"


def _stretched(document: Document) -> Document:
    found = copy.deepcopy(document)
    verdict = found["verdict"]
    verdict["headline"] = LONG
    verdict["reasons"] = [LONG, "x" * 5000, LONG]
    verdict["capacity"]["finding"] = LONG
    for row in verdict["capacity"]["rows"]:
        row["name"] = LONG
    verdict["capacity"]["rows"] *= 3
    verdict["breaks_first"] = {"what": LONG, "because": "x" * 5000, "rate_per_s": 1.0}
    verdict["close_behind"] = [LONG, LONG]
    verdict["runs_out"] = {"headline": LONG, "text": LONG}
    for action in found["actions"]:
        action |= {"text": LONG, "tradeoff": "y" * 5000, "runs_out_on": "not within 36 months"}
        action["fleet_per_s"] = [1234567.0, 12345678.0]
    for pillar in found["lens"]["pillars"]:
        pillar["name"] = "P" * 100
    found["assessment"]["title"] = LONG
    found["profile"]["event"] = "E" * 200
    return found


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"answers": {}},
        {"runs": [], "facts": []},
        {"runs": [], "facts": [], "answers": {}, "profile": {}},
        {"title": LONG},
        {"title": "x" * 5000},
    ],
    ids=["usual", "no answers", "no evidence", "nothing", "long title", "long word"],
)
@pytest.mark.parametrize("stretch", [False, True])
def test_it_is_one_page_whatever_it_holds(
    assessed: Callable[..., Document], changed: Document, stretch: bool
) -> None:
    document = assessed(**changed)
    if stretch:
        document = _stretched(document)
    assert _pages_of_page_one(document) == 1


def _pages_of_page_one(document: Document) -> int:
    """The pages that page one takes when it is drawn."""
    from app.report.pdf import render_pdf

    report = build(document, "ab" * 32)
    drawn = render_pdf(replace(report, sections=report.sections[:1]), b"{}")
    return len(re.findall(rb"/Type /Page\b", drawn))


def test_the_pillar_that_is_lowest_is_named_and_the_worst_band_counted(
    assessed: Callable[..., Document], of_kind: Any
) -> None:
    section = page_one.section(View(assessed()))
    headings = [block.text for block in of_kind(section.blocks, Heading)]
    assert "One pillar is fragile" in headings
