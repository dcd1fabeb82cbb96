"""Ctrl K: goes to any page or question by a few letters. F1: the keys of a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QGridLayout, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout

from app.gui.theme import SECTION
from app.gui.widgets.keycap import KeyCap
from app.gui.widgets.labels import PlainLabel

if TYPE_CHECKING:
    from app.gui.window import MainWindow

MOST_SHOWN = 200


class Palette(QDialog):
    """A line to type in and what fits it."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.setWindowTitle(self.tr("Go to"))
        self.setMinimumSize(520, 420)
        self.line = QLineEdit()
        self.line.setPlaceholderText(self.tr("Page, question or a word of it"))
        self.line.setAccessibleName(self.tr("Go to"))
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("What fits"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.addWidget(self.line)
        layout.addWidget(self.list, 1)
        self._places = places(window)
        self.line.textChanged.connect(self._filter)
        self.line.installEventFilter(self)
        self.list.itemActivated.connect(self._go)
        self._filter("")

    def _filter(self, text: str) -> None:
        wanted = text.casefold().split()
        self.list.clear()
        for name, where in self._places:
            if all(word in name.casefold() for word in wanted):
                item = QListWidgetItem(name)
                item.setData(Qt.ItemDataRole.UserRole, where)
                self.list.addItem(item)
                if self.list.count() >= MOST_SHOWN:
                    break
        self.list.setCurrentRow(0)

    def _go(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        page, more = item.data(Qt.ItemDataRole.UserRole)
        self.accept()
        self._window.go_to(page, **more)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802, Qt's name
        """Arrows move in the list and Enter goes there, while the line keeps the focus."""
        if watched is self.line and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None:
                row = self.list.currentRow() + step
                self.list.setCurrentRow(max(0, min(row, self.list.count() - 1)))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._go(self.list.currentItem())
                return True
        return super().eventFilter(watched, event)


def places(window: MainWindow) -> list[tuple[str, tuple[str, dict[str, Any]]]]:
    """Every place with its name: pages that can be shown, and the questions of the open assessment."""
    found: list[tuple[str, tuple[str, dict[str, Any]]]] = []
    for key, button in window.rail.buttons.items():
        if button.isEnabled():
            found.append((button.text(), (key, {})))
    judged = window.session.now
    if judged is not None:
        for question in judged.lens.questions:
            name = f"{question.id}  {question.title}"
            found.append((name, ("checklist", {"question": question.id})))
    return found


def global_keys(window: MainWindow) -> Sequence[tuple[str, str]]:
    """The keys that work everywhere, and what each does."""
    return (
        ("Ctrl K", window.tr("go to any page or question")),
        ("Ctrl 1 … 8", window.tr("the pages")),
        ("Ctrl N", window.tr("new assessment")),
        ("Ctrl O", window.tr("open a file")),
        ("Ctrl E", window.tr("export the report")),
        ("Ctrl Z", window.tr("undo")),
        ("Ctrl Shift Z", window.tr("redo")),
        ("Ctrl + −", window.tr("larger and smaller type; Ctrl 0 as usual")),
        ("F6", window.tr("from the rail to the page and back")),
        ("F1", window.tr("these keys")),
    )


def show_keys(window: MainWindow, keys: Sequence[tuple[str, str]]) -> None:
    """A list of the page's keys and of those that work everywhere."""
    dialog = QDialog(window)
    dialog.setWindowTitle(window.tr("Keys"))
    layout = QGridLayout(dialog)
    layout.setContentsMargins(24, 24, 24, 24)
    layout.setHorizontalSpacing(16)
    theme = window.context.theme
    row = 0
    for title, group in ((window.tr("On this page"), keys), (window.tr("Everywhere"), global_keys(window))):
        if not group:
            continue
        layout.addWidget(PlainLabel(title, SECTION, 600), row, 0, 1, 2)
        row += 1
        for key, what in group:
            layout.addWidget(KeyCap(key, theme), row, 0, Qt.AlignmentFlag.AlignLeft)
            layout.addWidget(PlainLabel(what), row, 1)
            row += 1
    dialog.exec()
