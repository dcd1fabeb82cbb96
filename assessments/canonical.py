"""JSON in one form, so that equal values give equal bytes: what is stored, sealed and shared is made of it.

Canonical JSON here means: sorted keys, no spaces, UTF-8, and a number that is whole written as an integer,
because databases differ in whether they give back 99 or 99.0.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from numbers import Integral, Real
from typing import Any


def clean(value: Any) -> Any:
    """`value` as JSON that every database takes: no NUL, no lone surrogate, no number that is not finite.

    Numbers of other libraries become plain ones. Raises `TypeError` for what JSON cannot hold.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return number if math.isfinite(number) else None
    if isinstance(value, Mapping):
        return {clean_text(str(key)): clean(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [clean(entry) for entry in value]
    raise TypeError(f"a {type(value).__name__} cannot be stored as JSON")


def clean_text(text: str) -> str:
    """`text` without NUL characters, and with U+FFFD for each lone surrogate."""
    return text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def canonical(value: Any) -> bytes:
    """The canonical JSON of `value`; never raises for what a damaged database may give back."""
    return json.dumps(
        _comparable(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()


def _comparable(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() else value
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, Mapping):
        return {clean_text(str(key)): _comparable(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_comparable(entry) for entry in value]
    if isinstance(value, Integral | Real):
        return _comparable(clean(value))
    return {"not JSON": repr(value)}
