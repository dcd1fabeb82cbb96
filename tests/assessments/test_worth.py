"""What an answer is worth, found by scoring again."""

from __future__ import annotations

from typing import Any

import pytest

from assessments.claims import Claim
from assessments.worth import honest_choices, worth_of

GIB = 2**30


def points(score: Any) -> float:
    assert score is not None
    assert score.reading is not None
    return float(score.reading.score)


def test_an_answer_that_stands_has_no_honest_alternative(scene: Any) -> None:
    worth = worth_of(scene.judged(), "INF-08", Claim("INF-08", ("INF_08_b",)))
    assert worth.honest == ()
    assert worth.honestly is None
    assert points(worth.now) == pytest.approx(100.0)


def test_over_claiming_is_worth_what_the_honest_answer_is(scene: Any) -> None:
    # The limit is 1.05 times the peak: level 1, worth 0.25, is proven and level 2 is contradicted.
    judged = scene.but(process__rss_peak_bytes=round(2 * GIB / 1.05)).judged()
    worth = worth_of(judged, "INF-08", Claim("INF-08", ("INF_08_b",)))
    assert worth.honest == ("INF_08_a",)
    # Of six points of weight INF-01 has its three and INF-08 a quarter of its three.
    assert points(worth.now) == pytest.approx(100 * (3 + 0.75) / 6)
    assert points(worth.honestly) == pytest.approx(points(worth.now))
    assert points(worth.fixed) == pytest.approx(100.0)


def test_where_nothing_is_proven_the_honest_answer_is_the_highest_that_is_not_contradicted(
    scene: Any,
) -> None:
    judged = scene.but(monitoring__prometheus__count_ratio=0.5).judged()
    entry = next(found for found in judged.judgements if found.question == "MON-01")
    assert honest_choices(judged.lens.by_id["MON-01"], entry, judged) == ("MON_01_no",)


def test_an_open_question_is_worth_what_the_evidence_proves(scene: Any) -> None:
    open_scene = type(scene)(scene.lens, claims={"INF-01": "INF_01_b", "MON-01": "MON_01_a"})
    judged = open_scene.judged()
    worth = worth_of(judged, "INF-08", None)
    assert worth.honest == ("INF_08_b",)
    # Half of the weight is answered, which is too little for a score; with the answer it is all of it.
    assert worth.now.reading is None
    assert points(worth.honestly) == pytest.approx(100.0)


def test_an_unknown_question_is_refused(scene: Any) -> None:
    with pytest.raises(KeyError):
        worth_of(scene.judged(), "NO-99", None)
