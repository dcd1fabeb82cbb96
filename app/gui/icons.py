"""The icons of `resources/icons`, tinted in a colour of the theme."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton

from app.gui.theme import Theme

_TO_WORD = 4
"""Pixels between the icon of a button and its word, more than the style leaves."""


@lru_cache(maxsize=64)
def _source(name: str) -> str:
    return files("resources").joinpath("icons", f"{name}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=512)
def _pixmap(name: str, colour: str, size: int, ratio: float, more: int = 0) -> QPixmap:
    renderer = QSvgRenderer(QByteArray(_source(name).replace("currentColor", colour).encode()))
    pixmap = QPixmap(QSize(round((size + more) * ratio), round(size * ratio)))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter, QRectF(0, 0, size * ratio, size * ratio))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def pixmap(name: str, theme: Theme, role: str = "muted", size: int = 16, ratio: float = 2.0) -> QPixmap:
    """The icon as a picture, `size` pixels wide on a screen of device pixel ratio `ratio`."""
    return _pixmap(name, theme.colour(role).name(), size, ratio)


def program_icon() -> QIcon:
    """The icon of the program, as its desktop entry shows it."""
    found = QIcon()
    for size in (16, 32, 64, 128):
        found.addPixmap(_pixmap("loadstone", "", size, 1.0))
    return found


def put_icon(button: QAbstractButton, name: str, theme: Theme, role: str = "muted", size: int = 16) -> None:
    """Gives a button an icon, apart from its word if it has one."""
    more = _TO_WORD if button.text() else 0
    button.setIconSize(QSize(size + more, size))
    button.setIcon(QIcon(_pixmap(name, theme.colour(role).name(), size, 2.0, more)))


def icon(name: str, theme: Theme, role: str = "muted", size: int = 16) -> QIcon:
    """The icon for buttons and actions."""
    return QIcon(pixmap(name, theme, role, size))
