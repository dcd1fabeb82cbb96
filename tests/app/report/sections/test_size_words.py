"""What the axes of data volume and complexity say of a sweep and of models of growing size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.report.run_reading import read_run
from app.report.sections.axes import axis_rows
from app.report.sections.size_words import growth_sentence
from app.report.view import View

VOLUME: dict[str, Any] = {
    "axis": "batch", "law": "n^2", "exponent": 1.98, "low": 1.9, "high": 2.06, "refused": None,
    "largest_within_slo": 32, "smallest_beyond_slo": 64,
    "memory": {"verdict": "growing", "bytes_per_unit": 1_048_576.0, "low": 9e5, "high": 1.2e6},
}  # fmt: skip


def test_a_law_its_exponent_memory_and_the_largest_size_are_one_sentence() -> None:
    read = read_run({"volume": VOLUME})["volume"]
    assert growth_sentence(read, "Cost").replace("\N{NO-BREAK SPACE}", " ") == (
        "Cost grows with batch as n^2, exponent 1.98 (1.90 to 2.06, 95 %); one more takes 1 MiB of memory; "
        "the largest within the objective is 32."
    )
    between = read | {"law": "between", "memory": {"verdict": "flat"}, "largest_within_slo": None}
    assert growth_sentence(between, "Cost") == (
        "Cost grows with batch, exponent 1.98 (1.90 to 2.06, 95 %); already 64 breaks the objective."
    )
    assert growth_sentence({"axis": "rows", "law": "1"}, "Cost") == "Cost does not depend on rows."
    assert (
        growth_sentence({"axis": "rows", "refused": "few"}, "Cost")
        == "How cost grows with rows was not told."
    )


def test_the_newest_run_that_varied_the_size_speaks_beside_the_one_with_the_capacity(
    assessed: Callable[..., dict[str, Any]], a_run: Callable[[], dict[str, Any]]
) -> None:
    document = assessed()
    sweep = a_run()
    del sweep["capacity"]
    sweep["run"] = {**sweep["run"], "grade": "valid"}
    sweep |= {"volume": VOLUME, "complexity": VOLUME | {"axis": "parameters"}}
    document["runs"] = [*document["runs"], sweep]
    said = " ".join(row.distance for row in axis_rows(View(document)))
    assert "Cost grows with batch as n^2" in said
    assert "Response time grows with parameters as n^2" in said
    sweep["run"]["grade"] = "client_limited"
    said = " ".join(row.distance for row in axis_rows(View(document)))
    assert "no run varied the size of requests" in said
    assert "parameters" not in said
