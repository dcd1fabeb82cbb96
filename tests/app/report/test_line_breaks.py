"""Where lines break without blanks."""

from __future__ import annotations

import pytest

from app.report.line_breaks import only_at_blanks, units


def parts(text: str) -> list[str]:
    return [text[start:end] for start, end in units(text)]


def test_a_line_may_break_between_ideographs_and_kana() -> None:
    assert parts("推荐服务") == ["推", "荐", "服", "务"]
    assert parts("メモリ") == ["メ", "モ", "リ"]


def test_no_line_starts_with_what_closes_or_ends_with_what_opens() -> None:
    assert parts("结果：第（一）。") == ["结", "果：", "第", "（一）。"]
    assert parts("「余裕」") == ["「余", "裕」"]
    assert parts("シャッター") == ["シャッ", "ター"]


def test_latin_words_and_numbers_stay_whole_within_chinese() -> None:
    assert parts("为1830MiB的") == ["为", "1830MiB", "的"]


def test_emoji_of_several_parts_are_not_broken() -> None:
    assert parts("🚀👨‍👩‍👧🇩🇪") == ["🚀", "👨‍👩‍👧", "🇩🇪"]


def test_thai_breaks_before_a_vowel_that_starts_a_syllable() -> None:
    assert parts("ไม่เคยทำงานเลย") == ["ไม่", "เคยทำงาน", "เลย"]


@pytest.mark.parametrize("text", ["word", "deploy/prod.yaml", "żółw", "שלום", "메모리", "हिन्दी", "→≤"])
def test_other_text_breaks_at_its_blanks_alone(text: str) -> None:
    assert only_at_blanks(text)
    assert parts(text) == [text]
