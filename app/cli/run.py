"""`loadstone run`: a whole assessment as a file: start, probe, scan, judge, report, in one go."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.arguments import CommandParser, dash
from app.cli.output import Output
from app.cli.run_file import DEFAULT_FILE, RunFile, at_port, read_run_file
from probes.errors import UsageError

if TYPE_CHECKING:
    from app.assessing import Given, Scan
    from app.cli.measuring import Wishes
    from app.cli.starting import Started
    from assessments.assessment import Assessed
    from probes.load.spec import LoadSpec
    from probes.probe import Probe


def parser() -> CommandParser:
    """How the command line of `run` is read."""
    parser = CommandParser(
        "run",
        f"[{DEFAULT_FILE}] [options]",
        "A whole assessment as a file: starts the target, puts it under load, scans manifests\n"
        "and live systems, holds the answers against what was found, and writes the reports.\n\n"
        "A small file:\n"
        "  assessment: shop\n"
        "  target: http://127.0.0.1:8000/predict\n"
        "  slo: p99<=200ms,errors<=1%\n"
        "  answers: answers.yaml\n"
        "  scan: [deploy/]\n"
        "  report: [readiness.pdf]\n"
        "More keys: title, start (command, ready, instances, end_one), method, headers, body, bodies,\n"
        "expect_status, expect_body, ca, insecure, proto, streams, client, allow_remote, load (as the\n"
        "options of probe), with, lens, workload, evidence, require; for code of your own (target:\n"
        "python:app:predict) sample, spread, python, workers, threads. Relative paths start at the\n"
        "folder of the file.",
        (
            "loadstone run",
            "loadstone run loadstone.yaml --report readiness.pdf",
            "loadstone run loadstone.yaml --skip-probe",
            "loadstone run loadstone.yaml --quiet --json assessment.json",
        ),
    )
    parser.add_argument("file", metavar="FILE", nargs="?", default=DEFAULT_FILE, help="the file to run")
    group = parser.add_argument_group("what is done")
    group.add_argument("--skip-probe", action="store_true", help="judge by the stored runs, send nothing")
    group.add_argument(
        "--report",
        metavar="FILE",
        action="append",
        default=[],
        help="write this report instead of those of the file; its ending is its format; repeatable",
    )
    store = parser.add_argument_group("where it is stored")
    parser.add_store_option(store)
    store.add_argument("--no-store", action="store_true", help="store nothing")
    output = parser.add_output_group()
    output.add_argument(
        "--events", metavar="-", type=dash("--events"), help="what happens, as one JSON object a line"
    )
    output.add_argument("--quiet", action="store_true", help="no progress, only the result")
    return parser


def run(options: argparse.Namespace, output: Output) -> int:
    """Does all that the file says. Raises `UserError` where that cannot begin."""
    if options.store is not None and options.no_store:
        raise UsageError("--store and --no-store exclude each other: give one of them")
    if options.skip_probe and options.no_store:
        raise UsageError("--skip-probe judges by what is stored: leave --no-store out")
    from app.cli.measuring import Wishes, check_wishes

    file = read_run_file(Path(options.file), options)
    wishes = Wishes(
        options.store,
        keep=not options.no_store,
        assessment=file.assessment,
        json=options.json,
        events=options.events is not None,
    )
    check_wishes(wishes)
    done = carry_out(file, wishes, output, skip_probe=options.skip_probe)
    return tell(done, wishes, output)


@dataclass(frozen=True)
class Done:
    """What came of a run file. `result` is that of its load, None where there was none."""

    file: RunFile
    result: Mapping[str, Any] | None
    assessed: Assessed | None
    reports: tuple[Path, ...]
    code: int

    @property
    def document(self) -> dict[str, Any]:
        """The assessment, or the result of the load where nothing was judged."""
        if self.assessed is not None:
            return self.assessed.to_json()
        from assessments.evidence import sealed

        return sealed(self.result or {})


def carry_out(
    file: RunFile,
    wishes: Wishes,
    output: Output,
    *,
    skip_probe: bool = False,
    shortened: Callable[[LoadSpec], LoadSpec] | None = None,
) -> Done:
    """Everything but the words at the end. Raises `UserError` where something cannot begin.

    `shortened` makes of the file's load the one that is sent; it is asked when the target has started.
    """
    from app.cli import outcome

    spec = file.spec
    given = _given(file, spec)
    if wishes.keep and given is not None:
        _keep(given, wishes)
    result: Mapping[str, Any] | None = None
    live: Scan | None = None
    probes_now = file.target is not None and not skip_probe
    if probes_now:
        result, live = _measured(file, wishes, output, shortened or (lambda asked: asked))
    elif file.live and not any("{port}" in address for _, address in file.live):
        live = _scan_live(file, None)
    assessed = None
    if given is not None:
        given = replace(given, scans=() if live is None else (live,)) if wishes.keep else _also(given, live)
        assessed = _judged(given, wishes, () if result is None else (result,))
    asked = spec.slo if spec.slo_asked else None
    code = outcome.DONE if result is None else outcome.exit_code(result, asked)
    written: tuple[Path, ...] = ()
    if assessed is not None and code != outcome.INTERRUPTED:
        written, failed = _write_reports(file, assessed, output)
        code = code or failed
    return Done(file, result, assessed, written, code)


def _given(file: RunFile, spec: LoadSpec) -> Given | None:
    """What is judged, with the files scanned; None where nothing is."""
    if file.answers is None or file.lens is None:
        return None
    from app.assessing import Given, Scan, named_from, scanned, with_slo
    from probes.documents import read_file

    scans: tuple[Scan, ...] = ()
    if file.paths:
        origin = ", ".join(named_from(file.folder, path) for path in file.paths)
        scans = (Scan(origin, scanned(file.paths, workload=file.workload, base=file.folder)),)
    return Given(
        name=file.assessment,
        lens=file.lens,
        answers=with_slo(file.answers, spec.slo.text if spec.slo_asked else None),
        title=file.title,
        scans=scans,
        files=tuple((str(path), read_file(path)) for path in file.evidence),
    )


def _also(given: Given, live: Scan | None) -> Given:
    return given if live is None else replace(given, scans=(*given.scans, live))


def _keep(given: Given, wishes: Wishes) -> None:
    from app.assessing import keep
    from assessments.store import open_store

    with open_store(wishes.store_url) as store:
        keep(store, given)


def _judged(given: Given, wishes: Wishes, results: Sequence[Mapping[str, Any]]) -> Assessed:
    """Judged now; with a store, of `given` only the scans are new to it."""
    from app.assessing import assess_here, assess_stored

    if not wishes.keep:
        return assess_here(given, results)
    from assessments.store import open_store
    from assessments.stored import add_scan

    with open_store(wishes.store_url) as store:
        for scan in given.scans:
            add_scan(store, given.name, scan.document, origin=scan.origin)
        return assess_stored(store, given.name)


def _measured(
    file: RunFile, wishes: Wishes, output: Output, shortened: Callable[[LoadSpec], LoadSpec]
) -> tuple[Mapping[str, Any], Scan | None]:
    """The result of the load, and what the live systems said while the target still ran."""
    from app.cli.checks import checks_for, self_report
    from app.cli.measuring import measure, run_folder
    from probes.cross_checked import CrossCheck, CrossCheckedProbe, GivenFacts, start_fact
    from probes.load.probe import LoadProbe

    if file.is_code:
        spec = shortened(file.spec)
        code = file.code_probe(spec, run_folder(wishes))
        result = measure(code, spec, replace(wishes, json=None), output).result
        return result, _scan_live(file, None) if file.live else None
    with _started(file, output) as running:
        port = None if running is None else running.port
        target = file.target_at(None) if running is None else running.target
        checks: list[CrossCheck] = []
        if running is not None:
            checks.append(GivenFacts([start_fact(running.start_s)], of_this_run=True))
        addresses = [replace(one, address=at_port(one.address, port)) for one in file.checks]
        many = running is not None and len(running.instances) > 1
        checks += checks_for(addresses, target, base=file.folder)
        checks += [] if many else self_report(target, addresses)
        spec = shortened(file.spec)
        probe: Probe = LoadProbe(
            target,
            spec,
            pids=() if running is None else running.pids,
            folder=run_folder(wishes),
            may_end_one=file.start is not None and file.start.end_one,
            **({"instances": running.instances} if running is not None and many else {}),
        )
        if checks:
            probe = CrossCheckedProbe(probe, checks)
        result = measure(probe, spec, replace(wishes, json=None), output).result
        live = _scan_live(file, port) if file.live else None
    return result, live


@contextmanager
def _started(file: RunFile, output: Output) -> Iterator[Started | None]:
    """The target, started where the file says how."""
    if file.start is None:
        yield None
        return
    from app.cli.starting import started

    with started(file.start, file.target or "", file.target_at, file.spec.timeout_s, output) as running:
        yield running


def _scan_live(file: RunFile, port: int | None) -> Scan:
    """What the live systems say; what does not answer is a problem in it."""
    from app.assessing import Scan, scanned
    from probes.errors import TargetError

    live = [(system, at_port(address, port)) for system, address in file.live]
    origin = ", ".join(f"{system}={address}" for system, address in file.live)
    try:
        return Scan(origin, scanned((), live, allow_remote=bool(file.request.get("allow_remote"))))
    except TargetError as error:
        address = live[0][1]
        problem = {"file": address, "message": str(error).removeprefix(f"{address} ")}
        nothing = {"schema": "loadstone.facts/1", "facts": [], "problems": [problem], "scanned": []}
        return Scan(origin, nothing)


def _write_reports(file: RunFile, assessed: Assessed, output: Output) -> tuple[tuple[Path, ...], int]:
    """Writes the reports; returns those that could be written, and an exit code."""
    from app.assessing import render_report
    from app.cli.outcome import BAD_USAGE, DONE
    from app.cli.report import write_file

    if not file.reports:
        return (), DONE
    document = assessed.to_json()
    written, code = [], DONE
    for report in file.reports:
        data = render_report(document, report.format)
        try:
            write_file(report.path, data, "the report")
        except UsageError as error:
            output.error(str(error))
            code = BAD_USAGE
        else:
            written.append(report.path)
    return tuple(written), code


def tell(done: Done, wishes: Wishes, output: Output) -> int:
    """Says what came out, and writes the document; returns the exit code."""
    from app.cli.layout import line, plain, wrapped
    from app.cli.measuring import run_folder

    lines: list[Any] = []
    if done.result is not None:
        lines += probe_lines(done.result, done.file.spec, output.columns, run_folder(wishes))
    if done.assessed is not None:
        from app.cli.assessment_lines import assessment_lines

        lines += [line("")] if lines else []
        lines += assessment_lines(done.assessed, output.columns)
    ending = [f"Report: {plain(path)}" for path in done.reports]
    if wishes.keep and done.assessed is not None:
        name = plain(done.file.assessment)
        option = f" --store {plain(wishes.store_url)}" if wishes.store_url else ""
        ending.append(f"Stored as '{name}': loadstone report {name}{option}")
    if ending:
        lines += [line("")]
        for sentence in ending:
            lines += wrapped(sentence, output.columns, "muted")
    output.lines(lines)
    if wishes.events and done.assessed is not None:
        _tell_event(done, output)
    if wishes.json is not None:
        from app.cli.written import write_document

        write_document(done.document, wishes.json, output)
    return done.code


def _tell_event(done: Done, output: Output) -> None:
    """The last line of `--events -`: that the assessment was judged, and what came out."""
    import json

    assert done.assessed is not None, "only told of what was judged"
    event = {
        "event": "assessed",
        "t": round(float((done.result or {}).get("run", {}).get("seconds") or 0.0), 3),
        "assessment": done.file.assessment,
        "as_of": done.assessed.as_of.isoformat(),
        "headline": done.assessed.verdict.headline,
        "overall": done.assessed.scores.overall.to_json(),
        "reports": [str(path) for path in done.reports],
    }
    output.event_line(json.dumps(event, allow_nan=False, separators=(",", ":")))


def probe_lines(
    result: Mapping[str, Any], spec: LoadSpec, columns: int, folder: Path | None = None
) -> list[Any]:
    """The load in a few lines: what it carries, how far that can be trusted, requirements, cross-checks."""
    from app.cli import outcome
    from app.cli.checks import check_lines
    from app.cli.pressure_lines import answer_lines, instance_lines, loss_lines, overload_lines
    from app.cli.summary import (
        cause_lines,
        grade_lines,
        headline,
        memory_lines,
        requirement_lines,
        slo_lines,
        stack_lines,
    )
    from app.cli.volume_lines import volume_lines

    asked = spec.slo if spec.slo_asked else None
    verdict = outcome.judge_slo(result, asked) if asked and outcome.judged_in_every_step(result) else None
    return [
        *headline(result, columns),
        *grade_lines(result, columns),
        *cause_lines(result, columns),
        *stack_lines(result, columns, folder),
        *memory_lines(result, columns),
        *answer_lines(result, columns),
        *overload_lines(result, columns),
        *volume_lines(result, columns),
        *instance_lines(result, columns),
        *loss_lines(result, columns),
        *slo_lines(result, verdict, columns),
        *requirement_lines(result, columns),
        *check_lines(result, columns),
    ]
