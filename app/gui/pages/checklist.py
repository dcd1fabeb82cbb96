"""The checklist: the questions by pillar, one of them with its ladder, and what the evidence says of it.

Keys: 0 to 9 answer, J K or arrows move, Enter accepts a proposal or goes to the next open question, U unsure,
X not applicable, N note, A attach, C challenge, / search, Alt 1 to 5 filters, Escape dismisses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from app.gui import sources
from app.gui.models.questions import (
    FILTERS,
    IS_PILLAR,
    KEY,
    QuestionsModel,
    is_open,
    proposals,
)
from app.gui.page import Context, Page
from app.gui.pages.checklist_columns import ChecklistColumns
from app.gui.pages.checklist_proposals import ProposalsPane
from app.gui.pages.checklist_question import QuestionPane
from app.gui.pages.checklist_side import SidePane
from app.gui.pages.checklist_strips import ChecklistStrips
from app.gui.theme import BODY, PAGE
from app.gui.widgets.form_line import FormLine
from app.gui.widgets.labels import PlainLabel
from app.gui.widgets.question_list import QuestionList
from app.gui.widgets.segments import Segments
from app.gui.widgets.undo_button import UndoButton
from assessments.answer_keeping import Conflict
from assessments.assessment import Assessed
from assessments.claims import Claim
from assessments.judging import Judged
from assessments.worth import worth_of

BESIDE_FILTERS = 2 * 32 + 4 * 12 + 24
"""Pixels of the head beside its parts: margins, gaps, and the first of how much is settled."""
FILTER_ROW = (32, 8, 32, 8)
_TYPING = (QLineEdit, QPlainTextEdit, QAbstractSpinBox, QComboBox)


class ChecklistPage(Page):
    """Questions, answers, and what was measured, side by side."""

    key = "checklist"
    icon = "list-checks"
    keys = (
        ("0 … 4", "answer"),
        ("J K ↓ ↑", "next, previous question"),
        ("Enter", "accept what is proposed, else next open question"),
        ("U", "unsure"),
        ("X", "not applicable"),
        ("N", "note"),
        ("A", "attach a document"),
        ("C", "challenge a fact"),
        ("/", "search"),
        ("Alt 1 … 5", "all, open, contradicted, critical, changed"),
        ("Esc", "close, dismiss"),
    )

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.model = QuestionsModel(self)
        self.current = ""
        self._judged: Judged | None = None
        self._facts: object = None
        self._has_filter_row = False
        self._build_head()
        self._build_list()
        self._build_middle()
        self._build_strips()
        self._arrange()
        session = self.session
        session.question_changed.connect(self._answered)
        session.conflicted.connect(self._conflicted)

    # -- parts ---------------------------------------------------------------------------------------------

    def _build_head(self) -> None:
        words = {
            "all": self.tr("All"),
            "open": self.tr("Open"),
            "contradicted": self.tr("Contradicted"),
            "critical": self.tr("Critical"),
            "changed": self.tr("Changed"),
        }
        self.filters = Segments(
            [(name, words[name]) for name in FILTERS],
            self.theme,
            self.tr("Filter"),
            {"contradicted": "contradicted"},
        )
        self.filters.chosen.connect(self.set_filter)
        stack = self.session.undo_stack
        self.undo = UndoButton(stack, self.theme)
        self.redo = UndoButton(stack, self.theme, is_redo=True)
        for number, name in enumerate(FILTERS, start=1):
            shortcut = QShortcut(QKeySequence(f"Alt+{number}"), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda name=name: self.set_filter(name))

    def _build_list(self) -> None:
        self.search = FormLine()
        self.search.setPlaceholderText(self.tr("Search questions"))
        self.search.setAccessibleName(self.tr("Search questions"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._searched)
        self.search.returnPressed.connect(self._take_first)
        self.list = QuestionList(self.theme)
        self.list.setAccessibleName(self.tr("Questions"))
        self.list.setModel(self.model)
        self.list.selectionModel().currentChanged.connect(self._moved)
        self.nothing = PlainLabel("", BODY, tone="muted", wrap=True)
        self.nothing.setContentsMargins(16, 12, 16, 12)
        self.nothing.hide()

    def _build_middle(self) -> None:
        self.pane = QuestionPane(self.session, self.theme)
        self.pane.plan_asked.connect(lambda question: self.context.go_to("plan", question=question))
        self.pane.left.connect(self._focus_list)
        self.side = SidePane(self.theme)
        self.side.fact_opened.connect(self.open_fact)
        self.side.evidence_asked.connect(lambda: self.context.go_to("evidence", question=self.current))
        self.proposals = ProposalsPane(self.theme)
        self.proposals.accepted.connect(self.accept_proposals)
        self.proposals.closed.connect(self._show_pane)
        self.proposals.question_asked.connect(self.show_question)

    def _build_strips(self) -> None:
        self.strips = ChecklistStrips(self.session, self.theme, self)
        self.news, self.offer, self.others = self.strips.news, self.strips.offer, self.strips.others
        self.strips.changed_asked.connect(lambda: self.set_filter("changed"))
        self.strips.proposals_asked.connect(self.show_proposals)
        self.strips.evidence_asked.connect(lambda: self.context.go_to("evidence", add_folder=True))
        self.strips.question_asked.connect(self.show_question)

    def _arrange(self) -> None:
        self.columns = ChecklistColumns(
            (self.search, self.nothing, self.list), (self.pane, self.proposals), self.side, self.theme
        )
        self.stack, self.question_scroll = self.columns.stack, self.columns.question_scroll
        self._filter_row = QWidget()
        row = QHBoxLayout(self._filter_row)
        row.setContentsMargins(*FILTER_ROW)
        row.addStretch(1)
        self._filter_row.hide()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._filter_row)
        for strip in (self.others, self.news, self.offer):
            outer.addWidget(strip)
        outer.addWidget(self.columns, 1)
        self.theme.changed.connect(self._fit)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802, Qt's name
        """Puts the right column below the question where the window is narrow."""
        super().resizeEvent(event)
        self._fit()
        if self.list.currentIndex().isValid():
            self._scroll_to(self.list.currentIndex())

    def _fit(self) -> None:
        """Gives columns and filters their room."""
        self.columns.fit(self.width())
        self._place_filters()

    def _place_filters(self) -> None:
        """Puts the filters in the head of the window, or in a row of their own where it is too narrow."""
        beside = PlainLabel(self._title_words(), PAGE, 600).sizeHint().width()
        beside += self.undo.sizeHint().width() + self.redo.sizeHint().width() + BESIDE_FILTERS
        has_row = beside + self.filters.sizeHint().width() > self.width()
        if has_row == self._has_filter_row:
            return
        self._has_filter_row = has_row
        row = self._filter_row.layout()
        assert isinstance(row, QHBoxLayout)
        if not has_row:
            row.removeWidget(self.filters)
            self.filters.hide()
        self.head_changed.emit()
        if has_row:
            row.insertWidget(0, self.filters)
            self.filters.show()
            QWidget.setTabOrder(list(self.filters.segments.values())[-1], self.search)
        self._filter_row.setVisible(has_row)

    def _title_words(self) -> str:
        return self.title() or self.tr("Checklist")

    # -- the head ------------------------------------------------------------------------------------------

    def subtitle(self) -> str:
        """How much is settled."""
        if self._judged is None:
            return ""
        applying = [entry for entry in self._judged.judgements if entry.applies]
        settled = sum(1 for entry in applying if not is_open(entry))
        text = self.tr("{0} of {1} settled")
        return text.replace("{0}", str(settled)).replace("{1}", str(len(applying)))

    def head_actions(self) -> Sequence[QWidget]:
        """Filters where they have room, undo and redo."""
        if self._has_filter_row:
            return (self.undo, self.redo)
        return (self.filters, self.undo, self.redo)

    def set_filter(self, name: str) -> None:
        """Shows only the questions of this kind."""
        self.model.set_filter(name)  # type: ignore[arg-type]
        self.filters.show_chosen(name)
        self._keep_place()

    def _searched(self, text: str) -> None:
        """Narrows the list; the question that is shown stays until one of the list is chosen."""
        self.model.keep("")
        self.model.set_search(text)
        self._show_nothing()
        self._select()

    def _take_first(self) -> None:
        shown = self.model.questions()
        if shown and self.current not in shown:
            self.show_question(shown[0])
        self._focus_list()

    def _keep_place(self) -> None:
        """Leaves the question that is shown in its place, or goes to the first one that the filter shows."""
        shown = self.model.questions()
        self._show_nothing()
        if shown and self.current not in shown:
            self.show_question(shown[0])
        else:
            self._select()

    def _show_nothing(self) -> None:
        self.nothing.setVisible(not self.model.questions())
        self.nothing.setText(self._nothing())

    def _nothing(self) -> str:
        if self.search.text().strip():
            return self.tr("No question has these words.")
        return {
            "open": self.tr("No question is open."),
            "contradicted": self.tr("No answer is contradicted."),
            "changed": self.tr("No run or scan has changed an answer since this was opened."),
        }.get(self.model.filter, self.tr("There are no questions."))

    # -- what the session says -----------------------------------------------------------------------------

    def show_opened(self, name: str) -> None:
        """Another assessment: from the beginning."""
        self.pane.question = None
        self._judged, self._facts = None, None
        self.current = ""
        self.news.hide()
        self.model.show_judged(None)
        self.model.set_changed(())
        self.search.clear()
        self.set_filter("all")
        self._show_pane()
        self.setEnabled(bool(name))

    def show_judged(self, judged: Judged) -> None:
        """Draws what changed; what evidence changed is told in a strip."""
        before, self._judged = self._judged, judged
        materials = self.session.materials
        facts = None if materials is None else materials.facts
        if facts is not self._facts:
            changed = self.strips.tell(before, judged)
            if changed:
                self.model.set_changed(changed)
        self._facts = facts
        self.model.show_judged(judged)
        self.filters.set_counts({str(name): count for name, count in self.model.counts().items()})
        self._place_filters()
        self.strips.show_offer(judged)
        if self.current not in judged.lens.by_id:
            self.current = ""
        self._keep_place()
        if self.current:
            self._draw()
        self.head_changed.emit()

    def show_assessed(self, _assessed: Assessed) -> None:
        """The plan names what a fix gains."""
        if self._judged is not None and self.current:
            self._draw_side()

    def _answered(self, question: str) -> None:
        """Undo and redo lead to the question that they change."""
        if question != self.current and self._judged is not None:
            self.show_question(question)

    def _conflicted(self, conflicts: tuple[Conflict, ...]) -> None:
        self.pane.show_conflicts(conflicts)
        self.strips.show_conflicts(conflicts)

    # -- moving --------------------------------------------------------------------------------------------

    def show_question(self, question: str) -> None:
        """Shows this question, also where filter or search leave it out."""
        if self._judged is None or question not in self._judged.lens.by_id:
            return
        self.pane.keep_note()
        is_other = question != self.current
        self.current = question
        self.model.keep(question)
        self._show_pane()
        self._select()
        self._draw()
        if is_other:
            self.question_scroll.verticalScrollBar().setValue(0)

    def _select(self) -> None:
        index = self.model.index_of(self.current)
        if index.isValid() and self.list.currentIndex() != index:
            self.list.setCurrentIndex(index)
            self._scroll_to(index)

    def _scroll_to(self, index: QModelIndex) -> None:
        """Shows the row, and the heading right above it."""
        above = self.model.index(index.row() - 1, 0)
        if above.data(IS_PILLAR):
            self.list.scrollTo(above)
        self.list.scrollTo(index)

    def _moved(self, now: QModelIndex, _before: QModelIndex) -> None:
        question = now.data(KEY)
        if isinstance(question, str) and question != self.current and self.model.index_of(question) == now:
            self.show_question(question)

    def step(self, rows: int) -> None:
        """The question so many rows further."""
        self.show_question(self.model.beside(self.current, rows))

    def next_open(self) -> None:
        """Accepts what is proposed; without a proposal goes to the next open question."""
        if self.pane.has_proposal:
            self.pane.take_honest()
            return
        other = self.model.next_open(self.current)
        if other:
            self.show_question(other)

    def _draw(self) -> None:
        if self._judged is not None and self.current:
            self.pane.show_question(self._judged, self.current)
            self._draw_side()

    def _draw_side(self) -> None:
        judged = self._judged
        if judged is None or not self.current or self.session.materials is None:
            return
        question = judged.lens.by_id[self.current]
        judgement = next(entry for entry in judged.judgements if entry.question == self.current)
        worth = worth_of(judged, self.current, self.session.answers.claims.get(self.current))
        whole = self.session.whole
        fitting = whole if whole is not None and whole.judged.judgements == judged.judgements else None
        self.side.show_question(judged, question, judgement, worth, fitting)

    # -- proposals -----------------------------------------------------------------------------------------

    def show_proposals(self) -> None:
        """Lists everything that the evidence proves and nobody has answered."""
        if self._judged is None:
            return
        self.pane.keep_note()
        found = proposals(self._judged)
        if found:
            self.proposals.show_proposals(self._judged, found)
            self.stack.setCurrentWidget(self.proposals)
            self.proposals.take_focus()

    def accept_proposals(self, questions: Sequence[str]) -> None:
        """Answers these questions with what the evidence proves, in one step that can be undone."""
        if self._judged is None:
            return
        claims = []
        for entry in proposals(self._judged):
            if entry.question in questions and entry.offered is not None:
                said = self.session.answers.claims.get(entry.question)
                base = said or Claim(entry.question, state="unanswered")
                choices = tuple(entry.offered.split(", "))
                claims.append(replace(base, choices=choices, state="answered", reason=""))
        self._show_pane()
        if claims:
            text = self.tr("{0} proposals accepted").replace("{0}", str(len(claims)))
            self.session.claim_several(claims, text)
        self._focus_list()

    def _show_pane(self) -> None:
        self.stack.setCurrentIndex(0)

    # -- evidence ------------------------------------------------------------------------------------------

    def open_fact(self, name: str) -> None:
        """Opens the source of a fact at its line, or shows it on the page of evidence."""
        fact = None if self._judged is None else self._judged.evidence.facts.get(name)
        if fact is None:
            return
        path = sources.find_file(fact.source, sources.folders_of(self.context.settings))
        if path is None or not sources.open_at_line(path, fact.source.line):
            self.context.go_to("evidence", fact=name)

    # -- being shown, keys ---------------------------------------------------------------------------------

    def enter(self, **where: Any) -> None:
        """Goes to a question, or filters."""
        if "filter" in where:
            self.set_filter(str(where["filter"]))
        if "question" in where:
            self.show_question(str(where["question"]))
        elif not self.current:
            self._keep_place()
        self._focus_list()

    def leave(self) -> None:
        """Keeps the note that is being written."""
        self.pane.keep_note()

    def _focus_list(self) -> None:
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, Qt's name
        """The keys of the page; single letters never fire in text fields."""
        key = Qt.Key(event.key())
        held = event.modifiers() & ~(Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier)
        if key == Qt.Key.Key_Escape:
            self._escape()
        elif held == Qt.KeyboardModifier.AltModifier and Qt.Key.Key_1 <= key <= Qt.Key.Key_5:
            self.set_filter(FILTERS[key - Qt.Key.Key_1])
        elif held or isinstance(QApplication.focusWidget(), _TYPING) or not self._press(key, event.text()):
            event.ignore()
            return
        event.accept()

    def _press(self, key: Qt.Key, text: str) -> bool:
        """Does what the key says; whether it says anything."""
        if text == "/":
            self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.search.selectAll()
            return True
        if self._judged is None or not self.current or self.stack.currentIndex() != 0:
            return False
        if text.isascii() and text.isdigit():
            self.pane.answer_key(int(text))
            return True
        does = {
            Qt.Key.Key_J: lambda: self.step(1),
            Qt.Key.Key_Down: lambda: self.step(1),
            Qt.Key.Key_K: lambda: self.step(-1),
            Qt.Key.Key_Up: lambda: self.step(-1),
            Qt.Key.Key_Return: self.next_open,
            Qt.Key.Key_Enter: self.next_open,
            Qt.Key.Key_U: self.pane.say_unsure,
            Qt.Key.Key_X: self.pane.ask_reason,
            Qt.Key.Key_N: self.pane.write_note,
            Qt.Key.Key_A: self.pane.ask_attachment,
            Qt.Key.Key_C: self.pane.ask_challenge,
        }.get(key)
        if does is None:
            return False
        does()
        return True

    def _escape(self) -> None:
        """Closes what is open, one thing a time."""
        if self.stack.currentIndex() != 0:
            self._show_pane()
        elif self.pane.has_form:
            self.pane.close_forms()
        elif self.search.hasFocus() and self.search.text():
            self.search.clear()
        elif isinstance(QApplication.focusWidget(), _TYPING):
            self.pane.keep_note()
        elif not self.news.isHidden():
            self.news.hide()
        self._focus_list()
