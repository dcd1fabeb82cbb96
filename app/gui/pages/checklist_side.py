"""Beside a question: the evidence for it, and what its answer is worth."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.charts.pieces import refused_glyph, score_glyph
from app.gui.level_words import age_words, because_words, meaning, source_words, value_words
from app.gui.texts import plain_tip
from app.gui.theme import BODY, SECTION, SMALL, Theme, font
from app.gui.widgets.chart_view import ShapesView
from app.gui.widgets.labels import PlainLabel, rule
from assessments.assessment import Assessed
from assessments.judging import Judged
from assessments.ladders import asked_facts
from assessments.lens import Question
from assessments.scoring import Score
from assessments.states import Judgement
from assessments.worth import Worth
from probes.facts import CATALOGUE, Fact

MOST_FACTS = 5
MOST_MISSING = 4
GLYPH = (208.0, 18.0)


def facts_of(question: Question, judged: Judged) -> tuple[list[Fact], list[str]]:
    """The facts that count for a question, with what derived ones are made of; and the names not known."""
    from app.report.sections.claim_cards import inputs_of

    found: dict[str, Fact] = {}
    missing: dict[str, None] = {}
    for name in asked_facts(question):
        if name.startswith("profile."):
            continue
        fact = judged.evidence.facts.get(name)
        if fact is None:
            missing[name] = None
            continue
        found[name] = fact
        for part in inputs_of(name):
            known = judged.evidence.facts.get(part)
            if known is not None:
                found.setdefault(part, known)
    return list(found.values()), [name for name in missing if name not in found]


class FactEntry(QWidget):
    """One fact: what it is, how old, its value, its source as a link."""

    opened = Signal(str)

    def __init__(self, fact: Fact, age: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(PlainLabel(meaning(fact.name), SMALL, tone="muted", wrap=True), 1)
        top.addWidget(PlainLabel(age, SMALL, tone="muted"), 0, Qt.AlignmentFlag.AlignTop)
        source = QPushButton(_broken(source_words(fact), is_path=fact.source.file is not None))
        source.setProperty("kind", "link")
        source.setFont(font(SMALL, 500))
        source.setMinimumWidth(60)
        source.setCursor(Qt.CursorShape.PointingHandCursor)
        source.setToolTip(plain_tip(source_words(fact)))
        source.setAccessibleName(f"{meaning(fact.name)}: {source_words(fact)}")
        source.clicked.connect(lambda: self.opened.emit(fact.name))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 8, 0, 6)
        outer.setSpacing(1)
        outer.addLayout(top)
        outer.addWidget(PlainLabel(value_words(fact), BODY, 600, wrap=True, selectable=True))
        outer.addWidget(source, 0, Qt.AlignmentFlag.AlignLeft)
        self.source = source


def _broken(text: str, longest: int = 34, *, is_path: bool) -> str:
    """A long source, cut: of a path the end is kept, where file and line stand."""
    if len(text) <= longest:
        return text
    return "…" + text[-longest + 1 :] if is_path else text[: longest - 1] + "…"


class SidePane(QWidget):
    """The right column. `fact_opened` brings the name of a fact whose source is asked for."""

    fact_opened = Signal(str)
    evidence_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._signature: object = None
        self.entries: list[FactEntry] = []
        self._facts = QVBoxLayout()
        self._facts.setSpacing(0)
        self._facts_box: QWidget | None = None
        self.pillar = PlainLabel("", BODY)
        self.score = PlainLabel("", BODY, 600)
        self.span = PlainLabel("", BODY, tone="muted")
        self.glyph = ShapesView((), GLYPH, theme)
        self.refused = PlainLabel("", SMALL, tone="muted", wrap=True)
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self.pillar, 1)
        line.addWidget(self.score)
        line.addWidget(self.span)
        self.rows: list[tuple[QWidget, PlainLabel, PlainLabel]] = []
        self._remark = PlainLabel("", SMALL, tone="muted", wrap=True)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(20, 20, 20, 20)
        outer.setSpacing(0)
        outer.addWidget(PlainLabel(self.tr("Evidence for this question"), SECTION, 600))
        outer.addSpacing(8)
        outer.addWidget(rule())
        outer.addLayout(self._facts)
        outer.addSpacing(20)
        outer.addWidget(PlainLabel(self.tr("What it is worth"), SECTION, 600))
        outer.addSpacing(8)
        outer.addLayout(line)
        outer.addSpacing(2)
        outer.addWidget(self.glyph)
        outer.addWidget(self.refused)
        for _ in range(4):
            outer.addWidget(self._worth_row())
        outer.addSpacing(8)
        outer.addWidget(self._remark)
        outer.addStretch(1)

    def _worth_row(self) -> QWidget:
        box = QWidget()
        word, value = PlainLabel("", BODY, wrap=True), PlainLabel("", BODY, 600)
        row = QHBoxLayout()
        row.setContentsMargins(0, 7, 0, 7)
        row.setSpacing(8)
        row.addWidget(word, 1)
        row.addWidget(value)
        outer = QVBoxLayout(box)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addLayout(row)
        outer.addWidget(rule())
        self.rows.append((box, word, value))
        return box

    # -- facts ---------------------------------------------------------------------------------------------

    def show_question(
        self, judged: Judged, question: Question, judgement: Judgement, worth: Worth, whole: Assessed | None
    ) -> None:
        """Shows what there is on this question."""
        facts, missing = facts_of(question, judged)
        facts.sort(key=lambda fact: fact.name not in judgement.facts)
        aged = tuple((fact, age_words(fact, judged.evidence)) for fact in facts[:MOST_FACTS])
        signature = (question.id, aged, tuple(missing), len(facts))
        if signature != self._signature:
            self._signature = signature
            self._show_facts(aged, missing, len(facts))
        self._show_worth(judged, question, judgement, worth, whole)

    def _show_facts(self, aged: tuple[tuple[Fact, str], ...], missing: list[str], count: int) -> None:
        if self._facts_box is not None:
            self._facts.removeWidget(self._facts_box)
            self._facts_box.hide()
            self._facts_box.deleteLater()
        box = self._facts_box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.entries = []
        for fact, age in aged:
            entry = FactEntry(fact, age)
            entry.opened.connect(self.fact_opened)
            self.entries.append(entry)
            column.addWidget(entry)
            column.addWidget(rule())
        if count > len(aged):
            left = count - len(aged)
            words = self.tr("1 more fact") if left == 1 else self.tr("{0} more facts")
            more = QPushButton(words.replace("{0}", str(left)))
            more.setProperty("kind", "link")
            more.clicked.connect(self.evidence_asked)
            column.addSpacing(6)
            column.addWidget(more, 0, Qt.AlignmentFlag.AlignLeft)
        if missing:
            names = [f"{meaning(name)} ({_giver(name)})" for name in missing[:MOST_MISSING]]
            said = self.tr("Not known: {0}").replace("{0}", "; ".join(names))
            if len(missing) > MOST_MISSING:
                said += "; " + self.tr("{0} more").replace("{0}", str(len(missing) - MOST_MISSING))
            column.addSpacing(8)
            column.addWidget(PlainLabel(said, SMALL, tone="muted", wrap=True))
        if not aged and not missing:
            column.addSpacing(8)
            column.addWidget(
                PlainLabel(
                    self.tr(
                        "No fact can settle this question yet. A dated document that you attach "
                        "backs the answer."
                    ),
                    SMALL,
                    tone="muted",
                    wrap=True,
                )
            )
        self._facts.addWidget(box)

    # -- worth ---------------------------------------------------------------------------------------------

    def _show_worth(
        self, judged: Judged, question: Question, judgement: Judgement, worth: Worth, whole: Assessed | None
    ) -> None:
        name = next((entry.name for entry in judged.lens.pillars if entry.id == question.pillar), "")
        reading = worth.now.reading
        self.pillar.setText(name)
        self.refused.setVisible(reading is None)
        if reading is None:
            self.score.setText("–")
            self.span.setText("")
            self.glyph.show_shapes(refused_glyph(*GLYPH), GLYPH, worth.now.refused or "")
            self.refused.setText(worth.now.refused or "")
        else:
            self.score.setText(f"{reading.score:.0f}")
            self.span.setText(f"({reading.proven:.0f}–{reading.claimed:.0f})")
            shapes = score_glyph(
                reading.proven,
                reading.score,
                reading.claimed,
                reading.lost.contradicted,
                *GLYPH,
                unanswered=reading.lost.unanswered,
            )
            said = self.tr("score {0}, proven {1}, claimed {2}")
            for place, points in enumerate((reading.score, reading.proven, reading.claimed)):
                said = said.replace(f"{{{place}}}", f"{points:.0f}")
            self.glyph.show_shapes(shapes, GLYPH, said)
        rows = self._worth_rows(question, judgement, worth, whole)
        for place, (box, word, value) in enumerate(self.rows):
            box.setVisible(place < len(rows))
            if place < len(rows):
                word.setText(rows[place][0])
                value.setText(rows[place][1])
        remark = ""
        if judgement.state == "contradicted":
            remark = self.tr("Over-claiming never scores above the honest answer.")
        elif question.weight <= 0:
            remark = self.tr("This question informs and weighs nothing.")
        elif not judgement.applies:
            remark = self.tr("It does not apply, so it is in no score.")
        elif judgement.state in ("claimed", "partly"):
            remark = because_words(judged.lens, judged.evidence, judgement.because, question)
        self._remark.setText(remark)
        self._remark.setVisible(bool(remark))

    def _worth_rows(
        self, question: Question, judgement: Judgement, worth: Worth, whole: Assessed | None
    ) -> list[tuple[str, str]]:
        from app.report.words import STATES

        now = self.tr("now, {0}").replace("{0}", STATES[judgement.state][0])
        rows = [(now, _points(worth.now))]
        if worth.honestly is not None:
            levels = {choice.id: place for place, choice in enumerate(question.choices)}
            named = ", ".join(str(levels[choice]) for choice in worth.honest)
            is_lower = judgement.state == "contradicted"
            word = self.tr("answer {0}, honest") if is_lower else self.tr("answer {0}, proven")
            rows.append((word.replace("{0}", named), _points(worth.honestly)))
        lever = _lever(question.id, whole)
        if lever is not None:
            rows.append((lever[0], lever[1]))
        elif worth.fixed is not None:
            text = self._fix(question, judgement)
            rows.append((text, _points(worth.fixed)))
        return rows

    def _fix(self, question: Question, judgement: Judgement) -> str:
        if judgement.state == "contradicted":
            return self.tr("fixed and proven")
        if judgement.choices and judgement.choices[-1] == question.choices[-1].id:
            return self.tr("this answer, proven")
        return self.tr("the next level, done and proven")


def _lever(question: str, whole: Assessed | None) -> tuple[str, str] | None:
    """A change whose numbers come from the measurements, with the points that it gains its pillar."""
    if whole is None:
        return None
    from assessments.levers import Lever

    for action in whole.actions:
        if isinstance(action, Lever) and question in action.questions:
            return action.text, f"+{action.points:.0f}"
    return None


def _points(score: Score) -> str:
    return "–" if score.reading is None else f"{score.reading.score:.0f}"


def _giver(name: str) -> str:
    """Which probe gives the fact."""
    entry = CATALOGUE.get(name)
    probe = "" if entry is None else entry.probe
    return {
        "load": "from a load run",
        "derived": "follows from others",
        "history": "from earlier runs",
        "kubernetes": "from manifests",
        "cloud": "from Terraform or CloudFormation",
        "containers": "from a Dockerfile or Compose",
        "batching": "from a model server's configuration",
        "dependencies": "from the list of packages",
        "ci": "from pipelines",
        "dashboards": "from dashboards",
        "alarms": "from alarms",
        "telemetry": "from the collector of traces",
        "dbt": "from dbt",
        "checks": "from checks of data",
        "schedulers": "from schedulers of data",
        "feast": "from the feature store",
        "spark": "from an event log of Spark",
        "prometheus": "from metrics",
    }.get(probe, probe or "by hand")
