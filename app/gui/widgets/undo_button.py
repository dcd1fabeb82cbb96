"""Undo and redo in the head of a page, each named after what it would change."""

from __future__ import annotations

from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QPushButton, QWidget

from app.gui.icons import put_icon
from app.gui.texts import plain_tip
from app.gui.theme import Theme


class UndoButton(QPushButton):
    """Takes the last change back, or brings it again (`is_redo`), which has no word beside its icon."""

    def __init__(
        self, stack: QUndoStack, theme: Theme, *, is_redo: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme, self._icon = theme, "redo-2" if is_redo else "undo-2"
        self._word = self.tr("Redo") if is_redo else self.tr("Undo")
        self._keys = "Ctrl+Shift+Z" if is_redo else "Ctrl+Z"
        self.setProperty("kind", "plain")
        if is_redo:
            self.setFixedWidth(40)
        else:
            self.setText(self._word)
        self.clicked.connect(stack.redo if is_redo else stack.undo)
        # What the stack says comes as values: it may be gone already while it says its last.
        (stack.canRedoChanged if is_redo else stack.canUndoChanged).connect(self.setEnabled)
        (stack.redoTextChanged if is_redo else stack.undoTextChanged).connect(self.name_change)
        self.setEnabled(stack.canRedo() if is_redo else stack.canUndo())
        self.name_change(stack.redoText() if is_redo else stack.undoText())
        self._tint()
        theme.changed.connect(self._tint)

    def name_change(self, what: str) -> None:
        """Says what would be undone."""
        said = f"{self._word}: {what}" if what else self._word
        self.setAccessibleName(said)
        self.setToolTip(plain_tip(f"{said} ({self._keys})"))

    def _tint(self) -> None:
        put_icon(self, self._icon, self._theme)
