"""CPU time of judging: the lens that comes along, all of it answered, with 150 facts.

    python benchmarks/judging/score.py [--repeat 20]

A peer that does as plain a piece of work, writing the resulting document by `json.dumps`, is timed between
the parts, so that what the machine does meanwhile touches all alike. Printed are the medians in ms of CPU
time, their ratios to the peer, and the aims: scoring 5 ms, actions 100 ms.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from assessments.actions import actions_of
from assessments.assessment import assess, rescored
from assessments.claims import answers_of
from assessments.evidence import weigh
from assessments.judging import Materials, judged_at
from assessments.lens import bundled_lens, named_facts
from assessments.scoring import scores_of
from assessments.states import judge
from probes.facts import CATALOGUE, Fact, FactName, Source

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FACTS = 150
PROFILE = {
    "target_kind": "http", "deploys_to": "k8s", "slo": "p99<=200ms,errors<=1%", "peak_per_s": 100,
    "target_peak_per_s": 140, "replicas": 3, "growth": {"workload": "8%..12%/month"},
    "price_per_replica_hour": 1.2,
}  # fmt: skip
GIVEN_ELSEWHERE = ("derived.", "history.", "profile.")


def value_of(entry: FactName, chance: random.Random) -> Any:
    """A value of the type of the fact."""
    return {
        "number": chance.uniform(0.1, 100),
        "ratio": chance.random(),
        "integer": chance.randint(1, 50),
        "boolean": chance.random() < 0.6,
        "choice": chance.choice(entry.choices or ("",)),
        "text": "text",
        "date": "2027-01-01",
    }[entry.type]


def materials() -> Materials:
    """Every question answered, and 150 facts: all that the lens asks for, then others, then older ones."""
    chance, lens = random.Random(1), bundled_lens()
    asked = [name for name in named_facts(lens) if name in CATALOGUE]
    names = [name for name in dict.fromkeys([*asked, *CATALOGUE]) if not name.startswith(GIVEN_ELSEWHERE)]
    facts = []
    for place in range(FACTS):
        entry = CATALOGUE[names[place % len(names)]]
        at = NOW - timedelta(days=1 + place // len(names), seconds=place)
        facts.append(Fact(entry.name, value_of(entry, chance), entry.unit, Source("test", run="r1"), at))
    claims = {question.id: chance.choice(question.choices).id for question in lens.questions}
    document = {"schema": "loadstone.answers/1", "profile": PROFILE, "answers": claims}
    return Materials("benchmark", "1", lens, answers_of(document, "answers"), tuple(facts))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=20)
    options = parser.parse_args()
    given = materials()
    judged = judged_at(given, NOW)
    evidence, lens, claims, profile = judged.evidence, judged.lens, given.answers.claims, judged.profile
    whole = assess(given, NOW)
    document = whole.to_json()

    def score() -> object:
        weighed = weigh(given.facts, NOW, profile.facts(), lens.expiry)
        return scores_of(lens, judge(lens, claims, weighed), weighed)

    parts: dict[str, tuple[Callable[[], object], float | None]] = {
        "json.dumps (the peer)": (lambda: json.dumps(document), None),
        "score: weigh, judge, add up": (score, 5.0),
        "  of it: judge, add up": (
            lambda: scores_of(lens, judge(lens, claims, evidence), evidence),
            None,
        ),
        "judged_at: with cross-checks, forecast": (lambda: judged_at(given, NOW), None),
        "actions of the lens": (
            lambda: actions_of(lens, judged.judgements, judged.scores, evidence),
            None,
        ),
        "assess: all of it, with levers": (lambda: assess(given, NOW), 100.0),
        "to_json": (whole.to_json, None),
        "rescored: read, judged, written": (lambda: rescored(document), None),
    }
    taken: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(options.repeat):
        for name, (work, _aim) in parts.items():
            begun = time.process_time()
            work()
            taken[name].append(1e3 * (time.process_time() - begun))
    peer = statistics.median(taken["json.dumps (the peer)"])
    size = len(json.dumps(document))
    print(f"{len(lens.questions)} questions, {len(given.facts)} facts, document of {size:,} bytes")
    print(f"{'':40}{'ms':>8}{'ratio':>8}{'aim ms':>8}")
    for name, (_, aim) in parts.items():
        middle = statistics.median(taken[name])
        print(f"{name:40}{middle:8.2f}{middle / peer:8.2f}{'' if aim is None else format(aim, '8g')}")


if __name__ == "__main__":
    main()
