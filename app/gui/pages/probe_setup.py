"""What is put under load, what has to hold and how load is sent; the command line that will run stands below.

What is wrong with a field stands under it. Nothing is sent to another machine before its name was typed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.gui.detection import Found, detect
from app.gui.executor import SerialExecutor
from app.gui.page import Context
from app.gui.probe_order import BodyKind, Kind, ProbeOrder, order_of, problems
from app.gui.run_findings import questions_on_load
from app.gui.texts import filled
from app.gui.theme import BODY, SECTION, SMALL
from app.gui.widgets.labels import PlainLabel, rule
from app.gui.widgets.page_scroll import PageScroll
from app.gui.widgets.run_pieces import Badge
from app.gui.widgets.segments import Segments
from app.report.view import sentence
from assessments.wording import NO_BREAK, amount

LOOK_AFTER_MS = 500
"""After the last change of the address it is looked at what answers there."""
LABELS, FIELDS = 132, 460
NARROW = 900
METHODS = ("", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
PERCENTILES = ("p50", "p90", "p95", "p99", "p999")
_WARMUP_S = 4


class Field(QWidget):
    """A field with what is wrong with it below."""

    def __init__(self, *parts: QWidget | str, below: str = "") -> None:
        super().__init__()
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for part in parts:
            row.addWidget(PlainLabel(part) if isinstance(part, str) else part)
        if not any(
            isinstance(part, QLineEdit | QPlainTextEdit) and part.maximumWidth() > 400 for part in parts
        ):
            row.addStretch(1)
        self.hint = PlainLabel(below, SMALL, tone="muted", wrap=True)
        if not below:
            self.hint.hide()
        self.problem = PlainLabel("", SMALL, tone="bad", wrap=True)
        self.problem.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addLayout(row)
        column.addWidget(self.hint)
        column.addWidget(self.problem)

    def say(self, problem: str) -> None:
        """What is wrong; empty for nothing."""
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        self.setAccessibleDescription(problem)


class ProbeSetup(QWidget):
    """The form. `changed` when the order changed, `start_asked` and `demo_asked` by its buttons and keys."""

    changed = Signal()
    start_asked = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context, self.theme = context, context.theme
        self.found: Found | None = None
        self._filling = False
        self._turn = 0
        self._tried = False
        self._more_slo = ""
        self._shown: list[PlainLabel] = []
        self._asking = SerialExecutor(self)
        self._look = QTimer(self)
        self._look.setSingleShot(True)
        self._look.setInterval(LOOK_AFTER_MS)
        self._look.timeout.connect(self.look)
        self.destroyed.connect(_closer(self._asking))
        self._fields: dict[str, Field] = {}
        self._make_fields()
        self._lay_out()
        self._connect()
        self.show_order(ProbeOrder())

    # -- parts ---------------------------------------------------------------------------------------------

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
        self.method.setFixedWidth(220)
        self.headers = self._text(self.tr("Headers"), 2, "X-Tenant: shop\nAuthorization: env:SHOP_TOKEN")
        kinds = [
            ("none", self.tr("No body")), ("text", self.tr("One body")), ("lines", self.tr("A file of them")),
        ]  # fmt: skip
        self.body_kind = Segments(kinds, self.theme, self.tr("Body"))
        self.body = self._text(self.tr("Body"), 3, '{"user": 1}')
        self.bodies = self._line(self.tr("File of bodies"), placeholder="bodies.jsonl")
        self.browse = QPushButton(self.tr("Choose …"))
        self.percentile = QComboBox()
        self.percentile.setAccessibleName(self.tr("Percentile of response time"))
        for name in PERCENTILES:
            self.percentile.addItem(name.replace("p999", "p99.9"), name)
        self.limit = self._line(self.tr("Most milliseconds"), 72)
        self.errors = self._line(self.tr("Most percent of errors"), 56)
        loads = [
            ("capacity", self.tr("Find capacity")), ("steps", self.tr("Callers in steps")),
            ("rate", self.tr("A fixed rate")),
        ]  # fmt: skip
        self.kind = Segments(loads, self.theme, self.tr("Kind of load"))
        self.precision = self._line(self.tr("Precision, percent"), 56)
        self.budget = self._line(self.tr("Budget, seconds"), 72)
        self.max_rate = self._line(self.tr("Highest rate"), 88, self.tr("no limit"))
        self.concurrency = self._line(self.tr("Callers at once, one number a step"), 200)
        self.step = self._line(self.tr("Seconds a step"), 56)
        self.rate = self._line(self.tr("Requests a second"), 88)
        self.duration = self._line(self.tr("Seconds"), 72)
        self.checks = self._text(
            self.tr("Cross-checks"), 2, "metrics=http://127.0.0.1:8000/metrics\nmanifests=deploy/"
        )
        self.confirm = self._line(self.tr("Name of the other machine"), 260)
        self.sample = QPushButton(self.tr("Send one request"))
        self.copy = QPushButton(self.tr("Copy"))
        self.copy.setProperty("kind", "link")
        self.command = PlainLabel("", SMALL, wrap=True, selectable=True)
        self.command.setAccessibleName(self.tr("The command line that will run"))
        self.duration_words = PlainLabel("", SMALL, tone="muted", wrap=True)

    def _text(self, name: str, rows: int, placeholder: str) -> QPlainTextEdit:
        text = QPlainTextEdit()
        text.setAccessibleName(name)
        text.setPlaceholderText(placeholder)
        text.setTabChangesFocus(True)
        text.setFixedHeight(16 + rows * 18)
        return text

    def _lay_out(self) -> None:
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
        row(self.tr("Target"), "target", self.target)
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
            self.tr("Hold against"), "checks", self.checks,
            below=self.tr("One a line: metrics=, prometheus= or manifests=. Optional."),
        )  # fmt: skip
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

        self.answer = QWidget()
        answer = QVBoxLayout(self.answer)
        answer.setContentsMargins(0, 0, 0, 0)
        answer.setSpacing(8)
        answer.addWidget(PlainLabel(self.tr("What answers there"), SECTION, 600))
        self.badge = Badge(self.theme)
        self.rows = QGridLayout()
        self.rows.setHorizontalSpacing(16)
        self.rows.setVerticalSpacing(4)
        self.rows.setColumnStretch(1, 1)
        self.body_shown = QPlainTextEdit()
        self.body_shown.setReadOnly(True)
        self.body_shown.setAccessibleName(self.tr("The beginning of the answer"))
        self.body_shown.setFixedHeight(96)
        self.body_shown.setTabChangesFocus(True)
        self.answer_problem = PlainLabel("", BODY, tone="bad", wrap=True, selectable=True)
        answer.addWidget(self.badge)
        answer.addWidget(self.answer_problem)
        answer.addLayout(self.rows)
        answer.addWidget(self.body_shown)
        answer.addWidget(self.sample, 0, Qt.AlignmentFlag.AlignLeft)
        answer.addSpacing(8)
        answer.addWidget(rule())
        head = QHBoxLayout()
        head.addWidget(PlainLabel(self.tr("The command line that will run"), SECTION, 600))
        head.addStretch(1)
        head.addWidget(self.copy)
        answer.addLayout(head)
        answer.addWidget(self.command)
        answer.addWidget(self.duration_words)
        answer.addStretch(1)
        self.answer.setMinimumWidth(300)

        body = QWidget()
        self._across = QBoxLayout(QBoxLayout.Direction.LeftToRight, body)
        self._across.setContentsMargins(32, 20, 32, 24)
        self._across.setSpacing(32)
        self._across.addWidget(left, 3)
        self._across.addWidget(self.answer, 2)
        scroll = PageScroll(body)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802, Qt's name
        """In a narrow window the right column moves under the form."""
        narrow = self.width() < NARROW
        self._across.setDirection(
            QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight
        )
        super().resizeEvent(event)

    def _connect(self) -> None:
        for line in (
            self.limit, self.errors, self.precision, self.budget, self.max_rate, self.concurrency, self.step,
            self.rate, self.duration, self.bodies, self.confirm,
        ):  # fmt: skip
            line.textChanged.connect(self._edited)
        for text in (self.headers, self.body, self.checks):
            text.textChanged.connect(self._edited)
        self.target.textChanged.connect(self._address_edited)
        self.method.currentIndexChanged.connect(self._edited)
        self.percentile.currentIndexChanged.connect(self._edited)
        self.kind.chosen.connect(self._choose_kind)
        self.body_kind.chosen.connect(self._choose_body)
        self.browse.clicked.connect(self._browse)
        self.sample.clicked.connect(lambda: self.look(sample=True))
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.command.text()))
        self.target.returnPressed.connect(self.look)

    # -- the order -----------------------------------------------------------------------------------------

    @property
    def order(self) -> ProbeOrder:
        """What the fields say."""
        return ProbeOrder(
            target=self.target.text().strip(),
            method=str(self.method.currentData()),
            headers=_lines(self.headers),
            body_kind=self._body_kind,
            body=self.body.toPlainText(),
            bodies=self.bodies.text(),
            percentile=str(self.percentile.currentData()),
            limit_ms=self.limit.text(),
            errors=self.errors.text(),
            slo_more=self._more_slo,
            kind=self._kind,
            precision=self.precision.text(),
            budget=self.budget.text(),
            max_rate=self.max_rate.text(),
            concurrency=self.concurrency.text(),
            step=self.step.text(),
            rate=self.rate.text(),
            duration=self.duration.text(),
            checks=_lines(self.checks),
            allow_remote=self._is_confirmed(),
        )

    def show_order(self, order: ProbeOrder) -> None:
        """Fills the fields in."""
        self._filling = True
        self._kind: Kind = order.kind
        self._body_kind: BodyKind = order.body_kind
        self._more_slo = order.slo_more
        self.target.setText(order.target)
        self.method.setCurrentIndex(max(0, self.method.findData(order.method)))
        self.headers.setPlainText("\n".join(order.headers))
        self.body.setPlainText(order.body)
        self.bodies.setText(order.bodies)
        self.percentile.setCurrentIndex(max(0, self.percentile.findData(order.percentile)))
        for line, value in (
            (self.limit, order.limit_ms), (self.errors, order.errors), (self.precision, order.precision),
            (self.budget, order.budget), (self.max_rate, order.max_rate),
            (self.concurrency, order.concurrency), (self.step, order.step), (self.rate, order.rate),
            (self.duration, order.duration), (self.confirm, ""),
        ):  # fmt: skip
            line.setText(value)
        self.checks.setPlainText("\n".join(order.checks))
        self._filling = False
        self._tried = False
        self._edited()

    def show_assessment(self, name: str) -> None:
        """What was asked of this assessment last, else what its profile says."""
        order = ProbeOrder()
        kept = self.context.settings.value(f"probe/{name}", "")
        known = False
        if isinstance(kept, str) and kept:
            try:
                document = json.loads(kept)
                known = isinstance(document, dict)
                order = order_of(document) if known else order
            except ValueError:
                pass
        materials = self.context.session.materials
        slo = "" if materials is None else str(materials.profile.values.get("slo") or "")
        if slo and not known:
            from probes.errors import UsageError

            with suppress(UsageError):
                order = order.with_slo(slo)
        self.found = None
        self.show_order(order)
        self._show_found()
        self.intro.setVisible(materials is not None and not materials.runs)
        if materials is not None:
            text = self.tr(
                "Nothing was put under load yet. A probe finds the highest rate that keeps the objective and "
                "what gives out first; its facts bear on {0} of the {1} questions. The demo shows it on a "
                "service that comes along."
            )
            bears_on = len(questions_on_load(materials.lens))
            self.intro.setText(filled(text, bears_on, len(materials.lens.questions)))
        if order.target:
            self._look.start()

    def remember(self, name: str) -> None:
        """Keeps the order for the next time."""
        self.context.settings.setValue(f"probe/{name}", json.dumps(self.order.to_json()))

    def _is_confirmed(self) -> bool:
        host = _host(self.target.text())
        return self._is_remote() and bool(host) and self.confirm.text().strip().casefold() == host

    def _is_remote(self) -> bool:
        return (
            self.found is not None
            and self.found.is_remote
            and self.found.address == self.target.text().strip()
        )

    def problems(self) -> dict[str, str]:
        """What is wrong, by field; empty where it can start."""
        found = problems(self.order)
        if self._is_remote() and not self._is_confirmed() and "target" not in found:
            host = _host(self.target.text())
            found["remote"] = filled(self.tr("type {0} to confirm that you may put it under load"), host)
        return found

    def try_to_start(self) -> bool:
        """True when it can start; else every problem stands at its field, the first one in focus."""
        self._tried = True
        found = self._show_problems()
        if not found:
            return True
        widget = {
            "target": self.target, "remote": self.confirm, "method": self.method, "headers": self.headers,
            "body": self.body, "bodies": self.bodies, "slo": self.limit, "precision": self.precision,
            "budget": self.budget, "max_rate": self.max_rate, "concurrency": self.concurrency,
            "step": self.step, "rate": self.rate, "duration": self.duration, "checks": self.checks,
        }[next(iter(found))]  # fmt: skip
        widget.setFocus(Qt.FocusReason.OtherFocusReason)
        return False

    # -- changes -------------------------------------------------------------------------------------------

    def _address_edited(self) -> None:
        self._edited()
        if not self._filling:
            self._look.start()

    def _choose_kind(self, key: str) -> None:
        self._kind = key  # type: ignore[assignment]
        self._edited()

    def _choose_body(self, key: str) -> None:
        self._body_kind = key  # type: ignore[assignment]
        self._edited()

    def _browse(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, self.tr("A file with one body a line"))
        if name:
            self.bodies.setText(name)

    def _edited(self) -> None:
        if self._filling:
            return
        self.kind.show_chosen(self._kind)
        self.body_kind.show_chosen(self._body_kind)
        for name, shown in (
            ("capacity", self._kind == "capacity"),
            ("steps", self._kind == "steps"),
            ("fixed", self._kind == "rate"),
            ("body", self._body_kind == "text"),
            ("bodies", self._body_kind == "lines"),
            ("remote", self._is_remote()),
        ):
            field = self._fields[name]
            field.setVisible(shown)
            field.label.setVisible(shown)  # type: ignore[attr-defined]
        order = self.order
        more = f", {order.slo_more}" if order.slo_more else ""
        self._fields["slo"].hint.setText(filled(self.tr("and also {0}"), more[2:]) if more else "")
        self._fields["slo"].hint.setVisible(bool(more))
        self.command.setText(order.command_line(self.context.session.name, self.context.probing.store_url))
        self.duration_words.setText(self._time_words(order))
        self._show_problems()
        self.changed.emit()

    def _time_words(self, order: ProbeOrder) -> str:
        def seconds(text: str) -> float:
            try:
                return float(text)
            except ValueError:
                return 0.0

        if order.kind == "capacity":
            whole = seconds(order.budget) + _WARMUP_S
        elif order.kind == "steps":
            whole = (
                seconds(order.step) * len([1 for part in order.concurrency.split(",") if part]) + _WARMUP_S
            )
        else:
            whole = seconds(order.duration) + _WARMUP_S
        text = self.tr(
            "Takes at most about {0}. It can be stopped at any time, and keeps what it has measured."
        )
        minutes, rest = divmod(round(whole), 60)
        words = f"{minutes}{NO_BREAK}min {rest}{NO_BREAK}s" if minutes else f"{rest}{NO_BREAK}s"
        return filled(text, words.replace(f" 0{NO_BREAK}s", ""))

    def _show_problems(self) -> dict[str, str]:
        """Marks the fields; an empty address is no fault before one has tried to start."""
        found = self.problems()
        shown = dict(found)
        if not self._tried:
            for name in ("target", "body", "bodies"):
                widget = {
                    "target": self.target.text(),
                    "body": self.body.toPlainText(),
                    "bodies": self.bodies.text(),
                }
                if not widget[name]:
                    shown.pop(name, None)
        groups = {
            "capacity": ("precision", "budget", "max_rate"),
            "steps": ("concurrency", "step"),
            "fixed": ("rate", "duration"),
        }
        for name, field in self._fields.items():
            keys = groups.get(name, (name,))
            field.say(sentence(next((shown[key] for key in keys if key in shown), "")))
        return found

    # -- what answers --------------------------------------------------------------------------------------

    def look(self, *, sample: bool = False) -> None:
        """Asks the address, by a plain GET or by the request that load would send; the answer follows."""
        self._look.stop()
        order = self.order
        found = problems(replace(order, kind="capacity", precision="5", budget="120", max_rate="", checks=()))
        if not order.target or "target" in found or (sample and set(found) - {"slo"}):
            self._tried = self._tried or sample
            self.found = None
            self._show_found()
            self._edited()
            return
        self._turn += 1
        turn = self._turn
        self.badge.show_state("unanswered", self.tr("asking …"))
        self.sample.setEnabled(False)
        self._asking.submit(lambda: detect(order, sample=sample), lambda answer: self._looked(turn, answer))

    def _looked(self, turn: int, found: Found) -> None:
        if turn != self._turn:
            return
        self.found = found
        self._show_found()
        self._edited()

    def _show_found(self) -> None:
        found = self.found
        for label in self._shown:
            self.rows.removeWidget(label)
            label.deleteLater()
        self._shown.clear()
        self.sample.setEnabled(True)
        self.answer_problem.setVisible(bool(found and found.problem))
        self.answer_problem.setText(sentence(found.problem) if found else "")
        self.body_shown.setVisible(bool(found and found.beginning))
        self.body_shown.setPlainText(found.beginning if found else "")
        if found is None:
            self.badge.show_state("unanswered", self.tr("nothing asked yet"))
            return
        if found.is_remote and not found.answers and not found.problem:
            self.badge.show_state("challenged", self.tr("another machine: not asked before you confirm"))
        elif found.problem:
            self.badge.show_state("contradicted", self.tr("no answer"))
        elif 200 <= found.status < 300:
            words = filled(self.tr("HTTP, answers {0} {1}"), found.status, found.reason)
            self.badge.show_state("verified", words)
        else:
            words = filled(self.tr("HTTP, but answers {0} {1}"), found.status, found.reason)
            self.badge.show_state("challenged", words)
        rows = [
            (self.tr("process"), f"{found.process} {found.pid}".strip() if found.pid else ""),
            (self.tr("server"), found.server),
            (self.tr("content"), found.content_type),
            (self.tr("size"), f"{found.size:,}{NO_BREAK}bytes" if found.answers else ""),
            (self.tr("time"), f"{amount(found.milliseconds)}{NO_BREAK}ms" if found.answers else ""),
        ]
        if not found.pid and found.answers and not found.is_remote:
            rows[0] = (self.tr("process"), self.tr("not found: CPU and memory will not be measured"))
        for place, (name, text) in enumerate(row for row in rows if row[1]):
            label = PlainLabel(name, BODY, tone="muted")
            self.rows.addWidget(label, place, 0)
            value = PlainLabel(text, BODY, wrap=True)
            self._shown += [label, value]
            value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            self.rows.addWidget(value, place, 1)


def _lines(text: QPlainTextEdit) -> tuple[str, ...]:
    return tuple(row.strip() for row in text.toPlainText().splitlines() if row.strip())


def _host(address: str) -> str:
    try:
        return (urlsplit(address.strip()).hostname or "").casefold()
    except ValueError:
        return ""


def _closer(executor: SerialExecutor) -> Callable[[], None]:
    """Ends the thread without waiting for an answer that nobody will see."""
    pool = executor._pool
    return lambda: pool.shutdown(wait=False, cancel_futures=True)
