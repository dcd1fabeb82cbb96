"""The strips above the checklist: what evidence changed, what it proves, and what somebody else changed."""

from __future__ import annotations

from collections import Counter

from PySide6.QtCore import QObject, Signal

from app.gui.models.questions import can_propose_more, changed_between, proposals
from app.gui.session import Session
from app.gui.theme import Theme
from app.gui.widgets.strip import Strip
from assessments.answer_keeping import Conflict
from assessments.judging import Judged


class ChecklistStrips(QObject):
    """`news`, `offer` and `others`, each hidden while it has nothing to say."""

    changed_asked = Signal()
    """What the news changed is to be shown."""
    proposals_asked = Signal()
    evidence_asked = Signal()
    """A folder with evidence is to be added."""
    question_asked = Signal(str)

    def __init__(self, session: Session, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self.session = session
        self._judged: Judged | None = None
        self._runs: frozenset[str] = frozenset()
        self.news = Strip("activity", theme)
        self.news.asked.connect(self.changed_asked)
        self.offer = Strip("list-checks", theme, can_dismiss=False)
        self.offer.asked.connect(self._follow_offer)
        self.others = Strip("triangle-alert", theme, "warn", can_dismiss=False)
        self.others.asked.connect(self._show_conflict)

    def tell(self, before: Judged | None, after: Judged) -> tuple[str, ...]:
        """Says what new evidence changed; the questions that it moved, none where nothing stood before."""
        changed = () if before is None else self._told(before, after)
        materials = self.session.materials
        if materials is not None:
            self._runs = frozenset(str((run.get("run") or {}).get("id", "")) for run in materials.runs)
        return changed

    def _told(self, before: Judged, after: Judged) -> tuple[str, ...]:
        changed = changed_between(before, after)
        if not changed:
            return ()
        states = Counter(str(entry.state) for entry in after.judgements if entry.question in changed)
        offered = sum(1 for entry in proposals(after) if entry.question in changed)
        parts = [
            f"{states[state]} {word}"
            for state, word in (
                ("verified", self.tr("verified")),
                ("partly", self.tr("partly proven")),
                ("understated", self.tr("understated")),
                ("contradicted", self.tr("contradicted")),
                ("challenged", self.tr("challenged")),
            )
            if states[state]
        ]
        if offered:
            parts.append(self.tr("{0} proposed").replace("{0}", str(offered)))
        text = self.tr("It changed 1 answer") if len(changed) == 1 else self.tr("It changed {0} answers")
        text = text.replace("{0}", str(len(changed))) + (f": {', '.join(parts)}." if parts else ".")
        link = self.tr("Show changed {0}").replace("{0}", str(len(changed)))
        self.news.say(f"{self._cause()} {text}", link)
        return changed

    def _cause(self) -> str:
        """What brought the evidence: the newest run where there is a new one."""
        materials = self.session.materials
        for run in () if materials is None else materials.runs:
            name = str((run.get("run") or {}).get("id", ""))
            if name and name not in self._runs:
                return self.tr("Probe run {0} ended.").replace("{0}", name)
        return self.tr("There is new evidence.")

    def show_offer(self, judged: Judged) -> None:
        """Offers what is proven and not answered, or to add what could prove it."""
        self._judged = judged
        count = len(proposals(judged))
        if not count and can_propose_more(judged):
            text = self.tr(
                "The service's repository (manifests, metrics, dashboards, pipelines) can prove answers."
            )
            self.offer.say(text, self.tr("Add its folder"))
            return
        if not count:
            self.offer.hide()
            return
        text = self.tr("The evidence proves 1 open answer.")
        if count > 1:
            text = self.tr("The evidence proves {0} open answers.").replace("{0}", str(count))
        self.offer.say(text, self.tr("Look at all and accept"))

    def _follow_offer(self) -> None:
        """To what is proposed, or to where evidence is added."""
        if self._judged is not None and proposals(self._judged):
            self.proposals_asked.emit()
        else:
            self.evidence_asked.emit()

    def show_conflicts(self, conflicts: tuple[Conflict, ...]) -> None:
        """Names the answers that somebody else changed meanwhile; none hides it."""
        if not conflicts:
            self.others.hide()
            return
        names = ", ".join(entry.question for entry in conflicts[:3]) + (", …" if len(conflicts) > 3 else "")
        text = self.tr("Somebody else changed {0} meanwhile. Your answer there is not saved yet.")
        self.others.say(text.replace("{0}", names), self.tr("Look at both"))

    def _show_conflict(self) -> None:
        if self.session.conflicts:
            self.question_asked.emit(self.session.conflicts[0].question)
