"""Feast's feature store: whether features of a request are kept ready, by `feature_store.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from probes.documents import line_of, mapping
from probes.repository import documents
from probes.scanned import Findings


class FeastReader:
    """Reads `feature_store.yaml`."""

    system: ClassVar[str] = "feast"

    def __init__(self) -> None:
        self._place: tuple[str, int | None] | None = None

    def looks_at(self, file: Path) -> bool:
        """By its name, which Feast prescribes."""
        return file.name in ("feature_store.yaml", "feature_store.yml")

    def read(self, file: Path, data: bytes, text: str) -> str | None:
        """Looks for a store that is asked when a request is answered."""
        if "project:" not in text:
            return None
        for document in documents(file, data):
            store = mapping(document).get("online_store")
            kind = mapping(store).get("type") if isinstance(store, dict) else store
            if kind not in (None, "null"):
                self._place = self._place or (str(file), line_of(document, "online_store"))
        return "feature_store"

    def findings(self) -> Findings:
        """That there is one."""
        found = Findings(self.system)
        if self._place is not None:
            found.add("data.features_ready.present", True, *self._place)
        return found
