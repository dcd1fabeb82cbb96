"""The contrast of both palettes, by WCAG 2.2: text 4.5, marks 3, on the surface they stand on."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from app.charts.tokens import DARK, LIGHT

PALETTES = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])


def luminance(code: str) -> float:
    """Relative luminance of `#RRGGBB` (WCAG 2.2)."""
    parts = [int(code[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_black_on_white_is_twenty_one() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    # A published figure: #767676 is the lightest grey that passes on white.
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.005)


def test_both_palettes_have_the_same_roles() -> None:
    assert LIGHT.keys() == DARK.keys()


@PALETTES
def test_the_main_series_is_the_accent(palette: Mapping[str, str]) -> None:
    assert palette["s1"] == palette["accent"]


@PALETTES
@pytest.mark.parametrize("role", ["text", "muted", "accent", "ok", "warn", "bad", "s2", "s3", "ink"])
def test_text_reaches_four_and_a_half_on_the_surface(palette: Mapping[str, str], role: str) -> None:
    assert contrast(palette[role], palette["surface"]) >= 4.5


@PALETTES
@pytest.mark.parametrize("role", ["edge", "inkmid"])
def test_marks_reach_three_on_the_surface(palette: Mapping[str, str], role: str) -> None:
    assert contrast(palette[role], palette["surface"]) >= 3


@PALETTES
@pytest.mark.parametrize(
    ("role", "on"),
    [
        ("onaccent", "accent"),
        ("s1", "band"),
        ("text", "band"),
        ("muted", "band"),
        ("ok", "okbg"),
        ("warn", "warnbg"),
        ("bad", "badbg"),
        ("muted", "accbg"),
        ("text", "sunk"),
        ("muted", "bg"),
    ],
)
def test_text_reaches_four_and_a_half_on_other_grounds(
    palette: Mapping[str, str], role: str, on: str
) -> None:
    assert contrast(palette[role], palette[on]) >= 4.5


@pytest.mark.parametrize(
    ("palette", "role", "stated"),
    [
        (LIGHT, "text", 17.3),
        (LIGHT, "muted", 6.4),
        (LIGHT, "edge", 3.3),
        (LIGHT, "accent", 5.9),
        (LIGHT, "ink", 9.6),
        (LIGHT, "inkmid", 3.2),
        (LIGHT, "ok", 6.3),
        (LIGHT, "warn", 6.7),
        (LIGHT, "bad", 6.5),
        (LIGHT, "s2", 7.0),
        (LIGHT, "s3", 4.6),
        (DARK, "text", 13.7),
        (DARK, "muted", 7.3),
        (DARK, "edge", 4.5),
        (DARK, "accent", 7.7),
        (DARK, "ink", 9.3),
        (DARK, "inkmid", 3.4),
        (DARK, "ok", 8.4),
        (DARK, "warn", 9.1),
        (DARK, "bad", 7.5),
        (DARK, "s2", 7.7),
        (DARK, "s3", 6.5),
    ],
)
def test_the_design_states_these_contrasts_on_the_surface(
    palette: Mapping[str, str], role: str, stated: float
) -> None:
    assert contrast(palette[role], palette["surface"]) == pytest.approx(stated, abs=0.1)
