"""Several instances of one service under one load: which gets the next request, which the next connection.

    requests       take turns over the instances that have a connection free
    connections    are opened to the instance that has the fewest, in turn where several have as few
    no connection  puts an instance out for `OUT_NS`: others are tried at once, and a request fails only
                   where all of them are out; then one connection tries whether it is back

That is a balancer with passive health checks in front of pooled connections. A request under way is never
sent again: what dies with its instance has failed. Standard library only: the load process imports it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from probes.load.connection import Conn

OUT_NS = 1_000_000_000
"""So long an instance that took no connection gets none."""
FOR_EVER = 1 << 62


class Turns:
    """The free connections of several instances; in the loop it stands in the place of a plain list."""

    def __init__(self, instances: int) -> None:
        self.taken = [0] * instances
        """How often an instance had its turn."""
        self._stacks: list[list[Conn]] = [[] for _ in range(instances)]
        self._turn = -1
        self._free = 0

    def __len__(self) -> int:
        return self._free

    def append(self, conn: Conn) -> None:
        """A connection has become free."""
        self._stacks[conn.instance].append(conn)
        self._free += 1

    def pop(self) -> Conn:
        """A free connection of the instance whose turn it is. Raises `IndexError` where none is free."""
        if not self._free:
            raise IndexError("no connection is free")
        turn, stacks = self._turn, self._stacks
        while True:
            turn += 1
            if turn == len(stacks):
                turn = 0
            if stacks[turn]:
                break
        self._turn = turn
        self._free -= 1
        self.taken[turn] += 1
        return stacks[turn].pop()

    def remove(self, conn: Conn) -> None:
        """Takes a connection out. Raises `ValueError` where it is not free."""
        self._stacks[conn.instance].remove(conn)
        self._free -= 1


class Spread:
    """How many connections each instance has, and which instances are out, by their index."""

    def __init__(self, instances: int) -> None:
        self.open = [0] * instances
        self._out_until = [0] * instances
        self._only = frozenset(range(instances))
        self._turn = -1

    @property
    def count(self) -> int:
        """How many instances get load."""
        return len(self._only)

    def use(self, only: Iterable[int] | None) -> None:
        """From now on only these instances get load; None: all. What was out is tried again."""
        self._only = frozenset(range(len(self.open)) if only is None else only)
        self._out_until = [0] * len(self.open)

    def gets_load(self, instance: int) -> bool:
        """Whether it is among those that `use` named."""
        return instance in self._only

    def next(self, t: int) -> int:
        """Where to connect at `t` (ns). Where all are out, the one that has been for longest."""
        n = len(self.open)
        order = [k % n for k in range(self._turn + 1, self._turn + 1 + n) if k % n in self._only]
        healthy = [k for k in order if self._out_until[k] <= t]
        chosen = (
            min(healthy, key=self.open.__getitem__)
            if healthy
            else min(order, key=self._out_until.__getitem__)
        )
        self._turn = chosen
        return chosen

    def refused(self, instance: int, t: int) -> bool:
        """An instance took no connection at `t`: it is out. True where another is left to try."""
        self._out_until[instance] = t + OUT_NS
        return any(self._out_until[k] <= t for k in self._only)

    def to_try_again(self, t: int) -> bool:
        """Whether an instance without any connection, that was out, is to be tried whether it is back."""
        return any(0 < self._out_until[k] <= t and not self.open[k] for k in self._only)
