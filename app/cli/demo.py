"""`loadstone demo`: a whole assessment of a service that comes along, by the run file that lies beside it.

The recommender of an online shop before its winter campaign: it is started and put under load on this
machine, and what its team answered is held against that and against its manifests (`resources/demo`).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from app.cli.arguments import CommandParser, dash
from app.cli.output import Output
from probes.errors import UsageError

if TYPE_CHECKING:
    from app.cli.measuring import Wishes
    from app.cli.run import Done
    from app.cli.run_file import RunFile
    from assessments.claims import Answers
    from probes.load.spec import LoadSpec

ASSESSMENT = "demo"
SLO = "p99<=100ms,errors<=1%"
SECONDS, QUICK_SECONDS = 90.0, 25.0
"""That the demo takes at most."""
QUICK_BUDGET_S, QUICK_PRECISION = 14.0, 0.15
"""Of the search alone."""
LEAST_BUDGET_S = 5.0
WRITTEN_ON = date(2026, 11, 24)
"""The day from which the answers of the demo look at its campaign."""

_FILE_STORE = "loadstone.sqlite"
_FILE_RESULT = "result.json"
_FILE_ASSESSMENT = "assessment.json"
_FILE_REPORT = "report.pdf"


def parser() -> CommandParser:
    """How the command line of `demo` is read."""
    parser = CommandParser(
        "demo",
        "[options]",
        "Assesses a service that comes along, the recommender of an online shop before a campaign:\n"
        f"starts it, finds the highest rate at which {SLO} holds, holds what its\n"
        "team answered against that and against its manifests, and reports, within 90 seconds.\n"
        "Exit code 0 when it completed, whatever the verdicts.",
        ("loadstone demo", "loadstone demo --quick", "loadstone demo --out demo-results"),
    )
    group = parser.add_argument_group("the demo")
    group.add_argument("--quick", action="store_true", help="at most 25 s, with a wider interval")
    group.add_argument(
        "--out",
        metavar="DIR",
        help=f"store in DIR/{_FILE_STORE} and write DIR/{_FILE_REPORT}, DIR/{_FILE_RESULT} (the load run) "
        f"and DIR/{_FILE_ASSESSMENT}",
    )
    parser.add_store_option(group)
    output = parser.add_output_group()
    output.add_argument(
        "--events", metavar="-", type=dash("--events"), help="what happens, as one JSON object a line"
    )
    output.add_argument("--quiet", action="store_true", help="no progress, only the result")
    return parser


def run(options: argparse.Namespace, output: Output) -> int:
    """Starts the service, measures, judges, stores and prints. Raises `UserError` when it cannot begin."""
    began = time.monotonic()
    wishes = wishes_of(options)
    from app.cli.measuring import check_wishes
    from app.cli.run import carry_out, tell

    check_wishes(wishes)
    folder = None if options.out is None else Path(options.out)
    file = demo_file(datetime.now(UTC).date(), folder)
    spec = spec_of(file, quick=options.quick)
    most = QUICK_SECONDS if options.quick else SECONDS
    width = " (quick: less time, so a wider interval)" if options.quick else ""
    output.progress("the demo: the recommender of an online shop before its winter campaign, on this machine")
    output.progress(
        f"looking for the highest rate at which it keeps {SLO}; {most:.0f} s in all at most{width}"
    )
    done = carry_out(
        file,
        replace(wishes, json=None),
        output,
        shortened=lambda _: in_time(spec, most, time.monotonic() - began),
    )
    _write_documents(done, wishes, folder, output)
    code = tell(done, replace(wishes, json=None), output)
    if options.quick:
        from app.cli.layout import wrapped

        text = "Quick: the interval is wider than that of loadstone demo without --quick."
        output.lines(wrapped(text, output.columns, "muted"))
    return 0 if completed(done.result or {}) else code


def completed(result: Mapping[str, object]) -> bool:
    """True when the demo ran to its end, whatever it found."""
    run = result.get("run")
    return isinstance(run, dict) and run.get("status") == "completed"


def demo_file(today: date, folder: Path | None = None) -> RunFile:
    """The demo's run file as of `today`, with its report in `folder` where one is given."""
    import resources.demo
    from app.cli.run_file import DEFAULT_FILE, ReportFile, read_run_file

    (place,) = resources.demo.__path__
    file = read_run_file(Path(place, DEFAULT_FILE))
    assert file.answers is not None, "the demo is judged"
    reports = () if folder is None else (ReportFile(folder / _FILE_REPORT, "pdf"),)
    return replace(file, answers=moved(file.answers, today - WRITTEN_ON), reports=reports)


def moved(answers: Answers, by: timedelta) -> Answers:
    """The answers with the dates of documents, past peaks and the event moved: the campaign lies ahead."""
    claims = {
        name: replace(
            claim,
            attachments=tuple(
                replace(one, dated=None if one.dated is None else one.dated + by) for one in claim.attachments
            ),
        )
        for name, claim in answers.claims.items()
    }
    values = dict(answers.profile.values)
    if isinstance(day := values.get("event_on"), str):
        values["event_on"] = (date.fromisoformat(day) + by).isoformat()
    peaks = {(date.fromisoformat(day) + by).isoformat(): rate for day, rate in answers.profile.peaks.items()}
    profile = replace(answers.profile, values=MappingProxyType(values), peaks=MappingProxyType(peaks))
    return replace(answers, claims=claims, profile=profile)


def spec_of(file: RunFile, *, quick: bool) -> LoadSpec:
    """The load of the demo: that of its file, or a shorter one."""
    if not quick:
        return file.spec
    return replace(file.spec, budget_s=QUICK_BUDGET_S, precision=QUICK_PRECISION)


def in_time(spec: LoadSpec, most_s: float, begun_s: float) -> LoadSpec:
    """The load, shortened so that the demo ends within `most_s`, of which `begun_s` are over.

    What comes after the search takes about as long as what came before: some 3 s each on a machine with
    nothing else to do, and longer in proportion on a busy one. Warm-up, a last look at the throughput and one
    inside the service are 5 s more.
    """
    left = most_s - 2 * begun_s - 5.0
    return replace(spec, budget_s=min(spec.budget_s, max(LEAST_BUDGET_S, left)))


def _write_documents(done: Done, wishes: Wishes, folder: Path | None, output: Output) -> None:
    """The load run where `--json` or `--out` says, and the assessment beside it."""
    from app.cli.written import write_document
    from assessments.evidence import sealed

    if wishes.json is not None and done.result is not None:
        write_document(sealed(done.result), wishes.json, output)
    if folder is not None and done.assessed is not None:
        write_document(done.assessed.to_json(), str(folder / _FILE_ASSESSMENT), output)


def wishes_of(options: argparse.Namespace) -> Wishes:
    """Where the demo's events and result go. Raises `UsageError`."""
    from app.cli.measuring import Wishes

    if options.out is None:
        return Wishes(
            options.store, assessment=ASSESSMENT, json=options.json, events=options.events is not None
        )
    for name in ("store", "json"):
        if getattr(options, name) is not None:
            raise UsageError(f"--out and --{name} exclude each other: give one of them")
    folder = Path(options.out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {folder} cannot be made ({error.strerror}): name another folder") from error
    return Wishes(
        str(folder / _FILE_STORE),
        assessment=ASSESSMENT,
        json=str(folder / _FILE_RESULT),
        events=options.events is not None,
    )
