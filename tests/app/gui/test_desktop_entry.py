"""The desktop entry starts the command that there is, and the icon can be drawn."""

from __future__ import annotations

import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

from pytestqt.qtbot import QtBot

from app.cli.main import COMMANDS
from app.gui.icons import program_icon

ROOT = Path(__file__).resolve().parents[3]
ENTRY = ROOT / "docs" / "desktop" / "loadstone.desktop"


def test_the_entry_names_a_command_and_an_icon_that_exist() -> None:
    parser = ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(ENTRY, encoding="utf-8")
    entry = parser["Desktop Entry"]
    program, command, file = entry["Exec"].split()
    assert (program, file) == ("loadstone", "%f")
    assert command in {known.name for known in COMMANDS}
    assert (ROOT / "resources" / "icons" / f"{entry['Icon']}.svg").is_file()


def test_the_icon_is_drawn_in_every_size(qtbot: QtBot) -> None:
    sizes = {size.width() for size in program_icon().availableSizes()}
    assert sizes == {16, 32, 64, 128}
    picture = program_icon().pixmap(64, 64).toImage()
    assert picture.pixelColor(32, 3).name() == "#1f5fcc"
    assert picture.pixelColor(32, 28).name() == "#ffffff"


def test_the_entry_script_of_a_frozen_program_runs_scripts_as_python_does() -> None:
    script = "import sys; print(sys.argv[1:]); sys.exit(3)"
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs/desktop/frozen.py"), "-I", "-S", "-c", script, "one", "two"],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (3, "['one', 'two']\n")
