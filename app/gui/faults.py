"""Faults of our own: a report in a file, a sentence in the window, and the window goes on."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from app.gui.executor import Failure

MOST_REPORTS = 20
"""A fault in what is drawn comes again with every frame: so many different ones get a file in one session."""


class Faults:
    """Writes a crash report for each fault that is new, and says it. `say` shows a `Failure`."""

    def __init__(self, say: Callable[[Failure], None]) -> None:
        self._say = say
        self._known: dict[str, Path | str] = {}

    def say(self, error: BaseException) -> None:
        """Reports an error that nobody expected."""
        self._say(self.reported(Failure(error)))

    def reported(self, failure: Failure) -> Failure:
        """The failure with the file of its report; one that a person can put right stays as it is."""
        if failure.expected or failure.report is not None:
            return failure
        place = _place(failure.error)
        if place not in self._known:
            if len(self._known) >= MOST_REPORTS:
                return failure
            from app.cli.crash import write_report

            self._known[place] = write_report(failure.error, sys.argv[1:])
        return failure.with_report(self._known[place])


def _place(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f"{last[0].filename}:{last[0].lineno}" if last else ""
    return f"{type(error).__name__} {where}"
