"""A button that shows the key which does the same."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from app.gui.icons import pixmap
from app.gui.theme import BODY, Theme
from app.gui.widgets.keycap import KeyCap
from app.gui.widgets.labels import PlainLabel


class KeyButton(QPushButton):
    """An icon if there is one, a word, and the cap of its key."""

    def __init__(
        self, text: str, key: str, theme: Theme, icon: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme, self._icon_name = theme, icon
        self.setAccessibleName(text)
        self.setAccessibleDescription(key)
        self._sign = QLabel(self)
        self._word = PlainLabel(text, BODY, 500)
        cap = KeyCap(key, theme)
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(9, 0, 9, 0)
        row.setSpacing(8)
        parts = [self._sign, self._word, cap] if icon else [cap, self._word]
        for part in parts:
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            row.addWidget(part)
        self._tint()
        theme.changed.connect(self._tint)

    def _tint(self) -> None:
        if self._icon_name:
            self._sign.setPixmap(pixmap(self._icon_name, self._theme, "muted", 16))

    def sizeHint(self) -> QSize:  # noqa: N802, Qt's name
        """As wide as its parts."""
        return QSize(self._row.sizeHint().width() + 2, 32)

    minimumSizeHint = sizeHint  # noqa: N815, Qt's name
