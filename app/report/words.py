"""Words and text that every form of the report shares.

Text in a report may come from a person or a file. `shown` makes a text of the model safe to set anywhere:
what has no glyph of its own (control characters, lone surrogates, marks that change the direction of writing)
is written out as `\\x00`, and what is too long is cut and says so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from app.report.model import Badge, Band, BandBadge, Cell, Mark, PillarMark, Role, Score, Span, State, Text

LONGEST_TEXT = 4_000
"""Characters of one text that are shown."""
LONGEST_CODE = 40_000
"""Characters of one file that are shown."""
MOST_CODE_LINES = 500
"""Lines of one file that are shown."""
MOST_BREAKS = 100
"""Line breaks of one text that are kept; the later ones become blanks."""

STATES: dict[State, tuple[str, Role]] = {
    "verified": ("verified", "ok"),
    "partly": ("partly", "ok"),
    "claimed": ("claimed", "muted"),
    "challenged": ("challenged", "warn"),
    "understated": ("understated", "accent"),
    "contradicted": ("contradicted", "bad"),
    "unsure": ("unsure", "muted"),
    "unanswered": ("open", "muted"),
    "not_applicable": ("not applicable", "muted"),
}
"""The word of each state and the role of its colour."""

BANDS: tuple[Band, ...] = ("fragile", "limited", "conditional", "ready")
PILLAR_SIGNS: dict[PillarMark, str] = {"circle": "●", "square": "■", "triangle": "▲", "diamond": "◆"}

_ESCAPED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Letters and marks that show nothing."""
_VARIANTS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_VARIANT = re.compile(f"[{_VARIANTS}]")
_KEPT = {"\n", "\t"}
_BREAKS = re.compile(r"\r\n?|\n")
_SEEN = re.compile("[ -~\n\t\xa0-\xac\xae-\u02ff\u2010-\u2027\u2030-\u205e\u2190-\u23ff]*")
"""The characters of most texts, all of which are seen."""
_MOST_MARKS = 8
"""Marks on one character that are kept: more would be drawn over other lines."""
_JOINABLE = (
    "\u0600-\u08ff\u0900-\u109f\u1780-\u17ff\u1800-\u18af\u2190-\u2bff\ua8e0-\ua8ff\ufb50-\ufdff\ufe70-\ufefc\ufe0f"
    "\U0001f000-\U0001faff\U00011000-\U00011fff"
)
_VARIED = (
    "#*0-9\xa9\xae\u1000-\u109f\u1820-\u18aa\u2010-\u32ff\u3400-\u9fff\uf900-\ufaff"
    "\U0001f000-\U0001faff\U00020000-\U0003ffff"
)
_MEANT = re.compile(f"(?<=[{_JOINABLE}])[\u200c\u200d](?=[{_JOINABLE}])|(?<=[{_VARIED}])[{_VARIANTS}]")
"""Invisible characters where they say how their neighbours are written: joiners within a word of a script
that joins or between the parts of an emoji, one mark of a variant after a sign that has some."""


def visible(text: str) -> str:
    """The text with every character that would not be seen, or could not be written, escaped.

    Line breaks and tabs stay. `\\r\\n` and `\\r` become `\\n`.
    """
    if _SEEN.fullmatch(text):
        return text
    text = _BREAKS.sub("\n", text)
    if text.isascii():
        return "".join(map(_visible, text))
    meant = {found.start() for found in _MEANT.finditer(text)}
    parts: list[str] = []
    marks = 0
    for at, character in enumerate(text):
        if character.isascii():
            marks = 0
        elif at in meant:
            parts.append(character)
            continue
        else:
            marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        parts.append(_visible(character) if marks <= _MOST_MARKS else _escaped(character))
    return "".join(parts)


@lru_cache(maxsize=4096)
def _visible(character: str) -> str:
    if character in _KEPT:
        return character
    unseen = character in _BLANK_LETTERS or _VARIANT.match(character) is not None
    if unseen or unicodedata.category(character) in _ESCAPED:
        return _escaped(character)
    return character


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def cut_note(length: int) -> str:
    """What stands after a text of `length` characters that was cut."""
    return f"… (cut, {length:,} characters)"


def shown(of: Text, longest: int = LONGEST_TEXT) -> Text:
    """The spans with visible characters only, cut after `longest` of them with a note that says so."""
    length = sum(len(span.text) for span in of)
    room = longest
    breaks = 0
    spans: list[Span] = []
    for span in of:
        kept = visible(span.text[:room])
        breaks += kept.count("\n")
        if breaks > MOST_BREAKS:
            kept = kept.replace("\n", " ")
        if kept:
            spans.append(span if kept == span.text else Span(kept, span.role, span.link, span.page))
        room -= min(room, len(span.text))
    if length > longest:
        spans.append(Span(cut_note(length), "muted"))
    return tuple(spans)


def one_line(text: str, longest: int = LONGEST_TEXT) -> str:
    """A title or name: visible, cut, without line breaks."""
    kept = " ".join(visible(text[:longest]).split("\n")).replace("\t", " ")
    return kept + cut_note(len(text)) if len(text) > longest else kept


def code_lines(text: str) -> list[str]:
    """The lines of a file with visible characters only; tabs are four blanks."""
    lines = visible(text[:LONGEST_CODE]).replace("\t", "    ").rstrip("\n").split("\n")
    if len(lines) > MOST_CODE_LINES:
        return [*lines[:MOST_CODE_LINES], f"… (cut, {len(lines):,} lines)"]
    if len(text) > LONGEST_CODE:
        lines.append(cut_note(len(text)))
    return lines


def address(link: str | None) -> str | None:
    """The link when it is a web address that may be opened, else None."""
    if link and link.startswith(("https://", "http://")) and link.isascii() and link.isprintable():
        return None if any(sign in link for sign in ' "<>\\^`{|}') or len(link) > 2_000 else link
    return None


def points(value: float) -> str:
    """A score or a part of one, rounded; `–` where there is no number."""
    return f"{value:.0f}" if abs(value) < 1e6 else "–"


def score_words(score: Score) -> str:
    """A score for those who do not see its picture: `proven 48, supported 53, claimed 73`."""
    if score.refused is not None:
        return one_line(score.refused)
    said = (
        f"proven {points(score.proven)}, supported {points(score.supported)}, claimed {points(score.claimed)}"
    )
    return f"{said}, contradicted {points(score.contradicted)}" if score.contradicted > 0 else said


def badge_words(badge: Badge) -> str:
    """`verified`, or `21 verified` with a count."""
    word = STATES[badge.state][0]
    return word if badge.count is None else f"{badge.count:,} {word}"


def cell_words(cell: Cell) -> str:
    """What a cell says, without its picture."""
    if isinstance(cell, Badge):
        return badge_words(cell)
    if isinstance(cell, BandBadge):
        return cell.band
    if isinstance(cell, Mark):
        return PILLAR_SIGNS[cell.shape]
    if isinstance(cell, Score):
        return score_words(cell)
    return "".join(span.text for span in shown(cell))


def has_score(cells: Iterable[Cell]) -> bool:
    """Whether a glyph of a score is among the cells, so that its parts need a legend."""
    return any(isinstance(cell, Score) and cell.refused is None for cell in cells)


SCORE_PARTS = (
    ("proven", "proven"),
    ("credited", "credited claim"),
    ("not_proven", "not proven"),
    ("contradicted", "contradicted"),
)
"""The parts of the small glyph with their words in the legend."""
