"""The profile: what kind of system is assessed, what it is for, and how it grows.

It is given by the person who answers, and read from `profile:` of a file of answers. Expressions of a lens
read it as `profile.NAME`; what has no value is unknown there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from assessments.expressions import Scalar
from assessments.forecast import AXES, LEAST_UTILISATION, parse_growth
from probes.errors import UsageError
from probes.facts import FactName, FactType
from probes.slo import parse_slo

# name, type (a choice with its values behind colons), unit ("-" for none), meaning
_TABLE = """
target_kind             choice:http:callable:command:file                           -         What is under load
deploys_to              choice:k8s:vm:serverless:desktop:edge:unknown               -         Where it runs
slo                     text                                                        -         As --slo takes it
peak_per_s              number                                                      1/s       Load at today's peak
usual_per_s             number                                                      1/s       Load on a usual day
target_peak_per_s       number                                                      1/s       Load it has to carry
replicas                integer                                                     replicas  Copies that serve today
utilisation             ratio                                                       -         Planned share of a replica's capacity in use at the peak
price_per_replica_hour  number                                                      -         Of a copy, in `currency`
currency                text                                                        -         The currency of prices
instance                text                                                        -         What a copy runs on, as in the price book (aws:m7i.large), where its price is not given
event                   text                                                        -         What it has to be ready for
event_on                date                                                        -         The day of the event
growth_profile          text                                                        -         A growth profile by name
growth_profile_weights  boolean                                                     -         Whether the practices of the growth profile weigh questions
has_gpu                 boolean                                                     -         Whether it uses a GPU
edge_target             boolean                                                     -         Whether it is for devices
uses_nn                 boolean                                                     -         A neural network
uses_rf                 boolean                                                     -         A random forest
uses_gbm                boolean                                                     -         Gradient boosting
uses_ann                boolean                                                     -         A search of neighbours
streaming               boolean                                                     -         Data arrives as a stream
trains                  boolean                                                     -         This team trains the model
variable_input          boolean                                                     -         Requests vary in size
claimed_bottleneck      choice:cpu:memory:disk:network:gpu:downstream:lock:unknown  -         What gives out first
"""  # noqa: E501


def _read_table(table: str) -> dict[str, FactName]:
    entries = {}
    for row in table.strip().splitlines():
        name, kind, unit, meaning = row.split(maxsplit=3)
        type_, *choices = kind.split(":")
        entries[name] = FactName(
            name=f"profile.{name}",
            type=_type(type_),
            unit="" if unit == "-" else unit,
            pillar=None,
            meaning=meaning.strip(),
            probe="profile",
            choices=tuple(choices),
        )
    return entries


def _type(text: str) -> FactType:
    known: Mapping[str, FactType] = {
        "choice": "choice", "text": "text", "number": "number", "integer": "integer", "boolean": "boolean",
        "ratio": "ratio", "date": "date",
    }  # fmt: skip
    return known[text]


FIELDS: Mapping[str, FactName] = MappingProxyType(_read_table(_TABLE))
"""The keys of a profile but `growth`, as facts: type, choices, unit and meaning."""
MOST_PEAKS = 1_000
PROFILE_FACTS: Mapping[str, FactName] = MappingProxyType({entry.name: entry for entry in FIELDS.values()})


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile that was checked. `values` has the keys of `FIELDS`; `growth` is text by axis.

    `peaks` are peaks of the past in requests/s by day (ISO), oldest first: shown beside the forecast, and no
    evidence for it.
    `declared` names what nobody gave and a growth profile filled in, with a sentence for each: keys, and
    `growth.AXIS` for an axis.
    """

    values: Mapping[str, Scalar]
    growth: Mapping[str, str]
    declared: Mapping[str, str] = field(default_factory=dict)
    peaks: Mapping[str, float] = field(default_factory=dict)

    def facts(self) -> dict[str, Scalar]:
        """The values under the names that expressions use."""
        return {f"profile.{name}": value for name, value in self.values.items()}

    def to_json(self) -> dict[str, Any]:
        """The profile as it stands in a file of answers: what was given, without what is declared."""
        document: dict[str, Any] = {
            key: value for key, value in self.values.items() if key not in self.declared
        }
        growth = {axis: rate for axis, rate in self.growth.items() if f"growth.{axis}" not in self.declared}
        peaks = {"peaks": dict(self.peaks)} if self.peaks else {}
        return document | ({"growth": growth} if growth else {}) | peaks

    def declared_json(self) -> list[dict[str, Any]]:
        """`profile_declared` of `loadstone.assessment/1`: what nobody gave, each with its value and why."""
        values: dict[str, Any] = {
            **self.values,
            **{f"growth.{axis}": rate for axis, rate in self.growth.items()},
        }
        return [{"key": key, "value": values[key], "note": note} for key, note in self.declared.items()]


EMPTY = Profile(MappingProxyType({}), MappingProxyType({}))


def read_profile(document: Any, where: str = "profile", at: Mapping[str, str] | None = None) -> Profile:
    """The profile in a mapping; keys with the value None are left out.

    `where` begins each message, and `at` says it for a key (file and line). Raises `UsageError` for an
    unknown key, naming the nearest, and for a value of a wrong type.
    """
    places = at or {}
    if not isinstance(document, Mapping):
        raise UsageError(f"{where}: a profile is a mapping of names to values, such as target_kind: http")
    values: dict[str, Scalar] = {}
    growth: dict[str, str] = {}
    peaks: dict[str, float] = {}
    for key, value in document.items():
        place = places.get(key, where)
        if key == "growth":
            growth = _growth(value, place)
        elif key == "peaks":
            peaks = _peaks(value, place)
        elif key not in FIELDS:
            known = [*FIELDS, "growth", "peaks"]
            near = get_close_matches(str(key)[:200], known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            raise UsageError(f"{place}: a profile has no '{key!s:.60}': {hint}")
        elif value is not None:
            values[key] = _checked(FIELDS[key], value, place)
            if key == "slo":
                _check_objective(str(value), place)
    return Profile(MappingProxyType(values), MappingProxyType(growth), peaks=MappingProxyType(peaks))


def _peaks(value: Any, place: str) -> dict[str, float]:
    """Peaks by day, oldest first."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UsageError(f"{place}: peaks is a mapping of days to requests/s, such as {{2026-06-01: 195}}")
    if len(value) > MOST_PEAKS:
        raise UsageError(f"{place}: peaks are at most {MOST_PEAKS:,}: give one a month")
    peaks: dict[str, float] = {}
    for key, rate in value.items():
        day = key.isoformat() if isinstance(key, date) else str(key)
        if not _is_day(day):
            raise UsageError(f"{place}: peaks are given by day, such as 2026-06-01, not '{day:.60}'")
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1e15:
            raise UsageError(
                f"{place}: the peak of {day} is a number of requests/s, 0 or more, not {rate!r:.60}"
            )
        peaks[day] = float(rate)
    return dict(sorted(peaks.items()))


def _check_objective(text: str, place: str) -> None:
    try:
        parse_slo(text)
    except UsageError as error:
        raise UsageError(f"{place}: {error}") from error


def _growth(value: Any, place: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UsageError(f"{place}: growth is a mapping, such as {{workload: 8%/month, users: 0}}")
    rates: dict[str, str] = {}
    for axis, rate in value.items():
        if axis not in AXES:
            near = get_close_matches(str(axis)[:200], AXES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(AXES)}"
            raise UsageError(f"{place}: there is no axis '{axis!s:.60}' of growth: {hint}")
        rates[axis] = str(rate)[:200]
        parse_growth(rates[axis], f"{place}: {axis}")
    return rates


def _checked(entry: FactName, value: Any, place: str) -> Scalar:
    name = entry.name.removeprefix("profile.")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match entry.type:
        case "boolean":
            if isinstance(value, bool):
                return value
            expected = "true or false"
        case "choice":
            if isinstance(value, str) and value in entry.choices:
                return value
            near = get_close_matches(str(value)[:200], entry.choices, n=1)
            hint = f"did you mean {near[0]}? It is" if near else "it is"
            raise UsageError(
                f"{place}: '{value!s:.60}' is no {name}: {hint} one of {', '.join(entry.choices)}"
            )
        case "text":
            if isinstance(value, str) and len(value) <= 200:
                return value
            expected = "a text of at most 200 characters"
        case "date":
            if isinstance(value, str) and _is_day(value):
                return value
            expected = "a day such as 2027-01-15"
        case "ratio":
            if is_number and LEAST_UTILISATION <= value <= 1:
                return float(value)
            expected = f"a share from {LEAST_UTILISATION:g} up to 1, such as 0.7"
        case "integer":
            if is_number and isinstance(value, int) and 0 <= value <= 10**9:
                return value
            expected = "a whole number, 0 or more"
        case _:
            if is_number and 0 <= value < 1e15:
                return float(value) if isinstance(value, float) else int(value)
            expected = "a number, 0 or more"
    raise UsageError(f"{place}: {name} is {expected}, not {value!r:.60}")


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
