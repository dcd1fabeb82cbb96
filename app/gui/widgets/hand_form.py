"""A fact that a person gives, in place and without a dialog."""

from __future__ import annotations

from datetime import UTC, datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QCompleter, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.gui.level_words import meaning
from app.gui.models.facts import facts_by_hand, value_of
from app.gui.theme import BODY, SMALL
from app.gui.widgets.labels import PlainLabel
from probes.errors import UsageError
from probes.facts import CATALOGUE, Fact, FactError, Source

LEAST_VALUE = 96
"""Pixels of the field for the value."""


class HandForm(QWidget):
    """Name and value. `given` brings a `Fact`; Escape and Cancel close it."""

    given = Signal(object)
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.names = QComboBox()
        self.names.setEditable(True)
        self.names.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.names.setAccessibleName(self.tr("Fact"))
        self.names.setMinimumContentsLength(18)
        self.names.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for entry in facts_by_hand():
            self.names.addItem(f"{entry.name}  {meaning(entry.name)}", entry.name)
        completer = QCompleter(self.names.model(), self)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.names.setCompleter(completer)
        self.value = QLineEdit()
        self.value.setAccessibleName(self.tr("Value"))
        self.value.setMaxLength(1_000)
        self.value.setMinimumWidth(LEAST_VALUE)
        self.unit = PlainLabel("", SMALL, tone="muted")
        self.unit.setMinimumWidth(70)
        self.save = QPushButton(self.tr("Add fact"))
        self.save.clicked.connect(self._give)
        self.value.returnPressed.connect(self._give)
        cancel = QPushButton(self.tr("Cancel"))
        cancel.setProperty("kind", "plain")
        cancel.clicked.connect(self.close_form)
        self.names.currentIndexChanged.connect(self._show_unit)
        self.wrong = PlainLabel("", BODY, tone="bad", wrap=True)
        self.wrong.hide()
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.names, 3)
        row.addWidget(self.value, 1)
        row.addWidget(self.unit)
        row.addWidget(self.save)
        row.addWidget(cancel)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(32, 8, 32, 8)
        outer.setSpacing(4)
        outer.addLayout(row)
        outer.addWidget(self.wrong)
        outer.addWidget(
            PlainLabel(
                self.tr(
                    "A fact by hand backs a claim like a dated document; it proves and contradicts nothing."
                ),
                SMALL,
                tone="muted",
                wrap=True,
            )
        )
        self._show_unit()
        self.hide()

    def ask(self) -> None:
        """Opens the form."""
        self.value.clear()
        self.wrong.hide()
        self.show()
        self.names.setFocus(Qt.FocusReason.OtherFocusReason)
        line = self.names.lineEdit()
        if line is not None:
            # From the end to the beginning, which is what is seen of a long one.
            line.end(False)
            line.cursorBackward(True, len(line.text()))

    def close_form(self) -> None:
        """Closes it; nothing is given."""
        if not self.isHidden():
            self.hide()
            self.closed.emit()

    @property
    def name(self) -> str:
        """The fact that is chosen or written; empty where it is none."""
        text = self.names.currentText().split("  ")[0].strip()
        return text if self.names.findData(text) >= 0 else ""

    def _show_unit(self) -> None:
        entry = CATALOGUE.get(self.name)
        words = ""
        if entry is not None:
            words = {"boolean": self.tr("yes or no"), "choice": ", ".join(entry.choices)}.get(
                entry.type, "" if entry.unit == "1" else entry.unit
            )
        self.unit.setText(words if len(words) < 24 else self.tr("a word"))
        self.value.setPlaceholderText(words)

    def _give(self) -> None:
        name = self.name
        try:
            if not name:
                raise UsageError(self.tr("Choose a fact from the list first."))
            entry = CATALOGUE[name]
            value = value_of(entry, self.value.text())
            fact = Fact(name, value, entry.unit, Source("by hand"), datetime.now(UTC), "by_hand")
        except (UsageError, FactError) as error:
            self.wrong.setText(str(error))
            self.wrong.show()
            self.value.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        self.close_form()
        self.given.emit(fact)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, Qt's name
        """Escape closes the form; other keys are not for the page behind it."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_form()
        event.accept()
