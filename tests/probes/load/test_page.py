"""The page about the load engine: what it names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_files_it_explains_are_those_of_the_load_engine() -> None:
    page = (ROOT / "docs" / "load-engine.md").read_text()
    rows = [line for line in page.splitlines() if re.match(r"\| (`\w+\.py`,? ?)+\|", line)]
    named = re.findall(r"`(\w+\.py)`", " ".join(line.split("|")[1] for line in rows))
    files = {file.name for file in (ROOT / "probes" / "load").glob("*.py")} - {"__init__.py"}
    assert len(named) == len(set(named)) > 25
    assert set(named) <= files


def test_its_picture_is_there() -> None:
    page = (ROOT / "docs" / "load-engine.md").read_text()
    for picture in re.findall(r"!\[[^]]+\]\(([^)]+)\)", page):
        assert (ROOT / "docs" / picture).is_file()
