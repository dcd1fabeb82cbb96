"""The claims as a table for spreadsheets."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from app.report.csv_export import COLUMNS, guarded, render_csv


def rows_of(document: dict[str, Any]) -> list[dict[str, str]]:
    """The lines of the table by the names of its head."""
    return list(csv.DictReader(io.StringIO(render_csv(document).decode(), newline="")))


def test_every_question_is_a_line(shop: dict[str, Any]) -> None:
    rows = rows_of(shop)
    assert [row["question"] for row in rows] == ["INF-08", "INF-12", "INF-14", "DAT-01", "DAT-02"]
    assert [row["state"] for row in rows] == [
        "contradicted",
        "verified",
        "not_applicable",
        "claimed",
        "unsure",
    ]
    assert {row["pillar"] for row in rows} == {"Infrastructure", "Data"}


def test_what_a_claim_costs_are_numbers(shop: dict[str, Any]) -> None:
    first = rows_of(shop)[0]
    # Proven is level 0.5 of 1 on half of the pillar's weight: 25 of 100 points are contradicted.
    assert float(first["credit"]) == 0.5
    assert float(first["lost_contradicted"]) == 25
    assert first["facts"] == "infra.kubernetes.memory_limit_bytes"


def test_a_number_that_is_not_known_is_empty_and_not_zero(shop: dict[str, Any]) -> None:
    unknown = rows_of(shop)[2]
    assert unknown["credit"] == ""
    assert unknown["lost_not_done"] == ""


def test_what_a_spreadsheet_would_compute_is_quoted(shop: dict[str, Any]) -> None:
    assert rows_of(shop)[0]["claim"] == "'=set from a ramp"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_text_starts_a_formula(sign: str) -> None:
    assert guarded(f"{sign}1+1").startswith("'")
    assert guarded(f"a{sign}1") == f"a{sign if sign > ' ' else ' '}1"


def test_a_text_stays_on_one_line_and_is_cut_visibly() -> None:
    assert guarded("a\nb\x00") == "a b\\x00"
    assert guarded("w" * 100_000).endswith("(cut, 100,000 characters)")


def test_the_head_comes_first_and_lines_end_as_the_standard_says(shop: dict[str, Any]) -> None:
    made = render_csv(shop)
    assert made.split(b"\r\n")[0].decode() == ",".join(COLUMNS)
    assert made.endswith(b"\r\n")
    assert made.count(b"\r\n") == 6
