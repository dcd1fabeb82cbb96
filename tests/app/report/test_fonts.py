"""The typeface of the PDF report."""

from __future__ import annotations

import io
from importlib import resources

import pytest

from app.report import fonts


@pytest.mark.parametrize("weight", [400, 500, 600])
def test_all_digits_are_of_one_width(weight: fonts.Weight) -> None:
    widths = {fonts.measure(digit, weight, 100) for digit in "0123456789"}
    assert len(widths) == 1
    assert fonts.measure("1111", weight, 10) == pytest.approx(fonts.measure("0000", weight, 10))


def test_a_width_is_what_reportlab_will_write() -> None:
    from reportlab.pdfbase.pdfmetrics import stringWidth

    text = "198\u00a0(192–203) req/s, p99 ≤ 200 ms → σ κ Ж ł"
    for weight in fonts.WEIGHTS:
        assert fonts.measure(text, weight, 9.0) == pytest.approx(stringWidth(text, fonts.name(weight), 9.0))


def test_a_width_grows_with_the_size() -> None:
    assert fonts.measure("word", 400, 20) == pytest.approx(2 * fonts.measure("word", 400, 10))
    assert fonts.measure("", 400, 20) == 0


def test_heavier_weights_are_fonts_of_their_own() -> None:
    assert len({fonts.name(weight) for weight in fonts.WEIGHTS}) == 3
    assert fonts.measure("word", 400, 10) < fonts.measure("word", 500, 10) < fonts.measure("word", 600, 10)


def test_the_signs_that_reports_use_have_glyphs() -> None:
    for sign in "–—…·×±−≤≥→←↑↓²σκλμ°%€●■▲◆•“”‘’":
        assert fonts.has_glyph(sign), f"U+{ord(sign):04X}"


def test_what_has_no_glyph_is_written_out_and_all_else_stays() -> None:
    assert fonts.shown("p99 ≤ 200 ms → Ωж\n\t") == "p99 ≤ 200 ms → Ωж\n\t"
    assert fonts.shown("\u4f60a\U0001f600 \u05d0 \u3000") == "\u4f60a\U0001f600 \u05d0 \u3000"
    assert fonts.shown("\u16a0a\U00012000") == "\\u16a0a\\U00012000"
    assert fonts.shown("\ud800\x00") == "\\ud800\\x00"


def test_a_mark_does_not_sit_on_what_its_letter_was_written_out_as() -> None:
    assert fonts.shown("e\u0301 \u16a0\u0301") == "e\u0301 \\u16a0\\u0301"


def test_a_width_of_shaped_text_grows_with_the_size() -> None:
    for text in ("\u05d0\u05d1 abc", "\u4f60\u597d", "e\u0301"):
        assert fonts.measure(text, 400, 20) == pytest.approx(2 * fonts.measure(text, 400, 10))
        assert fonts.measure(text, 400, 10) > 0


def test_the_private_codes_of_the_digits_are_no_way_around() -> None:
    assert fonts.shown(chr(fonts.TABULAR_DIGITS)) == "\\ue030"


def test_the_licence_lies_beside_the_fonts() -> None:
    folder = resources.files("resources.fonts")
    assert "SIL OPEN FONT LICENSE Version 1.1" in folder.joinpath("OFL.txt").read_text()


def test_the_window_finds_both_kinds_of_digits_in_the_same_files() -> None:
    from reportlab.pdfbase.ttfonts import TTFontFile

    for file in fonts.WEIGHTS.values():
        data = resources.files("resources.fonts").joinpath(f"{file}.ttf").read_bytes()
        face = TTFontFile(io.BytesIO(data), charInfo=1)
        assert face.name.decode() == file
        plain = {face.charWidths[ord(digit)] for digit in "0123456789"}
        assert len(plain) > 1, "the usual codes lead to proportional digits"
        assert b"tnum" in data
        assert len(data) < 200_000
