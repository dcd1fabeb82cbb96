"""At the largest size of type nothing of a page with results is cut off, and headers are as large as rows."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.gui.widgets.abreast import Abreast
from app.gui.widgets.row_button import RowButton


@pytest.mark.parametrize("page_name", ["overview", "plan", "forecast", "compare", "probe"])
def test_no_text_of_a_page_is_cut_off(
    page_name: str, open_full: Any, nothing_is_cut: Any, qtbot: QtBot
) -> None:
    window, page = open_full(page_name)
    window.resize(1440, 900)
    window.theme.set_zoom(130)
    qtbot.waitUntil(lambda: not nothing_is_cut(page), timeout=20_000)
    for row in page.findChildren(RowButton):
        assert row.height() >= row.heightForWidth(row.width()), row.below


def test_columns_of_a_table_have_room_for_their_names_at_any_size(open_full: Any, qtbot: QtBot) -> None:
    window, page = open_full("compare")
    table = page.score_table
    header = table.horizontalHeader()

    def narrow() -> list[str]:
        names = [
            str(table.model().headerData(at, header.orientation()) or "") for at in range(header.count())
        ]
        return [
            name for at, name in enumerate(names) if header.sectionSizeHint(at) > header.sectionSize(at) + 1
        ]

    assert not narrow()
    window.theme.set_zoom(130)
    qtbot.waitUntil(lambda: not narrow(), timeout=20_000)


def test_parts_stand_beside_each_other_only_where_both_have_room(open_full: Any, qtbot: QtBot) -> None:
    window, _ = open_full("plan")
    first, second = QWidget(), QWidget()
    pair = Abreast(first, second, window.theme, 600)
    qtbot.addWidget(pair)
    pair.resize(700, 200)
    pair.show()
    qtbot.waitUntil(lambda: second.x() > first.x(), timeout=20_000)
    window.theme.set_zoom(130)
    qtbot.waitUntil(lambda: second.y() > first.y(), timeout=20_000)
