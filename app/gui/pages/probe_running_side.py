"""Beside the charts of a running probe: the preview, our own client, the target, remarks.

Every number here is what the probe said; the estimate is a preview, and called one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.gui.live_run import LiveRun
from app.gui.page import Context
from app.gui.texts import filled
from app.gui.theme import BODY, FINDING, SMALL
from app.gui.widgets.labels import PlainLabel, rule
from app.gui.widgets.run_pieces import CLOSE, Badge, IntervalBar, Meter, Tag, heading
from app.report.sections.run_words import number
from assessments.wording import NO_BREAK, amount, binary_bytes, capital, counted

SIDE = 276
"""Its width at the usual size of type; larger type needs more."""
MOST_REMARKS = 4
MEMORY_LIMIT = "infra.kubernetes.memory_limit_bytes"


class RunningSide(QWidget):
    """Four groups under each other, or in a narrow window in two columns."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context, self.theme = context, context.theme
        self.run = LiveRun()
        self._heights: tuple[int, ...] = ()
        self.preview = PlainLabel("–", FINDING, 600)
        self.preview_more = PlainLabel("", BODY, tone="muted")
        self.interval = IntervalBar(self.theme)
        self.preview_note = PlainLabel("", SMALL, tone="muted", wrap=True)
        group = [QWidget() for _ in range(4)]
        boxes = [QVBoxLayout(one) for one in group]
        for box in boxes:
            box.setContentsMargins(0, 0, 0, 0)
            box.setSpacing(4)
        title = QHBoxLayout()
        about = PlainLabel(self.tr("Highest rate within the objective"), SMALL, 500, tone="muted", wrap=True)
        title.addWidget(about, 1)
        title.addWidget(Tag(self.tr("PREVIEW"), self.theme), 0, Qt.AlignmentFlag.AlignTop)
        value = QHBoxLayout()
        value.setSpacing(8)
        value.addWidget(self.preview)
        value.addWidget(self.preview_more)
        value.addStretch(1)
        boxes[0].addLayout(title)
        boxes[0].addLayout(value)
        boxes[0].addWidget(self.interval)
        boxes[0].addWidget(self.preview_note)

        self.grade = Badge(self.theme)
        row = QHBoxLayout()
        row.addWidget(heading(self.tr("Our own client")))
        row.addStretch(1)
        row.addWidget(self.grade)
        boxes[1].addLayout(row)
        self.late = Meter(self.tr("could not be sent"), self.theme)
        self.lag = Meter(self.tr("send lag"), self.theme)
        self.client_cpu = Meter("CPU", self.theme)
        for meter in (self.late, self.lag, self.client_cpu):
            boxes[1].addWidget(meter)

        self.target = heading(self.tr("Target"))
        boxes[2].addWidget(self.target)
        self.cpu = Meter("CPU", self.theme)
        self.memory = Meter(self.tr("Memory"), self.theme)
        self.failed = Meter(self.tr("Errors"), self.theme)
        for meter in (self.cpu, self.memory, self.failed):
            boxes[2].addWidget(meter)

        row = QHBoxLayout()
        row.addWidget(heading(self.tr("So far")))
        row.addWidget(Tag(self.tr("PREVIEW"), self.theme))
        row.addStretch(1)
        boxes[3].addLayout(row)
        self.remarks = PlainLabel("", BODY, wrap=True)
        boxes[3].addWidget(self.remarks)
        across = self._side_by_side = QHBoxLayout(self)
        across.setContentsMargins(0, 0, 0, 0)
        self._columns = (QVBoxLayout(), QVBoxLayout())
        for column in self._columns:
            column.setSpacing(12)
            across.addLayout(column, 1)
        self.groups = group
        self._rules = [rule() for _ in group[1:]]

    def arrange(self, narrow: bool) -> None:
        """The groups under each other, or in a narrow window in two columns below the charts."""
        first, second = self._columns
        # Not by takeAt: an item that stays alive in Python keeps the next one's size from being renewed.
        for column in self._columns:
            for widget in (*self.groups, *self._rules):
                column.removeWidget(widget)
            if (rest := column.itemAt(0)) is not None:
                column.removeItem(rest)
        for at, one in enumerate(self.groups):
            column = second if narrow and at >= 2 else first
            if column.count():
                line = self._rules[at - 1]
                column.addWidget(line)
            column.addWidget(one)
        for at, line in enumerate(self._rules):
            line.setVisible(not narrow or at != 1)
        for column in self._columns:
            column.addStretch(1)
        self.setMinimumWidth(0 if narrow else self._at_zoom(SIDE))
        self.setMaximumWidth(16_777_215 if narrow else self._at_zoom(SIDE))
        self._side_by_side.setSpacing(32 if narrow else 0)
        self._side_by_side.setStretch(1, 1 if narrow else 0)

    def _at_zoom(self, pixels: int) -> int:
        return round(pixels * self.theme.zoom / 100)

    def show_processes(self, pids: Sequence[int]) -> None:
        """Which processes the target is; none where they are not known."""
        text = ", ".join(str(pid) for pid in pids)
        self.target.setText(filled(self.tr("Target, process {0}"), text) if text else self.tr("Target"))

    def show_run(self, run: LiveRun) -> None:
        """What is known of this run now."""
        self.run = run
        self._show_preview()
        self._show_client()
        self._show_target()
        self._show_remarks()
        self.fit()

    def fit(self, *, anew: bool = False) -> None:
        """Tells the column when a group needs another height: a change made while hidden gets lost."""
        heights = tuple(
            max(one.sizeHint().height(), one.heightForWidth(self._at_zoom(SIDE))) for one in self.groups
        )
        if anew or heights != self._heights:
            self._heights = heights
            for one in self.groups:
                one.updateGeometry()

    def _show_preview(self) -> None:
        preview, spoilt = self.run.preview, self.run.client_limited()
        self.preview.set_tone("muted" if spoilt or preview is None else "")
        if preview is None:
            self.preview.setText("–")
            self.preview_more.setText("req/s" if self.run.finds_capacity or not self.run.load else "")
            self.interval.clear()
            text = self.tr("The first estimate follows after the ladder.")
            if self.run.load and not self.run.finds_capacity:
                text = self.tr("No highest rate is looked for in this run.")
            self.preview_note.setText(text)
            return
        self.preview.setText(amount(preview.rate_per_s))
        ends = f"({amount(preview.low)}–{amount(preview.high)})"
        self.preview_more.setText(f"req/s {ends}")
        self.preview.setAccessibleName(filled(self.tr("Preview {0} requests a second"), preview.rate_per_s))
        self.interval.show_estimate(preview.rate_per_s, preview.low, preview.high, grey=bool(spoilt))
        wanted = number(self.run.load.get("precision"))
        wide = (preview.high - preview.low) / 2 / preview.rate_per_s if preview.rate_per_s else 0.0
        text = self.tr("Now ± {0} %. A preview is never stored as a fact.")
        if wanted is not None:
            text = self.tr("Now ± {0} %, final at ± {1} %. A preview is never stored as a fact.")
        self.preview_note.setText(filled(text, amount(wide * 100), amount((wanted or 0) * 100)))

    def _show_client(self) -> None:
        run = self.run
        spoilt = run.client_limited()
        if spoilt:
            self.grade.show_state("challenged", self.tr("limited"))
        elif run.steps:
            self.grade.show_state("verified", self.tr("valid so far"))
        else:
            self.grade.show_state("unanswered", self.tr("not graded yet"))
        scheduled, unsent = run.counted("scheduled"), run.counted("unsent")
        self.late.show_value(
            filled(self.tr("{0} of {1}"), f"{unsent:,}", f"{scheduled:,}") if scheduled else "–"
        )
        lag, name = run.last_measured("send_lag_ms", "p99"), "p99 "
        if lag is None:
            lag, name = run.last_measured("send_lag_ms", "p90"), "p90 "
        self.lag.show_value("–" if lag is None else f"{name}{amount(lag)}{NO_BREAK}ms")
        cores = None if run.second is None else run.second.client_cpu_cores
        cores = run.last_measured("client_cpu_cores") if cores is None else cores
        shards = int(number(run.load.get("shards")) or 1)
        text = "–" if cores is None else f"{amount(cores)} of {counted(shards, 'core')}"
        self.client_cpu.show_value(text, None if cores is None else cores / shards)

    def _show_target(self) -> None:
        run, second = self.run, self.run.second
        machine: Mapping[str, Any] = {} if run.started is None else run.started.run.get("machine") or {}
        cores = number(machine.get("cpu_usable")) or number(machine.get("cpu_count"))
        used = None if second is None else second.cpu_cores
        if used is None:
            self.cpu.show_value("–")
        elif cores:
            self.cpu.show_value(f"{amount(used)} of {counted(int(cores), 'core')}", used / cores)
        else:
            self.cpu.show_value(f"{amount(used)}{NO_BREAK}cores")
        size = None if second is None else second.rss_bytes
        limit, where = self._memory_limit()
        if size is None:
            self.memory.show_value("–")
        elif limit:
            text = filled(self.tr("{0} of {1}"), binary_bytes(size), binary_bytes(limit))
            self.memory.show_value(text, size / limit, where)
        else:
            self.memory.show_value(binary_bytes(size))
        total = run.answered_ok + run.failed
        text = filled(self.tr("{0} of {1}"), f"{run.failed:,}", f"{total:,}") if total else "–"
        self.failed.show_value(text)

    def _memory_limit(self) -> tuple[float | None, str]:
        now = self.context.session.now
        fact = None if now is None else now.evidence.facts.get(MEMORY_LIMIT)
        limit = None if fact is None else number(fact.value)
        if fact is None or limit is None:
            return None, ""
        from app.report.view import fact_source

        return limit, filled(self.tr("limit from {0}"), fact_source(fact))

    def _show_remarks(self) -> None:
        run, said = self.run, []
        limit, _ = self._memory_limit()
        if limit and run.rss_peak and run.rss_peak >= CLOSE * limit:
            said.append(
                filled(self.tr("Memory reached {0} % of its limit."), f"{100 * run.rss_peak / limit:.0f}")
            )
        closed = [step for step in run.steps if step.get("mode") == "closed"]
        if closed and closed[-1].get("verdict") == "saturated":
            best = max(number(step.get("achieved_per_s")) or 0.0 for step in closed)
            text = self.tr("More callers do not bring more than {0} req/s.")
            said.append(filled(text, amount(best)))
        said += [f"{capital(note.text)}." if note.text[-1:] not in ".!?" else note.text for note in run.notes]
        self.remarks.setText(
            "\n".join(dict.fromkeys(said[-MOST_REMARKS:])) or self.tr("Nothing to remark yet.")
        )
        self.remarks.set_tone("" if said else "muted")
