"""Values of a document that a person wrote, taken out one by one: each of the right kind, or refused.

What is wrong is said in one sentence with file and line, and with the nearest known name where one is meant.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from probes.documents import DocumentError, line_of
from probes.errors import UsageError

MAX_TEXT = 4_000
_ID = re.compile(r"[A-Za-z0-9_-]{3,128}", re.ASCII)


class CheckedValues:
    """Takes values out of the mappings of one file; `file` is its name for messages.

    All methods raise `UsageError` for what they do not give.
    """

    def __init__(self, file: str) -> None:
        self.file = file

    def wrong(self, node: Any, key: Any, message: str) -> UsageError:
        """The error to raise: the message with file and line, on one line."""
        return DocumentError(self.file, line_at(node, key), " ".join(message.split()))

    def mapping(
        self, value: Any, parent: Mapping[str, Any] | None, what: str, key: str | None = None
    ) -> Mapping[str, Any]:
        """The value, which has to be a mapping, under `key` of `parent`; without one it is the document."""
        if not isinstance(value, Mapping):
            line = 1 if parent is None else line_at(parent, key)
            found = f"{what} is a mapping of names to values, not {kind_of(value)}"
            raise DocumentError(self.file, line, found)
        return value

    def keys(
        self, entry: Mapping[str, Any], what: str, needed: Sequence[str], optional: Sequence[str] = ()
    ) -> None:
        """Refuses keys that are not known, and asks for those that are needed."""
        known = (*needed, *optional)
        for key in entry:
            if key not in known:
                hint = nearest(str(key), known, f"known are {', '.join(known)}")
                raise self.wrong(entry, key, f"{what} has no '{key:.60}': {hint}")
        for key in needed:
            if key not in entry:
                raise self.wrong(entry, None, f"{what} needs '{key}': add it")

    def entries(self, entry: Mapping[str, Any], key: str, what: str, low: int, high: int) -> list[Any]:
        """The list under the key, of `low` to `high` entries."""
        value = entry[key]
        if not isinstance(value, list):
            raise self.wrong(entry, key, f"{key} is a list, not {kind_of(value)}")
        if not low <= len(value) <= high:
            raise self.wrong(entry, key, f"there are {len(value)} {what}: write {low} to {high}")
        return value

    def text(self, entry: Mapping[str, Any], key: str) -> str:
        """The text under the key, without blanks around it."""
        return self.capped(entry, key, entry[key])

    def capped(self, entry: Mapping[str, Any], key: str, value: Any) -> str:
        """The value, which has to be a text of at most `MAX_TEXT` characters, without blanks around it."""
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(entry, key, f"{key} is a text, not {kind_of(value)}")
        if len(value) > MAX_TEXT:
            raise self.wrong(entry, key, f"{key} has {len(value)} characters: at most are {MAX_TEXT}")
        return value.strip()

    def id(self, entry: Mapping[str, Any], key: str) -> str:
        """The id under the key."""
        value = entry[key]
        if not isinstance(value, str) or not _ID.fullmatch(value):
            raise self.wrong(
                entry, key, f"{value!r:.80} is no id: write 3 to 128 of letters, digits, _ and -"
            )
        return value

    def number(self, entry: Mapping[str, Any], key: str, low: float, high: float) -> float | int:
        """The number under the key, from `low` to `high`."""
        value = entry[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            found = kind_of(value, with_value=True)
            raise self.wrong(entry, key, f"{key} is a number from {low:g} to {high:g}, not {found}")
        assert math.isfinite(value)
        return value

    def boolean(self, entry: Mapping[str, Any], key: str) -> bool:
        """The truth under the key; false where it is absent."""
        value = entry.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(entry, key, f"{key} is true or false, not {kind_of(value, with_value=True)}")
        return value


def line_at(node: Any, key: Any) -> int | None:
    """The line of the key's value, or else of the mapping."""
    found = line_of(node, key) if key is not None else None
    return line_of(node) if found is None else found


def nearest(name: str, known: Iterable[str], otherwise: str) -> str:
    """A question that names the nearest known name, or `otherwise` where none is near."""
    near = get_close_matches(name[:200], list(known), n=1)
    return f"did you mean {near[0]}?" if near else otherwise


def kind_of(value: Any, *, with_value: bool = False) -> str:
    """What the value is, in words; `with_value` shows texts as they are typed."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None or value == "":
        return "empty"
    return f"{value!r:.60}" if with_value or isinstance(value, bool | int | float) else f"'{value!s:.60}'"
