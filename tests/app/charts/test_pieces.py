"""Signs and glyphs: the parts of a score where they belong, everything inside its box, every state a sign."""

from __future__ import annotations

import math
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.charts import pieces
from app.charts.shapes import Circle, Line, Polygon, Polyline, Rect, Shape
from app.charts.tokens import LIGHT
from app.report import model

SHARES = st.floats(0, 100)


def extent(shape: Shape) -> tuple[float, float, float, float]:
    """Left, top, right, bottom with the pen: flat ends for lines, half the pen around all else."""
    if isinstance(shape, Line):
        along_x, along_y = abs(shape.x2 - shape.x1), abs(shape.y2 - shape.y1)
        length = math.hypot(along_x, along_y) or 1.0
        over_x, over_y = shape.pen / 2 * along_y / length, shape.pen / 2 * along_x / length
        xs, ys = (shape.x1, shape.x2), (shape.y1, shape.y2)
        return min(xs) - over_x, min(ys) - over_y, max(xs) + over_x, max(ys) + over_y
    if isinstance(shape, Rect):
        half = shape.pen / 2 if shape.edge else 0.0
        right, bottom = shape.x + shape.width, shape.y + shape.height
        return shape.x - half, shape.y - half, right + half, bottom + half
    if isinstance(shape, Circle):
        reach = shape.radius + (shape.pen / 2 if shape.edge else 0.0)
        return shape.x - reach, shape.y - reach, shape.x + reach, shape.y + reach
    if isinstance(shape, Polyline | Polygon):
        pen = shape.pen if isinstance(shape, Polyline) or shape.edge else 0.0
        xs, ys = tuple(x for x, _ in shape.points), tuple(y for _, y in shape.points)
        return min(xs) - pen / 2, min(ys) - pen / 2, max(xs) + pen / 2, max(ys) + pen / 2
    raise AssertionError("a piece has no text of its own")


def assert_inside(shapes: tuple[Shape, ...], width: float, height: float) -> None:
    assert shapes
    for shape in shapes:
        left, top, right, bottom = extent(shape)
        assert left >= -0.01 and top >= -0.01 and right <= width + 0.01 and bottom <= height + 0.01, shape


def filled(shapes: tuple[Shape, ...], role: str) -> list[Rect]:
    return [shape for shape in shapes if isinstance(shape, Rect) and shape.fill == role]


class TestScore:
    def test_every_part_ends_where_its_reading_stands(self) -> None:
        shapes = pieces.score_glyph(48, 53, 73, 14, 200, 18)
        (proven,), (credited,) = filled(shapes, "ink"), filled(shapes, "inkmid")
        (hollow,), (mark,) = filled(shapes, "surface"), filled(shapes, "text")
        (red,) = [shape for shape in shapes if isinstance(shape, Rect) and shape.edge == "bad"]
        assert (proven.x, proven.x + proven.width) == (0, 96)
        assert (credited.x, credited.x + credited.width) == (96, pytest.approx(106))
        assert extent(hollow)[::2] == (pytest.approx(106), pytest.approx(118))
        assert extent(red)[::2] == (pytest.approx(118), pytest.approx(146))
        assert mark.x + mark.width / 2 == pytest.approx(106)
        assert (mark.y, mark.height) == (0, 18)

    def test_ticks_stand_at_the_edges_of_the_bands(self) -> None:
        lines = [shape for shape in pieces.score_glyph(0, 0, 0, 0, 200, 18) if isinstance(shape, Line)]
        assert [line.x1 for line in lines] == [80, 120, 160]

    def test_the_small_glyph_has_no_ticks(self) -> None:
        shapes = pieces.score_glyph(60, 71, 80, 0, 50, 10.8, ticks=False)
        assert not [shape for shape in shapes if isinstance(shape, Line)]

    def test_a_capped_score_stands_below_what_is_proven(self) -> None:
        shapes = pieces.score_glyph(48, 39, 73, 14, 100, 18)
        assert filled(shapes, "ink")[0].width == 48
        assert filled(shapes, "text")[0].x == 38
        assert not filled(shapes, "inkmid")

    def test_what_was_not_answered_is_dotted_behind_the_claimed(self) -> None:
        shapes = pieces.score_glyph(10, 20, 30, 0, 100, 18, unanswered=25, ticks=False)
        dotted = [shape for shape in shapes if isinstance(shape, Line)]
        assert all(line.dash for line in dotted)
        ends = [extent(line) for line in dotted]
        assert (min(end[0] for end in ends), max(end[2] for end in ends)) == pytest.approx((30, 55))

    def test_no_score_is_an_outline_alone(self) -> None:
        (outline,) = pieces.refused_glyph(160, 18)
        assert isinstance(outline, Rect)
        assert (outline.fill, outline.edge) == (None, "edge")

    @given(st.lists(SHARES, min_size=3, max_size=3), SHARES, SHARES, st.floats(20, 600), st.floats(6, 40))
    def test_everything_lies_inside_whatever_the_parts(
        self, readings: list[float], contradicted: float, unanswered: float, width: float, height: float
    ) -> None:
        proven, supported, claimed = sorted(readings)
        shapes = pieces.score_glyph(
            proven, supported, claimed, contradicted, width, height, unanswered=unanswered
        )
        assert_inside(shapes, width, height)

    def test_what_is_no_number_counts_as_nothing(self) -> None:
        assert_inside(pieces.score_glyph(math.nan, -5, 300, math.nan, 100, 18), 100, 18)


class TestHatch:
    @given(st.floats(0.5, 300), st.floats(0.5, 40))
    def test_lines_of_45_degrees_end_at_the_edges(self, width: float, height: float) -> None:
        for line in pieces.hatch(10, 20, width, height):
            assert line.x2 - line.x1 == pytest.approx(line.y1 - line.y2, abs=1e-6)
            assert line.x1 >= 10 - 1e-6 and line.x2 <= 10 + width + 1e-6
            assert line.y1 == pytest.approx(20 + height) or line.x1 == pytest.approx(10)
            assert line.y2 == pytest.approx(20) or line.x2 == pytest.approx(10 + width)


class TestSigns:
    def test_the_states_and_bands_are_those_of_the_report(self) -> None:
        assert get_args(pieces.State) == get_args(model.State)
        assert get_args(pieces.Band) == get_args(model.Band)
        assert get_args(pieces.PillarMark) == get_args(model.PillarMark)

    @pytest.mark.parametrize("size", [6.0, 9.0, 16.0])
    @pytest.mark.parametrize("state", get_args(pieces.State))
    def test_a_verdict_fits_its_box(self, state: pieces.State, size: float) -> None:
        assert_inside(pieces.verdict_badge(state, size), size, size)

    def test_verdicts_are_told_apart_without_colour(self) -> None:
        """Only `unsure` and `unanswered` look alike: both are open."""
        signs = {state: repr(grey(pieces.verdict_badge(state, 9))) for state in get_args(pieces.State)}
        assert signs["unsure"] == signs["unanswered"]
        assert len(set(signs.values())) == len(signs) - 1

    @pytest.mark.parametrize("band", range(4))
    def test_a_band_fills_as_many_boxes_as_it_reached(self, band: int) -> None:
        shapes = pieces.band_meter(pieces.BANDS[band], 20, 8)
        assert len(shapes) == 4
        assert len(filled(shapes, "ink")) == band + 1
        assert_inside(shapes, 20, 8)

    @pytest.mark.parametrize("shape", get_args(pieces.PillarMark))
    def test_a_pillars_mark_fits_its_box(self, shape: pieces.PillarMark) -> None:
        assert_inside(pieces.pillar_mark(shape, 9), 9, 9)

    def test_other_marks_fit_their_box(self) -> None:
        for mark in (pieces.limit_mark, pieces.close_mark, pieces.proposed_badge):
            assert_inside(mark(9), 9, 9)

    def test_every_colour_is_a_role(self) -> None:
        shapes = [shape for state in get_args(pieces.State) for shape in pieces.verdict_badge(state, 9)]
        shapes += pieces.score_glyph(48, 53, 73, 14, 200, 18, unanswered=5)
        assert roles(shapes) <= LIGHT.keys()


def roles(shapes: list[Shape]) -> set[str]:
    names = ("fill", "edge", "role")
    return {role for shape in shapes for name in names if (role := getattr(shape, name, None)) is not None}


def grey(shapes: tuple[Shape, ...]) -> list[str]:
    """The shapes without their colours; only what stands on a fill stays apart from what stands alone."""
    text = [repr(shape) for shape in shapes]
    for role in sorted(LIGHT, key=len, reverse=True):
        text = [one.replace(f"'{role}'", "'x'") for one in text]
    return text
