"""The open assessment. Every change is judged at once, saved in the background, and can be undone.

    change ──▶ QUndoStack ──▶ answers ──▶ judged (at once) ──▶ assessed (a moment later: verdict, actions)
                                   └────▶ saved (in the background, in order)

Pages never write to the store and never compute a score: they call `claim`, `set_profile` and the like, and
draw what `judged` and `assessed` bring.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.gui.executor import Failure, SerialExecutor

if TYPE_CHECKING:
    from assessments.answer_keeping import AnswerKeeping, Conflict
    from assessments.assessment import Assessed
    from assessments.claims import Answers, Claim
    from assessments.evidence import Challenge
    from assessments.judging import Judged, Materials
    from assessments.profile import Profile
    from assessments.store import Store

NOTE = 1
"""The kind of change that is one step with the one before it: a note being written."""
ASSESS_AFTER_MS = 120
"""Verdict and actions follow this long after the last change: they take longer than a key press may."""
SAVE_AGAIN_MS = 5_000
"""What could not be saved is tried again so long after."""


class _Change(QUndoCommand):
    """One change of the answers: to `after`, and back to `before`. Changes of one note become one."""

    def __init__(
        self,
        session: Session,
        text: str,
        before: Answers,
        after: Answers,
        question: str | None,
        *,
        is_note: bool = False,
    ) -> None:
        super().__init__(text)
        self._session, self._before, self._after, self._question = session, before, after, question
        self._is_note = is_note

    def id(self) -> int:
        """What may be one step with the change before it."""
        return NOTE if self._is_note else -1

    def mergeWith(self, later: QUndoCommand) -> bool:  # noqa: N802, Qt's name
        """Takes in a later change of the same note."""
        if not isinstance(later, _Change) or later._question != self._question:
            return False
        self._after = later._after
        return True

    def redo(self) -> None:
        self._bring(self._after)

    def undo(self) -> None:
        self._bring(self._before)

    def _bring(self, answers: Answers) -> None:
        # PySide 6.11 ends the process when an exception leaves a method that Qt calls: report it instead.
        try:
            self._session._apply(answers, self._question)
        except Exception:
            sys.excepthook(*sys.exc_info())


class Session(QObject):
    """At most one open assessment, over one open store.

    The window is there before its store is: `store_opened` says when it is, and whenever another one is.
    """

    store_opened = Signal()

    opened = Signal(str)
    """The name of the assessment that is open from now on; empty when none is."""
    judged = Signal(object)
    """`Judged`: claims, scores and forecast after every change."""
    assessed = Signal(object)
    """`Assessed`: all of it, with verdict and actions."""
    question_changed = Signal(str)
    """The question whose answer was just changed, undone or redone."""
    saving = Signal()
    saved = Signal(object)
    """The moment at which everything was saved."""
    not_saved = Signal()
    """What stands in the window is not in the store; it is tried again, also after another one was opened."""
    conflicted = Signal(object)
    """Tuple of `Conflict`: answers that somebody else changed meanwhile too; empty when all are settled."""
    failed = Signal(object)
    """`Failure`: what could not be read or saved; nothing that stands in the window is lost."""

    def __init__(self, store: Store | None, executor: SerialExecutor, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self.executor = executor
        self.undo_stack = QUndoStack(self)
        self.name = ""
        self.materials: Materials | None = None
        self.now: Judged | None = None
        self.whole: Assessed | None = None
        self.saved_at: datetime | None = None
        self.conflicts: tuple[Conflict, ...] = ()
        self._keeping: AnswerKeeping | None = None
        self._unsaved = 0
        self.save_failed = False
        self._owed: dict[AnswerKeeping, Answers] = {}
        """What could not be saved, the last of each assessment."""
        self._newest: dict[AnswerKeeping, Answers] = {}
        """What was handed on to be saved last, of each assessment."""
        self._said = ""
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(SAVE_AGAIN_MS)
        self._again.timeout.connect(self.save_again)
        self._turn = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(ASSESS_AFTER_MS)
        self._timer.timeout.connect(self._assess)

    # -- opening -------------------------------------------------------------------------------------------

    @property
    def has_store(self) -> bool:
        """Whether a store is open."""
        return self._store is not None

    @property
    def store(self) -> Store:
        """The open store. Raises `RuntimeError` while there is none."""
        if self._store is None:
            raise RuntimeError("no store is open")
        return self._store

    def take_store(self, store: Store) -> None:
        """Works on this store from now on; an assessment of another one is left."""
        if self.name:
            self.close()
        self._store = store
        self.store_opened.emit()

    def open(self, name: str) -> None:
        """Opens an assessment of the store; `opened`, `judged` and `assessed` follow, or `failed`."""
        from assessments.stored import materials

        # Before it is read: it may be the very one that could not be saved.
        self.save_again()
        self._turn += 1
        turn = self._turn
        self.executor.submit(
            lambda: materials(self.store, name),
            lambda found: self._take(found, turn, is_new=True),
            self.failed.emit,
        )

    def open_if_there(
        self, name: str, then: Callable[[], None], otherwise: Callable[[], None] | None = None
    ) -> None:
        """Opens an assessment, and then does `then`; where it is not there, `otherwise` or nothing."""
        from assessments.stored import materials

        self._turn += 1
        turn = self._turn

        def taken(found: Materials) -> None:
            self._take(found, turn, is_new=True)
            if turn == self._turn:
                then()

        def failed(failure: Failure) -> None:
            from assessments.store import UnknownAssessment

            if not isinstance(failure.error, UnknownAssessment):
                self.failed.emit(failure)
            elif otherwise is not None:
                otherwise()

        self.executor.submit(lambda: materials(self.store, name), taken, failed)

    def reload(self) -> None:
        """Reads the open assessment again: a run or a scan has added to it. Undo stays."""
        from assessments.stored import materials

        if not self.name:
            return
        name, turn = self.name, self._turn
        self.executor.submit(
            lambda: materials(self.store, name),
            lambda found: self._take(found, turn, is_new=False),
            self.failed.emit,
        )

    def close(self) -> None:
        """Leaves the assessment; what was changed is saved already or will be."""
        self._turn += 1
        self._timer.stop()
        self.name, self.materials, self.now, self.whole = "", None, None, None
        self._keeping = None
        self.undo_stack.clear()
        self._show_conflicts(())
        self.opened.emit("")

    def _take(self, materials: Materials, turn: int, *, is_new: bool) -> None:
        if turn != self._turn:
            return
        if is_new:
            from assessments.answer_keeping import AnswerKeeping

            self.undo_stack.clear()
            self.name, self.whole = materials.name, None
            self.materials = materials
            self._keeping = AnswerKeeping(self.store, materials.name, materials.answers)
            self._show_conflicts(())
            self.opened.emit(self.name)
        else:
            assert self.materials is not None
            self.materials = replace(materials, answers=self.materials.answers, lens=self.materials.lens)
        self._judge()

    # -- changing ------------------------------------------------------------------------------------------

    @property
    def answers(self) -> Answers:
        """The answers as they stand. Raises `RuntimeError` when nothing is open."""
        if self.materials is None:
            raise RuntimeError("no assessment is open")
        return self.materials.answers

    def claim(self, claim: Claim) -> None:
        """Answers a question; `unanswered` without a note takes the answer back."""
        before = self.answers.claims.get(claim.question)
        claims = _with_claims(self.answers.claims, (claim,))
        if claims == self.answers.claims:
            return
        is_note = before is not None and replace(before, note=claim.note) == claim
        text = self.tr("Note to {0}") if is_note else self.tr("Answer to {0}")
        self._push(text.replace("{0}", claim.question), claim.question, is_note=is_note, claims=claims)

    def claim_several(self, claims: Sequence[Claim], text: str) -> None:
        """Answers several questions in one step, which `text` names in the list of changes."""
        after = _with_claims(self.answers.claims, claims)
        if after != self.answers.claims:
            self._push(text, claims[0].question if len(claims) == 1 else None, claims=after)

    def settle_conflict(self, question: str, *, mine: bool) -> None:
        """Decides between our answer and the one that somebody else saved meanwhile; theirs can be undone."""
        found = next((entry for entry in self.conflicts if entry.question == question), None)
        keeping = self._keeping
        if found is None or keeping is None:
            return
        self.executor.submit(lambda: keeping.settle(question), None, self.failed.emit)
        self._show_conflicts(tuple(entry for entry in self.conflicts if entry is not found))
        if mine:
            self._save(self.answers)
        else:
            from assessments.claims import Claim

            self.claim(found.theirs or Claim(question, state="unanswered"))

    def set_profile(self, values: Mapping[str, Any]) -> None:
        """Replaces the profile by what `read_profile` makes of the values. Raises `UsageError`."""
        from assessments.profile import read_profile

        profile: Profile = read_profile(values, "the profile")
        if profile != self.answers.profile:
            self._push(self.tr("Profile"), None, profile=profile)

    def challenge(self, challenge: Challenge) -> None:
        """Says why a fact does not count."""
        kept = tuple(entry for entry in self.answers.challenges if entry.fact != challenge.fact)
        self._push(self.tr("Challenge"), None, challenges=(*kept, challenge))

    def withdraw_challenge(self, fact: str) -> None:
        """Lets a challenged fact count again."""
        kept = tuple(entry for entry in self.answers.challenges if entry.fact != fact)
        if len(kept) != len(self.answers.challenges):
            self._push(self.tr("Challenge withdrawn"), None, challenges=kept)

    def _push(self, text: str, question: str | None, *, is_note: bool = False, **changes: Any) -> None:
        before = self.answers
        after = replace(before, **changes)
        assert self.materials is not None
        after.check(self.materials.lens)
        self.undo_stack.push(_Change(self, text, before, after, question, is_note=is_note))

    def _apply(self, answers: Answers, question: str | None) -> None:
        assert self.materials is not None
        self.materials = replace(self.materials, answers=answers)
        self._judge()
        if question is not None:
            self.question_changed.emit(question)
        self._save(answers)

    # -- judging and saving --------------------------------------------------------------------------------

    def _judge(self) -> None:
        from assessments.judging import judged_at

        assert self.materials is not None
        self.now = judged_at(self.materials, datetime.now(UTC))
        self.judged.emit(self.now)
        self._timer.start()

    def _assess(self) -> None:
        """Verdict and actions, in this thread but after the window has drawn what was judged."""
        from assessments.assessment import assess

        if self.materials is None:
            return
        self.whole = assess(self.materials, datetime.now(UTC))
        self.assessed.emit(self.whole)

    def what_if(self, change: Callable[[Materials], Materials]) -> Assessed:
        """The assessment as it would be; nothing is changed. For what a person drags."""
        from assessments.assessment import assess

        if self.materials is None:
            raise RuntimeError("no assessment is open")
        return assess(change(self.materials), datetime.now(UTC))

    def _save(self, answers: Answers) -> None:
        assert self._keeping is not None
        self._keep(self._keeping, answers)

    def _keep(self, keeping: AnswerKeeping, answers: Answers) -> None:
        self._unsaved += 1
        self._newest[keeping] = answers
        self.saving.emit()
        self.executor.submit(
            lambda: keeping.keep(answers),
            lambda conflicts: self._is_saved(keeping, conflicts),
            lambda failure: self._is_not_saved(keeping, failure),
        )

    def _is_saved(self, keeping: AnswerKeeping, conflicts: tuple[Conflict, ...]) -> None:
        self._unsaved -= 1
        self._owed.pop(keeping, None)
        self.save_failed = bool(self._owed)
        if keeping is self._keeping and not self._unsaved:
            self._show_conflicts(conflicts)
        if self._unsaved:
            return
        if self.save_failed:
            self.not_saved.emit()
            return
        self._said = ""
        self.saved_at = datetime.now(UTC)
        self.saved.emit(self.saved_at)

    def _show_conflicts(self, conflicts: tuple[Conflict, ...]) -> None:
        if conflicts != self.conflicts:
            self.conflicts = conflicts
            self.conflicted.emit(conflicts)

    def _is_not_saved(self, keeping: AnswerKeeping, failure: Failure) -> None:
        self._unsaved -= 1
        # The newest, also while it still waits for its turn: an older one must not be saved after it.
        self._owed[keeping] = self._newest[keeping]
        self.save_failed = True
        if failure.sentence != self._said:
            self._said = failure.sentence
            self.failed.emit(failure)
        self.not_saved.emit()
        self._again.start()

    def save_again(self) -> None:
        """Tries once more to save what could not be saved, of every assessment that was open."""
        for keeping, answers in tuple(self._owed.items()):
            self._keep(keeping, answers)

    @property
    def has_unsaved(self) -> bool:
        """Whether something is not in the store yet."""
        return self._unsaved > 0


def _with_claims(claims: Mapping[str, Claim], changes: Sequence[Claim]) -> dict[str, Claim]:
    """The claims with others in their place; one that says nothing at all takes its place away."""
    after = dict(claims)
    for claim in changes:
        if claim.state == "unanswered" and not claim.note and not claim.attachments:
            after.pop(claim.question, None)
        else:
            after[claim.question] = claim
    return after
