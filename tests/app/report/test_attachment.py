"""The data inside a report, and the seal over its bytes."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.report import attachment
from app.report.attachment import as_shared, canonical_bytes, content_hash, exported, is_intact, sealed_end
from app.report.model import Report
from app.report.pdf import render_pdf
from probes.errors import InternalError

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=6))
def test_what_is_read_back_gives_the_same_bytes(document: dict[str, Any]) -> None:
    data = canonical_bytes(document)
    assert canonical_bytes(json.loads(data)) == data
    assert canonical_bytes(as_shared(document)) == data


def test_order_and_the_kind_of_a_whole_number_do_not_matter() -> None:
    assert canonical_bytes({"b": 99.0, "a": [1, -0.0]}) == canonical_bytes({"a": [1.0, 0], "b": 99})
    assert canonical_bytes({"b": 1, "a": 2}) == b'{"a":2,"b":1}'
    assert canonical_bytes({"a": True}) == b'{"a":true}'


def test_what_json_cannot_hold_becomes_what_it_can() -> None:
    assert (
        canonical_bytes({"a": float("nan"), "b": float("inf"), "c": 10**400})
        == b'{"a":null,"b":null,"c":null}'
    )


def test_an_exported_document_is_sealed_once() -> None:
    once = exported({"schema": "loadstone.assessment/1", "a": 1})
    assert "seal" in once
    assert exported(once) == once


def test_the_hash_is_that_of_the_canonical_bytes(kitchen_sink: Report, data: bytes) -> None:
    assert kitchen_sink.content_hash == content_hash(data)
    assert re.fullmatch(r"[0-9a-f]{64}", content_hash(data))


def test_every_changed_byte_breaks_the_seal(kitchen_sink: Report, data: bytes) -> None:
    pdf = render_pdf(kitchen_sink, data)
    end = sealed_end(pdf)
    assert end is not None
    assert is_intact(pdf, end)
    choice = random.Random(7)
    for _ in range(1_000):
        at = choice.randrange(len(pdf))
        changed = bytearray(pdf)
        changed[at] ^= 1 << choice.randrange(8)
        found = sealed_end(bytes(changed))
        assert found is None or not is_intact(bytes(changed), found), f"byte {at}"


def test_bytes_added_or_taken_away_break_the_seal(kitchen_sink: Report, data: bytes) -> None:
    pdf = render_pdf(kitchen_sink, data)
    for changed in (pdf + b"\n", pdf[:-1], pdf[1:], pdf[:500] + b" " + pdf[500:]):
        end = sealed_end(changed)
        assert end is None or not is_intact(changed, end)


def test_only_a_fresh_file_is_sealed(kitchen_sink: Report, data: bytes) -> None:
    with pytest.raises(InternalError):
        attachment.seal(render_pdf(kitchen_sink, data))
    with pytest.raises(InternalError):
        attachment.seal(b"%PDF-1.7 something else")
