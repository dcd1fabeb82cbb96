"""One exact throttle between what happens and what is drawn.

    throttle = Throttle(100, draw)
    throttle.ask()                      # as often as something happens

`draw` is called at once when the last call is long enough ago, else exactly when it is: never more often than
every `least_ms`, never without having been asked, and the last thing that happened is always drawn.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer


class Throttle(QObject):
    """Calls `draw` at most once in `least_ms`, in the thread of its parent."""

    def __init__(
        self,
        least_ms: int,
        draw: Callable[[], None],
        parent: QObject | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self._least_s = least_ms / 1e3
        self._draw, self._clock = draw, clock
        self._last = -float("inf")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._due)

    @property
    def is_waiting(self) -> bool:
        """Whether a call is due."""
        return self._timer.isActive()

    def ask(self) -> None:
        """Something changed."""
        if self._timer.isActive():
            return
        left = self._last + self._least_s - self._clock()
        if left <= 0:
            self._call()
        else:
            self._wait(left)

    def cancel(self) -> None:
        """What was asked for is not drawn."""
        self._timer.stop()

    def _wait(self, seconds: float) -> None:
        # Rounded up: a timer that fires early would draw too soon.
        self._timer.start(int(seconds * 1e3) + 1)

    def _due(self) -> None:
        left = self._last + self._least_s - self._clock()
        if left > 0:
            self._wait(left)
        else:
            self._call()

    def _call(self) -> None:
        self._last = self._clock()
        self._draw()
