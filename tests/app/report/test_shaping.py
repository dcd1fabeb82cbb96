"""Text that Inter does not show by itself: which typeface has it, and how its glyphs stand."""

from __future__ import annotations

from importlib import resources

import pytest

from app.report import fonts
from app.report.shaping import Plain, Shaped, clusters, pieces_of, run_pieces, width_of
from app.report.typefaces import NOTHING, behind_inter, typeface

SAMPLES = {
    "NotoSansHebrew": "הזיכרון הוגבל",
    "NotoSansArabic": "تم ضبط حد الذاكرة",
    "NotoSansDevanagari": "क्षमता परीक्षण",
    "NotoSansBengali": "ক্ষমতা পরীক্ষা",
    "NotoSansGurmukhi": "ਪੰਜਾਬੀ",
    "NotoSansGujarati": "ગુજરાતી ક્ષમતા",
    "NotoSansOriya": "ଓଡ଼ିଆ",
    "NotoSansTamil": "தமிழ் திறன்",
    "NotoSansTelugu": "తెలుగు సామర్థ్యం",
    "NotoSansKannada": "ಕನ್ನಡ ಸಾಮರ್ಥ್ಯ",
    "NotoSansMalayalam": "മലയാളം ശേഷി",
    "NotoSansSinhala": "සිංහල ධාරිතාව",
    "NotoSansThai": "หน่วยความจำ",
    "NotoSansLao": "ພາສາລາວ",
    "NotoSansMyanmar": "ဗမာစာ",
    "NotoSansKhmer": "ភាសាខ្មែរ",
    "NotoSansGeorgian": "ქართული",
    "NotoSansArmenian": "Հայերեն",
    "NotoSansEthiopic": "አማርኛ",
    "DroidSansFallback": "推荐服务メモリひらがな메모리，。「」",
    "NotoEmoji": "🚀🙂👍",
}


def shaped(text: str) -> list[Shaped]:
    return [piece for piece in pieces_of(text, 400) if isinstance(piece, Shaped)]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_script_has_a_typeface_with_its_glyphs(name: str) -> None:
    text = SAMPLES[name]
    assert fonts.shown(text) == text
    pieces = shaped(text)
    assert {piece.face for piece in pieces} - {"Inter-Regular"} == {name}
    assert all(glyph.number > 0 for piece in pieces for glyph in piece.glyphs)
    assert width_of(text, 400) > 0.2 * len(text.split())


def test_every_bundled_file_is_used_and_has_its_licence() -> None:
    folder = resources.files("resources.fonts").joinpath("scripts")
    files = {entry.name for entry in folder.iterdir()}
    assert {f"{name}.ttf" for name in SAMPLES} == {name for name in files if name.endswith(".ttf")}
    assert "SIL OPEN FONT LICENSE Version 1.1" in folder.joinpath("OFL.txt").read_text()
    assert "Apache License" in folder.joinpath("Apache-2.0.txt").read_text()
    assert sum(len(folder.joinpath(name).read_bytes()) for name in files) < 6_000_000


def test_plain_text_is_one_piece_that_reportlab_writes() -> None:
    for text in ("p99 ≤ 200 ms", "Żółw → Ωж", "198\u00a0req/s"):
        assert pieces_of(text, 500) == (Plain(text, fonts.plain_width(text, 500)),)
    assert pieces_of("", 400) == ()


def test_hebrew_is_drawn_from_the_right_with_its_numbers_from_the_left() -> None:
    text = "שלום 12"
    pieces = pieces_of(text, 400)
    assert pieces[0] == Plain("12", fonts.plain_width("12", 400))
    said = "".join(glyph.text for piece in pieces[1:] for glyph in piece.glyphs)  # type: ignore[union-attr]
    assert said == " םולש"


def test_brackets_in_text_from_the_right_are_mirrored() -> None:
    (piece,) = run_pieces("(", 400, 1)
    assert isinstance(piece, Shaped)
    inter = typeface("Inter-Regular")
    assert piece.glyphs[0].number == inter.shaped(")", from_the_right=False)[0].number


def test_arabic_letters_join() -> None:
    alone = {glyph.number for letter in "بيت" for piece in shaped(letter) for glyph in piece.glyphs}
    (word,) = shaped("بيت")
    assert alone.isdisjoint(glyph.number for glyph in word.glyphs)
    assert [glyph.text for glyph in word.glyphs] == ["ت", "ي", "ب"]


def test_a_ligature_from_the_right_is_read_letter_by_letter() -> None:
    (piece,) = shaped("لا")
    assert "".join(glyph.text for glyph in reversed(piece.glyphs)) == "لا"
    assert all(len(glyph.text) == 1 for glyph in piece.glyphs)


def test_a_vowel_that_is_written_first_is_drawn_first() -> None:
    (piece,) = shaped("कि")
    alone = typeface("NotoSansDevanagari").shaped("क", from_the_right=False)[0].number
    assert [glyph.number for glyph in piece.glyphs].index(alone) == 1
    assert piece.said == "कि" or "".join(glyph.text for glyph in piece.glyphs) == "कि"


def test_a_mark_takes_no_room_and_stays_on_its_letter() -> None:
    assert width_of("e\u0301", 400) == pytest.approx(width_of("e", 400))
    assert list(clusters("e\u0301a")) == [(0, 2), (2, 3)]
    assert width_of("ק\u05bc\u05b8", 400) == pytest.approx(width_of("ק", 400), rel=0.05)


@pytest.mark.parametrize("text", ["👨‍👩‍👧", "🇩🇪", "❤\ufe0f", "☀\ufe0e", "1\ufe0f\u20e3", "👍🏽"])
def test_a_sequence_of_emoji_is_one_cluster_without_boxes(text: str) -> None:
    assert list(clusters(text)) == [(0, len(text))]
    assert fonts.shown(text) == text
    pieces = shaped(text)
    assert pieces
    assert all(glyph.number > 0 for piece in pieces for glyph in piece.glyphs)
    assert 0.3 < width_of(text, 400) < 3


def test_a_sequence_that_no_typeface_draws_as_one_shows_its_parts() -> None:
    apart = {piece.glyphs[0].number for letter in "👩🐸" for piece in shaped(letter)}
    (piece,) = shaped("👩\u200d🐸")
    assert apart <= {glyph.number for glyph in piece.glyphs}
    assert width_of("👩\u200d🐸", 400) == pytest.approx(width_of("👩🐸", 400))


def test_a_sign_is_a_picture_only_where_it_says_so() -> None:
    assert isinstance(pieces_of("☀", 400)[0], Plain)
    assert shaped("☀\ufe0f")[0].face == "NotoEmoji"


@pytest.mark.parametrize("text", ["ক্ষমতা", "หน่วยความจำ", "ខ្មែរ"])
def test_what_is_drawn_out_of_order_says_its_text(text: str) -> None:
    pieces = shaped(text)
    assert "".join(piece.said for piece in pieces) == text


def test_heavier_text_is_heavier_in_a_typeface_of_one_weight() -> None:
    for weight, heavy in ((400, False), (500, True), (600, True)):
        assert {piece.heavy for piece in pieces_of("中文", weight) if isinstance(piece, Shaped)} == {heavy}


def test_the_environment_decides_on_no_glyph() -> None:
    first = typeface("NotoSansArabic").shaped("لله", from_the_right=True)
    assert first == typeface("NotoSansArabic").shaped("لله", from_the_right=True)
    assert all(glyph.text != NOTHING for glyph in first)


def test_what_no_typeface_has_is_known() -> None:
    for character in "\u16a0\U00012000\ue000\ufffe\U000e0041":
        assert behind_inter(character) is None
        assert not fonts.has_glyph(character)
