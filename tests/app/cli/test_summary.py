"""Every outcome in words, in 80 columns, with a dash for what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.cli.layout import plain, unstyled, width
from app.cli.outcome import judge_slo
from app.cli.summary import step_table, summary
from probes.load.spec import parse_slo

Make = Callable[..., dict[str, Any]]
WITH = "with p99 ≤ 200 ms and errors ≤ 1 %"


def text_of(document: dict[str, Any], **more: Any) -> str:
    return "\n".join(unstyled(summary(document, 80, **more)))


def unwrapped(document: dict[str, Any], **more: Any) -> str:
    return " ".join(text_of(document, **more).split())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, f"Carries 198 requests/s (193–203, 95 %) {WITH}."),
        (
            {"bound": "provisional", "capacity": {"low": 150, "high": 240, "reason": "few slow moments"}},
            f"Carries about 198 requests/s (150–240, provisional) {WITH}: few slow moments.",
        ),
        (
            {"bound": "provisional", "capacity": {"rate_per_s": 150, "low": 150, "high": None}},
            f"Carries at least 150 requests/s (provisional) {WITH}: it was not narrowed down as asked.",
        ),
        (
            {"bound": "at_least", "load": {"mode": "find_capacity", "max_rate": 500}},
            f"Carries at least 198 requests/s {WITH}; the limit was not reached up to --max-rate 500.",
        ),
        (
            {"bound": "unmet_at_minimum", "capacity": {"rate_per_s": None, "low": 0.0, "high": 2.0}},
            "Does not keep p99 ≤ 200 ms and errors ≤ 1 % even at 2 requests/s, the lowest rate tried.",
        ),
        (
            {"bound": "indeterminate", "capacity": {"rate_per_s": None, "low": None, "high": None}},
            f"What it carries {WITH} could not be determined.",
        ),
        (
            {"bound": "indeterminate", "capacity": {"reason": "it swings"}},
            f"What it carries {WITH} could not be determined (it swings). It lies within 193–203 requests/s.",
        ),
        ({"bound": None}, "What it carries was not measured."),
        (
            {"bound": "bracketed", "mode": "segments", "capacity": {"slo": None}},
            "Saturates at 198 requests/s (193–203, 95 %).",
        ),
        (
            {"bound": "at_least", "mode": "segments", "capacity": {"slo": None}},
            "Reached at least 198 requests/s without saturating.",
        ),
        ({"bound": None, "mode": "segments", "steps": []}, "No step was completed."),
        (
            {"status": "interrupted"},
            "Interrupted; what was measured until then: Carries 198 requests/s",
        ),
        ({"status": "aborted", "bound": None}, "Stopped by a safety rule; what was measured until then:"),
        ({"status": "failed", "bound": None}, "The target failed; what was measured until then:"),
        ({}, "Grade: valid."),
        ({"grade": "client_limited"}, "Grade: limited by this client, so it says nothing certain"),
        ({"grade": "unstable"}, "Grade: unstable, so its numbers may not come back."),
        ({"grade": "degrading"}, "Grade: degrading, the target got slower while it was measured."),
        ({"grade": "insufficient"}, "Grade: insufficient, too little data for a verdict."),
        ({"grade": None}, "Grade: – (the run was not graded)."),
        (
            {"capacity": {"limited_by": "cpu", "because": "0.98 of 1 core at 198 requests/s."}},
            "Limited by its CPU. 0.98 of 1 core at 198 requests/s.",
        ),
        (
            {"capacity": {"limited_by": "not_identified", "confirm_by": "watch the database"}},
            "What limits it was not identified. To confirm: watch the database",
        ),
        (
            {"hotspots": [{"function": "rank", "file": "model.py", "line": 88, "share": 0.71}]},
            "Threads that compute are most often in rank (model.py:88) 71 %.",
        ),
        (
            {
                "stacks": {"of": "threads that hold the interpreter lock"},
                "hotspots": [{"function": "rank", "file": "m.py", "share": 0.5}],
            },
            "The interpreter lock is most often held in rank (m.py) 50 %.",
        ),
        (
            {
                "stacks": {"of": "all threads"},
                "hotspots": [{"function": "wait", "file": "t.py", "share": 0.5}],
            },
            "Threads are most often in wait (t.py) 50 %.",
        ),
        (
            {"flame_file": "stacks/3f9a.speedscope.json"},
            "Flame graph, for https://www.speedscope.app: stacks/3f9a.speedscope.json",
        ),
        (
            {"scalability": {"refused": "fewer than 6 concurrencies"}},
            "Scalability law: none (fewer than 6 concurrencies).",
        ),
        (
            {"scalability": {"lambda": 50.1, "sigma": 0.02, "kappa": 0.0004, "peak_concurrency": 49.5}},
            "Scalability law: λ 50.1, σ 0.02, κ 0.0004; most throughput at 49.5 callers.",
        ),
        (
            {"memory": {"verdict": "growing", "bytes_per_request": 1024, "low": 990, "high": 1060}},
            "Memory grows by 1,024 bytes a request (990–1,060).",
        ),
        (
            {"requirements": [{"text": "capacity>=150", "held": True, "measured": 198.4}]},
            "held         capacity>=150 (measured 198 1/s)",
        ),
        (
            {"requirements": [{"text": "errors<=1%", "held": False, "measured": 0.025}]},
            "broken       errors<=1% (measured 2.5 %)",
        ),
        ({"requirements": [{"text": "goodput>=5", "held": None}]}, "not measured goodput>=5"),
        (
            {"requirements": [{"text": "capacity>=199", "held": None, "measured": 198.4}]},
            "not decided  capacity>=199 (measured 198 1/s)",
        ),
    ],
)
def test_every_outcome_has_its_words(result: Make, changes: dict[str, Any], said: str) -> None:
    assert " ".join(said.split()) in unwrapped(result(**changes))


def test_the_flame_graph_is_named_by_where_it_lies(result: Make) -> None:
    """The document names it within the folder of its store, which only the store knows."""
    document = result(flame_file="stacks/3f9a.speedscope.json")
    told = "".join(span.text for row in summary(document, 200, folder=Path("data")) for span in row)
    assert str(Path("data", "stacks", "3f9a.speedscope.json")) in told


def test_a_fixed_rate_is_told_by_its_last_step(result: Make, step: Make) -> None:
    document = result(
        mode="segments", bound=None, steps=[step(), step(offered_per_s=200.0, achieved_per_s=150.0)]
    )
    assert unwrapped(document).startswith(
        "2 steps; in the last it answered 150 of 200 requests/s over 8 s: p50 12 ms, p99 80 ms, errors 0.5 %."
    )


def test_a_percentile_that_is_missing_is_said_to_be(result: Make, step: Make) -> None:
    document = result(mode="segments", bound=None, steps=[step(response_ms={"p50": 3.0})])
    assert "p50 3 ms, too few requests for p99, errors 0.5 %." in unwrapped(document)


def test_missing_numbers_are_dashes_never_zeros() -> None:
    *_, row = unstyled(step_table([{"mode": "open"}], 80))
    assert row.split() == ["open", "–", "–", "–", "–", "–", "–", "–", "–"]


def test_an_empty_document_is_told_without_a_fault() -> None:
    assert "No step was completed." in text_of({})
    assert "No step was completed." in text_of(
        {"run": None, "capacity": [], "steps": "x", "requirements": 3, "load": None, "memory": 1}
    )


def test_it_fits_80_columns_and_numbers_stand_under_each_other(result: Make, step: Make) -> None:
    wide = step(
        mode="closed",
        offered_per_s=None,
        concurrency=1024,
        achieved_per_s=123456.0,
        rss_bytes=98_765_432_100,
        verdict="client_limited",
        response_ms={"p50": 12345.0, "p99": 54321.0},
    )
    document = result(
        steps=[step(), wide],
        requirements=[{"text": "capacity>=150", "held": False, "measured": 1.0}],
        capacity={"limited_by": "cpu", "because": "a long sentence with its numbers " * 5},
    )
    lines = text_of(document, stored="Stored: loadstone show 3f9a00112233").splitlines()
    assert max(map(width, lines)) <= 80
    head, narrow, broad = (row for row in lines if row.startswith(("load", "open", "closed")))
    assert head.index("1/s") + 3 == narrow.index("100") + 3
    assert broad.index("client limited") == narrow.index("steady") == head.index("verdict")


def test_the_broken_slo_names_the_step_and_the_number(result: Make, step: Make) -> None:
    slo = parse_slo("p99<=50ms,errors<=1%")
    document = result(mode="segments", bound=None, steps=[step(), step()])
    document["load"]["slo"] = slo.text
    said = unwrapped(document, slo=judge_slo(document, slo))
    assert "broken SLO p99<=50ms,errors<=1% (p99 80 ms in step 1, 2 steps in all)" in said


def test_foreign_text_cannot_steer_the_terminal(result: Make) -> None:
    document = result(status="failed")
    document["run"]["reason"] = "it said \x1b[31m[bold]hi\x07\r\n\u202e"
    said = unwrapped(document)
    assert r"it said \x1b[31m[bold]hi\x07\r\n\u202e" in said
    assert "\x1b" not in said


def test_control_characters_are_shown_and_long_text_is_cut() -> None:
    assert plain("a\tb\x9b\ud800é漢") == "a\\tb\\x9b\\ud800é漢"
    assert len(plain("x" * 10_000)) == 2000
