"""A label of one line that ends in `…` where there is no room, with the whole text as its tool tip."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy

from app.gui.texts import plain_tip
from app.gui.widgets.labels import PlainLabel

LEAST = 24


class ElidedLabel(PlainLabel):
    """Takes the width it is given; its accessible name is the whole text."""

    def setText(self, text: str) -> None:  # noqa: N802, Qt's name
        """Another text, shown on one line."""
        line = " ".join(text.split("\n"))
        super().setText(line)
        self.setToolTip(plain_tip(line))
        self.setAccessibleName(line)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.updateGeometry()

    def minimumSizeHint(self) -> QSize:  # noqa: N802, Qt's name
        """Room for a letter and the ellipsis."""
        return QSize(LEAST, super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws as much as fits."""
        painter = QPainter(self)
        painter.setFont(self.font())
        painter.setPen(self.palette().color(self.foregroundRole()))
        area = self.contentsRect()
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, self.alignment() | Qt.AlignmentFlag.AlignVCenter, text)
