"""Sidecars: what evidence says of the choices of an AWS lens, held against the lens, and kept with it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from assessments.aws_documents import canonical, to_text
from assessments.lens import Lens, find_lens, lens_of, load_lens, named_facts, unprovable_choices
from probes.documents import read_yaml
from probes.errors import UsageError

SIDECAR = """\
schema: loadstone.sidecar/1
lens: Team lens
constants:
  MARGIN: {value: 1.1, reason: below it a pause of the collector was enough}
  LOAD_RUN_DAYS: {value: 90, reason: this team measures quarterly}
conditions:
  roomy: {when: derived.memory_limit_headroom >= MARGIN, meaning: the limit lies above the peak}
questions:
  memory_1:
    weight: 3
    critical: true
    axes: [workload, data]
    effort_days: 0.5
    choices:
      memory_1_a:
        verified_by: roomy
        contradicted_by: derived.memory_limit_headroom < 1
"""


def aws(**more: Any) -> dict[str, Any]:
    questions = [
        {
            "id": "memory_1",
            "title": "Where do limits come from?",
            "description": "Wrong ones kill.",
            "helpfulResource": {"displayText": "A page", "Url": "https://a.org"},
            "choices": [
                {"id": "memory_1_a", "title": "A ramp", "improvementPlan": {"displayText": "Run one"}},
                {"id": "memory_1_b", "title": "Each release"},
                {"id": "memory_1_no", "title": "None of these"},
            ],
            "riskRules": [
                {"condition": "memory_1_a && memory_1_b", "risk": "NO_RISK"},
                {"condition": "default", "risk": "HIGH_RISK"},
            ],
        },
        {
            "id": "memory_2",
            "title": math.nan,
            "choices": [{"id": "memory_2_a", "title": ""}],
            "riskRules": [{"condition": "default", "risk": "NO_RISK"}],
        },
    ]
    pillar = {"id": "pillar_1", "name": "Memory", "questions": questions}
    return {
        "schemaVersion": "2021-11-01",
        "name": "Team lens",
        "description": "x",
        "pillars": [pillar],
    } | more


def beside(folder: Path, sidecar: str = SIDECAR) -> Lens:
    (folder / "team.loadstone.yaml").write_text(sidecar)
    (folder / "team.json").write_text(json.dumps(aws()))
    return find_lens("team.json", folder)


def test_a_sidecar_gives_weights_axes_effort_and_evidence(tmp_path: Path) -> None:
    lens = beside(tmp_path)
    first, second = lens.questions
    assert (first.weight, first.critical, first.axes, second.weight) == (3.0, True, ("workload", "data"), 0.0)
    assert [axis.id for axis in lens.axes] == ["workload", "data"]
    assert lens.expiry.load_run_days == 90
    assert list(named_facts(lens)) == ["derived.memory_limit_headroom"]
    choice = first.choice("memory_1_a")
    assert choice is not None
    assert choice.remediation is not None
    assert (choice.remediation.text, choice.remediation.effort_days) == ("Run one", 0.5)
    assert choice.verified_by is not None
    assert choice.verified_by.value({"derived.memory_limit_headroom": 1.1}) is True
    assert lens.problems == ()
    assert [choice.id for _, choice in unprovable_choices(lens)] == ["memory_1_b", "memory_2_a"]


def test_without_a_sidecar_weights_are_one_and_effort_is_assumed() -> None:
    first, second = lens_of(aws(), "team.json").questions
    assert (first.weight, second.weight, first.axes) == (1.0, 0.0, ())
    assert first.why == "Wrong ones kill."
    assert [reference.url for reference in first.references] == ["https://a.org"]
    assert second.text == "memory_2"
    assert second.choices[0].text == "memory_2_a"
    plans = [choice.remediation for choice in first.choices]
    assert plans[0] is not None
    assert plans[0].effort_assumed
    assert plans[1] is not None
    assert plans[1].text == "Put in place: Each release"
    assert plans[2] is None, "nobody is asked to do none of these"


def test_a_stored_lens_keeps_its_sidecar_and_awss_document(tmp_path: Path) -> None:
    lens = beside(tmp_path)
    text = json.dumps(lens.to_json(), allow_nan=False)
    again = lens_of(json.loads(text), "stored")
    assert again == lens
    assert again.version == lens.version
    assert again.imported is not None
    assert canonical(again.imported.document) == canonical(aws())
    assert load_lens(text.encode(), "stored.json") == lens


def test_the_version_changes_with_the_lens_and_with_the_sidecar(tmp_path: Path) -> None:
    bare = lens_of(aws(), "team.json").version
    assert bare == lens_of(aws(), "elsewhere.json").version
    with_it = beside(tmp_path).version
    other = beside(tmp_path, SIDECAR.replace("weight: 3", "weight: 4")).version
    assert len({bare, with_it, other, lens_of(aws(description="y"), "team.json").version}) == 4


def test_a_sidecar_beside_the_file_goes_before_the_one_inside(tmp_path: Path) -> None:
    kept = to_text(beside(tmp_path).to_json())
    (tmp_path / "kept.json").write_text(kept)
    assert find_lens("kept.json", tmp_path).questions[0].weight == 3
    (tmp_path / "kept.loadstone.yaml").write_text(SIDECAR.replace("weight: 3", "weight: 5"))
    assert find_lens("kept.json", tmp_path).questions[0].weight == 5


def test_weights_of_a_question_that_only_informs_cannot_be_replaced(tmp_path: Path) -> None:
    lens = beside(tmp_path)
    assert lens.with_weights({"memory_1": 7}).questions[0].weight == 7
    with pytest.raises(UsageError, match="memory_2 has the same risk whatever is selected"):
        lens.with_weights({"memory_2": 1})


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("sidecar/1", "sidecar/2", 1, "the schema of a sidecar is loadstone.sidecar/1"),
        ("lens: Team", "lens: Other", 2, "for the lens 'Other lens', not for 'Team lens'"),
        ("questions:", "question:", 9, "did you mean questions?"),
        ("  memory_1:", "  memory_11:", 10, "no question 'memory_11': did you mean memory_1?"),
        ("      memory_1_a:", "      memory_1_aa:", 16, "no choice 'memory_1_aa': did you mean memory_1_a?"),
        ("weight: 3", "weight: 101", 10, "from 0 to 100"),
        ("weight: 3", "weight: 0", 11, "critical and weighs nothing"),
        ("weight: 3", "wieght: 3", 10, "did you mean weight?"),
        ("critical: true", "critical: often", 11, "critical is true or false"),
        ("[workload, data]", "[workload, date]", 12, "no axis 'date': did you mean data?"),
        ("[workload, data]", "[data, data]", 12, "names an axis twice"),
        ("effort_days: 0.5", "effort_days: 0", 13, "above 0"),
        ("verified_by: roomy", "verified_by: romy", 16, "no condition 'romy': did you mean roomy?"),
        ("verified_by: roomy", "verified_by: __import__('os')", 16, "is no part of an expression"),
        ("verified_by: roomy", "proved_by: roomy", 16, "has no 'proved_by'"),
        ("memory_1_a:\n        verified_by", "memory_1_no:\n        verified_by", 17, "none of the others"),
        ("  memory_1:\n    weight: 3", "  memory_2:\n    weight: 3", 10, "is the same whatever is selected"),
        ("questions:", "x: &a [1]\ny: *a\nquestions:", 9, "alias"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_lens_is_refused_with_file_and_line(
    old: str, new: str, line: int, says: str, tmp_path: Path
) -> None:
    assert old in SIDECAR
    with pytest.raises(UsageError) as told:
        beside(tmp_path, SIDECAR.replace(old, new, 1))
    message = str(told.value)
    assert f"team.loadstone.yaml, line {line}: " in message
    assert says in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("verified_by: roomy", "verified_by: roomy || load.capacty > 1", "unknown_fact"),
        ("verified_by: roomy", "verified_by: roomy && load.limited_by > 3", "never_fits"),
        ("verified_by: roomy", "verified_by: always", "proved_by_nothing"),
        ("constants:", "constants:\n  SPARE: {value: 1, reason: none}", "unused"),
    ],
)
def test_what_deserves_a_look_is_a_problem_of_the_lens(old: str, new: str, kind: str, tmp_path: Path) -> None:
    lens = beside(tmp_path, SIDECAR.replace(old, new, 1))
    assert kind in {problem.kind for problem in lens.problems}


def test_the_example_of_the_docs_is_a_sidecar() -> None:
    from assessments import aws_sidecar

    text = (aws_sidecar.__doc__ or "").split("\n\n")[2]
    document = read_yaml("\n".join(line[4:] for line in text.splitlines()).encode(), "example")
    lens = lens_of(aws(), "team.json")
    assert lens.imported is not None
    found = aws_sidecar.sidecar_of(document, "example", lens.imported)
    assert found.questions["memory_1"].effort_days == 2
