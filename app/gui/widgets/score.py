"""A score in the window: the glyph as wide as there is room, the band with its word, badges with a count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from app.charts.pieces import Band, State, band_meter, hatch, refused_glyph, score_glyph, verdict_badge
from app.charts.shapes import Rect, Shape
from app.gui.painting import paint
from app.gui.texts import plain_tip
from app.gui.theme import SMALL, Theme
from app.gui.widgets.chart_view import ShapesView
from app.gui.widgets.labels import PlainLabel

METER = (28.0, 10.0)
_SIGN = 13.0


def score_words(score: Mapping[str, Any]) -> str:
    """`53, proven 48, claimed 73, 14 contradicted`, for those who do not see the glyph."""
    if score.get("refused"):
        return str(score["refused"])
    words = f"{score['score']:.0f}, proven {score['proven']:.0f}, claimed {score['claimed']:.0f}"
    contradicted = float(score["lost"]["contradicted"])
    return words + (f", {contradicted:.0f} contradicted" if contradicted >= 0.5 else "")


class ScoreBar(QWidget):
    """The glyph of a score, as wide as the place."""

    def __init__(self, theme: Theme, height: int = 18, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._score: Mapping[str, Any] | None = None
        self.setFixedHeight(height)
        self.setMinimumWidth(80)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802, Qt's name
        """Wide enough to tell points apart."""
        return QSize(200, self.height())

    def show_score(self, score: Mapping[str, Any] | None) -> None:
        """A score as it stands in the document; None draws nothing."""
        self._score = score
        words = "" if score is None else score_words(score)
        self.setAccessibleName(words)
        self.setToolTip(plain_tip(words))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws the glyph."""
        score = self._score
        if score is None:
            return
        width, height = float(self.width()), float(self.height())
        if score.get("refused"):
            shapes: tuple[Shape, ...] = refused_glyph(width, height)
        else:
            shapes = score_glyph(
                score["proven"],
                score["score"],
                score["claimed"],
                score["lost"]["contradicted"],
                width,
                height,
                unanswered=score["lost"]["unanswered"],
            )
        paint(QPainter(self), shapes, self._theme)


class BandLabel(QWidget):
    """The meter of a band and its word; without a band only the words."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.meter = ShapesView((), METER, theme)
        self.word = PlainLabel("", SMALL, 500)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.meter)
        row.addWidget(self.word)
        row.addStretch(1)

    def show_band(self, band: Band | None, otherwise: str = "") -> None:
        """This band, or these words where there is none."""
        self.meter.setVisible(band is not None)
        if band is not None:
            self.meter.show_shapes(band_meter(band, *METER), METER)
        self.word.setText(otherwise if band is None else band)
        self.word.set_tone("muted" if band is None else "")


class CountedBadge(QWidget):
    """The badge of a state, how many there are, and its word."""

    def __init__(self, state: State, text: str, role: str, theme: Theme) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(ShapesView(verdict_badge(state, _SIGN), (_SIGN, _SIGN), theme))
        self.word = PlainLabel(text, SMALL, 500, tone=role)
        row.addWidget(self.word)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)


class ScoreLegend(QWidget):
    """What the parts of the glyph are, and where its marks stand."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        box = (14.0, 9.0)
        parts: tuple[tuple[tuple[Shape, ...], str], ...] = (
            ((Rect(0, 0, 14, 9, "ink"),), self.tr("proven")),
            ((Rect(0, 0, 14, 9, "inkmid"),), self.tr("credited claim")),
            ((Rect(0.5, 0.5, 13, 8, "surface", "edge"),), self.tr("not proven")),
            ((*hatch(0.5, 0.5, 13, 8), Rect(0.5, 0.5, 13, 8, None, "bad")), self.tr("contradicted")),
        )
        for shapes, word in parts:
            row.addWidget(ShapesView(shapes, box, theme))
            row.addWidget(PlainLabel(word, SMALL, tone="muted"))
            row.addSpacing(8)
        row.addWidget(ShapesView((Rect(1, 0, 2, 14, "text"),), (4.0, 14.0), theme))
        row.addWidget(PlainLabel(self.tr("score"), SMALL, tone="muted"))
        row.addStretch(1)
