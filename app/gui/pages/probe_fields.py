"""The fields of the form of a probe, under their headings; what they say together `probe_setup` reads."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.gui.page import Context
from app.gui.probe_order import GRPCIO
from app.gui.target_fields import examples
from app.gui.texts import filled
from app.gui.theme import BODY, SECTION, font
from app.gui.widgets.form_field import Field
from app.gui.widgets.labels import PlainLabel, rule
from app.gui.widgets.segments import Segments

LABELS, FIELDS = 132, 460
METHODS = ("", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
PERCENTILES = ("p50", "p90", "p95", "p99", "p999")


class ProbeFields(QWidget):
    """Makes the fields; `_form` lays them out, each in a `Field` of `_fields` under its name."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context, self.theme = context, context.theme
        self._fields: dict[str, Field] = {}
        self._rows: dict[QPlainTextEdit, int] = {}
        self._make_fields()
        self._fit_type()
        self.theme.changed.connect(self._fit_type)

    def _line(self, name: str, width: int = 0, placeholder: str = "") -> QLineEdit:
        line = QLineEdit()
        line.setAccessibleName(name)
        line.setPlaceholderText(placeholder)
        if width:
            line.setFixedWidth(width)
        return line

    def _make_fields(self) -> None:
        self.target = self._line(self.tr("Target"), placeholder="http://127.0.0.1:8000/predict")
        self.method = QComboBox()
        self.method.setAccessibleName(self.tr("Method"))
        for method in METHODS:
            self.method.addItem(method or self.tr("GET, or POST with a body"), method)
        self.headers = self._text(self.tr("Headers"), 2, "X-Tenant: shop\nAuthorization: env:SHOP_TOKEN")
        kinds = [
            ("none", self.tr("No body")), ("text", self.tr("One body")), ("lines", self.tr("A file of them")),
        ]  # fmt: skip
        self.body_kind = Segments(kinds, self.theme, self.tr("Body"))
        self.body = self._text(self.tr("Body"), 3, '{"user": 1}')
        self.bodies = self._line(self.tr("File of bodies"), placeholder="bodies.jsonl")
        self.browse = QPushButton(self.tr("Choose …"))
        self.code_sample = self._line(
            self.tr("Sample"), placeholder=self.tr("@sample.json, or the JSON itself; empty: its own")
        )
        self.choose_sample = QPushButton(self.tr("Choose …"))
        self.spread = QCheckBox(self.tr("its keys are the keyword arguments"))
        self.python = self._line(self.tr("Interpreter"), placeholder=self.tr(".venv, or empty: this one"))
        self.proto = self._line(self.tr("Proto file"), placeholder=self.tr("service.proto"))
        from probes.targets.grpc_call import STREAMS

        clients = [("", self.tr("Our own")), (GRPCIO, self.tr("grpcio's own"))]
        self.client = Segments(clients, self.theme, self.tr("Whose client makes the calls"))
        self.streams = self._line(self.tr("Calls at once on a connection"), 56, str(STREAMS))
        self.workers = self._line(self.tr("Processes that run it"), 56)
        self.threads = self._line(self.tr("Callers at once in each process"), 56)
        self.percentile = QComboBox()
        self.percentile.setAccessibleName(self.tr("Percentile of response time"))
        for name in PERCENTILES:
            self.percentile.addItem(name.replace("p999", "p99.9"), name)
        self.limit = self._line(self.tr("Most milliseconds"), 72)
        self.errors = self._line(self.tr("Most percent of errors"), 56)
        loads = [
            ("capacity", self.tr("Find capacity")), ("steps", self.tr("Callers in steps")),
            ("rate", self.tr("A fixed rate")), ("users", self.tr("Users")),
        ]  # fmt: skip
        self.kind = Segments(loads, self.theme, self.tr("Kind of load"))
        self.precision = self._line(self.tr("Precision, percent"), 56)
        self.budget = self._line(self.tr("Budget, seconds"), 72)
        self.max_rate = self._line(self.tr("Highest rate"), 88, self.tr("no limit"))
        self.concurrency = self._line(self.tr("Callers at once, one number a step"), 200)
        self.step = self._line(self.tr("Seconds a step"), 56)
        self.rate = self._line(self.tr("Requests a second"), 88)
        self.duration = self._line(self.tr("Seconds"), 72)
        self.users = self._line(self.tr("Users"), 72)
        self.think = self._line(self.tr("Seconds that a user thinks"), 56)
        self.users_time = self._line(self.tr("Seconds of load by users"), 72)
        self.checks = self._text(
            self.tr("Cross-checks"), 2, "metrics=http://127.0.0.1:8000/metrics\nmanifests=deploy/"
        )
        self.check_answers = QCheckBox(
            self.tr("ask now and then whether answers under load are those at rest")
        )
        self.overload = QCheckBox(self.tr("then twice its capacity for 3 s: what fails, when it is back"))
        self.confirm = self._line(self.tr("Name of the other machine"), 260)

    def _text(self, name: str, rows: int, placeholder: str) -> QPlainTextEdit:
        text = QPlainTextEdit()
        text.setAccessibleName(name)
        text.setPlaceholderText(placeholder)
        text.setTabChangesFocus(True)
        self._rows[text] = rows
        return text

    def _fit_type(self) -> None:
        """What holds words is as wide, and as high, as the size of type asks for."""
        self.method.setFixedWidth(round(220 * self.theme.zoom / 100))
        for text, rows in self._rows.items():
            text.setFixedHeight(18 + rows * QFontMetrics(font(BODY)).lineSpacing())

    def _form(self) -> QWidget:
        """The fields under their headings."""
        form = QGridLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(10)
        form.setColumnMinimumWidth(0, LABELS)
        form.setColumnStretch(1, 1)

        def section(title: str) -> None:
            if form.rowCount() > 1:
                form.addWidget(rule(), form.rowCount(), 0, 1, 2)
            form.addWidget(PlainLabel(title, SECTION, 600), form.rowCount(), 0, 1, 2)

        def row(label: str, name: str, *parts: QWidget | str, below: str = "") -> Field:
            field = Field(*parts, below=below)
            self._fields[name] = field
            place = form.rowCount()
            words = PlainLabel(label, BODY, tone="muted")
            words.setContentsMargins(0, 7, 0, 0)
            form.addWidget(words, place, 0, Qt.AlignmentFlag.AlignTop)
            form.addWidget(field, place, 1)
            field.label = words  # type: ignore[attr-defined]
            return field

        section(self.tr("What is put under load"))
        row(
            self.tr("Target"), "target", self.target,
            below=filled(self.tr("Or for example {0}"), ",  ".join(examples()[1:])),
        )  # fmt: skip
        row(
            self.tr("Confirm"), "remote", self.confirm,
            below=self.tr("Another machine. Type its name if you may put it under load; it is recorded."),
        )  # fmt: skip
        row(self.tr("Method"), "method", self.method)
        row(
            self.tr("Headers"), "headers", self.headers,
            below=self.tr("One a line. A secret is read from the environment: Authorization: env:NAME"),
        )  # fmt: skip
        row(self.tr("Body"), "body_kind", self.body_kind)
        row("", "body", self.body)
        row("", "bodies", self.bodies, self.browse)
        row(self.tr("Sample"), "sample", self.code_sample, self.choose_sample)
        row("", "spread", self.spread)
        row(
            self.tr("Interpreter"), "python", self.python,
            below=self.tr("The Python or virtual environment that has what the code needs."),
        )  # fmt: skip
        row(
            self.tr("Proto file"), "proto", self.proto,
            below=self.tr("Empty: the service is asked by reflection what it takes."),
        )  # fmt: skip
        row(
            self.tr("Runs in"), "workers", self.workers, self.tr("processes,"), self.threads,
            self.tr("callers at once in each"),
        )  # fmt: skip
        row(
            self.tr("Client"), "client", self.client,
            below=self.tr(
                "grpcio's own is for servers that ours cannot talk to, at several times the CPU a call."
            ),
        )  # fmt: skip
        row(
            "", "streams", self.streams, self.tr("calls at once on a connection"),
            below=self.tr("1 gives each call a connection of its own."),
        )  # fmt: skip
        section(self.tr("What has to hold"))
        row(
            self.tr("Objective"),
            "slo",
            self.percentile,
            "≤",
            self.limit,
            self.tr("ms,  errors ≤"),
            self.errors,
            "%",
        )
        section(self.tr("How load is sent"))
        row(self.tr("Load"), "kind", self.kind)
        row(
            "", "capacity", self.tr("within ±"), self.precision, self.tr("% in"), self.budget,
            self.tr("s, never over"), self.max_rate, self.tr("req/s"),
        )  # fmt: skip
        row("", "steps", self.concurrency, self.tr("callers,"), self.step, self.tr("s each"))
        row("", "fixed", self.rate, self.tr("req/s for"), self.duration, self.tr("s"))
        row(
            "", "by_users", self.users, self.tr("users who think"), self.think, self.tr("s, for"),
            self.users_time, self.tr("s"),
        )  # fmt: skip
        row(
            self.tr("Hold against"), "checks", self.checks,
            below=self.tr("One a line: metrics=, prometheus= or manifests=. Optional."),
        )  # fmt: skip
        row(self.tr("More"), "check_answers", self.check_answers)
        row(self.tr("More"), "overload", self.overload, below=self.tr("Takes up to 20 s more."))
        left = QWidget()
        left.setMinimumWidth(420)
        left.setMaximumWidth(LABELS + FIELDS + 120)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        self.intro = PlainLabel("", BODY, wrap=True)
        self.intro.setContentsMargins(0, 0, 0, 12)
        column.addWidget(self.intro)
        column.addLayout(form)
        column.addStretch(1)
        return left
