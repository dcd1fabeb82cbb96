"""SVG: well-formed whatever the text, named for those who do not see it, colours that a page can switch."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.charts.drawn import Drawn
from app.charts.shapes import Circle, Label, Line, Polygon, Polyline, Rect, Shape
from app.charts.svg import svg
from app.charts.tokens import DARK

NAMESPACE = "{http://www.w3.org/2000/svg}"
SHAPES: tuple[Shape, ...] = (
    Rect(1, 2, 30, 4, "sunk", "edge", 0.75, 2),
    Line(0, 0, 10, 5, "bad", 1.2, (4, 2.5)),
    Polyline(((0, 0), (5, 5.126)), "s1"),
    Polygon(((0, 0), (5, 5), (0, 5)), "band"),
    Circle(5, 5, 4, "ok", start=180, sweep=180),
    Circle(5, 5, 4, edge="edge"),
    Label(10, 20, "p99", 7.5, "s1", 600, "right", backed=True),
)


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)


def test_has_role_title_and_description_first() -> None:
    root = parsed(svg(SHAPES, 100, 50, title="p99 < 200 ms", description="n = 5 & more"))
    assert root.get("role") == "img"
    assert [child.text for child in root[:2]] == ["p99 < 200 ms", "n = 5 & more"]
    assert [child.tag.removeprefix(NAMESPACE) for child in root[:2]] == ["title", "desc"]
    assert root.get("viewBox") == "0 0 100 50"


def test_every_shape_is_one_element() -> None:
    root = parsed(svg(Drawn(SHAPES, 100, 50), title="t"))
    tags = [child.tag.removeprefix(NAMESPACE) for child in root[1:]]
    assert tags == ["rect", "line", "polyline", "polygon", "path", "circle", "text"]


def test_a_colour_is_a_variable_that_falls_back_to_light() -> None:
    assert 'fill="var(--band,#D6E3F9)"' in svg(SHAPES, 100, 50, title="t")


def test_without_variables_the_palette_speaks() -> None:
    text = svg(SHAPES, 100, 50, title="t", palette=DARK, variables=False)
    assert "var(" not in text
    assert 'fill="#223A61"' in text


def test_half_a_disc_is_its_left_half() -> None:
    text = svg((Circle(5, 5, 4, "ok", start=180, sweep=180),), 10, 10, title="t")
    # From the bottom (5, 9), clockwise on the screen (sweep flag 1), to the top (5, 1).
    assert 'd="M5 5L5 9A4 4 0 0 1 5 1Z"' in text


def test_scale_makes_the_picture_larger_and_changes_no_shape() -> None:
    one, larger = (svg(SHAPES, 90, 30, title="t", scale=scale) for scale in (1.0, 4 / 3))
    assert 'width="120" height="40" viewBox="0 0 90 30"' in larger
    assert larger.replace('width="120" height="40"', 'width="90" height="30"') == one


def test_numbers_have_at_most_two_decimals_and_no_negative_zero() -> None:
    text = svg((Line(-0.001, 1 / 3, 2.50, 100, "s1"),), 10, 10, title="t")
    assert 'x1="0" y1="0.33" x2="2.5" y2="100"' in text


def test_shapes_alone_need_a_size() -> None:
    with pytest.raises(ValueError, match="width"):
        svg(SHAPES, title="t")


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_text(label: str, title: str) -> None:
    shape = Label(0, 10, label, 9)
    root = parsed(svg((shape,), 100, 20, title=title, description=label))
    assert len(root) == (3 if label else 2)
    assert not list(root[-1])


def test_markup_in_a_label_is_shown_as_it_is() -> None:
    text = svg((Label(0, 10, "<script>alert('1')</script>\x00", 9),), 100, 20, title='"><img src=x>')
    assert "<script" not in text and "<img" not in text
    assert parsed(text)[-1].text == "<script>alert('1')</script>\ufffd"


def test_equal_shapes_give_equal_text() -> None:
    assert svg(SHAPES, 100, 50, title="t") == svg(tuple(SHAPES), 100.0, 50.0, title="t")
