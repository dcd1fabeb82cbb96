"""Pillars: three numbers in the title, contradicted claims first, every fact with its source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.report.model import Badge, ClaimCard, Heading, ScoreBar, Section, Table, plain
from app.report.sections import pillars
from app.report.view import View

Document = dict[str, Any]


def _section(document: Document, pillar: str) -> Section:
    found = pillars.sections(View(document), "3")
    return next(section for section in found if section.anchor == f"pillar-{pillar}")


def test_the_title_carries_three_numbers(assessed: Callable[..., Document]) -> None:
    document = assessed()
    score = document["scores"]["pillars"]["infrastructure"]
    section = _section(document, "infrastructure")
    assert section.title == (
        f"Infrastructure: {score['score']:.0f} of 100, proven {score['proven']:.0f}, "
        f"claimed {score['claimed']:.0f}"
    )
    assert section.band == "limited"
    assert section.kicker == "3.1  Infrastructure"
    assert section.level == 2


def test_the_parts_of_the_bar_are_the_exact_split(assessed: Callable[..., Document], of_kind: Any) -> None:
    document = assessed()
    for pillar, score in document["scores"]["pillars"].items():
        (bar,) = of_kind(_section(document, pillar).blocks, ScoreBar)
        lost = score["lost"]
        parts = (
            bar.score.supported + bar.score.contradicted + bar.unanswered + bar.not_done + lost["not_proven"]
        )
        assert parts == pytest.approx(100, abs=1e-3)


def test_contradicted_claims_stand_first_then_challenged_then_the_rest(
    assessed: Callable[..., Document], of_kind: Any
) -> None:
    document = assessed()
    infrastructure = _section(document, "infrastructure")
    headings = [block.text for block in of_kind(infrastructure.blocks, Heading)]
    assert headings[:2] == ["Two claims are contradicted by evidence", "The other claims, proven first"]
    assert {card.state for card in of_kind(infrastructure.blocks, ClaimCard)} == {"contradicted"}
    monitoring = _section(document, "monitoring")
    headings = [block.text for block in of_kind(monitoring.blocks, Heading)]
    assert headings == [
        "One claim is challenged: confirm or correct",
        "The other claims, proven first",
        "One question is open",
    ]


def test_a_card_sets_the_claim_against_the_facts_with_file_and_line(
    assessed: Callable[..., Document], of_kind: Any
) -> None:
    section = _section(assessed(), "infrastructure")
    card = next(card for card in of_kind(section.blocks, ClaimCard) if card.question == "INF-08")
    assert plain(card.claimed) == "Level\xa02 of 2: Set from a ramp to the knee plus a stated margin"
    # 61 MiB over 60,989,440 bytes
    assert plain(card.measured) == (
        "Memory limit over largest memory: 1.05. That contradicts level\xa02. Proven is level\xa01. "
        "Level\xa02 does not hold: memory limit over largest memory < 1.1."
    )
    assert card.facts is not None
    rows = {plain(row[0]): (plain(row[1]), plain(row[2])) for row in card.facts.rows}
    assert rows["Memory limit"] == ("61\xa0MiB", "deploy/recommender.yaml, line 41")
    assert rows["Largest memory under load"] == ("58.2\xa0MiB", "run 3f9c41d8")
    assert card.weight == "weight 3"


def test_what_the_cards_cost_adds_up_to_what_is_contradicted(
    assessed: Callable[..., Document], of_kind: Any
) -> None:
    document = assessed()
    cards = of_kind(_section(document, "infrastructure").blocks, ClaimCard)
    lost = document["scores"]["pillars"]["infrastructure"]["lost"]["contradicted"]
    total = sum(float(card.points.removeprefix("−").removesuffix(" points")) for card in cards)
    assert total == pytest.approx(lost, abs=0.1)


def test_a_card_says_what_settles_it_and_leads_to_the_plan(
    assessed: Callable[..., Document], of_kind: Any
) -> None:
    document = assessed()
    card = of_kind(_section(document, "infrastructure").blocks, ClaimCard)[0]
    number = next(
        place for place, action in enumerate(document["actions"], 1) if action["question"] == card.question
    )
    assert plain(card.settled).startswith(document["actions"][number - 1]["text"])
    assert [(span.text, span.link) for span in card.settled if span.link] == [(f"action {number}", "#plan")]


def test_what_was_merely_not_found_is_challenged_and_not_contradicted(
    assessed: Callable[..., Document], of_kind: Any
) -> None:
    (card,) = of_kind(_section(assessed(), "monitoring").blocks, ClaimCard)
    assert card.state == "challenged"
    assert "confirm or correct it" in plain(card.measured)


def test_an_understated_claim_is_offered_to_be_raised(
    assessed: Callable[..., Document], of_kind: Any
) -> None:
    tables = of_kind(_section(assessed(), "monitoring").blocks, Table)
    row = next(row for table in tables for row in table.rows if Badge("understated") in row)
    assert "the answer may be raised" in plain(row[4])


def test_notes_and_documents_of_people_are_shown_word_for_word(
    assessed: Callable[..., Document], of_kind: Any
) -> None:
    document = assessed()
    told = []
    for pillar in ("infrastructure", "models"):
        for table in of_kind(_section(document, pillar).blocks, Table):
            if table.columns[1].header == "Note":
                told += [[plain(cell) for cell in row] for row in table.rows]
    assert told == [
        ["INF-08", "from <b>run 3</b>, see the wiki", "–"],
        ["MOD-07", "–", "int8-trial.pdf of 2026-10-02"],
    ]


def test_a_cap_is_said_with_its_reason(assessed: Callable[..., Document], said: Callable[..., str]) -> None:
    words = said(_section(assessed(), "infrastructure"))
    assert "A cap of 59 holds, and lowers nothing today: INF-02 is critical and contradicted." in words


def test_a_pillar_without_a_score_says_why(
    assessed: Callable[..., Document], of_kind: Any, said: Any
) -> None:
    section = _section(assessed(answers={}), "data")
    assert section.title == "Data: no score"
    assert of_kind(section.blocks, ScoreBar) == []
    assert "Only 0% of the weight of data is answered" in said(section)


def test_what_does_not_apply_says_who_said_so(assessed: Callable[..., Document], said: Any) -> None:
    assert "No GPUs anywhere" in said(_section(assessed(), "infrastructure"))


def test_the_overview_has_every_pillar_and_axis_with_the_distance_measured(
    assessed: Callable[..., Document], of_kind: Any
) -> None:
    section = pillars.overview(View(assessed()), "3")
    by_pillar, by_axis = of_kind(section.blocks, Table)
    assert [plain(row[0]) for row in by_pillar.rows] == ["Infrastructure", "Models", "Data", "Monitoring"]
    distances = [plain(row[4]) for row in by_axis.rows]
    # 180 of 3 × 0.7 × 110.205 = 231.43
    assert distances[0].startswith("The peak is at 78\xa0% of the 231\xa0(173–261)\xa0req/s")
    assert distances[1].startswith("No limit is given: the law explains only")
    assert distances[2].startswith("Not measured: no run varied the size of requests")
    assert distances[3].startswith("A replica may need 5\xa0% more memory")
    assert section.title == "Data is lowest and sets the overall score: 33, fragile"


def test_axes_say_what_is_missing(assessed: Callable[..., Document], of_kind: Any) -> None:
    section = pillars.overview(View(assessed(runs=[], facts=[])), "3")
    distances = [plain(row[4]) for row in of_kind(section.blocks, Table)[1].rows]
    assert all(text.startswith("Not measured") for text in distances)
