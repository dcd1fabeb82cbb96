"""What the load probe asks of a target, whatever its kind.

A target is read from its address without a word to anybody (`probes.targets.kinds`). Once the load is about
to begin `prepared` may ask the server what it takes; what comes back holds the requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from probes.facts import Fact
from probes.load.plan import Wire

if TYPE_CHECKING:
    from probes.load.steps import StepResult


@dataclass(frozen=True)
class Answer:
    """One answer to the sample request; `body` holds at most the first MiB, `headers` are (name, value)."""

    status: int
    reason: str
    body: bytes
    seconds: float
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Seen:
    """What a kind of target adds to the result: parts of the document by their keys, and facts."""

    sections: Mapping[str, Any] = field(default_factory=dict)
    facts: Sequence[Fact] = ()


class Target(Protocol):
    """Something that can be put under load. `ip` and `port` are where it listens."""

    @property
    def kind(self) -> str:
        """CONTRACT's name of the kind."""
        ...

    @property
    def address(self) -> str:
        """Shown to people; holds no secret."""
        ...

    @property
    def remote(self) -> bool:
        """Whether it is on another machine."""
        ...

    @property
    def ip(self) -> str: ...

    @property
    def port(self) -> int: ...

    @property
    def expect_body(self) -> str | None:
        """The pattern that a good answer holds; None where any does."""
        ...

    @property
    def tried(self) -> int:
        """Requests of the load's kind that `prepared` has sent: whoever counts them counts these too."""
        ...

    def prepared(self, timeout_s: float) -> Target:
        """The target with its requests made, after asking the server what it takes where the kind does.

        Raises `TargetError` when it does not say and no sample was given.
        """
        ...

    def sized(self, axis: str, sizes: Sequence[int]) -> Target:
        """The target with its requests in every size, all of the first size first.

        Raises `UsageError` where the kind or the sample has nothing that grows on this axis.
        """
        ...

    def wire(self, timeout_s: float, run_id: str | None = None) -> Wire:
        """How the load loop talks to it."""
        ...

    def is_good(self, status: int) -> bool:
        """Whether an answer of that status is the one wanted."""
        ...

    def check(self, timeout_s: float, run_id: str | None = None) -> Answer:
        """Asks once. Raises `TargetError` when the answer is not the wanted one."""
        ...

    def to_json(self) -> dict[str, Any]:
        """CONTRACT's target object, without process ids."""
        ...

    def harness_cpu_s(self) -> float:
        """CPU time until now of processes of Loadstone's own that stand between the load and the target."""
        ...

    def seen(self, steps: Sequence[StepResult], run_id: str) -> Seen:
        """What the kind has to say of the steps beside what every kind has."""
        ...
