"""What lists gain over single items: items a second in the largest one, over those of lists of one."""

from __future__ import annotations

from typing import Any

import pytest

from probes.load.sweep import batch_gain


def volume(times: dict[int, float], axis: str = "batch", requests: int = 50) -> dict[str, Any]:
    sizes = [{"size": size, "requests": requests, "service_ms_p50": took} for size, took in times.items()]
    return {"axis": axis, "sizes": sizes}


@pytest.mark.parametrize(
    ("times", "gain"),
    [
        ({1: 10.0, 8: 80.0, 64: 640.0}, 1.0),  # looped over: 64 items take 64 times as long
        ({1: 10.0, 8: 12.0, 64: 20.0}, 32.0),  # 64 items in twice the time of one
        ({1: 10.0, 64: 1280.0}, 0.5),
    ],
)
def test_the_gain_of_the_largest_list(times: dict[int, float], gain: float) -> None:
    assert batch_gain(volume(times)) == pytest.approx(gain)
    assert batch_gain(volume(times, "rows")) == pytest.approx(gain)


@pytest.mark.parametrize(
    "swept",
    [
        volume({2: 10.0, 64: 20.0}),
        volume({1: 10.0}),
        volume({1: 10.0, 64: 20.0}, "payload_kb"),
        volume({1: 10.0, 64: 20.0}, requests=2),
        volume({}),
    ],
)
def test_without_a_list_of_one_or_of_other_sizes_it_is_not_known(swept: dict[str, Any]) -> None:
    assert batch_gain(swept) is None


def test_a_size_that_failed_is_left_out() -> None:
    swept = volume({1: 10.0, 8: 16.0})
    swept["sizes"].append({"size": 64, "requests": 0})
    assert batch_gain(swept) == pytest.approx(8 * 10 / 16)
