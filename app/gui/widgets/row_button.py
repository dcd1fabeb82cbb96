"""A row that can be pressed: a sign, a line, a muted line below it, and what stands at the right."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.charts.shapes import Shape
from app.gui.painting import paint
from app.gui.texts import plain_tip, unbroken
from app.gui.theme import BODY, SMALL, Theme, font

_SIGN = 13
_LEFT = _SIGN + 12
_ABOVE, _BETWEEN, _UNDER = 9, 2, 10
_BROKEN = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft


class RowButton(QAbstractButton):
    """As wide as there is room, as high as the words below need. A title too long ends in `…`."""

    def __init__(  # noqa: PLR0917
        self,
        theme: Theme,
        sign: Sequence[Shape],
        title: str,
        below: str,
        right: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._sign = theme, tuple(sign)
        self.title, self.below, self.right = title, below, right
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName(f"{right}: {title}. {below}")
        self.setToolTip(plain_tip(f"{title}\n{below}"))
        theme.changed.connect(self._restyle)

    def sizeHint(self) -> QSize:  # noqa: N802, Qt's name
        """A title and one line below it."""
        return QSize(280, self.heightForWidth(10_000))

    def minimumSizeHint(self) -> QSize:  # noqa: N802, Qt's name
        """Room for a few words."""
        return QSize(160, self.heightForWidth(10_000))

    def hasHeightForWidth(self) -> bool:  # noqa: N802, Qt's name
        """Narrow rows are higher."""
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802, Qt's name
        """The title, and the words below it broken to the width."""
        return _ABOVE + self._title_height() + _BETWEEN + self._below_height(width) + _UNDER

    def _restyle(self) -> None:
        self.updateGeometry()
        self.update()

    def _title_height(self) -> int:
        return QFontMetrics(font(BODY, 500)).height()

    def _below_height(self, width: int) -> int:
        metrics = QFontMetrics(font(SMALL))
        box = QRect(0, 0, max(1, width - _LEFT - 4), 10_000)
        return max(metrics.height(), metrics.boundingRect(box, _BROKEN, unbroken(self.below)).height())

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws the row."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        if self.underMouse() or self.isDown():
            painter.fillRect(area, self._theme.colour("bg"))
        painter.fillRect(QRectF(0, self.height() - 1, self.width(), 1), self._theme.colour("line"))
        painter.save()
        high = self._title_height()
        painter.translate(2, _ABOVE + (high - _SIGN) / 2)
        paint(painter, self._sign, self._theme)
        painter.restore()
        right = QFontMetrics(font(SMALL)).horizontalAdvance(self.right)
        self._line(
            painter,
            self.right,
            SMALL,
            400,
            "muted",
            QRectF(area.width() - right - 2, _ABOVE, right + 2, high),
        )
        room = area.width() - _LEFT - right - 14
        self._line(painter, self.title, BODY, 500, "text", QRectF(_LEFT, _ABOVE, room, high))
        painter.setFont(font(SMALL))
        painter.setPen(self._theme.colour("muted"))
        top = _ABOVE + high + _BETWEEN
        rest = QRectF(_LEFT, top, area.width() - _LEFT - 4, area.height() - top)
        painter.drawText(rest, _BROKEN, unbroken(self.below))
        if self.hasFocus():
            painter.setPen(QPen(self._theme.colour("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area.adjusted(1, 1, -1, -2), 4, 4)

    def _line(  # noqa: PLR0917
        self, painter: QPainter, text: str, size: float, weight: int, role: str, area: QRectF
    ) -> None:
        painter.setFont(font(size, weight))
        painter.setPen(self._theme.colour(role))
        width = max(0, int(area.width()))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, width)
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, shown)
