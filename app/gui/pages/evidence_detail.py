"""One fact: what it says, where it was read with the lines around, and which claims rest on it."""

from __future__ import annotations

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtGui import QFont, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from app.charts.pieces import verdict_badge
from app.gui import sources
from app.gui.models.facts import FactRow
from app.gui.session import Session
from app.gui.theme import BODY, QUESTION, SECTION, SMALL, Theme
from app.gui.widgets.challenge_form import ChallengeForm
from app.gui.widgets.chart_view import ShapesView
from app.gui.widgets.labels import PlainLabel, rule
from assessments.judging import Judged
from assessments.ladders import claims_on
from probes.facts import CATALOGUE

MOST_CLAIMS = 40


def resting_on(judged: Judged, fact: str) -> list[str]:
    """The questions that a fact decides, then those that ask for it."""
    from app.report.sections.claim_cards import inputs_of

    parts = {name: inputs_of(name) for name in CATALOGUE if name.startswith("derived.")}
    asking = claims_on(judged.lens.questions, fact, parts)
    deciding = [entry.question for entry in judged.judgements if fact in entry.facts]
    return list(dict.fromkeys((*deciding, *asking)))


class FactDetail(QWidget):
    """The panel beside the table. `question_asked` brings the question of a claim that was clicked."""

    question_asked = Signal(str)

    def __init__(
        self, session: Session, theme: Theme, settings: QSettings, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._theme, self._settings = session, theme, settings
        self.row: FactRow | None = None
        self._claims_shown: object = None
        self._claims_box: QWidget | None = None
        self._build()
        self.show_fact(None, None)

    def _build(self) -> None:
        self.title = PlainLabel("", SECTION, 600, wrap=True)
        self.value = PlainLabel("", QUESTION, 600, wrap=True, selectable=True)
        self.name = PlainLabel("", SMALL, tone="muted", wrap=True, selectable=True)
        self.says = PlainLabel("", BODY, wrap=True)
        self.aside = PlainLabel("", BODY, tone="warn", wrap=True)
        self.place = PlainLabel("", BODY, wrap=True, selectable=True)
        self.open = QPushButton(self.tr("Open at this line"))
        self.open.clicked.connect(self.open_source)
        self.copy = QPushButton(self.tr("Copy path and line"))
        self.copy.clicked.connect(self.copy_place)
        self.copied = PlainLabel("", SMALL, tone="muted", wrap=True)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.open)
        buttons.addWidget(self.copy)
        buttons.addStretch(1)
        self.lines = QPlainTextEdit()
        self.lines.setReadOnly(True)
        self.lines.setAccessibleName(self.tr("The lines around"))
        self.lines.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.lines.setTabChangesFocus(True)
        self.lines.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        fixed = QFont("monospace")
        fixed.setStyleHint(QFont.StyleHint.Monospace)
        fixed.setPixelSize(SMALL)
        self.lines.setFont(fixed)
        self.object = QPushButton(self.tr("Challenge this fact…"))
        self.object.clicked.connect(self.ask_challenge)
        self.withdraw = QPushButton(self.tr("Withdraw the challenge"))
        self.withdraw.clicked.connect(self._withdraw)
        self.form = ChallengeForm()
        self.form.challenged.connect(self._session.challenge)
        self.form.closed.connect(lambda: self.object.setFocus(Qt.FocusReason.OtherFocusReason))
        self.resting = PlainLabel(self.tr("Claims that rest on it"), SECTION, 600)
        self._claims = QVBoxLayout()
        self.empty = PlainLabel(
            self.tr("Choose a fact: its source and the claims that rest on it stand here."),
            BODY,
            tone="muted",
            wrap=True,
        )
        outer = QVBoxLayout(self)
        outer.setContentsMargins(20, 16, 20, 20)
        outer.setSpacing(6)
        outer.addWidget(self.empty)
        for label in (self.title, self.value, self.name, self.says, self.aside):
            outer.addWidget(label)
        self._rule = rule()
        outer.addSpacing(4)
        outer.addWidget(self._rule)
        outer.addSpacing(4)
        outer.addWidget(self.place)
        outer.addWidget(self.lines)
        outer.addLayout(buttons)
        outer.addWidget(self.copied)
        outer.addSpacing(4)
        outer.addWidget(self.object, 0, Qt.AlignmentFlag.AlignLeft)
        outer.addWidget(self.withdraw, 0, Qt.AlignmentFlag.AlignLeft)
        outer.addWidget(self.form)
        outer.addSpacing(10)
        outer.addWidget(self.resting)
        outer.addLayout(self._claims)
        outer.addStretch(1)

    # -- showing -------------------------------------------------------------------------------------------

    def show_fact(self, row: FactRow | None, judged: Judged | None) -> None:
        """Shows this fact from now on; None leaves a sentence that says what to do."""
        is_other = row is None or self.row is None or row.fact != self.row.fact
        self.row = row
        parts = (
            self.title, self.value, self.name, self.says, self.aside, self._rule, self.place, self.lines,
            self.open, self.copy, self.copied, self.object, self.withdraw, self.resting,
        )  # fmt: skip
        self.empty.setVisible(row is None)
        for part in parts:
            part.setVisible(row is not None)
        if is_other:
            self.form.hide()
            self.copied.setText("")
        self.copied.setVisible(bool(self.copied.text()))
        if row is None or judged is None:
            self._show_claims([], judged)
            return
        fact, entry = row.fact, CATALOGUE[row.fact.name]
        self.title.setText(row.meaning)
        self.value.setText(row.value)
        self.name.setText(fact.name)
        said = [entry.meaning.rstrip(".") + "."]
        if fact.samples is not None:
            said.append(self.tr("It rests on {0} samples.").replace("{0}", f"{fact.samples:,}"))
        moment = fact.at.astimezone().strftime("%Y-%m-%d %H:%M")
        state = self.tr("{0} on {1}").replace("{0}", fact.state.replace("_", " ").capitalize())
        said.append(
            state.replace("{1}", moment) + (f", {fact.source.machine}." if fact.source.machine else ".")
        )
        if row.state == "not found":
            said.append(
                self.tr("It says only that nothing was found, so it casts doubt and contradicts nothing.")
            )
        elif fact.state == "by_hand":
            said.append(self.tr("Given by hand, it backs a claim and proves none."))
        self.says.setText(" ".join(said))
        self.aside.setText(self.tr("It does not count: {0}.").replace("{0}", row.why.rstrip(".")))
        self.aside.setVisible(bool(row.why))
        self.object.setVisible(row.counts)
        self.withdraw.setVisible(row.challenge is not None)
        self._show_source(row)
        self._show_claims(resting_on(judged, fact.name), judged)

    def _show_source(self, row: FactRow) -> None:
        source = row.fact.source
        parts = [row.source]
        if source.query is not None and source.query not in row.source:
            parts.append(source.query)
        path = sources.find_file(source, sources.folders_of(self._settings))
        found = None if path is None else sources.excerpt(path, source.line)
        if source.file is not None and not sources.is_address(source.file) and path is None:
            parts.append(self.tr("the file is not on this machine under that name"))
        self.place.setText("; ".join(parts))
        self.open.setVisible(path is not None)
        self.copy.setVisible(source.file is not None)
        self.lines.setVisible(found is not None)
        if found is not None:
            wide = len(str(found.first + len(found.lines)))
            shown = []
            for number, text in enumerate(found.lines, start=found.first):
                sign = "▸" if number == found.line else " "
                shown.append(f"{sign}{number:>{wide}}  {text}")
            self.lines.setPlainText("\n".join(shown))
            high = self.lines.fontMetrics().lineSpacing()
            self.lines.setFixedHeight(high * len(shown) + 32)

    def _show_claims(self, questions: list[str], judged: Judged | None) -> None:
        states = {} if judged is None else {entry.question: entry.state for entry in judged.judgements}
        signature = tuple((question, states.get(question)) for question in questions)
        if signature == self._claims_shown:
            return
        self._claims_shown = signature
        if self._claims_box is not None:
            self._claims.removeWidget(self._claims_box)
            self._claims_box.hide()
            self._claims_box.deleteLater()
        box = self._claims_box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for question, state in signature[:MOST_CLAIMS]:
            assert judged is not None
            from app.report.words import STATES

            word = STATES[state or "unanswered"][0]
            link = QPushButton(f"{question}  {judged.lens.by_id[question].title}")
            link.setProperty("kind", "link")
            link.setMinimumWidth(60)
            link.setAccessibleName(f"{question} {judged.lens.by_id[question].title}, {word}")
            link.clicked.connect(lambda _=False, question=question: self.question_asked.emit(question))
            row = QHBoxLayout()
            row.setSpacing(8)
            row.addWidget(ShapesView(verdict_badge(state or "unanswered", 14), (14, 14), self._theme, word))
            row.addWidget(link)
            row.addStretch(1)
            row.addWidget(PlainLabel(word, SMALL, tone="muted"))
            column.addLayout(row)
        if judged is not None and not questions:
            column.addWidget(PlainLabel(self.tr("No question of the lens asks for it."), BODY, tone="muted"))
        self._claims.addWidget(box)

    # -- doing ---------------------------------------------------------------------------------------------

    def open_source(self) -> None:
        """Opens the file at its line; where nothing can, copies path and line."""
        if self.row is None:
            return
        source = self.row.fact.source
        path = sources.find_file(source, sources.folders_of(self._settings))
        if path is None or not sources.open_at_line(path, source.line):
            self.copy_place()
            self.copied.setText(
                self.tr(
                    "No editor with a window is known (VISUAL or EDITOR names one); {0} is copied."
                ).replace("{0}", sources.place_of(source))
            )

    def copy_place(self) -> None:
        """Puts path and line on the clipboard."""
        if self.row is None:
            return
        place = sources.place_of(self.row.fact.source)
        QGuiApplication.clipboard().setText(place)
        self.copied.setText(self.tr("{0} is copied.").replace("{0}", place))
        self.copied.show()

    def ask_challenge(self) -> None:
        """Opens the form that says why the fact does not count."""
        if self.row is not None and self.row.counts:
            name = self.row.fact.name
            self.form.ask([(name, f"{self.row.meaning}  {name}")])

    def _withdraw(self) -> None:
        if self.row is not None:
            self._session.withdraw_challenge(self.row.fact.name)
