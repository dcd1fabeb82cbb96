"""Configuration of the OpenTelemetry Collector: whether traces go anywhere, and slow ones are kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from probes.documents import line_of, mapping, mappings, read_yaml
from probes.repository import documents
from probes.scanned import Findings

_GOES_NOWHERE = ("debug", "logging", "nop")
PREFIX = "monitoring.tracing."


class CollectorReader:
    """Reads a file with `receivers`, `exporters` and `service.pipelines`, also in a ConfigMap."""

    system: ClassVar[str] = "telemetry"

    def __init__(self) -> None:
        self._traces: tuple[str, int | None] | None = None
        self._slow: tuple[str, int | None] | None = None

    def looks_at(self, file: Path) -> bool:
        """YAML."""
        return file.suffix.lower() in (".yaml", ".yml")

    def read(self, file: Path, data: bytes, text: str) -> str | None:
        """Takes what is such a configuration."""
        if not all(word in text for word in ("receivers:", "exporters:", "pipelines:")):
            return None
        taken = False
        for document in documents(file, data):
            taken = self._take(document, str(file), None) or taken
            for key, value in mapping(mapping(document).get("data")).items():
                if isinstance(value, str) and "pipelines:" in value:
                    inner = read_yaml(value.encode(), f"{file}, {key}", aliases=True)
                    taken = self._take(inner, str(file), line_of(document["data"], key)) or taken
            config = mapping(mapping(mapping(document).get("spec")).get("config"))
            taken = self._take(config, str(file), line_of(config)) or taken
        return "telemetry" if taken else None

    def _take(self, document: Any, file: str, line: int | None) -> bool:
        found = mapping(document)
        service = mapping(found.get("service"))
        pipelines = mapping(service.get("pipelines"))
        if not pipelines or "receivers" not in found:
            return False
        for name, pipeline in pipelines.items():
            parts = mapping(pipeline)
            exporters = _names(parts.get("exporters"))
            real = [entry for entry in exporters if entry.split("/")[0] not in _GOES_NOWHERE]
            if name.split("/")[0] != "traces" or not real:
                continue
            self._traces = self._traces or (file, line or line_of(pipelines, name))
            processors = mapping(found.get("processors"))
            for entry in _names(parts.get("processors")):
                settings = mapping(processors.get(entry))
                if entry.split("/")[0] == "tail_sampling" and _keeps_slow(settings):
                    self._slow = self._slow or (file, line or line_of(processors, entry))
        return True

    def findings(self) -> Findings:
        """Both, where they were read."""
        found = Findings(self.system)
        for place, name in ((self._traces, "pipeline"), (self._slow, "slow_kept")):
            if place is not None:
                found.add(f"{PREFIX}{name}.present", True, *place)
        return found


def _names(value: object) -> list[str]:
    return [str(entry) for entry in value] if isinstance(value, list) else []


def _keeps_slow(settings: Mapping[str, Any]) -> bool:
    """Whether a policy of tail sampling keeps traces by how long they took, alone or among others."""
    for policy in mappings(settings.get("policies")):
        inner = [policy, *mappings(mapping(policy.get("and")).get("and_sub_policy"))]
        if any(entry.get("type") == "latency" for entry in inner):
            return True
    return False
