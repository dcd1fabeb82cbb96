"""Charts over two axes follow the chart rules: where values fall, gaps, limits, names of lines, pens."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest

from app.charts.drawn import GAP, Drawn
from app.charts.layout import layout
from app.charts.shapes import Circle, Label, Line, Measure, Polygon, Polyline, Rect
from app.charts.spec import Axis, Finding, Limit, Note, Series, XYChart
from app.charts.text import AXIS, CAPITAL, box_of, shortened

RATES = (25.0, 50.0, 75.0, 100.0, 125.0, 150.0, 175.0, 198.0, 207.0)
P99 = (36.0, 38.0, 41.0, 47.0, 58.0, 76.0, 108.0, 198.0, 520.0)
P50 = (14.0, 14.0, 14.5, 15.0, 17.0, 22.0, 34.0, 71.0, 240.0)
RESPONSE = XYChart(
    "p99 leaves the objective at 198 req/s (192–203)",
    Axis("offered, req/s", low=0, high=225),
    Axis("Response time, ms", "log", low=10, high=1000),
    (
        Series(
            "p99",
            RATES,
            P99,
            measured=True,
            low=tuple(y * 0.9 for y in P99),
            high=tuple(y * 1.1 for y in P99),
        ),
        Series("p50", RATES, P50, style="s3"),
    ),
    (Limit(200, "objective p99 ≤ 200 ms"),),
    (Finding(198, "198 req/s", 192, 203, "192–203"),),
)


def of_kind(drawn: Drawn, kind: type, **wanted: object) -> list:  # type: ignore[type-arg]
    return [
        shape
        for shape in drawn.shapes
        if isinstance(shape, kind) and all(getattr(shape, name) == value for name, value in wanted.items())
    ]


def label(drawn: Drawn, text: str) -> Label:
    (found,) = of_kind(drawn, Label, text=text)
    assert isinstance(found, Label)
    return found


@pytest.fixture
def response(measure: Measure) -> Drawn:
    return layout(RESPONSE, 499, 155, measure)


class TestPlaces:
    def test_equal_steps_on_a_log_axis_are_equal_factors(self, response: Drawn) -> None:
        tens = [of_kind(response, Label, text=text, align="right")[0].y for text in ("10", "100", "1,000")]
        assert tens[0] - tens[1] == pytest.approx(tens[1] - tens[2])

    def test_points_fall_where_the_ticks_say(self, response: Drawn) -> None:
        dots = of_kind(response, Circle, fill="s1")
        assert len(dots) == len(RATES)
        x_tick = [name.x for name in of_kind(response, Label, text="150")]
        (dot,) = [dot for dot in dots if dot.x == pytest.approx(x_tick[0])]
        low, high = label(response, "10").y, label(response, "1,000").y
        # 76 ms lie log10(7.6) = 0.8808 of the 2 decades above 10.
        assert dot.y + CAPITAL * AXIS / 2 == pytest.approx(low + (high - low) * 0.88081 / 2, abs=0.01)

    def test_the_limit_is_dashed_at_its_value_and_named_on_it(self, response: Drawn) -> None:
        (line,) = of_kind(response, Line, role="bad")
        assert line.dash
        name = label(response, "objective p99 ≤ 200 ms")
        assert name.role == "bad"
        assert 0 < line.y1 - name.y < 6
        # log10(200) lies 1.301 of the 2 decades above 10.
        low, high = label(response, "10").y, label(response, "1,000").y
        assert line.y1 + CAPITAL * AXIS / 2 == pytest.approx(low + (high - low) * 1.30103 / 2, abs=0.01)

    def test_a_finding_is_a_line_in_its_band_with_a_strong_and_a_muted_label(self, response: Drawn) -> None:
        (band,) = of_kind(response, Rect, fill="band")
        upright = [
            line for line in of_kind(response, Line, role="s1") if line.x1 == line.x2 and line.pen == 1.2
        ]
        (line,) = upright
        assert band.x < line.x1 < band.x + band.width
        strong, weak = label(response, "198 req/s"), label(response, "192–203")
        assert (strong.weight, strong.role, weak.role) == (600, "s1", "muted")
        assert strong.y < weak.y
        assert strong.x < band.x or strong.x > band.x + band.width

    @pytest.mark.parametrize("limit", [60.0 + step for step in range(0, 50, 2)])
    def test_no_words_of_a_finding_touch_the_line_of_a_limit(self, measure: Measure, limit: float) -> None:
        """Wherever the limit runs near the top, it stays 2 points clear of both lines of words."""
        chart = XYChart(
            "",
            Axis("offered, req/s", low=0, high=200),
            Axis("ms", low=0, high=110),
            (Series("p99", (142.0, 172.0), (78.0, 101.0), measured=True),),
            (Limit(limit, "objective"),),
            (Finding(171, "171 req/s", 133, 199, "133–199 provisional"),),
        )
        drawn = layout(chart, 499, 155, measure)
        (line,) = of_kind(drawn, Line, role="bad")
        for text in ("171 req/s", "133–199 provisional"):
            box = box_of(label(drawn, text), measure)
            assert box.bottom <= line.y1 - 2 or box.top >= line.y1 + 2

    def test_the_unit_stands_top_left_and_the_x_label_right_on_the_line_of_ticks(
        self, measure: Measure
    ) -> None:
        drawn = layout(RESPONSE, 499, 155, measure)
        unit = label(drawn, "Response time, ms (log scale)")
        assert unit.x == 0 and unit.align == "left" and unit.y < 10
        name = label(drawn, "offered, req/s")
        assert (name.x, name.align) == (499, "right")
        assert name.y == pytest.approx(label(drawn, "0").y, abs=0.5)


class TestSeries:
    def test_pens_tell_the_series_apart(self, measure: Measure) -> None:
        series = tuple(
            Series(style, (0.0, 1.0), (float(at), float(at)), style)  # type: ignore[arg-type]
            for at, style in enumerate(("s1", "s2", "s3"), 1)
        )
        drawn = layout(XYChart("", Axis("s"), Axis("ms"), series), 240, 110, measure)
        pens = {line.role: (line.pen, bool(line.dash)) for line in of_kind(drawn, Polyline)}
        assert pens == {"s1": (1.2, False), "s2": (1.0, True), "s3": (0.75, False)}

    def test_a_gap_is_no_line(self, measure: Measure) -> None:
        series = Series("rss", (0.0, 1.0, 2.0, 3.0, 4.0), (1.0, 2.0, None, 2.0, 1.0))
        drawn = layout(XYChart("", Axis("s"), Axis("MiB"), (series,)), 240, 110, measure)
        assert [len(line.points) for line in of_kind(drawn, Polyline)] == [2, 2]

    def test_what_a_log_axis_cannot_show_is_a_gap(self, measure: Measure) -> None:
        series = Series("p99", (0.0, 1.0, 2.0, 3.0, 4.0), (1.0, 2.0, 0.0, 2.0, 1.0))
        drawn = layout(XYChart("", Axis("s"), Axis("ms", "log"), (series,)), 240, 110, measure)
        assert [len(line.points) for line in of_kind(drawn, Polyline)] == [2, 2]

    def test_only_measured_points_are_dots(self, measure: Measure) -> None:
        for measured in (True, False):
            series = Series("p99", (0.0, 1.0), (1.0, 2.0), measured=measured)
            drawn = layout(XYChart("", Axis("s"), Axis("ms"), (series,)), 240, 110, measure)
            assert len(of_kind(drawn, Circle)) == (2 if measured else 0)

    def test_intervals_are_whiskers_on_measured_points_and_a_band_on_a_fit(self, measure: Measure) -> None:
        x, y, low, high = (1.0, 2.0), (10.0, 20.0), (8.0, 18.0), (12.0, 23.0)
        for measured in (True, False):
            series = Series("", x, y, measured=measured, low=low, high=high)
            drawn = layout(XYChart("", Axis("s"), Axis("ms"), (series,)), 240, 110, measure)
            assert len(of_kind(drawn, Polygon, fill="band")) == (0 if measured else 1)
            # A whisker is a stem and two caps.
            assert len(of_kind(drawn, Line, role="s1")) == (6 if measured else 0)

    def test_a_fan_that_opens_is_cut_off_at_the_edge_of_the_plot(self, measure: Measure) -> None:
        series = Series("demand", (0.0, 1.0), (100.0, 110.0), low=(99.0, 50.0), high=(101.0, 1e6))
        drawn = layout(XYChart("", Axis("s"), Axis("req/s"), (series,)), 240, 110, measure)
        (area,) = of_kind(drawn, Polygon, fill="band")
        (line,) = of_kind(drawn, Polyline)
        assert min(y for _, y in area.points) >= 0
        # The line itself still has most of the height below it.
        assert 110 - line.points[-1][1] > 40

    def test_a_preview_is_dashed(self, measure: Measure) -> None:
        series = Series("so far", (0.0, 1.0), (1.0, 2.0), dashed=True)
        (line,) = of_kind(layout(XYChart("", Axis("s"), Axis("ms"), (series,)), 240, 110, measure), Polyline)
        assert line.dash


class TestNames:
    def test_names_at_line_ends_keep_their_distance_the_lower_moved_down(self, measure: Measure) -> None:
        series = tuple(
            Series(name, (0.0, 100.0), (start, end), style)  # type: ignore[arg-type]
            for name, start, end, style in (
                ("GIL 97 %", 10.0, 97.0, "s1"),
                ("memory 95 %", 80.0, 95.0, "s2"),
                ("CPU 33 %", 5.0, 33.0, "s3"),
            )
        )
        drawn = layout(XYChart("", Axis("req/s"), Axis("use, %", low=0, high=100), series), 240, 110, measure)
        names = [label(drawn, one.label) for one in series]
        assert len({name.x for name in names}) == 1
        for upper, lower in pairwise(names):
            assert lower.y - CAPITAL * lower.size - upper.y >= GAP - 0.01
        ends = [max(line.points) for line in of_kind(drawn, Polyline)]
        assert all(name.x > x for name in names for x, _ in ends)

    def test_a_short_name_stands_beside_its_line_and_on_no_other(self, measure: Measure) -> None:
        drawn = layout(RESPONSE, 499, 155, measure)
        lines = of_kind(drawn, Polyline)
        for text in ("p99", "p50"):
            box = box_of(label(drawn, text), measure)
            for line in lines:
                for (x0, y0), (x1, y1) in pairwise(line.points):
                    steps = [place / 50 for place in range(51)]
                    on_line = ((x0 + (x1 - x0) * at, y0 + (y1 - y0) * at) for at in steps)
                    assert not any(box.left < x < box.right and box.top < y < box.bottom for x, y in on_line)

    def test_every_series_is_named_in_the_usual_sizes(self, measure: Measure) -> None:
        for width in (240, 330, 499, 760):
            texts = [shape.text for shape in of_kind(layout(RESPONSE, width, 130, measure), Label)]
            assert {"p99", "p50", "objective p99 ≤ 200 ms", "198 req/s", "192–203"} <= set(texts)

    def test_a_limit_far_above_flattens_nothing_and_is_named_at_the_edge(self, measure: Measure) -> None:
        series = Series("p99", (0.0, 1.0), (4.0, 7.0))
        spec = XYChart("", Axis("s"), Axis("ms"), (series,), (Limit(500, "objective 500 ms"),))
        drawn = layout(spec, 240, 110, measure)
        assert label(drawn, "↑ objective 500 ms").role == "bad"
        assert not of_kind(drawn, Line, role="bad")

    def test_lines_of_a_note_stay_together(self, measure: Measure) -> None:
        series = Series("", (1.0, 30.0), (50.0, 200.0))
        note = Note(15, 60, "contention σ 0.24\nno peak found")
        drawn = layout(
            XYChart("", Axis("at once"), Axis("req/s"), (series,), notes=(note,)), 240, 110, measure
        )
        first, second = label(drawn, "contention σ 0.24"), label(drawn, "no peak found")
        assert (first.x, first.align) == (second.x, second.align)
        assert second.y - first.y == pytest.approx(10.5)

    def test_dates_are_named_on_the_axis(self, measure: Measure) -> None:
        x = tuple(float(date(2027, month, 1).toordinal()) for month in range(1, 13))
        series = Series("demand", x, tuple(float(at) for at in range(12)))
        texts = [
            shape.text
            for shape in of_kind(
                layout(XYChart("", Axis("", "date"), Axis("req/s"), (series,)), 499, 110, measure), Label
            )
        ]
        assert "Jan 2027" in texts and "Jul" in texts


class TestShortened:
    def test_what_fits_stays_and_what_does_not_ends_in_an_ellipsis(self, measure: Measure) -> None:
        assert shortened("p99", 100, measure) == "p99"
        text = shortened("Three replicas at 70 % use", 60, measure)
        assert text.endswith("…") and measure(text, 400, AXIS) <= 60
        one_more = "Three replicas at 70 % use"[: len(text)] + "…"
        assert measure(one_more, 400, AXIS) > 60

    def test_no_room_is_no_text(self, measure: Measure) -> None:
        assert shortened("p99", 0, measure) == ""
        assert shortened("p99", 3, measure) == ""

    def test_a_word_of_a_hundred_thousand_letters_is_cut(self, measure: Measure) -> None:
        assert len(shortened("x" * 100_000, 60, measure)) < 30
