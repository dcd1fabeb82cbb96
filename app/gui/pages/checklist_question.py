"""One question: its ladder with live states, what can be said to it, and what the evidence objects."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.charts.pieces import proposed_badge, verdict_badge
from app.gui.level_words import because_words, meaning
from app.gui.models.questions import is_proposed
from app.gui.pages.checklist_attachments import Attachments
from app.gui.pages.checklist_levels import shown_levels
from app.gui.session import Session
from app.gui.theme import BODY, QUESTION, SMALL, Theme
from app.gui.widgets.challenge_form import ChallengeForm
from app.gui.widgets.flow import FlowLayout
from app.gui.widgets.form_line import FormLine
from app.gui.widgets.key_button import KeyButton
from app.gui.widgets.keycap import KeyCap
from app.gui.widgets.labels import PlainLabel
from app.gui.widgets.ladder import Ladder
from app.gui.widgets.verdict_notice import VerdictNotice
from assessments.answer_keeping import Conflict
from assessments.claims import Attachment, Claim, ClaimState
from assessments.judging import Judged
from assessments.lens import Question
from assessments.states import Judgement
from assessments.worth import honest_choices

NOTE_AFTER_MS = 400
"""A note is kept this long after the last key."""
_RISKS = {"HIGH_RISK": "high", "MEDIUM_RISK": "medium", "NO_RISK": "none"}
_SIGN = 14


class QuestionPane(QWidget):
    """The middle of the page. Every answer goes to the session at once; `left`: a form was closed."""

    plan_asked = Signal(str)
    left = Signal()

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._theme = session, theme
        self.question: Question | None = None
        self._judgement: Judgement | None = None
        self._judged: Judged | None = None
        self._conflict: Conflict | None = None
        self._is_note_edited = False
        self._build_head()
        self._build_actions()
        self._build_notices()
        self._note_timer = QTimer(self)
        self._note_timer.setSingleShot(True)
        self._note_timer.setInterval(NOTE_AFTER_MS)
        self._note_timer.timeout.connect(self.keep_note)
        self._arrange()

    # -- parts ---------------------------------------------------------------------------------------------

    def _build_head(self) -> None:
        self.meta = PlainLabel("", SMALL, tone="muted", wrap=True)
        self.key = PlainLabel("", SMALL, 500)
        self.text = PlainLabel("", QUESTION, 600, wrap=True)
        self.why = PlainLabel("", BODY, tone="muted", wrap=True)
        self.ladder = Ladder(self._theme)
        self.ladder.setAccessibleName(self.tr("Answers"))
        self.ladder.chosen.connect(self.choose)
        self.risk = PlainLabel("", BODY, wrap=True)

    def _build_actions(self) -> None:
        self.unsure = KeyButton(self.tr("Unsure"), "U", self._theme)
        self.unsure.clicked.connect(self.say_unsure)
        self.apart = KeyButton(self.tr("Not applicable…"), "X", self._theme)
        self.apart.clicked.connect(self.ask_reason)
        self.write = KeyButton(self.tr("Note"), "N", self._theme, "sticky-note")
        self.write.clicked.connect(self.write_note)
        self.attach = KeyButton(self.tr("Attach"), "A", self._theme, "paperclip")
        self.attach.clicked.connect(self.ask_attachment)
        self.reason_form = QWidget()
        self.reason = FormLine()
        self.reason.setMaxLength(2_000)
        self.reason.setAccessibleName(self.tr("Why it does not apply"))
        self.reason.setPlaceholderText(self.tr("Why it does not apply; printed in the report"))
        self.reason_save = QPushButton(self.tr("Not applicable"))
        self.reason_save.clicked.connect(self._say_not_applicable)
        self.reason.returnPressed.connect(self._say_not_applicable)
        cancel = QPushButton(self.tr("Cancel"))
        cancel.setProperty("kind", "plain")
        cancel.clicked.connect(self._close_reason)
        row = QHBoxLayout(self.reason_form)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.reason, 1)
        row.addWidget(self.reason_save)
        row.addWidget(cancel)
        self.reason_form.hide()
        self.attachments = Attachments(self._theme)
        self.attachments.added.connect(self._attach)
        self.attachments.removed.connect(self._detach)
        self.attachments.closed.connect(self.left)
        self.note_head = PlainLabel(
            self.tr("Note, kept with the answer and printed in the report"), SMALL, tone="muted"
        )
        self.note = QPlainTextEdit()
        self.note.setAccessibleName(self.tr("Note"))
        self.note.setTabChangesFocus(True)
        self.note.setFixedHeight(64)
        self.note.textChanged.connect(self._note_edited)

    def _build_notices(self) -> None:
        theme = self._theme
        self.change = QPushButton("")
        self.change.clicked.connect(self.take_honest)
        self.fix = QPushButton(self.tr("Show the fix"))
        self.fix.clicked.connect(self._ask_plan)
        self.object = QPushButton(self.tr("Challenge this fact…"))
        self.object.setProperty("kind", "plain")
        self.object.clicked.connect(self.ask_challenge)
        self.finding = VerdictNotice(theme, (self.change, self.fix, self.object))
        self.finding.hide()
        self.challenge = ChallengeForm()
        self.challenge.challenged.connect(self._session.challenge)
        self.challenge.closed.connect(self.left)
        self.mine = QPushButton(self.tr("Keep mine"))
        self.mine.clicked.connect(lambda: self._settle(True))
        self.theirs = QPushButton(self.tr("Take theirs"))
        self.theirs.clicked.connect(lambda: self._settle(False))
        self.conflict = VerdictNotice(theme, (self.mine, self.theirs))
        self.conflict.hide()
        self.again = QPushButton(self.tr("It applies"))
        self.again.clicked.connect(self._applies_again)
        self.absent = VerdictNotice(theme, (self.again,))
        self.absent.hide()

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self.key)
        top.addWidget(self.meta, 1)
        for cap in ("K", "J"):
            top.addWidget(KeyCap(cap, self._theme))
        top.addWidget(PlainLabel(self.tr("previous, next"), SMALL, tone="muted"))
        actions = FlowLayout(across=8)
        for button in (self.unsure, self.apart, self.write, self.attach):
            actions.addWidget(button)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(28, 20, 28, 20)
        outer.setSpacing(6)
        outer.addLayout(top)
        outer.addWidget(self.text)
        outer.addWidget(self.why)
        outer.addSpacing(10)
        outer.addWidget(self.absent)
        outer.addWidget(self.ladder)
        outer.addWidget(self.risk)
        outer.addSpacing(6)
        outer.addLayout(actions)
        outer.addWidget(self.reason_form)
        outer.addWidget(self.attachments)
        outer.addSpacing(6)
        outer.addWidget(self.conflict)
        outer.addWidget(self.finding)
        outer.addWidget(self.challenge)
        outer.addSpacing(6)
        outer.addWidget(self.note_head)
        outer.addWidget(self.note)
        outer.addStretch(1)

    # -- showing -------------------------------------------------------------------------------------------

    def show_question(self, judged: Judged, question_id: str) -> None:
        """Shows this question as it is judged now."""
        question = judged.lens.by_id[question_id]
        is_other = self.question is None or self.question.id != question_id
        if is_other:
            self.keep_note()
            self.question = question
            self._close_forms()
        self.question, self._judged = question, judged
        judgement = self._judgement = next(
            entry for entry in judged.judgements if entry.question == question_id
        )
        claim = self.claim
        names = {group.id: group.name for group in (*judged.lens.pillars, *judged.lens.axes)}
        parts = [names.get(question.pillar, question.pillar), self._weight(question)]
        if question.critical:
            parts.append(self.tr("critical"))
        if question.axes:
            axes = (names.get(axis, axis).partition(" (")[0].lower() for axis in question.axes)
            parts.append(", ".join(axes))
        self.key.setText(question.id)
        self.meta.setText("   ".join(parts))
        self.text.setText(question.text)
        self.why.setText(question.why)
        self.why.setVisible(bool(question.why))
        self.ladder.show_levels(shown_levels(question, judgement, judged.evidence))
        self._show_risk(question, judgement)
        self._show_absent(judgement)
        self._show_finding(judged, question, judgement)
        self.attachments.show_attachments(claim.attachments, judged)
        if not self._is_note_edited:
            self._show_note(claim.note)
        self.show_conflicts(self._session.conflicts)

    def _weight(self, question: Question) -> str:
        from assessments.wording import amount

        return self.tr("weight {0}").replace("{0}", amount(question.weight))

    def _show_note(self, text: str) -> None:
        if text != self.note.toPlainText():
            self.note.blockSignals(True)
            self.note.setPlainText(text)
            self.note.blockSignals(False)

    def _show_risk(self, question: Question, judgement: Judgement) -> None:
        self.risk.setVisible(question.by_rules is not None)
        if question.by_rules is None:
            return
        claimed = question.by_rules.risk(judgement.choices)
        if not judgement.choices:
            said = self.tr("Any of these may be true: choose all that are.")
        elif claimed not in _RISKS:
            said = self.tr("The rules of the lens rate no risk for this.")
        else:
            said = self.tr("Risk as answered: {0}.").replace("{0}", _RISKS[claimed])
            if judgement.risk is not None and judgement.risk != claimed:
                left = self.tr(" What the evidence leaves of it: {0}.")
                said += left.replace("{0}", _RISKS[judgement.risk])
        self.risk.setText(said)

    def _show_absent(self, judgement: Judgement) -> None:
        if judgement.applies:
            self.absent.hide()
            return
        self.again.setVisible(not judgement.out_of_scope)
        said = judgement.because
        if self._judged is not None and self.question is not None:
            said = because_words(self._judged.lens, self._judged.evidence, said, self.question)
            if not judgement.out_of_scope:
                said = judgement.because
        sign = verdict_badge("not_applicable", _SIGN)
        self.absent.show_finding("accent", sign, self.tr("Not applicable"), said)

    def _show_finding(self, judged: Judged, question: Question, judgement: Judgement) -> None:
        kind = self._finding_kind(judgement)
        if kind is None:
            self.finding.hide()
            return
        tone, head = kind
        proposed = is_proposed(judgement)
        sign = proposed_badge(_SIGN) if proposed else verdict_badge(judgement.state, _SIGN)
        said = because_words(judged.lens, judged.evidence, judgement.because, question)
        levels = {choice.id: str(place) for place, choice in enumerate(question.choices)}
        honest = honest_choices(question, judgement, judged)
        named = ", ".join(levels[choice] for choice in honest)
        if proposed:
            words = self.tr("Accept level {0}") if question.by_rules is None else self.tr("Accept {0}")
        elif judgement.state == "understated":
            words = self.tr("Raise answer to {0}")
        else:
            words = self.tr("Change answer to {0}")
        self.change.setText(words.replace("{0}", named))
        self.change.setVisible(bool(honest))
        self.fix.setVisible(judgement.state == "contradicted")
        self.object.setVisible(bool(self._objectionable(judgement)))
        self.finding.show_finding(tone, sign, head, said, self._when(judged, judgement))

    def _finding_kind(self, judgement: Judgement) -> tuple[str, str] | None:
        if is_proposed(judgement):
            return "accent", self.tr("Proposed by the evidence, not answered yet")
        match judgement.state:
            case "contradicted":
                return "bad", self.tr("Contradicted by a measurement")
            case "challenged":
                return "warn", self.tr("Challenged: not found in what was given")
            case "understated":
                return "accent", self.tr("More is proven than you claim")
            case _:
                return None

    def _when(self, judged: Judged, judgement: Judgement) -> str:
        found = [judged.evidence.facts[name] for name in judgement.facts if name in judged.evidence.facts]
        if not found:
            return ""
        newest = max(found, key=lambda fact: fact.at)
        moment = newest.at.astimezone().strftime("%Y-%m-%d %H:%M")
        run = next((fact.source.run for fact in found if fact.source.run is not None), None)
        return moment if run is None else self.tr("run {0}, {1}").replace("{0}", run).replace("{1}", moment)

    def show_conflicts(self, conflicts: tuple[Conflict, ...]) -> None:
        """Shows in place that somebody else answered this question meanwhile."""
        question = self.question
        self._conflict = next(
            (entry for entry in conflicts if question is not None and entry.question == question.id), None
        )
        if self._conflict is None or question is None:
            self.conflict.hide()
            return
        said = self.tr("Yours, {0}, is not saved. Theirs is {1}.")
        said = said.replace("{0}", self._claimed(self._conflict.mine, question))
        said = said.replace("{1}", self._claimed(self._conflict.theirs, question))
        head = self.tr("Somebody else changed this answer meanwhile")
        self.conflict.show_finding("warn", verdict_badge("challenged", _SIGN), head, said)

    def _claimed(self, claim: Claim | None, question: Question) -> str:
        if claim is None or claim.state == "unanswered":
            text = self.tr("no answer")
        elif claim.state == "answered":
            places = [
                str(place) for place, choice in enumerate(question.choices) if choice.id in claim.choices
            ]
            text = self.tr("level {0}").replace("{0}", ", ".join(places))
        else:
            text = self.tr("unsure") if claim.state == "unsure" else self.tr("not applicable")
        if claim is not None and claim.note:
            note = claim.note if len(claim.note) <= 80 else claim.note[:79] + "…"
            text += self.tr(" with the note “{0}”").replace("{0}", note)
        return text

    # -- answering -----------------------------------------------------------------------------------------

    @property
    def claim(self) -> Claim:
        """What was answered to the question that is shown."""
        assert self.question is not None
        found = self._session.answers.claims.get(self.question.id)
        return found or Claim(self.question.id, state="unanswered")

    def answer_key(self, place: int) -> None:
        """The level of that number is the answer, or is switched where several may be true."""
        if self.question is not None and place < len(self.question.choices):
            self.choose(self.question.choices[place].id)

    def choose(self, choice: str) -> None:
        """This choice is the answer, or is switched where several may be true."""
        question = self.question
        if question is None:
            return
        self.keep_note()
        if question.by_rules is None:
            self._answer((choice,))
            return
        chosen = set(self.claim.choices) ^ {choice}
        if choice in chosen:
            nones = question.by_rules.nones
            chosen -= {entry for entry in chosen if (entry in nones) != (choice in nones)}
        self._answer(tuple(entry.id for entry in question.choices if entry.id in chosen))

    def _answer(self, choices: tuple[str, ...]) -> None:
        state: ClaimState = "answered" if choices else "unanswered"
        self._session.claim(replace(self.claim, choices=choices, state=state, reason=""))

    def say_unsure(self) -> None:
        """Nobody is sure; said again, it is taken back."""
        self.keep_note()
        state: ClaimState = "unanswered" if self.claim.state == "unsure" else "unsure"
        self._session.claim(replace(self.claim, choices=(), state=state, reason=""))

    def take_honest(self) -> bool:
        """Answers what the evidence leaves or proves; whether there was anything to take."""
        if self.question is None or self._judgement is None or self._judged is None:
            return False
        honest = honest_choices(self.question, self._judgement, self._judged)
        if honest:
            self.keep_note()
            self._answer(honest)
        return bool(honest)

    @property
    def has_proposal(self) -> bool:
        """Whether the evidence proves an answer that nobody has given."""
        return self._judgement is not None and is_proposed(self._judgement)

    def ask_reason(self) -> None:
        """Opens the line for why it does not apply."""
        self._close_forms()
        self.reason.setText(self.claim.reason)
        self.reason_form.show()
        self.reason.setFocus(Qt.FocusReason.OtherFocusReason)

    def _say_not_applicable(self) -> None:
        reason = self.reason.text().strip()
        if not reason:
            self.reason.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        self.keep_note()
        self._close_reason()
        self._session.claim(replace(self.claim, choices=(), state="not_applicable", reason=reason))

    def _close_reason(self) -> None:
        if not self.reason_form.isHidden():
            self.reason_form.hide()
            self.left.emit()

    def _applies_again(self) -> None:
        self._session.claim(replace(self.claim, choices=(), state="unanswered", reason=""))

    def ask_attachment(self) -> None:
        """Opens the form for a document."""
        self._close_forms()
        self.attachments.ask()

    def _attach(self, attachment: Attachment) -> None:
        kept = tuple(entry for entry in self.claim.attachments if entry.file != attachment.file)
        self._session.claim(replace(self.claim, attachments=(*kept, attachment)))

    def _detach(self, attachment: Attachment) -> None:
        kept = tuple(entry for entry in self.claim.attachments if entry != attachment)
        self._session.claim(replace(self.claim, attachments=kept))

    def ask_challenge(self) -> None:
        """Opens the form that says why a fact does not count."""
        facts = [] if self._judgement is None else self._objectionable(self._judgement)
        if facts:
            self._close_forms()
            self.challenge.ask([(name, f"{meaning(name)}  {name}") for name in facts])

    def _objectionable(self, judgement: Judgement) -> list[str]:
        """The facts that the judgement rests on, and what they are made of."""
        from app.report.sections.claim_cards import inputs_of

        if self._judged is None:
            return []
        known = self._judged.evidence.facts
        names = dict.fromkeys(name for name in judgement.facts if name in known)
        for name in list(names):
            names |= dict.fromkeys(part for part in inputs_of(name) if part in known)
        return list(names)

    def _ask_plan(self) -> None:
        if self.question is not None:
            self.plan_asked.emit(self.question.id)

    def _settle(self, mine: bool) -> None:
        if self._conflict is not None:
            self._session.settle_conflict(self._conflict.question, mine=mine)

    # -- notes ---------------------------------------------------------------------------------------------

    def write_note(self) -> None:
        """Puts the cursor into the note."""
        self.note.setFocus(Qt.FocusReason.OtherFocusReason)
        self.note.moveCursor(self.note.textCursor().MoveOperation.End)

    def _note_edited(self) -> None:
        self._is_note_edited = True
        self._note_timer.start()

    def keep_note(self) -> None:
        """Keeps what stands in the note."""
        self._note_timer.stop()
        if not self._is_note_edited:
            return
        self._is_note_edited = False
        if self.question is not None and self._session.materials is not None:
            self._session.claim(replace(self.claim, note=self.note.toPlainText()))

    @property
    def has_form(self) -> bool:
        """Whether a form is open that Escape closes."""
        return not (
            self.reason_form.isHidden() and self.attachments.form.isHidden() and self.challenge.isHidden()
        )

    def close_forms(self) -> None:
        """Closes every form; nothing is said."""
        self._close_forms()
        self.left.emit()

    def _close_forms(self) -> None:
        for form in (self.reason_form, self.attachments.form, self.challenge):
            form.hide()
