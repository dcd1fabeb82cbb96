"""Declarations of what data has to be: suites of Great Expectations, and checks of Soda."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from probes.documents import line_of, mapping, mappings
from probes.repository import documents
from probes.scanned import Findings

_SODA = re.compile(r"(?m)^checks for [\w.\"-]+\s*:")


class ChecksReader:
    """Reads suites of expectations and files of checks."""

    system: ClassVar[str] = "checks"

    def __init__(self) -> None:
        self._count = 0
        self._place: tuple[str, int | None] | None = None

    def looks_at(self, file: Path) -> bool:
        """JSON and YAML."""
        return file.suffix.lower() in (".json", ".yml", ".yaml")

    def read(self, file: Path, data: bytes, text: str) -> str | None:
        """Counts what is declared."""
        before = self._count
        if file.suffix.lower() == ".json" and '"expectations"' in text:
            for document in documents(file, data):
                entries = mappings(mapping(document).get("expectations"))
                named = [one for one in entries if one.get("expectation_type") or one.get("type")]
                self._take(len(named), str(file), line_of(document))
        elif file.suffix.lower() != ".json" and _SODA.search(text):
            for document in documents(file, data):
                for key, value in mapping(document).items():
                    if key.startswith("checks for ") and isinstance(value, list):
                        self._take(len(value), str(file), line_of(document, key))
        return None if self._count == before else "data_checks"

    def _take(self, count: int, file: str, line: int | None) -> None:
        self._count += count
        if count and self._place is None:
            self._place = (file, line)

    def findings(self) -> Findings:
        """How many there are."""
        found = Findings(self.system)
        if self._place is not None:
            found.add("data.checks.count", self._count, *self._place)
        return found
