"""Settings: how the window looks, where assessments are kept, what new ones begin with, and a reset."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.gui.executor import Failure
from app.gui.page import Context, Page
from app.gui.texts import filled
from app.gui.theme import BODY, SCHEMES, SECTION, SMALL, ZOOMS
from app.gui.widgets.labels import PlainLabel, rule
from app.gui.widgets.page_scroll import PageScroll
from app.gui.widgets.segments import Segments
from probes.errors import UserError

WIDEST = 760
MOST = 1_000
"""The settings take their widest before the gap beside them takes anything."""
KEPT_BY_RESET = ("window/geometry",)


class SettingsPage(Page):
    """Everything stands in one ini file, which is named at the foot."""

    key = "settings"
    icon = "sliders-horizontal"
    needs_assessment = False

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.keys = (("Ctrl + −", self.tr("larger and smaller type")),)
        words = {"system": self.tr("As the system"), "light": self.tr("Light"), "dark": self.tr("Dark")}
        self.scheme = Segments(
            [(scheme, words[scheme]) for scheme in SCHEMES], self.theme, self.tr("Colours of the window")
        )
        self.scheme.chosen.connect(self.set_scheme)
        self.zoom = Segments(
            [(str(size), f"{size} %") for size in ZOOMS], self.theme, self.tr("Size of type")
        )
        self.zoom.chosen.connect(lambda size: self.set_zoom(int(size)))
        self.store = PlainLabel("", BODY, wrap=True, selectable=True)
        self.journal = PlainLabel("", SMALL, tone="muted", wrap=True)
        self.another = _button(self.tr("Open another store…"))
        self.another.clicked.connect(self.choose_store)
        self.copy = _button(self.tr("Copy its place"))
        self.copy.setProperty("kind", "link")
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.store.text()))
        self.slo = QLineEdit()
        self.slo.setAccessibleName(self.tr("Objective of new assessments"))
        self.slo.setPlaceholderText("p99<=200ms,errors<=1%")
        self.slo.setMaximumWidth(360)
        self.slo.editingFinished.connect(self.keep_slo)
        self.slo_wrong = PlainLabel("", SMALL, tone="bad", wrap=True)
        self.slo_wrong.hide()
        self.language = PlainLabel(self.tr("English"), BODY)
        self.file = PlainLabel("", SMALL, tone="muted", wrap=True, selectable=True)
        self.reset = _button(self.tr("Reset settings…"))
        self.reset.clicked.connect(lambda: self._ask_reset(asking=True))
        self.sure = _button(self.tr("Reset"))
        self.sure.setProperty("kind", "danger")
        self.sure.clicked.connect(self.reset_all)
        self.unsure = _button(self.tr("Keep them"))
        self.unsure.setProperty("kind", "plain")
        self.unsure.clicked.connect(lambda: self._ask_reset(asking=False))
        self._build()
        context.stores.opened.connect(self._show_store)
        context.stores.failed.connect(self._store_failed)
        self.theme.changed.connect(self._show_theme)
        self._ask_reset(asking=False)
        self._show()

    def _build(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(32)
        grid.setVerticalSpacing(8)
        grid.setColumnMinimumWidth(0, 168)
        grid.setColumnStretch(1, 1)
        store = QHBoxLayout()
        store.setSpacing(16)
        store.addWidget(self.another)
        store.addWidget(self.copy)
        store.addStretch(1)
        reset = QHBoxLayout()
        reset.setSpacing(8)
        for button in (self.reset, self.sure, self.unsure):
            reset.addWidget(button)
        reset.addStretch(1)
        parts: tuple[tuple[str, tuple[tuple[str, tuple[Any, ...]], ...]], ...] = (
            (
                self.tr("Window"),
                (
                    (self.tr("Colours"), (self.scheme,)),
                    (self.tr("Size of type"), (self.zoom,)),
                    (self.tr("Language"), (self.language,)),
                ),
            ),
            (
                self.tr("Store"),
                ((self.tr("Where it is"), (self.store, self.journal, store)),),
            ),
            (
                self.tr("New assessments"),
                (
                    (
                        self.tr("Objective"),
                        (
                            self.slo,
                            self.slo_wrong,
                            PlainLabel(
                                self.tr("What counts as fast enough, where nothing else is said."),
                                SMALL,
                                tone="muted",
                                wrap=True,
                            ),
                        ),
                    ),
                ),
            ),
            (
                self.tr("These settings"),
                (
                    (
                        self.tr("As they were"),
                        (
                            reset,
                            PlainLabel(
                                self.tr("Assessments, runs and reports are not touched."), SMALL, tone="muted"
                            ),
                            self.file,
                        ),
                    ),
                ),
            ),
        )
        row = 0
        for title, rows in parts:
            if row:
                grid.addWidget(rule(), row, 0, 1, 2)
                grid.setRowMinimumHeight(row, 25)
                row += 1
            grid.addWidget(PlainLabel(title, SECTION, 600), row, 0, 1, 2)
            row += 1
            for word, widgets in rows:
                label = PlainLabel(word, BODY, tone="muted")
                label.setMinimumHeight(30)
                grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
                column = QVBoxLayout()
                column.setSpacing(6)
                for widget in widgets:
                    if isinstance(widget, QHBoxLayout):
                        column.addLayout(widget)
                    elif isinstance(widget, Segments):
                        column.addWidget(widget, 0, Qt.AlignmentFlag.AlignLeft)
                    else:
                        if widget in (self.store, self.language):
                            widget.setMinimumHeight(30)
                        column.addWidget(widget)
                grid.addLayout(column, row, 1)
                row += 1
        inner = QWidget()
        inner.setMaximumWidth(WIDEST)
        inside = QVBoxLayout(inner)
        inside.setContentsMargins(32, 20, 32, 20)
        inside.addLayout(grid)
        inside.addStretch(1)
        holder = QWidget()
        across = QHBoxLayout(holder)
        across.setContentsMargins(0, 0, 0, 0)
        # Not set to the left by an alignment: that takes the width of its hint, where lines wrap elsewhere.
        across.addWidget(inner, MOST)
        across.addStretch(1)
        inner.setMinimumWidth(600)
        scroll = PageScroll(holder)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    def title(self) -> str:
        """Settings."""
        return self.tr("Settings")

    def enter(self, **_where: Any) -> None:
        """Shows what holds now."""
        self._show()

    def leave(self) -> None:
        """Keeps what is written in the field."""
        self.keep_slo()
        self._ask_reset(asking=False)

    # -- what is set ---------------------------------------------------------------------------------------

    def set_scheme(self, scheme: str) -> None:
        """Light, dark, or as the system."""
        if scheme in SCHEMES:
            self.context.settings.setValue("window/scheme", scheme)
            self.theme.set_scheme(scheme)
            self._show_theme()

    def set_zoom(self, per_cent: int) -> None:
        """The size of type."""
        self.context.settings.setValue("window/zoom", per_cent)
        self.theme.set_zoom(per_cent)
        self._show_theme()

    def keep_slo(self) -> None:
        """Keeps the objective, if it is one."""
        from probes.slo import parse_slo

        text = self.slo.text().strip()
        self.slo_wrong.hide()
        if text:
            try:
                parse_slo(text)
            except UserError as error:
                self.slo_wrong.setText(str(error))
                self.slo_wrong.show()
                return
        self.context.settings.setValue("defaults/slo", text)

    def choose_store(self) -> None:
        """Asks for another store, and opens it."""
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Open a store"))
        if name:
            self.context.stores.open(name)

    def reset_all(self) -> None:
        """Everything as it was at first; the place of the window and all that is stored stay."""
        settings = self.context.settings
        kept = {key: settings.value(key) for key in KEPT_BY_RESET if settings.contains(key)}
        settings.clear()
        for key, value in kept.items():
            settings.setValue(key, value)
        settings.sync()
        self.theme.set_scheme("system")
        self.theme.set_zoom(100)
        self._ask_reset(asking=False)
        self._show()

    # -- what is shown -------------------------------------------------------------------------------------

    def _show(self) -> None:
        self._show_theme()
        self._show_store()
        self.slo.setText(str(self.context.settings.value("defaults/slo", "") or ""))
        self.slo_wrong.hide()
        self.file.setText(filled(self.tr("They stand in {0}"), self.context.settings.fileName()))

    def _show_theme(self) -> None:
        self.scheme.show_chosen(self.theme.scheme)
        self.zoom.show_chosen(str(self.theme.zoom))

    def _show_store(self) -> None:
        if not self.session.has_store:
            self.store.setText(self.tr("No store is open."))
            self.journal.setText("")
            return
        store = self.session.store
        self.store.setText(store.url.removeprefix("sqlite:///"))
        text = self.tr("Journal: {0}; {1}.")
        self.journal.setText(filled(text, store.journal_mode, store.journal_reason))

    def _store_failed(self, failure: Failure) -> None:
        if self.isVisible():
            self.context.say(failure)

    def _ask_reset(self, *, asking: bool) -> None:
        self.reset.setVisible(not asking)
        self.sure.setVisible(asking)
        self.unsure.setVisible(asking)
        if asking:
            self.unsure.setFocus(Qt.FocusReason.OtherFocusReason)


def _button(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setAccessibleName(text)
    return button
