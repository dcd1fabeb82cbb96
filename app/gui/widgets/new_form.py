"""The form of a new assessment, in place: a name is enough, and what else is known makes it say more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.gui.theme import BODY, SECTION, SMALL
from app.gui.widgets.flow import FlowLayout
from app.gui.widgets.labels import PlainLabel, rule
from probes.errors import UsageError, UserError


class NewForm(QWidget):
    """Name and profile. `created` brings (name, title, profile); Escape and Cancel close it.

    The fields scroll where there is little room; the buttons stay in sight.
    """

    created = Signal(str, str, object)
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("newForm")
        self.name = _line(self.tr("Name"), "shop-recommender", 100)
        self.title = _line(self.tr("Title"), self.tr("before the winter campaign"), 200)
        self.kind = _choice(self.tr("Kind of system"))
        self.target_kind = _choice(self.tr("What is measured"))
        self.deploys_to = _choice(self.tr("Where it runs"))
        self.peak_per_s = _line(self.tr("Peak today, requests a second"), "100", 20)
        self.target_peak_per_s = _line(self.tr("Peak to carry, requests a second"), "140", 20)
        self.slo = _line(self.tr("Objective"), "p99<=200ms,errors<=1%", 200)
        self.occasion = _line(self.tr("Ready for"), self.tr("winter campaign"), 200)
        self.occasion_on = _line(self.tr("On the day"), "2027-01-15", 10)
        self.traits = {name: QCheckBox(text) for name, text in self._trait_words().items()}
        self.no_trait = QCheckBox(self.tr("none of these"))
        self.about_kind = PlainLabel("", SMALL, tone="muted", wrap=True)
        self.error = PlainLabel("", BODY, tone="bad", wrap=True, selectable=True)
        self.error.hide()
        self.create_button = QPushButton(self.tr("Create assessment"))
        self.create_button.setProperty("kind", "primary")
        self.create_button.setAccessibleName(self.tr("Create assessment"))
        self.create_button.clicked.connect(self.submit)
        self.cancel = QPushButton(self.tr("Cancel"))
        self.cancel.setProperty("kind", "plain")
        self.cancel.setAccessibleName(self.tr("Cancel the new assessment"))
        self.cancel.clicked.connect(self.close_form)
        self.kind.currentIndexChanged.connect(self._say_kind)
        self._filled = False
        self._build()
        self.hide()

    def _build(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(4)
        cells: Sequence[tuple[str, QWidget, str]] = (
            (self.tr("Name"), self.name, self.tr("What it is called in lists and commands.")),
            (self.tr("Title, may be left out"), self.title, self.tr("Stands on its reports.")),
            (
                self.tr("Kind of system"),
                self.kind,
                self.tr("Fills in growth and objective where you give none."),
            ),
            (
                self.tr("What is measured"),
                self.target_kind,
                self.tr("Decides which questions apply."),
            ),
            (self.tr("Where it runs"), self.deploys_to, self.tr("Decides which questions apply.")),
            (
                self.tr("Objective"),
                self.slo,
                self.tr("What counts as fast enough. Capacity is the load at which it still holds."),
            ),
            (
                self.tr("Peak today, req/s"),
                self.peak_per_s,
                self.tr("The busiest moment now. Headroom counts from it."),
            ),
            (
                self.tr("Peak to carry, req/s"),
                self.target_peak_per_s,
                self.tr("Ready means: this much, within the objective."),
            ),
            (self.tr("Ready for"), self.occasion, self.tr("An event, if there is one.")),
            (self.tr("On the day"), self.occasion_on, self.tr("Its date, such as 2027-01-15.")),
        )
        for place, (word, field, why) in enumerate(cells):
            column, row = place % 2, 4 * (place // 2)
            label = PlainLabel(word, SMALL, 500)
            label.setBuddy(field)
            grid.addWidget(label, row, column)
            grid.addWidget(field, row + 1, column)
            said = PlainLabel(why, SMALL, tone="muted", wrap=True)
            grid.addWidget(said, row + 2, column, Qt.AlignmentFlag.AlignTop)
            grid.setRowMinimumHeight(row + 3, 8)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        traits = QWidget()
        flow = FlowLayout(traits, across=18)
        for box in (*self.traits.values(), self.no_trait):
            flow.addWidget(box)
            box.toggled.connect(lambda on, ticked=box: self._ticked(ticked, on=on))
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.create_button)
        buttons.addWidget(self.cancel)
        buttons.addStretch(1)
        fields = QWidget()
        inner = QVBoxLayout(fields)
        inner.setContentsMargins(2, 2, 12, 2)
        inner.setSpacing(12)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(12)
        outer.addWidget(PlainLabel(self.tr("New assessment"), SECTION, 600))
        outer.addWidget(
            PlainLabel(self.tr("The name is enough. Everything else can be given later."), BODY, tone="muted")
        )
        inner.addLayout(grid)
        inner.addWidget(self.about_kind)
        inner.addWidget(PlainLabel(self.tr("What it has"), SMALL, 500))
        inner.addWidget(traits)
        inner.addWidget(
            PlainLabel(
                self.tr("Once one is ticked, questions about the others are left out; else all are asked."),
                SMALL,
                tone="muted",
                wrap=True,
            )
        )
        inner.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(fields)
        outer.addWidget(scroll, 1)
        outer.addWidget(rule())
        outer.addWidget(self.error)
        outer.addLayout(buttons)

    def _trait_words(self) -> Mapping[str, str]:
        """What a system may have, under its name in a profile."""
        return {
            "trains": self.tr("this team trains the model"),
            "streaming": self.tr("data arrives as a stream"),
            "variable_input": self.tr("requests vary in size"),
            "uses_nn": self.tr("a neural network"),
            "uses_gbm": self.tr("gradient boosting"),
            "uses_rf": self.tr("a random forest"),
            "uses_ann": self.tr("a search of neighbours"),
            "has_gpu": self.tr("a GPU"),
            "edge_target": self.tr("devices at the edge"),
        }

    def _ticked(self, box: QCheckBox, *, on: bool) -> None:
        """None of them and one of them exclude each other."""
        if on:
            for other in self.traits.values() if box is self.no_trait else (self.no_trait,):
                other.setChecked(False)

    def ask(self, slo: str = "") -> None:
        """Opens the form; what was written in it before stays. `slo` is what holds where none is given."""
        self._fill()
        if slo and not self.slo.text():
            self.slo.setText(slo)
        self.show()
        self.name.setFocus(Qt.FocusReason.OtherFocusReason)

    def close_form(self) -> None:
        """Closes it; nothing is made."""
        if not self.isHidden():
            self.hide()
            self.error.hide()
            self.closed.emit()

    def done(self) -> None:
        """The assessment is made: the form is empty for the next one."""
        for field in (
            self.name,
            self.title,
            self.peak_per_s,
            self.target_peak_per_s,
            self.slo,
            self.occasion,
        ):
            field.clear()
        self.occasion_on.clear()
        for choice in (self.kind, self.target_kind, self.deploys_to):
            choice.setCurrentIndex(0)
        for box in (*self.traits.values(), self.no_trait):
            box.setChecked(False)
        self.close_form()

    def fail(self, sentence: str) -> None:
        """Says under the fields what is wrong."""
        self.error.setText(sentence)
        self.error.setAccessibleName(sentence)
        self.error.show()

    def submit(self) -> None:
        """Checks what was written and asks for the assessment."""
        from assessments.store.assessment_rows import NAME, check_name

        self.error.hide()
        try:
            name = check_name(self.name.text().strip(), NAME)
        except UserError as error:
            self.fail(str(error))
            self.name.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        try:
            profile = self.profile()
        except UserError as error:
            self.fail(str(error))
            return
        self.created.emit(name, self.title.text().strip(), profile)

    def profile(self) -> Mapping[str, Any]:
        """What was said of the system, as in a file of answers. Raises `UserError`, the field in focus."""
        from assessments.profile import read_profile
        from probes.slo import parse_slo

        values: dict[str, Any] = {}
        for key, choice in (
            ("growth_profile", self.kind),
            ("target_kind", self.target_kind),
            ("deploys_to", self.deploys_to),
        ):
            if choice.currentData():
                values[key] = choice.currentData()
        ticked = {name: box.isChecked() for name, box in self.traits.items()}
        if any(ticked.values()) or self.no_trait.isChecked():
            values |= ticked
        for key, line in (("peak_per_s", self.peak_per_s), ("target_peak_per_s", self.target_peak_per_s)):
            if line.text().strip():
                values[key] = _number(line)
        for key, line in (("slo", self.slo), ("event", self.occasion), ("event_on", self.occasion_on)):
            if text := line.text().strip():
                values[key] = text
        if "slo" in values:
            try:
                parse_slo(values["slo"])
            except UserError:
                self.slo.setFocus(Qt.FocusReason.OtherFocusReason)
                raise
        try:
            return read_profile(values, self.tr("the new assessment")).to_json()
        except UserError:
            if "event_on" in values:
                self.occasion_on.setFocus(Qt.FocusReason.OtherFocusReason)
            raise

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, Qt's name
        """Enter creates, Escape closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_form()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.submit()
        else:
            super().keyPressEvent(event)

    def _fill(self) -> None:
        """The choices, read when the form is first opened: reading them at the start would delay it."""
        if self._filled:
            return
        self._filled = True
        from assessments.growth_profiles import bundled_profiles
        from assessments.profile import FIELDS

        words = {
            "http": self.tr("a service over HTTP"),
            "callable": self.tr("a Python function"),
            "command": self.tr("a command"),
            "file": self.tr("a model file"),
            "k8s": self.tr("Kubernetes"),
            "vm": self.tr("virtual machines"),
            "serverless": self.tr("serverless"),
            "desktop": self.tr("desktops"),
            "edge": self.tr("devices at the edge"),
            "unknown": self.tr("something else"),
        }
        self.kind.addItem(self.tr("not said"), "")
        for profile in bundled_profiles().values():
            self.kind.addItem(profile.title, profile.name)
            self.kind.setItemData(self.kind.count() - 1, profile.description, Qt.ItemDataRole.ToolTipRole)
        for key, choice in (("target_kind", self.target_kind), ("deploys_to", self.deploys_to)):
            choice.addItem(self.tr("not said"), "")
            for value in FIELDS[key].choices:
                choice.addItem(words.get(value, value), value)
        self._say_kind()

    def _say_kind(self) -> None:
        text = self.kind.currentData(Qt.ItemDataRole.ToolTipRole) or ""
        self.about_kind.setText(" ".join(str(text).split()))
        self.about_kind.setVisible(bool(text))


def _line(name: str, placeholder: str, longest: int) -> QLineEdit:
    line = QLineEdit()
    line.setAccessibleName(name)
    line.setPlaceholderText(placeholder)
    line.setMaxLength(longest)
    return line


def _choice(name: str) -> QComboBox:
    choice = QComboBox()
    choice.setAccessibleName(name)
    choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    choice.setMinimumContentsLength(12)
    return choice


def _number(field: QLineEdit) -> float | int:
    text = field.text().strip().replace(" ", "")
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e15:
        field.setFocus(Qt.FocusReason.OtherFocusReason)
        raise UsageError(f"{field.accessibleName()}: '{text:.40}' is no number: write one such as 140")
    return int(value) if value == int(value) else value
