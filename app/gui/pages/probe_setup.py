"""What is put under load, what has to hold and how load is sent; the command line that will run stands below.

What is wrong with a field stands under it. Nothing is sent to another machine before its name was typed.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFileDialog,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from app.gui.detection import Found, detect
from app.gui.executor import SerialExecutor
from app.gui.page import Context
from app.gui.pages.probe_answer import ProbeAnswer
from app.gui.pages.probe_fields import ProbeFields
from app.gui.probe_order import GRPCIO, BodyKind, Kind, ProbeOrder, order_of, problems
from app.gui.run_findings import questions_on_load
from app.gui.target_fields import fields_of, is_code
from app.gui.texts import filled
from app.gui.widgets.page_scroll import PageScroll
from app.report.view import sentence
from assessments.wording import NO_BREAK

LOOK_AFTER_MS = 500
"""After the last change of the address it is looked at what answers there."""
NARROW = 900
OF_KIND = ("method", "headers", "body_kind", "sample", "spread", "python", "proto", "client", "workers")
"""Rows of the form that only some kinds of target have."""
_WARMUP_S = 4
_OVERLOAD_S = 20


class ProbeSetup(ProbeFields):
    """The form. `changed` when the order changed, `start_asked` and `demo_asked` by its buttons and keys."""

    changed = Signal()
    start_asked = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.found: Found | None = None
        self._filling = False
        self._turn = 0
        self._tried = False
        self._more_slo = ""
        self._asking = SerialExecutor(self)
        self._ending = [threading.Event()]
        self._look = QTimer(self)
        self._look.setSingleShot(True)
        self._look.setInterval(LOOK_AFTER_MS)
        self._look.timeout.connect(self.look)
        self.destroyed.connect(_closer(self._asking, self._ending))
        self._lay_out()
        self._connect()
        self.show_order(ProbeOrder())

    # -- parts ---------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        left = self._left = self._form()
        self._widest = left.maximumWidth()
        self.answer = ProbeAnswer(self.theme)
        self.badge, self.sample, self.copy = self.answer.badge, self.answer.sample, self.answer.copy
        self.command, self.duration_words = self.answer.command, self.answer.duration_words

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
        # Under each other all is as wide as the page: a narrower part would break its lines at other places.
        self._left.setMaximumWidth(16_777_215 if narrow else self._widest)
        super().resizeEvent(event)

    def _connect(self) -> None:
        for line in (
            self.limit, self.errors, self.precision, self.budget, self.max_rate, self.concurrency, self.step,
            self.rate, self.duration, self.bodies, self.confirm, self.code_sample, self.python, self.workers,
            self.threads, self.users, self.think, self.users_time, self.proto, self.streams,
        ):  # fmt: skip
            line.textChanged.connect(self._edited)
        for text in (self.headers, self.body, self.checks):
            text.textChanged.connect(self._edited)
        self.target.textChanged.connect(self._address_edited)
        self.method.currentIndexChanged.connect(self._edited)
        self.percentile.currentIndexChanged.connect(self._edited)
        self.kind.chosen.connect(self._choose_kind)
        self.body_kind.chosen.connect(self._choose_body)
        self.client.chosen.connect(self._choose_client)
        self.browse.clicked.connect(self._browse)
        self.choose_sample.clicked.connect(self._browse_sample)
        for box in (self.spread, self.check_answers, self.overload):
            box.toggled.connect(self._edited)
        self.sample.clicked.connect(lambda: self.look(sample=True))
        self.answer.take.clicked.connect(self._take_request)
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
            sample=self.code_sample.text(),
            spread="yes" if self.spread.isChecked() else "",
            python=self.python.text(),
            workers=self.workers.text(),
            threads=self.threads.text(),
            proto=self.proto.text(),
            streams=self.streams.text(),
            client=self._client,
            users=self.users.text(),
            think=self.think.text(),
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
            duration=(self.users_time if self._kind == "users" else self.duration).text(),
            checks=_lines(self.checks),
            check_answers=self.check_answers.isChecked(),
            overload=self.overload.isChecked(),
            allow_remote=self._is_confirmed(),
        )

    def show_order(self, order: ProbeOrder) -> None:
        """Fills the fields in."""
        self._filling = True
        self._kind: Kind = order.kind
        self._body_kind: BodyKind = order.body_kind
        self._client = order.client if order.client in self.client.segments else ""
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
            (self.duration, order.duration), (self.confirm, ""), (self.code_sample, order.sample),
            (self.python, order.python), (self.proto, order.proto), (self.workers, order.workers),
            (self.threads, order.threads), (self.streams, order.streams),
            (self.users, order.users), (self.think, order.think), (self.users_time, order.duration),
        ):  # fmt: skip
            line.setText(value)
        self.spread.setChecked(bool(order.spread))
        self.check_answers.setChecked(order.check_answers)
        self.overload.setChecked(order.overload)
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
            "step": self.step, "rate": self.rate, "checks": self.checks, "sample": self.code_sample,
            "duration": self.users_time if self._kind == "users" else self.duration, "users": self.users,
            "think": self.think, "python": self.python, "workers": self.workers, "threads": self.threads,
            "streams": self.streams,
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

    def _choose_client(self, key: str) -> None:
        self._client = key
        self._edited()

    def _browse(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, self.tr("A file with one body a line"))
        if name:
            self.bodies.setText(name)

    def _browse_sample(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, self.tr("A sample of what it is called with"))
        if name:
            self.code_sample.setText(f"@{name}")

    def _edited(self) -> None:
        if self._filling:
            return
        takes = fields_of(self.target.text())
        self.kind.show_chosen(self._kind)
        self.body_kind.show_chosen(self._body_kind)
        self.client.show_chosen(self._client)
        for name, shown in (
            ("capacity", self._kind == "capacity"),
            ("steps", self._kind == "steps"),
            ("fixed", self._kind == "rate"),
            ("by_users", self._kind == "users"),
            *((name, name in takes) for name in OF_KIND),
            ("body", "body_kind" in takes and self._body_kind == "text"),
            ("bodies", "body_kind" in takes and self._body_kind == "lines"),
            ("streams", "streams" in takes and self._client != GRPCIO),
            ("remote", self._is_remote()),
            ("check_answers", not is_code(self.target.text())),
            ("overload", self._kind == "capacity"),
        ):
            field = self._fields[name]
            field.setVisible(shown)
            field.label.setVisible(shown)  # type: ignore[attr-defined]
        word = self.tr("More") if is_code(self.target.text()) else ""  # the row before has it already
        self._fields["overload"].label.setText(word)  # type: ignore[attr-defined]
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
            whole = seconds(order.budget) + _WARMUP_S + (_OVERLOAD_S if order.overload else 0)
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
            "fixed": ("rate", "duration") if self._kind == "rate" else (),
            "by_users": ("users", "think", "duration") if self._kind == "users" else (),
            "workers": ("workers", "threads"),
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
        self._ending[0].set()
        ending = self._ending[0] = threading.Event()
        self.answer.show_asking()
        self._asking.submit(
            lambda: detect(order, sample=sample, stop=ending), lambda answer: self._looked(turn, answer)
        )

    def _looked(self, turn: int, found: Found) -> None:
        if turn != self._turn:
            return
        self.found = found
        self._show_found()
        self._edited()

    def _show_found(self) -> None:
        self.answer.show_found(self.found)
        self.sample.setVisible(bool(self.target.text().strip()))

    def _take_request(self) -> None:
        """The request that the target's own description made, in the field for it."""
        if self.found is not None and self.found.request:
            self.body.setPlainText(self.found.request)
            self._choose_body("text")


def _lines(text: QPlainTextEdit) -> tuple[str, ...]:
    return tuple(row.strip() for row in text.toPlainText().splitlines() if row.strip())


def _host(address: str) -> str:
    try:
        return (urlsplit(address.strip()).hostname or "").casefold()
    except ValueError:
        return ""


def _closer(executor: SerialExecutor, ending: list[threading.Event]) -> Callable[[], None]:
    """Ends the thread, and code that it is starting, without waiting for an answer that nobody will see."""
    pool = executor._pool

    def close() -> None:
        ending[0].set()
        pool.shutdown(wait=False, cancel_futures=True)

    return close
