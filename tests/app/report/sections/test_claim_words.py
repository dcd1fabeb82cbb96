"""Words in the place of ids and names, and texts cut where they are too long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.report.sections.claim_words import (
    because,
    condition_words,
    cut,
    evidence_words,
    growth_words,
    sentences,
    told,
)
from app.report.view import View
from assessments.expressions import parse

Document = dict[str, Any]


@pytest.mark.parametrize(
    ("text", "longest", "shown"),
    [
        ("as it is", 20, "as it is"),
        ("two words that are cut", 12, "two words…"),
        ("x" * 30, 10, "x" * 9 + "…"),
        ("70\xa0% of  the\n use", 40, "70\xa0% of the use"),
    ],
)
def test_a_text_is_cut_between_words_where_it_can_be(text: str, longest: int, shown: str) -> None:
    assert cut(text, longest) == shown
    assert len(cut(text, longest)) <= longest


def test_whole_sentences_are_kept_and_at_least_one() -> None:
    assert sentences("One is short. Two is not so short.", 20) == "One is short."
    assert (
        sentences("One sentence that is too long.", 12) == "One…"
        or len(sentences("One sentence that is too long.", 12)) <= 12
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("8%/month", "8\xa0% a\xa0month"),
        ("6%..10%/month", "6–10\xa0% a\xa0month"),
        ("12/month", "12 a\xa0month"),
        ("0", "0"),
        ("what?", "what?"),
    ],
)
def test_growth_reads_as_people_say_it(text: str, shown: str) -> None:
    assert growth_words(text) == shown


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        ("derived.memory_limit_headroom < 1.1", "memory limit over largest memory < 1.1"),
        ("load.capacity >= 100 && load.error_ratio <= 0.01",
         "capacity of a replica ≥ 100 and share of requests that failed ≤ 0.01"),
        ("load.capacity >= 100 && (process.gil_share > 0.9 || load.error_ratio > 0)",
         "capacity of a replica ≥ 100 and either time that the GIL is held > 0.9 or "
         "share of requests that failed > 0"),
        ("!infra.kubernetes.hpa.present", "it is not so that an autoscaler acts on it"),
        ("load.limited_by == not_identified", "what limits it = not identified"),
    ],
)  # fmt: skip
def test_a_condition_reads_as_a_sentence(condition: str, shown: str) -> None:
    assert condition_words(parse(condition)) == shown


def test_a_reason_has_levels_and_values_in_the_place_of_ids(assessed: Callable[..., Document]) -> None:
    view = View(assessed())
    assert because(view, view.lens.by_id["INF-08"]) == (
        "Memory limit over largest memory: 1.05. That contradicts level\xa02. Proven is level\xa01."
    )
    assert because(view, view.lens.by_id["MON-05"]) == (
        "Nobody is sure. The evidence proves level\xa01: Load runs in 90 days: 1\xa0run."
    )


def test_an_id_that_is_a_plain_word_is_not_taken_for_a_choice(assessed: Callable[..., Document]) -> None:
    view = View(assessed())
    assert told(view, "None of them is some level.") == "None of them is some level."


def test_evidence_of_a_verified_claim_has_value_and_source(assessed: Callable[..., Document]) -> None:
    view = View(assessed())
    assert evidence_words(view, view.lens.by_id["INF-12"]) == (
        "Capacity of a replica: 110\xa0(82.5–124)\xa0req/s (run 3f9c41d8)"
    )
    assert evidence_words(view, view.lens.by_id["DAT-01"]) == (
        "No probe can prove it: no probe reads consumer lag yet."
    )
