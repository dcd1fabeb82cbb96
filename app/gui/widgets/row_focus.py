"""The ring around the row of a table that is chosen while the table has the keys."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QHeaderView, QStyle, QStyleOptionViewItem, QTableView

from app.gui.theme import Theme

PEN = 2
"""Pixels of the ring."""


def has_focus_ring(option: QStyleOptionViewItem) -> bool:
    """Whether a cell belongs to the row that is chosen in the widget with the keys."""
    view = option.widget
    chosen = bool(option.state & QStyle.StateFlag.State_Selected)
    return chosen and view is not None and bool(view.hasFocus())


def draw_focus_ring(
    painter: QPainter,
    option: QStyleOptionViewItem,
    index: QModelIndex | QPersistentModelIndex,
    theme: Theme,
) -> None:
    """Draws a cell's part of the ring, all of it inside the cell; to be called after everything else."""
    if not has_focus_ring(option):
        return
    area: QRect = option.rect
    colour = theme.colour("accent")
    painter.fillRect(area.left(), area.top(), area.width(), PEN, colour)
    painter.fillRect(area.left(), area.bottom() + 1 - PEN, area.width(), PEN, colour)
    view = option.widget
    shown = _ends(view.horizontalHeader()) if isinstance(view, QTableView) else (index.column(),) * 2
    if index.column() == shown[0]:
        painter.fillRect(area.left(), area.top(), PEN, area.height(), colour)
    if index.column() == shown[1]:
        painter.fillRect(area.right() + 1 - PEN, area.top(), PEN, area.height(), colour)


def _ends(header: QHeaderView) -> tuple[int, int]:
    """The first and the last column that can be seen."""
    shown = [
        header.logicalIndex(place)
        for place in range(header.count())
        if not header.isSectionHidden(header.logicalIndex(place))
    ]
    return (shown[0], shown[-1]) if shown else (-1, -1)
