"""The four figures of the forecast: replicas, the autoscaler's target, what requests and a month cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.gui.texts import filled
from app.gui.theme import PAGE, SMALL
from app.gui.widgets.labels import PlainLabel
from app.report.view import View
from assessments.what_if import cost_a_month
from assessments.wording import NO_BREAK, amount, counted, estimate, percent


class ForecastAmounts(QWidget):
    """They stand beside each other."""

    def __init__(self) -> None:
        super().__init__()
        self.figures = [_Amount() for _ in range(4)]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(24)
        for place, figure in enumerate(self.figures):
            grid.addWidget(figure, 0, place)
            grid.setColumnStretch(place, 1)

    def show_forecast(self, found: Mapping[str, Any], view: View) -> None:
        """Those of a forecast; a dash, and why, where one is not known."""
        carry = found.get("to_carry") or {}
        replicas = carry.get("replicas") or found.get("replicas") or {}
        rate = carry.get("per_s") or found.get("peak_per_s")
        needed, conservative, spare = (replicas.get(key) for key in ("now", "conservative", "with_spare"))
        carried = (
            self.tr("Replicas") if rate is None else filled(self.tr("Replicas for {0} req/s"), amount(rate))
        )
        said = self.tr("nobody said what it has to carry")
        if needed is not None:
            said = self.tr("at the measured capacity")
            if conservative is not None and spare is not None:
                said = filled(self.tr("{0} at the low end, {1} with one spare"), conservative, spare)
        self.figures[0].say(carried, "–" if needed is None else f"{needed:,}", "", said)
        target = found.get("autoscaling_target_per_replica")
        low = (found.get("capacity_per_replica") or {}).get("low")
        self.figures[1].say(
            self.tr("Autoscaling target"),
            "–" if target is None else amount(target),
            "" if target is None else "req/s",
            self.tr("needs the lower bound of the capacity")
            if target is None or low is None
            else filled(
                self.tr("per replica: {0} of {1}, the low end"), percent(found["utilisation"]), amount(low)
            ),
        )
        cost, price = found.get("cost_per_million"), found.get("price_per_replica_hour")
        currency = str(view.profile.get("currency") or "USD")
        unknown = self.tr("nobody said what a replica costs")
        if not cost or price is None:
            self.figures[2].say(self.tr("Per million requests"), "–", "", unknown)
            self.figures[3].say(self.tr("Per month"), "–", "", unknown)
            return
        ends = estimate(cost["value"], cost["low"], cost["high"]).partition(NO_BREAK)[2].strip("()")
        use = filled(self.tr("at {0} use"), percent(found["utilisation"]))
        self.figures[2].say(
            self.tr("Per million requests"), amount(cost["value"]), currency, f"{ends} {use}".strip()
        )
        running = (found.get("replicas") or {}).get("running")
        if running is None:
            self.figures[3].say(
                self.tr("Per month"), "–", "", self.tr("how many replicas there are is not known")
            )
            return
        more = [
            f"{amount(cost_a_month(count, price))} {self.tr('with')} {count}"
            for count in dict.fromkeys((conservative, spare))
            if count is not None and count != running
        ]
        self.figures[3].say(
            self.tr("Per month"),
            amount(cost_a_month(running, price)),
            currency,
            "; ".join((counted(running, "replica"), ", ".join(more))).rstrip("; "),
        )


class _Amount(QWidget):
    """A figure: what it is, the number with its unit, a remark."""

    def __init__(self) -> None:
        super().__init__()
        self.name = PlainLabel("", SMALL, 500, tone="muted", wrap=True)
        self.number = PlainLabel("", PAGE, 600)
        self.unit = PlainLabel("", SMALL, tone="muted")
        self.remark = PlainLabel("", SMALL, tone="muted", wrap=True)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.number)
        row.addWidget(self.unit, 0, Qt.AlignmentFlag.AlignBottom)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.name)
        column.addLayout(row)
        column.addWidget(self.remark)
        column.addStretch(1)

    def say(self, name: str, number: str, unit: str, remark: str) -> None:
        """These from now on."""
        self.name.setText(name)
        self.number.setText(number)
        self.unit.setText(unit)
        self.remark.setText(remark)
        self.setAccessibleName(f"{name}: {number} {unit}. {remark}")
