"""`--with SYSTEM=ADDRESS|PATH`: what else a run is held against, and what came of that in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.arguments import nearest
from app.cli.figures import known, number, share
from app.cli.layout import Line, plain, wrapped
from probes.errors import UsageError

if TYPE_CHECKING:
    from probes.cross_checked import CrossCheck
    from probes.targets.grpc import GrpcTarget
    from probes.targets.http import HttpTarget
    from probes.targets.target import Target

LIVE, PATHS = ("prometheus", "metrics"), ("manifests",)
SYSTEMS = (*LIVE, *PATHS)
CLOSE = 0.01
"""Counts that differ by no more than this share agree."""


@dataclass(frozen=True, slots=True)
class CheckAddress:
    """A system to check against: the address of a live one, or the path of files."""

    system: str
    address: str

    @property
    def is_path(self) -> bool:
        """Whether it is files."""
        return self.system in PATHS


def read_check(text: str, option: str = "--with") -> CheckAddress:
    """`prometheus=http://127.0.0.1:9090` or `manifests=deploy/`. Raises `UsageError`."""
    system, sign, address = text.partition("=")
    if not sign or not address.strip():
        raise UsageError(
            f"'{text:.200}' is no value for {option}: write prometheus=http://127.0.0.1:9090 "
            "or manifests=deploy/"
        )
    if system not in SYSTEMS:
        hint = nearest(system, SYSTEMS, f"known are {', '.join(SYSTEMS)}")
        raise UsageError(f"{option}: '{system:.40}' is no system to check against: {hint}")
    if system in LIVE and "://" not in address:
        raise UsageError(f"{option}: '{address:.200}' is no address: write {system}=http://127.0.0.1:9090")
    return CheckAddress(system, address.strip())


def checks_for(
    addresses: Sequence[CheckAddress], target: Target | None, *, base: Path | None = None
) -> list[CrossCheck]:
    """The checks, with files read already. Files below `base` are named from there. Raises `UserError`.

    A target that is no service (None) has no metrics of its own to be held against.
    """
    from app.assessing import scanned
    from probes.cross_checked import GivenFacts
    from probes.facts import Fact
    from probes.targets.grpc import GrpcTarget
    from probes.targets.http import HttpTarget

    made: list[CrossCheck] = []
    for one in addresses:
        if one.is_path:
            document = scanned([one.address], base=base)
            entry = {"system": one.system, "path": one.address, "problems": document["problems"]}
            made.append(GivenFacts([Fact.from_json(fact) for fact in document["facts"]], entry))
        elif not isinstance(target, HttpTarget | GrpcTarget):
            raise UsageError(
                f"--with {one.system}=… counts the requests of a service, and this target is none"
            )
        else:
            made.append(counter_for(one, target))
    return made


def self_report(target: Target | None, addresses: Sequence[CheckAddress]) -> list[CrossCheck]:
    """What asks the service itself for health paths and metrics; nothing for what is no HTTP service of this
    machine. Metrics that are asked by `addresses` already are left alone."""
    from probes.monitoring.self_report import SelfReport, service_address
    from probes.targets.http import HttpTarget

    if not isinstance(target, HttpTarget) or target.remote:
        return []
    where = service_address("http" if target.tls is None else "https", target.host, target.port, target.ip)
    count = not any(one.system in LIVE for one in addresses)
    return [SelfReport(where, target.path, _one_request_to(target), count=count)]


def counter_for(one: CheckAddress, target: HttpTarget | GrpcTarget) -> CrossCheck:
    """The counter of requests at that address. Raises `UserError`."""
    from probes.monitoring.request_counters import RequestCounter

    return RequestCounter(
        one.address,
        target.path,
        _one_request_to(target),
        target=(target.host, target.port),
        allow_remote=target.remote,
    )


def _one_request_to(target: HttpTarget | GrpcTarget) -> Callable[[], object]:
    """Sends one request beside the load, so that a counter that starts with the first shows up."""
    return lambda: target.prepared(10.0).check(10.0)


def check_lines(result: Mapping[str, Any], columns: int) -> list[Line]:
    """One sentence for each count of requests, and one for what the manifests mean beside the measurement."""
    lines: list[Line] = []
    entries = [entry for entry in result.get("cross_checks") or () if isinstance(entry, Mapping)]
    for entry in entries:
        if entry.get("system") == "health":
            lines += _health_lines(entry, columns)
        elif entry.get("system") in LIVE:
            lines += _count_lines(entry, columns)
        for problem in entry.get("problems") or ():
            where = problem["file"] if problem.get("line") is None else f"{problem['file']}:{problem['line']}"
            lines += wrapped(plain(f"{where}: {problem['message']}"), columns, "warn", "  ")
    if any(entry.get("system") in PATHS for entry in entries):
        lines += manifest_lines(result, columns)
    return lines


def _health_lines(entry: Mapping[str, Any], columns: int) -> list[Line]:
    """The health paths that were found; nothing where none was."""
    paths = [
        f"{what} at {plain(entry[key], 100)}"
        for key, what in (("liveness", "alive"), ("readiness", "ready"))
        if entry.get(key)
    ]
    lines = wrapped(f"It says whether it is {' and '.join(paths)}.", columns, "muted") if paths else []
    for kind, word, then in (
        ("readiness", "ready", "taken it out of rotation"),
        ("liveness", "alive", "restarted it"),
    ):
        seen = (entry.get("under_load") or {}).get(kind)
        if seen:
            text = f"Under load it said that it is {word} in {number(seen['checks'] - seen['failed'])} of "
            text += f"{number(seen['checks'])} checks"
            if seen["failed"]:
                text += (
                    f"; the first failed in step {seen['first_failed_step'] + 1}"
                    f": {plain(seen['because'], 200)}"
                )
            if not seen["held"]:
                text += (
                    f". {number(seen['failed_in_a_row'])} failed in a row, a second apart: Kubernetes, by "
                    f"default, would have {then} after three of its own"
                )
            lines += wrapped(f"{text}.", columns, "ok" if not seen["failed"] else "bad")
    return lines


def _count_lines(entry: Mapping[str, Any], columns: int) -> list[Line]:
    who = f"{plain(entry.get('address'), 200)} counted"
    ratio = known(entry.get("ratio"))
    if ratio is None:
        why = plain(entry.get("because") or "it is not known", 300)
        if entry.get("found"):  # nobody asked for it
            return wrapped(f"How many requests {who} is not known: {why}.", columns, "muted")
        return wrapped(f"Not known how many requests {who}: {why}.", columns, "warn")
    counted, sent, given_up = (known(entry.get(name)) for name in ("counted", "sent", "given_up"))
    text = f"{who} {number(counted)} of {number(sent)} requests sent"
    if given_up and counted is not None and sent is not None and counted < sent:
        text += f", of which this client gave up {number(given_up)}"
    if abs(ratio - 1) <= CLOSE:
        return wrapped(f"{text}: they agree.", columns, "ok")
    return wrapped(f"{text}, {share(ratio)}: its own monitoring is off.", columns, "bad")


def manifest_lines(result: Mapping[str, Any], columns: int) -> list[Line]:
    """What was configured, held against what was measured."""
    from datetime import UTC, datetime

    from assessments.cross_checks import derived_facts
    from assessments.evidence import weigh
    from assessments.profile import EMPTY
    from probes.facts import Fact

    facts = [Fact.from_json(entry) for entry in result.get("facts") or ()]
    derived = {fact.name: known(fact.value) for fact in derived_facts(weigh(facts, datetime.now(UTC)), EMPTY)}
    lines: list[Line] = []
    memory = derived.get("derived.memory_limit_headroom")
    if memory is not None:
        text = f"The memory limit is {number(memory)} times the largest resident memory under load"
        lines += wrapped(f"{text}.", columns, "bad" if memory < 1 else "warn" if memory < 1.2 else "ok")
    margin = derived.get("derived.hpa_target_margin")
    if margin is not None:
        reached = "is reached" if margin >= 1 else "is never reached, so that it does not act"
        at_knee = share(derived.get("derived.cpu_at_knee_request_ratio"))
        text = f"At its highest throughput it used {at_knee} of the CPU request; the autoscaler's target"
        lines += wrapped(f"{text} {reached}.", columns, "ok" if margin >= 1 else "bad")
    if not lines:
        lines += wrapped("Nothing in the manifests can be held against this run.", columns, "muted")
    return lines
