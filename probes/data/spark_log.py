"""Event logs of Spark: how even the pieces are into which a job divided its data.

One JSON object a line, as `spark.eventLog.enabled` writes them. Of each stage with enough tasks the bytes
that every task took in (from files and from other stages) are known; the stage whose largest piece is most
times the median tells.
"""

from __future__ import annotations

import io
import json
import re
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any, ClassVar

from probes.documents import mapping, member
from probes.scanned import Findings

LEAST_TASKS = 10
"""Of a stage that says something: a median of fewer pieces is chance."""
LEAST_BYTES = 1_000_000
"""Of the median piece: smaller ones cost nothing, however uneven."""
_NAME = re.compile(r"(application_\d+_\d+|app-\d{14}-\d+|local-\d+|events_\d+_[\w-]+)(_\d+)?(\.inprogress)?")
_FIRST = '{"Event":"SparkListener'


class SparkLogReader:
    """Reads logs that are not compressed; `rolled` ones file by file."""

    system: ClassVar[str] = "spark"
    max_bytes: ClassVar[int] = 32_000_000

    def __init__(self) -> None:
        self._stages: dict[tuple[str, int], list[int]] = defaultdict(list)
        self._place: str | None = None

    def looks_at(self, file: Path) -> bool:
        """By its name, as Spark gives it."""
        return bool(_NAME.fullmatch(file.name))

    def read(self, file: Path, data: bytes, text: str) -> str | None:  # noqa: ARG002
        """Takes the tasks that ended well; a line that is no event is passed over."""
        if not text.lstrip().startswith(_FIRST):
            return None
        self._place = self._place or str(file)
        for line in io.StringIO(text):
            if '"SparkListenerTaskEnd"' not in line[:100]:
                continue
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                continue  # the last line of a log that is being written
            stage, size = event.get("Stage ID"), _taken_in(event)
            if type(stage) is int and size is not None:
                self._stages[str(file), stage].append(size)
        return "spark_log"

    def findings(self) -> Findings:
        """The most uneven stage; nothing where no stage has enough pieces of some size."""
        found = Findings(self.system)
        if self._place is None:
            return found
        found.add("data.engine.present", True, self._place)
        found.add("data.engine.name", "pyspark", self._place)
        worst: tuple[float, str, int] | None = None
        for (file, _), sizes in self._stages.items():
            middle = median(sizes)
            if len(sizes) >= LEAST_TASKS and middle >= LEAST_BYTES:
                entry = (max(sizes) / middle, file, len(sizes))
                worst = entry if worst is None else max(worst, entry)
        if worst is not None:
            ratio, file, count = worst
            found.add("data.partitions.largest_over_median", round(ratio, 3), file, samples=count)
        return found


def _taken_in(event: dict[str, Any]) -> int | None:
    """Bytes that a task read, from files and earlier stages; None for one that failed or read nothing."""
    if member(event, "Task End Reason", "Reason") != "Success":
        return None
    metrics = mapping(event.get("Task Metrics"))
    shuffled = mapping(metrics.get("Shuffle Read Metrics"))
    parts = (
        member(metrics, "Input Metrics", "Bytes Read"),
        shuffled.get("Remote Bytes Read"),
        shuffled.get("Local Bytes Read"),
    )
    sizes = [part for part in parts if type(part) is int and part >= 0]
    return sum(sizes) or None
