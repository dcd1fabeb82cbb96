"""AWS custom lenses: read without loss, rated as AWS rates, checked rule by rule against every selection."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assessments.aws_documents import aws_id, canonical, imported, source_of, to_text
from assessments.aws_lens import AwsLens, lens_of, read_lens
from assessments.aws_lens_check import check_lens
from assessments.aws_rating import count_ratings, rate, select_all, select_first
from assessments.risk_conditions import (
    Condition,
    ConditionError,
    Selections,
    TooManyChoicesError,
    parse_condition,
)
from probes.errors import UsageError

GOOD_RULES = (
    ("aaa_1 && aaa_2", "NO_RISK"),
    ("aaa_1 || aaa_2", "MEDIUM_RISK"),
    ("default", "HIGH_RISK"),
)


def choice(name: str, title: str = "A practice", **more: Any) -> dict[str, Any]:
    return {"id": name, "title": title} | more


def question(
    name: str = "question_1",
    choices: tuple[Any, ...] = ("aaa_1", "aaa_2", "aaa_no"),
    rules: tuple[tuple[str, str], ...] = GOOD_RULES,
    **more: Any,
) -> dict[str, Any]:
    return {
        "id": name,
        "title": "How do you do it?",
        "choices": [choice(entry) if isinstance(entry, str) else entry for entry in choices],
        "riskRules": [{"condition": condition, "risk": risk} for condition, risk in rules],
    } | more


def document(*questions: dict[str, Any], **more: Any) -> dict[str, Any]:
    pillar = {"id": "pillar_1", "name": "One", "questions": list(questions)}
    return {
        "schemaVersion": "2021-11-01",
        "name": "A lens",
        "description": "Of a team",
        "pillars": [pillar],
    } | more


def lens(*questions: dict[str, Any], **more: Any) -> AwsLens:
    return read_lens(json.dumps(document(*questions, **more)).encode(), "lens.json")


def kinds(found: AwsLens) -> Counter[str]:
    return Counter(problem.kind for problem in check_lens(found))


def the_problem(found: AwsLens, kind: str) -> str:
    (problem,) = [problem for problem in check_lens(found) if problem.kind == kind]
    return problem.message


def test_a_good_lens_has_counts_and_no_problems() -> None:
    found = lens(question(), question("question_2"))
    assert found.counts == {"pillars": 1, "questions": 2, "choices": 6, "rules": 6}
    assert check_lens(found) == []
    assert found.choice_ids["question_1"] == ("aaa_1", "aaa_2", "aaa_no")
    assert found.takes_several


@pytest.mark.parametrize(
    ("selected", "rating", "value"),
    [
        ((), "UNANSWERED", None),
        (("aaa_1", "aaa_2"), "NO_RISK", 1.0),
        (("aaa_2",), "MEDIUM_RISK", 0.5),
        (("aaa_no",), "HIGH_RISK", 0.0),
    ],
)
def test_the_first_rule_that_is_true_gives_the_risk(
    selected: tuple[str, ...], rating: str, value: float | None
) -> None:
    (found,) = lens(question()).questions
    assert found.risk(selected) == rating
    assert found.value(selected) == value
    assert found.weight == 1


def test_what_no_rule_decides_is_not_rated() -> None:
    (found,) = lens(question(rules=(("aaa_1", "NO_RISK"),))).questions
    assert found.risk(("aaa_2",)) == "NOT_RATED"
    assert found.value(("aaa_2",)) is None


def test_a_rule_that_cannot_be_read_leaves_what_follows_unrated() -> None:
    rules = (("aaa_1", "NO_RISK"), ("aaa_2 &&", "MEDIUM_RISK"), ("default", "HIGH_RISK"))
    found = lens(question(rules=rules))
    assert found.questions[0].risk(("aaa_1",)) == "NO_RISK"
    assert found.questions[0].risk(("aaa_2",)) == "NOT_RATED"
    assert found.questions[0].weight == 1
    assert kinds(found) == {"bad_condition": 1, "not_checked": 1}


def test_selections_are_counted_by_risk() -> None:
    found = lens(question(), question("question_2", ("bbb_1",), (("bbb_1", "NO_RISK"),)))
    assert count_ratings(rate(found.questions, {})) == {
        "HIGH_RISK": 0, "MEDIUM_RISK": 0, "NO_RISK": 0, "UNANSWERED": 2, "NOT_RATED": 0,
    }  # fmt: skip
    first = count_ratings(rate(found.questions, select_first(found.questions)))
    assert (first["MEDIUM_RISK"], first["NO_RISK"]) == (1, 1)
    every = rate(found.questions, select_all(found.questions))
    assert count_ratings(every)["NO_RISK"] == 2
    assert [entry.contradicts_itself for entry in every] == [True, False]


def test_a_rule_that_earlier_rules_take_everything_from_is_dead() -> None:
    rules = (("aaa_1 && aaa_2", "NO_RISK"), ("(!aaa_1) || (!aaa_2)", "HIGH_RISK"), ("default", "MEDIUM_RISK"))
    found = lens(question(rules=rules))
    assert kinds(found) == {"dead_rule": 1}
    message = the_problem(found, "dead_rule")
    assert message.startswith("rule 3 (default → MEDIUM_RISK) can never fire: rules 1 and 2 take every")


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ((("aaa_1 && !aaa_1", "NO_RISK"), ("default", "HIGH_RISK")), "its condition is never true"),
        ((("aaa_9", "NO_RISK"), ("aaa_1", "MEDIUM_RISK"), ("default", "HIGH_RISK")), "is never true"),
        ((("aaa_1", "NO_RISK"), ("aaa_1 && aaa_2", "HIGH_RISK"), ("default", "HIGH_RISK")), "rule 1 takes"),
        ((("default", "HIGH_RISK"), ("aaa_1", "NO_RISK")), "rule 1 takes"),
    ],
)
def test_every_way_to_be_dead_is_named(rules: tuple[tuple[str, str], ...], said: str) -> None:
    assert said in the_problem(lens(question(rules=rules)), "dead_rule")


def test_a_rule_for_nothing_selected_alone_never_comes_up() -> None:
    found = lens(question(choices=("aaa_1", "aaa_2")))
    assert kinds(found) == {"only_when_empty": 1}
    assert "counts as unanswered" in the_problem(found, "only_when_empty")


def test_a_question_of_constant_risk_informs_and_weighs_nothing() -> None:
    found = lens(question(rules=(("aaa_1", "NO_RISK"), ("default", "NO_RISK"))))
    assert kinds(found) == {"constant_risk": 1}
    assert found.questions[0].only_informs
    assert found.questions[0].weight == 0


def test_an_overlap_is_where_the_order_hides_a_higher_risk() -> None:
    hidden = (("aaa_1 || aaa_2", "NO_RISK"), ("!aaa_1 || !aaa_2", "HIGH_RISK"), ("default", "MEDIUM_RISK"))
    message = the_problem(lens(question(rules=hidden)), "overlap")
    assert "rule 1 (aaa_1 || aaa_2 → NO_RISK) and rule 2" in message
    assert "both true for 'aaa_1'" in message
    worst_first = (("!aaa_1", "HIGH_RISK"), ("!aaa_2", "MEDIUM_RISK"), ("default", "NO_RISK"))
    assert "overlap" not in kinds(lens(question(rules=worst_first)))
    assert "overlap" not in kinds(lens(question()))


def test_a_missing_default_is_named_with_what_it_leaves_open() -> None:
    found = lens(question(rules=(("aaa_1", "NO_RISK"), ("aaa_2", "HIGH_RISK"))))
    assert the_problem(found, "no_default") == "no rule is the default"
    open_for_one = lens(question(rules=(("aaa_1", "NO_RISK"), ("!aaa_2", "HIGH_RISK"))))
    assert "not rated for 'aaa_2'" in the_problem(open_for_one, "no_default")
    decided = lens(question(rules=(("aaa_1", "NO_RISK"), ("!aaa_1", "HIGH_RISK"))))
    assert "decide whatever is selected" in the_problem(decided, "no_default")


def test_a_rule_over_a_choice_that_is_not_there_names_the_near_one() -> None:
    found = lens(question(rules=(("aaa_1 && aaa_22", "NO_RISK"), ("default", "HIGH_RISK"))))
    assert "did you mean 'aaa_2'?" in the_problem(found, "unknown_choice")


@pytest.mark.parametrize("title", ["None of these", "none of the above", "None"])
def test_none_of_these_without_the_ending_is_named(title: str) -> None:
    found = lens(question(choices=("aaa_1", "aaa_2", choice("aaa_3", title))))
    assert "'aaa_3'" in the_problem(found, "none_without_no")
    every = rate(found.questions, select_all(found.questions))
    assert every[0].contradicts_itself


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"title": math.nan}, "not_text"),
        ({"title": ""}, "not_text"),
        ({"title": "x" * 129}, "too_long"),
        ({"description": math.nan}, "not_text"),
        ({"description": "x" * 2049}, "too_long"),
        ({"id": "a-b-c"}, "bad_id"),
        ({"id": "ab"}, "bad_id"),
        ({"remark": 1}, "unknown_key"),
        ({"helpfulResource": {"displayText": "x", "url": ""}}, "bad_url"),
        ({"helpfulResource": {"displayText": "x", "url": "https://a b"}}, "bad_url"),
        ({"helpfulResource": {"displayText": "x", "url": "javascript:alert(1)"}}, "bad_url"),
        ({"helpfulResource": {"displayText": "x", "Url": "https://a"}}, "unknown_key"),
        ({"helpfulResource": "https://a"}, "not_object"),
        ({"choices": []}, "no_choices"),
        ({"riskRules": []}, "no_rules"),
    ],
)
def test_what_real_files_hold_loads_and_is_named(change: dict[str, Any], kind: str) -> None:
    assert kind in kinds(lens(question() | change))


def test_problems_of_choices_and_of_the_lens_are_named() -> None:
    choices = (
        "aaa_1",
        "aaa_1",
        choice("aaa_2", additionalResources=[{"type": "X", "content": "y"}]),
        "aaa_no",
    )
    found = kinds(lens(question(choices=choices), question(), schemaVersion="2020-01-01", name=None))
    assert found["duplicate_id"] == 2
    assert found["not_object"] == found["schema_version"] == found["not_text"] == 1
    many = tuple(f"aaa_{index}" for index in range(1, 17))
    assert kinds(lens(question(choices=(*many[:15], "aaa_no"))))["too_many"] == 1
    assert kinds(lens(question(rules=GOOD_RULES + GOOD_RULES[:1])))["too_many"] == 1


def test_a_problem_knows_its_line() -> None:
    text = json.dumps(document(question(title=math.nan)), indent=1)
    (problem,) = check_lens(read_lens(text.encode(), "lens.json"))
    assert problem.line is not None
    assert '"title": NaN' in text.splitlines()[problem.line - 1]


def test_a_file_over_aws_limit_loads_and_says_so() -> None:
    found = lens(question(description="x" * 600_000))
    assert kinds(found) == {"too_large": 1, "too_long": 1}


def test_import_and_export_lose_nothing() -> None:
    odd = question(title=math.nan, remark={"Url": [1, 2.50, None, True]}) | {"id": "über-Frage"}
    text = json.dumps(document(odd, question(rules=()), _version="7\u2028")).encode()
    first = read_lens(text, "lens.json")
    weights = {entry.id: entry.weight for entry in first.questions}
    kept = to_text(imported(first, source_of(text, "lens.json"), weights)).encode()
    second = read_lens(kept, "kept.json")
    exported = to_text(second.document).encode()
    assert canonical(read_lens(exported, "out.json").document) == canonical(json.loads(text))
    assert list(second.document) == list(json.loads(text))
    assert check_lens(second)
    document_kept = json.loads(kept)
    assert document_kept["values"] == {"NO_RISK": 1.0, "MEDIUM_RISK": 0.5, "HIGH_RISK": 0.0}
    assert document_kept["source"] == {"file": "lens.json", "sha256": hashlib.sha256(text).hexdigest()}
    assert document_kept["weights"] == {"über-Frage": 1.0, "question_1": 0.0}


def test_ids_of_ours_become_ids_that_aws_takes() -> None:
    assert aws_id("INF-01_a") == "INF_01_a"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON"),
        ("[]", "no AWS custom lens"),
        ("{}", "no AWS custom lens"),
        ('{"pillars": {}}', "has to be a list"),
        ('{"pillars": []}', "has no pillar"),
        ('{"pillars": [1]}', "objects only"),
        ('{"pillars": [{"name": "x"}]}', "needs an id"),
        ('{"pillars": [{"id": "abc", "questions": [{"id": NaN}]}]}', "needs an id"),
        ('{"pillars": [{"id": "abc", "questions": [{"id": "q", "choices": ["a"]}]}]}', "objects only"),
        ('{"pillars": [{"id": "abc", "questions": [{"id": "q", "riskRules": 1}]}]}', "has to be a list"),
        ('{"name": "a", "name": "b", "pillars": []}', "stands twice"),
        ('{"schema": "loadstone.aws-lens/1", "lens": 3}', "no AWS custom lens"),
        ("[" * 100_000, "nested"),
        ('{"pillars": ' + "[" * 5000 + "]" * 5000 + "}", "nested"),
    ],
)
def test_what_has_no_shape_of_a_lens_is_refused_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        read_lens(text.encode(), "lens.json")
    assert str(caught.value).startswith("lens.json")


def test_more_questions_than_any_lens_has_are_refused() -> None:
    with pytest.raises(UsageError, match="more than 500 questions"):
        lens(*[{"id": "question"}] * 501)


def test_many_rules_are_not_held_against_each_other() -> None:
    found = lens(question(rules=(("aaa_1", "NO_RISK"),) * 31))
    assert kinds(found) == {"too_many": 1, "no_default": 1, "not_checked": 1}


def test_a_huge_file_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(UsageError, match="larger than"):
        read_lens(b" " * 9_000_000, "lens.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        ("   ", "it is empty"),
        ("a &&", "ends where"),
        ("&& a", "'&&' at character 1"),
        ("a b", "'b' at character 3 follows without an operator"),
        ("(a", "'\\(' at character 1 is not closed"),
        ("a)", "'\\)' at character 2"),
        ("a & b", "is not '&&'"),
        ("a | b", "is not '\\|\\|'"),
        ("()", "'\\)' at character 2"),
        ("a && default", "has to stand alone"),
        ("!" * 60 + "a", "nested deeper"),
        ("(" * 60 + "a" + ")" * 60, "nested deeper"),
        ("a" * 10_001, "longer than"),
    ],
)
def test_what_is_no_condition_says_where(text: str, said: str) -> None:
    with pytest.raises(ConditionError, match=said):
        parse_condition(text)


@pytest.mark.parametrize(
    ("text", "selected", "holds"),
    [
        ("a || b && c", {"a"}, True),
        ("(a || b) && c", {"a"}, False),
        ("!a && b", {"b"}, True),
        ("!(a && b)", {"a", "b"}, False),
        ("!!a", {"a"}, True),
        ("a&&!b", {"a"}, True),
        (" default ", set(), True),
        ("a-b.c:d", {"a-b.c:d"}, True),
    ],
)
def test_operators_bind_as_in_other_languages(text: str, selected: set[str], holds: bool) -> None:
    assert parse_condition(text).is_true(selected) is holds


def spelled(condition: Condition) -> str:
    match condition.operator:
        case "choice":
            return condition.choice
        case "not":
            return f"!({spelled(condition.parts[0])})"
        case "and":
            return " && ".join(f"({spelled(part)})" for part in condition.parts)
        case _:
            return " || ".join(f"({spelled(part)})" for part in condition.parts)


IDS = ("aaa", "bbb", "ccc", "ddd")
conditions = st.recursive(
    st.sampled_from([*IDS, "zzz"]).map(lambda name: Condition("choice", choice=name)),
    lambda inner: (
        inner.map(lambda part: Condition("not", (part,)))
        | st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3)).map(
            lambda pair: Condition(pair[0], tuple(pair[1]))
        )
    ),
    max_leaves=12,
)


def subsets() -> list[tuple[str, ...]]:
    return [chosen for count in range(5) for chosen in itertools.combinations(IDS, count)]


@given(conditions)
def test_a_condition_survives_its_spelling(condition: Condition) -> None:
    again = parse_condition(spelled(condition))
    assert all(again.is_true(chosen) == condition.is_true(chosen) for chosen in subsets())


@given(conditions)
def test_all_selections_at_once_are_each_selection_in_turn(condition: Condition) -> None:
    selections = Selections(IDS)
    true = selections.true_for(condition)
    for chosen in subsets():
        index = sum(1 << IDS.index(name) for name in chosen)
        assert bool(true >> index & 1) == condition.is_true(chosen)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            conditions.map(spelled) | st.just("default"),
            st.sampled_from(["NO_RISK", "MEDIUM_RISK", "HIGH_RISK"]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_dead_rules_and_constant_risks_are_those_that_trying_everything_finds(
    rules: list[tuple[str, str]],
) -> None:
    found = lens(question(choices=IDS, rules=tuple(rules)))
    parsed = [parse_condition(text) for text, _ in rules]
    firing = {
        next((index for index, condition in enumerate(parsed) if condition.is_true(chosen)), None)
        for chosen in subsets()
    }
    problems = check_lens(found)
    dead = [problem.message for problem in problems if problem.kind == "dead_rule"]
    assert [message.split(" ", 2)[1] for message in dead] == [
        str(index + 1) for index in range(len(rules)) if index not in firing
    ]
    risks = {"NOT_RATED" if index is None else rules[index][1] for index in firing}
    assert found.questions[0].only_informs == (len(risks) == 1)


def test_fifteen_choices_are_decided_exactly() -> None:
    """One selection in 32,768 makes the difference."""
    names = tuple(f"aaa_{index}" for index in range(15))
    every = " && ".join(names)
    rules = ((f"!({every})", "HIGH_RISK"), ("default", "NO_RISK"))
    assert kinds(lens(question(choices=names, rules=rules))) == {}
    rules = ((f"!({every})", "HIGH_RISK"), (every, "NO_RISK"), ("default", "NO_RISK"))
    assert kinds(lens(question(choices=names, rules=rules))) == {"dead_rule": 1}


def test_more_choices_than_can_be_tried_are_said_to_be_unchecked() -> None:
    names = tuple(f"aaa_{index}" for index in range(25))
    few = lens(question(choices=names, rules=(("aaa_1", "NO_RISK"), ("default", "HIGH_RISK"))))
    assert kinds(few) == {"too_many": 1}
    many = lens(question(choices=names, rules=((" && ".join(names), "NO_RISK"), ("default", "HIGH_RISK"))))
    assert kinds(many) == {"too_many": 1, "not_checked": 1}
    assert not many.questions[0].only_informs
    with pytest.raises(TooManyChoicesError):
        Selections(names)


def test_a_lens_can_be_made_of_a_document() -> None:
    assert lens_of(document(question()), "inline").name == "A lens"
