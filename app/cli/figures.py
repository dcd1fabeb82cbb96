"""Numbers as a person reads them. What is missing is a dash, never a zero."""

from __future__ import annotations

import math
from typing import Any

from app.cli.layout import MISSING, NO_BREAK


def known(value: Any) -> float | None:
    """The value as a finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def number(value: Any) -> str:
    """Three significant digits, or all before the point: `1,234`, `198`, `12.3`, `0.98`; `12` where whole."""
    found = known(value)
    if found is None:
        return MISSING
    size = abs(found)
    if size >= 99.95 or found == round(found):
        return f"{found:,.0f}"
    if size >= 9.995:
        return f"{found:.1f}"
    if size >= 0.9995:
        return f"{found:.2f}"
    return f"{found:.3f}".rstrip("0").rstrip(".") if size >= 0.001 else f"{found:.1g}"


def fixed(value: Any, digits: int) -> str:
    """So many digits behind the point."""
    found = known(value)
    return MISSING if found is None else f"{found:,.{digits}f}"


def share(value: Any) -> str:
    """A ratio in percent: `0 %`, `0.12 %`, `97 %`."""
    found = known(value)
    if found is None:
        return MISSING
    percent = found * 100
    if percent == 0 or percent >= 9.95:
        shown = f"{percent:.0f}"
    elif percent >= 0.095:
        shown = f"{percent:.1f}".removesuffix(".0")
    else:
        shown = f"{percent:.1g}" if percent >= 0.001 else "< 0.001"
    return f"{shown}{NO_BREAK}%"


def interval(low: Any, high: Any) -> str:
    """`193–203`, with enough digits that the ends differ; empty when an end is missing."""
    below, above = known(low), known(high)
    if below is None or above is None:
        return ""
    digits = next((digits for digits in range(4) if f"{below:.{digits}f}" != f"{above:.{digits}f}"), 3)
    if below == above:
        return number(below)
    digits = max(digits, 0 if above >= 99.95 else 1 if above >= 9.995 else 2)
    return f"{below:,.{digits}f}–{above:,.{digits}f}"


def megabytes(value: Any) -> str:
    """Bytes in MB of a million."""
    found = known(value)
    return MISSING if found is None else number(found / 1e6)


def seconds(value: Any) -> str:
    """A length of time: `41.7 s`, `2 min 05 s`."""
    found = known(value)
    if found is None:
        return MISSING
    if found < 120:
        return f"{found:.1f}".removesuffix(".0") + f"{NO_BREAK}s"
    minutes, rest = divmod(round(found), 60)
    return f"{minutes}{NO_BREAK}min{NO_BREAK}{rest:02d}{NO_BREAK}s"
