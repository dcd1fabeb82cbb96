"""What the load process itself added to the time of a request, from its row of the shared columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from probes.load.plan import DELAY_SHIFT, WAITED

Column = NDArray[np.int64]


def own_delay(due: Column, sent: Column, recv: Column, read: Column, status: Column) -> Column:
    """Nanoseconds, shape of the columns: the request was noticed late, or sent late on a free connection, and
    its answer was read late. Waiting for a free connection is the target's making, not ours."""
    send_lag = np.where(sent == 0, 0, sent - due)
    waited = (status & WAITED) > 0
    noticed_late = np.where(waited, (status >> DELAY_SHIFT) * 1_000, send_lag)
    read_late = np.where(recv > 0, read - recv, 0)
    own: Column = np.maximum(noticed_late + read_late, 0)
    return own
