"""What a server says of a request that it does not take: its own reason, out of the body of its answer."""

from __future__ import annotations

import json
from typing import Any

LONGEST = 200
_REASONS = ("error", "message", "error_message", "detail", "reason", "msg")


def reason_in(body: bytes) -> str:
    """The reason in one line of at most `LONGEST` characters; empty where the body holds none for people.

    Of JSON the texts under the first two names that usual servers use, a field's name before what is wrong
    with it; of a traceback its last line; other text as it is; nothing of HTML, which holds no more than the
    status.
    """
    text = body[:100_000].decode("utf-8", "replace").strip()
    if text[:1] in ("{", "["):
        try:
            text = _reason(json.loads(text), 4)
        except (ValueError, RecursionError):
            return ""
    elif text.startswith("<"):
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    traced = any(line.startswith("Traceback (most recent call last)") for line in lines)
    line = lines[-1] if traced else " ".join(lines)
    shown = "".join(char if char.isprintable() else " " for char in line)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"


def in_brackets(body: bytes) -> str:
    """` (it says: …)`, or nothing."""
    said = reason_in(body)
    return f" (it says: {said})" if said else ""


def _reason(document: Any, depth: int) -> str:
    if isinstance(document, str):
        return document
    if isinstance(document, list):
        return _reason(document[0], depth - 1) if document and depth else ""
    if not isinstance(document, dict) or not depth:
        return ""
    found = [_reason(document[name], depth - 1) for name in _REASONS if name in document]
    reason = ": ".join(list(dict.fromkeys(filter(None, found)))[:2])
    where = document.get("loc")  # as pydantic, and so FastAPI, names a field
    if reason and isinstance(where, list) and (names := [str(part) for part in where if part != "body"]):
        return f"{'.'.join(names)}: {reason}"
    return reason
