"""The list of questions by pillar: sign, id, short title; headings with the pillar's score."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.charts.pieces import proposed_badge, verdict_badge
from app.gui.models.questions import COUNT, IS_PILLAR, IS_PROPOSED, KEY, SCORE, STATE, TITLE
from app.gui.painting import paint
from app.gui.theme import BODY, SMALL, Theme, font
from app.gui.widgets.broken_text import draw_broken, row_height

ROW = 32
SIGN = 14
LEFT, ID, TEXT, RIGHT = 16, 38, 96, 12

_MIDDLE_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
_MIDDLE_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight


class QuestionDelegate(QStyledItemDelegate):
    """Paints the rows."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme

    def sizeHint(  # noqa: N802, Qt's name
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """One line or two, in the weight of the chosen row: choosing one moves nothing."""
        view = option.widget
        wide = view.viewport().width() if isinstance(view, QListView) else option.rect.width()
        if index.data(IS_PILLAR) or wide <= 0:
            return QSize(60, ROW)
        room = wide - _key_end(QFontMetrics(font(SMALL)), str(index.data(KEY)), wide) - RIGHT
        return QSize(60, row_height(str(index.data(TITLE)), 600, BODY, room, ROW))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draws a heading or a question."""
        painter.save()
        area: QRect = option.rect
        if index.data(IS_PILLAR):
            self._heading(painter, area, index)
        else:
            state: QStyle.StateFlag = option.state
            view: QWidget | None = option.widget
            is_chosen = bool(state & QStyle.StateFlag.State_Selected)
            is_hovered = bool(state & QStyle.StateFlag.State_MouseOver)
            self._question(painter, area, index, is_chosen, is_hovered)
            if is_chosen and view is not None and view.hasFocus():
                painter.setPen(QPen(self._theme.colour("accent"), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(area.adjusted(1, 1, -1, -1))
        painter.restore()

    def _heading(self, painter: QPainter, area: QRect, index: QModelIndex | QPersistentModelIndex) -> None:
        painter.fillRect(area, self._theme.colour("bg"))
        painter.fillRect(area.left(), area.bottom(), area.width(), 1, self._theme.colour("line"))
        text = area.adjusted(LEFT, 0, -16, 0)
        painter.setFont(font(BODY, 600))
        painter.setPen(self._theme.colour("text"))
        name, score = str(index.data(TITLE)), str(index.data(SCORE))
        score_width = painter.fontMetrics().horizontalAdvance(score) + 8
        name_width = painter.fontMetrics().horizontalAdvance(name)
        painter.drawText(text, _MIDDLE_RIGHT, score)
        room = text.adjusted(0, 0, -score_width, 0)
        painter.drawText(room, _MIDDLE_LEFT, _elided(painter, name, room.width()))
        painter.setFont(font(SMALL))
        painter.setPen(self._theme.colour("muted"))
        count = int(index.data(COUNT))
        words = self.tr("1 question") if count == 1 else self.tr("{0} questions").replace("{0}", str(count))
        rest = room.adjusted(name_width + 10, 1, 0, 1)
        if rest.width() > painter.fontMetrics().horizontalAdvance(words):
            painter.drawText(rest, _MIDDLE_LEFT, words)

    def _question(
        self,
        painter: QPainter,
        area: QRect,
        index: QModelIndex | QPersistentModelIndex,
        is_chosen: bool,
        is_hovered: bool,
    ) -> None:
        theme = self._theme
        if is_chosen or is_hovered:
            painter.fillRect(area, theme.colour("accbg" if is_chosen else "bg"))
        if is_chosen:
            painter.fillRect(area.left(), area.top(), 3, area.height(), theme.colour("accent"))
        sign = proposed_badge(SIGN) if index.data(IS_PROPOSED) else verdict_badge(index.data(STATE), SIGN)
        painter.save()
        painter.translate(area.left() + LEFT, area.top() + (area.height() - SIGN) / 2)
        paint(painter, sign, theme)
        painter.restore()
        painter.setFont(font(SMALL))
        painter.setPen(theme.colour("muted"))
        key = str(index.data(KEY))
        key_end = _key_end(painter.fontMetrics(), key, area.width())
        painter.drawText(
            area.adjusted(ID, 0, key_end - 8 - area.width(), 0),
            _MIDDLE_LEFT,
            _elided(painter, key, key_end - 8 - ID),
        )
        painter.setFont(font(BODY, 600 if is_chosen else 400))
        painter.setPen(theme.colour("text"))
        draw_broken(painter, area.adjusted(key_end, 0, -RIGHT, 0), str(index.data(TITLE)))


def _key_end(metrics: QFontMetrics, key: str, wide: int) -> int:
    """Where the title begins, in pixels from the left of a row so wide."""
    return max(TEXT, ID + min(metrics.horizontalAdvance(key), wide // 3) + 10)


def _elided(painter: QPainter, text: str, width: int) -> str:
    return painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, max(0, width))


class QuestionList(QListView):
    """The view. Keys that are not its own go to the page, letters too."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._delegate = QuestionDelegate(theme)
        self.setItemDelegate(self._delegate)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setMouseTracking(True)
        self.setProperty("kind", "rows")
        theme.changed.connect(self.scheduleDelayedItemsLayout)
        theme.changed.connect(self.viewport().update)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, Qt's name
        """Pages through the list; everything else is for the page."""
        pages = (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Home, Qt.Key.Key_End)
        if event.key() in pages:
            super().keyPressEvent(event)
        else:
            event.ignore()
