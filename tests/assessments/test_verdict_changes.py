"""What a run changed: two judgings of the same answers, before and after its facts."""

from __future__ import annotations

from typing import Any

from assessments.verdict_changes import verdict_changes

WEIGHTS = {"INF-01": 3.0, "INF-08": 3.0}
WHOLE = sum(WEIGHTS.values())


def test_nothing_changed_is_no_change(scene: Any) -> None:
    assert verdict_changes(scene.judged(), scene.judged()) == ()


def test_a_refuted_claim_costs_its_pillar_what_its_credit_was_worth(scene: Any) -> None:
    before = scene.judged()
    after = scene.but(process__rss_peak_bytes=2**40).judged()
    (change,) = [entry for entry in verdict_changes(before, after) if entry.question == "INF-08"]
    was, now = (
        next(entry for entry in judged.judgements if entry.question == "INF-08") for judged in (before, after)
    )
    assert (change.before, change.after) == (was.state, "contradicted")
    lost = 100 * WEIGHTS["INF-08"] / WHOLE * (now.credit.credit - was.credit.credit)
    assert change.points == lost
    assert change.points is not None
    assert change.points < 0
    pillar_before, pillar_after = (
        judged.scores.pillar("infrastructure").reading for judged in (before, after)
    )
    moved = [entry for entry in verdict_changes(before, after) if entry.question in WEIGHTS]
    assert (
        abs(sum(entry.points or 0.0 for entry in moved) - (pillar_after.supported - pillar_before.supported))
        < 1e-9
    ), "the changes add up to that of the pillar"


def test_losses_come_first_the_largest_at_the_top(scene: Any) -> None:
    better = scene.judged()
    worse = scene.but(process__rss_peak_bytes=2**40).judged()
    lost = [entry.points for entry in verdict_changes(better, worse) if entry.points is not None]
    gained = [entry.points for entry in verdict_changes(worse, better) if entry.points is not None]
    assert lost == sorted(lost)
    assert lost[0] < 0
    assert sum(gained) == -sum(lost)


def test_a_question_that_no_longer_applies_has_no_difference(scene: Any) -> None:
    before, after = scene.judged(), scene.claiming(INF_01={"not_applicable": "one replica only"}).judged()
    (change,) = [entry for entry in verdict_changes(before, after) if entry.question == "INF-01"]
    assert change.points is None
    assert change.after == "not_applicable"
