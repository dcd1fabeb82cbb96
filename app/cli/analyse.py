"""`loadstone analyse`: our statistics on measurements of other tools."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.arguments import CommandParser, one_of
from app.cli.output import Output
from probes.errors import UsageError

if TYPE_CHECKING:
    from app.cli.layout import Line

KINDS = ("requests", "scalability", "memory", "volume", "compare")
DONE, UNDECIDED, SLOWER = 0, 4, 5


def parser() -> CommandParser:
    """How the command line of `analyse` is read."""
    parser = CommandParser(
        "analyse",
        "requests|scalability|memory|volume FILE, or compare BEFORE AFTER [options]",
        "The same statistics on measurements of other tools. FILE is CSV, its first line the header:\n"
        "  requests     due_s,sent_s,done_s,status   one row a request; due_s and status may be missing\n"
        "  scalability  concurrency,throughput       one row a measurement, at six concurrencies or more\n"
        "  memory       seconds,bytes[,rate_per_s]   one row a moment, with the requests/s since the last\n"
        "  volume       size,cost                    one row a measurement, at six sizes or more\n"
        "  compare      value                        one row a run, before and after a change\n"
        "Results of k6 (csv, json), JMeter (jtl as csv or xml), vegeta (csv, json) and hey (csv) are known\n"
        "by how they begin: one is a file of requests, and a folder of them is the runs of one side of\n"
        "compare, by their medians.",
        (
            "loadstone analyse requests requests.csv",
            "loadstone analyse memory rss.csv --limit 2147483648",
            "loadstone analyse volume rows.csv",
            "loadstone analyse compare before.csv after.csv --larger-is-better",
        ),
    )
    parser.add_argument(
        "kind",
        metavar="KIND",
        type=one_of("loadstone analyse", KINDS),
        help="what FILE holds: requests, scalability, memory, volume, or compare for two files",
    )
    parser.add_argument("file", metavar="FILE", help="the measurements")
    parser.add_argument("after", metavar="AFTER", nargs="?", help="of compare: those after the change")
    group = parser.add_argument_group("what is asked")
    group.add_argument(
        "--limit", metavar="BYTES", type=_bytes, help="of memory: the limit, to say when it is reached"
    )
    group.add_argument(
        "--slo",
        metavar="SLO",
        help="of requests: whether its bounds on times are proven, or how many more it takes",
    )
    group.add_argument(
        "--larger-is-better", action="store_true", help="of compare: as of a throughput (default: smaller)"
    )
    group.add_argument(
        "--allow",
        metavar="SHARE",
        type=_share,
        help="of compare: the least that matters (default 5%%)",
    )
    parser.add_output_group()
    return parser


def run(options: argparse.Namespace, output: Output) -> int:
    """Prints what the measurements say; returns the exit code. Raises `UserError`."""
    from app.cli.summary import note_lines
    from app.cli.written import write_document

    _check_options(options)
    kinds: Mapping[str, Callable[[argparse.Namespace, int], _Told]] = {
        "requests": _requests,
        "scalability": _scalability,
        "memory": _memory,
        "volume": _volume,
        "compare": _compare,
    }
    told = kinds[options.kind](options, output.columns)
    if options.json is not None:
        write_document(told.document, options.json, output)
    output.lines([*told.lines, *note_lines(_as_notes(told.notes), output.columns)])
    return told.code


class _Told:
    """What is said of a file: the document for machines, the lines for people, notes, the exit code."""

    def __init__(
        self, document: Mapping[str, Any], lines: list[Line], notes: Iterable[str] = (), code: int = DONE
    ) -> None:
        self.document = document
        self.lines = lines
        self.notes = notes
        self.code = code


def _check_options(options: argparse.Namespace) -> None:
    if (options.kind == "compare") != (options.after is not None):
        if options.kind == "compare":
            raise UsageError("compare needs two files: write loadstone analyse compare BEFORE AFTER")
        raise UsageError(f"'{options.after}' is one file too many: {options.kind} takes one")
    of_kind = {"limit": "memory", "larger_is_better": "compare", "allow": "compare", "slo": "requests"}
    for name, kind in of_kind.items():
        if getattr(options, name) not in (None, False) and options.kind != kind:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} belongs to loadstone analyse {kind}, not to {options.kind}")


def _requests(options: argparse.Namespace, columns: int) -> _Told:
    from app.cli.proof_lines import proof_lines, steady_lines
    from probes.analysis.requests import analyse_requests
    from probes.slo import parse_slo

    slo = None if options.slo is None else parse_slo(options.slo)
    step, notes = analyse_requests(Path(options.file), slo)
    lines = [*shown(step, columns), *steady_lines([step], columns), *proof_lines([step], columns)]
    return _Told(step, lines, notes)


def _scalability(options: argparse.Namespace, columns: int) -> _Told:
    from app.cli.layout import plain, wrapped
    from app.cli.summary import scalability_lines
    from probes.analysis.columns import read_columns
    from probes.analysis.scalability import fit_scalability

    path = Path(options.file)
    given = read_columns(path, ("concurrency", "throughput"))
    try:
        law = fit_scalability(given["concurrency"], given["throughput"])
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error
    document = law.to_json()
    lines = scalability_lines({"scalability": document}, columns)
    if law.peak_refused is not None:
        lines += wrapped(f"No peak: {plain(law.peak_refused).rstrip('.')}.", columns, "muted")
    return _Told(document, lines, code=DONE if law.refused is None else UNDECIDED)


def _memory(options: argparse.Namespace, columns: int) -> _Told:
    from app.cli.layout import wrapped
    from app.cli.summary import memory_lines
    from probes.analysis.columns import read_columns
    from probes.analysis.memory import judge_memory

    path = Path(options.file)
    given = read_columns(path, ("seconds", "bytes"), ("rate_per_s",))
    seconds, resident, rates = given["seconds"], given["bytes"], given.get("rate_per_s")
    requests = None
    if rates is not None:
        import numpy as np

        # The first row's rate is of a time before the file.
        requests = np.concatenate([[0.0], np.cumsum(rates[1:] * np.diff(seconds))])
    headroom = None if options.limit is None else options.limit - float(resident.max())
    try:
        found = judge_memory(seconds, resident, requests, rates, headroom_bytes=headroom)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error
    document = found.to_json()
    lines = memory_lines({"memory": document}, columns)
    lines += wrapped(f"{found.verdict.capitalize()}: {found.because}.", columns)
    return _Told(document, lines, code=UNDECIDED if found.verdict == "insufficient" else DONE)


def _volume(options: argparse.Namespace, columns: int) -> _Told:
    from app.cli.layout import wrapped
    from app.cli.volume_lines import law_sentence
    from probes.analysis.columns import read_columns
    from probes.analysis.volume import fit_volume

    path = Path(options.file)
    given = read_columns(path, ("size", "cost"))
    try:
        found = fit_volume(given["size"], given["cost"])
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error
    document = found.to_json()
    lines = wrapped(law_sentence(document), columns)
    return _Told(document, lines, code=DONE if found.law is not None else UNDECIDED)


def _compare(options: argparse.Namespace, columns: int) -> _Told:
    from app.cli.figures import interval
    from app.cli.layout import wrapped
    from probes.analysis.columns import read_columns
    from probes.analysis.regression import compare_runs
    from probes.analysis.requests import runs_of

    sides = [runs_of(Path(file)) for file in (options.file, options.after)]
    if sides[0] is None and sides[1] is None:
        values = [
            read_columns(Path(file), ("value",))["value"].tolist() for file in (options.file, options.after)
        ]
        found = compare_runs(values[0], values[1], "value", options.allow, options.larger_is_better)
    else:
        if None in sides:
            raise UsageError(
                "one side holds values and the other runs of a load generator: give the same of both"
            )
        if options.larger_is_better:
            raise UsageError("runs of a load generator are compared by their times, of which less is better")
        values = [side or [] for side in sides]
        found = compare_runs(values[0], values[1], "p50", options.allow)
    document = {
        "runs": [options.file, options.after],
        "verdict": found.verdict,
        "more_runs_needed": found.more_runs_needed,
        "changes": [found.to_json()],
    }
    span = interval(found.low, found.high)
    text = f"{found.verdict.capitalize()}: after is {found.ratio:.3f} times before"
    text += f" ({span}, 95 %)" if span else ""
    text += f", of {len(values[0])} and {len(values[1])} runs."
    if found.verdict == "unclear":
        text += f" {found.more_runs_needed} more runs on each side would tell."
    code = {"worse": SLOWER, "unclear": UNDECIDED}.get(found.verdict, DONE)
    return _Told(document, wrapped(text, columns, "strong"), code=code)


def _bytes(text: str) -> float:
    from probes.slo import read_number

    value = read_number(text)
    if not 0 < value <= 1e18:
        raise UsageError(f"'{text}' is no limit: write bytes, such as 2147483648")
    return value


def _share(text: str) -> float:
    from probes.slo import parse_ratio

    return parse_ratio(text, "the least change that matters")


def _as_notes(sentences: Iterable[str]) -> list[dict[str, str]]:
    return [{"level": "warning", "text": sentence} for sentence in sentences]


def shown(step: Mapping[str, Any], columns: int) -> list[Line]:
    """The step as lines."""
    from app.cli.figures import interval, known, number, seconds, share
    from app.cli.layout import MISSING, line, table, wrapped
    from app.cli.outcome import error_ratio

    sent, unsent = known(step.get("sent")), known(step.get("unsent"))
    lines: list[Line] = wrapped(
        f"{number(sent)} requests in {seconds(step.get('seconds'))}: {number(step.get('achieved_per_s'))} "
        f"good answers a second, errors {share(error_ratio(step))}"
        f"{f', {number(unsent)} unsent' if unsent else ''}.",
        columns,
        "strong",
    )
    names = ("p50", "p90", "p95", "p99", "p999", "max", "mean")
    rows = []
    for title, key in (("response", "response_ms"), ("service", "service_ms"), ("send lag", "send_lag_ms")):
        times = step.get(key)
        if isinstance(times, Mapping):
            rows.append((f"{title} ms", *(number(times.get(name)) for name in names)))
    if rows:
        lines += [line(""), *table(("", *names), rows, "l" + "r" * len(names), columns)]
    response = step.get("response_ms") or {}
    span = interval(response.get("p99_low"), response.get("p99_high"))
    if span:
        lines += wrapped(f"p99 lies within {span} ms (95 %).", columns, "muted")
    elif number(response.get("p99")) == MISSING:
        lines += wrapped("Too few requests for p99.", columns, "muted")
    return lines
