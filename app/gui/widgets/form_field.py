"""A field of a form: its parts in a row, a hint, and what is wrong with it below."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from app.gui.theme import SMALL
from app.gui.widgets.labels import PlainLabel


class Field(QWidget):
    """A field with what is wrong with it below."""

    def __init__(self, *parts: QWidget | str, below: str = "") -> None:
        super().__init__()
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for part in parts:
            row.addWidget(PlainLabel(part) if isinstance(part, str) else part)
        if not any(
            isinstance(part, QLineEdit | QPlainTextEdit) and part.maximumWidth() > 400 for part in parts
        ):
            row.addStretch(1)
        self.hint = PlainLabel(below, SMALL, tone="muted", wrap=True)
        if not below:
            self.hint.hide()
        self.problem = PlainLabel("", SMALL, tone="bad", wrap=True)
        self.problem.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addLayout(row)
        column.addWidget(self.hint)
        column.addWidget(self.problem)

    def say(self, problem: str) -> None:
        """What is wrong; empty for nothing."""
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        self.setAccessibleDescription(problem)
