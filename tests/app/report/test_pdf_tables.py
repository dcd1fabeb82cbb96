"""Widths of columns, and how tables fall into pages."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.report.model import Column
from app.report.pdf_tables import GAP, Head, Row, TableBox, Wish, column_widths
from app.report.pdf_text import plain_lines
from app.report.pdf_words import BODY, LABEL

COLUMNS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0, 1.0, 2.0]),
        st.sampled_from(["left", "right"]),
        st.floats(1, 200),
        st.floats(0, 400),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=500)
@given(given=COLUMNS)
def test_the_columns_fill_the_width_and_none_is_negative(
    given: list[tuple[float, str, float, float]],
) -> None:
    columns = [Column("", share, align) for share, align, _, _ in given]  # type: ignore[arg-type]
    wishes = [Wish(least, least + more) for _, _, least, more in given]
    widths = column_widths(columns, wishes, 500.0)
    assert min(widths) >= 0
    assert sum(widths) + GAP * (len(columns) - 1) == pytest.approx(500.0)


def test_a_column_without_a_share_takes_what_its_widest_cell_needs() -> None:
    widths = column_widths([Column(""), Column("", 1.0)], [Wish(30, 60), Wish(50, 900)], 500.0)
    assert widths == pytest.approx([60.0, 500 - GAP - 60])


def test_shares_divide_the_rest() -> None:
    columns = [Column("", 1.0), Column("", 3.0)]
    widths = column_widths(columns, [Wish(10, 900), Wish(10, 900)], 400 + GAP)
    assert widths == pytest.approx([100.0, 300.0])


def test_a_column_that_needs_less_than_its_share_gives_to_one_that_needs_more() -> None:
    columns = [Column("", 1.0), Column("", 1.0)]
    widths = column_widths(columns, [Wish(10, 80), Wish(10, 280)], 400 + GAP)
    assert widths[0] >= 80
    assert widths[1] >= 280


def test_a_long_cell_without_a_share_leaves_room_for_those_with_one() -> None:
    widths = column_widths([Column(""), Column("", 1.0)], [Wish(40, 400), Wish(40, 400)], 500.0)
    assert widths[0] < widths[1]


def table(count: int, height: int = 1) -> TableBox:
    """A table of rows that are `height` lines high."""
    head = Head([plain_lines("Name", LABEL, 100)], [0.0], 100)
    rows = [Row([plain_lines("line\n" * height, BODY, 100)], [0.0], 100, 2.0) for _ in range(count)]
    for number, row in enumerate(rows):
        row.anchor = f"row {number}"
    return TableBox(head, rows, ())


def test_a_split_keeps_every_row_whole_in_order_and_repeats_the_head() -> None:
    whole = table(30)
    for room in range(0, int(whole.height), 7):
        first, rest = whole.split(room, 700)
        if first is None:
            assert rest is whole
            continue
        assert isinstance(first, TableBox)
        assert isinstance(rest, TableBox)
        assert first.height <= room
        assert first.head is rest.head is whole.head
        assert [row.anchor for row in (*first.rows, *rest.rows)] == [row.anchor for row in whole.rows]
        assert min(len(first.rows), len(rest.rows)) >= 3


def test_a_row_higher_than_a_page_is_split_at_its_lines() -> None:
    whole = table(1, 200)
    first, rest = whole.split(300, 300)
    assert isinstance(first, TableBox)
    assert isinstance(rest, TableBox)
    assert 0 < first.height <= 300
    lines = sum(len(part.rows[0].cells[0].lines) for part in (first, rest))  # type: ignore[attr-defined]
    assert lines == len(whole.rows[0].cells[0].lines)  # type: ignore[attr-defined]
