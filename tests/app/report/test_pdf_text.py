"""Lines of the PDF report."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from app.report import fonts
from app.report.model import Span
from app.report.pdf_text import Lines, break_lines, plain_lines
from app.report.pdf_words import BODY, CELL, TITLE, run_of, words_of

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


MIXED = st.text(
    st.sampled_from(
        "ab 12,.()-/\u05d0\u05d1\u0644\u0627\u0628\u064e\u4f60\u597d\u3002\uff08"
        "\u0e40\u0e01\u0e48\u0915\u094d\u0937\u093f\U0001f680\u0301"
    ),
    max_size=120,
)


@settings(max_examples=200, deadline=None)
@given(text=MIXED, width=st.floats(30, 300))
def test_no_line_of_any_script_is_too_wide_and_nothing_is_lost(text: str, width: float) -> None:
    found = plain_lines(text, BODY, width).lines
    said = "".join(run.text for line in found for run in line.runs)
    assert said.replace(" ", "") == text.replace(" ", "")
    for line in found:
        assert line.width <= width + 1e-6
        for run in line.runs:
            assert len(run.levels) in (0, len(run.text))


def test_chinese_fills_its_lines_without_blanks() -> None:
    text = "\u63a8\u8350\u670d\u52a1" * 50
    width = 20.5 * BODY.size
    found = lines_of(text, width)
    assert "".join(found) == text
    assert [len(line) for line in found] == [20] * 10


def test_a_line_of_chinese_does_not_start_with_a_full_stop() -> None:
    text = "\u63a8" * 10 + "\u3002"
    assert lines_of(text, 10.5 * BODY.size) == ["\u63a8" * 9, "\u63a8\u3002"]


def test_text_from_the_right_is_broken_as_it_is_read() -> None:
    words = ["\u05d0\u05d1\u05d2", "\u05d3\u05d4\u05d5", "\u05d6\u05d7\u05d8", "\u05d9\u05db\u05dc"]
    width = fonts.measure(" ".join(words[:2]), 400, BODY.size) + 0.5
    lines = plain_lines(" ".join(words), BODY, width).lines
    assert ["".join(run.text for run in line.runs) for line in lines] == [
        " ".join(words[:2]),
        " ".join(words[2:]),
    ]
    assert {run.base for line in lines for run in line.runs} == {1}


def test_a_line_knows_the_direction_of_what_stood_on_the_lines_before() -> None:
    # A number after Arabic letters is one of theirs (W2), on whichever line it stands.
    arabic = "\u0628\u064a\u062a"
    width = fonts.measure(f"{arabic} {arabic}", 400, BODY.size) + 0.5
    lines = plain_lines(f"{arabic} {arabic} 12", BODY, width).lines
    assert lines[1].runs[0].text == "12"
    assert set(lines[1].runs[0].levels) == {2}
    assert plain_lines("12", BODY, width).lines[0].runs[0].levels == b""


def test_each_paragraph_has_a_direction_of_its_own() -> None:
    lines = plain_lines("abc \u05d0\n\u05d0 abc", BODY, 500).lines
    assert [line.runs[0].base for line in lines] == [0, 1]


def test_a_long_word_that_joins_is_broken_between_its_letters() -> None:
    text = "\u0633\u0644\u0627\u0645" * 200
    lines = plain_lines(text, BODY, 100).lines
    assert "".join(run.text for line in lines for run in line.runs) == text
    assert all(80 < line.width <= 100 for line in lines[:-1])


def test_a_letter_and_its_marks_are_not_broken_apart() -> None:
    text = "e\u0301" * 100
    for line in lines_of(text, 50):
        assert not line.startswith("\u0301")
        assert line.endswith("\u0301")
