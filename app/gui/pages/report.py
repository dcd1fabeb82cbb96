"""The report: its real pages as they will be handed on, and export to every format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QImage
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.gui.executor import Failure
from app.gui.icons import put_icon
from app.gui.page import Context, Page
from app.gui.reading import view_of
from app.gui.rendering import Drawing, Pages, PageSize, Verifying
from app.gui.texts import filled
from app.gui.theme import SMALL
from app.gui.widgets.labels import PlainLabel, rule
from app.gui.widgets.notice import Notice
from app.gui.widgets.page_view import PageView
from assessments.assessment import Assessed

_BAR = 40
LAST_FOLDER = "report/folder"
_FILTERS = (
    ("pdf", "PDF (*.pdf)"),
    ("html", "HTML, one file (*.html)"),
    ("markdown", "Markdown (*.md)"),
    ("json", "JSON, all data (*.json)"),
    ("csv", "CSV, what became of each claim (*.csv)"),
    ("junit", "JUnit XML, for build servers (*.xml)"),
)


class ReportPage(Page):
    """Pages, zoom, export, and whether what was written is what it says."""

    key = "report"
    icon = "book-open"
    keys = (
        ("Ctrl E", "export"),
        ("+ −", "larger, smaller pages"),
        ("0", "pages as wide as there is room"),
        ("← →", "page by page"),
    )

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._assessed: Assessed | None = None
        self._drawn_for: Assessed | None = None
        self._data: bytes | None = None
        self._pages: Pages | None = None
        self._turn = 0
        self._is_shown = False
        self._asked_where = False
        self.exporting: Path | None = None
        self.written = Path()
        self._said = ""
        self.drawing = Drawing(self)
        self.drawing.drawn.connect(self._is_drawn)
        self.drawing.failed.connect(self._is_not_drawn)
        self.for_export = Drawing(self)
        self.for_export.drawn.connect(self._write)
        self.for_export.failed.connect(self._is_not_drawn)
        self.verifying = Verifying(self)
        self.verifying.verified.connect(self._is_verified)
        self.export = QPushButton(self.tr("Export report…"))
        self.export.setProperty("kind", "primary")
        self.export.setToolTip("Ctrl+E")
        self.export.clicked.connect(self.ask_where)
        self._build()

    # -- parts ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.view = PageView(self.theme)
        self.view.asked.connect(self._picture_asked)
        self.view.moved.connect(lambda _page: self._show_place())
        self.smaller, self.larger = QPushButton(""), QPushButton("")
        self.fit = QPushButton(self.tr("Fit width"))
        for button, name, step in (
            (self.smaller, self.tr("Smaller"), -1),
            (self.larger, self.tr("Larger"), 1),
            (self.fit, self.tr("Fit width"), 0),
        ):
            button.setProperty("kind", "plain")
            button.setAccessibleName(name)
            button.setToolTip(name)
            button.clicked.connect(lambda _=False, step=step: self.zoom(step))
        self.place = PlainLabel("", SMALL, tone="muted")
        self.state = PlainLabel("", SMALL, tone="muted")
        bar = QWidget()
        bar.setFixedHeight(_BAR)
        row = QHBoxLayout(bar)
        row.setContentsMargins(32, 0, 32, 0)
        row.setSpacing(8)
        row.addWidget(self.place)
        row.addSpacing(12)
        row.addWidget(self.state, 1)
        for button in (self.smaller, self.larger, self.fit):
            row.addWidget(button)
        self.result = Notice(self.theme)
        self.result.hide()
        self.open_file = QPushButton(self.tr("Open the file"))
        self.open_file.setProperty("kind", "link")
        self.open_file.clicked.connect(self._open_written)
        self.open_file.hide()
        row.insertWidget(3, self.open_file)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(bar)
        column.addWidget(rule())
        column.addWidget(self.result)
        column.addWidget(self.view, 1)
        self._tint()
        self.theme.changed.connect(self._tint)

    def _tint(self) -> None:
        put_icon(self.smaller, "zoom-out", self.theme)
        put_icon(self.larger, "zoom-in", self.theme)
        put_icon(self.export, "download", self.theme, "onaccent")

    # -- the head ------------------------------------------------------------------------------------------

    def subtitle(self) -> str:
        """The moment that it is judged at."""
        if self._assessed is None:
            return ""
        return filled(self.tr("judged {0}"), f"{self._assessed.as_of.astimezone():%Y-%m-%d %H:%M:%S %Z}")

    def head_actions(self) -> Sequence[QWidget]:
        """Export."""
        return (self.export,)

    # -- what the session says -----------------------------------------------------------------------------

    def show_opened(self, _name: str) -> None:
        """Another assessment: nothing of the other one stays."""
        self._turn += 1
        self.drawing.stop()
        self._assessed, self._drawn_for, self._data, self._pages = None, None, None, None
        self.view.show_pages(())
        self.result.hide()
        self.open_file.hide()
        self._show_place()

    def show_assessed(self, assessed: Assessed) -> None:
        """It is drawn when it is looked at."""
        self._assessed = assessed
        if self._is_shown:
            self._draw()
        if self._asked_where:
            self.ask_where()
        self.head_changed.emit()

    def enter(self, **where: Any) -> None:
        """`export=True` asks at once where to."""
        self._is_shown = True
        self._draw()
        self.view.wake()
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)
        if where.get("export"):
            self.ask_where()

    def end(self) -> None:
        """Drops what is being drawn or checked."""
        for work in (self.drawing, self.for_export, self.verifying):
            work.stop()

    def leave(self) -> None:
        """Nothing is drawn while nobody looks, and no picture of a page is kept."""
        self._is_shown = False
        self.view.rest()

    # -- drawing -------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        if self._assessed is None or self._drawn_for is self._assessed:
            return
        self._drawn_for = self._assessed
        self._data = None
        self.state.setText(self.tr("Drawing …") if not self.view.count else self.tr("Drawing it anew …"))
        self.drawing.start(view_of(self._assessed).document)

    def _is_drawn(self, data: bytes) -> None:
        self._data = data
        self._turn += 1
        turn = self._turn

        def read() -> tuple[Pages, list[PageSize]]:
            pages = Pages(data)
            return pages, pages.sizes()

        self.context.executor.submit(
            read, lambda found: self._show_pages(found[0], found[1], turn), self._is_not_drawn
        )

    def _show_pages(self, pages: Pages, sizes: Sequence[PageSize], turn: int) -> None:
        if turn != self._turn:
            return
        self._pages = pages
        self.view.show_pages(sizes)
        self._show_size()
        self._show_place()

    def _show_size(self) -> None:
        size = 0 if self._data is None else len(self._data)
        said = filled(self.tr("as it is handed on, {0} kB"), f"{size / 1000:,.0f}")
        self.state.setText(said if self._data is not None else "")

    def _picture_asked(self, place: int, scale: float) -> None:
        pages, turn = self._pages, self._turn
        if pages is None:
            return
        self.context.executor.submit(
            lambda: pages.picture(place, scale),
            lambda picture: self._take(place, scale, picture, turn),
            self.context.say,
        )

    def _take(self, place: int, scale: float, picture: QImage, turn: int) -> None:
        if turn == self._turn:
            self.view.take(place, scale, picture)

    def _is_not_drawn(self, failure: Failure) -> None:
        self._drawn_for = None
        self.state.setText(self.tr("Not drawn"))
        self.result.show_failure(failure)

    def _show_place(self) -> None:
        self.place.setText(self.view.name_of(self.view.page) if self.view.count else "")

    def zoom(self, step: int) -> None:
        """Larger (1), smaller (-1), or as wide as there is room (0)."""
        if step:
            self.view.step_zoom(step)
        else:
            self.view.set_zoom(None)

    # -- export --------------------------------------------------------------------------------------------

    def ask_where(self) -> None:
        """Opens the dialog that names a file; its ending says the format."""
        if self._assessed is None:
            self._asked_where = True
            return
        self._asked_where = False
        from app.cli.report import default_place

        folder = self.context.settings.value(LAST_FOLDER, "")
        name = default_place(self._assessed.materials.name, "pdf")
        dialog = QFileDialog(self, self.tr("Export report"), str(Path(str(folder or Path.home())) / name))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters([words for _, words in _FILTERS])
        dialog.selectFile(name)
        dialog.filterSelected.connect(lambda words: _follow(dialog, words))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.export_to(Path(path)))
        self.dialog = dialog
        dialog.open()

    def export_to(self, path: Path) -> None:
        """Writes the report in the format that the ending names, and checks a PDF that was written."""
        from app.cli.report import check_place, format_of
        from probes.errors import UserError

        if self._assessed is None:
            return
        try:
            form = format_of(None, str(path))
            check_place(str(path), form)
        except UserError as error:
            self.result.show_failure(Failure(error))
            return
        self.exporting = path
        self.context.settings.setValue(LAST_FOLDER, str(path.parent))
        self.open_file.hide()
        self.result.hide()
        self.state.setText(filled(self.tr("Writing {0} …"), path.name))
        if form == "pdf" and self._data is not None and self._drawn_for is self._assessed:
            self._write(self._data)
        else:
            self.for_export.start(view_of(self._assessed).document, form)

    def _write(self, data: bytes) -> None:
        path = self.exporting
        if path is None:
            return

        def write() -> int:
            from app.cli.report import write_file

            write_file(path, data, self.tr("the file"))
            return len(data)

        self.context.executor.submit(
            write, lambda size: self._is_written(path, size), self.result.show_failure
        )

    def _is_written(self, path: Path, size: int) -> None:
        self.written = path
        self.open_file.show()
        self._said = filled(self.tr("Wrote {0}, {1} kB."), path, f"{size / 1000:,.0f}")
        if path.suffix.lower() == ".pdf":
            self.result.show_text(self._said, "ok")
            self.state.setText(self.tr("Checking what was written …"))
            self.verifying.start(path)
        else:
            self.result.show_text(self._said, "ok")
            self._show_size()

    def _is_verified(self, text: str, holds: bool) -> None:
        self._show_size()
        if holds:
            said = filled(self.tr("It is what it says: {0}."), text)
            self.result.show_text(f"{self._said} {said}", "ok")
        else:
            said = filled(self.tr("It is not what it says: {0}. Export it again."), text.rstrip("."))
            self.result.show_text(f"{self._said} {said}", "bad")

    def _open_written(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.written)))


def _follow(dialog: QFileDialog, words: str) -> None:
    """Another format has another ending."""
    from app.cli.report import SUFFIXES

    form = next((form for form, known in _FILTERS if known == words), "pdf")
    chosen = dialog.selectedFiles()
    if chosen:
        dialog.selectFile(Path(chosen[0]).with_suffix(SUFFIXES[form]).name)
