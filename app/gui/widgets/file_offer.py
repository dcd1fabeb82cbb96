"""A file that was opened: what it is, what was checked, and what can be made of it. Shown in place."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.charts.pieces import State, verdict_badge
from app.gui.opening import CAN_BE_OPENED, Checked, Found
from app.gui.theme import BODY, SECTION, SMALL, Theme
from app.gui.widgets.chart_view import ShapesView
from app.gui.widgets.labels import PlainLabel, rule

_SIGNS: dict[str, State] = {"right": "verified", "wrong": "contradicted", "not_checked": "challenged"}
_SIGN = 14


class FileOffer(QWidget):
    """What was found in a file, with its buttons. `accepted` brings what to do and a name."""

    accepted = Signal(str, str)
    """`make` with the name of the new assessment, `add` to the open one, `run` or `store`."""
    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.found: Found | None = None
        self.head = PlainLabel("", SECTION, 600, wrap=True, selectable=True)
        self.about = PlainLabel("", BODY, wrap=True, selectable=True)
        self.lines = QVBoxLayout()
        self.lines.setSpacing(4)
        self.error = PlainLabel("", BODY, tone="bad", wrap=True, selectable=True)
        self.error.hide()
        self.name_label = PlainLabel(self.tr("Name of the assessment"), SMALL, 500)
        self.name = QLineEdit()
        self.name.setAccessibleName(self.tr("Name of the assessment"))
        self.name.setMaxLength(100)
        self.name.setMaximumWidth(360)
        self.name_label.setBuddy(self.name)
        self.use = QPushButton("")
        self.use.setProperty("kind", "primary")
        self.use.clicked.connect(self._use)
        self.add = QPushButton("")
        self.add.clicked.connect(lambda: self.accepted.emit("add", ""))
        self.cancel = QPushButton(self.tr("Close"))
        self.cancel.setProperty("kind", "plain")
        self.cancel.setAccessibleName(self.tr("Close what is said of the file"))
        self.cancel.clicked.connect(self.close_offer)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.use, self.add, self.cancel):
            buttons.addWidget(button)
        buttons.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 16)
        outer.setSpacing(8)
        outer.addWidget(self.head)
        outer.addWidget(self.about)
        outer.addLayout(self.lines)
        outer.addWidget(self.name_label)
        outer.addWidget(self.name)
        outer.addWidget(self.error)
        outer.addLayout(buttons)
        outer.addWidget(rule())
        self.hide()

    def show_reading(self, name: str) -> None:
        """The file is being looked at; this is said where it takes a moment."""
        self._begin(name)
        self.about.setText(self.tr("Being read and checked …"))
        for widget in (self.name, self.name_label, self.use, self.add):
            widget.hide()

    def show_wrong(self, name: str, sentence: str) -> None:
        """It is nothing that can be opened, or it is damaged."""
        self._begin(name)
        self.about.setText("")
        self.about.hide()
        for widget in (self.name, self.name_label, self.use, self.add):
            widget.hide()
        self.fail(sentence)
        if CAN_BE_OPENED not in sentence:
            self._line(None, f"{self.tr('What can be opened')}: {CAN_BE_OPENED}.")
        self.cancel.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_found(self, found: Found, proposed: str, is_open: str) -> None:
        """What it is. `proposed` is a name that is free, `is_open` the assessment that is open."""
        self._begin(found.path.name)
        self.found = found
        self.about.setText(found.about)
        for check in found.checks:
            self._line(check, check.text)
        if not found.is_sound:
            self._line(None, self.tr("The report is not what it says: do not rely on it."), tone="bad")
        for remark in found.remarks:
            self._line(None, remark)
        makes = found.kind not in ("run", "store")
        self.name.setVisible(makes)
        self.name_label.setVisible(makes)
        self.name.setText(proposed)
        self.use.setText(
            {
                "report": self.tr("Restore") if found.is_sound else self.tr("Restore its data all the same"),
                "answers": self.tr("Create assessment"),
                "lens": self.tr("Create assessment"),
                "evidence": self.tr("Create assessment"),
                "run": self.tr("Run it"),
                "store": self.tr("Open this store"),
            }[found.kind]
        )
        self.use.setAccessibleName(self.use.text())
        self.use.setProperty("kind", "primary" if found.is_sound else "danger")
        self.use.style().unpolish(self.use)
        self.use.style().polish(self.use)
        self.use.show()
        self.add.setVisible(found.kind == "evidence" and bool(is_open))
        self.add.setText(self.tr("Add to {0}").replace("{0}", is_open))
        self.add.setAccessibleName(self.add.text())
        target: QWidget = self.name if makes else self.use
        target.setFocus(Qt.FocusReason.OtherFocusReason)
        if makes:
            self.name.selectAll()

    def fail(self, sentence: str) -> None:
        """Says what could not be done."""
        self.error.setText(sentence)
        self.error.setAccessibleName(sentence)
        self.error.show()

    def close_offer(self) -> None:
        """Closes it; nothing is made of the file."""
        if not self.isHidden():
            self.found = None
            self.hide()
            self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, Qt's name
        """Enter does what the first button says, Escape closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_offer()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.name.hasFocus():
            self._use()
        else:
            super().keyPressEvent(event)

    def _use(self) -> None:
        if self.found is None:
            return
        self.error.hide()
        kind = self.found.kind
        self.accepted.emit(kind if kind in ("run", "store") else "make", self.name.text())

    def _begin(self, name: str) -> None:
        self.found = None
        self.head.setText(name)
        self.setAccessibleName(name)
        self.about.show()
        self.error.hide()
        while (item := self.lines.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        self.show()

    def _line(self, check: Checked | None, text: str, tone: str = "muted") -> None:
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        if check is not None:
            sign = ShapesView(
                verdict_badge(_SIGNS.get(check.outcome, "challenged"), _SIGN), (_SIGN, _SIGN), self._theme
            )
            layout.addWidget(sign)
            words = {
                "right": self.tr("right"),
                "wrong": self.tr("wrong"),
                "not_checked": self.tr("not checked"),
            }
            word = PlainLabel(words.get(check.outcome, check.outcome), BODY, 500)
            word.setFixedWidth(84)
            layout.addWidget(word)
        layout.addWidget(PlainLabel(text, BODY, tone=tone, wrap=True, selectable=True), 1)
        self.lines.addWidget(row)
