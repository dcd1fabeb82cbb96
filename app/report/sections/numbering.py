"""Numbers of figures, in the order in which a reader meets them. Page one has none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count

from app.report.model import Block, Columns, Figure, Section, Together


def numbered(sections: Iterable[Section]) -> tuple[Section, ...]:
    """The sections with a number on every figure behind page one."""
    numbers = count(1)
    first, *rest = sections
    return (
        first,
        *(
            replace(entry, blocks=tuple(_numbered(block, numbers) for block in entry.blocks))
            for entry in rest
        ),
    )


def _numbered(block: Block, numbers: Iterator[int]) -> Block:
    if isinstance(block, Figure):
        return replace(block, number=next(numbers))
    if isinstance(block, Columns):
        return replace(
            block, columns=tuple(tuple(_numbered(entry, numbers) for entry in part) for part in block.columns)
        )
    if isinstance(block, Together):
        return replace(block, blocks=tuple(_numbered(entry, numbers) for entry in block.blocks))
    return block
