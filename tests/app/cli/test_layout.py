"""Numbers and tables."""

from __future__ import annotations

import math

import pytest

from app.cli.figures import fixed, interval, megabytes, number, seconds, share
from app.cli.layout import Span, cut, table, unstyled, width


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"), (math.nan, "–"), (math.inf, "–"), ("12", "–"), (True, "–"), (9.999, "10.0"),
        (0, "0"), (0.0004, "0.0004"), (0.05, "0.05"), (0.98, "0.98"), (1, "1"), (1.234, "1.23"),
        (12.34, "12.3"), (50.0, "50"), (99.96, "100"), (198.4, "198"), (1234.5, "1,234"), (-3.5, "-3.50"),
    ],
)  # fmt: skip
def test_a_number_has_three_digits(value: object, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, "0 %"),
        (0.0012, "0.1 %"),
        (0.00012, "0.01 %"),
        (0.025, "2.5 %"),
        (0.97, "97 %"),
        (1, "100 %"),
    ],
)
def test_a_share_is_in_percent(value: object, shown: str) -> None:
    assert share(value).replace("\N{NO-BREAK SPACE}", " ") == shown


def test_an_interval_has_digits_enough_to_differ() -> None:
    assert interval(193.0, 203.1) == "193–203"
    assert interval(198.1, 198.4) == "198.1–198.4"
    assert interval(1.0, 1.5) == "1.00–1.50"
    assert interval(None, 3) == interval(3, None) == ""


def test_units() -> None:
    assert megabytes(120_000_000) == "120"
    assert megabytes(None) == fixed(None, 2) == seconds(None) == "–"
    assert seconds(125).replace("\N{NO-BREAK SPACE}", " ") == "2 min 05 s"


def test_a_table_is_aligned_and_cut_at_its_widest_text() -> None:
    rows = unstyled(
        table(("name", "n"), [("short", "1"), ("漢字" * 30, "1,000"), (Span("x", "bad"), "20")], "tr", 30)
    )
    assert {width(row) for row in rows[1:]} == {30}
    assert rows[2].endswith(" 1,000")
    assert "…" in rows[2]


def test_text_is_cut_by_columns_not_by_characters() -> None:
    assert cut("漢字漢字", 5) == "漢字…"
    assert cut("abc", 3) == "abc"
