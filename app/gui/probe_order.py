"""What a person asks of a probe in the window, as the command line that runs.

`problems` says of each field what is wrong with it, in the words of the command line's own readers.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from app.gui.target_fields import fields_of, is_code
from probes.errors import UserError

Kind = Literal["capacity", "steps", "rate", "users"]
BodyKind = Literal["none", "text", "lines"]
GRPCIO = "grpcio"
"""The client of gRPC that is not ours."""
MOST_BODY = 100_000
"""Characters of a body that a command line holds; longer ones come from a file."""


@dataclass(frozen=True)
class ProbeOrder:
    """The fields as they are written; those that the kind of target does not take count for nothing.

    `slo_more` are bounds of the objective beside the one percentile; `spread` is empty or not.
    `streams` and `client` are of gRPC: calls at once on a connection, which only our own client takes.
    `check_answers` counts for what is asked over a network, `overload` for a search.
    """

    target: str = ""
    method: str = ""
    headers: tuple[str, ...] = ()
    body_kind: BodyKind = "none"
    body: str = ""
    bodies: str = ""
    sample: str = ""
    spread: str = ""
    python: str = ""
    workers: str = "1"
    threads: str = "1"
    proto: str = ""
    streams: str = ""
    client: str = ""
    percentile: str = "p99"
    limit_ms: str = "500"
    errors: str = "1"
    slo_more: str = ""
    kind: Kind = "capacity"
    precision: str = "5"
    budget: str = "120"
    max_rate: str = ""
    concurrency: str = "1,2,4,8,16,32"
    step: str = "5"
    rate: str = "100"
    duration: str = "30"
    users: str = "50"
    think: str = "2"
    checks: tuple[str, ...] = ()
    check_answers: bool = True
    overload: bool = False
    allow_remote: bool = False

    @property
    def slo(self) -> str:
        """The objective as the command line takes it."""
        parts = [f"{self.percentile}<={self.limit_ms.strip()}ms"] if self.limit_ms.strip() else []
        parts += [self.slo_more] if self.slo_more else []
        parts += [f"errors<={self.errors.strip()}%"] if self.errors.strip() else []
        return ",".join(parts)

    def with_slo(self, text: str) -> ProbeOrder:
        """The same with another objective. Raises `UsageError`."""
        from probes.slo import parse_slo

        slo = parse_slo(text)
        bounds = {bound.name: bound.limit_ms for bound in slo.bounds}
        of_response = (bound.name for bound in slo.bounds if bound.of == "response")
        name = "p99" if "p99" in bounds else next(of_response, "p99")
        more = ",".join(f"{other}<={limit:g}ms" for other, limit in bounds.items() if other != name)
        return replace(
            self,
            percentile=name,
            limit_ms=f"{bounds[name]:g}" if name in bounds else "",
            errors="" if slo.error_ratio is None else f"{slo.error_ratio * 100:g}",
            slo_more=more,
        )

    def arguments(self, assessment: str = "") -> tuple[str, ...]:
        """The arguments of `loadstone`."""
        words = ["probe", self.target.strip() or "TARGET", *self._input_arguments()]
        if self.slo:
            words += ["--slo", self.slo]
        if self.kind == "capacity":
            words += ["--precision", f"{self.precision.strip()}%", "--budget", f"{self.budget.strip()}s"]
            words += ["--max-rate", self.max_rate.strip()] if self.max_rate.strip() else []
            words += ["--overload"] if self.overload else []
        elif self.kind == "steps":
            words += ["--concurrency", self.concurrency.replace(" ", ""), "--step", f"{self.step.strip()}s"]
        elif self.kind == "users":
            words += ["--users", self.users.strip(), "--think", _seconds(self.think)]
            words += ["--duration", f"{self.duration.strip()}s"]
        else:
            words += ["--rate", self.rate.strip(), "--duration", f"{self.duration.strip()}s"]
        for check in self.checks:
            words += ["--with", check]
        if not self.check_answers and not is_code(self.target):
            words.append("--no-check-answers")
        if self.allow_remote:
            words.append("--allow-remote")
        return (*words, *(("--assessment", assessment) if assessment else ()))

    def _input_arguments(self) -> list[str]:
        """What is sent, or called with, as far as the kind of target takes it."""
        fields, words = fields_of(self.target), []
        if "method" in fields and self.method:
            words += ["--method", self.method]
        for header in self.headers if "headers" in fields else ():
            words += ["--header", header]
        if "body_kind" in fields and self.body_kind == "text":
            words += ["--body", self.body]
        elif "body_kind" in fields and self.body_kind == "lines":
            words += ["--bodies", f"@{self.bodies.strip()}"]
        if "sample" in fields and self.sample.strip():
            words += ["--sample", self.sample.strip()]
        if "spread" in fields and self.spread:
            words.append("--spread")
        if "python" in fields and self.python.strip():
            words += ["--python", self.python.strip()]
        if "proto" in fields and self.proto.strip():
            words += ["--proto", self.proto.strip()]
        if "client" in fields and self.client:
            words += ["--client", self.client]
        if "streams" in fields and self.streams.strip() and self.client != GRPCIO:
            words += ["--streams", self.streams.strip()]
        for name in ("workers", "threads"):
            value = str(getattr(self, name)).strip()
            if name in fields and value != "1":
                words += [f"--{name}", value]
        return words

    def command_line(self, assessment: str = "", store: str | None = None) -> str:
        """What one would type for the same run."""
        more = ("--store", store) if store else ()
        return shlex.join(("loadstone", *self.arguments(assessment), *more))

    def to_json(self) -> dict[str, Any]:
        """The fields, to be filled in again; leave to send load elsewhere is never remembered."""
        return asdict(replace(self, allow_remote=False))


def order_of(document: Mapping[str, Any]) -> ProbeOrder:
    """The order that `to_json` gave; what is unknown or of another type is left at what it usually is."""
    known: dict[str, Any] = {}
    usual = ProbeOrder()
    for entry in fields(ProbeOrder):
        value = document.get(entry.name)
        if isinstance(value, list):
            value = tuple(str(one) for one in value)
        if type(value) is type(getattr(usual, entry.name)) and entry.name != "allow_remote":
            known[entry.name] = value
    return ProbeOrder(**known)


def order_of_run(result: Mapping[str, Any]) -> ProbeOrder:
    """What was asked of a stored run, as far as it says: neither bodies nor hidden values of headers."""
    from probes.targets.grpc_call import STREAMS

    target, load = result.get("target") or {}, result.get("load") or {}
    order = ProbeOrder(target=str(target.get("address", "")))
    method = str(target.get("method", ""))
    order = replace(order, method="" if method == "GET" else method)
    headers = tuple(str(one) for one in target.get("headers") or () if "(hidden)" not in str(one))
    order = replace(order, headers=headers)
    if "client" in fields_of(order.target):
        streams, client = target.get("streams"), str(target.get("client") or "")
        given = isinstance(streams, int) and streams != STREAMS
        order = replace(
            order, streams=str(streams) if given else "", client=client if client == GRPCIO else ""
        )
    if is_code(order.target):
        chosen = target.get("python") or {}
        order = replace(
            order,
            method="",
            spread="yes" if target.get("spread") else "",
            python=str(chosen.get("path", "")) if isinstance(chosen, Mapping) else "",
            workers=str(target.get("workers", 1)),
            threads=str(target.get("threads", 1)),
        )
    else:
        order = replace(order, check_answers=load.get("check_answers", "no") != "no")
    order = replace(order, overload=load.get("overload") is True)
    with suppress(KeyError, UserError):
        order = order.with_slo(str(load["slo"]))
    segments = [entry for entry in load.get("segments") or () if isinstance(entry, Mapping)]
    if segments and "think_s" in segments[0]:
        first = segments[0]
        constant = "constant:" if first.get("think") == "constant" else ""
        return replace(
            order,
            kind="users",
            users=str(first.get("concurrency", "")),
            think=f"{constant}{first['think_s']:g}{'s' if constant else ''}",
            duration=f"{first.get('seconds', 30):g}",
        )
    if segments and "concurrency" in segments[0]:
        callers = ",".join(str(entry.get("concurrency", "")) for entry in segments)
        return replace(order, kind="steps", concurrency=callers, step=f"{segments[0].get('seconds', 5):g}")
    if segments:
        rate, seconds = segments[0].get("rate_from", 100), segments[0].get("seconds", 30)
        return replace(order, kind="rate", rate=f"{rate:g}", duration=f"{seconds:g}")
    return replace(
        order,
        precision=f"{float(load.get('precision') or 0.05) * 100:g}",
        budget=f"{float(load.get('budget_s') or 120):g}",
        max_rate="" if not load.get("max_rate") else f"{load['max_rate']:g}",
    )


def problems(order: ProbeOrder) -> dict[str, str]:
    """What is wrong, by the field's name, as sentences; empty where it can be started.

    Reads files of bodies and the environment; resolves no name and sends nothing.
    """
    from app.cli.arguments import whole_number
    from app.cli.checks import read_check
    from app.cli.probe import MOST_USERS
    from probes.load.spec import parse_concurrency, parse_rate, parse_ratio, parse_seconds, parse_think

    found: dict[str, str] = {}

    def check(name: str, read: Callable[[], object]) -> None:
        try:
            read()
        except UserError as error:
            found.setdefault(name, str(error))

    if not order.target.strip():
        found["target"] = "write where the service answers, for example http://127.0.0.1:8000/predict"
    elif is_code(order.target):
        _check_code(order, check)
    else:
        check("target", lambda: _address(order.target.strip()))
        _check_request(order, found, check)
    check("slo", lambda: _slo(order))
    if order.kind == "capacity":
        check("precision", lambda: _above_zero(parse_ratio(f"{order.precision.strip()}%", "a precision")))
        check("budget", lambda: parse_seconds(f"{order.budget.strip()}s", "a budget"))
        if order.max_rate.strip():
            check("max_rate", lambda: parse_rate(order.max_rate.strip(), "a highest rate"))
    elif order.kind == "steps":
        check("step", lambda: parse_seconds(f"{order.step.strip()}s", "the time of a step"))
        check("concurrency", lambda: parse_concurrency(order.concurrency.replace(" ", ""), 5.0))
    elif order.kind == "users":
        check("users", lambda: whole_number("--users", 1, MOST_USERS)(order.users.strip()))
        check("think", lambda: parse_think(_seconds(order.think)))
        check("duration", lambda: parse_seconds(f"{order.duration.strip()}s", "a duration"))
    else:
        check("rate", lambda: parse_rate(order.rate.strip()))
        check("duration", lambda: parse_seconds(f"{order.duration.strip()}s", "a duration"))
    for text in order.checks:
        check("checks", lambda text=text: read_check(text))  # type: ignore[misc]
    return found


Check = Callable[[str, Callable[[], object]], None]


def _seconds(text: str) -> str:
    """Seconds as an option takes them; a unit that was written stays."""
    text = text.strip()
    return f"{text}s" if text[-1:].isdigit() else text


def _address(address: str) -> None:
    """Raises `UsageError` for what is no address; of kinds other than HTTP the scheme alone is looked at."""
    from probes.targets.http import check_address
    from probes.targets.kinds import options_of, scheme_of

    scheme = scheme_of(address)
    if scheme in ("", "http", "https"):
        check_address(address)
    else:
        options_of(scheme)


def _check_request(order: ProbeOrder, found: dict[str, str], check: Check) -> None:
    """What is sent to a service."""
    from app.cli.arguments import whole_number
    from app.cli.inputs import read_bodies
    from app.cli.probe import MOST_STREAMS

    fields = fields_of(order.target)
    if "method" in fields:
        check("method", lambda: _method(order.method))
    for header in order.headers if "headers" in fields else ():
        check("headers", lambda header=header: _header(header))  # type: ignore[misc]
    if "streams" in fields and order.streams.strip() and order.client != GRPCIO:
        check("streams", lambda: whole_number("--streams", 1, MOST_STREAMS)(order.streams.strip()))
    if "body_kind" not in fields:
        return
    if order.body_kind == "text" and len(order.body) > MOST_BODY:
        found["body"] = f"a body of more than {MOST_BODY:,} characters comes from a file: put it there"
    elif order.body_kind == "text" and not order.body:
        found["body"] = "write the body, or choose that there is none"
    if order.body_kind == "lines":
        if not order.bodies.strip():
            found["bodies"] = "name a file with one body a line"
        else:
            check("bodies", lambda: read_bodies(f"@{order.bodies.strip()}"))


def _check_code(order: ProbeOrder, check: Check) -> None:
    """Code of the user's: as the command line reads it; nothing is started."""
    from app.cli.arguments import whole_number
    from app.cli.inputs import read_body
    from probes.targets.kinds import scheme_of
    from probes.targets.user_code import MOST_THREADS, MOST_WORKERS, parse_user_code, read_sample

    target, sample = order.target.strip(), order.sample.strip()
    check("target", lambda: parse_user_code(target))
    check("workers", lambda: whole_number("--workers", 1, MOST_WORKERS)(order.workers.strip()))
    check("threads", lambda: whole_number("--threads", 1, MOST_THREADS)(order.threads.strip()))
    if sample:
        name = sample[1:] if sample.startswith("@") else ""
        check("sample", lambda: read_sample(read_body(sample, "--sample"), name, scheme_of(target)))  # type: ignore[arg-type]


def _method(method: str) -> None:
    from probes.targets.http import parse_target

    if method:
        parse_target("http://127.0.0.1:1/", method=method)


def _header(header: str) -> None:
    from probes.errors import UsageError
    from probes.targets.http import is_secret_header, parse_target

    name, _, value = header.partition(":")
    if is_secret_header(name) and not value.strip().startswith("env:"):
        raise UsageError(
            f"{name.strip()} is a secret: put it in an environment variable and write "
            f"'{name.strip()}: env:NAME'"
        )
    parse_target("http://127.0.0.1:1/", headers=(header,))


def _slo(order: ProbeOrder) -> None:
    from probes.errors import UsageError
    from probes.slo import parse_slo

    if not order.slo:
        raise UsageError("an objective bounds a response time or errors: write at least one of them")
    parse_slo(order.slo)


def _above_zero(value: float) -> None:
    from probes.errors import UsageError

    if value <= 0:
        raise UsageError("a precision is over 0: write for example 5")
