"""Lines of the PDF report."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from app.report import fonts
from app.report.model import Span
from app.report.pdf_text import BODY, CELL, TITLE, Lines, break_lines, plain_lines, run_of, words_of

ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=300)


def lines_of(text: str, width: float) -> list[str]:
    """The text of each line."""
    lines = plain_lines(text, BODY, width).lines
    return ["".join(run.text for run in line.runs) for line in lines]


def test_a_line_is_filled_as_far_as_it_goes() -> None:
    text = "one two three four five six seven eight nine ten"
    width = fonts.measure("one two three four", 400, BODY.size)
    assert lines_of(text, width + 0.01)[0] == "one two three four"
    assert lines_of(text, width - 0.01)[0] == "one two three"


def test_a_break_in_the_text_ends_the_line_and_an_empty_line_stays() -> None:
    assert lines_of("one\n\ntwo", 500) == ["one", "", "two"]


def test_a_word_wider_than_the_line_is_broken_after_a_sign_where_it_has_one() -> None:
    text = "deployments/production/recommender.yaml"
    width = fonts.measure("deployments/production/reco", 400, BODY.size)
    assert lines_of(text, width) == ["deployments/production/", "recommender.yaml"]


def test_a_long_word_without_signs_is_broken_between_characters_and_nothing_is_lost() -> None:
    found = lines_of("W" * 1_000, 100)
    assert "".join(found) == "W" * 1_000
    assert max(fonts.measure(line, 400, BODY.size) for line in found) <= 100


def test_a_no_break_space_does_not_break() -> None:
    width = fonts.measure("holds 198", 400, BODY.size) + 1
    assert lines_of("holds 198\u00a0req/s", width) == ["holds", "198\u00a0req/s"]


@settings(max_examples=300, deadline=None)
@given(text=ASCII, width=st.floats(1, 500))
def test_no_line_is_too_wide_and_no_word_is_lost(text: str, width: float) -> None:
    found = plain_lines(text, BODY, width).lines
    assert "".join(run.text for line in found for run in line.runs).replace(" ", "") == text.replace(" ", "")
    for line in found:
        characters = "".join(run.text for run in line.runs)
        assert line.width <= width + 1e-6 or len(characters.strip()) == 1
        assert abs(line.width - sum(run.width for run in line.runs)) < 1e-6


def test_spans_without_a_blank_between_them_stay_together() -> None:
    parts = [run_of(Span("198", "strong"), CELL), run_of(Span("req/s and more"), CELL)]
    room = fonts.measure("198", 500, CELL.size) + fonts.measure("req/s", 400, CELL.size) + 0.01
    first = break_lines(words_of(parts), room)[0]
    assert "".join(run.text for run in first.runs) == "198req/s"
    assert {run.weight for run in first.runs} == {400, 500}


def test_a_split_never_leaves_one_line_alone() -> None:
    lines = plain_lines("word " * 200, BODY, 200)
    count = len(lines.lines)
    assert count > 6
    for room in range(0, int(lines.height) + 20, 5):
        first, rest = lines.split(room, 1_000)
        if first is None:
            assert room < 2 * BODY.leading
            continue
        assert isinstance(first, Lines)
        assert isinstance(rest, Lines)
        assert len(first.lines) >= 2
        assert len(rest.lines) >= 2
        assert first.height <= room
        assert len(first.lines) + len(rest.lines) == count


def test_text_to_the_right_ends_at_the_edge() -> None:
    lines = plain_lines("198", TITLE, 100, "right")
    assert lines.height == TITLE.leading
    assert lines.width == 100
