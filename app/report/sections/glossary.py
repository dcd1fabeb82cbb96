"""The terms that occur in the report, as the field uses them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from app.report.model import (
    Block,
    Bullets,
    Callout,
    ClaimCard,
    Code,
    Columns,
    Definitions,
    Figure,
    Heading,
    Paragraph,
    Section,
    Table,
    Together,
    plain,
    text,
)
from app.report.words import cell_words

# term | what it is found by (none: the term) | meaning
_TERMS = """
arrival rate | offered | Requests that come in a second, whatever the service does.
autoscaler | autoscal | Something that adds and removes replicas by itself, such as a HorizontalPodAutoscaler.
band | fragile|limited|conditional | Fragile below 40, limited below 60, conditional below 80, else ready.
capacity | | The highest arrival rate of one replica at which its objective holds.
challenged | | A claim on which something casts doubt, without contradicting it.
claim | claim | A choice of the checklist that a person selected.
closed loop | closed loop|callers at once | Load by callers who each wait for the answer before asking again.
contradicted | | A claim that a measurement speaks against.
cap | capped|cap of | The most a pillar can score while a critical question is contradicted.
fact | fact | One observation with its source, its time and, where it is an estimate, its interval.
fleet | | All replicas that may run together.
GIL | GIL | The lock that lets one thread at a time run in a Python process.
goodput | | Throughput of those answers that keep the objective.
headroom | | How much more is carried than has to be, as a ratio.
interval | interval | The range that holds the true value in 95 of 100 such measurements.
knee | | Where more load stops giving more answers and gives more waiting.
lens | | A versioned checklist: pillars, questions, choices, what proves and what contradicts them.
milestone | | The assessment as it stood at a moment, kept to compare with.
objective (SLO) | objective | What the service promises: limits of response times and of errors.
open loop | | Load by a schedule: requests come when they are due, also when the service is slow.
p99 | p99 | The response time that 99 of 100 requests keep; p50 is the middle one.
planned use | % use|planned use | The share of a capacity that is planned for; the rest takes bursts.
proven | | The part of a score that measurements prove.
replica | replica | One running copy of the service.
response time | | From the moment a request was due until its answer was read.
saturation | saturat | The state in which more load gives no more answers.
scalability law | scalability law | Throughput by requests at once: contention σ, coherency κ.
service time | | From sending a request to its answer, without the waiting before.
supported | | The score before caps: proven points and the credited part of mere claims.
throughput | | Answers a second.
understated | | A claim that is less than what measurements prove.
weight | weight | How much a question counts within its pillar.
"""


def section(sections: Iterable[Section], number: str) -> Section:
    """The glossary of what stands in these sections."""
    said = "\n".join(_said(sections))
    items = tuple(
        (term, text(meaning))
        for term, pattern, meaning in _terms()
        if re.search(pattern, said, re.IGNORECASE)
    )
    return Section(
        "glossary",
        "Glossary",
        "The terms used here",
        (Definitions(items),),
        f"{number}  Glossary",
        new_page=False,
    )


def _terms() -> Iterator[tuple[str, str, str]]:
    for line in _TERMS.strip().splitlines():
        term, rest = line.split("|", 1)
        pattern, meaning = rest.rsplit("|", 1)
        found = pattern.strip() or re.escape(term.strip())
        yield (
            term.strip(),
            "|".join(
                rf"(?<!\w){part}" if part[0].isalpha() else re.escape(part) for part in found.split("|")
            ),
            meaning.strip(),
        )


def _said(sections: Iterable[Section]) -> Iterator[str]:
    for entry in sections:
        yield entry.title
        yield plain(entry.lead)
        for block in entry.blocks:
            yield from _words(block)


def _words(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            yield block.text
        case Paragraph():
            yield plain(block.text)
        case Bullets():
            yield from map(plain, block.items)
        case Callout():
            yield block.title
            yield from map(plain, block.text)
            yield from map(cell_words, block.foot)
        case Table():
            yield block.caption
            yield from (column.header for column in block.columns)
            yield from (cell_words(cell) for row in block.rows for cell in row)
        case Figure():
            yield f"{block.spec.title} {block.spec.caption}"
        case Columns():
            for column in block.columns:
                for inner in column:
                    yield from _words(inner)
        case Together():
            for inner in block.blocks:
                yield from _words(inner)
        case ClaimCard():
            yield f"{block.title} {block.state}"
            yield from map(plain, (block.claimed, block.measured, block.settled))
        case Definitions():
            yield from (f"{term} {plain(meaning)}" for term, meaning in block.items)
        case Code():
            yield block.title
        case _:
            yield ""
