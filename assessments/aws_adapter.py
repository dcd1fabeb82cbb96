"""An AWS custom lens as a `Lens`, so that it is answered, judged, scored and reported like one of ours.

Its pillars are the lens's. A question keeps its risk rules (`Question.by_rules`); what its sidecar says of
choices becomes `verified_by` and `contradicted_by`, and the improvement plan of a choice its remediation. A
question whose risk is constant weighs 0: it is shown and counts nothing. The effort of a practice, where no
sidecar names it, is taken to be `DEFAULT_EFFORT_DAYS`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assessments import aws_lens
from assessments.aws_documents import canonical, imported
from assessments.aws_lens import IMPORTED_SCHEMA, AwsLens
from assessments.aws_sidecar import AXES, Addition, Proof, Sidecar, sidecar_beside, sidecar_of
from assessments.expressions import expression
from assessments.lens import Choice, Group, Lens, Question, Reference, Remediation

DEFAULT_EFFORT_DAYS = 3.0
NOTHING = Sidecar()
_ALWAYS = expression("always")


def adapted(document: Any, name: str, path: Path | None = None, size: int = 0) -> Lens:
    """The lens in AWS's document or in an imported one; `name` stands in messages.

    The sidecar is the one beside the file at `path`, else the one inside an imported document. Raises
    `UsageError` with file and line.
    """
    aws = aws_lens.lens_of(document, name, size)
    is_imported = document.get("schema") == IMPORTED_SCHEMA
    sidecar = None if path is None else sidecar_beside(path, aws)
    if sidecar is None and is_imported and document.get("sidecar") is not None:
        sidecar = sidecar_of(document["sidecar"], f"{name}: sidecar", aws)
    source = {key: _text(document, "source", key) for key in ("file", "sha256") if is_imported}
    return as_lens(aws, sidecar or NOTHING, {key: text for key, text in source.items() if text})


def as_lens(aws: AwsLens, sidecar: Sidecar = NOTHING, source: Mapping[str, Any] | None = None) -> Lens:
    """The lens with its sidecar, ready to be judged. Its version is a digest of both."""
    questions = tuple(
        _question(question, sidecar.questions.get(question.id, Addition())) for question in aws.questions
    )
    on_axes = {axis for question in questions for axis in question.axes}
    weights = {question.id: question.weight for question in questions}
    digest = hashlib.sha256(canonical(aws.document))
    if sidecar.document is not None:
        digest.update(canonical(sidecar.document))
    name = aws.name.strip() or "AWS custom lens"
    return Lens(
        name=name,
        title=name,
        version=digest.hexdigest()[:12],
        pillars=tuple(Group(pillar.id, pillar.name or pillar.id) for pillar in aws.pillars),
        axes=tuple(Group(axis, title) for axis, title in AXES.items() if axis in on_axes),
        questions=questions,
        thresholds=sidecar.thresholds,
        problems=sidecar.problems,
        document=imported(aws, source or {}, weights, sidecar.document),
        imported=aws,
    )


def _question(question: aws_lens.Question, more: Addition) -> Question:
    weight = question.weight if more.weight is None else more.weight
    return Question(
        id=question.id,
        pillar=question.pillar,
        axes=more.axes,
        weight=weight,
        critical=more.critical,
        text=question.title.strip() or question.id,
        why=_text(question.entry, "description"),
        choices=tuple(_choice(choice, more) for choice in question.choices),
        applies_when=_ALWAYS,
        references=tuple(_references(question)),
        by_rules=question,
    )


def _choice(choice: aws_lens.Choice, more: Addition) -> Choice:
    proof = more.choices.get(choice.id, Proof())
    title = choice.title.strip() or choice.id
    remediation = None
    if not choice.excludes_others:
        remediation = Remediation(
            text=_text(choice.entry, "improvementPlan", "displayText") or f"Put in place: {title}",
            effort_days=DEFAULT_EFFORT_DAYS if more.effort_days is None else more.effort_days,
            effort_assumed=more.effort_days is None,
        )
    unprovable = "" if proof.verified_by is not None else "no sidecar says what would prove it"
    return Choice(choice.id, 0.0, title, proof.verified_by, proof.contradicted_by, unprovable, remediation)


def _references(question: aws_lens.Question) -> Iterator[Reference]:
    """What the question and its choices name to read, each address once."""
    seen: set[str] = set()
    for entry, title in (
        (question.entry, question.title),
        *((choice.entry, choice.title) for choice in question.choices),
    ):
        for key in ("helpfulResource", "improvementPlan"):
            url = _text(entry, key, "url") or _text(entry, key, "Url")
            if url.startswith(("https://", "http://")) and url not in seen:
                seen.add(url)
                yield Reference(title.strip() or url, url)


def _text(entry: Mapping[str, Any], *keys: str) -> str:
    """The text that lies under the keys; empty where there is none."""
    value: Any = entry
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value.strip() if isinstance(value, str) else ""
