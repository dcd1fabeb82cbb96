"""Beside the form: what answers at the target's address, and the command line that will run."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.gui.detection import Found
from app.gui.texts import filled
from app.gui.theme import BODY, SECTION, SMALL, Theme
from app.gui.widgets.labels import PlainLabel, rule
from app.gui.widgets.run_pieces import Badge
from app.report.view import sentence
from assessments.wording import NO_BREAK, amount


class ProbeAnswer(QWidget):
    """Shows what `detect` found; `sample` and `copy` are for the form to connect."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: list[PlainLabel] = []
        self.badge = Badge(theme)
        self.rows = QGridLayout()
        self.rows.setHorizontalSpacing(16)
        self.rows.setVerticalSpacing(4)
        self.rows.setColumnStretch(1, 1)
        self.body_name = PlainLabel("", SMALL, tone="muted")
        self.body_shown = QPlainTextEdit()
        self.body_shown.setReadOnly(True)
        self.body_shown.setFixedHeight(96)
        self.body_shown.setTabChangesFocus(True)
        self.problem = PlainLabel("", BODY, tone="bad", wrap=True, selectable=True)
        self.told = PlainLabel("", BODY, tone="muted", wrap=True)
        self.sample = QPushButton(self.tr("Send one request"))
        self.take = QPushButton(self.tr("Fill it in as the body"))
        self.take.setProperty("kind", "link")
        self.copy = QPushButton(self.tr("Copy"))
        self.copy.setProperty("kind", "link")
        self.command = PlainLabel("", SMALL, wrap=True)
        self.command.setAccessibleName(self.tr("The command line that will run"))
        self.duration_words = PlainLabel("", SMALL, tone="muted", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(PlainLabel(self.tr("What answers there"), SECTION, 600))
        column.addWidget(self.badge)
        column.addWidget(self.problem)
        column.addWidget(self.told)
        column.addLayout(self.rows)
        column.addWidget(self.body_name)
        column.addWidget(self.body_shown)
        buttons = QHBoxLayout()
        buttons.setSpacing(12)
        buttons.addWidget(self.sample)
        buttons.addWidget(self.take)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addSpacing(8)
        column.addWidget(rule())
        head = QHBoxLayout()
        head.addWidget(PlainLabel(self.tr("The command line that will run"), SECTION, 600))
        head.addStretch(1)
        head.addWidget(self.copy)
        column.addLayout(head)
        column.addWidget(self.command)
        column.addWidget(self.duration_words)
        column.addStretch(1)
        self.setMinimumWidth(300)

    def show_asking(self) -> None:
        """The address is being asked."""
        self.badge.show_state("unanswered", self.tr("asking …"))
        self.sample.setEnabled(False)

    def show_found(self, found: Found | None) -> None:
        """What came of it; None where nothing was asked."""
        for label in self._shown:
            self.rows.removeWidget(label)
            label.hide()
            label.deleteLater()
        self._shown.clear()
        self.sample.setEnabled(True)
        self.problem.setVisible(bool(found and found.problem))
        self.problem.setText(sentence(found.problem) if found else "")
        self._show_body(found)
        told = {
            "code": self.tr(
                "The probe starts it in processes of its own and calls it. Without a sample it is called "
                "with the callable's defaults, or with what the model says that it takes; the result names "
                "which."
            ),
            "chat": self.tr(
                "Until one request is asked for, only the names of its models are. Load also asks for the "
                "counts of tokens, where the service takes that."
            ),
        }
        about = "" if found is None or found.answers or found.problem else found.told
        if found is not None and about and found.kind.startswith("openai"):
            about = "" if found.is_remote and not found.request else "chat"
        self.told.setText(told.get(about, ""))
        self.told.setVisible(bool(self.told.text()))
        if found is None:
            self.badge.show_state("unanswered", self.tr("nothing asked yet"))
            return
        self._show_state(found)
        rows = [
            (self.tr("process"), f"{found.process} {found.pid}".strip() if found.pid else ""),
            (self.tr("server"), found.server),
            (self.tr("model") if found.kind.startswith("openai") else self.tr("takes"), found.takes),
            (self.tr("content"), found.content_type),
            (self.tr("size"), f"{found.size:,}{NO_BREAK}bytes" if found.size else ""),
            (self.tr("time"), f"{amount(found.milliseconds)}{NO_BREAK}ms" if found.answers else ""),
        ]
        if not found.pid and found.answers and not found.is_remote and found.told != "code":
            rows[0] = (self.tr("process"), self.tr("not found: CPU and memory will not be measured"))
        for place, (name, text) in enumerate(row for row in rows if row[1]):
            label = PlainLabel(name, BODY, tone="muted")
            self.rows.addWidget(label, place, 0)
            value = PlainLabel(text, BODY, wrap=True)
            self._shown += [label, value]
            value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            self.rows.addWidget(value, place, 1)

    def _show_body(self, found: Found | None) -> None:
        """What was answered; else the request that would be sent, which can be filled in."""
        is_good = found is not None and 200 <= found.status < 300
        request = found.request if found and not is_good else ""
        answered = found.beginning if found and not request else ""
        name = self.tr("The beginning of the answer") if answered else self.tr("The request that load sends")
        if found is not None and found.is_template and not answered:
            name = self.tr("What it takes, to be filled in; load sends the empty message")
        elif found is not None and not found.told and request:
            name = self.tr("What a POST takes there, by the service's own description")
        self.body_name.setText(name)
        self.body_shown.setAccessibleName(name)
        self.body_shown.setPlainText(answered or request)
        for part in (self.body_name, self.body_shown):
            part.setVisible(bool(answered or request))
        self.take.setVisible(bool(request))
        is_code = bool(found and found.told == "code")
        self.sample.setText(self.tr("Call it once") if is_code else self.tr("Send one request"))

    def _show_state(self, found: Found) -> None:
        if found.problem:
            words = self.tr("it did not work") if found.told == "code" else self.tr("no answer")
            self.badge.show_state("contradicted", words)
        elif found.told == "code" and found.answers:
            self.badge.show_state("verified", self.tr("called once: it returned"))
        elif found.told == "code":
            self.badge.show_state("unanswered", self.tr("code of yours: nothing has to answer yet"))
        elif found.is_remote and not found.answers and not found.is_ready:
            self.badge.show_state("challenged", self.tr("another machine: not asked before you confirm"))
        elif found.told and found.answers:
            words = filled(self.tr("{0}, answers a request"), _protocol(found.kind))
            self.badge.show_state("verified", words)
        elif found.kind.startswith("openai") and not found.takes:
            words = self.tr("it names other models") if found.is_ready else self.tr("it names no models")
            words = filled(self.tr("{0}: {1}, one request tells more"), _protocol(found.kind), words)
            self.badge.show_state("unanswered", words)
        elif found.kind.startswith("openai"):
            self.badge.show_state("verified", filled(self.tr("{0}, names this model"), _protocol(found.kind)))
        elif found.told:
            ready = (
                self.tr("{0}, says what it takes") if found.takes else self.tr("{0}, says that it is ready")
            )
            self.badge.show_state("verified", filled(ready, _protocol(found.kind)))
        elif 200 <= found.status < 300:
            words = filled(self.tr("HTTP, answers {0} {1}"), found.status, found.reason)
            self.badge.show_state("verified", words)
        else:
            words = filled(self.tr("HTTP, but answers {0} {1}"), found.status, found.reason)
            self.badge.show_state("challenged", words)


def _protocol(scheme: str) -> str:
    """The name of the protocol that a scheme stands for; the scheme where it has none."""
    name = scheme.partition("+")[0]
    names = {
        "grpc": "gRPC", "grpcs": "gRPC", "kserve": "Open Inference Protocol",
        "tfserving": "TensorFlow Serving", "sagemaker": "SageMaker", "openai": "Chat completions",
    }  # fmt: skip
    return names.get(name, scheme)
