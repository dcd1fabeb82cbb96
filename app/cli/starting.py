"""Starts the target of a probe or a run file, one instance or several, and ends it all again."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.cli.arguments import CommandParser, whole_number
from app.cli.output import Output
from app.cli.run_file import PORT, START_DEADLINE_S, TRIAL_PORT, Start, at_port
from probes.errors import UsageError

if TYPE_CHECKING:
    from app.cli.checks import CheckAddress
    from app.cli.measuring import Wishes
    from probes.load.instances import Instance
    from probes.load.spec import LoadSpec
    from probes.probe import Probe
    from probes.targets.service import Service
    from probes.targets.target import Target

MOST_INSTANCES = 16
EXAMPLES = (
    "loadstone probe 'http://127.0.0.1:{port}/predict' --start 'python serve.py --port {port}'",
    "loadstone probe 'http://127.0.0.1:{port}/' --start 'python serve.py {port}' --instances 2 --end-one",
)


@dataclass(frozen=True, slots=True)
class Started:
    """What was started: the instances in their order, each having answered once."""

    instances: tuple[Instance, ...]

    @property
    def port(self) -> int | None:
        """The port of the first instance."""
        return self.instances[0].service.port

    @property
    def target(self) -> Target:
        """How the first instance is asked."""
        return self.instances[0].target

    @property
    def pids(self) -> tuple[int, ...]:
        """The process of each instance that was started as the command."""
        return tuple(instance.service.pid for instance in self.instances)

    @property
    def start_s(self) -> float:
        """Seconds from the start of an instance to its first good answer, of the slowest."""
        return max(instance.start_s or 0.0 for instance in self.instances)


@contextmanager
def started(
    start: Start, address: str, target_at: Callable[[int | None], Target], timeout_s: float, output: Output
) -> Iterator[Started]:
    """The instances of a target, one started after the other, so that none slows the start of another.

    `address` is that of the target, `{port}` in it standing for the port of each; `target_at` makes the
    target of a port. Raises `TargetError` where one does not come up or answers wrongly; all are ended at
    the end.
    """
    from probes.load.instances import Instance

    many = start.instances > 1
    if many and PORT not in address:
        raise UsageError(
            f"{start.instances} instances need a port each: write {PORT} in the address of the target"
        )
    ports: list[int | None] = [_port_of(address)] * start.instances
    if start.is_given_its_port:
        ports = list(_free_ports(start.instances))
    with contextlib.ExitStack() as stack:
        instances: list[Instance] = []
        for number, port in enumerate(ports, 1):
            of = f" (instance {number} of {start.instances})" if many else ""
            output.progress(f"starting the target{of}: {' '.join(start.command)[:200]}")
            began = time.monotonic()
            service = stack.enter_context(_service(start, port))
            target = target_at(service.port)
            target.prepared(timeout_s).check(timeout_s)
            instances.append(Instance(target, service, time.monotonic() - began))
        yield Started(tuple(instances))


def _service(start: Start, port: int | None) -> Service:
    from probes.targets.service import Service

    more = {name: at_port(text, port) for name, text in start.environment.items()}
    return Service(
        [at_port(part, port) for part in start.command],
        environment={**os.environ, **more} if more else None,
        folder=start.folder,
        port=port,
        ready_path=start.ready,
        deadline_s=start.deadline_s,
    )


def _free_ports(count: int) -> Iterator[int]:
    """Ports of 127.0.0.1 that are free, all different."""
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in taken:
            one.bind(("127.0.0.1", 0))
        ports = [int(one.getsockname()[1]) for one in taken]
    yield from ports


def _port_of(address: str) -> int | None:
    """The port that an address names; None where it is left open."""
    if PORT in address:
        return None
    parts = urlsplit(address)
    return parts.port or (443 if parts.scheme.endswith("https") else 80)


def add_options(parser: CommandParser) -> None:
    """Adds the options that start the target to those of `probe`."""
    group = parser.add_argument_group("a service that is started for the probe")
    group.add_argument(
        "--start",
        metavar="COMMAND",
        help="the command that starts it, without a shell, and is ended after the probe with all it started; "
        "{port} in it and in TARGET is a free port; without it in COMMAND the service prints a line "
        '{"port": N} once it is ready',
    )
    group.add_argument(
        "--ready",
        metavar="PATH",
        help="the path that answers, with a status below 500, once it is ready (default: that of TARGET)",
    )
    group.add_argument(
        "--instances",
        metavar="N",
        type=whole_number("--instances", 1, MOST_INSTANCES),
        help="start it so often, each on a port of its own; they share the load in turn, and what each "
        "carries alone is measured too (default 1)",
    )
    group.add_argument(
        "--end-one",
        action="store_true",
        help="in the end kill one instance, or one of several processes of a single one, under load: what "
        "fails, for how long, and whether the others carry it (up to 30 s more)",
    )


def refuse_strange(options: argparse.Namespace) -> None:
    """Raises `UsageError` for options of the start that mean nothing, or for others that it excludes."""
    if options.start is None:
        for name in ("ready", "instances", "end_one"):
            if getattr(options, name):
                option = f"--{name.replace('_', '-')}"
                raise UsageError(f"{option} is of a service that is started here: add --start COMMAND")
        if PORT in options.target:
            raise UsageError(f"{PORT} is of a service that is started here: add --start COMMAND")
        return
    from app.cli.user_code import is_user_code

    if is_user_code(options.target):
        raise UsageError(
            "code of yours is started by the probe itself: leave --start out (--workers, --threads)"
        )
    if options.more_targets:
        raise UsageError("--start starts one service: leave the further models out")
    if options.pid:
        raise UsageError("the processes of --start are watched: leave --pid out")
    for name in ("repeat", "baseline"):
        if getattr(options, name) and options.end_one:
            raise UsageError(f"--end-one and --{name} exclude each other: what was killed is not there again")
    start_of(options)


def start_of(options: argparse.Namespace) -> Start:
    """How the target is started. Raises `UsageError`."""
    try:
        command = tuple(shlex.split(options.start))
    except ValueError as error:
        raise UsageError(f"--start cannot be split into words: {error}") from error
    if not command:
        raise UsageError(
            "--start holds no command: write for example --start 'python serve.py --port {port}'"
        )
    count = options.instances or 1
    given = any(PORT in part for part in command)
    if PORT not in options.target and (given or count > 1):
        raise UsageError(
            f"--start: write {PORT} in TARGET too, for example 'http://127.0.0.1:{PORT}/predict'"
        )
    ready = options.ready
    if ready is None and (given or PORT not in options.target):
        ready = urlsplit(at_port(options.target, TRIAL_PORT)).path or "/"
    if ready is not None and PORT in options.target and not given:
        raise UsageError(
            f"--ready needs a port that is known: write {PORT} in --start too, or leave --ready out"
        )
    return Start(command, ready, Path.cwd(), {}, START_DEADLINE_S, options.end_one, count)


def measure_started(
    options: argparse.Namespace,
    spec: LoadSpec,
    wishes: Wishes,
    addresses: list[CheckAddress],
    output: Output,
) -> int:
    """Starts the target, measures as `probe` does, and returns the exit code. Raises `UserError`."""
    from app.cli.baseline import live_address, read_baseline, refuse_too_short
    from app.cli.checks import checks_for, self_report
    from app.cli.measuring import run_folder
    from app.cli.probe import target_of
    from app.cli.repeats import measure_repeatedly
    from app.cli.user_code import sample_as_body
    from probes.cross_checked import CrossCheckedProbe, GivenFacts, start_fact
    from probes.load.probe import LoadProbe

    sample_as_body(options)
    baseline = None
    if options.baseline:
        refuse_too_short(spec)
        if live_address(options.baseline) is not None:
            raise UsageError("--baseline with the address of a target and --start exclude each other")
        baseline = read_baseline(options.baseline, options.store, spec.to_json(), options.allow)

    def target_at(port: int | str | None) -> Target:
        return target_of(argparse.Namespace(**vars(options) | {"target": at_port(options.target, port)}))

    target_at(TRIAL_PORT)  # what is wrong with it is said before anything is started
    with started(start_of(options), options.target, target_at, spec.timeout_s, output) as running:
        many = len(running.instances) > 1
        here = [replace(one, address=at_port(one.address, running.port)) for one in addresses]
        checks = [
            GivenFacts([start_fact(running.start_s)], of_this_run=True),
            *checks_for(here, running.target),
        ]
        if not options.no_self_report and not many:
            checks += self_report(running.target, here)

        def make(spec: LoadSpec) -> Probe:
            probe = LoadProbe(
                running.target,
                spec,
                pids=running.pids,
                folder=run_folder(wishes),
                may_end_one=options.end_one,
                instances=running.instances if many else (),
            )
            return CrossCheckedProbe(probe, checks)

        return measure_repeatedly(make, spec, wishes, output, times=options.repeat or 1, baseline=baseline)
