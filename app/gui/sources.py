"""Where a fact comes from, opened: the file at its line in an editor that can do that, or shown in place.

A file of evidence from elsewhere may name any path. So nothing is opened but files of text that are there,
and what is shown in place is read as text and cut.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QProcess, QSettings, QUrl
from PySide6.QtGui import QDesktopServices

from probes.facts import Source

TEXT_ENDINGS = frozenset(
    {".yaml", ".yml", ".json", ".toml", ".txt", ".prom", ".metrics", ".conf", ".ini", ".md", ".csv", ".log"}
)
"""Files that may be handed to whatever the desktop opens them with: text, and nothing that runs."""
MOST_BYTES = 4_000_000
AROUND = 4
LONGEST_LINE = 240
MOST_FOLDERS = 20
FOLDERS = "evidence/folders"

_AT_LINE: Mapping[str, str] = {
    "code": "-g {file}:{line}",
    "codium": "-g {file}:{line}",
    "code-insiders": "-g {file}:{line}",
    "subl": "{file}:{line}",
    "zed": "{file}:{line}",
    "gvim": "+{line} {file}",
    "gedit": "+{line} {file}",
    "gnome-text-editor": "+{line} {file}",
    "kate": "-l {line} {file}",
    "kwrite": "-l {line} {file}",
    "emacsclient": "-n +{line} {file}",
    "idea": "--line {line} {file}",
    "pycharm": "--line {line} {file}",
    "charm": "--line {line} {file}",
    "mate": "-l {line} {file}",
}
"""Editors with a window of their own, and how each is told a line."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines of a file, the first with the number `first`; `line` is the one that is meant."""

    lines: tuple[str, ...]
    first: int
    line: int | None


def place_of(source: Source) -> str:
    """`path:line`, for the clipboard; empty where the source is no file."""
    if source.file is None:
        return ""
    return source.file if source.line is None else f"{source.file}:{source.line}"


def is_address(file: str) -> bool:
    """Whether the source is a live system and no file."""
    return file.startswith(("http://", "https://"))


def find_file(source: Source, folders: Sequence[Path]) -> Path | None:
    """The file of a source, a relative path below one of the folders; None where it is not there."""
    if source.file is None or is_address(source.file) or "\0" in source.file:
        return None
    for folder in (Path(), *folders):
        path = folder / source.file
        try:
            if path.is_file():
                return path.absolute()
        except OSError:
            continue
    return None


def excerpt(path: Path, line: int | None, around: int = AROUND) -> Excerpt | None:
    """The lines around one of a file of text; None for what cannot be read or is no text."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    if b"\0" in data:
        return None
    lines = data.decode("utf-8", "replace").splitlines()
    at = line or 1
    first = max(1, at - around)
    shown = lines[first - 1 : at + around]
    return Excerpt(tuple(entry[:LONGEST_LINE] for entry in shown), first, line) if shown else None


def editor_command(editor: str, path: Path, line: int | None) -> list[str] | None:
    """How an editor is told to open a file at a line; None for one not known, or without a window."""
    try:
        words = shlex.split(editor)
    except ValueError:
        return None
    if not words:
        return None
    form = _AT_LINE.get(Path(words[0]).name.removesuffix(".exe"))
    if form is None:
        return None
    filled = [part.format(file=path, line=line or 1) for part in form.split()]
    return [*words, *filled]


def editor_in(environment: Mapping[str, str]) -> str:
    """The editor that the environment names: `VISUAL` before `EDITOR`."""
    return environment.get("VISUAL") or environment.get("EDITOR") or ""


def open_at_line(path: Path, line: int | None) -> bool:
    """Opens a file of text at the line where an editor is known that can; whether something was opened."""
    if path.suffix.lower() not in TEXT_ENDINGS:
        return False
    command = editor_command(editor_in(os.environ), path, line)
    if command is not None:
        started = QProcess.startDetached(command[0], command[1:])
        if started[0] if isinstance(started, tuple) else started:
            return True
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY") and os.name == "posix":
        return False
    return QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


def folders_of(settings: QSettings) -> list[Path]:
    """The folders that relative paths of evidence are looked for in, the latest first."""
    found = settings.value(FOLDERS, [])
    entries = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return [Path(str(entry)) for entry in entries[:MOST_FOLDERS]]


def remember_folder(settings: QSettings, folder: Path) -> None:
    """Evidence was given from below this folder."""
    others = [entry for entry in folders_of(settings) if entry != folder]
    settings.setValue(FOLDERS, [str(entry) for entry in (folder, *others)][:MOST_FOLDERS])
