"""Translated texts with values in them."""

from __future__ import annotations


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
