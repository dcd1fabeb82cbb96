"""Expressions: a small grammar, Kleene's logic, and what a result rests on."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assessments.expression_parser import MAX_DEPTH, MAX_LENGTH
from assessments.expressions import (
    MAX_PARTS,
    Always,
    And,
    Compare,
    Condition,
    Constant,
    Expression,
    ExpressionError,
    FactRef,
    Literal,
    Node,
    Not,
    Or,
    Scalar,
    Word,
    expression,
    ordered_conditions,
    parse,
    printed,
)

A, B, C = FactRef("a.x"), FactRef("b.x"), FactRef("c.x")
VALUES = (True, False, None)


def facts(**values: Scalar | None) -> dict[str, Scalar]:
    """`a=True` stands for the fact a.x; None for none."""
    return {f"{name}.x": value for name, value in values.items() if value is not None}


def value(node: Node, **values: Scalar | None) -> bool | None:
    return Expression(node).value(facts(**values))


@pytest.mark.parametrize(
    ("left", "right", "both", "either"),
    [
        (True, True, True, True),
        (True, False, False, True),
        (True, None, None, True),
        (False, False, False, False),
        (False, None, False, None),
        (None, None, None, None),
    ],
)
def test_the_truth_tables_are_those_of_kleenes_strong_logic(
    left: bool | None, right: bool | None, both: bool | None, either: bool | None
) -> None:
    for a, b in ((left, right), (right, left)):
        assert value(And((A, B)), a=a, b=b) is both
        assert value(Or((A, B)), a=a, b=b) is either
    assert value(Not(A), a=True) is False
    assert value(Not(A), a=False) is True
    assert value(Not(A), a=None) is None


def test_the_laws_of_kleenes_logic_hold_for_all_values() -> None:
    for a, b, c in itertools.product(VALUES, repeat=3):
        at = {"a": a, "b": b, "c": c}
        equal = [
            (Not(Not(A)), A),
            (And((A, B)), And((B, A))),
            (And((A, And((B, C)))), And((A, B, C))),
            (Or((A, Or((B, C)))), Or((A, B, C))),
            (Not(And((A, B))), Or((Not(A), Not(B)))),
            (Not(Or((A, B))), And((Not(A), Not(B)))),
            (And((A, Or((B, C)))), Or((And((A, B)), And((A, C))))),
            (Or((A, And((A, B)))), A),
            (And((A, Always())), A),
        ]
        for left, right in equal:
            assert value(left, **at) is value(right, **at), (printed(left), printed(right), at)
    assert value(Or((A, Not(A))), a=None) is None, "the excluded middle is no law of it"


names = st.from_regex(r"[a-z][a-z0-9_]{0,3}(\.[a-z0-9_]{1,3}){1,2}", fullmatch=True)
words = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True).filter(
    lambda word: word not in ("always", "true", "false")
)
constants = st.from_regex(r"[A-Z][A-Z0-9_]{0,5}", fullmatch=True)
numbers = st.one_of(
    st.integers(-(10**12), 10**12), st.floats(-1e12, 1e12, allow_nan=False), st.sampled_from([1e-9, 5e-324])
)


@st.composite
def comparisons(draw: st.DrawFn) -> Node:
    sign = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]))
    operands = [numbers.map(Literal), constants.map(Constant), names.map(FactRef)]
    if sign in ("==", "!="):
        operands += [words.map(Word), st.booleans().map(Literal)]
    return Compare(FactRef(draw(names)), sign, draw(st.one_of(operands)))


nodes: st.SearchStrategy[Node] = st.recursive(
    st.one_of(names.map(FactRef), comparisons(), words.map(Condition), st.just(Always())),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=4).map(lambda terms: And(tuple(terms))),
        st.lists(inner, min_size=2, max_size=4).map(lambda terms: Or(tuple(terms))),
    ),
    max_leaves=12,
)


@settings(max_examples=500, deadline=None)
@given(nodes)
def test_what_is_printed_parses_to_the_same_tree(node: Node) -> None:
    assert parse(printed(node)) == node
    assert printed(parse(printed(node))) == printed(node)


def random_node(chance: random.Random, depth: int) -> Node:
    """A tree over the booleans a.x … f.x and the numbers n.x, m.x."""
    kind = chance.random()
    if depth == 0 or kind < 0.3:
        if chance.random() < 0.6:
            return FactRef(f"{chance.choice('abcdef')}.x")
        other: Literal | FactRef = Literal(chance.randint(0, 3)) if chance.random() < 0.7 else FactRef("m.x")
        return Compare(FactRef("n.x"), chance.choice(["==", "!=", "<", "<=", ">", ">="]), other)
    if kind < 0.45:
        return Not(random_node(chance, depth - 1))
    terms = tuple(random_node(chance, depth - 1) for _ in range(chance.randint(2, 3)))
    return And(terms) if kind < 0.72 else Or(terms)


def random_facts(chance: random.Random) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {
        f"{name}.x": chance.random() < 0.5 for name in "abcdef" if chance.random() < 0.6
    }
    return found | {f"{name}.x": chance.randint(0, 3) for name in "nm" if chance.random() < 0.6}


def test_a_known_result_rests_on_its_facts_alone_and_more_facts_do_not_change_it() -> None:
    chance = random.Random(20260301)
    known = 0
    for _ in range(6_000):
        asked = Expression(random_node(chance, 4))
        seen = random_facts(chance)
        outcome = asked.explain(seen)
        assert outcome.value is asked.value(seen)
        if outcome.value is None:
            assert outcome.facts
            assert not set(outcome.facts) & set(seen), "unknown because of what is missing"
            continue
        known += 1
        alone = {name: seen[name] for name in outcome.facts}
        assert asked.value(alone) is outcome.value
        assert asked.value(random_facts(chance) | seen) is outcome.value
    assert known > 1_000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("load.capacity >= 100", True),
        ("load.capacity == 198.4", True),
        ("load.capacity < 100 || load.limited_by == cpu", True),
        ("load.limited_by != cpu", False),
        ("!load.limited_by == cpu", False),
        ("hpa.present && !(load.capacity > 1e3)", True),
        ("hpa.present == true", True),
        ("hpa.present != false", True),
        ("load.capacity > infra.peak", True),
        ("load.capacity > missing.fact", None),
        ("missing.fact && load.capacity < 1", False),
        ("load.temperature > -3.5", True),
        ("always", True),
        ("!always", False),
    ],
)
def test_comparisons_give_what_they_say(text: str, value: bool | None) -> None:
    known: dict[str, Scalar] = {
        "load.capacity": 198.4,
        "load.limited_by": "cpu",
        "hpa.present": True,
        "infra.peak": 180,
        "load.temperature": 1.5,
    }
    assert expression(text).value(known) is value


@pytest.mark.parametrize(
    "text",
    [
        "n.x == true", "n.x == cpu", "w.x > 3", "w.x == true", "b.x == 1", "b.x > 0", "w.x", "n.x",
        "b.x < o.x", "w.x <= v.x",
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_unknown(text: str) -> None:
    known: dict[str, Scalar] = {"n.x": 1, "w.x": "cpu", "v.x": "cpu", "b.x": True, "o.x": False}
    assert expression(text).value(known) is None


def test_and_binds_closer_than_or_and_not_closest() -> None:
    assert parse("a.x || b.x && !c.x") == Or((A, And((B, Not(C)))))
    assert parse("(a.x || b.x) && c.x") == And((Or((A, B)), C))
    assert parse("!a.x == 1") == Not(Compare(A, "==", Literal(1)))


def test_numbers_keep_their_kind() -> None:
    assert parse("a.x == 1") != parse("a.x == 1.0")
    assert parse("a.x == 1") != parse("a.x == true")
    assert printed(parse("a.x == 1e6")) == "a.x == 1000000.0"


def test_constants_and_conditions_of_a_lens_are_put_in_their_places() -> None:
    conditions = {"warm": parse("a.x > LIMIT"), "ready": parse("warm && !b.x")}
    asked = expression("ready || c.x", {"LIMIT": 3}, conditions)
    assert asked.names == {"a.x", "b.x", "c.x"}
    assert str(asked) == "ready || c.x"
    assert asked.value(facts(a=4, b=False)) is True
    assert asked.value(facts(a=3, c=False)) is False
    assert asked.explain(facts(a=4, b=False)).facts == ("a.x", "b.x")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("a.x &&", "ends where a fact"),
        ("a.x & b.x", "'&' at character 5"),
        ("a.x b.x", "'b.x' at character 5"),
        ("(a.x", "ends where '\\)'"),
        ("a.x)", "'\\)' at character 4"),
        ("a.x < cpu", "by == and != only"),
        ("a.x < b.x < c.x", "'<' at character 11"),
        ("3 < a.x", "'3' at character 1"),
        ("a.x == 'cpu'", "''cpu'' at character 8"),
        ("a.x == always", "'always' at character 8"),
        ("a.x == 010x", "no part"),
        ("a.x == 1e999", "too large"),
        ("a.x == " + "9" * 40, "longer than 32"),
        ("true", "'true' at character 1"),
        ("LIMIT > 3", "'LIMIT' at character 1"),
        ("a.x > LIMITS", "no constant 'LIMITS': did you mean LIMIT?"),
        ("redy", "no condition 'redy': did you mean ready?"),
        ("__import__.os", "no part"),
        ("a.x == ünder", "no part"),
    ],
)
def test_what_is_no_expression_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(ExpressionError, match=says):
        expression(text, {"LIMIT": 3}, {"ready": parse("a.x")})


def test_length_depth_and_growth_are_capped() -> None:
    with pytest.raises(ExpressionError, match="characters"):
        parse("a.x || " * MAX_LENGTH + "a.x")
    for opening in ("(", "!"):
        parse(opening * MAX_DEPTH + "a.x" + ")" * (MAX_DEPTH * (opening == "(")))
        with pytest.raises(ExpressionError, match="nested"):
            parse(opening * (MAX_DEPTH + 1) + "a.x" + ")" * (MAX_DEPTH + 1))
    doubling = {"c0": parse("a.x")} | {f"c{i}": parse(f"c{i - 1} && c{i - 1}") for i in range(1, 60)}
    assert ordered_conditions(doubling)[-1] == "c59"
    expression("c9", {}, doubling)
    assert MAX_PARTS < 2**10
    for name in ("c10", "c59"):
        with pytest.raises(ExpressionError, match="write less"):
            expression(name, {}, doubling)


def test_conditions_that_go_in_a_circle_are_shown() -> None:
    circle = {"one": parse("two || a.x"), "two": parse("!three"), "three": parse("b.x && one")}
    with pytest.raises(ExpressionError, match="one → two → three → one"):
        ordered_conditions(circle)
    with pytest.raises(ExpressionError, match="one → one"):
        ordered_conditions({"one": parse("one")})
    assert ordered_conditions({"two": parse("one"), "one": parse("a.x")}) == ["one", "two"]
