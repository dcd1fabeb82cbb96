"""Colours, type and the short style sheet; light, dark, or as the system is.

    theme = Theme(app);  theme.set_scheme("dark");  theme.colour("accent")

`changed` is emitted when colours change: whoever paints by hand repaints then.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Literal

from PySide6.QtCore import QDir, QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from app.charts.tokens import DARK, LIGHT

Scheme = Literal["system", "light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("system", "light", "dark")
AXIS, SMALL, BODY, SECTION, QUESTION, PAGE, FINDING = 11, 12, 13, 15, 18, 20, 28
"""Sizes of type in pixels."""
FAMILY = "Inter"
ZOOMS = (80, 90, 100, 110, 120, 130)
"""Sizes of type that can be chosen, in per cent of the usual ones."""
_ZOOM = [100]
_BASE_SIZE = "loadstoneBaseSize"
_IS_DRESSED = "loadstoneIsDressed"


class Theme(QObject):
    """The colours in use. One for the whole application."""

    changed = Signal()

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        self.scheme: Scheme = "system"
        self.is_dark = False
        self._colours: dict[str, QColor] = {}
        self._was_zoomed = False
        app.styleHints().colorSchemeChanged.connect(self._system_changed)
        if not app.property(_IS_DRESSED):
            app.setProperty(_IS_DRESSED, True)
            app.setStyle("Fusion")
            load_fonts()
        # The style sheet names one: its grey stands out on light and dark.
        QDir.setSearchPaths("icons", [str(files("resources").joinpath("icons"))])
        app.setFont(font(BODY))
        self._apply()

    def colour(self, role: str) -> QColor:
        """The colour of a role of `app.charts.tokens`."""
        found = self._colours.get(role)
        if found is None:
            found = self._colours[role] = QColor((DARK if self.is_dark else LIGHT)[role])
        return found

    def set_scheme(self, scheme: Scheme) -> None:
        """Light, dark, or as the system is (light where the system does not say)."""
        self.scheme = scheme
        self._apply()

    @property
    def zoom(self) -> int:
        """The size of type in per cent of the usual one."""
        return _ZOOM[0]

    def set_zoom(self, per_cent: int) -> None:
        """Another size of type, the nearest of `ZOOMS`, for all that is shown and will be."""
        from app.gui import painting

        before, _ZOOM[0] = _ZOOM[0], min(ZOOMS, key=lambda size: abs(size - per_cent))
        if before == _ZOOM[0]:
            return
        self._was_zoomed = True
        font.cache_clear()
        painting.forget_widths()
        self._app.setFont(font(BODY))
        self._size_type(before)
        self.changed.emit()

    def _size_type(self, before: int) -> None:
        """Gives every widget with a font of its own the size of now; it was made, or sized, at `before`."""
        for widget in self._app.allWidgets():
            base = widget.property(_BASE_SIZE)
            if base is None:
                if not widget.testAttribute(Qt.WidgetAttribute.WA_SetFont) or widget.font().pixelSize() <= 0:
                    continue
                base = widget.font().pixelSize() * 100 / before
                widget.setProperty(_BASE_SIZE, base)
            found = QFont(widget.font())
            found.setPixelSize(max(1, round(float(base) * _ZOOM[0] / 100)))
            widget.setFont(found)

    def _system_changed(self) -> None:
        if self.scheme == "system":
            self._apply()

    def _apply(self) -> None:
        system = self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        self.is_dark = self.scheme == "dark" or (self.scheme == "system" and system)
        self._colours.clear()
        sheet = _style_sheet(is_dark=self.is_dark)
        if self._app.styleSheet() == sheet:
            # To set it once more would dress every widget anew.
            self.changed.emit()
            return
        self._app.setPalette(self._palette())
        self._app.setStyleSheet(sheet)
        if self._was_zoomed:
            # A new style sheet brings back the fonts that widgets were made with.
            self._size_type(_ZOOM[0])
        self.changed.emit()

    def _palette(self) -> QPalette:
        palette = QPalette()
        roles = {
            QPalette.ColorRole.Window: "surface",
            QPalette.ColorRole.WindowText: "text",
            QPalette.ColorRole.Base: "surface",
            QPalette.ColorRole.AlternateBase: "bg",
            QPalette.ColorRole.ToolTipBase: "surface",
            QPalette.ColorRole.ToolTipText: "text",
            QPalette.ColorRole.PlaceholderText: "muted",
            QPalette.ColorRole.Text: "text",
            QPalette.ColorRole.Button: "surface",
            QPalette.ColorRole.ButtonText: "text",
            QPalette.ColorRole.Highlight: "accbg",
            QPalette.ColorRole.HighlightedText: "text",
            QPalette.ColorRole.Link: "accent",
            QPalette.ColorRole.Accent: "accent",
        }
        for role, token in roles.items():
            palette.setColor(role, self.colour(token))
        for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
            palette.setColor(QPalette.ColorGroup.Disabled, role, self.colour("edge"))
        return palette


@lru_cache(maxsize=256)
def font(size: float, weight: int = 400, *, zoomed: bool = True) -> QFont:
    """Inter at a size in pixels, with digits of one width. It is shared: copy it to change it.

    Not `zoomed` it keeps to that size, for a painter that is scaled as a whole.
    """
    found = QFont(FAMILY)
    found.setPixelSize(max(1, round(size * (_ZOOM[0] if zoomed else 100) / 100)))
    found.setWeight(QFont.Weight(weight))
    found.setFeature(QFont.Tag("tnum"), 1)
    return found


def load_fonts() -> None:
    """Makes the fonts that come along known to Qt."""
    for entry in sorted(files("resources").joinpath("fonts").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".ttf"):
            QFontDatabase.addApplicationFontFromData(entry.read_bytes())


@lru_cache(maxsize=2)
def _style_sheet(*, is_dark: bool) -> str:
    sheet = files("app.gui").joinpath("style.qss").read_text(encoding="utf-8")
    colours = DARK if is_dark else LIGHT
    for role in sorted(colours, key=len, reverse=True):
        sheet = sheet.replace(f"@{role}", colours[role])
    return sheet
