"""`loadstone probe python:…`, `model:…` and `command:…`: the options of targets that are the user's code."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from app.cli.arguments import CommandParser, whole_number
from probes.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from probes.load.spec import LoadSpec
    from probes.probe import Probe
    from probes.targets.user_code import Sample, UserCode

SCHEMES = ("python:", "model:", "command:")
EXAMPLES = (
    "loadstone probe python:app.model:predict --sample @x.json --workers 2 --threads 4",
    "loadstone probe python:app/model.py:predict --python .venv/bin/python --concurrency 1,2,4",
    "loadstone probe model:model.onnx --slo 'p99<=20ms'",
    "loadstone probe command:'./score --once' --sample @x.json --rate 5 --duration 30s",
)
_OF_HTTP = (
    "--method",
    "--header",
    "--body",
    "--bodies",
    "--expect-status",
    "--pid",
    "--ca",
    "--insecure",
    "--proto",
    "--streams",
    "--client",
)
_OF_CODE = ("--spread", "--python", "--workers", "--threads", "--memory-limit")
_MOST_WORKERS, _MOST_THREADS = 64, 256


def add_options(parser: CommandParser) -> None:
    """The options of these targets, as a group of their own."""
    code = parser.add_argument_group("code of yours: python:module:callable, model:FILE, command:LINE")
    code.add_argument(
        "--sample",
        metavar="TEXT|@FILE|@-",
        help="what it is called with: JSON; @FILE may be .json, .txt, .npy, or .jsonl with one a line, in "
        "turn (default: the callable's defaults, or what the model says it takes)",
    )
    code.add_argument(
        "--spread", action="store_true", help="the sample's keys are the callable's keyword arguments"
    )
    code.add_argument(
        "--python", metavar="PATH", help="the interpreter or virtual environment that has what the code needs"
    )
    code.add_argument(
        "--workers",
        metavar="N",
        type=whole_number("--workers", 1, _MOST_WORKERS),
        help="processes that run it (default 1)",
    )
    code.add_argument(
        "--threads",
        metavar="N",
        type=whole_number("--threads", 1, _MOST_THREADS),
        help="callers at once in each process (default 1)",
    )
    code.add_argument(
        "--memory-limit",
        metavar="SIZE",
        help="most memory of a process, for example 2GiB (default: 80%% of what is free)",
    )


def is_user_code(target: str) -> bool:
    """Whether a target is code of the user's."""
    return target.startswith(SCHEMES)


def refuse_strange_options(options: argparse.Namespace) -> None:
    """Raises `UsageError` for options that mean nothing for the kind of target."""
    of_code = is_user_code(options.target)
    for name in _OF_HTTP if of_code else _OF_CODE:
        if getattr(options, name.removeprefix("--").replace("-", "_"), None):
            kind = options.target.partition(":")[0]
            instead = ": give --sample" if name in ("--body", "--bodies") else ": leave it out"
            raise UsageError(f"{name} is not for a target of the kind {kind:.20}{instead}")
    if not of_code and options.sample is not None and (options.body or options.bodies):
        raise UsageError("--sample and --body both give the input: leave one of them out")


def user_code_of(options: argparse.Namespace) -> UserCode:
    """The target that the options describe. Raises `UsageError`."""
    from probes.targets.user_code import parse_size, parse_user_code

    more: dict[str, Any] = {}
    if options.memory_limit is not None:
        more["memory_bytes"] = parse_size(options.memory_limit)
    return parse_user_code(
        options.target,
        sample=_sample(options),
        spread=options.spread,
        python=options.python,
        workers=options.workers or 1,
        threads=options.threads or 1,
        **more,
    )


def probe_of(options: argparse.Namespace, spec: LoadSpec, folder: Path | None = None) -> Probe:
    """The probe that starts the code and measures it; its files go to `folder`. Raises `UsageError`."""
    from probes.targets.hosted_probe import HostedProbe

    code = user_code_of(options)
    if spec.sweep is not None:
        from probes.targets.user_code import sized_code

        code = sized_code(code, spec.sweep.axis, spec.sweep.sizes)
    return HostedProbe(code, spec, expect_body=_pattern(options.expect_body), folder=folder)


def sample_as_body(options: argparse.Namespace) -> None:
    """For an HTTP target the sample is the body, or one body a line."""
    if options.sample is None:
        return
    many = options.sample.startswith("@") and options.sample.endswith(".jsonl")
    options.bodies, options.body = (options.sample, None) if many else (None, options.sample)
    options.sample = None


def _sample(options: argparse.Namespace) -> Sample | None:
    from app.cli.inputs import read_body
    from probes.targets.user_code import read_sample

    if options.sample is None:
        return None
    data = read_body(options.sample, "--sample")
    named = options.sample.startswith("@") and options.sample != "@-"
    name = options.sample[1:] if named else ""
    return read_sample(data, name, options.target.partition(":")[0])


def _pattern(text: str | None) -> str | None:
    import re

    if text is not None:
        try:
            re.compile(text.encode())
        except re.error as error:
            raise UsageError(f"--expect-body {text!r} is not a regular expression: {error}") from error
    return text
