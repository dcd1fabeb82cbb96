"""Whether a model server gathers single requests into batches: Triton, KServe, TorchServe, TF Serving.

Read from their own configuration; a server that does so without being told is not seen.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from probes.scanned import Findings

_TRITON = re.compile(r"^[ \t]*dynamic_batching\s*[:{\[]", re.MULTILINE)
_KSERVE = re.compile(r"^[ \t]*batcher\s*:", re.MULTILINE)
_TORCHSERVE = re.compile(r"""["']?batch_?[sS]ize["']?\s*[=:]\s*["']?([2-9]|\d{2,})""")
_TENSORFLOW = re.compile(r"max_batch_size\s*\{\s*value\s*:\s*([2-9]|\d{2,})")
_TORCHSERVE_WAIT = re.compile(r"maxBatchDelay|max_batch_delay")


class BatchingReader:
    """Reads `config.pbtxt`, InferenceServices, `config.properties` and parameters of batching."""

    system: ClassVar[str] = "batching"

    def __init__(self) -> None:
        self._place: tuple[str, int] | None = None

    def looks_at(self, file: Path) -> bool:
        """By its name and ending."""
        ending = file.suffix.lower()
        return ending in (".pbtxt", ".config", ".yaml", ".yml") or file.name == "config.properties"

    def read(self, file: Path, data: bytes, text: str) -> str | None:  # noqa: ARG002
        """Looks for the words that switch it on."""
        found: re.Match[str] | None = None
        if file.suffix.lower() == ".pbtxt":
            found = _TRITON.search(text)
        elif "kind: InferenceService" in text:
            found = _KSERVE.search(text)
        elif _TORCHSERVE_WAIT.search(text):
            found = _TORCHSERVE.search(text)
        if found is None and "batch_timeout_micros" in text:
            found = _TENSORFLOW.search(text)
        if found is None:
            return None
        # A match may begin with the ends of the lines before it.
        begins = found.start() + len(found[0]) - len(found[0].lstrip())
        self._place = self._place or (str(file), text.count("\n", 0, begins) + 1)
        return "batching"

    def findings(self) -> Findings:
        """That requests are gathered."""
        found = Findings(self.system)
        if self._place is not None:
            found.add("infra.serving.batching.present", True, *self._place)
        return found
