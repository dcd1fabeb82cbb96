"""The rows of the overview: a pillar with its score, an axis of growth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.charts.pieces import Band
from app.gui.theme import BODY, SECTION, SMALL, Theme, font
from app.gui.widgets.elided import ElidedLabel
from app.gui.widgets.labels import PlainLabel
from app.gui.widgets.score import BandLabel, ScoreBar


class PillarRow:
    """The cells of a pillar."""

    def __init__(self, theme: Theme) -> None:
        self.name = ElidedLabel("", BODY)
        self.bar = ScoreBar(theme)
        self.number = PlainLabel("", SECTION, 600)
        self.number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.span = PlainLabel("", BODY, tone="muted")
        self.band = BandLabel(theme)
        self.remark = PlainLabel("", SMALL, tone="muted", wrap=True)
        self.remark.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.cells: tuple[QWidget, ...] = (
            self.name, self.bar, self.number, self.span, self.band, self.remark,
        )  # fmt: skip

    def say(self, name: str, score: Mapping[str, Any], said: str, is_lowest: bool) -> None:
        refused = bool(score.get("refused"))
        self.name.setFont(font(BODY, 600 if is_lowest else 400))
        self.name.setText(name)
        self.name.setMinimumWidth(min(self.name.sizeHint().width(), 120))
        self.bar.show_score(score)
        self.number.setText("–" if refused else f"{score['score']:.0f}")
        self.span.setText("" if refused else f"({score['proven']:.0f}–{score['claimed']:.0f})")
        self.band.show_band(None if refused else band_of(score["band"]), "–" if refused else "")
        self.remark.setText(said)


def axis_cells() -> tuple[PlainLabel, ...]:
    return (
        PlainLabel("", BODY, 500, wrap=True),
        PlainLabel("", BODY),
        PlainLabel("", SMALL, tone="muted"),
        PlainLabel("", SMALL, tone="muted", wrap=True),
    )


def band_of(name: str) -> Band:
    return next(band for band in get_args(Band) if band == name)
