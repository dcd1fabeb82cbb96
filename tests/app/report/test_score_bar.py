"""A score with each of its parts labelled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.charts.shapes import Label
from app.report import fonts
from app.report.model import Score, ScoreBar
from app.report.score_bar import APART, HEIGHT, parts_of, rounded_parts, score_bar, spread

WORKED = ScoreBar(Score(47.73, 53.41, 72.73, 13.64), 0.0, 27.27)
"""The worked example of the judging rules."""


def test_the_parts_are_those_of_the_account() -> None:
    parts = {name: round(size, 2) for name, size, _ in parts_of(WORKED)}
    assert parts == {
        "proven": 47.73,
        "credited": 5.68,
        "not proven": 5.68,
        "contradicted": 13.64,
        "not done": 27.27,
    }


def test_rounded_parts_add_up_and_meet_the_three_numbers_of_the_title() -> None:
    sizes = [size for _, size, _ in parts_of(WORKED)]
    assert rounded_parts(sizes) == [48, 5, 6, 14, 27]


@given(st.lists(st.floats(0.1, 50), min_size=1, max_size=6))
def test_rounding_never_moves_a_sum_by_more_than_half(sizes: list[float]) -> None:
    parts = rounded_parts(sizes)
    for count in range(1, len(sizes) + 1):
        assert abs(sum(parts[:count]) - sum(sizes[:count])) <= 0.5 + 1e-9


def test_labels_stand_within_the_bar_and_apart() -> None:
    narrow = ScoreBar(Score(10, 11, 13, 1), 1, 1)
    for bar in (WORKED, narrow):
        labels = [shape for shape in score_bar(bar, 480, fonts.measure) if isinstance(shape, Label)]
        for height in {label.y for label in labels}:
            row = sorted((label for label in labels if label.y == height), key=lambda label: label.x)
            ends = [label.x + fonts.measure(label.text, label.weight, label.size) for label in row]
            assert row[0].x >= 0
            assert ends[-1] <= 480 + 1e-6
            for label, end in zip(row[1:], ends, strict=False):
                assert label.x >= end + APART - 1e-6
            assert 0 < height < HEIGHT


@given(st.lists(st.tuples(st.floats(-50, 500), st.floats(1, 60)), min_size=1, max_size=6))
def test_labels_that_have_room_do_not_touch(given_labels: list[tuple[float, float]]) -> None:
    lefts = sorted(left for left, _ in given_labels)
    widths = [width for _, width in given_labels]
    room = sum(widths) + APART * len(widths) + 10
    moved = spread(lefts, widths, room)
    for left, right, width in zip(moved, moved[1:], widths, strict=False):
        assert right >= left + width + APART - 1e-6
    assert moved[0] >= 0
    assert moved[-1] + widths[-1] <= room + 1e-6


def test_what_stands_apart_is_not_moved() -> None:
    assert spread([10, 100, 200], [20, 20, 20], 300) == pytest.approx([10, 100, 200])
