"""The command line: finds the command, runs it, and turns what went wrong into a sentence and an exit code.

Each command is a module with `parser()` and `run(options, output) -> int`; it is imported only when it is the
one that runs, so that `loadstone --help` stays quick.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from app.cli.arguments import CommandParser, examples_block, nearest
from app.cli.output import Output, OutputError
from probes.errors import LoadstoneError, UsageError, UserError

BAD_USAGE, OUR_FAULT, INTERRUPTED = 2, 70, 130
READER_GONE = 141
"""What a shell shows for git and others when the reader of their output goes away (128 + SIGPIPE)."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command's name, what it does in a line, its module, and whether the short help lists it."""

    name: str
    does: str
    module: str
    main: bool = True


COMMANDS = (
    Command("run", "a whole assessment as a file: probe, scan, judge, report", "app.cli.run"),
    Command("probe", "put a target under load, watch it, say what it carries", "app.cli.probe"),
    Command("scan", "evidence from manifests, rules and live systems, as facts", "app.cli.scan"),
    Command("assess", "hold the answers of a checklist against the facts, and score", "app.cli.assess"),
    Command("report", "the readiness report of an assessment: PDF, HTML, JSON, CSV, …", "app.cli.report"),
    Command("demo", "all of it on a demo service that comes along, in 90 s or less", "app.cli.demo"),
    Command("gui", "the desktop application; loadstone alone opens it too", "app.cli.gui"),
    Command("forecast", "replicas, cost and the date of running out", "app.cli.forecast", main=False),
    Command("list", "the stored runs", "app.cli.list_runs", main=False),
    Command("show", "an assessment, or one stored run", "app.cli.show", main=False),
    Command(
        "compare", "two runs, or two states of an assessment, side by side", "app.cli.compare", main=False
    ),
    Command("milestone", "keeps an assessment as it stands, under a label", "app.cli.milestone", main=False),
    Command("verify", "whether a shared report is what it says", "app.cli.verify", main=False),
    Command(
        "restore", "the assessment in a shared report, back into the store", "app.cli.restore", main=False
    ),
    Command("lens", "checks, shows, rates, imports and exports lens files", "app.cli.lens", main=False),
    Command("analyse", "the same statistics on measurements of other tools", "app.cli.analyse", main=False),
    Command(
        "doctor",
        "what is installed, what is missing, how precise this machine is",
        "app.cli.doctor",
        main=False,
    ),
)
SPELLINGS = {"analyze": "analyse"}
EXAMPLES = (
    "loadstone demo",
    "loadstone probe http://127.0.0.1:8000/predict --slo 'p99<=200ms,errors<=1%'",
    "loadstone run loadstone.yaml --report readiness.pdf",
)


class CommandModule(Protocol):
    """What the module of a command offers."""

    def parser(self) -> CommandParser:
        """How its command line is read."""

    def run(self, options: argparse.Namespace, output: Output) -> int:
        """Does it; returns the exit code."""


def main(argv: Sequence[str]) -> int:
    """Runs one command line, without the program's name, and returns its exit code."""
    output = Output()
    try:
        try:
            code = _dispatch(argv, output)
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 0
        output.flush()
        return code
    except BrokenPipeError:
        _forget_readers()
        return READER_GONE
    except KeyboardInterrupt:
        output.say("interrupted")
        return INTERRUPTED
    except OutputError as error:
        _forget_readers()
        output.error(str(error))
        return error.exit_code
    except UserError as error:
        output.error(str(error))
        return error.exit_code
    except Exception as error:
        return _report_crash(error, argv, output)


def _dispatch(argv: Sequence[str], output: Output) -> int:
    if not argv:
        from app.cli.gui import NO_DISPLAY, has_display

        if not has_display():
            output.text(help_text(everything=False))
            output.error(NO_DISPLAY)
            return BAD_USAGE
        argv = ("gui",)
    word, *rest = argv
    if word in ("--version", "-V"):
        from probes.version import version

        output.text(f"loadstone {version()}\n")
        return 0
    if word in ("help", "--help", "-h"):
        return _help(rest, output)
    if word == "--all":
        return _help([word, *rest], output)
    if word.startswith("-"):
        near = nearest(
            word, ["--help", "--all", "--version"], "options come after a command, see loadstone --help"
        )
        raise UsageError(f"loadstone has no option '{word}': {near}")
    module = _module_of(word)
    options = module.parser().read(rest)
    return module.run(options, _output_for(options))


def _output_for(options: argparse.Namespace) -> Output:
    machine = getattr(options, "json", None) == "-" or getattr(options, "events", None) is not None
    return Output(quiet=getattr(options, "quiet", False), colour=not options.no_color, machine=machine)


def _help(words: Sequence[str], output: Output) -> int:
    names = [word for word in words if word not in ("--all", "--help", "-h")]
    if not names:
        output.text(help_text(everything="--all" in words))
        return 0
    output.text(_module_of(names[0]).parser().format_help())
    return 0


def _module_of(word: str) -> CommandModule:
    name = SPELLINGS.get(word, word)
    for command in COMMANDS:
        if command.name == name:
            return cast(CommandModule, import_module(command.module))
    names = [command.name for command in COMMANDS]
    hint = nearest(word, [*names, *SPELLINGS, "help"], f"write one of {', '.join(names)}")
    raise UsageError(f"loadstone has no command '{word}': {hint}")


def help_text(*, everything: bool) -> str:
    """The help of the program: the main commands, or all of them."""
    shown = [command for command in COMMANDS if everything or command.main]
    rows = "\n".join(f"  {command.name:<10}{command.does}" for command in shown)
    more = "" if everything else "  help --all  every command\n"
    return (
        "usage: loadstone [COMMAND [options]]\n\n"
        "Says how much further an AI system will scale, what breaks first, and why.\n\n"
        f"Commands:\n{rows}\n\n"
        f"{more}"
        "  loadstone COMMAND --help  the options of a command\n"
        "  loadstone --version\n\n"
        "Exit codes: 0 held, 1 broken, 2 bad usage, 3 target failed, 4 undecided,\n"
        "6 stopped for safety, 70 a fault of Loadstone's own, 130 interrupted.\n\n"
        f"{examples_block(EXAMPLES)}\n"
    )


def _forget_readers() -> None:
    """Sends to nowhere what could not be written, as with `| head`; else Python complains when it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _report_crash(error: Exception, argv: Sequence[str], output: Output) -> int:
    from app.cli.crash import secrets_in, without_secrets, write_report

    where = write_report(error, argv)
    what = str(error) if isinstance(error, LoadstoneError) else f"{type(error).__name__} was not expected"
    shown = without_secrets(what, secrets_in(argv))
    output.error(f"a fault of Loadstone's own ({shown}); please report it with the file {where}")
    return OUR_FAULT
