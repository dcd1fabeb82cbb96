"""The report as a document: sections of blocks, without a page, a colour or a file format.

`sections/` makes it from a `loadstone.assessment/1` document; `pdf.py`, `html.py` and `markdown.py` draw it.
What stands here is what all of them can show; text may come from a person or a file, and is never markup.

    Report ─< Section ─< Block      Heading, Paragraph, Bullets, Callout, Table, Figure, Columns, ScoreBar,
                                    ClaimCard, Code, Definitions

Text is a tuple of spans. Colours are roles (see `app.charts.tokens`); links go to the `anchor` of a section
or a block (`#evidence`), or to a web address.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["", "strong", "muted", "ok", "warn", "bad", "accent"]
Align = Literal["left", "right", "centre"]
State = Literal[
    "verified",
    "partly",
    "claimed",
    "challenged",
    "understated",
    "contradicted",
    "unsure",
    "unanswered",
    "not_applicable",
]
Band = Literal["fragile", "limited", "conditional", "ready"]
PillarMark = Literal["circle", "square", "triangle", "diamond"]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text and what it means. `link` is `#anchor` or a web address.

    `page` adds the page of the anchor where there are pages: `the plan (page 18)`.
    """

    text: str
    role: Role = ""
    link: str | None = None
    page: bool = False


Text = tuple[Span, ...]
"""Spans that follow each other without a space of their own."""


def text(*parts: str | Span) -> Text:
    """Plain and marked parts as one text; empty parts are left out."""
    spans = (part if isinstance(part, Span) else Span(part) for part in parts)
    return tuple(span for span in spans if span.text)


def plain(of: Text) -> str:
    """The text without its marks."""
    return "".join(span.text for span in of)


@dataclass(frozen=True, slots=True)
class Badge:
    """The state of a claim: its sign with its word."""

    state: State
    count: int | None = None


@dataclass(frozen=True, slots=True)
class BandBadge:
    """One of the four bands: its meter with its word."""

    band: Band


@dataclass(frozen=True, slots=True)
class Mark:
    """The shape that stands for a pillar."""

    shape: PillarMark


@dataclass(frozen=True, slots=True)
class Score:
    """The parts of a score, 0 to 100, for the glyph; `refused` is the sentence why there is none."""

    proven: float = 0.0
    supported: float = 0.0
    claimed: float = 0.0
    contradicted: float = 0.0
    refused: str | None = None


Cell = Text | Badge | BandBadge | Mark | Score
"""What a cell of a table shows; a `Score` is drawn as its small glyph."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `share` is its part of the width; 0 takes what the widest cell needs."""

    header: str
    share: float = 0.0
    align: Align = "left"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within a section; it stays with what follows."""

    text: str
    level: Literal[2, 3] = 2
    anchor: str | None = None
    badge: BandBadge | None = None


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph: `lead` larger, `small` for figure lines and remarks."""

    text: Text
    style: Literal["body", "lead", "small"] = "body"


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of points."""

    items: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Callout:
    """A block with a bar at its left: the finding of page one, a notice. `foot` is a row of cells below."""

    title: str
    text: tuple[Text, ...]
    role: Literal["bad", "warn", "ok", "ink"] = "ink"
    foot: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table; its head repeats on every page, and a row never splits. `empty` is shown without rows."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    empty: str = ""
    anchors: tuple[str | None, ...] = ()
    dense: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart (any spec of `app.charts.spec`) with its title and line of method. `height` in points."""

    spec: Any
    height: float = 150.0
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """Blocks side by side, in equal columns; `ruled` draws a line between them."""

    columns: tuple[tuple[Block, ...], ...]
    ruled: bool = False


@dataclass(frozen=True, slots=True)
class ScoreBar:
    """A score as a wide glyph with each of its parts labelled: proven, credited, not proven, contradicted,
    unanswered, not done."""

    score: Score
    unanswered: float = 0.0
    not_done: float = 0.0


@dataclass(frozen=True, slots=True)
class ClaimCard:
    """A claim that evidence speaks against: claimed, measured, the facts, what settles it."""

    state: State
    question: str
    weight: str
    points: str
    title: str
    claimed: Text
    measured: Text
    facts: Table | None = None
    settled: Text = ()
    anchor: str | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """A file to apply, shown as it is."""

    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Definitions:
    """Terms with what they mean."""

    items: tuple[tuple[str, Text], ...]


@dataclass(frozen=True, slots=True)
class Together:
    """Blocks that stay on one page where that is possible."""

    blocks: tuple[Block, ...]


Block = (
    Heading
    | Paragraph
    | Bullets
    | Callout
    | Table
    | Figure
    | Columns
    | ScoreBar
    | ClaimCard
    | Code
    | Definitions
    | Together
)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report with a bookmark of its own.

    `name` stands in the bookmark and in the page's head, `kicker` small above the title (`2  The load
    story`), `title` says the finding. `level` 2 is a part of the section before it. The first section is page
    one: it has no kicker, and its title is the report's.
    """

    anchor: str
    name: str
    title: str
    blocks: tuple[Block, ...]
    kicker: str = ""
    lead: Text = ()
    band: Band | None = None
    level: Literal[1, 2] = 1
    new_page: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    """The whole report. `content_hash` is the SHA-256 of the attached data; `date` that of `as_of`."""

    title: str
    subtitle: str
    date: str
    version: str
    content_hash: str
    sections: tuple[Section, ...]
    foot: str = ""
    language: str = "en"
    keywords: tuple[str, ...] = field(default=())
