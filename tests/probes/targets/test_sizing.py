"""A sample made larger: where it grows, by how much, and what cannot grow."""

from __future__ import annotations

import json
from typing import Any

import pytest

from probes.errors import UsageError
from probes.targets.http import parse_target
from probes.targets.sizing import sized_bodies, sized_body
from probes.targets.user_code import Sample, parse_user_code, sized_code


def grown(document: Any, axis: str, size: int) -> Any:
    return json.loads(sized_body(json.dumps(document).encode(), axis, size))


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ([[1, 2], [3, 4]], [[1, 2], [3, 4], [1, 2]]),
        ({"instances": [[1]], "names": ["a"]}, {"instances": [[1]] * 3, "names": ["a"]}),
        ({"user": "x", "basket": [7]}, {"user": "x", "basket": [7] * 3}),
        ({"inputs": {"a": [1], "b": [2]}}, {"inputs": {"a": [1] * 3, "b": [2] * 3}}),
        (
            {"dataframe_split": {"columns": ["x"], "data": [[1]]}},
            {"dataframe_split": {"columns": ["x"], "data": [[1]] * 3}},
        ),
        ({"batch": 1, "seed": 2}, {"batch": 3, "seed": 2}),
        ({"a": [1], "b": ["{{batch}}", 5], "c": "{{batch}}"}, {"a": [1], "b": [5] * 3, "c": 3}),
        ("text", ["text"] * 3),
        (
            {"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4]}]},
            {"inputs": [{"name": "x", "shape": [3, 2], "datatype": "FP32", "data": [1, 2, 3, 4, 1, 2]}]},
        ),
    ],
)
def test_a_batch_lengthens_what_holds_the_rows(sample: Any, expected: Any) -> None:
    assert grown(sample, "batch", 3) == expected


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        (
            {"model": "a-very-long-name-of-a-model", "messages": [{"role": "user", "content": "say hello"}]},
            {
                "model": "a-very-long-name-of-a-model",
                "messages": [{"role": "user", "content": "say hello say"}],
            },
        ),
        ({"instances": [[1, 2], [3, 4]]}, {"instances": [[1, 2, 1], [3, 4, 3]]}),
        (
            {"inputs": [{"name": "x", "shape": [2, 2], "datatype": "INT64", "data": [[1, 2], [3, 4]]}]},
            {"inputs": [{"name": "x", "shape": [2, 3], "datatype": "INT64", "data": [1, 2, 1, 3, 4, 3]}]},
        ),
    ],
)
def test_a_sequence_lengthens_the_text_or_the_innermost_lists(sample: Any, expected: Any) -> None:
    assert grown(sample, "sequence", 3) == expected


@pytest.mark.parametrize(
    "sample", [b'{"text": "ab\\"c", "id": 7}', b'"short"', b"\x00\xff not JSON", b'{"instances": [["long"]]}']
)
def test_a_payload_has_the_bytes_that_were_asked_for(sample: bytes) -> None:
    for size in (1, 3, 50):
        body = sized_body(sample, "payload_kb", size)
        assert len(body) == size * 1_000
        if sample[:1] in b'{"':
            json.loads(body)


def test_a_payload_of_numbers_comes_near() -> None:
    body = sized_body(b'{"instances": [[0.25, 0.5]]}', "payload_kb", 20)
    assert len(body) == pytest.approx(20_000, abs=20)


@pytest.mark.parametrize(
    ("sample", "axis", "said"),
    [
        (b'{"a": [1], "b": [2]}', "batch", 'begin that list with "{{batch}}"'),
        (b'{"a": 1}', "sequence", 'put "{{sequence}}" first'),
        (b'{"x": ["{{rows}}"]}', "rows", "no item to repeat"),
        (b'{"a": "x", "b": "' + b"y" * 2_000 + b'", "text": ""}', "payload_kb", "begin with more"),
        (b'{"a": [1]}', "color", "none of batch, rows, payload_kb, sequence"),
        (b"", "batch", "give --sample or --body"),
    ],
)
def test_what_cannot_grow_is_refused(sample: bytes, axis: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        sized_bodies([sample], axis, (1, 2))
    assert said in str(refused.value)


def test_the_requests_of_a_sweep_are_bounded() -> None:
    with pytest.raises(UsageError, match="MB together at payload_kb=1000000"):
        sized_bodies([b'"x"'], "payload_kb", (1, 1_000_000))


def test_bodies_are_sized_in_turn_and_the_first_size_comes_first() -> None:
    target = parse_target("http://127.0.0.1:1/", bodies=[b"[1]", b"[2]"])
    assert target.sized("rows", (1, 2)).bodies == (b"[1]", b"[2]", b"[1,1]", b"[2,2]")


def test_a_callable_without_a_sample_gets_the_size_as_a_keyword() -> None:
    code = sized_code(parse_user_code("python:app:f"), "batch", (1, 2))
    assert (code.sample.items, code.spread) == ((b'{"batch": 1}', b'{"batch": 2}'), True)
    given = parse_user_code("python:app:f", sample=Sample((b'{"depth": 1}',)))
    assert sized_code(given, "depth", (4,)).sample.items == (b'{"depth": 4}',)
    rows = parse_user_code("python:app:f", sample=Sample((b"[1]",)))
    assert sized_code(rows, "rows", (2,)).sample.items == (b"[1,1]",)
    with pytest.raises(UsageError, match="no object of keywords"):
        sized_code(rows, "depth", (2,))
