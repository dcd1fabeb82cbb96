"""Evidence: every fact with its source, what was set aside and why, and how more is added.

Keys: / search, Enter opens the source, C challenges, Escape closes. Files and folders are dropped anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.gui import sources
from app.gui.evidence_taking import NOT_EVIDENCE, Taken, take_evidence
from app.gui.executor import Failure
from app.gui.models.facts import FACT, KINDS, ROW, FactRow, FactsFilter, FactsModel, rows_of
from app.gui.page import Context, Page
from app.gui.pages.evidence_detail import FactDetail
from app.gui.theme import BODY, SMALL
from app.gui.widgets.fact_table import FactTable
from app.gui.widgets.following_scroll import FollowingScroll
from app.gui.widgets.form_line import FormLine
from app.gui.widgets.hand_form import HandForm
from app.gui.widgets.keycap import KeyCap
from app.gui.widgets.labels import PlainLabel, rule
from app.gui.widgets.notice import Notice
from app.gui.widgets.segments import Segments
from app.gui.widgets.strip import Strip
from assessments.judging import Judged
from assessments.ladders import asked_facts
from assessments.stored import add_by_hand
from probes.facts import Fact

NARROW = 1200 - 209
TIGHT = 1360 - 209
DETAIL, DETAIL_TIGHT = 400, 336
LEAST_SEARCH = 150
"""Pixels of the search at the usual size of type."""
SAID_AFTER_MS = 200
"""What takes less is not said to be under way."""
_TYPING = (QLineEdit, QPlainTextEdit, QAbstractSpinBox, QComboBox)


class EvidencePage(Page):
    """The facts of the open assessment."""

    key = "evidence"
    icon = "file-text"
    keys = (
        ("/", "search"),
        ("↓ ↑", "next, previous fact"),
        ("Enter", "open the source at its line"),
        ("C", "challenge the fact"),
        ("Esc", "close, show all"),
    )

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.model = FactsModel(self)
        self.filter = FactsFilter(self)
        self.filter.setSourceModel(self.model)
        self._judged: Judged | None = None
        self._is_narrow: bool | None = None
        self._wanted = ""
        self.last_taken: Taken | None = None
        self.setAcceptDrops(True)
        self._build_tools()
        self._build_body()
        self._arrange()
        self.filter.sort(FACT, Qt.SortOrder.AscendingOrder)

    # -- parts ---------------------------------------------------------------------------------------------

    def _build_tools(self) -> None:
        self.add = QPushButton(self.tr("Add files…"))
        self.add.setProperty("kind", "primary")
        self.add.clicked.connect(self.choose_files)
        self.add_folder = QPushButton(self.tr("Add folder…"))
        self.add_folder.clicked.connect(self.choose_folder)
        self.by_hand = QPushButton(self.tr("Fact by hand…"))
        self.by_hand.clicked.connect(self.ask_by_hand)
        self.search = FormLine()
        self.search.setPlaceholderText(self.tr("Search facts"))
        self.search.setAccessibleName(self.tr("Search facts"))
        self.search.setClearButtonEnabled(True)
        self.search.setMaximumWidth(280)
        self.search.textChanged.connect(lambda text: self._narrow(text=text))
        self.search.returnPressed.connect(self._focus_table)
        self.pillar = QComboBox()
        self.pillar.setAccessibleName(self.tr("Pillar"))
        self.pillar.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.pillar.currentIndexChanged.connect(lambda: self._narrow(pillar=self.pillar.currentData() or ""))
        words = {
            "all": self.tr("All"),
            "measured": self.tr("Measured"),
            "read": self.tr("Read"),
            "derived": self.tr("Derived"),
            "by_hand": self.tr("By hand"),
            "set_aside": self.tr("Set aside"),
        }
        self.kinds = Segments([(kind, words[kind]) for kind in KINDS], self.theme, self.tr("State"))
        self.kinds.chosen.connect(self.set_kind)

    def _build_body(self) -> None:
        self.form = HandForm()
        self.form.given.connect(self.give)
        self.form.closed.connect(self._focus_table)
        self.strip = Strip("file-text", self.theme)
        self.strip.asked.connect(self._link)
        self.notice = Notice(self.theme)
        self.notice.hide()
        self.table = FactTable(self.theme)
        self.table.setAccessibleName(self.tr("Facts"))
        self.table.setModel(self.filter)
        self.table.selectionModel().currentRowChanged.connect(self._chosen)
        self.table.activated.connect(self._open_source)
        self.nothing = PlainLabel("", BODY, tone="muted", wrap=True)
        self.nothing.setContentsMargins(32, 24, 32, 24)
        self.problems = PlainLabel("", SMALL, tone="muted", wrap=True, selectable=True)
        self.problems.setContentsMargins(32, 8, 32, 8)
        self._problem_head = QPushButton("")
        self._problem_head.setProperty("kind", "link")
        self._problem_head.setCheckable(True)
        self._problem_head.toggled.connect(self._show_problem_list)
        self.detail = FactDetail(self.session, self.theme, self.context.settings)
        self.detail.question_asked.connect(
            lambda question: self.context.go_to("checklist", question=question)
        )
        self._under_way = QTimer(self)
        self._under_way.setSingleShot(True)
        self._under_way.setInterval(SAID_AFTER_MS)
        self._under_way.timeout.connect(lambda: self.strip.say(self.tr("Reading what was given …")))

    def _arrange(self) -> None:
        tools = self._tools = QHBoxLayout()
        tools.setContentsMargins(32, 8, 32, 8)
        tools.setSpacing(8)
        tools.addWidget(self.search, 1)
        self._cap = KeyCap("/", self.theme)
        tools.addWidget(self._cap)
        tools.addWidget(self.pillar)
        tools.addStretch(1)
        self._kinds_row = QHBoxLayout()
        self._kinds_row.addStretch(1)
        self._problem_scroll = FollowingScroll(self.problems)
        self._problem_scroll.setFixedHeight(140)
        self._problem_scroll.hide()
        problem = QHBoxLayout()
        problem.setContentsMargins(32, 4, 32, 4)
        problem.addWidget(self._problem_head)
        problem.addStretch(1)
        self._problem_bar = QWidget()
        self._problem_bar.setLayout(problem)
        self._problem_bar.hide()
        left = QVBoxLayout()
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(0)
        left.addWidget(self.nothing)
        inset = QHBoxLayout()
        inset.setContentsMargins(24, 0, 0, 0)
        inset.addWidget(self.table)
        left.addLayout(inset, 1)
        left.addWidget(rule())
        left.addWidget(self._problem_bar)
        left.addWidget(self._problem_scroll)
        self._side = FollowingScroll(self.detail)
        self._side_rule = rule(upright=True)
        self._across = QHBoxLayout()
        self._across.setContentsMargins(0, 0, 0, 0)
        self._across.setSpacing(0)
        self._across.addLayout(left, 1)
        self._across.addWidget(self._side_rule)
        self._across.addWidget(self._side)
        self._outer = QVBoxLayout(self)
        self._outer.setContentsMargins(0, 0, 0, 0)
        self._outer.setSpacing(0)
        self._outer.addWidget(self.notice)
        self._outer.addWidget(self.strip)
        self._outer.addLayout(tools)
        self._outer.addLayout(self._kinds_row)
        self._outer.addWidget(rule())
        self._outer.addWidget(self.form)
        self._outer.addLayout(self._across, 1)
        self._has_kinds_row: bool | None = None
        self._place_detail(False)
        self._place_kinds()
        self.theme.changed.connect(self._place_kinds)

    def _place_kinds(self) -> None:
        """The kinds of facts beside the search, or in a row of their own where they have no room."""
        search = round(LEAST_SEARCH * max(1.0, self.theme.zoom / 100))
        self.search.setMinimumWidth(search)
        beside = search + self._cap.sizeHint().width() + self.pillar.sizeHint().width() + 2 * 32 + 4 * 8
        has_row = beside + self.kinds.sizeHint().width() > self.width()
        margins = self._tools.contentsMargins()
        self._kinds_row.setContentsMargins(margins.left(), 0, margins.right(), 8 if has_row else 0)
        if has_row == self._has_kinds_row:
            return
        self._has_kinds_row = has_row
        (self._tools if has_row else self._kinds_row).removeWidget(self.kinds)
        if has_row:
            self._kinds_row.insertWidget(0, self.kinds)
        else:
            self._tools.insertWidget(self._tools.indexOf(self.pillar) + 1, self.kinds)

    def _place_detail(self, is_narrow: bool) -> None:
        """Beside the table, or below it where the window is narrow."""
        if is_narrow == self._is_narrow:
            return
        self._is_narrow = is_narrow
        self._across.setDirection(
            QHBoxLayout.Direction.TopToBottom if is_narrow else QHBoxLayout.Direction.LeftToRight
        )
        self._side_rule.setVisible(not is_narrow)
        self._cap.setVisible(not is_narrow)
        self._tools.setContentsMargins(*((20, 8, 20, 8) if is_narrow else (32, 8, 32, 8)))
        if is_narrow:
            self._side.setMinimumWidth(0)
            self._side.setMaximumWidth(16_777_215)
            self._side.setFixedHeight(230)
        else:
            self._side.setMinimumHeight(0)
            self._side.setMaximumHeight(16_777_215)
            self._side.setFixedWidth(DETAIL)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802, Qt's name
        """Gives columns and detail their room."""
        super().resizeEvent(event)
        self._place_detail(self.width() < NARROW)
        if not self._is_narrow:
            self._side.setFixedWidth(DETAIL_TIGHT if self.width() < TIGHT else DETAIL)
        self._place_kinds()

    def _share(self) -> None:
        machines = any(row.fact.source.machine for row in self.model.rows)
        self.table.show_machines(machines=machines)

    # -- the head ------------------------------------------------------------------------------------------

    def subtitle(self) -> str:
        """How many facts count."""
        counts = self.model.counts()
        aside = counts["set_aside"]
        text = self.tr("{0} facts count").replace("{0}", str(counts["all"] - aside))
        return text if not aside else text + self.tr(", {0} set aside").replace("{0}", str(aside))

    def head_actions(self) -> Sequence[QWidget]:
        """What adds evidence."""
        return (self.by_hand, self.add_folder, self.add)

    # -- what the session says -----------------------------------------------------------------------------

    def show_opened(self, name: str) -> None:
        """Another assessment: from the beginning."""
        self._judged = None
        self.last_taken = None
        self.filter.narrow_to(None)
        self.search.clear()
        self.set_kind("all")
        self.strip.hide()
        self.notice.hide()
        self.form.hide()
        self._fill_pillars()
        self._show_problems()
        self.setEnabled(bool(name))

    def _fill_pillars(self) -> None:
        materials = self.session.materials
        self.pillar.blockSignals(True)
        self.pillar.clear()
        self.pillar.addItem(self.tr("All pillars"), "")
        known = {"infrastructure", "models", "data", "monitoring"}
        for entry in () if materials is None else materials.lens.pillars:
            if entry.id in known:
                self.pillar.addItem(entry.name, entry.id)
        self.pillar.blockSignals(False)
        self._narrow(pillar="")

    def show_judged(self, judged: Judged) -> None:
        """Draws the facts that count now."""
        self._judged = judged
        shown = self._fact()
        self.model.show_rows(rows_of(judged))
        self.kinds.set_counts({str(kind): count for kind, count in self.model.counts().items()})
        self._place_kinds()
        self._show_problems()
        if shown:
            self._go_to(shown)
        self._show_nothing()
        self._show_detail()
        self._share()
        self.head_changed.emit()

    def _show_problems(self) -> None:
        materials = self.session.materials
        found = [] if materials is None else list(materials.problems)
        if self.last_taken is not None:
            found += [entry for entry in self.last_taken.problems if entry not in found]
        self._problem_bar.setVisible(bool(found))
        words = self.tr("1 problem") if len(found) == 1 else self.tr("{0} problems")
        self._problem_head.setText(words.replace("{0}", str(len(found))))
        self.problems.setText("\n".join(found[:200]))
        self._problem_scroll.setVisible(bool(found) and self._problem_head.isChecked())

    def _show_problem_list(self, is_open: bool) -> None:
        self._problem_scroll.setVisible(is_open and bool(self.problems.text()))

    def _show_nothing(self) -> None:
        is_empty = not self.model.rows
        none_fits = not is_empty and self.filter.rowCount() == 0
        self.nothing.setVisible(is_empty or none_fits)
        self.table.setVisible(not is_empty)
        if is_empty:
            self.nothing.setText(
                self.tr(
                    "There is no evidence yet, so every answer stands on somebody's word. Drop the folder of "
                    "the service here (manifests, alerting rules, dashboards, pipelines of data), or files "
                    "of facts, or run a probe."
                )
            )
        else:
            self.nothing.setText(self.tr("No fact fits; Escape shows all."))

    # -- narrowing -----------------------------------------------------------------------------------------

    def set_kind(self, kind: str) -> None:
        """Shows only the facts of this kind."""
        self.kinds.show_chosen(kind)
        self._narrow(kind=kind)

    def _narrow(self, **what: Any) -> None:
        self.filter.narrow(**what)
        self._show_nothing()

    def _show_all(self) -> None:
        self.filter.narrow_to(None)
        self.search.clear()
        self.pillar.setCurrentIndex(0)
        self.set_kind("all")
        self.strip.hide()

    def _link(self) -> None:
        if self.filter.names is not None:
            self._show_all()
        else:
            self._problem_head.setChecked(True)

    # -- the fact that is chosen ---------------------------------------------------------------------------

    def _row(self) -> FactRow | None:
        row = self.table.currentIndex().data(ROW)
        return row if isinstance(row, FactRow) else None

    def _fact(self) -> Fact | None:
        row = self._row()
        return None if row is None else row.fact

    def _open_source(self, _index: QModelIndex) -> None:
        self.detail.open_source()

    def _chosen(self, _now: QModelIndex, _before: QModelIndex) -> None:
        self._show_detail()

    def _show_detail(self) -> None:
        self.detail.show_fact(self._row(), self._judged)

    def _go_to(self, fact: Fact | str) -> bool:
        """Chooses a fact; whether it is shown."""
        for place in range(self.filter.rowCount()):
            row = self.filter.index(place, 0).data(ROW)
            if isinstance(row, FactRow) and fact in (row.fact, row.fact.name):
                self.table.selectRow(place)
                self.table.setCurrentIndex(self.filter.index(place, 0))
                self.table.scrollTo(self.filter.index(place, 0), FactTable.ScrollHint.PositionAtCenter)
                return True
        return False

    # -- adding --------------------------------------------------------------------------------------------

    def choose_files(self) -> None:
        """Asks for files."""
        names, _ = QFileDialog.getOpenFileNames(self, self.tr("Evidence"))
        self.take([Path(name) for name in names])

    def choose_folder(self) -> None:
        """Asks for a folder."""
        name = QFileDialog.getExistingDirectory(self, self.tr("Folder with evidence"))
        self.take([Path(name)] if name else [])

    def take(self, paths: Sequence[Path]) -> None:
        """Reads these in the background and adds what they hold."""
        if not paths or not self.session.name:
            return
        store, name = self.session.store, self.session.name
        self.notice.hide()
        for path in paths:
            sources.remember_folder(self.context.settings, path.absolute().parent)
        self._under_way.start()
        self.context.executor.submit(
            lambda: take_evidence(store, name, paths),
            lambda taken: self._taken(name, taken),
            self._not_taken,
        )

    def _taken(self, name: str, taken: Taken) -> None:
        self._under_way.stop()
        if name != self.session.name:
            return
        self.last_taken = taken
        self.session.reload()
        text = self.tr("{0} facts from {1}.").replace("{0}", f"{taken.facts:,}")
        text = text.replace("{1}", ", ".join(taken.names[:3]) + (", …" if len(taken.names) > 3 else ""))
        count = len(taken.problems)
        link = ""
        if count:
            link = self.tr("1 problem") if count == 1 else self.tr("{0} problems").replace("{0}", str(count))
        self.strip.say(text, link)

    def _not_taken(self, failure: Failure) -> None:
        self._under_way.stop()
        self.strip.hide()
        self.notice.show_failure(failure)

    def ask_by_hand(self) -> None:
        """Opens the form for a fact by hand."""
        self.form.ask()

    def give(self, fact: Fact) -> None:
        """Adds a fact that a person gives."""
        store, name = self.session.store, self.session.name
        self._wanted = fact.name
        self.context.executor.submit(
            lambda: add_by_hand(store, name, fact), lambda _: self._given(name), self._not_taken
        )

    def _given(self, name: str) -> None:
        if name == self.session.name:
            self.session.reload()
            self.strip.say(self.tr("{0} is added, by hand.").replace("{0}", self._wanted))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802, Qt's name
        """Takes files and folders that may hold evidence; the rest is for the window."""
        if self._dropped(event):
            event.acceptProposedAction()
        else:
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802, Qt's name
        """Adds what was dropped."""
        paths = self._dropped(event)
        if paths:
            event.acceptProposedAction()
            self.take(paths)
        else:
            event.ignore()

    @staticmethod
    def _dropped(event: QDropEvent) -> list[Path]:
        found = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        return [path for path in found if path.suffix.lower() not in NOT_EVIDENCE]

    # -- being shown, keys ---------------------------------------------------------------------------------

    def enter(self, **where: Any) -> None:
        """Goes to a fact, narrows to those of a question, or adds files."""
        if "fact" in where:
            self._show_all()
            self._go_to(str(where["fact"]))
        if "question" in where and self._judged is not None:
            question = self._judged.lens.by_id[str(where["question"])]
            self.filter.narrow_to(frozenset(asked_facts(question)))
            said = self.tr("Only the facts that {0} asks for.").replace("{0}", question.id)
            self.strip.say(said, self.tr("Show all"))
            self._show_nothing()
        if "files" in where:
            self.take([Path(path) for path in where["files"]])
        if self._row() is None and self.filter.rowCount():
            self.table.selectRow(0)
        self._focus_table()
        if where.get("add_folder"):
            QTimer.singleShot(0, self, self.choose_folder)

    def _focus_table(self) -> None:
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, Qt's name
        """The keys of the page; single letters never fire in text fields."""
        if event.key() == Qt.Key.Key_Escape:
            self._escape()
        elif isinstance(QApplication.focusWidget(), _TYPING) or event.modifiers() & (
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        ):
            event.ignore()
            return
        elif event.text() == "/":
            self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.search.selectAll()
        elif event.key() == Qt.Key.Key_C:
            self.detail.ask_challenge()
        else:
            event.ignore()
            return
        event.accept()

    def _escape(self) -> None:
        if not self.form.isHidden():
            self.form.close_form()
        elif not self.detail.form.isHidden():
            self.detail.form.close_form()
        else:
            self._show_all()
        self._focus_table()
