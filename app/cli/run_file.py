"""`loadstone.yaml`: a whole assessment as a file, read and checked before anything is started.

    assessment: shop-recommender         # its name in the store
    title: Before the winter campaign
    target: http://127.0.0.1:{port}/recommend
    start:                               # optional: what starts the target
      command: [python, serve.py, --port, "{port}"]
      ready: /readyz                     # or the command prints a JSON line with its "port"
      instances: 2                       # so many of it, each on a port of its own, share the load
      end_one: true                      # at the end kill an instance, or one of its processes, under load
    body: {user: 17}                     # also bodies, method, headers, expect_status, expect_body, and
                                         # for https:// ca, insecure
    slo: p99<=200ms,errors<=1%
    load: {precision: 5%, budget: 60s}   # the load options of `probe`, with _ for -
    with: {metrics: "http://127.0.0.1:{port}/metrics"}
    answers: answers.yaml                # or the answers themselves; the profile stands in them
    lens: loadstone-readiness            # or a path
    scan: [deploy/, "prometheus=http://127.0.0.1:9090"]
    evidence: [facts.json]               # what Loadstone wrote on another machine
    require: [capacity>=150]
    report: [report.pdf, report.html]

Relative paths start at the folder of the file. `{port}` is a free port where the command is given it, else
the one that the command prints; `{python}` is the interpreter of Loadstone, `{here}` the folder of the file.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probes.documents import read_file, read_json, read_yaml
from probes.errors import UsageError

if TYPE_CHECKING:
    from app.cli.checks import CheckAddress
    from assessments.claims import Answers
    from assessments.lens import Lens
    from probes.load.spec import LoadSpec
    from probes.targets.hosted_probe import HostedProbe
    from probes.targets.target import Target

DEFAULT_FILE = "loadstone.yaml"
SCHEMA = "loadstone.run/1"
MAX_FILE_BYTES = 1_000_000
PORT, PYTHON, HERE = "{port}", "{python}", "{here}"
START_DEADLINE_S = 60.0
TRIAL_PORT = "9"
"""Stands for a port that is not known yet while an address is checked; nothing is sent to it."""

CODE_KEYS = ("sample", "spread", "python", "workers", "threads")
"""How code of one's own is called."""
KEYS = (
    "schema", "assessment", "title", "target", "start", "method", "headers", "body", "bodies",
    "expect_status", "expect_body", "allow_remote", "ca", "insecure", "proto", "streams", "client",
    *CODE_KEYS, "slo", "load", "with", "answers", "lens", "scan", "workload", "evidence", "require", "report",
)  # fmt: skip
LOAD_KEYS = (
    "find_capacity", "precision", "max_rate", "budget", "rate", "duration", "stages", "ramp", "concurrency",
    "step", "sweep", "replay", "soak", "users", "think",
    "arrivals", "seed", "timeout", "warmup", "connections", "shards",
    "check_answers", "no_check_answers", "overload",
)  # fmt: skip
START_KEYS = ("command", "ready", "folder", "environment", "deadline", "instances", "end_one")


@dataclass(frozen=True, slots=True)
class Start:
    """The command that starts the target, `instances` times. `ready` is a path that answers then; else it
    prints its port. With `end_one` one of the instances, or of the processes of a single one, is ended under
    load in the end."""

    command: tuple[str, ...]
    ready: str | None
    folder: Path
    environment: Mapping[str, str]
    deadline_s: float
    end_one: bool = False
    instances: int = 1

    @property
    def is_given_its_port(self) -> bool:
        """Whether the command is told which port to take."""
        return any(PORT in part for part in (*self.command, *self.environment.values()))


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A report to write, and its format."""

    path: Path
    format: str


@dataclass(frozen=True)
class RunFile:
    """A file that was read and checked.

    `target` is None where nothing is put under load, `answers` and `lens` where nothing is judged.
    """

    path: Path
    assessment: str
    title: str
    target: str | None
    request: Mapping[str, Any]
    start: Start | None
    spec: LoadSpec
    checks: tuple[CheckAddress, ...]
    answers: Answers | None
    lens: Lens | None
    paths: tuple[str, ...]
    live: tuple[tuple[str, str], ...]
    workload: str | None
    evidence: tuple[Path, ...]
    reports: tuple[ReportFile, ...]

    @property
    def folder(self) -> Path:
        """Where its relative paths start."""
        return self.path.absolute().parent

    def target_at(self, port: int | None) -> Target:
        """The target, at that port where the address leaves it open; not of code. Raises `UserError`."""
        from probes.targets.kinds import parse_target

        assert self.target is not None, "only asked where something is put under load"
        return parse_target(at_port(self.target, port), self.request)

    @property
    def is_code(self) -> bool:
        """Whether the target is code of one's own, which is started by the probe."""
        from app.cli.user_code import is_user_code

        return self.target is not None and is_user_code(self.target)

    def code_probe(self, spec: LoadSpec, folder: Path | None) -> HostedProbe:
        """The probe that starts the code, found from the folder of the file. Raises `UsageError`."""
        from probes.targets.hosted_probe import HostedProbe
        from probes.targets.user_code import parse_user_code, sized_code

        assert self.target is not None, "only asked where something is put under load"
        request = dict(self.request)
        expect_body = request.pop("expect_body", None)
        code = parse_user_code(self.target, cwd=self.folder, **request)
        if spec.sweep is not None:
            code = sized_code(code, spec.sweep.axis, spec.sweep.sizes)
        return HostedProbe(code, spec, expect_body=expect_body, folder=folder)


def at_port(text: str, port: int | str | None) -> str:
    """The text with the port in the place of `{port}`."""
    return text if port is None else text.replace(PORT, str(port))


def read_run_file(path: Path, options: Namespace | None = None) -> RunFile:
    """Reads the file and all that it names: answers, lens, bodies. Raises `UsageError` with file and line.

    `options` may hold `report`, paths that take the place of those in the file.
    """
    from app.cli.run_file_reader import RunFileReader

    if path.is_dir():
        path = path / DEFAULT_FILE
    if not path.exists():
        raise UsageError(
            f"'{path}' is not there: write one (loadstone run --help shows it), or name the file to run"
        )
    data = read_file(path, max_bytes=MAX_FILE_BYTES)
    is_json = path.suffix.lower() == ".json"
    document = read_json(data, str(path)) if is_json else read_yaml(data, str(path))
    given = None if options is None else options.report
    return RunFileReader(path).run_file(document, [Path(name) for name in given or ()])
