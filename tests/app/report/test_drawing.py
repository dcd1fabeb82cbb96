"""Shapes on a reportlab canvas."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from reportlab.pdfgen.canvas import Canvas

from app.charts.shapes import Circle, Label, Line, Polygon, Polyline, Rect, Shape
from app.charts.tokens import LIGHT
from app.report import drawing, fonts


def drawn(*shapes: Shape) -> list[str]:
    """The instructions that draw the shapes with their origin at (100, 500)."""
    canvas = Canvas(BytesIO(), initialFontName=fonts.name(400))
    drawing.draw(canvas, shapes, 100.0, 500.0)
    return [str(entry) for entry in canvas._code]


def code(*shapes: Shape) -> str:
    return " ".join(drawn(*shapes))


def test_a_line_counts_downwards_from_the_origin() -> None:
    assert "n 110 480 m 130 450 l S" in code(Line(10, 20, 30, 50, "ink"))


def test_lines_end_flat() -> None:
    assert " 0 J" in code(Line(0, 0, 1, 0, "ink"))


def test_a_dash_holds_for_its_line_only() -> None:
    said = code(Line(0, 0, 9, 0, "ink", 1.0, (3.0, 2.0)), Line(0, 5, 9, 5, "ink", 1.0))
    assert said.index("[3 2] 0 d") < said.index("[] 0 d") < said.rindex(" l S")


def test_a_rectangle_is_placed_by_its_upper_left_corner() -> None:
    said = code(Rect(10, 20, 30, 40, fill="ink", edge="bad", pen=0.5))
    assert "110 440 30 40 re B" in said.replace("n ", "").replace("B*", "B")
    assert " .5 w " in said


def test_colours_are_those_of_the_light_palette() -> None:
    red, green, blue = (int(LIGHT["bad"][at : at + 2], 16) / 255 for at in (1, 3, 5))
    assert drawing.rgb("bad") == (red, green, blue)
    found = re.search(r"([\d.]+) ([\d.]+) ([\d.]+) rg", code(Rect(0, 0, 1, 1, fill="bad")))
    assert found is not None
    assert [float(part) for part in found.groups()] == pytest.approx([red, green, blue], abs=1e-4)


def test_a_shape_without_colours_paints_nothing() -> None:
    assert re.search(r"re n\b", code(Rect(0, 0, 5, 5)))


def test_round_corners_are_curves_and_never_larger_than_the_rectangle() -> None:
    said = code(Rect(0, 0, 10, 4, fill="ink", radius=50))
    assert said.count(" c") >= 4
    numbers = [float(part) for part in re.findall(r"(?<![\d.])(\d+(?:\.\d+)?)(?= )", said.split("rg", 1)[1])]
    assert max(numbers) <= 500


def test_a_polyline_is_open_and_a_polygon_closed() -> None:
    points = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0))
    assert " h " not in code(Polyline(points, "s1"))
    assert " h " in code(Polygon(points, fill="ink"))


def test_a_line_of_fewer_than_two_points_is_nothing() -> None:
    assert " m " not in code(Polyline((), "s1"), Polyline(((1.0, 1.0),), "s1"), Polygon((), fill="ink"))


def test_a_sector_goes_clockwise_from_the_top() -> None:
    said = code(Circle(0, 0, 10, fill="ok", start=180.0, sweep=180.0))
    xs = [float(found) for found in re.findall(r"([\d.]+) [\d.]+ (?:l|m)\b", said)]
    curves = re.findall(r"([\d.]+) [\d.]+ ([\d.]+) [\d.]+ ([\d.]+) [\d.]+ c", said)
    assert curves
    # From the bottom over the left to the top: nothing lies right of the middle.
    assert max(xs + [float(part) for curve in curves for part in curve]) <= 100.001


def test_a_label_is_aligned_by_its_measured_width() -> None:
    width = fonts.measure("198 req/s", 500, 9)
    for align, left in (("left", 150.0), ("centre", 150 - width / 2), ("right", 150 - width)):
        said = code(Label(50, 10, "198 req/s", 9, weight=500, align=align))  # type: ignore[arg-type]
        found = re.findall(r"1 0 0 1 ([\d.]+) ([\d.]+) Tm", said)[-1]
        assert [float(part) for part in found] == pytest.approx([left, 490], abs=0.01)


def test_a_backed_label_has_a_box_of_the_surface_behind_it() -> None:
    said = code(Label(50, 10, "198", 9, backed=True))
    assert said.index(" re f") < said.index("Tj")
    assert " re f" not in code(Label(50, 10, "198", 9))


def test_a_label_is_text_and_no_instruction() -> None:
    assert r"\(1\) Tj \\" in code(Label(0, 0, "(1) Tj \\", 9))


def test_the_canvas_is_left_as_it_was() -> None:
    said = drawn(Line(0, 0, 9, 0, "bad", 3.0, (3.0,)))
    assert said[0] == "q"
    assert said[-1] == "Q"
