"""The order of writing, against Unicode's own reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.report.bidi import levels_of, order_of, runs_from_the_right, visual_runs

REFERENCE = Path(__file__).parent / "unicode" / "BidiCharacterTest-sample.txt"
"""Lines of Unicode's BidiCharacterTest.txt; the whole of it held when the algorithm was written."""


def visual(text: str) -> str:
    """The characters of a line from left to right."""
    levels = levels_of(text)
    return "".join(text[at] for at in order_of(visual_runs(text, levels.each, levels.base)))


def test_levels_and_order_are_those_of_unicodes_reference() -> None:
    checked = 0
    for line in REFERENCE.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        codes, direction, base, wanted_levels, wanted_order = line.split(";")
        text = "".join(chr(int(code, 16)) for code in codes.split())
        levels = levels_of(text, {"0": 0, "1": 1, "2": None}[direction])
        runs = visual_runs(text, levels.each, levels.base)
        found = {at: run.level for run in runs for at in range(run.start, run.end)}
        wanted = {at: int(level) for at, level in enumerate(wanted_levels.split()) if level != "x"}
        assert levels.base == int(base), line
        assert {at: found[at] for at in wanted} == wanted, line
        assert [at for at in order_of(runs) if at in wanted] == [int(at) for at in wanted_order.split()], line
        checked += 1
    assert checked > 300


def test_numbers_and_latin_words_run_from_the_left_within_hebrew() -> None:
    # UAX #9 writes Hebrew in capitals; here alef to dalet stand for A to D.
    assert visual("\u05d0\u05d1 12 \u05d2\u05d3") == "\u05d3\u05d2 12 \u05d1\u05d0"
    assert visual("\u05d0 abc def \u05d1") == "\u05d1 abc def \u05d0"
    assert visual("\u05d0 (abc) \u05d1") == "\u05d1 )abc( \u05d0"
    assert visual("abc \u05d0\u05d1 12 def") == "abc 12 \u05d1\u05d0 def"


def test_the_first_strong_character_decides_on_the_paragraph() -> None:
    assert levels_of("12. \u05d0 abc").base == 1
    assert levels_of("12. abc \u05d0").base == 0
    assert levels_of("12 (34)").base == 0


def test_blanks_at_the_end_of_a_line_stand_where_the_paragraph_ends() -> None:
    text = "\u05d0\u05d1 abc "
    levels = levels_of(text)
    # As a line of its own the first word ends with its blank, which stands at the left.
    first = visual_runs(text[:3], levels.each[:3], levels.base)
    assert [text[at] for at in order_of(first)] == [" ", "\u05d1", "\u05d0"]
    assert visual("abc \u05d0 ")[-1] == " "


@pytest.mark.parametrize("text", ["", "abc 123", "żółw", "\u4f60\u597d", "\u0928\u092e", "🚀"])
def test_text_from_the_left_is_known_as_such(text: str) -> None:
    assert not runs_from_the_right(text)
    assert set(levels_of(text).each) <= {0}


@pytest.mark.parametrize("text", ["\u05d0", "abc \u0627", "\u0661", "\u07ca", "\U0001e900", "\ufe8d"])
def test_text_from_the_right_is_known_as_such(text: str) -> None:
    assert runs_from_the_right(text)
