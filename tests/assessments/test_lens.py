"""Lenses: what is read, what is refused with its line, and what is named as a problem."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assessments.lens import SCHEMA, Lens, lens_of, load_lens, named_facts, unprovable_choices
from probes.documents import read_yaml
from probes.errors import UsageError

SMALL = """\
schema: loadstone.lens/1
name: small-lens
title: A small lens
version: "1.0"
constants:
  MEMORY_MARGIN: {value: 1.1, reason: a pause of the collector took 8 %}
  LOAD_RUN_DAYS: {value: 90, reason: this team measures quarterly}
conditions:
  roomy: {when: derived.memory_limit_headroom >= MEMORY_MARGIN, meaning: the limit lies above the peak}
pillars:
- {id: infrastructure, name: Infrastructure}
axes:
- {id: workload, name: Requests per second}
questions:
- id: INF-08
  pillar: infrastructure
  axes: [workload]
  weight: 3
  critical: true
  applies_when: profile.deploys_to == k8s
  question: Where does the memory limit come from?
  why: A wrong one kills under load.
  choices:
  - {id: INF_08_no, value: 0, text: There is none}
  - id: INF_08_a
    value: 0.5
    text: From one run
    verified_by: roomy
    contradicted_by: derived.memory_limit_headroom < 1
  - {id: INF_08_b, value: 1, text: Derived for each release, unprovable: no probe reads releases}
  remediation: {text: Set it to the peak and a fifth, effort_days: 0.5, impact: 4, tradeoff: idle memory}
  references: [A book, {title: A page, url: "https://example.org/page"}]
"""


def load(text: str = SMALL) -> Lens:
    return load_lens(text.encode(), "small.yaml")


def changed(old: str, new: str) -> str:
    assert old in SMALL
    return SMALL.replace(old, new, 1)


def line(text: str, part: str) -> int:
    """The line on which `part` first stands."""
    return text[: text.index(part)].count("\n") + 1


def test_a_lens_is_read_whole() -> None:
    lens = load()
    assert (lens.name, lens.title, lens.version) == ("small-lens", "A small lens", "1.0")
    assert lens.problems == ()
    (question,) = lens.questions
    assert question is lens.by_id["INF-08"]
    assert (question.pillar, question.axes, question.weight, question.critical) == (
        "infrastructure",
        ("workload",),
        3.0,
        True,
    )
    assert [choice.value for choice in question.choices] == [0, 0.5, 1]
    middle = question.choice("INF_08_a")
    assert middle is not None
    assert middle.verified_by is not None
    assert middle.verified_by.value({"derived.memory_limit_headroom": 1.1}) is True
    assert middle.verified_by.value({"derived.memory_limit_headroom": 1.09}) is False
    assert question.choices[2].unprovable == "no probe reads releases"
    assert question.remediation is not None
    assert (question.remediation.effort_days, question.remediation.tradeoff) == (0.5, "idle memory")
    assert [entry.url for entry in question.references] == ["", "https://example.org/page"]
    assert lens.choice_ids == {"INF-08": ("INF_08_no", "INF_08_a", "INF_08_b")}
    assert list(named_facts(lens)) == ["derived.memory_limit_headroom", "profile.deploys_to"]


def test_what_no_probe_can_prove_is_listed_with_its_question() -> None:
    assert [(question.id, choice.id) for question, choice in unprovable_choices(load())] == [
        ("INF-08", "INF_08_b")
    ]
    forgotten = load(changed(", unprovable: no probe reads releases", ""))
    assert [choice.id for _, choice in unprovable_choices(forgotten)] == ["INF_08_b"]
    assert [problem.kind for problem in forgotten.problems] == ["no_proof"]


def test_the_constants_say_how_long_evidence_counts() -> None:
    expiry = load().expiry
    assert (expiry.load_run_days, expiry.evidence_days, expiry.attachment_days) == (90, 180, 180)


def test_a_lens_survives_being_stored_as_json() -> None:
    lens = load()
    document = lens.to_json()
    again = lens_of(json.loads(json.dumps(document)), "stored")
    assert again == lens
    assert load_lens(json.dumps(document).encode(), "small.json") == lens


def test_weights_can_be_replaced_by_others_above_0() -> None:
    lens = load()
    assert lens.with_weights({"INF-08": 1.5}).questions[0].weight == 1.5
    assert lens.questions[0].weight == 3
    with pytest.raises(UsageError, match="did you mean INF-08"):
        lens.with_weights({"INF-8": 1})
    for weight in (0, -1, float("nan"), 101):
        with pytest.raises(UsageError, match="write a number above 0"):
            lens.with_weights({"INF-08": weight})


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("schema: loadstone.lens/1", "schema: loadstone.lens/9", "the schema of a lens is loadstone.lens/1"),
        ("title:", "titel:", "has no 'titel': did you mean title?"),
        ("  weight: 3", "  wieght: 3", "has no 'wieght': did you mean weight?"),
        ("name: small-lens", "name: s", "is no id"),
        ("name: small-lens", "name: small lens", "is no id"),
        ('version: "1.0"', "version: 1.0", "version is a text, not 1.0"),
        ("- id: INF-08", f"- id: {'I' * 129}", "is no id"),
        ("  - {id: INF_08_b", "  - {id: INF_08_a", "'INF_08_a' is there twice"),
        ("  - {id: INF_08_b", "  - {id: unsure", "answers use that word"),
        (
            "- {id: workload, name: Requests per second}",
            "- {id: workload, name: A}\n- {id: workload, name: B}",
            "twice",
        ),
        ("{id: INF_08_no, value: 0,", "{id: INF_08_no, value: 0.5,", "values rise"),
        ("    value: 0.5", "    value: 1", "values rise"),
        ("    value: 0.5", "    value: 1.5", "from 0 to 1, not 1.5"),
        ("    value: 0.5", "    value: half", "from 0 to 1, not 'half'"),
        ("  weight: 3", "  weight: 0", "write a number above 0"),
        ("  weight: 3", "  weight: -3", "from 0 to 100, not -3"),
        ("  weight: 3", "  weight: true", "from 0 to 100, not True"),
        ("  critical: true", "  critical: yes", "critical is true or false, not 'yes'"),
        ("  pillar: infrastructure", "  pillar: infrastucture", "no pillar 'infrastucture': did you mean"),
        ("  axes: [workload]", "  axes: [users]", "no axis 'users'"),
        ("  axes: [workload]", "  axes: workload", "axes is a list"),
        ("- id: INF-08", "- 42\n- id: INF-08", "a question is a mapping of names to values, not 42"),
        ("  - {id: INF_08_no", "  - none\n  - {id: INF_08_no", "a choice of INF-08 is a mapping"),
        ("    verified_by: roomy", "    verified_by: rommy", "no condition 'rommy': did you mean roomy?"),
        ("    verified_by: roomy", "    verified_by: a.b >", "'verified_by' cannot be read: it ends where"),
        ("    verified_by: roomy", "    verified_by: a.b > MARGIN", "no constant 'MARGIN'"),
        ("    verified_by: roomy", '    verified_by: ""', "verified_by is a text, not empty"),
        ("  applies_when: profile.deploys_to == k8s", "  applies_when: profile", "no condition 'profile'"),
        ("text: There is none}", "text: No, contradicted_by: load.capacity > 1}", "cannot be contradicted"),
        ("effort_days: 0.5", "effort_days: 0", "effort_days is above 0"),
        ("impact: 4", "impact: 6", "from 1 to 5, not 6"),
        ("https://example.org/page", "javascript:alert(1)", "is no address"),
        ("  MEMORY_MARGIN: {", "  margin: {", "in capitals, not 'margin'"),
        ("{value: 90, ", "{value: 0, ", "a number of days above 0"),
        ("  roomy: {", "  Roomy: {", "by a small word, not 'Roomy'"),
        (
            "  roomy: {when: derived.memory_limit_headroom >= MEMORY_MARGIN,",
            "  other: {when: roomy, meaning: a}\n  roomy: {when: other,",
            "other → roomy → other",
        ),
    ],
)
def test_what_makes_a_lens_unusable_is_refused_with_its_line(old: str, new: str, says: str) -> None:
    text = changed(old, new)
    with pytest.raises(UsageError) as told:
        load(text)
    message = str(told.value)
    assert says in message
    place, _, rest = message.removeprefix("small.yaml, line ").partition(":")
    assert rest
    assert 0 <= int(place) - line(SMALL, old) <= (4 if "rise" in says else 1)


def test_two_questions_of_one_id_are_refused() -> None:
    question = SMALL[SMALL.index("- id: INF-08") :]
    second = question.replace("INF_08", "INF_09")
    with pytest.raises(
        UsageError, match=f"line {line(SMALL + second, 'INF_09') - 9}.*'INF-08' is there twice"
    ):
        load(SMALL + second)
    assert len(load(SMALL + second.replace("INF-08", "INF-09")).questions) == 2


@pytest.mark.parametrize("missing", ["name", "title", "version", "pillars", "questions"])
def test_what_a_lens_needs_is_asked_for(missing: str) -> None:
    document = read_yaml(SMALL.encode(), "small.yaml")
    del document[missing]
    with pytest.raises(UsageError, match=f"needs '{missing}': add it"):
        lens_of(document, "small.yaml")


@pytest.mark.parametrize(
    ("old", "new", "kind", "says"),
    [
        (
            "    verified_by: roomy",
            "    verified_by: roomy || load.capacty > 1",
            "unknown_fact",
            "did you mean load.capacity?",
        ),
        (
            "    verified_by: roomy",
            "    verified_by: roomy && load.limited_by == gli",
            "never_fits",
            "did you mean gil?",
        ),
        (
            "    verified_by: roomy",
            "    verified_by: roomy && load.limited_by > 3",
            "never_fits",
            "cannot be compared by >",
        ),
        ("    verified_by: roomy", "    verified_by: roomy && load.capacity", "never_fits", "stands alone"),
        (
            "    verified_by: roomy",
            "    verified_by: roomy && load.capacity == cpu",
            "never_fits",
            "is a number",
        ),
        (
            "    verified_by: roomy",
            "    verified_by: roomy && load.capacity > load.limited_by",
            "never_fits",
            "is a number",
        ),
        (
            "    verified_by: roomy",
            "    verified_by: roomy && profile.has_gpu == 1",
            "never_fits",
            "is true or false",
        ),
        ("    verified_by: roomy", "    verified_by: roomy || always", "", ""),
        ("    verified_by: roomy", "    verified_by: always", "proved_by_nothing", "asks no fact"),
        (", unprovable: no probe reads releases", "", "no_proof", "nothing proves INF_08_b"),
        (
            "    verified_by: roomy\n",
            "    verified_by: roomy\n    unprovable: who knows\n",
            "unprovable_but_verified",
            "INF_08_a",
        ),
        ("  - {id: INF_08_b, value: 1,", "  - {id: INF_08_b, value: 0.9,", "ladder_ends", "0 to 0.9"),
        (", tradeoff: idle memory", "", "no_tradeoff", "trade-off"),
        (
            "  applies_when: profile.deploys_to == k8s",
            "  applies_when: load.capacity > 1",
            "applies_by_evidence",
            "load.capacity",
        ),
        ("constants:\n", "constants:\n  SPARE: {value: 2, reason: none}\n", "unused", "constant SPARE"),
        (
            "conditions:\n",
            "conditions:\n  busy: {when: load.capacity > 1, meaning: none}\n",
            "unused",
            "condition busy",
        ),
        (
            "- {id: workload, name: Requests per second}",
            "- {id: workload, name: A}\n- {id: users, name: B}",
            "unused",
            "axis users",
        ),
    ],
)
def test_what_deserves_a_look_is_a_problem_and_the_lens_still_loads(
    old: str, new: str, kind: str, says: str
) -> None:
    problems = load(changed(old, new)).problems
    if not kind:
        assert problems == ()
        return
    found = [problem for problem in problems if problem.kind == kind]
    assert [problem for problem in found if says in problem.message], problems
    assert found[0].line is not None
    assert set(found[0].to_json()) == {"kind", "question", "message", "line"}


def test_a_question_without_a_remediation_is_a_problem() -> None:
    start = SMALL.index("  remediation:")
    problems = load(SMALL[:start] + SMALL[SMALL.index("  references:") :]).problems
    assert [problem.kind for problem in problems] == ["no_remediation"]


def test_a_choice_may_have_a_remediation_of_its_own() -> None:
    own = "unprovable: none yet, remediation: {text: Automate it, effort_days: 5, tradeoff: time}"
    lens = load(changed("unprovable: no probe reads releases", own))
    choice = lens.questions[0].choices[2]
    assert choice.remediation is not None
    assert choice.remediation.effort_days == 5
    assert lens.problems == ()


scraps = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 5),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
        st.sampled_from(["INF-08", "always", "profile.deploys_to == k8s", SCHEMA]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


def _paths(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(node, dict):
        return [path, *(found for key in node for found in _paths(node[key], (*path, key)))]
    if isinstance(node, list):
        return [path, *(found for place in range(len(node)) for found in _paths(node[place], (*path, place)))]
    return [path]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_whatever_stands_anywhere_a_lens_loads_or_is_refused_in_a_sentence(data: st.DataObject) -> None:
    document = json.loads(json.dumps(load().to_json()))
    path = data.draw(st.sampled_from([path for path in _paths(document) if path]))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = data.draw(scraps)
    try:
        lens = lens_of(document, "mutated")
    except UsageError as error:
        assert str(error).startswith("mutated: ")
        assert "\n" not in str(error)
    else:
        assert lens.questions
