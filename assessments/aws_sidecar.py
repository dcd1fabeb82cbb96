"""The sidecar of an imported lens: what evidence says of its choices, and what its questions weigh.

AWS's format has no place for that, so it lies beside the lens, `NAME.loadstone.yaml` beside `NAME.json`:

    schema: loadstone.sidecar/1
    lens: Team lens                      # optional: the name of the lens it belongs to
    constants:                           # as in a lens of ours, each with its reason
      MARGIN: {value: 1.1, reason: "below it a garbage collection pause was enough for an OOM kill"}
    conditions:
      roomy: {when: derived.memory_limit_headroom >= MARGIN, meaning: the limit lies above the peak}
    questions:
      memory_1:
        weight: 3                        # 0 to 100, by default 1; 0 lets a question only inform
        critical: true                   # default false
        axes: [workload, data]           # growth axes, by default none
        effort_days: 2                   # working days for each of its practices
        choices:
          memory_1_a:
            verified_by: roomy
            contradicted_by: derived.memory_limit_headroom < 1

A question whose risk is the same whatever is selected weighs nothing, and cannot be given a weight or be
critical. "None of these" cannot be contradicted: what shows that there is more verifies another choice.

Everything is checked against the lens: what it has not is refused with file and line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assessments.aws_lens import AwsLens
from assessments.aws_lens import Question as RatedQuestion
from assessments.checked_values import nearest
from assessments.expression_reader import ExpressionReader
from assessments.expressions import Expression
from assessments.lens import MAX_WEIGHT, Problem, Threshold
from probes.documents import read_file, read_yaml

SCHEMA = "loadstone.sidecar/1"
ENDING = ".loadstone.yaml"
MAX_BYTES = 1_000_000
AXES: Mapping[str, str] = {
    "workload": "Requests per second",
    "users": "Users",
    "data": "Data volume",
    "complexity": "Complexity of the model",
}
"""The growth axes that a question may be on, with their names."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What proves a choice, and what contradicts it."""

    verified_by: Expression | None = None
    contradicted_by: Expression | None = None


@dataclass(frozen=True, slots=True)
class Addition:
    """What a sidecar says of one question; `weight` and `effort_days` are None where it says nothing."""

    weight: float | None = None
    critical: bool = False
    axes: tuple[str, ...] = ()
    effort_days: float | None = None
    choices: Mapping[str, Proof] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A sidecar that was read and checked. `questions` is by id; `document` is the file as it was."""

    questions: Mapping[str, Addition] = field(default_factory=dict)
    thresholds: tuple[Threshold, ...] = ()
    problems: tuple[Problem, ...] = ()
    document: Mapping[str, Any] | None = None


def sidecar_beside(path: Path, lens: AwsLens) -> Sidecar | None:
    """The sidecar that lies beside the file of a lens, None where there is none. Raises `UsageError`."""
    beside = path.with_suffix(ENDING)
    if beside == path or not beside.exists():
        return None
    name = str(beside)
    return sidecar_of(read_yaml(read_file(beside, max_bytes=MAX_BYTES), name), name, lens)


def sidecar_of(document: Any, name: str, lens: AwsLens) -> Sidecar:
    """The sidecar in a document that was read. Raises `UsageError` with file and line."""
    return _Reader(name, lens).sidecar(document)


class _Reader(ExpressionReader):
    """Reads one sidecar, held against its lens."""

    def __init__(self, file: str, lens: AwsLens) -> None:
        super().__init__(file)
        self.lens = lens
        self.by_id = {question.id: question for question in lens.questions}

    def sidecar(self, document: Any) -> Sidecar:
        root = self.mapping(document, None, "a sidecar")
        if root.get("schema") != SCHEMA:
            found = f"{root.get('schema')!r:.60}"
            raise self.wrong(root, "schema", f"the schema of a sidecar is {SCHEMA}, not {found}")
        self.keys(root, "a sidecar", ("schema", "questions"), ("lens", "constants", "conditions"))
        if "lens" in root and (named := self.text(root, "lens")) != self.lens.name.strip():
            what = f"this sidecar is for the lens '{named:.60}', not for '{self.lens.name:.60}'"
            raise self.wrong(root, "lens", f"{what}: rename one, or put it beside its own")
        thresholds = self.thresholds(root)
        self.read_conditions(root)
        table = self.mapping(root["questions"], root, "questions", "questions")
        questions = {str(name): self.addition(table, name) for name in table}
        self.note_unused(root)
        return Sidecar(questions, thresholds, self.problems, root)

    def addition(self, table: Mapping[str, Any], name: str) -> Addition:
        question = self.by_id.get(name)
        if question is None:
            hint = nearest(str(name), self.by_id, f"it has {len(self.by_id)}")
            raise self.wrong(table, name, f"the lens has no question '{name:.60}': {hint}")
        entry = self.mapping(table[name], table, f"question {name}", name)
        self.keys(entry, "a question", (), ("weight", "critical", "axes", "effort_days", "choices"))
        weight = float(self.number(entry, "weight", 0.0, MAX_WEIGHT)) if "weight" in entry else None
        critical = self.boolean(entry, "critical")
        if question.only_informs and (weight or critical):
            key = "weight" if weight else "critical"
            what = f"the risk of {name} is the same whatever is selected"
            raise self.wrong(entry, key, f"{what}: it cannot weigh anything, take {key} out")
        if critical and weight == 0:
            raise self.wrong(entry, "critical", f"{name} is critical and weighs nothing: decide for one")
        return Addition(
            weight=weight,
            critical=critical,
            axes=self.axes(entry, name),
            effort_days=self.effort(entry) if "effort_days" in entry else None,
            choices=self.choices(entry, question),
        )

    def axes(self, entry: Mapping[str, Any], question: str) -> tuple[str, ...]:
        if "axes" not in entry:
            return ()
        axes = self.entries(entry, "axes", f"axes of {question}", 0, len(AXES))
        for axis in axes:
            if axis not in AXES:
                hint = nearest(str(axis), AXES, f"known are {', '.join(AXES)}")
                raise self.wrong(entry, "axes", f"there is no axis '{axis!s:.60}': {hint}")
        if len(set(axes)) < len(axes):
            raise self.wrong(entry, "axes", f"{question} names an axis twice: name each once")
        return tuple(axes)

    def effort(self, entry: Mapping[str, Any]) -> float:
        effort = float(self.number(entry, "effort_days", 0.0, 1000.0))
        if effort <= 0:
            raise self.wrong(entry, "effort_days", "effort_days is above 0: write 0.5 for half a day")
        return effort

    def choices(self, entry: Mapping[str, Any], question: RatedQuestion) -> Mapping[str, Proof]:
        table = self.mapping(entry.get("choices", {}), entry, f"choices of {question.id}", "choices")
        known = {choice.id: choice for choice in question.choices}
        proofs = {}
        for name in table:
            if name not in known:
                hint = nearest(str(name), known, f"it has {', '.join(known) or 'none'}")
                raise self.wrong(table, name, f"{question.id} has no choice '{name:.60}': {hint}")
            proof = self.mapping(table[name], table, f"choice {name}", name)
            self.keys(proof, "a choice", (), ("verified_by", "contradicted_by"))
            if known[name].excludes_others and "contradicted_by" in proof:
                what = f"{name} says that none of the others is true"
                raise self.wrong(proof, "contradicted_by", f"{what}: let one of them be verified instead")
            verified = self.expression(proof, "verified_by", question.id)
            if verified is not None and not verified.names:
                self.note(
                    "proved_by_nothing",
                    question.id,
                    f"verified_by of {name} asks no fact",
                    proof,
                    "verified_by",
                )
            proofs[str(name)] = Proof(verified, self.expression(proof, "contradicted_by", question.id))
        return proofs
