"""The colours: one table of roles for light and one for dark. Reports use the light one.

Contrast on `surface` is at least 4.5 for text and 3 for marks; `tests/app/charts/test_tokens.py` computes it.
Blue acts or is the measured series; red is a contradiction, a named limit or a limit line; green is verified
only. Scores and bands are ink.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LIGHT: Mapping[str, str] = MappingProxyType(
    {
        "surface": "#FFFFFF",
        "bg": "#F5F6F8",
        "sunk": "#F0F2F5",
        "line": "#DDE1E7",
        "grid": "#E8EBEF",
        "edge": "#858F9D",
        "text": "#171B21",
        "muted": "#566070",
        "accent": "#1F5FCC",
        "s1": "#1F5FCC",
        "onaccent": "#FFFFFF",
        "accbg": "#E8F0FD",
        "ink": "#36465C",
        "inkmid": "#8191A8",
        "ok": "#0B6E4F",
        "okbg": "#E3F3EB",
        "warn": "#855000",
        "warnbg": "#FBF0DC",
        "bad": "#B3261E",
        "badbg": "#FCEAE8",
        "s2": "#8A3B7A",
        "s3": "#6B7686",
        "band": "#D6E3F9",
    }
)
DARK: Mapping[str, str] = MappingProxyType(
    {
        "surface": "#1A1E24",
        "bg": "#13161A",
        "sunk": "#22272E",
        "line": "#30363F",
        "grid": "#272D35",
        "edge": "#7B8694",
        "text": "#E6E9ED",
        "muted": "#A3ACB8",
        "accent": "#82B0FF",
        "s1": "#82B0FF",
        "onaccent": "#0E1B33",
        "accbg": "#1D2E4C",
        "ink": "#B4C2D6",
        "inkmid": "#617187",
        "ok": "#5FCB9E",
        "okbg": "#17362B",
        "warn": "#E8B75F",
        "warnbg": "#3A2D14",
        "bad": "#F4938A",
        "badbg": "#45211E",
        "s2": "#DD9BCB",
        "s3": "#98A3B1",
        "band": "#223A61",
    }
)
