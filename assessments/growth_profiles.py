"""Growth profiles: how typical systems are used and grow, for what nobody gave in an assessment.

A profile is a file in `resources/profiles/`:

    schema: loadstone.growth-profile/1
    name: retail-campaign                  # an id; the file has the same name
    title: Retail campaign
    example: …                             # a well-known system of the kind, may be left out
    description: …
    curve:
      basis: illustrative; …               # where the shape comes from
      hours: [0.6, …]                      # 24 multipliers of the day's mean, from midnight, local time
      weekdays: [1.02, …]                  # 7 multipliers of the week's mean, from Monday
      events:                              # may be left out
      - {name: Cyber week, from: 11-23, to: 12-02, factor: 5.5, basis: …}     # month-day, both included
    growth: {workload: 5%..15%/year, …}    # as `forecast.parse_growth` reads it
    slo: "p99<=500ms,errors<=0.5%"
    profile: {target_kind: http}           # of `profile.py`, only what a kind of system implies
    practices: [{question: INF-12, factor: 2, why: …}, …]       # questions of the lens that matter more
    sources: [{title: …, year: 2020, url: "https://…", says: …}, …]
    assumptions: [what no source says, …]

A file of answers names one: `profile: {growth_profile: retail-campaign}`. It shapes an assessment in three
ways, each of them said: it gives growth, SLO and kind where the person gave
none (`applied`), it weighs questions where that is asked for (`weights_for`), and it turns a usual rate into
a peak (`peak_over_mean`). A curve is a typical shape, never a measurement of anyone's system.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from assessments.checked_values import CheckedValues
from assessments.expressions import Scalar
from assessments.forecast import AXES, parse_growth
from assessments.lens import MAX_WEIGHT, Lens
from assessments.profile import Profile, read_profile
from probes.documents import line_of, read_yaml
from probes.errors import UsageError
from probes.slo import parse_slo

SCHEMA = "loadstone.growth-profile/1"
MEAN_TOLERANCE = 0.001
"""How far the mean of written multipliers may lie from 1: they have three decimals."""
MAX_FACTOR = 100.0
MAX_DAYS = 3_660
DEFAULTS = (
    "target_kind",
    "deploys_to",
    "has_gpu",
    "edge_target",
    "uses_nn",
    "uses_rf",
    "uses_gbm",
    "uses_ann",
    "streaming",
    "trains",
    "variable_input",
)
"""Keys of a profile that a kind of system may imply; rates, prices and replicas are each system's own."""

_MONTH_DAY = re.compile(r"(\d\d)-(\d\d)", re.ASCII)
_LEAP_YEAR = 2000


@dataclass(frozen=True, slots=True)
class Event:
    """Days of every year on which demand is `factor` times that of the same weekday otherwise.

    `start` and `end` are month and day, both included; an event may run over the end of the year.
    """

    name: str
    start: tuple[int, int]
    end: tuple[int, int]
    factor: float
    basis: str

    def covers(self, day: date) -> bool:
        """Whether the day is one of the event."""
        at = (day.month, day.day)
        if self.start <= self.end:
            return self.start <= at <= self.end
        return at >= self.start or at <= self.end


@dataclass(frozen=True, slots=True)
class Curve:
    """Demand over time as multipliers: of a day's mean by hour, of a week's by weekday, and of events.

    `hours` begin at midnight, `weekdays` with Monday; both have a mean of 1. `basis` says where the shape
    comes from.
    """

    hours: tuple[float, ...]
    weekdays: tuple[float, ...]
    events: tuple[Event, ...]
    basis: str

    def of_day(self, day: date) -> float:
        """The day's mean over that of a usual week; of several events the largest factor counts."""
        factors = [event.factor for event in self.events if event.covers(day)]
        return self.weekdays[day.weekday()] * max(factors, default=1.0)


@dataclass(frozen=True, slots=True)
class Practice:
    """A question of the lens that matters more, or less, here: its weight is multiplied by `factor`."""

    question: str
    factor: float
    why: str


@dataclass(frozen=True, slots=True)
class PublicSource:
    """Something public that a profile rests on, and what it says; `url` is empty where it is not sure."""

    title: str
    year: int
    says: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class GrowthProfile:
    """A typical system: how demand for it moves and grows, what it promises, and what matters for it."""

    name: str
    title: str
    description: str
    curve: Curve
    growth: Mapping[str, str]
    slo: str
    profile: Mapping[str, Scalar]
    practices: tuple[Practice, ...]
    sources: tuple[PublicSource, ...]
    assumptions: tuple[str, ...]
    example: str = ""

    def peak_over_mean(self) -> float:
        """The highest hour of the highest weekday in the largest event, over the mean of a usual week.

        Where they fall together, which they may. Seconds within that hour are higher still.
        """
        largest = max((event.factor for event in self.curve.events), default=1.0)
        return max(self.curve.hours) * max(self.curve.weekdays) * max(1.0, largest)

    def weights_for(self, lens: Lens) -> dict[str, float]:
        """Weights for `Lens.with_weights`; practices that the lens does not ask about are left out."""
        return {
            practice.question: min(MAX_WEIGHT, lens.by_id[practice.question].weight * practice.factor)
            for practice in self.practices
            if practice.question in lens.by_id
        }

    def series(self, days: int, start: date, mean: float) -> tuple[float, ...]:
        """Demand by hour for so many days from midnight of `start`, in the unit of `mean`; without growth.

        `mean` is that of a usual week. Raises `UsageError`.
        """
        if not 1 <= days <= MAX_DAYS:
            raise UsageError(f"a curve of {days} days cannot be drawn: ask for 1 to {MAX_DAYS}")
        if not math.isfinite(mean) or mean < 0:
            raise UsageError(f"the mean of a curve is {mean:g}: give a number, 0 or more")
        try:
            dates = [start + timedelta(days=place) for place in range(days)]
        except OverflowError:
            raise UsageError(f"{days} days from {start} end after the calendar: ask for fewer") from None
        return tuple(mean * self.curve.of_day(day) * hour for day in dates for hour in self.curve.hours)


@dataclass(frozen=True, slots=True)
class Filled:
    """A value that a growth profile gave because the person did not; `key` as in a profile's file."""

    key: str
    value: Scalar
    note: str

    def to_json(self) -> dict[str, Any]:
        """The value and why it is there."""
        return {"key": self.key, "value": self.value, "note": self.note}


def applied(profile: GrowthProfile, given: Profile) -> tuple[Profile, tuple[Filled, ...]]:
    """The person's profile with what this one declares where the person gave nothing, and what that was.

    Nothing that was given changes, not one axis of growth. A peak follows from a usual rate that is known,
    where neither today's peak was given; the load to carry is left alone.
    """
    values, growth = dict(given.values), dict(given.growth)
    filled: list[Filled] = []
    whose = f"declared by the growth profile {profile.name}, as nobody gave it"
    for axis, rate in profile.growth.items():
        if axis not in growth:
            growth[axis] = rate
            filled.append(Filled(f"growth.{axis}", rate, f"growth of {axis} {rate}: {whose}"))
    for key, value in {"slo": profile.slo, **profile.profile}.items():
        if key not in values:
            values[key] = value
            shown = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
            filled.append(Filled(key, value, f"{key} {shown}: {whose}"))
    usual = values.get("usual_per_s")
    if "peak_per_s" not in values and isinstance(usual, int | float) and usual > 0:
        ratio = profile.peak_over_mean()
        peak = float(f"{usual * ratio:.6g}")
        values["peak_per_s"] = peak
        note = (
            f"peak_per_s {peak:g}: {usual:g}/s on a usual day × {ratio:.3g}, the highest hour over the mean "
            f"in the growth profile {profile.name}; not measured"
        )
        filled.append(Filled("peak_per_s", peak, note))
    declared = {**given.declared, **{entry.key: entry.note for entry in filled}}
    whole = Profile(
        MappingProxyType(values), MappingProxyType(growth), MappingProxyType(declared), given.peaks
    )
    return whole, tuple(filled)


def profile_named(given: Profile) -> GrowthProfile | None:
    """The growth profile that a profile names under `growth_profile`, None where it names none.

    Raises `UsageError` for a name that is none.
    """
    name = given.values.get("growth_profile")
    return None if name is None else find_profile(str(name))


def with_declared(given: Profile) -> Profile:
    """The profile with what its growth profile declares (see `applied`); the same where it names none."""
    named = profile_named(given)
    return given if named is None else applied(named, given)[0]


def asked_weights(given: Profile, lens: Lens) -> dict[str, float]:
    """The weights of its growth profile where `growth_profile_weights` asks for them; else none."""
    named = profile_named(given) if given.values.get("growth_profile_weights") is True else None
    return {} if named is None else named.weights_for(lens)


@cache
def bundled_profiles() -> Mapping[str, GrowthProfile]:
    """The growth profiles that come with Loadstone, by name in alphabetical order."""
    found = {}
    for file in sorted(files("resources.profiles").iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".yaml"):
            profile = read_growth_profile(file.read_bytes(), file.name)
            found[profile.name] = profile
    return MappingProxyType(found)


def find_profile(name: str) -> GrowthProfile:
    """The bundled profile of that name; large and small letters are the same.

    Raises `UsageError` with the nearest name.
    """
    profiles = bundled_profiles()
    wanted = name.strip().lower()
    if wanted in profiles:
        return profiles[wanted]
    known = {profile.name: profile.name for profile in profiles.values()}
    known |= {profile.title.lower(): profile.name for profile in profiles.values()}
    near = get_close_matches(wanted[:200], known, n=1)
    hint = f"did you mean {known[near[0]]}?" if near else f"there are {', '.join(profiles)}"
    raise UsageError(f"there is no growth profile '{name:.60}': {hint}")


def read_growth_profile(data: bytes, name: str) -> GrowthProfile:
    """The growth profile in the bytes of a YAML file. Raises `UsageError` with file and line."""
    return _Reader(name).profile(read_yaml(data, name))


class _Reader(CheckedValues):
    """Reads one file."""

    def profile(self, document: Any) -> GrowthProfile:
        root = self.mapping(document, None, "a growth profile")
        if root.get("schema") != SCHEMA:
            raise self.wrong(
                root, "schema", f"the schema of a growth profile is {SCHEMA}, not {root.get('schema')!r:.60}"
            )
        self.keys(
            root,
            "a growth profile",
            ("schema", "name", "title", "description", "curve", "growth", "slo", "practices", "sources"),
            ("example", "profile", "assumptions"),
        )
        kind, growth = self.defaults(root)
        return GrowthProfile(
            name=self.id(root, "name"),
            title=self.text(root, "title"),
            description=self.text(root, "description"),
            curve=self.curve(root),
            growth=growth,
            slo=self.slo(root),
            profile=kind,
            practices=self.practices(root),
            sources=self.sources(root),
            assumptions=tuple(
                self.capped(root, "assumptions", entry)
                for entry in (
                    self.entries(root, "assumptions", "assumptions", 0, 50) if "assumptions" in root else []
                )
            ),
            example=self.text(root, "example") if "example" in root else "",
        )

    def curve(self, root: Mapping[str, Any]) -> Curve:
        entry = self.mapping(root["curve"], root, "a curve", "curve")
        self.keys(entry, "a curve", ("basis", "hours", "weekdays"), ("events",))
        events = self.entries(entry, "events", "events", 0, 50) if "events" in entry else []
        return Curve(
            hours=self.shape(entry, "hours", 24),
            weekdays=self.shape(entry, "weekdays", 7),
            events=tuple(self.event(event, entry) for event in events),
            basis=self.text(entry, "basis"),
        )

    def shape(self, entry: Mapping[str, Any], key: str, length: int) -> tuple[float, ...]:
        shape = []
        for value in self.entries(entry, key, key, length, length):
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_FACTOR:
                raise self.wrong(entry, key, f"{key} are numbers from 0 to {MAX_FACTOR:g}, not {value!r:.60}")
            shape.append(float(value))
        mean = math.fsum(shape) / length
        if abs(mean - 1) > MEAN_TOLERANCE:
            raise self.wrong(
                entry, key, f"{key} are multipliers of the mean, and their own mean is {mean:.4g}: make it 1"
            )
        return tuple(shape)

    def event(self, item: Any, parent: Mapping[str, Any]) -> Event:
        entry = self.mapping(item, parent, "an event", "events")
        self.keys(entry, "an event", ("name", "from", "to", "factor", "basis"))
        return Event(
            name=self.text(entry, "name"),
            start=self.month_day(entry, "from"),
            end=self.month_day(entry, "to"),
            factor=self.factor(entry),
            basis=self.text(entry, "basis"),
        )

    def month_day(self, entry: Mapping[str, Any], key: str) -> tuple[int, int]:
        found = _MONTH_DAY.fullmatch(str(entry[key]))
        try:
            if found is not None:
                day = date(_LEAP_YEAR, int(found[1]), int(found[2]))
                return day.month, day.day
        except ValueError:
            pass
        raise self.wrong(
            entry, key, f"{entry[key]!r:.60} is no day of a year: write month and day, such as 11-23"
        )

    def factor(self, entry: Mapping[str, Any]) -> float:
        factor = float(self.number(entry, "factor", 0, MAX_FACTOR))
        if factor <= 0:
            raise self.wrong(entry, "factor", "a factor is above 0: write 1 for no change")
        return factor

    def defaults(self, root: Mapping[str, Any]) -> tuple[Mapping[str, Scalar], Mapping[str, str]]:
        """What is declared of the kind of system, and growth by axis."""
        kind = self.mapping(root.get("profile", {}), root, "a profile", "profile")
        self.keys(kind, "the profile of a kind of system", (), DEFAULTS)
        growth = self.mapping(root["growth"], root, "growth", "growth")
        self.keys(growth, "growth", (), AXES)
        read_kind = read_profile(kind, self.place(kind, None), {key: self.place(kind, key) for key in kind})
        for axis, rate in growth.items():
            parse_growth(str(rate), f"{self.place(growth, axis)}: {axis}")
        return read_kind.values, MappingProxyType({axis: str(rate) for axis, rate in growth.items()})

    def slo(self, root: Mapping[str, Any]) -> str:
        try:
            return parse_slo(self.text(root, "slo")).text
        except UsageError as error:
            raise self.wrong(root, "slo", str(error)) from error

    def practices(self, root: Mapping[str, Any]) -> tuple[Practice, ...]:
        practices: list[Practice] = []
        for item in self.entries(root, "practices", "practices", 1, 50):
            entry = self.mapping(item, root, "a practice", "practices")
            self.keys(entry, "a practice", ("question", "factor", "why"))
            practice = Practice(self.id(entry, "question"), self.factor(entry), self.text(entry, "why"))
            if practice.question in [other.question for other in practices]:
                raise self.wrong(entry, "question", f"{practice.question} is there twice: leave one out")
            practices.append(practice)
        return tuple(practices)

    def sources(self, root: Mapping[str, Any]) -> tuple[PublicSource, ...]:
        sources = []
        for item in self.entries(root, "sources", "sources", 1, 50):
            entry = self.mapping(item, root, "a source", "sources")
            self.keys(entry, "a source", ("title", "year", "says"), ("url",))
            year = self.number(entry, "year", 1900, 2100)
            if not isinstance(year, int):
                raise self.wrong(entry, "year", f"{year:g} is no year: write one such as 2016")
            url = self.text(entry, "url") if "url" in entry else ""
            if url and not url.startswith("https://"):
                raise self.wrong(entry, "url", f"'{url:.60}' is no address: it starts with https://")
            sources.append(PublicSource(self.text(entry, "title"), year, self.text(entry, "says"), url))
        return tuple(sources)

    def place(self, node: Any, key: str | None) -> str:
        """File and line as a message begins."""
        line = (line_of(node, key) if key is not None else None) or line_of(node)
        return f"{self.file}, line {line}" if line else self.file
