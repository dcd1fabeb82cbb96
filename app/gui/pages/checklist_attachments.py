"""The documents that back an answer, and the form that adds one."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from PySide6.QtCore import QDate, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDateEdit,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.gui.theme import BODY, SMALL, Theme
from app.gui.widgets.form_line import FormLine
from app.gui.widgets.labels import PlainLabel
from assessments.claims import Attachment
from assessments.evidence import attachment_counts
from assessments.judging import Judged


class Attachments(QWidget):
    """The documents that back an answer, and the form that adds one."""

    added = Signal(object)
    removed = Signal(object)
    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._list = QVBoxLayout()
        self._list.setSpacing(2)
        self._shown: object = None
        self._box: QWidget | None = None
        self.form = QWidget()
        self.file = FormLine()
        self.file.setAccessibleName(self.tr("Document"))
        self.file.setPlaceholderText(self.tr("Name of the document"))
        self.file.setMaxLength(1_000)
        choose = QPushButton(self.tr("Choose…"))
        choose.clicked.connect(self._choose)
        self.dated = QDateEdit()
        self.dated.setAccessibleName(self.tr("Day it was made"))
        self.dated.setDisplayFormat("yyyy-MM-dd")
        self.dated.setCalendarPopup(True)
        self.add = QPushButton(self.tr("Attach"))
        self.add.setAccessibleName(self.tr("Attach the document"))
        self.add.clicked.connect(self._add)
        self.file.returnPressed.connect(self._add)
        cancel = QPushButton(self.tr("Cancel"))
        cancel.setProperty("kind", "plain")
        cancel.clicked.connect(self.close_form)
        first, second = QHBoxLayout(), QHBoxLayout()
        for row in (first, second):
            row.setSpacing(8)
        first.addWidget(self.file, 1)
        first.addWidget(choose)
        second.addWidget(PlainLabel(self.tr("made on"), SMALL, tone="muted"))
        second.addWidget(self.dated)
        second.addWidget(self.add)
        second.addWidget(cancel)
        second.addStretch(1)
        about = self.tr("Its name and date are kept. While it is young enough it backs the answer.")
        inner = QVBoxLayout(self.form)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(6)
        inner.addLayout(first)
        inner.addLayout(second)
        inner.addWidget(PlainLabel(about, SMALL, tone="muted", wrap=True))
        self.form.hide()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(8)
        outer.addLayout(self._list)
        outer.addWidget(self.form)

    def ask(self) -> None:
        """Opens the form."""
        self.file.clear()
        self.dated.setDate(QDate.currentDate())
        self.form.show()
        self.file.setFocus(Qt.FocusReason.OtherFocusReason)

    def close_form(self) -> None:
        """Closes it; nothing is attached."""
        if not self.form.isHidden():
            self.form.hide()
            self.closed.emit()

    def show_attachments(self, attachments: tuple[Attachment, ...], judged: Judged) -> None:
        """Lists them, each with whether it counts."""
        evidence = judged.evidence
        counted = tuple(
            (entry, attachment_counts(entry.dated, evidence.as_of, evidence.expiry)) for entry in attachments
        )
        if counted == self._shown:
            return
        self._shown = counted
        if self._box is not None:
            self._list.removeWidget(self._box)
            self._box.hide()
            self._box.deleteLater()
        box = self._box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for entry, counts in counted:
            if entry.dated is None:
                said = self.tr("{0}, without a date: it backs nothing").replace("{0}", entry.file)
            else:
                said = self.tr("{0} of {1}") if counts else self.tr("{0} of {1}, too old to back the answer")
                said = said.replace("{1}", entry.dated.isoformat()).replace("{0}", entry.file)
            row = QHBoxLayout()
            row.setSpacing(12)
            row.addWidget(PlainLabel(said, BODY, wrap=True), 1)
            remove = QPushButton(self.tr("Remove"))
            remove.setProperty("kind", "link")
            remove.setAccessibleName(self.tr("Remove {0}").replace("{0}", entry.file))
            remove.clicked.connect(lambda _=False, entry=entry: self.removed.emit(entry))
            row.addWidget(remove)
            column.addLayout(row)
        self._list.addWidget(box)
        box.setVisible(bool(counted))

    def _choose(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Document that backs the answer"))
        if name:
            self.take_file(Path(name))

    def take_file(self, path: Path) -> None:
        """Puts a file's name into the form, and the day it was changed last."""
        self.file.setText(path.name)
        try:
            made = datetime.fromtimestamp(path.stat().st_mtime).astimezone().date()
        except OSError:
            return
        self.dated.setDate(QDate(made.year, made.month, made.day))

    def _add(self) -> None:
        name = self.file.text().strip()
        if not name:
            self.file.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        day = self.dated.date()
        self.close_form()
        self.added.emit(Attachment(name, date(day.year(), day.month(), day.day())))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, Qt's name
        """Escape closes the form."""
        if event.key() == Qt.Key.Key_Escape and not self.form.isHidden():
            self.close_form()
            event.accept()
        else:
            super().keyPressEvent(event)
