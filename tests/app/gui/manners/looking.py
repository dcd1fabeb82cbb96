"""What stands before somebody on a page: its widgets, and the texts that are read on it."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QModelIndex
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QWidget,
)

from app.charts.table import rows_of
from app.gui.widgets.chart_view import ChartView

OWNED = (QComboBox, QAbstractSpinBox, QAbstractItemView, QLineEdit, QPlainTextEdit)
"""Widgets whose inner parts are Qt's own: the list of a combo box, the clear button of a line."""


def shown_in(root: QWidget) -> list[QWidget]:
    """What stands before somebody, parts of Qt's own widgets left out."""
    return [
        widget
        for widget in root.findChildren(QWidget)
        if widget.isVisible() and not isinstance(widget, QScrollBar) and not _is_part(widget)
    ]


def _is_part(widget: QWidget) -> bool:
    above = widget.parentWidget()
    while above is not None:
        if isinstance(above, OWNED) or type(above).__name__ == "QAbstractScrollAreaScrollBarContainer":
            return True
        above = above.parentWidget()
    return False


def indexes(model: QAbstractItemModel) -> Iterator[QModelIndex]:
    columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount()
    for row in range(model.rowCount()):
        yield from (model.index(row, column) for column in range(columns))


def texts_of(page: QWidget) -> Iterator[str]:
    """What is written on a page."""
    for widget in (page, *shown_in(page)):
        if isinstance(widget, QLabel | QAbstractButton | QLineEdit):
            yield widget.text()
        elif isinstance(widget, QPlainTextEdit):
            yield widget.toPlainText()
        elif isinstance(widget, QComboBox):
            yield from (widget.itemText(at) for at in range(widget.count()))
        elif isinstance(widget, QAbstractItemView) and widget.model() is not None:
            yield from (str(index.data() or "") for index in indexes(widget.model()))
        elif isinstance(widget, ChartView) and widget.spec is not None:
            header, rows = rows_of(widget.spec)
            yield from (header, *(cell for row in rows for cell in row))
        yield widget.accessibleName()
