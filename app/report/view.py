"""A `loadstone.assessment/1` document, read the way the sections of a report need it. Computes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.report.model import PillarMark
from app.report.run_reading import read_run
from assessments.assessment import read_lens_document
from assessments.lens import Choice, Lens, Question
from assessments.wording import NO_BREAK, amount, binary_bytes, capital, percent, with_unit
from probes.facts import CATALOGUE, Fact, FactError

MARKS: tuple[PillarMark, ...] = ("circle", "square", "triangle", "diamond")
"""The shapes that stand for pillars, in their order."""


@dataclass(frozen=True)
class View:
    """The document with what the sections ask of it."""

    document: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The title of the assessment, or its name."""
        about = self.document["assessment"]
        return str(about.get("title") or about["name"])

    @property
    def date(self) -> str:
        """The day it was judged at."""
        return str(self.document["as_of"])[:10]

    @property
    def profile(self) -> Mapping[str, Any]:
        """What the person said of the system."""
        profile: Mapping[str, Any] = self.document.get("profile") or {}
        return profile

    @cached_property
    def declared(self) -> Mapping[str, Any]:
        """What nobody gave and a growth profile declares, by key; `growth.AXIS` for an axis."""
        return {entry["key"]: entry["value"] for entry in self.document.get("profile_declared") or ()}

    @cached_property
    def growth(self) -> Mapping[str, str]:
        """Growth by axis as it is written, given or declared."""
        given = self.profile.get("growth") or {}
        declared = {key: rate for key, rate in self.declared.items() if key.startswith("growth.")}
        rates = {key.removeprefix("growth."): rate for key, rate in declared.items()} | dict(given)
        return {axis: str(rate) for axis, rate in rates.items()}

    def who_says(self, key: str) -> str:
        """Where a value of the profile is from: itself, or the growth profile or price book that it names."""
        if key not in self.declared:
            return "profile"
        price = self.document.get("price")
        if key in ("price_per_replica_hour", "currency") and price:
            return f"list price of {price['instance']} as of {price['as_of']}"
        return f"declared by the growth profile {self.profile.get('growth_profile')}"

    @property
    def verdict(self) -> Mapping[str, Any]:
        """Ready or not and why."""
        verdict: Mapping[str, Any] = self.document["verdict"]
        return verdict

    @property
    def nothing_broke(self) -> str:
        """Why nothing is known to give out first."""
        if not self.document.get("runs"):
            return "Nothing was put under load, so nothing was seen to give out."
        return "No load run that counts has shown what gives out."

    @property
    def overall(self) -> Mapping[str, Any]:
        """The overall score."""
        overall: Mapping[str, Any] = self.document["scores"]["overall"]
        return overall

    @cached_property
    def lens(self) -> Lens:
        """The lens as it travels in the document, with the weights that the answers give."""
        lens = read_lens_document(self.document["lens"], "the lens of the assessment")
        weights = self.answers.get("weights") or {}
        return lens.with_weights({str(name): float(weight) for name, weight in weights.items()})

    @property
    def answers(self) -> Mapping[str, Any]:
        """The file of answers."""
        answers: Mapping[str, Any] = self.document.get("answers") or {}
        return answers

    @cached_property
    def claims(self) -> Mapping[str, Mapping[str, Any]]:
        """What became of each question, by its id."""
        return {str(claim["question"]): claim for claim in self.document["claims"]}

    @cached_property
    def findings(self) -> Mapping[str, Mapping[str, Any]]:
        """The risk that each question is, by its id."""
        return {str(entry["question"]): entry for entry in self.document["findings"]}

    @cached_property
    def actions(self) -> Sequence[Mapping[str, Any]]:
        """The plan, the best first."""
        actions: Sequence[Mapping[str, Any]] = self.document["actions"]
        return actions

    @cached_property
    def facts(self) -> Sequence[Fact]:
        """The facts that this version knows, in order of name; of several the newest last."""
        facts = []
        for entry in self.document["facts"]:
            try:
                facts.append(Fact.from_json(entry))
            except (FactError, KeyError):
                continue
        return sorted(facts, key=lambda fact: (fact.name, fact.at))

    @cached_property
    def counting(self) -> Mapping[str, Fact]:
        """The newest fact of each name that was not set aside."""
        return {fact.name: fact for fact in self.facts if identity(fact.to_json()) not in self.set_aside}

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """The values of facts that count and of the profile, by name, as expressions ask for them."""
        profile = {f"profile.{name}": value for name, value in self.profile.items()}
        return profile | {fact.name: fact.value for fact in self.counting.values() if fact.value is not None}

    def condition_meaning(self, name: str) -> str:
        """What a condition of the lens means, in the lens's own words; its name where it does not say."""
        conditions = self.lens.document.get("conditions") or {}
        entry = conditions.get(name) or {}
        return str(entry.get("meaning") or name.replace("_", " "))

    def number(self, name: str) -> float | None:
        """The value of a fact that counts, if it is a number."""
        fact = self.counting.get(name)
        value = None if fact is None else fact.value
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    @property
    def forecast(self) -> Mapping[str, Any]:
        """The forecast; empty where no capacity was measured."""
        forecast: Mapping[str, Any] = self.document.get("forecast") or {}
        return forecast

    def score(self, pillar: str) -> Mapping[str, Any]:
        """The score of a pillar, with `refused` where there is none."""
        score: Mapping[str, Any] = self.document["scores"]["pillars"][pillar]
        return score

    @cached_property
    def set_aside(self) -> Mapping[str, str]:
        """Why a fact does not count, by its identity (see `identity`)."""
        return {identity(entry["fact"]): str(entry["why"]) for entry in self.document.get("set_aside") or ()}

    @cached_property
    def runs(self) -> Sequence[Mapping[str, Any]]:
        """All runs, newest first, with what of them is of the right kind."""
        runs = self.document.get("runs") or ()
        return tuple(read_run(run) for run in runs if isinstance(run, Mapping))

    def newest(self, name: str) -> Mapping[str, Any]:
        """That part of the newest run that has it and can be trusted; empty where there is none."""
        for run in self.runs:
            found, about = run.get(name), run.get("run") or {}
            if isinstance(found, Mapping) and about.get("grade") == "valid":
                return found
        return {}

    @cached_property
    def run(self) -> Mapping[str, Any] | None:
        """The run that the load story tells: the newest with a capacity, else the newest of all."""
        for run in self.runs:
            if (run.get("capacity") or {}).get("rate_per_s") is not None:
                return run
        return self.runs[0] if self.runs else None

    def pillar_name(self, pillar: str | None) -> str:
        """The name of a pillar by its id."""
        return next((entry.name for entry in self.lens.pillars if entry.id == pillar), str(pillar or ""))

    def mark(self, pillar: str | None) -> PillarMark:
        """The shape that stands for a pillar."""
        place = next((at for at, entry in enumerate(self.lens.pillars) if entry.id == pillar), 0)
        return MARKS[place % len(MARKS)]

    def questions(self, pillar: str) -> list[Question]:
        """The questions of a pillar that apply or were said not to; not what the lens left out."""
        return [
            question
            for question in self.lens.questions
            if question.pillar == pillar and not self.claims.get(question.id, {}).get("out_of_scope")
        ]

    def chosen(self, question: Question) -> Choice | None:
        """The choice that was claimed, the highest of several."""
        claimed = self.claims.get(question.id, {}).get("choice")
        ids = claimed if isinstance(claimed, list) else [claimed]
        return next((choice for choice in reversed(question.choices) if choice.id in ids), None)

    def level(self, question: Question, choice: Choice | None) -> int | None:
        """The place of a choice on its ladder, from 0."""
        return None if choice is None else [entry.id for entry in question.choices].index(choice.id)


def identity(fact: Mapping[str, Any]) -> str:
    """What tells a fact from all others of the document; its numbers may be rounded in one place."""
    told = [fact.get(key) for key in ("name", "at", "state", "source")]
    return json.dumps(told, sort_keys=True, ensure_ascii=False)


def short(question: Question) -> str:
    """The short title of a question, or the beginning of it."""
    if question.short:
        return question.short
    return question.text if len(question.text) <= 60 else question.text[:57].rstrip() + "…"


def fact_value(fact: Fact) -> str:
    """The value of a fact with its interval and unit, for people."""
    if fact.value is None:
        return "unreadable"
    if isinstance(fact.value, bool):
        return "yes" if fact.value else "no"
    if isinstance(fact.value, str):
        return fact.value.replace("_", " ") if CATALOGUE[fact.name].type == "choice" else fact.value
    value = float(fact.value)
    if fact.unit == "bytes":
        return binary_bytes(value)
    if CATALOGUE[fact.name].type == "ratio" and fact.name.endswith(("_ratio", "_share")) and value <= 1.5:
        return percent(value) if value not in (0, 1) else f"{value * 100:.0f}{NO_BREAK}%"
    shown = amount(value)
    if (fact.low, fact.high) != (value, value) and (fact.low is not None or fact.high is not None):
        ends = ["?" if end is None else amount(end) for end in (fact.low, fact.high)]
        shown += f"{NO_BREAK}({ends[0]}–{ends[1]})"
    unit = {"1": "", "1/s": "req/s", "requests": "in flight"}.get(fact.unit, fact.unit)
    if value == 1 and unit.endswith("s") and len(unit) > 3 and unit != "series":
        unit = unit[:-1]
    return with_unit(shown, unit)


def fact_source(fact: Fact) -> str:
    """Where a fact comes from, for people: file and line, run, query or machine."""
    source = fact.source
    if source.file is not None:
        place = source.file if source.line is None else f"{source.file}, line {source.line}"
    elif source.run is not None and source.probe == "load":
        place = f"run {source.run}"
    elif source.query is not None:
        place = source.query
    else:
        place = source.probe
    if source.file is not None and source.query is not None:
        place += f", {source.query}"
    if source.machine is not None:
        place += f" on {source.machine}"
    return place


def sentence(text: str) -> str:
    """The text as a sentence: a capital first, a full stop at the end."""
    trimmed = capital(text.strip())
    return trimmed if not trimmed or trimmed[-1] in ".!?:…" else f"{trimmed}."
