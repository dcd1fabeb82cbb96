"""The rail at the left: which assessment is open, the pages in the order of the story, what is left to do."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QSizePolicy, QVBoxLayout

from app.gui.icons import pixmap
from app.gui.theme import BODY, SMALL, Theme, font

WIDTH = 208
ROW = 32


class RailButton(QAbstractButton):
    """A page's row: icon, name, and a count of what is left."""

    def __init__(self, key: str, name: str, icon: str, theme: Theme) -> None:
        super().__init__()
        self.key, self._icon, self._theme = key, icon, theme
        self._note = ""
        self.setText(name)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._name()
        theme.changed.connect(self.update)

    def set_note(self, note: str) -> None:
        """What stands at the right: `2 open`."""
        if note != self._note:
            self._note = note
            self._name()
            self.update()

    def _name(self) -> None:
        self.setAccessibleName(f"{self.text()}, {self._note}" if self._note else self.text())

    def sizeHint(self) -> QSize:  # noqa: N802, Qt's name
        """One row."""
        return QSize(WIDTH - 16, ROW)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws the row."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self.rect().adjusted(1, 1, -1, -1)
        role = "accent" if self.isChecked() else "text"
        if self.isChecked() or self.underMouse():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.colour("accbg" if self.isChecked() else "sunk"))
            painter.drawRoundedRect(area, 4, 4)
        if self.hasFocus():
            painter.setPen(QPen(self._theme.colour("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area, 4, 4)
        if not self.isEnabled():
            role = "edge"
        sign = pixmap(
            self._icon, self._theme, "accent" if self.isChecked() else "muted", 16, self.devicePixelRatioF()
        )
        painter.drawPixmap(8, (self.height() - 16) // 2, sign)
        painter.setFont(font(BODY, 500 if self.isChecked() else 400))
        painter.setPen(self._theme.colour(role))
        text = QRect(32, 0, self.width() - 40, self.height())
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())
        if self._note:
            painter.setFont(font(SMALL, 500 if self.isChecked() else 400))
            painter.setPen(self._theme.colour("accent" if self.isChecked() else "muted"))
            painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self._note)


class Rail(QFrame):
    """All rows. `chosen` brings the key of a page, `names` the click on the assessment's name."""

    chosen = Signal(str)
    names = Signal()

    def __init__(
        self, pages: Sequence[tuple[str, str, str]], below: Sequence[tuple[str, str, str]], theme: Theme
    ) -> None:
        """`pages` and `below` are (key, name, icon)."""
        super().__init__()
        self.setObjectName("rail")
        self.setFixedWidth(WIDTH)
        self.buttons: dict[str, RailButton] = {}
        self.head = RailHead(theme)
        self.head.clicked.connect(self.names)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(0)
        layout.addWidget(self.head)
        layout.addSpacing(8)
        for group in (pages, below):
            for key, name, icon in group:
                button = RailButton(key, name, icon, theme)
                button.clicked.connect(lambda _=False, key=key: self.chosen.emit(key))
                self.buttons[key] = button
                layout.addWidget(button)
            if group is pages:
                layout.addStretch(1)

    def show_page(self, key: str) -> None:
        """Marks the row of the page that is shown."""
        for name, button in self.buttons.items():
            button.setChecked(name == key)

    def set_note(self, key: str, note: str) -> None:
        """What is left to do on a page."""
        self.buttons[key].set_note(note)


class RailHead(QAbstractButton):
    """The open assessment: its name and what it is about."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._below = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        theme.changed.connect(self.update)

    def show_names(self, name: str, below: str) -> None:
        """The name, and a muted line below it."""
        self.setText(name)
        self._below = below
        self.setAccessibleName(self.tr("Assessment {0}").replace("{0}", name))
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802, Qt's name
        """Two lines."""
        return QSize(WIDTH - 16, 52)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """Draws both lines and the rule under them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics_area = QRect(8, 6, self.width() - 32, 18)
        painter.setFont(font(BODY, 600))
        painter.setPen(self._theme.colour("text"))
        painter.drawText(
            metrics_area, Qt.AlignmentFlag.AlignVCenter, _elided(painter, self.text(), metrics_area)
        )
        below = QRect(8, 25, self.width() - 16, 18)
        painter.setFont(font(SMALL))
        painter.setPen(self._theme.colour("muted"))
        painter.drawText(below, Qt.AlignmentFlag.AlignVCenter, _elided(painter, self._below, below))
        arrow = pixmap("chevron-down", self._theme, "muted", 14, self.devicePixelRatioF())
        painter.drawPixmap(self.width() - 22, 9, arrow)
        painter.fillRect(0, self.height() - 1, self.width(), 1, self._theme.colour("line"))
        if self.hasFocus():
            painter.setPen(QPen(self._theme.colour("accent"), 2))
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -4), 4, 4)


def _elided(painter: QPainter, text: str, area: QRect) -> str:
    return painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, area.width())
