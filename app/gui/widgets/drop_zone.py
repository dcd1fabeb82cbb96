"""Where files may be dropped; it can also be pressed, and says what can be opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.gui.icons import pixmap
from app.gui.theme import BODY, SMALL, Theme, font


class DropZone(QAbstractButton):
    """A dashed frame. `dropped` brings paths; a click is for choosing files."""

    dropped = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._is_over = False
        self.setText(self.tr("Drop a file here, or choose one"))
        self._below = self.tr("report · lens · manifests · loadstone.yaml · answers · facts")
        self.setAccessibleName(f"{self.text()}: {self._below}")
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.updateGeometry)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802, Qt's name
        """Large enough to hit."""
        return QSize(280, round(112 * max(1.0, self._theme.zoom / 100)))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802, Qt's name
        """Takes files of this machine."""
        if _paths(event):
            self._is_over = True
            self.update()
            event.acceptProposedAction()

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:  # noqa: N802, Qt's name
        """They went elsewhere."""
        self._is_over = False
        self.update()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802, Qt's name
        """Hands them on."""
        self._is_over = False
        self.update()
        found = _paths(event)
        if found:
            event.acceptProposedAction()
            self.dropped.emit(found)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws frame, sign and both lines."""
        theme = self._theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_hot = self._is_over or self.hasFocus() or self.underMouse()
        pen = QPen(theme.colour("accent" if is_hot else "edge"), 2 if self.hasFocus() or self._is_over else 1)
        if not self.hasFocus():
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(theme.colour("accbg") if self._is_over else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 4, 4)
        sign = pixmap("download", theme, "accent" if is_hot else "muted", 20, self.devicePixelRatioF())
        painter.drawPixmap((self.width() - 20) // 2, 16, sign)
        centre = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter
        painter.setFont(font(BODY, 500))
        painter.setPen(theme.colour("text"))
        line = painter.fontMetrics().height() + 4
        painter.drawText(QRectF(8, 42, self.width() - 16, line), centre, self.text())
        painter.setFont(font(SMALL))
        painter.setPen(theme.colour("muted"))
        wrapped = int(centre) | int(Qt.TextFlag.TextWordWrap)
        painter.drawText(
            QRectF(8, 42 + line, self.width() - 16, self.height() - 46 - line), wrapped, self._below
        )


def _paths(event: QDropEvent) -> Sequence[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
