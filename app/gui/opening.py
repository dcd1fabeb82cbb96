"""What a file is that was dropped, chosen or named at the start, and what can be made of it.

    file ──look──▶ Found(kind, what it is, what was checked) ──make──▶ an assessment in the store

    report     a shared report (PDF or JSON): verified, then restored under a name
    answers    answers to a lens, an assessment of their own
    lens       a checklist, ours or of AWS: a new assessment by it
    run        a loadstone.yaml: run as a whole
    evidence   facts, or a folder or file that a scan reads: added to an assessment
    store      another store: opened

What it is decides the content, not the name. Nothing is changed by looking.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from probes.errors import UsageError, UserError

if TYPE_CHECKING:
    from assessments.claims import Answers
    from assessments.lens import Lens
    from assessments.store import Store

Kind = Literal["report", "answers", "lens", "run", "evidence", "store"]
CAN_BE_OPENED = (
    "a report (PDF or JSON), a lens, a loadstone.yaml, a file of answers, facts, a manifest or a folder of "
    "them, or a store"
)
_SQLITE = b"SQLite format 3\0"
_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Checked:
    """One check of a report: `right`, `wrong` or `not_checked`, and a sentence."""

    name: str
    outcome: str
    text: str


@dataclass(frozen=True)
class Found:
    """A file that can be opened. `about` says what it is, `remarks` what to know before it is used.

    `name` is proposed for the assessment that is made of it. `is_sound` is False for a report that is not
    what it says.
    """

    path: Path
    kind: Kind
    about: str
    name: str = ""
    checks: tuple[Checked, ...] = ()
    remarks: tuple[str, ...] = ()
    is_sound: bool = True
    document: Mapping[str, Any] | None = None
    answers: Answers | None = None
    lens: Lens | None = None


def look(path: Path) -> Found:
    """What the file or folder is. Raises `UserError`: what is wrong with it, or what can be opened."""
    from app.cli.run_file import DEFAULT_FILE

    if not path.exists():
        raise UsageError(f"'{path.name}' is not there any more: choose a file that is")
    if path.is_dir():
        inside = path / DEFAULT_FILE
        return _run_file(inside) if inside.is_file() else _evidence(path)
    if not path.is_file():
        raise _wrong(path, "it is no plain file")
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UsageError(f"'{path.name}' cannot be read ({why}): make it readable") from error
    if not head:
        raise UsageError(f"'{path.name}' is empty: open {CAN_BE_OPENED}")
    if head.startswith(b"%PDF-"):
        return _pdf(path)
    if head.startswith(_SQLITE):
        return Found(path, "store", "A store of Loadstone, with assessments of its own, or another database.")
    if b"\0" in head:
        raise _wrong(path)
    return _text(path)


def make(store: Store, found: Found, name: str) -> str:
    """Makes an assessment of what was found; returns its name. Raises `UserError` with nothing made."""
    from assessments import stored
    from assessments.store.assessment_rows import check_name

    name = check_name(name.strip(), "the name of an assessment")
    if found.kind == "report":
        assert found.document is not None
        return stored.restore_document(store, found.document, name)
    check_free(store, name)
    if found.kind == "answers":
        assert found.answers is not None
        stored.keep(store, name, answers=found.answers, lens=found.lens)
    elif found.kind == "lens":
        stored.keep(store, name, lens=found.lens)
    elif found.kind == "evidence":
        from app.gui.evidence_taking import take_evidence

        take_evidence(store, name, [found.path])
    else:
        raise AssertionError(f"no assessment is made of a {found.kind}")
    return name


def check_free(store: Store, name: str) -> None:
    """Raises `UsageError` where there is an assessment of this name."""
    from assessments.store import DamagedSetup, UnknownAssessment

    try:
        store.setup(name)
    except UnknownAssessment:
        return
    except DamagedSetup:
        pass
    raise UsageError(f"there is an assessment '{name}' already, and nothing was changed: give another name")


def _wrong(path: Path, why: str = "") -> UsageError:
    because = f" ({why})" if why else ""
    return UsageError(f"'{path.name}' is nothing that Loadstone opens{because}: open {CAN_BE_OPENED}")


def _pdf(path: Path) -> Found:
    from app.report.verifying import verify

    verified = verify(path)
    document = verified.report.document
    return Found(
        path,
        "report",
        _about_report(document),
        _own_name(document),
        tuple(Checked(check.name, check.outcome, check.text) for check in verified.checks),
        is_sound=verified.holds,
        document=document,
    )


def _about_report(document: Mapping[str, Any]) -> str:
    about = document.get("assessment") or {}
    title = about.get("title") or about.get("name") or "an assessment"
    as_of, version = str(document.get("as_of"))[:10], document.get("version")
    return f"A report of '{title}', judged {as_of} by Loadstone {version}."


def _own_name(document: Mapping[str, Any]) -> str:
    return str((document.get("assessment") or {}).get("name") or "restored")


def _text(path: Path) -> Found:
    """A file of text, by the schema that it names and else by what a scan finds in it."""
    from assessments import aws_lens, claims, lens
    from assessments.evidence import SCHEMAS
    from probes.documents import MAX_BYTES, read_file

    data = read_file(path, max_bytes=max(MAX_BYTES, 50_000_000))
    document, why = _document(path, data)
    schema = document.get("schema") if isinstance(document, Mapping) else None
    if schema == "loadstone.assessment/1":
        return _json_report(path)
    if schema == claims.SCHEMA:
        return _answers(path, data)
    if schema == lens.SCHEMA or aws_lens.is_aws_lens(document):
        return _lens(path, data)
    if schema == "loadstone.run/1" or (isinstance(document, Mapping) and "assessment" in document):
        return _run_file(path)
    if schema in SCHEMAS:
        return _evidence(path)
    try:
        return _evidence(path)
    except UserError as error:
        raise _wrong(path, why) from error


def _document(path: Path, data: bytes) -> tuple[Any, str]:
    """The one document in the file, or None and why it has none."""
    from probes.documents import read_json, read_yaml

    is_json = path.suffix.lower() == ".json" or data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"
    try:
        if is_json:
            return read_json(data, path.name, allow_nan=True, max_bytes=50_000_000), ""
        return read_yaml(data, path.name), ""
    except UserError as error:
        return None, str(error)


def _json_report(path: Path) -> Found:
    from app.cli.restore import document_in

    document = document_in(path)
    checks = (Checked("bytes", "right", "Its seal is right: it was not changed after it was written."),)
    return Found(path, "report", _about_report(document), _own_name(document), checks, document=document)


def _answers(path: Path, data: bytes) -> Found:
    from app.assessing import lens_for
    from assessments.claims import read_answers

    answers = read_answers(data, path.name)
    lens = lens_for(answers, path.parent)
    answers.check(lens)
    about = f"Answers to {len(answers.claims)} of {len(lens.questions)} questions of the lens '{lens.title}'."
    return Found(path, "answers", about, path.stem, answers=answers, lens=lens)


def _lens(path: Path, data: bytes) -> Found:
    from assessments.lens import load_lens

    lens = load_lens(data, path.name, path)
    about = f"The lens '{lens.title}' {lens.version}, with {len(lens.questions)} questions."
    problems = [problem.message for problem in lens.problems]
    if len(problems) > _MOST_SHOWN:
        rest = f"… and {len(problems) - _MOST_SHOWN} more: loadstone lens check {path.name} names them all"
        problems = [*problems[:_MOST_SHOWN], rest]
    return Found(path, "lens", about, path.stem, remarks=tuple(problems), lens=lens)


def _run_file(path: Path) -> Found:
    from app.cli.run_file import read_run_file

    file = read_run_file(path)
    about = f"A whole assessment as a file, '{file.assessment}'."
    remarks = []
    if file.start is not None:
        remarks.append(f"It starts a program on this machine: {' '.join(file.start.command)}")
    if file.target is not None:
        remarks.append(f"It puts {file.target} under load.")
    if file.reports:
        remarks.append(f"It writes {', '.join(report.path.name for report in file.reports)} beside it.")
    return Found(path, "run", about, file.assessment, remarks=tuple(remarks))


def _evidence(path: Path) -> Found:
    """Facts, or what a scan makes of the path. Raises `UserError` where it finds nothing."""
    from app.assessing import scanned
    from assessments.evidence import SCHEMAS, read_evidence
    from probes.documents import DocumentError, read_file, read_json

    if path.is_file() and path.suffix.lower() == ".json":
        data = read_file(path, max_bytes=50_000_000)
        try:
            document = read_json(data, path.name)
        except DocumentError:
            document = None
        if isinstance(document, dict) and document.get("schema") in SCHEMAS:
            found = read_evidence(data, path.name)
            remarks = () if found.sealed else ("It has no right seal: its facts count as given by hand.",)
            return Found(path, "evidence", f"Evidence: {len(found.facts)} facts.", path.stem, remarks=remarks)
    found_in = scanned([str(path)], base=path.absolute().parent)
    count = len(found_in["facts"])
    if not count:
        raise _wrong(path, "a scan found no facts in it")
    what = "folder" if path.is_dir() else "file"
    problems = [f"{entry['file']}: {entry['message']}" for entry in found_in["problems"][:_MOST_SHOWN]]
    return Found(path, "evidence", f"A {what} with {count} facts.", path.stem, remarks=tuple(problems))
