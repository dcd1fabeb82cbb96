"""`loadstone gui`: the desktop application."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from app.cli.arguments import CommandParser
from app.cli.output import Output
from probes.errors import UsageError

NO_DISPLAY = (
    "there is no display for the window: loadstone run loadstone.yaml is a whole assessment, loadstone "
    "probe TARGET for a measurement, or loadstone report NAME for a report; loadstone demo shows all of it"
)


def parser() -> CommandParser:
    """How the command line of `gui` is read."""
    parser = CommandParser(
        "gui",
        "[FILE] [options]",
        "The desktop application. FILE is opened in it: a report, a lens, a manifest, a\n"
        "loadstone.yaml or a file of answers. Where a window has the store open already,\n"
        "FILE is opened in that one.",
        ("loadstone gui", "loadstone gui report.pdf", "loadstone gui --store team.sqlite"),
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="what is opened")
    group = parser.add_argument_group("where assessments are")
    parser.add_store_option(group)
    parser.add_output_group(json=False)
    return parser


def run(options: argparse.Namespace, _output: Output) -> int:
    """Opens the window; returns when it is closed, or at once where a window has this store open already.

    Raises `UsageError` without a display.
    """
    if not has_display():
        raise UsageError(NO_DISPLAY)
    file = None if options.file is None else Path(options.file)
    if file is not None and not file.exists():
        raise UsageError(f"'{options.file}' is not there: name a file that is")
    try:
        from app.gui import application
    except ImportError as error:
        raise UsageError(
            f"Qt cannot be loaded ({error}): install its system libraries, see docs/packaging.md; "
            "the other commands need none of it"
        ) from error
    return application.run(options.store, file)


def has_display() -> bool:
    """Whether a window can be shown here."""
    if os.environ.get("QT_QPA_PLATFORM"):
        return True
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
