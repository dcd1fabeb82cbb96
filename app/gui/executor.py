"""One thread for everything that waits: the store above all. Results come back to the window's own thread.

    executor.submit(lambda: store.assessments(), then=show, failed=say)

Work is done one after the other, in the order in which it was submitted, so that a later save never
overtakes an earlier one.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from probes.errors import UserError

Then = Callable[[Any], None]


class Failure:
    """What went wrong, in a sentence, and the details that can be copied. `expected` is no fault of ours.

    `report` is where the report of a fault lies.
    """

    def __init__(self, error: BaseException, report: Path | str | None = None) -> None:
        self.error, self.report = error, report
        self.expected = isinstance(error, UserError)
        if self.expected:
            self.sentence = str(error)
        else:
            self.sentence = (
                f"A fault of Loadstone's own ({type(error).__name__}). What was saved is kept, and the "
                "window goes on"
            )
            self.sentence += f"; please report it with the file {report}." if report is not None else "."
        self.details = "".join(traceback.format_exception(error))

    def with_report(self, report: Path | str) -> Failure:
        """The same with the file of its report."""
        return Failure(self.error, report)


Failed = Callable[[Failure], None]


class SerialExecutor(QObject):
    """Does work in one background thread. Only `submit` and `close` are for others."""

    _done = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="loadstone-store")
        self._pending = 0
        self._is_closed = False
        self._done.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    @property
    def pending(self) -> int:
        """How many pieces of work have not been delivered yet."""
        return self._pending

    def submit(self, work: Callable[[], Any], then: Then | None = None, failed: Failed | None = None) -> None:
        """Does `work` in the background; then `then(result)` or `failed(Failure)` in the window's thread.

        A failure that nobody takes is raised in the window's thread, where it is reported.
        """
        if self._is_closed:
            return
        self._pending += 1
        self._pool.submit(self._work, work, then, failed)

    def close(self) -> None:
        """Finishes what was submitted, and takes no more."""
        self._is_closed = True
        self._pool.shutdown(wait=True)

    def _work(self, work: Callable[[], Any], then: Then | None, failed: Failed | None) -> None:
        try:
            result = work()
        except BaseException as error:
            failure = Failure(error)
            self._done.emit(failed if failed is not None else _raise, failure)
        else:
            self._done.emit(then, result)

    @Slot(object, object)
    def _deliver(self, receiver: Callable[[Any], None] | None, value: Any) -> None:
        self._pending -= 1
        if receiver is not None and not self._is_closed:
            receiver(value)


def _raise(failure: Failure) -> None:
    raise failure.error
