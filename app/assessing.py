"""How an assessment is made of its parts, whoever asks for it: the command line, a run file, the window.

    answers + lens ─┐
    scans ──────────┼─ keep ─▶ store ─ materials ─▶ assess(as_of) ─▶ Assessed ─▶ reports
    files ──────────┤                      ▲
    probe runs ─────┘ (the probe's process stores its run itself)

Without a store the same is made in memory. Nothing here knows a terminal or a window.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assessments.claims import Answers, read_answers
from assessments.lens import Lens, bundled_lens, find_lens
from probes.documents import read_file
from probes.errors import UsageError

if TYPE_CHECKING:
    from assessments.assessment import Assessed
    from assessments.judging import Materials
    from assessments.store import Store
    from probes.facts import Fact


@dataclass(frozen=True)
class Scan:
    """What a scan found, as a document `loadstone.facts/1`; `origin` is what was scanned, for people.

    In a store a later scan of one origin takes the place of an earlier one.
    """

    origin: str
    document: Mapping[str, Any]


@dataclass(frozen=True)
class Given:
    """What an assessment is judged from, but for its runs.

    `scans` were just made here; `files` are files of evidence from elsewhere, as names and bytes: their seals
    are checked.
    """

    name: str
    lens: Lens
    answers: Answers
    title: str = ""
    scans: tuple[Scan, ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()


def read_answers_file(file: Path, shown: str | None = None) -> Answers:
    """The answers in a file. Raises `UsageError` with file and line."""
    return read_answers(read_file(file), str(file) if shown is None else shown)


def lens_for(answers: Answers, folder: Path, named: str | None = None, named_in: Path | None = None) -> Lens:
    """The lens that is judged by: the one that was named, else that of the answers, else ours.

    `folder` is that of the answers, in which the path of a lens starts that they name; `named_in` the one for
    `named`. Raises `UsageError` where the answers are to another lens than the one that was named.
    """
    if named is None:
        return bundled_lens() if answers.lens is None else find_lens(answers.lens, folder)
    lens = find_lens(named, named_in)
    if answers.lens in (None, named, lens.name):
        return lens
    other = find_lens(str(answers.lens), folder)
    if other.name != lens.name:
        raise UsageError(
            f"{answers.name} answers the lens '{other.name:.60}', not '{lens.name:.60}': give answers "
            "to that lens, or leave it out"
        )
    return lens


def moment(text: str) -> datetime:
    """A moment such as 2026-03-01T00:00:00Z, or the end of a day (UTC). Raises `UsageError`."""
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time.max, UTC)
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"'{text:.60}' is no moment: write 2026-03-01 or 2026-03-01T12:00:00Z") from error
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def scanned(
    paths: Sequence[str],
    live: Sequence[tuple[str, str]] = (),
    *,
    workload: str | None = None,
    allow_remote: bool = False,
    base: Path | None = None,
) -> dict[str, Any]:
    """What a scan finds, as a document `loadstone.facts/1`. Raises `UserError` like `probes.scan.scan`.

    Files below `base` are named from there: a report is read on other machines.
    """
    from probes.scan import scan

    found = scan(paths, live=live, workload=workload, allow_remote=allow_remote)
    document = found.to_json()
    if base is not None:
        for fact in document["facts"]:
            if "file" in fact["source"]:
                fact["source"] = {**fact["source"], "file": named_from(base, fact["source"]["file"])}
        for problem in document["problems"]:
            problem["file"] = named_from(base, problem["file"])
        for entry in document["scanned"]:
            entry["path"] = named_from(base, entry["path"])
    return document


def named_from(base: Path, file: str) -> str:
    """The path of a file from the folder `base`, where it lies below it; else as it is."""
    try:
        return str(Path(file).absolute().relative_to(base.absolute()))
    except ValueError:
        return file


def keep(store: Store, given: Given) -> tuple[str, ...]:
    """Keeps what an assessment is judged from; returns sentences on what could not be used."""
    from assessments import stored

    stored.keep(store, given.name, answers=given.answers, lens=given.lens, title=given.title or None)
    left_out: list[str] = []
    for scan in given.scans:
        left_out += stored.add_scan(store, given.name, scan.document, origin=scan.origin)
    for name, data in given.files:
        left_out += stored.add_evidence_file(store, given.name, data, name).problems
    return tuple(left_out)


def assess_stored(store: Store, name: str, as_of: datetime | None = None) -> Assessed:
    """The assessment of that name as the store has it. Raises `UserError`."""
    from assessments.assessment import assess
    from assessments.stored import materials

    return assess(materials(store, name), as_of)


def assess_here(
    given: Given, results: Iterable[Mapping[str, Any]] = (), as_of: datetime | None = None
) -> Assessed:
    """The same without a store: from what was given and the results of runs, the newest first."""
    from assessments.assessment import assess

    return assess(materials_here(given, results), as_of)


def materials_here(given: Given, results: Iterable[Mapping[str, Any]] = ()) -> Materials:
    """What is judged, put together in memory."""
    from assessments.evidence import read_evidence
    from assessments.judging import Materials
    from probes.documents import read_json

    runs = [dict(result) for result in results]
    facts: list[Fact] = []
    problems: list[str] = []
    for document in (*(scan.document for scan in given.scans), *runs):
        facts += _facts_of(document, problems)
    for name, data in given.files:
        found = read_evidence(data, name)
        facts += found.facts
        problems += found.problems
        if found.sealed and found.schema == "loadstone.probe/1":
            runs.append(read_json(data, name))
    return Materials(
        name=given.name,
        id=given.name,
        title=given.title,
        lens=given.lens,
        answers=given.answers,
        facts=tuple(facts),
        runs=tuple(runs),
        problems=tuple(problems),
    )


def _facts_of(document: Mapping[str, Any], problems: list[str]) -> list[Fact]:
    from probes.facts import Fact

    for entry in document.get("problems", ()):
        place = f"{entry['file']}, line {entry['line']}" if entry.get("line") else str(entry["file"])
        problems.append(f"{place}: {entry['message']}")
    return [Fact.from_json(entry) for entry in document.get("facts", ())]


def with_slo(answers: Answers, slo: str | None) -> Answers:
    """The answers with the SLO in their profile, where it names none: alerts are held against it.

    One that its growth profile declares stays declared.
    """
    from assessments.growth_profiles import with_declared

    if slo is None or "slo" in answers.profile.values:
        return answers
    if with_declared(answers.profile).values.get("slo") == slo:
        return answers
    from types import MappingProxyType

    profile = replace(answers.profile, values=MappingProxyType({**answers.profile.values, "slo": slo}))
    return replace(answers, profile=profile)


def render_report(document: Mapping[str, Any], format_name: str) -> bytes:
    """A report of a `loadstone.assessment/1` document in one of the formats. Raises `UserError`."""
    from app.report.formats import render

    return render(document, format_name)
