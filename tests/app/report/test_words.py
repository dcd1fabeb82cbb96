"""Texts that are safe to show."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.report import words
from app.report.model import Badge, BandBadge, Mark, Score, Span, State, plain, text

ANY = st.text(st.characters(codec=None, categories=None), max_size=200)


@given(ANY)
def test_what_is_visible_can_be_written_and_holds_no_control(written: str) -> None:
    shown = words.visible(written)
    shown.encode()
    assert all(sign.isprintable() or sign in "\n\t" or sign.isspace() for sign in shown)
    assert "\u202e" not in shown


def test_what_can_be_seen_stays_as_it_is() -> None:
    for written in ("plain", "p99 ≤ 200 ms", "\u4f60\u597d", "\U0001f600", "a\u00a0b", "a\n\tb"):
        assert words.visible(written) == written


def test_what_cannot_be_seen_is_written_out() -> None:
    assert words.visible("a\x00\u202e\ud800\u200b") == "a\\x00\\u202e\\ud800\\u200b"
    assert words.visible("a\r\nb\rc") == "a\nb\nc"


def test_a_long_text_is_cut_over_all_its_spans_and_says_so() -> None:
    cut = words.shown(text("a" * 3_000, Span("b" * 3_000, "strong")), 4_000)
    assert plain(cut) == "a" * 3_000 + "b" * 1_000 + "… (cut, 6,000 characters)"
    assert [span.role for span in cut] == ["", "strong", "muted"]


def test_line_breaks_beyond_the_hundredth_are_blanks() -> None:
    assert plain(words.shown(text("x\n" * 300))).count("\n") <= words.MOST_BREAKS


def test_a_title_has_one_line() -> None:
    assert words.one_line("a\nb\tc") == "a b c"
    assert words.one_line("w" * 50, 10) == "w" * 10 + "… (cut, 50 characters)"


def test_a_file_keeps_its_lines_up_to_a_limit() -> None:
    assert words.code_lines("a:\n\tb\n") == ["a:", "    b"]
    many = words.code_lines("x\n" * 10_000)
    assert len(many) == words.MOST_CODE_LINES + 1
    assert many[-1] == "… (cut, 10,000 lines)"


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://a b",
        "https://a\n",
        'http://a"',
        "#here",
        "",
        None,
    ],
)
def test_only_a_web_address_is_opened(link: str | None) -> None:
    assert words.address(link) is None


def test_a_web_address_stays() -> None:
    assert words.address("https://example.org/a?b=1&c=%20#d") == "https://example.org/a?b=1&c=%20#d"


def test_every_state_has_a_word_of_its_own() -> None:
    assert set(words.STATES) == set(get_args(State))
    assert len({word for word, _ in words.STATES.values()}) == len(words.STATES)


def test_a_picture_has_words() -> None:
    assert words.cell_words(Badge("contradicted", 1_204)) == "1,204 contradicted"
    assert words.cell_words(BandBadge("limited")) == "limited"
    assert words.cell_words(Mark("diamond")) == "◆"
    assert words.cell_words(Score(48, 53, 73, 14)) == "proven 48, supported 53, claimed 73, contradicted 14"
    assert words.cell_words(Score(refused="58 % answered")) == "58 % answered"
    assert words.points(float("nan")) == "–"


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian, letters kept apart
        "\u0915\u094d\u200d\u0937",  # Devanagari, a half letter asked for
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\u2764\ufe0f\u200d\U0001f525",
        "1\ufe0f\u20e3",
        "e\u0301\u0323",
        "\u845b\U000e0100",
    ],
)
def test_what_says_how_its_neighbours_are_written_stays(text: str) -> None:
    assert words.visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u200db", "a\\u200db"),
        ("pass\u200cword", "pass\\u200cword"),
        ("a\ufe0fb", "a\\ufe0fb"),
        ("\u2764\ufe0f\ufe0e", "\u2764\ufe0f\\ufe0e"),
        ("\u3164x\u115f", "\\u3164x\\u115f"),
        ("a\u200bb\u200ec", "a\\u200bb\\u200ec"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_hides_in_a_text_is_written_out(text: str, shown: str) -> None:
    assert words.visible(text) == shown


def test_marks_that_would_climb_over_other_lines_are_written_out() -> None:
    assert words.visible("e" + "\u0301" * 10) == "e" + "\u0301" * 8 + "\\u0301" * 2
    assert words.visible("e" + "\u0301" * 8 + "a\u0301") == "e" + "\u0301" * 8 + "a\u0301"
