"""Translated texts with values in them, units that no line breaks, and tool tips that show text as it is."""

from __future__ import annotations

import re
from html import escape

_JOINER = "\N{WORD JOINER}"
_OPTION = re.compile(r"(?<![^\s(])--\w[\w-]*")


def filled(text: str, *values: object) -> str:
    """The text with `{0}`, `{1}` and so on replaced; what the values hold is not looked into."""
    parts: list[str] = []
    rest = text
    while rest:
        before, brace, after = rest.partition("{")
        parts.append(before)
        if not brace:
            break
        place, close, behind = after.partition("}")
        if close and place.isdigit() and int(place) < len(values):
            parts.append(str(values[int(place)]))
            rest = behind
        else:
            parts.append("{")
            rest = after
    return "".join(parts)


def unbroken(text: str) -> str:
    """The text for what breaks its lines: `req/s` and `--max-rate` stay whole, which else end one."""
    whole = _OPTION.sub(lambda found: found[0].replace("-", f"-{_JOINER}"), text)
    return whole.replace("req/s", f"req/{_JOINER}s")


def as_written(text: str) -> str:
    """The text that `unbroken` was given."""
    return text.replace(_JOINER, "") if _JOINER in text else text


def plain_tip(text: str) -> str:
    """The text as a tool tip that shows it literally: Qt takes what looks like markup for markup there."""
    if not ("<" in text or "&" in text):
        return text
    return f'<p style="white-space: pre-wrap">{escape(text)}</p>'
