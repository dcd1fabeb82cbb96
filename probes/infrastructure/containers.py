"""How a service is packaged and run without an orchestrator: its Dockerfile, and Compose's service.

Of Compose's services the one with published ports is the one that serves; of several of these the one that is
built here. Where that does not decide, only their number is told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from probes.documents import line_of, mapping, member
from probes.infrastructure.image_names import is_pinned
from probes.repository import documents
from probes.scanned import Findings

_DOCKERFILE = re.compile(r"(Dockerfile|Containerfile)([.-][\w.-]+)?|[\w-]+\.(Dockerfile|dockerfile)")
_COMPOSE = re.compile(r"(docker-)?compose([.-][\w-]+)?\.ya?ml")
_FROM = re.compile(r"^[ \t]*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE | re.MULTILINE)
_HEALTH = re.compile(r"^[ \t]*HEALTHCHECK\s+(?!NONE)", re.IGNORECASE | re.MULTILINE)


class ContainerReader:
    """Reads Dockerfiles and Compose's files."""

    system: ClassVar[str] = "containers"

    def __init__(self) -> None:
        self._dockerfile: tuple[str, int] | None = None
        self._health: tuple[str, int | None] | None = None
        self._found = Findings(self.system)

    def looks_at(self, file: Path) -> bool:
        """By its name."""
        return bool(_DOCKERFILE.fullmatch(file.name) or _COMPOSE.fullmatch(file.name))

    def read(self, file: Path, data: bytes, text: str) -> str | None:
        """Takes a file with an image in it, or with services."""
        if _DOCKERFILE.fullmatch(file.name):
            return self._read_dockerfile(str(file), text)
        for document in documents(file, data):
            services = mapping(mapping(document).get("services"))
            if services:
                self._read_compose(str(file), services)
                return "compose"
        return None

    def _read_dockerfile(self, name: str, text: str) -> str | None:
        stages = list(_FROM.finditer(text))
        if not stages:
            return None
        line = text.count("\n", 0, stages[-1].start()) + 1
        self._dockerfile = self._dockerfile or (name, line)
        health = _HEALTH.search(text, stages[-1].start())
        if health is not None:
            at = text.count("\n", 0, health.start()) + health[0].count("\n") + 1
            self._health = self._health or (name, at)
        return "dockerfile"

    def _read_compose(self, name: str, services: Mapping[str, Any]) -> None:
        if any(fact.name == "infra.compose.services.count" for fact in self._found.facts):
            return  # an override for another environment
        self._found.add("infra.compose.services.count", len(services), name, line_of(services))
        serving = _serving(services)
        if serving is None:
            return
        called, service = serving
        self._found.add("infra.compose.service", called, name, line_of(service))
        image = service.get("image")
        if isinstance(image, str) and "${" not in image:
            self._found.add("infra.compose.image_pinned", is_pinned(image), name, line_of(service, "image"))
        limit = member(service, "deploy", "resources", "limits", "memory") or service.get("mem_limit")
        if limit is not None:
            self._found.add("infra.compose.memory_limit.present", True, name, line_of(service))
        copies = member(service, "deploy", "replicas") or service.get("scale")
        if type(copies) is int:
            self._found.add("infra.compose.replicas", copies, name, line_of(service))
        health = mapping(service.get("healthcheck"))
        if health.get("test") and not health.get("disable"):
            self._found.add("infra.compose.healthcheck.present", True, name, line_of(service, "healthcheck"))

    def findings(self) -> Findings:
        """What was read; a Dockerfile says that there is an image, and how it is asked for its health."""
        found = Findings(self.system)
        if self._dockerfile is not None:
            found.add("infra.dockerfile.present", True, *self._dockerfile)
        if self._health is not None:
            found.add("infra.dockerfile.healthcheck.present", True, *self._health)
        found.extend(self._found.facts, self._found.problems)
        return found


def _serving(services: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    kept = [(name, mapping(one)) for name, one in services.items() if mapping(one).get("ports")]
    if len(kept) > 1:
        kept = [entry for entry in kept if entry[1].get("build")]
    return kept[0] if len(kept) == 1 else None
