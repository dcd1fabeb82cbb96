"""Evidence that a person gives to the window: files of facts, and whatever a scan can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.assessing import named_from, scanned
from assessments.evidence import SCHEMAS, read_evidence
from assessments.store import Store
from assessments.stored import add_evidence_file, add_scan
from probes.documents import DocumentError, read_file, read_json
from probes.errors import UserError

NOT_EVIDENCE = frozenset({".pdf", ".html", ".htm", ".png", ".jpg", ".sqlite", ".db"})
"""Endings of files that are opened elsewhere in the window, and hold no evidence."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was added: how many facts, from where, and sentences on what could not be used."""

    facts: int
    names: tuple[str, ...]
    problems: tuple[str, ...]


def take_evidence(store: Store, name: str, paths: Sequence[Path]) -> Taken:
    """Adds what files and folders hold to the assessment `name`.

    A file of facts (`loadstone scan --json`, `loadstone probe --json`) is taken as it is: sealed it proves,
    without its seal it counts as given by hand. Everything else is scanned, and named from the folder that it
    lies in, so that a report says nothing of this machine. What cannot be read is among the problems, and the
    rest is added. Raises `UserError` where nothing could be added.
    """
    count, names, problems = 0, [], []
    failed: UserError | None = None
    for path in paths:
        shown = named_from(path.absolute().parent, str(path))
        try:
            added, left_out = _take(store, name, path, shown)
        except UserError as error:
            failed = error
            problems.append(str(error))
            continue
        count += added
        names.append(shown)
        problems += left_out
    if failed is not None and not names:
        raise failed
    return Taken(count, tuple(names), tuple(problems))


def _take(store: Store, name: str, path: Path, shown: str) -> tuple[int, list[str]]:
    if path.is_file() and path.suffix.lower() == ".json":
        data = read_file(path)
        if _is_of_facts(data, shown):
            found = read_evidence(data, shown)
            add_evidence_file(store, name, data, shown)
            return len(found.facts), list(found.problems)
    base = path.absolute().parent
    document = scanned([str(path)], base=base)
    left_out = list(add_scan(store, name, document, origin=shown))
    problems = [f"{_place(entry)}: {entry['message']}" for entry in document["problems"]]
    return len(document["facts"]), [*problems, *left_out]


def _place(problem: dict[str, object]) -> str:
    line = problem.get("line")
    return f"{problem['file']}" if line is None else f"{problem['file']}:{line}"


def _is_of_facts(data: bytes, name: str) -> bool:
    try:
        document = read_json(data, name)
    except DocumentError:
        return False
    return isinstance(document, dict) and document.get("schema") in SCHEMAS
