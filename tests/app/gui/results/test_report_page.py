"""The report in the window is the report: its pages, its files, and whether they are what they say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.gui.reading import view_of
from app.gui.rendering import Pages
from app.gui.widgets.page_view import KEPT_BYTES
from app.report.formats import FORMATS, render

WAIT_MS = 120_000


@pytest.fixture
def drawn(open_full: Any, qtbot: QtBot) -> Iterator[tuple[Any, Any]]:
    window, page = open_full("report")
    qtbot.waitUntil(lambda: page.view.count > 0, timeout=WAIT_MS)
    yield window, page
    for child in (page.drawing, page.for_export, page.verifying):
        child.stop()


def words(data: bytes) -> str:
    with closing(pypdfium2.PdfDocument(data)) as pdf:
        return "\n".join(pdf[at].get_textpage().get_text_bounded() for at in range(len(pdf)))


def test_the_pages_are_those_of_the_pdf(drawn: Any, qtbot: QtBot) -> None:
    window, page = drawn
    expected = render(view_of(window.session.whole).document, "pdf")
    assert page._data == expected
    with closing(pypdfium2.PdfDocument(expected)) as pdf:
        assert page.view.count == len(pdf)
    assert page.place.text() == f"Page 1 of {page.view.count}"
    assert window.session.whole.verdict.headline.replace("\N{NO-BREAK SPACE}", " ") in words(
        expected
    ).replace("\N{NO-BREAK SPACE}", " ")


def test_only_pages_that_are_looked_at_are_drawn(drawn: Any, qtbot: QtBot) -> None:
    _, page = drawn
    qtbot.waitUntil(lambda: page.view.picture(0) is not None, timeout=WAIT_MS)
    last = page.view.count - 1
    assert page.view.picture(last) is None
    page.view.setFocus()
    qtbot.keyClick(page.view, Qt.Key.Key_End)
    qtbot.waitUntil(lambda: page.view.picture(last) is not None, timeout=WAIT_MS)
    assert page.view.page == last
    picture = page.view.picture(last)
    assert picture.width() == pytest.approx(page.view.rects[last].width(), abs=2)


def test_zoom_draws_the_page_again_sharp(drawn: Any, qtbot: QtBot) -> None:
    _, page = drawn
    qtbot.waitUntil(lambda: page.view.picture(0) is not None, timeout=WAIT_MS)
    page.view.setFocus()
    before = page.view.rects[0].width()
    for _ in range(2):
        qtbot.keyClick(page.view, Qt.Key.Key_Plus)
    wide = page.view.rects[0].width()
    assert wide > before
    qtbot.waitUntil(lambda: abs(page.view.picture(0).width() - wide) <= 2, timeout=WAIT_MS)
    qtbot.keyClick(page.view, Qt.Key.Key_0)
    assert page.view.rects[0].width() == before


def test_an_exported_pdf_is_checked_at_once(drawn: Any, qtbot: QtBot, tmp_path: Path) -> None:
    _, page = drawn
    file = tmp_path / "shop.pdf"
    page.export_to(file)
    qtbot.waitUntil(lambda: "It is what it says" in page.result.text.text(), timeout=WAIT_MS)
    assert file.read_bytes() == page._data
    assert "bytes right, data right, score right, pages right" in page.result.text.text()
    assert str(file) in page.result.text.text()


def test_a_changed_file_is_found_out(drawn: Any, qtbot: QtBot, tmp_path: Path) -> None:
    _, page = drawn
    file = tmp_path / "shop.pdf"
    data = bytearray(page._data)
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    page._is_written(file, len(data))
    qtbot.waitUntil(lambda: "not what it says" in page.result.text.text(), timeout=WAIT_MS)


def test_every_other_format_is_that_of_the_command_line(drawn: Any, qtbot: QtBot, tmp_path: Path) -> None:
    window, page = drawn
    endings = {"html": ".html", "json": ".json", "csv": ".csv", "junit": ".xml", "markdown": ".md"}
    assert {*endings, "pdf"} == set(FORMATS)
    for form, ending in endings.items():
        file = tmp_path / f"shop{ending}"
        page.export_to(file)
        qtbot.waitUntil(lambda file=file: file.name in page.result.text.text(), timeout=WAIT_MS)
        assert file.read_bytes() == render(view_of(window.session.whole).document, form)


def test_what_cannot_be_written_is_said_in_place(drawn: Any, tmp_path: Path) -> None:
    _, page = drawn
    page.export_to(tmp_path / "nowhere" / "shop.pdf")
    assert "there is no folder" in page.result.text.text()
    page.export_to(tmp_path / "shop.exe")
    assert "no format of a report" in page.result.text.text()


def test_an_answer_that_changes_is_drawn_anew(drawn: Any, qtbot: QtBot) -> None:
    window, page = drawn
    before = page._data
    claim = window.session.answers.claims["MON-01"]
    window.session.claim(replace(claim, note="A note of our own & <i>literal</i>"))
    qtbot.waitUntil(lambda: page._data not in (None, before), timeout=WAIT_MS)
    assert "A note of our own & <i>literal</i>" in " ".join(words(page._data).split())


def test_the_export_dialog_offers_every_format(drawn: Any, qtbot: QtBot, tmp_path: Path) -> None:
    window, page = drawn
    window.go_to("report", export=True)
    dialog = page.dialog
    assert len(dialog.nameFilters()) == len(FORMATS)
    assert dialog.selectedFiles()[0].endswith("shop-report.pdf")
    dialog.filterSelected.emit(next(words for words in dialog.nameFilters() if words.startswith("JSON")))
    assert dialog.selectedFiles()[0].endswith("shop-report.json")
    dialog.fileSelected.emit(str(tmp_path / "shop.json"))
    qtbot.waitUntil((tmp_path / "shop.json").exists, timeout=WAIT_MS)
    dialog.reject()
    qtbot.waitUntil(lambda: page.result.text.text().startswith("Wrote"), timeout=WAIT_MS)
    assert json.loads((tmp_path / "shop.json").read_text())["schema"] == "loadstone.assessment/1"


def test_a_report_that_cannot_be_drawn_says_why(drawn: Any, qtbot: QtBot) -> None:
    _, page = drawn
    page.drawing.start({"schema": "loadstone.assessment/1"})
    qtbot.waitUntil(page.result.isVisible, timeout=WAIT_MS)
    assert page.result.text.text().startswith("The report could not be drawn: ")
    assert page.result.copy.isVisible()


def test_a_page_of_any_size_stays_small(of_shop: Callable[..., Any]) -> None:
    pages = Pages(render(of_shop().to_json(), "pdf"))
    assert max(pages.picture(0, 100.0).width(), pages.picture(0, 100.0).height()) <= 4_001


def test_no_text_beside_the_pages_is_cut(
    drawn: Any, qtbot: QtBot, nothing_is_cut: Callable[[Any], list[str]]
) -> None:
    window, page = drawn
    for size in ((1440, 900), (1024, 700)):
        window.resize(*size)
        qtbot.waitUntil(lambda: not nothing_is_cut(page), timeout=10_000)


def test_pictures_of_pages_that_nobody_looks_at_are_not_kept(drawn: Any, qtbot: QtBot) -> None:
    window, page = drawn
    view = page.view
    for place in range(view.count):
        view.go_to(place)
        qtbot.waitUntil(lambda place=place: view.picture(place) is not None, timeout=WAIT_MS)
    aside = [place for place in range(view.count) if view.picture(place) and place not in view._seen]
    assert sum(view.picture(place).sizeInBytes() for place in aside) <= KEPT_BYTES
    assert view.picture(0) is None, "the first of a dozen pages is long out of sight"
    last = view.page
    window.go_to("overview")
    assert not any(view.picture(place) for place in range(view.count))
    window.go_to("report")
    qtbot.waitUntil(lambda: view.picture(last) is not None, timeout=WAIT_MS)
