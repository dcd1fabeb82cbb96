"""Hashes over what was stored, so that a changed bit is noticed."""

from __future__ import annotations

import hashlib
from typing import Any

from assessments.canonical import canonical, clean, clean_text

__all__ = ["canonical", "clean", "clean_text", "seal_of"]


def seal_of(*parts: Any) -> str:
    """SHA-256, in hex, of the canonical JSON of the list of `parts`."""
    return hashlib.sha256(canonical(list(parts))).hexdigest()
