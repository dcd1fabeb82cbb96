"""The event stream: one JSON object a line, read back as the same record."""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.events import (
    Event,
    FactFound,
    Finished,
    Note,
    Phase,
    Preview,
    Second,
    Started,
    Step,
    from_line,
    to_line,
)

SECOND = Second(
    t=3.0, step=1, offered_per_s=100.0, achieved_per_s=99.5, in_flight=3, waiting=0, ok=99, errors=1,
    timeouts=0, p50_ms=4.0, p99_ms=None, max_ms=9.0, cpu_cores=None, rss_bytes=1 << 30, client_cpu_cores=0.2,
)  # fmt: skip
ONE_OF_EACH: tuple[Event, ...] = (
    Started(t=0.0, run={"id": "r1"}, target={"kind": "http"}, load={"rate": 200}),
    Phase(t=0.1, name="warm_up", text="Warming up", share=0.05),
    SECOND,
    Step(
        t=8.0, index=0, step={"mode": "open", "ok": 798}, response_histogram="eJw=", service_histogram="eJw="
    ),
    Preview(t=9.0, rate_per_s=190.0, low=150.0, high=230.0),
    FactFound(t=9.5, fact={"name": "load.capacity", "value": 198.4}),
    Note(t=9.6, level="warning", text="Zeile mit Umlaut: größer"),
    Finished(t=41.7, result={"schema": "loadstone.probe/1", "steps": []}),
)
KINDS_OF_THE_CONTRACT = {"started", "phase", "second", "step", "preview", "fact", "note", "finished"}


def test_there_is_one_of_each_kind_the_contract_names() -> None:
    assert {event.kind for event in ONE_OF_EACH} == KINDS_OF_THE_CONTRACT


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: event.kind)
def test_an_event_comes_back_equal(event: Event) -> None:
    assert from_line(to_line(event)) == event


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: event.kind)
def test_a_line_is_a_json_object_with_its_kind_and_time(event: Event) -> None:
    document = json.loads(to_line(event))
    assert document["event"] == event.kind
    assert document["t"] == event.t
    assert next(iter(document)) == "event"


@settings(deadline=None)
@given(st.text())
def test_a_line_never_holds_the_end_of_one(text: str) -> None:
    line = to_line(Note(1.0, "info", text))
    assert line.splitlines() == [line]
    assert from_line(line) == Note(1.0, "info", text)


def test_a_file_name_that_is_no_utf8_can_be_printed() -> None:
    line = to_line(Note(1.0, "info", b"caf\xe9.yaml".decode("utf-8", "surrogateescape")))
    assert from_line(line.encode("utf-8").decode("utf-8")) == Note(1.0, "info", "caf\udce9.yaml")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_neither_written_nor_read(bad: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_line(Preview(1.0, bad, 1.0, 2.0))
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_line(Finished(1.0, {"capacity": {"rate_per_s": bad}}))
    with pytest.raises(ValueError, match="not a number that an event may hold"):
        from_line(json.dumps(Preview(1.0, bad, 1.0, 2.0).to_json()))


@pytest.mark.parametrize(
    "line", ['{"event":"weather","t":1}', '{"t":1}', "{}", '{"event":5}', '{"event":[]}']
)
def test_an_unknown_kind_is_ignored(line: str) -> None:
    assert from_line(line) is None


def test_unknown_keys_are_ignored() -> None:
    document = SECOND.to_json() | {"gpu": 0.9, "kind": "x", "self": 1}
    assert from_line(json.dumps(document)) == SECOND


@pytest.mark.parametrize(
    ("event", "field"),
    [(event, entry.name) for event in ONE_OF_EACH for entry in fields(event) if entry.default is MISSING
     and entry.default_factory is MISSING],
    ids=lambda value: value if isinstance(value, str) else value.kind,
)  # fmt: skip
def test_a_missing_field_is_a_value_error_that_names_the_kind(event: Event, field: str) -> None:
    document = event.to_json()
    del document[field]
    with pytest.raises(ValueError, match=f"'{event.kind}' event lacks a field.*'{field}'"):
        from_line(json.dumps(document))


@pytest.mark.parametrize("line", ["", "null", "5", "[]", '"started"', "{", "not json", "[" * 100_000])
def test_what_is_no_json_object_is_a_value_error(line: str) -> None:
    with pytest.raises(ValueError):
        from_line(line)


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=8,
    )
)
def test_a_result_of_any_shape_comes_back_equal(value: Any) -> None:
    event = Finished(1.0, {"value": value})
    assert from_line(to_line(event)) == event
