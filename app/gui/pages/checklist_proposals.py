"""The answers that the evidence proves, as a list to look at before all of them are accepted at once."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.charts.pieces import proposed_badge
from app.gui.level_words import because_words
from app.gui.theme import BODY, QUESTION, SMALL, Theme
from app.gui.widgets.chart_view import ShapesView
from app.gui.widgets.labels import PlainLabel, rule
from assessments.judging import Judged
from assessments.states import Judgement


class ProposalsPane(QWidget):
    """Each proposal with its reason and a check box. `accepted` brings the ids of those that are checked."""

    accepted = Signal(list)
    closed = Signal()
    question_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.boxes: dict[str, QCheckBox] = {}
        self.head = PlainLabel("", QUESTION, 600, wrap=True)
        self.accept = QPushButton("")
        self.accept.setProperty("kind", "primary")
        self.accept.clicked.connect(lambda: self.accepted.emit(self.checked()))
        cancel = QPushButton(self.tr("Not now"))
        cancel.clicked.connect(self.closed)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.accept)
        buttons.addWidget(cancel)
        buttons.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroll.setAccessibleName(self.tr("Proposed answers"))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(28, 20, 28, 20)
        outer.setSpacing(8)
        outer.addWidget(self.head)
        outer.addWidget(
            PlainLabel(
                self.tr("None of these is an answer until it is accepted. Accepting is one step to undo."),
                BODY,
                tone="muted",
                wrap=True,
            )
        )
        outer.addSpacing(8)
        outer.addWidget(self._scroll, 1)
        outer.addLayout(buttons)

    def show_proposals(self, judged: Judged, proposals: Sequence[Judgement]) -> None:
        """Lists these; all are checked."""
        self.boxes = {}
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(0)
        for judgement in proposals:
            column.addWidget(self._entry(judged, judgement))
            column.addWidget(rule())
        column.addStretch(1)
        self._scroll.setWidget(inside)
        count = len(proposals)
        words = self.tr("The evidence proves 1 open answer") if count == 1 else ""
        self.head.setText(words or self.tr("The evidence proves {0} open answers").replace("{0}", str(count)))
        self._count()

    def _entry(self, judged: Judged, judgement: Judgement) -> QWidget:
        question = judged.lens.by_id[judgement.question]
        offered = (judgement.offered or "").split(", ")
        levels = {choice.id: place for place, choice in enumerate(question.choices)}
        texts = [choice.text for choice in question.choices if choice.id in offered]
        named = ", ".join(str(levels[choice]) for choice in offered)
        box = QCheckBox()
        box.setChecked(True)
        said = self.tr("{0} {1}: level {2}, {3}")
        for place, value in enumerate((question.id, question.title, named, "; ".join(texts))):
            said = said.replace(f"{{{place}}}", value)
        box.setAccessibleName(said)
        box.toggled.connect(self._count)
        self.boxes[question.id] = box
        link = QPushButton(f"{question.id}  {question.title}")
        link.setProperty("kind", "link")
        link.clicked.connect(lambda: self.question_asked.emit(question.id))
        sign = ShapesView(proposed_badge(14), (14, 14), self._theme)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(box)
        top.addWidget(sign)
        top.addWidget(link)
        top.addStretch(1)
        entry = QWidget()
        outer = QVBoxLayout(entry)
        outer.setContentsMargins(0, 8, 0, 8)
        outer.setSpacing(2)
        outer.addLayout(top)
        level = self.tr("Level {0}: {1}").replace("{0}", named).replace("{1}", "; ".join(texts))
        outer.addWidget(_indented(PlainLabel(level, BODY, wrap=True)))
        because = because_words(judged.lens, judged.evidence, judgement.because, question)
        outer.addWidget(_indented(PlainLabel(because, SMALL, tone="muted", wrap=True)))
        return entry

    def checked(self) -> list[str]:
        """The questions whose proposals are checked."""
        return [question for question, box in self.boxes.items() if box.isChecked()]

    def _count(self) -> None:
        count = len(self.checked())
        self.accept.setText(self.tr("Accept {0}").replace("{0}", str(count)))
        self.accept.setEnabled(count > 0)

    def take_focus(self) -> None:
        """The button that accepts has the focus."""
        self.accept.setFocus(Qt.FocusReason.OtherFocusReason)


def _indented(label: PlainLabel) -> PlainLabel:
    label.setContentsMargins(48, 0, 0, 0)
    return label
