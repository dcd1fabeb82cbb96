"""The protocol that every probe keeps, and how probes of other packages are found.

A package adds a probe by an entry point in the group `loadstone.probes`:

    [project.entry-points."loadstone.probes"]
    redis = "my_package.redis_probe:RedisProbe"
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, ClassVar, Protocol, runtime_checkable

from probes.errors import UsageError
from probes.events import Event
from probes.facts import FactError, FactName, register

ENTRY_POINTS = "loadstone.probes"


@dataclass(frozen=True)
class ProbeContext:
    """What a probe is given: who it is, whom it tells, and when it has to stop.

    `emit` takes each event as it happens and must not block. `stop` is set when the person wants the probe
    to end; sending ends within a second of it.
    """

    run_id: str
    emit: Callable[[Event], None]
    stop: threading.Event = field(default_factory=threading.Event)
    started: float = field(default_factory=time.monotonic)

    def elapsed(self) -> float:
        """Seconds since the probe started: the `t` of its events."""
        return time.monotonic() - self.started


@runtime_checkable
class Probe(Protocol):
    """Something that measures. It is made from its own options and knows nothing of stores or windows."""

    name: ClassVar[str]
    fact_names: ClassVar[tuple[FactName, ...]]

    def run(self, context: ProbeContext) -> Mapping[str, Any]:
        """Measures and returns its result document; events and facts go to `context.emit` meanwhile.

        Raises `UserError` with one sentence when it cannot measure.
        """
        ...


def discover() -> dict[str, type[Probe]]:
    """All installed probes by name, ours and those of other packages; their fact names join the catalogue.

    Raises `UsageError` naming the package of a probe that cannot be loaded, is none, or whose fact names
    cannot be catalogued.
    """
    found: dict[str, type[Probe]] = {}
    for entry in entry_points(group=ENTRY_POINTS):
        package = entry.dist.name if entry.dist else "?"
        try:
            kind = entry.load()
        except (Exception, SystemExit) as error:
            raise UsageError(
                f"the probe '{entry.name}' of the package '{package}' cannot be loaded ({error}); "
                "update or uninstall that package"
            ) from error
        if not callable(getattr(kind, "run", None)) or not hasattr(kind, "fact_names"):
            raise UsageError(
                f"'{entry.name}' of the package '{package}' is not a probe: it lacks run or fact_names"
            )
        if entry.name in found:
            raise UsageError(f"two packages bring a probe named '{entry.name}'; uninstall one of them")
        try:
            register(kind.fact_names)
        except (FactError, AttributeError, TypeError) as error:
            raise UsageError(
                f"the facts of the probe '{entry.name}' of the package '{package}' cannot be catalogued "
                f"({error}); update or uninstall that package"
            ) from error
        found[entry.name] = kind
    return found
