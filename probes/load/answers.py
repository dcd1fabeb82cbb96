"""Asks the target the same thing at rest, while it is under load, and at rest again.

    at rest ─ 3 asks ─▶ load: an ask now and then, over a connection of its own ─▶ at rest ─ 2 asks

A thread of the probe asks, so that the load loop is as cheap as without it. It asks so rarely that it takes
one worker less than `LOAD_SHARE` of its time. The asks are counted as `checks_sent` of the client.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from probes.analysis.answers import HeldAnswers, Values, hold_answers, values_of
from probes.errors import TargetError

Ask = Callable[[], bytes]

LOAD_SHARE = 0.01
MOST_OFTEN_S = 0.1
LOOK_S = 0.02
BEFORE, AFTER = 2, 2
"""Asks at rest by this module; one more before was made when the target was checked."""


class AnswerWatch:
    """Answers under load held against those at rest; `first` is the answer to the check before everything.

    `ask` asks once and returns the body of a good answer, or raises `TargetError`. `step` says in which step
    load is being measured, None while none is.
    """

    def __init__(self, ask: Ask, first: bytes, step: Callable[[], int | None]) -> None:
        self.sent = 0
        self._ask = ask
        self._step = step
        self._before: list[Values] = [values_of(first)]
        self._after: list[Values] = []
        self._under_load: list[tuple[int, Values]] = []
        self._unanswered = 0
        self._every_s = MOST_OFTEN_S
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Asks at rest, and from now on whenever load is being measured."""
        began = time.monotonic()
        self._at_rest(self._before, BEFORE)
        if len(self._before) > 1:
            each = (time.monotonic() - began) / (len(self._before) - 1)
            self._every_s = max(MOST_OFTEN_S, each / LOAD_SHARE)
            self._thread = threading.Thread(target=self._watch, name="answers", daemon=True)
            self._thread.start()

    def end(self, ask_again: bool) -> HeldAnswers | None:
        """Asks no more under load; `ask_again` at rest. Waits for no answer that is still under way.

        None where it never began.
        """
        self._stop.set()
        if not self.sent:
            return None
        if self._thread is not None:
            self._thread.join(LOOK_S)
        if ask_again and len(self._before) > 1:
            self._at_rest(self._after, AFTER)
        return hold_answers(self._before, list(self._under_load), self._after, self._unanswered)

    def stop(self) -> None:
        """Sends nothing any more."""
        self._stop.set()

    def _at_rest(self, answers: list[Values], times: int) -> None:
        for _ in range(times):
            self.sent += 1
            try:
                answers.append(values_of(self._ask()))
            except TargetError:
                return

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_S):
            step = self._step()
            if step is None:
                continue
            self.sent += 1
            try:
                body = self._ask()
            except TargetError:
                self._unanswered += 1
            else:
                if not self._stop.is_set():
                    self._under_load.append((step, values_of(body)))
            if self._stop.wait(self._every_s):
                return
