"""Bars, flames, efforts, dates and changes: lengths and places from their values, nothing lost on the way."""

from __future__ import annotations

from datetime import date

import pytest

from app.charts.drawn import Drawn
from app.charts.layout import layout
from app.charts.shapes import Circle, Label, Line, Measure, Polygon, Rect
from app.charts.spec import (
    Bar,
    BarChart,
    ChangeChart,
    DateRange,
    EffortChart,
    EffortPoint,
    FlameChart,
    Frame,
    RangeChart,
    ScoreChange,
)

BARS = BarChart(
    "",
    (
        Bar("Peak today", 314, shown="314 req/s", kind="demand"),
        Bar("One replica", 198, 192, 203, "198 (192–203) req/s"),
        Bar("Three replicas at 70 % use", 416, 403, 426, "416 (403–426) req/s"),
    ),
    420,
    "target peak 420 req/s",
)


def texts(drawn: Drawn) -> list[str]:
    return [shape.text for shape in drawn.shapes if isinstance(shape, Label)]


def label(drawn: Drawn, text: str) -> Label:
    (found,) = [shape for shape in drawn.shapes if isinstance(shape, Label) and shape.text == text]
    return found


def rects(drawn: Drawn, *fills: str) -> list[Rect]:
    return [shape for shape in drawn.shapes if isinstance(shape, Rect) and shape.fill in fills]


class TestBars:
    def test_lengths_are_proportional_from_zero(self, measure: Measure) -> None:
        first, second, third = rects(layout(BARS, 499, 0, measure), "s1", "inkmid")
        assert first.x == second.x == third.x
        assert first.width / 314 == pytest.approx(second.width / 198) == pytest.approx(third.width / 416)
        assert (first.fill, second.fill) == ("inkmid", "s1")

    def test_the_target_is_a_dashed_line_at_its_value_with_its_name_above(self, measure: Measure) -> None:
        drawn = layout(BARS, 499, 0, measure)
        bar = rects(drawn, "inkmid")[0]
        (line,) = [shape for shape in drawn.shapes if isinstance(shape, Line) and shape.role == "bad"]
        assert line.dash and line.x1 == line.x2 == pytest.approx(bar.x + bar.width / 314 * 420)
        assert label(drawn, "target peak 420 req/s").y < line.y1

    def test_whiskers_end_at_the_interval(self, measure: Measure) -> None:
        drawn = layout(BARS, 499, 0, measure)
        bar = rects(drawn, "s1")[0]
        level = [
            shape
            for shape in drawn.shapes
            if isinstance(shape, Line) and shape.role == "text" and shape.y1 == shape.y2
        ]
        unit = bar.width / 198
        assert (level[0].x1 - bar.x, level[0].x2 - bar.x) == (
            pytest.approx(192 * unit),
            pytest.approx(203 * unit),
        )

    def test_values_stand_right_and_give_way_to_nothing(self, measure: Measure) -> None:
        for width in (240.0, 499.0):
            drawn = layout(BARS, width, 0, measure)
            for bar in BARS.bars:
                value = label(drawn, bar.shown)
                assert (value.x, value.align) == (width, "right")

    def test_the_height_is_what_the_rows_need(self, measure: Measure) -> None:
        one = layout(BarChart("", BARS.bars[:1]), 499, 1000, measure).height
        three = layout(BarChart("", BARS.bars), 499, 1000, measure).height
        assert three - one == pytest.approx(2 * 17)

    def test_what_is_below_zero_grows_to_the_left(self, measure: Measure) -> None:
        down, up = rects(layout(BarChart("", (Bar("a", -5), Bar("b", 5))), 499, 0, measure), "s1")
        assert down.x + down.width == pytest.approx(up.x)
        assert down.width == pytest.approx(up.width)

    def test_a_value_next_to_nothing_is_a_bar_of_no_length(self, measure: Measure) -> None:
        (bar,) = rects(layout(BarChart("", (Bar("a", 5e-324),)), 240, 0, measure), "s1")
        assert bar.width == 0


class TestFlame:
    FRAMES = (
        Frame("POST /recommend", "", 0, 0.0, 1.0),
        Frame("ranking.rerank", "ranking.py:88", 1, 0.0, 0.71, hot=True),
        Frame("json.dumps", "json:4", 1, 0.71, 0.1),
        Frame("tiny", "tiny.py:1", 1, 0.81, 0.03),
    )

    def test_widths_are_shares_and_callees_lie_below(self, measure: Measure) -> None:
        drawn = layout(FlameChart("", self.FRAMES), 500, 0, measure)
        whole, hot, dumps, tiny = rects(drawn, "band", "s1", "sunk")
        assert whole.width == 500
        assert hot.width == pytest.approx(0.71 * 500, abs=1.5)
        assert dumps.x == pytest.approx(0.71 * 500)
        assert hot.y == dumps.y == tiny.y > whole.y
        assert drawn.height == 30

    def test_only_the_hot_one_is_strong_and_tiny_ones_have_no_words(self, measure: Measure) -> None:
        drawn = layout(FlameChart("", self.FRAMES), 500, 0, measure)
        assert [rect.fill for rect in rects(drawn, "band", "s1", "sunk")] == ["band", "s1", "band", "sunk"]
        hot = label(drawn, "ranking.rerank ranking.py:88")
        assert (hot.role, hot.weight) == ("onaccent", 600)
        assert label(drawn, "71\u00a0%").role == "onaccent"
        assert not any("tiny" in text for text in texts(drawn))

    def test_the_place_gives_way_before_the_name(self, measure: Measure) -> None:
        assert "json.dumps" in texts(layout(FlameChart("", self.FRAMES), 600, 0, measure))


class TestEffort:
    POINTS = (
        EffortPoint(1, "Memory limit", 1, 8, "circle"),
        EffortPoint(2, "Warm spare", 3, 6, "square", "→ 2027-10-02"),
        EffortPoint(3, "Partitions", 8, 4, "triangle"),
    )

    def test_a_mark_stands_at_its_points_in_the_column_of_its_effort(self, measure: Measure) -> None:
        drawn = layout(EffortChart("", self.POINTS), 499, 165, measure)
        (circle,) = [shape for shape in drawn.shapes if isinstance(shape, Circle)]
        (square,) = rects(drawn, "ink")
        (triangle,) = [shape for shape in drawn.shapes if isinstance(shape, Polygon)]
        ticks = {shape.text: shape.y for shape in drawn.shapes if isinstance(shape, Label)}
        per_point = (ticks["0"] - ticks["8"]) / 8
        assert square.y + square.height / 2 - circle.y == pytest.approx(2 * per_point)
        feet = [label(drawn, text).x for text in ("1\u00a0day", "3\u00a0days", "8\u00a0days")]
        lefts = [circle.x, square.x, min(x for x, _ in triangle.points)]
        assert feet[0] <= lefts[0] < feet[1] <= lefts[1] < feet[2] <= lefts[2]
        assert label(drawn, "→ 2027-10-02").role == "accent"

    def test_equal_points_stand_abreast_where_there_is_room(self, measure: Measure) -> None:
        points = tuple(EffortPoint(at, "Limit", 1, 8, "circle") for at in (1, 2))
        drawn = layout(EffortChart("", points), 499, 165, measure)
        first, second = (shape for shape in drawn.shapes if isinstance(shape, Circle))
        assert first.y == second.y and first.x < second.x

    def test_one_that_had_to_move_says_its_points(self, measure: Measure) -> None:
        points = tuple(EffortPoint(at, "A rather long name of an action", 1, 8, "circle") for at in (1, 2, 3))
        drawn = layout(EffortChart("", points), 300, 165, measure)
        assert texts(drawn).count("+8") == 2

    def test_every_action_is_there_however_many(self, measure: Measure) -> None:
        points = tuple(EffortPoint(at, "Name", 1, 1, "circle") for at in range(1, 41))
        drawn = layout(EffortChart("", points), 180, 100, measure)
        assert len([shape for shape in drawn.shapes if isinstance(shape, Circle)]) == 40
        assert {str(at) for at in range(1, 41)} <= set(texts(drawn))
        assert drawn.height > 100

    def test_efforts_share_columns_until_every_name_is_whole(self, measure: Measure) -> None:
        names = [f"A name of thirty letters, no. {at:02}" for at in range(8)]
        points = tuple(EffortPoint(at, name, 1.0 + at % 4, 5, "circle") for at, name in enumerate(names, 1))
        drawn = layout(EffortChart("", points), 499, 165, measure)
        assert set(names) <= set(texts(drawn))
        assert "1\u00a0day" not in texts(drawn), "four columns of such names are wider than the page"

    def test_neighbouring_efforts_share_a_column_beyond_five(self, measure: Measure) -> None:
        points = tuple(EffortPoint(at, "a", float(at), 5, "circle") for at in range(1, 8))
        assert "1–2\u00a0days" in texts(layout(EffortChart("", points), 499, 165, measure))


class TestDates:
    ROWS = (
        DateRange("as it is", date(2027, 3, 14), date(2027, 2, 20), date(2027, 4, 11), base=True),
        DateRange("five replicas", date(2027, 10, 2), date(2027, 8, 20), date(2027, 11, 25)),
        DateRange("both", None, date(2028, 6, 1), None, "not before 2028-11-23"),
    )

    def test_dates_fall_on_one_axis_the_base_in_ink(self, measure: Measure) -> None:
        drawn = layout(RangeChart("", self.ROWS, ((date(2027, 1, 15), "campaign"),)), 499, 0, measure)
        marks = [shape for shape in drawn.shapes if isinstance(shape, Line) and shape.pen == 2.0]
        assert [mark.role for mark in marks] == ["ink", "s1"]
        (line,) = [shape for shape in drawn.shapes if isinstance(shape, Line) and shape.role == "bad"]
        days = [date(2027, 1, 15), date(2027, 3, 14), date(2027, 10, 2)]
        a, b, c = line.x1, marks[0].x1, marks[1].x1
        assert (b - a) / (c - a) == pytest.approx((days[1] - days[0]) / (days[2] - days[0]))

    def test_a_date_beyond_the_horizon_has_its_words_and_an_open_band(self, measure: Measure) -> None:
        drawn = layout(RangeChart("", self.ROWS), 499, 0, measure)
        assert label(drawn, "not before 2028-11-23").role == "muted"
        assert len(rects(drawn, "band")) == 2
        assert label(drawn, "2027-03-14").role == "text"

    def test_marks_are_named_even_where_they_crowd(self, measure: Measure) -> None:
        marks = tuple((date(2027, 1, day), f"event {day}") for day in (10, 15, 20))
        assert {name for _, name in marks} <= set(
            texts(layout(RangeChart("", self.ROWS, marks), 499, 0, measure))
        )


class TestChanges:
    def test_a_ring_before_and_a_dot_after_on_a_scale_of_a_hundred(self, measure: Measure) -> None:
        drawn = layout(ChangeChart("", (ScoreChange("Models", 50, 75),)), 499, 0, measure)
        dot, ring = (shape for shape in drawn.shapes if isinstance(shape, Circle))
        assert (dot.fill, ring.fill, ring.edge) == ("ink", "surface", "ink")
        zero, hundred = label(drawn, "0").x, label(drawn, "100").x
        assert ring.x == pytest.approx((zero + hundred) / 2)
        assert dot.x == pytest.approx(zero + (hundred - zero) * 0.75)
        assert "50 → 75" in texts(drawn)

    def test_the_edges_of_the_bands_are_named(self, measure: Measure) -> None:
        drawn = layout(ChangeChart("", (ScoreChange("Models", 50, 75),)), 499, 0, measure)
        assert {"0", "40", "60", "80", "100"} <= set(texts(drawn))

    def test_no_change_is_a_dot_alone(self, measure: Measure) -> None:
        drawn = layout(ChangeChart("", (ScoreChange("Data", 64, 64),)), 499, 0, measure)
        assert len([shape for shape in drawn.shapes if isinstance(shape, Circle)]) == 1
