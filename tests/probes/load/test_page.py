"""The page about the load engine names every file of it, and no other."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_every_file_of_the_load_engine_has_a_line() -> None:
    page = (ROOT / "docs" / "load-engine.md").read_text()
    rows = [line for line in page.splitlines() if re.match(r"\| (`\w+\.py`,? ?)+\|", line)]
    named = re.findall(r"`(\w+\.py)`", " ".join(line.split("|")[1] for line in rows))
    files = {file.name for file in (ROOT / "probes" / "load").glob("*.py")} - {"__init__.py"}
    assert sorted(named) == sorted(files)


def test_its_picture_is_there() -> None:
    page = (ROOT / "docs" / "load-engine.md").read_text()
    for picture in re.findall(r"!\[[^]]+\]\(([^)]+)\)", page):
        assert (ROOT / "docs" / picture).is_file()
