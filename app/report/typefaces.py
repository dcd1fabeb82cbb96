"""The typefaces behind Inter: which one has a character, how wide its glyphs are, how they join.

HarfBuzz reads the files, because joining (Arabic), reordering (Devanagari) and the placing of marks are its
work. It and a file are loaded when a text needs them; text that Inter shows by itself never comes here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any, NamedTuple
from unicodedata import normalize

EMOJI = "NotoEmoji"
NOTHING = "\u200b"
"""What a glyph stands for where others of its cluster have all of its text."""
INTER = ("Inter-Regular", "Inter-Medium", "Inter-SemiBold")
_SCRIPTS: tuple[tuple[str, tuple[tuple[int, int], ...]], ...] = (
    ("NotoSansHebrew", ((0x0590, 0x05FF), (0xFB1D, 0xFB4F))),
    (
        "NotoSansArabic",
        ((0x0600, 0x06FF), (0x0750, 0x077F), (0x0870, 0x08FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC)),
    ),
    ("NotoSansArmenian", ((0x0530, 0x058F), (0xFB13, 0xFB17))),
    ("NotoSansGeorgian", ((0x10A0, 0x10FF), (0x1C90, 0x1CBF), (0x2D00, 0x2D2F))),
    ("NotoSansDevanagari", ((0x0900, 0x097F), (0x1CD0, 0x1CFF), (0xA8E0, 0xA8FF))),
    ("NotoSansBengali", ((0x0980, 0x09FF),)),
    ("NotoSansGurmukhi", ((0x0A00, 0x0A7F),)),
    ("NotoSansGujarati", ((0x0A80, 0x0AFF),)),
    ("NotoSansOriya", ((0x0B00, 0x0B7F),)),
    ("NotoSansTamil", ((0x0B80, 0x0BFF),)),
    ("NotoSansTelugu", ((0x0C00, 0x0C7F),)),
    ("NotoSansKannada", ((0x0C80, 0x0CFF),)),
    ("NotoSansMalayalam", ((0x0D00, 0x0D7F),)),
    ("NotoSansSinhala", ((0x0D80, 0x0DFF),)),
    ("NotoSansThai", ((0x0E00, 0x0E7F),)),
    ("NotoSansLao", ((0x0E80, 0x0EFF),)),
    ("NotoSansMyanmar", ((0x1000, 0x109F), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F))),
    ("NotoSansEthiopic", ((0x1200, 0x139F),)),
    ("NotoSansKhmer", ((0x1780, 0x17FF), (0x19E0, 0x19FF))),
    (
        "DroidSansFallback",
        (
            (0x1100, 0x11FF),
            (0x2E80, 0x9FFF),
            (0xAC00, 0xD7FF),
            (0xF900, 0xFAFF),
            (0xFE30, 0xFE4F),
            (0xFF00, 0xFFEF),
        ),
    ),
    (EMOJI, ((0x2000, 0x2BFF), (0x3000, 0x32FF), (0x1F000, 0x1FAFF))),
)
"""Which file may have which characters; resources/fonts/scripts/README.md says how the files were made."""

_NOT_EMBEDDED = (b"GSUB", b"GPOS", b"GDEF", b"name", b"post", b"OS/2", b"vhea", b"vmtx")
"""Tables that a font inside a PDF has no use for."""
_FEATURES = {"kern": False}
_INTER_FEATURES = {"kern": False, "liga": False, "calt": False, "tnum": True}
"""Inter is set without kerning, its digits of one width, as reportlab writes it."""


class Glyph(NamedTuple):
    """A glyph as it is drawn, lengths in thousandths of the size.

    `moved` and `raised` are how far it stands from where the pen is, `advance` how far the pen goes on,
    `width` what the file says of the glyph alone; `text` are the characters that it stands for.
    """

    number: int
    text: str
    advance: float
    moved: float
    raised: float
    width: float


class Typeface:
    """One file."""

    def __init__(self, name: str) -> None:
        """`name` is that of the file without `.ttf`. Raises `OSError` where it cannot be read."""
        import uharfbuzz

        self.name = name
        place = resources.files("resources.fonts")
        place = place if name in INTER else place.joinpath("scripts")
        self.face: Any = uharfbuzz.Face(uharfbuzz.Blob(place.joinpath(f"{name}.ttf").read_bytes()))
        self.scale = 1000.0 / self.face.upem
        self._font: Any = uharfbuzz.Font(self.face)
        self._features = _INTER_FEATURES if name in INTER else _FEATURES

    def has(self, character: str) -> bool:
        """Whether there is a glyph of the character's own."""
        return bool(self._font.get_nominal_glyph(ord(character)))

    def shaped(self, text: str, *, from_the_right: bool) -> tuple[Glyph, ...]:
        """The glyphs of a text of one direction, from left to right."""
        import uharfbuzz

        buffer = uharfbuzz.Buffer()
        buffer.add_codepoints([ord(character) for character in text])
        buffer.guess_segment_properties()
        buffer.direction = "rtl" if from_the_right else "ltr"
        # The environment would decide on it otherwise.
        buffer.language = "und"
        uharfbuzz.shape(self._font, buffer, self._features)
        infos, places = buffer.glyph_infos, buffer.glyph_positions
        texts = _texts(text, [info.cluster for info in infos], from_the_right)
        scale, width_of = self.scale, self._font.get_glyph_h_advance
        found: list[Glyph] = []
        for info, place, said in zip(infos, places, texts, strict=True):
            glyph = Glyph(
                info.codepoint,
                said,
                place.x_advance * scale,
                place.x_offset * scale,
                place.y_offset * scale,
                width_of(info.codepoint) * scale,
            )
            found += self._spelled(glyph) if from_the_right and len(said) > 1 else (glyph,)
        return tuple(found)

    def _spelled(self, glyph: Glyph) -> Iterator[Glyph]:
        """A ligature that is read from the right, its letters one by one.

        Readers of a PDF turn glyphs around, and most turn around what one glyph stands for as well. So the
        ligature stands for its last letter, and blanks that are drawn over it for the others, each as wide as
        its share.
        """
        blank = self._font.get_nominal_glyph(ord(" ")) or 0
        each = glyph.advance / len(glyph.text)
        yield glyph._replace(text=glyph.text[-1], advance=each, width=each)
        for letter in glyph.text[-2::-1]:
            yield Glyph(blank, letter, each, 0.0, 0.0, each)

    def metrics(self) -> tuple[int, int, tuple[int, int, int, int]]:
        """Ascent, descent and the box around all glyphs, in thousandths of the size."""
        extents = self._font.get_font_extents("ltr")
        box = struct.unpack_from(">4h", bytes(self.face.reference_table("head").data), 36)
        left, low, right, high = (round(value * self.scale) for value in box)
        return (
            round(extents.ascender * self.scale),
            round(extents.descender * self.scale),
            (left, low, right, high),
        )

    def subset(self, glyphs: list[int]) -> tuple[bytes, dict[int, int]]:
        """A TrueType file with these glyphs alone, and where each of them is in it."""
        import uharfbuzz

        wanted = uharfbuzz.SubsetInput()
        wanted.glyph_set.update(glyphs)
        wanted.flags = uharfbuzz.SubsetFlags.NO_HINTING | uharfbuzz.SubsetFlags.NOTDEF_OUTLINE
        wanted.drop_table_tag_set.update(int.from_bytes(tag, "big") for tag in _NOT_EMBEDDED)
        plan = uharfbuzz.SubsetPlan(self.face, wanted)
        return bytes(plan.execute().blob.data), dict(plan.old_to_new_glyph_mapping)


def _texts(text: str, clusters: Sequence[int], from_the_right: bool) -> list[str]:
    """What each glyph stands for, such that read in the order of writing they give the text.

    `clusters` says for each glyph where the text starts that it was made of. A sign that is drawn in parts is
    one that Unicode takes apart too; where the parts are more still, the last ones stand for nothing.
    """
    starts = sorted(set(clusters))
    ends = dict(zip(starts, [*starts[1:], len(text)], strict=True))
    members: dict[int, list[int]] = {}
    for at, cluster in enumerate(clusters):
        members.setdefault(cluster, []).append(at)
    found = [NOTHING] * len(clusters)
    for cluster, places in members.items():
        said = text[cluster : ends[cluster]]
        if len(said) < len(places):
            said = normalize("NFKD", said)
        # A ligature is the first of its cluster, marks follow it.
        joined = max(len(said) - len(places) + 1, 1)
        parts = [said[:joined], *said[joined:]]
        for at, part in zip(reversed(places) if from_the_right else places, parts, strict=False):
            found[at] = part
    return found


@lru_cache(maxsize=64)
def typeface(name: str) -> Typeface:
    """The typeface of a file, read once in a process."""
    return Typeface(name)


@lru_cache(maxsize=8192)
def behind_inter(character: str, *, picture: bool = False) -> str | None:
    """The name of the typeface that shows a character which Inter lacks; None where none does.

    `picture` asks for the emoji first, where a character is both that and a sign of text.
    """
    code = ord(character)
    if picture and typeface(EMOJI).has(character):
        return EMOJI
    for name, ranges in _SCRIPTS:
        if any(first <= code <= last for first, last in ranges) and typeface(name).has(character):
            return name
    return None
