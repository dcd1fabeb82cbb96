"""What a sweep asks for: an axis of size and its sizes, and their spelling.

batch=1,2,4,8,16,32,64     the axis, and at least six sizes
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from probes.analysis.volume import LEAST_SIZES
from probes.errors import UsageError

AXES = ("batch", "rows", "payload_kb", "sequence")
MOST_SIZES, LARGEST_SIZE = 24, 100_000_000
VISITS = 3
"""Every size is visited so often, in turn, so that what disturbs one visit does not disturb a size."""
MOST_TIMES = 5
"""A visit lasts at most so many times what was asked, where its requests are few."""
VISIT_REQUESTS = 20


@dataclass(frozen=True, slots=True)
class Sweep:
    """The sizes (in rising order) that requests are to have on one axis.

    `axis` is one of `AXES`, a keyword of a callable, or a mark in the body.
    """

    axis: str
    sizes: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """As the result has it."""
        return {"axis": self.axis, "sizes": list(self.sizes)}


def parse_sweep(text: str) -> Sweep:
    """`batch=1,2,4,8,16,32,64`. Raises `UsageError` also for fewer sizes than tell a law."""
    axis, equals, rest = text.partition("=")
    axis = axis.strip()
    if not equals or not axis.isidentifier():
        raise UsageError(
            f"'{text:.80}' is no sweep: write an axis and its sizes, for example batch=1,2,4,8,16,32,64"
        )
    sizes = []
    for part in rest.split(","):
        if not re.fullmatch(r"[0-9]{1,9}", part.strip()) or not 1 <= int(part) <= LARGEST_SIZE:
            raise UsageError(
                f"'{part.strip():.40}' is no size: write whole numbers from 1 to {LARGEST_SIZE:,}, "
                "for example batch=1,2,4,8,16,32,64"
            )
        sizes.append(int(part))
    different = tuple(sorted(set(sizes)))
    if len(different) < LEAST_SIZES:
        raise UsageError(
            f"{len(different)} different sizes cannot tell how cost grows: give at least {LEAST_SIZES}, "
            "for example batch=1,2,4,8,16,32,64"
        )
    if len(different) > MOST_SIZES:
        raise UsageError(f"{len(different)} sizes take too long: give at most {MOST_SIZES}")
    return Sweep(axis, different)
