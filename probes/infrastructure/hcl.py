"""Blocks of HashiCorp's configuration language, as Terraform's files have them: read, never evaluated.

    resource "aws_db_instance" "main" {      Block(kind="resource", labels=("aws_db_instance", "main"), …)
      multi_az = true                          values["multi_az"] == "true"
      timeouts { create = "40m" }              blocks[0].kind == "timeouts"
    }

An expression is kept as it is written, without its comments; what it refers to stays unknown.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from probes.documents import DocumentError

MAX_DEPTH = 50
_SPACE = re.compile(r"(?:[ \t\r]|#[^\n]*|//[^\n]*|/\*.*?\*/)+", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][\w-]*")
_HEREDOC = re.compile(r"<<-?(\w+)[ \t]*\r?\n")
_PAIRS = {"{": "}", "[": "]", "(": ")"}


@dataclass
class Block:
    """A block with what stands in it; `line` is its own, from 1."""

    kind: str
    labels: tuple[str, ...]
    line: int
    values: dict[str, str] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)

    def find(self, kind: str) -> Iterator[Block]:
        """The blocks of this kind in it, at any depth."""
        for block in self.blocks:
            if block.kind == kind:
                yield block
            yield from block.find(kind)

    def text(self, name: str) -> str | None:
        """A plain string that a name is set to; None for anything else."""
        found = re.fullmatch(r'"([^"\\$%]*)"', self.values.get(name, ""))
        return None if found is None else found[1]

    def number(self, name: str) -> float | None:
        """A plain number that a name is set to; None for anything else."""
        try:
            return float(self.values.get(name, "").strip('"'))
        except ValueError:
            return None


def read_hcl(text: str, name: str) -> Block:
    """All blocks of a file, in one without a kind. Raises `DocumentError` with the line."""
    return _Reader(text, name).body(Block("", (), 1), 0)


class _Reader:
    def __init__(self, text: str, name: str) -> None:
        self._text, self._name, self._at = text, name, 0
        self._ends = [found.start() for found in re.finditer("\n", text)]

    @property
    def _line(self) -> int:
        return bisect.bisect_left(self._ends, self._at) + 1

    def _fails(self, what: str) -> DocumentError:
        return DocumentError(self._name, self._line, what)

    def _skip(self, *, lines: bool) -> None:
        """Past spaces and comments, and past ends of lines where `lines` says so."""
        while self._at < len(self._text):
            found = _SPACE.match(self._text, self._at)
            if found is not None:
                self._at = found.end()
            elif lines and self._text[self._at] == "\n":
                self._at += 1
            else:
                return

    def body(self, block: Block, depth: int) -> Block:
        """What stands in a block, up to its end."""
        if depth > MAX_DEPTH:
            raise self._fails(f"blocks lie more than {MAX_DEPTH} deep")
        while True:
            self._skip(lines=True)
            if self._at >= len(self._text):
                if depth:
                    raise self._fails(f"the block {block.kind} of line {block.line} has no end")
                return block
            if self._text[self._at] == "}" and depth:
                self._at += 1
                return block
            self._statement(block, depth)

    def _statement(self, block: Block, depth: int) -> None:
        line = self._line
        name = _NAME.match(self._text, self._at)
        if name is None:
            raise self._fails("this is no block and no value of Terraform")
        self._at = name.end()
        self._skip(lines=False)
        if self._text[self._at : self._at + 1] == "=":
            self._at += 1
            block.values[name[0]] = self._expression()
            return
        labels: list[str] = []
        while (sign := self._text[self._at : self._at + 1]) != "{":
            label = _NAME.match(self._text, self._at)
            if sign == '"':
                start = self._at
                self._string()
                labels.append(self._text[start + 1 : self._at - 1])
            elif label is not None:
                labels.append(label[0])
                self._at = label.end()
            else:
                raise self._fails(f"after {name[0]} comes neither a value nor a block")
            self._skip(lines=False)
        self._at += 1
        block.blocks.append(self.body(Block(name[0], tuple(labels), line), depth + 1))

    def _expression(self) -> str:
        """Up to the end of its line, or of its last bracket; without comments."""
        parts: list[str] = []
        closing: list[str] = []
        while True:
            self._skip(lines=bool(closing))
            if self._at >= len(self._text):
                if closing:
                    raise self._fails(f"a '{closing[-1]}' is missing at the end")
                break
            sign = self._text[self._at]
            if not closing and sign in "\n}":
                break
            start = self._at
            if sign == '"':
                self._string()
            elif (heredoc := _HEREDOC.match(self._text, self._at)) is not None:
                self._here(heredoc)
            else:
                if sign in _PAIRS:
                    closing.append(_PAIRS[sign])
                elif closing and sign == closing[-1]:
                    closing.pop()
                self._at += 1
            parts.append(self._text[start : self._at])
            if len(closing) > MAX_DEPTH:
                raise self._fails(f"brackets lie more than {MAX_DEPTH} deep")
        return "".join(parts).strip()

    def _string(self, depth: int = 0) -> None:
        """Past a string in quotes, with what is interpolated in it."""
        if depth > MAX_DEPTH:
            raise self._fails(f"strings lie more than {MAX_DEPTH} deep in each other")
        self._at += 1
        open_braces = 0
        while self._at < len(self._text):
            sign, two = self._text[self._at], self._text[self._at : self._at + 2]
            if sign == "\\":
                self._at += 2
            elif two in ("${", "%{"):
                open_braces += 1
                self._at += 2
            elif sign == "}" and open_braces:
                open_braces -= 1
                self._at += 1
            elif sign == '"' and open_braces:
                inner, open_braces = open_braces, 0
                self._string(depth + 1)
                open_braces = inner
            elif sign == '"':
                self._at += 1
                return
            elif sign == "\n" and not open_braces:
                break
            else:
                self._at += 1
        raise self._fails("a string has no end")

    def _here(self, found: re.Match[str]) -> None:
        end = re.compile(rf"^[ \t]*{re.escape(found[1])}[ \t]*\r?$", re.MULTILINE).search(
            self._text, found.end()
        )
        if end is None:
            raise self._fails(f"the text that begins with <<{found[1]} has no end")
        self._at = end.end()
