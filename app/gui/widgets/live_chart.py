"""Response time and rate while a probe runs: two plots over one time axis, drawn as the seconds come in.

The picture lies in a pixmap to which each second only adds its own piece; all of it is drawn again, reduced
to pixel columns, when an axis, the size or the colours change. At most ten redraws a second, by one throttle,
and none when nothing has changed.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.charts.pieces import hatch
from app.charts.ticks import nice_ticks
from app.gui.live_run import LiveRun
from app.gui.painting import measure, paint
from app.gui.texts import filled
from app.gui.theme import AXIS, SMALL, Theme, font
from app.gui.throttle import Throttle
from app.gui.widgets.live_axes import TIME_STEPS, Axes, axes_for, clock, decimated, part_labels
from assessments.wording import NO_BREAK, amount

REDRAW_MS = 100
LEFT, RIGHT, TOP = 44.0, 8.0, 20.0
BETWEEN, BELOW = 34.0, 20.0
UPPER = 0.62
"""The share of the height for response time."""
LEAST_HEIGHT = 300
_DASH = (4.0, 3.0)
_COLUMN = 3.0
"""Pixels from which the first, lowest, highest and last point stay where all is drawn again."""
_CHUNK = 8
"""Points of a line that are drawn at once."""


class LiveChart(QWidget):
    """The two plots. Space is for the page (`freeze`); the arrows move the cursor from second to second."""

    cursor_moved = Signal(str)
    """The numbers at the cursor in words; empty when there is none."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.run = LiveRun()
        self.is_frozen = False
        self.redraws = 0
        """How often the picture was renewed, and how often of these whole: for benchmarks."""
        self.whole_redraws = 0
        self._axes: Axes | None = None
        self._layer: QPixmap | None = None
        self._key: tuple[object, ...] = ()
        self._drawn = 0
        self._state: tuple[object, ...] = ()
        self._cursor: int | None = None
        self._by_keys = False
        self._throttle = Throttle(REDRAW_MS, self._renew, self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(LEAST_HEIGHT)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Response time and rate, second by second"))
        theme.changed.connect(self._recolour)

    def sizeHint(self) -> QSize:  # noqa: N802, Qt's name
        """As in a window of the usual size."""
        return QSize(820, 430)

    # -- what is shown -------------------------------------------------------------------------------------

    def show_run(self, run: LiveRun) -> None:
        """Draws this run from now on."""
        self.run = run
        self.is_frozen = False
        self._axes, self._layer, self._state = None, None, ()
        self._set_cursor(None)
        self.refresh()

    def refresh(self) -> None:
        """Something may have come in: it is drawn within a tenth of a second."""
        if not self.is_frozen:
            self._throttle.ask()

    def freeze(self, frozen: bool) -> None:
        """Leaves the picture as it is, or catches up."""
        self.is_frozen = frozen
        if frozen:
            self._throttle.cancel()
            self.update()
        else:
            self._state = ()
            self.refresh()

    def _recolour(self) -> None:
        self._layer = None
        self.update()

    def _renew(self) -> None:
        """Adds what is new to the picture; nothing where nothing is."""
        run = self.run
        state = (len(run.t), len(run.parts), len(run.spans), len(run.notes), run.started is not None)
        if state == self._state:
            return
        self._state = state
        self._axes = axes_for(run, self._axes)
        if self.isVisible():
            self._bring_up_to_date()
        self.redraws += 1
        self.update()

    # -- geometry ------------------------------------------------------------------------------------------

    def _plots(self) -> tuple[QRectF, QRectF]:
        width = max(80.0, self.width() - LEFT - RIGHT)
        inner = self.height() - TOP - BETWEEN - BELOW
        upper = round(inner * UPPER)
        top = QRectF(LEFT, TOP, width, upper)
        return top, QRectF(LEFT, TOP + upper + BETWEEN, width, inner - upper)

    def _x(self, seconds: float) -> float:
        assert self._axes is not None
        return LEFT + seconds / self._axes.seconds * max(80.0, self.width() - LEFT - RIGHT)

    def _height_ms(self, plot: QRectF) -> Callable[[float], float]:
        """Where a response time lies in the plot."""
        assert self._axes is not None
        low, high = math.log(self._axes.low_ms), math.log(self._axes.high_ms)
        bottom, scale, log = plot.bottom(), plot.height() / max(high - low, 1e-9), math.log
        top = plot.top()

        def place(value: float) -> float:
            y = bottom - (log(value) - low) * scale if value > 0 else bottom
            return bottom if y > bottom else top if y < top else y

        return place

    def _height_rate(self, plot: QRectF) -> Callable[[float], float]:
        """Where a rate lies in the plot."""
        assert self._axes is not None
        bottom, scale, top = plot.bottom(), plot.height() / self._axes.rate, plot.top()

        def place(value: float) -> float:
            y = bottom - value * scale
            return bottom if y > bottom else top if y < top else y

        return place

    # -- the layer -----------------------------------------------------------------------------------------

    def _bring_up_to_date(self) -> None:
        """The layer with everything that is known, by adding to it or by drawing it again."""
        if self._axes is None:
            self._axes = axes_for(self.run)
        ratio = self.devicePixelRatioF()
        limited = sum(1 for step in self.run.steps if step.get("verdict") == "client_limited")
        key = (
            self.size(),
            ratio,
            self._theme.is_dark,
            self._axes,
            len(self.run.parts),
            limited,
            id(self.run),
        )
        if self._layer is not None and key == self._key:
            if self._drawn < len(self.run.t):
                painter = QPainter(self._layer)
                self._draw_series(painter, max(0, self._drawn - 1))
                painter.end()
            return
        self._key = key
        self._layer = QPixmap(QSize(round(self.width() * ratio), round(self.height() * ratio)))
        self._layer.setDevicePixelRatio(ratio)
        self._layer.fill(self._theme.colour("surface"))
        painter = QPainter(self._layer)
        self._draw_frame(painter)
        self._draw_series(painter, 0)
        painter.end()
        self.whole_redraws += 1

    def _draw_frame(self, painter: QPainter) -> None:
        assert self._axes is not None
        axes, (upper, lower) = self._axes, self._plots()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(font(AXIS))
        muted, grid, edge = (self._theme.colour(role) for role in ("muted", "grid", "edge"))
        painter.setPen(muted)
        painter.drawText(QPointF(0, 11), self.tr("Response time, ms (log)"))
        painter.drawText(QPointF(0, lower.top() - 11), self.tr("Rate, req/s"))
        for plot, ticks, place in (
            (upper, nice_ticks(axes.low_ms, axes.high_ms, 6, "log"), self._height_ms(upper)),
            (lower, nice_ticks(0.0, axes.rate, 3), self._height_rate(lower)),
        ):
            for value, text in ticks:
                y = round(place(value)) + 0.5
                painter.setPen(QPen(grid, 1))
                painter.drawLine(QLineF(plot.left(), y, plot.right(), y))
                painter.setPen(muted)
                painter.drawText(QPointF(plot.left() - 6 - measure(text, 400, AXIS), y + 4), text)
        self._draw_spoilt(painter, upper, lower)
        self._draw_parts(painter, upper, lower)
        painter.setPen(QPen(edge, 1))
        for plot in (upper, lower):
            painter.drawLine(QLineF(plot.left(), plot.top(), plot.left(), plot.bottom()))
        painter.drawLine(QLineF(lower.left(), lower.bottom(), lower.right(), lower.bottom()))
        self._draw_time(painter, lower)
        self._draw_limit(painter, upper)

    def _draw_time(self, painter: QPainter, plot: QRectF) -> None:
        assert self._axes is not None
        about = max(2.0, plot.width() / 90)
        step = next((step for step in TIME_STEPS if self._axes.seconds / step <= about), TIME_STEPS[-1])
        painter.setPen(self._theme.colour("muted"))
        for at in range(int(self._axes.seconds / step + 1e-9) + 1):
            text = clock(at * step)
            width = measure(text, 400, AXIS)
            left = self._x(at * step) - (width / 2 if at else 0)
            left = min(left, self.width() - width)
            painter.drawText(QPointF(left, plot.bottom() + 15), text)

    def _draw_parts(self, painter: QPainter, upper: QRectF, lower: QRectF) -> None:
        places = [(round(self._x(began)) + 0.5, label) for began, label in part_labels(self.run.parts)]
        painter.setPen(QPen(self._theme.colour("grid"), 1))
        for x, _ in places:
            for plot in (upper, lower):
                painter.drawLine(QLineF(x, plot.top(), x, plot.bottom()))
        free_from = -1.0
        for x, label in places:
            width = measure(label, 400, AXIS)
            if label and x + 4 >= free_from and x + 4 + width <= upper.right():
                area = QRectF(x + 2, upper.top() + 2, width + 4, 13)
                painter.fillRect(area, self._theme.colour("surface"))
                painter.setPen(self._theme.colour("muted"))
                painter.drawText(QPointF(x + 4, upper.top() + 12), label)
                free_from = x + 4 + width + 8

    def _draw_spoilt(self, painter: QPainter, upper: QRectF, lower: QRectF) -> None:
        """A hatch over steps that say nothing of the target."""
        for step, (begin, end) in zip(self.run.steps, self.run.spans, strict=False):
            if step.get("verdict") != "client_limited":
                continue
            left, right = self._x(begin), self._x(end)
            for plot in (upper, lower):
                lines = hatch(left, plot.top(), max(1.0, right - left), plot.height(), "line", 8.0)
                paint(painter, lines, self._theme)

    def _draw_limit(self, painter: QPainter, plot: QRectF) -> None:
        limit = self.run.limit_ms()
        if limit is None:
            return
        y = round(self._height_ms(plot)(limit[1])) + 0.5
        pen = QPen(self._theme.colour("bad"), 1.25)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.drawLine(QLineF(plot.left(), y, plot.right(), y))

    def _name_limit(self, painter: QPainter, plot: QRectF) -> None:
        limit = self.run.limit_ms()
        if limit is None or self._axes is None:
            return
        y = round(self._height_ms(plot)(limit[1])) + 0.5
        text = filled(self.tr("objective {0} ≤ {1}"), limit[0], f"{amount(limit[1])}{NO_BREAK}ms")
        width = measure(text, 400, AXIS)
        painter.fillRect(
            QRectF(plot.right() - width - 6, y - 15, width + 4, 13), self._theme.colour("surface")
        )
        painter.setFont(font(AXIS))
        painter.setPen(self._theme.colour("bad"))
        painter.drawText(QPointF(plot.right() - width - 4, y - 5), text)

    def _draw_series(self, painter: QPainter, start: int) -> None:
        """Everything from a second on; all of it is reduced to pixel columns, a piece is drawn as it is."""
        run, (upper, lower) = self.run, self._plots()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        import numpy as np

        assert self._axes is not None
        columns, across = max(1, int(upper.width() / _COLUMN)), upper.width() / self._axes.seconds
        low, high = math.log(self._axes.low_ms), math.log(self._axes.high_ms)
        steep = upper.height() / max(high - low, 1e-9)
        t = np.array(run.t[start:], dtype=float)
        for values, is_time, role, width, dashed in (
            (run.p50, True, "s3", 1.0, False),
            (run.p99, True, "s1", 1.5, False),
            (run.answered, False, "s1", 1.5, False),
            (run.offered, False, "text", 1.25, True),
        ):
            pen = QPen(self._theme.colour(role), width)
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            pen.setJoinStyle(Qt.PenJoinStyle.BevelJoin)
            v = np.array(values[start:], dtype=float)
            kept = decimated(t, v, columns)
            x = LEFT + t[kept] * across
            if is_time:
                y = upper.bottom() - (np.log(np.maximum(v[kept], 1e-9)) - low) * steep
                y = np.minimum(upper.bottom(), np.maximum(upper.top(), y))
            else:
                y = lower.bottom() - v[kept] / self._axes.rate * lower.height()
                y = np.minimum(lower.bottom(), np.maximum(lower.top(), y))
            gaps = np.flatnonzero(np.isnan(y)).tolist()
            for first, end in zip([-1, *gaps], [*gaps, len(y)], strict=True):
                piece = list(map(QPointF, x[first + 1 : end].tolist(), y[first + 1 : end].tolist()))
                self._draw_piece(painter, pen, piece, dashed)
        self._drawn = len(run.t)

    def _draw_piece(self, painter: QPainter, pen: QPen, piece: list[QPointF], dashed: bool) -> None:
        if not piece:
            return
        if len(piece) == 1:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(pen.color())
            painter.drawEllipse(piece[0], pen.widthF(), pen.widthF())
            return
        painter.setPen(pen)
        if not dashed:
            # Qt takes ten times as long for one long line of more than a pixel as for its parts.
            for at in range(0, len(piece) - 1, _CHUNK):
                painter.drawPolyline(QPolygonF(piece[at : at + _CHUNK + 1]))
            return
        # Dashes are anchored to the axis, so that pieces added later go on with them.
        period = sum(_DASH)
        x, end, at = piece[0].x(), piece[-1].x(), 0
        lines: list[QLineF] = []
        x = math.floor(x / period) * period
        while x < end:
            left, right = max(x, piece[0].x()), min(x + _DASH[0], end)
            while at + 1 < len(piece) - 1 and piece[at + 1].x() <= left:
                at += 1
            if right > left:
                lines.append(QLineF(left, _between(piece, at, left), right, _between(piece, at, right)))
            x += period
        painter.drawLines(lines)

    # -- on top of it --------------------------------------------------------------------------------------

    def resizeEvent(self, _event: QResizeEvent) -> None:  # noqa: N802, Qt's name
        """The layer is of another size."""
        self._layer = None

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802, Qt's name
        """The layer, and on it the present moment, the names of the lines, the cursor and the focus."""
        if self._layer is None or (not self.is_frozen and self._drawn < len(self.run.t)):
            self._bring_up_to_date()
        assert self._layer is not None
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._layer)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        upper, lower = self._plots()
        self._name_limit(painter, upper)
        if self._drawn:
            self._draw_now(painter, upper, lower)
        if self._cursor is not None:
            self._draw_cursor(painter, upper, lower)
        if self.is_frozen:
            painter.setFont(font(AXIS, 500))
            painter.setPen(self._theme.colour("accent"))
            text = self.tr("frozen, Space goes on")
            painter.drawText(QPointF(upper.right() - measure(text, 500, AXIS), 11), text)
        if self.hasFocus() and self._by_keys:
            painter.setPen(QPen(self._theme.colour("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 4, 4)

    def _draw_now(self, painter: QPainter, upper: QRectF, lower: QRectF) -> None:
        last = self._drawn - 1
        x = round(self._x(self.run.t[last])) + 0.5
        painter.setPen(QPen(self._theme.colour("text"), 1))
        painter.drawLine(QLineF(x, upper.top(), x, upper.bottom()))
        painter.drawLine(QLineF(x, lower.top() - 4, x, lower.bottom()))
        run = self.run
        for plot, place, entries in (
            (upper, self._height_ms(upper), (("p99", run.p99[last], "s1"), ("p50", run.p50[last], "s3"))),
            (
                lower,
                self._height_rate(lower),
                (
                    (self.tr("offered"), run.offered[last], "text"),
                    (self.tr("answered"), run.answered[last], "s1"),
                ),
            ),
        ):
            below = -math.inf
            known = [(place(value), name, role) for name, value, role in entries if value is not None]
            for at, (line, name, role) in enumerate(sorted(known)):
                lowest = plot.bottom() - 2 - 14 * (len(known) - 1 - at)
                y = min(max(line + 4, below + 14, plot.top() + 10), lowest)
                below = y
                width = measure(name, 600, SMALL)
                left = x + 6 if x + 6 + width <= self.width() else x - 6 - width
                painter.fillRect(QRectF(left - 2, y - 11, width + 4, 14), self._theme.colour("surface"))
                painter.setFont(font(SMALL, 600))
                painter.setPen(self._theme.colour(role))
                painter.drawText(QPointF(left, y), name)

    # -- the cursor ----------------------------------------------------------------------------------------

    def words_at(self, at: int) -> str:
        """The numbers of a second in words."""
        run = self.run
        parts = [clock(run.t[at])]
        for name, value, unit in (
            ("p99", run.p99[at], "ms"),
            ("p50", run.p50[at], "ms"),
            (self.tr("offered"), run.offered[at], "req/s"),
            (self.tr("answered"), run.answered[at], "req/s"),
        ):
            parts.append(f"{name} –" if value is None else f"{name} {amount(value)}{NO_BREAK}{unit}")
        return " · ".join(parts)

    def move_cursor(self, by: int) -> None:
        """So many seconds to the right; the first time to the newest second."""
        if not self._drawn:
            return
        at = self._drawn - 1 if self._cursor is None else self._cursor + by
        at = max(0, min(self._drawn - 1, at))
        if self.run.answered[at] is None and 0 <= at + (by or 1) < self._drawn:
            at += by or 1
        self._set_cursor(at)

    def _set_cursor(self, at: int | None) -> None:
        self._cursor = at
        words = "" if at is None else self.words_at(at)
        self.setAccessibleDescription(words)
        self.cursor_moved.emit(words)
        self.update()

    def _draw_cursor(self, painter: QPainter, upper: QRectF, lower: QRectF) -> None:
        assert self._cursor is not None
        at = min(self._cursor, self._drawn - 1)
        x = round(self._x(self.run.t[at])) + 0.5
        painter.setPen(QPen(self._theme.colour("accent"), 1))
        painter.drawLine(QLineF(x, upper.top(), x, lower.bottom()))
        words = self.words_at(at)
        width = measure(words, 500, SMALL) + 16
        begins = max(
            LEFT, measure(self.tr("Rate, req/s"), 400, AXIS) + 6
        )  # beside the name of the lower axis
        left = max(begins, min(x - width / 2, self.width() - width - 1))
        box = QRectF(left, upper.bottom() + 4.5, width, 20)
        painter.setPen(QPen(self._theme.colour("accent"), 1))
        painter.setBrush(self._theme.colour("surface"))
        painter.drawRoundedRect(box, 4, 4)
        painter.setFont(font(SMALL, 500))
        painter.setPen(self._theme.colour("text"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802, Qt's name
        """The ring shows where the keys have led, not where a run has begun."""
        reasons = Qt.FocusReason
        self._by_keys = event.reason() in (
            reasons.TabFocusReason, reasons.BacktabFocusReason, reasons.ShortcutFocusReason,
        )  # fmt: skip
        super().focusInEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, Qt's name
        """Arrows move the cursor, Home and End go to the ends."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is not None:
            self.move_cursor(step)
        elif event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End) and self._drawn:
            self._set_cursor(0 if event.key() == Qt.Key.Key_Home else self._drawn - 1)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802, Qt's name
        """Puts the cursor where one clicks."""
        if self._drawn and self._axes is not None:
            wide = max(80.0, self.width() - LEFT - RIGHT)
            seconds = (event.position().x() - LEFT) / wide * self._axes.seconds
            at = bisect.bisect_left(self.run.t, seconds, 0, self._drawn)
            near = min((at, at - 1), key=lambda k: abs(self.run.t[min(max(k, 0), self._drawn - 1)] - seconds))
            self._set_cursor(min(max(near, 0), self._drawn - 1))
        super().mousePressEvent(event)


def _between(piece: Sequence[QPointF], at: int, x: float) -> float:
    """The height of a line at `x`, from its point `at` on."""
    while at + 2 < len(piece) and piece[at + 1].x() < x:
        at += 1
    first, second = piece[at], piece[at + 1]
    span = second.x() - first.x()
    share = 0.0 if span <= 0 else min(1.0, max(0.0, (x - first.x()) / span))
    return first.y() + share * (second.y() - first.y())
