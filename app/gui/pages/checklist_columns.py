"""The columns of the checklist: the list, the question, and the evidence beside it or below."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.gui.theme import SMALL, Theme
from app.gui.widgets.flow import FlowLayout
from app.gui.widgets.following_scroll import FollowingScroll
from app.gui.widgets.keycap import KeyCap
from app.gui.widgets.labels import PlainLabel, rule

NARROW = 1200 - 209
"""Under this width of the page, that of a window under 1200, the right column stands below the question."""
TIGHT = 1360 - 209
"""Under this one the outer columns give way to the question."""
LIST, LIST_TIGHT, SIDE, SIDE_TIGHT = 304, 248, 284, 264
MOST_LIST = 0.31
"""The share of the page that the list may take with larger type."""


class ChecklistColumns(QWidget):
    """Three columns; the right one stands below the question where the page is narrow."""

    def __init__(
        self,
        names: tuple[QWidget, QWidget, QWidget],
        middle_parts: tuple[QWidget, QWidget],
        side: QWidget,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        """`names` are the search, what is said of an empty list, and the list itself.

        `middle_parts` are the question and, in its place, what is proposed.
        """
        super().__init__(parent)
        self._theme, self._side = theme, side
        self._is_narrow: bool | None = None
        search, nothing, listing = names
        pane, proposals = middle_parts
        find = QHBoxLayout()
        find.setContentsMargins(12, 6, 12, 6)
        find.setSpacing(8)
        find.addWidget(search, 1)
        find.addWidget(KeyCap("/", theme))
        left = QVBoxLayout()
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(0)
        left.addLayout(find)
        left.addWidget(rule())
        left.addWidget(nothing)
        left.addWidget(listing, 1)
        self._left = QWidget()
        self._left.setLayout(left)
        self._left.setFixedWidth(LIST)
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addWidget(pane)
        self._column.addStretch(1)
        self.question_scroll = FollowingScroll(inside)
        foot = FlowLayout(across=16)
        for entry in (
            (KeyCap("0", theme), self.tr("to"), KeyCap("4", theme), self.tr("answer")),
            (KeyCap("Enter", theme), self.tr("next open question")),
            (KeyCap("Ctrl Z", theme), self.tr("undo")),
        ):
            foot.addWidget(_together(entry))
        foot_box = QWidget()
        margins = QVBoxLayout(foot_box)
        margins.setContentsMargins(28, 8, 28, 8)
        margins.addLayout(foot)
        asked = QWidget()
        middle = QVBoxLayout(asked)
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(0)
        middle.addWidget(self.question_scroll, 1)
        middle.addWidget(rule())
        middle.addWidget(foot_box)
        self.stack = QStackedWidget()
        self.stack.addWidget(asked)
        self.stack.addWidget(proposals)
        self._side_scroll = FollowingScroll()
        self._side_scroll.setFixedWidth(SIDE)
        self._side_rule = rule(upright=True)
        across = QHBoxLayout(self)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(0)
        across.addWidget(self._left)
        across.addWidget(rule(upright=True))
        across.addWidget(self.stack, 1)
        across.addWidget(self._side_rule)
        across.addWidget(self._side_scroll)
        self._place_side(False)

    def _place_side(self, is_narrow: bool) -> None:
        if is_narrow == self._is_narrow:
            return
        self._is_narrow = is_narrow
        if is_narrow:
            self._side_scroll.takeWidget()
            self._column.insertWidget(1, self._side)
            self._side.show()
        else:
            self._column.removeWidget(self._side)
            self._side_scroll.setWidget(self._side)
        self._side_scroll.setVisible(not is_narrow)
        self._side_rule.setVisible(not is_narrow)

    def fit(self, width: int) -> None:
        """The outer columns on a page of a width in pixels; they grow with the size of type."""
        larger = max(1.0, self._theme.zoom / 100)
        self._place_side(width < NARROW * larger)
        is_tight = width < TIGHT * larger
        names = (LIST_TIGHT if is_tight and not self._is_narrow else LIST) * larger
        self._left.setFixedWidth(round(max(LIST_TIGHT, min(names, MOST_LIST * width))))
        self._side_scroll.setFixedWidth(round((SIDE_TIGHT if is_tight else SIDE) * larger))


def _together(parts: Sequence[QWidget | str]) -> QWidget:
    """Key caps and words, side by side."""
    box = QWidget()
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(6)
    for part in parts:
        row.addWidget(PlainLabel(part, SMALL, tone="muted") if isinstance(part, str) else part)
    return box
