"""Method and machine, glossary, milestones: how it was found, with what, and what changed since."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.charts.spec import ChangeChart
from app.report.model import Definitions, Figure, Paragraph, Section, Table, plain, text
from app.report.sections import glossary, method, milestones
from app.report.view import View
from assessments.milestones import compact

Document = dict[str, Any]


def test_the_run_the_machine_the_seed_and_the_versions(
    assessed: Callable[..., Document], of_kind: Any
) -> None:
    section = method.section(View(assessed()), "8")
    blocks = of_kind(section.blocks, Definitions)
    told = {term: plain(meaning) for block in blocks for term, meaning in block.items}
    assert told["Seed"] == "7"
    assert told["Cores"] == "2"
    assert told["Objective"] == "p99<=100ms,errors<=1%"
    assert told["Grade"].startswith("degrading")
    assert told["Loadstone"] == "0.1.0"
    assert "Calls made by" not in told


def test_calls_of_another_client_are_said_to_be(assessed: Callable[..., Document], of_kind: Any) -> None:
    document = assessed()
    for run in document["runs"]:
        run["target"]["client"] = "grpcio"
    blocks = of_kind(method.section(View(document), "8").blocks, Definitions)
    told = {term: plain(meaning) for block in blocks for term, meaning in block.items}
    assert told["Calls made by"] == "the client of grpcio, not Loadstone's own"


def test_thresholds_of_the_lens_stand_with_their_reasons(
    assessed: Callable[..., Document], of_kind: Any
) -> None:
    rows = [
        [plain(cell) for cell in row]
        for table in of_kind(method.section(View(assessed()), "8").blocks, Table)
        for row in table.rows
    ]
    assert ["MEMORY_MARGIN", "1.1", "a garbage collection pause is enough for a kill below it"] in rows


def test_changed_weights_are_printed(assessed: Callable[..., Document], said: Any) -> None:
    assert "Weights are those of the lens." in said(method.section(View(assessed()), "8"))
    words = said(method.section(View(assessed(given={"weights": {"INF-08": 5}})), "8"))
    assert "Weights were changed" in words
    assert "INF-08 weighs 5" in words


def test_without_a_run_only_judging_is_told(assessed: Callable[..., Document], said: Any) -> None:
    words = said(method.section(View(assessed(runs=[], facts=[])), "8"))
    assert "No load run is part of this assessment" in words
    assert "over-claiming never pays" in words


def test_the_glossary_has_only_terms_that_occur() -> None:
    about = Section("a", "A", "The knee", (Paragraph(text("One replica has a GIL.")),))
    terms = [term for term, _ in _definitions(glossary.section([about], "9")).items]
    assert terms == ["GIL", "knee", "replica"]


def _definitions(section: Section) -> Definitions:
    (block,) = section.blocks
    assert isinstance(block, Definitions)
    return block


def test_without_milestones_there_is_no_section(assessed: Callable[..., Document]) -> None:
    assert milestones.section(View(assessed()), "8") is None


def _with_milestone(assessed: Callable[..., Document], **earlier: Any) -> Document:
    before = assessed(**earlier)
    now = assessed()
    now["milestones"] = [compact(before, "before the fix", now["lens"])]
    return now


def test_what_changed_since_the_milestone(assessed: Callable[..., Document], of_kind: Any, said: Any) -> None:
    answers = {"INF-12": "INF_12_no", "MOD-01": "MOD_01_a", "MOD-07": "MOD_07_no", "DAT-01": "DAT_01_no",
               "DAT-03": "DAT_03_no", "MON-01": "MON_01_a", "MON-04": "MON_04_no", "INF-08": "INF_08_a",
               "INF-02": "INF_02_a"}  # fmt: skip
    document = _with_milestone(assessed, answers=answers)
    section = milestones.section(View(document), "8")
    assert section is not None
    before = document["milestones"][0]["scores"]["overall"]["score"]
    now = document["scores"]["overall"]["score"]
    assert section.title == f"Overall {before:.0f} → {now:.0f} since before the fix"
    (figure,) = of_kind(section.blocks, Figure)
    assert isinstance(figure.spec, ChangeChart)
    table = of_kind(section.blocks, Table)[0]
    overall = [plain(cell) for cell in table.rows[0]]
    assert overall[:3] == ["Overall", f"{before:.0f}", f"{now:.0f}"]
    assert "Answers that changed" in said(section)
    assert "DAT_01 no".replace("_", " ") in said(section) or "DAT 01 no" in said(section)


def test_a_milestone_that_cannot_be_read_costs_no_report(assessed: Callable[..., Document]) -> None:
    document = assessed()
    document["milestones"] = [{"label": "broken", "as_of": "2026-01-01T00:00:00+00:00"}]
    section = milestones.section(View(document), "8")
    assert section is not None
    assert section.title == "The milestone broken cannot be compared"


@pytest.mark.parametrize("count", [2, 3])
def test_several_milestones_are_all_listed(
    assessed: Callable[..., Document], of_kind: Any, count: int
) -> None:
    document = assessed()
    document["milestones"] = [compact(assessed(), f"m{number}", document["lens"]) for number in range(count)]
    section = milestones.section(View(document), "8")
    assert section is not None
    last = of_kind(section.blocks, Table)[-1]
    assert [plain(row[0]) for row in last.rows] == [f"m{number}" for number in range(count)]
