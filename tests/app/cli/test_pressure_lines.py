"""What the summary says of several instances and of one that is killed."""

from __future__ import annotations

from typing import Any

from app.cli.layout import Line, unstyled
from app.cli.pressure_lines import instance_lines, loss_lines

LOSS: dict[str, Any] = {
    "what": "instance", "of": 3, "offered_per_s": 80.0, "requests": 800, "failed": 8, "failed_before": 0,
    "watched_s": 6.0, "recovery_s": 0.05, "carried": True, "because": None, "utilisation": 0.8,
    "before": {"throughput_per_s": 80.0, "p95_ms": 21.0}, "after": {"throughput_per_s": 79.0, "p95_ms": 42.0},
}  # fmt: skip


def text_of(lines: list[Line]) -> str:
    """The words."""
    return " ".join(unstyled(lines))


def test_what_is_left_is_told_with_its_use_and_its_times() -> None:
    text = text_of(loss_lines({"loss": LOSS}, 2_000))
    assert "With one of 3 instances killed at 80 requests/s, 8 of 800 requests failed" in text
    assert "The other 2 carry it within the SLO, 80 % of the highest throughput that is left" in text
    assert "p95 21 ms before, 42 ms after; 80 and 79 good answers a second" in text


def test_what_is_not_carried_and_what_is_not_known_say_why() -> None:
    of_two = LOSS | {"of": 2, "carried": False, "because": "p95 was 900 ms, over 400 ms"}
    assert "The other does not carry it within the SLO, 80 % of" in text_of(
        loss_lines({"loss": of_two}, 2_000)
    )
    assert "p95 was 900 ms, over 400 ms" in text_of(loss_lines({"loss": of_two}, 2_000))
    unknown = LOSS | {"of": 2, "carried": None, "because": "9 requests are too few for p95"}
    text = text_of(loss_lines({"loss": unknown}, 2_000))
    assert "Whether the other carries it within the SLO is not known" in text
    assert "too few" in text


def test_a_process_that_is_killed_says_nothing_of_others() -> None:
    text = text_of(
        loss_lines({"loss": {name: LOSS[name] for name in ("of", "offered_per_s", "failed")}}, 2_000)
    )
    assert "With one of 3 processes killed" in text
    assert "SLO" not in text


def test_a_sum_that_falls_short_on_a_full_machine_says_so() -> None:
    found = {"count": 2, "alone_per_s": [100.0, 100.0], "together_per_s": 130.0, "sum_ratio": 0.65}
    text = text_of(instance_lines({"instances": found | {"machine_busy": 0.97}}, 2_000))
    assert "together they carry 130 a second, 65 % of what each carries alone" in text
    assert "97 % of this machine's processors were in use" in text
    assert "processors" not in text_of(instance_lines({"instances": found | {"machine_busy": 0.4}}, 2_000))
    apart = {"verdict": "changed", "different": ["score"]}
    assert "score differs" in text_of(instance_lines({"instances": found | {"answers": apart}}, 2_000))
    assert instance_lines({}, 80) == []
