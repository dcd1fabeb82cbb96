"""Facts: only what the catalogue knows, in its type and unit, can be one."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import facts
from probes.facts import CATALOGUE, SUBJECTS, Fact, FactError, FactName, Source, observed, register

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
LOAD = Source("load", run="r1")

FIXED_BY_CONTRACT = (
    "load.capacity",
    "load.response_p99_ms",
    "load.error_ratio",
    "load.limited_by",
    "process.cpu_ms_per_request",
    "process.rss_peak_bytes",
    "process.growth_bytes_per_request",
    "process.gil_share",
    "infra.kubernetes.memory_limit_bytes",
    "infra.kubernetes.hpa.max_replicas",
    "infra.kubernetes.hpa.target_cpu_ratio",
    "monitoring.prometheus.count_ratio",
    "derived.fleet_headroom",
    "derived.memory_limit_headroom",
    "derived.runs_out_on",
)


def fact(name: str = "load.capacity", value: Any = 198.4, unit: str = "1/s", **more: Any) -> Fact:
    return Fact(**({"name": name, "value": value, "unit": unit, "source": LOAD, "at": AT} | more))


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Names that a test registers are gone after it."""
    before = dict(facts._catalogue)
    yield
    facts._catalogue.clear()
    facts._catalogue.update(before)


@pytest.mark.parametrize("name", FIXED_BY_CONTRACT)
def test_every_name_that_the_contract_fixes_is_catalogued(name: str) -> None:
    assert name in CATALOGUE


def test_every_name_has_an_allowed_subject_and_every_choice_has_choices() -> None:
    for name, entry in CATALOGUE.items():
        assert entry.name == name
        assert name.split(".")[0] in SUBJECTS
        assert bool(entry.choices) == (entry.type == "choice"), name
        assert entry.meaning
        assert entry.probe


def test_the_catalogue_cannot_be_changed_from_outside() -> None:
    with pytest.raises(TypeError):
        CATALOGUE["load.mine"] = CATALOGUE["load.capacity"]  # type: ignore[index]


def test_the_contracts_own_example_is_a_fact_and_comes_back_equal() -> None:
    document = {
        "name": "load.capacity", "value": 198.4, "low": 193.0, "high": 203.1, "unit": "1/s",
        "state": "measured", "samples": 8120, "at": "2026-03-04T05:06:07+00:00",
        "source": {"probe": "load", "run": "r1", "file": "x.yaml", "line": 12, "query": "q", "machine": "m"},
    }  # fmt: skip
    made = Fact.from_json(document)
    assert made.value == 198.4
    assert made.source == Source("load", "r1", "x.yaml", 12, "q", "m")
    assert made.to_json() == document
    assert Fact.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_what_is_not_known_is_left_out_of_the_json() -> None:
    assert fact(source=Source("load")).to_json() == {
        "name": "load.capacity",
        "value": 198.4,
        "unit": "1/s",
        "state": "measured",
        "at": "2026-03-04T05:06:07+00:00",
        "source": {"probe": "load"},
    }


def test_unknown_keys_are_ignored() -> None:
    document = fact().to_json() | {"colour": "red"}
    document["source"] = document["source"] | {"weather": "fine"}
    assert Fact.from_json(document) == fact()


@settings(deadline=None)
@given(
    value=st.floats(allow_nan=False, allow_infinity=False),
    spread=st.floats(0, 1e6),
    samples=st.none() | st.integers(0, 10**9),
    minutes=st.integers(-14 * 60, 14 * 60),
)
def test_any_fact_survives_json(value: float, spread: float, samples: int | None, minutes: int) -> None:
    at = AT.astimezone(timezone(timedelta(minutes=minutes)))
    made = fact(value=value, low=value - spread, high=value + spread, samples=samples, at=at)
    assert Fact.from_json(json.loads(json.dumps(made.to_json(), allow_nan=False))) == made


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(FactError, match=r"'load\.capacitty' is not a catalogued fact"):
        fact(name="load.capacitty")
    with pytest.raises(FactError, match="not a catalogued fact"):
        observed("load.capacitty", 1.0, LOAD)


def test_a_wrong_unit_is_refused() -> None:
    with pytest.raises(FactError, match="recorded in '1/s', not in 'ms'"):
        fact(unit="ms")


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("load.capacity", "198"),
        ("load.capacity", True),
        ("load.capacity", math.nan),
        ("load.capacity", math.inf),
        ("load.capacity", -math.inf),
        ("load.capacity", 10**400),
        ("load.error_ratio", math.nan),
        ("process.rss_peak_bytes", 1.0),
        ("process.rss_peak_bytes", True),
        ("process.rss_peak_bytes", 10**400),
        ("load.limited_by", "weather"),
        ("load.limited_by", 1),
        ("derived.runs_out_on", "soon"),
        ("derived.runs_out_on", "2026-02-30"),
        ("derived.runs_out_on", "20260101"),
        ("derived.runs_out_on", 20260101),
    ],
)
def test_a_value_of_the_wrong_type_or_not_finite_is_refused(name: str, bad: Any) -> None:
    with pytest.raises(FactError, match=name):
        observed(name, bad, LOAD)


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("load.capacity", 198),
        ("load.capacity", 0.5),
        ("load.error_ratio", 0),
        ("process.rss_peak_bytes", 1 << 40),
        ("load.limited_by", "gil"),
        ("derived.runs_out_on", "2026-04-29"),
    ],
)
def test_a_value_of_the_right_type_is_taken_in_the_catalogues_unit(name: str, good: Any) -> None:
    made = observed(name, good, LOAD)
    assert made.value == good
    assert made.unit == CATALOGUE[name].unit
    assert made.at.utcoffset() == timedelta(0)


def test_only_an_unreadable_fact_has_no_value() -> None:
    assert fact(value=None, state="unreadable").to_json()["value"] is None
    assert Fact.from_json(fact(value=None, state="unreadable").to_json()).state == "unreadable"
    with pytest.raises(FactError, match="exactly when it is unreadable"):
        fact(value=None)
    with pytest.raises(FactError, match="exactly when it is unreadable"):
        fact(state="unreadable")


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(FactError, match="'guessed' is not a state"):
        fact(state="guessed")


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(FactError, match="time zone"):
        fact(at=datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    "bounds",
    [
        {"low": math.nan},
        {"high": math.inf},
        {"low": 2.0, "high": 1.0},
        {"low": "1"},
        {"high": 10**400},
    ],
)
def test_bounds_that_bound_nothing_are_refused(bounds: dict[str, Any]) -> None:
    with pytest.raises(FactError, match="bound"):
        fact(**bounds)


@pytest.mark.parametrize("samples", [-1, 1.5, "8", True])
def test_samples_are_counted(samples: Any) -> None:
    with pytest.raises(FactError, match="count of samples"):
        fact(samples=samples)


@pytest.mark.parametrize(
    "broken",
    [
        {"at": "yesterday"},
        {"at": 5},
        {"at": "2026-01-01T00:00:00"},
        {"name": ["load.capacity"]},
        {"value": {"value": 1}},
        {"source": "load"},
        {"source": {}},
        {"source": {"probe": 5}},
        {"source": {"probe": "load", "line": "twelve"}},
        {"source": None},
        {"low": "193"},
        {"samples": "8120"},
        {"state": []},
        {"state": None},
    ],
)
def test_a_damaged_document_is_a_fact_error_and_nothing_else(broken: dict[str, Any]) -> None:
    with pytest.raises(FactError):
        Fact.from_json(fact().to_json() | broken)


@pytest.mark.parametrize("missing", ["name", "value", "unit", "source", "at"])
def test_a_document_that_lacks_a_part_is_a_key_error(missing: str) -> None:
    document = fact().to_json()
    del document[missing]
    with pytest.raises(KeyError, match=missing):
        Fact.from_json(document)


def test_another_package_registers_its_names(catalogue: None) -> None:
    entry = FactName("data.redis.hit_ratio", "ratio", "1", "data", "Share of reads found", "redis")
    register([entry])
    assert CATALOGUE["data.redis.hit_ratio"] == entry
    assert observed("data.redis.hit_ratio", 0.9, Source("redis")).unit == "1"
    register([entry])  # the same again changes nothing


def test_a_name_with_another_meaning_is_refused_and_none_of_the_lot_is_added(catalogue: None) -> None:
    new = FactName("data.redis.hit_ratio", "ratio", "1", "data", "Share of reads found", "redis")
    conflicting = FactName("load.capacity", "number", "1/min", "infrastructure", "Another", "redis")
    with pytest.raises(FactError, match=r"'load\.capacity' is catalogued already"):
        register([new, conflicting])
    assert "data.redis.hit_ratio" not in CATALOGUE
    assert CATALOGUE["load.capacity"].unit == "1/s"
    twice = FactName(new.name, "ratio", "%", "data", "Share of reads found", "redis")
    with pytest.raises(FactError, match="catalogued already"):
        register([new, twice])


@pytest.mark.parametrize("name", ["weather.rain", "load", "", "loads.capacity"])
def test_a_name_without_an_allowed_subject_is_refused(name: str, catalogue: None) -> None:
    with pytest.raises(FactError, match="must start with one of profile"):
        register([FactName(name, "number", "mm", None, "Rain", "weather")])


def test_the_vocabulary_is_imported_without_any_library() -> None:
    script = (
        "import sys; import probes.facts, probes.events, probes.probe; "
        "print([m for m in ('numpy', 'scipy', 'psutil', 'sqlalchemy') if m in sys.modules])"
    )
    path = str(facts.__file__).removesuffix("probes/facts.py")
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=path, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_fact_from_the_ends_of_the_calendar_is_none() -> None:
    entry = {"name": "load.capacity", "value": 5.0, "unit": "1/s", "state": "measured"}
    for at in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        with pytest.raises(FactError, match="which cannot be"):
            Fact.from_json(entry | {"at": at, "source": {"probe": "load"}})
