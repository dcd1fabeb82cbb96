"""`loadstone doctor`: what is installed and missing, how precise this machine is, what is in the way."""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import shutil
import sqlite3
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.arguments import CommandParser
from app.cli.output import Output

if TYPE_CHECKING:
    from app.cli.layout import Line, Style

OWN_PACKAGES = ("app", "assessments", "probes", "resources")
OLDEST_PYTHON = (3, 11)
TIMER_SAMPLES = 200
SOCKET_SAMPLES = 500
FEW_DESCRIPTORS = 4_096

_CORE = ("numpy", "scipy", "httptools", "psutil", "platformdirs", "rich", "SQLAlchemy", "alembic")
_WINDOW_LIBRARIES = ("GL", "EGL", "fontconfig", "dbus-1", "xkbcommon")
_USABLE, _UNUSABLE = 0, 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One row: what was looked at, what is there, and what to know about it.

    `level` is `good`, `missing` (a feature is), `warning`, or `bad`: Loadstone cannot be used.
    """

    name: str
    value: str
    level: str = "good"
    advice: str = ""


@dataclass
class Examination:
    """All findings, by section in the order they are shown."""

    sections: dict[str, list[Finding]] = field(default_factory=dict)

    def add(self, section: str, findings: Iterable[Finding]) -> None:
        """Appends to a section."""
        self.sections.setdefault(section, []).extend(findings)

    @property
    def is_usable(self) -> bool:
        """False when something makes Loadstone unusable."""
        return all(finding.level != "bad" for findings in self.sections.values() for finding in findings)

    def to_json(self) -> dict[str, Any]:
        """The findings as a document."""
        return {
            "schema": "loadstone.doctor/1",
            "usable": self.is_usable,
            "sections": {
                name: [
                    {"name": entry.name, "value": entry.value, "level": entry.level}
                    | ({"advice": entry.advice} if entry.advice else {})
                    for entry in findings
                ]
                for name, findings in self.sections.items()
            },
        }


def parser() -> CommandParser:
    """How the command line of `doctor` is read."""
    parser = CommandParser(
        "doctor",
        "[options]",
        "What is installed, what is missing for which feature, how precise this machine's\n"
        "clock and timers are, and whether a foreign package shadows ours.\n"
        "Exit code 0 when Loadstone can be used, 2 when not.",
        ("loadstone doctor", "loadstone doctor --json -"),
    )
    parser.add_store_option(parser.add_argument_group("what is looked at"))
    parser.add_output_group()
    return parser


def run(options: argparse.Namespace, output: Output) -> int:
    """Looks and prints; 0 when usable, else 2."""
    from app.cli.written import write_document

    found = examine(options.store)
    if options.json is not None:
        write_document(found.to_json(), options.json, output)
    output.lines(shown(found, output.columns))
    return _USABLE if found.is_usable else _UNUSABLE


def examine(store_url: str | None) -> Examination:
    """Looks at everything; nothing is changed but for what opening an existing store does."""
    from probes.version import version

    found = Examination()
    found.add("Loadstone", [Finding("version", version()), Finding("folder", str(own_folder()))])
    found.add("Loadstone", shadows(own_folder(), sys.path, _loaded_files(), _claims()))
    found.add("Python", [_python(), Finding("platform", platform.platform())])
    found.add("Packages", [package(name) for name in _CORE])
    found.add("Features", [_postgresql(), _grpc(), _stacks(), *_window(), _report()])
    found.add("Store", _guarded(lambda: _store(store_url), "store"))
    found.add("This machine", _guarded(_machine, "measuring"))
    return found


def own_folder() -> Path:
    """The folder of `loadstone.py` and our packages."""
    return Path(__file__).resolve().parents[2]


def shadows(
    folder: Path,
    search_path: Sequence[str],
    loaded: dict[str, str | None],
    claims: dict[str, list[str]],
) -> list[Finding]:
    """Findings on packages that carry our names: loaded instead of ours, in the way, or installed over ours.

    `loaded` says from which file each of our packages comes, `claims` which distributions bring each name.
    """
    findings = []
    for name, file in loaded.items():
        if file is None or folder not in Path(file).resolve().parents:
            findings.append(
                Finding(name, file or "not found", "bad", f"this is not ours: ours lies in {folder / name}")
            )
    for entry in search_path:
        place = Path(entry or ".").resolve()
        if place == folder:
            continue
        findings += [
            Finding(name, str(found), "warning", "has a name of ours; ours is used")
            for name in OWN_PACKAGES
            for found in (place / name / "__init__.py", place / f"{name}.py")
            if found.is_file()
        ]
    for name, owners in claims.items():
        others = sorted({owner for owner in owners if owner.lower() != "loadstone"})
        if others:
            findings.append(
                Finding(
                    name,
                    f"also brought by {', '.join(others)}",
                    "warning",
                    "one overwrites the other: give Loadstone an environment of its own, such as pipx makes",
                )
            )
    return findings or [Finding("packages", "ours are used, nothing of the same name is in the way")]


def _loaded_files() -> dict[str, str | None]:
    files = {}
    for name in OWN_PACKAGES:
        spec = importlib.util.find_spec(name)
        files[name] = None if spec is None else spec.origin
    return files


def _claims() -> dict[str, list[str]]:
    claims = metadata.packages_distributions()
    return {name: list(claims.get(name, ())) for name in OWN_PACKAGES}


def _python() -> Finding:
    where = f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        return Finding("python", where, "bad", "Loadstone needs Python 3.11 or newer")
    return Finding("python", where)


def package(name: str, needed: bool = True) -> Finding:
    """The installed version of a package."""
    try:
        return Finding(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name, "missing", "bad" if needed else "missing", f"pip install {name}")


def _postgresql() -> Finding:
    found = package("psycopg", needed=False)
    if found.level == "good":
        return Finding("store on PostgreSQL", f"psycopg {found.value}")
    return Finding(
        "store on PostgreSQL", "psycopg is missing", "missing", 'pip install "loadstone[postgresql]"'
    )


def _grpc() -> Finding:
    needed = {"grpc_tools": "grpcio-tools", "grpc_reflection": "grpcio-reflection", "hpack": "hpack"}
    missing = [name for module, name in needed.items() if importlib.util.find_spec(module) is None]
    if not missing:
        return Finding("gRPC targets", "what they need is installed")
    return Finding(
        "gRPC targets", f"{', '.join(missing)} missing", "missing", 'pip install "loadstone[grpc]"'
    )


def _stacks() -> Finding:
    beside = Path(sysconfig.get_path("scripts")) / ("py-spy.exe" if os.name == "nt" else "py-spy")
    binary = shutil.which("py-spy") or (str(beside) if beside.is_file() else None)
    if binary is None:
        return Finding("hot functions", "py-spy is missing", "missing", "pip install py-spy")
    return Finding("hot functions", f"py-spy at {binary}")


def _window() -> list[Finding]:
    qt = package("PySide6-Essentials", needed=False)
    if qt.level != "good" or importlib.util.find_spec("PySide6") is None:
        return [Finding("window", "PySide6 is missing", "missing", "pip install PySide6-Essentials")]
    findings = [Finding("window", f"PySide6-Essentials {qt.value}")]
    if sys.platform == "linux":
        from ctypes.util import find_library

        absent = [f"lib{name}" for name in _WINDOW_LIBRARIES if find_library(name) is None]
        if absent:
            advice = "install them with the system's packages"
            findings.append(Finding("", f"the window also needs {', '.join(absent)}", "missing", advice))
    return findings


def _report() -> Finding:
    found = [package(name, needed=False) for name in ("reportlab", "uharfbuzz")]
    for each in found:
        if each.level != "good":
            return Finding("PDF report", f"{each.name} is missing", "missing", each.advice)
    return Finding("PDF report", ", ".join(f"{each.name} {each.value}" for each in found))


def _store(url: str | None) -> list[Finding]:
    from assessments.store import journal_mode, open_store, resolve_url, shown_url, store_path
    from probes.errors import UserError

    sqlite_finding = Finding("SQLite", sqlite3.sqlite_version)
    try:
        resolved = resolve_url(url)
        path = store_path(resolved)
        if path is not None and not path.exists():
            mode, reason = journal_mode(path)
            return [
                sqlite_finding,
                Finding("place", f"{path} (begins with the first run)"),
                _may_be_made(path),
                Finding("journal", f"{mode}: {reason}"),
            ]
        with open_store(url) as store:
            findings = [sqlite_finding, Finding("place", shown_url(resolved).removeprefix("sqlite:///"))]
            if path is not None:
                findings.append(Finding("journal", f"{store.journal_mode}: {store.journal_reason}"))
            return findings
    except UserError as error:
        return [sqlite_finding, Finding("place", "cannot be used", "bad", str(error))]


def _may_be_made(path: Path) -> Finding:
    above = next(folder for folder in path.parents if folder.exists())
    if os.access(above, os.W_OK | os.X_OK):
        return Finding("folder", "may be written")
    return Finding(
        "folder", f"{above} may not be written", "bad", "give another --store, or set LOADSTONE_STORE"
    )


def _machine() -> list[Finding]:
    from app.cli.figures import number
    from probes.watch.machine import (
        describe_machine,
        descriptor_limit,
        ephemeral_ports,
        socket_floor,
        timer_lateness,
    )

    clock = time.get_clock_info("perf_counter")
    findings = [_fact(name, value) for name, value in describe_machine().items() if name != "python"]
    findings.append(Finding("clock", f"{clock.implementation}, ticks of {clock.resolution * 1e9:.0f} ns"))
    half, most = _quantiles_ms(timer_lateness(TIMER_SAMPLES).tolist())
    findings.append(
        Finding(
            "timers",
            f"late by {number(half)} ms (median), {number(most)} ms (p99)",
            "warning" if half > 1 else "good",
            "requests can be sent no more precisely than that" if half > 1 else "",
        )
    )
    floor_ns = socket_floor(SOCKET_SAMPLES)
    if floor_ns is not None:
        half, most = _quantiles_ms(floor_ns.tolist())
        text = f"{number(half)} ms (median), {number(most)} ms (p99) there and back on this machine"
        findings.append(Finding("sockets", text))
    limits = descriptor_limit()
    if limits is not None:
        soft, hard = ("without limit" if limit == sys.maxsize else number(limit) for limit in limits)
        scarce = limits[1] < FEW_DESCRIPTORS
        findings.append(
            Finding(
                "open files",
                f"{soft}, may be raised to {hard}",
                "warning" if scarce else "good",
                "each connection needs one" if scarce else "",
            )
        )
    ports = ephemeral_ports()
    findings.append(Finding("ports", "unknown" if ports is None else f"{number(ports)} for connections"))
    return findings


def _fact(name: str, value: Any) -> Finding:
    from app.cli.figures import megabytes

    shown = f"{megabytes(value)} MB" if name.endswith("_bytes") else str(value)
    return Finding(name.removesuffix("_bytes").replace("_", " "), shown)


def _quantiles_ms(values_ns: list[int]) -> tuple[float, float]:
    ordered = sorted(values_ns)
    return ordered[len(ordered) // 2] / 1e6, ordered[int(len(ordered) * 0.99)] / 1e6


def _guarded(look: Callable[[], list[Finding]], name: str) -> list[Finding]:
    """A package that is missing must not keep the doctor from saying so."""
    try:
        return look()
    except ImportError as error:
        return [Finding(name, "could not be looked at", "bad", f"{error}")]


def shown(found: Examination, columns: int) -> list[Line]:
    """The findings as lines."""
    from app.cli.layout import Span, line, plain, wrapped

    styles: dict[str, Style] = {"good": "", "missing": "warn", "warning": "warn", "bad": "bad"}
    lines: list[Line] = []
    for section, findings in found.sections.items():
        lines += [line(Span(section, "strong"))]
        for entry in findings:
            mark = {"good": "", "missing": "", "warning": "warning: ", "bad": "problem: "}[entry.level]
            advice = f" – {entry.advice}" if entry.advice else ""
            text = f"  {plain(entry.name):<22}{mark}{plain(entry.value)}{plain(advice)}"
            lines += wrapped(text, columns, styles[entry.level], " " * 24)
        lines.append(line(""))
    if found.is_usable:
        return [*lines, *wrapped("Loadstone can be used on this machine.", columns, "ok")]
    return [
        *lines,
        *wrapped("Loadstone cannot be used here until the problems above are put right.", columns, "bad"),
    ]
