"""Where lines may break within text that has no blanks: Chinese, Japanese, emoji, Thai and Lao.

After Unicode Standard Annex #14, as far as these go: between any two ideographs, kana or emoji, but never so
that a line starts with what closes or ends with what opens. Korean breaks at its blanks. In Thai and Lao,
whose words only a dictionary tells apart, a line breaks before a vowel that is written first and so starts a
syllable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.report.shaping import clusters

_IDEOGRAPHIC = (
    "\u2e80-\u303f\u3041-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f"
    "\uff01-\uff60\uffe0-\uffe6\U0001f000-\U0001faff\U00020000-\U0003ffff"
)
_FIRST_VOWELS = "\u0e40-\u0e44\u0ec0-\u0ec4"
_BETWEEN = re.compile(f"[{_IDEOGRAPHIC}]")
_ANY = re.compile(f"[{_IDEOGRAPHIC}{_FIRST_VOWELS}]")
_STARTS_SYLLABLE = re.compile(f"[{_FIRST_VOWELS}]")
_ENDS_NO_LINE = frozenset(
    "([{‘“\u3008\u300a\u300c\u300e\u3010\u3014\u3016\u3018\u301a\u301d\uff08\uff3b\uff5b\uff5f\uff62"
)
_STARTS_NO_LINE = frozenset(
    ")]}’”!,.:;?%…‥°′″\u3001\u3002\u3005\u3009\u300b\u300d\u300f\u3011\u3015\u3017\u3019\u301b\u301c\u301e\u301f\u303b"
    "\u3000\u3041\u3043\u3045\u3047\u3049\u3063\u3083\u3085\u3087\u308e\u3095\u3096\u3099\u309a\u309b\u309c\u309d\u309e"
    "\u30a0\u30a1\u30a3\u30a5\u30a7\u30a9\u30c3\u30e3\u30e5\u30e7\u30ee\u30f5\u30f6\u30fb\u30fc\u30fd\u30fe"
    "\uff01\uff05\uff09\uff0c\uff0e\uff1a\uff1b\uff1f\uff3d\uff5d\uff5e\uff60"
)


def may_break(before: str, after: str) -> bool:
    """Whether a line may end with the cluster `before` and the next start with the cluster `after`."""
    last, first = before[-1], after[0]
    if first in _STARTS_NO_LINE or last in _ENDS_NO_LINE:
        return False
    if _STARTS_SYLLABLE.match(first):
        return True
    return _BETWEEN.match(before[0]) is not None or _BETWEEN.match(first) is not None


def only_at_blanks(text: str) -> bool:
    """Whether the blanks of a text are the only places where a line may break."""
    return text.isascii() or _ANY.search(text) is None


def units(text: str) -> Iterator[tuple[int, int]]:
    """The parts of a text without blanks between which a line may break."""
    if only_at_blanks(text):
        yield 0, len(text)
        return
    start = 0
    before: str | None = None
    for first, end in clusters(text):
        cluster = text[first:end]
        if before is not None and may_break(before, cluster):
            yield start, first
            start = first
        before = cluster
    yield start, len(text)
