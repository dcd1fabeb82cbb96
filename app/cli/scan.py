"""`loadstone scan`: evidence from files, folders and live systems, as facts."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING, Any

from app.cli.arguments import CommandParser
from app.cli.output import Output
from probes.errors import UsageError

if TYPE_CHECKING:
    from app.cli.layout import Line, Span
    from probes.facts import Fact
    from probes.scan import ScanResult

_COUNTED = (
    "replicas", "rules", "workloads", "runs", "dashboards", "alarms", "resources", "steps", "checks", "times",
    "models", "services",
)  # fmt: skip
"""Units that are counted things: one of them has no ending."""


def parser() -> CommandParser:
    """How the command line of `scan` is read."""
    parser = CommandParser(
        "scan",
        "PATH… [--live SYSTEM=ADDRESS] [options]",
        "Evidence from what a team already has, as facts: manifests of Kubernetes (also of\n"
        "kubectl get -o json), rules and configuration of Prometheus, what /metrics answers;\n"
        "Terraform, CloudFormation, Dockerfiles, Compose, model servers, packages of Python,\n"
        "pipelines of CI, dashboards, Datadog's monitors, OpenTelemetry's collector, schedulers\n"
        "of data, dbt, checks of data, Feast.\n"
        "Nothing is changed; values of environment variables and Secrets are never read.",
        (
            "loadstone scan deploy/",
            "loadstone scan .",
            "loadstone scan deploy/ alerts.yaml --json facts.json",
            "loadstone scan deploy/ --live prometheus=http://127.0.0.1:9090",
            "loadstone scan --live prometheus=http://127.0.0.1:8000/metrics",
            "loadstone scan deploy/ --workload recommender",
        ),
    )
    parser.add_argument("paths", metavar="PATH", nargs="*", help="a file or a folder")
    group = parser.add_argument_group("what to read")
    group.add_argument(
        "--live",
        metavar="SYSTEM=ADDRESS",
        action="append",
        default=[],
        type=_live,
        help="ask a running system, read only; repeatable (prometheus: a server, or an address that "
        "ends in /metrics)",
    )
    group.add_argument("--workload", metavar="NAME", help="the workload of Kubernetes that serves")
    group.add_argument(
        "--allow-remote", action="store_true", help="--live may ask other machines than this one"
    )
    parser.add_output_group()
    return parser


def _live(text: str) -> tuple[str, str]:
    system, sign, address = text.partition("=")
    if not sign or not system or not address:
        raise UsageError(
            f"'{text[:200]}' is no value for --live: write --live prometheus=http://127.0.0.1:9090"
        )
    return system, address


def run(options: argparse.Namespace, output: Output) -> int:
    """Prints what was found. Raises `UserError`."""
    from app.cli.written import write_document
    from assessments.evidence import sealed
    from probes.scan import scan

    if not options.paths and not options.live:
        raise UsageError(
            "nothing to scan: write loadstone scan PATH, or --live SYSTEM=ADDRESS, see loadstone scan --help"
        )
    found = scan(
        options.paths, live=options.live, workload=options.workload, allow_remote=options.allow_remote
    )
    if options.json is not None:
        write_document(sealed(found.to_json()), options.json, output)
    output.lines(shown(found, output.columns, output.table_columns))
    return 0


def shown(found: ScanResult, columns: int, table_columns: int) -> list[Line]:
    """The facts as a table, then the problems."""
    from app.cli.layout import Cell, line, plain, table, wrapped

    lines: list[Line] = []
    if found.facts:
        rows: list[tuple[Cell, ...]] = [
            (fact.name, value_cell(fact), place(fact), state_cell(fact)) for fact in found.facts
        ]
        lines += table(("fact", "value", "source", "state"), rows, "ltll", table_columns)
    else:
        lines += wrapped("No facts were found.", columns, "strong")
    if found.problems:
        lines += [line(""), *wrapped(f"Problems ({len(found.problems)}):", columns, "strong")]
        for problem in found.problems:
            where = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
            lines += wrapped(plain(f"{where}: {problem.message}"), columns, "warn", indent="  ")
    kinds = Counter(entry.kind.replace("_", " ") for entry in found.scanned)
    read = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    lines += [
        line(""),
        *wrapped(f"Files looked at: {found.files}; read: {read or 'none'}.", columns, "muted"),
    ]
    return lines


def value_cell(fact: Fact) -> Span | str:
    """The value with its unit: yes or no, bytes also in binary units; a dash where it is unreadable."""
    from app.cli.layout import MISSING, plain

    value = fact.value
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return plain(value, 120)
    if fact.unit == "bytes":
        return _bytes(value)
    unit = "" if fact.unit in ("", "1") else f" {fact.unit}"
    if value == 1 and fact.unit in _COUNTED:
        unit = unit.removesuffix("s")
    return f"{value:,}{unit}" if isinstance(value, int) else f"{value:.6g}{unit}"


def _bytes(value: float) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= size:
            return f"{value / size:.4g} {unit}"
    return f"{value:g} bytes"


def place(fact: Fact) -> str:
    """Where the fact was read: file:line, or the address and the query."""
    from app.cli.layout import MISSING, plain

    source: Any = fact.source
    where = source.file or MISSING
    if source.line is not None:
        where = f"{where}:{source.line}"
    elif source.query:
        where = f"{where} {source.query}"
    return plain(where, 200)


def state_cell(fact: Fact) -> Span:
    """The state; one that needs a look stands out."""
    from app.cli.layout import Span

    return Span(fact.state.replace("_", " "), "warn" if fact.state in ("unreadable", "stale") else "")
