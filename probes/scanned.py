"""What reading evidence gives: facts, and sentences about what could not be read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from probes.documents import DocumentError
from probes.facts import Fact, Source, Value, observed


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be read or decided, and where. `file` may be the address of a live system."""

    file: str
    message: str
    line: int | None = None

    def to_json(self) -> dict[str, Any]:
        """CONTRACT's object; the line is left out where it is not known."""
        place = {"file": self.file} if self.line is None else {"file": self.file, "line": self.line}
        return place | {"message": self.message}

    @classmethod
    def of(cls, error: DocumentError) -> Problem:
        """The problem that a refused document is."""
        return cls(error.name, error.what, error.line)


@dataclass
class Findings:
    """Facts and problems as they are collected. `live` says that a running system was asked, not a file."""

    probe: str
    live: bool = False
    facts: list[Fact] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(
        self,
        name: str,
        value: Value,
        file: str | None = None,
        line: int | None = None,
        *,
        query: str | None = None,
        **more: Any,
    ) -> None:
        """A fact that was read, or measured where the system is live; without a value it was unreadable."""
        state = "unreadable" if value is None else "measured" if self.live else "read"
        source = Source(self.probe, file=file, line=line, query=query)
        self.facts.append(observed(name, value, source, state=state, **more))

    def problem(self, file: str, message: str, line: int | None = None) -> None:
        """A sentence about what could not be read or decided."""
        self.problems.append(Problem(file, message, line))

    def extend(self, facts: Iterable[Fact], problems: Iterable[Problem]) -> None:
        """Takes over what another collection found."""
        self.facts.extend(facts)
        self.problems.extend(problems)
