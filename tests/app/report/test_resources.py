"""The bars of resources: shares of what there is, the named limit first."""

from __future__ import annotations

from typing import Any, cast

from app.charts.layout import layout
from app.charts.shapes import Rect
from app.report.sections.resources import resources_chart
from app.report.view import View
from assessments.wording import NO_BREAK

MIB = 2**20
FACTS = {
    "process.rss_peak_bytes": 1463.0 * MIB,
    "infra.kubernetes.memory_limit_bytes": 1536.0 * MIB,
    "process.cpu_cores_at_saturation": 1.3,
}


class Told:
    """What the chart reads of a view: the run that counts, and facts by name."""

    def __init__(self, capacity: dict[str, Any], facts: dict[str, float]) -> None:
        self.run = {"run": {"machine": {"cpu_usable": 4.0}}, "capacity": capacity}
        self._facts = facts

    def number(self, name: str) -> float | None:
        return self._facts.get(name)


def chart(capacity: dict[str, Any], facts: dict[str, float]) -> Any:
    return resources_chart(cast(View, Told(capacity, facts)))


def test_the_named_limit_comes_first_then_the_fullest() -> None:
    bounds = [{"resource": "cpu", "utilisation": 0.33}, {"resource": "gil", "utilisation": 0.97}]
    found = chart({"limited_by": "gil", "bounds": bounds}, FACTS)
    # 1,463 of 1,536 MiB are 95.2 %.
    assert [(bar.name, round(bar.value, 3), bar.kind) for bar in found.bars] == [
        ("GIL held", 0.97, "limit"),
        ("Memory", 0.952, "use"),
        ("CPU", 0.33, "use"),
    ]
    assert found.bars[1].shown == f"1.43 of 1.5{NO_BREAK}GiB"
    assert found.title == "Use at saturation: GIL held is the limit"


def test_without_a_table_of_bounds_cpu_is_held_against_the_machine() -> None:
    found = chart({}, {"process.cpu_cores_at_saturation": 1.3})
    (bar,) = found.bars
    assert (bar.value, bar.shown) == (1.3 / 4, f"1.3 of 4{NO_BREAK}cores")
    assert found.title.endswith("no resource is named the limit")


def test_what_was_not_watched_has_no_chart() -> None:
    assert chart({}, {"process.rss_peak_bytes": 5.0}) is None


def test_a_bar_fills_its_share_of_the_track() -> None:
    found = chart({}, FACTS)
    drawn = layout(found, 400, 0, lambda text, _weight, size: len(text) * size * 0.5)
    tracks = [shape for shape in drawn.shapes if isinstance(shape, Rect) and shape.fill == "sunk"]
    bars = [shape for shape in drawn.shapes if isinstance(shape, Rect) and shape.fill == "ink"]
    assert [round(bar.width / track.width, 3) for bar, track in zip(bars, tracks, strict=True)] == [
        0.952,
        0.325,
    ]
