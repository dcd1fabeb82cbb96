"""How a PDF report falls into pages: boxes that know their height, stacks of them, and where a stack breaks.

All lengths are points. A position is counted downwards from the top of the page; `Sheet` turns it over.

The rules of a break: a box that fits on an empty page moves there whole, unless it says that it may split
(`divisible`, for long tables); a heading moves with what follows it; a box higher than a page is split at its
lines or rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

from app.report.pdf_sheet import Sheet

WORTH_SPLITTING = 0.3
"""A table that would fit on an empty page is split only where moving it leaves more of this one empty."""

Parts = tuple["Box | None", "Box | None"]
"""What stays on this page and what goes on the next."""


class Box:
    """Something with a height that can be drawn, and perhaps split.

    `before` is the room above it unless it comes first on a page, `keep` holds it with the next box,
    `divisible` allows a split even where it would fit on an empty page, `anchor` is where links lead.
    """

    height: float = 0.0
    before: float = 0.0
    keep: bool = False
    divisible: bool = False
    anchor: str | None = None

    def draw(self, sheet: Sheet, x: float, top: float) -> None:
        """Put the box with its upper left corner at `x`, `top`."""
        raise NotImplementedError

    def split(self, room: float, full: float) -> Parts:  # noqa: ARG002
        """The part that fits into `room` and the rest; (None, self) when nothing does.

        `full` is the room of an empty page: what fits there is split only if it is divisible.
        """
        return None, self

    def walk(self) -> Iterator[Box]:
        """This box and those in it, in reading order."""
        yield self

    def spaced(self, before: float, keep: bool | None = None) -> Self:
        """The same box with other room above it."""
        self.before = before
        if keep is not None:
            self.keep = keep
        return self


class Stack(Box):
    """Boxes under each other."""

    def __init__(self, boxes: Sequence[Box]) -> None:
        """The room above the first box counts only for the stack itself."""
        self.boxes = tuple(boxes)
        self.height = _height(self.boxes)
        if self.boxes:
            self.before = self.boxes[0].before
            self.keep = self.boxes[-1].keep

    def draw(self, sheet: Sheet, x: float, top: float) -> None:
        """Draw every box below the one before."""
        for number, box in enumerate(self.boxes):
            if number:
                top += box.before
            if box.anchor:
                sheet.anchor(box.anchor, top)
            box.draw(sheet, x, top)
            top += box.height

    def walk(self) -> Iterator[Box]:
        """This stack and everything in it."""
        yield self
        for box in self.boxes:
            yield from box.walk()

    def split(self, room: float, full: float) -> Parts:
        """Break between two boxes, or inside one that may be split."""
        used = 0.0
        start = 0
        while start < len(self.boxes):
            end = self._group_end(start)
            group = self.boxes[start:end]
            height = _height(group) + (group[0].before if start else 0.0)
            if used + height <= room + 1e-6:
                used += height
                start = end
                continue
            first, rest = self._split_group(group, room - used - height, full)
            if first is not None:
                rests = (rest,) if rest is not None else ()
                return self._part((*self.boxes[:start], *first)), self._part((*rests, *self.boxes[end:]))
            break
        if start == 0:
            return None, self
        return self._part(self.boxes[:start]), self._part(self.boxes[start:])

    def _group_end(self, start: int) -> int:
        """One past the last box that stays with the one at `start`."""
        end = start + 1
        while end < len(self.boxes) and self.boxes[end - 1].keep:
            end += 1
        return end

    @staticmethod
    def _split_group(
        group: Sequence[Box], missing: float, full: float
    ) -> tuple[Sequence[Box] | None, Box | None]:
        """Split the last box of a group that lacks `-missing` of room, its headings staying before it."""
        last = group[-1]
        heads = _height(group[:-1]) + (last.before if len(group) > 1 else 0.0)
        room = last.height + missing
        if heads + last.height <= full and not (last.divisible and room > WORTH_SPLITTING * full):
            return None, None
        first, rest = last.split(room, full)
        if first is None:
            return None, None
        return (*group[:-1], first), rest

    def _part(self, boxes: Sequence[Box]) -> Box | None:
        return Stack(boxes) if boxes else None


def _height(boxes: Sequence[Box]) -> float:
    return sum(box.height for box in boxes) + sum(box.before for box in boxes[1:])


def pages(stack: Stack, full: float) -> Iterator[Stack]:
    """The stack as pages that are at most `full` high. A box that cannot be split is placed as it is."""
    rest: Box | None = stack
    while rest is not None:
        if rest.height <= full + 1e-6:
            yield _stack(rest)
            return
        first, later = rest.split(full, full)
        if first is None:
            first, later = _forced(_stack(rest), full)
        yield _stack(first)
        rest = later


def _forced(stack: Stack, full: float) -> tuple[Box, Box | None]:
    """The first box alone, without what it would be kept with."""
    head, *tail = stack.boxes
    later = Stack(tail) if tail else None
    first, rest = head.split(full, full)
    if first is None:
        return head, later
    return first, Stack([box for box in (rest, *tail) if box is not None])


def _stack(box: Box) -> Stack:
    return box if isinstance(box, Stack) else Stack([box])


class Inset(Box):
    """A stack in a frame of its own; what is painted behind it goes on where it is split."""

    def __init__(self, inner: Stack, left: float, top: float, bottom: float) -> None:
        """Lengths are the room between the frame and the stack."""
        self.inner = inner
        self.left, self.top, self.bottom = left, top, bottom
        self.height = inner.height + top + bottom

    def paint(self, sheet: Sheet, x: float, top: float) -> None:
        """Paint what is behind the stack."""

    def part(self, inner: Stack) -> Inset:
        """The same frame around another stack."""
        raise NotImplementedError

    def draw(self, sheet: Sheet, x: float, top: float) -> None:
        """Draw the frame, then what is in it."""
        self.paint(sheet, x, top)
        self.inner.draw(sheet, x + self.left, top + self.top)

    def walk(self) -> Iterator[Box]:
        """This box and everything in it."""
        yield self
        yield from self.inner.walk()

    def split(self, room: float, full: float) -> Parts:
        """Break inside; both parts keep the frame."""
        around = self.top + self.bottom
        first, rest = self.inner.split(room - around, full - around)
        if first is None:
            return None, self
        start = self._copied(_stack(first))
        start.before, start.anchor = self.before, self.anchor
        return start, self._copied(_stack(rest)) if rest is not None else None

    def _copied(self, inner: Stack) -> Inset:
        return self.part(inner)


class Beside(Box):
    """Stacks side by side. `offsets` are their left edges; `rules` are upright lines between them."""

    def __init__(
        self, stacks: Sequence[Stack], offsets: Sequence[float], rules: Sequence[float] = ()
    ) -> None:
        """As high as the highest stack."""
        self.stacks, self.offsets, self.rules = tuple(stacks), tuple(offsets), tuple(rules)
        self.height = max((stack.height for stack in self.stacks), default=0.0)

    def draw(self, sheet: Sheet, x: float, top: float) -> None:
        """Draw every stack from the same height."""
        for rule in self.rules:
            sheet.line(x + rule, top, x + rule, top + self.height, "line", 0.6)
        for stack, offset in zip(self.stacks, self.offsets, strict=True):
            stack.draw(sheet, x + offset, top)

    def walk(self) -> Iterator[Box]:
        """This box and everything in it, column by column."""
        yield self
        for stack in self.stacks:
            yield from stack.walk()

    def split(self, room: float, full: float) -> Parts:
        """Break every column for itself."""
        firsts: list[Stack] = []
        rests: list[Stack] = []
        for stack in self.stacks:
            first, rest = (stack, None) if stack.height <= room + 1e-6 else stack.split(room, full)
            firsts.append(_stack(first) if first is not None else Stack(()))
            rests.append(_stack(rest) if rest is not None else Stack(()))
        if not any(stack.boxes for stack in firsts):
            return None, self
        start = Beside(firsts, self.offsets, self.rules)
        start.before, start.anchor = self.before, self.anchor
        return start, Beside(rests, self.offsets, self.rules)
