"""Labels that show text as it is, never as markup, and the hairlines between parts."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from app.gui.texts import as_written, unbroken
from app.gui.theme import BODY, SECTION, font


class PlainLabel(QLabel):
    """Plain text at a size and weight. `tone` is muted, ok, warn, bad or accent; `wrap` breaks lines.

    No line ends inside `req/s` or after the dashes of an option, but in text that can be selected: what is
    copied is as it was given.
    """

    def __init__(
        self,
        text: str = "",
        size: float = BODY,
        weight: int = 400,
        *,
        tone: str = "",
        wrap: bool = False,
        selectable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._heights: dict[int, int] = {}
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(font(size, weight) if size < SECTION else _heading_font(size, weight))
        self.setWordWrap(wrap)
        if tone:
            self.set_tone(tone)
        if selectable:
            flags = (
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )
            self.setTextInteractionFlags(flags)
        self.setText(text)

    def setText(self, text: str) -> None:  # noqa: N802, Qt's name
        """Shows another text."""
        self._heights.clear()
        is_copied = bool(self.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse)
        super().setText(unbroken(text) if self.wordWrap() and not is_copied else text)

    def text(self) -> str:
        """The text as it was given."""
        return as_written(super().text())

    def heightForWidth(self, width: int) -> int:  # noqa: N802, Qt's name
        """The height of the text broken to a width; layouts ask for the same ones again and again."""
        found = self._heights.get(width)
        if found is None:
            found = self._heights[width] = super().heightForWidth(width)
        return found

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802, Qt's name
        """Another font or style breaks the text elsewhere."""
        self._heights.clear()
        super().changeEvent(event)

    def set_tone(self, tone: str) -> None:
        """Another role of colour; empty is that of text."""
        if self.property("tone") != tone:
            self.setProperty("tone", tone)
            self.style().unpolish(self)
            self.style().polish(self)


def _heading_font(size: float, weight: int) -> QFont:
    """Without digits of one width, which tear large dates and numbers apart."""
    found = QFont(font(size, weight))
    found.unsetFeature(QFont.Tag("tnum"))
    return found


def rule(*, upright: bool = False) -> QFrame:
    """A hairline."""
    line = QFrame()
    line.setObjectName("rule")
    line.setFrameShape(QFrame.Shape.NoFrame)
    if upright:
        line.setFixedWidth(1)
    else:
        line.setFixedHeight(1)
    return line
