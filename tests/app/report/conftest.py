"""A report with every kind of block, each in the ways it can be filled."""

from __future__ import annotations

import json
import re
import zlib
from base64 import a85decode
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.charts.spec import (
    Axis,
    Bar,
    BarChart,
    ChangeChart,
    DateRange,
    EffortChart,
    EffortPoint,
    Finding,
    FlameChart,
    Frame,
    Limit,
    RangeChart,
    ScoreChange,
    Series,
    XYChart,
)
from app.report.attachment import canonical_bytes, content_hash
from app.report.model import (
    Badge,
    BandBadge,
    Bullets,
    Callout,
    ClaimCard,
    Code,
    Column,
    Columns,
    Definitions,
    Figure,
    Heading,
    Mark,
    Paragraph,
    Report,
    Score,
    ScoreBar,
    Section,
    Span,
    Table,
    Together,
    text,
)
from assessments.assessment import assess
from assessments.claims import answers_of
from assessments.judging import Materials
from assessments.lens import load_lens
from probes.facts import Fact

DOCUMENT = {"schema": "loadstone.assessment/1", "assessment": {"name": "shop", "id": "1"}, "claims": []}


def bar_chart() -> BarChart:
    """Headroom against the target."""
    return BarChart(
        "No reserve at the target: 4 req/s short, 24 with one replica lost",
        (
            Bar("Peak today", 314, shown="314 req/s", kind="demand"),
            Bar("One replica", 198, 192, 203, "198 (192–203) req/s"),
            Bar("Three replicas at 70 % use", 416, 403, 426, "416 (403–426) req/s"),
            Bar("Three replicas, one lost, full use", 396, 384, 406, "396 (384–406) req/s"),
        ),
        420,
        "target peak 420 req/s",
        "Highest rate with p99 ≤ 200 ms and errors ≤ 1 %; whiskers are 95 % intervals.",
    )


def response_chart() -> XYChart:
    """Response time against rate."""
    rates = (25.0, 50.0, 75.0, 100.0, 125.0, 150.0, 175.0, 186.0, 192.0, 198.0, 204.0, 207.0)
    p99 = (37.0, 39.0, 42.0, 48.0, 60.0, 78.0, 110.0, 142.0, 168.0, 195.0, 245.0, 520.0)
    p50 = (14.0, 14.0, 14.5, 15.0, 17.0, 22.0, 35.0, 47.0, 57.0, 70.0, 98.0, 235.0)
    low, high = tuple(0.92 * value for value in p99), tuple(1.08 * value for value in p99)
    return XYChart(
        "p99 leaves the objective at 198 req/s (192–203)",
        Axis("offered, req/s"),
        Axis("Response time, ms (log scale)", "log"),
        (
            Series("p99", rates, p99, measured=True, low=low, high=high),
            Series("p50", rates, p50, style="s3"),
        ),
        (Limit(200, "objective p99 ≤ 200 ms"),),
        (Finding(198, "198 req/s", 192, 203, "192–203"),),
        caption="Response time from the due moment, open loop; 95 % intervals; 11,204 requests.",
    )


def flame_chart() -> FlameChart:
    """Where the time goes."""
    return FlameChart(
        "71 % of GIL samples are in ranking.rerank",
        (
            Frame("POST /recommend", "", 0, 0.0, 1.0),
            Frame("app.recommend", "app.py:31", 1, 0.0, 0.93),
            Frame("ranking.rerank", "ranking.py:88", 2, 0.0, 0.71, hot=True),
            Frame("features.join", "", 2, 0.71, 0.11),
        ),
        "py-spy, 1,412 samples holding the GIL at 198 req/s.",
    )


def effort_chart() -> EffortChart:
    """Effort against effect."""
    return EffortChart(
        "Most points cost one day each",
        (
            EffortPoint(1, "Memory limit", 1, 8, "circle"),
            EffortPoint(2, "Alert before the limit", 1, 8, "diamond"),
            EffortPoint(3, "Four worker processes", 3, 4, "square", "→ 2027-11-17"),
            EffortPoint(4, "Even out partitions", 8, 7, "triangle"),
        ),
        (("circle", "Infrastructure"), ("square", "Models"), ("triangle", "Data"), ("diamond", "Monitoring")),
        caption="Points by scoring again with the action done and proven.",
    )


def range_chart() -> RangeChart:
    """Dates of running out."""
    return RangeChart(
        "Five replicas buy 7 months, worker processes 8",
        (
            DateRange(
                "as it is", date(2027, 3, 14), date(2027, 2, 20), date(2027, 4, 11), "2027-03-14", True
            ),
            DateRange(
                "4: five replicas", date(2027, 10, 2), date(2027, 8, 20), date(2027, 11, 28), "2027-10-02"
            ),
        ),
        ((date(2027, 1, 15), "campaign"),),
        "Peak demand meets capacity at 70 % use.",
    )


def change_chart() -> ChangeChart:
    """Scores before and after."""
    return ChangeChart(
        "After all nine, 22 days: overall 71",
        (ScoreChange("Infrastructure", 53, 76), ScoreChange("Monitoring", 49, 71)),
        "Ring: now. Dot: every action done and proven.",
    )


def _page_one() -> Section:
    pillars = (
        (
            "Infrastructure",
            Score(48, 53, 73, 14),
            "53",
            " (48–73)",
            "limited",
            "Memory limit claim contradicted.",
        ),
        ("Models", Score(60, 71, 80), "71", " (60–80)", "conditional", "Budget and precision proven."),
        ("Data", Score(50, 64, 78), "64", " (50–78)", "conditional", "Half of the credit rests on claims."),
        ("Monitoring", Score(45, 49, 70, 17), "49", " (45–70)", "limited", "Lowest: sets the overall score."),
    )
    return Section(
        "summary",
        "summary",
        "shop recommender",
        (
            Callout(
                "Not ready for 420 req/s",
                (
                    text(
                        "Three replicas are all the policy allows; with one lost, the other two hold "
                        "396 req/s at the very edge of p99 ≤ 200 ms. A replica is likely to be lost, because "
                        "its memory limit is 1.05 × the measured peak."
                    ),
                ),
                "bad",
                (
                    text(Span("49", "strong"), " of 100 overall, set by Monitoring"),
                    BandBadge("limited"),
                    text(Span("mean of pillars 59", "muted")),
                ),
            ),
            Figure(bar_chart(), 105),
            Heading("Two pillars are limited"),
            Table(
                (
                    Column(""),
                    Column("", 1.2),
                    Column("score (proven–claimed)"),
                    Column(""),
                    Column("", 1.0),
                ),
                tuple(
                    (
                        text(Span(name, "strong")),
                        score,
                        text(Span(number, "strong"), Span(span, "muted")),
                        BandBadge(band),
                        text(Span(why, "muted")),
                    )
                    for name, score, number, span, band, why in pillars
                ),
                dense=True,
            ),
            Columns(
                (
                    (
                        Paragraph(text(Span("What breaks first", "muted")), "small"),
                        Heading("The GIL, in ranking.rerank", 3),
                        Paragraph(
                            text("Held 97 % of the time at 198 req/s, 71 % of its samples in one function.")
                        ),
                    ),
                    (
                        Paragraph(text(Span("When it runs out", "muted")), "small"),
                        Heading("2027-03-14", 3),
                        Paragraph(
                            text("Between 02-20 and 04-11 (95 %). Peak demand grows 8 % (± 1.2 %) a month.")
                        ),
                    ),
                    (
                        Paragraph(text(Span("How much was measured", "muted")), "small"),
                        Heading("61 % of the weight", 3),
                        Table(
                            (Column(""), Column("")),
                            (
                                (Badge("verified", 21), Badge("partly", 8)),
                                (Badge("claimed", 19), Badge("contradicted", 4)),
                                (Badge("understated", 1), Badge("unanswered", 2)),
                            ),
                            dense=True,
                        ),
                    ),
                ),
                ruled=True,
            ),
            Heading("Three actions with most effect"),
            Table(
                (
                    Column(""),
                    Column("Action", 1.6),
                    Column("Effort"),
                    Column("Effect", 1.4),
                    Column("Price of it", 1),
                ),
                (
                    (
                        text(Span("1", "muted")),
                        text(Span("Raise the memory limit to 1,830 MiB", "strong")),
                        text("1 day"),
                        text("infrastructure 53 → 61"),
                        text(Span("294 MiB a replica", "muted")),
                    ),
                    (
                        text(Span("2", "muted")),
                        text(Span("Alert at 149 req/s a replica, before the objective is lost", "strong")),
                        text("1 day"),
                        text("monitoring 49 → 57"),
                        text(Span("1 more page a month", "muted")),
                    ),
                ),
            ),
            Paragraph(text("All nine are in ", Span("the plan", link="#plan", page=True), "."), "small"),
        ),
    )


def _load_story() -> Section:
    return Section(
        "load",
        "The load story",
        "One replica stops at 198 req/s because one Python process holds the GIL",
        (
            Figure(response_chart(), 190, 1),
            Columns(((Figure(range_chart(), 110, 2),), (Figure(change_chart(), 110, 3),))),
            Figure(flame_chart(), 90, 4),
            Callout(
                "Limited by this client, not by the target",
                (text("412 requests were sent more than 1 ms late at 21,000 req/s."),),
                "warn",
            ),
        ),
        "2  The load story",
        text("Up to 150 req/s the service answers in 76 ms at p99. Above 207 req/s no more is answered."),
    )


def _pillar() -> Section:
    facts = Table(
        (Column("Fact"), Column("Value", align="right"), Column("Source", 1)),
        (
            (
                text("infra.memory_limit"),
                text(Span("1,536 MiB", "strong")),
                text("deploy/recommender.yaml, line 41"),
            ),
            (text("process.rss_peak"), text(Span("1,463 MiB", "strong")), text("run 7, step at 198 req/s")),
        ),
    )
    states = (
        "verified",
        "partly",
        "claimed",
        "challenged",
        "understated",
        "unsure",
        "unanswered",
        "not_applicable",
    )
    rows = tuple(
        (
            text(Span(f"INF-{number:02}", "muted")),
            text(f"Highest load of one replica, question {number}"),
            text("measured quarterly"),
            Badge(states[number % len(states)]),  # type: ignore[arg-type]
            text(Span("198 (192–203) req/s, run 7", "muted")),
        )
        for number in range(1, 41)
    )
    return Section(
        "infrastructure",
        "Infrastructure",
        "Infrastructure: 53 of 100, proven 48, claimed 73",
        (
            ScoreBar(Score(47.73, 53.41, 72.73, 13.64), 0.0, 27.27),
            Paragraph(text("17 questions, 16 apply. Every point is in exactly one part."), "small"),
            Heading("Two claims are contradicted by evidence", anchor="contradicted"),
            *(
                ClaimCard(
                    state,
                    question,
                    "weight 3",
                    "−8 points",
                    "The memory limit does not leave the claimed margin",
                    text("Level 3: set from a ramp to the knee plus a stated margin."),
                    text("The limit is 1.05 × the peak. Level 3 needs 1.10, and 1.20 to be proven."),
                    facts,
                    text("limit 1,830 MiB (1.25 × peak), then a run to the knee. Infrastructure 53 → 61."),
                    anchor=question,
                )
                for state, question in (("contradicted", "INF-08"), ("challenged", "INF-03"))
            ),
            Heading("The other claims, proven first", badge=BandBadge("ready")),
            Table(
                (
                    Column(""),
                    Column("Question", 1.4),
                    Column("Claim", 1),
                    Column("Verdict"),
                    Column("Evidence", 1.2),
                ),
                rows,
                "Proven first.",
                anchors=tuple(f"row-{number}" for number in range(40)),
                dense=True,
            ),
        ),
        "3.1  Pillars",
        band="limited",
    )


def _plan() -> Section:
    return Section(
        "plan",
        "Plan",
        "Three days of work lift the overall score from 49 to 61",
        (
            Figure(effort_chart(), 180, 5),
            Table(
                (Column(""), Column("Action", 1), Column(""), Column("Points", align="right")),
                (
                    (text("1"), text(Span("Memory limit 1,830 MiB", "strong")), Mark("circle"), text("+8")),
                    (text("2"), text("Even out user partitions"), Mark("triangle"), text("+7")),
                    (
                        text("3"),
                        text("A pillar that has no score"),
                        Mark("square"),
                        Score(refused="58 % answered"),
                    ),
                ),
            ),
            Table((Column("Nothing"),), (), empty="No action is left."),
            Bullets((text("One point."), text("Another, with ", Span("a contradiction", "bad"), "."))),
            Code(
                "apiVersion: autoscaling/v2\nspec:\n  minReplicas: 3\n  # 198 × 0.7 = 138.6\n",
                "HorizontalPodAutoscaler",
            ),
            Together((Heading("What it means", 3), Definitions((("SLO", text("The objective.")),)))),
            Paragraph(
                text(
                    "See ",
                    Span("the site", link="https://example.org/a"),
                    " and ",
                    Span("page one", link="#summary", page=True),
                )
            ),
        ),
        "5  The plan",
        text("Actions 1, 2 and 3 take one day each."),
    )


def _glossary() -> Section:
    return Section(
        "glossary",
        "Glossary",
        "Words",
        (
            Definitions(
                tuple(
                    (f"term {number}", text("The highest arrival rate at which the objective holds. " * 2))
                    for number in range(12)
                )
            ),
        ),
        level=2,
        new_page=False,
    )


@pytest.fixture(scope="session")
def data() -> bytes:
    """The canonical bytes of a small document."""
    return canonical_bytes(DOCUMENT)


def every_block(data: bytes) -> Report:
    """Every kind of block."""
    return Report(
        "shop recommender",
        "Scalability readiness before the winter campaign of 2027-01-15. Assessed 2026-11-23, probe run 7.",
        "2026-11-23",
        "0.1.0",
        content_hash(data),
        (_page_one(), _load_story(), _pillar(), _plan(), _glossary()),
        "The data is inside this file: loadstone verify FILE.pdf scores it again.",
        keywords=("scalability", "capacity"),
    )


@pytest.fixture(scope="session")
def kitchen_sink(data: bytes) -> Report:
    """A report with every kind of block."""
    return every_block(data)


LENS = """
schema: loadstone.lens/1
name: small
title: Small
version: 1.0.0
pillars:
- {id: infrastructure, name: Infrastructure}
- {id: data, name: Data}
questions:
- id: INF-08
  pillar: infrastructure
  weight: 3
  short: Memory limits
  question: Where do the memory limits of a replica come from?
  choices:
  - {id: INF_08_no, value: 0, text: There are none}
  - {id: INF_08_a, value: 0.5, text: Set by hand, verified_by: infra.kubernetes.memory_limit_bytes > 0}
  - id: INF_08_b
    value: 1
    text: "=set from a ramp"
    verified_by: infra.kubernetes.memory_limit_bytes > 1000000
    contradicted_by: infra.kubernetes.memory_limit_bytes < 1000000
- id: INF-12
  pillar: infrastructure
  weight: 3
  short: Replicas
  question: How many replicas run?
  choices:
  - {id: INF_12_no, value: 0, text: One}
  - {id: INF_12_a, value: 1, text: "Two, or more", verified_by: infra.kubernetes.replicas >= 2}
- id: INF-14
  pillar: infrastructure
  weight: 1
  short: Accelerators
  question: Are accelerators shared?
  choices:
  - {id: INF_14_no, value: 0, text: "No"}
  - {id: INF_14_a, value: 1, text: "Yes", unprovable: no probe reads devices}
- id: DAT-01
  pillar: data
  weight: 2
  short: Ingestion
  question: How does ingestion keep up?
  choices:
  - {id: DAT_01_no, value: 0, text: It does not}
  - {id: DAT_01_a, value: 1, text: It is watched, unprovable: no probe reads lag}
- id: DAT-02
  pillar: data
  weight: 2
  short: Sampling
  question: Is data sampled?
  choices:
  - {id: DAT_02_no, value: 0, text: "No"}
  - {id: DAT_02_a, value: 1, text: "Yes", unprovable: no probe reads samples}
"""
ANSWERS = {
    "INF-08": {"choice": "INF_08_b", "note": "-1+1, see <b>the wiki</b>"},
    "INF-12": "INF_12_a",
    "INF-14": {"not_applicable": "no GPUs anywhere"},
    "DAT-01": "DAT_01_a",
    "DAT-02": "unsure",
}


def judged() -> dict[str, Any]:
    """A `loadstone.assessment/1` document: one claim contradicted, one verified, one claimed, one unsure."""
    at = "2026-11-25T12:00:00+00:00"
    source = {"probe": "kubernetes", "file": "deploy.yaml", "line": 12}
    values = (("memory_limit_bytes", 64_000, "bytes"), ("replicas", 3, "replicas"))
    facts = (
        {
            "name": f"infra.kubernetes.{name}",
            "value": value,
            "unit": unit,
            "state": "read",
            "at": at,
            "source": source,
        }
        for name, value, unit in values
    )
    materials = Materials(
        name="shop",
        id="a1",
        title="Shop <recommender>",
        lens=load_lens(LENS.encode(), "lens.yaml"),
        answers=answers_of({"schema": "loadstone.answers/1", "profile": {}, "answers": ANSWERS}, "answers"),
        facts=tuple(map(Fact.from_json, facts)),
    )
    return assess(materials, datetime(2026, 11, 26, tzinfo=UTC)).to_json()


@pytest.fixture
def shop() -> dict[str, Any]:
    """A document that no other test has changed."""
    read: dict[str, Any] = json.loads(json.dumps(judged()))
    return read


def page_streams(pdf: bytes) -> list[str]:
    """The instructions of each page, in order."""
    found = re.findall(
        rb"/Filter \[ /ASCII85Decode /FlateDecode \][^>]*>>\s*stream\r?\n(.*?)endstream", pdf, re.S
    )
    pages = []
    for stream in found:
        code = zlib.decompress(_ascii85(stream))
        if b" Tf" in code:
            pages.append(code.decode("latin-1"))
    return pages


def _ascii85(stream: bytes) -> bytes:
    return a85decode(stream.strip().removesuffix(b"~>"))


def words_in(code: str) -> str:
    """The ASCII text that instructions write, a line a piece."""
    pieces = re.findall(r"\(((?:\\.|[^()\\])*)\) Tj", code)
    return "\n".join(
        re.sub(r"\\([0-7]{3})|\\(.)", lambda found: found[2] or chr(int(found[1], 8)), piece)
        for piece in pieces
    )


@pytest.fixture(scope="session")
def text_of() -> Callable[[bytes], str]:
    """The text of all pages of a PDF, as far as it is ASCII."""
    return lambda pdf: "\n".join(map(words_in, page_streams(pdf)))


@pytest.fixture(scope="session")
def pages_of() -> Callable[[bytes], list[str]]:
    """The text of each page of a PDF, as far as it is ASCII."""
    return lambda pdf: list(map(words_in, page_streams(pdf)))
