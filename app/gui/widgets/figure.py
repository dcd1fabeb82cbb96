"""A chart with its title, which states the finding, and the line below it: method, number, interval."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.charts.spec import ChartSpec
from app.gui.theme import BODY, SMALL, Theme
from app.gui.widgets.chart_view import ChartView
from app.gui.widgets.labels import PlainLabel
from app.gui.widgets.numbers import show_numbers


class Figure(QWidget):
    """Title, chart and caption. `T` on the chart opens its numbers."""

    def __init__(
        self, theme: Theme, height: float = 240, *, size: float = BODY, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self.title = PlainLabel("", size, 600, wrap=True)
        self.chart = ChartView(theme, height)
        self.chart.table_asked.connect(self._show_numbers)
        self.caption = PlainLabel("", SMALL, tone="muted", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for part in (self.title, self.chart, self.caption):
            column.addWidget(part)
        column.addStretch(1)

    def show_chart(self, spec: ChartSpec | None) -> None:
        """Draws this from now on; None hides all of it."""
        self.setVisible(spec is not None)
        self.chart.show_chart(spec)
        self.title.setText("" if spec is None else spec.title)
        self.title.setVisible(bool(spec is not None and spec.title))
        self.caption.setText("" if spec is None else spec.caption)
        self.caption.setVisible(bool(spec is not None and spec.caption))

    def _show_numbers(self, spec: ChartSpec) -> None:
        show_numbers(self.window(), spec, self._theme)
