"""Where facts come from: found, shown in place, opened at their line, and nothing that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSettings

from app.gui import sources
from probes.facts import Source

FILE = Source("kubernetes", file="deploy/shop.yaml", line=6)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "deploy" / "shop.yaml"
    path.parent.mkdir()
    path.write_text("".join(f"line {number}\n" for number in range(1, 13)), encoding="utf-8")
    return path


def test_a_relative_path_is_found_below_a_folder_that_evidence_came_from(
    manifest: Path, tmp_path: Path
) -> None:
    assert sources.find_file(FILE, [tmp_path / "elsewhere", tmp_path]) == manifest
    assert sources.find_file(FILE, []) is None


@pytest.mark.parametrize("file", ["http://127.0.0.1:9/metrics", "deploy", "a\0b", None])
def test_what_is_no_file_is_not_found(file: str | None, tmp_path: Path, manifest: Path) -> None:
    assert sources.find_file(Source("prometheus", file=file), [tmp_path]) is None


def test_the_lines_around_have_their_numbers(manifest: Path) -> None:
    found = sources.excerpt(manifest, 6, around=2)
    assert found == sources.Excerpt(("line 4", "line 5", "line 6", "line 7", "line 8"), 4, 6)
    first = sources.excerpt(manifest, 1, around=2)
    assert first is not None
    assert (first.first, first.lines[0]) == (1, "line 1")


def test_what_is_no_text_and_what_is_gone_is_not_shown(tmp_path: Path) -> None:
    binary = tmp_path / "model.yaml"
    binary.write_bytes(b"\0\1\2")
    assert sources.excerpt(binary, 1) is None
    assert sources.excerpt(tmp_path / "gone.yaml", 1) is None


def test_a_line_beyond_the_end_shows_nothing(manifest: Path) -> None:
    assert sources.excerpt(manifest, 400) is None


def test_a_long_line_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_text("x" * 100_000, encoding="utf-8")
    found = sources.excerpt(path, 1)
    assert found is not None
    assert len(found.lines[0]) == sources.LONGEST_LINE


@pytest.mark.parametrize(
    ("editor", "command"),
    [
        ("code --wait", ["code", "--wait", "-g", "/x/a b.yaml:7"]),
        ("/usr/bin/kate", ["/usr/bin/kate", "-l", "7", "/x/a b.yaml"]),
        ("gvim", ["gvim", "+7", "/x/a b.yaml"]),
        ("vim", None),
        ("", None),
        ("unclosed 'quote", None),
    ],
)
def test_editors_with_a_window_are_told_the_line(editor: str, command: list[str] | None) -> None:
    assert sources.editor_command(editor, Path("/x/a b.yaml"), 7) == command


def test_visual_goes_before_editor() -> None:
    assert sources.editor_in({"VISUAL": "code", "EDITOR": "vi"}) == "code"
    assert sources.editor_in({"EDITOR": "vi"}) == "vi"
    assert sources.editor_in({}) == ""


def test_an_editor_is_started_at_the_line(
    manifest: Path, tmp_path: Path, monkeypatch: Any, qtbot: Any
) -> None:
    said = tmp_path / "said"
    program = tmp_path / "code"
    program.write_text(f'#!/bin/sh\necho "$@" > {said}.part && mv {said}.part {said}\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(program))
    assert sources.open_at_line(manifest, 6)
    qtbot.waitUntil(said.exists, timeout=20_000)
    assert said.read_text(encoding="utf-8").split() == ["-g", f"{manifest}:6"]


@pytest.mark.parametrize("name", ["run.sh", "app.desktop", "tool.py", "program"])
def test_what_could_run_is_never_opened(name: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("VISUAL", "code")
    path = tmp_path / name
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    assert not sources.open_at_line(path, 1)


def test_folders_are_remembered_the_latest_first_and_each_once(tmp_path: Path) -> None:
    settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    assert sources.folders_of(settings) == []
    for name in ("a", "b", "a"):
        sources.remember_folder(settings, Path("/evidence", name))
    settings.sync()
    again = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    assert sources.folders_of(again) == [Path("/evidence/a"), Path("/evidence/b")]
