"""Says why a fact does not count, in place and without a dialog."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import get_args

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.gui.theme import SMALL
from app.gui.widgets.labels import PlainLabel
from assessments.evidence import Challenge, ChallengeReason


class ChallengeForm(QWidget):
    """Fact, reason, note. `challenged` brings a `Challenge`; Escape and Cancel close it."""

    challenged = Signal(object)
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.facts = QComboBox()
        self.facts.setAccessibleName(self.tr("Fact"))
        self.reasons = QComboBox()
        self.reasons.setAccessibleName(self.tr("Reason"))
        self.reasons.addItems(list(get_args(ChallengeReason)))
        self.note = QLineEdit()
        self.note.setAccessibleName(self.tr("Note"))
        self.note.setPlaceholderText(self.tr("Why; printed in the report"))
        self.note.setMaxLength(2_000)
        self.save = QPushButton(self.tr("Challenge"))
        self.save.setAccessibleName(self.tr("Challenge this fact"))
        cancel = QPushButton(self.tr("Cancel"))
        cancel.setProperty("kind", "plain")
        self.save.clicked.connect(self._save)
        self.note.returnPressed.connect(self._save)
        cancel.clicked.connect(self.close_form)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        for row, (word, field) in enumerate(
            ((self.tr("Fact"), self.facts), (self.tr("Reason"), self.reasons), (self.tr("Note"), self.note))
        ):
            grid.addWidget(PlainLabel(word, SMALL, tone="muted"), row, 0)
            grid.addWidget(field, row, 1)
        grid.setColumnStretch(1, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.save)
        buttons.addWidget(cancel)
        buttons.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(8)
        outer.addLayout(grid)
        outer.addLayout(buttons)
        self.hide()

    def ask(self, facts: Sequence[tuple[str, str]]) -> None:
        """Opens the form for one of these facts, as (name, what it is called)."""
        self.facts.clear()
        for name, words in facts:
            self.facts.addItem(words, name)
        self.facts.setEnabled(len(facts) > 1)
        self.note.clear()
        self.show()
        (self.facts if len(facts) > 1 else self.reasons).setFocus(Qt.FocusReason.OtherFocusReason)

    def close_form(self) -> None:
        """Closes it; nothing is challenged."""
        if not self.isHidden():
            self.hide()
            self.closed.emit()

    def _save(self) -> None:
        name = self.facts.currentData()
        if not name:
            return
        reason = self.reasons.currentText()
        note = self.note.text().strip()
        self.close_form()
        self.challenged.emit(Challenge(str(name), reason, datetime.now(UTC), note))  # type: ignore[arg-type]

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, Qt's name
        """Escape closes the form; other keys are not for the page behind it."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_form()
        event.accept()
