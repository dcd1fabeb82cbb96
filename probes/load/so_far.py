"""Whether our own client spoils a step while it still runs: grade's rules, asked of its last seconds.

So a person who watches sees it at once and not only when the step is over. The verdict of the whole step is
`probes.load.grade`'s alone.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from probes.load import plan
from probes.load.durations import Durations
from probes.load.engine import Progress
from probes.load.grade import fault_of_client
from probes.slo import Slo

SECONDS = 10
"""Of a long step so many seconds are looked at: what spoils it now shows now, and what has passed passes."""


class SoFar:
    """The last seconds of one stretch of load. `full_cores`: from which use of a core on the load process can
    send no more; None where it may use all of it."""

    def __init__(self, slo: Slo, full_cores: float | None) -> None:
        self._slo = slo
        self._full_cores = full_cores
        self._no_ports = 0
        self._waits: deque[NDArray[np.int64]] = deque(maxlen=SECONDS)
        self._own: deque[NDArray[np.int64]] = deque(maxlen=SECONDS)

    def fault(self, progress: Progress, good: NDArray[np.bool_]) -> str | None:
        """Takes a second in; why the client spoils the step as far as it has come, None while it does not.

        `good` says which of the requests that ended were answered well. A core is full in the second at hand.
        """
        counted = good | (progress.statuses == plan.TIMEOUT)
        self._waits.append(progress.wait_ns[counted])
        self._own.append(progress.own_delay_ns[counted])
        self._no_ports += int((progress.statuses == plan.NO_PORTS).sum())
        waits = np.concatenate(self._waits)
        return fault_of_client(
            self._slo,
            no_ports=self._no_ports,
            busiest_cores=progress.busiest_cores or 0.0,
            full_cores=self._full_cores,
            response=Durations(waits),
            without_us=Durations(waits - np.concatenate(self._own)),
        )
