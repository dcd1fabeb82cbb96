"""The order of writing of texts that run from right to left: Unicode's bidirectional algorithm.

    text ──levels_of──▶ a level for every character ──(a line of it) visual_runs──▶ pieces from left to right

Levels belong to a whole paragraph, order to a line of it, so lines are broken in between (UAX #9, 3.4). The
marks that change the direction by hand (U+202A …) are not followed: a report writes them out, so that no name
hides behind one.
Unicode Standard Annex #9, revision 50, without the rules X1 to X8.
"""

from __future__ import annotations

import re
from bisect import insort
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from unicodedata import bidirectional

_FROM_THE_RIGHT = re.compile(
    "[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_NEUTRAL = frozenset(("B", "S", "WS", "ON"))
_IGNORED = frozenset(("BN", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"))
_STRONG = {"L": "L", "R": "R", "EN": "R", "AN": "R"}
"""The direction that a character gives to what stands beside it."""
_PAIRS = (
    "()[]{}\u0f3a\u0f3b\u0f3c\u0f3d\u169b\u169c\u2045\u2046\u207d\u207e\u208d\u208e\u2308\u2309\u230a\u230b"
    "\u2768\u2769\u276a\u276b\u276c\u276d\u276e\u276f\u2770\u2771\u2772\u2773\u2774\u2775\u27c5\u27c6"
    "\u27e6\u27e7\u27e8\u27e9\u27ea\u27eb\u27ec\u27ed\u27ee\u27ef\u2983\u2984\u2985\u2986\u2987\u2988"
    "\u2989\u298a\u298b\u298c\u298d\u2990\u298f\u298e\u2991\u2992\u2993\u2994\u2995\u2996\u2997\u2998"
    "\u29d8\u29d9\u29da\u29db\u29fc\u29fd\u2e22\u2e23\u2e24\u2e25\u2e26\u2e27\u2e28\u2e29\u2e55\u2e56"
    "\u2e57\u2e58\u2e59\u2e5a\u2e5b\u2e5c\u3008\u3009\u300a\u300b\u300c\u300d\u300e\u300f\u3010\u3011"
    "\u3014\u3015\u3016\u3017\u3018\u3019\u301a\u301b\ufe59\ufe5a\ufe5b\ufe5c\ufe5d\ufe5e\uff08\uff09"
    "\uff3b\uff3d\uff5b\uff5d\uff5f\uff60\uff62\uff63"
)
_CLOSES = dict(zip(_PAIRS[::2], _PAIRS[1::2], strict=True))
_CLOSES["\u2329"] = "\u3009"
_CLOSING = frozenset(_CLOSES.values()) | {"\u232a"}
_MOST_OPEN = 63
"""Brackets that may be open at once (BD16)."""


class Levels(NamedTuple):
    """A paragraph: its own level, 1 where it runs from the right, and that of each of its characters."""

    base: int
    each: bytes


class VisualRun(NamedTuple):
    """Characters `start` to `end` of a line, of one level; an odd one runs from the right."""

    start: int
    end: int
    level: int


def runs_from_the_right(text: str) -> bool:
    """Whether any character of the text asks for that."""
    return not text.isascii() and _FROM_THE_RIGHT.search(text) is not None


@lru_cache(maxsize=2048)
def levels_of(text: str, base: int | None = None) -> Levels:
    """The levels of a paragraph; its own is that of its first strong character unless `base` gives it."""
    classes = [bidirectional(character) or "L" for character in text]
    if base is None:
        first = next((kind for kind in classes if kind in ("L", "R", "AL")), "L")
        base = 0 if first == "L" else 1
    kept = [at for at, kind in enumerate(classes) if kind not in _IGNORED]
    kinds = [classes[at] for at in kept]
    own = "RL"[base == 0]
    _weak(kinds, own)
    _brackets([text[at] for at in kept], kinds, [classes[at] for at in kept], own)
    _neutral(kinds, own)
    each = bytearray([base] * len(text))
    for at, kind in zip(kept, kinds, strict=True):
        each[at] = _implicit(base, kind)
    for at, kind in enumerate(classes):
        if kind in _IGNORED and at:
            each[at] = each[at - 1]
    return Levels(base, bytes(each))


def _implicit(base: int, kind: str) -> int:
    """I1 and I2."""
    if base % 2 == 0:
        return base + {"L": 0, "R": 1, "AN": 2, "EN": 2}[kind]
    return base + (kind != "R")


def _weak(kinds: list[str], own: str) -> None:
    """W1 to W7: marks, numbers and what stands within numbers."""
    before, strong = own, own
    for at, given in enumerate(kinds):
        kind = before if given == "NSM" else given
        kinds[at] = before = kind
        if kind in ("L", "R", "AL"):
            strong = kind
        elif kind == "EN" and strong == "AL":
            kinds[at] = "AN"
    kinds[:] = ["R" if kind == "AL" else kind for kind in kinds]
    for at in range(1, len(kinds) - 1):
        kind, left, right = kinds[at], kinds[at - 1], kinds[at + 1]
        if left == right and ((kind in ("ES", "CS") and left == "EN") or (kind == "CS" and left == "AN")):
            kinds[at] = left
    at = 0
    while at < len(kinds):
        end = at
        while end < len(kinds) and kinds[end] == "ET":
            end += 1
        if end > at and "EN" in (kinds[at - 1] if at else "", kinds[end] if end < len(kinds) else ""):
            kinds[at:end] = ["EN"] * (end - at)
        at = max(end, at + 1)
    strong = own
    for at, kind in enumerate(kinds):
        if kind in ("ES", "ET", "CS"):
            kinds[at] = "ON"
        elif kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":
            kinds[at] = "L"


def _brackets(characters: Sequence[str], kinds: list[str], classes: Sequence[str], own: str) -> None:
    """N0: the two brackets of a pair have one direction."""
    for opening, closing in _pairs(characters, kinds):
        within = {_STRONG.get(kind) for kind in kinds[opening + 1 : closing]} - {None}
        if not within:
            continue
        direction = own
        if own not in within:
            before = next((_STRONG[kind] for kind in reversed(kinds[:opening]) if kind in _STRONG), own)
            direction = before
        for at in (opening, closing):
            kinds[at] = direction
            after = at + 1
            while after < len(kinds) and classes[after] == "NSM":
                kinds[after] = direction
                after += 1


def _pairs(characters: Sequence[str], kinds: Sequence[str]) -> list[tuple[int, int]]:
    """Where the brackets of pairs stand, by their opening (BD16)."""
    found: list[tuple[int, int]] = []
    stack: list[tuple[str, int]] = []
    for at, character in enumerate(characters):
        if kinds[at] != "ON":
            continue
        if character in _CLOSES:
            if len(stack) == _MOST_OPEN:
                return []
            stack.append((_CLOSES[character], at))
        elif character in _CLOSING:
            wanted = "\u3009" if character == "\u232a" else character
            for depth in range(len(stack) - 1, -1, -1):
                if stack[depth][0] == wanted:
                    insort(found, (stack[depth][1], at))
                    del stack[depth:]
                    break
    return found


def _neutral(kinds: list[str], own: str) -> None:
    """N1 and N2: what has no direction takes that of both its sides, or else the paragraph's."""
    at = 0
    before = own
    while at < len(kinds):
        if kinds[at] not in _NEUTRAL:
            before = _STRONG[kinds[at]]
            at += 1
            continue
        end = at
        while end < len(kinds) and kinds[end] in _NEUTRAL:
            end += 1
        after = _STRONG[kinds[end]] if end < len(kinds) else own
        kinds[at:end] = [before if before == after else own] * (end - at)
        at = end


def visual_runs(text: str, levels: bytes, base: int) -> list[VisualRun]:
    """The runs of a line from left to right (L1 and L2); a line is part of a paragraph of level `base`."""
    each = bytearray(levels)
    blank = True
    for at in range(len(text) - 1, -1, -1):
        kind = bidirectional(text[at])
        if kind in ("S", "B"):
            blank = True
        elif kind != "WS" and kind not in _IGNORED:
            blank = False
        if blank:
            each[at] = base
    runs: list[VisualRun] = []
    for at, level in enumerate(each):
        if runs and runs[-1].level == level:
            runs[-1] = runs[-1]._replace(end=at + 1)
        else:
            runs.append(VisualRun(at, at + 1, level))
    for level in range(max(each, default=0), 0, -1):
        at = 0
        while at < len(runs):
            end = at
            while end < len(runs) and runs[end].level >= level:
                end += 1
            runs[at:end] = runs[at:end][::-1]
            at = max(end, at + 1)
    return runs


def order_of(runs: Sequence[VisualRun]) -> list[int]:
    """The characters of a line from left to right, by where they stand in the text."""
    found: list[int] = []
    for run in runs:
        numbers = range(run.start, run.end)
        found += reversed(numbers) if run.level % 2 else numbers
    return found
