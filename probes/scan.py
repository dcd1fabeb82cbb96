"""Evidence from files, folders and live systems: finds what is there, has each kind read, gives facts.

    paths ─► files ─► documents ─► what each is ─► facts of Kubernetes, of Prometheus' rules, of expositions
               └────▶ readers of a repository's other files (`probes.repository`)

What cannot be read is a problem in the list, and the rest still counts. In a folder only what looks like
evidence is a problem when it cannot be read; a file that was named always is.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from probes.documents import MAX_BYTES, DocumentError, mapping, read_file, read_json, read_yaml_each
from probes.errors import UsageError
from probes.facts import Fact
from probes.infrastructure.kubernetes import read_kubernetes
from probes.infrastructure.kubernetes_objects import Object, is_manifest, objects
from probes.infrastructure.kubernetes_workload import UNKNOWN_KIND
from probes.monitoring.alert_rules import Alert, alerts_in, is_rule_file
from probes.monitoring.exposition import exposition_findings, looks_like_exposition, read_exposition
from probes.monitoring.fetch import FetchError
from probes.monitoring.prometheus import (
    alert_findings,
    configuration_findings,
    is_configuration,
    read_live,
)
from probes.repository import Reader, readers
from probes.scanned import Findings, Problem

SYSTEMS = ("prometheus",)
MAX_FILES = 20_000
MAX_PROBLEMS_A_FILE = 10
SUFFIXES = frozenset({".yaml", ".yml", ".json", ".prom", ".metrics", ".txt"})
HIDDEN = frozenset({".github", ".circleci", ".buildkite", ".gitlab", ".ci", ".gitlab-ci.yml", ".drone.yml"})
"""Hidden folders and files that are looked into all the same: pipelines lie there."""
ASIDE = frozenset({"tests", "test", "testdata", "fixtures", "examples", "example", "docs"})
"""Folders whose files are about something else than the service: manifests alone are read there."""
SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "venv", "site-packages", "vendor"})

_MANIFEST = re.compile(r"""(?:^|[{,])\s*"?apiVersion"?\s*:""", re.MULTILINE)
_RULES = re.compile(r"""(?:^|[{,-])\s*"?(?:alert|record)"?\s*:""", re.MULTILINE)
_KIND = re.compile(r"""(?:^|[{,])\s*"?kind"?\s*:\s*["']?([A-Za-z]*|\{\{)""", re.MULTILINE)
_KUSTOMIZATION = ("patches", "patchesStrategicMerge", "patchesJson6902", "images", "replicas", "components")


@dataclass(frozen=True, slots=True)
class Scanned:
    """One file or live system that was read: its kind, and how long that took."""

    path: str
    kind: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """CONTRACT's object."""
        return {"path": self.path, "kind": self.kind, "seconds": round(self.seconds, 4)}


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a scan found. `files` counts the files that were looked at."""

    facts: tuple[Fact, ...]
    problems: tuple[Problem, ...]
    scanned: tuple[Scanned, ...]
    files: int

    def to_json(self) -> dict[str, Any]:
        """CONTRACT's `loadstone.facts/1`, without its seal."""
        return {
            "schema": "loadstone.facts/1",
            "facts": [fact.to_json() for fact in self.facts],
            "problems": [problem.to_json() for problem in self.problems],
            "scanned": [entry.to_json() for entry in self.scanned],
        }


def scan(
    paths: Sequence[str],
    *,
    live: Sequence[tuple[str, str]] = (),
    workload: str | None = None,
    allow_remote: bool = False,
    only: str | None = None,
) -> ScanResult:
    """Facts from files and folders, and from live systems as (system, address).

    `workload` names the serving workload of Kubernetes; `only` reads one kind and leaves out the rest.
    Raises `UsageError` when a path does not exist, a system is not known, an address is another machine's
    without `allow_remote`, or nothing is recognised; `FetchError` when nothing was found and a live system
    did not answer.
    """
    for system, _ in live:
        if system not in SYSTEMS:
            raise UsageError(f"'{system[:40]}' is no live system: write --live {SYSTEMS[0]}=http://HOST:PORT")
    for path in paths:
        if not os.path.lexists(path):
            raise UsageError(f"'{path}' is not there: name a file or a folder that is")
    collected = _Collected(only, readers() if only is None else ())
    for path in paths:
        for file, named in _files(Path(path), collected.readers):
            inside = file.parts[len(Path(path).parts) : -1]
            collected.file(file, named, aside=not ASIDE.isdisjoint(inside))
    findings = collected.findings(workload)
    failures = []
    for system, address in live:
        started = time.perf_counter()
        try:
            found = read_live(address, allow_remote=allow_remote)
        except FetchError as error:
            failures.append(error)
            findings.problem(address, error.what)
        else:
            findings.extend(found.facts, found.problems)
            collected.scanned.append(Scanned(address, system, time.perf_counter() - started))
    if not findings.facts and failures:
        raise failures[0]
    if not collected.scanned and not findings.facts:
        raise UsageError(_nothing(paths, findings.problems))
    return ScanResult(
        tuple(findings.facts), tuple(_once(findings.problems)), tuple(collected.scanned), collected.files
    )


def _nothing(paths: Sequence[str], problems: Sequence[Problem]) -> str:
    shown = ", ".join(f"'{path}'" for path in paths[:3]) + (" …" if len(paths) > 3 else "")
    if problems:
        first = problems[0]
        where = first.file if first.line is None else f"{first.file}, line {first.line}"
        return f"nothing could be read in {shown}; {where}: {first.message}"
    return (
        f"nothing in {shown} is known: give manifests of Kubernetes, rules or configuration of Prometheus, "
        "what /metrics answers, or the repository of the service (loadstone scan --help lists what is read)"
    )


def _files(path: Path, others: Sequence[Reader]) -> Iterator[tuple[Path, bool]]:
    """The files to read, and whether each was named itself; folders in order, without hidden ones."""
    if not path.is_dir():
        yield path, True
        return
    count = 0
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(
            name
            for name in folders
            if (not name.startswith(".") or name in HIDDEN) and name not in SKIPPED_FOLDERS
        )
        for name in sorted(names):
            file = Path(folder, name)
            if name.startswith(".") and name not in HIDDEN:
                continue
            known = file.suffix.lower() in SUFFIXES or any(one.looks_at(file) for one in others)
            if known and file.is_file():
                count += 1
                if count > MAX_FILES:
                    raise UsageError(f"'{path}' holds more than {MAX_FILES:,} files: name a smaller folder")
                yield file, False


@dataclass
class _Collected:
    """What was found so far. Kubernetes and alerts are judged when all files are known."""

    only: str | None = None
    readers: Sequence[Reader] = ()
    files: int = 0
    scanned: list[Scanned] = field(default_factory=list)
    manifests: list[Object] = field(default_factory=list)
    unread_kinds: set[str] = field(default_factory=set)
    alerts: list[Alert] = field(default_factory=list)
    rule_files: list[str] = field(default_factory=list)
    unread_rules: list[str] = field(default_factory=list)
    other: Findings = field(default_factory=lambda: Findings("prometheus"))

    def wants(self, kind: str) -> bool:
        return self.only in (None, kind)

    def file(self, file: Path, named: bool, *, aside: bool = False) -> None:
        """Reads one file into what was collected; of one that lies `aside` only what is deployed counts."""
        self.files += 1
        name, started = str(file), time.perf_counter()
        try:
            data = read_file(file, max_bytes=self._most_bytes(file))
        except DocumentError as error:
            self.other.problems.append(Problem.of(error))
            return
        text = data.decode("utf-8", "replace")
        kinds = [] if aside else self._of_repository(file, data, text, named)
        if file.suffix.lower() not in SUFFIXES and (kinds or not named):
            pass  # what is known by its name alone is nothing else
        elif looks_like_exposition(text):
            if self.wants("prometheus"):
                kinds += self._exposition(data, name)
        else:
            kinds += self._documents(file, data, text, named and not kinds)
        seconds = time.perf_counter() - started
        self.scanned += [Scanned(name, kind, seconds / len(kinds)) for kind in kinds]

    def _most_bytes(self, file: Path) -> int:
        """How large a file may be: as a reader that knows it by its name says, else as any document."""
        asked = [getattr(one, "max_bytes", 0) for one in self.readers if one.looks_at(file)]
        return max(asked, default=0) or MAX_BYTES

    def _of_repository(self, file: Path, data: bytes, text: str, named: bool) -> list[str]:
        kinds: list[str] = []
        for reader in self.readers:
            if not reader.looks_at(file):
                continue
            try:
                kind = reader.read(file, data, text)
            except DocumentError as error:
                # One that a template made unreadable is no problem of the evidence, unless it was named.
                if named or "{{" not in text:
                    self.other.problems.append(Problem.of(error))
                continue
            if kind is not None:
                kinds.append(kind)
        return kinds

    def _exposition(self, data: bytes, name: str) -> list[str]:
        try:
            found = exposition_findings(read_exposition(data, name), live=False)
        except DocumentError as error:
            self.other.problems.append(Problem.of(error))
            return []
        self.other.extend(found.facts, found.problems)
        return ["exposition"]

    def _documents(self, file: Path, data: bytes, text: str, named: bool) -> list[str]:
        name, manifest, rules = str(file), bool(_MANIFEST.search(text)), bool(_RULES.search(text))
        if not (named or manifest or rules or file.stem == "kustomization" or "scrape_configs" in text):
            return []
        if file.suffix.lower() == ".txt" and not named:
            return []  # Helm's NOTES.txt is YAML to a parser
        kinds: dict[str, None] = {}
        errors: list[DocumentError] = []
        for document in self._read(file, data, errors):
            for kind in self._take(document, file):
                kinds[kind] = None
        if errors and (named or manifest or rules):
            self._unread(name, text, errors, manifest, rules)
        elif named and not kinds and not errors:
            what = "holds nothing that is known here: give manifests of Kubernetes, or rules of Prometheus"
            self.other.problem(name, what)
        return list(kinds)

    def _read(self, file: Path, data: bytes, errors: list[DocumentError]) -> Iterator[Any]:
        name = str(file)
        try:
            if file.suffix.lower() == ".json" or data.lstrip()[:1] == b"{":
                yield read_json(data, name)
                return
            for document in read_yaml_each(data, name, aliases=True):
                if isinstance(document, DocumentError):
                    errors.append(document)
                else:
                    yield document
        except DocumentError as error:
            errors.append(error)

    def _take(self, document: Any, file: Path) -> Iterator[str]:
        name = str(file)
        if self.wants("prometheus"):
            if is_rule_file(document):
                self.alerts += alerts_in(document, name)
                self.rule_files.append(name)
                yield "prometheus_rules"
                return
            if is_configuration(document):
                configuration_findings(self.other, document, name)
                yield "prometheus_configuration"
                return
        if not self.wants("kubernetes"):
            return
        if file.stem == "kustomization" or mapping(document).get("kind") == "Kustomization":
            if any(mapping(document).get(key) for key in _KUSTOMIZATION):
                what = "this changes manifests: run kubectl kustomize and scan what it prints"
                self.other.problem(name, what)
                self.unread_kinds.add(UNKNOWN_KIND)
            return
        if is_manifest(document):
            self.manifests += objects(document, name)
            yield "kubernetes"

    def _unread(
        self, name: str, text: str, errors: Sequence[DocumentError], manifest: bool, rules: bool
    ) -> None:
        if manifest:
            kinds = set(_KIND.findall(text)) or {UNKNOWN_KIND}
            self.unread_kinds |= {kind.replace("{{", UNKNOWN_KIND) for kind in kinds}
        if rules:
            self.unread_rules.append(name)
        template = manifest and "{{" in text
        shown = errors[:1] if template else errors[:MAX_PROBLEMS_A_FILE]
        for error in shown:
            what = "a template that is not rendered: run helm template and scan what it prints"
            self.other.problem(name, what if template else error.what, error.line)
        if len(errors) > len(shown) and not template:
            self.other.problem(name, f"{len(errors) - len(shown)} more documents cannot be read")

    def findings(self, workload: str | None) -> Findings:
        """All facts and problems."""
        findings = Findings("scan")
        if self.wants("kubernetes"):
            found = read_kubernetes(self.manifests, workload, self.unread_kinds)
            findings.extend(found.facts, found.problems)
        if self.rule_files or self.unread_rules:
            rules = Findings("prometheus")
            place = (self.rule_files or self.unread_rules)[0]
            alert_findings(rules, self.alerts, place, unread=bool(self.unread_rules))
            findings.extend(rules.facts, rules.problems)
        for reader in self.readers:
            found = reader.findings()
            findings.extend(found.facts, found.problems)
        findings.extend(self.other.facts, self.other.problems)
        return findings


def _once(problems: Sequence[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))
